"""Where a program has a value, as conditions that a file of code tests.

A formula of a derivative may have a value where the program has none, as 1/x has at -1 for log(x);
and floats go on with an infinity that a later step makes finite, as atan(1/x) does at 0.
"""

from collections.abc import Sequence

from ..language.graph import Condition, Graph
from ..numbers.ball import compare
from ..operations.row import Bound, Operation
from ..operations.table import CONSTANTS, DIV, IDENTITY, IF, MUL, POW, SUB
from ..symbolic.simplify import Symbols

__all__ = ["inside"]

POSITIVE = ("exp", "cosh", "sigmoid", "softplus")
"""Operations whose value is above 0, whatever the operands."""

NOT_NEGATIVE = ("abs", "sqrt", "relu", "hypot")
"""Operations whose value is not below 0; above 0 where an operand is."""

SUMS = ("add", "sum", "mean")


def inside(graph: Graph, end: int, symbols: Symbols, moved: Sequence[int]) -> tuple[Condition, ...]:
    """What must hold where a node of a program has a value, each in the region of its node.

    symbols: a tape on which the nodes are; moved: where they went. What always holds is left out,
    as that 1 + exp(x) is not 0.
    """
    signs = known_signs(graph)
    found: dict[Condition, None] = {}
    needed = graph.needed(end)
    for node, operation in enumerate(graph.operations):
        if not needed[node]:
            continue
        region, operands = graph.regions[node], graph.operands[node]
        for bound in operation.domain:
            place = operands[operation.operands.index(bound.operand)]
            if isinstance(bound.limit, str):
                limit = moved[operands[operation.operands.index(bound.limit)]]
            elif holds(
                graph.constants.get(place), signs[place], bound.relation, bound.limit
            ) or decides(graph, region, place, bound):
                continue
            else:
                limit = symbols.constant(bound.limit)
            found[Condition(moved[place], limit, bound.relation, region)] = None
        if operation is POW:
            relation = power_needs(graph.constants.get(operands[1]))
            base = graph.constants.get(operands[0])
            if not relation or holds(base, signs[operands[0]], relation, 0):
                continue
            if relation != ">":
                condition = Condition(moved[operands[0]], symbols.constant(0.0), relation, region)
                found[condition] = None
                continue
        if operation.requires:
            rest = symbols.plain(SUB, (moved[node], moved[node]))  # 0 where the value is a number
            found[Condition(rest, symbols.constant(0.0), "==", region)] = None
    return tuple(found)


def decides(graph: Graph, region: int, place: int, bound: Bound) -> bool:
    """Whether a region is the branch that is taken where a bound holds, as in if(x > 0, log(x), 0)."""
    test = graph.conditions[(region - 1) // 2] if region % 2 else None
    return (
        test is not None
        and (test.left, test.comparison) == (place, bound.relation)
        and graph.constants.get(test.right) == bound.limit
    )


def holds(value: float | str | None, sign: int | None, relation: str, limit: float) -> bool:
    """Whether a number, or what has a sign, is certainly on that side of a limit."""
    if value is not None:
        number = CONSTANTS[value] if isinstance(value, str) else value
        return compare((number > limit) - (number < limit), relation)
    if sign is None or limit > 0 or relation[0] == "<":
        return False
    return limit < 0 or sign > 0 or relation == ">="


def power_needs(exponent: float | str | None) -> str:
    """How the base of a power with that exponent compares with 0: where it is > 0 it has a value
    with any exponent.
    """
    if not isinstance(exponent, float):
        return ">"
    if exponent.is_integer():
        return "" if exponent >= 0 else "!="
    return ">=" if exponent > 0 else ">"


def known_signs(graph: Graph) -> list[int | None]:
    """For every node 1 where its value is above 0, 0 where it is not below; None if unknown."""
    signs: list[int | None] = []
    for node, operation in enumerate(graph.operations):
        operands = graph.operands[node]
        signs.append(sign_of(graph, node, operation, [signs[k] for k in operands]))
    return signs


def sign_of(graph: Graph, node: int, operation: Operation, below: list[int | None]) -> int | None:
    """The same for one node, given those of its operands."""
    operands = graph.operands[node]
    if node in graph.constants:
        value = graph.constants[node]
        number = CONSTANTS[value] if isinstance(value, str) else value
        return None if number < 0 else int(number > 0)
    if operation.name in POSITIVE:
        return 1
    if operation.name in NOT_NEGATIVE:
        return max(sign or 0 for sign in below)
    if operation is MUL and operands[0] == operands[1]:
        return below[0] or 0
    if operation is POW:
        exponent = graph.constants.get(operands[1])
        if isinstance(exponent, float) and exponent % 2 == 0:
            return below[0] or 0
        return below[0]
    known = [sign for sign in (below[2:] if operation is IF else below) if sign is not None]
    if operation.selects > 0:
        return max(known, default=None)
    if not known or len(known) < len(below) - 2 * (operation is IF):
        return None
    if operation.name in SUMS:
        return max(known)
    return min(known) if operation in (MUL, DIV, IDENTITY, IF) or operation.selects else None
