"""`backprop derive`: derivatives as formulas, as code and, at a point, as numbers.

A Hessian, a direction and a higher order are all gradients of gradients.
"""

import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backprop_grammar.answers import no_arrays
from backprop_grammar.errors import BackpropError, usage, visible
from backprop_grammar.language.graph import Array

from .. import formats
from ..input.options import (
    At,
    Digits,
    File,
    Get,
    Json,
    Output,
    Program,
    Save,
    Wrt,
    format_option,
)

if TYPE_CHECKING:
    from backprop_grammar import library
    from backprop_grammar.derivatives.formulas import Formulas
    from backprop_grammar.derivatives.matrices import Matrix
    from backprop_grammar.trace.record import Note

    from ..input.request import Request

    Read = tuple[library.Program, dict[str, Any], list[Note]]

__all__ = ["EXAMPLES", "command"]

EXAMPLES = """\
backprop derive "1/(1+exp(-(w*x+b)))"
backprop derive "x^3*y" --order 2
backprop derive "100*(y - x^2)^2 + (1 - x)^2" --hessian --at x=-1.2,y=1
backprop derive "x^2*sin(y)" --jvp x=1,y=0
backprop derive "sigmoid(w*x + b)" --at w=2,x=1,b=0 --format numpy"""


def command(
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
    jacobian: Annotated[
        str,
        typer.Option(metavar="OF,BY", help="The Jacobian of a stage by another, or an input: p,z."),
    ] = "",
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
    get: Get = None,
) -> int:
    """Print the formulas. The exit code is 3 where one of them has no number at the point, or code
    in plain doubles would give another.
    """
    from ..input.request import Request
    from ..screens.diagnostics import show

    row = formats.chosen("derive", name, save, as_json, get)
    request = Request(program, file, at, wrt, output, digits=digits)
    code = row.name if row.code else ""
    if hessian and order not in (1, 2):
        raise usage(f"a Hessian is of order 2, not {order}", "leave out --hessian or --order")
    given = request.read(arrays=True)
    if jacobian or (hessian and over_arrays(given)):
        other = [
            ("--order", order > 1),
            ("--jvp", jvp),
            ("--hvp", hvp),
            ("--hessian", hessian and jacobian),
        ]
        found = matrix(request, given, jacobian, [text for text, there in other if there])
        return show_matrix(row, found, formats.Options(digits), save, get)
    derived = formulas(request, given, 2 if hessian else order, jvp, hvp, code)
    if row.name == "latex":
        derived = replace(derived, written={**derived.written, **written(at or [])})
    if hessian and derived.at is not None and not (name or save or as_json or get):
        row = formats.formats_of("derive")["matrix"]
    if row.name == "matrix" and (derived.at is None or not (hessian or order == 2)):
        raise usage("a matrix is of second derivatives at a point", "add --hessian and --at")
    try:
        formats.deliver(row, derived, formats.Options(digits), save, get)
    except BackpropError as error:  # code that would be wrong at the point is not written
        if error.kind != "precision":
            raise
        show(error)
        return 3
    remarks = [f"note: {note.message}" for note in derived.notes]
    remarks += [f"flag: {flag.message}" for flag in derived.flags]
    for remark in dict.fromkeys(remarks):  # one cause may leave several without a number
        print(visible(remark), file=sys.stderr)
    return 3 if None in derived.numbers.values() else 0


def over_arrays(given: "Read") -> bool:
    """Whether a program is over arrays at its point."""
    program, at, _ = given
    return program.record.arrays or any(isinstance(x, Array) for x in at.values())


def matrix(request: "Request", given: "Read", jacobian: str, other: list[str]) -> "Matrix":
    """The Jacobian, or the Hessian where none is asked for. other: options that ask for else."""
    from backprop_grammar.derivatives import matrices

    what = "--jacobian" if jacobian else "--hessian"
    if other:
        raise usage(f"{what} and {other[0]} are different questions", "ask one of them")
    program, at, notes = given
    graph, views = program.record, request.views()
    if not jacobian:
        at = complete(program, at, True, views["output"]) or at
        found = matrices.hessian(graph, at, views["wrt"], views["output"])
        return replace(found, notes=(*notes, *found.notes))
    if request.wrt or views["output"]:
        raise usage("a Jacobian says of what and by what it is", "leave out --wrt and --output")
    of, _, by = (part.strip() for part in jacobian.partition(","))
    if not of or not by or "," in by:
        raise usage("--jacobian takes two names", "write --jacobian p,z for the one of p by z")
    needed = dict.fromkeys([*program.needed(of), *program.needed(by)])
    missing = [name for name in needed if name not in at]
    shaped = {name: graph.declared[name] for name in missing if name in graph.declared}
    if missing and (request.at or len(shaped) < len(missing)):
        at = complete(program, at, True, of) or at
    if any(isinstance(n, str) for shape in shaped.values() for n in shape):
        raise usage(
            "a Jacobian has a size, and letters are none", "declare numbers, or give a point: --at"
        )
    sizes = {name: placeholder(shape) for name, shape in shaped.items()} if missing else {}
    found = matrices.jacobian(graph, at | sizes, of, by, numbers=not missing)
    return replace(found, notes=(*notes, *found.notes))


