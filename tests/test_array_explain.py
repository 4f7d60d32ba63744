"""What is said about a backward pass over arrays is true: read back, and held against the trace."""

import ast
import itertools
import json
import re
import shutil
import subprocess
from math import isclose
from typing import Any

import pytest
from markdown_it import MarkdownIt

import backprop_grammar as bp
from backprop_grammar.arrays.lower import elements
from backprop_grammar.explain import array_narrate, array_sentences, array_why, indices
from backprop_grammar.explain.document import Figure, Grid, Written, plain
from backprop_grammar.operations import fits
from backprop_grammar.operations.row import Role
from backprop_grammar.operations.structural import MATMUL, STRUCTURAL, array_row
from backprop_grammar.views.documents import formula_latex
from tests.support import BackpropError, call, schema

A, B = [[0.5, -1.2, 0.3], [0.8, 0.1, -0.6]], [[0.2, -0.3], [0.4, 0.1], [-0.5, 0.7]]
V, W = [0.4, -0.7], [0.3, 0.9, -0.2]
LAYER = {"X": B, "W": A, "b": W, "y": [0, 2, 1]}

PROGRAMS: dict[str, tuple[str, dict[str, Any], Any]] = {
    "matrix, vector": ("q = A @ v; sum(q^2)", {"A": B, "v": V}, None),
    "vector, matrix": ("q = v @ A; sum(q^2)", {"A": A, "v": V}, None),
    "matrices": ("Z = A @ B", {"A": A, "B": B}, [[1, -2], [0.5, 3]]),
    "outer": ("sum((u @ v.T)^2)", {"u": W, "v": V}, None),
    "inner": ("u @ v + dot(u, v)", {"u": V, "v": [2, 3]}, None),
    "a matrix twice": ("sum(A @ A)", {"A": [[1, 2], [3, 4]]}, None),
    "quadratic": ("x.T @ A @ x/2 - dot(b, x)", {"x": [1, 2], "A": [[2, 1], [1, 3]], "b": V}, None),
    "layer": ("z = X @ W + b; cross_entropy(z, y)", LAYER, None),
    "probabilities": ("cross_entropy(z, p)", {"z": A, "p": [[0.2, 0.3, 0.5], [1, 0, 0]]}, None),
    "one example": ("-log(softmax(s)[y])", {"s": W, "y": 0}, None),
    "atomic": ("m = max(s, axis=1); e = exp(s - m); p = e/sum(e, axis=1); -mean(log(pick(p, y)))", {"s": A, "y": [0, 2]}, None),
    "batch norm": ("mu = mean(x, axis=0); v = mean((x - mu)^2, axis=0); g*(x - mu)/sqrt(v + 1e-5) + b", {"x": B, "g": [1, 2], "b": V}, [[1, 2], [3, -1], [0.5, 2]]),
    "layer norm": ("mu = mean(x, axis=1); v = mean((x - mu)^2, axis=1); (x - mu)/sqrt(v + 1e-5)", {"x": A}, [[1, 2, 0], [3, -1, 1]]),
    "attention": ("softmax(Q @ K.T/sqrt(2)) @ V", {"Q": B, "K": B, "V": B}, "ones"),
    "log softmax": ("sum(logsoftmax(z)*z)", {"z": A}, None),
    "hinge": ("s = W @ x; sum(max(0, s - s[y] + 1)) - 1", {"W": B, "x": V, "y": 2}, None),
    "embedding": ("h = C[ix]; sum(h^2)", {"C": B, "ix": [1, 2, 1]}, None),
    "huber": ("sum(if(abs(d) < 1, d^2/2, abs(d) - 1/2))", {"d": [0.5, -2, 3]}, None),
    "gates": ("a = W @ x; i = sigmoid(a[0:2]); g = tanh(a[1:3]); sum(i*g)", {"W": B, "x": V}, None),
    "norms": ("norm(u)/norm(A) + norm(z)^2", {"u": V, "A": A, "z": [0, 0]}, None),
    "joined": ("m = [x, 2, y]; sum(concat(m, m)^2) + logsumexp(m) + max(m) + min(m)", {"x": 1, "y": 3}, None),
    "kinks": ("sum(relu(x)) + sum(abs(x)) + sum(max(x, y)) + sum(if(x >= 0, x, 2*x))", {"x": [0, 1, -1], "y": [0, 0, 3]}, None),
    "lines": ("sum(mean(A, axis=0)*max(A, axis=0)) + sum(logsumexp(A, axis=1) - min(A, axis=1))", {"A": A}, None),
    "a number": ("c = 2*k; sum(c*A + c)", {"k": 3, "A": A}, None),
    "no slope": ("sum(sqrt(x))", {"x": [0, 1, 4]}, None),
    "windows": ("sum(maxpool(x, 2)^2)", {"x": [1, 3, 2, 2]}, None),
    "rows": ("trace(S) + sum(diag(S)^2) + sum(diag(x)) + sum(reshape(A, 6)^2) + sum(flatten(A)*r) + sum(flip(x)*x) + sum(outer(x, x)^2)", {"A": A, "S": [[1, 2], [3, 4]], "x": V, "r": [1, 2, 3, 4, 5, 6]}, None),
    "convolution": ("sum(maxpool(relu(conv(X, K)), 2)^2)", {"X": [[1, 2, 0, 1], [3, -1, 2, 2], [0, 1, 1, -2], [2, 2, 1, 0]], "K": [[1, -1], [0.5, 2]]}, None),
    "batchnorm": ("batchnorm(x, g, b)", {"x": B, "g": [1, 2], "b": V}, [[1, 2], [3, -1], [0.5, 2]]),
    "layernorm": ("layernorm(x, g, b)", {"x": A, "g": W, "b": 1}, [[1, 2, 0], [3, -1, 1]]),
    "names": ("i = A @ j; up = i*2; sum(up^2)", {"A": B, "j": V}, None),
    "the constant e": ("e = exp(s); sum(e @ w)", {"s": A, "w": W}, None),
}  # fmt: skip


