"""A program and its backward pass as one straight list of lines, for many points at once.

What the tape says about one point is said about columns of points by the same operations, and the
backward pass only appends more of them (a Wengert list). Line by line it is simplified as it grows:
equal lines are one line, what no column changes is a number, signs move to where they cost nothing,
and contributions of 1 and 0 are never multiplied.

An `if` computes both of its sides here and selects, so a number that does not exist must be able
to stand where it is not selected; see bounded.py.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from fractions import Fraction
from functools import cache, reduce
from typing import NamedTuple

from ..blocks.definitions import over, parameters
from ..language.graph import Graph
from ..language.nearest import fraction, nearest
from ..language.table_texts import compiled, texts
from ..numbers.ball import Ball, DomainError, Undecided, compare
from ..numbers.binary64 import binary64
from ..operations.row import Operation, Role
from ..operations.table import ADD, DIV, IDENTITY, MUL, NEG, OPERATIONS, POW, SUB
from ..passes.backward import backward
from ..passes.run import Target

__all__ = ["LEAVES", "MASKS", "Guard", "Kind", "Kink", "Line", "StraightLine", "straightline"]


class Kind(Enum):
    """What a line is that is no operation of the table.

    COLUMN (``what``: its name) and CONSTANT (``what``: a ball, and its origin). Masks: COMPARE (``what``: the
    relation), NOT, AND, OR, NONZERO. SELECT: one of two columns, by a mask; GATE: a column where a
    mask holds, else 0; TIES: how many operands of a max or min are the result (``what``: how often
    each is given); SHARE: 1/ties of one of them, else 0 (``what``: how often it is given).
    """

    COLUMN = auto()
    CONSTANT = auto()
    COMPARE = auto()
    NOT = auto()
    AND = auto()
    OR = auto()
    NONZERO = auto()
    SELECT = auto()
    GATE = auto()
    SHARE = auto()
    TIES = auto()


LEAVES = frozenset({Kind.COLUMN, Kind.CONSTANT})
MASKS = frozenset({Kind.COMPARE, Kind.NOT, Kind.AND, Kind.OR, Kind.NONZERO})
"""Lines whose column holds truth values."""

OPPOSITE = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "==": "!=", "!=": "=="}
ZERO = 0.0, 0.0
ONE = 1.0, 0.0

Origin = Fraction | str | tuple[Operation, tuple[int, ...]]
"""What a number is that is no float: a quotient, a constant by its name, an operation on lines."""

Arrived = tuple[int, int | None]
"""The line of a gradient or a contribution, and the mask of where there is one; None is everywhere."""


class Line(NamedTuple):
    """One column computed from others: by an operation of the table, or as its kind says.

    operands: earlier lines.
    """

    kind: Operation | Kind
    operands: tuple[int, ...] = ()
    what: object = None


class Kink(NamedTuple):
    """Where a local gradient is a choice, or none exists.

    line: it is a kink where this is 0; of a tie, the max or min. kind: kink, tie or boundary; or
    what a single point is asked about: jump and cut, where this is 0, order, where it is not below
    0, and pole, where it is not finite. live: a mask, where the node is asked for its value or its
    local gradient; None for everywhere.
    """

    line: int
    kind: str
    live: int | None


class Guard(NamedTuple):
    """A node that every row evaluates, and the lines of its operands: they must be in its domain."""

    operation: Operation
    operands: tuple[int, ...]


@dataclass(slots=True)
class StraightLine:
    """The lines, which of them are asked for, and what must be watched.

    results: the line of the value, then of every gradient.
    """

    lines: list[Line] = field(default_factory=list)
    results: list[int] = field(default_factory=list)
    kinks: list[Kink] = field(default_factory=list)
    guards: list[Guard] = field(default_factory=list)
    known: dict[Line, int] = field(default_factory=dict)

    # leaves

    def line(
        self, kind: Operation | Kind, operands: tuple[int, ...] = (), what: object = None
    ) -> int:
        """The line, appended at its first use."""
        line = Line(kind, operands, what)
        place = self.known.get(line)
        if place is None:
            place = self.known[line] = len(self.lines)
            self.lines.append(line)
        return place

    def constant(self, ball: Ball, origin: Origin | None = None) -> int:
        """The line of a number that no column changes. origin: what it is, if that is no float."""
        what = float(ball[0]) + 0.0, float(ball[1]), origin if ball[1] else None
        return self.line(Kind.CONSTANT, (), what)

    def leaf(self, value: float | str) -> int:
        """The line of a constant of the program, by its number or its name."""
        origin = value if isinstance(value, str) else fraction(value)
        return self.constant(binary64.constant(value), origin)

    def ball(self, line: int) -> Ball | None:
        """The number of a line that no column changes."""
        kind, _, what = self.lines[line]
        return what[:2] if kind is Kind.CONSTANT else None  # type: ignore[index]

    def number(self, line: int) -> float | None:
        """The number of a line that is exactly known."""
        ball = self.ball(line)
        return ball[0] if ball is not None and not ball[1] else None

    def negated(self, line: int) -> int | None:
        """What a line is minus of."""
        kind, operands, _ = self.lines[line]
        return operands[0] if kind is NEG else None

    # operations

    def apply(self, operation: Operation, operands: tuple[int, ...]) -> int:
        """The line of an operation."""
        if operation is IDENTITY:
            return operands[0]
        balls = [ball for k in operands if (ball := self.ball(k)) is not None]
        if len(balls) == len(operands):
            number = folded(operation, balls)
            if number is not None:
                return self.constant(number, (operation, operands))
        simplified = SIMPLIFIED.get(operation)
        if simplified:
            return simplified(self, *operands)
        if operation.selects:
            operands = tuple(dict.fromkeys(operands))
            return self.line(operation, operands) if len(operands) > 1 else operands[0]
        steps = text_of(operation, len(operands))
        if steps:
            names = parameters(operation, len(operands))
            return self.inline(steps, dict(zip(names, operands, strict=True)))
        return self.line(operation, operands)

    def inline(self, text: Graph, leaves: Mapping[str, int]) -> int:
        """The line of a text of the table over those of its leaves."""
        places = {node: leaves[name] for name, node in text.variables.items()}
        return self.copy(text, places)[text.output]

    def copy(self, graph: Graph, leaves: Mapping[int, int]) -> list[int]:
        """The lines of all nodes of a graph."""
        moved: list[int] = []
        for node, operation in enumerate(graph.operations):
            if node in leaves:
                moved.append(leaves[node])
            elif operation.leaf:
                moved.append(self.leaf(graph.constants[node]))
            elif node in graph.condition_of:
                then, otherwise = (moved[k] for k in graph.operands[node][2:])
                test = self.condition(graph, graph.condition_of[node], moved)
                moved.append(self.select(test, then, otherwise))
            else:
                moved.append(self.apply(operation, tuple([moved[k] for k in graph.operands[node]])))
        return moved

    def condition(self, graph: Graph, k: int, moved: Sequence[int]) -> int:
        """The mask of where a condition holds."""
        test = graph.conditions[k]
        return self.line(Kind.COMPARE, (moved[test.left], moved[test.right]), test.comparison)

    def negate(self, x: int) -> int:
        ball = self.ball(x)
        if ball is not None:
            return self.constant((-ball[0], ball[1]), (NEG, (x,)))
        inner = self.negated(x)
        return inner if inner is not None else self.line(NEG, (x,))

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
        return self.line(ADD, (x, y) if x <= y else (y, x))

    def subtract(self, x: int, y: int) -> int:
        if self.number(y) == 0:
            return x
        if self.number(x) == 0:
            return self.negate(y)
        minus_y = self.negated(y)
        return self.add(x, minus_y) if minus_y is not None else self.line(SUB, (x, y))

    def multiply(self, x: int, y: int) -> int:
        for a, b in ((x, y), (y, x)):
            number = self.number(a)
            if number == 0:
                if self.number(b) is None:
                    self.kinks.append(Kink(b, "pole", None))
                return a
            if number in (1, -1):
                return b if number == 1 else self.negate(b)
        (x, y), negative = self.unsigned(x, y)
        if negative:
            return self.negate(self.multiply(x, y))
        return self.line(MUL, (x, y) if x <= y else (y, x))

    def divide(self, x: int, y: int) -> int:
        if self.number(y) == 1:
            return x
        (x, y), negative = self.unsigned(x, y)
        return self.negate(self.divide(x, y)) if negative else self.line(DIV, (x, y))

    def unsigned(self, *lines: int) -> tuple[list[int], bool]:
        """Factors without their minus signs, and whether one sign is left over."""
        inner = [self.negated(k) for k in lines]
        signs = sum(k is not None for k in inner)
        return [k if m is None else m for k, m in zip(lines, inner, strict=True)], signs % 2 == 1

    def power(self, x: int, y: int) -> int:
        exponent = self.number(y)
        if exponent == 1:
            return x
        if exponent == 2:
            return self.multiply(x, x)
        return self.line(POW, (x, y))

    # choice

    def select(self, mask: int, then: int, otherwise: int) -> int:
        if then == otherwise:
            return then
        _, (left, right), relation = self.lines[mask]
        a, b = self.number(left), self.number(right)
        if a is not None and b is not None:
            return then if compare((a > b) - (a < b), str(relation)) else otherwise
        if b == 0 and relation in (">", ">=") and then == left and self.number(otherwise) == 0:
            return self.line(OPERATIONS["max"], (left, right))  # relu
        if b == 0 and relation in ("<", "<=") and otherwise == left and then == self.negate(left):
            return self.line(OPERATIONS["abs"], (left,))
        return self.line(Kind.SELECT, (mask, then, otherwise))

    def gate(self, mask: int, line: int) -> int:
        return line if self.number(line) == 0 else self.line(Kind.GATE, (mask, line))

    def opposite(self, mask: int) -> int:
        kind, operands, relation = self.lines[mask]
        if kind is Kind.COMPARE:
            return self.line(kind, operands, OPPOSITE[str(relation)])
        return self.line(Kind.NOT, (mask,))

    def nonzero(self, line: int) -> int | None:
        """The mask of where a line is not 0; None where it nowhere is."""
        kind, operands, _ = self.lines[line]
        if kind is Kind.SELECT:
            mask, then, otherwise = operands
            a, b = self.number(then), self.number(otherwise)
            if a and b == 0:
                return mask
            if a == 0 and b:
                return self.opposite(mask)
        return None if self.number(line) else self.line(Kind.NONZERO, (line,))

    def both(self, a: int | None, b: int | None) -> int | None:
        """The mask of where two masks hold; None is everywhere."""
        if a is None or b is None:
            return a if b is None else b
        return a if a == b else self.line(Kind.AND, (a, b))

    def either(self, masks: Sequence[int | None]) -> int | None:
        """The mask of where one of some masks holds."""
        somewhere = [mask for mask in masks if mask is not None]
        if len(somewhere) < len(masks):
            return None
        return reduce(lambda a, b: a if a == b else self.line(Kind.OR, (a, b)), somewhere)


SIMPLIFIED: dict[Operation, Callable[..., int]] = {
    NEG: StraightLine.negate,
    ADD: StraightLine.add,
    SUB: StraightLine.subtract,
    MUL: StraightLine.multiply,
    DIV: StraightLine.divide,
    POW: StraightLine.power,
}
"""The operators, whose lines are simplified."""


def folded(operation: Operation, balls: list[Ball]) -> Ball | None:
    """The number of an operation on numbers, if floats can tell it."""
    try:
        ball = binary64.apply(operation, balls)
    except (Undecided, DomainError):
        return None
    return ball if binary64.lost(ball) < 2.0**-48 else None


@cache
def text_of(operation: Operation, count: int) -> Graph | None:
    """The value of an operation on so many operands as a text, unless a function computes it.

    A text cannot tell where the operation has no value, so what is more than bounds of operands
    (see ``ordered``) is left to functions.
    """
    text = operation.columns or operation.computed
    if not text or operation.numpy or operation.requires:
        return None
    return compiled(over(text, parameters(operation, count)))


def straightline(target: Target, columns: Sequence[str], at: Mapping[str, float]) -> StraightLine:
    """The lines of a target: its variables are columns, or have a value for all rows."""
    graph, straight = target.graph, StraightLine()
    leaves: dict[int, int] = {}
    for name, node in graph.variables.items():
        if target.needed[node]:
            if name in columns:
                leaves[node] = straight.line(Kind.COLUMN, (), name)
            else:
                leaves[node] = straight.leaf(at[name])
    moved = forward(straight, target, leaves)
    gradients = gradients_of(straight, target, moved)
    zero = straight.constant(ZERO)
    straight.results = [moved[target.output], *(gradients.get(k, zero) for k in target.sources)]
    return straight


def forward(straight: StraightLine, target: Target, leaves: dict[int, int]) -> list[int]:
    """The line of every node that is needed."""
    graph, needed = target.graph, target.needed
    unneeded = {node: -1 for node in range(len(graph)) if not needed[node]}
    moved = straight.copy(graph, leaves | unneeded)
    for node, operation in enumerate(graph.operations):
        if operation.leaf or not needed[node] or not operation.domain:
            continue
        operands = tuple([moved[k] for k in graph.operands[node]])
        if not graph.regions[node]:
            straight.guards.append(Guard(operation, operands))
        if text_of(operation, len(operands)):
            live = region_mask(straight, graph, graph.regions[node], moved)
            ordered(straight, operation, operands, live)
    return moved


def region_mask(
    straight: StraightLine, graph: Graph, region: int, moved: Sequence[int]
) -> int | None:
    """The mask of where a branch is taken; None is everywhere (see graph.Condition)."""
    mask = None
    while region:
        condition, second = divmod(region - 1, 2)
        holds = straight.condition(graph, condition, moved)
        mask = straight.both(straight.opposite(holds) if second else holds, mask)
        region = graph.conditions[condition].region
    return mask


def ordered(
    straight: StraightLine, operation: Operation, operands: tuple[int, ...], live: int | None
) -> None:
    """Watch the domain of an operation, of which its text says nothing."""
    place = operation.operands.index
    for bound in operation.domain:
        x = operands[place(bound.operand)]
        if isinstance(bound.limit, str):
            limit = operands[place(bound.limit)]
        else:
            limit = straight.constant((bound.limit, 0.0))
        if bound.relation == "!=":
            straight.kinks.append(Kink(straight.subtract(x, limit), "jump", live))
            continue
        low, high = (x, limit) if bound.relation[0] == "<" else (limit, x)
        straight.kinks.append(Kink(straight.subtract(low, high), "order", live))


def gradients_of(straight: StraightLine, target: Target, moved: Sequence[int]) -> dict[int, int]:
    """The line of the gradient of every node that is reached.

    What the backward pass hands on is a line and the mask of where anything arrives.
    """
    graph, wanted = target.graph, target.wanted

    def vjp(node: int, place: int, arrived: Arrived) -> Arrived | None:
        if not wanted[graph.operands[node][place]]:
            return None
        operation, (upstream, live) = graph.operations[node], arrived
        slope, mask = local(straight, graph, node, place, moved)
        if straight.number(slope) == 0 and operation.role is Role.ROUTES:
            return None
        sent = straight.multiply(upstream, slope)
        if mask is not None:
            sent = straight.gate(mask, sent)
        return sent, straight.both(live, mask)

    def total(arrivals: list[Arrived]) -> Arrived:
        lines, masks = zip(*arrivals, strict=True)
        return reduce(straight.add, lines), straight.either(masks)

    seeds: dict[int, Arrived] = {target.output: (straight.constant(ONE), None)}
    received = backward(graph.operands, seeds, vjp, total)
    for node, (_, live) in received.items():
        if any(wanted[k] for k in graph.operands[node]):
            watch(straight, target, node, moved, live)
    return {node: line for node, (line, _) in received.items()}


def local(
    straight: StraightLine, graph: Graph, node: int, k: int, moved: Sequence[int]
) -> tuple[int, int | None]:
    """The local gradient for operand k, and a mask of where the node routes to it, if it chooses.

    That of a whole power needs no division, which would ask how near to 0 the base is.
    """
    operation = graph.operations[node]
    lines = tuple([moved[i] for i in graph.operands[node]])
    if node in graph.condition_of:
        if k < 2:
            return straight.constant(ZERO), None
        test = straight.condition(graph, graph.condition_of[node], moved)
        return straight.constant(ONE), test if k == 2 else straight.opposite(test)
    if operation.selects:
        return shared(straight, moved[node], lines, k)
    if operation is POW and k == 0:
        exponent = straight.number(lines[1])
        if exponent is not None and exponent >= 2 and exponent == int(exponent):
            power = straight.power(lines[0], straight.leaf(exponent - 1))
            return straight.multiply(lines[1], power), None
    leaves = {"out": moved[node]}
    if operation.variadic:
        rule = texts(operation).rules[0]
        leaves |= {"x": lines[k], "n": straight.constant((float(len(lines)), 0.0))}
    else:
        rule = texts(operation).rules[k]
        leaves |= dict(zip(operation.operands, lines, strict=True))
    slope = straight.inline(rule, leaves)
    if operation.role is not Role.ROUTES:
        return slope, None
    mask = straight.nonzero(slope)
    if mask is not None and straight.lines[slope].kind is Kind.SELECT:
        _, then, otherwise = straight.lines[slope].operands
        if straight.number(otherwise) == 0:
            slope = then
        elif straight.number(then) == 0:
            slope = otherwise
    return slope, mask


def shared(
    straight: StraightLine, out: int, lines: tuple[int, ...], k: int
) -> tuple[int, int | None]:
    """The local gradient of a max or min for operand k, and where it is selected."""
    distinct = tuple(dict.fromkeys(lines))
    if len(distinct) == 1:
        return straight.leaf(nearest(1, len(lines))), None
    given = Counter(lines)
    ties = straight.line(Kind.TIES, (out, *distinct), tuple([given[line] for line in distinct]))
    share = straight.line(Kind.SHARE, (out, lines[k], ties), given[lines[k]])
    return share, straight.nonzero(share)


def watch(
    straight: StraightLine, target: Target, node: int, moved: Sequence[int], live: int | None
) -> None:
    """Note where the local gradients of a node are a choice."""
    graph, wanted = target.graph, target.wanted
    operation, operands = graph.operations[node], graph.operands[node]
    lines = [moved[k] for k in operands]
    if node in graph.condition_of:
        if wanted[operands[0]] or wanted[operands[1]]:
            test = graph.conditions[graph.condition_of[node]]
            difference = straight.subtract(moved[test.left], moved[test.right])
            straight.kinks.append(Kink(difference, "boundary", live))
    elif operation.selects:
        if len(set(lines)) > 1:
            masks = [
                local(straight, graph, node, k, moved)[1]
                for k, operand in enumerate(operands)
                if wanted[operand]
            ]
            straight.kinks.append(
                Kink(moved[node], "tie", straight.both(live, straight.either(masks)))
            )
    else:
        row = texts(operation)
        leaves = dict(zip(operation.operands, lines, strict=False)) | {"out": moved[node]}
        kind = "jump" if operation.jump else "kink"
        straight.kinks.extend(Kink(straight.inline(text, leaves), kind, live) for text in row.kinks)
        if row.cut:
            straight.kinks.append(Kink(straight.inline(row.cut, leaves), "cut", live))
