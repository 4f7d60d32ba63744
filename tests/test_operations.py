"""Every operation of the table, against mpmath.

The tests walk the table, so a new row is tested on arrival. What a row says of itself (operands,
domain) is where its points come from; what it can't say stands in ``LANDMARKS``, ``ORDINARY`` and
``SPECIAL``, with the reason.
"""

import contextlib
import itertools
import math
import random
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from mpmath import mp

from backprop_grammar.batch.ufuncs import over_columns
from backprop_grammar.language.nearest import fraction
from backprop_grammar.language.parser import parse
from backprop_grammar.language.precedence import Text, write
from backprop_grammar.numbers.ball import Ball, DomainError, Undecided, compare
from backprop_grammar.numbers.binary64 import binary64
from backprop_grammar.numbers.multiprecision import multiprecision
from backprop_grammar.operations import special
from backprop_grammar.operations.table import ROWS
from backprop_grammar.trace.evaluate import evaluate
from tests import oracle
from tests.support import (
    OPERATIONS,
    BackpropError,
    Graph,
    Number,
    Operation,
    Trace,
    Wide,
    as_float,
    often,
    traced,
)

each_operation = pytest.mark.parametrize("row", OPERATIONS.values(), ids=OPERATIONS)

Point = tuple[float, ...]

# Points

LARGEST = 1.7976931348623157e308
SMALLEST = 5e-324
ENDS = [0.0] + [s * x for x in (SMALLEST, 1e-308, 1.0, 2.5, 1e17, 1e308) for s in (1, -1)]
EXTREMES = [SMALLEST, 1e-323, 2.0**-1022, 2.0**-1022 - SMALLEST, 2.0**52 + 0.5, 2.0**53, LARGEST]

LANDMARKS = [
    0.0, 0.5, 1.0, 2.0, math.pi / 2, math.pi,
    5.9, 26.6, 36.7,  # where erf is 1, erfc underflows, 1 + exp(-x) is 1
    709.78, 710.47, 745.13,  # where exp and cosh overflow, where exp underflows
]  # fmt: skip

SPECIAL = {  # zeros and stationary points of values and slopes, which no row tells
    "silu": [-1.2784645427610738, -2.3993572805154396],
    "gelu": [-0.7517915246935645, -1.4142135623730951],
    "lgamma": [1.4616321449683623, -2.457024738220800, -2.747682646727412, -3.143580888349980],
    "digamma": [1.4616321449683623, -0.5040830082644554, -1.5734984731623904],
    "polygamma": [-0.5, -1.5, -20.5],
    "mish": [-1.1924312145154876],
    "gamma": [1.4616321449683623, -0.5040830082644554, -1.5734984731623904],
    "sinc": [1.4302966531242027, 2.4590240332678594],
    "_sinc": [0.6626, 1.4302966531242027],
    "beta": [1.0],
}

ORDINARY = {
    ("polygamma", "n"): [0.0, 1.0, 2.0, 7.0, 40.0, -1.0, 0.5],
    ("_sinc", "n"): [0.0, 1.0, 2.0, 5.0],
    ("_erfcx", "n"): [0.0, 1.0, 2.0, 5.0],
}
"""Operands of which only some numbers make sense."""


def draw(rng: random.Random, row: Operation, operand: str) -> float:
    """A float: of any magnitude, ordinary, whole, extreme, or near a landmark."""
    if (row.name, operand) in ORDINARY:
        return rng.choice(ORDINARY[row.name, operand])
    kind, sign = rng.random(), rng.choice([1, -1])
    if kind < 0.15:
        return sign * math.ldexp(rng.uniform(0.5, 1), rng.randint(-1073, 1024))
    if kind < 0.3:
        return sign * math.ldexp(rng.uniform(0.5, 1), rng.randint(-40, 40))
    if kind < 0.45:
        return rng.uniform(-7, 7)
    if kind < 0.55:
        return rng.randint(-40, 40) / rng.choice([1, 1, 2])
    if kind < 0.6:
        return sign * rng.choice(EXTREMES)
    limits = [b.limit for b in row.domain if b.operand == operand and b.limit in (-1, 1)]
    near = rng.choice([*SPECIAL.get(row.name, []) * 4, *limits * 8, *LANDMARKS, *map(float.__neg__, LANDMARKS)])  # fmt: skip
    if kind < 0.7:
        return near + rng.randint(-4, 4) * math.ulp(near)
    return near + (abs(near) or 1) * rng.uniform(-1, 1) * 2.0 ** -rng.randint(1, 54)