def trace_of(name: str, **more: Any) -> bp.ArrayTrace:
    program, point, upstream = PROGRAMS[name]
    given = {} if upstream is None else {"upstream": upstream}
    return bp.Program(program).at(point, **given, **more)


def told(program: str, point: dict[str, Any], **more: Any) -> dict[str, str]:
    """The paragraphs of an explanation by node."""
    found = bp.Program(program).at(point, **more).explain().record
    return {paragraph.node: paragraph.text for paragraph in found.paragraphs}


# Sentences

SENTENCES = (
    # program, point, node, what is said of it
    ("norm(x) + sum(x)", {"x": [0.0, 0.0]}, "n1", "norm has a kink at n1; the subgradient of smallest norm is used. x receives [0, 0]."),
    ("h = X*g; sum(h)", {"X": A, "g": W}, "h", "It goes number by number, so no transpose is needed."),
    ("h = X*g; sum(h)", {"X": A, "g": A}, "h", "It goes number by number, so no sum and no transpose is needed."),
    ("A @ x", {"A": [[2.0, 3.0]], "x": [1.0, -1.0]}, "n1", "A[i,j] is used by n1[i] alone, where x[j] multiplies it, so it receives up[0]*x[j]. All products"),
    ("q = W @ x; sum(q^2)", {"W": B, "x": V}, "q", "q[i] is the sum over j of W[i,j]*x[j]."),
    ("q = W @ x; sum(q^2)", {"W": B, "x": V}, "q", "W[i,j] is used by q[i] alone, where x[j] multiplies it, so it receives up[i]*x[j]. All products of a number of up and a number of x are their outer product, up @ x.T."),
    ("q = W @ x; sum(q^2)", {"W": B, "x": V}, "q", "up is 3, x is 2, so up @ x.T is 3x2, as W is."),
    ("q = W @ x; sum(q^2)", {"W": B, "x": V}, "q", "x[j] is used by every q[i], where W[i,j] multiplies it, so it receives the sum over i of W[i,j]*up[i]: that is W.T @ up. The transpose is there because the sum runs over the rows of W."),
    ("q = W @ x; sum(q^2)", {"W": B, "x": V}, "q", "The Jacobian dq/dW would have 3 x 6 numbers, of which all but 1 in 3 are 0; it is never needed."),
    ("q = W @ x; sum(q^2)", {"W": A, "x": W}, "q", "The Jacobian dq/dW would have 2 x 6 numbers, of which half are 0; it is never needed."),
    ("q = x @ W; sum(q^2)", {"W": A, "x": V}, "q", "x[i] is used by every q[j], where W[i,j] multiplies it, so it receives the sum over j of W[i,j]*up[j]: that is W @ up."),
    ("Z = A @ B; sum(Z)", {"A": A, "B": B}, "Z", "The transpose is there because the sum runs over the columns of B."),
    ("Z = A @ B; sum(Z)", {"A": A, "B": B}, "Z", "Each of the 2 rows of A uses all of B, so what they send is added up."),
    ("d = dot(u, v); d^2", {"u": V, "v": V}, "d", "u[i] is used by d alone, where v[i] multiplies it, so it receives up*v[i]."),
    ("z = X @ W + b; cross_entropy(z, y)", LAYER, "n2", "In each row the probabilities softmax(z) are compared with y: the gradient is softmax(z) - onehot(y), divided by the 3 rows because the loss is their mean."),
    ("z = X @ W + b; cross_entropy(z, y)", LAYER, "n2", "Each row of it adds up to 0: to add the same number to all of a row of z changes no probability."),
    ("z = X @ W + b; cross_entropy(z, y)", LAYER, "n2", "y holds whole numbers that select, so it has no gradient."),
    ("z = X @ W + b; cross_entropy(z, y)", LAYER, "z", "b was stretched over 3 rows: it was copied forward, so its gradient is summed backward. b receives sum(up, axis=0) ="),
    ("z = A*c; sum(z)", {"A": A, "c": [[2], [3]]}, "z", "c was stretched over 3 columns: it was copied forward, so its gradient is summed backward. c receives sum(up*A, axis=1) ="),
    ("z = A*c; sum(z)", {"A": A, "c": 2}, "z", "c is one number that is used for all 6 numbers of z: it was copied forward, so its gradient is summed backward. c receives sum(up*A) ="),
    ("s = sum(A, axis=1); sum(s^2)", {"A": A}, "s", "going back, up, 2x1, is spread along axis 1, over the 3 columns."),
    ("s = mean(A, axis=0); sum(s^2)", {"A": A}, "s", "A mean hands on 1/2 of its upstream gradient to each of the 2 numbers of a column: going back, up, 1x3, is spread along axis 0, over the 2 rows."),
    ("s = max(A, axis=1); sum(s^2)", {"A": A}, "s", "max routes everything to the largest number of each row, A[0,0] and A[1,0]; the others receive nothing."),
    ("s = max(x); s^2", {"x": [1, 2, 2]}, "s", "x[1] and x[2] tie, so they share it equally."),
    ("h = C[ix]; sum(h^2)", {"C": B, "ix": [1, 2, 1]}, "h", "what arrives is put back where each was taken, and the 2 numbers that were not taken receive 0. C[1] was taken twice, so what arrives for each time is added."),
    ("h = x[1:3]; sum(h^2)", {"x": [1, 2, 3]}, "h", "and the 1 number that were not taken"),
    ("m = concat(x, y); sum(m^2)", {"x": V, "y": W}, "m", "y receives up[2:5] ="),
    ("p = softmax(z); p[1]", {"z": W}, "p", "The Jacobian is dp/dz = diag(p) - p @ p.T; what is sent to z is its transpose times up."),
    ("p = softmax(z); sum(p^2)", {"z": A}, "p", "The Jacobian of a row of p, call it r, would be diag(r) - outer(r, r); it is never needed."),
    ("q = W @ x; sum(q^2)", {"W": B, "x": V}, "q", "The Jacobian is dq/dx = W; what is sent to x is its transpose times up."),
    ("o = outer(u, v); sum(o^2)", {"u": W, "v": V}, "o", "v[j] is used by o[i,j] for every i, where u[i] multiplies it, so it receives the sum over i of up[i,j]*u[i]: that is up.T @ u."),
    ("t = trace(A); t^2", {"A": [[1, 2], [3, 4]]}, "t", "what arrives is copied to the diagonal, and the others receive 0. A receives up*eye(rows(A)) = [[10, 0], [0, 10]]."),
    ("r = reshape(A, 6); sum(r^2)", {"A": A}, "r", "what arrives is only reshaped back to 2x3. A receives reshape(up, rows(A), cols(A)) ="),
    ("c = conv(x, k); sum(c^2)", {"x": [1, 2, 3, 4], "k": [1, -1]}, "c", "which is why k is flipped, and the edges are padded with 0. x receives conv(pad(up, k), flip(k)) = [-2, 0, 0, 2]."),
    ("sum(batchnorm(x, g, b)*u)", {"x": B, "g": 2, "b": V, "u": B}, "n1", "each column of what is sent adds up to 0, for to shift a whole column of x changes nothing. With h = batchnorm(x, 1, 0) and s ="),
    ("sum(batchnorm(x, g, b)*u)", {"x": B, "g": 2, "b": V, "u": B}, "n1", "b was stretched over 3 rows: it was copied forward, so its gradient is summed backward. b receives sum(up, axis=0) ="),
    ("sum(layernorm(x, 1, 0)*u)", {"x": W, "u": [1, 2, 4]}, "n1", "layernorm centres and scales x, so a number acts in three ways"),
    ("q = x; sum(relu(q))", {"x": [1, -1]}, "n1", "relu lets what arrives through where q is positive, at q[0], and nothing elsewhere."),
    ("sum(relu(x))", {"x": [1, 2]}, "n1", "All numbers of x are positive, so relu lets everything through."),
    ("sum(relu(x))", {"x": [0, 2]}, "n1", "At n1[0] it stands on its kink; the subgradient of smallest norm is used."),
    ("sum(max(x, y))", {"x": [1, 2, 3], "y": [3, 2, 1]}, "n1", "max takes, number by number, the larger one: x at n1[2] and y at n1[0]. Its operands tie at n1[1], and share what arrives there equally."),
    ("sum(if(d < 1, d^2, 2*d))", {"d": [0, 3]}, "n3", "The condition selects, number by number, n1 at n3[0] and n2 at n3[1], and what arrives goes where it was taken from; the condition itself receives nothing."),
    ("sum(if(d < 1, d^2, 2*d))", {"d": [0, 3]}, "n1", "It stands in a branch, and is evaluated at n1[0] only."),
    ("sum(sqrt(x))", {"x": [0, 4]}, "n1", "so x receives up/(2*n1) = [infinite, 0.25]."),
    ("sum(0*x)", {"x": [1, 4]}, "n1", "so x receives up*0 = [0, 0]."),
    ("sum(clamp(x, 0, 1))", {"x": [-1, 0.5, 3]}, "n1", "clamp lets through to x what arrives at n1[1], and nothing elsewhere. x receives [0, 1, 0]."),
    ("sum(a + b)", {"a": 1, "b": [2]}, "n1", "A sum hands its upstream gradient on unchanged."),
    ("q = a*b; sum(q)", {"a": 3, "b": [2, 2]}, "q", "The local gradient for b is dq/db = a = 3, so b receives up*a = [3, 3]."),
    ("q = x*x; sum(q)", {"x": [1, 4]}, "x", "Where branches meet, what comes back is added: its gradient is [2, 8]."),
    ("q = x - x; sum(q)", {"x": [1, 4]}, "x", "There the contributions cancel: none is 0, but their sum is."),
)  # fmt: skip


