"""A check of arrays as one strict JSON line, `backprop-check/1` with nested lists for arrays."""

import json
from typing import Any

from ...arrays.lower import element, elements
from ...arrays.record import Tensor
from ...checks.array_differences import ArrayDifference, ArrayDifferences
from ...checks.report import Report
from ...diagnosis.array_claims import ArrayVerdict
from ...language.graph import as_array
from ...language.nearest import exact
from ...numbers.wide import Wide
from ..options import Options
from .check_json import assembled, diagnosis, difference, of_tensor, plain

__all__ = ["render"]


def render(report: Report, options: Options) -> str:
    """The document on one line."""
    return json.dumps(document(report), allow_nan=False)


def document(report: Report) -> dict[str, Any]:
    """The document as Python objects; see check.schema.json."""
    result = assembled(report, claim, numbers, at)
    if isinstance(report.differences, ArrayDifferences):
        result["differences"] = differences(report.differences)
    return result


def differences(found: ArrayDifferences) -> dict[str, Any]:
    return {"right": found.right, "inputs": [array(one) for one in found.inputs], "edges": [], "skipped": 0}  # fmt: skip


def array(one: ArrayDifference) -> dict[str, Any]:
    """One array: how much was compared, and all that is not right."""
    return {
        "name": one.name,
        "shape": list(one.shape),
        "compared": len(one.elements),
        "direction": one.direction is not None,
        "error": one.error,
        "verdict": one.verdict,
        "elements": [difference(row) for row in one.rows if row.verdict != "right"],
    }


def at(report: Report) -> dict[str, Any]:
    """The point, with nested lists for arrays, and the decimals that are not those of its floats."""
    numbers: dict[str, float] = {}
    for name, x in report.at.items():
        shape, given, _ = as_array(x)
        numbers |= zip([element(name, place) for place in elements(shape)], given, strict=True)
    nested_lists = {name: as_array(value).nested for name, value in report.at.items()}
    return {"at": nested_lists, **exact(numbers)}


def numbers(value: Any) -> Any:
    """A number, or nested lists of them."""
    return of_tensor(value) if isinstance(value, Tensor) else plain(value)


def claim(verdict: ArrayVerdict) -> dict[str, Any]:
    claimed = verdict.claimed
    missing = {
        verdict.label(k): x.text
        for k, x in enumerate(verdict.correct.numbers)
        if isinstance(x, Wide) and not x.exists
    }
    return {
        "name": verdict.name,
        "kind": verdict.target.kind,
        "shape": list(verdict.correct.shape),
        "claimed": written(claimed.shape, claimed.texts),
        "correct": numbers(verdict.correct),
        **({"missing": missing} if missing else {}),
        "right": verdict.right,
        "status": verdict.status,
        "verdict": verdict.text,
        "wrong": [verdict.label(k) for k in verdict.wrong],
        "diagnoses": [diagnosis(one) for one in verdict.diagnoses],
        "advice": list(verdict.advice),
    }


def written(shape: tuple[int, ...], texts: tuple[str, ...]) -> Any:
    """Texts as nested lists, of any depth."""
    level: list[Any] = list(texts)
    for n in reversed(shape[1:]):
        level = [level[k : k + n] for k in range(0, len(level), n)]
    return level if shape else level[0]
