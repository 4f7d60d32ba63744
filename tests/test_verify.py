"""Measured accuracy: no row is far off, and one that is would be seen."""

import json
import math
from dataclasses import replace

import pytest
from mpmath import mp

from backprop_grammar.checks import accuracy as module
from backprop_grammar.checks import array_accuracy
from backprop_grammar.checks.accuracy import verify
from backprop_grammar.operations.structural import array_rows
from tests.support import OPERATIONS, SHOWN, call, schema

MOST = 3.0
"""Ulps that no number of the table is off by."""


@pytest.mark.parametrize("row", SHOWN, ids=[row.name for row in SHOWN])
def test_no_number_of_a_row_is_far_off(row):
    points = 3 if row.slow else 15
    measured = verify(row, points)
    numbers = [one.number for one in measured.worst]
    assert numbers[0] == "value"
    assert len(numbers) == 1 + (
        3 if row.variadic else len(row.operands) - (row.name == "polygamma")
    )
    for one in measured.worst:
        assert one.ulps <= MOST, one
        assert one.points > points / 2, one
        assert all(map(math.isfinite, one.at.values()))


def test_the_truth_is_from_values_alone():
    passes = module.passes_at(module.compiled("sin(x)"), {"x": 1.0})
    for mine in (0.54, 7.0, 0.0):  # whatever it should be
        truth = module.exact(passes, "x", mine)
        with mp.workprec(300):
            assert abs(truth - mp.cos(1)) < 1e-25


def test_a_wrong_number_is_seen(monkeypatch):
    def off(graph, at, **options):
        trace = module_evaluate(graph, at, **options)
        wrong = {name: x * (1 + 2.0**-49) for name, x in trace.gradients.items()}
        return replace(trace, gradients=wrong)

    module_evaluate = module.evaluate
    monkeypatch.setattr(module, "evaluate", off)
    value, slope = verify(OPERATIONS["sin"], 10).worst
    assert value.ulps < 1
    assert 8 < slope.ulps < 40


def test_the_measurement_is_the_same_every_time():
    assert verify(OPERATIONS["tanh"], 10) == verify(OPERATIONS["tanh"], 10)


@pytest.mark.parametrize("columns", ["100", "30", "1"])
def test_the_command(columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    code, out, err = call("functions", "sqrt", "--verify")
    assert (code, err) == (0, "")
    assert "ulp" in out and "d/dx" in out
    code, out, _ = call("functions", "sqrt", "--verify", "--json")
    document = json.loads(out)
    schema("functions").validate(document)
    worst = document["functions"][0]["verified"]["worst"]
    assert [one["number"] for one in worst] == ["value", "x"]


def test_the_whole_table(monkeypatch):
    monkeypatch.setattr(module, "POINTS", 2)
    monkeypatch.setattr(module, "FEWER", 1)
    monkeypatch.setattr(array_accuracy, "POINTS", 2)
    monkeypatch.setenv("COLUMNS", "100")
    code, out, err = call("functions", "--verify")
    assert (code, err) == (0, "")
    assert all(row.signature in out for row in (*SHOWN, *array_rows()))


def test_an_unknown_name_is_an_error():
    assert call("functions", "nope", "--verify")[0] == 1
