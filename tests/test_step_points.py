"""Steps along the mean over rows: NumPy's own descent, the order of rows, what is refused."""

import json
from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backprop_grammar.batch import certified
from backprop_grammar.batch import exact_sums as exact
from tests.support import call, schema

LOGISTIC = "softplus(-y*(w*x + b))"
LINEAR = "(w*x + v*u + b - y)^2"


def step(*args: str, stdin: bytes = b"") -> dict:
    """The document of `backprop step ARGS --json`, which holds to its schema."""
    code, out, err = call("step", *args, "--json", stdin=stdin)
    assert code in (0, 3), err
    document = json.loads(out, parse_constant=lambda word: 1 / 0)
    schema("step").validate(document)
    return document


@pytest.fixture(scope="module")
def data() -> dict[str, np.ndarray]:
    random = np.random.default_rng(7)
    x, u, noise = random.normal(size=(3, 300))
    return {"x": x, "u": u, "y": np.where(x - 0.5 + noise > 0, 1.0, -1.0)}


@pytest.fixture
def points(data, tmp_path) -> str:
    path = tmp_path / "points.csv"
    pl.DataFrame(data).write_csv(path)
    return str(path)


# NumPy's own


def logistic(data, w, b):
    x, y = data["x"], data["y"]
    slope = -y / (1 + np.exp(y * (w * x + b)))
    return np.log1p(np.exp(-y * (w * x + b))).mean(), [(slope * x).mean(), slope.mean()]


def linear(data, w, v, b):
    x, u, y = data["x"], data["u"], data["y"]
    miss = w * x + v * u + b - y
    return (miss**2).mean(), [2 * (miss * k).mean() for k in (x, u, np.ones_like(x))]


def descent(function, data, names, rate, steps, method):
    """The points and values of a run in plain NumPy."""
    point, m, v = np.zeros((3, len(names)))
    for t in range(1, steps + 2):
        value, gradient = function(data, *point)
        yield dict(zip(names, point.tolist(), strict=True)), value
        gradient = np.array(gradient)
        if method == "gd":
            change = gradient
        elif method == "momentum":
            change = m = 0.9 * m + gradient
        else:
            m = 0.9 * m + 0.1 * gradient
            v = 0.999 * v + 0.001 * gradient**2
            change = m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        point = point - rate * change


@pytest.mark.parametrize("method", ["gd", "momentum", "adam"])
@pytest.mark.parametrize(
    ("program", "function", "names"),
    [(LOGISTIC, logistic, ("w", "b")), (LINEAR, linear, ("w", "v", "b"))],
    ids=["logistic", "linear"],
)
def test_regression_is_numpy_s(program, function, names, method, data, points):
    at = ",".join(f"{name}=0" for name in names)
    document = step(program, "--points", points, "--at", at, "--rate", "0.05", "--steps", "50", "--method", method)  # fmt: skip
    assert (document["rows"], document["points"], document["steps"]) == (300, [points], 50)
    wanted = list(descent(function, data, names, 0.05, 50, method))
    assert len(document["trajectory"]) == len(wanted) == 51
    for row, (point, value) in zip(document["trajectory"], wanted, strict=True):
        assert row["value"] == pytest.approx(value, rel=1e-12)
        assert row["at"] == pytest.approx(point, rel=1e-12, abs=1e-13)


def test_what_is_stepped_and_what_stays(points):
    document = step(LINEAR, "--points", points, "--at", "w=1,v=2,b=3", "--wrt", "b,w", "--steps", "3")  # fmt: skip
    assert document["wrt"] == ["b", "w"] == list(document["gradients"])
    assert document["at"].keys() == {"w", "v", "b"} and document["at"]["v"] == 2.0
    # Inputs of the program are stepped, too, and the document is a point for the next run.
    again = step(f"w = 9; v = 9; b = 9; {LINEAR}", "--points", points, "--at", "@-", stdin=json.dumps(document).encode())  # fmt: skip
    assert again["start"]["at"] == document["at"]
    assert again["start"]["value"] == document["value"]


def test_a_mean_of_one_row_is_the_row(tmp_path):
    (tmp_path / "p.csv").write_text("x,y\n1.7,-1\n")
    options = ("--rate", "0.3", "--steps", "40", "--method", "momentum", "--wrt", "w,b")
    many = step(LOGISTIC, "--points", str(tmp_path / "p.csv"), "--at", "w=0.1,b=-2", *options)
    one = step(LOGISTIC, "--at", "w=0.1,b=-2,x=1.7,y=-1", *options)
    for mine, theirs in zip(many["trajectory"], one["trajectory"], strict=True):
        assert mine["value"] == pytest.approx(theirs["value"], rel=1e-13)
        assert mine["at"] == pytest.approx(theirs["at"], rel=1e-13)


