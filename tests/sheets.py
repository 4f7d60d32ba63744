"""Sheets of every exercise that ships, looked at from outside: `python -m tests.sheets --count 200`.

The oracle computes an output by mpmath at 60 digits, from formulas that Python's own parser reads or,
over arrays, from loops that stand here; a gradient is a difference quotient of that, so no rule of
ours is asked. That short numbers are so exactly is seen in Fractions.
"""

import argparse
import ast
import json
import operator
from collections import Counter
from fractions import Fraction
from typing import Any

import mpmath

import backprop_grammar as bp
from backprop_grammar.quiz.exercises import EXERCISES
from tests.arrays import all_of, gradients, times
from tests.support import call

DIGITS = 60
STEP = mpmath.mpf(10) ** -20

Stages = list[tuple[str, str]]

FUNCTIONS = {
    "exp": mpmath.exp,
    "log": mpmath.log,
    "tanh": mpmath.tanh,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "relu": lambda x: max(x, mpmath.mpf(0)),
    "max": max,
}

SIGNS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: lambda x, n: x ** int(n),
}


def squares(x: Any) -> Any:
    return mpmath.fsum(one**2 for one in all_of(x))


def total_exp(z: Any) -> Any:
    return mpmath.fsum(map(mpmath.exp, z))


ARRAYS = {
    "product-of-matrices": lambda **at: mpmath.fsum(all_of(times(at["X"], at["W"]))),
    "squared-length": lambda **at: squares(times(at["W"], at["x"])),
    "affine": lambda **at: (
        squares(
            [[y + c for y, c in zip(row, at["b"], strict=True)] for row in times(at["X"], at["W"])]
        )
        / 2
    ),
    "softmax": lambda z, y: (
        mpmath.fsum(b * mpmath.exp(a) for a, b in zip(z, y, strict=True)) / total_exp(z)
    ),
    "cross-entropy": lambda z, t: mpmath.log(total_exp(z)) - z[int(t)],
}
"""The exercises over arrays, written out."""


def calculated(text: str, names: dict[str, Any]) -> Any:
    """A formula of an exercise over numbers, as Python reads it."""

    def of(node: Any) -> Any:
        match node:
            case ast.BinOp(left, op, right):
                return SIGNS[type(op)](of(left), of(right))
            case ast.UnaryOp(ast.USub(), operand):
                return -of(operand)
            case ast.Call(ast.Name(name), operands):
                return FUNCTIONS[name](*map(of, operands))
            case ast.Name(name):
                return names[name]
            case ast.Constant(number):
                return mpmath.mpf(number)
        raise AssertionError(ast.dump(node))

    return of(ast.parse(text.replace("^", "**"), mode="eval").body)


def values_of(stages: Stages, inputs: dict[str, Any], held: str = "", number: Any = None) -> Any:
    """The values of all nodes; one of them is held at a number."""
    names = dict(inputs)
    if held:
        names[held] = number
    for name, text in stages:
        if name != held:
            names[name] = calculated(text, names)
    return names


def truths(stages: Stages, inputs: dict[str, Any]) -> dict[tuple[str, str], Any]:
    """The value of every node, and the derivative of the output by it."""
    output = stages[-1][0]
    values = values_of(stages, inputs)
    found = {("values", name): x for name, x in values.items()}
    for name, x in values.items():
        high, low = (values_of(stages, inputs, name, x + s * STEP)[output] for s in (1, -1))
        found["gradients", name] = (high - low) / (2 * STEP)
    return found


def truths_of_arrays(exercise: str, inputs: dict[str, Any]) -> dict[tuple[str, str], Any]:
    """The derivatives by the elements of the inputs."""
    _, found = gradients(ARRAYS[exercise], inputs, ("t",) if "t" in inputs else ())
    return {
        ("gradients", f"{name}[{','.join(map(str, place))}]"): mpmath.mpf(slope)
        for name, slopes in found.items()
        for place, slope in slopes.items()
    }


