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
from typer.core import TyperCommand, TyperGroup

from backprop_grammar.errors import BackpropError, Source, nearest

__all__ = ["app", "run"]

TABLE_NODES = 600
"""Nodes of the tape, constants included, above which the tables give way to the summary."""

EXAMPLES = {
    "": """\
backprop eval "x*y" --at x=4,y=-3
backprop eval "q = x + y; f = q*z" --at x=-2,y=5,z=-4
backprop eval "1/(1+exp(-(w0*x0+w1*x1+w2)))" --at w0=2,x0=-1,w1=-3,x1=-2,w2=-3
backprop eval "sigmoid(a*x + b)" --at a=2,x=-1,b=0.5 --json | jq .gradients
backprop functions tanh""",
    "eval": """\
backprop eval "x*y + sin(x)" --at x=pi/4,y=2
backprop eval "q = x + y; f = q*z" --at x=-2,y=5,z=-4 --wrt q,z
backprop eval -x^2 --at x=3 --json
backprop eval --file neuron.txt --at @point.json
backprop eval "x*y" --at x=1,y=2 --json | backprop eval "x + y" --at @-""",
    "functions": """\
backprop functions
backprop functions sigmoid
backprop functions --json | jq -r '.functions[].name'""",
    "schema": """\
backprop schema > trace.schema.json
backprop schema error""",
}
EXIT_CODES = """\
Exit codes: 0 all numbers finite; 1 the program or the point cannot be evaluated;
2 wrong usage; 3 some gradient does not exist; 130 interrupted."""


class Examples:
    """Help that leads with examples; mixed into the command and the group."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        name = ctx.info_name if ctx.parent else ""
        with formatter.section("Examples"):
            for line in EXAMPLES[name].splitlines():
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")
        formatter.write_paragraph()
        super().format_help(ctx, formatter)  # type: ignore[misc]
        formatter.write_paragraph()
        for line in EXIT_CODES.splitlines():
            formatter.write(f"{line}\n")


class Command(Examples, TyperCommand):
    """A command whose program may begin with a minus sign."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        return super().parse_args(ctx, self.guarded(args))

    def guarded(self, args: list[str]) -> list[str]:
        """The arguments with a program such as `-x^2` moved behind `--`.

        Only what is not exactly a known option is moved, and only when no other argument
        could be the program: a mistyped option is still an error.
        """
        takes: dict[str, bool] = {"-h": False, "--help": False}
        for parameter in self.params:
            for option in parameter.opts:
                takes[option] = not getattr(parameter, "is_flag", False)
        known: list[str] = []
        unknown: list[str] = []
        loose: list[str] = []
        rest = list(args)
        while rest:
            arg = rest.pop(0)
            option = arg.split("=", 1)[0] if arg.startswith("--") else arg
            if arg == "--":
                return args
            if option in takes:
                known.append(arg)
                if takes[option] and "=" not in arg and rest:
                    known.append(rest.pop(0))
            elif arg.startswith("-") and len(arg) > 1:
                unknown.append(arg)
            else:
                loose.append(arg)
        if len(unknown) != 1 or loose:
            return args
        return [*known, "--", *unknown]


class Group(Examples, TyperGroup):
    """The whole tool."""


app = typer.Typer(
    name="backprop",
    cls=Group,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A gradient calculator: type a formula and a point, see every step of backpropagation.",
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


Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command("eval", cls=Command)
def evaluate_command(
    program: Annotated[
        str | None,
        typer.Argument(help="Stages `name = expression` separated by ; (- reads standard input)."),
    ] = None,
    at: Annotated[
        list[str] | None,
        typer.Option(
            metavar="POINT", help="The point: x=1,y=pi/4, @point.json or @-; may be repeated."
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Read the program from a file.")
    ] = None,
    wrt: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAMES", help="Differentiate by these nodes only: w0,w1 (any node's name)."
        ),
    ] = None,
    output: Annotated[
        str, typer.Option(metavar="NAME", help="Differentiate this stage instead of the last.")
    ] = "",
    upstream: Annotated[
        str,
        typer.Option(
            metavar="VALUE", help="The gradient that arrives at the output from a larger network."
        ),
    ] = "1",
    precision: Annotated[
        int | None, typer.Option(metavar="N", help="Compute this many digits, up to 1000.")
    ] = None,
    digits: Annotated[
        int, typer.Option(metavar="N", help="Significant digits in the tables, 1 to 17.")
    ] = 6,
    everything: Annotated[
        bool, typer.Option("--all", help="Show every node, however many.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Evaluate a program at a point: forward values, backward table, gradients."""
    from dataclasses import replace

    from backprop_grammar.evaluate import MAX_PRECISION, evaluate
    from backprop_grammar.parser import parse

    from . import formats, inputs

    if precision is not None and not 1 <= precision <= MAX_PRECISION:
        raise inputs.usage(f"--precision takes 1 to {MAX_PRECISION} digits, not {precision}")
    if not 1 <= digits <= 17:
        raise inputs.usage(f"--digits takes 1 to 17 digits, not {digits}")
    if [program, str(file) if file else None, *(at or [])].count("-") + (at or []).count("@-") > 1:
        raise inputs.usage("standard input is read once", "give the program or the point, not both, through -")  # fmt: skip
    source = inputs.read_program(program, file)
    point = inputs.read_point(at or [])
    graph = parse(source.text, name=source.name, bound=frozenset(point.values))
    values, notes = inputs.fit(graph, point)
    trace = evaluate(
        graph,
        values,
        wrt=[name.strip() for names in wrt or [] for name in names.split(",") if name.strip()],
        output=output.strip(),
        upstream=inputs.constant(Source(upstream, "--upstream"), 0, len(upstream), "--upstream"),
        precision=precision,
        nodes=as_json or everything or len(graph) <= TABLE_NODES,
    )
    trace = replace(trace, notes=(*notes, *trace.notes))
    row = formats.formats_of("eval")["json" if as_json else "table"]
    formats.show(row, trace, formats.Options(digits, everything))
    return 3 if trace.flags else 0


@app.command("functions", cls=Command)
def functions_command(
    name: Annotated[str | None, typer.Argument(help="Show one operation in full.")] = None,
    as_json: Json = False,
) -> int:
    """List the operations with their local gradients, or show one."""
    from .functions import describe

    describe(name, as_json)
    return 0


@app.command("schema", cls=Command)
def schema_command(
    name: Annotated[str, typer.Argument(help="trace, error or functions.")] = "trace",
) -> int:
    """Print the JSON Schema of the tool's documents."""
    schemas = {
        path.name.split(".")[0]: path
        for path in Path(__file__).with_name("formats").glob("*.schema.json")
    }
    if name not in schemas:
        raise BackpropError(
            "usage", f"there is no schema {name!r}", hint=f"write {' or '.join(sorted(schemas))}"
        )
    print(schemas[name].read_text(encoding="utf-8").rstrip())
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
    except OSError as error:
        report(BackpropError("file", (error.strerror or str(error)).lower()), arguments)
        return 1
    except Exception as error:
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
    from .diagnostics import as_json, draw

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
        meant = nearest(wrong[2], [*known, *getattr(context.command, "commands", ())])
        hint = f"did you mean {meant}?" if meant else hint
    return BackpropError("usage", message[:1].lower() + message[1:], hint=hint)
