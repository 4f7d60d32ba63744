"""Formulas that a person claims: compared as functions, diagnosed at several points, line by line."""

import json
import pickle
import random
import re
from pathlib import Path
from typing import Any

import pytest

import backprop_grammar as bp
from backprop_grammar.checks.formula_claims import FUNCTION, HERE, SEVERAL
from backprop_grammar.diagnosis.array_mistakes import ARRAY_MISTAKES, STEPPED
from backprop_grammar.diagnosis.claims import WRONG, is_formula
from backprop_grammar.diagnosis.mistakes import MISTAKES
from backprop_grammar.errors import BackpropError
from backprop_grammar.explain.prevention import EVERYWHERE, NODE, prevention
from backprop_grammar.operations.structural import STRUCTURAL
from backprop_grammar.operations.table import FUNCTIONS
from tests.support import call, often, schema

LAYER = "X: 2x4; W: 4x3; b: 3; y: 2; z = X @ W + b; cross_entropy(z, y)"
LABELS = {"y": [0, 2]}

RIGHT: list[tuple[str, dict[str, str], Any]] = [
    # the same function in other forms
    ("x^2*y", {"x": "2*y*x", "y": "x*x"}, None),
    ("x^2*y", {"x": "x*y + y*x", "y": "(x^3 + x^3)/(2*x)"}, None),
    ("x^2*y", {"x": "2xy".replace("xy", "*x*y")}, {"x": 3, "y": 2}),
    ("sin(x)*cos(x)", {"x": "cos(2*x)"}, None),
    ("sin(x)*cos(x)", {"x": "1 - 2*sin(x)^2"}, {"x": 0}),
    ("log(x)*y + sqrt(y)", {"x": "y/x", "y": "log(x) + 1/(2*sqrt(y))"}, None),
    ("asin(x)", {"x": "1/sqrt(1 - x^2)"}, None),
    ("acosh(x)", {"x": "1/sqrt(x^2 - 1)"}, None),
    ("x^n", {"n": "x^n*log(x)", "x": "n*x^(n - 1)"}, None),
    ("pi*x", {"x": "pi"}, {"x": 3}),
    ("e*x", {"x": "e", "e": "x"}, {"e": 2, "x": 3}),
    ("x = -2; x^2", {"x": "2*x"}, None),
    ("sqrt(x - 100)", {"x": "1/(2*sqrt(x - 100))"}, {"x": 120}),
    # names of nodes, functions, gradients and values
    ("relu(x)*y", {"x": "if(x > 0, y, 0)", "y": "n1"}, None),
    ("square(u) = u*u; f = square(x)*y", {"x": "2*x*y", "y": "square(x)"}, None),
    ("s = sigmoid(w*x + b); (s - t)^2", {"w": "2*(s - t)*s*(1 - s)*x", "t": "-2*(s - t)"}, None),
    ("q = x + y; f = q*z", {"dq": "z", "dz": "q", "dx": "dq", "dy": "up"}, None),
    ("q = x*y; f = q*q", {"dq_dx": "y", "df_dq": "2*q", "df_dx": "df_dq*dq_dx", "q": "y*x"}, None),
    ("a = x*y; b = a + x; c = a*b", {"da": "dc*b + db", "dx": "da*y + db", "db": "a", "dc": "1"}, None),
    # arrays: of a point, as they are declared, and as they are guessed
    ("q = W @ x; sum(q^2)", {"W": "up @ x.T", "x": "W.T @ up", "q": "2*q"}, None),
    ("q = W @ x; sum(q^2)", {"W": "outer(dq, x)"}, {"W": [[1, 2], [3, 4]], "x": [1, 2]}),
    ("q = W @ x", {"W": "up @ x.T", "x": "W.T @ up"}, None),
    (LAYER, {"dz": "(softmax(z) - onehot(y, 3))/2", "W": "X.T @ dz", "db": "sum(dz, axis=0)", "X": "dz @ W.T"}, LABELS),
    ("z: 4; p = softmax(z); -log(p[1])", {"z": "p - [0, 1, 0, 0]"}, None),
    ("x: 3; sum(x)", {"x": "1"}, None),
]  # fmt: skip


