"""Numbers modulo a prime, in arrays: what is 0 as a formula is 0 there, and all else hardly ever.

The walk once more, with the choices that double-doubles made. Functions that are no quotients have
random values, the same for the same operands; see passes.zeros, which does so over numbers.
"""

import random
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from ..language.graph import Array
from ..language.nearest import Nearest
from ..operations.row import Operation
from ..operations.shape import Shape
from ..operations.table import ADD, DIV, IDENTITY, MUL, NEG, OPERATIONS, POW, SUB
from .decisions import Compared, Decision, Rounded, Selected, Shared
from .kernel import Column, Mask
from .walk import Numbers

__all__ = ["Residue", "Residues"]

BITS = 61
PRIME = (1 << BITS) - 1
"""Of Mersenne's, so that what is above 2^61 is added to what is below."""

HIGHEST = 64
"""The largest whole exponent that is a product here."""

DEEPEST = 40
"""How many sums deep an exponential is looked for."""

LIMB = 21
INNER = 1 << 11
"""Bits of the parts of a number, so many products of which floats add up without error."""

EXP, LOG, ABS = OPERATIONS["exp"], OPERATIONS["log"], OPERATIONS["abs"]
NEAREST, REMAINDER = OPERATIONS["_nearest"], OPERATIONS["_remainder"]
U = np.uint64


class Residue:
    """An array of numbers modulo the prime.

    power: what finds their exponentials, if these are known to be something; depth: of how many
    numbers that hangs.
    """

    __slots__ = ("depth", "found", "number", "power")

    def __init__(
        self, number: Column, power: Callable[[], Column] | None = None, depth: int = 0
    ) -> None:
        self.number, self.depth = number, depth
        self.power = power if depth < DEEPEST else None
        self.found: Column | None = None

    @property
    def exponential(self) -> Column:
        """Their exponentials."""
        if self.found is None:
            self.found = self.power() if self.power else valued(EXP, [self.number])
        return self.found


# arithmetic


def folded(x: Column) -> Column:
    """Numbers below 2^64 modulo the prime."""
    x = (x & U(PRIME)) + (x >> U(BITS))
    return np.where(x >= U(PRIME), x - U(PRIME), x)


def plus(x: Column, y: Column) -> Column:
    return folded(x + y)


def minus(x: Column, y: Column) -> Column:
    return folded(x + (U(PRIME) - y))


def times(x: Column, y: Column) -> Column:
    """The product, by halves of 31 bits: 2^62 is 2 here."""
    low, half = U((1 << 31) - 1), U(31)
    a, b, c, d = x & low, x >> half, y & low, y >> half
    middle = a * d + b * c
    above, below = middle >> U(30), (middle & U((1 << 30) - 1)) << half
    return folded(folded(a * c) + b * d * U(2) + above + below)


