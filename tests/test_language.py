"""The language, line by line: a program, and the graph or the error it makes."""

import sys
from collections.abc import Collection

import pytest
from hypothesis import given, settings

from backprop_grammar.language.graph import MAX_NODES
from backprop_grammar.language.parser import MAX_LENGTH, parse
from backprop_grammar.language.printer import program_text
from tests.programs import contents, programs
from tests.support import CONSTANTS, FUNCTIONS, OPERATIONS, BackpropError, Graph


def spelled(graph: Graph, node: int | None = None, *, top: bool = True) -> str:
    """A node as calls of operations, down to names and numbers: add(x, neg(y))."""
    node = graph.output if node is None else node
    operation = graph.operations[node]
    if node in graph.constants:
        value = graph.constants[node]
        return value if isinstance(value, str) else repr(value).removesuffix(".0")
    if operation.leaf or (node in graph.names and not top):
        return graph.names[node]
    operands = [spelled(graph, k, top=False) for k in graph.operands[node]]
    if node in graph.blocks:
        block = graph.blocks[node]
        operands = [spelled(graph, k, top=False) for k in block.operands]
        return f"{block.name}[{', '.join(operands)}]"
    if node in graph.condition_of:
        test = graph.conditions[graph.condition_of[node]]
        left, right, *sides = operands
        return f"if({left} {test.comparison} {right}, {', '.join(sides)})"
    return f"{operation.name}({', '.join(operands)})"


def refused(program: str, bound: Collection[str] = ()) -> BackpropError:
    with pytest.raises(BackpropError) as caught:
        parse(program).bind(bound)
    error = caught.value
    assert error.__cause__ is None
    assert error.source is not None
    assert error.source.text == program
    return error


