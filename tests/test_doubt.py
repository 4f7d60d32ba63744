"""What digits cannot carry: right, or refused by name, and never a guess; one by one and over columns."""

import math

import numpy as np
import pytest

from tests.support import BackpropError, Program, traced

RIGHT = [
    ("y = 1 - cos(x); x^4/(y*y)", {"x": 1e-9}, 4.0),
    ("1/((exp(a) - 1)*(exp(b) - 1))", {"a": 1e-20, "b": 1e-20}, 1e40),
    ("log((1 - cos(x))*(1 - cos(x)))", {"x": 1e-9}, 2 * math.log(5e-19)),
    ("sqrt((exp(a) - 1)*(exp(b) - 1) - 1e-50)", {"a": 1e-20, "b": 1e-20}, 1e-20 * math.sqrt(1 - 1e-10)),
    ("1/hypot(exp(a) - 1, exp(b) - 1)", {"a": 1e-20, "b": 1e-20}, math.sqrt(0.5) * 1e20),
    ("(exp(a) - 1)^-2", {"a": 1e-20}, 1e40),
    ("x/abs(exp(x) - 1)", {"x": -1e-30}, -1.0),
    ("z + k*(1 - cos(t))^2", {"z": 1.0, "t": 1e-9, "k": 1e36}, 1.25),
    ("w*x - y + k*(1 - cos(t))*(1 - cos(t))", {"w": 1.0, "x": 2.0, "y": 4.0, "t": 1e-9, "k": 1e36}, -1.75),
    ("z + (exp(a) - 1)^3*1e60", {"a": 1e-20, "z": 1.0}, 2.0),
    ("z + ((exp(a) - 1)*c)*((exp(b) - 1)*c)*1e40", {"a": 1e-20, "b": 1e-20, "c": 1.0, "z": 1.0}, 2.0),
    ("1/(sigmoid(x) - 0.5)^4", {"x": 1e-17}, 2.56e70),
    ("hypot(1e30*(exp(a) - 1), 1e30*(exp(b) - 1))", {"a": 1e-30, "b": 1e-30}, math.sqrt(2)),
    ("cosh(1e8*(exp(a) - 1)) - 1", {"a": 1e-18}, 5e-21),
    ("(1 - cos(x))/x^2", {"x": 1e-15}, 0.5),
    ("exp(x) - 1", {"x": 1e-40}, 1e-40),
    ("sigmoid(sin(pi))*x + (sin(pi) + x)^2", {"x": 1.0}, 1.5),
    ("softplus(sin(pi)) + abs(x)", {"x": 1.0}, 1 + math.log(2)),
    ("(x/x)^y", {"x": 3.0, "y": 2.0}, 1.0),
    ("max(exp(x)*exp(x), exp(2*x), 100)", {"x": 0.3}, 100.0),
    ("clamp(x, hypot(x, 2)/x - 9, hypot(x, 2)/x - 9)", {"x": 0.8}, math.hypot(0.8, 2) / 0.8 - 9),
    ("a = sin(x)*exp(x); b = sin(x)*exp(x); 1/(1 + a - b)", {"x": 0.7}, 1.0),
]  # fmt: skip
"""Programs whose digits cancel on the way, and their values."""


@pytest.mark.parametrize(("program", "at", "value"), RIGHT, ids=[row[0] for row in RIGHT])
def test_what_cancels_is_right_for_one_point_and_for_columns(program, at, value):
    for nodes in (True, False):
        trace = traced(program, at, nodes=nodes)
        assert trace.value == pytest.approx(value, rel=1e-13, abs=0)
        assert not trace.flags
    table = Program(program).map({name: np.array([x, x]) for name, x in at.items()})
    assert table.status.tolist() == ["", ""]
    assert table.value.tolist() == pytest.approx([value] * 2, rel=1e-13, abs=0)
    for name, slope in trace.gradients.items():
        assert table.gradients[name][0] == pytest.approx(slope, rel=1e-13, abs=0)


