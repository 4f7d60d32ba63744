"""`backprop map`: a program over files of points.

Everything that can be refused is refused before the first row is read, so a long run fails at its
start or not at all.
"""

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backprop_grammar.errors import shorten, usage, visible

from ..input.options import At, File, Output, Program, Rename, Separator, Source, Wrt
from ..screens.diagnostics import say

if TYPE_CHECKING:
    from backprop_grammar.language.graph import Graph

    from ..data.jobs import Tally
    from ..input.request import Request

__all__ = ["EXAMPLES", "command"]

EXAMPLES = """\
backprop map --file @neuron --points @points --at w0=2,w1=-3,w2=-3
backprop map "x0*x1" --points @points --columns value=area,d_x0=slope -o a.csv
backprop map "(w*x0 - t)^2" --points @points --at w=1 --wrt w --reduce mean
backprop map "x0*x1" --points @points -o mapped/ --resume
backprop map "x: 2; norm(W @ x)^2" --points @points --at "W=[[1,2],[3,4]]"
printf "x\\n1\\n2\\n" | backprop map "sigmoid(x)" --points - --to jsonl"""

FURTHER = "--points"
"""What follows the program, and is of no point, is a file of points."""
REASONS = 8
"""Reasons that are named at the end, the most frequent first."""


def command(
    program: Program = None,
    points: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE", help='Points, a row each: a file, a "*.csv", or -; may be repeated.'
        ),
    ] = None,
    at: At = None,
    file: File = None,
    wrt: Wrt = None,
    output: Output = "",
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES", help="Add these only: value,d_x=slope,status (new names after =)."
        ),
    ] = None,
    source: Source = "",
    separator: Separator = ",",
    rename: Rename = None,
    target: Annotated[
        str, typer.Option("--to", metavar="NAME", help="Write csv, tsv, jsonl or parquet.")
    ] = "",
    save: Annotated[
        str | None,
        typer.Option("-o", "--save", metavar="FILE", help="Write a file; of several, a folder."),
    ] = None,
    reduce: Annotated[
        str, typer.Option(metavar="HOW", help="One row, the mean or the sum over all points.")
    ] = "",
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at the first row without a result.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Skip files whose output is there and newer.")
    ] = False,
    workers: Annotated[
        int, typer.Option(metavar="N", help="Spread the files over N processes.")
    ] = 0,
    dask: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Spread the files over a Dask cluster.")
    ] = "",
) -> int:
    """Write the results of every row. The exit code is 3 where a row has no result.

    Raises BackpropError for what is refused, before any work, and for what cannot be read.
    """
    import secrets

    from ..data import io as tables
    from ..data import outputs
    from ..data.columns import called, read_renames
    from ..data.feeds import differentiated, feed_of, results_of
    from ..data.io import check_separator
    from ..data.jobs import Job, Tally
    from ..data.sources import files_of, is_pattern, opened
    from ..data.workers import run_jobs
    from ..input.request import Request

    if save == "":
        raise usage("-o names no file", "give a file, or a folder of several")
    if columns == "":
        raise usage("--columns names no results", "write --columns value,d_x=slope")
    points = points or implied_points(program, file, at or [])
    renamed = read_renames(rename or ())
    check_separator(separator)
    place = None if save is None or str(Path(save)) == "-" else Path(save)
    request = Request(program, file, at, wrt, output)
    check(request, points, place, reduce, resume, workers, dask)
    with ExitStack() as stack:
        files = [opened(stack, path, source, bool(dask), separator) for path in files_of(points)]
        parsed, given, notes = request.read(bound=called(files[0], renamed), arrays=True)
        graph = parsed.record
        views = request.views()
        feed = feed_of(parsed, given, views["output"], files, renamed)
        names = feed.columns
        given = {name: value for name, value in given.items() if name not in feed.inputs}
        by = differentiated(feed, views["wrt"])
        kernel = parsed.mapper(feed.inputs, given, wrt=by, output=views["output"])
        several = not reduce and (len(files) > 1 or any(map(is_pattern, points)))
        folder = place is not None and (several or str(save).endswith("/") or place.is_dir())
        destination = outputs.Destination(place, folder, target, bool(reduce), bool(dask))
        forms = {form for one in files for form in (one.form, destination.format_for(one.form))}
        check_separator(separator, forms)
        lists = not {destination.format_for(one.form) for one in files} & set(tables.CELLS)
        results, grouped = results_of(kernel, columns or "", bool(reduce), feed, lists)
        if not reduce:
            outputs.check_columns(files, results, destination)
        pairs = destination.targets(files, file)
        remark_names(graph, tuple(feed.inputs), called(files[0], renamed))
        for note in notes:
            say("note", note.message)
        if resume:
            pairs = [(one, path) for one, path in pairs if not outputs.is_newer(path, one.path)]
            if len(pairs) < len(files):
                done = f"{len(files) - len(pairs)} of {len(files)} files are done already"
                print(done, file=sys.stderr)
        if place and folder and not reduce:
            outputs.make_folder(place)
        mark = secrets.token_hex(4)
        jobs = [
            Job(
                program=parsed,
                at=given,
                columns=names,
                wrt=tuple(by),
                output=views["output"],
                name=one.name,
                source=one.path,
                form=one.form,
                target="" if reduce else path,
                to=destination.format_for(one.form),
                added=results,
                strict=strict,
                mark=mark,
                separator=separator,
                shapes=feed.shapes,
                lists=feed.lists,
                labels=feed.labels,
                grouped=grouped,
            )
            for one, path in pairs
        ]
        stream = outputs.standard_output() if place is None and not reduce else None
        tally = Tally()
        pool = workers if len(jobs) > 1 else 0
        if jobs:
            tally = run_jobs(jobs, pool, dask, stream)
        if tally.unsure:  # too little is left of these sums for floats
            jobs = [replace(job, exactly=tally.unsure) for job in jobs]
            tally.settle(run_jobs(jobs, pool, dask, stream))
    finite = not reduce or outputs.write_reduced(
        tally, results, reduce, place, destination.format_for(files[0].form), separator, grouped
    )
    remark(tally)
    return 3 if tally.failed or not finite else 0


