"""What is said about a backward pass is true: read back from the text, checked against the trace."""

import json
import re
import shutil
import subprocess
import time
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from backprop_grammar.explain.document import Figure, Product, Total, plain
from backprop_grammar.explain.narrate import explain
from backprop_grammar.explain.why import why
from backprop_grammar.language.table_texts import compiled
from backprop_grammar.numbers.decimal import decimal
from backprop_grammar.views.documents.formula_latex import by_names, equation, expression
from tests.programs import programs
from tests.support import (
    FUNCTIONS,
    OPERATIONS,
    BackpropError,
    Program,
    Wide,
    call,
    often,
    parsed,
    rendered,
    schema,
    show,
    traced,
)

NEURON = "1/(1+exp(-(w0*x0+w1*x1+w2)))"
NEURON_AT = {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}
PATTERNS = "2*(x*y + max(z, w))"
PATTERNS_AT = {"x": 3, "y": -4, "z": 2, "w": -1}


def told(program, at=None, **more):
    """The paragraphs of an explanation by node."""
    result = explain(traced(program, at, **more))
    return {paragraph.node: paragraph.text for paragraph in result.paragraphs}


def reasons(program, name, at=None, **more):
    """The first paragraph of `why`, and its causes."""
    result = why(traced(program, at, **more), name)
    first = result.paragraphs[0]
    causes = [fact.names for fact in first.facts if fact.kind == "cause"]
    return first.text, causes, result


# Paragraphs as they stand

GOLDEN = (
    ("q = x + y; f = q*z", {"x": -2, "y": 5, "z": -4}, {
        "f": "f is the output; its upstream gradient is 1. A product swaps: the local gradient for one operand is the other operand. The local gradient for q is df/dq = z = -4, so q receives 1 * -4 = -4. The local gradient for z is df/dz = q = 3, so z receives 1 * 3 = 3.",
        "q": "q receives -4 from f; that is its upstream gradient. A sum hands its upstream gradient on unchanged: x and y each receive -4 * 1 = -4.",
        "x": "x receives -4 from q; that is its gradient.",
        "y": "y receives -4 from q; that is its gradient.",
        "z": "z receives 3 from f; that is its gradient.",
    }),
    (NEURON, NEURON_AT, {
        "n8": "n8 is the output; its upstream gradient is 1. In a quotient, the local gradient for the denominator is minus the quotient over the denominator. Here it is dn8/dn7 = -n8/n7 = -0.534447, so n7 receives 1 * -0.534447 = -0.534447. Nothing is sent to the constant 1: it never changes.",
        "n7": "n7 receives -0.534447 from n8; that is its upstream gradient. A sum hands its upstream gradient on unchanged: n6 receives -0.534447 * 1 = -0.534447. Nothing is sent to the constant 1: it never changes.",
        "n6": "n6 receives -0.534447 from n7; that is its upstream gradient. The local gradient of exp is its own value. Here it is dn6/dn5 = n6 = 0.367879, so n5 receives -0.534447 * 0.367879 = -0.196612.",
        "n5": "n5 receives -0.196612 from n6; that is its upstream gradient. The local gradient is dn5/dn4 = -1, so n4 receives -0.196612 * -1 = 0.196612.",
        "n4": "n4 receives 0.196612 from n5; that is its upstream gradient. A sum hands its upstream gradient on unchanged: n3 and w2 each receive 0.196612 * 1 = 0.196612.",
        "n3": "n3 receives 0.196612 from n4; that is its upstream gradient. A sum hands its upstream gradient on unchanged: n1 and n2 each receive 0.196612 * 1 = 0.196612.",
        "n2": "n2 receives 0.196612 from n3; that is its upstream gradient. A product swaps: the local gradient for one operand is the other operand. The local gradient for w1 is dn2/dw1 = x1 = -2, so w1 receives 0.196612 * -2 = -0.393224. The local gradient for x1 is dn2/dx1 = w1 = -3, so x1 receives 0.196612 * -3 = -0.589836.",
        "n1": "n1 receives 0.196612 from n3; that is its upstream gradient. A product swaps: the local gradient for one operand is the other operand. The local gradient for w0 is dn1/dw0 = x0 = -1, so w0 receives 0.196612 * -1 = -0.196612. The local gradient for x0 is dn1/dx0 = w0 = 2, so x0 receives 0.196612 * 2 = 0.393224.",
        "w0": "w0 receives -0.196612 from n1; that is its gradient.",
        "x0": "x0 receives 0.393224 from n1; that is its gradient.",
        "w1": "w1 receives -0.393224 from n2; that is its gradient.",
        "x1": "x1 receives -0.589836 from n2; that is its gradient.",
        "w2": "w2 receives 0.196612 from n4; that is its gradient.",
    }),
    (PATTERNS, PATTERNS_AT, {
        "n4": "n4 is the output; its upstream gradient is 1. In a product, the local gradient for one operand is the other operand. Here it is dn4/dn3 = 2, so n3 receives 1 * 2 = 2. Nothing is sent to the constant 2: it never changes.",
        "n3": "n3 receives 2 from n4; that is its upstream gradient. A sum hands its upstream gradient on unchanged: n1 and n2 each receive 2 * 1 = 2.",
        "n2": "n2 receives 2 from n3; that is its upstream gradient. max routes everything to z, the larger one. z receives 2 * 1 = 2. w is not selected and receives nothing.",
        "n1": "n1 receives 2 from n3; that is its upstream gradient. A product swaps: the local gradient for one operand is the other operand. The local gradient for x is dn1/dx = y = -4, so x receives 2 * -4 = -8. The local gradient for y is dn1/dy = x = 3, so y receives 2 * 3 = 6.",
        "x": "x receives -8 from n1; that is its gradient.",
        "y": "y receives 6 from n1; that is its gradient.",
        "z": "z receives 2 from n2; that is its gradient.",
        "w": "No contribution reaches w, so its gradient is 0.",
    }),
)  # fmt: skip


