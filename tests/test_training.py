"""Training: data sets, labels, minibatches, conditions to stop by, and what a run begins with."""

# ruff: noqa: N803, N806  a matrix has a capital letter

import csv
import json
import math
import random
from pathlib import Path

import numpy as np
import pytest
from mpmath import mp

import backprop_grammar as bp
from backprop_grammar.arrays.initial import INITIAL
from backprop_grammar.batch import exact_sums as exact
from backprop_grammar.descent.batches import batches
from backprop_grammar.descent.until import until
from backprop_grammar.errors import BackpropError
from tests.support import call, often, schema

SAMPLES = Path(__file__).parents[1] / "samples"
SPIRALS = str(SAMPLES / "spirals.csv")
NET = "W1: 2x4; b1: 4; W2: 4x2; b2: 2; h = tanh(x @ W1 + b1); z = h @ W2 + b2; cross_entropy(z, y)"


def points(count: int = 200) -> tuple[list[list[float]], list[int]]:
    with Path(SPIRALS).open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))[:count]
    return [[float(row["x_0"]), float(row["x_1"])] for row in rows], [int(row["y"]) for row in rows]


def document(*args: str) -> dict:
    code, out, err = call("step", *args, "--json")
    assert code == 0, err
    found = json.loads(out)
    schema("step" if found["format"].endswith("1") else "array_step").validate(found)
    return found


# an oracle: the two-layer net with loops of mpmath's


def loss_and_gradients(at, X, y):
    """The mean loss of NET, and its gradients, at 40 digits."""
    with mp.workdps(40):
        n, hidden = len(X), len(at["b1"])
        W1, b1, W2, b2 = (np.array(at[k], dtype=object) for k in ("W1", "b1", "W2", "b2"))
        W1, b1, W2, b2 = (np.vectorize(mp.mpf, otypes=[object])(a) for a in (W1, b1, W2, b2))
        found = {"W1": 0 * W1, "b1": 0 * b1, "W2": 0 * W2, "b2": 0 * b2}
        total = mp.mpf(0)
        for row, label in zip(X, y, strict=True):
            x = [mp.mpf(repr(value)) for value in row]  # the decimals of the file
            h = np.array(
                [mp.tanh(x[0] * W1[0, k] + x[1] * W1[1, k] + b1[k]) for k in range(hidden)]
            )
            z = h @ W2 + b2
            e = np.array([mp.exp(s) for s in z])
            p = e / e.sum()
            total -= mp.log(p[label]) / n
            up = p / n
            up[label] -= mp.mpf(1) / n
            found["b2"] = found["b2"] + up
            found["W2"] = found["W2"] + np.outer(h, up)
            back = (W2 @ up) * (1 - h * h)
            found["b1"] = found["b1"] + back
            found["W1"] = found["W1"] + np.outer(x, back)
        gradients = {k: np.vectorize(float)(v).tolist() for k, v in found.items()}
        return float(total), gradients


@pytest.mark.parametrize("way", ["--points", "--data"])
def test_a_net_on_a_file_is_right_to_the_last_bit(way, tmp_path):
    X, y = points(12)
    file = tmp_path / "p.csv"
    file.write_text(
        "x_0,x_1,y\n" + "".join(f"{a},{b},{k}\n" for (a, b), k in zip(X, y, strict=True))
    )
    run = document(NET, way, str(file), "--init", "normal", "--seed", "3", "--rate", "0.5", "--steps", "3")  # fmt: skip
    at = {k: run["start"]["at"][k] for k in ("W1", "b1", "W2", "b2")}
    assert run["start"]["at"].keys() == at.keys()
    for step in run["trajectory"]:
        value, gradients = loss_and_gradients(step["at"], X, y)
        assert step["value"] == value
        assert step["gradients"] == gradients
    assert run["rows"] == 12


def test_one_row_and_all_rows_are_one_run():
    how = ["--init", "he", "--seed", "1", "--method", "adam", "--rate", "0.1", "--steps", "6"]
    for more in ([], ["--batch", "50"]):
        one, whole = (document("--file", "@spirals", way, "@spirals", *how, *more) for way in ("--points", "--data"))  # fmt: skip
        for key in ("at", "value", "gradients", "right", "rows", "trajectory", "steps", "actual"):
            assert one[key] == whole[key], key
        again = document("--file", "@spirals", "--points", "@spirals", *how, *more)
        assert again == one


