"""Grown programs through PyTorch, JAX and autograd, in float64, as a user of theirs writes them.

A program is walked once for all three; a library is a table of its own functions. Where it has none
of a name, the formula stands that its users write in its place.
"""

import importlib.util
import math
from collections.abc import Callable
from typing import Any

from tests import truth
from tests.grown import Grown

NAMES = ("torch", "jax", "autograd")
INSTALLED = [name for name in NAMES if importlib.util.find_spec(name)]

Table = dict[str, Callable[..., Any]]
Library = Callable[[Grown], tuple[float, dict[str, float]]]


class Lacking(Exception):
    """A library has no function of a name, nor a formula that its users write in its place."""


ARITHMETIC: Table = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "pow": lambda x, y: x**y,
    "neg": lambda x: -x,
    "sum": lambda *xs: sum(xs[1:], start=xs[0]),
    "mean": lambda *xs: sum(xs[1:], start=xs[0]) / len(xs),
}


def chain(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """A function of two as one of many."""

    def many(*xs: Any) -> Any:
        result = xs[0]
        for x in xs[1:]:
            result = function(result, x)
        return result

    return many


def walk(whole: Grown, table: Table, leaves: dict[str, Any], lift: Callable[[float], Any]) -> Any:
    """The output over a library's numbers; a comparison is Python's, as in a user's code."""

    def body(grown: Grown, given: list[Any]) -> Callable[[int], Any]:
        known: dict[int, Any] = {}

        def of(node: int) -> Any:
            if node not in known:
                known[node] = value(*grown.nodes[node])
            return known[node]

        def value(kind: str, *rest: Any) -> Any:
            if kind == "number":
                return lift(rest[0])
            if kind == "constant":
                return lift(getattr(math, rest[0]))
            if kind == "variable":
                return leaves[rest[0]]
            if kind == "parameter":
                return given[rest[0]]
            if kind == "call":
                inner = grown.own[rest[0]]
                return body(inner, [of(k) for k in rest[1:]])(len(inner.nodes) - 1)
            if kind.startswith("if"):
                a, b = float(plain(of(rest[0]))), float(plain(of(rest[1])))
                return of(rest[2 if truth.RELATIONS[kind[2:]](a, b) else 3])
            if kind not in table:
                raise Lacking(kind)
            if kind == "polygamma":
                return table[kind](int(float(plain(of(rest[0])))), of(rest[1]))
            return table[kind](*map(of, rest))

        return of

    plain = table["plain"]
    return body(whole, [])(len(whole.nodes) - 1)


PYTORCH = (
    "exp expm1 log log2 log10 log1p sqrt hypot abs sign relu sin cos tan asin acos atan atan2 sinh"
    " cosh tanh asinh acosh atanh erf erfc lgamma digamma polygamma sigmoid"
)
NUMPY = "exp expm1 log log2 log10 log1p sqrt abs sign sin cos tan sinh cosh tanh"
"""Functions that the libraries have under the names of this tool."""


def pytorch() -> Library:
    import torch
    import torch.nn.functional as f

    torch.set_num_threads(1)
    table = ARITHMETIC | {name: getattr(torch, name) for name in PYTORCH.split()}
    table |= {
        "plain": lambda x: x.detach(),
        "cbrt": lambda x: torch.sign(x) * torch.abs(x) ** (1 / 3),
        "max": chain(torch.maximum),
        "min": chain(torch.minimum),
        "clamp": torch.clamp,
        "leaky_relu": lambda x, a=0.01: torch.where(x > 0, x, a * x),
        "softplus": f.softplus,
        "silu": f.silu,
        "gelu": f.gelu,
        "logsumexp": lambda *xs: torch.logsumexp(torch.stack(xs), 0),
    }

    def run(whole: Grown) -> tuple[float, dict[str, float]]:
        def number(x: float) -> Any:
            return torch.tensor(x, dtype=torch.float64)

        leaves = {name: number(x).requires_grad_() for name, x in whole.at.items()}
        out = walk(whole, table, leaves, number)
        found = [None] * len(leaves)
        if out.requires_grad:
            found = torch.autograd.grad(out, list(leaves.values()), allow_unused=True)
        slopes = [0.0 if slope is None else float(slope) for slope in found]
        return float(out), dict(zip(leaves, slopes, strict=True))

    return run


def jax() -> Library:
    import jax
    import jax.numpy as jnp
    import jax.scipy.special as special

    jax.config.update("jax_enable_x64", True)
    table = numpy_like(jnp) | {
        "plain": jax.lax.stop_gradient,
        "clamp": jnp.clip,
        "relu": jax.nn.relu,
        "leaky_relu": lambda x, a=0.01: jnp.where(x > 0, x, a * x),
        "sigmoid": jax.nn.sigmoid,
        "softplus": jax.nn.softplus,
        "silu": jax.nn.silu,
        "gelu": lambda x: jax.nn.gelu(x, approximate=False),
        "erf": special.erf,
        "erfc": special.erfc,
        "lgamma": special.gammaln,
        "digamma": special.digamma,
        "polygamma": special.polygamma,
        "logsumexp": lambda *xs: special.logsumexp(jnp.stack(xs)),
    }

    def run(whole: Grown) -> tuple[float, dict[str, float]]:
        leaves = {name: jnp.float64(x) for name, x in whole.at.items()}

        def function(leaves: dict[str, Any]) -> Any:
            return walk(whole, table, leaves, jnp.float64)

        # traced by vjp, the comparisons of Python see numbers, as with jax.grad outside jit
        out, back = jax.vjp(function, leaves)
        (slopes,) = back(jnp.ones_like(out))
        return float(out), {name: float(slope) for name, slope in slopes.items()}

    return run


def autograd() -> Library:
    import autograd.numpy as anp
    import numpy as np
    from autograd import grad
    from autograd.scipy import special
    from autograd.tracer import getval

    table = numpy_like(anp) | {
        "plain": getval,
        "cbrt": lambda x: anp.sign(x) * anp.abs(x) ** (1 / 3),
        "hypot": lambda x, y: anp.sqrt(x**2 + y**2),
        "asinh": anp.arcsinh,
        "clamp": lambda x, lo, hi: anp.minimum(anp.maximum(x, lo), hi),
        "relu": lambda x: anp.maximum(x, 0.0),
        "leaky_relu": lambda x, a=0.01: anp.where(x > 0, x, a * x),
        "sigmoid": special.expit,
        "softplus": lambda x: anp.logaddexp(0.0, x),
        "silu": lambda x: x * special.expit(x),
        "gelu": lambda x: x * (1 + special.erf(x / math.sqrt(2))) / 2,
        "erf": special.erf,
        "erfc": special.erfc,
        "lgamma": special.gammaln,
        "digamma": special.digamma,
        "polygamma": special.polygamma,
        "logsumexp": lambda *xs: special.logsumexp(anp.array(xs)),
    }

    def run(whole: Grown) -> tuple[float, dict[str, float]]:
        slopes = {}
        with np.errstate(all="ignore"):
            out = float(
                walk(whole, table, {n: np.float64(x) for n, x in whole.at.items()}, np.float64)
            )
            for name in whole.at:

                def along(x: Any, name: str = name) -> Any:
                    leaves = {n: np.float64(v) for n, v in whole.at.items()} | {name: x}
                    return walk(whole, table, leaves, np.float64)

                slopes[name] = float(grad(along)(np.float64(whole.at[name])))
        return out, slopes

    return run


def numpy_like(np: Any) -> Table:
    """The functions that JAX and autograd have under NumPy's names."""
    table = ARITHMETIC | {name: getattr(np, name) for name in NUMPY.split()}
    for name in ("asin", "acos", "atan", "atan2", "asinh", "acosh", "atanh"):
        table[name] = getattr(np, name.replace("a", "arc", 1))
    for name in ("cbrt", "hypot"):
        if hasattr(np, name):
            table[name] = getattr(np, name)
    return table | {"max": chain(np.maximum), "min": chain(np.minimum)}


def library(name: str) -> Library:
    return {"torch": pytorch, "jax": jax, "autograd": autograd}[name]()
