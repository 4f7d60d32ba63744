"""THE TABLE of mistakes that people make in a backward pass: one row per kind.

A mistake is a function from a place in the graph to changed edges. What it leads to is computed
like any backward pass, never guessed, so a new kind is one row and one function.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from . import at_edges, at_nodes
from .at_edges import Guess

__all__ = [
    "MISTAKES",
    "OTHER_BRANCH",
    "TWO",
    "UPDATED_POINT",
    "Guess",
    "Mistake",
    "at_all",
    "at_claim",
    "at_edge",
    "at_node",
    "at_sum",
    "nowhere",
]


@dataclass(frozen=True, slots=True)
class Mistake:
    """One row. weight: its rank, the more common and the more specific first; sentence: what is
    done wrong; message: what is said where it was found, a template over the fields of a guess
    (see wording.py); guesses: the mistake at a place, which is an edge (``at_edge``), a node
    (``at_node``), a node where contributions meet (``at_sum``), a claimed node and another
    (``at_claim``), or all edges (``at_all``). everywhere: people also make it at every operation of
    a kind. paired: people make it together with another one.
    """

    name: str
    weight: int
    sentence: str
    message: str
    guesses: Callable[..., Iterator[Guess]]
    everywhere: bool = False
    paired: bool = False


def nowhere(*_: Any) -> Iterator[Guess]:
    """Of a mistake that is no change at places of the graph: the search finds it."""
    yield from ()


at_edge = (
    Mistake(
        "own factor",
        10,
        "a factor's own value instead of the other's",
        "{arc:contribution} was multiplied by {operand:name} itself = {wrong:figure} instead "
        "of the other factor {other:named}",
        at_edges.own_factor,
        everywhere=True,
    ),
    Mistake(
        "minus left out",
        11,
        "the minus sign of a local gradient left out",
        "{arc:contribution} lost its minus sign: the local gradient is {arc:local}",
        at_edges.minus_left_out,
        everywhere=True,
        paired=True,
    ),
    Mistake(
        "operand for result",
        12,
        "the local gradient taken at the operand instead of the result",
        "{arc:contribution} took the local gradient of {row} at its operand instead of its "
        "result: {formula:spelled} = {wrong:figure} instead of {arc:local}",
        at_edges.operand_for_result,
        everywhere=True,
    ),
    Mistake(
        "gate ignored",
        13,
        "a gradient passed on that is not selected",
        "{arc:contribution} passed the gradient on, but {node:title} did not select "
        "{operand:named}",
        at_edges.gate_ignored,
        everywhere=True,
    ),
    Mistake(
        "slope at the result",
        13,
        "the slope taken at the result instead of the operand",
        "{arc:contribution} took the slope of {row} at its result {node:named} instead of its "
        "operand {operand:named}: {formula:spelled} = {wrong:figure} instead of {arc:local}",
        at_edges.slope_at_result,
        everywhere=True,
    ),
    Mistake(
        "constant factor left out",
        15,
        "a constant factor forgotten",
        "{arc:contribution} left out the {what} {other:named}",
        at_edges.constant_left_out,
        paired=True,
    ),
    Mistake(
        "local left out",
        16,
        "the local gradient left out",
        "{arc:contribution} left out the local gradient {arc:local}{inner}",
        at_edges.local_left_out,
        everywhere=True,
        paired=True,
    ),
    Mistake(
        "slip",
        17,
        "a slip in the rule of an operation",
        "{arc:contribution} took {formula:equated} for the local gradient {arc:local}: {remark}",
        at_edges.slip,
        everywhere=True,
    ),
    Mistake(
        "factor left out",
        18,
        "one factor of several forgotten",
        "{arc:contribution} left out the {what} {other:named}",
        at_edges.factor_left_out,
    ),
    Mistake(
        "before activation",
        19,
        "what went into a function instead of what came out, or the other way round",
        "{arc:contribution} was multiplied by {taken:named}, which {way} {at:title}, instead of "
        "by {other:named}",
        at_edges.before_activation,
    ),
    Mistake(
        "another variable",
        33,
        "another variable's value as the factor",
        "{arc:contribution} was multiplied by {taken:named} instead of {other:named}",
        at_edges.other_variable,
    ),
    Mistake(
        "other activation",
        18,
        "the slope of another activation",
        "{arc:contribution} took the slope of {other} for that of {row}: {formula:spelled} = "
        "{wrong:figure} instead of {arc:local}",
        at_edges.other_activation,
        everywhere=True,
    ),
    Mistake(
        "inner variable",
        20,
        "f'(x) instead of f'(g(x))",
        "{arc:contribution} took the local gradient at the inner variable {inner:named}, "
        "which gives {wrong:figure}, instead of at {operand:named}",
        at_edges.inner_variable,
    ),
    Mistake(
        "result for operand",
        22,
        "the local gradient taken at the result instead of the operand",
        "{arc:contribution} took the local gradient of {row} at its result instead of its "
        "operand: {formula:spelled} = {wrong:figure} instead of {arc:local}",
        at_edges.result_for_operand,
        everywhere=True,
    ),
    Mistake(
        "value for derivative",
        24,
        "the result's value instead of the local gradient",
        "{arc:contribution} was multiplied by the value {node:named} instead of the local "
        "gradient {arc:local}",
        at_edges.result_value,
        everywhere=True,
    ),
    Mistake(
        "operand for derivative",
        25,
        "the operand's value instead of the local gradient",
        "{arc:contribution} was multiplied by {operand:named} instead of the local gradient "
        "{arc:local}",
        at_edges.operand_value,
        everywhere=True,
    ),
    Mistake(
        "undifferentiated inner",
        26,
        "the outer derivative at the wrong argument, times the inner function",
        "{arc:contribution} took the outer derivative at the wrong argument, at {inner:named} "
        "instead of {operand:named}, and multiplied by {operand:name} instead of its "
        "derivative: {wrong:figure} x {operand:value}",
        at_edges.undifferentiated_inner,
    ),
    Mistake(
        "upstream left out of one edge",
        27,
        "the upstream gradient left out at one operand",
        "{arc:contribution} left out the upstream gradient {node:upstream}: only the local "
        "gradient {arc:local} was kept",
        at_edges.upstream_left_out,
    ),
    Mistake(
        "applied twice",
        28,
        "a local gradient applied twice",
        "{arc:contribution} was multiplied twice by the local gradient {arc:local}",
        at_edges.applied_twice,
        everywhere=True,
    ),
    Mistake(
        "upstream applied twice",
        36,
        "the upstream gradient applied twice",
        "{arc:contribution} was multiplied twice by the upstream gradient {node:upstream}",
        at_edges.upstream_twice,
    ),
    Mistake(
        "reciprocal",
        30,
        "one over the local gradient",
        "{arc:contribution} was multiplied by one over the local gradient {arc:local}",
        at_edges.reciprocal,
        everywhere=True,
    ),
    Mistake(
        "treated as a constant",
        32,
        "a contribution missing",
        "{arc:contribution} is missing: {operand:name} was treated as a constant",
        at_edges.treated_as_constant,
    ),
    Mistake(
        "added to the upstream",
        34,
        "added to the upstream gradient instead of multiplied",
        "{arc:contribution} adds the upstream gradient {node:upstream} and the local gradient "
        "{arc:local} instead of multiplying them",
        at_edges.added_upstream,
        everywhere=True,
    ),
    Mistake(
        "sign",
        40,
        "the wrong sign",
        "{arc:contribution} has the wrong sign: the local gradient is {arc:local}",
        at_edges.sign,
        everywhere=True,
        paired=True,
    ),
)

at_node = (
    Mistake(
        "swapped with sibling",
        9,
        "the contributions to two operands swapped",
        "at {node:title} the contributions to {a:name} and its sibling {b:name} are swapped: "
        "{a:name} gets {first:local} and {b:name} gets {second:local}",
        at_nodes.swapped,
        everywhere=True,
    ),
    Mistake(
        "routed wrongly",
        12,
        "the gradient routed to an operand that was not selected",
        "{node:title} routed the gradient to {chosen:named}, which it did not select",
        at_nodes.wrong_route,
        everywhere=True,
    ),
    Mistake(
        "upstream left out",
        14,
        "the upstream gradient left out",
        "at {node:title} the upstream gradient {node:upstream} was left out: only the local "
        "gradients were passed on",
        at_nodes.no_upstream,
        everywhere=True,
    ),
    Mistake(
        "passed to all",
        14,
        "the gradient passed to all operands of a router",
        "{node:title} passed the gradient to all of its operands instead of the selected one",
        at_nodes.passed_to_all,
        everywhere=True,
    ),
    Mistake(
        "divisor not squared",
        19,
        "the divisor of the quotient rule not squared",
        "at {node:title} the divisor {divisor:named} was not squared in the quotient rule",
        at_nodes.divisor_once,
    ),
    Mistake(
        "product for sum",
        28,
        "the rule of a mul at a sum",
        "at {node:title} the operands were scaled by each other as at a mul; {operation} only "
        "passes the gradient on",
        at_nodes.product_for_sum,
        everywhere=True,
    ),
    Mistake(
        "sign of all",
        42,
        "all contributions with the wrong sign",
        "at {node:title} all contributions have the wrong sign",
        at_nodes.all_signs,
    ),
)

at_sum = (
    Mistake(
        "overwritten",
        8,
        "a branch overwritten instead of added",
        "at {node:name} a branch was overwritten instead of added: only {which} via "
        "{kept:title} was kept",
        at_nodes.overwritten,
        everywhere=True,
    ),
    Mistake(
        "contribution left out",
        15,
        "a contribution left out of a sum",
        "at {node:name} {which} via {sender:title} was left out of the sum",
        at_nodes.left_out,
    ),
    Mistake(
        "counted twice",
        29,
        "a contribution counted twice",
        "at {node:name} {which} via {sender:title} was counted twice",
        at_nodes.twice,
    ),
    Mistake(
        "averaged",
        31,
        "contributions averaged instead of added",
        "at {node:name} the {count} contributions were averaged instead of added",
        at_nodes.averaged,
        everywhere=True,
    ),
    Mistake(
        "multiplied",
        33,
        "contributions multiplied instead of added",
        "at {node:name} the {count} contributions were multiplied instead of added",
        at_nodes.multiplied,
        everywhere=True,
    ),
    Mistake(
        "loss for derivative",
        34,
        "the value of the output instead of its derivative",
        "the value of the output, {loss:value}, was taken for the gradient of {node:name}, "
        "{node:upstream}",
        at_nodes.loss_for_derivative,
    ),
    Mistake(
        "sign of the sum",
        39,
        "the wrong sign",
        "the gradient of {node:name} has the wrong sign",
        at_nodes.sum_sign,
    ),
)


at_claim = (
    Mistake(
        "sum for product rule",
        18,
        "sum of the derivatives instead of the product rule",
        "at {node:title} the derivatives were added as at a sum instead of by the product rule",
        at_nodes.sum_for_product,
    ),
    Mistake(
        "value for gradient",
        44,
        "the value of the node instead of its gradient",
        "this is the value of {claim:name}, not its gradient",
        at_nodes.value_for_gradient,
    ),
    Mistake(
        "mixed up",
        45,
        "the gradient of another node",
        "this is the gradient of {operand:name}, not of {claim:name}",
        at_nodes.mixed_up,
    ),
    Mistake(
        "handed on",
        23,
        "the gradient of an inner node handed on unchanged",
        "this is the gradient of {operand:title}, handed on unchanged: what lies between "
        "{claim:name} and {operand:name} was left out",
        at_nodes.handed_on,
    ),
    Mistake(
        "inner differentiated",
        24,
        "the derivative of the inner function in its place",
        "at {node:title} {what} was taken at the derivative of {operand:name}, {inner:figure}, "
        "instead of at {operand:named}{times}: {number:figure}",
        at_nodes.inner_differentiated,
    ),
    Mistake(
        "derivatives multiplied",
        19,
        "the product (or quotient) of the derivatives",
        "at {node:title} the derivatives of {u:name} and {v:name} by {claim:name} were {verb} "
        "instead of the {rule}",
        at_nodes.derivatives_multiplied,
    ),
)

at_all = (
    Mistake(
        "updated weights",
        24,
        "weights that were already updated",
        "the gradient was sent back through weights that were already updated, w - {rate:short}*dw: "
        "{weight:name} is {wrong:figure} there instead of {weight:value}",
        at_nodes.weights_updated,
    ),
)

UPDATED_POINT = Mistake(
    "updated point",
    38,
    "the gradient after the step",
    "this is the gradient after {which} stepped down by {rate:short} times the gradient, and not "
    "at the point itself",
    nowhere,
)

OTHER_BRANCH = Mistake(
    "other branch",
    18,
    "the branch of an if that does not hold",
    "at {node:title} the branch was differentiated that is not taken here",
    nowhere,
)
"""Found by tracing the program with the condition turned: see several.py."""

TWO = Mistake(
    "two mistakes",
    50,
    "two mistakes at once",
    "two mistakes at once: {first}; and {second}",
    nowhere,
)
"""Found by the search itself: see several.py."""

MISTAKES = (*at_edge, *at_node, *at_sum, *at_claim, *at_all, UPDATED_POINT, OTHER_BRANCH, TWO)
"""All rows; the diagnosis iterates them."""
