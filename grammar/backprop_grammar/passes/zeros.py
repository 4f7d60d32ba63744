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
from ..operations.exact import LONGEST
from ..operations.row import Operation
from ..operations.table import CONSTANT, IDENTITY, IF, OPERATIONS, POW, SUB
from .backward import backward

__all__ = ["Quotients", "zeros"]

PRIME = 2**255 - 19

HIGHEST = 64
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
        if exponent.denominator > 1 or abs(exponent) > HIGHEST:
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


class Quotients:
    """The values that are quotients: of sums, products, quotients and whole powers of decimals."""

    def __init__(self, graph: Tape, at: Mapping[str, float]) -> None:
        self.graph = graph
        self.known: dict[int, Fraction | None] = {
            node: fraction(at[name]) for name, node in graph.variables.items() if name in at
        }

    def near(self, node: int, balls: Balls) -> Fraction | None:
        """The value of a node that is in doubt: 0, too, of a number less itself, as `x - max(x)`."""
        if self.graph.operations[node] is SUB:
            x, y = (self.origin(k, balls) for k in self.graph.operands[node])
            if x == y:
                return Fraction(0)
        return self.of(node)

    def origin(self, node: int, balls: Balls) -> int:
        """The node that another is a second name of, or has selected beyond doubt."""
        while True:
            row, operands = self.graph.operations[node], self.graph.operands[node]
            if row is IDENTITY:
                (node,) = operands
                continue
            if not row.selects:
                return node
            sizes = [(row.selects * balls.values[k], balls.errors[k]) for k in operands]
            most = max(range(len(operands)), key=lambda k: sizes[k][0])
            least = sizes[most][0] - 2 * sizes[most][1]  # twice, for what rounding takes from it
            if any(size + 2 * error >= least for k, (size, error) in enumerate(sizes) if k != most):
                return node
            node = operands[most]

    def of(self, node: int) -> Fraction | None:
        """The value of a node; None where it is no such quotient, or a long one."""
        known, graph, pending = self.known, self.graph, [node]
        while pending:
            k = pending[-1]
            operands, row = graph.operands[k], graph.operations[k]
            if k not in known and row.rational is None:
                number = graph.constants.get(k)
                known[k] = fraction(number) if isinstance(number, float) else None
            if k in known:
                pending.pop()
                continue
            missing = [i for i in operands if i not in known]
            if not missing or None in [known.get(i, 0) for i in operands]:
                known[k] = value(row, [known.get(i) for i in operands])
            pending += missing
        return known[node]


def value(row: Operation, operands: Sequence[Fraction | None]) -> Fraction | None:
    """The value of an operation over quotients; None where it is none, or a long one."""
    assert row.rational is not None
    if None in operands:
        return None
    try:
        result = row.rational(*operands)
    except (ArithmeticError, ValueError):
        return None
    long = max(result.numerator.bit_length(), result.denominator.bit_length()) > LONGEST
    return None if long else result


def exact(value: Any) -> Fraction:
    """A float, or a number of mpmath's, as the quotient that it is."""
    return Fraction(value) if isinstance(value, float) else as_fraction(value)
