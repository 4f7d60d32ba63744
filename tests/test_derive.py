"""Derivatives as programs: their numbers, and that a person could have written them."""

import json
import random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mpmath import mp

from tests import oracle
from tests.programs import VARIABLES, programs
from tests.support import (
    KINKS,
    SHOWN,
    BackpropError,
    Program,
    along,
    as_float,
    call,
    derived,
    number,
    often,
    schema,
    traced,
)
from tests.test_cases import WORKED
from tests.test_operations import ORDINARY, inside


def value_of(derivative, by: tuple[str, ...], at: dict[str, float]) -> float:
    """The number of one derivative: the program that is printed, evaluated at a point."""
    whole = Program(derivative.text())
    used = {name: at[name] for name, value in whole.inputs.items() if value is None}
    trace = traced(whole, used, output=derivative.results[by], wrt=list(whole.inputs)[:1])
    return as_float(trace.value)


@pytest.mark.parametrize("case", WORKED, ids=[case["id"] for case in WORKED])
def test_worked_examples(case):
    at = {name: number(x) for name, x in case["at"].items()}
    for code in (False, True):
        derivative = derived(case["program"], code=code)
        for name, expected in case["grad"].items():
            found = value_of(derivative, (name,), at)
            assert found == pytest.approx(float(expected), rel=1e-13, abs=1e-15)
    if case["hessian"]:
        second = derived(case["program"], order=2)
        for name, row in zip(case["grad"], case["hessian"], strict=True):
            for other, expected in zip(case["grad"], row, strict=True):
                by = (name, other) if (name, other) in second.results else (other, name)
                assert value_of(second, by, at) == pytest.approx(float(expected), rel=1e-12)


ROWS = [row for row in SHOWN if row.name != "if"]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_every_operation_to_third_order(row):
    """Against mpmath's own derivatives of mpmath's functions, at 50 digits."""
    rng = random.Random(row.name)
    names = ["x", "y", "z"] if row.variadic else list(row.operands)

    def function(*xs):
        return oracle.real(oracle.FUNCTIONS[row.name][0], list(xs))

    fixed = {"n": 1.0} if row.name == "polygamma" else {}
    free = [name for name in names if name not in fixed]
    done = 0
    while done < often(2, 4):
        point = [fixed.get(name, round(rng.uniform(-3, 3), 2)) for name in names]
        if not inside(row, tuple(point)) or (row.name == "pow" and point[0] <= 0):
            continue
        if 0 in point or len(set(point)) < len(point) or (row.name, "x") in ORDINARY:
            continue
        done += 1
        at = dict(zip(names, point, strict=True))
        text = written(row, names, fixed)
        for order in (1, 2, 3):
            derivative = derived(text, order=order, wrt=free)
            for by in derivative.results:
                times = tuple(by.count(name) for name in names)
                with mp.workdps(50):
                    expected = mp.diff(function, [mp.mpf(x) for x in point], times)
                found = value_of(derivative, by, at)
                assert found == pytest.approx(float(expected), rel=1e-11, abs=1e-18), (text, by, at)


def written(row, names, fixed) -> str:
    operands = [f"{fixed[name]:g}" if name in fixed else name for name in names]
    if row.name == "neg":
        return f"-{operands[0]}"
    if row.symbol:
        return f"{operands[0]} {row.symbol} {operands[1]}"
    return f"{row.name}({', '.join(operands)})"


points = st.fixed_dictionaries({name: st.floats(-3, 3) for name in VARIABLES})


@settings(max_examples=often(60, 100), deadline=None)
@given(programs(), points)
def test_the_derivative_of_any_program(program, at):
    whole = Program(program.text())
    assume(whole.inputs)
    at = {name: x for name, x in at.items() if name in whole.inputs}
    names = list(dict.fromkeys([*whole.inputs, *filter(None, whole.stages)]))
    try:
        trace = traced(whole, at, wrt=names)
    except BackpropError:
        assume(False)
    assume(not trace.flags and not any(n.kind in KINKS for n in trace.notes))
    derivative = derived(whole, wrt=names)
    for name, gradient in trace.gradients.items():
        try:
            found = value_of(derivative, (name,), trace.at)
        except BackpropError as error:
            # A formula such as out*log(x) has no value at 0, where the backward pass is careful.
            assert error.kind in ("domain", "precision", "overflow"), name
            assert 0 in at.values() or error.kind != "domain" or "pow" in str(trace.nodes)
            continue
        expected = as_float(gradient)
        assert found == pytest.approx(expected, rel=1.2e-13, abs=1e-290), derivative.text()


