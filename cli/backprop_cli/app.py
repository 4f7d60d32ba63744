"""The command line as a whole. This is the only place that catches errors.

Everything that can go wrong in a command arrives here, is said once on standard error, and becomes
an exit code.
"""

import contextlib
import io
import os
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from backprop_grammar.errors import BackpropError, shorten, usage, visible

from . import __version__, interrupted
from .commands import COMMANDS, module_of
from .data.atomic import Terminated
from .input.argv import Group, with_command

__all__ = ["app", "run"]


class Tool(Group):
    """backprop, of the commands that there are."""

    offered = COMMANDS

    def module_of(self, name: str) -> Any:
        return module_of(name)


app = typer.Typer(
    name="backprop",
    cls=Tool,
    rich_markup_mode=None,
    add_completion=False,  # the command `completion` is ours
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def print_version(wanted: bool) -> None:
    if wanted:
        print(f"backprop {__version__}")
        raise typer.Exit


@app.callback()
def tool(
    version: Annotated[
        bool,
        typer.Option("--version", callback=print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """A gradient calculator: type a formula and a point, see every step of backpropagation."""


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
        arguments = with_command(arguments, COMMANDS)
        result = app(arguments, prog_name="backprop", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except BackpropError as error:
        report(error, arguments)
        if error.kind == "usage":
            return 2
        return 4 if arguments[:1] == ["check"] else 1
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
        from .screens.diagnostics import refusal

        report(BackpropError("file", refusal(error)), arguments)
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
    from .screens.diagnostics import as_json, show

    with contextlib.suppress(OSError):  # nobody listens
        if "--json" in arguments:
            print(as_json(error), file=sys.stderr, flush=True)
        else:
            show(error)


def usage_error(error: Any) -> BackpropError:
    """The option parser's complaint in our words."""
    message = re.sub(r"\.? ?(Did you mean|\(Possible options).*", "", error.format_message())
    message = message.rstrip(".")
    if wrong := re.fullmatch(r"Invalid value for '(.*?)': '(.*)' is not a valid int\w*", message):
        message = f"{wrong[1]} takes a whole number, not {shorten(visible(wrong[2]))}"
    elif more := re.fullmatch(r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)", message):
        message = f"{shorten(visible(more[1]))} is more than this takes"
    context = getattr(error, "ctx", None)
    hint = f"{context.command_path if context else 'backprop'} --help shows how"
    wrong = re.match(r"No such option:? (.*)", message)
    if context is not None and wrong:
        from .input.words import way_out

        hint = way_out(wrong[1], context.command, ()) or hint
    return usage(message[:1].lower() + message[1:], hint)
