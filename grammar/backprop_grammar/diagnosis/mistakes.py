"""THE TABLE of mistakes that people make in a backward pass: one row per kind.

A mistake is a function from a place in the graph to changed edges. What it leads
to is computed like any backward pass, never guessed, so a new kind is one row and one function.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from . import at_edges as s
from . import at_nodes as m
from .at_edges import Guess

__all__ = ["MISTAKES", "Guess", "Mistake", "at_claim", "at_edge", "at_node", "at_sum"]


@dataclass(frozen=True, slots=True)
class Mistake:
    """One row. sentence: what is done wrong; weight: its rank, the more common and the more
    specific first; guesses: the mistake at a place, which is an edge (``at_edge``), a node
    (``at_node``), a node where contributions meet (``at_sum``), or a claimed node and another
    (``at_claim``). everywhere: people also make it at every operation of a kind.
    """

    name: str
    weight: int
    sentence: str
    guesses: Callable[..., Iterator[Guess]]
    everywhere: bool = False


at_edge = (
    Mistake("own factor", 10, "a factor's own value instead of the other's", s.own_factor, True),
    Mistake("minus left out", 11, "the minus sign of a local gradient left out", s.minus_left_out, True),
    Mistake("operand for result", 12, "the local gradient taken at the operand instead of the result", s.operand_for_result, True),
    Mistake("gate ignored", 13, "a gradient passed on that is not selected", s.gate_ignored, True),
    Mistake("constant factor left out", 15, "a constant factor forgotten", s.factor_left_out),
    Mistake("local left out", 16, "the local gradient left out", s.local_left_out, True),
    Mistake("slip", 17, "a slip in the rule of an operation", s.slip, True),
    Mistake("inner variable", 20, "f'(x) instead of f'(g(x))", s.inner_variable),
    Mistake("result for operand", 22, "the local gradient taken at the result instead of the operand", s.result_for_operand, True),
    Mistake("value for derivative", 24, "the result's value instead of the local gradient", s.result_value, True),
    Mistake("operand for derivative", 25, "the operand's value instead of the local gradient", s.operand_value, True),
    Mistake("undifferentiated inner", 26, "the outer derivative at the wrong argument, times the inner function", s.undifferentiated_inner),
    Mistake("upstream left out of one edge", 27, "the upstream gradient left out at one operand", s.upstream_left_out),
    Mistake("reciprocal", 30, "one over the local gradient", s.reciprocal, True),
    Mistake("treated as a constant", 32, "a contribution missing", s.treated_as_constant),
    Mistake("added to the upstream", 34, "added to the upstream gradient instead of multiplied", s.added_upstream, True),
    Mistake("sign", 40, "the wrong sign", s.sign, True),
)  # fmt: skip

at_node = (
    Mistake("swapped with sibling", 9, "the contributions to two operands swapped", m.swapped, True),
    Mistake("routed wrongly", 12, "the gradient routed to an operand that was not selected", m.wrong_route, True),
    Mistake("upstream left out", 14, "the upstream gradient left out", m.no_upstream, True),
    Mistake("passed to all", 14, "the gradient passed to all operands of a router", m.passed_to_all, True),
    Mistake("sum for product rule", 18, "sum of the derivatives instead of the product rule", m.sum_for_product, True),
    Mistake("divisor not squared", 19, "the divisor of the quotient rule not squared", m.divisor_once),
    Mistake("product for sum", 28, "the rule of a mul at a sum", m.product_for_sum, True),
    Mistake("sign of all", 42, "all contributions with the wrong sign", m.all_signs),
)  # fmt: skip

at_sum = (
    Mistake("overwritten", 10, "a branch overwritten instead of added", m.overwritten, True),
    Mistake("contribution left out", 15, "a contribution left out of a sum", m.left_out),
    Mistake("counted twice", 29, "a contribution counted twice", m.twice),
    Mistake("averaged", 31, "contributions averaged instead of added", m.averaged, True),
    Mistake("multiplied", 33, "contributions multiplied instead of added", m.multiplied, True),
    Mistake("sign of the sum", 39, "the wrong sign", m.sum_sign),
)  # fmt: skip


at_claim = (
    Mistake("value for gradient", 44, "the value of the node instead of its gradient", m.value_for_gradient),
    Mistake("mixed up", 45, "the gradient of another variable", m.mixed_up),
    Mistake("derivatives multiplied", 19, "the product (or quotient) of the derivatives", m.derivatives_multiplied),
)  # fmt: skip

MISTAKES = (*at_edge, *at_node, *at_sum, *at_claim)
"""All rows; the diagnosis iterates them."""