@pytest.mark.parametrize(
    ("text", "how", "lines"),
    [
        ("q = x + y; f = q*z", {}, ["q = x + y", "df_dx = z", "df_dy = z", "df_dz = q"]),
        ("sigmoid(w*x + b)", {"code": True},
         ["t1 = w*x + b", "f = sigmoid(t1)", "df_db = f*sigmoid(-t1)", "df_dw = df_db*x", "df_dx = df_db*w"]),
        ("x^3 - 4*x + 5", {}, ["df_dx = 3*x^2 - 4"]),
        ("x^3", {"order": 2}, ["d2f_dx2 = 6*x"]),
        ("x^2*y", {"order": 2}, ["d2f_dx2 = 2*y", "d2f_dx_dy = 2*x", "d2f_dy2 = 0"]),
        ("sqrt(x^2 + y^2)", {"wrt": ["x"]}, ["df_dx = x/sqrt(x^2 + y^2)"]),
        ("relu(x)*y", {}, ["df_dx = if(x > 0, y, 0)", "df_dy = relu(x)"]),
        ("if(x > 0, log(x), x^2)", {}, ["df_dx = if(x > 0, 1/x, 2*x)"]),
        ("if(x > 0, log(x), x^2)", {"order": 2}, ["d2f_dx2 = if(x > 0, -1/x^2, 2)"]),
        ("e^(2*x)", {}, ["df_dx = 2*e^(2*x)"]),
        ("2^x", {}, ["df_dx = 2^x*log(2)"]),
        ("tanh(x)", {"order": 2}, ["f = tanh(x)", "d2f_dx2 = -2*f*(1 - f^2)"]),
        ("--x", {}, ["df_dx = 1"]),
        ("x*1 + 0*y", {}, ["df_dx = 1", "df_dy = 0"]),
        ("mean(x, y, x)", {}, ["df_dx = 2/3", "df_dy = 1/3"]),
        ("q = x*y; q", {"wrt": ["q"]}, ["dq_dq = 1"]),
        ("2*x/x^4", {}, ["df_dx = -6/x^4"]),
        ("2*x/x^4", {"order": 2}, ["d2f_dx2 = 24/x^5"]),
        ("2/y*(x/y)*(y^3/x)", {}, ["df_dy = 2", "df_dx = 0"]),
        ("x^x", {}, ["f = x^x", "df_dx = f + f*log(x)"]),
        ("cbrt(x)^3", {}, ["df_dx = 1"]),
        ("log(x^2 + 1)", {"order": 2}, ["t1 = x^2", "t2 = t1 + 1", "d2f_dx2 = 2/t2 - 4*t1/t2^2"]),
        ("a = exp(x); b = exp(y); Z = a + b; p = a/Z; q = b/Z; -log(p)", {},
         ["a = exp(x)", "b = exp(y)", "Z = a + b", "p = a/Z", "q = b/Z", "df_dx = p - 1", "df_dy = q"]),
        ("relu(w*relu(w*x))", {"wrt": ["x"]},
         ["t1 = w*x", "df_dx = if(t1 > 0, if(w*relu(t1) > 0, w, 0)*w, 0)"]),
        ("max(1, max(2, x))", {},
         ["t1 = max(2, x)", "t2 = if(t1 > 1, 1, if(t1 == 1, 1/2, 0))",
          "df_dx = if(x > 2, t2, if(x == 2, t2/2, 0))"]),
    ],
)  # fmt: skip
def test_what_a_person_would_write(text, how, lines):
    assert derived(text, **how).text().splitlines() == lines


def test_directions():
    assert along("x*y", {"x": 1.0, "y": 2.0}).text() == "jvp = y + 2*x"
    second = along("x^2*y", {"x": 1.0, "y": 2.0}, second=True)
    assert second.text().splitlines() == ["hvp_x = 2*y + 4*x", "hvp_y = 2*x"]


def test_names_that_are_taken():
    derivative = derived("df_dx = x*y; f = df_dx^2; f")
    assert value_of(derivative, ("x",), {"x": 2.0, "y": 3.0}) == 36.0


