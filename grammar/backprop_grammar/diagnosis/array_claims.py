"""A person's own arrays, judged: right, right up to rounding, right in another shape, or wrong.

A verdict speaks of the whole array. What is wrong in every element is one mistake and not many, so
a simple relation to something right is looked for, before the mistakes are made one by one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite

from ..arrays.lower import element, elements
from ..arrays.record import ArrayNode, ArrayTrace, Tensor, TraceByNumbers
from ..errors import BackpropError, few, shorten, suggestion, visible
from ..numbers.wide import as_float, exists
from ..operations.shape import Shape, said, size
from ..trace.record import KINKS, Trace
from .array_distinguish import told_apart
from .array_search import diagnose
from .array_suspects import ArrayClaim
from .claimed import GRADIENT, VALUE, Target, Written, at_place, resolved
from .claims import CHOICE, RIGHT, ROUNDED, TRUNCATED, WITHIN, WRONG
from .comparison import BINARY, TOLERANCES, Comparison, alike, compared, factor, same, transposed
from .follows import First, follows
from .magnitudes import of_gradients, of_values
from .rounding import NEAR
from .search import COINCIDENCE, NOISE, Diagnosis, Findings

__all__ = ["ArrayVerdict", "Judgement", "judge_arrays", "targets"]

MOST_CHOICES = 64
"""Elements that are looked at for a valid choice at a kink."""


@dataclass(frozen=True, slots=True)
class ArrayVerdict:
    """What there is to say about one claim.

    target: of what it is; correct: the right numbers. status: of the worst element, as of a claim of
    a number; text: the verdict in words. likeness: what a wrong claim is instead, in words.
    diagnoses, advice: as of a number.
    """

    target: Target
    claimed: Written
    correct: Tensor
    comparison: Comparison
    text: str
    likeness: str = ""
    diagnoses: tuple[Diagnosis, ...] = ()
    advice: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.target.name

    @property
    def status(self) -> str:
        """Right, right up to rounding of binary32, wrong, and so on."""
        status = self.comparison.status
        return BINARY + self.claimed.made if status == BINARY else status

    @property
    def right(self) -> bool:
        """Whether the claim passes."""
        return self.comparison.status != WRONG

    @property
    def wrong(self) -> tuple[int, ...]:
        """The places of the wrong elements, where the shape is right."""
        return self.comparison.wrong

    def label(self, k: int) -> str:
        """What an element is called."""
        return element(self.target.node, elements(self.correct.shape)[k]) if self.target.place is None else self.name  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdicts in the order of the claims; the claim from which others follow; remarks."""

    verdicts: tuple[ArrayVerdict, ...]
    first: First | None = None
    notes: tuple[str, ...] = ()


def targets(
    labels: Mapping[str, bool], known: Sequence[str]
) -> tuple[dict[str, Target], list[str], list[str]]:
    """Of what each claim is, by its label; the labels that are of no node; and remarks.

    labels: whether a file gave them, which may hold other things, too. Where a file names gradients
    dW, its W is the value. Raises BackpropError for typed names that are none.
    """
    found: dict[str, Target] = {}
    left = []
    for label, filed in labels.items():
        target = resolved(label, known)
        if target is not None:
            found[label] = target
        elif filed:
            left.append(label)
        else:
            hint = suggestion(label, known, f"the nodes are {few(known)}")
            raise BackpropError("name", f"there is no node called {shorten(visible(label))}", hint=hint)  # fmt: skip
    spelt = {one.node for one in found.values() if one.spelt}
    in_files = any(one.spelt and labels[label] for label, one in found.items())
    notes = []
    if spelt:
        first = next(label for label, one in found.items() if one.spelt)
        notes.append(f"{shorten(first)} is taken for the gradient of {found[first].node}" + ", and so on" * (len(spelt) > 1))  # fmt: skip
    for label, one in found.items():
        bare = one.kind == GRADIENT and not one.spelt and label == one.node
        if bare and (one.node in spelt or (in_files and labels[label])):
            found[label] = one._replace(kind=VALUE)
    values = [label for label, one in found.items() if one.kind == VALUE and label == one.node]
    if values:
        notes.append(f"{few(values, 8)} beside the gradients is taken for the value" if len(values) == 1 else f"{few(values, 8)} beside the gradients are taken for values")  # fmt: skip
    if left:
        if not found:
            raise BackpropError("name", f"no node is called {few(left, 8)}", hint=f"the nodes are {few(known)}; dW and W.grad are understood, too")  # fmt: skip
        notes.append(f"{few(left, 8)} {'is' if len(left) == 1 else 'are'} no node of the program, and left aside")  # fmt: skip
    return found, left, notes


