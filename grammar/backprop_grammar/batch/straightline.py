"""A program and its backward pass as one straight list of lines, for many points at once.

The insight: what the tape says about one point is said about columns of points by the same
operations, and the backward pass only appends more of them. Line by line it is simplified as it
grows: equal lines are one line, what no column changes is a number, signs move to where they cost
nothing, and contributions of 1 and 0 are never multiplied.

An `if` computes both of its sides here and selects, so a number that does not exist must be able
to stand where it is not selected; see rowwise.py.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import NamedTuple

from ..language.graph import Graph
from ..language.table_texts import texts
from ..numbers.arithmetic import binary64
from ..numbers.ball import Ball, Outside, Uncertain, compare
from ..operations.row import Operation, Role
from ..operations.table import OPERATIONS
from ..passes.run import Question

__all__ = ["MASKS", "Kink", "Line", "Recipe", "recipe"]

MASKS = frozenset({"compare", "not", "and", "or", "nonzero"})
"""Lines whose column holds truth values."""

OPPOSITE = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "==": "!=", "!=": "=="}
ZERO = 0.0, 0.0


class Line(NamedTuple):
    """One column computed from others.

    kind: the name of an operation of the table, or column (``what``: its name), constant
    (``what``: a ball), compare (``what``: the relation), not, and, or, nonzero, select (a mask and
    two columns), gate (a column where a mask holds, else 0), share (1/ties of one operand of a max
    or min, else 0; ``what``: which, and how often each is given). operands: earlier lines.
    """

    kind: str
    operands: tuple[int, ...] = ()
    what: object = None


class Kink(NamedTuple):
    """Where a local gradient is a choice, or none exists.

    line: it is a kink where this is 0; of a tie, the max or min. kind: kink, tie or boundary; or
    what a single point is asked about: jump and cut, where this is 0, order, where it is above 0,
    and pole, where it is not finite. live: a mask, where the node is asked for its local gradient;
    None for everywhere.
    """

    line: int
    kind: str
    live: int | None


class Guard(NamedTuple):
    """A node that every row evaluates, and the lines of its operands: they must be in its domain."""

    operation: Operation
    operands: tuple[int, ...]


@dataclass(slots=True)
class Recipe:
    """The lines, which of them are asked for, and what must be watched.

    results: the line of the value, then of every gradient.
    """

    lines: list[Line] = field(default_factory=list)
    results: list[int] = field(default_factory=list)
    kinks: list[Kink] = field(default_factory=list)
    guards: list[Guard] = field(default_factory=list)
    known: dict[Line, int] = field(default_factory=dict)

    # leaves

    def line(self, kind: str, operands: tuple[int, ...] = (), what: object = None) -> int:
        """The line, appended at its first use."""
        line = Line(kind, operands, what)
        found = self.known.get(line)
        if found is None:
            found = self.known[line] = len(self.lines)
            self.lines.append(line)
        return found

    def constant(self, ball: Ball) -> int:
        return self.line("constant", (), (float(ball[0]) + 0.0, float(ball[1])))

    def ball(self, line: int) -> Ball | None:
        """The number of a line that no column changes."""
        kind, _, what = self.lines[line]
        return what if kind == "constant" else None  # type: ignore[return-value]

    def number(self, line: int) -> float | None:
        """The number of a line that is exactly known."""
        ball = self.ball(line)
        return ball[0] if ball is not None and not ball[1] else None

    def negated(self, line: int) -> int | None:
        """What a line is minus of."""
        kind, operands, _ = self.lines[line]
        return operands[0] if kind == "neg" else None

    # operations

    def apply(self, operation: Operation, operands: tuple[int, ...]) -> int:
        """The line of an operation."""
        name = operation.name
        if name == "identity":
            return operands[0]
        balls = [self.ball(k) for k in operands]
        if all(ball is not None for ball in balls):
            folded = fold(operation, balls)  # type: ignore[arg-type]
            if folded is not None:
                return self.constant(folded)
        if name in SIMPLE:
            return SIMPLE[name](self, *operands)
        if name in ("max", "min"):
            distinct = tuple(dict.fromkeys(operands))
            return self.line(name, distinct) if len(distinct) > 1 else distinct[0]
        if name in ("sum", "mean"):
            total = reduce(self.add, operands)
            count = self.constant((float(len(operands)), 0.0))
            return total if name == "sum" else self.divide(total, count)
        if name == "logsumexp":
            return self.logsumexp(operands)
        if computed := texts(operation).computed:
            return self.inline(computed, dict(zip(operation.operands, operands, strict=True)))
        return self.line(name, operands)

    def inline(self, text: Graph, leaves: Mapping[str, int]) -> int:
        """The lines of a text of the table over those of its leaves."""
        return self.copy(text, {node: leaves[name] for name, node in text.variables.items()})[
            text.output
        ]

    def copy(self, graph: Graph, leaves: Mapping[int, int]) -> list[int]:
        """The lines of all nodes of a graph."""
        moved: list[int] = []
        for node, operation in enumerate(graph.operations):
            if node in leaves:
                moved.append(leaves[node])
            elif operation is None:
                moved.append(self.constant(binary64.constant(graph.constants[node])))
            elif node in graph.condition_of:
                then, otherwise = (moved[k] for k in graph.operands[node][2:])
                moved.append(self.select(self.condition(graph, node, moved), then, otherwise))
            else:
                moved.append(self.apply(operation, tuple([moved[k] for k in graph.operands[node]])))
        return moved

    def condition(self, graph: Graph, node: int, moved: Sequence[int]) -> int:
        """The mask of an `if`."""
        test = graph.conditions[graph.condition_of[node]]
        return self.line("compare", (moved[test.left], moved[test.right]), test.comparison)

    def negate(self, x: int) -> int:
        ball = self.ball(x)
        if ball is not None:
            return self.constant((-ball[0], ball[1]))
        inner = self.negated(x)
        return inner if inner is not None else self.line("neg", (x,))

    def add(self, x: int, y: int) -> int:
        if self.number(x) == 0:
            return y
        if self.number(y) == 0:
            return x
        minus_x, minus_y = self.negated(x), self.negated(y)
        if minus_y is not None:
            return self.subtract(x, minus_y)
        if minus_x is not None:
            return self.subtract(y, minus_x)
        return self.line("add", (x, y) if x <= y else (y, x))

    def subtract(self, x: int, y: int) -> int:
        if self.number(y) == 0:
            return x
        if self.number(x) == 0:
            return self.negate(y)
        minus_y = self.negated(y)
        return self.add(x, minus_y) if minus_y is not None else self.line("sub", (x, y))

    def multiply(self, x: int, y: int) -> int:
        for a, b in ((x, y), (y, x)):
            number = self.number(a)
            if number == 0:
                if self.number(b) is None:
                    self.kinks.append(Kink(b, "pole", None))
                return a
            if number in (1, -1):
                return b if number == 1 else self.negate(b)
        minus = sum(self.negated(k) is not None for k in (x, y))
        x, y = (k if (m := self.negated(k)) is None else m for k in (x, y))
        if minus == 1:
            return self.negate(self.multiply(x, y))
        return self.line("mul", (x, y) if x <= y else (y, x))

    def divide(self, x: int, y: int) -> int:
        if self.number(y) == 1:
            return x
        minus = sum(self.negated(k) is not None for k in (x, y))
        x, y = (k if (m := self.negated(k)) is None else m for k in (x, y))
        return self.negate(self.divide(x, y)) if minus == 1 else self.line("div", (x, y))

    def power(self, x: int, y: int) -> int:
        exponent = self.number(y)
        if exponent == 1:
            return x
        if exponent == 2:
            return self.multiply(x, x)
        return self.line("pow", (x, y))

    def normal(self, x: int) -> int:
        """The normal distribution function: erfc(-x/sqrt(2))/2."""
        scale = self.constant((-(0.5**0.5), 2.0**-53))
        tail = self.line("erfc", (self.multiply(x, scale),))
        return self.multiply(tail, self.constant((0.5, 0.0)))

    def gauss(self, x: int) -> int:
        return self.apply(OPERATIONS["exp"], (self.negate(self.multiply(x, x)),))

    def logsumexp(self, operands: tuple[int, ...]) -> int:
        largest = self.apply(OPERATIONS["max"], operands)
        exp, log = OPERATIONS["exp"], OPERATIONS["log"]
        parts = [self.apply(exp, (self.subtract(x, largest),)) for x in operands]
        return self.add(largest, self.apply(log, (reduce(self.add, parts),)))

    # choice

    def select(self, mask: int, then: int, otherwise: int) -> int:
        if then == otherwise:
            return then
        _, (left, right), relation = self.lines[mask]
        a, b = self.number(left), self.number(right)
        if a is not None and b is not None:
            return then if compare((a > b) - (a < b), str(relation)) else otherwise
        if self.number(right) == 0 and relation in (">", ">=") and then == left and self.number(otherwise) == 0:  # fmt: skip
            return self.line("max", (left, right))  # relu
        if self.number(right) == 0 and relation in ("<", "<=") and otherwise == left and then == self.negate(left):  # fmt: skip
            return self.line("abs", (left,))
        return self.line("select", (mask, then, otherwise))

    def gate(self, mask: int, line: int) -> int:
        return line if self.number(line) == 0 else self.line("gate", (mask, line))

    def opposite(self, mask: int) -> int:
        kind, operands, what = self.lines[mask]
        return self.line(kind, operands, OPPOSITE[str(what)]) if kind == "compare" else self.line("not", (mask,))  # fmt: skip

    def nonzero(self, line: int) -> int | None:
        """The mask of where a line is not 0; None where it nowhere is."""
        kind, operands, _ = self.lines[line]
        if kind == "select":
            mask, then, otherwise = operands
            a, b = self.number(then), self.number(otherwise)
            if a and b == 0:
                return mask
            if a == 0 and b:
                return self.opposite(mask)
        return None if self.number(line) else self.line("nonzero", (line,))


SIMPLE: dict[str, Callable[..., int]] = {
    "neg": Recipe.negate, "add": Recipe.add, "sub": Recipe.subtract, "mul": Recipe.multiply,
    "div": Recipe.divide, "pow": Recipe.power, "_normal": Recipe.normal, "_gauss": Recipe.gauss,
}  # fmt: skip
"""Operations whose lines are simplified, or written as other lines."""


def fold(operation: Operation, balls: list[Ball]) -> Ball | None:
    """The number of an operation on numbers, if floats can tell it."""
    try:
        ball = binary64.apply(operation, list(balls))
    except (Uncertain, Outside):
        return None
    return ball if binary64.lost(ball) < 2.0**-48 else None


def recipe(question: Question, columns: Sequence[str], at: Mapping[str, float]) -> Recipe:
    """The recipe of a question: its variables are columns, or have a value for all rows."""
    graph, made = question.graph, Recipe()
    leaves: dict[int, int] = {}
    for name, node in graph.variables.items():
        if question.needed[node]:
            column = name in columns
            leaves[node] = made.line("column", (), name) if column else made.constant((at[name], 0.0))  # fmt: skip
    moved = forward(made, question, leaves)
    gradients = backward(made, question, moved)
    zero = made.constant(ZERO)
    made.results = [moved[question.output], *(gradients.get(k, zero) for k in question.sources)]
    return made


def forward(made: Recipe, question: Question, leaves: dict[int, int]) -> list[int]:
    """The line of every node that is needed."""
    graph, needed = question.graph, question.needed
    unneeded = {node: -1 for node in range(len(graph)) if not needed[node]}
    moved = made.copy(graph, leaves | unneeded)
    for node, operation in enumerate(graph.operations):
        if operation is None or not needed[node] or not operation.domain:
            continue
        operands = tuple([moved[k] for k in graph.operands[node]])
        for bound in operation.domain:
            # no function says by NaN that its operands are out of order
            if isinstance(bound.limit, str):
                low, high = (operands[operation.operands.index(name)] for name in (bound.operand, bound.limit))  # fmt: skip
                made.kinks.append(Kink(made.subtract(low, high), "order", None))
        if not graph.regions[node]:
            made.guards.append(Guard(operation, operands))
    return moved


def backward(made: Recipe, question: Question, moved: Sequence[int]) -> dict[int, int]:
    """The line of the gradient of every node that is reached: upstream x local, summed."""
    graph, wanted = question.graph, question.wanted
    received: dict[int, list[int]] = {question.output: [made.constant((1.0, 0.0))]}
    live: dict[int, list[int | None]] = {question.output: [None]}
    gradients: dict[int, int] = {}
    for node in range(question.output, -1, -1):
        if node not in received:
            continue
        upstream = gradients[node] = reduce(made.add, received.pop(node))
        here = either(made, live.pop(node))
        operands = graph.operands[node]
        if not any(wanted[k] for k in operands):
            continue
        operation = graph.operations[node]
        assert operation is not None
        watch(made, question, node, moved, here)
        for k, operand in enumerate(operands):
            if not wanted[operand]:
                continue
            slope, mask = local(made, graph, node, k, moved)
            if made.number(slope) == 0 and operation.role is Role.ROUTES:
                continue
            sent = made.multiply(upstream, slope)
            if mask is not None:
                sent = made.gate(mask, sent)
            received.setdefault(operand, []).append(sent)
            live.setdefault(operand, []).append(both(made, here, mask))
    return gradients


def local(
    made: Recipe, graph: Graph, node: int, k: int, moved: Sequence[int]
) -> tuple[int, int | None]:
    """The local gradient for operand k, and a mask of where the node routes to it, if it chooses."""
    operation = graph.operations[node]
    assert operation is not None
    lines = tuple([moved[i] for i in graph.operands[node]])
    one = made.constant((1.0, 0.0))
    if node in graph.condition_of:
        if k < 2:
            return made.constant(ZERO), None
        test = made.condition(graph, node, moved)
        return one, test if k == 2 else made.opposite(test)
    if operation.name in ("max", "min"):
        distinct = tuple(dict.fromkeys(lines))
        times = tuple([lines.count(line) for line in distinct])
        if len(distinct) == 1:
            return made.constant((1.0 / len(lines), 2.0**-54)), None
        share = made.line("share", (moved[node], *distinct), (distinct.index(lines[k]), times))
        return share, made.nonzero(share)
    rules = texts(operation).rules
    leaves = {"out": moved[node]}
    if operation.variadic:
        leaves |= {"x": lines[k], "n": made.constant((float(len(lines)), 0.0))}
    else:
        leaves |= dict(zip(operation.operands, lines, strict=True))
    slope = made.inline(rules[0 if operation.variadic else k], leaves)
    if operation.role is Role.ROUTES:
        mask = made.nonzero(slope)
        if mask is not None and made.lines[slope].kind == "select":
            then, otherwise = made.lines[slope].operands[1:]
            slope = then if made.number(otherwise) == 0 else otherwise if made.number(then) == 0 else slope  # fmt: skip
        return slope, mask
    return slope, None


def watch(made: Recipe, question: Question, node: int, moved: Sequence[int], live: int | None) -> None:  # fmt: skip
    """Note where the local gradients of a node are a choice."""
    graph, wanted = question.graph, question.wanted
    operation, operands = graph.operations[node], graph.operands[node]
    assert operation is not None
    lines = [moved[k] for k in operands]
    if node in graph.condition_of:
        if wanted[operands[0]] or wanted[operands[1]]:
            test = graph.conditions[graph.condition_of[node]]
            difference = made.subtract(moved[test.left], moved[test.right])
            made.kinks.append(Kink(difference, "boundary", live))
    elif operation.name in ("max", "min"):
        if len(set(lines)) > 1:
            shares = [
                local(made, graph, node, k, moved)[1] for k, i in enumerate(operands) if wanted[i]
            ]
            made.kinks.append(Kink(moved[node], "tie", both(made, live, either(made, shares))))
    else:
        row = texts(operation)
        leaves = dict(zip(operation.operands, lines, strict=False)) | {"out": moved[node]}
        kind = "jump" if operation.jump else "kink"
        made.kinks.extend(Kink(made.inline(text, leaves), kind, live) for text in row.kinks)
        if row.cut:
            made.kinks.append(Kink(made.inline(row.cut, leaves), "cut", live))


def both(made: Recipe, a: int | None, b: int | None) -> int | None:
    """The mask of where two masks hold; None is everywhere."""
    if a is None or b is None:
        return a if b is None else b
    return a if a == b else made.line("and", (a, b))


def either(made: Recipe, masks: Sequence[int | None]) -> int | None:
    """The mask of where one of some masks holds."""
    found = [mask for mask in masks if mask is not None]
    if len(found) < len(masks):
        return None
    return reduce(lambda a, b: a if a == b else made.line("or", (a, b)), found)
