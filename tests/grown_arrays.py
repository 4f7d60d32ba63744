"""Programs over vectors and matrices, grown like those of `tests.grown`, each with a point.

Every array node is, beside its text, the numbers that it means: nodes of a `Grown` program over
numbers, made by loops of this file's own. That is what `tests.truth` computes; nothing of the
shapes, the lowering or the parser under test is used.
"""

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mpmath import mp

from tests import truth
from tests.grown import COMPARISONS, INFIX, LEAVES, NUMBERS, UNARY, Grown, coordinate, operands

Shape = tuple[int, ...]
MOST_TERMS = 10
LARGEST = 16
"""Elements of the largest array."""

GENTLE = ("exp", "tanh", "sigmoid", "sin", "cos", "relu", "softplus", "abs", "neg", "sqrt", "log", "silu", "gelu", "atan")  # fmt: skip
"""Functions that take what courses feed them."""


class Misfit(Exception):
    """Operands that an operation does not take."""


@dataclass
class Node:
    """text: over the texts of its operands. shape; cells: its elements on the tape of numbers.

    elementwise: whether it may stand in a branch that is chosen by element.
    """

    text: str
    shape: Shape
    cells: list[int]
    operands: tuple[int, ...] = ()
    elementwise: bool = False
    leaf: bool = False


@dataclass
class GrownArrays:
    """nodes: of arrays, operands first. numbers: the program over numbers that they mean.

    at: nested lists; given: the variables that select. upstream: numbers that arrive at the output.
    """

    nodes: list[Node] = field(default_factory=list)
    numbers: Grown = field(default_factory=lambda: Grown([]))
    at: dict[str, Any] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)
    named: dict[int, str] = field(default_factory=dict)
    upstream: Any = None
    output: list[int] = field(default_factory=list)

    def text(self) -> str:
        lines = [f"{name} = {self.written(k, True)}" for k, name in sorted(self.named.items())]
        if len(self.nodes) - 1 not in self.named:
            lines.append(self.written(len(self.nodes) - 1))
        return "; ".join(lines)

    def written(self, k: int, definition: bool = False) -> str:
        if k in self.named and not definition:
            return self.named[k]
        node = self.nodes[k]
        return node.text.format(*map(self.written, node.operands))

    def scalars(self) -> str:
        """The program over numbers as text; what is used more than once is a stage."""
        plain = self.numbers
        used = truth.reached(plain)
        uses = Counter(k for node in used for k in operands(plain.nodes[node]))
        named = {
            node: f"s{node}"
            for node in sorted(used)
            if plain.nodes[node][0] not in LEAVES and (uses[node] > 1 or node in plain.named)
        }
        return Grown(plain.nodes, plain.at, named=named).text()

    # the tape of numbers

    def add(self, *node: Any) -> int:
        self.numbers.nodes.append(node)
        return len(self.numbers.nodes) - 1

    def constant(self, x: float) -> int:
        return self.add("number", float(x))

    def append(self, node: Node) -> int:
        if len(node.cells) > LARGEST or len(node.cells) != math.prod(node.shape):
            raise Misfit
        self.nodes.append(node)
        return len(self.nodes) - 1

    def variable(self, name: str, shape: Shape, numbers: Sequence[float]) -> int:
        cells = []
        for place, x in zip(places(shape), numbers, strict=True):
            label = scalar(name, place)
            self.numbers.at[label] = x
            cells.append(self.add("variable", label))
        self.at[name] = nested(shape, list(numbers))
        return self.append(Node(name, shape, cells, elementwise=True, leaf=True))

    # how the slopes by the elements are called on both sides

    def slopes(self, gradients: dict[str, Any]) -> dict[str, Any]:
        """Nested gradients by the names of the program over numbers."""
        found = {}
        for name, value in self.at.items():
            if name not in self.given:
                for place in places(shape_of(value)):
                    one = gradients[name]
                    for k in place:
                        one = one[k]
                    found[scalar(name, place)] = one
        return found


def places(shape: Shape) -> list[tuple[int, ...]]:
    if not shape:
        return [()]
    return [(k, *rest) for k in range(shape[0]) for rest in places(shape[1:])]


def scalar(name: str, place: tuple[int, ...]) -> str:
    return "_".join([name, *map(str, place)])


def shape_of(value: Any) -> Shape:
    return (len(value), *shape_of(value[0])) if isinstance(value, list) else ()


