"""Every bound keeps all its terms: each operation at operands that are not exact, at 0 ± e above all.

A ball of operands is sampled, and every sample's value, by mpmath alone, must lie in the ball of the
result. What an arithmetic leaves undecided it may; what it bounds, it must bound.
"""

import contextlib
import itertools
import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from mpmath import mp

from backprop_grammar.batch.bounded import DOUBLES, FLOATS, computed
from backprop_grammar.batch.ufuncs import over_columns
from backprop_grammar.language.table_texts import texts
from backprop_grammar.numbers.arithmetic import Arithmetic
from backprop_grammar.numbers.ball import Ball, DomainError, Undecided
from backprop_grammar.numbers.binary64 import binary64
from backprop_grammar.numbers.float64 import Hard, kernel
from backprop_grammar.numbers.multiprecision import multiprecision
from backprop_grammar.operations.row import Operation
from backprop_grammar.operations.table import OPERATIONS
from tests import oracle
from tests.support import often

OPEN = {"_nearest", "_remainder"}
"""What they choose near a half is left open; the rows that ask them hold either choice."""

ROWS = [row for row in OPERATIONS.values() if row.name not in {"if", *OPEN}]
SLOW = ("lgamma", "digamma", "polygamma", "beta", "_sinc", "_erfcx")
ORDERS = {"polygamma": 4, "_sinc": 50, "_erfcx": 50}
"""Rows whose first operand is the order of a derivative, and what it stays below here."""
SYSTEMS = {"binary64": binary64, "192 bits": multiprecision(192, False), "700 bits": multiprecision(700, False)}  # fmt: skip
CENTRES = (0.0, 1.0, -1.0, 0.5, 1.4616321449683622, -3.25, 1e-30, 600.0, 1.5707963267948966, 40.0)
ERRORS = (1e-5, 1e-11, 1e-40, 0.3, 3.0, 0.0)
Balls = list[tuple[float, float]]
BITS = 900


def operands(row: Operation) -> Iterator[Balls]:
    """All of them at 0 ± e, each other operand at 0 ± e, and others by chance."""
    rng = random.Random(row.name)
    count = 2 if row.variadic else len(row.operands)
    for errors in itertools.product(ERRORS[:3], repeat=count):
        yield [(0.0, error) for error in errors]
    for k in range(count):
        for x in CENTRES[1:]:
            yield [(0.0, rng.choice(ERRORS)) if i == k else (x, rng.choice(ERRORS)) for i in range(count)]  # fmt: skip
    for _ in range(10 if row.name in SLOW else often(30, 60)):
        centres = [rng.choice(CENTRES) * rng.choice((1, 1, rng.random())) for _ in range(count)]
        yield [(x, rng.choice((*ERRORS, abs(x) * 2.0**-52, abs(x) * 0.9))) for x in centres]


def whole(row: Operation, balls: Balls) -> Balls:
    """With an order where an operand must be one."""
    if row.name in ORDERS:
        return [(float(abs(round(balls[0][0])) % ORDERS[row.name]), 0.0), *balls[1:]]
    if row.name == "pow" and balls[0][0] - balls[0][1] <= 0:
        return [balls[0], (float(abs(round(balls[1][0])) % 7), 0.0)]
    return balls


def samples(balls: Balls) -> Iterator[Sequence[Any]]:
    """Points of a ball: its corners, the middles of its sides and others."""
    with mp.workprec(BITS):
        points = [
            [mp.mpf(x) + mp.mpf(error) * t for t in ((-1, -0.61, 0, 0.37, 1) if error else (0,))]
            for x, error in balls
        ]
        yield from itertools.product(*points)


def truths(row: Operation, balls: Balls) -> list[Any]:
    """The values at the samples, those that exist."""
    found = []
    for point in samples(balls):
        try:
            value = oracle.value(row.name, point, 300)
        except (ArithmeticError, ValueError):
            continue
        if value is not None:
            found.append(value)
    return found


