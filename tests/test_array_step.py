"""Steps over vectors and matrices: an oracle with loops and differences of its own, and what is shown."""

# ruff: noqa: N803, N806  a matrix has a capital letter

import json
import math
import pickle
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mp

import backprop_grammar as bp
from backprop_grammar.errors import BackpropError
from tests import arrays as loops
from tests.arrays import each, squares, times
from tests.support import call, schema

W, X = [[0.1, 0.5], [-0.3, 0.8]], [0.2, 0.4]
PROGRAMS = {
    "squares": (
        "q = W @ x; sum(q^2)",
        lambda W, x: squares(times(W, x)),
        {"W": W, "x": X},
    ),
    "layer": (
        "mean(tanh(X @ W + b)^2)",
        lambda X, W, b: loops.mean(
            [mp.tanh(z) ** 2 for row in times(X, W) for z in each(lambda s, t: s + t, row, b)]
        ),
        {"X": [[1.0, 2.0], [-1.0, 0.5], [0.25, -2.0]], "W": [[0.5, -0.2], [0.1, 0.4]], "b": [0.1, -0.3]},
    ),
    "mixed": (
        "s*sum(exp(x)) + s^2",
        lambda s, x: s * mpmath.fsum(map(mp.exp, x)) + s**2,
        {"s": 0.5, "x": [0.1, -0.2, 0.3]},
    ),
    "softmax": (
        "cross_entropy(W @ x, y)",
        lambda W, x, y: -mp.log(loops.softmax(times(W, x))[int(y)]),
        {"W": [[0.5, 1.0], [0.25, -1.0], [0.1, 0.2]], "x": [1.0, 2.0], "y": 2},
    ),
}  # fmt: skip


def updates(method: str, gradient: float, memory: list[float], number: int) -> float:
    """What one number goes down by, of rate 1; the memory is changed."""
    if method == "gd":
        return gradient
    if method == "momentum":
        memory[0] = 0.9 * memory[0] + gradient
        return memory[0]
    memory[0] = 0.9 * memory[0] + 0.1 * gradient
    memory[1] = 0.999 * memory[1] + 0.001 * gradient**2
    return memory[0] / (1 - 0.9**number) / (math.sqrt(memory[1] / (1 - 0.999**number)) + 1e-8)


def gone_down(f, point, stepped, method, rate, steps):
    """The point after some steps, each element by itself, with differences for gradients."""
    point = json.loads(json.dumps(point))
    memories: dict[Any, list[float]] = {}
    fixed = tuple(name for name in point if name not in stepped)
    for number in range(1, steps + 1):
        _, found = loops.gradients(f, point, fixed)
        for name in stepped:
            for place, gradient in found[name].items():
                memory = memories.setdefault((name, place), [0.0, 0.0])
                change = rate * updates(method, gradient, memory, number)
                point[name] = loops.moved(point[name], place, -change)
    return point


def close(found, right, tolerance=1e-9):
    if isinstance(right, list):
        return len(found) == len(right) and all(map(close, found, right))
    return abs(found - right) <= tolerance * max(1, abs(right))


def document(program, point, *more):
    code, out, err = call("step", program, "--at", json.dumps(point), "--json", *more)
    assert code in (0, 3), err
    found = json.loads(out, parse_constant=lambda word: 1 / 0)
    schema("array_step").validate(found)
    return found


def test_the_notes_of_a_kink_are_in_the_schema():
    found = document("sum(abs(x))", {"x": [0, 1]})
    assert {"kink", "sides"} <= {note["kind"] for note in found["notes"]}
    code, out, _ = call("step", "abs(x)", "--at", "x=0", "--json")
    assert code == 0
    schema("step").validate(json.loads(out))


