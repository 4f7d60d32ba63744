"""How people get operations on arrays wrong, as at_edges.py and at_nodes.py say it of numbers.

Mostly it is a wrong rule, which is run: a right one with a thing in it changed, or a text of its own.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from ..language.graph import Graph
from ..language.table_texts import compiled, texts
from ..operations.fits import positions
from ..operations.lowerings import pooled
from ..operations.row import Role
from ..operations.shape import Cells, Shape, size
from ..operations.structural import INDEX, MATMUL, MAXPOOL, Structural
from ..operations.table import ADD, IF, OPERATIONS, SUB
from . import variations
from .array_sheet import ArraySheet, Map, Text
from .at_edges import Guess
from .at_nodes import replaced
from .floats import Floats, fitted
from .perturbed import Arc

__all__ = ["RULES"]


def one(arc: Arc, m: Any, b: Any = 0.0, variant: str = "", **details: Any) -> Guess:
    """A guess that changes one edge."""
    return Guess(((arc, m, b),), arc.sender, arc.operand, variant, details=details)


# wrong rules


def wrong_rule(sheet: ArraySheet, arc: Arc, text: Graph, variant: str, **details: Any) -> Guess:
    """A text in the place of the rule of a structural node."""
    told = Map(lambda up: sheet.told(arc.sender, text, up))
    return one(arc, told, variant=variant, rule=Text(sheet, arc.sender, text), **details)


def is_structural(sheet: ArraySheet, arc: Arc) -> bool:
    return isinstance(sheet.nodes[arc.sender].row, Structural)


def varied(vary: variations.Variation) -> Callable[[ArraySheet, Arc], Iterator[Guess]]:
    """The guesses of a row: a thing in the right rule changed."""

    def guesses(sheet: ArraySheet, arc: Arc) -> Iterator[Guess]:
        if not is_structural(sheet, arc):
            return
        row, right = sheet.nodes[arc.sender].row, sheet.rule(arc.sender, arc.place)
        assert isinstance(row, Structural)
        names = row.called(len(sheet.operands(arc.sender)), sheet.written(arc.sender))
        own = names[arc.place] if arc.place < len(names) else ""
        for k, text in enumerate(vary(right, own)):
            yield wrong_rule(sheet, arc, text, str(k))

    return guesses


def other_rule(sheet: ArraySheet, arc: Arc) -> Iterator[Guess]:
    """What only this operation is got wrong by."""
    shown = sheet.nodes[arc.sender]
    row = shown.row
    if not isinstance(row, Structural):
        return
    shapes = [sheet.values[k].shape for k in sheet.operands(arc.sender)]
    labels = "y" if len(set(shapes[:2])) == 1 and len(shapes) > 1 else "onehot(y, cols(a))"
    for name, place, ranks, template, remark in RULES:
        if name != row.name or place != arc.place or len(shapes[place]) not in ranks:
            continue
        text = template.replace("{y}", labels)
        yield wrong_rule(sheet, arc, compiled(text), template, remark=remark)


BOTH = (1, 2)
RULES: tuple[tuple[str, int, tuple[int, ...], str, str], ...] = (
    ("softmax", 0, BOTH, "up*out*(1 - out)", "the Jacobian was taken as its diagonal"),
    ("softmax", 0, BOTH, "out*(1 - out)", "the Jacobian was taken as its diagonal, and the upstream left out"),
    ("softmax", 0, BOTH, "up", "the gradient was copied through"),
    ("softmax", 0, BOTH, "up*out*(1 - x)", "the operand was taken for the result"),
    ("softmax", 0, BOTH, "up*x*(1 - x)", "the operand was taken for the result in the diagonal of the Jacobian"),
    ("softmax", 0, BOTH, "up*(1 - out)", "the result itself was left out as a factor"),
    ("softmax", 0, (1,), "up*out - dot(up, out^2)", "out[j]*out[j] for out[i]*out[j] off the diagonal of the Jacobian"),
    ("softmax", 0, (2,), "up*out - sum(up*out^2, axis=1)", "out[j]*out[j] for out[i]*out[j] off the diagonal of the Jacobian"),
    ("softmax", 0, (1,), "-out*(dot(up, out) - up*out)", "the diagonal of the Jacobian was left out"),
    ("softmax", 0, (2,), "-out*(sum(up*out, axis=1) - up*out)", "the diagonal of the Jacobian was left out"),
    ("softmax", 0, BOTH, "up*exp(x)", "it was not normalised, as if it were exp"),
    ("softmax", 0, BOTH, "out*(up*(1 - out) + sum(up*out) - up*out)", "off the diagonal of the Jacobian there is a minus"),
    ("logsoftmax", 0, BOTH, "up", "the gradient was copied through"),
    ("logsoftmax", 0, BOTH, "up*(1 - exp(out))", "the Jacobian was taken as its diagonal: the sum over up was left out"),
    ("logsoftmax", 0, BOTH, "-up*exp(out)", "only the second term was kept"),
    ("logsoftmax", 0, (1,), "up - out*sum(up)", "the logarithm was taken for softmax itself"),
    ("logsoftmax", 0, (2,), "up - out*sum(up, axis=1)", "the logarithm was taken for softmax itself"),
    ("logsoftmax", 0, BOTH, "up/exp(out)", "this is the slope of the logarithm alone"),
    ("cross_entropy", 0, BOTH, "up*(softmax(a) - {y})*softmax(a)*(1 - softmax(a))/rows(a)", "softmax was differentiated once more"),
    ("cross_entropy", 0, BOTH, "up*(softmax(a) - {y})*softmax(a)*(1 - softmax(a))", "softmax was differentiated once more"),
    ("cross_entropy", 0, BOTH, "up*(softmax(a) - {y})/size(a)", "it was divided by all numbers instead of the rows"),
    ("cross_entropy", 0, BOTH, "up*(softmax(a) - {y})/cols(a)", "it was divided by the columns instead of the rows"),
    ("cross_entropy", 0, BOTH, "up*(softmax(a) - {y})/rows(a)^2", "it was divided by the rows twice"),
    ("cross_entropy", 0, BOTH, "up*(softmax(a) - 1)/rows(a)", "1 was subtracted everywhere instead of at the label"),
    ("cross_entropy", 0, BOTH, "up*(logsoftmax(a) - {y})/rows(a)", "the logarithm was taken for softmax itself"),
    ("cross_entropy", 0, BOTH, "up*(a - {y})/rows(a)", "the scores were taken for their softmax"),
    ("cross_entropy", 0, BOTH, "up*(exp(a) - {y})/rows(a)", "the exponentials were not normalised"),
    ("cross_entropy", 0, BOTH, "-up*{y}/softmax(a)/rows(a)", "this is the gradient by the probabilities, not by the scores"),
    ("cross_entropy", 0, BOTH, "-up*{y}/softmax(a)", "this is the gradient by the probabilities, not by the scores"),
    ("cross_entropy", 0, BOTH, "-up*{y}*(1 - softmax(a))/rows(a)", "only the elements at the labels were kept"),
    ("cross_entropy", 0, BOTH, "up*(softmax(a)*(1 - softmax(a)) - {y})/rows(a)", "the diagonal of softmax's Jacobian was taken for softmax"),
    ("norm", 0, BOTH, "up*2*x", "this is the rule of its square"),
    ("norm", 0, BOTH, "up*x/out^2", "it was divided by the square of the norm"),
    ("norm", 0, BOTH, "up*x/(2*out)", "it was halved, as the square root is"),
    ("norm", 0, BOTH, "up*x/sqrt(out)", "the root was taken once more"),
    ("norm", 0, BOTH, "up/(2*out)", "the inner derivative 2*x is missing"),
    ("norm", 0, BOTH, "up + 0*x", "the gradient was passed on as at a sum"),
    ("transpose", 0, BOTH, "up", "the transpose was not undone"),
    ("matmul", 0, BOTH, "up", "the gradient was copied through"),
    ("matmul", 1, BOTH, "up", "the gradient was copied through"),
    ("matmul", 0, BOTH, "b", "this is the other factor alone"),
    ("matmul", 0, BOTH, "b.T", "this is the other factor alone"),
    ("matmul", 1, BOTH, "a", "this is the other factor alone"),
    ("matmul", 1, BOTH, "a.T", "this is the other factor alone"),
    ("matmul", 0, BOTH, "up*a", "the gradient was multiplied by the operand itself"),
    ("matmul", 1, BOTH, "up*b", "the gradient was multiplied by the operand itself"),
    ("matmul", 0, BOTH, "0*a + sum(up)", "the sum of the gradient was spread over it"),
    ("matmul", 1, BOTH, "0*b + sum(up)", "the sum of the gradient was spread over it"),
    ("matmul", 0, (2,), "up @ sum(b, axis=1).T", "the other factor was summed first"),
    ("matmul", 1, (2,), "sum(a, axis=0).T @ sum(up, axis=0)", "the sums over the batch were multiplied instead of the products summed"),
    ("matmul", 1, (2,), "sum(a, axis=0).T + 0*b", "the operand's sum over the batch was taken for the product"),
    ("matmul", 1, (1,), "a*up.T.T", "the products of the rows were not summed over the batch"),
    ("matmul", 1, (1,), "sum(a, axis=0)*sum(up)", "the sums over the batch were multiplied instead of the products summed"),
    ("outer", 0, BOTH, "up.T @ b", "the gradient was transposed"),
    ("outer", 1, BOTH, "up @ a", "the transpose of the gradient was forgotten"),
    ("pick", 0, BOTH, "0*x + up", "the gradient was spread over all elements"),
    ("index", 0, BOTH, "0*x + up", "the gradient was spread over all elements"),
    ("maxpool", 0, BOTH, "0*x + sum(up)", "the gradient was spread over all elements"),
    ("trace", 0, BOTH, "0*x + up", "the gradient was spread over all elements instead of the diagonal"),
    ("diag", 0, BOTH, "up", "the gradient was copied through"),
    ("conv", 0, BOTH, "conv(pad(up, k), k)", "the kernel was not flipped"),
    ("conv", 0, BOTH, "conv(up, flip(k))", "the convolution was 'valid', not 'full'"),
    ("conv", 0, BOTH, "conv(up, k)", "the convolution was 'valid', not 'full', and the kernel not flipped"),
    ("conv", 0, BOTH, "0*x + sum(k)*sum(up)/size(up)", "the kernel's sum was spread over it"),
    ("conv", 1, BOTH, "flip(conv(x, up))", "the result was flipped"),
    ("conv", 1, BOTH, "conv(x, flip(up))", "the gradient was flipped, as the kernel is for x"),
    ("conv", 1, BOTH, "conv(flip(x), up)", "x was flipped"),
    ("batchnorm", 0, BOTH, "up*g/sqrt(mean((x - mean(x, axis=0))^2, axis=0) + 1e-5)", "the mean and the variance were taken as constants"),
    ("batchnorm", 0, BOTH, "up*g", "only the scale was kept"),
    ("batchnorm", 0, BOTH, "up", "the gradient was copied through"),
    ("batchnorm", 0, BOTH, "g*(up - mean(up, axis=0))/sqrt(mean((x - mean(x, axis=0))^2, axis=0) + 1e-5)", "the variance was taken as a constant"),
    ("batchnorm", 1, BOTH, "sum(up*x, axis=0)", "the operand was taken for what it is normalised to"),
    ("batchnorm", 1, BOTH, "sum(up*(x - mean(x, axis=0)), axis=0)", "the mean was subtracted alone, and not divided by the deviation"),
    ("layernorm", 0, (1,), "up*g/sqrt(mean((x - mean(x))^2) + 1e-5)", "the mean and the variance were taken as constants"),
    ("layernorm", 0, (2,), "up*g/sqrt(mean((x - mean(x, axis=1))^2, axis=1) + 1e-5)", "the mean and the variance were taken as constants"),
    ("layernorm", 0, (1,), "(up*g - mean(up*g))/sqrt(mean((x - mean(x))^2) + 1e-5)", "the variance was taken as a constant"),
    ("layernorm", 0, (2,), "(up*g - mean(up*g, axis=1))/sqrt(mean((x - mean(x, axis=1))^2, axis=1) + 1e-5)", "the variance was taken as a constant"),
    ("layernorm", 0, BOTH, "up*g", "only the scale was kept"),
    ("layernorm", 0, BOTH, "up", "the gradient was copied through"),
    ("layernorm", 1, BOTH, "up*x", "the operand was taken for what it is normalised to"),
    ("layernorm", 1, BOTH, "sum(up*x, axis=0)", "the operand was taken for what it is normalised to"),
    ("layernorm", 1, BOTH, "sum(up*(x - mean(x, axis=1)), axis=0)", "the mean was subtracted alone, and not divided by the deviation"),
)  # fmt: skip
"""Wrong rules of single operations: (operation, which operand, its axes, the rule, in words).

