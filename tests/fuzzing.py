"""Only our own errors come out, whatever goes in: `python -m tests.fuzzing`.

    python -m tests.fuzzing --inputs 1000000 --seed 0 --workers 2
    python -m tests.fuzzing --inputs 1000000 --seed 0 --workers 2 --atheris   # the extra fuzz

Inputs come from a grammar of mistakes (valid programs, mutated; soups of tokens; deep nesting; huge
numbers; odd characters), whose choices are random, or made by atheris, which keeps what reaches new
code. Each goes to one of the ways in: the parser, `--at`, a point as JSON, `--claim`, `--over`, a
table for `map`, or a whole command line. What must hold: an error is a `BackpropError` of one
paragraph, at most 1,500 characters; a command ends with a documented exit code; an error leaves
standard output empty, but for rows before it; an input takes at most `SECONDS`, and all of them
`MEGABYTES`.
"""

import argparse
import importlib
import json
import multiprocessing
import pkgutil
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import typer.main

import backprop_cli
import backprop_grammar
from backprop_cli.app import app
from backprop_cli.commands import COMMANDS
from backprop_cli.input.claims import read_claims
from backprop_cli.input.pairs import read_ranges
from backprop_cli.input.point import read_point
from tests.support import (
    CONSTANTS,
    FUNCTIONS,
    BackpropError,
    as_json,
    as_text,
    call,
    parsed,
    streams,
)

SECONDS = 30
"""Of computing for one input; the code under test gives up by itself after as many, by its own estimate."""
MEGABYTES = 2_000
"""Of memory for a worker, at its highest."""
LONGEST = 1500

ROOT = Path(__file__).parent.parent
FOUND = ROOT / "tests/cases/fuzzed.jsonl"
"""Inputs that broke something once: [way in, input]."""

Input = Any
"""A text, or for a command line {"args": [...], "stdin": text}."""


class TooLong(Exception):
    """An input took longer than it may."""


# Ways in


def quiet(function: Callable[[], Any]) -> None:
    """Call what may raise our own error, and look at it."""
    try:
        function()
    except BackpropError as error:
        paragraph(as_text(error))
        json.loads(as_json(error), parse_constant=lambda word: 1 / 0)


def paragraph(text: str) -> None:
    assert 0 < len(text) <= LONGEST, f"{len(text)} characters"
    assert text.startswith("error: "), text
    assert all(line.isprintable() for line in text.split("\n")), repr(text)


def point_file(text: str) -> None:
    with streams(text.encode("utf-8", "surrogatepass")):
        quiet(lambda: read_point(["@-"]))


def command_line(given: dict[str, Any]) -> None:
    """Run a whole command. Raises AssertionError where it breaks its promises."""
    stdin = given.get("stdin", "").encode("utf-8", "surrogatepass")
    code, printed, said = call(*given["args"], stdin=stdin)
    assert code in {0, 1, 2, 3} | ({4} if given["args"][0] == "check" else set()), (code, said)
    assert "Traceback" not in said
    if code in (2, 4) or (code == 1 and said):
        streamed = given["args"][0] == "map" or "--stream" in given["args"]  # the rows before it
        assert printed == "" or streamed, (code, printed[:300])
        if "--json" in given["args"]:
            json.loads(said, parse_constant=lambda word: 1 / 0)
        else:
            paragraph(said.rstrip("\n"))
    elif "--json" in given["args"] and not {"-h", "--help", "--get"} & set(given["args"]):
        for line in [printed] if "--stream" not in given["args"] else printed.splitlines():
            json.loads(line, parse_constant=lambda word: 1 / 0)