EXPRESSIONS = (
    # sums and products
    ("a - b - c", "sub(sub(a, b), c)"),
    ("a - (b - c)", "sub(a, sub(b, c))"),
    ("a/b/c", "div(div(a, b), c)"),
    ("a/b*c", "mul(div(a, b), c)"),
    ("a + b*c", "add(a, mul(b, c))"),
    ("(a + b)*c", "mul(add(a, b), c)"),
    ("a - b + c", "add(sub(a, b), c)"),
    ("a*b + c*d", "add(mul(a, b), mul(c, d))"),
    # signs
    ("-x", "neg(x)"),
    ("--x", "neg(neg(x))"),
    ("+x", "x"),
    ("+-+x", "neg(x)"),
    ("-x*y", "mul(neg(x), y)"),
    ("x*-y", "mul(x, neg(y))"),
    ("x/-y", "div(x, neg(y))"),
    ("x - -y", "sub(x, neg(y))"),
    ("x--y", "sub(x, neg(y))"),
    ("x+-y", "add(x, neg(y))"),
    ("x - +y", "sub(x, y)"),
    ("-2", "-2"),
    ("--2", "2"),
    ("-(2)", "-2"),
    ("-2*x", "mul(-2, x)"),
    ("-0", "0"),
    ("-pi", "neg(pi)"),
    # powers
    ("-x^2", "neg(pow(x, 2))"),
    ("(-x)^2", "pow(neg(x), 2)"),
    ("-2^2", "neg(pow(2, 2))"),
    ("2^-x", "pow(2, neg(x))"),
    ("2^-2", "pow(2, -2)"),
    ("2^+x", "pow(2, x)"),
    ("2^-x^2", "pow(2, neg(pow(x, 2)))"),
    ("2^--x", "pow(2, neg(neg(x)))"),
    ("x^y^z", "pow(x, pow(y, z))"),
    ("(x^y)^z", "pow(pow(x, y), z)"),
    ("x**y**z", "pow(x, pow(y, z))"),
    ("x**y^z", "pow(x, pow(y, z))"),
    ("-x^-2", "neg(pow(x, -2))"),
    ("2^-x*y", "mul(pow(2, neg(x)), y)"),
    ("2^x*y", "mul(pow(2, x), y)"),
    ("x*y^2", "mul(x, pow(y, 2))"),
    ("-x^2*y", "mul(neg(pow(x, 2)), y)"),
    ("sin(x)^2", "pow(sin(x), 2)"),
    ("pow(x, 2)", "pow(x, 2)"),
    ("e^x", "pow(e, x)"),
    # numbers
    ("2", "2"),
    ("2.5", "2.5"),
    (".5", "0.5"),
    ("2.", "2"),
    ("007", "7"),
    ("1e-3", "0.001"),
    ("1E3", "1000"),
    ("1e+22", "1e+22"),
    ("5e-324", "5e-324"),
    ("1.7976931348623157e308", "1.7976931348623157e+308"),
    ("0e999", "0"),
    ("1e3x3", "mul(1000, x3)"),
    # names and constants
    ("_", "_"),
    ("_x1_Y", "_x1_Y"),
    ("iff", "iff"),
    ("e1", "e1"),
    ("pi*tau*e", "mul(mul(pi, tau), e)"),
    # blanks, comments and lines
    ("\tx \f+\ty ", "add(x, y)"),
    ("x + y # z", "add(x, y)"),
    ("# first\n\n   # second\nx\n# third", "x"),
    ("x*(y\n  + z # inside\n\n)", "mul(x, add(y, z))"),
    ("x +\n\n # more\n y", "add(x, y)"),
    ("x^\n-y", "pow(x, neg(y))"),
    ("max(x,\r\n y)\r\n", "max(x, y)"),
    ("-x\n", "neg(x)"),
    ("\n\n-x", "neg(x)"),
    ("\ufeffx + y", "add(x, y)"),
    ("\ufeff# comment\nx", "x"),
    ("x;", "x"),
    ("x;;\n;", "x"),
    (";;x", "x"),
    # functions
    ("ln(x)", "log(x)"),
    ("atan2(y, x)", "atan2(y, x)"),
    ("max(x, y, 3)", "max(x, y, 3)"),
    ("sum(x)", "sum(x)"),
    ("sin (x)", "sin(x)"),
    ("sin(((x)))", "sin(x)"),
    ("leaky_relu(x)", "leaky_relu(x, 0.01)"),
    ("leaky_relu(x, a)", "leaky_relu(x, a)"),
    # if
    ("if(x < 0, 1, 2)", "if(x < 0, 1, 2)"),
    ("if (x+1 >= 2*y, a, b)", "if(add(x, 1) >= mul(2, y), a, b)"),
    ("if(x==0,1,sin(x)/x)", "if(x == 0, 1, div(sin(x), x))"),
    ("2*if(x != 0, a, b)^2", "mul(2, pow(if(x != 0, a, b), 2))"),
    ("if(if(a<b,a,b) <= c, 1, 2)", "if(if(a < b, a, b) <= c, 1, 2)"),
    ("if(a>b, if(c>d, 1, 2), if(e>f, 3, 4))", "if(a > b, if(c > d, 1, 2), if(e > f, 3, 4))"),
    ("max(if(x>0,x,1), y)", "max(if(x > 0, x, 1), y)"),
)  # fmt: skip


@pytest.mark.parametrize(("program", "expected"), EXPRESSIONS)
def test_expression(program, expected):
    if expected is None:
        refused(program)
    else:
        assert spelled(parse(program)) == expected


