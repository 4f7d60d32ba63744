"""Arrays written as calls: zeros(3, 4), 0.1*randn(3, 4), reshape(range(6), 2, 3).

A text without variables is a program like any other: its numbers are exact where they are
quotients, and certified elsewhere.
"""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from ..blocks.names import Names
from ..errors import BackpropError, shorten
from ..language.graph import Array, Graph, as_array
from ..language.nearest import fraction, nearest
from ..language.parser import parse
from ..language.printer import shape_text
from ..numbers.branches import Branches
from ..numbers.interpret import interpret, leaves
from ..numbers.wide import as_float
from ..operations.exact import LONGEST
from ..operations.makers import MAKERS, Maker, Uniform, made
from ..operations.row import Operation
from ..operations.shape import Shape
from .lower import Lowered, check_work, element, elements
from .of_numbers import values_of
from .shapes import floats_of, shapes

__all__ = ["constant", "declared_shape", "drawn", "settled", "stream"]

MOST = 200_000
"""Operations on numbers that the text of an array may mean."""

DIGITS = 20
"""Digits of what is no quotient: the float nearest to them is the float nearest to the number."""


def settled(program: Graph, seed: int) -> Graph:
    """The program with the arrays made that its stages write as calls.

    seed: of the random ones. Raises BackpropError of the stage whose array is none.
    """
    made: dict[str, Array] = {}
    numbers = dict(program.inputs)
    for name, array in program.array_inputs.items():
        if not array.text:
            made[name] = array
        else:
            try:
                value = constant(array.text, name, seed)
            except BackpropError as error:
                span = program.spans[program.variables[name]]
                raise error.replace(span=span, source=program.source, node=None) from None
            if isinstance(value, Array):
                made[name] = value._replace(text=array.text)
            else:
                numbers[name] = value
    return replace(program, array_inputs=made, inputs=numbers)


def constant(text: str | Graph, name: str, seed: int = 0) -> float | Array:
    """The value of a text without variables. name: of what it is the value, on which its draws hang.

    Raises BackpropError where it has none.
    """
    graph = text if isinstance(text, Graph) else parse(text)
    if graph.variables:
        variable = next(iter(graph.variables))
        raise BackpropError(
            "binding", f"the value of {shorten(name)} is made of numbers: {shorten(variable)} has no value here",
            graph.spans[graph.variables[variable]], hint="write numbers and constants such as pi/4",
            source=graph.source,
        )  # fmt: skip
    graph = with_draws(graph, name, seed)
    end = graph.output
    needed = graph.needed(end)
    found = shapes(graph, {}, needed)
    shape = found.of[end]
    if end in found.made:
        return Array(shape, found.made[end])
    check_work(graph, found, needed, MOST)
    lowered = Lowered(graph, Names(graph), found, {}, needed, False)
    numbers = numbers_of(lowered, end)
    return Array(shape, tuple(numbers)).value


def with_draws(graph: Graph, name: str, seed: int) -> Graph:
    """The graph with a stream of draws at each of its random calls."""
    random = [k for k, row in enumerate(graph.operations) if isinstance(row, Maker) and row.random]
    draws = {node: stream(f"{seed} {name} {k}") for k, node in enumerate(random)}
    return replace(graph, written=graph.written | draws) if draws else graph


def stream(key: str) -> Uniform:
    """Draws that hang on a text alone, the same on every version of Python."""
    from random import Random  # which few programs need

    return Random(int.from_bytes(key.encode(), "big")).random


def quotients(graph: Graph) -> list[Fraction | None]:
    """The numbers of a program without variables and choices that are quotients; else None."""

    def leaf(value: float | str) -> Fraction | None:
        return None if isinstance(value, str) else fraction(value)

    def apply(row: Operation, operands: list[Fraction | None]) -> Fraction | None:
        if row.rational is None or None in operands:
            return None
        try:
            value = row.rational(*operands)
        except (ArithmeticError, ValueError):
            return None
        long = max(value.numerator.bit_length(), value.denominator.bit_length()) > LONGEST
        return None if long else value

    values = leaves(graph, {}, leaf)
    if not graph.conditions:
        interpret(graph, values, apply, Branches(graph, values, lambda _a, _b: 0))
    return values


def numbers_of(lowered: Lowered, end: int) -> list[float]:
    """The numbers of a node of a program without variables: the nearest floats."""
    graph = lowered.graph
    cells = lowered.cells[end]
    values = quotients(graph)
    exact = [x for node in cells.nodes if (x := values[node]) is not None]
    if len(exact) == len(cells.nodes):
        return [nearest(x.numerator, x.denominator) for x in exact]
    labels = [element(lowered.names.of[end], place) for place in elements(cells.shape)]
    found = values_of(lowered, cells.nodes, labels, "all", precision=DIGITS)
    return [as_float(found[label]) or 0.0 for label in labels]


def drawn(program: Graph, at: Mapping[str, float | Array], seed: int) -> dict[str, float | Array]:
    """A value of the shape that is declared for each variable that has none: normal numbers.

    at: the values that there are; they say how large a capital letter is. Raises BackpropError for
    a letter that is in none of them.
    """
    sizes: dict[str, int] = {}
    for name, declared in program.declared.items():
        if name in at:
            given = as_array(at[name]).shape
            sizes |= {k: n for k, n in zip(declared, given, strict=False) if isinstance(k, str)}
    result: dict[str, float | Array] = {}
    for name in program.declared:
        if name in at or name not in program.variables:
            continue
        shape = declared_shape(program, name, sizes)
        row = MAKERS["randn"]
        _, numbers = made(row, [Fraction(k) for k in shape or (1,)], stream(f"{seed} {name} 0"))
        floats = floats_of(numbers)
        result[name] = Array(shape, floats).value
    return result


def declared_shape(program: Graph, name: str, sizes: Mapping[str, int]) -> Shape:
    """The shape that is declared for a variable, a number where none is. sizes: of the letters.

    Raises BackpropError for a letter that is none of them.
    """
    declared = program.declared.get(name, ())
    shape = tuple([sizes.get(k, 0) if isinstance(k, str) else k for k in declared])
    if 0 in shape:
        letter = declared[shape.index(0)]
        raise BackpropError(
            "shape", f"{shorten(name)} is declared {shape_text(declared)}, and nothing says how large {letter} is",
            program.spans[program.variables[name]],
            hint=f"declare numbers, such as {shorten(name)}: {'x'.join(map(str, [k or 4 for k in shape]))}, "
            f"or give an array of which {letter} is a size", source=program.source,
        )  # fmt: skip
    return shape
