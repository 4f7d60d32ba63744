"""Which operands each operation on arrays takes: the shape that it makes of them, or what is said.

A function a row of the table. Given are the operands, and what is written at the node beside them.
"""

from collections.abc import Callable, Sequence
from typing import Any

from .shape import Cells, Misfit, Shape, Taken, check_size, counted, said, size


def matmul(operands: Sequence[Taken], _written: Any) -> Shape:
    a, b = operands
    for place, one in enumerate(operands):
        if not one.shape:
            pair = f"{a.text}*{b.text}"
            raise Misfit(
                f"@ multiplies matrices, and {one.text} is a number", "", f"write {pair}", place
            )
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


def transpose(operands: Sequence[Taken], _written: Any) -> Shape:
    (x,) = operands
    if not x.shape:
        raise Misfit(
            f"{x.text} is a number, which has no transpose",
            "",
            "transpose a vector or a matrix; of a power, write (W^2).T",
        )
    return (x.shape[1], x.shape[0]) if len(x.shape) == 2 else (1, x.shape[0])


def array(operands: Sequence[Taken], written: Shape) -> Shape:
    for place, x in enumerate(operands):
        if x.shape:
            raise Misfit(
                "the elements of an array are numbers", x.is_shape,
                f"to join arrays, write concat({x.text}, ...); vectors as rows, concat({x.text}.T, ..., axis=0)", place,
            )  # fmt: skip
    return written


def dot(operands: Sequence[Taken], _written: Any) -> Shape:
    a, b = operands
    for place, x in enumerate(operands):
        if not x.shape:
            raise Misfit("dot takes two vectors", x.is_shape, f"write {a.text}*{b.text}", place)
        if len(x.shape) == 2 and 1 not in x.shape:
            raise Misfit(
                "dot takes two vectors",
                x.is_shape,
                f"write sum({a.text}*{b.text}), or {a.text} @ {b.text}",
                place,
            )
    if size(a.shape) != size(b.shape):
        raise Misfit(
            f"{a.text} and {b.text} do not fit together",
            f"{a.is_shape}, {b.is_shape}",
            "dot takes two vectors of one length",
        )
    return ()


def number(_operands: Sequence[Taken], _written: Any) -> Shape:
    return ()


def same(operands: Sequence[Taken], _written: Any) -> Shape:
    x = operands[0]
    if not x.shape:
        raise Misfit(
            "an array is needed here", x.is_shape, f"give a vector or a matrix for {x.text}", 0
        )
    return x.shape


def labels_fit(scores: Taken, labels: Taken, place: int = 1) -> None:
    """Raise Misfit unless there is one label a row, each of which names a column."""
    rows = scores.shape[0] if len(scores.shape) == 2 else 1
    if size(labels.shape) != rows or (len(labels.shape) == 2 and labels.shape[1] != 1):
        what = f"one label a row, {rows} here" if len(scores.shape) == 2 else "one label"
        raise Misfit(
            f"{labels.text} does not fit {scores.text}",
            f"{scores.is_shape}, {labels.is_shape}",
            f"give {what}",
            place,
        )
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


def pick(operands: Sequence[Taken], _written: Any) -> Shape:
    scores, labels = operands
    same(operands, None)
    labels_fit(scores, labels)
    return (scores.shape[0], 1) if len(scores.shape) == 2 else ()


def cross_entropy(operands: Sequence[Taken], _written: Any) -> Shape:
    scores, labels = operands
    same(operands, None)
    if labels.shape != scores.shape or labels.whole is not None:
        labels_fit(scores, labels)
    return ()


def concat(operands: Sequence[Taken], axis: int | None) -> Shape:
    first = operands[0].shape
    for place, x in enumerate(operands):
        if not x.shape or len(x.shape) != len(first):
            way = (
                f"a number is a vector as [{x.text}]",
                f"a vector is a row as {x.text}.T",
                f"a matrix is a vector as flatten({x.text})",
            )[len(x.shape)]
            if x.text in ("0", "1") and place == len(operands) - 1 > 1:
                joined = ", ".join(one.text for one in operands[:-1])
                way = f"along an axis: concat({joined}, axis={x.text})"
            raise Misfit("concat joins vectors, or matrices", x.is_shape, way, place)
    if len(first) == 1:
        return (sum(x.shape[0] for x in operands),)
    along = axis or 0
    for place, x in enumerate(operands):
        if x.shape[1 - along] != first[1 - along]:
            other = ("columns", "rows")[along]
            raise Misfit(
                f"{operands[0].text} and {x.text} do not fit together",
                f"{operands[0].is_shape}, {x.is_shape}",
                f"joined along axis {along}, they have as many {other}",
                place,
            )
    total = sum(x.shape[along] for x in operands)
    return (first[0], total) if along else (total, first[1])


