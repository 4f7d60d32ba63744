"""What is got wrong between edges: at a node, where contributions meet, or for one claim alone.

Swapping, overwriting and averaging are again several edges with wrong numbers, so nothing but the
number of changed edges tells them from a slip at one of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from ..language.table_texts import texts
from ..operations.table import ADD, DIV, MUL, NEG, SUB
from .at_edges import SMALL, Guess, is_unit
from .perturbed import Arc, Sheet, Towards

__all__ = ["MANY", "RATES", "replaced"]


def same_rule(one: Arc, other: Arc) -> bool:
    """Whether two edges have local gradients that read the same."""
    return one.rule is not None and other.rule is not None and str(one.rule) == str(other.rule)


def swapped(sheet: Sheet, node: int) -> Iterator[Guess]:
    arcs = sheet.sent[node]
    if len(arcs) != 2 or arcs[0].operand == arcs[1].operand or same_rule(*arcs):
        return
    first, second = arcs
    changes = ((first, second.local, 0.0), (second, first.local, 0.0))
    yield Guess(
        changes,
        node,
        -1,
        rarer=20 * (sheet.row(node) is SUB),  # where a minus was forgotten
        details={"first": first, "second": second, "a": first.operand, "b": second.operand},
    )


def no_upstream(sheet: Sheet, node: int) -> Iterator[Guess]:
    changes = tuple((arc, 0.0, arc.local) for arc in sheet.sent[node] if arc.routed)
    if changes and (node != sheet.output or sheet.gradients[node] != 1):
        rarer = 6 * all(is_unit(arc) for arc in sheet.sent[node])  # who adds, multiplies nothing
        yield Guess(changes, node, -1, rarer=rarer)


def product_for_sum(sheet: Sheet, node: int) -> Iterator[Guess]:
    operands = sheet.operands(node)
    if sheet.row(node) in (ADD, SUB):
        changes = tuple(
            (arc, sheet.values[operands[1 - arc.place]], 0.0) for arc in sheet.sent[node]
        )
        details = {"operation": sheet.operation(node)}
        yield Guess(changes, node, -1, details=details)


def all_signs(sheet: Sheet, node: int) -> Iterator[Guess]:
    if len(sheet.sent[node]) > 1:
        changes = tuple((arc, -arc.local, 0.0) for arc in sheet.sent[node])
        yield Guess(changes, node, -1)


def divisor_once(sheet: Sheet, node: int) -> Iterator[Guess]:
    """(u'v - uv')/v for u/v."""
    operands = sheet.operands(node)
    if sheet.row(node) is DIV and len(sheet.sent[node]) == 2:
        y = sheet.values[operands[1]]
        changes = tuple((arc, arc.local * y, 0.0) for arc in sheet.sent[node])
        yield Guess(changes, node, -1, details={"divisor": operands[1]})


def wrong_route(sheet: Sheet, node: int) -> Iterator[Guess]:
    arcs = sheet.sent[node]
    if not any(arc.routed for arc in arcs):
        return
    for wrong in arcs:
        if not wrong.routed:
            changes = tuple((arc, 1.0 if arc is wrong else 0.0, 0.0) for arc in arcs)
            name = sheet.nodes[wrong.operand].name
            yield Guess(changes, node, -1, name, details={"chosen": wrong.operand})


def passed_to_all(sheet: Sheet, node: int) -> Iterator[Guess]:
    arcs = sheet.sent[node]
    if any(arc.routed for arc in arcs) and not all(arc.routed for arc in arcs):
        changes = tuple((arc, 1.0, 0.0) for arc in arcs)
        yield Guess(changes, node, -1)


# where contributions meet


def summed(sheet: Sheet, node: int) -> list[Arc]:
    """The contributions that meet at a node, none where there is only one; output first."""
    arcs = [arc for arc in sheet.received[node] if arc.routed]
    return sorted(arcs, key=lambda arc: (-arc.sender, arc.place)) if len(arcs) > 1 else []


def overwritten(sheet: Sheet, node: int) -> Iterator[Guess]:
    arcs = summed(sheet, node)
    for i, kept in enumerate(arcs):
        if BRANCHES <= i < len(arcs) - BRANCHES:
            continue  # what is kept is mostly the last branch, or the first
        changes = tuple((arc, 0.0, 0.0) for arc in arcs if arc is not kept)
        order = "last" if i == len(arcs) - 1 else "first" if i == 0 else str(i)
        yield Guess(changes, node, -1, order, details={"kept": kept.sender} | which(arcs, kept))


def which(arcs: Sequence[Arc], one: Arc) -> dict[str, str]:
    """`the contribution`, or `one of the 2 contributions` of a node that sends several: x*x."""
    count = sum(arc.sender == one.sender for arc in arcs)
    return {"which": f"one of the {count} contributions" if count > 1 else "the contribution"}


BRANCHES = 16
"""Branches from either end that may be the one that was kept, where very many meet."""


def left_out(sheet: Sheet, node: int) -> Iterator[Guess]:
    arcs = summed(sheet, node)
    for arc in arcs if len(arcs) > 2 else ():
        yield Guess(((arc, 0.0, 0.0),), node, -1, str(arc.number), details=which(arcs, arc))


def twice(sheet: Sheet, node: int) -> Iterator[Guess]:
    arcs = summed(sheet, node)
    for arc in arcs:
        changes = ((arc, 2 * arc.local, 0.0),)
        yield Guess(changes, node, -1, str(arc.number), details=which(arcs, arc))


def averaged(sheet: Sheet, node: int) -> Iterator[Guess]:
    arcs = summed(sheet, node)
    if arcs:
        changes = tuple((arc, arc.local / len(arcs), 0.0) for arc in arcs)
        yield Guess(changes, node, -1, details={"count": len(arcs)})


def multiplied(sheet: Sheet, node: int) -> Iterator[Guess]:
    arcs = summed(sheet, node)
    if arcs:
        product: Any = 1.0
        for arc in arcs:
            product = product * (sheet.gradients[arc.sender] * arc.local)
        changes = tuple((arc, 0.0, product if arc is arcs[0] else 0.0) for arc in arcs)
        yield Guess(changes, node, -1, details={"count": len(arcs)})


def sum_sign(sheet: Sheet, node: int) -> Iterator[Guess]:
    arcs = summed(sheet, node)
    if arcs:
        changes = tuple((arc, -arc.local, 0.0) for arc in arcs)
        yield Guess(changes, node, -1)


def loss_for_derivative(sheet: Sheet, node: int) -> Iterator[Guess]:
    """The value of the output in the place of a gradient that was to be computed from it."""
    arcs = above = sheet.received[node]
    for _ in range(MANY):
        if len(above) != 1 or not is_unit(above[0]):
            break
        above = sheet.received[above[0].sender]
    if all(arc.sender == sheet.output for arc in above):
        return  # the value for the local gradient
    loss = sheet.values[sheet.output]
    changes = tuple((arc, 0.0, 0.0 if i else loss) for i, arc in enumerate(arcs))
    rarer = 0 if sheet.nodes[node].named else 4
    yield Guess(changes, node, -1, rarer=rarer, details={"loss": sheet.output})


# of the whole program


def weights_updated(sheet: Sheet, arcs: Sequence[Arc]) -> Iterator[Guess]:
    """The gradient sent back through weights that were already updated, w - rate*dw."""
    through = []
    for arc in arcs:
        if sheet.row(arc.sender) is not MUL or not sheet.nodes[arc.operand].operands:
            continue
        weight = sheet.operands(arc.sender)[1 - arc.place]
        if sheet.nodes[weight].kind == "variable" and sheet.gradients[weight]:
            through.append((arc, weight))
    rates = RATES if len(sheet.arcs) <= SMALL else RATES[:3]
    for rate in rates if through else ():
        changes = tuple(
            (arc, sheet.values[weight] - rate * sheet.gradients[weight], 0.0)
            for arc, weight in through
        )
        details = {"rate": rate, "weight": through[0][1]}
        yield Guess(changes, through[0][0].sender, -1, f"{rate:g}", details=details)


RATES = (0.1, 0.01, 0.5, 1.0, 0.05, 0.001, 0.2, 0.3, 0.25, 0.02)
"""Learning rates that people take, the commonest first."""


# between a claimed node and one of the nodes above it


def derivatives_multiplied(sheet: Sheet, node: int, claim: int, slope: Towards) -> Iterator[Guess]:
    """(u*v)' as u'*v', (u/v)' as u'/v'."""
    arcs = sheet.sent[node]
    row = sheet.row(node)
    if row not in (MUL, DIV) or len(arcs) != 2 or claim in (arcs[0].operand, arcs[1].operand):
        return
    du, dv = (slope[arc.operand] for arc in arcs)
    if not du or not dv:
        return
    changes = ((arcs[0], dv if row is MUL else 1 / dv, 0.0), (arcs[1], 0.0, 0.0))
    rule = "product rule" if row is MUL else "quotient rule"
    verb = "multiplied" if row is MUL else "divided"
    details = {"u": arcs[0].operand, "v": arcs[1].operand, "verb": verb, "rule": rule}
    yield Guess(changes, node, -1, claim=claim, details=details)


def sum_for_product(sheet: Sheet, node: int, claim: int, slope: Towards) -> Iterator[Guess]:
    """(u*v)' as u' + v'."""
    arcs = sheet.sent[node]
    if sheet.row(node) is MUL and len(arcs) == 2 and all(arc.operand in slope for arc in arcs):
        yield Guess(tuple((arc, 1.0, 0.0) for arc in arcs), node, -1, claim=claim)