class Sizes:
    """The magnitudes that were added, which are computed where they decide."""

    def __init__(self, trace: ArrayTrace) -> None:
        self.trace = trace

    @cached_property
    def gradients(self) -> dict[int, list[float]]:
        return of_gradients(self.trace)

    @cached_property
    def values(self) -> dict[int, list[float]]:
        return of_values(self.trace)

    def of(self, target: Target) -> Sequence[float]:
        """For each element of a target."""
        node = self.trace.by_name[target.node]
        every = (self.values if target.kind == VALUE else self.gradients)[node.index]
        return every if target.place is None else [every[at_place(target.place, node.shape)]]


def judge_arrays(
    trace: ArrayTrace, claims: Mapping[str, Written], filed: Sequence[str] = ()
) -> Judgement:
    """The verdicts on claimed arrays of nodes of a trace, in the order of the claims.

    claims: by names as they are given: W, W[0,1], value.h, dW. filed: those of files, which may hold
    other things, too. Raises BackpropError for a name that is none.
    """
    known = trace.by_name
    shown = [name for name, node in known.items() if node.kind != "constant"]
    found, _, notes = targets({label: label in filed for label in claims}, shown)
    sizes = Sizes(trace)
    verdicts = []
    taken = dict[str, str]()
    for label, target in found.items():
        node = known[target.node]
        target = placed(target, node.shape)
        if target.name in taken:
            raise BackpropError("name", f"{shorten(target.name)} is claimed twice", hint=f"{taken[target.name]} and {label} are one claim")  # fmt: skip
        if target.kind == GRADIENT and right_of(trace, node, target) is None:
            if label in filed:
                notes.append(f"{shorten(label)} has no gradient, and is left aside")
                continue
            hint = "leave out wrt, or name it there" if trace.gradients else ""
            raise BackpropError("name", f"{shorten(label)} was not differentiated", hint=hint, reason="undifferentiated")  # fmt: skip
        taken[target.name] = label
        verdicts.append(judged(trace, node, target, claims[label], sizes))
    first = None
    if sum(not one.right for one in verdicts) > 1:
        table = [(one.target, one.claimed, one.correct, one.right) for one in verdicts]
        first = follows(trace, table, sizes.of)
    excused = first.of_values if first else ()
    verdicts = diagnosed(trace, verdicts, excused, sizes)
    return Judgement(tuple(verdicts), first, tuple(notes))


def placed(target: Target, shape: Shape) -> Target:
    """A target whose element is counted from the front. Raises BackpropError where it is none."""
    if target.place is None:
        return target
    place = tuple([k + n if k < 0 else k for k, n in zip(target.place, shape, strict=False)])
    if len(target.place) != len(shape) or not all(0 <= k < n for k, n in zip(place, shape, strict=True)):  # fmt: skip
        hint = f"it is {said(shape)}; indices begin at 0" if shape else "it is one number"
        raise BackpropError("name", f"there is no element {shorten(target.name)}", hint=hint)
    return target._replace(place=place)


def right_of(trace: ArrayTrace, node: ArrayNode, target: Target) -> Tensor | None:
    """The right numbers of a target; None where there is no gradient."""
    if target.kind == VALUE:
        whole: Tensor | None = node.value
    else:
        whole = trace.gradients.get(node.name, node.gradient)
    if whole is None or target.place is None:
        return whole
    return Tensor((), (whole.numbers[at_place(target.place, whole.shape)],))


