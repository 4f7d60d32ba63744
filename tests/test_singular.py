"""At singular points the function decides: series beside quotients, and what is printed of them."""

import json
import math
from collections import Counter

import numpy as np
import pytest

from backprop_grammar.numbers.ball import Undecided
from backprop_grammar.passes.sides import Neighbourhood
from tests.singular import compositions, count_mixed, count_sides, joins, number
from tests.support import (
    BackpropError,
    Program,
    as_float,
    call,
    often,
    parsed,
    schema,
    traced,
)

MANY = list(compositions())
MIXED = list(joins())


@pytest.mark.parametrize("start", range(4))
def test_one_sided_slopes_are_what_quotients_say(start):
    step = often(331, 29)
    counts, wrong = count_sides(MANY[start * 97 :: step * 4])
    assert not wrong, wrong[0]
    assert counts["undecided"] <= 0.05 * counts.total()


def test_mixed_second_derivatives_are_what_quotients_say():
    counts, wrong = count_mixed(MIXED[:: often(37, 5)])
    assert not wrong, wrong[0]
    assert counts["undecided"] <= 0.02 * counts.total()
    assert counts["right: exists"] and counts["right: none"]


def numbers(document: dict) -> dict:
    """The derivatives in a document, of a trace or of formulas."""
    found = dict(document.get("gradients", {}))
    return found | {one["name"]: one["value"] for one in document.get("derivatives", ())}