def table_file(text: str) -> None:
    """Map a program over a table. Raises AssertionError where it breaks its promises."""
    with tempfile.NamedTemporaryFile(suffix=".jsonl" if text[:1] == "{" else ".csv") as file:
        file.write(text.encode("utf-8", "surrogatepass"))
        file.flush()
        args = ["map", "x*y + log(x)", "--points", file.name]
        code, _, said = call(*args, "--at", "y=2")
        if code == 2 and "is a column and given by --at" in said:
            code, _, said = call(*args)
    assert code in {0, 1, 2, 3}, (code, said)
    assert "Traceback" not in said
    if code in (1, 2):
        paragraph(said.rstrip("\n"))


WAYS: dict[str, Callable[[Any], None]] = {
    "program": lambda text: quiet(lambda: parsed(text)),
    "at": lambda text: quiet(lambda: read_point([text])),
    "point": point_file,
    "claim": lambda text: quiet(lambda: read_claims([text])),
    "over": lambda text: quiet(lambda: read_ranges([text])),
    "table": table_file,
    "command": command_line,
}


def attempt(way: str, given: Input) -> str:
    """What an input broke, or an empty text."""

    def late(_signal: int, _frame: Any) -> None:
        raise TooLong

    signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        WAYS[way](given)
    except Exception as trouble:
        return f"{type(trouble).__name__}: {str(trouble)[:500]}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return ""


# Inputs from a grammar

SPELLED = [
    "f(x, y, z) = (x+y)z", "2πr + πr²", "σ(w₁·x₁ + b)", "√(x²+y²)/|x−y|", "½(x−y)² + 3x^1/2",
    "import numpy as np\n1/(1+np.exp(-x))", "np.where(x > 0, x, 0.1*x)", "2e3x(1)", "e^(-x)cos(x)sin(2x)",
]  # fmt: skip
"""Programs in other spellings."""

PROGRAMS = [
    *SPELLED,
    *(path.read_text("utf-8") for path in sorted((ROOT / "samples").glob("*.bp"))),
    *(json.loads(line)["program"] for line in (ROOT / "tests/cases/worked_examples.jsonl").read_text("utf-8").splitlines()),
    *(json.loads(line)["expr"] for line in (ROOT / "tests/cases/boundary.jsonl").read_text("utf-8").splitlines()),
]  # fmt: skip
VECTORS = [json.loads(line) for line in (ROOT / "tests/cases/vectors.jsonl").read_text("utf-8").splitlines()]  # fmt: skip
ARRAYS = [
    *((case["program"], json.dumps(case["inputs"])) for case in VECTORS if case["program"]),
    ("sum((W @ x)^2)", "W=[.1,.5;-.3,.8],x=[.2,.4]"),
    ("s = x[1:] @ A[ix, :]; softmax(s)[-1] + trace(A)", "x=[1,2,3],A=[1,2;3,4],ix=[0,1]"),
    ("A: NxN; b: N; cross_entropy(A*b + b.T.T, y)", "A=[[1,2],[3,4]],b=[1,-1],y=[0,1]"),
    ("sum(if(abs(d) < [1; 2].T, d^2/2, max(d, axis=0)))", "d=[.5,-2]"),
    ("concat(x', [[1, z]], axis=0) @ conv(x, [1, 2])", "x=[1,2],z=1e9"),
    ("f(u, v) = u @ v.T; f(x, y)[:, 0]/norm(y)", "x=[1,2],y=zeros(2)"),
]
"""Programs over arrays, each with its point."""

