"""Which mistake explains a wrong gradient.

Every mistake of the table is made at every place, by computing, and only those that give the
claimed number are named. Claims judged together tell more than one by one: a mistake must also
leave right what was claimed right.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..numbers.ball import INFINITY
from ..trace.record import Trace
from .mistakes import OTHER_BRANCH, TWO, at_all, at_claim, at_edge, at_node, at_sum
from .perturbed import Sheet, Towards, paths_to, predicted, shift, slopes
from .several import COMMON, PAIRED, after_step, everywhere, other_branches, pairs, siblings
from .suspects import Suspect

__all__ = [
    "COINCIDENCE",
    "NOISE",
    "Claim",
    "Diagnosis",
    "Findings",
    "Suspect",
    "coincidence",
    "decades",
    "diagnose",
    "diagnoses",
    "suspects",
]

ARCS = 15_000
"""Edges at which mistakes are tried; those nearest to the claimed nodes where there are more."""

TRIALS = 400_000
"""Mistakes times claims that are tried one by one."""

VISITS = 800_000
"""Nodes whose gradients are computed anew with a mistake above them."""

SHOWN = 5
"""Diagnoses that are listed for a claim."""

NOISE = 1e-11
"""What a number computed in binary64 may be off, relative to its size."""

NOTHING = 2.0**-50
"""What is left of a gradient where all of it cancels in binary64, relative to its size."""

CLAIMS = 8
"""Claims for which two mistakes at once are tried."""

FEW = 3
"""Pairs of mistakes that are kept of those that give a claim."""

COINCIDENCE = 0.01
"""The chance of a fit below which a mistake is said to explain a claim."""


Near = dict[str, int]
"""Numbers of the size of a claim that mistakes give, and how rare the commonest of these is."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claimed gradient: its node and number, half a unit of its last digit, whether it is right.

    exactly: whether what gives it must give its digits and zeros.
    """

    name: str
    node: int
    number: Any
    half: Any
    right: bool
    exactly: bool = False

    def fits(self, predicted: Any, correct: Any) -> bool:
        """Whether a mistake's number is the claimed one to the digits written.

        A number that overflows is none, and explains nothing.
        """
        if not abs(predicted) < INFINITY:
            return False
        room = self.half * (not self.exactly) + NOISE * abs(predicted)
        if not self.number:
            room += NOTHING * abs(correct)
        return bool(abs(predicted - self.number) <= room)

    @property
    def width(self) -> float:
        """How much of a decade is this number to the digits written: its chance to be hit."""
        return decades(abs(self.number), self.half) if self.number else 1.0


def decades(size: Any, half: Any) -> float:
    """How much of a decade a number of some size is, of which so much is half a unit."""
    return min(1.0, float(2 * max(half, NOISE * size) / size) / math.log(10))


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One mistake that gives the claimed number.

    node, operand: where (operand is empty where all are concerned); nodes: all places where it
    was made; also: other mistakes, with their nodes, that send the very same numbers over the
    same edges; explains: the wrong claims it reproduces; spoils: the claims that it would change to
    other numbers. unique: no other mistake of the table explains as much of this claim. chance: how
    likely a random number with as many digits fits a mistake at least as common; where it explains
    several claims, several random numbers one mistake. rare: it is one that few people make, and
    explains this claim alone. rule: the sentence that would have
    prevented it, if it was looked for.
    """

    mistake: str
    node: str
    operand: str
    message: str
    nodes: tuple[str, ...]
    also: tuple[tuple[str, str], ...]
    explains: tuple[str, ...]
    spoils: tuple[str, ...]
    unique: bool
    chance: float = 0.0
    rare: bool = False
    rule: str = ""

    @property
    def certain(self) -> bool:
        """Whether nothing else explains the claim, and no coincidence does."""
        return self.unique and not self.rare and self.chance <= COINCIDENCE


@dataclass(slots=True)
class Findings:
    """Suspects that explain a wrong claim, best first, and how many were tried.

    by_claim: those that explain each; diagnoses: what is said of the first of them.
    """

    suspects: list[Suspect]
    tried: int
    limited: bool
    by_claim: dict[str, list[Suspect]] = field(default_factory=dict)
    diagnoses: dict[str, list[Diagnosis]] = field(default_factory=dict)


