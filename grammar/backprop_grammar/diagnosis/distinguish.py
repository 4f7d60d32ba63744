"""What would tell one mistake from another, and right from wrong: another node, another point.

At x = 1 the square and its operand are the same number, and no claim made there can show which one
was meant. Whether a point tells is not argued but tried: make the mistakes there, and compare.
"""

import random
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from ..errors import BackpropError
from ..trace.evaluate import evaluate
from ..trace.record import Trace
from .perturbed import Sheet, shift, slopes
from .search import NOISE, suspects
from .suspects import Suspect

__all__ = [
    "Again",
    "Elsewhere",
    "another_point",
    "giving",
    "nodes_to_claim",
    "phrase",
    "retraced",
    "unseen",
]

Again = Callable[..., Trace]
"""Traces the program again: at another point (None for the same), with options of evaluate."""

SMALL = 300
"""Edges up to which other points are searched."""

POOL = (2.0, 3.0, 0.5, -1.5, 5.0, -2.0, 1.5, 7.0, 2.5, -0.5)
"""Numbers that inputs are given, the pleasantest first."""

TRIES = 20

Key = tuple[str, ...]

APART = 0.02
"""Relative difference that is seen in two digits."""

COMMON = 22
"""The weight of mistakes up to which a point should tell them from the right rule."""


def retraced(trace: Trace) -> Again:
    """A function that traces the program of a trace again, without its grouping."""
    program, output = trace.program, "" if trace.last else trace.output_name

    def again(at: dict[str, float] | None, **options: Any) -> Trace:
        how: dict[str, Any] = {"output": output, "upstream": trace.upstream, **options}
        return evaluate(program, program.inputs | (trace.at if at is None else at), **how)

    return again


class Elsewhere:
    """The program at other points, with every mistake in it; each point is tried once."""

    def __init__(self, sheet: Sheet, claimed: Sequence[str], again: Again) -> None:
        self.sheet, self.claimed, self.again = sheet, set(claimed), again
        self.here = self.mistakes(sheet) if len(sheet.arcs) <= SMALL else {}
        self.points = points(sheet) if self.here else iter(())
        self.seen: list[tuple[dict[str, float], Sheet, dict[Key, Suspect]]] = []

    def mistakes(self, sheet: Sheet) -> dict[Key, Suspect]:
        """The mistakes at single places by their keys."""
        nodes = [k for name in self.claimed if (k := sheet.find(name)) is not None]
        return {one.key(sheet): one for one in suspects(sheet, nodes)[0] if not one.kind}

    def trials(self) -> Iterator[tuple[dict[str, float], Sheet, dict[Key, Suspect]]]:
        """Points with their sheets and mistakes, where the program has a value."""
        yield from self.seen
        for point in self.points:
            try:
                sheet = Sheet.of(self.again(point))
            except BackpropError:
                continue
            self.seen.append((point, sheet, self.mistakes(sheet)))
            yield self.seen[-1]

    def predictions(
        self, name: str, wanted: Collection[Key]
    ) -> Iterator[tuple[dict[str, float], dict[Key, Any], Any]]:
        """What mistakes make of the gradient of a node at every point, and what is right."""
        for point, sheet, mistakes in self.trials():
            node = sheet.find(name)
            if node is not None:
                slope, correct = slopes(sheet, node), sheet.gradients[node]
                numbers = {
                    key: correct + shift(sheet, mistakes[key].guess.changes, slope)
                    for key in wanted
                    if key in mistakes
                }
                yield point, numbers, correct


