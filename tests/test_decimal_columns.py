"""Columns of decimals: a table of text means what `eval` means by the same text."""

import json
import random
from decimal import Decimal
from fractions import Fraction

import numpy as np
import polars as pl
import pytest

from backprop_grammar.batch.decimals import Decimals, second_parts
from tests.support import call


def texts(source: random.Random) -> str:
    """A decimal: short, as a float prints, or longer."""
    digits = source.choice((1, 2, 3, 6, 12, 15, 16, 17, 17, 21, 30))
    mantissa = str(source.randrange(10 ** (digits - 1), 10**digits))
    point = source.randrange(len(mantissa) + 1)
    text = f"{mantissa[:point] or '0'}.{mantissa[point:]}" if point < len(mantissa) else mantissa
    exponent = source.choice(("", "", "", "e-3", "e5", "e-20", "E+2"))
    return source.choice(("", "-")) + text + exponent


@pytest.mark.parametrize("seed", range(3))
def test_second_parts_are_those_of_the_shortest_text(seed):
    source = random.Random(seed)
    numbers = [float(texts(source)) for _ in range(2000)]
    numbers += [source.gauss(0, 1) for _ in range(300)] + [2.0**-k for k in range(60)]
    numbers += [k / 10 for k in range(-30, 30)] + [1e15 + 0.3, 2.0**53 + 2, 1e22, 5e-324, 0.0]
    x = np.array(numbers)
    low, error, known = second_parts(x)
    assert known[:60].mean() > 0.5
    for k in np.flatnonzero(known).tolist():
        off = Fraction(Decimal(repr(numbers[k]))) - Fraction(numbers[k])
        assert abs(Fraction(float(low[k])) - off) <= Fraction(float(error[k])), numbers[k]


def test_numbers_floats_and_doubles_of_a_column():
    said = ["0.1", "0.5", "3", "0.1000000000000000055511151231257827021181583404541015625", "1e-7", "0.50000000000000000001"]  # fmt: skip
    values = np.array([float(text) for text in said])
    column = Decimals(values, np.array([len(text) > 15 for text in said]), said)
    at = np.arange(len(said))
    exact = [Fraction(Decimal(text)) for text in said]
    for parts in (column.floats(at), column.doubles(at)):
        high, low, error = (np.broadcast_to(part, len(said)) for part in parts)
        for k, number in enumerate(exact):
            middle = Fraction(float(high[k])) + Fraction(float(low[k]))
            assert abs(middle - number) <= Fraction(float(error[k]))
    assert column.short(at).tolist() == [False, True, True, False, False, False]
    assert Decimals(np.array([1.0, -0.25, 7e4])).exact(slice(0, 3))
    assert not Decimals(np.array([1.0, -0.25, 0.3])).exact(slice(0, 3))


PROGRAMS = {
    "a + b - c": (("0.1", "0.2", "0.3"), ("0.1", "0.2", "0.30000000000000004"), ("1", "2", "3")),
    "max(a + b, c)": (("0.1", "0.2", "0.3"), ("0.5", "0.25", "0.75"), ("0.1", "0.2", "0.4")),
    "1/(a + b - c)": (("0.1", "0.2", "0.3"), ("0.1", "0.2", "0.3000000000000000000001")),
    "(a*b - c)^2": (("0.1", "3", "0.3"), ("0.7", "1.1", "0.77"), ("0.7", "1.1", "0.78")),
    "a - b + c": (("0.1", "0.1000000000000000055511151231257827021181583404541015625", "0"), ("123456789012345678901", "123456789012345678900", "0")),
    "if(a == b, c, 2*c)": (("0.3", "0.3", "1"), ("0.3", "0.30000000000000000001", "1"), ("0.5", "0.5", "0.1")),
    "sqrt(a - b)*c": (("0.3", "0.3", "1"), ("0.1", "0.3", "1"), ("0.3", "0.1", "1.7")),
    "log(a/b)/c": (("0.3", "0.3", "1"), ("0.3", "0.1", "3"), ("0.30000000000000001", "0.3", "7")),
}  # fmt: skip


