"""Large programs of four shapes, and the same expressions for other libraries.

An expression that is built by Python's operators over any kind of scalar is built once for all
peers, and the programs are its text. What is right comes from neither: every shape has gradients
that are known on paper.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Functions = Mapping[str, Callable[[Any], Any]]


@dataclass(frozen=True, slots=True)
class Program:
    """A program, its point, how many nodes its tape has, and the right answer."""

    text: str
    at: dict[str, float]
    nodes: int
    value: float
    gradients: dict[str, float]

    def holds(self, value: float, gradients: Mapping[str, float]) -> bool:
        """Whether an answer is the right one, to nine digits."""
        return math.isclose(value, self.value, rel_tol=1e-9) and all(
            math.isclose(gradients[name], right, rel_tol=1e-9)
            for name, right in self.gradients.items()
        )


@dataclass(frozen=True, slots=True)
class Shape:
    """units: of how many parts a program of so many nodes consists."""

    meaning: str
    units: Callable[[int], int]
    program: Callable[[int], Program]
    build: Callable[[int, Mapping[str, Any], Functions], Any]


def scale(unit: int) -> float:
    """What makes one neuron of a sum unlike the next; exact in binary."""
    return 1 + unit % 7 / 8


def wide_program(units: int) -> Program:
    at = {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0}
    w0, x0, w1, x1, w2 = at.values()
    sigmoids = [1 / (1 + math.exp(-(w0 * x0 * scale(k) + w1 * x1 + w2))) for k in range(units)]
    slopes = [s * (1 - s) for s in sigmoids]
    total = math.fsum(slopes)
    scaled = math.fsum(slope * scale(k) for k, slope in enumerate(slopes))
    return Program(
        " + ".join(f"1/(1 + exp(-(w0*x0*{scale(unit)} + w1*x1 + w2)))" for unit in range(units)),
        at,
        13 * units + 4,
        math.fsum(sigmoids),
        {"w0": x0 * scaled, "x0": w0 * scaled, "w1": x1 * total, "x1": w1 * total, "w2": total},
    )


def wide(units: int, at: Mapping[str, Any], functions: Functions) -> Any:
    w0, x0, w1, x1, w2 = at.values()
    exp = functions["exp"]
    total = 1 / (1 + exp(-(w0 * x0 * scale(0) + w1 * x1 + w2)))
    for unit in range(1, units):
        total = total + 1 / (1 + exp(-(w0 * x0 * scale(unit) + w1 * x1 + w2)))
    return total


def deep_program(units: int) -> Program:
    text = "relu(1 + " * units + "x" + ")" * units
    return Program(text, {"x": 0.5}, 3 * units + 1, units + 0.5, {"x": 1.0})


def deep(units: int, at: Mapping[str, Any], functions: Functions) -> Any:
    relu, out = functions["relu"], at["x"]
    for _ in range(units):
        out = relu(1 + out)
    return out


def staged_program(units: int) -> Program:
    stages = ["s0 = x", *(f"s{k} = s{k - 1}*x + 1" for k in range(1, units + 1))]
    slope = units * (units + 1) / 2
    return Program("; ".join(stages), {"x": 1.0}, 3 * units + 2, units + 1.0, {"x": slope + 1})


def staged(units: int, at: Mapping[str, Any], functions: Functions) -> Any:
    x = out = at["x"]
    for _ in range(units):
        out = out * x + 1
    return out


def rounded_program(units: int) -> Program:
    value, slope = 1.0, 1.0
    for _ in range(units):
        value, slope = math.sin(value), slope * math.cos(value)
    return Program("sin(" * units + "x" + ")" * units, {"x": 1.0}, units + 1, value, {"x": slope})


def rounded(units: int, at: Mapping[str, Any], functions: Functions) -> Any:
    sin, out = functions["sin"], at["x"]
    for _ in range(units):
        out = sin(out)
    return out


SHAPES = {
    "wide": Shape("a sum of sigmoid neurons", lambda n: n // 13, wide_program, wide),
    "deep": Shape("relu(1 + relu(1 + ... x))", lambda n: n // 3, deep_program, deep),
    "staged": Shape("s1 = s0*x + 1; s2 = s1*x + 1; ...", lambda n: n // 3, staged_program, staged),
    "rounded": Shape("sin(sin(... x)): every call rounds", lambda n: n, rounded_program, rounded),
}


@dataclass(frozen=True, slots=True)
class Growing:
    """Programs of one shape that carry their point: text(parts). smallest: the first size that is
    timed. without: commands that have nothing to do there."""

    meaning: str
    text: Callable[[int], str]
    smallest: int = 100
    without: tuple[str, ...] = ()


def with_point(program: Program) -> str:
    """The text of a program with the values of its point before it."""
    return "\n".join([*(f"{name} = {x!r}" for name, x in program.at.items()), program.text])


def over_operands(function: str) -> Callable[[int], str]:
    def text(count: int) -> str:
        inputs = "".join(f"x{k} = {k % 97}.5\n" for k in range(count))
        return f"{inputs}{function}({', '.join(f'x{k}' for k in range(count))})"

    return text


def layers(step: str) -> Callable[[int], str]:
    """Stages h1, h2, ... of a formula over the layer before, called h."""

    def text(count: int) -> str:
        stages = [f"h{k} = {step.replace('h', f'h{k - 1}')}" for k in range(1, count + 1)]
        return "\n".join(["x = 0.5", "w = 0.9", "b = 0.1", "h0 = x + 0", *stages])

    return text


def nested(before: str, after: str, inner: str = "x") -> Callable[[int], str]:
    """before before ... x after after; {} in `before` is the level."""

    def text(count: int) -> str:
        opened = "".join(before.format(k) for k in range(count))
        return f"x = 0.5\n{opened}{inner}{after * count}"

    return text


def functions(count: int) -> str:
    """As many functions of the program, each called once."""
    defined = "".join(f"f{k}(u) = u*{k % 7 + 1} + {k % 5}\n" for k in range(count))
    return f"{defined}x = 0.5\n{' + '.join(f'f{k}(x)' for k in range(count))}"


def parameters(count: int) -> str:
    """One function of that many parameters."""
    names = [f"u{k}" for k in range(count)]
    inputs = "".join(f"x{k} = {k % 7}.5\n" for k in range(count))
    return f"{inputs}f({', '.join(names)}) = {' + '.join(names)}\nf({', '.join(f'x{k}' for k in range(count))})"


FOLD, SECOND = "eval --fold all", "derive --order 2"

GROWING = {
    **{
        name: Growing(
            shape.meaning, lambda n, shape=shape: with_point(shape.program(n)), 100, (FOLD, SECOND)
        )
        for name, shape in SHAPES.items()
    },
    **{
        name: Growing(f"{name}(x0, x1, ...)", over_operands(name), 100)
        for name in ("max", "min", "sum", "mean", "logsumexp")
    },
    "relu layers": Growing(
        "h1 = relu(w*h0 + b); ...", layers("relu(w*h + b)"), 100, (FOLD, SECOND)
    ),
    "max layers": Growing(
        "h1 = max(0.9*h0, x*h0); ...", layers("max(0.9*h, x*h)"), 10, (FOLD, SECOND)
    ),
    "nested max": Growing("max(1, max(1, ... x))", nested("max(1, ", ")"), 10, (FOLD, SECOND)),
    "nested clamp": Growing(
        "clamp(1 + clamp(1 + ... x, -9, 9), -9, 9)",
        nested("clamp(1 + ", ", -9, 9)"),
        10,
        (FOLD, SECOND),
    ),
    "nested if": Growing(
        "if(x < 0, 0*x, if(x < 1, 1*x, ...))",
        nested("if(x < {0}, {0}*x, ", ")"),
        100,
        (FOLD, SECOND),
    ),
    "functions": Growing("f0(x) + f1(x) + ...", functions, 100, (SECOND,)),
    "parameters": Growing("f(x0, x1, ...) of one block", parameters, 100, (SECOND,)),
}
"""Shapes of whose cost it is asked how it grows, a part being a unit, an operand, a level."""
