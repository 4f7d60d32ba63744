"""One suite for every number system: what is written once over them holds in each."""

import math
from collections.abc import Iterator

import pytest
from mpmath import mp

from backprop_grammar.language.table_texts import compiled
from backprop_grammar.numbers.arithmetic import Arithmetic
from backprop_grammar.numbers.ball import DomainError, Undecided
from backprop_grammar.numbers.binary64 import Binary64, binary64
from backprop_grammar.numbers.multiprecision import Multiprecision, multiprecision
from backprop_grammar.operations.table import OPERATIONS
from tests import oracle

SYSTEMS = {
    "binary64": binary64,
    "192 bits": multiprecision(192, False),
    "640 bits": multiprecision(640, False),
    "640 bits, last": multiprecision(640, True),
}


@pytest.fixture(params=SYSTEMS.values(), ids=SYSTEMS.keys())
def numbers(request) -> Iterator[Arithmetic]:
    """A number system, within its context."""
    with request.param.context():
        yield request.param


def contains(ball, truth) -> bool:
    with mp.workprec(8000):
        return abs(mp.mpf(ball[0]) - truth) <= mp.mpf(ball[1])


def test_every_number_system_is_here():
    from backprop_grammar import numbers as package

    classes = {kind for kind in Arithmetic.__subclasses__() if kind.__module__.startswith(package.__name__)}  # fmt: skip
    assert classes == {Binary64, Multiprecision} == {type(system) for system in SYSTEMS.values()}


def test_numbers_come_from_floats_and_from_text(numbers):
    assert numbers.number(0.1) == 0.1
    assert numbers.number("62.5e-2") == 0.625
    assert numbers.exactly(2.0) == (2, 0)
    assert numbers.zero == (0, 0)
    assert numbers.one == (1, 0)
    assert numbers.undefined[0] != numbers.undefined[0]
    assert numbers.limit * numbers.unit == 1
    assert numbers.finite(numbers.number(1e300))
    assert not any(numbers.finite(numbers.number(x)) for x in (math.inf, -math.inf, math.nan))


def test_constants_are_the_exact_ones(numbers):
    assert numbers.constant(0.1) == (0.1, 0)
    with mp.workprec(8000):
        truths = {"pi": +mp.pi, "e": +mp.e, "tau": 2 * mp.pi}
    for name, truth in truths.items():
        assert contains(numbers.constant(name), truth)
        assert 0 < numbers.lost(numbers.constant(name)) <= 2 * numbers.unit


def test_products_and_sums_know_their_rounding(numbers):
    third = numbers.apply(OPERATIONS["div"], [numbers.one, numbers.exactly(3.0)])
    product = numbers.times(third, third)
    with mp.workprec(8000):
        assert contains(third, mp.mpf(1) / 3)
        assert contains(product, mp.mpf(1) / 9)
        assert contains(numbers.total([third, third, product]), mp.mpf(7) / 9)
        assert contains(numbers.total([third, (-third[0], third[1])]), mp.mpf(0))
    assert numbers.total([third]) == third
    assert numbers.times(numbers.one, third) == third
    assert numbers.times(numbers.zero, third)[0] == 0
    assert numbers.lost(product) < 100 * numbers.unit
    assert numbers.lost((numbers.number(1e-9), numbers.number(1.0))) == 1.0
    assert numbers.lost(numbers.one) == numbers.lost(numbers.undefined) == 0


def test_what_the_bounds_leave_open_is_not_decided(numbers):
    near = numbers.number(1.0) + 4 * numbers.unit, 8 * numbers.unit
    assert numbers.decide(numbers.exactly(2.0), near) == 1
    assert numbers.decide(near, numbers.exactly(2.0)) == -1
    assert numbers.decide(numbers.one, numbers.exactly(1.0)) == 0
    assert numbers.decide(near, near) == 0
    if numbers.last:
        assert numbers.decide(near, numbers.one) == 0
    else:
        with pytest.raises(Undecided):
            numbers.decide(near, numbers.one)


def test_whole_numbers_and_signs(numbers):
    operands = [numbers.exactly(-3.0), numbers.exactly(2.5), numbers.zero]
    assert [numbers.sign(operands, k) for k in range(3)] == [-1, 1, 0]
    assert [numbers.whole(operands, k) for k in range(3)] == [True, False, True]
    assert operands == [(-3, 0), (2.5, 0), (0, 0)]


