"""Large programs over arrays as people see them: whichever engine computes, the trace is alike.

What whole screens look like is recorded in screens/large*.screen.
"""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

import backprop_grammar as bp
from backprop_grammar.arrays import evaluate as by_numbers
from backprop_grammar.arrays.point import bind
from backprop_grammar.arrays.question import question
from backprop_grammar.arrays.record import TraceByNumbers
from backprop_grammar.errors import BackpropError
from backprop_grammar.language.parser import parse
from backprop_grammar.large import choice
from backprop_grammar.large.answer import answer
from backprop_grammar.numbers.wide import UNCERTAIN, as_float
from backprop_grammar.trace.record import KINKS
from backprop_grammar.views.documents import array_json
from backprop_grammar.views.options import Options
from tests.screens import ROOT
from tests.support import call, often, schema
from tests.test_array_rows import PROGRAMS as OF_ROWS
from tests.test_array_screens import PROGRAMS as SEEN
from tests.test_arrays import PROGRAMS

SCHEMA = schema("arrays")
X, W = [[1, 2.5], [-1, 0.5], [0.25, -3]], [[0.5, -1, 0.2], [0.1, 0.3, -0.4]]
OWN = {
    "a function by element": ("f(u, v) = u*v + exp(u); sum(f(X, c))", {"X": X, "c": [1, 2]}),
    "a function of arrays": ("f(u, v) = u @ v; sum(f(X, W)^2)", {"X": X, "W": W}),
    "a choice by element": ("sum(if(X > 0, X^2, exp(X)))", {"X": X}),
    "a choice": ("sum(if(a > 0, X^2, exp(X*b)))", {"X": X, "a": 1, "b": 2}),
    "no number is selected": ("sum(sqrt(relu(X)))", {"X": X}),
    "kinks": ("sum(relu(X)*c) + sum(max(X, Y))", {"X": [[0, 1], [2, 0]], "Y": [[0, 3], [1, 2]], "c": 3}),
    "a tie": ("sum(max(X, axis=1)) + max(maxpool(v, 2))", {"X": [[1, 1], [2, 0]], "v": [1, 1, 0, 3]}),
    "a boundary": ("sum(if(x > 1, x^2, 2*x))", {"x": [1, 2]}),
}  # fmt: skip
ALL = {
    **{name: (text, at) for name, (text, at, *_) in PROGRAMS.items()},
    **{name: (text, at) for name, (text, at, *_) in OF_ROWS.items()},
    **{name: (row[0], row[1]) for name, row in SEEN.items()},
    **OWN,
}
LAYER = "z = X @ W + b; h = tanh(z); sum(h^2)"


def layer(rows: int = 40, seed: int = 1):
    rng = np.random.default_rng(seed)
    return {"X": rng.normal(size=(rows, 30)), "W": rng.normal(size=(30, 20)), "b": np.zeros(20)}


def asked(text, at, **how):
    bound, values = bind(parse(text), at)
    return question(bound, values, **{"upstream": "ones", **how})


def number(x):
    return None if x is None else as_float(x)


def assert_near(what, found, right):
    """The numbers of an array in both traces, as far as both have them."""
    assert (found is None) == (right is None), what
    if found is None:
        return
    assert found.shape == right.shape, what
    size = max([abs(y) for x in right.numbers if (y := number(x)) is not None], default=0)
    for x, y in zip(found.numbers, right.numbers, strict=True):
        if None in (number(x), number(y)):
            assert x is None or y is None or number(x) is number(y) or UNCERTAIN in (x, y), what
        else:
            assert math.isclose(number(x), number(y), rel_tol=2.0**-43, abs_tol=1e-20 * size), what


