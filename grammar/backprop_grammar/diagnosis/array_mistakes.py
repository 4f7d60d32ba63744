"""THE TABLE of mistakes that people make in a backward pass over arrays: one row per kind.

What goes element by element is got wrong as numbers are, by the rows of mistakes.py. Here stand the
rest: wrong rules of operations on arrays, and what goes wrong where an array is stretched, reduced
or masked. A mistake is run, never guessed.
"""

from collections.abc import Iterator
from dataclasses import replace

from ..operations.table import SUB
from . import mistakes, variations
from .array_sheet import ArraySheet
from .at_arrays import (
    after_sum,
    all_of_window,
    another_upstream,
    another_value,
    difference_reversed,
    element_by_element,
    every_tie,
    everything,
    inverse,
    last_of_batch,
    left_out,
    loss_for_upstream,
    mask_forgotten,
    mask_inverted,
    mask_of_upstream,
    mean_of,
    of_other_node,
    once,
    one_branch,
    one_row,
    ones_for_upstream,
    other_rule,
    overwritten_twice,
    own_elements_only,
    scaled,
    share,
    shared_as_well,
    sign,
    slope_left_out,
    sum_of_input,
    summed_up,
    turned,
    unsummed,
    varied,
    wrong_axis,
)
from .at_edges import Guess
from .mistakes import Mistake, nowhere

__all__ = [
    "ANOTHER",
    "ANOTHER_UPSTREAM",
    "ARRAY_MISTAKES",
    "MULTIPLE",
    "STEPPED",
    "STRETCHED",
    "UPDATED",
    "at_array_claim",
    "at_array_edge",
    "at_node",
    "at_sum",
]

TO = "{arc:contribution} was taken as {rule} instead of {arc:rule}"
"""What is said of a wrong rule."""

