"""Gradients that are 0 whatever the functions of a program are worth: what is centred, shifted, or cancels.

The passes once more, over the whole numbers modulo a prime, where each value of a function that is
no quotient is a random number, the same for the same operands. A sum that is 0 there is 0 as a
formula, and so at every point: were it not, chance would have hit one of its few roots among 2^255
numbers (Schwartz 1980, Zippel 1979). A sum that is not 0 there says nothing.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from ..language.graph import Graph, Tape
from ..language.nearest import fraction
from ..language.table_texts import texts
from ..numbers.ball import INFINITY, Ball, Balls
from ..numbers.rational import as_fraction
from ..operations.row import Operation
from ..operations.table import CONSTANT, IF, OPERATIONS, POW
from .backward import backward

__all__ = ["zeros"]

PRIME = 2**255 - 19

LONGEST = 64
"""The largest whole exponent that is a product here."""

Local = Callable[[int, int], Ball | None]


def zeros(
    graph: Tape,
    output: int,
    at: Mapping[str, float],
    wanted: Sequence[bool],
    values: Sequence[Ball | None] | Balls,
    local: Local,
) -> frozenset[int]:
    """The nodes whose gradients are 0 as formulas, in the branches that a run took.

    values, local: of that run, which is certain of its branches and kinks.
    """
    field = Field()
    try:
        found = field.forward(graph, at, values)
        return field.backward(graph, output, wanted, found, values, local)
    except ZeroDivisionError:  # a divisor that is 0 as a formula
        return frozenset()


class Field:
    """The numbers modulo the prime, and those that stand for functions."""

    def __init__(self) -> None:
        self.random = random.Random(PRIME)
        self.known: dict[tuple[Any, ...], int] = {}
        self.inverses: dict[int, int] = {}
        self.exponentials: dict[int, int] = {}
        self.terms: dict[int, tuple[int, int]] = {}  # of a difference
        plain: dict[str, Callable[..., int]] = {
            "identity": lambda x: x,
            "add": lambda x, y: (x + y) % PRIME,
            "sub": self.difference,
            "neg": lambda x: -x % PRIME,
            "mul": lambda x, y: x * y % PRIME,
            "div": lambda x, y: x * self.inverse(y) % PRIME,
            "sum": lambda *xs: sum(xs) % PRIME,
            "mean": lambda *xs: sum(xs) * self.inverse(len(xs)) % PRIME,
            "exp": self.exponential,
            "log": self.logarithm,
            "logsumexp": lambda *xs: self.logarithm(sum(map(self.exponential, xs)) % PRIME),
        }
        self.plain = {OPERATIONS[name]: apply for name, apply in plain.items()}

    def any(self, *what: Any) -> int:
        """A random number, the same for the same thing."""
        if what not in self.known:
            self.known[what] = self.random.randrange(1, PRIME)
        return self.known[what]

    def inverse(self, x: int) -> int:
        if x not in self.inverses:
            if not x:
                raise ZeroDivisionError
            self.inverses[x] = pow(x, -1, PRIME)
        return self.inverses[x]

    def number(self, value: Fraction) -> int:
        return value.numerator * self.inverse(value.denominator % PRIME) % PRIME

    def constant(self, value: float | str) -> int:
        return self.any(value) if isinstance(value, str) else self.number(fraction(value))

    def difference(self, x: int, y: int) -> int:
        found = (x - y) % PRIME
        self.terms.setdefault(found, (x, y))
        return found

    def exponential(self, x: int) -> int:
        """Of a difference, the quotient of both exponentials; of a logarithm, what it is of."""
        if x not in self.exponentials:
            if x in self.terms:
                above, below = (
                    self.exponentials.get(k) or self.any("exp", k) for k in self.terms[x]
                )
                self.exponentials[x] = above * self.inverse(below) % PRIME
            else:
                self.exponentials[x] = self.any("exp", x)
        return self.exponentials[x]

    def logarithm(self, x: int) -> int:
        found = self.any("log", x)
        self.exponentials.setdefault(found, x)
        return found

    def apply(self, row: Operation, operands: Sequence[int], exponent: float | str | None) -> int:
        """The value of an operation. exponent: the last operand, where it is a constant."""
        if row in self.plain:
            return self.plain[row](*operands)
        if row is POW and isinstance(exponent, float):
            return self.power(operands[0], fraction(exponent))
        return self.any(row, *operands)

    def power(self, base: int, exponent: Fraction) -> int:
        if exponent.denominator > 1 or abs(exponent) > LONGEST:
            return self.any(POW, base, self.number(exponent))
        return pow(base if exponent >= 0 else self.inverse(base), int(abs(exponent)), PRIME)

    def text(self, graph: Graph, given: Mapping[str, int]) -> int | None:
        """The value of a text of the table over its operands; None of one that chooses."""
        if graph.conditions:
            return None
        values: list[int] = []
        for node, row in enumerate(graph.operations):
            if row is CONSTANT:
                values.append(self.constant(graph.constants[node]))
            elif row.leaf:
                values.append(given[graph.names[node]])
            else:
                operands = graph.operands[node]
                exponent = graph.constants.get(operands[-1])
                values.append(self.apply(row, [values[k] for k in operands], exponent))
        return values[graph.output]

    def forward(
        self, graph: Tape, at: Mapping[str, float], balls: Sequence[Ball | None] | Balls
    ) -> list[Any]:
        """The values of the nodes that a run evaluated; None of others."""
        values: list[Any] = [None] * len(graph)
        for name, node in graph.variables.items():
            if name in at:
                values[node] = self.number(fraction(at[name]))
        for node, number in graph.constants.items():
            values[node] = self.constant(number)
        for node, row in enumerate(graph.operations):
            if row.leaf or balls[node] is None:
                continue
            operands = graph.operands[node]
            if row is IF:
                chosen = [values[k] for k in operands[2:] if values[k] is not None]
                values[node] = chosen[0] if len(chosen) == 1 else self.any(row, node)
                continue
            exponent = graph.constants.get(operands[-1])
            values[node] = self.apply(row, [values[k] for k in operands], exponent)
        return values

    def backward(
        self,
        graph: Tape,
        output: int,
        wanted: Sequence[bool],
        values: Sequence[Any],
        balls: Sequence[Ball | None] | Balls,
        local: Local,
    ) -> frozenset[int]:
        """The nodes whose contributions add up to 0."""

        def slope(node: int, place: int) -> int | None:
            row, operands = graph.operations[node], graph.operands[node]
            if row.kinks or row.cut or row.chooses:  # what a run decided
                ball = local(node, place)
                if ball is None:
                    return None
                size, error = ball
                if not abs(size) < INFINITY:
                    raise ZeroDivisionError
                return self.any(row, node, place) if error else self.number(exact(size))
            exponent = graph.constants.get(operands[-1])
            if row is POW and place == 0 and isinstance(exponent, float):
                power = fraction(exponent)
                return self.number(power) * self.power(values[operands[0]], power - 1) % PRIME
            if row.variadic:
                rule = texts(row).shown[0]
                given = {"x": values[operands[place]], "n": len(operands)}
            else:
                rule = texts(row).shown[place]
                given = dict(zip(row.operands, [values[k] for k in operands], strict=True))
            found = self.text(rule, given | {"out": values[node]})
            return self.any(row, node, place) if found is None else found

        def vjp(node: int, place: int, upstream: int) -> int | None:
            operand = graph.operands[node][place]
            if not wanted[operand] or balls[operand] is None:
                return None
            factor = slope(node, place)
            return None if factor is None else upstream * factor % PRIME

        found = backward(graph.operands, {output: 1}, vjp, lambda xs: sum(xs) % PRIME)
        return frozenset([node for node, value in found.items() if not value])


def exact(value: Any) -> Fraction:
    """A float, or a number of mpmath's, as the quotient that it is."""
    return Fraction(value) if isinstance(value, float) else as_fraction(value)
