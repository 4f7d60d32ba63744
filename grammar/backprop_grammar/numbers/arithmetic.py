"""Numbers that know how wrong they may be.

A value travels with a bound on its rounding error (running error analysis: Higham, Accuracy and
Stability of Numerical Algorithms, section 3.3), so an evaluation can tell a number it may print from
one it must refuse. All that follows from rows, texts and bounds is written here, once; a number
system is a class that says what its numbers are and how they round.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ..language.graph import Graph
from ..language.table_texts import texts
from ..operations.row import Bound, Operation, Role
from ..operations.table import ADD, DIV, SUB
from .ball import INFINITY, Ball, DomainError, Undecided, compare, rounding
from .branches import Branches
from .interpret import interpret, leaves

__all__ = ["Arithmetic", "domain_error"]


class Arithmetic(ABC):
    """A number system with rounding.

    number: a number from a float, or from decimal text. unit: half an ulp of 1, and limit 1/unit.
    last: no more precise arithmetic will be tried, so what cannot be told from 0 is taken as 0.
    zero, one, undefined: as balls.
    """

    guard = 0
    """By how many units a value may be off, beyond twice what its row says of floats."""

    def __init__(self, number: Callable[[float | str], Any], unit: Any, last: bool = False) -> None:
        self.number = number
        self.unit, self.limit, self.last = unit, 1 / unit, last
        self.zero: Ball = self.exactly(0.0)
        self.one: Ball = self.exactly(1.0)
        self.undefined: Ball = self.exactly(float("nan"))

    # what a number system says of itself

    def context(self) -> AbstractContextManager[Any]:
        """Within it the numbers have their precision."""
        return nullcontext()

    @abstractmethod
    def constant(self, value: float | str) -> Ball:
        """The ball of a constant of the program, by its number or its name."""

    @abstractmethod
    def library_value(self, operation: Operation, operands: Sequence[Any]) -> Any:
        """The value of an operation as a library gives it.

        Raises OverflowError, ValueError and ZeroDivisionError where it gives none.
        """

    @abstractmethod
    def times(self, a: Ball, b: Ball) -> Ball:
        """The product of two balls; inf*0 does not exist."""

    @abstractmethod
    def total(self, balls: Sequence[Ball]) -> Ball:
        """The sum of balls; inf - inf does not exist."""

    @abstractmethod
    def finite(self, x: Any) -> bool:
        """Whether a number is neither infinite nor undefined."""

    @abstractmethod
    def nearest_whole(self, x: Any) -> Any:
        """The whole number nearest to a finite number."""

    @abstractmethod
    def far(self, reach: Any) -> bool:
        """Whether a slope may differ at the ends of an error by more than rounding does."""

    def overflows(self, _value: Any) -> bool:
        """Whether a value is beyond the largest number; of an unbounded exponent, none is."""
        return False

    def underflows(self, _value: Any) -> bool:
        """Whether a value is so small that a bound on its error would lose digits itself."""
        return False

    def ordinary_local(
        self, _operation: Operation, _k: int, _balls: Any, _operands: Sequence[int], _node: int
    ) -> Ball | None:
        """What ``local`` gives, where that is known without it and no kink is near; else None."""
        return None

    # certainty

    def exactly(self, value: float) -> Ball:
        """The ball of a number without error."""
        return self.number(value), self.number(0.0)

    def lost(self, ball: Ball) -> float:
        """The bound on a number's relative error; 0 where it is exact, a pole or undefined."""
        value, error = ball
        if not error or not self.finite(value):
            return 0.0
        if not error < INFINITY:
            return 2.0**-28  # the bound overflowed, which says nothing of the number
        if value == 0 or error > abs(value):
            return 1.0
        return float(error / abs(value))

    def settle(self, ball: Ball, terms: Sequence[Any] = ()) -> Ball:
        """In the last arithmetic, 0 for what cannot be told from it; else the ball as it is.

        terms: what was added; an error that is not small beside the largest of them and 1 is mere
        ignorance, such as that of sin(exp(13800)).
        """
        value, error = ball
        if self.last and error:
            scale = max([1, *map(abs, terms)])
            if abs(value) <= 8 * error <= scale * self.unit**0.5:
                return self.zero
        return ball

    def check_underflow(self, value: Any) -> None:
        """Raise Undecided where a bound on the error of a value would lose digits itself."""
        if self.underflows(value):
            raise Undecided("underflow")

    def decide(self, a: Ball, b: Ball) -> int:
        """The sign of a - b. Raises Undecided where the errors leave it open."""
        difference = a[0] - b[0]
        error = a[1] + b[1]
        if abs(difference) > error:
            return 1 if difference > 0 else -1
        if error == 0 or a is b:
            return 0
        if self.last and error <= max(1, abs(a[0]), abs(b[0])) * self.unit**0.5:
            return 0
        raise Undecided("two numbers too close to tell apart")

    # domains

    def admit(self, operation: Operation, operands: list[Ball]) -> list[Ball]:
        """The operands, moved onto the edge of the domain where they can't be told from it.

        Raises DomainError where they lie beyond.
        """
        for bound in operation.domain:
            k = operation.operands.index(bound.operand)
            if isinstance(bound.limit, str):
                edge = operands[operation.operands.index(bound.limit)]
            else:
                edge = self.exactly(bound.limit)
            sign = self.decide(operands[k], edge)
            if not compare(sign, bound.relation):
                raise domain_error(operation, bound, k, sign)
            if sign == 0:
                operands[k] = edge
        refused = operation.requires(self, operands) if operation.requires else None
        if refused:
            raise DomainError(*refused)
        return operands

    def sign(self, operands: list[Ball], k: int) -> int:
        """The sign of operand k, which becomes an exact 0 where it can't be told from it."""
        sign = self.decide(operands[k], self.zero)
        if sign == 0:
            operands[k] = self.zero
        return sign

    def whole(self, operands: list[Ball], k: int) -> bool:
        """Whether operand k is a whole number, which it becomes where it can't be told from it."""
        nearest = self.nearest_whole(operands[k][0]), self.zero[1]
        if self.decide(operands[k], nearest) != 0:
            return False
        operands[k] = nearest
        return True

    # values

    def value(self, operation: Operation, operands: Sequence[Any]) -> Any:
        """The value over plain numbers. Raises Undecided on overflow, DomainError beyond the domain."""
        if computed := texts(operation).computed:
            return self.plain(computed, dict(zip(operation.operands, operands, strict=True)))
        try:
            return self.library_value(operation, operands)
        except OverflowError:
            raise Undecided("overflow") from None
        except (ValueError, ZeroDivisionError):
            return self.undefined[0]

    def apply(self, operation: Operation, operands: Sequence[Ball]) -> Ball:
        """The value of an operation with its error, inherited and new."""
        operands = self.admit(operation, list(operands))
        if computed := texts(operation).computed:
            return self.bounded(computed, dict(zip(operation.operands, operands, strict=True)))
        if operation.selects:
            return operands[self.selected(operation, operands)[0]]
        values = tuple([value for value, _ in operands])
        out = self.value(operation, values)
        if self.overflows(out):
            raise Undecided("overflow")
        if operation is ADD or operation is SUB:
            x, y = values if operation is ADD else (values[0], -values[1])
            error = rounding(x, y, out)
        elif operation.exact(values, out, self.limit):
            error = self.zero[1]
        else:
            self.check_underflow(out)
            error = operation.scale(values, out) * (self.guard + 2 * operation.ulps) * self.unit
        for k, (_, inherited) in enumerate(operands):
            if inherited:
                if out != 0:
                    self.check_underflow(out)
                error += self.steepest(operation, k, values, out, inherited) * inherited
        return self.settle((out, error), values if operation.role is Role.DISTRIBUTES else ())

    def selected(self, operation: Operation, operands: Sequence[Ball]) -> list[int]:
        """The operands that a max or min selects; several where they tie."""
        best = [0]
        for k in range(1, len(operands)):
            sign = self.decide(operands[k], operands[best[0]])
            if sign == operation.selects:
                best = [k]
            elif sign == 0:
                best.append(k)
        return best

    # local gradients

    def slope(self, operation: Operation, k: int, values: Sequence[Any], out: Any) -> Any:
        """The local gradient for operand k as a plain number, for use in error bounds."""
        rule, named = self.rule(operation, k, values, out, self.number)
        return self.plain(rule, named)

    def steepest(
        self, operation: Operation, k: int, values: tuple[Any, ...], out: Any, reach: Any
    ) -> Any:
        """The largest size of the slope in operand k, also at the ends of a wide reach."""
        steepest = abs(self.slope(operation, k, values, out))
        if self.far(reach):
            for end in (values[k] - reach, values[k] + reach):
                moved = (*values[:k], end, *values[k + 1 :])
                try:
                    slope = abs(self.slope(operation, k, moved, self.value(operation, moved)))
                except Undecided:  # the end overflows, which says nothing of the number
                    raise Undecided("an error bound too wide") from None
                steepest = max(steepest, slope)
        return steepest

    def local(self, operation: Operation, operands: Sequence[Ball], out: Ball, k: int) -> Ball:
        """The local gradient for operand k with its error: infinite at a pole, nan if none."""
        if operation.selects:
            ties = self.selected(operation, operands)
            return self.apply(DIV, (self.one, self.exactly(len(ties)))) if k in ties else self.zero
        try:
            operands = self.admit(operation, list(operands))
            rule, named = self.rule(operation, k, operands, out, self.exactly)
            return self.bounded(rule, named)
        except DomainError:
            return self.undefined

    def rule(
        self,
        operation: Operation,
        k: int,
        operands: Sequence[Any],
        out: Any,
        number: Callable[[float], Any],
    ) -> tuple[Graph, dict[str, Any]]:
        """The text of the local gradient for operand k, and what its names stand for."""
        rules = texts(operation).rules
        if operation.variadic:
            return rules[0], {"x": operands[k], "out": out, "n": number(float(len(operands)))}
        return rules[k], dict(zip(operation.operands, operands, strict=True)) | {"out": out}

    def kink(self, operation: Operation, operands: Sequence[Ball], out: Ball) -> str:
        """Where the operands stand exactly: on a ``kink``, on a ``cut``, or on neither, an empty text."""
        row = texts(operation)
        named = dict(zip(operation.operands, operands, strict=False)) | {"out": out}
        for text in row.kinks:
            if self.decide(self.bounded(text, named), self.zero) == 0:
                return "kink"
        if row.cut and self.decide(self.bounded(row.cut, named), self.zero) == 0:
            return "cut"
        return ""

    # the texts of the table, interpreted

    def plain(self, text: Graph, named: Mapping[str, Any]) -> Any:
        """The value of a text over plain numbers; division by zero gives inf or nan."""
        given = {node: named[name] for name, node in text.variables.items()}
        values = leaves(text, given, lambda constant: self.constant(constant)[0])
        interpret(text, values, self.extended_value, Branches(text, values, plain_sign))
        return values[text.output]

    def bounded(self, text: Graph, named: Mapping[str, Ball]) -> Ball:
        """The value of a text with its error; division by zero gives a pole or nan."""
        given = {node: named[name] for name, node in text.variables.items()}
        values = leaves(text, given, self.constant)
        interpret(text, values, self.extended, Branches(text, values, self.decide))
        result: Ball = values[text.output]
        return result

    def extended_value(self, operation: Operation, operands: list[Any]) -> Any:
        """The value of an operation over plain numbers, infinite ones among them."""
        if operation is DIV and operands[1] == 0:
            return self.pole(operands[0])
        out = self.value(operation, operands)
        if self.underflows(out) and not operation.exact(tuple(operands), out, self.limit):
            raise Undecided("underflow")
        return out

    def extended(self, operation: Operation, operands: list[Ball]) -> Ball:
        """The value of an operation with its error: infinite at a pole, nan outside the domain."""
        if not all(self.finite(value) for value, _ in operands):
            return self.value(operation, [value for value, _ in operands]), self.zero[1]
        if operation is DIV and self.decide(operands[1], self.zero) == 0:
            return self.pole(operands[0][0]), self.zero[1]
        try:
            return self.apply(operation, operands)
        except DomainError:
            return self.undefined

    def pole(self, numerator: Any) -> Any:
        """What a division by zero gives: a signed infinity, or nan for 0/0."""
        if numerator == 0 or numerator != numerator:
            return self.undefined[0]
        return self.number(INFINITY if numerator > 0 else -INFINITY)


def plain_sign(a: Any, b: Any) -> int:
    """The sign of a - b, of plain numbers."""
    difference = a - b
    return int(difference > 0) - int(difference < 0)


def domain_error(operation: Operation, bound: Bound, operand: int, sign: int) -> DomainError:
    """The refusal of an operand beyond a bound, in words."""
    if operation.refusal:
        message, hint = operation.refusal
        return DomainError(message, hint, operand)
    side = "above" if bound.relation[0] == "<" else "below"
    if isinstance(bound.limit, str):
        message = f"{operation.name} with {bound.operand} {side} {bound.limit}"
        return DomainError(message, f"{operation.name} needs {bound}")
    if bound.limit == 0:
        what = "zero" if sign == 0 else "a negative number"
        needs = "a positive operand" if bound.relation == ">" else "an operand that is not negative"
    else:
        what = f"{bound.limit:g}" if sign == 0 else f"a number {side} {bound.limit:g}"
        needs = f"an operand with {' and '.join(map(str, operation.domain))}"
    return DomainError(f"{operation.name} of {what}", f"{operation.name} needs {needs}", operand)
