"""Steps along the gradient: what a gradient is for.

A gradient predicts: gradient x change, summed over the inputs, is what the output will do to
first order. A step shows it beside what the output did, and a run is such steps until all are
taken, or until one changes nothing or leads nowhere.

Values and gradients are as certain as everywhere (see evaluate). The update itself, and the
changes, are plain float arithmetic: one gd step is x - rate*gradient, rounded as Python rounds it.
"""

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ..errors import BackpropError, few, shorten, suggestion, usage
from ..language.graph import Graph
from ..language.printer import shown_text
from ..numbers.decimal import short_number
from ..passes.run import Target
from ..trace.evaluate import results
from ..trace.record import Flag, Note
from .optimisers import METHODS, Memory, Method

if TYPE_CHECKING:
    from ..arrays.elements import Elements  # for types only: numbers need it not
    from .batches import Batches  # as this
    from .until import Until  # likewise

__all__ = ["METHODS", "End", "Plan", "Step", "arrived", "check_inputs", "descend", "plan"]

BOUND = 1e15
"""A run has diverged when the output is larger than BOUND x (1 + its size at the start) ..."""
GROWING = 10
"""... and its size grew at each of the last GROWING steps; or when a number overflows."""


@dataclass(frozen=True, slots=True)
class Step:
    """Where a step led. Number 0 is the start, to which nothing led.

    at: the whole point. gradients: there, by the stepped inputs; None where there is none, with a
    flag. Of a program over arrays, both hold nested lists. predicted, actual: the change of the
    output by this step, to first order and in truth; notes: on the numbers at this point.
    """

    number: int
    at: dict[str, Any]
    value: float
    gradients: dict[str, Any]
    predicted: float = 0.0
    actual: float = 0.0
    notes: tuple[Note, ...] = ()
    flags: tuple[Flag, ...] = ()

    def of(self, names: Sequence[str]) -> dict[str, Any]:
        """The values of some inputs; or of elements of them, such as W[0,1]."""
        result = {}
        for name in names:
            if name in self.at:
                result[name] = self.at[name]
                continue
            array, _, places = name.rstrip("]").partition("[")
            result[name] = self.at[array]
            for place in places.split(","):
                result[name] = result[name][int(place)]
        return result


@dataclass(frozen=True, slots=True)
class End:
    """Why a run ended: steps (all are taken), until (as was asked), converged, diverged, undefined or
    interrupted.
    """

    reason: str
    notes: tuple[Note, ...] = ()
    flags: tuple[Flag, ...] = ()