def index(operands: Sequence[Taken], places: Sequence[str]) -> Shape:
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
        raise Misfit(
            f"{text} {have}",
            f"{text} is {said(x.shape)}" if x.shape else "",
            "an index for each axis: x[i] of a vector, W[i,j] of a matrix",
        )
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
            check_bounds(text, how, given, slot)
            start, stop = bounds(how, given, length)
            chosen = list(range(length))[start:stop]
            if not chosen:
                raise Misfit(
                    f"{text} has nothing there",
                    f"{text} is {said(x.shape)}",
                    "a slice begins before it ends, and holds one number at least",
                    slot if given else None,
                )
            axes.append((chosen, (len(chosen),)))
        slot += len(given)
    shape = sum((one for _, one in axes), ())
    if len(shape) > 2:
        raise Misfit(
            f"this would be {said(shape)}, and arrays have two axes at most",
            "",
            "take the columns of the index one by one",
            1,
        )
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
        f"{x}[{i},{j}] has two meanings",
        "",
        f"one element of each row is pick({every}, {j}); every row with every column is {x}[{i}][:,{j}]",
    )


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


def check_bounds(text: str, how: str, given: Sequence[Any], slot: int) -> None:
    """Raise Misfit for a slice that begins or ends at more than one number."""
    for place, one in enumerate(given, slot):
        if one.shape:
            i = getattr(one, "text", "")
            colon = f"{i}[0]:" if how == "since" else f":{i}[0]"
            raise Misfit(
                "a slice begins and ends at one number",
                getattr(one, "is_shape", ""),
                f"{text}[{i}] takes what {i} names, one by one; {text}[{colon}] is a slice",
                place,
            )


def bounds(how: str, given: Sequence[Any], length: int) -> tuple[int, int]:
    """Where a slice begins and ends."""
    numbers = [one.whole[0] if one.whole else 0 for one in given]
    start = numbers[0] if how in ("since", "between") else 0
    stop = numbers[-1] if how in ("until", "between") else length
    return start, stop


def window(k: Taken | Cells, stride: Sequence[Taken | Cells]) -> tuple[int, int]:
    """The width of a window, and how far apart windows are; 1 unless that is given."""
    return (k.whole or (0,))[0], ((stride[0].whole or (0,)) if stride else (1,))[0]


