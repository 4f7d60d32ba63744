"""Programs over vectors and matrices, against published cases and an oracle with loops of its own."""

# ruff: noqa: N803  a matrix has a capital letter

import json
import random
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpmath import mp

import backprop_grammar as bp
from backprop_grammar.arrays.interpret import contribution
from backprop_grammar.errors import BackpropError
from backprop_grammar.language.parser import parse
from backprop_grammar.language.printer import program_text
from backprop_grammar.operations.row import Role
from backprop_grammar.operations.structural import STRUCTURAL, array_row
from tests import arrays as loops
from tests.arrays import (
    add,
    attended,
    batchnorm,
    cell,
    columns,
    each,
    hinge,
    huber,
    layer,
    layernorm,
    lstm,
    mean,
    softmax,
    squares,
    times,
    two_layers,
)  # fmt: skip
from tests.support import call, schema

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases/vectors.jsonl").read_text("utf-8").splitlines()
]
NOW = [case for case in CASES if "issue" not in case]


def close(found: Any, right: Any, tolerance: float = 1e-12) -> bool:
    if isinstance(right, list):
        return (
            isinstance(found, list)
            and len(found) == len(right)
            and all(close(x, y, tolerance) for x, y in zip(found, right, strict=True))
        )
    return found is not None and abs(found - right) <= tolerance * max(abs(right), 1e-3)


def document(program: str, point: dict[str, Any], *more: str) -> Any:
    code, out, err = call("eval", program, "--at", json.dumps(point), "--json", *more)
    assert code == 0, err
    return json.loads(out)


@pytest.mark.parametrize("case", NOW, ids=lambda case: case["id"])
def test_published_cases(case):
    found = document(case["program"], case["inputs"], "--wrt", ",".join(case["grads"]))
    schema("arrays").validate(found)
    assert close(found["value"], case["value"])
    for name, right in case["grads"].items():
        assert close(found["gradients"][name], right), name


@pytest.mark.parametrize("case", NOW, ids=lambda case: case["id"])
def test_the_published_digits(case):
    if "published_wrong" in case:
        pytest.skip("some of what was published is wrong")
    values = {
        node["name"]: node["value"] for node in document(case["program"], case["inputs"])["nodes"]
    }
    found = document(case["program"], case["inputs"], "--wrt", ",".join(case["grads"]))
    told = {**values, **found["gradients"], "value": found["value"]}
    for name, published in case["published"].items():
        if name in told:
            assert near(told[name], published), name


def near(found: Any, published: Any) -> bool:
    """Whether a number rounds to the digits that were published."""
    if isinstance(published, list):
        return len(found) == len(published) and all(map(near, found, published))
    text = np.format_float_positional(float(published), trim="-")
    unit = 10.0 ** -min(len(text.partition(".")[2]), 15)
    return abs(found - float(published)) <= 1.01 * unit


# an oracle with loops of its own


M, N = [[0.5, -1.2, 0.3], [0.8, 0.1, -0.6]], [[0.2, -0.3], [0.4, 0.1], [-0.5, 0.7]]
UP = [[1.0, -2.0], [0.5, 3.0]]

