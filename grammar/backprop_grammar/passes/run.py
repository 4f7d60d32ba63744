"""The passes at the precision at which every number of them is certain.

The fast numbers come first, and are believed only where their own error bounds allow it. Where they
don't, the same passes run over wider numbers, more and more precise, until every number is certain.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cache
from itertools import compress
from typing import TYPE_CHECKING

from ..blocks.names import Names, outermost
from ..errors import BackpropError, nearest, shorten
from ..language.graph import Block, Graph
from ..numbers.arithmetic import Arithmetic
from ..numbers.ball import INFINITY, Ball, Balls, DomainError, Undecided
from ..numbers.binary64 import binary64
from ..numbers.decimal import above, short_number
from ..numbers.multiprecision import Multiprecision, multiprecision
from ..operations.table import ADD, CONSTANT, CONSTANTS, IF, MUL, NEG, SUB, VARIABLE
from . import flat, general
from .doubt import Doubt, NeedsPrecision
from .general import Values
from .local_gradients import local_gradients

if TYPE_CHECKING:
    from ..numbers.reals import Real

__all__ = [
    "BITS_PER_DIGIT",
    "MAX_PRECISION",
    "Run",
    "Target",
    "check_bound",
    "described",
    "run_at",
]

MAX_PRECISION = 1000
"""The most decimal digits that may be asked for."""

LADDER = (192, 1600, 6400)
"""Bits of the wide numbers, tried in turn. Of a program for which the last takes too long, the one
before is the last."""

CANCELLED = 1200
"""Bits from which, at the last step, a gradient is 0 whose contributions cancel to half of them."""

PATIENCE = 10.0
"""Seconds, by a rough estimate, that one step of the ladder may take; longer steps are not tried."""

SIMPLE = {VARIABLE, CONSTANT, ADD, SUB, MUL, NEG}
"""What takes no time beside the functions."""

BITS_PER_DIGIT = 3.3219280948873626


@dataclass(slots=True, eq=False, repr=False)
class Run:
    """One forward and one backward pass over one arithmetic, all of it certain.

    values: of the nodes, None where one is not evaluated; of one that cannot be told from 0 with a
    bound that rounds to 0, and of such a gradient. local: see passes.local_gradients, as kinks.
    jumps: nodes at which the value may jump here, where a condition or a choice hangs on them and
    no gradient reaches them.
    blocks: the local gradients of the blocks: (result node, k) -> ball or None, where k is the
    first place of an operand; one that is given twice has one local gradient. reason, reason_node,
    lost: why a faster arithmetic would not do, where, and the relative error it left.
    """

    target: "Target"
    arithmetic: Arithmetic
    upstream: float
    values: Values | Balls
    gradients: dict[int, Ball] | Balls
    local: Callable[[int, int], Ball | None]
    kinks: dict[int, str]
    jumps: list[int]
    blocks: dict[tuple[int, int], Ball | None] = field(default_factory=dict)
    reason: str = ""
    reason_node: int = -1
    lost: float = 0.0
    bits: int = 53

    @property
    def graph(self) -> Graph:
        return self.target.graph

    @property
    def output(self) -> int:
        return self.target.output

    @property
    def needed(self) -> list[bool]:
        return self.target.needed

    @property
    def wanted(self) -> list[bool]:
        return self.target.wanted

    def sent(self, node: int) -> list[tuple[int, int, Ball | None, Ball | None]]:
        """What a node sends back: (which operand, its node, local gradient, contribution).

        The last two are None where the node does not route to the operand.
        """
        upstream = self.gradients.get(node)
        contributions: list[tuple[int, int, Ball | None, Ball | None]] = []
        if upstream is None:
            return contributions
        for k, operand in enumerate(self.graph.operands[node]):
            if self.wanted[operand] and self.values[operand] is not None:
                local = self.local(node, k)
                sent = None if local is None else self.arithmetic.times(upstream, local)
                contributions.append((k, operand, local, sent))
        return contributions


class Target:
    """What is differentiated by what: the nodes behind the names, and what lies between them.

    jumping: the nodes between them whose value may jump.
    """

    def __init__(self, graph: Graph, wrt: Sequence[str], output: str) -> None:
        """Raises BackpropError for an unknown name."""
        self.graph = graph
        self.names = Names(graph)
        self.output = self.names.find(output) if output else graph.output
        self.sources = self.names.find_all(wrt) or list(graph.variables.values())
        self.labels = list(wrt) or list(graph.variables)
        self.inner = [node for node in self.sources if not graph.operations[node].leaf]
        self.needed = graph.needed(self.output)
        jumping = {row for row in set(graph.operations) if row is IF or row.jump or row.cut}
        self.wanted = [False] * len(graph)
        for node in self.sources:
            self.wanted[node] = True
        # Only what lies between the sources and the output; a source may be an inner node.
        needed, wanted = self.needed, self.wanted
        for node, operands in enumerate(graph.operands):
            if needed[node]:
                for k in operands:
                    if wanted[k]:
                        wanted[node] = True
                        break
        self.jumping = [
            node
            for node, row in (enumerate(graph.operations) if jumping else ())
            if self.needed[node]
            and row in jumping
            and any(wanted[k] for k in graph.operands[node][: 2 if row is IF else None])
        ]


def check_bound(graph: Graph, at: dict[str, float], needed: list[bool]) -> None:
    """Raise one error that names every variable without a value."""
    missing = [n for n, i in graph.variables.items() if needed[i] and n not in at]
    if not missing:
        return
    from ..language.calls import apart  # only where something is wrong

    few = [shorten(name) for name in missing[:8]]
    names = ", ".join(few) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
    hint = f"give {names if len(missing) == 1 else 'each of them'} a value"
    others = (name for name in (*graph.names.values(), *at) if name not in missing)
    constant = missing[0].lower() if missing[0].lower() in CONSTANTS else ""
    meant = apart(missing[0], dict.fromkeys(others)) or constant
    meant = meant or nearest(missing[0], [name for name, _ in graph.stages if name])
    if meant:
        hint += f" (or did you mean {shorten(meant)}?)"
    node = graph.variables[missing[0]]
    error = BackpropError(
        "binding", f"no value for {names}", graph.spans[node], hint=hint, source=graph.source,
        node=node, missing=tuple(missing), meant=meant, reason="unbound",
    )  # fmt: skip
    if graph.declared.keys() >= {*missing}:
        error = error.replace(reason="declared")
    raise error


def run_at(
    target: Target,
    at: dict[str, float],
    upstream: float,
    precision: int | None,
    every: bool,
    parts: Set[int] = frozenset(),
) -> Run:
    """The passes over the fastest arithmetic in which every number of a node is certain.

    every: of every node but these parts; else only the output's value, and the gradients that were asked for with
    the values of their nodes.

    Raises BackpropError as ``evaluate`` does.
    """
    graph, needed = target.graph, target.needed
    check_bound(graph, at, needed)
    reason, node, lost = "", -1, 0.0
    start = 0
    if precision is None:
        doubt = Doubt(parts=parts)
        try:
            run = run_over(target, at, upstream, binary64, doubt, every)
        except NeedsPrecision as stopped:
            reason, node, lost = stopped.reason, stopped.node, 1.0
        except DomainError as cause:
            if doubt.node < 0 and not doubt.aside:
                raise refusal(graph, cause) from None
            reason, node, lost = "lost", doubt.node, doubt.lost
        else:
            if doubt.node < 0:
                return run
            reason, node, lost = "lost", doubt.node, doubt.lost
        spare = 66
    else:
        start = int(precision * BITS_PER_DIGIT) + 64
        spare = int(precision * BITS_PER_DIGIT) + 7
    ladder = [
        start + bits
        for bits in LADDER
        if bits == LADDER[0] or duration(graph, needed, start + bits) <= PATIENCE
    ]
    exact: dict[int, Real] = {}
    for bits in ladder:
        arithmetic = multiprecision(bits, False)
        tolerance = arithmetic.module.ldexp(1, -spare)  # a float has no such exponents
        doubt = Doubt(close=tolerance, loose=tolerance, parts=parts)
        last = bits == ladder[-1]
        with arithmetic.context():
            try:
                run = run_over(target, at, upstream, arithmetic, doubt, every, last, exact)
            except DomainError as cause:
                if last or (doubt.node < 0 and not doubt.aside):
                    raise refusal(graph, cause) from None
                continue
            except NeedsPrecision as stopped:
                if stopped.reason == "overflow":
                    raise too_large(graph, stopped.node) from None
                bound = stopped.cause.bound
                if last and bound is not None and bound < arithmetic.unit**0.5:
                    if exact or not (exact := numbers(target, at)):
                        raise untold(graph, stopped) from None
                    ladder.append(bits)  # once more, with what is known
                continue
        if doubt.node < 0:
            run.reason, run.reason_node, run.lost, run.bits = reason, node, lost, bits
            return run
    where = doubt.node if doubt.node >= 0 else target.output
    raise BackpropError(
        "precision", f"a number here needs more than {int(bits / BITS_PER_DIGIT):,} digits to be certain",
        graph.spans[where], hint="write the formula so that less cancels", source=graph.source, node=where,
    )  # fmt: skip


def numbers(target: Target, at: dict[str, float]) -> "dict[int, Real]":
    """The exact numbers of nodes, as far as they are found, by which equal ones are known as that."""
    from .sides import Neighbourhood  # for what no digits tell apart

    near = Neighbourhood(target.graph, target.output, at)
    return {node: x for node in near.needed if (x := near.values[node]) is not None}


def duration(graph: Graph, needed: list[bool], bits: int) -> float:
    """Seconds that the passes over numbers of that precision may take, roughly."""
    long = (bits / 6400) ** 2
    kinds = Counter(compress(graph.operations, needed))
    slow = sum(count for operation, count in kinds.items() if operation.slow)
    simple = sum(count for operation, count in kinds.items() if operation in SIMPLE)
    functions = kinds.total() - slow - simple
    return (
        simple * (0.00005 + 0.0004 * long)
        + functions * (0.0005 + 0.0125 * long)
        + slow * (0.006 + 3 * long)
    )


LOOSE = 2.0**-30
"""The relative error from which a number that need not be certain itself is a doubt on record."""


def run_over(
    target: Target,
    at: dict[str, float],
    upstream: float,
    arithmetic: Arithmetic,
    doubt: Doubt,
    every: bool,
    last: bool = False,
    exact: "Mapping[int, Real] | None" = None,
) -> Run:
    """Forward, backward, and the blocks' own local gradients, over one arithmetic.

    last: no wider numbers will be tried. exact: see ``general.forward``.

    Raises DomainError and NeedsPrecision as ``forward`` does.
    """
    graph, output, wanted = target.graph, target.output, target.wanted
    close, loose = doubt.close, doubt.loose
    if not every:
        doubt.close = doubt.loose = max(LOOSE, loose)
    fast = arithmetic is binary64
    zeros: set[int] | None = None
    values: Values | Balls
    if fast:
        values, branches = flat.forward(graph, at, target.needed, doubt)
    else:
        assert isinstance(arithmetic, Multiprecision)
        point = {
            node: arithmetic.constant(at[name])
            for name, node in graph.variables.items()
            if name in at
        }
        values, branches = general.forward(graph, point, target.needed, arithmetic, doubt, exact)
    if values[output] is None:
        raise not_evaluated(graph, output)
    if not every:  # there was no refusal that a doubt could have spoken against
        doubt.lost, doubt.node, doubt.close, doubt.loose = 0.0, -1, INFINITY, INFINITY
    local, kinks, jump = local_gradients(graph, values, branches, arithmetic, doubt)
    if every:
        local = cache(local)  # a block, or a node that is shown, asks for it again

    def reached(node: int) -> bool:
        return wanted[node] and values[node] is not None

    try:
        gradients: dict[int, Ball] | Balls
        if fast:
            assert isinstance(values, Balls)
            gradients = flat.backward(graph, output, upstream, wanted, values, local, doubt, every)
        else:
            seed = arithmetic.constant(upstream)
            assert isinstance(arithmetic, Multiprecision)
            zeros = set() if last and arithmetic.bits >= CANCELLED else None
            gradients = general.gradients(
                graph, output, seed, reached, local, arithmetic, zeros=zeros
            )
            for node, ball in gradients.items() if every else ():
                if ball[0] or not zeros or node not in zeros:
                    doubt.check(arithmetic, node, ball, False)
        jumps = [
            node
            for node in target.jumping
            if values[node] is not None and node not in gradients and jump(node)
        ]
        run = Run(target, arithmetic, upstream, values, gradients, local, kinks, jumps)
        if every:
            for node, block in outermost(graph).items():
                if wanted[node] and node in gradients:
                    run.blocks |= block_gradients(run, node, block, doubt)
        else:
            doubt.close, doubt.loose = close, loose
            results = [(node, values[node]) for node in (output, *target.inner)]
            results += [(node, gradients.get(node)) for node in target.sources]
            for node, result in results:
                if (
                    result is None
                    or node in doubt.parts
                    or (zeros and node in zeros and not result[0])
                ):
                    continue
                if not result[0] and result[1] and arithmetic.underflows(result[1] * 2.0**-60):
                    raise Undecided("underflow")
                doubt.check(arithmetic, node, result, False)
    except Undecided as reason:
        raise NeedsPrecision(output, reason) from None
    return run


def block_gradients(
    run: Run, node: int, block: Block, doubt: Doubt
) -> dict[tuple[int, int], Ball | None]:
    """The local gradients of a block, by a backward pass of its own."""
    graph, arithmetic = run.graph, run.arithmetic
    inside = dependent(graph, block.first, node, set(block.operands), run.values)
    slopes = general.gradients(
        graph, node, arithmetic.one, inside.__contains__, run.local, arithmetic, block.first
    )
    blocks: dict[tuple[int, int], Ball | None] = {}
    for operand, k in first_places(block).items():
        if run.wanted[operand] and run.values[operand] is not None:
            blocks[node, k] = slope = slopes.get(operand)
            if slope is not None:
                doubt.check(arithmetic, node, slope, False)
                arithmetic.times(run.gradients[node], slope)  # type: ignore[arg-type]  # within range, too
    return blocks


def first_places(block: Block) -> dict[int, int]:
    """The operands of a block, each with the first place at which it is given."""
    places: dict[int, int] = {}
    for place, operand in enumerate(block.operands):
        places.setdefault(operand, place)
    return places


def dependent(
    graph: Graph, first: int, result: int, operands: set[int], values: Values | Balls
) -> set[int]:
    """The evaluated nodes from first to result that depend on the operands, and the operands."""
    nodes = set(operands)
    for node in range(first, result + 1):
        if values[node] is not None and any(k in nodes for k in graph.operands[node]):
            nodes.add(node)
    return nodes


def described(graph: Graph, node: int, ball: Ball | None) -> str:
    """A node with its value for an error's label: `u = x - y = -1`."""
    if ball is None or node in graph.constants:
        return ""
    value = short_number(ball[0])
    name = graph.names.get(node)
    if graph.operations[node].leaf:
        return f"{name} = {value}"
    text = written(graph, node)
    return f"{name} = {text} = {value}" if name else f"{text} = {value}"


