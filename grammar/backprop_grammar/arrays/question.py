"""What is asked of a program over arrays at a point: all that is known before a number is computed.

Names, shapes, what is differentiated by what, and how much work that is. Every engine answers it.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from ..blocks.names import Names
from ..errors import BackpropError, few, shorten, usage
from ..language.graph import Array, Graph
from ..operations.shape import Shape, said, size
from ..operations.table import OPERATIONS, POW
from ..passes.run import Target, run_at, spelled
from .lower import (
    LARGEST,
    Lowered,
    by_default,
    check_work,
    opened,
    owner,
    part,
    shapes_at,
    work,
)
from .shapes import Shapes, output_shape, selects

__all__ = ["Question", "Upstream", "arriving", "question"]

Upstream = float | Array | str
"""The gradient that arrives: a number, an array, or `ones`."""


@dataclass(frozen=True, eq=False, repr=False)
class Question:
    """A program over arrays, its point, and what is wanted there.

    program: as it was typed; graph: grouped as it is shown, with its names. found, needed: the
    shapes of the nodes that are needed, and which these are. arrives: what arrives at each output,
    the last of which is shown. sources: the nodes that are differentiated by, by the names of nodes
    and elements. unopened: nodes that are to be opened and stay closed at a kink. nodes: whether the
    trace lists its nodes.
    """

    program: Graph
    at: dict[str, float | Array]
    graph: Graph
    names: Names
    found: Shapes
    needed: list[bool]
    arrives: dict[int, float | Array]
    sources: dict[str, int]
    unopened: tuple[int, ...] = ()
    precision: int | None = None
    nodes: bool = True

    @property
    def end(self) -> int:
        """The output that is shown: the last of them."""
        *_, end = self.arrives
        return end

    def part(self, name: str) -> tuple[Shape, list[str]]:
        """The shape of a node or an element that is differentiated by, and what its elements are
        called.
        """
        return part(name, {owner(name): self.found.of[self.sources[name]]})

    @cached_property
    def work(self) -> int:
        """How many operations on numbers the program means, about."""
        return work(self.graph, self.found, self.needed)


def question(
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
) -> Question:
    """What is asked; see ``evaluate``. Raises BackpropError where it makes no sense."""
    graph, unopened = by_default(program), list[int]()
    outputs = [output] if isinstance(output, str) else list(output)
    if expand or fold:
        from .grouping import shaped  # which a plain evaluation need not load

        graph, unopened = shaped(
            graph, at, expand, fold, [*map(owner, wrt), *outputs], partial(kinks, at=at)
        )
    names = Names(graph)
    ends = ends_of(names, output, upstream)
    asked = {name: names.find(owner(name)) for name in wrt}
    if "T" in graph.variables.keys() - at.keys():
        check_transposes(graph)
    found, needed = shapes_at(graph, at, [*ends, *asked.values()])
    arrives = {
        one: arriving(graph, one, found.of[one], upstream_of(names.of[one], upstream))
        for one in ends
    }
    sources = asked or {
        name: node
        for name, node in graph.variables.items()
        if node not in found.whole and name in at
    }
    for name, node in sources.items():
        if node in found.whole:
            raise selects(name)
        if name != owner(name):
            part(name, {owner(name): found.of[node]})  # which is there
    return Question(
        program, at, graph, names, found, needed, arrives, sources, tuple(unopened), precision, nodes
    )  # fmt: skip


def kinks(graph: Graph, at: dict[str, float | Array]) -> set[int]:
    """The nodes of a program that stand at a kink, or of which an element does.

    Raises BackpropError where the program means more numbers than are lowered.
    """
    names = Names(opened(graph))
    found, needed = shapes_at(names.graph, at, [graph.output])
    check_work(names.graph, found, needed, LARGEST)
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
