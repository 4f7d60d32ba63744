"""Real numbers whose signs are decided, not guessed.

A number is a polynomial with rational coefficients over atoms: values that are not rational, such
as exp(3), known by the operation and the operands that they come from. What cancels as a polynomial
is exactly 0; of all else, as many digits are computed as the sign needs.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import isqrt
from typing import Any

from ..language import nearest
from ..operations.row import Operation
from ..operations.table import DIV, OPERATIONS, POW
from .ball import Ball, DomainError, Undecided
from .multiprecision import Multiprecision, multiprecision

__all__ = ["EXP", "LOG", "ONE", "ZERO", "Atom", "Real", "Reals", "exactly"]

BITS = (192, 640, 2560)
"""Of the numbers from which a sign is read, tried in turn; what then can't be told from 0 is undecided."""

LONGEST = 12
"""Terms of a polynomial; a longer one becomes an atom."""

MOST = 42
"""Products of terms of two polynomials; of more than these the longer becomes an atom first, for as
many give a polynomial that is too long, if not all of its powers are those of one atom."""

LARGEST = 20_000
"""Bits of a numerator or denominator; a longer fraction becomes an atom."""

ROOTS = 64
"""The highest root that is taken exactly where it is rational."""


EXP, LOG, SIGMOID = (OPERATIONS[name] for name in ("exp", "log", "sigmoid"))
MODERATE = 64
"""Up to it, sigmoid(-x) is 1 - sigmoid(x), which loses no more digits than there are."""

UNDOES = {LOG: EXP, EXP: LOG}
"""Functions, and those that they undo."""


class Atom:
    """A value that is not known to be rational.

    operation: what gives it; None of a polynomial that got too long, its one operand; the name of the
    constant pi. root: the n of an n-th root of a rational number, whose power n is that
    number. home: where it is known; index: its place in the order of atoms there.
    """

    __slots__ = ("balls", "home", "index", "operands", "operation", "root")

    def __init__(
        self, home: "Reals", operation: Operation | str | None, operands: tuple["Real", ...]
    ) -> None:
        self.home, self.operation, self.operands = home, operation, operands
        self.index = len(home.atoms)
        self.root = 0
        self.balls: dict[int, Ball] = {}

    def ball(self, arithmetic: Multiprecision) -> Ball:
        """The value to the digits of an arithmetic. Raises Undecided and DomainError as that does."""
        if arithmetic.bits not in self.balls:
            if isinstance(self.operation, str):
                ball = arithmetic.constant(self.operation)
            elif self.operation is None:
                ball = self.operands[0].ball(arithmetic)
            else:
                ball = arithmetic.apply(self.operation, [x.ball(arithmetic) for x in self.operands])
                if not arithmetic.finite(ball[0]):
                    raise Undecided("overflow")
            self.balls[arithmetic.bits] = ball
        return self.balls[arithmetic.bits]


Monomial = tuple[tuple[Atom, int], ...]
"""A product of powers of atoms, in the order of their indices."""


