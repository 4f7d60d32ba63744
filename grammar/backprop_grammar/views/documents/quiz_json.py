"""A quiz as one strict JSON document, the format `backprop-quiz/1`: its sheets with their keys."""

import json
from typing import Any

from ...language.graph import as_array
from ...language.printer import kept_text
from ...quiz.record import Blank, Quiz, Variant
from ..options import Options

__all__ = ["document", "render"]

FORMAT = "backprop-quiz/1"


def render(quiz: Quiz, options: Options) -> str:
    """The document: on one line, or indented on a terminal."""
    return json.dumps(document(quiz), allow_nan=False, indent=2 if options.indent else None)


def document(quiz: Quiz) -> dict[str, Any]:
    """The document as Python objects; see quiz.schema.json."""
    return {
        "format": FORMAT,
        "title": quiz.title,
        "program": kept_text(quiz.program),
        "seed": quiz.seed,
        "blank": list(quiz.blank),
        "variants": [variant_object(variant) for variant in quiz.variants],
    }


def variant_object(variant: Variant) -> dict[str, Any]:
    return {
        "variant": variant.number,
        "at": {name: as_array(value).nested for name, value in variant.at.items()},
        "output": variant.trace.output_name,
        "blanks": [blank_object(blank) for blank in variant.blanks],
        "untold": list(variant.untold),
    }


def blank_object(blank: Blank) -> dict[str, Any]:
    """A blank with its answer, and the wrong numbers that mistakes lead to."""
    return {
        "number": blank.number,
        "node": blank.node,
        "kind": blank.kind,
        "answer": blank.answer,
        "text": blank.text,
        "exact": blank.exact,
        "wrongs": [wrong._asdict() for wrong in blank.wrongs],
    }
