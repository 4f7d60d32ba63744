"""`backprop quiz`: sheets with blanks, whose numbers a person can compute with."""

from typing import TYPE_CHECKING, Annotated

import typer

from backprop_grammar.errors import shorten, suggestion, usage

from .. import formats
from ..input.options import At, File, Get, Json, Save, format_option

if TYPE_CHECKING:
    from backprop_grammar.quiz.record import Quiz

__all__ = ["EXAMPLES", "command"]

EXAMPLES = """\
backprop quiz --list
backprop quiz neuron --seed 7
backprop quiz "q = x + y; f = q*z" --at z=-4 --key
backprop quiz branches --count 30 -o sheets.tex
backprop quiz neuron --seed 7 -o neuron.html"""


def command(
    program: Annotated[
        str | None,
        typer.Argument(
            metavar="PROGRAM",
            help="An exercise of --list, stages `name = expression`, or a file.bp.",
        ),
    ] = None,
    at: At = None,
    file: File = None,
    seed: Annotated[
        int, typer.Option(metavar="N", help="Of the numbers; the same draws the same.")
    ] = 0,
    count: Annotated[
        int, typer.Option(metavar="N", help="How many sheets, each its own numbers.")
    ] = 1,
    variant: Annotated[
        int, typer.Option(metavar="N", help="The number of the first sheet: one of many, again.")
    ] = 1,
    blank: Annotated[
        str, typer.Option(metavar="WHAT", help="What to leave blank: gradients, values, or both.")
    ] = "gradients",
    corners: Annotated[
        bool, typer.Option("--corners", help="Kinks, ties and dead branches, too.")
    ] = False,
    key: Annotated[bool, typer.Option("--key", help="The answers, worked.")] = False,
    listing: Annotated[bool, typer.Option("--list", help="List the exercises that ship.")] = False,
    save: Save = None,
    name: Annotated[str, format_option("quiz")] = "",
    as_json: Json = False,
    get: Get = None,
) -> int:
    """Print the sheets, or write them to a file."""
    if listing:
        from ..screens.quiz import show_exercises  # which needs the terminal

        if program is not None or file is not None:
            raise usage("--list lists the exercises that ship", "leave out the program")
        show_exercises()
        return 0
    row = formats.chosen("quiz", name, save, as_json, get)
    made = drawn(program, at, file, seed, count, variant, blank, corners)
    formats.deliver(row, made, formats.Options(key=key), save, get)
    return 0


def drawn(
    text: str | None,
    at: list[str] | None,
    file: "File",
    seed: int,
    count: int,
    first: int,
    blank: str,
    corners: bool,
) -> "Quiz":
    """The sheets. Raises BackpropError for options that make no sense."""
    from backprop_grammar.quiz.exercises import EXERCISES
    from backprop_grammar.quiz.quiz import KINDS, LARGEST_SEED, MOST, quiz

    from ..input.request import Request

    if not 1 <= count <= MOST:
        raise usage(f"--count takes 1 to {MOST:,} sheets, not {count}")
    if not 1 <= first <= LARGEST_SEED:
        raise usage(f"--variant takes the number of a sheet, from 1, not {first}")
    if not 0 <= seed <= LARGEST_SEED:
        raise usage(f"--seed takes a whole number from 0 to {LARGEST_SEED:,}, not {seed}")
    wanted = KINDS if blank == "both" else (blank,)
    if wanted[0] not in KINDS:
        hint = suggestion(blank, [*KINDS, "both"], "write gradients, values or both")
        raise usage(f"--blank takes gradients, values or both, not {shorten(blank)}", hint)
    exercise = EXERCISES.get(text or "")
    request = Request(exercise.program if exercise else text, file, at)
    program, point, _ = request.read(arrays=True)
    return quiz(
        program.record,
        point,
        title=exercise.title if exercise else "",
        seed=seed,
        count=count,
        first=first,
        blank=tuple(wanted),
        corners=corners,
    )
