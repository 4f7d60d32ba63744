"""Gradients over arrays as formulas: as a textbook prints them, and right.

Every formula is a program, so it is evaluated as one, at points that nobody chose, and held against
the backward pass over the numbers that the program means.
"""

import json
import random
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import backprop_grammar as bp
from backprop_grammar.errors import BackpropError
from tests.grown_arrays import grown_arrays
from tests.support import call, often, schema

CLASSICS = (
    # program, lines of its formulas
    ("squared length", "W: MxN; x: N; q = W @ x; sum(q^2)", [
        "q = W @ x",
        "df_dq = 2*q",
        "df_dW = df_dq @ x.T",
        "df_dx = W.T @ df_dq",
    ]),
    ("affine", "W: MxN; x: N; b: M; t: M; z = W @ x + b; dot(relu(z), t)", [
        "df_db = if(z > 0, t, 0)",
        "df_dW = df_db @ x.T",
        "df_dx = W.T @ df_db",
        "df_dt = relu(z)",
    ]),
    ("linear regression", "X: NxD; w: D; y: N; b: scalar; r = X @ w + b - y; mean(r^2)", [
        "df_dr = 2*r/rows(X)",
        "df_dw = X.T @ df_dr",
        "df_db = sum(df_dr)",
        "df_dX = df_dr @ w.T",
        "df_dy = -df_dr",
    ]),
    ("softmax regression", "X: NxD; W: DxC; b: C; y: N; z = X @ W + b; cross_entropy(z, y)", [
        "df_dz = (softmax(z) - onehot(y, cols(z)))/rows(z)",
        "df_dW = X.T @ df_dz",
        "df_dX = df_dz @ W.T",
        "df_db = sum(df_dz, axis=0)",
    ]),
    ("softmax", "z: N; t: N; p = softmax(z); dot(p, t)", [
        "p = softmax(z)",
        "df_dz = p*(t - dot(t, p))",
        "df_dt = p",
    ]),
    ("batch norm", "x: NxD; g: D; b: D; t: NxD; sum(t*batchnorm(x, g, b))", [
        "h = batchnorm(x, 1, 0)",
        "t1 = t*h",
        "df_dg = sum(t1, axis=0)",
        "df_db = sum(t, axis=0)",
        "df_dx = g*(t - mean(t, axis=0) - h*mean(t1, axis=0))/sqrt(mean((x - mean(x, axis=0))^2, axis=0) + 1e-05)",
    ]),
    ("attention", "Q: NxD; K: MxD; V: MxC; t: NxC; S = Q @ K.T/sqrt(2); A = softmax(S); sum(t*(A @ V))", [
        "df_dV = A.T @ t",
        "df_dQ = t2 @ K",
        "df_dK = t2.T @ Q",
    ]),
    ("two steps in time", "U: HxH; W: HxD; b: H; x1: D; x2: D; h0: H; t: H; z1 = W @ x1 + U @ h0 + b; h1 = tanh(z1); z2 = W @ x2 + U @ h1 + b; h2 = tanh(z2); dot(t, h2)", [
        "df_dz2 = t*(1 - h2^2)",
        "df_dz1 = (U.T @ df_dz2)*(1 - h1^2)",
        "df_db = df_dz2 + df_dz1",
        "df_dW = df_dz2 @ x2.T + df_dz1 @ x1.T",
        "df_dU = df_dz2 @ h1.T + df_dz1 @ h0.T",
        "df_dh0 = U.T @ df_dz1",
    ]),
)  # fmt: skip

