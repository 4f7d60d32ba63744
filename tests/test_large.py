"""The large engine: against the tape of numbers, against exact sums, against 50 digits."""

import itertools
import os
import random
from fractions import Fraction

import numpy as np
import pytest
from mpmath import mp

import backprop_grammar as bp
from backprop_grammar.arrays.lower import by_default, shapes_at
from backprop_grammar.batch import double_double as dd
from backprop_grammar.blocks.names import Names
from backprop_grammar.checks.array_accuracy import evaluated
from backprop_grammar.errors import BackpropError
from backprop_grammar.language.graph import Array, as_array
from backprop_grammar.language.nearest import fraction, literal
from backprop_grammar.language.parser import parse
from backprop_grammar.large.computed import computed
from backprop_grammar.large.doubles import Doubles, doubtful
from backprop_grammar.large.plain import PLAIN
from backprop_grammar.large.products import product
from backprop_grammar.large.walk import backward, forward, reaching, value
from backprop_grammar.numbers.wide import as_float
from backprop_grammar.operations.structural import SELECTIONS, array_rows
from backprop_grammar.operations.table import FUNCTIONS
from tests import arrays as loops
from tests.screens import ROOT
from tests.test_array_rows import PROGRAMS as OF_ROWS
from tests.test_arrays import PROGRAMS

LONG = bool(os.environ.get("LONG"))
ALL = PROGRAMS | OF_ROWS
TOLERANCE = 2.0**-43  # of both engines together


def point(values):
    """A point of decimals, from nested lists or NumPy's arrays."""
    found = {}
    for name, given in values.items():
        array = np.asarray(given, dtype=float)
        numbers = tuple(literal(repr(float(x))) for x in array.ravel())
        found[name] = Array(array.shape, numbers).value
    return found


def by_arrays(program, at, upstream=None):
    """What the large engine finds."""
    names = Names(by_default(parse(program)))
    graph = names.graph
    found, needed = shapes_at(graph, at, [graph.output])
    if upstream is None:
        upstream = 1.0
    elif upstream == "ones":
        upstream = Array(
            found.of[graph.output], (1.0,) * np.prod(found.of[graph.output], dtype=int)
        )
    sources = [node for node in graph.variables.values() if node not in found.whole]
    return computed(names, found, at, needed, {graph.output: upstream}, sources)


def numbers(tensor):
    """The floats of a tensor, nan where there is none."""
    floats = [None if x is None else as_float(x) for x in tensor.numbers]
    return np.array([np.nan if x is None else x for x in floats]).reshape(tensor.shape)


def agree(what, x, tensor, sure=True, scale=0.0):
    """Whether a triple is a tensor of the small engine, and certain wherever that has a number.

    scale: of what may have cancelled.
    """
    assert np.shape(x[0]) == tensor.shape, what
    right, unsure = numbers(tensor), doubtful(x)
    known = np.isfinite(right) & ~unsure
    off = np.abs(x[0] - right)
    assert np.all(off[known] <= TOLERANCE * np.abs(right[known])), (what, x, right)
    if sure:  # but of what has no digits left in a pair of floats, beside what cancels
        size = np.abs(np.nan_to_num(right))
        open_ = unsure & np.isfinite(right) & (size > np.max(size, initial=scale) * 1e-15)
        assert not np.any(open_ & (size > 1e-150)), (what, x, right)


def compare(trace, found, sure=True):
    """Every number of a trace with what the large engine finds."""
    kernel, values = found.kernel, found.values
    for node in trace.nodes:
        if node.index not in values:
            assert not any(node.value.numbers), node.name
            continue
        agree(node.name, values[node.index], node.value, sure)
        if node.gradient is not None and (
            found.gradients.get(node.index) or any(node.gradient.numbers)
        ):
            agree(f"gradient of {node.name}", found.gradients[node.index], node.gradient, sure)
        for edge in node.edges:
            key, what = (node.index, edge.place), f"{node.name} to {edge.place}"
            agree(what, found.sent[key], edge.contribution, sure)
            if edge.unsummed is not None:
                agree(what, found.unsummed.get(key, found.sent[key]), edge.unsummed, sure)
            if edge.local is not None:
                own = found.local.get(key)
                if node.index in trace.names.blocks:
                    own = found.block_local(*key)
                agree(what, kernel.stretched(own, edge.local.shape), edge.local, sure)