def refusal(graph: Graph, cause: DomainError) -> BackpropError:
    """The error for an operation outside its domain."""
    operands = graph.operands[cause.node]
    about = range(len(operands)) if cause.place is None else (cause.place,)
    balls = {operands[k]: cause.operands[k] for k in about}
    labels = [described(graph, node, ball) for node, ball in balls.items()]
    return BackpropError(
        "domain", cause.message, graph.spans[cause.node],
        label=", ".join(label for label in labels if label), hint=cause.hint, source=graph.source,
        node=cause.node,
    )  # fmt: skip


def untold(graph: Graph, stopped: NeedsPrecision) -> BackpropError:
    """The error for what hangs on two numbers that nothing tells apart."""
    node, cause = stopped.node, stopped.cause
    size = above(cause.bound)
    if cause.place is not None and isinstance(cause.limit, float):
        about = graph.operands[node][cause.place]
        text, limit = spelled(graph, about), f"{cause.limit:g}"
        distance = text if cause.limit == 0 else f"{text} - {limit}"
        message = f"{text} cannot be told from {limit}: |{distance}| < {size}"
    elif cause.nodes:
        about = cause.nodes[0]
        a, b = (spelled(graph, k) for k in cause.nodes)
        distance = a if graph.constants.get(cause.nodes[1]) == 0 else f"{a} - {b}"
        message = f"{a} cannot be told from {b}: |{distance}| < {size}"
    elif graph.operations[node].requires:
        about = node
        name = graph.operations[node].name
        message = f"{spelled(graph, node)} cannot be told from a pole of {name}: what is 0 there is below {size} here"  # fmt: skip
    else:
        about = node
        name = graph.operations[node].name
        message = f"what {name} depends on here cannot be told from 0: it is below {size}"
    return BackpropError(
        "precision", message, graph.spans[about],
        hint="write the formula so that less cancels, or keep off this point", source=graph.source,
        node=about,
    )  # fmt: skip


def spelled(graph: Graph, node: int) -> str:
    """A node by its name, or as it was written."""
    return graph.names.get(node) or written(graph, node)


def written(graph: Graph, node: int) -> str:
    """A node as it was written, shortened."""
    start, end = graph.spans[node]
    text = " ".join(graph.source.text[start:end].split())
    return text if len(text) <= 40 else text[:37] + "..."


def too_large(graph: Graph, node: int) -> BackpropError:
    """The error for a number beyond even the wide numbers."""
    operation = graph.operations[node]
    name = "the result" if operation.leaf else operation.name
    return BackpropError(
        "overflow", f"{name} overflows: its value is too large to compute",
        graph.spans[node], hint="take logarithms, or rescale the inputs", source=graph.source,
        node=node,
    )  # fmt: skip


def not_evaluated(graph: Graph, node: int) -> BackpropError:
    return BackpropError(
        "domain", "the output stands in a branch that is not selected here", graph.spans[node],
        hint="choose another output", source=graph.source, node=node, reason="branch",
    )  # fmt: skip