def judged(
    trace: ArrayTrace, node: ArrayNode, target: Target, claim: Written, sizes: Sizes
) -> ArrayVerdict:
    """The verdict on one claim, without the mistake that explains it."""
    correct = right_of(trace, node, target)
    assert correct is not None

    found = compared(claim, correct, lambda: sizes.of(target))
    if found.wrong and target.kind == GRADIENT and any(one.kind in KINKS for one in trace.notes):
        found = with_choices(trace, node, target, claim, found)
    likeness = ""
    if found.status == WRONG and not found.told:
        likeness = like(trace, node, target, claim, correct)
    verdict = ArrayVerdict(target, claim, correct, found, "", likeness)
    return replace(verdict, text=in_words(verdict))


def with_choices(
    trace: ArrayTrace, node: ArrayNode, target: Target, claim: Written, found: Comparison
) -> Comparison:
    """The same with the elements that lie between the one-sided slopes at a kink."""
    if not isinstance(trace, TraceByNumbers) or len(found.wrong) > MOST_CHOICES:
        return found
    numbers = trace.numbers
    if not numbers.nodes:
        return found
    from ..trace.singular import at_nodes  # only where a rule is a choice

    cells = trace.lowered.cells[node.index].nodes
    own = {k: cells[k if target.place is None else at_place(target.place, node.shape)] for k in found.wrong}  # fmt: skip
    asked = {str(k): cell for k, cell in own.items() if cell in numbers.by_index and numbers.by_index[cell].gradient is not None}  # fmt: skip
    of = list(found.of)
    for k, function in at_nodes(numbers, asked).items():
        number, half = claim.numbers[int(k)], claim.halves[int(k)]
        if function.why != "differ" or number is None or not exists(function.below or 0.0) or not exists(function.above or 0.0):  # fmt: skip
            continue
        low, high = sorted((as_float(function.below or 0.0) or 0.0, as_float(function.above or 0.0) or 0.0))  # fmt: skip
        slack = half + 1e-9 * max(abs(low), abs(high))
        if low - slack <= number <= high + slack:
            of[int(k)] = CHOICE
    chosen = [k for k in found.wrong if of[k] == CHOICE]
    if len(chosen) == len(found.wrong) > 1 and not chosen_together(numbers, own, claim, chosen):
        told = f"each number is a slope at this kink, all together in {len(chosen):,} of {len(of):,} are not"  # fmt: skip
        return replace(found, told=told)
    wrong = tuple([k for k in found.wrong if of[k] == WRONG])
    return replace(found, of=tuple(of), wrong=wrong)


def chosen_together(
    trace: Trace, cells: Mapping[int, int], claim: Written, places: Sequence[int]
) -> bool:
    """Whether slopes that were chosen one by one are those of one choice, as far as is seen.

    What the claims say of moving all of them away from the gradient is held against what the function
    does there: at a tie each of the largest may have the whole gradient, but not all of them.
    """
    from ..trace.singular import along  # only where a rule is a choice

    def off(k: int) -> float:
        return (claim.numbers[k] or 0.0) - (as_float(trace.by_index[cells[k]].gradient or 0.0) or 0.0)  # fmt: skip

    direction = {cells[k]: off(k) for k in places if off(k)}
    function = along(trace, direction)
    if not all(side is not None and exists(side) for side in (function.below, function.above)):
        return True
    low, high = sorted(as_float(side or 0.0) or 0.0 for side in (function.below, function.above))
    said = sum((claim.numbers[k] or 0.0) * off(k) for k in places)
    slack = sum(claim.halves[k] * abs(off(k)) for k in places) + 1e-9 * max(abs(low), abs(high))
    return low - slack <= said <= high + slack


