"""Jacobians and Hessians over arrays, against differences of loops at 60 digits, and as texts."""

# ruff: noqa: N803  a matrix has a capital letter

import json
import pickle
import re
from collections.abc import Callable
from typing import Any

import pytest
from mpmath import mp

import backprop_grammar as bp
from backprop_grammar.arrays.interpret import value
from backprop_grammar.arrays.point import array as array_of
from backprop_grammar.derivatives import matrices
from backprop_grammar.errors import BackpropError
from backprop_grammar.language.parser import parse
from tests.arrays import (
    add,
    all_of,
    each,
    entropy,
    layernorm,
    moved,
    number,
    places,
    softmax,
    squares,
    times,
)
from tests.support import call, schema
from tests.test_arrays import close

Z, W, B = [0.5, -1.0, 2.0], [[0.1, -0.4, 0.3], [1.2, 0.5, -0.7]], [0.2, -0.1]
X = [[0.5, -1.2], [0.8, 0.1], [1.1, 0.9]]
STEP = mp.mpf(10) ** -12


def jacobian(function: Callable[..., Any], point: dict[str, Any], by: str) -> list[list[float]]:
    """Row by row, by central differences."""
    with mp.workdps(60):
        numbers = {name: number(x) for name, x in point.items()}
        columns = []
        for place in places(numbers[by]):
            up, down = (
                all_of(function(**numbers | {by: moved(numbers[by], place, sign * STEP)}))
                for sign in (1, -1)
            )
            columns.append([float((a - b) / (2 * STEP)) for a, b in zip(up, down, strict=True)])
        return [list(row) for row in zip(*columns, strict=True)]


def tanh(z: Any) -> Any:
    return each(mp.tanh, z)


JACOBIANS: list[tuple[str, dict[str, Any], str, str, Callable[..., Any], str, int]] = [
    # the program, its point, of what, by what, the loops, the text, how many numbers are always 0
    ("p = softmax(z); p", {"z": Z}, "p", "z", lambda z: softmax(z), "diag(p) - p @ p.T", 0),
    ("p = W @ z; p", {"W": W, "z": Z}, "p", "z", lambda W, z: times(W, z), "W", 0),
    ("p = W @ z; p", {"W": W, "z": Z}, "p", "W", lambda W, z: times(W, z), "", 6),
    ("e = exp(z); p = W @ e; p", {"W": W, "z": Z}, "p", "z", lambda W, z: times(W, each(mp.exp, z)), "W @ diag(e)", 0),
    ("p = z @ V; p", {"z": Z, "V": X}, "p", "z", lambda z, V: times(z, V), "V.T", 0),
    ("p = tanh(z); p", {"z": Z}, "p", "z", tanh, "diag(1 - p^2)", 6),
    ("p = -3*z; p", {"z": Z}, "p", "z", lambda z: each(lambda x: -3 * x, z), "-3*eye(3)", 6),
    ("p = z; p + 1", {"z": Z}, "p", "z", lambda z: z, "eye(3)", 6),
    ("p = z^2; h = W @ p; sum(h)", {"W": W, "z": Z}, "h", "z",
        lambda W, z: times(W, each(lambda x: x * x, z)), "W @ diag(2*z)", 0),
    ("h = W @ z + b; p = softmax(h); -log(p[0])", {"W": W, "b": B, "z": Z}, "p", "z",
        lambda W, b, z: softmax(add(times(W, z), b)), "(diag(p) - p @ p.T) @ W", 0),
    ("q = logsoftmax(z); sum(q)", {"z": Z}, "q", "z", lambda z: each(mp.log, softmax(z)), "eye(size(z)) - exp(q)", 0),
    ("p = c*z; p", {"c": 2.5, "z": Z}, "p", "z", lambda c, z: each(lambda x: c * x, z), "c*eye(3)", 6),
    ("p = c*z; p", {"c": 2.5, "z": Z}, "p", "c", lambda c, z: each(lambda x: c * x, z), "", 0),
    ("p = z*z; p", {"z": Z}, "p", "z", lambda z: each(lambda x: x * x, z), "", 6),
    ("p = z/norm(z); p", {"z": Z}, "p", "z",
        lambda z: each(lambda x: x / mp.sqrt(sum(y * y for y in z)), z), "", 0),
    ("h = layernorm(X, 1, 0); h", {"X": [Z]}, "h", "X",
        lambda X: layernorm(X, [1, 1, 1], [0, 0, 0]), "", 0),
    ("p = flip(z[1:]); p", {"z": Z}, "p", "z", lambda z: [z[2], z[1]], "", 4),
    ("p = X.T; sum(p)", {"X": X}, "p", "X", lambda X: [list(row) for row in zip(*X, strict=True)], "", 30),
    ("s = sum(z); s^2", {"z": Z}, "s", "z", lambda z: sum(z), "", 0),
    ("q = x^2; q*y", {"x": 3.0, "y": 2.0}, "q", "x", lambda x, y: x * x, "", 0),
]  # fmt: skip


