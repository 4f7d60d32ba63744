"""Arrays of a point: made of constants, drawn at random, read from files and from other libraries."""

import json
import math
import re
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from mpmath import mp

import backprop_grammar as bp
from backprop_grammar.array_answers import ArrayTrace
from backprop_grammar.errors import BackpropError
from backprop_grammar.language.parser import parse
from backprop_grammar.language.printer import program_text
from backprop_grammar.operations.makers import MAKERS, SCALE, bin_end
from tests.support import call, schema


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
    ("reshape(range(6), 2, 3)", [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]),
    ("reshape([1,2,3,4], 2, 2)/10", [[0.1, 0.2], [0.3, 0.4]]),
    ("diag([1, 2])", [[1.0, 0.0], [0.0, 2.0]]),
    ("ones(rows([1,2;3,4]), 2 + 1)", [[1.0] * 3] * 2),
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
    if not re.search(r"\[|sum|np", text):
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
    ("eye(2000)", "this would have 4,000,000 numbers, more than 1,000,000"),
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


# files


def saved(folder: Path, name: str, value: Any) -> str:
    path = folder / name
    if name.endswith(".npy"):
        np.save(path, value, allow_pickle=True)
    elif name.endswith(".npz"):
        np.savez(path, **value)
    elif isinstance(value, bytes):
        path.write_bytes(value)
    else:
        path.write_text(value, encoding="utf-8")
    return str(path)


HELD: tuple[tuple[str, Any, Any], ...] = (
    # the file, what it holds, the array
    ("w.csv", "1,2\n3,4\n", [[1.0, 2.0], [3.0, 4.0]]),
    ("w.csv", "\ufeff# a comment\n\n 1 ; -2.5e-1\r\n3;.5", [[1.0, -0.25], [3.0, 0.5]]),
    ("w.csv", "1\t2\n3\t4", [[1.0, 2.0], [3.0, 4.0]]),
    ("w.txt", "1 2  3", [1.0, 2.0, 3.0]),
    ("w.csv", "1\n0\n2\n", [1.0, 0.0, 2.0]),
    ("w.csv", "0.1", 0.1),
    ("w.csv", '"1","2"', [1.0, 2.0]),
    ("w.json", "[[1, 2.5], [3, 4]]", [[1.0, 2.5], [3.0, 4.0]]),
    ("w.json", "[1]", [1.0]),
    ("w.npy", np.array([[1.5, 2], [3, 4]]), [[1.5, 2.0], [3.0, 4.0]]),
    ("w.npy", np.array([[1, 2], [3, 4]]).T, [[1.0, 3.0], [2.0, 4.0]]),
    ("w.npy", np.asfortranarray([[1.0, 2], [3, 4]]), [[1.0, 2.0], [3.0, 4.0]]),
    ("w.npy", np.array([1.5, 2], dtype=">f8"), [1.5, 2.0]),
    ("w.npy", np.array([1, 2], dtype=">i2"), [1.0, 2.0]),
    ("w.npy", np.array([0.1, 2], dtype="f4"), [float(np.float32(0.1)), 2.0]),
    ("w.npy", np.array([0.1, 2], dtype=">f2"), [float(np.float16(0.1)), 2.0]),
    ("w.npy", np.array([2**63 - 1, 5], dtype="u8"), [2.0**63, 5.0]),
    ("w.npy", np.array([True, False]), [1.0, 0.0]),
    ("w.npy", np.array(0.25), 0.25),
    ("w.npy", np.array([[2.0]]), [[2.0]]),
    ("w.npz", {"x": np.array([1.0, 2.0])}, [1.0, 2.0]),
)


@pytest.mark.parametrize(("name", "held", "right"), HELD, ids=[repr(row[1])[:25] for row in HELD])
def test_files_of_arrays(name, held, right, tmp_path):
    file = saved(tmp_path, name, held)
    assert given(f"@{file}", program="sum(x)" if isinstance(right, list) else "x*1") == right


def test_narrow_numbers_are_widened_with_a_note(tmp_path):
    file = saved(tmp_path, "w.npy", np.array([0.1, 2], dtype="f4"))
    code, out, _ = call("eval", "sum(x)", "--at", f"x=@{file}", "--json")
    assert code == 0
    told = json.loads(out)
    schema("arrays").validate(told)
    assert told["at"]["x"] == [0.10000000149011612, 2.0]
    assert [note["message"] for note in told["notes"]] == [
        f"{file} is of binary32, and each number is taken as it is held: 0.1 is 0.10000000149"
    ]


