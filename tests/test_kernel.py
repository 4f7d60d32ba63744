"""Many points at once: the evaluator of `map`, held against `eval` row by row."""

import math
import random
import threading

import numpy as np
import pytest

from backprop_grammar.batch.bounded import DOUBLES, FLOATS
from backprop_grammar.batch.evaluator import Evaluator, Rows, Table
from backprop_grammar.numbers.binary64 import TOLERANCE
from tests.benchmarks.shapes import GROWING
from tests.support import (
    FUNCTIONS,
    KINKS,
    BackpropError,
    Program,
    as_float,
    number,
    often,
    parsed,
    point,
    traced,
)
from tests.test_cases import BOUNDARY

SLOW = (
    "lgamma",
    "digamma",
    "polygamma",
    "gamma",
    "beta",
)  # a row at a time over mpmath; once is enough
NEURON = "1/(1+exp(-(w0*x0+w1*x1+w2)))"
NAMES = ("w0", "x0", "w1", "x1", "w2")


def close(found: float, truth: float | None) -> bool:
    """Two right answers: each is within the certificate of 5.7e-14."""
    if truth is None:
        return math.isnan(found)
    return found == truth or abs(found - truth) <= max(1.2e-13 * abs(truth), 1e-322)


def agree(text: str, columns: dict[str, np.ndarray], at: dict[str, float]) -> Rows:
    """Assert that every row is what eval says, number by number and status by status."""
    whole = Program(text)
    rows = Evaluator(whole.record, list(columns), at)(columns)
    kinks = 0
    for i in range(len(rows.value)):
        point = at | {name: column[i] for name, column in columns.items()}
        try:
            trace = traced(whole, point, wrt=list(columns), nodes=False)
        except BackpropError as error:
            assert i in rows.status, (text, point, error.message, rows.value[i])
            assert math.isnan(rows.value[i])
            continue
        assert bool(trace.flags) == (i in rows.status), (text, point, rows.status.get(i))
        assert close(rows.value[i], as_float(trace.value)), (text, point)
        for name in columns:
            truth = as_float(trace.gradients[name])
            assert close(rows.gradients[name][i], truth), (text, point, name)
        kinks += not trace.flags and any(note.kind in KINKS for note in trace.notes)
    if not rows.status:
        assert rows.kinks == kinks, text
    return rows


def column(source: random.Random, rows: int) -> np.ndarray:
    """Ordinary, whole, badly scaled, positive, large, or absurd."""
    draw = source.choice([
        lambda: source.gauss(0, 1), lambda: source.choice([-2.0, -1.0, 0.0, 0.5, 1.0, 2.0, 3.0]),
        lambda: source.choice([1, -1]) * 10 ** source.uniform(-8, 8),
        lambda: abs(source.gauss(0, 1)), lambda: source.uniform(-50, 50),
        lambda: source.choice([1, -1]) * 10 ** source.uniform(-300, 300),
    ])  # fmt: skip
    return np.array([draw() for _ in range(rows)])


def grown(source: random.Random, depth: int) -> str:
    """A formula of every kind of operation."""

    def inner() -> str:
        return grown(source, depth - 1)

    if depth == 0 or source.random() < 0.12:
        return source.choice(
            ["x", "y", "z", "x", "y", "z", "0.5", "1", "2", "-1", "0.1", "10", "pi"]
        )
    kind = source.choice(["infix"] * 5 + ["power", "neg", "if"] + ["call"] * 4)
    if kind == "infix":
        return f"({inner()}{source.choice('+-*/')}{inner()})"
    if kind == "power":
        return f"({inner()})^({source.choice(['2', '3', '0.5', '-1', '-2', '1.5', inner()])})"
    if kind == "neg":
        return f"(-{inner()})"
    if kind == "if":
        relation = source.choice(["<", "<=", ">", ">=", "==", "!="])
        return f"if({inner()} {relation} {inner()}, {inner()}, {inner()})"
    name = source.choice([name for name in FUNCTIONS if name not in SLOW])
    least, most = FUNCTIONS[name].arity
    count = source.randint(least, least + 2 if most is None else most)
    return f"{name}({', '.join(inner() for _ in range(count))})"


@pytest.mark.parametrize("seed", range(often(6, 12)))
def test_columns_agree_with_eval(seed):
    source = random.Random(seed)
    for _ in range(12):
        text = grown(source, source.randint(1, 4))
        if source.random() < 0.3:
            text = f"q = {grown(source, 2)}; {text} + q*{source.choice('xyz')}"
        columns = {name: column(source, 12) for name in parsed(text).variables if name != "q"}
        at = {}
        if len(columns) > 1 and source.random() < 0.2:
            at = {"x": float(columns.pop("x")[0])} if "x" in columns else {}
        agree(text, columns, at)