def judged(program: str, claims: dict[str, str], at: Any, **options: Any) -> Any:
    if at is None or at is LABELS:
        return bp.Program(program).claim(claims, at=at, **options)
    return bp.Program(program).at(at).claim(claims, **options)


@pytest.mark.parametrize(("program", "claims", "at"), RIGHT)
def test_the_same_function_is_right_in_any_form(program: str, claims: dict[str, str], at: Any) -> None:  # fmt: skip
    report = judged(program, claims, at, points=often(15, 100))
    assert report.right, str(report)
    assert [one.status for one in report.record.verdicts] == [FUNCTION] * len(claims)
    assert report.record.first is None
    words = {one.text for one in report.record.verdicts}
    assert words == {f"right, as a function, at {report.record.verdicts[0].points} points"}


PROGRAMS = (
    "1/(1 + exp(-(w0*x0 + w1*x1 + w2)))", "a = x*y; b = tanh(a) + x; b*a/y", "exp(-x^2)/sqrt(x + 3)",
    "m = max(x, y, z); m^2*x", "logsumexp(x, y)*z", "log(1 + exp(x*y)) - t*x*y",
)  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_derive_writes_is_right(program: str) -> None:
    text = bp.Program(program).derive().text()
    stages = [line.partition(" = ") for line in text.splitlines()]
    formula = "\n".join(f"{name} = {right}" for name, _, right in stages)
    for name, _, _ in stages:
        formula = re.sub(rf"\b{name}\b", f"t_{name}", formula)
    claims = {
        name.rpartition("_d")[2]: f"{formula}\nt_{name}" for name, _, _ in stages if "_d" in name
    }
    report = bp.Program(program).claim(claims, points=10)
    assert report.right, str(report)


PLANTED: list[tuple[str, dict[str, str], Any, str, str, str, str]] = [
    # program, claims, point, the first wrong one, its mistake, where, a part of what is said
    ("sin(x^2)", {"x": "cos(x^2)"}, None, "x", "local left out", "n1", "the inner derivative is missing"),
    ("x^2*y", {"y": "x^2", "x": "x*y"}, None, "x", "slip", "n1", "the exponent was not brought down"),
    ("q = x + y; f = q*z", {"dq": "z", "dz": "z", "dx": "dq"}, None, "z", "own factor", "f", "z itself"),
    ("exp(x)*x", {"x": "exp(x)"}, {"x": 2}, "x", "overwritten", "x", "overwritten"),
    ("sin(x)*cos(x)", {"x": "-sin(x)*cos(x)"}, None, "x", "derivatives multiplied", "n3", "product rule"),
    ("s = sigmoid(x); (s - t)^2", {"t": "2*(s - t)"}, None, "t", "minus left out", "n1", "minus sign"),
    ("max(x, y)*z", {"x": "z"}, None, "x", "gate ignored", "n1", "did not select"),
    ("x/y", {"y": "-x/y"}, None, "y", "divisor not squared", "n1", "was not squared"),
    ("q = x*y; f = q*q", {"dq_dx": "x"}, None, "dq_dx", "swapped with sibling", "q", "swapped"),
    ("q = W @ x; sum(q^2)", {"W": "x @ up.T"}, None, "W", "result transposed", "q", "transposed"),
    ("q = W @ x; sum(q^2)", {"x": "W @ up"}, {"W": [[1, 2], [3, 4]], "x": [1, 2]}, "x", "transpose forgotten", "q", "a transpose was forgotten"),
    (LAYER, {"dz": "softmax(z) - onehot(y, 3)", "W": "X.T @ dz"}, LABELS, "z", "divisor", "n2", "the division is wrong"),
    (LAYER, {"db": "dz", "dz": "(softmax(z) - onehot(y, 3))/2"}, LABELS, "b", "not summed", "z", "was not summed"),
    ("z = relu(W @ x); sum(z)", {"x": "W.T @ ones(2)"}, None, "x", "mask forgotten", "z", "mask"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "claims", "at", "name", "mistake", "node", "said"), PLANTED)
