"""Which engine computes a program over arrays, by how much it asks; and what is too much for any.

A small program is computed number by number, which needs no NumPy and has every view. A larger one
is computed array by array.
"""

from importlib.util import find_spec
from typing import Any

from ..arrays import evaluate as by_numbers
from ..arrays.lower import LARGEST
from ..arrays.question import Question, question
from ..arrays.record import ArrayTrace
from ..errors import BackpropError
from ..language.graph import Array, Graph

__all__ = ["SMALL", "answered", "evaluate"]

SMALL = 3_000
"""Operations on numbers up to which a program is computed number by number."""


def evaluate(program: Graph, at: dict[str, float | Array], **asked: Any) -> ArrayTrace:
    """The trace of a program over arrays at a point, by the engine for its size.

    Arguments as of arrays.evaluate. Raises BackpropError as that does, and where it is too large.
    """
    return answered(question(program, at, **asked))


def answered(asked: Question) -> ArrayTrace:
    """The trace of what is asked. Raises BackpropError as ``evaluate`` does."""
    if asked.work <= SMALL or (asked.precision and asked.work <= LARGEST):
        return by_numbers.answered(asked)
    if asked.precision:
        raise too_large(
            asked, f"than are computed to {asked.precision} digits ({LARGEST:,})",
            "leave out the precision, or make the arrays smaller",
        )  # fmt: skip
    if find_spec("numpy") is None:
        if asked.work > LARGEST:
            raise too_large(
                asked, f"than are computed number by number ({LARGEST:,})",
                "pip install 'backprop-cli[data]' computes them array by array, with numpy",
            )  # fmt: skip
        return by_numbers.answered(asked)
    from .answer import answer  # needs NumPy, which small programs do not load

    try:
        trace, decided = answer(asked)
    except BackpropError:
        if asked.work > LARGEST:
            raise
        decided = False  # said with the numbers that the program means
    return trace if decided or asked.work > LARGEST else by_numbers.answered(asked)


def too_large(asked: Question, than: str, hint: str) -> BackpropError:
    return BackpropError(
        "limit", f"the program means some {asked.work:,} operations on numbers, more {than}",
        hint=hint, source=asked.graph.source,
    )  # fmt: skip