def test_an_archive_gives_all_its_arrays(tmp_path):
    file = saved(tmp_path, "all.npz", {"W": np.eye(2), "x": np.array([1, 2]), "b": np.float32(0.5), "more": np.ones(3)})  # fmt: skip
    code, out, _ = call("eval", "sum(W @ x + b)", "--at", f"@{file}", "--json")
    assert code == 0
    told = json.loads(out)
    assert told["at"] == {"W": [[1.0, 0.0], [0.0, 1.0]], "x": [1.0, 2.0], "b": 0.5}
    assert any("does not use more of the point" in note["message"] for note in told["notes"])
    assert any("b of " in note["message"] for note in told["notes"])
    assert "W is given twice" in refused("sum(W)", "--at", f"@{file}", "--at", "W=[1]")
    assert "holds 4 arrays" in refused("sum(W)", "--at", f"W=@{file}")


class Evil:
    def __reduce__(self):
        return print, ("never",)


BROKEN: tuple[tuple[str, Any, str], ...] = (
    # the file, what it holds, what is said
    ("w.csv", "a,b\n1,2\n", "begins with a header, a,b"),
    ("w.csv", "x0 x1\n1 2\n", "begins with a header"),
    ("w.csv", "1,2\n3", "has 1 number in line 2, and 2 in line 1"),
    ("w.csv", "1,\n3,4", "has an empty cell in line 1"),
    ("w.csv", "1,2\n3,nan", "has nan, which is no finite number in line 2"),
    ("w.csv", "1,2\n3,inf", "has inf, which is no finite number"),
    ("w.csv", "0,5;1,5", "has 0,5, which is no finite number"),
    ("w.csv", "1e999,2", "has 1e999, which is no finite number"),
    ("w.csv", "", "holds no numbers"),
    ("w.csv", b"\xff\xfe\x00", "is not UTF-8 text"),
    ("w.json", "[[1, 2], [3]]", "row 2 has 1 number, row 1 has 2"),
    ("w.json", "[[[1]]]", "has three axes"),
    ("w.json", "[]", "is empty"),
    ("w.json", "[1, true]", "of type bool"),
    ("w.json", "[1, null]", "no number"),
    ("w.json", "[1, 1e999]", "not finite"),
    ("w.json", "[NaN]", "holds NaN"),
    ("w.json", '{"x": [1]}', "holds an object, and one array is meant"),
    ("w.json", "[1, 2", "is not JSON"),
    ("w.npy", np.array([1, None, Evil()], dtype=object), "holds objects of Python"),
    ("w.npy", np.array([1j]), "holds complex numbers"),
    ("w.npy", np.array(["a"]), "holds the type <U1"),
    ("w.npy", np.zeros(2, dtype=[("a", "f8")]), "holds the type"),
    ("w.npy", np.zeros((2, 2, 2)), "has 3 axes, 2x2x2"),
    ("w.npy", np.zeros((0, 3)), "is empty: its shape is 0x3"),
    ("w.npy", np.zeros(0), "is empty"),
    ("w.npy", np.array([1, np.nan]), "not finite"),
    ("w.npy", np.array([[1, np.inf]], dtype="f4"), "not finite"),
    ("w.npz", {"x": np.array([Evil()], dtype=object)}, "holds objects of Python"),
    ("w.npz", {}, "holds no array"),
)


@pytest.mark.parametrize(
    ("name", "held", "says"), BROKEN, ids=[repr(row[1])[:25] for row in BROKEN]
)
def test_what_no_array_can_be_read_from(name, held, says, tmp_path):
    file = saved(tmp_path, name, held)
    text = refused("sum(x)", "--at", f"x=@{file}")
    assert says in text
    assert "w." in text


