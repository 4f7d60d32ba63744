"""Other spellings: what is typed, and how it is printed; what is noted, and where a caret points."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_grammar.errors import Source
from backprop_grammar.language.parser import parse, plain_name
from backprop_grammar.language.printer import kept_text, program_text
from backprop_grammar.language.spelling import respelled
from backprop_grammar.operations.table import ALIASES
from tests.programs import contents, programs
from tests.support import FUNCTIONS, BackpropError, Program, call, often, trace_of

SPELLINGS = (
    # typed, printed
    # products without a sign
    ("3x^2 + 2x + 1", "3*x^2 + 2*x + 1"),
    ("(x+1)(x-1)(x+2)", "(x + 1)*(x - 1)*(x + 2)"),
    ("2sin(x)cos(x)", "2*sin(x)*cos(x)"),
    ("2x/3", "2*x/3"),
    ("2x/(3y)", "2*x/(3*y)"),
    ("(1/2)(x-y)^2", "1/2*(x - y)^2"),
    ("-2x", "-2*x"),
    ("2if(x > 0, x, y)(z)", "2*if(x > 0, x, y)*z"),
    ("(x^2)y + pow(x, 2)y", "x^2*y + x^2*y"),
    ("e^(-x)cos(x)", "e^-x*cos(x)"),
    ("2^(3)x", "2^3*x"),
    ("2e^x", "2*e^x"),
    (".5x + 1.y", "0.5*x + 1*y"),
    ("10x10 + 0x", "10*x10 + 0*x"),
    ("2(3)(4)x", "2*3*4*x"),
    ("f(u) = 2u; 3f(x)", "f(u) = 2*u; 3*f(x)"),
    ("max(2x, 3(y))", "max(2*x, 3*y)"),
    # the program of a definition
    ("f(x, y, z) = (x+y)z", "f = (x + y)*z"),
    ("f(x) = x", "f = x"),
    ("f(f) = 2f", "2*f"),
    ("f(x) = 3", "3"),
    ("f(x) = pi", "f = pi"),
    ("f(r) = 2pi*r # the length of a circle", "f = 2*pi*r"),
    ("f(x) = x^2; f(3)", "f(x) = x^2; f(3)"),
    # signs
    ("x × y · z ⋅ a ∗ b • c ÷ d − e", "x*y*z*a*b*c/d - e"),
    ("if(x ≤ 1, x, if(x ≥ 2, y, if(x ≠ y, z, 0)))", "if(x <= 1, x, if(x >= 2, y, if(x != y, z, 0)))"),
    ("x·-y", "x*-y"),
    ("x\u2062y", "x*y"),
    ("（ｘ＋１）＊２", "(x + 1)*2"),
    ("𝑥 + 𝛉", "x + theta"),
    # powers, roots, fractions
    ("x² + xⁿ + x⁻¹ + x²ⁿ + x²³", "x^2 + x^n + x^-1 + x^(2*n) + x^23"),
    ("x²y + (x+y)²z", "x^2*y + (x + y)^2*z"),
    ("-x² + 2^x²", "-x^2 + 2^x^2"),
    ("sin(x)² + |x|²", "sin(x)^2 + abs(x)^2"),
    ("e⁻ˣ·x⁽ⁿ⁺¹⁾", "e^-x*x^(n + 1)"),
    ("√x + √(x+1)y + 2√2 + x√y", "sqrt(x) + sqrt(x + 1)*y + 2*sqrt(2) + x*sqrt(y)"),
    ("√√x + √√(x) + ∛x + √sin(x)/2", "sqrt(sqrt(x)) + sqrt(sqrt(x)) + cbrt(x) + sqrt(sin(x))/2"),
    ("√(2√x + √(y))", "sqrt(2*sqrt(x) + sqrt(y))"),
    ("√|x| + √max(|x|, √y)", "sqrt(abs(x)) + sqrt(max(abs(x), sqrt(y)))"),
    ("½x + ¾(x) + x^½", "1/2*x + 3/4*x + x^(1/2)"),
    # absolute values
    ("|x| + 1", "abs(x) + 1"),
    ("-|x−y|/(1 + |x|)", "-abs(x - y)/(1 + abs(x))"),
    ("2|x| + 3|y| + (z)|x|", "2*abs(x) + 3*abs(y) + z*abs(x)"),
    ("x|y| + |x||y|", "x*abs(y) + abs(x)*abs(y)"),
    ("|x||y|", "abs(x)*abs(y)"),
    ("|x|y", "abs(x)*y"),
    ("| x + 1 |", "abs(x + 1)"),
    ("max(|-x|, |y|)", "max(abs(-x), abs(y))"),
    ("q = |x|; |q|", "q = abs(x); abs(q)"),
    ("|x| # |y", "abs(x)"),
    # names
    ("θ*x + w₁·x₁", "theta*x + w1*x1"),
    ("θ₁x₁ + w₁₂y + xᵢ² + σ_x", "theta1*x1 + w12*y + x_i^2 + sigma_x"),
    ("Δx/Θ + λ", "Deltax/Theta + lambda"),
    ("2πr + πr² + 2π + π/2", "2*pi*r + pi*r^2 + 2*pi + pi/2"),
    ("rπ + π_k + π₀", "r*pi + pi_k + pi0"),
    ("σ(x) + sigma(x) + σ", "sigmoid(x) + sigmoid(x) + sigma"),
    ("f(σ) = σ^2; σ(x)", "f(sigma) = sigma^2; sigmoid(x)"),
    ("σ(u) = u*u; σ(x)", "sigma(u) = u*u; sigma(x)"),
    ("log₂(x) + log₁₀(y)", "log2(x) + log10(y)"),
    ("α = 2; αx + α·x", "alpha = 2; alphax + alpha*x"),
    # other languages
    ("np.exp(-x)/(1+np.exp(-x))**2", "exp(-x)/(1 + exp(-x))^2"),
    ("math.pi*r**2 + np.e + Math.PI", "pi*r^2 + e + pi"),
    ("torch.nn.functional.relu(x) + F.gelu(x) + nn.functional.silu(x)", "relu(x) + gelu(x) + silu(x)"),
    ("tf.math.log(x) + jax.nn.sigmoid(x) + jnp.tanh(x)", "log(x) + sigmoid(x) + tanh(x)"),
    ("2np.exp(x)", "2*exp(x)"),
    ("np.where(x > 0, x, 0.1*x)", "if(x > 0, x, 0.1*x)"),
    ("where(x < y, x, ifelse(x == 1, 2, 3))", "if(x < y, x, if(x == 1, 2, 3))"),
    ("where(u) = u*u; where(x)", "where(u) = u*u; where(x)"),
    ("where + import*2", "where + import*2"),
    ("np.maximum(0, x) + np.power(x, 2) + arctan2(y, x)", "max(0, x) + x^2 + atan2(y, x)"),
    ("square(x+1)*reciprocal(y)/np.exp2(z)", "(x + 1)^2*(1/y)/2^z"),
    ("np.clip(x, 0, 1) + absolute(x) + math.fabs(x)", "clamp(x, 0, 1) + abs(x) + abs(x)"),
    ("square(u) = u*u*u; square(x)", "square(u) = u*u*u; square(x)"),
    ("maximum = 2; maximum*x", "maximum = 2; maximum*x"),
    ("tf.nn.leaky_relu(x, 0.2) + torch.max(x, y) + np.sum(x)", "leaky_relu(x, 0.2) + max(x, y) + sum(x)"),
    ("import numpy as np\nfrom math import *\n\nnp.exp(x)", "exp(x)"),
    ("import numpy; import jax.numpy as foo; foo.exp(x)", "exp(x)"),
    # comments are nobody's
    ("x*y # θ, |x, np.exp(x), ½, √2x", "x*y"),
)  # fmt: skip


@pytest.mark.parametrize(("typed", "printed"), SPELLINGS)
def test_what_is_typed_is_printed_in_one_spelling(typed, printed):
    graph = parse(typed)
    assert program_text(graph) == printed == program_text(parse(printed))
    assert printed.isascii()
    assert respelled(Source(printed)) is None


NOTES = (
    # typed, what is noted
    ("2e3x", ["2e3x is 2000*x: 2e3 is a number"]),
    ("5e-1theta(x)".replace("(x)", ""), ["5e-1theta is 0.5*theta: 5e-1 is a number"]),
    ("2e3(x)", []),
    ("x^1/2", ["x^1/2 is (x^1)/2; a root is x^(1/2)"]),
    ("2x**-1/n", ["x^-1/n is (x^-1)/n; a root is x^(-1/n)"]),
    ("x^2/2 + x^(1/2) + x^(1)/2 + (x^1)/2 + pow(x, 1)/2 + -x^2", []),
    ("θ + theta", ["θ and theta are one name here: theta"]),
    ("x + ｘ + θ₁ + theta1", ["x and ｘ are one name here: x", "θ₁ and theta1 are one name here: theta1"]),
    ("π + pi + σ(x) + sigma(y)", []),
    ("τ*x", ["τ is the constant tau = 2*pi here, as no value is given for tau"]),
    ("τ = 2; τ*x", []),
    ("τ_m*x + tau*y", []),
    ("f(τ) = τ^2; f(x)", []),
    ("import numpy as np\nnp.exp(x)", ["import numpy as np is left out: a program needs no libraries"]),
)  # fmt: skip


@pytest.mark.parametrize(("typed", "noted"), NOTES)
def test_what_is_not_silent(typed, noted):
    assert [*parse(typed).remarks.values()] == noted


def test_a_value_makes_a_name_of_the_letter():
    assert not parse("τ*x").bind({"tau"}).remarks
    code, out, _ = call("eval", "τ*x", "--at", "τ=1,x=2")
    assert (code, "note: τ" in out, "note: tau is your own" in out) == (0, False, True)


def test_notes_reach_the_reader():
    trace = trace_of("2e3x", "--at", "x=1")
    assert [(note["kind"], note["node"]) for note in trace["notes"]] == [("spelling", "")]
    assert "2e3 is a number" in call("eval", "2e3x", "--at", "x=1")[1]
    code, out, err = call("step", "2e3x", "--at", "x=1", "--steps", "2", "--json")
    assert (code, out.count("2e3 is a number")) == (0, 1), err


PLACES = (
    # typed, what is underlined where every variable is -1
    ("½·log(x)", "log(x)"),
    ("y² + θ₁·√x", "√x"),
    ("1/(|y| − 1)", "1/(|y| − 1)"),
    ("np.exp(y)*np.log(x)", "np.log(x)"),
    ("import numpy\nlog(x)", "log(x)"),
    ("3x^½", "x^½"),
    ("θ*x*sqrt(𝑥)", "sqrt(𝑥)"),
    ("f(u) = √u; 2f(x)", "√u"),
)


@pytest.mark.parametrize(("typed", "underlined"), PLACES)
def test_carets_point_at_what_was_typed(typed, underlined):
    program = Program(typed)
    with pytest.raises(BackpropError) as caught:
        program.at(dict.fromkeys(program.inputs, -1))
    error = caught.value
    assert typed[slice(*error.span)] == underlined
    assert error.source.text == typed


def test_names_are_folded_wherever_they_come_in():
    assert [*map(plain_name, ("θ", "w₁", "ｘ", "x", "xᵢ", "é", "σ_x"))] == [
        "theta", "w1", "x", "x", "x_i", "é", "sigma_x"
    ]  # fmt: skip
    program = Program("q = θ·w₁²; q + θ")
    trace = program.at({"θ": 1}, w1=2, wrt="θ,w₁", output="q")
    assert trace.gradients == {"theta": 4.0, "w1": 4.0}
    assert trace["θ"].value == 1.0
    assert program.derive("θ").at(θ=1, w1=2).numbers == {"df_dtheta": 5.0}
    assert program.needed("q") == ("theta", "w1")
    with pytest.raises(BackpropError, match="given twice"):
        program.at({"θ": 1, "theta": 2}, w1=1)
    assert trace_of("θ·x", "--at", "θ=½,x=2π", "--wrt", "θ")["at"]["theta"] == 0.5
    assert trace_of("θ", "--at", "@-", stdin='{"θ": 2}'.encode())["value"] == 2
    for line in (
        ["check", "θ²", "--at", "θ=1", "--claim", "θ=2"],
        ["check", "θ²", "--against", "θ·θ", "--over", "θ=−1:1"],
        ["explain", "θ²", "--at", "θ=1", "--node", "θ"],
        ["explain", "θ²", "--at", "θ=1", "--why", "θ"],
        ["derive", "θ²", "--wrt", "θ"],
        ["derive", "θ²", "--jvp", "θ=1"],
        ["step", "θ²", "--at", "θ=1", "--wrt", "θ"],
        ["graph", "q = θ²·y; q·x", "--at", "θ=1,x=1,y=2", "--output", "q", "--wrt", "θ"],
        ["eval", "α = θ²y; x·α", "--at", "θ=1,x=1,y=2", "--fold", "α"],
    ):
        code, out, err = call(*line)
        assert code == 0, (line, err)
        assert "θ" not in out, line


def test_a_long_program_is_printed_in_its_spelling():
    typed = " + ".join(f"{k}x²" for k in range(1, 1000))
    trace = trace_of(typed, "--at", "x=1")
    assert trace["program"].startswith("1*x^2 + 2*x^2 + ")
    code, out, _ = call("eval", typed, "--at", "x=1")
    assert (code, out[:14]) == (0, "1*x^2 + 2*x^2 ")
    assert kept_text(parse("x*y # θ")) == "x*y # θ"


def test_names_side_by_side_are_a_product_that_is_advised():
    for args in (("xy", "--at", "x=3,y=4"), ("x = 3; y = 4; xy",), ("ωt", "--at", "ω=1,t=2")):
        code, _, err = call("eval", *args)
        assert code == 1
        assert ("x*y" in err) or ("omega*t" in err)
    with pytest.raises(BackpropError, match="xy is one name; to multiply, write x\\*y"):
        Program("xy").at(x=3, y=4)


def test_every_alias_can_be_called_and_is_none_of_our_own_names():
    for name, meant in ALIASES.items():
        assert name not in FUNCTIONS
        operands = FUNCTIONS[meant].arity[0] if meant in FUNCTIONS else len(parse(meant).variables)
        called = ", ".join("xyz"[:operands])
        plain = f"{meant}({called})" if meant in FUNCTIONS else meant
        assert program_text(parse(f"{name}({called})")) == program_text(parse(plain))


# every program in every spelling

SIGNS = {
    "*": "*×·⋅•\u2062", "/": "/÷", "-": "-−", "<=": ["<=", "≤"], ">=": [">=", "≥"], "!=": ["!=", "≠"], "^": ["^", "**"],
}  # fmt: skip
LETTERS = {"alpha": "α", "pi": "π", "tau": "τ"}


REDUCED = ("sum", "mean", "max", "min", "logsumexp")
"""What libraries take along an axis."""

PIECE = re.compile(
    rf"\b({'|'.join(sorted(FUNCTIONS, key=len, reverse=True))})(?=\()"
    r"|(?<![\w.])[A-Za-z_]\w*|\*\*|[<>!]=|(?<![eE])-|[*/^]"
)
SIGNED = re.compile(r"(\)|(?<![\w.])[0-9][0-9.]*(?:e[+-]?[0-9]+)?) \* (?=[(xyzw]|alpha)")


def typed_otherwise(text: str, rng: random.Random) -> str:
    """A program with all parentheses, in spellings that are drawn."""

    def other(match: re.Match[str]) -> str:
        word = match[0]
        if word in SIGNS:
            return rng.choice(SIGNS[word])
        if word in LETTERS:
            return rng.choice((word, LETTERS[word]))
        if match[1]:
            prefix = rng.choice(("", "np.", "math.", "torch.nn.functional."))
            return word if word.startswith(REDUCED) else prefix + word
        if re.fullmatch(r"[a-zA-Z_]\w*[0-9]", word):
            return word[:-1] + rng.choice((word[-1], chr(0x2080 + int(word[-1]))))
        if re.fullmatch(r"[xyz]", word):
            return rng.choice((word, chr(ord(word) + 0xFEE0)))
        return word

    text = SIGNED.sub(lambda product: rng.choice((product[0], product[1])), text)
    return PIECE.sub(other, text)


@settings(max_examples=often(150, 1000))
@given(programs(), st.randoms(use_true_random=False))
def test_a_program_is_the_same_in_every_spelling(program, rng):
    text = program.text()
    typed = typed_otherwise(text, rng)
    assert contents(parse(typed)) == contents(parse(text)), typed


FACTORS = ("2", "(x + y)", "x", "sin(x)", "(x)", "|x|", "√x", "x²", "½")


@given(st.lists(st.sampled_from(FACTORS), min_size=2, max_size=4))
def test_a_product_without_signs_is_one_or_refused(factors):
    """Where a product without signs is read, it is the product."""
    typed = "".join(factors)
    try:
        graph = parse(typed)
    except BackpropError as error:
        assert error.hint
        return
    if graph.variables.keys() <= {"x", "y"} and "22" not in typed:  # xx is one name, 22 a number
        assert contents(graph) == contents(parse("*".join(factors)))