def test_a_long_program_is_linear_in_length():
    wide = "+".join(f"sigmoid(w{i}*x)" for i in range(500))
    assert len(derived(wide).text()) < 100_000
    assert value_of(derived("x" + "*x" * 500), ("x",), {"x": 1.0}) == 501.0
    chain = "; ".join(["s0 = x"] + [f"s{i} = s{i - 1} + s{i - 1}*y" for i in range(1, 60)])
    assert len(derived(chain).text()) < 20_000


@pytest.mark.parametrize("program", ["pi*x", "x^2*pi", "e^x*pi"])
@pytest.mark.parametrize("how", [(), ("--order", "2"), ("--jvp", "x=1"), ("--hvp", "x=1")])
def test_a_constant_that_the_point_replaces(program, how):
    code, out, _ = call(
        "derive",
        program,
        "--at",
        "x=1.5,pi=3,e=2" if "e" in program else "x=1.5,pi=3",
        "--json",
        *how,
    )
    assert code == 0
    found = {d["name"]: d["value"] for d in json.loads(out)["derivatives"]}
    renamed = program.replace("pi", "p").replace("e^", "b^")
    at = "x=1.5,p=3,b=2" if "b" in renamed else "x=1.5,p=3"
    code, out, _ = call("derive", renamed, "--at", at, "--json", *how)
    expected = {d["name"]: d["value"] for d in json.loads(out)["derivatives"]}
    assert list(found.values()) == pytest.approx(list(expected.values()))


def test_numbers_are_those_of_the_backward_pass():
    for program, at in (
        ("sign(x)", "x=0"),
        ("hypot(x, y)", "x=0,y=0"),
        ("sqrt(x)", "x=0"),
        ("x^y", "x=0,y=0"),
    ):
        code, out, err = call("derive", program, "--at", at, "--json")
        own_code, own, _ = call("eval", program, "--at", at, "--json")
        assert code == own_code
        found = {d["by"][0]: d["value"] for d in json.loads(out)["derivatives"]}
        assert found == json.loads(own)["gradients"]
        assert [line.split(": ", 1)[1] for line in err.splitlines()] == [
            remark["message"] for kind in ("notes", "flags") for remark in json.loads(own)[kind]
        ]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["5"], "no variables"),
        (["x", "--json", "--format", "python"], "two formats"),
        (["x^2", "--order", "3", "--hessian"], "a Hessian is of order 2"),
        (["x*y", "--jvp", "x=1", "--wrt", "y"], "by which variables"),
        (["x*y", "--jvp", "x"], "write --jvp x=1,y=0"),
    ],
)
def test_refusals(args, said):
    code, out, err = call("derive", *args)
    assert code in (1, 2)
    assert out == ""
    assert said in err


INNER = {
    "q = 2*x; y*(2*x)*q": [("q", "2*x*y"), ("x", "2*y*(2*x) + 2*x*y*2")],
    "q = x; q*y + x^2": [("q", "y"), ("x", "2*x + y")],
    "a = x*y; q = x*y; a*q": [("q", "x*y"), ("x", "2*x*y*y")],
    "q = exp(x); exp(x)^2 + y": [("q", "0"), ("x", "2*exp(2*x)")],
    "q = x + y; log(q)*q": [("q", "log(x + y) + 1"), ("y", "log(x + y) + 1")],
    "(x + y)^2": [("n1", "2*(x + y)"), ("x", "2*(x + y)")],
    "log(x + y)": [("n1", "1/(x + y)"), ("y", "1/(x + y)")],
    "exp(-(x + y))": [("n1", "-exp(-x - y)"), ("n2", "exp(-x - y)")],
    "a = log(x) + y; if(y > 0, a^2, 0)": [("a", "2*(log(x) + y)"), ("x", "2*(log(x) + y)/x")],
}
"""Programs with a stage q, and what is right: the derivative of what uses q, by the others held."""


