"""What a person would write instead: x*1 is x, x + x is 2*x, 2*(x/2) is x.

A number in front of a node, a minus sign among them, is looked for and put back by one pair of
functions; sums, products and quotients are each a few lines over these.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from ..blocks.definitions import written_out
from ..language.graph import Graph
from ..language.precedence import comparison_of
from ..numbers.ball import compare
from ..operations.row import Operation
from ..operations.table import ADD, CONSTANTS, DIV, IDENTITY, IF, MUL, NEG, POW, SUB
from .tape import SharedTape

__all__ = ["ADD", "DIV", "MUL", "NEG", "SIMPLER", "Symbols", "coefficient"]

LARGEST = 10**6
"""The largest whole number in the fractions that are put together: 2/3 of something."""

SPINE = 8
"""How many factors are looked through for a number."""


class Symbols(SharedTape):
    """The builder that simplifies: a tape of symbols on which an operation becomes what a person
    would write.

    exact: numbers are the floats that they are, so that 0.1*6 stays: it is not the float 0.6. Else
    they are the decimals that are written, for a formula that stands beside its number. floats: the
    formula is computed in floats, so nothing is put in another order that may overflow, underflow
    or lose digits where this does not: a/b/c stays, as b*c may be infinite.
    """

    def __init__(self, exact: bool = True, floats: bool = False) -> None:
        super().__init__()
        self.exact = exact
        self.floats = floats
        self.still: set[int] = set()  # nodes that are taken as constants

    def apply(self, operation: Operation, operands: Sequence[int], comparison: str = "") -> int:
        """The node of an operation, simplified the way a person would."""
        if operation is IF:
            return self.choose(comparison, *operands)
        simple = SIMPLER.get(operation.name)
        node = simple(self, *operands) if simple else None
        if node is not None:
            return node
        if operation is MUL and self.number(operands[1]) is not None:
            operands = operands[::-1]  # a number stands in front
        return self.plain(operation, operands)

    def choose(self, comparison: str, left: int, right: int, then: int, otherwise: int) -> int:
        """An `if`; one that is decided, or whose branches agree, is no choice."""
        test = comparison, left, right
        if self.is_if(then) and self.test(then) == test:
            then = self.tape.operands[then][2]
        if self.is_if(otherwise) and self.test(otherwise) == test:
            otherwise = self.tape.operands[otherwise][3]
        if then == otherwise:
            return then
        a, b = self.near(left), self.near(right)
        if a is not None and b is not None and (a != b or self.number(left) == self.number(right)):
            return then if compare((a > b) - (a < b), comparison) else otherwise
        return self.selection(comparison, left, right, then, otherwise)

    def near(self, node: int) -> float | None:
        """The float nearest to a number or a named constant; None for other nodes."""
        value = self.tape.constants.get(node)
        return CONSTANTS.get(value) if isinstance(value, str) else value

    def copy(
        self,
        graph: Graph,
        leaves: Mapping[str, int],
        apart: Collection[int] = (),
        verbatim: bool = False,
    ) -> list[int]:
        """The nodes of a graph on this tape, its variables replaced by leaves.

        apart: nodes that stay nodes of their own, so that derivatives by them are of what uses
        them, not of what is written the same. verbatim: nothing is simplified, and rows that only
        the texts of the table use are written by what they are made of.
        """
        moved: list[int] = []
        names = {node: name for name, node in graph.variables.items()}
        for node, operation in enumerate(graph.operations):
            if node in graph.constants:
                moved.append(self.constant(graph.constants[node]))
            elif operation.leaf:
                name = names[node]
                moved.append(leaves[name] if name in leaves else self.variable(name))
            elif operation is IDENTITY:
                moved.append(moved[graph.operands[node][0]])
            else:
                comparison = ""
                if node in graph.condition_of:
                    comparison = graph.conditions[graph.condition_of[node]].comparison
                operands = [moved[k] for k in graph.operands[node]]
                if not verbatim:
                    moved.append(self.apply(operation, operands, comparison))
                elif operation.hidden and (made := written_out(operation, len(operands))):
                    given = dict(zip(made.parameters, operands, strict=True))
                    moved.append(self.copy(made.body, given)[made.body.output])
                elif comparison:
                    moved.append(self.selection(comparison, *operands))
                else:
                    moved.append(self.plain(operation, operands))
            if node in apart and not operation.leaf:
                moved[node] = self.tape.add(IDENTITY, (moved[node],))
        return moved

    def rule(self, text: Graph, leaves: Mapping[str, int], known: Mapping[str, Any]) -> int:
        """A text of the table over other leaves, simplified only where these make it simpler.

        So it stays as its author wrote it, but for numbers that stand in the place of operands.
        known: values of variables; an `if` between these, or one and a number, is the side it takes.
        """
        moved = [
            self.constant(text.constants[node]) if node in text.constants else -1
            for node in range(len(text))
        ]
        twice = len(set(leaves.values())) < len(leaves)
        changed = [False] * len(text)
        for name, node in text.variables.items():
            moved[node] = leaves[name]
            changed[node] = twice or self.number(leaves[name]) is not None
        for node, operation in enumerate(text.operations):
            if operation.leaf:
                continue
            operands = text.operands[node]
            comparison = comparison_of(text, node)
            if comparison and known:
                side = selected(text, node, known)
                moved[node], changed[node] = moved[side], changed[side]
                continue
            changed[node] = bool(comparison) or any(changed[k] for k in operands)
            places = [moved[k] for k in operands]
            moved[node] = self.apply(operation, places, comparison) if changed[node] else self.plain(operation, places)  # fmt: skip
        return moved[text.output]


def selected(graph: Graph, node: int, known: Mapping[str, Any]) -> int:
    """The operand that an `if` between leaves of known values selects."""
    test = graph.conditions[graph.condition_of[node]]
    left: Any
    right: Any
    left, right = (
        graph.constants[k] if k in graph.constants else known[graph.names[k]]
        for k in (test.left, test.right)
    )
    holds = compare((left > right) - (left < right), test.comparison)
    return graph.operands[node][2 if holds else 3]


class Size(NamedTuple):
    """A number in front of something.

    decimal: it came from a decimal, such as 2.5, and is written as one; else as a quotient, 5/2.
    exact: see Symbols.
    """

    value: Fraction
    decimal: bool = False
    exact: bool = True

    def of(self, value: Fraction) -> "Size":
        """Another value of the same kind."""
        return self._replace(value=value)

    def joined(self, other: "Size", value: Fraction) -> "Size":
        """What two numbers give."""
        return Size(value, self.decimal or other.decimal, self.exact and other.exact)

    def times(self, other: "Size") -> "Size":
        return self.joined(other, self.value * other.value)

    def over(self, other: "Size") -> "Size":
        return self.joined(other, self.value / other.value)

    def plus(self, other: "Size", sign: int = 1) -> "Size":
        return self.joined(other, self.value + sign * other.value)

    @property
    def held(self) -> bool:
        """Whether it can be written: by small whole numbers, or as one float."""
        value = self.value
        small = abs(value.numerator) <= LARGEST**2 and value.denominator <= LARGEST
        return small or self.as_decimal is not None

    @property
    def as_decimal(self) -> float | None:
        """The float that it is exactly, or whose shortest decimal it is."""
        try:
            near = float(self.value)
        except OverflowError:
            return None
        return near if fraction(near, self.exact) == self.value else None


ONE = Size(Fraction(1))


def fraction(number: float, exact: bool) -> Fraction:
    return Fraction(number) if exact else Fraction(repr(number))


def tame(number: float) -> bool:
    """Whether a factor may stand elsewhere in a product without taking it out of a float's range."""
    return number == 0 or 1 / LARGEST <= abs(number) <= LARGEST