`{y}` is what is subtracted from softmax: the labels as rows, or the shares that are given.
"""


def ones_for_upstream(sheet: ArraySheet, arc: Arc) -> Iterator[Guess]:
    """Of one operand, where others have the upstream gradient."""
    if is_structural(sheet, arc) and len(sheet.sent[arc.sender]) > 1:
        yield one(arc, 0.0, arc.local)


def inverse(sheet: ArraySheet, arc: Arc) -> Iterator[Guess]:
    """The inverse of a square factor for its transpose."""
    if sheet.nodes[arc.sender].row is not MATMUL:
        return
    other = sheet.values[sheet.operands(arc.sender)[1 - arc.place]]
    if (
        len(other.shape) != 2
        or other.shape[0] != other.shape[1]
        or other.shape[0] > LARGEST_INVERSE
    ):
        return
    inverted = inverse_of(other)
    if inverted is not None:
        text = compiled(("up @ i", "i @ up")[arc.place])
        told = Map(lambda up: sheet.told(arc.sender, text, up, i=inverted))
        yield one(arc, told, other=sheet.operands(arc.sender)[1 - arc.place])


LARGEST_INVERSE = 16


def inverse_of(x: Floats) -> Floats | None:
    """By Gauss and Jordan; None of a singular matrix."""
    n = x.shape[0]
    numbers = x.numbers
    rows = [[*numbers[i * n : i * n + n], *(float(i == j) for j in range(n))] for i in range(n)]
    for k in range(n):
        best = max(range(k, n), key=lambda i: abs(rows[i][k]))
        if not rows[best][k]:
            return None
        rows[k], rows[best] = rows[best], rows[k]
        rows[k] = [number / rows[k][k] for number in rows[k]]
        for i in range(n):
            if i != k:
                rows[i] = [a - rows[i][k] * b for a, b in zip(rows[i], rows[k], strict=True)]
    return x.kernel.make(x.shape, [number for row in rows for number in row[n:]])


def last_of_batch(sheet: ArraySheet, arc: Arc) -> Iterator[Guess]:
    """One row's product only, where a matrix product sums over the rows."""
    operands = sheet.operands(arc.sender)
    first = sheet.values[operands[0]].shape
    if (
        sheet.nodes[arc.sender].row is MATMUL
        and arc.place == 1
        and len(first) == 2
        and first[0] > 1
    ):
        n = first[0]
        vector = len(sheet.nodes[arc.sender].shape) == 1
        for which, k in (("last", n - 1), ("first", 0)):
            up = f"up[{k}]" if vector else f"up[{k}:{k + 1}]"
            text = f"a[{k}]*{up}" if vector else f"a[{k}:{k + 1}].T @ {up}"
            yield wrong_rule(sheet, arc, compiled(text), which, which=which)