def nested(shape: Shape, numbers: list[Any]) -> Any:
    if not shape:
        return numbers[0]
    step = math.prod(shape[1:])
    return [nested(shape[1:], numbers[k * step : (k + 1) * step]) for k in range(shape[0])]


def rows(node: Node) -> list[list[int]]:
    width = node.shape[-1]
    return [node.cells[k : k + width] for k in range(0, len(node.cells), width)]


def columns(node: Node) -> list[list[int]]:
    return [list(column) for column in zip(*rows(node), strict=True)]


# which shapes go side by side, and which element stands beside which


def beside(a: Shape, b: Shape) -> Shape:
    if a == b or not b:
        return a
    if not a:
        return b
    if len(a) != len(b):
        matrix, vector = (a, b) if len(a) == 2 else (b, a)
        if vector[0] not in (1, matrix[1]):
            raise Misfit
        return matrix
    for m, n in zip(a, b, strict=True):
        if m != n and 1 not in (m, n):
            raise Misfit
    return tuple(n if m == 1 else m for m, n in zip(a, b, strict=True))


def stretched(node: Node, shape: Shape) -> list[int]:
    found = []
    for place in places(shape):
        own = place[len(shape) - len(node.shape) :] if node.shape else ()
        k = 0
        for i, n in zip(own, node.shape, strict=True):
            k = k * n + (i if n > 1 else 0)
        found.append(node.cells[k])
    return found


Make = Callable[[GrownArrays, random.Random, Callable[..., int]], Node]


def elementwise(name: str, count: int) -> Make:
    def make(on: GrownArrays, rng: random.Random, pick: Callable[..., int]) -> Node:
        given = [pick() for _ in range(count)]
        if name in ("min", "max") and all(not on.nodes[k].shape for k in given):
            raise Misfit
        shape: Shape = ()
        for k in given:
            shape = beside(shape, on.nodes[k].shape)
        sides = [stretched(on.nodes[k], shape) for k in given]
        cells = [on.add(name, *one) for one in zip(*sides, strict=True)]
        holes = ", ".join(["{}"] * count)
        text = f"{name}({holes})"
        if name in INFIX:
            text = f"({{}} {INFIX[name]} {{}})"
        elif name == "neg":
            text = "(-{})"
        return Node(text, shape, cells, tuple(given), True)

    return make


def choice(on: GrownArrays, rng: random.Random, pick: Callable[..., int]) -> Node:
    a, b, x, y = (pick() for _ in range(4))
    shapes = [on.nodes[k].shape for k in (a, b, x, y)]
    by_element = beside(*shapes[:2])
    shape = beside(beside(by_element, shapes[2]), shapes[3])
    if by_element:
        # what is inside is computed by element: only what is elementwise may stand there
        for k in (x, y):
            if not inner_elementwise(on, k):
                raise Misfit
    sign = rng.choice(COMPARISONS)
    sides = [stretched(on.nodes[k], shape) for k in (a, b, x, y)]
    cells = [on.add("if" + sign, *one) for one in zip(*sides, strict=True)]
    return Node(f"if({{}} {sign} {{}}, {{}}, {{}})", shape, cells, (a, b, x, y), True)


def inner_elementwise(on: GrownArrays, k: int) -> bool:
    if k in on.named:
        return True
    node = on.nodes[k]
    return node.elementwise and all(inner_elementwise(on, i) for i in node.operands)


def product(on: GrownArrays, terms: Sequence[tuple[int, int]]) -> int:
    """The sum of products of pairs."""
    parts = [on.add("mul", *pair) for pair in terms]
    return on.add("sum", *parts) if len(parts) > 1 else parts[0]


def matmul(on: GrownArrays, rng: random.Random, pick: Callable[..., int]) -> Node:
    a, b = pick(ranked), pick(ranked)
    x, y = on.nodes[a], on.nodes[b]
    if len(x.shape) == 1 and len(y.shape) == 2 and y.shape[0] == 1 != x.shape[0]:
        cells = [on.add("mul", i, j) for i in x.cells for j in y.cells]
        return Node("({} @ {})", (x.shape[0], y.shape[1]), cells, (a, b))
    if x.shape[-1] != y.shape[0]:
        if rng.random() < 0.5 or x.shape[-1] != y.shape[-1] or len(y.shape) != 2:
            raise Misfit
        text, right = "({} @ {}.T)", rows(y)
        tail = y.shape[:1]
    else:
        text = "({} @ {})"
        right = columns(y) if len(y.shape) == 2 else [y.cells]
        tail = y.shape[1:]
    cells = [product(on, list(zip(u, v, strict=True))) for u in rows(x) for v in right]
    return Node(text, (*x.shape[:-1], *tail), cells, (a, b))


