"""What a row of the table of operations is."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from .exact import Exact, never

__all__ = ["Bound", "Operation", "Requirement", "Role", "relative", "row"]


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


@dataclass(frozen=True, slots=True)
class Bound:
    """A condition on an operand, such as ``x > 0`` or ``lo <= hi``; together they are the domain.

    limit: a number, or the name of another operand.
    """

    operand: str
    relation: str
    limit: float | str

    def __str__(self) -> str:
        limit = self.limit if isinstance(self.limit, str) else f"{self.limit:g}"
        return f"{self.operand} {self.relation} {limit}"


Requirement = Callable[[Any, list[Any]], tuple[str, str] | None]
"""What keeps some operands from a value, and the way out, or None; asks an arithmetic
(arithmetic.Arithmetic) for the ``sign`` of operand k and whether it is ``whole``."""


def relative(_operands: tuple[Any, ...], out: Any) -> Any:
    """The size of the result."""
    return abs(out)


@dataclass(frozen=True, slots=True, eq=False)  # a row is itself; comparing fields would be slow
class Operation:
    """One row of the table.

    name: what the user types, or the name of an operator.
    operands: names used by the texts; a last "..." makes it variadic.
    rules: the local gradient per operand, as a learner reads it, over the operands and `out`
        (one rule for all when variadic, which may also use `n`, the number of operands,
        and `ties`, how many equal the result).
    doc: one line.
    value: floats to float. None when ``computed`` gives the value.
    wide: the value over mpmath, given the module; the function of that name when None.
    formula: the definition in simpler operations, of a block that has one; with it and with
        ``spellings``, other ways in which people write it, blocks are opened and recognised.
    mirrored: how people write the block at -x, where the minus sign need not be seen.
    computed: the value as a careful program, used over floats and wide numbers.
    careful: the local gradients as they are computed, where ``rules`` would lose digits.
    domain: bounds of the operands; ``requires`` covers what bounds can't say.
    kinks: texts over the operands and `out`: where one is 0, the operation has a kink.
    ulps: the largest error of ``value``, in units in the last place.
    scale: the magnitude to which ``ulps`` refers; the result unless given.
    exact: when ``value`` has no rounding error.
    defaults: values of last operands that may be left out.
    symbol: of an operator.
    cut: a text that is 0 on the branch cut, where the value jumps but the gradient is the same.
    jump: a message when the operation jumps at its kink, so that no gradient exists there.
    hidden: for the texts of this table, not for users.
    """

    name: str
    operands: tuple[str, ...]
    rules: tuple[str, ...]
    role: Role
    doc: str
    value: Callable[..., float] | None = None
    wide: Callable[..., Any] | None = None
    formula: str = ""
    computed: str = ""
    careful: tuple[str, ...] = ()
    domain: tuple[Bound, ...] = ()
    requires: Requirement | None = None
    requirement: str = ""
    kinks: tuple[str, ...] = ()
    ulps: float = 1
    scale: Callable[[tuple[Any, ...], Any], Any] = relative
    exact: Exact = never
    defaults: tuple[float, ...] = ()
    spellings: tuple[str, ...] = ()
    mirrored: str = ""
    symbol: str = ""
    cut: str = ""
    jump: str = ""
    hidden: bool = False

    @property
    def variadic(self) -> bool:
        return self.operands[-1] == "..."

    @property
    def smooth(self) -> bool:
        """Whether it has no kinks, no jumps and no branch cut, and a rule for each operand."""
        return not (self.kinks or self.cut or self.variadic or self.name == "if")

    @property
    def arity(self) -> tuple[int, int | None]:
        """The smallest and the largest number of operands; None for no limit."""
        if self.variadic:
            return (2 if self.name in ("max", "min") else 1), None
        return len(self.operands) - len(self.defaults), len(self.operands)

    @property
    def signature(self) -> str:
        """How it is written, such as `leaky_relu(x, a = 0.01)` or `x*y`."""
        if self.name == "neg":
            return "-x"
        if self.symbol:
            space = " " if self.symbol in "+-" else ""
            return f"{self.operands[0]}{space}{self.symbol}{space}{self.operands[1]}"
        if self.name == "if":
            return "if(a < b, x, y)"
        if self.variadic:
            return f"{self.name}(x, y, ...)"
        least = self.arity[0]
        shown = list(self.operands[:least])
        shown += [f"{n} = {v:g}" for n, v in zip(self.operands[least:], self.defaults, strict=True)]
        return f"{self.name}({', '.join(shown)})"


def row(name: str, operands: str, rules: str, role: Role, doc: str, **more: Any) -> Operation:
    """A row with its operands and rules written as one text each, separated by `, ` and ` ; `."""
    careful = tuple(more.pop("careful", "").split(" ;; ")) if more.get("careful") else ()
    domain = tuple(bound(text) for text in more.pop("domain", "").split(" and ") if text)
    kinks = tuple(text for text in more.pop("kinks", "").split(" and ") if text)
    spellings = tuple(text for text in more.pop("spellings", "").split(" ;; ") if text)
    return Operation(
        name, tuple(operands.split()), tuple(rules.split(" ;; ")), role, doc,
        careful=careful, domain=domain, kinks=kinks, spellings=spellings, **more,
    )  # fmt: skip


def bound(text: str) -> Bound:
    operand, relation, limit = text.split()
    return Bound(operand, relation, limit if limit.isidentifier() else float(limit))