@pytest.mark.parametrize(("program", "at", "node", "said"), SENTENCES)
def test_sentences(program, at, node, said):
    assert said in told(program, at)[node]


def test_what_cancels_is_said_and_why():
    program, point, upstream = PROGRAMS["batch norm"]
    words = told(program, point, upstream=upstream)
    assert "That is exactly 0, though what is summed is not: mu is the mean of x, so the numbers of each column of n1 add up to 0, and what arrives is a multiple of them." in words["n1"]  # fmt: skip
    assert "exactly 0" not in words["n3"]
    words = told("h = c*(x + b); h", {"x": [[1, 2], [3, 5]], "b": [1, 2], "c": 3}, upstream=[[1, 2], [-1, 3]])  # fmt: skip
    assert "That is exactly 0 at b[0], though what is summed is not: the numbers that arrive cancel." in str(words)  # fmt: skip
    program, point, _ = PROGRAMS["atomic"]
    assert "to shift a whole row of n1 by one number changes nothing in n6, to first order." in told(program, point)["n1"]  # fmt: skip
    before = (
        "h = X @ W + b; mu = mean(h, axis=0); d = h - mu; v = mean(d^2, axis=0); sum(d/sqrt(v)*u)"
    )
    words = told(before, {"X": B, "W": [[1, 2], [3, -1]], "b": V, "u": B})
    assert "That is exactly 0, though what is summed is not: to shift a whole column of h by one number changes nothing" in words["h"]  # fmt: skip


