"""THE TABLE of operations: one row each.

The insight: a row carries its local gradients as text in the calculator's own
language, over the names of the operands and the result `out`. That one text is
what a learner reads, what is interpreted over floats and wide numbers, and, being
differentiable itself, what gives derivatives of any order. To add a function, add
a row: the parser, the help, the README and the tests read this table.
"""

import math
import operator
from typing import Any

from . import special
from .exact import always, angle, at_one, at_zero, average, power, product, quotient, root, whole
from .row import Operation, Role, row

__all__ = ["CONSTANTS", "FUNCTIONS", "IDENTITY", "IF", "OPERATIONS"]


def pow_requires(numbers: Any, operands: list[Any]) -> tuple[str, str] | None:
    base = numbers.sign(operands, 0)
    if base == 0 and numbers.sign(operands, 1) < 0:
        return "zero to a negative power", "the base must not be 0 when the exponent is negative"
    if base < 0 and not numbers.whole(operands, 1):
        return (
            "a negative base with a fractional exponent has no real value",
            "use cbrt(x) for a cube root, or -(abs(x)^y)",
        )
    return None


def gamma_requires(numbers: Any, operands: list[Any]) -> tuple[str, str] | None:
    x = len(operands) - 1
    if numbers.sign(operands, x) <= 0 and numbers.whole(operands, x):
        return "the gamma function has a pole at 0, -1, -2, ...", "keep off the whole numbers <= 0"
    return None


def polygamma_requires(numbers: Any, operands: list[Any]) -> tuple[str, str] | None:
    if not numbers.whole(operands, 0) or numbers.sign(operands, 0) < 0:
        return "the order of polygamma must be 0, 1, 2, ...", "write polygamma(1, x)"
    return gamma_requires(numbers, operands)


D, S, C, R = Role.DISTRIBUTES, Role.SWAPS, Role.SCALES, Role.ROUTES

