"""The table of operations as JSON."""

import json
from collections.abc import Sequence
from typing import Any

from ...arrays.examples import examples
from ...checks.accuracy import verify
from ...checks.measurement import SEED
from ...operations.row import Operation
from ...operations.shape import said
from ...operations.structural import Structural
from ...operations.table import IF

__all__ = ["described", "document", "render"]

FORMAT = "backprop-functions/1"


def render(document: dict[str, Any]) -> str:
    """The document on one line."""
    return json.dumps(document, allow_nan=False)


def document(rows: Sequence[Operation], measure: bool) -> dict[str, Any]:
    """The document as Python objects; measure: with each row's accuracy, which takes a while."""
    functions = [described(row) | (accuracy(row) if measure else {}) for row in rows]
    return {"format": FORMAT, "functions": functions}


def described(row: Operation) -> dict[str, Any]:
    """A row as the object of the document: see functions.schema.json."""
    if isinstance(row, Structural):
        return described_array(row)
    operands = ["x"] if row.variadic else list(row.operands)
    return {
        "name": row.name,
        "signature": row.signature,
        "operands": list(row.operands),
        "formula": row.formula,
        "gradients": [
            {"operand": operand, "rule": rule}
            | ({"computed": computed} if computed != rule else {})
            for operand, rule, computed in zip(
                operands, row.rules, row.careful or row.rules, strict=True
            )
        ],
        "role": row.role.noun,
        "domain": row.requirement or " and ".join(map(str, row.domain)),
        "kinks": kinks(row),
        "doc": row.doc,
    }


def described_array(row: Structural) -> dict[str, Any]:
    """The same of an operation on arrays."""
    operands = ["x"] if row.variadic else list(row.operands)
    return {
        "name": row.name,
        "signature": row.signature,
        "operands": list(row.operands),
        "formula": "",
        "gradients": [
            {"operand": operand, "vjp": text}
            for operand, text in zip(operands, row.rules, strict=False)
        ],
        "role": row.role.noun,
        "domain": "",
        "kinks": [],
        "doc": row.doc,
        "shapes": [
            {
                "operands": one.texts,
                "result": said(one.result),
                "vjp": list(row.vjp(one.shapes, one.written)),
                "jacobian": [row.jacobian(k, one.shapes, one.result) for k in range(len(one.shapes))],
            }
            for one in examples(row)
        ],
    }  # fmt: skip


def kinks(row: Operation) -> list[str]:
    """Where a row has kinks, in words of the language."""
    texts = [text.replace(" - ", " == ") if " - " in text else f"{text} == 0" for text in row.kinks]
    if row.selects:
        texts.append("a tie of operands")
    if row is IF:
        texts.append("a == b")
    return texts


def accuracy(row: Operation) -> dict[str, Any]:
    """The measured accuracy of a row as it stands in the document."""
    measured = verify(row)
    return {
        "verified": {
            "points": measured.points,
            "seed": SEED,
            "holds": measured.holds,
            "worst": [
                {
                    "number": one.number,
                    "ulps": one.ulps,
                    "at": one.at,
                    "printed": one.printed,
                    "exact": one.exact,
                    "points": one.points,
                }
                for one in measured.worst
            ],
        }
    }
