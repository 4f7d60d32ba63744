"""Many points in memory: nanoseconds per row on one core, beside the limit of its memory.

Five columns of numbers come in and six go out, so no contestant can be faster than copying them;
that is measured in the same rounds. And speed is only half of it: on rows that overflow and cancel,
the same contestants are asked how many answers are wrong without a word.
"""

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from multiprocessing import get_context
from typing import Any

import mpmath
import numpy as np

from .neurons import (
    BY_HAND,
    CONTESTANTS,
    FLOOR,
    NAMES,
    OURS,
    Answer,
    Column,
    bind,
    has,
)
from .report import ROOT, SINGLE, Table, median, rounds, short, times

WRONG = 1e-12
"""Relative error above which a number is wrong."""

ROUGHLY = 1e-4
"""What any contestant must keep at ordinary rows, or it computes something else."""

SOME = 3_000
"""Ordinary and hostile rows at which the answers are counted."""

TINY = 5e-324

DIGITS = 120
"""Of the reference: the terms of a sum reach from 1e16 down to what is left of them."""


def ordinary(rows: int, seed: int = 1) -> list[Column]:
    """Five columns of normal numbers, as a neuron sees them."""
    random = np.random.default_rng(seed)
    return [random.normal(scale=2.0, size=rows) for _ in NAMES]


def hostile(rows: int, seed: int = 2) -> list[Column]:
    """A third each: sums that cancel; sigmoids saturated up to +-800; ordinary rows."""
    random = np.random.default_rng(seed)
    w0, x0, w1, x1, w2 = columns = ordinary(rows, seed)
    third = rows // 3
    cancel, far = slice(third), slice(third, 2 * third)
    w0[cancel] *= 10.0 ** random.uniform(3, 12, third)
    w1[cancel] = -w0[cancel]
    x1[cancel] = x0[cancel] * (1 + random.integers(-4, 5, third) * 2.0**-52)
    w2[far] = random.uniform(-800, 800, third)
    return columns


def reference(point: Sequence[float]) -> list[Any]:
    """The value and the gradients of one row, exactly, for any purpose here."""
    with mpmath.workdps(DIGITS):
        w0, x0, w1, x1, w2 = map(mpmath.mpf, point)
        e = mpmath.exp(-(w0 * x0 + w1 * x1 + w2))
        slope = e / (1 + e) ** 2
        return [1 / (1 + e), slope * x0, slope * w0, slope * x1, slope * w1, slope]


def references(columns: Sequence[Column], asked: Iterable[int]) -> dict[int, list[Any]]:
    """The truth at some rows."""
    return {row: reference([column[row] for column in columns]) for row in asked}


def wrong(answer: Answer, truth: Mapping[int, list[Any]], error: float = WRONG) -> tuple[int, int]:
    """Of the rows of the truth: how many have a wrong number, and how many others a NaN."""
    errors = missing = 0
    for row, right in truth.items():
        numbers = [float(column[row]) for column in answer]
        with mpmath.workdps(DIGITS):
            bad = any(
                not math.isnan(number) and not abs(number - exact) <= error * abs(exact) + TINY
                for number, exact in zip(numbers, right, strict=True)
            )
        errors += bad
        missing += not bad and any(map(math.isnan, numbers))
    return errors, missing


def worker(count: int, rows: int) -> dict[str, Any]:
    """All that is measured in a process that is bound to one core."""
    columns = ordinary(rows)
    few, many = ordinary(SOME, 4), hostile(SOME, 5)
    right, hard = references(few, range(SOME)), references(many, range(SOME))
    sample = references(columns, np.random.default_rng(3).integers(0, rows, 50).tolist())
    ready: dict[str, Callable[[], float]] = {}
    report: dict[str, Any] = {"absent": {}, "wrong": {}}
    for name, (module, make) in CONTESTANTS.items():
        if not has(module):
            report["absent"][name] = "absent"
            continue
        try:
            work = make(columns)
            answer = work()  # compiles, fills caches
        except Exception as error:  # a peer that does not run here must not end the rest
            if module == "backprop_grammar.batch.evaluator":
                raise
            report["absent"][name] = f"fails: {type(error).__name__}"
            continue
        if name != FLOOR:
            if wrong(answer, sample, ROUGHLY) != (0, 0):
                raise AssertionError(f"{name} is wrong by more than {ROUGHLY}")
            report["wrong"][name] = wrong(make(few)(), right) + wrong(make(many)(), hard)
        ready[name] = lambda work=work: timed(work)
        del answer
    report["seconds"] = rounds(ready, count)
    return report


