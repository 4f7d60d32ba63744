"""A point at which code over arrays tests itself: the one that is given, or one that is drawn.

Where a program only declares its shapes, the letters in them become small sizes, each another one.
"""

from collections.abc import Mapping
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
    for k, name in enumerate(derivative.new):
        given = up if isinstance(up, Array) else normal(shape_of(formulas, name, at), SEED + 1 + k)
        at.setdefault(name, given)
    if isinstance(up, str) and up != "ones":
        up = at[up]
    results = derivative.results
    chosen = formulas.at is None or any(name not in formulas.at for name in derivative.new)
    try:
        own = {name: x for name, x in at.items() if name not in derivative.new}
        output = "" if not derivative.partial else derivative.output
        known = graph.node(output) is not None
        if derivative.partial:
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
    """Numbers in the shapes that the program declares, with sizes for letters; labels are 0 and 1."""
    graph, sizes = formulas.graph, formulas.derivative.sizes
    declared = {name: lettered(shape, sizes_of_letters(graph)) for name, shape in graph.declared.items()}  # fmt: skip
    program = replace(graph, declared=declared)
    given: dict[str, float | Array] = {}
    for name in sizes.at:
        held = graph.array_inputs.get(name, graph.inputs.get(name))
        if held is not None:
            given[name] = held
        elif name in sizes.assumed or name not in declared:
            given[name] = normal((), SEED + len(given))
    at = given | drawn(program, given, SEED)
    zeros = {
        name: zeroed(x) if name in declared and name not in given else x for name, x in at.items()
    }
    found, _ = shapes_at(program, zeros, [graph.output])
    for name, node in graph.variables.items():
        if node in found.whole and name not in given:
            shape, numbers, _ = as_array(at[name])
            at[name] = Array(shape, tuple([float(k % 2) for k in range(len(numbers))])).value
    return at


def sizes_of_letters(graph: Graph) -> dict[str, int]:
    """A size for each letter, which no other has and the program does not write."""
    letters = dict.fromkeys(one for shape in graph.declared.values() for one in shape if isinstance(one, str))  # fmt: skip
    taken = {one for shape in graph.declared.values() for one in shape}
    free = (n for n in range(SMALLEST, SMALLEST + len(letters) + len(taken)) if n not in taken)
    return dict(zip(letters, free, strict=False))


def lettered(shape: tuple[int | str, ...], sizes: Mapping[str, int]) -> tuple[int | str, ...]:
    return tuple([sizes.get(one, one) if isinstance(one, str) else one for one in shape])


def zeroed(x: float | Array) -> float | Array:
    shape = as_array(x).shape
    return Array(shape, (0.0,) * size(shape)).value


def normal(shape: Shape, seed: int) -> float | Array:
    """Normal numbers of two decimals."""
    graph = Graph(declared={"x": shape})
    graph.variable("x")
    return drawn(graph, {}, seed)["x"]


def shape_of(formulas: ArrayFormulas, name: str, at: Mapping[str, float | Array]) -> Shape:
    """The shape of a new variable: a direction has that of its variable, what arrives the output's."""
    derivative = formulas.derivative
    shape = derivative.shapes.get(name, ())
    if formulas.at is not None:
        return shape
    letters = sizes_of_letters(formulas.graph)
    return tuple(
        [
            letters[derivative.sizes.letters[n]] if n in derivative.sizes.letters else n
            for n in shape
        ]
    )