def implied_points(program: str | None, file: Path | None, at: list[str]) -> list[str]:
    """Standard input, where it is a pipe that nothing else reads."""
    from ..input.texts import piped

    free = "-" not in (program, str(file)) and "@-" not in at and (program or file)
    return ["-"] if free and piped() else []


def check(
    request: "Request",
    points: list[str],
    place: Path | None,
    reduce: str,
    resume: bool,
    workers: int,
    dask: str,
) -> None:
    """Raise BackpropError for options that make no sense together."""
    if not points:
        raise usage(
            "no points are given", "give a file with --points FILE, or - for standard input"
        )
    request.check_input(points)
    if reduce not in ("", "mean", "sum"):
        raise usage(f"--reduce {shorten(reduce)} is no way to reduce", "write mean or sum")
    if resume and (place is None or reduce):
        raise usage("--resume is for files that are written", "give a folder with -o")
    if workers < 0:
        hint = "give the number of processes, such as 4"
        raise usage(f"--workers {workers} are no workers", hint)
    if workers and dask:
        raise usage("--workers and --dask are two ways to spread", "give one of them")
    if dask and not reduce and place is None:
        hint = "give a file or a folder that the workers see, with -o"
        raise usage("a cluster writes files", hint)


def remark_names(graph: "Graph", columns: Sequence[str], first: Mapping[str, str]) -> None:
    """Say which names mean something else than they might, and so of the spelling.

    columns: the variables that are. first: those of the first file, by their names in programs.
    """
    for said in graph.remarks.values():
        say("note", said)
    for name in graph.shadowed:
        if name in columns:
            say("note", f"{name} is your column here, not the constant")
    for name, _ in graph.stages:
        if name and name in first and name not in columns:
            unused = f"the column {shorten(visible(first[name]))} is not used"
            say("note", f"{unused}: {name} is computed by the program")


def remark(tally: "Tally") -> None:
    """Say on standard error what the rows do not."""
    from backprop_grammar.descent.objective import at_kinks, cancelled

    for name in tally.unsure:
        say("note", cancelled(f"the sum of {name}", tally.errors[name]))
    if tally.kinks:
        say("note", at_kinks(tally.kinks, tally.rows))
    if tally.failed:
        ranked = sorted(tally.reasons.items(), key=lambda one: (-one[1], one[0]))
        reasons = ", ".join(f"{count:,} {why}" for why, count in ranked[:REASONS])
        more = ", ..." * (len(ranked) > REASONS)
        failed = f"{tally.failed:,} of {tally.rows:,} rows lack a number"
        say("flag", f"{failed}: {reasons}{more}")
