"""Many points from file to file: `backprop map`, as a whole process.

The command is timed as its user meets it, so that reading and writing count; and what it needs of
memory is what the system says of that process.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from .neurons import PROGRAM
from .report import Table, median, present, progress, rounds, short

FORMS = ("csv", "parquet")

LIMIT = 900.0
"""Seconds that one run may take."""

MAKE = """
import sys
from tests.benchmarks.rows import NAMES, ordinary
import polars
frame = polars.DataFrame(dict(zip(NAMES, ordinary(int(sys.argv[1])))))
frame.write_csv(sys.argv[2] + ".csv"); frame.write_parquet(sys.argv[2] + ".parquet")
"""

CHECK = """
import sys
from tests.benchmarks.rows import NAMES, references, wrong
import polars
read = {"csv": polars.read_csv, "parquet": polars.read_parquet}
for form, reader in read.items():
    given, found = (reader(f"{path}.{form}") for path in sys.argv[1:])
    answer = [found[name].to_numpy() for name in ("value", *["d_" + name for name in NAMES])]
    assert len(given) == len(found)
    rows = range(0, len(given), len(given) // 50)
    truth = references([given[name].to_numpy() for name in NAMES], rows)
    assert wrong(answer, truth) == (0, 0)
"""
"""Both in processes of their own, so that this one stays small: what a process holds before it
becomes another counts as the other's."""


def has_map() -> bool:
    """Whether the command is there."""
    command = [sys.executable, "-m", "backprop_cli", "map", "--help"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def python(script: str, *arguments: str) -> None:
    from .report import ROOT

    subprocess.run([sys.executable, "-c", script, *arguments], cwd=ROOT, check=True)


def mapped(points: Path, out: Path) -> tuple[float, float]:
    """Seconds and mebibytes of one run of the command."""
    command = ["map", PROGRAM, "--points", str(points), "-o", str(out)]
    out.unlink(missing_ok=True)
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "backprop_cli", *command],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise AssertionError(f"map ends with {process.returncode}")
    return seconds, usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def measured(count: int, rows: int) -> Table:
    """Rows per second and peak memory, from CSV and from Parquet."""
    note = f"`backprop map` of the same neuron over a file of {rows:,} rows, {count} rounds."
    heads = ("format", "seconds", "rows per second", "least seconds", "peak memory")
    title = f"Many points from file to file: {rows:,} rows"
    if not has_map() or not present("polars"):
        why = "backprop map is missing" if not has_map() else "polars is absent"
        return Table(title, note, heads, [[why, "", "", "", ""]])
    with tempfile.TemporaryDirectory() as folder:
        points = Path(folder) / "points"
        progress(f"writing {rows:,} rows")
        python(MAKE, str(rows), str(points))

        def once(form: str) -> Callable[[], tuple[float, float]]:
            return lambda: mapped(points.with_suffix(f".{form}"), Path(folder) / f"out.{form}")

        found = rounds({form: once(form) for form in FORMS}, count)
        python(CHECK, str(points), str(Path(folder) / "out"))
    cells = []
    for form, figures in found.items():
        seconds = [one for one, _ in figures]
        cells.append([
            form, short(median(seconds)), f"{rows / median(seconds):,.0f}", short(min(seconds)),
            f"{median([memory for _, memory in figures]):,.0f} MiB",
        ])  # fmt: skip
    return Table(title, note, heads, cells)
