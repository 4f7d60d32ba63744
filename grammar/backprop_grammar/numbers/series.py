"""Series in an infinitesimal: what a function does on one side of a point.

A series is a sum of terms c h^e, with h > 0 infinitely small and e rational, up to an unknown rest.
Its coefficients are elements themselves: real numbers, or series in an infinitesimal that is
infinitely larger. Levels count these from below. An even level is a step h; the odd level beneath it
is -1/log(h), which is larger than every power of h; so log(h), and what several steps of different
size do together, need no arithmetic of their own. (Levi-Civita fields: Shamseddine & Berz, Analysis
on the Levi-Civita field, 2010; logarithms: van den Dries, Macintyre & Marker, 1997.)
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import count

from .ball import DomainError, Undecided
from .reals import ONE, ZERO, Real, Reals, exactly

__all__ = ["Element", "Field", "Series", "Unreached", "coefficients", "level_of", "step"]

LONGEST = 48
"""Terms of a series; what follows is left unknown."""

LOGARITHMIC = 6
"""The power of -1/log(h) from which on terms are left unknown, where a series would not end."""

HIGHEST = 16
"""The whole power up to which a series is multiplied out."""

PATIENCE = 100_000
"""How many pairs of coefficients of few digits may be multiplied at one point, or fewer longer ones."""


LITTLE = Fraction(1, 4)
"""A power of a step that is larger than any infinitely small one."""


class Series:
    """Terms (exponent, coefficient) of rising exponents.

    order: terms of this exponent and beyond are unknown; None where there are none.
    """

    __slots__ = ("level", "order", "terms")

    def __init__(
        self,
        level: int,
        terms: tuple[tuple[Fraction, "Element"], ...],
        order: Fraction | None = None,
    ) -> None:
        self.level, self.terms, self.order = level, terms, order

    @property
    def low(self) -> Fraction:
        """The smallest exponent that may occur."""
        low = self.terms[0][0] if self.terms else self.order
        assert low is not None
        return low

    def __add__(self, other: "Element") -> "Element":
        if level_of(other) > self.level:
            return other + self
        terms = dict(self.terms)
        order = self.order
        if level_of(other) < self.level:
            terms[NOTHING] = terms[NOTHING] + other if NOTHING in terms else other
        else:
            assert isinstance(other, Series)
            for e, c in other.terms:
                terms[e] = terms[e] + c if e in terms else c
            order = earlier(order, other.order)
        return series(self.level, terms, order)

    def __radd__(self, other: "Element") -> "Element":
        return self + other

    def __neg__(self) -> "Series":
        return Series(self.level, tuple([(e, -c) for e, c in self.terms]), self.order)

    def __sub__(self, other: "Element") -> "Element":
        return self + -other

    def __rsub__(self, other: "Element") -> "Element":
        return -self + other

    def __mul__(self, other: "Element") -> "Element":
        if level_of(other) > self.level:
            return other * self
        if level_of(other) < self.level:
            if is_zero(other):
                return ZERO
            return series(self.level, {e: c * other for e, c in self.terms}, self.order)
        assert isinstance(other, Series)
        order = None if self.order is None else self.order + other.low
        if other.order is not None:
            order = earlier(order, other.order + self.low)
        terms: dict[Fraction, Element] = {}
        for a, c in self.terms:
            for b, d in other.terms:
                e = a + b
                if order is not None and e >= order:
                    break
                terms[e] = terms[e] + c * d if e in terms else c * d
        return series(self.level, terms, order)

    def __rmul__(self, other: "Element") -> "Element":
        return self * other


Element = Real | Series
"""A real number, which is of level 0, or a series."""

NOTHING, UNIT = Fraction(0), Fraction(1)


def level_of(x: Element) -> int:
    """The level of the infinitesimal that an element is a series in; 0 of a number."""
    return x.level if isinstance(x, Series) else 0


def is_zero(x: Element) -> bool:
    """Whether an element is exactly 0."""
    return isinstance(x, Real) and not x.terms


def earlier(a: Fraction | None, b: Fraction | None) -> Fraction | None:
    """The smaller of two orders."""
    if a is None or b is None:
        return b if a is None else a
    return min(a, b)


def series(level: int, terms: dict[Fraction, Element], order: Fraction | None = None) -> Element:
    """The element of these terms; one of a lower level where nothing else is left."""
    kept = [(e, c) for e, c in terms.items() if not is_zero(c) and (order is None or e < order)]
    kept.sort(key=lambda term: term[0])
    if len(kept) > LONGEST:
        order = kept[LONGEST][0]
        del kept[LONGEST:]
    if order is None and not kept:
        return ZERO
    if order is None and len(kept) == 1 and not kept[0][0]:
        return kept[0][1]
    return Series(level, tuple(kept), order)


def step(level: int, exponent: Fraction | int = 1, coefficient: Element = ONE) -> Element:
    """The infinitesimal of a level, to a power and times a coefficient of a lower level."""
    return series(level, {Fraction(exponent): coefficient})


def coefficients(x: Element, level: int) -> tuple[dict[Fraction, Element], Fraction | None]:
    """The terms of an element as a series of a level that is not below its own, and its order."""
    if isinstance(x, Series) and x.level == level:
        return dict(x.terms), x.order
    return ({} if is_zero(x) else {NOTHING: x}), None


def visible(x: Element) -> bool:
    """Whether any term of an element is known."""
    return isinstance(x, Real) or any(visible(c) for _, c in x.terms)


def weight(x: Element) -> int:
    """How long it takes to multiply by an element: the number of its coefficients, long ones more."""
    if isinstance(x, Series):
        return sum([weight(c) for _, c in x.terms])
    return sum([1 + (q.numerator.bit_length() + q.denominator.bit_length()) // 512 for q in x.terms.values()])  # fmt: skip


class Unreached(Undecided):
    """The known terms of a series do not reach far enough."""


class Infinite(Undecided):
    """An element that is no finite number and an infinitesimal."""


class Field:
    """The elements as a field, with powers, logarithms and exponentials.

    reals: the numbers. cap: the power of a step from which on terms are left unknown, where a
    series would not end. spent: of PATIENCE.
    """

    def __init__(self, reals: Reals, cap: int) -> None:
        self.reals, self.cap = reals, Fraction(cap)
        self.spent = 0

    # the leading term

    def split(self, x: Element) -> tuple[Real, list[tuple[int, Fraction]], Element]:
        """The leading term of an element, as its coefficient and the powers of infinitesimals (level,
        exponent) that it is multiplied by, and all the other terms.

        Raises Undecided where it is not known which term leads.
        """
        if isinstance(x, Real):
            if x.sign == 0:
                raise DomainError("zero has no leading term", "")
            return x, [], ZERO
        if not x.terms:
            raise Unreached("all known terms cancel")
        (exponent, leading), *others = x.terms
        number, powers, below = self.split(leading)
        rest = series(x.level, {exponent: below} | dict(others), x.order)
        return number, [*powers, (x.level, exponent)] if exponent else powers, rest

    def sign(self, x: Element) -> int:
        """1, 0 or -1: the sign of the leading term. Raises Undecided where it is not known."""
        return x.sign if isinstance(x, Real) else self.split(x)[0].sign

    def near(self, x: Element) -> Real:
        """The number that an element is infinitely near to. Raises Infinite where there is none."""
        while isinstance(x, Series):
            if x.order is not None and x.order <= 0:
                raise Unreached("the known terms do not reach far enough")
            terms = dict(x.terms)
            if x.terms and x.low < 0:
                raise Infinite("an infinite value")
            x = terms.get(NOTHING, ZERO)
        return x

    # series of infinitesimals

    def product(self, x: Element, y: Element) -> Element:
        """x*y. Raises Undecided where all that is multiplied at the point takes too long."""
        self.spent += weight(x) * weight(y)
        if self.spent > PATIENCE:
            raise Undecided("series that take too long")
        return x * y

    def cut(self, x: Element, within: Element) -> Element:
        """The element without the terms that are left unknown, or are so in another one."""
        if isinstance(x, Real):
            return x
        order = earlier(x.order, Fraction(LOGARITHMIC) if x.level % 2 else self.cap)
        if isinstance(within, Series) and within.level == x.level:
            order = earlier(order, within.order)
        assert order is not None
        terms = {e: self.cut(c, ZERO) for e, c in x.terms if e < order}
        if x.order is None and len(terms) == len(x.terms):
            return series(x.level, terms)
        return series(x.level, terms, order)

    def composed(self, coefficients: Iterator[Real], u: Element, thorough: bool = False) -> Element:
        """c0 + c1 u + c2 u^2 + ... of an infinitesimal u; coefficients that end are all there are.

        thorough: the coefficient of the first power that is left unknown is asked for, too, so that
        what is not smooth is found out.
        """
        total: Element = next(coefficients)
        power = u
        for k in count(1):
            if is_zero(power):
                return total
            asked = thorough or (k == 1 and visible(u))
            power = self.cut(power, u)
            c = next(coefficients, None) if asked or visible(power) else ZERO
            if c is None:
                return total
            if k == LONGEST:
                assert isinstance(power, Series)
                return total + Series(power.level, (), power.low)
            if not visible(power):
                return total + power
            total = total + self.product(power, c)
            power = self.product(power, u)
        raise AssertionError

    def power(self, x: Element, q: Fraction) -> Element:
        """x^q. Raises DomainError where x is negative and q not whole, or x is 0 and q negative."""
        if isinstance(x, Real):
            return self.reals.short(self.reals.power(x, q))
        if q.denominator == 1 and 0 <= q <= HIGHEST:
            result: Element = ONE
            for _ in range(int(q)):
                result = self.product(result, x)
            return result
        number, powers, rest = self.split(x)
        leading: Element = self.reals.power(number, q)
        inverse: Element = self.reals.inverse(number)
        for level, e in powers:
            leading = step(level, e * q, leading)
            inverse = step(level, -e, inverse)

        def binomials() -> Iterator[Real]:
            c = UNIT
            for n in count(1):
                yield exactly(c)
                c = c * (q - n + 1) / n
                if not c:
                    return

        return leading * self.composed(binomials(), rest * inverse)

    def quotient(self, x: Element, y: Element) -> Element:
        """x/y; a number, where x is just a multiple of y. Raises DomainError where y is 0."""
        if x is y and self.sign(y):
            return ONE
        if level_of(x) == level_of(y) > 0 and visible(x) and visible(y):
            (a, powers, _), (b, others, _) = self.split(x), self.split(y)
            ratio = a * self.reals.inverse(b)
            if powers == others and is_zero(x - y * ratio):
                return ratio
        return x * self.power(y, -UNIT)

    # logarithms and exponentials

    def log(self, x: Element, log: Callable[[Real], Real]) -> Element:
        """The logarithm of an element above 0. log: of numbers."""
        number, powers, rest = self.split(x)
        inverse: Element = self.reals.inverse(number)
        result: Element = log(number)
        for level, e in powers:
            if level % 2:
                raise Undecided("the logarithm of a logarithm")
            inverse = step(level, -e, inverse)
            result = result + step(level - 1, -1, exactly(-e))

        def harmonic() -> Iterator[Real]:
            yield ZERO
            for n in count(1):
                yield exactly(Fraction(1 if n % 2 else -1, n))

        return result + self.composed(harmonic(), rest * inverse)

    def exp(self, x: Element, exp: Callable[[Real], Real]) -> Element:
        """The exponential of an element. exp: of numbers."""
        factor: Element = ONE
        while True:
            try:
                number = self.near(x)
                break
            except Infinite:
                c, powers, x = self.split(x)
                level, e = powers[-1]
                if len(powers) == 1 and level % 2 and e == -1:  # a multiple of log(h)
                    q = c.rational
                    if q is None:
                        raise Undecided("a power that is not rational") from None
                    factor = step(level + 1, -q, factor)
                elif level % 2 and e == -1 and powers[-2][1] > 0:  # h^k, k infinitely small
                    return factor * Series(level + 1, (), -LITTLE)
                elif c.sign < 0 and (level % 2 == 0 or e < -1):
                    return Series(level + level % 2, (), self.cap)  # smaller than every power
                else:
                    raise

        def factorials() -> Iterator[Real]:
            c = UNIT
            for n in count(1):
                yield exactly(c)
                c /= n

        return factor * exp(number) * self.composed(factorials(), x - number)