def scaled(axis: int, power: int) -> Callable[[ArraySheet, Arc], Iterator[Guess]]:
    """The guesses of a row: times the size of an axis of a batch at its product, or over it."""

    def guesses(sheet: ArraySheet, arc: Arc) -> Iterator[Guess]:
        if sheet.nodes[arc.sender].row is not MATMUL:
            return
        batch = sheet.operands(arc.sender)[0]
        shape = sheet.values[batch].shape
        if len(shape) < 2 or (arc.place == 0 and len(sheet.nodes[arc.sender].shape) < 2):
            return  # a matrix of weights, and no batch
        n = shape[axis]
        if n > 1:
            yield one(arc, arc.local * float(n) ** power, count=n, of=batch)

    return guesses


def own_elements_only(sheet: ArraySheet, arc: Arc) -> Iterator[Guess]:
    """The diagonal of the Jacobian, where each element of the result needs several."""
    shape = sheet.nodes[arc.sender].shape
    n = size(shape)
    row = sheet.nodes[arc.sender].row
    if (
        not is_structural(sheet, arc)
        or row.role is Role.DISTRIBUTES
        or sheet.nodes[arc.operand].shape != shape
        or not 1 < n <= LARGEST_JACOBIAN
    ):
        return
    if row.name in ("softmax", "logsoftmax", "index"):
        return  # which texts say
    diagonal = []
    for k in range(n):
        unit = sheet.kernel.make(shape, [float(i == k) for i in range(n)])
        told = arc.local.of(unit)
        if told is None:
            return
        diagonal.append(told.numbers[k])
    yield one(arc, sheet.kernel.make(shape, diagonal))