at_array_edge = (
    Mistake("result transposed", 10, "the result transposed", TO + ": it is transposed", varied(variations.transposed), everywhere=True),
    Mistake("transpose forgotten", 10, "a transpose forgotten", TO + ": a transpose was forgotten", varied(variations.untransposed), everywhere=True),
    Mistake("other factor transposed", 13, "the wrong factor transposed", TO + ": the wrong factor is transposed", varied(variations.other_transposed), everywhere=True),
    Mistake("own factor", 11, "an operand's own value instead of the other's", TO + ": its own value stands in the place of the other factor's", varied(variations.another_factor), everywhere=True),
    Mistake("factors reversed", 11, "the factors of a matrix product in the wrong order", TO + ": the factors are in the wrong order", varied(variations.reversed_factors), everywhere=True),
    Mistake("elementwise product", 12, "an elementwise product instead of the matrix product", TO + ": element by element instead of the matrix product", varied(variations.as_elementwise), everywhere=True),
    Mistake("inverse for transpose", 16, "the inverse instead of the transpose", "{arc:contribution} took the inverse of {other:name} instead of its transpose", inverse, everywhere=True),
    Mistake("wrong rule", 12, "a slip in the rule of an operation", TO + ": {remark}", other_rule, everywhere=True),
    Mistake("term left out", 9, "a term left out of a rule", TO + ": a term was left out", varied(variations.only_first), everywhere=True),
    Mistake("plus for minus", 18, "a minus for a plus, or the other way round, in a rule", TO + ": a sign in the rule is wrong", varied(variations.plus_for_minus), everywhere=True),
    Mistake("factor left out", 14, "a factor of a rule left out", TO + ": a factor was left out", varied(variations.factor_left_out), everywhere=True),
    Mistake("divisor", 13, "a division left out, or done twice", TO + ": the division is wrong", varied(variations.divisor_left_out), everywhere=True),
    Mistake("wrong axis in a rule", 15, "a sum in a rule along the wrong axis", TO + ": a sum goes along the wrong axis", varied(variations.another_axis), everywhere=True),
    Mistake("mean in a rule", 17, "a mean for a sum in a rule", TO + ": a sum and a mean are confused", varied(variations.averaged), everywhere=True),
    Mistake("operand for result", 16, "the operand and the result confused in a rule", TO + ": the operand and the result are confused", varied(variations.from_operand), everywhere=True),
    Mistake("diagonal", 15, "the diagonal of a Jacobian instead of all of it", "{arc:contribution} took the Jacobian as its diagonal: each element got what its own element of {node:name} sends, instead of {arc:rule}", own_elements_only, everywhere=True),
    Mistake("upstream left out of one operand", 14, "the upstream gradient left out", "{arc:contribution} left out the upstream gradient: {arc:rule} was taken with ones for up", ones_for_upstream, everywhere=True),
    Mistake("one row of the batch", 16, "one row of the batch instead of all", TO + ": only the {which} row of the batch was kept", last_of_batch, everywhere=True),
    Mistake("divided by the batch", 15, "divided by the size of the batch", "{arc:contribution} was divided by {count}, the rows of {of:name}: it is {arc:rule}", scaled(0, -1), everywhere=True),
    Mistake("divided by the columns", 16, "divided by the number of columns, the features", "{arc:contribution} was divided by {count}, the columns of {of:name}: it is {arc:rule}", scaled(1, -1), everywhere=True),
    Mistake("times the batch", 17, "multiplied by the size of the batch", "{arc:contribution} was multiplied by {count}, the rows of {of:name}: it is {arc:rule}", scaled(0, 1), everywhere=True),
    Mistake("index overwritten", 9, "an element taken twice, overwritten instead of added", "{arc:contribution} was overwritten where an element is taken more than once: what they send is added", overwritten_twice, everywhere=True),
    Mistake("all of a window", 12, "the gradient passed to all of a window, though one is selected", "{arc:contribution} was passed {how} to every element of its window, though {node:title} selects the largest", all_of_window, everywhere=True),
    Mistake("not summed", 7, "not summed over what an array was stretched along", "{arc:contribution} was not summed: {operand:name} was stretched, so what it gets is added up", unsummed),
    Mistake("averaged over the batch", 8, "the mean over the batch instead of the sum", "{arc:contribution} is the mean over {count} instead of their sum: {operand:name} was stretched over them", after_sum(mean_of), everywhere=True),
    Mistake("summed over everything", 12, "summed over everything", "{arc:contribution} was summed over everything, and is the same for all of {operand:name}", after_sum(everything), everywhere=True),
    Mistake("counted once", 14, "counted once instead of as often as it is used", "{arc:contribution} was counted once: {operand:name} was stretched, and is used {count} times", after_sum(once), everywhere=True),
    Mistake("wrong axis", 10, "summed over the wrong axis", "{arc:contribution} was summed along the wrong axis", after_sum(wrong_axis), everywhere=True),
    Mistake("one row", 11, "one row of the batch instead of their sum", "{arc:contribution} is what the {which} row sends instead of the sum of all", one_row, everywhere=True),
    Mistake("sum of the input", 13, "the input summed instead of the upstream gradient", "{arc:contribution} sums the layer's input {x:name}, not what arrives", sum_of_input, everywhere=True),
    Mistake("own elements", 7, "the diagonal of the Jacobian instead of the vector-Jacobian product", "at {node:title} each element of {operand:name} got only what its own element of {node:name} sends by way of {via:name}: the diagonal of the Jacobian, instead of the sum over all elements", element_by_element),
    Mistake("mean: not divided", 9, "1/n of a mean forgotten", "{arc:contribution} was not divided: {arc:rule} was forgotten", share("1", "mean"), everywhere=True),
    Mistake("mean: divided twice", 14, "divided by n twice", "{arc:contribution} was scaled by {share} instead of {arc:rule}: divided once more", share("1/n^2", "mean"), everywhere=True),
    Mistake("mean: n - 1", 16, "n - 1 for n", "{arc:contribution} was scaled by {share} instead of {arc:rule}", share("1/(n - 1)", "mean"), everywhere=True),
    Mistake("mean: rows", 15, "divided by the rows instead of by all", "{arc:contribution} was scaled by {share} instead of {arc:rule}: by the rows", share("1/r", "mean"), everywhere=True),
    Mistake("mean: columns", 16, "divided by the columns", "{arc:contribution} was scaled by {share} instead of {arc:rule}: by the columns", share("1/c", "mean"), everywhere=True),
    Mistake("mean: all", 16, "divided by all numbers", "{arc:contribution} was scaled by {share} instead of {arc:rule}: by all numbers", share("1/s", "mean"), everywhere=True),
    Mistake("mean: times", 20, "multiplied by n", "{arc:contribution} was scaled by {share} instead of {arc:rule}", share("n", "mean"), everywhere=True),
    Mistake("shared as well", 16, "divided by n of a mean beside it", "{arc:contribution} was divided by {count}, as the mean {mean:name} is; it is {arc:rule}", shared_as_well),
    Mistake("sum: averaged", 20, "the mean for the sum", "{arc:contribution} was scaled by {share}, as at a mean; a sum passes all of it on", share("1/n", "sum"), everywhere=True),
    Mistake("sum: rows", 21, "divided by the rows", "{arc:contribution} was divided by the rows, {share}; a sum passes all of it on", share("1/r", "sum"), everywhere=True),
    Mistake("sum: columns", 22, "divided by the columns", "{arc:contribution} was divided by the columns, {share}; a sum passes all of it on", share("1/c", "sum"), everywhere=True),
    Mistake("exp not normalised", 11, "the exponential not divided by its sum", "{arc:contribution} was scaled by exp of its elements, not divided by their sum", share("exp(x)", "logsumexp"), everywhere=True),
    Mistake("log for share", 14, "divided by the sum of the numbers", "{arc:contribution} was scaled by one over the sum of the exponentials, without the inner exp", share("exp(-out)", "logsumexp"), everywhere=True),
    Mistake("passed to all", 12, "the gradient passed to all, though one is selected", "{arc:contribution} was passed to every element, though {node:title} selects", share("1", "max", "min"), everywhere=True),
    Mistake("shared by all", 13, "the gradient shared by all, though one is selected", "{arc:contribution} was shared by all elements, {share} each, though {node:title} selects", share("1/n", "max", "min"), everywhere=True),
    Mistake("every tie in full", 12, "every tie in full", "{arc:contribution} gave each of the elements that tie all of it", every_tie, everywhere=True),
    Mistake("mask forgotten", 9, "the mask forgotten", "{arc:contribution} was passed on everywhere: the mask of {node:title} was forgotten, or is one that is always true", mask_forgotten, everywhere=True),
    Mistake("mask inverted", 14, "the mask inverted", "{arc:contribution} was passed on where {node:title} does not select it", mask_inverted, everywhere=True),
    Mistake("mask of the upstream", 12, "the mask taken from the upstream's sign", "{arc:contribution} was masked by the sign of the upstream gradient{also}, not by that of the operand", mask_of_upstream, everywhere=True),
    Mistake("slope left out", 13, "nothing passed on where it leaks", "{arc:contribution} passed nothing on where {node:title} has its other slope", slope_left_out, everywhere=True),
    Mistake("sign", 40, "the wrong sign", "{arc:contribution} has the wrong sign: it is {arc:rule}", sign, everywhere=True),
    Mistake("treated as a constant", 32, "a contribution missing", "{arc:contribution} is missing: {operand:name} was treated as a constant", left_out),
)  # fmt: skip
"""What is got wrong along one edge, besides what is of numbers."""

