"""Gradients over arrays as formulas, and what they are at a point."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..arrays.evaluate import evaluate
from ..arrays.record import Tensor
from ..errors import BackpropError, few, usage
from ..language.graph import Array, Graph
from ..language.printer import kept_text, shape_text
from ..numbers.wide import as_float, exists
from ..operations.shape import size
from ..operations.structural import Structural
from ..trace.notes import spelling
from ..trace.record import Flag, Note
from .array_derive import ArrayDerivative, array_derive, array_directional
from .array_second import array_hessian
from .derive import derivative_name

__all__ = ["ArrayFormulas", "array_formulas"]

NEAR = 1e-9
"""How far apart, relative to the largest element, a formula and the backward pass may be."""


@dataclass(frozen=True, slots=True)
class ArrayFormulas:
    """What the formats of gradients over arrays show.

    program: as it was written; graph: read. at: the point, if there is one; the numbers there are
    ``value``, the output's, and ``numbers``, by the names of the results, in the shapes of what
    they are by. upstream: what arrives at the output. Others as in Formulas.
    """

    program: str
    graph: Graph
    derivative: ArrayDerivative
    at: dict[str, float | Array] | None
    numbers: dict[str, Tensor]
    value: Tensor | None
    upstream: str | float | Array = 1.0
    notes: tuple[Note, ...] = ()
    flags: tuple[Flag, ...] = ()
    written: Mapping[str, str] = field(default_factory=dict)
    author: str = "backprop"

    def named(self, by: tuple[str, ...]) -> str:
        """The name of a derivative, by what it is taken by."""
        return self.derivative.results[by]


def array_formulas(
    program: Graph,
    at: Mapping[str, float | Array] | None = None,
    *,
    wrt: Sequence[str] = (),
    output: str = "",
    order: int = 1,
    along: Mapping[str, str | float | Array] | None = None,
    second: bool = False,
    upstream: str | float | Array = 1.0,
    code: bool = False,
) -> ArrayFormulas:
    """The gradients of a program over arrays, with their numbers where there is a point.

    along: the derivative along this direction instead: for each variable an array, a number, or the
    name of a new variable; second: the gradient of that, the Hessian times the direction. upstream:
    what arrives at an output that is more than one number. code: the formulas are for a file of
    code, which computes the output, too.

    Raises BackpropError for an unknown name, where shapes do not fit, and where the program has no
    value at the point.
    """
    if order > 2:
        raise usage(
            f"a derivative of order {order} by a vector is no matrix: it has {order} axes, or more",
            "order 2 is a Hessian; higher ones are of the elements, as a program over numbers",
            reason="orders",
        )
    if order == 2 and upstream != 1.0:
        raise usage(
            "second derivatives are of an output that is a number",
            "leave the upstream gradient out",
        )
    unsaid: list[tuple[str, str]] = []

    def make(careful: bool) -> ArrayDerivative:
        nonlocal unsaid
        if order == 2:
            found, unsaid = array_hessian(
                program, at, wrt=wrt, output=output, code=code, careful=careful
            )
            return found
        if along is not None:
            return array_directional(
                program, along, at, output=output, second=second, careful=careful
            )
        arrives = "up" if isinstance(upstream, Array) else upstream
        return array_derive(
            program, at, wrt=wrt, output=output, upstream=arrives, code=code, careful=careful
        )

    derivative = make(careful=code)
    notes = [*spelling(program), *assumed(derivative), *left_out(derivative, unsaid)]
    text = kept_text(program)
    given = (
        {} if at is None else dict(at) | ({"up": upstream} if isinstance(upstream, Array) else {})
    )
    if at is None or not given.keys() >= set(derivative.new):
        return ArrayFormulas(text, program, derivative, None if at is None else dict(at), {}, None, upstream, tuple(notes))  # fmt: skip
    gradients = along is None and order == 1
    if gradients:
        names = [name for (name,) in derivative.results]
        trace = evaluate(
            program, dict(at), wrt=names, output=output, upstream=upstream, nodes=False
        )
    else:
        trace = evaluate(program, dict(at), output=output, nodes=False)
    notes += trace.notes
    formal = values(derivative, given)
    if any(tensor is None for tensor in formal.values()):
        better = make(careful=True)
        found = values(better, given)
        if sum(x is None for x in found.values()) < sum(x is None for x in formal.values()):
            derivative, formal = better, found
    if gradients:
        numbers = {derivative.results[name,]: trace.gradients[name] for name in names}
        flags = [renamed(flag, derivative) for flag in trace.flags]
        assert not isinstance(upstream, str) or upstream == "ones"
        notes += [
            Note("formula", name, f"the formula of {name} has no value at this point; the numbers are those of the backward pass")
            for name, tensor in formal.items() if tensor is None
        ]  # fmt: skip
        notes += [
            Note("formula", name, f"{name} by its formula is another number at this point, where it is a choice")
            for name, tensor in formal.items()
            if tensor is not None and not alike(tensor, numbers[name])
        ]  # fmt: skip
        return ArrayFormulas(text, program, derivative, dict(at), numbers, trace.value, upstream, tuple(notes), tuple(flags))  # fmt: skip
    numbers = {name: tensor for name, tensor in formal.items() if tensor is not None}
    flags = [
        Flag(f"derivatives.{name}", "undefined", "", name, f"{name} has no number at this point")
        for name, tensor in formal.items()
        if tensor is None
    ]
    return ArrayFormulas(text, program, derivative, dict(at), numbers, trace.value, upstream, tuple(notes), tuple(flags))  # fmt: skip


def left_out(derivative: ArrayDerivative, pairs: Sequence[tuple[str, str]]) -> list[Note]:
    """What is said of second derivatives that no matrix formula says."""
    if not pairs:
        return []
    names = few([derivative_name(derivative.output, pair) for pair in pairs])
    message = f"{names}: no formula of matrices says these; the Hessian times a direction has one, and at a point they have numbers"
    return [Note("formula", "", message)]


def assumed(derivative: ArrayDerivative) -> list[Note]:
    """What is said of shapes that nothing declares."""
    found = derivative.sizes.assumed
    notes = []
    arrays = [f"{name}: {shape_text(shape)}" for name, shape in found.items() if shape]
    if arrays:
        message = f"these shapes are guessed: {'; '.join(arrays)}; declare those that differ"
        notes.append(Note("assumed", "", message))
    notes += [
        Note("assumed", name, f"{name} is taken as a number; if it is an array, declare it, as in {name}: 3")
        for name, shape in found.items() if not shape
    ]  # fmt: skip
    return notes


def renamed(flag: Flag, derivative: ArrayDerivative) -> Flag:
    """A flag of a gradient as one of the derivative."""
    kind, _, path = flag.path.partition(".")
    if kind != "gradients":  # of the output itself
        return flag
    name, bracket, rest = path.partition("[")
    return flag._replace(path=f"derivatives.{derivative.results[name,]}{bracket}{rest}")


def values(
    derivative: ArrayDerivative, at: Mapping[str, float | Array]
) -> dict[str, Tensor | None]:
    """What the formulas say at a point, by the names of the results; None where one has no value."""
    program = derivative.program
    given: dict[str, float | Array] = {**program.inputs, **program.array_inputs}
    given |= {name: at[name] for name in program.variables if name in at}
    found: dict[str, Tensor | None] = {}
    for name in derivative.results.values():
        node = program.node(name)
        row = program.operations[node] if node is not None else None
        counts = isinstance(row, Structural) and row.counts  # a size, by which nothing is derived
        wrt = () if counts else (name,)
        try:
            value = evaluate(
                program, given, wrt=wrt, output=name, upstream="ones", nodes=False
            ).value
        except BackpropError as error:
            if error.kind not in ("domain", "overflow", "precision", "limit"):
                raise
            found[name] = None
            continue
        found[name] = value
    return found


def alike(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors are the same numbers, but for rounding; a row is a vector."""
    if size(a.shape) != size(b.shape):
        return False
    floats = [None if one is None else as_float(one) for one in b.numbers]
    most = max([abs(one) for one in floats if one is not None], default=0.0)
    for x, y in zip(a.numbers, b.numbers, strict=True):
        if x is None or y is None or not exists(x) or not exists(y):
            continue
        near, other = as_float(x), as_float(y)
        if near is not None and other is not None and abs(near - other) > NEAR * max(most, 1e-300):
            return False
    return True