def dot(on: GrownArrays, rng: random.Random, pick: Callable[..., int]) -> Node:
    a, b = pick(ranked), pick(ranked)
    x, y = on.nodes[a], on.nodes[b]
    if len(x.cells) != len(y.cells) or any(len(n.shape) == 2 and 1 not in n.shape for n in (x, y)):
        raise Misfit
    return Node("dot({}, {})", (), [product(on, list(zip(x.cells, y.cells, strict=True)))], (a, b))


def transpose(on: GrownArrays, rng: random.Random, pick: Callable[..., int]) -> Node:
    k = pick(ranked)
    x = on.nodes[k]
    lines = columns(x) if len(x.shape) == 2 else [x.cells]
    shape = x.shape[::-1] if len(x.shape) == 2 else (1, x.shape[0])
    cells = [i for line in lines for i in line]
    return Node(rng.choice(("{}.T", "{}'")), shape, cells, (k,))


def reduction(name: str) -> Make:
    def make(on: GrownArrays, rng: random.Random, pick: Callable[..., int]) -> Node:
        k = pick(ranked)
        x = on.nodes[k]
        axis = rng.choice((None, 0, 1))
        if name == "norm" or axis is None:
            lines, shape, text = [x.cells], (), f"{name}({{}})"
        elif len(x.shape) == 1:
            lines, shape, text = [x.cells], (1,), f"{name}({{}}, axis=0)"
        else:
            lines = columns(x) if axis == 0 else rows(x)
            shape = (1, len(lines)) if axis == 0 else (len(lines), 1)
            text = f"{name}({{}}, axis={axis})"
        return Node(text, shape, [reduced(on, name, line) for line in lines], (k,))

    return make


def reduced(on: GrownArrays, name: str, line: list[int]) -> int:
    if name == "norm":
        two = on.constant(2)
        squares = [on.add("pow", i, two) for i in line]
        return on.add("sqrt", on.add("sum", *squares) if len(squares) > 1 else squares[0])
    return on.add(name, *line) if len(line) > 1 else line[0]


def shares(on: GrownArrays, line: list[int]) -> list[int]:
    """The softmax of a line: each exponential over their sum."""
    below = on.add("logsumexp", *line) if len(line) > 1 else line[0]
    return [on.add("exp", on.add("sub", i, below)) for i in line]


def softmax(on: GrownArrays, rng: random.Random, pick: Callable[..., int]) -> Node:
    k = pick(ranked)
    x = on.nodes[k]
    cells = [i for line in rows(x) for i in shares(on, line)]
    return Node("softmax({})", x.shape, cells, (k,))


def logsoftmax(on: GrownArrays, rng: random.Random, pick: Callable[..., int]) -> Node:
    k = pick(ranked)
    x = on.nodes[k]
    cells = []
    for line in rows(x):
        below = on.add("logsumexp", *line) if len(line) > 1 else line[0]
        cells += [on.add("sub", i, below) for i in line]
    return Node("logsoftmax({})", x.shape, cells, (k,))


def labels(on: GrownArrays, rng: random.Random, x: Node) -> tuple[str, list[int]]:
    """The text of whole numbers that select a column each, and these."""
    lines = rows(x)
    chosen = [rng.randrange(len(lines[0])) for _ in lines]
    if len(x.shape) == 1:
        return str(chosen[0]), chosen
    if rng.random() < 0.5:
        return str(chosen), chosen
    name = f"y{len(on.given)}"
    on.at[name] = chosen
    on.given.add(name)
    return name, chosen


def pick_labels(on: GrownArrays, rng: random.Random, pick: Callable[..., int]) -> Node:
    k = pick(ranked)
    x = on.nodes[k]
    text, chosen = labels(on, rng, x)
    cells = [line[j] for line, j in zip(rows(x), chosen, strict=True)]
    shape = (x.shape[0], 1) if len(x.shape) == 2 else ()
    return Node(f"pick({{}}, {text})", shape, cells, (k,))


