"""A new operation takes one row of the table: every command and every format works with it.

The rows here are in the table for a test's duration only. Each leaves out most of what a row may
say: what follows from the rest must be enough.
"""

import csv
import io
import json
import math
import random
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from backprop_cli.formats import FORMATS
from backprop_grammar.blocks.definitions import over
from backprop_grammar.operations.exact import always, at_zero
from backprop_grammar.operations.row import Operation, Role, row
from backprop_grammar.operations.shape import Misfit
from backprop_grammar.operations.special import wide_power
from backprop_grammar.operations.structural import STRUCTURAL, Structural, array_row
from backprop_grammar.operations.table import FUNCTIONS, OPERATIONS
from tests.support import call, schema
from tests.test_codes import MISSING, running, what_they_say
from tests.test_kernel import agree, column


class Case(NamedTuple):
    """A row, a program that uses it, ordinary points, and points that have no value.

    slopes: the gradient by every variable at the first point, where Python's math knows it.
    lacks: the code formats that refuse it, since its row says nothing of what it is made of.
    """

    row: Operation
    program: str
    points: list[dict[str, float]]
    value: float
    slopes: dict[str, float]
    outside: tuple[dict[str, float], ...] = ()
    lacks: tuple[str, ...] = ()

    @property
    def at(self) -> str:
        return ",".join(f"{name}={x}" for name, x in self.points[0].items())


CODES = ("python", "numpy", "jax", "torch", "c", "javascript")
C, R = Role.SCALES, Role.ROUTES


def whole_order(numbers, operands):
    if not numbers.whole(operands, 0) or numbers.sign(operands, 0) < 0:
        return "the exponent must be 0, 1, 2, ...", "use ^ for others"
    return None


def not_zero(numbers, operands):
    return None if numbers.sign(operands, 0) else ("the first factor is 0", "use * for others")


