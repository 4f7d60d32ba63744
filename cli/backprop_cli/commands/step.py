"""`backprop step`: steps along the gradient, one by one.

Everything that shows the steps looks at the same ones as they arrive: the stream prints each, the
bar counts them, the trajectory keeps a few. Whatever ends them, what was reached is printed.
"""

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backprop_grammar.descent.optimisers import METHODS
from backprop_grammar.errors import BackpropError, usage

from .. import formats
from ..input.options import (
    At,
    Digits,
    Everything,
    File,
    Get,
    Json,
    Output,
    Program,
    Random,
    Rename,
    Seed,
    Separator,
    Source,
    Wrt,
)
from ..screens.progress import Bar

if TYPE_CHECKING:
    from backprop_grammar import library
    from backprop_grammar.descent.trajectory import Trajectory
    from backprop_grammar.trace.record import Note

    from ..data.objective import PointFiles
    from ..data.sources import Points
    from ..data.whole import Data
    from ..input.request import Request

__all__ = ["EXAMPLES", "command", "run_steps"]

EXAMPLES = """\
backprop step "q = x + y; f = q*z" --at x=-2,y=5,z=-4 --rate 0.01 --up
backprop step --file @rosenbrock --rate 0.05 --steps 200 --method adam
backprop step "(w*x0 + b - x1)^2" --points @points --at w=0,b=0 --steps 500
backprop step -f @spirals --points @spirals --init he --method adam --steps 90
backprop step "norm(W @ x)^2" --at "W=[1,2;3,4],x=[1,-1]" --wrt W --rate 0.01
backprop step "x^2" --at x=3 --steps 9 --json | backprop eval "x^4" --at @-"""

LISTED = " or ".join(", ".join(METHODS).rsplit(", ", 1)) + "."
"""The methods, such as `gd, momentum or adam.`"""


def command(
    program: Program = None,
    at: At = None,
    file: File = None,
    wrt: Wrt = None,
    output: Output = "",
    rate: Annotated[
        str, typer.Option(metavar="VALUE", help="How far to go: the change is rate x gradient.")
    ] = "0.1",
    steps: Annotated[int, typer.Option(metavar="N", help="How many steps to take.")] = 1,
    up: Annotated[bool, typer.Option("--up", help="Ascend instead of descending.")] = False,
    method: Annotated[str, typer.Option(metavar="NAME", help=LISTED)] = "gd",
    stream: Annotated[
        bool, typer.Option("--stream", help="Print each step as a line of JSON, at once.")
    ] = False,
    digits: Digits = 6,
    points: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help='Step on the mean over rows: a file, a "*.csv", or -; may be repeated.',
        ),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="All rows at once: columns x_0, x_1, ... are a matrix X, y a vector; or a .npz.",
        ),
    ] = None,
    source: Source = "",
    separator: Separator = ",",
    rename: Rename = None,
    init: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Begin with normal, uniform, xavier, he or zeros for what is declared (W: 2x16)"
            " and has no value, from --seed; only that is stepped.",
        ),
    ] = "",
    batch: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Rows that a step looks at, of a shuffle by --seed in each epoch."
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help='Stop early: "gradient<1e-6" (its norm), "change<1e-9" or "value<0.01".',
        ),
    ] = None,
    everything: Everything = False,
    as_json: Json = False,
    get: Get = None,
    seed: Seed = 0,
    random: Random = None,
) -> int:
    """Take the steps and print them; see ``run_steps`` for the exit code."""
    from backprop_grammar.library import MOST_STEPS

    from ..input.request import Request, number_option

    if stream and (as_json or get is not None):
        other = "--json" if get is None else "--get"
        raise usage(f"--stream and {other} are two outputs", "give one of them")
    if steps < 1:
        raise usage(f"a run has 1 step or more, not {steps}")
    if steps > MOST_STEPS:
        raise usage(f"--steps is at most {MOST_STEPS:,}", "take fewer steps")
    if points and data:
        hint = "--points is for a program that takes one row, --data for one that takes them all"
        raise usage("--points and --data are two ways to take rows", hint)
    if batch is not None and not (points or data):
        hint = "give a file with --points FILE, or --data FILE"
        raise usage("--batch is of rows, and there are none", hint)
    if batch is not None and batch < 1:
        raise usage(f"a batch has 1 row or more, not {batch}")
    request = Request(program, file, at, wrt, output, digits=digits, seed=seed, random=random)
    reading = {"--from": source, "--separator": separator != ",", "--rename": rename}
    option = next((option for option, given in reading.items() if given), "")
    if option and not (points or data):
        raise usage(f"{option} says how points are read", "give a file with --points FILE")
    with contextlib.ExitStack() as stack:
        rows, whole = None, None
        if data:
            parsed, point, drawn, notes, whole = data_of(
                stack, request, data, source, separator, rename or (), init
            )
        elif points:
            parsed, point, drawn, notes, rows = rows_of(
                stack, request, points, source, separator, rename or (), init
            )
        else:
            parsed, point, notes = request.read(arrays=True)
            drawn = begun(parsed, point, init, request, {})
        views = request.views()
        run = parsed.descent(
            point | drawn,
            rate=number_option(rate, "--rate"),
            steps=steps,
            method=method,
            up=up,
            wrt=views["wrt"] or list(drawn),
            output=views["output"],
            rows=rows,
            place=None if rows is None else rows.place,
            data=None if whole is None else list(whole.values),
            batch=batch,
            seed=seed,
            until=until,
        )
        run.asides = tuple(notes)
        if rows is not None:
            run.files = rows.names
        if whole is not None:
            run.files = whole.files
        return run_steps(
            run, stream=stream, as_json=as_json, get=get, digits=digits, everything=everything
        )


