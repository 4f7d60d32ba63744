"""A decimal is what it says, in every reader: not the float nearest to it."""

import json
import math
import pickle
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backprop_grammar as bp
from backprop_grammar.language.nearest import Nearest, fraction, literal, nearest, printed
from backprop_grammar.language.parser import parse
from backprop_grammar.language.printer import program_text
from backprop_grammar.numbers.decimal import Decimals, decimal
from backprop_grammar.numbers.wide import Wide
from tests.support import call, often, trace_of

EXACT = (  # program, point, value, gradients
    ("0.1 + 0.2 - 0.3", "", 0, {}),
    ("0.1 + 0.2 - 0.3 + 1e-40", "", 1e-40, {}),
    ("0.7*10 - 7", "", 0, {}),
    ("1.1^3 - 1.331", "", 0, {}),
    ("0.3/0.1 - 3", "", 0, {}),
    ("1/3 + 1/3 + 1/3 - 1", "", 0, {}),
    ("mean(0.1, 0.2, 0.3) - 0.2", "", 0, {}),
    ("sum(a, b, -c)*x", "a=0.1,b=0.2,c=0.3,x=1e300", 0, {"x": 0, "a": 1e300, "c": -1e300}),
    ("3*x - 1", "x=1/3", 0, {"x": 3}),
    ("x*7 - y", "x=0.1+0.2,y=2.1", 0, {"x": 7, "y": -1}),
    ("(w*x - t)^2", "w=0.1,x=3,t=0.3", 0, {"w": 0, "x": 0, "t": 0}),
    ("max(a + b, c)", "a=0.1,b=0.2,c=0.3", 0.3, {"a": 0.5, "b": 0.5, "c": 0.5}),
    ("max(a, b, c)", "a=0.1*3,b=0.3,c=0.1+0.2", 0.3, {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}),
    ("if(a + b == c, x, 10 - x)", "a=0.1,b=0.2,c=0.3,x=5", 5, {"x": 1, "a": 0}),
    ("relu(w*x - t)", "w=0.1,x=3,t=0.3", 0, {"w": 0}),
    ("x - y", "x=0.30000000000000000000001,y=0.3", 1e-23, {"x": 1}),
    ("x - y", "x=12345678901234567890123,y=12345678901234567890122", 1, {"x": 1}),
    ("x - 2^60", "x=1152921504606846977", 1, {"x": 1}),
    ("leaky_relu(x)*100 + 1", "x=-1", 0, {"x": 1}),
)


@pytest.mark.parametrize(("program", "at", "value", "gradients"), EXACT)
def test_what_decimals_give_is_exact(program, at, value, gradients):
    trace = trace_of(program, *(["--at", at] if at else []))
    assert trace["value"] == value
    for name, gradient in gradients.items():
        assert trace["gradients"][name] == pytest.approx(gradient, rel=1e-15)
    assert trace["flags"] == []
    assert not any("taken as equal" in note["message"] for note in trace["notes"])


@pytest.mark.parametrize(
    ("program", "at", "message"),
    [
        ("1/(a + b - c)", "a=0.1,b=0.2,c=0.3", "division by zero"),
        ("log(x - 0.3)", "x=0.1*3", "log of zero"),
        ("x*1e-400", "x=1", "too small a number"),
        ("x + 1e999999999", "x=1", "too large a number"),
        ("x^2^2^2^2^2^2^2^2", "x=1.1", "too large"),
    ],
)
def test_what_has_no_value_is_refused_as_just_that(program, at, message):
    code, out, err = call("eval", program, "--at", at)
    assert (code, out) == (1, "")
    assert message in err


NEIGHBOUR = "0.1000000000000000055511151231257827"
"""Another decimal than 0.1, whose nearest float is the same."""

APART = 5.5511151231257827e-18