def related(rng: random.Random, x: float) -> float:
    """A second operand that ties with the first, almost ties, cancels or inverts it."""
    others = [x, -x, x * (1 + 2.0 ** -rng.randint(1, 52)), x + rng.randint(-2, 2) * math.ulp(x)]
    return rng.choice([*others, 1 / x if abs(x) > 1e-300 else 1.0])


def zero_sums(rng: random.Random, _row: Operation) -> Iterator[Point]:
    """Operands whose exponentials add up to almost 1."""
    for _ in range(40):
        n = rng.randint(1, 5)
        yield tuple(
            -math.log(n) + rng.uniform(-1, 1) * 10.0 ** -rng.randint(1, 20) for _ in range(n)
        )


def large_exponents(rng: random.Random, _row: Operation) -> Iterator[Point]:
    """Bases near 1 to large powers, and all signs with whole and half powers."""
    for _ in range(40):
        k = rng.randint(10, 52)
        yield rng.choice([1, -1]) * (1 + rng.uniform(-1, 1) * 2.0**-k), rng.choice([1, -1]) * 2.0**k
    yield from itertools.product(
        [-2.5, -1.0, 0.0, 1.0, 10.0], [-3.0, -0.5, 0.0, 0.5, 1.0, 2.0, 15.0]
    )


EXTRA: dict[str, Callable[[random.Random, Operation], Iterator[Point]]] = {
    "logsumexp": zero_sums,
    "pow": large_exponents,
}


def operands_of(row: Operation, count: int) -> tuple[str, ...]:
    return row.operands[:-1] * count if row.variadic else row.operands


def inside(row: Operation, point: Point) -> bool:
    """Whether a point meets the row's bounds."""
    at = dict(zip(row.operands, point, strict=False))
    return all(
        compare((at[b.operand] > limit) - (at[b.operand] < limit), b.relation)
        for b in row.domain
        for limit in [at[b.limit] if isinstance(b.limit, str) else b.limit]
    )


def points(row: Operation, count: int, seed: str = "") -> list[Point]:
    """The ends of the range in all combinations, or many of them, and so many drawn points.

    Some of the ends are looked at every day, fewer of a row that takes long.

    A tenth of the points beyond the bounds is kept.
    """
    rng = random.Random(row.name + seed)
    arity = len(row.operands)
    ends = [ORDINARY.get((row.name, name), ENDS) for name in operands_of(row, arity)]
    found = list(itertools.product(*ends))
    found = found if len(found) < 200 else rng.sample(found, 100)
    found = rng.sample(found, min(len(found), often(25 if row.slow else 60, 200)))
    found += EXTRA.get(row.name, lambda *_: iter(()))(rng, row)
    drawn: list[Point] = []
    while len(drawn) < count:
        names = operands_of(row, rng.randint(row.arity[0], 5))
        point = [draw(rng, row, name) for name in names]
        for i in range(1, len(point)):
            if rng.random() < 0.3 and (row.name, names[i]) not in ORDINARY:
                point[i] = related(rng, point[i - 1])
        if all(map(math.isfinite, point)) and (inside(row, tuple(point)) or rng.random() < 0.1):
            drawn.append(tuple(point))
    return found + drawn


def kinked(row: Operation, point: Point) -> bool:
    """Whether a point is at a kink by the row's texts."""
    leaves = leaves_of(row, 0, tuple(map(mp.mpf, point)))
    return any(interpreted(parse(text, internal=True), leaves) == 0 for text in row.kinks)