LARGEST_JACOBIAN = 36


def overwritten_twice(sheet: ArraySheet, arc: Arc) -> Iterator[Guess]:
    """An element that is taken several times gets what the last one sends."""
    if sheet.nodes[arc.sender].row is not INDEX or arc.place:
        return
    places = positions(cells_of(sheet, arc.sender), sheet.written(arc.sender))[1]
    if len(set(places)) == len(places):
        return
    shape = sheet.nodes[arc.operand].shape

    def last(up: Floats) -> Floats:
        numbers = [0.0] * size(shape)
        for place, number in zip(places, up.numbers, strict=True):
            numbers[place] = number
        return up.kernel.make(shape, numbers)

    yield one(arc, Map(last))


def all_of_window(sheet: ArraySheet, arc: Arc) -> Iterator[Guess]:
    """Every element of a window of maxpool gets what arrives, in full or shared."""
    if sheet.nodes[arc.sender].row is not MAXPOOL or arc.place:
        return
    windows = list(pooled(cells_of(sheet, arc.sender)))
    shape = sheet.nodes[arc.operand].shape
    for share, how in ((1.0, "in full"), (1 / len(windows[0]), "in equal shares")):

        def spread(up: Floats, share: float = share) -> Floats:
            numbers = [0.0] * size(shape)
            for places, number in zip(windows, up.numbers, strict=True):
                for place in places:
                    numbers[place] += share * number
            return up.kernel.make(shape, numbers)

        yield one(arc, Map(spread), variant=how, how=how)


