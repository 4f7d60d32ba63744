"""The shape of every node, before any number is computed.

One pass up the tape. What is written in the program says how sizes must agree, the point says what
they are.
"""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from typing import NamedTuple

from ..errors import BackpropError, shorten, usage
from ..language.graph import Array, Graph, as_array
from ..language.nearest import fraction, nearest
from ..language.parser import parse
from ..language.printer import shape_text
from ..numbers.interpret import quotient
from ..numbers.wide import as_float
from ..operations.makers import Maker, made
from ..operations.row import Operation
from ..operations.shape import Misfit, Shape, Taken, broadcast, check_size, said
from ..operations.structural import ARRAY, INDEX, REDUCTIONS, SELECTIONS, Structural
from ..operations.table import CONSTANT, IDENTITY, NEG, VARIABLE
from ..passes.run import spelled
from ..trace.evaluate import evaluate

__all__ = ["Shapes", "Values", "floats_of", "output_shape", "selects", "shapes"]

Values = Mapping[str, float | Array]


class Shapes(NamedTuple):
    """The shapes of the nodes that an output needs; () of all others.

    whole: of nodes that select, or count, the whole numbers that they hold. frames: of the nodes in
    the branches of an `if` that chooses element by element, the outermost such `if`. known: numbers
    that are written, or counted, and what is computed from these alone. made: the numbers of nodes
    such as zeros(3, 4).
    """

    of: list[Shape]
    whole: dict[int, tuple[int, ...]]
    frames: dict[int, int]
    known: dict[int, Fraction]
    made: dict[int, tuple[float, ...]]


def shapes(graph: Graph, at: Values, needed: Sequence[bool]) -> Shapes:
    """The shapes of the nodes that are needed.

    at: a value for every variable among these. Raises BackpropError where shapes do not fit, and
    for an index that is no whole number, or computed.
    """
    found = Shapes([()] * len(graph), {}, {}, {}, {})
    sizes: dict[str, tuple[int, str]] = {}  # of the capital letters in declarations
    for node, row in enumerate(graph.operations):
        if not needed[node]:
            continue
        if row is VARIABLE:
            found.of[node] = as_array(at[graph.names[node]]).shape
            check_declared(graph, node, found.of[node], sizes)
        elif row is not CONSTANT:
            try:
                found.of[node] = shape_of(graph, node, row, found, at)
                check_size(found.of[node])
            except Misfit as misfit:
                raise refused(graph, node, misfit) from None
            check_declared(graph, node, found.of[node], sizes)
            count(graph, node, row, found)
    settle_choices(graph, found, needed)
    return found


def refused(graph: Graph, node: int, misfit: Misfit) -> BackpropError:
    """The error for shapes that do not fit at a node."""
    at = node if misfit.place is None else graph.operands[node][misfit.place]
    hint, (start, end) = misfit.hint, graph.spans[node]
    called, sign, _ = graph.source.text[start:end].partition("(")
    if sign and graph.node(called.strip()) is not None:  # a variable of that name: T(x)
        hint += f"; to multiply, write {shorten(called.strip())}*(...)"
    return BackpropError(
        "shape", misfit.message, graph.spans[at], label=misfit.label, hint=hint,
        source=graph.source, node=node,
    )  # fmt: skip


