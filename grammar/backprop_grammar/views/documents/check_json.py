"""A check as one strict JSON line, the format `backprop-check/1`, for graders.

A grader asks one question of a document, whether all is right, and then why not; so `right` stands
first, and every part has its own.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from ...checks.differences import Difference, Differences
from ...checks.equivalence import Agreement
from ...checks.report import Report
from ...diagnosis.claims import Verdict
from ...diagnosis.search import Diagnosis
from ...language.graph import as_array, nested
from ...language.nearest import exact
from ...language.printer import shown_text
from ...numbers.wide import UNEVALUATED, Number, Wide
from ..options import Options

__all__ = ["render"]

FORMAT = "backprop-check/1"


def render(report: Report, options: Options) -> str:
    """The document on one line."""
    return json.dumps(document(report), allow_nan=False)


def document(report: Report) -> dict[str, Any]:
    """The document as Python objects; see check.schema.json."""
    return assembled(report, claim, plain, lambda report: {"at": report.at, **exact(report.at)})


def assembled(
    report: Report,
    claim_of: Callable[[Any], dict[str, Any]],
    value_of: Callable[[Any], Any],
    at_of: Callable[[Report], dict[str, Any]],
) -> dict[str, Any]:
    """The same from what stands for a claim, the value and the point."""
    result: dict[str, Any] = {
        "format": FORMAT,
        "right": report.right,
        "program": shown_text(report.program),
        **at_of(report),
        "output": report.output,
    }
    if report.value is not None:
        result["value"] = value_of(report.value)
    if isinstance(report.differences, Differences):
        result["differences"] = differences(report.differences)
    if report.verdicts:
        result["claims"] = [
            formula(verdict) if hasattr(verdict, "parted") else claim_of(verdict)
            for verdict in report.verdicts
        ]
    if report.first is not None:
        first = report.first
        result["first"] = {
            "name": first.name, "following": list(first.following), "own": [{"name": name, "following": list(names)} for name, names in first.own], "message": first.message,
        }  # fmt: skip
    if report.remarks:
        result["remarks"] = list(report.remarks)
    if report.agreement is not None:
        result["agreement"] = agreement(report.agreement)
    return result


def plain(number: Number | None) -> float | str | None:
    """A float, the decimal digits of what no float holds, or null for no number."""
    if not isinstance(number, Wide):
        return number
    if number is UNEVALUATED or not number.exists:
        return None
    return number.text if number.nearest is None else number.nearest


def word(number: Number) -> dict[str, str]:
    """Why a number is null: infinite, -infinite or undefined."""
    return {"status": number.text} if isinstance(number, Wide) and not number.exists else {}


def differences(differences: Differences) -> dict[str, Any]:
    return {
        "right": differences.right,
        "inputs": [difference(row) for row in differences.inputs],
        "edges": [difference(row) for row in differences.edges],
        "skipped": differences.skipped,
    }


def difference(row: Difference) -> dict[str, Any]:
    return {
        "name": row.name,
        **({"node": row.node} if row.node else {}),
        **({"operand": row.operand} if row.operand else {}),
        "backward": plain(row.backward),
        **word(row.backward),
        "quotient": plain(row.quotient),
        "left": plain(row.left),
        "right": plain(row.right),
        "error": row.error,
        "verdict": row.verdict,
        "message": row.message,
    }


def claim(verdict: Verdict) -> dict[str, Any]:
    return {
        "name": verdict.name,
        "claimed": verdict.claimed,
        "correct": plain(verdict.correct),
        **({"missing": missing["status"]} if (missing := word(verdict.correct)) else {}),
        "right": verdict.right,
        "status": verdict.status,
        "diagnoses": [diagnosis(one) for one in verdict.diagnoses],
        "advice": list(verdict.advice),
    }


def formula(verdict: Any) -> dict[str, Any]:
    parted = verdict.parted
    found: dict[str, Any] | None = None
    if parted is not None:
        found = {
            "at": lists(parted.at),
            "claimed": None if parted.claimed is None else of_tensor(parted.claimed),
            "correct": of_tensor(parted.correct),
            "message": parted.message,
        }
    return {
        "name": verdict.name,
        "kind": verdict.target.kind,
        "formula": verdict.claimed,
        "right": verdict.right,
        "status": verdict.status,
        "verdict": verdict.text,
        "points": verdict.points,
        "parted": found,
        **({"at": lists(verdict.at)} if verdict.diagnoses else {}),
        "diagnoses": [diagnosis(one) for one in verdict.diagnoses],
        "advice": list(verdict.advice),
    }


def lists(at: Mapping[str, Any]) -> dict[str, Any]:
    """A point with nested lists for arrays."""
    return {name: as_array(value).nested for name, value in at.items()}


def of_tensor(found: Any) -> Any:
    """A number, or nested lists of them."""
    return nested(found.shape, iter([plain(x) for x in found.numbers]))


def diagnosis(diagnosis: Diagnosis) -> dict[str, Any]:
    return {
        "mistake": diagnosis.mistake,
        "node": diagnosis.node,
        "operand": diagnosis.operand,
        "nodes": list(diagnosis.nodes),
        "message": diagnosis.message,
        "rule": diagnosis.rule,
        "also": [{"mistake": mistake, "node": node} for mistake, node in diagnosis.also],
        "explains": list(diagnosis.explains),
        "contradicts": list(diagnosis.spoils),
        "unique": diagnosis.unique,
        "chance": diagnosis.chance,
        "certain": diagnosis.certain,
    }


def agreement(agreement: Agreement) -> dict[str, Any]:
    result: dict[str, Any] = {
        "agreed": agreement.agreed,
        "against": agreement.b,
        "over": {name: list(ends) for name, ends in agreement.box.items()},
        "points": agreement.points,
        "skipped": agreement.skipped,
        "kinks": agreement.kinks,
        "worst": agreement.worst,
        "parting": None,
    }
    if agreement.parting is not None:
        part = agreement.parting
        result["parting"] = {
            "at": part.at,
            "what": part.what,
            "a": plain(part.a),
            "b": plain(part.b),
            "error": part.error,
            "message": part.message,
        } | ({"node": part.node} if part.node else {})
    return result