def cells_of(sheet: ArraySheet, node: int) -> list[Cells]:
    """The operands of an operation that selects: its array, and the whole numbers that say where."""
    first, *rest = (sheet.values[k] for k in sheet.operands(node))
    return [
        Cells(first.shape, range(size(first.shape)), None),
        *(Cells(x.shape, range(size(x.shape)), tuple(map(int, x.numbers))) for x in rest),
    ]


def another_value(sheet: ArraySheet, arc: Arc) -> Iterator[Guess]:
    """A rule over the value of another named node of the shape, instead of an operand or the result."""
    node, operands = arc.sender, sheet.operands(arc.sender)
    row = sheet.nodes[node].row
    if isinstance(row, Structural):
        text = sheet.rule(node, arc.place)
        names = row.called(len(operands), sheet.written(node))
    elif sheet.row(node) is not None:
        text, names = texts(row).shown[arc.place], row.operands
    else:
        return
    meant = dict(zip(names, operands, strict=False)) | {"out": node}
    for name, k in meant.items():
        if name not in text.variables or sheet.nodes[k].kind == "constant":
            continue
        for other, shown in enumerate(sheet.nodes[:MANY]):
            if (
                other == k
                or not shown.named
                or shown.kind == "constant"
                or shown.shape != sheet.nodes[k].shape
            ):
                continue
            value = {name: sheet.values[other]}
            details = {"used": other, "meant": k}
            if isinstance(row, Structural):
                wrong: Any = Map(lambda up, value=value: sheet.told(node, text, up, **value))  # type: ignore[misc]
            else:
                leaves = sheet.leaves(node, **value)
                wrong = None if leaves is None else sheet.value(text, leaves)
            if wrong is not None:
                yield one(arc, wrong, variant=f"{name} {shown.name}", **details)


def another_upstream(sheet: ArraySheet, arc: Arc) -> Iterator[Guess]:
    """What arrives at another node of the shape, further on or back."""
    for other, shown in enumerate(sheet.nodes[:MANY]):
        if (
            other == arc.sender
            or shown.gradient is None
            or shown.shape != sheet.nodes[arc.sender].shape
        ):
            continue
        sent = sheet.contribution(arc, sheet.gradients[other], arc.local)
        if sent is not None:
            yield one(arc, 0.0, sent, variant=shown.name, used=other)


# where an array is stretched


def stretched(sheet: ArraySheet, arc: Arc) -> Shape | None:
    """The shape over which an operand was stretched, or None."""
    over, own = sheet.nodes[arc.sender].shape, sheet.nodes[arc.operand].shape
    by_element = (
        isinstance(arc.local, Floats) and len(sheet.sent[arc.sender]) and not reduces(sheet, arc)
    )
    return over if by_element and size(own) < size(over) else None