def check_declared(
    graph: Graph, node: int, shape: Shape, sizes: dict[str, tuple[int, str]]
) -> None:
    """Raise BackpropError where a node has not the shape that was declared of it."""
    name = graph.names.get(node, "")
    declared = graph.declared.get(name)
    if declared is None:
        return
    shown, text = shorten(name), shape_text(declared)

    def error(message: str, hint: str) -> BackpropError:
        return BackpropError("shape", message, graph.spans[node], hint=hint, source=graph.source)

    if len(declared) != len(shape) or any(
        isinstance(size, int) and size != given for size, given in zip(declared, shape, strict=True)
    ):
        hint = f"declare {shown}: {said(shape) if shape else 'scalar'}"
        if declared == shape[::-1]:
            hint = f"give {shown}.T, or {hint}"
        elif declared == (*shape, 1):
            hint = f"give a column, such as [[1], [2], [3]], or {hint}"
        how = "given as" if graph.operations[node] is VARIABLE else "comes out as"
        what = f"a vector of {shape[0]}" if len(shape) == 1 != len(declared) else said(shape)
        raise error(f"{shown} is declared {text} and {how} {what}", hint)
    for letter, given in zip(declared, shape, strict=True):
        if isinstance(letter, str) and sizes.setdefault(letter, (given, shown))[0] != given:
            other, where = sizes[letter]
            raise error(
                f"{letter} is {other} in {where} and {given} in {shown}",
                f"{shown} is declared {text}: one letter is one size",
            )


def shape_of(graph: Graph, node: int, row: Operation, found: Shapes, at: Values) -> Shape:
    """The shape of an operation's result. Raises Misfit."""
    operands = [Taken(spelled(graph, k), found.of[k]) for k in graph.operands[node]]
    if isinstance(row, Maker):
        given = given_numbers(graph, row, node, operands, found, at)
        shape, numbers = made(row, given, graph.written[node])
        found.made[node] = floats_of(numbers)
        return shape
    axis = graph.written.get(node)
    if isinstance(axis, int) and axis < 0:  # from the last
        axes = len(operands[0].shape)
        if axes + axis < 0:
            what = f"a vector of {operands[0].shape[0]}" if axes else "a number"
            raise Misfit(f"{what} has no axis {axis}", operands[0].is_shape, f"write {row.name}({operands[0].text})")  # fmt: skip
        axis = graph.written[node] = axes + axis
    if isinstance(row, Structural):
        if row.name in ("softmax", "logsoftmax") and axis not in (None, len(operands[0].shape) - 1):
            x = operands[0]
            way = f"write {row.name}({x.text}.T).T" if len(x.shape) == 2 else f"write {row.name}({x.text})"  # fmt: skip
            raise Misfit(f"{row.name} goes along the last axis", x.is_shape, way)
        select(graph, node, row, operands, found, at)
        shape = row.shape(operands, graph.written[node])
        if row.counts:
            found.whole[node] = (row.counts(operands[0].shape),)
        return shape
    if node in graph.written:
        return reduced(row, operands[0], graph.written[node])
    if row.name in REDUCTIONS and len(operands) == 1:
        return ()
    if row.name in REDUCTIONS and not row.selects:
        several(graph, node, row, operands)
        return ()
    return side_by_side(operands, row.symbol)


def side_by_side(operands: Sequence[Taken], symbol: str) -> Shape:
    """The shape of several operands, element by element. Raises Misfit."""
    result = operands[0]
    for one in operands[1:]:
        shape = broadcast(result, one, symbol)
        text = one.text if shape == one.shape != result.shape else result.text
        result = Taken(text, shape)
    return result.shape


def several(graph: Graph, node: int, row: Operation, operands: Sequence[Taken]) -> None:
    """Raise Misfit where one of several operands of a reduction is an array."""
    for x in operands:
        if x.shape:
            second = graph.constants.get(graph.operands[node][-1])
            way = f"write {row.name}({x.text}), or along an axis {row.name}({x.text}, axis=0)"
            second = 1.0 if second == -1 else second
            if second in (0, 1) and len(x.shape) == 2:
                which = ("down the columns", "along the rows")[int(second)]
                way = f"{which}: {row.name}({x.text}, axis={int(second)})"
                if row.name == "sum":
                    way += f"; to add {int(second)} to every number: {x.text} + {int(second)}"
            raise Misfit(f"{row.name} takes one array", x.is_shape, way)


