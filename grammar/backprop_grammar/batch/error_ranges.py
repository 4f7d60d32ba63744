"""How wrong lines may be, for many rows at once.

A rounding error is at most r*|v| + a, with two numbers r and a for all rows together. Products and
quotients add up their r and need nothing else; only where numbers of both signs are added must one
know how large they get. So a look at the ranges of a few lines tells that every row of a chunk is
right, and no row needs a bound of its own. Where it does not tell, the rows are looked at one by
one; see bounded.py.

Interval arithmetic with running error bounds (Higham, Accuracy and Stability of Numerical
Algorithms, section 3.3); bounds of first order, enlarged by SLACK for the rest. Overflow, underflow
and division by zero are not told here: the processor raises a flag.
"""

import math
from collections.abc import Callable, Collection, Sequence

from ..numbers.ball import UNIT
from ..numbers.binary64 import TOLERANCE
from ..operations.row import Operation
from ..operations.table import ADD, DIV, MUL, NEG, OPERATIONS, SUB
from .lines import LEAVES, MASKS, Kind, StraightLine

__all__ = ["PRODUCTS", "Ends", "Range", "Unknown", "error_ranges", "floors", "told"]

SLACK = 1 + 2.0**-10
SMALL = 2.0**-30
"""The largest error for which a bound of first order is trusted."""

Ends = tuple[float, float]
"""The least and the largest value of a line."""


DEEPEST = 50
"""How many lines, each computed from the one before, may wait for one another to be asked for."""


class Unknown(Exception):
    """The ranges do not tell that every row is right."""


class Range:
    """Every value v lies between the ``ends``, with an error of at most relative*|v| + absolute.

    Both are asked for only where they matter: that may mean measuring a column. The relative
    error is ``own``, and what earlier errors bring: ``noise`` says by which factors, at least and
    at most, the error of an exponent comes through, so that what enters twice with opposite signs
    cancels (affine arithmetic: Stolfi and de Figueiredo 1997).

    Of a product, the absolute error is that of its factors, and no more than their relative ones
    in each row: ``poles`` are the lines it came from, and how often each is a factor.
    """

    __slots__ = ("_absolute", "_ends", "limit", "noise", "own", "poles", "root")

    def __init__(
        self,
        ends: Callable[[], Ends],
        own: float = 0.0,
        absolute: Callable[[], float] | float = 0.0,
    ) -> None:
        self._ends: Callable[[], Ends] | Ends = ends
        self._absolute = absolute
        self.own = own
        self.noise: dict[Range, Ends] = {}
        self.poles: dict[int, float] = {}
        self.limit: Callable[[], float] = lambda: math.inf  # of what errors before it bring
        self.root: tuple[Range, float] = self, 1.0  # what this is plus or minus of

    def settle(self) -> None:
        """Compute what is put off until it is asked for."""
        limit = self.limit()
        self.limit = lambda: limit
        _ = self.absolute, self.ends

    @property
    def absolute(self) -> float:
        if not isinstance(self._absolute, float):
            self._absolute = self._absolute()
        return self._absolute * SLACK

    @property
    def relative(self) -> float:
        return self.own + sum(x.error * max(-low, high) for x, (low, high) in self.noise.items())

    @property
    def ends(self) -> Ends:
        if not isinstance(self._ends, tuple):
            low, high = self._ends()
            if not -math.inf < low <= high < math.inf:
                raise Unknown("range")
            self._ends = low, high
        return self._ends

    @property
    def largest(self) -> float:
        low, high = self.ends
        return max(-low, high)

    @property
    def error(self) -> float:
        """The largest error of any value."""
        absolute = self.absolute if self.poles else 0.0
        if not self.relative:
            return absolute
        largest = self.largest
        return min(self.relative * largest + absolute, (self.limit() + UNIT * largest) * SLACK)

    @property
    def lost(self) -> float:
        """The largest relative error of any value."""
        if not self.poles:
            return self.relative
        return self.relative + self.absolute / self.smallest

    @property
    def smallest(self) -> float:
        """The least size of any value, which is not 0."""
        low, high = self.ends
        if low <= 0 <= high:
            raise Unknown("lost")
        return min(abs(low), abs(high))


