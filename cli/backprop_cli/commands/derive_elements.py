"""What `derive` does with the elements of arrays: Jacobians, Hessians, and formulas of numbers."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backprop_grammar.arrays.elements import placeholder
from backprop_grammar.derivatives import matrices
from backprop_grammar.derivatives.by_number import by_number
from backprop_grammar.derivatives.matrices import Matrix
from backprop_grammar.errors import BackpropError, few, usage
from backprop_grammar.language.graph import Graph

from .. import formats

if TYPE_CHECKING:
    from ..input.request import Read, Request

__all__ = ["expanded", "matrix", "show_matrix"]


def matrix(request: "Request", given: "Read", jacobian: str, other: list[str]) -> Matrix:
    """The Jacobian, or the Hessian where none is asked for. other: options that ask for else."""
    what = "--jacobian" if jacobian else "--hessian"
    if other:
        raise usage(f"{what} and {other[0]} are different questions", "ask one of them")
    program, at, notes = given
    graph, views = program.record, request.views()
    if not jacobian:
        check_given(graph, [name for name in program.needed(views["output"]) if name not in at])
        found = matrices.hessian(graph, at, views["wrt"], views["output"])
        return replace(found, notes=(*notes, *found.notes))
    if request.wrt or views["output"]:
        raise usage("a Jacobian says of what and by what it is", "leave out --wrt and --output")
    of, _, by = (part.strip() for part in jacobian.partition(","))
    if not of or not by or "," in by:
        raise usage("--jacobian takes two names", "write --jacobian p,z for the one of p by z")
    needed = dict.fromkeys([*program.needed(of), *program.needed(by)])
    at, whole = shaped(graph, at, list(needed), bool(request.at))
    found = matrices.jacobian(graph, at, of, by, numbers=whole)
    return replace(found, notes=(*notes, *found.notes))


def expanded(request: "Request", given: "Read", names: list[str]) -> tuple["Request", "Read"]:
    """The program over the numbers that a program over arrays means, and what is asked of it.

    names: of what is shown as its elements, which is all or nothing here.
    """
    if names != ["all"]:
        raise usage("derive takes a program as a whole", "write --expand all for its elements")
    program, at, notes = given
    views, graph = request.views(), program.record
    at, whole = shaped(graph, at, list(program.needed(views["output"])), bool(request.at))
    found = by_number(graph, at, views["wrt"], views["output"])
    program.record = found.graph
    asked = request._replace(wrt=found.wrt or None, output="", at=request.at if whole else None)
    return asked, (program, found.at if whole else {}, notes)


def shaped(
    graph: Graph, at: dict[str, Any], needed: Sequence[str], given: bool
) -> tuple[dict[str, Any], bool]:
    """The point, and whether it is one; else zeros in the shapes that are declared.

    given: whether there is one on the command line. Raises BackpropError where a value is missing,
    and for shapes with letters.
    """
    missing = [name for name in needed if name not in at]
    declared = {name: graph.declared[name] for name in missing if name in graph.declared}
    if given or len(declared) < len(missing):
        check_given(graph, missing)
    if any(isinstance(n, str) for shape in declared.values() for n in shape):
        way = "declare numbers, or give a point: --at"
        raise usage("elements are counted, and letters are no numbers", way)
    zeros = {name: placeholder(tuple([int(n) for n in shape])) for name, shape in declared.items()}
    return at | (zeros if missing else {}), not missing


def check_given(graph: Graph, missing: Sequence[str]) -> None:
    """Raise BackpropError where a value is missing."""
    if missing:
        raise BackpropError(
            "binding",
            f"no value for {few(missing)}",
            graph.spans[graph.variables[missing[0]]],
            hint="elements are those of a point: --at",
            source=graph.source,
        )


MATRICES = {"text": "screens.matrix", "matrix": "screens.matrix", "latex": "documents.matrix_latex", "json": "documents.matrix_json"}  # fmt: skip
"""The formats of a matrix over arrays, and their modules."""


def show_matrix(
    row: formats.Format, found: Matrix, options: formats.Options, save: Path | None, get: str | None
) -> int:  # fmt: skip
    """Print or save a matrix over arrays; the exit code is 3 where a number does not exist."""
    if row.name not in MATRICES:
        raise usage(f"a {found.kind} is no code", f"its formats are {', '.join(MATRICES)}")
    if row.name == "text" and save is not None:
        raise usage("a matrix is saved as LaTeX or JSON", "name the file matrix.tex or matrix.json")
    formats.deliver(row._replace(module=MATRICES[row.name]), found, options, save, get)
    alone = {flag.message: flag for flag in found.flags}  # of a symmetric matrix two say one thing
    formats.remark(replace(found, flags=tuple(alone.values())))
    return 3 if found.flags else 0
