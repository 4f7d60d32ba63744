"""What single mistakes make of the gradients of a sheet, and which of them its numbers tell apart.

All numbers that a mistake leads to are seen together: two mistakes are told apart by a sheet where
one of its blanks tells, and are one mistake where no numbers would.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from warnings import catch_warnings, simplefilter

from ..arrays.lower import element, elements
from ..arrays.record import ArrayTrace
from ..diagnosis.array_sheet import ArraySheet
from ..diagnosis.array_suspects import ArrayClaim, Search, as_sheet, kernel_for, of_claim
from ..diagnosis.perturbed import Sheet, predicted, slopes
from ..diagnosis.search import Suspect, for_claim, single_suspects
from ..explain.prevention import prevention
from ..trace.record import Trace
from .record import Wrong

__all__ = [
    "ALL",
    "APART",
    "COMMON",
    "Made",
    "Nearby",
    "Told",
    "figures",
    "made",
    "said",
    "told_apart",
]

APART = 0.02
"""How far apart numbers are, relative to their size, that answers of 3 digits tell one from another."""

COMMON = 22
"""The weight of mistakes up to which a sheet should tell them apart."""

ALL = 1000
"""A weight that no mistake has."""

Key = tuple[Any, ...]

Figures = dict[str, str]
"""Numbers by the names of what has them, short enough that rounding on the way does not show."""


Nearby = dict[Key, Figures]
"""What each mistake changes at a point close by."""


class Made(NamedTuple):
    """A mistake, and the numbers that it leads to, by the names of blanks where they may be others.

    key: what it is at any point.
    """

    suspect: Suspect
    key: Key
    numbers: dict[str, float]

    @property
    def common(self) -> bool:
        """Whether many people make it."""
        return self.suspect.weight <= COMMON


@dataclass(slots=True)
class Told:
    """What mistakes make of the gradients of a sheet.

    groups: by the names of blanks, of one number each, the commonest mistake first; what gives the
    right number is in none. alike: mistakes that no blank tells apart; right: those that change
    nothing. missed: how much is not told apart, of common mistakes.
    """

    sheet: Any
    groups: dict[str, list[list[Made]]] = field(default_factory=dict)
    alike: list[list[Made]] = field(default_factory=list)
    right: list[Made] = field(default_factory=list)
    missed: int = 0

    def wrongs(self, name: str) -> tuple[Wrong, ...]:
        """The wrong numbers of a blank, the commonest first."""
        return tuple([self.said(name, group) for group in self.groups.get(name, ())])

    def said(self, name: str, group: Sequence[Made]) -> Wrong:
        also = tuple([self.title(other) for other in group[1:]])
        return said(self.sheet, group[0].suspect, group[0].numbers[name])._replace(also=also)

    def title(self, one: Made) -> str:
        """A mistake and its place, in few words."""
        return f"{one.suspect.mistake.sentence} at {self.place(one)}"

    def place(self, one: Made) -> str:
        nodes, guess = self.sheet.nodes, one.suspect.guess
        name: str = nodes[guess.node].name
        by_edge = guess.operand >= 0 and guess.operand != guess.node
        return f"{name} to {nodes[guess.operand].name}" if by_edge else name

    @property
    def alike_or_right(self) -> int:
        """How many mistakes no blank tells apart, those that many make counting ten times."""
        groups = [*self.alike, *([[one] for one in self.right])]
        return sum(10 if one.common else 1 for group in groups for one in group)

    def untold(self) -> Iterator[str]:
        """What is said of the mistakes that no answer on this sheet tells apart."""
        common = [group for group in self.alike if sum(one.common for one in group) > 1]
        yield from (f"the same comes out of {self.together(group)}" for group in common)
        rarer = [self.together(group) for group in self.alike if group not in common]
        if rarer:
            yield f"of rarer mistakes, the same comes out of {'; of '.join(rarer)}"
        if self.right:
            yield f"right comes out, too, of {self.together(self.right, ', ')}"

    def together(self, group: Sequence[Made], joint: str = " and of ") -> str:
        """Several mistakes, each with its places."""
        places: dict[str, list[str]] = {}
        for one in group:
            places.setdefault(one.suspect.mistake.sentence, []).append(self.place(one))
        every = {place for at in places.values() for place in at}
        if len(every) == 1 and len(places) > 1:
            return f"{joint.join(places)}, all at {next(iter(every))}"
        return joint.join(f"{name} ({'; '.join(dict.fromkeys(at))})" for name, at in places.items())


def said(sheet: Any, one: Suspect, number: float) -> Wrong:
    """A mistake that leads to a number, as it is told."""
    node = sheet.nodes[one.guess.node]
    rule = prevention(one.mistake.name, node.row, place_of(one))
    return Wrong(number, one.mistake.sentence, node.name, one.message(as_sheet(sheet)), rule)


def place_of(one: Suspect) -> int:
    """Which operand of its node a mistake concerns; the first where it concerns all."""
    places = [arc.place for arc, _, _ in one.guess.changes if arc.operand == one.guess.operand]
    return places[0] if places else 0


def made(
    trace: Trace | ArrayTrace, heaviest: int = ALL
) -> tuple[Any, dict[str, float], list[Made]]:
    """The sheet of a trace, its right gradients by the names of blanks, and every single mistake.

    heaviest: the weight up to which mistakes are made.
    """
    if isinstance(trace, ArrayTrace):
        with catch_warnings():
            simplefilter("ignore", RuntimeWarning)  # a number that does not exist is a nan
            return made_of_arrays(trace, heaviest)
    sheet = Sheet.of(trace)
    with sheet.arithmetic.context():
        asked = [
            k
            for k, node in enumerate(sheet.nodes)
            if node.gradient is not None and node.kind != "constant" and k != sheet.output
        ]
        names = {k: sheet.nodes[k].name for k in asked}
        found = single_suspects(sheet, asked, heaviest)
        for k in asked:
            slope = slopes(sheet, k)
            found += [one for one in for_claim(sheet, k, slope) if one.weight <= heaviest]
        every = []
        for one in found:
            only = one.guess.claim
            numbers = {
                names[k]: float(x) + 0.0
                for k, x in predicted(sheet, one.guess.changes).items()
                if k in names and only in (-1, k)
            }
            every.append(as_made(sheet, one, numbers))
        correct = {name: float(sheet.gradients[k]) for k, name in names.items()}
    return sheet, correct, [one for one in every if finite(one)]


def made_of_arrays(
    trace: ArrayTrace, heaviest: int
) -> tuple[ArraySheet, dict[str, float], list[Made]]:
    """The same of arrays, a name an element."""
    sheet = ArraySheet.of(trace, kernel_for(trace))
    places = {
        k: [element(node.name, place) for place in elements(node.shape)]
        for k, node in enumerate(sheet.nodes)
        if node.gradient is not None and node.kind != "constant" and k != sheet.output
    }
    nothing = {
        k: ArrayClaim(
            sheet.nodes[k].name,
            sheet.nodes[k].shape,
            (None,) * len(names),
            (0.0,) * len(names),
            (True,) * len(names),
        )
        for k, names in places.items()
    }
    search = Search.of(sheet, nothing)
    found = search.single(heaviest)
    for k in places:
        found += of_claim(sheet, k, heaviest)
    every = []
    for one in found:
        if one.weight > heaviest:
            continue
        numbers = {
            name: x + 0.0
            for k, gradient in search.gradients(one.guess.changes, one.guess.claim).items()
            if gradient.shape == sheet.nodes[k].shape
            for name, x in zip(places[k], gradient.numbers, strict=True)
        }
        every.append(as_made(sheet, one, numbers))
    correct = {
        name: x
        for k, names in places.items()
        for name, x in zip(names, sheet.gradients[k].numbers, strict=True)
    }
    return sheet, correct, [one for one in every if finite(one)]


def as_made(sheet: Any, one: Suspect, numbers: dict[str, float]) -> Made:
    arcs = tuple([arc.number for arc, _, _ in one.guess.changes])
    return Made(one, (*one.key(as_sheet(sheet)), one.guess.claim, arcs), numbers)


def finite(one: Made) -> bool:
    return bool(one.numbers) and all(abs(x) < float("inf") for x in one.numbers.values())


def figures(correct: Mapping[str, float], every: Sequence[Made]) -> Nearby:
    """What each mistake changes at a point: two that change the same are one."""
    right = {name: figure(x) for name, x in correct.items()}
    return {
        one.key: {name: text for name, x in one.numbers.items() if (text := figure(x)) != right[name]}
        for one in every
    }  # fmt: skip


def told_apart(
    sheet: Any,
    correct: Mapping[str, float],
    every: Sequence[Made],
    nearby: Nearby,
) -> Told:
    """What the mistakes make of the gradients of a sheet.

    nearby: what they change at a point close by. Mistakes that change the same there, too, are one,
    and the commonest stands for them; others would be told apart by other numbers.
    """
    told = Told(sheet)
    seen, signatures = set[tuple[tuple[str, str], ...]](), dict[tuple[Any, ...], list[Made]]()
    for one in sorted(every, key=lambda one: one.suspect.weight):
        there = nearby.get(one.key)
        if there:
            changed = tuple(sorted(there.items()))
            if changed in seen:
                continue
            seen.add(changed)
        signature = []
        for name, x in one.numbers.items():
            if not apart(x, correct[name]):
                told.missed += bool(there and name in there and one.common)
                continue
            groups = told.groups.setdefault(name, [])
            place = next((k for k, g in enumerate(groups) if not apart(x, g[0].numbers[name])), -1)
            if place < 0:
                place = len(groups)
                groups.append([one])
            elif there is None or there.get(name) != nearby.get(groups[place][0].key, {}).get(name):
                told.missed += one.common
                groups[place].append(one)
            signature.append((name, place))
        if signature:
            signatures.setdefault(tuple(signature), []).append(one)
        else:
            told.right.append(one)
            told.missed += 20 * bool(there and one.common)
    told.alike = [group for group in signatures.values() if len(group) > 1]
    told.missed += sum(10 * (sum(one.common for one in group) - 1) for group in told.alike if group[0].common)  # fmt: skip
    return told


def apart(x: float, y: float) -> bool:
    return abs(x - y) > APART * max(abs(x), abs(y))


def figure(number: float) -> str:
    return f"{number:.9e}"
