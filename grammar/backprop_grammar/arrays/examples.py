"""Which shapes an operation on arrays takes, found by trying: its shape rule is asked."""

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

from ..operations.shape import Misfit, Shape, Taken, said, size
from ..operations.structural import ARRAY, INDEX, Structural

__all__ = ["Example", "examples"]

SHAPES: list[Shape] = [(2, 3), (3, 4), (3,), (4,), (3, 3), (2, 2), (2,), (1, 4), ()]
WHOLE: list[tuple[Shape, tuple[int, ...]]] = [
    ((2,), (0, 2)), ((), (2,)), ((), (3,)), ((), (6,)), ((), (1,)), ((), (0,)),
]  # fmt: skip
"""What is tried for an operand, and for one of whole numbers; the first that fits is shown."""

WRITTEN: dict[Structural, list[tuple[int, Any]]] = {
    INDEX: [(2, ("only",)), (3, ("between",)), (3, ("only", "only")), (2, ("every", "only"))],
    ARRAY: [(2, (2,))],
}
"""How many operands, and what stands beside them, of what is written with signs."""


class Example(NamedTuple):
    """Operands that fit, what is written beside them, and the shape of the result."""

    operands: tuple[Taken, ...]
    written: Any
    result: Shape

    @property
    def shapes(self) -> list[Shape]:
        return [one.shape for one in self.operands]

    @property
    def texts(self) -> list[str]:
        """Each operand's shape; of one of whole numbers these, such as k = 2."""
        return [
            f"{one.text} = {list(one.whole) if one.shape else one.whole[0]}"
            if one.whole
            else said(one.shape)
            for one in self.operands
        ]


def examples(row: Structural) -> list[Example]:
    """An example for operands of any ranks, and of a row where something else is sent then.

    A number stands where a vector may that is no first operand, and has no example of its own.
    """
    found: dict[Any, Example] = {}
    said: set[tuple[str, ...]] = set()
    for count, written in WRITTEN.get(row) or counts(row):
        for operands in product(*(tried(row, place, count) for place in range(count))):
            one = fitting(row, operands, written)
            if one is None:
                continue
            shapes, texts = one.shapes, row.vjp(one.shapes, written)
            ranks = [max(len(shape), place > 0) for place, shape in enumerate(shapes)]
            key: Any = (written, *ranks, *(x.whole is None for x in one.operands))
            if any(shape[:1] == (1,) for shape in shapes):
                if texts in said:
                    continue
                key = texts
            said.add(texts)
            if key not in found or (dull(found[key]) and not dull(one)):
                found[key] = one
    return list(found.values())


def fitting(row: Structural, operands: tuple[Taken, ...], written: Any) -> Example | None:
    """The example of some operands; None where these do not fit."""
    shapes = [one.shape for one in operands]
    for place, one in enumerate(operands):
        held = row.holds is not None and row.holds(shapes, one.whole is not None)
        if (place in row.indices or (row is INDEX and place > 0)) and held == bool(one.whole):
            return None
    try:
        return Example(operands, written, row.shape(operands, written))
    except Misfit:
        return None


def dull(one: Example) -> bool:
    """Whether the result's shape does not tell how it comes about."""
    return one.result in one.shapes or 1 in one.result


def counts(row: Structural) -> list[tuple[int, Any]]:
    """The numbers of operands that a row takes, up to two of any number."""
    least, most = row.arity
    return [(count, None) for count in range(least, (most or 2) + 1)]


def tried(row: Structural, place: int, count: int) -> Iterator[Taken]:
    """What is tried for an operand."""
    text = "x" if row.variadic else row.operands[place]
    if place in row.indices or (row is INDEX and place):
        for shape, whole in WHOLE:
            yield Taken(text, shape, whole[: size(shape)])
        if row.holds is None:
            return
    for shape in SHAPES:
        if not row.variadic or len(shape) != 2 or shape == SHAPES[0]:
            yield Taken(text, shape)
