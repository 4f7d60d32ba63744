"""THE ARRAY TABLE: operations on whole vectors and matrices, a row each.

A row's local gradients are vector-Jacobian products, as text in the language: over the operands,
the result `out` and the upstream gradient `up`. What a row means is its lowering, index arithmetic
over the operations on numbers and nothing else, so the two tell the same story twice.

Elementwise operations and reductions are rows of the table of numbers and have none here.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, NamedTuple, Protocol

from .row import PRODUCT, Infix, Operation, Role

__all__ = [
    "ARRAY",
    "INDEX",
    "LARGEST",
    "MATMUL",
    "REDUCTIONS",
    "SELECTIONS",
    "STRUCTURAL",
    "TRANSPOSE",
    "Cells",
    "Misfit",
    "Scalars",
    "Shape",
    "Structural",
    "Taken",
    "array_row",
    "array_rows",
    "broadcast",
    "check_size",
    "positions",
    "said",
    "size",
    "spread",
]

Shape = tuple[int, ...]
"""() of a number, (n,) of a vector, (m, n) of a matrix."""

REDUCTIONS: dict[str, tuple[str, ...]] = {
    "sum": (),
    "mean": (
        "sum(x, axis)/n",
        "1/n*sum(x, axis)",
        "sum(x, axis=0)/rows(x)",
        "sum(x, axis=1)/cols(x)",
        "sum(x)/size(x)",
    ),
    "max": (),
    "min": (),
    "logsumexp": ("m = max(x, axis); m + log(sum(exp(x - m), axis))", "log(sum(exp(x), axis))"),
}
"""The operations on numbers that take one array, all of it or along an axis; with their parts (see
``Structural.parts``), in which n is how many numbers become one."""


LARGEST = 1_000_000
"""Numbers of the largest array."""


class Misfit(Exception):
    """Shapes that an operation does not take.

    place: the operand that is to blame; None for the whole. label: stands beside the caret.
    """

    def __init__(self, message: str, label: str, hint: str, place: int | None = None) -> None:
        super().__init__(message)
        self.message, self.label, self.hint, self.place = message, label, hint, place


class Taken(NamedTuple):
    """An operand where shapes are inferred: as it is written, its shape, and what it selects by.

    whole: the whole numbers of an index or of labels, which only a point tells; else None.
    """

    text: str
    shape: Shape
    whole: tuple[int, ...] | None = None

    @property
    def is_shape(self) -> str:
        return f"{self.text} is {said(self.shape)}"


class Cells(NamedTuple):
    """An array as nodes of a tape of numbers, row by row."""

    shape: Shape
    nodes: Sequence[int]
    whole: tuple[int, ...] | None = None

    def rows(self) -> list[Sequence[int]]:
        """The rows of a matrix; a vector is one."""
        width = self.shape[-1]
        return [self.nodes[k : k + width] for k in range(0, len(self.nodes), width)]

    def columns(self) -> list[Sequence[int]]:
        """The columns of a matrix."""
        return [self.nodes[k :: self.shape[-1]] for k in range(self.shape[-1])]


class Scalars(Protocol):
    """A tape of numbers that grows."""

    def apply(self, name: str, *operands: int) -> int:
        """The node of an operation of the table of numbers."""
        ...

    def number(self, value: float) -> int:
        """The node of a number, which is what it prints as."""
        ...

    def select(self, left: int, comparison: str, right: int, then: int, otherwise: int) -> int:
        """The node of an `if` between two nodes that are there already."""
        ...


@dataclass(slots=True, eq=False, repr=False)
class Structural(Operation):
    """One row: an operation on arrays that is no operation on their elements.

    rules: what is sent back to each operand, over its operands, `out` and `up`.
    A rule may have stages of its own before it, `h = ...; up*h`, and `careful` is what is computed
    where it has no value. shape: of the result. lower: the nodes of the result, row by row. Both
    are also given what is written at the node beside its operands.

    indices: places of operands that are whole numbers, which get no gradient; counted: what a
    message calls these; holds: whether, by the shapes, and by whether its numbers are whole, what
    stands there is an array of numbers after all. variants: other rules where the shapes of
    the operands decide; None where they are the rules. optional: how many of the last operands may be left out. counts:
    of what says how large its operand is, the number. work: how many operations on numbers it
    means, where these are many more than the numbers that it takes and makes. jacobians: what the
    Jacobian is by each operand, where that and the result are vectors; empty where no text says it.

    parts: what it is made of, as texts over the operands: the first that fits their shapes is shown
    where it is opened, and all are ways in which people write it. `axis` is the last axis there:
    axis=1 of a matrix, and nothing of a vector.
    """

    shape: Callable[[Sequence[Taken], Any], Shape] = lambda _operands, _written: ()
    lower: Callable[[Scalars, Sequence[Cells], Any], Sequence[int]] = lambda *_: ()
    indices: tuple[int, ...] = ()
    counted: str = "a label"
    holds: Callable[[Sequence[Shape], bool], bool] | None = None
    variants: Callable[[Sequence[Shape], Any], tuple[str, ...] | None] | None = None
    optional: int = 0
    counts: Callable[[Shape], int] | None = None
    work: Callable[[Sequence[Taken], Shape], int] | None = None
    jacobians: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()

    def vjp(self, shapes: Sequence[Shape], written: Any, careful: bool = False) -> tuple[str, ...]:
        """What is sent back to each operand, of these shapes.

        careful: as it is computed, wherever the operation has a value.
        """
        if careful and self.careful:
            return self.careful
        rules = (self.variants and self.variants(shapes, written)) or self.rules
        count = len(shapes)
        return (*rules, *rules[-1:] * (count - len(rules)))[:count]  # the last is of all others

    def called(self, count: int, written: Any) -> tuple[str, ...]:
        """What its rules call so many operands; those of any number have no names there."""
        if self.hidden:
            row, _ = written
            return ("u", *row.operands)[:count]
        return () if self.variadic else self.operands[:count]

    def jacobian(self, place: int, shapes: Sequence[Shape], result: Shape) -> str:
        """The Jacobian by an operand, over the operands and `out`; nothing where no text says it.

        Its rows are the elements of the result, its columns those of the operand.
        """
        vectors = len(shapes[place]) == len(result) == 1
        return self.jacobians[place] if vectors and self.jacobians else ""

    @property
    def arity(self) -> tuple[int, int | None]:
        if self.variadic:
            return self.least, None
        return len(self.operands) - self.optional, len(self.operands)

    @property
    def infix(self) -> Infix:
        return Infix(self.binds, f" {self.symbol} ", self.binds, self.binds + 1)


def said(shape: Shape) -> str:
    """A shape in a message: `a number`, `3`, `3x4`."""
    return "x".join(map(str, shape)) if shape else "a number"


def size(shape: Shape) -> int:
    """How many numbers an array of that shape has."""
    return math.prod(shape)


def spread(shape: Shape, over: Shape) -> list[int]:
    """Which element of a smaller array stands beside each of a larger one."""
    if shape == over:
        return list(range(size(over)))
    if size(shape) == 1:
        return [0] * size(over)
    rows, columns = over if len(over) == 2 else (1, over[0])
    m, n = shape if len(shape) == 2 else (1, shape[0])
    return [(i if m > 1 else 0) * n + (j if n > 1 else 0) for i in range(rows) for j in range(columns)]  # fmt: skip


def counted(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"


# shapes


def broadcast(a: Taken, b: Taken, symbol: str = "") -> Shape:
    """The shape of two operands side by side, element by element.

    Equal sizes fit, and a size of 1 is stretched; a vector is a row beside a matrix. A column
    and a vector do not fit: their table of all pairs is seldom meant.

    Raises Misfit for all others.
    """
    if a.shape == b.shape or not b.shape:
        return a.shape
    if not a.shape:
        return b.shape
    label = f"{a.is_shape}, {b.is_shape}"
    if len(a.shape) == len(b.shape) == 1:
        m, n = a.shape[0], b.shape[0]
        if 1 in (m, n):
            return (max(m, n),)
        raise Misfit(f"{a.text} and {b.text} do not fit together", label, "element by element, sizes are equal or 1")  # fmt: skip
    matrix, other = (a, b) if len(a.shape) == 2 else (b, a)
    if len(other.shape) == 1:
        m, n = matrix.shape
        k = other.shape[0]
        if k in (1, n) or m == n == 1:
            return m, max(n, k)
        if n == 1:
            raise Misfit(
                f"{a.text} and {b.text} do not fit together", label,
                f"a column and a vector would make {m}x{k}, which is seldom meant; write {other.text} as a "
                f"column, {other.text}.T.T, or {matrix.text}[:,0] for a vector",
            )  # fmt: skip
        way = f"a vector is added to every row, so it needs {counted(n, 'number')}"
        if k == m:
            way += f"; to add one number a row, write {other.text}.T.T"
        raise Misfit(f"{other.text} does not fit the columns of {matrix.text}", label, way)
    result = []
    for axis, (m, n) in enumerate(zip(a.shape, b.shape, strict=True)):
        if m != n and 1 not in (m, n):
            what = ("row", "column")[axis]
            way = "element by element, sizes are equal or 1"
            if a.shape[1] == b.shape[0] and symbol == "*":
                way += f"; for the matrix product write {a.text} @ {b.text}"
            raise Misfit(
                f"{a.text} and {b.text} do not fit together",
                f"{label}: {counted(m, what)} beside {n}", way,
            )  # fmt: skip
        result.append(n if m == 1 else m)
    return tuple(result)


def matmul_shape(operands: Sequence[Taken], _written: Any) -> Shape:
    a, b = operands
    for place, one in enumerate(operands):
        if not one.shape:
            pair = f"{a.text}*{b.text}"
            raise Misfit(f"@ multiplies matrices, and {one.text} is a number", "", f"write {pair}", place)  # fmt: skip
    if len(a.shape) == 1 and len(b.shape) == 2 and b.shape[0] == 1 != a.shape[0]:
        return a.shape[0], b.shape[1]  # a column times a row
    if a.shape[-1] != b.shape[0]:
        raise inner_sizes(a, b)
    return (*a.shape[:-1], *b.shape[1:])


def inner_sizes(a: Taken, b: Taken) -> Misfit:
    """The error for a product whose inner sizes differ."""
    label = f"{a.is_shape}, {b.is_shape}"
    m, k, n = a.shape[0], a.shape[-1], b.shape[0]
    if len(b.shape) == 1:
        label += f": {counted(k, 'column' if len(a.shape) == 2 else 'number')} meet {counted(n, 'number')}"
        way = f"give {b.text} {counted(k, 'number')}"
        if len(a.shape) == 2 and m == n:
            way += f"; or {a.text}.T @ {b.text}, which is {k}x{m} @ {n}"
    else:
        rows = f"rows of {a.text} hold" if len(a.shape) == 2 else f"{a.text} holds"
        way = f"{rows} {counted(k, 'number')}, columns of {b.text} hold {n}"
        if b.shape[1] == k:
            way += f"; {a.text} @ {b.text}.T is {said(a.shape)} @ {b.shape[1]}x{n}"
        elif len(a.shape) == 2 and m == n:
            way += f"; {a.text}.T @ {b.text} is {k}x{m} @ {said(b.shape)}"
    return Misfit(f"{a.text} @ {b.text}: the inner sizes differ", label, way)


def transpose_shape(operands: Sequence[Taken], _written: Any) -> Shape:
    (x,) = operands
    if not x.shape:
        raise Misfit(f"{x.text} is a number, which has no transpose", "", "transpose a vector or a matrix; of a power, write (W^2).T")  # fmt: skip
    return (x.shape[1], x.shape[0]) if len(x.shape) == 2 else (1, x.shape[0])


def array_shape(operands: Sequence[Taken], written: Shape) -> Shape:
    for place, x in enumerate(operands):
        if x.shape:
            raise Misfit(
                "the elements of an array are numbers", x.is_shape,
                f"to join arrays, write concat({x.text}, ...); vectors as rows, concat({x.text}.T, ..., axis=0)", place,
            )  # fmt: skip
    return written


def same_vectors(operands: Sequence[Taken], _written: Any) -> Shape:
    a, b = operands
    for place, x in enumerate(operands):
        if not x.shape:
            raise Misfit("dot takes two vectors", x.is_shape, f"write {a.text}*{b.text}", place)
        if len(x.shape) == 2 and 1 not in x.shape:
            raise Misfit("dot takes two vectors", x.is_shape, f"write sum({a.text}*{b.text}), or {a.text} @ {b.text}", place)  # fmt: skip
    if size(a.shape) != size(b.shape):
        raise Misfit(f"{a.text} and {b.text} do not fit together", f"{a.is_shape}, {b.is_shape}", "dot takes two vectors of one length")  # fmt: skip
    return ()


def number_shape(_operands: Sequence[Taken], _written: Any) -> Shape:
    return ()


def same_shape(operands: Sequence[Taken], _written: Any) -> Shape:
    x = operands[0]
    if not x.shape:
        raise Misfit("an array is needed here", x.is_shape, f"give a vector or a matrix for {x.text}", 0)  # fmt: skip
    return x.shape


def labels_fit(scores: Taken, labels: Taken, place: int = 1) -> None:
    """Raise Misfit unless there is one label a row, each of which names a column."""
    rows = scores.shape[0] if len(scores.shape) == 2 else 1
    if size(labels.shape) != rows or (len(labels.shape) == 2 and labels.shape[1] != 1):
        what = f"one label a row, {rows} here" if len(scores.shape) == 2 else "one label"
        raise Misfit(f"{labels.text} does not fit {scores.text}", f"{scores.is_shape}, {labels.is_shape}", f"give {what}", place)  # fmt: skip
    check_labels(labels, scores.shape[-1], scores.is_shape, place)


def check_labels(labels: Taken, classes: int, because: str, place: int) -> None:
    """Raise Misfit for a label that names none of so many classes."""
    for k, label in enumerate(labels.whole or ()):
        if not 0 <= label < classes:
            name = f"{labels.text}[{k}]" if labels.shape else labels.text
            known = ", ".join(map(str, range(classes))) if classes < 6 else f"0 to {classes - 1}"
            raise Misfit(
                f"the label {label} names no class",
                f"{name} = {label}; {because}, so labels are {known}",
                "labels begin at 0", place,
            )  # fmt: skip


def pick_shape(operands: Sequence[Taken], _written: Any) -> Shape:
    scores, labels = operands
    same_shape(operands, None)
    labels_fit(scores, labels)
    return (scores.shape[0], 1) if len(scores.shape) == 2 else ()


def entropy_shape(operands: Sequence[Taken], _written: Any) -> Shape:
    scores, labels = operands
    same_shape(operands, None)
    if labels.shape != scores.shape or labels.whole is not None:
        labels_fit(scores, labels)
    return ()


def concat_shape(operands: Sequence[Taken], axis: int | None) -> Shape:
    first = operands[0].shape
    for place, x in enumerate(operands):
        if not x.shape or len(x.shape) != len(first):
            way = (f"a number is a vector as [{x.text}]", f"a vector is a row as {x.text}.T", f"a matrix is a vector as flatten({x.text})")[len(x.shape)]  # fmt: skip
            if x.text in ("0", "1") and place == len(operands) - 1 > 1:
                way = f"along an axis: concat({', '.join(one.text for one in operands[:-1])}, axis={x.text})"
            raise Misfit("concat joins vectors, or matrices", x.is_shape, way, place)
    if len(first) == 1:
        return (sum(x.shape[0] for x in operands),)
    along = axis or 0
    for place, x in enumerate(operands):
        if x.shape[1 - along] != first[1 - along]:
            other = ("columns", "rows")[along]
            raise Misfit(f"{operands[0].text} and {x.text} do not fit together", f"{operands[0].is_shape}, {x.is_shape}", f"joined along axis {along}, they have as many {other}", place)  # fmt: skip
    total = sum(x.shape[along] for x in operands)
    return (first[0], total) if along else (total, first[1])


def index_shape(operands: Sequence[Taken], places: Sequence[str]) -> Shape:
    return positions(operands, places)[0]


def positions(
    operands: Sequence[Taken] | Sequence[Cells], places: Sequence[str]
) -> tuple[Shape, list[int]]:
    """The shape of `x[...]`, and where its elements stand among those of x.

    operands: x and what stands in the places, of which each says how: only, every, since, until or
    between. Raises Misfit for an element that x does not have.
    """
    x = operands[0]
    text = getattr(x, "text", "")
    if len(places) > len(x.shape):
        have = "is a number, and has no axis"
        if x.shape:
            have = "is a vector, with 1 axis" if len(x.shape) == 1 else "is a matrix, with 2 axes"
        raise Misfit(f"{text} {have}", f"{text} is {said(x.shape)}" if x.shape else "", "an index for each axis: x[i] of a vector, W[i,j] of a matrix")  # fmt: skip
    slot = 1
    axes: list[tuple[list[int], Shape]] = []
    for axis, length in enumerate(x.shape):
        how = places[axis] if axis < len(places) else "every"
        given = operands[slot : slot + (how == "between") + (how != "every")]
        if how == "only":
            (one,) = given
            chosen = [place_of(x, text, axis, k, slot) for k in one.whole or ()]
            axes.append((chosen, one.shape))
        else:
            start, stop = bounds(how, given, length)
            chosen = list(range(length))[start:stop]
            if not chosen:
                raise Misfit(f"{text} has nothing there", f"{text} is {said(x.shape)}", "a slice begins before it ends, and holds one number at least", slot if given else None)  # fmt: skip
            axes.append((chosen, (len(chosen),)))
        slot += len(given)
    shape = sum((one for _, one in axes), ())
    if len(shape) > 2:
        raise Misfit(f"this would be {said(shape)}, and arrays have two axes at most", "", "take the columns of the index one by one", 1)  # fmt: skip
    if len(axes) == 1:
        return shape, axes[0][0]
    check_size(shape)
    paired(operands, places, axes)
    return shape, [i * x.shape[1] + j for i in axes[0][0] for j in axes[1][0]]


def paired(
    operands: Sequence[Taken] | Sequence[Cells], places: Sequence[str], axes: Sequence[Any]
) -> None:
    """Raise Misfit for two vectors of one length, which NumPy takes in pairs and others do not."""
    (whole, first), (_, second) = axes
    x, *indices = [getattr(one, "text", "") for one in operands]
    if first != second or size(first) < 2 or tuple(places) != ("only", "only") or not x:
        return
    i, j = indices
    rows = operands[0].shape[0]
    every = x if whole == list(range(rows)) else f"{x}[{i}]"
    raise Misfit(
        f"{x}[{i},{j}] has two meanings", "",
        f"one element of each row is pick({every}, {j}); every row with every column is {x}[{i}][:,{j}]",
    )  # fmt: skip


def check_size(shape: Shape) -> None:
    """Raise Misfit for what is larger than any array may be."""
    if size(shape) > LARGEST:
        count = f"{size(shape):,}" if size(shape) < 10**15 else "far too many"
        raise Misfit(f"this would have {count} numbers, more than {LARGEST:,}", f"it would be {said(shape)}", "make it smaller: fewer rows show the same")  # fmt: skip


def place_of(x: Any, text: str, axis: int, k: int, slot: int) -> int:
    """Element k along an axis, from the end where it is negative. Raises Misfit where none is."""
    length: int = x.shape[axis]
    if -length <= k < length:
        return k % length
    what = "element" if len(x.shape) == 1 else ("row", "column")[axis]
    shown = k if abs(k) < 10**15 else f"{float(k):g}"
    last = f"; the last is {text}[-1]" if len(x.shape) == 1 else ""
    raise Misfit(
        f"{text} has no {what} {shown}",
        f"{text} has {counted(length, 'number' if len(x.shape) == 1 else what)}, 0 to {length - 1}{last}",
        "indices begin at 0", slot,
    )  # fmt: skip


def bounds(how: str, given: Sequence[Any], length: int) -> tuple[int, int]:
    """Where a slice begins and ends."""
    numbers = [one.whole[0] if one.whole else 0 for one in given]
    start = numbers[0] if how in ("since", "between") else 0
    stop = numbers[-1] if how in ("until", "between") else length
    return start, stop


def window(k: Taken | Cells, stride: Sequence[Taken | Cells]) -> tuple[int, int]:
    """The width of a window, and how far apart windows are; 1 unless that is given."""
    return (k.whole or (0,))[0], ((stride[0].whole or (0,)) if stride else (1,))[0]


def maxpool_shape(operands: Sequence[Taken], _written: Any) -> Shape:
    x, k, *stride = operands
    same_shape(operands, None)
    for place, one in enumerate(operands[1:], 1):
        if one.shape:
            raise Misfit("the width of a window is one number, as is the stride", one.is_shape, f"write maxpool({x.text}, 2), or maxpool({x.text}, 2, 2)", place)  # fmt: skip
    width, step = window(k, stride)
    least = min(x.shape)
    if not 1 <= width <= least:
        raise Misfit(f"maxpool has windows of 1 to {least} here, not {width}", f"{x.is_shape}", f"write maxpool({x.text}, {min(2, least)})", 1)  # fmt: skip
    if step < 1:
        raise Misfit(f"windows are 1 apart or more, not {step}", "", f"write maxpool({x.text}, {width}, {width}) for windows side by side", 2)  # fmt: skip
    return tuple([(n - width) // step + 1 for n in x.shape])


def conv_shape(operands: Sequence[Taken], _written: Any) -> Shape:
    x, k = operands
    same_shape(operands, None)
    label = f"{x.is_shape}, {k.is_shape}"
    if len(x.shape) != len(k.shape):
        raise Misfit(f"{k.text} does not slide over {x.text}", label, "conv takes two vectors, or two matrices", 1)  # fmt: skip
    if any(m < n for m, n in zip(x.shape, k.shape, strict=True)):
        raise Misfit(f"{k.text} is larger than {x.text}", label, f"the kernel comes second, and fits within: pad({x.text}, 1) has zeros around", 1)  # fmt: skip
    return tuple([m - n + 1 for m, n in zip(x.shape, k.shape, strict=True)])


def is_kernel(shapes: Sequence[Shape], _whole: bool) -> bool:
    return shapes[1] != ()


def around(x: Taken | Cells, k: Taken | Cells) -> Shape:
    """How many zeros `pad` puts on either side of an array, along each axis."""
    return tuple([n - 1 for n in k.shape]) or (k.whole or (0,)) * len(x.shape)


def margins(operands: Sequence[Taken], name: str) -> Shape:
    """What `around` tells. Raises Misfit for what is no width."""
    x, k = operands
    same_shape(operands, None)
    if k.shape and len(x.shape) != len(k.shape):
        raise Misfit(f"{k.text} does not slide over {x.text}", f"{x.is_shape}, {k.is_shape}", f"write {name}({x.text}, 1), or give the kernel of a convolution for 1", 1)  # fmt: skip
    widths = around(x, k)
    if min(widths) < 0:
        raise Misfit(f"{name} takes a width of 0 or more, not {min(widths)}", "", f"write {name}({x.text}, 1)", 1)  # fmt: skip
    return widths


def pad_shape(operands: Sequence[Taken], _written: Any) -> Shape:
    widths = margins(operands, "pad")
    return tuple([n + 2 * m for n, m in zip(operands[0].shape, widths, strict=True)])


def crop_shape(operands: Sequence[Taken], _written: Any) -> Shape:
    x = operands[0]
    shape = tuple([n - 2 * m for n, m in zip(x.shape, margins(operands, "crop"), strict=True)])
    if min(shape) < 1:
        raise Misfit(f"nothing is left of {x.text}", x.is_shape, f"write crop({x.text}, 0), or give a smaller width", 1)  # fmt: skip
    return shape


def outer_shape(operands: Sequence[Taken], _written: Any) -> Shape:
    a, b = operands
    for place, x in enumerate(operands):
        if len(x.shape) != 1:
            way = f"write {a.text}*{b.text}" if not x.shape else f"write outer(flatten({a.text}), flatten({b.text})), or {a.text} @ {b.text}"  # fmt: skip
            raise Misfit("outer takes two vectors", x.is_shape, way, place)
    return a.shape[0], b.shape[0]


def square_shape(operands: Sequence[Taken], _written: Any) -> Shape:
    (x,) = operands
    if len(x.shape) != 2 or x.shape[0] != x.shape[1]:
        raise Misfit("trace takes a square matrix", x.is_shape, "it is the sum of the diagonal, which goes from corner to corner", 0)  # fmt: skip
    return ()


def diag_shape(operands: Sequence[Taken], _written: Any) -> Shape:
    x = operands[0]
    same_shape(operands, None)
    if len(x.shape) == 2 and x.shape[0] != x.shape[1]:
        raise Misfit("diag takes a vector or a square matrix", x.is_shape, "of a vector it makes a diagonal matrix, of a matrix it takes the diagonal", 0)  # fmt: skip
    return (x.shape[0],) if len(x.shape) == 2 else x.shape * 2


def reshape_shape(operands: Sequence[Taken], _written: Any) -> Shape:
    x, *sizes = operands
    same_shape(operands, None)
    for place, one in enumerate(sizes, 1):
        if one.shape:
            raise Misfit("a size is one number", one.is_shape, f"write reshape({x.text}, m, n), or reshape({x.text}, n) for a vector", place)  # fmt: skip
    shape = tuple([(one.whole or (0,))[0] for one in sizes])
    if min(shape) < 1 or size(shape) != size(x.shape):
        count = size(x.shape)
        holds = (
            f"which has {counted(size(shape), 'element')}" if min(shape) > 0 else "which has none"
        )
        way = f"give sizes whose product is {count}"
        if min(shape) == -1 and size(shape) < 0 == count % size(shape):
            filled = [n if n > 0 else count // -size(shape) for n in shape]
            way = f"write reshape({x.text}, {', '.join(map(str, filled))})"
        raise Misfit(f"{x.text} does not fill {said(shape)}, {holds}", f"{x.is_shape}: {counted(count, 'number')}", way)  # fmt: skip
    return shape


def flat_shape(operands: Sequence[Taken], _written: Any) -> Shape:
    return (size(same_shape(operands, None)),)


def counting_shape(operands: Sequence[Taken], _written: Any) -> Shape:
    same_shape(operands, None)
    return ()


def eye_shape(operands: Sequence[Taken], _written: Any) -> Shape:
    (n,) = operands
    if n.shape or (n.whole or (0,))[0] < 1:
        raise Misfit("eye takes a size of 1 or more", n.is_shape, "write eye(3) for a 3x3 matrix", 0)  # fmt: skip
    return (n.whole or (1,))[0], (n.whole or (1,))[0]


def onehot_shape(operands: Sequence[Taken], _written: Any) -> Shape:
    y, n = operands
    if len(y.shape) == 2 and y.shape[1] != 1:
        raise Misfit("onehot takes a label, or a vector of labels", y.is_shape, f"write onehot(flatten({y.text}), {n.text})", 0)  # fmt: skip
    if n.shape or (n.whole or (0,))[0] < 1:
        raise Misfit("the number of classes is 1 or more", n.is_shape, f"write onehot({y.text}, 3)", 1)  # fmt: skip
    width = (n.whole or (1,))[0]
    check_labels(y, width, f"there are {n.text}", 0)
    return (size(y.shape), width) if y.shape else (width,)


def norm_shape(name: str) -> Callable[[Sequence[Taken], Any], Shape]:
    """The shape of a normalisation: that of its first operand, one scale and one shift a column."""

    def shape(operands: Sequence[Taken], _written: Any) -> Shape:
        x, *more = operands
        same_shape(operands, None)
        if name == "batchnorm" and len(x.shape) == 1:
            raise Misfit("batchnorm takes a matrix, an example a row", x.is_shape, f"write {x.text}.T.T for a column, or layernorm for one example", 0)  # fmt: skip
        width = x.shape[-1]
        for place, one in enumerate(more, 1):
            if one.shape not in ((), (width,), (1, width)):
                raise Misfit(f"{one.text} does not fit the columns of {x.text}", f"{x.is_shape}, {one.is_shape}", f"give one number, or one a column, {width} here", place)  # fmt: skip
        return x.shape

    return shape


def put_shape(operands: Sequence[Taken], written: Any) -> Shape:
    row, inner = written
    u, x, *_ = operands
    same_size(u, row.shape(operands[1:], inner))
    return x.shape


def take_shape(operands: Sequence[Taken], written: Any) -> Shape:
    row, inner = written
    same_size(operands[0], operands[1].shape)
    shape: Shape = row.shape(operands[1:], inner)
    return shape


def same_size(u: Taken, shape: Shape) -> None:
    """Raise Misfit unless an array has as many numbers as one of a shape."""
    if size(u.shape) != size(shape):
        raise Misfit(f"{u.text} does not fit what is selected", u.is_shape, f"it is {said(shape)}", 0)  # fmt: skip


# lowerings


def total(on: Scalars, nodes: Sequence[int]) -> int:
    """The node of a sum."""
    return on.apply("sum", *nodes) if len(nodes) > 1 else nodes[0]


def lower_matmul(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    a, b = operands
    outer = len(a.shape) == 1 and len(b.shape) == 2 and b.shape[0] == 1
    left = [[one] for one in a.nodes] if outer else a.rows()
    right = [b.nodes] if len(b.shape) == 1 else b.columns()
    return [
        total(on, [on.apply("mul", x, y) for x, y in zip(row, column, strict=True)])
        for row in left
        for column in right
    ]


def lower_transpose(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    (x,) = operands
    lines = x.columns() if len(x.shape) == 2 else x.rows()
    return [on.apply("identity", node) for line in lines for node in line]


def lower_array(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    return [on.apply("identity", x.nodes[0]) for x in operands]


def lower_index(on: Scalars, operands: Sequence[Cells], places: Any) -> list[int]:
    return [on.apply("identity", operands[0].nodes[k]) for k in positions(operands, places)[1]]


def lower_dot(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    a, b = operands
    return [total(on, [on.apply("mul", x, y) for x, y in zip(a.nodes, b.nodes, strict=True)])]


def lower_norm(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    first, *rest = operands[0].nodes
    if not rest:
        return [on.apply("abs", first)]
    for node in rest:
        first = on.apply("hypot", first, node)
    return [first]


def logsumexp(on: Scalars, nodes: Sequence[int]) -> int:
    return on.apply("logsumexp", *nodes) if len(nodes) > 1 else nodes[0]


def lower_softmax(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    return [on.apply("exp", node) for node in lower_logsoftmax(on, operands, None)]


def lower_logsoftmax(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    result = []
    for row in operands[0].rows():
        below = logsumexp(on, row)
        result += [on.apply("sub", node, below) for node in row]
    return result


def lower_pick(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    scores, labels = operands
    assert labels.whole is not None
    return [
        on.apply("identity", row[k]) for row, k in zip(scores.rows(), labels.whole, strict=True)
    ]


def lower_entropy(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    scores, labels = operands
    rows = scores.rows()
    if labels.whole is not None:
        losses = [
            on.apply("sub", logsumexp(on, row), row[k])
            for row, k in zip(rows, labels.whole, strict=True)
        ]
    else:
        losses = []
        for row, shares in zip(rows, labels.rows(), strict=True):
            below = logsumexp(on, row)
            parts = [
                on.apply("mul", p, on.apply("sub", below, z))
                for p, z in zip(shares, row, strict=True)
            ]
            losses.append(total(on, parts))
    return [on.apply("mean", *losses) if len(losses) > 1 else losses[0]]


def lower_concat(on: Scalars, operands: Sequence[Cells], axis: int | None) -> list[int]:
    if axis and len(operands[0].shape) == 2:
        nodes = [
            node
            for rows in zip(*(x.rows() for x in operands), strict=True)
            for row in rows
            for node in row
        ]
    else:
        nodes = [node for x in operands for node in x.nodes]
    return [on.apply("identity", node) for node in nodes]


def same(on: Scalars, nodes: Sequence[int]) -> list[int]:
    """Elements in another place: each a node of its own, with a gradient of its own."""
    return [on.apply("identity", node) for node in nodes]


def windows(shape: Shape, width: Shape, step: int) -> list[list[int]]:
    """The places of the elements under every window that slides over an array, row by row."""
    rows, columns = shape if len(shape) == 2 else (1, *shape)
    high, wide = width if len(width) == 2 else (1, *width)
    return [
        [i * columns + j for i in range(top, top + high) for j in range(left, left + wide)]
        for top in range(0, rows - high + 1, step if len(shape) == 2 else 1)
        for left in range(0, columns - wide + 1, step)
    ]


def pooled(operands: Sequence[Cells]) -> list[list[int]]:
    x, k, *stride = operands
    width, step = window(k, stride)
    return windows(x.shape, (width,) * len(x.shape), step)


def lower_maxpool(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    nodes = operands[0].nodes
    return [largest(on, [nodes[k] for k in places]) for places in pooled(operands)]


def largest(on: Scalars, nodes: Sequence[int]) -> int:
    return on.apply("max", *nodes) if len(nodes) > 1 else on.apply("identity", nodes[0])


def lower_conv(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    x, k = operands
    return [
        total(on, [on.apply("mul", x.nodes[place], weight) for place, weight in zip(places, k.nodes, strict=True)])
        for places in windows(x.shape, k.shape, 1)
    ]  # fmt: skip


def lower_pad(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    x = operands[0]
    *above, beside = around(x, operands[1])
    zeros = x.shape[-1] + 2 * beside

    def blank(n: int) -> list[int]:
        return [on.apply("identity", on.number(0.0)) for _ in range(n)]

    result = blank(sum(above) * zeros)
    for row in x.rows():
        result += [*blank(beside), *same(on, row), *blank(beside)]
    return result + blank(sum(above) * zeros)


def lower_crop(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    x = operands[0]
    *above, beside = around(x, operands[1])
    lines = x.rows()[sum(above) : len(x.rows()) - sum(above)]
    return [node for row in lines for node in same(on, row[beside : len(row) - beside])]


def lower_outer(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    a, b = operands
    return [on.apply("mul", x, y) for x in a.nodes for y in b.nodes]


def lower_trace(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    x = operands[0]
    return [total(on, same(on, x.nodes[:: x.shape[1] + 1]))]


def lower_diag(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    x = operands[0]
    n = x.shape[0]
    if len(x.shape) == 2:
        return same(on, x.nodes[:: n + 1])
    return [
        on.apply("identity", x.nodes[i] if i == j else on.number(0.0))
        for i in range(n)
        for j in range(n)
    ]


def lower_same(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    return same(on, operands[0].nodes)


def lower_flip(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    return same(on, operands[0].nodes[::-1])


def lower_eye(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    n = (operands[0].whole or (1,))[0]
    return [node for i in range(n) for node in unit(on, i, n)]


def lower_onehot(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    y, n = operands
    width = (n.whole or (1,))[0]
    return [node for label in y.whole or () for node in unit(on, label, width)]


def unit(on: Scalars, place: int, n: int) -> list[int]:
    """A 1 among zeros."""
    return [on.apply("identity", on.number(float(k == place))) for k in range(n)]


EPSILON = 1e-5
"""What is added to a variance before the root, as PyTorch does."""


def mean(on: Scalars, nodes: Sequence[int]) -> int:
    return on.apply("mean", *nodes) if len(nodes) > 1 else nodes[0]


def normalised(on: Scalars, nodes: Sequence[int]) -> list[int]:
    """Numbers less their mean, over the root of their variance."""
    middle = mean(on, nodes)
    apart = [on.apply("sub", node, middle) for node in nodes]
    variance = mean(on, [on.apply("mul", node, node) for node in apart])
    width = on.apply("sqrt", on.apply("add", variance, on.number(EPSILON)))
    return [on.apply("div", node, width) for node in apart]


def lower_batchnorm(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    columns = [normalised(on, column) for column in operands[0].columns()]
    return scaled(on, [node for row in zip(*columns, strict=True) for node in row], operands)


def lower_layernorm(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    lines = operands[0].rows()
    return scaled(on, [node for row in lines for node in normalised(on, row)], operands)


def scaled(on: Scalars, nodes: Sequence[int], operands: Sequence[Cells]) -> list[int]:
    """Times the second operand, plus the third, which are stretched."""
    x, *others = operands
    g, b = ([one.nodes[k] for k in spread(one.shape, x.shape)] for one in others)
    return [
        on.apply("add", on.apply("mul", scale, node), shift)
        for node, scale, shift in zip(nodes, g, b, strict=True)
    ]


def chosen(on: Scalars, x: Sequence[Cells], written: Any) -> list[list[tuple[int, int | None]]]:
    """Which elements each of what `x[...]`, `pick` and `maxpool` select is: their places in x, and
    their shares of it, None for all of it.

    The shares of those that tie for the largest are equal.
    """
    row, places = written
    if row.name == "index":
        return [[(k, None)] for k in positions(x, places)[1]]
    if row.name == "pick":
        width = x[0].shape[-1]
        return [[(k * width + label, None)] for k, label in enumerate(x[1].whole or ())]
    assert row.name == "maxpool"
    result: list[list[tuple[int, int | None]]] = []
    one, nothing = on.number(1.0), on.number(0.0)
    for under in pooled(x):
        nodes = [x[0].nodes[k] for k in under]
        top = largest(on, nodes)
        ties = [on.select(node, "==", top, one, nothing) for node in nodes]
        count = total(on, ties)
        result.append(
            [(k, on.apply("div", tie, count)) for k, tie in zip(under, ties, strict=True)]
        )
    return result


def weighed(on: Scalars, node: int, share: int | None) -> int:
    return on.apply("identity", node) if share is None else on.apply("mul", node, share)


def lower_put(on: Scalars, operands: Sequence[Cells], written: Any) -> list[int]:
    u, x, *_ = operands
    parts: list[list[int]] = [[] for _ in x.nodes]
    for node, places in zip(u.nodes, chosen(on, operands[1:], written), strict=True):
        for k, share in places:
            parts[k].append(weighed(on, node, share))
    return [total(on, nodes) if nodes else on.apply("identity", on.number(0.0)) for nodes in parts]


def lower_take(on: Scalars, operands: Sequence[Cells], written: Any) -> list[int]:
    u = operands[0]
    return [
        total(on, [weighed(on, u.nodes[k], share) for k, share in places])
        for places in chosen(on, operands[1:], written)
    ]


# which rule, by ranks


def of_matmul(shapes: Sequence[Shape], _written: Any) -> tuple[str, ...] | None:
    a, b = shapes
    if len(a) == len(b) == 1:
        return "up*b", "up*a"
    if len(a) == 1:
        if b[0] == 1 != a[0]:
            return "up @ b[0]", "(a @ up).T"
        return "b @ up", "a @ up.T"
    return None


def of_softmax(shapes: Sequence[Shape], _written: Any) -> tuple[str, ...] | None:
    return ("out*(up - dot(up, out))",) if len(shapes[0]) == 1 else None


def of_logsoftmax(shapes: Sequence[Shape], _written: Any) -> tuple[str, ...] | None:
    return ("up - exp(out)*sum(up)",) if len(shapes[0]) == 1 else None


def of_transpose(shapes: Sequence[Shape], _written: Any) -> tuple[str, ...] | None:
    return ("up[0]",) if len(shapes[0]) == 1 else None


def of_array(_shapes: Sequence[Shape], written: Shape) -> tuple[str, ...]:
    if len(written) == 1:
        return tuple([f"up[{k}]" for k in range(written[0])])
    return tuple([f"up[{i},{j}]" for i in range(written[0]) for j in range(written[1])])


def of_concat(shapes: Sequence[Shape], axis: int | None) -> tuple[str, ...]:
    along = axis if axis and len(shapes[0]) == 2 else 0
    ends = list(accumulate(shape[along] for shape in shapes))
    before = ":," if along else ""
    return tuple([f"up[{before}{start}:{end}]" for start, end in pairwise([0, *ends])])


def of_entropy(shapes: Sequence[Shape], _written: Any) -> tuple[str, ...] | None:
    if shapes[0] != shapes[1]:
        return None
    total = "sum(y, axis=1)" if len(shapes[0]) == 2 else "sum(y)"
    return f"up*(softmax(a)*{total} - y)/rows(a)", "-up*logsoftmax(a)/rows(a)"


def of_index(shapes: Sequence[Shape], places: Sequence[str]) -> tuple[str, ...]:
    return (f"put(up, {index_text(places)})", *["0"] * (len(shapes) - 1))


def index_text(places: Sequence[str]) -> str:
    """An index as it is written, over the names of its operands."""
    names = iter(INDEX.operands[1:])
    written = {"only": "{}", "every": ":", "since": "{}:", "until": ":{}", "between": "{}:{}"}
    texts = [written[how].replace("{}", "%s") for how in places]
    return f"x[{','.join(texts)}]" % tuple([next(names) for text in texts for _ in range(text.count("%s"))])  # fmt: skip


def of_maxpool(shapes: Sequence[Shape], _written: Any) -> tuple[str, ...] | None:
    return ("put(up, maxpool(x, k, stride))", "0") if len(shapes) == 3 else None


def of_dot(shapes: Sequence[Shape], _written: Any) -> tuple[str, ...] | None:
    if shapes[0] == shapes[1]:
        return None
    return alike("up*b", "a", shapes[0]), alike("up*a", "b", shapes[1])


def alike(text: str, name: str, shape: Shape) -> str:
    """A text in the shape of one of two operands that have as many numbers."""
    return f"flatten({text})" if len(shape) == 1 else f"reshape({text}, rows({name}), cols({name}))"


def of_back(shapes: Sequence[Shape], _written: Any) -> tuple[str, ...] | None:
    """Of what only moves the elements: back into the shape that they had."""
    return ("flatten(up)", "0") if len(shapes[0]) == 1 else None


def of_normalisation(name: str, axis: int) -> Callable[[Sequence[Shape], Any], tuple[str, ...]]:
    """The rules of batchnorm and layernorm, which differ in the axis along which they go.

    Ioffe, Szegedy (2015), section 3, with the sums of the backward pass gathered.
    """

    def rules(shapes: Sequence[Shape], _written: Any) -> tuple[str, ...]:
        x, *others = shapes
        along = f", axis={axis}" if len(x) == 2 else ""
        parts = f"h = {name}(x, 1, 0); s = sqrt(mean((x - mean(x{along}))^2{along}) + 1e-5); "
        if axis == 0:
            sent = f"g*(up - mean(up{along}) - h*mean(up*h{along}))/s"
        else:
            parts = f"u = up*g; {parts}"
            sent = f"(u - mean(u{along}) - h*mean(u*h{along}))/s"
        g, b = (fitted(text, one, x) for text, one in zip((f"up*{name}(x, 1, 0)", "up"), others, strict=True))  # fmt: skip
        return parts + sent, g, b

    return rules


def fitted(text: str, shape: Shape, over: Shape) -> str:
    """What is sent to an operand that was stretched over the columns of another."""
    if not shape or size(shape) < over[-1]:
        return f"sum({text})"
    return f"sum({text}, axis=0)" if len(over) == 2 else text


def of_selection(shapes: Sequence[Shape], written: Any) -> tuple[str, ...]:
    """Of `put` and `take`, each of which is what the other sends back."""
    row, places = written
    names = [*row.operands[: len(shapes) - 1]]
    text = index_text(places) if row is INDEX else f"{row.name}({', '.join(names)})"
    return (text, *["0"] * (len(shapes) - 1))


def of_put(shapes: Sequence[Shape], written: Any) -> tuple[str, ...]:
    text, *rest = of_selection(shapes, written)
    return (f"take(up, {text})", *rest)


def of_take(shapes: Sequence[Shape], written: Any) -> tuple[str, ...]:
    text, *rest = of_selection(shapes, written)
    return (f"put(up, {text})", *rest)


def array_row(
    name: str, operands: str, rules: str, role: Role, doc: str, **more: Any
) -> Structural:
    """A row, with lists written as one text, as in the table of numbers."""
    return Structural(name, tuple(operands.split()), tuple(rules.split(" ;; ")), role, doc, soft=True, **more)  # fmt: skip


def normalising_row(name: str, axis: int, doc: str) -> Structural:
    """A row of a normalisation along an axis, with a scale g and a shift b for each column."""
    rules = of_normalisation(name, axis)
    texts = " ;; ".join(rules([(2, 2), (2,), (2,)], None))
    along = ", axis" if axis else ", axis=0"
    parts = tuple(
        f"c = x - mean(x{along}); s = {root.format(square=square, along=along)}; {shifted}"
        for square in ("c^2", "c*c")
        for root, *all_shifted in (
            ("sqrt(mean({square}{along}) + 1e-5)", "g*(c/s) + b", "g*c/s + b"),
            ("(mean({square}{along}) + 1e-5)^(-0.5)", "g*(c*s) + b", "g*c*s + b"),
        )
        for shifted in all_shifted
    )
    return array_row(name, "x g b", texts, Role.SCALES, doc, variants=rules, shape=norm_shape(name),
        lower=lower_layernorm if axis else lower_batchnorm, parts=parts, work=lambda _, shape: 6 * size(shape))  # fmt: skip


def counting_row(name: str, doc: str, count: Callable[[Shape], int]) -> Structural:
    """A row that says how large its operand is: a whole number, without a gradient."""

    def lower(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
        return [on.apply("identity", on.number(float(count(operands[0].shape))))]

    return array_row(
        name, "x", "0", Role.DISTRIBUTES, doc, shape=counting_shape, lower=lower, counts=count
    )


D, S, C, R = Role.DISTRIBUTES, Role.SWAPS, Role.SCALES, Role.ROUTES

MATMUL = array_row("matmul", "a b", "up @ b.T ;; a.T @ up", S, "matrix product", symbol="@",
    binds=PRODUCT, shape=matmul_shape, lower=lower_matmul, variants=of_matmul, jacobians=("b.T", "a"),
    work=lambda operands, shape: size(operands[0].shape) * (operands[1].shape[1:] or (1,))[0])  # fmt: skip
TRANSPOSE = array_row("transpose", "x", "up.T", D, "rows and columns exchanged", syntax="x.T",
    shape=transpose_shape, lower=lower_transpose, variants=of_transpose)  # fmt: skip
ARRAY = array_row("array", "x ...", "up[i]", D, "a vector or a matrix of numbers", syntax="[x, y, ...]",
    shape=array_shape, lower=lower_array, variants=of_array)  # fmt: skip
INDEX = array_row("index", "x i j k l", "put(up, x[i]) ;; 0", R, "some of the elements: x[i], W[i,j], W[:,j], x[i:j]",
    syntax="x[i]", shape=index_shape, lower=lower_index, variants=of_index, optional=3, counted="an index")  # fmt: skip
MAXPOOL = array_row("maxpool", "x k stride", "put(up, maxpool(x, k)) ;; 0", R,
    "the largest in each window of k, or of k by k; windows are 1 apart, or the stride", shape=maxpool_shape,
    lower=lower_maxpool, indices=(1, 2), counted="a width", optional=1, variants=of_maxpool,
    work=lambda operands, shape: size(shape) * window(operands[1], operands[2:])[0] ** len(shape))  # fmt: skip
PUT = array_row("put", "u x ...", "take(up, x[i]) ;; 0", R, "u where x[i] is taken from, zeros elsewhere",
    shape=put_shape, lower=lower_put, variants=of_put, hidden=True, syntax="put(u, x[i])")  # fmt: skip
TAKE = array_row("take", "u x ...", "put(up, x[i]) ;; 0", R, "what x[i] takes, from u instead of x",
    shape=take_shape, lower=lower_take, variants=of_take, hidden=True, syntax="take(u, x[i])")  # fmt: skip

ROWS = (
    array_row("dot", "a b", "up*b ;; up*a", S, "sum of the products of two vectors",
        shape=same_vectors, lower=lower_dot, variants=of_dot, parts=("sum(a*b)",)),
    array_row("outer", "a b", "up @ b ;; up.T @ a", S, "the products of every number of a with every one of b",
        shape=outer_shape, lower=lower_outer),
    array_row("norm", "x", "up*x/out", C, "length of a vector, or of all of a matrix",
        shape=number_shape, lower=lower_norm, careful=("if(out == 0, 0, up*x/out)",), kinks=("out",),
        parts=("sqrt(sum(x^2))", "sqrt(sum(x*x))", "sqrt(dot(x, x))", "sqrt(x @ x)", "sum(x^2)^0.5")),
    array_row("trace", "x", "up*eye(rows(x))", D, "sum of the diagonal of a square matrix",
        shape=square_shape, lower=lower_trace),
    array_row("diag", "x", "diag(up)", D, "a vector as a diagonal matrix; of a square matrix the diagonal",
        shape=diag_shape, lower=lower_diag),
    array_row("softmax", "x", "out*(up - sum(up*out, axis=1))", C, "exponentials over their sum, along the last axis",
        shape=same_shape, lower=lower_softmax, variants=of_softmax, jacobians=("diag(out) - out @ out.T",),
        parts=("t = exp(x - max(x, axis)); t/sum(t, axis)", "t = exp(x); t/sum(t, axis)",
            "t = exp(x - max(x, axis)); t*sum(t, axis)^(-1)", "t = exp(x); t*sum(t, axis)^(-1)",
            "exp(x - logsumexp(x, axis))", "exp(logsoftmax(x))")),
    array_row("logsoftmax", "x", "up - exp(out)*sum(up, axis=1)", C, "logarithm of softmax",
        shape=same_shape, lower=lower_logsoftmax, variants=of_logsoftmax, jacobians=("eye(size(x)) - exp(out)",),
        parts=("x - logsumexp(x, axis)", "t = x - max(x, axis); t - log(sum(exp(t), axis))", "log(softmax(x))")),
    array_row("cross_entropy", "a y", "up*(softmax(a) - onehot(y, cols(a)))/rows(a) ;; 0", C,
        "mean over the rows of -log(softmax) at the label", shape=entropy_shape, lower=lower_entropy,
        indices=(1,), variants=of_entropy,
        holds=lambda shapes, whole: shapes[0] == shapes[1] != () and not (whole and shapes[1] == (1,)),
        parts=("mean(logsumexp(a, axis) - pick(a, y))", "logsumexp(a, axis) - pick(a, y)",
            "mean(sum(y*(logsumexp(a, axis) - a), axis))", "sum(y*(logsumexp(a, axis) - a), axis)",
            "-mean(pick(logsoftmax(a), y))", "-mean(log(pick(softmax(a), y)))", "mean(-log(pick(softmax(a), y)))",
            "-pick(logsoftmax(a), y)", "-log(pick(softmax(a), y))", "-log(softmax(a)[y])", "-logsoftmax(a)[y]",
            "logsumexp(a) - a[y]", "-mean(sum(y*logsoftmax(a), axis))", "-mean(sum(y*log(softmax(a)), axis))",
            "-sum(y*logsoftmax(a), axis)", "-sum(y*log(softmax(a)), axis)")),
    array_row("pick", "x y", "put(up, pick(x, y)) ;; 0", R, "the element of each row that a label names",
        shape=pick_shape, lower=lower_pick, indices=(1,)),
    array_row("onehot", "y n", "0 ;; 0", D, "rows of zeros, with a 1 where the label says; n classes",
        shape=onehot_shape, lower=lower_onehot, indices=(0, 1)),
    array_row("concat", "x ...", "up[i:j]", D, "arrays one after the other", least=2,
        shape=concat_shape, lower=lower_concat, variants=of_concat),
    array_row("reshape", "x m n", "reshape(up, rows(x), cols(x)) ;; 0", D, "the same numbers, row by row, as a matrix or a vector of n",
        shape=reshape_shape, lower=lower_same, variants=of_back, indices=(1, 2), counted="a size", optional=1),
    array_row("flatten", "x", "reshape(up, rows(x), cols(x))", D, "the numbers of a matrix as a vector, row by row",
        shape=flat_shape, lower=lower_same, variants=of_back),
    array_row("flip", "x", "flip(up)", D, "from the last to the first, along both axes of a matrix",
        shape=same_shape, lower=lower_flip),
    array_row("conv", "x k", "conv(pad(up, k), flip(k)) ;; conv(x, up)", S,
        "sums of products with a kernel, not flipped, that slides over x and stays within it",
        shape=conv_shape, lower=lower_conv, work=lambda operands, shape: 2 * size(shape) * size(operands[1].shape)),
    array_row("pad", "x k", "crop(up, k) ;; 0", D, "x with k zeros on every side; of a kernel k, its size less 1",
        shape=pad_shape, lower=lower_pad, indices=(1,), counted="a width", holds=is_kernel),
    array_row("crop", "x k", "pad(up, k) ;; 0", D, "x without the k outermost on every side: what pad adds",
        shape=crop_shape, lower=lower_crop, indices=(1,), counted="a width", holds=is_kernel),
    MAXPOOL,
    normalising_row("batchnorm", 0, "g*h + b, where h is x less the mean of its column, over the root of its variance + 1e-5"),
    normalising_row("layernorm", 1, "the same where h is x less the mean of its row, or of a vector"),
    counting_row("rows", "how many rows; of a vector 1", lambda shape: shape[0] if len(shape) == 2 else 1),
    counting_row("cols", "how many columns; of a vector its numbers", lambda shape: shape[-1]),
    counting_row("size", "how many numbers", size),
    array_row("eye", "n", "0", D, "n by n, with ones on the diagonal and zeros elsewhere",
        shape=eye_shape, lower=lower_eye, indices=(0,), counted="a size"),
)  # fmt: skip

STRUCTURAL: dict[str, Structural] = {row.name: row for row in ROWS} | {"T": TRANSPOSE}
"""The rows that are called by name; `T(x)` is another spelling of `x.T`."""

SELECTIONS: dict[str, Structural] = {"put": PUT, "take": TAKE}
"""Those that stand in texts only. What they are called with, an operation that selects, is not done
there: its row and what is written at it stand at the node, its operands behind the first."""


def array_rows() -> list[Structural]:
    """The rows that are shown: what is written by signs, then what is called."""
    return list(dict.fromkeys([MATMUL, TRANSPOSE, INDEX, ARRAY, *STRUCTURAL.values()]))
