"""Derivatives of any order where formulas make a choice or have no number: the function decides."""

from collections import Counter
from collections.abc import Mapping, Sequence

from ..blocks.names import Names
from ..language.graph import Graph
from ..numbers.wide import Number, exists
from ..passes.sides import Direction, Neighbourhood, Side
from ..trace.record import KINKS, Flag, Note, Trace
from ..trace.singular import Verdict, Wording, choices, remarks_on, rounded, verdict
from .derive import Derivative

__all__ = ["decided"]

CHOICE = "the formulas make a choice here; "
"""How a note begins, of a program that stands on a kink."""


def decided(
    program: Graph,
    derivative: Derivative,
    trace: Trace,
    figures: Mapping[str, Number],
    notes: Sequence[Note],
    flags: Sequence[Flag],
    *,
    along: Mapping[str, float] | None = None,
    second: bool = False,
) -> tuple[dict[str, Number], list[Note], list[Flag]]:
    """The derivatives as the function decides them, with what is said of them.

    trace: of the program at the point. figures, notes, flags: what the formulas give. along: the
    derivatives are along this direction, and second, the gradient of that.
    """
    near = Neighbourhood(program, trace.output, trace.at)
    names = Names(program)

    def move(name: str) -> Direction:
        return {names.find(name): 1.0}

    verdicts: dict[str, Verdict] = {}
    for by, name in derivative.results.items():
        if along is None:
            groups = [(move(one), times) for one, times in Counter(by).items()]
        else:
            groups = [({program.variables[one]: amount for one, amount in along.items()}, 1)]
            if second:
                groups.append((move(by[0]), 1))
        rules = figures[name]
        if len(groups) == 1:
            verdicts[name] = verdict(near.sides(*groups[0]), rules)
        else:
            verdicts[name] = of_mixed(near.mixed(groups), rules)
    kinks = {note.node for note in trace.notes if note.kind in KINKS}
    wording = Wording("derivatives", "", CHOICE if kinks else choices(()), False)
    said, flagged = remarks_on(verdicts, flags, wording, bool(kinks))
    open_ = any(one.why == "undecided" for one in verdicts.values())
    kept = [note for note in notes if open_ or note.kind not in KINKS]
    numbers = {name: one.result(figures[name]) for name, one in verdicts.items()}
    return numbers, [*kept, *said], flagged


def of_mixed(side: Side, rules: Number) -> Verdict:
    """What a mixed derivative, in all orders and from all sides, and the number of the rules amount to."""
    own = rules if exists(rules) else None
    if side.kind == "undecided":
        return Verdict("undecided", own, rules=own)
    if side.kind != "finite":
        return Verdict("orders", None, rules=own)
    assert side.number is not None
    number = rounded(side.number)
    return Verdict("agree", number, number, number, own)