TOKENS = [
    "[1, 2]", "[[1, 2], [3, 4]]", "[1,2;3,4]", " @ ", ".T", "'", "axis=0", "axis=", "[0]", "[:, 1]", "[-1]", "[1:", "[[", "]]", "W", ": 3x4", "W: NxD = ",
    "zeros(", "softmax(", "cross_entropy(", "pick(", "concat(", "norm(", "conv(", "maxpool(", "reshape(", "eye(1e9)", "ones", "range(", "linspace(0,1,", "rand(2,",
    *"+-*/^()=,;<>!#\n\t .&|%$@~`'\"\\[]{}:?", "**", "==", "<=", ">=", "!=", "//", "x", "y", "q", "w0",
    "1", "2", "0", ".5", "1e-3", "1e400", "1e-400", "9" * 400, "0x10", "1_000", "2x", "3,14", "1e", "..",
    "x^2y", "1/2x", "√", "|x|", "½", "²", "θ", "π", "σ(", "w₁", "np.", "np.exp(", "math.pi", "F.relu(", "where(", "import numpy as np\n",
    "if(", "if", "in", "let", "def", "nan", "inf", "None", "f(u) =", "f(u) = u*u;", "f(", "-", "--", "^-",
    *FUNCTIONS, *CONSTANTS,
]  # fmt: skip
ODD = "αβπτσ₁ₙ⁻ⁿ∛•\u2062×÷−·√²½≤≠∞“”‘’…\u00a0\u2009\u200b\u200e\u202e\u2066\ufeff\x00\x07\x1b\x7f\x85\u2028\ud800٣１Ａ한😀\r\v\f"
APART = ("-o", "--save", "--workers", "--dask", "--verify")
"""Options that write, start processes, or take long on purpose."""


def known() -> list[str]:
    """The options of all commands but those."""
    group = typer.main.get_command(app)
    params = [param for name in COMMANDS for param in group.get_command(None, name).built().params]  # type: ignore[attr-defined, arg-type]
    return sorted({"-h", "--help", *(name for param in params for name in param.opts if name.startswith("-"))} - {*APART})  # fmt: skip


OPTIONS = known()
WORDS = ["x", "-", "q", "n1", "x=1", "x=1,y=2", "json", "svg", "dot", "table", "1", "0", "-1", "3", "1e9", "", "adam", "x=-1:1", "trace", "gelu", "mean", "d_x=s"]  # fmt: skip


def soup(rng: random.Random, most: int = 25) -> str:
    return "".join(rng.choice(TOKENS) + rng.choice(("", "", " ")) for _ in range(rng.randint(0, most)))  # fmt: skip


def nested(rng: random.Random) -> str:
    depth = int(10 ** rng.uniform(0, 3.5))
    head = rng.choice(("(", "-", "exp(", "if(x < ", "x^", "max(x, ", "f(u) = (", "((", "[", "x*("))
    tail = ")" * rng.choice((0, 1, depth, depth, depth + 1)) if "(" in head else ""
    return head * depth + rng.choice(("x", "1", "", ",")) + tail


def number(rng: random.Random) -> str:
    digits = "".join(rng.choice("0123456789.") for _ in range(int(10 ** rng.uniform(0, 3))))
    return digits + rng.choice(("", "e", "E+", "e-")) + "9" * rng.randint(0, 6)


def mutated(rng: random.Random, text: str) -> str:
    """A text with some characters replaced, doubled, moved or left out."""
    for _ in range(rng.randint(1, 4)):
        k = rng.randrange(len(text) + 1)
        what = rng.random()
        if what < 0.25:
            text = text[:k] + text[k + rng.randint(1, 5) :]
        elif what < 0.45:
            text = text[:k] + rng.choice(TOKENS) + text[k:]
        elif what < 0.6:
            text = text[:k] + rng.choice(ODD) + text[k:]
        elif what < 0.7:
            text = text[:k] + number(rng) + text[k:]
        elif what < 0.85:
            j = rng.randrange(len(text) + 1)
            text = text[:k] + text[j : j + rng.randint(1, 30)] + text[k:]
        else:
            text = text[:k] + rng.choice(TOKENS) + text[k + 1 :]
    return text


def text_for(rng: random.Random, examples: list[str]) -> str:
    what = rng.random()
    if what < 0.6:
        return mutated(rng, rng.choice(examples))
    if what < 0.85:
        return soup(rng)
    if what < 0.93:
        return nested(rng)
    return "".join(rng.choice(ODD + "x1+(=:,") for _ in range(rng.randint(1, 30)))