def rounded(trace: Any) -> dict[str, float]:
    """The gradients of a person who rounds every line to 3 digits, by rule, from values so rounded."""

    def three(x: float) -> float:
        return float(f"{x:.3g}")

    totals = {trace.output: 1.0}
    for node in reversed(trace.nodes):
        up = three(totals.get(node.name, 0.0))
        for edge in node.edges:
            totals[edge.operand] = totals.get(edge.operand, 0.0) + three(up * three(edge.local))
    return totals


PLAIN = {"add", "sub", "mul", "div", "neg", "identity", "sum", "max", "min", "relu", "abs"}
"""What makes short numbers of short ones, and squares."""


def promised(trace: bp.Trace) -> set[tuple[str, str]]:
    """The values and gradients that are promised to be short: those of PLAIN and squares alone."""
    values: set[str] = set()
    for node in trace.nodes:
        square = node.operation == "pow" and node.operands[1] in ("2", "3")
        leaf = node.kind in ("variable", "constant")
        if leaf or ((square or node.operation in PLAIN) and values.issuperset(node.operands)):
            values.add(node.name)
    spoiled: set[str] = set()
    for node in reversed(trace.nodes):
        if node.name in spoiled or node.name not in values:
            spoiled.update(node.operands)
    gradients = {node.name for node in trace.nodes} - spoiled
    return {("values", name) for name in values} | {("gradients", name) for name in gradients}


def judged(exercise: str, document: dict[str, Any], found: Counter[str]) -> None:
    """Look at the sheets of a quiz."""
    program = bp.Program(document["program"])
    graph = program.record
    for variant in document["variants"]:
        found["sheets"] += 1
        trace = program.at(variant["at"])
        if graph.arrays:
            right = truths_of_arrays(exercise, variant["at"])
            shaky, plain = {}, set[tuple[str, str]]()
        else:
            stages = [(node.name, node.formula) for node in trace.nodes if node.edges]
            right = truths(stages, {k: mpmath.mpf(x) for k, x in variant["at"].items()})
            shaky, plain = rounded(trace), promised(trace)
        for blank in variant["blanks"]:
            what, answer = (blank["kind"], blank["node"]), blank["answer"]
            found["blanks"] += 1
            if what in right:
                found["answers held against the oracle"] += 1
                off = abs(right[what] - mpmath.mpf(answer))
                found["answers that are wrong"] += bool(off > 1e-14 * max(1, abs(right[what])))
            short = (Fraction(blank["text"]) * 1000).denominator == 1
            exactly = Fraction(blank["text"]) == Fraction(repr(answer))
            found["promised short, and not short"] += (what in plain or blank["exact"]) and not (short and exactly)  # fmt: skip
            if what[0] == "gradients" and what[1] in shaky and not blank["exact"]:
                off = abs(shaky[what[1]] - answer)
                found["verdicts that rounding each line changes"] += off > 0.01 * abs(answer)
            numbers = [answer, *[wrong["number"] for wrong in blank["wrongs"]]]
            found["wrong numbers"] += len(blank["wrongs"])
            found["wrong numbers within 2 % of another"] += sum(
                abs(x - y) <= 0.02 * max(abs(x), abs(y))
                for k, x in enumerate(numbers)
                for y in numbers[:k]
            )
            found["wrong numbers of two mistakes, which say so"] += sum(
                bool(wrong["also"]) for wrong in blank["wrongs"]
            )
        found["kinks and ties"] += len([n for n in trace.notes if n.kind in ("kink", "tie", "boundary")])  # fmt: skip
        found["sheets on which two common mistakes are alike, which say so"] += any(
            text.startswith("the same") for text in variant["untold"]
        )


def sheets(count: int, seed: int) -> Counter[str]:
    """What is found on so many sheets, about as many of each exercise."""
    found: Counter[str] = Counter()
    each, more = divmod(count, len(EXERCISES))
    with mpmath.workdps(DIGITS):
        for place, name in enumerate(EXERCISES):
            many = each + (place < more)
            if many:
                asked = ["--seed", str(seed), "--count", str(many), "--blank", "both", "--json"]
                code, out, err = call("quiz", name, *asked)
                assert code == 0, err
                judged(name, json.loads(out), found)
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    for what, number in sheets(given.count, given.seed).items():
        print(f"{number:8,} {what}")
