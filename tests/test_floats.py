"""The flat passes over binary64 against the general ones, and against mpmath.

The general way is slow and knows every case, so wherever the kernels give an answer at all, it must
be that one: the same float, and a bound that is no smaller.
"""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp

from backprop_grammar.language.graph import Graph
from backprop_grammar.numbers.arithmetic import Arithmetic
from backprop_grammar.numbers.ball import DomainError, Undecided
from backprop_grammar.numbers.binary64 import Binary64, binary64
from backprop_grammar.numbers.float64 import Hard, kernel, local
from backprop_grammar.numbers.multiprecision import multiprecision
from backprop_grammar.operations.table import OPERATIONS
from backprop_grammar.passes import flat, general
from backprop_grammar.passes.doubt import Doubt, NeedsPrecision
from backprop_grammar.passes.local_gradients import local_gradients
from backprop_grammar.passes.run import Target, run_at, run_over
from backprop_grammar.trace.evaluate import evaluate
from tests.programs import programs
from tests.support import often

NEAR = 1 + 1e-12
"""Bounds are added up in other orders."""


def number(rng: random.Random) -> float:
    kind = rng.random()
    if kind < 0.6:
        return rng.uniform(-3, 3) if kind < 0.4 else rng.random()
    if kind < 0.8:
        return float(rng.randint(-5, 5))
    return rng.choice([-1, 1]) * 10 ** rng.uniform(-20, 20)


def ball(rng: random.Random) -> tuple[float, float]:
    x = number(rng)
    return x, rng.choice([0.0, abs(x) * 2 ** -rng.uniform(44, 53)])


ROWS = [row for row in OPERATIONS.values() if not row.variadic and row.name != "if"]
SLOW = ("lgamma", "digamma", "polygamma", "gamma", "beta", "clamp", "_sinc", "_erfcx")
"""What only the general arithmetic has."""


class General(Binary64):
    """Binary64 without its kernels."""

    apply = Arithmetic.apply
    ordinary_local = Arithmetic.ordinary_local


GENERAL = General()


def known(function, *numbers):
    """What a kernel gives; None where it leaves the answer to the general arithmetic."""
    try:
        return function(*numbers)
    except Hard:
        return None


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_an_ordinary_operation_is_the_general_one(row):
    rng = random.Random(row.name)
    met = {"value": 0, "slope": 0}
    for _ in range(80 if row.name in SLOW else 400):
        operands = [ball(rng) for _ in row.operands]
        given = (*operands[0], *operands[-1])
        found = known(kernel(row), *given)
        try:
            out = GENERAL.apply(row, operands)
            kink = GENERAL.kink(row, operands, out)
        except (Undecided, DomainError):
            assert found is None, operands
            continue
        if found is not None:
            met["value"] += 1
            assert found[0] == out[0], operands
            assert out[1] / NEAR <= found[1] <= out[1] * NEAR, operands
        for k in range(len(operands)):
            fast = known(local(row, k), *given, *out)
            if fast is None:
                continue
            met["slope"] += 1
            assert not kink, operands
            slow = GENERAL.local(row, operands, out, k)
            assert fast[0] == slow[0], operands
            assert slow[1] / NEAR <= fast[1] <= slow[1] * NEAR, operands
    assert (min(met.values()) > 40) == (row.name not in SLOW)


def generally(target: Target, at: dict[str, float]):
    """Values and gradients with their bounds, by the passes over any arithmetic."""
    graph, doubt = target.graph, Doubt()
    point = {node: (at[name], 0.0) for name, node in graph.variables.items()}
    values, branches = general.forward(graph, point, target.needed, GENERAL, doubt)
    local, *_ = local_gradients(graph, values, branches, GENERAL, doubt)

    def reached(node: int) -> bool:
        return target.wanted[node] and values[node] is not None

    return values, general.gradients(graph, target.output, (1.0, 0.0), reached, local, GENERAL)


def flatly(target: Target, at: dict[str, float], every: bool):
    """The same by the flat passes."""
    graph, doubt = target.graph, Doubt()
    values, branches = flat.forward(graph, at, target.needed, doubt)
    local, *_ = local_gradients(graph, values, branches, binary64, doubt)
    return values, flat.backward(
        graph, target.output, 1.0, target.wanted, values, local, doubt, every
    )


points = st.lists(st.floats(-4, 4).map(lambda x: round(x, 3) + 0.0), min_size=8, max_size=8)