class Real:
    """A polynomial over atoms: monomial -> coefficient that is not 0."""

    __slots__ = ("terms",)

    def __init__(self, terms: dict[Monomial, Fraction]) -> None:
        self.terms = terms

    @property
    def rational(self) -> Fraction | None:
        """The number, where it is known to be rational."""
        if not self.terms:
            return Fraction(0)
        return self.terms.get(()) if len(self.terms) == 1 else None

    @property
    def sole(self) -> Atom | None:
        """The atom that the number is, if it is just one."""
        for monomial, q in self.terms.items():
            if len(self.terms) == 1 and q == 1 and len(monomial) == 1 and monomial[0][1] == 1:
                return monomial[0][0]
        return None

    def __add__(self, other: "Real") -> "Real":
        if not isinstance(other, Real):
            return NotImplemented
        terms = dict(self.terms)
        for monomial, q in other.terms.items():
            total = terms.get(monomial, 0) + q
            if total:
                terms[monomial] = total
            else:
                del terms[monomial]
        return shortened(Real(terms))

    def __neg__(self) -> "Real":
        return Real({monomial: -q for monomial, q in self.terms.items()})

    def __sub__(self, other: "Real") -> "Real":
        return self + -other

    def __mul__(self, other: "Real") -> "Real":
        if not isinstance(other, Real):
            return NotImplemented
        few, many = self, other
        if len(self.terms) * len(other.terms) > MOST:
            few, many = sorted((self, other), key=lambda x: len(x.terms))
            many = as_atom(many)
        result = ZERO
        for a, p in few.terms.items():
            for b, q in many.terms.items():
                result = result + product(a, b, p * q)
        return result

    def ball(self, arithmetic: Multiprecision) -> Ball:
        """The number to the digits of an arithmetic, within its context."""
        for atom in unknown(self, arithmetic):
            atom.ball(arithmetic)
        terms = []
        for monomial, q in self.terms.items():
            ball = arithmetic.rational.nearest(q, arithmetic.unit)
            for atom, power in monomial:
                factor = atom.ball(arithmetic)
                for _ in range(abs(power)):
                    if power > 0:
                        ball = arithmetic.times(ball, factor)
                    else:
                        ball = arithmetic.apply(DIV, (ball, factor))
            terms.append(ball)
        return arithmetic.total(terms) if terms else arithmetic.zero

    def balls(self, least: int = 0) -> Iterator[tuple[Multiprecision, Ball]]:
        """The number to more and more bits, with the arithmetic of each, within its context."""
        for bits in BITS:
            arithmetic = multiprecision(max(bits, least), False)
            with arithmetic.context():
                try:
                    ball = self.ball(arithmetic)
                except Undecided:
                    continue
                yield arithmetic, ball

    @property
    def sign(self) -> int:
        """1, 0 or -1. Raises Undecided where no number of digits tells."""
        q = self.rational
        if q is not None:
            return (q > 0) - (q < 0)
        for _, (value, error) in self.balls():
            if abs(value) > error:
                return 1 if value > 0 else -1
        raise Undecided("a number that cannot be told from 0")

    @property
    def key(self) -> frozenset[tuple[Monomial, Fraction]]:
        """What equal polynomials have in common."""
        return frozenset(self.terms.items())


def unknown(x: Real, arithmetic: Multiprecision) -> list[Atom]:
    """The atoms of a number, and of these, whose digits are not known yet, in their order."""
    found: dict[Atom, None] = {}
    left = [x]
    while left:
        for monomial in left.pop().terms:
            for atom, _ in monomial:
                if arithmetic.bits not in atom.balls and atom not in found:
                    found[atom] = None
                    left += atom.operands
    return sorted(found, key=lambda atom: atom.index)


def exactly(value: Any) -> Real:
    """The number that a float, a decimal or a fraction is."""
    q = nearest.fraction(value)
    return Real({(): q} if q else {})


ZERO, ONE = Real({}), Real({(): Fraction(1)})


def shortened(x: Real) -> Real:
    """The number; as an atom, where its polynomial is too long to go on with."""
    return x if len(x.terms) <= LONGEST else as_atom(x)


def as_atom(x: Real) -> Real:
    """A number that is not known to be rational as an atom of its own."""
    (atom, _), *_ = next(monomial for monomial in x.terms if monomial)
    return Real({((atom.home.atom(None, (x,)), 1),): Fraction(1)})


def product(a: Monomial, b: Monomial, q: Fraction) -> Real:
    """A product of two monomials and a rational number; the n-th power of an n-th root is rational."""
    if not a or not b:
        return Real({a or b: q})
    powers = dict(a)
    for atom, power in b:
        powers[atom] = powers.get(atom, 0) + power
    for atom, power in powers.items():
        if atom.root and abs(power) >= atom.root:
            base = atom.operands[0].rational
            assert base is not None
            whole = int(power / atom.root)
            powers[atom] = power - whole * atom.root
            q *= base**whole
    kept = sorted(((x, p) for x, p in powers.items() if p), key=lambda one: one[0].index)
    return Real({tuple(kept): q})


