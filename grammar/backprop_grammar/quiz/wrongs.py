"""What single mistakes make of the gradients of a sheet, and which of them its numbers tell apart."""

from dataclasses import dataclass, field
from typing import Any

from ..diagnosis.perturbed import Sheet, shift, slopes
from ..diagnosis.search import Suspect, for_claim, suspects
from .record import Wrong

__all__ = ["APART", "Told", "wrong_numbers"]

APART = 0.02
"""How far apart numbers are, relative to their size, that answers of 3 digits tell one from another."""

COMMON = 22
"""The weight of mistakes up to which a sheet should tell them apart."""

Key = tuple[str, ...]


@dataclass(slots=True)
class Told:
    """The wrong numbers of a gradient, the commonest mistake first, and what they do not tell apart.

    alike: mistakes that give the same number, or, where None stands among them, the right one.
    missed: how much is not told apart, common mistakes counting ten times.
    """

    wrongs: list[Wrong] = field(default_factory=list)
    alike: list[list[Wrong | None]] = field(default_factory=list)
    missed: int = 0


def wrong_numbers(sheet: Sheet, nearby: Sheet, name: str) -> Told:
    """What single mistakes make of the gradient of a node.

    nearby: the same program at a point close by. Mistakes that give the same number there, too, are
    one, and the commonest stands for them; others would be told apart by other numbers.
    """
    told = Told()
    node, other = sheet.find(name), nearby.find(name)
    assert node is not None and other is not None
    there = {key: number for key, _, number in mistaken(nearby, other)}
    seen = {figure(nearby.gradients[other])}
    groups: list[list[Wrong | None]] = [[None]]
    correct = float(sheet.gradients[node])
    for key, one, number in sorted(mistaken(sheet, node), key=lambda made: made[1].mistake.weight):
        same = figure(there.get(key, number))
        if same in seen:  # it says what the rule says, or another mistake
            continue
        seen.add(same)
        place = sheet.nodes[one.guess.node].name
        wrong = Wrong(float(number), one.mistake.sentence, place, one.message(sheet))
        for group in groups:
            first = group[0]
            if not apart(wrong.number, correct if first is None else first.number):
                told.missed += 10 if one.mistake.weight <= COMMON else 1
                group.append(wrong)
                break
        else:
            groups.append([wrong])
    told.wrongs = [group[0] for group in groups if group[0] is not None]
    told.alike = [group for group in groups if len(group) > 1]
    return told


def mistaken(sheet: Sheet, node: int) -> list[tuple[Key, Suspect, Any]]:
    """What every single mistake makes of the gradient of a node, by what it is at any point."""
    slope = slopes(sheet, node)
    every = [one for one in suspects(sheet, [node])[0] if not one.kind]
    correct = sheet.gradients[node]
    found = []
    for one in (*every, *for_claim(sheet, node, slope)):
        number = correct + shift(sheet, one.guess.changes, slope)
        if one.guess.node in slope and abs(number) < float("inf"):
            found.append((one.key(sheet), one, number))
    return found


def apart(x: float, y: float) -> bool:
    return abs(x - y) > APART * max(abs(x), abs(y))


def figure(number: Any) -> str:
    """A number, short enough that rounding on the way to it does not show."""
    return f"{float(number) + 0.0:.9e}"
