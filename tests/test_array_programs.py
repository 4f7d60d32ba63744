"""The programs of courses over vectors and matrices, as they are typed, at points that nobody chose.

Each is held against loops of its own and differences of values at 60 digits (see `tests.arrays`).
"""

# ruff: noqa: N803, E741  a matrix has a capital letter, and so have a course's names

import json
import random
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
from mpmath import mp

from tests import arrays as loops
from tests.arrays import (
    add,
    attended,
    batchnorm,
    cell,
    columns,
    correlated,
    each,
    hinge,
    huber,
    layer,
    layernorm,
    lstm,
    mean,
    pooled,
    relu,
    scaled,
    softmax,
    squares,
    times,
    two_layers,
)  # fmt: skip
from tests.screens import ROOT
from tests.support import Program, call, often, schema

Rng = random.Random


def drawn(rng: Rng, *shape: int) -> Any:
    """Numbers of two decimals, nested."""
    if not shape:
        return round(rng.gauss(0, 1), 2) + 0.0
    return [drawn(rng, *shape[1:]) for _ in range(shape[0])]


class Typed(NamedTuple):
    """program; make: a point and what arrives, by a generator of numbers; loops: over mpmath's numbers.

    selects: variables that are indices or labels.
    """

    program: str
    make: Callable[[Rng], tuple[dict[str, Any], Any]]
    loops: Callable[..., Any]
    selects: tuple[str, ...] = ()


def sizes(rng: Rng, count: int) -> list[int]:
    return [rng.choice((1, 2, 2, 3, 4)) for _ in range(count)]


def point(text: str, up: str = "", **bounds: Any) -> Callable[[Rng], tuple[dict[str, Any], Any]]:
    """A maker of points: "W mn, x n" draws shapes of sizes m and n; y<n m are m labels below n.

    up: the sizes of what arrives; "ones" is itself.
    """

    def make(rng: Rng) -> tuple[dict[str, Any], Any]:
        size = {letter: rng.choice((1, 2, 2, 3, 4)) for letter in "abcdkmnp"} | bounds
        found: dict[str, Any] = {}
        for one in text.split(", "):
            name, _, shape = one.partition(" ")
            name, below, most = name.partition("<")
            dims = [size[letter] if letter.isalpha() else int(letter) for letter in shape]
            if below:
                top = size.get(most) or int(most)
                labels = [rng.randrange(top) for _ in range(dims[0] if dims else 1)]
                found[name] = labels if dims else labels[0]
            else:
                found[name] = drawn(rng, *dims)
        arrives = up if up in ("", "ones") else drawn(rng, *[size[letter] for letter in up])
        return found, arrives or None

    return make


def variational(m: Any, l: Any) -> Any:
    return -mp.fsum(1 + t - s**2 - mp.exp(t) for s, t in zip(m, l, strict=True)) / 2


def makemore(C: Any, W1: Any, b1: Any, bngain: Any, bnbias: Any, W2: Any, b2: Any, ix0: Any, ix1: Any, ix2: Any, y: Any) -> Any:  # fmt: skip
    x = [[*C[i], *C[j], *C[k]] for i, j, k in zip(ix0, ix1, ix2, strict=True)]
    before = layer(x, W1, b1)
    normal = []
    for column in columns(before):
        mu = mean(column)
        var = mp.fsum((t - mu) ** 2 for t in column) / (len(column) - 1)
        normal.append([(t - mu) / mp.sqrt(var + mp.mpf("1e-5")) for t in column])
    h = [each(mp.tanh, scaled(row, bngain, bnbias)) for row in columns(normal)]
    return loops.entropy(layer(h, W2, b2), y)


MAKEMORE = """x = concat(C[ix0], C[ix1], C[ix2], axis=1)
hprebn = x @ W1 + b1
bnmean = mean(hprebn, axis=0)
bndiff = hprebn - bnmean
bnvar = sum(bndiff^2, axis=0)/(rows(x) - 1)
bnraw = bndiff*(bnvar + 1e-5)^-0.5
hpreact = bngain*bnraw + bnbias
h = tanh(hpreact)
logits = h @ W2 + b2
logit_maxes = max(logits, axis=1)
counts = exp(logits - logit_maxes)
probs = counts/sum(counts, axis=1)
-mean(log(pick(probs, y)))"""

