"""The run of `backprop map`: which files, which columns, and what is said at the end.

The insight: everything that can be refused is refused before the first row is read, so a long run
fails at its start or not at all.
"""

import os
import secrets
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from backprop_grammar.batch import exact_sums as exact
from backprop_grammar.blocks.names import Names
from backprop_grammar.errors import BackpropError, few, shorten, suggestion, usage
from backprop_grammar.language.graph import Graph

from ..data import io as tables
from ..data.atomic import terminable, whole, writing
from ..data.jobs import STATUS, Job, Tally
from ..data.sources import PIPE, Points, files_of, is_pattern, opened
from ..data.workers import run_jobs
from ..formats import say
from ..input.request import Request

if TYPE_CHECKING:
    from backprop_grammar.batch.evaluator import Kernel

__all__ = ["Asked", "at_kinks", "kernel_of", "run_map", "varying"]

REASONS = 8
"""Reasons that are told at the end, the most frequent first."""

COUNTS = ("rows", "failed")
"""The columns that --reduce adds to the sums."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options of `map` say about files: their texts as they were given.

    folder: whether ``save`` was written as one, with a slash at its end.
    """

    points: list[str]
    columns: str
    source_format: str
    target_format: str
    save: Path | None
    folder: bool
    reduce: str
    strict: bool
    resume: bool
    workers: int
    cluster: str

    @property
    def file(self) -> Path | None:
        """The file or the folder that is written; None where the output is printed."""
        return None if str(self.save) == "-" else self.save


def run_map(request: Request, asked: Asked) -> int:
    """Map a program over files of points, and return the exit code: 3 where a row has no result.

    Raises BackpropError for what is refused, before any work, and for what cannot be read.
    """
    check(request, asked)
    with ExitStack() as stack:
        files = [
            opened(stack, path, asked.source_format, bool(asked.cluster))
            for path in files_of(asked.points)
        ]
        first = files[0]
        graph, at, notes = request.graph(bound=first.columns)
        views = request.views()
        columns = varying(graph, at, views["output"], files)
        at = {name: value for name, value in at.items() if name not in columns}
        names = added(kernel_of(graph, columns, at, views["wrt"], views["output"]).labels, asked)
        folder = into_folder(files, asked)
        if not asked.reduce:
            for one in files:
                clash = next((new for new in names.values() if new in one.columns), "")
                if clash:
                    whose = f"the points in {one.name}" if len(files) > 1 else "the points"
                    raise usage(f"{whose} have a column {shorten(clash)} already", tables.RENAME)
                tables.check_writable(one.columns, one.name, output_format(asked, one.form, folder))
        pairs = targets(files, asked, folder, request.file)
        for name in graph.shadowed:
            if name in columns:
                say("note", f"{name} is your column here, not the constant")
        for name, _ in graph.stages:
            if name and name in first.columns and name not in columns:
                say("note", f"the column {shorten(name)} is not used: {name} is computed by the program")  # fmt: skip
        for note in notes:
            say("note", note.message)
        if asked.resume:
            pairs = [(one, path) for one, path in pairs if not done(one.path, path)]
            if len(pairs) < len(files):
                print(f"{len(files) - len(pairs)} of {len(files)} files are done already", file=sys.stderr)  # fmt: skip
        if asked.file and folder and not asked.reduce:
            made(asked.file)
        mark = secrets.token_hex(4)
        jobs = [
            Job(
                graph.source.text, at, columns, tuple(views["wrt"]), views["output"], one.name,
                one.path, one.form, "" if asked.reduce else path, output_format(asked, one.form), names,
                asked.strict, mark,
            )
            for one, path in pairs
        ]  # fmt: skip
        stream = standard_output() if asked.file is None and not asked.reduce else None
        tally = run_jobs(jobs, asked.workers if len(jobs) > 1 else 0, asked.cluster, stream) if jobs else Tally()  # fmt: skip
    whole_sums = True
    if asked.reduce:
        whole_sums = reduced(tally, names, asked, output_format(asked, first.form))
    remark(tally)
    return 3 if tally.failed or not whole_sums else 0


def check(request: Request, asked: Asked) -> None:
    """Raise BackpropError for options that make no sense together."""
    if not asked.points:
        raise usage(
            "no points are given", "give a file with --points FILE, or - for standard input"
        )
    request.check_input(asked.points)
    if asked.reduce not in ("", "mean", "sum"):
        raise usage(f"--reduce {shorten(asked.reduce)} is no way to reduce", "write mean or sum")
    if asked.resume and (asked.file is None or asked.reduce):
        raise usage("--resume is for files that are written", "give a folder with -o")
    if asked.workers < 0:
        raise usage(f"--workers {asked.workers} are no workers", "give the number of processes, such as 4")  # fmt: skip
    if asked.workers and asked.cluster:
        raise usage("--workers and --dask are two ways to spread", "give one of them")
    if asked.cluster and not asked.reduce and asked.file is None:
        raise usage(
            "a cluster writes files", "give a file or a folder that the workers see, with -o"
        )