@pytest.mark.parametrize(
    ("program", "value", "slope"),
    [
        (f"{NEIGHBOUR}*x - 0.1*x", APART, APART),
        (f"sin({NEIGHBOUR}*x) - sin(0.1*x)", APART * math.cos(0.1), APART * (math.cos(0.1) - 0.1 * math.sin(0.1))),
        (f"max({NEIGHBOUR}*x, 0.1*x)/{NEIGHBOUR}", 1.0, 1.0),
        (f"if(x*{NEIGHBOUR} == 0.1*x, 1, 2*x)", 2.0, 2.0),
    ],
)  # fmt: skip
def test_two_decimals_of_one_nearest_float_differ(program, value, slope):
    trace = trace_of(program, "--at", "x=1")
    assert trace["value"] == pytest.approx(value, rel=1e-14, abs=0)
    assert trace["gradients"]["x"] == pytest.approx(slope, rel=1e-14, abs=0)
    assert not [note for note in trace["notes"] if note["kind"] in ("tie", "boundary")]


@pytest.mark.parametrize("power", [10, 20, 30, 40])
def test_thirty_squarings_do_not_hang(power):
    program = "; ".join(["y0 = x", *(f"y{k + 1} = y{k}*y{k}" for k in range(power))])
    trace = trace_of(f"{program}; y{power} - y{power} + x", "--at", "x=1.0000000001")
    assert trace["value"] == 1.0000000001


def test_a_point_keeps_its_numbers_through_json(tmp_path):
    at = "x=1/3,y=0.30000000000000000000001,z=0.1"
    trace = trace_of("x + y*z", "--at", at)
    assert trace["exact"] == {"x": "1/3", "y": "0.30000000000000000000001"}
    assert trace["at"] == {"x": 1 / 3, "y": 0.3, "z": 0.1}
    file = tmp_path / "point.json"
    file.write_text(json.dumps(trace))
    again = trace_of("3*x - 1 + (y - 0.3)*1e23 + (z*10 - 1)", "--at", f"@{file}")
    assert again["value"] == 1
    assert trace_of("3*x - 1", "--at", "x=1/3")["exact"] == {"x": "1/3"}
    assert "exact" not in trace_of("x", "--at", "x=0.1")


@pytest.mark.parametrize("text", ['{"x": 0.1, "y": 0.2}', '{"x": 1e-1, "y": 2e-1}'])
def test_json_holds_decimals(tmp_path, text):
    file = tmp_path / "point.json"
    file.write_text(text)
    assert trace_of("x + y - 0.3", "--at", f"@{file}")["value"] == 0


def test_a_claim_is_a_decimal():
    assert call("check", "0.1*x", "--at", "x=3", "--claim", "x=0.1")[0] == 0


def test_of_pythons_numbers():
    sum_of = bp.Program("x + y - 0.3")
    for tenth, fifth in ((0.1, 0.2), ("0.1", "2e-1"), (Decimal("0.1"), Fraction(1, 5))):
        assert sum_of.at(x=tenth, y=fifth).value == 0
    held = sum_of.at(x=np.float64(0.1), y=np.float64(0.2)).value
    exact = Fraction(0.1) + Fraction(0.2) - Fraction(3, 10)
    assert held == pytest.approx(float(exact), rel=1e-12)
    assert sum_of.at(x=np.float32(0.5), y=-0.2).value == 0
    assert sum_of.at(x=10**30, y=-(10**30)).value == -0.3


@pytest.mark.parametrize("value", ["x", "1/3", "1_000", "٣", "nan", "1e999", "1e-999", " 1"])
def test_a_text_that_is_no_decimal_is_refused(value):
    with pytest.raises(bp.BackpropError):
        bp.Program("x").at(x=value)


decimals = st.builds(
    "{}{}.{}e{}".format,
    st.sampled_from(["", "-"]),
    st.integers(0, 10**20),
    st.integers(0, 10**6),
    st.integers(-250, 250),
)


@settings(max_examples=often(200, 1000))
@given(decimals)
def test_a_literal_is_its_number(text):
    value = literal(text)
    exact = Fraction(text)
    assert fraction(value) == exact
    assert float(value) == float(text)
    assert Fraction(printed(value)) == exact
    assert fraction(-value) == -exact
    assert fraction(pickle.loads(pickle.dumps(value))) == exact
    if isinstance(value, Nearest):
        assert (value.rest == 0) == (Fraction(float(value)) == exact)
        rest = exact - Fraction(float(value))
        assert abs(Fraction(value.rest) - rest) <= abs(rest) * Fraction(2) ** -52 + Fraction(5e-324)


