"""`backprop check`: a gradient against differences, a claim against it, two formulas.

A gradient can be held against the values it speaks of, a claim against the gradient, and a
formula against another one; each gives a part of one report.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backprop_grammar.errors import usage

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
    Upstream,
    Wrt,
)

if TYPE_CHECKING:
    from backprop_grammar.checks.report import Report

    from ..input.request import Request

__all__ = ["EXAMPLES", "command"]

EXAMPLES = """\
backprop check "x*y + sin(x)" --at x=1,y=2
backprop check "sigmoid(w*x + b)" --at w=2,x=-1,b=3 --claim w=-0.2,x=0.39
backprop check "q = x + y; f = q*z" --at x=-2,y=5,z=-4 --claim z=3,q=-4,x=-4
backprop check "x^2*y" --claim "x=2*x*y,y=x^2"
backprop check "tanh(x)" --against "2*sigmoid(2*x) - 1" --over x=-3:3"""

MANY = 100
"""Points at which two formulas are compared where it is not said."""


def command(
    program: Program = None,
    at: At = None,
    file: File = None,
    wrt: Wrt = None,
    output: Output = "",
    upstream: Upstream = "1",
    claim: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CLAIMS",
            help="Gradients of your own: w0=-0.2,q=-4 (any node), @mine.npz; formulas: x=2*x*y.",
        ),
    ] = None,
    against: Annotated[
        str | None, typer.Option(metavar="PROGRAM", help="Does this formula agree with the other?")
    ] = None,
    over: Annotated[
        list[str] | None,
        typer.Option(metavar="BOX", help="Where: x=-2:2,y=0:1, a range for every variable."),
    ] = None,
    points: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Random points of the box, or for formulas; 100 by default.",
            rich_help_panel="What to compute",  # elsewhere it names files
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Of the random points.")] = None,
    digits: Digits = 6,
    everything: Everything = False,
    as_json: Json = False,
    get: Get = None,
    random: Random = None,
) -> int:
    """Print what the check shows. The exit code is 1 where something is wrong."""
    from ..input.request import Request

    row = formats.chosen("check", as_json=as_json, get=get)
    request = Request(program, file, at, wrt, output, upstream, digits=digits, random=random)
    if against is not None:
        report = on_two(request, claim or [], against, over or [], seed, points)
    else:
        report = on_one(request, claim or [], over or [], seed, points)
    if over_arrays(report):
        row = formats.of_arrays(row)
    formats.show(row, report, formats.Options(digits, everything), get)
    return 0 if report.right else 1


def on_two(
    request: "Request",
    claims: list[str],
    against: str,
    over: list[str],
    seed: int | None,
    points: int | None,
) -> "Report":
    """The report on two formulas over a box.

    Raises BackpropError for options that contradict each other.
    """
    from backprop_grammar.answers import MOST_POINTS
    from backprop_grammar.checks.report import Report
    from backprop_grammar.library import Program, equivalent

    from ..input.pairs import read_ranges

    if claims or request.at:
        raise usage("--against compares formulas, not a point", "leave out --claim and --at")
    if request.wrt or request.output or request.upstream != "1":
        raise usage("--against compares whole formulas", "leave out --wrt, --output and --upstream")
    if not over:
        raise usage("--against needs a box", "add --over x=-2:2, with a range for every variable")
    points = MANY if points is None else points
    if not 0 <= points <= MOST_POINTS:
        raise usage(f"--points is 0 to {MOST_POINTS:,}, not {points}")
    box = read_ranges(over)
    first, _, _ = request.read(box, arrays=True)
    agreement = equivalent(first, Program(against, "--against"), box, points, seed or 0)
    return Report(first.record, {}, "", agreement=agreement)


def on_one(
    request: "Request", claims: list[str], over: list[str], seed: int | None, points: int | None
) -> "Report":
    """The report on the gradient at a point, or on claims of it: numbers and formulas.

    Raises BackpropError for options that contradict each other.
    """
    from backprop_grammar.diagnosis.claims import is_formula

    from ..input.claims import read_claims

    given = read_claims(claims)
    if claims and not given.typed and not given.filed:
        raise usage("--claim claims nothing", "write --claim x=-4,y=0.25")
    formulas = any(is_formula(text) for text in given.typed.values())
    if not formulas and (over or seed is not None or points is not None):
        option, why = ("--over", "is the box") if over else ("--points and --seed", "choose points")
        raise usage(f"{option} {why} for --against, and for formulas", "add --against with the other formula, or --claim x=2*x")  # fmt: skip
    how = where(over, seed, points)
    program, at, notes = request.read(arrays=True)
    own = program.inputs
    missing = [
        name for name in program.needed(request.output) if name not in at and own[name] is None
    ]
    if missing and formulas and not given.filed:
        if request.wrt:
            raise usage("without a point, formulas are of any node", "leave out --wrt")
        arriving = None if request.upstream == "1" else request.arriving()
        return program.claim(
            given.typed, at=at, output=request.output, upstream=arriving, **how
        ).record
    trace = request.traced(program, at, notes)
    if not claims:
        return trace.check().record
    report = trace.claim(given.typed, file=given.filed or None, **how).record
    return replace(report, remarks=(*given.remarks, *report.remarks)) if given.remarks else report


def where(over: list[str], seed: int | None, points: int | None) -> dict[str, Any]:
    """Where formulas are compared, as far as it is said."""
    from ..input.pairs import read_ranges

    given = {"over": read_ranges(over) if over else None, "seed": seed, "points": points}
    return {name: value for name, value in given.items() if value is not None}


def over_arrays(report: "Report") -> bool:
    """Whether a report is on a program over vectors and matrices."""
    return report.program.arrays or any(hasattr(value, "shape") for value in report.at.values())
