"""The key of a sheet: the backward pass in words."""

from ..arrays.record import ArrayTrace
from ..explain.array_narrate import explain as explain_arrays
from ..explain.document import Explanation
from ..explain.narrate import explain
from .record import Variant
from .sheet import GIVEN_DIGITS

__all__ = ["worked"]


def worked(variant: Variant) -> Explanation:
    """What ``explain`` says of the sheet, a paragraph a node, with as many digits as are given."""
    trace = variant.trace
    if isinstance(trace, ArrayTrace):
        return explain_arrays(trace, GIVEN_DIGITS)
    return explain(trace, GIVEN_DIGITS)
