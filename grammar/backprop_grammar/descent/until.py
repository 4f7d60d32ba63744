"""When a run has come far enough: `gradient<1e-6`, `change<1e-9`, `value<0.01`."""

import math
import re
from collections.abc import Mapping
from typing import NamedTuple

from ..errors import shorten, usage, visible
from ..numbers.decimal import short_number

__all__ = ["Until", "until"]

MEASURES = {
    "gradient": "the gradient's norm",
    "change": "the change of the output in the last {each}",
    "value": "the output",
}
"""What may be asked, and what a message calls it."""

OTHERS = {"norm": "gradient", "loss": "value", "output": "value"}
"""Other words for these."""

CONDITION = re.compile(
    r"\s*([^\W\d]\w*)\s*(<=|<|>=|>)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*"
)
HINT = 'write "gradient<1e-6", "change<1e-9" or "value<0.01"'


class Until(NamedTuple):
    """A condition: what is measured, and the limit that it is to come below; or above."""

    text: str
    what: str
    above: bool
    limit: float

    def measured(
        self, value: float, gradients: Mapping[str, float | None], before: float | None
    ) -> float | None:
        """What is asked, of an output and its gradients; before: what the output was. None where
        there is none.
        """
        if self.what == "value":
            return value
        if self.what == "change":
            return None if before is None else abs(value - before)
        slopes = [slope for slope in gradients.values() if slope is not None]
        return math.hypot(*slopes) if len(slopes) == len(gradients) else None

    def met(self, number: float | None) -> bool:
        """Whether what is measured is enough."""
        if number is None:
            return False
        return number == self.limit or (number > self.limit) is self.above

    def why(self, number: float, place: str, each: str, *, met: bool) -> str:
        """What a run says of it at its end. place: the last step, in words. each: after what it is
        asked, a step or an epoch.
        """
        measure = f"{MEASURES[self.what].format(each=each)} is {short_number(number)}"
        if met:
            side = "above" if self.above else "below"
            return f"stopped at {place}: {measure}, {side} {self.limit:g} as asked"
        return f"{self.text} is not reached: {measure} at {place}"


def until(text: str) -> Until:
    """A condition from its text. Raises BackpropError for what is none."""
    found = CONDITION.fullmatch(text)
    shown = shorten(visible(text.strip())) or "nothing"
    if found is None:
        raise usage(f"{shown} is no condition to stop by", HINT)
    word, sign, number = found.groups()
    what = OTHERS.get(word.lower(), word.lower())
    if what not in MEASURES:
        raise usage(f"{shown}: a run is not stopped by {shorten(word)}", HINT)
    limit, above = float(number), sign[0] == ">"
    if what != "value" and (above or not limit > 0):
        message = f"{shown} is always so, or never: {MEASURES[what].partition(' in ')[0]} is 0 or more, and comes down"
        raise usage(message, f'write "{what}<1e-6"')
    if not math.isfinite(limit):
        raise usage(f"{shown}: the limit is beyond the largest number", HINT)
    return Until(text.strip(), what, above, limit)
