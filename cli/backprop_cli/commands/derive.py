"""`backprop derive`: derivatives as formulas, as code and, at a point, as numbers.

A Hessian, a direction and a higher order are all gradients of gradients.
"""

import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backprop_grammar.errors import BackpropError, usage, visible

from .. import formats
from ..input.options import (
    At,
    Digits,
    Expand,
    File,
    Get,
    Json,
    Output,
    Program,
    Save,
    Upstream,
    Wrt,
    format_option,
)

if TYPE_CHECKING:
    from backprop_grammar import library
    from backprop_grammar.derivatives.array_formulas import ArrayFormulas
    from backprop_grammar.derivatives.formulas import Formulas

    from ..input.request import Read, Request

__all__ = ["EXAMPLES", "command"]

EXAMPLES = """\
backprop derive "1/(1+exp(-(w*x+b)))"
backprop derive "x^3*y" --order 2
backprop derive "100*(y - x^2)^2 + (1 - x)^2" --hessian --at x=-1.2,y=1
backprop derive "x^2*sin(y)" --jvp x=1,y=0
backprop derive "sigmoid(w*x + b)" --at w=2,x=1,b=0 --format numpy
backprop derive "W: 3x4; x: 4; q = W @ x; sum(q^2)\""""


def command(
    program: Program = None,
    at: At = None,
    file: File = None,
    wrt: Wrt = None,
    output: Output = "",
    upstream: Upstream = "",
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
        str,
        typer.Option(
            metavar="POINT", help="The derivative along a direction: x=1,y=0; of arrays, or x."
        ),
    ] = "",
    hvp: Annotated[
        str,
        typer.Option(
            metavar="POINT", help="The Hessian times a direction: x=1,y=0; of arrays, or x."
        ),
    ] = "",
    expand: Expand = None,
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
    read = request.read(arrays=True)
    if jacobian or (hessian and not expand and has_point(request, read)):
        from .derive_elements import matrix, show_matrix

        other = {
            "--order": order > 1,
            "--jvp": jvp,
            "--hvp": hvp,
            "--hessian": jacobian and hessian,
        }
        found = matrix(
            request, read, jacobian, [option for option, given in other.items() if given]
        )
        return show_matrix(row, found, formats.Options(digits), save, get)
    if expand and not over_arrays(read):
        raise usage("--expand is for programs over vectors and matrices", "leave it out")
    if expand:
        from .derive_elements import expanded

        request, read = expanded(request, read, expand)
    derived = formulas(request, read, 2 if hessian else order, jvp, hvp, code, upstream)
    if hasattr(derived, "upstream"):  # it is of arrays
        row = formats.of_arrays(row)
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
    return 3 if derived.flags or None in derived.numbers.values() else 0


def over_arrays(read: "Read") -> bool:
    """Whether a program is over vectors and matrices at its point."""
    program, at, _ = read
    return program.over_arrays(at, {})


def has_point(request: "Request", read: "Read") -> bool:
    """Whether a program is over arrays, and has values, of which one may be missing."""
    program, at, _ = read
    missing = [name for name in program.needed(request.views()["output"]) if name not in at]
    return over_arrays(read) and (bool(request.at) or not missing)


def formulas(
    request: "Request", read: "Read", order: int, jvp: str, hvp: str, code: str, upstream: str = ""
) -> "Formulas | ArrayFormulas":
    """The derivatives that the options ask for.

    read: what the request reads. order: of the derivatives. jvp, hvp: a direction such as
    `x=1,y=0`, or empty. code: the format of code that they are for, which computes the output too;
    empty for formulas.

    Raises BackpropError for options that contradict each other, and for a point that has no
    value.
    """
    if sum([order > 1, bool(jvp), bool(hvp)]) > 1:
        message = "--order, --hessian, --jvp and --hvp are different questions"
        raise usage(message, "ask one of them")
    if (jvp or hvp) and request.wrt:
        raise usage("a direction says by which variables", "leave out --wrt")
    program, given, notes = read
    views = request.views()
    at = complete(program, given, bool(request.at), views["output"])
    arrays = program.derives_arrays(at or {})
    direction: dict[str, Any] | None = None
    if jvp or hvp:
        direction = direction_of(jvp or hvp, "--jvp" if jvp else "--hvp", arrays)
    if upstream and not arrays:
        raise usage("--upstream is for an output that is a vector or a matrix", "leave it out")
    derived: Formulas | ArrayFormulas = program.derive(
        *views["wrt"],
        order=order,
        output=views["output"],
        along=direction,
        second=bool(hvp),
        at=at,
        code=bool(code),
        upstream=arriving(request._replace(upstream=upstream)) if upstream else 1.0,
    ).record
    if code:
        derived = replace(derived, author=f"`backprop derive --format {code}`")
    return derived if at is None else replace(derived, notes=(*notes, *derived.notes))


def written(at: list[str]) -> dict[str, str]:
    """The texts of the numbers that are given on the command line itself."""
    from ..input.point import read_point

    return read_point([text for text in at if not text.startswith("@")]).written


def arriving(request: "Request") -> Any:
    """What --upstream says: the name of a new variable, or as in other commands."""
    text = request.upstream.strip()
    return text if text.isidentifier() else request.arriving()


def direction_of(text: str, option: str, arrays: bool) -> dict[str, Any]:
    """The direction in an option such as `--jvp x=1,y=0`; of arrays, names alone say that it is a
    new variable: v, or of several variables v_x, v_y.
    """
    from ..input.point import read_point

    if arrays:
        parts = [part.strip() for part in text.split(",")]
        several = len(parts) > 1
        found = [re.fullmatch(r"(\w+)(?:\s*=\s*([^\W\d]\w*))?", part) for part in parts]
        named = {one[1]: one[2] or (f"v_{one[1]}" if several else "v") for one in found if one}
        if len(named) == len(parts) and not {"pi", "e", "tau"} & {*named.values()}:
            return named
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
