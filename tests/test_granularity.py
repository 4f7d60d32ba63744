"""Blocks opened to their parts and folded again: every number outside stays what it was."""

import json
import random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backprop_grammar.blocks.definitions import defined, over, spellings
from backprop_grammar.language.printer import program_text
from tests.programs import VARIABLES, programs
from tests.support import (
    BackpropError,
    Number,
    Operation,
    Program,
    Trace,
    Wide,
    as_float,
    call,
    formula,
    often,
    outlined,
    parsed,
    trace_of,
    traced,
)

each_block = pytest.mark.parametrize("row", defined(), ids=lambda row: row.name)


def values(row: Operation, rng: random.Random) -> dict[str, float]:
    """A point in the domain of a row: ordinary, large, tiny, and sometimes whole."""
    names = [f"x{k}" for k in range(rng.randint(2, 4))] if row.variadic else row.operands
    low, high = (-1, 1) if row.name == "atanh" else (1 + 1e-9, 50) if row.name == "acosh" else (0, 0)  # fmt: skip
    found = {}
    for name in names:
        size = rng.choice([1, 1, 5, 40, 1e-3, 1e-9])
        found[name] = rng.uniform(low, high) if high else rng.choice([rng.uniform(-size, size), float(rng.randint(1, 9))])  # fmt: skip
        if any(b.operand == name and b.relation in (">", ">=") and b.limit == 0 for b in row.domain):  # fmt: skip
            found[name] = abs(found[name]) or 1.0
    if row.name == "clamp":
        found["lo"], found["hi"] = sorted((found["lo"], found["hi"]))
    if row.name == "log1p":
        found["x"] = abs(found["x"])
    if row.name in ("logit", "beta"):
        found = {name: x % 1 or 0.5 for name, x in found.items()}
    return found


def program(row: Operation, names) -> str:
    """The block between other nodes, some of which use its operands too."""
    return f"q = {row.name}({', '.join(names)}); 3*q - {'*'.join(names)}"


def digits(number: Number) -> str:
    """Digits of a number; a 0 is one whether it is proved, or nothing else can be told of it."""
    if number == 0:
        return "0"
    return number.text if isinstance(number, Wide) else repr(number)


def outside(trace: Trace) -> dict[str, tuple[str, str]]:
    """The numbers of the nodes that every view of the program has."""
    named = {node.name: node for node in trace.nodes if node.named}
    found = {name: (digits(n.value), digits(n.gradient)) for name, n in named.items() if n.gradient is not None}  # fmt: skip
    return found | {"": (digits(trace.value), repr(sorted((k, digits(v)) for k, v in trace.gradients.items())))}  # fmt: skip


@each_block
@settings(max_examples=often(3, 6), deadline=None)
@given(rng=st.randoms(use_true_random=False))
def test_there_and_back_again(row, rng):
    """Opened, and folded again: equal to 25 digits, which no rounding error has in common."""
    at = values(row, rng)
    whole = Program(program(row, at))
    plain = traced(whole, at, precision=25)
    for names in ([row.name], ["all"], ["q"]):
        shown = traced(whole, at, precision=25, expand=names)
        assert outside(shown) == outside(plain)
        if any("not expanded" in note.message for note in shown.notes):
            continue
        assert shown.frames[0].node in shown.by_index
        assert not any(node.operation == row.name for node in shown.nodes)
        again = traced(whole, at, precision=25, expand=names, fold=[row.name])
        assert outside(again) == outside(plain)
        assert formulas(again) == formulas(plain)


@each_block
def test_every_spelling_is_folded_and_its_numbers_stay(row):
    rng = random.Random(row.name + "fold")
    at = values(row, rng)
    while any(x == 0 for x in at.values()):
        at = values(row, rng)
    for spelling in (row.formula, *row.spellings):
        text = f"q = {over(spelling, tuple(at))}; 3*q - {'*'.join(at)}"
        plain, shown = traced(text, at), traced(text, at, fold=[row.name])
        q = next(node for node in shown.nodes if node.name == "q")
        assert (q.kind, q.operation) == ("block", row.name), text
        assert shown.value == plain.value
        assert shown.gradients == pytest.approx(plain.gradients, rel=1e-14)
        local = {shown.name(edge.operand): edge for edge in q.edges}
        block = traced(program(row, at), at)
        node = next(node for node in block.nodes if node.name == "q")
        for edge in node.edges:
            folded = local[block.name(edge.operand)]
            assert float(folded.local) == pytest.approx(float(edge.local), rel=1e-9, abs=1e-300), (
                text
            )
            assert str(edge.rule) == str(folded.rule)
        assert len(spellings(row, len(at))) == 1 + len(row.spellings)