@pytest.mark.parametrize(("program", "at", "expected"), GOLDEN)
def test_golden(program, at, expected):
    assert told(program, at) == expected


def test_the_headline():
    result = explain(traced("q = x + y; f = q*z", {"x": -2, "y": 5, "z": -4}))
    assert plain(result.headline) == "The output is f = q*z = -12. The backward pass starts there with the gradient 1, since df/df = 1."  # fmt: skip
    given_two = explain(traced("x*y", {"x": 1, "y": 2}, upstream=2.0))
    assert "upstream gradient 2 that was given" in plain(given_two.headline)
    assert "d2/d2" not in plain(explain(traced("2")).headline)


SENTENCES = (
    # program, point, node, what is said of it
    ("x*x", {"x": 3}, "n1", "x is its operand twice, and each time the local gradient is x = 3, so x receives 1 * 3 = 3."),
    ("x*x", {"x": 3}, "x", "x receives 3 from n1 twice. They add up to its gradient: 3 + 3 = 6."),
    ("x - x", {"x": 3}, "x", "x receives 1 from n1 and -1 from n1. They add up to its gradient: 1 - 1 = 0."),
    ("x + x", {"x": 3}, "n1", "x receives 1 * 1 = 1 twice."),
    ("r = 2*x; q = -4*x; q + r", {"x": 1}, "x", "x receives -4 from q and 2 from r. They add up to its gradient: -4 + 2 = -2."),
    ("max(x, y)", {"x": 1, "y": 1}, "n1", "2 of the operands of max tie for the largest value, so each of them has a share of 1/2."),
    ("max(x, y, 2)", {"x": 1, "y": 1}, "n1", "What max selects is not differentiated"),
    ("min(x, y, z)", {"x": 1, "y": 2, "z": 3}, "n1", "min routes everything to x, the smallest one."),
    ("relu(x)", {"x": -1}, "n1", "x is negative, so relu is off"),
    ("relu(x)", {"x": 1}, "n1", "x is positive, so relu lets everything through"),
    ("relu(x)", {"x": 0}, "n1", "x is 0, where relu has a kink"),
    ("abs(x)", {"x": 0}, "n1", "abs has a kink at x = 0; the subgradient of smallest norm is used."),
    ("clamp(x, 0, 1)", {"x": 3}, "n1", "What clamp selects is not differentiated"),
    ("clamp(x, lo, 1)", {"x": -3, "lo": 0}, "n1", "x lies below the bound lo"),
    ("clamp(x, 0, 4)", {"x": 3}, "n1", "x lies between the bounds 0 and 4"),
    ("if(x > y, x, 2*y)", {"x": 3, "y": 1}, "n2", "The condition selects x, so everything goes there"),
    ("if(x > 0, 1, 2)", {"x": 3}, "n1", "The selected branch of the if is not differentiated"),
    ("if(x >= 0, x, -x)", {"x": 0}, "n2", "exactly on the boundary of the condition"),
    ("x", {"x": 3}, "x", "x is the output; its gradient is 1."),
    ("f = x", {"x": 3}, "f", "A second name hands its upstream gradient on as it is: x receives 1 * 1 = 1."),
    ("mean(x, y, 2, x)", {"x": 3, "y": 1}, "n1", "A mean of 4 hands on 1/4 of its upstream gradient: x and y each receive 1 * 0.25 = 0.25 for each use."),
    ("logsumexp(x, y)", {"x": 1, "y": 2}, "n1", "the share of its exponential"),
    ("sqrt(x)", {"x": 0}, "n1", "The local gradient, dn1/dx = 1/(2*n1), is infinite at these values, so x receives an infinite contribution."),
    ("-sqrt(x)", {"x": 0}, "x", "x receives a negative and infinite contribution from n1, so its gradient is negative and infinite."),
    ("atan2(y, x)", {"x": 0, "y": 0}, "n1", "The local gradient for y is undefined at these values, so y receives an undefined contribution."),
    ("0*sqrt(x)", {"x": 1}, "n1", "0 times a local gradient is 0, so x receives 0 from it."),
    ("q = 2*3; q*x", {"x": 1}, "n1", "q is not differentiated here, so nothing is sent there."),
    ("square(u) = u*u; square(x)", {"x": 3}, "n1", "square is a block: its local gradient comes from the whole of its body. Here it is dn1/dx = 2*x = 6, so x receives 1 * 6 = 6."),
    ("f(u, v) = u*v; f(x, x)", {"x": 3}, "x", "x receives 6 from n1; that is its gradient."),
    ("f(u) = u^0.5; f(x)", {"x": 0}, "n1", "is infinite at these values"),
    ("x^y", {"x": 0, "y": 2}, "n1", "The local gradient for y is dn1/dy = 0, so"),
    ("1e16 + x - 1e16 - x", {"x": 1}, "x", "-1 + 1 = 0."),
    ("x = 1e-9; (1 - cos(x))/x^2", {}, "x", "The sum was taken before the numbers were rounded"),
)  # fmt: skip