def ordinary(row: Operation, count: int) -> list[Point]:
    """Drawn points without extremes, inside the domain and off the kinks."""

    def fits(point: Point) -> bool:
        return (
            all(1e-4 < abs(x) < 12 or x in (1, 2) for x in point)
            and len(set(point)) == len(point)
            and oracle.value(row.name, point) is not None
            and not (row.kinks and kinked(row, point))
            and not (row.name == "sinc" and point[0].is_integer())  # where sin(pi*x) cancels
        )

    drawn = points(row, 20 * count, "ordinary")[-20 * count :]
    return list(itertools.islice(filter(fits, drawn), count))


# Programs


def program(row: Operation, count: int) -> Graph:
    """The operation applied to so many variables."""
    if row.name == "identity":
        return parse("y = v0; y")
    names = [f"v{k}" for k in range(count)]
    return parse(write(row, [Text(name) for name in names], "<").text, internal=True)


def at(point: Point) -> dict[str, float]:
    return {f"v{k}": x for k, x in enumerate(point)}


OVERFLOW = mp.ldexp(1, 1024) - mp.ldexp(1, 970)
"""From here on a number rounds to infinity."""


def ulps(number: float, true: object) -> float:
    """The error of a float in units in the last place; 5e-324 where those are subnormal."""
    unit = mp.ldexp(1, max(mp.mag(true) - 53, -1074)) if true else mp.mpf(SMALLEST)
    return float(abs(mp.mpf(number) - true) / unit)


def wrong(number: Number, true: object) -> str:
    """What is wrong with a number of a trace, or an empty text."""
    near = as_float(number)
    if near is not None:
        off = ulps(near, true) if mp.isfinite(true) else mp.inf
        return f"{near!r} for {mp.nstr(true, 20)}, off by {off} ulp" if off > 4 else ""
    assert isinstance(number, Wide)
    expected = "undefined" if mp.isnan(true) else "infinite" if true > 0 else "-infinite"
    if not number.exists or not mp.isfinite(true):
        return "" if number.text == expected else f"{number.text} for {true}"
    right = abs(true) >= OVERFLOW or abs(true) < SMALLEST
    if plain(true):  # else the text is as long as it is slow to read
        right = right and abs(mp.mpf(number.text) - true) <= 1e-15 * abs(true)
    return "" if right else f"{number.text} for {true}"


def complaints(row: Operation, trace: Trace, point: Point) -> Iterator[str]:
    """What is wrong in the trace of one operation."""
    true = oracle.value(row.name, point)
    if true is None:
        yield f"value {trace.value}, which does not exist"
        return
    yield wrong(trace.value, true)
    node = trace.by_index[trace.output]
    locals_ = {trace.name(edge.operand): edge for edge in node.edges}
    flagged = {flag.path: (flag.status, flag.sign) for flag in trace.flags}
    for k in range(len(point)):
        slope, name = oracle.slope(row.name, k, point), f"v{k}"
        rules = trace.by_name[name].gradient
        yield wrong(0.0 if rules is None else rules, slope)
        if name in locals_:
            yield wrong(locals_[name].local, slope)
            if not locals_[name].routed and slope != 0:
                yield f"nothing sent to {name}, whose slope is {slope}"
        sign = "" if mp.isnan(slope) else "+" if slope > 0 else "-"
        status = "undefined" if mp.isnan(slope) else "infinite" if mp.isinf(slope) else "overflow"
        expected = (status, sign) if mp.isnan(slope) or abs(slope) >= OVERFLOW else None
        decided = name in [trace.name(source) for source in trace.decided]
        if not decided and flagged.get(f"gradients.{name}") != expected:
            yield f"flag of {name}: {flagged.get(f'gradients.{name}')}, not {expected}"


def refusal_is_right(error: BackpropError, row: Operation, point: Point) -> bool:
    true = oracle.value(row.name, point)
    if error.kind == "domain":
        return true is None
    return error.kind == "overflow" and true is not None and abs(true) >= OVERFLOW


@each_operation
def test_value_and_gradients_are_right_or_refused(row):
    graphs: dict[int, Graph] = {}
    for point in points(row, often(10 if row.slow else 30, 200)):
        graph = graphs.setdefault(len(point), program(row, len(point)))
        try:
            trace = evaluate(graph, at(point))
        except BackpropError as error:
            assert refusal_is_right(error, row, point), (point, error.message)
        else:
            assert [text for text in complaints(row, trace, point) if text] == [], point


