"""What each operation on arrays is over arrays of NumPy's, a function a row of the table.

There is no calculus here, as there is none in ``operations.lowerings``, which say the same of nodes.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..language.table_texts import compiled
from ..operations.fits import around, positions, window
from ..operations.shape import Shape, Taken, size
from ..operations.structural import (
    ARRAY,
    INDEX,
    MATMUL,
    PUT,
    STRUCTURAL,
    TAKE,
    TRANSPOSE,
    Structural,
)
from .kernel import Column, Kernel, V

__all__ = ["pools", "structural"]


def structural(on: Kernel[V], row: Structural, operands: Sequence[V], written: Any) -> V:
    """The value of an operation on arrays."""
    if row.counts:
        return on.number(float(row.counts(on.shape(operands[0]))))
    name = row.name
    if name in PARTS:
        names = dict(zip(row.operands, operands, strict=False))
        return on.text(compiled(PARTS[name](*map(on.shape, operands))), names)
    result: V = FUNCTIONS[row](on, row, operands, written)
    return result


def along(shape: Shape) -> str:
    """How a text writes the last axis."""
    return ", axis=1" if len(shape) == 2 else ""


def of_softmax(x: Shape) -> str:
    return f"t = exp(x - max(x{along(x)})); t/sum(t{along(x)})"


def of_logsoftmax(x: Shape) -> str:
    return f"x - logsumexp(x{along(x)})"


def of_entropy(a: Shape, y: Shape) -> str:
    loss = f"logsumexp(a{along(a)})"
    loss = f"sum(y*({loss} - a){along(a)})" if y == a else f"{loss} - pick(a, y)"
    return f"mean({loss})" if len(a) == 2 else loss


def normalised(axis: int) -> Callable[..., str]:
    def parts(x: Shape, *_others: Shape) -> str:
        over = f", axis={axis}" if len(x) == 2 else ""
        return f"c = x - mean(x{over}); s = sqrt(mean(c*c{over}) + 1e-5); g*(c/s) + b"

    return parts


PARTS: dict[str, Callable[..., str]] = {
    "softmax": of_softmax,
    "logsoftmax": of_logsoftmax,
    "cross_entropy": of_entropy,
    "batchnorm": normalised(0),
    "layernorm": normalised(1),
    "norm": lambda x: "abs(sum(x))" if size(x) == 1 else "sqrt(sum(x*x))",
}
"""What is computed by its parts: as a text over its operands, by their shapes."""


def taken(on: Kernel[V], row: Structural, operands: Sequence[V]) -> list[Taken]:
    """The operands as the table's own arithmetic of indices takes them."""
    selecting = row.indices if row is not INDEX else range(1, len(operands))
    return [
        Taken("", on.shape(x), tuple(on.whole(x).reshape(-1).tolist()) if k in selecting else None)
        for k, x in enumerate(operands)
    ]


def matmul(on: Kernel[V], _row: Structural, operands: Sequence[V], _written: Any) -> V:
    a, b = operands
    left, right = on.shape(a), on.shape(b)
    if len(left) == 1 and len(right) == 2 and right[0] == 1 != left[0]:
        return on.mul(on.reshaped(a, (*left, 1)), b)
    rows = on.reshaped(a, (1, *left)) if len(left) == 1 else a
    columns = on.reshaped(b, (*right, 1)) if len(right) == 1 else b
    return on.reshaped(on.product(rows, columns), (*left[:-1], *right[1:]))


def dot(on: Kernel[V], _row: Structural, operands: Sequence[V], _written: Any) -> V:
    a, b = operands
    n = size(on.shape(a))
    return on.reshaped(on.product(on.reshaped(a, (1, n)), on.reshaped(b, (n, 1))), ())


def outer(on: Kernel[V], _row: Structural, operands: Sequence[V], _written: Any) -> V:
    a, b = operands
    return on.mul(on.reshaped(a, (-1, 1)), on.reshaped(b, (1, -1)))


def moving(how: Callable[[Column], Column]) -> Callable[..., Any]:
    """What moves the elements of its first operand, wherever they are."""
    return lambda on, _row, operands, _written: on.moved(how, operands[0])


def array(on: Kernel[V], _row: Structural, operands: Sequence[V], shape: Shape) -> V:
    return on.moved(lambda *xs: np.stack(np.broadcast_arrays(*xs)).reshape(shape), *operands)


def index(on: Kernel[V], row: Structural, operands: Sequence[V], places: Any) -> V:
    shape, chosen = positions(taken(on, row, operands), places)
    return on.moved(lambda a: a.reshape(-1)[chosen].reshape(shape), operands[0])


def pick(on: Kernel[V], row: Structural, operands: Sequence[V], written: Any) -> V:
    given = taken(on, row, operands)
    shape, chosen = row.shape(given, written), picked(given)
    return on.moved(lambda a: a.reshape(-1)[chosen].reshape(shape), operands[0])


def picked(given: Sequence[Taken]) -> Column:
    """The places of what labels name."""
    labels = np.array(given[1].whole, dtype=np.intp)
    return np.arange(len(labels)) * given[0].shape[-1] + labels


def onehot(on: Kernel[V], row: Structural, operands: Sequence[V], written: Any) -> V:
    given = taken(on, row, operands)
    shape = row.shape(given, written)
    units = np.eye(shape[-1])[np.array(given[0].whole, dtype=np.intp)]
    return on.given(units.reshape(shape))


