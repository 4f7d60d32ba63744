"""What a person would write instead: x*1 is x, x + x is 2*x, 2*(x/2) is x, 2*x/x^4 is 2/x^3.

A number in front of a node, a minus sign among them, is looked for and put back by one pair of
functions, and so are the factors of a product; sums, products and quotients are each a few lines
over these.

The convention is a textbook's: a formula has the value of what it came from wherever that has one.
Where that has none, as x/x at 0, the simpler one may have one: the limit there, which is what the
derivative of a program is that has a value on both sides. A factor that decides a sign or a domain
is never dropped: sqrt(x^2) and log(x^2) stay.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cache, reduce
from typing import Any, NamedTuple

from ..blocks.definitions import written_out
from ..language.graph import Graph
from ..language.nearest import fraction, literal, nearest
from ..language.precedence import comparison_of
from ..numbers.ball import compare
from ..operations.row import Operation
from ..operations.table import ADD, CONSTANTS, DIV, IDENTITY, IF, MUL, NEG, OPERATIONS, POW, SUB
from .tape import SharedTape

__all__ = [
    "ADD",
    "DIV",
    "MUL",
    "NEG",
    "SIMPLER",
    "SPINE",
    "AtZero",
    "Symbols",
    "coefficient",
    "everywhere",
    "varying_power",
]

ERFCX, LOG = OPERATIONS["erfcx"], OPERATIONS["log"]

LARGEST = 10**6
"""The largest whole number in the fractions that are put together: 2/3 of something."""

SPINE = 8
"""How many factors are looked through for a number."""


class Symbols(SharedTape):
    """The builder that simplifies: a tape of symbols on which an operation becomes what a person
    would write.

    floats: the formula is computed in floats, so nothing is put in another order that may overflow,
    underflow or lose digits where this does not: a/b/c stays, as b*c may be infinite.
    """

    def __init__(self, floats: bool = False) -> None:
        super().__init__()
        self.floats = floats
        self.still: set[int] = set()  # nodes that are taken as constants
        self.rules: dict[int, list[int]] = {}  # of variadic nodes: where a local gradient's text is

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
        if self.is_if(then) and self.test(then) == test:  # which holds in this branch
            then = self.tape.operands[then][2]
        if self.is_if(otherwise) and self.test(otherwise) == test:
            otherwise = self.tape.operands[otherwise][3]
        if then == otherwise:
            return then
        if left == right:
            return then if compare(0, comparison) else otherwise
        a, b = self.near(left), self.near(right)
        numbers = self.number(left) is not None and self.number(right) is not None
        if a is not None and b is not None and (a != b or numbers):
            x, y = fraction(a), fraction(b)
            return then if compare((x > y) - (x < y), comparison) else otherwise
        return self.selection(*test, then, otherwise)

    def always(self, node: int) -> bool:
        exists = super().always(node)
        if not self.floats or node in self.exist:
            return exists
        return exists and everywhere(self.tape.operations[node])

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
        moved = [0] * len(graph)
        self.fill(moved, range(len(graph)), graph, leaves, apart, verbatim)
        return moved

    def fill(
        self,
        moved: list[int],
        nodes: Iterable[int],
        graph: Graph,
        leaves: Mapping[str, int],
        apart: Collection[int] = (),
        verbatim: bool = False,
    ) -> None:
        """Put some nodes of a graph on this tape, as ``copy`` does; moved: where the others are."""
        names = {node: name for name, node in graph.variables.items()}
        for node in nodes:
            operation = graph.operations[node]
            if node in graph.constants:
                moved[node] = self.constant(graph.constants[node])
            elif operation.leaf:
                name = names[node]
                moved[node] = leaves[name] if name in leaves else self.variable(name)
            elif operation is IDENTITY:
                moved[node] = moved[graph.operands[node][0]]
            else:
                comparison = ""
                if node in graph.condition_of:
                    comparison = graph.conditions[graph.condition_of[node]].comparison
                operands = [moved[k] for k in graph.operands[node]]
                if not verbatim:
                    moved[node] = self.apply(operation, operands, comparison)
                elif operation.hidden and (made := written_out(operation, len(operands))):
                    given = dict(zip(made.parameters, operands, strict=True))
                    moved[node] = self.copy(made.body, given)[made.body.output]
                elif comparison:
                    moved[node] = self.selection(comparison, *operands)
                else:
                    moved[node] = self.plain(operation, operands)
            if node in apart and not operation.leaf:
                moved[node] = self.tape.add(IDENTITY, (moved[node],))

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
            side = selected(text, node, known) if comparison and known else None
            if side is not None:
                moved[node], changed[node] = moved[side], changed[side]
                continue
            changed[node] = bool(comparison) or any(changed[k] for k in operands)
            places = [moved[k] for k in operands]
            moved[node] = self.apply(operation, places, comparison) if changed[node] else self.plain(operation, places)  # fmt: skip
        return moved[text.output]


class AtZero(Symbols):
    """The builder that gives x^y*log(x) and y*x^(y - 1) their limits where x^y and y are 0: 0.

    For values alone: what is built is right where it stands, and its derivatives need not be.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bare: dict[int, int] = {}  # the product within a choice that was made here

    def apply(self, operation: Operation, operands: Sequence[int], comparison: str = "") -> int:
        if operation is not MUL:
            return super().apply(operation, operands, comparison)
        node = super().apply(MUL, [self.bare.get(k, k) for k in operands])
        below = self.vanishing(node)
        if below is None:
            return super().apply(MUL, operands)
        zero = self.constant(0.0)
        choice = self.choose("==", below, zero, zero, node)
        self.bare[choice] = node
        return choice

    def vanishing(self, node: int) -> int | None:
        """The factor of a product where the product has the limit 0 and no value of its own."""
        powers = factors(self, node) or {}
        for factor, power in powers.items():
            parts = self.parts(factor, POW)
            if parts is None or power.value != 1 or self.number(parts[1]) is not None:
                continue
            base, exponent = parts
            if any(
                power.value > 0 and self.parts(k, LOG) == (base,) for k, power in powers.items()
            ):
                return factor
            less = self.parts(exponent, SUB)
            if less and less[0] in powers and self.number(less[1]) == 1:
                return less[0]
        return None


