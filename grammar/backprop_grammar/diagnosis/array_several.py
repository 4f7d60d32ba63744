"""More than one mistake at one place: factors, rates and second mistakes that a claim itself tells.

What is searched for here has a number that no table lists, or needs another mistake beside it.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import few
from ..language.table_texts import texts
from ..operations.shape import size
from ..operations.structural import Structural
from .array_blocks import as_blocks
from .array_mistakes import (
    ANOTHER,
    ANOTHER_UPSTREAM,
    MULTIPLE,
    STEPPED,
    UPDATED,
    at_array_edge,
)
from .array_sheet import ArraySheet, Map
from .array_suspects import VISITS, ArrayClaim, Changes, Search, as_sheet, guessed, literally
from .at_edges import Guess
from .at_nodes import replaced
from .floats import Floats
from .mistakes import Mistake
from .perturbed import Arc, Change, paths_to
from .search import Suspect

__all__ = [
    "VAGUE",
    "after",
    "at_once",
    "factors",
    "gathered",
    "in_blocks",
    "multiples",
    "stepped",
    "with_factors",
    "with_others",
    "with_updated",
]

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
    for c in (0.1, 0.01, 0.001, -0.1, -0.01, -0.001):
        reasons.setdefault(c, []).append("a learning rate?")
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


def stepped(search: Search) -> Iterator[Suspect]:
    """Claims that are weights after a step along the gradient, all of one rate."""
    sheet = search.sheet
    found: list[tuple[int, float]] = []
    for node, claim in search.wrong.items():
        value, right = sheet.values[node], search.right_numbers(node)
        variable = sheet.nodes[node].kind == "variable"
        if not variable or claim.shape != value.shape or not sheet.received[node]:
            continue
        k = max(claim.wrong, key=lambda k: abs(right[k]))
        if right[k]:
            rate = (value.numbers[k] - (claim.numbers[k] or 0.0)) / right[k]
            rate = shortest(rate, claim.halves[k] / abs(right[k]) + 1e-9 * abs(rate))
            if rate > SLOWEST and float(f"{rate:.2g}") == rate:
                found.append((node, rate))
    certain = {rate for node, rate in found if len(search.claims[node].distinct) > 1}
    for node, rate in found:
        if rate in certain:  # one number alone is after a step of some rate
            moved = sheet.values[node] - sheet.gradients[node] * rate
            guess = replaced(as_sheet(sheet), node, moved, node)  # as any claim of its own
            details = {"of": node, "rate": rate}
            yield Suspect(STEPPED, replace(guess, variant=f"{rate:g}", details=details))


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
    if not math.isfinite(c) or spelled(c) == "1" or not claim.fits(numbers, claim.places, c):
        return None
    search.near[claim.name] |= {f"times {factor:g}" for factor in named}
    return c if c in named or len(claim.distinct) > 2 else None


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


ALIKE = ("value for gradient", "transposed", "mixed up", "updated value")
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


# a mistake beside another


VAGUE = 60
"""The weight of what is true and explains nothing, as that a claim is a multiple."""


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
        and one.mistake.weight < VAGUE
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


def in_blocks(search: Search) -> list[Suspect]:
    """Wrong rules of operations that the program spells out."""
    found = []
    for sheet, arcs in as_blocks(search.sheet, search.claims.keys()):
        within = Search.of(sheet, search.claims)
        within.near = search.near
        for mistake in at_array_edge:
            for arc in arcs:
                for guess in guessed(mistake, sheet, arc):
                    # below what is written itself
                    suspect = Suspect(mistake, replace(guess, rarer=guess.rarer + 1))
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
    wanted = paths_to(sheet, nodes)
    found: list[Suspect] = []
    for arc in sheet.arcs:
        for mistake in (ANOTHER, ANOTHER_UPSTREAM) if wanted[arc.operand] else ():
            for guess in guessed(mistake, sheet, arc):
                if search.exhausted:
                    return found
                suspect = Suspect(mistake, guess)
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
