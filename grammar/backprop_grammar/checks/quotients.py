"""Difference quotients in wide numbers, and what they say of a gradient.

A difference quotient is poor only because a step as small as it should be loses the digits. With a
hundred digits it may be 10^-24 of the point and still leave more than any backward pass can claim.
The two one-sided quotients and a second, smaller step tell a kink, where they differ and stay so,
and a jump, where they grow, from a mistake.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..blocks.names import Names
from ..language.graph import Graph
from ..numbers.arithmetic import Arithmetic
from ..numbers.ball import Ball, DomainError, Undecided
from ..numbers.decimal import number, short_number
from ..numbers.wide import UNEVALUATED, Number, Wide
from ..trace.record import Trace

__all__ = ["BITS", "TOLERANCE", "Bench", "Difference", "Moved", "compare", "real"]

BITS = 320
"""Precision of the numbers that quotients are taken of."""

STEP = 80
"""The step is the point's size times 2 to the power of minus this."""

NARROWER = 2.0**-40
"""A second step is so much smaller: where that changes the quotients, they say."""

TOLERANCE = 1e-12
"""The relative difference up to which gradient and quotient are the same."""

Moved = Callable[[Any], Any]
"""The value that changes, as a function of the step; raises where there is none."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A gradient and what the forward pass says of it.

    name: of the input, or `dn3/dx` for the edge from ``node`` to ``operand``. quotient: the
    central one; left, right: one-sided. error: relative; None where there is none. verdict:
    right, wrong, kink, infinite, undefined or unchecked; message: why, if it is not right.
    """

    name: str
    node: str
    operand: str
    backward: Number
    quotient: Number
    left: Number
    right: Number
    error: float | None
    verdict: str
    message: str = ""


@dataclass(slots=True)
class Bench:
    """The program at its point in wide numbers, and how much more work may be done."""

    graph: Graph
    names: Names
    arithmetic: Arithmetic
    trace: Trace
    needed: list[bool]
    output: int
    values: list[Ball | None]
    work: int
    skipped: int = 0
    kinks: list[str] = field(default_factory=list)  # nodes whose operation has a kink here

    def number(self, value: Any) -> Number:
        return number(self.arithmetic.exactly(value), None, False)

    def step(self, value: Any) -> Any:
        """A step that is small beside the value."""
        size = abs(value) if value else self.arithmetic.number(1.0)
        return size * self.arithmetic.number(2.0) ** -STEP


def compare(
    bench: Bench, name: str, node: str, operand: str, backward: Number, source: int, moved: Moved
) -> Difference:
    """A gradient against the quotients of a function of the step."""
    ball = bench.values[source]
    assert ball is not None
    step = bench.step(ball[0])
    left, right, noise = quotients(bench, moved, step)
    central = None if left is None or right is None else (left + right) / 2
    exists = not isinstance(backward, Wide) or backward.exists
    middle_, left_, right_ = (
        UNEVALUATED if q is None else bench.number(q)
        for q in (central if exists else None, left, right)
    )

    def row(verdict: str, message: str = "", error: float | None = None) -> Difference:
        if verdict == "kink" and node and node not in bench.kinks:
            bench.kinks.append(node)
        return Difference(
            name, node, operand, backward, middle_, left_, right_, error, verdict, message
        )

    if not exists:
        assert isinstance(backward, Wide)
        kind = backward.kind
        sides = f"one-sided slopes are {shown(left, 'none')} and {shown(right, 'none')}"
        return row(kind, f"the gradient is {backward.text}: at a step of {shown(step)} the {sides}")
    if left is not None and right is not None:
        straight = abs(right - left) <= 1e-9 * max(abs(left), abs(right))
        error = relative(bench, backward, central, central, noise)
        if straight and error <= TOLERANCE:
            return row("right", "", error)
    narrow = quotients(bench, moved, step * NARROWER)
    if left is None or right is None:
        side, closer = (right, narrow[1]) if left is None else (left, narrow[0])
        if side is None or closer is None:
            return row("unchecked", "no value beside the point to compare with")
        error = relative(bench, backward, side, closer, noise)
        if error <= TOLERANCE:
            return row("right", "at the edge of the domain, one-sided", error)
        edge = f"at the edge of the domain, where the one-sided slope is {shown(side)}"
        return row("unchecked", edge)
    if narrow[0] is not None and narrow[1] is not None:
        gap, closer = abs(right - left), abs(narrow[1] - narrow[0])
        # Where it is smooth the gap shrinks with the step; at a kink it stays, at a jump it grows.
        if gap > noise and closer > gap / 2:
            return row("kink", kink(bench, backward, node, left, right, closer > 2 * gap))
        error = relative(bench, backward, central, (narrow[0] + narrow[1]) / 2, noise)
    else:
        error = relative(bench, backward, central, central, noise)
    if error <= TOLERANCE:
        return row("right", "", error)
    if bench.kinks and (not node or node in bench.kinks):
        where = " and ".join(bench.kinks[:4])
        message = (
            f"both one-sided slopes are {shown(central)}: the kinks at {where} cancel, "
            "which what each of them passes on does not"
        )
        return row("kink", message, error)
    return row("wrong", f"the difference quotient is {shown(central)}", error)


def quotients(bench: Bench, moved: Moved, step: Any) -> tuple[Any | None, Any | None, Any]:
    """The one-sided difference quotients, None where there is no value, and their noise.

    The step is small beside the point, so that a quotient's noise is small beside it, too.
    """
    middle = attempt(moved, bench.arithmetic.number(0.0))
    above, below = attempt(moved, step), attempt(moved, -step)
    right = None if above is None or middle is None else (above - middle) / step
    left = None if below is None or middle is None else (middle - below) / step
    unit = bench.arithmetic.number(2.0) ** (80 - BITS)
    return left, right, unit * (abs(middle or 0) / step + 1)


def attempt(moved: Moved, step: Any) -> Any | None:
    """A value at a step; None where the function has none there."""
    try:
        value = moved(step)
    except (DomainError, Undecided, ZeroDivisionError, ValueError, OverflowError):
        return None
    return value if abs(value) < float("inf") else None


def relative(bench: Bench, backward: Number, quotient: Any, closer: Any, noise: Any) -> float:
    """The relative error of a gradient; 0 where a closer step brings the quotient closer to it."""
    claimed = real(bench, backward)
    difference = abs(claimed - quotient)
    if difference <= noise or abs(claimed - closer) < difference * 2.0**-20:
        return 0.0
    return float(min(difference / max(abs(quotient), abs(claimed)), bench.arithmetic.number(2.0)))


def real(bench: Bench, number: Number) -> Any:
    """A number of the trace in wide numbers."""
    return bench.arithmetic.number(number.text if isinstance(number, Wide) else number)


def kink(bench: Bench, backward: Number, node: str, left: Any, right: Any, jump: bool) -> str:
    """What is said where the one-sided quotients differ."""
    where = node or " and ".join(bench.kinks[:4]) or "a node"
    sides = f"one-sided slopes {shown(left)} and {shown(right)}"
    if jump:
        return f"jump at {where}: {sides} at this step"
    value = real(bench, backward)
    slack = TOLERANCE * max(abs(left), abs(right))
    between = min(left, right) - slack <= value <= max(left, right) + slack
    lies = "lies between" if between else "does not lie between"
    return f"kink at {where}: {sides}; the gradient {shown(value)} {lies}"


def shown(value: Any, none: str = "0") -> str:
    """A number for a message: 6 significant digits."""
    if value is None:
        return none
    return short_number(value) if value else "0"
