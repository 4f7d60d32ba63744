"""Claims that are right but for a number that was rounded on the way.

A person who rounds sigmoid(3) to 0.95 and multiplies 0.95 x 0.05 made no mistake of calculus.
Rounding is one more change of the trace: round a value, a local gradient or a gradient to as many
digits as were written, go on from there, and see what comes out.
"""

from collections.abc import Callable, Iterator
from typing import Any

from ..language.table_texts import texts
from .at_edges import is_unit
from .perturbed import Arc, Sheet, Towards, along, replay
from .wording import filled

__all__ = ["NEAR", "rounded"]

NEAR = 0.1
"""How far off, relative to the right number, a rounded intermediate may leave a claim."""

MOST = 8
"""The most digits that are tried."""

Rounding = tuple[str, Callable[[Any], Any]]

GRADIENT = "the gradient of {node:name}, {exact:figure},"
LOCAL = "the local gradient of {node:title}, {exact:figure},"
VALUE = "the value of {node:title}, {exact:figure},"
"""What was rounded: templates, see wording.py."""


def roundings(decimals: int, digits: int) -> list[Rounding]:
    """Ways to round, finest first: to decimals, and to significant digits; at least two of them are
    kept, since who claims 400.0 did not take 0.1 for 0.11.
    """
    least = min(2, decimals)
    places: list[Rounding] = [
        (f"{n} decimal{'s' * (n > 1)}", lambda x, n=n: to_decimals(float(x), n))  # type: ignore[misc]
        for n in range(min(decimals, MOST), max(1, least) - 1, -1)
    ]
    significant: list[Rounding] = [
        (f"{n} digits", lambda x, n=n: float(f"{float(x):.{n}g}"))  # type: ignore[misc]
        for n in range(min(digits, MOST), 1, -1)
    ]
    return places + significant


def to_decimals(x: float, decimals: int) -> float:
    """A number rounded to decimals, or to two digits where these are more."""
    near = float(f"{x:.{decimals}f}")
    return near if abs(near) >= 10.0 ** (1 - decimals) else float(f"{x:.2g}")


def rounded(
    sheet: Sheet,
    claimed: int,
    fits: Callable[[Any], bool],
    passes: dict[str, list[list[Any]]],
    digits: tuple[int, int],
    slope: Towards,
) -> str:
    """What was rounded where a rounded intermediate gives the claim; an empty text otherwise.

    fits: whether a number is the claimed one. passes: with every number rounded, by the words for
    how; those of other claims are taken again. digits: its decimals and significant digits.
    slope: see perturbed.slopes.
    """
    correct = sheet.gradients[claimed]
    for words, to in roundings(*digits):
        for moved, template, fields in single(sheet, claimed, to, slope):
            if moved and fits(correct + moved):
                message = f"right but for {template} rounded to {{near:short}} ({words})"
                return filled(sheet, message, fields)
    for words, to in roundings(*digits):
        if words not in passes:
            passes[words] = list(all_rounded(sheet, to))
        for gradients in passes[words]:
            if gradients[claimed] != correct and fits(gradients[claimed]):
                return f"right but for rounding every number to {words} on the way"
    return ""


def single(
    sheet: Sheet,
    claimed: int,
    to: Callable[[Any], Any],
    slope: Towards,
) -> Iterator[tuple[Any, str, dict[str, Any]]]:
    """By how much each number of the trace moves the claimed gradient when it is rounded, and
    what to say of it: a template and its fields.
    """
    for node in slope:
        if node != claimed:
            number = sheet.gradients[node]
            near = to(number)
            moved = (near - number) * slope[node]
            yield moved, GRADIENT, {"node": node, "exact": number, "near": near}
        for arc in sheet.sent[node]:
            if arc.operand in slope and arc.routed:
                near = to(arc.local)
                moved = sheet.gradients[node] * (near - arc.local) * slope[arc.operand]
                yield moved, LOCAL, {"node": arc.sender, "exact": arc.local, "near": near}
    beneath = {k for sender in slope if sheet.row(sender) for k in sheet.operands(sender)}
    for node in sorted(beneath.union(slope)):
        if sheet.nodes[node].kind == "constant":
            continue
        value = sheet.values[node]
        near = to(value)
        if near != value:
            moved = sum(
                sheet.gradients[arc.sender] * (local - arc.local) * slope[arc.operand]
                for arc, local in beside(sheet, node, near)
                if arc.operand in slope and local is not None
            )
            yield moved, VALUE, {"node": node, "exact": value, "near": near}


def beside(sheet: Sheet, node: int, value: Any) -> Iterator[tuple[Arc, Any]]:
    """The edges whose local gradient needs a node's value, and what another value makes of it."""
    senders = dict.fromkeys([node, *(arc.sender for arc in sheet.received[node])])
    for sender in senders:
        row = sheet.row(sender)
        if row is None:
            continue
        operands = zip(row.operands, sheet.operands(sender), strict=True)
        replaced = {name: value for name, k in operands if k == node}
        if sender == node:
            replaced["out"] = value
        leaves = sheet.leaves(sender, **replaced)
        for arc in sheet.sent[sender] if leaves else ():
            if arc.routed and not is_unit(arc):
                yield arc, sheet.value(texts(row).shown[arc.place], leaves)  # type: ignore[arg-type]


def all_rounded(sheet: Sheet, to: Callable[[Any], Any]) -> Iterator[list[Any]]:
    """The gradients with every value rounded, and with every local gradient and product, too."""
    locals_: dict[int, Any] = {}
    for arc in sheet.arcs:
        row = sheet.row(arc.sender)
        leaves = sheet.leaves(arc.sender)
        local = arc.local
        if row is not None and leaves is not None:
            near = {name: to(value) for name, value in leaves.items()}
            computed = sheet.value(texts(row).shown[arc.place], near)
            local = arc.local if computed is None else computed
        locals_[arc.number] = local
    routed = [arc for arc in sheet.arcs if arc.routed]
    yield replay(sheet, [(arc, locals_[arc.number], 0.0) for arc in routed])

    def vjp(arc: Arc, upstream: Any) -> Any | None:
        return to(upstream * to(locals_[arc.number])) if arc.routed else None

    yield along(sheet, vjp)