@pytest.mark.parametrize("case", JACOBIANS, ids=lambda case: f"{case[0]} by {case[3]}")
def test_jacobians(case):
    program, point, of, by, function, text, zeros = case
    values = {name: array_of(x, name) if isinstance(x, list) else x for name, x in point.items()}
    found = matrices.jacobian(parse(program), values, of, by)
    right = jacobian(function, point, by)
    numbers = [list(row) for row in found.numbers]
    assert close(numbers, right, 1e-11)
    assert (found.text, found.zeros) == (text, zeros)
    vanish = sum(x == 0 for row in numbers for x in row)
    assert vanish >= zeros
    assert len(found.rows) == len(right)
    assert len(found.columns) == len(right[0])
    if text:  # it is a program that says the same
        whole = parse(f"{program.rpartition('; ')[0]}; {text}")
        assert close(value(whole, values).floats, numbers, 1e-11)


def hessian(function: Callable[..., Any], point: dict[str, Any], names: list[str]) -> Any:
    """By central differences twice."""
    with mp.workdps(60):
        numbers = {name: number(x) for name, x in point.items()}
        spots = [(name, place) for name in names for place in places(numbers[name])]

        def value(*steps: tuple[tuple[str, Any], int]) -> Any:
            given = dict(numbers)
            for (name, place), sign in steps:
                given[name] = moved(given[name], place, sign * STEP)
            return function(**given)

        return [
            [
                float(
                    sum(i * j * value((a, i), (b, j)) for i in (1, -1) for j in (1, -1))
                    / (4 * STEP * STEP)
                )
                for b in spots
            ]
            for a in spots
        ]


HESSIANS: list[tuple[str, dict[str, Any], list[str], Callable[..., Any]]] = [
    # the program, its point, by what, the loops
    ("sum((W @ z)^2)", {"W": W, "z": Z}, ["W", "z"], lambda W, z: squares(times(W, z))),
    ("cross_entropy(X @ W, y)", {"X": X, "W": W, "y": [2, 0, 1]}, ["W"],
        lambda X, W, y: entropy(times(X, W), [2, 0, 1])),
    ("h = tanh(W @ z); sum(h^2)", {"W": W, "z": Z}, ["W"], lambda W, z: squares(tanh(times(W, z)))),
    ("z.T @ A @ z/2", {"A": [[2, 1], [3, 4]], "z": [1.0, -2.0]}, ["z"],
        lambda A, z: sum(x * y for x, y in zip(z, times(A, z), strict=True)) / 2),
    ("norm(z)", {"z": Z}, ["z"], lambda z: mp.sqrt(squares(z))),
    ("x^2*y", {"x": 3.0, "y": 2.0}, ["x", "y"], lambda x, y: x * x * y),
]  # fmt: skip


