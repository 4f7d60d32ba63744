"""A graph and a point to a trace."""

from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple

from ..errors import BackpropError
from ..language.graph import Graph
from ..numbers.wide import as_float
from ..passes.run import Target, run_at
from .builder import trace
from .record import Flag, Note, Trace

__all__ = ["Results", "evaluate", "results", "with_limit"]


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
    finite: bool = True,
    parts: Set[int] = frozenset(),
    edged: Set[int] | None = None,
    formal: bool = False,
) -> Trace:
    """The trace of a program at a point.

    at: a finite value per variable. wrt: names of the nodes to differentiate by; the inputs
    when empty. output: the node to differentiate; the last stage when empty. upstream: the
    gradient that arrives there from a larger network. precision: digits asked for, at most
    MAX_PRECISION. nodes: whether the trace lists its nodes, or only the results; then only these
    need be certain, which takes less work. expand: names of blocks that are shown as their parts;
    fold: of blocks, stages and nodes whose parts are shown as one. They change no number. finite:
    whether an output that no float holds is refused. parts: nodes that are not listed, and need
    not be certain. edged: the only nodes whose edges are listed, without rules; all when None, with
    them. formal: whether gradients are 0 that are so as formulas (see passes.zeros).

    Raises BackpropError where a name is unknown, a value missing, or the value of a node
    does not exist or overflows; and for a program over arrays.
    """
    if graph.arrays:
        raise BackpropError(
            "shape", "a number is needed here, and this works on arrays", graph.spans[graph.output],
            hint="write a number, such as 0.25 or pi/4", source=graph.source,
        )  # fmt: skip
    written, whole = graph, list[int]()
    if expand or fold:
        from ..blocks.grouping import shaped  # which a plain evaluation need not load

        def kinks(plain: Graph) -> set[int]:
            try:
                asked = Target(plain, (), output)
            except BackpropError:  # a node that there will be
                asked = Target(plain, (), "")
            return set(run_at(asked, at, upstream, precision, False).kinks)

        graph, whole = shaped(graph, expand, fold, [*wrt, output], kinks)
    target = Target(graph, wrt, output)
    run = run_at(target, at, upstream, precision, nodes, parts, formal)
    return trace(run, target, written, whole, at, precision, nodes, finite, parts, edged)


def with_limit(
    error: BackpropError, graph: Graph, at: Mapping[str, float], output: str
) -> BackpropError:
    """The error of a program without a value at a point; of a removable one it tells the limit."""
    if error.kind != "domain" or error.node is None:
        return error
    from .singular import limit  # only where there is no value

    told = limit(Target(graph, (), output), error.node, at)
    return error.replace(hint=f"{error.hint}; {told}") if told else error


class Results(NamedTuple):
    """Value and gradients at a point as floats, None where there is none; notes and flags."""

    value: float
    gradients: dict[str, float | None]
    notes: tuple[Note, ...] = ()
    flags: tuple[Flag, ...] = ()


def results(target: Target, at: dict[str, float], told: bool = False) -> Results:
    """Value and gradients at a point, without nodes. Raises BackpropError as ``evaluate`` does.

    told: with the notes on the program itself. Without them only a run that has something to tell
    becomes a trace; one over plain floats that met no kink has nothing, and costs a third less.
    """
    run = run_at(target, at, 1.0, None, False)
    output = run.values[run.output]
    if told or run.bits > 53 or run.kinks or run.jumps or output is None:
        found = trace(run, target, target.graph, (), at, None, False)
        value = as_float(found.value)
        assert value is not None  # an output beyond the floats is an error
        slopes = {name: as_float(size) for name, size in found.gradients.items()}
        return Results(value, slopes, found.notes, found.flags)
    balls = zip(target.labels, map(run.gradients.get, target.sources), strict=True)
    gradients: dict[str, float | None] = {
        label: ball[0] + 0.0 if ball else 0.0 for label, ball in balls
    }
    return Results(float(output[0]) + 0.0, gradients)
