"""Derivatives as formulas, and what they are at a point."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import usage
from ..language.graph import Graph
from ..numbers.wide import as_float
from ..trace.evaluate import evaluate
from .derive import MAX_ORDER, Derivative, derive, directional, numbers

__all__ = ["Formulas", "formulas"]

UNTESTED = "note: the code does not test itself: a derivative has no number at this point"


@dataclass(frozen=True, slots=True)
class Formulas:
    """What the formats of derivatives show.

    program: as it was written. at: the point, if there is one; the numbers there are ``value``,
    the output's, and ``numbers``, by the names of the results; None where there is none. inputs:
    the values that the program itself gives to variables. remarks: on the numbers. author:
    what wrote them, for the comment of code.
    """

    program: str
    derivative: Derivative
    at: dict[str, float] | None
    numbers: dict[str, float | None]
    value: float | None
    inputs: dict[str, float] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    author: str = "backprop"

    def named(self, by: tuple[str, ...]) -> str:
        """The name of a derivative, by what it is taken by."""
        return self.derivative.results[by]


def formulas(
    program: Graph,
    at: dict[str, float] | None = None,
    *,
    wrt: Sequence[str] = (),
    output: str = "",
    order: int = 1,
    along: Mapping[str, float] | None = None,
    second: bool = False,
    code: bool = False,
) -> Formulas:
    """The derivatives of a program, with their numbers where there is a point.

    order: of the partial derivatives. along: the derivative along this direction instead; second:
    the gradient of that, the Hessian times the direction. code: the formulas are for a file of
    code, which computes the output, too, and tests itself at the point. It cannot where a
    derivative does not exist.

    Raises BackpropError for an unknown name, an order out of range, and where the program has no
    value at the point.
    """
    if not 1 <= order <= MAX_ORDER:
        raise usage(f"the order is 1 to {MAX_ORDER}, not {order}")

    def made(code: bool) -> Derivative:
        if along is not None:
            return directional(program, dict(along), output=output, second=second, code=code)
        return derive(program, wrt=wrt, output=output, order=order, code=code)

    derivative = made(code)
    asked = made(False) if code and along is not None and at is not None else derivative
    text, inputs = program.source.text, program.inputs
    if at is None:
        return Formulas(text, derivative, None, {}, None, inputs)
    trace = evaluate(program, at, output=output, nodes=False)
    figures, remarks = numbers(program, asked, at, output, by_formula=along is not None)
    plain = {name: as_float(number) for name, number in figures.items()}
    if code and None in plain.values():
        remarks.append(UNTESTED)
    return Formulas(text, derivative, at, plain, as_float(trace.value), inputs, tuple(remarks))