@settings(max_examples=often(75, 150), deadline=None)
@given(programs(), points, st.booleans())
def test_the_bounds_hold(program, point, every):
    """Every value and gradient of the flat passes is as near to the truth as they say."""
    graph = program.graph()
    at = dict(zip(graph.variables, point, strict=False)) | graph.inputs
    target = Target(graph, (), "")
    arithmetic = multiprecision(2560, False)
    try:
        values, gradients = flatly(target, at, every)
        with arithmetic.context():
            truth = run_over(target, at, 1.0, arithmetic, Doubt(), True)
    except (NeedsPrecision, DomainError, Undecided):
        return
    with mp.workprec(2560):
        for node in range(len(graph)):
            for mine, right in ((values[node], truth.values[node]), (gradients[node], truth.gradients.get(node))):  # fmt: skip
                assert (mine is None) == (right is None)
                if mine is not None and abs(right[0]) < math.inf and right[1] < abs(mp.mpf(mine[1])) / 2:  # fmt: skip
                    assert abs(mine[0] - right[0]) <= mine[1] * NEAR + right[1]


@settings(max_examples=often(60, 100), deadline=None)
@given(programs(), points)
def test_the_flat_passes_are_the_general_ones(program, point):
    graph = program.graph()
    at = dict(zip(graph.variables, point, strict=False)) | graph.inputs
    target = Target(graph, (), "")
    try:
        values, gradients = flatly(target, at, True)
        expected, slopes = generally(target, at)
    except (NeedsPrecision, DomainError, Undecided):
        return
    for node in range(len(graph)):
        for mine, right in ((values[node], expected[node]), (gradients[node], slopes.get(node))):
            assert (mine is None) == (right is None)
            if mine is not None:  # chains of sums are compensated, so what follows them differs
                assert abs(mine[0] - right[0]) <= mine[1] + right[1]
    if not any(o.name in ("add", "sub") for o in graph.operations):
        for node in range(len(graph)):
            assert (values[node] or [0])[0] == (expected[node] or [0])[0]
            assert (gradients[node] or [0])[0] == (slopes.get(node) or [0])[0]


def chain(stages: int, start: float) -> Graph:
    graph = Graph()
    x, s = graph.variable("x"), graph.constant(start)
    for _ in range(stages):
        product = graph.add(OPERATIONS["mul"], (s, x))
        s = graph.add(OPERATIONS["add"], (product, graph.constant(1.0)))
    graph.stages.append(("", s))
    return graph


def test_what_is_not_shown_may_underflow():
    """The gradients of early stages are below 1e-308; that of x does not mind, and is certain."""
    graph = chain(1_100, 0.7)
    target = Target(graph, (), "")
    assert run_at(target, {"x": 0.5}, 1.0, None, False).bits == 53
    assert run_at(target, {"x": 0.5}, 1.0, None, True).bits > 53
    few, all_of_them = (evaluate(graph, {"x": 0.5}, nodes=nodes) for nodes in (False, True))
    assert few.nodes == ()
    assert (few.value, few.gradients) == (2.0, {"x": 4.0})
    assert (few.value, few.gradients) == (all_of_them.value, all_of_them.gradients)


def test_what_underflows_is_told_where_it_is_asked_for():
    graph = chain(1_100, 0.7)
    graph.inputs["s"] = 0.7
    del graph.constants[1]
    graph.variables["s"], graph.names[1] = 1, "s"
    trace = evaluate(graph, {"x": 0.5, "s": 0.7}, nodes=False)
    assert trace.gradients["s"].nearest == 0.0
    assert trace.gradients["s"].text.endswith("e-332")
    assert [note.kind for note in trace.notes] == ["underflow"]


def test_a_long_sum_is_right_to_the_last_digit():
    graph = Graph()
    total = x = graph.variable("x")
    for _ in range(20_000):
        total = graph.add(OPERATIONS["add"], (total, x))
    graph.stages.append(("", total))
    run = run_at(Target(graph, (), ""), {"x": 0.1}, 1.0, None, True)
    assert (run.values[total][0], run.gradients[0], run.bits) == (20_001 * 0.1, (20_001.0, 0.0), 53)  # fmt: skip


def test_memory_is_a_few_lists():
    import tracemalloc

    graph = chain(3_000, 0.7)
    run_at(Target(graph, (), ""), {"x": 0.5}, 1.0, None, False)
    tracemalloc.start()
    try:
        run_at(Target(graph, (), ""), {"x": 0.5}, 1.0, None, False)
        assert tracemalloc.get_traced_memory()[1] < 400 * len(graph)
    finally:
        tracemalloc.stop()