at_array_node = (
    Mistake("difference reversed", 29, "a difference taken the other way round", "at {node:title} the difference was taken the other way round: {b:name} - {a:name} for {a:name} - {b:name}, a wrong sign", difference_reversed),
    Mistake("one branch", 10, "one branch of an if everywhere", "at {node:title} the {branch} branch, {kept:title}, was differentiated in all elements, whatever the condition says of each", one_branch, everywhere=True),
    Mistake("loss for its derivative", 30, "the loss's value as the gradient of the loss", "the backward pass began with the value of {node:name} instead of 1", loss_for_upstream),
)  # fmt: skip

OF_NUMBERS = frozenset(
    {"multiplied", "gate ignored", "routed wrongly", "passed to all", "derivatives multiplied"}
)
"""Rows of mistakes.py that have no meaning here, or another row."""

at_edge = tuple(row for row in mistakes.at_edge if row.name not in OF_NUMBERS)


def not_of_differences(mistake: Mistake) -> Mistake:
    """A row but at differences, where swapping says less than another row."""

    def guesses(sheet: ArraySheet, node: int) -> Iterator[Guess]:
        if sheet.row(node) is not SUB:
            yield from mistake.guesses(sheet, node)

    return replace(mistake, guesses=guesses)


at_node = (
    *(
        not_of_differences(row) if row.name in ("swapped with sibling", "sign of all") else row
        for row in mistakes.at_node
        if row.name not in OF_NUMBERS
    ),
    *at_array_node,
)
at_sum = tuple(row for row in mistakes.at_sum if row.name not in OF_NUMBERS)
at_claim = tuple(row for row in mistakes.at_claim if row.name not in OF_NUMBERS)

