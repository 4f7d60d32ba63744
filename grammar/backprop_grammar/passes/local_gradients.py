"""The local gradients of an evaluated graph, as the backward pass asks for them."""

from collections.abc import Callable
from functools import cache
from typing import Any

from ..language.graph import Graph
from ..language.table_texts import texts
from ..numbers.arithmetic import Arithmetic
from ..numbers.ball import Ball, Uncertain
from ..numbers.float64 import slope as ordinary_slope
from ..operations.row import Operation, Role
from .forward import Doubt, Forward, Stopped

__all__ = ["local_gradients", "plain_rules"]


@cache
def plain_rules(operation: Operation) -> list[float | int | None]:
    """The local gradients that need no computing: a number, an operand's index, -1 for `out`."""
    found: list[float | int | None] = []
    for rule in texts(operation).rules:
        number = rule.constants.get(rule.output)
        name = rule.names.get(rule.output)
        if isinstance(number, float):
            found.append(number)
        elif name == "out":
            found.append(-1)
        else:
            found.append(operation.operands.index(name) if name in operation.operands else None)
    return found


def local_gradients(
    graph: Graph, run: Forward[Any], arithmetic: Arithmetic, doubt: Doubt, met: dict[int, str]
) -> Callable[[int, int], Ball | None]:
    """The function local(node, k) that the backward pass needs, over evaluated balls.

    ``met`` collects the kinks it meets: node -> kink, tie, cut, jump or boundary.
    """
    zero, one = arithmetic.number(0.0), arithmetic.number(1.0)
    seen: dict[int, str] = {}

    def kink(node: int, balls: list[Ball], out: Ball) -> str:
        operation = graph.operations[node]
        assert operation is not None
        if operation.name in ("max", "min"):
            selected = {graph.operands[node][k] for k in arithmetic.selected(operation, balls)}
            return "tie" if len(selected) > 1 else ""
        found = arithmetic.kink(operation, balls, out)
        return "jump" if found == "kink" and operation.jump else found

    def local(node: int, k: int) -> Ball | None:
        operation = graph.operations[node]
        assert operation is not None
        operands = graph.operands[node]
        rule = plain_rules(operation)[k] if operation.smooth else None
        if rule is not None:  # a number, an operand or the result: nothing to compute
            if isinstance(rule, float):
                return arithmetic.number(rule), zero
            ball: Ball | None = run.values[node if rule < 0 else operands[rule]]
            return ball
        if node in graph.condition_of:
            condition = graph.condition_of[node]
            chosen = 2 if run.regions.holds(condition) else 3
            if run.regions.signs[condition] == 0:
                met[node] = "boundary"
            return (one, zero) if k == chosen else None
        balls: list[Any] = [run.values[i] for i in operands]
        out = run.values[node]
        assert out is not None
        if arithmetic.module is None and (result := ordinary_slope(operation, k, balls, out)):
            if operation.role is Role.ROUTES and result == (0, 0):
                return None  # not selected, which no infinite upstream gradient can change
            doubt.check(arithmetic, node, result, not any(error for _, error in balls))
            return result
        try:
            if node not in seen:
                seen[node] = kink(node, balls, out)
                if seen[node]:
                    met[node] = seen[node]
            if seen[node] == "jump":
                return arithmetic.number(float("nan")), zero
            result = arithmetic.settle(arithmetic.local(operation, balls, out, k))
            if arithmetic.module is None and not abs(result[0]) < float("inf"):
                raise Uncertain("pole")
        except Uncertain as reason:
            raise Stopped(node, str(reason)) from None
        if operation.role is Role.ROUTES and result == (0, 0) and seen[node] in ("", "tie"):
            return None
        doubt.check(arithmetic, node, result, all(not error for _, error in balls))
        return result

    return local