def suspects(sheet: Sheet, claimed: Sequence[int]) -> tuple[list[Suspect], bool]:
    """Every mistake at every place on a path to the claimed nodes; whether some were left out."""
    reached = paths_to(sheet, claimed)
    arcs = [arc for arc in sheet.arcs if reached[arc.operand]]
    limited = len(arcs) > ARCS
    if limited:
        last = max(claimed)
        arcs = sorted(arcs, key=lambda arc: (arc.operand > last, abs(arc.operand - last)))[:ARCS]
    senders = dict.fromkeys(arc.sender for arc in arcs)
    meeting = dict.fromkeys(arc.operand for arc in arcs)
    single: list[Suspect] = []
    for rows, places in ((at_edge, arcs), (at_node, senders), (at_sum, meeting)):
        for mistake in rows:
            for place in places:
                single += [Suspect(mistake, guess) for guess in mistake.guesses(sheet, place)]
    whole = [
        Suspect(
            mistake, guess, "whole", tuple(dict.fromkeys(arc.sender for arc, _, _ in guess.changes))
        )
        for mistake in at_all
        for guess in mistake.guesses(sheet, arcs)
    ]
    return single + everywhere(sheet, single) + whole, limited


def for_claim(sheet: Sheet, claimed: int, slope: Towards) -> Iterator[Suspect]:
    """The mistakes that concern the gradient of one node only."""
    for mistake in at_claim:
        for node in slope:
            for guess in mistake.guesses(sheet, node, claimed, slope):
                if guess.changes:
                    yield Suspect(mistake, guess)


def diagnose(
    sheet: Sheet, claims: Sequence[Claim], again: Callable[..., Trace] | None = None
) -> Findings:
    """The mistakes that give the wrong ones among the claims, best first.

    again: traces the program at another point, for claims that nothing at this one explains.
    """
    wrong = [claim for claim in claims if not claim.right]
    # A mistake made everywhere is made above right claims, too: two wrong signs make a right one.
    all_of = claims if len(sheet.arcs) <= ARCS else wrong
    every, limited = suspects(sheet, [claim.node for claim in all_of])
    single = [suspect for suspect in every if not suspect.kind]
    plural = [suspect for suspect in every if suspect.kind]
    into: dict[int, list[Suspect]] = {}  # by the operands whose gradients they change
    for suspect in single:
        for operand in dict.fromkeys(arc.operand for arc, _, _ in suspect.guess.changes):
            into.setdefault(operand, []).append(suspect)
    kept: dict[int, Suspect] = {}
    above: dict[str, tuple[Towards, list[Suspect]]] = {}  # what was tried for a claim
    near = {claim.name: Near() for claim in wrong}
    tried, trials = len(every), 0
    for claim in wrong:
        if trials > TRIALS:
            limited = True
            break
        slope = slopes(sheet, claim.node)
        trials += len(slope)
        own = list(for_claim(sheet, claim.node, slope))
        tried += len(own)
        correct = sheet.gradients[claim.node]
        here = {id(suspect): suspect for node in slope for suspect in into.get(node, ())}
        above[claim.name] = slope, [*here.values(), *own]
        for suspect in above[claim.name][1]:
            trials += 1
            moved = shift(sheet, suspect.guess.changes, slope)
            if not moved or not abs(moved) < INFINITY:
                continue
            number = correct + moved
            if likely(claim, number, correct):
                kept.setdefault(id(suspect), suspect)
            note(near[claim.name], claim, number, suspect.weight)
    by_node: dict[int, list[Claim]] = {}
    for claim in claims:
        by_node.setdefault(claim.node, []).append(claim)
    explaining, visits = [], 0
    for suspect in (*sorted(kept.values(), key=lambda s: s.mistake.weight), *plural):
        if visits > VISITS:
            limited = True
            break
        if explained(sheet, suspect, by_node, near):
            explaining.append(suspect)
        visits += len(suspect.predicted) + len(suspect.guess.changes)
    turned = other_branches(sheet, [claim.node for claim in claims])
    explaining += [one for one in turned if explained(sheet, one, by_node, near)]
    explaining += [
        suspect
        for suspect in siblings(sheet, explaining)
        if suspect.claims or explained(sheet, suspect, by_node, near)
    ]
    told = {name for suspect in explaining for name in suspect.explains}
    left = [claim for claim in wrong if claim.name not in told and claim.name in above]
    if len(sheet.arcs) <= PAIRED:
        found = [
            suspect
            for claim in left[:CLAIMS]
            for suspect in together(sheet, claim, *above[claim.name])
        ]
        if again is not None and left:
            found += stepped(sheet, left, again, near)
        explaining += [suspect for suspect in found if explained(sheet, suspect, by_node, near)]
    findings = Findings(merge(sheet, explaining), tried, limited)
    return assign(
        sheet, findings, wrong, near, {name: set(slope) for name, (slope, _) in above.items()}
    )