dot = loops.weighted

PROGRAMS = {
    "lecture": Typed("sum((W @ x)^2)", point("W mn, x n"), lambda W, x: squares(times(W, x))),
    "lecture, by norm": Typed("norm(W @ x)^2", point("W mn, x n"), lambda W, x: squares(times(W, x))),
    "product": Typed("x @ w", point("x mn, w nk", "mk"), lambda x, w: times(x, w)),
    "relu": Typed("max(0, x)", point("x n", "n"), lambda x: relu(x)),
    "affine": Typed("relu(W @ x + b)", point("W mn, x n, b m", "ones"), lambda W, x, b: relu(add(times(W, x), b))),
    "affine batch": Typed("X @ W + b", point("X mn, W nk, b k", "mk"), layer),
    "two layers": Typed("h = sigmoid(x @ w1); p = h @ w2; sum((p - y)^2)", point("x mn, w1 nk, w2 kp, y mp"),
        two_layers),
    "softmax loss": Typed("-log(softmax(s)[y])", point("s n, y<n "), lambda s, y: -mp.log(softmax(s)[y]), ("y",)),
    "softmax layer": Typed("cross_entropy(X @ W + b, y)", point("X mn, W nk, b k, y<k m"),
        lambda X, W, b, y: loops.entropy(layer(X, W, b), y), ("y",)),
    "atomic": Typed("m = max(s, axis=1); e = exp(s - m); p = e/sum(e, axis=1); -mean(log(pick(p, y)))", point("s mn, y<n m"), lambda s, y: loops.entropy(s, y), ("y",)),
    "hinge": Typed("s = W @ x; sum(max(0, s - s[y] + 1)) - 1", point("W mn, x n, y<m "), hinge, ("y",)),
    "batch norm": Typed("mu = mean(x, axis=0); v = mean((x - mu)^2, axis=0); g*(x - mu)/sqrt(v + 1e-5) + b", point("x mn, g n, b n", "mn"),
        batchnorm),
    "layer norm": Typed("mu = mean(x, axis=1); v = mean((x - mu)^2, axis=1); g*(x - mu)/sqrt(v + 1e-5) + b", point("x mn, g n, b n", "ones"),
        layernorm),
    "recurrent step": Typed("h = tanh(Wx @ x + Wh @ h0 + b); sum(h)", point("Wx mn, x n, Wh mm, h0 m, b m"),
        lambda Wx, x, Wh, h0, b: mp.fsum(cell(x, h0, Wx, Wh, b))),
    "in time": Typed("cell(x,h,W,U,b) = tanh(W @ x + U @ h + b); h1 = cell(x1,h0,W,U,b); h2 = cell(x2,h1,W,U,b); sum(h2^2)",
        point("x1 n, x2 n, h0 m, W mn, U mm, b m"), lambda x1, x2, h0, W, U, b: squares(cell(x2, cell(x1, h0, W, U, b), W, U, b))),
    "lstm": Typed("a = W @ x + U @ h + b; i = sigmoid(a[0:2]); f = sigmoid(a[2:4]); o = sigmoid(a[4:6]); g = tanh(a[6:8]); c1 = f*c + i*g; sum(o*tanh(c1))",
        point("W 8n, U 82, b 8, x n, h 2, c 2"), lstm),
    "attention": Typed("softmax(Q @ K.T/sqrt(2)) @ V", point("Q mn, K kn, V kp", "ones"), attended),
    "causal attention": Typed("softmax(Q @ K.T/sqrt(2) + mask) @ V", point("Q mn, K kn, V kp, mask mk", "mp"), attended),
    "convolution": Typed("conv(X, K)", point("X 44, K 23", "ab", a=3, b=2), correlated),
    "convolution of vectors": Typed("conv(x, k)", point("x 5, k 2", "a", a=4), lambda x, k: correlated(x, k)),
    "relu and pool": Typed("sum(maxpool(relu(conv(X, K)), 2))", point("X 55, K 22"),
        lambda X, K: mp.fsum(loops.all_of(pooled(relu(correlated(X, K)), 2)))),
    "embedding": Typed("h = C[ix]; sum(h^2)", point("C mn, ix<m 3"), lambda C, ix: squares([C[k] for k in ix]), ("ix",)),
    "linear regression": Typed("mean((X @ w + b - y)^2)", point("X mn, w n, b , y m"),
        lambda X, w, b, y: mean([(p + b - t) ** 2 for p, t in zip(times(X, w), y, strict=True)])),
    "ridge": Typed("sum((X @ w - y)^2) + 0.1*sum(w^2)", point("X mn, w n, y m"),
        lambda X, w, y: squares(add(times(X, w), [-t for t in y])) + squares(w) / 10),
    "logistic": Typed("mean(softplus(-y*(X @ w + b)))", point("X mn, w n, b , y m"),
        lambda X, w, b, y: mean([mp.log(1 + mp.exp(-t * (p + b))) for p, t in zip(times(X, w), y, strict=True)])),
    "quadratic form": Typed("x.T @ A @ x/2 - dot(b, x)", point("x n, A nn, b n"),
        lambda x, A, b: [dot(times(A, x), x) / 2 - dot(b, x)]),
    "trace": Typed("trace(A @ X.T @ B @ X)", point("A nn, X mn, B mm"),
        lambda A, X, B: mp.fsum(row[k] for k, row in enumerate(times(times(times(A, columns(X)), B), X)))),
    "cosine": Typed("dot(u, v)/(norm(u)*norm(v))", point("u 3, v 3"), lambda u, v: dot(u, v) / mp.sqrt(squares(u) * squares(v))),
    "variational": Typed("-sum(1 + l - m^2 - exp(l))/2", point("m n, l n"), variational),
    "dropout": Typed("m = [1,0,1,1]; h = relu(W @ x); sum(h*m/0.75)", point("W 4n, x n, m 4"),
        lambda W, x, m: mp.fsum(max(mp.mpf(0), h) * t for h, t in zip(times(W, x), m, strict=True)) * 4 / 3),
    "huber": Typed("sum(if(abs(d) < 1, d^2/2, abs(d) - 1/2))", point("d n"),
        huber),
    "makemore": Typed(MAKEMORE, point("C 52, W1 6a, b1 a, bngain a, bnbias a, W2 a5, b2 5, ix0<5 4, ix1<5 4, ix2<5 4, y<5 4", a=3), makemore, ("ix0", "ix1", "ix2", "y")),
}  # fmt: skip


