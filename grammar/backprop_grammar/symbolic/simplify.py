"""What a person would write instead: x*1 is x, x + x is 2*x, 2*(x/2) is x.

A number in front of a node, a minus sign among them, is looked for and put back by one pair of
functions; sums, products and quotients are each a few lines over these.
"""

from collections.abc import Callable, Collection, Sequence
from fractions import Fraction

from ..language.graph import Graph
from ..numbers.ball import compare
from ..operations.row import Operation
from ..operations.table import IDENTITY, IF, OPERATIONS
from .tape import SharedTape

__all__ = ["ADD", "DIV", "MUL", "SIMPLER", "Symbols"]

ADD, SUB, MUL, DIV, POW, NEG = (OPERATIONS[n] for n in ("add", "sub", "mul", "div", "pow", "neg"))

LARGEST = 10**6
"""The largest whole number in the fractions that are put together: 2/3 of something."""

SPINE = 8
"""How many factors are looked through for a number."""


class Symbols(SharedTape):
    """The builder that simplifies: a tape of symbols on which an operation becomes what a person
    would write.
    """

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
        if then == otherwise:
            return then
        a, b = self.number(left), self.number(right)
        if a is not None and b is not None:
            return then if compare((a > b) - (a < b), comparison) else otherwise
        return self.selection(comparison, left, right, then, otherwise)

    def copy(self, graph: Graph, leaves: dict[str, int], apart: Collection[int] = ()) -> list[int]:
        """The nodes of a graph on this tape, its variables replaced by leaves.

        apart: nodes that stay nodes of their own, so that derivatives by them are of what uses
        them, not of what is written the same.
        """
        moved: list[int] = []
        names = {node: name for name, node in graph.variables.items()}
        for node, operation in enumerate(graph.operations):
            if node in graph.constants:
                moved.append(self.constant(graph.constants[node]))
            elif operation is None:
                name = names[node]
                moved.append(leaves[name] if name in leaves else self.variable(name))
            elif operation is IDENTITY:
                moved.append(moved[graph.operands[node][0]])
            else:
                comparison = ""
                if node in graph.condition_of:
                    comparison = graph.conditions[graph.condition_of[node]].comparison
                moved.append(self.apply(operation, [moved[k] for k in graph.operands[node]], comparison))  # fmt: skip
            if node in apart and operation is not None:
                moved[node] = self.tape.add(IDENTITY, (moved[node],))
        return moved


def held(size: Fraction) -> bool:
    """Whether a fraction can be written: by small whole numbers, or as one float exactly."""
    if abs(size.numerator) <= LARGEST**2 and size.denominator <= LARGEST:
        return True
    try:
        return Fraction(float(size)) == size
    except OverflowError:
        return False


def coefficient(s: Symbols, a: int, depth: int = SPINE) -> tuple[Fraction, int | None]:
    """A node as a number times another: 2*x is (2, x), -x/3 is (-1/3, x), 5 is (5, None)."""
    number = s.number(a)
    if number is not None:
        return Fraction(number), None
    operation = s.tape.operations[a]
    if depth == 0 or operation not in (NEG, MUL, DIV):
        return Fraction(1), a
    first, *rest = s.tape.operands[a]
    size, left = coefficient(s, first, depth - 1)
    if operation is NEG:
        return -size, left
    if operation is MUL:
        if size == 1:
            return size, a
        return size, rest[0] if left is None else s.plain(MUL, (left, rest[0]))
    below, right = coefficient(s, rest[0], depth - 1)
    if below == 0 or not held(size / below):
        return Fraction(1), a
    if right is None:
        return size / below, left
    if size == below == 1 or (left is None and size == 1 and below == 1):
        return Fraction(1), a
    return size / below, s.plain(DIV, (s.constant(1.0) if left is None else left, right))


def scaled(s: Symbols, size: Fraction, a: int | None) -> int:
    """A number times a node: the inverse of ``coefficient``."""
    if a is None or size == 0:
        if size.denominator == 1 or Fraction(float(size)) == size:
            return s.constant(float(size))
        return s.plain(DIV, (s.constant(float(size.numerator)), s.constant(float(size.denominator))))  # fmt: skip
    own, rest = coefficient(s, a)
    if own != 1 and held(size * own):
        return scaled(s, size * own, rest)
    if size == 1:
        return a
    operation, operands = s.tape.operations[a], s.tape.operands[a]
    if size.denominator > LARGEST:  # a float such as 0.1
        return times_number(s, size, a)
    if operation is DIV:
        above = scaled(s, Fraction(size.numerator), operands[0])
        return s.plain(DIV, (above, scaled(s, Fraction(size.denominator), operands[1])))
    above = times_number(s, Fraction(size.numerator), a)
    if size.denominator == 1:
        return above
    return s.plain(DIV, (above, s.constant(float(size.denominator))))