CASES = [
    # a value, a wide value and a formula
    Case(
        row("exp2", "x", "out*log(2)", C, "2 to the power of x", formula="2^x",
            value=lambda x: 2.0**x, wide=lambda m, x: wide_power(m, m.mpf(2), x)),
        "y*exp2(x - 1) + exp2(0.5)",
        [{"x": 1.5, "y": 3.0}, {"x": -2.25, "y": 0.5}, {"x": -700.0, "y": 1.0}, {"x": 3.0, "y": -1.0}],
        3 * 2**0.5 + 2**0.5, {"x": 3 * 2**0.5 * math.log(2), "y": 2**0.5},
        outside=({"x": 5000.0, "y": 1.0},),
    ),
    # a function of mpmath's by that name, a domain, and nothing that it is made of
    Case(
        row("asec", "x", "1/(abs(x)*sqrt(x^2 - 1))", C, "inverse secant", domain="x > 1",
            value=lambda x: math.atan(math.sqrt((x - 1) * (x + 1))), ulps=4, careful="1/x/(sqrt(x - 1)*sqrt(x + 1))"),
        "asec(x)*y",
        [{"x": 2.0, "y": 3.0}, {"x": 1.5, "y": -1.0}, {"x": 40.0, "y": 2.0}],
        math.acos(0.5) * 3, {"x": 3 / (2 * math.sqrt(3)), "y": math.acos(0.5)},
        outside=({"x": 0.5, "y": 1.0}, {"x": -3.0, "y": 2.0}, {"x": 1.0, "y": 2.0}),
        lacks=CODES,
    ),
    # kinks, a careful program, and a role that routes
    Case(
        row("relu7", "x", "if(x > 0, if(x < 7, 1, 0), 0)", Role.ROUTES, "x kept between 0 and 7",
            computed="if(x > 0, if(x < 7, x, 7), 0)", kinks="x and x - 7"),
        "relu7(x)*y",
        [{"x": 1.5, "y": 3.0}, {"x": -2.0, "y": 3.0}, {"x": 8.0, "y": 0.5}, {"x": 7.0, "y": 1.0}, {"x": 0.0, "y": 1.0}],
        4.5, {"x": 3.0, "y": 1.5},
    ),
    # a jump
    Case(
        row("step01", "x", "0", C, "1 above 0, else 0", computed="if(x > 0, 1, 0)", kinks="x",
            jump="step01 jumps at 0 and has no derivative there", formula="if(x > 0, 1, 0)"),
        "(step01(x) + x)*y",
        [{"x": 1.5, "y": 3.0}, {"x": -2.0, "y": 3.0}, {"x": 0.0, "y": 1.0}],
        7.5, {"x": 3.0, "y": 2.5},
    ),
    # any number of operands
    Case(
        row("sumsq", "x ...", "2*x", C, "sum of squares", formula="x^2 + y^2 + ...",
            value=lambda *xs: math.fsum(x * x for x in xs), wide=lambda m, *xs: m.fsum(x * x for x in xs)),
        "sumsq(x, y, x, 2)/y",
        [{"x": 1.5, "y": 3.0}, {"x": -2.0, "y": 0.1}, {"x": 1e200, "y": 1e190}],
        17.5 / 3, {"x": 2.0, "y": 2 - 17.5 / 9},
    ),
    # any number of operands, by a text over columns
    Case(
        row("norm2", "x ...", "x/out", C, "length of a vector", formula="sqrt(x^2 + y^2 + ...)",
            value=math.hypot, wide=lambda m, *xs: m.sqrt(m.fsum(x * x for x in xs)),
            columns="sqrt(x*x + y*y + ...)", ulps=2),
        "norm2(x, y, 2*y)",
        [{"x": 2.0, "y": 1.0}, {"x": -2.0, "y": 0.1}, {"x": 1e200, "y": 1e190}],
        3.0, {"x": 2 / 3, "y": 5 / 3},
    ),
    # a requirement that its value does not see
    Case(
        row("wholepow", "n x", "0/0 ;; n*x^(n - 1)", C, "power with exponent 0, 1, 2, ...",
            value=lambda n, x: x**n, wide=lambda m, n, x: wide_power(m, x, n), formula="x^n",
            requires=whole_order, requirement="n = 0, 1, 2, ..."),
        "wholepow(3, x)*y",
        [{"x": 1.5, "y": 3.0}, {"x": -2.0, "y": 0.1}],
        3.375 * 3, {"x": 27 * 0.75, "y": 3.375},
    ),
    # the same of a careful program
    Case(
        row("times", "x y", "y ;; x", Role.SWAPS, "product with what is not 0", computed="x*y",
            requires=not_zero, requirement="x is not 0"),
        "times(x - 1, y)",
        [{"x": 2.5, "y": 3.0}, {"x": 0.0, "y": -2.0}],
        4.5, {"x": 3.0, "y": 1.5},
        outside=({"x": 1.0, "y": 2.0},),
    ),
    # a careful program with a domain, in a branch
    Case(
        row("past", "x", "2*x", C, "the square of what is above 1", computed="x*x", domain="x > 1"),
        "if(x > y, past(x), x)*y",
        [{"x": 2.0, "y": 1.5}, {"x": 0.5, "y": 2.0}, {"x": -3.0, "y": 0.5}],
        6.0, {"x": 6.0, "y": 4.0},
        outside=({"x": 0.5, "y": 0.25},),
    ),
    # a domain between operands
    Case(
        row("above", "x lo", "lo ;; x", C, "x*lo where x is not below", domain="x >= lo",
            value=lambda x, lo: x * lo, wide=lambda m, x, lo: x * lo, formula="x*lo"),
        "above(x, y) + y",
        [{"x": 2.0, "y": 1.5}, {"x": 0.5, "y": 0.25}, {"x": 1.0, "y": 1.0}],
        4.5, {"x": 1.5, "y": 3.0},
        outside=({"x": 0.5, "y": 0.75},),
    ),
    # a choice between its operands and its result
    Case(
        row("mid3", "x y z", "if(x == out, 1, 0) ;; if(y == out, 1, 0) ;; if(z == out, 1, 0)", Role.ROUTES,
            "the middle of three", value=lambda *xs: sorted(xs)[1], exact=always, wide=lambda m, *xs: sorted(xs)[1],
            kinks="x - y and y - z and x - z", formula="max(min(x, y), min(max(x, y), z))"),
        "mid3(x, y, 2)*y",
        [{"x": 2.5, "y": 3.0}, {"x": 1.0, "y": 1.5}, {"x": 0.5, "y": 8.0}],
        7.5, {"x": 3.0, "y": 2.5},
    ),
    # a choice by what is computed, and by a constant
    Case(
        row("hann", "x", "if(abs(x) < pi, -sin(x)/2, 0)", C, "a bell between -pi and pi",
            computed="if(abs(x) < pi, (1 + cos(x))/2, 0)"),
        "hann(x)*y",
        [{"x": 1.0, "y": 2.0}, {"x": -3.0, "y": 1.0}, {"x": 4.0, "y": 1.0}],
        1 + math.cos(1), {"x": -math.sin(1), "y": (1 + math.cos(1)) / 2},
    ),
    # a function of NumPy's, and names of other libraries
    Case(
        row("rint2", "x", "2*x", C, "square", value=lambda x: x * x, wide=lambda m, x: x * x,
            numpy="square", numpy_ulps=0.5, latex=r"\mathrm{sq}", computed="x*x", says="twice its operand"),
        "rint2(x - y)",
        [{"x": 1.5, "y": 3.0}, {"x": -2.0, "y": 0.1}],
        2.25, {"x": -3.0, "y": 3.0},
    ),
]  # fmt: skip


