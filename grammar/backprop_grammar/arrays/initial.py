"""Values to begin a training with, from the shapes that are declared.

What is drawn is a weight, an operand of a product with a vector or a matrix; how widely hangs on how
many numbers one of its results adds up. A scale that multiplies a layer element by element begins
at 1, and all else, such as a bias, at 0.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction

from ..errors import BackpropError, few, shorten, suggestion, usage
from ..language.graph import Array, Graph, as_array
from ..operations.makers import MAKERS, Uniform, made
from ..operations.shape import Shape, size
from ..operations.structural import INDEX, MATMUL, STRUCTURAL, TRANSPOSE
from ..operations.table import IDENTITY, MUL
from .constants import declared_shape, stream
from .lower import opened

__all__ = ["INITIAL", "initial"]

PLACES = 4
"""Decimals of what is drawn, so that it can be copied."""

Draw = Callable[[int, float, float, Uniform], list[float]]


def normal(count: int, scale: float, uniform: Uniform) -> list[float]:
    """Normal numbers of a standard deviation."""
    _, numbers = made(MAKERS["randn"], [Fraction(count)], uniform)
    return [float(x) * scale for x in numbers]


def even(count: int, end: float, uniform: Uniform) -> list[float]:
    """Numbers between -end and end."""
    return [(2 * uniform() - 1) * end for _ in range(count)]


INITIAL: dict[str, Draw | None] = {
    "normal": lambda n, ins, outs, draw: normal(n, 1 / math.sqrt(ins), draw),
    "uniform": lambda n, ins, outs, draw: even(n, 1 / math.sqrt(ins), draw),
    "xavier": lambda n, ins, outs, draw: even(n, math.sqrt(6 / (ins + outs)), draw),
    "he": lambda n, ins, outs, draw: normal(n, math.sqrt(2 / ins), draw),
    "zeros": None,
}
"""How weights begin: of (how many, how many numbers a result adds up, how many results a number is
in, draws). Glorot and Bengio 2010, section 4.2; He, Zhang, Ren and Sun 2015, section 2.2.
"""


def initial(
    program: Graph,
    at: Mapping[str, float | Array],
    how: str,
    seed: int = 0,
    columns: Mapping[str, Shape] | None = None,
    output: int | None = None,
) -> dict[str, float | Array]:
    """A value for each variable that has none.

    how: a row of INITIAL. columns: the shapes of what varies, and needs none. output: the node for
    which they are needed; the last stage unless given. Raises BackpropError for a variable whose
    shape is not declared, and for a letter in it that nothing says.
    """
    if how not in INITIAL:
        hint = suggestion(how, INITIAL, f"they begin by {few(INITIAL)}")
        raise usage(f"{shorten(how) or 'nothing'} is no way to begin", hint)
    columns = columns or {}
    needed = program.needed(program.output if output is None else output)
    missing = [
        name
        for name, node in program.variables.items()
        if needed[node] and name not in at and name not in columns
    ]
    shapeless = [name for name in missing if name not in program.declared]
    if shapeless and (program.arrays or any(columns.values())):
        node = program.variables[shapeless[0]]
        raise BackpropError(
            "binding", f"initial values need the shape of {few(map(shorten, shapeless))}", program.spans[node],
            hint=f"declare it in the program, such as {shorten(shapeless[0])}: 2x16, or a vector {shorten(shapeless[0])}: 16",
            source=program.source,
        )  # fmt: skip
    sizes: dict[str, int] = {}
    shapes = {name: as_array(value).shape for name, value in at.items()} | dict(columns)
    for name, declared in program.declared.items():
        given = zip(declared, shapes.get(name, ()), strict=False)
        sizes |= {k: n for k, n in given if isinstance(k, str)}
    graph = opened(program)
    result: dict[str, float | Array] = {}
    for name in missing:
        shape = declared_shape(program, name, sizes)
        begins, ins, outs = role(graph, program.variables[name], shape)
        draw = INITIAL[how]
        if draw is None:
            numbers = [0.0] * size(shape)
        elif ins:
            drawn = draw(size(shape), ins, outs, stream(f"{seed} {name} {how}"))
            numbers = [round(x, PLACES) + 0.0 for x in drawn]
        else:
            numbers = [begins] * size(shape)
        result[name] = Array(shape, tuple(numbers)).value
    return result


def role(graph: Graph, variable: int, shape: Shape) -> tuple[float, int, int]:
    """What a variable begins at; or, of a weight, how many numbers a result adds up, and how many
    results each of its numbers is in.
    """
    begins, ends = 0.0, (*[1] * (2 - len(shape)), *shape)
    for row, operands, place, turned in uses(graph, variable):
        if row is MATMUL:
            across = (place == 0) is not turned
            if len(shape) < 2:
                return 0.0, size(shape), 1
            return (0.0, ends[1], ends[0]) if across else (0.0, ends[0], ends[1])
        if row is STRUCTURAL["dot"] or (row is STRUCTURAL["conv"] and place == 1):
            return 0.0, size(shape), 1
        if row is INDEX and place == 0 and len(shape) == 2:
            return 0.0, 1, 1  # a table, of which rows are taken
        if row is STRUCTURAL["batchnorm"] or row is STRUCTURAL["layernorm"]:
            begins = 1.0 if place == 1 else begins
        elif row is MUL and operands[0] != operands[1]:
            if len(shape) == 2 and 1 not in shape:
                return 0.0, shape[1], shape[0]
            if not shape and not graph.arrays:
                return 0.0, 1, 1
            begins = 1.0
    return begins, 0, 0


def uses(graph: Graph, node: int) -> Iterator[tuple[object, tuple[int, ...], int, bool]]:
    """Where a node is used, transposed or not: the operation, its operands, which of them, and
    whether it is transposed there.
    """
    turned = {node: False}
    for k, (row, operands) in enumerate(zip(graph.operations, graph.operands, strict=True)):
        for place, operand in enumerate(operands):
            if operand not in turned:
                continue
            if row is IDENTITY or row is TRANSPOSE:
                turned[k] = turned[operand] is not (row is TRANSPOSE)
            else:
                yield row, operands, place, turned[operand]
