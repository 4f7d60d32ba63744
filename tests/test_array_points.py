"""Arrays of a point: made of constants, drawn at random, read from files and from other libraries."""

import json
import math
import re
from fractions import Fraction
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from mpmath import mp

import backprop_grammar as bp
from backprop_grammar.errors import BackpropError
from backprop_grammar.language.parser import parse
from backprop_grammar.language.printer import program_text
from backprop_grammar.operations.makers import MAKERS, SCALE, bin_end
from tests.support import call


def given(text: str, *more: str, program: str = "sum(x)") -> Any:
    """The value of x that the command reads."""
    code, out, err = call("eval", program, "--at", f"x={text}", "--get", "at.x", *more)
    assert code == 0, err
    return json.loads(out)


def refused(*args: str) -> str:
    code, out, err = call("eval", *args)
    assert code in (1, 2), (code, out)
    assert out == ""
    assert "Traceback" not in err
    assert len(err) < 1_500
    return str(err)


# constants


MADE: tuple[tuple[str, Any], ...] = (
    ("zeros(2,3)", [[0.0] * 3] * 2),
    ("ones(3)", [1.0] * 3),
    ("eye(2)", [[1.0, 0.0], [0.0, 1.0]]),
    ("range(4)", [0.0, 1.0, 2.0, 3.0]),
    ("linspace(-0.5,0.5,12)", [float(Fraction(-1, 2) + Fraction(k, 11)) for k in range(12)]),
    ("linspace(0,pi,3)", [0.0, math.pi / 2, math.pi]),
    ("linspace(2,7,1)", [2.0]),
    ("linspace(1/3, -1, 2)", [1 / 3, -1.0]),
    ("0.1*ones(2)", [0.1, 0.1]),
    ("-range(3)/10", [0.0, -0.1, -0.2]),
    ("zeros(2)+[1,2]", [1.0, 2.0]),
    ("[1,2;3,4]/10", [[0.1, 0.2], [0.3, 0.4]]),
    ("eye(2)@[3,4]", [3.0, 4.0]),
    ("ones(2, 1).T", [[1.0, 1.0]]),
    ("range(6)[2:4]", [2.0, 3.0]),
    ("sqrt(range(3))", [0.0, 1.0, math.sqrt(2)]),
    ("exp([0, 1])*sin(1)", [math.sin(1), float(mp.e * mp.sin(1))]),
    ("sum(range(5))", 10.0),
    ("ones(2*1 + 1)", [1.0] * 3),
    ("np.ones(2)", [1.0, 1.0]),
    ("concat(zeros(1), range(2))", [0.0, 0.0, 1.0]),
)


@pytest.mark.parametrize(("text", "right"), MADE, ids=[text for text, _ in MADE])
def test_constants_of_a_point(text, right):
    program = "sum(x)" if isinstance(right, list) else "x*1"
    assert np.allclose(given(text, program=program), right, rtol=2e-16, atol=0)


@pytest.mark.parametrize(("text", "right"), MADE, ids=[text for text, _ in MADE])
def test_the_same_as_a_stage_and_in_an_expression(text, right):
    stage = bp.Program(f"x = {text}; sum(x*y)").at(y=1)
    inside = bp.Program(f"sum(({text})*y)").at(y=1)
    assert np.isclose(stage.value, np.sum(right), rtol=1e-14)
    assert np.isclose(inside.value, np.sum(right), rtol=1e-14)
    if "[" not in text and "sum" not in text and "np" not in text:
        assert np.array_equal(stage.point["x"], given(text))
        assert np.shape(stage.gradients["x"]) == np.shape(right)


def test_a_stage_of_constants_is_an_input():
    program = bp.Program("mask = zeros(2,2); W = 0.5*ones(2,2); V = W + 1; sum(W*x + mask + V)")
    assert program.inputs == {"mask": [[0.0] * 2] * 2, "W": [[0.5] * 2] * 2, "x": None}
    trace = program.at(x=3)
    assert trace.gradients["W"] == [[4.0] * 2] * 2
    assert program.at(x=3, mask=[[1, 0], [0, 1]]).value == trace.value + 2
    typed = "mask = zeros(2, 2); W = 0.5*ones(2, 2); V = W + 1; sum(W*x + mask + V)"
    assert repr(program) == typed
    assert program_text(parse(typed)) == typed
    assert list(parse(typed).variables) == ["mask", "W", "x"]


def test_the_names_are_free():
    assert bp.Program("range = 2; zeros(u) = u + 1; range*zeros(x)").at(x=3).value == 8.0
    assert bp.Program("ones*eye").at(ones=2, eye=3).value == 6.0


