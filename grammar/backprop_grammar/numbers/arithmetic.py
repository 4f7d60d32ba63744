"""Numbers that know how wrong they may be.

A value travels with a bound on its rounding error (running error analysis: Higham, Accuracy and
Stability of Numerical Algorithms, section 3.3), so an evaluation can tell a number it may print from
one it must refuse. All that follows from rows, texts and bounds is written here, once; a number
system is a class that says what its numbers are and how they round.
"""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ..language.graph import Graph
from ..language.table_texts import compiled, texts
from ..operations.row import Bound, Operation, Role
from ..operations.table import ADD, DIV, IDENTITY, MUL, NEG, OPERATIONS, SUB
from .ball import ENLARGED, INFINITY, MARGIN, Ball, DomainError, Undecided, compare, rounding
from .branches import Branches
from .interpret import interpret, leaves

__all__ = ["Arithmetic", "domain_error"]


SUM, MEAN = OPERATIONS["sum"], OPERATIONS["mean"]


class Arithmetic(ABC):
    """A number system with rounding.

    number: a number from a float, or from decimal text. unit: half an ulp of 1, and limit 1/unit.
    last: two numbers that cannot be told apart count as equal.
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
        self.enlarged = number(ENLARGED)

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
    def far(self, x: Any, reach: Any) -> bool:
        """Whether an error, not 0, is not near at a distance of x from 0 or from an edge."""

    def leaps(self, moved: Any, out: Any) -> bool:
        """Whether a movement is so large beside a value and 1 that a pole may be near."""
        return not moved * 2.0**20 <= 1 + abs(out)

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

    def rounds_to_zero(self, _ball: Ball) -> bool:
        """Whether the nearest float is 0 wherever in its ball a number lies."""
        return False

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
        raise Undecided("two numbers too close to tell apart", abs(difference) + error)

    def hull(self, balls: Sequence[Ball]) -> Ball:
        """The ball of a number that lies in one of some balls. Raises Undecided where it has none."""
        if not all(self.finite(value) for value, _ in balls):
            raise Undecided("a number that may not exist")
        low = min([value - error for value, error in balls])
        high = max([value + error for value, error in balls])
        if low == high and not any(error for _, error in balls):
            return low, self.zero[1]
        middle = (low + high) / 2
        error = (high - middle) + (abs(low) + abs(high)) * 4 * self.unit
        self.check_underflow(error)
        return middle, error

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
            sign = self.side(operands, k, edge, bound.limit)
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
        sign = self.side(operands, k, self.zero, 0.0)
        if sign == 0:
            operands[k] = self.zero
        return sign

    def side(self, operands: Sequence[Ball], k: int, edge: Ball, limit: float | str) -> int:
        """The sign of operand k less an edge, which the program or a row calls a limit."""
        try:
            return self.decide(operands[k], edge)
        except Undecided as cause:
            cause.place, cause.limit = k, limit
            raise

    def whole(self, operands: list[Ball], k: int) -> bool:
        """Whether operand k is a whole number, which it becomes where it can't be told from it."""
        nearest = self.nearest_whole(operands[k][0]), self.zero[1]
        if self.side(operands, k, nearest, float(nearest[0])) != 0:
            return False
        operands[k] = nearest
        return True

    def counts(self, ball: Ball) -> bool:
        """Whether a number is exactly one of 0, 1, 2, ..."""
        value, error = ball
        return not error and bool(value >= 0 and value == self.nearest_whole(value))

    def vanishes(self, text: str, named: Mapping[str, Ball]) -> bool:
        """Whether a text of the table is 0."""
        return self.decide(self.bounded(compiled(text), named), self.zero) == 0

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
        if operation is IDENTITY:
            return operands[0]
        operands = self.admit(operation, list(operands))
        if computed := texts(operation).computed:
            out = self.bounded(computed, dict(zip(operation.operands, operands, strict=True)))
            if not self.finite(out[0]):
                message, hint = operation.refusal or (f"{operation.name} has no value here", "")
                raise DomainError(message, hint)
            return out
        if operation.selects:
            return self.selection(operation, operands)
        if operation is MUL:
            return self.times(*operands)
        if operands[0] is operands[-1] and operation in (SUB, DIV):
            return self.zero if operation is SUB else self.one
        if operation is SUM:
            return self.total(operands)
        if operation is MEAN:
            count = self.exactly(float(len(operands)))
            return self.apply(DIV, (self.total(operands), count))
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
            error = self.rounding_of(operation, values, out)
        errors = [inherited for _, inherited in operands]
        if any(errors):
            error += self.carried(operation, values, errors, out)
            if error:
                self.check_underflow(error if out == 0 else out)
        return out, error

    def rounding_of(self, operation: Operation, values: tuple[Any, ...], out: Any) -> Any:
        """The bound on the rounding error of a value that a library gives."""
        return operation.scale(values, out) * (self.guard + 2 * operation.ulps) * self.unit

    def carried(
        self, operation: Operation, values: tuple[Any, ...], errors: Sequence[Any], out: Any
    ) -> Any:
        """How far the errors of the operands can have moved a value.

        From the local gradients, where all errors are near. Else from the values at the ends of the
        errors, between which they turn back at 0 at most (see row.Operation.lipschitz).
        """
        if operation is ADD or operation is SUB:
            return errors[0] + errors[1]
        if operation is DIV:
            return (errors[0] + abs(out) * errors[1]) / (abs(values[1]) - errors[1])
        moves = [k for k, error in enumerate(errors) if error]
        if operation.choice and not self.chosen(operation, values, errors):
            raise Undecided("an error bound too wide")
        linear = operation is NEG or operation.role is Role.DISTRIBUTES
        for k in () if linear else moves:
            limits = [b.limit for b in operation.domain if b.limit and not isinstance(b.limit, str)]
            distances = [values[k], *[values[k] - limit for limit in limits]]
            if any(self.far(distance, errors[k]) for distance in distances):
                return self.measured(operation, values, errors, out)
        moved = self.zero[1]
        for k in moves:
            moved += abs(self.slope(operation, k, values, out)) * errors[k]
        if linear:
            return moved
        if self.leaps(moved, out):
            return self.measured(operation, values, errors, out)
        return moved * self.enlarged

    def chosen(self, operation: Operation, values: Sequence[Any], errors: Sequence[Any]) -> bool:
        """Whether the whole number that was chosen is near wherever in their balls operands are."""
        if len(values) == 1:
            return bool(4 * errors[0] < 1)
        x, y = values
        return bool(4 * (errors[0] + (abs(x / y) + 1) * errors[1]) < abs(y) - errors[1])

    def measured(
        self, operation: Operation, values: tuple[Any, ...], errors: Sequence[Any], out: Any
    ) -> Any:
        """How far errors of any size can have moved a value, measured at their ends."""
        if operation.lipschitz:
            return sum(errors) * operation.lipschitz
        ends = []
        for x, error in zip(values, errors, strict=True):
            reach = error + abs(x) * 2 * self.unit  # which rounding cannot undo
            if operation.period and not 4 * reach < operation.period:
                raise Undecided("an error bound too wide")
            ends.append([x, x - reach, x + reach, *[x * 0] * (abs(x) < reach)] if error else [x])
        farthest = lost = self.rounding_of(operation, values, out)
        for operands in itertools.product(*ends):
            try:
                value = self.value(operation, operands)
            except Undecided:  # the end overflows, which says nothing of the number
                raise Undecided("an error bound too wide") from None
            if not self.finite(value):
                raise Undecided("an error bound too wide")
            farthest = max(farthest, abs(value - out))
            lost = max(lost, self.rounding_of(operation, operands, value))
        return farthest * MARGIN + 2 * lost

    def selection(self, operation: Operation, operands: Sequence[Ball]) -> Ball:
        """The value of a max or min."""
        try:
            return operands[self.selected(operation, operands)[0]]
        except Undecided:
            sign = operation.selects
            least = max([sign * value - error for value, error in operands])
            most = max([sign * value + error for value, error in operands])
            ends = [(sign * end, abs(end) * 2 * self.unit) for end in (least, most)]
            return self.hull(ends)

    def selected(self, operation: Operation, operands: Sequence[Ball]) -> list[int]:
        """The operands that a max or min selects; several where they tie."""
        selects = operation.selects
        best = max(operands, key=lambda ball: ball[0] * selects)  # those that lose may tie
        signs = [self.decide(ball, best) * selects for ball in operands]
        if 1 in signs:  # numbers that are known better than by their digits
            for ball, sign in zip(operands, signs, strict=True):
                if sign == 1 and self.decide(ball, best) == selects:
                    best = ball
            signs = [self.decide(ball, best) for ball in operands]
        return [k for k, sign in enumerate(signs) if sign == 0]

    # local gradients

    def slope(self, operation: Operation, k: int, values: Sequence[Any], out: Any) -> Any:
        """The local gradient for operand k as a plain number, for use in error bounds."""
        rule, named = self.rule(operation, k, values, out, self.number)
        return self.plain(rule, named)

    def local(self, operation: Operation, operands: Sequence[Ball], out: Ball, k: int) -> Ball:
        """The local gradient for operand k with its error: infinite at a pole, nan if none."""
        if operation.variadic:
            return self.locals(operation, operands, out)[k]
        try:
            operands = self.admit(operation, list(operands))
            rule, named = self.rule(operation, k, operands, out, self.exactly)
            return self.bounded(rule, named)
        except DomainError:
            return self.undefined

    def locals(self, operation: Operation, operands: Sequence[Ball], out: Ball) -> list[Ball]:
        """The local gradients of a variadic operation for all its operands."""
        count = len(operands)
        if operation.selects:
            ties = set(self.selected(operation, operands))
            ball = self.apply(DIV, (self.one, self.exactly(float(len(ties)))))
            return [ball if k in ties else self.zero for k in range(count)]
        rule = texts(operation).rules[0]
        named = {"out": out, "n": self.exactly(float(count))}
        if "x" not in rule.variables:
            return [self.bounded(rule, named)] * count
        return [self.bounded(rule, named | {"x": x}) for x in operands]

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
            try:
                if self.decide(self.bounded(text, named), self.zero) == 0:
                    return "kink"
            except Undecided as cause:
                if len(operands) == 1:
                    cause.place = 0
                raise
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
        """The value of a text with its error; division by zero gives a pole or nan.

        Of a condition that is open, both sides are taken.
        """
        given = {node: named[name] for name, node in text.variables.items()}
        values = leaves(text, given, self.constant)
        branches = Branches(text, values, self.decide, both=True)
        interpret(text, values, self.extended, branches, hull=self.hull)
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
