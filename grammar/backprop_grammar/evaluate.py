"""A graph and a point to a trace.

The insight: try the fast numbers first, and believe them only where their own error
bounds allow it. Where they don't, the same passes run over wider numbers, more and
more precise, until every number of the trace is certain.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .arithmetic import Arithmetic, Ball, Uncertain, binary64, wide
from .errors import BackpropError, nearest, shorten
from .graph import Graph
from .names import Names, outermost
from .passes import (
    Doubt,
    Edges,
    Forward,
    Refused,
    Stopped,
    backward,
    forward,
    local_gradients,
)
from .trace import Trace

__all__ = ["MAX_PRECISION", "Run", "evaluate"]

MAX_PRECISION = 1000
"""The most decimal digits that may be asked for."""

LADDER = (192, 640, 2560, 6400)
"""Bits of the wide numbers, tried in turn; at the last, what can't be told from 0 is 0."""

PATIENCE = 30.0
"""Seconds, by a rough estimate, that one step of the ladder may take; longer steps are refused."""

BITS_PER_DIGIT = 3.3219280948873626


@dataclass(slots=True)
class Run:
    """One forward and one backward pass over one arithmetic, all of it certain.

    wanted: the nodes on a path from what is differentiated. edges: see passes.Edges.
    blocks: the local gradients of the blocks: (result node, k) -> ball or None, where k is the
    first place of an operand; one that is given twice has one local gradient.
    """

    graph: Graph
    arithmetic: Arithmetic
    output: int
    upstream: float
    needed: list[bool]
    wanted: list[bool]
    forward: Forward
    gradients: dict[int, Ball]
    edges: Edges
    blocks: dict[tuple[int, int], Ball | None]
    met: dict[int, str]
    reason: str = ""
    reason_node: int = -1
    lost: float = 0.0
    bits: int = 53


def evaluate(
    graph: Graph,
    at: dict[str, float],
    *,
    wrt: Sequence[str] = (),
    output: str = "",
    upstream: float = 1.0,
    precision: int | None = None,
    nodes: bool = True,
    expand: Sequence[str] = (),
    fold: Sequence[str] = (),
) -> Trace:
    """The trace of a program at a point.

    at: a finite value per variable. wrt: names of the nodes to differentiate by; the inputs
    when empty. output: the node to differentiate; the last stage when empty. upstream: the
    gradient that arrives there from a larger network. precision: digits asked for, at most
    MAX_PRECISION. nodes: whether the trace lists its nodes, or only the results. expand: names
    of blocks that are shown as their parts; fold: of blocks, stages and nodes whose parts are
    shown as one. They change no number.

    Raises BackpropError where a name is unknown, a value missing, or the value of a node
    does not exist or overflows.
    """
    from .view import trace

    written, whole = graph, list[int]()
    if expand or fold:
        from .granularity import shaped

        def kinks(plain: Graph) -> set[int]:
            return set(run_of(Question(plain, (), ""), at, upstream, precision).met)

        graph, whole = shaped(graph, expand, fold, [*wrt, output], kinks)
    question = Question(graph, wrt, output)
    run = run_of(question, at, upstream, precision)
    return trace(run, question, written, whole, at, precision, nodes)


class Question:
    """What is differentiated by what: the nodes behind the names, and what lies between them."""

    def __init__(self, graph: Graph, wrt: Sequence[str], output: str) -> None:
        """Raises BackpropError for an unknown name."""
        self.graph = graph
        self.names = Names(graph)
        self.output = self.names.find(output) if output else graph.output
        self.sources = [self.names.find(name) for name in wrt] or list(graph.variables.values())
        self.labels = list(wrt) or list(graph.variables)
        self.needed = graph.needed(self.output)
        self.wanted = [False] * len(graph)
        for node in self.sources:
            self.wanted[node] = True
        # Only what lies between the sources and the output; a source may be an inner node.
        for node, operands in enumerate(graph.operands):
            if self.needed[node] and not self.wanted[node]:
                self.wanted[node] = any(self.wanted[k] for k in operands)