@pytest.mark.parametrize("program", INNER)
def test_derivatives_by_a_stage_are_of_what_uses_it(program):
    at = {"x": 1.5, "y": 0.75}
    names = [name for name, _ in INNER[program]]
    found = derived(program, wrt=names)
    trace = traced(program, at, wrt=names)
    for name, right in INNER[program]:
        expected = as_float(traced(f"{right} + 0*x*y", at).value)
        assert value_of(found, (name,), at) == pytest.approx(expected, rel=1e-13)
        assert as_float(trace.gradients[name]) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(
    ("program", "by", "x", "expected"),
    [
        ("s = 2*x; s^2", ("s", "s"), 1.0, 2.0),
        ("q = 1/x; q^2", ("x", "q"), 2.0, -0.5),
        ("q = 1/x; q^2", ("q", "x"), 2.0, -0.5),
        ("q = 1/x; q^2", ("q", "q"), 2.0, 2.0),
        ("q = 1/x; q^2", ("x", "x"), 2.0, 0.375),
        ("q = x^3; q^2", ("x", "q"), 2.0, 24.0),
        ("q = exp(x); q^2", ("q", "x"), 0.0, 2.0),
    ],
)
def test_second_derivatives_by_a_stage(program, by, x, expected):
    found = derived(program, wrt=list(dict.fromkeys(by)), order=2)
    assert value_of(found, by, {"x": x}) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("program", ["relu(x)*x", "relu(x)^2", "clamp(x, 0, 1)*x", "max(x, 2*x)*x", "if(x < 0, x^2, x^3)"])  # fmt: skip
def test_a_second_derivative_at_a_kink_is_not_silent(program):
    code, out, err = call("derive", program, "--order", "2", "--at", "x=0")
    assert code == 0
    assert "note: the function has d2f_dx2 = " in out + err
    assert " from the left and " in out + err


def test_a_choice_of_nothing_is_made_last():
    """The slope of sqrt is asked for where there is one."""
    text = derived("sqrt(max(x, 0))").text()
    code, out, _ = call("eval", text, "--at", "x=-1", "--json")
    assert code == 0
    assert json.loads(out)["value"] == 0


@pytest.mark.parametrize(
    ("args", "numbers"),
    [
        (["a = x + y; leaky_relu(a, 2)", "--at", "x=0,y=0", "--wrt", "a"], {"df_da": 1}),
        (["a = 2*x; hypot(a, y)", "--at", "x=0,y=0", "--wrt", "a"], {"df_da": 0}),
        (["u = relu(y); v = sqrt(u); relu(v) + y", "--at", "y=0", "--wrt", "y,v"], {"df_dy": None, "df_dv": 0}),
        (["a = x^y; b = 1 + x", "--at", "x=2"], {"db_dx": 1, "db_dy": 0}),
    ],
)  # fmt: skip
def test_numbers_by_a_stage_are_those_of_eval(args, numbers):
    code, out, err = call("derive", *args, "--json")
    assert code == (3 if None in numbers.values() else 0), err
    assert {one["name"]: one["value"] for one in json.loads(out)["derivatives"]} == numbers


@pytest.mark.parametrize(
    "args",
    [
        ["a = sqrt(x); a*y", "--wrt", "a,y", "--at", "x=0,y=1"],
        ["sqrt(x)*y", "--jvp", "y=1", "--at", "x=0,y=1"],
        ["abs(x)^2*y", "--hvp", "x=1,y=0", "--at", "x=0,y=2"],
    ],
)
def test_nothing_is_flagged_that_is_not_asked_for(args):
    code, out, err = call("derive", *args)
    assert code == 0
    assert "flag" not in out + err


@pytest.mark.parametrize("how", [["--jvp", "x=1"], ["--order", "2"], []])
def test_what_rounds_to_0_is_said(how):
    _, out, err = call("derive", "sigmoid(x)", "--at", "x=-800", *how)
    assert "underflow" in out + err