@cache
def everywhere(operation: Operation) -> bool:
    """Whether an operation has a value at all numbers, and one that a float holds at large ones."""
    if operation.domain or operation.requires or operation is ERFCX:
        return False
    try:
        return (
            not operation.libm
            or len(operation.operands) > 1
            or bool(getattr(math, operation.libm)(1e3))
        )
    except OverflowError:
        return False


def varying_power(tape: Graph) -> bool:
    """Whether there is a power whose exponent is no number, which may have a limit at 0."""
    return any(
        operation is POW and tape.operands[node][1] not in tape.constants
        for node, operation in enumerate(tape.operations)
    )


def selected(graph: Graph, node: int, known: Mapping[str, Any]) -> int | None:
    """The operand that an `if` between leaves of known values selects; None between others."""
    test = graph.conditions[graph.condition_of[node]]
    left: Any
    right: Any
    left, right = (
        graph.constants.get(k, known.get(graph.names.get(k, ""))) for k in (test.left, test.right)
    )
    if any(side is None or isinstance(side, str) for side in (left, right)):
        return None
    holds = compare((left > right) - (left < right), test.comparison)
    return graph.operands[node][2 if holds else 3]


class Size(NamedTuple):
    """A number in front of something.

    decimal: it came from a decimal, such as 2.5, and is written as one; else as a quotient, 5/2.
    """

    value: Fraction
    decimal: bool = False

    def of(self, value: Fraction) -> "Size":
        """Another value of the same kind."""
        return self._replace(value=value)

    def joined(self, other: "Size", value: Fraction) -> "Size":
        """What two numbers give."""
        return Size(value, self.decimal or other.decimal)

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
        """The number, where the shortest text of a float says it."""
        try:
            near = literal(repr(float(self.value)))
        except OverflowError:
            return None
        return near if fraction(near) == self.value else None


ONE = Size(Fraction(1))


def tame(number: float) -> bool:
    """Whether a factor may stand elsewhere in a product without taking it out of a float's range."""
    return number == 0 or 1 / LARGEST <= abs(number) <= LARGEST


def size_of(s: Symbols, number: float) -> Size:
    """A number in front of nothing; a whole number is the same either way."""
    return Size(fraction(number), not number.is_integer())


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
    number = s.number(a)
    if number is not None and size.times(size_of(s, number)).held:
        return written(s, size.times(size_of(s, number)))
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
    above = times_number(s, nearest(value.numerator), a)
    if value.denominator == 1:
        return above
    return s.plain(DIV, (above, s.constant(nearest(value.denominator))))


def written(s: Symbols, size: Size) -> int:
    """A number as a node: whole, a decimal where it came from one, else a quotient."""
    value = size.value
    near = size.as_decimal
    if size.decimal and near is not None:
        return s.constant(near)
    if value.denominator == 1:
        return s.constant(nearest(value.numerator))
    above, below = s.constant(nearest(value.numerator)), s.constant(nearest(value.denominator))
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
    if right is None:
        for operation in (ADD, SUB):  # x - 1 + 1
            terms = s.parts(a, operation)
            if terms and s.number(terms[1]) is not None:
                own = size_of(s, s.number(terms[1]) or 0.0)
                own = own if operation is ADD else own.of(-own.value)
                number = own.plus(y, sign)
                return s.apply(ADD, (terms[0], written(s, number))) if number.held else None
    if y.value < 0:
        return s.apply(SUB if sign == 1 else ADD, (a, scaled(s, y.of(-y.value), right)))
    if x.value < 0 and sign == 1:
        return s.apply(SUB, (b, scaled(s, x.of(-x.value), left)))
    difference = s.parts(a, SUB)
    if sign == -1 and difference and coefficient(s, difference[1])[1] == right:  # 1 - f - f
        return s.apply(SUB, (difference[0], s.apply(ADD, (difference[1], b))))
    return None


