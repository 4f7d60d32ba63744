"""Is it right? Difference quotients, a person's own gradients, and two formulas for one function."""

import json
import math
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from unittest.mock import patch

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backprop_grammar.checks.differences import Report, differences
from backprop_grammar.checks.equivalence import agree, read_ranges
from backprop_grammar.diagnosis.claims import RIGHT, ROUNDED, WITHIN, WRONG, judge, read_claims
from tests.mistakes import measure
from tests.support import (
    BackpropError,
    call,
    often,
    parsed,
    point,
    rendered,
    schema,
    show,
    traced,
)
from tests.test_cases import BOUNDARY, WORKED, cases


def checked(program, at):
    return differences(traced(program, at))


# difference quotients


@pytest.mark.parametrize("case", WORKED, ids=lambda case: case["id"])
def test_worked_examples_pass_the_difference_quotients(case):
    found = checked(case["program"], case["at"])
    assert found.right and found.skipped == 0
    assert {row.verdict for row in (*found.inputs, *found.edges)} == {"right"}
    assert max(row.error for row in (*found.inputs, *found.edges)) < 1e-13


@pytest.mark.parametrize(
    "case",
    [case for case in BOUNDARY if case["expect"]["do"] != "error"],
    ids=lambda case: case["id"],
)
def test_boundary_cases_are_never_called_wrong(case):
    found = checked(case["expr"], point(case["at"]))
    assert [row for row in (*found.inputs, *found.edges) if row.verdict == "wrong"] == []


def test_a_wrong_gradient_is_found_at_its_operation():
    trace = traced("q = x + y; f = q*z", {"x": -2, "y": 5, "z": -4})
    f = trace.nodes[-1]
    wrong = f._replace(edges=(f.edges[0], f.edges[1]._replace(local=-3.0)))
    bad = replace(trace, nodes=(*trace.nodes[:-1], wrong), gradients=trace.gradients | {"z": -3.0})
    found = differences(bad)
    assert not found.right
    rows = {row.name: row for row in (*found.inputs, *found.edges) if row.verdict == "wrong"}
    assert set(rows) == {"z", "df/dz"}
    assert rows["df/dz"].quotient == 3.0 and rows["df/dz"].error == 2.0


@pytest.mark.parametrize(
    ("program", "at", "row", "verdict", "message"),
    [
        ("relu(x)*y", {"x": 0.0, "y": 3.0}, "x", "kink", "kink at n1: one-sided slopes 0 and 3; the gradient 0 lies between"),
        ("relu(x)*y", {"x": 0.0, "y": 3.0}, "dn1/dx", "kink", "kink at n1: one-sided slopes 0 and 1; the gradient 0 lies between"),
        ("max(x, y)", {"x": 2.0, "y": 2.0}, "x", "kink", "the gradient 0.5 lies between"),
        ("hypot(x, y)", {"x": 0.0, "y": 0.0}, "y", "kink", "one-sided slopes -1 and 1"),
        ("relu(x) - relu(-x)", {"x": 0.0}, "x", "right", ""),
        ("if(x < 1, x, 2*x)", {"x": 1.0}, "x", "undefined", "the gradient is undefined"),
        ("sqrt(x)", {"x": 0.0}, "x", "infinite", "the one-sided slopes are none and"),
        ("sign(x)", {"x": 0.0}, "x", "undefined", "the gradient is undefined"),
        ("x^2", {"x": 0.0}, "x", "right", ""),
        ("abs(x)^3", {"x": 1e-9}, "x", "right", ""),
        ("(1 - cos(x))/x^2", {"x": 1e-9}, "x", "right", ""),
        ("log(exp(x) + exp(y))", {"x": 1000.0, "y": 999.0}, "y", "right", ""),
        ("square(u) = u*u; square(x)*square(y)", {"x": 2.0, "y": 3.0}, "dn1/dx", "right", ""),
    ],
)  # fmt: skip
def test_kinks_and_poles_are_named(program, at, row, verdict, message):
    found = checked(program, at)
    assert found.right
    rows = {one.name: one for one in (*found.inputs, *found.edges)}
    assert rows[row].verdict == verdict
    assert message in rows[row].message


def test_a_large_graph_is_checked_in_part():
    steps = "; ".join(f"s{i} = sin(s{i - 1} + x{i % 40})" for i in range(1, 200))
    found = checked(f"s0 = 1; {steps}", {f"x{i}": 0.1 * i for i in range(40)})
    assert found.right and found.skipped
    assert found.inputs[-1].name == "all inputs at once"


# claims