def inner_differentiated(sheet: Sheet, node: int, claim: int, slope: Towards) -> Iterator[Guess]:
    """For f(g(x)), what comes out where g'(x) is put in the place of g(x): cos(2*x) for sin(x^2)."""
    row = sheet.row(node)
    if row is None or row in (ADD, SUB, NEG, MUL):
        return
    for arc in sheet.sent[node]:
        inner = slope[arc.operand]
        others = [slope[other.operand] for other in sheet.sent[node] if other is not arc]
        if arc.operand == claim or not arc.routed or not inner or any(others):
            continue
        leaves = sheet.leaves(node, **{row.operands[arc.place]: inner})
        if leaves is None:
            continue
        operands = [leaves[name] for name in row.operands]
        out = sheet.applied(row, operands)
        if out is None:
            continue
        outer = sheet.value(texts(row).shown[arc.place], leaves | {"out": out})
        details = {"inner": inner, "operand": arc.operand}
        plain = 10 * (inner == 1)  # a number that comes of other slips, too
        ways = ("the outer derivative", outer, plain), ("the outer function", out, 3 + plain)
        for what, number, rarer in ways:
            if number is not None:
                yield Guess(
                    ((arc, number / inner, 0.0),), node, arc.operand, what, claim, rarer,
                    details | {"what": what, "number": number, "times": ""},
                )  # fmt: skip
        if outer is not None:
            times = " times that derivative"
            yield Guess(
                ((arc, outer, 0.0),), node, arc.operand, "times", claim, 5,
                details | {"what": ways[0][0], "number": outer * inner, "times": times},
            )  # fmt: skip


