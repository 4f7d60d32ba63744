"""Vectors and matrices at many points: every row is the point's own answer, however it is written."""

# ruff: noqa: N806  a matrix has a capital letter

import io
import json
import pickle
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import backprop_grammar as bp
from backprop_grammar.batch import over_arrays
from backprop_grammar.errors import BackpropError
from tests.support import call

W = [[0.5, -1.25, 2.0], [0.1, 0.3, -0.7]]
PROGRAMS = {
    # program, shapes of the columns, constants
    "layer": ("sum(relu(W @ x + b))", {"x": (3,), "b": (2,)}, {"W": W}),
    "matrix": ("norm(A @ v)^2", {"A": (2, 2), "v": (2,)}, {}),
    "softmax": ("cross_entropy(W @ x, t)", {"x": (3,), "t": (2,)}, {"W": W}),
    "numbers too": ("s*mean(exp(x))/k", {"s": (), "x": (2,)}, {"k": 3.0}),
    "declared": ("x: 2; y: scalar; z = x*y; sum(tanh(z)) + max(x)", {"x": (2,), "y": ()}, {}),
    "branches": ("sum(if(x > 0.1, x^2, -x))", {"x": (3,)}, {}),
    "a function": ("f(u, V) = V @ u; sum(f(x, W)^2)", {"x": (3,)}, {"W": W}),
}


def rows_of(shapes, count=7, seed=1):
    """Random rows: name -> an array with the rows as its first axis."""
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=(count, *shape)).round(3) for name, shape in shapes.items()}


def flat_names(name, shape):
    return [name + "".join(f"_{k}" for k in place) for place in np.ndindex(*shape)]


def flat_table(rows):
    return pl.DataFrame(
        {
            one: column
            for name, array in rows.items()
            for one, column in zip(
                flat_names(name, array.shape[1:]), array.reshape(len(array), -1).T, strict=True
            )
        }
    )


def list_table(rows):
    return pl.DataFrame({name: array.tolist() for name, array in rows.items()})


def answers(program, rows, constants, count=7):
    """Value and gradients of each row, as a trace has them."""
    found = []
    for k in range(count):
        at = {name: array[k].tolist() for name, array in rows.items()} | constants
        trace = bp.Program(program).at(at, nodes=False, wrt=",".join(rows))
        found.append((np.asarray(trace.value).item(), trace.gradients))
    return found


def at_options(constants):
    return [f"--at={json.dumps(constants)}"] if constants else []


def mapped(path, program, *more):
    code, out, err = call("map", program, "--points", str(path), *more)
    assert code == 0, err
    return out


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_row_is_the_answer_at_its_point(name, tmp_path):
    program, shapes, constants = PROGRAMS[name]
    rows = rows_of(shapes)
    right = answers(program, rows, constants)
    flat_table(rows).write_csv(tmp_path / "p.csv")
    out = mapped(tmp_path / "p.csv", program, *at_options(constants))
    found = pl.read_csv(io.StringIO(out))
    for row, (value, gradients) in zip(found.iter_rows(named=True), right, strict=True):
        assert row["value"] == pytest.approx(value, rel=1e-12)
        for one, shape in shapes.items():
            told = [row[f"d_{label}"] for label in flat_names(one, shape)]
            wanted = np.ravel(gradients[one])
            assert told == pytest.approx(wanted, rel=1e-12, abs=1e-300), one
        assert row["status"] is None


