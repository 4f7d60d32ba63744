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

from backprop_grammar.errors import BackpropError, shorten, suggestion, usage
from backprop_grammar.graph import Graph
from backprop_grammar.names import Names

from . import exact, tables
from .files import terminable, whole, writing
from .formats import say
from .inputs import Request
from .jobs import STATUS, Job, Tally
from .sources import PIPE, Input, found, is_pattern, opened
from .workers import run_jobs

if TYPE_CHECKING:
    from backprop_grammar.kernel import Kernel

__all__ = ["Table", "at_kinks", "kernel_of", "run_map", "varying"]

REASONS = 8
"""Reasons that are told at the end, the most frequent first."""

COUNTS = ("rows", "failed")
"""The columns that --reduce adds to the sums."""


@dataclass(frozen=True, slots=True)
class Table:
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


def run_map(request: Request, table: Table) -> int:
    """Map a program over files of points, and return the exit code: 3 where a row has no result.

    Raises BackpropError for what is refused, before any work, and for what cannot be read.
    """
    check(request, table)
    with ExitStack() as stack:
        inputs = [
            opened(stack, path, table.source_format, bool(table.cluster))
            for path in found(table.points)
        ]
        first = inputs[0]
        graph, at, notes = request.graph(bound=first.columns)
        views = request.views()
        columns = varying(graph, at, views["output"], inputs)
        at = {name: value for name, value in at.items() if name not in columns}
        names = added(kernel_of(graph, columns, at, views["wrt"], views["output"]).labels, table)
        folder = into_folder(inputs, table)
        if not table.reduce:
            for one in inputs:
                clash = next((new for new in names.values() if new in one.columns), "")
                if clash:
                    whose = f"the points in {one.name}" if len(inputs) > 1 else "the points"
                    raise usage(f"{whose} have a column {shorten(clash)} already", tables.RENAME)
                tables.check_writable(one.columns, one.name, output_format(table, one.form, folder))
        pairs = targets(inputs, table, folder, request.file)
        for name in graph.shadowed:
            if name in columns:
                say("note", f"{name} is your column here, not the constant")
        for name, _ in graph.stages:
            if name and name in first.columns and name not in columns:
                say("note", f"the column {shorten(name)} is not used: {name} is computed by the program")  # fmt: skip
        for note in notes:
            say("note", note.message)
        if table.resume:
            pairs = [(one, path) for one, path in pairs if not done(one.path, path)]
            if len(pairs) < len(inputs):
                print(f"{len(inputs) - len(pairs)} of {len(inputs)} files are done already", file=sys.stderr)  # fmt: skip
        if table.file and folder and not table.reduce:
            made(table.file)
        mark = secrets.token_hex(4)
        jobs = [
            Job(
                graph.source.text, at, columns, tuple(views["wrt"]), views["output"], one.name,
                one.path, one.form, "" if table.reduce else path, output_format(table, one.form), names,
                table.strict, mark,
            )
            for one, path in pairs
        ]  # fmt: skip
        stream = standard_output() if table.file is None and not table.reduce else None
        tally = run_jobs(jobs, table.workers if len(jobs) > 1 else 0, table.cluster, stream) if jobs else Tally()  # fmt: skip
    whole_sums = True
    if table.reduce:
        whole_sums = reduced(tally, names, table, output_format(table, first.form))
    remark(tally)
    return 3 if tally.failed or not whole_sums else 0


def check(request: Request, table: Table) -> None:
    """Raise BackpropError for options that make no sense together."""
    if not table.points:
        raise usage(
            "no points are given", "give a file with --points FILE, or - for standard input"
        )
    request.check_input(table.points)
    if table.reduce not in ("", "mean", "sum"):
        raise usage(f"--reduce {shorten(table.reduce)} is no way to reduce", "write mean or sum")
    if table.resume and (table.save is None or table.reduce):
        raise usage("--resume is for files that are written", "give a folder with -o")
    if table.workers < 0:
        raise usage(f"--workers {table.workers} are no workers", "give the number of processes, such as 4")  # fmt: skip
    if table.workers and table.cluster:
        raise usage("--workers and --dask are two ways to spread", "give one of them")
    if table.cluster and not table.reduce and table.file is None:
        raise usage(
            "a cluster writes files", "give a file or a folder that the workers see, with -o"
        )


def varying(
    graph: Graph, at: dict[str, float], output: str, inputs: Sequence[Input]
) -> tuple[str, ...]:
    """The variables that are columns.

    Raises BackpropError for one that is neither a column nor has a value, or has both.
    """
    end = Names(graph).find(output) if output else graph.output
    needed = graph.needed(end)
    columns = [n for n, i in graph.variables.items() if needed[i] and n in inputs[0].columns]
    for one in inputs:
        listed = ", ".join(map(shorten, list(one.columns)[:12])) + ", ..." * (len(one.columns) > 12)
        there = f"the columns of {one.name} are {listed}" if listed else f"{one.name} has no columns"  # fmt: skip
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
        from backprop_grammar.kernel import Kernel
    except ModuleNotFoundError:
        raise usage("many points are computed with numpy, which is not installed", "pip install 'backprop-cli[data]'") from None  # fmt: skip
    return Kernel(graph, columns, at, wrt, output)