def both(program, values, upstream=None, sure=True):
    """The trace of the small engine, held against the large one."""
    options = {} if upstream is None else {"upstream": upstream}
    trace = bp.Program(program).at(values, **options).record
    shapes, needed = shapes_at(trace.tape, trace.at, [trace.output])
    sources = [node for node in trace.tape.variables.values() if node not in shapes.whole]
    found = computed(trace.names, shapes, trace.at, needed, {trace.output: trace.upstream}, sources)
    compare(trace, found, sure)
    return trace, found


@pytest.mark.parametrize("name", ALL)
def test_the_tape_of_numbers_says_the_same(name):
    """Values, gradients, contributions and local gradients, at every node."""
    program, values, up, _ = ALL[name]
    trace, found = both(program, values, up)
    kinds = {"kink": "kink", "jump": "kink"}
    told = {
        (note.kind, note.node) for note in trace.notes if note.kind in ("kink", "tie", "boundary")
    }
    met = {(kinds.get(one.kind, one.kind), trace.name(one.node)) for one in found.met}
    assert told == met


# rows


def large(graph, at, upstream):
    """What the large engine finds, by all but what selects."""
    found, needed = shapes_at(graph, at, [graph.output])
    sources = [node for node in graph.variables.values() if node not in found.whole]
    return computed(Names(graph), found, at, needed, {graph.output: upstream}, sources)


@pytest.mark.parametrize("row", [*array_rows(), *SELECTIONS.values()], ids=lambda row: row.name)
def test_every_row_of_the_array_table(row):
    """At random shapes and points: ordinary numbers, ties and zeros, saturated ones, any magnitude."""
    draw = random.Random(row.name)
    for turn in range(100 if LONG else 4):
        case, gradients = evaluated(row, draw, turn)
        found = large(case.program, case.at, case.up)
        for name, tensor in gradients.items():
            x = found.gradients.get(case.program.variables[name])
            if x is None:
                assert not any(tensor.numbers)
            else:
                agree(
                    (name, case.at, case.up),
                    x,
                    tensor,
                    True,
                    max(map(abs, as_array(case.up).numbers)),
                )


UNDER = {"log": 0, "log2": 0, "log10": 0, "lgamma": 0, "digamma": 0, "gamma": 0, "log1mexp": 0, "sqrt": 0,
    "beta": 0, "acosh": 1, "log1p": -1}  # fmt: skip
WITHIN = {"asin", "acos", "atanh", "erfinv"}


def numbers_for(row, name, draw, shape):
    """An operand in the domain of a row, with whole numbers and 0 where these are in it."""
    count = int(np.prod(shape))
    if row.name == "polygamma" and name == "n":
        return [float(draw.randint(0, 3)) for _ in range(count)]
    if row.name == "clamp":
        return [{"x": 0, "lo": -1, "hi": 1}[name] * draw.random() + (name == "x") * draw.choice([-3, -1, 0, 0.5, 4]) for _ in range(count)]  # fmt: skip
    if row.name in WITHIN:
        return [draw.uniform(-0.99, 0.99) for _ in range(count)]
    if row.name == "logit":
        return [draw.uniform(0.01, 0.99) for _ in range(count)]
    if row.name in UNDER or (row.name, name) in {("pow", "x"), ("xlogy", "y"), ("xlog1py", "y")}:
        return [UNDER.get(row.name, 0) + draw.choice([1.0, 10 ** draw.uniform(-4, 2)]) for _ in range(count)]  # fmt: skip
    return [draw.choice([draw.gauss(0, 2), draw.choice([0.0, 0.5, -1.0]), draw.uniform(-30, 30)]) for _ in range(count)]  # fmt: skip


@pytest.mark.parametrize("row", [row for row in FUNCTIONS.values() if not row.variadic], ids=lambda row: row.name)  # fmt: skip
def test_every_row_of_the_table_of_numbers(row):
    """Element by element, a vector beside a matrix."""
    draw = random.Random(row.name)
    text = f"{row.name}({', '.join(row.operands)})"
    for _ in range(100 if LONG and not row.slow else 1):
        shapes = [(2, 3), (3,), (2, 1)]
        values = {
            name: np.reshape(numbers_for(row, name, draw, shape), shape).tolist()
            for name, shape in zip(row.operands, shapes, strict=False)
        }
        both(text, values, "ones")


REDUCED = ("sum(x, axis=0)", "mean(x)", "mean(x, axis=1)", "max(x, axis=0)", "min(x)", "logsumexp(x, axis=1)",
    "logsumexp(x)", "max(x, 0)", "min(x, x*0, 1)", "norm(x)", "x^2*3^x", "x*x - x/(1 + x^2) + -x")  # fmt: skip