@pytest.mark.parametrize("method", ["gd", "momentum", "adam"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_each_element_is_stepped(name, method):
    program, f, point = PROGRAMS[name]
    stepped = [name for name in point if name != "y"]
    right = gone_down(f, point, stepped, method, 0.05, 4)
    found = document(program, point, "--rate", "0.05", "--steps", "4", "--method", method)
    assert found["wrt"] == stepped
    assert found["steps"] == 4
    for one, value in right.items():
        assert close(found["at"][one], value), one
    with mp.workdps(30):
        assert found["value"] == pytest.approx(float(f(**{k: v if k == "y" else loops.number(v) for k, v in right.items()})))  # fmt: skip


CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases/vectors.jsonl").read_text("utf-8").splitlines()
]
NOW = [case for case in CASES if "issue" not in case and not isinstance(case["value"], list)]


@pytest.mark.parametrize("case", NOW, ids=lambda case: case["id"])
def test_one_step_of_published_programs(case):
    wrt = [name for name in case["grads"] if name in case["inputs"]]
    if not wrt:
        pytest.skip("it is differentiated by its stages")
    trace = bp.Program(case["program"]).at(case["inputs"], wrt=wrt)
    found = document(case["program"], case["inputs"], "--wrt", ",".join(wrt), "--rate", "0.25")
    for name in wrt:
        gradient = np.array(trace.gradients[name], float)
        told = np.array(found["trajectory"][0]["gradients"][name], float)
        assert np.allclose(told, gradient, rtol=1e-14, atol=1e-300)
        if found["steps"]:
            right = np.array(case["inputs"][name], float) - 0.25 * told
            assert np.array_equal(found["at"][name], right), name
    for name, value in case["inputs"].items():
        if name not in wrt:
            assert np.array_equal(found["at"][name], value)


@pytest.mark.parametrize("name", PROGRAMS)
def test_only_what_is_named_is_stepped(name):
    program, f, point = PROGRAMS[name]
    one = next(iter(point))
    found = document(program, point, "--wrt", one, "--steps", "3")
    assert found["wrt"] == [one]
    assert list(found["gradients"]) == [one]
    right = gone_down(f, point, [one], "gd", 0.1, 3)
    assert close(found["at"][one], right[one])
    for other in point:
        assert other == one or found["at"][other] == point[other]


def test_an_element_alone_is_stepped():
    program, f, point = PROGRAMS["squares"]
    found = document(program, point, "--wrt", "W[0,1],x[1]", "--steps", "2", "--rate", "0.5")
    assert found["wrt"] == ["W[0,1]", "x[1]"]
    right = json.loads(json.dumps(point))
    for _ in range(2):
        _, slopes = loops.gradients(f, right)
        right["W"][0][1] -= 0.5 * slopes["W"][0, 1]
        right["x"][1] -= 0.5 * slopes["x"][1,]
    assert close(found["at"]["W"], right["W"])
    assert close(found["at"]["x"], right["x"])
    assert found["trajectory"][-1]["at"] == {"W[0,1]": found["at"]["W"][0][1], "x[1]": found["at"]["x"][1]}  # fmt: skip


def test_an_array_is_stepped_as_its_elements_are():
    arrays = document("sum((W @ x)^2)", {"W": W, "x": X}, "--steps", "20")
    numbers = "(a*x + b*y)^2 + (c*x + d*y)^2"
    at = {"a": 0.1, "b": 0.5, "c": -0.3, "d": 0.8, "x": 0.2, "y": 0.4}
    _, out, _ = call("step", numbers, "--at", json.dumps(at), "--steps", "20", "--json")
    same = json.loads(out)
    assert [*loops.all_of(arrays["at"]["W"]), *arrays["at"]["x"]] == pytest.approx([same["at"][name] for name in at], rel=1e-12)  # fmt: skip
    assert [arrays[k] for k in ("value", "predicted", "actual")] == pytest.approx([same[k] for k in ("value", "predicted", "actual")])  # fmt: skip


def test_the_document_is_a_point():
    found = document("cross_entropy(W @ x, y)", PROGRAMS["softmax"][2], "--steps", "3")
    text = json.dumps(found)
    code, out, err = call("eval", "cross_entropy(W @ x, y)", "--at", "@-", "--json", stdin=text.encode())  # fmt: skip
    assert code == 0, err
    assert json.loads(out)["value"] == found["value"]
    assert json.loads(out)["at"] == found["at"]
    assert json.loads(out)["gradients"] == found["gradients"]


def test_a_stream_has_a_line_a_step():
    code, out, _ = call("step", "sum((W @ x)^2)", "--at", json.dumps({"W": W, "x": X}), "--steps", "3", "--stream", "--wrt", "x")  # fmt: skip
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [row["step"] for row in rows] == [0, 1, 2, 3]
    assert rows[0]["at"] == {"x": X}
    whole = document("sum((W @ x)^2)", {"W": W, "x": X}, "--steps", "3", "--wrt", "x")
    assert rows == whole["trajectory"]


def test_a_gradient_that_does_not_exist_ends_the_run():
    found = document("sum(sqrt(x))", {"x": [[1, 0], [4, 9]]})
    assert (found["steps"], found["end"]) == (0, "undefined")
    assert found["gradients"] == {"x": [[0.5, None], [0.25, 1 / 6]]}
    assert [flag["path"] for flag in found["flags"]] == ["gradients.x[0][1]"]


def test_what_a_number_overflows_is_named():
    code, out, _ = call("step", "sum(W @ x)", "--at", "W=[1,2],x=[1e308,1]", "--up", "--rate", "1e200", "--json")  # fmt: skip
    assert code == 3
    assert "W[0] overflows" in json.loads(out)["flags"][0]["message"]


def test_the_run_over_rows(tmp_path):
    """Softmax regression on rows of a file, against loops."""
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(12, 2)).round(3), rng.integers(0, 3, 12)
    T = np.eye(3)[y]
    lines = ["x_0,x_1,t_0,t_1,t_2"]
    lines += [",".join(map(repr, [*map(float, x), *map(float, t)])) for x, t in zip(X, T, strict=True)]  # fmt: skip
    (tmp_path / "p.csv").write_text("\n".join(lines) + "\n")
    point = {"W": [[0.1, 0.2], [0.0, -0.1], [0.3, 0.0]], "b": [0.0, 0.1, 0.0]}
    found = document("cross_entropy(W @ x + b, t)", point, "--points", str(tmp_path / "p.csv"), "--steps", "5", "--rate", "0.7")  # fmt: skip
    assert found["rows"] == 12
    assert sorted(found["at"]) == ["W", "b"]
    W, b = np.array(point["W"]), np.array(point["b"])
    for _ in range(5):
        Z = X @ W.T + b
        P = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
        W, b = W - 0.7 * (P - T).T @ X / 12, b - 0.7 * (P - T).mean(axis=0)
    assert close(found["at"]["W"], W.tolist(), 1e-12)
    assert close(found["at"]["b"], b.tolist(), 1e-12)
    labels = ["x_0,x_1,y"] + [f"{x[0]!r},{x[1]!r},{k}" for x, k in zip(X.tolist(), y, strict=True)]
    (tmp_path / "q.csv").write_text("\n".join(labels) + "\n")
    same = document("cross_entropy(W @ x + b, y)", point, "--points", str(tmp_path / "q.csv"), "--steps", "5", "--rate", "0.7")  # fmt: skip
    assert same["at"] == found["at"]
    by_label = bp.Program("cross_entropy(W @ x + b, y)").descend(**point, rows={"x": X, "y": y}, steps=5, rate=0.7)  # fmt: skip
    assert close(by_label.final.at["W"], found["at"]["W"], 1e-12)
    run = bp.Program("cross_entropy(W @ x + b, t)").descend(**point, rows={"x": X, "t": T}, steps=5, rate=0.7)  # fmt: skip
    assert close(run.final.at["W"], found["at"]["W"], 1e-12)
    assert pickle.loads(pickle.dumps(run)).final.at == run.final.at