points = st.fixed_dictionaries({name: st.floats(-4, 4).map(lambda x: round(x, 3)) for name in VARIABLES})  # fmt: skip


def evaluated(program_, at, **how) -> Trace:
    whole = Program(program_.text())
    try:
        return traced(whole, {name: x for name, x in at.items() if name in whole.inputs}, **how)
    except BackpropError as error:
        assume(error.kind == "name")
        raise


@settings(max_examples=often(60, 100), deadline=None)
@given(programs(), points)
def test_folding_any_program_changes_no_number(program_, at):
    plain = evaluated(program_, at)
    shown = evaluated(program_, at, fold=["all"])
    assert (shown.value, shown.gradients) == (plain.value, plain.gradients)
    assert shown.program is plain.program or program_text(shown.program) == program_text(
        plain.program
    )
    before = {node.name: node for node in plain.nodes if node.named}
    for node in shown.nodes:
        if node.named:
            assert (node.value, node.gradient) == (before[node.name].value, before[node.name].gradient)  # fmt: skip


@settings(max_examples=often(60, 100), deadline=None)
@given(programs(), points)
def test_expanding_any_program_changes_no_number(program_, at):
    plain = evaluated(program_, at)
    try:
        shown = evaluated(program_, at, expand=["all"])
    except BackpropError as error:
        assert error.kind in ("overflow", "precision", "domain")  # parts can be harder than wholes
        return
    assert (shown.value == plain.value) or close(shown.value, plain.value)
    for name, gradient in plain.gradients.items():
        if isinstance(gradient, Wide) and not gradient.exists:
            continue
        assert close(shown.gradients[name], gradient), name


def formulas(trace: Trace) -> list[str]:
    return [f"{node.name} = {formula(trace, node)}" for node in trace.nodes if node.operation]


def close(a: Number, b: Number) -> bool:
    a, b = as_float(a), as_float(b)
    if a is None or b is None:
        return a is b
    return abs(a - b) <= 1e-12 * max(abs(a), abs(b)) or max(abs(a), abs(b)) < 1e-300


@settings(max_examples=often(60, 100), deadline=None)
@given(programs(), st.booleans())
def test_the_structure_has_the_nodes_of_the_trace(program_, opened):
    how = {"expand": ["all"]} if opened else {"fold": ["all"]}
    whole = Program(program_.text())
    shown = outlined(whole, **how)
    assert shown.program is whole.record
    names = {node.index for node in shown.nodes}
    for node in shown.nodes:
        assert set(node.operands) <= names
        assert {edge.operand for edge in node.edges} <= set(node.operands)
    assert all(set(frame.nodes) <= names for frame in shown.frames)


# By example


def shape(text: str, **how) -> list[str]:
    whole = Program(text)
    at = {name: 0.5 + i for i, (name, x) in enumerate(whole.inputs.items()) if x is None}
    return formulas(traced(whole, at, **how))


