"""Which mistake explains a wrong gradient.

Every mistake of the table is made at every place, by computing, and only those that give the
claimed number are named. Claims judged together tell more than one by one: a mistake must also
leave right what was claimed right.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..numbers.ball import INFINITY
from ..operations.row import Operation
from .mistakes import Guess, Mistake, at_claim, at_edge, at_node, at_sum
from .perturbed import Change, Sheet, Towards, predicted, shift, slopes
from .wording import filled

__all__ = [
    "ARCS",
    "COINCIDENCE",
    "NOISE",
    "Claim",
    "Diagnosis",
    "Findings",
    "Suspect",
    "diagnose",
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

COINCIDENCE = 0.01
"""The chance of a fit below which a mistake is said to explain a claim."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claimed gradient: its node and number, half a unit of its last digit, whether it is right."""

    name: str
    node: int
    number: Any
    half: Any
    right: bool

    def fits(self, predicted: Any, correct: Any) -> bool:
        """Whether a mistake's number is the claimed one to the digits written.

        A number that overflows is none, and explains nothing.
        """
        if not abs(predicted) < INFINITY:
            return False
        room = self.half + NOISE * abs(predicted)
        if not self.number:
            room += NOTHING * abs(correct)
        return bool(abs(predicted - self.number) <= room)

    @property
    def width(self) -> float:
        """How much of a decade is this number to the digits written: its chance to be hit."""
        if not self.number:
            return 1.0
        half = max(self.half, NOISE * abs(self.number))
        return min(1.0, float(2 * half / abs(self.number)) / math.log(10))


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One mistake that gives the claimed number.

    node, operand: where (operand is empty where all are concerned); nodes: all places where it
    was made; also: other mistakes, with their nodes, that send the very same numbers over the
    same edges; explains: the wrong claims it reproduces; spoils: the claims that it would change to
    other numbers. unique: no other mistake of the table explains as much of this claim. chance: how
    likely a random number with as many digits fits one of the mistakes that were tried; where it
    explains several claims, several random numbers one mistake.
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

    @property
    def certain(self) -> bool:
        """Whether nothing else explains the claim, and no coincidence does."""
        return self.unique and self.chance <= COINCIDENCE


@dataclass(slots=True)
class Suspect:
    """A mistake at a place, or at every operation of a kind."""

    mistake: Mistake
    guess: Guess
    kind: str = ""  # the operation at all of whose nodes it was made
    nodes: tuple[int, ...] = ()
    also: list["Suspect"] = field(default_factory=list)
    explains: tuple[str, ...] = ()
    spoils: tuple[str, ...] = ()
    predicted: dict[int, Any] = field(default_factory=dict)  # where it differs from the right one

    def key(self, sheet: Sheet) -> tuple[str, ...]:
        """What it is, in words that hold at another point, too."""
        where = "" if self.kind else sheet.nodes[self.guess.node].name
        operand = sheet.nodes[self.guess.operand].name if self.guess.operand >= 0 else ""
        return self.mistake.name, self.kind, where, "" if self.kind else operand, self.guess.variant

    def rank(self) -> tuple[Any, ...]:
        """First what explains most claims and contradicts fewest, then the commonest."""
        weight = self.mistake.weight + 5 * bool(self.kind)
        return -len(self.explains), len(self.spoils), weight, -self.guess.node

    def message(self, sheet: Sheet) -> str:
        """What is said of it, a whole sentence."""
        message = filled(sheet, self.mistake.message, self.guess.fields)
        return f"{message}; and likewise at every {self.kind}" if self.kind else message


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
    return single + everywhere(sheet, single), limited


def paths_to(sheet: Sheet, claimed: Iterable[int]) -> list[bool]:
    """For every node, whether one of the claimed nodes is that node or lies below it."""
    reached = [False] * len(sheet.nodes)
    for node in claimed:
        reached[node] = True
    for node, arcs in enumerate(sheet.sent):
        if any(reached[arc.operand] for arc in arcs):
            reached[node] = True
    return reached


