"""The sigmoid neuron with five partials over many rows, as every peer writes it best.

What a contestant gets is columns, and what it gives is columns, so each may cut them into chunks,
or not, as it is fastest. A contestant is a function that makes itself ready for five columns and
returns the function that is timed.
"""

import importlib.util
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

NAMES = ("w0", "x0", "w1", "x1", "w2")
PROGRAM = "1/(1+exp(-(w0*x0+w1*x1+w2)))"

CHUNK = 16_384
"""Rows that stay in a core's cache with their temporaries: the best of 2k to 128k for NumPy."""

Column = Any
Answer = Sequence[Column]
"""The value and the gradients by NAMES."""

Contestant = Callable[[Sequence[Column]], Callable[[], Answer]]


def outputs(columns: Sequence[Column]) -> list[Column]:
    return [np.empty_like(columns[0]) for _ in range(6)]


def slices(rows: int) -> list[slice]:
    return [slice(start, start + CHUNK) for start in range(0, rows, CHUNK)]


def floor(columns: Sequence[Column]) -> Callable[[], Answer]:
    """Reads five columns and writes six: five copies and a fill, a chunk at a time."""
    out = outputs(columns)
    parts = slices(len(columns[0]))

    def work() -> Answer:
        for part in parts:
            for source, target in zip(columns, out, strict=False):
                np.copyto(target[part], source[part])
            out[5][part] = 1.0
        return out

    return work


def ours(columns: Sequence[Column]) -> Callable[[], Answer]:
    from backprop_grammar.batch.evaluator import Evaluator, Rows
    from backprop_grammar.language.parser import parse

    kernel = Evaluator(parse(PROGRAM), NAMES, {}, wrt=NAMES)
    given = dict(zip(NAMES, columns, strict=True))
    value, *gradients = outputs(columns)
    into = Rows(value, dict(zip(NAMES, gradients, strict=True)))

    def work() -> Answer:
        rows = kernel(given, into)
        return [rows.value, *[rows.gradients[name] for name in NAMES]]

    return work


def numpy_by_hand(columns: Sequence[Column]) -> Callable[[], Answer]:
    """The fastest that we found: two temporaries that stay in cache; an output is written once."""
    w0, x0, w1, x1, w2 = columns
    value, dw0, dx0, dw1, dx1, dw2 = out = outputs(columns)
    t, u = np.empty((2, CHUNK))
    mul, add, exp, div = np.multiply, np.add, np.exp, np.divide
    parts = slices(len(w0))

    def work() -> Answer:
        for part in parts:
            a, x, b, y, s, g = w0[part], x0[part], w1[part], x1[part], value[part], dw2[part]
            e, r = t[: len(a)], u[: len(a)]
            mul(a, x, out=r)
            mul(b, y, out=e)
            add(e, r, out=e)
            add(e, w2[part], out=e)
            exp(e, out=e)
            add(e, 1.0, out=r)
            div(1.0, r, out=r)
            mul(e, r, out=s)
            mul(s, r, out=g)
            mul(g, x, out=dw0[part])
            mul(g, a, out=dx0[part])
            mul(g, y, out=dw1[part])
            mul(g, b, out=dx1[part])
        return out

    return work


def numpy_plain(columns: Sequence[Column]) -> Callable[[], Answer]:
    """As one writes it: whole columns, a new one for every result."""
    w0, x0, w1, x1, w2 = columns

    def work() -> Answer:
        s = 1 / (1 + np.exp(-(w0 * x0 + w1 * x1 + w2)))
        g = s * (1 - s)
        return s, g * x0, g * w0, g * x1, g * w1, g

    return work


def chunked(
    columns: Sequence[Column], some: Callable[[Sequence[Column]], Answer]
) -> Callable[[], Answer]:
    """A function of columns, applied to a chunk at a time."""
    out = outputs(columns)
    parts = slices(len(columns[0]))

    def work() -> Answer:
        for part in parts:
            for target, result in zip(out, some([c[part] for c in columns]), strict=True):
                target[part] = result
        return out

    return work


def autograd(columns: Sequence[Column]) -> Callable[[], Answer]:
    import autograd.numpy as anp
    from autograd import make_vjp

    def neuron(w0: Any, x0: Any, w1: Any, x1: Any, w2: Any) -> Any:
        return 1 / (1 + anp.exp(-(w0 * x0 + w1 * x1 + w2)))

    ready = make_vjp(neuron, argnum=tuple(range(5)))

    def some(part: Sequence[Column]) -> Answer:
        back, value = ready(*part)
        return value, *back(np.ones_like(value))

    return chunked(columns, some)


