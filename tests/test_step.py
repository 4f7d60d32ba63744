"""Steps along the gradient: known outcomes, an oracle over mpmath, how a run ends, what is kept."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from backprop_cli.screens.steps import shown
from backprop_grammar.descent.descend import METHODS, Step, plan
from backprop_grammar.descent.trajectory import ROWS, Trajectory, landmark
from tests.screens import ROOT
from tests.support import BackpropError, call, parsed, schema, trace_of

FLOATS = st.floats(min_value=-1e6, max_value=1e6)


def run_of(program: str, at: dict[str, float], **options) -> Trajectory:
    """The finished run of a program."""
    run = Trajectory(plan(parsed(program), at, **options))
    for _ in run:
        pass
    return run


def printed(program: str, at: dict[str, float], **options) -> tuple[int, str, str]:
    """Exit code and both streams of `backprop step`."""
    point = ",".join(f"{name}={value!r}" for name, value in at.items())
    how = [f"--{name}" if value is True else f"--{name}={value}" for name, value in options.items()]
    return call("step", program, "--at", point, *how)


def document_of(program: str, at: dict[str, float], **options) -> dict:
    """The document, which holds to its schema."""
    _, out, _ = printed(program, at, json=True, **options)
    document = json.loads(out, parse_constant=lambda word: 1 / 0)
    schema("step").validate(document)
    return document


# known outcomes


@pytest.mark.parametrize(
    ("program", "at", "value", "predicted"),
    [
        ("q = x + y; f = q*z", {"x": -2, "y": 5, "z": -4}, -11.5924, 0.41),
        ("x*y", {"x": -2, "y": 3}, -5.8706, 0.13),
        (
            "sigmoid(a*x + b*y + c)",
            {"a": 1, "b": 2, "c": -3, "x": -1, "y": 3},
            0.8825501816218984,
            0.0017637844761413,
        ),
    ],
)
def test_one_step_up(program, at, value, predicted):
    document = document_of(program, at, rate=0.01, up=True)
    assert document["value"] == pytest.approx(value, rel=1e-15)
    assert document["predicted"] == pytest.approx(predicted, rel=1e-12)
    assert document["actual"] == document["value"] - document["start"]["value"]
    assert (document["steps"], document["end"]) == (1, "steps")


def test_the_point_of_one_step():
    document = document_of("x*y", {"x": -2, "y": 3}, rate=0.01, up=True)
    assert document["at"] == {"x": -1.97, "y": 2.98}
    assert document["start"]["at"] == {"x": -2.0, "y": 3.0}


@given(x=FLOATS, y=FLOATS, rate=st.floats(min_value=1e-9, max_value=1e3), up=st.booleans())
def test_one_gd_step_is_float_arithmetic(x, y, rate, up):
    run = run_of("x*y", {"x": x, "y": y}, rate=rate, up=up)
    # Adding 0 turns the -0 of a product into 0.
    way = -1.0 if up else 1.0
    assert run.final.at == {"x": x - way * (rate * y) + 0.0, "y": y - way * (rate * x) + 0.0}


def test_only_what_is_asked_for_is_stepped():
    run = run_of("x*y + w", {"x": 2.0, "y": 3.0, "w": 1.0}, wrt=["y", "y"], steps=3)
    assert run.plan.wrt == ("y",)
    assert run.final.at["x"] == 2.0 and run.final.at["w"] == 1.0 and run.final.at["y"] != 3.0
    assert list(run.final.gradients) == ["y"]


# an oracle: the methods once more, over mpmath and with gradients by hand


def oracle(gradient, start, rate, steps, method):
    """Where a method leads, in 40 digits."""
    with mpmath.workdps(40):
        beta, beta1, beta2, epsilon = (mpmath.mpf(t) for t in ("0.9", "0.9", "0.999", "1e-8"))
        x = [mpmath.mpf(value) for value in start]
        m = [mpmath.mpf(0)] * len(x)
        v = [mpmath.mpf(0)] * len(x)
        for t in range(1, steps + 1):
            for i, g in enumerate(gradient(*x)):
                if method == "gd":
                    change = g
                elif method == "momentum":
                    change = v[i] = beta * v[i] + g
                else:
                    m[i] = beta1 * m[i] + (1 - beta1) * g
                    v[i] = beta2 * v[i] + (1 - beta2) * g**2
                    root = mpmath.sqrt(v[i] / (1 - beta2**t))
                    change = m[i] / (1 - beta1**t) / (root + epsilon)
                x[i] -= mpmath.mpf(rate) * change
        return [float(value) for value in x]


def tanh_gradient(w, b):
    """Of (tanh(2*w + b) - 0.5)^2 + w^2/10."""
    t = mpmath.tanh(2 * w + b)
    outer = 2 * (t - mpmath.mpf("0.5")) * (1 - t**2)
    return 2 * outer + w / 5, outer


ORACLE = {
    "bowl": ("x^2 + 3*y^2 + x*y", lambda x, y: (2 * x + y, 6 * y + x), {"x": 2.0, "y": -1.5}),
    "valley": (
        "100*(y - x^2)^2 + (1 - x)^2",
        lambda x, y: (-400 * x * (y - x**2) - 2 * (1 - x), 200 * (y - x**2)),
        {"x": -1.2, "y": 1.0},
    ),
    "tanh": ("(tanh(2*w + b) - 0.5)^2 + w^2/10", tanh_gradient, {"w": -0.7, "b": 0.25}),
}
RATES = {"bowl": 0.05, "valley": 2.0**-11, "tanh": 0.1}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ORACLE)
def test_a_hundred_steps_agree_with_the_oracle(name, method):
    program, gradient, at = ORACLE[name]
    rate = RATES[name]
    run = run_of(program, at, rate=rate, steps=100, method=method)
    expected = oracle(gradient, at.values(), rate, 100, method)
    assert run.final.number == 100
    assert [run.final.at[name] for name in at] == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_adam_neither_overflows_nor_underflows():
    for scale in ("1e200", "1e-200"):
        run = run_of(f"{scale}*x", {"x": 1.0}, rate=0.1, steps=1, method="adam")
        moved = 1e-200 / (1e-200 + 1e-8) if scale == "1e-200" else 1.0
        assert 1 - run.final.at["x"] == pytest.approx(0.1 * moved)


# how a run ends


def test_adam_comes_down_the_valley():
    text = (ROOT / "samples/rosenbrock.bp").read_text()
    run = run_of(text, parsed(text).inputs, rate=0.05, steps=800, method="adam")
    assert run.final.value < 0.05 < 24 < run.start.value
    assert run.final.at["x"] == pytest.approx(1, abs=0.25)
    assert not run.flags


@pytest.mark.parametrize("method", METHODS)
def test_a_run_ends_where_nothing_changes(method):
    run = run_of("(x - 1)^2 + 2", {"x": 1.0}, steps=50, method=method)
    assert (run.end.reason, run.final.number) == ("converged", 0)
    assert "converged at the start: the gradient is 0" in run.notes[-1].message
    tiny = run_of("1e-20*x", {"x": 1.0}, steps=9, method="gd")
    assert (tiny.end.reason, tiny.final.number) == ("converged", 0)
    assert "below the last digit" in tiny.notes[-1].message


def test_gd_reaches_the_bottom_and_stops():
    run = run_of("(x - 3)^2", {"x": 1.0}, rate=0.5, steps=10)
    assert (run.final.number, run.final.value, run.end.reason) == (1, 0.0, "converged")
    assert not run.flags


def test_momentum_does_not_stop_as_it_turns():
    """A step of momentum may change no float although the slope is steep."""
    # After one step up the slope the velocity is -1, and the slope at 1.9 is 0.9: they cancel.
    run = run_of("if(x < 1.5, -x, 0.9*x)", {"x": 0.9}, rate=1.0, steps=3, method="momentum")
    assert [row.at["x"] for row in run.rows[1:3]] == [1.9, 1.9]
    assert run.final.number == 3 and run.final.at["x"] == pytest.approx(1)


@pytest.mark.parametrize("method", ["gd", "momentum"])
def test_a_rate_too_large_diverges(method):
    code, out, _ = printed("x^2", {"x": 1.0}, rate=3.0, steps=10_000, method=method)
    assert code == 3
    assert "flag: diverged at step" in out and "smaller rate" in out
    document = document_of("x^2", {"x": 1.0}, rate=3.0, steps=10_000, method=method)
    assert document["end"] == "diverged" and document["steps"] < 100
    assert document["flags"][0]["status"] == "diverged"
    assert document["trajectory"][-1]["step"] == document["steps"]


def test_what_falls_without_bound_is_said_to():
    run = run_of("-x^2", {"x": 1.0}, rate=1.0, steps=1000)
    assert run.end.reason == "diverged" and "goes down without bound" in run.flags[0].message


@pytest.mark.parametrize(
    ("program", "x", "rate"), [("exp(x)", 3.0, 1e4), ("x^3", 1e100, 1.0), ("x^2", 1e150, 1e300)]
)
def test_an_overflow_ends_a_run(program, x, rate):
    document = document_of(program, {"x": x}, rate=rate, steps=99, up=True)
    assert document["end"] == "diverged"
    assert document["flags"][0]["status"] == "overflow"
    assert "overflows" in document["flags"][0]["message"]
    assert document["at"]["x"] == document["trajectory"][-1]["at"]["x"]


@pytest.mark.parametrize("program", ["sqrt(x)", "log(x)"])
def test_an_undefined_point_ends_a_run(program):
    document = document_of(program, {"x": 1.0}, rate=0.3, steps=99)
    assert document["end"] == "undefined" and 0 < document["steps"] < 99
    assert document["at"]["x"] > 0
    flag = document["flags"][0]
    assert (flag["path"], flag["status"], flag["node"]) == (
        "steps",
        "undefined",
        document["output"],
    )
    assert f"step {document['steps'] + 1} leads nowhere" in flag["message"]
    assert "negative number" in flag["message"]


def test_an_infinite_gradient_ends_a_run():
    document = document_of("sqrt(x) + 1.5*x", {"x": 1.0}, rate=0.5, steps=9)
    assert (document["steps"], document["at"], document["end"]) == (1, {"x": 0.0}, "undefined")
    assert document["gradients"] == {"x": None}
    assert document["flags"][0]["path"] == "gradients.x"
    assert "no step leads on from step 1" in document["flags"][0]["message"]


def test_a_start_that_cannot_be_evaluated_is_an_error():
    code, out, err = printed("log(x)", {"x": -1.0})
    assert (code, out) == (1, "")
    assert err.startswith("error: log of a negative number")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate": 0.0}, "positive"),
        ({"rate": -1.0}, "positive"),
        ({"rate": math.inf}, "positive"),
        ({"rate": math.nan}, "positive"),
        ({"method": "adma"}, "no method adma"),
        ({"wrt": ["q"]}, "only inputs are stepped"),
        ({"wrt": ["u"]}, "no node called u"),
    ],
)
def test_a_wrong_plan_is_refused(options, message):
    with pytest.raises(BackpropError, match=message):
        plan(parsed("q = x + 1; q*y"), {"x": 1.0, "y": 2.0}, **options)
    with pytest.raises(BackpropError, match="no inputs"):
        plan(parsed("2*3"), {})
    assert printed("x", {"x": 1}, steps=0)[2] == "error: a run has 1 step or more, not 0\n"


# notes


def test_a_kink_is_counted_and_noted_once():
    run = run_of("relu(x) + y", {"x": 0.0, "y": 5.0}, rate=1.0, steps=4)
    kinks = [note for note in run.notes if note.kind == "kink"]
    assert len(kinks) == 1
    assert kinks[0].message.endswith("(at 5 steps, first at the start)")
    run = run_of("abs(x) + y", {"x": 1.0, "y": 5.0}, rate=0.5, steps=4)
    kinks = [note for note in run.notes if note.kind == "kink"]
    assert kinks[0].message.endswith("(at 3 steps, first at step 2)")


def test_a_note_on_the_program_is_said_as_it_is():
    run = run_of("unused = x; pi*x", {"x": 1.0}, steps=3)
    assert {note.kind for note in run.notes} >= {"unused"}
    assert all("steps" not in note.message for note in run.notes)


# what is kept


def walk(count: int, limit: int = 0) -> Trajectory:
    """A trajectory that was handed that many steps."""
    run = Trajectory(plan(parsed("x*y"), {"x": 1.0, "y": 1.0}, steps=max(1, count)), limit=limit)
    for number in range(count + 1):
        run.keep(Step(number, {"x": 0.0, "y": 0.0}, 0.0, {}))
    return run


@pytest.mark.parametrize("limit", [50, 100, ROWS])
@pytest.mark.parametrize("count", [0, 1, 49, 50, 99, 100, 999, 1000, 1001, 23_456, 100_000])
def test_the_selection_is_small_and_even(count, limit):
    run = walk(count, limit)
    numbers = [row.number for row in run.rows]
    assert numbers[0] == 0 and numbers[-1] == count
    assert numbers == sorted(set(numbers)) and len(numbers) <= limit
    assert max([b - a for a, b in pairwise(numbers)], default=0) <= run.stride
    assert run.stride <= max(1, 8 * count // limit)
    assert all(n in numbers for n in range(count + 1) if landmark(n))
    seen = [row.number for row in shown(run.rows)]
    assert seen[0] == 0 and seen[-1] == count and len(seen) <= 20 and set(seen) <= set(numbers)
    assert len(seen) >= min(count + 1, 7)


def test_a_point_of_many_inputs_is_kept_less_often():
    program = "+".join(f"x{i}" for i in range(1000))
    run = Trajectory(plan(parsed(program), {f"x{i}": 1.0 for i in range(1000)}))
    assert run.limit == 200


# what is printed


def test_the_table():
    code, out, err = printed("q = x + y; f = q*z", {"x": -2, "y": 5, "z": -4}, rate=0.01, up=True)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[2] == "gd up, rate 0.01"
    assert lines[4].split() == ["step", "f", "x", "y", "z"]
    assert lines[7].split() == ["1", "-11.5924", "-2.04", "4.96", "-3.97"]
    assert lines[-1] == "f went from -12 to -11.5924, up by 0.4076; predicted 0.41"


def test_a_change_of_the_other_sign_is_said_to_be():
    _, out, _ = printed("x^2", {"x": 1.0}, rate=2.0)
    assert "output went from 1 to 9, up by 8; predicted down by 8" in out


def test_a_change_has_no_more_digits_than_it_knows():
    _, out, _ = printed("1 + x", {"x": 1.0}, rate=1e-13)
    assert "went from 2 to 2, down by 1e-13; predicted 1.00031e-13" in out


@pytest.mark.parametrize("width", [20, 30, 80])
def test_no_number_is_cut_on_a_narrow_screen(monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    at = {"first": 1 / 3, "second": 2 / 3}
    _, out, _ = printed("first*second + exp(first)", at, steps=3, digits=6)
    assert max(map(len, out.splitlines())) <= max(width, 27)  # the formula has no blanks to break
    for row in run_of("first*second + exp(first)", at, steps=3).rows:
        for value in (row.value, *row.at.values()):
            assert f"{value:.6g}" in out


@pytest.mark.parametrize("width", [20, 40, 200])
def test_many_inputs_get_a_line_each(monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    at = {f"weight{i}": i / 3 for i in range(300)}
    code, out, _ = printed("+".join(f"{name}^2" for name in at), at, steps=2)
    assert code == 0 and "100 more; --json has them all" in " ".join(out.split())
    assert "weight199" in out and "weight200" not in out[out.index("weight199 ") :]


def test_the_stream_is_the_trajectory():
    at = {"x": 1.0, "y": 2.0}
    options = {"steps": 30, "rate": 0.001, "method": "momentum"}
    code, out, err = printed("x^2*y + relu(y)", at, stream=True, **options)
    assert (code, err) == (0, "")
    lines = [json.loads(line, parse_constant=lambda word: 1 / 0) for line in out.splitlines()]
    assert lines == document_of("x^2*y + relu(y)", at, **options)["trajectory"]
    whole = schema("step").schema
    one = Draft202012Validator({"$ref": "#/$defs/step", "$defs": whole["$defs"]})
    for line in lines:
        one.validate(line)


def test_the_stream_says_why_it_ends_on_the_other_stream():
    code, out, err = printed("log(x)", {"x": 1.0}, rate=0.3, steps=99, stream=True)
    assert code == 3 and "flag: step" in err and "flag" not in out


def test_the_document_is_a_point(tmp_path):
    program = "x*y + 0*w"
    document = document_of(program, {"x": 1.0, "y": 2.0, "w": 7.0}, wrt="x", steps=2)
    file = tmp_path / "run.json"
    file.write_text(json.dumps(document))
    again = trace_of(program, "--at", f"@{file}")
    assert again["at"] == document["at"] == {"x": document["at"]["x"], "y": 2.0, "w": 7.0}
    assert again["notes"] == []


def test_the_schema_is_one():
    assert schema("step").schema["properties"]["method"]["enum"] == list(METHODS)


# a terminal, a pipe and Ctrl-C

SLOW = """
import sys, time
import backprop_grammar.descent.descend as descending
from backprop_cli.app import run
real = descending.descend
def slowly(plan):
    steps = real(plan)
    yield next(steps)
    print("ready", file=sys.stderr, flush=True)
    while True:
        time.sleep(0.05)
        try:
            yield next(steps)
        except StopIteration as stop:
            return stop.value
descending.descend = slowly
sys.exit(run(["step", "x^2", "--at", "x=1", "--rate", "0.01", *sys.argv[1:]]))
"""


def started(steps: int, stderr: int, *how: str):
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    return subprocess.Popen(
        [sys.executable, "-c", SLOW, "--steps", str(steps), *how],
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=environment,
    )


@pytest.mark.parametrize("stream", [False, True])
def test_ctrl_c_keeps_what_was_reached(stream):
    process = started(100_000, subprocess.PIPE, "--stream" if stream else "--json")
    assert process.stderr.readline() == b"ready\n"
    try:
        time.sleep(0.5)  # some steps are taken by then; none of the test rests on how many
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 130, err
    if stream:
        numbers = [json.loads(line)["step"] for line in out.splitlines()]
        assert numbers == list(range(len(numbers))) and numbers
        assert b"note: interrupted at" in err
        return
    document = json.loads(out)
    schema("step").validate(document)
    assert document["end"] == "interrupted" and document["steps"] < 100_000
    assert "interrupted at" in document["notes"][-1]["message"] and err == b""
