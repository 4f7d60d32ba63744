"""What the three parts share: rounds, tables, and the machine.

A table is only strings, so the screen and the README show the same one.
"""

import importlib.metadata
import importlib.util
import json
import os
import platform
import random
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.table import Table as Screen
from rich.text import Text

ROOT = Path(__file__).parents[2]

T = TypeVar("T")

PACKAGES = (
    "backprop-cli", "micrograd", "autograd", "torch", "jax", "sympy", "casadi", "numpy",
    "numexpr", "numba", "polars", "pyarrow",
)  # fmt: skip

SINGLE = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "NUMEXPR_MAX_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "JAX_PLATFORMS": "cpu",
}
"""Settings that keep the peers to one thread; besides, the process is bound to one core."""


@dataclass(frozen=True, slots=True)
class Table:
    """A title, a paragraph that says what was measured, the heads, and rows of as many cells."""

    title: str
    note: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


def rounds(contestants: Mapping[str, Callable[[], T]], count: int) -> dict[str, list[T]]:
    """What every contestant returns, in each of so many rounds, each in an order of its own."""
    order = random.Random(count)
    figures: dict[str, list[T]] = {name: [] for name in contestants}
    for number in range(count):
        names = list(contestants)
        order.shuffle(names)
        for name in names:
            progress(f"round {number + 1} of {count}: {name}")
            figures[name].append(contestants[name]())
    progress("")
    return figures


def progress(text: str) -> None:
    """One line on a terminal's standard error, which the next one replaces."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


median = statistics.median


def present(module: str) -> bool:
    """Whether a peer is installed, found without importing it."""
    return importlib.util.find_spec(module) is not None


def short(number: float) -> str:
    """Three significant digits, without an exponent."""
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.{2 if number < 10 else 1}f}"


def times(ratio: float) -> str:
    return f"{short(ratio)} x"


def processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def version(package: str) -> str:
    """A package's version, or "absent"; of ours, also how it was installed."""
    try:
        found = importlib.metadata.distribution(package)
    except importlib.metadata.PackageNotFoundError:
        return "absent"
    origin = json.loads(found.read_text("direct_url.json") or "{}")
    return found.version + (" (editable)" if origin.get("dir_info", {}).get("editable") else "")


def machine() -> Table:
    """The machine, how busy it is, and the versions of all contestants."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (AttributeError, ValueError):
        memory = float("nan")
    rows = [
        ("processor", processor()),
        ("cores", str(usable)),
        ("memory", f"{memory:.0f} GiB"),
        ("system", platform.platform()),
    ]
    if hasattr(os, "getloadavg"):
        rows.append(("load before", f"{os.getloadavg()[0]:.1f}"))
    rows.append(("Python", platform.python_version()))
    rows += [(package, version(package)) for package in PACKAGES]
    return Table("The machine", "", ("what", "which"), rows)


def show(table: Table, markdown: bool) -> None:
    """A table on standard output."""
    if markdown:
        print("\n".join(lines(table)), end="\n\n", flush=True)
        return
    screen = Screen(title=table.title, title_justify="left", title_style="bold", box=None)
    for place, head in enumerate(table.heads):
        screen.add_column(head, justify="right" if place else "left")
    for row in table.rows:
        screen.add_row(*map(Text, row))
    console = Console(highlight=False)
    console.print(screen)
    if table.note:
        console.print(Text(table.note, style="dim"))
    console.print()


def lines(table: Table) -> Iterator[str]:
    """A table in Markdown."""
    yield from (f"**{table.title}**", "")
    yield "| " + " | ".join(table.heads) + " |"
    yield "| --- |" + " ---: |" * (len(table.heads) - 1)
    for row in table.rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
    if table.note:
        yield from ("", table.note)