NAMES = {
    "W1": ("operand for result", ("h1", "h2")),
    "W2": ("operand for result", ("f",)),
    "W3": ("operand for result", ("e",)),
    "W4": ("upstream left out", ("n4",)),
    "W5a": ("overwritten", ("a",)),
    "W5b": ("overwritten", ("a",)),
    "W8": ("operand for derivative", ("n1",)),
    "W9": ("own factor", ("y",)),
    "W10": ("local left out", ("y",)),
    "W11": ("local left out", ("n1",)),
    "W12": ("undifferentiated inner", ("n2",)),
    "W13": ("sum for product rule", ("n2",)),
    "W14": ("inner variable", ("n2",)),
    "L1": ("sign", ("f",)),
    "L2": ("swapped with sibling", ("n2",)),
    "L3": ("swapped with sibling", ("n2",)),
}
"""Every published mistake in the words of the table, and where it was made."""

PUBLISHED = cases("wrong_claims.jsonl")


@pytest.mark.parametrize("case", PUBLISHED, ids=lambda case: case["id"])
def test_published_mistakes_are_diagnosed(case):
    trace = traced(case["program"], point(case["at"]))
    (verdict,) = judge(trace, {case["name"]: case["claimed"]})
    assert math.isclose(float(verdict.correct), float(case["correct"]), rel_tol=1e-13)
    if case["mistake"].startswith("rounded intermediate"):
        assert verdict.status == ROUNDED and verdict.right
        assert "rounded to 0.2 " in verdict.advice[0] or "rounded to 0.95 " in verdict.advice[0]
        return
    assert verdict.status == WRONG
    mistake, nodes = NAMES[case["id"]]
    first_two = [
        (name, places)
        for found in verdict.diagnoses[:2]
        for name, places in [(found.mistake, found.nodes), *((n, (at,)) for n, at in found.also)]
    ]
    assert (mistake, nodes) in first_two


def test_the_kept_branch_is_named():
    (verdict,) = judge(traced("d=a*b; e=a+b; f=d*e", {"a": -2, "b": 3}), {"a": "-6"})
    assert "only the contribution via e (add) was kept" in verdict.diagnoses[0].message


def test_claims_judged_together_explain_each_other():
    at = {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}
    program = "1/(1+exp(-(w0*x0+w1*x1+w2)))"
    claims = {"w0": "-0.20", "x0": "0.39", "w1": "-0.6", "x1": "-0.4", "w2": "0.20"}
    verdicts = {verdict.name: verdict for verdict in judge(traced(program, at), claims)}
    assert [verdicts[name].status for name in claims] == [WITHIN, WITHIN, WRONG, WRONG, WITHIN]
    first = verdicts["w1"].diagnoses[0]
    assert (first.mistake, first.node, first.unique) == ("swapped with sibling", "n2", True)
    assert set(first.explains) == {"w1", "x1"} and first.spoils == ()
    assert first.message == (
        "at n2 (mul) the contributions to w1 and its sibling x1 are swapped: "
        "w1 gets x1 = -2 and x1 gets w1 = -3"
    )


def test_what_no_mistake_explains_is_said():
    (verdict,) = judge(traced("x^2*y", {"x": 1, "y": 2}), {"x": "77.123"})
    assert verdict.diagnoses == ()
    assert verdict.advice[0].startswith("none of the ")
    (verdict,) = judge(traced("exp(x)*y+x", {"x": 1.7, "y": 2}), {"x": repr(10 * (math.exp(1.7) * 2 + 1))})  # fmt: skip
    assert verdict.advice[0].endswith("it is 10 times the right one")


def test_a_point_that_tells_nothing_is_said_and_another_proposed():
    (verdict,) = judge(traced("x*y", {"x": 2, "y": 2}), {"x": "2"})
    assert verdict.status == RIGHT
    assert "this point cannot tell" in verdict.advice[0]
    other = dict(point(verdict.advice[0].rpartition("; ")[2].removesuffix(" can")))
    at = {"x": 2.0, "y": 2.0} | {name: float(value) for name, value in other.items()}
    assert at["x"] != at["y"]
    (verdict,) = judge(traced("x*y", {"x": 2, "y": 3}), {"x": "3"})
    assert verdict.advice == ()


def test_where_mistakes_look_alike_another_claim_and_another_point_are_proposed():
    (verdict,) = judge(traced("sin(x)^2", {"x": 1}), {"x": "1.682941969615793"})
    assert not verdict.diagnoses[0].unique
    assert "claim the gradient of n1 as well to tell these mistakes apart" in verdict.advice
    assert any(advice.startswith("at x=") for advice in verdict.advice)