COOKBOOK = (
    # the equation of Petersen, Pedersen: The Matrix Cookbook (2012); program, by what, formula
    ("69", "x: 3; a: 3; x.T @ a", "x", "df_dx = a"),
    ("69, as a dot product", "x: 3; a: 3; dot(a, x)", "x", "df_dx = a"),
    ("70", "a: 3; X: 3x4; b: 4; a.T @ X @ b", "X", "df_dX = a @ b.T"),
    ("71", "a: 3; X: 4x3; b: 4; a.T @ X.T @ b", "X", "df_dX = b @ a.T"),
    ("72", "a: 3; X: 3x3; a.T @ X @ a", "X", "df_dX = a @ a.T"),
    ("72, transposed", "a: 3; X: 3x3; a.T @ X.T @ a", "X", "df_dX = a @ a.T"),
    ("76", "X: 3x4; sum(X)^2", "X", "df_dX = 2*sum(X)*ones(rows(X), cols(X))"),
    ("77", "b: 4; X: 3x4; c: 4; b.T @ X.T @ X @ c", "X", "df_dX = X @ (b @ c.T + c @ b.T)"),
    ("78", "B: 2x3; x: 3; b: 2; C: 2x4; D: 4x3; d: 4; (B @ x + b).T @ C @ (D @ x + d)", "x", "df_dx = D.T @ (C.T @ (B @ x + b)) + B.T @ (C @ (D @ x + d))"),
    ("81", "x: 3; B: 3x3; x.T @ B @ x", "x", "df_dx = (B + B.T) @ x"),
    ("82", "b: 3; X: 4x3; D: 4x4; c: 3; b.T @ X.T @ D @ X @ c", "X", "df_dX = D.T @ (X @ b) @ c.T + D @ (X @ c) @ b.T"),
    ("83", "X: 3x2; b: 2; c: 3; D: 3x3; (X @ b + c).T @ D @ (X @ b + c)", "X", "df_dX = (D + D.T) @ (X @ b + c) @ b.T"),
    ("84", "x: 3; s: 2; A: 3x2; W: 3x3; (x - A @ s).T @ W @ (x - A @ s)", "s", "df_ds = -(A.T @ ((W + W.T) @ (x - A @ s)))"),
    ("85", "x: 3; s: 3; W: 3x3; (x - s).T @ W @ (x - s)", "x", "df_dx = (W + W.T) @ (x - s)"),
    ("86", "x: 3; s: 3; W: 3x3; (x - s).T @ W @ (x - s)", "s", "df_ds = -((W + W.T) @ (x - s))"),
    ("87", "x: 3; s: 2; A: 3x2; W: 3x3; (x - A @ s).T @ W @ (x - A @ s)", "x", "df_dx = (W + W.T) @ (x - A @ s)"),
    ("88", "x: 3; s: 2; A: 3x2; W: 3x3; (x - A @ s).T @ W @ (x - A @ s)", "A", "df_dA = -((W + W.T) @ (x - A @ s) @ s.T)"),
    ("99", "X: 3x3; trace(X)", "X", "df_dX = eye(rows(X))"),
    ("100", "X: 3x4; A: 4x3; trace(X @ A)", "X", "df_dX = A.T"),
    ("101", "A: 3x4; X: 4x5; B: 5x3; trace(A @ X @ B)", "X", "df_dX = (B @ A).T"),
    ("102", "A: 3x4; X: 5x4; B: 5x3; trace(A @ X.T @ B)", "X", "df_dX = B @ A"),
    ("103", "X: 3x4; A: 3x4; trace(X.T @ A)", "X", "df_dX = A"),
    ("104", "A: 3x4; X: 3x4; trace(A @ X.T)", "X", "df_dX = A"),
    ("106", "X: 3x3; trace(X @ X)", "X", "df_dX = 2*X.T"),
    ("107", "X: 3x3; B: 3x3; trace(X @ X @ B)", "X", "df_dX = (X @ B + B @ X).T"),
    ("108", "X: 3x2; B: 3x3; trace(X.T @ B @ X)", "X", "df_dX = (B + B.T) @ X"),
    ("109", "X: 3x2; B: 3x3; trace(B @ X @ X.T)", "X", "df_dX = (B + B.T) @ X"),
    ("110", "X: 3x2; B: 3x3; trace(X @ X.T @ B)", "X", "df_dX = (B + B.T) @ X"),
    ("111", "X: 2x3; B: 3x3; trace(X @ B @ X.T)", "X", "df_dX = X @ (B + B.T)"),
    ("112", "X: 2x3; B: 3x3; trace(B @ X.T @ X)", "X", "df_dX = X @ (B + B.T)"),
    ("113", "X: 2x3; B: 3x3; trace(X.T @ X @ B)", "X", "df_dX = X @ (B + B.T)"),
    ("114", "A: 2x3; X: 3x4; B: 4x3; A2: 4x2; trace(A @ X @ B @ X @ A2)", "X", "df_dX = (A2 @ A @ X @ B + B @ X @ A2 @ A).T"),
    ("115", "X: 3x4; trace(X.T @ X)", "X", "df_dX = 2*X"),
    ("115, the other way", "X: 3x4; trace(X @ X.T)", "X", "df_dX = 2*X"),
    ("116", "B: 4x2; X: 3x4; C: 3x3; trace(B.T @ X.T @ C @ X @ B)", "X", "df_dX = (C + C.T) @ X @ B @ B.T"),
    ("117", "X: 4x2; B: 4x4; C: 2x2; trace(X.T @ B @ X @ C)", "X", "df_dX = B.T @ X @ C.T + B @ X @ C"),
    ("118", "A: 2x3; X: 3x4; B: 4x4; C: 3x2; trace(A @ X @ B @ X.T @ C)", "X", "df_dX = C @ A @ X @ B + A.T @ C.T @ X @ B.T"),
    ("119", "A: 3x2; X: 2x4; B: 4x3; C: 3x3; trace((A @ X @ B + C) @ (A @ X @ B + C).T)", "X", "df_dX = 2*(A.T @ (A @ X @ B + C) @ B.T)"),
    ("121", "X: 3x3; trace(X @ X @ X)", "X", "df_dX = 3*(X @ X).T"),
    ("122", "A: 3x3; X: 3x3; trace(A @ X @ X @ X)", "X", "df_dX = ((A @ X + X @ A) @ X + X @ X @ A).T"),
    ("123", "B: 2x3; X: 2x4; C: 2x2; trace(B.T @ X @ X.T @ C @ X @ X.T @ B)", "X", "t1 = B.T @ X; t2 = C.T @ X @ X.T @ B; t3 = B @ t1 @ X.T @ C.T; df_dX = t2 @ t1 + (t2 @ B.T + t3).T @ X + t3 @ X"),
    ("129", "x: 3; a: 3; norm(x - a)", "x", "n1 = x - a; df_dx = n1/norm(n1)"),
    ("131", "x: 3; norm(x)^2", "x", "df_dx = 2*x"),
    ("132", "X: 3x4; norm(X)^2", "X", "df_dX = 2*X"),
    # what SymPy 1.13 says of itself in sympy/matrices/expressions/tests/test_derivatives.py
    ("120, not supported: of a Kronecker product", "X: 3x3; trace(X)*trace(X)", "X", "df_dX = 2*trace(X)*eye(rows(X))"),
    ("wrong: functions within and around products", "a: 2; A: 2x3; X: 3x4; B: 4x3; b: 3; a.T @ log(A @ sin(X) @ B) @ b", "X",
        "df_dX = (A.T @ (a @ b.T/(A @ sin(X) @ B)) @ B.T)*cos(X)"),
    ("wrong: a function of a function", "a: 3; X: 3x4; b: 4; a.T @ log(sin(X)) @ b", "X", "df_dX = a @ b.T/sin(X)*cos(X)"),
    ("not implemented: a function of a number that is a product", "a: 3; A: 3x2; X: 2x4; b: 4; sum(sin(a.T @ A @ X @ b))", "X",
        "df_dX = cos(a @ A @ X @ b)*(A.T @ a @ b.T)"),
    ("returned as its transpose", "x: 3; y: 3; sin(x).T @ y", "x", "df_dx = y*cos(x)"),
    ("a trace in a trace", "A: 3x3; trace(trace(A)*A)", "A", "df_dA = 2*trace(A)*eye(rows(A))"),
    ("a root of a product", "a: 3; X: 3x4; b: 4; sqrt(a.T @ X @ b)", "X", "df_dX = a @ b.T/(2*sqrt(a @ X @ b))"),
    ("a function in a product", "a: 2; A: 2x3; X: 3x4; B: 4x2; b: 2; a.T @ A @ sin(X) @ B @ b", "X",
        "df_dX = (A.T @ a @ (B @ b).T)*cos(X)"),
    ("element by element", "a: 3; A: 3x4; X: 3x4; B: 3x4; b: 4; a.T @ (A*X*B) @ b", "X", "df_dX = (a @ b.T)*B*A"),
)  # fmt: skip