def varying(
    graph: Graph, at: dict[str, float], output: str, files: Sequence[Points]
) -> tuple[str, ...]:
    """The variables that are columns.

    Raises BackpropError for one that is neither a column nor has a value, or has both.
    """
    end = Names(graph).find(output) if output else graph.output
    needed = graph.needed(end)
    columns = [n for n, i in graph.variables.items() if needed[i] and n in files[0].columns]
    for one in files:
        there = f"the columns of {one.name} are {few(one.columns)}" if one.columns else f"{one.name} has no columns"  # fmt: skip
        empty = one.form == "jsonl" and not one.columns  # not a line
        for name, node in graph.variables.items():
            if name in one.columns and name in at and at[name] != graph.inputs.get(name):
                raise usage(
                    f"{shorten(name)} is a column and given by --at", "leave one of them out"
                )
            if needed[node] and name not in one.columns and (name in columns or name not in at) and not empty:  # fmt: skip
                raise BackpropError("binding", f"{shorten(name)} is neither a column nor given by --at", hint=there)  # fmt: skip
            kind = one.columns.get(name, "")
            if name in columns and kind and not kind.startswith(("Int", "UInt", "Float", "Decimal", "String", "Null")):  # fmt: skip
                raise usage(f"the column {shorten(name)} of {one.name} holds {kind}, not numbers", "convert it first")  # fmt: skip
        if empty:
            columns = columns or [n for n, i in graph.variables.items() if needed[i] and n not in at]  # fmt: skip
        if not columns:
            raise BackpropError("binding", "no variable of the program is a column", hint=there)
    return tuple(columns)


def kernel_of(
    graph: Graph, columns: Sequence[str], at: dict[str, float], wrt: Sequence[str], output: str
) -> "Kernel":
    """The program made ready.

    Raises BackpropError for unknown names, and where numpy is missing.
    """
    try:
        from backprop_grammar.batch.evaluator import Kernel
    except ModuleNotFoundError:
        raise usage("many points are computed with numpy, which is not installed", "pip install 'backprop-cli[data]'") from None  # fmt: skip
    return Kernel(graph, columns, at, wrt, output)


def added(labels: Sequence[str], asked: Asked) -> dict[str, str]:
    """The results that become columns -> the names of those, as --columns says.

    Raises BackpropError for what is no result, and for names that clash.
    """
    known = ["value", *(f"d_{label}" for label in labels), *([] if asked.reduce else [STATUS])]
    if not asked.columns:
        return {name: name for name in known}
    result = dict[str, str]()
    for text in asked.columns.split(","):
        name, equals, new = (part.strip() for part in text.partition("="))
        new = new if equals else name
        if name not in known:
            hint = suggestion(name, known, f"what is added is {few(known)}")
            raise usage(f"--columns: nothing is called {shorten(name) or 'nothing'}", hint)
        if asked.reduce and new in COUNTS:
            raise usage(f"--columns: {new} is a column of --reduce itself", "choose another name")
        if name in result or not new or new in result.values():
            raise usage(f"--columns: {shorten(new or name)} {'is there twice' if new else 'has no name'}", "name each column once")  # fmt: skip
        result[name] = new
    return result


def output_format(asked: Asked, form: str, folder: bool = False) -> str:
    """The format of the output: as asked for, of its suffix, or the points' own."""
    save = asked.file
    default = "csv" if save is None and form == "parquet" else form
    if save and save.suffix.lower() in tables.PACKED and not (folder or save.is_dir()):
        raise usage(f"{save} would not be packed: packed files are read, not written", f"write {save.with_suffix('')}, and pack it")  # fmt: skip
    if save and save.suffix and not (folder or save.is_dir()):
        default = ""
    to = tables.format_of(str(save or ""), asked.target_format, "--to", default)
    if save is None and to == "parquet" and sys.stdout.isatty():
        raise usage("parquet is not for a terminal", "give a file with -o, or --to csv")
    return to


