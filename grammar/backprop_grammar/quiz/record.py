"""What a sheet holds: its variants, their blanks, the answers and the wrong ones."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from ..language.graph import Graph

__all__ = ["GRADIENTS", "JUDGED_DIGITS", "NEAR", "VALUES", "Blank", "Quiz", "Variant", "Wrong"]

VALUES, GRADIENTS = "values", "gradients"
"""What may be left blank."""

NEAR = 0.01
"""How far off, relative to its size, an answer may be that is judged at 3 digits."""


JUDGED_DIGITS = 3
"""Significant digits at which numbers are judged that are no short decimals."""


class Wrong(NamedTuple):
    """A wrong number that a mistake leads to: its name, its node, and what is said of it.

    rule: the sentence that would have prevented it. also: other mistakes that give it on this sheet,
    and would give another number on another.
    """

    number: float
    mistake: str
    node: str
    message: str
    rule: str
    also: tuple[str, ...] = ()


class Blank(NamedTuple):
    """What is to be filled in.

    number: on the sheet, from 1. node: its name, W[0,1] of an element; kind: VALUES or GRADIENTS.
    answer: the number; text: as the key prints it. exact: a short decimal, which is asked for as it
    is; others may be NEAR it. wrongs: what single mistakes make of it, the commonest first.
    """

    number: int
    node: str
    kind: str
    answer: float
    text: str
    exact: bool
    wrongs: tuple[Wrong, ...] = ()


@dataclass(frozen=True, eq=False, repr=False)
class Variant:
    """One sheet. number: from 1; with the quiz's seed, it says all. at: the point. trace: both
    passes. untold: mistakes that no answer on this sheet tells apart, as said.
    """

    number: int
    at: dict[str, Any]
    trace: Any
    blanks: tuple[Blank, ...]
    untold: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, repr=False)
class Quiz:
    """Sheets of one exercise. title: at its head; blank: what is left blank."""

    title: str
    program: Graph
    seed: int
    blank: tuple[str, ...]
    variants: tuple[Variant, ...]
