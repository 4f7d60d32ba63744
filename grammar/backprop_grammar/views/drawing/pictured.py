"""The diagram of any trace."""

from typing import TYPE_CHECKING, TypeAlias

from ...trace.record import Trace
from .diagram import Diagram, diagram

if TYPE_CHECKING:
    from ...arrays.record import ArrayTrace

__all__ = ["AnyTrace", "pictured"]

AnyTrace: TypeAlias = "Trace | ArrayTrace"


def pictured(trace: AnyTrace, digits: int, heat: bool = False) -> Diagram:
    """The diagram of a trace over numbers, or over arrays.

    digits: significant ones. heat: whether large arrays are heat maps, or a line of text.
    """
    if isinstance(trace, Trace):
        return diagram(trace, digits)
    from .array_diagram import array_diagram  # which pictures of numbers do not need

    return array_diagram(trace, digits, heat)
