"""The library as Python and notebooks see it: what it gives, what it refuses, what it shows."""

import ast
import copy
import json
import math
import pickle
import subprocess
import sys
import textwrap

import mpmath
import nbformat
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbclient import NotebookClient

import backprop_grammar as bp
from tests.programs import programs
from tests.support import call, often, trace_of

NEURON = "f = sigmoid(w*x + b)"
AT = {"w": 2.0, "x": -1.0, "b": 0.5}


@pytest.fixture
def neuron():
    return bp.Program(NEURON).at(AT)


def refusal(ask) -> bp.BackpropError:
    with pytest.raises(bp.BackpropError) as caught:
        ask()
    return caught.value


# What it gives


def test_a_program_says_what_it_is():
    program = bp.Program("sq(t) = t*t; x = 3; q = sq(x) + y; f = q*e")
    assert program.inputs == {"x": 3.0, "y": None}
    assert program.stages == ("q", "f")
    assert program.functions == {"sq": ("t",)}
    assert "f = q*e" in repr(program)


def test_a_trace_is_what_the_command_prints(neuron):
    document = trace_of(NEURON, "--at", "w=2,x=-1,b=0.5")
    assert json.loads(neuron.json()) == document
    assert neuron.value == document["value"]
    assert neuron.gradients == document["gradients"]


def test_nodes_and_edges_carry_numbers(neuron):
    slope = neuron.value * (1 - neuron.value)
    assert neuron.output == "f"
    assert neuron.point == AT
    product = neuron["n1"]
    assert (product.kind, product.operation, product.formula) == ("operation", "mul", "w*x")
    assert (product.operands, product.role, product.value) == (("w", "x"), "swaps", -2.0)
    assert product.upstream == product.gradient == pytest.approx(slope)
    to_w, to_x = product.edges
    assert (to_w.operand, to_w.rule, to_w.local, to_w.routed) == ("w", "x", -1.0, True)
    assert to_x.contribution == pytest.approx(slope * 2) == neuron.gradients["x"]
    assert "n1" in neuron
    assert "n9" not in neuron
    assert [node.name for node in neuron.nodes] == ["w", "x", "n1", "b", "n2", "f"]
    assert tuple(neuron) == neuron.nodes
    assert len(neuron) == 6
    assert all(node in neuron for node in neuron)
    assert bp.Program(NEURON).at(AT | {"w": 3.0})["w"] not in neuron


def test_what_eval_can_do_two_lines_can():
    program = bp.Program("q = x + y; f = q*z")
    at = {"x": -2, "y": 5, "z": -4}
    assert program.at(at, wrt="q,z").gradients == {"q": -4.0, "z": 3.0}
    assert program.at(at, wrt=["q"]).gradients == {"q": -4.0}
    assert program.at(at, output="q").gradients == {"x": 1.0, "y": 1.0, "z": 0.0}
    assert program.at(at, upstream=2).gradients == {"x": -8.0, "y": -8.0, "z": 6.0}
    assert program.at(at, nodes=False).nodes == ()
    assert program.at(at, digits=3).digits == 3
    folded = bp.Program("1/(1+exp(-x))").at(x=1, fold="sigmoid")
    assert [node.operation for node in folded.nodes if node.operation] == ["sigmoid"]
    expanded = bp.Program("sigmoid(x)").at(x=1, expand="all")
    assert "exp" in {node.operation for node in expanded.nodes}
    digits = bp.Program("1/3*x").at(x=1, precision=30).json()
    assert "0.333333333333333333333333333333" in digits


def test_an_outline_has_formulas_and_no_number():
    outline = bp.Program("x*y").outline()
    assert outline.value is None
    assert outline["n1"].edges[0].rule == "y"
    assert "<svg" in outline.svg()


