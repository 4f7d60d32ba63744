"""Programs grown from the table of operations, for tests that hold for every program.

A grown program knows two things that the code under test does not make: its text with all
parentheses written, and its graph built node by node.
"""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from backprop_grammar.language.graph import Condition, Function, Graph
from backprop_grammar.operations.table import VARIABLE
from tests.support import FUNCTIONS, OPERATIONS

Expression = tuple[Any, ...]
"""("number", 2.0), ("constant", "pi"), ("name", "x"), ("neg"/"infix", operation, ...operands),
("call", name, ...operands), ("if", comparison, left, right, then, otherwise)."""

VARIABLES = ("x", "y", "z", "w0", "_a", "alpha", "E", "n1")
PARAMETERS = ("u", "v", "x", "tau", "q")
STAGES = ("q", "r", "s_1", "pi", "loss")
OWN = ("f", "g", "h_2")
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "^"}

numbers = st.one_of(
    st.integers(-12, 12).map(float),
    st.sampled_from([0.5, 0.01, -0.1, 5e-324, -2.2250738585072014e-308, 1.7976931348623157e308]),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0.0),
)


@dataclass(frozen=True)
class Program:
    """Definitions and stages; the last stage may be without a name."""

    definitions: tuple[tuple[str, tuple[str, ...], Expression], ...]
    stages: tuple[tuple[str, Expression], ...]

    def text(self) -> str:
        lines = [
            f"{name}({', '.join(parameters)}) = {written(body)}"
            for name, parameters, body in self.definitions
        ]
        lines += [f"{name} = {written(e)}" if name else written(e) for name, e in self.stages]
        return "; ".join(lines)

    def graph(self) -> Graph:
        graph = Graph()
        for name, parameters, expression in self.definitions:
            body = Graph()
            for parameter in parameters:
                body.variable(parameter)
            body.stages.append(("", build(body, graph, expression, {})))
            graph.functions[name] = Function.of(name, parameters, body)
        staged: dict[str, int] = {}
        for name, expression in self.stages:
            node = build(graph, graph, expression, staged)
            if name:
                node = staged[name] = named(graph, name, node)
            graph.stages.append((name, node))
        return graph


def named(graph: Graph, name: str, node: int) -> int:
    number = graph.constants.get(node)
    if isinstance(number, float):
        del graph.constants[node]
        graph.operations[node] = VARIABLE
        graph.variables[name], graph.inputs[name] = node, number
    elif graph.operations[node].leaf or node in graph.names:
        node = graph.add(OPERATIONS["identity"], (node,))
    graph.names[node] = name
    return node


def build(tape: Graph, whole: Graph, e: Expression, staged: dict[str, int], region: int = 0) -> int:
    """The node of an expression, appended in the order in which it is read."""
    kind, *rest = e
    if kind == "number":
        return tape.constant(rest[0])
    if kind == "constant":
        if rest[0] not in staged:
            staged[rest[0]] = tape.constant(rest[0])
        return staged[rest[0]]
    if kind == "name":
        return staged[rest[0]] if rest[0] in staged else tape.variable(rest[0])
    if kind == "if":
        comparison, left, right, then, otherwise = rest
        test = Condition(
            build(tape, whole, left, staged, region), build(tape, whole, right, staged, region),
            comparison, region,
        )  # fmt: skip
        tape.conditions.append(test)
        k = len(tape.conditions) - 1
        first = build(tape, whole, then, staged, 2 * k + 1)
        second = build(tape, whole, otherwise, staged, 2 * k + 2)
        return tape.select(k, first, second, (0, 0), region)
    name, *inner = rest
    operands = tuple([build(tape, whole, operand, staged, region) for operand in inner])
    if kind == "call" and name in OWN:
        append = tape.inline if tape is whole else tape.call
        return append(whole.functions[name], operands, (0, 0), region)
    operation = FUNCTIONS[name] if kind == "call" else OPERATIONS[name]
    for value in operation.defaults[len(operands) - operation.arity[0] :]:
        operands += (tape.constant(value),)
    return tape.add(operation, operands, (0, 0), region)


