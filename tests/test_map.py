"""Many points: every row is the point's own answer, and nothing else in a row changes."""

import gzip
import io
import json
import math
import os
import random
import signal
import struct
import subprocess
import sys
import threading
import time
from fractions import Fraction

import mpmath
import numpy as np
import polars as pl
import pytest

import backprop_grammar as bp
from backprop_cli.data import io as tables
from backprop_grammar.batch import exact_sums as exact
from backprop_grammar.numbers.binary64 import TOLERANCE
from tests.screens import ROOT, environment
from tests.support import call, run, streams, trace_of

MESSY = (
    b"\xef\xbb\xbfid,x,y,day,the note\r\n"
    b'007,1.50,2,2020-01-01,"a, b"\r\n'
    b'008,-1,2,,"say ""hi"""\r\n'
    b"009,abc,2,2020-02-30,\r\n"
    b"010,,3,x,\xc3\xa9\r\n"
    b'011,inf,1,,""\r\n'
    b"012, 1e-3 ,+1,,\r\n"
)
REASONS = [
    "", "log of a negative number", 'x is not a number: "abc"', "x is missing",
    "x is not finite", "",
]  # fmt: skip


def rows(text: str) -> list[dict]:
    return pl.read_csv(text.encode(), infer_schema=False).to_dicts() if text else []


def test_a_row_is_the_answer_at_its_point(tmp_path):
    points = tmp_path / "p.csv"
    points.write_bytes(MESSY)
    code, out, err = call("map", "log(x)*y", "--points", str(points))
    found = rows(out)
    assert code == 3
    assert list(found[0]) == ["id", "x", "y", "day", "the note", "value", "d_x", "d_y", "status"]
    assert [(row["status"] or "").partition(" (")[0] for row in found] == REASONS
    for row in (found[0], found[5]):
        trace = trace_of("log(x)*y", "--at", f"x={row['x']},y={row['y']}")
        assert float(row["value"]) == trace["value"]
        assert {"x": float(row["d_x"]), "y": float(row["d_y"])} == trace["gradients"]
    assert {found[i][name] for i in range(1, 5) for name in ("value", "d_x", "d_y")} == {None}
    assert (
        "4 of 6 rows lack a number: 1 log of a negative number, 1 x is missing, 1 x is not a number"
        in err
    )


def test_the_other_columns_stay_as_they_are(tmp_path):
    points = tmp_path / "p.csv"
    points.write_bytes(MESSY)
    _, out, _ = call("map", "log(x)*y", "--points", str(points), "--columns", "value")
    before = MESSY.decode("utf-8-sig").replace("\r\n", "\n").splitlines()
    after = [line.rpartition(",")[0] for line in out.splitlines()]
    assert after == before


def test_formats_agree(tmp_path):
    (tmp_path / "p.csv").write_bytes(MESSY)
    paths = {}
    for name in tables.FORMATS:
        paths[name] = tmp_path / f"in{tables.FORMATS[name]}"
        code, _, err = call("map", "x*y", "--points", str(tmp_path / "p.csv"), "--columns", "status=why", "-o", str(paths[name]))  # fmt: skip
        assert code == 3, err
    wanted = None
    for source in tables.FORMATS:
        for target in tables.FORMATS:
            path = tmp_path / f"{source}{tables.FORMATS[target]}"
            code, _, err = call("map", "log(x)*y", "--points", str(paths[source]), "-o", str(path))
            assert code == 3, err
            got = {"csv": pl.read_csv, "tsv": lambda p: pl.read_csv(p, separator="\t"),
                   "jsonl": pl.read_ndjson, "parquet": pl.read_parquet}[target](path)  # fmt: skip
            numbers = got.select("value", "d_x", "d_y").rows()
            wanted = wanted or numbers
            assert numbers == wanted, (source, target)
            assert got["day"][0] == "2020-01-01"
            assert got["the note"].to_list()[:2] == ["a, b", 'say "hi"']
    assert pl.read_parquet(tmp_path / "csv.parquet").schema["x"] == pl.Float64
    assert (tmp_path / "tsv.tsv").read_text().splitlines()[1].startswith("007\t1.50\t2\t")


