"""A program and its backward pass as one straight list of lines, for many points at once.

What the tape says about one point is said about columns of points by the same operations, and the
backward pass only appends more of them.

An `if` computes both of its sides here and selects, so a number that does not exist must be able
to stand where it is not selected; see bounded.py.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce

from ..language.graph import Graph
from ..language.nearest import nearest
from ..language.table_texts import texts
from ..operations.row import Operation, Role
from ..operations.table import POW
from ..passes.backward import backward
from ..passes.run import Target
from .lines import ONE, ZERO, Guard, Kind, Kink, StraightLine, text_of

__all__ = ["straightline"]

Arrived = tuple[int, int | None]
"""The line of a gradient or a contribution, and the mask of where there is one; None is everywhere."""


def straightline(target: Target, columns: Sequence[str], at: Mapping[str, float]) -> StraightLine:
    """The lines of a target: its variables are columns, or have a value for all rows."""
    graph, straight = target.graph, StraightLine()
    leaves: dict[int, int] = {}
    for name, node in graph.variables.items():
        if target.needed[node]:
            if name in columns:
                leaves[node] = straight.line(Kind.COLUMN, (), name)
            else:
                leaves[node] = straight.leaf(at[name])
    moved = forward(straight, target, leaves)
    gradients = gradients_of(straight, target, moved)
    zero = straight.constant(ZERO)
    straight.results = [moved[target.output], *(gradients.get(k, zero) for k in target.sources)]
    return straight


def forward(straight: StraightLine, target: Target, leaves: dict[int, int]) -> list[int]:
    """The line of every node that is needed."""
    graph, needed = target.graph, target.needed
    unneeded = {node: -1 for node in range(len(graph)) if not needed[node]}
    moved = straight.copy(graph, leaves | unneeded)
    for node, operation in enumerate(graph.operations):
        if operation.leaf or not needed[node] or not operation.domain:
            continue
        operands = tuple([moved[k] for k in graph.operands[node]])
        if not graph.regions[node]:
            straight.guards.append(Guard(operation, operands))
        if text_of(operation, len(operands)):
            live = region_mask(straight, graph, graph.regions[node], moved)
            ordered(straight, operation, operands, live)
    return moved


def region_mask(
    straight: StraightLine, graph: Graph, region: int, moved: Sequence[int]
) -> int | None:
    """The mask of where a branch is taken; None is everywhere (see graph.Condition)."""
    mask = None
    while region:
        condition, second = divmod(region - 1, 2)
        holds = straight.condition(graph, condition, moved)
        mask = straight.both(straight.opposite(holds) if second else holds, mask)
        region = graph.conditions[condition].region
    return mask


def ordered(
    straight: StraightLine, operation: Operation, operands: tuple[int, ...], live: int | None
) -> None:
    """Watch the domain of an operation, of which its text says nothing."""
    place = operation.operands.index
    for bound in operation.domain:
        x = operands[place(bound.operand)]
        if isinstance(bound.limit, str):
            limit = operands[place(bound.limit)]
        else:
            limit = straight.constant((bound.limit, 0.0))
        if bound.relation == "!=":
            straight.kinks.append(Kink(straight.subtract(x, limit), "jump", live))
            continue
        low, high = (x, limit) if bound.relation[0] == "<" else (limit, x)
        straight.kinks.append(Kink(straight.subtract(low, high), "order", live))


def gradients_of(straight: StraightLine, target: Target, moved: Sequence[int]) -> dict[int, int]:
    """The line of the gradient of every node that is reached.

    What the backward pass hands on is a line and the mask of where anything arrives.
    """
    graph, wanted = target.graph, target.wanted

    def vjp(node: int, place: int, arrived: Arrived) -> Arrived | None:
        if not wanted[graph.operands[node][place]]:
            return None
        operation, (upstream, live) = graph.operations[node], arrived
        slope, mask = local(straight, graph, node, place, moved)
        if straight.number(slope) == 0 and operation.role is Role.ROUTES:
            return None
        sent = straight.multiply(upstream, slope)
        if mask is not None:
            sent = straight.gate(mask, sent)
        return sent, straight.both(live, mask)

    def total(arrivals: list[Arrived]) -> Arrived:
        lines, masks = zip(*arrivals, strict=True)
        return reduce(straight.add, lines), straight.either(masks)

    seeds: dict[int, Arrived] = {target.output: (straight.constant(ONE), None)}
    received = backward(graph.operands, seeds, vjp, total)
    for node in target.jumping:
        if node not in received or received[node][1] is not None:
            hidden_jump(straight, graph, node, moved)
    for node, (_, live) in received.items():
        if any(wanted[k] for k in graph.operands[node]):
            watch(straight, target, node, moved, live)
    return {node: line for node, (line, _) in received.items()}


def hidden_jump(straight: StraightLine, graph: Graph, node: int, moved: Sequence[int]) -> None:
    """Note where the value of a node may jump, which counts though no gradient passes through it."""
    live = region_mask(straight, graph, graph.regions[node], moved)
    straight.kinks.extend(
        Kink(line, "jump", live) for line in jump_lines(straight, graph, node, moved)
    )


def jump_lines(
    straight: StraightLine, graph: Graph, node: int, moved: Sequence[int]
) -> Iterator[int]:
    """Lines that are 0 where the value of a node may jump."""
    if node in graph.condition_of:
        test = graph.conditions[graph.condition_of[node]]
        yield straight.subtract(moved[test.left], moved[test.right])
        return
    operation = graph.operations[node]
    row = texts(operation)
    lines = [moved[k] for k in graph.operands[node]]
    leaves = dict(zip(operation.operands, lines, strict=False)) | {"out": moved[node]}
    for text in row.kinks if operation.jump else (row.cut,):
        assert text is not None
        yield straight.inline(text, leaves)


def local(
    straight: StraightLine, graph: Graph, node: int, k: int, moved: Sequence[int]
) -> tuple[int, int | None]:
    """The local gradient for operand k, and a mask of where the node routes to it, if it chooses.

    That of a whole power needs no division, which would ask how near to 0 the base is.
    """
    operation = graph.operations[node]
    lines = tuple([moved[i] for i in graph.operands[node]])
    if node in graph.condition_of:
        if k < 2:
            return straight.constant(ZERO), None
        test = straight.condition(graph, graph.condition_of[node], moved)
        return straight.constant(ONE), test if k == 2 else straight.opposite(test)
    if operation.selects:
        return shared(straight, moved[node], lines, k)
    if operation is POW and k == 0:
        exponent = straight.number(lines[1])
        if exponent is not None and 2 <= exponent <= 2**53 and exponent == int(exponent):
            power = straight.power(lines[0], straight.leaf(exponent - 1))
            return straight.multiply(lines[1], power), None
    leaves = {"out": moved[node]}
    if operation.variadic:
        rule = texts(operation).rules[0]
        leaves |= {"x": lines[k], "n": straight.constant((float(len(lines)), 0.0))}
    else:
        rule = texts(operation).rules[k]
        leaves |= dict(zip(operation.operands, lines, strict=True))
    slope = straight.inline(rule, leaves)
    if operation.role is not Role.ROUTES:
        return slope, None
    mask = straight.nonzero(slope)
    if mask is not None and straight.lines[slope].kind is Kind.SELECT:
        _, then, otherwise = straight.lines[slope].operands
        if straight.number(otherwise) == 0:
            slope = then
        elif straight.number(then) == 0:
            slope = otherwise
    return slope, mask


def shared(
    straight: StraightLine, out: int, lines: tuple[int, ...], k: int
) -> tuple[int, int | None]:
    """The local gradient of a max or min for operand k, and where it is selected."""
    distinct = tuple(dict.fromkeys(lines))
    if len(distinct) == 1:
        return straight.leaf(nearest(1, len(lines))), None
    given = Counter(lines)
    ties = straight.line(Kind.TIES, (out, *distinct), tuple([given[line] for line in distinct]))
    share = straight.line(Kind.SHARE, (out, lines[k], ties), given[lines[k]])
    return share, straight.nonzero(share)


def watch(
    straight: StraightLine, target: Target, node: int, moved: Sequence[int], live: int | None
) -> None:
    """Note where the local gradients of a node are a choice."""
    graph, wanted = target.graph, target.wanted
    operation, operands = graph.operations[node], graph.operands[node]
    lines = [moved[k] for k in operands]
    if node in graph.condition_of:
        if wanted[operands[0]] or wanted[operands[1]]:
            test = graph.conditions[graph.condition_of[node]]
            difference = straight.subtract(moved[test.left], moved[test.right])
            straight.kinks.append(Kink(difference, "boundary", live))
    elif operation.selects:
        if len(set(lines)) > 1:
            masks = [
                local(straight, graph, node, k, moved)[1]
                for k, operand in enumerate(operands)
                if wanted[operand]
            ]
            straight.kinks.append(
                Kink(moved[node], "tie", straight.both(live, straight.either(masks)))
            )
    else:
        row = texts(operation)
        leaves = dict(zip(operation.operands, lines, strict=False)) | {"out": moved[node]}
        kind = "jump" if operation.jump else "kink"
        straight.kinks.extend(Kink(straight.inline(text, leaves), kind, live) for text in row.kinks)
        if row.cut:
            straight.kinks.append(Kink(straight.inline(row.cut, leaves), "cut", live))