def reduced(row: Operation, x: Taken, axis: int | None) -> Shape:
    """The shape of a reduction: a number, or along an axis, which keeps it with size 1."""
    if not x.shape and axis is None:
        raise Misfit(
            f"{row.name} takes {row.least} or more operands, not 1", "", f"write {row.signature}"
        )
    if axis is None:
        return ()
    if len(x.shape) <= axis:
        what = f"a vector of {x.shape[0]}" if x.shape else "a number"
        only = "; its only one is axis 0" if x.shape else ""
        raise Misfit(
            f"{what} has no axis {axis}", f"{x.is_shape}", f"write {row.name}({x.text}){only}"
        )
    if len(x.shape) == 1:
        return (1,)
    return (1, x.shape[1]) if axis == 0 else (x.shape[0], 1)


# what is made of numbers


def given_numbers(
    graph: Graph, row: Maker, node: int, operands: Sequence[Taken], found: Shapes, at: Values
) -> list[Fraction]:
    """The operands of zeros and the like: numbers that are written, or given at the point.

    What is given is a size, and gets no gradient.
    """
    numbers = []
    for place, (operand, taken) in enumerate(zip(graph.operands[node], operands, strict=True)):
        if operand in found.known:
            numbers.append(found.known[operand])
            continue
        given = None if taken.shape else written_numbers(graph, operand, at)
        number = given[0] if given else value_of(taken.text)
        if number is None:
            what = taken.is_shape if taken.shape else f"{taken.text} is computed"
            raise Misfit(f"{row.name} takes plain numbers, and {what}", "", f"write numbers: {row.signature}", place)  # fmt: skip
        numbers.append(fraction(number))
        if graph.operations[operand] is VARIABLE:
            found.whole[operand] = (int(number),)
    return numbers


def value_of(text: str) -> float | None:
    """The number of a text without variables, such as 2*pi; None where it is none."""
    try:
        graph = parse(text)
        if graph.variables or graph.arrays:
            return None
        exact = quotient(graph)
        if exact is not None:
            return nearest(exact.numerator, exact.denominator)
        return as_float(evaluate(graph, {}, nodes=False).value)
    except BackpropError:
        return None


def floats_of(numbers: Sequence[float] | Sequence[Fraction]) -> tuple[float, ...]:
    """The nearest floats."""
    each = {id(x): x for x in numbers}  # what is drawn is one of few objects
    found = {
        key: nearest(x.numerator, x.denominator) if isinstance(x, Fraction) else x
        for key, x in each.items()
    }
    return tuple([found[id(x)] for x in numbers])


# what selects


def select(
    graph: Graph, node: int, row: Structural, operands: list[Taken], found: Shapes, at: Values
) -> None:
    """Give the operands that are indices or labels the whole numbers that they hold.

    Raises BackpropError for what is computed, or not whole.
    """
    indices = row.indices
    if row is INDEX:
        indices = tuple(range(1, len(operands)))
    elif row.name in SELECTIONS:
        inner, _ = graph.written[node]
        indices = tuple(
            [k for k in range(2, len(operands)) if inner is INDEX or k - 1 in inner.indices]
        )
    for place in indices:
        if place >= len(operands):
            break  # it was left out
        operand = graph.operands[node][place]
        counted = found.known.get(operand)
        numbers = found.made.get(operand) or written_numbers(graph, operand, at)
        if counted is not None:
            numbers = (float(counted),)
        whole = numbers is not None and all(x == int(x) for x in numbers)
        if row.holds and row.holds([x.shape for x in operands], whole):
            continue
        text = operands[place].text
        what = row.counted
        if numbers is None:
            raise Misfit(f"{what} is given, not computed", "", f"write whole numbers for {text}, or give them at the point: {what} has no slope", place)  # fmt: skip
        if not whole:
            wrong = next(x for x in numbers if x != int(x))
            raise Misfit(f"{what} is a whole number, not {wrong:g}", "", "write whole numbers, from 0", place)  # fmt: skip
        found.whole[operand] = tuple([int(x) for x in numbers])
        operands[place] = operands[place]._replace(whole=found.whole[operand])


ARITHMETIC = frozenset({"add", "sub", "mul", "div", "neg", "identity"})
"""By what one size is computed from another."""