@pytest.mark.parametrize("case", WORKED, ids=lambda case: case["id"])
def test_right_claims_are_right(case):
    trace = traced(case["program"], case["at"])
    claims = {name: str(truth) for name, truth in case["grad"].items()}
    assert all(verdict.right for verdict in judge(trace, claims))
    full = {name: repr(number) for name, number in trace.gradients.items()}
    verdicts = judged_here(trace, full)
    assert {verdict.status for verdict in verdicts} == {RIGHT}
    for form in (".3g", ".3f"):  # the advice is that of above
        short = {name: f"{float(truth):{form}}" for name, truth in case["grad"].items()}
        verdicts = judged_here(trace, short)
        assert {verdict.status for verdict in verdicts} <= {RIGHT, WITHIN}


PROGRAMS = [
    traced(case["program"], case["at"]) for case in WORKED if case["id"] in ("T04", "T05", "T19", "T30")
]  # fmt: skip
QUICK = settings(max_examples=often(60, 100), deadline=None)


@QUICK
@given(st.sampled_from(PROGRAMS), st.integers(0, 20), st.integers(1, 15), st.data())
def test_a_right_claim_is_never_called_wrong(trace, which, digits, data):
    name = list(trace.gradients)[which % len(trace.gradients)]
    text = f"{trace.gradients[name]:.{digits}g}"
    (verdict,) = judged_here(trace, {name: text})
    assert verdict.status in (RIGHT, WITHIN)


@QUICK
@given(
    st.sampled_from(PROGRAMS), st.integers(0, 20), st.integers(2, 14),
    st.floats(1.001, 1000), st.booleans(),
)  # fmt: skip
def test_a_claim_off_by_more_than_a_unit_is_never_called_right(trace, which, digits, units, up):
    name = list(trace.gradients)[which % len(trace.gradients)]
    exact = Decimal(trace.gradients[name])
    assume(exact != 0)
    with localcontext() as context:
        context.prec = 60
        unit = Decimal(1).scaleb(exact.adjusted() - digits + 1)
        off = Decimal(math.ceil(units)) * unit * (1 if up else -1)
        claimed = (exact + off).quantize(unit, rounding=ROUND_HALF_EVEN)
        assume(abs(claimed - exact) > unit)
    (verdict,) = judged_here(trace, {name: str(claimed)})
    assert verdict.status in (ROUNDED, WRONG)


def judged_here(trace, claims):
    """The verdicts without the advice that takes another point."""

    def no_other_point(*_args, **_options):
        raise BackpropError("domain", "only this point")

    with patch("backprop_grammar.diagnosis.claims.retraced", lambda _: no_other_point):
        return judge(trace, claims)


@pytest.mark.parametrize(
    ("program", "at", "claim", "status"),
    [
        ("sqrt(x)", {"x": 0}, "inf", RIGHT),
        ("sqrt(x)", {"x": 0}, "7", WRONG),
        ("x*3", {"x": 1}, "inf", WRONG),
        ("x/3", {"x": 1}, "1/3", RIGHT),
        ("pi*x/4", {"x": 1}, "pi/4", RIGHT),
        ("x/3", {"x": 1}, "0.333333333333333333333333333", RIGHT),
        ("x/3", {"x": 1}, "0.333333333333333333333333334", RIGHT),
        ("x/3", {"x": 1}, "0.33333333333334", ROUNDED),
        ("x/3", {"x": 1}, "0.34", WRONG),
        ("x/3", {"x": 1}, ".3", WITHIN),
        ("x/3", {"x": 1}, "3e-1", WITHIN),
        ("log(exp(x)+exp(y))", {"x": 1000, "y": 999}, "0.73106", WITHIN),
        ("x*0", {"x": 1}, "-0.00", RIGHT),
        ("0.3*x", {"x": 1}, "0", WRONG),
        ("0.001*x", {"x": 1}, "0.00", WITHIN),
        ("0.3*x", {"x": 1}, "1e999999", WRONG),
    ],
)
def test_how_a_claim_may_be_written(program, at, claim, status):
    (verdict,) = judge(traced(program, at), {"x": claim})
    assert (verdict.claimed, verdict.status) == (claim, status)


def test_claims_keep_their_digits():
    assert read_claims(["w0=-0.20, x1 = .4", "q=1/3"]) == {"w0": "-0.20", "x1": ".4", "q": "1/3"}
    for wrong in ("w0", "w0=", "=3", "3=w0", "a=1,a=2"):
        with pytest.raises(BackpropError):
            read_claims([wrong])
    trace = traced("x*2+1", {"x": 1})
    for claims in ({"y": "1"}, {"2": "1"}, {"x": "one"}, {"x": "1+"}, {"x": "0x10"}):
        with pytest.raises(BackpropError):
            judge(trace, claims)