@pytest.mark.parametrize("text", REDUCED)
def test_reductions_and_operators(text):
    for values in ([[0, 1, 1], [0.5, -2, 0]], [[0.1, 0.1, 0.1], [3, 1, 2]], [[0, 0, 0], [0, 0, 0]]):
        both(text, {"x": values}, "ones")


BRANCHES = (
    ("sum(if(x > 0, log(x), 1/(x - 1)))", {"x": [2, -1, 0.5]}),
    ("sum(if(x > 0, if(x > 1, x^2, a*x), exp(x)*a))", {"x": [[2, -1], [0.5, 0]], "a": 3}),
    ("if(a > 0, sum(x^2), sum(exp(x)))", {"x": [1, 2], "a": -1}),
    ("q = x - 1; sum(if(q < y, q*y, 2))", {"x": [[1, 2, 3]], "y": [[0], [1]]}),
    ("f(u, a) = if(u > 0, u*u, a); sum(f(x, a))", {"x": [1, -2, 3], "a": 0.1}),
)


@pytest.mark.parametrize(("program", "values"), BRANCHES)
def test_branches_element_by_element(program, values):
    both(program, values)


# what is decided


def test_what_is_equal_as_a_formula_is_known_to_be():
    """Of decimals, which no double-double is, ties and kinks are certain all the same."""
    for program, values in (
        ("sum(relu(x*3 - y))", {"x": [0.1, 0.2], "y": [0.3, 0.5]}),
        ("max(x)", {"x": [0.1, 0.3, 0.3]}),
        ("sum(maxpool(x, 2))", {"x": [0.1, 0.1, 0.7]}),
        ("sum(if(x + y == 0.3, x, y^2))", {"x": [0.1, 0.2], "y": [0.2, 0.2]}),
        ("sum(abs(exp(log(x)) - x) + y)", {"x": [0.7, 0.3], "y": [1, 2]}),
        ("sum(softmax(x - x))", {"x": [0.7, 0.3]}),
        ("sum(leaky_relu(x*3 - y))", {"x": [0.1, 0.2], "y": [0.3, 0.5]}),
        ("sum(round(x + y) + max(x, y))", {"x": [0.2, 0.3], "y": [0.2, 0.4]}),
        (
            "sum(clamp(x + y, 0.3, z) + clamp(x + y, 0, z))",
            {"x": [0.1, 0.2], "y": [0.2, 0.2], "z": 0.4},
        ),
    ):
        _, found = both(program, values)
        assert found.met or "softmax" in program, program


def test_a_jump_at_decimals_has_no_slope():
    found = by_arrays("sum(floor((x + y)*10))", point({"x": [0.1, 0.2], "y": [0.2, 0.26]}))
    ((kind, _, here),) = found.met
    assert np.all(found.values[found.names.graph.output][0] == 7)
    x = found.gradients[found.names.graph.variables["x"]]
    assert (kind, here.tolist(), np.isnan(x[0]).tolist()) == ("jump", [True, False], [True, False])


def test_zeros_that_are_none_are_not_called_so():
    """What is tiny, and no 0 as a formula, is left open."""
    found = by_arrays("x + 1e-40 - x", point({"x": [0.1, 0.2]}), "ones")
    x = found.values[found.names.graph.output]
    assert np.all(doubtful(x))
    assert not np.any(x[2] == 0)


def test_infinite_and_missing_gradients_are_known():
    found = by_arrays("sum(sqrt(x) + floor(y))", point({"x": [0, 4], "y": [2, 1.5]}))
    variables = found.names.graph.variables
    x, y = (found.gradients[variables[name]] for name in "xy")
    assert x[0].tolist() == [np.inf, 0.25]
    assert np.isnan(y[0][0])
    assert y[0][1] == 0
    assert not np.any(y[2])
    assert not np.any(doubtful(x)[1:])


ERRORS = (
    ("sum(log(x))", {"x": [[1, -1], [0, 2]]}),
    ("sum(log(x - 1))", {"x": [1, 0, 2]}),
    ("q = x - 1; sum(1/q)", {"x": [1, 0, 2]}),
    ("sum(y/(x @ w))", {"x": [[1, -1], [0, 2]], "w": [1, 1], "y": [1, 2]}),
    ("sum(x^y)", {"x": [-2, 3, -1], "y": 0.5}),
    ("f(u) = log(u); sum(f(x))", {"x": [1, -1, 2, -3]}),
    ("sum(clamp(x, 3, 1))", {"x": [1, 2]}),
    ("sum(gamma(x))", {"x": [1, -2, 0.1]}),
    ("sum(if(x > 0, log(x), 1/(x + 1)))", {"x": [1, -1, 2]}),
)


