"""The local gradients of an evaluated graph, as the backward pass asks for them."""

from collections.abc import Callable, Sequence
from typing import Any

from ..language.graph import Graph, Tape
from ..language.table_texts import texts
from ..numbers.arithmetic import Arithmetic
from ..numbers.ball import Ball, Balls, Undecided
from ..numbers.branches import Branches
from ..operations.row import Operation, Role
from .doubt import Doubt, NeedsPrecision

__all__ = ["MINUS", "ONE", "PLAIN_RULES", "local_gradients"]


ONE, MINUS = 1.0, -1.0
"""The commonest local gradients: a plain rule that is one of these numbers is this very object."""

PlainRule = float | int | None


class PlainRules(dict[Operation, list[tuple[int, PlainRule]]]):
    """The local gradients that need no computing, by operation and then by place.

    A number, the place of an operand, or -1 for the result; None of a local gradient that needs
    computing. A variadic operation has no list.
    """

    def __missing__(self, operation: Operation) -> list[tuple[int, PlainRule]]:
        texts_ = [] if operation.variadic else texts(operation).rules
        self[operation] = rules = [
            (k, plain_rule(operation, text) if operation.smooth else None)
            for k, text in enumerate(texts_)
        ]
        return rules


PLAIN_RULES = PlainRules()


def plain_rule(operation: Operation, rule: Graph) -> PlainRule:
    """The number or the place that the text of a local gradient is."""
    number, name = rule.constants.get(rule.output), rule.names.get(rule.output)
    if isinstance(number, float):
        return ONE if number == ONE else MINUS if number == MINUS else number
    if name == "out":
        return -1
    return operation.operands.index(name) if name in operation.operands else None


def local_gradients(
    graph: Tape,
    values: Sequence[Ball | None] | Balls,
    branches: Branches,
    arithmetic: Arithmetic,
    doubt: Doubt,
) -> tuple[Callable[[int, int], Ball | None], dict[int, str], Callable[[int], bool]]:
    """The function local(node, k) that the backward pass needs, over the values of the nodes.

    With it, the nodes whose local gradients are a choice or a limit, as they are asked for: node ->
    kink, tie, cut, jump or boundary. And jumps(node): whether the point stands exactly where the
    value of such a node may jump.
    """
    kinks: dict[int, str] = {}
    kind_of: dict[int, str] = {}
    variadic: dict[int, tuple[list[Ball], bool]] = {}
    """All local gradients of the variadic node that was asked for last, and whether its operands are
    exact."""

    def kind(node: int, balls: list[Ball], out: Ball) -> str:
        operation = graph.operations[node]
        if operation.selects:
            selected = {graph.operands[node][k] for k in arithmetic.selected(operation, balls)}
            return "tie" if len(selected) > 1 else ""
        kink = arithmetic.kink(operation, balls, out)
        return "jump" if kink == "kink" and operation.jump else kink

    def jumps(node: int) -> bool:
        if node in graph.condition_of:
            return branches.signs[graph.condition_of[node]] == 0
        balls: list[Any] = [values[i] for i in graph.operands[node]]
        out = values[node]
        assert out is not None
        try:
            return bool(kind(node, balls, out))
        except Undecided as reason:
            raise NeedsPrecision(node, reason) from None

    def local(node: int, k: int) -> Ball | None:
        operation = graph.operations[node]
        operands = graph.operands[node]
        rules = PLAIN_RULES[operation]
        rule = rules[k][1] if rules else None
        if rule is not None:  # a number, an operand or the result: nothing to compute
            if isinstance(rule, float):
                return arithmetic.exactly(rule)
            return values[node if rule < 0 else operands[rule]]
        if node in graph.condition_of:
            if branches.signs[graph.condition_of[node]] == 0:
                kinks[node] = "boundary"
            return arithmetic.one if k == branches.selected(node) else None
        if operation.variadic:
            result = variadic[node][0][k] if node in variadic else None
        else:
            result = arithmetic.ordinary_local(operation, k, values, operands, node)
        routes = operation.role is Role.ROUTES
        if result is None:
            balls: list[Any] = [values[i] for i in operands]
            out = values[node]
            assert out is not None
            try:
                if node not in kind_of:
                    kind_of[node] = kind(node, balls, out)
                    if kind_of[node]:
                        kinks[node] = kind_of[node]
                if kind_of[node] == "jump":
                    return arithmetic.undefined
                if operation.variadic:
                    variadic.clear()
                    exact = not any(error for _, error in balls)
                    variadic[node] = arithmetic.locals(operation, balls, out), exact
                    result = variadic[node][0][k]
                else:
                    result = arithmetic.local(operation, balls, out, k)
                if arithmetic.overflows(result[0]):
                    raise Undecided("pole")
            except Undecided as reason:
                raise NeedsPrecision(node, reason) from None
        routes = routes and kind_of.get(node, "") in ("", "tie")
        if routes and result == (0, 0):
            return None  # not selected, which no infinite upstream gradient can change
        if result[1] and arithmetic.lost(result) > doubt.close:
            exact = (
                variadic[node][1] if operation.variadic else not any(values[i][1] for i in operands)  # type: ignore[index]
            )
            doubt.check(arithmetic, node, result, exact)
        return result

    return local, kinks, jumps
