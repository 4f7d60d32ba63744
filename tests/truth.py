"""What a grown program and its gradient are, in mpmath's numbers, forward.

Forward mode needs no backward pass: every node carries its slope by every variable. All of it is
computed at twice the precision again and again, until two runs agree; a number remembers whether it
is exact, so that a true 0 is known at once and a cancelled one is not.
"""

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Any

from mpmath import mp

from tests import oracle

BITS = 60
"""In which two runs must agree."""

HIGHEST = 4000
"""Bits at which what has not settled is given up, and where a gamma function ends it."""
HIGHEST_GAMMA = 1000

FIRST = 1900
"""Bits from which a truth is told again that something else disagrees with."""

LARGEST = 4500
"""Bits before the point of what is handed to exp, sin, ...: beyond, nothing is decided here."""


class NoValue(Exception):
    """An operation leaves its domain, or its value is no real number."""


class Undecided(Exception):
    """Too large, or too close to tell, for this oracle."""


@dataclass(slots=True)
class Number:
    """value: an mpf, a nan or infinity that says that there is none. quotient: what it is exactly,
    where sums and products of decimals are.
    """

    value: Any
    quotient: Fraction | None = None

    @property
    def exact(self) -> bool:
        return self.quotient is not None


def exactly(value: Any) -> Number:
    """A quotient, or the decimal that a float prints as; a number of mpmath's is what it is."""
    if isinstance(value, mp.mpf):
        sign, whole, power, _ = value._mpf_
        value = (-1) ** sign * Fraction(int(whole)) * Fraction(2) ** power
    elif isinstance(value, float):
        value = Fraction(repr(value))
    return Number(mp.mpf(value.numerator) / value.denominator, value)


ZERO, ONE = exactly(Fraction(0)), exactly(Fraction(1))


@dataclass(slots=True)
class Dual:
    """A node's number, and its slope by each variable it depends on."""

    number: Number
    slopes: dict[str, Number]

    @property
    def value(self) -> Any:
        return self.number.value


ARITHMETIC = {"add": mp.fadd, "sub": mp.fsub, "mul": mp.fmul}
WHOLE = {"floor", "ceil", "round"}
"""Operations whose results and slopes are whole, whatever rounding their operand went through."""

FREE = {"neg", "max", "min", "clamp", "relu", "abs", "sign", "relu6", "hardtanh", *WHOLE}
"""Operations that round nothing."""
ROUTERS = {"max", "min", "clamp", "relu", "relu6", "hardtanh", "if"}


def narrow(*numbers: Number) -> bool:
    """Whether numbers are exact and of a size at which sums and products may stay exact."""
    return all(
        n.quotient is not None
        and max(n.quotient.numerator.bit_length(), n.quotient.denominator.bit_length()) < 4800
        for n in numbers
    )


def product(a: Number, b: Number) -> Number:
    if narrow(a, b):
        return exactly(a.quotient * b.quotient)
    zero = a.quotient == 0 or b.quotient == 0
    result = a.value * b.value
    return ZERO if zero and mp.isfinite(result) else Number(result)


def total(numbers: Sequence[Number]) -> Number:
    result = numbers[0]
    for other in numbers[1:]:
        if narrow(result, other):
            result = exactly(result.quotient + other.quotient)
        else:
            result = Number(result.value + other.value)
    return result


def free(value: Any, given: Sequence[Number]) -> Number:
    """What an operation that rounds nothing made of exact operands: one of them, a sign, a share."""
    for number in given:
        if number.quotient is None:
            continue
        if value == number.value:
            return number
        if value == -number.value:
            return exactly(-number.quotient)
    return exactly(value) if value * 60 == mp.nint(value * 60) else Number(value)