# Texts


def interpreted(graph: Graph, leaves: dict[str, object]) -> object:
    """The value of a text of the table over mpmath, by the oracle's functions."""
    values: list[object] = []
    for node, operation in enumerate(graph.operations):
        if node in graph.constants:
            constant = graph.constants[node]
            if isinstance(constant, str):
                values.append(getattr(mp, constant) + 0)
            else:
                quotient = fraction(constant)
                values.append(mp.mpf(quotient.numerator) / quotient.denominator)
        elif operation.leaf:
            values.append(leaves[graph.names[node]])
        elif operation.name == "if":
            left, right, *sides = [values[k] for k in graph.operands[node]]
            test = graph.conditions[graph.condition_of[node]]
            values.append(sides[not compare((left > right) - (left < right), test.comparison)])
        else:
            operands = [values[k] for k in graph.operands[node]]
            missing = any(x is None for x in operands)
            function = oracle.FUNCTIONS[operation.name][0]
            values.append(None if missing else oracle.real(function, operands))
    return values[graph.output]


def leaves_of(row: Operation, k: int, operands: tuple[object, ...]) -> dict[str, object]:
    out = oracle.real(oracle.FUNCTIONS[row.name][0], operands)
    if not row.variadic:
        return dict(zip(row.operands, operands, strict=True)) | {"out": out}
    ties = mp.mpf(sum(x == out for x in operands))
    return {"x": operands[k], "out": out, "n": mp.mpf(len(operands)), "ties": ties}


def same(text: str, row: Operation, k: int, point: Point, true: object) -> bool:
    """Whether a text of a row has that value at a point, to more digits than any float has."""
    graph = parse(text, internal=True)
    found = oracle.settled(lambda *xs: interpreted(graph, leaves_of(row, k, xs)), point)
    if found is None:
        return not mp.isfinite(true)
    return bool(abs(found - true) <= mp.mpf(2) ** -75 * abs(true))


@each_operation
def test_displayed_and_computed_rules_are_the_derivative(row):
    if row.name == "if":
        pytest.skip("its rules show the selected branch")
    for point in ordinary(row, 15):
        for k in range(len(point)):
            true = oracle.slope(row.name, k, point)
            for rules in filter(None, (row.rules, row.careful)):
                text = rules[0] if row.variadic else rules[k]
                assert same(text, row, k, point, true), (text, point)


@each_operation
def test_computed_value_and_formula_are_the_value(row):
    texts = [text for text in (row.computed, row.formula) if text and "..." not in text]
    for point in ordinary(row, 15) if texts else []:
        for text in texts:
            assert same(text, row, 0, point, oracle.value(row.name, point)), (text, point)


@each_operation
def test_oracle_differentiates_itself(row):
    for point in ordinary(row, 4):
        for k in range(len(point)):
            slope = oracle.slope(row.name, k, point)
            if mp.isnan(slope) or row.name == "if":
                continue
            with mp.workprec(400):
                fixed = [mp.mpf(x) for x in point]

                def along(x, k=k, fixed=fixed):
                    return oracle.FUNCTIONS[row.name][0](*fixed[:k], x, *fixed[k + 1 :])

                assert abs(mp.diff(along, fixed[k]) - slope) <= 1e-20 * (1 + abs(slope)), point


# Kinks


WHERE = (-2.0, -1.0, 0.0, 0.5, 1.0, 3.0, 6.0)
"""Numbers among which every kink and every branch cut of the table is met."""


@each_operation
def test_kinks_are_where_the_slope_jumps_and_are_noted(row):
    graph = program(row, len(row.operands))
    for text in (*row.kinks, *filter(None, [row.cut])):
        expected = "kink" if text in row.kinks else "branch cut"
        kink = parse(text, internal=True)
        found = [
            point for point in itertools.product(WHERE, repeat=len(row.operands))
            if oracle.value(row.name, point) is not None
            and interpreted(kink, leaves_of(row, 0, tuple(map(mp.mpf, point)))) == 0
        ]  # fmt: skip
        assert found, text
        for point in found:
            notes = {note.kind for note in evaluate(graph, at(point)).notes}
            assert expected in notes, (text, point)
            assert bends(row, point), (text, point)