FINITE = [case for case in BOUNDARY if case["expect"].get("kind") != "binding"]
"""Cases at a point of finite numbers."""


@pytest.mark.parametrize("case", FINITE, ids=lambda case: case["id"])
def test_boundary_cases(case):
    at = {name: number(text) for name, text in point(case["at"]).items()}
    agree(case["expr"], {name: np.array([x, x]) for name, x in at.items()}, {})


@pytest.mark.parametrize("text", [
    "lgamma(x) + digamma(y)", "polygamma(1, x)", "gelu(x)*erf(y)", "max(x, y, x)", "mean(x, y, 2)",
    "relu(x)*relu(y)", "logsumexp(x, y)", "clamp(x, -1, y)", "square(u) = u*u; square(x - y)",
])  # fmt: skip
def test_whole_numbers_and_ties(text):
    grid = np.array([-2.0, -1.0, 0.0, 0.5, 1.0, 3.0])
    x, y = (side.ravel() for side in np.meshgrid(grid, grid))
    columns = {name: side for name, side in (("x", x), ("y", y)) if name in parsed(text).variables}
    agree(text, columns, {})


@pytest.mark.parametrize("text", ["max(x, y)", "if(x < y, x, y)", "relu(x)*if(x >= -1e308, 1, 2)", "clamp(0, y, x)"])  # fmt: skip
def test_numbers_too_far_apart_for_a_difference(text):
    columns = {"x": np.array([1e308, 1.0, 1.7e308]), "y": np.array([-1e308, 0.5, -1.7e308])}
    agree(
        text,
        {name: column for name, column in columns.items() if name in parsed(text).variables},
        {},
    )


def test_many_rows_are_cut_into_chunks_and_hold_the_suspects_of_each():
    source = np.random.default_rng(7)
    columns = {name: source.normal(size=50_000) for name in NAMES}
    columns["w2"][::9_999] = 900.0  # exp(-900): too small for binary64 to keep
    evaluator = Evaluator(parsed(NEURON), NAMES, {})
    rows = evaluator(columns)
    assert rows.status == {}
    for i in (0, 1, 9_999, 16_383, 16_384, 19_998, 49_999):
        trace = traced(NEURON, {name: float(columns[name][i]) for name in NAMES})
        assert close(rows.value[i], as_float(trace.value))
        for name in NAMES:
            assert close(rows.gradients[name][i], as_float(trace.gradients[name])), (i, name)


def test_the_fast_way_is_taken_and_finds_the_same(monkeypatch):
    """An ordinary neuron needs no look at its rows, whose numbers are within the certificate."""
    source = np.random.default_rng(7)
    columns = {name: source.normal(size=20_000, scale=2) for name in NAMES}
    evaluator = Evaluator(parsed(NEURON), NAMES, {})
    looked = []
    monkeypatch.setattr(Evaluator, "look_at", lambda *given: looked.append(given))
    fast = evaluator(columns)
    assert looked == []
    monkeypatch.undo()
    careful = Evaluator(parsed(NEURON), NAMES, {})
    for kernels in (FLOATS, DOUBLES):
        slow = careful.look_at(np.arange(20_000), Table(columns, 20_000), kernels)
        assert slow.sure.mean() > (0.99 if kernels is FLOATS else 0.99999)
        for mine, other in zip((fast.value, *fast.gradients.values()), slow.results, strict=True):
            found, right = mine[slow.sure], other[0][slow.sure]
            np.testing.assert_allclose(found, right, rtol=TOLERANCE, atol=0)


def test_missing_and_infinite_numbers():
    x = np.array([1.0, math.nan, math.inf, -1.0, 0.0])
    rows = Evaluator(parsed("log(x)*y"), ["x"], {"y": 2.0})({"x": x})
    assert rows.status == {
        1: "x is missing", 2: "x is not finite", 3: "log of a negative number", 4: "log of zero",
    }  # fmt: skip
    assert rows.value[0] == 0.0
    assert rows.gradients["x"][0] == 2.0
    assert np.isnan(rows.value[1:]).all()


@pytest.mark.parametrize("text", ["x*y", "x", "exp(x)", "max(x, y)", "if(y > 0, x, y)", "x*y + 1"])
def test_missing_numbers_are_seen_whatever_is_computed(text):
    y = np.array([1.0, -1.0, 2.0])
    for wrong, why in (
        (math.nan, "x is missing"),
        (math.inf, "x is not finite"),
        (-math.inf, "x is not finite"),
    ):
        for at in range(3):
            x = np.array([0.5, 2.0, 3.0])
            x[at] = wrong
            graph = parsed(text)
            columns = {
                name: column for name, column in (("x", x), ("y", y)) if name in graph.variables
            }
            rows = Evaluator(graph, list(columns), {})(columns)
            assert rows.status == {at: why}
            assert np.isnan(rows.value).tolist() == [k == at for k in range(3)]