def factors(s: Symbols, a: int, sign: int = 1) -> dict[int, Size] | None:
    """The bases that a node is a product of, each with its exponent, a number: x/y^2 is x to the 1
    and y to the -2. What is left after SPINE of them is one. None where exponents add up to what
    nobody writes, or where a factor is 0, which may stand below: 0/0.
    """
    exponents: dict[int, Size] = {}
    pending, room = [(a, Size(Fraction(sign)))], 0 if s.floats else SPINE
    while pending:
        node, power = pending.pop()
        operation, operands = s.tape.operations[node], s.tape.operands[node]
        if operation in (MUL, DIV) and room:
            room -= 1
            below = power if operation is MUL else power.of(-power.value)
            pending += [(operands[1], below), (operands[0], power)]
            continue
        exponent = s.number(operands[1]) if operation is POW else None
        if exponent is not None and abs(power.value) == 1:
            power = size_of(s, exponent).times(power)
            node = operands[0]
        total = exponents[node].plus(power) if node in exponents else power
        if not total.held or s.number(node) == 0:
            return None
        exponents[node] = total
    return exponents


def together(s: Symbols, a: int, b: int, sign: int) -> int | None:
    """A product, or with sign -1 a quotient, of nodes that share a factor; None where they do not."""
    first, second = factors(s, a), factors(s, b, sign)
    if not first or not second or first.keys().isdisjoint(second):
        return None
    for base, power in second.items():
        total = first[base].plus(power) if base in first else power
        if not total.held:
            return None
        first[base] = total
    above = product(s, {base: power for base, power in first.items() if power.value > 0})
    below = {base: power.of(-power.value) for base, power in first.items() if power.value < 0}
    return s.plain(DIV, (above, product(s, below))) if below else above


def product(s: Symbols, exponents: Mapping[int, Size]) -> int:
    """The product of powers of bases."""
    powers = [
        base if power.value == 1 else s.plain(POW, (base, written(s, power)))
        for base, power in exponents.items()
    ]
    return reduce(lambda a, b: s.plain(MUL, (a, b)), powers) if powers else s.constant(1.0)


def spread(s: Symbols, a: int, b: int) -> int | None:
    """A sum times what cancels in one of its terms: (1/y - 1/x)*x is x/y - 1."""
    operation = s.tape.operations[a]
    if operation not in (ADD, SUB) or s.floats:
        return None
    terms = s.tape.operands[a]
    over = [s.parts(coefficient(s, term)[1] or term, DIV) for term in terms]
    if not any(quotient and b in (factors(s, quotient[1]) or ()) for quotient in over):
        return None
    return s.apply(
        operation,
        [
            s.plain(MUL, (term, b))
            if s.tape.operations[term] in (ADD, SUB)
            else s.apply(MUL, (term, b))
            for term in terms
        ],
    )


def simpler_mul(s: Symbols, a: int, b: int) -> int | None:
    (x, left), (y, right) = coefficient(s, a), coefficient(s, b)
    size = x.times(y)
    if not size.held:
        return None
    if left is None or right is None:
        return scaled(s, size, left if right is None else right)
    if x.value != 1 or y.value != 1:
        return scaled(s, size, s.apply(MUL, (left, right)))
    for one, other in ((a, b), (b, a)):
        quotient = s.parts(one, DIV)
        if quotient and s.number(quotient[0]) == 1:
            return s.apply(DIV, (other, quotient[1]))
    for one, other in ((a, b), (b, a)):
        power = s.parts(other, POW)
        if power and power[0] == one and s.number(power[1]) is None:  # x*x^(y - 1)
            exponent = simpler_add(s, power[1], s.constant(1.0))
            if exponent is not None:
                return s.apply(POW, (one, exponent))
    for node in (together(s, a, b, 1), spread(s, a, b), spread(s, b, a)):
        if node is not None:
            return node
    return None


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
    node = together(s, a, b, -1)
    if node is not None:
        return node
    power = s.parts(a, POW)
    if power and power[0] == b:  # x^y/x
        return s.apply(POW, (b, s.apply(SUB, (power[1], s.constant(1.0)))))
    quotient = s.parts(a, DIV)
    if quotient and not s.floats:
        return s.apply(DIV, (quotient[0], s.apply(MUL, (quotient[1], b))))
    quotient = s.parts(b, DIV)
    if quotient and not s.floats:
        return s.apply(DIV, (s.apply(MUL, (a, quotient[1])), quotient[0]))
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
