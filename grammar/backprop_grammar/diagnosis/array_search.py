"""Which mistake explains wrong gradients that are arrays.

As search.py, with an array for a number: every mistake of the table is made at every place, by
computing, and only those that give the claimed arrays are named.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from warnings import catch_warnings, simplefilter

from ..arrays.record import ArrayTrace
from ..errors import few
from ..language.table_texts import texts
from ..operations.row import Operation
from ..operations.shape import Misfit, Shape, size
from ..operations.structural import Structural
from .array_blocks import as_blocks
from .array_mistakes import (
    ANOTHER,
    MULTIPLE,
    STRETCHED,
    UPDATED,
    at_array_claim,
    at_array_edge,
    at_claim,
    at_edge,
    at_node,
    at_sum,
)
from .array_sheet import ArraySheet, Map, predicted
from .at_edges import Guess
from .floats import LISTS, Floats, Kernel
from .mistakes import Mistake
from .perturbed import Arc, Change, Towards
from .search import NOISE, SHOWN, Diagnosis, Findings, Suspect
from .wording import filled

__all__ = ["LISTED", "ArrayClaim", "Search", "as_sheet", "diagnose", "kernel_for"]

VISITS = 150_000
"""Arrays that are computed anew with a mistake above them, an array for every 1,000 numbers."""

CANCELLED = 1e-12
"""What a number computed in binary64 may be off where terms cancel, relative to the largest."""


ONE = 0.25
"""How likely a number of a claim is a 1, whatever led to it."""


@dataclass(frozen=True)
class ArrayClaim:
    """A claimed gradient of a node: plain numbers row by row, None where nothing is claimed.

    shape: as claimed, which may be another than the node's. halves: half a unit of each number's
    last digit. rights: which of the numbers are right; of another shape none.
    """

    name: str
    shape: Shape
    numbers: tuple[float | None, ...]
    halves: tuple[float, ...]
    rights: tuple[bool, ...]

    @property
    def right(self) -> bool:
        """Whether all that is claimed is right."""
        return all(
            right for x, right in zip(self.numbers, self.rights, strict=True) if x is not None
        )

    @cached_property
    def places(self) -> list[int]:
        """Where something is claimed: first what is wrong, the largest first."""
        known = [k for k, x in enumerate(self.numbers) if x is not None]
        return sorted(known, key=lambda k: (self.rights[k], -abs(self.numbers[k] or 0.0)))

    @cached_property
    def wrong(self) -> list[int]:
        """The places of what is wrong."""
        return [k for k in self.places if not self.rights[k]]

    @cached_property
    def reach(self) -> float:
        """The largest magnitude."""
        return max((abs(x) for x in self.numbers if x is not None), default=0.0)

    def fits(self, found: Sequence[float], places: Sequence[int], factor: float = 1.0) -> bool:
        """Whether numbers are those claimed, to the digits written."""
        noise = CANCELLED * self.reach
        for k in places:
            x = found[k] * factor
            if not abs(x - self.numbers[k]) <= self.halves[k] + NOISE * abs(x) + noise:  # type: ignore[operator]
                return False
        return True

    @cached_property
    def distinct(self) -> list[float]:
        """How much of a decade each number that is wrong is, to the digits written: its chance to
        be hit. Those of one magnitude count once, since one rule gives them all; 0 says nothing, and
        1 next to nothing.
        """
        widths: dict[str, float] = {}
        for k in self.wrong:
            x = abs(self.numbers[k] or 0.0)
            if x:
                half = max(self.halves[k], NOISE * x)
                width = min(1.0, 2 * half / x / math.log(10))
                widths.setdefault(f"{x:.4g}", max(width, ONE) if x == 1 else width)
        return sorted(widths.values())

    @property
    def width(self) -> float:
        """The chance that all that is wrong is hit."""
        return math.prod(self.distinct)


Changes = tuple[Change, ...]


@dataclass(slots=True)
class Search:
    """A search through the mistakes of a sheet for what explains claims.

    places: of each claim, its node on the sheet. under: a mistake that is known to have been made.
    """

    sheet: ArraySheet
    claims: dict[int, ArrayClaim]
    under: Changes = ()
    visits: float = 0
    limited: bool = False
    tried: int = 0
    near: dict[str, set[str]] = field(default_factory=dict)
    wanted: list[bool] = field(default_factory=list)
    shapes: dict[int, Shape] = field(default_factory=dict)
    known: dict[int, list[float]] = field(default_factory=dict)

    @classmethod
    def of(cls, sheet: ArraySheet, claims: dict[int, ArrayClaim], under: Changes = ()) -> "Search":
        search = cls(sheet, claims, under)
        search.near = {claim.name: set() for claim in claims.values()}
        search.shapes = {
            node: claim.shape for node, claim in claims.items() if claim.shape != sheet.nodes[node].shape
        }  # fmt: skip
        search.wanted = above(sheet, claims)
        return search

    @property
    def wrong(self) -> dict[int, ArrayClaim]:
        return {node: claim for node, claim in self.claims.items() if not claim.right}

    # suspects

    def single(self) -> list[Suspect]:
        """Every mistake at every place on a path to a claim."""
        sheet = self.sheet
        arcs = [arc for arc in sheet.arcs if self.wanted[arc.operand]]
        plain = [arc for arc in arcs if isinstance(arc.local, Floats)]
        by_element = [
            arc for arc in plain if sheet.row(arc.sender) or sheet.nodes[arc.sender].row.variadic
        ]
        senders = dict.fromkeys(arc.sender for arc in arcs)
        meeting = dict.fromkeys(arc.operand for arc in arcs)
        tables: tuple[tuple[Sequence[Mistake], Iterable[Any]], ...] = (
            (at_array_edge, arcs), (at_edge, by_element), (at_node, senders), (at_sum, meeting),
        )  # fmt: skip
        found = []
        for rows, places in tables:
            for mistake in rows:
                for place in places:
                    found += [Suspect(mistake, guess) for guess in guessed(mistake, sheet, place)]
        return sorted(found, key=lambda one: one.mistake.weight)

    def of_claims(self) -> Iterator[Suspect]:
        """The mistakes that concern one claim only."""
        for node in self.wrong:
            if not self.sheet.received[node]:
                continue
            for mistake in at_array_claim:
                for guess in guessed(mistake, self.sheet, node):
                    yield Suspect(mistake, guess)
            for mistake in at_claim:
                for guess in guessed(mistake, self.sheet, node, node, Towards(0.0)):
                    yield Suspect(mistake, guess)

    # what they give

    def gradients(self, changes: Changes, only: int = -1) -> dict[int, Floats]:
        """The gradients of claimed nodes with a mistake made, where it has an effect."""
        found = (
            predicted(
                self.sheet, (*self.under, *changes), self.wanted, self.shapes, self.contradicts
            )
            or {}
        )
        self.visits += sum(0.5 + size(x.shape) / 1000 for x in found.values()) + 1
        return {node: x for node, x in found.items() if node in self.claims and only in (-1, node)}

    def contradicts(self, node: int, x: Floats) -> bool:
        """Whether a gradient is not the claimed one: then what lies below it was not made of it."""
        claim = self.claims.get(node)
        if claim is None:
            return False
        if x.shape != claim.shape:
            return True
        return not claim.fits(x.numbers, claim.wrong or claim.places)

    def try_out(self, suspect: Suspect) -> bool:
        """Make a mistake; note which claims it gives. Whether it explains one that is wrong."""
        self.tried += 1
        suspect.predicted = self.gradients(suspect.guess.changes, suspect.guess.claim)
        return self.settle(suspect)

    def settle(self, suspect: Suspect, factor: float = 1.0) -> bool:
        """Note which claims the gradients of a suspect, times a factor, are."""
        explains, spoils = [], []
        for node, x in suspect.predicted.items():
            claim = self.claims[node]
            if x.shape != claim.shape:
                fits = partly = False
            else:
                numbers = x.numbers
                if claim.wrong and self.takes_note(claim, numbers[claim.wrong[0]] * factor):
                    return False
                partly = bool(claim.wrong) and claim.fits(numbers, claim.wrong, factor)
                fits = (partly or not claim.wrong) and claim.fits(numbers, claim.places, factor)
            if fits and claim.wrong:
                explains.append(claim.name)
            elif partly and len(claim.distinct) > 1:
                explains.append(claim.name)
                spoils.append(claim.name)
            elif not fits:
                spoils.append(claim.name)
        suspect.explains, suspect.spoils = tuple(explains), tuple(spoils)
        return bool(explains)

    def takes_note(self, claim: ArrayClaim, x: float) -> bool:
        """Take note of one more number that a mistake gives, if it is of the size of the claim.

        Whether it is none at all.
        """
        first = claim.numbers[claim.wrong[0]]
        if first and 0.3 < x / first < 3:
            self.near[claim.name].add(f"{x / first:.6g}")
        return not math.isfinite(x)

    def right_numbers(self, node: int) -> list[float]:
        """The right gradient of a node, row by row."""
        if node not in self.known:
            self.known[node] = self.sheet.gradients[node].numbers
        return self.known[node]

    @property
    def exhausted(self) -> bool:
        """Whether as much was computed as may be."""
        self.limited = self.limited or self.visits > VISITS
        return self.visits > VISITS

    # at every node of a kind, at both operands of a node

    def plural(self, single: Sequence[Suspect]) -> Iterator[Suspect]:
        """The same mistake at several places."""
        sheet, claimed = self.sheet, self.wrong.keys()
        groups: dict[tuple[Any, ...], list[Suspect]] = {}
        for suspect in single:
            if not suspect.mistake.everywhere:
                continue
            mistake, node = suspect.mistake, suspect.guess.node
            row, operand = sheet.nodes[node].row, suspect.guess.operand
            place = suspect.guess.changes[0][0].place
            how = suspect.guess.variant
            if mistake in at_sum:
                groups.setdefault((mistake.name, "sum", how), []).append(suspect)
                continue
            kinds: list[tuple[Any, ...]] = [(row.name, row, how), (row.name, row, how, place)]
            if operand >= 0 and isinstance(row, Structural):
                kinds.append((row.name, row, node, how))
            if operand >= 0 and unary(row):
                kinds.append(("function of one operand",))
            if operand in claimed:
                kinds.append(("claimed node", how))
            if mistake in STRETCHED:
                kinds.append(("node that stretches one", how))
            for kind in kinds:
                groups.setdefault((mistake.name, *kind), []).append(suspect)
        told = set[frozenset[int]]()
        for (_, kind, *_), group in groups.items():
            changes: dict[int, Change] = {}
            for suspect in group:
                for change in suspect.guess.changes:
                    changes.setdefault(change[0].number, change)
            key = frozenset(map(id, changes.values()))
            if len(changes) == len(group[0].guess.changes) or key in told:
                continue
            told.add(key)
            guess = replace(group[0].guess, changes=tuple(changes.values()))
            yield Suspect(group[0].mistake, guess, kind, tuple(dict.fromkeys(one.guess.node for one in group)))  # fmt: skip


def unary(row: Operation) -> bool:
    """Whether an operation is a function of one number, as activations are."""
    return not row.variadic and not row.symbol and len(row.operands) == 1 and row.binds > 1 and not isinstance(row, Structural)  # fmt: skip


def guessed(mistake: Mistake, *place: Any) -> list[Guess]:
    """The guesses of a row at a place; none where shapes do not fit."""
    try:
        return list(mistake.guesses(*place))
    except Misfit:
        return []


def above(sheet: ArraySheet, claims: Iterable[int]) -> list[bool]:
    """For every node, whether a claimed node is that node or lies below it."""
    reached = [False] * len(sheet.nodes)
    for node in claims:
        reached[node] = True
    for node, arcs in enumerate(sheet.sent):
        reached[node] = reached[node] or any(reached[arc.operand] for arc in arcs)
    return reached


# a factor, a rate: what a claim itself tells


def factors(sheet: ArraySheet) -> dict[float, str]:
    """By what people multiply wrongly, and why: signs, halves, and the sizes of arrays."""
    reasons: dict[float, list[str]] = {c: [] for c in (-1.0, 2.0, 0.5, -2.0, -0.5)}
    for node in sheet.nodes:
        if node.shape and node.kind == "variable":
            m, n = node.shape if len(node.shape) == 2 else (1, *node.shape)
            for count, what in {
                m: "rows",
                n: "columns" if m > 1 else "numbers",
                m * n: "numbers",
            }.items():
                if count > 1:
                    for c in (1.0 / count, float(count), -1.0 / count):
                        reasons.setdefault(c, []).append(f"{node.name} has {count} {what}")
    loss = sheet.values[sheet.output]
    if size(loss.shape) == 1 and loss.reach:
        reasons.setdefault(loss.numbers[0], []).append(
            f"{sheet.nodes[sheet.output].name} is {loss.numbers[0]:.6g}"
        )
    return {
        c: f"{spelled(c)} ({', '.join(why[:2])})" if why else spelled(c)
        for c, why in reasons.items()
    }


def spelled(c: float) -> str:
    """A factor: 1/3 where it is that."""
    below = 1 / c
    whole = abs(below) > 1.5 and abs(below - round(below)) < 1e-9
    return f"{'-' * (c < 0)}1/{abs(round(below))}" if whole else f"{c:.6g}"


def ratio(claim: ArrayClaim, numbers: Sequence[float], named: Mapping[float, str]) -> float:
    """What the first number that is wrong is of that of others, a named factor where it is one to
    the digits of the claim; nan where there is none.
    """
    k = claim.wrong[0]
    x = claim.numbers[k] or 0.0
    if not numbers[k] or not x:
        return math.nan
    c, room = x / numbers[k], claim.halves[k] / abs(x) + 1e-9
    near = [number for number in named if abs(c - number) <= 2 * room * abs(number)]
    return min(near, key=lambda number: abs(c - number), default=c)


def multiples(search: Search, named: Mapping[float, str]) -> Iterator[Suspect]:
    """Claims that are the right gradient times a number."""
    sheet = search.sheet
    groups: dict[str, list[tuple[int, float]]] = {}
    for node, claim in search.wrong.items():
        c = times(search, claim, node, search.right_numbers(node), named)
        if c is not None:
            groups.setdefault(f"{c:.9g}", []).append((node, c))
    for group in groups.values():
        node, c = group[0]
        changes = tuple((arc, arc.local * c, 0.0) for k, _ in group for arc in sheet.received[k])
        if changes:
            weight = MULTIPLE.weight + 20 * (c not in named)
            guess = Guess(
                changes, node, -1, details={"factor": named.get(c, spelled(c)), "of": node}
            )
            suspect = Suspect(
                likewise(replace(MULTIPLE, weight=weight), sheet, [k for k, _ in group]), guess
            )
            suspect.predicted = {k: sheet.gradients[k] * c for k, _ in group}
            yield suspect


def times(
    search: Search,
    claim: ArrayClaim,
    node: int,
    numbers: Sequence[float],
    named: Mapping[float, str],
) -> float | None:
    """The factor by which a claim is other numbers; None where there is none that says anything."""
    if claim.shape != search.sheet.nodes[node].shape or len(numbers) != len(claim.numbers):
        return None
    c = ratio(claim, numbers, named)
    if not math.isfinite(c) or abs(c - 1) < 1e-9 or not claim.fits(numbers, claim.places, c):
        return None
    return c if len(claim.distinct) > (1 if c in named else 2) else None


def likewise(mistake: Mistake, sheet: ArraySheet, nodes: Sequence[int]) -> Mistake:
    """A mistake of one claim, made in others as well."""
    if len(nodes) < 2:
        return mistake
    others = few([sheet.nodes[k].name for k in nodes[1:]])
    return replace(mistake, message=f"{mistake.message}; and likewise {others}")


def gathered(sheet: ArraySheet, found: Sequence[Suspect]) -> Iterator[Suspect]:
    """Mistakes that concern one claim, made in several."""
    groups: dict[tuple[str, str], dict[int, Suspect]] = {}
    for suspect in found:
        if suspect.mistake.name in ALIKE:
            groups.setdefault((suspect.mistake.name, suspect.guess.variant), {})[
                suspect.guess.claim
            ] = suspect
    for group in groups.values():
        if len(group) > 1:
            first, *_ = group.values()
            both = Suspect(likewise(first.mistake, sheet, list(group)), first.guess)
            both.predicted = {k: x for one in group.values() for k, x in one.predicted.items()}
            yield both


ALIKE = ("value for gradient", "transposed", "mixed up")
"""Mistakes that concern one claim, and that people make in all."""


def with_factors(
    search: Search, _kept: Sequence[Suspect], others: Sequence[Suspect], _unknown: set[str]
) -> list[Suspect]:
    """A mistake and a factor besides: two at once."""
    named = factors(search.sheet)
    return [
        both for one in others for both in with_factor(search, one, named) if search.settle(both)
    ]


def with_factor(search: Search, suspect: Suspect, named: Mapping[float, str]) -> Iterator[Suspect]:
    """A mistake, times the factors that claims tell."""
    found = set[float]()
    for node, x in suspect.predicted.items():
        claim = search.claims[node]
        if claim.right or x.shape != claim.shape:
            continue
        c = times(search, claim, node, x.numbers, named)
        if c is not None and c in named and c not in found:
            found.add(c)
            how = "the wrong sign" if c == -1 else f"a factor {named[c]}"
            both = Suspect(
                besides(suspect.mistake, how), suspect.guess, suspect.kind, suspect.nodes
            )
            both.predicted = {k: one * c for k, one in suspect.predicted.items()}
            yield both


def besides(mistake: Mistake, how: str) -> Mistake:
    """A mistake with another."""
    message = f"{mistake.message}; and {how} besides"
    return replace(
        mistake,
        weight=mistake.weight + 40,
        message=message,
        sentence=f"{mistake.sentence}, and {how}",
    )


def updated(sheet: ArraySheet, weights: Iterable[int], rate: float) -> Changes:
    """The edges whose rules use some weights, with these already updated."""
    moved = {k: sheet.values[k] - sheet.gradients[k] * rate for k in weights}
    changes: list[Change] = []
    for arc in sheet.arcs:
        operands = sheet.operands(arc.sender)
        used = [k for k in operands if k in moved and k != arc.operand]
        if not used:
            continue
        row = sheet.nodes[arc.sender].row
        if isinstance(row, Structural):
            names = row.called(len(operands), sheet.written(arc.sender))
            given = {name: moved[k] for name, k in zip(names, operands, strict=False) if k in used}
            rule = sheet.rule(arc.sender, arc.place, careful=True)

            def told(
                up: Floats, arc: Arc = arc, rule: Any = rule, given: Any = given
            ) -> Floats | None:
                return sheet.told(arc.sender, rule, up, **given)

            changes.append((arc, Map(told), 0.0))
        elif (plain := sheet.row(arc.sender)) is not None:
            replaced = {
                name: moved[k]
                for name, k in zip(plain.operands, operands, strict=True)
                if k in used
            }
            leaves = sheet.leaves(arc.sender, **replaced)
            local = sheet.value(texts(plain).shown[arc.place], leaves or {})
            if local is not None:
                changes.append((arc, local, 0.0))
    return tuple(changes)


def with_updated(search: Search) -> Iterator[Suspect]:
    """Weights that were updated before the rest of the backward pass used them."""
    sheet = search.sheet
    weights = [
        k for k, node in enumerate(sheet.nodes)
        if node.kind == "variable" and node.gradient is not None and sheet.gradients[k]
        and any(len(sheet.sent[arc.sender]) > 1 for arc in sheet.received[k])
    ]  # fmt: skip
    rates = set[float]()
    for weight in weights:
        once = updated(sheet, [weight], 1.0)
        if not once:
            continue
        moved = search.gradients(once)
        own = set[float]()
        for node, x in moved.items():
            claim = search.claims[node]
            if claim.right or x.shape != claim.shape or len(claim.distinct) < 2:
                continue
            right, numbers = search.right_numbers(node), x.numbers
            if len(right) != len(numbers):
                continue
            k = max(claim.wrong, key=lambda k: abs(numbers[k] - right[k]))
            gap = numbers[k] - right[k]
            if gap:
                rate = ((claim.numbers[k] or 0.0) - right[k]) / gap
                room = claim.halves[k] / abs(gap) + 1e-9 * abs(rate)
                rate = shortest(rate, room)
                if SLOWEST < rate < 1e3 and float(f"{rate:.2g}") == rate:
                    own.add(rate)
        for rate in own:
            yield from with_rate(search, [weight], rate)
        rates |= own
    if len(weights) > 1:
        for rate in rates:
            yield from with_rate(search, weights, rate)


SLOWEST = 1e-6
"""A rate that people choose has two digits, and is no smaller."""


def with_rate(search: Search, weights: Sequence[int], rate: float) -> Iterator[Suspect]:
    changes = updated(search.sheet, weights, rate)
    if changes:
        arc = changes[0][0]
        details = {"weight": weights[0], "rate": rate}
        guess = Guess(changes, arc.sender, arc.operand, f"{rate:g}", details=details)
        kind = "weight" if len(weights) > 1 else ""
        yield Suspect(UPDATED, guess, kind, tuple(weights) if kind else ())


def shortest(x: float, room: float) -> float:
    """The number with the fewest digits near another."""
    for digits in range(1, 8):
        near = float(f"{x:.{digits}g}")
        if abs(near - x) <= room:
            return near
    return x


# the diagnosis


def diagnose(trace: ArrayTrace, claims: Sequence[ArrayClaim]) -> Findings:
    """The mistakes that give the wrong ones among claims of nodes of a trace, best first."""
    sheet = ArraySheet.of(trace, kernel_for(trace))
    places = {node: claim for claim in claims if (node := sheet.find(claim.name)) is not None}
    search = Search.of(sheet, places)
    if not search.wrong:
        return Findings([], 0, False)
    with catch_warnings():
        simplefilter("ignore", RuntimeWarning)  # a number that does not exist is a nan
        found = merged(explaining(search))
    return told(search, found)


def told(search: Search, found: list[Suspect]) -> Findings:
    """What is said of every wrong claim: the first that explain it, and how likely by chance."""
    findings = Findings(found, search.tried, search.limited)
    claims = {claim.name: claim for claim in search.wrong.values()}
    for suspect in found:
        suspect.explains = tuple(name for name in claims if name in suspect.explains)
        for name in suspect.explains:
            findings.by_claim.setdefault(name, []).append(suspect)
    for name in claims:
        own = findings.by_claim.get(name, [])
        alike = sum(suspect.rank()[:2] == own[0].rank()[:2] for suspect in own[:2])
        findings.diagnoses[name] = [
            described(search, suspect, alike == 1 and suspect is own[0], claims)
            for suspect in own[:SHOWN]
        ]
    return findings


def described(
    search: Search, suspect: Suspect, unique: bool, claims: Mapping[str, ArrayClaim]
) -> Diagnosis:
    """A suspect in words. unique: whether nothing else explains as much."""
    nodes, guess = search.sheet.nodes, suspect.guess
    also = dict.fromkeys((one.mistake.name, nodes[one.guess.node].name) for one in suspect.also)
    also.pop((suspect.mistake.name, nodes[guess.node].name), None)
    return Diagnosis(
        mistake=suspect.mistake.name,
        node=nodes[guess.node].name,
        operand=nodes[guess.operand].name if guess.operand >= 0 else "",
        message=suspect.message(as_sheet(search.sheet)),
        nodes=tuple(nodes[node].name for node in suspect.nodes or (guess.node,)),
        also=tuple(also),
        explains=suspect.explains,
        spoils=suspect.spoils,
        unique=unique,
        chance=chance(search, [claims[name] for name in suspect.explains]),
    )


def chance(search: Search, claims: Sequence[ArrayClaim]) -> float:
    """How likely random arrays with the digits of these would be explained by one mistake as well.

    One of the mistakes that were tried gives the first of them by chance, and it the others.
    """
    first = min(1.0, min(claim.width * len(search.near[claim.name]) for claim in claims))
    return first * math.prod(sorted(claim.width for claim in claims)[1:])


def as_sheet(sheet: ArraySheet) -> Any:
    """The sheet, where that of a trace of numbers is asked for."""
    return sheet


LISTED = 1000
"""Numbers of a program up to which it is computed in lists."""


def kernel_for(trace: ArrayTrace) -> Kernel:
    """How the numbers of a trace are held: by NumPy where they are many, and it is there."""
    if sum(size(node.shape) for node in trace.nodes) > LISTED:
        with suppress(ImportError):
            from .float_columns import COLUMNS  # which loads NumPy

            return COLUMNS
    return LISTS


def explaining(search: Search) -> list[Suspect]:
    """The suspects that explain a wrong claim."""
    single = search.single()
    kept: list[Suspect] = []
    others: list[Suspect] = []
    for group in (single, search.plural(single), search.of_claims()):
        for suspect in group:
            if search.exhausted:
                break
            if search.try_out(suspect):
                kept.append(suspect)
            elif suspect.predicted and suspect.mistake.weight < 40:
                others.append(suspect)
    kept += in_blocks(search)
    named = factors(search.sheet)
    more = (*multiples(search, named), *gathered(search.sheet, kept))
    kept += [one for one in more if search.settle(one)]
    kept += [one for one in with_updated(search) if search.try_out(one)]
    for round_ in (after, with_factors, with_others, at_once):
        unknown = unexplained(search, kept)
        if unknown and not search.exhausted:
            kept += round_(search, kept, others, unknown)
    return only_whole(kept)


def unexplained(search: Search, kept: Sequence[Suspect]) -> set[str]:
    """The wrong claims that nothing explains in full."""
    known = {
        name
        for one in kept
        for name in one.explains
        if name not in one.spoils and one.mistake.weight < VAGUE
    }
    return {claim.name for claim in search.wrong.values()} - known


VAGUE = 60
"""The weight of what is true and explains nothing, as that a claim is a multiple."""


def only_whole(kept: Sequence[Suspect]) -> list[Suspect]:
    """Without what explains a claim in part alone, where something explains all of it."""
    whole = {name for one in kept for name in one.explains if name not in one.spoils}
    for one in kept:
        one.explains = tuple(
            name for name in one.explains if not (name in one.spoils and name in whole)
        )
    return [one for one in kept if one.explains]


def after(
    search: Search, kept: Sequence[Suspect], _others: Sequence[Suspect], unknown: set[str]
) -> list[Suspect]:
    """A second mistake, where one explains some claims and nothing explains the rest."""
    found = []
    arcs = search.sheet.arcs
    here: list[Suspect] = [
        one
        for one in kept
        if not one.spoils
        and all(
            arc.number < len(arcs) and arcs[arc.number] is arc for arc, _, _ in one.guess.changes
        )
    ]
    known = sorted(here, key=Suspect.rank)[:1]
    for first in known:
        beneath = Search.of(search.sheet, search.claims, first.guess.changes)
        beneath.near = search.near
        single = beneath.single()
        for second in single:
            if search.visits + beneath.visits > VISITS:
                search.limited = True
                break
            if beneath.try_out(second) and set(second.explains) & unknown:
                second.explains = tuple(sorted(set(second.explains) & unknown))
                message = f"{second.mistake.message}; this below another mistake: {literally(search.sheet, first)}"
                second.mistake = replace(
                    second.mistake, weight=second.mistake.weight + 40, message=message
                )
                found.append(second)
        search.visits += beneath.visits
        search.tried += beneath.tried
    return found


def literally(sheet: ArraySheet, suspect: Suspect) -> str:
    """What is said of a mistake, as part of a template."""
    said = filled(as_sheet(sheet), suspect.mistake.message, suspect.guess.fields)
    return said.replace("{", "{{").replace("}", "}}")


def in_blocks(search: Search) -> list[Suspect]:
    """Wrong rules of operations that the program spells out."""
    found = []
    for sheet, arcs in as_blocks(search.sheet, search.claims.keys()):
        within = Search.of(sheet, search.claims)
        within.near = search.near
        for mistake in at_array_edge:
            for arc in arcs:
                for guess in guessed(mistake, sheet, arc):
                    suspect = Suspect(mistake, guess)
                    if not search.exhausted and within.try_out(suspect):
                        message = literally(sheet, suspect)
                        suspect.mistake = replace(mistake, message=message)
                        found.append(suspect)
        search.visits += within.visits
        search.tried += within.tried
    return found


def with_others(
    search: Search, _kept: Sequence[Suspect], _others: Sequence[Suspect], unknown: set[str]
) -> list[Suspect]:
    """Rules with another node's value in them: the state after a step for the one before it."""
    sheet = search.sheet
    nodes = [node for node, claim in search.wrong.items() if claim.name in unknown]
    wanted = above(sheet, nodes)
    found: list[Suspect] = []
    for arc in sheet.arcs:
        for guess in guessed(ANOTHER, sheet, arc) if wanted[arc.operand] else ():
            if search.exhausted:
                return found
            suspect = Suspect(ANOTHER, guess)
            if search.try_out(suspect):
                found.append(suspect)
    return found


