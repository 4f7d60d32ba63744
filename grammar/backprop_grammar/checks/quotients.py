"""Difference quotients in wide numbers: slopes of a function of one step, from its values alone.

A quotient is poor only because a step as small as it should be loses the digits; with enough of
them both can be had. How small a step should be depends on the scale of the function, which nobody
knows beforehand, so a quotient counts only where a step 2^40 times smaller leaves it as it is; else
the steps shrink and the digits grow, up to a limit. Values have bounds on their errors, which tell
how many digits that takes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..errors import BackpropError
from ..language.graph import Graph
from ..numbers.ball import INFINITY, Ball, DomainError, Undecided
from ..numbers.multiprecision import Multiprecision, multiprecision, size_of
from ..passes.doubt import Doubt, NeedsPrecision
from ..passes.general import Values, forward
from ..passes.run import LADDER

__all__ = ["SMALLEST", "STEPS", "Moved", "Pass", "Passes", "Slopes", "Work", "slopes"]

STEPS = (80, 400, 1600)
"""A step is the point's size times 2 to the power of minus one of these, tried in turn. The last is
small beside the scale of every function whose constants are floats."""

NARROWER = 40
"""A second step is smaller by that power of two."""

BITS = (320, *(bits + 256 for bits in LADDER[1:]), 2 * LADDER[-1] + 256)
"""Precisions of the numbers that quotients are taken of, tried in turn: those of the passes, and
what the difference of two values needs beside them."""

SPARE = 200
"""Bits that the numbers have beyond those of the smaller step."""

CLOSE = 2.0**-48
"""The relative change up to which a smaller step leaves a quotient as it is."""

ENOUGH = 1024
"""By how much the errors of values must be smaller than the change that is looked for."""

CERTAIN = 2.0**-128
"""The relative error up to which the values at the point itself must be known."""

SMALLEST = -1075
"""The power of two below which a slope is 0 as a float."""


class Pass(NamedTuple):
    """The forward pass of a program at its point, in numbers of some precision.

    arithmetic: of the values. lenient: of the same precision, for values a step away; there, two
    numbers that cannot be told apart count as equal.
    """

    arithmetic: Multiprecision
    lenient: Multiprecision
    values: Values


class Passes:
    """The forward passes of a program at a point, at every precision that is asked for.

    least: the bits at which all values are certain. steps_over: whether a large step may pass over
    whole waves, or over jumps.
    """

    def __init__(self, graph: Graph, at: dict[str, float], needed: list[bool]) -> None:
        """Raises BackpropError where some value is beyond wide numbers."""
        self.graph, self.at, self.needed = graph, at, needed
        self.made: dict[int, Pass] = {}
        rows = {row for node, row in enumerate(graph.operations) if needed[node]}
        self.steps_over = any(row.period or row.jump for row in rows)
        self.least = self.most = BITS[-1]
        for bits in BITS[: len(LADDER)]:
            last = bits == BITS[len(LADDER) - 1]
            try:
                doubt = self.run(bits, last)
            except NeedsPrecision as stopped:
                if last or stopped.reason == "overflow":
                    raise beyond(stopped) from None
                continue
            except DomainError as stopped:
                raise beyond(stopped) from None
            if doubt.node < 0 or last:
                self.least = bits
                # What is taken for equal here might be told apart by more digits.
                self.most = bits if doubt.node >= 0 else BITS[-1]
                return

    def run(self, bits: int, last: bool) -> Doubt:
        """Make a pass; how certain it is. Raises DomainError and NeedsPrecision as it does."""
        arithmetic = multiprecision(bits, last)
        doubt = Doubt(close=CERTAIN, loose=CERTAIN)
        with arithmetic.context():
            point = {
                node: arithmetic.constant(self.at[name])
                for name, node in self.graph.variables.items()
                if name in self.at
            }
            values, _ = forward(self.graph, point, self.needed, arithmetic, doubt)
            self.made[bits] = Pass(arithmetic, multiprecision(bits, True), values)
        return doubt

    def of(self, bits: int) -> Pass | None:
        """The pass over numbers of at least so many bits; None where there is none."""
        wanted = [b for b in BITS if max(bits, self.least) <= b <= self.most]
        if not wanted:
            return None
        if wanted[0] not in self.made:
            self.run(wanted[0], True)
        return self.made[wanted[0]]


def beyond(cause: Exception) -> BackpropError:
    return BackpropError(
        "precision",
        f"a number here is beyond difference quotients: {cause}",
        hint="check at another point",
    )


Moved = Callable[[Pass, Any], Ball]
"""The value that changes, as a function of the step; raises where there is none."""


DEAR = 800
"""Bits of numbers from which on an operation costs more, as the square of them."""


@dataclass(slots=True)
class Work:
    """Work that is left, in operands that are looked at; cost: of one value."""

    left: int
    cost: int = 1

    def spend(self, values: int, bits: int) -> None:
        """Take off so many values of so many bits."""
        self.left -= int(values * self.cost * max(1, bits / DEAR) ** 2)


class Slopes(NamedTuple):
    """What quotients say of a function at a point.

    kind: smooth, where both sides have one slope; kink, where each has its own; jump, where the
    values differ however small the step; edge, where only one side has values; none, where neither
    has; undecided, where the quotients do not settle; flat, where the values do not differ at a step
    that may be too large. slope: of both sides, or of the only one; between them where they differ;
    None where it is unknown. left, right: the one-sided slopes, or quotients that do not settle;
    None where there is no value. step: the larger one.
    """

    kind: str
    slope: Any
    left: Any
    right: Any
    step: Any


class Side(NamedTuple):
    """The quotients on one side at a step (far) and at the narrower one (near)."""

    far: Any
    near: Any
    noise: Any  # a bound on the error of the near one

    def settles(self, scale: Any) -> bool:
        """Whether the smaller step leaves the quotient as it is, beside a slope of that size."""
        return bool(abs(self.far - self.near) + self.noise <= CLOSE * scale)

    def flat(self, floor: Any) -> bool:
        """Whether the values do not differ, though they are known so well."""
        return bool(max(abs(self.far), abs(self.near)) <= self.noise <= floor)


def slopes(
    passes: Passes,
    moved: Moved,
    sources: Sequence[int],
    claimed: Any,
    singular: bool,
    work: Work,
    steps: Sequence[int] = STEPS,
) -> Slopes:
    """The slopes of a function of a step, at the step 0.

    sources: the nodes that move, beside which the step is small. claimed: the slope that is to be judged,
    whose digits should be told; 0 is told from whatever a float can hold. singular: whether a kink
    or a jump is possible here; elsewhere a function of this language is analytic, and nothing but
    too large a step can make it look otherwise. work: what may be spent; a first look is taken
    in any case. steps: see STEPS. Quotients that fall with every step tend to 0.
    """
    claimed = abs(claimed)
    last: Slopes | None = None
    falls = 0
    for power in steps:
        if last is not None and work.left <= 0:
            break
        found = at_step(passes, moved, sources, claimed, power, work)
        if found is None:
            break
        if found.kind == "smooth":
            return found
        if found.kind == "edge" and agrees(found.slope, claimed):
            return found
        same = last is not None and found.kind == last.kind and persists(last, found)
        if same and (found.kind == "edge" or (singular and found.kind in ("kink", "jump"))):
            return found
        if last is not None:
            falls += found.kind == "flat" or steepest(found) * ENOUGH < steepest(last)
        last = found
    if last is None:
        return Slopes("undecided", None, None, None, None)
    if falls == len(STEPS) - 1 and (not claimed or steepest(last) <= CLOSE * claimed):
        zero = 0 * last.step
        left, right = (None if x is None else zero for x in (last.left, last.right))
        kind = "edge" if left is None or right is None else "smooth"
        return Slopes(kind, zero, left, right, last.step)
    if last.kind in ("none", "edge") or (singular and last.kind == "kink"):
        return last
    return last._replace(kind="undecided", slope=None)


def steepest(slopes: Slopes) -> Any:
    """The larger of the one-sided quotients."""
    return max([abs(x) for x in (slopes.left, slopes.right) if x is not None], default=0)


def agrees(slope: Any, claimed: Any) -> bool:
    return slope is not None and bool(abs(abs(slope) - claimed) <= CLOSE * claimed)


def persists(before: Slopes, now: Slopes) -> bool:
    """Whether smaller steps show the same kink, jump or edge."""
    if now.kind == "jump":
        pairs = [(before.left, now.left), (before.right, now.right)]
        return any(
            x is not None and y is not None and 2 * abs(y * now.step) >= abs(x * before.step) > 0
            for x, y in pairs
        )
    sides = [(before.left, now.left), (before.right, now.right)]
    known = [(x, y) for x, y in sides if x is not None and y is not None]
    scale = max([abs(y) for _, y in known], default=0)
    return bool(known) and all(abs(x - y) <= CLOSE * scale for x, y in known)


def at_step(
    passes: Passes,
    moved: Moved,
    sources: Sequence[int],
    claimed: Any,
    power: int,
    work: Work,
) -> Slopes | None:
    """What a step and a narrower one show, in numbers of as many bits as that takes.

    None where these are more than there are, or may be computed with.
    """
    bits = power + NARROWER + SPARE
    while (point := passes.of(bits)) is not None:
        work.spend(2, point.lenient.bits)
        with point.lenient.context():
            sizes = [abs(ball[0]) for k in sources if (ball := point.values[k]) and ball[0]]
            size = min(sizes, default=point.lenient.one[0])
            if passes.steps_over:
                size = min(size, point.lenient.one[0])
            step = point.lenient.module.ldexp(size, -power)
            try:
                found, missing = looked(point, moved, step, claimed, work)
            except Undecided:
                return Slopes("undecided", None, None, None, step)
        if not missing:
            return found
        if work.left <= 0:
            break
        bits = point.lenient.bits + max(missing, 1)
    return None


def looked(
    point: Pass, moved: Moved, step: Any, claimed: Any, work: Work
) -> tuple[Slopes | None, int]:
    """What a step and a narrower one show, and how many bits are missing for that."""
    ldexp = point.lenient.module.ldexp
    floor = CLOSE * claimed or ldexp(1, SMALLEST)
    narrow = ldexp(step, -NARROWER)
    middle = attempt(point, moved, 0 * step)
    if middle is None:
        return Slopes("none", None, None, None, step), 0

    def quotient(h: Any) -> Ball | None:
        ball = attempt(point, moved, h)
        if ball is None:
            return None
        if ball is middle:  # nothing that the step reaches has changed
            return 0 * step, 0 * step
        return (ball[0] - middle[0]) / h, (ball[1] + middle[1]) / abs(h)

    far_right, near_left = quotient(step), quotient(-narrow)
    if far_right is not None and near_left is not None:
        slope = near_left[0]
        both = Side(far_right[0], *near_left)
        if both.settles(abs(slope)) and agrees(slope, claimed):
            return Slopes("smooth", slope, slope, far_right[0], step), 0
    work.spend(2, point.lenient.bits)
    sides = [side(quotient(-step), near_left), side(far_right, quotient(narrow))]
    known = [one for one in sides if one is not None]
    if not known:
        return Slopes("none", None, None, None, step), 0
    near = sum(one.near for one in known) / len(known)
    both = Side(sum(one.far for one in known) / len(known), near, max(one.noise for one in known))
    tolerance = max(CLOSE * abs(near), floor)
    if ENOUGH * both.noise > tolerance:
        return None, size_of(both.noise * ENOUGH / tolerance)
    left: Any
    right: Any
    left, right = (None if one is None else one.near for one in sides)
    if len(known) == 1:
        kind = "edge" if both.settles(abs(near)) else "flat" if both.flat(floor) else "undecided"
        return Slopes(kind, near, left, right, step), 0
    gap, wider_gap = abs(left - right), abs(known[0].far - known[1].far)
    straight = gap <= max(CLOSE * abs(near), wider_gap / ENOUGH) + 4 * both.noise
    # Where one side's quotient falls as fast as the step, the step is small beside the scale.
    linear = abs(ldexp(gap, NARROWER) - wider_gap) * ENOUGH < wider_gap
    if straight and (both.settles(abs(near)) or (linear and both.flat(floor))):
        return Slopes("smooth", near, left, right, step), 0
    if straight and both.flat(floor):
        return Slopes("flat", near, left, right, step), 0
    steepest = max(abs(left), abs(right))
    if all(one.settles(steepest) for one in known):
        return Slopes("kink", near, left, right, step), 0
    # Whether the values differ by as much as before though the step is so much smaller.
    grows = any(abs(one.near) >= abs(one.far) * 2.0 ** (NARROWER - 1) > 0 for one in known)
    left, right = (one.far for one in known)
    return Slopes("jump" if grows else "undecided", None, left, right, step), 0


def side(far: Ball | None, near: Ball | None) -> Side | None:
    """The quotients of one side, where it has both values."""
    return None if far is None or near is None else Side(far[0], near[0], near[1])


def attempt(point: Pass, moved: Moved, step: Any) -> Ball | None:
    """A value at a step; None where the function has none there. Raises Undecided."""
    try:
        ball = moved(point, step)
    except (DomainError, ZeroDivisionError, ValueError):
        return None
    return ball if abs(ball[0]) < INFINITY else None
