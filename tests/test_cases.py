"""Published examples and boundary cases, through the command line."""

import json
from pathlib import Path

import pytest

from tests.support import call, trace_of

CASES = Path(__file__).parent / "cases"


def cases(name: str) -> list[dict]:
    return [json.loads(line) for line in (CASES / name).read_text("utf-8").splitlines()]


WORKED = cases("worked_examples.jsonl")
BOUNDARY = cases("boundary.jsonl")


def close(found: float | None, truth: str) -> bool:
    exact = float(truth)
    return found is not None and abs(found - exact) <= (1e-13 * abs(exact) if exact else 1e-15)


@pytest.mark.parametrize("case", WORKED, ids=lambda case: case["id"])
def test_worked_example(case):
    at = ",".join(f"{name}={value}" for name, value in case["at"].items())
    trace = trace_of(case["program"], "--at", at)
    assert close(trace["value"], case["value"])
    for name, truth in case["grad"].items():
        assert close(trace["gradients"][name], truth), name
    assert trace["flags"] == []


@pytest.mark.parametrize("case", WORKED, ids=lambda case: case["id"])
def test_the_published_digits_are_printed(case):
    at = ",".join(f"{name}={value}" for name, value in case["at"].items())
    trace = trace_of(case["program"], "--at", at)
    printed = {"f": trace["value"], **trace["gradients"]}
    for name, published in case["published"].items():
        if name == "f" and "f" in case["grad"]:
            continue
        digits = str(published).partition(".")[2]
        unit = 10.0 ** -min(len(digits), 15)  # the last digits of a float32 or of 17 are noise
        assert abs(printed[name] - float(published)) <= unit, name


@pytest.mark.parametrize("case", BOUNDARY, ids=lambda case: case["id"])
def test_boundary(case):
    expect = case["expect"]
    code, out, err = call("eval", case["expr"], "--at", case["at"], "--json")
    if expect["do"] == "error":
        error = json.loads(err)
        assert (code, out) == (1, "")
        assert error["kind"] == expect["kind"]
        assert error["hint"]
        return
    trace = json.loads(out)
    truths = [truth for truth in expect["value"].split() if truth != "or"]
    sides = [truths[0], truths[0].removeprefix("-")] if "+" in truths else truths
    assert any(close(trace["value"], truth) for truth in sides)
    flagged = {flag["path"]: flag for flag in trace["flags"]}
    for name, truth in expect["grad"].items():
        flag = flagged.pop(f"gradients.{name}", None)
        if truth in ("undefined", "+inf", "-inf"):
            assert trace["gradients"][name] is None
            assert flag["status"] == ("undefined" if truth == "undefined" else "infinite")
            assert flag.get("sign", "") == truth[0].replace("u", "")
        else:
            assert flag is None
            assert close(trace["gradients"][name], truth)
    assert not flagged
    assert code == (3 if "exit 3" in expect["do"] else 0)
    if "note:" in expect["do"]:
        wanted = expect["do"].partition("note:")[2].removesuffix(" or error")
        kinds = {"kink": {"kink", "tie"}}.get(wanted, {wanted})
        assert kinds & {note["kind"] for note in trace["notes"]}


def test_all_cases_are_here():
    assert len(WORKED) == 33
    assert len(BOUNDARY) == 119
