"""Derivatives as formulas, and what they are at a point."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import usage
from ..language.graph import Graph
from ..language.printer import kept_text
from ..numbers.wide import Number, Wide, as_float, exists
from ..symbolic.simplify import varying_power
from ..trace.evaluate import evaluate
from ..trace.notes import spelling
from ..trace.record import KINKS, Flag, Note
from .derive import MAX_ORDER, Derivative, derive, directional, evaluated, numbers

__all__ = ["Formulas", "formulas"]

UNTESTED = "the code does not test itself: a derivative has no number at this point"


@dataclass(frozen=True, slots=True)
class Formulas:
    """What the formats of derivatives show.

    program: as it was written. at: the point, if there is one; the numbers there are ``value``, the
    output's, and ``numbers``, by the names of the results; None where no float is it, and then
    ``wide`` says what it is instead. inputs: the values that the program itself gives to variables.
    written: texts of numbers of the point, where they are known: 0.10, pi/4. notes, flags: on the
    numbers; the path of a flag is `derivatives.` and a name. author: what wrote them, for the
    comment of code.
    """

    program: str
    derivative: Derivative
    at: dict[str, float] | None
    numbers: dict[str, float | None]
    value: float | None
    inputs: dict[str, float] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    flags: tuple[Flag, ...] = ()
    wide: dict[str, Wide] = field(default_factory=dict)
    written: Mapping[str, str] = field(default_factory=dict)
    author: str = "backprop"

    def named(self, by: tuple[str, ...]) -> str:
        """The name of a derivative, by what it is taken by."""
        return self.derivative.results[by]

    def number(self, name: str) -> Number:
        """A derivative's number; where no float is it, what it is instead: infinite, undefined."""
        near = self.numbers[name]
        return self.wide[name] if near is None else near


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

    def make(order: int, at_zero: bool = False, code: bool = False) -> Derivative:
        if along is not None:
            direction = dict(along)
            return directional(
                program, direction, output=output, second=second, code=code, at_zero=at_zero
            )
        return derive(program, wrt=wrt, output=output, order=order, code=code, at_zero=at_zero)

    derivative = make(order, code=code)
    text, inputs = kept_text(program), program.inputs
    if at is None:
        return Formulas(text, derivative, None, {}, None, inputs, tuple(spelling(program)))
    trace = evaluate(program, at, output=output, nodes=False)
    kinked = any(note.kind in KINKS for note in trace.notes)
    found = numbers(make, program, derivative, at, output, along is not None, kinked)
    figures, notes, flags = found.numbers, list(found.notes), list(found.flags)
    chosen = kinked or any(note.kind in KINKS for note in notes) or bool(trace.flags or flags)
    if chosen and (order > 1 or along is not None):
        from .singular import decided  # only where a rule is a choice, or none

        figures, notes, flags = decided(
            program, derivative, trace, figures, notes, flags, along=along, second=second
        )
    if not code and without_value(derivative, at, figures):
        derivative = make(order, at_zero=True)
    plain = {name: as_float(number) for name, number in figures.items()}
    wide = {name: number for name, number in figures.items() if isinstance(number, Wide)}
    if code and None in plain.values():
        notes.append(Note("untested", "", UNTESTED))
    written = {
        name: text[slice(*program.spans[program.variables[name]])]
        for name, value in inputs.items()
        if at.get(name) == value
    }
    return Formulas(
        text,
        derivative,
        at,
        plain,
        as_float(trace.value),
        inputs,
        tuple(notes),
        tuple(flags),
        wide,
        written,
    )


def without_value(
    derivative: Derivative, at: Mapping[str, float], numbers: Mapping[str, Number]
) -> bool:
    """Whether a formula with powers has no value at a point where there is a number."""
    if not varying_power(derivative.tape):
        return False
    values: dict[str, tuple[str, str | None]]
    values = {name: (name, None) for name in derivative.results.values()}
    refused = evaluated(derivative, dict(at), values, False).refused
    return any(exists(numbers[name]) for name in refused)