def eye(on: Kernel[V], row: Structural, operands: Sequence[V], written: Any) -> V:
    return on.given(np.eye(row.shape(taken(on, row, operands), written)[0]))


def concat(on: Kernel[V], _row: Structural, operands: Sequence[V], axis: int | None) -> V:
    return on.moved(lambda *xs: np.concatenate(xs, axis if axis and xs[0].ndim == 2 else 0), *operands)  # fmt: skip


def reshape(on: Kernel[V], row: Structural, operands: Sequence[V], written: Any) -> V:
    return on.reshaped(operands[0], row.shape(taken(on, row, operands), written))


def trace(on: Kernel[V], _row: Structural, operands: Sequence[V], _written: Any) -> V:
    return on.total(on.moved(np.diagonal, operands[0]), 0)


def conv(on: Kernel[V], _row: Structural, operands: Sequence[V], _written: Any) -> V:
    x, k = operands
    width = on.shape(k)
    shape = tuple([n - w + 1 for n, w in zip(on.shape(x), width, strict=True)])
    under = on.moved(lambda a: sliding_window_view(a, width).reshape(size(shape), size(width)), x)
    return on.reshaped(on.product(under, on.reshaped(k, (size(width), 1))), shape)


def pad(on: Kernel[V], _row: Structural, operands: Sequence[V], _written: Any) -> V:
    margins = [(n, n) for n in sides(on, operands)]
    return on.moved(lambda a: np.pad(a, margins), operands[0])


def crop(on: Kernel[V], _row: Structural, operands: Sequence[V], _written: Any) -> V:
    inside = tuple([slice(n, -n or None) for n in sides(on, operands)])
    return on.moved(lambda a: a[inside], operands[0])


def sides(on: Kernel[V], operands: Sequence[V]) -> Shape:
    x, k = operands
    width = on.shape(k)
    whole = None if width else (int(on.whole(k)),)
    return around(Taken("", on.shape(x)), Taken("", width, whole))


def pooled(given: Sequence[Taken]) -> Column:
    """The places under every window, a row each."""
    x, k, *stride = given
    width, step = window(k, stride)
    places = np.arange(size(x.shape)).reshape(x.shape)
    steps = (slice(None, None, step),) * len(x.shape)
    under = sliding_window_view(places, (width,) * len(x.shape))[steps]
    return under.reshape(-1, width ** len(x.shape))


def pools(on: Kernel[V], row: Structural, operands: Sequence[V]) -> tuple[V, V]:
    """What is under each window of maxpool, a row each, and the largest, a column."""
    under = pooled(taken(on, row, operands))
    windows = on.moved(lambda a: a.reshape(-1)[under], operands[0])
    return windows, on.reshaped(on.extreme(windows, 1, 1), (len(under), 1))


def maxpool(on: Kernel[V], row: Structural, operands: Sequence[V], written: Any) -> V:
    _, top = pools(on, row, operands)
    return on.reshaped(top, row.shape(taken(on, row, operands), written))


def selected(on: Kernel[V], operands: Sequence[V], written: Any) -> tuple[Column, Any]:
    """Which elements of x each of what `x[...]`, `pick` and `maxpool` select is: a row of places
    each, and their shares, None where there is one.
    """
    row, inner = written
    given = taken(on, row, operands)
    if row is INDEX:
        return np.array(positions(given, inner)[1], dtype=np.intp).reshape(-1, 1), None
    if row.name == "pick":
        return picked(given).reshape(-1, 1), None
    windows, top = pools(on, row, operands)
    return pooled(given), on.shares(windows, top, 1)


def put(on: Kernel[V], _row: Structural, operands: Sequence[V], written: Any) -> V:
    u, x, *_ = operands
    places, shares = selected(on, operands[1:], written)
    sent = on.reshaped(u, (len(places), 1))
    if shares is not None:
        sent = on.mul(shares, sent)
    shape = on.shape(x)
    sums = on.scattered(on.reshaped(sent, (places.size,)), places.reshape(-1), size(shape))
    return on.reshaped(sums, shape)


def take(on: Kernel[V], _row: Structural, operands: Sequence[V], written: Any) -> V:
    row, inner = written
    places, shares = selected(on, operands[1:], written)
    got = on.moved(lambda a: a.reshape(-1)[places], operands[0])
    if shares is not None:
        got = on.mul(shares, got)
    shape = row.shape(taken(on, row, operands[1:]), inner)
    return on.reshaped(on.total(got, 1), shape)


FUNCTIONS: dict[Structural, Callable[..., Any]] = {
    MATMUL: matmul,
    TRANSPOSE: moving(lambda a: a.T if a.ndim == 2 else a.reshape(1, -1)),
    ARRAY: array,
    INDEX: index,
    PUT: put,
    TAKE: take,
    STRUCTURAL["dot"]: dot,
    STRUCTURAL["outer"]: outer,
    STRUCTURAL["trace"]: trace,
    STRUCTURAL["diag"]: moving(np.diag),
    STRUCTURAL["pick"]: pick,
    STRUCTURAL["onehot"]: onehot,
    STRUCTURAL["eye"]: eye,
    STRUCTURAL["concat"]: concat,
    STRUCTURAL["reshape"]: reshape,
    STRUCTURAL["flatten"]: moving(np.ravel),
    STRUCTURAL["flip"]: moving(np.flip),
    STRUCTURAL["conv"]: conv,
    STRUCTURAL["pad"]: pad,
    STRUCTURAL["crop"]: crop,
    STRUCTURAL["maxpool"]: maxpool,
}
"""What is done by hand."""