GRADIENTS = [
    ("exp(x) - x", {"x": 1e-80}, {"x": 1e-80}),
    ("sigmoid(x) + sigmoid(-x) - 1", {"x": 0.3}, {"x": 0.0}),
    ("logsumexp(x + s, y + s) - s", {"x": 0.1, "y": 0.4, "s": 0.7}, {"s": 0.0}),
    ("m = (x + y + z)/3; (x - m)^2 + (y - m)^2 + (z - m)^2", {"x": 0.1, "y": 0.1, "z": 0.1}, {"x": 0.0}),
    ("(w*x - t)^2", {"w": 1.5, "x": 2.5, "t": 3.75}, {"w": 0.0}),
    ("1e200*(sigmoid(x) + sigmoid(-x))", {"x": 0.3}, {"x": 0.0}),
    ("u = exp(-1000)^2; u*exp(log(x)) - u*x", {"x": 3.0}, {"x": 0.0}),
]  # fmt: skip


@pytest.mark.parametrize(("program", "at", "gradients"), GRADIENTS, ids=[row[0] for row in GRADIENTS])  # fmt: skip
def test_gradients_that_are_0_or_nearly(program, at, gradients):
    trace = traced(program, at)
    assert {name: trace.gradients[name] for name in gradients} == gradients


def test_few_digits_multiply_exactly_on_the_way_back():
    """Halves, quarters and whole numbers cancel in plain floats, and nothing wider is asked."""
    trace = traced("p = x*y*1.5; q = y*1.5*x; 3.25*(p - q) + x", {"x": 2.75, "y": 0.625})
    assert trace.gradients == {"x": 1.0, "y": 0.0}
    assert trace.notes == ()


@pytest.mark.parametrize(
    ("program", "at", "bound"),
    [
        ("sigmoid(x) + sigmoid(-x) - 1", {"x": 0.3}, "the value of n5 cannot be told from 0"),
        ("logsumexp(x + s, y + s) - s", {"x": 0.1, "y": 0.4, "s": 0.7}, "the gradient of s cannot be told from 0"),
    ],
)  # fmt: skip
def test_what_is_shown_as_0_has_a_note_with_its_bound(program, at, bound):
    (note,) = traced(program, at, nodes=False).notes
    assert note.message.startswith(bound)
    assert "below 1e-4" in note.message


REFUSED = {
    "y - x + 1/(sin(x)^2 + cos(x)^2 - 1)": "sin(x)^2 + cos(x)^2 - 1 cannot be told from 0: |",
    "d = exp(x)*exp(y) - exp(x + y); log(d)": "d cannot be told from 0: |d| < 1e-192",
    "d = exp(x)*exp(y) - exp(x + y); sqrt(d)": "d cannot be told from 0: |d| < 1e-192",
    "d = exp(x)*exp(y) - exp(x + y); x/d": "d cannot be told from 0: |d| < 1e-192",
    "d = exp(x)*exp(y) - exp(x + y); d^0.5": "d cannot be told from 0: |d| < 1e-192",
    "if(exp(x)*exp(y) == exp(x + y), x, y)": "exp(x)*exp(y) cannot be told from exp(x + y): |",
    "d = exp(x)*exp(y) - exp(x + y); asin(1 + d)": "1 + d cannot be told from 1: |1 + d - 1| < 1e-192",
    "relu(exp(x)*exp(y) - exp(x + y))": "exp(x)*exp(y) - exp(x + y) cannot be told from 0: |",
    "tan(pi/2)*x + y": "tan(pi/2) cannot be told from a pole of tan",
}


@pytest.mark.parametrize("program", REFUSED)
def test_what_hangs_on_an_unknown_sign_is_refused_by_name(program):
    at = {"x": 0.3, "y": 0.7}
    with pytest.raises(BackpropError) as refused:
        traced(program, at)
    assert refused.value.message.startswith(REFUSED[program])
    table = Program(program).map({name: np.array([x]) for name, x in at.items()})
    assert table.status.tolist() == [refused.value.message]
    assert np.isnan(table.value[0])