def test_lists_are_rows(tmp_path):
    (tmp_path / "p.jsonl").write_text('{"x": [1, 2], "t": 3}\n{"x": [0.5, -1], "t": 1}\n')
    found = document("(dot(w, x) - t)^2", {"w": [0, 0]}, "--points", str(tmp_path / "p.jsonl"))
    assert close(found["at"]["w"], [0.1 * (3 + 0.5) * 1.0, 0.1 * (6 - 1)])
    assert found["gradients"]["w"] is not None
    (tmp_path / "p.jsonl").write_text('{"x": [1, 2], "t": 3}\n{"x": [0.5], "t": 1}\n')
    code, _, err = call("step", "(dot(w, x) - t)^2", "--at", "w=[0,0]", "--points", str(tmp_path / "p.jsonl"))  # fmt: skip
    assert code == 1
    assert "row 2: x is no vector of 2: [0.5]" in err


REFUSED = [
    # program, point, options, what is said
    ("cross_entropy(W @ x, y)", "W=[1,2;3,4],x=[1,1],y=1", ["--wrt", "y"], "y selects elements, and is never stepped"),
    ("x[k]^2", "x=[1,2],k=1", ["--wrt", "k"], "k selects elements, and is never stepped"),
    ("x[-k]^2", "x=[1,2],k=1", ["--wrt", "k"], "k selects elements, and is never stepped"),
    ("W @ x", "W=[1,2;3,4],x=[1,1]", [], "the output is 2, not a number"),
    ("q = W @ x; sum(q)", "W=[1,2;3,4],x=[1,1]", ["--wrt", "q"], "q is computed by the program; only inputs are stepped"),
    ("sum(x)", "x=[1,2]", ["--wrt", "z"], "there is no node called z"),
    ("sum(x)", "x=[1,2]", ["--wrt", "x[2]"], "there is no element x[2]\n  = it is 2; indices begin at 0"),
    ("s*sum(x)", "x=[1,2],s=1", ["--wrt", "s[0]"], "there is no element s[0]\n  = it is one number"),
    ("sum(W @ x)", "x=[1,2]", [], "no value for W"),
    ("pick([1, 2, 3], y)^2", "y=1", [], "nothing can be stepped"),
    ("sum(W @ x)", "W=[1,2;3,4],x=[1,1,1]", [], "the inner sizes differ"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "at", "more", "said"), REFUSED)