def placeholder(shape: tuple[Any, ...]) -> float | Array:
    """A value of a shape, where only that counts."""
    return Array(shape, (0.0,) * math.prod(shape)).value


MATRICES = {"text": "screens.matrix", "matrix": "screens.matrix", "latex": "documents.matrix_latex", "json": "documents.matrix_json"}  # fmt: skip
"""The formats of a matrix over arrays, and their modules."""


def show_matrix(
    row: formats.Format, found: "Matrix", options: formats.Options, save: Path | None, get: str | None
) -> int:  # fmt: skip
    """Print or save a matrix over arrays; the exit code is 3 where a number does not exist."""
    if row.name not in MATRICES:
        raise usage(f"a {found.kind} is no code", f"its formats are {', '.join(MATRICES)}")
    if row.name == "text" and save is not None:
        raise usage("a matrix is saved as LaTeX or JSON", "name the file matrix.tex or matrix.json")
    formats.deliver(row._replace(module=MATRICES[row.name]), found, options, save, get)
    formats.remark(found)
    return 3 if found.flags else 0


def formulas(
    request: "Request", read: "Read", order: int, jvp: str, hvp: str, code: str
) -> "Formulas":
    """The derivatives that the options ask for.

    read: what the request reads. order: of the derivatives. jvp, hvp: a direction such as `x=1,y=0`, or empty. code: the format
    of code that they are for, which computes the output too; empty for formulas.

    Raises BackpropError for options that contradict each other, and for a point that has no
    value.
    """
    if sum([order > 1, bool(jvp), bool(hvp)]) > 1:
        message = "--order, --hessian, --jvp and --hvp are different questions"
        raise usage(message, "ask one of them")
    if (jvp or hvp) and request.wrt:
        raise usage("a direction says by which variables", "leave out --wrt")
    program, given, notes = read
    if over_arrays(read):
        raise no_arrays("derive")
    views = request.views()
    at = complete(program, given, bool(request.at), views["output"])
    direction = direction_of(jvp or hvp, "--jvp" if jvp else "--hvp") if jvp or hvp else None
    derived = program.derive(
        *views["wrt"],
        order=order,
        output=views["output"],
        along=direction,
        second=bool(hvp),
        at=at,
        code=bool(code),
    ).record
    if code:
        derived = replace(derived, author=f"`backprop derive --format {code}`")
    return derived if at is None else replace(derived, notes=(*notes, *derived.notes))


def written(at: list[str]) -> dict[str, str]:
    """The texts of the numbers that are given on the command line itself."""
    from ..input.point import read_point

    return read_point([text for text in at if not text.startswith("@")]).written


def direction_of(text: str, option: str) -> dict[str, float]:
    """The direction in an option such as `--jvp x=1,y=0`."""
    from ..input.point import read_point

    try:
        return read_point([text]).values
    except BackpropError as error:
        hint = f"write {option} x=1,y=0"
        raise error.replace(kind="usage", label="", hint=hint, reason="") from None


def complete(
    program: "library.Program", at: dict[str, float], given: bool, output: str
) -> dict[str, float] | None:
    """The point, if every variable that is needed has a value; None where there is no point.

    given: whether there is one on the command line. Raises BackpropError where it is only a part.
    """
    missing = [name for name in program.needed(output) if name not in at]
    if not missing:
        return at
    if given:
        graph = program.record
        raise BackpropError(
            "binding",
            f"no value for {', '.join(missing[:8])}",
            graph.spans[graph.variables[missing[0]]],
            hint="give them all, or leave --at out for the formulas alone",
            source=graph.source,
        )
    return None
