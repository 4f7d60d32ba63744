"""Claims of whole tables over numbers: values beside gradients, and which follows from which."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..arrays.record import Tensor
from ..errors import BackpropError, few, shorten, usage
from ..numbers.wide import as_float
from ..operations.shape import said, size
from ..trace.record import Trace
from .claimed import GRADIENT, VALUE, Target, Written, written
from .claims import WRONG, Verdict, judge
from .comparison import BINARY, compared
from .follows import First, follows

__all__ = ["Judged", "first_wrong", "judge_numbers"]


class Judged(NamedTuple):
    """Verdicts in the order of the claims, values by `value.h`; the claim others follow from; remarks."""

    verdicts: tuple[Verdict, ...]
    first: First | None
    notes: tuple[str, ...]


def judge_numbers(trace: Trace, claims: Mapping[str, Written], filed: Sequence[str] = ()) -> Judged:
    """The verdicts on claims of gradients and of values: q, dq, value.q.

    filed: those of files, which may hold other things, too. Raises BackpropError as judge does, and
    for an array.
    """
    from .array_claims import targets  # which plain claims do not need

    known = trace.by_name
    shown = [name for name, node in known.items() if node.kind != "constant"]
    found, _, notes = targets({label: label in filed for label in claims}, shown)
    taken: dict[str, tuple[Target, Written]] = {}
    aside = []
    for label, target in found.items():
        written = claims[label]
        if target.place is not None or size(written.shape) != 1:
            what = "has no elements" if target.place is not None else f"and what is claimed of it is {said(written.shape)}"  # fmt: skip
            raise usage(f"{shorten(target.node)} is one number, {what}", f"write {shorten(target.node)}=0.25")  # fmt: skip
        if target.kind != VALUE and known[target.node].gradient is None and label in filed:
            aside.append(label)
        elif target.name in taken:
            raise BackpropError("name", f"{shorten(target.name)} is claimed twice")
        else:
            taken[target.name] = target, written._replace(shape=())
    if aside:
        notes.append(f"{few(aside, 8)} {'has' if len(aside) == 1 else 'have'} no gradient, and are left aside")  # fmt: skip
    texts = {name: one.texts[0] for name, (target, one) in taken.items() if target.kind != VALUE}
    verdicts = {verdict.name: verdict for verdict in judge(trace, texts)}
    for name, (target, written) in taken.items():
        if target.kind == VALUE:
            verdicts[name] = of_value(trace, target, written)
    ordered = tuple([verdicts[name] for name in taken])
    return Judged(ordered, table(trace, ordered, taken), tuple(notes))


def first_wrong(trace: Trace, verdicts: Sequence[Verdict]) -> First | None:
    """The first wrong one among claims of gradients, where others follow from it."""
    claims = {
        one.name: (Target(GRADIENT, one.name, None), written(one.claimed, one.name))
        for one in verdicts
    }
    return table(trace, verdicts, claims)


def of_value(trace: Trace, target: Target, written: Written) -> Verdict:
    """The verdict on a claimed value."""
    value = trace.by_name[target.node].value
    found = compared(written, Tensor((), (value,)), lambda: [abs(as_float(value) or 0.0)])
    status = BINARY + written.made if found.status == BINARY else found.status
    return Verdict(target.name, written.texts[0], value, status)


def table(
    trace: Trace, verdicts: Sequence[Verdict], claims: Mapping[str, tuple[Target, Written]]
) -> First | None:
    """The first wrong claim, where others follow from it."""
    if sum(verdict.status == WRONG for verdict in verdicts) < 2:
        return None
    first = follows(trace, [(*claims[one.name], Tensor((), (one.correct,)), one.right) for one in verdicts])  # fmt: skip
    return first if first and first.all_following else None
