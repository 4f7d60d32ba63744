"""A point at which code over arrays tests itself: the one that is given, or one that is drawn.

Where a program only declares its shapes, the letters in them become small sizes, each another one.
"""

from dataclasses import dataclass, replace

from ..arrays.constants import drawn
from ..arrays.evaluate import evaluate
from ..arrays.lower import shapes_at
from ..arrays.record import Tensor
from ..errors import BackpropError
from ..language.graph import Array, Graph, as_array
from ..operations.shape import Shape, size
from ..trace.record import KINKS
from .array_formulas import ArrayFormulas, values

__all__ = ["Sample", "sample"]

SEED = 1
SMALLEST = 2
"""The first of the sizes that letters become."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A point, what arrives at the output there, and what is computed there.

    at: of the variables of the program and of its formulas. drawn: whether it is none of the
    user's. value: of the output. numbers: by the names of the derivatives; empty where the program
    has no value at the point, None among them where one does not exist. kinked: whether it is on a
    kink, where others may choose otherwise.
    """

    at: dict[str, float | Array]
    drawn: bool
    value: Tensor | None
    numbers: dict[str, Tensor | None]
    kinked: bool


def sample(formulas: ArrayFormulas) -> Sample:
    """The point, and the numbers of the backward pass there; those of the formulas of directions."""
    derivative, graph = formulas.derivative, formulas.graph
    at: dict[str, float | Array] = dict(formulas.at) if formulas.at is not None else small(formulas)
    up = formulas.upstream
    for name in derivative.new:
        shape = smaller(formulas, derivative.shapes.get(name, ()))
        at.setdefault(name, up if isinstance(up, Array) else normal(name, shape))
    if isinstance(up, str) and up != "ones":
        up = at[up]
    results = derivative.results
    chosen = formulas.at is None or any(name not in formulas.at for name in derivative.new)
    try:
        own = {name: x for name, x in at.items() if name not in derivative.new}
        output = "" if not derivative.partial else derivative.output
        known = graph.node(output) is not None
        if derivative.partial and all(len(by) == 1 for by in results):
            names = [name for (name,) in results]
            trace = evaluate(
                graph, own, wrt=names, output=output if known else "", upstream=up, nodes=False
            )
            numbers: dict[str, Tensor | None] = {
                results[name,]: trace.gradients[name] for name in names
            }
        else:
            trace = evaluate(graph, own, nodes=False)
            numbers = dict(values(derivative, at))
    except BackpropError:
        return Sample(at, chosen, None, {}, False)
    kinked = any(note.kind in KINKS for note in trace.notes) or bool(trace.flags)
    return Sample(at, chosen, trace.value, numbers, kinked)


def small(formulas: ArrayFormulas) -> dict[str, float | Array]:
    """Numbers in the shapes of the variables, with small sizes for letters; labels are 0 and 1."""
    graph, sizes = formulas.graph, formulas.derivative.sizes
    at: dict[str, float | Array] = {}
    for name, given in sizes.at.items():
        held = graph.array_inputs.get(name, graph.inputs.get(name))
        shape = smaller(formulas, as_array(given).shape)
        at[name] = normal(name, shape) if held is None else held
    program = replace(graph, declared={})
    found, _ = shapes_at(program, {name: zeroed(x) for name, x in at.items()}, [graph.output])
    for name, node in graph.variables.items():
        held = graph.array_inputs.get(name, graph.inputs.get(name))
        if node in found.whole and held is None:
            shape = as_array(at[name]).shape
            at[name] = Array(shape, tuple([float(k % 2) for k in range(size(shape))])).value
    return at


def smaller(formulas: ArrayFormulas, shape: Shape) -> Shape:
    """A shape with small sizes for the letters, of which each is another one."""
    letters = formulas.derivative.sizes.letters
    declared = formulas.graph.declared.values()
    taken = {one for given in declared for one in given if not isinstance(one, str)}
    free = [n for n in range(SMALLEST, SMALLEST + len(letters) + len(taken)) if n not in taken]
    return tuple([dict(zip(letters, free, strict=False)).get(n, n) for n in shape])


def zeroed(x: float | Array) -> float | Array:
    shape = as_array(x).shape
    return Array(shape, (0.0,) * size(shape)).value


def normal(name: str, shape: Shape) -> float | Array:
    """Normal numbers of two decimals, which hang on a name."""
    graph = Graph(declared={name: shape})
    graph.variable(name)
    return drawn(graph, {}, SEED)[name]