PROGRAMS: dict[str, tuple[str, dict[str, Any], Any, Any]] = {
    # the program, its point, what arrives at the output, and the loops
    "norm squared": ("norm(W @ x)^2", {"W": N, "x": [0.2, 0.4]}, None, lambda W, x: squares(times(W, x))),
    "sum of squares": ("sum((W @ x)^2)", {"W": N, "x": [0.2, 0.4]}, None, lambda W, x: squares(times(W, x))),
    "product": ("x @ w", {"x": M, "w": N}, UP, lambda x, w: loops.weighted(times(x, w), UP)),
    "relu": ("max(0, x)", {"x": [1, -2, 3, -1]}, [4.0, -1.0, 5.0, 9.0],
        lambda x: sum(u * max(0, t) for u, t in zip([4, -1, 5, 9], x, strict=True))),
    "affine": ("relu(W @ x + b)", {"W": N, "x": [2, 0.4], "b": [0.1, -0.2, 3]}, "ones",
        lambda W, x, b: sum(max(0, t) for t in add(times(W, x), b))),
    "affine batch": ("X @ W + b", {"X": M, "W": N, "b": [0.3, -0.1]}, UP,
        lambda X, W, b: loops.weighted(layer(X, W, b), UP)),
    "two layers": ("h = sigmoid(x @ w1); p = h @ w2; sum((p - y)^2)",
        {"x": M, "w1": N, "w2": [[1.5, 0.2], [-0.7, 0.9]], "y": UP}, None, two_layers),
    "softmax loss": ("-log(softmax(s)[y])", {"s": [1, -2, 0], "y": 0}, None, lambda s, y: -mp.log(softmax(s)[y])),
    "cross entropy": ("cross_entropy(X @ W + b, y)", {"X": M, "W": N, "b": [0.3, -0.1], "y": [0, 1]}, None,
        lambda X, W, b, y: loops.entropy(layer(X, W, b), y)),
    "cross entropy of shares": ("cross_entropy(z, p)", {"z": M, "p": [[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]]}, None,
        lambda z, p: mean([-sum(w * mp.log(s) for w, s in zip(ws, softmax(row), strict=True))
            for ws, row in zip(p, z, strict=True)])),
    "atomic softmax": ("m = max(s, axis=1); e = exp(s - m); p = e/sum(e, axis=1); -mean(log(pick(p, y)))",
        {"s": M, "y": [2, 1]}, None, lambda s, y: loops.entropy(s, y)),
    "hinge": ("s = W @ x; sum(max(0, s - s[y] + 1)) - 1", {"W": N, "x": [2, 4], "y": 2}, None, hinge),
    "batch norm": ("mu = mean(x, axis=0); v = mean((x - mu)^2, axis=0); g*(x - mu)/sqrt(v + 1e-5) + b",
        {"x": N, "g": [1.5, 0.7], "b": [0.1, -0.3]}, N, lambda x, g, b: loops.weighted(batchnorm(x, g, b), N)),
    "layer norm": ("mu = mean(x, axis=1); v = mean((x - mu)^2, axis=1); g*(x - mu)/sqrt(v + 1e-5) + b",
        {"x": M, "g": [1.5, 0.7, 2], "b": [0.1, -0.3, 1]}, M,
        lambda x, g, b: loops.weighted(layernorm(x, g, b), M)),
    "recurrent step": ("h = tanh(Wx @ x + Wh @ h0 + b); sum(h)",
        {"Wx": N, "x": [0.3, -1], "Wh": [[0.1, 0.2, 0.3], [-0.4, 0.5, 0.6], [0.7, -0.8, 0.9]], "h0": [0.1, 0.2, -0.3], "b": [0, 0.1, -0.2]},
        None, lambda Wx, x, Wh, h0, b: sum(cell(x, h0, Wx, Wh, b))),
    "recurrent in time": ("cell(x,h,W,U,b) = tanh(W @ x + U @ h + b); h1 = cell(x1,h0,W,U,b); h2 = cell(x2,h1,W,U,b); sum(h2^2)",
        {"x1": [0.3, -1], "x2": [0.7, 0.2], "h0": [0.1, -0.3], "W": UP, "U": [[0.1, 0.2], [-0.4, 0.5]], "b": [0.1, -0.2]},
        None, lambda x1, x2, h0, W, U, b: squares(cell(x2, cell(x1, h0, W, U, b), W, U, b))),
    "lstm": ("a = W @ x + U @ h + b; i = sigmoid(a[0:2]); f = sigmoid(a[2:4]); o = sigmoid(a[4:6]); g = tanh(a[6:8]); c1 = f*c + i*g; sum(o*tanh(c1))",
        {"W": [[0.1 * (k % 5) - 0.2, 0.3 - 0.1 * (k % 3)] for k in range(8)], "U": [[0.2 - 0.1 * (k % 4), 0.05 * k] for k in range(8)],
         "x": [0.5, -1], "h": [0.1, 0.2], "c": [0.3, -0.4], "b": [0.1 * k - 0.3 for k in range(8)]}, None, lstm),
    "attention": ("softmax(Q @ K.T/sqrt(2) + mask) @ V",
        {"Q": UP, "K": [[0.2, 0.4], [-0.1, 0.3]], "V": [[1, 2], [3, -1]], "mask": [[0, -0.5], [0.25, 0]]}, UP,
        lambda Q, K, V, mask: loops.weighted(attended(Q, K, V, mask), UP)),
    "max pool": ("sum(maxpool(x, 2)^2)", {"x": [1, 3, 2, -1]}, None,
        lambda x: sum(max(pair) ** 2 for pair in pairwise(x))),
    "embedding": ("h = C[ix]; sum(h^2)", {"C": N, "ix": [1, 2, 1]}, None, lambda C, ix: squares([C[k] for k in ix])),
    "linear regression": ("mean((X @ w + b - y)^2)", {"X": N, "w": [1, 2], "b": 0.5, "y": [1, 0, -1]}, None,
        lambda X, w, b, y: mean([(p + b - t) ** 2 for p, t in zip(times(X, w), y, strict=True)])),
    "ridge": ("sum((X @ w - y)^2) + 0.1*sum(w^2)", {"X": N, "w": [1, 2], "y": [1, 0, -1]}, None,
        lambda X, w, y: squares(add(times(X, w), [-t for t in y])) + squares(w) / 10),
    "logistic": ("mean(softplus(-y*(X @ w + b)))", {"X": N, "w": [1, 2], "b": 0.5, "y": [1, -1, 1]}, None,
        lambda X, w, b, y: mean([mp.log(1 + mp.exp(-t * (p + b))) for p, t in zip(times(X, w), y, strict=True)])),
    "quadratic form": ("x.T @ A @ x/2 - dot(b, x)", {"x": [0.5, 2], "A": UP, "b": [1, 0.25]}, None,
        lambda x, A, b: sum(p * q for p, q in zip(times(A, x), x, strict=True)) / 2 - sum(p * q for p, q in zip(b, x, strict=True))),
    "cosine": ("dot(u, v)/(norm(u)*norm(v))", {"u": [1, 2], "v": [3, -1]}, None,
        lambda u, v: sum(p * q for p, q in zip(u, v, strict=True)) / mp.sqrt(squares(u) * squares(v))),
    "kl": ("-sum(1 + l - m^2 - exp(l))/2", {"m": [0.1, 0.2], "l": [0, -1]}, None,
        lambda m, l: -sum(1 + t - s**2 - mp.exp(t) for s, t in zip(m, l, strict=True)) / 2),  # noqa: E741
    "dropout": ("h = relu(W @ x); m = [1,0,1]; sum(h*m/0.75)", {"W": N, "x": [2, 0.4], "m": [1, 0, 1]}, None,
        lambda W, x, m: sum(max(0, h) * t for h, t in zip(times(W, x), m, strict=True)) * 4 / 3),
    "huber": ("sum(if(abs(d) < 1, d^2/2, abs(d) - 1/2))", {"d": [0.5, -2, 3]}, None, huber),
    "rows apart": ("sum(X[0]*X[1,:]) + X[-1,1:3] @ X[0,:2]", {"X": M}, None,
        lambda X: sum(p * q for p, q in zip(X[0], X[1], strict=True)) + X[1][1] * X[0][0] + X[1][2] * X[0][1]),
    "joined": ("v = concat(x, 2*y, x); sum(v^3)", {"x": [1, 0.5], "y": [0.25]}, None,
        lambda x, y: 2 * sum(t**3 for t in x) + (2 * y[0]) ** 3),
    "joined columns": ("sum(concat(A, B, axis=1) @ [1, 2, 3, 4])", {"A": UP, "B": [[0.1, 0.2], [0.3, 0.4]]}, None,
        lambda A, B: sum(p[0] + 2 * p[1] + 3 * q[0] + 4 * q[1] for p, q in zip(A, B, strict=True))),
    "literal": ("M = [x, y; 1, x*y]; sum(M @ M)", {"x": 0.5, "y": 2}, None,
        lambda x, y: sum(sum(row) for row in times([[x, y], [mp.mpf(1), x * y]], [[x, y], [mp.mpf(1), x * y]]))),
    "log softmax": ("logsoftmax(z)", {"z": M}, M, lambda z: loops.weighted([each(mp.log, softmax(row)) for row in z], M)),
    "log-sum-exp": ("logsumexp(Z, axis=0)", {"Z": M}, [[1.0, -2.0, 0.5]],
        lambda Z: sum(u * mp.log(sum(mp.exp(t) for t in column)) for u, column in zip([1, -2, 0.5], columns(Z), strict=True))),
    "outer": ("sum((u @ v.T)^2) + sum(min(A, axis=1)) + max(A)", {"u": [1, 2], "v": [0.5, -1, 3], "A": M}, None,
        lambda u, v, A: squares(u) * squares(v) + sum(map(min, A)) + max(map(max, A))),
    "row times matrix": ("sum((x @ W)^2)", {"x": [1, 0.5, -2], "W": N}, None, lambda x, W: squares(times([x], W))),
    "column times row": ("sum((u @ R)^3)", {"u": [1, 0.5, -2], "R": [[0.3, 2]]}, None,
        lambda u, R: sum((p * q) ** 3 for p in u for q in R[0])),
    "row times column": ("dot(x, v)*(x @ v) + sum(x @ C)", {"x": [1, 0.5], "v": [2, 3], "C": [[1], [4]]}, None,
        lambda x, v, C: (x[0] * v[0] + x[1] * v[1]) ** 2 + x[0] * C[0][0] + x[1] * C[1][0]),
    "transposes": ("sum((A' @ B.T.T)^3)", {"A": M, "B": UP}, None,
        lambda A, B: sum(t**3 for t in loops.all_of(times(columns(A), B)))),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_loops_and_differences_agree(name):
    program, point, up, function = PROGRAMS[name]
    labels = tuple({"y", "ix"} & point.keys()) if re.search(r"\[y\]|, y\)|\[ix\]", program) else ()
    value, slopes = loops.gradients(function, point, labels)
    options: dict[str, Any] = {} if up is None else {"upstream": up}
    trace = bp.Program(program).at(point, **options)
    if up is None:
        found = trace.value
        while isinstance(found, list):
            (found,) = found
        assert close(found, value)
    assert trace.gradients.keys() == point.keys() - {*labels}
    for variable, places in slopes.items():
        for place, slope in places.items():
            assert close(loops.at(trace.gradients[variable], place), slope), (variable, place)
    assert not trace.flags


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_is_sent_adds_up(name):
    """The contributions that reach a node are its gradient, and have its shape."""
    program, point, up, _ = PROGRAMS[name]
    trace = bp.Program(program).at(point, **({} if up is None else {"upstream": up}))
    told = json.loads(trace.json())
    schema("arrays").validate(told)
    names = [node["name"] for node in told["nodes"]]
    assert len({*names}) == len(names)
    assert all({*node.get("operands", ())} <= {*names} for node in told["nodes"])
    record = trace.record
    sums: dict[int, Any] = {}
    for node in record.nodes:
        for edge in node.edges:
            assert edge.contribution.shape == record.by_name[record.name(edge.operand)].shape
            sums.setdefault(edge.operand, []).append(np.array(edge.contribution.floats))
    for node in record.nodes:
        if node.index in sums and node.gradient is not None and node.index != record.output:
            assert np.allclose(sum(sums[node.index]), node.gradient.floats, rtol=1e-12, atol=1e-15)


# the texts of the array table


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_texts_say_what_the_numbers_do(name):
    """What is sent at a node is what its text says, over the values of the nodes."""
    program, point, up, _ = PROGRAMS[name]
    record = bp.Program(program).at(point, **({} if up is None else {"upstream": up})).record
    for node in record.nodes:
        for edge in node.edges:
            if edge.kind == "structural":
                told = np.array(contribution(record, node, edge.place).floats)
                assert np.allclose(told, edge.contribution.floats, rtol=1e-11, atol=1e-15), edge.vjp


def test_a_new_operation_is_one_row(monkeypatch):
    row = array_row(
        "turned", "x", "turned(up)", Role.DISTRIBUTES, "the elements from the last to the first",
        shape=lambda operands, _written: operands[0].shape,
        lower=lambda on, operands, _written: [on.apply("identity", k) for k in reversed(operands[0].nodes)],
    )  # fmt: skip
    monkeypatch.setitem(STRUCTURAL, row.name, row)
    assert program_text(parse("turned(x)*turned(W @ x)")) == "turned(x)*turned(W @ x)"
    trace = bp.Program("q = turned(x); dot(q, g)").at(x=[1, 2, 3], g=[4, 5, 7])
    assert trace.gradients["x"] == [7.0, 5.0, 4.0]
    edge = trace.record.by_name["q"].edges[0]
    assert (edge.kind, edge.vjp) == ("structural", "turned(up)")
    told = bp.Program(edge.vjp).at(up=[4, 5, 7], upstream="ones").value
    assert told == edge.contribution.floats


# shapes that do not fit


ERRORS = (
    # program, point, underlined, message, label, hint
    ("q = W @ x; sum(q)", {"W": [[1] * 4] * 3, "x": [1, 2, 3]}, "W @ x", "W @ x: the inner sizes differ",
        "W is 3x4, x is 3: 4 columns meet 3 numbers", "give x 4 numbers; or W.T @ x, which is 4x3 @ 3"),
    ("z = X @ W + b; sum(z)", {"X": [[1] * 3] * 2, "W": [[1] * 3] * 4, "b": 1}, "X @ W", "X @ W: the inner sizes differ",
        "X is 2x3, W is 4x3", "rows of X hold 3 numbers, columns of W hold 4; X @ W.T is 2x3 @ 3x4"),
    ("sum((p - y)^2)", {"p": [[1]] * 3, "y": [1, 2, 3]}, "p - y", "p and y do not fit together", "p is 3x1, y is 3",
        "a column and a vector would make 3x3, which is seldom meant; write y as a column, y.T.T, or p[:,0] for a vector"),
    ("sum(a*b)", {"a": [[1] * 3] * 2, "b": [[1] * 2] * 3}, "a*b", "a and b do not fit together",
        "a is 2x3, b is 3x2: 2 rows beside 3", "element by element, sizes are equal or 1; for the matrix product write a @ b"),
    ("sum(z + b)", {"z": [[1] * 2] * 3, "b": [1, 2, 3]}, "z + b", "b does not fit the columns of z", "z is 3x2, b is 3",
        "a vector is added to every row, so it needs 2 numbers; to add one number a row, write b.T.T"),
    ("x @ w", {"x": [[1] * 3] * 2, "w": [[1] * 4] * 3}, "x @ w", "the output is 2x4, not a number", "",
        "add a loss, such as sum((x @ w)^2), or give the gradient that arrives"),
    ("W @ b", {"W": [[1]], "b": 2}, "b", "@ multiplies matrices, and b is a number", "", "write W*b"),
    ("sum(x, 0)", {"x": [[1] * 4] * 3}, "sum(x, 0)", "sum takes one array", "x is 3x4",
        "down the columns: sum(x, axis=0); to add 0 to every number: x + 0"),
    ("sum(x, axis=1)", {"x": [1, 2]}, "sum(x, axis=1)", "a vector of 2 has no axis 1", "x is 2", "write sum(x); its only one is axis 0"),
    ("x[4]", {"x": [1, 2, 3, 4]}, "4", "x has no element 4", "x has 4 numbers, 0 to 3; the last is x[-1]", "indices begin at 0"),
    ("cross_entropy(z, y)", {"z": [[1] * 3] * 2, "y": [0, 3]}, "y", "the label 3 names no class",
        "y[1] = 3; z is 2x3, so labels are 0, 1, 2", "labels begin at 0"),
    ("W: 3x4; sum(W)", {"W": [[1] * 3] * 4}, "W", "W is declared 3x4 and given as 4x3", "", "give W.T, or declare W: 4x3"),
    ("X: NxD; w: D; sum(X @ w)", {"X": [[1] * 3] * 2, "w": [1, 2]}, "w", "D is 3 in X and 2 in w", "", "w is declared D: one letter is one size"),
    ("-mean(log(p))", {"p": [[1, 2], [-0.2, 3]]}, "log(p)", "log of a negative number", "p[1,0] = -0.2", "log needs a positive operand"),
    ("x[i/2]", {"x": [1, 2], "i": 1}, "i/2", "an index is given, not computed", "", "write whole numbers for i/2, or give them at the point: an index has no slope"),
    ("x[i]", {"x": [1, 2], "i": 0.5}, "i", "an index is a whole number, not 0.5", "", "write whole numbers, from 0"),
    ("C[ix]", {"C": [[1] * 3] * 2, "ix": [[0, 1]]}, "ix", "this would be 1x2x3, and arrays have two axes at most", "", "take the columns of the index one by one"),
    ("x'", {"x": 3}, "x'", "x is a number, which has no transpose", "", "transpose a vector or a matrix; of a power, write (W^2).T"),
    ("max(x)", {"x": 3}, "max(x)", "max takes 2 or more operands, not 1", "", "write max(x, y, ...)"),
    ("softmax(x)", {"x": 3}, "x", "an array is needed here", "x is a number", "give a vector or a matrix for x"),
    ("[x, 1]", {"x": [1, 2]}, "x", "the elements of an array are numbers", "x is 2", "to join arrays, write concat(x, ...); vectors as rows, concat(x.T, ..., axis=0)"),
    ("sum(if(x > 0, W @ x, x))", {"W": [[1, 0], [0, 1]], "x": [1, -1]}, "W @ x", "this stands in a branch that is chosen element by element", "",
        "take it to a stage before the if"),
    ("x[2:1]", {"x": [1, 2, 3]}, "2", "x has nothing there", "x is 3", "a slice begins before it ends, and holds one number at least"),
    ("sum(x[i:])", {"x": [1, 2, 3], "i": [1, 2]}, "i", "a slice begins and ends at one number", "i is 2",
        "x[i] takes what i names, one by one; x[i[0]:] is a slice"),
    ("v[0,1]", {"v": [1, 2]}, "v[0,1]", "v is a vector, with 1 axis", "v is 2", "an index for each axis: x[i] of a vector, W[i,j] of a matrix"),
    ("sum(A @ A)", {"A": [[1] * 500] * 500}, None, "the program means some 125,000,000 products of numbers, more than 100,000,000", "", "make the arrays smaller: fewer rows show the same"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("program", "point", "underlined", "message", "label", "hint"),
    ERRORS,
    ids=[row[0] for row in ERRORS],
)
def test_what_does_not_fit_is_said_with_its_shapes(
    program, point, underlined, message, label, hint
):
    with pytest.raises(BackpropError) as caught:
        bp.Program(program).at(point)
    error = caught.value
    assert (error.message, error.label, error.hint) == (message, label, hint)
    assert (program[slice(*error.span)] if error.span else None) == underlined
    assert len(str(error)) < 1_500


BAD_POINTS = (
    ([], "is empty"),
    ([[]], "is empty"),
    ([[1], [2, 3]], "row 2 has 2 numbers, row 1 has 1"),
    ([1, [2]], "mixes numbers and rows"),
    ([[[1]]], "has three axes"),
    (np.ones((2, 2, 2)), "has 3 axes"),
    (["a"], "is the text 'a'"),
    ([float("nan")], "not finite"),
    (np.array([1.0, np.inf]), "not finite"),
)


@pytest.mark.parametrize(("value", "says"), BAD_POINTS, ids=lambda value: str(value)[:20])
def test_what_is_no_array_is_refused(value, says):
    with pytest.raises(BackpropError, match=re.escape(says)):
        bp.Program("sum(x)").at(x=value)


# the library, the command, and what refuses


def test_nested_lists_and_numpys_arrays_are_alike():
    program = bp.Program("q = W @ x; sum(q^2)")
    lists = program.at(W=[[0.5, 0.25], [1, 2]], x=[1, 0.5])
    arrays = program.at(W=np.array([[0.5, 0.25], [1, 2]]), x=np.array([1, 0.5]))
    rows = program.at(W=[np.array([0.5, 0.25]), (1, 2)], x=(1, np.float32(0.5)))
    assert lists.json() == arrays.json() == rows.json()
    assert lists.shapes == {"W": (2, 2), "x": (2,), "q": (2,), "2": (), "n1": (2,), "n2": ()}


def test_elements_that_the_output_does_not_need_are_shown():
    trace = bp.Program("p = softmax(s); q = log(x); p[0] + q[1]").at(s=[0, 0, 0, 0], x=[-1, 1])
    nodes = trace.record.by_name
    assert close(nodes["p"].value.floats, [0.25] * 4)
    assert nodes["p"].gradient.floats == [1.0, 0.0, 0.0, 0.0]
    assert nodes["q"].value.floats == [None, 0.0]
    assert [note.message for note in trace.notes] == [
        "q[0] has no value, and the output needs none of it"
    ]


def test_numbers_within_an_array_have_gradients_where_others_do():
    trace = bp.Program("m = [x, 2]; m[0]*m[1] + m[1]^2").at(x=5)
    node = trace.record.by_name["m"]
    assert (node.value.floats, node.gradient.floats) == ([5.0, 2.0], [2.0, 9.0])
    assert trace.gradients == {"x": 2.0}


def test_notes_name_elements():
    tied = bp.Program("max(x)").at(x=[1, 1, 0])
    assert tied.notes[0].message == (
        "max has a kink here: its operands tie at n1, and x[0] and x[1] share the gradient equally"
    )
    tiny = bp.Program("softmax(x)").at(x=[1000, 0], upstream=[1, 2])
    assert all(" n2" not in note.message for note in tiny.notes)
    assert all("a part of" not in note.message for note in tiny.notes)
    assert any(
        "the gradient of x is too small for a float at 2 of 2 (x[0], x[1])" in note.message
        for note in tiny.notes
    )


def test_a_smooth_norm_at_zero():
    trace = bp.Program("norm(W @ x)^2").at(W=[[1, 2], [3, 4]], x=[0, 0])
    assert trace.value == 0.0
    assert trace.gradients == {"W": [[0.0, 0.0], [0.0, 0.0]], "x": [0.0, 0.0]}
    assert not trace.flags


def test_points_in_every_spelling():
    right = document("sum(W @ x)", {"W": [[1, 0.5], [3, 4]], "x": [5, 6]})
    for at in (
        "W=[1,1/2;3,4],x=[5,6]",
        "W=[[1, 0.5], [3, 2^2]], x = [5,6]",
        "x=[5,6] W=[1,.5;3,4]",
    ):
        code, out, err = call("eval", "sum(W @ x)", "--at", at, "--json")
        assert (code, err) == (0, "")
        assert json.loads(out) == right
    again = bp.Program("W = [1,0.5;3,4]; x = [5,6]; sum(W @ x)").at()
    assert again.gradients == right["gradients"]


def test_the_output_of_one_document_is_the_point_of_another(tmp_path):
    first = document("sum(W @ x)", {"W": [[1, 2]], "x": [3, 4]})
    (tmp_path / "first.json").write_text(json.dumps(first), encoding="utf-8")
    code, out, _ = call("eval", "sum(W.T * 2)", "--at", f"@{tmp_path / 'first.json'}", "--json")
    assert code == 0
    assert json.loads(out)["gradients"] == {"W": [[2.0, 2.0]]}


@pytest.mark.parametrize("nodes", [True, False])
def test_an_upstream_array(nodes):
    trace = bp.Program("W @ x").at(W=[[1, 2], [3, 4]], x=[5, 6], upstream=[1, -1], nodes=nodes)
    assert trace.value == [17.0, 39.0]
    assert trace.gradients == {"W": [[5.0, 6.0], [-5.0, -6.0]], "x": [-2.0, -2.0]}
    code, out, _ = call(
        "eval",
        "W @ x",
        "--at",
        "W=[1,2;3,4],x=[5,6]",
        "--upstream",
        "[1,-1]",
        "--get",
        "gradients.x",
    )
    assert (code, json.loads(out)) == (0, [-2.0, -2.0])
    with pytest.raises(BackpropError, match="the upstream gradient is 3, the output W @ x is 2"):
        bp.Program("W @ x").at(W=[[1, 2], [3, 4]], x=[5, 6], upstream=[1, 2, 3])


def test_a_gradient_that_does_not_exist_is_null_with_its_place():
    code, out, _ = call("eval", "sum(sqrt(x))", "--at", "x=[0,1;4,0]", "--json")
    found = json.loads(out)
    assert code == 3
    assert found["gradients"]["x"] == [[None, 0.5], [0.25, None]]
    assert [flag["path"] for flag in found["flags"]] == ["gradients.x[0][0]", "gradients.x[1][1]"]


@pytest.mark.parametrize("command", [
    ["check", "--against", "W @ x", "--over", "W=0:1"],
], ids=" ".join)  # fmt: skip
@pytest.mark.parametrize("program", ["sum(W @ x)", "sum(x^2)"])
def test_what_is_not_built_for_arrays_says_so(command, program):
    at = "W=[1,2],x=[3,4]" if "W" in program else "x=[3,4]"
    name, *more = command
    code, out, err = call(name, program, "--at", at, *more)
    assert code in (1, 2, 4)
    assert out == ""
    assert len(err.splitlines()) == 2 or "--over" in command
    assert "vectors and matrices" in err or "--over" in command


def test_the_library_refuses_what_is_not_built():
    program, point = bp.Program("sum(W @ x)"), {"W": [1, 2], "x": [3, 4]}
    assert program.at(point).check()
    for ask in (program.outline,):
        with pytest.raises(BackpropError, match="vectors and matrices"):
            ask()


# the language


PRINTED = (
    # typed, printed
    ("W=[1,2;3,4]; W'@x", "W = [[1, 2], [3, 4]]; W.T @ x"),
    ("A@(B@C)*d/e1", "(A @ (B @ C))*d/e1"),
    ("(A@B)'[0]^2", "(A @ B).T[0]^2"),
    ("-W.T", "-W.T"),
    ("(A+B).T", "(A + B).T"),
    ("x[1:3]+x[:2]+x[1:]+W[:,i]+W[-1,:]", "x[1:3] + x[:2] + x[1:] + W[:,i] + W[-1,:]"),
    ("sum(X , axis = 1)", "sum(X, axis=1)"),
    ("[x,y;1,2]@[[1],[2]]", "[[x, y], [1, 2]] @ [[1], [2]]"),
    ("W : 3x4; b:scalar=2; W*b", "W: 3x4; b: scalar = 2; W*b"),
    ("norm = 2; norm*x", "norm = 2; norm*x"),
    ("dot(a, b) = a*b; dot(x, y)", "dot(a, b) = a*b; dot(x, y)"),
    ("f(W, x) = W @ x[0:2]; f(A, u) + f(B, u)", "f(W, x) = W @ x[0:2]; f(A, u) + f(B, u)"),
    ("axis = 2; T = 3; axis*T*x.T", "axis = 2; T = 3; axis*T*x.T"),
    ("W @ [1,\n 2 # a comment\n]; ", "W @ [1, 2]"),
    ("θ.T @ θ", "theta.T @ theta"),
)


@pytest.mark.parametrize(("typed", "printed"), PRINTED)
def test_programs_are_printed_back(typed, printed):
    assert program_text(parse(typed)) == printed
    assert program_text(parse(printed)) == printed


def test_a_matrix_of_numbers_is_an_input():
    graph = parse("W = [1,2;3,4]; v = [-1, 2]; m = [x, 1]; W @ v")
    assert {name: one.nested for name, one in graph.array_inputs.items()} == {
        "W": [[1.0, 2.0], [3.0, 4.0]],
        "v": [-1.0, 2.0],
    }
    assert list(graph.variables) == ["W", "v", "x"]


def test_shapes_are_those_of_numpy_or_refused():
    draw = random.Random(0)
    for _ in range(300):
        a, b = ([draw.choice((1, 2, 3)) for _ in range(draw.choice((0, 1, 2)))] for _ in "ab")
        x, y = np.ones(a), np.ones(b)
        for program, theirs in (("x + y", np.add), ("x @ y", np.matmul)):
            try:
                given = {"x": x if a else 1.0, "y": y if b else 1.0}
                shape = np.shape(bp.Program(program).at(given, upstream="ones").value)
            except BackpropError as error:
                assert error.kind == "shape"
                continue
            if program == "x @ y" and len(a) == 1 and b[0] == 1 != a[0]:
                assert shape == (a[0], b[1])  # a column times a row: NumPy has none
            else:
                assert shape == theirs(x, y).shape


def test_an_if_chooses_element_by_element():
    trace = bp.Program("sum(if(x > 0, log(x), if(x < -1, c*x, x^2)))").at(
        x=[2, -3, -0.5], c=[5, 7, 9]
    )
    assert close(trace.gradients["x"], [0.5, 7.0, -1.0])
    assert close(trace.gradients["c"], [0.0, -3.0, 0.0])
    whole = bp.Program("sum(if(a > 0, W @ x, x))").at(a=1, W=[[1, 2], [3, 4]], x=[5, 6])
    assert whole.gradients["x"] == [4.0, 6.0]


SHIFTED = {"W": [[0.1, 0.2], [0.3, 0.7]], "X": [[0.1, 0.3], [0.2, -1], [0.4, 0.7]]}


@pytest.mark.parametrize(("program", "point", "zeros"), [
    ("z = [.1, .2, .7]; p = softmax(z + c); sum(p*p)", {"c": 3}, "c"),
    ("g = exp(z - m); p = g/sum(g); sum(p*w)", {"z": [1, 2], "w": [0.2, 3], "m": 0.3}, "m"),
    ("t = z - m; l = t - log(sum(exp(t))); sum(l*w)", {"z": [1, 2], "w": [0.2, 3], "m": 2}, "m"),
    ("cross_entropy(X @ W + c, y)", SHIFTED | {"c": 2, "y": [1, 0, 1]}, "c"),
    ("h = X @ W + b; n = batchnorm(h, g, s); sum(n^3)", SHIFTED | {"b": [0.1, 0.2], "g": [1, 2], "s": [0, 0.1]}, "b"),
    ("x = tanh(X @ W); m = mean(x, axis=0); v = mean((x - m)^2, axis=0); sum(sqrt(v))", SHIFTED, "m"),
    ("h = X @ W + c; n = layernorm(h, g, s); sum(n^3)", SHIFTED | {"c": 0.7, "g": [1, 2], "s": [0, 0.1]}, "c"),
    ("sum(sin(x + c)^2 + cos(x + c)^2)", {"x": [0.3, 0.7], "c": 1}, "c"),
    ("s = softmax(z); sum(s)", {"z": [0.3, -0.7, 2]}, "z"),
])  # fmt: skip
def test_what_cancels_as_a_formula_is_0_without_a_doubt(program, point, zeros):
    for nodes in (True, False):
        trace = bp.Program(program).at(point, wrt=[zeros], nodes=nodes)
        assert not np.any(trace.gradients[zeros]) and not trace.notes, trace.notes


@pytest.mark.parametrize(("program", "point", "right"), [
    ("sum(exp(x) - x)", {"x": [1e-80, 2e-80]}, [1e-80, 2e-80]),
    ("sum(x*x - 1e-70*x)", {"x": [1e-70, 0]}, [1e-70, -1e-70]),
    ("p = softmax(x); sum(p*w)", {"x": [0, 0], "w": [1, 1.0000000000000002]}, [-5e-17, 5e-17]),
    ("sum(sqrt(x^2 + 1) - sqrt((x + 1e-40)^2 + 1))", {"x": [0, 0]}, [-1e-40, -1e-40]),
])  # fmt: skip
def test_what_is_nearly_0_is_not_0(program, point, right):
    for nodes in (True, False):
        found = bp.Program(program).at(point, wrt=["x"], nodes=nodes).gradients["x"]
        assert all(abs(x - y) <= 1e-12 * abs(y) for x, y in zip(found, right, strict=True))


def test_a_value_that_is_a_quotient_is_known_as_that():
    trace = bp.Program("sum(relu(W @ x))").at({"W": [[0.4, -0.2], [0.1, 0.1]], "x": [1, 2]})
    assert close(trace["n1"].value, [0.0, 0.3]) and not trace["n1"].value[0]
    assert [note.kind for note in trace.notes] == ["kink", "sides"]  # and none on lost digits


def test_what_is_less_itself_is_0_over_floats():
    trace = bp.Program("h = exp(z)/3; t = h - max(h); sum(exp(t)*w)").at(
        {"z": [0.1, 0.7, 0.3], "w": [1, 2, 5]}
    )
    assert trace["t"].value[1] == 0 and not trace.notes
