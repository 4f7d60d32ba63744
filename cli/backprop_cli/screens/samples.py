"""The list of samples on a terminal."""

from collections.abc import Mapping
from pathlib import Path

from rich.cells import cell_len
from rich.text import Text

from .terminal import NAME, QUIET, console, wrapped

__all__ = ["show_all"]

HINT = "--file @NAME reads one, `backprop samples NAME` prints it"


def show_all(samples: Mapping[str, Path]) -> None:
    """A line for each sample: its name, and what its first line says."""
    screen = console()
    longest = max((cell_len(name) for name in samples), default=0)
    for name, path in samples.items():
        line = Text.assemble((name.ljust(longest), NAME), "  ", summary(path))
        for part in wrapped(line, screen.width, longest + 2):
            screen.print(part, crop=False, overflow="ignore")
    for part in [Text(), *wrapped(Text(HINT, QUIET), screen.width)]:
        screen.print(part, crop=False, overflow="ignore")


def summary(path: Path) -> str:
    """What a program's first comment says; of a table, its columns."""
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    if first.startswith("#"):
        return first.removeprefix("#").strip()
    return f"A table of points with the columns {first.replace(',', ', ')}; --points @{path.stem}"