at_array_claim = (
    Mistake("transposed", 42, "the gradient transposed", "this is the gradient of {claim:name} transposed", turned),
    Mistake("summed up", 43, "the gradient summed, or averaged", "this is {rule}, instead of the gradient itself", summed_up),
    Mistake("handed on", 43, "the gradient of another node handed on", "this is the gradient of {operand:title}, not of {claim:name}", of_other_node),
)  # fmt: skip
"""What concerns one claim alone."""

STRETCHED = tuple(
    row
    for row in at_array_edge
    if row.name
    in ("not summed", "averaged over the batch", "summed over everything", "wrong axis", "one row")
)
"""What people get wrong wherever an array is stretched."""

ANOTHER = Mistake(
    "another value",
    36,
    "another node's value in a rule",
    "{arc:contribution} was computed with {used:name} in the place of {meant:name}, instead of "
    "{arc:rule}",
    another_value,
)
ANOTHER_UPSTREAM = Mistake(
    "another upstream",
    37,
    "the gradient of another node as the upstream gradient",
    "{arc:contribution} was computed with the gradient of {used:title} for the one that arrives, "
    "that of {node:name}",
    another_upstream,
)
"""Which is tried where nothing else explains a claim, for any node may be meant."""

MULTIPLE = Mistake(
    "multiple",
    46,
    "a multiple of the right gradient",
    "this is the right gradient of {of:name} times {factor}",
    nowhere,
)
"""Which the search finds, since a claim says which multiple."""

STEPPED = Mistake(
    "updated value",
    44,
    "the weights after a step instead of the gradient",
    "this is {of:name} after a step of rate {rate:short}, not its gradient",
    nowhere,
)
"""Likewise."""

UPDATED = Mistake(
    "updated weights",
    21,
    "the weights already updated",
    "at {node:title} the contribution to {operand:name} used {weight:name} after its own update, "
    "{weight:name} - {rate:short}*gradient, instead of the {weight:name} of the forward pass",
    nowhere,
)
"""Likewise, by which rate."""

ARRAY_MISTAKES = (
    *at_array_edge,
    *at_edge,
    *at_node,
    *at_sum,
    *at_claim,
    *at_array_claim,
    ANOTHER,
    ANOTHER_UPSTREAM,
    MULTIPLE,
    STEPPED,
    UPDATED,
)
"""All rows."""
