"""One gradient from a shell: whole processes, beside a bare `python -c pass`.

Who needs one gradient in a script pays mostly for imports, so the process is what is timed, from
its start to its end, for a command and for a Python one-liner alike.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence

from .report import Table, median, present, rounds, short, times

PROGRAM = "1/(1+exp(-(w0*x0+w1*x1+w2)))"
POINT = {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0}
AT = ",".join(f"{name}={value:g}" for name, value in POINT.items())

PREPARED = "import json; p = [2.0, -1.0, -3.0, -2.0, -3.0]\n"

PEERS = {
    "micrograd": """
import math
from micrograd.engine import Value
def exp(x):  # the package has none
    out = Value(math.exp(x.data), (x,), "exp")
    def back():
        x.grad += out.data * out.grad
    out._backward = back
    return out
w0, x0, w1, x1, w2 = v = [Value(x) for x in p]
f = 1/(1+exp(-(w0*x0+w1*x1+w2))); f.backward()
print(json.dumps([f.data, *[x.grad for x in v]]))
""",
    "autograd": """
import autograd, autograd.numpy as np
def f(v):
    w0, x0, w1, x1, w2 = v
    return 1/(1+np.exp(-(w0*x0+w1*x1+w2)))
value, gradient = autograd.value_and_grad(f)(np.array(p))
print(json.dumps([float(value), *map(float, gradient)]))
""",
    "torch": """
import torch
w0, x0, w1, x1, w2 = v = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in p]
f = 1/(1+torch.exp(-(w0*x0+w1*x1+w2))); f.backward()
print(json.dumps([f.item(), *[x.grad.item() for x in v]]))
""",
    "jax": """
import jax, jax.numpy as np
jax.config.update("jax_enable_x64", True)
def f(v):
    w0, x0, w1, x1, w2 = v
    return 1/(1+np.exp(-(w0*x0+w1*x1+w2)))
value, gradient = jax.value_and_grad(f)(p)
print(json.dumps([float(value), *map(float, gradient)]))
""",
    "sympy": """
import sympy
v = w0, x0, w1, x1, w2 = sympy.symbols("w0 x0 w1 x1 w2")
f = 1/(1+sympy.exp(-(w0*x0+w1*x1+w2))); at = dict(zip(v, p))
print(json.dumps([float(g.subs(at)) for g in [f, *[f.diff(x) for x in v]]]))
""",
    "casadi": """
import casadi
w0, x0, w1, x1, w2 = v = [casadi.SX.sym(n) for n in ("w0", "x0", "w1", "x1", "w2")]
f = 1/(1+casadi.exp(-(w0*x0+w1*x1+w2))); v = casadi.vertcat(*v)
value, gradient = casadi.Function("f", [v], [f, casadi.gradient(f, v)])(p)
print(json.dumps([float(value), *gradient.full().ravel().tolist()]))
""",
}

LIMIT = 120.0
"""Seconds that one process may take."""


def truth() -> list[float]:
    """The value and the five gradients, from the formula on paper."""
    w0, x0, w1, x1, w2 = POINT.values()
    e = math.exp(-(w0 * x0 + w1 * x1 + w2))
    slope = e / (1 + e) ** 2
    return [1 / (1 + e), slope * x0, slope * w0, slope * x1, slope * w1, slope]


def ran(command: Sequence[str]) -> str:
    """The standard output of a process, run away from the clone so that it uses what is installed.

    Its environment is ours, but that Python may keep what it has compiled, as it does for anyone.
    """
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run(
        command, cwd=tempfile.gettempdir(), env=kept, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=LIMIT, check=True,
    ).stdout  # fmt: skip


def numbers(output: str) -> list[float]:
    """The value and the gradients that a contestant printed."""
    found = json.loads(output)
    return [found["value"], *found["gradients"].values()] if isinstance(found, dict) else found


def right(output: str) -> bool:
    return all(
        math.isclose(number, expected, rel_tol=1e-12)
        for number, expected in zip(numbers(output), truth(), strict=True)
    )


def contestants() -> dict[str, tuple[list[str], Callable[[str], bool] | None]]:
    """Commands by name, each with what its output must fulfil."""
    ours = [sys.executable, "-m", "backprop_cli"]
    point = ["eval", PROGRAM, "--at", AT]
    found: dict[str, tuple[list[str], Callable[[str], bool] | None]] = {
        "bare Python": ([sys.executable, "-c", "pass"], None),
        "backprop eval --json": ([*ours, *point, "--json"], right),
        "backprop eval": ([*ours, *point], lambda output: "0.731059" in output),
        "backprop --help": ([*ours, "--help"], lambda output: "eval" in output),
    }
    for module, script in PEERS.items():
        if present(module):
            found[module] = [sys.executable, "-c", PREPARED + script], right
    return found


def processor_time() -> float:
    """Seconds of all processes that have ended, in the system and out of it."""
    spent = os.times()
    return spent.children_user + spent.children_system


def measured(count: int) -> Table:
    """The table of whole processes."""
    checked = contestants()
    for name, (command, holds) in checked.items():
        output = ran(command)  # fills the caches, too
        if holds and not holds(output):
            raise AssertionError(f"{name} answers {output}")

    def timer(command: list[str]) -> Callable[[], tuple[float, float]]:
        def run() -> tuple[float, float]:
            start, spent = time.perf_counter(), processor_time()
            ran(command)
            return (time.perf_counter() - start) * 1e3, (processor_time() - spent) * 1e3

        return run

    found = rounds({name: timer(command) for name, (command, _) in checked.items()}, count)
    figures = {name: [clock for clock, _ in both] for name, both in found.items()}
    spent = {name: median([processor for _, processor in both]) for name, both in found.items()}
    floor = median(figures["bare Python"])
    ours = median(figures["backprop eval --json"]) - floor
    rows = []
    for name, clocks in figures.items():
        over = median(clocks) - floor
        cells = ["-", "-"] if name == "bare Python" else [short(over), times(over / ours)]
        rows.append([name, short(median(clocks)), short(min(clocks)), *cells, short(spent[name])])
    rows += [[module, "absent", "", "", "", ""] for module in PEERS if not present(module)]
    return Table(
        "One gradient from a shell",
        f"Whole processes, milliseconds by the clock, {count} rounds: the sigmoid neuron of five variables in "
        "double precision, value and five gradients checked.",
        ("process", "median", "least", "over bare Python", "to ours", "processor time"),
        rows,
    )
