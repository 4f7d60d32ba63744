"""Which mistake explains wrong gradients that are arrays.

As search.py, with an array for a number: every mistake of the table is made at every place, by
computing, and only those that give the claimed arrays are named.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from warnings import catch_warnings, simplefilter

from ..arrays.record import ArrayTrace
from .array_mistakes import MULTIPLE
from .array_several import (
    VAGUE,
    after,
    at_once,
    factors,
    gathered,
    in_blocks,
    multiples,
    stepped,
    with_factors,
    with_others,
    with_updated,
)
from .array_sheet import ArraySheet
from .array_suspects import ArrayClaim, Search, as_sheet, kernel_for
from .floats import alike
from .search import Findings, Suspect, coincidence, diagnoses

__all__ = ["ArrayClaim", "diagnose"]


def diagnose(trace: ArrayTrace, claims: Sequence[ArrayClaim]) -> Findings:
    """The mistakes that give the wrong ones among claims of nodes of a trace, best first."""
    sheet = ArraySheet.of(trace, kernel_for(trace))
    places = {}
    for claim in claims:
        node = sheet.find(claim.name)
        if node is not None:
            own = sheet.nodes[node].shape
            places[node] = replace(claim, shape=own) if alike(claim.shape, own) else claim
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

    def chance(suspect: Suspect) -> float:
        widths = [(claims[name].width, len(search.near[name])) for name in suspect.explains]
        return coincidence(widths)

    for name in claims:
        own = findings.by_claim.get(name, [])
        two = bool(own) and is_two(own[0])
        findings.diagnoses[name] = diagnoses(as_sheet(search.sheet), own, chance, two=two)
    return findings


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
    kept += [one for one in (*with_updated(search), *stepped(search)) if search.try_out(one)]
    more = (*multiples(search, named), *gathered(search.sheet, kept))
    kept += [one for one in more if search.settle(one)]
    for round_ in (after, with_factors, with_others, at_once):
        unknown = unexplained(search, kept)
        if unknown and not search.exhausted:
            kept += round_(search, kept, others, unknown)
    return kept


def unexplained(search: Search, kept: Sequence[Suspect]) -> set[str]:
    """The wrong claims that nothing explains in full."""
    known = {name for one in kept for name in one.explains if one.mistake.weight < VAGUE}
    return {claim.name for claim in search.wrong.values()} - known


def merged(found: list[Suspect]) -> list[Suspect]:
    """Mistakes that make the same gradients wrong by the same amounts are one, with other names."""
    kept: dict[Any, Suspect] = {}
    for suspect in sorted(found, key=Suspect.rank):
        key = effect(suspect)
        if key not in kept:
            kept[key] = suspect
            continue
        first = kept[key]
        if is_two(suspect) and not is_two(first):
            continue  # where one is enough
        first.also.append(suspect)
        factor = str(suspect.guess.details.get("factor", "-"))
        if suspect.mistake.name == MULTIPLE.name and not factor.startswith("-"):
            more = f"; what comes out is the right gradient times {factor}"
            first.mistake = replace(first.mistake, message=first.mistake.message + more)
    return without_parts(sorted(kept.values(), key=Suspect.rank))


def is_two(suspect: Suspect) -> bool:
    """Whether it is a mistake with another, or with a factor besides."""
    return suspect.mistake.weight > MULTIPLE.weight and suspect.mistake.name != MULTIPLE.name


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