def targets(
    files: Sequence[Points], asked: Asked, folder: bool, program: Path | None
) -> list[tuple[Points, str]]:
    """The output of each file: a path, or `-`.

    folder: whether -o is one. program: its file. Raises BackpropError where an output would
    replace what is read.
    """
    save = asked.file
    if save is None:
        if len(files) > 1 and not asked.reduce:
            raise usage("several files are mapped to several files", "give a folder with -o, or --reduce them")  # fmt: skip
        return [(one, "-") for one in files]
    if asked.reduce:
        if asked.folder or save.is_dir():
            raise usage(f"{save} is a folder", "--reduce writes one row: give the name of a file")
        parent = Path(os.path.realpath(save)).parent
        if not parent.is_dir():
            raise usage(f"cannot write {save}: there is no folder {parent}", "make it, or choose another place")  # fmt: skip
        keep(save, [one.path for one in files], program)
        return [(one, "-") for one in files]
    place = save.absolute() if asked.cluster else save
    if not folder:
        output_format(asked, files[0].form)
        pairs = [(files[0], str(place))]
    else:
        if place.exists() and not place.is_dir():
            what = "several files" if len(files) > 1 else "the files of a pattern"
            raise usage(f"{save} is a file", f"{what} are written into a folder")
        pairs = [
            (one, str(place / named(one, output_format(asked, one.form, True)))) for one in files
        ]
    seen = dict[str, str]()
    for one, path in pairs:
        if path in seen:
            raise usage(f"{seen[path]} and {one.name} would both become {path}", "map them apart")
        seen[path] = one.name
        keep(Path(path), [one.path for one in files], program)
    return pairs


def keep(place: Path, points: Sequence[str], program: Path | None) -> None:
    """Raise BackpropError where an output is a file that is read, by whatever name."""
    if not place.exists():
        return
    for what, path in [*(("points", path) for path in points), ("program", program or "")]:
        if str(path) not in ("", "-") and Path(path).exists() and place.samefile(path):
            raise usage(f"{place} would take the place of its own {what}", "write it somewhere else")  # fmt: skip


def into_folder(files: Sequence[Points], asked: Asked) -> bool:
    """Whether -o is a folder: of several files, for a pattern, or as it is written."""
    save = asked.file
    if save is None:
        return False
    return len(files) > 1 or asked.folder or save.is_dir() or any(map(is_pattern, asked.points))


def made(folder: Path) -> None:
    """Make a folder. Raises BackpropError where that cannot be done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        said = (error.strerror or str(error)).lower()
        raise usage(f"cannot make the folder {folder}: {said}", "choose another place") from None


def named(one: Points, to: str) -> str:
    """The name of an output in a folder: the points', with the suffix of the format."""
    name = "points" + tables.FORMATS[one.form] if one.name == PIPE else one.name.rsplit("/", 1)[-1]
    while Path(name).suffix.lower() in tables.PACKED:
        name = Path(name).stem
    return name if one.form == to else str(Path(name).with_suffix(tables.FORMATS[to]))


def done(source: str, target: str) -> bool:
    """Whether an output is there, and newer than its points."""
    there = Path(target)
    return there.exists() and (not Path(source).exists() or there.stat().st_mtime >= Path(source).stat().st_mtime)  # fmt: skip


def standard_output() -> IO[bytes]:
    sys.stdout.flush()
    return sys.stdout.buffer


def reduced(tally: Tally, names: dict[str, str], asked: Asked, to: str) -> bool:
    """Write the one row of all points; whether all of its numbers are floats."""
    finite = True
    good = tally.rows - tally.failed
    numbers = {}
    for name, new in names.items():
        number = exact.value(tally.sums[name], good if asked.reduce == "mean" else 1) if good or asked.reduce == "sum" else None  # fmt: skip
        if number is not None and abs(number) == float("inf"):
            say("flag", f"the {asked.reduce} of {new} is beyond the largest float")
            number, finite = None, False
        numbers[new] = number
    pl = tables.library()
    frame = pl.LazyFrame(
        {name: [number] for name, number in (numbers | dict(zip(COUNTS, (tally.rows, tally.failed), strict=True))).items()},
        schema_overrides=dict.fromkeys(numbers, pl.Float64),
    )  # fmt: skip
    if asked.file is None:
        with writing("standard output"), tables.reading("the sums"):
            tables.write(frame, standard_output(), to, False)
    else:
        with terminable(), whole(asked.file) as stream, tables.reading("the sums"):
            tables.write(frame, stream, to, False)
    return finite


def remark(tally: Tally) -> None:
    """Say on standard error what the rows do not."""
    if tally.kinks:
        say("note", at_kinks(tally.kinks, tally.rows))
    if tally.failed:
        ranked = sorted(tally.reasons.items(), key=lambda one: (-one[1], one[0]))[:REASONS]
        told = [f"{count:,} {why}" for why, count in ranked]
        more = ", ..." * (len(tally.reasons) > REASONS)
        say("flag", f"{tally.failed:,} of {tally.rows:,} rows lack a number: {', '.join(told)}{more}")  # fmt: skip


def at_kinks(kinks: int, rows: int) -> str:
    """How many rows have a gradient that is a choice."""
    return f"{kinks:,} of {rows:,} rows stand at a kink or a tie, where the gradient is a choice"