def run_of(question: Question, at: dict[str, float], upstream: float, precision: int | None) -> Run:
    """The certain run that answers a question. Raises BackpropError as ``evaluate`` does."""
    check_bound(question.graph, at, question.needed)
    return certain_run(
        question.graph, at, question.output, question.needed, question.wanted, upstream, precision
    )


def check_bound(graph: Graph, at: dict[str, float], needed: list[bool]) -> None:
    """Raise one error that names every variable without a value."""
    missing = [n for n, i in graph.variables.items() if needed[i] and n not in at]
    if not missing:
        return
    few = [shorten(name) for name in missing[:8]]
    names = ", ".join(few) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
    example = ",".join(f"{name}=..." for name in few)
    hint = f"give {'it' if len(missing) == 1 else 'them'} with --at {example}"
    typo = nearest(missing[0], [name for name, _ in graph.stages if name])
    if typo:
        hint += f" (or did you mean {shorten(typo)}?)"
    node = graph.variables[missing[0]]
    raise BackpropError(
        "binding", f"no value for {names}", graph.spans[node], hint=hint, source=graph.source
    )


def certain_run(
    graph: Graph,
    at: dict[str, float],
    output: int,
    needed: list[bool],
    wanted: list[bool],
    upstream: float,
    precision: int | None,
) -> Run:
    """The passes over the fastest arithmetic that makes every number certain."""

    def attempt(arithmetic: Arithmetic, doubt: Doubt) -> Run:
        return passes(graph, at, output, needed, wanted, upstream, arithmetic, doubt)

    reason, node, lost = "", -1, 0.0
    start = 0
    if precision is None:
        doubt = Doubt()
        try:
            run = attempt(binary64, doubt)
        except Stopped as stopped:
            reason, node, lost = stopped.reason, stopped.node, 1.0
        except Refused as refused:
            raise refusal(graph, refused, binary64) from None
        else:
            if doubt.node < 0:
                return run
            reason, node, lost = "lost", doubt.node, doubt.lost
        tolerance = 2.0**-66
    else:
        start = int(precision * BITS_PER_DIGIT) + 64
        tolerance = 2.0 ** -(precision * BITS_PER_DIGIT + 6)
    ladder = [start + bits for bits in LADDER]
    for bits in ladder:
        if bits > ladder[0] and duration(graph, needed, bits) > PATIENCE:
            bits = ladder[ladder.index(bits) - 1]
            break
        arithmetic = wide(bits, bits == ladder[-1])
        doubt = Doubt(close=tolerance, loose=tolerance)
        with arithmetic.context():
            try:
                run = attempt(arithmetic, doubt)
            except Refused as refused:
                raise refusal(graph, refused, arithmetic) from None
            except Stopped as stopped:
                if stopped.reason == "overflow":
                    raise too_large(graph, stopped.node) from None
                continue
        if doubt.node < 0:
            run.reason, run.reason_node, run.lost, run.bits = reason, node, lost, bits
            return run
    where = doubt.node if doubt.node >= 0 else output
    raise BackpropError(
        "precision", f"a number here needs more than {int(bits / BITS_PER_DIGIT):,} digits to be certain",
        graph.spans[where], hint="write the formula so that less cancels", source=graph.source,
    )  # fmt: skip


def duration(graph: Graph, needed: list[bool], bits: int) -> float:
    """Seconds that the passes over numbers of that precision may take, roughly."""
    gammas = sum(
        operation is not None and "gamma" in operation.name and needed[node]
        for node, operation in enumerate(graph.operations)
    )
    return (sum(needed) * 0.005 + gammas * 0.3) * max(0.1, (bits / 1000) ** 2)


