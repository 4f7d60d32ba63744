"""How the cost of every command grows with the program: seconds, and the exponent between sizes.

A cell is one command, run in a process of its own after a small run that fills its caches, in
seconds of processor time. Between two sizes the seconds grow with some power of the size, and that
exponent is what is looked at: 1 is linear, 2 the square. Sizes go up until a run takes some seconds.

A process is `python -m tests.benchmarks.growth SHAPE SIZE ARGUMENT ...`; it prints the seconds.
"""

import io
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from .report import ROOT, Table, progress, short
from .shapes import FOLD, GROWING, SECOND

ENOUGH = 2.0
"""Seconds of a run after which no larger size is tried."""

LIMIT = 60.0
"""Seconds that one process may take."""

MANY = 1_000_000
"""The largest size that is tried."""

COMMANDS = {
    "eval": ("eval", "--json"),
    "eval --quiet": ("eval", "--quiet"),
    FOLD: ("eval", "--fold", "all", "--json"),
    "graph": ("graph", "--format", "dot"),
    "explain": ("explain", "--format", "json"),
    "derive": ("derive", "--json"),
    SECOND: ("derive", "--order", "2", "--json"),
    "check": ("check", "--json"),
    "step": ("step", "--rate", "1e-9", "--steps", "2", "--json"),
    "map": ("map", "--points", "points.csv", "-o", "out.csv"),
}
"""What is run, and what it is called."""

TABLE = "x,x0\n0.5,0.5\n0.25,0.25\n0.75,0.75\n"
"""The points of `map`; every program has one of these inputs."""


def run(shape: str, size: int, arguments: list[str]) -> dict[str, float]:
    """Seconds of processor time of one command, in this process, and its exit code."""
    from backprop_cli.app import run as command

    def once(units: int) -> tuple[float, int]:
        text = GROWING[shape].text(units)
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            saved, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(text.encode()))
            start = time.process_time()
            code = command([*arguments, "--file", "-"])
            spent = time.process_time() - start
            sys.stdin = saved
        return spent, code

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("points.csv").write_text(TABLE, encoding="utf-8")
        once(2)
        seconds, code = once(size)
        os.chdir(ROOT)
    return {"seconds": seconds, "code": code}


def attempt(shape: str, size: int, arguments: tuple[str, ...], limit: float) -> dict[str, float]:
    """What a process of its own says; no seconds where it crashes or takes too long."""
    command = [sys.executable, "-m", "tests.benchmarks.growth", shape, str(size), *arguments]
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired:
        return {"code": -1}
    if done.returncode:
        return {"code": 70}
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def cells(shape: str, arguments: tuple[str, ...], largest: int, limit: float) -> list[str]:
    """A row of the table: seconds at each size with the exponent since the size before."""
    row: list[str] = []
    before = 0.0
    size = GROWING[shape].smallest
    while size <= largest:
        found = attempt(shape, size, arguments, limit)
        if "seconds" not in found or found["code"] == 70:
            row.append("crashes" if found["code"] == 70 else f"over {limit:.0f} s")
            break
        seconds = found["seconds"]
        if found["code"] not in (0, 3):
            row.append(f"refused in {short(seconds)}")
            break
        exponent = math.log10(seconds / before) if before else 0.0
        row.append(short(seconds) + (f" ^{exponent:.1f}" if before else ""))
        if seconds > ENOUGH:
            break
        before = seconds
        size *= 10
    return row


def measured(
    largest: int = MANY,
    limit: float = LIMIT,
    shapes: tuple[str, ...] = (),
    commands: tuple[str, ...] = (),
) -> Iterator[Table]:
    """A table a shape, a row a command; of all shapes and commands unless they are named."""
    for shape in shapes or tuple(GROWING):
        form = GROWING[shape]
        sizes = [form.smallest * 10**k for k in range(8) if form.smallest * 10**k <= largest]
        rows = []
        for name in commands or tuple(COMMANDS):
            if name in form.without:
                continue
            progress(f"{shape}: {name}")
            row = cells(shape, COMMANDS[name], largest, limit)
            rows.append([name, *row, *[""] * (len(sizes) - len(row))])
        progress("")
        yield Table(
            f"Growth, {shape}: {form.meaning}",
            "Seconds of processor time at so many parts, and ^the exponent since the size before: 1 is "
            f"linear. No larger size is tried after {ENOUGH:.0f} s.",
            ("command", *[f"{size:,}" for size in sizes]),
            rows,
        )


if __name__ == "__main__":
    form, units, *rest = sys.argv[1:]
    print(json.dumps(run(form, int(units), rest)))