def reduced(function: Callable[..., Any], up: Any) -> Callable[..., Any]:
    """The number that is differentiated: an output times what arrives."""

    def number(**values: Any) -> Any:
        found = loops.all_of(function(**values))
        arrives = [1] * len(found) if up in (None, "ones") else loops.all_of(loops.number(up))
        return mp.fsum(x * y for x, y in zip(found, arrives, strict=True))

    return number


def flat(value: Any) -> list[Any]:
    return loops.all_of(value)


def close(found: Any, right: float) -> bool:
    """Whether a number is right to 1e-12 of itself, or of 0.001 where it is less."""
    return found is not None and abs(found - right) <= 1e-12 * max(abs(right), 1e-3)


@pytest.mark.parametrize("seed", range(often(1, 20)))
@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_of_courses(name, seed):
    typed = PROGRAMS[name]
    at, up = typed.make(random.Random(f"{name}:{seed}"))
    trace = Program(typed.program).at(at, **({} if up is None else {"upstream": up}))
    held(trace.value, trace.gradients, typed, at, up)
    assert not trace.flags
    if seed == 0:
        schema("arrays").validate(json.loads(trace.json()))


def held(value: Any, gradients: Any, typed: Typed, at: dict[str, Any], up: Any) -> None:
    """Hold every number of an answer against the loops."""
    with mp.workdps(60):
        numbers = {k: v if k in typed.selects else loops.number(v) for k, v in at.items()}
        right = loops.all_of(typed.loops(**numbers))
    assert all(close(x, float(y)) for x, y in zip(flat(value), right, strict=True)), value
    _, slopes = loops.gradients(reduced(typed.loops, up), at, typed.selects)
    assert gradients.keys() == slopes.keys()
    for variable, places in slopes.items():
        assert len(flat(gradients[variable])) == len(places)
        for place, slope in places.items():
            assert close(loops.at(gradients[variable], place), slope), (variable, place)


