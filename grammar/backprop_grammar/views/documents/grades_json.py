"""The marks of a class as one strict JSON document, the format `backprop-grades/1`."""

import json
from typing import Any

from ...quiz.grading import Class, Graded
from ...quiz.marking import Mark, column
from ..options import Options

__all__ = ["document", "render"]


def render(found: Class, options: Options) -> str:
    """The document: on one line, or indented on a terminal."""
    return json.dumps(document(found), allow_nan=False, indent=2 if options.indent else None)


def document(found: Class) -> dict[str, Any]:
    """The document as Python objects; see grades.schema.json."""
    return {
        "format": "backprop-grades/1",
        "rows": [row_object(row) for row in found.rows],
        "causes": [{"cause": cause, "count": count} for cause, count in found.causes.most_common()],
        "missing": list(found.missing),
        "twice": list(found.twice),
        "commas": found.commas,
        "unsearched": found.unsearched,
    }


def row_object(row: Graded) -> dict[str, Any]:
    first = row.first
    return {
        "student": row.student,
        "marks": None if row.why else row.points,
        "of": None if row.why else len(row.marks),
        "follows": None if row.why else row.following,
        "first_wrong": column(first.blank) if first else None,
        "diagnosis": row.diagnosis,
        "answers": [mark_object(mark) for mark in row.marks],
    }


def mark_object(mark: Mark) -> dict[str, Any]:
    wrong = mark.wrong
    return {
        "column": column(mark.blank),
        "answer": mark.answer.text,
        "status": mark.status,
        **(
            {"mistake": wrong.mistake, "node": wrong.node, "message": wrong.message}
            if wrong
            else {}
        ),
    }
