"""The rows of the array table: what each means, and that its texts say what its numbers do."""

# ruff: noqa: N803  a matrix has a capital letter

import json
import re
from itertools import product
from typing import Any

import numpy as np
import pytest
from mpmath import mp

import backprop_grammar as bp
from backprop_grammar.arrays.evaluate import evaluate
from backprop_grammar.arrays.interpret import contribution
from backprop_grammar.arrays.point import array as array_of
from backprop_grammar.arrays.vjp import renamed
from backprop_grammar.checks.accuracy import verify
from backprop_grammar.errors import BackpropError
from backprop_grammar.language.parser import parse
from backprop_grammar.language.printer import program_text
from backprop_grammar.language.table_texts import compiled
from backprop_grammar.operations import structural
from backprop_grammar.operations.structural import SELECTIONS, STRUCTURAL, array_rows
from backprop_grammar.operations.table import OPERATIONS
from tests import arrays as loops
from tests.support import call, schema
from tests.test_arrays import PROGRAMS as OTHERS
from tests.test_arrays import close

A, X, K = (
    [[1.5, -2.0], [0.25, 3.0]],
    [[0.5, -1.2, 0.3, 2.0], [0.8, 0.1, -0.6, -0.7], [1.1, 0.9, -0.2, 0.4]],
    [[1.0, 0.5], [-2.0, 0.25]],
)

SHAPES = [(), (1,), (3,), (1, 1), (1, 3), (2, 1), (2, 3)]


def array(shape, first=1.0):
    numbers = first + 0.25 * np.arange(np.prod(shape, dtype=int))
    return numbers.reshape(shape) if shape else first


# stretching


@pytest.mark.parametrize(
    ("a", "b"),
    [(a, b) for a, b in product(SHAPES, SHAPES) if a or b],
    ids=lambda shape: "x".join(map(str, shape)) or "number",
)
def test_what_was_stretched_is_summed(a, b):
    """The field says along what: so summed, upstream times local is the contribution."""
    program = bp.Program("z = a*b; z")
    try:
        trace = program.at({"a": array(a), "b": array(b, 2.0)}, upstream="ones")
    except bp.BackpropError as error:
        assert error.kind == "shape"
        return
    node = trace.record.by_name["z"]
    for edge in node.edges:
        sent = np.array(node.gradient.floats) * np.array(edge.local.floats)
        axis = {"axis=0": 0, "axis=1": 1, "all": None}
        told = np.sum(sent, axis[edge.fit], keepdims=True) if edge.fit else sent
        assert np.allclose(told.ravel(), np.ravel(edge.contribution.floats))
        assert bool(edge.fit) == (len(edge.contribution.numbers) < len(node.value.numbers))
        schema("arrays").validate(json.loads(trace.json()))


# what the rows mean, against loops of their own


UP3 = [[1.0, -2.0, 0.5], [0.25, 3.0, -1.0], [2.0, 0.1, -0.4]]

