"""The work of `backprop check`: which of its three questions is asked.

The insight: a gradient can be held against the values it speaks of, a claim against the gradient,
and a formula against another one; each gives a part of one report.
"""

from dataclasses import replace
from typing import Any

from backprop_grammar.checks.differences import Report, differences
from backprop_grammar.checks.equivalence import agree, read_box
from backprop_grammar.diagnosis.claims import judge, read_claims
from backprop_grammar.errors import usage
from backprop_grammar.language.parser import parse
from backprop_grammar.trace.evaluate import evaluate
from backprop_grammar.trace.record import Trace

from ..input.request import Request

__all__ = ["report"]

MANY = 100
"""Points at which two formulas are compared where it is not said."""
POINTS = 1_000_000
"""The most points at which two formulas are compared."""


def report(
    request: Request,
    claims: list[str],
    against: str,
    over: list[str],
    seed: int | None,
    points: int | None,
) -> Report:
    """What the options ask: about two formulas, about claims, or about the gradient itself.

    Raises BackpropError for options that contradict each other.
    """
    if not against:
        if over:
            raise usage("--over is the box for --against", "add --against with the other formula")
        if points is not None or seed is not None:
            raise usage("--points and --seed choose points for --against", "add --against with the other formula")  # fmt: skip
        return about_one(request, claims)
    if claims or request.at:
        raise usage("--against compares formulas, not a point", "leave out --claim and --at")
    if request.wrt or request.output or request.upstream != "1":
        raise usage("--against compares whole formulas", "leave out --wrt, --output and --upstream")
    if not over:
        raise usage("--against needs a box", "add --over x=-2:2, with a range for every variable")
    points = MANY if points is None else points
    if not 0 <= points <= POINTS:
        raise usage(f"--points is 0 to {POINTS:,}, not {points}")
    box = read_box(over)
    first, _, _ = request.graph(box)
    second = parse(against, name="--against").bind(box)
    found = agree(first, second, box, seed or 0, points)
    return Report(first, {}, "", agreement=found)


def about_one(request: Request, claims: list[str]) -> Report:
    """The report on the gradient at a point, or on claims of it."""
    graph, at, notes = request.graph()
    trace = request.traced(graph, at, notes)
    found = Report(trace.program, trace.at, trace.output_name, trace.value)
    if claims and not read_claims(claims):
        raise usage("--claim claims nothing", "write --claim x=-4,y=0.25")
    if not claims:
        return replace(found, differences=differences(trace))

    def again(point: dict[str, float] | None, **options: Any) -> Trace:
        return evaluate(graph, at if point is None else point, **request.views() | options)

    return replace(found, verdicts=judge(trace, read_claims(claims), again))
