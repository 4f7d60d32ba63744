"""Arrays in files: W=@w.csv, x=@x.npy, @weights.npz.

A file of NumPy's is looked at before it is read, and nothing in it is ever run.
"""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backprop_grammar.arrays.point import NARROW, array
from backprop_grammar.errors import BackpropError, shorten, usage, visible
from backprop_grammar.language.graph import Array
from backprop_grammar.language.nearest import DECIMAL, literal
from backprop_grammar.operations.shape import LARGEST, said

from ..screens.diagnostics import refusal
from .documents import document_of
from .texts import read_text

__all__ = ["cells_of", "failed", "held_in", "opened", "read_archive", "read_array"]


def failed(name: str, why: str, hint: str) -> BackpropError:
    """The error of a file. why: what is said of it; hint: the way out."""
    return BackpropError("file", f"{name} {why}", hint=hint)


def read_array(name: str) -> tuple[float | Array, list[str]]:
    """The array of a file, or standard input (`-`), and remarks on it.

    A name that ends in .npy is NumPy's; else it is a text, numbers with a comma, a semicolon, a
    tab or blanks between them, or nested lists of JSON. Raises BackpropError for what is neither.
    """
    if name.lower().endswith(".npz"):
        found, notes = read_archive(name)
        if len(found) != 1:
            held = ", ".join(found)
            raise failed(name, f"holds {len(found)} arrays, {shorten(held)}", f"write @{name} for all of them, each by its name")  # fmt: skip
        return next(iter(found.values())), notes
    if name.lower().endswith(".npy"):
        with opened(name) as numpy, Path(name).open("rb") as stream:
            return of_numpy(numpy, stream, name, name)
    text = read_text(name)
    shown = "standard input" if name == "-" else name
    if text.lstrip().startswith(("[", "{")):
        return of_json(text, shown), []
    return of_csv(text, shown), []


def read_archive(name: str) -> tuple[dict[str, float | Array], list[str]]:
    """The arrays of a .npz file by their names, and remarks. Raises BackpropError as read_array."""
    found: dict[str, float | Array] = {}
    notes: list[str] = []
    with opened(name) as numpy, zipfile.ZipFile(name) as archive:
        for member in archive.namelist():
            label = member.removesuffix(".npy")
            if label == member:
                raise failed(name, f"holds {shorten(visible(member))}, which is no array", "write it with numpy.savez")  # fmt: skip
            with archive.open(member) as stream:
                found[label], more = of_numpy(numpy, stream, label, f"{label} of {name}")
            notes += more
    if not found:
        raise failed(name, "holds no array", "write it with numpy.savez")
    return found, notes


class opened:  # noqa: N801  read as a word
    """Around the reading of a file of NumPy's, which gives NumPy; its faults become errors."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> Any:
        try:
            import numpy  # the one extra that these files need
        except ImportError:
            message = f"{self.name} is read with numpy, which is not installed"
            raise usage(message, "pip install 'backprop-cli[data]', or write it as text: w.csv") from None  # fmt: skip
        return numpy

    def __exit__(self, kind: Any, error: Any, _trace: Any) -> None:
        if error is None or isinstance(error, BackpropError):
            return
        if isinstance(error, OSError) and error.errno:
            raise usage(f"cannot read {self.name}: {refusal(error)}", "check the name of the file") from None  # fmt: skip
        if isinstance(error, Exception):  # whatever a broken file makes of its reader
            raise failed(self.name, "is no file of NumPy's, or a broken one", "write it with numpy.save, or numpy.savez for .npz") from None  # fmt: skip


def of_numpy(numpy: Any, stream: Any, _label: str, shown: str) -> tuple[float | Array, list[str]]:
    """The array of a stream in NumPy's format."""
    held = held_in(numpy, stream, shown, 2)
    name = held.dtype.name
    notes = []
    if name in NARROW:
        notes.append(f"{shown} is of {NARROW[name]}, and each number is taken as it is held: 0.1 is {float(held.dtype.type(0.1)):.12g}")  # fmt: skip
    return array(held, shown) if held.shape else float(held.reshape(1)[0]), notes