def together(sheet: Sheet, claim: Claim, slope: Towards, here: Sequence[Suspect]) -> list[Suspect]:
    """Two mistakes at once that give a claim; of those that tell it apart by nothing, the best."""
    correct = sheet.gradients[claim.node]
    moving = [one for one in here if shift(sheet, one.guess.changes, slope)]
    found = list(pairs(sheet, claim.node, moving, lambda x: claim.fits(x, correct)))
    return sorted(found, key=lambda one: one.weight)[:FEW]


def stepped(
    sheet: Sheet, wrong: Sequence[Claim], again: Callable[..., Trace], near: Mapping[str, Near]
) -> Iterator[Suspect]:
    """The gradient after a step, where that is what was claimed."""
    claims = {claim.node: claim for claim in wrong}
    for node, number, suspect in after_step(sheet, again, claims):
        note(near[claims[node].name], claims[node], number, suspect.weight)
        if claims[node].fits(number, sheet.gradients[node]):
            yield suspect


def likely(claim: Claim, number: Any, correct: Any) -> bool:
    """Whether a number that comes from adding to the right one may be the claimed one."""
    room = claim.half + NOISE * max(abs(number), abs(correct))
    return bool(abs(number - claim.number) <= room)


def note(near: Near, claim: Claim, number: Any, weight: int) -> None:
    """Take note of one more number that a mistake gives, if it is of the size of the claim."""
    if claim.number and 0.3 < number / claim.number < 3:
        key = f"{float(number / claim.number):.6g}"
        near[key] = min(weight, near.get(key, weight))


def explained(
    sheet: Sheet,
    suspect: Suspect,
    by_node: Mapping[int, Sequence[Claim]],
    near: Mapping[str, Near],
) -> bool:
    """Whether a mistake gives one of the wrong claims; notes which, and which it contradicts."""
    only = suspect.guess.claim
    gradients = predicted(sheet, suspect.guess.changes)
    suspect.predicted = {k: x for k, x in gradients.items() if only in (-1, k)}
    explains, spoils = [], []
    for node, number in suspect.predicted.items():
        for claim in by_node.get(node, ()):
            fits = claim.fits(number, sheet.gradients[node])
            if not claim.right and (suspect.kind or suspect.mistake is OTHER_BRANCH):
                note(near[claim.name], claim, number, suspect.weight)
            if not claim.right and fits:
                explains.append(claim.name)
            elif not fits:
                spoils.append(claim.name)
    suspect.explains, suspect.spoils = tuple(explains), tuple(spoils)
    return bool(explains)


def merge(sheet: Sheet, likely: list[Suspect]) -> list[Suspect]:
    """Mistakes that make the same gradients wrong by the same amounts are one, with other names."""
    merged: dict[Any, Suspect] = {}
    for suspect in sorted(likely, key=Suspect.rank):
        key = effect(sheet, suspect)
        if key in merged:
            merged[key].also.append(suspect)
        else:
            merged[key] = suspect
    return sorted(merged.values(), key=Suspect.rank)


