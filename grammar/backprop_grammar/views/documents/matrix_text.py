"""A Jacobian or a Hessian as plain text: what it is, how large, and its numbers in columns."""

from ...derivatives.matrices import MOST_NUMBERS, Matrix
from ...errors import visible
from ...numbers.decimal import decimal

__all__ = ["formula_lines", "headline", "matrix_text", "remarks_on"]


def headline(matrix: Matrix) -> str:
    """What it is: `Jacobian of p by z, 3x3`."""
    return f"{matrix.kind.capitalize()} of {matrix.of} by {', '.join(matrix.by)}, {matrix.size}"


def remarks_on(matrix: Matrix) -> list[str]:
    """How it is laid out, how much of it is 0 wherever it is computed, and why it has no numbers."""
    total = len(matrix.rows) * len(matrix.columns)
    if total == 1:
        return []
    if matrix.kind == "hessian":
        return ["rows and columns are the elements, in their order; it is symmetric"]
    (by,) = matrix.by
    said = [f"numerator layout: rows are the elements of {matrix.of}, columns those of {by}"]
    if matrix.zeros is not None:
        share = f" ({100 * matrix.zeros / total:.3g} %)" if 0 < matrix.zeros < total else ""
        count = {0: "none", total: "all"}.get(matrix.zeros, f"{matrix.zeros:,}")
        verb = "is" if matrix.zeros == 1 else "are"
        said.append(f"{count} of its {total:,} numbers {verb} 0 at every point{share}")
    if matrix.numbers is None:
        large = total > MOST_NUMBERS
        why = f"there are more than {MOST_NUMBERS}" if large else "no point is given"
        said.append(f"the numbers are not computed: {why}")
    return said


def formula_lines(matrix: Matrix) -> list[tuple[str, str]]:
    """The formula, in two parts a line: what is computed, and how; the stages of a Hessian first."""
    lines = [(f"{name} = ", text) for name, text in matrix.stages]
    by = matrix.by[0]
    head = f"d{matrix.of}/d{by}" if matrix.kind == "jacobian" else f"d2{matrix.of}/d{by}2"
    return [*lines, (f"{head} = ", matrix.text)]


def matrix_text(matrix: Matrix, digits: int) -> str:
    """All of that, and the numbers with the names of their rows."""
    lines = [headline(matrix), *remarks_on(matrix)]
    if matrix.text:
        lines += ["".join(line) for line in formula_lines(matrix)]
    if matrix.numbers is not None:
        table = [["", *matrix.columns]]
        table += [
            [name, *(decimal(x, digits) for x in row)]
            for name, row in zip(matrix.rows, matrix.numbers, strict=True)
        ]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for name, *cells in table:
            numbers = [cell.rjust(n) for cell, n in zip(cells, widths[1:], strict=True)]
            lines.append("  ".join([name.ljust(widths[0]), *numbers]))
    return "\n".join(map(visible, lines))