@pytest.mark.parametrize(("program", "values"), ERRORS)
def test_what_has_no_value_is_refused_as_it_is_by_numbers(program, values):
    with pytest.raises(BackpropError) as one:
        bp.Program(program).at(values)
    with pytest.raises(BackpropError) as other:
        by_arrays(program, point(values))
    assert (one.value.kind, one.value.message, one.value.label, one.value.hint, one.value.span) == (
        other.value.kind, other.value.message, other.value.label, other.value.hint, other.value.span,
    )  # fmt: skip


def test_more_than_is_computed_is_refused_before_the_work():
    at = {"A": Array((1000, 1000), (1.0,) * 10**6)}
    with pytest.raises(
        BackpropError, match="1,000,000,000 products of numbers, more than 100,000,000"
    ):
        by_arrays("sum(A @ A)", at)


# bounds


def exactly(x):
    """The triples of an array as exact numbers with their bounds."""
    parts = [np.broadcast_to(part, np.shape(x[0])).ravel().tolist() for part in x]
    return [(Fraction(a) + Fraction(b), Fraction(c)) for a, b, c in zip(*parts, strict=True)]


def decimals(draw, shape, wide):
    """An array of decimals, many of which cancel."""
    count = int(np.prod(shape))
    powers = [draw.uniform(-wide, wide) for _ in range(count)]
    numbers = [literal(repr(draw.choice((-1, 1)) * round(10**power, 6) or 0.1)) for power in powers]
    return Array(shape, tuple(numbers))


@pytest.mark.parametrize("shapes", [((3, 40), (40, 4)), ((1, 500), (500, 1)), ((40, 2), (2, 50)), ((2, 3), (3, 300))])  # fmt: skip
def test_bounds_of_products_hold(shapes):
    """Against exact sums of decimals that cancel."""
    draw, kernel = random.Random(str(shapes)), Doubles()
    for wide in (0.3, 6, 3) if not LONG else np.linspace(0, 6, 100):
        a, b = (decimals(draw, shape, float(wide)) for shape in shapes)
        b = Array(b.shape, (*b.numbers[:-1], b.numbers[-1]))
        found = exactly(product(kernel.given(a), kernel.given(b)))
        (m, n), (_, k) = shapes
        x, y = ([fraction(one) for one in each.numbers] for each in (a, b))
        for (i, j), (number, bound) in zip(
            itertools.product(range(m), range(k)), found, strict=True
        ):
            truth = sum(x[i * n + t] * y[t * k + j] for t in range(n))
            assert abs(number - truth) <= bound * Fraction(dd.SLACK)
            size = sum(abs(x[i * n + t] * y[t * k + j]) for t in range(n))
            assert bound <= max(2.0**-88 * size, 2.0**-72 * abs(number))


def test_bounds_of_sums_hold_and_whole_numbers_are_exact():
    draw, kernel = random.Random(3), Doubles()
    for count in (1, 2, 3, 7, 1000):
        x = decimals(draw, (count, 2), 5)
        for j, (number, bound) in enumerate(exactly(kernel.total(kernel.given(x), 0))):
            truth = sum(fraction(one) for one in x.numbers[j::2])
            assert abs(number - truth) <= bound * Fraction(dd.SLACK)
    whole = kernel.given(np.arange(-6.0, 6).reshape(3, 4))
    for found in (kernel.total(whole, 1), kernel.product(whole, kernel.moved(np.transpose, whole))):
        assert all(bound == 0 for _, bound in exactly(found))
    deep = kernel.given(np.array([[2.0**40, 1.0]]))
    ((number, bound),) = exactly(kernel.product(deep, kernel.moved(np.transpose, deep)))
    assert (number, bound) == (2**80 + 1, 0)


def test_products_near_the_smallest_float_are_bounded():
    kernel = Doubles()
    tiny = kernel.given(np.array([[3.0e-170, 1.0]]))
    column = kernel.given(np.array([[7.0e-160], [0.0]]))
    ((number, bound),) = exactly(kernel.product(tiny, column))
    truth = Fraction(3.0e-170) * Fraction(7.0e-160)
    assert 0 < abs(number - truth) <= bound