def cross_entropy(on: GrownArrays, rng: random.Random, pick: Callable[..., int]) -> Node:
    k = pick(ranked)
    x = on.nodes[k]
    lines = rows(x)
    if rng.random() < 0.3:
        p = pick(ranked)
        if on.nodes[p].shape != x.shape or on.nodes[p].text.startswith("["):
            raise Misfit
        losses = []
        for line, weights in zip(lines, rows(on.nodes[p]), strict=True):
            logs = [on.add("neg", on.add("log", s)) for s in shares(on, line)]
            losses.append(product(on, list(zip(weights, logs, strict=True))))
        text, operands = "cross_entropy({}, {})", (k, p)
        if len(x.cells) == 1 or on.nodes[p].leaf:  # may be labels
            raise Misfit
    else:
        given, chosen = labels(on, rng, x)
        losses = [
            on.add("neg", on.add("log", shares(on, line)[j]))
            for line, j in zip(lines, chosen, strict=True)
        ]
        text, operands = f"cross_entropy({{}}, {given})", (k,)
    cell = on.add("mean", *losses) if len(losses) > 1 else losses[0]
    return Node(text, (), [cell], operands)


def concat(on: GrownArrays, rng: random.Random, pick: Callable[..., int]) -> Node:
    given = [pick(ranked) for _ in range(rng.choice((2, 2, 3)))]
    parts = [on.nodes[k] for k in given]
    if len({len(x.shape) for x in parts}) > 1:
        raise Misfit
    holes = ", ".join(["{}"] * len(given))
    axis = rng.choice((None, 0, 1)) if len(parts[0].shape) == 2 else rng.choice((None, 0))
    if axis == 1:
        if len({x.shape[0] for x in parts}) > 1:
            raise Misfit
        cells = []
        for line in zip(*map(rows, parts), strict=True):
            cells += [i for part in line for i in part]
        shape: Shape = (parts[0].shape[0], sum(x.shape[1] for x in parts))
    else:
        if len({x.shape[1:] for x in parts}) > 1:
            raise Misfit
        cells = [i for x in parts for i in x.cells]
        shape = (sum(x.shape[0] for x in parts), *parts[0].shape[1:])
    end = "" if axis is None else f", axis={axis}"
    return Node(f"concat({holes}{end})", shape, cells, tuple(given))


def literal(on: GrownArrays, rng: random.Random, pick: Callable[..., int]) -> Node:
    m, n = rng.choice(((0, 2), (0, 3), (2, 2), (1, 2), (2, 1)))
    given = [pick(number_like) for _ in range(max(m, 1) * n)]
    cells = [on.nodes[k].cells[0] for k in given]
    if not m:
        return Node(f"[{', '.join(['{}'] * n)}]", (n,), cells, tuple(given))
    row = ", ".join(["{}"] * n)
    text = rng.choice((f"[{'; '.join([row] * m)}]", f"[{', '.join([f'[{row}]'] * m)}]"))
    if m == 1:
        text = f"[[{row}]]"
    return Node(text, (m, n), cells, tuple(given))


def squared(on: GrownArrays, rng: random.Random, pick: Callable[..., int]) -> Node:
    """What is made of a diagonal."""
    k = pick(ranked)
    x = on.nodes[k]
    n = x.shape[0]
    if len(x.shape) == 2:
        if n != x.shape[1]:
            raise Misfit
        diagonal = [line[i] for i, line in enumerate(rows(x))]
        if rng.random() < 0.5:
            return Node("diag({})", (n,), diagonal, (k,))
        return Node("trace({})", (), [on.add("sum", *diagonal) if n > 1 else diagonal[0]], (k,))
    zero = on.constant(0)
    cells = [x.cells[i] if i == j else zero for i in range(n) for j in range(n)]
    return Node("diag({})", (n, n), cells, (k,))


def outer(on: GrownArrays, rng: random.Random, pick: Callable[..., int]) -> Node:
    a, b = pick(lambda node: len(node.shape) == 1), pick(lambda node: len(node.shape) == 1)
    x, y = on.nodes[a], on.nodes[b]
    cells = [on.add("mul", i, j) for i in x.cells for j in y.cells]
    text = rng.choice(("outer({}, {})", "({}.T.T @ {}.T)"))
    return Node(text, (*x.shape, *y.shape), cells, (a, b))


