# ruff: noqa: N806  matrices have capital letters
"""Arrays that a person claims: read, judged whatever their shape, and what follows from what."""

import json
import random
from typing import Any

import numpy as np
import pytest

import backprop_grammar as bp
from backprop_cli.input.claims import read_claims
from backprop_grammar.array_answers import ArrayReport
from backprop_grammar.arrays.record import Tensor
from backprop_grammar.diagnosis.claimed import VALUE, resolved, written
from backprop_grammar.diagnosis.comparison import compared, factor
from backprop_grammar.errors import BackpropError
from tests.screens import ROOT
from tests.support import call, often, schema

SQUARES = ("q = W @ x; sum(q^2)", {"W": [[0.1, 0.5], [-0.3, 0.8]], "x": [0.2, 0.4]})
LAYER = (
    "z = X @ W + b; cross_entropy(z, y)",
    {"X": [[1, 2], [-1, 0.5]], "W": [[0.5, -1, 0.2], [0.1, 0.3, -0.4]], "b": [0, 0.1, -0.1], "y": [0, 2]},
)  # fmt: skip
RIGHT = {"W": [[0.088, 0.176], [0.104, 0.208]], "x": [-0.112, 0.636], "q": [0.44, 0.52]}

CLAIMS: list[tuple[Any, Any, bool, str]] = [
    # of W, whose gradient is [[0.088, 0.176], [0.104, 0.208]]
    ("W", "[[0.088, 0.176], [0.104, 0.208]]", True, "right within the digits written"),
    ("W", "[[0.09, 0.18], [0.10, 0.21]]", True, "right within the digits written"),
    ("W", "[[0.08, 0.17], [0.10, 0.20]]", True, "right but truncated in 3 of 4"),
    ("W", RIGHT["W"], True, "right within the digits written"),
    ("W", np.array(RIGHT["W"]) * (1 + 1e-14), True, "right up to rounding of binary64"),
    ("W", np.array(RIGHT["W"], dtype="float32"), True, "right up to rounding of binary32"),
    ("W", np.array(RIGHT["W"], dtype="float16"), True, "right up to rounding of binary16"),
    ("W", np.array(RIGHT["W"], dtype="float32").tolist(), True, "right up to rounding of binary32"),
    ("W", (np.array(RIGHT["W"], dtype="float32") * 1.0001).tolist(), False, "wrong in 4 of 4"),
    ("W", "[0.088, 0.176, 0.104, 0.208]", True, "right within the digits written, shape 4 for 2x2, row by row"),
    ("W", "[0.088, 0.104, 0.176, 0.208]", False, "shape 4 for 2x2: the right numbers column by column"),
    ("W", "[[0.088, 0.104], [0.176, 0.208]]", False, "right but transposed"),
    ("W", "[[0.044, 0.088], [0.052, 0.104]]", False, "wrong in 4 of 4; the right gradient times 0.5"),
    ("W", "[[-0.088, -0.176], [-0.104, -0.208]]", False, "wrong in 4 of 4; the right gradient with the opposite sign"),
    ("W", "[[0.088, 0.176], [0.104, 0.209]]", False, "wrong in 1 of 4, first at W[1,1]"),
    ("W", "[[0.088, 0.176], [nan, 0.208]]", False, "nan in 1 of 4, first at W[1,0]"),
    ("W", "[[0.1, 0.5], [-0.3, 0.8]]", False, "wrong in 4 of 4; it is the value of W"),
    ("W", "zeros(2,2)", False, "wrong in 4 of 4; 0 everywhere, and the gradient is not"),
    ("W", "[0.104, 0.208]", False, "shape 2 for 2x2: row 1 of the right gradient alone"),
    ("W", "[0.176, 0.208]", False, "shape 2 for 2x2: column 1 of the right gradient alone"),
    ("W", "[0.088, 0.208]", False, "shape 2 for 2x2: the diagonal of the right gradient alone"),
    ("W", "[1, 2, 3]", False, "shape 3 for 2x2"),
    ("W[0,1]", "0.176", True, "right within the digits written"),
    ("W[-1,-1]", "0.21", True, "right within the digits written"),
    ("W[0,1]", "0.088", False, "wrong; the right gradient times 0.5"),
    ("x", [[-0.112, 0.636]], True, "right within the digits written, shape 1x2 for 2"),
    ("x", [[-0.112], [0.636]], True, "right within the digits written, shape 2x1 for 2"),
    ("x", [[-0.100, 0.6], [-0.012, 0.036]], False, "shape 2x2 for 2: not summed over the 2 rows: sum(..., axis=0) of it is right"),
    ("x", [[-0.1, -0.012], [0.6, 0.036]], False, "shape 2x2 for 2: not summed over the 2 columns: sum(..., axis=1) of it is right"),
    ("x", [[-0.112, 0.636], [-0.112, 0.636]], False, "shape 2x2 for 2: the right numbers in every row"),
    ("x", "0.524", False, "one number for 2"),
    ("x", "0.636", False, "one number for 2: element 1 of the right gradient alone"),
    ("x", "[0.44, 0.52]", False, "wrong in 2 of 2; it is the gradient of q"),
    ("q", "2*[.22,.26]", True, "right within the digits written"),
    ("value.q", "[.22, .26]", True, "right within the digits written"),
    ("value.n2", "0.116", True, "right within the digits written"),
    ("value.n2", "[0.116]", True, "right within the digits written, shape 1 for a number"),
    ("value.W", "[[0.1, -0.3], [0.5, 0.8]]", False, "right but transposed"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "claim", "right", "said"), CLAIMS)
