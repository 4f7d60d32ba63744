"""Numbers of a trace: floats, and those that a float does not hold in full."""

from typing import NamedTuple

__all__ = ["INFINITE", "MINUS_INFINITE", "UNCERTAIN", "UNDEFINED", "UNEVALUATED", "Number", "Wide", "as_float", "exists", "negative", "sign"]  # fmt: skip


class Wide(NamedTuple):
    """A number that a float does not hold in full, or what stands where there is none.

    kind: finite, infinite, undefined, uncertain or unevaluated. sign: 1 or -1. digits: the significant
    decimal digits of a finite number, of which the first stands before the point. exponent: the
    power of ten of that digit. nearest: the nearest float; None where there is none.
    """

    kind: str
    sign: int = 1
    digits: str = ""
    exponent: int = 0
    nearest: float | None = None

    @property
    def exists(self) -> bool:
        """Whether this is a number at all."""
        return self.kind == "finite"

    @property
    def text(self) -> str:
        """Its decimal digits, 0.00012 to 1234567890123456 without a power of ten; or its kind."""
        minus = "-" * (self.sign < 0)
        if not self.exists:
            return minus + self.kind
        if -5 < self.exponent < 16:
            return minus + fixed(self.digits, self.exponent)
        first, rest = self.digits[0], self.digits[1:]
        return f"{minus}{first}{'.' * bool(rest)}{rest}e{self.exponent:+d}"


def fixed(digits: str, exponent: int) -> str:
    """Significant digits without a power of ten: 0.00012, 1200, 1.2."""
    if exponent < 0:
        return f"0.{'0' * (-exponent - 1)}{digits}"
    whole, fraction = digits[: exponent + 1].ljust(exponent + 1, "0"), digits[exponent + 1 :]
    return f"{whole}{'.' * bool(fraction)}{fraction}"


Number = float | Wide

INFINITE, MINUS_INFINITE = Wide("infinite"), Wide("infinite", -1)
UNDEFINED = Wide("undefined")
UNCERTAIN = Wide("uncertain")
"""A number that exists for all that is known, and of which not enough is."""
UNEVALUATED = Wide("unevaluated")
"""Every number of a trace that has no point, only the structure."""


def as_float(number: Number) -> float | None:
    """The nearest float to a number of a trace; None where there is none."""
    return number.nearest if isinstance(number, Wide) else number


def exists(number: Number) -> bool:
    """Whether a number of a trace is a finite number."""
    return not isinstance(number, Wide) or number.exists


def sign(number: Number) -> int:
    """1, 0 or -1; of an infinite number, too; 0 where there is none."""
    if isinstance(number, Wide):
        zero = number.digits == "0" or number.kind in ("undefined", "uncertain", "unevaluated")
        return 0 if zero else number.sign
    return (number > 0) - (number < 0)


def negative(number: Number) -> Number:
    """The number with the opposite sign."""
    if isinstance(number, Wide):
        near = None if number.nearest is None else -number.nearest
        return number._replace(sign=-number.sign, nearest=near)
    return -number
