"""Derivatives as formulas, and what they are at a point."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import usage
from ..language.graph import Graph
from ..numbers.wide import as_float
from ..trace.evaluate import evaluate
from ..trace.record import KINKS, Flag, Note
from .derive import MAX_ORDER, Derivative, derive, directional, numbers

__all__ = ["Formulas", "formulas"]

UNTESTED = "the code does not test itself: a derivative is a choice at this point, or none"


@dataclass(frozen=True, slots=True)
class Formulas:
    """What the formats of derivatives show.

    program: as it was written. at: the point, if there is one; the numbers there are ``value``,
    the output's, and ``numbers``, by the names of the results; None where there is none. inputs:
    the values that the program itself gives to variables. notes, flags: on the numbers, as a trace has
    them. author: what wrote them, for the comment of code.
    """

    program: str
    derivative: Derivative
    at: dict[str, float] | None
    numbers: dict[str, float | None]
    value: float | None
    inputs: dict[str, float] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    flags: tuple[Flag, ...] = ()
    author: str = "backprop"

    @property
    def remarks(self) -> list[str]:
        """The notes and flags as lines of text."""
        lines = [f"note: {note.message}" for note in self.notes]
        return list(dict.fromkeys([*lines, *(f"flag: {flag.message}" for flag in self.flags)]))

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
    derivative is a choice or does not exist: then the point is left out.

    Raises BackpropError for an unknown name, an order out of range, and where the program has no
    value at the point.
    """
    if not 1 <= order <= MAX_ORDER:
        raise usage(f"the order is 1 to {MAX_ORDER}, not {order}")
    if along is not None:
        derivative = directional(program, dict(along), output=output, second=second)
    else:
        derivative = derive(program, wrt=wrt, output=output, order=order, value=code)
    text, inputs = program.source.text, program.inputs
    if at is None:
        return Formulas(text, derivative, None, {}, None, inputs)
    trace = evaluate(program, at, output=output, nodes=False)
    figures, notes, flags = numbers(program, derivative, at, output, by_formula=along is not None)
    chosen = any(note.kind in KINKS for note in (*trace.notes, *notes)) or bool(
        trace.flags or flags
    )
    moved = False
    if chosen and (order > 1 or along is not None):
        from .singular import decided  # only where a rule is a choice, or none

        before = figures
        figures, notes, flags = decided(
            program, derivative, trace, before, notes, flags, along=along, second=second
        )
        moved = figures != before
    plain = {name: as_float(number) for name, number in figures.items()}
    choice = moved or any(note.kind in KINKS for note in trace.notes)
    shown: dict[str, float] | None = at
    if code and (choice or None in plain.values()):  # a formula may be of one side, or have none
        notes = [*notes, Note("untested", "", UNTESTED)]
        shown = None
    return Formulas(
        text, derivative, shown, plain, as_float(trace.value), inputs, tuple(notes), tuple(flags)
    )