EXAMPLES = {
    "program": [*PROGRAMS, *(program for program, _ in ARRAYS)],
    "at": ["x=1,y=pi/4", "w0=2,x0=-1,w1=-3,x1=-2,w2=-3", "x=1/3", "x=(1,2)", "x=sqrt(2),y=-1e-3", *(point for _, point in ARRAYS)],
    "point": [
        '{"x": 1, "y": -2.5e-3}', '{"format": "backprop-trace/1", "at": {"x": 1}}', '{"x": NaN}',
        '[1, 2]', '{"x": 1e999, "x": true}', '{"at": {"at": {}}}', '{"x": ' + "9" * 5000 + "}", "",
    ],
    "claim": ["w0=-0.20,x0=0.40", "x=1.682941969615793", "q=-4", "x=1e-400,y=-0"],
    "table": [
        "x,y\n1,2\n3,4\n", "id,x\n007,2.5\n,-1\n", "x\n1e400\nnan\n 1\n0x10\n1_000\n", 'x,y\r\n"1","2,5"\r\n',
        '{"x": 1, "y": 2}\n{"y": 3, "x": null}\n', '{"x": "1e5", "y": [1]}\n', "\ufeffx,y\n-0,5e-324\n",
    ],
    "over": ["x=-2:2,y=0:1", "x=-pi:pi", "x=0:1e308", "x=1:1", "x=2:-2"],
}  # fmt: skip


def arguments(rng: random.Random) -> dict[str, Any]:
    """A command line, nearly right or wild."""
    args = [rng.choice(list(COMMANDS)) if rng.random() < 0.95 else soup(rng, 2)]
    stdin = ""
    arrays = rng.random() < 0.4
    if arrays:
        program, point = rng.choice(ARRAYS)
        if rng.random() < 0.6:
            args[0] = "eval"
        if rng.random() < 0.7:
            program = mutated(rng, program)
        else:
            point = mutated(rng, point)
        args += [program, "--at", point]
        if rng.random() < 0.3:
            ups = ("ones", "[1, 2]", "[[1,2],[3,4]]", "zeros(2)", "1", mutated(rng, "[1,2;3,4]"))
            args += ["--upstream", rng.choice(ups)]
    elif rng.random() < 0.9:
        program = rng.choice(PROGRAMS) if rng.random() < 0.5 else text_for(rng, PROGRAMS)
        if rng.random() < 0.1:
            program, stdin = "-", program
        args.append(program)
    if args[0] in ("map", "step") and rng.random() < 0.7:
        args += ["--points", "-"]
        stdin = stdin or text_for(rng, EXAMPLES["table"])
    if not arrays and rng.random() < 0.8:
        args += ["--at", rng.choice(EXAMPLES["at"]) if rng.random() < 0.6 else text_for(rng, EXAMPLES["at"])]  # fmt: skip
    for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
        args.append(rng.choice(OPTIONS))
        if rng.random() < 0.8:
            args.append(rng.choice(WORDS) if rng.random() < 0.8 else text_for(rng, WORDS))
    if any(word.isdecimal() and len(word) > 3 for word in args) or "1e9" in args:
        args = [word for word in args if word not in ("--steps", "--points", "--order")]
    # what no shell can hand over is no argument; no file of this machine is read or written
    clean = [arg.replace("\0", "").replace("\ud800", "") for arg in args]
    return {"args": [arg for arg in clean if not arg.startswith(("@", *APART))], "stdin": stdin.replace("\ud800", "")}  # fmt: skip


WEIGHTS = {
    "program": 60,
    "at": 18,
    "point": 6,
    "claim": 6,
    "over": 6,
    "table": 1,
    "command": 20,
}


def made(rng: random.Random) -> tuple[str, Input]:
    """A way in, and an input for it."""
    way = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    return way, arguments(rng) if way == "command" else text_for(rng, EXAMPLES[way])


Findings = list[tuple[str, Input, str]]