def test_the_headline_tells_what_arrives():
    assert "starts there with the upstream gradient [[1, -2], [0.5, 3]] that was given, of the shape of Z: 2x2." in str(trace_of("matrices").explain())  # fmt: skip
    assert "starts there with the gradient 1, since dn1/dn1 = 1." in str(trace_of("layer").explain()).replace("n2", "n1")  # fmt: skip


def test_a_node_called_up_is_told_apart():
    words = str(trace_of("names").explain())
    assert "Below, up is the upstream gradient of the node at hand, not the node up." in words
    assert "A receives up @ j.T =" in words


def test_large_arrays_are_told_in_short():
    many = [[(i * j) % 7 / 8 for j in range(9)] for i in range(12)]
    words = str(bp.Program("sum((X @ W)^2)").at(X=many, W=[[1.0, -1.0]] * 9).explain())
    assert "W = [9x2, -1 to 1, norm 4.24264]" in words
    assert "X @ W = [12x2, -4 to 4, norm 12.2474]" in words or "[12x2, " in words
    assert max(map(len, words.split("\n"))) < 2_000


# The texts of the rows are what is said

TEXTS = (
    # operation, texts instead, program, point, what is said then
    ("matmul", ("up @ b", "a @ up"), "q = W @ x; sum(q^2)", {"W": B, "x": V}, ("q receives", "x receives W @ up ="), None),
    ("matmul", ("2*up @ b.T", "up.T @ a"), "q = W @ x; sum(q^2)", {"W": B, "x": V}, ("W receives 2*up @ x.T =", "up is 3, x is 2, so 2*up @ x.T is 3x2", "x receives up.T @ W =", "so it receives 2*up[i]*x[j]"), None),
    ("matmul", ("up @ b.T", "a.T @ up"), "Z = A @ B; sum(Z)", {"A": A, "B": B}, ("sum over k of up[i,k]*B[j,k]",), None),
    ("matmul", ("up @ b", "up @ a"), "Z = A @ B; sum(Z)", {"A": V and [[1, 2], [3, 4]], "B": [[1, 2], [3, 4]]}, ("sum over k of up[i,k]*B[k,j]", "A receives up @ B ="), "The transpose is there"),
    ("cross_entropy", ("up*softmax(a)", "0"), "cross_entropy(z, y)", {"z": A, "y": [0, 1]}, ("the gradient is", "z receives up*softmax(z) ="), "divided by"),
    ("softmax", ("up*out*(1 - out)",), "p = softmax(z); sum(p^2)", {"z": A}, ("z receives up*p*(1 - p) =",), "sum(up*p"),
    ("transpose", ("up",), "q = A.T; sum(q^2)", {"A": A}, ("A receives up =",), "up.T"),
)  # fmt: skip


