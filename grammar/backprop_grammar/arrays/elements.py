"""A program over arrays for what takes numbers only: steps along the gradient, and many points.

These see the elements as inputs of their own, W[0,1]; what they find is put back into arrays here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

from ..blocks.names import Names
from ..errors import shorten, usage
from ..language.graph import Array, Graph, nested
from ..operations.shape import Shape, size
from ..operations.structural import INDEX, MATMUL
from ..operations.table import IDENTITY, NEG, VARIABLE
from ..passes.run import check_bound
from ..trace.point import unknown_names
from .lower import Lowered, check_work, element, elements, opened, owner, part, shapes_at
from .record import Tensor
from .shapes import Shapes, Values, output_shape, shapes

__all__ = [
    "Elements",
    "Label",
    "by_element",
    "classes",
    "placeholder",
    "tensor",
    "varying",
]


class Label(tuple[int, ...]):
    """The shape of a vector with a 1 for the class that a label names; see ``classes``."""


class Elements(NamedTuple):
    """A program over arrays, and the program over numbers that it means.

    graph: over numbers, which are called as elements are. at: its point. shapes: of the nodes of
    the program. output: what the output is called; end: what its number is. whole: the variables
    that select, such as labels.
    """

    program: Graph
    graph: Graph
    at: dict[str, float]
    shapes: dict[str, Shape]
    output: str
    end: str
    whole: frozenset[str]

    def part(self, name: str) -> tuple[Shape, list[str]]:
        """The shape and the elements of a node, or of one element of it: x[0].

        Raises BackpropError for what is neither.
        """
        if owner(name) not in self.shapes:
            Names(self.program).find(name)  # which says what is nearest
        return part(name, self.shapes)

    def labels(self, names: Iterable[str]) -> list[str]:
        """The elements of some nodes."""
        return list(dict.fromkeys(label for name in names for label in self.part(name)[1]))

    def gathered(self, values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
        """Values of elements as nested lists; names: of nodes and elements, as far as they have some."""
        result = {}
        for name in names:
            if name in self.shapes and element(name, (0,) * len(self.shapes[name])) not in values:
                continue  # before all its elements are named
            shape, labels = self.part(name)
            if labels[0] in values:
                result[name] = nested(shape, iter([values[label] for label in labels]))
        return result

    def flat(self, values: Mapping[str, Any]) -> dict[str, float]:
        """Nested lists as the values of their elements."""
        result: dict[str, float] = {}
        for name, value in values.items():
            _, labels = self.part(name)
            result |= zip(labels, tensor(value).numbers, strict=True)  # type: ignore[arg-type]  # floats
        return result


def by_element(
    program: Graph,
    at: Values,
    wrt: Sequence[str] = (),
    output: str = "",
    columns: Mapping[str, Shape] = MappingProxyType({}),
) -> Elements:
    """The program over numbers that a program over arrays means.

    at: a value per variable; of those that vary, which are the columns, any of their shapes. wrt:
    names of nodes and elements that are needed. output: one number; the last stage when empty.

    Raises BackpropError for unknown names, where shapes do not fit, for an output that is an array,
    and for a column that selects elements.
    """
    graph = opened(program)
    names = Names(graph)
    end = names.find(output) if output else graph.output
    roots = [names.find(name if graph.node(name) is not None else owner(name)) for name in wrt]
    graph = replace(graph, declared=of_others(program, at, columns, output))
    graph = with_vectors(graph, columns)
    found, needed = shapes_at(graph, at, [end, *roots])
    if size(found.of[end]) > 1:
        error = output_shape(graph, end, found.of[end])
        raise error.replace(hint=error.hint.partition(", or ")[0], reason="")
    whole = selecting(graph, found)
    for name in columns:
        if name in whole:
            raise usage(
                f"{shorten(name)} selects elements, and cannot be another one in every row",
                "give it one value; what may vary is a label: of a cross_entropy of one vector, z[y], W[y], pick(z, y), onehot(y, n)",
            )
    check_work(graph, found, needed)
    lowered = Lowered(graph, names, found, at, needed, edges=False)
    known = {names.of[node]: cells.shape for node, cells in lowered.cells.items()}
    output = names.of[end]
    last = element(output, elements(found.of[end])[0])
    return Elements(program, lowered.graph, lowered.at, known, output, last, whole)


def of_others(
    program: Graph, at: Values, columns: Mapping[str, Shape], output: str
) -> dict[str, tuple[int | str, ...]]:
    """The declared shapes, but of columns of labels, which are declared as the numbers they were."""
    given = {name: getattr(at[name], "shape", ()) for name in columns}
    labels = {name: () for name in columns if program.declared.get(name) == () != given[name]}
    if labels:
        others = {name: value for name, value in at.items() if name not in given}
        labels = dict.fromkeys(classes(program, others, given | labels, output), ())
    return {name: shape for name, shape in program.declared.items() if name not in labels}


def selecting(graph: Graph, found: Shapes) -> frozenset[str]:
    """The variables that select, or whose negatives do."""
    result = set()
    for node in found.whole:
        while graph.operations[node] in (NEG, IDENTITY):
            (node,) = graph.operands[node]
        if graph.operations[node] is VARIABLE:
            result.add(graph.names[node])
    return frozenset(result)


def classes(
    program: Graph, at: Values, columns: Mapping[str, Shape], output: str = ""
) -> dict[str, int]:
    """Of the columns that hold labels, of which each row has one, how many classes these name.

    Such a label may be another one in every row: it stands for a vector with a 1 for its class. It
    selects a score, x[y] and pick(x, y), a row or a column of a table, W[y], or is a onehot(y, n).
    at: a value for each other variable. columns: with their shapes. Raises BackpropError where
    shapes do not fit.
    """
    graph = opened(program)
    needed = graph.needed(Names(graph).find(output) if output else graph.output)
    values = {**at, **{name: placeholder(shape) for name, shape in columns.items()}}
    check_bound(graph, dict.fromkeys(values, 0.0), needed)
    found = shapes(graph, values, needed)
    tested = {node for test in graph.conditions for node in (test.left, test.right)}
    result = {}
    for name in columns:
        node = graph.variables[name]
        if columns[name] or node not in found.whole or node in tested:
            continue
        sizes = {
            selected(graph, k, place, found)
            for k, operands in enumerate(graph.operands)
            for place, operand in enumerate(operands)
            if operand == node and needed[k]
        }
        if len(sizes) == 1 and (count := sizes.pop()) > 1:
            result[name] = count
    return result


def selected(graph: Graph, node: int, place: int, found: Shapes) -> int:
    """Of how many classes an operand of a node names one; 0 where it is no label."""
    row, shape = graph.operations[node], found.of[graph.operands[node][0]]
    if row.name == "onehot" and place == 0:
        return found.of[node][-1]
    if row is INDEX and place == 1 and len(graph.operands[node]) == 2 and shape:
        return shape[graph.written[node].index("only")] if "only" in graph.written[node] else 0
    if (row.name in ("cross_entropy", "pick")) and place == 1 and len(shape) == 1:
        return shape[0]
    return 0


def with_vectors(graph: Graph, columns: Mapping[str, Shape]) -> Graph:
    """The program over the vectors that labels stand for; see ``classes``. columns: with the shapes
    of what stands in a row.
    """
    labels = {graph.variables[name] for name, shape in columns.items() if isinstance(shape, Label)}
    if not labels:
        return graph
    operations, operands = list(graph.operations), list(graph.operands)
    written = dict(graph.written)
    for node, row in enumerate(graph.operations):
        given = graph.operands[node]
        if row.name == "onehot" and given[0] in labels:
            operations[node], operands[node] = IDENTITY, given[:1]
            del written[node]
        elif row.name in ("index", "pick") and len(given) == 2 and given[1] in labels:
            across = row is INDEX and written[node][0] == "every"
            operations[node], written[node] = MATMUL, None
            operands[node] = given if across else given[::-1]
    return replace(graph, operations=operations, operands=operands, written=written)


def tensor(value: Any) -> Tensor:
    """Nested lists of numbers, or one number, as a tensor."""
    if not isinstance(value, list):
        return Tensor((), (value,))
    if not isinstance(value[0], list):
        return Tensor((len(value),), tuple(value))
    return Tensor((len(value), len(value[0])), tuple([x for row in value for x in row]))


def placeholder(shape: Shape) -> float | Array:
    """A value of some shape, of which only the shape matters."""
    return Array(shape, (0.0,) * size(shape)).value


def varying(program: Graph, given: Mapping[str, Shape | None]) -> dict[str, Shape]:
    """The shapes of inputs that vary: as they are given, or declared; a number where none is said.

    Raises BackpropError for a name that the program does not have, and for a shape with letters.
    """
    unknown = [name for name in given if name not in program.variables]
    if unknown:
        raise unknown_names(program, unknown)
    result = {}
    for name, shape in given.items():
        declared = program.declared.get(name, ())
        if shape is None and any(isinstance(n, str) for n in declared):
            hint = f'say it: {{"{name}": (3,)}} for 3 numbers a row'
            raise usage(f"the shape of {shorten(name)} is not known", hint)
        result[name] = tuple([int(n) for n in declared]) if shape is None else shape
    return result