def maxpool(operands: Sequence[Taken], _written: Any) -> Shape:
    x, k, *stride = operands
    same(operands, None)
    for place, one in enumerate(operands[1:], 1):
        if one.shape:
            raise Misfit(
                "the width of a window is one number, as is the stride",
                one.is_shape,
                f"write maxpool({x.text}, 2), or maxpool({x.text}, 2, 2)",
                place,
            )
    width, step = window(k, stride)
    least = min(x.shape)
    if not 1 <= width <= least:
        raise Misfit(
            f"maxpool has windows of 1 to {least} here, not {width}",
            f"{x.is_shape}",
            f"write maxpool({x.text}, {min(2, least)})",
            1,
        )
    if step < 1:
        raise Misfit(
            f"windows are 1 apart or more, not {step}",
            "",
            f"write maxpool({x.text}, {width}, {width}) for windows side by side",
            2,
        )
    return tuple([(n - width) // step + 1 for n in x.shape])


def conv(operands: Sequence[Taken], _written: Any) -> Shape:
    x, k = operands
    same(operands, None)
    label = f"{x.is_shape}, {k.is_shape}"
    if len(x.shape) != len(k.shape):
        raise Misfit(
            f"{k.text} does not slide over {x.text}",
            label,
            "conv takes two vectors, or two matrices",
            1,
        )
    if any(m < n for m, n in zip(x.shape, k.shape, strict=True)):
        raise Misfit(
            f"{k.text} is larger than {x.text}",
            label,
            f"the kernel comes second, and fits within: pad({x.text}, 1) has zeros around",
            1,
        )
    return tuple([m - n + 1 for m, n in zip(x.shape, k.shape, strict=True)])


def is_kernel(shapes: Sequence[Shape], _whole: bool) -> bool:
    return shapes[1] != ()


def around(x: Taken | Cells, k: Taken | Cells) -> Shape:
    """How many zeros `pad` puts on either side of an array, along each axis."""
    return tuple([n - 1 for n in k.shape]) or (k.whole or (0,)) * len(x.shape)


def margins(operands: Sequence[Taken], name: str) -> Shape:
    """What `around` tells. Raises Misfit for what is no width."""
    x, k = operands
    same(operands, None)
    if k.shape and len(x.shape) != len(k.shape):
        raise Misfit(
            f"{k.text} does not slide over {x.text}",
            f"{x.is_shape}, {k.is_shape}",
            f"write {name}({x.text}, 1), or give the kernel of a convolution for 1",
            1,
        )
    widths = around(x, k)
    if min(widths) < 0:
        raise Misfit(
            f"{name} takes a width of 0 or more, not {min(widths)}",
            "",
            f"write {name}({x.text}, 1)",
            1,
        )
    return widths


def pad(operands: Sequence[Taken], _written: Any) -> Shape:
    widths = margins(operands, "pad")
    return tuple([n + 2 * m for n, m in zip(operands[0].shape, widths, strict=True)])


def crop(operands: Sequence[Taken], _written: Any) -> Shape:
    x = operands[0]
    shape = tuple([n - 2 * m for n, m in zip(x.shape, margins(operands, "crop"), strict=True)])
    if min(shape) < 1:
        raise Misfit(
            f"nothing is left of {x.text}",
            x.is_shape,
            f"write crop({x.text}, 0), or give a smaller width",
            1,
        )
    return shape


def outer(operands: Sequence[Taken], _written: Any) -> Shape:
    a, b = operands
    for place, x in enumerate(operands):
        if len(x.shape) != 1:
            way = (
                f"write {a.text}*{b.text}"
                if not x.shape
                else f"write outer(flatten({a.text}), flatten({b.text})), or {a.text} @ {b.text}"
            )
            raise Misfit("outer takes two vectors", x.is_shape, way, place)
    return a.shape[0], b.shape[0]


def trace(operands: Sequence[Taken], _written: Any) -> Shape:
    (x,) = operands
    if len(x.shape) != 2 or x.shape[0] != x.shape[1]:
        raise Misfit(
            "trace takes a square matrix",
            x.is_shape,
            "it is the sum of the diagonal, which goes from corner to corner",
            0,
        )
    return ()


def diag(operands: Sequence[Taken], _written: Any) -> Shape:
    x = operands[0]
    same(operands, None)
    if len(x.shape) == 2 and x.shape[0] != x.shape[1]:
        raise Misfit(
            "diag takes a vector or a square matrix",
            x.is_shape,
            "of a vector it makes a diagonal matrix, of a matrix it takes the diagonal",
            0,
        )
    return (x.shape[0],) if len(x.shape) == 2 else x.shape * 2


def reshape(operands: Sequence[Taken], _written: Any) -> Shape:
    x, *sizes = operands
    same(operands, None)
    for place, one in enumerate(sizes, 1):
        if one.shape:
            raise Misfit(
                "a size is one number",
                one.is_shape,
                f"write reshape({x.text}, m, n), or reshape({x.text}, n) for a vector",
                place,
            )
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
        raise Misfit(
            f"{x.text} does not fill {said(shape)}, {holds}",
            f"{x.is_shape}: {counted(count, 'number')}",
            way,
        )
    return shape


def flatten(operands: Sequence[Taken], _written: Any) -> Shape:
    return (size(same(operands, None)),)


def count(operands: Sequence[Taken], _written: Any) -> Shape:
    same(operands, None)
    return ()


def eye(operands: Sequence[Taken], _written: Any) -> Shape:
    (n,) = operands
    if n.shape or (n.whole or (0,))[0] < 1:
        raise Misfit(
            "eye takes a size of 1 or more", n.is_shape, "write eye(3) for a 3x3 matrix", 0
        )
    return (n.whole or (1,))[0], (n.whole or (1,))[0]


def onehot(operands: Sequence[Taken], _written: Any) -> Shape:
    y, n = operands
    if len(y.shape) == 2 and y.shape[1] != 1:
        raise Misfit(
            "onehot takes a label, or a vector of labels",
            y.is_shape,
            f"write onehot(flatten({y.text}), {n.text})",
            0,
        )
    if n.shape or (n.whole or (0,))[0] < 1:
        raise Misfit(
            "the number of classes is 1 or more", n.is_shape, f"write onehot({y.text}, 3)", 1
        )
    width = (n.whole or (1,))[0]
    check_labels(y, width, f"there are {n.text}", 0)
    return (size(y.shape), width) if y.shape else (width,)


def normalised(name: str) -> Callable[[Sequence[Taken], Any], Shape]:
    """The shape of a normalisation: that of its first operand, one scale and one shift a column."""

    def shape(operands: Sequence[Taken], _written: Any) -> Shape:
        x, *more = operands
        same(operands, None)
        if name == "batchnorm" and len(x.shape) == 1:
            raise Misfit(
                "batchnorm takes a matrix, an example a row",
                x.is_shape,
                f"write {x.text}.T.T for a column, or layernorm for one example",
                0,
            )
        width = x.shape[-1]
        for place, one in enumerate(more, 1):
            if one.shape not in ((), (width,), (1, width)):
                raise Misfit(
                    f"{one.text} does not fit the columns of {x.text}",
                    f"{x.is_shape}, {one.is_shape}",
                    f"give one number, or one a column, {width} here",
                    place,
                )
        return x.shape

    return shape


def put(operands: Sequence[Taken], written: Any) -> Shape:
    row, inner = written
    u, x, *_ = operands
    same_size(u, row.shape(operands[1:], inner))
    return x.shape


def take(operands: Sequence[Taken], written: Any) -> Shape:
    row, inner = written
    same_size(operands[0], operands[1].shape)
    shape: Shape = row.shape(operands[1:], inner)
    return shape


def same_size(u: Taken, shape: Shape) -> None:
    """Raise Misfit unless an array has as many numbers as one of a shape."""
    if size(u.shape) != size(shape):
        raise Misfit(
            f"{u.text} does not fit what is selected", u.is_shape, f"it is {said(shape)}", 0
        )