@pytest.mark.parametrize(("program", "at", "node", "said"), SENTENCES)
def test_sentences(program, at, node, said):
    assert said in told(program, at)[node]


def test_only_what_is_asked_for():
    trace = traced("q = x + y; q*z", {"x": 1, "y": 2, "z": 3}, wrt=["q"])
    assert [paragraph.node for paragraph in explain(trace).paragraphs] == ["n1", "q"]
    assert "None of its operands is differentiated" in explain(trace, node="q").paragraphs[0].text
    assert "is not differentiated here" in explain(trace, node="x").paragraphs[0].text
    for ask in (lambda: explain(trace, node="n2"), lambda: why(trace, "n2")):
        with pytest.raises(BackpropError, match="there is no node called n2") as caught:
            ask()
        assert caught.value.kind == "name"
        assert caught.value.hint == "the nodes are x, y, q, z, n1"


# Facts read back from the text

NUMBER = r"-?(?:10\^-?\d+(?:\.\d+)?e\+\d+|\d+(?:\.\d+)?(?:e[+-]?\d+)?)"
PRODUCT = re.compile(rf"({NUMBER}) \* ({NUMBER}) = ({NUMBER})")
RECEIVED = re.compile(rf"(\S+) receives ({NUMBER}) from (?!it\.)(\S+?)[;,. ]")
SUM = re.compile(
    rf"add up to its (?:upstream )?gradient: ([^=]*) = ({NUMBER})\.(?: (The sum was)|$| )"
)
points = st.sampled_from([-2.0, -1.0, 0.0, 0.25, 1.0, 3.0, 40.0])


@st.composite
def traces(draw):
    """The trace of a grown program at a point where it has a value, or None."""
    whole = Program(draw(programs()).text())
    at = {name: draw(points) for name in whole.inputs}
    try:
        return traced(whole, at)
    except BackpropError:
        return None


