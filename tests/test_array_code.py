"""Programs over arrays as NumPy, JAX and PyTorch: the files run, test themselves, and are right.

A process per library runs all its files. PyTorch is not installed for the tests, being large; where
it is, its files are run, too: LONG=1 PYTHONPATH=... python -m pytest tests/test_array_code.py there.
"""

import importlib.util
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

import backprop_grammar as bp
from backprop_grammar.arrays.point import array as array_of
from backprop_grammar.checks.array_accuracy import evaluated
from backprop_grammar.errors import BackpropError
from backprop_grammar.language.graph import Array, as_array
from backprop_grammar.language.printer import program_text
from backprop_grammar.library import Formula
from backprop_grammar.operations.makers import MAKERS
from backprop_grammar.operations.structural import (
    MATMUL,
    REDUCTIONS,
    SELECTIONS,
    TRANSPOSE,
    array_rows,
)
from backprop_grammar.views.code import jax as jax_target
from backprop_grammar.views.code import numpy as numpy_target
from backprop_grammar.views.code import torch as torch_target
from tests.screens import ROOT
from tests.support import call
from tests.test_array_rows import PROGRAMS
from tests.test_arrays import PROGRAMS as OTHERS

LONG = os.environ.get("LONG") == "1"
TARGETS = {"numpy": numpy_target, "jax": jax_target, "torch": torch_target}
MISSING = {
    name: f"{name} is not installed; the file's docstring says how to run this"
    for name in TARGETS
    if importlib.util.find_spec(name) is None
}
needs = [
    pytest.param(name, marks=pytest.mark.skipif(name in MISSING, reason=MISSING.get(name, "")))
    for name in TARGETS
]

RUNNER = """
import json, pathlib, runpy, sys, warnings
warnings.simplefilter("error")
found = []
for path in json.loads(pathlib.Path(sys.argv[1]).read_text()):
    try:
        runpy.run_path(path, run_name="__main__")
        found.append("")
    except Exception as error:
        found.append(repr(error)[:2000])
print(json.dumps(found))
"""