def test_a_line_of_json_keeps_its_text():
    lines = '\ufeff{"x": 1.50, "a": {"b": [1, 2.0]}, "n": 123456789012345678901}\n{"x":"2","x2":1}\r\n{ }\n{"x":[1]}\n'
    code, out, _ = call("map", "x^2", "--points", "-", "--from", "jsonl", stdin=lines.encode())
    assert code == 3
    assert out.splitlines() == [
        '{"x": 1.50, "a": {"b": [1, 2.0]}, "n": 123456789012345678901,"value":2.25,"d_x":3.0,"status":null}',
        '{"x":"2","x2":1,"value":4.0,"d_x":4.0,"status":null}',
        '{"value":null,"d_x":null,"status":"x is missing"}',
        '{"x":[1],"value":null,"d_x":null,"status":"x is not a number: \\"[1]\\""}',
    ]


@pytest.mark.parametrize(
    ("data", "form", "said"),
    [
        (b"", "csv", "standard input is empty"),
        (b"a,b\n1,2\n", "csv", "x is neither a column nor given by --at\n  = the columns of standard input are a, b"),
        (b"x,x\n1,2\n", "csv", "standard input has two columns x"),
        (b",,x\n1,2,3\n", "csv", "standard input has two columns without a name"),
        (b'x,y\n1,"ab\n2,3\n', "csv", "a quote in it is not closed, or stands inside a cell"),
        (b'x,y\n1,a"b\n2,3\n', "csv", "a quote in it is not closed, or stands inside a cell"),
        (b'{"x":1}\n{"x":2,"value":null}\n', "jsonl", "standard input, line 2: there is a value already"),
        (b'{"x":1}\n{"x":2,"v\\u0061lue":null}\n', "jsonl", "standard input, line 2: there is a value already"),
        (b"x,value\n1,2\n", "csv", "the points have a column value already"),
        (b"x,y\n1,2,3\n", "csv", "a row has more fields than the header"),
        (b"x\n\xff\n", "csv", "cannot read standard input: it is not UTF-8 text"),
        (b"x,y\n1,2\n", "parquet", "cannot read standard input: "),
        (b'{"x":1}\n\n', "jsonl", "standard input, line 2: this is no JSON object"),
        (b'{"x":1}\n[2]\n', "jsonl", "standard input, line 2: this is no JSON object"),
        (b'{"x":1}\nnull\n', "jsonl", "standard input, line 2: this is no JSON object"),
        (b'{"x":1}\n{"x":1,"d_x":2}\n', "jsonl", "standard input, line 2: there is a d_x already"),
        (b"nonsense\n", "jsonl", "standard input, line 1: this is no JSON object"),
    ],
)  # fmt: skip
def test_what_is_no_table(data, form, said):
    code, out, err = call("map", "x^2", "--points", "-", "--from", form, stdin=data)
    assert code in (1, 2)
    assert len(out.splitlines()) <= 1  # the header may have left already
    assert said in err
    assert len(err) < 1_500


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "standard input is empty"),
        (["--points", "nowhere.csv"], "cannot read nowhere.csv: there is no such file or folder\n"),
        (["--points", "nowhere.jsonl.gz"], "nowhere.jsonl.gz: there is no such file or folder\n"),
        (["--points", "nowhere.parquet"], "nowhere.parquet: there is no such file or folder\n"),
        (["--points", "p.csv/p.csv"], "cannot read p.csv/p.csv: a part of its path is no folder\n"),
        (
            ["--points", "p.csv", "-o", "no/p.csv"],
            "write no/p.csv: there is no such file or folder\n",
        ),
        (["--points", f"{'p' * 300}.csv"], "p.csv: its name is too long\n"),
        (["--points", "no*where.csv"], "no file is named no*where.csv"),
        (["--points", "p.xls"], "the format of p.xls is unknown"),
        (["--points", "p.csv", "--to", "parket"], "did you mean parquet?"),
        (["--points", "p.csv", "-o", "p.xls"], "the format of p.xls is unknown"),
        (["--points", "p.csv", "-o", "p.csv"], "would take the place of its own points"),
        (["--points", "p.csv", "--points", "s/p.csv"], "several files are mapped to several files"),
        (["--points", "p.csv", "--points", "s/p.csv", "-o", "out"], "would both become out/p.csv"),
        (["--points", "p.csv", "--at", "x=1"], "x is a column and given by --at"),
        (["--points", "p.csv", "--at", "z=1"], "the program has no variable z"),
        (["--points", "p.csv", "--wrt", "u"], "u"),
        (["--points", "p.csv", "--columns", "valeu"], "did you mean value?"),
        (["--points", "p.csv", "--columns", "value,d_x=value"], "is there twice"),
        (["--points", "p.csv", "--columns", "value=y"], "the points have a column y already"),
        (["--points", "p.csv", "--reduce", "max"], "is no way to reduce"),
        (["--points", "p.csv", "--resume"], "--resume is for files"),
        (["--points", "p.csv", "--workers", "-1"], "are no workers"),
        (["--points", "p.csv", "--dask", "tcp://127.0.0.1:1"], "a cluster writes files"),
        (["--points", "."], "is a folder"),
        (["--points", "t.parquet"], "holds Boolean, not numbers"),
        (["--points", "q.csv"], "no variable of the program is a column"),
        (["--points", ""], "--points names no file"),
        (["--points", "p.csv", "-o", ""], "-o names no file"),
        (["--points", "p.csv", "-o", "q.csv.gz"], "packed files are read, not written"),
        (
            ["--points", "p.csv", "-o", "q.csv/out/"],
            "cannot make the folder q.csv/out: a part of its path is no folder",
        ),
        (
            ["--points", "p.csv", "--points", "v.csv", "-o", "out"],
            "the points in v.csv have a column value already",
        ),
        (["--points", "*p.csv", "-o", "q.csv"], "the files of a pattern are written into a folder"),
        (
            ["--points", "p.csv", "--reduce", "sum", "-o", "p.csv"],
            "would take the place of its own points",
        ),
        (
            ["--points", "p.csv", "--reduce", "sum", "-o", "link.csv"],
            "would take the place of its own points",
        ),
        (["--points", "p.csv", "--reduce", "sum", "-o", "s"], "s is a folder"),
        (["--points", "p.csv", "--reduce", "sum", "-o", "nodir/x.csv"], "there is no folder"),
        (
            ["--points", "p.csv", "--reduce", "sum", "--columns", "d_x=failed"],
            "failed is a column of --reduce itself",
        ),
        (
            ["--points", "b.parquet", "--to", "jsonl"],
            "the column b of b.parquet holds Binary, which jsonl cannot",
        ),
        (
            ["--points", "b.parquet", "--to", "csv"],
            "the column b of b.parquet holds Binary, which csv cannot",
        ),
    ],
)
def test_refusals_before_any_work(args, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s").mkdir()
    for name in ("p.csv", "s/p.csv"):
        (tmp_path / name).write_text("x,y\n1,2\n")
    (tmp_path / "q.csv").write_text("a,b\n1,2\n")
    (tmp_path / "v.csv").write_text("x,value\n1,2\n")
    (tmp_path / "link.csv").symlink_to("p.csv")
    pl.DataFrame({"x": [True]}).write_parquet("t.parquet")
    pl.DataFrame({"x": [1.0], "b": [b"a"]}).write_parquet("b.parquet")
    program = "x = 2; x^2" if args == ["--points", "q.csv"] else "x^2"
    code, out, err = call("map", program, *args)
    assert (code in (1, 2), out) == (True, "")
    assert said in err
    assert (tmp_path / "p.csv").read_text() == "x,y\n1,2\n"
    assert not (tmp_path / "out").exists()


def test_a_program_is_not_written_over(tmp_path):
    (tmp_path / "p.bp").write_text("x^2")
    args = ["--points", "-", "--to", "csv", "-o", str(tmp_path / "p.bp")]
    code, _, err = call("map", "--file", str(tmp_path / "p.bp"), *args, stdin=b"x\n1\n")
    assert (code, "would take the place of its own program" in err) == (2, True)
    assert (tmp_path / "p.bp").read_text() == "x^2"


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl", "parquet"])
def test_no_rows(form, tmp_path):
    path, out = tmp_path / f"p{tables.FORMATS[form]}", tmp_path / f"q{tables.FORMATS[form]}"
    empty = pl.DataFrame({"x": []}, schema={"x": pl.Float64})
    {"csv": empty.write_csv, "tsv": empty.write_csv, "jsonl": lambda p: p.write_text(""),
     "parquet": empty.write_parquet}[form](path)  # fmt: skip
    assert call("map", "x^2", "--points", str(path), "-o", str(out))[::2] == (0, "")
    if form == "jsonl":
        assert out.read_text() == ""
    elif form == "parquet":
        assert pl.read_parquet(out).columns == ["x", "value", "d_x", "status"]
    else:
        assert out.read_text() == "x,value,d_x,status\n".replace(
            ",", "\t" if form == "tsv" else ","
        )
    code, text, _ = call("map", "x^2", "--points", str(path), "--reduce", "mean", "--to", "csv")
    assert (code, text) == (0, "value,d_x,rows,failed\n,,0,0\n")


def test_numbers_of_parquet_columns(tmp_path):
    from decimal import Decimal

    big = [2**53 + 1, 2**63 - 1, -3]
    columns = {
        "i": pl.Series(big, dtype=pl.Int64), "f": pl.Series([0.1, math.nan, 2.0], dtype=pl.Float32),
        "d": pl.Series([Decimal("0.1"), None, Decimal("1.30")], dtype=pl.Decimal(20, 2)),
        "t": pl.Series(["1.5", "x", None]), "z": pl.Series([None, None, None]),
    }  # fmt: skip
    path = tmp_path / "p.parquet"
    pl.DataFrame(columns).write_parquet(path)
    out = tmp_path / "q.parquet"
    for name, values, why in [
        ("i", [float(i) for i in big], [None] * 3),
        ("f", [float(np.float32(0.1)), None, 2.0], [None, "f is not finite", None]),
        ("d", [0.1, None, 1.3], [None, "d is missing", None]),
        ("t", [1.5, None, None], [None, 't is not a number: "x"', "t is missing"]),
        ("z", [None] * 3, ["z is missing"] * 3),
    ]:
        call("map", f"{name} + 0", "--points", str(path), "-o", str(out))
        found = pl.read_parquet(out)
        assert found["value"].to_list() == values
        assert found["status"].to_list() == why
        assert found.select(list(columns)).equals(pl.DataFrame(columns))


def any_float(source: random.Random) -> float:
    while True:
        (value,) = struct.unpack("<d", struct.pack("<Q", source.getrandbits(64)))
        if math.isfinite(value):
            return value + 0.0


def test_text_is_the_nearest_float_and_numbers_are_written_shortest():
    """The reader's and the printer's own promise, on hard cases: ties, subnormals, long digits."""
    source = random.Random(7)
    values = [any_float(source) for _ in range(5_000)]
    texts = [repr(value) for value in values]
    texts += [f"{value:.{source.randrange(15, 40)}e}" for value in values]
    texts += [str(source.getrandbits(source.randrange(1, 200))) for _ in range(2_000)]
    for value in values[:300]:
        other = math.nextafter(value, 0.0)
        middle = (Fraction(value) + Fraction(other)) / 2
        texts.append(f"{middle.numerator * 10**1100 // middle.denominator}e-1100")
    found, wrong = tables.floats(pl.Series("x", texts))
    assert found.to_list() == [float(text) for text in texts]
    assert all(why == "x is not finite" for why in wrong.values())
    column = pl.DataFrame({"x": values})
    printed = column.write_csv().splitlines()[1:]
    assert [float(text) for text in printed] == values
    digits = [len(text.lower().split("e")[0].lstrip("-").replace(".", "").strip("0")) for text in printed]  # fmt: skip
    assert digits == [len(repr(v).split("e")[0].lstrip("-").replace(".", "").strip("0")) for v in values]  # fmt: skip
    again = [json.loads(line)["x"] for line in column.write_ndjson().splitlines()]
    assert again == values


def test_sums_are_exact_whatever_the_order():
    source = random.Random(3)
    values = [any_float(source) for _ in range(3_000)] + [5e-324, -5e-324, 1.7976931348623157e308]
    whole = sum(Fraction(value) for value in values)
    units = exact.total(np.array(values))
    assert Fraction(units, 2**exact.UNIT) == whole
    assert exact.total(np.array(values[:100])) + exact.total(np.array(values[100:])) == units
    assert exact.value(units, 7) == float(whole / 7)
    assert exact.value(exact.total(np.array([1.7e308, 1.7e308]))) == math.inf
    assert exact.value(exact.total(np.array([1.7e308, 1.7e308])), 2) == 1.7e308
    assert exact.value(exact.total(np.array([1e16, 1.0, -1e16] * 1000))) == 1000.0


def test_reduce_is_the_sum_of_the_rows(tmp_path):
    path = tmp_path / "p.csv"
    source = random.Random(1)
    lines = [f"{source.gauss(0, 1)!r},{source.choice(['1', '2.5', ''])}" for _ in range(500)]
    path.write_text("x,y\n" + "\n".join(lines) + "\n")
    _, out, _ = call("map", "sin(x*w)*y", "--points", str(path), "--at", "w=2", "--wrt", "w,x")
    good = [row for row in rows(out) if row["status"] is None]
    for how in ("sum", "mean"):
        code, text, err = call("map", "sin(x*w)*y", "--points", str(path), "--at", "w=2", "--wrt", "w,x", "--reduce", how)  # fmt: skip
        (found,) = rows(text)
        assert code == 3
        assert list(found) == ["value", "d_w", "d_x", "rows", "failed"]
        assert (found["rows"], found["failed"]) == ("500", str(500 - len(good)))
        assert f"{500 - len(good)} of 500 rows lack a number: {500 - len(good)} y is missing" in err
        for name in ("value", "d_w", "d_x"):
            total = sum(Fraction(float(row[name])) for row in good)
            wanted = float(total / (len(good) if how == "mean" else 1))
            assert float(found[name]) == pytest.approx(wanted, rel=TOLERANCE)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_sum_that_cancels_is_right_all_the_same(tmp_path, workers):
    """Every row is right to a float, and their sum is far below what that says of it."""
    source = random.Random(3)
    numbers = [source.gauss(0, 1) for _ in range(600)]
    other = [-x * (1 + source.uniform(-1, 1) * 1e-10) for x in numbers]
    names = []
    for k, column in enumerate((numbers, other)):
        pl.DataFrame({"x": column}).write_parquet(tmp_path / f"{k}.parquet")
        names += ["--points", str(tmp_path / f"{k}.parquet")]
    code, text, err = call("map", "sinh(x) + tanh(w*x)/w", *names, "--at", "w=3", "--wrt", "w,x", "--reduce", "sum", "--workers", workers)  # fmt: skip
    assert (code, err) == (0, "")
    (found,) = rows(text)
    with mpmath.workprec(300):
        xs = [mpmath.mpf(x) for x in (*numbers, *other)]
        value = mpmath.fsum(mpmath.sinh(x) + mpmath.tanh(3 * x) / 3 for x in xs)
        slope = mpmath.fsum(x * mpmath.sech(3 * x) ** 2 / 3 - mpmath.tanh(3 * x) / 9 for x in xs)
        assert abs(value) < 1e-8
        assert abs(slope) < 1e-8
        assert abs(float(found["value"]) - value) <= TOLERANCE * abs(value)
        assert abs(float(found["d_w"]) - slope) <= TOLERANCE * abs(slope)


def test_a_sum_of_which_nothing_is_left_says_so():
    points = b"x\n" + b"".join(b"%r\n%r\n" % (x, -x) for x in (0.1, 0.7, 1.3))
    code, text, err = call("map", "sin(x)", "--points", "-", "--reduce", "mean", stdin=points)
    assert code == 0
    assert float(rows(text)[0]["value"]) == 0
    assert "note: the sum of value cancels: it is certain to within" in err


def test_strict_tells_the_first_row(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("x\n" + "1\n" * 700 + "-1\n" * 3 + "1\n" * 700)
    out = tmp_path / "q.csv"
    code, _, err = call("map", "log(x)", "--points", str(path), "-o", str(out), "--strict")
    assert code == 1
    assert "p.csv, row 701: log of a negative number" in err
    assert [p.name for p in tmp_path.iterdir()] == ["p.csv"]
    assert call("map", "log(x^2)", "--points", str(path), "-o", str(out), "--strict")[0] == 0


def test_a_sum_beyond_the_largest_float_is_flagged():
    code, out, err = call("map", "x", "--points", "-", "--reduce", "sum", stdin=b"x\n1e308\n1e308\n")  # fmt: skip
    assert (code, out) == (3, "value,d_x,rows,failed\n,2.0,2,0\n")
    assert "the sum of value is beyond the largest float" in err


def test_reasons_are_counted_without_their_numbers():
    _, _, err = call("map", "exp(x) + sqrt(x)", "--points", "-", stdin=b"x\n1e3\n2e3\n0\n")
    assert "3 of 3 rows lack a number: 2 exp overflows, 1 the gradient of x is +infinite\n" in err


@pytest.mark.parametrize("more", ["", '{"x":[1]}\n', '{"x":1e-400}\n'])
def test_of_a_key_given_twice_the_last_counts(more):
    lines = '{"x":1,"x":2}\n' + more
    _, out, _ = call("map", "x^2", "--points", "-", "--from", "jsonl", "--columns", "value", stdin=lines.encode())  # fmt: skip
    assert out.splitlines()[0] == '{"x":1,"x":2,"value":4.0}'


def test_sums_over_lines_with_a_value():
    lines = b'{"x":1,"value":3}\n{"x":2,"value":null}\n'
    code, out, _ = call("map", "x^2", "--points", "-", "--from", "jsonl", "--reduce", "sum", stdin=lines)  # fmt: skip
    assert (code, out) == (0, '{"value":5.0,"d_x":6.0,"rows":2,"failed":0}\n')


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl"])
def test_a_number_too_small_for_a_float_is_no_zero(form):
    cells = ["1e-400", "-1E-0999", "0." + "0" * 400 + "1", "0", "0.0", "0e5", "-0", "0E-999", "5e-324"]  # fmt: skip
    text = "".join(f'{{"x":{cell}}}\n' if form == "jsonl" else f"{cell}\n" for cell in cells)
    data = text if form == "jsonl" else f"x\n{text}"
    code, out, _ = call("map", "x+1", "--points", "-", "--from", form, "--to", "csv", "--columns", "value,status", stdin=data.encode())  # fmt: skip
    found = rows(out)
    assert code == 3
    assert [row["value"] for row in found] == [None] * 3 + ["1.0"] * 6
    assert all(row["status"].startswith("x is too small a number: ") for row in found[:3])
    assert found[0]["status"] == 'x is too small a number: "1e-400"'


def test_numbers_of_json_keep_their_text_in_a_table():
    big = "7" * 5_000
    lines = f'{{"x":1.50,"a":1e400,"b":{big},"c":{{"q":[1.50,"s",null,true]}}}}\n'
    code, out, _ = call("map", "x^2", "--points", "-", "--from", "jsonl", "--to", "csv", "--columns", "value", stdin=lines.encode())  # fmt: skip
    assert code == 0
    assert rows(out) == [{"x": "1.50", "a": "1e400", "b": big, "c": '{"q": [1.50, "s", null, true]}', "value": "2.25"}]  # fmt: skip


def test_a_column_may_be_called_like_a_renamed_one(tmp_path):
    assert call("map", "x^2", "--points", "-", stdin=b"x,x_duplicated_0\n1,2\n")[0] == 0
    pl.DataFrame({"x": [1.0], "x_duplicated_0": [2]}).write_parquet(tmp_path / "p.parquet")
    assert call("map", "x^2", "--points", str(tmp_path / "p.parquet"))[0] == 0


def test_a_column_called_like_a_stage_is_not_used():
    code, out, err = call("map", "q = x^2; q+1", "--points", "-", stdin=b"x,q\n1,5\n")
    assert (code, rows(out)[0]["value"]) == (0, "2.0")
    assert err == "note: the column q is not used: q is computed by the program\n"
    code, out, err = call("map", "q = 2; q+x", "--points", "-", stdin=b"x,q\n1,5\n")
    assert (code, rows(out)[0]["d_q"], err) == (0, "1.0", "")


def test_a_file_counts_once_however_it_is_spelt(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.csv").write_text("x\n1\n")
    args = ["--points", "p.csv", "--points", "./p.csv", "--points", str(tmp_path / "p.csv")]
    assert rows(call("map", "x^2", *args, "--reduce", "sum")[1])[0]["rows"] == "1"


def test_kinks_are_counted():
    code, out, err = call("map", "abs(x)", "--points", "-", stdin=b"x\n0\n1\n0\n")
    assert (code, rows(out)[0]["d_x"]) == (0, "0.0")
    assert "note: 2 of 3 rows stand at a kink or a tie" in err


def test_a_gradient_that_does_not_exist():
    code, out, _ = call("map", "sqrt(x)", "--points", "-", stdin=b"x\n0\n4\n")
    first, second = rows(out)
    assert code == 3
    assert (first["value"], first["d_x"], second["d_x"]) == ("0.0", None, "0.25")
    assert first["status"]


def test_a_column_may_be_called_like_a_constant():
    code, out, err = call("map", "e*x", "--points", "-", stdin=b"x,e\n2,3\n")
    assert (code, rows(out)[0]["value"]) == (0, "6.0")
    assert "e is your column here, not the constant" in err


def test_files_of_programs_pipes_and_packed_files(tmp_path):
    path = tmp_path / "p.csv.gz"
    path.write_bytes(gzip.compress(b"x\n3\n"))
    assert rows(call("map", "-", "--points", str(path), stdin=b"x^2")[1])[0]["value"] == "9.0"
    fifo = tmp_path / "pipe.csv"
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_text, args=("x\n4\n",))
    writer.start()
    assert rows(call("map", "x^2", "--points", str(fifo))[1])[0]["value"] == "16.0"
    writer.join()


def test_a_folder_of_files_and_resume(tmp_path):
    for i in range(3):
        (tmp_path / f"p{i}.csv").write_text(f"x\n{i}\n")
    out = tmp_path / "out"
    args = ["map", "x^2", "--points", str(tmp_path / "p*.csv"), "-o", str(out)]
    assert call(*args)[::2] == (0, "")
    assert [rows((out / f"p{i}.csv").read_text())[0]["value"] for i in range(3)] == ["0.0", "1.0", "4.0"]  # fmt: skip
    (tmp_path / "p1.csv").write_text("x\n5\n")
    later = time.time() + 5
    os.utime(tmp_path / "p1.csv", (later, later))
    kept = (out / "p0.csv").stat().st_mtime_ns
    assert call(*args, "--resume")[::2] == (0, "2 of 3 files are done already\n")
    assert (out / "p0.csv").stat().st_mtime_ns == kept
    assert rows((out / "p1.csv").read_text())[0]["value"] == "25.0"


@pytest.mark.parametrize(("points", "out"), [("*.csv", "out"), ("p.csv", "out/")])
def test_a_pattern_or_a_slash_makes_a_folder(points, out, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.csv").write_text("x\n1\n")
    assert call("map", "x^2", "--points", points, "-o", out)[::2] == (0, "")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["p.csv"]


def test_files_of_several_formats_keep_theirs(tmp_path):
    (tmp_path / "a.csv").write_text("x\n2\n")
    (tmp_path / "b.jsonl").write_text('{"x": 3}\n')
    out = tmp_path / "out.d"
    args = [
        "map",
        "x^2",
        "--points",
        str(tmp_path / "[ab].*"),
        "--columns",
        "value",
        "-o",
        str(out),
    ]
    assert call(*args)[::2] == (0, "")
    assert (out / "a.csv").read_text() == "x,value\n2,4.0\n"
    assert (out / "b.jsonl").read_text() == '{"x": 3,"value":9.0}\n'
    assert call(*args, "--to", "tsv")[::2] == (0, "")
    assert (out / "b.tsv").read_text() == "x\tvalue\n3\t9.0\n"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_leaves_nothing(number, code, tmp_path):
    path = tmp_path / "p.csv"
    with path.open("w") as stream:
        stream.write("x\n" + "1.25\n-0.5\n3.75\n" * 1_000_000)
    process = subprocess.Popen(
        [sys.executable, "-m", "backprop_cli", "map", "sin(x)*exp(-x^2)", "--points", str(path), "-o", "q.csv"],
        cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    for _ in range(600):
        if any(p.name.startswith(".q.csv.") for p in tmp_path.iterdir()):
            break
        time.sleep(0.05)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (code, "")
    assert [p.name for p in tmp_path.iterdir()] == ["p.csv"]


@pytest.mark.parametrize("command", [["map", "x^2"], ["step", "w*x", "--at", "w=1"]])
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_an_interrupted_copy_of_a_pipe_leaves_nothing(command, number, code, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "backprop_cli", *command, "--points", "-"],
        env=environment() | {"TMPDIR": str(tmp_path)}, stdin=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # ignored under nohup
    )  # fmt: skip
    for _ in range(600):
        if any(tmp_path.iterdir()):
            break
        time.sleep(0.05)
    assert any(tmp_path.iterdir())
    process.send_signal(number)
    process.wait(timeout=60)
    assert (process.returncode, process.communicate()[1]) == (code, b"")
    assert not any(tmp_path.iterdir())


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no such device")  # noqa: PTH110
@pytest.mark.parametrize("place", ["-o /dev/full", "> /dev/full", "--reduce sum > /dev/full"])
def test_a_full_disk_is_said(place, tmp_path):
    (tmp_path / "p.csv").write_text("x\n" + "1\n" * 50_000)
    done = subprocess.run(
        ["bash", "-c", f"backprop map x^2 --points p.csv {place}"],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    name = "/dev/full" if "-o" in place else "standard output"
    assert done.returncode == 2
    assert f"cannot write {name}: there is no space left on the disk" in done.stderr


@pytest.mark.parametrize("place", ["", "-o /dev/stdout"])
def test_a_closed_pipe_is_silent(place, tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("x\n" + "1\n" * 50_000)
    done = subprocess.run(
        ["bash", "-c", f"backprop map x^2 --points {path} {place} | head -1; echo ${{PIPESTATUS[0]}}"],
        env=environment(), capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout == "x,value,d_x,status\n141\n"
    assert done.stderr == ""


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "polars", None)
    code, out, err = call("map", "x^2", "--points", "-", stdin=b"x\n1\n")
    assert (code, out) == (2, "")
    assert "pip install 'backprop-cli[data]'" in err


def test_the_names_of_what_is_written_into_a_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with gzip.open("P.CSV.GZ", "wb") as file:
        file.write(b"x\n1\n")
    assert call("map", "x", "--points", "*.GZ", "-o", "out")[0] == 0
    assert call("map", "x", "--points", "-", "-o", "out/", stdin=b"x\n1\n")[0] == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"P.CSV", "points.csv"}


def test_half_a_character_is_written_as_its_escape(tmp_path):
    """JSON can say it, UTF-8 cannot."""
    table = tmp_path / "p.jsonl"
    table.write_text('{"x": 1, "y": "\\ud800"}\n', encoding="utf-8")
    assert rows(call("map", "x", "--points", str(table), "--to", "csv")[1])[0]["y"] == "\\ud800"
    table.write_text('{"x": "\\ud800"}\n', encoding="utf-8")
    code, out, _ = call("map", "x", "--points", str(table))
    assert code == 3
    assert json.loads(out)["status"] == 'x is not a number: "\\ud800"'


def test_a_narrow_float_is_written_as_what_it_is_computed_with(tmp_path):
    table = tmp_path / "p.parquet"
    pl.DataFrame({"x": [0.1], "id": [0.1]}, schema={"x": pl.Float32, "id": pl.Float32}).write_parquet(table)  # fmt: skip
    printed = call("map", "x*10", "--points", str(table))[1]
    again = call("map", "x*10", "--points", "-", "--columns", "value=again", stdin=printed.encode())[1]  # fmt: skip
    (row,) = rows(again)
    assert row["value"] == row["again"] == "1.0000000149011612"
    assert row["id"] == "0.1"


def test_parquet_on_standard_output_ends_as_text_does(tmp_path):
    table = tmp_path / "p.csv"
    table.write_text("x\n" + "\n".join(map(str, range(200_000))), encoding="utf-8")
    for line, code, said in (
        (f'map "x*2" --points {table} --to parquet | head -c 5 > /dev/null; exit ${{PIPESTATUS[0]}}', 141, ""),
        (f'map "x*2" --points {table} --to parquet > /dev/full', 2, "cannot write standard output"),
    ):  # fmt: skip
        done = subprocess.run(
            ["bash", "-c", f"{sys.executable} -m backprop_cli {line}"], capture_output=True,
            text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        assert said in done.stderr


def test_a_file_that_ends_too_early_is_said_to(tmp_path):
    table = tmp_path / "p.csv.gz"
    table.write_bytes(gzip.compress(b"x\n" + b"1\n2\n" * 5000)[:-20])
    code, _, err = call("map", "x", "--points", str(table))
    assert code == 2
    assert "is the file whole?" in err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("term", ["xterm", "dumb"])
@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["map", "x0*x0", "--points", "samples/points.csv", "-o"], "1/1"),
        (["step", "x0*x0", "--at", "x0=1", "--steps", "3"], "2/3"),
    ],
)
def test_a_bar_is_for_terminals(monkeypatch, tmp_path, args, told, term):
    """A run that takes longer than this patience shows how far it is, on standard error."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("backprop_cli.screens.progress.PATIENCE", 0)
    monkeypatch.setattr("backprop_cli.screens.progress.REFRESH", 0)
    monkeypatch.setenv("TERM", term)
    args = [*args, str(tmp_path / "mapped.csv")] if args[-1] == "-o" else args
    with streams(b"") as (out, err):
        assert run(args) == 0
        err.flush()
        assert err.buffer.getvalue() == b""
        plain = out
        sys.stderr = terminal = Terminal()
        assert run(args) == 0
    shown = terminal.getvalue()
    assert (told in shown) == (term == "xterm")
    assert shown == "" or shown.endswith("\x1b[2K")  # the line is taken away
    assert b"\x1b" not in plain.buffer.getvalue()


def test_there_is_one_zero():
    """NumPy tells -0 from 0, beside a branch cut above all; numbers do not."""
    program = bp.Program("s = x*(x - x); atan2(s*x, s) + atan2(y, -1)")
    table = program.map({"x": [-2.0, 2.0, -2.0], "y": [-0.0, 0.0, 0.0]})
    assert list(table.value) == [program.at(x=-2, y=0).value] * 3
