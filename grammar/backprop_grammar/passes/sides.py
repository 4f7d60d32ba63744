"""What a program does on each side of a point: one-sided derivatives, by the forward loop alone.

The output is a series in the steps that some nodes take away from the point. A derivative is a
coefficient of it, and exists where that says so; there is no chain rule in this, and no step size.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import permutations, product
from math import factorial
from typing import Any

from ..language.graph import Graph
from ..numbers.ball import DomainError, Undecided
from ..numbers.branches import Branches
from ..numbers.germs import Germs
from ..numbers.interpret import interpret, leaves
from ..numbers.reals import ZERO, Real, exactly
from ..numbers.series import Element, Unreached, coefficients, level_of, step

__all__ = ["LARGEST", "Direction", "Neighbourhood", "Side"]

CAPS = (1, 4, 10, 22)
"""How far beyond the order asked for series are known, tried in turn."""

LARGEST = 50_000
"""Operands of nodes that are expanded at one point, in all; beyond, nothing is decided."""

GROUPS = 3
"""Directions of a mixed derivative: each has an infinitesimal of its own."""

Direction = Mapping[int, float]
"""How far each node moves, that moves."""


@dataclass(frozen=True, slots=True)
class Side:
    """A derivative at a point from one side.

    kind: finite; infinite; jump, where the limit of the values is not the value; none, where
    a derivative of lower order is no number; absent, where there are no values; undecided. number:
    the derivative, where it is finite; the limit of the values, where these jump to a finite one.
    sign: of an infinite one.
    """

    kind: str
    number: Real | None = None
    sign: int = 0

    def __eq__(self, other: object) -> bool:
        """Whether both are the same. Raises Undecided where that cannot be told."""
        assert isinstance(other, Side)
        if self.kind != other.kind or self.sign != other.sign:
            return False
        if self.number is None or other.number is None:
            return self.number is other.number
        return (self.number - other.number).sign == 0


UNDECIDED, NONE, ABSENT = Side("undecided"), Side("none"), Side("absent")


Groups = Sequence[tuple[Direction, int]]
"""Directions, each with how often the derivative is taken along it."""


class Missing(Exception):
    """A derivative does not exist."""


class Neighbourhood:
    """A program near a point, at which it may have no value itself.

    Any node may be moved; an inner one starts from what it is computed as. at: numbers by name, of
    any kind that is exact. value: the output's at the point; None where there is none, or it could
    not be told.
    """

    def __init__(self, graph: Graph, output: int, at: Mapping[str, Any]) -> None:
        self.graph, self.output = graph, output
        self.germs = Germs(CAPS[0])
        self.needed = [node for node, needed in enumerate(graph.needed(output)) if needed]
        given: dict[int, Element] = {
            node: exactly(at[name]) for name, node in graph.variables.items() if name in at
        }
        self.values: list[Any] = leaves(graph, given, self.germs.constant)
        self.expanded = 0
        self.known: dict[Any, Element | None] = {}
        self.value: Real | None = None
        try:
            self.run(self.values, self.needed, {})
            self.value = self.values[output]
        except (DomainError, Undecided):
            pass  # what follows may have values where something moves

    def run(self, values: list[Any], nodes: Sequence[int], moves: Mapping[int, Element]) -> None:
        """Fill in the values of some nodes, of which some are moved once they are computed."""
        graph, germs = self.graph, self.germs
        branches = Branches(graph, values, germs.decide)
        start = 0
        for k, node in enumerate(nodes):
            if node in moves:
                interpret(graph, values, germs.apply, branches, nodes[start : k + 1])
                start = k + 1
                if values[node] is not None:
                    values[node] = values[node] + moves[node]
        interpret(graph, values, germs.apply, branches, nodes[start:])

    def expand(self, directions: Sequence[Direction]) -> Element:
        """The output, where nodes move along directions, by steps each infinitely smaller than the one before.

        Raises DomainError where it has no value there, Undecided where it is no series.
        """
        key = (self.germs.field.cap, tuple([tuple(sorted(d.items())) for d in directions]))
        if key not in self.known:
            try:
                self.known[key] = self.expansion(directions)
            except DomainError:
                self.known[key] = None
        result = self.known[key]
        if result is None:
            raise DomainError("no value here", "")
        return result

    def expansion(self, directions: Sequence[Direction]) -> Element:
        """What ``expand`` gives, computed."""
        if self.expanded > LARGEST:
            raise Undecided("too many operands")
        self.germs.known.clear()
        moves: dict[int, Element] = {}
        for k, direction in enumerate(directions):
            for node, amount in direction.items():
                moves[node] = moves.get(node, ZERO) + step(2 * k + 2, 1, exactly(amount))
        depends = [node in moves for node in range(len(self.graph))]
        for node in self.needed:
            depends[node] = depends[node] or any(depends[k] for k in self.around(node))
        nodes = [node for node in self.needed if depends[node] or self.values[node] is None]
        self.expanded += sum(max(1, len(self.graph.operands[node])) for node in nodes)
        if self.expanded > LARGEST:
            raise Undecided("too many operands")
        values = [
            None if depends[k] and not self.graph.operations[k].leaf else value
            for k, value in enumerate(self.values)
        ]
        self.run(values, nodes, moves)
        result: Element | None = values[self.output]
        if result is None:
            raise Undecided("a branch that is not evaluated")
        return result

    def around(self, node: int) -> tuple[int, ...]:
        """The operands of a node, and of the conditions under which it is evaluated."""
        operands = self.graph.operands[node]
        region = self.graph.regions[node]
        if region:
            test = self.graph.conditions[(region - 1) // 2]
            operands = (*operands, test.left, test.right)
        return operands

    # derivatives

    def side(self, direction: Direction, order: int = 1, sign: int = 1) -> Side:
        """The derivative of an order along a direction, from where that leads to, or from behind."""

        def attempt() -> Side:
            moved = {node: sign * amount for node, amount in direction.items()}
            terms, reach = coefficients(self.expand([moved]), 2)
            return self.read(terms, reach, order, sign, self.value)

        if self.value is None:
            return UNDECIDED
        return self.attempts(attempt, order)

    def limit(self, direction: Direction, sign: int = 1) -> Side:
        """What the value comes to, from where a direction leads to, or from behind."""

        def attempt() -> Side:
            moved = {node: sign * amount for node, amount in direction.items()}
            terms, reach = coefficients(self.expand([moved]), 2)
            return self.read(terms, reach, 0, sign, None)

        return self.attempts(attempt, 0)

    def sides(self, direction: Direction, order: int = 1) -> tuple[Side, Side]:
        """The derivative of an order along a direction: from behind, and from where it leads to.

        Of a higher order, none where the derivatives of lower orders do not agree.
        """
        behind, ahead = (self.side(direction, order, sign) for sign in (-1, 1))
        if order > 1 and behind.kind != "absent" != ahead.kind:
            for lower in range(1, order):
                one, other = (self.side(direction, lower, sign) for sign in (-1, 1))
                try:
                    if "undecided" in (one.kind, other.kind):
                        return UNDECIDED, UNDECIDED
                    if one.kind != "finite" or one != other:
                        return NONE, NONE
                except Undecided:
                    return UNDECIDED, UNDECIDED
        return behind, ahead

    def attempts(self, attempt: Callable[[], Side], order: int) -> Side:
        """What is found with series as long as it takes."""
        for cap in CAPS:
            self.germs.field.cap = Fraction(cap + order)
            try:
                return attempt()
            except DomainError:
                return ABSENT
            except Unreached:
                continue
            except Undecided:
                break
        return UNDECIDED

    def read(
        self,
        terms: Mapping[Fraction, Element],
        reach: Fraction | None,
        order: int,
        sign: int,
        value: Real | None,
    ) -> Side:
        """The derivative of an order that the terms of a series tell; of order 0, the limit.

        value: at the point, if there is one.
        """
        if reach is not None and reach <= order:
            raise Unreached("the known terms do not reach far enough")
        field = self.germs.field
        rest = dict(terms)
        limit: Element = ZERO
        for e in sorted(rest):
            if e > 0:
                break
            if e < 0 or (field.sign(rest[e]) and infinite(rest[e])):
                return Side("jump", None, field.sign(rest[e]))
            limit = field.near(rest[e])
            rest[e] = rest[e] - limit
        assert isinstance(limit, Real)
        if value is not None and (limit - value).sign:
            return Side("jump", limit)
        if order == 0:
            return Side("finite", limit)
        for whole in range(1, order):
            c = rest.get(Fraction(whole), ZERO)
            if isinstance(c, Real):
                rest.pop(Fraction(whole), None)
            elif not infinite(c):
                rest[Fraction(whole)] = c - field.near(c)
        for e in sorted(rest):
            if e < order and (growth := field.sign(rest[e])):
                if e > order - 1 or (e == order - 1 and not infinite(rest[e])):
                    return Side("infinite", None, growth * sign**order)
                return NONE
        c = rest.get(Fraction(order), ZERO)
        if infinite(c):
            return Side("infinite", None, field.sign(c) * sign**order)
        return Side("finite", field.near(c) * exactly(factorial(order) * sign**order))

    def mixed(self, groups: Groups) -> Side:
        """A derivative along several directions, each so many times, whichever is taken first.

        From every side that has values, and in every order of the directions: none where they do not
        all agree.
        """
        if len(groups) == 1:
            behind, ahead = self.sides(*groups[0])
            present = [side for side in (behind, ahead) if side.kind != "absent"]
        elif len(groups) > GROUPS:
            return UNDECIDED
        else:
            order = max(times for _, times in groups)
            present = []
            for ordered in permutations(groups):
                for signs in product((1, -1), repeat=len(groups)):
                    found = self.attempts(partial(self.one_mixed, ordered, signs), order)
                    if found.kind == "none":
                        return NONE
                    if found.kind != "absent":
                        present.append(found)
        if not present:
            return NONE
        if UNDECIDED in present:
            return UNDECIDED
        try:
            if all(side.kind == "finite" and side == present[0] for side in present):
                return present[0]
        except Undecided:
            return UNDECIDED
        return NONE

    def one_mixed(self, groups: Groups, signs: Sequence[int]) -> Side:
        """A mixed derivative on some sides: along the last direction first, then those before it."""
        try:
            result = self.taken(groups, signs, len(groups))
        except Missing:
            return NONE
        return Side("finite", self.germs.field.near(result))

    def taken(self, groups: Groups, signs: Sequence[int], count: int) -> Element:
        """The derivative along the last few directions, where the others have moved away.

        Raises Missing where it does not exist: its limit from this side, and what is on the other
        side, decide.
        """
        if count == 0:
            return self.expand(
                [
                    {node: sign * amount for node, amount in direction.items()}
                    for (direction, _), sign in zip(groups, signs, strict=True)
                ]
            )
        i = len(groups) - count
        level, order, sign = 2 * i + 2, groups[i][1], signs[i]
        terms, reach = coefficients(self.taken(groups, signs, count - 1), level)
        if reach is not None and reach <= order:
            raise Unreached("the known terms do not reach far enough")
        for e, c in terms.items():
            plain = e >= 0 and e.denominator == 1 and level_of(c) < level - 1
            if e <= order and not plain and self.germs.field.sign(c):
                raise Missing
        still = self.taken(
            (*groups[:i], *groups[i + 1 :]), (*signs[:i], *signs[i + 1 :]), count - 1
        )
        self.agree(terms.get(Fraction(0), ZERO), still)
        if order == 1:
            return terms.get(Fraction(1), ZERO) * exactly(sign)
        try:
            beyond = self.taken(groups, (*signs[:i], -sign, *signs[i + 1 :]), count - 1)
        except DomainError:
            pass
        else:
            others, _ = coefficients(beyond, level)
            for n in range(1, order):
                here, there = terms.get(Fraction(n), ZERO), others.get(Fraction(n), ZERO)
                self.agree(here, there * exactly((-1) ** n))
        return terms.get(Fraction(order), ZERO) * exactly(factorial(order) * sign**order)

    def agree(self, a: Element, b: Element) -> None:
        """Raise Missing where two elements differ in a term that is known."""
        rest = [a - b]
        while rest:
            x = rest.pop()
            if isinstance(x, Real):
                if x.sign:
                    raise Missing
            else:
                rest += [c for _, c in x.terms]


def infinite(c: Element) -> bool:
    """Whether a coefficient grows without bound: a series in -1/log(h) with a negative power."""
    return not isinstance(c, Real) and bool(c.terms) and c.low < 0