@pytest.fixture(params=CASES, ids=lambda case: case.row.name)
def case(request, monkeypatch) -> Case:
    """A case whose row is in the table."""
    added: Operation = request.param.row
    monkeypatch.setitem(OPERATIONS, added.name, added)
    monkeypatch.setitem(FUNCTIONS, added.name, added)
    return request.param


def said(*args: str, stdin: bytes = b"", allowed: tuple[int, ...] = (0,)) -> str:
    """What a command prints, which ends well."""
    code, out, err = call(*args, stdin=stdin)
    assert code in allowed, (args, err)
    return out


def trace(case: Case, point: dict[str, float]) -> dict | None:
    """The trace of a program at a point; None where it has no value."""
    at = ",".join(f"{name}={x!r}" for name, x in point.items())
    code, out, err = call("eval", case.program, "--at", at, "--json")
    assert code in (0, 1, 3), err
    return json.loads(out) if code != 1 else None


def test_the_row_stands_in_the_list(case):
    for args in ((), ("--json",), (case.row.name,), (case.row.name, "--json")):
        assert case.row.name in said("functions", *args)


def test_eval_is_right(case):
    found = trace(case, case.points[0])
    assert found["value"] == pytest.approx(case.value, rel=1e-14)
    assert found["gradients"] == pytest.approx(case.slopes, rel=1e-14)
    for point in case.outside:
        assert trace(case, point) is None
    assert f"{case.value:.6g}" in said("eval", case.program, "--at", case.at)


@pytest.mark.parametrize("command", ["eval", "graph", "explain", "derive", "check", "step"])
def test_every_format_of_every_command(case, command, tmp_path):
    for form in FORMATS:
        if form.command != command or form.name == "matrix":
            continue
        args = [command, case.program, "--at", case.at]
        if form.binary:
            args += ["-o", str(tmp_path / f"picture{form.suffix}")]
        elif command in ("eval", "check", "step"):
            args += ["--json"] * (form.name == "json")
        else:
            args += ["--format", form.name]
        if form.name in case.lacks:
            code, _, err = call(*args)
            assert (code, f"{form.name} has no {case.row.name}" in err) == (1, True), err
            assert "the formats that have it are text, latex, json\n" in err
            continue
        said(*args)


def test_other_questions(case):
    said("graph", case.program)
    said("explain", case.program, "--at", case.at, "--why", "x")
    said("derive", case.program, "--order", "2")
    said("derive", case.program, "--hessian", "--at", case.at, "--format", "matrix")
    box = ",".join(f"{name}={x}:{x}" for name, x in case.points[0].items())
    said("check", case.program, "--against", case.program, "--over", box)
    said("eval", case.program, "--at", case.at, "--precision", "40")
    if case.row.formula:
        said("eval", case.program, "--at", case.at, "--expand", case.row.name)


def test_a_claim_is_held_against_it(case):
    right = ",".join(f"{name}={x!r}" for name, x in case.slopes.items())
    said("check", case.program, "--at", case.at, "--claim", right)
    wrong = ",".join(f"{name}={2 * x + 1!r}" for name, x in case.slopes.items())
    assert call("check", case.program, "--at", case.at, "--claim", wrong)[0] == 1