def told(kind: Operation | Kind) -> bool:
    """Whether the errors of such lines can be told from ranges at all."""
    return kind in RULES or kind in LEAVES or kind in MASKS


def error_ranges(
    straight: StraightLine,
    live: Sequence[bool],
    measured: Callable[[int], Ends],
    inexact: Collection[str],
) -> list[Range | None]:
    """The ranges of all live lines, masks aside.

    measured: the least and the largest value of a line. inexact: columns of decimals. Raises Unknown where a range cannot be told,
    ArithmeticError or ValueError where floats cannot hold it.
    """
    ranges: list[Range | None] = []
    waits = [0] * len(straight.lines)
    for line, (kind, operands, what) in enumerate(straight.lines):
        if not live[line] or kind in MASKS:
            ranges.append(None)
            continue
        given = [x for k in operands if (x := ranges[k]) is not None]
        result = of_line(kind, given, what, lambda line=line: measured(line))  # type: ignore[misc]
        if kind is Kind.COLUMN and what in inexact:
            result.own = UNIT
        result.own = (result.own + 2 * ulps(kind) * UNIT) * SLACK
        if kind in PRODUCTS:
            result.poles = poles_of(*given)
        elif result.absolute:
            result.poles = {line: 1.0}
        if not result.relative < SMALL:
            raise Unknown(kind)
        waits[line] = 1 + max([waits[k] for k in operands], default=0)
        if waits[line] == DEEPEST:
            result.settle()
            waits[line] = 0
        ranges.append(result)
    return ranges


def ulps(kind: Operation | Kind) -> float:
    """The largest rounding error of a line itself."""
    if isinstance(kind, Operation):
        return kind.numpy_ulps
    return 0.5 if kind is Kind.SHARE else 0.0


def of_line(
    kind: Operation | Kind, given: list[Range], what: object, measure: Callable[[], Ends]
) -> Range:
    """The range of a line, without its own rounding."""
    if kind is Kind.COLUMN:
        return Range(measure)
    if kind is Kind.CONSTANT:
        assert isinstance(what, tuple)
        value, error, _ = what
        return Range(lambda: (value, value), error / abs(value) if value else 0.0)
    rule = RULES.get(kind)
    if rule is None:
        raise Unknown(kind)
    own, absolute, ends = rule(*given)
    result = Range(ends or measure, own, absolute)
    if kind in NOISE:
        NOISE[kind](result, *given)
    return result


def floors(ranges: Sequence[Range | None], result: int) -> dict[int, float]:
    """How large lines must be for a result to be certain to TOLERANCE."""
    known = ranges[result]
    assert known is not None
    room = TOLERANCE - known.relative
    if not room > 0:
        raise Unknown("lost")
    share = sum(known.poles.values()) / room
    return {line: x.absolute * share for line in known.poles if (x := ranges[line]) is not None}


def trusted(error: float) -> float:
    if not error < SMALL:
        raise Unknown("error")
    return error


Spread = tuple[float, Callable[[], float] | float, Callable[[], Ends] | None]
"""The relative error of the result but for its noise, the absolute error; the ends, if they follow."""


def one_sign(x: Range, y: Range, sign: float) -> bool:
    """Whether the terms of x + sign*y have the same sign everywhere."""
    low, high = sorted(sign * end for end in y.ends)
    return (x.ends[0] >= 0 and low >= 0) or (x.ends[1] <= 0 and high <= 0)


def add(x: Range, y: Range, sign: float = 1.0) -> Spread:
    def ends() -> Ends:
        low, high = sorted(sign * end for end in y.ends)
        return x.ends[0] + low, x.ends[1] + high

    if one_sign(x, y, sign):
        return max(x.own, y.own), x.absolute + y.absolute, ends
    return 0.0, x.error + y.error, ends


def sub(x: Range, y: Range) -> Spread:
    return add(x, y, -1.0)


def neg(x: Range) -> Spread:
    return x.own, lambda: x.absolute, lambda: (-x.ends[1], -x.ends[0])