def rows_of(
    stack: contextlib.ExitStack,
    request: "Request",
    points: Sequence[str],
    form: str,
    separator: str,
    renames: Sequence[str],
    init: str,
) -> tuple["library.Program", dict[str, Any], dict[str, Any], list["Note"], "PointFiles"]:
    """The program, the values of the variables that are no columns, what was drawn of these, notes,
    and the rows.

    stack: closes what is opened. form: the name of the files' format, or empty. separator: of CSV.
    renames: such as `sepal length (cm)=sl`. init: see ``begun``. Raises BackpropError for options
    that contradict each other.
    """
    from ..data.columns import called
    from ..data.feeds import feed_of
    from ..data.objective import PointFiles

    files, renamed = opened_files(stack, request, points, form, separator, renames)
    program, at, notes = request.read(bound=called(files[0], renamed), arrays=True)
    check_rows(program, at, files[0], renamed)
    drawn = dict[str, Any]()
    if init:
        from ..data.arrays import shapes_of_columns  # which numbers do not need

        drawn = begun(program, at, init, request, shapes_of_columns(program, files[0], renamed))
    try:
        feed = feed_of(program, at | drawn, request.views()["output"], files, renamed)
    except BackpropError as error:
        raise with_init(error, program, init) from None
    at = {name: value for name, value in at.items() if name not in feed.inputs}
    rows = PointFiles(files, feed.columns, feed.shapes or None, feed.lists, feed.labels)
    return program, at, drawn, notes, rows


def check_rows(
    program: "library.Program", at: Mapping[str, Any], one: "Points", renamed: Mapping[str, str]
) -> None:
    """Raise BackpropError for an input X where the columns are x_0, x_1: it has all rows at once."""
    from ..data.columns import called

    first = called(one, renamed)
    for name in program.inputs:
        small = name.lower()
        if name in at or name in first or f"{name}_0" in first or small in (name, *program.inputs):
            continue
        if f"{small}_0" in first:
            message = f"{one.name} has no columns {name}_0, ..., but {small}_0, ..."
            raise usage(
                message,
                f"--data takes all rows at once, as {name}; --points takes each row as {small}",
            )


def opened_files(
    stack: contextlib.ExitStack,
    request: "Request",
    paths: Sequence[str],
    form: str,
    separator: str,
    renames: Sequence[str],
) -> tuple[list["Points"], dict[str, str]]:
    """The files, and which columns have other names; parameters as of ``rows_of``."""
    from ..data.columns import read_renames
    from ..data.io import check_separator
    from ..data.sources import files_of, opened

    request.check_input(paths)
    renamed = read_renames(renames)
    check_separator(separator)
    files = [opened(stack, path, form, False, separator) for path in files_of(paths)]
    check_separator(separator, {one.form for one in files})
    return files, renamed


