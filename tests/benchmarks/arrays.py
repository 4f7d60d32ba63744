"""Programs of a lecture's size over arrays: milliseconds of processor time of `Program.at`.

Each is read beforehand, and evaluated at a point of two decimals: with its nodes, as a table shows
them, and without, as a caller wants its gradients.
"""

import random
import time
from collections.abc import Callable
from typing import Any

from backprop_grammar import Program
from backprop_grammar.arrays.evaluate import evaluate
from backprop_grammar.arrays.point import bind
from backprop_grammar.language.parser import parse

from .report import Table, rounds, short

Draw = Callable[..., Any]


def drawn(rng: random.Random, *shape: int) -> Any:
    """Numbers of two decimals, nested."""
    if not shape:
        return round(rng.gauss(0, 1), 2)
    return [drawn(rng, *shape[1:]) for _ in range(shape[0])]


ATTENTION = "sum((softmax(Q @ K.T/sqrt(8)) @ V)^2)"

PROGRAMS: dict[str, tuple[str, dict[str, tuple[int, ...]], dict[str, int]]] = {
    # what is measured: program, shapes of what is drawn, and how many labels there are below 3
    "the lecture's example": ("sum((W @ x)^2)", {"W": (2, 2), "x": (2,)}, {}),
    "layer 2x2x3": ("sum(X @ W + b)", {"X": (2, 2), "W": (2, 3), "b": (3,)}, {}),
    "softmax layer 4x3": ("cross_entropy(X @ W + b, y)", {"X": (4, 3), "W": (3, 3), "b": (3,)}, {"y": 4}),
    "two layers 8x4x5x3": ("cross_entropy(tanh(X @ W1 + b1) @ W2 + b2, y)",
        {"X": (8, 4), "W1": (4, 5), "b1": (5,), "W2": (5, 3), "b2": (3,)}, {"y": 8}),
    "layer 8x8x8": ("mean(tanh(X @ W + b)^2)", {"X": (8, 8), "W": (8, 8), "b": (8,)}, {}),
    "batch norm 8x4": ("mu = mean(x, axis=0); v = mean((x - mu)^2, axis=0); sum(w*(g*(x - mu)/sqrt(v + 1e-5) + b))",
        {"x": (8, 4), "w": (8, 4), "g": (4,), "b": (4,)}, {}),
    "attention 4x8": (ATTENTION, {"Q": (4, 8), "K": (4, 8), "V": (4, 8)}, {}),
    "attention 8x16": (ATTENTION, {"Q": (8, 16), "K": (8, 16), "V": (8, 16)}, {}),
}  # fmt: skip


def point(name: str) -> dict[str, Any]:
    """The point of a program, always the same."""
    rng = random.Random(name)
    _, shapes, labels = PROGRAMS[name]
    at = {variable: drawn(rng, *shape) for variable, shape in shapes.items()}
    return at | {variable: [rng.randrange(3) for _ in range(n)] for variable, n in labels.items()}


def run(name: str, nodes: bool) -> float:
    """Milliseconds of one evaluation."""
    program, at = Program(PROGRAMS[name][0]), point(name)
    start = time.process_time()
    program.at(at, nodes=nodes)
    return 1000 * (time.process_time() - start)


def numbers(text: str, at: dict[str, Any], nodes: bool) -> int:
    """How many numbers a program means."""
    bound, given = bind(parse(text), at)
    return len(evaluate(bound, given, nodes=nodes).numbers.tape)


def measured(count: int) -> Table:
    """The least milliseconds of so many rounds, and how many numbers the programs mean."""
    contestants = {
        f"{name}, {nodes}": (lambda name=name, nodes=nodes: run(name, nodes))
        for name in PROGRAMS
        for nodes in (True, False)
    }
    figures = rounds(contestants, count)
    rows = []
    for name, (text, _, _) in PROGRAMS.items():
        tapes = [numbers(text, point(name), nodes) for nodes in (True, False)]
        both = [short(min(figures[f"{name}, {nodes}"])) for nodes in (True, False)]
        rows.append([name, both[0], f"{tapes[0]:,}", both[1], f"{tapes[1]:,}"])
    return Table(
        "Programs over arrays, in milliseconds",
        f"Processor time of Program.at, the least of {count} rounds; beside it the nodes of the tape of "
        "numbers that certifies every element, up to 3,000 operations; a larger program is computed array by "
        "array. With its nodes, each use of an element has one of its own.",
        ("program", "with nodes", "numbers", "without", "numbers"),
        rows,
    )
