"""A quiz: the sheets of an exercise, each from the seed and its number."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..arrays.evaluate import evaluate as evaluate_arrays
from ..arrays.flattened import in_numbers
from ..diagnosis.perturbed import Sheet
from ..diagnosis.rounding import all_rounded
from ..errors import BackpropError, few, shorten, usage
from ..language.graph import Array, Graph
from ..numbers.decimal import decimal
from ..numbers.wide import as_float
from ..operations.shape import Shape, size
from ..passes.run import Run, Target, run_at
from ..trace.evaluate import evaluate
from ..trace.record import Trace
from .draw import draws, fair, hopeless, is_short, stream
from .record import GRADIENTS, JUDGED_DIGITS, NEAR, VALUES, Blank, Quiz, Variant, Wrong
from .sheet import LONG_DIGITS, labelled
from .wrongs import Mistakes, Told, told_apart

__all__ = ["KINDS", "MOST", "quiz"]

MOST = 1000
"""Variants of a quiz."""

KINDS = (VALUES, GRADIENTS)

PRECISE = 20
"""Digits in which it is seen that a number is short."""

GOOD = 16
"""Fair points among which the one is chosen that tells most mistakes apart."""

Point = Mapping[str, float | Array]

Groups = Mapping[str, list[list[Wrong | None]]]
"""The wrong numbers of each gradient; see wrongs.Told."""


def quiz(
    program: Graph,
    at: Point,
    *,
    title: str = "",
    seed: int = 0,
    count: int = 1,
    first: int = 1,
    blank: tuple[str, ...] = (GRADIENTS,),
    corners: bool = False,
) -> Quiz:
    """Sheets of an exercise.

    program: bound, at the point. at: the inputs that are not drawn; where all are given, the numbers
    are taken as they are. count: how many sheets, the first of them numbered ``first``. blank: VALUES,
    GRADIENTS, or both. corners: also kinks, ties and dead branches.

    Raises BackpropError where no numbers are found with which a person can do it.
    """
    shapes = drawn_shapes(program, at)
    sheets = [
        variant(program, at, shapes, stream(seed, number), number, blank, corners)
        for number in range(first, first + count)
    ]
    return Quiz(title, program, seed, blank, tuple(sheets))


def drawn_shapes(program: Graph, at: Point) -> dict[str, Shape]:
    """The shapes of the inputs that are drawn. Raises BackpropError where one is not known."""
    letters: dict[str, int] = {}
    for name, declared in program.declared.items():
        given = at.get(name)
        if isinstance(given, Array):
            letters |= {
                k: n for k, n in zip(declared, given.shape, strict=False) if isinstance(k, str)
            }
    found: dict[str, Shape] = {}
    for name in program.variables:
        if name not in at:
            declared = program.declared.get(name, ())
            unknown = [k for k in declared if isinstance(k, str) and k not in letters]
            if unknown:
                raise usage(
                    f"nothing says how large {few(unknown)} of {shorten(name)} is",
                    f"declare it with numbers, such as {shorten(name)}: 2x2",
                )
            found[name] = tuple([letters[k] if isinstance(k, str) else k for k in declared])
    return found


def variant(
    program: Graph,
    at: Point,
    shapes: Mapping[str, Shape],
    random: Any,
    number: int,
    blank: tuple[str, ...],
    corners: bool,
) -> Variant:
    """One sheet. Raises BackpropError where no fair numbers are found."""
    labels = [f"{name}[{k}]" for name, shape in shapes.items() for k in range(size(shape))]
    best: tuple[int, dict[str, float | Array], Sheet, dict[str, Told]] | None = None
    good = 0
    for found in draws(labels, random) if labels else [{}]:
        point = {**at, **gathered(found, shapes)}
        try:
            if labels and not arrays(program, point) and hopeless(quick(program, point), corners):
                continue
            rough = passes(program, point)
            if labels and not fair(rough, corners, at.keys()):
                continue
            exact = passes(program, point, PRECISE)
        except BackpropError:
            if not labels:
                raise
            continue
        if labels and not (fair(exact, corners, at.keys()) and rounds_well(rough)):
            continue
        sheet = Sheet.of(rough)
        told = mistakes(program, point, shapes, sheet)
        missed = sum(one.missed for one in told.values())
        good += 1
        if best is None or missed < best[0]:
            best = missed, point, sheet, told
        if not missed or good == GOOD:
            break
    if best is None:
        raise BackpropError(
            "quiz", "no numbers were found with which this program can be done by hand",
            hint="fix some of the inputs with --at, or use a smaller program",
        )  # fmt: skip
    _, point, sheet, told = best
    with sheet.arithmetic.context():
        groups = {name: one.wrongs(sheet) for name, one in told.items()}
    filled = tuple(blanks(shown(program, point, PRECISE), groups, blank))
    return Variant(number, point, shown(program, point), filled, tuple(untold(groups)))


def shown(program: Graph, at: Point, precision: int | None = None) -> Any:
    """Both passes as they are shown."""
    point: Any = dict(at)
    if arrays(program, at):
        return evaluate_arrays(program, point, precision=precision)
    return evaluate(program, point, precision=precision)


def arrays(program: Graph, at: Point) -> bool:
    """Whether a program is over arrays at a point."""
    return program.arrays or any(isinstance(value, Array) for value in at.values())


def gathered(found: Mapping[str, float], shapes: Mapping[str, Shape]) -> dict[str, float | Array]:
    """Numbers that were drawn, in their shapes."""
    return {
        name: Array(shape, tuple([found[f"{name}[{k}]"] for k in range(size(shape))])).value
        for name, shape in shapes.items()
    }


def quick(program: Graph, at: Point) -> Run:
    """Both passes over numbers, of which no trace is made."""
    point: Any = dict(at)
    return run_at(Target(program, (), ""), point, 1.0, None, False)


def passes(program: Graph, at: Point, precision: int | None = None) -> Trace:
    """Both passes over numbers, which those over arrays mean, too."""
    point: Any = dict(at)
    if arrays(program, at):
        return in_numbers(program, point, precision=precision)
    return evaluate(program, point, precision=precision)


def mistakes(
    program: Graph, at: Point, shapes: Mapping[str, Shape], sheet: Sheet
) -> dict[str, Told]:
    """What mistakes make of every gradient that is asked for."""
    if arrays(program, at):
        return {}
    try:
        nearby = Sheet.of(passes(program, moved(at, shapes or at)))
    except BackpropError:  # the point is at the edge of the domain
        nearby = sheet
    trace = sheet.trace
    names = [
        node.name
        for node in trace.nodes
        if node.gradient is not None and node.index != trace.output
    ]
    with sheet.arithmetic.context():
        here, there = Mistakes(sheet, names), Mistakes(nearby, names)
        return {name: told_apart(here, there, name) for name in names}


def moved(point: Point, names: Iterable[str]) -> dict[str, float | Array]:
    """A point close by, where no two numbers are the same by chance."""
    places = {name: k + 1 for k, name in enumerate(names)}
    return {
        name: value if isinstance(value, Array) else value * (1 + places.get(name, 0) / 193)
        for name, value in point.items()
    }


def rounds_well(trace: Trace) -> bool:
    """Whether rounding every line to 3 digits leaves every answer well within what is let pass."""
    sheet = Sheet.of(trace)
    for gradients in all_rounded(sheet, three):
        for near, exact in zip(gradients, sheet.gradients, strict=True):
            if abs(near - exact) > NEAR / 2 * abs(exact):
                return False
    return True


def three(x: Any) -> float:
    """A number of 3 digits."""
    return float(f"{x:.3g}")


def blanks(trace: Any, groups: Groups, blank: tuple[str, ...]) -> Iterator[Blank]:
    """What is to be filled in, in the order in which it is computed."""
    shown = [node for node in trace.nodes if node.kind != "constant"]
    number = 0
    for node in shown if VALUES in blank else ():
        for name, x in labelled(node.name, node.value) if node.operands else ():
            number += 1
            yield to_fill(number, name, VALUES, x, ())
    for node in reversed(shown) if GRADIENTS in blank else ():
        if node.gradient is None or node.index == trace.output:
            continue
        for name, x in labelled(node.name, node.gradient):
            number += 1
            firsts = [group[0] for group in groups.get(name, ())]
            wrongs = tuple([one for one in firsts if one is not None])
            yield to_fill(number, name, GRADIENTS, x, wrongs)


def to_fill(number: int, name: str, kind: str, x: Any, wrongs: tuple[Wrong, ...]) -> Blank:
    exact, answer = is_short(x), as_float(x)
    assert answer is not None
    text = decimal(x, LONG_DIGITS if exact else JUDGED_DIGITS)
    return Blank(number, name, kind, answer, text, exact, wrongs)


def untold(groups: Groups) -> Iterator[str]:
    """What is said of the mistakes that this sheet does not tell apart."""
    for name, every in groups.items():
        for group in every:
            said = [f"{wrong.mistake} at {wrong.node}" for wrong in group if wrong is not None]
            if group[0] is None and said:
                yield f"{name}: right comes out, too, of {' or of '.join(said)}"
            elif len(said) > 1:
                yield f"{name}: the same comes out of {' and of '.join(said)}"