def test_a_large_graph_answers():
    steps = "; ".join(f"s{i} = sin(s{i - 1})*x{i % 7} + s{i - 1}" for i in range(1, 500))
    trace = traced(f"s0 = 0.5; {steps}", {f"x{i}": 0.001 * i for i in range(7)})
    assert len(trace.nodes) > 1400  # deeper than Python calls
    (verdict,) = judge(trace, {"x3": "1.23456789"})
    assert verdict.status == WRONG and "mistakes tried" in verdict.advice[0]


def test_most_mistakes_are_found():
    total, _ = measure(17, ("neuron", "branches", "staged", "sum-times"))
    assert total["leaves"] > 400
    assert total["leaves first"] > 0.8 * total["leaves"]
    assert total["nodes first"] > 0.97 * total["nodes"]


# two formulas


@pytest.mark.parametrize(
    ("a", "b", "box", "agreed"),
    [
        ("sigmoid(x)", "1/(1 + exp(-x))", "x=-40:40", True),
        ("tanh(x)", "(exp(2*x) - 1)/(exp(2*x) + 1)", "x=-3:3", True),
        ("relu(x)", "max(x, 0)", "x=-2:2", True),
        ("x*y + y^2", "y*(x + y)", "x=-2:2,y=0:1", True),
        ("sin(x)", "x - x^3/6", "x=-2:2", False),
        ("relu(x)", "leaky_relu(x)", "x=-2:2", False),
        ("log(x)", "log(x)", "x=-2:-1", False),
        ("y = 2; x*y", "y = 3; x*y", "x=0:1", False),
        ("y = 2; x*y", "y*x", "x=0:1", True),
        ("y = 2; x*y", "y = 3; x*y", "x=0:1,y=0:1", True),
    ],
)
def test_two_formulas(a, b, box, agreed):
    found = agree(parsed(a), parsed(b), read_ranges([box]))
    assert found.agreed is agreed
    assert (found.parting is None) is (agreed or found.points == 0)


def test_the_parting_is_named():
    part = agree(parsed("log(x*x)"), parsed("2*log(x)"), {"x": (-2.0, 2.0)}).parting
    assert part.message == "B has no value at x = -2: log of a negative number"
    part = agree(parsed("x^2"), parsed("x*3 - 2"), {"x": (1.0, 1.0)}, count=0).parting
    assert (part.what, part.a, part.b) == ("x", 2.0, 3.0)
    found = agree(parsed("sqrt(x)"), parsed("x^0.5"), {"x": (-1.0, 1.0)})
    assert found.agreed and found.skipped > 20
    for box in ("x", "x=1:0", "x=a:b", "x=0:inf", "x=0:1,x=0:1"):
        with pytest.raises(BackpropError):
            read_ranges([box])
    with pytest.raises(BackpropError, match="no range for y"):
        agree(parsed("x"), parsed("y"), {"x": (0.0, 1.0)})


# formats


def reports():
    trace = traced("relu(x)*y + sqrt(z)", {"x": 0, "y": 3, "z": 0})
    verdicts = judge(trace, {"x": "3", "y": "0", "z": "inf", "n1": "2"})
    whole = Report(
        trace.program, trace.at, trace.output_name, trace.value, differences(trace), verdicts
    )
    a, b = parsed("log(x*x)"), parsed("2*log(x)")
    return [whole, Report(a, {}, "", agreement=agree(a, b, {"x": (-2.0, 2.0)}))]


def test_json_is_strict_and_as_the_schema_says():
    for report in reports():
        text = rendered("check", "json", report)
        assert "\n" not in text
        document = json.loads(text, parse_constant=lambda word: pytest.fail(word))
        schema("check").validate(document)
        assert document["right"] is report.right is False


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_screens_of_any_width(width, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(width))
    for report in reports():
        show("check", "table", report)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    text = " ".join(" ".join(lines).split())
    assert "kink at n1: one-sided slopes 0 and 3; the gradient 0 lies between" in text
    assert "B has no value at x = -2" in text


def test_many_inputs_are_moved_together():
    names = [f"x{i}" for i in range(130)]
    sum_of_squares = " + ".join(f"{name}*{name}" for name in names)
    found = checked(sum_of_squares, {name: i + 1 for i, name in enumerate(names)})
    assert found.right
    assert found.inputs[-1].name == "all inputs at once"