GROWING = {
    "max(1, ... x)": ("max(1, " * 600 + "x" + ")" * 600, {"x": 2.0}, {"x": 1.0}),
    "relu(1 + ... x)": ("relu(1 + " * 600 + "x" + ")" * 600, {"x": 0.5}, {"x": 1.0}),
    "clamp": ("clamp(" * 600 + "x" + ", -1, 1)" * 600, {"x": 0.5}, {"x": 1.0}),
    "ifs": (
        "".join(f"if(x < {k}, {k}*x, " for k in range(1000)) + "x" + ")" * 1000,
        {"x": 700.5}, {"x": 701.0},
    ),
    "both branches": (
        "h0 = x; " + "; ".join(f"h{k} = max(h{k - 1}/y, x*h{k - 1})" for k in range(1, 300)),
        {"x": 1.0, "y": 2.0}, {"x": 300.0, "y": 0.0},
    ),
    "layers": (
        "h0 = x; " + "; ".join(f"h{k} = relu(w*h{k - 1} + b)" for k in range(1, 500)),
        {"x": 3.0, "w": 1.0, "b": 0.0}, {"x": 1.0, "w": 3.0 * 499, "b": 499.0},
    ),
    "max of many": (
        f"max({', '.join(f'log(x{k})' for k in range(500))})",
        {f"x{k}": k + 1.0 for k in range(500)}, {"x499": 1 / 500, "x0": 0.0},
    ),
}  # fmt: skip
"""Programs whose formulas are as long as they are: not its square, and no power of two."""