PROGRAMS: dict[str, tuple[str, dict[str, Any], Any, Any]] = {
    # the program, its point, what arrives at the output, and the loops
    "outer": ("outer(u, v)", {"u": [1, -2, 0.5], "v": [3, 0.25, 1]}, UP3,
        lambda u, v: sum(UP3[i][j] * u[i] * v[j] for i in range(3) for j in range(3))),
    "trace": ("trace(A @ B.T @ A)", {"A": A, "B": K}, None,
        lambda A, B: sum(loops.times(loops.times(A, loops.columns(B)), A)[i][i] for i in range(2))),
    "trace of one": ("trace(A)*A", {"A": [[3.0]]}, "ones", lambda A: A[0][0] ** 2),
    "diagonal": ("sum(diag(A)^2) + sum(diag(x) @ A @ diag(x))", {"A": A, "x": [0.5, -3]}, None,
        lambda A, x: A[0][0] ** 2 + A[1][1] ** 2 + sum(x[i] * A[i][j] * x[j] for i in range(2) for j in range(2))),
    "reshape": ("sum((reshape(x, 3, 2) @ v)^2) + sum(reshape(A, 4)[1:]^3)", {"x": [1, 2, -1, 0.5, 3, 2.5], "v": [1, -2], "A": A}, None,
        lambda x, v, A: sum((x[2 * i] * v[0] + x[2 * i + 1] * v[1]) ** 2 for i in range(3)) + sum(t**3 for t in loops.all_of(A)[1:])),
    "reshape by a count": ("sum(reshape(X, size(X)/2, 2)[-1]*[2, 5]) + X[0,cols(X) - 1]", {"X": X}, None,
        lambda X: 2 * X[2][2] + 5 * X[2][3] + X[0][3]),
    "flatten": ("dot(flatten(A), w)^2 + dot(flatten(x), x)", {"A": A, "w": [1, 2, -0.5, 3], "x": [2, 0.5]}, None,
        lambda A, w, x: sum(p * q for p, q in zip(loops.all_of(A), w, strict=True)) ** 2 + loops.squares(x)),
    "flip": ("sum(flip(X)*X^2) + dot(flip(x), w)", {"X": X, "x": [1, 2, 4], "w": [0.5, -1, 3]}, None,
        lambda X, x, w: sum(p * q**2 for p, q in zip(loops.all_of(X)[::-1], loops.all_of(X), strict=True)) + x[2] * w[0] + x[1] * w[1] + x[0] * w[2]),
    "convolution": ("conv(X, K)", {"X": X, "K": K}, [[1.0, -2.0, 0.5], [0.25, 3.0, -1.0]],
        lambda X, K: loops.weighted(loops.correlated(X, K), [[1.0, -2.0, 0.5], [0.25, 3.0, -1.0]])),
    "convolution of vectors": ("sum(conv(x, k)^2)", {"x": [1, 2, -1, 0.5], "k": [3, -0.5]}, None,
        lambda x, k: sum((x[i] * k[0] + x[i + 1] * k[1]) ** 2 for i in range(3))),
    "convolution, relu, pool": ("sum(maxpool(relu(conv(X, K)), 2))", {"X": X, "K": K}, None,
        lambda X, K: sum(max(w) for row in loops.windows([[max(0, t) for t in row] for row in loops.correlated(X, K)], 2, 2) for w in row)),
    "padded convolution": ("sum(conv(pad(X, 1), K)^2) + sum(crop(pad(x, k), 1)^3)", {"X": X, "K": K, "x": [1, -2], "k": [0, 0, 0]}, None,
        lambda X, K, x, k: loops.squares(loops.correlated([[0] * 6, *([0, *row, 0] for row in X), [0] * 6], K)) + x[0] ** 3 + x[1] ** 3),
    "pooling apart": ("sum(maxpool(X, 2, 2)*[[2, 3]]) + sum(maxpool(x, 3, 2)^2)", {"X": X, "x": [1, 5, 2, 7, 3]}, None,
        lambda X, x: sum(c * max(w) for row in loops.windows(X, 2, 2, 2) for c, w in zip([2, 3], row, strict=True)) + max(x[:3]) ** 2 + max(x[2:]) ** 2),
    "batch norm": ("batchnorm(x, g, b)", {"x": UP3, "g": [1.5, 0.7, -1], "b": [0.1, -0.3, 2]}, loops.columns(UP3),
        lambda x, g, b: loops.weighted(loops.batchnorm(x, g, b), loops.columns(UP3))),
    "layer norm": ("layernorm(x, g, b)", {"x": UP3, "g": [1.5, 0.7, -1], "b": [0.1, -0.3, 2]}, loops.columns(UP3),
        lambda x, g, b: loops.weighted(loops.layernorm(x, g, b), loops.columns(UP3))),
    "layer norm of one": ("sum(layernorm(x, g, 0)^3)", {"x": [1, 4, -2], "g": 1.5}, None,
        lambda x, g: sum((g * t) ** 3 for t in loops.standard(x))),
    "batch norm, then a layer": ("h = relu(batchnorm(x @ W, 1, b)); sum(h^2)", {"x": UP3, "W": [[1, 2], [0.5, -1], [2, 0.3]], "b": 0.4}, None,
        lambda x, W, b: loops.squares([[max(0, t) for t in row] for row in loops.batchnorm(loops.times(x, W), [1, 1], [b, b])])),
    "one hot": ("sum((onehot(y, cols(X)) - X)^2)/rows(X) + sum(onehot(2, 3)*[1, 2, 4])/size(X)", {"X": X, "y": [3, 0, 1]}, None,
        lambda X, y: sum(((y[i] == j) - X[i][j]) ** 2 for i in range(3) for j in range(4)) / 3 + mp.mpf(4) / 12),
    "counts": ("sum((x - mean(x, axis=0))^2, axis=0)/(rows(x) - 1)", {"x": UP3}, [[1.0, -2.0, 0.5]],
        lambda x: sum(c * sum((t - loops.mean(column)) ** 2 for t in column) / 2 for c, column in zip([1, -2, 0.5], loops.columns(x), strict=True))),
    "identity": ("sum((A + eye(rows(A)))^3)", {"A": A}, None,
        lambda A: sum((A[i][j] + (i == j)) ** 3 for i in range(2) for j in range(2))),
    "transpose by name": ("sum((T(A) @ x)^2)", {"A": A, "x": [1, -2]}, None,
        lambda A, x: loops.squares(loops.times(loops.columns(A), x))),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_loops_and_differences_agree(name):
    program, point, up, function = PROGRAMS[name]
    labels = tuple({"y"} & point.keys())
    value, slopes = loops.gradients(function, point, labels)
    trace = bp.Program(program).at(point, **({} if up is None else {"upstream": up}))
    if up is None:
        assert close(np.ravel(trace.value).tolist(), [value])
    for variable, places in slopes.items():
        for place, slope in places.items():
            assert close(loops.at(trace.gradients[variable], place), slope), (variable, place)
    assert not trace.flags
    schema("arrays").validate(json.loads(trace.json()))


SPELLED = (
    # two programs that mean the same
    ("batchnorm(x, g, b)", "mu = mean(x, axis=0); v = mean((x - mu)^2, axis=0); g*(x - mu)/sqrt(v + 1e-5) + b"),
    ("layernorm(x, g, b)", "mu = mean(x, axis=1); v = mean((x - mu)^2, axis=1); g*(x - mu)/sqrt(v + 1e-5) + b"),
    ("outer(g, b)", "g @ b.T"),
    ("flip(flip(x))*b + conv(x, [[g[0]]])", "x*b + x*g[0]"),
    ("diag(diag(x))", "x*eye(3)"),
    ("reshape(flatten(x), rows(x), cols(x))", "x + 0"),
    ("crop(pad(x, 2), 2) @ g", "x @ g"),
    ("maxpool(x, 1)", "x*1"),
    ("maxpool(x, 3)*b", "max(x)*b"),
    ("trace(x)", "sum(diag(x))"),
)  # fmt: skip


@pytest.mark.parametrize(("named", "spelled"), SPELLED)
def test_a_row_is_what_it_is_made_of(named, spelled):
    point = {"x": UP3, "g": [1.5, 0.7, -1], "b": [0.1, -0.3, 2]}
    for values in (point, {**point, "x": [[2, 2, -1], [2, 2, 0], [2, 3, 0]]}):
        found, right = (
            bp.Program(text).at({k: values[k] for k in bp.Program(text).inputs}, upstream="ones")
            for text in (named, spelled)
        )
        assert close(np.ravel(found.value).tolist(), np.ravel(right.value).tolist())
        for name, gradient in right.gradients.items():
            assert close(found.gradients[name], gradient, 1e-11), name


def test_ties_and_repeated_indices():
    tied = bp.Program("sum(maxpool(X, 2)*[[6, 12]])").at(X=[[1, 1, 0], [1, 1, 1]])
    assert close(tied.gradients["X"], [[1.5, 1.5 + 4, 0.0], [1.5, 1.5 + 4, 4.0]])
    twice = bp.Program("sum(C[ix]*[[1], [2], [4]])").at(C=[[1, 2], [3, 4]], ix=[1, 0, 1])
    assert twice.gradients["C"] == [[2.0, 2.0], [5.0, 5.0]]


# the texts


@pytest.mark.parametrize("row", [*array_rows(), *SELECTIONS.values()], ids=lambda row: row.name)
def test_every_text_says_what_the_numbers_do(row):
    """At random shapes and points: sizes of 1, vectors on either side, ties, kinks, saturation."""
    measured = verify(row)
    assert measured.holds, measured
    sends = any(text != "0" for text in row.rules)
    assert bool(measured.worst) == sends
    for worst in measured.worst:
        assert worst.ulps < 100, worst
        assert worst.points >= 10 or worst.number in ("y", "k")


ALL = OTHERS | PROGRAMS


@pytest.mark.parametrize("name", ALL)
def test_at_every_node_of_programs(name):
    program, point, up, _ = ALL[name]
    record = bp.Program(program).at(point, **({} if up is None else {"upstream": up})).record
    for node in record.nodes:
        for edge in node.edges:
            if edge.kind == "structural":
                told = contribution(record, node, edge.place)
                assert told.shape == edge.contribution.shape
                scale = max(map(abs, np.ravel(node.gradient.floats)), default=1)
                assert np.allclose(
                    told.floats, edge.contribution.floats, rtol=1e-11, atol=1e-13 * scale
                ), edge.vjp


def mutated(row, place):
    """A row one of whose texts is twice what it should be."""
    told = row.vjp

    def wrong(self, shapes, written, careful=False):
        texts = list(told(shapes, written, careful))
        if self is row and place < len(texts):
            texts[place] += "*2"
        return tuple(texts)

    return wrong


SENT = [(row, place) for row in array_rows() for place, text in enumerate(row.rules) if text != "0"]


@pytest.mark.parametrize(("row", "place"), SENT, ids=lambda one: getattr(one, "name", one))
def test_a_wrong_text_is_seen_and_shown(row, place, monkeypatch):
    told = structural.Structural.vjp
    wrong = mutated(row, place)
    monkeypatch.setattr(
        structural.Structural, "vjp",
        lambda self, *args, **more: (wrong if self is row else told)(self, *args, **more),
    )  # fmt: skip
    assert not verify(row, 12).holds
    if row.name in ("matmul", "softmax", "dot"):
        code, out, err = call("functions", row.name, "--verify")
        assert (code, err) == (1, "")
        assert f"{row.name}: an error is larger than is promised" in out
        code, out, _ = call("functions", row.name, "--verify", "--json")
        schema("functions").validate(json.loads(out))
        assert (code, json.loads(out)["functions"][0]["verified"]["holds"]) == (1, False)
        _, out, _ = call("functions", row.name)
        assert "*2" in out
        use = {"matmul": "sum(a @ a)", "softmax": "sum(softmax(a))", "dot": "dot(a[0], a[1])"}
        trace = bp.Program(use[row.name]).at(a=A).record
        vjps = [edge.vjp for node in trace.nodes for edge in node.edges if node.row is row]
        assert vjps[place].endswith("*2")


@pytest.mark.parametrize(
    "text", ["up @ b", "up*b", "b.T @ up", "nonsense(", "up[7]", "0", "other(up)"]
)
def test_a_text_that_does_not_fit_is_wrong(text, monkeypatch):
    row = STRUCTURAL["outer"]
    monkeypatch.setattr(row, "rules", (text, row.rules[1]))
    measured = verify(row, 10)
    assert text == "up @ b" or text == "0" or not measured.holds
    if text == "0":  # it is said to send nothing
        assert [one.number for one in measured.worst] == ["b"]


def test_every_operation_of_a_text_has_a_row():
    """So what is sent may be differentiated again, and shown, and sent."""
    known = {*OPERATIONS.values(), *array_rows(), *SELECTIONS.values()}
    for row in known - {*OPERATIONS.values()}:
        for text in row.rules:
            graph = compiled(text)
            assert {one for one in graph.operations if not one.leaf} <= known


def evaluated(graph, at):
    point = {name: array_of(x, name) if isinstance(x, list) else x for name, x in at.items()}
    return evaluate(graph, point, nodes=False)


def test_a_text_may_be_differentiated_again():
    """The gradient of what is sent, by differences: also through what stands in texts alone."""
    point = {"x": [[0.5, 2.0, -1.0], [1.5, 0.25, 3.0]], "up": [[1.0, -2.0], [0.5, 1.5]]}
    texts = {
        "sum(put(up, maxpool(x, 2, 1))^2*x)": {"up": [[1.0, -2.0]]},
        "sum(put(up, x[:,1:3])*x^2)": {},
        "sum(take(x, x[1])^3)*up[0,0]": {},
        "sum(put(up[0], pick(x, y))^2*x)": {"y": [2, 0]},
    }
    for text, more in texts.items():
        graph = compiled(text)
        at = {name: {**point, **more}[name] for name in graph.variables}
        slopes = evaluated(graph, at).gradients
        for name, slope in slopes.items():
            for place in loops.places(at[name]):
                up, down = (
                    evaluated(graph, {**at, name: loops.moved(at[name], place, step)}).value.floats
                    for step in (1e-6, -1e-6)
                )
                assert close(loops.at(slope.floats, place), (up - down) / 2e-6, 1e-6), (text, name)


def vjps(program, point, up: Any = None):
    record = bp.Program(program).at(point, **({} if up is None else {"upstream": up})).record
    return [edge.vjp for node in record.nodes for edge in node.edges if edge.kind == "structural"]


SHOWN = (
    # program, point, what is sent
    ("T(A) @ x", {"A": A, "x": [1, 2]}, ["up.T", "up @ x.T", "n1.T @ up"]),
    ("outer(u, 2*u)", {"u": [1, 2]}, ["up @ n1", "up.T @ u"]),
    ("dot(v, [1, 2; 3, 4][0])", {"v": [1, 2]}, ["up*n2"]),
    ("layernorm(h, -2, s)", {"h": [1, 2], "s": 1},
        ["u = up*-2; h_1 = layernorm(h, 1, 0); s_1 = sqrt(mean((h - mean(h))^2) + 1e-05); (u - mean(u) - h_1*mean(u*h_1))/s_1", "sum(up)"]),
    ("x[1:3]*C[ix]", {"x": [1, 2, 3], "C": [4, 5, 6], "ix": [0, 2]}, ["put(up, x[1:3])", "put(up, C[ix])"]),
    ("maxpool(X, 2, 2)", {"X": X}, ["put(up, maxpool(X, 2, 2))"]),
    ("W[:,j][-1:] + W[0,1:][1]", {"W": X, "j": 2}, ["put(up, W[:,j])", "put(up, n1[-1:])", "put(up, W[0,1:])", "put(up, n3[1])"]),
    ("pick(softmax(z), y)", {"z": A, "y": [1, 0]}, ["n1*(up - sum(up*n1, axis=1))", "put(up, pick(n1, y))"]),
    ("conv(X, K)", {"X": X, "K": K}, ["conv(pad(up, K), flip(K))", "conv(X, up)"]),
    ("reshape(x, 2, 2)", {"x": [1, 2, 3, 4]}, ["flatten(up)"]),
    ("norm(x - x[0])", {"x": [1, 2]}, ["put(up, x[0])", "up*n2/n3"]),
)  # fmt: skip


@pytest.mark.parametrize(("program", "point", "told"), SHOWN, ids=[row[0] for row in SHOWN])
def test_what_is_sent_is_shown_over_the_names_of_the_nodes(program, point, told):
    assert vjps(program, point, "ones") == told


def test_names_and_numbers_are_put_in_with_the_parentheses_that_they_need():
    told = {
        "a^2 + out*b": {"a": -3.0, "b": "w", "out": "n1"},
        "h = a*2; (a - h)/b": {"a": "h", "b": -1.5},
        "a.T @ up": {"a": "W"},
        "-a": {"a": -2.0},
    }
    shown = ["(-3)^2 + n1*w", "h_1 = h*2; (h - h_1)/-1.5", "W.T @ up", "--2"]
    assert [program_text(renamed(compiled(text), given)) for text, given in told.items()] == shown


# the language


def test_names_are_the_program_s_to_use():
    free = "rows = 2; size = 3; conv(a, b) = a*b; T = 4; pad = 5; rows*size*conv(x, T)*pad"
    assert bp.Program(free).at(x=2).value == 240.0
    assert program_text(parse("T(A)*T(T(x) @ B)")) == "A.T*(x.T @ B).T"
    assert (
        program_text(parse("reshape(x,2 , 3)+maxpool(X, 2,2)"))
        == "reshape(x, 2, 3) + maxpool(X, 2, 2)"
    )


def test_counts_have_no_gradient():
    record = bp.Program("n = rows(x); sum(x)/n").at(x=[[1, 2], [3, 4], [5, 7]]).record
    node = record.by_name["n"]
    assert (node.value.floats, node.gradient, node.edges) == (3.0, None, ())
    edges = [edge for one in record.nodes for edge in one.edges]
    assert [record.name(edge.operand) for edge in edges] == ["x", "n1"]
    with pytest.raises(BackpropError, match="n selects elements, and has no gradient"):
        bp.Program("n = rows(x); sum(x)/n").at(x=[1], wrt=["n"])


ERRORS = (
    # program, point, underlined, message, label, hint
    ("outer(A, x)", {"A": A, "x": [1]}, "A", "outer takes two vectors", "A is 2x2", "write outer(flatten(A), flatten(x)), or A @ x"),
    ("outer(a, x)", {"a": 2, "x": [1]}, "a", "outer takes two vectors", "a is a number", "write a*x"),
    ("dot(a, x)", {"a": 2, "x": [1]}, "a", "dot takes two vectors", "a is a number", "write a*x"),
    ("trace(X)", {"X": X}, "X", "trace takes a square matrix", "X is 3x4", "it is the sum of the diagonal, which goes from corner to corner"),
    ("diag(X)", {"X": X}, "X", "diag takes a vector or a square matrix", "X is 3x4", "of a vector it makes a diagonal matrix, of a matrix it takes the diagonal"),
    ("diag(x)", {"x": 3}, "x", "an array is needed here", "x is a number", "give a vector or a matrix for x"),
    ("reshape(x, 2, 2)", {"x": [1, 2, 3]}, "reshape(x, 2, 2)", "x does not fill 2x2, which has 4 elements", "x is 3: 3 numbers", "give sizes whose product is 3"),
    ("reshape(x, 0)", {"x": [1, 2, 3]}, "reshape(x, 0)", "x does not fill 0, which has none", "x is 3: 3 numbers", "give sizes whose product is 3"),
    ("reshape(x, -1, 3)", {"x": [1, 2, 3]}, "reshape(x, -1, 3)", "x does not fill -1x3, which has none", "x is 3: 3 numbers", "write reshape(x, 1, 3)"),
    ("reshape(x, -1, 2)", {"x": [1, 2, 3]}, "reshape(x, -1, 2)", "x does not fill -1x2, which has none", "x is 3: 3 numbers", "give sizes whose product is 3"),
    ("concat(A, x)", {"A": A, "x": [1, 2]}, "x", "concat joins vectors, or matrices", "x is 2", "a vector is a row as x.T"),
    ("concat(x, A)", {"A": A, "x": [1, 2]}, "A", "concat joins vectors, or matrices", None, "a matrix is a vector as flatten(A)"),
    ("concat(x, k)", {"x": [1, 2], "k": 3}, "k", "concat joins vectors, or matrices", "k is a number", "a number is a vector as [k]"),
    ("concat(A, A, 1)", {"A": A}, "1", "concat joins vectors, or matrices", "1 is a number", "along an axis: concat(A, A, axis=1)"),
    ("A[i,j]", {"A": A, "i": [0, 1], "j": [1, 1]}, "A[i,j]", "A[i,j] has two meanings", "", "one element of each row is pick(A, j); every row with every column is A[i][:,j]"),
    ("A[[1,0],range(2)]", {"A": A}, "A[[1,0],range(2)]", "A[[1,0],range(2)] has two meanings", "", "one element of each row is pick(A[[1,0]], range(2)); every row with every column is A[[1,0]][:,range(2)]"),
    ("x[1e300]", {"x": [1, 2, 3]}, "1e300", "x has no element 1e+300", None, None),
    ("reshape(x, m)", {"x": [1, 2, 3], "m": [3]}, "m", "a size is one number", "m is 1", "write reshape(x, m, n), or reshape(x, n) for a vector"),
    ("reshape(x, size(x)/2)", {"x": [1, 2, 3]}, "size(x)/2", "a size is a whole number, not 1.5", "", "write whole numbers, from 0"),
    ("reshape(x, x[0])", {"x": [1, 2, 3]}, "x[0]", "a size is given, not computed", "", "write whole numbers for x[0], or give them at the point: a size has no slope"),
    ("conv(X, k)", {"X": X, "k": [1, 2]}, "k", "k does not slide over X", "X is 3x4, k is 2", "conv takes two vectors, or two matrices"),
    ("conv(K, X)", {"X": X, "K": K}, "X", "X is larger than K", "K is 2x2, X is 3x4", "the kernel comes second, and fits within: pad(K, 1) has zeros around"),
    ("pad(X, -1)", {"X": X}, "-1", "pad takes a width of 0 or more, not -1", "", "write pad(X, 1)"),
    ("crop(X, 2)", {"X": X}, "2", "nothing is left of X", "X is 3x4", "write crop(X, 0), or give a smaller width"),
    ("maxpool(X, 4)", {"X": X}, "4", "maxpool has windows of 1 to 3 here, not 4", "X is 3x4", "write maxpool(X, 2)"),
    ("maxpool(X, 2, 0)", {"X": X}, "0", "windows are 1 apart or more, not 0", "", "write maxpool(X, 2, 2) for windows side by side"),
    ("maxpool(X, k)", {"X": X, "k": [2, 2]}, "k", "the width of a window is one number, as is the stride", "k is 2", "write maxpool(X, 2), or maxpool(X, 2, 2)"),
    ("maxpool(X, 1.5)", {"X": X}, "1.5", "a width is a whole number, not 1.5", "", "write whole numbers, from 0"),
    ("batchnorm(x, 1, 0)", {"x": [1, 2]}, "x", "batchnorm takes a matrix, an example a row", "x is 2", "write x.T.T for a column, or layernorm for one example"),
    ("layernorm(X, g, 0)", {"X": X, "g": [1, 2, 3]}, "g", "g does not fit the columns of X", "X is 3x4, g is 3", "give one number, or one a column, 4 here"),
    ("onehot(y, 2)", {"y": [0, 2]}, "y", "the label 2 names no class", "y[1] = 2; there are 2, so labels are 0, 1", "labels begin at 0"),
    ("onehot(y, 0)", {"y": 0}, "0", "the number of classes is 1 or more", "0 is a number", "write onehot(y, 3)"),
    ("eye(0)*x", {"x": 1}, "0", "eye takes a size of 1 or more", "0 is a number", "write eye(3) for a 3x3 matrix"),
    ("rows(x)*x", {"x": 2}, "x", "an array is needed here", "x is a number", "give a vector or a matrix for x"),
    ("sum(eye(1e9))*x", {"x": 2}, "eye(1e9)", "this would have far too many numbers, more than 1,000,000", "it would be 1000000000x1000000000", "make it smaller: fewer rows show the same"),
    ("sum(eye(1e9)[:])*x", {"x": 2}, "eye(1e9)", None, None, "make it smaller: fewer rows show the same"),
    ("sum(pad(x, 1e8))", {"x": [1]}, "pad(x, 1e8)", "this would have 200,000,001 numbers, more than 1,000,000", "it would be 200000001", None),
    ("sum(onehot(0, 1e9)*x)", {"x": 2}, "onehot(0, 1e9)", "this would have 1,000,000,000 numbers, more than 1,000,000", None, None),
    ("sum(A[i,i])", {"A": A, "i": [0.0] * 2000}, "A[i,i]", "this would have 4,000,000 numbers, more than 1,000,000", "it would be 2000x2000", None),
    ("sum(outer(x, x))", {"x": [1.0] * 2000}, "outer(x, x)", "this would have 4,000,000 numbers, more than 1,000,000", "it would be 2000x2000", None),
    ("sum(eye(500) @ eye(500)*x)", {"x": 1}, None, "the program means some 125,000,000 products of numbers, more than 100,000,000", "", None),
    ("sum(conv(x, x[0:10050]))", {"x": [1.0] * 20_100}, None, None, "", "make the arrays smaller: fewer rows show the same"),
    ("put(x, 3)", {"x": [1]}, "put", "there is no function put", None, None),
    ("take(x, 3)", {"x": [1]}, "take", "there is no function take", None, None),
)  # fmt: skip


@pytest.mark.parametrize(
    ("program", "point", "underlined", "message", "label", "hint"), ERRORS, ids=[row[0] for row in ERRORS]
)  # fmt: skip
def test_what_does_not_fit_is_said_with_its_shapes(
    program, point, underlined, message, label, hint
):
    with pytest.raises(BackpropError) as caught:
        bp.Program(program).at(point, upstream="ones")
    error = caught.value
    assert message in (None, error.message)
    assert label in (None, error.label)
    assert hint in (None, error.hint)
    assert (program[slice(*error.span)] if error.span else None) == underlined


# the command


def test_functions_shows_every_row():
    _, shown, _ = call("functions")
    _, out, _ = call("functions", "--json")
    document = json.loads(out)
    schema("functions").validate(document)
    rows = {one["name"]: one for one in document["functions"]}
    for row in array_rows():
        assert row.signature in shown
        told = rows[row.name]
        assert told["shapes"], row.name
        for name in (row.name, row.signature.partition("(")[0]):
            code, one, _ = call("functions", name)
            assert code == 0
            assert one.startswith(row.signature)
            texts = {text for shapes in told["shapes"] for text in shapes["vjp"]} - {"0"}
            assert all(text in re.sub(r"\s+", " ", one) for text in texts), row.name
    assert not {*SELECTIONS} & {*rows}
    assert rows["softmax"]["shapes"][1]["jacobian"] == ["diag(out) - out @ out.T"]
    for name in ("@", "matmul", "np.matmul"):
        assert call("functions", name)[1].startswith("a @ b\nmatrix product\n")
    assert call("functions", "T")[1].startswith("x.T\n")
    assert "of one array: sum(X), or along an axis sum(X, axis=0)" in call("functions", "sum")[1]
    assert bp.functions["conv"].doc == STRUCTURAL["conv"].doc


@pytest.mark.parametrize(
    "row", [row for row in array_rows() if row.jacobians], ids=lambda row: row.name
)
def test_jacobians_are_those_of_what_is_sent(row):
    """Of vectors: the transpose of a Jacobian times what arrives is what is sent."""
    point = {"a": A, "b": [0.5, -2.0], "x": [0.5, -2.0]}
    for place, text in enumerate(row.jacobians):
        if row.name == "matmul":
            point |= {"a": [0.5, -2.0], "b": A} if place == 0 else {"a": A, "b": [0.5, -2.0]}
        names = dict.fromkeys(row.operands, None)
        use = "a @ b" if row.name == "matmul" else f"{row.name}(x)"
        shapes = [np.shape(point[name]) for name in names]
        assert row.jacobian(place, shapes, (2,)) == text
        given = {name: point[name] for name in names} | {"up": [3.0, -1.5]}
        told = bp.Program(f"out = {use}; J = {text}; J.T @ up")
        sent = bp.Program(f"out = {use}; {row.vjp(shapes, None)[place]}")
        first, second = (
            one.at({k: given[k] for k in one.inputs}, upstream="ones").value for one in (told, sent)
        )
        assert close(first, second)


@pytest.mark.parametrize(("name", "rule"), [("matmul", "up @ b"), ("softmax", "up*out*(1 - out)"), ("norm", "up*x"), ("conv", "conv(pad(up, k), k)")])  # fmt: skip
def test_one_text_changed_in_the_table_is_shown_and_fails(name, rule, monkeypatch):
    row = {one.name: one for one in array_rows()}[name]
    monkeypatch.setattr(row, "rules", (rule, *row.rules[1:]))
    monkeypatch.setattr(row, "careful", ())
    assert call("functions", name, "--verify")[0] == 1
    assert rule in call("functions", name)[1]
    use = {"matmul": "a @ a", "softmax": "softmax(a)", "norm": "norm(a)", "conv": "conv(a, a)"}
    shown = vjps(use[name], {"a": A}, "ones")[0]
    assert shown == re.sub(r"\b[abxk]\b", "a", rule).replace("out", "n1")