@pytest.mark.parametrize(
    ("program", "at", "claim", "status"),
    [
        ("x*0.5", {"x": 1}, "1", WRONG),
        ("x*0.97", {"x": 1}, "1", WITHIN),
        ("exp(x)", {"x": 10}, "22000", WITHIN),
        ("exp(x)", {"x": 10}, "22026", WITHIN),
        ("exp(x)", {"x": 10}, "22100", WRONG),
        ("1234*x", {"x": 1}, "2000", WRONG),
        ("pi*x", {"x": 1, "pi": 3}, "3", RIGHT),
    ],
)
def test_digits_of_whole_numbers(program, at, claim, status):
    (verdict,) = judge(traced(program, at), {"x": claim})
    assert verdict.status == status


@pytest.mark.parametrize(
    ("program", "at"),
    [
        ("asin(x) + log(exp(y))", {"x": 0.9, "y": -800}),
        ("acosh(x) + exp(y)/exp(y)", {"x": 1.1, "y": -740}),
    ],
)
def test_a_mistake_that_leaves_the_domain_is_no_crash(program, at):
    (verdict,) = judge(traced(program, at), {"x": "5"})
    assert verdict.status == WRONG


@pytest.mark.parametrize(
    ("a", "b", "what", "node"),
    [
        ("q = x^2; r = q + 1; r*x", "q = x*x; r = q + 2; r*x", "value", "r"),
        ("q = 2*x; r = q^2; r", "q = 2*x; r = 4*q; r", "x", "q"),
        ("x^2", "x^2 + 1", "value", ""),
    ],
)
def test_the_node_where_two_formulas_part(a, b, what, node):
    # The second pair has the same value at x = 2, where only the slope tells.
    part = agree(parsed(a), parsed(b), {"x": (2.0, 2.0)}, count=0).parting
    assert (part.what, part.node) == (what, node)
    assert part.message.endswith(f"; first at {node}") if node else "first at" not in part.message


@pytest.mark.parametrize(
    "args",
    [
        ["q = x + 1; x", "--at", "x=1", "--wrt", "q"],
        ["q = 2*x; s = 3*x; s + 1", "--at", "x=1", "--wrt", "q,x"],
        ["q = 2*x; s = q + 1; s", "--at", "x=1", "--output", "q", "--wrt", "s"],
        ["clamp(x, 1, 1)", "--at", "x=1"],
    ],
)
def test_no_gradient_of_ours_is_called_wrong(args):
    code, out, err = call("check", *args)
    assert (code, err) == (0, "")
    assert "wrong" not in out


@pytest.mark.parametrize(
    ("program", "x", "claim", "status"),
    [
        ("sin(tanh(x))", "1e8", "2", "wrong"),
        ("exp(-x)", "1e16", "0.5", "wrong"),
        ("exp(-x)", "1e19", "0", "right"),
        ("sigmoid(x)", "1e20", "0.5", "wrong"),
        ("exp(-x)", "1e19", "1e-400", "right"),
        ("x^3", "1e100", "3e200", "right"),
    ],
)
def test_claims_of_any_size(program, x, claim, status):
    code, out, err = call("check", program, "--at", f"x={x}", "--claim", f"x={claim}")
    assert err == ""
    assert code == (0 if status == "right" else 1)
    assert status in out


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ("x=2:1", "wrong order"), ("x=-1e308:1e308", "wider than the largest float"),
        ("x=0:1e400", "1e400 is too large a number"), ("1:2", "is no range"),
    ],
)  # fmt: skip
def test_a_box_that_is_none_says_why(box, said):
    code, _, err = call("check", "x^2", "--against", "x*x", f"--over={box}")
    assert code == 2
    assert said in err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["h = relu(w*x + b); (h - t)^2", "--at", "w=-1,x=2,b=0.5,t=1", "--claim", "w=-4,b=-2"], "did not select n2"),
        (["max(0, 2*x)*y", "--at", "x=-1,y=3", "--claim", "x=6"], "did not select n1"),
        (["clamp(2*x, 0, 1)", "--at", "x=2", "--claim", "x=2"], "did not select n1"),
        (["x*y", "--at", "x=3,y=1", "--upstream", "2", "--claim", "x=1,y=3"], "the upstream gradient 2 was left out"),
    ],
)  # fmt: skip
def test_mistakes_behind_a_gate_and_at_the_output_are_named(args, said):
    code, out, _ = call("check", *args)
    assert code == 1
    assert said in " ".join(out.split())
