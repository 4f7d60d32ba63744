"""Derivatives in other languages: the files that are printed run, and are right.

A process per target runs all files of it. PyTorch is not installed for the tests, being large;
where it is, as by `.ci/matrix tests/test_codes.py`, its files are run, too.
"""

import importlib.util
import json
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import product

import pytest

from backprop_grammar.derivatives.formulas import Formulas
from backprop_grammar.views.code import c
from backprop_grammar.views.code.code import TARGETS
from tests.codes import NODE, Case, count_of, grown_cases
from tests.support import (
    BackpropError,
    Program,
    along,
    as_float,
    call,
    derived,
    often,
    point,
    rendered,
    schema,
    traced,
)
from tests.test_cases import WORKED
from tests.test_derive import ROWS, inside, written

COMPILER = shutil.which("gcc") or shutil.which("cc")
MISSING = {
    name: f"{name} is not installed; the file's docstring says how to run this"
    for name in ("numpy", "jax", "torch")
    if importlib.util.find_spec(name) is None
}
MISSING |= {} if COMPILER else {"c": "there is no C compiler"}
MISSING |= {} if NODE else {"javascript": "there is no Node"}

needs = [
    pytest.param(name, marks=pytest.mark.skipif(name in MISSING, reason=MISSING.get(name, "")))
    for name in TARGETS
]


@pytest.fixture(scope="session", autouse=True)
def compiled_once(tmp_path_factory) -> Iterator[None]:
    """What JAX compiled in one process is at hand in the next ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path_factory.mktemp("jax")))
        patch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
        patch.setenv("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
        yield


def made(text: str, at: dict[str, float] | None = None, **how) -> Formulas:
    """A program's derivatives with the numbers at a point: what the command gives to a format."""
    whole = Program(text)
    derivative = derived(whole, code=True, **how)
    inputs = {name: value for name, value in whole.inputs.items() if value is not None}
    if at is None:
        return Formulas(text, derivative, None, {}, None, inputs)
    trace = traced(whole, at, wrt=list(how.get("wrt", ())))
    numbers = {name: as_float(trace.gradients[by[0]]) for by, name in derivative.results.items()}
    return Formulas(text, derivative, trace.at, numbers, as_float(trace.value), inputs)


def shown(target: str, subject: Formulas) -> str:
    return rendered("derive", target, subject)


def ordinary(row, count: int) -> list[Formulas]:
    """An operation at points where it is smooth, and not so that digits cancel."""
    rng = random.Random(row.name)
    names = ["x", "y", "z"] if row.variadic else list(row.operands)
    fixed = {"n": 1.0} if row.name == "polygamma" else {}
    found = []
    while len(found) < count:
        point = [fixed.get(name, round(rng.uniform(-3, 3), 2)) for name in names]
        if row.name in ("lgamma", "digamma", "polygamma", "gamma"):
            point[-1] = abs(point[-1])
        if not inside(row, tuple(point)) or (row.name == "pow" and point[0] <= 0):
            continue
        if 0 in point or len(set(point)) < len(point):
            continue
        at = {name: x for name, x in zip(names, point, strict=True) if name not in fixed}
        found.append(made(written(row, names, fixed), at, wrt=list(at)))
    return found