class Run:
    """One evaluation of a grown program at the working precision of mpmath."""

    def __init__(self, whole: Any, at: dict[str, Any] | None = None) -> None:
        self.whole = whole
        self.at = at or whole.at
        self.known: dict[int, Dual] = {}
        self.kinks = False

    def output(self) -> Dual:
        used = reached(self.whole)
        for node in self.whole.named:  # a stage is evaluated, used by a branch taken or not
            if node in used:
                self.value(node)
        return self.value(len(self.whole.nodes) - 1)

    def value(self, node: int) -> Dual:
        """The dual number of a node; only the branch that an if selects is evaluated."""
        if node not in self.known:
            self.known[node] = self.apply(self.whole.nodes[node], self.value, self.whole.own)
        return self.known[node]

    def apply(self, node: Any, of: Any, own: Any) -> Dual:
        kind, *rest = node
        if kind == "number":
            return Dual(exactly(rest[0]), {})
        if kind == "constant":
            return Dual(Number({"pi": +mp.pi, "e": +mp.e, "tau": 2 * mp.pi}[rest[0]]), {})
        if kind == "variable":
            name = rest[0]
            return Dual(exactly(self.at[name]), {name: ONE})
        if kind == "call":
            used = parameters(own[rest[0]])
            return self.call(own[rest[0]], {k: of(i) for k, i in enumerate(rest[1:]) if k in used})
        if kind.startswith("if"):
            a, b = of(rest[0]), of(rest[1])
            if a.value == b.value and (a.slopes or b.slopes):
                self.kinks = True
            return of(rest[2 if holds(kind[2:], a, b) else 3])
        return self.operation(kind, [of(k) for k in rest])

    def call(self, body: Any, given: dict[int, Dual]) -> Dual:
        """The body of a function at its operands; its ifs, too, evaluate one branch."""
        known: dict[int, Dual] = {}

        def of(node: int) -> Dual:
            if node not in known:
                kind, *rest = body.nodes[node]
                known[node] = (
                    given[rest[0]]
                    if kind == "parameter"
                    else self.apply(body.nodes[node], of, body.own)
                )
            return known[node]

        return of(len(body.nodes) - 1)

    def operation(self, name: str, given: list[Dual]) -> Dual:
        if name == "leaky_relu" and len(given) == 1:
            given = [*given, Dual(exactly(0.01), {})]
        xs = [dual.value for dual in given]
        if any(mp.mag(x) > LARGEST for x in xs if x) and name not in ("add", "sub", "mul", "neg"):
            raise Undecided
        if name not in ARITHMETIC and any(map(vanishing, given)):
            raise Undecided
        if any(close(*pair) for pair in edges(name, [dual.number for dual in given])):
            raise Undecided
        exact = name in WHOLE or all(dual.number.exact for dual in given)
        function, slopes = oracle.FUNCTIONS[name]
        if name == "sub" and given[0] is given[1]:
            number = ZERO
        elif name in ARITHMETIC:
            numbers = [dual.number for dual in given]
            if name == "sub":
                q = numbers[1].quotient
                numbers[1] = Number(-numbers[1].value, None if q is None else -q)
            number = product(*numbers) if name == "mul" else total(numbers)
        else:
            value = found(function, xs)
            if value is None or not mp.isfinite(value):
                raise NoValue(name)
            if name == "tan" and mp.prec >= FIRST and mp.mag(value) > 0.45 * mp.prec:
                raise Undecided  # a pole, as at acos(0)
            number = Number(value)
            if exact and value == 0 and (name in FREE or root(name, xs)):
                number = ZERO
            elif exact and name in FREE:
                number = free(value, [dual.number for dual in given])
        names = dict.fromkeys(n for dual in given for n in dual.slopes)
        kink = self.kink(name, xs, number.value)
        self.kinks |= kink and any(dual.slopes for dual in given)
        parts: dict[str, list[Number]] = {n: [] for n in names}
        for k, dual in enumerate(given):
            if not dual.slopes:
                continue
            rule = slopes[0] if name in oracle.VARIADIC else slopes[k]
            value = found(rule, [k, *xs] if name in oracle.VARIADIC else xs)
            if value is None:
                value = mp.nan
            if value == 0 and name in ROUTERS and (not kink or name in ("max", "min")):
                continue
            simple = name in ARITHMETIC or name in FREE or (value == 0 and not any(xs))
            for n, slope in dual.slopes.items():
                local = Number(value)
                if simple and exact:
                    local = free(value, [dual.number for dual in given])
                parts[n].append(product(local, slope))
        return Dual(number, {n: total(found) for n, found in parts.items() if found})

    def kink(self, name: str, xs: list[Any], out: Any) -> bool:
        """Whether this is a kink: what comes out is then a convention, not a derivative."""
        return bool(
            (name in ("abs", "relu", "leaky_relu", "sign", "selu", "relu6") and xs[0] == 0)
            or (name == "relu6" and xs[0] == 6)
            or (name == "hardtanh" and abs(xs[0]) == 1)
            or (name in ("floor", "ceil") and mp.isint(xs[0]))
            or (name == "round" and mp.isint(2 * xs[0]) and not mp.isint(xs[0]))
            or (name in ("max", "min") and list(xs).count(out) > 1)
            or (name == "clamp" and xs[0] in xs[1:])
            or (name == "hypot" and out == 0)
            or (name == "atan2" and xs[0] == 0 and xs[1] <= 0)
        )


def vanishing(dual: Dual) -> bool:
    """Whether a number may as well be 0: as small as what cancels, at many bits, as sin(pi)."""
    number = dual.number
    return bool(
        mp.prec >= FIRST
        and not number.exact
        and number.value
        and mp.mag(number.value) < -0.9 * mp.prec
    )


def close(a: Number, b: Number) -> bool:
    """Whether two numbers may as well be equal: at many bits no more apart than what rounding does."""
    if mp.prec < FIRST or a is b or (a.exact and b.exact):
        return False
    apart = a.value - b.value
    size = max([0, *(mp.mag(n.value) for n in (a, b) if n.value)])
    return bool(not apart or mp.mag(apart) < size - 0.9 * mp.prec)