def test_verdicts_know_shapes(name: str, claim: Any, right: bool, said: str) -> None:
    program, at = SQUARES
    report = bp.Program(program).at(at).claim({name: claim})
    (verdict,) = report.record.verdicts
    assert (verdict.text, verdict.right, report.right) == (said, right, right)
    if right:
        assert not verdict.wrong and not verdict.diagnoses


def test_rounding_is_judged_beside_what_was_added() -> None:
    """A gradient that cancels is off by as much as its parts are, and right; by more, and wrong."""
    at = {name: x for name, x in LAYER[1].items() if name != "y"}
    trace = bp.Program("Z = X @ W + b; p = softmax(Z); sum(p)").at(at)
    near = np.full((2, 3), 3e-9, dtype="float32")
    assert trace.claim(Z=near).right
    assert not trace.claim(Z=near * 1000).right
    assert not trace.claim(Z=near.astype("float64") * 1.1).right  # which is too far for binary64
    sums = bp.Program("sum(x - mean(x))").at(x=[0.1, 0.7, 0.4])
    assert sums.claim(x=np.array([1.1102230246251565e-16, -2.7755575615628914e-17, 0])).right
    assert not sums.claim(x=np.array([1.1102230246251565e-3, -2e-3, 0])).right


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_net_by_hand_is_right_in_any_arithmetic(dtype: str) -> None:
    """All values and gradients of a net, computed by NumPy, layer by layer."""
    number = np.dtype(dtype).type
    rng = np.random.default_rng(1)
    at = {name: rng.normal(size=shape).round(2) for name, shape in {"X": (5, 3), "W": (3, 4), "b": (4,), "V": (4, 2)}.items()}  # fmt: skip
    X, W, b, V = (number(at[name]) for name in "XWbV")
    z = X @ W + b
    h = np.tanh(z)
    s = h @ V
    e = np.exp(s - s.max(1, keepdims=True))
    p = e / e.sum(1, keepdims=True)
    y = np.array([0, 1, 1, 0, 1])
    ds = p.copy()
    ds[range(5), y] -= 1
    ds = ds / number(5)
    dh = ds @ V.T
    dz = (1 - h * h) * dh
    claims = {"z": z, "h": h, "s": s, "ds": ds, "dh": dh, "dz": dz, "dW": X.T @ dz, "db": dz.sum(0), "dV": h.T @ ds, "dX": dz @ W.T}  # fmt: skip
    trace = bp.Program("z = X @ W + b; h = tanh(z); s = h @ V; cross_entropy(s, y)").at({**at, "y": y.tolist()})  # fmt: skip
    report = trace.claim(file=claims)
    assert report.right and len(report.record.verdicts) == 10, str(report)
    kinds = {verdict.name: verdict.target.kind for verdict in report.record.verdicts}
    assert kinds["value.z"] == VALUE and kinds["z"] == "gradient"
    for name in ("dz", "dW", "db"):
        wrong = claims[name].copy()
        wrong[tuple(0 for _ in wrong.shape)] += number(1e-3)
        assert not trace.claim(file=claims | {name: wrong}).right


