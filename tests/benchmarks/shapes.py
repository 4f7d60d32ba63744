"""Large programs of four shapes, and the same expressions for other libraries.

An expression that is built by Python's operators over any kind of scalar is built once for all
peers, and the programs are its text. What is right comes from neither: every shape has gradients
that are known on paper.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Functions = Mapping[str, Callable[[Any], Any]]


@dataclass(frozen=True, slots=True)
class Program:
    """A program, its point, how many nodes its tape has, and the right answer."""

    text: str
    at: dict[str, float]
    nodes: int
    value: float
    gradients: dict[str, float]

    def holds(self, value: float, gradients: Mapping[str, float]) -> bool:
        """Whether an answer is the right one, to nine digits."""
        return math.isclose(value, self.value, rel_tol=1e-9) and all(
            math.isclose(gradients[name], right, rel_tol=1e-9)
            for name, right in self.gradients.items()
        )


@dataclass(frozen=True, slots=True)
class Shape:
    """units: of how many parts a program of so many nodes consists."""

    meaning: str
    units: Callable[[int], int]
    program: Callable[[int], Program]
    build: Callable[[int, Mapping[str, Any], Functions], Any]


def scale(unit: int) -> float:
    """What makes one neuron of a sum unlike the next; exact in binary."""
    return 1 + unit % 7 / 8


def wide_program(units: int) -> Program:
    at = {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0}
    w0, x0, w1, x1, w2 = at.values()
    sigmoids = [1 / (1 + math.exp(-(w0 * x0 * scale(k) + w1 * x1 + w2))) for k in range(units)]
    slopes = [s * (1 - s) for s in sigmoids]
    total = math.fsum(slopes)
    scaled = math.fsum(slope * scale(k) for k, slope in enumerate(slopes))
    return Program(
        " + ".join(f"1/(1 + exp(-(w0*x0*{scale(unit)} + w1*x1 + w2)))" for unit in range(units)),
        at,
        13 * units + 4,
        math.fsum(sigmoids),
        {"w0": x0 * scaled, "x0": w0 * scaled, "w1": x1 * total, "x1": w1 * total, "w2": total},
    )


def wide(units: int, at: Mapping[str, Any], functions: Functions) -> Any:
    w0, x0, w1, x1, w2 = at.values()
    exp = functions["exp"]
    total = 1 / (1 + exp(-(w0 * x0 * scale(0) + w1 * x1 + w2)))
    for unit in range(1, units):
        total = total + 1 / (1 + exp(-(w0 * x0 * scale(unit) + w1 * x1 + w2)))
    return total


def deep_program(units: int) -> Program:
    text = "relu(1 + " * units + "x" + ")" * units
    return Program(text, {"x": 0.5}, 3 * units + 1, units + 0.5, {"x": 1.0})


def deep(units: int, at: Mapping[str, Any], functions: Functions) -> Any:
    relu, out = functions["relu"], at["x"]
    for _ in range(units):
        out = relu(1 + out)
    return out


def staged_program(units: int) -> Program:
    stages = ["s0 = x", *(f"s{k} = s{k - 1}*x + 1" for k in range(1, units + 1))]
    slope = units * (units + 1) / 2
    return Program("; ".join(stages), {"x": 1.0}, 3 * units + 2, units + 1.0, {"x": slope + 1})


def staged(units: int, at: Mapping[str, Any], functions: Functions) -> Any:
    x = out = at["x"]
    for _ in range(units):
        out = out * x + 1
    return out


def rounded_program(units: int) -> Program:
    value, slope = 1.0, 1.0
    for _ in range(units):
        value, slope = math.sin(value), slope * math.cos(value)
    return Program("sin(" * units + "x" + ")" * units, {"x": 1.0}, units + 1, value, {"x": slope})


def rounded(units: int, at: Mapping[str, Any], functions: Functions) -> Any:
    sin, out = functions["sin"], at["x"]
    for _ in range(units):
        out = sin(out)
    return out


SHAPES = {
    "wide": Shape("a sum of sigmoid neurons", lambda n: n // 13, wide_program, wide),
    "deep": Shape("relu(1 + relu(1 + ... x))", lambda n: n // 3, deep_program, deep),
    "staged": Shape("s1 = s0*x + 1; s2 = s1*x + 1; ...", lambda n: n // 3, staged_program, staged),
    "rounded": Shape("sin(sin(... x)): every call rounds", lambda n: n, rounded_program, rounded),
}
