"""Pieces of formula text, and how every operation is written.

A piece of text carries how tightly it binds, so it can be put into a larger one with just the
parentheses it needs.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from ..operations.row import ATOM, POWER, PRODUCT, SIGNED, SUM, Infix, Operation
from ..operations.table import IDENTITY, IF, NEG, OPERATORS
from .graph import Tape
from .nearest import Nearest, printed

__all__ = [
    "ATOM",
    "POWER",
    "PRODUCT",
    "SIGNED",
    "SUM",
    "Shape",
    "Text",
    "array_pieces",
    "array_shape",
    "atom",
    "call_shape",
    "comparison_of",
    "number_text",
    "shape",
    "shown_operands",
    "write",
]

INFIX: dict[str, Infix] = {row.name: row.infix for row in OPERATORS.values()}
"""How operators are written, by the name of the operation."""

Shape = tuple[str | tuple[int, int], ...]
"""How an operation is written: texts and slots, a slot being an operand and its level."""


class Text(NamedTuple):
    """A piece of text, how tightly it binds, and the number it stands for if it is one.

    opposite: of a text that begins with a minus sign, the text without it.
    scaled: of a number times something, or of a quotient of whole numbers: the number, and what
    it multiplies (None for nothing).
    """

    text: str
    binds: int = ATOM
    number: float | None = None
    opposite: "Text | None" = None
    scaled: "tuple[Fraction, Text | None] | None" = None

    def within(self, level: int) -> str:
        """The text, in parentheses where it binds more loosely than the level."""
        return self.text if self.binds >= level else f"({self.text})"


def number_text(value: float) -> str:
    """The shortest text that reads back as the same number: 2, 0.5, 1e-07, 1e+22."""
    if value == int(value) and abs(value) < 1e16 and not isinstance(value, Nearest):
        return str(int(value))
    return printed(value)


def atom(value: float | str) -> Text:
    """A name or a number as text."""
    if isinstance(value, str):
        return Text(value)
    if value < 0:
        return Text(number_text(value), SIGNED, value, atom(-value))
    return Text(number_text(value), ATOM, value)


def shape(operation: Operation, count: int, comparison: str = "") -> tuple[int, Shape]:
    """How tightly an operation on that many operands binds, and how it is written."""
    if operation.symbol:
        binds, sign, left, right = INFIX.get(operation.name) or operation.infix
        return binds, ((0, left), sign, (1, right))
    if operation is NEG:
        return SIGNED, ("-", (0, SIGNED))
    if operation is IF:
        a, b, then, otherwise = [(k, SUM) for k in range(4)]
        return ATOM, ("if(", a, f" {comparison} ", b, ", ", then, ", ", otherwise, ")")
    return ATOM, call_shape(operation.name, count)


def array_shape(operation: Operation, count: int, written: Any) -> tuple[int, Shape]:
    """The same of an operation on arrays, with what is written beside its operands."""
    if operation.name == "transpose":
        return ATOM, ((0, ATOM), ".T")
    if operation.name == "index":
        return ATOM, ((0, ATOM), "[", *place_pieces(written), "]")
    if operation.name == "array":
        return ATOM, array_pieces(written)
    if operation.name in ("put", "take"):  # what is selected, over the operands behind the first
        inner = array_shape(written[0], count - 1, written[1])[1]
        moved = [piece if isinstance(piece, str) else (piece[0] + 1, piece[1]) for piece in inner]
        return ATOM, (f"{operation.name}(", (0, SUM), ", ", *moved, ")")
    if written is not None:
        *call, end = call_shape(operation.name, count)
        return ATOM, (*call, f", axis={written}", end)
    return shape(operation, count)


def place_pieces(places: Sequence[str]) -> Iterator[str | tuple[int, int]]:
    """What stands between the brackets of an index: 0, 1:3, :2, 1:, or a colon."""
    slot = 1
    for k, how in enumerate(places):
        if k:
            yield ","
        if how not in ("every", "until"):
            yield slot, SUM
            slot += 1
        if how != "only":
            yield ":"
        if how in ("until", "between"):
            yield slot, SUM
            slot += 1


def array_pieces(sizes: tuple[int, ...]) -> Shape:
    """How an array is written: [1, 2], [[1, 2], [3, 4]]."""
    width = sizes[-1]
    rows = []
    for first in range(0, sizes[0] * width if len(sizes) > 1 else width, width):
        inner = [piece for k in range(first, first + width) for piece in (", ", (k, SUM))]
        rows.append(("[", *inner[1:], "]"))
    if len(sizes) == 1:
        return rows[0]
    joined = [piece for row in rows for piece in (", ", *row)]
    return ("[", *joined[1:], "]")


def call_shape(name: str, count: int) -> Shape:
    """How a call is written: name(, operand, ..., )."""
    pieces: list[str | tuple[int, int]] = [f"{name}("]
    for k in range(count):
        pieces += [", ", (k, SUM)] if k else [(k, SUM)]
    return (*pieces, ")")


def shown_operands(operation: Operation, numbers: Sequence[object]) -> int:
    """How many operands are written: last ones that are their default are left out."""
    count = len(numbers)
    for default in reversed(operation.defaults):
        if count == operation.arity[0] or numbers[count - 1] != default:
            break
        count -= 1
    return count


def write(operation: Operation, operands: Sequence[Text], comparison: str = "") -> Text:
    """An operation on texts, as it is written, without simplification."""
    if operation is IDENTITY:
        return operands[0]
    count = shown_operands(operation, [operand.number for operand in operands])
    binds, pieces = shape(operation, count, comparison)
    text = "".join(
        [
            piece if isinstance(piece, str) else operands[piece[0]].within(piece[1])
            for piece in pieces
        ]
    )
    if operation is NEG:
        return Text(text, binds, opposite=operands[0])
    return Text(text, binds)


def comparison_of(graph: Tape, node: int) -> str:
    """The comparison of an `if`, such as `<=`; empty for other nodes."""
    condition = graph.condition_of.get(node)
    return "" if condition is None else graph.conditions[condition].comparison