PROGRAMS = (
    # program, its stages as spelled, with values of the inputs
    ("q = x + y; f = q*z", "q: add(x, y); f: mul(q, z)"),
    ("q = x + y\nf = q*z\n", "q: add(x, y); f: mul(q, z)"),
    ("q = x + y;\r\n\r\n f = q*z;", "q: add(x, y); f: mul(q, z)"),
    ("q=x+y;f=q*z # both", "q: add(x, y); f: mul(q, z)"),
    ("q = x + y; q*z", "q: add(x, y); mul(q, z)"),
    ("q = x*y; q", "q: mul(x, y); mul(x, y)"),
    ("f =\n  x", "f: identity(x)"),
    ("f = x", "f: identity(x)"),
    ("f = pi", "f: identity(pi)"),
    ("a = x*y; b = a", "a: mul(x, y); b: identity(a)"),
    ("x = -2; x^2", "x: -2 in; pow(x, 2)"),
    ("x = 3", "x: 3 in"),
    ("x = (-2)", "x: -2 in"),
    ("x = +.5e1", "x: 5 in"),
    ("x = pi/4; sin(x)", "x: div(pi, 4); sin(x)"),
    ("x = 1/3", "x: div(1, 3)"),
    ("x = 2; y = x", "x: 2 in; y: identity(x)"),
    ("x = 2\n-3*x;\n", "x: 2 in; mul(-3, x)"),
    ("x = 2\n+3*x;\n", None),
    ("x = 2;\n-3*x", "x: 2 in; mul(-3, x)"),
    ("x = 2\n(-3*x)", "x: 2 in; mul(-3, x)"),
    ("3", "3"),
    # constants replaced
    ("e = 2; e*x", "e: 2 in; mul(e, x)"),
    ("pi = x; 2*pi", "pi: identity(x); mul(2, pi)"),
    # functions
    ("square(u) = u*u; square(x + 1)", "square[add(x, 1)]"),
    ("square(u) = u*u\nsquare(square(x))", "square[square[x]]"),
    ("f(u, v) = u - v; f(y, f(x, 2))", "f[y, f[x, 2]]"),
    ("f(u) = u; f(x)", "f[x]"),
    ("f(u) = 3; f(x)", "f[x]"),
    ("f(u) = pi; f(x)", "f[x]"),
    ("f(u) = -2; f(x)", "f[x]"),
    ("g(u) = u*u; f(u) = g(u); f(x)", "f[x]"),
    ("f(u, v) = u; f(x, y*z)", "f[x, mul(y, z)]"),
    ("f(x) = x*2; f(y)*x", "mul(f[y], x)"),
    ("f(e) = e*2; f(x) + e", "add(f[x], e)"),
    ("x = 3; f(x) = x*2; f(y)*x", "x: 3 in; mul(f[y], x)"),
    ("f (\n u , # first\n v ) = u*v; f(x, y)", "f[x, y]"),
    ("f(u) =\n u*u\nq = f(x)", "q: f[x]"),
    ("q = x*y; f(u) = u; f(q)", "q: mul(x, y); f[q]"),
    ("q = x*y; f(u) = u", "q: mul(x, y)"),
    ("f(f) = f*2; f(x)", "f[x]"),
    ("f(u) = if(u > 0, u, 0); f(f(x))", "f[f[x]]"),
)


@pytest.mark.parametrize(("program", "expected"), PROGRAMS)
def test_program(program, expected):
    if expected is None:
        refused(program)
        return
    graph = parse(program)
    stages = [
        f"{name}: {repr(graph.inputs[name]).removesuffix('.0')} in" if name in graph.inputs
        else (f"{name}: " if name else "") + spelled(graph, node)
        for name, node in graph.stages
    ]  # fmt: skip
    assert "; ".join(stages) == expected


INSIDE = (
    # program, the tape: what stands in a block is copied, with blocks in it
    ("f(u) = u*u; f(x)", "x mul"),
    ("f(u) = u; f(x)", "x identity"),
    ("f(u) = 3; f(x)", "x 3 identity"),
    ("g(u) = u*u; f(u) = g(u); f(x)", "x mul identity"),
    ("g(u) = sin(u); f(u) = g(u) + g(u); f(x)*f(y)", "x sin sin add y sin sin add mul"),
    ("f(u, v) = u; f(x, y*z)", "x y z mul identity"),
    ("f(u) = u + 2*pi; f(x)", "x 2 pi mul add"),
    ("x*y + x*y", "x y mul mul add"),
    ("q = x*y; q + q", "x y mul add"),
    ("leaky_relu(x)", "x 0.01 leaky_relu"),
    ("if(x > 0, y, -y)", "x 0 y neg if"),
)