def passes(
    graph: Graph,
    at: dict[str, float],
    output: int,
    needed: list[bool],
    wanted: list[bool],
    upstream: float,
    arithmetic: Arithmetic,
    doubt: Doubt,
) -> Run:
    """Forward, backward, and the blocks' own local gradients, over one arithmetic."""
    zero, one = arithmetic.number(0.0), arithmetic.number(1.0)
    leaves = {
        node: (arithmetic.number(at[name] + 0.0), zero)
        for name, node in graph.variables.items()
        if name in at
    }
    done = forward(graph, leaves, needed, arithmetic, doubt)
    met: dict[int, str] = {}
    local = local_gradients(graph, done, arithmetic, doubt, met)
    # Each local gradient is computed once, though a block may ask for it again.
    memory: dict[tuple[int, int], Ball | None] = {}

    def remembered(node: int, k: int) -> Ball | None:
        key = node, k
        if key not in memory:
            memory[key] = local(node, k)
        return memory[key]

    def reached(node: int) -> bool:
        return wanted[node] and done.values[node] is not None

    def back(end: int, seed: Ball, first: int, known: Callable[[int], bool]) -> Back:
        return backward(
            graph, end, seed, first, known, remembered, arithmetic.times, arithmetic.total
        )

    try:
        gradients, edges = back(output, (arithmetic.number(upstream), zero), 0, reached)
        for node, ball in gradients.items():
            gradients[node] = ball = arithmetic.settle(ball)
            doubt.check(arithmetic, node, ball, False)
        blocks: dict[tuple[int, int], Ball | None] = {}
        for node, block in outermost(graph).items():
            if node not in gradients or not wanted[node]:
                continue
            inside = dependent(graph, block.first, node, set(block.operands), done)
            found, _ = back(node, (one, zero), block.first, inside.__contains__)
            for k, operand in enumerate(block.operands):
                if not reached(operand) or operand in block.operands[:k]:
                    continue
                slope = found.get(operand)
                if slope is not None:
                    slope = arithmetic.settle(slope)
                    doubt.check(arithmetic, node, slope, False)
                    arithmetic.times(gradients[node], slope)  # must be within range, too
                blocks[node, k] = slope
    except Uncertain as reason:
        raise Stopped(output, str(reason)) from None
    return Run(
        graph, arithmetic, output, upstream, needed, wanted, done, gradients, edges, blocks, met
    )


def dependent(graph: Graph, first: int, result: int, operands: set[int], done: Forward) -> set[int]:
    """The evaluated nodes from first to result that depend on the operands, and the operands."""
    found = set(operands)
    for node in range(first, result + 1):
        if done.values[node] is not None and any(k in found for k in graph.operands[node]):
            found.add(node)
    return found


Back = tuple[dict[int, Ball], Edges]


def described(graph: Graph, node: int, ball: Ball | None) -> str:
    """A node with its value for an error's label: `u = x - y = -1`."""
    if ball is None or node in graph.constants:
        return ""
    from .numbers import short_number

    start, end = graph.spans[node]
    written = " ".join(graph.source.text[start:end].split())
    if len(written) > 40:
        written = written[:37] + "..."
    value = short_number(ball[0])
    name = graph.names.get(node)
    if graph.operations[node] is None:
        return f"{name} = {value}"
    return f"{name} = {written} = {value}" if name else f"{written} = {value}"


def refusal(graph: Graph, refused: Refused, arithmetic: Arithmetic) -> BackpropError:
    """The error for an operation outside its domain."""
    node, cause = refused.node, refused.cause
    operands = graph.operands[node]
    about = operands if cause.operand is None else operands[cause.operand : cause.operand + 1]
    labels = [described(graph, k, refused.values[k]) for k in dict.fromkeys(about)]
    return BackpropError(
        "domain", cause.message, graph.spans[node],
        label=", ".join(label for label in labels if label), hint=cause.hint, source=graph.source,
    )  # fmt: skip


def too_large(graph: Graph, node: int) -> BackpropError:
    """The error for a number beyond even the wide numbers."""
    operation = graph.operations[node]
    name = operation.name if operation else "the result"
    return BackpropError(
        "overflow", f"{name} overflows: its value is too large to compute",
        graph.spans[node], hint="take logarithms, or rescale the inputs", source=graph.source,
    )  # fmt: skip
