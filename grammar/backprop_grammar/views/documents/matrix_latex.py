r"""A Jacobian or a Hessian as a `pmatrix`, a fragment for a document with amsmath."""

from ...derivatives.matrices import Matrix
from ...explain.document import Figure
from ...language.table_texts import compiled
from ..options import Options
from .formula_latex import by_names, expression, figure, name_latex

__all__ = ["equation", "render"]

WIDEST = 10
"""Columns that amsmath allows a matrix unless it is told otherwise."""


def render(matrix: Matrix, options: Options) -> str:
    """The equation with a word on what it needs."""
    return f"% needs \\usepackage{{amsmath}}\n{equation(matrix, options.digits)}"


def equation(matrix: Matrix, digits: int) -> str:
    r"""`\frac{\partial p}{\partial z} = ... = \begin{pmatrix} ... \end{pmatrix}`."""
    of = name_latex(matrix.of)
    if matrix.kind == "jacobian":
        sides = [rf"\frac{{\partial {of}}}{{\partial {name_latex(matrix.by[0])}}}"]
    else:
        sides = [rf"\nabla^{{2}} {of}"]
    if matrix.text and not matrix.stages:  # stages need lines of their own
        graph = compiled(matrix.text)
        sides.append(expression(graph, graph.output, by_names(graph, graph.names)))
    head = ""
    if matrix.numbers is not None:
        rows = [" & ".join(figure(Figure(x, digits)) for x in row) for row in matrix.numbers]
        body = " \\\\\n".join(rows)
        sides.append(f"\\begin{{pmatrix}}\n{body}\n\\end{{pmatrix}}")
        if len(matrix.columns) > WIDEST:
            head = f"\\setcounter{{MaxMatrixCols}}{{{len(matrix.columns)}}}\n"
    return f"{head}\\[\n{' = '.join(sides)}\n\\]\n"