SECOND = (
    # program, by what, its second derivatives
    ("x: 3; B: 3x3; x.T @ B @ x", "x", ["d2f_dx2 = B + B.T"]),
    ("A: MxN; x: N; b: M; norm(A @ x - b)^2", "x", ["d2f_dx2 = 2*(A.T @ A)"]),
    ("A: MxN; x: N; b: M; norm(A @ x - b)", "x", ["n2 = A @ x - b", "f = norm(n2)", "n4 = A.T @ n2", "d2f_dx2 = A.T @ A/f - n4 @ n4.T/f^3"]),
    ("X: NxD; w: D; y: N; z = X @ w; mean(softplus(z) - y*z)", "w", ["z = X @ w", "n5 = sigmoid(z)", "d2f_dw2 = X.T @ diag(n5*(1 - n5)) @ X/rows(X)"]),
    ("X: NxD; w: D; b: scalar; y: N; z = X @ w + b; mean(softplus(z) - y*z)", "w b",
        ["z = X @ w + b", "n5 = sigmoid(z)", "t1 = n5*(1 - n5)", "d2f_dw2 = X.T @ diag(t1) @ X/rows(X)", "d2f_dw_db = X.T @ t1/rows(X)", "d2f_db2 = mean(t1)"]),
    ("x: N; logsumexp(x)", "x", ["df_dx = softmax(x)", "d2f_dx2 = diag(df_dx) - df_dx @ df_dx.T"]),
    ("z: N; y: scalar; -log(softmax(z)[y])", "z", ["n1 = softmax(z)", "d2f_dz2 = diag(n1) - n1 @ n1.T"]),
    ("X: NxD; W: DxC; b: C; y: N; Z = X @ W + b; cross_entropy(Z, y)", "b",
        ["Z = X @ W + b", "n2 = softmax(Z)", "d2f_db2 = diag(sum(n2, axis=0)[0])/rows(X) - n2.T @ n2/rows(X)"]),
    ("x: M; A: MxN; y: N; x.T @ A @ y", "x y", ["d2f_dx2 = zeros(size(x), size(x))", "d2f_dx_dy = A", "d2f_dy2 = zeros(size(y), size(y))"]),
    ("W: MxN; x: N; t: M; dot(t, tanh(W @ x))", "x", ["n2 = tanh(W @ x)", "d2f_dx2 = -2*(W.T @ diag((1 - n2^2)*(n2*t)) @ W)"]),
    ("X: NxD; m: D; sum((X - m)^2)", "m", ["d2f_dm2 = 2*rows(X)*eye(size(m))"]),
    ("X: NxD; w: D; sum((X*w)^2)", "w", ["d2f_dw2 = 2*diag(sum(X^2, axis=0)[0])"]),
    ("x: 3; sum(x^3)", "x", ["d2f_dx2 = 6*diag(x)"]),
    ("x: 4; sum(relu(x - 1)^3)", "x", []),
    ("x: 3; x[0]*x[1] + x[2]^2", "x", []),
    ("x: 5; sum((x[1:] - x[:4])^2)", "x", []),
    ("x: 3; A: 3x3; x.T @ A @ x/(x.T @ x)", "x", []),
    ("x: 3; A: 3x3; norm(x @ x.T - A)^2", "x", []),
    ("U: 4x3; W: 2x4; x: 3; t: 2; h = tanh(U @ x); norm(W @ h - t)^2", "x t", []),
    ("X: 4x3; w: 3; s: scalar; sum(tanh(s*(X @ w)))", "w s", []),
    ("x: 2; sum(logsoftmax(x.T))", "x", []),
    ("x: 3; W: 2; s = concat(x, W); norm(s)*s[1]", "x", []),
)  # fmt: skip
"""Of those without lines only the numbers are looked at."""


