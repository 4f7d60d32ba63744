"""A mistake of the table at a place: what it changes, which claims it explains, and how it is told."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .mistakes import Guess, Mistake
from .perturbed import Change, Sheet
from .wording import filled, listed

__all__ = ["Suspect", "all_changes"]


@dataclass(slots=True)
class Suspect:
    """A mistake at a place, or at several: at operations of a kind, in all or in one stage, or
    above several claims.

    kind: how it is more than one mistake at one place, see several.py; an empty text where it is
    not. nodes: the places, where there are several, and parts: what is wrong at each; stage: the
    stage whose places these are; claims: the nodes that it concerns, where it is a mistake in each
    of them alone.
    """

    mistake: Mistake
    guess: Guess
    kind: str = ""
    nodes: tuple[int, ...] = ()
    stage: str = ""
    claims: tuple[int, ...] = ()
    parts: tuple[Guess, ...] = ()
    also: list["Suspect"] = field(default_factory=list)
    explains: tuple[str, ...] = ()
    spoils: tuple[str, ...] = ()
    predicted: dict[int, Any] = field(default_factory=dict)  # where it differs from the right one

    def key(self, sheet: Sheet) -> tuple[str, ...]:
        """What it is, in words that hold at another point, too."""
        where = "" if self.kind else sheet.nodes[self.guess.node].name
        operand = sheet.nodes[self.guess.operand].name if self.guess.operand >= 0 else ""
        return self.mistake.name, self.kind, where, "" if self.kind else operand, self.guess.variant

    @property
    def weight(self) -> int:
        """How rare it is."""
        return self.mistake.weight + self.guess.rarer + 5 * bool(self.kind)

    def rank(self) -> tuple[Any, ...]:
        """First what explains most claims and contradicts fewest, then the commonest."""
        return -len(self.explains), len(self.spoils), self.weight, -self.guess.node

    def message(self, sheet: Sheet) -> str:
        """What is said of it, a whole sentence."""
        first = next((part for part in self.parts if part.node in self.nodes), self.guess)
        message = filled(sheet, self.mistake.message, first.fields)
        if self.claims:
            return f"{message}; and likewise for {names(sheet, self.claims[1:])}"
        others = [node for node in self.nodes if node != first.node]
        if not others or not self.mistake.everywhere:
            return message
        stage = f" of {self.stage}" * bool(self.stage)
        every = f"every {sheet.operation(others[0]) or 'sum'}{stage} on the way: "
        return f"{message}; and likewise at {every * (self.kind == 'every')}{names(sheet, others)}"


def all_changes(group: Sequence[Suspect]) -> tuple[Change, ...]:
    """What the mistakes of a group change, each edge by the first that does."""
    changes: dict[int, Change] = {}
    for suspect in group:
        for change in suspect.guess.changes:
            changes.setdefault(change[0].number, change)
    return tuple(changes.values())


def names(sheet: Sheet, nodes: Sequence[int]) -> str:
    return listed([sheet.nodes[node].name for node in nodes])