@pytest.mark.parametrize(("name", "texts", "program", "at", "said", "unsaid"), TEXTS)
def test_a_text_that_is_changed_changes_what_is_said(monkeypatch, name, texts, program, at, said, unsaid):  # fmt: skip
    row = next(
        node.row for node in bp.Program(program).at(at).record.nodes if node.row.name == name
    )
    monkeypatch.setattr(row, "variants", lambda _shapes, _written: texts)
    words = str(bp.Program(program).at(at).explain())
    for one in said:
        assert one in words
    assert unsaid is None or unsaid not in words


def test_a_row_without_a_sentence_is_told_by_its_text(monkeypatch):
    def lower(on: Any, operands: Any, _written: Any) -> list[int]:
        return [on.apply("mul", k, on.number(3.0)) for k in operands[0].nodes]

    row = array_row("thrice", "x", "3*up", Role.SCALES, "three times", shape=fits.same, lower=lower)
    monkeypatch.setitem(STRUCTURAL, "thrice", row)
    assert "thrice" not in array_sentences.WHY
    words = told("q = thrice(x); sum(q^2)", {"x": [1, 2]})["q"]
    assert "x receives 3*up = [18, 36]." in words


def test_the_sentences_are_of_rows():
    known = {*STRUCTURAL, "matmul", "transpose", "array"}
    assert {*array_sentences.WHY, *array_sentences.SHIFTS, *array_sentences.PRODUCTS} <= known  # fmt: skip
    assert MATMUL.name in array_sentences.PRODUCTS


# Numbers are the trace's