@pytest.fixture(scope="session", autouse=True)
def compiled_once(tmp_path_factory) -> Iterator[None]:
    """What JAX compiled in one process is at hand in the next ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path_factory.mktemp("jax")))
        patch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
        patch.setenv("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
        yield


def run(files: list[str], folder) -> list[str]:
    """What becomes of files of Python: an empty text each, or an error."""
    paths = []
    for k, text in enumerate(files):
        paths.append(str(folder / f"{k}.py"))
        (folder / f"{k}.py").write_text(text, encoding="utf-8")
    (folder / "jobs.json").write_text(json.dumps(paths))
    (folder / "run.py").write_text(RUNNER)
    command = [sys.executable, str(folder / "run.py"), str(folder / "jobs.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def all_run(cases: list[tuple[str, Formula]], target: str, folder) -> None:
    files = [formula.code(target) for _, formula in cases]
    for (name, _), text, error in zip(cases, files, run(files, folder), strict=True):
        assert not error, f"{name}: {error}\n{text}"


def formula(program: str, point: Any = None, up: Any = None, **asked: Any) -> Formula:
    up = array_of(up, "up") if isinstance(up, list) else up
    return Formula(bp.Program(program), at=point, code=True, upstream=1.0 if up is None else up, **asked)  # fmt: skip


# the rows


def rows_of(target: str, turns: int) -> list[tuple[str, Formula]]:
    """Every row of the array table at shapes and points that nobody chose, with its gradients."""
    found = []
    for row in [*array_rows(), SELECTIONS["put"]]:
        if not any(text != "0" for text in row.rules) and not row.counts:
            continue  # it has no variables
        rng = random.Random(f"{row.name} code")
        for turn in range(turns):
            case, _ = evaluated(row, rng, 4 * turn)  # numbers of ordinary size
            text = program_text(case.program)
            point = {name: as_array(x).nested for name, x in case.at.items()}
            up = case.up if isinstance(case.up, Array) else float(case.up)
            found.append((f"{target}: {text}", formula(text, point, up)))
    return found


@pytest.mark.parametrize("target", needs)
def test_every_row_of_the_array_table(target, tmp_path):
    if target == "jax" and not LONG:
        pytest.skip("JAX compiles for every shape: LONG=1 runs them")
    all_run(rows_of(target, 12 if LONG else 2), target, tmp_path)


@pytest.mark.parametrize("target", TARGETS)
def test_every_row_has_a_text(target):
    """Also of reductions, and of what makes arrays; nothing else has one."""
    calls = TARGETS[target].TARGET.array_calls
    spelled = {name.split()[0] for name in calls} - {"full"}
    alike = {TRANSPOSE.name, "index", "reshape", "flatten", "rows", "cols"}  # in all libraries
    rows = {row.name for row in array_rows()} | {*SELECTIONS, *REDUCTIONS, *MAKERS}
    assert rows - alike - {"rand", "randn"} == spelled  # what is random is drawn before
    assert MATMUL.name in spelled
    helpers = TARGETS[target].TARGET.array_helpers
    used = {how.split("(")[0] for how in calls.values()} | {"log_softmax"}
    assert helpers.keys() <= used


# programs


MORE: dict[str, tuple[str, Any, Any]] = {
    "makers": ("sum(zeros(2,3) + ones(2,3)*X)*linspace(0,1,3)[1] + sum(range(3)*X) + sum(X @ eye(cols(X)))",
        {"X": [[1, 2, 0.5], [-1, 3, 0.25]]}, None),
    "several numbers": ("sum(max(x, 0.5, y)) + mean(x[0], 2, y) + logsumexp(x[1], y)", {"x": [1, -2, 0.3], "y": 0.7}, None),
    "reductions": ("sum(mean(X, axis=0)*max(X, axis=0)) + sum(min(X, axis=1)^2) + logsumexp(X) + sum(logsumexp(X, axis=1))",
        {"X": [[1, 0.5], [2, -3], [0, 1]]}, None),
    "a number's gradient is a sum": ("sum(c*X) + a*sum(X)", {"c": 2, "a": 3, "X": [[1, 2], [3, 4.5]]}, None),
    "constants": ("W = [1, 2; 3, 4]; x = [1, -1]; sum(pi*(W @ x)^2)/e", {}, None),
    "own functions": ("layer(x, W, b) = relu(W @ x + b); sum(layer(layer(x, W, b), W, b)^2)",
        {"x": [1, -0.5], "W": [[1, 0.5], [-1, 2]], "b": [0.1, 0.2]}, None),
    "words of Python": ("lambda = np @ x; sum(lambda^2) + softmax(jnp)[0]*sum(torch)",
        {"np": [[1, 2], [3, 4]], "x": [1, -1], "jnp": [1, 2], "torch": [3, 4.5]}, None),
    "two indices": ("sum(C[ix][:,jx]^2) + sum(C[ix,2]*[1, 2])", {"C": [[1, 2, 3], [4, 5, 6], [7, 8, 9.5]], "ix": [2, 0], "jx": [1, 1]}, None),
    "column and row": ("sum((X - mean(X, axis=1))*b)/rows(X)", {"X": [[1, 2], [3, 5]], "b": [2, 3]}, None),
    "saturated": ("sum(sigmoid(x)*tanh(x)) + sum(softplus(x))", {"x": [30, -40, 0.1]}, None),
    "norm at 0": ("norm(x) + sum(x)", {"x": [0, 0]}, None),
    "up": ("relu(W @ x)", {"W": [[1, 2], [3, 4]], "x": [1, -2]}, "ones"),
    "a stage": ("h = W @ x; sum(h^2)", {"W": [[1, 2], [3, 4]], "x": [1, -2]}, None),
}  # fmt: skip


def programs(step: int) -> list[tuple[str, Formula]]:
    """Each program of the courses, or every so many of them, and more; by their names."""
    every = {name: row[:3] for name, row in (OTHERS | PROGRAMS).items()} | MORE
    if LONG:  # of which some gradients are 0, and noise in floats
        point = json.loads((ROOT / "samples/makemore.json").read_text())
        every["makemore"] = ((ROOT / "samples/makemore.bp").read_text(), point, None)
    return [(name, formula(*every[name])) for name in [*every][::step]]


@pytest.mark.parametrize("target", needs)
def test_programs_test_themselves(target, tmp_path):
    cases = programs(1 if LONG else 2)
    if target == "jax" and not LONG:
        cases = [one for one in cases if one[0] == "cross entropy"]
    all_run(cases, target, tmp_path)
    for name, one in cases:
        text = one.code(target)
        assert 'if __name__ == "__main__":' in text
        assert "Not tested" not in text, name


DECLARED = (
    # a program over shapes with letters, what arrives, and a point of other sizes
    ("X: NxD; W: DxC; b: C; y: N; cross_entropy(X @ W + b, y)", None,
        {"X": [[1, 2], [3, -4], [0.5, 1]], "W": [[1, 0, 2], [0.5, 1, -1]], "b": [0, 1, 2], "y": [2, 0, 1]}),
    ("X: NxD; W: DxC; X @ W", "up", {"X": [[1, 2]], "W": [[1, 0, 2], [0.5, 1, -1]], "up": [[1, 2, 3]]}),
    ("A: NxN; x: N; x.T @ A @ x/2", None, {"A": [[1, 2], [3, 4]], "x": [1, -2]}),
    ("x: N; m = mean(x); v = mean((x - m)^2); sum(((x - m)/sqrt(v + 1e-5))^3)", None, {"x": [1, 2, 4, 8, 3, 0]}),
    ("X: NxD; g: D; b: D; sum(batchnorm(X, g, b)^2)", None, {"X": [[1, 2], [3, 5], [0, 1]], "g": [1, 2], "b": [0, 1]}),
    ("Q: NxD; K: NxD; V: NxD; sum((softmax(Q @ K.T/sqrt(cols(Q))) @ V)^2)", None,
        {"Q": [[1, 2]], "K": [[0.5, 1]], "V": [[3, 4]]}),
    ("X: NxM; k: 2x2; sum(relu(conv(X, k)))", None, {"X": [[1, 2, 3], [4, -5, 6], [0, 1, 2]], "k": [[1, -1], [2, 0.5]]}),
    ("C: VxD; W: DxK; C[[1, 0, 1]] @ W", "ones", {"C": [[1, 2], [3, 4], [5, 6]], "W": [[1], [2]]}),
)  # fmt: skip


def test_code_from_declared_shapes_takes_other_sizes(tmp_path):
    """It tests itself at a point that is drawn, where letters are small and differ."""
    np = pytest.importorskip("numpy")
    files = [formula(program, None, up).code("numpy") for program, up, _ in DECLARED]
    assert run(files, tmp_path) == [""] * len(files)
    for (program, up, point), text in zip(DECLARED, files, strict=True):
        assert "Not tested" not in text
        assert "Shapes: " in text
        names: dict[str, Any] = {}
        exec(compile(text.partition("\n\n\nif __name__")[0], "file", "exec"), names)
        function = re.findall(r"^def (\w+)\(", text, re.MULTILINE)[-1]
        value, gradient = names[function](**point)
        given = {name: x for name, x in point.items() if name != "up"}
        how = {} if up is None else {"upstream": point["up"] if up == "up" else up}
        right = bp.Program(program).at(given, **how)
        assert np.allclose(value, right.value, rtol=1e-12)
        for name, slope in right.gradients.items():
            assert np.shape(gradient[name]) == np.shape(slope)
            assert np.allclose(gradient[name], slope, rtol=1e-11, atol=1e-13), (program, name)


@pytest.mark.parametrize("target", needs)
def test_a_file_sees_that_it_is_wrong(target, tmp_path):
    """A planted slip in a gradient, and numbers of another point."""
    if target == "jax" and not LONG:
        pytest.skip("JAX compiles for every shape: LONG=1 runs it")
    text = formula("X: NxD; W: DxC; y: N; cross_entropy(X @ W, y)").code(target)
    assert "X.T @ " in text
    number = re.search(r'"df_dW", gradient.*?(\d\.\d+)', text, re.DOTALL)
    assert number is not None
    files = [text, text.replace("X.T @ ", "2*X.T @ ", 1), text.replace(number[1], "0.125", 1)]
    right, *wrong = run(files, tmp_path)
    assert not right
    assert all("AssertionError" in error and "df_dW is" in error for error in wrong), wrong


def test_libraries_own_gradients_are_held_against_too():
    """Off kinks, where all agree; by what is an argument."""
    for target, own in (("jax", "jax.grad("), ("torch", "torch.autograd.grad(")):
        assert own in formula("sum(tanh(W @ x))", {"W": [[1, 2]], "x": [1, 2]}).code(target)
        assert own not in formula("sum(abs(x))", {"x": [0, 1]}).code(target)
        assert own not in formula("h = x^2; sum(h)", {"x": [1, 2]}, wrt=["h"]).code(target)


def test_large_points_do_not_stand_in_files():
    text = formula("sum(X^2)", {"X": [[0.5] * 30] * 30}).code("numpy")
    assert "Not tested: 1,801 numbers are too many to stand here." in text
    assert "__main__" not in text


def test_what_is_no_array_code():
    point = ["--at", "W=[1,2;3,4],x=[1,2]"]
    for name in ("python", "c", "javascript"):
        code, out, err = call("derive", "sum(tanh(W @ x))", *point, "--format", name)
        assert (code, out) == (2, "")
        assert f"{name} has no vectors and matrices" in err
        assert "choose numpy, jax or torch, or --expand all for scalar code" in err
        with pytest.raises(BackpropError, match="no vectors and matrices"):
            formula("sum(tanh(W @ x))", {"W": [[1, 2]], "x": [1, 2]}).code(name)


def test_all_of_it_as_numbers():
    """`--expand all`: formulas and code over the elements, in every language."""
    program, point = "sum(tanh(W @ x)*[1, 2])", {"W": [[0.1, 0.2], [0.3, -0.4]], "x": [1.0, 2.0]}
    given = ["--at", "W=[.1,.2;.3,-.4],x=[1,2]", "--expand", "all"]
    gradients = bp.Program(program).at(point).gradients
    code, out, err = call("derive", program, *given, "--json")
    assert (code, err) == (0, "")
    found = {one["by"][0]: one["value"] for one in json.loads(out)["derivatives"]}
    assert found == pytest.approx(
        {f"W_{i}_{j}": gradients["W"][i][j] for i in range(2) for j in range(2)}
        | {f"x_{i}": gradients["x"][i] for i in range(2)}
    )
    code, out, err = call("derive", program, *given, "--format", "python", "--wrt", "x[1],W")
    assert (code, err) == (0, "")
    exec(compile(out, "file", "exec"), {"__name__": "__main__"})
    code, out, err = call("derive", "W: 2x2; x: 2; p = W @ x; sum(p^2)", "--expand", "all")
    assert (code, err) == (0, "")
    assert "p_1 = " in out
    assert "df_dW_1_0 = " in out
    code, out, err = call("derive", program, *given, "--format", "c")
    assert (code, err) == (0, "")
    assert "double f(double W_0_0, double W_0_1" in out
    for args in (
        ["X: NxD; sum(X)", "--expand", "all"],
        [program, *given[:2], "--expand", "W"],
        ["x^2", "--expand", "all"],
    ):
        code, out, err = call("derive", *args)
        assert (code, out) == (2, ""), err


def test_directions():
    """The Hessian times a direction, as code that tests itself by the formulas' numbers."""
    one = Formula(
        bp.Program("sum((A @ x)^2)"), at={"A": [[1, 2], [3, 4]], "x": [1.0, -1.0]}, code=True,
        along={"x": array_of([1.0, 2.0], "v")}, second=True,
    )  # fmt: skip
    text = one.code("numpy")
    assert "hvp_x" in text
    exec(compile(text, "file", "exec"), {"__name__": "__main__"})


def test_code_that_loses_its_digits_in_doubles_is_not_written():
    point = "x=[0.0001,1],y=[0.0001,1.0000000001]"
    for target in TARGETS:
        code, out, err = call("derive", "norm(x - y)", "--at", point, "--format", target)
        assert (code, out) == (3, "")
        assert "code in plain doubles does not compute f at this point: it gives 1.00000008" in err
    code, out, _ = call("derive", "norm(x - y)", "--at", "x=[1,2],y=[3,5]", "--format", "numpy")
    assert code == 0 and "def f(" in out
