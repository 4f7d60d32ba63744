"""The benchmarks' pieces give right answers; no test looks at how long they took.

What runs other people's libraries, or from file to file, runs with LONG=1: it takes long, and what
it finds is a mistake of the benchmark.
"""

import importlib.util
import json
import math
import multiprocessing
import sys

import numpy as np
import pytest

from tests.benchmarks import arrays, files, growth, large, neurons, program, report, rows, start
from tests.benchmarks.shapes import GROWING, SHAPES
from tests.support import LONG, Program, traced

long = pytest.mark.skipif(not LONG, reason="runs with LONG=1")


def contestants(names, ours):
    """Parameters: ours every day, the others with LONG=1."""
    return [name if name in ours else pytest.param(name, marks=long) for name in names]


@pytest.mark.parametrize("units", [1, 2, 40])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_program_is_what_it_claims(shape, units):
    claimed = SHAPES[shape].program(units)
    whole = Program(claimed.text)
    assert len(whole.record) == claimed.nodes
    trace = traced(whole, claimed.at, nodes=False)
    assert set(claimed.gradients) == set(trace.gradients)
    assert claimed.holds(trace.value, trace.gradients)
    functions = {"exp": math.exp, "sin": math.sin, "relu": lambda x: max(x, 0.0)}
    built = SHAPES[shape].build(units, claimed.at, functions)
    assert math.isclose(built, claimed.value, rel_tol=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_program_is_as_large_as_asked(shape):
    for nodes in (1_000, 10_000):
        made = SHAPES[shape].program(SHAPES[shape].units(nodes)).nodes
        assert abs(made - nodes) <= 15


def test_a_wrong_answer_is_seen():
    right = SHAPES["wide"].program(3)
    assert right.holds(right.value, right.gradients)
    assert not right.holds(right.value * (1 + 1e-8), right.gradients)
    assert not right.holds(right.value, right.gradients | {"x1": 0.0})


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", contestants(program.CONTESTANTS, (program.PARSE, program.NUMBERS)))
def test_every_contestant_computes_the_program(name, shape):
    if name not in (program.PARSE, program.NUMBERS):
        pytest.importorskip(name)
    program.ENOUGH, before = 0, program.ENOUGH
    try:
        assert program.run(name, shape, 5)["right"]
    finally:
        program.ENOUGH = before


def test_a_contestant_that_crashes_or_takes_too_long_is_named_so(monkeypatch):
    found = program.attempt(program.NUMBERS, "wide", 2)
    assert found["right"] and found["seconds"] > 0
    assert program.attempt("nobody", "wide", 2) == {"failed": "crashes"}
    assert program.attempt(program.NUMBERS, "wide", 2, 0.01) == {"failed": "over 0 s"}
    answers = {True: {"failed": "crashes"}, False: {"seconds": 1.0}}
    monkeypatch.setattr(program, "attempt", lambda n, s, units, limit: answers[units >= 334])
    found = program.threshold("micrograd", "deep", 10, 3_000, 1.0)
    assert 3 * 334 <= found <= 3 * 334 * 1.11


def test_absent_peers_are_named(monkeypatch):
    monkeypatch.setattr(program, "present", lambda module: False)
    monkeypatch.setattr(start, "present", lambda module: False)
    monkeypatch.setattr(program, "attempt", lambda *_: {"seconds": 1.0, "bytes": 0})
    monkeypatch.setattr(start, "ran", lambda command: json.dumps(start.truth()))
    monkeypatch.setattr(start, "right", lambda output: True)
    table = program.compared("deep", 1, (1_000,))
    assert [row[0] for row in table.rows if "absent" in row] == list(program.CONTESTANTS)[2:]
    assert {len(row) for row in table.rows} == {len(table.heads)}
    assert not set(start.PEERS) & set(start.contestants())


@pytest.mark.parametrize(
    "name",
    contestants(
        ["backprop eval --json", "backprop eval", *start.PEERS],
        ("backprop eval --json", "backprop eval"),
    ),
)
def test_every_process_gives_the_right_numbers(name):
    if name not in start.contestants():
        pytest.skip(f"{name} is not installed")
    command, holds = start.contestants()[name]
    assert holds(start.ran(command))


def test_a_wrong_process_is_seen():
    numbers = start.truth()
    assert start.right(json.dumps(numbers))
    assert not start.right(json.dumps([*numbers[:5], numbers[5] * (1 + 1e-11)]))


ROWS = 300
OURS, *PEERS = list(neurons.CONTESTANTS)[1:]
NUMPY = [name for name in PEERS if neurons.CONTESTANTS[name][0] == "numpy"]


def wrong(name, columns, tolerance=rows.WRONG):
    """Of the rows of a contestant: how many have a wrong number, and how many others a NaN."""
    with np.errstate(all="ignore"):
        answer = neurons.CONTESTANTS[name][1](columns)()
    return rows.wrong(answer, rows.references(columns, range(ROWS)), tolerance)


def test_we_compute_the_rows():
    assert wrong(OURS, rows.ordinary(ROWS)) == (0, 0)
    assert wrong(OURS, rows.hostile(ROWS))[0] == 0


@pytest.mark.parametrize("name", contestants(PEERS, NUMPY))
def test_every_peer_computes_the_rows(name):
    module, _ = neurons.CONTESTANTS[name]
    if not neurons.has(module):
        pytest.skip(f"{module} is not installed")
    if name == "PyTorch, compiled":
        pytest.skip("compiles for half a minute")
    given = name, rows.ordinary(ROWS), rows.ROUGHLY
    if name in NUMPY:
        assert wrong(*given) == (0, 0)
    else:  # JAX warns of every fork of a process where it was
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            assert pool.apply(wrong, given) == (0, 0)


def test_numpy_by_hand_is_right_across_chunks():
    columns = rows.ordinary(neurons.CHUNK + 5)
    answer = neurons.numpy_by_hand(columns)()
    asked = [0, 1, neurons.CHUNK - 1, neurons.CHUNK, neurons.CHUNK + 4]
    assert rows.wrong(answer, rows.references(columns, asked)) == (0, 0)


def test_the_hostile_rows_are_hostile():
    """They cancel and overflow, and a plain formula is caught, in silence and in NaN."""
    columns = rows.hostile(ROWS)
    with np.errstate(all="ignore"):
        answer = neurons.numpy_by_hand(columns)()

    def found(third):
        part = range(third * ROWS // 3, (third + 1) * ROWS // 3)
        return rows.wrong(answer, rows.references(columns, part))

    assert found(0)[0] > ROWS / 6
    assert found(1)[1] > 0
    assert found(2) == (0, 0)


def test_the_reference_is_the_formula():
    found = rows.reference(list(start.POINT.values()))
    for number, right in zip(found, start.truth(), strict=True):
        assert math.isclose(float(number), right, rel_tol=1e-14)


def test_rounds_run_every_contestant_once_each():
    seen = []
    found = report.rounds({k: lambda k=k: seen.append(k) or len(seen) for k in "abc"}, 4)
    assert {name: len(figures) for name, figures in found.items()} == dict.fromkeys("abc", 4)
    assert all(sorted(seen[k : k + 3]) == list("abc") for k in range(0, 12, 3))


def test_tables_on_the_screen_and_in_markdown(capsys):
    table = report.Table("A title", "A note.", ("who", "how long"), [("a|b", "1.00"), ("[c]", "")])
    report.show(table, markdown=True)
    assert capsys.readouterr().out == (
        "**A title**\n\n| who | how long |\n| --- | ---: |\n| a\\|b | 1.00 |\n| [c] |  |\n\nA note.\n\n"
    )
    report.show(table, markdown=False)
    out = capsys.readouterr().out
    assert "A title" in out and "a|b" in out and "[c]" in out and "A note." in out


def test_the_machine_names_every_package():
    table = report.machine()
    named = dict(table.rows)
    assert set(report.PACKAGES) <= set(named)
    for package in ("torch", "jax"):
        assert (named[package] == "absent") == (importlib.util.find_spec(package) is None)
    assert named["Python"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}")


def test_a_missing_command_is_named(monkeypatch):
    monkeypatch.setattr(files, "has_map", lambda: False)
    assert files.measured(1, 100).rows[0][0] == "backprop map is missing"


@long
def test_the_command_from_file_to_file():
    pytest.importorskip("polars")
    table = files.measured(1, 1_000)
    assert [row[0] for row in table.rows] == list(files.FORMS)


@pytest.mark.parametrize("shape", GROWING)
def test_every_growing_program_has_a_gradient(shape):
    for count in (2, 3, 12):
        whole = Program(GROWING[shape].text(count))
        trace = traced(whole, {}, nodes=False)
        assert set(trace.gradients) == set(whole.inputs)


def test_growth_is_told_with_its_exponent(monkeypatch):
    answers = {100: {"seconds": 0.25, "code": 0}, 1_000: {"seconds": 2.5, "code": 0}}
    monkeypatch.setattr(growth, "attempt", lambda shape, size, *_: answers[size])
    assert growth.cells("sum", ("eval",), 10_000, 1.0) == ["0.25", "2.50 ^1.0"]
    answers[100] = {"seconds": 0.1, "code": 1}
    assert growth.cells("sum", ("eval",), 10_000, 1.0) == ["refused in 0.10"]
    answers[100] = {"code": -1}
    assert growth.cells("sum", ("eval",), 10_000, 1.0) == ["over 1 s"]


def test_growth_runs_a_command():
    found = growth.attempt("sum", 10, growth.COMMANDS["derive"], 60.0)
    assert found["code"] == 0 and found["seconds"] > 0
    assert growth.attempt("nothing", 10, ("eval",), 60.0) == {"code": 70}


@pytest.mark.parametrize("name", arrays.PROGRAMS)
def test_programs_over_arrays_are_evaluated_both_ways(name):
    text, at = arrays.PROGRAMS[name][0], arrays.point(name)
    assert at == arrays.point(name)
    with_nodes, without = (Program(text).at(at, nodes=nodes) for nodes in (True, False))
    assert np.isclose(with_nodes.value, without.value, rtol=1e-12)
    for variable, gradient in without.gradients.items():
        assert np.allclose(with_nodes.gradients[variable], gradient, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("name", large.programs())
def test_training_steps_by_hand_are_right(name):
    truth = large.of_us(name, False)()
    found = large.of_numpy(name)()
    assert found.keys() == truth.keys()
    for key, x in truth.items():
        assert np.allclose(found[key], x, rtol=1e-6, atol=1e-12), key
    assert large.wrong(truth, truth).startswith("0 of")
    assert not large.wrong({**truth, "loss": 0.0}, truth).startswith("0 of")


@long
def test_the_table_of_arrays():
    table = arrays.measured(1)
    assert [row[0] for row in table.rows] == list(arrays.PROGRAMS)
    assert all(len(row) == len(table.heads) for row in table.rows)
