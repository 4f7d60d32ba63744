"""Numbers that know how wrong they may be.

The insight: a value travels with a bound on its rounding error (running error
analysis: Higham, Accuracy and Stability of Numerical Algorithms, section 3.3), so
an evaluation can tell a number it may print from one it must refuse. The same code
runs over binary64, which is fast and mostly enough, and over mpmath numbers, whose
exponent is unbounded and whose precision is raised until every number is certain.
"""

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ..language.graph import Graph
from ..language.table_texts import texts
from ..operations.row import Bound, Operation, Role
from ..operations.table import CONSTANTS
from .ball import INFINITY, Ball, Outside, Uncertain, compare, finite, is_one, rounding, size_of
from .branches import Regions

__all__ = [
    "CLOSE", "SMALL", "TOLERANCE", "Arithmetic", "binary64", "outside", "wide",
]  # fmt: skip

NOTHING = -90
"""The power of two of a relative error below which none is of interest."""
SMALL = 2.0**-960
"""Below, a bound on a rounding error would itself lose digits in binary64."""
TOLERANCE = 2.0**-44
"""The relative error up to which a binary64 number is accepted: 5.7e-14."""
CLOSE = 2.0**-50
"""The same for an operation on exact operands; bounds run two to four times over the truth."""


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A set of numbers with rounding.

    unit: half an ulp of 1, and limit 1/unit. number: from a float. last: no more precise arithmetic
    will be tried, so what cannot be told from 0 is taken as 0. module: None or mpmath.
    """

    unit: Any
    limit: Any
    number: Callable[[float], Any]
    last: bool
    module: Any
    context: Callable[[], AbstractContextManager[Any]]

    # certainty

    def lost(self, ball: Ball) -> float:
        """The bound on a number's relative error; 0 where it is exact, a pole or undefined."""
        value, error = ball
        if not error or not finite(value):
            return 0.0
        if self.module is not None and value and finite(error):
            power = size_of(error) - size_of(value) + 1
            if power < NOTHING:  # an upper bound will do
                return 2.0 ** max(power, -1000)
        if not error < INFINITY:
            return 2.0**-28  # the bound overflowed, which says nothing of the number
        if value == 0 or error > abs(value):
            return 1.0
        return float(error / abs(value))

    def settle(self, ball: Ball, scale: Any = 1) -> Ball:
        """In the last arithmetic, 0 for what cannot be told from it; else the ball as it is.

        scale: of what was added; an error that is not small beside it is mere ignorance, such
        as that of sin(exp(13800)).
        """
        value, error = ball
        if self.last and error and abs(value) <= 8 * error <= scale * self.unit**0.5:
            return self.number(0.0), self.number(0.0)
        return ball

    def check_underflow(self, value: Any, nonzero: bool = True) -> None:
        """Raise Uncertain where a bound on the error of a value would lose digits itself."""
        if self.module is None and abs(value) < SMALL and nonzero:
            raise Uncertain("underflow")

    # gradients

    def times(self, a: Ball, b: Ball) -> Ball:
        """The product of two balls; inf*0 does not exist."""
        (x, dx), (y, dy) = a, b
        value = x * y
        if not finite(value):
            if self.module is None:
                raise Uncertain("overflow")
            return value, self.number(0.0)
        error = abs(x) * dy if dy else dy
        if dx:
            error += dx * abs(y)
        rounded = not (is_one(x) or is_one(y))
        if self.module is None:
            if rounded or error:
                self.check_underflow(value, x != 0 != y)
            value += 0.0
        return value, error + abs(value) * self.unit if rounded else error

    def total(self, balls: list[Ball]) -> Ball:
        """The sum of balls; inf - inf does not exist."""
        if len(balls) == 1:
            return balls[0]
        values = [value for value, _ in balls]
        if self.module is None:
            try:
                value = math.fsum(values)
            except OverflowError:
                raise Uncertain("overflow") from None
            lost = abs(math.fsum([*values, -value]))
        else:  # mpmath's fsum drops what is much smaller, even where the larger ones cancel
            value = lost = self.number(0.0)
            for x in values:
                before, value = value, value + x
                lost += rounding(before, x, value)
        if not finite(value):
            return value, self.number(0.0)
        return value, lost + sum([error for _, error in balls])

    # values

    def constant(self, value: float | str) -> Ball:
        """The ball of a constant of the program, by its number or its name."""
        if isinstance(value, float):
            return self.number(value), self.number(0.0)
        if self.module is None:
            nearest = CONSTANTS[value]
            return nearest, nearest * self.unit
        exact = {"pi": self.module.pi, "e": self.module.e, "tau": 2 * self.module.pi}[value]
        return +exact, abs(+exact) * self.unit

    def decide(self, a: Ball, b: Ball) -> int:
        """The sign of a - b. Raises Uncertain where the errors leave it open."""
        difference = a[0] - b[0]
        error = a[1] + b[1]
        if abs(difference) > error:
            return 1 if difference > 0 else -1
        if error == 0 or a is b:
            return 0
        if self.last and error <= max(1, abs(a[0]), abs(b[0])) * self.unit**0.5:
            return 0
        raise Uncertain("two numbers too close to tell apart")

    def admit(self, operation: Operation, operands: list[Ball]) -> list[Ball]:
        """The operands, moved onto the edge of the domain where they can't be told from it.

        Raises Outside where they lie beyond.
        """
        for bound in operation.domain:
            k = operation.operands.index(bound.operand)
            if isinstance(bound.limit, str):
                edge = operands[operation.operands.index(bound.limit)]
            else:
                edge = self.number(bound.limit), self.number(0.0)
            sign = self.decide(operands[k], edge)
            if not compare(sign, bound.relation):
                raise outside(operation, bound, k, sign)
            if sign == 0:
                operands[k] = edge
        refused = operation.requires(self, operands) if operation.requires else None
        if refused:
            raise Outside(*refused)
        return operands

    def sign(self, operands: list[Ball], k: int) -> int:
        """The sign of operand k, which becomes an exact 0 where it can't be told from it."""
        zero = self.number(0.0), self.number(0.0)
        sign = self.decide(operands[k], zero)
        if sign == 0:
            operands[k] = zero
        return sign

    def whole(self, operands: list[Ball], k: int) -> bool:
        """Whether operand k is a whole number, which it becomes where it can't be told from it."""
        value = operands[k][0]
        nearest = float(round(value)) if self.module is None else self.module.nint(value)
        whole = nearest, self.number(0.0)
        if self.decide(operands[k], whole) != 0:
            return False
        operands[k] = whole
        return True

    def value(self, operation: Operation, operands: Sequence[Any]) -> Any:
        """The value over plain numbers. Raises Uncertain on overflow, Outside beyond the domain."""
        if computed := texts(operation).computed:
            return self.plain(computed, dict(zip(operation.operands, operands, strict=True)))
        try:
            if self.module is None:
                assert operation.value is not None
                result = operation.value(*operands) + 0.0
            elif operation.wide:
                result = operation.wide(self.module, *operands)
            else:
                result = getattr(self.module, operation.name)(*operands)
        except OverflowError:
            raise Uncertain("overflow") from None
        except (ValueError, ZeroDivisionError):
            return self.number(float("nan"))
        if self.module is not None and isinstance(result, self.module.mpc):
            return self.number(float("nan"))  # outside the domain mpmath goes on in the plane
        return result

    def apply(self, operation: Operation, operands: list[Ball]) -> Ball:
        """The value of an operation with its error, inherited and new."""
        operands = self.admit(operation, operands)
        if computed := texts(operation).computed:
            return self.sweep(computed, dict(zip(operation.operands, operands, strict=True)))
        if operation.name in ("max", "min"):
            return operands[self.selected(operation, operands)[0]]
        values = tuple([value for value, _ in operands])
        out = self.value(operation, values)
        if self.module is None and not finite(out):
            raise Uncertain("overflow")
        if operation.name in ("add", "sub"):
            x, y = values if operation.name == "add" else (values[0], -values[1])
            error = rounding(x, y, out)
        elif operation.exact(values, out, self.limit):
            error = self.number(0.0)
        else:
            self.check_underflow(out)
            slack = 2 * operation.ulps if self.module is None else 8 + 2 * operation.ulps
            error = operation.scale(values, out) * slack * self.unit
        for k, (_, inherited) in enumerate(operands):
            if inherited:
                self.check_underflow(out, out != 0)
                error += self.steepest(operation, k, values, out, inherited) * inherited
        scale = max(map(abs, values)) if operation.role is Role.DISTRIBUTES else 1
        return self.settle((out, error), scale)

    def selected(self, operation: Operation, operands: list[Ball]) -> list[int]:
        """The operands that a max or min selects; several where they tie."""
        wanted = 1 if operation.name == "max" else -1
        best = [0]
        for k in range(1, len(operands)):
            sign = self.decide(operands[k], operands[best[0]])
            if sign == wanted:
                best = [k]
            elif sign == 0:
                best.append(k)
        return best

    # local gradients

    def slope(self, operation: Operation, k: int, values: Sequence[Any], out: Any) -> Any:
        """The local gradient for operand k as a plain number, for use in error bounds."""
        rules = texts(operation).rules
        if operation.variadic:
            leaves = {"x": values[k], "out": out, "n": self.number(float(len(values)))}
            return self.plain(rules[0], leaves)
        leaves = dict(zip(operation.operands, values, strict=True))
        leaves["out"] = out
        return self.plain(rules[k], leaves)

    def steepest(
        self, operation: Operation, k: int, values: tuple[Any, ...], out: Any, reach: Any
    ) -> Any:
        """The largest size of the slope in operand k, also at the ends of a wide reach."""
        steepest = abs(self.slope(operation, k, values, out))
        if self.module is None:
            far = reach * reach * 2048 > self.unit
        else:
            far = not finite(reach) or 2 * size_of(reach) + 11 > size_of(self.unit)
        if far:
            for end in (values[k] - reach, values[k] + reach):
                moved = (*values[:k], end, *values[k + 1 :])
                try:
                    slope = abs(self.slope(operation, k, moved, self.value(operation, moved)))
                except Uncertain:  # the end overflows, which says nothing of the number
                    raise Uncertain("an error bound too wide") from None
                steepest = max(steepest, slope)
        return steepest

    def local(self, operation: Operation, operands: list[Ball], out: Ball, k: int) -> Ball:
        """The local gradient for operand k with its error: infinite at a pole, nan if none."""
        zero = self.number(0.0)
        if operation.name in ("max", "min"):
            ties = self.selected(operation, operands)
            share = self.number(1.0) / len(ties)
            return (share, share * self.unit * (len(ties) > 2)) if k in ties else (zero, zero)
        try:
            operands = self.admit(operation, operands)
            rules = texts(operation).rules
            if operation.variadic:
                n = self.number(float(len(operands)))
                return self.sweep(rules[0], {"x": operands[k], "out": out, "n": (n, zero)})
            leaves = dict(zip(operation.operands, operands, strict=True))
            leaves["out"] = out
            return self.sweep(rules[k], leaves)
        except Outside:
            return self.number(float("nan")), zero

    def kink(self, operation: Operation, operands: list[Ball], out: Ball) -> str:
        """Where the operands stand exactly: on a ``kink``, on a ``cut``, or on neither, an empty text."""
        row = texts(operation)
        zero = self.number(0.0)
        leaves = dict(zip(operation.operands, operands, strict=False))
        leaves["out"] = out
        for text in row.kinks:
            if self.decide(self.sweep(text, leaves), (zero, zero)) == 0:
                return "kink"
        if row.cut and self.decide(self.sweep(row.cut, leaves), (zero, zero)) == 0:
            return "cut"
        return ""

    # the texts of the table, interpreted

    def plain(self, graph: Graph, leaves: dict[str, Any]) -> Any:
        """The value of a small graph over plain numbers; division by zero gives inf or nan."""
        values: list[Any] = [None] * len(graph)
        for name, node in graph.variables.items():
            values[node] = leaves[name]
        for node, constant in graph.constants.items():
            values[node] = self.constant(constant)[0]
        for node, operation in enumerate(graph.operations):
            if operation is None:
                continue
            operands = graph.operands[node]
            if operation.name == "if":
                difference = values[operands[0]] - values[operands[1]]
                sign = (difference > 0) - (difference < 0)
                condition = graph.conditions[graph.condition_of[node]]
                values[node] = values[operands[2 if compare(sign, condition.comparison) else 3]]
            elif operation.name == "div" and values[operands[1]] == 0:
                values[node] = self.pole(values[operands[0]])
            else:
                given = tuple([values[k] for k in operands])
                values[node] = out = self.value(operation, given)
                if self.module is None and not operation.exact(given, out, self.limit):
                    self.check_underflow(out)
        return values[graph.output]

    def pole(self, numerator: Any) -> Any:
        """What a division by zero gives: a signed infinity, or nan for 0/0."""
        if numerator == 0 or numerator != numerator:
            return self.number(float("nan"))
        return self.number(float("inf") if numerator > 0 else float("-inf"))

    def sweep(self, graph: Graph, leaves: dict[str, Ball]) -> Ball:
        """The value of a small graph with its error; division by zero gives a pole or nan."""
        zero = self.number(0.0)
        balls: list[Ball | None] = [None] * len(graph)
        for name, node in graph.variables.items():
            balls[node] = leaves[name]
        for node, constant in graph.constants.items():
            balls[node] = self.constant(constant)
        regions = Regions(graph, self.decide, balls)
        for node, operation in enumerate(graph.operations):
            if operation is None or not regions.active(graph.regions[node]):
                continue
            operands = graph.operands[node]
            if operation.name == "if":
                holds = regions.holds(graph.condition_of[node])
                balls[node] = balls[operands[2 if holds else 3]]
                continue
            given: list[Any] = [balls[k] for k in operands]
            if not all(finite(value) for value, _ in given):
                balls[node] = self.value(operation, [value for value, _ in given]), zero
                continue
            if operation.name == "div" and self.decide(given[1], (zero, zero)) == 0:
                balls[node] = self.pole(given[0][0]), zero
                continue
            try:
                balls[node] = self.apply(operation, given)
            except Outside:
                balls[node] = self.number(float("nan")), zero
        result = balls[graph.output]
        assert result is not None
        return result