def test_formulas_and_code():
    program = bp.Program("f = x^3*y")
    second = program.derive("x", order=2)
    assert str(second) == "d2f_dx2 = 6*y*x"
    assert second.numbers == {}
    assert second.at(x=2, y=3).numbers == {"d2f_dx2": 36.0}
    assert program.derive("x", order=2, at={"x": 2, "y": 3}).numbers == {"d2f_dx2": 36.0}
    assert program.derive(along={"x": 1, "y": 0}, at={"x": 2, "y": 3}).numbers == {"jvp": 36.0}
    assert list(program.derive(along={"x": 1, "y": 0}, second=True).record.derivative.results.values()) == ["hvp_x", "hvp_y"]  # fmt: skip
    for target, start in (
        ("python", "#"),
        ("numpy", "#"),
        ("jax", "#"),
        ("torch", "#"),
        ("c", "/"),
        ("javascript", "/"),
    ):
        text = getattr(program.derive(), target)()
        assert text.startswith(start)
        if start == "#":
            ast.parse(text)
    space: dict = {}
    exec(program.derive().at(x=2, y=3).python(), space)
    assert space["f"](2.0, 3.0) == (24.0, {"x": 36.0, "y": 8.0})


def test_words_and_checks(neuron):
    assert "The output is f" in str(neuron.explain())
    assert str(neuron.explain("w")).count("w receives") == 1
    assert "The gradient of w is" in str(neuron.why("w"))
    assert "## `n1`" in neuron.explain().markdown()
    assert "\\documentclass" in neuron.explain().latex()
    assert neuron.check()
    assert neuron.check().right
    assert json.loads(neuron.check().json())["format"] == "backprop-check/1"
    slope = neuron.gradients["w"]
    assert neuron.claim(w=slope)
    wrong = neuron.claim({"b": -neuron.gradients["b"]})
    assert not wrong
    assert "wrong sign" in str(wrong)
    assert neuron.claim(w=f"{slope:.2g}").right


def test_many_points():
    x = np.array([1.0, 2.0, math.nan])
    mapped = bp.Program(NEURON).map({"x": x}, w=2, b=0.5)
    for k in (0, 1):
        trace = bp.Program(NEURON).at(w=2, b=0.5, x=x[k])
        assert mapped.value[k] == pytest.approx(trace.value, rel=1e-15)
        assert mapped.gradients["x"][k] == pytest.approx(trace.gradients["x"], rel=1e-15)
    assert math.isnan(mapped.value[2])
    assert list(mapped.status) == ["", "", "x is missing"]
    assert list(bp.Program(NEURON).map({"x": x}, wrt="w", w=2, b=0.5).gradients) == ["w"]
    error = refusal(lambda: bp.Program(NEURON).map({"x": x}, w=2))
    assert error.missing == ("b",)


def test_steps():
    run = bp.Program("(x - 3)^2").descend(x=0, rate=0.25, steps=50)
    assert run.final.at["x"] == pytest.approx(3.0)
    with_names = bp.Program("rate*steps").descend({"rate": 1.0, "steps": 2.0}, rate=0.5)
    assert with_names.final.at == {"rate": 0.0, "steps": 1.5}
    climbed = bp.Program("x*y").descend(x=1, y=1, wrt="x", up=True, rate=1)
    assert climbed.final.at == {"x": 2.0, "y": 1.0}


def test_steps_are_taken_as_they_are_asked_for():
    run = bp.Program("(x - 3)^2").descent(x=0, rate=0.25, steps=3)
    assert next(run).at == {"x": 0.0}
    assert [step.number for step in run] == [1, 2, 3]
    assert (run.final.at, run.end.reason) == ({"x": 2.625}, "steps")
    assert list(run) == []
    assert run.end.reason == "steps"  # which stays


