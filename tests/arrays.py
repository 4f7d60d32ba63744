"""An oracle for programs over arrays: loops of its own, at 50 digits, and differences of values.

Nothing here knows a rule of differentiation. A program is a Python function over nested lists of
mpmath numbers; its gradients are central differences with a step of 1e-20, at 60 digits.
"""

# ruff: noqa: N803  a matrix has a capital letter

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


def relu(value: Value) -> Value:
    return each(lambda x: max(mp.mpf(0), x), value)


def layer(X: Value, W: Value, b: Value) -> Value:
    return rows_with(lambda x, y: x + y, times(X, W), b)


def two_layers(x: Value, w1: Value, w2: Value, y: Value) -> Value:
    return squares(add(times(each(sigmoid, times(x, w1)), w2), each(lambda t: -t, y)))


def standard(numbers: Value) -> Value:
    """Numbers less their mean, over the root of their variance."""
    mu = mean(numbers)
    scale = mp.sqrt(mean([(x - mu) ** 2 for x in numbers]) + mp.mpf("1e-5"))
    return [(x - mu) / scale for x in numbers]


def scaled(row: Value, g: Value, b: Value) -> Value:
    return [x * s + t for x, s, t in zip(row, g, b, strict=True)]


def layernorm(x: Value, g: Value, b: Value) -> Value:
    return [scaled(standard(row), g, b) for row in x]


def batchnorm(x: Value, g: Value, b: Value) -> Value:
    return [scaled(row, g, b) for row in columns([standard(column) for column in columns(x)])]


def cell(x: Value, h: Value, W: Value, U: Value, b: Value) -> Value:
    return each(mp.tanh, add(add(times(W, x), times(U, h)), b))


def lstm(x: Value, h: Value, c: Value, W: Value, U: Value, b: Value) -> Value:
    a = add(add(times(W, x), times(U, h)), b)
    i, f, o = (each(sigmoid, a[k : k + 2]) for k in (0, 2, 4))
    c1 = each(lambda f, c, i, g: f * c + i * g, f, c, i, each(mp.tanh, a[6:8]))
    return mpmath.fsum(each(lambda o, c: o * mp.tanh(c), o, c1))


def attended(Q: Value, K: Value, V: Value, mask: Value = None) -> Value:
    scores = each(lambda s: s / mp.sqrt(2), times(Q, columns(K)))
    return times([softmax(row) for row in (add(scores, mask) if mask else scores)], V)


def hinge(W: Value, x: Value, y: int) -> Value:
    s = times(W, x)
    return mpmath.fsum(max(mp.mpf(0), t - s[y] + 1) for t in s) - 1


def huber(d: Value) -> Value:
    return mpmath.fsum(t**2 / 2 if abs(t) < 1 else abs(t) - mp.mpf(1) / 2 for t in d)


def windows(X: Value, high: int, wide: int, step: int = 1) -> Value:
    """The windows that slide over a matrix, each a list."""
    return [
        [
            [X[i + p][j + q] for p in range(high) for q in range(wide)]
            for j in range(0, len(X[0]) - wide + 1, step)
        ]
        for i in range(0, len(X) - high + 1, step)
    ]


def correlated(X: Value, K: Value) -> Value:
    """The sums of products of a kernel with every window of a matrix, or of a vector."""
    if not isinstance(X[0], list):
        return correlated([X], [K])[0]
    weights = all_of(K)
    return [
        [mpmath.fsum(x * k for x, k in zip(one, weights, strict=True)) for one in row]
        for row in windows(X, len(K), len(K[0]))
    ]


def pooled(X: Value, k: int) -> Value:
    """The largest of every window of k by k."""
    return [[max(one) for one in row] for row in windows(X, k, k)]


def weighted(value: Value, by: Value) -> Value:
    """An array times what arrives at it, as one number."""
    return mpmath.fsum(x * y for x, y in zip(all_of(value), all_of(by), strict=True))