WRONG = (
    # the value of x, what is said
    ("zeros(1e9)", "zeros would make 1,000,000,000 numbers, more than 1,000,000"),
    ("range(1e300)", "range would make far too many numbers"),
    ("randn(3000,3000)", "randn would make 9,000,000 numbers"),
    ("eye(2000)", "eye would make 4,000,000 numbers"),
    ("zeros(2,3,4)", "arrays have two axes at most: zeros(m, n)"),
    ("zeros(0)", "an array of size 0 has no elements"),
    ("zeros(2,-1)", "an array of size -1 has no elements"),
    ("ones(2.5)", "a size is a whole number, not 2.5"),
    ("ones(n)", "n has no value here"),
    ("ones([1,2])", "ones takes plain numbers, and [1,2] is 2"),
    ("ones(2)+ones(3)", "ones(2) and ones(3) do not fit together"),
    ("linspace(0,1)", "linspace takes 3 operands, not 2"),
    ("log(zeros(2))", "log of zero"),
    ("[1,2]/0", "division by zero"),
    ("exp(1000*ones(2))", "overflows"),
    ("[]", "nothing stands between the brackets"),
    ("[1,2;3]", "row 2 has 1 number, row 1 has 2"),
    ("[[1,2],[3]]", "row 2 has 1 number, row 1 has 2"),
    ("[[[1]]]", "an array has two axes at most"),
    ("[1,2", "a square bracket is never closed"),
    ("[a,2]", "a has no value here"),
    ("(1,2)", "square brackets"),
    ("{1,2}", "square brackets"),
)


@pytest.mark.parametrize(("text", "says"), WRONG, ids=[text for text, _ in WRONG])
def test_what_is_no_array_is_said(text, says):
    assert says in refused("sum(x)", "--at", f"x={text}", "--json")


def test_what_is_no_array_in_a_program():
    for text, says in WRONG[:8]:
        with pytest.raises(BackpropError) as caught:
            bp.Program(f"x = {text}; sum(x*y)")
        assert says in str(caught.value)
        assert caught.value.span is not None
    with pytest.raises(BackpropError, match="randn is drawn for a name"):
        bp.Program("sum(x*randn(3))").at(x=2)
    with pytest.raises(BackpropError, match="zeros takes plain numbers, and 2\\*n is computed"):
        bp.Program("sum(x + zeros(2*n))").at(x=2, n=3)
    assert bp.Program("sum(x + ones(n))").at(x=2, n=3).gradients == {"x": 3.0}


# random ones


def test_bins_of_normal_numbers_end_where_they_should():
    with mp.workdps(60):
        for k in (-900, -250, -1, 0, 3, 128, 500, 899):
            right = mp.ncdf(mp.mpf(2 * k + 1) / 200) * 2**SCALE
            assert abs(bin_end(k) - right) < 2**24  # of 2^128


def test_random_numbers_are_the_same_everywhere():
    assert given("randn(2,3)") == [[0.49, 0.65, 0.24], [-0.82, 1.0, -0.27]]
    assert given("rand(4)", "--seed", "3") == bp.Program("x = rand(4); sum(x)", seed=3).inputs["x"]


def test_random_numbers_hang_on_the_seed_and_the_name():
    program = "W = randn(2,2); V = randn(2,2); sum(W @ V)"
    one, other = bp.Program(program).inputs, bp.Program(program, seed=1).inputs
    assert one["W"] != one["V"]
    assert one["W"] != other["W"]
    assert bp.Program("V = randn(2,2); sum(V)").inputs["V"] == one["V"]
    assert given("randn(2,2)-randn(2,2)") != [[0.0] * 2] * 2


def test_random_numbers_are_distributed_as_they_should_be():
    normal = np.array(bp.Program("x = randn(100,100); sum(x)").inputs["x"])
    assert np.array_equal(normal, np.round(normal, 2))
    for p in (0.001, 0.02, 0.3, 0.5, 0.9, 0.999):
        share = np.mean(normal < NormalDist().inv_cdf(p) + 0.005)
        assert abs(share - p) < 5 * math.sqrt(p * (1 - p) / 10**4)
    uniform = np.array(bp.Program("x = rand(10000); sum(x)").inputs["x"])
    assert np.array_equal(uniform, np.round(uniform, 2))
    assert (uniform.min(), uniform.max()) == (0.0, 0.99)
    assert abs(uniform.mean() - 0.495) < 0.015


def test_random_values_for_what_is_declared():
    program = "W: 2x3; x: 3; b: scalar; v: 2; sum(W @ x + b + v)"
    code, out, err = call("eval", program, "--random", "4", "--at", "v=[1,2]", "--get", "at")
    assert (code, err) == (0, "")
    point = json.loads(out)
    assert {name: np.shape(value) for name, value in point.items()} == {
        "W": (2, 3), "x": (3,), "b": (), "v": (2,)
    }  # fmt: skip
    assert bp.Program(program).random(4, v=[1, 2]) == point
    assert bp.Program(program).random(5, v=[1, 2])["W"] != point["W"]


def test_letters_get_their_sizes_from_what_is_given():
    program = bp.Program("X: NxD; w: D; y: N; sum((X @ w - y)^2)")
    point = program.random(1, X=[[1, 2, 3], [4, 5, 6]])
    assert (len(point["w"]), len(point["y"])) == (3, 2)
    with pytest.raises(BackpropError, match="X is declared NxD, and nothing says how large N is"):
        program.random(1)
    assert "--random is for declared variables" in refused("sum(x)", "--random", "1")
    assert "--random takes a whole number" in refused("x: 3; sum(x)", "--random", "-1")
    assert "--seed takes a whole number" in refused("sum(x)", "--at", "x=rand(2)", "--seed", "-1")


def test_every_maker_is_tried():
    assert {name for name in MAKERS if any(name in text for text, _ in MADE)} == {*MAKERS} - {
        "rand", "randn",
    }  # fmt: skip
    assert re.search("rand", " ".join(MAKERS))