ARRAY = r"-?\d[\d.e+-]*|infinite|-infinite|undefined|\[[^=;]*?\](?=[.,;: ]|$)"
RECEIVES = re.compile(
    r"(\S+) receives (?:[^.=]*? = )?(\[\[.*?\]\]|\[[^\[\]]*\]|-?[\d.e+-]*\d) from (\w+)"
)


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_number_is_the_trace_s(name):
    trace = trace_of(name)
    teller = array_narrate.Teller(trace.record, 6)
    nodes = trace.record.by_name
    found = trace.explain().record
    shown = {n.name for n in trace.record.nodes if n.gradient is not None and n.kind != "constant"}
    assert {paragraph.node for paragraph in found.paragraphs} == shown
    for paragraph in found.paragraphs:
        node = nodes[paragraph.node]
        received = teller.senders.get(node.index, [])
        tensors = [node.gradient, *(edge.contribution for _, edge in received)]
        for edge in node.edges:
            tensors += [edge.contribution, edge.local]
        known = {str(teller.side(x)) for x in tensors if x is not None}
        known |= {str(Figure(x, 6)) for t in tensors if t is not None for x in t.numbers if x is not None and len({*t.numbers} - {None}) == 1}  # fmt: skip
        for piece in paragraph.pieces:
            last = piece.sides[-1]
            if isinstance(last, Grid | Figure):
                assert str(last) in known, paragraph.text
        for receiver, number, sender in RECEIVES.findall(paragraph.text):
            assert receiver == node.name
            assert (sender, number) in {
                (n.name, str(teller.side(e.contribution))) for n, e in received
            }
        for edge in node.edges:  # each is told, unless all of it is 0
            if any(x != 0 for x in edge.contribution.numbers):
                label = re.escape(trace.record.name(edge.operand))
                assert re.search(rf"(?<!\w){label}(?!\w)", paragraph.text), paragraph.text
        assert not re.search(r"\b(nan|inf|None|you)\b|!|  |\{|\}", paragraph.text.replace("!=", ""))
        assert paragraph.text.endswith(".")


def value_of(shown: indices.Indexed, sizes: dict[str, int], at: dict[str, int], arrays: dict[str, Any]) -> float:  # fmt: skip
    """An element as a formula over elements, by loops."""
    text = str(shown.rule)
    total = 0.0
    for one in itertools.product(*(range(sizes[letter]) for letter in shown.over)):
        total += eval(text, {"__builtins__": {}}, arrays | at | dict(zip(shown.over, one, strict=True)))  # fmt: skip
    return total


class Loose:
    """A nested list that takes W[i,j]."""

    def __init__(self, items: Any) -> None:
        self.items = items

    def __getitem__(self, place: Any) -> Any:
        items = self.items
        for k in place if isinstance(place, tuple) else (place,):
            items = items[k]
        return items


@pytest.mark.parametrize("name", [name for name, (program, _, _) in PROGRAMS.items() if "@" in program or "dot" in program])  # fmt: skip
def test_what_is_said_with_indices_is_what_is_sent(name):
    trace = trace_of(name).record
    teller = array_narrate.Teller(trace, 6)
    checked = 0
    for node in trace.nodes:
        if node.row.name not in array_sentences.PRODUCTS:
            continue
        places = teller.places(node)
        for edge in node.edges:
            shown = teller.gets(node, edge, places)
            if shown is None:
                assert "up" in trace.by_name
                continue
            arrays = {
                n.name: Loose(n.value.floats) if n.shape else n.value.floats for n in trace.nodes
            }
            arrays["up"] = Loose(node.gradient.floats) if node.shape else node.gradient.floats
            sizes: dict[str, int] = dict.fromkeys(shown.over, 1)
            for k, shape in [(-1, node.shape), *enumerate(map(teller.shape, node.operands))]:
                sizes |= {
                    letter: n
                    for letter, n in zip(places[k], shape, strict=True)
                    if letter in teller.letters
                }
            names = places[edge.place]
            for place, number in zip(elements(edge.contribution.shape), edge.contribution.numbers, strict=True):  # fmt: skip
                at = dict(zip(names, place, strict=True))
                assert isclose(value_of(shown, sizes, at, arrays), float(number), rel_tol=1e-9, abs_tol=1e-12)  # fmt: skip
                checked += 1
    assert checked or name == "names"


# Why

