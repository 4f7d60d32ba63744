"""One large program: text to graph, and graph to numbers, beside libraries that build the same.

Recursion, memory and time limits are part of the answer. So every figure comes from a process of
its own, which may crash or be stopped, and which says how much it grew.

A process is `python -m tests.benchmarks.program CONTESTANT SHAPE UNITS`; it prints the seconds of
the work itself, without imports and without making the text, and the bytes that it grew by.
"""

import gc
import json
import math
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from .report import ROOT, Table, median, present, rounds, short, times
from .shapes import SHAPES, Program, Shape

SIZES = (1_000, 10_000, 100_000, 1_000_000)

LIMIT = 60.0
"""Seconds that one process may take."""

ENOUGH = 30_000
"""Nodes that a process works through at least, so that a small program is timed several times."""

PARSE, NUMBERS = "ours: parse", "ours: build, forward, backward"

Answer = tuple[float, dict[str, float]]


def parsed(shape: Shape, units: int, program: Program) -> Callable[[], Callable[[], Answer]]:
    from backprop_grammar.language.parser import parse
    from backprop_grammar.trace.evaluate import evaluate

    def work() -> Callable[[], Answer]:
        graph = parse(program.text)
        assert len(graph) == program.nodes
        return lambda: numbers(evaluate(graph, program.at, nodes=False))

    return work


def computed(shape: Shape, units: int, program: Program) -> Callable[[], Answer]:
    from backprop_grammar.language.parser import parse
    from backprop_grammar.trace.evaluate import evaluate

    graph = parse(program.text)
    return lambda: numbers(evaluate(graph, program.at, nodes=False))


def numbers(trace: Any) -> Answer:
    return trace.value, trace.gradients


def micrograd(shape: Shape, units: int, program: Program) -> Callable[[], Answer]:
    from micrograd.engine import Value

    def unary(value: Callable[[float], float], slope: Callable[[float], float]) -> Any:
        def apply(x: Any) -> Any:
            out = Value(value(x.data), (x,))

            def back() -> None:
                x.grad += slope(x.data) * out.grad

            out._backward = back
            return out

        return apply

    functions = {
        "exp": unary(math.exp, math.exp),
        "sin": unary(math.sin, math.cos),
        "relu": Value.relu,
    }

    def work() -> Answer:
        leaves = {name: Value(value) for name, value in program.at.items()}
        out = shape.build(units, leaves, functions)
        out.backward()
        return out.data, {name: leaf.grad for name, leaf in leaves.items()}

    return work


def autograd(shape: Shape, units: int, program: Program) -> Callable[[], Answer]:
    import autograd.numpy as np
    from autograd import make_vjp

    functions = {"exp": np.exp, "sin": np.sin, "relu": lambda x: np.maximum(x, 0.0)}

    def work() -> Answer:
        names = list(program.at)
        back, value = make_vjp(
            lambda *leaves: shape.build(units, dict(zip(names, leaves, strict=True)), functions),
            argnum=tuple(range(len(names))),
        )(*program.at.values())
        return float(value), dict(zip(names, map(float, back(1.0)), strict=True))

    return work


def torch(shape: Shape, units: int, program: Program) -> Callable[[], Answer]:
    import torch

    torch.set_num_threads(1)
    functions = {"exp": torch.exp, "sin": torch.sin, "relu": torch.relu}
    torch.ones(1, requires_grad=True).sum().backward()  # starts its threads

    def work() -> Answer:
        leaves = {
            name: torch.tensor(value, dtype=torch.float64, requires_grad=True)
            for name, value in program.at.items()
        }
        out = shape.build(units, leaves, functions)
        out.backward()
        return out.item(), {name: leaf.grad.item() for name, leaf in leaves.items()}

    return work


def casadi(shape: Shape, units: int, program: Program) -> Callable[[], Answer]:
    import casadi

    functions = {
        "exp": casadi.exp,
        "sin": casadi.sin,
        "relu": lambda x: casadi.fmax(x, 0),
    }

    def work() -> Answer:
        leaves = {name: casadi.SX.sym(name) for name in program.at}
        out = shape.build(units, leaves, functions)
        inputs = casadi.vertcat(*leaves.values())
        both = casadi.Function("f", [inputs], [out, casadi.gradient(out, inputs)])
        value, gradient = both(list(program.at.values()))
        return float(value), dict(zip(leaves, gradient.full().ravel().tolist(), strict=True))

    return work


def sympy(shape: Shape, units: int, program: Program) -> Callable[[], Callable[[], Answer]]:
    from sympy import Float, Function, Symbol
    from sympy.parsing.sympy_parser import parse_expr

    class relu(Function):  # noqa: N801
        @classmethod
        def eval(cls, x: Any) -> Any:
            return max(x, Float(0)) if x.is_Number else None

    def work() -> Callable[[], Answer]:
        found = []
        for stage in program.text.split("; "):
            name, _, expression = stage.rpartition(" = ")
            found.append((name, parse_expr(expression, local_dict={"relu": relu})))

        def answer() -> Answer:
            known = {Symbol(name): Float(value) for name, value in program.at.items()}
            for name, expression in found:
                known[Symbol(name)] = value = expression.xreplace(known).evalf()
            return float(value), program.gradients  # it was only to parse

        return answer

    return work