def size_of(s: Symbols, number: float) -> Size:
    """A number in front of nothing; a whole number is the same either way."""
    whole = number.is_integer()
    return Size(fraction(number, s.exact), not whole, s.exact or whole)


def coefficient(s: Symbols, a: int, depth: int = SPINE) -> tuple[Size, int | None]:
    """A node as a number times another: 2*x is (2, x), -x/3 is (-1/3, x), 5 is (5, None)."""
    number = s.number(a)
    if number is not None and s.floats and not tame(number):
        return ONE, a
    if number is not None:
        return size_of(s, number), None
    operation = s.tape.operations[a]
    if depth == 0 or operation not in (NEG, MUL, DIV):
        return ONE, a
    first, *rest = s.tape.operands[a]
    size, left = coefficient(s, first, depth - 1)
    if operation is NEG:
        return size.of(-size.value), left
    if operation is MUL:
        if size.value == 1:
            return ONE, a
        return size, rest[0] if left is None else s.plain(MUL, (left, rest[0]))
    below, right = coefficient(s, rest[0], depth - 1)
    if below.value == 0 or not size.over(below).held:
        return ONE, a
    if right is None:
        return size.over(below), left
    if size.value == below.value == 1:
        return ONE, a
    return size.over(below), s.plain(DIV, (s.constant(1.0) if left is None else left, right))