def test_a_wrong_formula_is_explained(
    program: str, claims: dict[str, str], at: Any, name: str, mistake: str, node: str, said: str
) -> None:
    report = judged(program, claims, at)
    wrong = [one for one in report.record.verdicts if not one.right]
    assert [one.name for one in wrong] == [name] and not report.right, str(report)
    first = wrong[0].diagnoses[0]
    every = {(one.mistake, one.node) for one in wrong[0].diagnoses}
    assert (mistake, node) in {*every, *first.also}, str(report)
    assert any(said in one.message for one in wrong[0].diagnoses)
    assert all(one.rule.endswith(".") for one in wrong[0].diagnoses)
    assert wrong[0].parted.message in wrong[0].advice
    if len(claims) > 1:
        line = list(claims).index(next(k for k in claims if k in (name, f"d{name}"))) + 1
        assert report.record.first.message.startswith(f"the first line that is wrong is line {line}: ")  # fmt: skip
    assert str(pickle.loads(pickle.dumps(report))) == str(report)


POINTS: list[tuple[str, dict[str, float], str, str]] = [
    # right at the point, by chance
    ("x^2*y", {"x": 2, "y": 3}, "x", "x^2*y"),
    ("x^2*y", {"x": 1, "y": 1}, "x", "2"),  # a number is judged as one
    ("sin(x)", {"x": 0}, "x", "1 + x"),
    ("x*y + z", {"x": 2, "y": 2, "z": 1}, "x", "x"),
]


def test_what_is_right_at_the_point_only_is_wrong() -> None:
    for program, at, name, formula in POINTS:
        report = bp.Program(program).at(at).claim({name: formula})
        verdict = report.record.verdicts[0]
        if not is_formula(formula):
            assert report.right
            continue
        assert verdict.status == HERE and not report.right
        assert verdict.text == "wrong: right at this point only"
        assert verdict.parted.at != at and " it is " in verdict.advice[0]


def test_no_coincidence_is_named() -> None:
    # Every mistake that is named gives the formula at other points, too: made with mpmath's numbers.
    rng = random.Random(3)
    at = {"x": 2.0, "y": 2.0, "z": 4.0}  # x*y, x + y, z and x^2 are all 4
    for formula in ("x^2", "z", "x + y", "4*x/y"):
        verdict = bp.Program("q = x*y; f = q*z").at(at).claim({"z": formula}).record.verdicts[0]
        assert verdict.status == HERE
        kinds = {one.mistake for one in verdict.diagnoses}
        assert kinds <= {"own factor", "swapped with sibling", "operand for derivative", "value for gradient", "sum for product rule", "product for sum", "mixed up", "slip", "before activation"}  # fmt: skip
        if formula == "4*x/y":
            assert not kinds
    point = {name: round(rng.uniform(-2, 2), 2) for name in "xyz"}
    report = bp.Program("q = x*y; f = q*z").at(point).claim({"z": "x + y"})
    assert not report.right and SEVERAL > 1


WITHOUT = [
    ("x^2*y", {"x": "2*x*yy"}, "there is no yy"),
    ("weight*x", {"x": "wieght"}, "did you mean weight?"),
    ("q = x*y; f = q*z", {"x": "dqq"}, "did you mean dq?"),
    ("x^2*y", {"zz": "2*x"}, "there is no node called zz"),
    ("x*y*x", {"x": "up*x"}, "used by n1, n2, so up is not one gradient"),
    ("q = W @ x; sum(q)", {"dq_dx": "W.T"}, "q is no number"),
    ("x^2", {"x": "2*x*"}, "nothing stands after *"),
    ("sqrt(x - 100)", {"x": "1/(2*sqrt(x - 100))"}, "no point was found where the program has a value"),
    ("x^2", {"grad_x": "2*x", "dx": "x"}, "claimed twice"),
    ("x: 3; sum(x^2)", {"x[0]": "2*x[0]"}, "is one element"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "claims", "said"), WITHOUT)
def test_what_cannot_be_judged_is_refused(program: str, claims: dict[str, str], said: str) -> None:
    with pytest.raises(BackpropError) as caught:
        bp.Program(program).claim(claims)
    assert said in f"{caught.value.message}; {caught.value.hint}"


