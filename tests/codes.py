"""Files of code held against `eval` over programs that nobody wrote: `python -m tests.codes`.

    python -m tests.codes --programs 300 --seed 0 --order 1

Every program is written as code for its point, by every target that is installed here, and every
file is run there, all files of a target in one process. Each number is one of these:

    agreed     within 1e-12 of the certified number, relative; absolute where that is 0
    refused    no file: plain doubles, as `derive` says, do not compute a number of it there
    lacking    no file: the target has no such function
    none       the certified number does not exist, which `derive` says beside the file
    outside    the program has no value at the point, and the file, written without it, raises or
               gives nan for the value and for every derivative
    too large  the same, but a value that is beyond the largest float is an infinity
    rounded    the same, but a value appears where an exponent rounds to a whole number
    WRONG      a defect
"""

import argparse
import json
import math
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Any, NamedTuple

from backprop_grammar.derivatives.formulas import Formulas
from backprop_grammar.views.code import c
from backprop_grammar.views.code.code import arguments_of
from tests.grown import grown
from tests.support import BackpropError, Program, rendered

COMPILER = which("gcc") or which("cc")
NODE = which("node")
TARGETS = [
    "python",
    *(name for name in ("numpy", "jax", "torch") if find_spec(name)),
    *(["c"] if COMPILER else []),
    *(["javascript"] if NODE else []),
]
RELATIVE = 1e-12
SMALLEST = 5e-324

RUNNER = """
import json, pathlib, runpy, sys, warnings
out = []
for path, function, at, strict in json.loads(pathlib.Path(sys.argv[1]).read_text()):
    warnings.simplefilter("error" if strict else "ignore")
    try:
        names = runpy.run_path(path, run_name="tested")
        make = float
        if sys.argv[2] == "jax":
            import jax
            jax.config.update("jax_enable_x64", True)
        if sys.argv[2] == "torch":
            make = lambda x: names["torch"].tensor(x, dtype=names["torch"].float64)
        value, gradient = names[function](*map(make, at))
        out.append([float(value), *map(float, gradient.values())])
    except (ArithmeticError, ValueError) as error:
        out.append(str(error) or "error")
    except Exception as error:
        out.append(f"crashed: {error!r}")
print(json.dumps(out))
"""


class Case(NamedTuple):
    """A program at a point."""

    name: str
    program: str
    at: dict[str, float]
    order: int = 1


class File(NamedTuple):
    """A file of code, and the numbers that it should give; no numbers where there is no value."""

    case: Case
    source: str
    numbers: list[float | None] | None
    error: str = ""


def signature(source: str) -> tuple[str, int]:
    """The name of the function of a file, and how many numbers it gives beside the value."""
    *_, found = re.finditer(r"^(?:def|double|void|function) (\w+)\((.*)\)", source, re.M)
    size = re.search(r"\[(\d+)\]$", found[2])
    return found[1], int(size[1]) if size else 0


def formulas(case: Case, at: dict[str, float] | None) -> Formulas:
    return Program(case.program).derive(order=case.order, at=at, code=True).record


def written(case: Case, targets: list[str]) -> Iterator[tuple[str, File | str]]:
    """By target: a file, or why there is none."""
    error = ""
    try:
        record = formulas(case, case.at)
        by = record.derivative.results.values()
        numbers: list[float | None] | None = [record.value, *(record.numbers[name] for name in by)]
    except BackpropError as trouble:
        if trouble.kind not in ("domain", "overflow"):
            yield from ((target, f"undecided: {trouble.kind}") for target in targets)
            return
        record, numbers, error = formulas(case, None), None, trouble.message
    for target in targets:
        try:
            yield target, File(case, rendered("derive", target, record), numbers, error)
        except BackpropError as trouble:
            yield target, {"precision": "refused", "name": "lacking"}[trouble.kind]


def run_python(files: list[File], folder: Path, target: str) -> list[Any]:
    """What files of Python give: numbers, or an error's text."""
    jobs = []
    for k, file in enumerate(files):
        (folder / f"{k}.py").write_text(file.source, encoding="utf-8")
        strict = file.numbers is not None and None not in file.numbers  # then nothing may warn
        path, function = str(folder / f"{k}.py"), signature(file.source)[0]
        jobs.append([path, function, arguments(file), strict])
    (folder / "jobs.json").write_text(json.dumps(jobs))
    (folder / "run.py").write_text(RUNNER)
    command = [sys.executable, str(folder / "run.py"), str(folder / "jobs.json"), target]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def arguments(file: File) -> list[float]:
    """The numbers that a file's function is called with."""
    return [file.case.at[name] for name in arguments_of(formulas(file.case, None).derivative)]


HELPERS = (*c.TARGET.helpers, "main", "differs")


NODE_RUNNER = """
const out = process.argv.slice(1).map((path) => {
  const [value, gradient] = require(path)(...JSON.parse(require("fs").readFileSync(`${path}.json`)));
  return [value, ...Object.values(gradient)].map(String);
});
console.log(JSON.stringify(out));
"""