def handed_on(sheet: Sheet, node: int, claim: int, slope: Towards) -> Iterator[Guess]:
    """The gradient of a node above, with more than one step left out between the two."""
    if node != claim:
        return
    steps = {claim: 0}  # that are left out, at least, where each would be more than a factor of 1
    for k in islice(slope, MANY):
        for arc in sheet.sent[k]:
            if arc.operand in steps:
                more = steps[arc.operand] + (not is_unit(arc))
                steps[k] = min(more, steps.get(k, more))
        if steps.get(k, 0) > 1 and (k != sheet.output or sheet.gradients[k] != 1):
            guess = replaced(sheet, claim, sheet.gradients[k], k)
            yield replace(guess, rarer=0 if sheet.nodes[k].named else 10)


def value_for_gradient(sheet: Sheet, node: int, claim: int, slope: Towards) -> Iterator[Guess]:
    if node == claim:
        yield replaced(sheet, claim, sheet.values[claim], node)


def mixed_up(sheet: Sheet, node: int, claim: int, slope: Towards) -> Iterator[Guess]:
    """The gradient of another variable or stage."""
    if node == claim and sheet.nodes[claim].named:
        for i, other in enumerate(sheet.nodes[:MANY]):
            if other.named and other.gradient is not None and i not in slope:
                yield replaced(sheet, claim, sheet.gradients[i], i)


MANY = 100
"""Nodes among which a claim is looked for that is another's gradient."""


def replaced(sheet: Sheet, claim: int, number: Any, other: int) -> Guess:
    """A guess that gives the claimed node a gradient outright."""
    changes = tuple((arc, 0.0, 0.0 if i else number) for i, arc in enumerate(sheet.received[claim]))
    return Guess(changes, claim, other, claim=claim)