@pytest.mark.parametrize("name", GROWING)
def test_formulas_grow_with_the_program(name):
    program, at, slopes = GROWING[name]
    derivative = derived(program)
    assert len(derivative.text()) < 40 * len(program)
    for by, expected in slopes.items():
        assert value_of(derivative, (by,), at) == pytest.approx(expected, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize(
    ("program", "how"),
    [
        (" + ".join(f"x{k}*x{k + 1}" for k in range(1_000)), ["--order", "2"]),
        ("".join(f"if(x{k} < 1, x{k}^2, " for k in range(1_500)) + "y" + ")" * 1_500, []),
        ("h0 = x + 2; " + "; ".join(f"h{k} = max(sqrt(h{k - 1}), x*log(h{k - 1}))" for k in range(1, 40)), []),
    ],
)  # fmt: skip
def test_what_is_too_long_is_told(program, how):
    code, _, err = call("derive", program, *how)
    assert code == 1
    assert "longer than 2,000,000 characters" in err


AT_ZERO = (
    # program, point, options: the formulas have the values that stand beside them
    ("x^y", "x=0,y=3", []),
    ("x^y", "x=0,y=2", ["--order", "2"]),
    ("x^y", "x=0,y=4", ["--order", "3"]),
    ("x^y", "x=0,y=2", ["--jvp", "x=1,y=1"]),
    ("x^y", "x=0,y=3", ["--hvp", "x=1,y=1"]),
    ("0^x", "x=2", ["--order", "2"]),
    ("a^(x*y)", "a=0,x=2,y=1", []),
    ("z*x^y + y", "x=0,y=1.5,z=2", []),
)


@pytest.mark.parametrize(("program", "at", "how"), AT_ZERO)
def test_formulas_and_numbers_agree_where_a_base_is_0(program, at, how):
    code, out, err = call("derive", program, "--at", at, "--json", *how)
    assert code == 0, err
    document = json.loads(out)
    text = "; ".join(f"{stage['name']} = {stage['formula']}" for stage in document["stages"])
    whole = Program(text)
    for one in document["derivatives"]:
        values = {name: document["at"][name] for name in whole.inputs if name in document["at"]}
        found = traced(whole, values, output=one["name"], wrt=list(values)[:1]).value
        assert as_float(found) == one["value"], one


def test_a_thousand_ties_in_a_row():
    """A share of 2^-1100 is below every float."""
    program = "max(1, " * 1_100 + "x" + ")" * 1_100
    for command in ("derive", "eval"):
        code, out, err = call(command, program, "--at", "x=1", "--json")
        assert code == 0, err
    assert json.loads(out)["gradients"] == {"x": 0.0}


def test_no_limit_is_invented():
    """At (0, 1) the slope of x^y*log(x) in x is infinite, and at (0, 0) x^y has none in y."""
    code, out, _ = call("derive", "x^y", "--at", "x=0,y=1", "--wrt", "y,x", "--hessian", "--json")
    assert code == 3
    assert json.loads(out)["hessian"]["values"][0][1] is None
    code, out, _ = call("derive", "x^y", "--at", "x=0,y=0", "--json")
    assert code == 3
    assert [one["value"] for one in json.loads(out)["derivatives"]] == [0, None]


@pytest.mark.parametrize(
    ("args", "numbers"),
    [
        (["x*(1e300*1e10 + y)", "--at", "x=1e-10,y=1", "--hessian"], [0, 1, 0]),
        (["x^y", "--at", "x=0,y=2", "--hessian"], [2, 0, 0]),
        (["max(x, y, z)^2", "--at", "x=1,y=2,z=3", "--hessian"], [0, 0, 0, 0, 0, 2]),
    ],
)
def test_second_derivatives_that_exist(args, numbers):
    code, out, err = call("derive", *args, "--json")
    assert code == 0
    assert err == ""
    assert [one["value"] for one in json.loads(out)["derivatives"]] == numbers


def test_what_a_missing_number_is():
    _, out, _ = call("derive", "sqrt(x) - sqrt(y)", "--at", "x=0,y=0")
    assert "# infinite" in out and "# -infinite" in out
    _, out, _ = call("derive", "x^y", "--at", "x=0,y=0")
    assert "# undefined" in out


def test_the_json_carries_notes_and_flags():
    _, out, _ = call("derive", "sqrt(x) + relu(y)", "--at", "x=0,y=0", "--json")
    document = json.loads(out)
    schema("derive").validate(document)
    (flag,) = document["flags"]
    assert (flag["path"], flag["status"], flag["sign"]) == ("derivatives.df_dx", "infinite", "+")
    assert [note["kind"] for note in document["notes"]] == ["kink", "sides"]
    _, out, _ = call("derive", "sqrt(x)*y", "--at", "x=0,y=1", "--order", "2", "--json")
    document = json.loads(out)
    missing = [one["name"] for one in document["derivatives"] if one["value"] is None]
    assert [flag["path"] for flag in document["flags"]] == [f"derivatives.{n}" for n in missing]


def choosing(seed: int) -> tuple[str, dict[str, float]]:
    """Stages that choose, in branches and out of them, over stages before; and a point."""
    rng = random.Random(seed)
    names = ["x", "y", "z"]

    def operand() -> str:
        return rng.choice([*names[-4:], "x", "y"])

    def expression(depth: int) -> str:
        if depth == 0 or rng.random() < 0.2:
            return operand()
        a, b = expression(depth - 1), expression(depth - 1)
        return rng.choice([
            f"if({operand()} {rng.choice('<>')} {operand()}, {a}, {b})",
            f"if({operand()} > {operand()}, {a}, if({operand()} < 1, {b}, {operand()}*{operand()}))",
            f"max({a}, {b})", f"min({a}, {b}, {operand()})", f"relu({a} - {b})", f"clamp({a}, -1, {rng.randint(0, 3)})",
            f"abs({a})", f"({a})*({b})", f"({a}) + ({b})", f"log(1 + abs({a}))", f"sqrt(1 + ({a})^2)", f"({a})/(2 + abs({b}))",
            f"leaky_relu({a}, 0.1)", f"if({operand()} > 0, log({operand()}^2 + 1), sqrt(abs({a}) + 0.5))",
        ])  # fmt: skip

    lines = []
    for k in range(rng.randint(2, 5)):
        lines.append(f"s{k} = {expression(3)}")
        names.append(f"s{k}")
    at = {name: round(rng.uniform(-2, 2), 3) for name in "xyz"}
    return "; ".join([*lines, f"{names[-1]}*x + {names[-2]} + y*z"]), at


@pytest.mark.parametrize("seed", range(often(16, 600)))
def test_choices_within_choices(seed):
    """Formulas of first and second order against the careful backward pass."""
    program, at = choosing(seed)
    first = traced(program, at)
    if any(note.kind in KINKS for note in first.notes):
        return
    derivative = derived(program)
    wrt = [name for name in at if name in first.gradients]
    twice = derived(program, order=2, wrt=wrt)
    for name, expected in first.gradients.items():
        found = value_of(derivative, (name,), at)
        assert found == pytest.approx(as_float(expected), rel=1e-11, abs=1e-11), derivative.text()
        second = traced(derivative.text(), used(derivative, at), output=derivative.results[name,])
        for other in wrt:
            by = (name, other) if (name, other) in twice.results else (other, name)
            expected = as_float(second.gradients.get(other, 0.0))
            found = value_of(twice, by, at)
            assert found == pytest.approx(expected, rel=1e-9, abs=1e-9), twice.text()


def used(derivative, at):
    inputs = Program(derivative.text()).inputs
    return {name: x for name, x in at.items() if name in inputs}