def reduces(sheet: ArraySheet, arc: Arc) -> bool:
    """Whether an edge leads into a reduction."""
    shown = sheet.nodes[arc.sender]
    return shown.row.variadic and not isinstance(shown.row, Structural) and len(shown.operands) == 1


def unsummed(sheet: ArraySheet, arc: Arc) -> Iterator[Guess]:
    if stretched(sheet, arc):
        yield one(arc, arc.local)


def after_sum(
    change: Callable[[Floats, Shape], Floats | None],
) -> Callable[[ArraySheet, Arc], Iterator[Guess]]:
    """The guesses of a row: what is made of the products instead of their sum.

    change: of the products, for an operand of that shape.
    """

    def guesses(sheet: ArraySheet, arc: Arc) -> Iterator[Guess]:
        over, own = stretched(sheet, arc), sheet.nodes[arc.operand].shape
        if over:
            count = size(over) // size(own)
            yield one(arc, Map(lambda up: change(up * arc.local, own)), count=count)

    return guesses


def mean_of(products: Floats, own: Shape) -> Floats | None:
    total = fitted(products, own)
    return None if total is None else total / (size(products.shape) / size(own))


def everything(products: Floats, own: Shape) -> Floats | None:
    return fitted(products.sum(), own) if own else None


def once(products: Floats, own: Shape) -> Floats | None:
    """What is sent once where it is sent several times: the largest of what would be added up."""
    kernel = products.kernel
    axis = None if size(own) == 1 else 1 if own[-1] == 1 and len(own) == 2 else 0
    top, bottom = (kernel.reduce(OPERATIONS[name], products, axis) for name in ("max", "min"))
    if size(top.shape) != size(own):
        return None
    return kernel.shaped(kernel.choose(">=", [top + bottom, top * 0.0, top, bottom]), own)


def wrong_axis(products: Floats, own: Shape) -> Floats | None:
    m, *n = products.shape
    if n != [m] or not own or size(own) != m:
        return None
    axis = 0 if own == (m, 1) else 1
    return products.kernel.shaped(products.sum(axis), own)


def one_row(sheet: ArraySheet, arc: Arc) -> Iterator[Guess]:
    """Only what the last row, or the first, sends."""
    over, own = stretched(sheet, arc), sheet.nodes[arc.operand].shape
    if not over or (len(over) == 2 and size(own) not in (1, over[1])):
        return
    n = size(own)
    for which in ("last", "first"):

        def kept(up: Floats, which: str = which) -> Floats:
            numbers = (up * arc.local).numbers
            return up.kernel.make(own, numbers[-n:] if which == "last" else numbers[:n])

        yield one(arc, Map(kept), variant=which, which=which)


def sum_of_input(sheet: ArraySheet, arc: Arc) -> Iterator[Guess]:
    """The bias of a layer: its input summed instead of what arrives."""
    own = sheet.nodes[arc.operand].shape
    if not stretched(sheet, arc) or sheet.row(arc.sender) is not ADD:
        return
    for beside in sheet.operands(arc.sender):
        if beside == arc.operand or sheet.nodes[beside].row is not MATMUL:
            continue
        x, w = (sheet.values[k] for k in sheet.operands(beside))
        if len(x.shape) != 2 or len(w.shape) != 2:
            continue
        for text in (
            "sum(x, axis=0)",
            "sum(up @ x.T, axis=1)",
            "sum(x.T @ up, axis=0)",
            "sum(x.T @ up, axis=1)",
        ):
            rule = compiled(text)

            def told(up: Floats, rule: Graph = rule, x: Floats = x) -> Floats | None:
                found = sheet.value(rule, {"up": up, "x": x})
                fits = found is not None and size(found.shape) == size(own)
                return found.kernel.shaped(found, own) if found is not None and fits else None

            yield one(arc, Map(told), variant=text, x=sheet.operands(beside)[0])


