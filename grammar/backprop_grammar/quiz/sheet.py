"""A sheet as rows: what is given, what is computed forward, what is sent back, with its blanks."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from ..arrays.lower import element, elements
from ..arrays.record import ArrayTrace, Tensor
from ..numbers.decimal import decimal
from ..operations.shape import Shape
from ..trace.index import formula
from .draw import is_short
from .record import GRADIENTS, VALUES, Blank, Variant

__all__ = ["GIVEN_DIGITS", "LONG_DIGITS", "Row", "backward", "figure", "forward", "given"]

GIVEN_DIGITS = 4
"""Significant digits of a number that is given and is no short one."""

FULL = 17
"""Digits that tell one float from every other."""

LONG_DIGITS = 10
"""Digits that no short number has."""


class Row(NamedTuple):
    """A node on a sheet. formula: over its operands; empty of an input. cells: a text or a blank for
    each of its numbers, row by row.
    """

    name: str
    formula: str
    shape: Shape
    cells: tuple[str | Blank, ...]


def given(variant: Variant) -> list[Row]:
    """The inputs with their numbers, in full."""
    return [
        Row(
            node.name,
            "",
            shape_of(node.value),
            tuple([decimal(one, FULL) for _, one in labelled(node.name, node.value)]),
        )
        for node in variant.trace.nodes
        if node.kind == "variable"
    ]


def forward(variant: Variant) -> list[Row]:
    """What is computed from these, in order."""
    return [
        row(variant, node, VALUES, node.value)
        for node in variant.trace.nodes
        if node.kind not in ("variable", "constant")
    ]


def backward(variant: Variant) -> list[Row]:
    """The gradients, from the output back; none where only values are asked for, which they tell."""
    if all(blank.kind == VALUES for blank in variant.blanks):
        return []
    return [
        row(variant, node, GRADIENTS, node.gradient)
        for node in reversed(variant.trace.nodes)
        if node.kind != "constant" and node.gradient is not None
    ]


def row(variant: Variant, node: Any, kind: str, x: Any) -> Row:
    blanks = {blank.node: blank for blank in variant.blanks if blank.kind == kind}
    text = ""
    if node.operands:
        over_arrays = isinstance(variant.trace, ArrayTrace)
        text = node.formula if over_arrays else formula(variant.trace, node)
    cells = tuple([blanks.get(name, figure(one)) for name, one in labelled(node.name, x)])
    return Row(node.name, text, shape_of(x), cells)


def shape_of(x: Any) -> Shape:
    return x.shape if isinstance(x, Tensor) else ()


def labelled(name: str, x: Any) -> Iterator[tuple[str, Any]]:
    """A number by its name, or the elements of an array by theirs."""
    if isinstance(x, Tensor):
        for place, one in zip(elements(x.shape), x.numbers, strict=True):
            yield element(name, place), one
    else:
        yield name, x


def figure(number: Any) -> str:
    """A number that is given: a short one in full, another at 4 digits."""
    return decimal(number, LONG_DIGITS if is_short(number) else GIVEN_DIGITS)
