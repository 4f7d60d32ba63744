"""What a language is to the printer: a row of spellings; and what the printer puts together.

As with the language's own text, a fragment carries how tightly it binds; and how deep it is, since
other parsers have limits.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from ...language.precedence import ATOM
from ...operations.row import Bound, Operation
from .doubles import Doubles, Holds

__all__ = ["CHOICE", "Branch", "Fragment", "Target", "Test"]

CHOICE = 0
"""How loosely `a if c else b` binds: looser than a sum."""


@dataclass(frozen=True, slots=True)
class Target:
    """One row: how a language, with a library, writes things.

    library: the function that the library has for an operation by its row, or a template; empty
        where it has none. calls: the same, by an operation's name, of what is written otherwise.
        An operation without either is written by others, as its row says. A template with two
        slots for any number of operands is put around pairs, and {list} stands for all operands.
    helpers: functions that the file brings along where it uses them, by name.
    constants: pi, e and tau, and nan where there is one. literal: a number.
    reserved: names that mean something inside the function; claimed: a pattern of those that it
        can't have itself.
    choice: an `if`. lazy: the branch not taken is not evaluated, which matters as errors are
        raised there.
    power: whether there is an operator `**`; for whole exponents only where ``calls`` has pow.
    lift: what makes a number into what functions take, if they take no numbers; {like} is a
        variable.
    both, true: what stands between conditions that hold together, and what always holds; empty
        where errors are raised outside a domain, so that there are no such conditions.
    ulps: how far off its functions may be, in units in the last place. smallest: numbers below are
        taken for 0. limits: what must hold of an operand for a function to be right, by the
        operation's name.
    array_calls: the templates of what operates on whole arrays, by an operation's name, and behind
        it which of its ways where there are several: `sum axis`. {like} is a variable. Empty for a
        language without arrays. array_helpers: the functions that these need, as ``helpers``.
    """

    name: str
    library: Callable[[Operation], str]
    calls: dict[str, str]
    helpers: dict[str, str]
    constants: dict[str, str]
    reserved: frozenset[str]
    choice: str
    claimed: str = ""
    literal: Callable[[float], str] = repr
    power: bool = True
    lazy: bool = False
    lift: str = ""
    both: str = ""
    true: str = ""
    ulps: float = 4
    smallest: float = 0.0
    limits: dict[str, Bound] = field(default_factory=dict)
    array_calls: dict[str, str] = field(default_factory=dict)
    array_helpers: dict[str, str] = field(default_factory=dict)

    def spelling(self, operation: Operation) -> str:
        """The function that an operation is, or a template; empty without one."""
        own = self.calls.get(operation.name)
        return own or ("" if operation.symbol else self.library(operation))


@dataclass(frozen=True, slots=True)
class Fragment:
    """A text, how tightly it binds, and how deep it is.

    nesting: parentheses within each other. height: operations within each other. fixed: it is
    made of numbers only. number: what it computes at the point.
    """

    text: str
    binds: int = ATOM
    nesting: int = 0
    height: int = 0
    fixed: bool = False
    number: Doubles = None

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
    holds: Holds = None
    name: str = ""


@dataclass(slots=True)
class Branch:
    """One side of an `if` inside another, and the name of what holds where it is evaluated."""

    test: Test
    taken: bool
    outer: "Branch | None"
    name: str = ""