def timed(work: Callable[[], Any], clock: Callable[[], float] = time.process_time) -> float:
    start = clock()
    work()
    return clock() - start


def half(name: str, rows: int, seed: int, start: Any, results: Any) -> None:
    """One of some processes that work at the same time, each on rows of its own."""
    work = CONTESTANTS[name][1](ordinary(rows, seed))
    work()
    start.wait()
    results.put(timed(work, time.perf_counter))


def together(name: str, rows: int, processes: int) -> float:
    """Seconds that so many processes need for the rows, shared between them."""
    context = get_context("spawn")
    start, results = context.Barrier(processes), context.Queue()
    started = [
        context.Process(target=half, args=(name, rows // processes, seed, start, results))
        for seed in range(processes)
    ]
    for process in started:
        process.start()
    seconds = max(results.get(timeout=300) for _ in started)
    for process in started:
        process.join()
    return seconds


def measured(count: int, rows: int) -> list[Table]:
    """Rows in memory on one core, and how two processes compare with one."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.rows", str(count), str(rows)],
        cwd=ROOT, env=os.environ | SINGLE, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1])
    seconds = found["seconds"]
    floor = median(seconds[FLOOR])
    mine = median(seconds[OURS]) if OURS in seconds else 0.0
    cells = []
    for name in CONTESTANTS:
        if name in found["absent"]:
            cells.append([name, found["absent"][name], *[""] * 7])
            continue
        middle = median(seconds[name])
        counts = map(str, found["wrong"].get(name, "----"))
        cells.append([
            name, short(middle / rows * 1e9), short(min(seconds[name]) / rows * 1e9),
            times(middle / floor), times(middle / mine) if mine else "-", *counts,
        ])  # fmt: skip
    table = Table(
        "Many points in memory",
        f"The sigmoid neuron with five partials over {rows:,} rows, one core, {count} rounds, "
        "nanoseconds of processor time per row. The memory limit is to copy the five columns and fill a sixth, 88 "
        f"bytes per row. The last columns: of {SOME:,} ordinary rows, and of {SOME:,} hostile ones, a "
        "third of which cancel and a third of which are saturated up to +-800, those with a number "
        "that is wrong by more than 1e-12 of it, and others with NaN, which for ours is a row that "
        "it refuses, saying why.",
        (
            "contestant",
            "median",
            "least",
            "to the limit",
            "to ours",
            "wrong",
            "NaN",
            "wrong, hostile",
            "NaN, hostile",
        ),
        cells,
    )
    return [table, shared(count, rows)]


def shared(count: int, rows: int) -> Table:
    """Two processes against one."""
    names = [name for name in (FLOOR, OURS, BY_HAND) if has(CONTESTANTS[name][0])]
    found = rounds(
        {
            f"{name} {processes}": lambda name=name, k=processes: together(name, rows, k)
            for name in names
            for processes in (1, 2)
        },
        count,
    )
    cells = []
    for name in names:
        one, two = median(found[f"{name} 1"]), median(found[f"{name} 2"])
        cells.append([name, short(one / rows * 1e9), short(two / rows * 1e9), times(one / two)])
    return Table(
        "Two processes",
        f"Nanoseconds per row, {rows:,} rows shared between them, {count} rounds, "
        "by the clock, not bound to a core.",
        ("contestant", "one process", "two", "faster by"),
        cells,
    )


if __name__ == "__main__":
    bind()
    with np.errstate(all="ignore"):
        print(json.dumps(worker(*map(int, sys.argv[1:]))))