@pytest.mark.parametrize(
    ("name", "point"),
    [("log", [0.0]), ("log", [-1.0]), ("sqrt", [-1e-300]), ("div", [1.0, 0.0]), ("acosh", [0.5]),
     ("pow", [-2.0, 0.5]), ("pow", [0.0, -1.0]), ("lgamma", [-2.0]), ("clamp", [1.0, 3.0, 2.0])],
)  # fmt: skip
def test_domains_end_where_they_end(numbers, name, point):
    with pytest.raises(DomainError) as refused:
        numbers.apply(OPERATIONS[name], list(map(numbers.exactly, point)))
    assert refused.value.message and refused.value.hint
    local = numbers.local(OPERATIONS[name], list(map(numbers.exactly, point)), numbers.one, 0)
    assert local[0] != local[0]


POINTS = {
    "pow": [0.7, 1.3], "acosh": [1.75], "polygamma": [2.0, 0.7], "_sinc": [2.0, 0.7], "_erfcx": [2.0, 0.7], "clamp": [0.3, -1.0, 2.0],
    "leaky_relu": [-0.4, 0.25], "atan2": [0.3, -0.8],
}  # fmt: skip
"""Ordinary points of some rows; of others the first of 0.3, 0.7 and 1.1."""


@pytest.mark.parametrize("row", [r for r in OPERATIONS.values() if r.name != "if"], ids=lambda r: r.name)  # fmt: skip
def test_every_row_has_its_value_and_local_gradients(numbers, row):
    point = POINTS.get(row.name, [0.3, 0.7, 1.1][: 3 if row.variadic else len(row.operands)])
    operands = list(map(numbers.exactly, point))
    out = numbers.apply(row, operands)
    balls = [out, *(numbers.local(row, operands, out, k) for k in range(len(point)))]
    exact = list(map(mp.mpf, point))
    bits = int(-mp.log(numbers.unit, 2)) + 60
    truths = [oracle.value(row.name, exact, bits)]
    truths += [oracle.slope(row.name, k, exact, bits) for k in range(len(point))]
    for ball, truth in zip(balls, truths, strict=True):
        if truth is not None and mp.isfinite(truth):
            error = mp.ldexp(abs(truth), 10 - bits)
            assert contains((ball[0], ball[1] + error), truth)
            assert numbers.lost(ball) < 2000 * numbers.unit
    assert numbers.kink(row, operands, out) == ""


def test_kinks_ties_and_cuts(numbers):
    zero, one, minus = numbers.zero, numbers.one, numbers.exactly(-1.0)
    assert numbers.kink(OPERATIONS["abs"], [zero], zero) == "kink"
    assert numbers.kink(OPERATIONS["atan2"], [zero, minus], numbers.constant("pi")) == "cut"
    assert numbers.selected(OPERATIONS["max"], [zero, one, one]) == [1, 2]
    assert numbers.selected(OPERATIONS["min"], [zero, one, one]) == [0]
    shares = [numbers.local(OPERATIONS["max"], [zero, one, one], one, k) for k in range(3)]
    assert shares == [(0, 0), (0.5, 0), (0.5, 0)]


@pytest.mark.parametrize(
    ("text", "value"),
    [("1/x", math.inf), ("-1/x", -math.inf), ("x/x", math.nan), ("if(x == 0, y, 1/x)", 2.0),
     ("log(x - 1)", math.nan), ("1/x*x", math.nan), ("y^3", 8.0)],
)  # fmt: skip
def test_texts_have_poles_and_gaps(numbers, text, value):
    named = {"x": 0.0, "y": 2.0}
    balls = {name: numbers.exactly(x) for name, x in named.items()}
    result, error = numbers.bounded(compiled(text), balls)
    plain = numbers.plain(compiled(text), {name: ball[0] for name, ball in balls.items()})
    for number in (result, plain):
        assert number == value or (number != number and value != value)
    assert error == 0


def test_what_has_no_bounds_is_never_too_large(numbers):
    largest, smallest = numbers.number(1e300), numbers.number(1e-300)
    square = largest * largest
    assert numbers.overflows(square) == numbers.underflows(smallest) == (numbers is binary64)
    operands = [numbers.exactly(1e300), numbers.exactly(3e300)]
    if numbers is binary64:
        with pytest.raises(Undecided, match="overflow"):
            numbers.apply(OPERATIONS["mul"], operands)
        with pytest.raises(Undecided, match="underflow"):
            numbers.times((1e-300, 0.0), (3e-300, 0.0))
    else:
        assert numbers.lost(numbers.apply(OPERATIONS["mul"], operands)) < 100 * numbers.unit


def test_what_is_ordinary_is_known_at_once_only_where_a_system_says_so(numbers):
    from backprop_grammar.numbers.ball import Balls

    operands = Balls([0.5, math.exp(0.5)], [0.0, 2.0**-53])
    found = numbers.ordinary_local(OPERATIONS["exp"], 0, operands, (0,), 1)
    assert found == ((math.exp(0.5), 2.0**-53) if numbers is binary64 else None)
