"""Programs of a training step's size over arrays, beside NumPy and PyTorch, and whose digits are right.

The names model of the course makemore at a batch of 32, and softmax regression on 128 pictures of
28x28, forward and backward, with the gradients of all inputs. NumPy's backward pass is by hand.
"""

import time
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from backprop_grammar import Program

from .report import ROOT, Table, rounds, short

Arrays = dict[str, Any]

CERTAIN = 2.0**-44
"""What is certified of each number, relative to it: 13 digits."""

REGRESSION = "z = X @ W + b; loss = cross_entropy(z, y)"


@cache
def programs() -> dict[str, Program]:
    """What is measured."""
    return {
        "makemore, batch 32": Program((ROOT / "samples/makemore.bp").read_text(encoding="utf-8")),
        "softmax regression 128x784": Program(REGRESSION),
    }


@cache
def point(name: str) -> Arrays:
    """The point of a program, always the same, as arrays."""
    if name.startswith("makemore"):
        held = programs()[name].inputs
        whole = ("ix0", "ix1", "ix2", "y")
        return {key: np.array(x, dtype=int if key in whole else float) for key, x in held.items()}
    draw = np.random.default_rng(0)
    return {
        "X": draw.standard_normal((128, 784)), "W": 0.05*draw.standard_normal((784, 10)),
        "b": np.zeros(10), "y": draw.integers(0, 10, 128),
    }  # fmt: skip


# backward by hand


def softmax_minus(z: Any, y: Any) -> tuple[float, Any]:
    """The cross-entropy of scores and labels, and its gradient by the scores."""
    rows = np.arange(len(z))
    shifted = z - z.max(1, keepdims=True)
    counts = np.exp(shifted)
    sums = counts.sum(1, keepdims=True)
    loss = -np.mean(shifted[rows, y] - np.log(sums[:, 0]))
    sent = counts / sums
    sent[rows, y] -= 1
    return loss, sent / len(z)


def regression(at: Arrays) -> Arrays:
    loss, dz = softmax_minus(at["X"] @ at["W"] + at["b"], at["y"])
    return {"loss": loss, "X": dz @ at["W"].T, "W": at["X"].T @ dz, "b": dz.sum(0)}


def makemore(at: Arrays) -> Arrays:
    """Step by step, as in the exercise."""
    places = [at["ix0"], at["ix1"], at["ix2"]]
    embcat = np.concatenate([at["C"][k] for k in places], 1)
    hprebn = embcat @ at["W1"] + at["b1"]
    n = len(hprebn)
    bndiff = hprebn - hprebn.mean(0)
    bnvar = (bndiff**2).sum(0) / (n - 1)
    bnvar_inv = (bnvar + 1e-5) ** -0.5
    bnraw = bndiff * bnvar_inv
    h = np.tanh(at["bngain"] * bnraw + at["bnbias"])
    loss, dlogits = softmax_minus(h @ at["W2"] + at["b2"], at["y"])
    dhpreact = (1 - h**2) * (dlogits @ at["W2"].T)
    dbnraw = at["bngain"] * dhpreact
    dbnvar = -0.5 * (bnvar + 1e-5) ** -1.5 * (bndiff * dbnraw).sum(0)
    dbndiff = bnvar_inv * dbnraw + 2 * bndiff / (n - 1) * dbnvar
    dhprebn = dbndiff - dbndiff.mean(0)
    dembcat = dhprebn @ at["W1"].T
    dC = np.zeros_like(at["C"])  # noqa: N806  as the input is called
    for k, sent in zip(places, np.split(dembcat, 3, axis=1), strict=True):
        np.add.at(dC, k, sent)
    return {
        "loss": loss, "C": dC, "W1": embcat.T @ dhprebn, "b1": dhprebn.sum(0),
        "bngain": (bnraw*dhpreact).sum(0), "bnbias": dhpreact.sum(0), "W2": h.T @ dlogits, "b2": dlogits.sum(0),
    }  # fmt: skip


# contestants


def of_numpy(name: str) -> Callable[[], Arrays]:
    at = point(name)
    return lambda: makemore(at) if name.startswith("makemore") else regression(at)


def of_torch(name: str) -> Callable[[], Arrays]:
    import torch

    given = {key: torch.tensor(x) for key, x in point(name).items()}
    leaves = [key for key, x in given.items() if x.is_floating_point()]

    def run() -> Arrays:
        at = {key: x.clone().requires_grad_(key in leaves) for key, x in given.items()}
        if name.startswith("makemore"):
            embcat = torch.cat([at["C"][at[key]] for key in ("ix0", "ix1", "ix2")], 1)
            hprebn = embcat @ at["W1"] + at["b1"]
            bndiff = hprebn - hprebn.mean(0, keepdim=True)
            bnvar = (bndiff**2).sum(0, keepdim=True) / (len(hprebn) - 1)
            h = torch.tanh(at["bngain"] * (bndiff * (bnvar + 1e-5) ** -0.5) + at["bnbias"])
            z = h @ at["W2"] + at["b2"]
        else:
            z = at["X"] @ at["W"] + at["b"]
        loss = torch.nn.functional.cross_entropy(z, at["y"])
        loss.backward()
        return {"loss": loss.item(), **{key: at[key].grad.numpy() for key in leaves}}

    return run


def of_us(name: str, nodes: bool) -> Callable[[], Arrays]:
    program, at = programs()[name], point(name)

    def run() -> Arrays:
        trace = program.at(at, nodes=nodes)
        return {"loss": trace.value, **trace.gradients}

    return run


def timed(run: Callable[[], Any]) -> Callable[[], float]:
    def milliseconds() -> float:
        start = time.process_time()
        run()
        return 1000 * (time.process_time() - start)

    return milliseconds


def wrong(found: Arrays, truth: Mapping[str, Any]) -> str:
    """How many of the gradients are not right to what is certified, and how far the worst is off."""
    errors = []
    for key, x in truth.items():
        right = np.asarray(x, dtype=float)
        off = np.abs(np.reshape(found[key], right.shape) - right)
        errors.append(np.where(off == 0, 0.0, off / np.maximum(np.abs(right), 1e-300)).ravel())
    error = np.concatenate(errors)
    off = int((error > CERTAIN).sum())
    return f"{off:,} of {len(error):,}"


def measured(count: int) -> Table:
    """The least milliseconds of so many rounds, in a run of all of them in turn."""
    rows = []
    for name in programs():
        runs = {
            "**backprop**, every number certified": of_us(name, False),
            "**backprop**, with all nodes": of_us(name, True),
            "NumPy, by hand": of_numpy(name),
        }
        if find_spec("torch") is not None:
            runs["PyTorch"] = of_torch(name)
        truth = runs["**backprop**, every number certified"]()
        figures = rounds({key: timed(run) for key, run in runs.items()}, count)
        least = min(figures["NumPy, by hand"])
        for key, run in runs.items():
            best = min(figures[key])
            off = wrong(run(), truth) if "backprop" not in key else "**0**"
            rows.append([name, key, short(best), f"{best / least:.0f}", off])
    return Table(
        "A training step over arrays, in milliseconds",
        f"Processor time of value and gradients by all inputs, the least of {count} rounds; the last "
        "column counts the numbers that are not right to 13 digits.",
        ("program", "", "ms", "to NumPy", "wrong at 13 digits"),
        rows,
    )