ELEMENTS = (
    # program, point, element, its gradient, paths
    ("q = W @ x; sum(q^2)", {"W": B, "x": V}, "W[0,1]", 1),
    ("q = W @ x; sum(q^2)", {"W": B, "x": V}, "x[0]", 3),
    ("p = softmax(z); p[1]", {"z": W}, "z[0]", 1),
    ("z = X @ W + b; cross_entropy(z, y)", LAYER, "b[1]", 3),
    ("z = X @ W + b; cross_entropy(z, y)", LAYER, "W[1,2]", 3),
    ("h = C[ix]; sum(h^2)", {"C": B, "ix": [1, 2, 1]}, "C[1,0]", 2),
    ("norm(x)", {"x": W}, "x[2]", 1),
    ("sum(conv(x, k)^2)", {"x": [1, 2, 3, 4], "k": [1, -1]}, "k[1]", 3),
    ("sum(layernorm(x, 1, 0)*u)", {"x": W, "u": [1, 2, 4]}, "x[0]", 3),
)


@pytest.mark.parametrize(("program", "at", "label", "count"), ELEMENTS)
def test_the_paths_of_an_element_add_up_to_its_gradient(program, at, label, count):
    trace = bp.Program(program).at(at)
    found = trace.why(label).record
    array, place = label[:-1].split("[")
    right = Loose(trace.gradients[array])[ast.literal_eval(f"({place},)")]
    facts = [fact for paragraph in found.paragraphs for fact in paragraph.facts]
    assert [fact.count for fact in facts if fact.kind == "paths"] == [count]
    products = [fact.numbers[0] for fact in facts if fact.kind == "path"]
    assert len(products) == count
    assert isclose(sum(products), right, rel_tol=1e-9)
    assert plain(found.headline).startswith(f"The gradient of {label} is ")
    shown = {name for fact in facts if fact.kind == "path" for name in fact.names}
    assert not any("a part of" in name for name in shown)


def test_why_an_element_is_zero():
    point = {"W": [[1, 2], [-1, -2]], "x": [1, 1]}
    trace = bp.Program("q = relu(W @ x); sum(q^2)").at(point)
    assert "The relu at q[1] is off, since n1[1] = -3 is negative." in str(trace.why("W[1,0]"))
    words = str(trace.why("W"))
    assert "The path: n3 sends what arrives, spread out, to n2; n2 sends up*2*q to q; q sends up*if(n1 > 0, 1, 0) to n1; n1 sends up @ x.T to W." in words  # fmt: skip
    assert (
        "The gradient is 0 at W[1,0] and W[1,1]. No path from n3 to W[1,0] and W[1,1] passes anything on. The relu at q[1] is off"
        in words
    )
    words = str(trace_of("embedding").why("C"))
    assert "The gradient is 0 at C[0,0] and C[0,1]." in words
    words = str(trace_of("batch norm").why("mu"))
    assert "2 paths lead from n8 to mu. The gradient is their sum." in words
    words = str(bp.Program("x - x").at(x=[1, 2], upstream="ones").why("x[1]"))
    assert "They cancel" in words


def test_why_asks_for_what_there_is():
    trace = trace_of("matrix, vector")
    assert "n2 is the output" in str(trace.why("n2"))
    assert str(trace.why("A[ 2 , 1 ]")) == str(trace.why("A[2,1]"))
    for label, message, hint in (
        ("A[3,0]", "there is no element called A[3,0]", "A is 3x2; its elements are A[0,0] to A[2,1]"),
        ("A[0]", "there is no element called A[0]", "A is 3x2; its elements are A[0,0] to A[2,1]"),
        ("a[0,0]", "there is no node called a", "did you mean A?"),
        ("n2[0]", "there is no element called n2[0]", "n2 is a number"),
    ):  # fmt: skip
        with pytest.raises(BackpropError) as caught:
            trace.why(label)
        assert (caught.value.message, caught.value.hint) == (message, hint)
    with pytest.raises(BackpropError, match="there is no node called Q"):
        trace.explain("Q")
    with pytest.raises(BackpropError, match="an element by its paths, with why"):
        trace.explain("A[0,0]")
    assert "The gradient of theta[0] is 2." in str(
        bp.Program("sum(θ^2)").at(theta=[1, 2]).why("θ[0]")
    )


@pytest.mark.parametrize("name", PROGRAMS)
def test_why_of_everything(name):
    trace = trace_of(name)
    for node in trace.record.nodes:
        if node.kind != "constant":
            found = trace.why(node.name)
            schema("array_explanation").validate(json.loads(found.json()))
            assert len(found.record.paragraphs) >= 1
            if node.gradient is not None and node.shape:
                where = ",".join("0" for _ in node.shape)
                label = f"{node.name}[{where}]"
                if label in array_why.seen_nodes(trace.record.numbers):
                    assert str(trace.why(label)).startswith(f"The gradient of {label} ")


