"""Files of points: finding them, and looking at their columns.

Whatever arrives, a file, a pattern or a pipe, is a file with known columns before the work begins.
"""

import glob
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from backprop_grammar.errors import shorten, usage

from . import io as tables
from . import shipped
from .atomic import passing, private, terminable

__all__ = ["PIPE", "Points", "files_of", "is_pattern", "opened"]

PIPE = "standard input"
"""What it is called."""


@dataclass(frozen=True, slots=True)
class Points:
    """A file of points: what it is called, where it is, its format, and its columns.

    separator: of CSV.
    """

    name: str
    path: str
    form: str
    columns: dict[str, str]
    separator: str = tables.COMMA


def is_pattern(text: str) -> bool:
    """Whether a text names the files that match it."""
    return glob.has_magic(text) and "://" not in text and not os.path.exists(text)  # noqa: PTH110


def files_of(points: Sequence[str]) -> list[str]:
    """The files that the options name, patterns and samples (`@name`) expanded, each once, however
    it is spelt.

    Raises BackpropError for an empty name, and for a pattern that matches nothing.
    """
    result = dict[str, str]()
    for text in points:
        if not text:
            raise usage("--points names no file", "give a file with --points FILE")
        matches = [str(shipped.sample(text[1:], ".csv")) if text.startswith("@") else text]
        if is_pattern(text):
            matches = sorted(glob.glob(text, recursive=True))  # noqa: PTH207  absolute patterns too
            if not matches:
                raise usage(f"no file is named {shorten(text)}", "check the pattern")
        for path in matches:
            alone = path == "-" or "://" in path
            result.setdefault(path if alone else os.path.realpath(path), path)
    return list(result.values())


def opened(
    stack: ExitStack, path: str, form: str, absolute: bool, separator: str = tables.COMMA
) -> Points:
    """A file of points with its columns; a pipe is copied to a temporary file first.

    form: the name of its format, or empty. absolute: other machines will look for it. separator: of
    CSV. Raises BackpropError for a folder, for no known format, and for a file that cannot be read.
    """
    is_sample = Path(path).parent == shipped.folder()
    called = PIPE if path == "-" else Path(path).name if is_sample else path
    if path != "-" and os.path.isdir(path):  # noqa: PTH112  which takes any text
        raise usage(f"{path} is a folder", f'name its files: --points "{path}/*.csv"')
    form = tables.format_of(path, form, "--from", "csv" if path == "-" else "")
    if path == "-" and sys.stdin is None:
        raise usage(f"{PIPE} is closed", "give a file of points")
    place = path
    special = os.path.exists(path) and not os.path.isfile(path)  # noqa: PTH110, PTH113
    if path == "-" or ("://" not in path and special):
        place = stack.enter_context(copied(path))
    elif absolute and "://" not in path:
        place = os.path.abspath(path)  # noqa: PTH100  the workers run elsewhere
    columns = tables.columns_of(place, form, called, separator)
    return Points(called, place, form, columns, separator)


@contextmanager
def copied(path: str) -> Iterator[str]:
    """A temporary copy of what comes through a pipe, which is larger than memory perhaps."""
    with terminable():
        place = Path(tempfile.gettempdir(), f"backprop.{os.urandom(6).hex()}")
        with passing(place):
            with open(place, "xb", opener=private) as copy:
                if path == "-":
                    shutil.copyfileobj(sys.stdin.buffer, copy)
                else:
                    with Path(path).open("rb") as stream:
                        shutil.copyfileobj(stream, copy)
            yield str(place)