def work(job: tuple[str, range]) -> tuple[Counter[str], Findings]:
    """Try a range of inputs; how many by each way in, and what broke."""
    seed, numbers = job
    count: Counter[str] = Counter()
    findings: Findings = []
    longest = 0.0
    for k in numbers:
        way, given = made(random.Random(f"{seed}:{k}"))
        started = time.perf_counter()
        broken = attempt(way, given)
        longest = max(longest, time.perf_counter() - started)
        count[way] += 1
        if broken:
            findings.append((way, given, broken))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    if peak > MEGABYTES:
        findings.append(("all", "", f"{peak} MB of memory"))
    return count | Counter({"peak MB": peak, "longest ms": int(1000 * longest)}), findings


# Inputs that coverage guides


class Steered(random.Random):
    """Choices that are read from the bytes of atheris."""

    def __init__(self, provider: Any) -> None:
        super().__init__(0)
        self.provider = provider

    def random(self) -> float:
        return float(self.provider.ConsumeIntInRange(0, 2**16 - 1) / 2**16)

    def getrandbits(self, k: int) -> int:
        return int(self.provider.ConsumeIntInRange(0, 2**k - 1))


def guided(inputs: int, seed: int) -> None:
    """Let atheris look for inputs that reach new code; it stops at the first that breaks something."""
    import atheris

    texts = [way for way in WAYS if way not in ("command", "table")]

    def one(data: bytes) -> None:
        provider = atheris.FuzzedDataProvider(data)
        if provider.ConsumeBool():
            way, given = made(Steered(provider))
        else:
            way = provider.PickValueInList(texts)
            given = provider.ConsumeUnicode(provider.remaining_bytes())
        broken = attempt(way, given)
        if broken:
            print(json.dumps([way, given, broken]), file=sys.stderr)
            raise AssertionError(broken)

    for module in everything():
        for value in list(vars(module).values()):
            if getattr(value, "__module__", "") == module.__name__:
                inner = vars(value).values() if isinstance(value, type) else (value,)
                for function in inner:
                    if isinstance(function, FunctionType):
                        atheris.instrument_func(function)
    atheris.Setup([
        sys.argv[0], f"-runs={inputs}", f"-seed={seed + 1}", "-max_len=400", "-len_control=0", "-print_final_stats=1",
        f"-rss_limit_mb={MEGABYTES}", f"-artifact_prefix={tempfile.gettempdir()}/",
    ], one)  # fmt: skip
    atheris.Fuzz()


def everything() -> list[ModuleType]:
    """All modules of both packages, loaded."""
    return [
        importlib.import_module(info.name)
        for package in (backprop_cli, backprop_grammar)
        for info in pkgutil.walk_packages(package.__path__, package.__name__ + ".")
        if not info.name.endswith("__main__")
    ]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing")
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--atheris", action="store_true")
    options = parser.parse_args()
    if options.atheris:
        if options.workers == 1:
            guided(options.inputs, options.seed)  # which ends the process
        share = [str(options.inputs // options.workers), "--seed"]
        command = [sys.executable, "-m", "tests.fuzzing", "--atheris", "--inputs", *share]
        runs = [subprocess.Popen([*command, str(options.seed + k)]) for k in range(options.workers)]
        return max(run.wait() for run in runs)
    step = 2000
    jobs = [
        (str(options.seed), range(first, min(first + step, options.inputs)))
        for first in range(0, options.inputs, step)
    ]
    total: Counter[str] = Counter()
    findings: Findings = []
    worst: Counter[str] = Counter()
    with multiprocessing.get_context("spawn").Pool(options.workers) as pool:
        for count, found in pool.imap_unordered(work, jobs):
            for key in ("peak MB", "longest ms"):
                worst[key] = max(worst[key], count.pop(key, 0))
            total += count
            findings += found
            for one in found:
                print(json.dumps(one), flush=True)
            if total.total() % (20 * step) == 0:
                print(f"{total.total():,} inputs", file=sys.stderr, flush=True)
    print(
        f"{total.total():,} inputs:", dict(total), dict(worst), f"{len(findings)} broke something"
    )
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
