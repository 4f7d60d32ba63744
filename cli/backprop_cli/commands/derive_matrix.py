"""`derive --jacobian`, and `--hessian` over arrays: what is asked for, and where it is shown."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backprop_grammar.derivatives import matrices
from backprop_grammar.derivatives.matrices import Matrix
from backprop_grammar.errors import BackpropError, few, usage
from backprop_grammar.language.graph import Array, Graph

from .. import formats

if TYPE_CHECKING:
    from ..input.request import Read, Request

__all__ = ["matrix", "show_matrix"]


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
    missing = [name for name in needed if name not in at]
    shaped = {name: graph.declared[name] for name in missing if name in graph.declared}
    if request.at or len(shaped) < len(missing):
        check_given(graph, missing)
    if any(isinstance(n, str) for shape in shaped.values() for n in shape):
        raise usage(
            "a Jacobian has a size, and letters are none", "declare numbers, or give a point: --at"
        )
    sizes = {name: placeholder(shape) for name, shape in shaped.items()} if missing else {}
    found = matrices.jacobian(graph, at | sizes, of, by, numbers=not missing)
    return replace(found, notes=(*notes, *found.notes))


def check_given(graph: Graph, missing: Sequence[str]) -> None:
    """Raise BackpropError where a value is missing."""
    if missing:
        raise BackpropError(
            "binding",
            f"no value for {few(missing)}",
            graph.spans[graph.variables[missing[0]]],
            hint="a matrix of numbers is at a point: --at",
            source=graph.source,
        )


def placeholder(shape: tuple[Any, ...]) -> float | Array:
    """A value of a shape, where only that counts."""
    return Array(shape, (0.0,) * math.prod(shape)).value


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
    formats.remark(found)
    return 3 if found.flags else 0