def test_labels_and_errors():
    graph = parsed("q = w*x; f = q^2")
    assert Evaluator(graph, ["x"], {"w": 2.0}).labels == ("x",)
    rows = Evaluator(graph, ["x"], {"w": 2.0}, wrt=["w", "q"])({"x": np.array([3.0])})
    assert {name: column.tolist() for name, column in rows.gradients.items()} == {
        "w": [36.0],
        "q": [12.0],
    }
    with pytest.raises(BackpropError, match="no value for w"):
        Evaluator(graph, ["x"], {})
    with pytest.raises(BackpropError, match="has no variable xx"):
        Evaluator(graph, ["xx"], {"w": 1.0})


@pytest.mark.parametrize("text", ["sin(x)", "cos(x)*y", "tan(x)", "sinc(x)", "y/sin(x + y)"])
def test_waves_of_huge_operands(text):
    """Near multiples of pi/2, NumPy's functions are off by as much as the standard library's."""
    x = np.array(
        [
            5.319372648326541e255,
            1.599e74,
            6381956970095103 * 2.0**797,
            1.735e211,
            2.419e23,
            1.0,
            1e300,
        ]
    )
    columns = {"x": x, "y": np.linspace(1, 2, len(x))}
    agree(
        text,
        {name: column for name, column in columns.items() if name in parsed(text).variables},
        {},
    )


@pytest.mark.parametrize("text", [
    "floor(x)*y", "ceil(x + y)", "round(x)*y", "mod(x, y)", "mod(x, 0.5)*y", "if(y > 1, mod(x, y - 1), x)",
    "relu6(x) + hardtanh(y)", "elu(x)*y", "elu(x, y)", "selu(x)*y", "xlogy(x, y)", "xlog1py(x, y)", "xlogy(0*x, y)",
    "logit(x)", "log1mexp(x)*y", "erfinv(x)", "sinc(x)*y", "lognormcdf(x) + normcdf(y)", "erfcx(x)", "mish(x)*y",
    "beta(x, y)", "gamma(x)",
])  # fmt: skip
def test_edges_and_jumps_of_rows(text):
    grid = np.array([-2.0, -1.0, 0.0, 0.25, 0.5, 1.0, 2.5, 3.0, 6.0])
    x, y = (side.ravel() for side in np.meshgrid(grid, np.array([-0.5, 0.0, 1.0, 3.0])))
    columns = {name: side for name, side in (("x", x), ("y", y)) if name in parsed(text).variables}
    agree(text, columns, {})


def test_what_a_row_requires_is_asked_where_its_function_would_answer():
    """A half derivative of digamma does not exist, though a function may round its order."""
    columns = {"n": np.array([0.5, -1.0, 1.0]), "x": np.array([1.5, 2.0, 2.0])}
    rows = agree("polygamma(n, x)", columns, {})
    assert rows.status[0] == rows.status[1] == "the order of polygamma must be 0, 1, 2, ..."
    agree("if(x > 1.75, x, polygamma(n, x))", columns, {})


def test_ranges_that_floats_cannot_hold_are_unknown():
    x = np.array([1e308, -1e308, 5e-324, 1e-320, 3.0])
    agree("sum(x, y, z)/mean(x, y, z)", {"x": x, "y": x[::-1].copy(), "z": x * 0.5}, {})


def test_threads_do_not_change_each_others_numbers():
    """Mpmath has one precision for all of them."""
    text = "(1 - cos(x))/x^2 + lgamma(y)"
    source = random.Random(5)
    columns = {
        "x": np.array([10 ** source.uniform(-12, -6) for _ in range(25)]),
        "y": np.array([source.uniform(0.1, 5) for _ in range(25)]),
    }
    alone = Evaluator(parsed(text), ["x", "y"], {})(columns)
    found: list[Rows] = []

    def work() -> None:
        found.append(Evaluator(parsed(text), ["x", "y"], {})(columns))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    for rows in found:
        assert rows.value.tolist() == alone.value.tolist()
        for name, column in rows.gradients.items():
            assert column.tolist() == alone.gradients[name].tolist()


@pytest.mark.parametrize("shape", ["deep", "nested if", "max layers", "wide"])
def test_columns_of_deep_programs_agree_with_eval(shape):
    """No line waits for all those below it, and no round is taken for each of them."""
    program = Program(GROWING[shape].text(often(200, 600)))
    name = "w0" if shape == "wide" else "x"
    table = program.map({name: np.array([0.5, 0.25])})
    point = program.at({name: 0.25}, nodes=False)
    assert table.value[1] == pytest.approx(point.value, rel=1e-12)
    assert table.gradients[name][1] == pytest.approx(point.gradients[name], rel=1e-12)
