"""The methods of descent: how a gradient becomes a step.

Every input goes its own way, so a method is a function of one gradient and of the few numbers
that it remembers of that input. A new one is one row.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["METHODS", "Memory", "Method"]

Memory = tuple[float, ...]
"""What a method remembers of one input."""


@dataclass(frozen=True, slots=True)
class Method:
    """One row of METHODS: how a gradient becomes a step.

    memory: what it remembers of an input before the first step. direction: (gradient, memory,
    number of the step) -> (the step over the rate, the next memory). reach: the largest step,
    over the rate, that it can still come to while the gradient stays what it is.
    """

    doc: str
    memory: Memory
    direction: Callable[[float, Memory, int], tuple[float, Memory]]
    reach: Callable[[float], float]


def gradient_step(gradient: float, memory: Memory, number: int) -> tuple[float, Memory]:
    return gradient, memory


BETA = 0.9


def momentum(gradient: float, memory: Memory, number: int) -> tuple[float, Memory]:
    """Polyak's heavy ball (1964), the rate kept outside: v = 0.9*v + gradient, x -= rate*v."""
    velocity = BETA * memory[0] + gradient
    return velocity, (velocity,)


def momentum_reach(gradient: float) -> float:
    """The velocity of a constant slope."""
    return abs(gradient) / (1 - BETA)


BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


def adam(gradient: float, memory: Memory, number: int) -> tuple[float, Memory]:
    """Algorithm 1 of Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015.

    With the constants given there, and with its bias correction. What is remembered is the root
    of its second moment, so that no gradient is too large or too small to be squared.
    """
    first = BETA1 * memory[0] + (1 - BETA1) * gradient
    root = math.hypot(math.sqrt(BETA2) * memory[1], math.sqrt(1 - BETA2) * gradient)
    mean = first / (1 - BETA1**number)
    size = root / math.sqrt(1 - BETA2**number)
    return mean / (size + EPSILON), (first, root)


def adam_reach(gradient: float) -> float:
    """At most 6.6, while the second moment, which is slower, catches up with the first."""
    return 7.0 if gradient else 0.0


METHODS = {
    "gd": Method("rate x gradient", (), gradient_step, abs),
    "momentum": Method("rate x v with v = 0.9*v + gradient", (0.0,), momentum, momentum_reach),
    "adam": Method("rate x mean / size of the gradients so far", (0.0, 0.0), adam, adam_reach),
}
"""The methods: one row each."""