@pytest.mark.parametrize("case", HESSIANS, ids=lambda case: case[0])
def test_hessians(case):
    program, point, names, function = case
    found = bp.Program(program).at(point).hessian(*names)
    right = hessian(function, point, names)
    assert close(found.numbers, right, 1e-9)
    assert found.numbers == [list(row) for row in zip(*found.numbers, strict=True)]
    assert found.rows == found.columns
    document = json.loads(found.json())
    schema("matrix").validate(document)
    assert document["numbers"] == found.numbers
    assert pickle.loads(pickle.dumps(found)).numbers == found.numbers


def text_of(value: Any) -> str:
    return json.dumps(value) if isinstance(value, list) else str(value)


def command(*args: str, at: dict[str, Any] | None = None) -> tuple[int, str, str]:
    given = [] if at is None else ["--at", ",".join(f"{k}={text_of(x)}" for k, x in at.items())]
    return call("derive", *args, *given)


def test_the_hessian_of_the_command():
    case = HESSIANS[0]
    code, out, err = command(case[0], "--hessian", "--json", at=case[1])
    assert (code, err) == (0, "")
    assert json.loads(out)["numbers"] == bp.Program(case[0]).at(case[1]).hessian().numbers
    code, out, _ = command(case[0], "--hessian", "--wrt", "z", at=case[1])
    assert code == 0
    assert re.match(r"Hessian of n\d+ by z, 3x3\n", out)
    _, out, _ = command(case[0], "--hessian", "--wrt", "W[0,1],z", "--get", "rows", at=case[1])
    assert json.loads(out) == ["W[0,1]", "z[0]", "z[1]", "z[2]"]


def test_a_hessian_of_numbers_is_what_it_was():
    code, out, _ = call("derive", "x^2*y", "--hessian", "--at", "x=1,y=2")
    assert (code, out.splitlines()[0]) == (0, "Hessian of f  x  y")
    assert json.loads(call("derive", "x^2*y", "--hessian", "--at", "x=1,y=2", "--json")[1])["format"] == "backprop-derive/1"  # fmt: skip


REFUSED = (
    # arguments, the point, what is said
    (["sum(z^2)", "--hessian"], {"z": [0.1] * 101}, "the Hessian is by 101 variables, and 100 are the limit"),
    (["p = softmax(z); p", "--jacobian", "p"], {"z": Z}, "--jacobian takes two names"),
    (["p = softmax(z); p", "--jacobian", "p,z,q"], {"z": Z}, "--jacobian takes two names"),
    (["p = softmax(z); p", "--jacobian", "q,z"], {"z": Z}, "no node"),
    (["p = softmax(z); p", "--jacobian", "p,z"], None, "no value for z"),
    (["p = softmax(z); p", "--jacobian", "p,z", "--order", "2"], {"z": Z}, "different questions"),
    (["p = softmax(z); sum(p)", "--hessian", "--jacobian", "p,z"], {"z": Z}, "different questions"),
    (["p = softmax(z); p", "--jacobian", "p,z", "--wrt", "z"], {"z": Z}, "leave out --wrt"),
    (["p = softmax(z); p", "--jacobian", "p,z", "--format", "numpy"], {"z": Z}, "a jacobian is no code"),
    (["-log(softmax(z)[y])", "--hessian", "--wrt", "y"], {"z": Z, "y": 1}, "y selects elements"),
    (["p = z[y]*z; p", "--jacobian", "p,y"], {"z": Z, "y": 1}, "y selects elements"),
    (["h = z^2; sum(h)", "--hessian", "--wrt", "h"], {"z": Z}, "h is no variable"),
    (["W: NxD; p = W @ z; p", "--jacobian", "p,W"], None, ""),
    (["softmax(z)", "--hessian"], {"z": Z}, "the output is 3, not a number"),
)  # fmt: skip


@pytest.mark.parametrize(("args", "point", "said"), REFUSED, ids=lambda x: " ".join(x) if isinstance(x, list) else "")  # fmt: skip
def test_what_is_refused(args, point, said):
    code, out, err = command(*args, at=point)
    assert (code, out) == (1 if code == 1 else 2, ""), err
    assert said in err
    assert "Traceback" not in err


