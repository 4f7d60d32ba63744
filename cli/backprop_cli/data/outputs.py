"""Where the results go: a file or a folder, in which format, and what may not be replaced."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from backprop_grammar.batch import exact_sums as exact
from backprop_grammar.errors import shorten, usage
from backprop_grammar.operations.shape import Shape

from ..screens.diagnostics import refusal, say
from . import io as tables
from .atomic import atomic_file, terminable, writing
from .columns import COUNTS
from .jobs import Tally
from .sources import PIPE, Points

__all__ = [
    "Destination",
    "check_columns",
    "is_newer",
    "make_folder",
    "standard_output",
    "write_reduced",
]


@dataclass(frozen=True, slots=True)
class Destination:
    """What the options say of the output.

    place: the file or the folder that is written; None where the output is printed. folder:
    whether it is one. form: the format that --to names, or empty. reduced: whether one row is
    written. absolute: whether other machines are told the place.
    """

    place: Path | None
    folder: bool
    form: str
    reduced: bool
    absolute: bool

    def format_for(self, form: str) -> str:
        """The format of the output: as asked for, of its suffix, or that of the points."""
        place = self.place
        default = "csv" if place is None and form == "parquet" else form
        if place and not self.folder and place.suffix:
            if place.suffix.lower() in tables.PACKED:
                message = f"{place} would not be packed: packed files are read, not written"
                raise usage(message, f"write {place.with_suffix('')}, and pack it")
            default = ""
        to = tables.format_of(str(place or ""), self.form, "--to", default)
        if place is None and to == "parquet" and sys.stdout.isatty():
            raise usage("parquet is not for a terminal", "give a file with -o, or --to csv")
        return to

    def targets(self, files: Sequence[Points], program: Path | None) -> list[tuple[Points, str]]:
        """The output of each file: a path, or `-`.

        program: its file. Raises BackpropError where an output would replace what is read.
        """
        place = self.place
        if place is None:
            if len(files) > 1 and not self.reduced:
                message = "several files are mapped to several files"
                raise usage(message, "give a folder with -o, or --reduce them")
            return [(one, "-") for one in files]
        read = [one.path for one in files]
        if self.reduced:
            if self.folder:
                hint = "--reduce writes one row: give the name of a file"
                raise usage(f"{place} is a folder", hint)
            parent = Path(os.path.realpath(place)).parent
            if not parent.is_dir():
                message = f"cannot write {place}: there is no folder {parent}"
                raise usage(message, "make it, or choose another place")
            check_kept(place, read, program)
            return [(one, "-") for one in files]
        target = place.absolute() if self.absolute else place
        if self.folder:
            if place.exists() and not place.is_dir():
                what = "several files" if len(files) > 1 else "the files of a pattern"
                raise usage(f"{place} is a file", f"{what} are written into a folder")
            pairs = [
                (one, str(target / name_in_folder(one, self.format_for(one.form)))) for one in files
            ]
        else:
            self.format_for(files[0].form)
            pairs = [(files[0], str(target))]
        names = dict[str, str]()
        for one, path in pairs:
            if path in names:
                raise usage(
                    f"{names[path]} and {one.name} would both become {path}", "map them apart"
                )
            names[path] = one.name
            check_kept(Path(path), read, program)
        return pairs


def check_columns(
    files: Sequence[Points], results: dict[str, str], destination: Destination
) -> None:
    """Raise BackpropError where a file's columns and those of its results cannot be written."""
    columns = tables.whole_columns(results.values())
    for one in files:
        clash = next((new for new in columns if new in one.columns), "")
        if clash:
            whose = f"the points in {one.name}" if len(files) > 1 else "the points"
            raise usage(f"{whose} have a column {shorten(clash)} already", tables.RENAME)
        tables.check_writable(one.columns, one.name, destination.format_for(one.form))


def check_kept(place: Path, points: Sequence[str], program: Path | None) -> None:
    """Raise BackpropError where an output is a file that is read, by whatever name."""
    if not place.exists():
        return
    for what, path in [*(("points", path) for path in points), ("program", program or "")]:
        if str(path) not in ("", "-") and Path(path).exists() and place.samefile(path):
            message = f"{place} would take the place of its own {what}"
            raise usage(message, "write it somewhere else")


def make_folder(folder: Path) -> None:
    """Make a folder. Raises BackpropError where that cannot be done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"cannot make the folder {folder}: {refusal(error)}"
        raise usage(message, "choose another place") from None


def name_in_folder(one: Points, to: str) -> str:
    """The name of an output in a folder: the points', with the suffix of the format."""
    name = "points" + tables.FORMATS[one.form] if one.name == PIPE else one.name.rsplit("/", 1)[-1]
    while Path(name).suffix.lower() in tables.PACKED:
        name = Path(name).stem
    return name if one.form == to else str(Path(name).with_suffix(tables.FORMATS[to]))


def is_newer(target: str, source: str) -> bool:
    """Whether an output is there, and no older than its points."""
    path, points = Path(target), Path(source)
    return path.exists() and (not points.exists() or path.stat().st_mtime >= points.stat().st_mtime)


def standard_output() -> IO[bytes]:
    """Standard output for bytes, after the text that was printed."""
    sys.stdout.flush()
    return sys.stdout.buffer


def write_reduced(
    tally: Tally,
    results: dict[str, str],
    reduce: str,
    place: Path | None,
    form: str,
    separator: str,
    grouped: Mapping[str, Shape],
) -> bool:
    """Write the one row of all points; whether all of its numbers are floats.

    separator: of CSV. grouped: columns of lists among the results, with the shapes in them.
    """
    finite = True
    good = tally.rows - tally.failed
    numbers = dict[str, float | None]()
    for name, new in results.items():
        number = None
        if good or reduce == "sum":
            number = exact.value(tally.sums[name], good if reduce == "mean" else 1)
            if abs(number) == float("inf"):
                say("flag", f"the {reduce} of {name} is beyond the largest float")
                number, finite = None, False
        numbers[new] = number
    pl = tables.library()
    counts = dict(zip(COUNTS, (tally.rows, tally.failed), strict=True))
    row = pl.DataFrame(
        {name: [number] for name, number in (numbers | counts).items()},
        schema_overrides=dict.fromkeys(numbers, pl.Float64),
    )
    frame = tables.listed(row, grouped).lazy()
    if place is None:
        with writing("standard output"), tables.reading("the sums"):
            tables.write(frame, standard_output(), form, False, separator)
    else:
        with terminable(), atomic_file(place) as stream, tables.reading("the sums"):
            tables.write(frame, stream, form, False, separator)
    return finite
