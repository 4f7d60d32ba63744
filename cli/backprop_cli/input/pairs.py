"""Ranges of variables."""

import math

from backprop_grammar.errors import BackpropError, shorten, usage, visible
from backprop_grammar.language.parser import parse, plain_name
from backprop_grammar.numbers.wide import as_float
from backprop_grammar.trace.evaluate import evaluate

from .point import pieces

__all__ = ["read_ranges"]


def read_ranges(texts: list[str]) -> dict[str, tuple[float, float]]:
    """The box of options such as `x=-pi:pi,y=0:1`. Raises BackpropError for what is none."""
    box: dict[str, tuple[float, float]] = {}
    for part in (text[start:end].strip() for text in texts for start, end in pieces(text)):
        if not part:
            continue
        name, _, sides = part.partition("=")
        name = plain_name(name.strip())
        low, colon, high = sides.partition(":")
        try:
            ends = constant(low), constant(high if colon else low)
        except BackpropError as error:
            raise wrong_box(part, f": {error.message}" if sides.strip() else "") from None
        if not name.strip().isidentifier():
            raise wrong_box(part)
        if ends[0] > ends[1]:
            raise wrong_box(part, ": its ends stand in the wrong order")
        if ends[1] - ends[0] == math.inf:
            raise wrong_box(part, ": it is wider than the largest float")
        if name.strip() in box:
            raise usage(f"{name.strip()} has two ranges", "give one of them")
        box[name.strip()] = ends
    return box


def constant(text: str) -> float:
    """A number, or an expression without variables. Raises BackpropError for what is none."""
    number = as_float(evaluate(parse(text), {}).value)
    if number is None:
        raise usage(f"{text} is beyond the largest number")
    return number


def wrong_box(part: str, why: str = "") -> BackpropError:
    """The error for a part that is no range."""
    shown = shorten(visible(part))
    return usage(f"{shown} is no range{why}", "write --over x=-2:2,y=0:1")
