"""THE ARRAY TABLE: operations on whole vectors and matrices, a row each.

A row's local gradients are vector-Jacobian products, as text in the language: over the operands,
the result `out` and the upstream gradient `up`. What a row means is its lowering, index arithmetic
over the operations on numbers and nothing else, so the two tell the same story twice.

Elementwise operations and reductions are rows of the table of numbers and have none here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

from . import fits, lowerings
from .row import PRODUCT, Infix, Operation, Role
from .shape import Cells, Shape, Taken, size

__all__ = [
    "ARRAY",
    "CONCAT",
    "INDEX",
    "MATMUL",
    "REDUCTIONS",
    "SELECTIONS",
    "STRUCTURAL",
    "TRANSPOSE",
    "Structural",
    "array_row",
    "array_rows",
]

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


@dataclass(slots=True, eq=False, repr=False)
class Structural(Operation):
    """One row: an operation on arrays that is no operation on their elements.

    rules: what is sent back to each operand, over its operands, `out` and `up`. A rule may have
    stages of its own before it, `h = ...; up*h`. careful: what is computed where it has no value, or
    would lose digits.
    variants: other rules where the shapes of the operands decide; None where they are the rules.

    shape: of the result. lower: the nodes of the result, row by row. Both are also given what is
    written at the node beside its operands. work: how many operations on numbers it means, where
    these are many more than the numbers that it takes and makes. counts: of what says how large its
    operand is, the number.

    indices: places of operands that are whole numbers, which get no gradient. counted: what a
    message calls these. holds: whether, by the shapes, and by whether its numbers are whole, what
    stands there is an array of numbers after all. optional: how many of the last operands may be
    left out.

    jacobians: what the Jacobian is by each operand, where that and the result are vectors; empty
    where no text says it.

    parts: what it is made of, as texts over the operands: the first that fits their shapes is shown
    where it is opened, and all are ways in which people write it. `axis` is the last axis there:
    axis=1 of a matrix, and nothing of a vector.
    """

    shape: Callable[[Sequence[Taken], Any], Shape] = lambda _operands, _written: ()
    lower: Callable[[lowerings.Scalars, Sequence[Cells], Any], Sequence[int]] = lambda *_: ()
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
        rules = self.variants and self.variants(shapes, written)
        rules = rules or (careful and self.careful) or self.rules
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
    return array_row(name, "x g b", texts, Role.SCALES, doc, variants=rules, shape=fits.normalised(name),
        lower=lowerings.layernorm if axis else lowerings.batchnorm, parts=parts, work=lambda _, shape: 6 * size(shape))  # fmt: skip


def counting_row(name: str, doc: str, count: Callable[[Shape], int]) -> Structural:
    """A row that says how large its operand is: a whole number, without a gradient."""

    def lower(on: lowerings.Scalars, operands: Sequence[Cells], _written: Any) -> list[int]:
        return [on.apply("identity", on.number(float(count(operands[0].shape))))]

    return array_row(
        name, "x", "0", Role.DISTRIBUTES, doc, shape=fits.count, lower=lower, counts=count
    )


D, S, C, R = Role.DISTRIBUTES, Role.SWAPS, Role.SCALES, Role.ROUTES

MATMUL = array_row("matmul", "a b", "up @ b.T ;; a.T @ up", S, "matrix product", symbol="@",
    binds=PRODUCT, shape=fits.matmul, lower=lowerings.matmul, variants=of_matmul, jacobians=("b.T", "a"),
    work=lambda operands, shape: size(operands[0].shape) * (operands[1].shape[1:] or (1,))[0])  # fmt: skip
TRANSPOSE = array_row("transpose", "x", "up.T", D, "rows and columns exchanged", syntax="x.T",
    shape=fits.transpose, lower=lowerings.transpose, variants=of_transpose)  # fmt: skip
ARRAY = array_row("array", "x ...", "up[i]", D, "a vector or a matrix of numbers", syntax="[x, y, ...]",
    shape=fits.array, lower=lowerings.array, variants=of_array)  # fmt: skip
INDEX = array_row("index", "x i j k l", "put(up, x[i]) ;; 0", R, "some of the elements: x[i], W[i,j], W[:,j], x[i:j]",
    syntax="x[i]", shape=fits.index, lower=lowerings.index, variants=of_index, optional=3, counted="an index")  # fmt: skip
MAXPOOL = array_row("maxpool", "x k stride", "put(up, maxpool(x, k)) ;; 0", R,
    "the largest in each window of k, or of k by k; windows are 1 apart, or the stride", shape=fits.maxpool,
    lower=lowerings.maxpool, indices=(1, 2), counted="a width", optional=1, variants=of_maxpool,
    work=lambda operands, shape: size(shape) * fits.window(operands[1], operands[2:])[0] ** len(shape))  # fmt: skip
CONCAT = array_row("concat", "x ...", "up[i:j]", D, "arrays one after the other", least=2,
    shape=fits.concat, lower=lowerings.concat, variants=of_concat)  # fmt: skip
PUT = array_row("put", "u x ...", "take(up, x[i]) ;; 0", R, "u where x[i] is taken from, zeros elsewhere",
    shape=fits.put, lower=lowerings.put, variants=of_put, hidden=True, syntax="put(u, x[i])")  # fmt: skip
TAKE = array_row("take", "u x ...", "put(up, x[i]) ;; 0", R, "what x[i] takes, from u instead of x",
    shape=fits.take, lower=lowerings.take, variants=of_take, hidden=True, syntax="take(u, x[i])")  # fmt: skip

ROWS = (
    array_row("dot", "a b", "up*b ;; up*a", S, "sum of the products of two vectors",
        shape=fits.dot, lower=lowerings.dot, variants=of_dot, parts=("sum(a*b)",),
        latex=r"\left\langle <a>, <b> \right\rangle"),
    array_row("outer", "a b", "up @ b ;; up.T @ a", S, "the products of every number of a with every one of b",
        shape=fits.outer, lower=lowerings.outer),
    array_row("norm", "x", "up*x/out", C, "length of a vector, or of all of a matrix",
        shape=fits.number, lower=lowerings.norm, careful=("if(out == 0, 0, up*x/out)",), kinks=("out",),
        latex=r"\left\lVert <x> \right\rVert",
        parts=("sqrt(sum(x^2))", "sqrt(sum(x*x))", "sqrt(dot(x, x))", "sqrt(x @ x)", "sum(x^2)^0.5")),
    array_row("trace", "x", "up*eye(rows(x))", D, "sum of the diagonal of a square matrix",
        shape=fits.trace, lower=lowerings.trace, latex=r"\operatorname{tr}"),
    array_row("diag", "x", "diag(up)", D, "a vector as a diagonal matrix; of a square matrix the diagonal",
        shape=fits.diag, lower=lowerings.diag),
    array_row("softmax", "x", "out*(up - sum(up*out, axis=1))", C, "exponentials over their sum, along the last axis",
        shape=fits.same, lower=lowerings.softmax, variants=of_softmax, jacobians=("diag(out) - out @ out.T",),
        parts=("t = exp(x - max(x, axis)); t/sum(t, axis)", "t = exp(x); t/sum(t, axis)",
            "t = exp(x - max(x, axis)); t*sum(t, axis)^(-1)", "t = exp(x); t*sum(t, axis)^(-1)",
            "exp(x - logsumexp(x, axis))", "exp(logsoftmax(x))")),
    array_row("logsoftmax", "x", "up - exp(out)*sum(up, axis=1)", C, "logarithm of softmax",
        shape=fits.same, lower=lowerings.logsoftmax, variants=of_logsoftmax, jacobians=("eye(size(x)) - exp(out)",),
        parts=("x - logsumexp(x, axis)", "t = x - max(x, axis); t - log(sum(exp(t), axis))", "log(softmax(x))")),
    array_row("cross_entropy", "a y", "up*(softmax(a) - onehot(y, cols(a)))/rows(a) ;; 0", C,
        "mean over the rows of -log(softmax) at the label", shape=fits.cross_entropy, lower=lowerings.cross_entropy,
        careful=("h = onehot(y, cols(a)); q = softmax(a)*(1 - h); up*(q - h*sum(q, axis=-1))/rows(a)", "0"),
        indices=(1,), variants=of_entropy,
        holds=lambda shapes, whole: shapes[0] == shapes[1] != () and not (whole and shapes[1] == (1,)),
        parts=("mean(logsumexp(a, axis) - pick(a, y))", "logsumexp(a, axis) - pick(a, y)",
            "mean(sum(y*(logsumexp(a, axis) - a), axis))", "sum(y*(logsumexp(a, axis) - a), axis)",
            "-mean(pick(logsoftmax(a), y))", "-mean(log(pick(softmax(a), y)))", "mean(-log(pick(softmax(a), y)))",
            "-pick(logsoftmax(a), y)", "-log(pick(softmax(a), y))", "-log(softmax(a)[y])", "-logsoftmax(a)[y]",
            "logsumexp(a) - a[y]", "-mean(sum(y*logsoftmax(a), axis))", "-mean(sum(y*log(softmax(a)), axis))",
            "-sum(y*logsoftmax(a), axis)", "-sum(y*log(softmax(a)), axis)")),
    array_row("pick", "x y", "put(up, pick(x, y)) ;; 0", R, "the element of each row that a label names",
        shape=fits.pick, lower=lowerings.pick, indices=(1,)),
    array_row("onehot", "y n", "0 ;; 0", D, "rows of zeros, with a 1 where the label says; n classes",
        shape=fits.onehot, lower=lowerings.onehot, indices=(0, 1)),
    CONCAT,
    array_row("reshape", "x m n", "reshape(up, rows(x), cols(x)) ;; 0", D, "the same numbers, row by row, as a matrix or a vector of n",
        shape=fits.reshape, lower=lowerings.same, variants=of_back, indices=(1, 2), counted="a size", optional=1),
    array_row("flatten", "x", "reshape(up, rows(x), cols(x))", D, "the numbers of a matrix as a vector, row by row",
        shape=fits.flatten, lower=lowerings.same, variants=of_back),
    array_row("flip", "x", "flip(up)", D, "from the last to the first, along both axes of a matrix",
        shape=fits.same, lower=lowerings.flip),
    array_row("conv", "x k", "conv(pad(up, k), flip(k)) ;; conv(x, up)", S,
        "sums of products with a kernel, not flipped, that slides over x and stays within it",
        shape=fits.conv, lower=lowerings.conv, work=lambda operands, shape: 2 * size(shape) * size(operands[1].shape)),
    array_row("pad", "x k", "crop(up, k) ;; 0", D, "x with k zeros on every side; of a kernel k, its size less 1",
        shape=fits.pad, lower=lowerings.pad, indices=(1,), counted="a width", holds=fits.is_kernel),
    array_row("crop", "x k", "pad(up, k) ;; 0", D, "x without the k outermost on every side: what pad adds",
        shape=fits.crop, lower=lowerings.crop, indices=(1,), counted="a width", holds=fits.is_kernel),
    MAXPOOL,
    normalising_row("batchnorm", 0, "g*h + b, where h is x less the mean of its column, over the root of its variance + 1e-5"),
    normalising_row("layernorm", 1, "the same where h is x less the mean of its row, or of a vector"),
    counting_row("rows", "how many rows; of a vector 1", lambda shape: shape[0] if len(shape) == 2 else 1),
    counting_row("cols", "how many columns; of a vector its numbers", lambda shape: shape[-1]),
    counting_row("size", "how many numbers", size),
    array_row("eye", "n", "0", D, "n by n, with ones on the diagonal and zeros elsewhere",
        shape=fits.eye, lower=lowerings.eye, indices=(0,), counted="a size"),
)  # fmt: skip

STRUCTURAL: dict[str, Structural] = {row.name: row for row in ROWS} | {"T": TRANSPOSE}
"""The rows that are called by name; `T(x)` is another spelling of `x.T`."""

SELECTIONS: dict[str, Structural] = {"put": PUT, "take": TAKE}
"""Those that stand in texts only. What they are called with, an operation that selects, is not done
there: its row and what is written at it stand at the node, its operands behind the first."""


def array_rows() -> list[Structural]:
    """The rows that are shown: what is written by signs, then what is called."""
    return list(dict.fromkeys([MATMUL, TRANSPOSE, INDEX, ARRAY, *STRUCTURAL.values()]))
