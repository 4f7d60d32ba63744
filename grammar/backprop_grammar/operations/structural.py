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
    "MATMUL",
    "REDUCTIONS",
    "STRUCTURAL",
    "TRANSPOSE",
    "Cells",
    "Misfit",
    "Scalars",
    "Shape",
    "Structural",
    "Taken",
    "array_row",
    "broadcast",
    "positions",
    "said",
    "size",
]

Shape = tuple[int, ...]
"""() of a number, (n,) of a vector, (m, n) of a matrix."""

REDUCTIONS: dict[str, tuple[str, ...]] = {
    "sum": (),
    "mean": ("sum(x, axis)/n", "1/n*sum(x, axis)"),
    "max": (),
    "min": (),
    "logsumexp": ("m = max(x, axis); m + log(sum(exp(x - m), axis))", "log(sum(exp(x), axis))"),
}
"""The operations on numbers that take one array, all of it or along an axis; with their parts (see
``Structural.parts``), in which n is how many numbers become one."""


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
        """The node of a number."""
        ...


@dataclass(slots=True, eq=False, repr=False)
class Structural(Operation):
    """One row: an operation on arrays that is no operation on their elements.

    rules: what is sent back to each operand, over its operands, `out` and `up`.
    shape: of the result. lower: the nodes of the result, row by row. Both are also given what is
    written at the node beside its operands. indices: places of operands that are whole numbers,
    which get no gradient. variants: the rules by the ranks of the operands, where these decide.
    parts: what it is made of, as texts in the language over the operands: the first that fits
    their shapes is shown where it is opened, and all are ways in which people write it. `axis` is
    the last axis there: axis=1 of a matrix, and nothing of a vector.
    """

    shape: Callable[[Sequence[Taken], Any], Shape] = lambda _operands, _written: ()
    lower: Callable[[Scalars, Sequence[Cells], Any], Sequence[int]] = lambda *_: ()
    indices: tuple[int, ...] = ()
    variants: Callable[[Sequence[Shape], Any], tuple[str, ...]] | None = None
    parts: tuple[str, ...] = ()

    def vjp(self, shapes: Sequence[Shape], written: Any) -> tuple[str, ...]:
        """What is sent back to each operand, of these shapes."""
        return self.variants(shapes, written) if self.variants else self.rules

    @property
    def infix(self) -> Infix:
        return Infix(self.binds, f" {self.symbol} ", self.binds, self.binds + 1)


def said(shape: Shape) -> str:
    """A shape in a message: `a number`, `3`, `3x4`."""
    return "x".join(map(str, shape)) if shape else "a number"


def size(shape: Shape) -> int:
    """How many numbers an array of that shape has."""
    return math.prod(shape)


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
        if k in (1, n):
            return m, n
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
                f"to join arrays, write concat({x.text}, ...)", place,
            )  # fmt: skip
    return written