def written(e: Expression) -> str:
    """An expression with every parenthesis."""
    kind, *rest = e
    if kind == "number":
        return f"(-{-rest[0]!r})" if rest[0] < 0 else repr(rest[0])
    if kind in ("constant", "name"):
        return rest[0]
    if kind == "neg":
        return f"(-{written(rest[1])})"
    if kind == "infix":
        return f"({written(rest[1])} {SIGNS[rest[0]]} {written(rest[2])})"
    if kind == "if":
        comparison, left, *more = rest
        right, then, otherwise = map(written, more)
        return f"if({written(left)} {comparison} {right}, {then}, {otherwise})"
    return f"{rest[0]}({', '.join(map(written, rest[1:]))})"


@st.composite
def expressions(draw, names=VARIABLES, constants=("pi", "e"), own=(), depth=4) -> Expression:
    """An expression over names, constants and functions of the program: (name, operands)."""
    kinds = ["number", "name", "name", "constant"]
    if depth:
        kinds += ["infix"] * 5 + ["neg", "call", "call", "if"] + ["own"] * 3 * bool(own)
    kind = draw(st.sampled_from(kinds))

    def inner(count):
        return tuple(
            draw(expressions(names, constants, own, draw(st.integers(0, depth - 1))))
            for _ in range(count)
        )

    if kind == "number" or (kind == "constant" and not constants):
        return "number", draw(numbers)
    if kind == "constant":
        return "constant", draw(st.sampled_from(constants))
    if kind == "name":
        return "name", draw(st.sampled_from(names))
    if kind == "neg":
        (operand,) = inner(1)
        return ("number", 0.0 - operand[1]) if operand[0] == "number" else ("neg", "neg", operand)
    if kind == "infix":
        return "infix", draw(st.sampled_from(sorted(SIGNS))), *inner(2)
    if kind == "if":
        return "if", draw(st.sampled_from(COMPARISONS)), *inner(4)
    if kind == "own":
        name, count = draw(st.sampled_from(own))
        return "call", name, *inner(count)
    name = draw(st.sampled_from(sorted(FUNCTIONS)))
    least, most = FUNCTIONS[name].arity
    return "call", name, *inner(draw(st.integers(least, most or least + 2)))


@st.composite
def programs(draw) -> Program:
    """A program with functions of its own, inputs, stages that share nodes, and ifs."""
    stage_names = draw(st.lists(st.sampled_from(STAGES), unique=True, max_size=4))
    constants = tuple(c for c in ("pi", "e", "tau") if c not in stage_names)
    definitions, own = [], ()
    for name in OWN[: draw(st.integers(0, 3))]:
        parameters = tuple(
            draw(st.lists(st.sampled_from(PARAMETERS), min_size=1, max_size=3, unique=True))
        )
        inside = tuple(c for c in constants if c not in parameters)
        body = draw(expressions(parameters, inside, own, draw(st.integers(0, 3))))
        definitions.append((name, parameters, body))
        own += ((name, len(parameters)),)
    stages, names = [], VARIABLES
    for name in stage_names:
        stages.append((name, draw(expressions(names, constants, own, draw(st.integers(0, 3))))))
        names += (name,)
    if not stages or draw(st.booleans()):
        stages.append(("", draw(expressions(names, constants, own))))
    return Program(tuple(definitions), tuple(stages))


def contents(graph: Graph) -> dict[str, Any]:
    """All of a graph but where it was written, for comparing two."""
    return {
        "operations": [operation.name for operation in graph.operations],
        "operands": graph.operands,
        "regions": graph.regions,
        "constants": graph.constants,
        "variables": graph.variables,
        "names": graph.names,
        "inputs": graph.inputs,
        "stages": graph.stages,
        "conditions": graph.conditions,
        "condition_of": graph.condition_of,
        "blocks": {node: block._replace(function=None) for node, block in graph.blocks.items()},
        "calls": {node: function.name for node, function in graph.calls.items()},
        "functions": [
            (f.name, f.parameters, f.size, contents(f.body)) for f in graph.functions.values()
        ],
    }