def times_number(s: Symbols, size: Fraction, a: int) -> int:
    """A number in front of a node, or of the first of its factors: 2*x*y."""
    if size == 1:
        return a
    operation, operands = s.tape.operations[a], s.tape.operands[a]
    if operation is SUB and size == -1:
        return s.plain(SUB, operands[::-1])
    factors = [a]
    while operation is MUL and len(factors) < SPINE:
        factors[-1:] = [operands[1], operands[0]]
        operation, operands = s.tape.operations[factors[-1]], s.tape.operands[factors[-1]]
    head = factors.pop()
    node = s.plain(NEG, (head,)) if size == -1 else s.plain(MUL, (s.constant(float(size)), head))
    for factor in reversed(factors):
        node = s.plain(MUL, (node, factor))
    return node


def simpler_neg(s: Symbols, a: int) -> int:
    return scaled(s, Fraction(-1), a)


def simpler_add(s: Symbols, a: int, b: int) -> int | None:
    return added(s, a, b, 1)


def simpler_sub(s: Symbols, a: int, b: int) -> int | None:
    return added(s, a, b, -1)


def added(s: Symbols, a: int, b: int, sign: int) -> int | None:
    """A sum or difference: 0 left out, equal parts put together, signs turned."""
    if s.number(b) == 0:
        return a
    if s.number(a) == 0:
        return scaled(s, Fraction(sign), b)
    (x, left), (y, right) = coefficient(s, a), coefficient(s, b)
    if left == right:
        return scaled(s, x + sign * y, left) if held(x + sign * y) else None
    if y < 0:
        return s.apply(SUB if sign == 1 else ADD, (a, scaled(s, -y, right)))
    if x < 0 and sign == 1:
        return s.apply(SUB, (b, scaled(s, -x, left)))
    difference = s.parts(a, SUB)
    if sign == -1 and difference and coefficient(s, difference[1])[1] == right:  # 1 - f - f
        return s.apply(SUB, (difference[0], s.apply(ADD, (difference[1], b))))
    return None


def power_of(s: Symbols, a: int) -> tuple[int, Fraction]:
    """A node as a base to a number."""
    found = s.parts(a, POW)
    exponent = s.number(found[1]) if found else None
    return (found[0], Fraction(exponent)) if found and exponent is not None else (a, Fraction(1))


def simpler_mul(s: Symbols, a: int, b: int) -> int | None:
    (x, left), (y, right) = coefficient(s, a), coefficient(s, b)
    if not held(x * y):
        return None
    if left is None or right is None:
        return scaled(s, x * y, left if right is None else right)
    if x != 1 or y != 1:
        return scaled(s, x * y, s.apply(MUL, (left, right)))
    for one, other in ((a, b), (b, a)):
        quotient = s.parts(one, DIV)
        if quotient and s.number(quotient[0]) == 1:
            return s.apply(DIV, (other, quotient[1]))
    (p, m), (q, n) = power_of(s, a), power_of(s, b)
    return s.apply(POW, (p, scaled(s, m + n, None))) if p == q and held(m + n) else None


def simpler_div(s: Symbols, a: int, b: int) -> int | None:
    (x, left), (y, right) = coefficient(s, a), coefficient(s, b)
    if y == 0 or not held(x / y):
        return None
    if x == 0:
        return s.constant(0.0)
    if left == right:
        return scaled(s, x / y, None)
    if right is None:
        return scaled(s, x / y, left)
    if (x != 1 and left is not None) or y != 1:
        one = s.constant(1.0) if left is None else left
        return scaled(s, x / y, s.apply(DIV, (one, right)))
    quotient = s.parts(a, DIV)
    if quotient:
        return s.apply(DIV, (quotient[0], s.apply(MUL, (quotient[1], b))))
    quotient = s.parts(b, DIV)
    if quotient:
        return s.apply(DIV, (s.apply(MUL, (a, quotient[1])), quotient[0]))
    (p, m), (q, n) = power_of(s, a), power_of(s, b)
    return s.apply(POW, (p, scaled(s, m - n, None))) if p == q and m > n and held(m - n) else None


def simpler_pow(s: Symbols, a: int, b: int) -> int | None:
    x, y = s.number(a), s.number(b)
    if y == 0:
        return s.constant(1.0)
    if y == 1:
        return a
    if x is not None and y is not None and y == int(y) and abs(y) <= 64 and (x or y > 0):
        value = Fraction(x) ** int(y)
        return scaled(s, value, None) if held(value) else None
    return s.apply(DIV, (s.constant(1.0), a)) if y == -1 else None


def at_number(x: float, value: float) -> Callable[[Symbols, int], int | None]:
    """The simplification of a function that is a whole number somewhere, as exp is 1 at 0."""

    def simpler(s: Symbols, a: int) -> int | None:
        return s.constant(value) if s.number(a) == x else None

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