@pytest.mark.parametrize(("program", "expected"), INSIDE)
def test_tape(program, expected):
    graph = parse(program)
    tape = [
        spelled(graph, node) if operation.leaf else operation.name
        for node, operation in enumerate(graph.operations)
    ]
    assert " ".join(tape) == expected


REGIONS = (
    # program, "condition in region" in order, and the regions of the operations but if
    ("if(x > 0, sin(x), cos(x))", ["> in 0"], {"sin": 1, "cos": 2}),
    ("if(sin(x) > 0, 1, 2) + cos(x)", ["> in 0"], {"sin": 0, "cos": 0, "add": 0}),
    ("if(x>0, if(sin(x)<0, exp(x), cos(x)), tan(x))", ["> in 0", "< in 1"],
     {"sin": 1, "exp": 3, "cos": 4, "tan": 2}),
    ("if(x>0, tan(x), if(x<0, exp(x), cos(x)))", ["> in 0", "< in 2"], {"tan": 1, "exp": 3, "cos": 4}),
    ("f(u) = if(u>0, sin(u), cos(u)); if(x<0, f(x), tan(x))", ["< in 0", "> in 1"],
     {"sin": 3, "cos": 4, "tan": 2}),
    ("g(u) = if(u>0, sin(u), cos(u)); f(u) = if(u==0, g(u), exp(u)); if(x<0, x, f(x))",
     ["< in 0", "== in 2", "> in 3"], {"sin": 5, "cos": 6, "exp": 4}),
)  # fmt: skip


@pytest.mark.parametrize(("program", "conditions", "regions"), REGIONS)
def test_regions(program, conditions, regions):
    graph = parse(program)
    assert [f"{test.comparison} in {test.region}" for test in graph.conditions] == conditions
    found = {
        operation.name: graph.regions[node]
        for node, operation in enumerate(graph.operations)
        if not operation.leaf and operation.name != "if"
    }
    assert found == regions
    for node, condition in graph.condition_of.items():
        test = graph.conditions[condition]
        assert graph.operands[node][:2] == (test.left, test.right)
        assert graph.regions[node] == test.region


SPANS = (
    # program, the text of every operation's node
    ("x*y + sin(z)", ["x*y", "sin(z)", "x*y + sin(z)"]),
    ("(x + y)*2", ["x + y", "(x + y)*2"]),
    ("-(x)^2", ["(x)^2", "-(x)^2"]),
    ("q = (x*y) # here", ["(x*y)"]),
    ("f(u) = u*u; f(x) + 1", ["u*u", "f(x) + 1"]),
    ("2^-x", ["-x", "2^-x"]),
)


@pytest.mark.parametrize(("program", "expected"), SPANS)
def test_spans(program, expected):
    graph = parse(program)
    found = [
        program[slice(*graph.spans[node])] for node, o in enumerate(graph.operations) if not o.leaf
    ]
    assert found == expected


@pytest.mark.parametrize("name", sorted(CONSTANTS))
def test_a_binding_replaces_a_constant(name):
    assert spelled(parse(f"{name}*x")) == f"mul({name}, x)"
    assert not parse(f"{name}*x").variables.keys() & CONSTANTS.keys()
    graph = parse(f"{name}*x").bind({name})
    assert list(graph.variables) == [name, "x"]
    assert graph.shadowed == {name: (0, len(name))}
    assert parse(f"{name} = 3; {name}*x").shadowed == {name: (0, len(name))}
    assert parse(f"f({name}) = {name}^2; f(x)").bind({name}).shadowed == {}