def test_steps_along_the_mean_over_rows():
    x, t, w, b = np.array([1.0, 2.0, 3.0]), [0, 1, 1], 0.0, 0.0
    program = bp.Program("z = w*x + b; softplus(z) - t*z")
    run = program.descent(w=w, b=b, rows={"x": x, "t": t}, rate=1, steps=20)
    for step in run:
        assert (step.at["w"], step.at["b"]) == pytest.approx((w, b), rel=1e-12)
        z = w*x + b  # fmt: skip
        assert step.value == pytest.approx(np.mean(np.logaddexp(0, z) - t*z), rel=1e-12)  # fmt: skip
        slope = 1/(1 + np.exp(-z)) - t  # fmt: skip
        w, b = w - np.mean(slope*x), b - np.mean(slope)  # fmt: skip
    assert run.plan.rows == 3
    only = program.descend({"w": 0, "b": 0}, rows={"x": x, "t": t}, wrt="b", output="z", rate=1)
    assert only.final.at == {"w": 0.0, "b": -1.0}
    error = refusal(lambda: bp.Program("w*log(x)").descend(w=1, rows={"x": [1.0, -2.0]}))
    assert error.message == "row 2: log of a negative number"
    named = {"rows": {"x": [1.0, math.nan]}, "place": lambda row: f"patient {row}"}
    error = refusal(lambda: bp.Program("w*log(x)").descend(w=1, **named))
    assert error.message == "patient 1: x is missing"


def test_a_mapper_takes_chunk_after_chunk():
    program, x = bp.Program(NEURON), np.linspace(-40, 40, 1001)
    mapper = program.mapper("x", w=2, b=0.5, wrt="w,x")
    whole = program.map({"x": x}, w=2, b=0.5, wrt="w,x")
    assert mapper.labels == ("w", "x")
    for start in range(0, len(x), 300):
        rows = mapper({"x": x[start : start + 300]})
        assert rows.value.tolist() == whole.value[start : start + 300].tolist()
        for name, column in rows.gradients.items():
            assert column.tolist() == whole.gradients[name][start : start + 300].tolist()
    assert mapper({"x": [1, math.nan]}).status == {1: "x is missing"}
    assert program.mapper(["x"], {"w": 2, "b": 0.5})({"x": [0]}).value[0] == pytest.approx(1/(1 + math.exp(-0.5)))  # fmt: skip
    assert refusal(lambda: program.mapper("x", w=2)).missing == ("b",)


def test_equivalence():
    same = bp.equivalent("tanh(x)", "2*sigmoid(2*x) - 1", over={"x": (-3, 3)})
    assert same
    assert not bp.equivalent(bp.Program("sin(x)"), "x", over={"x": (-3, 3)})
    assert refusal(lambda: bp.equivalent("x", "y", over={"x": (0, 1)})).missing == ("y",)


def test_the_rows_are_there():
    assert bp.functions["sigmoid"].doc == "logistic function"
    assert set(bp.functions) >= {"sin", "softplus", "max"}


# What evaluating by hand got wrong before there was a library


def test_a_point_may_give_a_constant_a_value():
    assert bp.Program("e*x").at({"e": 3, "x": 1}).value == 3.0
    assert bp.Program("e*x").at({"e": 3, "x": 1}).gradients == {"e": 1.0, "x": 3.0}
    assert bp.Program("e*x").at(x=1).value == math.e
    twice = bp.Program("e*x")
    assert (twice.at(e=3, x=1).value, twice.at(x=1).value) == (3.0, math.e)  # nothing stays behind


def test_the_programs_own_inputs_hold():
    program = bp.Program("x = 2; y = 3; x*y")
    assert program.at().value == 6.0
    assert program.at(y=5).value == 10.0


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, np.float64("nan"), np.inf])
def test_what_is_not_finite_is_refused_by_name(number):
    error = refusal(lambda: bp.Program("x*y").at(x=number, y=1))
    assert error.kind == "binding"
    assert "the value of x is" in error.message
    assert "not finite" in error.message


@pytest.mark.parametrize("value", ["one", b"1", True, None, 1j, object(), 10**400])
def test_what_is_no_number_is_refused_by_name(value):
    error = refusal(lambda: bp.Program("x*y").at(x=value, y=1))
    assert error.kind == "binding"
    assert "the value of x is" in error.message


@pytest.mark.parametrize(
    "number", [np.float32(0.1), np.float64(0.1), np.int64(3), np.array(2.5), np.uint8(7), 3]
)
def test_the_numbers_of_numpy_are_the_numbers_they_are(number):
    trace = bp.Program("x*y").at(x=number, y=1)
    assert trace.point["x"] == float(number)
    assert trace.value == float(number)
    assert type(trace.point["x"]) is float