class Reals:
    """The atoms that are known, so that equal values are one atom."""

    def __init__(self) -> None:
        self.atoms: dict[Any, Atom] = {}

    def atom(self, operation: Operation | str | None, operands: tuple[Real, ...] = ()) -> Atom:
        """The atom of an operation's value."""
        key = (operation, tuple([x.key for x in operands]))
        if key not in self.atoms:
            self.atoms[key] = Atom(self, operation, operands)
        return self.atoms[key]

    def constant(self, value: Any) -> Real:
        """A constant of a program: a number, or the name of one."""
        if value == "e":
            return self.value(EXP, (ONE,))
        if isinstance(value, str):
            pi = Real({((self.atom("pi"), 1),): Fraction(1)})
            return pi + pi if value == "tau" else pi
        return exactly(value)

    def short(self, x: Real) -> Real:
        """The number; as an atom, where what is known of it is too long to go on with."""
        q = x.rational
        if q is None:
            if len(x.terms) <= LONGEST:
                return x
        elif max(q.numerator.bit_length(), q.denominator.bit_length()) <= LARGEST:
            return x
        return Real({((self.atom(None, (x,)), 1),): Fraction(1)})

    def value(self, operation: Operation, operands: Sequence[Real]) -> Real:
        """The value of an operation: rational where its row says that it has no rounding error.

        Raises DomainError where there is none, Undecided where that cannot be told.
        """
        if operation is POW:
            exponent = operands[1].rational
            if exponent is not None:
                return self.power(operands[0], exponent)
        if (
            operation in UNDOES
            and (inner := operands[0].sole)
            and inner.operation is UNDOES[operation]
        ):
            return inner.operands[0]
        if operation is LOG and list(operands[0].terms.values()) == [1]:
            ((monomial, _),) = operands[0].terms.items()
            if monomial and all(atom.operation is EXP for atom, _ in monomial):
                powers = [atom.operands[0] * exactly(power) for atom, power in monomial]
                return sum(powers, ZERO)
        if operation is SIGMOID and (q := operands[0].rational) and -MODERATE < q < 0:
            return ONE - self.value(SIGMOID, (-operands[0],))
        if operation is EXP and [q < 0 for q in operands[0].terms.values()] == [True]:
            return self.inverse(self.value(EXP, (-operands[0],)))
        atom = self.atom(operation, tuple(operands))
        for bits in BITS:
            arithmetic = multiprecision(bits, False)
            with arithmetic.context():
                try:
                    for before in unknown(Real({((atom, 1),): Fraction(1)}), arithmetic):
                        before.ball(arithmetic)
                    value, error = atom.ball(arithmetic)
                except Undecided:
                    continue
                if not error:
                    return exactly(arithmetic.rational.as_fraction(value))
                return Real({((atom, 1),): Fraction(1)})
        raise Undecided("a value that cannot be computed")

    def inverse(self, x: Real) -> Real:
        """One over a number. Raises DomainError at 0."""
        if x.sign == 0:
            raise DomainError("division by zero", "the divisor must not be 0")
        if len(x.terms) > 1:
            return Real({((self.atom(None, (x,)), -1),): Fraction(1)})
        ((monomial, q),) = x.terms.items()
        return Real({tuple([(atom, -power) for atom, power in monomial]): 1 / q})

    def power(self, x: Real, q: Fraction) -> Real:
        """A rational power; of a negative number, a whole one. Raises DomainError beyond."""
        if q.denominator == 1 and abs(q.numerator) <= 64:
            base = self.inverse(x) if q < 0 else x
            result = ONE
            for _ in range(abs(q.numerator)):
                result = self.short(result * base)
            return result
        sign = x.sign
        if sign < 0 and q.denominator != 1:
            raise DomainError("a root of a negative number", "")
        if sign == 0:
            return self.power(x, Fraction(1 if q > 0 else -1))
        number = x.rational
        if number is not None and q.denominator <= ROOTS and abs(q.numerator) <= ROOTS:
            n = q.denominator
            roots = root(number.numerator, n), root(number.denominator, n)
            if roots[0] and roots[1]:
                return exactly(Fraction(*roots) ** q.numerator)
            atom = self.atom(POW, (x, exactly(Fraction(1, n))))
            atom.root = n
            return self.power(Real({((atom, 1),): Fraction(1)}), Fraction(q.numerator))
        return Real({((self.atom(POW, (x, exactly(q))), 1),): Fraction(1)})


def root(x: int, n: int) -> int:
    """The n-th root of a whole number above 0, where that is one; else 0."""
    low = x if n == 1 else isqrt(x) if n == 2 else near(x, n)
    return low if low**n == x else 0


def near(x: int, n: int) -> int:
    """The n-th root of a whole number, rounded down (by halving)."""
    low, high = 0, 1 << (x.bit_length() // n + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**n <= x else (low, middle)
    return low
