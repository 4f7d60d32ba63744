"""One mistake made at several places, and two mistakes made at once.

A mistake that is made at every operation of a kind, or above each of several claims, is told once.
Two different ones are looked for only where a single one explains nothing, and where one of them
is common: a sign and a factor.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from ..errors import BackpropError
from ..operations.row import Operation
from ..operations.table import IF
from ..trace.evaluate import evaluate
from ..trace.record import Trace
from .at_nodes import RATES, replaced
from .mistakes import OTHER_BRANCH, TWO, UPDATED_POINT, Guess, at_sum
from .perturbed import Change, Sheet, predicted
from .suspects import Suspect, all_changes

__all__ = ["COMMON", "PAIRED", "after_step", "everywhere", "other_branches", "pairs", "siblings"]

STAGES = 20
"""Stages up to which a mistake is also made in one of them only."""

COMMON = 24
"""The weight up to which a mistake is made by many, alone or together with another one."""

PAIRED = 300
"""Edges up to which two mistakes at once are tried."""

PAIRS = 3_000
"""Pairs of mistakes that are tried for a claim."""

MOST_BRANCHES = 8
"""Of how many an `if` the other branch is tried."""

OPPOSITE = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "==": "!=", "!=": "=="}

SUMS = {mistake.name for mistake in at_sum}


def everywhere(sheet: Sheet, single: list[Suspect]) -> list[Suspect]:
    """The same mistake at every operation of a kind, and at all of a stage; at sums, at all."""
    groups: dict[tuple[Any, ...], list[Suspect]] = {}
    for suspect in single:
        if suspect.mistake.everywhere:
            groups.setdefault(sort(sheet, suspect), []).append(suspect)
    plural = [together(group) for group in groups.values()]
    stages = stages_of(sheet)
    for group in groups.values() if len(set(stages)) <= STAGES else ():
        parts: dict[int, list[Suspect]] = {}
        for suspect in group:
            parts.setdefault(stages[suspect.guess.node], []).append(suspect)
        if len(parts) > 1:
            for stage, part in parts.items():
                plural.append(together(part, sheet.nodes[stage].name))
    return [suspect for suspect in plural if suspect is not None]


def sort(sheet: Sheet, suspect: Suspect) -> tuple[str, str, Operation | None, str]:
    """What mistakes at several places have in common."""
    name, node = suspect.mistake.name, sheet.nodes[suspect.guess.node]
    kind, row = ("sum", None) if name in SUMS else (node.operation, node.row)
    # Names of nodes tell ways apart at one place only; rules and orders at all.
    variant = name in SUMS or name in ("slip", "other activation")
    return name, kind, row, suspect.guess.variant if variant else ""


def stages_of(sheet: Sheet) -> list[int]:
    """For every node, the one with a name of its own that it is computed for."""
    stages, stage = [0] * len(sheet.nodes), len(sheet.nodes) - 1
    for node in reversed(range(len(sheet.nodes))):
        if sheet.nodes[node].named and sheet.nodes[node].operands:
            stage = node
        stages[node] = stage
    return stages


def together(group: Sequence[Suspect], stage: str = "") -> Suspect | None:
    """A mistake made at all places of a group; None where there is only one."""
    nodes = tuple(dict.fromkeys(suspect.guess.node for suspect in group))
    if len(nodes) < 2:
        return None
    guess = replace(group[0].guess, changes=all_changes(group))
    parts = tuple(suspect.guess for suspect in group)
    return Suspect(group[0].mistake, guess, "every", nodes, stage, parts=parts)


def siblings(sheet: Sheet, explaining: Sequence[Suspect]) -> Iterator[Suspect]:
    """One mistake that was made above several wrong claims, each at a place of its own."""
    groups: dict[tuple[Any, ...], dict[tuple[str, ...], Suspect]] = {}
    whole = {frozenset(suspect.explains) for suspect in explaining if not suspect.spoils}
    for suspect in explaining:
        if not suspect.kind and not suspect.spoils:
            only = suspect.guess.claim >= 0
            key = (suspect.mistake.name, only) if only else (*sort(sheet, suspect), only)
            groups.setdefault(key, {}).setdefault(suspect.explains, suspect)
    for _, group in sorted(groups.items(), key=lambda item: item[0][-1]):
        found = list(group.values())
        names = tuple(dict.fromkeys(name for one in found for name in one.explains))
        if len(found) < 2 or frozenset(names) in whole:
            continue
        whole.add(frozenset(names))
        first = found[0]
        if first.guess.claim < 0:
            plural = together(found)
            if plural is not None:
                yield replace(plural, kind="siblings")
            continue
        claims = tuple(one.guess.claim for one in found)
        numbers = {k: x for one in found for k, x in one.predicted.items()}
        yield Suspect(
            first.mistake, first.guess, "siblings", claims=claims, explains=names, predicted=numbers
        )


def pairs(
    sheet: Sheet, claimed: int, here: Sequence[Suspect], fits: Callable[[Any], bool]
) -> Iterator[Suspect]:
    """Two mistakes at once that give a claim, one of them a common companion of others."""
    common = sorted((one for one in here if one.weight <= COMMON), key=lambda one: one.weight)
    partners = sorted((one for one in here if one.mistake.paired), key=lambda one: one.weight)
    tried, seen = 0, set[frozenset[int]]()
    for partner in partners:
        for first in common:
            both = frozenset((id(first), id(partner)))
            if first is partner or both in seen:
                continue
            seen.add(both)
            changes = combined(first.guess.changes, partner.guess.changes)
            if changes is None or (first.guess.claim >= 0 and first.guess.claim != claimed):
                continue
            tried += 1
            if tried > PAIRS:
                return
            number = predicted(sheet, changes).get(claimed)
            if number is not None and fits(number):
                yield pair(sheet, first, partner, changes, claimed)


def combined(changes: Sequence[Change], more: Sequence[Change]) -> tuple[Change, ...] | None:
    """Both changes; at the same edge, the factor by which the second one is wrong as well."""
    at = {arc.number: (arc, m, b) for arc, m, b in changes}
    for arc, m, b in more:
        if arc.number not in at:
            at[arc.number] = (arc, m, b)
        elif b or not arc.local:
            return None
        else:
            _, m_before, b_before = at[arc.number]
            factor = m / arc.local
            at[arc.number] = (arc, m_before * factor, b_before * factor)
    if all(m == arc.local and not b for arc, m, b in at.values()):
        return None
    return tuple(at.values())


def pair(
    sheet: Sheet, first: Suspect, second: Suspect, changes: tuple[Change, ...], claimed: int
) -> Suspect:
    details = {"first": first.message(sheet), "second": second.message(sheet)}
    nodes = tuple(dict.fromkeys((first.guess.node, second.guess.node)))
    guess = Guess(
        changes, first.guess.node, first.guess.operand, claim=claimed,
        rarer=first.weight + second.weight, details=details,
    )  # fmt: skip
    return Suspect(TWO, guess, "both", nodes)


def other_branches(sheet: Sheet, claimed: Iterable[int]) -> Iterator[Suspect]:
    """The gradients that the branch of an `if` gives which is not taken."""
    trace = sheet.trace
    program, output = trace.program, "" if trace.last else trace.output_name
    shown = [node.index for node in sheet.nodes]
    for choice, condition in list(program.condition_of.items())[:MOST_BRANCHES]:
        place = bisect_left(shown, choice)  # the node that it is, or is a part of
        if place == len(shown) or sheet.nodes[place].row not in (IF, None):
            continue
        turned = [*program.conditions]
        comparison = OPPOSITE[turned[condition].comparison]
        turned[condition] = turned[condition]._replace(comparison=comparison)
        other = replace(program, conditions=turned)
        at = program.inputs | trace.at
        try:
            there = Sheet.of(evaluate(other, at, output=output, upstream=trace.upstream))
        except (BackpropError, OverflowError, ValueError):
            continue
        changes: list[Change] = []
        for k in claimed:
            node = there.find(sheet.nodes[k].name)
            if node is not None and there.gradients[node] != sheet.gradients[k]:
                changes += replaced(sheet, k, there.gradients[node], k).changes
        if changes:
            yield Suspect(OTHER_BRANCH, Guess(tuple(changes), place, -1))


def after_step(
    sheet: Sheet,
    again: Callable[..., Trace],
    claimed: Iterable[int],
) -> Iterator[tuple[int, Any, Suspect]]:
    """The gradients at the points where a step of gradient descent leads: of the claimed variable
    alone, of all, and of what is called like a weight.
    """
    at = sheet.trace.at
    slopes = {
        name: sheet.gradients[k]
        for name in at
        if (k := sheet.find(name)) is not None and sheet.gradients[k]
    }
    weights = [name for name in slopes if name[0] in "wWbBθ" or name.startswith("theta")]
    ways: list[tuple[str, tuple[str, ...], list[int]]] = []
    claims = list(claimed)
    for k in claims:
        name = sheet.nodes[k].name
        if name in slopes:
            ways.append((name, (name,), [k]))
    for which, several in (("the weights", weights), ("all variables", list(slopes))):
        if len(several) > 1:
            ways.append((which, tuple(several), claims))
    tried = set[tuple[str, ...]]()
    for which, moved, concerned in ways:
        if moved in tried:
            continue
        tried.add(moved)
        for rate in RATES:
            point = at | {name: float(at[name] - rate * slopes[name]) for name in moved}
            try:
                there = Sheet.of(again(point))
            except (BackpropError, OverflowError, ValueError):
                continue
            for k in concerned:
                node = there.find(sheet.nodes[k].name)
                if node is None:
                    continue
                number = there.gradients[node]
                guess = replace(
                    replaced(sheet, k, number, k), details={"which": which, "rate": rate}
                )
                yield k, number, Suspect(UPDATED_POINT, guess)