def test_the_spirals_are_learnt():
    """To 99 % and more, from one line; more seeds with LONG=1."""
    for seed in range(often(1, 5)):
        args = ["--method", "adam", "--rate", "0.1", "--steps", "200", "--until", "value<0.1"]
        found = document("--file", "@spirals", "--points", "@spirals", "--init", "he", "--seed", str(seed + 1), *args)  # fmt: skip
        assert found["end"] == "until"
        assert found["value"] < 0.1
        assert found["right"] >= 198


def test_how_many_are_right():
    X, y = points(60)
    run = bp.Program(NET).descent(bp.Program(NET).initial(seed=2, columns={"x": (2,), "y": ()}), rows={"x": X, "y": y}, steps=1)  # fmt: skip
    for _ in run:
        pass
    at = {k: np.array(v) for k, v in run.final.at.items()}
    z = np.tanh(np.array(X) @ at["W1"] + at["b1"]) @ at["W2"] + at["b2"]
    assert run.right == int((z.argmax(1) == np.array(y)).sum())
    other = bp.Program("sum((x @ W)^2)").descend(W=[[1.0], [2.0]], rows={"x": X})
    assert other.right is None


# labels

ROW = {"W": [[1.0, -2.0], [0.5, 3.0], [-1.0, 0.25]], "x": [0.5, -1.5]}
LABELLED = [
    "cross_entropy(W @ x, y)",
    "-log(softmax(W @ x)[y])",
    "z = W @ x; logsumexp(z) - pick(z, y)",
    "-dot(logsoftmax(W @ x), onehot(y, 3))",
    "s = W @ x; sum(max(0, s - s[y] + 1)) - 1",
    "sum((x - W[y])^2)",
    "sum((x - W[y,:])^2)",
    "z = W @ x; z[y]*sum(W.T[:,y])",
]


@pytest.mark.parametrize("program", LABELLED)
def test_the_label_of_a_row(program):
    """Each row is the program at its own label."""
    X = [[0.5, -1.5], [2.0, 0.25], [-0.75, 1.0]]
    y = [2, 0, 1]
    found = bp.Program(program).map({"x": X, "y": y}, W=ROW["W"], wrt="x,W")
    for k, (row, label) in enumerate(zip(X, y, strict=True)):
        trace = bp.Program(program).at(x=row, y=label, W=ROW["W"], wrt="x,W")
        assert math.isclose(found.value[k], trace.value, rel_tol=1e-14, abs_tol=1e-300)
        for name in ("x", "W"):
            right = np.array(trace.gradients[name], dtype=float)
            assert np.allclose(found.gradients[name][k], right, rtol=1e-13, atol=1e-15)
    run = bp.Program(program).descend(W=ROW["W"], rows={"x": X, "y": y}, rate=0.01)
    assert math.isclose(run.start.value, math.fsum(found.value) / 3, rel_tol=1e-13)


# batches


