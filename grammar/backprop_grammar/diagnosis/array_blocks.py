"""What a program spells out, taken as one operation: people derive softmax by its closed form.

Who writes exp, a sum and a quotient still has the rule of softmax in mind, and gets that wrong. So
the sheet of a trace is also searched with such nodes as one, where no claim stands inside.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

from ..arrays.grouping import ArraySearch
from ..arrays.lower import shapes_at
from ..blocks.grouping import inside_closed
from ..blocks.matching import Match, matches
from ..errors import BackpropError
from ..operations.structural import Structural
from .array_sheet import ArraySheet
from .perturbed import Arc

__all__ = ["as_blocks"]


def as_blocks(
    sheet: ArraySheet, claimed: Collection[int]
) -> Iterator[tuple[ArraySheet, list[Arc]]]:
    """Sheets with one block each, and the edges that it sends along.

    claimed: nodes that must stay seen.
    """
    for node, match in spelled_out(sheet):
        numbers = [sheet.number.get(k) for k in (node, *match.inner, *match.operands)]
        if None in numbers:
            continue
        inner = {sheet.number[k] for k in match.inner} - {sheet.number[node]}
        inner = {k for k in inner if sheet.nodes[k].kind != "constant"}
        if not inner or not inner.isdisjoint(claimed):
            continue
        found = as_one(sheet, sheet.number[node], inner, match)
        if found is not None:
            yield found


def spelled_out(sheet: ArraySheet) -> list[tuple[int, Match]]:
    """The rows of the array table that a program spells out, the largest first."""
    graph, at = sheet.trace.names.graph, sheet.trace.at
    try:
        found, needed = shapes_at(graph, at, [sheet.trace.output])
    except BackpropError:
        return []
    closed = inside_closed(graph)
    search = ArraySearch(graph, closed, found=found)
    every = [
        (node, match)
        for node, here in matches(search, closed, []).items()
        for match in here
        if needed[node] and isinstance(match.function.row, Structural)
    ]
    return sorted(every, key=lambda one: -len(one[1].inner))


def as_one(
    sheet: ArraySheet, node: int, inner: set[int], match: Match
) -> tuple[ArraySheet, list[Arc]] | None:
    """The sheet with a block as one node; None where its rule does not send what its parts send."""
    row: Any = match.function.row
    operands = [sheet.number[k] for k in match.operands]
    parts = {node, *inner}
    outside = [arc for k in inner for arc in sheet.received[k] if arc.sender not in parts]
    if outside or node in operands:
        return None
    nodes = list(sheet.nodes)
    nodes[node] = nodes[node]._replace(row=row, kind="block", operands=tuple(match.operands))
    whole = replace(
        sheet, nodes=tuple(nodes), arcs=list(sheet.arcs), sends=list(sheet.sends),
        sent=[list(arcs) if k not in parts else [] for k, arcs in enumerate(sheet.sent)],
        received=[[arc for arc in arcs if arc.sender not in parts] for arcs in sheet.received],
        folded={**sheet.folded, node: match.written},
    )  # fmt: skip
    shapes = [sheet.values[k].shape for k in operands]
    arcs = []
    for place, operand in enumerate(operands):
        if row.vjp(shapes, match.written)[place] == "0":
            continue
        own = [arc for arc in sheet.received[operand] if arc.sender in parts]
        if not own:
            continue
        arc = whole.structural(node, operand, place)
        told = arc.local.of(sheet.gradients[node])
        if told is None or told.shape != sheet.nodes[operand].shape:
            return None
        total = sheet.sends[own[0].number]
        for one in own[1:]:
            total = total + sheet.sends[one.number]
        if (told - total).reach > 1e-9 * max(total.reach, 1e-300):
            return None
        whole.sends[arc.number] = told
        arcs.append(arc)
    return whole, arcs