def effect(sheet: Sheet, suspect: Suspect) -> tuple[Any, ...]:
    """What tells a mistake's gradients from another's: the first ones wrong, and their numbers.

    All gradients below follow from those, unless the mistake concerns one node only.
    """
    guess = suspect.guess
    senders = {arc.sender for arc, _, _ in guess.changes}
    # Edges between the same nodes are as good as one another.
    first = dict.fromkeys(arc.operand for arc, m, b in guess.changes if m != arc.local or b)
    if senders & first.keys():  # one below another: by all that they send
        first = dict.fromkeys(suspect.predicted)
    wrong = [
        (node, f"{float(suspect.predicted[node]):.9e}")
        for node in first
        if node in suspect.predicted
        and abs(suspect.predicted[node] - sheet.gradients[node])
        > NOISE * abs(sheet.gradients[node])
    ]
    claim = guess.claim if guess.claim >= 0 and sheet.sent[guess.claim] else -1
    return suspect.claims or claim, tuple(sorted(wrong))


def assign(
    sheet: Sheet,
    findings: Findings,
    wrong: Sequence[Claim],
    near: Mapping[str, Near],
    paths: Mapping[str, set[int]],
) -> Findings:
    """The diagnoses of every wrong claim. paths: the nodes from each claim to the output."""
    for suspect in findings.suspects:
        if suspect.nodes and suspect.explains:
            on_path = set[int]().union(*(paths.get(name, ()) for name in suspect.explains))
            suspect.nodes = tuple(node for node in suspect.nodes if node in on_path)
    findings.suspects = [one for one in findings.suspects if not one.parts or len(one.nodes) > 1]
    widths = {claim.name: claim.width for claim in wrong}
    for suspect in findings.suspects:
        for name in suspect.explains:
            findings.by_claim.setdefault(name, []).append(suspect)

    def chance(suspect: Suspect) -> float:
        # A rarer mistake that fits, too, would not have been told before it.
        tried = {
            name: sum(weight <= suspect.weight for weight in near[name].values())
            for name in suspect.explains
        }
        return coincidence([(widths[name], tried[name]) for name in suspect.explains])

    for claim in wrong:
        own = findings.by_claim.get(claim.name, [])
        findings.diagnoses[claim.name] = diagnoses(sheet, own, chance, COMMON)
    return findings


def coincidence(claims: Sequence[tuple[float, int]]) -> float:
    """How likely random numbers with the digits of some claims would be explained by one mistake.

    claims: of each how much of a decade it is, and how many numbers of its size mistakes give. One
    of these gives the first by chance, and it the others.
    """
    first = min(1.0, min(width * tried for width, tried in claims))
    return first * math.prod(sorted(width for width, _ in claims)[1:])


def diagnoses(
    sheet: Sheet,
    own: Sequence[Suspect],
    chance: Callable[[Suspect], float],
    common: float = math.inf,
    two: bool = False,
) -> list[Diagnosis]:
    """What is said of the suspects that explain a claim, best first.

    chance: that one explains what it does by coincidence. common: the weight above which one that
    explains nothing else is rare. two: whether the first one is two mistakes at once.
    """
    alike = sum(suspect.rank()[:2] == own[0].rank()[:2] for suspect in own[:2])
    alike += two or (bool(own) and own[0].mistake is TWO)  # a third one is never far
    return [
        described(sheet, one, alike == 1 and one is own[0], chance(one), common)
        for one in own[:SHOWN]
    ]


def described(
    sheet: Sheet, suspect: Suspect, unique: bool, chance: float, common: float
) -> Diagnosis:
    """A suspect in words; parameters as of ``diagnoses``."""
    guess = suspect.guess
    nodes = suspect.claims or suspect.nodes or (guess.node,)
    also = dict.fromkeys(
        (other.mistake.name, sheet.nodes[other.guess.node].name) for other in suspect.also
    )
    also.pop((suspect.mistake.name, sheet.nodes[guess.node].name), None)
    return Diagnosis(
        mistake=suspect.mistake.name,
        node=sheet.nodes[guess.node].name,
        operand=sheet.nodes[guess.operand].name if guess.operand >= 0 else "",
        message=suspect.message(sheet),
        nodes=tuple(sheet.nodes[node].name for node in nodes),
        also=tuple(also),
        explains=suspect.explains,
        spoils=suspect.spoils,
        unique=unique,
        chance=chance,
        rare=suspect.weight > common and len(suspect.explains) < 2,
    )
