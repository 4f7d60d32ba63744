"""What the rules make of a person's own numbers: both passes, each node from what they wrote before it.

Wrong values move the values computed from them and the local gradients; wrong gradients move what
is sent on. Where a person's own number is the right one, it goes on from there.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..diagnosis.perturbed import Arc, Sheet
from ..language.table_texts import texts
from ..operations.table import IF
from .record import GRADIENTS, VALUES

__all__ = ["Own", "going_on"]


class Own(NamedTuple):
    """A number, and what it goes back to: 0 right numbers, 1 rounded ones, 2 wrong ones."""

    number: float
    off: int


def going_on(sheet: Sheet, own: Mapping[tuple[str, str], Own]) -> dict[str, Own]:
    """What the rules make of a person's own numbers, by the columns of the blanks, where they are not
    the right ones.

    own: the answers, by node and kind; what is missing is what the rules make of those before it.
    """
    with sheet.arithmetic.context():
        values, found = forward(sheet, own)
        return found | back(sheet, own, values)


def forward(
    sheet: Sheet, own: Mapping[tuple[str, str], Own]
) -> tuple[dict[int, Own], dict[str, Own]]:
    """The values that are not the right ones: as they are gone on with, and as the rules make them."""
    moved: dict[int, Own] = {}
    found: dict[str, Own] = {}
    for node, shown in enumerate(sheet.nodes):
        operands = sheet.operands(node)
        off = max((moved[k].off for k in operands if k in moved), default=0)
        if off and shown.row is not None and shown.row is not IF and not shown.row.leaf:
            made = sheet.applied(shown.row, [value_at(sheet, moved, k) for k in operands])
            if made is not None:
                moved[node] = found[f"value.{shown.name}"] = Own(float(made), off)
        written = own.get((shown.name, VALUES))
        if written is not None:
            moved.pop(node, None)
            if written.off:
                moved[node] = written
    return moved, found


def back(
    sheet: Sheet, own: Mapping[tuple[str, str], Own], values: Mapping[int, Own]
) -> dict[str, Own]:
    """The gradients that the rules make of a person's own values and gradients."""
    moved: dict[int, Own] = {}
    found: dict[str, Own] = {}
    for node in reversed(range(len(sheet.nodes))):
        name, off, total = sheet.nodes[node].name, 0, 0.0
        for arc in sheet.received[node]:
            sent = moved.get(arc.sender)
            local, of_values = local_at(sheet, arc, values)
            off = max(off, of_values, sent.off if sent else 0)
            if arc.routed or of_values:
                total += (sent.number if sent else float(sheet.gradients[arc.sender])) * local
        if off:
            moved[node] = found[name] = Own(total, off)
        written = own.get((name, GRADIENTS))
        if written is not None:
            moved.pop(node, None)
            if written.off:
                moved[node] = written
    return found


def local_at(sheet: Sheet, arc: Arc, values: Mapping[int, Own]) -> tuple[float, int]:
    """A local gradient at a person's own values, and what these go back to."""
    around = (arc.sender, *sheet.operands(arc.sender))
    off = max((values[k].off for k in around if k in values), default=0)
    row = sheet.row(arc.sender) if off else None
    if row is None:
        return float(arc.local), 0
    operands = zip(row.operands, sheet.operands(arc.sender), strict=True)
    leaves = {name: value_at(sheet, values, k) for name, k in operands}
    leaves["out"] = value_at(sheet, values, arc.sender)
    local = sheet.value(texts(row).shown[arc.place], leaves)
    return (float(arc.local), 0) if local is None else (float(local), off)


def value_at(sheet: Sheet, values: Mapping[int, Own], node: int) -> Any:
    own = values.get(node)
    return sheet.values[node] if own is None else sheet.arithmetic.number(own.number)