def holds(ball: Any, values: list[Any]) -> bool:
    with mp.workprec(BITS):
        middle, error = mp.mpf(ball[0]), mp.mpf(ball[1]) * (1 + mp.mpf(10) ** -12)
        least = mp.mpf(10) ** -80
        return all(abs(middle - value) <= error + abs(value) * least for value in values)


each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


@each_row
def test_the_ball_of_a_value_holds_the_values_of_the_ball(row):
    """In every number system, by the kernel of the row and in both sorts of columns."""
    bounded = Counter[str]()
    for balls in operands(row):
        balls = whole(row, balls)
        found = [*in_systems(row, balls), *in_floats(row, balls)]
        bounded.update(name for name, _ in found)
        values = truths(row, balls) if found else []
        for name, ball in found:
            assert holds(ball, values), (name, balls, ball)
    assert all(bounded[name] > 3 for name in SYSTEMS)


def in_systems(row: Operation, balls: Balls) -> Iterator[tuple[str, Any]]:
    for name, system in SYSTEMS.items():
        with contextlib.suppress(Undecided, DomainError):
            with system.context():
                ball = system.apply(row, taken(system, balls))
            yield name, ball


def taken(system: Arithmetic, balls: Balls) -> list[Ball]:
    return [(system.number(x), system.number(error)) for x, error in balls]


def in_floats(row: Operation, balls: Balls) -> Iterator[tuple[str, Any]]:
    flat = [number for ball in (balls[0], balls[-1]) for number in ball]
    with contextlib.suppress(Hard):
        yield "kernel", kernel(row)(*flat)
    columns = [(np.array([x]), 0.0, np.array([error])) for x, error in balls]
    for kernels in (FLOATS, DOUBLES):
        if row not in kernels and (texts(row).computed or row.columns):
            continue
        with np.errstate(all="ignore"):
            number = computed(kernels, row, columns)
            high, low, error = (float(np.broadcast_to(part, 1)[0]) for part in number)
        if math.isfinite(high) and math.isfinite(error):
            with mp.workprec(BITS):
                yield "columns", (mp.mpf(high) + mp.mpf(low), error)


@each_row
def test_the_ball_of_a_local_gradient_holds_those_of_the_ball(row):
    if row.name in ("polygamma", "identity"):
        return
    rng = random.Random(row.name)
    chosen = [
        balls for balls in operands(row) if rng.random() < (0.15 if row.name in SLOW else 0.4)
    ]
    for balls in chosen:
        balls = whole(row, balls)
        for k in range(len(balls)):
            found = list(locals_in_systems(row, balls, k))
            values = slopes(row, balls, k) if found else []
            for name, ball in found:
                assert holds(ball, values), (name, balls, k, ball)


def locals_in_systems(row: Operation, balls: Balls, k: int) -> Iterator[tuple[str, Any]]:
    for name, system in SYSTEMS.items():
        with contextlib.suppress(Undecided, DomainError):
            with system.context():
                given = taken(system, balls)
                out = system.apply(row, given)
                ball = None if system.kink(row, given, out) else system.local(row, given, out, k)
            if ball and system.finite(ball[0]):
                yield name, ball


def slopes(row: Operation, balls: Balls, k: int) -> list[Any]:
    """The local gradients at the samples, those that exist."""
    found = []
    for point in samples(balls):
        try:
            slope = oracle.slope(row.name, k, point, 300)
        except (ArithmeticError, ValueError):
            continue
        if slope is not None and mp.isfinite(slope):
            found.append(slope)
    return found


def test_a_product_keeps_error_times_error():
    for system in SYSTEMS.values():
        with system.context():
            ball = system.zero[0], system.number(1e-9)
            for found in (system.times(ball, ball), system.apply(OPERATIONS["mul"], [ball, ball])):
                assert found[0] == 0
                assert 1e-18 <= found[1] <= 1.1e-18


def test_columns_have_numpy_or_python():
    assert all(over_columns(row) for row in ROWS)