def added(labels: Sequence[str], table: Table) -> dict[str, str]:
    """The results that become columns -> the names of those, as --columns says.

    Raises BackpropError for what is no result, and for names that clash.
    """
    known = ["value", *(f"d_{label}" for label in labels), *([] if table.reduce else [STATUS])]
    if not table.columns:
        return {name: name for name in known}
    result = dict[str, str]()
    for text in table.columns.split(","):
        name, equals, new = (part.strip() for part in text.partition("="))
        new = new if equals else name
        if name not in known:
            hint = suggestion(name, known, f"what is added is {', '.join(known[:12])}")
            raise usage(f"--columns: nothing is called {shorten(name) or 'nothing'}", hint)
        if table.reduce and new in COUNTS:
            raise usage(f"--columns: {new} is a column of --reduce itself", "choose another name")
        if name in result or not new or new in result.values():
            raise usage(f"--columns: {shorten(new or name)} {'is there twice' if new else 'has no name'}", "name each column once")  # fmt: skip
        result[name] = new
    return result


def output_format(table: Table, form: str, folder: bool = False) -> str:
    """The format of the output: as asked for, of its suffix, or the input's own."""
    save = table.file
    default = "csv" if save is None and form == "parquet" else form
    if save and save.suffix.lower() in tables.PACKED and not (folder or save.is_dir()):
        raise usage(f"{save} would not be packed: packed files are read, not written", f"write {save.with_suffix('')}, and pack it")  # fmt: skip
    if save and save.suffix and not (folder or save.is_dir()):
        default = ""
    to = tables.format_of(str(save or ""), table.target_format, "--to", default)
    if save is None and to == "parquet" and sys.stdout.isatty():
        raise usage("parquet is not for a terminal", "give a file with -o, or --to csv")
    return to


def targets(
    inputs: Sequence[Input], table: Table, folder: bool, program: Path | None
) -> list[tuple[Input, str]]:
    """The output of each input: a path, or `-`.

    folder: whether -o is one. program: its file. Raises BackpropError where an output would
    replace what is read.
    """
    save = table.file
    if save is None:
        if len(inputs) > 1 and not table.reduce:
            raise usage("several files are mapped to several files", "give a folder with -o, or --reduce them")  # fmt: skip
        return [(one, "-") for one in inputs]
    if table.reduce:
        if table.folder or save.is_dir():
            raise usage(f"{save} is a folder", "--reduce writes one row: give the name of a file")
        parent = Path(os.path.realpath(save)).parent
        if not parent.is_dir():
            raise usage(f"cannot write {save}: there is no folder {parent}", "make it, or choose another place")  # fmt: skip
        keep(save, [one.path for one in inputs], program)
        return [(one, "-") for one in inputs]
    place = save.absolute() if table.cluster else save
    if not folder:
        output_format(table, inputs[0].form)
        pairs = [(inputs[0], str(place))]
    else:
        if place.exists() and not place.is_dir():
            what = "several files" if len(inputs) > 1 else "the files of a pattern"
            raise usage(f"{save} is a file", f"{what} are written into a folder")
        pairs = [
            (one, str(place / named(one, output_format(table, one.form, True)))) for one in inputs
        ]
    seen = dict[str, str]()
    for one, path in pairs:
        if path in seen:
            raise usage(f"{seen[path]} and {one.name} would both become {path}", "map them apart")
        seen[path] = one.name
        keep(Path(path), [one.path for one in inputs], program)
    return pairs


def keep(place: Path, points: Sequence[str], program: Path | None) -> None:
    """Raise BackpropError where an output is a file that is read, by whatever name."""
    if not place.exists():
        return
    for what, path in [*(("points", path) for path in points), ("program", program or "")]:
        if str(path) not in ("", "-") and Path(path).exists() and place.samefile(path):
            raise usage(f"{place} would take the place of its own {what}", "write it somewhere else")  # fmt: skip


def into_folder(inputs: Sequence[Input], table: Table) -> bool:
    """Whether -o is a folder: of several files, for a pattern, or as it is written."""
    save = table.file
    if save is None:
        return False
    return len(inputs) > 1 or table.folder or save.is_dir() or any(map(is_pattern, table.points))


def made(folder: Path) -> None:
    """Make a folder. Raises BackpropError where that cannot be done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        said = (error.strerror or str(error)).lower()
        raise usage(f"cannot make the folder {folder}: {said}", "choose another place") from None


def named(one: Input, to: str) -> str:
    """The name of an output in a folder: the input's, with the suffix of the format."""
    name = "points" + tables.FORMATS[one.form] if one.name == PIPE else one.name.rsplit("/", 1)[-1]
    while Path(name).suffix.lower() in tables.PACKED:
        name = Path(name).stem
    return name if one.form == to else str(Path(name).with_suffix(tables.FORMATS[to]))


def done(source: str, target: str) -> bool:
    """Whether an output is there, and newer than its input."""
    there = Path(target)
    return there.exists() and (not Path(source).exists() or there.stat().st_mtime >= Path(source).stat().st_mtime)  # fmt: skip


def standard_output() -> IO[bytes]:
    sys.stdout.flush()
    return sys.stdout.buffer


def reduced(tally: Tally, names: dict[str, str], table: Table, to: str) -> bool:
    """Write the one row of all points; whether all of its numbers are floats."""
    finite = True
    good = tally.rows - tally.failed
    numbers = {}
    for name, new in names.items():
        number = exact.value(tally.sums[name], good if table.reduce == "mean" else 1) if good or table.reduce == "sum" else None  # fmt: skip
        if number is not None and abs(number) == float("inf"):
            say("flag", f"the {table.reduce} of {new} is beyond the largest float")
            number, finite = None, False
        numbers[new] = number
    pl = tables.library()
    frame = pl.LazyFrame(
        {name: [number] for name, number in (numbers | dict(zip(COUNTS, (tally.rows, tally.failed), strict=True))).items()},
        schema_overrides=dict.fromkeys(numbers, pl.Float64),
    )  # fmt: skip
    if table.file is None:
        with writing("standard output"), tables.reading("the sums"):
            tables.write(frame, standard_output(), to, False)
    else:
        with terminable(), whole(table.file) as stream, tables.reading("the sums"):
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
