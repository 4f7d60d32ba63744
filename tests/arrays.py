"""An oracle for programs over arrays: loops of its own, at 50 digits, and differences of values.

Nothing here knows a rule of differentiation. A program is a Python function over nested lists of
mpmath numbers; its gradients are central differences with a step of 1e-20, at 60 digits.
"""

from collections.abc import Callable, Iterator
from typing import Any

import mpmath
from mpmath import mp

Value = Any


def number(value: Any) -> Value:
    """A decimal of a point as an mpmath number, in nested lists."""
    return [number(x) for x in value] if isinstance(value, list) else mp.mpf(repr(value))


def places(value: Value) -> Iterator[tuple[int, ...]]:
    """The places of the numbers of nested lists."""
    if not isinstance(value, list):
        yield ()
        return
    for k, inner in enumerate(value):
        for place in places(inner):
            yield (k, *place)


def moved(value: Value, place: tuple[int, ...], step: Value) -> Value:
    """Nested lists with one number moved by a step."""
    if not place:
        return value + step
    return [moved(x, place[1:], step) if k == place[0] else x for k, x in enumerate(value)]


def at(value: Value, place: tuple[int, ...]) -> Value:
    for k in place:
        value = value[k]
    return value


def gradients(f: Callable[..., Value], point: dict[str, Any], given: tuple[str, ...] = ()) -> Any:
    """The value of a function and its gradients by all but the given names."""
    with mp.workdps(60):
        numbers = {name: value if name in given else number(value) for name, value in point.items()}
        step = mp.mpf(10) ** -20
        found = {}
        for name, value in numbers.items():
            if name in given:
                continue
            slopes = {}
            for place in places(value):
                up, down = (
                    f(**numbers | {name: moved(value, place, sign * step)}) for sign in (1, -1)
                )
                slopes[place] = float((up - down) / (2 * step))
            found[name] = slopes
        return float(f(**numbers)), found


# the loops


def times(a: Value, b: Value) -> Value:
    """The matrix product, of vectors too."""
    if not isinstance(a[0], list):
        return times([a], b)[0]
    if not isinstance(b[0], list):
        return [mpmath.fsum(x * y for x, y in zip(row, b, strict=True)) for row in a]
    return [
        [mpmath.fsum(row[k] * b[k][j] for k in range(len(b))) for j in range(len(b[0]))]
        for row in a
    ]


def each(f: Callable[..., Value], *values: Value) -> Value:
    """A function of numbers, element by element; a number goes with everything."""
    first = next((x for x in values if isinstance(x, list)), None)
    if first is None:
        return f(*values)
    return [
        each(f, *(x[k] if isinstance(x, list) else x for x in values)) for k in range(len(first))
    ]


def all_of(value: Value) -> list[Value]:
    return [at(value, place) for place in places(value)]


def rows_with(f: Callable[..., Value], rows: Value, row: Value) -> Value:
    """A function of numbers over each row of a matrix and one row."""
    return [each(f, one, row) for one in rows]


def columns(rows: Value) -> Value:
    return [list(column) for column in zip(*rows, strict=True)]


def softmax(row: Value) -> Value:
    weights = [mp.exp(x) for x in row]
    return [w / mpmath.fsum(weights) for w in weights]


def sigmoid(x: Value) -> Value:
    return 1 / (1 + mp.exp(-x))


def entropy(scores: Value, labels: Value) -> Value:
    return mpmath.fsum(-mp.log(softmax(row)[y]) for row, y in zip(scores, labels, strict=True)) / len(scores)  # fmt: skip


def add(a: Value, b: Value) -> Value:
    return each(lambda x, y: x + y, a, b)


def squares(value: Value) -> Value:
    return mpmath.fsum(x**2 for x in all_of(value))


def mean(numbers: Value) -> Value:
    return mpmath.fsum(numbers) / len(numbers)


def weighted(value: Value, by: Value) -> Value:
    """An array times what arrives at it, as one number."""
    return mpmath.fsum(x * y for x, y in zip(all_of(value), all_of(by), strict=True))
