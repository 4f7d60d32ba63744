"""A quiz: the sheets of an exercise, each from the seed and its number."""

from collections.abc import Iterator, Mapping, Set
from itertools import islice
from typing import Any

from ..arrays.evaluate import evaluate as evaluate_arrays
from ..arrays.flattened import flattened
from ..diagnosis.perturbed import Sheet
from ..diagnosis.rounding import all_rounded
from ..errors import BackpropError, few, shorten, usage
from ..language.graph import Array, Graph, as_array
from ..numbers.decimal import decimal
from ..numbers.wide import as_float
from ..operations.shape import Shape, size
from ..passes.run import Run, Target, run_at
from ..trace.evaluate import evaluate
from ..trace.record import Trace
from .draw import draws, fair, hopeless, is_short, plain_nodes, stream
from .record import GRADIENTS, JUDGED_DIGITS, NEAR, VALUES, Blank, Quiz, Variant, Wrong
from .sheet import LONG_DIGITS, labelled
from .wrongs import ALL, COMMON, Nearby, Told, figures, made, told_apart

__all__ = ["KINDS", "LARGEST_SEED", "MOST", "quiz"]

MOST = 1000
"""Variants of a quiz."""

LARGEST_SEED = 10**12
"""Of seeds, and of numbers of sheets."""

KINDS = (VALUES, GRADIENTS)

PRECISE = 20
"""Digits in which it is seen that a number is short."""

LARGEST = 300
"""Operations on numbers, and numbers of the inputs, of a program that may be done by hand."""

WORK = 60_000
"""Nodes whose numbers are computed while fair ones are looked for; a trace costs SLOWER times that."""

SLOWER = 12

GOOD = 5
"""Fair points among which the one is chosen that tells most mistakes apart."""

LAST = 2
"""Those that tell the common mistakes apart best, among which the rarer ones choose."""

Point = Mapping[str, float | Array]


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
    maker = Maker(program, at, drawn_shapes(program, at))
    sheets = [
        variant(maker, stream(seed, number), number, blank, corners)
        if maker.labels
        else maker.sheet(at, maker.told(at), number, blank)
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
    maker: "Maker", random: Any, number: int, blank: tuple[str, ...], corners: bool
) -> Variant:
    """One sheet. Raises BackpropError where no fair numbers are found."""
    good: list[tuple[int, int, Point]] = []
    near: dict[tuple[bool, ...], Nearby] = {}
    work = 0
    for found in draws(maker.labels, random):
        point = {**maker.given, **gathered(found, maker.shapes)}
        work += maker.size
        if work > WORK:
            break
        try:
            if hopeless(maker.quick(point), maker.plain, corners):
                continue
            work += SLOWER * maker.size
            rough = maker.passes(point)
            if fair(rough, corners, maker.long) and rounds_well(rough):
                good.append((maker.missed(point, rough, near), len(good), point))
        except BackpropError:
            continue
        if len(good) == GOOD or sum(not missed for missed, *_ in good) == LAST:
            break
    known = (point for *_, point in sorted(good, key=lambda one: one[:2]))
    last = islice((one for one in known if maker.is_exact(one, corners)), LAST)
    told_at = [(point, maker.told(point)) for point in last]
    if not told_at:
        raise BackpropError(
            "quiz", "no numbers were found with which this program can be done by hand",
            hint="fix some of the inputs, or use a smaller program",
        )  # fmt: skip
    chosen, told = min(told_at, key=lambda one: one[1].alike_or_right)
    return maker.sheet(chosen, told, number, blank)


