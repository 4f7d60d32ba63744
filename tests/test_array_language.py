"""Arrays as they are typed: in words of other languages, with notes and advice; several outputs."""

import json
from typing import Any

import numpy as np
import pytest

import backprop_grammar as bp
from backprop_grammar.array_answers import ArrayTrace
from backprop_grammar.errors import BackpropError
from backprop_grammar.passes.sides import LARGEST, Neighbourhood
from tests.support import call, schema

# several outputs


def test_several_outputs_are_the_sum_of_their_products_with_what_arrives():
    program = "z = W @ x; p = softmax(z); l = -log(p[0]); l"
    at = {"W": [[1, 0.5], [-0.25, 2]], "x": [1, 2]}
    several = bp.Program(program).at(
        at, output="p,z,l", upstream={"p": [1, -2], "z": "ones", "l": 3}
    )
    single = bp.Program(f"{program.removesuffix('; l')}; dot(p, [1, -2]) + sum(z) + 3*l").at(at)
    for name, right in single.gradients.items():
        assert np.allclose(several.gradients[name], right, rtol=1e-14)
    told = json.loads(several.json())
    schema("arrays").validate(told)
    assert list(told["outputs"]) == ["p", "z", "l"]
    assert told["outputs"]["z"] == {"value": [2.0, 3.75], "upstream": [1.0, 1.0]}
    assert (told["output"], told["upstream"]) == ("l", 3.0)
    node = {one["name"]: one for one in told["nodes"]}["z"]
    assert node["gradient"] != [1.0, 1.0]  # what arrives, and what p sends back


OUTPUTS: tuple[tuple[str, tuple[str, ...], Any], ...] = (
    # the program, the options, the gradients
    ("q = x*y; r = x + y; r^2", ("--output", "q,r"), {"x": 4.0, "y": 3.0}),
    ("q = x*y; r = x + y; r^2", ("--output", "q, r", "--upstream", "q=2,r=-1"), {"x": 5.0, "y": 3.0}),
    ("q = x*y; r = x + y; r^2", ("--output", "q,r", "--upstream", "q=1/2"), {"x": 2.5, "y": 2.0}),
    ("q = x*y; r = x + y; r^2", ("--output", "q,q"), {"x": 3.0, "y": 2.0}),
    ("q = x*[1,2]; r = x + y", ("--output", "q,r", "--upstream", "ones"), {"x": 4.0, "y": 1.0}),
    ("q = x*[1,2]; r = x + y", ("--output", "q,r", "--upstream", "q=[3,-1] r=2"), {"x": 3.0, "y": 2.0}),
    ("q = x*[1,2]; r = x + y", ("--output", "q", "--upstream", "q=range(2)"), {"x": 2.0}),
)  # fmt: skip


@pytest.mark.parametrize(("program", "options", "right"), OUTPUTS, ids=[" ".join(o) for _, o, _ in OUTPUTS])  # fmt: skip
def test_several_outputs_of_the_command(program, options, right):
    code, out, err = call("eval", program, "--at", "x=2,y=3", *options, "--json")
    assert code == 0, err
    told = json.loads(out)
    schema("arrays").validate(told)
    assert {k: v for k, v in told["gradients"].items() if v or k in right} == right


WRONG_OUTPUTS = (
    ("q = x*[1,2]; r = x + y", ("--output", "q,r"), "the output is 2, not a number"),
    ("q = x*[1,2]; r = x + y", ("--output", "q,r", "--upstream", "q=[1,2,3]"), "--upstream is 3, the output q is 2"),
    ("q = x*[1,2]; r = x + y", ("--output", "q,r", "--upstream", "q=ones,s=2"), "a gradient arrives at s, which is no output"),
    ("q = x*[1,2]; r = x + y", ("--output", "q,r", "--upstream", "q=ones,[1,2]"), "[1,2] of --upstream has no name"),
    ("q = x*[1,2]; r = x + y", ("--output", "q,r", "--upstream", "q=ones,q=ones"), "--upstream gives q twice"),
    ("q = x*[1,2]; r = x + y", ("--output", "q,u"), "there is no node called u"),
    ("q = x*[1,2]; r = x + y", ("--output", "q,r", "--upstream", "q=nan"), "--upstream takes a finite number"),
)  # fmt: skip


@pytest.mark.parametrize(("program", "options", "says"), WRONG_OUTPUTS)
def test_outputs_that_are_none(program, options, says):
    code, out, err = call("eval", program, "--at", "x=2,y=3", *options)
    assert code in (1, 2)
    assert (out, says in err) == ("", True), err