def mul(x: Range, y: Range) -> Spread:
    def absolute() -> float:
        error = x.absolute * y.absolute if x.poles and y.poles else 0.0
        if x.poles:
            error += x.absolute * y.largest
        if y.poles:
            error += y.absolute * x.largest
        return error

    return x.own + y.own, absolute, None


def div(x: Range, y: Range) -> Spread:
    def absolute() -> float:
        error = x.absolute if x.poles else 0.0
        if y.poles:
            trusted(y.lost)
            error += y.absolute * x.largest / y.smallest
        return error / y.smallest

    return x.own + y.own, absolute, None


def poles_of(*given: Range) -> dict[int, float]:
    """The poles of a product."""
    poles: dict[int, float] = {}
    for x in given:
        for line, count in x.poles.items():
            poles[line] = poles.get(line, 0.0) + count
    return poles


def exp(x: Range) -> Spread:
    if not x.largest < 600:
        raise Unknown("exp")
    trusted(x.error)
    return 0.0, 0.0, rising(math.exp, x)  # the error of the exponent is noise


def expm1(x: Range) -> Spread:
    if not x.largest < 600:
        raise Unknown("expm1")
    high = x.ends[1]
    steep = max(1.0, high + 1)  # of x exp(x)/expm1(x)
    absolute = math.exp(max(high, 0.0)) * trusted(x.absolute) if x.poles else 0.0
    return steep * x.relative, absolute, rising(math.expm1, x)


def log(x: Range, size: float = 1.0) -> Spread:
    lost = trusted(x.lost)
    if not x.ends[0] > 0:
        raise Unknown("log")
    low, high = x.ends
    return 0.0, lost / size, lambda: (math.log(low) / size, math.log(high) / size)


def log1p(x: Range) -> Spread:
    low = x.ends[0]
    if not low > -1:
        raise Unknown("log1p")
    if low >= 0:
        return x.relative, x.absolute, rising(math.log1p, x)
    return 0.0, trusted(x.error / (1 + low)), rising(math.log1p, x)


def sqrt(x: Range) -> Spread:
    return trusted(x.lost) / 2, 0.0, None


def cbrt(x: Range) -> Spread:
    return trusted(x.lost) / 3, 0.0, None


def power(x: Range, y: Range) -> Spread:
    low, high = x.ends
    least_power, most = y.ends
    if low > 0:
        steep = max(abs(math.log(low)), abs(math.log(high)))
        if not steep * y.largest < 600:
            raise Unknown("pow")
        return trusted(y.largest * x.lost + steep * y.error), 0.0, None
    whole = least_power == most and least_power == int(least_power) and not y.error
    if not whole or least_power < 0 or x.absolute:
        raise Unknown("pow")
    near_zero = 1e-300  # where a power of a small number is 0, or has few digits
    return trusted(most * x.relative), near_zero, None


def rising(function: Callable[[float], float], x: Range) -> Callable[[], Ends]:
    """The ends of a rising function, a little apart for their own rounding."""

    def ends() -> Ends:
        low, high = function(x.ends[0]), function(x.ends[1])
        return low - abs(low) * 2.0**-45, high + abs(high) * 2.0**-45

    return ends


def contracting(
    function: Callable[[float], float], slope: float = 1.0
) -> Callable[[Range], Spread]:
    """A rising function, such as tanh, that makes no relative error larger."""

    def rule(x: Range) -> Spread:
        return x.relative, slope * x.absolute, rising(function, x)

    return rule


def wave(x: Range) -> Spread:
    """Sine or cosine; where the argument must be reduced, digits are lost near their zeros."""
    if not x.largest < 1e5:
        raise Unknown("sin")
    return 0.0, x.error + 6 * UNIT, lambda: (-1.0, 1.0)


def sinh(x: Range) -> Spread:
    if not x.largest < 600:
        raise Unknown("sinh")
    absolute = math.cosh(x.largest) * trusted(x.absolute) if x.poles else 0.0
    return max(1.0, x.largest) * x.relative, absolute, rising(math.sinh, x)