def test_a_hundred_thousand_numbers_are_compared() -> None:
    numbers = random.Random(0)
    n = often(2_000, 100_000)
    right = tuple([numbers.gauss(0, 1) for _ in range(n)])
    tensor = Tensor((n // 10, 10), right)
    held = np.array(right).reshape(tensor.shape)
    for value, status in (
        (held, "right"),
        ([[f"{x:.4f}" for x in row] for row in held], "right within the digits written"),
        (held * 0.5, "wrong"),
    ):
        claim = written(value, "W")
        assert compared(claim, tensor, lambda: [1.0] * n).status == status
        assert factor(claim, tensor) == (0.5 if status == "wrong" else 0.0)


# names


@pytest.mark.parametrize(
    ("label", "kind", "node"),
    [
        ("W", "gradient", "W"), ("dW", "gradient", "W"), ("d_W", "gradient", "W"), ("W.grad", "gradient", "W"),
        ("grad_W", "gradient", "W"), ("dL_dW", "gradient", "W"), ("W_grad", "gradient", "W"), ("value.W", "value", "W"),
        ("values.W", "value", "W"), ("gradient.W", "gradient", "W"), ("db", "gradient", "db"), ("ddb", "gradient", "db"),
        ("d", None, ""), ("Q", None, ""), ("dQ", None, ""), ("value.dW", None, ""),
    ],
)  # fmt: skip
def test_gradients_are_named_as_programs_name_them(label: str, kind: str, node: str) -> None:
    found = resolved(label, ["W", "b", "db"])
    assert (found and (found.kind, found.node)) == (kind and (kind, node))


def test_a_file_may_hold_more(tmp_path: Any) -> None:
    """What is no node is left aside, unless nothing is one; W beside dW is a value."""
    program, at = SQUARES
    given = json.dumps(at)
    file = tmp_path / "mine.npz"
    right = {f"d{name}": np.array(x) for name, x in RIGHT.items()}
    more = {"W": np.array(at["W"]), "lr": np.float64(0.1), "demb": np.zeros((2, 3, 4)), "words": np.array(["a"])}  # fmt: skip
    np.savez(file, **right, **more)
    code, out, err = call("check", program, "--at", given, "--claim", f"@{file}")
    assert (code, err) == (0, ""), out
    for said in ("Values  1 right", "Claims  3 right", "lr, demb are no node", "words of", "dW is taken"):  # fmt: skip
        assert said in out, out
    np.savez(file, **more | {"W2": np.zeros(3)})
    code, out, _ = call("check", program, "--at", given, "--claim", f"@{file}")
    assert code == 1 and "wrong in 4 of 4; it is the value of W" in out  # no gradient is named
    np.savez(file, lr=np.float64(0.1))
    code, _, err = call("check", program, "--at", given, "--claim", f"@{file}")
    assert code == 4 and "no node is called lr" in err


def test_claims_come_from_files_of_all_kinds(tmp_path: Any) -> None:
    program, at = SQUARES
    given = json.dumps(at)
    (tmp_path / "w.csv").write_text("0.088,0.176\n0.104,0.208\n")
    (tmp_path / "x.txt").write_text("-0.112\n0.636\n")
    np.save(tmp_path / "q.npy", np.array(RIGHT["q"]))
    (tmp_path / "mine.json").write_text(
        json.dumps({"gradients": RIGHT, "values": {"q": [0.22, 0.26]}})
    )
    _, document, _ = call("eval", program, "--at", given, "--json")
    (tmp_path / "trace.json").write_text(document)
    one = f"W=@{tmp_path}/w.csv, x=@{tmp_path}/x.txt, q=@{tmp_path}/q.npy"
    for claim, count in ((one, 3), (f"@{tmp_path}/mine.json", 4), (f"@{tmp_path}/trace.json", 2), (json.dumps(RIGHT), 3)):  # fmt: skip
        code, out, err = call("check", program, "--at", given, "--claim", claim, "--json")
        found = json.loads(out)
        schema("check").validate(found)
        assert code == 0 and len(found["claims"]) == count, err


@pytest.mark.parametrize(
    ("claim", "code", "said"),
    [
        ("W", 2, "is not a claim"), ("W=", 2, "is not a claim"), ("Z=[1,2]", 4, "no node called Z"),
        ("W=[1,two]", 4, "there is no two"), ("W=[1,2;3]", 2, "row 2 has"), ("x=[1,2],x=[1,2]", 2, "claimed twice"),
        ("gradient.x=[1,2],x=[1,2]", 4, "claimed twice"), ("W[0]=1", 4, "no element W[0]"), ("W[a]=1", 4, "no element"),
        ("@w.npy", 2, "which has no name"), ("@none.npz", 2, "cannot read"), ("{", 2, "is not JSON"),
    ],
)  # fmt: skip
def test_what_is_no_claim_is_refused(claim: str, code: int, said: str) -> None:
    found, out, err = call("check", SQUARES[0], "--at", json.dumps(SQUARES[1]), "--claim", claim)
    assert found == code and said in err and not out, err


def test_typed_claims_keep_their_digits() -> None:
    found = read_claims(["W=[[0.10, 2], [3, 4]]; dx=[1,2]", "value.q = 1", '{"b": [0.50]}'])
    assert found.typed == {"W": "[[0.10, 2], [3, 4]]", "dx": "[1,2]", "value.q": "1"}
    assert found.filed == {"b": ["0.50"]}


# what follows from what


def test_what_follows_from_a_wrong_claim_is_said() -> None:
    program, at = LAYER
    trace = bp.Program(program).at(at)
    dz = np.array(trace["z"].gradient)
    X, W = np.array(at["X"], dtype=float), np.array(at["W"], dtype=float)
    wrong = dz * [1, 2, 1]
    claims = {"z": wrong, "W": X.T @ wrong, "X": wrong @ W.T, "b": wrong.sum(0)}
    first = trace.claim(claims).record.first
    assert first.name == "z" and set(first.following) == {"X", "W", "b"} and not first.own
    claims["b"] = wrong.sum(0) + 1
    first = trace.claim(claims).record.first
    assert set(first.following) == {"X", "W"} and first.own == (("b", ()),)
    assert "the first wrong one is z" in first.message and "b is wrong without it" in first.message


def test_what_follows_from_a_wrong_value_is_no_mistake_of_its_own() -> None:
    """A population variance for a sample's: every value and gradient after it is another one."""
    X = np.array([[0.3, 1.2], [-0.8, 0.1], [0.5, 2.0]])
    trace = bp.Program("m = mean(X, axis=0); d = X - m; v = sum(d^2, axis=0)/2; h = d/sqrt(v); L = sum(h^3)").at(X=X)  # fmt: skip
    d = X - X.mean(0, keepdims=True)
    v = (d**2).sum(0, keepdims=True) / 3
    h = d / np.sqrt(v)
    dh = 3 * h**2
    dv = -(dh * d).sum(0, keepdims=True) / 2 * v**-1.5
    dd = dh / np.sqrt(v) + 2 * d * dv / 2
    claims = {
        "value.v": v,
        "value.h": h,
        "value.L": (h**3).sum(),
        "h": dh,
        "v": dv,
        "d": dd,
        "X": dd - dd.mean(0),
    }
    report = trace.claim(claims)
    first = report.record.first
    assert first.name == "value.v" and not first.own
    assert set(first.following) == set(claims) - {"value.v"}
    assert not any(verdict.diagnoses for verdict in report.record.verdicts)


def test_numbers_have_values_and_tables_too() -> None:
    trace = bp.Program("q = x + y; f = q*z").at(x=-2, y=5, z=-4)
    report = trace.claim({"value.q": 3, "dz": 3, "q": -5, "x": "-5", "y": -4})
    assert [verdict.right for verdict in report.record.verdicts] == [True, True, False, False, True]
    assert report.record.first.name == "q" and report.record.first.following == ("x",)
    assert trace.claim({"value.f": "-12.0"}).right and not trace.claim({"value.f": "12"}).right
    with pytest.raises(BackpropError, match="q is one number"):
        trace.claim({"value.q": "[1, 2]"})
    found = json.loads(report.json())
    schema("check").validate(found)
    assert found["first"]["following"] == ["x"] and found["remarks"]


# a mistake is told once


def test_one_mistake_is_told_once() -> None:
    """The mean of a loss forgotten: one cause for the weights and the bias."""
    program, at = LAYER
    trace = bp.Program(program).at(at)
    claims = {
        name: json.dumps((np.array(trace.gradients[name]) * 2).tolist()) for name in ("W", "b")
    }
    code, out, _ = call("check", program, "--at", json.dumps(at), *[a for n, c in claims.items() for a in ("--claim", f"{n}={c}")])  # fmt: skip
    assert code == 1 and out.count("explains W, b") == 1, out
    assert out.count("is explained by") + out.count("is consistent with") == 1, out


def test_an_infinite_gradient_is_claimed_as_such() -> None:
    trace = bp.Program("sum(sqrt(x))").at(x=[0, 4, 1])
    report = trace.claim(x=["inf", ".25", ".5"])
    found = json.loads(report.json())
    schema("check").validate(found)
    assert report.right and found["claims"][0]["missing"] == {"x[0]": "infinite"}
    assert not trace.claim(x=[1, 0.25, 0.5]).right and not trace.claim(x=["nan", 0.25, 0.5]).right


def test_a_choice_at_a_kink_is_valid() -> None:
    trace = bp.Program("q = W @ x; sum(relu(q))").at(W=[[0.1, 0.5], [-0.3, 0.8]], x=[0, 0])
    report = trace.claim(q=[1, 0.25])
    assert report.right and report.record.verdicts[0].text == "a valid choice at a kink in 2 of 2"
    assert not trace.claim(q=[1, 2]).right
    assert not trace.claim(q=[-0.5, 0]).right


# difference quotients, and two formulas


DIFFERENCES = [SQUARES, LAYER, ("sum(tanh(x)^2) + sum(softmax(x)*0)", {"x": [0.3, -1, 2.5]}), ("c + sum(x[1:3])", {"x": [1, 2, 3, 4], "c": 2})]  # fmt: skip


@pytest.mark.parametrize(("program", "at"), DIFFERENCES, ids=[one[0] for one in DIFFERENCES])
def test_gradients_pass_the_difference_quotients(program: str, at: Any) -> None:
    trace = bp.Program(program).at(at)
    report = trace.check()
    assert report.right and isinstance(report, ArrayReport)
    for one in report.record.differences.inputs:
        assert one.verdict == "right" and one.error < 1e-12 and one.direction is None
    schema("check").validate(json.loads(report.json()))


def test_of_large_arrays_some_elements_and_all_at_once_are_compared() -> None:
    trace = bp.Program("sum((X @ w)^2)").at(X=np.arange(90).reshape(30, 3) / 7, w=[0.1, 0.2, -0.4])
    X, w = trace.check().record.differences.inputs
    assert len(X.elements) == 64 and X.direction is not None and X.verdict == "right"
    assert len(w.elements) == 3 and w.direction is None


def test_a_wrong_gradient_is_refuted_where_it_is() -> None:
    from dataclasses import replace

    from backprop_grammar.checks.array_differences import array_differences

    record = bp.Program(SQUARES[0]).at(SQUARES[1]).record
    W = record.gradients["W"]
    wrong = {**record.gradients, "W": W._replace(numbers=(W.numbers[0], 0.2, *W.numbers[2:]))}
    found = array_differences(replace(record, gradients=wrong))
    assert not found.right
    assert [row.name for one in found.inputs for row in one.rows if row.verdict == "wrong"] == [
        "W[0,1]"
    ]


EQUAL = [
    ("x: 4; -log(softmax(x)[1])", "logsumexp(x) - x[1]", {"x": (-3, 3)}, True),
    ("A: 2x3; x: 3; sum((A @ x)^2)", "x.T @ (A.T @ A) @ x", {"A": (-1, 1), "x": (-2, 2)}, True),
    ("x: 3; x^2", "x*x", {"x": (-1, 2)}, True),
    ("x: 3; x^2", "sum(x*x)", {"x": (-1, 2)}, False),
    ("x: 3; sum(x^2)", "sum(x^2) + 1e-9*x[2]", {"x": (-1, 2)}, False),
    ("x: 3; c*sum(relu(x))", "c*sum(max(0, x))", {"x": (-1, 1), "c": (1, 2)}, True),
    ("x: 3; q = x*2; sum(q)", "q = x*3; sum(q)", {"x": (1, 2)}, False),
]


@pytest.mark.parametrize(("a", "b", "over", "same"), EQUAL)
def test_two_formulas_over_arrays(a: str, b: str, over: Any, same: bool) -> None:
    found = bp.equivalent(a, b, over, points=10)
    assert found.agreed == same
    assert same or found.parting.message
    if "q" in a and "q*" not in a and not same:
        assert found.parting.node == "q"


def test_two_formulas_need_sizes() -> None:
    with pytest.raises(BackpropError, match="how large X is"):
        bp.equivalent("X: NxD; sum(X)", "sum(X)", {"X": (-1, 1)})
    with pytest.raises(BackpropError, match="no range for x"):
        bp.equivalent("x: 3; c*sum(x)", "sum(x)", {"c": (-1, 1)})
    with pytest.raises(BackpropError, match="inner sizes"):
        bp.equivalent("A: 2x3; x: 2; sum(A @ x)", "sum(x)", {"A": (-1, 1), "x": (0, 1)})


def test_the_claims_of_a_course_are_judged_in_one_command() -> None:
    code, out, err = call("check", "--file", str(ROOT / "samples/makemore.bp"), "--at", "@makemore", "--claim", f"@{ROOT}/samples/claims/makemore.json", "--json")  # fmt: skip
    found = json.loads(out)
    schema("check").validate(found)
    assert code == 1 and not err
    assert [one["name"] for one in found["claims"] if not one["right"]] == ["hprebn", "embcat", "W1", "b1", "C"]  # fmt: skip
    assert found["first"]["name"] == "hprebn" and len(found["first"]["following"]) == 4
    (first,) = (one for one in found["claims"] if one["name"] == "hprebn")
    assert (first["diagnoses"][0]["mistake"], first["diagnoses"][0]["node"]) == ("overwritten", "hprebn")  # fmt: skip


def test_slopes_at_a_kink_are_those_of_one_choice() -> None:
    """At a tie each of the largest may have all of the gradient, or a share, but not all of them all."""
    ties, origin = bp.Program("max(x)").at(x=[1, 2, 2]), bp.Program("norm(x)").at(x=[0, 0])
    for claim in ([0, 1, 0], [0, "0.3", "0.7"], ["0", "0.5", "0.5"]):
        assert ties.claim(x=claim).right, claim
    assert origin.claim(x=["0.7", "0.7"]).right and not origin.claim(x=[1, 1]).right
    report = ties.claim(x=[0, 1, 1])
    assert report.record.verdicts[0].text == "each number is a slope at this kink, all together in 2 of 3 are not"  # fmt: skip
    assert report.record.verdicts[0].diagnoses[0].mistake == "every tie in full"
    assert not ties.claim(x=[0, 0, 0]).right


def test_what_is_no_number_is_explained_by_no_mistake() -> None:
    for program, at, claim in (
        ("sum(sqrt(x))", [1, 0, 4], ["0.5", 0, "0.25"]),
        ("q = x^2; sum(q)", [1.5, -2, 0.25], ["1e400", 1, 1]),
        ("sum(x^2)", [1, 2], ["1e400", 4]),
    ):
        (verdict,) = bp.Program(program).at(x=at).claim(x=claim).record.verdicts
        assert not verdict.right and not verdict.diagnoses, verdict
    report = bp.Program("sum(x^2)").at(x=[1.1, 2.3]).claim(x=np.array([2.2, 4.6]) * (1 + 1e-8))
    assert not report.right and "times 1" not in str(report)
    report = bp.Program("sum(x^2)").at(x=[1, 2]).claim(x=np.zeros((9, 7)))
    assert not report.record.verdicts[0].diagnoses


def test_what_follows_from_a_wrong_value_is_said_of_large_programs() -> None:
    rng = np.random.default_rng(3)
    X, W = rng.normal(size=(90, 40)), rng.normal(size=(40, 30))
    trace = bp.Program("z = X @ W; h = sigmoid(z); c = h - mean(h, axis=0); L = sum(c^2)").at(X=X, W=W)  # fmt: skip
    h = 1 / (1 + np.exp(-(X @ W))) * 1.01
    c = h - h.mean(0)
    first = trace.claim({"value.h": h, "value.c": c, "value.L": (c**2).sum(), "c": 2 * c}).record.first  # fmt: skip
    assert first.name == "value.h" and set(first.following) == {"value.c", "value.L", "c"}
