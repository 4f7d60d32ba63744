"""What a teacher says about an operation on arrays: why it sends back what it does.

What is sent is never told here: it is read from the row's own text. A sentence may name, in
braces: an operand or `out`, its element as `x[]`, the operand at hand as `this`, what the element
receives as `gets`, the text that is sent as `sent`, and numbers such as `rows`. One that names
something that is not known is left out.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from .document import Piece, Pieces

__all__ = ["OF_A_ROW", "PRODUCTS", "SHIFTS", "WHY", "Why", "filled"]


class Why(NamedTuple):
    """What is said of a row. whole: of the operation. sends: of what its operands receive, in their
    order, the last for all that follow.
    """

    whole: str = ""
    sends: tuple[str, ...] = ("",)

    def of(self, place: int) -> str:
        """What is said of the operand at a place."""
        return self.sends[min(place, len(self.sends) - 1)]


SOFTMAX = (
    "Each number of softmax depends on every number of {line}, since all share one denominator: "
    "to raise one probability takes from the others. So from what arrives its mean is subtracted, "
    "weighted by the probabilities."
)

OF_A_ROW = (
    "The Jacobian of {out_line}, call it r, would be diag(r) - outer(r, r); it is never needed."
)
"""What is said besides of the softmax of a matrix."""

WHY = {
    "transpose": Why(sends=("Transposing only moves numbers, and going back moves them back: {x[]} receives {gets}.",)),
    "array": Why("An array is put together from numbers, and each gets back what arrives at its own place."),
    "norm": Why(sends=("A length grows at the rate 1 along {x} itself, so its gradient is the unit vector along {x}.",)),
    "softmax": Why(sends=(SOFTMAX,)),
    "logsoftmax": Why(sends=(
        "logsoftmax is {this} less one number{a_row}, the logarithm of the sum of the exponentials. {this} itself hands on what "
        "arrives; that logarithm sends to each number its share, exp({out}), of the sum of what arrives.",
    )),
    "pick": Why(sends=(
        "pick takes {one_a_row} that the label names: what arrives is put back there, and all the others receive 0.",
    )),
    "concat": Why("concat puts arrays one after the other, so each gets back its own piece of what arrives."),
    "maxpool": Why(sends=(
        "Each window hands on its largest number alone: what arrives is put back where that stood, and added where two "
        "windows took the same one; the others receive 0.",
    )),
    "trace": Why(sends=("A trace adds up the diagonal, so what arrives is copied to the diagonal, and the others receive 0.",)),
    "diag": Why(sends=("diag only moves numbers to or from a diagonal, and going back moves them back.",)),
    "reshape": Why(sends=("Reshaping keeps the numbers in their order, so what arrives is only reshaped back to {shape}.",)),
    "flatten": Why(sends=("Flattening keeps the numbers in their order, so what arrives is only reshaped back to {shape}.",)),
    "flip": Why(sends=("Flipping turns the order round, and going back turns it round again.",)),
    "conv": Why(
        "Every number of {out} is a sum of products of {k} with a window of {x}.",
        (
            "A number of {x} is in several windows, each time beside another number of {k}: going back, these are met in "
            "the opposite order, which is why {k} is flipped, and the edges are padded with 0.",
            "A number of {k} is used in every window, so the products of what arrives and of the numbers beside it are "
            "added up: that is once more a convolution, of {x} with what arrives.",
        ),
    ),
    "batchnorm": Why(
        "batchnorm centres and scales each column, so a number acts in three ways: directly, through the mean of its "
        "column, and through the variance of its column.",
        (
            "Subtracting two means takes away what the mean and the variance undo again: each column of what is sent adds "
            "up to 0, for to shift a whole column of {x} changes nothing.",
            "{stretched}",
        ),
    ),
    "layernorm": Why(
        "layernorm centres and scales {each_row}, so a number acts in three ways: directly, through the mean of "
        "{its_row}, and through the variance of {its_row}.",
        (
            "Subtracting two means takes away what the mean and the variance undo again: what is sent adds up to 0 over "
            "{each_row}, for to shift {line} by one number changes nothing.",
            "{stretched}",
        ),
    ),
}  # fmt: skip
"""By the name of the row; a row that has none is told by the text that it sends alone."""

PRODUCTS = {"matmul", "dot", "outer"}
"""The rows that add up products, of which is told which factor meets which."""

SHIFTS = {
    "softmax": "to add the same number to all of {line} changes no probability",
    "logsoftmax": "to add the same number to all of {line} changes no probability",
    "cross_entropy": "to add the same number to all of {line} changes no probability",
}
"""Why what a row sends adds up to 0, where it does."""

FIELD = re.compile(r"\{(\w+(?:\[\])?)\}")


def filled(template: str, given: Mapping[str, Piece | Pieces | str]) -> Pieces:
    """A sentence with its fields put in; nothing where one of them is not known."""
    first, *parts = FIELD.split(template)
    if not all(name in given for name in parts[::2]):
        return []
    result: Pieces = [Piece("text", (first,))] if first else []
    for name, text in zip(parts[::2], parts[1::2], strict=True):
        part = given[name]
        if isinstance(part, str):
            result += [Piece("text", (part,))] if part else []
        else:
            result += [part] if isinstance(part, Piece) else part
        result += [Piece("text", (text,))] if text else []
    return result
