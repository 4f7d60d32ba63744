"""A program over arrays and a point to a trace, by way of the numbers that it means.

The tape of numbers certifies every element: whatever it can't decide is refused as it is there.
"""

import operator
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from ..blocks.names import Names
from ..errors import BackpropError, few, shorten, usage
from ..language.graph import Array, Graph, as_array
from ..numbers.wide import as_float
from ..operations.shape import Shape, said, size
from ..operations.structural import Structural
from ..operations.table import OPERATIONS, POW
from ..passes.run import Target, run_at, spelled
from ..trace.builder import stays_whole
from ..trace.evaluate import evaluate as evaluate_numbers
from .builder import Builder, values_of
from .elements import owner, part
from .lower import (
    Lowered,
    by_default,
    check_work,
    element,
    elements,
    opened,
    shapes_at,
)
from .record import ArrayTrace
from .shapes import output_shape, selects

__all__ = ["Upstream", "arriving", "evaluate"]

Upstream = float | Array | str
"""The gradient that arrives: a number, an array, or `ones`."""


def evaluate(
    program: Graph,
    at: dict[str, float | Array],
    *,
    wrt: Sequence[str] = (),
    output: str | Sequence[str] = "",
    upstream: Upstream | Mapping[str, Upstream] = 1.0,
    precision: int | None = None,
    nodes: bool = True,
    expand: Sequence[str] = (),
    fold: Sequence[str] = (),
) -> ArrayTrace:
    """The trace of a program over arrays at a point.

    at: a finite value per variable, numbers or arrays of them. wrt: names of the nodes, or of
    elements, W[0,1], to differentiate by; the inputs when empty, but for indices and labels. output: the node that is
    differentiated; the last stage when empty. Of several, it is the sum of their products with what
    arrives. upstream: the gradient that arrives there, of its shape, or `ones`; needed where the
    output is more than one number; by the names of several. precision: digits asked for.
    nodes: whether the trace lists its nodes. expand: names of nodes and functions that are shown as
    their parts, or their elements; fold: of those whose parts are shown as one. They change no
    number.

    Raises BackpropError where shapes do not fit, and as trace.evaluate does.
    """
    graph, unopened = by_default(program), list[int]()
    outputs = [output] if isinstance(output, str) else list(output)
    if expand or fold:
        from .grouping import shaped  # which a plain evaluation need not load

        graph, unopened = shaped(
            graph, at, expand, fold, [*map(owner, wrt), *outputs], partial(kinks, at=at)
        )
    names = Names(graph)
    ends = ends_of(names, output, upstream)
    end = ends[-1]
    asked = {name: names.find(owner(name)) for name in wrt}
    if "T" in graph.variables.keys() - at.keys():
        check_transposes(graph)
    found, needed = shapes_at(graph, at, [*ends, *asked.values()])
    arrives = {
        one: arriving(graph, one, found.of[one], upstream_of(names.of[one], upstream))
        for one in ends
    }
    check_work(graph, found, needed)
    sources = asked or {
        name: node
        for name, node in graph.variables.items()
        if node not in found.whole and name in at
    }
    for name, node in sources.items():
        if node in found.whole:
            raise selects(name)
    known = {owner(name): found.of[node] for name, node in sources.items()}
    parts = {name: part(name, known) for name in sources}
    for edges in (nodes, False):  # without them, to say a fault in the program's own terms
        lowered = Lowered(graph, names, found, at, needed, edges)
        seed = seeded(lowered, arrives)
        labels = [label for name in known for label in part(name, known)[1]]
        arrived = arrives[end]
        weighted = len(ends) > 1 or isinstance(arrived, Array)
        if weighted:  # the numbers of the outputs are shown, too
            labels += [
                element(names.of[one], place) for one in ends for place in elements(found.of[one])
            ]
        if edges:
            labels += beside(lowered, sources.values())
        try:
            numbers = evaluate_numbers(
                lowered.graph, lowered.at, wrt=list(dict.fromkeys(labels)), output=seed, precision=precision,
                upstream=1.0 if weighted or isinstance(arrived, Array) else arrived, nodes=nodes,
                finite=not weighted, parts=lowered.parts,
                edged=edged(lowered), formal=True,
            )  # fmt: skip
        except BackpropError as error:
            if edges:
                continue
            raise with_others(lowered, error).replace(node=None) from None
        trace = Builder(lowered, numbers, needed, edges).trace(
            program, at, arrives, sources, parts, precision
        )
        more = [stays_whole(graph, names, node) for node in unopened if needed[node]]
        return replace(trace, notes=(*trace.notes, *more))
    raise AssertionError  # what fails with edges fails without them


def kinks(graph: Graph, at: dict[str, float | Array]) -> set[int]:
    """The nodes of a program that stand at a kink, or of which an element does."""
    names = Names(opened(graph))
    found, needed = shapes_at(names.graph, at, [graph.output])
    lowered = Lowered(names.graph, names, found, at, needed, False)
    end = lowered.cells[graph.output].nodes
    tape = lowered.graph
    tape.stages.append(("", tape.add(OPERATIONS["sum"], tuple(end))))
    run = run_at(Target(tape, (), ""), lowered.at, 1.0, None, False)
    starts = sorted(lowered.first.items(), key=lambda one: one[1])
    firsts = [first for _, first in starts]
    return {starts[bisect_right(firsts, k) - 1][0] for k in run.kinks}


def check_transposes(graph: Graph) -> None:
    """Raise BackpropError for A^T, where T has no value."""
    letter = graph.variables["T"]
    for node, row in enumerate(graph.operations):
        if row is POW and graph.operands[node][1] == letter:
            base = spelled(graph, graph.operands[node][0])
            raise BackpropError(
                "binding", f"{base}^T is a power of {base}, and T has no value", graph.spans[node],
                hint=f"the transpose is {base}.T", source=graph.source, node=node,
            )  # fmt: skip


def ends_of(
    names: Names, output: str | Sequence[str], upstream: Upstream | Mapping[str, Upstream]
) -> list[int]:
    """The nodes that are differentiated. Raises BackpropError where what arrives names others."""
    texts = [output] if isinstance(output, str) else list(output)
    ends = [names.find(text) if text else names.graph.output for text in texts]
    if isinstance(upstream, Mapping):
        known = [names.of[end] for end in ends]
        for name in upstream:
            if name not in known:
                raise usage(
                    f"a gradient arrives at {shorten(name)}, which is no output",
                    f"the outputs are {few(known)}",
                )
    return list(dict.fromkeys(ends))


def upstream_of(name: str, upstream: Upstream | Mapping[str, Upstream]) -> Upstream:
    """What arrives at an output of that name; 1 where nothing is given."""
    return upstream.get(name, 1.0) if isinstance(upstream, Mapping) else upstream


def arriving(graph: Graph, end: int, shape: Shape, upstream: Upstream) -> float | Array:
    """The gradient that arrives at an output of that shape. Raises BackpropError for another."""
    if upstream == "ones":
        upstream = Array(shape, (1.0,) * size(shape)).value
    assert not isinstance(upstream, str)
    if isinstance(upstream, Array):
        alike = (shape, (1, *shape) if len(shape) == 1 else shape)
        if upstream.shape not in alike:
            raise BackpropError(
                "shape", f"the upstream gradient is {said(upstream.shape)}, the output {spelled(graph, end)} is {said(shape)}",
                graph.spans[end], hint="the upstream gradient has the shape of what it belongs to",
                source=graph.source, node=end, reason="upstream",
            )  # fmt: skip
        return Array(shape, upstream.numbers)
    if size(shape) > 1:
        raise output_shape(graph, end, shape)
    return upstream


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