def scaled(s: Symbols, size: Size, a: int | None) -> int:
    """A number times a node: the inverse of ``coefficient``."""
    value = size.value
    if a is None or value == 0:
        return written(s, size)
    own, rest = coefficient(s, a)
    if own.value != 1 and size.times(own).held:
        return scaled(s, size.times(own), rest)
    if value == 1:
        return a
    operation, operands = s.tape.operations[a], s.tape.operands[a]
    if size.decimal and value.denominator != 1 and size.as_decimal is not None:
        return times_number(s, size.as_decimal, a)
    if operation is DIV and not s.floats:
        above = scaled(s, Size(Fraction(value.numerator)), operands[0])
        return s.plain(DIV, (above, scaled(s, Size(Fraction(value.denominator)), operands[1])))
    above = times_number(s, float(value.numerator), a)
    if value.denominator == 1:
        return above
    return s.plain(DIV, (above, s.constant(float(value.denominator))))


def written(s: Symbols, size: Size) -> int:
    """A number as a node: whole, a decimal where it came from one, else a quotient."""
    value = size.value
    if value.denominator == 1 or (size.decimal and size.as_decimal is not None):
        return s.constant(float(value))
    above, below = s.constant(float(value.numerator)), s.constant(float(value.denominator))
    return s.plain(DIV, (above, below))


def times_number(s: Symbols, number: float, a: int) -> int:
    """A number in front of a node, or of the first of its factors: 2*x*y."""
    if number == 1:
        return a
    operation, operands = s.tape.operations[a], s.tape.operands[a]
    if operation is SUB and number == -1:
        return s.plain(SUB, operands[::-1])
    factors = [a]
    while operation is MUL and len(factors) < SPINE:
        factors[-1:] = [operands[1], operands[0]]
        operation, operands = s.tape.operations[factors[-1]], s.tape.operands[factors[-1]]
    head = factors.pop()
    node = s.plain(NEG, (head,)) if number == -1 else s.plain(MUL, (s.constant(number), head))
    for factor in reversed(factors):
        node = s.plain(MUL, (node, factor))
    return node


def simpler_neg(s: Symbols, a: int) -> int:
    return scaled(s, Size(Fraction(-1)), a)


def simpler_add(s: Symbols, a: int, b: int) -> int | None:
    return added(s, a, b, 1)


def simpler_sub(s: Symbols, a: int, b: int) -> int | None:
    return added(s, a, b, -1)


def added(s: Symbols, a: int, b: int, sign: int) -> int | None:
    """A sum or difference: 0 left out, equal parts put together, signs turned."""
    if s.number(b) == 0:
        return a
    if s.number(a) == 0:
        return scaled(s, Size(Fraction(sign)), b)
    (x, left), (y, right) = coefficient(s, a), coefficient(s, b)
    if left == right:
        total = x.plus(y, sign)
        return scaled(s, total, left) if total.held else None
    if y.value < 0:
        return s.apply(SUB if sign == 1 else ADD, (a, scaled(s, y.of(-y.value), right)))
    if x.value < 0 and sign == 1:
        return s.apply(SUB, (b, scaled(s, x.of(-x.value), left)))
    difference = s.parts(a, SUB)
    if sign == -1 and difference and coefficient(s, difference[1])[1] == right:  # 1 - f - f
        return s.apply(SUB, (difference[0], s.apply(ADD, (difference[1], b))))
    return None