PAIRED = 40
"""Mistakes that are made two at a time."""


def at_once(
    search: Search, _kept: Sequence[Suspect], others: Sequence[Suspect], unknown: set[str]
) -> list[Suspect]:
    """Two common mistakes at once."""
    found: list[Suspect] = []
    if not any(claim.width < UNLIKELY for claim in search.wrong.values() if claim.name in unknown):
        return found
    common = [one for one in others if one.mistake.weight <= COMMON and one.guess.claim < 0]
    common = sorted(common, key=lambda one: one.mistake.weight)[:PAIRED]
    for i, first in enumerate(common):
        changed = {arc.number for arc, _, _ in first.guess.changes}
        for second in common[:i]:
            if search.exhausted:
                return found
            if any(arc.number in changed for arc, _, _ in second.guess.changes):
                continue
            upper, lower = sorted((first, second), key=lambda one: -one.guess.node)
            changes = (*upper.guess.changes, *lower.guess.changes)
            both = Suspect(upper.mistake, replace(upper.guess, changes=changes), upper.kind)
            if search.try_out(both):
                mistake = besides(upper.mistake, literally(search.sheet, lower))
                both.mistake = replace(mistake, weight=mistake.weight + 10)
                found.append(both)
    return found


COMMON = 20
UNLIKELY = 1e-8