# Documents


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_documents(name):
    trace = trace_of(name)
    found = trace.explain()
    document = json.loads(found.json())
    schema("array_explanation").validate(document)
    facts = [fact for paragraph in document["paragraphs"] for fact in paragraph["facts"]]
    totals = {fact["node"]: fact["gradient"] for fact in facts if fact["kind"] == "gradient"}
    for label, right in trace.gradients.items():
        assert flat(totals[label]) == flat(right) or None in flat(right)
    sent = {(fact["node"], fact["operand"]) for fact in facts if fact["kind"] == "sends"}
    assert sent == {(n.name, trace.record.name(e.operand)) for n in trace.record.nodes for e in n.edges}  # fmt: skip
    text = found.markdown()
    assert MarkdownIt().render(text).count("<h2>") == len(document["paragraphs"])
    assert r"\\" not in re.sub(r"\$[^$]*\$", "", text)


def flat(items: Any) -> list[Any]:
    return [x for item in items for x in flat(item)] if isinstance(items, list) else [items]


def test_numbers_keep_their_format():
    code, out, _ = call("explain", "x*y", "--at", "x=3,y=4", "--format", "json")
    assert (code, json.loads(out)["format"]) == (0, "backprop-explanation/1")
    code, out, _ = call("explain", "sum(x*y)", "--at", "x=[3],y=4", "--format", "json")
    assert (code, json.loads(out)["format"]) == (0, "backprop-explanation/2")
    code, out, err = call(
        "explain", "sum(sqrt(x))", "--at", "x=[0,1]", "--get", "paragraphs[2].facts"
    )
    assert (code, "infinite" in out) == (3, True), err


LATEX = (
    # a formula, in LaTeX
    ("W @ x", r"W\,x"),
    ("up @ x.T", r"\mathit{up}\,{x}^{\top}"),
    ("(W @ x).T", r"{\left(W\,x\right)}^{\top}"),
    ("up*x", r"\mathit{up} \odot x"),
    ("2*x", r"2\,x"),
    ("up*x/n", r"\frac{\mathit{up} \odot x}{n}"),
    ("dot(x, x)*x", r"\operatorname{dot}\left(x, x\right)\,x"),
    ("sum(x, axis=0)*x", r"\operatorname{sum}\left(x, \text{axis} = 0\right) \odot x"),
    ("W @ (x + x)", r"W \cdot \left(x + x\right)"),
    ("x[0]", r"{x}_{0}"),
    ("W[:,1:3]", r"{W}_{{:},1{:}3}"),
    ("[1, n]", r"\begin{pmatrix}1 & n\end{pmatrix}"),
    ("[[1, 2], [3, n]]", r"\begin{pmatrix}1 & 2 \\ 3 & n\end{pmatrix}"),
    ("no_such(x)", r"\texttt{no\_such(x)}"),
)


@pytest.mark.parametrize(("text", "latex"), LATEX)
def test_formulas_in_latex(text, latex):
    names = frozenset({"W", "x", "up"})
    assert formula_latex.side(Written(text, names)) == latex


def test_elements_in_latex():
    assert formula_latex.name_latex("W[0,1]") == "{W}_{0,1}"
    assert formula_latex.name_latex("n1[i,j]") == "{n_{1}}_{i,j}"


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")
def test_the_documents_compile(tmp_path):
    for name in (
        "layer",
        "batch norm",
        "huber",
        "joined",
        "no slope",
        "embedding",
        "outer",
        "rows",
        "layernorm",
    ):
        trace = trace_of(name)
        first = trace.record.nodes[0]
        label = first.name + ("[" + ",".join("0" for _ in first.shape) + "]" if first.shape else "")
        for found in (trace.explain(), trace.why(first.name), trace.why(label)):
            (tmp_path / "a.tex").write_text(found.latex())
            done = subprocess.run(
                ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "a.tex"],
                cwd=tmp_path, capture_output=True, text=True, timeout=60,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout[-2000:]


def test_long_programs_need_no_recursion():
    lines = ["x0 = x", *(f"x{k} = x{k - 1} + {k}*x" for k in range(1, 1_200)), "sum(x1199)"]
    trace = bp.Program("; ".join(lines)).at(x=[1, 2])
    words = str(trace.why("x"))
    assert "The first 5 follow; the gradient is their sum." in words
    assert len(trace.explain().record.paragraphs) > 1_200