# (command, exit, numbers, what a note or a flag says: None where the rules have the numbers)
TOLD = [
    (["eval", "relu(x) - relu(-x)", "--at", "x=0"], 0, {"x": 1}, "each relu's slope is a choice here; the function has slope 1 from both sides"),
    (["eval", "sqrt(x^4)", "--at", "x=0"], 0, {"x": 0}, "the function has slope 0 from both sides"),
    (["eval", "cbrt(x)^3", "--at", "x=0"], 0, {"x": 1}, "the rules have no number here"),
    (["eval", "sqrt(x^2+y^2)^2/2", "--at", "x=0,y=0"], 0, {"x": 0, "y": 0}, "slopes 0 in x, 0 in y"),
    (["eval", "0*sqrt(abs(x-1))", "--at", "x=1"], 0, {"x": 0}, ""),
    (["eval", "if(x==0,0,x)", "--at", "x=0"], 0, {"x": 1}, "slope 1 from both sides, where the rules give slope 0"),
    (["eval", "if(x==0,1,sin(x)/x)", "--at", "x=0"], 0, {"x": 0}, ""),
    (["eval", "if(x==0,1,(exp(x)-1)/x)", "--at", "x=0"], 0, {"x": 0.5}, ""),
    (["eval", "max(x^2,2*x^2)", "--at", "x=0"], 0, {"x": 0}, ""),
    (["eval", "sqrt(x)^3", "--at", "x=0"], 0, {"x": 0}, "defined on one side only, and has slope 0 from the right"),
    (["eval", "relu(x)-2*relu(-x)", "--at", "x=0"], 0, {"x": 1}, "slope 2 from the left and 1 from the right; the one nearer to the rules' slope 0 is printed"),
    (["eval", "abs(x)", "--at", "x=0"], 0, {"x": 0}, "slope -1 from the left and 1 from the right"),
    (["eval", "abs(x)", "--at", "x=0", "--upstream", "-3"], 0, {"x": 0}, "slope 3 from the left and -3 from the right"),
    (["eval", "if(x < 0, 1, 2) + x", "--at", "x=0"], 3, {"x": None}, "the value of the function jumps here"),
    (["eval", "s = abs(x); s*s - abs(s)", "--at", "x=0", "--wrt", "s"], 0, {"s": 0}, "slope 1 from the left and -1 from the right"),
    (["eval", "x^x", "--at", "x=0"], 3, {"x": None}, "slope -infinite from the right"),
    (["eval", "if(x==0, 0, exp(-1/x^2))", "--at", "x=0"], 0, {"x": 0}, "the function has slope 0"),
    (["eval", "abs(if(x==0, 0, exp(-1/x^2)))", "--at", "x=0"], 0, {"x": 0}, "could not be decided"),
    (["eval", "max(exp(x), x + 1) + abs(sin(x))", "--at", "x=0"], 0, {"x": 1}, "slope 0 from the left and 2 from the right"),
    (["eval", "mod(x, y)*(x - 0.3)", "--at", "x=0.3,y=0.1"], 3, {"x": None, "y": 0}, "slope 0.1 from the left and 0 from the right"),
    (["eval", "mod(x, 1e-300)", "--at", "x=1e10"], 3, {"x": None}, "the gradient of x does not exist"),
    (["eval", "x + mod(x, x)", "--at", "x=0.3"], 0, {"x": 1}, "slope 1 from both sides"),
    (["eval", "floor(floor(cos(y)/(1e-9 + x)))", "--at", "x=1e-9,y=1/3"], 0, {"x": 0, "y": 0}, "0 in y, 0 in x from both sides"),
    (["eval", "sqrt(floor(x))", "--at", "x=1e-20"], 0, {"x": 0}, "slope 0 from both sides"),
    (["eval", "round(exp(log(x)))", "--at", "x=3"], 0, {"x": 0}, None),
    (["eval", "round(x) + round(-x)", "--at", "x=2.5"], 0, {"x": 0}, "slope 0 from both sides"),
    (["eval", "acosh(3*x/(3*x))", "--at", "x=0.2"], 0, {"x": 0}, "slope 0 from both sides"),
    (["eval", "sqrt(sin(x)/sin(x) - 1)", "--at", "x=0.2"], 0, {"x": 0}, "slope 0 from both sides"),
    (["derive", "abs(x)", "--hvp", "x=1", "--at", "x=0"], 3, {"hvp_x": None}, "does not exist"),
    (["derive", "sign(x)", "--jvp", "x=1", "--at", "x=0"], 3, {"jvp": None}, "jumps here"),
    (["derive", "sign(x)", "--order", "2", "--at", "x=0"], 3, {"d2f_dx2": None}, "does not exist"),
    (["derive", "abs(x)", "--order", "3", "--at", "x=0"], 3, {"d3f_dx3": None}, "a derivative of lower order is none here"),
    (["derive", "relu(x)", "--order", "3", "--at", "x=0"], 3, {"d3f_dx3": None}, "does not exist"),
    (["derive", "sign(x)*y", "--hessian", "--at", "x=0,y=1"], 3, {"d2f_dx2": None, "d2f_dx_dy": None, "d2f_dy2": 0}, ""),
    (["derive", "s=abs(x); s*y", "--wrt", "s,x", "--order", "2", "--at", "x=0,y=1"], 3, {"d2f_ds2": 0, "d2f_ds_dx": 0, "d2f_dx2": None}, ""),
    (["derive", "hypot(x,y)^2", "--jvp", "x=1,y=0", "--at", "x=0,y=0"], 0, {"jvp": 0}, ""),
    (["derive", "hypot(x,y)", "--jvp", "x=3,y=4", "--at", "x=0,y=0"], 3, {"jvp": None}, "jvp does not exist: the function has -5 from the left and 5 from the right"),
    (["derive", "x^y", "--jvp", "x=1,y=1", "--at", "x=0,y=2"], 0, {"jvp": 0}, None),
    (["derive", "0^x", "--order", "2", "--at", "x=2"], 0, {"d2f_dx2": 0}, None),
    (["derive", "abs(x)^2", "--order", "2", "--at", "x=0"], 0, {"d2f_dx2": 2}, ""),
    (["derive", "if(x==0,1,sin(x)/x)", "--order", "2", "--at", "x=0"], 0, {"d2f_dx2": -1 / 3}, ""),
    (["derive", "relu(x^2)", "--order", "2", "--at", "x=0"], 0, {"d2f_dx2": 2}, ""),
    (["derive", "x*abs(x)", "--order", "2", "--at", "x=0"], 3, {"d2f_dx2": None}, "d2f_dx2 does not exist: the function has -2 from the left and 2 from the right"),
    (["derive", "hypot(x,y)^2/2", "--hessian", "--at", "x=0,y=0"], 0, {"d2f_dx2": 1, "d2f_dx_dy": 0, "d2f_dy2": 1}, ""),
    (["eval", "cbrt(x*y) + x*atan2(y, x)", "--at", "x=-1,y=0"], 3, {"x": math.pi, "y": None}, "the function has slope 3.14159 in x from both sides"),
    (["eval", "if(exp(x)-1 == exp(x)-1, x, 0)", "--at", "x=0.5"], 0, {"x": 1}, "the function has slope 1 from both sides"),
    (["eval", "max(x, if(x==0,-1,1))", "--at", "x=0"], 3, {"x": None}, "the value of the function jumps here"),
    (["eval", "relu(if(x==0,-1,1)) + x", "--at", "x=0"], 3, {"x": None}, "the value of the function jumps here"),
    (["eval", "if(x + floor(x) > -0.5, x, x + 5)", "--at", "x=0"], 3, {"x": None}, "the value of the function jumps here"),
    (["eval", "if(atan2(x, -1) > 0, x, x + 1)", "--at", "x=0"], 3, {"x": None}, "the value of the function jumps here"),
    (["eval", "clamp(x, -1, if(x==0,1,-3))", "--at", "x=0"], 3, {"x": None}, "the function has no value on either side"),
    (["eval", "if(if(x==0,1,-1) > 0, 3*x, x)", "--at", "x=0"], 0, {"x": 1}, "slope 1 from both sides, where the rules give slope 3"),
    (["eval", "if(if(x==0,1,-1) > 0, sin(x), x)", "--at", "x=0"], 0, {"x": 1}, None),
    (["eval", "max(x, floor(x) - 0.5)", "--at", "x=0"], 0, {"x": 1}, None),
    (["derive", "if(if(x==0,1,-1) > 0, 3*x, x)", "--at", "x=0"], 0, {"df_dx": 1}, "slope 1 from both sides, where the rules give slope 3"),
    (["derive", "hypot(x,y)^2/2", "--hvp", "x=1,y=2", "--at", "x=0,y=0"], 0, {"hvp_x": 1, "hvp_y": 2}, ""),
    (["derive", "x^y", "--hessian", "--at", "x=0,y=2"], 0, {"d2f_dx2": 2, "d2f_dx_dy": 0, "d2f_dy2": 0}, None),
    (["derive", "abs(x*y)", "--hessian", "--at", "x=0,y=0"], 3, {"d2f_dx2": 0, "d2f_dx_dy": None, "d2f_dy2": 0}, "not the same from all sides and in every order"),
    (["derive", "if(x^2+y^2==0,0,x*y*(x^2-y^2)/(x^2+y^2))", "--wrt", "x,y", "--hessian", "--at", "x=0,y=0"], 3, {"d2f_dx2": 0, "d2f_dx_dy": None, "d2f_dy2": 0}, ""),
    (["derive", "relu(x)*x", "--order", "2", "--at", "x=0"], 0, {"d2f_dx2": 0}, "d2f_dx2 = 0 from the left and 2 from the right"),
    (["derive", "abs(x)^4*y", "--order", "3", "--at", "x=0,y=1"], 0, {"d3f_dx3": 0, "d3f_dx2_dy": 0, "d3f_dx_dy2": 0, "d3f_dy3": 0}, "from both sides"),
]  # fmt: skip