def outside(operation: Operation, bound: Bound, operand: int, sign: int) -> Outside:
    """The refusal of an operand beyond a bound, in words."""
    if operation.name == "div":
        return Outside("division by zero", "the divisor must not be 0", operand)
    side = "above" if bound.relation[0] == "<" else "below"
    if isinstance(bound.limit, str):
        message = f"{operation.name} with {bound.operand} {side} {bound.limit}"
        return Outside(message, f"{operation.name} needs {bound}")
    if bound.limit == 0:
        what = "zero" if sign == 0 else "a negative number"
        needs = "a positive operand" if bound.relation == ">" else "an operand that is not negative"
    else:
        what = f"{bound.limit:g}" if sign == 0 else f"a number {side} {bound.limit:g}"
        needs = f"an operand with {' and '.join(map(str, operation.domain))}"
    return Outside(f"{operation.name} of {what}", f"{operation.name} needs {needs}", operand)


binary64 = Arithmetic(2.0**-53, 2.0**53, float, False, None, nullcontext)


@lru_cache(maxsize=8)
def wide(bits: int, last: bool) -> Arithmetic:
    """Mpmath numbers of that precision; run them inside their ``context``."""
    import mpmath

    unit = mpmath.mpf(2) ** -bits
    return Arithmetic(unit, 1 / unit, mpmath.mpf, last, mpmath.mp, lambda: mpmath.workprec(bits))
