"""What single mistakes make of the gradients of a sheet, and which of them its numbers tell apart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..diagnosis.perturbed import Sheet, shift, slopes
from ..diagnosis.search import Suspect, for_claim, suspects
from ..explain.prevention import prevention
from .record import Wrong

__all__ = ["APART", "Mistakes", "Told", "told_apart"]

APART = 0.02
"""How far apart numbers are, relative to their size, that answers of 3 digits tell one from another."""

COMMON = 22
"""The weight of mistakes up to which a sheet should tell them apart."""

Key = tuple[str, ...]

Made = tuple[Suspect, float]
"""A mistake, and the number that it leads to."""


@dataclass(slots=True)
class Told:
    """What mistakes make of a gradient, in groups of one number, the commonest mistake first.

    A group that begins with None gives the right number. missed: how much is not told apart, common
    mistakes counting ten times.
    """

    groups: list[list[Made | None]] = field(default_factory=lambda: [[None]])
    missed: int = 0

    def add(self, one: Suspect, number: float, correct: float) -> None:
        """A mistake to the group of its number."""
        for group in self.groups:
            first = group[0]
            if not apart(number, correct if first is None else first[1]):
                self.missed += 10 if one.mistake.weight <= COMMON else 1
                group.append((one, number))
                return
        self.groups.append([(one, number)])

    def wrongs(self, sheet: Sheet) -> list[list[Wrong | None]]:
        """The groups as they are said."""
        return [
            [None if one is None else said(sheet, *one) for one in group] for group in self.groups
        ]


def said(sheet: Sheet, one: Suspect, number: float) -> Wrong:
    node = sheet.nodes[one.guess.node]
    rule = prevention(one.mistake.name, node.row, place_of(sheet, one))
    return Wrong(number, one.mistake.sentence, node.name, one.message(sheet), rule)


def place_of(sheet: Sheet, one: Suspect) -> int:
    """Which operand of its node a mistake concerns; the first where it concerns all."""
    places = [arc.place for arc, _, _ in one.guess.changes if arc.operand == one.guess.operand]
    return places[0] if places else 0


class Mistakes:
    """All single mistakes on a sheet."""

    def __init__(self, sheet: Sheet, names: Sequence[str]) -> None:
        self.sheet = sheet
        nodes = [k for name in names if (k := sheet.find(name)) is not None]
        every, _ = suspects(sheet, nodes)
        self.single = [one for one in every if not one.kind]

    def numbers(self, name: str) -> Iterator[tuple[Key, Suspect, float]]:
        """What they make of the gradient of a node, by what each is at any point."""
        sheet, node = self.sheet, self.sheet.find(name)
        assert node is not None
        slope, correct = slopes(sheet, node), sheet.gradients[node]
        for one in (*self.single, *for_claim(sheet, node, slope)):
            if any(arc.operand in slope for arc, _, _ in one.guess.changes):
                number = float(correct + shift(sheet, one.guess.changes, slope)) + 0.0
                if abs(number) < float("inf"):
                    yield one.key(sheet), one, number

    def correct(self, name: str) -> float:
        node = self.sheet.find(name)
        assert node is not None
        return float(self.sheet.gradients[node])


def told_apart(here: Mistakes, nearby: Mistakes, name: str) -> Told:
    """What the mistakes make of the gradient of a node.

    nearby: at a point close by. Mistakes that give the same number there, too, are one, and the
    commonest stands for them; others would be told apart by other numbers.
    """
    told = Told()
    there = {key: number for key, _, number in nearby.numbers(name)}
    seen = {figure(nearby.correct(name))}
    correct = here.correct(name)
    for key, one, number in sorted(here.numbers(name), key=lambda made: made[1].mistake.weight):
        same = figure(there.get(key, number))
        if same not in seen:  # else it says what the rule says, or another mistake
            seen.add(same)
            told.add(one, number, correct)
    return told


def apart(x: float, y: float) -> bool:
    return abs(x - y) > APART * max(abs(x), abs(y))


def figure(number: float) -> str:
    """A number, short enough that rounding on the way to it does not show."""
    return f"{number:.9e}"