TYPED = {
    # what is typed at --at and --upstream, of the program of that name
    "lecture": ("W=[.1,.5;-.3,.8],x=[.2,.4]", ""),
    "lecture, by norm": ("W=[.1,.5;-.3,.8],x=[.2,.4]", ""),
    "product": ("x=[2,1,-3;-3,4,2],w=[3,2,1,-1;2,1,3,2;3,2,1,-2]", "[2,3,-3,9;-8,1,4,6]"),
    "relu": ("x=[1,-2,3,-1]", "[4,-1,5,9]"),
    "affine": ("W=[[1,2],[-3,4],[.5,-.25]],x=[2,-1],b=[.5,3,-2]", "ones"),
    "softmax loss": ("s=[1,-2,0],y=0", ""),
    "softmax layer": ("X=[1,2;-1,.5],W=[.1,-.2,.3;.4,.5,-.6],b=[0,.1,.2],y=[0,2]", ""),
    "hinge": ("W=[.01,-.05,.1;.7,.2,.05;0,-.45,-.2],x=[-15,22,-44],y=2", ""),
    "causal attention": ("Q=[1,0;.5,2],K=[.2,.4;-.1,.3],V=[1,2;3,-1],mask=[0,-1e9;0,0]", "ones"),
    "embedding": ("C=[1,2;.5,-1;3,0;0,1;2,2],ix=[1,4,1]", ""),
    "logistic": ("X=[1,2;-1,.5;0,1;2,-2],w=[.3,-.7],b=.1,y=[1,-1,1,1]", ""),
    "cosine": ("u=[1,2],v=[3,-1]", ""),
    "variational": ("m=[.1,.2],l=[0,-1]", ""),
    "dropout": ("W=[1,2;-1,.5;.3,.7;2,-1],x=[1,.5],m=[1,0,1,1]", ""),
    "huber": ("d=[.5,-2,3]", ""),
}


def read(text: str) -> Any:
    """An array as it is typed, by another way than the tool's: its rows at `;` or in brackets."""
    if "[" not in text:
        return float(text) if "." in text or "e" in text else int(text)
    if ";" in text:
        return [read(f"[{row}]") for row in text.strip("[]").split(";")]
    if text.startswith("[["):
        return [read(f"[{row}]") for row in text.strip("[]").split("],[")]
    return [float(x) if not x.isdecimal() else int(x) for x in text.strip("[]").split(",")]


@pytest.mark.parametrize("name", TYPED)
def test_as_it_is_typed(name):
    typed = PROGRAMS[name]
    given, up = TYPED[name]
    at = {
        one.partition("=")[0]: read(one.partition("=")[2])
        for one in re.split(r",(?=[A-Za-z])", given)
    }
    more = ["--upstream", up] if up else []
    code, out, err = call("eval", typed.program, "--at", given, *more, "--json")
    assert code == 0, err
    told = json.loads(out)
    arrives = read(up) if up not in ("", "ones") else up or None
    held(told["value"], told["gradients"], typed, at, arrives)


@pytest.mark.parametrize("program", ["norm(W @ x)^2", "q = W @ x; norm(q)*norm(q)", "q = W @ x; dot(q, q)"])  # fmt: skip
@pytest.mark.parametrize("x", [[0, 0], [2, -1]], ids=["x is 0", "W x is 0"])
def test_the_square_of_a_length_is_smooth_at_0(program, x):
    """W x = 0, where PyTorch's square root has no slope."""
    trace = Program(program).at(W=[[1, 2], [-3, -6], [0.5, 1]], x=x)
    assert (trace.value, trace.gradients) == (0.0, {"W": [[0.0, 0.0]] * 3, "x": [0.0, 0.0]})
    assert not trace.flags


def test_the_loops_tell_a_wrong_number():
    typed = PROGRAMS["cosine"]
    at = {"u": [1, 2, 0], "v": [3, -1, 1]}
    trace = Program(typed.program).at(at)
    held(trace.value, trace.gradients, typed, at, None)
    with pytest.raises(AssertionError):
        held(trace.value * (1 + 1e-11), trace.gradients, typed, at, None)
    wrong = {**trace.gradients, "v": [x * (1 + 1e-11) for x in trace.gradients["v"]]}
    with pytest.raises(AssertionError):
        held(trace.value, wrong, typed, at, None)