def in_words(verdict: ArrayVerdict) -> str:
    """The verdict on a claim, in words."""
    found, claim = verdict.comparison, verdict.claimed
    n, worst = len(claim.texts), found.status
    what = "gradient" if verdict.target.kind == GRADIENT else "value"
    if found.told:
        told = found.told.replace("the right one", f"the right {what}")
        return f"{found.shape}: {told}" if found.shape else told
    if worst == WRONG:
        if found.shape:
            more = f"; {verdict.likeness}" if verdict.likeness else ""
            return f"{found.shape}{more}"
        words = [k for k in found.wrong if claim.numbers[k] is None]
        lead = "wrong" if n == 1 else f"wrong in {len(found.wrong):,} of {n:,}"
        if words and len(words) == len(found.wrong):
            lead = f"{claim.texts[words[0]]} in {len(words):,} of {n:,}"
        if verdict.likeness:
            return f"{lead}; {verdict.likeness}"
        return lead if n == 1 or len(found.wrong) == n else f"{lead}, first at {verdict.label(found.wrong[0])}"  # fmt: skip
    shape = f", {found.shape}" if found.shape else ""
    count = sum(status == worst for status in found.of)
    some = f" in {count:,} of {n:,}" if n > 1 else ""
    if worst == RIGHT:
        return ("right" if n == 1 else f"right in all {n:,} numbers") + shape
    if worst == CHOICE:
        return (f"a valid choice at a kink{some}" if some else CHOICE) + shape
    if worst == TRUNCATED:
        return f"{TRUNCATED}{some}{shape}"
    return (verdict.status if worst in (WITHIN, BINARY, ROUNDED) else worst) + shape


def like(
    trace: ArrayTrace, node: ArrayNode, target: Target, claim: Written, correct: Tensor
) -> str:
    """What a wrong claim is in simple terms: a multiple of the right one, or something else's."""
    what = "gradient" if target.kind == GRADIENT else "value"
    if any(number is None for number in claim.numbers):
        return ""
    if claim.shape == correct.shape:
        if any(claim.numbers) and (ratio := factor(claim, correct)):
            return of_ratio(ratio, f"the right {what}")
        if not any(claim.numbers):
            return f"0 everywhere, and the {what} is not"
    if target.place is not None or size(claim.shape) < 2:
        return ""
    if not any(claim.numbers):
        return ""
    for one in sorted(trace.nodes, key=lambda one: one.index != node.index):
        if one.kind == "constant":
            continue
        for kind, tensor in (("value", one.value), ("gradient", one.gradient)):
            if tensor is None or (one.index == node.index and kind == what):
                continue
            for told, wanted in (("", tensor), (", transposed", transposed(tensor) if len(tensor.shape) == 2 else None)):  # fmt: skip
                if wanted is None or wanted.shape != claim.shape or None in wanted.numbers:
                    continue
                if same(claim, wanted):
                    return f"it is the {kind} of {one.name}{told}"
    return ""


def of_ratio(ratio: float, what: str) -> str:
    """`the right gradient times 0.5`, or with the opposite sign."""
    return f"{what} with the opposite sign" if ratio == -1 else f"{what} times {ratio:.6g}"


def diagnosed(
    trace: ArrayTrace, verdicts: Sequence[ArrayVerdict], excused: Sequence[str], sizes: Sizes
) -> list[ArrayVerdict]:
    """The verdicts with the mistakes that explain the wrong ones.

    excused: claims that follow from wrong values, which no mistake of a backward pass explains.
    """
    claims = by_node(trace, [verdict for verdict in verdicts if verdict.name not in excused], sizes)
    if all(claim.right for claim in claims):
        return list(verdicts)
    findings = diagnose(trace, claims)
    result = []
    seen = set[str]()
    for verdict in verdicts:
        node = verdict.target.node
        if verdict.right or verdict.target.kind == VALUE or verdict.name in excused or node not in findings.diagnoses:  # fmt: skip
            result.append(verdict)
            continue
        found = tuple(findings.diagnoses[node])
        advice = [*advised(verdict, found, findings)]
        if found:
            verdict = with_wrong(verdict, in_doubt(verdict))
            if found[0].message not in seen:
                advice += told_apart(trace, node, findings)
            seen.add(found[0].message)
        result.append(replace(verdict, diagnoses=found, advice=tuple(advice)))
    return result