def everywhere(sheet: Sheet, single: list[Suspect]) -> list[Suspect]:
    """The same mistake at every operation of a kind; at sums, at all of them."""
    groups: dict[tuple[str, str, Operation | None, str], list[Suspect]] = {}
    sums = {mistake.name for mistake in at_sum}
    for suspect in single:
        if suspect.mistake.everywhere:
            name = suspect.mistake.name
            node = sheet.nodes[suspect.guess.node]
            kind, row = ("sum", None) if name in sums else (node.operation, node.row)
            # Names of nodes tell ways apart at one place only; rules and orders at all.
            variant = suspect.guess.variant if name in sums or name == "slip" else ""
            groups.setdefault((name, kind, row, variant), []).append(suspect)
    plural = []
    for (_, kind, *_), group in groups.items():
        nodes = tuple(dict.fromkeys(suspect.guess.node for suspect in group))
        if len(nodes) < 2 or len(nodes) == len(group) == 1:
            continue
        changes: dict[int, Change] = {}
        for suspect in group:
            for change in suspect.guess.changes:
                changes.setdefault(change[0].number, change)
        guess = replace(group[0].guess, changes=tuple(changes.values()))
        plural.append(Suspect(group[0].mistake, guess, kind, nodes))
    return plural


def for_claim(sheet: Sheet, claimed: int, slope: Towards) -> Iterator[Suspect]:
    """The mistakes that concern the gradient of one node only."""
    for mistake in at_claim:
        for node in slope:
            for guess in mistake.guesses(sheet, node, claimed, slope):
                if guess.changes:
                    yield Suspect(mistake, guess)


def diagnose(sheet: Sheet, claims: Sequence[Claim]) -> Findings:
    """The mistakes that give the wrong ones among the claims, best first."""
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
    near = {claim.name: set[str]() for claim in wrong}
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
        for suspect in (*here.values(), *own):
            trials += 1
            moved = shift(sheet, suspect.guess.changes, slope)
            if not moved or not abs(moved) < INFINITY:
                continue
            number = correct + moved
            if likely(claim, number, correct):
                kept.setdefault(id(suspect), suspect)
            note(near[claim.name], claim, number)
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
    return assign(sheet, Findings(merge(sheet, explaining), tried, limited), wrong, near)


def likely(claim: Claim, number: Any, correct: Any) -> bool:
    """Whether a number that comes from adding to the right one may be the claimed one."""
    room = claim.half + NOISE * max(abs(number), abs(correct))
    return bool(abs(number - claim.number) <= room)


def note(near: set[str], claim: Claim, number: Any) -> None:
    """Take note of one more number that a mistake gives, if it is of the size of the claim."""
    if claim.number and 0.3 < number / claim.number < 3:
        near.add(f"{float(number / claim.number):.6g}")


def explained(
    sheet: Sheet,
    suspect: Suspect,
    by_node: Mapping[int, Sequence[Claim]],
    near: Mapping[str, set[str]],
) -> bool:
    """Whether a mistake gives one of the wrong claims; notes which, and which it contradicts."""
    only = suspect.guess.claim
    gradients = predicted(sheet, suspect.guess.changes)
    suspect.predicted = {k: x for k, x in gradients.items() if only in (-1, k)}
    explains, spoils = [], []
    for node, number in suspect.predicted.items():
        for claim in by_node.get(node, ()):
            fits = claim.fits(number, sheet.gradients[node])
            if not claim.right and suspect.kind:
                note(near[claim.name], claim, number)
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
    return claim, tuple(sorted(wrong))


def assign(
    sheet: Sheet, findings: Findings, wrong: Sequence[Claim], near: Mapping[str, set[str]]
) -> Findings:
    """The diagnoses of every wrong claim."""
    widths = {claim.name: claim.width for claim in wrong}
    for suspect in findings.suspects:
        for name in suspect.explains:
            findings.by_claim.setdefault(name, []).append(suspect)
    chances = {id(one): chance(one, widths, near) for one in findings.suspects}
    for claim in wrong:
        own = findings.by_claim.get(claim.name, [])
        alike = sum(suspect.rank()[:2] == own[0].rank()[:2] for suspect in own[:2])
        findings.diagnoses[claim.name] = [
            described(sheet, suspect, alike == 1 and suspect is own[0], chances[id(suspect)])
            for suspect in own[:SHOWN]
        ]
    return findings


def chance(suspect: Suspect, widths: Mapping[str, float], near: Mapping[str, set[str]]) -> float:
    """How likely random numbers with the digits of the claims would be explained as well."""
    sizes = sorted(widths[name] for name in suspect.explains)
    first = min(1.0, min(widths[name] * len(near[name]) for name in suspect.explains))
    return float(first * math.prod(sizes[1:]))


def described(sheet: Sheet, suspect: Suspect, unique: bool, chance: float) -> Diagnosis:
    guess = suspect.guess
    nodes = suspect.nodes or (guess.node,)
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
    )
