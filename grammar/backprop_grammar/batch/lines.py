"""One straight list of lines, each a column of numbers computed from those before (a Wengert list).

It is simplified as it grows: equal lines are one line, what no column changes is a number, signs
move to where they cost nothing, and contributions of 1 and 0 are never multiplied.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from fractions import Fraction
from functools import cache, reduce
from typing import NamedTuple

from ..blocks.definitions import over, parameters
from ..language.graph import Graph
from ..language.nearest import fraction
from ..language.table_texts import compiled
from ..numbers.ball import Ball, DomainError, Undecided, compare
from ..numbers.binary64 import binary64
from ..operations.row import Operation
from ..operations.table import ADD, DIV, IDENTITY, MUL, NEG, OPERATIONS, POW, SUB

__all__ = [
    "LEAVES",
    "MASKS",
    "ONE",
    "ZERO",
    "Guard",
    "Kind",
    "Kink",
    "Line",
    "StraightLine",
    "text_of",
]


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
    (see straightline.ordered) is left to functions.
    """
    text = operation.columns or operation.computed
    if not text or operation.numpy or operation.requires:
        return None
    return compiled(over(text, parameters(operation, count)))