def test_a_function_does_not_see_a_replaced_constant():
    """It would use the constant where its author reads the value above it."""
    for program in ("e = 2; f(u) = u*e; f(x)", "f(u) = u*e; e = 2; f(x)"):
        error = refused(program)
        assert "e has a value of your own, which f does not see" in error.message
        assert program[slice(*error.span)] == "e"
    assert refused("f(u) = u*e; f(x)", bound={"e"}).kind == "name"
    assert spelled(parse("f(u) = u*e; f(x)").bind({"pi"})) == "f[x]"


RESERVED = [
    "if", "exp", "expm1", "log", "ln", "log2", "log10", "log1p", "sqrt", "cbrt", "hypot", "pow", "abs",
    "sign", "max", "min", "clamp", "relu", "leaky_relu", "sin", "cos", "tan", "asin", "acos", "atan",
    "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc", "lgamma", "digamma",
    "polygamma", "sigmoid", "softplus", "silu", "gelu", "sum", "mean", "logsumexp",
]  # fmt: skip
"""The names that were functions' first: no other may be added here, or programs would break."""

SOFT = [name for name in FUNCTIONS if name not in RESERVED]


def test_every_name_added_since_is_soft():
    assert {name for name, row in FUNCTIONS.items() if not row.soft} == {*RESERVED} - {"if"}
    assert SOFT


SOFT_USES = (
    "{f}*x + 1",
    "{f} + {f}^2",
    "{f} = x*2; {f}*y",
    "{f} = 3; {f}*y",
    "g({f}) = {f}^2; g(x)",
    "g(x, {f}) = x*{f}; {f} = g(2, y); {f}^2",
    "{f}(u) = u^2; {f}(3*x) + {f}(y)",
    "{f}(u) = u^2; g(u) = {f}(u) + 1; {f}(x)*g(x)",
)
"""A variable, a stage, an input, a parameter, and a function of the program's own."""


@pytest.mark.parametrize("name", SOFT)
def test_a_soft_name_is_free(name):
    """The program is what it is with a name that means nothing, and is printed back."""
    for pattern in SOFT_USES:
        graph, plain = parse(pattern.format(f=name)), parse(pattern.format(f="other"))
        assert spelled(graph) == spelled(plain).replace("other", name), pattern
        assert spelled(parse(program_text(graph))) == spelled(graph), pattern
    assert list(parse(f"{name}*x").variables) == [name, "x"]


@pytest.mark.parametrize("name", SOFT)
def test_a_soft_name_is_the_function_before_a_parenthesis(name):
    row = FUNCTIONS[name]
    operands = ["x", "y"][: row.arity[0]]
    for text in (
        f"{name}({', '.join(operands)})",
        f"{name} = 2; {name}*{name}({', '.join(operands)})",
    ):
        assert row in parse(text).operations
    used = f"z = {name}({', '.join(operands)}); {name}(u) = u; z"
    error = refused(used)
    assert error.message == f"{name} is used before it is defined"
    assert used[slice(*error.span)] == name
    error = refused(f"{name}(u) = {name}(u - 1); {name}(x)")
    assert error.message == f"{name} calls itself"
    stage = refused(f"{name} = 2; {name}({', '.join(['x'] * 5)})")
    assert stage.hint == f"write {row.signature}; to multiply, write {name}*(...)"


@pytest.mark.parametrize("name", RESERVED)
def test_names_of_functions_are_reserved(name):
    for program, hint in (
        (f"{name} = 3", "call the stage something else"),
        (f"{name}(u) = u", "call the function something else"),
        (f"f({name}) = 3", "call the parameter something else"),
    ):
        error = refused(program)
        assert error.message == f"{name} is the name of a function"
        assert error.hint.startswith(hint)
        assert program[slice(*error.span)] == name


def test_every_function_is_called_by_its_name():
    for name, row in FUNCTIONS.items():
        least, most = row.arity
        for count in {least, most or least + 3}:
            graph = parse(f"{name}({', '.join(f'x{i}' for i in range(count))})")
            assert graph.operations[graph.output] is row
        for count in {least - 1, (most or 0) + 1} - {0, 1 if most is None else 0}:
            if count < least or most is not None:
                error = refused(f"{name}({', '.join(['x'] * count)})")
                assert error.kind == "arity"
                assert f"not {count}" in error.message