def element_by_element(sheet: ArraySheet, arc: Arc) -> Iterator[Guess]:
    """X - mean(x): to each element of x only what its own element of the result sends."""
    if not stretched(sheet, arc):
        return
    below = [lower for lower in sheet.sent[arc.operand] if reduces(sheet, lower)]
    for lower in below:
        over = sheet.nodes[arc.sender].shape
        if sheet.nodes[lower.operand].shape == over and len(sheet.received[arc.operand]) == 1:
            sent = sheet.gradients[arc.sender] * arc.local * lower.local
            changes = ((arc, 0.0, 0.0), (lower, 0.0, sent))
            yield Guess(changes, arc.sender, lower.operand, details={"via": arc.operand})


# reductions


def share(text: str, *rows: str) -> Callable[[ArraySheet, Arc], Iterator[Guess]]:
    """The guesses of a row: another share of what arrives at a reduction.

    text: over x, out, and n, how many numbers become one; r, c and s, how many rows, columns and
    numbers x has.
    """

    def guesses(sheet: ArraySheet, arc: Arc) -> Iterator[Guess]:
        shown = sheet.nodes[arc.sender]
        if not reduces(sheet, arc) or shown.row.name not in rows:
            return
        x, out = sheet.values[arc.operand], sheet.values[arc.sender]
        r, c = x.shape if len(x.shape) == 2 else (1, *(x.shape or (1,)))
        counts = {
            "n": size(x.shape) / size(out.shape),
            "r": float(r),
            "c": float(c),
            "s": float(size(x.shape)),
        }
        plain = {name: sheet.kernel.make((), (number,)) for name, number in counts.items()}
        wrong = sheet.value(compiled(text), plain | {"x": x, "out": out})
        if wrong is not None:
            yield one(
                arc,
                wrong if wrong.shape else wrong.numbers[0],
                variant=text,
                share=spelled_share(text, counts),
            )

    return guesses


def spelled_share(text: str, counts: dict[str, float]) -> str:
    """`1/n^2` with the number for n."""
    return "".join(f"{counts[part]:g}" if part in counts else part for part in text)


def shared_as_well(sheet: ArraySheet, arc: Arc) -> Iterator[Guess]:
    """What is added to a mean, divided by its n as well: a penalty divided by the size of the batch."""
    if sheet.row(arc.sender) is not ADD or sheet.nodes[arc.sender].shape:
        return
    counts = dict[int, int]()
    for other in sheet.arcs:
        if reduces(sheet, other) and sheet.nodes[other.sender].row.name == "mean":
            n = size(sheet.nodes[other.operand].shape) // size(sheet.nodes[other.sender].shape)
            counts.setdefault(n, other.sender)
    for n, mean in counts.items():
        if n > 1:
            yield one(arc, arc.local / float(n), variant=str(n), count=n, mean=mean)


# choices


def selects(sheet: ArraySheet, arc: Arc) -> bool:
    """Whether a node passes on in some elements and not in others, element by element."""
    row = sheet.nodes[arc.sender].row
    chooses = (
        row.role is Role.ROUTES or row is IF or row.selects or row.name in ("leaky_relu", "elu")
    )
    return bool(chooses) and isinstance(arc.local, Floats)


def mask_forgotten(sheet: ArraySheet, arc: Arc) -> Iterator[Guess]:
    if selects(sheet, arc):
        yield one(arc, 1.0)


def mask_inverted(sheet: ArraySheet, arc: Arc) -> Iterator[Guess]:
    if selects(sheet, arc) and not reduces(sheet, arc):
        yield one(arc, 1.0 - arc.local)


def mask_of_upstream(sheet: ArraySheet, arc: Arc) -> Iterator[Guess]:
    """What arrives where that is positive, and, as well, where the operand is selected."""
    if selects(sheet, arc) and not reduces(sheet, arc):
        yield one(arc, Map(lambda up: positive(sheet, up)), variant="alone", also="")
        yield one(
            arc, Map(lambda up: positive(sheet, up) * arc.local), variant="both", also=" as well"
        )


def positive(sheet: ArraySheet, up: Floats) -> Floats:
    return sheet.kernel.elementwise(OPERATIONS["relu"], [up])


def slope_left_out(sheet: ArraySheet, arc: Arc) -> Iterator[Guess]:
    """Of a leaky relu: 0 where it leaks; and 1 on both sides is the mask forgotten."""
    if (
        selects(sheet, arc)
        and not reduces(sheet, arc)
        and sheet.nodes[arc.sender].row.role is not Role.ROUTES
    ):
        wrong = sheet.value(compiled("if(x == 1, 1, 0)"), {"x": arc.local})
        if wrong is not None:
            yield one(arc, wrong)