def with_init(error: BackpropError, program: "library.Program", init: str) -> BackpropError:
    """The error for inputs without a value, with another way out where their shapes are declared."""
    if init or not error.missing or not set(error.missing) <= program.record.declared.keys():
        return error
    hint = "--init normal draws values to begin with, of the shapes that are declared"
    return error.replace(hint=f"{hint}; {error.hint}")


def data_of(
    stack: contextlib.ExitStack,
    request: "Request",
    paths: Sequence[str],
    form: str,
    separator: str,
    renames: Sequence[str],
    init: str,
) -> tuple["library.Program", dict[str, Any], dict[str, Any], list["Note"], "Data"]:
    """The same as ``rows_of`` with all rows at once, which are in the point, too."""
    from ..data.columns import called
    from ..data.whole import missing as still_missing
    from ..data.whole import of_archive, of_files

    output = request.views()["output"]
    files, renamed = list["Points"](), dict[str, str]()
    archive = paths[0] if len(paths) == 1 and paths[0].lower().endswith(".npz") else ""
    bound: Sequence[str] = ()
    if not archive:
        files, renamed = opened_files(stack, request, paths, form, separator, renames)
        bound = tuple(called(files[0], renamed))
    program, at, notes = request.read(bound=bound, arrays=True)
    if archive:
        from backprop_grammar.trace.record import Note

        from ..input.arrays import read_archive  # only where there is one

        found, more = read_archive(archive)
        notes += [Note("precision", "", remark) for remark in more]
        whole = of_archive(program, at, output, found, archive)
    else:
        whole = of_files(program, at, output, files, renamed)
    at |= whole.values
    drawn = begun(program, at, init, request, {})
    error = still_missing(program, at | drawn, output, files, renamed)
    if error is not None:
        raise with_init(error, program, init)
    return program, at, drawn, notes, whole


def begun(
    program: "library.Program",
    at: Mapping[str, Any],
    init: str,
    request: "Request",
    columns: Mapping[str, Any],
) -> dict[str, Any]:
    """Values to begin with for the variables without one; see ``Program.initial``.

    init: how; empty for none. columns: the shapes of those that vary. Raises BackpropError where all
    have a value.
    """
    if not init:
        return {}
    output = request.views()["output"]
    found = program.initial(init, at, seed=request.seed, columns=columns, output=output)
    if not found:
        raise usage("--init has nothing to begin: every variable has a value", "leave it out")
    from backprop_grammar.arrays.point import array  # which numbers do not need

    return {
        name: array(value, name) if isinstance(value, list) else value
        for name, value in found.items()
    }


def run_steps(
    run: "Trajectory",
    *,
    stream: bool = False,
    as_json: bool = False,
    get: str | None = None,
    digits: int = 6,
    everything: bool = False,
) -> int:
    """Take the steps and print them; the exit code.

    run: before its first step. stream: one line of JSON per step, as it is taken, instead of a
    document or a table. The exit code is 3 where a flag says why the run ended early, 130 where
    Ctrl-C did.

    Raises BackpropError where the start cannot be evaluated.
    """
    interrupted = False
    try:
        with progress(run.plan.steps, stream) as advance:
            for step in run:
                if stream:
                    from backprop_grammar.views.documents.step_json import line

                    sys.stdout.write(line(run, step) + "\n")  # at once: Ctrl-C cuts no line
                    sys.stdout.flush()
                advance(step.number)
    except KeyboardInterrupt:
        if run.last is None:
            raise
        interrupted = True
    if stream:
        formats.remark(run)
    else:
        row = formats.chosen("step", as_json=as_json, get=get)
        if run.plan.elements is not None:
            row = formats.of_arrays(row)
        formats.show(row, run, formats.Options(digits, everything), get)
        if get is not None:
            formats.remark(run)
    return 130 if interrupted else 3 if run.flags else 0


@contextlib.contextmanager
def progress(steps: int, stream: bool) -> Iterator[Callable[[int], None]]:
    """A function that takes the number of each step, and shows a bar when the run takes long.

    No bar stands between the lines of a stream that goes to the same terminal.
    """
    if not Bar.seen() or (stream and sys.stdout.isatty()):
        yield lambda number: None
        return
    bar = Bar("step", steps)
    try:
        yield bar.advance
    finally:
        bar.stop()