MEASURED = (
    "exp",
    "log",
    "tanh",
    "sigmoid",
    "softplus",
    "sqrt",
    "gelu",
    "erf",
    "sin",
    "x^-0.5",
    "x^2.5",
    "silu",
)


@pytest.mark.parametrize("name", MEASURED)
def test_bounds_of_functions_hold(name):
    """Of operands with errors, against 60 digits."""
    kernel, draw = Doubles(), np.random.default_rng(5)
    row = FUNCTIONS.get(name)
    count = 30_000 if LONG and name not in ("gelu", "erf") else 200
    high = draw.standard_normal(count) * 3
    if name in ("log", "sqrt") or row is None:
        high = np.abs(high)
    low = high * draw.uniform(-1, 1, count) * 2.0**-54
    error = np.abs(high) * 2.0 ** -draw.uniform(60, 100, count)
    with np.errstate(all="ignore"):
        text = parse(f"{name}(x)" if row else name)
        found = kernel.text(text, {"x": (high, low, error)})
    functions = {
        "sigmoid": lambda x: 1 / (1 + mp.exp(-x)), "softplus": lambda x: mp.log1p(mp.exp(x)),
        "gelu": lambda x: x * mp.ncdf(x), "silu": lambda x: x / (1 + mp.exp(-x)),
        "x^-0.5": lambda x: x ** mp.mpf(-0.5), "x^2.5": lambda x: x ** mp.mpf(2.5),
    }  # fmt: skip
    function = functions.get(name) or getattr(mp, name)
    with mp.workdps(60):
        for k, (number, bound) in enumerate(exactly(found)):
            middle, reach = mp.mpf(high[k]) + mp.mpf(low[k]), mp.mpf(error[k])
            for x in (middle, middle + reach, middle - reach):
                off = abs(mp.mpf(number.numerator) / number.denominator - function(x))
                assert off <= mp.mpf(bound.numerator) / bound.denominator * dd.SLACK
            assert bound <= 2.0**-50 * abs(number) + 64 * reach * (1 + middle**4)


# a network


def makemore(batch, letters, wide, hidden, seed=1):
    draw = np.random.default_rng(seed)

    def normal(*shape):
        return np.round(draw.standard_normal(shape), 6)

    values = {
        "C": normal(letters, wide), "W1": normal(3 * wide, hidden), "b1": normal(hidden),
        "W2": normal(hidden, letters), "b2": normal(letters), "bngain": 1 + normal(hidden) / 8, "bnbias": normal(hidden),
    }  # fmt: skip
    labels = {name: draw.integers(0, letters, batch) for name in ("ix0", "ix1", "ix2", "y")}
    return values, labels


def loss(batch, letters, wide, hidden, C, W1, b1, W2, b2, bngain, bnbias, ix0, ix1, ix2, y):  # noqa: N803
    """The network in loops."""
    x = [[*C[i], *C[j], *C[k]] for i, j, k in zip(ix0, ix1, ix2, strict=True)]
    h = [[s + t for s, t in zip(row, b1, strict=True)] for row in loops.times(x, W1)]
    columns = []
    for column, gain, bias in zip(loops.columns(h), bngain, bnbias, strict=True):
        mean = sum(column) / batch
        variance = sum((t - mean) ** 2 for t in column) / (batch - 1)
        width = mp.sqrt(variance + mp.mpf("1e-5"))
        columns.append([mp.tanh(gain * (t - mean) / width + bias) for t in column])
    logits = [[s + t for s, t in zip(row, b2, strict=True)] for row in loops.times(loops.columns(columns), W2)]  # fmt: skip
    return loops.entropy(logits, y)


def test_a_network_with_a_batch():
    """Every number is certain, zeros are 0, and what cancels most is right to 50 digits."""
    sizes = (32, 27, 10, 64) if LONG else (12, 9, 4, 10)
    values, labels = makemore(*sizes)
    program = (ROOT / "samples/makemore.bp").read_text(encoding="utf-8")
    found = by_arrays(program, point(values | labels))
    names = found.names
    for table in (found.values, found.gradients):
        for node, x in table.items():
            assert not np.any(doubtful(x)), names.of[node]
    node = {name: k for k, name in names.of.items()}
    for name in ("b1", "logit_maxes"):
        assert not np.any(found.gradients[node[name]][0])
    with mp.workdps(50):
        texts = {name: loops.number(array.tolist()) for name, array in values.items()}
        given = texts | {name: array.tolist() for name, array in labels.items()}
        truth = loss(*sizes, **given)
        assert abs(found.values[node["loss"]][0] - truth) <= 2.0**-44 * truth
        step = mp.mpf(10) ** -17
        for name in ("C", "W1", "W2", "b2", "bngain", "bnbias"):
            x = found.gradients[node[name]]
            lost = np.broadcast_to(x[2], x[0].shape) / np.where(x[0] == 0, np.inf, np.abs(x[0]))
            worst = np.unravel_index(np.argmax(lost), x[0].shape)
            place = tuple(map(int, worst))
            moved = [
                loss(*sizes, **given | {name: loops.moved(texts[name], place, k * step)})
                for k in (-1, 1)
            ]
            slope = (moved[1] - moved[0]) / (2 * step)
            assert abs(x[0][place] - slope) <= 2.0**-44 * abs(slope), name