@pytest.mark.parametrize("name", list(ALL)[:: often(3, 1)])
def test_a_trace_is_alike_whichever_engine_made_it(name):
    text, at = ALL[name]
    for nodes in (True, False):
        one = replace(asked(text, at), nodes=nodes)
        right = by_numbers.answered(one)
        found, decided = answer(one)
        assert found.output == right.output and found.at == right.at
        jumps = {flag.path for flag in right.flags} or right.decided  # what is not decided here
        assert_near("value", found.value, right.value)
        assert found.gradients.keys() == right.gradients.keys()
        for label, gradient in found.gradients.items():
            assert jumps or not assert_near(label, gradient, right.gradients[label])
        assert len(found.nodes) == len(right.nodes)
        for a, b in () if jumps else zip(found.nodes, right.nodes, strict=True):
            assert (a.name, a.kind, a.formula, a.operands) == (b.name, b.kind, b.formula, b.operands)  # fmt: skip
            assert_near(a.name, a.value, b.value)
            assert_near(f"d{a.name}", a.gradient, b.gradient)
            if decided:
                assert [one.place for one in a.edges] == [one.place for one in b.edges], a.name
            for e, f in zip(a.edges, b.edges, strict=False):
                assert (e.kind, e.sent, e.fit) == (f.kind, f.sent, f.fit)
                assert_near(f"from {a.name}", e.contribution, f.contribution)
                assert_near(f"from {a.name}", e.unsummed, f.unsummed)
                assert_near(f"local {a.name}", e.local, f.local)
        if nodes:
            met = [{(note.kind, note.node) for note in one.notes if note.kind in KINKS} for one in (found, right)]  # fmt: skip
            assert met[0] == met[1]
            assert found.kinks == right.kinks
        SCHEMA.validate(array_json.document(found))


def test_parts_of_arrays_are_differentiated_by():
    right = by_numbers.answered(asked(LAYER, layer(1), wrt=["W[2,3]", "h"]))
    found, _ = answer(asked(LAYER, layer(1), wrt=["W[2,3]", "h"]))
    for label, gradient in right.gradients.items():
        assert_near(label, found.gradients[label], gradient)
    assert found.values.keys() == right.values.keys()
    several = {"output": ["z", "h"], "upstream": {"z": "ones", "h": "ones"}}
    right, (found, _) = (f(asked(LAYER, layer(1), **several)) for f in (by_numbers.answered, answer))  # fmt: skip
    assert_near("W", found.gradients["W"], right.gradients["W"])
    assert [k for k, _, _ in found.outputs] == [k for k, _, _ in right.outputs]


def test_the_engine_is_chosen_by_size(monkeypatch):
    monkeypatch.setattr(choice, "SMALL", 2_400)
    small, middle, large = (asked(LAYER, layer(rows)) for rows in (1, 2, 40))
    assert small.work <= 2_400 < middle.work <= 20_000 < large.work
    kinds = [isinstance(choice.answered(one), TraceByNumbers) for one in (small, middle, large)]
    assert kinds == [True, False, False]
    monkeypatch.setattr(choice, "SMALL", 10)
    short = asked("sum(abs(A))", {"A": np.ones(5)})
    assert not isinstance(choice.answered(short), TraceByNumbers)
    doubt = asked("sum(abs(A))", {"A": np.zeros(5)})  # which is decided number by number
    assert isinstance(choice.answered(doubt), TraceByNumbers)
    precise = choice.answered(replace(short, precision=20))
    assert isinstance(precise, TraceByNumbers) and precise.precision == 20
    with pytest.raises(BackpropError, match="more than are computed to 20 digits"):
        choice.answered(replace(large, precision=20))
    # without NumPy
    monkeypatch.setattr(choice, "find_spec", lambda name: None)
    assert isinstance(choice.answered(short), TraceByNumbers)
    with pytest.raises(BackpropError) as caught:
        choice.answered(large)
    assert f"{large.work:,} operations on numbers, more than" in caught.value.message
    assert "pip install 'backprop-cli[data]'" in caught.value.hint