def every_tie(sheet: ArraySheet, arc: Arc) -> Iterator[Guess]:
    """Each of the largest gets all that arrives."""
    if selects(sheet, arc) and sheet.nodes[arc.sender].row.selects:
        wrong = sheet.value(compiled("if(x == 0, 0, 1)"), {"x": arc.local})
        if wrong is not None:
            yield one(arc, wrong)


# anywhere


def sign(sheet: ArraySheet, arc: Arc) -> Iterator[Guess]:
    if is_structural(sheet, arc):
        yield one(arc, -arc.local)


def left_out(sheet: ArraySheet, arc: Arc) -> Iterator[Guess]:
    if is_structural(sheet, arc) and len(sheet.received[arc.operand]) == 1:
        yield one(arc, 0.0)


def difference_reversed(sheet: ArraySheet, node: int) -> Iterator[Guess]:
    """Target - output for output - target."""
    if sheet.row(node) is SUB:
        a, b = sheet.operands(node)
        changes = tuple((arc, -arc.local, 0.0) for arc in sheet.sent[node])
        if changes:
            yield Guess(changes, node, -1, details={"a": a, "b": b})


def one_branch(sheet: ArraySheet, node: int) -> Iterator[Guess]:
    """The same branch of an `if` differentiated in all elements."""
    if sheet.nodes[node].row is not IF or not sheet.nodes[node].shape:
        return
    for kept in sheet.sent[node]:
        changes = tuple((arc, float(arc is kept), 0.0) for arc in sheet.sent[node])
        branch = "first" if kept.place == 2 else "second"
        details = {"kept": kept.operand, "branch": branch}
        yield Guess(changes, node, -1, branch, details=details)


def loss_for_upstream(sheet: ArraySheet, node: int) -> Iterator[Guess]:
    """The backward pass begun with the value of the loss instead of 1."""
    value = sheet.values[node]
    if node == sheet.output and size(value.shape) == 1 and sheet.sent[node]:
        number = value.numbers[0]
        changes = tuple((arc, arc.local * number, 0.0) for arc in sheet.sent[node])
        yield Guess(changes, node, -1)


# of one claim


def turned(sheet: ArraySheet, claim: int) -> Iterator[Guess]:
    """The right gradient transposed."""
    x = sheet.gradients[claim]
    if len(x.shape) == 2 and 1 not in x.shape:
        flipped = sheet.value(compiled("x.T"), {"x": x})
        if flipped is not None:
            yield replaced(sheet, claim, flipped, claim)  # type: ignore[arg-type]


def summed_up(sheet: ArraySheet, claim: int) -> Iterator[Guess]:
    """The right gradient summed, or averaged, where it should not be."""
    x = sheet.gradients[claim]
    for text in (
        "sum(x, axis=0)",
        "sum(x, axis=1)",
        "sum(x)",
        "mean(x, axis=0)",
        "mean(x, axis=1)",
        "mean(x)",
    ):
        found = sheet.value(compiled(text), {"x": x})
        if found is None or found.shape == x.shape:
            continue
        shapes = dict.fromkeys((found.shape, (size(found.shape),)))
        for shape in shapes:
            yield replaced_by(sheet, claim, sheet.kernel.shaped(found, shape), text)
        if text.startswith("mean") and (spread := fitted(found, x.shape)) is not None:
            yield replaced_by(sheet, claim, spread, text)


def replaced_by(sheet: ArraySheet, claim: int, x: Floats, text: str) -> Guess:
    guess = replaced(sheet, claim, x, claim)  # type: ignore[arg-type]
    rule = text.replace("x", f"the gradient of {sheet.nodes[claim].name}", 1)
    return replace(guess, variant=f"{text} {x.shape}", details={"rule": rule})


def of_other_node(sheet: ArraySheet, claim: int) -> Iterator[Guess]:
    """The gradient of another node of the shape, handed on as it is."""
    for other, shown in enumerate(sheet.nodes[:MANY]):
        alike = shown.shape == sheet.claimed.get(claim, sheet.nodes[claim].shape)
        if alike and other != claim and shown.gradient is not None and shown.kind != "variable":
            yield replaced(sheet, claim, sheet.gradients[other], other)  # type: ignore[arg-type]


MANY = 200
