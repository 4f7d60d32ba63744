"""Is it right? Difference quotients, a person's own gradients, and two formulas for one function."""

import json
import math
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from unittest.mock import patch

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

from backprop_cli.input.claims import read_claims
from backprop_cli.input.pairs import read_ranges
from backprop_grammar.checks.differences import differences
from backprop_grammar.checks.equivalence import agree
from backprop_grammar.checks.report import Report
from backprop_grammar.diagnosis.claims import (
    CHOICE,
    RIGHT,
    ROUNDED,
    TRUNCATED,
    WITHIN,
    WRONG,
    judge,
)
from backprop_grammar.diagnosis.search import Findings
from backprop_grammar.numbers.decimal import telling
from tests.mistakes import NAMES, known, measure, nonsense, outcome, random_claims, told
from tests.support import (
    BackpropError,
    Program,
    Wide,
    as_float,
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


SMOOTH = [
    # points beyond the scale of the function, and scales below that of the point
    ("sin(x)", "x=3e18", mp.cos),
    ("cos(x)", "x=1e40", lambda x: -mp.sin(x)),
    ("cos(x)", "x=1e100", lambda x: -mp.sin(x)),
    ("sin(x)", "x=1e25", mp.cos),
    ("sin(x)", "x=1e30", mp.cos),
    ("sin(x/1.05e-34)", "x=0", lambda x: 1 / mpf("1.05e-34")),
    ("sin(x/1e-308)", "x=0", lambda x: 1 / mpf("1e-308")),
    ("tanh(x/1.6e-25)", "x=0", lambda x: 1 / mpf("1.6e-25")),
    ("tanh(x/1.6e-25)", "x=2e-26", lambda x: mp.sech(x / mpf("1.6e-25")) ** 2 / mpf("1.6e-25")),
    ("x/(x + 6.626e-34)", "x=0", lambda x: 1 / mpf("6.626e-34")),
    ("asin(x/1e-30)", "x=0", lambda x: 1 / mpf("1e-30")),
    ("sqrt(x^2 + 1e-120)", "x=1e-61", lambda x: x / mp.sqrt(x * x + mpf("1e-120"))),
    # what cancels
    ("1 - cos(x)", "x=1e-32", mp.sin),
    ("log(1 + x)", "x=1e-80", lambda x: 1 / (1 + x)),
    ("exp(x) - 1 - x", "x=1e-60", mp.expm1),
    ("max(exp(x) - 1, 0)", "x=1e-161", mp.exp),
    ("if(x + 1 > 1, 2*x, 3*x)", "x=1e-161", lambda x: mpf(2)),
    ("(1 - cos(x))/x^2", "x=1e-15", lambda x: -x / 12),
    ("sin(x)^2 + cos(x)^2", "x=1", lambda x: mpf(0)),
    ("x - y*z", "x=1,y=1e-10,z=1e-100", lambda x: mpf(1)),
    # no slope, or one that vanishes in the end
    ("x^3", "x=0", lambda x: mpf(0)),
    ("(1 - cos(x))*(1 + x)", "x=0", lambda x: mpf(0)),
    ("exp(-1/x^2)", "x=0.01", lambda x: 2 / x**3 * mp.exp(-1 / x**2)),
    ("relu(w*x)*y", "x=-1,w=2,y=3", lambda x: mpf(0)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("program", "at", "slope"), SMOOTH, ids=lambda x: x if isinstance(x, str) else ""
)
def test_steps_are_of_the_scale_of_the_function(program, at, slope):
    trace = traced(program, point(at))
    found = differences(trace)
    assert {row.verdict for row in (*found.inputs, *found.edges)} == {"right"}
    (row,) = (row for row in found.inputs if row.name == "x")
    with mp.workprec(4000):
        exact = slope(mpf(point(at)["x"]))
        quotient = mpf(row.quotient.text if isinstance(row.quotient, Wide) else row.quotient)
        assert abs(quotient - exact) <= abs(exact) * mpf("1e-15") + mpf(2) ** -1075


@pytest.mark.parametrize(
    ("program", "at", "slope"), SMOOTH, ids=lambda x: x if isinstance(x, str) else ""
)
def test_and_what_differs_is_wrong_there_too(program, at, slope):
    trace = traced(program, point(at))
    right = as_float(trace.gradients["x"])
    for wrong in (right * (1 + 1e-9), -right, right / 2) if right else (1e-3, 1e300, 1e-300):
        found = differences(replace(trace, gradients=trace.gradients | {"x": wrong}), edges=False)
        (row,) = (row for row in found.inputs if row.name == "x")
        assert row.verdict == "wrong", wrong


@pytest.mark.parametrize(
    ("program", "at", "verdict", "said"),
    [
        ("sqrt(x^2 + 1e-120) + relu(x)", "x=0", "kink", "one-sided slopes 0 and 1"),
        ("abs(x) - 3*relu(x)", "x=0", "kink", "slopes -1 and -2; the gradient -1 lies between"),
        ("x^1.5", "x=0", "right", "at the edge of the domain, one-sided"),
        ("abs(x)^1.01", "x=0", "undecided", "the difference quotients do not settle"),
        ("sin(x/1e-300/1e-300)", "x=0", "undecided", "do not settle"),
        ("atan2(x, -1)", "x=0", "kink", "jump at n1"),
    ],
)  # fmt: skip
def test_a_verdict_needs_quotients_that_settle(program, at, verdict, said):
    row = checked(program, point(at)).inputs[0]
    assert row.verdict == verdict
    assert said in row.message


@pytest.mark.parametrize("name", ["sum", "mean", "max", "logsumexp"])
def test_many_operands_are_moved_together(name):
    operands = [f"x{i}" for i in range(300)]
    found = checked(f"{name}({', '.join(operands)})", {x: i / 7 for i, x in enumerate(operands)})
    assert found.right and found.skipped
    together = found.edges[-1]
    assert together.name == "dn1, all operands at once" and together.verdict == "right"
    assert found.inputs[-1].name == "all inputs at once"


def test_shares_of_a_tie_are_said_per_operand():
    tie, sides = traced("max(x, y, y)", {"x": 1, "y": 1}).notes
    assert tie.message.endswith("x gets 1/3 and y gets 2/3 of the gradient")
    assert sides.message == "the function has slopes 0 and 1 in x, 0 and 1 in y from the left and from the right"  # fmt: skip


def test_a_wrong_gradient_shows_its_digits():
    trace = traced("sin(x)", {"x": 1})
    wrong = replace(trace, gradients={"x": trace.gradients["x"] * (1 + 1e-9)})
    (row,) = differences(wrong, edges=False).inputs
    assert row.verdict == "wrong"
    assert telling(row.backward, row.quotient, 6) == ("0.5403023064", "0.5403023059")
    assert row.message.endswith("0.5403023059")


def test_a_large_graph_is_checked_in_part():
    steps = "; ".join(f"s{i} = sin(s{i - 1} + x{i % 40})" for i in range(1, 200))
    found = checked(f"s0 = 1; {steps}", {f"x{i}": 0.1 * i for i in range(40)})
    assert found.right and found.skipped
    assert found.inputs[-1].name == "all inputs at once"


# claims

NEURON_X0 = "1/(1+exp(-(w0*x0+w1*x1+w2)))", "w0=2,x0=-1,w1=-3,x1=-2,w2=-3"
PLACES = {
    "W1": ("h1", "h2"), "W2": ("f",), "W3": ("e",), "W4": ("n4",), "W5a": ("a",), "W5b": ("a",),
    "W8": ("n1",), "W9": ("y",), "W10": ("y",), "W11": ("n1",), "W12": ("n2",), "W13": ("n2",),
    "W14": ("n2",), "L1": ("f",), "L2": ("n2",), "L3": ("n2",),
}  # fmt: skip
"""Where every published mistake was made."""

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
    mistake, nodes = NAMES[case["id"]], PLACES[case["id"]]
    first_two = [
        (name, places)
        for found in verdict.diagnoses[:2]
        for name, places in [(found.mistake, found.nodes), *((n, (at,)) for n, at in found.also)]
    ]
    assert (mistake, nodes) in first_two


@pytest.mark.parametrize("group", known())
def test_known_kinds_of_mistakes_are_among_the_first_two(group):
    found = [outcome(case) for case in known()[group]]
    assert sum(named for named, _ in found) >= 0.85 * len(found)
    assert not any(false for _, false in found)


@pytest.mark.parametrize("case", known()["kinds, mended half"], ids=lambda case: case["id"])
def test_what_was_claimed_comes_from_the_wrong_rule(case):
    at = point(case["at"])
    assert float(case["claimed"]) == pytest.approx(float(value_of(case["wrong"], at)), rel=1e-2)
    correct = next(n.gradient for n in traced(case["program"], at).nodes if n.name == case["name"])
    assert float(case["claimed"]) != pytest.approx(float(correct), rel=1e-3)


@pytest.mark.parametrize(
    ("program", "at", "name", "wrong", "said"),
    [
        ("h = tanh(w*x); v*h", "w=0.8,x=1.1,v=-1.7", "w", "v*(1 - tanh(tanh(w*x))^2)*x", "took the slope of tanh at its result h = 0.706419 instead of its operand n1 = 0.88: 1 - tanh(h)^2 = 0.62981"),
        ("0.5*k*x^2 + b*x", "k=3.2,x=0.7,b=0.4", "x", "2*k*x + b", "left out the factor 0.5"),
        ("m*v^2/r", "m=1.4,v=2.3,r=0.8", "v", "2*v*m", "the upstream gradient 1.25 was left out"),
        ("k/(a*b)*v", "k=1.4,a=2.3,b=0.8,v=0.6", "v", "k/a", "left out the division by b = 0.8"),
        ("a*b*c*d*e", "a=1.2,b=0.7,c=2.1,d=0.4,e=3.3", "e", "b*c*d", "left out the factor a = 1.2"),
        ("k*(r*w)^3", "k=3,r=0.3,w=0.8", "w", "3*(r*w)^2*r", "left out the local gradient k = 3"),
        ("a = sigmoid(z); 0.5*(a - t)^2", "z=0.4,t=1", "z", "(sigmoid(z) - t)*(sigmoid(z)*(1 - sigmoid(z)))^2", "was multiplied twice by the local gradient a*(1 - a)"),
        ("y = w*x; z = y + b; a = tanh(z); 0.5*(a - t)^2", "w=0.3,x=1.2,b=0.1,t=0.5", "w", "tanh(w*x + b) - t", "this is the gradient of a (tanh), handed on unchanged: what lies between w and a was left out"),
        ("2^x", "x=2.5", "x", "x*2^(x - 1)", "x*2^(x - 1) = 7.07107 for the local gradient n1*log(2)"),
        ("k*tanh(u)", "k=1.5,u=0.4", "u", "k*sigmoid(u)*(1 - sigmoid(u))", "took the slope of sigmoid for that of tanh: sigmoid(u)*(1 - sigmoid(u)) = 0.240261"),
        ("h = sigmoid(w*x); 0.5*(v*h - t)^2", "w=0.5,x=1.4,v=0.8,t=1", "w", "h = sigmoid(w*x); g = v*h - t; g*(v - 0.1*g*h)*h*(1 - h)*x", "weights that were already updated, w - 0.1*dw: v is 0.83"),
        ("y = w*x; (y - t)^2", "w=0.413,x=2.5,t=3", "w", "2*((w - 0.1*2*(w*x - t)*x)*x - t)*x", "this is the gradient after w stepped down by 0.1 times the gradient"),
        ("a = sigmoid(z); 2*(a - t)^2", "z=0.4,t=1", "z", "2*(sigmoid(z) - t)^2*sigmoid(z)*(1 - sigmoid(z))", "was taken for the gradient of a, -1.60525"),
        ("cos(3*x)", "x=0.4", "x", "sin(3*x)", "two mistakes at once: "),
        ("log(x^2 + 1)", "x=1.4", "x", "1/(2*x)", "the outer derivative was taken at the derivative of n2, 2.8, instead of at n2 = 2.96"),
        ("o = sigmoid(z); h = o*tanh(c); h*d", "z=-0.3,c=1.05,d=0.8", "o", "d*c", "multiplied by c = 1.05, which went into n1 (tanh), instead of by n1 = 0.781806"),
        ("s = x + y; k*s^2", "x=1.4,y=-0.83,k=0.7", "x", "2*k", "took 2 for the local gradient 2*s = 1.14: the operand was left out"),
        ("d = a - b; d^2*w", "a=1.3,b=-0.6,w=2.4", "b", "2*(a - b)*w", "at d (sub) the contribution to b lost its minus sign"),
        ("b = a*a; b*c", "a=1.73,c=-0.61", "a", "a*c", "only one of the 2 contributions via b (mul) was kept"),
        ("e = y - t; if(abs(e) < d, 0.5*e^2, d*(abs(e) - 0.5*d))", "y=2.13,t=-0.44,d=0.8", "y", "y - t", "at n8 (if) the branch was differentiated that is not taken here"),
        ("h(e, d) = if(abs(e) < d, 0.5*e^2, d*(abs(e) - 0.5*d)); 3*h(y - t, d)", "y=2.13,t=-0.44,d=0.8", "t", "-3*(y - t)", "at n2 (h) the branch was differentiated that is not taken here"),
        ("w1*x1 + w2*x2", "w1=0.3,w2=0.4,x1=1.71,x2=-0.93", "w1", "x2", "was multiplied by x2 = -0.93 instead of x1 = 1.71"),
    ],
)  # fmt: skip
def test_mistakes_are_told_in_words(program, at, name, wrong, said):
    claim = repr(float(value_of(wrong, point(at))))
    (verdict,) = judge(traced(program, point(at)), {name: claim})
    assert any(said in one.message for one in verdict.diagnoses[:2]), verdict.diagnoses[:2]


def value_of(formula, at):
    """The value of a formula over some of the variables of a point."""
    used = parsed(formula).variables
    return traced(formula, {name: x for name, x in at.items() if name in used}).value


def test_a_mistake_above_siblings_is_told_once():
    at = {"w1": 0.31, "x1": 1.71, "w2": 0.43, "x2": -0.93, "w3": 0.7, "x3": 2.2, "b": 0.2}
    trace = traced("z = w1*x1 + w2*x2 + w3*x3 + b; a = tanh(z); a^2", at)
    right = trace.gradients
    claims = {f"w{i}": repr(float(right[f"w{i}"]) / at[f"x{i}"] * at[f"w{i}"]) for i in (1, 2)} | {
        "w3": repr(right["w3"]),
        "x1": repr(right["x1"]),
    }
    verdicts = {verdict.name: verdict for verdict in judge(trace, claims)}
    one, two = verdicts["w1"].diagnoses[0], verdicts["w2"].diagnoses[0]
    assert one == two and one.certain
    assert (one.mistake, one.explains, one.nodes) == ("own factor", ("w1", "w2"), ("n1", "n2"))
    assert one.message.endswith("; and likewise at n2")


def test_likewise_names_only_places_on_a_path():
    at = {"w": 0.8, "x": 1.1, "v": 0.6, "u": 0.5}
    trace = traced("h = tanh(w*x); g = tanh(v*h); s = tanh(u); g*s", at)
    h, s = math.tanh(0.88), math.tanh(0.5)
    g = math.tanh(0.6 * h)
    wrong = s * (1 - (0.6 * h) ** 2) * 0.6 * (1 - 0.88**2) * 1.1
    (verdict, right) = judge(trace, {"w": repr(wrong), "u": repr(g * (1 - s * s))})
    assert right.right
    assert verdict.diagnoses[0].nodes == ("h", "g")
    assert verdict.diagnoses[0].message.endswith("; and likewise at every tanh on the way: g")


@pytest.mark.parametrize(
    ("program", "at", "claim", "status", "said"),
    [
        ("y*leaky_relu(x)", "x=-1.1,y=0.6", "0.01", WRONG, "0.006 rounds to 0.01, too"),
        ("2^x", "x=3", "6", WRONG, "that is exactly what a common mistake gives"),
        (*NEURON_X0, "0.4", WITHIN, ""),
        ("0.98*y*x", "x=2,y=0.5", "0.5", WITHIN, "0.5 is also exactly what comes from another rule (a constant factor forgotten at n"),
        ("0.9*y*x", "x=2,y=0.5", "0.5", WRONG, "0.45 rounds to 0.5, too"),
        ("0.9*y*x", "x=2,y=0.51", "0.5", WITHIN, ""),
    ],
)  # fmt: skip
def test_what_a_mistake_gives_exactly_was_hardly_rounded(program, at, claim, status, said):
    (verdict,) = judge(
        traced(program, point(at)), {"x": claim} if "x0" not in at else {"x0": claim}
    )
    assert verdict.status == status
    assert any(said in advice for advice in verdict.advice) or not said
    assert not any(diagnosis.certain for diagnosis in verdict.diagnoses)


REPORTED = {
    "R027": "the function has slope 1 from both sides",
    "R028": "the function has slope 1 from both sides",
    "R029": "the function has slope 1 from both sides",
    "R030": "it lies between the one-sided slopes 0 and 1",
    "R031": "it lies outside the one-sided slopes -1 and 1",
    "R032": "they differ by a factor of 2",
    "R033": "1 right",
    "R034": "1 right",
    "R035": "0.006 wrong h = 0.01 is consistent with - at n1 (leaky_relu) the upstream gradient 0.6 was left out",
    "R036": "5.54518 wrong x = 6 is consistent with - at n1 (pow) the contribution to x took 2*x^(2 - 1) = 6",
    "R037": "left out the factor 0.5",
    "R038": "left out the factor 0.5",
    "R039": "took the slope of sigmoid at its result n1 = 0.668188 instead of its operand u = 0.7: sigmoid(n1)*(1 - sigmoid(n1))",
}
"""What is said of every reported command."""


@pytest.mark.parametrize(
    "case",
    [case for case in cases("reports.jsonl") if case["id"] in REPORTED],
    ids=lambda case: case["id"],
)
def test_reported_commands(case):
    code, out, err = call(*case["argv"])
    assert (code, err) == (case["expect"]["exit"], "")
    assert REPORTED[case["id"]] in " ".join(out.split())
    assert "mistake" not in out or case["id"] > "R030"
    assert "adds the upstream" not in out


@pytest.mark.parametrize(
    ("program", "at", "claim", "status", "said"),
    [
        ("relu(x)", "x=0", "0.3", CHOICE, "between the one-sided slopes 0 and 1"),
        ("relu(x)", "x=0", "0", RIGHT, ""),
        ("relu(x)", "x=0", "-0.3", WRONG, "outside the one-sided slopes 0 and 1"),
        ("y*relu(x - 1)", "x=1,y=-2", "-1.5", CHOICE, "between the one-sided slopes 0 and -2"),
        ("max(x, y)", "x=1,y=1", "0.25", CHOICE, "between the one-sided slopes 0 and 1"),
        ("max(x, y)", "x=1,y=1", "1.5", WRONG, "outside the one-sided slopes 0 and 1"),
        ("sqrt(x^4)", "x=0", "0", RIGHT, "give no number here; the function has slope 0"),
        ("hypot(x, y)^2/2", "x=0,y=0", "0", RIGHT, ""),
        ("abs(x)", "x=2", "-1", WRONG, ""),
    ],
)
def test_claims_at_kinks_are_held_against_the_slopes(program, at, claim, status, said):
    (verdict,) = Program(program).at(numbers(at)).claim(x=claim).record.verdicts
    assert verdict.status == status
    assert any(said in advice for advice in verdict.advice) or not said
    assert not (verdict.right and verdict.diagnoses)


@pytest.mark.parametrize(
    ("program", "claim", "status"),
    [
        ("s = 2*x; relu(s) - 2*relu(-s)", "1", RIGHT),
        ("s = 2*x; relu(s) - 2*relu(-s)", "1.5", CHOICE),
        ("s = 2*x; relu(s) - 2*relu(-s)", "0", WRONG),
        ("s = 2*x; relu(s) - relu(-s)", "1", RIGHT),
        ("s = 2*x; relu(s) - relu(-s)", "0", WRONG),
        ("s = 2*x; if(s < 0, 1, 2) + s", "1", WRONG),
        ("s = 2*x; if(s < 0, 1, 2) + s", "none", RIGHT),
    ],
)
def test_the_function_decides_of_inner_nodes_too(program, claim, status):
    (verdict,) = Program(program).at(x=0).claim(s=claim).record.verdicts
    assert (verdict.status, verdict.diagnoses) == (status, ())


def numbers(at):
    return {name: float(x) for name, x in point(at).items()}


@pytest.mark.parametrize(
    ("program", "at", "name", "claim"),
    [
        ("d1*d2 + d1*d3", "d1=-4.4e-181,d2=-1.07e164,d3=1.465e228", "d1", "2.007063e+228"),
        ("x*y + x*z", "x=1,y=1e200,z=2e200", "x", "7.77e200"),
        ("x*y + x*z", "x=1,y=1e300,z=3", "x", "7e200"),
        ("sin(x)*y", "x=1,y=2", "x", "1e-400"),
        ("sin(x)*y", "x=1,y=2", "x", "1e400"),
    ],
)
def test_what_overflows_or_vanishes_explains_nothing(program, at, name, claim):
    (verdict,) = judge(traced(program, point(at)), {name: claim})
    assert verdict.status == WRONG and verdict.diagnoses == ()


def test_nonsense_is_not_explained():
    assert told(nonsense(40)) == {"all": 40}


def test_few_digits_explain_nothing():
    each = often(2, 6)
    count = told(random_claims(2, each)) + told(random_claims(3, each))
    assert count["all"] == 40 * each
    assert count["explained"] <= 2 < count["consistent"]
    (verdict,) = judge(traced("x*y", {"x": 3, "y": 4}), {"x": "3"})
    assert not verdict.diagnoses[0].certain
    assert "numbers of 1 digit fits a mistake by chance" in verdict.advice[0]
    (verdict,) = judge(traced("x*y", {"x": 3.1415, "y": 4}), {"x": "3.1415"})
    assert verdict.diagnoses[0].chance < 1e-3


NEURON = "1/(1+exp(-(w0*x0+w1*x1+w2)))", {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}


@pytest.mark.parametrize(
    ("program", "at", "name", "claim", "status", "said"),
    [
        (*NEURON, "w0", "-0.19", TRUNCATED, "the digits of -0.196612 were cut off; rounded it is -0.20"),
        (*NEURON, "w0", "-0.1966", WITHIN, ""),
        (*NEURON, "w0", "0.19", WRONG, ""),
        ("exp(x)*x", {"x": 40}, "x", "9.6508*10^(18)", WITHIN, ""),
        ("exp(x)*x", {"x": 40}, "x", "9.7*10^18", WITHIN, ""),
        ("exp(x)*x", {"x": 40}, "x", "9.65·10**18", WITHIN, ""),
        ("exp(x)*x", {"x": 40}, "x", "9.6507*10^18", TRUNCATED, ""),
        ("exp(x)*x", {"x": 40}, "x", "9.75*10^18", WRONG, ""),
        ("-exp(-x)", {"x": 40}, "x", "4.2*10^(-18)", WITHIN, ""),
        ("exp(x)*x", {"x": 40}, "x", "9.65·10¹⁸", WITHIN, ""),
        ("exp(x)*x", {"x": 40}, "x", "9.7×10^{18}", WITHIN, ""),
        ("exp(x)*x", {"x": 40}, "x", "9.75×10¹⁸", WRONG, ""),
        ("-exp(-x)", {"x": 40}, "x", "4.2·10⁻¹⁸", WITHIN, ""),
        (*NEURON, "w0", "−0.20", WITHIN, ""),
        ("419.7*x", {"x": 1}, "x", "4.20e2", WITHIN, ""),
        ("380*x", {"x": 1}, "x", "4.20e2", WRONG, ""),
        ("4000*w*0.11", {"w": 1}, "w", "400.0", WRONG, ""),
        ("4000*w*0.11", {"w": 1}, "w", "400", WRONG, ""),
        ("cosh(x)*y", {"x": 0.3, "y": 7}, "x", "-2.131642", WRONG, ""),
    ],
)  # fmt: skip
def test_digits_that_were_cut_off_or_written_with_a_power_of_ten(
    program, at, name, claim, status, said
):
    (verdict,) = judge(traced(program, at), {name: claim})
    assert verdict.status == status
    assert any(said in advice for advice in verdict.advice) or not said


def test_a_negated_gradient_without_a_diagnosis_is_called_that():
    trace = traced("log(x) + x^3", {"x": 1.7})
    claim = f"{-trace.gradients['x']!r}"
    with patch("backprop_grammar.diagnosis.claims.diagnose", lambda *_: Findings([], 9, False)):
        (verdict,) = judge(trace, {"x": claim})
    assert verdict.advice[0].endswith("it is the right one with the opposite sign")


def test_what_was_said_of_one_claim_is_not_said_again(capsys):
    program, at = NEURON
    trace = traced(program, at)
    verdicts = judge(trace, {"w1": "-0.59", "x1": "-0.39"})
    report = Report(trace.program, trace.at, "f", trace.value, verdicts=verdicts)
    show("check", "table", report)
    assert "x1 = -0.39: as for w1" in capsys.readouterr().out


def test_many_claims_are_all_judged():
    names = [f"x{i}" for i in range(often(150, 400))]
    program = " + ".join(f"{i % 13 + 2}*{name}" for i, name in enumerate(names))
    trace = traced(program, {name: i / 8 + 3 for i, name in enumerate(names)})
    verdicts = judge(trace, {name: str(-(i % 13 + 2)) for i, name in enumerate(names)})
    assert all(verdict.diagnoses for verdict in verdicts)


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
QUICK = settings(max_examples=often(40, 100), deadline=None)


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
    assert read_claims(["w0=-0.20, x1 = .4", "q=1/3"]).typed == {
        "w0": "-0.20",
        "x1": ".4",
        "q": "1/3",
    }
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


@pytest.mark.parametrize(
    ("a", "b", "box", "agreed", "said"),
    [
        ("exp(x)", "2*exp(x)", "x=-1000:-800", False, "1.36447721e-391 and 2.72895442e-391; they differ by a factor of 2"),
        ("exp(x)", "exp(x)", "x=-1000:-800", True, ""),
        ("exp(x)", "exp(x)", "x=800:1000", True, ""),
        ("exp(x)", "exp(x) + exp(x/2)", "x=20:40", False, ""),
        ("exp(x)", "exp(x)*(1 + 1e-11)", "x=800:1000", False, "7.3288142223e+390 and 7.3288142224e+390"),
        ("0.75*x", "0.75*x*(1+3e-12)", "x=0.5:1", False, "0.5625 and 0.562500000002"),
        ("x*y", "-x*y", "x=1:2,y=1:2", False, "they have opposite signs"),
        ("x*1e-200*1e-200", "x*1e-200*1e-201", "x=1:2", False, "they differ by a factor of 10"),
    ],
)  # fmt: skip
def test_formulas_are_compared_beyond_the_floats(a, b, box, agreed, said):
    found = agree(parsed(a), parsed(b), read_ranges([box]))
    assert found.agreed is agreed and found.points
    assert agreed or said in found.parting.message


def test_an_empty_option_is_not_ignored():
    assert call("check", "x", "--against", "", "--over", "x=0:1")[0] == 4
    code, _, err = call("map", "x", "--points", "-", "--columns", "", stdin=b"x\n1\n")
    assert code == 2 and "--columns names no results" in err


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