def test_a_mean_is_map_s(points):
    document = step(LOGISTIC, "--points", points, "--at", "w=0.3,b=0.1")
    _, out, _ = call("map", LOGISTIC, "--points", points, "--at", "w=0.3,b=0.1", "--wrt", "w,b", "--reduce", "mean", "--to", "jsonl")  # fmt: skip
    found, start = json.loads(out), document["trajectory"][0]
    assert start["value"] == pytest.approx(found["value"], rel=1e-15)
    assert start["gradients"] == pytest.approx({"w": found["d_w"], "b": found["d_b"]}, rel=1e-14)


# the order of rows


def test_neither_order_nor_files_change_a_bit(data, points, tmp_path, monkeypatch):
    options = ("--at", "w=0,b=0", "--rate", "0.5", "--steps", "30", "--method", "adam")
    wanted = step(LOGISTIC, "--points", points, *options)["trajectory"]
    shuffled = pl.DataFrame(data).sample(fraction=1, shuffle=True, seed=3)
    monkeypatch.setattr(certified, "CHUNK", 37)
    parts = []
    for k, (suffix, write) in enumerate({"csv": "csv", "tsv": "csv", "jsonl": "ndjson", "parquet": "parquet"}.items()):  # fmt: skip
        path = tmp_path / f"{k}.{suffix}"
        part = shuffled[k * 75 : (k + 1) * 75]
        more = {"separator": "\t"} if suffix == "tsv" else {}
        getattr(part, f"write_{write}")(path, **more)
        parts += ["--points", str(path)]
    found = step(LOGISTIC, *parts, *options)
    assert found["rows"] == 300 and len(found["points"]) == 4
    assert found["trajectory"] == wanted


FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(FLOATS | st.floats(-10, 10) | st.integers(-9, 9).map(float), max_size=40))
def test_sums_are_exact(numbers):
    units = exact.total(np.array(numbers, dtype=float))
    assert Fraction(units, 1 << exact.UNIT) == sum(map(Fraction, numbers), Fraction(0))


def test_long_sums_are_exact():
    random = np.random.default_rng(5)
    below = np.nextafter(2.0, 0.0)
    for numbers in (
        np.full(1 << 14, below), np.full((1 << 14) - 1, -below), random.normal(size=1 << 17),
        np.tile([1e308, -1e308, 5e-324, 1e-300], 999),
    ):  # fmt: skip
        assert exact.total(numbers) == exact.counted(numbers)


# how a run ends


@pytest.fixture
def two_files(tmp_path) -> tuple[str, ...]:
    (tmp_path / "a.csv").write_text("x\n0.5\n0.25\n")
    (tmp_path / "b.csv").write_text("x\n0.125\n1\n2\n")
    return "--points", str(tmp_path / "a.csv"), "--points", str(tmp_path / "b.csv")


def test_a_step_to_where_a_row_is_undefined(two_files):
    document = step("log(2.5 - w*x)", *two_files, "--at", "w=1", "--up", "--steps", "3")  # fmt: skip
    assert document["end"] == "steps"
    document = step("log(2.5 - w*x)", *two_files, "--at", "w=1", "--rate", "0.2", "--steps", "9")
    assert document["end"] == "undefined" and document["steps"] == 1
    message = document["flags"][0]["message"]
    assert message.startswith(f"step 2 leads nowhere: {two_files[3]}, row 3: log of a negative number (2.5 - w*x = -")  # fmt: skip
    assert message.endswith("; step 1 is the last one that is kept")


def test_a_step_to_where_a_row_overflows(two_files):
    document = step("exp(w*x)", *two_files, "--at", "w=1", "--rate", "200", "--up")
    assert document["end"] == "diverged" and document["steps"] == 0
    assert "b.csv, row 2: exp overflows" in document["flags"][0]["message"]


def test_a_start_where_a_row_is_undefined(two_files):
    code, out, err = call("step", "q = 1 - w*x; log(q)", *two_files, "--at", "w=0.8")
    assert (code, out) == (1, "")
    assert "b.csv, row 3: log of a negative number" in err
    assert "^" in err and "q = 1 - w*x = -0.6" in err


def test_a_start_where_a_row_has_no_gradient(two_files):
    args = ("sqrt(w*x) + v*x", *two_files, "--at", "w=0,v=2")
    document = step(*args)
    assert (document["end"], document["steps"]) == ("undefined", 0)
    assert (document["value"], document["gradients"]) == (1.55, {"v": 0.775, "w": None})
    (flag,) = document["flags"]
    assert (flag["path"], flag["status"]) == ("gradients.w", "infinite")
    assert "a.csv, row 1: the gradient of w is +infinite" in flag["message"]
    code, out, _ = call("step", *args)
    assert code == 3
    assert "output is 1.55; no step was taken" in out