@pytest.mark.parametrize(("args", "exit_code", "expected", "says"), TOLD, ids=lambda x: str(x)[:60])
def test_what_the_function_decides(args, exit_code, expected, says):
    code, out, err = call(*args, "--json")
    assert code == exit_code, err
    document = json.loads(out)
    found = numbers(document)
    assert found.keys() == expected.keys()
    for name, x in expected.items():
        assert found[name] == (None if x is None else pytest.approx(x, rel=1e-15)), name
    told = [one["message"] for kind in ("notes", "flags") for one in document[kind]]
    assert any(says in text for text in told) if says is not None else not told, told
    schema("trace" if args[0] == "eval" else "derive").validate(document)
    missing = {name for name, x in found.items() if x is None}
    assert {flag["path"].split(".")[1] for flag in document["flags"]} == missing


def test_an_ordinary_point_has_no_word_of_a_kink():
    code, out, err = call("derive", "max(x,y,z)^2", "--order", "2", "--at", "x=1,y=2,z=3")
    assert code == 0
    assert "kink" not in out + err and "note" not in out + err


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("sin(x)/x", "0/0 here; the limit is 1"),
        ("(1 - cos(x^10))/x^20", "0/0 here; the limit is 0.5"),
        ("x*log(x)", "the limit from the right is 0"),
        ("sin(x)/x + y", "the limit along x is 2"),
        ("1/x", None),
        ("abs(x)/x", None),
        ("log(x)", None),
    ],
)
def test_a_removable_point_is_refused_and_its_limit_told(program, says):
    at = "x=0,y=1" if "y" in program else "x=0"
    code, _, err = call("eval", program, "--at", at, "--json")
    assert code == 1
    hint = json.loads(err)["hint"]
    assert says in hint if says else "limit" not in hint