@pytest.mark.parametrize("kind", ["jsonl", "parquet of lists", "parquet of arrays"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_lists_come_back_as_lists(name, kind, tmp_path):
    program, shapes, constants = PROGRAMS[name]
    rows = rows_of(shapes)
    right = answers(program, rows, constants)
    table = list_table(rows)
    path = tmp_path / f"p.{kind.split()[0]}"
    if kind == "jsonl":
        table.write_ndjson(path)
    elif kind == "parquet of lists":
        table.write_parquet(path)
    else:
        arrays = [pl.Series(name, array) for name, array in rows.items()]
        assert any(isinstance(one.dtype, pl.Array) for one in arrays)
        pl.DataFrame(arrays).write_parquet(path)
    for to, read in (("jsonl", pl.read_ndjson), ("parquet", pl.read_parquet)):
        place = tmp_path / f"out.{to}"
        mapped(path, program, *at_options(constants), "-o", str(place))
        found = read(place)
        assert found["value"].to_list() == pytest.approx([value for value, _ in right], rel=1e-12)
        for one, shape in shapes.items():
            told = np.array(found[f"d_{one}"].to_list())
            assert told.shape == (7, *shape)
            wanted = np.array([gradients[one] for _, gradients in right])
            assert np.allclose(told, wanted, rtol=1e-12, atol=0)
            assert np.array_equal(np.array(found[one].to_list()), rows[one])


CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases/vectors.jsonl").read_text("utf-8").splitlines()
]
NOW = [case for case in CASES if "issue" not in case and not isinstance(case["value"], list)]


@pytest.mark.parametrize("case", NOW, ids=lambda case: case["id"])
def test_published_programs_at_many_points(case):
    """Each input in turn is another one in every row, where it is no index."""
    program, inputs = bp.Program(case["program"]), case["inputs"]
    for name in case["grads"]:
        if name not in inputs:
            continue
        column = np.multiply.outer(np.array([1.0, 0.5, -1.25]), np.array(inputs[name], float))
        others = {other: value for other, value in inputs.items() if other != name}
        rows = []
        for value in column:
            try:
                rows.append(program.at(others | {name: value}, wrt=name, nodes=False))
            except BackpropError:
                rows.append(None)
        found = program.map({name: column}, **others)
        for k, trace in enumerate(rows):
            if trace is None or found.status[k]:
                assert trace is None or trace.flags, (name, k, found.status[k])
                continue
            assert found.value[k] == pytest.approx(np.asarray(trace.value).item(), rel=1e-12)
            told, right = found.gradients[name][k], np.array(trace.gradients[name])
            assert np.allclose(told, right, rtol=1e-12, atol=1e-300), name


def test_the_spellings_of_columns_agree(tmp_path):
    rows = rows_of({"x": (2,), "W": (2, 2)})
    table = flat_table(rows)
    wanted = None
    for style in (lambda n: n, lambda n: n[0] + "[" + n[2:].replace("_", ",") + "]"):
        table.rename({n: style(n) for n in table.columns}).write_csv(tmp_path / "p.csv")
        found = pl.read_csv(io.StringIO(mapped(tmp_path / "p.csv", "sum((W @ x)^2)")))
        assert found.columns[:6] == [style(n) for n in table.columns]
        names = ["W_0_0", "W_0_1", "W_1_0", "W_1_1", "x_0", "x_1"]
        assert found.columns[7:-1] == [f"d_{style(n)}" for n in names]
        wanted = wanted or found.rows()
        assert found.rows() == wanted
    flat_table(rows_of({"x": (3,)})).rename({f"x_{k}": f"x{k}" for k in range(3)}).write_csv(tmp_path / "q.csv")  # fmt: skip
    out = mapped(tmp_path / "q.csv", "sum(x^2)", "--columns", "d_x,value")
    assert out.splitlines()[0] == "x0,x1,x2,d_x0,d_x1,d_x2,value"


def test_what_is_asked_for_is_added(tmp_path):
    flat_table(rows_of({"x": (2,)})).write_csv(tmp_path / "p.csv")
    heads = {
        "value=f,d_x=slope": "f,slope_0,slope_1",
        "d_x_1,status=why": "d_x_1,why",
        "d_W": None,
    }
    for columns, added in heads.items():
        code, out, err = call("map", "sum((W @ x)^2)", "--points", str(tmp_path / "p.csv"), "--at", "W=[1,2]", "--columns", columns)  # fmt: skip
        if added is None:
            assert "nothing is called d_W" in err
        else:
            assert (code, out.splitlines()[0]) == (0, f"x_0,x_1,{added}")
    out = mapped(tmp_path / "p.csv", "q = W @ x; sum(q^2)", "--at", "W=[1,2;3,4]", "--wrt", "W,x[1],q")  # fmt: skip
    assert out.splitlines()[0] == "x_0,x_1,value,d_W_0_0,d_W_0_1,d_W_1_0,d_W_1_1,d_x_1,d_q_0,d_q_1,status"  # fmt: skip


def test_the_mean_over_rows(tmp_path):
    program, shapes, constants = PROGRAMS["layer"]
    rows = rows_of(shapes, 40)
    right = answers(program, rows, constants, 40)
    flat_table(rows).write_csv(tmp_path / "p.csv")
    list_table(rows).write_ndjson(tmp_path / "p.jsonl")
    flat = json.loads(mapped(tmp_path / "p.csv", program, *at_options(constants), "--reduce", "mean", "--to", "jsonl"))  # fmt: skip
    lists = json.loads(mapped(tmp_path / "p.jsonl", program, *at_options(constants), "--reduce", "mean"))  # fmt: skip
    assert flat["value"] == lists["value"] == pytest.approx(np.mean([value for value, _ in right]))
    assert lists["d_x"] == pytest.approx(np.mean([g["x"] for _, g in right], axis=0))
    assert lists["d_x"] == [flat[f"d_x_{k}"] for k in range(3)]
    assert (lists["rows"], lists["failed"]) == (40, 0)


def test_files_and_workers(tmp_path):
    program, shapes, constants = PROGRAMS["matrix"]
    for k in range(3):
        list_table(rows_of(shapes, seed=k)).write_ndjson(tmp_path / f"p{k}.jsonl")
    places = [tmp_path / "one", tmp_path / "two"]
    for place, workers in zip(places, ("0", "2"), strict=True):
        mapped(tmp_path / "p*.jsonl", program, "-o", str(place), "--workers", workers)
    for k in range(3):
        texts = [(place / f"p{k}.jsonl").read_text() for place in places]
        assert texts[0] == texts[1]
        wanted = answers(program, rows_of(shapes, seed=k), constants)
        assert [json.loads(line)["value"] for line in texts[0].splitlines()] == pytest.approx([value for value, _ in wanted])  # fmt: skip


def test_rows_that_lack_an_element():
    lines = (
        '{"x": ["1", 2]}\n{"x": [1]}\n{"x": [1, null]}\n{"x": "no"}\n{}\n{"x": [1, "a"]}\n'
        '{"x": ["1e-400", 1]}\n{"x": [[1, 2]]}\n{"x": [-1, 2]}\n'
    )
    code, out, err = call("map", "sum(log(x))", "--points", "-", "--from", "jsonl", stdin=lines.encode())  # fmt: skip
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 3
    assert [row["status"] for row in rows] == [
        None,
        "x is no vector of 2: [1]",
        "x[1] is missing",
        "x is no vector of 2: no",
        "x is missing",
        'x[1] is not a number: "a"',
        'x[0] is too small a number: "1e-400"',
        "x is no vector of 2: [[1, 2]]",
        "log of a negative number",
    ]
    assert rows[0]["d_x"] == [1.0, 0.5]
    assert all(row["d_x"] == [None, None] for row in rows[1:])
    assert "8 of 9 rows lack a number" in err


def test_a_decimal_is_what_it_says():
    """The digits of a list's number reach the result, though a float has fewer."""
    long = "0.1234567890123456789012345678901234567"
    lines = f'{{"x": [{long}, 1]}}\n'
    code, out, err = call("map", "sum(x) - 1.12345678901234567890", "--points", "-", "--from", "jsonl", stdin=lines.encode())  # fmt: skip
    assert code == 0, err
    assert json.loads(out)["value"] == pytest.approx(12345678901234567e-37, rel=1e-12)


REFUSED = [
    # program, header, options, what is said
    ("x: 3; sum(x)", "x_0,x_2", [], "x_1 is no column, and x is 3 in every row"),
    ("sum(x)", "x_0,x_2", [], "x_1 is no column, and x is 3 in every row"),
    ("sum(x)*y", "x0,x1,x4,y", [], "x2, x3 are no columns, and x is 5 in every row"),
    ("sum(W @ W)", "W_0_0,W_0_1,W_1_0", [], "W_1_1 is no column, and W is 2x2 in every row"),
    ("x: 3; sum(x)", "x1,x2,x3", [], "x0 is no column, and x is 3 in every row"),
    ("x: 3; sum(x)", "x1,x2,x3", [], "elements begin at 0"),
    ("x: 3; sum(x)", "a,b", [], "x is neither a column nor given by --at\n  = x is columns x_0, x_1, ..., or one of lists"),
    ("W: 2x2; sum(W)", "W_0_0,W_0_1,W_1_1", [], "W_1_0 is no column, and W is 2x2 in every row"),
    ("sum(W @ x)", "x_0,x_1", [], "W is neither a column nor given by --at"),
    ("sum(x^2)", "x_0,x_1", ["--at", "x=[1,2]"], "x is a column and given by --at"),
    ("sum(x^2)", "a", ["--at", "x=[1,2]"], "no variable of the program is a column"),
    ("W @ x", "x_0,x_1", ["--at", "W=[1,2;3,4]"], "the output is 2, not a number"),
    ("sum(W @ x)", "x_0,x_1", ["--at", "W=[1,2,3]"], "the inner sizes differ"),
    ("sum(x[y:])", "x_0,x_1,y", [], "y selects elements, and cannot be another one in every row"),
    ("y*cross_entropy(W @ x, y)", "x_0,x_1,y", ["--at", "W=[1,2;3,4]"], "y selects elements, and cannot be another one in every row"),
    ("cross_entropy(X @ W, y)", "y_0,y_1", ["--at", "W=[1,2;3,4],X=[1,2;3,4]"], "y selects elements, and cannot be another one in every row"),
    ("cross_entropy(W @ x, y)", "x_0,x_1,y", ["--at", "W=[1,2;3,4]", "--wrt", "y"], "y selects elements, and has no gradient"),
    ("k*x[k]", "x_0,x_1,k", [], "k selects elements, and cannot be another one in every row"),
    ("pick(x, k)^2", "x_0,x_1", ["--at", "k=1", "--wrt", "k"], "k selects elements, and has no gradient"),
    ("sum(x)", "x_0,x_1", ["--wrt", "x[5]"], "there is no element x[5]"),
    ("sum(x)", "x_0,x_1", ["--wrt", "y"], "there is no node called y"),
    ("x: 2; sum(x)", "x_0,x_1,value", [], "the points have a column value already"),
    ("x: 2; sum(x)", "x_0,x_1", ["--columns", "d_x,d_x_1"], "d_x_1 is there twice"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "header", "more", "said"), REFUSED)
def test_what_is_refused(program, header, more, said):
    rows = f"{header}\n{','.join('1' for _ in header.split(','))}\n"
    code, out, err = call("map", program, "--points", "-", *more, stdin=rows.encode())
    assert (code in (1, 2), out) == (True, "")
    assert said in err
    assert "--upstream" not in err
    assert len(err) < 1_500


def test_a_constant_does_not_need_the_columns_that_are_called_like_it(tmp_path):
    (tmp_path / "p.csv").write_text("W0,x_0,x_1\n7,1,2\n")
    out = mapped(tmp_path / "p.csv", "dot(W, x)", "--at", "W=[3,4]", "--columns", "value")
    assert out == "W0,x_0,x_1,value\n7,1,2,11.0\n"


@pytest.mark.parametrize("declared", ["", "y: scalar; "])
@pytest.mark.parametrize("header", ["x_0,x_1,y", "x_0,x_1,y_0,y_1"])
def test_a_label_may_vary_or_be_a_vector(header, declared, tmp_path):
    if declared and not header.endswith("y"):
        pytest.skip("a vector is no scalar")
    labels = ("1", "0") if header.endswith("y") else ("0,1", "1,0")
    (tmp_path / "p.csv").write_text(f"{header}\n1,2,{labels[0]}\n3,-1,{labels[1]}\n")
    program = f"{declared}b = [0, 0.25]; cross_entropy(W @ x + b, y)"
    out = mapped(tmp_path / "p.csv", program, "--at", "W=[1,2;3,4]", "--wrt", "W")
    found = pl.read_csv(io.StringIO(out))
    for row, label, x in zip(found.iter_rows(named=True), (1, 0), ([1, 2], [3, -1]), strict=True):
        trace = bp.Program(program).at(W=[[1, 2], [3, 4]], x=x, y=label, wrt="W")
        assert row["value"] == pytest.approx(trace.value, rel=1e-12)
        told = [row[f"d_W_{k}"] for k in ("0_0", "0_1", "1_0", "1_1")]
        assert told == pytest.approx(np.ravel(trace.gradients["W"]), rel=1e-12)


def test_a_label_that_names_no_class():
    rows = "x_0,x_1,y\n1,2,1\n1,2,2\n1,2,-1\n1,2,0.5\n1,2,a\n1,2,\n"
    code, out, _ = call("map", "cross_entropy(x, y)", "--points", "-", stdin=rows.encode())
    found = pl.read_csv(io.StringIO(out))
    assert code == 3
    assert found.columns == ["x_0", "x_1", "y", "value", "d_x_0", "d_x_1", "status"]
    assert found["status"].to_list() == [
        None,
        "y is no label from 0 to 1: 2",
        "y is no label from 0 to 1: -1",
        "y is no label from 0 to 1: 0.5",
        'y is not a number: "a"',
        "y is missing",
    ]
    assert found["value"].null_count() == 5


def test_labels_in_the_library():
    program = bp.Program("cross_entropy(W @ x, y)")
    X, labels = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([1, 0])
    found = program.map({"x": X, "y": labels}, W=[[1, 2], [3, 4]])
    same = program.map({"x": X, "y": np.eye(2)[labels]}, W=[[1, 2], [3, 4]])
    assert found.value.tolist() == same.value.tolist()
    assert list(found.gradients) == ["x"]
    with pytest.raises(BackpropError, match="the label 2 of y in row 1 names no class"):
        program.map({"x": X, "y": [2, 0]}, W=[[1, 2], [3, 4]])


def test_too_much_is_refused_before_a_row_is_read(monkeypatch):
    monkeypatch.setattr(over_arrays, "LINES", 2_000)
    rows = ",".join(f"x_{k}" for k in range(60)) + "\nnot a row at all\n"
    at = json.dumps({"W": [[0.5] * 60] * 60})
    code, out, err = call("map", "sum((W @ x)^2)", "--points", "-", "--at", at, stdin=rows.encode())
    assert (code, out) == (1, "")
    assert "operations on numbers for every row, more than 2,000" in err


# the library


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_library_maps_arrays(name):
    program, shapes, constants = PROGRAMS[name]
    rows = rows_of(shapes)
    right = answers(program, rows, constants)
    found = bp.Program(program).map(rows, **constants)
    assert found.value == pytest.approx([value for value, _ in right], rel=1e-12)
    assert found.status.tolist() == [""] * 7
    for one, shape in shapes.items():
        assert found.gradients[one].shape == (7, *shape)
        wanted = np.array([gradients[one] for _, gradients in right])
        assert np.allclose(found.gradients[one], wanted, rtol=1e-12, atol=0)
    lists = {one: array.tolist() for one, array in rows.items()}
    same = bp.Program(program).map(lists, **constants)
    assert np.allclose(same.value, found.value, rtol=1e-13)


def test_a_mapper_takes_chunk_after_chunk():
    program, shapes, constants = PROGRAMS["layer"]
    rows = rows_of(shapes, 10)
    whole = bp.Program(program).map(rows, wrt="W,x", **constants)
    mapper = bp.Program(program).mapper(shapes, constants, wrt="W,x")
    for again in (mapper, pickle.loads(pickle.dumps(mapper))):
        parts = [again({name: array[k : k + 5] for name, array in rows.items()}) for k in (0, 5)]
        for name in ("W", "x"):
            joined = np.concatenate([part.gradients[name] for part in parts])
            assert np.allclose(joined, whole.gradients[name], rtol=1e-12, atol=0)
    declared = bp.Program("x: 2; sum(x^2)").mapper("x")
    assert declared({"x": [[1.0, 2.0]]}).gradients["x"].tolist() == [[2.0, 4.0]]


def test_what_the_library_refuses():
    program = bp.Program("sum((W @ x)^2)")
    X = np.ones((4, 3))
    refusals = {
        "no value for W": lambda: program.map({"x": X}),
        "x is given twice": lambda: program.map({"x": X}, x=[1, 2, 3], W=W),
        "the column x is no list of arrays of real numbers, each 3": lambda: program.map({"x": [[1, 2, 3], [1]]}, W=W),
        "of one length": lambda: program.map({"x": X, "W": np.ones((3, 2, 3))}),
        "the column x is missing": lambda: program.mapper({"x": (3,)}, W=W)({}),
        "each 3": lambda: program.mapper({"x": (3,)}, W=W)({"x": np.ones((2, 4))}),
        "no variable z": lambda: program.map({"x": X, "z": [1.0] * 4}, W=W),
        "the shape of x is not known": lambda: bp.Program("x: D; sum(x)").mapper("x"),
        "x is declared 2 and given as 3": lambda: bp.Program("x: 2; sum(x)").map({"x": X}),
    }  # fmt: skip
    for said, ask in refusals.items():
        with pytest.raises(BackpropError) as refused:
            ask()
        assert said in str(refused.value), said


def test_missing_numbers_of_an_array():
    X = np.array([[1.0, 2.0], [np.nan, 2.0], [1.0, np.inf]])
    found = bp.Program("sum(x^2)").map({"x": X})
    assert found.status.tolist() == ["", "x[0] is missing", "x[1] is not finite"]
    assert np.isnan(found.gradients["x"][1:]).all()
    masked = np.ma.masked_greater(np.array([[1.0, 2.0], [1.0, 5.0]]), 4)
    assert bp.Program("sum(x^2)").map({"x": masked}).status.tolist() == ["", "x[1] is missing"]