def test_commands_that_take_one_output_say_so():
    code, _, err = call("step", "q = x*y; r = x + y", "--at", "x=2,y=3", "--output", "q,r")
    assert code == 2
    assert "--output names several, and this command takes one" in err


# what may have been meant otherwise

POINT: dict[str, Any] = {
    "W": [[1, 2, 3], [4, 5, 6]], "A": [[1, 2], [3, 4]], "B": [[5, 6], [7, 8]], "x": [1, 2, 3], "u": [1, 2],
    "v": [3, 4], "z": [[0.5, 2, 3], [0, 4, 2]], "p": [[1], [2], [3]], "q": [[1, 2, 3, 4]], "k": 2, "y": [0, 2],
}  # fmt: skip


def traced(program: str, **more: Any) -> Any:
    ready = bp.Program(program)
    given = {name: POINT[name] for name in ready.inputs if name in POINT}
    return ready.at(given | more, upstream="ones")


NOTED = (
    # the program, the note on it; none where it can only be meant as it stands
    ("sum(W*x)", "W*x multiplies every row of W by x, element by element; the matrix product is W @ x"),
    ("sum(u*A)", "u*A multiplies every row of A by u, element by element; the matrix product is u @ A"),
    ("q = A*u; sum(q)", "A*u multiplies every row of A by u, element by element; the matrix product is A @ u"),
    ("sum(max(z, 1))", "max(z, 1) compares every number of z with 1; the largest of each row is max(z, axis=1)"),
    ("sum(max(z, 0))", "max(z, 0) compares every number of z with 0; the largest of each column is max(z, axis=0)"),
    ("sum(min(x, 1))", "min(x, 1) compares every number of x with 1; the smallest of all is min(x)"),
    ("sum(p*q)", "p is 3x1 and q is 1x4: each element of one meets each of the other, which makes 3x4"),
    ("sum(q - p)", "q is 1x4 and p is 3x1: each element of one meets each of the other, which makes 3x4"),
    ("sum(x.T*x)", "x.T*x goes element by element; the matrix product is x.T @ x"),
    ("sum(u.T*A*u)", "u.T*A goes element by element; the matrix product is u.T @ A"),
    ("sum(A^-1)", "A^-1 is 1/A, element by element; the inverse of a matrix is not computed here"),
    ("sum(u^-1)", ""), ("sum(A^2)", ""), ("sum((A + 1)^-1)", ""), ("sum(A.T*2)", ""), ("sum(W.T*k)", ""),
    ("sum(A*B)", ""), ("sum(k*W)", ""), ("sum(x*x)", ""), ("sum(W @ x)", ""), ("sum(x*(W - 1))", ""),
    ("sum(W*sum(W, axis=0))", ""), ("sum(max(0, z))", ""), ("sum(max(z, 2))", ""), ("sum(np.maximum(z, 0))", ""),
    ("sum(W + x)", ""), ("max(k, 1)", ""), ("sum(p @ q)", ""), ("sum(A*[2, 3])", ""),
)  # fmt: skip


@pytest.mark.parametrize(("program", "note"), NOTED, ids=[program for program, _ in NOTED])
def test_notes_on_what_may_have_been_meant_otherwise(program, note):
    trace = traced(program)
    found = [one.message for one in trace.notes if one.kind == "spelling"]
    assert found == ([note] if note else [])
    if isinstance(trace, ArrayTrace):
        schema("arrays").validate(json.loads(trace.json()))


def test_many_notes_of_a_kind_are_three():
    program = " + ".join(["sum(W*x)"] * 5)
    assert len(traced(program).notes) == 3


# what has one meaning is read

