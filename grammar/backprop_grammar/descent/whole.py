"""A run over a program that takes all its data at once: matrices with a row for each example.

What is stepped are the other inputs, element by element; values and gradients come from the engine
for large arrays. A batch is some of the rows of the data.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ..arrays.elements import Elements, selecting
from ..arrays.lower import opened, owner, shapes_at
from ..arrays.shapes import Shapes, output_shape
from ..batch.double_double import Triple, reach
from ..blocks.names import Names
from ..errors import shorten, usage
from ..language.graph import Array, Graph, as_array
from ..large.computed import Computed, computed
from ..operations.shape import size
from ..passes.run import Target
from ..trace.record import Flag, Note
from .batches import Batches, batches
from .descend import Plan, Step, check_inputs, overflows, plan_of
from .objective import cancelled
from .over_arrays import check_steppable
from .scores import only_loss

__all__ = ["plan_whole"]

Values = Mapping[str, float | Array]


def plan_whole(
    graph: Graph,
    at: Values,
    data: Sequence[str] = (),
    wrt: Sequence[str] = (),
    output: str = "",
    batch: int = 0,
    seed: int = 0,
    **how: Any,
) -> Plan:
    """A checked plan of a program over arrays.

    data: inputs that are held, with a row for each example; batch: how many of these rows each step
    looks at, 0 for all; seed: of their order. wrt: the other inputs, or elements such as W[0,1]. how:
    as of ``plan``. Raises BackpropError as ``plan`` does, and for data of different lengths.
    """
    program, graph = graph, opened(graph)
    names = Names(graph)
    end = names.find(output) if output else graph.output
    found, needed = shapes_at(graph, at, [end])
    if size(found.of[end]) > 1:
        raise output_shape(graph, end, found.of[end])
    whole = selecting(graph, found)
    lengths = {name: as_array(at[name]).shape[:1] for name in data}
    for name, length in lengths.items():
        if not length:
            raise usage(
                f"{shorten(name)} is data and one number", "data has a row for each example"
            )
        first = next(iter(lengths))
        if length != lengths[first]:
            message = (
                f"{first} has {lengths[first][0]:,} rows and {shorten(name)} has {length[0]:,}"
            )
            raise usage(message, "all data is of the same examples")
    check_inputs(graph, list(map(owner, wrt)))
    stepped = tuple(dict.fromkeys(wrt)) or tuple(
        [name for name in graph.variables if name in at and name not in whole and name not in data]
    )
    for name in stepped:
        if owner(name) in data:
            raise usage(f"{shorten(name)} is data and cannot be stepped", "step the other inputs")
    check_steppable(stepped, whole)
    if not stepped:
        message = "every input is data or selects, so nothing can be stepped"
        raise usage(message, "give the inputs to step a value, or initial ones")
    rows = next(iter(lengths.values()), (0,))[0]
    shapes = {names.of[node]: found.of[node] for node in range(len(graph)) if needed[node]}
    held = {name: value for name, value in at.items() if name not in data}
    given = Elements(program, graph, {}, shapes, names.of[end], names.of[end], whole)
    start = given.flat({name: as_array(value).nested for name, value in held.items()})
    parts = batches(rows, batch, seed) if batch else None
    sources = list(dict.fromkeys(graph.variables[owner(name)] for name in stepped))
    tables = {name: as_array(at[name]) for name in data}
    arrays = Arrays(given, names, end, held, tables, sources, given.labels(stepped), parts)
    target = Target(graph, list(map(owner, stepped)), output)
    planned = plan_of(target, start, given.labels(stepped), arrival=arrays, **how)
    return replace(
        planned,
        elements=given,
        names=stepped,
        rows=rows,
        whole=True,
        batches=parts,
        everywhere=arrays.everywhere,
        right=partial(right, arrays) if rows else None,
    )


@dataclass(slots=True)
class Arrays:
    """The program as what a run arrives at; see ``descend.Plan``.

    names: of its nodes; end: the output. begun: the inputs that are no data, at the start. data: the
    others. sources: the nodes that are stepped; labels: the elements of them that are. batches: of
    the rows of the data. known: the shapes, where all rows are taken.
    """

    elements: Elements
    names: Names
    end: int
    begun: dict[str, float | Array]
    data: dict[str, Array]
    sources: list[int]
    labels: list[str]
    batches: Batches | None
    known: tuple[Shapes, list[bool]] | None = None

    def __call__(self, number: int, point: dict[str, float], notes: bool) -> Step:
        """Value and gradients; over a batch, where there are some.

        Raises BackpropError where there is no value.
        """
        return self.step(number, point, None if self.batches is None else self.batches.at(number))

    def everywhere(self, number: int, point: dict[str, float], notes: bool) -> Step:
        """The same over all rows."""
        return self.step(number, point, None)

    def computed(self, point: Mapping[str, float], some_rows: Sequence[int] | None) -> Computed:
        """All numbers of the program at a point."""
        at: dict[str, Any] = {**self.begun, **self.data}
        if some_rows is None:
            known = self.known = self.known or shapes_at(self.names.graph, at, [self.end])
        else:
            at |= {name: taken(value, some_rows) for name, value in self.data.items()}
            known = shapes_at(self.names.graph, at, [self.end])
        for name in self.begun:  # floats are what they are
            shape, labels = self.elements.part(name)
            at[name] = np.array([point[label] for label in labels]).reshape(shape)
        found, needed = known
        return computed(self.names, found, at, needed, {self.end: 1.0}, self.sources)

    def step(self, number: int, point: dict[str, float], some_rows: Sequence[int] | None) -> Step:
        """The numbers of a step, each with what is not certain of it."""
        found = self.computed(point, some_rows)
        value, error = floats(found.values[self.end])[0]
        if not math.isfinite(value):
            raise overflows(self.elements.output)
        notes, flags = list[Note](), list[Flag]()
        if not certain(value, error):
            notes.append(Note("precision", "", cancelled(self.elements.output, error)))
        slopes: dict[str, tuple[float, float]] = {}
        for node in self.sources:
            _, labels = self.elements.part(self.names.of[node])
            if node in found.gradients:
                slopes |= zip(labels, floats(found.gradients[node]), strict=True)
        gradients: dict[str, float | None] = {}
        unsure = list[tuple[str, float]]()
        for label in self.labels:
            slope, error = slopes.get(label, (0.0, 0.0))
            gradients[label] = slope + 0.0 if math.isfinite(slope) else None
            if gradients[label] is None:
                message = f"the gradient of {label} is not known, or beyond the largest number"
                flags.append(Flag(f"gradients.{label}", "undefined", "", label, message))
            elif not certain(slope, error):
                unsure.append((label, error))
        for label, error in unsure[:1]:
            more = f" (and {len(unsure) - 1:,} more)" if len(unsure) > 1 else ""
            notes.append(Note("precision", "", cancelled(f"the gradient of {label}", error) + more))
        kinds = {one.kind: one for one in reversed(found.met)}
        for kind, one in kinds.items():
            count = int(np.count_nonzero(one.here))
            name = self.names.near(one.node)
            some = f"{count:,} of {one.here.size:,} elements of {name}"
            message = f"{some} stand at a {kind}, where the gradient is a choice"
            notes.append(Note("tie" if kind == "tie" else "kink", name, message))
        return Step(number, point, value, gradients, notes=tuple(notes), flags=tuple(flags))


def floats(x: Triple) -> list[tuple[float, float]]:
    """The elements of an array as the nearest floats, with bounds on their errors."""
    value, error = (np.ravel(part) for part in np.broadcast_arrays(x[0] + x[1], 2 * reach(x)))
    return list(zip(value.tolist(), error.tolist(), strict=True))


def certain(value: float, error: float) -> bool:
    """Whether a float is right to the digits that are promised; see ``binary64.TOLERANCE``."""
    return error <= 2.0**-44 * abs(value)


def taken(value: Array, rows: Sequence[int]) -> Array:
    """Some rows of an array."""
    width = size(value.shape[1:])
    numbers = [x for k in rows for x in value.numbers[k * width : (k + 1) * width]]
    return Array((len(rows), *value.shape[1:]), tuple(numbers))


def right(arrays: Arrays, point: Mapping[str, Any]) -> int | None:
    """How many rows have no higher score than that of their label, by the program's one
    `cross_entropy`; None where there is none.
    """
    graph = arrays.names.graph
    loss = only_loss(graph, arrays.end)
    if loss is None:
        return None
    scores, label = loss
    name = graph.names.get(label, "")
    if name not in arrays.data or len(arrays.data[name].shape) != 1:
        return None
    held = {key: value for key, value in point.items() if key not in arrays.data}
    high, _, _ = arrays.computed(arrays.elements.flat(held), None).values[scores]
    labels = np.array(arrays.data[name].numbers, dtype=np.int64)
    return int((high[np.arange(len(labels)), labels] >= high.max(axis=1)).sum())