@pytest.mark.parametrize(
    ("program", "value", "note"),
    [
        ("abs(sin(x) - sin(0.3)) + y", 0.7, "slope -0.955336 from the left and 0.955336 from the right in x"),
        ("max(exp(x/0.3), e*x/0.3) + y", 3.4182818284590453, "slope 9.06094 in x from both sides"),
        ("relu(log(exp(x)) - x) + y", 0.7, "relu has a kink here"),
        ("if(2*sqrt(x)*sqrt(x) > x + 0.3, x, y)", 0.7, "exactly on the boundary"),
        ("sqrt(exp(x)*exp(-x) - 1) + y", 0.7, "could not be decided"),
    ],
)  # fmt: skip
def test_the_same_sums_of_products_are_equal(program, value, note):
    trace = traced(program, {"x": 0.3, "y": 0.7})
    assert trace.value == value
    assert any(note in one.message for one in (*trace.notes, *trace.flags))


def test_a_division_by_the_same_less_itself_is_one_by_zero():
    with pytest.raises(BackpropError, match="division by zero"):
        traced("x/(cbrt(x) - x^(1/3))", {"x": 2.0})


MONSTER = (
    "Qx = abs(y - sqrt(y*y + 1)) - 1/(y + sqrt(y*y + 1));"
    " z = Qx*Qx + (10^-300)^(10000*(y + 1)); if(z == 0, 1, (exp(z) - 1)/z)"
)
"""Kahan's: 1 and 0, and every precision that is tried says 0 and -6907755."""


@pytest.mark.parametrize(
    ("program", "at"),
    [(MONSTER, {"y": 5.376}), ("(exp(x^10) - 1)/x^10", {"x": 1e-250}), ("(1 - cos(x^10))/x^20", {"x": 1e-250})],
)  # fmt: skip
def test_what_is_assumed_to_be_0_is_not_divided_by(program, at):
    with pytest.raises(BackpropError) as refused:
        traced(program, at)
    assert refused.value.kind == "precision"


@pytest.mark.parametrize("precision", [20, 50, 299, 300, 321, 322, 700, 1000])
def test_any_precision_that_may_be_asked_for_is_given(precision):
    trace = traced("sin(x)", {"x": 0.5}, precision=precision)
    assert trace.value.text.startswith("0.479425538604203"[: precision + 2])
    assert len(trace.value.digits) >= precision - 3


def test_results_alone_need_no_certain_nodes():
    """A node of 0 ± 1e-57 beside 5,000 is small enough, unless it is shown itself."""
    terms = " + ".join(f"x*{k % 7 + 1}" for k in range(1300))
    program = f"{terms} + (sigmoid(x) + sigmoid(-x) - 1)"
    trace = traced(program, {"x": 0.3}, nodes=False)
    assert trace.value == pytest.approx(0.3 * sum(k % 7 + 1 for k in range(1300)), rel=1e-15)
    assert trace.notes == ()


@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "logsumexp"])
def test_the_work_grows_with_the_operands(name, monkeypatch):
    """The local gradients of a node with many operands are computed together."""
    from backprop_grammar.numbers.arithmetic import Arithmetic

    count, calls = 600, []
    locals_ = Arithmetic.locals
    monkeypatch.setattr(Arithmetic, "locals", lambda *given: calls.append(1) or locals_(*given))
    at = {f"x{k}": k + 0.5 for k in range(count)}
    trace = traced(f"{name}({', '.join(at)})", at, nodes=False)
    assert sum(trace.gradients.values()) == pytest.approx(count if name == "sum" else 1)
    assert len(calls) <= 3


def test_an_infinite_slope_is_named_as_one():
    trace = traced("x^0.3*y + if(x == 0, 0, x^3*sin(1/x))", {"x": 0.0, "y": 0.0})
    (flag,) = trace.flags
    assert flag.message == "the rules give no number for the gradient of x: the infinite slope of x^y at n1 meets a slope of 0 or its opposite; what the function does here could not be decided"  # fmt: skip
