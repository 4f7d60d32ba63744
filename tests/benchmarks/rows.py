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

import backprop_grammar

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
    report["forms"] = forms(count, rows)
    return report


FORMS: dict[str, tuple[str, str, dict[str, float], Callable[..., Sequence[Any]]]] = {
    "a residual": (
        "(w*x0 + b - x1)^2", "x0 x1", {"w": 0.7, "b": 0.3},
        lambda x0, x1, w, b: residual(x0, x1, w, b),
    ),
    "a logistic loss": (
        "z = w1*x1 + w2*x2 + b; softplus(z) - t*z", "x1 x2 t", {"w1": 1.3, "w2": -0.8, "b": 0.2},
        lambda x1, x2, t, w1, w2, b: logistic(x1, x2, t, w1, w2, b),
    ),
    "tanh and log": (
        "tanh(w*x + b)*v + log(1 + x^2)", "x", {"w": 0.7, "b": 0.3, "v": -1.5},
        lambda x, w, b, v: tanh_and_log(x, w, b, v),
    ),
    "a determinant": (
        "x*y - z*w", "x y z w", {},
        lambda x, y, z, w: (x * y - z * w, y.copy(), x.copy(), -w, -z),
    ),
}  # fmt: skip
"""Ordinary programs: the columns, the other inputs, and the value and all gradients by hand."""

PIECE = 16_384
"""Rows that every contestant computes together."""


def residual(x0: Column, x1: Column, w: float, b: float) -> Sequence[Column]:
    r = w * x0 + b - x1
    up = 2 * r
    return r * r, up * w, -up, up * x0, up.copy()


def logistic(x1: Column, x2: Column, t: Column, w1: float, w2: float, b: float) -> Sequence[Column]:
    z = w1 * x1 + w2 * x2 + b
    e = np.exp(-np.abs(z))
    up = np.where(z > 0, 1.0, e) / (1 + e) - t
    value = np.maximum(z, 0) + np.log1p(e) - t * z
    return value, up * w1, up * w2, -z, up * x1, up * x2, up.copy()


def tanh_and_log(x: Column, w: float, b: float, v: float) -> Sequence[Column]:
    h, square = np.tanh(w * x + b), 1 + x * x
    up = (1 - h * h) * v
    return h * v + np.log(square), up * w + 2 * x / square, up * x, up.copy(), h.copy()


def numbers_of(names: str, rows: int) -> dict[str, Column]:
    """Normal numbers; labels of 0 and 1 for t."""
    random = np.random.default_rng(6)
    return {
        name: random.integers(0, 2, rows).astype(float) if name == "t" else random.normal(size=rows)
        for name in names.split()
    }


def forms(count: int, rows: int) -> dict[str, dict[str, list[float]]]:
    """Seconds of NumPy by hand, of ours mapped with certified rows, and of ours reduced."""
    found: dict[str, dict[str, list[float]]] = {}
    for name, (text, names, at, by_hand) in FORMS.items():
        columns = numbers_of(names, rows)
        mapper = backprop_grammar.Program(text).mapper(list(columns), at, wrt=[*columns, *at])

        def hand(columns=columns, at=at, by_hand=by_hand) -> list[Column]:  # type: ignore[no-untyped-def]
            results = [np.empty(rows) for _ in range(1 + len(columns) + len(at))]
            for start in range(0, rows, PIECE):
                here = slice(start, start + PIECE)
                some = by_hand(*(column[here] for column in columns.values()), **at)
                for result, piece in zip(results, some, strict=True):
                    result[here] = piece
            return results

        def reduced(columns=columns, mapper=mapper) -> None:  # type: ignore[no-untyped-def]
            sums = mapper.sums(columns)
            if sums.unsure:
                sums.settle(mapper.exactly(sums, columns, sums.unsure), sums.unsure)

        mine = mapper(columns)
        for a, b in zip(hand(), (mine.value, *mine.gradients.values()), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)
        ready = {"hand": hand, "mapped": lambda m=mapper, c=columns: m(c), "reduced": reduced}
        found[name] = rounds({k: lambda work=work: timed(work) for k, work in ready.items()}, count)
    return found


def ordinary_forms(found: Mapping[str, Mapping[str, Sequence[float]]], rows: int) -> Table:
    """What certified rows cost beside NumPy, of programs whose sums cancel here and there."""
    cells = []
    for name, (text, *_) in FORMS.items():
        seconds = found[name]
        hand, *ours = (seconds[k] for k in ("hand", "mapped", "reduced"))
        ratios = [median([a / b for a, b in zip(one, hand, strict=True)]) for one in ours]
        cells.append([
            name, text, short(median(hand) / rows * 1e9), *(
                cell for one, ratio in zip(ours, ratios, strict=True)
                for cell in (short(median(one) / rows * 1e9), times(ratio))
            ),
        ])  # fmt: skip
    return Table(
        "Ordinary programs",
        f"The value and the gradients by all inputs over {rows:,} rows of normal numbers, one core, "
        "nanoseconds of processor time per row: NumPy as one writes it by hand, in chunks that stay "
        "in cache; ours with every row certified; ours when only the sums are asked for, certified. "
        "Ratios are medians over rounds.",
        ("form", "program", "NumPy", "mapped", "to NumPy", "reduced", "to NumPy"),
        cells,
    )


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
    return [table, ordinary_forms(found["forms"], rows), shared(count, rows)]


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