def lines(formula: bp.library.Formula) -> list[str]:
    """The stages of a formula, without shapes and comments."""
    derivative = formula.record.derivative
    return [f"{stage.name} = {derivative.expression(stage)}" for stage in derivative.stages]


def drawn(rng: random.Random, shape: tuple[int, ...]) -> Any:
    if not shape:
        return round(rng.uniform(0.2, 2), 2)
    return [drawn(rng, shape[1:]) for _ in range(shape[0])]


def point(program: bp.Program, rng: random.Random, given: dict[str, Any]) -> dict[str, Any]:
    """Numbers for the variables of a program, of the shapes that it declares."""
    sizes: dict[Any, int] = {}
    found = dict(given)
    for name, shape in program.record.declared.items():
        if name not in given:
            known = (
                n if isinstance(n, int) else sizes.setdefault(n, rng.randint(2, 4)) for n in shape
            )
            found[name] = drawn(rng, tuple(known))
    return found


def flat(value: Any) -> list[Any]:
    return [x for one in value for x in flat(one)] if isinstance(value, list) else [value]


def close(found: Any, right: Any) -> bool:
    """Whether nested lists hold the same numbers, to 1e-11 of the largest; a row may be a vector."""
    a, b = flat(found), flat(right)
    largest = max([1e-3, *(abs(x) for x in b)])
    return len(a) == len(b) and all(
        abs(x - y) <= 1e-11 * largest for x, y in zip(a, b, strict=True)
    )