def torch(columns: Sequence[Column]) -> Callable[[], Answer]:
    import torch

    torch.set_num_threads(1)

    def some(part: Sequence[Column]) -> Answer:
        leaves = [torch.from_numpy(column).requires_grad_() for column in part]
        w0, x0, w1, x1, w2 = leaves
        value = torch.sigmoid(w0 * x0 + w1 * x1 + w2)
        value.backward(torch.ones_like(value))
        return value.detach().numpy(), *[leaf.grad.numpy() for leaf in leaves]

    return chunked(columns, some)


def torch_compiled(columns: Sequence[Column]) -> Callable[[], Answer]:
    """The backward pass written out, since what `torch.compile` fuses is one function."""
    import torch

    torch.set_num_threads(1)

    @torch.compile
    def both(w0: Any, x0: Any, w1: Any, x1: Any, w2: Any) -> Any:
        value = torch.sigmoid(w0 * x0 + w1 * x1 + w2)
        slope = value * (1 - value)
        return value, slope * x0, slope * w0, slope * x1, slope * w1, slope

    given = [torch.from_numpy(column) for column in columns]
    return lambda: [result.numpy() for result in both(*given)]


def jax(columns: Sequence[Column]) -> Callable[[], Answer]:
    import jax

    jax.config.update("jax_enable_x64", True)

    def neuron(w0: Any, x0: Any, w1: Any, x1: Any, w2: Any) -> Any:
        return jax.nn.sigmoid(w0 * x0 + w1 * x1 + w2)

    both = jax.jit(jax.vmap(jax.value_and_grad(neuron, argnums=tuple(range(5)))))
    given = [jax.numpy.asarray(column) for column in columns]

    def work() -> Answer:
        value, gradients = jax.block_until_ready(both(*given))
        return [np.asarray(column) for column in (value, *gradients)]

    return work


def numexpr(columns: Sequence[Column]) -> Callable[[], Answer]:
    import numexpr

    numexpr.set_num_threads(1)
    out = outputs(columns)
    known: dict[str, Column] = dict(zip(NAMES, columns, strict=True))
    known |= {"e": np.empty_like(columns[0]), "s": out[0], "g": out[5]}
    steps = [
        ("exp(-(w0*x0 + w1*x1 + w2))", known["e"]), ("1/(1 + e)", out[0]), ("e*s*s", out[5]),
        ("g*x0", out[1]), ("g*w0", out[2]), ("g*x1", out[3]), ("g*w1", out[4]),
    ]  # fmt: skip

    def work() -> Answer:
        for text, target in steps:
            numexpr.evaluate(text, local_dict=known, global_dict={}, out=target)
        return out

    return work


def numba(columns: Sequence[Column]) -> Callable[[], Answer]:
    import math

    from numba import njit

    @njit(error_model="numpy")
    def loop(w0, x0, w1, x1, w2, value, dw0, dx0, dw1, dx1, dw2):
        for i in range(len(w0)):
            e = math.exp(-(w0[i] * x0[i] + w1[i] * x1[i] + w2[i]))
            s = 1.0 / (1.0 + e)
            g = e * s * s
            value[i], dw2[i] = s, g
            dw0[i], dx0[i] = g * x0[i], g * w0[i]
            dw1[i], dx1[i] = g * x1[i], g * w1[i]

    out = outputs(columns)

    def work() -> Answer:
        loop(*columns, *out)
        return out

    return work


def has(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


FLOOR, OURS, BY_HAND = "memory limit", "backprop", "NumPy by hand, out="

CONTESTANTS: dict[str, tuple[str, Contestant]] = {
    FLOOR: ("numpy", floor),
    OURS: ("backprop_grammar.batch.evaluator", ours),
    BY_HAND: ("numpy", numpy_by_hand),
    "NumPy, whole columns": ("numpy", numpy_plain),
    "autograd": ("autograd", autograd),
    "JAX": ("jax", jax),
    "PyTorch": ("torch", torch),
    "PyTorch, compiled": ("torch", torch_compiled),
    "numexpr": ("numexpr", numexpr),
    "numba": ("numba", numba),
}
"""Name -> the module it needs, and itself."""


def bind() -> None:
    """Keep this process, and every thread it starts, on one core, where the system lets us."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