# plain floats


@pytest.mark.parametrize("name", ALL)
def test_plain_floats_walk_the_same_way(name):
    program, values, up, _ = ALL[name]
    graph = by_default(parse(program))
    at = point(values)
    found, needed = shapes_at(graph, at, [graph.output])
    given = {node: PLAIN.given(at[key]) for key, node in graph.variables.items()}
    given |= {node: np.reshape(made, found.of[node]) for node, made in found.made.items()}
    ahead = forward(graph, PLAIN, given, needed, found.of)
    shape = found.of[graph.output]
    seed = np.ones(shape) if up in (None, "ones") else np.reshape(up, shape)
    sources = [node for node in graph.variables.values() if node not in found.whole]
    back = backward(ahead, {graph.output: seed}, reaching(graph, sources))
    trace = bp.Program(program).at(values, **({} if up is None else {"upstream": up}))
    assert np.allclose(ahead.output, trace.value, rtol=1e-11, atol=1e-13)
    for key, slope in trace.gradients.items():
        mine = back.gradients.get(graph.variables[key], 0.0)
        assert np.allclose(mine, slope, rtol=1e-9, atol=1e-12), key


def test_what_an_edge_sends_may_be_replaced():
    """By another text, or by a function of what was sent."""
    graph = parse("q = X @ W + b; sum(q^2)")
    at = {"X": [[1.0, 2], [3, 5]], "W": [[0.5, -1], [2, 3]], "b": [0.25, 4]}
    given = {node: np.array(at[name], dtype=float) for name, node in graph.variables.items()}
    ahead = forward(graph, PLAIN, given)
    every = reaching(graph, graph.variables.values())
    matmul = next(k for k, row in enumerate(graph.operations) if row.name == "matmul")
    right = backward(ahead, {graph.output: np.float64(1)}, every)
    wrong = backward(
        ahead, {graph.output: np.float64(1)}, every,
        {(matmul, 1): parse("a @ up"), (matmul + 2, 1): lambda sent, before: before.mean(0)},
    )  # fmt: skip
    q, w, b = (graph.node(name) for name in ("q", "W", "b"))
    assert np.array_equal(wrong.gradients[w], given[graph.variables["X"]] @ right.gradients[q])
    assert np.array_equal(wrong.gradients[b], right.gradients[b] / 2)
    assert np.array_equal(wrong.gradients[q], right.gradients[q])
    assert float(value(graph, PLAIN, at)) == float(ahead.output)


def test_a_saturated_softmax_keeps_its_digits():
    """Gradients of what is nearly 1, which are sums of what is nearly 0: all of them are certain."""
    drawn = random.Random(5)
    x = [[drawn.randint(-300, 300) / 2 for _ in range(60)] for _ in range(60)]
    t = [[drawn.randint(-9, 9) for _ in range(60)] for _ in range(60)]
    trace = bp.Program("sum(softmax(x)*t)").at(x=x, t=t, wrt="x", nodes=False)
    assert not trace.flags
    with mp.workdps(200):
        for row in range(0, 60, 17):
            powers = [mp.exp(a) for a in x[row]]
            p = [a / mp.fsum(powers) for a in powers]
            mean = mp.fsum(a * b for a, b in zip(p, t[row], strict=True))
            for k in range(60):
                truth, found = p[k] * (t[row][k] - mean), trace.gradients["x"][row][k]
                assert abs(found - truth) <= abs(truth) * 2.0**-44 or abs(truth) < 1e-90


def test_the_absolute_value_of_what_is_0_as_a_formula():
    trace = bp.Program("y = x - 0.3*3; sum(abs(y))").at(x=[0.9] * 30_000, nodes=False)
    assert trace.value == 0
    assert not trace.flags