READ = (
    # typed, as it is printed
    ("np.dot(W, x)", "W @ x"),
    ("torch.matmul(A, B)", "A @ B"),
    ("tf.matmul(A, np.transpose(B))", "A @ B.T"),
    ("jnp.matmul(A, B) @ u", "A @ B @ u"),
    ("torch.mm(A, B)*k", "(A @ B)*k"),
    ("matmul(A, u + v)", "A @ (u + v)"),
    ("transpose(A + B)", "(A + B).T"),
    ("np.linalg.norm(x)", "norm(x)"),
    ("np.array([1,2]) @ A", "[1, 2] @ A"),
    ("torch.tensor([[1.,2.]], requires_grad=True) @ A", "[[1, 2]] @ A"),
    ("np.maximum(0, W)", "max(0, W)"),
    ("np.concatenate([u, v])", "concat(u, v)"),
    ("np.concatenate((A, B), axis=1)", "concat(A, B, axis=1)"),
    ("torch.cat([u, v, x])", "concat(u, v, x)"),
    ("concat([u, v])", "concat(u, v)"),
    ("F.softmax(z, dim=1)", "softmax(z, axis=1)"),
    ("torch.log_softmax(z, dim=-1)", "logsoftmax(z, axis=-1)"),
    ("F.cross_entropy(z, y)", "cross_entropy(z, y)"),
    ("np.sum(W, axis=0, keepdims=True)", "sum(W, axis=0)"),
    ("torch.mean(W, dim=1, keepdim=True)", "mean(W, axis=1)"),
    ("np.exp(z)/np.sum(np.exp(z), axis=1, keepdims=True)", "exp(z)/sum(exp(z), axis=1)"),
    ("tf.reduce_sum(W)", "sum(W)"),
    ("tf.reduce_max(W, axis=1, keepdims=True)", "max(W, axis=1)"),
    ("np.zeros((2, 3)) + W", "zeros(2, 3) + W"),
    ("np.ones((2)) + u", "ones(2) + u"),
    ("np.arange(3) + x", "range(3) + x"),
    ("np.eye(2) @ A", "eye(2) @ A"),
    ("Aᵀ @ B", "A.T @ B"),
    ("(A + B)⊤ @ u", "(A + B).T @ u"),
    ("W' @ u", "W.T @ u"),
    ("sum(W, axis=-1)", "sum(W, axis=-1)"),
)


@pytest.mark.parametrize(("typed", "printed"), READ, ids=[typed for typed, _ in READ])
def test_what_has_one_meaning_is_read(typed, printed):
    found, right = traced(typed), traced(printed)
    assert repr(bp.Program(typed)) == printed
    assert (found.value, found.gradients) == (right.value, right.gradients)


def test_axes_may_be_counted_from_the_last():
    for program, same in (
        ("sum(W, axis=-1)", "sum(W, axis=1)"), ("max(W, axis=-2)", "max(W, axis=0)"), ("sum(x, axis=-1)", "sum(x, axis=0)"),
        ("softmax(z, axis=-1)", "softmax(z)"), ("softmax(z, axis=1)", "softmax(z)"), ("logsoftmax(x, axis=0)", "logsoftmax(x)"),
        ("concat(A, B, axis=-1)", "concat(A, B, axis=1)"),
    ):  # fmt: skip
        assert traced(program).gradients == traced(same).gradients
        assert traced(program).value == traced(same).value
    for program, says in (
        ("sum(x, axis=-2)", "a vector of 3 has no axis -2"), ("softmax(z, axis=0)", "softmax goes along the last axis"),
        ("softmax(x, axis=1)", "softmax goes along the last axis"), ("sum(W, axis=-3)", "a matrix has no axis -3"),
    ):  # fmt: skip
        with pytest.raises(BackpropError, match=says):
            traced(program)


def test_own_functions_of_these_names_win():
    program = "matmul(a, b) = a + b; array(a) = a; cat(a, b) = a*b; len(a) = 2*a; matmul(k, 1) + array(k) + cat(k, k) + len(k)"
    assert traced(program).value == 3 + 2 + 4 + 4
    assert traced("dim = 2; axis = 3; dim*axis*k").value == 12


def test_draws_of_another_library_are_said_to_be_other_ones():
    trace = bp.Program("W = np.random.randn(2, 3); sum(W*k)").at(k=1)
    assert [note.message for note in trace.notes] == [
        "np.random.randn draws this tool's own numbers, by a seed"
    ]


# an if over arrays

CHOICES = (
    # the program, what is said; nothing where it is computed
    ("sum(if(x > 0, x @ x, x))", "take it to a stage before the if"),
    ("sum(if(x > 0, W.T @ u, x))", "take it to a stage before the if"),
    ("sum(if(x > 0, x, sum(x)))", "take it to a stage before the if"),
    ("sum(if(x > 0, x[0], x))", "take it to a stage before the if"),
    ("sum(if(x > 0, x, if(x < -1, softmax(x), x)))", "take it to a stage before the if"),
    ("sum(if(W > 0, x, W))", ""),
    ("s = sum(x); m = x @ x; sum(if(x > 2, s*x, m))", ""),
    ("sum(if(k > 0, W.T @ u, x))", ""),
    ("sum(if(x > 2, max(x, 0), min(x, k)))", ""),
    ("sum(if(x > u, x, 0))", "do not fit together"),
    ("sum(if(x > 0, u, x))", "do not fit together"),
    ("sum(if(W > 0, u, 1))", "does not fit the columns of"),
)