def points(sheet: Sheet) -> Iterator[dict[str, float]]:
    """Points near at hand: one input moved, then all of them."""
    at = sheet.trace.at
    names = list(at)
    random_numbers = random.Random(0)
    singles = [(name, value) for value in POOL[:4] for name in names if at[name] != value]
    for name, value in singles[: TRIES // 2]:
        yield at | {name: value}
    for _ in range(TRIES // 2):
        numbers = random_numbers.sample(POOL, min(len(names), len(POOL)))
        yield {name: numbers[i % len(numbers)] for i, name in enumerate(names)}


def apart(x: Any, y: Any) -> bool:
    return bool(abs(x - y) > APART * max(abs(x), abs(y)) > 1e-9)


def another_point(there: Elsewhere, name: str, alike: Sequence[Suspect]) -> Iterator[str]:
    """A point at which mistakes that give the same number here give different ones."""
    sheet = there.sheet
    wanted = {one.key(sheet) for one in alike if not one.kind and one.guess.claim < 0}
    if len(wanted) < 2:
        return
    best: tuple[int, dict[str, float]] = (0, {})
    pairs = len(wanted) * (len(wanted) + 1) // 2
    for point, predicted, correct in there.predictions(name, wanted):
        numbers = [*predicted.values(), correct]
        count = sum(apart(x, y) for i, x in enumerate(numbers) for y in numbers[:i])
        if count > best[0]:
            best = count, point
        if count == pairs:
            break
    count, point = best
    if count == pairs:
        where = point_text(sheet, point)
        yield f"at {where} these mistakes and the right rule give different numbers for {name}"
    elif count > len(wanted):  # more than each of them from the right number
        where = point_text(sheet, point)
        yield f"at {where} some of these mistakes give different numbers for {name}"


def point_text(sheet: Sheet, point: dict[str, float]) -> str:
    """A point for a message, only what has changed."""
    changed = [f"{name}={v:g}" for name, v in point.items() if sheet.trace.at.get(name) != v]
    return ",".join(changed[:12]) + ",..." * (len(changed) > 12)


def nodes_to_claim(
    sheet: Sheet, alike: Sequence[Suspect], claimed: Collection[str]
) -> Iterator[str]:
    """A node whose gradient, claimed as well, tells the mistakes apart."""
    best: tuple[int, str] = (0, "")
    if len(alike) < 2:
        return
    for node in sorted({node for suspect in alike for node in suspect.predicted}):
        shown = sheet.nodes[node]
        if shown.name not in claimed and shown.kind != "constant" and shown.gradient is not None:
            right = sheet.gradients[node]
            numbers = [suspect.predicted.get(node, right) for suspect in alike]
            count = sum(apart(x, y) for i, x in enumerate(numbers) for y in numbers[:i])
            if count > best[0]:
                best = count, shown.name
    if best[0]:
        yield f"claim the gradient of {best[1]} as well to tell these mistakes apart"


def giving(there: Elsewhere, node: int, number: Any) -> list[Suspect]:
    """The common mistakes that give a node exactly this gradient, the commonest first."""
    slope, correct = slopes(there.sheet, node), there.sheet.gradients[node]
    found = [
        suspect
        for suspect in there.here.values()
        if suspect.weight <= COMMON
        and suspect.guess.node in slope
        and abs(correct + shift(there.sheet, suspect.guess.changes, slope) - number)
        <= NOISE * abs(number)
    ]
    return sorted(found, key=lambda suspect: suspect.weight)


def unseen(there: Elsewhere, name: str) -> Iterator[str]:
    """Mistakes that would give the right number here, and a point where they would not."""
    if not there.here:
        return
    sheet = there.sheet
    claimed = sheet.find(name)
    assert claimed is not None
    slope = slopes(sheet, claimed)
    correct = sheet.gradients[claimed]
    hidden = {
        key: suspect
        for key, suspect in there.here.items()
        if suspect.mistake.weight <= COMMON
        and suspect.guess.node in slope
        and abs(shift(sheet, suspect.guess.changes, slope)) <= 1e-9 * abs(correct)
    }
    best: tuple[int, dict[str, float], set[Key]] = (0, {}, set())
    for point, predicted, right in there.predictions(name, hidden) if hidden else ():
        shown = {key for key, number in predicted.items() if apart(number, right)}
        if len(shown) > best[0]:
            best = len(shown), point, shown
    if best[0]:
        named = [hidden[key] for key in hidden if key in best[2]]
        named.sort(key=lambda suspect: suspect.mistake.weight)
        few = "; ".join(phrase(sheet, suspect) for suspect in named[:2])
        more = f"; and {len(named) - 2} more" if len(named) > 2 else ""
        zero = "the gradient is 0, and " * (correct == 0)
        blind = f"this point cannot tell the right rule from every mistake ({few}{more})"
        yield f"{zero}{blind}; {point_text(sheet, best[1])} can"


def phrase(sheet: Sheet, suspect: Suspect) -> str:
    """A mistake and its place: `a branch overwritten instead of added at a`."""
    rule = f" ({suspect.guess.variant})" if suspect.mistake.name == "slip" else ""
    return f"{suspect.mistake.sentence}{rule} at {sheet.title(suspect.guess.node)}"