def held(program: bp.Program, formula: bp.library.Formula, at: dict[str, Any], **more: Any) -> None:
    """Hold what the printed formulas say at a point against the gradients of the program."""
    by = [name for (name,) in formula.record.derivative.results]
    gradients = program.at(at, wrt=by, **more).gradients
    printed = bp.Program(formula.text())
    for (name,), stage in formula.record.derivative.results.items():
        if stage in printed.record.inputs:
            value = printed.record.inputs[stage]
        else:
            used = {one: at[one] for one in printed.record.variables if one in at}
            value = printed.at(used, wrt=stage, output=stage, upstream="ones").value
        assert close(value, gradients[name]), (name, formula.text(), value, gradients[name])


@pytest.mark.parametrize(("program", "expected"), [row[1:] for row in CLASSICS], ids=[row[0] for row in CLASSICS])  # fmt: skip
def test_the_classics_have_the_forms_of_a_textbook(program, expected):
    asked = bp.Program(program)
    formula = asked.derive()
    assert set(expected) <= set(lines(formula)), formula.text()
    rng = random.Random(program)
    at = point(asked, rng, {})
    if "cross_entropy" in program:
        at["y"] = [rng.randrange(len(at["W"][0])) for _ in at["X"]]
    held(asked, formula, at)


@pytest.mark.parametrize(("program", "by", "expected"), [row[1:] for row in COOKBOOK], ids=[row[0] for row in COOKBOOK])  # fmt: skip
def test_the_matrix_cookbook(program, by, expected):
    asked = bp.Program(program)
    formula = asked.derive(by)
    assert "; ".join(lines(formula)) == expected
    held(asked, formula, point(asked, random.Random(program), {}))
    everything = asked.derive()
    held(asked, everything, point(asked, random.Random(by + program), {}))


@pytest.mark.parametrize(("program", "by", "expected"), SECOND, ids=[f"{row[0]} by {row[1]}" for row in SECOND])  # fmt: skip
def test_a_hessian_as_a_formula(program, by, expected):
    asked, names = bp.Program(program), by.split()
    formula = asked.derive(*names, order=2)
    assert not expected or lines(formula) == expected
    rng = random.Random(program)
    at = point(asked, rng, {})
    if "y: N; Z" in program:
        at["y"] = [rng.randrange(len(at["b"])) for _ in at["X"]]
    if "softmax(z)[y]" in program:
        at["y"] = 1
    right = asked.at(at).hessian(*names)
    for (a, b), found in zip(
        formula.record.derivative.results, formula.at(at).numbers.values(), strict=True
    ):
        rows, columns = (
            [k for k, label in enumerate(right.rows) if label.partition("[")[0] == name]
            for name in (a, b)
        )
        assert close(found, [[right.numbers[i][j] for j in columns] for i in rows]), (a, b)


def test_second_derivatives_that_are_no_matrices():
    code, _, err = call("derive", "X: 3x3; trace(X @ X)", "--order", "2")
    assert code == 2 and "by X, a matrix, is no matrix" in err and "--hvp" in err
    code, _, err = call("derive", "x: 3; sum(x^3)", "--order", "3")
    assert code == 2 and "has 3 axes" in err
    code, _, err = call("derive", "x: 3; flip(x)", "--order", "2")
    assert code == 1 and "--upstream" not in err
    code, out, err = call("derive", "x: 3; B: 3x3; x.T @ B @ x", "--hessian")
    assert (code, out) == (0, "B: 3x3\nd2f_dx2 = B + B.T  # 3x3\n")
    assert "d2f_dx_dB, d2f_dB2: no formula" in err