def test_a_large_one_is_told_without_its_numbers():
    code, out, err = command("p = tanh(z); p", "--jacobian", "p,z", at={"z": [0.5] * 21})
    assert (code, err) == (0, "")
    assert out == (
        "Jacobian of p by z, 21x21\n"
        "numerator layout: rows are the elements of p, columns those of z\n"
        "420 of its 441 numbers are 0 at every point (95.2 %)\n"
        "the numbers are not computed: there are more than 400\n\n"
        "dp/dz = diag(1 - p^2)\n"
    )
    document = json.loads(command("p = tanh(z); p", "--jacobian", "p,z", "--json", at={"z": [0.5] * 21})[1])  # fmt: skip
    schema("matrix").validate(document)
    assert "numbers" not in document
    assert (document["zeros"], len(document["rows"])) == (420, 21)


def test_without_a_point_shapes_are_as_declared():
    code, out, err = call("derive", "W: 3x4; z: 4; p = softmax(W @ z); p", "--jacobian", "p,z")
    assert (code, err) == (0, "")
    assert "Jacobian of p by z, 3x4\n" in out
    assert "no point is given" in out
    assert "dp/dz = (diag(p) - p @ p.T) @ W" in out


def test_no_number_is_flagged():
    code, out, err = command("norm(z)", "--hessian", "--json", at={"z": [0, 0]})
    document = json.loads(out)
    schema("matrix").validate(document)
    assert code == 3
    assert document["numbers"] == [[None, None], [None, None]]
    assert len(document["flags"]) == 3
    assert "flag:" in err
    code, out, err = command("p = relu(z); p", "--jacobian", "p,z", at={"z": [0, 1]})
    assert code == 0
    assert "kink" in err


def test_latex_is_a_pmatrix():
    code, out, _ = command("p = softmax(z); p", "--jacobian", "p,z", "--format", "latex", at={"z": Z})  # fmt: skip
    assert code == 0
    assert r"\frac{\partial p}{\partial z} = \operatorname{diag}" in out
    assert out.count("&") == 6
    wide = command("p = tanh(z); p", "--jacobian", "p,z", "--format", "latex", at={"z": [0.5] * 12})
    assert r"\setcounter{MaxMatrixCols}{12}" in wide[1]


@pytest.mark.parametrize("width", [200, 100, 60, 20])
def test_a_screen_of_any_width(width, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    for args, point in (
        (["p = softmax(W @ z + b); p", "--jacobian", "p,z"], {"W": W, "b": B, "z": Z}),
        (["p = W @ z; p", "--jacobian", "p,W"], {"W": W, "z": Z}),
        (["sum(tanh(X @ V)^2)", "--hessian"], {"X": X, "V": [[1, 2, 3, 4], [0.5, 1, 0.2, -1]]}),
        (["sum(tanh(z)^2)", "--hessian"], {"z": [0.1] * 30}),
    ):
        code, out, err = command(*args, at=point)
        assert code == 0, err
        words = max((len(word) for word in out.split()), default=0)
        assert all(len(line) <= max(width, words + 2) for line in out.splitlines()), out


def test_elements_of_the_document_are_found():
    point = {"z": Z}
    code, out, _ = command("p = softmax(z); p", "--jacobian", "p,z", "--get", "numbers[0][1]", at=point)  # fmt: skip
    assert (code, float(out)) == (0, pytest.approx(-0.006856058306224721))


def test_a_long_way_is_no_recursion():
    program = "; ".join(["h0 = z*1.01", *(f"h{k} = tanh(h{k - 1})" for k in range(1, 400)), "sum(h399)"])  # fmt: skip
    found = matrices.jacobian(parse(program), {"z": array_of([0.5, 1.0], "z")}, "h399", "z")
    assert found.zeros == 2
    assert found.text.count("diag") == 399
    with pytest.raises(BackpropError):
        matrices.jacobian(parse(program), {"z": array_of([0.5, 1.0], "z")}, "h399", "w")