SMOOTH = [
    ("exp(x)*sin(y) + x^2", {"x": 0.3, "y": -1.5}),
    ("tanh(w*x + b)*v", {"w": 0.5, "x": 2.0, "b": -0.25, "v": 3.0}),
    ("gelu(x) + silu(y) + softplus(x*y)", {"x": 0.7, "y": -0.4}),
    ("atan2(y, x)*hypot(x, y)^y", {"x": 1.5, "y": 0.25}),
    ("lgamma(x)*digamma(y) + polygamma(1, x + y)", {"x": 2.5, "y": 0.75}),
    ("asin(x) + acos(x*y) - atanh(y)/acosh(2 + x)", {"x": 0.25, "y": -0.5}),
    ("logsumexp(x, y, 1) + mean(x, y^3)/log2(3 + x) + erf(x)*erfc(y)", {"x": 0.5, "y": 1.25}),
    ("s = x*y; t = sqrt(s + 2); cbrt(t)/s", {"x": 0.75, "y": 2.0}),
]


@pytest.mark.parametrize(("program", "at"), SMOOTH)
def test_at_smooth_points_the_slope_of_the_series_is_the_gradient(program, at):
    graph = parsed(program)
    near = Neighbourhood(graph, graph.output, at)
    trace = traced(program, at)
    for name, node in graph.variables.items():
        for side in near.sides({node: 1.0}):
            assert float(number(side.number)) == pytest.approx(trace.gradients[name], rel=4e-16)
    derived = json.loads(
        call("derive", program, "--hessian", "--json", "--at", ",".join(f"{k}={x}" for k, x in at.items()))[1]
    )  # fmt: skip
    for one in derived["derivatives"]:
        moves = [
            ({graph.variables[name]: 1.0}, times) for name, times in Counter(one["by"]).items()
        ]
        assert float(number(near.mixed(moves).number)) == pytest.approx(one["value"], rel=1e-14)


def test_map_agrees_with_eval_at_singular_points():
    program = "relu(x) - relu(-x) + if(x < y, x, y) + abs(x - 1)*max(x, y)"
    points = [(x, y) for x in (-1.0, 0.0, 1.0, 2.0) for y in (-1.0, 0.0, 1.0, 2.0)]
    table = "x,y\n" + "\n".join(f"{x},{y}" for x, y in points)
    code, out, err = call("map", program, "--points", "-", "--from", "csv", "--to", "jsonl", stdin=table.encode())  # fmt: skip
    assert code == 0, err
    for (x, y), line in zip(points, out.splitlines(), strict=True):
        row = json.loads(line)
        trace = json.loads(call("eval", program, "--at", f"x={x},y={y}", "--json")[1])
        assert {"x": row["d_x"], "y": row["d_y"]} == trace["gradients"], (x, y)


HIDDEN = (
    "max(x, if(x == 0, -1, 1))", "relu(if(x == 0, -1, 1)) + x", "if(x + floor(x) > -0.5, x, x + 5)",
    "if(if(x == 0, 1, -1) > 0, 3*x, x)", "if(x > 1, max(x, round(x + 0.5)), min(x, sign(x) + 1))",
    "clamp(x, -1, if(x == 0, 1, -3))", "if(atan2(x, -1) > 0, x, x + 1)", "max(mod(x, 2), x + 0.25)",
    "relu(-2 - abs(x)) + max(ceil(x) - 2, -x)", "s = if(x == 2, 5, 1); x + relu(s - 9)",
)  # fmt: skip
"""Programs that jump where no gradient passes."""


