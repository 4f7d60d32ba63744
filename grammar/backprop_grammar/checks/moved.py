"""Values of a program, or of one of its operations, with something moved by a step.

What does not change is not computed again, and is the very same ball: so where a step reaches
nothing, as behind a relu that is off, the difference is 0 and not merely small.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..language.graph import Graph
from ..numbers.ball import Ball
from ..numbers.branches import Branches
from ..numbers.interpret import interpret
from .quotients import Moved, Pass

SLOW = 50
"""How many others a slow operation costs, over wide numbers."""

__all__ = ["alone", "along", "dependents", "effort"]


def alone(
    graph: Graph,
    nodes: Sequence[int],
    operands: Sequence[int],
    speeds: Mapping[int, float],
    block: bool,
) -> Moved:
    """The value of one operation with its operands moved, or of a block, where what is given twice
    moves at both places.

    speeds: by how many steps the operand at a place moves.
    """
    node = nodes[-1]

    def moved(point: Pass, place: int, step: Any) -> Ball:
        ball = point.values[operands[place]]
        assert ball is not None
        if not step or place not in speeds:
            return ball  # which may be a quotient, exactly
        return ball[0] + step * speeds[place], ball[1]

    def at(point: Pass, step: Any) -> Ball:
        if block:
            balls = {operands[place]: moved(point, place, step) for place in speeds}
            return again(graph, point, nodes, balls)
        if node in graph.condition_of:  # the condition stays: what is selected moves
            place = Branches(graph, point.values, point.arithmetic.decide).selected(node)
            return moved(point, place, step)
        balls_ = [moved(point, place, step) for place in range(len(operands))]
        return point.lenient.apply(graph.operations[node], balls_)

    return at


def along(
    graph: Graph, below: Sequence[int], speeds: Mapping[int, float], output: int, upstream: float
) -> Moved:
    """The output, times what arrives there, with nodes moved by a step times their speeds.

    below: the nodes that change with them (see ``dependents``).
    """

    def at(point: Pass, step: Any) -> Ball:
        balls: dict[int, Ball] = {}
        for node, speed in speeds.items():
            ball = point.values[node]
            assert ball is not None
            value = ball[0] + step * speed
            lost = abs(step * speed - (value - ball[0]))
            balls[node] = value, ball[1] + lost
        before = point.values[output]
        assert before is not None
        ball = before
        if step and below:
            ball = again(graph, point, below, balls)
        elif step:  # the output is itself what moves, or does not depend on it
            ball = balls.get(output) or before
        if upstream == 1 or ball is before:
            return ball
        return ball[0] * upstream, ball[1] * abs(upstream)

    return at


def again(graph: Graph, point: Pass, nodes: Sequence[int], moved: Mapping[int, Ball]) -> Ball:
    """The value of the last of some nodes, which are evaluated again and then put back."""
    values = point.values
    saved = {node: values[node] for node in moved}
    changed = set(moved)

    def affected() -> Iterator[int]:
        for node in nodes:
            before = values[node]
            if graph.operations[node].leaf or node in moved:
                continue
            # A branch that is not evaluated at the point may be selected a step away.
            if before is not None and changed.isdisjoint(graph.operands[node]):
                continue
            saved[node] = before
            values[node] = None  # what is not evaluated this time has no value
            yield node
            after = values[node]
            if after is not None and before is not None and same(before, after):
                values[node] = before
            else:
                changed.add(node)

    try:
        values_at = dict(moved)
        for node, ball in values_at.items():
            values[node] = ball
        branches = Branches(graph, values, point.lenient.decide)
        interpret(graph, values, point.lenient.apply, branches, affected())
        result = values[nodes[-1]]
        assert result is not None
        return result
    finally:
        for node, before in saved.items():
            values[node] = before


def same(before: Ball, after: Ball) -> bool:
    """Whether two balls are one number: what was selected both times, or the same exact one."""
    return after is before or (after[0] == before[0] and not after[1] and not before[1])


def dependents(
    graph: Graph, values: Sequence[Any], needed: Sequence[bool], sources: Sequence[int], output: int
) -> list[int]:
    """The nodes that change with some, the output last; what an `if` may select among them."""
    reached = [False] * len(graph)
    for source in sources:
        reached[source] = True
    first, moved = min(sources), set(sources)
    changed = []
    for node in range(first + 1, output + 1):
        if not needed[node]:
            continue
        if values[node] is None or any(reached[k] for k in graph.operands[node]):
            reached[node] = True
        if reached[node] and node not in moved:
            changed.append(node)
    return changed if changed and changed[-1] == output else []


def effort(graph: Graph, nodes: Sequence[int]) -> int:
    """How many operands are looked at to evaluate some nodes; of a slow row, as if they were more."""
    return sum(
        [
            max(1, len(graph.operands[node]) - 1) * (SLOW if graph.operations[node].slow else 1)
            for node in nodes
        ]
    )