@pytest.mark.parametrize(
    ("text", "how", "nodes"),
    [
        ("1/(1 + exp(-(w*x + b)))", {"fold": ["sigmoid"]},
         ["n1 = w*x", "n2 = n1 + b", "n3 = sigmoid(n2)"]),
        ("1/(exp(-x) + 1)", {"fold": ["all"]}, ["n1 = sigmoid(x)"]),
        ("e1 = exp(-x); d = 1 + e1; s = 1/d; s^2", {"fold": ["sigmoid"]},
         ["s = sigmoid(x)", "n1 = s^2"]),
        ("e1 = exp(-x); s = 1/(1 + e1); s*e1", {"fold": ["all"]},
         ["n1 = -x", "e1 = exp(n1)", "n2 = 1 + e1", "s = 1/n2", "n3 = s*e1"]),
        ("1/(1 + exp(-w*x))", {"fold": ["sigmoid"]}, ["n1 = -w", "n2 = n1*x", "n3 = sigmoid(-n2)"]),
        ("x*(1/(1 + exp(-x)))", {"fold": ["all"]}, ["n1 = silu(x)"]),
        ("x*(1/(1 + exp(-x)))", {"fold": ["sigmoid"]}, ["n1 = sigmoid(x)", "n2 = x*n1"]),
        ("max(0, w*x)", {"fold": ["relu"]}, ["n1 = w*x", "n2 = relu(n1)"]),
        ("if(0 < x, x, 0)", {"fold": ["relu"]}, ["n1 = relu(x)"]),
        ("sq(u) = u*u; x*x + sq(y)", {"fold": ["sq"]}, ["n1 = sq(x)", "n2 = sq(y)", "n3 = n1 + n2"]),
        ("log(exp(x) + exp(y) + exp(z))", {"fold": ["all"]}, ["n1 = logsumexp(x, y, z)"]),
        ("(x + y + z + w)/4", {"fold": ["mean"]}, ["n1 = mean(x, y, z, w)"]),
        ("x + y + z", {"fold": ["sum"]}, ["n1 = sum(x, y, z)"]),
        ("q = x + y; f = q*z", {"fold": ["f"]}, ["f = (x + y)*z"]),
        ("q = x + y; f = q*z + q", {"fold": ["n1"]}, None),
        ("q = x + y; r = q*z; f = r + q", {"fold": ["r"]}, None),
        ("a = x*y; b = a + x; c = b^2; c + a", {"fold": ["c"]},
         ["a = x*y", "c = (a + x)^2", "n1 = c + a"]),
        ("σ(x)", {"expand": ["sigma"]}, ["n1 = -x", "n2 = exp(n1)", "n3 = 1 + n2", "n4 = 1/n3"]),
        ("1/(1 + exp(-x))", {"fold": ["expit"]}, ["n1 = sigmoid(x)"]),
        ("q = x + y; sigma = q*z; sigma^2", {"fold": ["sigma"]}, ["sigma = (x + y)*z", "n1 = sigma^2"]),
        ("silu(x)", {"expand": ["silu"]}, ["n1 = sigmoid(x)", "n2 = x*n1"]),
        ("silu(x)", {"expand": ["silu", "sigmoid"]},
         ["n1 = -x", "n2 = exp(n1)", "n3 = 1 + n2", "n4 = 1/n3", "n5 = x*n4"]),
        ("sq(u) = u*u; loss(y, t) = sq(y - t)/2; loss(w, x)", {"expand": ["loss"]},
         ["n1 = w - x", "n2 = sq(n1)", "n3 = n2/2"]),
        ("sigmoid(x) + sigmoid(y)", {"expand": ["n1"]},
         ["n1 = -x", "n2 = exp(n1)", "n3 = 1 + n2", "n4 = 1/n3", "n5 = sigmoid(y)", "n6 = n4 + n5"]),
        ("sigmoid(x)", {"expand": ["all"], "fold": ["sigmoid"]}, ["n1 = sigmoid(x)"]),
        ("f(u) = sigmoid(u)^2; f(x)", {"expand": ["f"]}, ["n1 = sigmoid(x)", "n2 = n1^2"]),
    ],
)  # fmt: skip
def test_what_is_shown(text, how, nodes):
    if nodes is None:
        with pytest.raises(BackpropError, match="nothing to fold"):
            shape(text, **how)
    else:
        assert shape(text, **how) == nodes


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["x*y", "--expand", "sigmoid"], "the program has no sigmoid to expand"),
        (["x*y", "--fold", "sigmoid"], "it is written 1/(1 + exp(-x))"),
        (["x*y", "--expand", "exp"], "exp has no parts to expand"),
        (["x*y", "--fold", "sigmiod"], "did you mean sigmoid?"),
        (["x*y", "--fold", "x"], "nothing to fold into x"),
        (["q = x + y; q*2", "--fold", "n1", "--wrt", "q"], "nothing to fold"),
    ],
)
def test_refusals(args, said):
    code, out, err = call("eval", *args, "--at", "x=1,y=2")
    assert (code, out) == (1, "")
    assert said in err


def test_a_block_stays_whole_at_its_kink():
    trace = trace_of("relu(x) + abs(y)", "--at", "x=0,y=2", "--expand", "all")
    assert trace["gradients"] == {"x": 0.0, "y": 1.0}
    shown = {node.get("formula") for node in trace["nodes"]}
    assert "relu(x)" in shown
    assert "abs(y)" not in shown
    assert any("not expanded at its kink" in note["message"] for note in trace["notes"])


def test_a_sigmoid_whose_minus_sign_is_elsewhere():
    trace = trace_of("1/(1 + exp(-w*x))", "--at", "w=2,x=0.5", "--fold", "sigmoid")
    block = next(node for node in trace["nodes"] if node["kind"] == "block")
    assert (block["operation"], block["edges"][0]["rule"]) == ("sigmoid(-x)", "-n3*(1 - n3)")
    assert block["edges"][0]["local"] == pytest.approx(-block["value"] * (1 - block["value"]))