def test_hidden_rows_are_for_the_table_only():
    for name, row in OPERATIONS.items():
        if row.hidden and name.startswith("_"):
            call = f"{name}({', '.join(row.operands)})"
            refused(call)
            assert parse(call, internal=True).operations[-1] is row


@settings(max_examples=50)
@given(programs())
def test_parses_are_independent(program):
    """One parser serves all: what went wrong in one parse leaves no trace in the next."""
    before = contents(parse(program.text()))
    refused("f(u) = if(u > 0, g(u), 2)")
    refused("if(x > 0, (")
    assert contents(parse(program.text())) == before


# Size

LARGE = (
    (" + ".join(["x"] * 30_000), 30_000),
    ("(" * 25_000 + "x" + ")" * 25_000, 1),
    ("; ".join(["a0 = x", *(f"a{i} = a{i - 1}*y" for i in range(1, 20_000))]), 20_002),
    ("sin(" * 25_000 + "x" + ")" * 25_000, 25_001),
    ("if(x > 0, " * 10_000 + "x" + ", 1)" * 10_000, 30_001),
    ("if(x > 0, 1, " * 10_000 + "x" + ")" * 10_000, 30_001),
    ("\n".join(["f0(u) = sin(u)", *(f"f{i}(u) = f{i - 1}(u) + 1" for i in range(1, 8_000)), "f7999(x)"]),
     16_000),
    ("f(u) = u*u\n" + "f(" * 20_000 + "x" + ")" * 20_000, 20_001),
    (f"max({', '.join(['x'] * 50_000)})", 2),
    ("# comment\n" * 200_000 + "x", 1),
    ("-" * 50_000 + "x", 50_001),
    ("^".join(["2"] * 50_000), 99_999),
    ("x" * 1_000_000, 1),
    ("1" + "0" * 300, 1),
    (" " * 1_000_000 + "x" + "\n;" * 100_000, 1),
    (f"f({', '.join(f'u{i}' for i in range(20_000))}) = u1\nf({', '.join(['x'] * 20_000)})", 2),
)  # fmt: skip


@pytest.mark.parametrize(("program", "nodes"), LARGE, ids=lambda value: str(value)[:12])
def test_large_programs(program, nodes):
    assert sys.getrecursionlimit() <= 1000
    graph = parse(program)
    assert len(graph) == nodes
    printed = program_text(graph)
    if len(program) == len(printed):  # it is typed as it is printed
        assert printed == program


def test_doubling_functions_are_refused_before_the_work():
    doubling = ["f0(u) = u + u", *(f"f{i}(u) = f{i - 1}(f{i - 1}(u))" for i in range(1, 2_000))]
    program = "\n".join([*doubling, "f1999(x)"])
    error = refused(program)
    assert error.kind == "limit"
    assert f"{MAX_NODES:,} nodes" in error.message
    assert error.label == "a call of f1999 adds more than 1,000,000,000"
    assert program[slice(*error.span)] == "f1999(x)"
    assert (
        len(parse("\n".join([*doubling, "f10(x)"]))) == 2**11
    )  # x, 2^10 sums and a block around every call


def test_limits(monkeypatch):
    monkeypatch.setattr("backprop_grammar.language.graph.MAX_NODES", 100)
    monkeypatch.setattr("backprop_grammar.language.parser.MAX_NODES", 100)
    assert len(parse("+".join(["x"] * 100))) == 100
    assert refused("+".join(["x"] * 101)).kind == "limit"
    definitions = "; ".join(f"f{i}(u) = {'+'.join(['u'] * 50)}" for i in range(3))
    assert refused(f"{definitions}; x").kind == "limit"
    with pytest.raises(BackpropError, match="longer than 20,000,000 characters"):
        parse("x" * (MAX_LENGTH + 1))
