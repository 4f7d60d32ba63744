"""Jacobians and Hessians as Python and notebooks see them."""

from functools import partial
from typing import TYPE_CHECKING, Any

from .answers import Answer, Evaluated, listed, named, rendered
from .derivatives import matrices
from .numbers.wide import as_float

if TYPE_CHECKING:
    from .derivatives.matrices import Matrix as MatrixRecord

__all__ = ["Matrix", "hessian", "jacobian"]


def jacobian(trace: Evaluated[Any], of: str, by: str) -> "Matrix":
    """The Jacobian of a node by another node, or an input, at the point of a trace.

    Its rows are the elements of the first, its columns those of the second.
    """
    end, start = named(of, "what is differentiated"), named(by, "what it is differentiated by")
    record = matrices.jacobian(trace.record.program, trace.record.at, end, start)
    return Matrix(record, trace.digits, partial(jacobian, trace, of, by))


def hessian(trace: Evaluated[Any], *wrt: str) -> "Matrix":
    """The Hessian of the output of a trace by all elements of these inputs, or of all inputs.

    Raises BackpropError where these are more than 100.
    """
    names = [name for given in wrt for name in listed(given)]
    output = "" if trace.record.last else trace.output
    record = matrices.hessian(trace.record.program, trace.record.at, names, output)
    return Matrix(record, trace.digits, partial(hessian, trace, *wrt))


class Matrix(Answer):
    """A Jacobian or a Hessian."""

    record: "MatrixRecord"

    @property
    def numbers(self) -> list[list[float | None]] | None:
        """The matrix, row by row; None where there are too many numbers."""
        rows = self.record.numbers
        return None if rows is None else [[as_float(x) for x in row] for row in rows]

    @property
    def rows(self) -> tuple[str, ...]:
        """What the rows belong to: the elements of what is differentiated."""
        return self.record.rows

    @property
    def columns(self) -> tuple[str, ...]:
        """What the columns belong to: the elements of what it is differentiated by."""
        return self.record.columns

    @property
    def formula(self) -> str:
        """The matrix as a text, such as `diag(p) - p @ p.T`; empty where none says it."""
        return self.record.formula

    @property
    def zeros(self) -> int | None:
        """How many of its numbers are 0 at every point; None where that is not known."""
        return self.record.zeros

    def __str__(self) -> str:
        from .views.documents.matrix_text import matrix_text  # loaded when it is asked for

        return matrix_text(self.record, self.digits)

    __repr__ = __str__

    def _repr_latex_(self) -> str:
        from .views.documents.matrix_latex import equation  # loaded when it is asked for

        return equation(self.record, self.digits)

    def latex(self) -> str:
        """An equation of LaTeX with a pmatrix."""
        return rendered("documents.matrix_latex", self.record, self.digits)

    def json(self) -> str:
        """The matrix as one JSON document."""
        return rendered("documents.matrix_json", self.record, self.digits)