def test_batches_are_shuffles():
    parts = batches(10, 4, 7)
    assert parts.steps == 3
    epochs = [[row for k in range(3) for row in parts.at(3 * epoch + k)] for epoch in range(5)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 5
    assert [len(parts.at(k)) for k in range(3)] == [4, 4, 2]
    assert parts.at(0) == batches(10, 4, 7).at(0) != batches(10, 4, 8).at(0)
    draw = random.Random(int.from_bytes(b"7 0", "big")).random
    order = list(range(10))
    for k in range(9, 0, -1):
        other = int(draw() * (k + 1))
        order[k], order[other] = order[other], order[k]
    assert parts.at(0) == sorted(order[:4])


def test_a_step_looks_at_its_batch():
    x, t = [1.0, 2.0, -1.0, 0.5, 3.0], [1.0, 0.0, 2.0, -1.0, 0.25]
    run = bp.Program("(w*x - t)^2").descend(w=0.5, rows={"x": x, "t": t}, batch=2, seed=4, steps=7, rate=0.1)  # fmt: skip
    parts, w = batches(5, 2, 4), 0.5
    for step in run.rows:
        rows = parts.at(step.number)
        assert step.at["w"] == w
        slope = exact_mean([2 * x[k] * (w * x[k] - t[k]) for k in rows])
        assert math.isclose(step.gradients["w"], slope, rel_tol=1e-14)
        w -= 0.1 * step.gradients["w"]
    assert math.isclose(run.reached.value, exact_mean([(run.final.at["w"] * a - b) ** 2 for a, b in zip(x, t, strict=True)]), rel_tol=1e-14)  # fmt: skip


def exact_mean(numbers):
    return math.fsum(numbers) / len(numbers)


def test_sums_of_rows_at_once():
    draw = random.Random(5)
    table = [[draw.uniform(-1, 1) * 10.0 ** draw.randint(-40, 40) for _ in range(50)] for _ in range(20)]  # fmt: skip
    table += [[0.0] * 50, [1e-320] * 50, [1e300] * 50, [1.0, -1.0] * 25]
    assert exact.totals(np.array(table)) == [exact.total(np.array(row)) for row in table]


# when to stop

CONDITIONS = [
    ("gradient<1e-3", "the gradient's norm is 0.000629146, below 0.001 as asked", 10),
    ("norm <= 1e-3", "the gradient's norm is 0.000629146, below 0.001 as asked", 10),
    (
        "change<1e-6",
        "the change of the output in the last step is 5.19519e-07, below 1e-06 as asked",
        10,
    ),
    ("value<0.01", "the output is 0.00589824, below 0.01 as asked", 4),
    ("loss < .01", "the output is 0.00589824, below 0.01 as asked", 4),
    ("value<100", "stopped at the start: the output is 9, below 100 as asked", 0),
]


@pytest.mark.parametrize(("text", "why", "steps"), CONDITIONS)
def test_until(text, why, steps):
    found = document("x^2", "--at", "x=3", "--rate", "0.3", "--steps", "50", "--until", text)
    assert (found["end"], found["steps"], found["until"]) == ("until", steps, text)
    assert found["asked"] == 50
    assert [note["kind"] for note in found["notes"]] == ["until"]
    assert found["notes"][0]["message"].endswith(why)


def test_a_condition_that_is_not_reached():
    found = document(
        "x^2", "--at", "x=3", "--rate", "0.3", "--steps", "2", "--until", "change<1e-9"
    )
    assert (found["end"], found["steps"]) == ("steps", 2)
    assert found["notes"][0]["message"] == "change<1e-9 is not reached: the change of the output in the last step is 1.2096 at step 2"  # fmt: skip
    up = document(
        "3 - x^2", "--at", "x=1", "--rate", "0.3", "--steps", "90", "--up", "--until", "value>2.9"
    )
    assert up["end"] == "until"
    assert up["value"] > 2.9


def test_with_batches_the_condition_is_of_all_rows():
    X, y = points(20)
    p = bp.Program("W: 2x2; cross_entropy(x @ W, y)")
    run = p.descend(p.initial("zeros", columns={"x": (2,), "y": ()}), rows={"x": X, "y": y}, batch=6, steps=100, until="value<0.66")  # fmt: skip
    assert run.end.reason == "until"
    assert run.final.number % 4 == 0  # the end of an epoch
    assert run.reached.value < 0.66


@pytest.mark.parametrize("text", ["grad<1", "gradient>1", "change<0", "value", "value<1e400", "", "gradient<1 or change<1"])  # fmt: skip
def test_conditions_that_are_none(text):
    with pytest.raises(BackpropError) as caught:
        until(text)
    assert caught.value.kind == "usage"
    assert 'write "' in caught.value.hint


# what a run begins with

WIDTHS = {  # of a weight of 64 inputs and 256 outputs: its standard deviation
    "normal": 1 / 8,
    "uniform": 1 / 8 / math.sqrt(3),
    "xavier": math.sqrt(6 / (64 + 256)) / math.sqrt(3),
    "he": math.sqrt(2 / 64),
    "zeros": 0.0,
}


@pytest.mark.parametrize("how", INITIAL)
def test_weights_are_as_wide_as_said(how):
    for program in ("W: 64x256; x @ W", "W: 256x64; W @ x", "V: 256x64; W = V; x @ W.T"):
        found = bp.Program(program).initial(how, seed=5, columns={"x": (64,)})
        numbers = np.array(next(iter(found.values())))
        assert abs(numbers.std() - WIDTHS[how]) <= 0.03 * WIDTHS[how]
        assert abs(numbers.mean()) <= 0.05 * WIDTHS[how]


def test_biases_begin_at_0_and_gains_at_1():
    program = bp.Program(
        "W: 3x4; b: 4; g: 4; s: 4; v: 4; h = g*tanh(x @ W + b); dot(v, batchnorm(h, s, 0)[0])"
    )
    found = program.initial("xavier", seed=1, columns={"x": (2, 3)})
    assert found["b"] == [0.0] * 4
    assert found["g"] == found["s"] == [1.0] * 4
    assert all(found["v"])
    assert program.initial("zeros", columns={"x": (2, 3)})["g"] == [0.0] * 4
    assert found == program.initial("xavier", seed=1, columns={"x": (2, 3)})
    assert found != program.initial("xavier", seed=2, columns={"x": (2, 3)})


def test_what_is_begun_is_stepped(tmp_path):
    (tmp_path / "p.csv").write_text("x_0,x_1,t\n1,2,1\n-1,0.5,0\n")
    program = "w: D; x: D; b: scalar; decay = 0.01; (dot(w, x) + b - t)^2 + decay*dot(w, w)"
    found = document(
        program, "--points", str(tmp_path / "p.csv"), "--init", "normal", "--seed", "1"
    )
    assert found["wrt"] == ["w", "b"]
    assert found["at"]["decay"] == 0.01
    assert found["start"]["at"]["b"] == 0.0
    numbers = document(
        "(w*x0 + b - x1)^2", "--points", "@points", "--init", "normal", "--seed", "1"
    )
    assert numbers["wrt"] == ["w", "b"]


# files


def test_a_data_set_in_any_file(tmp_path):
    import polars

    X, y = points(8)
    np.savez(tmp_path / "p.npz", X=np.array(X), y=np.array(y))
    table = polars.DataFrame({"x": X, "y": y})
    table.write_parquet(tmp_path / "p.parquet")
    table.write_ndjson(tmp_path / "p.jsonl")
    program = "X: NxD; y: N; W: Dx2; mean(logsumexp(X @ W, axis=1) - pick(X @ W, y))"
    ends = [
        document(program, "--data", str(tmp_path / name), "--init", "he", "--seed", "1")["value"]
        for name in ("p.npz", "p.parquet", "p.jsonl")
    ]
    whole = bp.Program(program).descend(bp.Program(program).initial("he", {"X": X, "y": y}, seed=1) | {"X": X, "y": y}, data="X,y")  # fmt: skip
    assert all(math.isclose(value, whole.final.value, rel_tol=1e-14) for value in ends)


REFUSED = [
    # the file, options, what is said
    ("x_0,y\n1,0\n2,1\n", [], "the inner sizes differ"),
    ("x_0,x_1\n1,2\n", [], "initial values need the shape of y"),
    ("x_0,x_1,y\n1,2,0\n2,1,5\n", [], "row 2: y is no label from 0 to 1: 5"),
    ("x_0,x_1,y\n1,2,0\n2,1,0.5\n", [], "row 2: y is no label from 0 to 1: 0.5"),
    ("x_0,x_1,y\n1,2,cat\n", [], 'row 1: y is not a number: "cat"'),
    ("x_0,x_1,y\n1,2,0\n", ["--batch", "2"], "a batch of 2 rows is larger than the data, which has 1 row"),
    ("x_0,x_1,y\n1,2,0\n", ["--batch", "0"], "a batch has 1 row or more, not 0"),
    ("x_0,x_1,y\n1,2,0\n", ["--until", "never"], "never is no condition to stop by"),
    ("x_0,x_1,y\n1,2,0\n", ["--init", "gauss"], "gauss is no way to begin"),
    ("x_0,x_1,y\n1,2,0\n", ["--init", ""], "--init normal draws values to begin with"),
    ("x_0,x_1,y\n1,2,0\n", ["--data", "-"], "two ways to take rows"),
    ("x_0,x_1,y\n1,2,0\n", ["--at", "b1=[0,0,0]"], "b1 is declared 4"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "options", "said"), REFUSED)
def test_what_is_refused(file, options, said, tmp_path):
    (tmp_path / "p.csv").write_text(file)
    code, _, err = call(
        "step", NET, "--points", str(tmp_path / "p.csv"), "--init", "normal", *options
    )
    assert code in (1, 2)
    assert said in err.replace("\n", " ")


WHOLE_REFUSED = [
    ("x_0,x_1,y\n1,2,0\n2,1,5\n", [], "y[1] = 5; scores is 2x2, so labels are 0, 1"),
    ("x_0,x_1,y\n1,2,0\n2,1,0.5\n", [], "a label is a whole number, not 0.5"),
    ("a,b\n1,2\n", [], "no variable of the program is a column"),
    ("x_0,x_1,y\n1,2,0\n", ["--batch", "3"], "a batch of 3 rows is larger than the data"),
    ("x_0,x_1,y\n1,2,0\n", ["--wrt", "x"], "x is data and cannot be stepped"),
    ("x_0,x_1,y\n1,2,0\n", ["--at", "x=[1,2]"], "x is a column and given by --at"),
]


@pytest.mark.parametrize(("file", "options", "said"), WHOLE_REFUSED)
def test_what_is_refused_of_all_rows(file, options, said, tmp_path):
    (tmp_path / "p.csv").write_text(file)
    code, _, err = call("step", "--file", "@spirals", "--data", str(tmp_path / "p.csv"), "--init", "normal", *options)  # fmt: skip
    assert code in (1, 2)
    assert said in err.replace("\n", " ")


def test_a_program_of_all_rows_is_told_from_one_of_a_row():
    code, _, err = call(
        "step", "X: NxD; W: Dx2; cross_entropy(X @ W, y)", "--points", "@spirals", "--init", "he"
    )
    assert code == 2
    assert "--data takes all rows at once, as X" in err


def test_what_is_given_at_the_point_may_be_large():
    """What means too many numbers for one tape is computed array by array."""
    draw = random.Random(1)
    X = [[draw.uniform(-1, 1) for _ in range(40)] for _ in range(60)]
    W = [[draw.uniform(-1, 1) for _ in range(20)] for _ in range(40)]
    run = bp.Program("mean(tanh(X @ W)^2)").descend(X=X, W=W, wrt="W", rate=1.0)
    right = np.tanh(np.array(X) @ np.array(W))
    assert math.isclose(run.start.value, float((right**2).mean()), rel_tol=1e-13)
    slope = np.array(X).T @ (2 * right * (1 - right**2)) / right.size
    assert np.allclose(run.start.gradients["W"], slope, rtol=1e-11, atol=1e-15)


MIXED = [
    "sum(relu(W @ x + b)^2)",
    "max(W @ x + b) + 0.1*sum(W*W)",
    "sum(if(W @ x > b, x*x, exp(x)))/(1 + norm(x)^2)",
    "sum(abs(W @ x - b)) - 2*sum(sqrt(exp(x)))",
    "logsumexp(W @ x) + log1p(sum(x^2)) - tanh(x[0]*b[1])^3",
    "sum(softplus(b*sin(x)) + erf(x))/3 + max(x[0], x[1], b[0])*W[0,1]",
]


@pytest.mark.parametrize("program", MIXED)
def test_rows_at_once_are_the_rows_one_by_one(program):
    """Means over rows, computed with like lines together, beside the rows of `map`."""
    draw = random.Random(program)
    point = {"W": [[draw.uniform(-1, 1) for _ in range(2)] for _ in range(2)], "b": [0.25, -0.5]}
    X = [[draw.uniform(-2, 2) for _ in range(2)] for _ in range(40)] + [[0.0, 0.0], [0.5, 0.5]]
    rows = bp.Program(program).mapper({"x": (2,)}, point, wrt="W,b")({"x": np.array(X)})  # fmt: skip
    run = bp.Program(program).descent(point, rows={"x": X})
    start = next(run)
    assert math.isclose(start.value, exact_mean(rows.value), rel_tol=1e-13)
    for name in ("W", "b"):
        mean = np.apply_along_axis(exact_mean, 0, rows.gradients[name])
        assert np.allclose(np.array(start.gradients[name]), mean, rtol=1e-12, atol=1e-15), name
    kinks = [note.message for note in start.notes if note.kind == "kink"]
    assert bool(kinks) == bool(rows.kinks)
    assert not kinks or kinks[0].startswith(f"{rows.kinks} of 42 rows")


def test_a_row_without_a_value_is_named():
    p = bp.Program("sum(log(x + b))")
    with pytest.raises(BackpropError, match="row 3: log of a negative number"):
        next(p.descent(b=1.0, rows={"x": [[1.0, 2.0], [0.5, 0.0], [-2.0, 1.0]]}))
    run = bp.Program("sum(sqrt(x*b))").descent(b=0.0, rows={"x": [[1.0, 2.0], [0.5, 1.0]]})
    assert next(run).gradients["b"] is None
    assert "row 1: " in next(iter(run.plan.arrival(0, run.plan.at, False).flags)).message
