"""Accuracy, measured: how far the numbers of a row are from what its values alone say.

A rule needs no trust. The value at two neighbouring points, in numbers of hundreds of digits, gives
the local gradient again, and the error bound of these numbers tells where it is certain. What is
held against it is what `eval` prints.
"""

import math
import random
from dataclasses import dataclass, replace
from typing import Any

from ..errors import BackpropError
from ..language.graph import Graph
from ..language.precedence import Text, write
from ..language.table_texts import compiled
from ..numbers.ball import Ball, DomainError
from ..numbers.decimal import wide as wide_number
from ..numbers.multiprecision import multiprecision, size_of
from ..numbers.wide import as_float
from ..operations.row import Operation
from ..passes.doubt import Doubt, NeedsPrecision
from ..passes.general import forward
from ..trace.evaluate import evaluate

__all__ = ["SEED", "Measurement", "Worst", "verify"]

POINTS, FEWER = 100, 20
"""Random points of a row's domain; fewer of a slow one, such as lgamma."""

SEED = 0

LADDER = ((100, 500), (400, 1500), (1300, 4200))
"""(step, bits): a difference quotient's step is the operand times 2^-step, in numbers of so many
bits; tried in turn until it is certain."""

SURE = 2.0**-60
"""The relative error of what is taken for the truth."""

TRIES = 60
"""How often a point is drawn again that has no value, or none that a float holds."""


@dataclass(frozen=True, slots=True)
class Worst:
    """The largest error of one number of a row.

    number: `value`, or the operand of a local gradient. ulps: the error in units in the last
    place; at: the point, by operand; printed: what `eval` gives; exact: 20 digits of the truth;
    points: at how many the truth was certain and was compared.
    """

    number: str
    ulps: float
    at: dict[str, float]
    printed: float
    exact: str
    points: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured of a row, at so many points: first its value, then each local gradient."""

    row: Operation
    points: int
    worst: tuple[Worst, ...]


def verify(row: Operation, points: int = 0) -> Measurement:
    """The measurement of a row of the table, at so many points, or the number that suits it."""
    points = points or (FEWER if row.slow else POINTS)
    rng = random.Random(f"{row.name} {SEED}")
    names = ["x", "y", "z"] if row.variadic else list(row.operands)
    graph = compiled(write(row, [Text(name) for name in names], "<").text)
    numbers = ["value", *(name for k, name in enumerate(names) if not fixed(row, k))]
    worst = {number: Worst(number, 0.0, {}, 0.0, "", 0) for number in numbers}
    for turn in range(points):
        at, given = printed(row, graph, names, rng, turn)
        for number in numbers:
            if number == "value":
                truth = exact(graph, at)
            else:
                truth = quotient(graph, at, number, 1.0 if row.jump or row.period else math.inf)
            mine = given.get(number)
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


def value(graph: Graph, at: dict[str, Any], bits: int) -> Ball | None:
    """The value in wide numbers, with its error bound; None where it is not certain to exist."""
    arithmetic = multiprecision(bits, False)
    point = {node: arithmetic.exactly(at[name]) for name, node in graph.variables.items()}
    try:
        values, _ = forward(graph, point, [True] * len(graph), arithmetic, Doubt())
    except (DomainError, NeedsPrecision):
        return None
    return values[graph.output]


def certain(number: Any, error: Any) -> bool:
    return bool(error <= abs(number) * SURE)


def exact(graph: Graph, at: dict[str, float]) -> Any | None:
    """The value of the row; None where it does not become certain."""
    for _, bits in LADDER:
        with multiprecision(bits, False).context():
            ball = value(
                graph, {n: multiprecision(bits, False).number(x) for n, x in at.items()}, bits
            )
            if ball is not None and certain(*ball):
                return ball[0]
    return None


def quotient(graph: Graph, at: dict[str, float], name: str, most: float = math.inf) -> Any | None:
    """The local gradient as a central difference quotient that a smaller step confirms.

    most: of the operand's size, what steps are taken of, so that none passes over a jump.
    """
    for step, bits in LADDER:
        arithmetic = multiprecision(bits, False)
        with arithmetic.context():
            point = {n: arithmetic.number(x) for n, x in at.items()}
            first, second = (
                central(graph, point, name, size, bits, most) for size in (step, step + 30)
            )
            if first is None or second is None or not certain(*first) or not certain(*second):
                continue
            if certain(second[0], abs(first[0] - second[0])):
                return second[0]
    return None


def central(
    graph: Graph, point: dict[str, Any], name: str, step: int, bits: int, most: float
) -> Ball | None:
    """The difference quotient and the bound on the error that its two values leave."""
    number = multiprecision(bits, False).number
    x = point[name]
    size = max(min(abs(x), most), number(2.0**-900)) * number(2.0) ** -step
    if x + size - x != size:  # so many bits don't hold the step
        return None
    above, below = (value(graph, {**point, name: x + h}, bits) for h in (size, -size))
    if above is None or below is None:
        return None
    return (above[0] - below[0]) / (2 * size), (above[1] + below[1]) / (2 * size)


def ulps(number: float, truth: Any) -> float:
    """The error of a float in units in the last place of the truth; 5e-324 below the normal ones."""
    unit = max(size_of(truth) - 53, -1074) if truth else -1074
    return float(abs(truth - number) / truth.context.ldexp(1, unit))