def evaluated(program: str, point: tuple[str, ...]) -> tuple[list[float | None], bool]:
    """The numbers of `eval`, if there are any, and whether it stands at a kink."""
    at = ",".join(f"{name}={text}" for name, text in zip("abc", point, strict=True))
    code, out, _ = call("eval", program, "--at", at, "--json", "--quiet")
    if code not in (0, 3):
        return [], False
    trace = json.loads(out)
    kinks = {note["kind"] for note in trace["notes"]} & {"kink", "tie", "boundary"}
    return [trace["value"], *trace["gradients"].values()], bool(kinks)


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl", "strings", "parquet"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_map_on_text_is_eval_on_the_text(program, form, tmp_path):
    points = PROGRAMS[program]
    path = tmp_path / f"p.{'jsonl' if form == 'strings' else form}"
    if form in ("csv", "tsv"):
        sign = "," if form == "csv" else "\t"
        path.write_text("\n".join(sign.join(row) for row in ("abc", *points)) + "\n")
    elif form == "parquet":
        table = {name: [Decimal(row[k]) for row in points] for k, name in enumerate("abc")}
        places = max(-d.as_tuple().exponent for column in table.values() for d in column)
        if places > 17:
            return  # more than such a column holds beside 21 digits
        pl.DataFrame(table, schema=dict.fromkeys("abc", pl.Decimal(38, places))).write_parquet(path)
    else:
        quote = '"' if form == "strings" else ""
        lines = [", ".join(f'"{n}": {quote}{t}{quote}' for n, t in zip("abc", row, strict=True)) for row in points]  # fmt: skip
        path.write_text("".join(f"{{{line}}}\n" for line in lines))
    _, out, err = call("map", program, "--points", str(path), "--to", "jsonl")
    kinks = 0
    for row, line in zip(points, out.splitlines(), strict=True):
        found = json.loads(line)
        numbers, kink = evaluated(program, row)
        assert bool(found["status"]) == (not numbers or None in numbers), row
        for name, right in zip(("value", "d_a", "d_b", "d_c"), numbers, strict=False):
            assert found[name] == (
                None if right is None else pytest.approx(right, rel=1e-13, abs=0)
            )
        kinks += kink and not found["status"]
    assert (f"{kinks:,} of" in err) == bool(kinks)


def test_binary_carriers_are_the_floats_they_hold(tmp_path):
    path = tmp_path / "p.parquet"
    pl.DataFrame({"a": [0.1], "b": [0.2], "c": [0.3]}).write_parquet(path)
    _, out, _ = call("map", "a + b - c", "--points", str(path), "--to", "jsonl")
    assert json.loads(out)["value"] == float(Fraction(0.1) + Fraction(0.2) - Fraction(0.3))
    pl.DataFrame({"a": [2**60 + 1], "b": [-(2**60)], "c": [1]}).write_parquet(path)
    _, out, _ = call("map", "a + b - c", "--points", str(path), "--to", "jsonl")
    assert json.loads(out)["value"] == 0.0


def test_a_mean_is_over_decimals(tmp_path):
    """Of a perfect fit nothing is left to go along; floats in one file stay floats beside text."""
    text, held = tmp_path / "p.csv", tmp_path / "q.parquet"
    text.write_text("x,t\n0.1,0.3\n0.7,2.1\n")
    options = ("--at", "w=3", "--steps", "1", "--json")
    _, out, _ = call("step", "(w*x - t)^2", "--points", str(text), *options)
    assert json.loads(out)["value"] == 0.0
    pl.DataFrame({"x": [0.1], "t": [0.3]}).write_parquet(held)
    _, out, _ = call("step", "w*x - t", "--points", str(text), "--points", str(held), *options)
    start = json.loads(out)["trajectory"][0]["value"]
    assert start == pytest.approx(float((3 * Fraction(0.1) - Fraction(0.3)) / 3), rel=1e-13)