@settings(max_examples=often(200, 1000))
@given(decimals.filter(lambda text: text[0] != "-"))
def test_a_program_keeps_its_decimals(text):
    again = program_text(parse(f"x*{text} + 1"))
    assert Fraction(again.removeprefix("x*").removesuffix(" + 1")) == Fraction(text)


@settings(max_examples=often(100, 500))
@given(st.lists(decimals, min_size=2, max_size=4), st.sampled_from(["+", "-", "*"]))
def test_sums_and_products_are_those_of_quotients(texts, sign):
    program = f" {sign} ".join(f"({text})" for text in texts)
    exact = Fraction(texts[0])
    for text in texts[1:]:
        exact = {"+": exact.__add__, "-": exact.__sub__, "*": exact.__mul__}[sign](Fraction(text))
    if exact == 0 or 1e-300 < abs(exact) < 1e300:
        assert bp.Program(program).at().value == pytest.approx(float(exact), rel=1e-12, abs=0)


def test_very_long_decimals():
    digits = "0." + "123456789" * often(2000, 5000)
    assert fraction(literal(digits)) == Fraction(Decimal(digits))
    assert trace_of(f"x - {digits}", "--at", f"x={digits}")["value"] == 0
    assert nearest(10**400, 10**399) == 10


@pytest.mark.parametrize(
    ("number", "decimals", "text"),
    [
        (0.19661193324148185, 2, "0.20"), (1.3678794411714423, 2, "1.37"), (-3.0, 2, "-3.00"),
        (-0.001, 2, "0.00"), (0.0, 0, "0"), (2.5, 0, "2"), (3.5, 0, "4"), (-0.0, 1, "0.0"),
        (999999.996, 2, "1000000.00"), (1e300, 2, "1e+300"), (-4.24e-18, 2, "0.00"),
        (Wide("finite", -1, "272637", 347), 2, "-2.72637e+347"),
        (Wide("finite", 1, "272637", -347), 3, "0.000"),
        (Wide("finite", 1, "15", 10**18), 2, "10^1.00000e+18"), (Wide("finite", 1, "15", 0), 3, "1.500"),
        (Wide("infinite", -1), 2, "-infinite"),
    ],
)  # fmt: skip
def test_decimals_that_are_always_shown(number, decimals, text):
    assert decimal(number, Decimals(decimals)) == text


@given(st.floats(-1e12, 1e12), st.integers(0, 12))
def test_decimals_are_those_of_the_exact_number(number, places):
    text = decimal(number, Decimals(places))
    assert abs(Fraction(text) - Fraction(number)) <= Fraction(1, 2 * 10**places)
    assert len(text.partition(".")[2]) == places
    assert not re.fullmatch(r"-[0.]*", text)


@pytest.mark.parametrize("command", ["eval", "graph", "explain"])
def test_decimals_of_what_is_shown(command):
    given = [command, "x/y", "--at", "x=1,y=3", "--decimals", "2"]
    code, out, _ = call(*given)
    assert code == 0
    numbers = re.findall(r"(?<![\w.])-?\d+\.\d+", out)
    assert {"0.33", "-0.11"} <= set(numbers)
    assert all(re.fullmatch(r"-?\d+\.\d\d", number) for number in numbers)
    code, _, err = call(*given[:-1], "18")
    assert code == 2
    assert "--decimals takes 0 to 17 decimals, not 18" in err


def test_the_document_keeps_its_digits():
    given = ["graph", "x/y", "--at", "x=1,y=3", "--json"]
    assert call(*given) == call(*given, "--decimals", "2")


def test_digits_and_decimals_of_the_library():
    trace = bp.Program("x/y").at(x=1, y=3, decimals=2)
    assert str(trace).startswith("x/y = 0.33")
    assert str(pickle.loads(pickle.dumps(trace))) == str(trace)
    with pytest.raises(bp.BackpropError, match="digits and decimals are two ways"):
        bp.Program("x/y").at(x=1, y=3, decimals=2, digits=3)