def by_node(trace: ArrayTrace, verdicts: Sequence[ArrayVerdict], sizes: Sizes) -> list[ArrayClaim]:
    """The claimed gradients for the search, the elements of one node together."""
    found: dict[str, ArrayClaim] = {}
    for verdict in verdicts:
        target, claim, shape = (
            verdict.target,
            verdict.claimed,
            trace.by_name[verdict.target.node].shape,
        )
        if target.kind == VALUE or not all(x is not None and isfinite(x) for x in claim.numbers) or (target.node in found and target.place is None):  # fmt: skip
            continue  # what is no number is no mistake either
        rights = [status != WRONG for status in verdict.comparison.of]
        for k in in_doubt(verdict):
            rights[k] = False
        if len(rights) == len(verdict.correct.numbers):  # mistakes are made where there is a number
            rights = [right or not exists(x or 0.0) for right, x in zip(rights, verdict.correct.numbers, strict=True)]  # fmt: skip
        if (verdict.comparison.told and len(rights) != len(claim.texts)) or (verdict.comparison.status == WRONG and claim.shape != shape and target.place is None):  # fmt: skip
            rights = [False] * len(claim.texts)
        halves = rooms(claim)
        if verdict.comparison.status == BINARY and len(halves) == len(
            rights
        ):  # what cancels is noise
            room = TOLERANCES.get(claim.made, NOISE)
            halves = [max(half, room * scale) for half, scale in zip(halves, sizes.of(target), strict=True)]  # fmt: skip
        if target.place is None:
            own = shape if size(claim.shape) == size(shape) and alike(claim.shape, shape) else claim.shape  # fmt: skip
            found[target.node] = ArrayClaim(target.node, own, claim.numbers, tuple(halves), tuple(rights))  # fmt: skip
            continue
        n = size(shape)
        whole = found.get(target.node) or ArrayClaim(target.node, shape, (None,) * n, (0.0,) * n, (True,) * n)  # fmt: skip
        k = at_place(target.place, shape)
        numbers, slack, good = list(whole.numbers), list(whole.halves), list(whole.rights)
        numbers[k], slack[k], good[k] = claim.numbers[0], halves[0], rights[0]
        found[target.node] = ArrayClaim(target.node, shape, tuple(numbers), tuple(slack), tuple(good))  # fmt: skip
    return list(found.values())


def in_doubt(verdict: ArrayVerdict) -> list[int]:
    """The elements of a wrong claim that have so few digits that they may be wrong as well."""
    claim, right = verdict.claimed, verdict.correct.numbers
    if verdict.right or len(right) != len(claim.texts):
        return []
    return [
        k
        for k, status in enumerate(verdict.comparison.of)
        if status == WITHIN
        and abs((claim.numbers[k] or 0.0) - (as_float(right[k] or 0.0) or 0.0)) > NEAR * abs(claim.numbers[k] or 0.0)
    ]  # fmt: skip


def with_wrong(verdict: ArrayVerdict, places: Sequence[int]) -> ArrayVerdict:
    """The same with more elements that are wrong: a mistake gives them to the digit."""
    if not places:
        return verdict
    of = list(verdict.comparison.of)
    for k in places:
        of[k] = WRONG
    wrong = tuple([k for k, status in enumerate(of) if status == WRONG])
    verdict = replace(verdict, comparison=replace(verdict.comparison, of=tuple(of), wrong=wrong))
    return replace(verdict, text=in_words(verdict))


def rooms(claim: Written) -> list[float]:
    """How far each number may be off: half a unit of its last digit, or what rounding leaves."""
    if claim.made not in ("binary32", "binary16"):
        return list(claim.halves)
    room = 2.0**-20 if claim.made == "binary32" else 2.0**-7
    top = max((abs(x) for x in claim.numbers if x is not None), default=0.0)
    return [max(half, room * max(abs(x or 0.0), 0.05 * top)) for x, half in zip(claim.numbers, claim.halves, strict=True)]  # fmt: skip


def advised(verdict: ArrayVerdict, found: Sequence[Diagnosis], findings: Findings) -> Iterator[str]:
    """What else helps: that nothing fits, that few digits fit by chance, what was not tried."""
    limit = "mistakes farther away were not tried: the graph is too large"
    if not found:
        if findings.tried and not verdict.likeness and not verdict.comparison.told:
            rest = f"; {limit}" if findings.limited else ""
            what = "this number" if size(verdict.claimed.shape) == 1 else "these numbers"
            yield f"none of the {findings.tried:,} single mistakes tried gives {what}{rest}"
        return
    if found[0].chance > COINCIDENCE:
        yield f"about 1 in {max(1, round(1 / found[0].chance))} claims of so few digits fits a mistake by chance; claim more digits, or more nodes"  # fmt: skip
    if findings.limited:
        yield limit
