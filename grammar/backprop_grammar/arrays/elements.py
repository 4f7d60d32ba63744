"""A program over arrays for what takes numbers only: steps along the gradient, and many points.

These see the elements as inputs of their own; what they find is put back into arrays here.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from ..blocks.names import Names
from ..errors import BackpropError, shorten, usage
from ..language.graph import Array, Graph
from ..operations.structural import Shape, said, size
from ..operations.table import IDENTITY, NEG
from ..trace.point import unknown_names
from ..trace.record import Flag
from .lower import elements, flattened
from .record import nested
from .shapes import Values, output_shape

__all__ = ["Elements", "by_element", "placeholder", "varying"]

ELEMENT = re.compile(r"(\w+)\[\s*([0-9]+)\s*(?:,\s*([0-9]+)\s*)?\]\Z")


class Elements(NamedTuple):
    """A program over arrays, and the program over numbers that it means.

    graph: over numbers, of which the last stage is the output. at: its point. layout: of each node
    of the program its shape, and what its elements are called in the graph, row by row. output:
    what the output is called in the program. whole: the variables that select, such as labels.
    """

    program: Graph
    graph: Graph
    at: dict[str, float]
    layout: dict[str, tuple[Shape, tuple[str, ...]]]
    output: str
    whole: frozenset[str]

    def part(self, name: str) -> tuple[Shape, tuple[str, ...]]:
        """The shape and the elements of a node, or of one element of it: x[0].

        Raises BackpropError for what is neither.
        """
        if name in self.layout:
            return self.layout[name]
        found = ELEMENT.match(name)
        if not found or found[1] not in self.layout:
            Names(self.program).find(name)  # which says what is nearest
            message = f"the elements of {shorten(name)} have no gradients of their own"
            raise usage(message, "name a stage outside of the branches of an if")
        shape, labels = self.layout[found[1]]
        place = tuple([int(k) for k in found.groups()[1:] if k is not None])
        if place not in (places := elements(shape)) or not shape:
            hint = f"it is {said(shape)}; indices begin at 0" if shape else "it is one number"
            raise BackpropError("name", f"there is no element {shorten(name)}", hint=hint)
        return (), (labels[places.index(place)],)

    def labels(self, names: Iterable[str]) -> list[str]:
        """What the elements of some nodes are called over numbers."""
        return [label for name in names for label in self.part(name)[1]]

    def by_label(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """Columns by what they are called over numbers; so far by inputs and elements: x[0]."""
        return {self.part(name)[1][0]: column for name, column in columns.items()}

    def gathered(self, values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
        """Values of elements as nested lists; names: of the nodes, as far as they have some."""
        result = {}
        for name in names:
            shape, labels = self.part(name)
            if all(label in values for label in labels):
                result[name] = nested(shape, iter([values[label] for label in labels]))
        return result

    def picked(self, at: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
        """Of a point in nested lists, the values of some variables, or elements of them."""
        result = {}
        for name in names:
            found = ELEMENT.match(name)
            value = at[found[1] if found else name]
            for k in found.groups()[1:] if found else ():
                value = value if k is None else value[int(k)]
            result[name] = value
        return result

    def flags(self, flags: Iterable[Flag]) -> tuple[Flag, ...]:
        """Flags whose paths lead into nested lists: gradients.W[0][1]."""
        paths = {
            f"gradients.{label}": f"gradients.{name}" + "".join(f"[{k}]" for k in place)
            for name, (shape, labels) in self.layout.items()
            for place, label in zip(elements(shape), labels, strict=True)
        }
        return tuple([flag._replace(path=paths.get(flag.path, flag.path)) for flag in flags])


def by_element(
    program: Graph, at: Values, wrt: Sequence[str] = (), output: str = "", columns: Sequence[str] = ()
) -> Elements:  # fmt: skip
    """The program over numbers that a program over arrays means.

    at: a value per variable; of those that vary, which are the columns, any of their shape. wrt:
    names of nodes and elements that are needed. output: one number; the last stage when empty.

    Raises BackpropError for unknown names, where shapes do not fit, for an output that is an array,
    and for a column that selects elements.
    """
    names = Names(replace(program, blocks={}))
    end = names.find(output) if output else program.output
    roots = [name.partition("[")[0] for name in wrt]
    flat = flattened(program, at, wrt=roots, output=output)
    shape = flat.layout.get(names.of[end], ((), ()))[0]
    if size(shape) > 1:
        raise output_shape(program, end, shape)
    whole = selecting(program, flat.whole)
    for name in columns:
        if name in whole:
            message = f"{shorten(name)} selects elements, so it cannot be another one in every row"
            raise usage(
                message,
                f"give it one value; cross_entropy takes a 0 or 1 for each class instead of a label, so declare {shorten(name)} as a vector",
                reason="label column",
            )
    return Elements(program, flat.graph, flat.at, flat.layout, names.of[end], whole)


def selecting(program: Graph, found: Iterable[str]) -> frozenset[str]:
    """The variables among the nodes that select, or whose negatives do; found: their names."""
    names = Names(replace(program, blocks={}))
    result = set()
    for name in found:
        node = names.find(name)
        while program.operations[node] in (NEG, IDENTITY):
            (node,) = program.operands[node]
        result.add(names.of[node])
    return frozenset(result & program.variables.keys())


def placeholder(shape: Shape) -> float | Array:
    """A value of some shape, of which only the shape matters."""
    return Array(shape, (0.0,) * size(shape)) if shape else 0.0


def varying(program: Graph, shapes: Mapping[str, Shape | None]) -> dict[str, Shape]:
    """The shapes of inputs that vary: as they are given, or declared; a number where none is said.

    Raises BackpropError for a name that the program does not have, and for a shape with letters.
    """
    unknown = [name for name in shapes if name not in program.variables]
    if unknown:
        raise unknown_names(program, unknown)
    result = {}
    for name, shape in shapes.items():
        declared = program.declared.get(name, ())
        if shape is None and any(isinstance(n, str) for n in declared):
            hint = f'say it: {{"{name}": (3,)}} for 3 numbers a row'
            raise usage(f"the shape of {shorten(name)} is not known", hint)
        result[name] = tuple([int(n) for n in declared]) if shape is None else tuple(shape)
    return result
