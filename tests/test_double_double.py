"""Double-doubles and floats over columns: each bound holds the truth, which mpmath knows at 2,500 bits."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from mpmath import mp

from backprop_grammar.batch import double_double as dd
from backprop_grammar.batch.bounded import FLOATS, larger
from backprop_grammar.operations.table import ADD, DIV, MUL, OPERATIONS, SUB
from tests.support import often

BITS = 2500  # so that exp(-620) beside 1 and 1e-300 squared are seen
ROWS = often(60, 150)

CENTRES = (
    0.0, 1.0, -1.0, 0.5, -0.25, 3.0, 0.1, 1e-5, -1e-16, 1e-200, 1e-320, -2.0**-12, 0.6931471805599453,
    1.5707963267948966, -100.53096491487338, 40.0, -619.5, 621.0, 1e5, 1e200, -1e308,
)  # fmt: skip
ERRORS = (0.0, 0.0, 1e-30, 1e-17, 2.0**-12, 0.3, 5.0)


def between(rng: random.Random) -> float:
    """A float of any size."""
    return rng.choice((1, -1)) * rng.choice((1.0, rng.random() * 30, 10 ** rng.uniform(-12, 6)))


def operand(rng: random.Random, exact: bool) -> dd.Triple:
    """A column: hostile numbers first, then any; errors are absolute, or parts of the numbers."""
    values = [*CENTRES, *(between(rng) for _ in range(ROWS - len(CENTRES)))]
    rng.shuffle(values)
    high = np.array(values)
    if exact:
        return dd.exact(high)
    low = high * np.array([rng.uniform(-1, 1) * 2.0**-54 for _ in values])
    sizes = [rng.choice((e, e * abs(x))) for x in values for e in [rng.choice(ERRORS)]]
    return high, low, np.array(sizes)


def samples(x: dd.Triple, row: int) -> list[Any]:
    """Numbers that a row may stand for: the middle, the ends, one between."""
    high, low, error = (float(np.broadcast_to(part, x[0].shape)[row]) for part in x)
    if not error:
        return [mp.mpf(high) + mp.mpf(low)]
    return [mp.mpf(high) + mp.mpf(low) + t * mp.mpf(error) for t in (0, 1, -1, 0.37)]


def products(given: Sequence[dd.Triple], row: int) -> Iterator[tuple[Any, ...]]:
    sides = [samples(x, row) for x in given]
    if len(sides) == 1:
        return ((a,) for a in sides[0])
    return ((a, b) for a in sides[0] for b in sides[1])


def real(function: Callable[..., Any], *operands: Any) -> Any:
    """A value, if there is a real one."""
    try:
        value = function(*operands)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    return value if isinstance(value, mp.mpf) and mp.isfinite(value) else None


KERNELS: dict[str, tuple[Callable[..., dd.Triple], Callable[..., Any], int]] = {
    "add": (dd.add, lambda x, y: x + y, 2),
    "sub": (dd.sub, lambda x, y: x - y, 2),
    "mul": (dd.mul, lambda x, y: x * y, 2),
    "div": (dd.div, lambda x, y: x / y, 2),
    "neg": (dd.neg, lambda x: -x, 1),
    "square": (lambda x: dd.mul(x, x), lambda x: x * x, 1),
    "half": (lambda x: dd.mul(x, dd.exact(np.float64(0.5))), lambda x: x / 2, 1),
    "larger": (lambda x, y: larger(x, y, 1), max, 2),
    "smaller": (lambda x, y: larger(x, y, -1), min, 2),
    **{
        name: (dd.FUNCTIONS[name], getattr(mp, name), 2 if name == "hypot" else 1)
        for name in dd.FUNCTIONS
        if name not in ("abs", "cbrt", "log2", "log10", "pow")
    },
    "abs": (dd.FUNCTIONS["abs"], abs, 1),
    "cbrt": (dd.FUNCTIONS["cbrt"], lambda x: mp.sign(x) * mp.cbrt(abs(x)), 1),
    "log2": (dd.FUNCTIONS["log2"], lambda x: mp.log(x) / mp.log(2), 1),
    "log10": (dd.FUNCTIONS["log10"], mp.log10, 1),
    "pow": (dd.FUNCTIONS["pow"], lambda x, y: x**y if x > 0 else None, 2),
    **{
        f"float {row.name}": (FLOATS[row], truth, count)
        for row, truth, count in (
            (ADD, lambda x, y: x + y, 2),
            (SUB, lambda x, y: x - y, 2),
            (MUL, lambda x, y: x * y, 2),
            (DIV, lambda x, y: x / y, 2),
            (OPERATIONS["exp"], mp.exp, 1),
        )
    },
    **{
        f"power {n}": (
            lambda x, n=n: dd.FUNCTIONS["pow"](x, dd.exact(np.float64(n))),
            lambda x, n=n: x**n,
            1,
        )
        for n in (3.0, 17.0, -2.0, 64.0)
    },
}


@pytest.mark.parametrize("exact", [True, False], ids=["floats", "with errors"])
@pytest.mark.parametrize("name", KERNELS)
@np.errstate(all="ignore")
def test_the_bound_holds_the_truth(name, exact):
    kernel, truth, count = KERNELS[name]
    rng = random.Random(name)
    given = [operand(rng, exact) for _ in range(count)]
    if name.startswith("float"):
        given = [(x[0], 0.0, x[2]) for x in given]
    with np.errstate(all="ignore"):
        high, low, error = (np.broadcast_to(part, ROWS) for part in kernel(*given))
    known = 0
    with mp.workprec(BITS):
        for row in range(ROWS):
            if not np.isfinite(high[row] + low[row] + error[row]):
                continue
            known += 1
            number = mp.mpf(float(high[row])) + mp.mpf(float(low[row]))
            room = mp.mpf(float(error[row])) * (1 + mp.mpf(2) ** -40)
            for operands in products(given, row):
                value = real(truth, *operands)
                if value is not None:
                    assert abs(value - number) <= room, (operands, number, error[row])
    assert known > ROWS / 8


PRECISE = {
    "exp": 85, "expm1": 70, "log": 75, "log1p": 68, "sqrt": 100, "hypot": 100, "tanh": 70,
    "mul": 101, "div": 100, "power 3.0": 99,
}  # fmt: skip
"""Bits that ordinary floats are good for at least."""


@pytest.mark.parametrize("name", PRECISE)
def test_the_bound_of_ordinary_numbers_is_small(name):
    kernel, _, count = KERNELS[name]
    rng = np.random.default_rng(5)
    given = [dd.exact(rng.lognormal(size=1000)) for _ in range(count)]
    with np.errstate(all="ignore"):
        high, _, error = kernel(*given)
    assert (error <= np.abs(high) * 2.0 ** -PRECISE[name]).all()


@np.errstate(all="ignore")
def test_what_is_exact_has_no_bound():
    whole = dd.exact(np.array([-6.0, 1.0, 0.0, 96.0]))
    third = dd.exact(np.array([3.0, 2.0, -4.0, 0.5]))
    for kernel in (dd.add, dd.sub, dd.mul):
        assert not np.any(kernel(whole, third)[2])
    assert not np.any(dd.div(dd.exact(np.array([6.0, -1.5])), dd.exact(np.array([3.0, 2.0])))[2])
    square = dd.FUNCTIONS["sqrt"](dd.exact(np.array([4.0, 2.25, 0.0])))
    assert square[0].tolist() == [2.0, 1.5, 0.0]
    assert square[2].tolist() == [0.0, 0.0, 0.0]
    for name, value in (("exp", 1.0), ("cos", 1.0), ("sin", 0.0), ("tanh", 0.0), ("log1p", 0.0)):
        high, low, error = dd.FUNCTIONS[name](dd.exact(np.array([0.0, 0.5])))
        assert (high[0], low[0], error[0]) == (value, 0.0, 0.0)
        assert error[1]


def test_the_constants():
    with mp.workprec(BITS):
        for name, truth in (("pi", mp.pi), ("e", mp.e), ("tau", 2 * mp.pi)):
            high, low, error = dd.CONSTANTS[name]
            assert abs(mp.mpf(float(high)) + mp.mpf(float(low)) - truth) <= error < 2.0**-100
