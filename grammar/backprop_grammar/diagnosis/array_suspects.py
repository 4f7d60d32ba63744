"""Claimed arrays, and the mistakes that may have led to them: each made, and held against them.

Claims are judged together: what lies below a claim that a mistake contradicts was not made of it.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ..arrays.record import ArrayTrace
from ..operations.row import Operation
from ..operations.shape import Misfit, Shape, size
from ..operations.structural import Structural
from .array_mistakes import (
    STRETCHED,
    at_array_claim,
    at_array_edge,
    at_claim,
    at_edge,
    at_node,
    at_sum,
)
from .array_sheet import ArraySheet, predicted
from .at_edges import Guess
from .floats import LISTS, Floats, Kernel
from .mistakes import Mistake
from .perturbed import Change, Towards, paths_to
from .search import NOISE, Suspect, decades
from .suspects import all_changes
from .wording import filled

__all__ = [
    "LISTED",
    "VISITS",
    "ArrayClaim",
    "Changes",
    "Search",
    "as_sheet",
    "guessed",
    "kernel_for",
    "literally",
]

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
                width = decades(x, self.halves[k])
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
        sheet.claimed = search.shapes
        search.wanted = paths_to(sheet, claims)
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
        return not claim.fits(x.numbers, claim.places)

    def try_out(self, suspect: Suspect) -> bool:
        """Make a mistake; note which claims it gives. Whether it explains one that is wrong."""
        self.tried += 1
        suspect.predicted = self.gradients(suspect.guess.changes, suspect.guess.claim)
        return self.settle(suspect)

    def settle(self, suspect: Suspect) -> bool:
        """Note which claims the gradients of a suspect are."""
        explains, spoils = [], []
        for node, x in suspect.predicted.items():
            claim = self.claims[node]
            fits = x.shape == claim.shape
            if fits:
                numbers = x.numbers
                if claim.wrong and self.takes_note(claim, numbers[claim.wrong[0]]):
                    return False
                fits = claim.fits(numbers, claim.places)
            if not fits:
                spoils.append(claim.name)
            elif claim.wrong:
                explains.append(claim.name)
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
            changes = all_changes(group)
            key = frozenset(map(id, changes))
            if len(changes) == len(group[0].guess.changes) or key in told:
                continue
            told.add(key)
            guess = replace(group[0].guess, changes=changes)
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


LISTED = 1000
"""Numbers of a program up to which it is computed in lists."""


def kernel_for(trace: ArrayTrace) -> Kernel:
    """How the numbers of a trace are held: by NumPy where they are many, and it is there."""
    if sum(size(node.shape) for node in trace.nodes) > LISTED:
        with suppress(ImportError):
            from .float_columns import COLUMNS  # which loads NumPy

            return COLUMNS
    return LISTS


def as_sheet(sheet: ArraySheet) -> Any:
    """The sheet, where that of a trace of numbers is asked for."""
    return sheet


def literally(sheet: ArraySheet, suspect: Suspect) -> str:
    """What is said of a mistake, as part of a template."""
    said = filled(as_sheet(sheet), suspect.mistake.message, suspect.guess.fields)
    return said.replace("{", "{{").replace("}", "}}")