def run_javascript(files: list[File], folder: Path, _target: str) -> list[Any]:
    """What files of JavaScript give."""
    paths = []
    for k, file in enumerate(files):
        paths.append(str(folder / f"{k}.js"))
        Path(paths[-1]).write_text(file.source, encoding="utf-8")
        Path(f"{paths[-1]}.json").write_text(json.dumps(arguments(file)))
    command = [str(NODE), "-e", NODE_RUNNER, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return [[float(x) for x in numbers] for numbers in json.loads(done.stdout)]


def run_c(files: list[File], folder: Path, _target: str) -> list[Any]:
    """What files of C give, all in one program."""
    lines, calls = ["#define SELF_TEST", "#include <stdio.h>"], []
    for k, file in enumerate(files):
        (folder / f"{k}.c").write_text(file.source, encoding="utf-8")
        function, count = signature(file.source)
        words = [function, *HELPERS]
        lines += [f"#define {word} {word}_{k}" for word in words]
        lines += [f'#include "{k}.c"', *(f"#undef {word}" for word in words)]
        at = ", ".join([*map(repr, arguments(file)), *(["g"] if count else [])])
        calls.append(f"    {{ double g[{count + 1}]; print({function}_{k}({at}), g, {count}); }}")
    lines += [
        "static void print(double value, const double *g, int count)",
        "{",
        '    printf("%.17g", value);',
        '    for (int k = 0; k < count; k++) printf(" %.17g", g[k]);',
        '    printf("\\n");',
        "}",
        "int main(void)",
        "{",
        *calls,
        "    return 0;",
        "}",
    ]
    (folder / "all.c").write_text("\n".join(lines))
    strict = ["-std=c11", "-pedantic", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off"]
    build = [str(COMPILER), *strict, "all.c", "-o", "all", "-lm"]
    done = subprocess.run(build, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    done = subprocess.run([folder / "all"], capture_output=True, text=True, check=True)
    return [[float(word) for word in line.split()] for line in done.stdout.splitlines()]


RUN = {"c": run_c, "javascript": run_javascript}
"""What runs the files of a target, where that is not Python."""


def outcomes(file: File, found: Any) -> list[str]:
    """What became of each number of a file."""
    if isinstance(found, str) and found.startswith("crashed"):
        return ["WRONG"]
    if file.numbers is None:
        silent = isinstance(found, str) or all(map(math.isnan, found))
        if not silent and "overflow" in file.error and not math.isfinite(found[0]):
            return ["too large"]
        if not silent and file.error.startswith("a negative base"):
            return ["rounded"]
        return ["outside" if silent else "WRONG"]
    if isinstance(found, str):
        return ["none" if None in file.numbers else "WRONG"]
    return [
        "none" if expected is None else "agreed" if close(number, expected) else "WRONG"
        for number, expected in zip(found, file.numbers, strict=True)
    ]


def close(found: float, expected: float) -> bool:
    return abs(found - expected) <= max(RELATIVE * abs(expected or 1), SMALLEST)


def count_of(cases: list[Case], targets: list[str]) -> tuple[Counter, list[dict]]:
    """Counts of what became of the numbers, by target; and what should not be."""
    count, findings = Counter(), []
    files: dict[str, list[File]] = {target: [] for target in targets}
    for case in cases:
        for target, file in written(case, targets):
            if isinstance(file, str):
                count[target, file] += 1
            else:
                files[target].append(file)
    for target in targets:
        with tempfile.TemporaryDirectory() as folder:
            run = RUN.get(target, run_python)
            results = run(files[target], Path(folder), target) if files[target] else []
        for file, found in zip(files[target], results, strict=True):
            found_out = outcomes(file, found)
            count.update((target, outcome) for outcome in found_out)
            if "WRONG" in found_out:
                findings.append({"target": target, "case": file.case._asdict(), "found": found, "numbers": file.numbers, "error": file.error})  # fmt: skip
    return count, findings


def grown_cases(seed: str, programs: int, order: int) -> list[Case]:
    """Programs that have a variable, each with its point."""
    cases = []
    for k in range(programs):
        whole = grown(f"{seed}:{k}")
        if whole.at:
            cases.append(Case(f"{seed}:{k}", whole.text(), whole.at, order))
    return cases


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.codes")
    parser.add_argument("--programs", type=int, default=300)
    parser.add_argument("--seed", default="0")
    parser.add_argument("--order", type=int, default=1)
    parser.add_argument("--targets", default=",".join(TARGETS))
    options = parser.parse_args()
    targets = options.targets.split(",")
    cases = grown_cases(options.seed, options.programs, options.order)
    count, findings = count_of(cases, targets)
    names = sorted({outcome for _, outcome in count})
    print(f"{'':24}" + "".join(f"{target:>9}" for target in targets))
    for name in names:
        print(f"{name:24}" + "".join(f"{count[target, name]:9,}" for target in targets))
    for one in findings:
        print(json.dumps(one), file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
