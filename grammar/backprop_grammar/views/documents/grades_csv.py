"""The marks of a class as CSV: every row as it was, with columns behind it."""

import csv
import io

from ...quiz.grading import Class
from ...quiz.marking import column
from ..options import Options

__all__ = ["ADDED", "render"]

ADDED = ("marks", "of", "first_wrong", "diagnosis")


def render(found: Class, options: Options) -> str:
    """The rows in their order; cells are as they were. A name that is taken gets a number."""
    del options  # a number of marks has no digits to choose
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    taken = {*found.header}
    writer.writerow([*found.header, *[f"{name}_2" if name in taken else name for name in ADDED]])
    width = len(found.header)
    for row in found.rows:
        cells = [*row.cells, *[""] * (width - len(row.cells))][:width]
        first = column(row.first.blank) if row.first else ""
        points = [str(row.points), str(len(row.marks))] if not row.why else ["", ""]
        writer.writerow([*cells, *points, first, row.diagnosis])
    return stream.getvalue()