Arrival = Callable[[int, dict[str, float], bool], Step]
"""Value and gradients at a point: of (the step's number, the point, whether the program's notes
come along). Raises BackpropError where there are none; see ``arrived``."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is stepped, how, and how often; made by ``plan``.

    arrival: what there is at a point, the program's own value and gradients; or their means over
    ``rows`` rows, which the program takes at once where ``whole``. batches: of these, where each
    step looks at one of them; everywhere: the same over all rows. until: ends the run when it is
    met. right: counts the rows that a classifier gets right. elements: of a program over arrays,
    which means the one over numbers that is stepped; names: what is stepped, as it is called there.
    """

    target: Target
    at: dict[str, float]
    wrt: tuple[str, ...]
    rate: float
    steps: int
    up: bool
    method: str
    arrival: Arrival
    rows: int = 0
    whole: bool = False
    batches: "Batches | None" = None
    everywhere: Arrival | None = None
    until: "Until | None" = None
    right: Callable[[dict[str, Any]], int | None] | None = None
    elements: "Elements | None" = None
    names: tuple[str, ...] = ()

    @property
    def graph(self) -> Graph:
        """The program."""
        return self.target.graph if self.elements is None else self.elements.program

    @property
    def output(self) -> str:
        """The name of the node that goes up or down."""
        if self.elements is not None:
            return self.elements.output
        return self.target.names.of[self.target.output]

    @property
    def formula(self) -> str:
        """The program as it is printed."""
        return shown_text(self.graph)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of what is stepped."""
        return self.names or self.wrt

    def shown(self, step: Step) -> Step:
        """A step in terms of the program: over arrays, in nested lists."""
        if self.elements is None:
            return step
        gathered, given = self.elements.gathered, self.elements.shapes
        at = gathered(step.at, [name for name in self.graph.variables if name in given])
        return replace(step, at=at, gradients=gathered(step.gradients, self.names))


def plan(
    graph: Graph,
    at: dict[str, float],
    wrt: Sequence[str] = (),
    output: str = "",
    **how: Any,
) -> Plan:
    """A checked plan. wrt: the inputs to step; all that have a value when empty. how: see ``plan_of``.

    Raises BackpropError for a name that is no input, and for numbers out of range.
    """
    names = tuple(dict.fromkeys(wrt)) or tuple(name for name in graph.variables if name in at)
    target = Target(graph, names, output)
    check_inputs(graph, names)
    for name in names:
        if name not in at and not target.needed[graph.variables[name]]:
            raise BackpropError(
                "binding",
                f"no value for {shorten(name)}",
                hint=f"give {shorten(name)} a value",
                node=graph.variables[name],
                missing=(name,),
                reason="unbound",
            )
    point = {name: at[name] for name in graph.variables if name in at}
    return plan_of(target, point, names, partial(arrived, target), **how)


def plan_of(
    target: Target,
    at: dict[str, float],
    wrt: Sequence[str],
    arrival: Arrival,
    rate: float = 0.1,
    steps: int = 1,
    up: bool = False,
    method: str = "gd",
    until: "Until | None" = None,
) -> Plan:
    """A plan whose numbers are checked; see ``Plan``. Raises BackpropError where one is out of range."""
    if not (rate > 0 and math.isfinite(rate)):
        raise usage(
            f"the rate is a positive number, not {rate:g}",
            "turn around with up=True",
            reason="rate",
        )
    if method not in METHODS:
        raise usage(
            f"there is no method {shorten(method)}",
            suggestion(method, METHODS, f"the methods are {few(METHODS)}"),
        )
    return Plan(target, at, tuple(wrt), rate, steps, up, method, arrival, until=until)


def check_inputs(graph: Graph, names: Sequence[str]) -> None:
    """Raise BackpropError where a name is that of a node which is no input."""
    if not graph.variables:
        raise usage("the program has no inputs, so nothing can be stepped")
    for name in names:
        if name not in graph.variables:
            raise BackpropError(
                "name",
                f"{shorten(name)} is computed by the program; only inputs are stepped",
                hint=f"its inputs are {few(graph.variables)}",
            )


def descend(plan: Plan) -> Generator[Step, None, End]:
    """The start and every step of a run, as they are taken; it returns why it ended.

    Raises BackpropError where the start cannot be evaluated. A later point that cannot be is the
    end of the run: the steps before it stand.
    """
    method = METHODS[plan.method]
    memory = dict.fromkeys(plan.wrt, method.memory)
    here = start = plan.arrival(0, plan.at, True)
    watch = Watch(plan)
    yield start
    total, growing = 0.0, 0
    while here.number < plan.steps and not here.flags:
        if watch.met(here):
            return watch.end(here)
        number = here.number + 1
        point = moved(plan, method, memory, here)
        if plan.batches is None and stuck(plan, method, here, point):
            return converged(here)
        try:
            step = arrive(plan, number, point, here)
        except BackpropError as error:
            return nowhere(plan, number, error)
        total += step.predicted
        if not math.isfinite(total) or not math.isfinite(step.value - start.value):
            return nowhere(plan, number, overflows("the change of the output"))
        growing = growing + 1 if abs(step.value) > abs(here.value) else 0
        here = step
        yield here
        if growing >= GROWING and abs(here.value) > BOUND * (1 + abs(start.value)):
            return diverged(plan, here)
    if here.number < plan.steps:
        why = f"no step leads on from {at_step(here.number)}"
        flags = [flag._replace(message=f"{flag.message}; {why}") for flag in here.flags]
        return End("undefined", flags=tuple(flags))
    if plan.until is not None and not here.flags:
        watch.met(here)
        return watch.end(here)
    return End("steps", flags=here.flags)


class Watch:
    """Whether a run has come as far as is asked: after every step, or where steps look at batches,
    over all rows after every epoch.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.before: float | None = None
        self.measure: float | None = None
        self.reached = False

    def met(self, here: Step) -> bool:
        """Whether the run ends here; every step is asked about, and the last."""
        asked, batches = self.plan.until, self.plan.batches
        if asked is None:
            return False
        if batches is not None:
            assert self.plan.everywhere is not None
            if here.number % batches.steps and here.number < self.plan.steps:
                return False
            try:
                here = self.plan.everywhere(here.number, here.at, False)
            except BackpropError:  # the end of a run says so
                return False
        self.measure = asked.measured(here.value, here.gradients, self.before)
        self.before, self.reached = here.value, asked.met(self.measure)
        return self.reached

    def end(self, here: Step) -> End:
        """The end of the run, and how far it came."""
        assert self.plan.until is not None
        reason = "until" if self.reached else "steps"
        if self.measure is None:
            return End(reason, flags=here.flags)
        each = "step" if self.plan.batches is None else "epoch"
        why = self.plan.until.why(self.measure, at_step(here.number), each, met=self.reached)
        return End(reason, (Note("until", "", why),), here.flags)