def arranged(on: GrownArrays, rng: random.Random, pick: Callable[..., int]) -> Node:
    """The same elements in another shape, or from the last to the first."""
    k = pick(ranked)
    x = on.nodes[k]
    kind = rng.random()
    if kind < 0.3:
        return Node("flip({})", x.shape, x.cells[::-1], (k,))
    if kind < 0.6:
        return Node("flatten({})", (len(x.cells),), x.cells, (k,))
    m = rng.choice([m for m in range(1, 5) if len(x.cells) % m == 0])
    return Node(f"reshape({{}}, {m}, {len(x.cells) // m})", (m, len(x.cells) // m), x.cells, (k,))


def conv(on: GrownArrays, rng: random.Random, pick: Callable[..., int]) -> Node:
    a, b = pick(ranked), pick(ranked)
    x, y = on.nodes[a], on.nodes[b]
    if len(x.shape) != len(y.shape) or any(m < n for m, n in zip(x.shape, y.shape, strict=True)):
        raise Misfit
    large, small = rows(x), rows(y)
    down, across = len(large) - len(small) + 1, len(large[0]) - len(small[0]) + 1
    cells = [
        product(
            on,
            [
                (large[i + p][j + q], small[p][q])
                for p in range(len(small))
                for q in range(len(small[0]))
            ],
        )
        for i in range(down)
        for j in range(across)
    ]
    return Node("conv({}, {})", (down, across)[2 - len(x.shape) :], cells, (a, b))


def normalising(on: GrownArrays, rng: random.Random, pick: Callable[..., int]) -> Node:
    a = pick(lambda node: len(node.shape) == 2)
    x = on.nodes[a]
    width = x.shape[1]
    name = rng.choice(("batchnorm", "layernorm"))
    given, sides, operands = [], [], [a]
    for _ in range(2):
        k = pick(ranked)
        if on.nodes[k].shape == (width,):
            given.append("{}")
            operands.append(k)
            sides.append(on.nodes[k].cells)
        else:
            numbers = [round(rng.gauss(0, 1), 1) + 0.0 for _ in range(width)]
            given.append(str(numbers))
            sides.append([on.constant(one) for one in numbers])
    small, two = on.constant(1e-5), on.constant(2)
    found = []
    for line in columns(x) if name == "batchnorm" else rows(x):
        mean = on.add("mean", *line) if len(line) > 1 else line[0]
        apart = [on.add("sub", i, mean) for i in line]
        squares = [on.add("pow", i, two) for i in apart]
        spread = on.add("mean", *squares) if len(line) > 1 else squares[0]
        root = on.add("sqrt", on.add("add", spread, small))
        found.append([on.add("div", i, root) for i in apart])
    if name == "batchnorm":
        found = [list(line) for line in zip(*found, strict=True)]
    cells = [
        on.add("add", on.add("mul", i, s), t)
        for line in found
        for i, s, t in zip(line, *sides, strict=True)
    ]
    return Node(f"{name}({{}}, {', '.join(given)})", x.shape, cells, tuple(operands))


def counted(on: GrownArrays, rng: random.Random, pick: Callable[..., int]) -> Node:
    k = pick(ranked)
    x = on.nodes[k]
    counts = {"rows": len(rows(x)), "cols": x.shape[-1], "size": len(x.cells)}
    name = rng.choice(list(counts))
    return Node(f"{name}({{}})", (), [on.constant(counts[name])], (k,))


def maxpool(on: GrownArrays, rng: random.Random, pick: Callable[..., int]) -> Node:
    k = pick(ranked)
    x = on.nodes[k]
    width = rng.randint(1, min(x.shape))
    step = rng.choice((1, 1, 2))
    deep = width if len(x.shape) == 2 else 1
    down = range(0, len(rows(x)) - deep + 1, step if len(x.shape) == 2 else 1)
    across = range(0, x.shape[-1] - width + 1, step)
    windows = [
        [i for line in rows(x)[p : p + deep] for i in line[q : q + width]]
        for p in down
        for q in across
    ]
    cells = [on.add("max", *one) if len(one) > 1 else one[0] for one in windows]
    text = f"maxpool({{}}, {width}{', 2' if step == 2 else ''})"
    return Node(text, (len(down), len(across))[2 - len(x.shape) :], cells, (k,))


def index(on: GrownArrays, rng: random.Random, pick: Callable[..., int]) -> Node:
    k = pick(ranked)
    x = on.nodes[k]
    texts, axes, shape = [], [], list[int]()
    count = rng.randint(1, len(x.shape))
    for axis, n in enumerate(x.shape):
        how = rng.random() if axis < count else 2.0
        if how < 0.35:
            i = rng.randrange(-n, n)
            texts.append(str(i))
            axes.append([i % n])
        elif how < 0.5:  # several, one of them twice perhaps
            chosen = [rng.randrange(-n, n) for _ in range(rng.randint(1, 4))]
            if rng.random() < 0.5:
                texts.append(str(chosen))
            else:
                name = f"ix{len(on.given)}"
                on.at[name] = chosen
                on.given.add(name)
                texts.append(name)
            axes.append([i % n for i in chosen])
            shape.append(len(chosen))
        elif how < 0.65:
            texts.append(":")
            axes.append(list(range(n)))
            shape.append(n)
        else:
            start = rng.choice((None, rng.randrange(-n, n)))
            stop = rng.choice((None, rng.randrange(-n, n + 1)))
            chosen = list(range(n))[start:stop]
            if not chosen:
                raise Misfit
            if axis < count:
                texts.append(f"{'' if start is None else start}:{'' if stop is None else stop}")
            else:
                chosen = list(range(n))
            axes.append(chosen)
            shape.append(len(chosen))
    if len(axes) == 1:
        cells = [x.cells[i] for i in axes[0]]
    else:
        cells = [rows(x)[i][j] for i in axes[0] for j in axes[1]]
    return Node("{}[" + rng.choice((",", ", ")).join(texts) + "]", tuple(shape), cells, (k,))


def ranked(node: Node) -> bool:
    return bool(node.shape)


def number_like(node: Node) -> bool:
    return not node.shape


MAKES: list[tuple[float, Make]] = [
    (5, elementwise("mul", 2)), (4, elementwise("add", 2)), (3, elementwise("sub", 2)),
    (2, elementwise("div", 2)), (1.5, elementwise("pow", 2)), (0.6, elementwise("max", 2)),
    (0.6, elementwise("min", 2)), (0.3, elementwise("hypot", 2)), (0.2, elementwise("atan2", 2)),
    (0.3, elementwise("clamp", 3)), (2, choice), (6, matmul), (1, dot), (1.5, transpose), (2, reduction("sum")),
    (1, reduction("mean")), (1, reduction("max")), (0.6, reduction("min")), (1, reduction("logsumexp")),
    (1, reduction("norm")), (1.5, softmax), (0.7, logsoftmax), (1, pick_labels), (1.2, cross_entropy), (1.5, concat),
    (1, literal), (0.6, maxpool), (4, index),
    (1, squared), (0.7, outer), (1.2, arranged), (1.2, conv), (2.5, normalising), (0.3, counted),
]  # fmt: skip


def unary(on: GrownArrays, rng: random.Random, pick: Callable[..., int]) -> Node:
    name = rng.choice(UNARY if rng.random() < 0.3 else GENTLE)
    if "gamma" in name:
        raise Misfit  # which take long where digits are lost
    return elementwise(name, 1)(on, rng, pick)


MAKES.append((6, unary))

SHAPES: tuple[Shape, ...] = ((), (2,), (3,), (3,), (1,), (2, 2), (2, 3), (3, 2), (3, 3), (1, 3), (3, 1), (1, 1), (2, 1), (4,))  # fmt: skip


def element(rng: random.Random, kind: float) -> float:
    if kind < 0.3:
        return float(rng.randint(-2, 3))
    if kind < 0.8:
        return round(rng.gauss(0, 1), 2) + 0.0
    return coordinate(rng)


def grown_arrays(seed: int | str) -> GrownArrays:
    """The program and the point of a seed."""
    rng = random.Random(f"{seed}:arrays")
    on = GrownArrays()
    kind = rng.random()
    for name in ("x", "W", "b", "A")[: rng.randint(1, 4)]:
        shape = rng.choice(SHAPES if on.at else SHAPES[1:])
        count = math.prod(shape)
        numbers = [element(rng, kind) for _ in range(count)]
        if rng.random() < 0.1:
            numbers = [rng.choice(numbers) for _ in numbers]  # ties
        on.variable(name, shape, numbers)
    if rng.random() < 0.4:
        x = rng.choice(NUMBERS)
        on.append(Node(f"({x!r})" if x < 0 else repr(x), (), [on.constant(x)], elementwise=True))
    weights, makes = zip(*MAKES, strict=True)
    size, tries = len(on.nodes) + rng.randint(1, MOST_TERMS), 0

    with mp.workprec(80):
        run = truth.Run(on.numbers)
        while len(on.nodes) < size and tries < 200:
            tries += 1
            before = len(on.numbers.nodes), dict(on.at), set(on.given)
            used = {k for node in on.nodes for k in node.operands}

            def pick(
                fits: Callable[[Node], bool] = lambda node: True, used: set[int] = used
            ) -> int:
                good = [k for k, node in enumerate(on.nodes) if fits(node)]
                if not good:
                    raise Misfit
                fresh = [k for k in good if k not in used]
                if fresh and rng.random() < 0.5:
                    return rng.choice(fresh)
                return good[max(rng.randrange(len(good)), rng.randrange(len(good)))]

            try:
                k = on.append(rng.choices(makes, weights)[0](on, rng, pick))
            except Misfit:
                k = -1
            if k < 0 or not sound(run, on.nodes[k].cells):
                if k >= 0:
                    if rng.random() < 0.05:
                        continue  # kept, to be refused
                    del on.nodes[k:]
                del on.numbers.nodes[before[0] :]
                on.at, on.given = before[1], before[2]
                run.known = {i: dual for i, dual in run.known.items() if i < before[0]}
            elif not on.nodes[k].elementwise or rng.random() < 0.15:
                on.named[k] = f"s{k}"
    finish(rng, on)
    return on


def sound(run: truth.Run, cells: list[int]) -> bool:
    """Whether all elements have values that further operations can do something with."""
    try:
        values = [run.value(k).value for k in cells]
    except (truth.NoValue, truth.Undecided):
        return False
    return all(x == 0 or abs(mp.mag(x)) < 1500 for x in values)


def finish(rng: random.Random, on: GrownArrays) -> None:
    """Keep what the output needs; let a loss or an upstream gradient end the program."""
    last = on.nodes[-1]
    if last.shape and rng.random() < 0.6:
        name = rng.choice(("sum", "sum", "mean", "norm", "logsumexp"))
        on.append(Node(f"{name}({{}})", (), [reduced(on, name, last.cells)], (len(on.nodes) - 1,)))
        last = on.nodes[-1]
    used, uses = {len(on.nodes) - 1}, dict[int, int]()
    for k in range(len(on.nodes) - 1, -1, -1):
        if k in used:
            used.update(on.nodes[k].operands)
            for i in on.nodes[k].operands:
                uses[i] = uses.get(i, 0) + 1
    for k, node in enumerate(on.nodes):
        keep = not node.leaf and node.operands and (k in on.named or uses.get(k, 0) > 1)
        if k in used and keep:
            on.named[k] = f"s{k}"
        else:
            on.named.pop(k, None)
    if rng.random() < 0.5:  # some of what may stand inline
        inside = {i for node in on.nodes if "if(" in node.text for i in below(on, node)}
        for k in list(on.named):
            if k not in inside and uses.get(k, 0) < 2 and k != len(on.nodes) - 1:
                del on.named[k]
    on.numbers.named.update({cell: "" for k in on.named for cell in on.nodes[k].cells})
    texts = on.text()
    for name in list(on.at):
        if not any(word == name for word in words(texts)):
            for place in places(shape_of(on.at[name])):
                on.numbers.at.pop(scalar(name, place), None)
            del on.at[name]
            on.given.discard(name)
    on.output = last.cells
    if len(last.cells) == 1:
        return_last(on, last.cells[0])
        return
    if rng.random() < 0.3:
        on.upstream = "ones"
        arrives = [1.0] * len(last.cells)
    else:
        arrives = [round(rng.gauss(0, 2), 1) + 0.0 for _ in last.cells]
        on.upstream = nested(last.shape, arrives)
    parts = [on.add("mul", k, on.constant(u)) for k, u in zip(last.cells, arrives, strict=True)]
    on.add("sum", *parts)


def return_last(on: GrownArrays, cell: int) -> None:
    """Make a cell the last node, which is the output of a program over numbers."""
    if cell != len(on.numbers.nodes) - 1:
        on.add("mul", cell, on.constant(1))


def below(on: GrownArrays, node: Node) -> set[int]:
    found, pending = set[int](), list(node.operands)
    while pending:
        k = pending.pop()
        found.add(k)
        pending += on.nodes[k].operands
    return found


def words(text: str) -> list[str]:
    return "".join(c if c.isalnum() or c == "_" else " " for c in text).split()
