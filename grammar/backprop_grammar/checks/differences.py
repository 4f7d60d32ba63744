"""The backward pass against the forward pass, which is an independent computation.

A gradient is a claim about values, so values can refute it. Every input is moved a little and the
output looked at; every operation is taken out of the graph and tried alone, so that a wrong local
gradient is found where it is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..diagnosis.claims import Verdict
from ..errors import BackpropError
from ..language.graph import Graph
from ..numbers.ball import DomainError
from ..numbers.branches import Branches
from ..numbers.interpret import interpret
from ..numbers.multiprecision import multiprecision
from ..numbers.wide import Number, Wide
from ..passes.doubt import Doubt, NeedsPrecision
from ..passes.general import forward
from ..trace.record import KINKS, Trace
from .equivalence import Agreement
from .quotients import BITS, Bench, Difference, Moved, compare, real

__all__ = ["Difference", "Differences", "Report", "differences"]

PATIENCE = 20
"""Inputs that are too much work before the rest is not looked at."""

WORK = 8_000
"""Operations that are evaluated for the edges, and for the inputs; what is beyond is skipped."""

TOGETHER = 25_000
"""Operations up to which all inputs are moved at once, where they are too many one by one."""

EVERY = "all inputs at once"


@dataclass(frozen=True, slots=True)
class Differences:
    """All comparisons: per input and per edge; skipped: how many were not made for their cost."""

    inputs: tuple[Difference, ...]
    edges: tuple[Difference, ...]
    skipped: int = 0

    @property
    def right(self) -> bool:
        """Whether no gradient is contradicted."""
        return not any(row.verdict == "wrong" for row in (*self.inputs, *self.edges))


@dataclass(frozen=True, slots=True)
class Report:
    """What was checked, any of three: a gradient, claims of it, two formulas."""

    program: Graph
    at: dict[str, float]
    output: str
    value: Number | None = None
    differences: Differences | None = None
    verdicts: tuple[Verdict, ...] = ()
    agreement: Agreement | None = None

    @property
    def right(self) -> bool:
        """Whether all is right."""
        return (
            (self.differences is None or self.differences.right)
            and all(verdict.right for verdict in self.verdicts)
            and (self.agreement is None or self.agreement.agreed)
        )


def differences(trace: Trace, *, inputs: bool = True, edges: bool = True) -> Differences:
    """The backward pass of a trace against difference quotients of the forward pass."""
    graph, at = trace.tape, trace.at
    arithmetic = multiprecision(BITS, True)
    names = trace.names
    output = trace.output
    needed = graph.needed(output)
    with arithmetic.context():
        point = {
            node: arithmetic.constant(at[name])
            for name, node in graph.variables.items()
            if name in at
        }
        try:
            values, _ = forward(graph, point, needed, arithmetic, Doubt())
        except (DomainError, NeedsPrecision) as cause:
            raise BackpropError(
                "precision",
                f"a number here is beyond difference quotients: {cause}",
                hint="check at another point",
            ) from None
        bench = Bench(graph, names, arithmetic, trace, needed, output, values, WORK)
        bench.kinks = [note.node for note in trace.notes if note.kind in KINKS]
        # Edges first: the kinks they find are the reasons of the kinks of the inputs.
        lower = tuple(edge_rows(bench)) if edges else ()
        bench.work += WORK if inputs else 0
        upper = tuple(input_rows(bench)) if inputs else ()
        return Differences(upper, lower, bench.skipped)


def edge_rows(bench: Bench) -> Iterator[Difference]:
    """Every operation alone, at the values of its operands."""
    trace = bench.trace
    for shown in trace.nodes:
        node, block = shown.index, shown.block
        operands = block.operands if block else bench.graph.operands[node]
        nodes = range(block.first, node + 1) if block else range(node, node + 1)
        for edge in shown.edges:
            operand = trace.name(edge.operand)
            name = f"d{shown.name}/d{operand}"
            if not spend(bench, 2 * len(nodes)):
                continue
            moved = alone(bench, nodes, operands, edge.place, bool(block))
            source = operands[edge.place]
            yield compare(bench, name, shown.name, operand, edge.local, source, moved)


def spend(bench: Bench, operations: int) -> bool:
    """Whether so many evaluations may still be made; counts what may not."""
    if bench.work < operations:
        bench.skipped += 1
        return False
    bench.work -= operations
    return True


def alone(
    bench: Bench, nodes: Sequence[int], operands: Sequence[int], place: int, block: bool
) -> Moved:
    """The value of one operation, or block, with one operand moved by a step."""

    def at(step: Any) -> Any:
        if not block:
            return applied(bench, nodes[0], place, step)
        node = operands[place]
        kept = bench.values[node]
        assert kept is not None
        bench.values[node] = kept[0] + step, kept[1]
        try:
            return again(bench, nodes)
        finally:
            bench.values[node] = kept

    return at


def applied(bench: Bench, node: int, place: int, step: Any) -> Any:
    """One operation of the table on its operands, one of them moved."""
    graph = bench.graph
    balls: list[Any] = [bench.values[k] for k in graph.operands[node]]
    if node in graph.condition_of:  # the condition stays: what is selected moves
        chosen = bench.values[node]
        assert chosen is not None
        selected = selected_operand(bench, node)
        return chosen[0] + (step if place == selected else 0)
    # The operands count as exact, which saves bounding what their errors do to the result.
    zero = bench.arithmetic.number(0.0)
    balls = [(value + step if k == place else value, zero) for k, (value, _) in enumerate(balls)]
    operation = graph.operations[node]
    return bench.arithmetic.apply(operation, balls)[0]


def selected_operand(bench: Bench, node: int) -> int:
    return Branches(bench.graph, bench.values, bench.arithmetic.decide).selected(node)


def again(bench: Bench, nodes: Sequence[int]) -> Any:
    """The value of the last of some nodes, which are evaluated again and then put back."""
    graph, values = bench.graph, bench.values
    saved = {
        node: values[node]
        for node in nodes
        if not graph.operations[node].leaf and bench.needed[node]
    }
    branches = Branches(graph, values, bench.arithmetic.decide)
    try:
        for node in saved:
            values[node] = None  # what is not evaluated this time has no value
        interpret(graph, values, bench.arithmetic.apply, branches, saved)
        result = values[nodes[-1]]
        assert result is not None
        return result[0]
    finally:
        for node, ball in saved.items():
            values[node] = ball


def input_rows(bench: Bench) -> Iterator[Difference]:
    """The whole program, one input moved; all of them at once where there are too many."""
    refused = 0
    for name, backward in bench.trace.gradients.items():
        if bench.work <= 0 or refused >= PATIENCE:
            bench.skipped += 1
            continue
        node = bench.names.find(name)
        if bench.values[node] is None:
            unused = f"the output does not use {name}"
            yield Difference(name, "", name, backward, 0.0, 0.0, 0.0, 0.0, "right", unused)
            continue
        below = dependents(bench, [node])
        if spend(bench, 2 * len(below)):
            yield compare(bench, name, "", name, backward, node, along(bench, {node: 1}, below))
        else:
            refused += 1
    if bench.skipped and refused:
        yield from together(bench)


def together(bench: Bench) -> Iterator[Difference]:
    """All inputs moved at once, each at a speed of its own: a mistake in any gradient shows."""
    speeds: dict[int, float] = {}
    total: Any = bench.arithmetic.number(0.0)
    for i, (name, gradient) in enumerate(bench.trace.gradients.items()):
        node = bench.names.find(name)
        missing = isinstance(gradient, Wide) and not gradient.exists
        if not bench.graph.operations[node].leaf or missing:
            return
        speeds[node] = 1 + (i * 37 % 64) / 64
        total += speeds[node] * real(bench, gradient)
    below = dependents(bench, list(speeds))
    if 2 * len(below) <= TOGETHER:
        slope = bench.number(total)
        yield compare(bench, EVERY, "", "", slope, next(iter(speeds)), along(bench, speeds, below))


def along(bench: Bench, speeds: Mapping[int, float], below: Sequence[int]) -> Moved:
    """The output with inputs moved by a step times their speeds."""

    def at(step: Any) -> Any:
        kept = {node: bench.values[node] for node in speeds}
        for node, ball in kept.items():
            assert ball is not None
            bench.values[node] = ball[0] + step * speeds[node], ball[1]
        try:
            moves = below and step  # at no step the value is known
            return bench.trace.upstream * (again(bench, below) if moves else moved_output(bench))
        finally:
            for node, ball in kept.items():
                bench.values[node] = ball

    return at


def moved_output(bench: Bench) -> Any:
    """The value of an output that is itself an input, or does not depend on one."""
    ball = bench.values[bench.output]
    assert ball is not None
    return ball[0]


def dependents(bench: Bench, sources: Sequence[int]) -> list[int]:
    """The nodes that change with some, the output last; what an `if` may select among them."""
    graph = bench.graph
    reached = [False] * len(graph)
    for source in sources:
        reached[source] = True
    first, moved = min(sources), set(sources)
    for node in range(first + 1, bench.output + 1):
        if not bench.needed[node]:
            continue
        operands = graph.operands[node]
        # A branch that is not evaluated here may be selected a step away.
        unknown = bench.values[node] is None
        reached[node] = reached[node] or unknown or any(reached[k] for k in operands)
    changed = [
        node for node in range(first + 1, bench.output + 1) if reached[node] and node not in moved
    ]
    return changed if changed and changed[-1] == bench.output else []