def test_options_are_numbers_too():
    program = bp.Program("x*y")
    for digits in (0, 1001, "30", 2.5):
        assert "the precision is a whole number from 1 to 1,000" in refusal(lambda d=digits: program.at(x=1, y=2, precision=d)).message  # fmt: skip


def test_unknown_names_are_refused_with_the_nearest():
    error = refusal(lambda: bp.Program("width*x").at(widht=1, x=2))
    assert error.message == "the program has no variable widht"
    assert "did you mean width?" in error.hint
    assert refusal(lambda: bp.Program("q = x; f = q^2").at(x=1, q=2)).message == "q is computed by the program"  # fmt: skip
    assert refusal(lambda: bp.Program("x").at(x=1, wrt="z")).kind == "name"
    with pytest.raises(bp.BackpropError, match="no node called nn"):
        bp.Program("x").at(x=1)["nn"]


def test_missing_values_are_named_all_at_once():
    error = refusal(lambda: bp.Program("a*b*c*d").at(b=1))
    assert error.missing == ("a", "c", "d")
    assert "a, c, d" in error.message


@pytest.mark.parametrize("word", ["output", "wrt", "upstream", "precision", "fold", "digits"])
def test_a_variable_called_like_a_keyword_goes_into_the_dict(word):
    program = bp.Program(f"{word}*x")
    assert program.at({word: 3, "x": 2}).value == 6.0
    value = {"wrt": "x", "fold": "all", "output": "x"}.get(word, 3)
    error = refusal(lambda: program.at(**{word: value, "x": 2}))
    assert f'{{"{word}": ' in error.hint


def test_a_value_that_is_given_twice_is_refused():
    assert refusal(lambda: bp.Program("x").at({"x": 1}, x=2)).message == "x is given twice"


@pytest.mark.parametrize(
    ("ask", "line"),
    [
        (lambda: bp.Program("x*"), "  |  ^"),
        (lambda: bp.Program("log(x)*y").at(x=-1, y=1), "  | ^^^^^^"),
        (lambda: bp.Program("x*y").at(x=1), "  |   ^"),
    ],
)
def test_an_error_draws_its_caret(ask, line):
    error = refusal(ask)
    drawn = str(error).splitlines()
    assert drawn[0] == error.message
    assert any(row.startswith(line) for row in drawn)
    assert drawn[-1] == f"  = {error.hint}"
    assert "--" not in str(error)  # an option of the command line


# Notebooks


def test_what_a_notebook_shows(neuron):
    assert neuron._repr_svg_() == neuron.svg()
    assert "<table" in neuron._repr_html_()
    assert "sigmoid" in repr(neuron)
    assert bp.Program("x^2").derive()._repr_latex_().startswith("\\begin{align*}")
    assert neuron.explain()._repr_markdown_()


def test_a_large_trace_is_text_in_a_notebook():
    trace = bp.Program(" + ".join(f"sin(x{k})" for k in range(4000))).at(
        {f"x{k}": 0.5 for k in range(4000)}
    )
    assert trace._repr_svg_() is None
    assert len(repr(trace)) < 20_000