CONTESTANTS = {
    PARSE: parsed,
    NUMBERS: computed,
    "sympy": sympy,
    "micrograd": micrograd,
    "autograd": autograd,
    "torch": torch,
    "casadi": casadi,
}

WHAT = {PARSE: PARSE, NUMBERS: NUMBERS, "sympy": "SymPy: parse"}
"""How a contestant is shown; the others by name, with what all of them do."""


def resident(field: str) -> int:
    """Bytes of memory this process holds (VmRSS) or held at most (VmHWM); 0 where not known."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    line = next(line for line in status.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


def run(name: str, shape: str, units: int) -> dict[str, Any]:
    """The least of some runs in seconds of processor time, and what the first one needed, in this process."""
    program = SHAPES[shape].program(units)
    work = CONTESTANTS[name](SHAPES[shape], units, program)
    gc.collect()
    before, seconds, grown = resident("VmRSS"), [], 0
    for turn in range(max(1, ENOUGH // program.nodes)):
        start = time.process_time()
        result = work()
        seconds.append(time.process_time() - start)
        if not turn:
            grown = resident("VmHWM") - before
    answer = result() if callable(result) else result
    return {"seconds": min(seconds), "bytes": grown, "right": program.holds(*answer)}


def attempt(name: str, shape: str, units: int, limit: float = LIMIT) -> dict[str, Any]:
    """What a process of its own says, or how it ended: {"failed": why}."""
    command = [sys.executable, "-m", "tests.benchmarks.program", name, shape, str(units)]
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"over {limit:.0f} s"}
    if done.returncode:
        return {"failed": "crashes"}
    found = json.loads(done.stdout.splitlines()[-1])
    return found if found["right"] else {"failed": "wrong answer"}


def threshold(name: str, shape: str, good: int, bad: int, limit: float) -> int:
    """Nodes, to a tenth, from which on a contestant fails that does so at ``bad`` units."""
    while bad - good > max(1, good // 10):
        middle = (good + bad) // 2
        if "failed" in attempt(name, shape, middle, limit):
            bad = middle
        else:
            good = middle
    return SHAPES[shape].program(bad).nodes


def cell(found: list[dict[str, Any]], nodes: int) -> str:
    """Microseconds and bytes per node: the medians of the rounds."""
    text = short(median([one["seconds"] for one in found]) / nodes * 1e6)
    if nodes < 9_000 or not found[0]["bytes"]:
        return text  # too small to tell from what the allocator keeps
    return f"{text} ({median([one['bytes'] for one in found]) / nodes:,.0f} B)"


def compared(shape: str, count: int, sizes: tuple[int, ...] = SIZES, limit: float = LIMIT) -> Table:
    """The table of one shape: microseconds and bytes per node, at every size."""
    names = [name for name in CONTESTANTS if name in (PARSE, NUMBERS) or present(name)]
    cells: dict[str, list[str]] = {name: [] for name in names}
    ratios: dict[str, str] = {}
    failed: dict[str, dict[str, Any]] = {}
    smaller = 1
    for size in sizes:
        units = SHAPES[shape].units(size)
        nodes = SHAPES[shape].program(units).nodes

        def once(name: str, units: int = units) -> dict[str, Any]:
            if name in failed:
                return failed[name]
            result = attempt(name, shape, units, limit)
            if "failed" in result:
                failed[name] = result
            return result

        tried = [name for name in names if name not in failed]
        found = rounds({name: partial(once, name) for name in tried}, count)
        seconds = {
            name: median([one["seconds"] for one in found[name]])
            for name in tried
            if name not in failed
        }
        for name in tried:
            ours = seconds.get(PARSE if name == "sympy" else NUMBERS)
            if name in seconds:
                cells[name].append(cell(found[name], nodes))
                if ours and name not in (PARSE, NUMBERS):
                    ratios[name] = f"{times(seconds[name] / ours)} at {size:,}"
            elif failed[name]["failed"] == "crashes":
                where = threshold(name, shape, smaller, units, limit)
                cells[name].append(f"crashes from {where:,} on")
            else:
                cells[name].append(failed[name]["failed"])
        smaller = units
    rows = [[WHAT.get(name, name), *cells[name], ratios.get(name, "-")] for name in names]
    for row in rows:
        row[-1:-1] = [""] * (len(sizes) + 2 - len(row))
    rows += [[name, "absent", *[""] * len(sizes)] for name in CONTESTANTS if name not in names]
    return Table(
        f"One large program, {shape}: {SHAPES[shape].meaning}",
        f"Microseconds of processor time per node of our tape (and bytes it grew by), {count} rounds, a new process "
        f"each, at most {limit:.0f} s; answers checked to nine digits. A peer that crashes or is "
        "stopped is not tried at larger sizes. Ours parses text, as SymPy does; the others build "
        "from Python. Theirs is to build, run forward and backward.",
        ("contestant", *[f"{size:,} nodes" for size in sizes], "to ours"),
        rows,
    )


if __name__ == "__main__":
    contestant, form, parts = sys.argv[1:]
    print(json.dumps(run(contestant, form, int(parts))))