def check(trace):
    """Every sentence about a trace against it."""
    digits = 6
    nodes = {node.name: node for node in trace.nodes}
    result = explain(trace)
    shown = {n.name for n in trace.nodes if n.gradient is not None and n.kind != "constant"}
    assert [p.node for p in result.paragraphs if p.node in shown] == [p.node for p in result.paragraphs]  # fmt: skip
    assert {p.node for p in result.paragraphs} == shown
    for paragraph in result.paragraphs:
        node, text = nodes[paragraph.node], paragraph.text
        received = [(n.name, e.contribution) for n in trace.nodes for e in n.edges
                    if e.routed and e.operand == node.index]  # fmt: skip
        products = {
            tuple(decimal(number, digits) for number in (node.gradient, e.local, e.contribution))
            for e in node.edges if e.routed
        }  # fmt: skip
        for found in PRODUCT.finditer(text):
            assert found.groups() in products, text
        for receiver, number, sender in RECEIVED.findall(text):
            pairs = {(name, decimal(n, digits)) for name, n in received}
            assert receiver == node.name
            assert (sender, number) in pairs, text
        for terms, total, before in SUM.findall(text):
            parts = [Decimal(n.replace(" ", "")) for n in re.findall(rf"(?:^|(?<= )[+-] )?{NUMBER}", terms) ]  # fmt: skip
            assert total == decimal(node.gradient, digits)
            assert len(parts) == len(received)
            assert before or abs(sum(parts) - Decimal(total)) <= abs(Decimal(total)) / 1000
        known = {decimal(n, digits) for _, n in received} | {decimal(node.gradient, digits)}
        for edge in node.edges:
            known |= {decimal(n, digits) for n in (node.gradient, edge.local, edge.contribution)}
        for piece in paragraph.pieces:
            if piece.kind == "gradient" and len(piece.sides) == 1:
                assert piece.text in known, text
        check_choice(nodes, node, text)
        assert not re.search(r"\b(nan|inf|you|NaN|Infinity)\b|!", text.replace("!=", ""))
        assert "  " not in text
        if node.edges and node.gradient != 0 and len(node.operands) <= 8:
            assert all(re.search(rf"(?<!\w){re.escape(trace.name(e.operand))}(?!\w)", text) for e in node.edges
                       if e.routed and e.local != 0), text  # fmt: skip
    return result


def check_choice(nodes, node, text):
    """What is called the larger one is strictly larger than all the others."""
    found = re.search(r"routes everything to (\S+), the (larg|small)\w+ one", text)
    if not found:
        return
    sign = 1 if found[2] == "larg" else -1
    by_index = {one.index: one for one in nodes.values()}
    values = [by_index[k].value for k in node.operands]
    if any(isinstance(value, Wide) for value in values):
        return
    ordered = sorted(values, key=lambda value: -sign * value)
    assert ordered[0] == nodes[found[1]].value
    assert ordered[0] != ordered[1] or len({*node.operands}) < 2 or near_tie(ordered)


def near_tie(ordered):
    """Values that only differ beyond binary64 are told apart by the pass, not by their floats."""
    return abs(ordered[0] - ordered[1]) <= abs(ordered[0]) * 2.0**-52


@settings(max_examples=often(75, 150), deadline=None, suppress_health_check=list(HealthCheck))
@given(traces(), st.data())
def test_every_sentence_is_true(trace, data):
    if trace is None:
        return
    told = check(trace)
    asked = [node.name for node in trace.nodes if node.kind != "constant"]
    results = [told]
    if asked:
        name = data.draw(st.sampled_from(asked))
        results.append(why(trace, name))
        check_why(trace, name, results[1])
    for result in results:
        text = rendered("explain", "json", result)
        schema("explanation").validate(json.loads(text, parse_constant=lambda _: 1 / 0))
        document = rendered("explain", "latex", result)
        assert document.count("{") - document.count(r"\{") == document.count("}") - document.count(
            r"\}"
        )
        assert r"\texttt{}" not in document
        assert rendered("explain", "markdown", result).startswith("# ")


def check_why(trace, name, result):
    """The paths of an explanation exist, and where all of them are listed they add up."""
    nodes = {node.name: node for node in trace.nodes}
    facts = [fact for paragraph in result.paragraphs for fact in paragraph.facts]
    paths = [fact for fact in facts if fact.kind == "path"]
    for path in paths:
        assert path.names[0] == trace.output_name
        assert path.names[-1] == name
        for sender, operand, local in zip(
            path.names, path.names[1:], path.numbers[1:], strict=False
        ):
            assert any(trace.name(e.operand) == operand and e.local == local and e.routed for e in nodes[sender].edges)  # fmt: skip
    count = next((fact.count for fact in facts if fact.kind == "paths"), None)
    products = [path.numbers[0] if path.numbers else Wide("undefined") for path in paths]
    if count is None or count > 5 or name == trace.output_name:
        return
    assert len(paths) == count
    gradient = nodes[name].gradient
    if all(isinstance(number, float) for number in [*products, gradient]):
        assert abs(sum(products) - gradient) <= 1e-9 * sum(map(abs, products)) + 1e-300


