"""What a row of the table of operations is."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Any, NamedTuple

from .exact import Exact, never

__all__ = [
    "ATOM",
    "POWER",
    "PRODUCT",
    "SIGNED",
    "SUM",
    "Bound",
    "Infix",
    "Operation",
    "Requirement",
    "Role",
    "relative",
    "row",
]


class Role(Enum):
    """How an operation passes gradients on: the noun of the JSON, the verb of the table."""

    DISTRIBUTES = ("distributor", "distributes")
    SWAPS = ("swapper", "swaps")
    SCALES = ("scaler", "scales")
    ROUTES = ("router", "routes")

    @property
    def noun(self) -> str:
        return self.value[0]

    @property
    def verb(self) -> str:
        return self.value[1]


SUM, PRODUCT, SIGNED, POWER, ATOM = range(1, 6)
"""How tightly a piece of text binds, loosest first; the levels of the grammar."""


class Infix(NamedTuple):
    """How an operator's result binds, its sign, and what its operands need to bind at least."""

    binds: int
    sign: str
    left: int
    right: int


class Bound(NamedTuple):
    """A condition on an operand, such as ``x > 0`` or ``lo <= hi``; together they are the domain.

    limit: a number, or the name of another operand.
    """

    operand: str
    relation: str
    limit: float | str

    @property
    def excludes_zero(self) -> bool:
        """Whether an operand of 0 is beyond it, whatever the others are."""
        if isinstance(self.limit, str):
            return False
        tests = {"!=": self.limit == 0, ">": self.limit >= 0, ">=": self.limit > 0}
        return tests.get(self.relation, False)

    def __str__(self) -> str:
        limit = self.limit if isinstance(self.limit, str) else f"{self.limit:g}"
        return f"{self.operand} {self.relation} {limit}"


Requirement = Callable[[Any, list[Any]], tuple[str, str] | None]
"""What keeps some operands from a value, and the way out, or None; asks an arithmetic
(arithmetic.Arithmetic) for the ``sign`` of operand k, whether it is ``whole``, or ``counts``, and
whether a text ``vanishes``."""


def relative(_operands: tuple[Any, ...], out: Any) -> Any:
    """The size of the result."""
    return abs(out)


