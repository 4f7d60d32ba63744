"""What a language is to the printer: a row of spellings; and what the printer puts together.

The insight: as with the language's own text, a piece carries how tightly it binds; and how deep it
is, since other parsers have limits.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ...language.precedence import ATOM

__all__ = ["CHOICE", "Branch", "Piece", "Target", "Test"]

CHOICE = 0
"""How loosely `a if c else b` binds: looser than a sum."""


@dataclass(frozen=True, slots=True)
class Target:
    """One row: how a language, with a library, writes things.

    calls: operation -> the function, or a template; what is not there is written by its
        definition. A template with two slots for any number of operands is put around pairs,
        and {list} stands for all operands. helpers: functions that the file brings along where it
        uses them, by name. literal: a number. constants: pi, e and tau. choice: an `if`. lazy:
        the branch not taken is not evaluated, which matters as errors are raised there.
    power: whether there is an operator `**`; for whole exponents only where ``calls`` has pow.
    statement: an assignment. lift: what makes a number into what functions take, if they take no
    numbers; {like} is a variable. reserved: names that mean something inside the function, and
    claimed: those that it can't have itself.
    """

    name: str
    calls: dict[str, str]
    helpers: dict[str, str]
    constants: dict[str, str]
    reserved: frozenset[str]
    choice: str
    claimed: frozenset[str] = frozenset()
    statement: str = "{name} = {text}"
    literal: Callable[[float], str] = repr
    power: bool = True
    lazy: bool = False
    lift: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of text, how tightly it binds, and how deep it is.

    nesting: parentheses within each other. height: operations within each other. fixed: it is
    made of numbers only.
    """

    text: str
    binds: int = ATOM
    nesting: int = 0
    height: int = 0
    fixed: bool = False

    def within(self, level: int) -> str:
        """The text, in parentheses where it binds more loosely than the level."""
        return self.text if self.binds >= level else f"({self.text})"

    def nested(self, level: int) -> int:
        """How many parentheses there are, with those around it at that level."""
        return self.nesting + (self.binds < level)


@dataclass(slots=True)
class Test:
    """The condition of an `if`, and its name once it has one."""

    text: str
    nesting: int
    fixed: bool
    name: str = ""


@dataclass(slots=True)
class Branch:
    """One side of an `if` inside another, and the name of what holds where it is evaluated."""

    test: Test
    taken: bool
    outer: "Branch | None"
    name: str = ""