def test_what_is_refused(program, at, more, said):
    code, out, err = call("step", program, "--at", at, *more)
    assert (code in (1, 2), out) == (True, "")
    assert said in err
    assert "--upstream" not in err


def test_a_label_stays():
    found = document("cross_entropy(W @ x, y)", PROGRAMS["softmax"][2])
    assert found["wrt"] == ["W", "x"]
    assert found["at"]["y"] == 2


def table(program, at, *more, columns="100"):
    return call_at(columns, "step", program, "--at", at, *more)


def call_at(columns, *args):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", columns)
        code, out, err = call(*args)
    assert code in (0, 3), err
    assert all(len(line) <= int(columns) for line in out.splitlines())
    return out


def test_the_table_has_elements_where_they_fit():
    shown = table("sum((W @ x)^2)", "W=[[.1,.5],[-.3,.8]],x=[.2,.4]", "--steps", "3")
    heads = shown.splitlines()[3].split()
    assert heads == ["step", "output", "W[0,0]", "W[0,1]", "W[1,0]", "W[1,1]", "x[0]", "x[1]"]
    assert "norm" not in shown


@pytest.mark.parametrize("columns", ["100", "60", "40", "20"])
def test_the_table_has_norms_where_they_do_not(columns):
    at = "W=[[.1,.5,1],[-.3,.8,1],[1,2,3]],x=[.2,.4,3],s=2"
    shown = table("s*sum((W @ x)^2)", at, "--steps", "3", "--rate", "0.001", columns=columns)
    found = json.loads(call("step", "s*sum((W @ x)^2)", "--at", at, "--steps", "3", "--rate", "0.001", "--json")[1])  # fmt: skip
    norm = math.hypot(*loops.all_of(found["at"]["W"]))
    if columns in ("100", "60"):
        assert shown.splitlines()[3].split() == ["step", "output", "s", "norm(W)", "norm(x)"]
        assert f"{norm:.6g}" in shown
    for number in (*loops.all_of(found["at"]["W"]), *found["at"]["x"], found["at"]["s"]):
        assert f"{number:.6g}" in shown


def test_a_large_array_is_its_range_and_norm():
    at = json.dumps({"x": [k / 10 for k in range(1, 31)]})
    shown = table("sum(x^2)", at, "--steps", "2")
    assert "0.1 to 3, norm 9.72368" in shown
    assert "0.064 to 1.92, norm 6.22316" in shown
    every = table("sum(x^2)", at, "--steps", "2", "--all", columns="300")
    assert "1.856" in every
    assert "norm 6.2" not in every


def test_the_library_gives_nested_lists():
    program = bp.Program("q = W @ x; sum(q^2)")
    run = program.descent(W=np.array(W), x=X, steps=2)
    steps = list(run)
    assert steps[0].at == {"W": W, "x": X}
    assert steps[2].gradients == program.at(steps[2].at).gradients
    assert run.final.at == steps[2].at
    assert "W = [[" in repr(run)
    assert "W[0,0] = 0.1, W[0,1] = 0.5" in repr(program.descent(W=W, x=X))
    with pytest.raises(BackpropError, match="x is a column of the points and cannot be stepped"):
        program.descent(W=W, rows={"x": [X, X]}, wrt="x")
    with pytest.raises(BackpropError, match="every variable is a column"):
        program.descent(rows={"x": [X, X], "W": [W, W]})
    with pytest.raises(BackpropError, match="the column x is no list of arrays of real numbers, each 2"):  # fmt: skip
        program.descent(W=W, rows={"x": [[1.0, 2.0], [3.0]]})
    with pytest.raises(BackpropError, match=r"row 2: x\[0\] is missing"):
        program.descent(W=W, rows={"x": [[1.0, 2.0], [math.nan, 2.0]]})
    with pytest.raises(BackpropError, match="y selects elements, and cannot be another one in every row"):  # fmt: skip
        bp.Program("sum((W @ x)[y:])").descent(W=W, rows={"x": [X], "y": [1]})
