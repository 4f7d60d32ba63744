"""The backward pass against the forward pass, which is an independent computation.

A gradient is a claim about values, so values can refute it. Every input is moved a little and the
output looked at; every operation is taken out of the graph and tried alone, so that a wrong local
gradient is found where it is.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..blocks.names import Names
from ..language.graph import Graph
from ..numbers.ball import Ball
from ..numbers.decimal import number, short_number, telling
from ..numbers.multiprecision import size_of
from ..numbers.wide import UNEVALUATED, Number, Wide, exists
from ..trace.record import KINKS, Node, Trace
from .moved import alone, along, dependents, effort
from .quotients import SMALLEST, STEPS, Moved, Pass, Passes, Slopes, Work, slopes

__all__ = ["TOLERANCE", "Bench", "Difference", "Differences", "compare", "differences", "speed"]

PATIENCE = 20
"""Inputs that are too much work before the rest is not looked at."""

WORK = 8_000
"""Operands that are looked at for the edges, and for the inputs; what is beyond is skipped."""

TOGETHER = 25_000
"""Operands up to which all inputs are moved at once, where they are too many one by one."""

TOLERANCE = 1e-12
"""The relative difference up to which gradient and quotient are the same."""

UNTOLD = 2.0**-72
"""The relative difference that the steps and digits of quotients leave."""

EVERY = "all inputs at once"
OPERANDS = "all operands at once"
"""What a row is called that moves everything."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A gradient and what the forward pass says of it.

    name: of the input, or `dn3/dx` for the edge from ``node`` to ``operand``. quotient: the slope
    of both sides, or what lies between them; left, right: one-sided. error: relative; None where
    there is none. verdict: right, wrong, kink, infinite, undefined, undecided or unchecked; message:
    why, if it is not right.
    """

    name: str
    node: str
    operand: str
    backward: Number
    quotient: Number
    left: Number
    right: Number
    error: float | None
    verdict: str
    message: str = ""


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


def differences(trace: Trace, *, edges: bool = True) -> Differences:
    """The backward pass of a trace against difference quotients of the forward pass.

    edges: whether every operation is looked at alone, too.
    """
    bench = Bench.of(trace)
    with bench.point.arithmetic.context():
        lower = tuple(edge_rows(bench)) if edges else ()
        bench.work.left += WORK
        upper = tuple(input_rows(bench))
    return Differences(upper, lower, bench.skipped)


SINGULAR = KINKS | {"branch cut"}
"""Kinds of notes on nodes at which the function may have a kink or a jump."""


@dataclass(slots=True)
class Bench:
    """The program at its point in wide numbers, and how much more work may be done."""

    trace: Trace
    passes: Passes
    point: Pass  # over the narrowest numbers that are certain
    work: Work = field(default_factory=lambda: Work(WORK))
    skipped: int = 0
    bent: dict[int, str] = field(default_factory=dict)  # nodes that may have a kink or a jump here

    @classmethod
    def of(cls, trace: Trace) -> "Bench":
        """Raises BackpropError where some value is beyond wide numbers."""
        passes = Passes(trace.tape, trace.at, trace.tape.needed(trace.output))
        bench = cls(trace, passes, passes.made[passes.least])
        met = [note.node for note in trace.notes if note.kind in SINGULAR]
        met += [flag.node for flag in trace.flags]
        bench.bent = {trace.names.find(name): name for name in met}
        return bench

    @property
    def graph(self) -> Graph:
        return self.trace.tape

    @property
    def names(self) -> Names:
        return self.trace.names

    @property
    def output(self) -> int:
        return self.trace.output

    def number(self, value: Any) -> Number:
        """A wide number as one of the trace."""
        return number((value, 0.0), None, False)

    def dependents(self, sources: Sequence[int]) -> list[int]:
        """The nodes that change with some, the output last."""
        return dependents(self.graph, self.values, self.passes.needed, sources, self.output)

    @property
    def values(self) -> Sequence[Ball | None]:
        return self.point.values

    @property
    def zero(self) -> Any:
        return self.point.arithmetic.zero[0]

    def real(self, number: Number) -> Any:
        """A number of the trace in wide numbers."""
        return self.point.arithmetic.number(number.text if isinstance(number, Wide) else number)

    @contextmanager
    def besides(self, operands: int) -> Iterator[None]:
        """Around what takes none of the work that is left, but so much of its own."""
        left, self.work = self.work, Work(operands)
        yield
        self.work = left

    def affords(self, operands: int) -> bool:
        """Whether so much work may still be done; counts what may not."""
        if self.work.left < operands:
            self.skipped += 1
            return False
        return True

    def slopes(
        self,
        moved: Moved,
        sources: Sequence[int],
        claimed: Any,
        nodes: Sequence[int],
        singular: bool,
        steps: Sequence[int] = STEPS,
    ) -> Slopes:
        """The slopes of what moves when the sources do; nodes: those that are evaluated again."""
        self.work.cost = effort(self.graph, nodes)
        return slopes(self.passes, moved, sources, claimed, singular, self.work, steps)


def edge_rows(bench: Bench) -> Iterator[Difference]:
    """Every operation alone, at the values of its operands; the operands of a sum or a max all at
    once where they are too many one by one.
    """
    trace, graph = bench.trace, bench.graph
    together = TOGETHER
    for shown in trace.nodes:
        node, block = shown.index, shown.block
        operands = block.operands if block else graph.operands[node]
        nodes = range(block.first, node + 1) if block else range(node, node + 1)
        cost = 2 * effort(graph, nodes)
        before = bench.skipped
        for edge in shown.edges:
            if bench.affords(cost):
                operand = trace.name(edge.operand)
                moved = alone(graph, nodes, operands, {edge.place: 1.0}, bool(block))
                row = f"d{shown.name}/d{operand}", shown.name, operand, edge.local
                yield compare(bench, *row, moved, [operands[edge.place]], nodes)
        variadic = shown.row is not None and shown.row.variadic and not block
        if variadic and bench.skipped > before and cost <= together:
            together -= cost
            yield from operands_together(bench, shown)


def operands_together(bench: Bench, shown: Node) -> Iterator[Difference]:
    """All operands of a node moved at once, each at a speed of its own."""
    total = bench.zero
    speeds: dict[int, float] = {}
    for i, edge in enumerate(shown.edges):
        if not exists(edge.local):
            return
        speeds[edge.place] = speed(i)
        total += speed(i) * bench.real(edge.local)
    nodes = [shown.index]
    operands = bench.graph.operands[shown.index]
    moved = alone(bench.graph, nodes, operands, speeds, False)
    row = f"d{shown.name}, {OPERANDS}", shown.name, "", bench.number(total)
    with bench.besides(TOGETHER):
        found = compare(bench, *row, moved, [operands[place] for place in speeds], nodes)
    yield found


def speed(i: int) -> float:
    """How fast number i of what is moved at once moves: a mistake in any gradient shows."""
    return 1 + (i * 37 % 64) / 64


def input_rows(bench: Bench) -> Iterator[Difference]:
    """The whole program, one input moved; all of them at once where there are too many."""
    refused = 0
    for name, backward in bench.trace.gradients.items():
        if bench.work.left <= 0 or refused >= PATIENCE:
            bench.skipped += 1
            continue
        node = bench.names.find(name)
        if bench.values[node] is None:
            unused = f"the output does not use {name}"
            yield Difference(name, "", name, backward, 0.0, 0.0, 0.0, 0.0, "right", unused)
            continue
        below = bench.dependents([node])
        if bench.affords(2 * effort(bench.graph, below)):
            moved = along(bench.graph, below, {node: 1.0}, bench.output, bench.trace.upstream)
            yield compare(bench, name, "", name, backward, moved, [node], below)
        else:
            refused += 1
    if bench.skipped and refused:
        yield from inputs_together(bench)


def inputs_together(bench: Bench) -> Iterator[Difference]:
    """All inputs moved at once, each at a speed of its own."""
    speeds: dict[int, float] = {}
    total = bench.zero
    for i, (name, gradient) in enumerate(bench.trace.gradients.items()):
        node = bench.names.find(name)
        if not bench.graph.operations[node].leaf or not exists(gradient):
            return
        speeds[node] = speed(i)
        total += speed(i) * bench.real(gradient)
    below = bench.dependents(list(speeds))
    cost = effort(bench.graph, below)
    if 2 * cost <= TOGETHER:
        moved = along(bench.graph, below, speeds, bench.output, bench.trace.upstream)
        total = bench.number(total)
        with bench.besides(TOGETHER):
            found = compare(bench, EVERY, "", "", total, moved, list(speeds), below)
        yield found


def compare(
    bench: Bench,
    name: str,
    node: str,
    operand: str,
    backward: Number,
    moved: Moved,
    sources: Sequence[int],
    nodes: Sequence[int],
) -> Difference:
    """A gradient against the slopes of what moves when the sources do."""
    known = exists(backward)
    claimed = bench.real(backward) if known else bench.zero
    bent = [bench.bent[k] for k in nodes if k in bench.bent] if bench.bent else []
    # An operand that is given twice ties with itself, which is no kink of the whole program.
    singular = bool(bent or (node and not bench.graph.operations[nodes[-1]].smooth))
    steps = STEPS if known else STEPS[:1]
    found = bench.slopes(moved, sources, claimed, nodes, singular, steps)
    if found.step is None and nothing(claimed):  # as floats both are 0, or else it is told
        claimed = bench.zero
        found = bench.slopes(moved, sources, claimed, nodes, singular, steps)
    where = node or " and ".join(bent[:4]) or "a node"
    error = None
    if known and found.kind in ("smooth", "edge"):
        error = relative(claimed, found.slope)
    verdict, message = judged(backward, claimed, found, error, where, singular)
    central = found.slope if known else None
    quotient, left, right = (
        UNEVALUATED if x is None else shown_slope(x, claimed)
        for x in (central, found.left, found.right)
    )
    return Difference(name, node, operand, backward, quotient, left, right, error, verdict, message)


def judged(
    backward: Number, claimed: Any, found: Slopes, error: float | None, where: str, singular: bool
) -> tuple[str, str]:
    """The verdict on a gradient, and why."""
    left, right = figure(found.left), figure(found.right)
    sides = f"the one-sided slopes are {left} and {right}"
    if isinstance(backward, Wide) and not backward.exists:
        at = "" if found.step is None else f"at a step of {short_number(found.step)} "
        return backward.kind, f"the gradient is {backward.text}: {at}{sides}"
    if found.kind == "none":
        return "unchecked", "no value beside the point to compare with"
    if found.step is None:
        return "unchecked", "difference quotients need more digits here than can be had"
    if found.kind == "undecided":
        return "undecided", f"the difference quotients do not settle: {sides} at the smallest step"
    if found.kind == "jump":
        return "kink", f"jump at {where}: one-sided slopes {left} and {right} at this step"
    if found.kind == "kink":
        inside = between(claimed, found.left, found.right)
        lies = f"the gradient {figure(claimed)} lies {'between' if inside else 'outside'}"
        message = f"kink at {where}: one-sided slopes {left} and {right}; {lies}"
        return "kink" if inside else "wrong", message
    assert error is not None
    if found.kind == "edge" and error > TOLERANCE:
        only = right if found.left is None else left
        message = f"at the edge of the domain, where the one-sided slope is {only}"
        return "unchecked" if singular else "wrong", message
    if error <= TOLERANCE:
        return "right", "at the edge of the domain, one-sided" * (found.kind == "edge")
    if singular:
        slope = figure(found.slope)
        reason = f"the kinks at {where} cancel, which what each of them passes on does not"
        return "kink", f"both one-sided slopes are {slope}: {reason}"
    _, quotient = telling(backward, shown_slope(found.slope, claimed), 6)
    return "wrong", f"the difference quotient is {quotient}"


def between(claimed: Any, left: Any, right: Any) -> bool:
    """Whether a gradient lies between two slopes, or is one of them."""
    slack = TOLERANCE * max(abs(left), abs(right))
    return bool(min(left, right) - slack <= claimed <= max(left, right) + slack)


def relative(claimed: Any, slope: Any) -> float:
    """The relative difference of a gradient and a slope, as far as quotients tell; 0 where both are
    0 as floats.
    """
    largest = max(abs(claimed), abs(slope))
    if not largest or (not claimed and nothing(slope)):
        return 0.0
    error = abs(claimed - slope) / largest
    return float(error) if error > UNTOLD else 0.0


def nothing(value: Any) -> bool:
    """Whether a wide number is 0 as a float."""
    return not value or size_of(value) < SMALLEST


def shown_slope(value: Any, claimed: Any) -> Number:
    """A slope as a number of the trace; 0 where that is all that it says of a gradient of 0."""
    return 0.0 if not claimed and nothing(value) else number((value, 0.0), None, False)


def figure(value: Any) -> str:
    """A number for a message: 6 significant digits."""
    if value is None:
        return "none"
    return "0" if nothing(value) else short_number(value)
