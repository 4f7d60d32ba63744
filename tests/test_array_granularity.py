"""Nodes over arrays opened and folded: the numbers stay what they are."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backprop_grammar as bp
from backprop_grammar.arrays.flattened import flattened
from backprop_grammar.arrays.grouping import filled, parts_of, shaped
from backprop_grammar.arrays.lower import by_default
from backprop_grammar.arrays.point import bind
from backprop_grammar.errors import BackpropError
from backprop_grammar.language.printer import program_text
from backprop_grammar.operations.structural import REDUCTIONS, STRUCTURAL
from backprop_grammar.operations.table import OPERATIONS
from tests.support import call, often, schema

M, N = [[0.5, -1.2, 0.3], [0.8, 0.1, -0.6]], [[0.2, -0.3], [0.4, 0.1], [-0.5, 0.7]]
V, W = [0.3, -0.8, 1.7], [[0.1, 0.5], [-0.3, 0.8]]
SPELLED = "t = exp(s - max(s, axis=1)); p = t/sum(t, axis=1); "


def formulas(text: str, at: dict[str, Any], **how: Any) -> list[str]:
    trace = bp.Program(text).at(at, **how)
    return [f"{node.name} = {node.formula}" for node in trace.record.nodes if node.operands]


def alike(a: Any, b: Any, tolerance: float = 1e-12) -> bool:
    """Whether numbers agree; what is proved to be 0 on one side is next to it on the other."""
    x, y = np.array(a, float), np.array(b, float)
    return x.shape == y.shape and bool(np.all(np.abs(x - y) <= tolerance * np.maximum(np.abs(x), 1e-3)))  # fmt: skip


def same(trace: Any, plain: Any) -> None:
    assert alike(trace.value, plain.value)
    assert trace.gradients.keys() == plain.gradients.keys()
    for name, gradient in plain.gradients.items():
        assert alike(trace.gradients[name], gradient), name


def adds_up(trace: Any) -> None:
    """What reaches a node is its gradient."""
    record = trace.record
    sums: dict[int, Any] = {}
    for node in record.nodes:
        for edge in node.edges:
            sent = np.array(edge.contribution.floats)
            sums[edge.operand] = sums.get(edge.operand, 0) + sent
            if edge.local is not None and edge.kind == "elementwise" and not edge.fit:
                local = np.nan_to_num(
                    np.array(edge.local.floats, float)
                )  # none where nothing arrives
                assert alike(local * node.gradient.floats, sent)
    for node in record.nodes:
        if node.index in sums and node.gradient is not None and node.index != record.output:
            assert alike(sums[node.index], node.gradient.floats, 1e-10), node.name


# opened


@pytest.mark.parametrize(
    ("text", "at", "expand", "nodes"),
    [
        ("q = W @ x; sum(q^2)", {"W": W, "x": [0.2, 0.4]}, "q",
         ["n1 = W[0,0]", "n2 = W[0,1]", "n3 = W[1,0]", "n4 = W[1,1]", "n5 = x[0]", "n6 = x[1]", "n7 = n1*n5",
          "n8 = n2*n6", "n9 = n7 + n8", "n10 = n3*n5", "n11 = n4*n6", "n12 = n10 + n11", "q = [n9, n12]",
          "n13 = q^2", "n14 = sum(n13)"]),
        ("x @ x", {"x": [2, 3]}, "n1",
         ["n1 = x[0]", "n2 = x[1]", "n3 = x[0]", "n4 = x[1]", "n5 = n1*n3", "n6 = n2*n4", "n7 = n5 + n6"]),
        ("sum(x + b)", {"x": [1, 2], "b": 3}, "n1",
         ["n1 = x[0]", "n2 = x[1]", "n3 = n1 + b", "n4 = n2 + b", "n5 = [n3, n4]", "n6 = sum(n5)"]),
        ("p = softmax(s); sum(p^2)", {"s": V}, "softmax",
         ["n1 = max(s)", "n2 = s - n1", "n3 = exp(n2)", "n4 = sum(n3)", "p = n3/n4", "n5 = p^2", "n6 = sum(n5)"]),
        ("p = softmax(s); sum(p^2)", {"s": M}, "p",
         ["n1 = max(s, axis=1)", "n2 = s - n1", "n3 = exp(n2)", "n4 = sum(n3, axis=1)", "p = n3/n4", "n5 = p^2",
          "n6 = sum(n5)"]),
        ("cross_entropy(s, y)", {"s": M, "y": [0, 2]}, "cross_entropy",
         ["n1 = logsumexp(s, axis=1)", "n2 = pick(s, y)", "n3 = n1 - n2", "n4 = mean(n3)"]),
        ("cross_entropy(s, y)", {"s": V, "y": 1}, "cross_entropy,logsumexp",
         ["n1 = max(s)", "n2 = s - n1", "n3 = exp(n2)", "n4 = sum(n3)", "n5 = log(n4)", "n6 = n1 + n5",
          "n7 = pick(s, y)", "n8 = n6 - n7"]),
        ("cross_entropy(s, p)", {"s": [1, 2], "p": [0.25, 0.75]}, "cross_entropy",
         ["n1 = logsumexp(s)", "n2 = n1 - s", "n3 = p*n2", "n4 = sum(n3)"]),
        ("mean(X, axis=0) @ w", {"X": N, "w": [1, 2]}, "mean",
         ["n1 = sum(X, axis=0)", "n2 = n1/3", "n3 = n2 @ w"]),
        ("norm(x)", {"x": [3, 4]}, "norm", ["n1 = x^2", "n2 = sum(n1)", "n3 = sqrt(n2)"]),
        ("dot(x, x)", {"x": [3, 4]}, "dot", ["n1 = x*x", "n2 = sum(n1)"]),
        ("layer(x, W) = relu(W @ x); sum(layer(x, N))", {"x": [3, 4], "N": W}, "n2",
         ["n1 = N @ x", "n2 = max(n1, 0)", "n3 = n2", "n4 = sum(n3)"]),
        ("sq(u) = u*u; sum(sq(x))", {"x": [3, 4]}, "sq", ["n1 = x*x", "n2 = sum(n1)"]),
    ],
)  # fmt: skip
def test_what_is_opened(text, at, expand, nodes):
    plain, shown = bp.Program(text).at(at), bp.Program(text).at(at, expand=expand)
    assert formulas(text, at, expand=expand) == nodes
    same(shown, plain)
    adds_up(shown)
    document = json.loads(shown.json())
    schema("arrays").validate(document)
    names = {node["name"] for node in document["nodes"]}
    assert document["frames"]
    assert all({*frame["nodes"], frame["node"]} <= names for frame in document["frames"])


@pytest.mark.parametrize(
    ("text", "expand", "titles"),
    [
        ("q = W @ x; sum(q^2)", "q", ["W @ x"]),
        ("q = W @ x; sum(q^2)", "n1", ["q^2"]),
        ("softmax(W @ x)[0]", "softmax", ["softmax(n1)"]),
        ("sum(mean(W, axis=0)*x)", "mean", ["mean(W, axis=0)"]),
        ("layer(x, W) = relu(W @ x); sum(layer(x, W))", "", ["layer(x, W)"]),
        ("sum(W.T @ x)", "n1", ["W.T"]),
    ],
)
def test_what_a_frame_is_called(text, expand, titles):
    trace = bp.Program(text).at(W=W, x=[0.2, 0.4], expand=expand)
    assert [frame.title for frame in trace.record.frames] == titles


def test_what_stands_at_a_kink_stays_whole():
    trace = bp.Program("norm(x)^2 + sum(relu(x))").at(x=[0, 0], expand="norm,relu")
    assert (trace.value, trace.gradients) == (0.0, {"x": [0.0, 0.0]})
    assert sum("not expanded at its kink" in note.message for note in trace.notes) == 2
    assert "n1 = norm(x)" in formulas("norm(x)^2 + sum(relu(x))", {"x": [0, 0]}, expand="norm,relu")


# folded


@pytest.mark.parametrize(
    ("text", "at", "fold", "nodes"),
    [
        ("e = exp(x); p = e/sum(e); sum(p^2)", {"x": V}, "softmax", ["p = softmax(x)", "n1 = p^2", "n2 = sum(n1)"]),
        ("e = exp(x); p = e/sum(e, axis=0); sum(p^2)", {"x": V}, "all",
         ["p = softmax(x)", "n1 = p^2", "n2 = sum(n1)"]),
        (SPELLED + "-mean(log(pick(p, y)))", {"s": M, "y": [2, 1]}, "all", ["n1 = cross_entropy(s, y)"]),
        (SPELLED + "-mean(log(pick(p, y)))", {"s": M, "y": [2, 1]}, "softmax",
         ["p = softmax(s)", "n1 = pick(p, y)", "n2 = log(n1)", "n3 = mean(n2)", "n4 = -n3"]),
        ("t = s - max(s, axis=1); l = t - log(sum(exp(t), axis=1)); sum(l)", {"s": M}, "all",
         ["l = logsoftmax(s)", "n1 = sum(l)"]),
        ("-log(softmax(s)[y])", {"s": V, "y": 2}, "cross_entropy", ["n1 = cross_entropy(s, y)"]),
        ("sum(x)/3 + sqrt(sum(x*x)) + log(sum(exp(x)))", {"x": V}, "all",
         ["n1 = mean(x)", "n2 = norm(x)", "n3 = n1 + n2", "n4 = logsumexp(x)", "n5 = n3 + n4"]),
        ("mu = sum(X, axis=0)/3; sum((X - mu)^2)", {"X": N}, "mean",
         ["mu = mean(X, axis=0)", "n1 = X - mu", "n2 = n1^2", "n3 = sum(n2)"]),
        ("layer(x, W) = relu(W @ x); sum(layer(x, N))", {"x": [3, 4], "N": W}, "layer", ["n1 = layer(x, N)", "n2 = sum(n1)"]),
        ("layer(x, W) = relu(W @ x); sum(relu(N @ x))", {"x": [3, 4], "N": W}, "layer", ["n1 = layer(x, N)", "n2 = sum(n1)"]),
        ("sum(1/(1 + exp(-x)))", {"x": V}, "sigmoid", ["n1 = sigmoid(x)", "n2 = sum(n1)"]),
        ("sum(1/(1 + exp(x)))", {"x": V}, "sigmoid", ["n1 = sigmoid(-x)", "n2 = sum(n1)"]),
        ("q = W @ x; h = relu(q)^2; sum(h)", {"x": [3, 4], "W": W}, "h", ["h = relu(W @ x)^2", "n1 = sum(h)"]),
        # what is something else stays
        ("e = exp(X); sum((e/sum(e))^2)", {"X": M}, "all",
         ["e = exp(X)", "n1 = sum(e)", "n2 = e/n1", "n3 = n2^2", "n4 = sum(n3)"]),
        ("e = exp(X); sum((e/sum(e, axis=0))^2)", {"X": M}, "all",
         ["e = exp(X)", "n1 = sum(e, axis=0)", "n2 = e/n1", "n3 = n2^2", "n4 = sum(n3)"]),
        ("sum(X)/5 + sum(sum(X, axis=0)/3)", {"X": M}, "all",
         ["n1 = sum(X)", "n2 = n1/5", "n3 = sum(X, axis=0)", "n4 = n3/3", "n5 = sum(n4)", "n6 = n2 + n5"]),
        ("sum(exp(X - logsumexp(X, axis=0)))", {"X": M}, "all",
         ["n1 = logsumexp(X, axis=0)", "n2 = X - n1", "n3 = exp(n2)", "n4 = sum(n3)"]),
        ("e = exp(x); sum(e/sum(e)) + e[0]", {"x": V}, "all",
         ["e = exp(x)", "n1 = sum(e)", "n2 = e/n1", "n3 = sum(n2)", "n4 = e[0]", "n5 = n3 + n4"]),
    ],
)  # fmt: skip
def test_what_is_folded(text, at, fold, nodes):
    try:
        shown = bp.Program(text).at(at, fold=fold)
    except BackpropError as error:
        pytest.fail(str(error))
    assert formulas(text, at, fold=fold) == nodes
    same(shown, bp.Program(text).at(at))
    adds_up(shown)
    schema("arrays").validate(json.loads(shown.json()))


ROWS = [
    *(row for row in STRUCTURAL.values() if row.parts),
    *(OPERATIONS[name] for name, parts in REDUCTIONS.items() if parts),
]
AXES = ("mean", "logsumexp")
GIVEN = {
    **{name: [({"x": M}, f"{name}(x)"), ({"x": M}, f"{name}(x, axis=0)"), ({"x": M}, f"{name}(x, axis=1)"),
        ({"x": V}, f"{name}(x)"), ({"x": V}, f"{name}(x, axis=0)")] for name in AXES},
    "batchnorm": [({"x": N, "g": [1.5, 0.7], "b": [0.1, -0.3]}, "batchnorm(x, g, b)"),
        ({"x": M, "g": 2, "b": 0.5}, "batchnorm(x, g, b)")],
    "layernorm": [({"x": N, "g": [1.5, 0.7], "b": [0.1, -0.3]}, "layernorm(x, g, b)"),
        ({"x": V, "g": V, "b": 0.5}, "layernorm(x, g, b)")],
    "dot": [({"a": V, "b": [1.5, 2, -1]}, "dot(a, b)")],
    "cross_entropy": [
        ({"a": M, "y": [2, 0]}, "cross_entropy(a, y)"), ({"a": V, "y": 1}, "cross_entropy(a, y)"),
        ({"a": M, "y": [[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]]}, "cross_entropy(a, y)"),
        ({"a": V, "y": [0.2, 0.5, 0.3]}, "cross_entropy(a, y)"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_way_to_write_a_row_is_found(row):
    """Those that fit the shapes are the row, and those that do not are not."""
    seen = set()
    for at, called in GIVEN.get(
        row.name, [({"x": M}, f"{row.name}(x)"), ({"x": V}, f"{row.name}(x)")]
    ):
        whole = bp.Program(f"q = {called}; sum(q*q)").at(at)
        for text in parts_of(row):
            shape = np.shape(at.get("x", at.get("a")))
            axis = None if len(shape) == 1 or row.name in REDUCTIONS else 1
            if "axis=" in called:
                axis = int(called[-2])
            n = np.size(at.get("x")) // np.size(bp.Program(called).at(at, upstream="ones").value)
            spelled = filled(text, axis).replace("/n", f"/{n}")
            *stages, last = spelled.split("; ")
            program = bp.Program("; ".join([*stages, f"q = {last}", "sum(q*q)"]))
            try:
                plain = program.at(at)
            except BackpropError as error:
                assert error.kind == "shape"
                continue
            if plain.shapes["q"] != whole.shapes["q"] or not alike(plain.value, whole.value):
                assert row.name in ("cross_entropy", *AXES)  # of other labels, along another axis
                continue
            for fold in (row.name, "all"):
                shown = program.at(at, fold=fold)
                (q,) = (node for node in shown.record.nodes if node.name == "q")
                assert (q.kind, q.row.name, q.formula) == ("block", row.name, called), spelled
                same(shown, whole)
                adds_up(shown)
            seen.add(text)
    assert seen == {*parts_of(row)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_there_and_back_again(row):
    """Equal to 25 digits, which no rounding error has in common."""
    for at, called in GIVEN.get(
        row.name, [({"x": M}, f"{row.name}(x)"), ({"x": V}, f"{row.name}(x)")]
    ):
        program = bp.Program(f"q = {called}; sum(q*q)")
        opened = program.at(at, expand=row.name)
        assert row.name not in {node.row.name for node in opened.record.nodes}
        again = program.at(at, expand=row.name, fold=row.name)
        assert [node.formula for node in again.record.nodes] == [
            node.formula for node in program.at(at).record.nodes
        ]
        plain = program.at(at, precision=25).record
        for how in (
            {"expand": row.name},
            {"expand": row.name, "fold": row.name},
            {"expand": "q"},
            {"fold": "all"},
        ):
            shown = program.at(at, precision=25, **how).record
            assert shown.value.texts == plain.value.texts
            assert {name: x.texts for name, x in shown.gradients.items()} == {
                name: x.texts for name, x in plain.gradients.items()
            }


# functions of the program


def test_a_call_is_one_node_where_it_goes_element_by_element():
    text = "act(u, a) = u*sigmoid(a*u); sum(act(W @ x, 2))"
    assert formulas(text, {"W": N, "x": [1, 2]}) == ["n1 = W @ x", "n2 = act(n1, 2)", "n3 = sum(n2)"]  # fmt: skip
    trace = bp.Program(text).at(W=N, x=[1, 2])
    (edge,) = trace.record.by_name["n2"].edges
    assert edge.kind == "elementwise"
    assert alike(edge.local.floats, edge.contribution.floats)
    adds_up(trace)
    same(trace, bp.Program(text).at(W=N, x=[1, 2], expand="act"))


def test_a_call_over_whole_arrays_is_its_parts_unless_it_is_folded():
    text = "cell(x, h, W, U) = tanh(W @ x + U @ h); a = cell(x, h, W, U); b = cell(x, a, W, U); sum(b^2)"
    at = {"x": [0.3, -1], "h": [0.1, 0.4], "W": W, "U": [[0.5, 0.2], [-0.1, 0.9]]}
    plain, shown = bp.Program(text).at(at), bp.Program(text).at(at, fold="cell")
    assert [frame.title for frame in plain.record.frames] == ["cell(x, h, W, U)", "cell(x, a, W, U)"]  # fmt: skip
    assert formulas(text, at, fold="cell")[:2] == ["a = cell(x, h, W, U)", "b = cell(x, a, W, U)"]
    same(shown, plain)
    adds_up(shown)


def test_an_operand_that_is_given_twice_has_one_edge():
    trace = bp.Program("f(u, v) = u @ v; f(x, x)").at(x=[3, 4], fold="f")
    (edge,) = trace.record.nodes[-1].edges
    assert edge.contribution.floats == [6.0, 8.0]


def test_choices_in_functions():
    text = "huber(d) = if(abs(d) < 1, d^2/2, abs(d) - 1/2); sum(huber(x - y))"
    at = {"x": [0.5, -2, 3], "y": [0, 0.25, 1]}
    plain = bp.Program(text).at(at)
    for fold in ("huber", "all"):
        shown = bp.Program(text).at(at, fold=fold)
        same(shown, plain)
        adds_up(shown)
    same(bp.Program("f(u) = u^3; sum(if(x < 0, f(x), x))").at(x=[-2, 3]), bp.Program("sum(if(x < 0, x^3, x))").at(x=[-2, 3]))  # fmt: skip


# all of it as numbers


def test_all_is_a_program_over_numbers():
    trace = bp.Program("q = W @ x; sum(q^2)").at(W=W, x=[0.2, 0.4], expand="all")
    document = json.loads(trace.json())
    schema("trace").validate(document)
    assert document["format"] == "backprop-trace/1"
    assert document["program"] == (
        "q_0 = W_0_0*x_0 + W_0_1*x_1; q_1 = W_1_0*x_0 + W_1_1*x_1; "
        "n1_0 = q_0^2; n1_1 = q_1^2; n2 = n1_0 + n1_1"
    )
    assert alike([trace.gradients[f"W_0_{k}"] for k in (0, 1)], [0.088, 0.176])
    again = bp.Program(document["program"]).at(document["at"], expand="all")
    assert {node.name for node in again} == {node.name for node in trace}
    assert again.gradients == trace.gradients


FLAT = {
    "names that are taken": ("W_0_0*sum(W) + W_0_1", {"W": W, "W_0_0": 2, "W_0_1": 3}),
    "one name for two": ("sum(a @ a_1) + a_1_0", {"a": W, "a_1": [1, 2], "a_1_0": 3}),
    "labels": ("cross_entropy(s, y) + sum(s[y])", {"s": [[1, 2], [3, 4]], "y": [0, 1]}),
    "labels that are numbers too": ("pick(s, y) + 2*y", {"s": V, "y": 1}),
    "what is not used": ("x[0]^2 + z", {"x": [2, 3], "z": 1}),
    "numbers in arrays": ("m = [x, 2, 3]; sum(m^2)", {"x": 2}),
    "values of its own": ("x = [1, 2]; k = 3; k*sum(x*w)", {"w": [5, 6]}),
    "choices": ("sum(if(d < 1, if(d < 0, d^3, d^2), 2*d))", {"d": [0.5, -2, 3]}),
    "functions": ("f(u, A) = A @ u; sum(f(f(x, A), A))", {"x": [1, 2], "A": W}),
    "a single number": ("x.T @ x", {"x": [1, 2]}),
    "a number as output": ("t = sum(x); u = 2*x; t", {"x": [1, 2]}),
}


@pytest.mark.parametrize("case", FLAT)
def test_the_text_of_all_numbers_is_a_program(case):
    text, at = FLAT[case]
    program = bp.Program(text)
    bound, point = bind(program.record, at)
    flat = flattened(bound, point)
    written = bp.Program(program_text(flat.graph))
    plain = program.at(at)
    found = written.at(flat.at)
    assert alike(found.value, np.array(plain.value).ravel()[0])
    named = [name for _, names in flat.layout.values() for name in names if not name[0].isdigit()]
    assert len({*named}) == len(named)
    for name, gradient in plain.gradients.items():
        _, names = flat.layout[name]
        assert alike([found.gradients[one] for one in names], np.array(gradient).ravel()), name
    assert {*flat.at} == {*written.inputs}
    for expand in ("all", "all,sum"):
        shown = program.at(at, expand=expand)
        assert alike(shown.value, found.value)
        for name, gradient in shown.gradients.items():
            assert alike(gradient, found.gradients[name])


def test_all_takes_what_else_is_asked():
    program, at = bp.Program("q = W @ x; sum(q^2)"), {"W": W, "x": [0.2, 0.4]}
    plain = program.at(at)
    assert [*program.at(at, expand="all", wrt="q,W").gradients] == ["q_0", "q_1", "W_0_0", "W_0_1", "W_1_0", "W_1_1"]  # fmt: skip
    shown = program.at(at, expand="all", output="q", upstream=[2, -1])
    told = program.at(at, output="q", upstream=[2, -1])
    assert alike([shown.gradients[f"x_{k}"] for k in (0, 1)], told.gradients["x"])
    element = program.at(at, expand="all", output="q_1", wrt="x_0,x_1")
    assert alike([*element.gradients.values()], W[1])
    assert program.at(at, expand="all", precision=30).record.precision == 30
    assert not program.at(at, expand="all", nodes=False).record.nodes
    assert "q_0" in {node.name for node in program.at(at, expand="all", fold="q_0")}
    assert alike(plain.gradients["x"], [program.at(at, expand="all").gradients[f"x_{k}"] for k in (0, 1)])  # fmt: skip


# everything at once


VECTOR, MATRIX = ("u", "v"), ("A", "B")
STEPS = {
    # what a stage may be, by the kind of what it makes: vectors of 3 and matrices of 2x3
    "vector": ["{v} + {v}", "{v}*{v}", "tanh({v})", "softmax({v})", "{m}.T @ [1, -2]", "K @ {v}", "{v}/norm({v})",
        "exp({v})/sum(exp({v}))", "act({v})", "lin({v}, K)", "logsoftmax({v})", "1/(1 + exp(-{v}))", "{v} - mean({v})",
        "relu({v})", "max(0, {v})"],
    "matrix": ["{m} + {v}", "{m}*{m}", "sigmoid({m})", "{m} @ K", "softmax({m})", "{m} - sum({m}, axis=1)/3",
        "act({m})", "{m}*mean({m}, axis=0)", "exp({m} - logsumexp({m}, axis=1))", "{m}/norm({m})", "lin({m}.T, K).T"],
    "number": ["sum({v}^2)", "sum({m})/6", "cross_entropy({m}, [2, 0])", "sqrt(sum({v}^2))", "dot({v}, {v})",
        "mean({m} @ {v})", "log(sum(exp({v})))", "-mean(log(pick(softmax({m}), [0, 1])))", "norm({m})"],
}  # fmt: skip
HEAD = "act(u) = u*sigmoid(u); lin(u, P) = tanh(P @ u) + P @ u; "


@st.composite
def array_programs(draw: Any) -> tuple[str, list[str]]:
    """A program over arrays, and the names of its stages."""
    names = {"vector": ["u", "v"], "matrix": ["A", "B"]}
    stages = []
    for k in range(draw(st.integers(2, 5))):
        kind = draw(st.sampled_from(["vector", "matrix"]))
        step = draw(st.sampled_from(STEPS[kind]))
        name = f"{kind[0]}{k}"
        stages.append(f"{name} = {fill(draw, step, names)}")
        names[kind].append(name)
    ends = [fill(draw, draw(st.sampled_from(STEPS["number"])), names) for _ in range(2)]
    return HEAD + "; ".join([*stages, f"s = {ends[0]}", f"s + {ends[1]}"]), [
        *(one.split(" = ")[0] for one in stages), "s",
    ]  # fmt: skip


def fill(draw: Any, step: str, names: dict[str, list[str]]) -> str:
    while "{" in step:
        kind = "vector" if step[step.index("{") + 1] == "v" else "matrix"
        one = draw(st.sampled_from(names[kind][-3:]))
        step = step.replace("{" + kind[0] + "}", one, 1)
    return step


FUNCTIONS = [*(row.name for row in ROWS), "sigmoid", "relu", "tanh", "act", "lin", "max"]
POINT = {"u": V, "v": [0.4, 1.1, -0.2], "A": M, "B": [[1.5, 0.2, -0.7], [0.9, 0.3, 0.6]],
    "K": [[0.4, -0.1, 0.2], [0.3, 0.8, -0.5], [-0.6, 0.1, 0.7]]}  # fmt: skip


@settings(max_examples=often(6, 80), deadline=None)
@given(array_programs(), st.data())
def test_no_choice_changes_a_number(made, data):
    text, stages = made
    program = bp.Program(text)
    at = {name: POINT[name] for name in program.inputs}
    plain = program.at(at)
    adds_up(plain)
    for option in ("expand", "fold", "both"):
        chosen = {}
        for one in ("expand", "fold") if option == "both" else (option,):
            known = [*stages, *FUNCTIONS]
            chosen[one] = data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=3, unique=True))  # fmt: skip
        for one, names in chosen.items():
            chosen[one] = [name for name in names if taken(program, at, one, name)]
        if option != "both":
            chosen = chosen if data.draw(st.booleans()) or option == "expand" else {"fold": ["all"]}
        try:
            shown = program.at(at, **chosen)
        except BackpropError as error:
            assert error.kind == "name", (
                text,
                chosen,
            )  # of what was folded, or opened, just before
            continue
        same(shown, plain)
        adds_up(shown)
    flat = program.at(at, expand="all")
    assert alike(flat.value, plain.value)
    for name, gradient in plain.gradients.items():
        numbers = [x for one, x in flat.gradients.items() if one.startswith(f"{name}_")]
        assert alike(numbers, np.array(gradient).ravel()), (text, name)


def taken(program: Any, at: dict[str, Any], option: str, name: str) -> bool:
    """Whether a name can be opened, or folded, at all."""
    bound, point = bind(program.record, at)
    choice = {"expand": [], "fold": [], option: [name]}
    try:
        shaped(by_default(bound), point, choice["expand"], choice["fold"], [], lambda _: set())
    except BackpropError as error:
        assert error.kind == "name"
        return False
    return True


# what is said


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--expand", "softmax"], "the program has no softmax to expand"),
        (["--fold", "softmax"], "it is written t = exp(x - max(x)); t/sum(t)"),
        (["--fold", "mean"], "it is written sum(x)/n"),
        (["--expand", "exp"], "a node over arrays is opened by its name"),
        (["--expand", "W"], "W has no parts to expand"),
        (["--fold", "sofmax"], "did you mean softmax?"),
        (["--expand", "r"], "there is no function and no node called r"),
        (["--fold", "W"], "nothing to fold into W"),
        (["--fold", "q", "--wrt", "n1"], "nothing to fold"),
        (["--expand", "q,softmax"], "the program has no softmax to expand"),
    ],
)
def test_refusals(args, said):
    code, out, err = call(
        "eval", "q = W @ x; sum(q)", "--at", "W=[[1,2],[3,4]],x=[1,2]", "--json", *args
    )
    assert (code, out) == (1, "")
    assert said in err


def test_what_stands_inside_a_node_is_opened_with_it():
    code, _, err = call(
        "eval", "f(u) = sigmoid(u)^2; sum(f(x))", "--at", "x=[1,2]", "--expand", "sigmoid", "--json"
    )
    assert code == 1
    assert "write --expand f,sigmoid" in err


def test_too_many_nodes_are_refused_before_the_work():
    big = [[1.0] * 40 for _ in range(40)]
    with pytest.raises(BackpropError, match="q would be opened into more than 2,000 nodes"):
        bp.Program("q = A @ x; sum(q)").at(A=big, x=[1.0] * 40, expand="q")


def test_the_command_line_asks_the_same():
    args = ["q = W @ x; sum(q^2)", "--at", "W=[[0.1,0.5],[-0.3,0.8]],x=[0.2,0.4]"]
    code, out, err = call("eval", *args, "--expand", "q", "--json")
    assert code == 0, err
    assert json.loads(out)["frames"][0]["title"] == "W @ x"
    code, out, err = call("eval", *args, "--expand", "all", "--json")
    assert (code, json.loads(out)["format"]) == (0, "backprop-trace/1"), err
    code, out, err = call("eval", *args, "--expand", "all")
    assert code == 0, err
    assert "W_1_0" in out