OTHERS = [
    ("lgamma(x)*y", {"x": 2.5, "y": 3.0}, ["y"]),
    ("y*lgamma(-x)", {"x": 2.5, "y": 3.0}, ["y"]),
    ("if(x > 0, log(x), x^2)*y", {"x": -1.5, "y": 2.0}, []),
    ("if(x > 0, log(x), x^2)*y", {"x": 1.5, "y": 2.0}, []),
    ("if(x >= y, if(x != 1, 1/(x - 1), x), sqrt(y - x))", {"x": 1.25, "y": 2.0}, []),
    ("if(if(x < 1, x, y) == x, x*y, y)^2", {"x": 0.5, "y": 2.0}, []),
    ("y*if(x > 0, lgamma(x), 1)", {"x": -2.0, "y": 2.0}, ["y"]),
    ("2^x + e^(2*x) + pi*x^pi + x^-2 + (-2)^3*x + tau/x", {"x": 1.5}, []),
    ("--x - -y*-z - (x - (y - z))/(x/(y/z))", {"x": 1.5, "y": 2.0, "z": -3.0}, []),
    ("(-x)^2 + (x*y)^3/(x^y)^z", {"x": 1.5, "y": 2.0, "z": -3.0}, []),
    ("max(x, 1, y) + min(x, y, 2, pi) + clamp(x, -1, 1)", {"x": 1.5, "y": 2.0}, []),
    ("leaky_relu(x) + leaky_relu(x*y, 0.2)", {"x": -1.5, "y": 2.0}, []),
    ("relu(2)*x + log(2)*sin(3) + sigmoid(1) + max(1, 2)", {"x": -1.5}, []),
    ("if(pi > 3, x, 2)", {"x": -1.5}, []),
    ("x", {"x": 2.0}, []),
    ("q = 2*x; x", {"x": 2.0}, []),
    ("q = x; sigmoid(y)", {"x": 2.0, "y": 1.0}, []),
    ("x = -2; q = x + y; f = q*z", {"y": 5.0, "z": -4.0}, []),
    ("q = x*y; sin(q)*q", {"x": 2.0, "y": 0.7}, ["q"]),
    ("logsumexp(x) + logsumexp(1, x) + mean(x, y)", {"x": -1.5, "y": 700.0}, []),
    ("sigmoid(x)", {"x": 40.0}, []),
    ("sigmoid(x)", {"x": -700.0}, []),
    ("tanh(x*y)", {"x": 10.0, "y": 1.5}, []),
    ("gelu(x) + erf(x)", {"x": -6.0}, []),
    ("silu(x)*y + softplus(-x)", {"x": 30.0, "y": 1.0}, []),
    ("cbrt(x)", {"x": -1e-200}, []),
    ("sinc(x) + floor(y)*ceil(x)*y", {"x": 2.75, "y": -3.5}, []),
    ("round(x)*y + round(y)*x", {"x": 2.5, "y": -3.25}, ["y"]),
    ("mod(x, y)*x + mod(-x, y) + mod(x, -y)*y", {"x": 2.5, "y": 0.75}, []),
    ("gamma(x)*y + gamma(-x)", {"x": 2.5, "y": 3.0}, ["y"]),
    ("erfcx(x)*y", {"x": 3.0, "y": 3.0}, ["y"]),
    ("lognormcdf(x) + normcdf(x)*y", {"x": 8.0, "y": 3.0}, []),
    ("lognormcdf(x) + y*normcdf(x)", {"x": -9.0, "y": 3.0}, ["y"]),
    ("xlogy(x, y) + xlog1py(x, y)", {"x": 0.0, "y": 3.0}, []),
    ("gamma*x + beta", {"gamma": 2.0, "x": 3.0, "beta": 0.5}, []),
    ("1e300*x + 5e-324*y", {"x": 1e7, "y": 0.1}, []),
]


def several() -> list[Formulas]:
    return [
        *(subject for row in ROWS for subject in ordinary(row, 2)),
        *(made(text, at, wrt=wrt) for text, at, wrt in OTHERS),
        *(made(case["program"], case["at"]) for case in WORKED),
    ]


@pytest.fixture(scope="module")
def subjects() -> list[Formulas]:
    return several()


RUNNER = """
import json, pathlib, runpy, sys
for path, function, at, checks in json.loads(pathlib.Path(sys.argv[1]).read_text()):
    try:
        if checks is None:
            runpy.run_path(path, run_name="__main__")
            continue
        names = runpy.run_path(path, run_name="tested")
        if "jax" in names:
            names["jax"].config.update("jax_enable_x64", True)
        make = (lambda x: names["torch"].tensor(x, dtype=names["torch"].float64)) if "torch" in names else float
        value, gradient = names[function](*map(make, at))
        for by, expected in checks:
            found = float(gradient[by] if by else value)
            assert abs(found - expected) <= 1e-11*abs(expected), (by, found, expected)
    except Exception as error:
        print(path, checks is None, type(error).__name__, error)
"""