# Why

WHY = (
    # program, node, point, causes, what is said
    ("sigmoid(x)*y", "x", {"x": 40, "y": 2}, "saturated", "sigmoid is saturated at x = 40"),
    ("tanh(x)", "x", {"x": 30}, "saturated", "tanh is saturated at x = 30"),
    ("relu(x)*y", "x", {"x": -1, "y": 2}, "not selected", "The relu at n1 is off, since x = -1 is negative."),
    ("x*y*z", "x", {"x": 1, "y": 0, "z": 3}, "zero", "n1 multiplies x by y, which is 0."),
    ("x*0", "x", {"x": 1}, "zero", "n1 multiplies x by 0."),
    ("max(x, y)", "x", {"x": 1, "y": 2}, "not selected", "The max at n1 does not select x but y."),
    ("clamp(x, 0, 1)", "x", {"x": 3}, "not selected", "The clamp at n1 does not select x."),
    ("if(x > 0, y, z)", "x", {"x": 1, "y": 2, "z": 3}, "not selected", "x stands in the condition of the if at n1"),
    ("if(x > 0, y, 2*z)", "z", {"x": 1, "y": 2, "z": 3}, "no path", "Among the nodes evaluated here"),
    ("x - x + 0*y", "x", {"x": 2, "y": 3}, "cancelled", "They meet at x, which receives 1 from n1 and -1 from n1"),
    ("x*y - y*x", "x", {"x": 2, "y": 3}, "cancelled", "the sum is 0"),
    ("q = x*y; q - q", "x", {"x": 2, "y": 3}, "cancelled", "They meet at q"),
    ("x*y + 1e-5*x - x*y", "x", {"x": 1, "y": 1}, "nearly cancelled", "They nearly cancel"),
    ("exp(exp(x))", "x", {"x": 3}, "largest factor", "That is huge"),
    ("1e-9*x", "x", {"x": 3}, "smallest factor", "That is tiny"),
    ("sqrt(x)", "x", {"x": 0}, "no number", "The local gradient of n1 = sqrt(x) for x is infinite."),
    ("abs(x)", "x", {"x": 0}, "zero", "stands on a kink"),
    (NEURON, "w0", NEURON_AT, "largest factor", "The gradient is of an ordinary size."),
    ("x*y", "n1", {"x": 1, "y": 2}, None, "n1 is the output"),
)  # fmt: skip


@pytest.mark.parametrize(("program", "name", "at", "cause", "said"), WHY)
def test_why(program, name, at, cause, said):
    text, causes, _ = reasons(program, name, at)
    assert said in text
    assert cause is None or cause in {names[0] for names in causes}


def test_why_with_an_upstream_gradient_of_zero():
    text, causes, _ = reasons("x*y", "x", {"x": 1, "y": 2}, upstream=0.0)
    assert causes == [("upstream", "n1")]
    assert "upstream gradient given at n1 is 0" in text


def test_why_of_what_is_not_differentiated():
    result = why(traced("q = x + y; q*z", {"x": 1, "y": 2, "z": 3}, wrt=["q"]), "x")
    assert plain(result.headline) == "x is not differentiated here, so it has no gradient."


def ladder(steps):
    return "a0 = x; " + "; ".join(f"a{i} = a{i - 1} + a{i - 1}" for i in range(1, steps + 1))


def test_a_ladder_of_more_paths_than_can_be_listed():
    trace = traced(ladder(60), {"x": 1})
    start = time.perf_counter()
    result = why(trace, "x")
    assert time.perf_counter() - start < 0.5
    facts = [fact for paragraph in result.paragraphs for fact in paragraph.facts]
    assert next(fact.count for fact in facts if fact.kind == "paths") == 2**60
    assert sum(fact.kind == "path" for fact in facts) == 5
    assert "No path alone gives that much" in result.paragraphs[0].text
    assert json.loads(rendered("explain", "json", result))["paragraphs"][0]["facts"][1][
        "count"
    ] == str(2**60)