def test_its_numbers_are_verified(case):
    out = said("functions", case.row.name, "--verify", "--json")
    for number in json.loads(out)["functions"][0]["verified"]["worst"]:
        assert number["ulps"] < 4
    said("functions", case.row.name, "--verify")


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_map_agrees_with_eval(case, form):
    points = [*case.points, *case.outside] * 3
    table = "\n".join([",".join(points[0]), *(",".join(map(repr, p.values())) for p in points)])
    out = said(
        "map",
        case.program,
        "--points",
        "-",
        "--from",
        "csv",
        "--to",
        form,
        stdin=table.encode(),
        allowed=(0, 1, 3),
    )
    rows = (
        list(csv.DictReader(io.StringIO(out)))
        if form == "csv"
        else [json.loads(line) for line in out.splitlines()]
    )
    assert len(rows) == len(points)
    for point, found in zip(points, rows, strict=True):
        expected = trace(case, point)
        if expected is None:
            assert not found["value"]
            assert found["status"]
            continue
        assert bool(found["status"]) == bool(expected["flags"]), (point, found)
        numbers = {"value": expected["value"]} | {
            f"d_{k}": x for k, x in expected["gradients"].items()
        }
        for name, number in numbers.items():
            if not expected["flags"]:
                assert float(found[name]) == pytest.approx(number, rel=1e-13), (point, name)


@pytest.mark.parametrize("seed", range(3))
def test_columns_agree_with_eval(case, seed):
    source = random.Random(f"{case.row.name} {seed}")
    agree(case.program, {name: column(source, 12) for name in case.points[0]}, {})


# A row that does what another does is explained, drawn and folded like it.

TWINS = [
    ("relu", "ramp(x*y) + y^2", ["x=1,y=2", "x=-1,y=2", "x=0,y=2"]),
    ("clamp", "ramp(x, y, 3)*2", ["x=2,y=1", "x=0,y=1", "x=4,y=1", "x=1,y=1"]),
    ("max", "ramp(x, y, 1)", ["x=2,y=1", "x=0,y=3", "x=2,y=2", "x=0,y=0"]),
    ("abs", "ramp(x - y)", ["x=2,y=1", "x=0,y=3", "x=2,y=2"]),
    ("tanh", "ramp(x*y)", ["x=2,y=1", "x=20,y=2"]),
    ("sum", "ramp(x, y, x*y)", ["x=2,y=1"]),
    ("mean", "ramp(x, y, x*y)", ["x=2,y=1"]),
]
"""A row, a program in which its twin stands, and points on all of its sides."""


@pytest.fixture(params=TWINS, ids=lambda twin: twin[0])
def twin(request, monkeypatch) -> tuple[str, str, list[str]]:
    """One of these, whose twin is in the table."""
    row = replace(OPERATIONS[request.param[0]], name="ramp")
    monkeypatch.setitem(OPERATIONS, "ramp", row)
    monkeypatch.setitem(FUNCTIONS, "ramp", row)
    return request.param


def test_a_twin_is_explained_and_drawn_like_its_row(twin):
    name, program, points = twin
    for at in points:
        for args in (
            ("explain", program, "--at", at, "--format", "markdown"),
            ("explain", program, "--at", at, "--format", "latex"),
            ("explain", program, "--at", at, "--format", "json"),
            ("explain", program, "--at", at, "--why", "x", "--format", "markdown"),
            ("graph", program, "--at", at, "--format", "dot"),
            ("graph", program, "--format", "dot"),
        ):
            own = call(*(arg.replace("ramp", name) for arg in args))
            code, out, err = call(*args)
            assert (code, out.replace("ramp", name), err.replace("ramp", name)) == own, args


def test_a_twin_is_folded_like_its_row(twin):
    name, *_ = twin
    row = OPERATIONS[name]
    if not row.formula:
        return
    operands = ("x", "y", "z") if row.variadic else row.operands
    program = f"({over(row.formula, operands)})*3"
    at = ",".join(f"{operand}={k}" for k, operand in enumerate(operands, 1))
    own = said("eval", program, "--at", at, "--fold", name, "--json")
    assert (
        said("eval", program, "--at", at, "--fold", "ramp", "--json").replace("ramp", name) == own
    )
    own = said("eval", program, "--at", at, "--fold", "all", "--json")
    rows = dict(OPERATIONS)
    del OPERATIONS[name]
    try:
        found = said("eval", program, "--at", at, "--fold", "all", "--json")
    finally:  # in the order in which they stood, which the sheet of all functions shows
        OPERATIONS.clear()
        OPERATIONS.update(rows)
    assert found.replace("ramp", name) == own