def running(tmp_path, jobs) -> str:
    (tmp_path / "run.py").write_text(RUNNER)
    (tmp_path / "jobs.json").write_text(json.dumps(jobs))
    command = [sys.executable, "-W", "error", str(tmp_path / "run.py"), str(tmp_path / "jobs.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    return done.stdout + done.stderr


HELPERS = tuple(c.TARGET.helpers)


def compiled(tmp_path, sources: list[str]) -> str:
    """What the self-tests of C files say: all in one program, each under names of its own."""
    lines, mains = [], []
    for k, source in enumerate(sources):
        (tmp_path / f"{k}.c").write_text(source)
        words = [signature(source)[0], "main", "differs", *HELPERS]
        lines += [f"#define {word} {word}_{k}" for word in words]
        lines += [f'#include "{k}.c"', *(f"#undef {word}" for word in words)]
        if "int main(" in source:
            mains.append(f'    if (main_{k}()) failures++, printf("^ {k}\\n");')
    start = ["#define SELF_TEST", "#include <stdio.h>", *lines]
    text = [
        *start,
        "int main(void)",
        "{",
        "    int failures = 0;",
        *mains,
        "    return failures;",
        "}",
    ]
    (tmp_path / "all.c").write_text("\n".join(text))
    strict = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror"]
    build = [COMPILER, *strict, "all.c", "-o", "all", "-lm"]
    done = subprocess.run(build, cwd=tmp_path, capture_output=True, text=True, check=False)
    if done.returncode:
        return done.stderr
    done = subprocess.run([tmp_path / "all"], capture_output=True, text=True, check=False)
    return done.stdout


def scripts(tmp_path, sources: list[str]) -> str:
    """What the self-tests of JavaScript files say."""
    for k, source in enumerate(sources):
        (tmp_path / f"{k}.js").write_text(source, encoding="utf-8")
    loader = (
        "const Module = require('module');"
        "for (const path of process.argv.slice(1)) try { Module._cache = {};"
        " process.argv[1] = path; Module._load(path, null, true); }"
        " catch (error) { console.log(`${path} ${error.message}`); }"
    )
    paths = [str(tmp_path / f"{k}.js") for k in range(len(sources))]
    done = subprocess.run(
        [str(NODE), "-e", loader, *paths], capture_output=True, text=True, timeout=300, check=False
    )
    return done.stdout + done.stderr


LACKING = {"digamma", "polygamma", "erfinv"}
GAMMAS = {"digamma", "polygamma", "lgamma", "gamma", "beta"}


def lacks(target: str, subject: Formulas) -> bool:
    text = subject.derivative.text()
    if target == "jax" and "5e-324" in subject.program:  # which is 0 there
        return True
    lacking = GAMMAS if target == "javascript" else LACKING
    return target not in ("jax", "torch") and any(f"{name}(" in text for name in lacking)


def signature(source: str) -> tuple[str, list[str]]:
    """The name and the parameters of the function of a file."""
    *_, found = re.finditer(r"^(?:def|double|void|function) (\w+)\((.*)\)", source, re.M)
    return found[1], [name for name in found[2].split(", ") if name]


@pytest.mark.parametrize("target", needs)
def test_files_run_and_agree_with_the_backward_pass(target, subjects, tmp_path):
    able = [subject for subject in subjects if not lacks(target, subject)]
    assert len(able) > 120
    sources = [shown(target, subject) for subject in able]
    if target in ("c", "javascript"):
        assert what_they_say(target, tmp_path, sources) == ""
        return
    jobs = []
    for k, (subject, source) in enumerate(zip(able, sources, strict=True)):
        path = tmp_path / f"{k}.py"
        path.write_text(source)
        checks = [[by[0], subject.numbers[name]] for by, name in subject.derivative.results.items()]
        function, names = signature(source)
        at = [subject.at[name] for name in names]
        jobs += [
            [str(path), function, at, [*checks, ["", subject.value]]],
            [str(path), "", [], None],
        ]
    assert running(tmp_path, jobs) == ""


@pytest.mark.parametrize("target", needs)
def test_a_self_test_fails_where_the_numbers_are_others(target, tmp_path):
    subject = made("sin(x)*y", {"x": 1.5, "y": 2.0})
    missing = replace(subject, numbers=dict.fromkeys(subject.numbers), value=None)
    right = shown(target, subject)
    sources = [right]
    for number in (subject.numbers["df_dx"], subject.value):
        assert right.count(repr(number)) == 1
        sources.append(right.replace(repr(number), repr(number * (1 + 2e-12))))
    said = what_they_say(target, tmp_path, [*sources, shown(target, missing)])
    assert re.findall(r"(?:\^ |/)(\d)(?:\.py|\.js|$)", said, re.M) == ["1", "2"]
    assert "df_dx is 0.1414" in said
    assert "f is 1.99" in said
    assert "no number for df_dx, df_dy" in shown(target, missing)


def self_tested(target: str, tmp_path, *subjects: Formulas) -> str:
    """What the self-tests of files say; nothing where they pass."""
    return what_they_say(target, tmp_path, [shown(target, subject) for subject in subjects])


def what_they_say(target: str, tmp_path, sources: list[str]) -> str:
    """The same of texts."""
    if target == "c":
        return compiled(tmp_path, sources)
    if target == "javascript":
        return scripts(tmp_path, sources)
    for k, source in enumerate(sources):
        (tmp_path / f"{k}.py").write_text(source, encoding="utf-8")
    return running(
        tmp_path, [[str(tmp_path / f"{k}.py"), "", [], None] for k in range(len(sources))]
    )


NAMES = [
    "lambda",
    "for",
    "double",
    "np",
    "math",
    "jnp",
    "jax",
    "torch",
    "E",
    "I",
    "int",
    "self_test",
    "gradient",
    "f",
    "value",
    "found",
    "main",
    "NAN",
    "M_PI",
    "class",
    "None",
    "True",
    "abs_",
    "float",
    "fabs",
    "restrict",
    "linux",
    "y1",
    "__debug__",
    "c1",
    "s1",
    "t1",
    "range",
    "print",
    "name",
    "checks",
    "expected",
    "hessian",
    "_",
    "__",
    "lambda_",
    "for_",
    "static",
    "errno",
    "SELF_TEST",
    "number",
    "differs",
    "coding",
    "__LINE__",
    "__FILE__",
    "__linux__",
    "v__LINE__",
    "__name__",
    "__file__",
    "__class__",
    "_Bool",
    "__STDC_VERSION__",
    "inside",
    "nan",
    "M_PIf64",
]


@pytest.mark.parametrize("target", needs)
def test_hostile_names_and_texts(target, tmp_path):
    at = {name: 1.0 + k / 64 for k, name in enumerate(NAMES)}
    names = "*".join(NAMES[::2])
    program = f"sin(({names})/1e10) + " + " + ".join(f"sigmoid({name})" for name in NAMES[1::2])
    evil = "# */ int x; /* \\\n # coding=latin-9 \t\x1b[2J\u202e é ??/\n# '''\"\"\" \\"
    subjects = [made(program, at), made(f"# coding=utf-7\n{evil}\nx*y", {"x": 2.0, "y": 3.0})]
    functions = [
        "main",
        "printf",
        "y1",
        "value",
        "gradient",
        "found",
        "lambda",
        "failures",
        "math",
        "index",
        "__name__",
        "__LINE__",
        "memset",
        "isalnum",
        "cexp",
        "defined",
        "np",
        "jnp",
        "torch",
        "inside",
    ]
    subjects += [made(f"{name} = sin(x)*t; {name}", {"x": 2.0, "t": 3.0}) for name in functions]
    assert self_tested(target, tmp_path, *subjects) == ""
    sources = [shown(target, subject) for subject in subjects]
    assert "for is for_" in sources[0]
    assert all(c.isprintable() or c == "\n" for source in sources for c in source)
    if target == "javascript":
        assert '["lambda"]: dout_dlambda' in sources[0]
    elif target != "c":
        assert '"lambda": dout_dlambda' in sources[0]


@cache
def deep(depth: int) -> tuple[Formulas, ...]:
    """Programs in which so many operations stand within each other."""
    fewer = depth // 10
    choices = "".join(f"if(x < {k}, sqrt({k} - x), log(x - {k - 0.5}) + " for k in range(-30, 30))
    texts = [
        "sin(" * depth + "x" + ")" * depth,
        "x + " * fewer + "x",
        "1/(2 + " * fewer + "x" + ")" * fewer,
        f"max({', '.join(f'x - {k}' for k in range(1, fewer))})",
        choices + "x" + ")" * 60,
    ]
    return tuple(made(f"y*({text})", {"x": 1.25, "y": 2.0}, wrt=["y"]) for text in texts)


def counted(target: str, *cases: Case) -> Counter:
    """What becomes of the numbers of programs; fails where one is wrong."""
    count, findings = count_of(list(cases), [target])
    assert not findings
    return Counter({outcome: n for (_, outcome), n in count.items()})


def orders(target: str) -> tuple[int, ...]:
    """The orders of derivatives that are looked at; every call of JAX takes long."""
    return (1, 2) if often(0, 1) or target in ("python", "numpy", "c", "javascript") else (2,)


@pytest.mark.parametrize("target", needs)
def test_files_agree_with_eval_or_are_refused(target):
    programs = often(8 if target == "jax" else 20, 300)
    cases = [case for order in orders(target) for case in grown_cases("suite", programs, order)]
    count = counted(target, *cases)
    assert count["agreed"] > programs
    assert count["refused"] < len(cases) / 5


REPORTED = [
    ("logsumexp(x,y)", "x=1e5,y=1e5"),
    ("x/y", "x=1e-160,y=1e-160"),
    ("atan2(y,x)", "y=1e-162,x=3e-162"),
    ("hypot(x,1)", "x=1e4"),
    ("x^y", "x=0,y=2"),
    ("a/(b/c)", "a=1e200,b=1e200,c=1e200"),
]
"""Where others' formulas overflow, underflow or lose digits, and careful ones do not."""

CAREFUL = [
    *REPORTED,
    ("x^y", "x=0,y=3"),
    ("hypot(x, y)", "x=1e-200,y=3e-200"),
    ("hypot(x, y)", "x=1e200,y=3e200"),
    ("atan2(y, x)", "y=1e200,x=3e200"),
    ("atan(x)", "x=1e200"),
    ("asinh(x)", "x=1e200"),
    ("acosh(x)", "x=1.0000152587890625"),
    ("tanh(x)", "x=20"),
    ("tanh(x)", "x=1e-9"),
    ("sigmoid(x)", "x=40"),
    ("sigmoid(x)", "x=1e-9"),
    ("sigmoid(x)", "x=-700"),
    ("softplus(x)", "x=-40"),
    ("gelu(x)", "x=-10"),
    ("silu(x)", "x=-40"),
    ("asin(x)", "x=0.9999847412109375"),
    ("asin(x)", "x=1e-9"),
    ("atanh(x)", "x=0.9999847412109375"),
    ("atanh(x)", "x=1e-9"),
    ("logsumexp(x, y, z)", "x=1000,y=-1000,z=1000.5"),
    ("cbrt(x)", "x=1e-300"),
    ("x^y", "x=1e-100,y=2"),
    ("x^3", "x=1e-100"),
    ("x/y", "x=1e-100,y=1e-100"),
    ("x/(y/z)*w", "x=1e60,y=1e60,z=1e-60,w=1e30"),
    ("e^x*pi^y", "x=3,y=2"),
]

LOST = [
    ("x/(y/z)*w", "x=1e150,y=1e150,z=1e-150,w=1e100"),
    ("1 - cos(x)", "x=0.001"),
    ("sqrt(x+1)-sqrt(x)", "x=1e6"),
    ("(exp(x)-1)/x", "x=0.01"),
    ("exp(x)/(exp(x)-1)", "x=700"),
    ("x*y/z", "x=1e200,y=1e200,z=1e200"),
    ("log(exp(x)+exp(y))", "x=1000,y=1000"),
    ("max(1 - cos(x), 1e-300)*1e300", "x=1e-100"),
]
"""What plain doubles do not compute."""


def case_at(program: str, at: str, order: int = 1) -> Case:
    return Case(program, program, {k: float(x) for k, x in point(at).items()}, order)


@pytest.mark.parametrize("target", needs)
def test_careful_code_is_right_where_formulas_are_not(target):
    count = counted(target, *(case_at(*one, k) for one in CAREFUL for k in orders(target)))
    assert not count["refused"]
    assert count["agreed"] > len(CAREFUL)


@pytest.mark.parametrize(("program", "at"), LOST)
def test_no_file_is_written_that_would_be_wrong(program, at, tmp_path):
    for name in ("python", "c"):
        saved = tmp_path / f"f.{name}"
        code, out, err = call("derive", program, "--at", at, "--format", name, "--save", str(saved))
        assert (code, out, saved.exists()) == (3, "", False)
        assert err.startswith("error: code in plain doubles does not compute ")
        assert len(err) < 600
        assert call("derive", program, "--format", name)[0] == 0
    assert [counted(name, case_at(program, at)) for name in ("python",)] == [Counter(refused=1)]


OUTSIDE = [
    ("0*log(x) + y", "x=-1,y=2"),
    ("x/x", "x=0"),
    ("atan(1/x)", "x=0"),
    ("exp(-1/x^2)", "x=0"),
    ("max(1/x, 3)", "x=0"),
    ("relu(log(x))", "x=-1"),
    ("if(log(x) < 0, 1, 2)*x", "x=-1"),
    ("q = log(x); y*(q - q)", "x=-1,y=1"),
    ("f(u) = log(u); f(x)*0 + y", "x=-1,y=1"),
    ("if(x > 0, x, 1/(x*x))", "x=0"),
    ("if(x > 0, if(x > 1, 1/(x - 2), log(x - 1)), x)", "x=2"),
    ("if(x > 0, if(x > 1, 1/(x - 2), log(x - 1)), x)", "x=0.5"),
    ("(x - 1)^(y*3)", "x=0,y=0.5"),
    ("x^-2", "x=0"),
    ("x^0.5", "x=-1"),
    ("2^(1/y)", "y=0"),
    ("sign(1/x)*y", "x=0,y=1"),
    ("abs(log(x))*0 + y", "x=0,y=1"),
    ("logsumexp(log(x), y)", "x=0,y=1"),
    ("log(-1)*y", "y=1"),
    ("if(y > 0, y, 1/0)", "y=-1"),
    ("q = log(x); if(x > 0, q, x)", "x=-1"),
    ("f(u, v) = if(v > 0, u, 1); f(1/(x + 1), x)*x", "x=-1"),
    ("+".join(f"log(x - {k})*0" for k in range(50)), "x=48.5"),
]
"""Where the program has no value, though what is left of it, or of its derivatives, has."""

INSIDE = [
    ("if(x > 0, log(x), x)", "x=-1"),
    ("if(x != 0, x*sin(x), x^2)", "x=0"),
    ("if(x > 0, x, 1/0)", "x=1"),
    ("if(x > 0, x, 1e300^2)", "x=1"),
    ("if(x > 0, if(x > 1, log(x - 1), sqrt(1 - x)), sqrt(-x))", "x=-4"),
    ("if(x > 0, if(x > 1, log(x - 1), sqrt(1 - x)), sqrt(-x))", "x=0.5"),
    ("if(x > 0, exp(1000*x)^2*log(x), x)", "x=-1"),
    ("if(x > 0, (-8)^(1/3), x)", "x=-1"),
    ("f(u) = log(u); if(x > 0, f(x), x)", "x=-1"),
]
"""Where only a branch that is not taken has no value."""


def beyond(row) -> Case | None:
    """An operation where it has no value, if there is such a place."""
    names = list(row.operands)
    for numbers in product((-2.0, 0.0, -1.0, 2.5, 1.0, -0.5), repeat=len(names)):
        if not inside(row, numbers) and not row.variadic and row.name != "polygamma":
            text = f"w + 0*{written(row, [f'({name})' for name in names], {})}"
            return Case(row.name, text, dict(zip(names, numbers, strict=True)) | {"w": 1.0})
    return None


@pytest.mark.parametrize("target", needs)
def test_there_is_no_number_outside_of_the_domain_of_the_program(target):
    rows = [case for case in map(beyond, ROWS) if case]
    assert len(rows) > 10
    rows = rows[:: often(2, 1)] if target == "jax" else rows
    cases = [case_at(*one, k) for one in OUTSIDE for k in orders(target)]
    cases += [case._replace(order=k) for case in rows for k in orders(target)]
    inner = [case_at(*one, k) for one in INSIDE for k in orders(target)]
    count = counted(target, *cases, *inner)
    assert count.keys() <= {"outside", "lacking", "agreed"}
    assert count["outside"] + count["lacking"] == len(cases)
    assert count["agreed"] == 2 * len(inner)


@pytest.mark.parametrize("target", needs)
def test_deep_expressions(target, tmp_path):
    depth = (
        200 if target in ("jax", "torch") else often(1_500, 3_000)
    )  # a call of theirs takes long
    assert self_tested(target, tmp_path, *deep(depth)) == ""


def test_a_branch_not_taken_is_not_evaluated_in_pieces(tmp_path):
    inside_ = "sqrt(x - 1) + " + "(1 + " * 60 + "log(x - 2)" + ")" * 60
    subject = made(
        f"y*if(x > 2, {inside_}, if(x > 0, log(x)*y, {inside_.replace('x', '(-x)')}))",
        {"x": 1.5, "y": 2.0},
        wrt=["y"],
    )
    assert " if c" in shown("python", subject)
    others = [made(subject.program, {"x": x, "y": 2.0}, wrt=["y"]) for x in (3.0, -3.0)]
    assert self_tested("python", tmp_path, subject, *others) == ""


@pytest.mark.parametrize("target", ["python", "numpy", "c", "javascript"])
def test_what_a_target_lacks_is_refused(target):
    with pytest.raises(BackpropError) as caught:
        shown(target, made("digamma(x)*y"))
    assert (caught.value.kind, caught.value.message) == ("name", f"{target} has no digamma")
    assert caught.value.hint == "the formats that have it are text, latex, json, jax, torch"


@pytest.mark.skipif("numpy" in MISSING, reason=MISSING.get("numpy", ""))
def test_numpy_works_on_arrays(tmp_path):
    program = "if(x > 0, log(x), x^2)*lgamma(y) + relu(x)*gelu(y) + abs(x)*sigmoid(y) + erf(x)"
    (tmp_path / "f.py").write_text(shown("numpy", made(program, wrt=["x"])))
    xs, ys = [1.5, -1.5, 0.25], [2.5, 0.5, -1.5]
    code = (
        "import json, f; import numpy as np\n"
        f"value, gradient = f.f(np.array({xs}), np.array({ys}))\n"
        "table, _ = f.f(np.array([1.5, -1.5])[:, None], [2.5, 0.5, -1.5])\n"
        "print(json.dumps([value.tolist(), gradient['x'].tolist(), table.shape]))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    values, slopes, size = json.loads(done.stdout)
    for x, y, value, slope in zip(xs, ys, values, slopes, strict=True):
        trace = traced(program, {"x": x, "y": y}, wrt=["x"])
        assert value == pytest.approx(trace.value, rel=1e-13)
        assert slope == pytest.approx(trace.gradients["x"], rel=1e-13)
    assert size == [2, 3]


def test_higher_orders_and_directions(tmp_path):
    subject = made("x^2*y^3", order=2)
    numbers = {"d2f_dx2": 54.0, "d2f_dx_dy": 108.0, "d2f_dy2": 72.0}
    second = replace(subject, at={"x": 2.0, "y": 3.0}, numbers=numbers, value=108.0)
    direction = {"x": 1.0, "y": 2.0}
    jvp = Formulas("x^2*y", along("x^2*y", direction), {"x": 3.0, "y": 2.0}, {"jvp": 30.0}, None)
    product = along("x^2*y", direction, second=True)
    hvp = Formulas("x^2*y", product, {"x": 3.0, "y": 2.0}, {"hvp_x": 16.0, "hvp_y": 6.0}, None)
    for target in (
        "python",
        *(name for name in ("numpy", "c", "javascript") if name not in MISSING),
    ):
        assert self_tested(target, tmp_path, second, jvp, hvp) == ""
    assert '("x", "y"): d2f_dx_dy' in shown("python", second)
    assert "double hessian[3]" in shown("c", second)
    assert "void f(double x, double y, double gradient[1])" in shown("c", jvp)


def test_what_a_person_would_write():
    subject = made("x^3 - 4*x + 5")
    assert "def f(x):\n    f = x**3 - 4.0*x + 5.0\n    df_dx = 3.0*x**2 - 4.0\n" in shown(
        "python", subject
    )
    assert "__main__" not in shown("python", subject)
    assert "SELF_TEST" not in shown("c", subject)
    assert "pow(x, 3.0) - 4.0*x + 5.0;" in shown("c", subject)
    assert "jax.nn.silu(x)" in shown("jax", made("silu(x)"))
    assert "torch.nn.functional.silu(x)" in shown("torch", made("silu(x)"))
    assert "np.where(x > 0.0, 1.0, 0.0)" in shown("numpy", made("relu(x)"))
    assert "f*sigmoid(-x)" in shown("python", made("sigmoid(x)"))  # not f*(1 - f)


# Text, LaTeX and JSON


@pytest.mark.parametrize("case", WORKED, ids=[case["id"] for case in WORKED])
def test_the_text_is_a_program_that_evaluates(case):
    subject = made(case["program"])
    at = ",".join(f"{name}={x}" for name, x in case["at"].items())
    code, out, err = call("eval", shown("text", subject), "--at", at, "--json")
    assert code == 0, err
    found = json.loads(out)  # of the last stage
    truths = {name: case["grad"][by[0]] for by, name in subject.derivative.results.items()}
    truths[subject.derivative.value] = case["value"]
    expected = float(truths[found["output"]])
    assert found["value"] == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_the_text_carries_the_point_of_the_program():
    text = "x = -2; q = x + y; f = q*z"
    subject = made(text, {"x": 1.0, "y": 5.0, "z": -4.0})
    assert shown("text", subject).startswith("x = 1\nq = x + y\n")
    assert shown("text", made(text)).startswith("x = -2\nq = x + y\n")


def test_latex():
    text = shown("latex", made("sigmoid(w1*alpha)^2 + x_y", order=1))
    assert r"\frac{\partial f}{\partial \alpha} &=" in text
    assert r"\frac{\partial f}{\partial x_y} &= 1" in text
    second = shown("latex", made("x^2*y", order=2))
    assert r"\frac{\partial^{2} f}{\partial x\,\partial y} &= 2\,x" in second
    shared = shown("latex", made("sigmoid(w*x + b)^2"))
    assert "zq" not in shared and shared.count(r"\frac{\partial f}{\partial b}") > 1


WRITTEN = [
    # the point as the user writes it, and how it is set
    (
        "x^2*y",
        "x=0.30,y=1/3",
        [r"x &= 0.30 \\", r"y &= \frac{1}{3} \\", "y\\,x = 0.2", "{x}^{2} = 0.09"],
    ),
    (
        "x*y",
        "x=1.50E-07,y=-2.0",
        [r"x &= 1.50\times 10^{-7}", "y &= -2.0", r"= x = 1.5\times 10^{-7}"],
    ),
    (
        "beta_1*x",
        "beta_1=pi/4,x=+3",
        [r"\beta_1 &= \frac{\pi}{4}", "x &= 3 ", r"\beta_1 = 0.785398"],
    ),
    ("x = 0.10; y = -2.50; x^2*y", "", ["x &= 0.10", "y &= -2.50", "= 0.01"]),
    ("x = 0.10; x^2", "x=.5", ["x &= .5", "2\\,x = 1"]),
    ("x*2.50", "x=7", [r"\partial x} &= 2.5\n"]),  # a number alone is not told twice
    ("sqrt(x)", "x=0.0", ["x &= 0.0", r"= \mathit{infinite}"]),
    ("x^y", "x=sqrt(2.0),y=(1 + 2)*0.50", [r"\sqrt{2.0}", r"\left(1 + 2\right) \cdot 0.50"]),
]


@pytest.mark.parametrize(("program", "at", "set_"), WRITTEN, ids=[row[0] for row in WRITTEN])
def test_latex_at_a_point_keeps_its_numbers(program, at, set_, tmp_path):
    given = ["--at", at] if at else []
    _, out, _ = call("derive", program, *given, "--format", "latex")
    for text in set_:
        assert text.replace("\\n", "\n") in out
    point = tmp_path / "point.json"
    point.write_text(call("eval", program, *given, "--json")[1])
    _, again, _ = call("derive", program, "--at", f"@{point}", "--format", "latex")
    assert out.count("&=") == again.count("&=")  # of a file the shortest texts are shown
    assert out.splitlines()[-2] == again.splitlines()[-2]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex")
def test_latex_compiles(tmp_path):
    subjects = [made(case["program"]) for case in WORKED]
    subjects += [made(text, order=2) for text in ("if(x > 0, log(x), tanh(x)^2*y)", "exp(x*y)/x_1")]
    subjects += [made("hostile_ = x#\\end{align*}\n; hostile_^lambda", wrt=["lambda", "x"])]
    texts = [shown("latex", subject) for subject in subjects]
    for program, at, _ in WRITTEN:
        texts.append(call("derive", program, *(["--at", at] if at else []), "--format", "latex")[1])
    names = "_a + b_ + c__d + _ + alpha_beta_2 + x_1 + theta_max + long_name_1 + w1_t + a_1e5"
    texts.append(call("derive", f"({names})^2", "--format", "latex")[1])
    body = "\n\n".join(texts)
    head = "\\documentclass{article}\\usepackage{amsmath}\\begin{document}\n"
    (tmp_path / "a.tex").write_text(f"{head}{body}\\end{{document}}\n")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-draftmode", "a.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


def document_of(subject: Formulas) -> dict:
    """The document, which holds to its schema."""
    document = json.loads(shown("json", subject), parse_constant=lambda word: 1 / 0)
    schema("derive").validate(document)
    return document


def test_json():
    for case in WORKED:
        for subject in (
            made(case["program"]),
            made(case["program"], case["at"]),
            made(case["program"], order=2),
        ):
            assert "\n" not in shown("json", subject)
            document_of(subject)
    document = document_of(made("x*y", {"x": 2.0, "y": 3.0}))
    assert document["derivatives"][0] == {
        "by": ["x"],
        "name": "df_dx",
        "formula": "y",
        "value": 3.0,
    }
    assert document["value"] == 6.0
    subject = replace(
        made("x^2*y", order=2),
        at={"x": 2.0, "y": 3.0},
        numbers={"d2f_dx2": 6.0, "d2f_dx_dy": 4.0, "d2f_dy2": 0.0},
    )
    assert document_of(subject)["hessian"]["values"] == [[6.0, 4.0], [4.0, 0.0]]
    assert document_of(subject)["hessian"]["names"][1] == ["d2f_dx_dy", "d2f_dy2"]


@pytest.mark.parametrize("target", needs)
def test_code_gives_the_choice_of_the_rules_at_kinks(target, tmp_path):
    programs = [
        ("leaky_relu(x, 2)", {"x": 0.0}),
        ("hypot(x, y) + abs(x)*y", {"x": 0.0, "y": 0.0}),
        ("max(x, y, 1) + min(x, y)*relu(x - y) + clamp(x, 1, 2)", {"x": 1.0, "y": 1.0}),
        ("x^y + y^(x + 2)", {"x": 0.0, "y": 2.0}),
    ]
    subjects = [made(program, at) for program, at in programs]
    assert all("checks" in shown("python", subject) for subject in subjects)
    assert self_tested(target, tmp_path, *subjects) == ""


@pytest.mark.parametrize(("program", "point"), [("sqrt(x)*y", "x=0,y=1"), ("x^y", "x=0,y=0"), ("atan2(x, y)", "x=0,y=0")])  # fmt: skip
def test_no_code_tests_itself_where_a_derivative_does_not_exist(program, point):
    for target in ("python", "c"):
        code, out, err = call("derive", program, "--at", point, "--format", target)
        assert code == 3
        assert "the code does not test itself" in err
        assert "main" not in out and "no number for df_d" in out