@pytest.mark.parametrize("seed", range(often(40, 2000)))
def test_programs_that_nobody_chose(seed):
    whole = grown_arrays(f"derive:{seed}")
    more = {} if whole.upstream is None else {"upstream": whole.upstream}
    program = bp.Program(whole.text())
    try:
        trace = program.at(whole.at, nodes=False, **more)
    except BackpropError:
        return  # the program itself has no value there
    if not trace.gradients:
        return
    formula = program.derive(at=whole.at, **more)
    notes = [note.message for note in formula.record.notes if note.kind == "formula"]
    assert not any("another number" in note for note in notes), (whole.text(), formula.text())
    for name, found in zip(trace.gradients, formula.numbers.values(), strict=True):
        assert found == trace.gradients[name]


# directions, and what arrives


def test_a_hessian_times_a_direction_is_the_gradient_moved():
    rng = random.Random("hvp")
    for program in (
        "W: 2x3; x: 3; b: 2; h = tanh(W @ x + b); sum(h^3)",
        "X: 4x2; w: 2; y: 4; mean(softplus(-y*(X @ w)))",
        "A: 3x3; x: 3; x.T @ A @ x/(1 + norm(x)^2)",
        "z: 4; t: 4; dot(softmax(z), t)^2 + logsumexp(z*t)",
        "X: 3x2; g: 2; b: 2; sum(batchnorm(X, g, b)^3)",
        "C: 4x2; k: 2x2; sum(conv(C, k)^2) + sum(maxpool(C*C, 2))",
        "W: 3x2; s: scalar; sum(W.T @ W)*s^2",
    ):
        asked = bp.Program(program)
        at = point(asked, rng, {})
        names = list(at)
        formula = asked.derive(along={name: f"v_{name}" for name in names}, second=True)
        direction = {name: drawn(rng, shape_of(at[name])) for name in names}
        step = 1e-5
        ahead, back = (
            asked.at({k: moved(at[k], direction[k], sign * step) for k in at}).gradients
            for sign in (1, -1)
        )
        printed = bp.Program(formula.text())
        given = at | {f"v_{name}": direction[name] for name in names}
        for (name,), stage in formula.record.derivative.results.items():
            if stage in printed.record.inputs:
                value = printed.record.inputs[stage]
            else:
                used = {k: given[k] for k in printed.record.variables}
                value = printed.at(used, wrt=stage, output=stage, upstream="ones").value
            slopes = [
                (x - y) / (2 * step)
                for x, y in zip(flat(ahead[name]), flat(back[name]), strict=True)
            ]
            for x, y in zip(flat(value), slopes, strict=True):
                assert abs(x - y) <= 1e-6 * max(1, *map(abs, slopes)), (
                    program,
                    name,
                    formula.text(),
                )


def shape_of(value: Any) -> tuple[int, ...]:
    return (len(value), *shape_of(value[0])) if isinstance(value, list) else ()


def moved(value: Any, direction: Any, step: float) -> Any:
    if isinstance(value, list):
        return [moved(x, y, step) for x, y in zip(value, direction, strict=True)]
    return value + step * direction


def test_a_direction_is_named_or_given():
    program = "W: 3x4; x: 4; q = W @ x; sum(q^2)"
    _, out, _ = call("derive", program, "--hvp", "x")
    assert "v: 4" in out.splitlines() and "hvp_x = W.T @ t2  # 4" in out.splitlines()
    _, out, _ = call("derive", program, "--jvp", "x=d")
    assert out.splitlines()[-1] == "jvp = 2*dot(W.T @ q, d)"
    _, out, _ = call("derive", "sum(x^3)", "--hvp", "x=[1,2]", "--at", "x=[3,4]")
    assert out == "hvp_x = 6*[1, 2]*x  # [18, 48]\n"
    code, _, err = call("derive", "x: 3; v: 3; sum(x^2*v)", "--hvp", "x")
    assert code == 1
    assert "--hvp x=d" in err