def cosh(x: Range) -> Spread:
    if not x.largest < 600:
        raise Unknown("cosh")
    return trusted(x.error), 0.0, lambda: (1.0, math.cosh(x.largest))


def erfc(x: Range) -> Spread:
    high = x.ends[1]
    if not high < 20:
        raise Unknown("erfc")
    steep = 2 + 2 * max(high, 0.0)  # above the size of erfc'(x)/erfc(x)
    return trusted(steep * x.error), 0.0, None


def hypot(x: Range, y: Range) -> Spread:
    return max(x.relative, y.relative), x.absolute + y.absolute, None


def absolute(x: Range) -> Spread:
    return x.relative, lambda: x.absolute, None


def choice(*given: Range) -> Spread:
    return max(x.relative for x in given), lambda: max(x.absolute for x in given), None


def sum_noise(out: Range, x: Range, y: Range, sign: float = 1.0) -> None:
    """A sum of one sign lies between its parts; another has an absolute error instead of noise."""
    if one_sign(x, y, sign):
        out.limit = lambda: x.error + y.error
        for k in {**x.noise, **y.noise}:
            (p, q), (r, s) = x.noise.get(k, NOTHING), y.noise.get(k, NOTHING)
            out.noise[k] = min(p, r), max(q, s)


def product_noise(out: Range, x: Range, y: Range) -> None:
    for k in {**x.noise, **y.noise}:
        (p, q), (r, s) = x.noise.get(k, NOTHING), y.noise.get(k, NOTHING)
        out.noise[k] = p + r, q + s


def quotient_noise(out: Range, x: Range, y: Range) -> None:
    for k in {**x.noise, **y.noise}:
        (p, q), (r, s) = x.noise.get(k, NOTHING), y.noise.get(k, NOTHING)
        out.noise[k] = p - s, q - r


def same_noise(out: Range, x: Range) -> None:
    out.noise = x.noise
    root, sign = x.root
    out.root = root, -sign


def exponent_noise(out: Range, x: Range) -> None:
    root, sign = x.root
    out.noise = {root: (sign, sign)}


NOTHING = 0.0, 0.0
NOISE: dict[Operation | Kind, Callable[..., None]] = {
    ADD: sum_noise,
    SUB: lambda out, x, y: sum_noise(out, x, y, -1.0),
    MUL: product_noise,
    DIV: quotient_noise,
    NEG: same_noise,
    OPERATIONS["exp"]: exponent_noise,
}
"""How noise comes through; other lines make it their own error."""

FUNCTION_RULES: dict[str, Callable[..., Spread]] = {
    "exp": exp,
    "expm1": expm1,
    "log": log,
    "log2": lambda x: log(x, math.log(2)),
    "log10": lambda x: log(x, math.log(10)),
    "log1p": log1p,
    "sqrt": sqrt,
    "cbrt": cbrt,
    "pow": power,
    "hypot": hypot,
    "abs": absolute,
    "max": choice,
    "min": choice,
    "sin": wave,
    "cos": wave,
    "atan": contracting(math.atan),
    "sinh": sinh,
    "cosh": cosh,
    "tanh": contracting(math.tanh),
    "asinh": contracting(math.asinh),
    "erf": contracting(math.erf, 1.13),
    "erfc": erfc,
}
PRODUCTS = frozenset(
    {MUL, DIV, NEG, Kind.SELECT, Kind.GATE, *(OPERATIONS[k] for k in ("abs", "max", "min"))}
)
"""What has the relative errors of its operands, whose poles are its own."""

RULES: dict[Operation | Kind, Callable[..., Spread]] = {
    ADD: add,
    SUB: sub,
    MUL: mul,
    DIV: div,
    NEG: neg,
    **{OPERATIONS[name]: rule for name, rule in FUNCTION_RULES.items()},
    Kind.SELECT: choice,
    Kind.GATE: choice,
    Kind.SHARE: lambda *_: (0.0, 0.0, lambda: (0.0, 1.0)),
    Kind.TIES: lambda *_: (0.0, 0.0, lambda: (1.0, 1.0)),
}
"""For speed: operations that have no rule here are looked at row by row."""