class Maker:
    """What makes sheets of a program, of which some inputs are given, and others drawn.

    shapes, labels: of what is drawn, and its numbers by their names. long: what is given and is no
    short number. numbers: the program over numbers alone; whole: inputs that are labels and indices.
    """

    def __init__(self, program: Graph, given: Point, shapes: Mapping[str, Shape]) -> None:
        self.program, self.given, self.shapes = program, given, shapes
        self.labels = [f"{name}[{k}]" for name, shape in shapes.items() for k in range(size(shape))]
        sample = {**given, **gathered(dict.fromkeys(self.labels, 1.0), shapes)}
        self.arrays = program.arrays or any(isinstance(x, Array) for x in sample.values())
        many = sum(size(as_array(x).shape) for x in sample.values())
        if max(many, len(program)) > LARGEST:
            raise too_large()
        self.layout: dict[str, tuple[str, ...]] = {name: (name,) for name in program.variables}
        self.numbers, self.whole = program, frozenset[str]()
        if self.arrays:
            flat = flattened(program, sample)
            self.numbers, self.whole = flat.graph, flat.whole
            self.layout = {name: labels for name, (_, labels) in flat.layout.items()}
        self.size = len(self.numbers)
        if self.size > LARGEST:
            raise too_large()
        self.target = Target(self.numbers, (), "")
        long = {
            label
            for name, x in given.items()
            for label, number in zip(self.layout.get(name, ()), as_array(x).numbers, strict=False)
            if not is_short(number)
        }
        self.long = frozenset(long & self.numbers.variables.keys())
        self.plain = plain_nodes(self.numbers, self.long)

    def at(self, point: Point) -> dict[str, float]:
        """The point of the program over numbers."""
        return {
            label: number
            for name, x in point.items()
            for label, number in zip(self.layout.get(name, ()), as_array(x).numbers, strict=False)
            if label in self.numbers.variables
        }

    def quick(self, point: Point) -> Run:
        """Both passes over numbers, of which no trace is made."""
        return run_at(self.target, self.at(point), 1.0, None, False)

    def passes(self, point: Point, precision: int | None = None) -> Trace:
        """The trace over numbers."""
        expand = ["all"] if self.arrays else []
        return evaluate(self.numbers, self.at(point), expand=expand, precision=precision)

    def shown(self, point: Point, precision: int | None = None) -> Any:
        """Both passes as they are shown."""
        if self.arrays:
            return evaluate_arrays(self.program, dict(point), precision=precision)
        return evaluate(self.program, self.at(point), precision=precision)

    def is_exact(self, point: Point, corners: bool) -> bool:
        """Whether what is short is so in all digits."""
        return fair(self.passes(point, PRECISE), corners, self.long)

    def told(self, point: Point) -> Told:
        """What mistakes make of every gradient that is asked for."""
        return told_apart(*made(self.shown(point)), self.near(point))

    def missed(self, point: Point, rough: Trace, near: dict[tuple[bool, ...], Nearby]) -> int:
        """How many of the common mistakes are not told apart. near: what they change close by, of
        which only what is routed where matters.
        """
        routed = tuple([arc.routed for arc in Sheet.of(rough).arcs])
        if routed not in near:
            near[routed] = self.near(point, COMMON)
        trace = self.shown(point) if self.arrays else rough
        return told_apart(*made(trace, COMMON), near[routed]).missed

    def near(self, point: Point, heaviest: int = ALL) -> Nearby:
        """What mistakes up to a weight change at a point close by."""
        try:
            _, there, every = made(self.shown(moved(point, self.whole)), heaviest)
        except BackpropError:  # the point is at the edge of the domain
            return {}
        return figures(there, every)

    def sheet(self, point: Point, told: Told, number: int, blank: tuple[str, ...]) -> Variant:
        """The sheet with these numbers."""
        untold = tuple(told.untold()) if GRADIENTS in blank else ()
        filled = tuple(blanks(self.shown(point, PRECISE), told, blank))
        return Variant(number, dict(point), self.shown(point), filled, untold)


def too_large() -> BackpropError:
    return BackpropError(
        "quiz", f"a program of more than {LARGEST} numbers is not done by hand",
        hint="use a smaller program, or smaller arrays",
    )  # fmt: skip


def gathered(found: Mapping[str, float], shapes: Mapping[str, Shape]) -> dict[str, float | Array]:
    """Numbers that were drawn, in their shapes."""
    return {
        name: Array(shape, tuple([found[f"{name}[{k}]"] for k in range(size(shape))])).value
        for name, shape in shapes.items()
    }


def moved(point: Point, whole: Set[str]) -> dict[str, float | Array]:
    """A point close by, where no two numbers are the same by chance. whole: what stays."""
    found: dict[str, float | Array] = {}
    for place, (name, value) in enumerate(point.items(), start=1):
        x = as_array(value)
        near = [number * (1 + place / 193 + k / 487) for k, number in enumerate(x.numbers)]
        found[name] = value if name in whole else Array(x.shape, tuple(near)).value
    return found


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


def blanks(trace: Any, told: Told, blank: tuple[str, ...]) -> Iterator[Blank]:
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
            yield to_fill(number, name, GRADIENTS, x, told.wrongs(name))


def to_fill(number: int, name: str, kind: str, x: Any, wrongs: tuple[Wrong, ...]) -> Blank:
    exact, answer = is_short(x), as_float(x)
    assert answer is not None
    text = decimal(x, LONG_DIGITS if exact else JUDGED_DIGITS)
    return Blank(number, name, kind, answer, text, exact, wrongs)