def inverse(x: Column) -> Column:
    """One over each, by one division for all; of 0, anything."""
    flat = np.where(x == 0, U(1), x).reshape(-1)
    levels = [flat]
    while len(levels[-1]) > 1:
        one = levels[-1]
        if len(one) % 2:
            one = levels[-1] = np.append(one, U(1))
        levels.append(times(one[::2], one[1::2]))
    known = np.array([pow(int(levels[-1][0]), -1, PRIME)], dtype=U)
    for one in reversed(levels[:-1]):
        other = np.empty_like(one)
        known = known[: len(one) // 2]  # without what made their number even
        other[::2], other[1::2] = times(known, one[1::2]), times(known, one[::2])
        known = other
    return known[: flat.size].reshape(np.shape(x))


def product(a: Column, b: Column) -> Column:
    """The product of two matrices, by products of floats that are exact."""
    result = np.zeros((a.shape[0], b.shape[1]), dtype=U)
    for start in range(0, a.shape[1], INNER):
        left, right = limbs(a[:, start : start + INNER]), limbs(b[start : start + INNER])
        for place in range(5):
            pairs = [(i, place - i) for i in range(3) if 0 <= place - i < 3]
            total = sum((left[i] @ right[j]).astype(U) for i, j in pairs)
            result = plus(result, shifted(folded(np.asarray(total)), LIMB * place))
    return result


def limbs(x: Column) -> list[Column]:
    mask = U((1 << LIMB) - 1)
    return [((x >> U(LIMB * k)) & mask).astype(np.float64) for k in range(3)]


def shifted(x: Column, power: Any) -> Column:
    """The product with a power of two."""
    power = np.asarray(power % BITS).astype(U)
    return folded(((x << power) & U(PRIME)) | (x >> (U(BITS) - power)))


def of_floats(x: Column) -> Column:
    """The numbers that floats are."""
    mantissa, power = np.frexp(np.where(np.isfinite(x), x, 0.0))
    whole = np.ldexp(mantissa, 53).astype(np.int64)
    size = shifted(folded(np.abs(whole).astype(U)), power.astype(np.int64) - 53)
    return np.where(whole < 0, minus(np.zeros_like(size), size), size)


@cache
def inverse_of(number: int) -> int:
    return pow(number, -1, PRIME)


def of_decimal(value: Nearest) -> int:
    """The number that a decimal is."""
    above, below = value.ratio
    return above * inverse_of(below) % PRIME


@cache
def seed(what: str) -> int:
    return random.Random(what).getrandbits(64)


def anything(what: str, *operands: Column) -> Column:
    """Random numbers, the same for the same operands (Steele, Lea, Flood 2014: SplitMix)."""
    state: Any = U(seed(what))
    for x in operands:
        state = state ^ x
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            state = (state ^ (state >> U(shift))) * U(factor)
        state = (state ^ (state >> U(31))) + U(0x9E3779B97F4A7C15)
    return np.asarray(folded(state))


@cache
def exact_values(row: Operation) -> list[tuple[int, int]]:
    """The values of a function at 0 and at 1 that are whole numbers."""
    found: list[tuple[int, int]] = []
    if row is ABS:
        return [(0, 0), (1, 1)]
    if row.value is None or len(row.operands) != 1:
        return found
    for at in (0, 1):
        try:
            value = row.value(float(at))
            whole = int(value)
        except (ArithmeticError, ValueError):
            continue
        if value == whole and row.exact((float(at),), value, 2.0**53):
            found.append((at, whole % PRIME))
    return found


def valued(row: Operation, operands: Sequence[Column]) -> Column:
    """The values of a function: random numbers, but where they are whole at 0 and at 1."""
    result = anything(row.name, *operands)
    for at, value in exact_values(row):
        result = np.where(operands[0] == at, U(value), result)
    return result


class Residues(Numbers[Residue]):
    """The kernel. decisions: of a walk over double-doubles that was the same; of each it is told
    what is equal as a formula.
    """

    def __init__(self, decisions: Sequence[Decision]) -> None:
        self.decisions = iter(decisions)

    def given(self, value: float | Array | Column) -> Residue:
        if isinstance(value, Array):
            number = of_floats(np.array(value.numbers, dtype=np.float64))
            for k, x in enumerate(value.numbers):
                if type(x) is Nearest and x.rest:
                    number[k] = of_decimal(x)
            return Residue(number.reshape(value.shape))
        if isinstance(value, Nearest):
            return Residue(np.asarray(U(of_decimal(value))))
        return Residue(np.asarray(of_floats(np.asarray(value, dtype=np.float64))))

    def constant(self, value: float | str) -> Residue:
        if isinstance(value, str):
            return Residue(np.asarray(anything(value)))
        return self.given(value)

    def moved(self, how: Callable[..., Column], *given: Residue) -> Residue:
        number = how(*[x.number for x in given])
        if all(x.power is None for x in given):
            return Residue(number)
        depth = 1 + max(x.depth for x in given)
        return Residue(number, lambda: how(*[x.exponential for x in given]), depth)

    def shape(self, x: Residue) -> Shape:
        return np.shape(x.number)

    def whole(self, x: Residue) -> Column:
        number = x.number.astype(np.int64)
        return np.where(number > PRIME // 2, number - PRIME, number)

    def apply(
        self, row: Operation, operands: Sequence[Residue], _where: Mask | None = None
    ) -> Residue:
        if row.variadic:
            return self.side_by_side(row, operands)
        x, y = operands[0], operands[-1]
        if row is ADD or row is SUB:
            join = plus if row is ADD else minus

            def both() -> Column:
                other = y.exponential if row is ADD else inverse(y.exponential)
                return times(*np.broadcast_arrays(x.exponential, other))

            return Residue(join(x.number, y.number), both, 1 + max(x.depth, y.depth))
        if row is MUL:
            return Residue(times(x.number, y.number))
        if row is DIV:
            return Residue(times(x.number, inverse(y.number)))
        if row is NEG:
            less = minus(np.zeros_like(x.number), x.number)
            return Residue(less, lambda: inverse(x.exponential), x.depth + 1)
        if row is IDENTITY:
            return x
        if row is NEAREST or row is REMAINDER:
            told = next(self.decisions)
            assert isinstance(told, Rounded)
            near = Residue(
                np.where(told.doubtful, anything(row.name, x.number), of_floats(told.number))
            )
            return near if row is NEAREST else self.sub(x, self.mul(near, y))
        if row is EXP:
            return Residue(x.exponential)
        if row is LOG:
            return Residue(valued(LOG, [x.number]), lambda: x.number, 1)
        if row is POW and not np.ndim(y.number):
            power = int(self.whole(y))
            if abs(power) <= HIGHEST:
                return Residue(self.power(x.number, power))
        text = self.text_of(row)
        if text is not None:
            return self.text(text, dict(zip(row.operands, operands, strict=False)))
        numbers = np.broadcast_arrays(*[one.number for one in operands])
        return Residue(valued(row, numbers))

    def power(self, x: Column, power: int) -> Column:
        """A whole power."""
        result = np.ones_like(x)
        for bit in f"{abs(power):b}":
            result = times(result, result)
            if bit == "1":
                result = times(result, x)
        return result if power >= 0 else inverse(result)

    def total(self, x: Residue, axis: int) -> Residue:
        half, number = U(32), x.number
        low = np.sum(number & U(0xFFFFFFFF), axis, dtype=U)
        high = np.sum(number >> half, axis, dtype=U)
        below, above = (folded(np.asarray(one)) for one in (low, high))
        return Residue(plus(below, shifted(above, 32)))

    def product(self, a: Residue, b: Residue) -> Residue:
        return Residue(product(a.number, b.number))

    # what was decided

    def extreme(self, x: Residue, axis: int, _sign: int) -> Residue:
        told = next(self.decisions)
        assert isinstance(told, Selected)
        first = self.moved(
            lambda a: np.take_along_axis(a, np.expand_dims(told.first, axis), axis).squeeze(axis), x
        )
        numbers = np.expand_dims(first.number, axis)
        told.proved = np.all((x.number == numbers) | ~told.near, axis)
        if np.all(told.proved):
            return first
        free = anything("max", *np.moveaxis(x.number, axis, 0))
        return Residue(np.where(told.proved, first.number, free))

    def shares(self, x: Residue, out: Residue, axis: int) -> Residue:
        told = next(self.decisions)
        assert isinstance(told, Shared)
        told.proved = np.all((x.number == out.number) | ~told.near, axis, keepdims=True)
        part = inverse(of_floats(np.maximum(told.count, 1).astype(np.float64)))
        number = np.where(told.here, part, U(0))
        free = anything("share", x.number)
        return Residue(np.where(told.sure | told.proved, number, free))

    def compare(self, left: Residue, _comparison: str, right: Residue) -> Mask:
        told = next(self.decisions)
        assert isinstance(told, Compared)
        told.proved = np.broadcast_to(left.number == right.number, np.shape(told.mask.holds))
        return told.mask

    def choose(self, mask: Mask, x: Residue, y: Residue) -> Residue:
        number = np.where(mask.holds, x.number, y.number)
        if mask.doubt is not None:
            free = anything("if", *np.broadcast_arrays(x.number, y.number))
            return Residue(np.where(mask.doubt, free, number))
        if x.power is None and y.power is None:
            return Residue(number)
        depth = 1 + max(x.depth, y.depth)
        return Residue(number, lambda: np.where(mask.holds, x.exponential, y.exponential), depth)