@pytest.mark.parametrize(("program", "says"), CHOICES, ids=[program for program, _ in CHOICES])
def test_an_if_over_arrays(program, says):
    if not says:
        assert traced(program).value is not None
        return
    with pytest.raises(BackpropError) as caught:
        traced(program)
    assert says in str(caught.value)


# names that are functions, too; elements that are asked for; whole numbers that are made

SOFT = (
    # the program, the point, its value, its gradients
    ("norm(norm)", {"norm": [3, 4]}, 5.0, {"norm": [0.6, 0.8]}),
    ("sum(T(T)*[[1], [2]].T)", {"T": [1, 2]}, 5.0, {"T": [1.0, 2.0]}),
    ("pad = 1; sum(pad(x, pad)^2)", {"x": [1, 2]}, 5.0, {"x": [2.0, 4.0]}),
    ("norm = norm(x); norm*norm(y)^2", {"x": [3, 4], "y": [1, 2]}, 25.0, {"x": [3.0, 4.0], "y": [10.0, 20.0]}),
    ("f(norm) = norm(norm)^2; f(x)", {"x": [3, 4]}, 25.0, {"x": [6.0, 8.0]}),
    ("dot = 2; dot(a, b) = a*b; dot(x, x)", {"x": 3}, None, None),
    ("sum(C[range(2)]*C[range(rows(C) - 1)])", {"C": [[1, 2], [3, 4], [5, 6]]}, 30.0, {"C": [[2.0, 4.0], [6.0, 8.0], [0.0, 0.0]]}),
)  # fmt: skip


@pytest.mark.parametrize(("program", "at", "value", "gradients"), SOFT, ids=[one for one, *_ in SOFT])  # fmt: skip
def test_what_is_followed_by_a_parenthesis_is_the_function(program, at, value, gradients):
    if value is None:
        with pytest.raises(BackpropError, match="assigned twice"):
            bp.Program(program).at(at)
        return
    trace = bp.Program(program).at(at)
    assert np.allclose(trace.value, value, rtol=1e-14)
    for name, right in gradients.items():
        assert np.allclose(trace.gradients[name], right, rtol=1e-14)


def test_a_call_of_a_variable_that_is_a_number_can_be_multiplied():
    with pytest.raises(BackpropError, match="has no transpose") as caught:
        bp.Program("T = 3; T(x + 1)").at(x=2)
    assert "to multiply, write T*(...)" in str(caught.value)


def test_elements_are_names_to_differentiate_by():
    program = bp.Program("q = W @ x; sum(q^2)")
    at = {"W": [[1, 2], [3, 4]], "x": [1, 2]}
    trace = program.at(at, wrt="q[0],W[0,1],x")
    assert trace.gradients == {"q[0]": 10.0, "W[0,1]": 20.0, "x": [76.0, 108.0]}
    told = json.loads(trace.json())
    schema("arrays").validate(told)
    assert told["nodes"][0]["gradient"] == [[10.0, 20.0], [22.0, 44.0]]  # of all its elements
    typed = ("eval", "q = W @ x; sum(q^2)", "--at", json.dumps(at), "--wrt", "q[0],W[0,1]")
    code, out, _ = call(*typed, "-q")
    assert code == 0
    assert call(*typed, "--get", "gradients.W[0,1]")[1] == "20.0\n"
    assert call(*typed, "--get", "nodes.W.gradient[0][1]")[1] == "20.0\n"
    assert [line.split() for line in out.splitlines()[-2:]] == [["q[0]", "5", "10"], ["W[0,1]", "2", "20"]]  # fmt: skip
    for wrong, says in (
        ("W[0,2]", "there is no element W[0,2]"), ("W[0]", "there is no element W[0]"), ("x[", "there is no element x["),
        ("V[0]", "there is no node called V"), ("n2[0]", "it is one number"), ("x[0:1]", "there is no element x[0:1]"),
    ):  # fmt: skip
        with pytest.raises(BackpropError) as caught:
            program.at(at, wrt=wrong)
        assert says in str(caught.value)


def test_what_is_beyond_deciding_is_not_looked_at(monkeypatch):
    """Of 3,600 sums over 3,600 kinks, the first few are decided; none of the others is walked to."""
    walked = []
    around = Neighbourhood.around
    monkeypatch.setattr(Neighbourhood, "around", lambda self, node: walked.append(node) or around(self, node))  # fmt: skip
    trace = bp.Program("sum(relu(X))").at({"X": [[0.0] * 60] * 60}, nodes=False)
    assert trace.gradients["X"] == [[0.0] * 60] * 60
    nodes = 2 * 3600 + 1
    assert len(walked) <= nodes * (LARGEST // 3600 + 2)