def test_what_is_not_decided_is_refused_by_element():
    a = np.linspace(0.5, 1.5, 15_000).reshape(150, 100)
    a[2, 3] = 0
    trace = bp.Program("sum(sqrt(A))").at(A=a)
    (flag,) = trace.flags
    assert (flag.path, flag.status, flag.sign) == ("gradients.A[2][3]", "infinite", "+")
    assert trace.gradients["A"][2][3] is None and math.isclose(trace.gradients["A"][0][0], 0.5**0.5)
    a[2, 3] = -1
    with pytest.raises(BackpropError, match="sqrt of a negative number"):
        bp.Program("sum(sqrt(A))").at(A=a)
    # digits that a double-double does not have are not guessed
    x = np.full(20_000, 3e-30)
    x[0] = 1
    trace = bp.Program("y = x - 1; sum(log(y + 1 + 1e-70) - log(x))").at(x=x)
    assert {flag.status for flag in trace.flags} <= {"uncertain"}
    text = "(x - 1e30) + 1e30 - x + 1e-20*x"
    found, decided = answer(asked(f"sum({text})", {"x": [3e-25, 1.0]}))
    assert not decided or np.allclose(found.gradients["x"].floats, 1e-20, rtol=1e-12)


def test_zeros_are_proved_or_told_with_their_bound():
    trace = bp.Program((ROOT / "samples/makemore.bp").read_text(encoding="utf-8")).at(nodes=False)
    assert set(trace.gradients["b1"]) == {0.0} and not trace.notes and not trace.flags
    at = {"x": np.full(8_000, 0.3), "c": 2.0}
    found, _ = answer(asked("sum(sin(c*x)*x - 2*sin(x)*cos(x)*x)", at, wrt=["c"]))
    assert isinstance(found.value.numbers[0], float)
    for note in found.notes:
        assert "cannot be told from 0" in note.message


REFUSED = [
    ("explain", "--why", "W", "is found number by number, for up to 20,000 operations"),
    ("graph", "--format", "html", "a page computes number by number, for up to 20,000 operations"),
    ("eval", "--expand", "n1", "would be opened into more than 2,000 nodes"),
    ("eval", "--precision", "30", "more than are computed to 30 digits (20,000)"),
]


@pytest.mark.parametrize(("command", "option", "value", "said"), REFUSED)
def test_what_needs_every_number_is_refused(command, option, value, said, tmp_path):
    np.savez(tmp_path / "at.npz", **layer())
    code, out, err = call(command, LAYER, "--at", f"@{tmp_path / 'at.npz'}", option, value)
    assert (code, out) == (1, "") and said in err


def test_documents_of_large_results(tmp_path, monkeypatch):
    at = layer(400)
    np.savez(tmp_path / "at.npz", **at)
    point = f"@{tmp_path / 'at.npz'}"
    code, out, _ = call("eval", LAYER, "--at", point, "--json")
    document = json.loads(out)
    assert code == 0 and np.shape(document["gradients"]["X"]) == (400, 30)
    assert document["nodes"] == []  # more than 10,000 numbers in one
    z = at["X"] @ at["W"] + at["b"]
    sent = 2 * np.tanh(z) * (1 - np.tanh(z) ** 2)
    assert np.allclose(document["gradients"]["W"], at["X"].T @ sent, rtol=1e-9)
    code, out, _ = call("eval", LAYER, "--at", point, "--json", "--all")
    names = [node["name"] for node in json.loads(out)["nodes"]]
    assert names == ["X", "W", "n1", "b", "z", "h", "2", "n2", "n3"]
    code, out, _ = call("eval", LAYER, "--at", point, "--get", "gradients.b")
    assert json.loads(out) == document["gradients"]["b"]
    for width in ("200", "60", "20"):
        monkeypatch.setenv("COLUMNS", width)
        code, out, _ = call("eval", LAYER, "--at", point)
        assert code == 0 and len(out) < 30_000


def test_pictures_and_words_of_large_results():
    trace = bp.Program(LAYER).at(layer())
    assert "40x30" in trace.svg() and "relu" not in trace.svg()
    assert "X.T @ up" in str(trace.explain("n1"))
    assert trace["n1"].edges[0].sent == "up @ W.T" and trace.shapes["h"] == (40, 20)
    options = Options(6)
    assert "norm" in array_json.render(trace.record, options) or trace.value > 0
    again = bp.Program(LAYER).at(layer(), fold="h", nodes=True)
    assert again.gradients == trace.gradients
