"""The marks of a class as CSV: every row as it was, with columns behind it."""

import csv
import io
from collections.abc import Collection
from itertools import count

from ...quiz.grading import Class
from ...quiz.marking import column
from ..options import Options

__all__ = ["ADDED", "render"]

ADDED = ("marks", "of", "follows", "first_wrong", "diagnosis")


def render(found: Class, options: Options) -> str:
    """The rows in their order; cells are as they were. A name that is taken gets a number."""
    del options  # a number of marks has no digits to choose
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    width = max([len(found.header), *[len(row.cells) for row in found.rows]])
    header = [*found.header, *[""] * (width - len(found.header))]
    writer.writerow([*header, *[free(name, {*header}) for name in ADDED]])
    for row in found.rows:
        cells = [*row.cells, *[""] * (width - len(row.cells))]
        first = column(row.first.blank) if row.first else ""
        points = ["", "", ""] if row.why else [row.points, len(row.marks), row.following]
        writer.writerow([*cells, *points, first, row.diagnosis])
    return stream.getvalue()


def free(name: str, taken: Collection[str]) -> str:
    """A name that no column has: marks, marks_2, marks_3."""
    names = (name if k == 1 else f"{name}_{k}" for k in count(1))
    return next(one for one in names if one not in taken)
