"""The commands. This is the only place that catches errors.

The insight: a command reads, computes and hands a trace to a format; everything that can
go wrong arrives here, is said once on standard error, and becomes an exit code.
"""

import contextlib
import io
import os
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from backprop_grammar.errors import BackpropError, shorten, suggestion, usage, visible
from backprop_grammar.views.documents.schemas import schema

from . import formats, interrupted
from .data.atomic import Terminated
from .input.argv import COMMANDS, Group, command
from .input.options import (
    At,
    Digits,
    Everything,
    Expand,
    File,
    Fold,
    Json,
    Output,
    Precision,
    Program,
    Quiet,
    Save,
    Upstream,
    Wrt,
    format_option,
)

__all__ = ["SCHEMAS", "app", "run"]

TABLE_NODES = 600
"""Nodes of the tape, constants included, above which the tables give way to the summary."""

MOST_STEPS = 1_000_000_000

SCHEMAS = (*dict.fromkeys(row.schema for row in formats.FORMATS if row.schema), "error", "functions")  # fmt: skip
"""The documents that have a JSON Schema."""

app = typer.Typer(
    name="backprop",
    cls=Group,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"backprop {version('backprop-cli')}")
        raise typer.Exit


@app.callback()
def tool(
    version: Annotated[
        bool,
        typer.Option("--version", callback=print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """A gradient calculator: type a formula and a point, see every step of backpropagation."""


@command("eval")
def evaluate_command(
    program: Program = None,
    at: At = None,
    file: File = None,
    wrt: Wrt = None,
    output: Output = "",
    upstream: Upstream = "1",
    expand: Expand = None,
    fold: Fold = None,
    precision: Precision = None,
    digits: Digits = 6,
    everything: Everything = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> int:
    """Evaluate a program at a point: forward values, backward table, gradients."""
    from .input.request import Request

    request = Request(program, file, at, wrt, output, upstream, expand, fold, precision, digits)
    most = None if as_json or everything else TABLE_NODES
    trace = request.trace(0 if quiet else most)
    row = formats.formats_of("eval")["json" if as_json else "table"]
    formats.show(row, trace, formats.Options(digits, everything, quiet))
    return 3 if trace.flags else 0


@command("graph")
def graph_command(
    program: Program = None,
    at: At = None,
    file: File = None,
    wrt: Wrt = None,
    output: Output = "",
    upstream: Upstream = "1",
    expand: Expand = None,
    fold: Fold = None,
    digits: Digits = 6,
    everything: Everything = False,
    save: Save = None,
    name: Annotated[str, format_option("graph")] = "",
    as_json: Json = False,
) -> int:
    """Draw the computational graph, with values above its wires and gradients below."""
    from backprop_grammar.views.drawing.layers import check_size

    from .input.request import Request

    row = formats.chosen("graph", name, save, as_json)
    request = Request(program, file, at, wrt, output, upstream, expand, fold, digits=digits)
    laid_out = row.name in ("svg", "png", "html", "tikz")
    trace = request.trace_or_structure(check_size if laid_out else None)
    formats.deliver(row, trace, formats.Options(digits, everything), save)
    if row.name in formats.SILENT:
        formats.remark(trace)
    return 3 if trace.flags else 0


@command("explain")
def explain_command(
    program: Program = None,
    at: At = None,
    file: File = None,
    wrt: Wrt = None,
    output: Output = "",
    upstream: Upstream = "1",
    expand: Expand = None,
    fold: Fold = None,
    digits: Digits = 6,
    node: Annotated[str, typer.Option(metavar="NAME", help="Tell this node only.")] = "",
    why: Annotated[
        str, typer.Option(metavar="NAME", help="Why this gradient is zero, tiny or huge.")
    ] = "",
    save: Save = None,
    name: Annotated[str, format_option("explain")] = "",
    as_json: Json = False,
) -> int:
    """Tell the backward pass in words, a paragraph a node, from the output back."""
    from backprop_grammar.explain import narrate as words
    from backprop_grammar.explain.why import why as reasons

    from .input.request import Request

    row = formats.chosen("explain", name, save, as_json)
    request = Request(program, file, at, wrt, output, upstream, expand, fold, digits=digits)
    if node and why:
        raise usage("--node and --why are two questions", "ask one of them")
    trace = request.trace()
    told = reasons(trace, why, digits) if why else words.explain(trace, digits, node)
    formats.deliver(row, told, formats.Options(digits), save)
    return 3 if trace.flags else 0


@command("derive")
def derive_command(
    program: Program = None,
    at: At = None,
    file: File = None,
    wrt: Wrt = None,
    output: Output = "",
    order: Annotated[int, typer.Option(metavar="N", help="The order of the derivatives.")] = 1,
    hessian: Annotated[
        bool,
        typer.Option("--hessian", help="All second derivatives; a matrix where --at is given."),
    ] = False,
    jvp: Annotated[
        str, typer.Option(metavar="POINT", help="The derivative along a direction: x=1,y=0.")
    ] = "",
    hvp: Annotated[
        str, typer.Option(metavar="POINT", help="The Hessian times a direction: x=1,y=0.")
    ] = "",
    digits: Digits = 6,
    save: Save = None,
    name: Annotated[str, format_option("derive")] = "",
    as_json: Json = False,
) -> int:
    """Derive the gradient as formulas, or as code in another language."""
    from .commands.deriving import formulas
    from .input.request import Request

    row = formats.chosen("derive", name, save, as_json)
    request = Request(program, file, at, wrt, output, digits=digits)
    code = row.module.startswith("views.code.")
    if hessian and order not in (1, 2):
        raise usage(f"a Hessian is of order 2, not {order}", "leave out --hessian or --order")
    found, remarks = formulas(request, 2 if hessian else order, jvp, hvp, value=code)
    if hessian and found.at is not None and not (name or save or as_json):
        row = formats.formats_of("derive")["matrix"]
    if row.name == "matrix" and (found.at is None or not (hessian or order == 2)):
        raise usage("a matrix is of second derivatives at a point", "add --hessian and --at")
    formats.deliver(row, found, formats.Options(digits), save)
    for remark in remarks:
        print(visible(remark), file=sys.stderr)
    return 3 if None in found.numbers.values() else 0


@command("check")
def check_command(
    program: Program = None,
    at: At = None,
    file: File = None,
    wrt: Wrt = None,
    output: Output = "",
    upstream: Upstream = "1",
    claim: Annotated[
        list[str] | None,
        typer.Option(metavar="CLAIMS", help="Gradients of your own: w0=-0.2,q=-4 (any node)."),
    ] = None,
    against: Annotated[
        str, typer.Option(metavar="PROGRAM", help="Does this formula agree with the other?")
    ] = "",
    over: Annotated[
        list[str] | None,
        typer.Option(metavar="BOX", help="Where: x=-2:2,y=0:1, a range for every variable."),
    ] = None,
    points: Annotated[
        int | None, typer.Option(metavar="N", help="Random points of the box; 100 by default.")
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Of the random points.")] = None,
    digits: Digits = 6,
    everything: Everything = False,
    as_json: Json = False,
) -> int:
    """Check the gradient by difference quotients, or your own numbers, and name the mistake."""
    from .commands.checking import report as findings
    from .input.request import Request

    row = formats.formats_of("check")["json" if as_json else "table"]
    request = Request(program, file, at, wrt, output, upstream, digits=digits)
    found = findings(request, claim or [], against, over or [], seed, points)
    formats.show(row, found, formats.Options(digits, everything))
    return 0 if found.right else 1


@command("step")
def step_command(
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
    method: Annotated[str, typer.Option(metavar="NAME", help="gd, momentum or adam.")] = "gd",
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
    source: Annotated[
        str, typer.Option("--from", metavar="NAME", help="Read csv, tsv, jsonl or parquet.")
    ] = "",
    everything: Everything = False,
    as_json: Json = False,
) -> int:
    """Take steps along the gradient, and compare what it predicts with what happens."""
    from backprop_grammar.descent.descend import plan

    from .commands.stepping import run_steps
    from .input.request import Request, number_option

    if stream and as_json:
        raise usage("--stream and --json are two outputs", "give one of them")
    if steps > MOST_STEPS:
        raise usage(f"--steps is at most {MOST_STEPS:,}", "take fewer steps")
    request = Request(program, file, at, wrt, output, digits=digits)
    if source and not points:
        raise usage("--from is the format of points", "give a file with --points FILE")
    with contextlib.ExitStack() as stack:
        data = None
        if points:
            from .data.objective import averaged, found_in

            graph, point, notes, data = found_in(stack, request, points, source)
        else:
            graph, point, notes = request.graph()
        views = request.views()
        distance = number_option(rate, "--rate")
        planned = plan(graph, point, views["wrt"], distance, steps, up, method, views["output"])
        if data is not None:
            planned = averaged(planned, data)
        return run_steps(
            planned, notes, stream=stream, as_json=as_json, digits=digits, everything=everything
        )


@command("map")
def map_command(
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
        str,
        typer.Option(
            metavar="NAMES", help="Add these only: value,d_x=slope,status (new names after =)."
        ),
    ] = "",
    source: Annotated[
        str, typer.Option("--from", metavar="NAME", help="Read csv, tsv, jsonl or parquet.")
    ] = "",
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
    """Map a program over a table of points: one row in, one row out, with its gradients."""
    from .commands.mapping import Asked, run_map
    from .input.request import Request

    if save == "":
        raise usage("-o names no file", "give a file, or a folder of several")
    request = Request(program, file, at, wrt, output)
    place = None if save is None else Path(save)
    folder = (save or "").endswith("/")
    return run_map(request, Asked(
        points or [], columns, source, target, place, folder, reduce, strict, resume, workers, dask,
    ))  # fmt: skip


@command("functions")
def functions_command(
    name: Annotated[str | None, typer.Argument(help="Show one operation in full.")] = None,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Derive the local gradients anew and show the worst error."),
    ] = False,
    as_json: Json = False,
) -> int:
    """List the operations with their local gradients, or show one."""
    from .screens.functions import describe

    describe(name, verify, as_json)
    return 0


@command("schema")
def schema_command(
    name: Annotated[str, typer.Argument(help=f"{', '.join(SCHEMAS)}.")] = "trace",
) -> int:
    """Print the JSON Schema of the tool's documents."""
    if name not in SCHEMAS:
        hint = suggestion(name, SCHEMAS, f"the schemas are {', '.join(SCHEMAS)}")
        raise usage(f"there is no schema {shorten(name)}", hint)
    print(schema(name))
    return 0


def run(args: list[str] | None = None) -> int:
    """Run a command and return its exit code; every error is said once, on standard error."""
    arguments = sys.argv[1:] if args is None else args
    if sys.stdout is None or sys.stderr is None:  # closed by whoever started us
        nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  stays open
        sys.stdout, sys.stderr = sys.stdout or nowhere, sys.stderr or nowhere
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        result = app(arguments or ["--help"], prog_name="backprop", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except BackpropError as error:
        report(error, arguments)
        return 2 if error.kind == "usage" else 1
    except (BrokenPipeError, SystemExit):
        # The option parser turns a broken pipe into an exit. Whoever read us has what they
        # wanted: say nothing, at exit neither, and end as if by the signal.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        return 130
    except Terminated as error:
        return error.code
    except OSError as error:
        report(BackpropError("file", (error.strerror or str(error)).lower()), arguments)
        return 1
    except Exception as error:
        if interrupted(error):
            return 130
        if hasattr(error, "format_message"):  # the option parser's own
            report(usage_error(error), arguments)
            return 2
        kind = type(error).__name__
        report(
            BackpropError(
                "internal", f"unexpected trouble ({kind}: {error})", hint="please report it"
            ),
            arguments,
        )
        return 70


def report(error: BackpropError, arguments: list[str]) -> None:
    """Print an error, as JSON where the command was asked for it."""
    from .screens.diagnostics import as_json, draw

    text = as_json(error) if "--json" in arguments else draw(error)
    with contextlib.suppress(OSError):  # nobody listens
        print(text, file=sys.stderr, flush=True)


def usage_error(error: Any) -> BackpropError:
    """The option parser's complaint in our words."""
    message = re.sub(r"\.? ?(Did you mean|\(Possible options).*", "", error.format_message())
    message = message.rstrip(".")
    context = getattr(error, "ctx", None)
    hint = f"{context.command_path if context else 'backprop'} --help shows how"
    wrong = re.match(r"No such (command|option):? '?(-*[^']*)", message)
    if context is not None and wrong:
        known = [option for parameter in context.command.params for option in parameter.opts]
        hint = suggestion(wrong[2], [*known, *(COMMANDS if context.parent is None else ())], hint)
    return usage(message[:1].lower() + message[1:], hint)