def test_what_the_sign_shuts_is_off_on_either_side(monkeypatch):
    row_ = row("below", "x", "if(x < 0, 1, 0)", Role.ROUTES, "x where it is negative, else 0",
               computed="if(x < 0, x, 0)", kinks="x", formula="min(x, 0)")  # fmt: skip
    monkeypatch.setitem(OPERATIONS, "below", row_)
    monkeypatch.setitem(FUNCTIONS, "below", row_)
    explain = ("explain", "below(x)*3", "--format", "json", "--at")
    assert "x is positive, so below is off and lets nothing through." in said(*explain, "x=2")
    assert "x is negative, so below lets everything through." in said(*explain, "x=-2")
    assert "x is 0, where below has a kink" in said(*explain, "x=0")
    off = said(*explain, "x=2", "--why", "x")
    assert "The below at n1 is off, since x = 2 is positive." in off


def test_code_runs_and_agrees(tmp_path, monkeypatch):
    """The files of all rows in one process, since a library takes a second to load."""
    for one in CASES:
        monkeypatch.setitem(OPERATIONS, one.row.name, one.row)
        monkeypatch.setitem(FUNCTIONS, one.row.name, one.row)
    others: dict[str, list[str]] = {"c": [], "javascript": []}
    jobs = []
    for k, one in enumerate(CASES):
        for target in (target for target in CODES if target not in MISSING):
            if target in one.lacks:
                continue
            source = said("derive", one.program, "--at", one.at, "--format", target)
            marks = {"c": "SELF_TEST", "javascript": "require.main"}
            assert marks.get(target, "__main__") in source
            if target in marks:
                others[target].append(source)
                continue
            path = tmp_path / f"{k}_{target}.py"
            path.write_text(source, encoding="utf-8")
            jobs.append([str(path), "", [], None])
    assert len(jobs) > len(CASES)
    assert running(tmp_path, jobs) == ""
    for target, sources in others.items():
        assert target in MISSING or what_they_say(target, tmp_path, sources) == ""