def moved(plan: Plan, method: Method, memory: dict[str, Memory], here: Step) -> dict[str, float]:
    """The point after one more step, and its memory in place."""
    point = dict(here.at)
    for name, gradient in here.gradients.items():
        assert gradient is not None  # the run ends at flags
        direction, memory[name] = method.direction(gradient, memory[name], here.number + 1)
        change = plan.rate * direction
        x = point[name]
        point[name] = (x + change if plan.up else x - change) + 0.0
    return point


def stuck(plan: Plan, method: Method, here: Step, point: dict[str, float]) -> bool:
    """Whether a step changes no float, nor would any after it: momentum may pause as it turns."""
    return point == here.at and all(
        x - change == x == x + change
        for x, change in (
            (here.at[name], plan.rate * method.reach(gradient or 0.0))
            for name, gradient in here.gradients.items()
        )
    )


def arrive(plan: Plan, number: int, point: dict[str, float], here: Step) -> Step:
    """The step to a point. Raises BackpropError where the point or the change does not exist."""
    for name in plan.wrt:
        if not math.isfinite(point[name]):
            raise overflows(shorten(name))
    try:
        predicted = math.fsum(
            gradient * (point[name] - here.at[name])
            for name, gradient in here.gradients.items()
            if gradient is not None
        )
    except (OverflowError, ValueError):  # beyond the floats; inf - inf
        predicted = math.inf
    step = plan.arrival(number, point, False)
    if plan.batches is not None:  # of other rows than the step before
        return step
    actual = step.value - here.value
    if not (math.isfinite(predicted) and math.isfinite(actual)):
        raise overflows("the change of the output")
    return replace(step, predicted=predicted + 0.0, actual=actual + 0.0)


def arrived(target: Target, number: int, point: dict[str, float], notes: bool = False) -> Step:
    """Value and gradients at a point; notes: with those on the program itself.

    Raises BackpropError as ``evaluate`` does.
    """
    here = results(target, point, notes)
    return Step(number, point, here.value, here.gradients, notes=here.notes, flags=here.flags)


# why a run ends

UNBOUNDED = "stopped at {step}: the output is {value} and goes {way} without bound"

DIVERGED = (
    "diverged at {step}: the output is {value}, and its size grew at each of the last"
    f" {GROWING} steps; a smaller rate may help"
)


def at_step(number: int) -> str:
    return f"step {number:,}" if number else "the start"


def converged(here: Step) -> End:
    """The end where nothing changes any more; that it is a minimum is not said."""
    if any(here.gradients.values()):
        why = "no number changes any more: what rate and gradient ask for is below the last digit"
    else:
        why = "the gradient is 0 there, so nothing changes any more"
    return End("converged", (Note("converged", "", f"converged at {at_step(here.number)}: {why}"),))


def diverged(plan: Plan, here: Step) -> End:
    """The end of a run whose output grows without bound."""
    sign = "+" if here.value > 0 else "-"
    template = UNBOUNDED if (sign == "+") == plan.up else DIVERGED
    message = template.format(
        step=at_step(here.number), value=short_number(here.value), way="up" if plan.up else "down"
    )
    return End("diverged", flags=(Flag("steps", "diverged", sign, plan.output, message),))


def overflows(what: str) -> BackpropError:
    return BackpropError(
        "overflow", f"{what} overflows: it is beyond the largest number, 1.79769e+308"
    )


def nowhere(plan: Plan, number: int, error: BackpropError) -> End:
    """The end before a point that cannot be evaluated."""
    why = f"{error.message} ({error.label})" if error.label else error.message
    kept = f"{at_step(number - 1)} is the last one that is kept"
    node = plan.target.output if error.node is None else error.node
    name = plan.target.names.near(node)
    if error.kind == "overflow":
        message = f"diverged at {at_step(number)}: {why}; {kept}, and a smaller rate may help"
        return End("diverged", flags=(Flag("steps", "overflow", "", name, message),))
    message = f"{at_step(number)} leads nowhere: {why}; {kept}"
    return End("undefined", flags=(Flag("steps", "undefined", "", name, message),))