def test_what_arrives_at_an_array():
    program = "X: 2x3; W: 3x4; X @ W"
    code, _, err = call("derive", program)
    assert code == 1 and "--upstream" in err
    _, out, _ = call("derive", program, "--upstream", "up")
    assert out.splitlines()[2:] == ["up: 2x4", "df_dX = up @ W.T  # 2x3", "df_dW = X.T @ up  # 3x4"]
    _, out, _ = call("derive", "W @ x", "--at", "W=[1,2;3,4],x=[1,2]", "--upstream", "[1,3]")
    assert out.splitlines()[1:] == [
        "df_dW = up @ x.T  # [[1, 2], [3, 6]]",
        "df_dx = W.T @ up  # [10, 14]",
    ]
    _, out, _ = call("derive", "W @ x", "--at", "W=[1,2;3,4],x=[1,2]", "--upstream", "ones")
    assert "df_dx = W.T @ ones(rows(W))  # [4, 6]" in out.splitlines()


# shapes


GUESSES = (
    # program without declarations, shapes
    ("sum((W @ x)^2)", "W: MxN; x: N"),
    ("sum(relu(W @ x + b))", "W: MxN; x: N; b: M"),
    ("mean((X @ w + b - y)^2)", "X: MxN; w: N; y: M"),
    ("cross_entropy(X @ W + b, y)", "X: MxN; W: NxK; b: K; y: M"),
    ("x.T @ A @ x", "x: M; A: MxM"),
    ("trace(A @ X @ B)", "A: MxN; X: NxK; B: KxM"),
    ("mean(relu(x))", "x: M"),
    ("W: 3x4; sum((W @ x)^2)", "x: 4"),
)


@pytest.mark.parametrize(("program", "expected"), GUESSES)
def test_shapes_that_nothing_declares_are_guessed_and_said(program, expected):
    formula = bp.Program(program).derive()
    notes = [note.message for note in formula.record.notes]
    assert f"these shapes are guessed: {expected}; declare those that differ" in notes
    assert [line for line in expected.split("; ") if line not in formula.text().splitlines()] == []


def test_what_cannot_be_guessed_is_to_be_declared():
    with pytest.raises(BackpropError, match="array is needed") as caught:
        bp.Program("sum(conv(X, K))").derive()
    assert caught.value.hint == "declare the shapes of X, K, such as X: 3x4, or give a point"
    formula = bp.Program("X: 4x4; K: 2x2; sum(conv(X, K))").derive("K")
    assert lines(formula)[-1] == "df_dK = conv(X, ones(rows(n1), cols(n1)))"


# documents


def test_the_document_says_the_shapes():
    for more in ([], ["--at", "W=[1,2;3,4],x=[1,2]"], ["--hvp", "x"], ["--upstream", "ones"]):
        code, out, _ = call("derive", "q = W @ x; sum(q^2)", *more, "--json")
        found = json.loads(out)
        schema("array_derive").validate(found)
        assert code == 0
        assert found["format"] == "backprop-derive/2"
    _, out, _ = call("derive", "W: NxD; q = W @ x; sum(q^2)", "--json")
    found = json.loads(out)
    assert found["shapes"] == {"W": ["N", "D"], "x": ["D"]}
    assert found["stages"][1] == {"name": "df_dq", "formula": "2*q", "shape": ["N"]}
    _, out, _ = call("derive", "sum(sqrt(x))", "--at", "x=[0,4]", "--json")
    found = json.loads(out)
    assert found["derivatives"][0]["value"] == [None, 0.25]
    assert [flag["path"] for flag in found["flags"]] == ["derivatives.df_dx[0]"]


LATEX = (
    ("W: 3x4; x: 4; q = W @ x; sum(q^2)", r"\frac{\partial f}{\partial W} &= \frac{\partial f}{\partial q}\,{x}^{\top}"),
    ("x: 3; B: 3x3; x.T @ B @ x", r"\frac{\partial f}{\partial x} &= \left(B + {B}^{\top}\right)\,x"),
    ("X: 3x3; trace(X)", r"\frac{\partial f}{\partial X} &= I"),
    ("x: 3; sum(x)", r"\frac{\partial f}{\partial x} &= \mathbf{1}"),
    ("A: 3x4; B: 4x5; x: 5; t: 3; dot(A @ (B @ x), t)", r"\frac{\partial f}{\partial A} &= t\,{n_{1}}^{\top}"),
)  # fmt: skip