def merged(found: list[Suspect]) -> list[Suspect]:
    """Mistakes that make the same gradients wrong by the same amounts are one, with other names."""
    kept: dict[Any, Suspect] = {}
    for suspect in sorted(found, key=Suspect.rank):
        key = effect(suspect)
        if key not in kept:
            kept[key] = suspect
            continue
        first = kept[key]
        first.also.append(suspect)
        factor = str(suspect.guess.details.get("factor", "-"))
        if suspect.mistake.name == MULTIPLE.name and not factor.startswith("-"):
            more = f"; what comes out is the right gradient times {factor}"
            first.mistake = replace(first.mistake, message=first.mistake.message + more)
    return without_parts(sorted(kept.values(), key=Suspect.rank))


def without_parts(found: list[Suspect]) -> list[Suspect]:
    """Without a mistake that explains less than the same one at more places."""
    kept: list[Suspect] = []
    for suspect in found:
        explains = set(suspect.explains)
        if not any(
            one.mistake.name == suspect.mistake.name
            and explains < set(one.explains)
            and len(one.spoils) <= len(suspect.spoils)
            for one in kept
        ):
            kept.append(suspect)
    return kept


def effect(suspect: Suspect) -> tuple[Any, ...]:
    """What tells a mistake's gradients from another's: the numbers that it gives claimed nodes."""
    gives = [
        (node, x.shape, tuple([f"{number + 0.0:.7e}" for number in x.numbers]))
        for node, x in suspect.predicted.items()
    ]
    return (*sorted(gives), tuple(sorted(suspect.explains)))