ROWS = (
    # operators
    row("add", "x y", "1 ;; 1", D, "sum of two numbers", value=operator.add, symbol="+",
        wide=lambda m, x, y: x + y, ulps=0.5),
    row("sub", "x y", "1 ;; -1", D, "difference of two numbers", value=operator.sub, symbol="-",
        wide=lambda m, x, y: x - y, ulps=0.5),
    row("mul", "x y", "y ;; x", S, "product of two numbers", value=operator.mul, symbol="*",
        wide=lambda m, x, y: x * y, ulps=0.5, exact=product),
    row("div", "x y", "1/y ;; -out/y", C, "quotient of two numbers", value=operator.truediv,
        wide=lambda m, x, y: x / y, symbol="/", ulps=0.5, exact=quotient, domain="y != 0"),
    row("pow", "x y", "y*x^(y - 1) ;; out*log(x)", C,
        "power; a constant exponent needs no logarithm, and 0^0 = 1", value=math.pow,
        wide=special.wide_power, symbol="^", exact=power, requires=pow_requires,
        requirement="x > 0, or a whole y (not negative where x = 0)",
        careful="if(y == 0, 0, if(x == 0, if(y > 1, 0, if(y == 1, 1, 1/x)), y*(out/x)))"
        " ;; if(x == 0, if(y > 0, 0, 0/0), out*log(x))"),
    row("neg", "x", "-1", C, "the number with the opposite sign", value=operator.neg,
        wide=lambda m, x: -x, exact=always),
    row("identity", "x", "1", D, "a second name for a node", value=operator.pos,
        wide=lambda m, x: x, exact=always, hidden=True),
    row("if", "a b x y", "0 ;; 0 ;; 1 ;; 1", R,
        "x where the condition holds, else y; only the selected branch is evaluated",
        exact=always),
    # exponentials and logarithms
    row("exp", "x", "out", C, "exponential", value=math.exp, wide=special.wide_exp, exact=at_zero),
    row("expm1", "x", "exp(x)", C, "exp(x) - 1, exact near 0", value=math.expm1,
        wide=special.wide_expm1, formula="exp(x) - 1", exact=at_zero),
    row("log", "x", "1/x", C, "natural logarithm; ln is the same", value=math.log,
        domain="x > 0", exact=at_one),
    row("log2", "x", "1/(x*log(2))", C, "logarithm to base 2", value=math.log2,
        wide=lambda m, x: m.log(x) / m.log(2), formula="log(x)/log(2)",
        careful="1/x/log(2)", domain="x > 0", exact=at_one, ulps=2),
    row("log10", "x", "1/(x*log(10))", C, "logarithm to base 10", value=math.log10,
        wide=lambda m, x: m.log(x) / m.log(10), formula="log(x)/log(10)",
        careful="1/x/log(10)", domain="x > 0", exact=at_one, ulps=2),
    row("log1p", "x", "1/(1 + x)", C, "log(1 + x), exact near 0", value=math.log1p,
        formula="log(1 + x)", domain="x > -1", exact=at_zero),
    # roots
    row("sqrt", "x", "1/(2*out)", C, "square root", value=math.sqrt, domain="x >= 0",
        exact=root, ulps=0.5),
    row("cbrt", "x", "1/(3*out^2)", C, "cube root, of negative numbers too", value=special.cbrt,
        wide=lambda m, x: m.sign(x) * m.cbrt(abs(x)), careful="if(x == 0, 1/x, out/x/3)",
        exact=at_zero, ulps=2),
    row("hypot", "x y", "x/out ;; y/out", C, "length of the vector (x, y)", value=math.hypot,
        formula="sqrt(x^2 + y^2)", spellings="sqrt(x*x + y*y)", exact=at_zero, kinks="out",
        careful="if(out == 0, 0, x/out) ;; if(out == 0, 0, y/out)"),
    # absolute value and choice
    row("abs", "x", "sign(x)", C, "absolute value", formula="max(x, -x)",
        spellings="if(x < 0, -x, x) ;; if(x <= 0, -x, x) ;; if(x > 0, x, -x) ;; if(x >= 0, x, -x)"
        " ;; sqrt(x^2) ;; sqrt(x*x)",
        computed="if(x < 0, -x, x)", kinks="x"),
    row("sign", "x", "0", C, "1, 0 or -1: the sign",
        formula="if(x > 0, 1, if(x < 0, -1, 0))", spellings="x/abs(x)",
        computed="if(x > 0, 1, if(x == 0, 0, -1))", kinks="x",
        jump="sign jumps at 0 and has no derivative there"),
    row("max", "x ...", "if(x == out, 1/ties, 0)", R, "the largest operand; ties share equally"),
    row("min", "x ...", "if(x == out, 1/ties, 0)", R, "the smallest operand; ties share equally"),
    row("clamp", "x lo hi",
        "if(x < lo, 0, if(x > hi, 0, if(x == lo, if(x == hi, 1/3, 1/2), if(x == hi, 1/2, 1))))"
        " ;; if(x < lo, 1, if(x == lo, if(x == hi, 1/3, 1/2), 0))"
        " ;; if(x > hi, 1, if(x == hi, if(x == lo, 1/3, 1/2), 0))",
        R, "x kept between lo and hi", formula="max(lo, min(x, hi))",
        spellings="min(max(x, lo), hi)",
        computed="if(x < lo, lo, if(x > hi, hi, x))", kinks="x - lo and x - hi",
        domain="lo <= hi"),
    row("relu", "x", "if(x > 0, 1, 0)", R, "rectified linear unit", formula="max(x, 0)",
        spellings="if(x > 0, x, 0) ;; if(x >= 0, x, 0) ;; if(x < 0, 0, x) ;; if(x <= 0, 0, x)"
        " ;; (x + abs(x))/2",
        computed="if(x > 0, x, 0)", kinks="x"),
    row("leaky_relu", "x a", "if(x > 0, 1, a) ;; if(x > 0, 0, x)", C,
        "x, or a*x where x is negative", formula="if(x > 0, x, a*x)",
        spellings="if(x >= 0, x, a*x) ;; if(x < 0, a*x, x) ;; if(x <= 0, a*x, x)", defaults=(0.01,),
        careful="if(x > 0, 1, if(x < 0, a, clamp(a, 0, 1))) ;; if(x > 0, 0, x)",
        computed="if(x > 0, x, a*x)", kinks="x"),
    # trigonometry
    row("sin", "x", "cos(x)", C, "sine, of radians", value=math.sin, wide=special.bounded("sin"),
        exact=at_zero),
    row("cos", "x", "-sin(x)", C, "cosine, of radians", value=math.cos,
        wide=special.bounded("cos"), exact=at_zero),
    row("tan", "x", "1 + out^2", C, "tangent, of radians", value=math.tan,
        wide=special.bounded("tan"), formula="sin(x)/cos(x)", exact=at_zero),
    row("asin", "x", "1/sqrt(1 - x^2)", C, "arc sine, in radians", value=math.asin,
        careful="1/(sqrt(1 - x)*sqrt(1 + x))", domain="x >= -1 and x <= 1", exact=at_zero),
    row("acos", "x", "-1/sqrt(1 - x^2)", C, "arc cosine, in radians", value=math.acos,
        careful="-1/(sqrt(1 - x)*sqrt(1 + x))", domain="x >= -1 and x <= 1", exact=at_one),
    row("atan", "x", "1/(1 + x^2)", C, "arc tangent, in radians", value=math.atan,
        careful="h = hypot(1, x); 1/h/h", exact=at_zero),
    row("atan2", "y x", "x/(x^2 + y^2) ;; -y/(x^2 + y^2)", C,
        "angle of the point (x, y), in radians; written atan2(y, x)", value=math.atan2,
        wide=special.wide_atan2, cut="if(x < 0, y, 1)", exact=angle, ulps=2,
        careful="h = hypot(x, y); x/h/h ;; h = hypot(x, y); -y/h/h"),
    # hyperbolic functions
    row("sinh", "x", "cosh(x)", C, "hyperbolic sine", value=math.sinh,
        wide=special.wide_sinh, formula="(exp(x) - exp(-x))/2",
        spellings="0.5*(exp(x) - exp(-x)) ;; exp(x)/2 - exp(-x)/2", exact=at_zero, ulps=3),
    row("cosh", "x", "sinh(x)", C, "hyperbolic cosine", value=math.cosh,
        wide=special.wide_cosh, formula="(exp(x) + exp(-x))/2",
        spellings="0.5*(exp(x) + exp(-x)) ;; exp(x)/2 + exp(-x)/2", exact=at_zero, ulps=3),
    row("tanh", "x", "1 - out^2", C, "hyperbolic tangent", value=math.tanh,
        wide=special.wide_tanh, formula="(exp(2*x) - 1)/(exp(2*x) + 1)",
        spellings="(exp(x) - exp(-x))/(exp(x) + exp(-x)) ;; sinh(x)/cosh(x)"
        " ;; 1 - 2/(exp(2*x) + 1) ;; 2/(1 + exp(-2*x)) - 1 ;; (1 - exp(-2*x))/(1 + exp(-2*x))"
        " ;; 2*sigmoid(2*x) - 1",
        careful="t = exp(-2*abs(x)); d = 1 + t; 4*t/d/d", exact=at_zero, ulps=2.5),
    row("asinh", "x", "1/sqrt(x^2 + 1)", C, "inverse hyperbolic sine", value=math.asinh,
        formula="log(x + sqrt(x^2 + 1))", careful="1/hypot(1, x)", exact=at_zero, ulps=2.5),
    row("acosh", "x", "1/sqrt(x^2 - 1)", C, "inverse hyperbolic cosine", value=math.acosh,
        wide=special.wide_acosh, formula="log(x + sqrt(x^2 - 1))", careful="1/(sqrt(x - 1)*sqrt(x + 1))",
        domain="x >= 1", exact=at_one, ulps=3),
    row("atanh", "x", "1/(1 - x^2)", C, "inverse hyperbolic tangent", value=math.atanh,
        formula="log((1 + x)/(1 - x))/2", careful="1/((1 - x)*(1 + x))",
        domain="x > -1 and x < 1", exact=at_zero, ulps=3),
    # special functions
    row("erf", "x", "2/sqrt(pi)*exp(-x^2)", C, "error function",
        value=special.rounded(lambda m, x: m.erf(x)), careful="2/sqrt(pi)*_gauss(x)",
        exact=at_zero, ulps=0.51),
    row("erfc", "x", "-2/sqrt(pi)*exp(-x^2)", C, "1 - erf(x), exact in the tail",
        value=special.rounded(special.wide_erfc), wide=special.wide_erfc, formula="1 - erf(x)",
        careful="-2/sqrt(pi)*_gauss(x)", exact=at_zero, ulps=0.51),
    row("lgamma", "x", "digamma(x)", C, "logarithm of the absolute value of the gamma function",
        value=special.rounded(special.wide_lgamma), wide=special.wide_lgamma,
        requires=gamma_requires, requirement="x is not 0, -1, -2, ...",
        exact=lambda xs, out, limit: xs[0] in (1, 2), ulps=0.51),
    row("digamma", "x", "polygamma(1, x)", C, "derivative of lgamma",
        value=special.rounded(special.wide_digamma), wide=special.wide_digamma,
        requires=gamma_requires, requirement="x is not 0, -1, -2, ...", ulps=0.51),
    row("polygamma", "n x", "0/0 ;; polygamma(n + 1, x)", C,
        "derivative n of digamma; n is a whole number",
        value=special.rounded(special.wide_polygamma), wide=special.wide_polygamma,
        requires=polygamma_requires, requirement="n = 0, 1, 2, ...; x is not 0, -1, -2, ...",
        ulps=0.51),
    # function blocks of networks
    row("sigmoid", "x", "out*(1 - out)", C, "logistic function", formula="1/(1 + exp(-x))",
        spellings="exp(x)/(1 + exp(x)) ;; 1/(1 + 1/exp(x)) ;; 1 - 1/(1 + exp(x))"
        " ;; (1 + exp(-x))^-1 ;; (1 + tanh(x/2))/2 ;; 0.5*(1 + tanh(x/2))", mirrored="1/(1 + exp(x))",
        computed="t = exp(-abs(x)); if(x < 0, t, 1)/(1 + t)",
        careful="t = exp(-abs(x)); d = 1 + t; t/d/d"),
    row("softplus", "x", "sigmoid(x)", C, "smooth relu", formula="log(1 + exp(x))",
        spellings="log1p(exp(x)) ;; -log(sigmoid(-x))",
        computed="if(x > 0, x, 0) + log1p(exp(-abs(x)))"),
    row("silu", "x", "sigmoid(x)*(1 + x*(1 - sigmoid(x)))", C, "x*sigmoid(x), also called swish",
        formula="x*sigmoid(x)", spellings="x/(1 + exp(-x))", computed="x*sigmoid(x)",
        careful="sigmoid(x)*(1 + x*sigmoid(-x))"),
    row("gelu", "x", "(1 + erf(x/sqrt(2)))/2 + x*exp(-x^2/2)/sqrt(2*pi)", C,
        "x times the normal distribution function", formula="x*(1 + erf(x/sqrt(2)))/2",
        spellings="0.5*x*(1 + erf(x/sqrt(2))) ;; x/2*(1 + erf(x/sqrt(2))) ;; x*((1 + erf(x/sqrt(2)))/2)",
        computed="x*_normal(x)", careful="g = _gauss(x/2); _normal(x) + x*g*g/sqrt(2*pi)"),
    row("sum", "x ...", "1", D, "sum of the operands", value=special.total,
        wide=lambda m, *xs: m.fsum(xs), formula="x + y + ...", exact=whole, ulps=0.5, scale=special.total_scale),
    row("mean", "x ...", "1/n", D, "arithmetic mean of the operands", value=special.mean,
        wide=lambda m, *xs: m.fsum(xs) / len(xs), formula="(x + y + ...)/n",
        exact=average, scale=special.total_scale),
    row("logsumexp", "x ...", "exp(x - out)", C, "log(exp(x) + exp(y) + ...), without overflow",
        value=special.logsumexp, wide=special.wide_logsumexp, formula="log(exp(x) + exp(y) + ...)",
        ulps=1.5, scale=special.logsumexp_scale),
    # for the texts above
    row("_gauss", "x", "-2*x*out", C, "exp(-x^2), with x^2 not rounded",
        value=special.rounded(special.wide_gauss), wide=special.wide_gauss, exact=at_zero,
        ulps=0.51, hidden=True),
    row("_normal", "x", "g = _gauss(x/2); g*g/sqrt(2*pi)", C, "normal distribution function",
        value=special.rounded(special.wide_normal), wide=special.wide_normal, exact=at_zero,
        ulps=0.51, hidden=True),
)  # fmt: skip

OPERATIONS: dict[str, Operation] = {row.name: row for row in ROWS}
IF = OPERATIONS["if"]
IDENTITY = OPERATIONS["identity"]

FUNCTIONS: dict[str, Operation] = {
    row.name: row
    for row in ROWS
    if not row.hidden and not (row.symbol and row.name != "pow") and row.name not in ("if", "neg")
} | {"ln": OPERATIONS["log"]}
"""What the user may call, by name."""

CONSTANTS = {"pi": math.pi, "e": math.e, "tau": math.tau}
"""The named constants; they stand for the exact numbers, of which these are the nearest floats."""