def test_the_strongest_paths_come_first():
    text = "+".join(f"{k}*x" for k in (3, 9, 1, -7, 5, 4, -8))
    _, _, result = reasons(text, "x", {"x": 1})
    paths = [f.numbers[0] for p in result.paragraphs for f in p.facts if f.kind == "path"]
    assert paths == [9, -8, -7, 5, 4]


def test_large_graphs_are_neither_slow_nor_deep():
    deep = traced("x" + "*1.00001 + 0.5*x" * 2500, {"x": 1})
    assert why(deep, "x").paragraphs
    assert len(explain(deep).paragraphs) == 7501


def test_a_precision_that_was_asked_for_holds_everywhere():
    _, _, result = reasons("1/y + x", "y", {"x": 3, "y": 3}, precision=25)
    ninth = "-0." + "1" * 25
    assert plain(result.headline) == f"The gradient of y is {ninth}."
    assert result.paragraphs[1].text.endswith(f"1 * {ninth} = {ninth}.")


# LaTeX

FORMULAS = (
    ("n1*(1 - n1)", r"n_{1} \cdot \left(1 - n_{1}\right)"),
    ("-n8/n7", r"-\frac{n_{8}}{n_{7}}"),
    ("1.5e-07*x", r"1.5\times 10^{-7}\,x"),
    ("w0*x0 + alpha", r"w_{0}\,x_{0} + \alpha"),
    ("xpysqr + w_0", r"\mathit{xpysqr} + w_0"),
    ("beta_1*alpha + theta_max", r"\beta_1\,\alpha + \theta_{\mathit{max}}"),
    ("x_y*w1_12 + beta_12^2", r"x_y\,w_{1,12} + {\beta_{12}}^{2}"),
    ("sigma_x2 + sum_of_all + a_1e5", r"\sigma_{x_{2}} + \mathit{sum_{of,all}} + a_{\mathit{1e5}}"),
    ("_a + b_ + c__d", r"\mathit{\_a} + \mathit{b\_} + \mathit{c\_\_d}"),
    ("(x + y)^-2", r"{\left(x + y\right)}^{-2}"),
    ("1 * -4", r"1 \cdot \left(-4\right)"),
    ("x - -2", r"x - \left(-2\right)"),
    ("-(a + b)/c", r"-\frac{a + b}{c}"),
    ("abs(x) + sqrt(y)", r"\left|x\right| + \sqrt{y}"),
    ("sigmoid(x)*softplus(y)", r"\sigma\left(x\right)\,\operatorname{softplus}\left(y\right)"),
    ("if(x >= 0, 1, 0)", r"\begin{cases}1 & \text{if } x \ge 0 \\ 0 & \text{otherwise}\end{cases}"),
    ("loss(a, b) = a*b; loss(n1, t)", r"\operatorname{loss}\left(n_{1}, t\right)"),
    ("add*mul*e", r"\mathit{add}\,\mathit{mul}\,e"),
    ("1/ties", r"\frac{1}{\mathit{ties}}"),
)


def formula_latex(graph):
    return expression(graph, graph.output, by_names(graph, graph.names))


@pytest.mark.parametrize(("text", "expected"), FORMULAS)
def test_formula_to_latex(text, expected):
    assert formula_latex(parsed(text)) == expected


def test_every_operation_and_rule_has_latex():
    for name, row in FUNCTIONS.items():
        count = max(row.arity[0], 1) if row.arity[1] is None else row.arity[1]
        call = f"{name}({', '.join('xyzt'[:count])})"
        assert r"\texttt" not in formula_latex(parsed(call)), call
        assert row.defaults or "x" in formula_latex(parsed(call))
    for row in OPERATIONS.values():
        for rule in row.rules:
            found = formula_latex(compiled(rule))
            assert r"\texttt" not in found, rule
            assert found.count("{") == found.count("}")


