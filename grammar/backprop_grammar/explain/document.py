"""Sentences with formulas in them, whatever they are printed as.

A sentence is written once, as a list of pieces that are prose, names, numbers or formulas; a
terminal, Markdown and LaTeX differ only in how they set a piece.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from ..numbers.decimal import decimal
from ..numbers.wide import Number, Wide, exists
from ..symbolic.rules import Rule
from ..trace.index import formula as formula_text
from ..trace.record import Node, Trace

if TYPE_CHECKING:
    from ..arrays.record import ArrayTrace, Tensor

__all__ = [
    "Explanation",
    "Fact",
    "Figure",
    "Formula",
    "Grid",
    "Indexed",
    "Paragraph",
    "Partial",
    "Piece",
    "Pieces",
    "Product",
    "Side",
    "Total",
    "Written",
    "formula",
    "gradient",
    "listed",
    "name",
    "plain",
    "say",
    "sized",
    "value",
]


@dataclass(frozen=True, slots=True)
class Partial:
    """The local gradient of a node for an operand, as a sign: `dq/dx`."""

    of: str
    by: str

    def __str__(self) -> str:
        return f"d{self.of}/d{self.by}"


@dataclass(frozen=True, slots=True)
class Formula:
    """A node as its operation over the names of its operands: `x + y`."""

    trace: Trace
    node: Node

    def __str__(self) -> str:
        return formula_text(self.trace, self.node)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number as it is shown, at so many significant digits."""

    number: Number
    digits: int

    def __str__(self) -> str:
        return decimal(self.number, self.digits)


@dataclass(frozen=True, slots=True)
class Product:
    """Numbers multiplied: `-4 * 1`."""

    factors: tuple[Figure, ...]

    def __str__(self) -> str:
        return " * ".join(map(str, self.factors))


@dataclass(frozen=True, slots=True)
class Total:
    """Numbers added up, a sign between each and the next: `-4 + 2 - 1`."""

    terms: tuple[Figure, ...]

    def __str__(self) -> str:
        first, *rest = map(str, self.terms)
        return first + "".join(f" - {x[1:]}" if x[0] == "-" else f" + {x}" for x in rest)


@dataclass(frozen=True, slots=True)
class Grid:
    """A vector or a matrix as it is shown, at so many significant digits; a large one in short."""

    tensor: "Tensor"
    digits: int

    def __str__(self) -> str:
        from ..arrays.text import inline, is_large  # which numbers alone do not need

        text = inline(self.tensor, self.digits)
        return f"[{text}]" if is_large(self.tensor) else text


@dataclass(frozen=True, slots=True)
class Written:
    """A formula as it stands in the language; arrays: the names in it of vectors and matrices."""

    text: str
    arrays: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Indexed:
    """An element as a formula over elements, added up over some indices: `up[i]*x[j]`."""

    over: tuple[str, ...]
    rule: Rule

    def __str__(self) -> str:
        start = f"the sum over {' and '.join(self.over)} of " if self.over else ""
        return f"{start}{self.rule}"


Side = str | Partial | Formula | Rule | Figure | Product | Total | Grid | Written | Indexed
"""One side of an equation; a text is the name of a node."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a sentence.

    kind: text, name (of a node), value, gradient or formula. sides: of the last three, what
    stands between the signs of equality, the value's or the gradient's number last; otherwise
    the text alone.
    """

    kind: str
    sides: tuple[Side, ...]

    @property
    def text(self) -> str:
        """The piece as plain text."""
        return " = ".join(map(str, self.sides))


Pieces = list[Piece]


@dataclass(frozen=True, slots=True)
class Fact:
    """What a paragraph says, for machines.

    receives: node, sender; the contribution. sends: node, operand, and over arrays the formula of
    what is sent; upstream, local gradient, contribution. stops: node, operand that the node does
    not select. gradient: node; its gradient. paths: output, node; count of those along which
    something can flow. path: the nodes from the output on; the product, then the local gradients.
    cause: what it is, then the nodes concerned; the numbers concerned.
    """

    kind: str
    names: tuple[str, ...]
    numbers: "tuple[Number | Tensor | None, ...]" = ()
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Paragraph:
    """What there is to say about one node.

    heading: the node's formula and value; empty for a remark on the whole.
    """

    node: str
    heading: tuple[Piece, ...]
    pieces: tuple[Piece, ...]
    facts: tuple[Fact, ...] = ()

    @property
    def text(self) -> str:
        """The sentences as plain text."""
        return plain(self.pieces)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The backward pass, or one gradient, in words.

    kind: explain or why; subject: the node that `why` is about. headline: the program's output
    with its value, and what is asked.
    """

    kind: str
    subject: str
    trace: "Trace | ArrayTrace"
    headline: tuple[Piece, ...]
    paragraphs: tuple[Paragraph, ...]


# making pieces


def plain(pieces: Iterable[Piece]) -> str:
    """Pieces as plain text."""
    return "".join(piece.text for piece in pieces)


def name(text: str) -> Piece:
    """A node's name within a sentence."""
    return Piece("name", (text,))


def formula(kind: str, *sides: Side) -> Piece:
    """An equation; sides that repeat the one before are left out."""
    kept = [side for k, side in enumerate(sides) if not k or str(side) != str(sides[k - 1])]
    return Piece(kind, tuple(kept))


def value(number: Number, digits: int) -> Piece:
    """A value within a sentence."""
    return Piece("value", (Figure(number, digits),))


def gradient(number: Number, digits: int) -> Piece:
    """A finite gradient, local gradient or contribution within a sentence."""
    return Piece("gradient", (Figure(number, digits),))


def sized(number: Number, digits: int) -> Piece:
    """A number, or what it is instead: infinite, negative and infinite, undefined."""
    if exists(number):
        return gradient(number, digits)
    assert isinstance(number, Wide)
    minus = "negative and " * (number.sign < 0)
    return Piece("text", (minus + number.kind,))


def say(template: str, *parts: Piece | Sequence[Piece] | str) -> Pieces:
    """A sentence: the template's `{}` filled with pieces."""
    result: Pieces = []
    first, *texts = template_pieces(template)
    result += first
    for part, text in zip(parts, texts, strict=True):
        if isinstance(part, str):
            result.append(Piece("text", (part,)))
        elif isinstance(part, Piece):
            result.append(part)
        else:
            result.extend(part)
        result += text
    return result


@lru_cache(maxsize=1_000)
def template_pieces(template: str) -> tuple[Pieces, ...]:
    """The texts around the places of a template, as pieces; an empty one is none."""
    return tuple([Piece("text", (text,))] if text else [] for text in template.split("{}"))


def listed(items: Sequence[Piece | Pieces]) -> Pieces:
    """Things in a row: x, y and z."""
    result: Pieces = []
    for k, item in enumerate(items):
        if k:
            between = " and " if k == len(items) - 1 else ", "
            result.append(Piece("text", (between,)))
        result += [item] if isinstance(item, Piece) else item
    return result