def same_vectors(operands: Sequence[Taken], _written: Any) -> Shape:
    a, b = operands
    for place, x in enumerate(operands):
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
    width = scores.shape[-1]
    for k, label in enumerate(labels.whole or ()):
        if not 0 <= label < width:
            name = f"{labels.text}[{k}]" if labels.shape else labels.text
            known = ", ".join(map(str, range(width))) if width < 6 else f"0 to {width - 1}"
            raise Misfit(
                f"the label {label} names no class",
                f"{name} = {label}; {scores.is_shape}, so labels are {known}",
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
            raise Misfit("concat joins vectors, or matrices", x.is_shape, f"{operands[0].is_shape}", place)  # fmt: skip
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
    return shape, [i * x.shape[1] + j for i in axes[0][0] for j in axes[1][0]]


def place_of(x: Any, text: str, axis: int, k: int, slot: int) -> int:
    """Element k along an axis, from the end where it is negative. Raises Misfit where none is."""
    length: int = x.shape[axis]
    if -length <= k < length:
        return k % length
    what = "element" if len(x.shape) == 1 else ("row", "column")[axis]
    last = f"; the last is {text}[-1]" if len(x.shape) == 1 else ""
    raise Misfit(
        f"{text} has no {what} {k}",
        f"{text} has {counted(length, 'number' if len(x.shape) == 1 else what)}, 0 to {length - 1}{last}",
        "indices begin at 0", slot,
    )  # fmt: skip


def bounds(how: str, given: Sequence[Any], length: int) -> tuple[int, int]:
    """Where a slice begins and ends."""
    numbers = [one.whole[0] if one.whole else 0 for one in given]
    start = numbers[0] if how in ("since", "between") else 0
    stop = numbers[-1] if how in ("until", "between") else length
    return start, stop


def maxpool_shape(operands: Sequence[Taken], _written: Any) -> Shape:
    x, k = operands
    width = (k.whole or (0,))[0]
    if len(x.shape) != 1 or not 1 <= width <= x.shape[0]:
        raise Misfit("maxpool takes a vector and a width of 1 to its length", f"{x.is_shape}", "write maxpool(x, 2)")  # fmt: skip
    return (x.shape[0] - width + 1,)


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
    return on.apply("logsumexp", *nodes)


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


def lower_maxpool(on: Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
    x, k = operands
    width = (k.whole or (1,))[0]
    windows = [x.nodes[i : i + width] for i in range(len(x.nodes) - width + 1)]
    return [on.apply("max", *one) if width > 1 else on.apply("identity", one[0]) for one in windows]


# which rule, by ranks


def of_matmul(shapes: Sequence[Shape], _written: Any) -> tuple[str, ...]:
    a, b = shapes
    if len(a) == len(b) == 1:
        return "up*b", "up*a"
    if len(a) == 1:
        if b[0] == 1 != a[0]:
            return "up @ b[0]", "(a @ up).T"
        return "b @ up", "a @ up.T"
    return "up @ b.T", "a.T @ up"


def of_softmax(shapes: Sequence[Shape], _written: Any) -> tuple[str, ...]:
    if len(shapes[0]) == 1:
        return ("out*(up - dot(up, out))",)
    return ("out*(up - sum(up*out, axis=1))",)


def of_logsoftmax(shapes: Sequence[Shape], _written: Any) -> tuple[str, ...]:
    if len(shapes[0]) == 1:
        return ("up - exp(out)*sum(up)",)
    return ("up - exp(out)*sum(up, axis=1)",)


def of_transpose(shapes: Sequence[Shape], _written: Any) -> tuple[str, ...]:
    return ("up.T",) if len(shapes[0]) == 2 else ("up[0]",)


def of_array(_shapes: Sequence[Shape], written: Shape) -> tuple[str, ...]:
    if len(written) == 1:
        return tuple([f"up[{k}]" for k in range(written[0])])
    return tuple([f"up[{i},{j}]" for i in range(written[0]) for j in range(written[1])])


def of_concat(shapes: Sequence[Shape], axis: int | None) -> tuple[str, ...]:
    along = axis if axis and len(shapes[0]) == 2 else 0
    ends = list(accumulate(shape[along] for shape in shapes))
    before = ":," if along else ""
    return tuple([f"up[{before}{start}:{end}]" for start, end in pairwise([0, *ends])])


def of_entropy(shapes: Sequence[Shape], _written: Any) -> tuple[str, ...]:
    if shapes[0] != shapes[1]:
        return "up*(softmax(a) - onehot(y, cols(a)))/rows(a)", "0"
    total = "sum(y, axis=1)" if len(shapes[0]) == 2 else "sum(y)"
    return f"up*(softmax(a)*{total} - y)/rows(a)", "-up*logsoftmax(a)/rows(a)"


def array_row(
    name: str, operands: str, rules: str, role: Role, doc: str, **more: Any
) -> Structural:
    """A row, with lists written as one text, as in the table of numbers."""
    return Structural(name, tuple(operands.split()), tuple(rules.split(" ;; ")), role, doc, soft=True, **more)  # fmt: skip


D, S, C, R = Role.DISTRIBUTES, Role.SWAPS, Role.SCALES, Role.ROUTES

MATMUL = array_row("matmul", "a b", "up @ b.T ;; a.T @ up", S, "matrix product", symbol="@",
    binds=PRODUCT, shape=matmul_shape, lower=lower_matmul, variants=of_matmul)  # fmt: skip
TRANSPOSE = array_row("transpose", "x", "up.T", D, "rows and columns exchanged", syntax="x.T",
    shape=transpose_shape, lower=lower_transpose, variants=of_transpose)  # fmt: skip
ARRAY = array_row("array", "x ...", "up", D, "a vector or a matrix of numbers", syntax="[x, y, ...]",
    shape=array_shape, lower=lower_array, variants=of_array)  # fmt: skip
INDEX = array_row("index", "x i ...", "put(up, x[i])", R, "some of the elements", syntax="x[i]",
    shape=index_shape, lower=lower_index)  # fmt: skip

ROWS = (
    array_row("dot", "a b", "up*b ;; up*a", S, "sum of the products of two vectors",
        shape=same_vectors, lower=lower_dot, parts=("sum(a*b)",)),
    array_row("norm", "x", "up*x/out", C, "length of a vector, or of all of a matrix",
        shape=number_shape, lower=lower_norm, kinks=("out",),
        parts=("sqrt(sum(x^2))", "sqrt(sum(x*x))", "sqrt(dot(x, x))", "sqrt(x @ x)", "sum(x^2)^0.5")),
    array_row("softmax", "x", "out*(up - sum(up*out, axis=1))", C, "exponentials over their sum, along the last axis",
        shape=same_shape, lower=lower_softmax, variants=of_softmax,
        parts=("t = exp(x - max(x, axis)); t/sum(t, axis)", "t = exp(x); t/sum(t, axis)",
            "t = exp(x - max(x, axis)); t*sum(t, axis)^(-1)", "t = exp(x); t*sum(t, axis)^(-1)",
            "exp(x - logsumexp(x, axis))", "exp(logsoftmax(x))")),
    array_row("logsoftmax", "x", "up - exp(out)*sum(up, axis=1)", C, "logarithm of softmax",
        shape=same_shape, lower=lower_logsoftmax, variants=of_logsoftmax,
        parts=("x - logsumexp(x, axis)", "t = x - max(x, axis); t - log(sum(exp(t), axis))", "log(softmax(x))")),
    array_row("cross_entropy", "a y", "up*(softmax(a) - onehot(y, cols(a)))/rows(a) ;; 0", C,
        "mean over the rows of -log(softmax) at the label", shape=entropy_shape, lower=lower_entropy,
        indices=(1,), variants=of_entropy,
        parts=("mean(logsumexp(a, axis) - pick(a, y))", "logsumexp(a, axis) - pick(a, y)",
            "mean(sum(y*(logsumexp(a, axis) - a), axis))", "sum(y*(logsumexp(a, axis) - a), axis)",
            "-mean(pick(logsoftmax(a), y))", "-mean(log(pick(softmax(a), y)))", "mean(-log(pick(softmax(a), y)))",
            "-pick(logsoftmax(a), y)", "-log(pick(softmax(a), y))", "-log(softmax(a)[y])", "-logsoftmax(a)[y]",
            "logsumexp(a) - a[y]", "-mean(sum(y*logsoftmax(a), axis))", "-mean(sum(y*log(softmax(a)), axis))",
            "-sum(y*logsoftmax(a), axis)", "-sum(y*log(softmax(a)), axis)")),
    array_row("pick", "x y", "put(up, pick(x, y)) ;; 0", R, "the element of each row that a label names",
        shape=pick_shape, lower=lower_pick, indices=(1,)),
    array_row("concat", "x ...", "up[i:j]", D, "arrays one after the other", least=2,
        shape=concat_shape, lower=lower_concat, variants=of_concat),
    array_row("maxpool", "x k", "put(up, maxpool(x, k)) ;; 0", R, "the largest of each k neighbours",
        shape=maxpool_shape, lower=lower_maxpool, indices=(1,)),
)  # fmt: skip

STRUCTURAL: dict[str, Structural] = {row.name: row for row in ROWS}
"""The rows that are called by name."""
