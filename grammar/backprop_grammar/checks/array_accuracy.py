"""The texts of the array table held against its lowerings, which know no calculus.

What an operation on arrays sends back stands in the table twice: as a text, and in the operations
on numbers that it means, whose local gradients are those of the table of numbers. At random points
the two are compared, number by number: over shapes of all kinds, sizes of 1 and vectors among them,
with ties, kinks, saturation and indices that repeat.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from math import ulp
from typing import Any, NamedTuple

from ..arrays.evaluate import evaluate
from ..arrays.interpret import fitted, value
from ..arrays.record import Tensor
from ..arrays.vjp import OUT, UP
from ..errors import BackpropError
from ..language.graph import Array, Graph, as_array
from ..language.printer import program_text
from ..language.table_texts import compiled
from ..numbers.wide import Number, Wide, as_float, exists
from ..operations.shape import Misfit, Shape, Taken, size
from ..operations.structural import ARRAY, INDEX, SELECTIONS, STRUCTURAL, Structural
from .measurement import SEED, WRONG, Measurement, Worst

__all__ = ["verify"]

POINTS = 40

DIGITS = 25
"""Of what a text says, to see how far the printed number is from it."""

TRIES = 10_000
"""How often shapes are drawn again that do not fit, and points without a value."""

SHAPES: list[Shape] = [
    (), (1,), (2,), (3,), (4,), (6,), (1, 1), (1, 3), (2, 1), (2, 2), (2, 3), (3, 2), (3, 3), (4, 3),
]  # fmt: skip

PLACES = ("only", "every", "since", "until", "between")
"""What may stand at an axis of an index."""


class Case(NamedTuple):
    """A program of one operation, a point, what arrives, and what the operands are called."""

    program: Graph
    at: dict[str, float | Array]
    up: float | Array
    names: tuple[str, ...]
    shapes: list[Shape]
    written: Any


def verify(row: Structural, points: int = 0) -> Measurement:
    """The largest errors of what a row prints, against its texts, at so many points."""
    points = points or POINTS
    rng = random.Random(f"{row.name} {SEED}")
    worst: dict[str, Worst] = {}
    for turn in range(points):
        case, numbers = evaluated(row, rng, turn)
        compared = set()
        for place, name in enumerate(case.names):
            if name not in numbers:
                continue
            number = "x" if row.variadic else name  # all operands of any number are alike
            for told in said(row, case, place):
                before = worst.get(number, Worst(number, 0.0, {}, 0.0, "", 0))
                found = farthest(numbers[name], told)
                if not before.at or found[0] > before.ulps:
                    before = Worst(number, found[0], point(case), *found[1:], before.points)
                more = number not in compared
                worst[number] = replace(before, points=before.points + more)
                compared.add(number)
    return Measurement(row, points, tuple(worst.values()))


def point(case: Case) -> dict[str, Any]:
    values = {**case.at, UP: case.up}
    return {name: as_array(x).nested for name, x in values.items()}


def said(row: Structural, case: Case, place: int) -> Iterator[Tensor | None]:
    """What the texts say that is sent to an operand: as it is shown, and as it is computed.

    None where it does not fit, or has no value; what is shown need not have one where another text
    is computed.
    """
    texts = [row.vjp(case.shapes, case.written, careful)[place] for careful in (True, False)]
    for k, text in enumerate(dict.fromkeys(texts)):
        try:
            program = compiled(f"{program_text(case.program)}; {text}")
            told = value(program, {**case.at, UP: case.up}, DIGITS)
            yield fitted(told, case.shapes[place])
        except (BackpropError, ValueError) as error:
            if not k or getattr(error, "kind", "") in ("shape", "syntax", "name", "arity"):
                yield None


def farthest(numbers: Tensor, told: Tensor | None) -> tuple[float, float, str]:
    """The largest error of numbers, in units in the last place, the number and the truth there."""
    worst = (-1.0, 0.0, "")
    for k, number in enumerate(numbers.numbers):
        truth = told.numbers[k] if told else None
        assert number is not None
        mine = as_float(number)
        if truth is None or mine is None or not exists(truth):
            error = WRONG
        else:
            error = min(WRONG, float(abs(decimal(truth) - decimal(mine)) / Decimal(ulp(mine))))
        if error > worst[0]:
            worst = error, mine or 0.0, "" if truth is None else str(decimal(truth))
    return worst


def decimal(number: Number) -> Decimal:
    return Decimal(number.text if isinstance(number, Wide) else number)


# points


def evaluated(row: Structural, rng: random.Random, turn: int) -> tuple[Case, dict[str, Tensor]]:
    """A case that has a value, and what is sent to each operand."""
    for _ in range(TRIES):
        case = drawn(row, rng, turn)
        if case is None:
            continue
        try:
            trace = evaluate(case.program, case.at, upstream=case.up, nodes=False)
        except BackpropError:
            continue
        return case, {
            name: tensor
            for name, tensor in trace.gradients.items()
            if row.vjp(case.shapes, case.written)[case.names.index(name)] != "0"
        }
    raise AssertionError(f"no operands that {row.name} takes were found")


def drawn(row: Structural, rng: random.Random, turn: int) -> Case | None:
    """A case whose shapes fit; None for shapes that do not."""
    count, written = operands_of(row, rng)
    names = row.called(count, written) or tuple([f"x{k}" for k in range(count)])
    inner = written[0] if row.name in SELECTIONS else row
    first = 1 if row.name in SELECTIONS else 0
    taken: list[Taken] = []
    at: dict[str, float | Array] = {}
    for place, name in enumerate(names):
        selects = place - first in inner.indices or (inner is INDEX and place > first)
        shape = rng.choice(SHAPES[:6] if selects else SHAPES)
        whole = None
        if selects and not (row.holds and shape and rng.random() < 0.5):
            whole = tuple([rng.randint(-1, 4) for _ in range(size(shape))])
        numbers = tuple(map(float, whole)) if whole else numbers_of(size(shape), rng, turn)
        at[name] = Array(shape, numbers).value
        taken.append(Taken(name, shape, whole))
    shapes = [one.shape for one in taken]
    for k, one in enumerate(taken):
        if row.holds and row.holds(shapes, one.whole is not None):
            taken[k] = one._replace(whole=None)
    try:
        result = row.shape(taken, written)
    except Misfit:
        return None
    program = Graph()
    nodes = tuple([program.variable(name) for name in names])
    program.stages = [(OUT, program.add(row, nodes))]
    program.written[program.output] = written
    program.names[program.output] = OUT
    numbers = numbers_of(size(result), rng, turn // 4)
    return Case(program, at, Array(result, numbers).value, names, shapes, written)


def operands_of(row: Structural, rng: random.Random) -> tuple[int, Any]:
    """A number of operands, and what is written beside them."""
    if row is INDEX:
        places = tuple([rng.choice(PLACES) for _ in range(rng.randint(1, 2))])
        taken = {"only": 1, "every": 0, "since": 1, "until": 1, "between": 2}
        return 1 + sum(taken[how] for how in places), places
    if row is ARRAY:
        shape = rng.choice(SHAPES[1:])
        return size(shape), shape
    if row.name in SELECTIONS:
        inner = rng.choice([INDEX, STRUCTURAL["pick"], STRUCTURAL["maxpool"]])
        count, written = operands_of(inner, rng)
        return count + 1, (inner, written)
    least, most = row.arity
    axis = rng.choice((None, 0, 1)) if row.name == "concat" else None
    return rng.randint(least, most or least + 2), axis


def numbers_of(count: int, rng: random.Random, kind: int) -> tuple[float, ...]:
    """Numbers: ordinary, small whole ones, which tie and vanish, large ones, or of any magnitude."""
    draws = (
        lambda: rng.uniform(-2, 2),
        lambda: float(rng.randint(-1, 1)),
        lambda: rng.uniform(-60, 60),
        lambda: rng.choice((-1, 1)) * 10 ** rng.uniform(-6, 3),
    )
    return tuple([draws[kind % 4]() for _ in range(count)])