@dataclass(slots=True, eq=False, repr=False)  # a row is equal to itself alone; nothing changes one
class Operation:
    """One row of the table. Needed are the first five, ``value`` or ``computed``, ``wide`` where
    mpmath has no function of that name, and ``ulps``; all else follows from these or is a bonus.

    name: what the user types, or the name of an operator.
    operands: names used by the texts; a last "..." makes it variadic, with ``least`` operands.
    rules: the local gradient per operand, as a learner reads it, over the operands and `out`
        (one rule for all when variadic, which may also use `n`, the number of operands,
        and `ties`, how many equal the result).
    doc: one line.

    The value:

    value: floats to float; the function ``libm`` of Python's math unless given. None when
        ``computed`` gives the value, or where the result is one of the operands.
    ulps: the largest error of ``value``, in units in the last place.
    wide: the value over mpmath, given the module; the function of that name when None.
    computed: the value as a careful program, used over floats and wide numbers.
    selects: 1 where the result is the largest operand, -1 where it is the smallest.
    exact: when ``value`` has no rounding error.
    rational: the value over Fractions, where it is one; raises ArithmeticError where it has none.
    scale: the magnitude to which ``ulps`` refers; the result unless given.
    lipschitz: no local gradient is larger than this anywhere. Needed where the value turns back
        within an interval of operands, but at 0: else it is farthest from its middle at the ends.
    numpy: what columns of numbers are computed by: NumPy's function of that name, which gives
        nan or an infinity where there is no value; or a faster one of floats than ``value``.
        Without it, ``value`` is called for every row.
    numpy_ulps: the largest error of that.
    columns: the value over columns as a text, where its steps are faster than a call for every row.
    choice: it takes a whole number near an operand, or near the quotient of two, and which of two
        near a half is left open.
    period: of a wave; where an error is a good part of it, slopes at some points bound nothing.
    slow: a value takes long, over wide numbers above all.

    The local gradients:

    careful: as they are computed, where ``rules`` would lose digits.
    ordinary: a shorter text of the same, right at operands that are finite, not 0 and off all
        edges of the domain.
    twice: as they are written in code, where they are differentiated again: texts whose own
        local gradients lose no digits either. Of any number of operands, x is the one of the
        local gradient. A stage whose name begins with _ is taken as a constant, being one that has
        no effect. ``careful`` unless given.
    kinks: texts over the operands and `out`: where one is 0, the operation has a kink.
    jump: a message when the operation jumps at its kink, so that no gradient exists there.
    cut: a text that is 0 on the branch cut, where the value jumps, by ``cut_step``, but the
        gradient is the same.

    Where it has no value:

    domain: bounds of the operands. refusal: what is said of operands beyond them, and the way out,
        where the bounds themselves say too little.
    requires: what bounds can't say, and ``requirement``, that in words.

    What it is made of, and how it is written:

    formula: the definition in simpler operations, of a block that has one; with it and with
        ``spellings``, other ways in which people write it, blocks are opened and recognised.
    mirrored: how people write the block at -x, where the minus sign need not be seen.
    series: the value in simpler operations, as it is near a point at which ``computed`` and
        ``formula`` say too little; over `out` too, the value at the point itself.
    defaults: values of last operands that may be left out.
    symbol: of an operator; binds: how tightly it does (see ``infix``).
    syntax: how it is written, if it is neither a call nor such an operator.
    hidden: for the texts of this table, not for users.
    leaf: it is computed from nothing, as a variable and a constant are.
    soft: its name is a function's only where `(` follows, and only until the program gives the
        name to a function of its own; elsewhere it is free. So is every name that was added after
        programs had been written without it.
    libm: its name in C's mathematical library, in Python's math and in PyTorch.
    latex: its sign in LaTeX; or, with a slot such as <x> for each operand, the whole of it.
    gate: what its gate shows in a picture, other than its symbol or its name.

    What is said of it:

    says: what its local gradient is, as the end of a sentence; or a whole sentence.
    at_kink: what the local gradients are at a kink.
    no_slope: why a local gradient does not exist; {at} is the node.
    saturates: it is flat far from 0, as an S is.
    """

    name: str
    operands: tuple[str, ...]
    rules: tuple[str, ...]
    role: Role
    doc: str
    value: Callable[..., float] | None = None
    ulps: float = 1
    wide: Callable[..., Any] | None = None
    computed: str = ""
    selects: int = 0
    least: int = 1
    exact: Exact = never
    rational: Callable[..., Fraction] | None = None
    scale: Callable[[tuple[Any, ...], Any], Any] = relative
    lipschitz: float = 0
    numpy: str | Callable[..., float] = ""
    numpy_ulps: float = 5
    columns: str = ""
    choice: bool = False
    period: float = 0
    slow: bool = False
    careful: tuple[str, ...] = ()
    ordinary: tuple[str, ...] = ()
    twice: tuple[str, ...] = ()
    kinks: tuple[str, ...] = ()
    jump: str = ""
    cut: str = ""
    cut_step: str = ""
    domain: tuple[Bound, ...] = ()
    refusal: tuple[str, ...] = ()
    requires: Requirement | None = None
    requirement: str = ""
    formula: str = ""
    spellings: tuple[str, ...] = ()
    mirrored: str = ""
    series: str = ""
    defaults: tuple[float, ...] = ()
    symbol: str = ""
    binds: int = ATOM
    syntax: str = ""
    hidden: bool = False
    leaf: bool = False
    soft: bool = False
    libm: str = ""
    latex: str = ""
    gate: str = ""
    says: str = ""
    at_kink: str = "the subgradient of smallest norm is used"
    no_slope: str = ""
    saturates: bool = False

    def __repr__(self) -> str:
        return f"<{self.signature}: {self.doc}>"

    @property
    def variadic(self) -> bool:
        return self.operands[-1:] == ("...",)

    @property
    def smooth(self) -> bool:
        """Whether it has no kinks, no jumps and no branch cut, and a rule for each operand."""
        return not (self.kinks or self.cut or self.variadic or self.chooses)

    @property
    def chooses(self) -> bool:
        """Whether its value is one of its operands; which one, no text of the row says."""
        return not (self.value or self.computed)

    @property
    def adds(self) -> bool:
        """Whether every operand gets all of the upstream gradient: a sum, as far as that goes."""
        return set(self.rules) == {"1"}

    @property
    def rectifies(self) -> bool:
        """Whether the sign of its one operand opens or shuts it: a relu."""
        alone = len(self.operands) == 1
        return self.role is Role.ROUTES and alone and self.kinks == self.operands

    @property
    def clamps(self) -> bool:
        """Whether it keeps its first operand between the two others."""
        kinks = tuple([f"{self.operands[0]} - {limit}" for limit in self.operands[1:]])
        return self.role is Role.ROUTES and len(kinks) == 2 and self.kinks == kinks

    @property
    def distributes_alike(self) -> bool:
        """Whether every operand gets the same of the upstream gradient: a sum, not a difference."""
        return self.role is Role.DISTRIBUTES and len(set(self.rules)) == 1

    @property
    def commutative(self) -> bool:
        """Whether two operands may change places, which the rules tell: f(x, y) and f(y, x) are
        equal where x = y, and with the same slopes they are equal everywhere.
        """
        if self.variadic or len(self.operands) != 2:
            return self.variadic
        x, y = self.operands
        first, second = self.rules
        return re.sub(rf"\b({x}|{y})\b", lambda name: y if name[0] == x else x, first) == second

    @property
    def sentence(self) -> str:
        """What is said of its local gradients wherever they exist, off its kinks; or nothing."""
        if not self.says or self.says.endswith("."):
            return self.says
        what = f"{self.name} for an operand" if self.variadic else self.name
        return f"The local gradient of {what} is {self.says}."

    @property
    def named(self) -> bool:
        """Whether the user may call it: sums and products, `-x` and `if` are only written."""
        return self.binds >= POWER and not self.syntax and not self.hidden

    @property
    def infix(self) -> Infix:
        """How an operator is written: from left to right; a power from right to left, and its
        exponent may have a sign.
        """
        sign = f" {self.symbol} " if self.binds == SUM else self.symbol
        if self.binds == POWER:
            return Infix(POWER, sign, ATOM, SIGNED)
        return Infix(self.binds, sign, self.binds, self.binds + 1)

    @property
    def arity(self) -> tuple[int, int | None]:
        """The smallest and the largest number of operands; None for no limit."""
        if self.variadic:
            return self.least, None
        return len(self.operands) - len(self.defaults), len(self.operands)

    @property
    def signature(self) -> str:
        """How it is written, such as `leaky_relu(x, a = 0.01)` or `x*y`."""
        if self.syntax:
            return self.syntax
        if self.symbol:
            return self.infix.sign.join(self.operands)
        if self.variadic:
            return f"{self.name}(x, y, ...)"
        required = len(self.operands) - len(self.defaults)
        shown = list(self.operands[:required])
        shown += [
            f"{n} = {v:g}" for n, v in zip(self.operands[required:], self.defaults, strict=True)
        ]
        return f"{self.name}({', '.join(shown)})"


def row(name: str, operands: str, rules: str, role: Role, doc: str, **more: Any) -> Operation:
    """A row with its operands written as one text, and its lists of texts too: bounds and kinks
    are separated by ` and `, others by ` ;; `. Its value is the function ``libm`` of Python's math
    unless given.
    """
    if "libm" in more:
        more = {"value": getattr(math, more["libm"])} | more
    for field, separator in SEPARATORS.items():
        if field in more:
            more[field] = tuple(more[field].split(separator))
    if "domain" in more:
        more["domain"] = tuple(bound(text) for text in more["domain"])
    return Operation(name, tuple(operands.split()), tuple(rules.split(" ;; ")), role, doc, **more)


SEPARATORS = {
    "careful": " ;; ",
    "ordinary": " ;; ",
    "twice": " ;; ",
    "spellings": " ;; ",
    "refusal": " ;; ",
    "domain": " and ",
    "kinks": " and ",
}
"""Of the fields of a row that are lists of texts."""


def bound(text: str) -> Bound:
    operand, relation, limit = text.split()
    return Bound(operand, relation, limit if limit.isidentifier() else float(limit))