def raw(header: bytes, data: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data


BYTES = (
    b"", b"\x93NUMPY", b"\x93NUMPY\x09\x00abc", b"PK\x03\x04 not a zip", b"\x80\x04\x95 a pickle",
    raw(b"{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\n", b"12345678"),
    raw(b"{'descr': '<f8', 'fortran_order': False, 'shape': (10**12,), }\n"),
    raw(b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }\n"),
    raw(b"{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }\n", b"12345678"),
    raw(b"__import__('os').system('false')\n"), raw(b"{" * 5_000), raw(b"[" * 60_000),
)  # fmt: skip


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
@pytest.mark.parametrize("data", BYTES, ids=lambda data: repr(data[:30]))
def test_broken_files_are_refused_in_a_paragraph(data, suffix, tmp_path):
    file = saved(tmp_path, "w.bin", data)
    path = Path(file).rename(tmp_path / f"w{suffix}")
    assert str(path) in refused("sum(x)", "--at", f"x=@{path}")
    assert str(path) in refused("sum(x)", "--at", f"@{path}")


def test_an_archive_that_is_cut_off(tmp_path):
    file = saved(tmp_path, "w.npz", {"x": np.arange(100.0)})
    data = Path(file).read_bytes()
    for length in range(0, len(data), 40):
        Path(file).write_bytes(data[:length])
        assert file in refused("sum(x)", "--at", f"x=@{file}")


def test_files_that_are_not_there(tmp_path):
    for name in ("none.csv", "none.npy", "none.npz"):
        assert f"cannot read {tmp_path / name}" in refused(
            "sum(x)", "--at", f"x=@{tmp_path / name}"
        )
    assert "holds one array, which has no name" in refused("sum(x)", "--at", "@w.npy")
    assert "holds one array, which has no name" in refused("sum(x)", "--at", "@w.csv")


def test_without_numpy_the_way_out_is_said(tmp_path, monkeypatch):
    file = saved(tmp_path, "w.npy", np.ones(2))
    monkeypatch.setitem(sys.modules, "numpy", None)
    text = refused("sum(x)", "--at", f"x=@{file}")
    assert "is read with numpy, which is not installed" in text
    assert "pip install 'backprop-cli[data]'" in text
    assert given("[1,2]") == [1.0, 2.0]
    assert given(f"@{saved(tmp_path, 'w.csv', '1,2')}") == [1.0, 2.0]


def test_documents_of_the_tool_are_points(tmp_path):
    code, out, _ = call("eval", "sum(W @ x)", "--at", "W=eye(2),x=linspace(0,1/3,2)", "--json")
    assert code == 0
    assert json.loads(out)["exact"] == {"x[1]": "1/3"}
    file = saved(tmp_path, "t.json", out)
    code, again, _ = call("eval", "sum(W @ x)", "--at", f"@{file}", "--json")
    assert (code, json.loads(again)) == (0, json.loads(out))
    for wrong in (
        {"x[9]": "1"},
        {"W[0]": "1/3"},
        {"W[5,5]": "1/3"},
        {"y[0]": "2"},
        {"x[0]": "a"},
        {"x[0]": 3},
    ):
        file = saved(tmp_path, "t.json", json.dumps({**json.loads(out), "exact": wrong}))
        assert call("eval", "sum(x)", "--at", f"@{file}", "--json")[0] in (0, 1)


def test_standard_input_is_read_once():
    text = refused("-", "--at", "x=@-")
    assert "standard input is read once" in text


@pytest.mark.parametrize("name", ["up.npy", "up.csv", "up.json"])
def test_the_gradient_that_arrives_may_be_in_a_file(name, tmp_path):
    held = {"up.npy": np.array([2.0, -1.0]), "up.csv": "2,-1", "up.json": "[2, -1]"}[name]
    file = saved(tmp_path, name, held)
    at = ("--at", "x=[1,2]", "--get", "gradients.x")
    for upstream in (f"@{file}", "[2,-1]", "range(2)*-3+2"):
        code, out, err = call("eval", "3*x", *at, "--upstream", upstream)
        assert (code, json.loads(out), err) == (0, [6.0, -3.0], "")
    assert call("eval", "3*x", *at, "--upstream", "ones")[1] == "[3.0, 3.0]\n"


# declared shapes


DECLARED: tuple[tuple[str, str, Any], ...] = (
    # the program, the value of W, what is taken or said
    ("W: 3x4; sum(W)", "ones(3,4)", [[1.0] * 4] * 3),
    ("W:2x1;sum(W)", "[1;2]", [[1.0], [2.0]]),
    ("W: NxD; sum(W)", "[1,2]", "W is declared NxD and given as a vector of 2"),
    ("W: 3; sum(W)", "[[1,2,3]]", [1.0, 2.0, 3.0]),
    ("W: 1x3; sum(W)", "[1,2,3]", [[1.0, 2.0, 3.0]]),
    ("W: 1xN; sum(W)", "[1,2,3]", [[1.0, 2.0, 3.0]]),
    ("W: scalar; W*2", "[5]", 5.0),
    ("W: scalar; W*2", "[5,6]", "W is declared scalar and given as a vector of 2"),
    ("W: 3x1; sum(W)", "[1,2,3]", "give a column, such as [[1], [2], [3]], or declare W: 3"),
    ("W: 3x4; sum(W)", "ones(4,3)", "give W.T, or declare W: 4x3"),
    ("W: 2; sum(W)", "1", "W is declared 2 and given as a number"),
    ("W: NxN; sum(W)", "ones(2,3)", "N is 2 in W and 3 in W"),
    ("W: 2x2 = [[1,2],[3,4]]; sum(W)", "[[5,6],[7,8]]", [[5.0, 6.0], [7.0, 8.0]]),
    ("W: 2x2 = [[1,2],[3,4]]; sum(W)", "[5,6]", "W is declared 2x2"),
    ("W: 2x2 = eye(3); sum(W)", "eye(2)", [[1.0, 0.0], [0.0, 1.0]]),
    ("q: 3; q = W + 1; sum(q)", "[1,2]", "q is declared 3 and comes out as 2"),
    ("q: 3 = W + 1; sum(q)", "[1,2]", "q is declared 3 and comes out as 2"),
)


@pytest.mark.parametrize(("program", "value", "found"), DECLARED, ids=[f"{a} {b}" for a, b, _ in DECLARED])  # fmt: skip
def test_declared_shapes_are_held(program, value, found):
    args = (program, "--at", f"W={value}", "--get", "at.W")
    if isinstance(found, str):
        assert found in refused(*args)
    else:
        code, out, err = call("eval", *args)
        assert (code, json.loads(out), err) == (0, found, "")


@pytest.mark.parametrize("program", ["X: NxD; W: DxC; sum(X @ W)", "X: 2x2; W: 2x2; sum(X @ W)"])
def test_declared_and_nothing_given(program):
    text = refused(program)
    assert "no value for X, W" in text
    assert "--at X=...,W=..., or random numbers with --random 1" in text


def test_a_declaration_with_a_value_stands_by_itself():
    program = bp.Program("W: 2x2 = [[1,2],[3,4]]; b: 2 = zeros(2); sum(W + b)")
    assert repr(program) == "W: 2x2 = [[1, 2], [3, 4]]; b: 2 = zeros(2); sum(W + b)"
    assert program.at().gradients == {"W": [[1.0, 1.0], [1.0, 1.0]], "b": [2.0, 2.0]}
    with pytest.raises(BackpropError, match="W is declared 2x3 and given as 2x2"):
        bp.Program("W: 2x3 = [[1,2],[3,4]]; sum(W)").at()


# what Python and other libraries hold


class Quacks:
    """What NumPy takes as an array, and is none."""

    def __init__(self, held: Any) -> None:
        self.held = np.asarray(held)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.held


class Table:
    """A table as pandas has it: its rows are what NumPy sees, and it goes through its columns."""

    ndim = 2

    def __init__(self, held: Any) -> None:
        self.held = np.asarray(held)

    def __iter__(self) -> Any:
        return iter("ab")

    def to_numpy(self) -> Any:
        return self.held


class Tensor:
    """A tensor that has a gradient, as in PyTorch: it is no array before it is detached."""

    def __init__(self, held: Any, leaf: bool = True) -> None:
        self.held, self.leaf = np.asarray(held, dtype="f4"), leaf
        self.ndim, self.shape, self.dtype = self.held.ndim, self.held.shape, "torch.float32"

    def detach(self) -> "Tensor":
        return Tensor(self.held, False)

    def item(self) -> float:
        return float(self.held)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if self.leaf:
            raise RuntimeError("it requires a gradient")
        return self.held


NARROWED = float(np.float32(0.1))

TAKEN: tuple[tuple[Any, Any], ...] = (
    *((np.array([1, 2], dtype=kind), [1.0, 2.0]) for kind in ["i1", "i2", "i4", "i8", "u1", "u8", "f2", "f4", "f8", ">f4", ">i8", "g", "O"]),
    (np.array([True, False]), [1.0, 0.0]),
    (np.array([2**63 - 1, 2**53 + 1]), [2.0**63, 2.0**53]),
    (np.array([0.1], dtype="f4"), [NARROWED]),
    (np.array([Fraction(1, 3), Decimal("0.1"), 2], dtype=object), [1 / 3, 0.1, 2.0]),
    (np.array(["0.1", "2"]), [0.1, 2.0]),
    (np.array([[1, 2], [3, 4]])[:, ::-1], [[2.0, 1.0], [4.0, 3.0]]),
    (np.ma.array([1, 2]), [1.0, 2.0]),
    (np.array(2.5), 2.5), (np.float32(0.1), NARROWED), (np.int8(3), 3.0), (Quacks(3.0), 3.0),
    ((1, 2), [1.0, 2.0]), ([(1, 2), (3, 4)], [[1.0, 2.0], [3.0, 4.0]]), ([np.array([1, 2]), [3, 4]], [[1.0, 2.0], [3.0, 4.0]]),
    ([Decimal("0.1"), Fraction(1, 3), "0.25", np.float32(0.1), np.int8(3), np.array(2.5), 2**70], [0.1, 1 / 3, 0.25, NARROWED, 3.0, 2.5, 2.0**70]),
    (Quacks([1, 2]), [1.0, 2.0]), (Quacks([[1, 2]]), [[1.0, 2.0]]), (Table([[1, 2], [3, 4]]), [[1.0, 2.0], [3.0, 4.0]]),
    (Tensor([0.1, 2]), [NARROWED, 2.0]), ([Tensor(0.1), 2], [NARROWED, 2.0]), (-0.0, 0.0), ([-0.0], [0.0]),
)  # fmt: skip


@pytest.mark.parametrize(("value", "right"), TAKEN, ids=[f"{type(v).__name__} {k}" for k, (v, _) in enumerate(TAKEN)])  # fmt: skip
def test_what_the_library_takes(value, right):
    program = "sum(x)" if isinstance(right, list) else "2*x"
    trace: Any = bp.Program(program).at(x=value)
    found = trace.point if isinstance(trace, ArrayTrace) else trace.record.at
    assert found["x"] == right
    assert "-0.0" not in repr(found["x"])
    again: Any = bp.Program(program).at({"x": value}, upstream=1)
    assert again.value == trace.value


def test_decimals_are_exact_within_arrays():
    """Ten tenths are 1, and three thirds."""
    tenths = bp.Program("sum(x) - 1").at(x=["0.1"] * 10)
    assert tenths.value == 0.0
    thirds = bp.Program("sum(x) - 1").at(x=[Fraction(1, 3)] * 3)
    assert thirds.value == 0.0
    spaced = bp.Program("x = linspace(0, 1, 4); sum(x) - 2").at()
    assert spaced.value == 0.0
    held = bp.Program("sum(x) - 1").at(x=np.array([0.1] * 10))
    assert held.value == pytest.approx(5.55e-17, rel=0.01)


NOT_TAKEN: tuple[tuple[Any, str], ...] = (
    (range(3), "is of type range"), ({1, 2}, "is of type set"), ([True, False], "is of type bool"), ([1, None], "is of type NoneType"),
    (np.array([1j]), "holds complex numbers"), (np.array([]), "is empty"), (np.ones((2, 0)), "is empty"), (np.ones((1, 1, 2)), "has 3 axes"),
    (np.ma.array([1, 2], mask=[0, 1]), "has a mask"), (np.array(["a"]), "is the text 'a'"), (np.array([object()]), "is of type object"),
    (np.array(["2020-01-01"], dtype="M8[D]"), "is of type date"), ([[1, 2], 3], "mixes numbers and rows"), ("[1,2]", "is the text '[1,2]'"),
    ([float("nan")], "not finite"), (np.array([1, np.inf]), "not finite"), (np.array([np.nan], dtype="f2"), "not finite"),
    ([[[]]], "has three axes"), ([[1, 2], (3,)], "row 2 has 1 number, row 1 has 2"), ([10**400], "beyond the largest float"),
    (["1e400"], "beyond the largest float"), ([b"1"], "is of type bytes"), (np.ones((2000, 1000)), "has 2,000,000 elements"),
)  # fmt: skip


@pytest.mark.parametrize(("value", "says"), NOT_TAKEN, ids=[says for _, says in NOT_TAKEN])
def test_what_the_library_does_not_take(value, says):
    with pytest.raises(BackpropError) as caught:
        bp.Program("sum(x)").at(x=value)
    assert says in caught.value.message
    assert "x" in caught.value.message
    assert caught.value.hint
    with pytest.raises(BackpropError):
        bp.Program("2*x").at(x=[1.0, 2.0], upstream=value)


def test_every_maker_is_tried():
    assert {name for name in MAKERS if any(name in text for text, _ in MADE)} == {*MAKERS} - {
        "rand", "randn",
    }  # fmt: skip
    assert re.search("rand", " ".join(MAKERS))


@pytest.mark.parametrize("name", MAKERS)
def test_functions_shows_what_is_made_of_numbers(name):
    code, out, err = call("functions", name)
    assert (code, err) == (0, "")
    assert out.startswith(f"{MAKERS[name].signature}\n{MAKERS[name].doc}")
    assert "n = 2" in out
    schema("functions").validate(json.loads(call("functions", name, "--json")[1]))