def test_a_notebook_runs():
    cells = [
        "import backprop_grammar as bp",
        f't = bp.Program("{NEURON}").at(w=2, x=-1, b=0.5)\nt',
        't.gradients["w"]',
        "bp.Program('x^2').derive()",
        "t.explain()",
        "t.claim(w=0.15)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    data = [[out["data"] for out in cell["outputs"] if "data" in out] for cell in notebook.cells]
    assert data[0] == []
    assert "<svg" in data[1][0]["image/svg+xml"]
    assert "<table" in data[1][0]["text/html"]
    assert float(data[2][0]["text/plain"]) == pytest.approx(-0.1491464520703328)
    assert "\\begin{align*}" in data[3][0]["text/latex"]
    assert "sigmoid" in data[4][0]["text/markdown"]
    assert "w = 0.15" in data[5][0]["text/plain"]


# Loading


def test_importing_it_loads_next_to_nothing():
    code = "import sys; before = set(sys.modules); import backprop_grammar; print(sorted(set(sys.modules) - before))"
    loaded = ast.literal_eval(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)  # fmt: skip
    assert [name for name in loaded if name.startswith("backprop")] == ["backprop_grammar"]
    assert not {"lark", "mpmath", "numpy", "rich", "typer"} & set(loaded)


def test_names_are_listed_and_unknown_ones_are_missing():
    assert set(bp.__all__) <= set(dir(bp))
    for name in bp.__all__:
        assert getattr(bp, name) is not None
    with pytest.raises(AttributeError):
        bp.no_such_name  # noqa: B018


# Any program


@settings(max_examples=often(40, 400))
@given(programs(), st.lists(st.floats(-3, 3).map(lambda x: round(x, 2)), min_size=9, max_size=9))
def test_the_library_and_the_command_say_the_same(program, numbers):
    asked = bp.Program(program.text())
    names = [name for name, value in asked.inputs.items() if value is None]
    at = dict(zip(names, numbers, strict=False))
    point = ",".join(f"{name}={value!r}" for name, value in at.items())
    code, out, _ = call("eval", program.text(), "--json", *(["--at", point] if point else []))
    try:
        trace = asked.at(at)
    except bp.BackpropError:
        assert code == 1
    else:
        assert code == (3 if trace.flags else 0)
        assert trace.json().rstrip("\n") == out.rstrip("\n")


def test_a_program_is_pickled_as_its_text():
    program = pickle.loads(pickle.dumps(bp.Program("e*x", "mine")))
    assert program.at(e=3, x=1).value == 3.0
    assert program.record.source.name == "mine"


CHAIN = "; ".join(["f0(u) = sin(u)", *(f"f{k}(u) = f{k - 1}(u)" for k in range(1, 3000))])

ANSWERS = {
    "a trace": lambda: bp.Program(NEURON).at(AT),
    "its options": lambda: bp.Program("output*x + e").at(
        {"output": np.float32(2), "x": 1, "e": 3}, wrt="x,e", upstream=2, digits=3, precision=30
    ),
    "its groups": lambda: bp.Program("q = 1/(1+exp(-x)); sigmoid(q)").at(
        x=1, fold="sigmoid", output="q"
    ),
    "its results alone": lambda: bp.Program("x*y").at(x=1, y=2, nodes=False),
    "functions of functions": lambda: bp.Program(f"{CHAIN}; f2999(x)").at(x=1),
    "an outline": lambda: bp.Program("q = x*y; q^2").outline(output="q", wrt="x", digits=3),
    "an explanation": lambda: bp.Program(NEURON).at(AT, digits=3).explain("w"),
    "why": lambda: bp.Program(NEURON).at(AT).why("w"),
    "a check": lambda: bp.Program(NEURON).at(AT).check(),
    "claims": lambda: bp.Program(NEURON).at(AT).claim(w=0.1, x="0.30"),
    "formulas": lambda: bp.Program("f = x^3*y").derive("x", order=2, at={"x": 2, "y": 3}),
    "a direction": lambda: bp.Program("x*y").derive(along={"x": 1}, second=True),
}


@pytest.mark.parametrize("ask", ANSWERS.values(), ids=ANSWERS.keys())
def test_answers_are_pickled(ask):
    answer = ask()
    for again in (pickle.loads(pickle.dumps(answer)), copy.deepcopy(answer)):
        assert type(again) is type(answer)
        assert again.json() == answer.json()
        assert repr(again) == repr(answer)


ROWS = {"rows": {"x": [1.0, 2.0], "y": [2.0, 4.0]}}

RUNS = {
    "before its start": (lambda: bp.Program("(x - 3)^2").descent(x=0, steps=9), 0),
    "under way": (lambda: bp.Program("(x - 3)^2").descent(x=0, steps=9, method="adam"), 4),
    "at its last step": (lambda: bp.Program("(x - 3)^2").descent(x=0, steps=9), 10),
    "ended": (lambda: bp.Program("(x - 3)^2").descend(x=0, steps=9), 0),
    "converged": (lambda: bp.Program("rate^2").descend({"rate": 0}, steps=9), 0),
    "over rows": (lambda: bp.Program("(w*x - y)^2").descend(w=0, steps=3, **ROWS), 0),
    "of a constant": (lambda: bp.Program("(e - 3)^2").descend({"e": 1}, wrt="e", up=True), 0),
}


@pytest.mark.parametrize(("plan", "steps"), RUNS.values(), ids=RUNS.keys())
def test_a_descent_is_pickled_as_far_as_it_got(plan, steps):
    run = plan()
    for _ in range(steps):
        next(run)
    for again in (pickle.loads(pickle.dumps(run)), copy.copy(run)):
        assert repr(again) == repr(run)
        assert (again.last, again.kept, again.end) == (run.last, run.kept, run.end)
    assert list(again) == list(run)
    assert again.end == run.end
    assert again.notes == run.notes


def test_a_mapper_is_pickled():
    mapper = bp.Program("z = w*x + b; sigmoid(z*e)").mapper("x", {"w": 2, "e": 1}, b=1, wrt="x,w")
    for again in (pickle.loads(pickle.dumps(mapper)), copy.copy(mapper)):
        rows, expected = (one({"x": [1.0, 2.0]}) for one in (again, mapper))
        assert rows.value.tolist() == expected.value.tolist()
        assert {name: column.tolist() for name, column in rows.gradients.items()} == {
            name: column.tolist() for name, column in expected.gradients.items()
        }


def test_a_descent_says_where_it_is():
    run = bp.Program("f = (x - 3)^2*y").descent(x=0, y=1, wrt="x", rate=0.25, steps=2)
    assert repr(run) == "before the start, at x = 0, y = 1"
    next(run)
    assert repr(run) == "the start: f = 9 at x = 0, y = 1"
    next(run)
    assert repr(run) == "step 1: f = 2.25 at x = 1.5, y = 1"
    many = "+".join(f"x{k}^2" for k in range(100))
    assert len(repr(bp.Program(many).descend({f"x{k}": 1e-300 for k in range(100)}))) < 300


def test_the_docstring_of_the_package_runs():
    example = [line for line in bp.__doc__.splitlines() if line.startswith("    ")]
    exec(textwrap.dedent("\n".join(example)), {})


# What a stranger tried


BAD = {
    "a program that is none": lambda: bp.Program(None),
    "a name that is none": lambda: bp.Program("x", name=5),
    "a point that is none": lambda: bp.Program("x").at([1]),
    "a name of the point that is none": lambda: bp.Program("x").at({1: 2}),
    "names that are none": lambda: bp.Program("x").at(x=1, wrt=5),
    "an output that is none": lambda: bp.Program("x").at(x=1, output=5),
    "a complex number": lambda: bp.Program("x").at(x=np.complex128(1 + 2j)),
    "an array of text": lambda: bp.Program("x").at(x=np.array("3")),
    "digits": lambda: bp.Program("x").at(x=1, digits=-3),
    "a direction of text": lambda: bp.Program("x*y").derive(along={"x": "1/0"}),
    "a direction without end": lambda: bp.Program("x*y").derive(along={"x": math.inf}),
    "a direction and an order": lambda: bp.Program("x*y").derive(along={"x": 1}, order=2),
    "no direction": lambda: bp.Program("x*y").derive(second=True),
    "a point of derivatives that is none": lambda: bp.Program("x*y").derive(at=3),
    "an order": lambda: bp.Program("x*y").derive(order=1.5),
    "a target": lambda: bp.Program("x*y").derive().code("zz"),
    "nothing to derive by": lambda: bp.Program("3").derive(),
    "a range of nan": lambda: bp.equivalent("x^2", "x^3", over={"x": (math.nan, math.nan)}),
    "a range without end": lambda: bp.equivalent("1/x", "2/x", over={"x": (0, math.inf)}),
    "a range turned around": lambda: bp.equivalent("x", "x", over={"x": (1, 0)}),
    "half a range": lambda: bp.equivalent("x", "x", over={"x": 1}),
    "points": lambda: bp.equivalent("x", "x", over={"x": (0, 1)}, points=2.5),
    "a column of text": lambda: bp.Program("x").map({"x": ["1", "2"]}),
    "a column of lists": lambda: bp.Program("x").map({"x": [1, [2, 3]]}),
    "a column of truth": lambda: bp.Program("x").map({"x": [True, False]}),
    "a column of complex numbers": lambda: bp.Program("x").map({"x": np.array([1 + 1j])}),
    "a column of dates": lambda: bp.Program("x").map(
        {"x": np.array(["2020-01-01"], "datetime64[D]")}
    ),
    "columns of two lengths": lambda: bp.Program("x*y").map({"x": [1.0, 2.0], "y": [1.0]}),
    "no column": lambda: bp.Program("x").map({"x": 1.0}),
    "an unknown column": lambda: bp.Program("x").map({"x": [1.0], "z": [1.0]}),
    "a column given twice": lambda: bp.Program("x").map({"x": [1.0]}, x=2),
    "no columns": lambda: bp.Program("x").map(None),
    "a claim that is none": lambda: bp.Program("x").at(x=1).claim(x=True),
    "claims that are none": lambda: bp.Program("x").at(x=1).claim(["x"]),
    "a claim given twice": lambda: bp.Program("x").at(x=1).claim({"x": 1}, x=2),
    "steps": lambda: bp.Program("x").descend(x=1, steps=2.5),
    "no steps": lambda: bp.Program("x").descend(x=1, steps=0),
    "a rate": lambda: bp.Program("x").descend(x=1, rate="fast"),
    "rows that are none": lambda: bp.Program("x*y").descend(y=1, rows=[1.0]),
    "no rows": lambda: bp.Program("x*y").descend(y=1, rows={"x": []}),
    "rows of text": lambda: bp.Program("x*y").descend(y=1, rows={"x": ["1"]}),
    "rows of two lengths": lambda: bp.Program("x*y*z").descend(
        y=1, rows={"x": [1.0], "z": [1.0, 2.0]}
    ),
    "one number for rows": lambda: bp.Program("x*y*z").descend(y=1, rows={"x": [1.0], "z": 1}),
    "unknown rows": lambda: bp.Program("x*y").descend(y=1, rows={"x": [1.0], "z": [1.0]}),
    "rows given twice": lambda: bp.Program("x*y").descend(x=1, y=1, rows={"x": [1.0]}),
    "rows that are stepped": lambda: bp.Program("x*y").descend(y=1, rows={"x": [1.0]}, wrt="x"),
    "nothing but rows": lambda: bp.Program("x").descend(rows={"x": [1.0]}),
    "names of columns that are none": lambda: bp.Program("x").mapper(5),
    "no names of columns": lambda: bp.Program("x").mapper(""),
    "a name of a column that is a value": lambda: bp.Program("x").mapper("x", x=1),
    "an unknown name of a column": lambda: bp.Program("x").mapper("z", x=1),
    "a chunk without a column": lambda: bp.Program("x").mapper("x")({"y": [1.0]}),
    "a chunk of text": lambda: bp.Program("x").mapper("x")({"x": ["1"]}),
    "a chunk of two lengths": lambda: bp.Program("x*y").mapper("x,y")({"x": [1.0], "y": []}),
    "an empty claim": lambda: bp.Program("x").at(x=1).claim(x=" "),
    "an empty direction": lambda: bp.Program("x").derive(along={}),
    "an empty direction, twice": lambda: bp.Program("x").derive(along={}, second=True),
    "the nodes of a trace without them": lambda: list(bp.Program("x*y").at(x=1, y=2, nodes=False)),
    "how many nodes a trace without them has": lambda: len(
        bp.Program("x*y").at(x=1, y=2, nodes=False)
    ),
    "a node that is none": lambda: bp.Program("x").at(x=1)[5],
    "a picture without nodes": lambda: bp.Program("x*y").at(x=1, y=2, nodes=False).svg(),
    "a check of an outline": lambda: bp.Program("x*y").outline().check(),
}


@pytest.mark.parametrize("ask", BAD.values(), ids=BAD.keys())
def test_what_makes_no_sense_is_refused_in_a_sentence(ask):
    error = refusal(ask)
    assert len(str(error)) < 300
    assert " --" not in str(error)


NUMBERS = {
    "the value of x is": lambda x: bp.Program("x").at(x=x),
    "the upstream gradient is": lambda x: bp.Program("x").at(x=1, upstream=x),
    "the rate is": lambda x: bp.Program("x").descend(x=1, rate=x),
    "the direction of x is": lambda x: bp.Program("x").derive(along={"x": x}),
    "the claim of x is": lambda x: bp.Program("x").at(x=1).claim(x=x),
    "an end of the range of x is": lambda x: bp.equivalent("x", "x", over={"x": (0, x)}),
}


@pytest.mark.parametrize(("says", "ask"), NUMBERS.items(), ids=NUMBERS.keys())
def test_what_is_no_number_is_called_by_what_it_was_to_be(says, ask):
    for number in (math.nan, math.inf, b"1", 10**400):
        error = refusal(lambda x=number: ask(x))
        assert error.message.startswith(says)
        assert ("a point" in error.hint) == ("value" in says)
        assert "finite number" in error.hint


CHOICES = {
    "nodes": lambda x: bp.Program("x").at(x=1, nodes=x),
    "up": lambda x: bp.Program("x").descend(x=1, up=x),
    "second": lambda x: bp.Program("x").derive(along={"x": 1}, second=x),
    "code": lambda x: bp.Program("x").derive(code=x),
}


@pytest.mark.parametrize(("name", "ask"), CHOICES.items(), ids=CHOICES.keys())
def test_a_choice_is_true_or_false(name, ask):
    for value in (3, 1, 0, 1.0, "yes", "", [], np.array([True, False])):
        message = refusal(lambda x=value: ask(x)).message
        assert message.startswith(f"{name} is True or False, not ")
    for value in (True, False):
        assert repr(ask(np.bool_(value))) == repr(ask(value))


def test_the_inputs_that_an_output_depends_on():
    program = bp.Program("a = 2; q = x*y; r = q + a; s = z*w; if(x < 0, r, y)")
    assert program.needed() == ("a", "x", "y")
    assert program.needed("q") == ("x", "y")
    assert program.needed("s") == ("z", "w")
    assert "did you mean" in refusal(lambda: bp.Program("loss = x").needed("los")).hint
    assert refusal(lambda: program.needed(3))


def test_a_trace_without_nodes_is_text_in_a_notebook():
    trace = bp.Program("x*y").at(x=1, y=2, nodes=False)
    assert trace
    assert trace._repr_svg_() is trace._repr_html_() is None
    assert "gradient" in repr(trace)


def test_a_number_may_stand_among_the_columns():
    mapped = bp.Program("wrt*x").map({"x": [1.0, 2.0], "wrt": 3})
    assert mapped.value.tolist() == [3.0, 6.0]


def test_a_masked_number_is_missing():
    mapped = bp.Program("x").map({"x": np.ma.array([1.0, 2.0], mask=[False, True])})
    assert mapped.status.tolist() == ["", "x is missing"]


def test_a_direction_takes_the_numbers_of_numpy():
    formula = bp.Program("x*y").derive(along={"x": np.float32(0.5)})
    assert str(formula) == "jvp = 0.5*y"


def test_the_table_is_read_only():
    with pytest.raises(TypeError):
        bp.functions["mine"] = bp.functions["sin"]


def test_a_claim_is_read_without_its_blanks(neuron):
    assert "within the digits" in str(neuron.claim(w=" -0.15 "))


@pytest.mark.parametrize("digits", [50, 300, 330, 1000])
def test_as_many_digits_as_are_asked_for(digits):
    document = json.loads(bp.Program("sin(x)/y").at(x=1, y=3, precision=digits).json())
    with mpmath.workdps(digits + 10):
        truth = mpmath.nstr(mpmath.sin(1) / 3, digits)
        assert mpmath.nstr(mpmath.mpf(document["wide"]["value"]), digits) == truth
        slope = document["wide"]["gradients"]["y"]
        assert mpmath.nstr(mpmath.mpf(slope), digits) == mpmath.nstr(-mpmath.sin(1) / 9, digits)