WHOLE = 2**53
"""Whole numbers below it are floats; what grows beyond is no size."""


def count(graph: Graph, node: int, row: Operation, found: Shapes) -> None:
    """Keep the number of a node that is computed from what is written and counted alone."""
    if isinstance(row, Structural):
        if row.counts:
            found.known[node] = Fraction(*found.whole[node])
        return
    if row.name not in ARITHMETIC or row.rational is None:
        return
    numbers = []
    for k in graph.operands[node]:
        written = graph.constants.get(k)
        if k in found.known:
            numbers.append(found.known[k])
        elif isinstance(written, float):
            numbers.append(fraction(written))
        else:
            return
    with suppress(ArithmeticError):
        number = row.rational(*numbers)
        if max(abs(number.numerator), number.denominator) < WHOLE:
            found.known[node] = number


def written_numbers(graph: Graph, node: int, at: Values) -> tuple[float, ...] | None:
    """The numbers of a node that is written or given; None of one that is computed."""
    sign = 1
    while graph.operations[node] in (NEG, IDENTITY):
        sign *= -1 if graph.operations[node] is NEG else 1
        (node,) = graph.operands[node]
    row = graph.operations[node]
    numbers: tuple[float, ...] | None
    if row is CONSTANT:
        value: object = graph.constants[node]
        numbers = (value,) if isinstance(value, float) else None
    elif row is VARIABLE:
        numbers = as_array(at[graph.names[node]]).numbers
    elif row is ARRAY:
        parts = [graph.constants.get(k) for k in graph.operands[node]]
        numbers = tuple([part for part in parts if isinstance(part, float)])
        if len(numbers) < len(parts):
            return None
    else:
        return None
    if numbers is None or not all(map(math.isfinite, numbers)):
        return None
    return tuple([sign * x for x in numbers])


# choices


def settle_choices(graph: Graph, found: Shapes, needed: Sequence[bool]) -> None:
    """Give all in the branches of an `if` over arrays its shape: they are computed by element.

    Raises BackpropError for what is no elementwise operation there.
    """
    choices = {condition: node for node, condition in graph.condition_of.items()}
    for node in range(len(graph)):
        region, frame = graph.regions[node], None
        while region and needed[node]:
            k = (region - 1) // 2
            test = graph.conditions[k]
            if k in choices and (found.of[test.left] or found.of[test.right]):
                frame = choices[k]
            region = test.region
        if frame is not None:
            found.frames[node] = frame
    for node, frame in found.frames.items():
        row = graph.operations[node]
        whole = isinstance(row, Structural) or node in graph.written
        if whole or (row.name in REDUCTIONS and not row.selects):
            raise BackpropError(
                "shape", "this stands in a branch that is chosen element by element",
                graph.spans[node], hint="take it to a stage before the if", source=graph.source, node=node,
            )  # fmt: skip
        found.of[node] = found.of[frame]
    by_element = {
        node
        for node, k in graph.condition_of.items()
        if found.of[graph.conditions[k].left] or found.of[graph.conditions[k].right]
    }
    for node in by_element - found.frames.keys():
        found.frames[node] = node


def selects(name: str) -> BackpropError:
    """The error for what holds an index or labels, where a gradient is asked for."""
    return usage(f"{shorten(name)} selects elements, and has no gradient", "leave it out")


def output_shape(graph: Graph, node: int, shape: Shape) -> BackpropError:
    """The error for an output that is more than one number, without a gradient that arrives."""
    whole = spelled(graph, node)
    row = graph.operations[node]
    if node not in graph.names and (row.symbol or row.syntax or not whole.endswith(")")):
        whole = f"({whole})"
    return BackpropError(
        "shape", f"the output is {said(shape)}, not a number", graph.spans[node],
        hint=f"add a loss, such as sum({whole}^2), or give the gradient that arrives",
        source=graph.source, node=node, reason="matrix output" if len(shape) == 2 else "array output",
    )  # fmt: skip
