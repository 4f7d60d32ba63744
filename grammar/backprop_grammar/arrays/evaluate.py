"""A program over arrays and a point to a trace, by way of the numbers that it means.

The tape of numbers certifies every element: whatever it can't decide is refused as it is there.
"""

import operator
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from ..errors import BackpropError
from ..language.graph import Array, Graph, as_array
from ..numbers.wide import as_float
from ..operations.structural import Structural
from ..trace.evaluate import evaluate as evaluate_numbers
from .builder import built
from .lower import LARGEST, Lowered, check_work, element, elements, owner
from .of_numbers import OfNumbers, values_of
from .question import Question, Upstream, question
from .record import ArrayTrace, TraceByNumbers

__all__ = ["Upstream", "answered", "by_numbers", "evaluate"]


def evaluate(program: Graph, at: dict[str, float | Array], **asked: Any) -> TraceByNumbers:
    """The trace of a program over arrays at a point.

    at: a finite value per variable, numbers or arrays of them. asked:

    wrt: names of the nodes, or of elements, W[0,1], to differentiate by; the inputs when empty, but
        for indices and labels.
    output: the node that is differentiated; the last stage when empty. Of several, it is the sum of
        their products with what arrives.
    upstream: the gradient that arrives there, of its shape, or `ones`; needed where the output is
        more than one number; by the names of several.
    precision: digits asked for.
    nodes: whether the trace lists its nodes.
    expand: names of nodes and functions that are shown as their parts, or their elements; fold: of
        those whose parts are shown as one. They change no number.

    Raises BackpropError where shapes do not fit, and as trace.evaluate does.
    """
    return answered(question(program, at, **asked))


def by_numbers(trace: ArrayTrace, what: str, way: str) -> TraceByNumbers:
    """A trace with the numbers that its program means. what: needs them; way: to do without.

    Raises BackpropError where they are too many.
    """
    if isinstance(trace, TraceByNumbers):
        return trace
    work = trace.question.work
    if work > LARGEST:
        message = f"{what} number by number, for up to {LARGEST:,} operations on numbers, and the program means some {work:,}"  # fmt: skip
        raise BackpropError("limit", message, hint=way, source=trace.program.source)
    found = answered(replace(trace.question, nodes=True))
    return replace(found, notes=trace.notes, flags=trace.flags)


def answered(asked: Question) -> TraceByNumbers:
    """The trace of what is asked. Raises BackpropError as ``evaluate`` does."""
    graph, names, found, arrives = asked.graph, asked.names, asked.found, asked.arrives
    check_work(graph, found, asked.needed, LARGEST)
    arrived = arrives[asked.end]
    weighted = len(arrives) > 1 or isinstance(arrived, Array)
    for edges in (asked.nodes, False):  # without them, to say a fault in the program's own terms
        lowered = Lowered(graph, names, found, asked.at, asked.needed, edges)
        seed = seeded(lowered, arrives)
        known = {owner(name): found.of[node] for name, node in asked.sources.items()}
        labels = [element(name, place) for name in known for place in elements(known[name])]
        if weighted:  # the numbers of the outputs are shown, too
            labels += [
                element(names.of[one], place)
                for one in arrives
                for place in elements(found.of[one])
            ]
        if edges:
            labels += beside(lowered, asked.sources.values())
        try:
            numbers = evaluate_numbers(
                lowered.graph, lowered.at, wrt=list(dict.fromkeys(labels)), output=seed,
                precision=asked.precision, upstream=arrived if isinstance(arrived, float) and not weighted else 1.0,
                nodes=asked.nodes, finite=not weighted, parts=lowered.parts, edged=edged(lowered), formal=True,
            )  # fmt: skip
        except BackpropError as error:
            if edges:
                continue
            raise with_others(lowered, error).replace(node=None) from None
        results = OfNumbers(asked, lowered, numbers, edges)
        return built(asked, results, TraceByNumbers, edges, numbers=numbers, lowered=lowered)
    raise AssertionError  # what fails with edges fails without them


def seeded(lowered: Lowered, arrives: dict[int, float | Array]) -> str:
    """The name of the number that is differentiated: the output, or its product with what arrives."""
    *_, end = arrives
    if len(arrives) == 1 and not isinstance(arrives[end], Array):
        return element(lowered.names.of[end], elements(lowered.cells[end].shape)[0])
    lowered.region, lowered.span = 0, lowered.program.spans[end]
    parts = []
    for one, given in arrives.items():
        parts += [
            lowered.apply("mul", node, lowered.graph.constant(up, lowered.span))
            for node, up in zip(lowered.cells[one].nodes, as_array(given).numbers, strict=True)
        ]
    total = lowered.apply("sum", *parts)
    name = "the output times what arrives"
    lowered.graph.names[total] = name
    lowered.graph.stages.append((name, total))
    lowered.parts |= {*parts, total}
    return name


def beside(lowered: Lowered, sources: Iterable[int]) -> list[str]:
    """The elements that no source reaches, of arrays of which a source reaches others.

    They have gradients as their neighbours have: m[1] of m = [x, 2].
    """
    program, graph = lowered.program, lowered.graph
    cells = lowered.cells
    reached = reaching(program, sources)
    inner = reaching(graph, (k for node in sources for k in cells[node].nodes))
    return [
        graph.names[k]
        for node, one in cells.items()
        if reached[node] and node not in program.constants
        for k in one.nodes
        if not inner[k] and k in graph.names
    ]


def edged(lowered: Lowered) -> set[int]:
    """The elements whose own local gradients are shown: of rows of numbers, and blocks of such."""
    operations = lowered.program.operations
    return {
        k
        for node, cells in lowered.cells.items()
        if not (operations[node].leaf or isinstance(operations[node], Structural))
        for k in cells.nodes
    }


def reaching(graph: Graph, sources: Iterable[int]) -> list[bool]:
    """For every node, whether it is one of the sources, or computed from one."""
    reached = [False] * len(graph)
    for node in sources:
        reached[node] = True
    for node, operands in enumerate(graph.operands):
        reached[node] = reached[node] or any(reached[k] for k in operands)
    return reached


HOLDS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "!=": operator.ne,
}  # fmt: skip


def with_others(lowered: Lowered, error: BackpropError) -> BackpropError:
    """An error of one element that says how many others of its array are as wrong."""
    graph, program = lowered.graph, lowered.program
    node = next((k for k, one in lowered.cells.items() if error.node in one.nodes), None)
    if node is None or node in lowered.found.frames or error.kind != "domain" or not error.label:
        return error
    row, cells = program.operations[node], lowered.cells[node].nodes
    bounds = [(row.operands.index(one.operand), one) for one in row.domain if not isinstance(one.limit, str)]  # fmt: skip
    inner = dict.fromkeys(k for one in cells for k in graph.operands[one])
    if not bounds or len(cells) < 2:
        return error
    named = [k for k in inner if k not in graph.constants]
    labels = [graph.names[k] for k in named]
    try:
        found = values_of(lowered, [*inner], labels, "all that it is of", finite=False) | lowered.at
    except BackpropError:  # some have no value themselves
        return error
    values = {k: as_float(found[graph.names[k]]) for k in named} | graph.constants
    wrong = 0
    for one in cells:
        operands = [values[k] for k in graph.operands[one]]
        wrong += not all(
            isinstance(x := operands[place], float) and HOLDS[bound.relation](x, float(bound.limit))
            for place, bound in bounds
        )
    if wrong < 2:
        return error
    return error.replace(label=f"{error.label} (and {wrong - 1} more of {len(cells)})")