@pytest.mark.parametrize("cell", ["1e-400", "abc", ""])
def test_a_row_without_its_number_is_refused(cell, tmp_path):
    (tmp_path / "p.csv").write_text(f"x,y\n1,1\n{cell},1\n")
    code, out, err = call("step", "w*x", "--points", str(tmp_path / "p.csv"), "--at", "w=1")
    assert (code, out) == (1, "")
    assert "p.csv, row 2: x is " in err


def test_means_beyond_the_floats_are_refused(tmp_path):
    (tmp_path / "p.csv").write_text("x\n1e308\n-1e308\n")
    points = ("--points", str(tmp_path / "p.csv"))
    assert step("w*x", *points, "--at", "w=1")["value"] == 0.0
    assert step("w*x + 1e308", *points, "--at", "w=0")["value"] == 1e308  # though their sum is not


def test_notes(two_files):
    document = step("unused = w; abs(e*w*x - 1)", *two_files, "--at", "w=1,e=1", "--wrt", "w", "--steps", "2", "--rate", "1e-3")  # fmt: skip
    kinds = {note["kind"]: note["message"] for note in document["notes"]}
    assert kinds.keys() == {"shadowed", "unused", "kink"}
    assert kinds["kink"].startswith("1 of 5 rows stand at a kink") and "at the start" in kinds["kink"]  # fmt: skip


# what is printed


def test_the_table_says_what_it_is(two_files):
    code, out, _ = call("step", "(w*x - 1)^2", *two_files, "--at", "w=0", "--steps", "2")
    assert code == 0
    assert "mean over 5 rows of 2 files, gd down, rate 0.1" in out
    _, out, _ = call("step", "(w*x - 1)^2", *two_files[:2], "--at", "w=0")
    assert f"mean over 2 rows of {two_files[1]}, gd" in " ".join(out.split())


def test_a_stream_from_standard_input():
    options = ("step", "(w*x - 1)^2", "--points", "-", "--at", "w=0", "--steps", "3", "--stream")
    code, out, _ = call(*options, stdin=b"x\n1\n2\n")
    assert code == 0
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["step"] for line in lines] == [0, 1, 2, 3]
    assert lines[1]["at"] == {"w": pytest.approx(0.3)}


# what is refused


@pytest.mark.parametrize(
    ("text", "args", "code", "said"),
    [
        ("x\n1\n\n3\n", ("w*x", "--at", "w=1"), 1, "points.csv, row 2: x is missing"),
        ("x,y\n1,1\n2,2\n3,\n,4\n", ("w*x*y", "--at", "w=1"), 1, "points.csv, row 3: y is missing"),
        ("x\n1\nfour\n", ("w*x", "--at", "w=1"), 1, 'points.csv, row 2: x is not a number: "four"'),
        ("x\n1\ninf\n", ("w*x", "--at", "w=1"), 1, "points.csv, row 2: x is not finite"),
        ("x\n", ("w*x", "--at", "w=1"), 1, "points.csv has no rows"),
        ("", ("w*x", "--at", "w=1"), 1, "points.csv is empty"),
        ("x\n1\n", ("w*x",), 1, "w is neither a column nor given by --at"),
        ("x\n1\n", ("w*v", "--at", "w=1,v=1"), 1, "no variable of the program is a column"),
        ("x\n1\n", ("w*x", "--at", "w=1,x=2"), 2, "x is a column and given by --at"),
        ("x\n1\n", ("w*x", "--at", "w=1", "--wrt", "x"), 2, "x is a column of the points and cannot be stepped"),
        ("x\n1\n", ("w*x", "--at", "w=1", "--wrt", "q"), 1, "there is no node called q"),
        ("x\n1\n", ("x^2",), 2, "every variable is a column, so nothing can be stepped"),
        ("x\n1\n", ("-", "--at", "w=1", "--points", "-"), 2, "standard input is read once"),
        ("x\n1\n", ("w*x", "--at", "w=1", "--rate", "0"), 2, "the rate is a positive number"),
        ("x\n1\n", ("w*x", "--at", "w=1", "--from", "xml"), 2, "--from xml is no format"),
    ],
)  # fmt: skip
def test_refusals(text, args, code, said, tmp_path):
    points = tmp_path / "points.csv"
    points.write_text(text)
    found, out, err = call("step", *args, "--points", str(points))
    assert (found, out) == (code, "")
    assert said in err and err.startswith("error: ")


def test_a_format_without_points_is_refused():
    code, _, err = call("step", "x^2", "--at", "x=1", "--from", "csv")
    assert code == 2 and "--from says how points are read" in err