def bends(row: Operation, point: Point) -> bool:
    """Whether the value bends, jumps or ends at a point, along any one operand."""
    h, function = mp.mpf(2) ** -40, oracle.FUNCTIONS[row.name][0]
    for k in range(len(point)):
        below, here, above = (
            oracle.real(function, [mp.mpf(x) + step * (i == k) for i, x in enumerate(point)])
            for step in (-h, 0, h)
        )
        if below is None or above is None or abs(above - below) > 1:
            return True
        if abs(above - 2 * here + below) > h / 8:
            return True
    return False


@each_operation
def test_no_kink_is_noted_elsewhere(row):
    for point in ordinary(row, 10):
        notes = {note.kind for note in evaluate(program(row, len(point)), at(point)).notes}
        assert not notes & {"kink", "tie", "branch cut"}, point


# Error bounds


ARITHMETICS = {53: binary64, 192: multiprecision(192, False), 640: multiprecision(640, False)}
"""By their bits."""


@each_operation
@pytest.mark.parametrize(("bits", "count"), [(53, 50), (192, 25), (640, 8)])
def test_error_bounds_hold(row, bits, count):
    if row.name in ("if", "_nearest", "_remainder"):
        pytest.skip("a branch is handed on as it is; what is left open has no bound")
    arithmetic = ARITHMETICS[bits]
    rng = random.Random(f"{row.name} {bits}")
    checked, count = 0, often(count // 3 + 1, count) if row.slow else count
    for point in points(row, count, f"bounds {bits}")[-count:]:
        balls, true = [], []
        for name, x in zip(operands_of(row, len(point)), point, strict=True):
            with arithmetic.context():
                ball, inside = operand(rng, bits, x, (row.name, name) in ORDINARY)
            balls.append(ball)
            true.append(inside)
        checked += bounds_hold(row, bits, balls, true)
    assert checked > count / 4


def operand(rng: random.Random, bits: int, x: float, exact: bool) -> tuple[Ball, object]:
    """A ball near x, often without error or with an error at its side; and a number inside."""
    value, error = ARITHMETICS[bits].number(x), ARITHMETICS[bits].number(0.0)
    if not exact:
        if bits > 53 and rng.random() < 0.7:
            value += value * rng.getrandbits(100) / (1 << 150)
        loose = LOOSE[bits > 53]
        error = rng.choice([0, 1]) * abs(value) * 2.0 ** -rng.randint(loose, max(bits - 2, loose))
    with mp.workprec(2 * bits + 200):
        return (value, error), mp.mpf(value) + error * rng.choice([-1, 1, rng.uniform(-1, 1)])


LOOSE = 44, 66
"""A number is believed where its relative error is below 2^-44; over mpmath, 2^-66."""


def plain(truth: object) -> bool:
    """Whether a number is finite, and of a size for which the oracle gives all digits."""
    return bool(mp.isfinite(truth) and (truth == 0 or abs(mp.mag(truth)) < 1e6))


def bounds_hold(row: Operation, bits: int, balls: list[Ball], true: list) -> bool:
    """Whether there are balls for the value and the slopes; they must contain the true ones."""
    arithmetic = ARITHMETICS[bits]
    try:
        with arithmetic.context():
            out = arithmetic.apply(row, list(balls))
            slopes = [arithmetic.local(row, list(balls), out, k) for k in range(len(balls))]
    except (Undecided, DomainError):
        return False
    digits = bits + 40
    truths = [oracle.value(row.name, true, digits)]
    truths += [oracle.slope(row.name, k, true, digits) for k in range(len(balls))]
    for ball, truth in zip([out, *slopes], truths, strict=True):
        believed = arithmetic.lost(ball) <= 2.0 ** -LOOSE[bits > 53] and mp.isfinite(ball[0])
        if believed and truth is not None and plain(truth):
            assert contains(ball, truth, digits), (balls, true, ball, truth)
    return True


def contains(ball: Ball, truth: object, digits: int = 2000) -> bool:
    """Whether a ball contains a number that is known to so many bits."""
    with mp.workprec(3000):
        error = mp.mpf(ball[1]) * (1 + 1e-9) + mp.ldexp(abs(truth), -digits)
        return bool(abs(mp.mpf(ball[0]) - truth) <= error)


@pytest.mark.parametrize("name", ["sum", "mean"])
@pytest.mark.parametrize("bits", ARITHMETICS)
def test_a_sum_keeps_what_is_far_below_what_cancels(name, bits):
    arithmetic, point = ARITHMETICS[bits], [1e-218, 2.9e217, -2.9e217]
    true = oracle.value(name, point)
    with arithmetic.context():
        balls = [operand(random.Random(), bits, x, exact=True)[0] for x in point]
        assert contains(arithmetic.apply(OPERATIONS[name], list(balls)), true, 80)
        assert contains(arithmetic.total(balls), oracle.value("sum", point), 80)


@pytest.mark.parametrize("x", [math.pi * 1e6, math.pi * 1e9, 710.0])
def test_a_stationary_point_within_reach_is_seen(x):
    near = x, x * 2.0**-44
    for side in (-1, 1):
        with mp.workprec(200):
            true = mp.cos(mp.mpf(x) + side * mp.mpf(near[1]))
        assert contains(binary64.apply(OPERATIONS["cos"], [near]), true, 100)


@pytest.mark.parametrize("text", ["sin(exp(x))", "exp(exp(x))", "1/sin(exp(x))"])
def test_what_no_precision_tells_is_refused(text):
    with pytest.raises(BackpropError, match="digits to be certain"):
        traced(text, {"x": 13800.0})


@pytest.mark.parametrize("name", ["exp", "sinh", "_gauss", "logsumexp", "digamma", "polygamma"])
def test_wide_numbers_of_any_size_are_met_or_refused(name):
    """No operand may take minutes, as whole ones of 2,000 bits do to mpmath's exp."""
    row, arithmetic = OPERATIONS[name], ARITHMETICS[640]
    with arithmetic.context():
        for size in (50, 2050, 19_990, 10**9, -50, -19_990, -(10**9)):
            x = mp.mpf(3) * mp.mpf(2) ** size
            for last in (x, x + mp.mpf(1) / 3, -x - mp.mpf(1) / 3):
                balls = [(mp.one, mp.zero)] * (len(row.operands) - 1) + [(last, mp.zero)]
                with contextlib.suppress(Undecided, DomainError):
                    assert mp.isfinite(arithmetic.apply(row, balls)[0])


HUGE = (
    5.319372648326541e255, 1.599e74, 1.2092384e23, 6.123e65, 5.828e282, 8.676e210,
    *(math.ldexp(6381956970095103, exponent) for exponent in (797, 798)),
)  # fmt: skip
"""Some are as near to a multiple of pi/2 as floats of their size come."""


def near_quarters(exponent: int) -> list[float]:
    """The floats of one binade that are nearest to multiples of pi/2, by its continued fraction."""
    with mp.workprec(1300):
        rest, before, here = mp.ldexp(1, exponent) / (mp.pi / 2), 0, 1
        found: list[float] = []
        while here < 2**53:
            if here > 2**40:
                found.append(math.ldexp((2**53 - 1) // here * here, exponent))
            rest = 1 / (rest - mp.floor(rest))
            before, here = here, int(mp.floor(rest)) * here + before
        return found


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_waves_keep_their_digits_near_the_multiples_of_a_quarter(name):
    """Libraries are off by up to 140,000 ulps there."""
    graph = parse(f"{name}(x)")
    for x in [*HUGE, *(x for e in range(-30, 970, often(60, 7)) for x in near_quarters(e))]:
        value, error = binary64.apply(OPERATIONS[name], [(x, 0.0)])
        assert contains((value, error), oracle.value(name, (x,)), 80), x
        trace = evaluate(graph, {"x": x})
        assert not wrong(trace.value, oracle.value(name, (x,))), x
        assert not wrong(trace.gradients["x"], oracle.slope(name, 0, (x,))), x


HOSTILE = [
    ("gamma", (171.6,)), ("gamma", (-170.5,)), ("gamma", (1e-300,)), ("gamma", (-1e-15,)), ("gamma", (-2.0000000001,)),
    ("beta", (1e300, 1e-300)), ("beta", (1e10, 0.5)), ("beta", (1e-300, 1e-300)), ("beta", (1e5, 1.0)),
    ("erfinv", (1 - 2.0**-53,)), ("erfinv", (-1 + 2.0**-53,)), ("erfinv", (5e-324,)), ("erfinv", (0.5,)),
    ("erfcx", (1e300,)), ("erfcx", (26.5,)), ("erfcx", (-26.6,)), ("erfcx", (1e6,)), ("erfcx", (999_999.0,)),
    ("normcdf", (-38.4,)), ("normcdf", (-1e10,)), ("normcdf", (1e10,)), ("lognormcdf", (-1e10,)),
    ("lognormcdf", (-1e150,)), ("lognormcdf", (38.0,)), ("lognormcdf", (8.5,)), ("lognormcdf", (-1e-300,)),
    ("logit", (0.5,)), ("logit", (0.5 + 2.0**-53,)), ("logit", (1 - 2.0**-53,)), ("logit", (5e-324,)),
    ("log1mexp", (1e-300,)), ("log1mexp", (math.log(2),)), ("log1mexp", (745.0,)), ("log1mexp", (1e4,)),
    ("xlogy", (0.0, 0.0)), ("xlogy", (0.0, 2.0)), ("xlogy", (3.0, 1 + 2.0**-52)), ("xlogy", (5e-324, 1e300)),
    ("xlog1py", (0.0, -1.0)), ("xlog1py", (1e300, 1e-300)), ("xlog1py", (0.0, 5.0)),
    ("sinc", (0.0,)), ("sinc", (5e-324,)), ("sinc", (3.0,)), ("sinc", (3 + 2.0**-51,)), ("sinc", (1e300,)), ("sinc", (1e15 + 0.5,)),
    ("mish", (-745.0,)), ("mish", (-1e10,)), ("mish", (1e300,)), ("elu", (-1e-300, 1.0)), ("elu", (-800.0, 2.0)), ("elu", (0.0, 1.0)),
    ("softsign", (1e300,)), ("softsign", (-5e-324,)),
    ("floor", (-5e-324,)), ("ceil", (5e-324,)), ("round", (0.49999999999999994,)), ("round", (-1.5 + 2.0**-52,)), ("floor", (2.0**52 + 0.5,)),
    ("mod", (-1e-300, 3.0)), ("mod", (1e308, 0.3)), ("mod", (5.3, -0.1)), ("mod", (1e17, 3.5)), ("mod", (-7.5, 2.0)),
    ("polygamma", (2000.0, 1e3)), ("polygamma", (1999.0, 750.0)), ("polygamma", (300.0, 120.0)),
]  # fmt: skip
"""Where careless formulas overflow, cancel or have no value: tails, edges and neighbours of jumps."""


@pytest.mark.parametrize(("name", "point"), HOSTILE)
def test_hostile_points(name, point):
    row = OPERATIONS[name]
    trace = evaluate(program(row, len(point)), at(point))
    assert [text for text in complaints(row, trace, point) if text] == []


JUMPS = [
    ("floor(x)", {"x": 3.0}, 3.0), ("ceil(x)", {"x": -2.0}, -2.0), ("round(x)", {"x": 2.5}, 2.0),
    ("round(x)", {"x": 3.5}, 4.0), ("round(x)", {"x": -0.5}, 0.0), ("mod(x, y)", {"x": 2.25, "y": 0.75}, 0.0),
    ("mod(x, y)", {"x": -4.0, "y": 2.0}, 0.0),
]  # fmt: skip


@pytest.mark.parametrize(("text", "point", "value"), JUMPS)
def test_there_is_no_slope_at_a_jump(text, point, value):
    trace = traced(text, point)
    assert trace.value == value
    assert {flag.status for flag in trace.flags} == {"undefined"}


@pytest.mark.parametrize(
    ("text", "at", "value"),
    [
        ("floor(x - y)", {"x": 1 + 2.0**-40, "y": 2.0**-40}, 1.0),
        ("floor(exp(x) - x)", {"x": 1e-30}, 1.0),
        ("ceil(1 - exp(-x))", {"x": 1e-30}, 1.0),
        ("floor(exp(-x) - 1)", {"x": 1e-30}, -1.0),
        ("round(exp(x) + 0.5)", {"x": 1e-30}, 2.0),
        ("round(exp(-x) + 0.5)", {"x": 1e-30}, 1.0),
        ("mod(exp(x), 1)*1e30", {"x": 1e-30}, 1.0),
        ("mod(exp(-x), 1)", {"x": 1e-30}, 1.0),
    ],
)
def test_a_jump_close_by_is_decided(text, at, value):
    """Where floats stand on the jump, wider numbers tell the side."""
    assert traced(text, at).value == value


@pytest.mark.parametrize(
    ("text", "at", "value"),
    [
        ("mod(x, exp(y))", {"x": 3.0, "y": 1e5}, 3.0),
        ("mod(-x, exp(y))*exp(-y)", {"x": 3.0, "y": 1e5}, 1.0),
        ("mod(erfc(x), y)/erfc(x)", {"x": 1e5, "y": 2.0}, 1.0),
        ("mod(exp(-exp(x)), 3*exp(-exp(x)))*exp(exp(x))", {"x": 20.0}, 1.0),
        ("lgamma(exp(-x))", {"x": 16000.0}, 16000.0),
        ("gamma(-exp(-exp(x)))*exp(-exp(x))", {"x": 25.0}, -1.0),
        ("digamma(exp(-x))*exp(-x)", {"x": 16000.0}, -1.0),
        ("polygamma(3, -exp(-x))*exp(-4*x)", {"x": 16000.0}, 6.0),
        ("lgamma(x) + log(x)", {"x": 2.0**-200}, -0.5772156649015329 * 2.0**-200),
    ],
)  # fmt: skip
def test_inner_numbers_may_be_tiny_or_huge(text, at, value):
    """Where floats have neither, wider numbers do; the work does not grow with their exponents."""
    assert traced(text, at).value == value


@each_operation
def test_functions_over_columns_are_within_their_ulps(row):
    """Where they give a number: nan and what is too small to tell are asked one by one."""
    function, drawn = over_columns(row), [p for p in points(row, 80, "columns") if inside(row, p)]
    alike = [p for p in drawn if len(p) == len(row.operands)]
    with np.errstate(all="ignore"):
        found = function.call(*map(np.array, zip(*alike, strict=True))) if alike else []
    for point, value in zip(alike, found, strict=True):
        huge = row.period and function.ufunc and abs(point[0]) > special.REDUCED
        if huge and not special.COARSE <= abs(value) <= 1 / special.COARSE:
            continue
        true = oracle.value(row.name, point)
        if true is not None and 1e-280 < abs(value) < math.inf:
            room = function.ulps * 2.0**-52 * row.scale(point, float(value))
            assert abs(mp.mpf(float(value)) - true) <= room, point


# Rows


@each_operation
def test_row_is_complete(row):
    assert row.doc and "\n" not in row.doc and not row.doc.endswith(".")
    assert len(row.rules) == (1 if row.variadic else len(row.operands))
    assert len(row.careful) in (0, len(row.rules))
    assert row.value or row.computed or row.name in ("if", "max", "min")
    assert row.name in oracle.FUNCTIONS
    least, most = row.arity
    assert most is None or 1 <= least <= most == len(row.operands)
    assert all(bound.operand in row.operands for bound in row.domain)
    assert not row.requires or row.requirement
    texts = [*row.rules, *row.careful, *row.kinks, row.computed, row.cut]
    allowed = {*row.operands, "out", *(["n", "ties"] if row.variadic else [])}
    for text in filter(None, texts):
        assert set(parse(text, internal=True).variables) <= allowed, text


def test_names_are_unique():
    assert len(OPERATIONS) == len(ROWS)
    assert set(oracle.FUNCTIONS) == set(OPERATIONS)
