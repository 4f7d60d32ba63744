"""What operations make of series: one more arithmetic, for points at which a rule is a choice or none.

It is read from the rows. Near a point at which an operation is smooth, its local gradient as a text
gives its Taylor series, which is the solution of out' = rule(x, out); at a kink, at a pole and at an
end of the domain, its definition in simpler operations holds, in which all choices are comparisons.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

from ..blocks.definitions import function, over, parameters
from ..language.graph import Graph
from ..language.table_texts import compiled, texts
from ..operations.row import Operation
from ..operations.table import ADD, DIV, IDENTITY, MUL, NEG, OPERATIONS, POW, SUB
from .arithmetic import domain_error
from .ball import DomainError, Undecided, compare
from .branches import Branches
from .interpret import interpret, leaves
from .reals import EXP, LOG, ZERO, Real, Reals, exactly
from .series import Element, Field, Series, Unreached, coefficients, step

__all__ = ["Germs"]

NEAREST, REMAINDER = OPERATIONS["_nearest"], OPERATIONS["_remainder"]

HALF = 0.5
"""Of a number that is known within less, a whole number near it is known."""

DEEPEST = 24
"""How deep definitions may nest: lgamma near its pole at -n is defined by n + 1 others."""


class Germs:
    """The arithmetic of series; one is made for a point, and remembers the numbers it has met.

    cap: the power of a step from which on a series that would not end is left unknown.
    """

    def __init__(self, cap: int) -> None:
        self.reals = Reals()
        self.field = Field(self.reals, cap)
        self.expansions: dict[Any, list[Real]] = {}
        self.known: dict[Any, tuple[Sequence[Element], Element]] = {}
        self.constants: dict[Any, Real] = {}
        self.depth = 0
        self.within = 0
        self.own: dict[Operation, Callable[..., Element]] = {
            ADD: lambda x, y: x + y,
            SUB: lambda x, y: ZERO if x is y else x - y,
            MUL: self.field.product,
            NEG: lambda x: -x,
            IDENTITY: lambda x: x,
            DIV: self.field.quotient,
            NEAREST: self.nearest,
            REMAINDER: self.remainder,
            POW: self.power,
            EXP: lambda x: self.field.exp(x, lambda a: self.reals.value(EXP, (a,))),
            LOG: lambda x: self.field.log(x, lambda a: self.reals.value(LOG, (a,))),
        }

    # comparisons

    def decide(self, x: Element, y: Element) -> int:
        """The sign of x - y. Raises Undecided where all known terms cancel."""
        if x is y:
            return 0
        if isinstance(x, Real) and isinstance(y, Real):
            a, b = x.rational, y.rational
            if a is not None and b is not None:
                return (a > b) - (a < b)
        return self.field.sign(x - y)

    def sign(self, operands: Sequence[Element], k: int) -> int:
        """The sign of operand k."""
        return self.field.sign(operands[k])

    def whole(self, operands: Sequence[Element], k: int) -> bool:
        """Whether operand k is a whole number."""
        return self.decide(operands[k], self.nearest(operands[k])) == 0

    def exactly(self, value: float) -> Element:
        """The number that a float is."""
        return exactly(value)

    def vanishes(self, text: str, named: Mapping[str, Element]) -> bool:
        """Whether a text of the table is 0."""
        return self.decide(self.interpreted(compiled(text), named), ZERO) == 0

    def admit(self, operation: Operation, operands: Sequence[Element]) -> bool:
        """Whether an operand stands on an end of the domain. Raises DomainError beyond it."""
        at_end = False
        for bound in operation.domain:
            k = operation.operands.index(bound.operand)
            if isinstance(bound.limit, str):
                edge = operands[operation.operands.index(bound.limit)]
            else:
                edge = exactly(bound.limit)
            sign = self.decide(operands[k], edge)
            if not compare(sign, bound.relation):
                raise domain_error(operation, bound, k, sign)
            at_end = at_end or sign == 0
        refused = operation.requires(self, list(operands)) if operation.requires else None
        if refused:
            raise DomainError(*refused)
        return at_end

    # values

    def nearest(self, x: Element) -> Real:
        """A whole number near an element; which one near a half is left open.

        Raises Undecided where the element is infinite, or so large that no digits tell.
        """
        near = self.field.near(x)
        if (q := near.rational) is not None:
            return exactly(round(q))
        for arithmetic, (value, error) in near.balls():
            if error < HALF:
                return exactly(int(arithmetic.nearest_whole(value)))
        raise Undecided("a whole number that cannot be told")

    def remainder(self, x: Element, y: Element) -> Element:
        """What is left of x without the whole multiple of y near it. Raises as ``nearest`` does of x/y."""
        return x - y * self.nearest(self.field.quotient(x, y))

    def constant(self, value: Any) -> Element:
        """A constant of a program, by its number or its name; the very same one of the same number."""
        number = self.reals.constant(value)
        return self.constants.setdefault(number.key, number)

    def apply(self, operation: Operation, operands: Sequence[Element]) -> Element:
        """The value of an operation; the very same one of the same operands, whose difference is 0.

        Raises DomainError beyond its domain, Undecided where the value is no series, or not enough
        of one is known.
        """
        key = (operation, tuple(map(id, operands)), self.field.cap)
        if key not in self.known:
            self.known[key] = operands, self.computed(operation, operands)
        return self.known[key][1]

    def computed(self, operation: Operation, operands: Sequence[Element]) -> Element:
        """The value of an operation, as ``apply`` gives it."""
        if operation in self.own:
            x = self.own[operation](*operands)
            return self.reals.short(x) if isinstance(x, Real) else x
        at_end = self.admit(operation, operands)
        if operation.selects:
            best = operands[0]
            for x in operands[1:]:
                if self.decide(x, best) == operation.selects:
                    best = x
            return best
        text = text_of(operation, len(operands))
        chooses = operation.kinks or operation.cut or operation.variadic or at_end
        if text and (chooses or (operation.series and operation not in text.operations)):
            return self.defined(operation, text, operands)
        moving = [k for k, x in enumerate(operands) if not isinstance(x, Real)]
        if not moving:
            return self.reals.value(operation, operands)  # type: ignore[arg-type]
        try:
            if len(moving) > 1:
                raise Undecided(f"{operation.name} of two infinitesimals")
            return self.expanded(operation, operands, moving[0])
        except Unreached:
            raise
        except (DomainError, Undecided):
            if not text:
                raise Undecided(f"{operation.name} where its rule has no value") from None
        return self.defined(operation, text, operands)

    def power(self, x: Element, y: Element) -> Element:
        """x^y, or DomainError. Of a whole number y, the sign of x need not be known."""
        if isinstance(y, Real) and (q := y.rational) is not None:
            return self.field.power(x, q)
        if self.field.sign(x) == 0:
            if self.field.sign(y) < 0:
                raise DomainError("zero to a negative power", "")
            return ZERO
        if self.field.sign(x) < 0:
            raise DomainError("a negative base with a fractional exponent has no real value", "")
        near = self.field.near(y) if isinstance(y, Series) else y
        q = near.rational or Fraction(0)  # which exp(log(x)*q) would not tell from a power
        return self.field.power(x, q) * self.own[EXP]((y - exactly(q)) * self.own[LOG](x))

    def defined(self, operation: Operation, text: Graph, operands: Sequence[Element]) -> Element:
        """The value by a text that defines the operation."""
        if self.depth == DEEPEST:
            raise Undecided("definitions nest too deep")
        named = dict(zip(parameters(operation, len(operands)), operands, strict=True))
        if "out" in text.variables:
            near = [self.field.near(x) for x in operands]
            named["out"] = self.reals.value(operation, near)
        self.depth += 1
        try:
            return self.interpreted(text, named)
        finally:
            self.depth -= 1

    def interpreted(self, text: Graph, named: Mapping[str, Element]) -> Element:
        """The value of a text over elements."""
        given = {node: named[name] for name, node in text.variables.items()}
        values = leaves(text, given, self.constant)
        interpret(text, values, self.apply, Branches(text, values, self.decide))
        result: Element = values[text.output]
        return result

    # Taylor series

    def expanded(self, operation: Operation, operands: Sequence[Element], k: int) -> Element:
        """The value by the Taylor series in operand k, the only one that is no number."""
        number = self.field.near(operands[k])
        u = operands[k] - number
        side = self.field.sign(u) if operation.kinks else 1
        near = [*operands[:k], number, *operands[k + 1 :]]
        coefficients = self.taylor(operation, near, k, side)  # type: ignore[arg-type]
        return self.field.composed(coefficients, exactly(side) * u, not self.within)

    def taylor(
        self, operation: Operation, near: Sequence[Real], k: int, side: int
    ) -> Iterator[Real]:
        """The coefficients of the series in s, where operand k is that number and side*s."""
        if operation.jump:
            raise Undecided("a jump")
        key = (operation, tuple([x.key for x in near]), k, side)
        if key not in self.expansions:
            self.expansions[key] = [self.reals.value(operation, near)]
        known = self.expansions[key]
        done = 0
        while True:
            if done == len(known):
                known.append(self.next_coefficient(operation, near, k, side, known))
            yield known[done]
            done += 1

    def next_coefficient(
        self,
        operation: Operation,
        near: Sequence[Real],
        k: int,
        side: int,
        known: Sequence[Real],
    ) -> Real:
        """The next coefficient, from out' = rule(x, out): that of s^(n-1) in the rule, over n."""
        n = len(known)
        order = Fraction(n)
        operands: list[Element] = list(near)
        operands[k] = Series(2, (), order) + near[k] + (step(2) * exactly(side) if n > 1 else ZERO)
        out: Element = Series(2, (), order)
        for e, c in enumerate(known):
            out = out + step(2, e, c)
        named = dict(zip(operation.operands, operands, strict=True)) | {"out": out}
        cap, self.field.cap = self.field.cap, order
        self.within += 1
        try:
            slope, reach = coefficients(self.interpreted(texts(operation).shown[k], named), 2)
        except Unreached:  # of a series that was cut right there, so by a pole
            raise Undecided(f"{operation.name} where its slope has no value") from None
        finally:
            self.field.cap = cap
            self.within -= 1
        if (reach is not None and reach < order) or any(e < 0 for e in slope):
            raise Undecided(f"{operation.name} where its slope has no value")
        found = slope.get(order - 1, ZERO)
        assert isinstance(found, Real)
        return self.reals.short(found * exactly(Fraction(side, n)))


@cache
def text_of(operation: Operation, count: int) -> Graph | None:
    """The text by which an operation of so many operands is defined near any point; None if none."""
    text = operation.series or operation.computed or operation.formula
    if not text:
        return None
    names = parameters(operation, count)
    return function(operation, over(text, names), names).body