def power_of(s: Symbols, a: int) -> tuple[int, Size]:
    """A node as a base to a number."""
    parts = s.parts(a, POW)
    exponent = s.number(parts[1]) if parts else None
    return (parts[0], size_of(s, exponent)) if parts and exponent is not None else (a, ONE)


def simpler_mul(s: Symbols, a: int, b: int) -> int | None:
    (x, left), (y, right) = coefficient(s, a), coefficient(s, b)
    product = x.times(y)
    if not product.held:
        return None
    if left is None or right is None:
        return scaled(s, product, left if right is None else right)
    if x.value != 1 or y.value != 1:
        return scaled(s, product, s.apply(MUL, (left, right)))
    for one, other in ((a, b), (b, a)):
        quotient = s.parts(one, DIV)
        if quotient and s.number(quotient[0]) == 1:
            return s.apply(DIV, (other, quotient[1]))
    (p, m), (q, n) = power_of(s, a), power_of(s, b)
    return s.apply(POW, (p, written(s, m.plus(n)))) if p == q and m.plus(n).held else None


def simpler_div(s: Symbols, a: int, b: int) -> int | None:
    (x, left), (y, right) = coefficient(s, a), coefficient(s, b)
    if y.value == 0 or not x.over(y).held:
        return None
    if x.value == 0:
        return s.constant(0.0)
    if left == right:
        return scaled(s, x.over(y), None)
    if right is None:
        return scaled(s, x.over(y), left)
    if (x.value != 1 and left is not None) or y.value != 1:
        one = s.constant(1.0) if left is None else left
        return scaled(s, x.over(y), s.apply(DIV, (one, right)))
    quotient = s.parts(a, DIV)
    if quotient and not s.floats:
        return s.apply(DIV, (quotient[0], s.apply(MUL, (quotient[1], b))))
    quotient = s.parts(b, DIV)
    if quotient and not s.floats:
        return s.apply(DIV, (s.apply(MUL, (a, quotient[1])), quotient[0]))
    (p, m), (q, n) = power_of(s, a), power_of(s, b)
    difference = m.plus(n, -1)
    if p == q and m.value > n.value and difference.held:
        return s.apply(POW, (p, written(s, difference)))
    return None


def simpler_pow(s: Symbols, a: int, b: int) -> int | None:
    x, y = s.number(a), s.number(b)
    if y == 0:
        return s.constant(1.0)
    if y == 1:
        return a
    if x is not None and y is not None and y == int(y) and abs(y) <= 64 and (x or y > 0):
        base = size_of(s, x)
        power = base.of(base.value ** int(y))
        return written(s, power) if power.held else None
    return s.apply(DIV, (s.constant(1.0), a)) if y == -1 else None


def at_number(x: float, value: float) -> Callable[[Symbols, int], int | None]:
    """The simplification of a function that is a whole number somewhere, as exp is 1 at 0."""

    def simpler(s: Symbols, a: int) -> int | None:
        return s.constant(float(value)) if s.number(a) == x else None

    return simpler


def simpler_log(s: Symbols, a: int) -> int | None:
    if s.tape.constants.get(a) == "e":
        return s.constant(1.0)
    return s.constant(0.0) if s.number(a) == 1 else None


SIMPLER: dict[str, Callable[..., int | None]] = {
    "neg": simpler_neg, "add": simpler_add, "sub": simpler_sub, "mul": simpler_mul,
    "div": simpler_div, "pow": simpler_pow, "log": simpler_log,
    "exp": at_number(0, 1), "sin": at_number(0, 0), "cos": at_number(0, 1),
    "sqrt": at_number(1, 1),
}  # fmt: skip