def test_the_frames_are_in_the_json():
    trace = trace_of("silu(x)", "--at", "x=1", "--expand", "all")
    assert [frame["title"] for frame in trace["frames"]] == ["silu(x)", "sigmoid(x)"]
    names = {node["name"] for node in trace["nodes"]}
    assert all(set(frame["nodes"]) <= names for frame in trace["frames"])


def test_what_is_opened_is_whole_for_others():
    before = call("derive", "silu(x)", "--format", "python")
    assert call("eval", "silu(x)", "--at", "x=1", "--expand", "silu,sigmoid")[0] == 0
    assert call("derive", "silu(x)", "--format", "python") == before
    frames = trace_of("silu(x)", "--at", "x=1", "--expand", "silu")["frames"]
    assert [frame["title"] for frame in frames] == ["silu(x)"]


def test_what_is_asked_for_stays_visible():
    trace = trace_of("e1 = exp(-x); 1/(1 + e1)", "--at", "x=1", "--fold", "all", "--wrt", "e1")
    assert "e1" in trace["gradients"]


def test_many_nodes_at_once():
    whole = Program("+".join(f"1/(1 + exp(-(w{i}*x)))" for i in range(600)))
    folded = traced(whole, dict.fromkeys(whole.inputs, 0.5), fold=["all"])
    assert sum(node.operation == "sigmoid" for node in folded.nodes) == 600
    whole = Program("+".join(f"silu(w{i}*x)" for i in range(400)))
    opened = traced(whole, dict.fromkeys(whole.inputs, 0.5), expand=["all"])
    assert len(opened.frames) == 800


def test_what_was_expanded_is_folded_all_the_same():
    """A definition with blocks in it is opened in a copy of its own, not in everybody's."""
    traced("silu(x)", {"x": 1}, expand=["all"])
    assert "silu" in {
        node.operation for node in traced("x*sigmoid(x)", {"x": 1}, fold=["silu"]).nodes
    }


def test_every_definition_is_a_program():
    for row in defined():
        assert parsed(over(row.formula, ("x1", "x2", "x3") if row.variadic else row.operands))


def test_an_operand_that_a_block_is_given_twice_has_one_edge():
    trace = trace_of("f(u, v) = u*v^2; f(x, x)", "--at", "x=3")
    (edge,) = trace["nodes"][1]["edges"]
    assert (edge["local"], edge["contribution"], trace["gradients"]) == (27.0, 27.0, {"x": 27.0})
    assert trace_of("x*x + y*x", "--at", "x=3,y=2", "--fold", "all")["gradients"]["x"] == 8.0


def test_a_fold_across_the_border_of_a_frame_takes_the_frame_away():
    trace = trace_of(
        "f(u) = 2*u; sigmoid(f(x))", "--at", "x=1", "--fold", "n2", "--expand", "sigmoid"
    )
    assert "frames" not in trace


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["f(u) = sigmoid(u); f(x)", "--expand", "sigmoid"], "write --expand f,sigmoid"),
        (["x*y", "--expand", "n1"], "mul has no parts to expand"),
        (["x*y", "--expand", ","], "--expand names nothing"),
        (["x*y", "--fold", ""], "--fold names nothing"),
    ],
)
def test_what_does_nothing_says_so(args, said):
    code, out, err = call("eval", *args, "--at", "x=1,y=2" if "y" in args[0] else "x=1")
    assert code in (1, 2)
    assert out == ""
    assert said in err


