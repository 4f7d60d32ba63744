"""What a class got wrong as CSV: a row each mistake, with how many rows of answers made it."""

import csv
import io

from ...quiz.grading import Class
from ..options import Options

__all__ = ["render"]


def render(found: Class, options: Options) -> str:
    """The mistakes, the most frequent first."""
    del options  # a count has no digits to choose
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["count", "of", "cause"])
    graded = len(found.rows) - found.failed
    writer.writerows([count, graded, cause] for cause, count in found.causes.most_common())
    return stream.getvalue()