def test_pairs_are_pooled_as_neighbours():
    """Of a vector, maxpool takes every window."""
    trace = Program("maxpool(x, 2)").at(x=[1, 3, 2, -1], upstream=[1, 10, 100])
    assert trace.value == [max(pair) for pair in pairwise([1, 3, 2, -1])]
    assert trace.gradients["x"] == [0, 11, 100, 0]


def test_an_element_beyond_the_floats_is_flagged():
    """Beside the gradients, which a float holds: null, with a flag that names it, and exit 3."""
    code, out, err = call("eval", "x*y", "--at", "x=[1,1e200;2,0],y=[1,-1e200;3,4]", "--upstream", "ones", "--json")  # fmt: skip
    assert code == 3, err
    told = json.loads(out)
    schema("arrays").validate(told)
    assert told["value"] == [[1.0, None], [6.0, 0.0]]
    (flag,) = told["flags"]
    assert (flag["path"], flag["status"], flag["sign"]) == ("value[0][1]", "overflow", "-")
    assert flag["message"] == "n1[0,1] is -1e+400, beyond the largest number, 1.79769e+308"
    assert told["gradients"]["x"] == [[1.0, -1e200], [3.0, 4.0]]


def test_elements_that_nothing_needs_stand_in_branches_too():
    """Of those in a branch that is not taken there is no value; the numbers go wide here."""
    program = "s = x[-1]; softplus(if(s != s, (W - W), s))[1, -2]"
    for last in (2.86, 1e-300, 2**0.5):
        trace = Program(program).at(x=[3, last], W=[[1, 2, 3], [4, 5, 6]], precision=40)
        assert trace.gradients["W"] == [[0.0] * 3] * 2
        assert json.loads(trace.json())["flags"] == []


def test_a_single_class_has_no_loss():
    """It is its own sum, and not only as many digits tell."""
    for program in ("cross_entropy(b, [0, 0])", "sum(logsoftmax(b))", "sum(softmax(b)) - 2"):
        trace = Program(f"c = {program}; c + if(c == 0, 1, x)").at(b=[[-1.3], [-2.1]], x=0)
        assert trace.value == 1.0
        assert trace.gradients == {"b": [[0.0], [0.0]], "x": 0.0}


def affine(X: Any, W: Any, b: Any) -> Any:
    return mp.fsum(max(mp.mpf(0), t) ** 2 for t in loops.all_of(layer(X, W, b))) / 2


def batch_norm(x: Any, g: Any, b: Any) -> Any:
    return mp.fsum(t**3 for t in loops.all_of(batchnorm(x, g, b)))


def convolution(X: Any, K: Any) -> Any:
    return squares(pooled(relu(correlated(X, K)), 2)) / 2


SAMPLES: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "squared-length": (lambda W, x: squares(times(W, x)), ()),
    "affine": (affine, ()),
    "two-layer": (PROGRAMS["two layers"].loops, ()),
    "softmax-regression": (PROGRAMS["softmax layer"].loops, ("y",)),
    "batch-norm": (batch_norm, ()),
    "rnn": (lambda W, U, b, h0, x1, x2: squares(cell(x2, cell(x1, h0, W, U, b), W, U, b)) / 2, ()),
    "lstm": (lstm, ()),
    "attention": (lambda Q, K, V, mask: squares(attended(Q, K, V, mask)) / 2, ()),
    "convolution": (convolution, ()),
    "makemore": (makemore, ("ix0", "ix1", "ix2", "y")),
}
"""The samples over arrays, each with its loops and what it is given to select by."""


@pytest.mark.parametrize("name", SAMPLES)
def test_samples(name):
    function, selects = SAMPLES[name]
    point = ["--at", f"@{name}"] if (ROOT / f"samples/{name}.json").exists() else []
    code, out, err = call("eval", "--file", f"@{name}", *point, "--json")
    assert code == 0, err
    told = json.loads(out)
    at = {k: [int(x) for x in v] if k in selects else v for k, v in told["at"].items()}
    held(told["value"], told["gradients"], Typed("", lambda _: ({}, None), function, selects), at, None)  # fmt: skip


def test_every_sample_over_arrays_is_held():
    over = {
        path.stem
        for path in (ROOT / "samples").glob("*.bp")
        if Program(path.read_text("utf-8")).record.arrays
    }
    assert over == {*SAMPLES, "spirals"}  # which test_training.py holds