def test_what_the_output_does_not_need_is_not_evaluated_to_expand():
    args = ["eval", "s = relu(x) + 1; log(y)", "--at", "x=1,y=-1", "--output", "s"]
    plain = json.loads(call(*args, "--json")[1])
    code, out, err = call(*args, "--expand", "all", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["gradients"] == plain["gradients"]


@pytest.mark.parametrize(
    ("program", "rule"),
    [
        ("f(u, v) = u*v; f(x, x)", "2*x"),
        ("f(u, v) = u + v; f(x, x)", "2"),
        ("f(a, b, c) = a*b*c; f(x, x, x)", "3*x*x"),
    ],
)
def test_what_arrives_at_an_operand_that_is_given_twice_is_put_together(program, rule):
    (edge,) = trace_of(program, "--at", "x=3")["nodes"][-1]["edges"]
    assert edge["rule"] == rule


# a function of the program is not the row of the table that is called like it

NAMES = ["add", "sub", "mul", "div", "neg", "identity", "variable", "constant"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("body", ["u*v + 2*u", "u - v^3", "max(u, v)*v"])
def test_a_function_may_be_called_like_a_row(name, body):
    program = f"called(u, v) = {body}; called(x, y)*x - x/y"
    at = ("--at", "x=2,y=-1.5")
    for command, *more in (
        ("explain", *at, "--format", "json"),
        ("explain", *at, "--format", "latex"),
        ("explain", *at, "--why", "x", "--format", "json"),
        ("eval", *at, "--json"),
        ("graph", *at, "--format", "dot"),
        ("graph", "--format", "dot"),
        ("check", *at, "--claim", "x=5,y=2.25", "--json"),
        ("check", *at, "--claim", "x=-1.5", "--json"),
        ("derive", "--format", "latex"),
        ("eval", *at, "--expand", "called", "--json"),
        ("eval", *at, "--fold", "called", "--json"),
    ):
        code, *texts = call(command, program, *more)
        expected = code, *(text.replace("called", name) for text in texts)
        args = (argument.replace("called", name) for argument in (program, *more))
        assert call(command, *args) == expected, (command, more)


def test_a_function_that_is_not_used_is_not_told_as_the_row():
    code, _, err = call("eval", "neg(u) = 3*u; x^2", "--at", "x=1", "--fold", "neg")
    assert (code, "it is written" in err) == (1, False)


FOLDED = (
    # program, what is folded, the formulas that are left
    ("f(u) = if(u < 3*3, u, 1); f(x)", "n1", ["f(x)"]),
    ("f(u) = if(u < 3*3, u, 1); f(2*x + 1)", "n3", ["f(2*x + 1)"]),
    ("f(u) = if(u < u, u*u, 2*2); f(tanh(x))", "n2", ["f(tanh(x))"]),
    ("f(u, v) = u; g(u) = f(u, 2); g(-x)", "n2", ["g(-x)"]),
    ("f(u) = u*u; s = f(x*2 + 1); s + 1", "s", ["f(x*2 + 1)", "s + 1"]),
    ("f(u, v, w) = tanh(2*2); s = f(x, x*3, 2); s*x", "s", ["f(x, x*3, 2)", "s*x"]),
    ("f(u) = u*3; g(u) = u*3; y = x*3; y + 1", "f", ["f(x)", "y + 1"]),
    ("f(u) = u*3; g(u) = u*3; y = x*3; y + 1", "g", ["g(x)", "y + 1"]),
    ("f(u) = u*3 + 4; g(u) = u*3 + 5; y = x*3 + 5; y + 1", "all", ["g(x)", "y + 1"]),
    ("f(u) = exp(-u) + 2; y = 2 + exp(-x); y + 1", "all", ["f(x)", "y + 1"]),
)


@pytest.mark.parametrize(("text", "name", "left"), FOLDED)
def test_a_fold_around_blocks_keeps_every_number(text, name, left):
    for x in (0.5, -2.0, 20.0):
        plain, folded = traced(text, {"x": x}), traced(text, {"x": x}, fold=[name])
        assert folded.value == plain.value
        assert folded.gradients == plain.gradients
        assert [formula(folded, node) for node in folded.nodes if node.operation] == left
        for form in ("json", "svg", "dot", "html", "tikz"):
            code, _, err = call("graph", text, "--at", f"x={x}", "--fold", name, "--format", form)
            assert code == 0, err
        code, _, err = call("explain", text, "--at", f"x={x}", "--fold", name)
        assert code == 0, err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["explain", "a = x + 1; b = a*2; b + 1", "--fold", "b", "--node", "a"], "a is inside b, which is folded"),
        (["explain", "a = x + 1; b = a*2; b + 1", "--fold", "b", "--why", "a"], "a is inside b, which is folded"),
        (["eval", "1/(1 + exp(-x))", "--fold", "sigmoid", "--wrt", "n3"], "shown as one have no name"),
    ],
)  # fmt: skip
def test_what_a_fold_hides_is_named(args, said):
    code, _, err = call(*args, "--at", "x=1")
    assert code == 1
    assert said in err


def test_the_rule_of_a_block_over_a_number_is_simplified():
    _, out, _ = call("explain", "f(u, c) = u^2 + c*u; f(x, 0)", "--at", "x=2")
    assert "dn1/dx = 2*x = 4" in out