SIDED = (
    row("shrink", "x", "if(x > 1, 1, if(x < -1, 1, 0))", C, "what is beyond 1 in size", kinks="abs(x) - 1",
        value=lambda x: math.copysign(max(abs(x) - 1, 0), x), ulps=1,
        wide=lambda m, x: m.sign(x) * max(abs(x) - 1, m.zero),
        series="if(x > 1, x - 1, if(x < -1, x + 1, 0))"),
    row("entire", "x", "0", C, "the largest whole number that is not above x", kinks="x - out",
        value=lambda x: float(math.floor(x)), wide=lambda m, x: m.floor(x), exact=always,
        jump="entire jumps at whole numbers", series="if(x < out, out - 1, out)"),
    row("power15", "x", "1.5*sqrt(x)", C, "x^1.5", domain="x >= 0", exact=at_zero,
        value=lambda x: x**1.5, wide=lambda m, x: m.sqrt(x) ** 3, formula="x^1.5"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("program", "x", "gradient"),
    [
        ("shrink(x) - shrink(2 - x)", 1.0, 1.0),  # each has a kink, and they make up a line
        ("shrink(x)*shrink(-x)", -1.0, 0.0),
        ("cbrt(shrink(x))", 1.0, None),  # 0 from the left, infinite from the right
        ("entire(x)", 2.0, None),
        ("entire(x)", 2.5, 0.0),
        ("(x - 2)*entire(x)", 2.0, None),  # 1 and 2
        ("(x - 2)^2*entire(x)", 2.0, 0.0),
        ("entire(x) + entire(-x) + abs(x)", -0.5, -1.0),
        ("power15(x^2)", 0.0, 0.0),
        ("cbrt(power15(x^2))^2", 0.0, 0.0),  # x^2, by way of x^3
        ("sqrt(power15(x))^4", 0.0, 0.0),
    ],
)
def test_a_kink_of_its_own_is_decided_by_its_texts(program, x, gradient, monkeypatch):
    for one in SIDED:
        monkeypatch.setitem(OPERATIONS, one.name, one)
        monkeypatch.setitem(FUNCTIONS, one.name, one)
    code, out, err = call("eval", program, "--at", f"x={x}", "--json")
    assert code == (3 if gradient is None else 0), err
    assert json.loads(out)["gradients"] == {"x": gradient}


# Operations on arrays, likewise


class ArrayCase(NamedTuple):
    """A row, a program that uses it, a point, and what is right there."""

    row: Structural
    program: str
    point: dict[str, Any]
    gradients: dict[str, Any]
    vjps: list[str]


def running_total(on, operands, _written):
    nodes = operands[0].nodes
    total = [on.apply("identity", nodes[0])]
    for node in nodes[1:]:
        total.append(on.apply("add", total[-1], node))
    return total


def vector_shape(operands, _written):
    if len(operands[0].shape) != 1:
        raise Misfit("a vector is needed here", operands[0].is_shape, "give one", 0)
    return operands[0].shape


def turned(on, operands, _written):
    x, k = operands
    k = k.whole[0] % len(x.nodes)
    return [on.apply("identity", node) for node in [*x.nodes[k:], *x.nodes[:k]]]


def turned_shape(operands, _written):
    if operands[1].shape:
        raise Misfit("one number is needed here", operands[1].is_shape, "give one", 1)
    return vector_shape(operands, None)


ARRAY_CASES = [
    # one operand, and a text in terms of itself
    ArrayCase(
        array_row("cumsum", "x", "flip(cumsum(flip(up)))", Role.DISTRIBUTES, "the sums of the first numbers",
            shape=vector_shape, lower=running_total),
        "c = cumsum(x); dot(c, c)", {"x": [1, 2, -1]}, {"x": [12.0, 10.0, 4.0]}, ["flip(cumsum(flip(up)))", "up*c", "up*c"],
    ),
    # several operands, stages of its own and a choice by ranks
    ArrayCase(
        array_row("between", "x a b", "up ;; -up ;; up", C, "x - a + b, number by number",
            shape=lambda operands, _written: vector_shape(operands, None) if operands[0].shape == operands[1].shape == operands[2].shape else wrong(),
            variants=lambda shapes, _written: ("u = up*1; u", "h = -up; h", "up"),
            lower=lambda on, operands, _written: [on.apply("add", on.apply("sub", x, a), b) for x, a, b in zip(*(one.nodes for one in operands), strict=True)]),
        "sum(between(x, y, x*2)^2)", {"x": [1, 2], "y": [4, 1]}, {"x": [-6.0, 30.0], "y": [2.0, -10.0]},
        ["u = up*1; u", "h = -up; h", "up"],
    ),
    # a whole number
    ArrayCase(
        array_row("turn", "x k", "turn(up, -k) ;; 0", R, "the first k numbers at the end", shape=turned_shape,
            lower=turned, indices=(1,), counted="a turn"),
        "dot(turn(x, 1), w)", {"x": [1, 2, 4], "w": [1, 3, 5]}, {"x": [5.0, 1.0, 3.0], "w": [2.0, 4.0, 1.0]},
        ["turn(up, -1)", "up*w", "up*n1"],
    ),
]  # fmt: skip


def wrong():
    raise Misfit("three alike are needed here", "", "give them")


@pytest.fixture(params=ARRAY_CASES, ids=lambda case: case.row.name)
def array_case(request, monkeypatch) -> ArrayCase:
    monkeypatch.setitem(STRUCTURAL, request.param.row.name, request.param.row)
    return request.param


def test_an_array_row_stands_in_the_list(array_case):
    row = array_case.row
    for args in ((), ("--json",), (row.name,), (row.name, "--json")):
        assert row.name in said("functions", *args)
    told = json.loads(said("functions", row.name, "--json"))
    schema("functions").validate(told)
    assert told["functions"][0]["shapes"]


def test_an_array_row_is_computed_and_shown(array_case):
    at = json.dumps(array_case.point)
    found = json.loads(said("eval", array_case.program, "--at", at, "--json"))
    schema("arrays").validate(found)
    assert found["gradients"] == array_case.gradients
    sent = [
        edge["vjp"] for node in found["nodes"] for edge in node.get("edges", ()) if "vjp" in edge
    ]
    assert sent == array_case.vjps


def test_an_array_row_is_verified(array_case, monkeypatch):
    row = array_case.row
    told = json.loads(said("functions", row.name, "--verify", "--json"))
    assert told["functions"][0]["verified"]["holds"]
    assert " ulp" in said("functions", row.name, "--verify")
    texts = row.vjp([(2,)] * len(row.operands), None)
    monkeypatch.setattr(row, "variants", lambda _shapes, _written: ("3*up", *texts[1:]))
    assert row.name in said("functions", row.name, "--verify", allowed=(1,))
    found = said("eval", array_case.program, "--at", json.dumps(array_case.point), "--json")
    assert "3*up" in found
