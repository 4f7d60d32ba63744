"""A run along the gradient as one strict JSON document, the format `backprop-step/1`.

`at` is the point that was reached, of every variable, so the document is itself a point: of an
evaluation, and of a further run.
"""

import json
from typing import Any

from ...descent.descend import Step
from ...descent.trajectory import Trajectory
from ...language.nearest import exact
from ...language.printer import kept_text
from ...trace.record import Flag
from ..options import Options

__all__ = ["line", "render"]

FORMAT = "backprop-step/1"
OF_ARRAYS = "backprop-step/2"
"""The same with nested lists wherever an array stands."""


def render(run: Trajectory, options: Options) -> str:
    """The document: on one line, or indented on a terminal."""
    return json.dumps(document(run), allow_nan=False, indent=2 if options.indent else None)


def line(run: Trajectory, step: Step) -> str:
    """One step on one line, for a stream of them; the same as its row of the trajectory."""
    return json.dumps(row(run, step), allow_nan=False)


def document(run: Trajectory) -> dict[str, Any]:
    """The document as Python objects; see step.schema.json."""
    plan, start, final = run.plan, run.began, run.reached
    batches, place = plan.batches, "data" if plan.whole else "points"
    return {
        "format": FORMAT if plan.elements is None else OF_ARRAYS,
        "program": kept_text(plan.graph),
        "at": final.at,
        **exact(final.at),
        "output": plan.output,
        "value": final.value,
        "gradients": final.gradients,
        "method": plan.method,
        "rate": plan.rate,
        "up": plan.up,
        "wrt": list(plan.inputs),
        **({place: list(run.files), "rows": plan.rows} if run.files else {}),
        **({"batch": batches.size, "seed": batches.seed} if batches else {}),
        **({"until": plan.until.text} if plan.until else {}),
        **({} if (right := run.right) is None else {"right": right}),
        "steps": final.number,
        "asked": plan.steps,
        "end": run.end.reason,
        "start": {"at": start.at, **exact(start.at), "value": start.value},
        **({} if batches else {"predicted": run.predicted}),
        "actual": run.actual,
        "trajectory": [row(run, step) for step in run.rows],
        "notes": [
            {"kind": note.kind, "node": note.node, "message": note.message} for note in run.notes
        ],
        "flags": [flag_object(flag) for flag in run.flags],
    }


def row(run: Trajectory, step: Step) -> dict[str, Any]:
    """A step: where it led, of the stepped inputs, and what that did to the output."""
    return {
        "step": step.number,
        "at": step.of(run.plan.inputs),
        "value": step.value,
        "gradients": step.gradients,
        **({} if run.plan.batches else {"predicted": step.predicted, "actual": step.actual}),
    }


def flag_object(flag: Flag) -> dict[str, Any]:
    sign = {"sign": flag.sign} if flag.sign else {}
    return (
        {"path": flag.path, "status": flag.status}
        | sign
        | {"node": flag.node, "message": flag.message}
    )