def test_formulas_as_latex(tmp_path):
    whole = []
    for program, line in LATEX:
        text = bp.Program(program).derive().latex()
        assert line in [one.removesuffix(" \\\\") for one in text.splitlines()], text
        whole.append(text)
    whole += [bp.Program(program).derive().latex() for _, program, _ in CLASSICS]
    whole.append(
        bp.Program("sum((W @ x)^2)").derive(at={"W": [[1, 2], [3, 4]], "x": [5, 6]}).latex()
    )
    for text in whole:
        depth = 0
        for sign in re.findall(r"[{}]", text.replace("\\{", "").replace("\\}", "")):
            depth += 1 if sign == "{" else -1
            assert depth >= 0
        assert depth == 0
    if shutil.which("pdflatex") and often(0, 1):
        compiled(whole, tmp_path)


def compiled(texts: list[str], folder: Path) -> None:
    head = r"\documentclass{article}\usepackage{amsmath,amssymb}\begin{document}"
    (folder / "all.tex").write_text("\n".join([head, *texts, r"\end{document}"]))
    asked = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


# size


def test_formulas_grow_with_the_program():
    def network(n: int) -> str:
        steps = [f"h{k} = tanh(W @ h{k - 1} + b)" for k in range(1, n + 1)]
        return "; ".join(["W: DxD; b: D; h0: D", *steps, f"sum(h{n}^2)"])

    small, large = (len(bp.Program(network(n)).derive().text()) for n in (20, 40))
    assert large < 2.2 * small
    many = "; ".join(["x: N", *(f"A{k}: NxN" for k in range(60))])
    product = bp.Program(f"{many}; sum({' @ '.join(f'A{k}' for k in range(60))} @ x)")
    assert len(product.derive().text()) < 20_000


def test_what_stands_in_a_branch_goes_element_by_element():
    program = bp.Program("W: 2x3; V: 2x2; x: 3; z = W @ x; h = relu(z); sum((V @ h)^2)")
    formula = program.derive()
    held(
        program, formula, point(program, random.Random(1), {}) | {"W": [[1, -2, 3], [-4, 0.5, -1]]}
    )


LETTERS = [
    ("X: NxM; Y: KxM; sum(concat(X, Y)^3)", "t1 = 3*concat(X, Y)^2; df_dX = t1[:rows(X)]; df_dY = t1[rows(X):]"),
    ("x: N; y: M; z: K; sum(concat(x, y, z)^3)", "t1 = 3*concat(x, y, z)^2; df_dx = t1[:size(x)]; df_dy = t1[size(x):size(x) + size(y)]; df_dz = t1[size(x) + size(y):]"),
    ("X: NxM; k: LxL; sum(conv(X, k)^2)", "t1 = 2*conv(X, k); df_dX = conv(pad(t1, k), flip(k)); df_dk = conv(X, t1)"),
    ("x: N; d = x[1:] - x[:-1]; sum(d^2)", "d = x[1:] - x[:-1]; df_dd = 2*d; df_dx = put(df_dd, x[1:]) - put(df_dd, x[:-1])"),
]  # fmt: skip
"""Programs of which no size is known, and their gradients: no formula holds a number for a size."""


@pytest.mark.parametrize(("program", "formulas"), LETTERS)
def test_no_number_stands_for_a_letter(program, formulas):
    found = bp.Program(program).derive()
    assert "; ".join(lines(found)) == formulas
    sizes = {n for one in str(found).splitlines() for n in re.findall(r"# (.*)", one)}
    assert not any(re.search(r"\d", one) for one in sizes)


def test_errors_name_letters():
    for program, said in (
        ("A: NxM; B: KxL; sum(A @ B)", "A is NxM, B is KxL"),
        ("X: NxM; softmax(X)", "the output is NxM, not a number"),
    ):
        with pytest.raises(BackpropError) as caught:
            bp.Program(program).derive()
        assert said in f"{caught.value.message} {caught.value.label}"


def test_a_gradient_that_is_a_size():
    found = bp.Program("a: scalar; b: scalar; X: NxM; sum(a*X + b)").derive()
    assert found.at(a=1, b=2, X=[[1, 2]]).numbers["df_db"] == 2