def held_in(numpy: Any, stream: Any, shown: str, axes: int) -> Any:
    """NumPy's array of a stream in its format, whose header is judged before its data is read."""
    layout = numpy.lib.format
    version = layout.read_magic(stream)
    read = layout.read_array_header_1_0 if version == (1, 0) else layout.read_array_header_2_0
    shape, in_columns, dtype = read(stream, max_header_size=10_000)
    hint = "an array holds real numbers: write it with numpy.save(file, x.astype(float))"
    if dtype.hasobject:
        raise failed(shown, "holds objects of Python, which are not read", hint)
    if dtype.kind not in "fiub":
        what = "complex numbers" if dtype.kind == "c" else f"the type {shorten(str(dtype))}"
        raise failed(shown, f"holds {what}", hint)
    if len(shape) > axes:
        raise failed(shown, f"has {len(shape)} axes, {said(shape)}", "arrays have two at most: save one slice, such as x[0]")  # fmt: skip
    if 0 in shape:
        raise failed(shown, f"is empty: its shape is {said(shape)}", "an array has one number at least")  # fmt: skip
    count = 1
    for length in shape:
        count *= length
    if count > LARGEST:
        raise failed(shown, f"has {count:,} elements, more than {LARGEST:,}", "save fewer rows")
    data = stream.read(count * dtype.itemsize)
    if len(data) < count * dtype.itemsize:
        raise failed(shown, f"ends after {len(data):,} bytes of {count * dtype.itemsize:,}", "it is broken: write it again")  # fmt: skip
    held = numpy.frombuffer(data, dtype=dtype)
    return held.reshape(shape, order="F" if in_columns else "C")


def of_json(text: str, shown: str) -> float | Array:
    """Nested lists of JSON; or a document of the tool's, whose value is meant."""
    document = document_of(text, shown)
    if isinstance(document, dict):
        hint = f"write @{shown} alone for the values of all its names"
        raise failed(shown, "holds an object, and one array is meant", hint)
    return array(document, shown)


def of_csv(text: str, shown: str) -> float | Array:
    """Rows of decimals. One row, or one column, is a vector; one number is one.

    Raises BackpropError for a header, an empty cell, and rows that are not as long.
    """
    rows = [[literal(cell) for cell in cells] for cells in cells_of(text, shown)]
    if len(rows) == len(rows[0]) == 1:
        return rows[0][0]
    if len(rows) == 1 or len(rows[0]) == 1:
        return array([x for row in rows for x in row], shown)
    return array(rows, shown)


def cells_of(text: str, shown: str) -> list[list[str]]:
    """The rows of such a text as it is written. Raises BackpropError as of_csv."""
    lines = list(lines_of(text))
    if not lines:
        raise failed(shown, "holds no numbers", "write the rows of an array, a line each: 1,2,3")
    first = lines[0][1]
    sign = next((c for c in "\t;," if c in first), None)
    rows: list[list[str]] = []
    for number, line in lines:
        cells = [cell.strip().strip('"') for cell in line.split(sign)]
        wrong = next((cell for cell in cells if not number_of(cell)), None)
        if wrong is not None:
            if not rows and re.search("[A-Za-z_]", wrong) and not any(map(number_of, cells)):
                raise failed(
                    shown, f"begins with a header, {shorten(visible(line.strip()))}",
                    "a file of an array holds numbers alone: remove that line",
                )  # fmt: skip
            what = f"{shorten(visible(wrong))}, which is no finite number" if wrong else "an empty cell"  # fmt: skip
            raise failed(shown, f"has {what} in line {number}", "write decimals with a point, and commas between them")  # fmt: skip
        rows.append(cells)
        if len(cells) != len(rows[0]):
            counts = f"{len(cells)} number{'s' * (len(cells) != 1)} in line {number}, and {len(rows[0])} in line {lines[0][0]}"  # fmt: skip
            raise failed(shown, f"has {counts}", "all rows of a matrix are as long")
    return rows


def lines_of(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a text with their numbers, without empty ones and comments."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line


def number_of(cell: str) -> bool:
    """Whether a cell is a decimal that a float holds."""
    return re.match(DECIMAL, cell) is not None and abs(literal(cell)) != float("inf")