@pytest.mark.parametrize("program", HIDDEN)
def test_map_agrees_with_eval_where_a_jump_is_hidden(program):
    points = [-2.0, -1.0, -0.5, 0.0, 0.25, 0.5, 1.0, 1.5, 2.0]
    table = Program(program).map({"x": np.array(points)})
    for k, x in enumerate(points):
        try:
            trace = traced(program, {"x": x}, nodes=False)
        except BackpropError:
            assert table.status[k]
            continue
        slope = as_float(trace.gradients["x"])
        assert bool(table.status[k]) == (slope is None), x
        assert slope is None or table.gradients["x"][k] == slope, x


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sqrt(2)^2 - 2", 0),
        ("sqrt(0.75)*sqrt(0.75) - 0.75", 0),
        ("cbrt(2)*cbrt(2)*cbrt(2) - 2", 0),
        ("(sqrt(2) + 1)*(sqrt(2) - 1) - 1", 0),
        ("exp(2)/exp(2) - 1", 0),
        ("exp(1) - e", 0),
        ("log(exp(-2)) + 2", 0),
        ("log(exp(2)/exp(5)^3) + 13", 0),
        ("sigmoid(0.3) + sigmoid(-0.3) - 1", 0),
        ("sigmoid(-40) - exp(-40)", -1),
        ("sigmoid(-700) - exp(-700)", -1),
        ("log(e) - 1", 0),
        ("tau - 2*pi", 0),
        ("(pi + e)^2 - pi^2 - 2*pi*e - e^2", 0),
        ("8^(2/3) - 4", 0),
        ("0.25^-1.5 - 8", 0),
        ("sin(exp(3)) - sin(exp(3))", 0),
        ("1/3 + 1/3 + 1/3 - 1", 0),
        ("exp(1e-80) - 1", 1),
        ("pi - 355/113", -1),
        ("sin(1e-30) - 1e-30", -1),
        ("exp(pi) - pi - 20", -1),
        ("tanh(1) - 2*sigmoid(2) + 1", None),  # which no polynomial tells
    ],
)
def test_signs_of_numbers_are_decided_or_not_at_all(text, expected):
    graph = parsed(text)
    value = Neighbourhood(graph, graph.output, {}).value
    if expected is None:
        with pytest.raises(Undecided):
            value.sign  # noqa: B018
    else:
        assert value.sign == expected


@pytest.mark.parametrize(
    ("program", "by", "expected"),
    [
        ("x^1.5", 1, ("absent", "finite")),
        ("x^1.5", 2, ("absent", "infinite")),
        ("x^1.5", 3, ("absent", "none")),
        ("abs(x)^3", 2, ("finite", "finite")),
        ("abs(x)^3", 4, ("none", "none")),
        ("cbrt(x)", 1, ("infinite", "infinite")),
        ("if(x == 0, 0, 1/log(abs(x)))", 1, ("infinite", "infinite")),
        ("if(x == 0, 0, x^2/log(abs(x)))", 2, ("finite", "finite")),
        ("if(x == 0, 0, x*log(-log(abs(x))))", 1, ("undecided", "undecided")),
        ("if(x == 0, 0, 1/x)", 1, ("jump", "jump")),
        ("if(x > 0, exp(1/x), x)", 1, ("finite", "undecided")),
        ("if(x > 0, exp(-1/x), x)", 1, ("finite", "finite")),
        ("sign(x)", 1, ("jump", "jump")),
        ("sqrt(-abs(x))", 1, ("absent", "absent")),
    ],
)
def test_what_each_side_is_called(program, by, expected):
    graph = parsed(program)
    sides = Neighbourhood(graph, graph.output, {"x": 0.0}).sides({graph.variables["x"]: 1.0}, by)
    assert tuple(side.kind for side in sides) == expected


def test_a_deep_program_is_expanded_without_recursion():
    layers = "\n".join(f"s{k} = sin(s{k - 1}) + relu(s{k - 1})/2" for k in range(1, 300))
    graph = parsed(f"s0 = x + exp(y)\n{layers}\nmax(s299, s299 - x)")
    near = Neighbourhood(graph, graph.output, {"x": 0.0, "y": 0.5})
    assert [side.kind for side in near.sides({graph.variables["x"]: 1.0})] == ["finite", "finite"]


@pytest.mark.parametrize("text", ["mish(x^1e-300)", "sinc(x^1e-9)^1e-9"])
def test_series_that_would_take_minutes_are_left_undecided(text):
    graph = parsed(text)
    near = Neighbourhood(graph, graph.output, {"x": 0.0})
    assert near.side({graph.variables["x"]: 1.0}).kind == "undecided"


def test_of_many_operands_only_those_that_tie_are_looked_at():
    names = [f"x{k}" for k in range(300)]
    trace = Program(f"max({', '.join(names)})").at({name: k % 100 for k, name in enumerate(names)})
    (_, sides) = trace.notes
    assert sides.message == (
        "the function has slopes 0 and 1 in x99, 0 and 1 in x199, 0 and 1 in x299"
        " from the left and from the right"
    )