def edges(name: str, numbers: list[Number]) -> Iterable[tuple[Number, Number]]:
    """Pairs of numbers of which an operation must know which one is larger."""
    if name in ("max", "min", "clamp"):
        return combinations(numbers, 2)
    last = numbers[-1]
    if name in ("relu6", "hardtanh"):
        ends = (0, 6) if name == "relu6" else (-1, 1)
        return [(last, exactly(Fraction(end))) for end in ends]
    if name in ("floor", "ceil", "round"):
        return [(last, exactly(+mp.nint(2 * last.value) / 2))]
    if name in ("asin", "acos", "atanh", "acosh", "log1p", "erfinv", "logit"):
        return [(Number(abs(last.value), last.quotient), ONE)]
    whole = "gamma" in name or (name == "pow" and numbers[0].value < 0)
    return [(last, exactly(+mp.nint(last.value)))] if whole else ()


def reached(whole: Any) -> set[int]:
    """The nodes that the output uses."""
    found = {len(whole.nodes) - 1}
    for node in range(len(whole.nodes) - 1, -1, -1):
        kind, *rest = whole.nodes[node]
        if node not in found or kind in ("number", "constant", "variable", "parameter"):
            continue
        if kind == "call":
            used = parameters(whole.own[rest[0]])
            found.update(operand for k, operand in enumerate(rest[1:]) if k in used)
        else:
            found.update(rest)
    return found


def parameters(body: Any) -> set[int]:
    """The parameters that the result of a function uses: other operands are not evaluated."""
    return {body.nodes[k][1] for k in reached(body) if body.nodes[k][0] == "parameter"}


def root(name: str, xs: Sequence[Any]) -> bool:
    """Whether a value of 0 is a true one, and no loss of digits."""
    return not any(xs) or (name.startswith("log") and len(xs) == 1 and xs[0] == 1)


def found(function: Any, xs: Sequence[Any]) -> Any:
    """A result of the oracle: None where there is none, nan where there is no slope."""
    try:
        return oracle.real(function, xs)
    except (ValueError, OverflowError, MemoryError, mp.NoConvergence):
        raise Undecided from None


RELATIONS = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


def holds(comparison: str, a: Dual, b: Dual) -> bool:
    if close(a.number, b.number):
        raise Undecided
    return bool(RELATIONS[comparison](a.value, b.value))


@dataclass(frozen=True)
class Truth:
    """value: None where the program has none. slopes: by name; None where there is none.

    smooth: whether no kink was met. numbers: mpf's of about BITS bits.
    """

    value: Any
    slopes: dict[str, Any]
    smooth: bool = True


def agree(a: Number, b: Number, precision: int) -> bool:
    """Whether two runs say the same: the same sort of nothing, or the same number.

    In the end, what shrinks with the precision is taken for 0.
    """
    if not mp.isfinite(a.value) or not mp.isfinite(b.value):
        return not mp.isfinite(a.value) and not mp.isfinite(b.value)
    if a.value == b.value == 0:
        return (a.exact and b.exact) or precision > HIGHEST / 2
    if precision > HIGHEST / 2 and mp.mag(b.value) < -0.75 * precision:
        return not a.value or mp.mag(a.value) < -0.35 * precision
    return bool(mp.ldexp(abs(a.value - b.value), BITS) <= abs(b.value))


def truth(whole: Any, first: int = 120) -> Truth:
    """The value and the gradient of a grown program, from so many bits on. Raises Undecided.

    Two runs that agree may both have lost the same small number, as log(1 - 10^-99) at few bits;
    where another answer is held against this one, it is asked for again, with FIRST bits.
    """
    before, precision = None, first
    gamma = any("gamma" in node[0] for body in (whole, *whole.own.values()) for node in body.nodes)
    while precision < (max(HIGHEST_GAMMA, 3 * first) if gamma else HIGHEST):
        with mp.workprec(precision):
            run = Run(whole)
            try:
                now = run.output()
            except NoValue:
                now = None
            if precision > first and (before is None) == (now is None) and (
                now is None or before is None or (
                    agree(before.number, now.number, precision)
                    and before.slopes.keys() == now.slopes.keys()
                    and all(agree(before.slopes[n], now.slopes[n], precision) for n in now.slopes)
                )
            ):  # fmt: skip
                return settled(now, run, whole)
        before, precision = now, 2 * precision
    raise Undecided


def settled(now: Dual | None, run: Run, whole: Any) -> Truth:
    if now is None:
        return Truth(None, {})
    slopes = {name: now.slopes.get(name, ZERO).value for name in whole.at}
    return Truth(
        now.value, {n: s if mp.isfinite(s) else None for n, s in slopes.items()}, not run.kinks
    )


def quotient(whole: Any, name: str) -> Any:
    """The slope by a variable as a central difference quotient, from values alone.

    None where there is no value beside the point.
    """
    with mp.workprec(5200):
        x = exactly(whole.at[name]).value
        step = mp.ldexp(
            max(abs(x), mp.mpf(1)) if abs(x) > mp.mpf(2) ** -1000 else mp.mpf(2) ** -1000, -1700
        )
        try:
            above, below = (
                Run(whole, {**whole.at, name: x + sign * step}).output().value for sign in (1, -1)
            )
        except (NoValue, Undecided):
            return None
        return (above - below) / (2 * step)