def test_what_is_a_formula() -> None:
    for text in ("2*x", "dq", "1/x", "[x, 1]", "up @ x.T", "2x", "x +"):
        assert is_formula(text), text
    for text in ("1/3", "pi/4", "1e-3", "-.2", "4.2*10^(20)", "4.2x10^3", "inf", "nan", "ones(3)", "[1, nan]", "sqrt(2)", 0.5):  # fmt: skip
        assert not is_formula(text), text
    assert is_formula("e", ["e"]) and not is_formula("e")


DERIVATION = """\
# backwards, a line each
dq = z          # a product swaps
dz = q
dx = 2*dq; dy = dq
"""


def test_a_derivation_from_the_command_line(tmp_path: Path) -> None:
    program = "q = x + y; f = q*z"
    file = tmp_path / "derivation.txt"
    file.write_text(DERIVATION)
    for claims in (f"@{file}", "dq = z; dz = q; dx = 2*dq; dy = dq"):
        for point in ((), ("--at", "x=-2,y=5,z=-4")):
            code, out, err = call("check", program, *point, "--claim", claims)
            assert code == 1 and not err
            assert "Formulas  1 of 4 wrong" in out
            assert "the first line that is wrong is line 3: dx = 2*dq" in out
            assert "right, as a function, at 100 points" in out
            code, out, _ = call("check", program, *point, "--claim", claims, "--json")
            found = json.loads(out)
            schema("check").validate(found)
            assert [one["right"] for one in found["claims"]] == [True, True, False, True]
            assert found["first"]["name"] == "x" and found["claims"][2]["parted"]["message"]
            assert call("check", program, *point, "--claim", claims, "--json")[1] == out
    code, out, _ = call("check", "x^2*y", "--at", "x=3,y=2", "--claim", "x=2*x*y,y=9")
    assert code == 0 and "Claims  1 right" in out and "Formulas  1 right" in out
    code, out, _ = call("check", "x^2*y", "--claim", "x=2*x*y", "--points", "7", "--over", "x=1:2")
    assert code == 0 and "at 7 points" in out
    code, out, _ = call("check", "3*x + y*z", "--claim", "x=3,y=z")
    assert code == 0 and out.count("right, as a function") == 2
    for args, said in (
        (("--at", "x=1,y=1", "--claim", "x=2", "--points", "3"), "for formulas"),
        (("--at", "x=1", "--claim", "x=2"), "no value for y"),
        (("--claim", "x=2"), "no value for x, y"),
        (("--claim", "x=2*x*yy"), "there is no yy"),
    ):
        code, out, err = call("check", "x^2*y", *args)
        assert code and said in err and not out


def test_every_mistake_has_the_sentence_that_prevents_it() -> None:
    rows = [*FUNCTIONS.values(), *STRUCTURAL.values()]
    names = {one.name for one in (*MISTAKES, *ARRAY_MISTAKES, STEPPED)}
    assert names >= EVERYWHERE.keys() - {"another upstream"}
    for name in names:
        for row in rows:
            for place in (0, 1):
                assert prevention(name, row, place).endswith(".")
    assert prevention("mixed up", None) == prevention("value for gradient", None) == NODE


def test_a_rule_is_said_once_and_stands_in_the_document() -> None:
    args = ("check", "a = w*x; b = y*z; a + b", "--at", "w=2,x=3,y=5,z=7", "--claim", "w=2,y=5")
    code, out, _ = call(*args)
    assert code == 1
    rule = "In a product, the local gradient for one operand is the other operand."
    assert out.count(rule) == 1
    found = json.loads(call(*args, "--json")[1])
    schema("check").validate(found)
    rules = [of["rule"] for one in found["claims"] for of in one["diagnoses"]]
    assert rules.count(rule) > 1 and all(rules)
    report = bp.Program("q = W @ x; sum(q^2)").at(W=[[1, 2], [3, 4]], x=[1, 2]).claim(W="[[10, 22], [20, 44]]")  # fmt: skip
    first = report.record.verdicts[0]
    assert first.comparison.status == WRONG
    assert first.diagnoses[0].rule == "W @ x sends up @ x.T to W, where up is the gradient that arrives."  # fmt: skip
