"""Accuracy, measured: how far the numbers of a row are from what its values alone say.

A rule needs no trust. The value at two neighbouring points, in numbers of hundreds of digits, gives
the local gradient again (see quotients.py). What is held against it is what `eval` prints.
"""

import random
from dataclasses import replace
from typing import Any

from ..errors import BackpropError
from ..language.graph import Graph
from ..language.precedence import Text, write
from ..language.table_texts import compiled
from ..numbers.decimal import wide as wide_number
from ..numbers.multiprecision import size_of
from ..numbers.wide import as_float
from ..operations.row import Operation
from ..operations.structural import Structural
from ..trace.evaluate import evaluate
from .array_accuracy import verify as verify_array
from .measurement import SEED, Measurement, Worst
from .moved import along, dependents
from .quotients import Passes, Work, slopes

__all__ = ["verify"]

POINTS, FEWER = 100, 20
"""Random points of a row's domain; fewer of a slow one, such as lgamma."""

WORK = 10**9
"""Operands that may be looked at for one slope: as many as it takes."""

TRIES = 60
"""How often a point is drawn again that has no value, or none that a float holds."""


def verify(row: Operation, points: int = 0) -> Measurement:
    """The measurement of a row of a table, at so many points, or the number that suits it.

    Of an operation on arrays it is of what is sent to each operand, against the text that says so.
    """
    if isinstance(row, Structural):
        return verify_array(row, points)
    points = points or (FEWER if row.slow else POINTS)
    rng = random.Random(f"{row.name} {SEED}")
    names = ["x", "y", "z"] if row.variadic else list(row.operands)
    graph = compiled(write(row, [Text(name) for name in names], "<").text)
    numbers = ["value", *(name for k, name in enumerate(names) if not fixed(row, k))]
    worst = {number: Worst(number, 0.0, {}, 0.0, "", 0) for number in numbers}
    for turn in range(points):
        at, given = printed(row, graph, names, rng, turn)
        passes = passes_at(graph, at)
        for number in numbers:
            mine = given.get(number)
            truth = exact(passes, number, mine or 0.0) if passes else None
            if truth is not None and mine is not None:
                before = worst[number]
                error = ulps(mine, truth)
                largest = before
                if not before.at or error > before.ulps:
                    digits = wide_number(truth, 20).text
                    largest = Worst(number, error, at, mine, digits, 0)
                worst[number] = replace(largest, points=before.points + 1)
    return Measurement(row, points, tuple(worst.values()))


def fixed(row: Operation, k: int) -> bool:
    """Whether an operand is a whole number that nothing is differentiated by."""
    return not row.variadic and row.rules[k] == "0/0"


def printed(
    row: Operation, graph: Graph, names: list[str], rng: random.Random, turn: int
) -> tuple[dict[str, float], dict[str, float | None]]:
    """A point at which the row has a value that a float holds, and the numbers of `eval` there."""
    for attempt in range(TRIES):
        # after many tries on the logarithmic scale, where little has a value, an ordinary point
        scale = turn % 3 if attempt < TRIES / 2 else 0
        at = {name: drawn(row, k, rng, scale) for k, name in enumerate(names)}
        try:
            trace = evaluate(graph, at)
        except BackpropError:
            continue
        numbers = {"value": trace.value, **trace.gradients}
        return at, {name: as_float(number) for name, number in numbers.items()}
    raise AssertionError(f"no point of the domain of {row.name} was found")


def drawn(row: Operation, k: int, rng: random.Random, scale: int) -> float:
    """A coordinate: ordinary (0), of any magnitude (1), or near a limit of the domain (2)."""
    if fixed(row, k):
        return float(rng.randint(0, 6))
    limits = [
        bound.limit
        for bound in row.domain
        if isinstance(bound.limit, float) and not row.variadic and bound.operand == row.operands[k]
    ]
    if scale == 2:
        distance = 10 ** rng.uniform(-15, 1)
        return rng.choice(limits or [0.0, 1.0]) + rng.choice((-1, 1)) * distance
    if scale == 1:
        return rng.choice((-1, 1)) * 10 ** rng.uniform(-300, 300)
    return rng.uniform(-8, 8) if rng.random() < 0.5 or not limits else rng.uniform(-1, 1)


def passes_at(graph: Graph, at: dict[str, float]) -> Passes | None:
    """The row in wide numbers at a point; None where they do not hold its value."""
    try:
        return Passes(graph, at, [True] * len(graph))
    except BackpropError:
        return None


def exact(passes: Passes, name: str, mine: float) -> Any | None:
    """The value, or the slope in an operand; None where it does not become certain.

    mine: what it should be.
    """
    graph, point = passes.graph, passes.made[passes.least]
    if name == "value":
        ball = point.values[graph.output]
        return ball[0] if ball is not None and (ball[0] or not ball[1]) else None
    node = graph.variables[name]
    with point.arithmetic.context():
        below = dependents(graph, point.values, passes.needed, [node], graph.output)
        moved = along(graph, below, {node: 1.0}, graph.output, 1.0)
        claimed = point.arithmetic.number(mine)
        found = slopes(passes, moved, [node], claimed, False, Work(WORK))
    return found.slope if found.kind == "smooth" else None


def ulps(number: float, truth: Any) -> float:
    """The error of a float in units in the last place of the truth; 5e-324 below the normal ones."""
    unit = max(size_of(truth) - 53, -1074) if truth else -1074
    return float(abs(truth - number) / truth.context.ldexp(1, unit))
