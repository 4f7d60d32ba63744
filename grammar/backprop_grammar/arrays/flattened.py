"""A program over arrays written out in numbers: q_0 = W_0_0*x_0 + W_0_1*x_1.

Its text and its names are of this language, so all that programs over numbers have is there.
"""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import NamedTuple

from ..blocks.names import Names
from ..errors import BackpropError, usage
from ..language.graph import Array, Graph
from ..language.precedence import atom
from ..operations.shape import Shape
from ..operations.table import CONSTANTS, IDENTITY
from ..trace import record
from ..trace.evaluate import evaluate as evaluate_numbers
from ..trace.evaluate import with_limit
from .grouping import ArrayChoice
from .lower import (
    Lowered,
    by_default,
    check_work,
    elements,
    opened,
    shapes_at,
)
from .question import Upstream, arriving
from .shapes import Shapes, Values, selects

__all__ = ["Flattened", "flattened", "in_numbers"]


def in_numbers(
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
) -> record.Trace:
    """The trace of the same program over numbers alone: W[0,1] is W_0_1, and so on.

    Arguments as of evaluate; wrt, output and fold take names of both programs. An output of more
    than one number becomes the sum of its products with what arrives. Raises BackpropError for
    several outputs.
    """
    outputs = [output] if isinstance(output, str) else list(output)
    if len(outputs) > 1 or isinstance(upstream, Mapping):
        raise usage("a program over numbers has one output", "name one, or add them up in a stage")
    (output,) = outputs
    ArrayChoice(by_default(program), expand, "expand")  # which knows all names
    names = Names(opened(program))
    known = names.named()
    given = [name for name in wrt if name in known]
    end, shape = known.get(output, program.output), tuple[int, ...]()
    mine = output if output in known else ""
    flat = flattened(program, at, wrt=given, output=mine)
    if mine == output:
        shape = flat.layout[names.of[end]][0] if end not in program.constants else ()
    arrives = arriving(program, end, shape, upstream)
    if isinstance(arrives, Array):
        flat = flattened(program, at, wrt=given, output=mine, arrives=arrives)
    sources = list(wrt)
    for name in wrt:
        if name in flat.whole:
            raise selects(name)
    if not wrt:
        sources = [name for name in program.variables if name in flat.layout.keys() - flat.whole]
    labels = [k for name in sources for k in flat.layout.get(name, ((), (name,)))[1]]
    try:
        return evaluate_numbers(
            flat.graph, flat.at, wrt=[k for k in labels if wrt or k in flat.at], expand=["all"],
            output="" if mine == output else output, precision=precision, nodes=nodes, fold=fold,
            upstream=1.0 if isinstance(arrives, Array) else arrives,
        )  # fmt: skip
    except BackpropError as error:
        raise with_limit(error, flat.graph, flat.at, "") from None


class Flattened(NamedTuple):
    """A program over arrays as one over numbers, whose text and names are of this language.

    layout: by the name of each array node that is needed, its shape, and what its elements are
    called, row by row: W_0_1. The elements of what is chosen element by element have no names
    inside the branches, and are missing. whole: the names of what selects, and gets no gradient.
    output: the name of the node that is differentiated; of an array of one number, its element.
    """

    graph: Graph
    at: dict[str, float]
    layout: dict[str, tuple[Shape, tuple[str, ...]]]
    whole: frozenset[str]


def flattened(
    program: Graph,
    at: Values,
    *,
    wrt: Sequence[str] = (),
    output: str = "",
    arrives: Array | None = None,
) -> Flattened:
    """A program over arrays, at a point, written out in numbers: q_0 = W_0_0*x_0 + W_0_1*x_1.

    at: a value per variable, of which only the shapes matter, and the numbers of indices and
    labels. wrt: names of nodes that are needed. output: of the node that becomes the last stage, if
    it is not; of an array, its first element. arrives: the gradient that arrives there, of its
    shape; the last stage is then the sum of its products with it.

    Raises BackpropError for unknown names, and where shapes do not fit.
    """
    graph = opened(program)
    names = Names(graph)
    end = names.find(output) if output else graph.output
    found, needed = shapes_at(graph, at, [end, *map(names.find, wrt)])
    check_work(graph, found, needed)
    flat = Flat(graph, names, found, at, needed)
    flat.close(end, arrives)
    whole = frozenset([names.of[node] for node in found.whole if node not in graph.constants])
    return Flattened(flat.graph, flat.at, flat.layout, whole)


class Flat(Lowered):
    """The tape of numbers as a program of its own."""

    def __init__(
        self, program: Graph, names: Names, found: Shapes, at: Values, needed: Sequence[bool]
    ) -> None:
        self.taken = {*names.of.values(), *program.functions, *CONSTANTS}
        self.layout: dict[str, tuple[Shape, tuple[str, ...]]] = {}
        super().__init__(program, names, found, at, needed, edges=False)
        self.graph.respelled = True  # its text is that of the tape

    def apply(self, name: str, *operands: int) -> int:
        """Append an operation; a sum of two is written with a sign."""
        return super().apply("add" if name == "sum" and len(operands) == 2 else name, *operands)

    def labels(self, name: str, shape: Shape) -> list[str]:
        if name in self.layout:
            return list(self.layout[name][1])
        for length in count(1):
            sign = "_" * length
            labels = [sign.join([name, *map(str, place)]) for place in elements(shape)]
            if not shape or self.taken.isdisjoint(labels):
                break
        self.taken.update(labels)
        self.layout[name] = shape, tuple(labels)
        return labels

    def name(self, node: int, shape: Shape, nodes: list[int], first: int) -> None:
        """The elements are stages of the program, but for numbers, and for what stands in a branch."""
        graph, name = self.graph, self.names.of[node]
        for place, one in enumerate(nodes):
            if graph.operations[one] is IDENTITY and graph.operands[one][0] in graph.constants:
                (nodes[place],) = graph.operands[one]
        if any(graph.regions[one] for one in nodes):
            return
        labels = self.labels(name, shape)
        for place, (label, one) in enumerate(zip(labels, nodes, strict=True)):
            if one in graph.constants:
                labels[place] = atom(graph.constants[one]).text
            else:
                graph.names[one] = label
                graph.stages.append((label, one))
        self.layout[name] = shape, tuple(labels)

    def close(self, end: int, arrives: Array | None) -> None:
        """Make the output the last stage."""
        graph, nodes = self.graph, self.cells[end].nodes
        self.region, self.span = 0, self.program.spans[end]
        node = nodes[0]
        if arrives is not None:
            pairs = zip(nodes, arrives.numbers, strict=True)
            node = self.apply("sum", *[self.apply("mul", one, self.number(up)) for one, up in pairs])  # fmt: skip
        elif node in graph.constants:
            node = self.apply("identity", node)
        self.declare()
        if not graph.stages or graph.output != node:
            graph.stages.append(("", node))

    def declare(self) -> None:
        """Let the text know all variables: those with a value of the program's own, and those that
        nothing uses, but for indices, which are none here.
        """
        program, graph = self.program, self.graph
        used = {k for operands in graph.operands for k in operands}
        used |= {k for test in graph.conditions for k in (test.left, test.right)}
        heads = []
        for name, node in program.variables.items():
            own = name in program.inputs or name in program.array_inputs
            for one in self.cells[node].nodes if node in self.cells else ():
                label = graph.names[one]
                if one not in used and node in self.found.whole:
                    del graph.variables[label], self.at[label]
                elif own or one not in used:
                    graph.inputs[label] = self.at[label]
                    heads.append((label, one))
        graph.stages[:0] = heads