EQUATIONS = (
    ((Product((Figure(-4.0, 6), Figure(1.5e-7, 6))),), r"-4 \cdot \left(1.5\times 10^{-7}\right)"),
    (
        (Product((Figure(1.0, 6), Figure(-4.0, 6))), Figure(-4.0, 6)),
        r"1 \cdot \left(-4\right) = -4",
    ),
    (
        (Total((Figure(-4.0, 6), Figure(2.0, 6), Figure(-1.0, 6))), Figure(-3.0, 6)),
        "-4 + 2 - 1 = -3",
    ),
    (("w0", Figure(Wide("finite", 1, "27", 347), 6)), r"w_{0} = 2.7\times 10^{347}"),
    ((Figure(Wide("finite", -1, "1", -(10**20)), 6),), r"-{10}^{-1.00000\times 10^{20}}"),
    (("q", Figure(Wide("infinite", -1), 6)), r"q = -\mathit{infinite}"),
)


@pytest.mark.parametrize(("sides", "expected"), EQUATIONS)
def test_equation_in_latex(sides, expected):
    assert equation(sides) == expected


def test_deep_formulas_do_not_recurse():
    assert formula_latex(parsed("(" * 20_000 + "x" + ")" * 20_000)) == "x"
    assert len(formula_latex(parsed("1/(1 + " * 20_000 + "x" + ")" * 20_000))) > 200_000


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")
def test_the_documents_compile(tmp_path):
    hostile = "if(x > 0, x^y, 1e-7*x) + leaky_relu(x)*_a_b + polygamma(2, y) + lgamma(x) - cbrt(x)" \
        " + max(x, alpha, E) + log(exp(900*x))"  # fmt: skip
    at = {"x": 1, "y": 2, "_a_b": 1, "alpha": 1, "E": 1}
    for program, point in [(hostile, at), (NEURON, NEURON_AT), ("sqrt(x)", {"x": 0})]:
        trace = traced(program, point)
        for result in (explain(trace), why(trace, "n1")):
            (tmp_path / "a.tex").write_text(rendered("explain", "latex", result))
            done = subprocess.run(
                ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "a.tex"],
                cwd=tmp_path, capture_output=True, text=True, timeout=60,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout[-2000:]


# The other formats


def test_the_terminal_never_breaks_a_number(capsys, monkeypatch):
    trace = traced(NEURON, NEURON_AT)
    for width in ("20", "40", "120"):
        monkeypatch.setenv("COLUMNS", width)
        show("explain", "terminal", explain(trace))
        out = capsys.readouterr().out
        assert max(map(len, out.splitlines())) <= int(width)
        assert " ".join(explain(trace).paragraphs[0].text.split()) in " ".join(out.split())


MARKDOWN = [
    ("a_b_c*d_e_f # `<b>$x$", {"a_b_c": 1, "d_e_f": 2}),
    ("if(x < y, x*y*z, theta_max^-2) + xpy_sqr*abc_def + w1*w_1", {"x": 1, "y": 2, "z": 3, "theta_max": 1, "xpy_sqr": 2, "abc_def": 3, "w1": 1, "w_1": 2}),
    *((f"{row.name}({', '.join('uvwz'[: len(row.operands)])})*alpha_1*beta_2", {"u": {"acosh": 2, "polygamma": 1}.get(row.name, 0.5), "v": 1, "w": 2, "z": 3, "alpha_1": 1, "beta_2": 2})
      for row in FUNCTIONS.values() if not row.variadic),
]  # fmt: skip


@pytest.mark.parametrize(("program", "at"), MARKDOWN, ids=[row[0] for row in MARKDOWN])
def test_markdown_leaves_mathematics_as_it_is(program, at):
    """A reader of Markdown that knows no mathematics hands the formulas on letter by letter."""
    trace = traced(
        program, {name: x for name, x in at.items() if name in parsed(program).variables}
    )
    text = rendered("explain", "markdown", explain(trace))
    assert "<b>" not in text
    read = "\n".join(
        "".join(child.content for child in token.children if child.type == "text")
        for token in MarkdownIt("commonmark").parse(text)
        if token.type == "inline"
    )
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    formulas = re.findall(r"(?<![\\$])\$([^$]+)\$", prose)
    assert len(formulas) > 2
    for formula in formulas:
        assert formula == formula.strip()
        assert f"${formula.replace(chr(92) + '_', '_')}$" in read, formula


def test_the_rule_of_a_block_stands_where_a_branch_that_is_not_taken_has_no_value():
    text = "g(u) = if(u > 0, u*log(u), u^2); g(z)"
    code, out, _ = call("explain", text, "--at", "z=-1", "--node", "n1")
    assert code == 0
    assert "dn1/dz = if(z > 0, log(z) + 1, 2*z) = -2" in " ".join(out.split())
