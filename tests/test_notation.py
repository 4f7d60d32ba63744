"""The printer is the parser's inverse, and what it simplifies stays the same number."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_grammar.blocks.names import Names
from backprop_grammar.language.nearest import literal
from backprop_grammar.language.parser import parse
from backprop_grammar.language.precedence import atom, number_text, write
from backprop_grammar.language.printer import expression_text, program_text
from backprop_grammar.symbolic.rules import Rules
from backprop_grammar.symbolic.simplify import Symbols
from backprop_grammar.trace.evaluate import evaluate
from tests.programs import contents, expressions, programs, written
from tests.support import OPERATIONS, BackpropError, Program, Wide, often, traced

PRINTED = (
    # program, as it is printed
    ("((x))", "x"),
    ("x+y-z", "x + y - z"),
    ("x-(y-z)", "x - (y - z)"),
    ("x - (y+z)", "x - (y + z)"),
    ("x*(y*z)", "x*(y*z)"),
    ("(x*y)/z", "x*y/z"),
    ("x/(y/z)", "x/(y/z)"),
    ("x*-y", "x*-y"),
    ("(-x)*y", "-x*y"),
    ("-(x*y)", "-(x*y)"),
    ("-(x^2)", "-x^2"),
    ("(-x)^2", "(-x)^2"),
    ("(-2)^x", "(-2)^x"),
    ("2^(-x)", "2^-x"),
    ("2**(x**2)", "2^x^2"),
    ("(2^x)^2", "(2^x)^2"),
    ("-(-x)", "--x"),
    ("x--2", "x - -2"),
    ("pow(x, 2)", "x^2"),
    ("ln(x)", "log(x)"),
    ("leaky_relu(x)", "leaky_relu(x)"),
    ("leaky_relu(x, 0.01)", "leaky_relu(x)"),
    ("leaky_relu(x, .02)", "leaky_relu(x, 0.02)"),
    ("leaky_relu(0.01)", "leaky_relu(0.01)"),
    ("leaky_relu(0.01, 0.01)", "leaky_relu(0.01)"),
    ("if(x>0,y,if(x==0,1,-1))", "if(x > 0, y, if(x == 0, 1, -1))"),
    ("x=-2\nf=x", "x = -2; f = x"),
    ("q = x*y; q", "q = x*y; q"),
    ("f(u,v)=u*v\nf(x,f(y,2))", "f(u, v) = u*v; f(x, f(y, 2))"),
    ("q = x; f(u) = u; f(q)", "f(u) = u; q = x; f(q)"),
    ("1e22+1e-7+1000000", "1e+22 + 1e-07 + 1000000"),
    ("pi*e^x", "pi*e^x"),
)


@pytest.mark.parametrize(("program", "printed"), PRINTED)
def test_printed(program, printed):
    graph = parse(program)
    assert program_text(graph) == printed
    assert contents(parse(printed)) == contents(parse(program_text(parse(printed))))


@settings(max_examples=often(75, 150))
@given(programs())
def test_print_and_parse(program):
    built = program.graph()
    text = program_text(built)
    assert contents(parse(program.text())) == contents(built)
    assert contents(parse(text)) == contents(built)
    assert program_text(parse(text)) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_read_back(value):
    text = number_text(value)
    assert float(text) == value
    assert len(text) <= len(repr(value))


def test_a_long_expression_is_cut_before_it_is_written():
    graph = parse("+".join(["x"] * 1000))
    assert expression_text(graph, graph.output, longest=24).text == "..."
    assert expression_text(graph, graph.operands[1][0], longest=24).text == "x"


# What is simplified


def value_of(text, at):
    """The value of a program at a point, or None where it has none."""
    try:
        graph = parse(text, internal=True).bind(at)
        value = evaluate(graph, {name: at[name] for name in graph.variables}).value
    except BackpropError:
        return None
    if isinstance(value, Wide):
        return value.nearest
    return value


def composed(symbols, e):
    """An expression of operators as text, and as a node of a tape that simplifies."""
    kind, *rest = e
    if kind == "number":
        return atom(rest[0]), symbols.constant(rest[0])
    if kind == "name":
        return atom(rest[0]), symbols.variable(rest[0])
    name, *operands = rest
    plain, simple = zip(*(composed(symbols, operand) for operand in operands), strict=True)
    return write(OPERATIONS[name], plain), symbols.apply(OPERATIONS[name], simple)


def shown(symbols, node):
    return expression_text(symbols.tape, node, named=node in symbols.tape.names).text


small = st.sampled_from([0.0, 1.0, -1.0, 2.0, -3.0, 0.5, -0.1, 1e300, 7.0])
leaves = st.one_of(
    st.tuples(st.just("number"), small),
    st.tuples(st.just("name"), st.sampled_from(["x", "y"])),
)
operators = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(
            st.just("infix"), st.sampled_from(["add", "sub", "mul", "div", "pow"]), inner, inner
        ),
        st.tuples(st.just("neg"), st.just("neg"), inner),
    ),
    max_leaves=8,
)


@settings(max_examples=often(100, 200))
@given(operators, st.sampled_from([(1.5, 0.75), (0.25, 3.0), (2.0, -1.0)]))
def test_simplifying_keeps_the_value(e, point):
    symbols = Symbols()
    plain, node = composed(symbols, e)
    simple = shown(symbols, node)
    at = dict(zip("xy", point, strict=True))
    expected = value_of(plain.text, at)
    if expected is not None:
        assert value_of(simple, at) == pytest.approx(expected, rel=1e-12)


SIMPLER = (
    ("mul", ("1", "x"), "x"),
    ("mul", ("x", "0"), "0"),
    ("mul", ("-1", "x"), "-x"),
    ("mul", ("-2", "x"), "-2*x"),
    ("mul", ("2", "0.5"), "1"),
    ("add", ("x", "0"), "x"),
    ("add", ("x", "x"), "2*x"),
    ("add", ("x", "-2"), "x - 2"),
    ("sub", ("x", "-2"), "x + 2"),
    ("sub", ("0", "x"), "-x"),
    ("sub", ("0.1", "1"), "-0.9"),
    ("add", ("0.1", "0.2"), "0.3"),
    ("pow", ("x", "1"), "x"),
    ("pow", ("x", "0"), "1"),
    ("div", ("0", "x"), "0"),
    ("div", ("x", "1"), "x"),
    ("div", ("1", "3"), "1/3"),
    ("neg", ("-2",), "2"),
    ("mul", ("1e300", "1e300"), "1e+300*1e+300"),
)


@pytest.mark.parametrize(("name", "operands", "expected"), SIMPLER)
def test_simplified(name, operands, expected):
    assert simplified(Symbols(), name, operands) == expected


@pytest.mark.parametrize(
    ("name", "operands", "expected"),
    [
        ("mul", ("0.1", "6"), "0.6"),
        ("mul", ("0.5", "3"), "1.5"),
        ("mul", ("0.1234567891", "0.9876543211"), "0.9876543211*0.1234567891"),
        ("add", ("1e20", "0.1"), "1e+20 + 0.1"),
        ("div", ("1", "0.5"), "2"),
    ],
)
def test_only_numbers_that_a_short_text_says_are_folded(name, operands, expected):
    assert simplified(Symbols(), name, operands) == expected


def simplified(symbols: Symbols, name: str, operands: tuple[str, ...]) -> str:
    nodes = [
        symbols.constant(literal(text)) if text[-1] in "0123456789" else symbols.variable(text)
        for text in operands
    ]
    return shown(symbols, symbols.apply(OPERATIONS[name], nodes))


ROWS = [
    (row, k)
    for row in OPERATIONS.values()
    for k in range(len(row.rules))
    if not row.variadic and row.name not in ("neg", "identity")  # -0.3 is a number
]
POINTS = ((0.3, 0.7, 0.9, 0.2), (1.4, 2.0, 3.0, 0.5), (-0.4, -0.2, 0.1, 0.6))


@pytest.mark.parametrize(("row", "k"), ROWS, ids=lambda value: getattr(value, "name", value))
def test_a_rule_over_other_leaves_keeps_its_value(row, k):
    """Over operands that are numbers, and with its ifs decided."""
    for point in POINTS:
        at = dict(zip(row.operands, point, strict=False)) | {"out": 0.6}
        expected = value_of(row.rules[k], at)
        if expected is None:
            continue
        numbers = [atom(at[name]) for name in row.operands]
        names = [atom(name) for name in row.operands]
        over_numbers = rules_of(write(row, numbers, "<").text)
        over_names = rules_of(write(row, names, "<").text)
        node = over_names.graph.output
        called = over_names.names.of[node]
        values = [*(at[name] for name in row.operands), 0.6]
        decided = str(over_names.operation(row, k, node, values))
        number = str(over_numbers.operation(row, k, over_numbers.graph.output))
        assert value_of(
            number, {over_numbers.names.of[over_numbers.graph.output]: 0.6}
        ) == pytest.approx(expected)
        assert value_of(decided, at | {called: 0.6}) == pytest.approx(expected)
        assert "if(" not in decided


def rules_of(program):
    graph = parse(program, internal=True)
    return Rules(graph, Names(graph))


# The local gradients of functions of the program

RULES = (
    # body, parameter, its local gradient
    ("u*u", "u", "2*u"),
    ("u^3", "u", "3*u^2"),
    ("sqrt(u)", "u", "1/(2*q)"),
    ("sqrt(u)*v", "u", "v/(2*sqrt(u))"),
    ("sigmoid(u*v)", "u", "q*(1 - q)*v"),
    ("u - v", "v", "-1"),
    ("sin(u)*v", "u", "v*cos(u)"),
    ("v", "u", "0"),
    ("if(u > 0, log(u), u)", "u", "if(u > 0, 1/u, 1)"),
    ("max(u, v)", "u", "if(u > v, 1, if(u == v, 1/2, 0))"),
)


def block_rule(program, k):
    """The rule of the last stage, which is a call, for the operand of that name."""
    rules = rules_of(program)
    node = rules.graph.output
    operands = [rules.names.of[operand] for operand in rules.graph.blocks[node].operands]
    return rules.block(node, operands.index(k), None)


@pytest.mark.parametrize(("body", "k", "expected"), RULES)
def test_block_rule(body, k, expected):
    assert str(block_rule(f"f(u, v) = {body}; q = f(u, v)", k)) == expected


@settings(max_examples=often(75, 150))
@given(
    expressions(("u", "v"), ("pi",), depth=3),
    st.sampled_from([(0.3, 1.7), (2.5, 0.4), (-0.6, 0.8), (1.25, -3.0)]),
)
def test_block_rule_has_the_value_of_the_local_gradient(body, point):
    whole = Program(f"f(u, v) = {written(body)}; q = f(x, y)")
    at = dict(zip("xy", point, strict=True))
    try:
        trace = traced(whole, {name: at[name] for name in whole.inputs})
    except BackpropError:
        return
    if trace.notes or trace.flags:
        return
    result = trace.nodes[-1]
    for edge in result.edges:
        if edge.rule is None or not isinstance(edge.local, float):
            continue
        value = value_of(str(edge.rule), at | {"q": float(result.value)})
        if value is not None:
            assert math.isclose(value, edge.local, rel_tol=1e-9, abs_tol=1e-300), str(edge.rule)


def test_block_rule_of_a_large_function_is_left_out():
    doubling = "; ".join(["f0(u) = u*u + u", *(f"f{i}(u) = f{i - 1}(f{i - 1}(u))" for i in (1, 2, 3, 4, 5, 6))])  # fmt: skip
    assert block_rule(f"{doubling}; f6(x)", "x") is None
    assert block_rule("f(u) = ((((u^2 + u)^2 + u)^2 + u)^2 + u)^2; f(x)", "x") is None
