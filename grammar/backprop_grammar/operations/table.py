"""THE TABLE of operations: one row each.

A row carries its local gradients as text in the calculator's own language, over the names of the
operands and the result `out`. That one text is what a learner reads, what is interpreted over
floats and wide numbers, and, being differentiable itself, what gives derivatives of any order. To
add a function, add a row: whatever else there is to know of an operation (see row.Operation) is
read from here, and what a row leaves out follows from what it gives.
"""

import math
import operator
from fractions import Fraction
from typing import Any

from . import special
from .exact import (
    always,
    angle,
    at_one,
    at_zero,
    average,
    exact_power,
    integers,
    power,
    product,
    quotient,
    root,
)
from .row import POWER, PRODUCT, SUM, Operation, Role, row

__all__ = [
    "ADD",
    "ALIASES",
    "CONSTANT",
    "CONSTANTS",
    "DIV",
    "FUNCTIONS",
    "IDENTITY",
    "IF",
    "KINDS",
    "MUL",
    "NEG",
    "OPERATIONS",
    "OPERATORS",
    "POW",
    "SUB",
    "VARIABLE",
    "also_called",
]


def pow_requires(numbers: Any, operands: list[Any]) -> tuple[str, str] | None:
    if numbers.counts(operands[1]):
        return None
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
    highest = numbers.exactly(special.HIGHEST_ORDER + 1.0)  # one more, for the slope
    if numbers.decide(operands[0], highest) > 0:
        return (
            f"the order of polygamma is above {special.HIGHEST_ORDER:,}",
            "of so high an order, polygamma(n, x) is nearly (-1)^(n + 1)*n!/x^(n + 1)",
        )
    return gamma_requires(numbers, operands)


def tan_requires(numbers: Any, operands: list[Any]) -> tuple[str, str] | None:
    if numbers.vanishes("cos(x)", {"x": operands[0]}):
        return "tan has a pole at the odd multiples of pi/2", "keep off them"
    return None


def nearest_whole(x: Fraction) -> Fraction:
    return Fraction(round(x))


D, S, C, R = Role.DISTRIBUTES, Role.SWAPS, Role.SCALES, Role.ROUTES

SCALE, ALPHA = "1.0507009873554804934193349852946", "1.6732632423543772848170429916717"
"""Of selu, as published (Klambauer et al. 2017, and its reference implementation)."""

ROWS = (
    # operators
    row("add", "x y", "1 ;; 1", D, "sum of two numbers", symbol="+", binds=SUM,
        value=operator.add, rational=operator.add, ulps=0.5, wide=lambda m, x, y: x + y, numpy="add", numpy_ulps=0.5),
    row("sub", "x y", "1 ;; -1", D, "difference of two numbers", symbol="-", binds=SUM,
        value=operator.sub, rational=operator.sub, ulps=0.5, wide=lambda m, x, y: x - y, numpy="subtract", numpy_ulps=0.5),
    row("mul", "x y", "y ;; x", S, "product of two numbers", symbol="*", binds=PRODUCT,
        value=operator.mul, rational=operator.mul, ulps=0.5, wide=lambda m, x, y: x * y, exact=product,
        numpy="multiply", numpy_ulps=0.5),
    row("div", "x y", "1/y ;; -out/y", C, "quotient of two numbers", symbol="/", binds=PRODUCT,
        value=operator.truediv, rational=operator.truediv, ulps=0.5, wide=lambda m, x, y: x / y, exact=quotient,
        numpy="divide", numpy_ulps=0.5, domain="y != 0",
        refusal="division by zero ;; the divisor must not be 0"),
    row("pow", "x y", "y*x^(y - 1) ;; out*log(x)", C,
        "power; a constant exponent needs no logarithm, and 0^0 = 1", symbol="^", binds=POWER,
        value=math.pow, rational=exact_power, wide=special.wide_power, exact=power, numpy="power",
        careful="if(y > 1, y*x^(y - 1), if(y == 0, 0, if(y == 1, 1, if(x == 0, 1/x, y*(out/x)))))"
        " ;; if(x == 0, if(y > 0, 0, 0/0), out*log(x))",
        ordinary="y*(out/x) ;; out*log(x)",
        twice="if(y == 0, 0, y*x^(y - 1)) ;; if(x == 0, if(y > 0, 0, 0/0), out*log(x))",
        requires=pow_requires, requirement="x > 0, or a whole y (not negative where x = 0)",
        no_slope="x^y has no slope in y at {at}, where the base is not positive"),
    row("neg", "x", "-1", C, "the number with the opposite sign", syntax="-x", gate="*-1",
        value=operator.neg, rational=operator.neg, wide=lambda m, x: -x, exact=always, numpy="negative", numpy_ulps=0),
    row("identity", "x", "1", D, "a second name for a node", gate="=", hidden=True,
        value=operator.pos, rational=operator.pos, wide=lambda m, x: x, exact=always),
    row("if", "a b x y", "0 ;; 0 ;; 1 ;; 1", R, syntax="if(a < b, x, y)", exact=always,
        doc="x where the condition holds, else y; only the selected branch is evaluated"),
    # exponentials and logarithms
    row("exp", "x", "out", C, "exponential", libm="exp", wide=special.wide_exp, exact=at_zero,
        numpy="exp", latex=r"\exp", says="its own value"),
    row("expm1", "x", "exp(x)", C, "exp(x) - 1, exact near 0", formula="exp(x) - 1", libm="expm1",
        wide=special.wide_expm1, exact=at_zero, numpy="expm1"),
    row("log", "x", "1/x", C, "natural logarithm; ln is the same", libm="log", exact=at_one,
        numpy="log", domain="x > 0", latex=r"\log", says="one over its operand"),
    row("log2", "x", "1/(x*log(2))", C, "logarithm to base 2", formula="log(x)/log(2)", libm="log2",
        ulps=2, wide=lambda m, x: m.log(x) / m.log(2), exact=at_one, numpy="log2",
        careful="1/x/log(2)", domain="x > 0", latex=r"\log_{2}"),
    row("log10", "x", "1/(x*log(10))", C, "logarithm to base 10", formula="log(x)/log(10)", libm="log10",
        ulps=2, wide=lambda m, x: m.log(x) / m.log(10), exact=at_one, numpy="log10",
        careful="1/x/log(10)", domain="x > 0", latex=r"\log_{10}"),
    row("log1p", "x", "1/(1 + x)", C, "log(1 + x), exact near 0", formula="log(1 + x)", libm="log1p",
        exact=at_zero, numpy="log1p", domain="x > -1"),
    # roots
    row("sqrt", "x", "1/(2*out)", C, "square root", libm="sqrt", ulps=0.5, exact=root,
        numpy="sqrt", numpy_ulps=0.5, domain="x >= 0", series="x^(1/2)", latex=r"\sqrt{<x>}", says="one over twice the root",
        no_slope="the infinite slope of sqrt at 0 ({at}) meets a slope of 0;"
        " for lengths use abs(x) or hypot(x, y)"),
    row("cbrt", "x", "1/(3*out^2)", C, "cube root, of negative numbers too", libm="cbrt",
        value=special.cbrt, ulps=2, wide=lambda m, x: m.sign(x) * m.cbrt(abs(x)), exact=at_zero,
        numpy="cbrt", careful="if(x == 0, 1/x, out/x/3)", twice="1/(3*out^2)", latex=r"\sqrt[3]{<x>}",
        series="if(x < 0, -(-x)^(1/3), x^(1/3))"),
    row("hypot", "x y", "x/out ;; y/out", C, "length of the vector (x, y)", formula="sqrt(x^2 + y^2)",
        spellings="sqrt(x*x + y*y)", libm="hypot", exact=at_zero, lipschitz=1, numpy="hypot", numpy_ulps=2,
        careful="if(out == 0, 0, x/out) ;; if(out == 0, 0, y/out)", twice="_cosine(x, y) ;; _cosine(y, x)",
        kinks="out"),
    # absolute value and choice
    row("abs", "x", "sign(x)", C, "absolute value", formula="max(x, -x)",
        spellings="if(x < 0, -x, x) ;; if(x <= 0, -x, x) ;; if(x > 0, x, -x) ;; if(x >= 0, x, -x)"
        " ;; sqrt(x^2) ;; sqrt(x*x)",
        computed="if(x < 0, -x, x)", numpy="abs", numpy_ulps=0, kinks="x",
        latex=r"\left|<x>\right|", says="the sign of its operand"),
    row("sign", "x", "0", C, "1, 0 or -1: the sign",
        formula="if(x > 0, 1, if(x < 0, -1, 0))", spellings="x/abs(x)",
        computed="if(x > 0, 1, if(x == 0, 0, -1))", kinks="x",
        jump="sign jumps at 0 and has no derivative there", says="sign is flat on both sides of 0."),
    row("max", "x ...", "if(x == out, 1/ties, 0)", R, "the largest operand; ties share equally",
        selects=1, least=2, numpy="maximum", numpy_ulps=0, latex=r"\max"),
    row("min", "x ...", "if(x == out, 1/ties, 0)", R, "the smallest operand; ties share equally",
        selects=-1, least=2, numpy="minimum", numpy_ulps=0, latex=r"\min"),
    row("clamp", "x lo hi",
        "if(x < lo, 0, if(x > hi, 0, if(x == lo, if(x == hi, 1/3, 1/2), if(x == hi, 1/2, 1))))"
        " ;; if(x < lo, 1, if(x == lo, if(x == hi, 1/3, 1/2), 0))"
        " ;; if(x > hi, 1, if(x == hi, if(x == lo, 1/3, 1/2), 0))",
        R, "x kept between lo and hi", formula="max(lo, min(x, hi))",
        spellings="min(max(x, lo), hi)",
        computed="if(x < lo, lo, if(x > hi, hi, x))", kinks="x - lo and x - hi",
        domain="lo <= hi", at_kink="it shares the gradient with its limit"),
    row("relu", "x", "if(x > 0, 1, 0)", R, "rectified linear unit", formula="max(x, 0)",
        spellings="if(x > 0, x, 0) ;; if(x >= 0, x, 0) ;; if(x < 0, 0, x) ;; if(x <= 0, 0, x)"
        " ;; (x + abs(x))/2",
        computed="if(x > 0, x, 0)", kinks="x"),
    row("leaky_relu", "x a", "if(x > 0, 1, a) ;; if(x > 0, 0, x)", C,
        "x, or a*x where x is negative", formula="if(x > 0, x, a*x)",
        spellings="if(x >= 0, x, a*x) ;; if(x < 0, a*x, x) ;; if(x <= 0, a*x, x)", defaults=(0.01,),
        careful="if(x > 0, 1, if(x < 0, a, clamp(a, 0, 1))) ;; if(x > 0, 0, x)",
        computed="if(x > 0, x, a*x)", kinks="if(x == 0, if(a == 1, 1, 0), x)"),
    row("elu", "x a", "if(x > 0, 1, a*exp(x)) ;; if(x > 0, 0, exp(x) - 1)", C,
        "x, or a*(exp(x) - 1) where x is negative", formula="if(x > 0, x, a*expm1(x))",
        spellings="if(x > 0, x, a*(exp(x) - 1)) ;; if(x >= 0, x, a*(exp(x) - 1)) ;; if(x < 0, a*(exp(x) - 1), x)"
        " ;; if(x <= 0, a*(exp(x) - 1), x) ;; if(x >= 0, x, a*expm1(x))"
        " ;; if(x < 0, a*expm1(x), x) ;; if(x <= 0, a*expm1(x), x)", defaults=(1.0,), soft=True,
        careful="if(x > 0, 1, if(x < 0, a*exp(x), clamp(a, 0, 1))) ;; if(x > 0, 0, expm1(x))",
        computed="if(x > 0, x, a*expm1(x))", kinks="if(x == 0, if(a == 1, 1, 0), x)"),
    row("selu", "x", f"if(x > 0, {SCALE}, {SCALE}*{ALPHA}*exp(x))", C, "1.0507... times elu(x, 1.6732...)",
        formula=f"{SCALE}*if(x > 0, x, {ALPHA}*expm1(x))",
        spellings=f"{SCALE}*if(x > 0, x, {ALPHA}*(exp(x) - 1)) ;; {SCALE}*elu(x, {ALPHA})", soft=True,
        careful=f"if(x >= 0, {SCALE}, {SCALE}*{ALPHA}*exp(x))",
        computed=f"{SCALE}*if(x > 0, x, {ALPHA}*expm1(x))", kinks="x"),
    row("relu6", "x", "if(x > 0, if(x < 6, 1, 0), 0)", R, "relu of at most 6", formula="min(max(x, 0), 6)",
        spellings="max(0, min(x, 6)) ;; clamp(x, 0, 6) ;; min(relu(x), 6)", soft=True,
        computed="if(x > 0, if(x < 6, x, 6), 0)", kinks="x and x - 6"),
    row("hardtanh", "x", "if(x > -1, if(x < 1, 1, 0), 0)", R, "x kept between -1 and 1",
        formula="max(-1, min(x, 1))", spellings="min(max(x, -1), 1) ;; clamp(x, -1, 1)", soft=True,
        computed="if(x > -1, if(x < 1, x, 1), -1)", kinks="x + 1 and x - 1"),
    row("softsign", "x", "1/(1 + abs(x))^2", C, "x/(1 + abs(x))", formula="x/(1 + abs(x))",
        spellings="x/(abs(x) + 1)", computed="x/(1 + abs(x))", careful="d = 1 + abs(x); 1/d/d",
        soft=True, saturates=True),
    # whole numbers
    row("floor", "x", "0", C, "largest whole number that is not above x",
        computed="n = _nearest(x); if(x < n, n - 1, n)", kinks="x - round(x)", libm="floor",
        jump="floor jumps at whole numbers and has no derivative there",
        latex=r"\left\lfloor <x>\right\rfloor", says="floor is flat between its jumps.", soft=True),
    row("ceil", "x", "0", C, "smallest whole number that is not below x",
        computed="n = _nearest(x); if(x > n, n + 1, n)", kinks="x - round(x)", libm="ceil",
        jump="ceil jumps at whole numbers and has no derivative there",
        latex=r"\left\lceil <x>\right\rceil", says="ceil is flat between its jumps.", soft=True),
    row("round", "x", "0", C, "nearest whole number, the even one of two",
        computed="n = _nearest(x); d = abs(x - n); if(d < 0.5, n, if(d == 0.5, if(n/2 == _nearest(n/2), n,"
        " if(x > n, n + 1, n - 1)), if(x > n, n + 1, n - 1)))", kinks="abs(x - _nearest(x)) - 0.5",
        jump="round jumps halfway between whole numbers and has no derivative there",
        says="round is flat between its jumps.", soft=True),
    row("mod", "x y", "1 ;; -floor(x/y)", C, "x - y*floor(x/y): the remainder, with the sign of y",
        computed="r = _remainder(x, y); s = if(abs(r) < abs(y), r, y);"
        " if(y > 0, if(s < 0, s + y, s), if(s > 0, s + y, s))", kinks="mod(x, y)",
        jump="mod jumps where x is a whole multiple of y and has no derivative there",
        domain="y != 0", refusal="mod by zero ;; the divisor must not be 0", soft=True),
    # trigonometry
    row("sin", "x", "cos(x)", C, "sine, of radians", libm="sin", value=special.wave("sin"),
        wide=special.bounded("sin"), period=math.tau, lipschitz=1, exact=at_zero, numpy="sin",
        latex=r"\sin", says="the cosine of its operand"),
    row("cos", "x", "-sin(x)", C, "cosine, of radians", libm="cos", value=special.wave("cos"),
        wide=special.bounded("cos"), period=math.tau, lipschitz=1, exact=at_zero, numpy="cos",
        latex=r"\cos", says="minus the sine of its operand"),
    row("tan", "x", "1 + out^2", C, "tangent, of radians", formula="sin(x)/cos(x)", libm="tan",
        value=special.wave("tan"), wide=special.bounded("tan"), period=math.pi, exact=at_zero,
        numpy="tan", requires=tan_requires, requirement="x is not an odd multiple of pi/2",
        latex=r"\tan"),
    row("sinc", "x", "(cos(pi*x) - out)/x", C, "sin(pi*x)/(pi*x), and 1 at 0: normalised",
        formula="if(x == 0, 1, sin(pi*x)/(pi*x))", spellings="if(x != 0, sin(pi*x)/(pi*x), 1)",
        value=special.sinc, ulps=3, wide=special.wide_sinc, exact=lambda xs, out, limit: xs[0] == int(xs[0]),
        columns="n = _nearest(x); s = 1 - 2*abs(n - 2*_nearest(n/2));"
        " if(x == 0, 1, s*sin(pi*(x - n))/(pi*x))", careful="_sinc(1, x)", twice="(cos(pi*x) - out)/x", period=2, soft=True),
    row("asin", "x", "1/sqrt(1 - x^2)", C, "arc sine, in radians", libm="asin", exact=at_zero,
        numpy="arcsin", careful="1/(sqrt(1 - x)*sqrt(1 + x))", twice="1/sqrt(_circle(x))", domain="x >= -1 and x <= 1",
        latex=r"\arcsin", series="s = 2*asin(sqrt((1 - abs(x))/2)); if(x < 0, s - pi/2, pi/2 - s)"),
    row("acos", "x", "-1/sqrt(1 - x^2)", C, "arc cosine, in radians", libm="acos", exact=at_one,
        numpy="arccos", careful="-1/(sqrt(1 - x)*sqrt(1 + x))", twice="-1/sqrt(_circle(x))", domain="x >= -1 and x <= 1",
        latex=r"\arccos", series="pi/2 - asin(x)"),
    row("atan", "x", "1/(1 + x^2)", C, "arc tangent, in radians", libm="atan", exact=at_zero,
        numpy="arctan", careful="h = hypot(1, x); 1/h/h", latex=r"\arctan",
        series="if(x < 0, -pi/2, pi/2) - atan(1/x)"),
    row("atan2", "y x", "x/(x^2 + y^2) ;; -y/(x^2 + y^2)", C,
        "angle of the point (x, y), in radians; written atan2(y, x)", libm="atan2", ulps=2,
        wide=special.wide_atan2, exact=angle, numpy="arctan2",
        careful="h = hypot(x, y); x/h/h ;; h = hypot(x, y); -y/h/h",
        series="if(x > 0, atan(y/x), if(x < 0, atan(y/x) + if(y < 0, -pi, pi),"
        " if(y > 0, pi/2, if(y < 0, -pi/2, 0))))",
        cut="if(x < 0, abs(y), 1)", cut_step="2*pi", no_slope="atan2 has no slope at the origin ({at})"),
    # hyperbolic functions
    row("sinh", "x", "cosh(x)", C, "hyperbolic sine", formula="(exp(x) - exp(-x))/2",
        spellings="0.5*(exp(x) - exp(-x)) ;; exp(x)/2 - exp(-x)/2", libm="sinh", ulps=3,
        wide=special.wide_sinh, exact=at_zero, numpy="sinh", latex=r"\sinh"),
    row("cosh", "x", "sinh(x)", C, "hyperbolic cosine", formula="(exp(x) + exp(-x))/2",
        spellings="0.5*(exp(x) + exp(-x)) ;; exp(x)/2 + exp(-x)/2", libm="cosh", ulps=3,
        wide=special.wide_cosh, exact=at_zero, numpy="cosh", latex=r"\cosh"),
    row("tanh", "x", "1 - out^2", C, "hyperbolic tangent", formula="(exp(2*x) - 1)/(exp(2*x) + 1)",
        spellings="(exp(x) - exp(-x))/(exp(x) + exp(-x)) ;; sinh(x)/cosh(x)"
        " ;; 1 - 2/(exp(2*x) + 1) ;; 2/(1 + exp(-2*x)) - 1 ;; (1 - exp(-2*x))/(1 + exp(-2*x))"
        " ;; 2*sigmoid(2*x) - 1",
        libm="tanh", ulps=2.5, wide=special.wide_tanh, exact=at_zero, numpy="tanh",
        careful="t = exp(-2*abs(x)); d = 1 + t; 4*t/d/d", twice="4*_bell(2*x)", latex=r"\tanh", saturates=True,
        says="one minus the square of its value"),
    row("asinh", "x", "1/sqrt(x^2 + 1)", C, "inverse hyperbolic sine", formula="log(x + sqrt(x^2 + 1))",
        libm="asinh", ulps=2.5, exact=at_zero, numpy="arcsinh", careful="1/hypot(1, x)"),
    row("acosh", "x", "1/sqrt(x^2 - 1)", C, "inverse hyperbolic cosine", formula="log(x + sqrt(x^2 - 1))",
        libm="acosh", ulps=3, wide=special.wide_acosh, exact=at_one, numpy="arccosh",
        careful="1/(sqrt(x - 1)*sqrt(x + 1))", domain="x >= 1"),
    row("atanh", "x", "1/(1 - x^2)", C, "inverse hyperbolic tangent", formula="log((1 + x)/(1 - x))/2",
        libm="atanh", ulps=3, exact=at_zero, numpy="arctanh", careful="1/((1 - x)*(1 + x))",
        twice="1/_circle(x)", domain="x > -1 and x < 1"),
    # special functions
    row("erf", "x", "2/sqrt(pi)*exp(-x^2)", C, "error function", libm="erf",
        value=special.rounded(special.wide_erf), ulps=0.51, wide=special.wide_erf, exact=at_zero, numpy=math.erf,
        careful="2/sqrt(pi)*_gauss(x)"),
    row("erfc", "x", "-2/sqrt(pi)*exp(-x^2)", C, "1 - erf(x), exact in the tail", formula="1 - erf(x)",
        libm="erfc", value=special.rounded(special.wide_erfc), ulps=0.51, wide=special.wide_erfc,
        exact=at_zero, numpy=math.erfc, numpy_ulps=6, careful="-2/sqrt(pi)*_gauss(x)"),
    row("lgamma", "x", "digamma(x)", C, "logarithm of the absolute value of the gamma function",
        libm="lgamma", value=special.rounded(special.wide_lgamma), ulps=0.51, wide=special.wide_lgamma,
        exact=lambda xs, out, limit: xs[0] in (1, 2), slow=True, series="lgamma(x + 1) - log(abs(x))",
        requires=gamma_requires, requirement="x is not 0, -1, -2, ...",
        latex=r"\log\left|\Gamma\left(<x>\right)\right|"),
    row("digamma", "x", "polygamma(1, x)", C, "derivative of lgamma",
        value=special.rounded(special.wide_digamma), ulps=0.51, wide=special.wide_digamma, slow=True,
        series="digamma(x + 1) - 1/x",
        requires=gamma_requires, requirement="x is not 0, -1, -2, ...", latex=r"\psi"),
    row("polygamma", "n x", "0/0 ;; polygamma(n + 1, x)", C,
        "derivative n of digamma; n is a whole number",
        value=special.rounded(special.wide_polygamma), ulps=0.51, wide=special.wide_polygamma, slow=True,
        series="polygamma(n, x + 1) - (-1)^n*exp(lgamma(n + 1))/x^(n + 1)",
        requires=polygamma_requires, requirement="n = 0, 1, 2, ...; x is not 0, -1, -2, ...",
        latex=r"\psi^{\left(<n>\right)}\left(<x>\right)"),
    row("gamma", "x", "out*digamma(x)", C, "gamma function: gamma(n + 1) is the factorial of n",
        value=special.rounded(special.wide_gamma), ulps=0.51, wide=special.wide_gamma, exact=integers, slow=True,
        requires=gamma_requires, requirement="x is not 0, -1, -2, ...", latex=r"\Gamma", soft=True),
    row("beta", "a b", "out*(digamma(a) - digamma(a + b)) ;; out*(digamma(b) - digamma(b + a))", C,
        "gamma(a)*gamma(b)/gamma(a + b)", formula="exp(lgamma(a) + lgamma(b) - lgamma(a + b))",
        spellings="gamma(a)*gamma(b)/gamma(a + b)",
        value=special.rounded(special.wide_beta), ulps=0.51, wide=special.wide_beta, slow=True,
        domain="a > 0 and b > 0", latex=r"\mathrm{B}", soft=True),
    row("erfinv", "x", "sqrt(pi)/2*exp(out^2)", C, "inverse of erf",
        value=special.rounded(special.wide_erfinv), ulps=0.51, wide=special.wide_erfinv, exact=at_zero,
        numpy=special.erfinv, numpy_ulps=12, domain="x > -1 and x < 1", latex=r"\operatorname{erf}^{-1}", soft=True),
    row("erfcx", "x", "2*x*out - 2/sqrt(pi)", C, "exp(x^2)*erfc(x), exact in the tail",
        formula="exp(x^2)*erfc(x)", spellings="exp(x*x)*erfc(x)",
        value=special.rounded(special.wide_erfcx), ulps=0.51, wide=special.wide_erfcx, exact=at_zero,
        numpy=special.erfcx, numpy_ulps=12, careful="_erfcx(1, x)", twice="2*x*out - 2/sqrt(pi)", soft=True),
    row("normcdf", "x", "exp(-x^2/2)/sqrt(2*pi)", C, "normal distribution function, exact in the tail",
        formula="(1 + erf(x/sqrt(2)))/2",
        spellings="0.5*(1 + erf(x/sqrt(2))) ;; erfc(-x/sqrt(2))/2 ;; 0.5*erfc(-x/sqrt(2))",
        columns="0.5*erfc(-sqrt(0.5)*x)", careful="g = _gauss(x/2); g*g/sqrt(2*pi)",
        value=special.rounded(special.wide_normcdf), ulps=0.51, wide=special.wide_normcdf, exact=at_zero,
        latex=r"\Phi", saturates=True, soft=True),
    row("lognormcdf", "x", "exp(-x^2/2 - out)/sqrt(2*pi)", C, "log(normcdf(x)), exact in both tails",
        formula="log(normcdf(x))",
        spellings="log((1 + erf(x/sqrt(2)))/2) ;; log(0.5*(1 + erf(x/sqrt(2)))) ;; log(erfc(-x/sqrt(2))/2)"
        " ;; log(0.5*erfc(-x/sqrt(2)))",
        value=special.rounded(special.wide_lognormcdf), ulps=0.51, wide=special.wide_lognormcdf,
        numpy=special.lognormcdf, numpy_ulps=16,
        careful="g = _gauss(x/2); if(x > 0, g*g/sqrt(2*pi)/normcdf(x), sqrt(2/pi)/erfcx(-x/sqrt(2)))",
        latex=r"\log\Phi", soft=True),
    # logarithms of probabilities
    row("logit", "x", "1/(x*(1 - x))", C, "logarithm of the odds x/(1 - x), inverse of sigmoid",
        formula="log(x/(1 - x))", spellings="log(x) - log(1 - x) ;; log(x) - log1p(-x) ;; -log(1/x - 1)"
        " ;; -log((1 - x)/x) ;; 2*atanh(2*x - 1)",
        computed="if(x < 0.25, log(x) - log1p(-x), 2*atanh(2*x - 1))", careful="1/x/(1 - x)",
        domain="x > 0 and x < 1", soft=True),
    row("log1mexp", "x", "1/(exp(x) - 1)", C, "log(1 - exp(-x)), exact near 0 and far from it",
        formula="log(1 - exp(-x))", spellings="log1p(-exp(-x)) ;; log(-expm1(-x))", mirrored="log(1 - exp(x))",
        computed="if(x < 0.75, log(-expm1(-x)), log1p(-exp(-x)))", careful="-exp(-x)/expm1(-x)",
        domain="x > 0", soft=True),
    row("xlogy", "x y", "log(y) ;; x/y", C, "x*log(y), and 0 where x is 0", formula="if(x == 0, 0, x*log(y))",
        spellings="if(x != 0, x*log(y), 0)",
        computed="if(x == 0, 0, x*log(y))", careful="log(y) ;; if(x == 0, 0, x/y)", domain="y >= 0",
        refusal="xlogy of a number that is not positive ;; xlogy needs y > 0, or y = 0 where x is 0",
        requirement="y > 0, or y = 0 where x = 0", no_slope="xlogy has no slope in x at {at}, where y is 0",
        soft=True),
    row("xlog1py", "x y", "log1p(y) ;; x/(1 + y)", C, "x*log(1 + y), and 0 where x is 0",
        formula="if(x == 0, 0, x*log1p(y))",
        spellings="if(x != 0, x*log1p(y), 0) ;; if(x == 0, 0, x*log(1 + y)) ;; if(x != 0, x*log(1 + y), 0)",
        computed="if(x == 0, 0, x*log1p(y))", careful="log1p(y) ;; if(x == 0, 0, x/(1 + y))", domain="y >= -1",
        refusal="xlog1py of a number that is not above -1 ;; xlog1py needs y > -1, or y = -1 where x is 0",
        requirement="y > -1, or y = -1 where x = 0", no_slope="xlog1py has no slope in x at {at}, where y is -1",
        soft=True),
    # function blocks of networks
    row("sigmoid", "x", "out*(1 - out)", C, "logistic function", formula="1/(1 + exp(-x))",
        spellings="exp(x)/(1 + exp(x)) ;; 1/(1 + 1/exp(x)) ;; 1 - 1/(1 + exp(x))"
        " ;; (1 + exp(-x))^-1 ;; (1 + tanh(x/2))/2 ;; 0.5*(1 + tanh(x/2))", mirrored="1/(1 + exp(x))",
        computed="t = exp(-abs(x)); if(x < 0, t, 1)/(1 + t)",
        careful="t = exp(-abs(x)); d = 1 + t; t/d/d", twice="_bell(x)", latex=r"\sigma", saturates=True,
        says="its value times one minus its value"),
    row("softplus", "x", "sigmoid(x)", C, "smooth relu", formula="log(1 + exp(x))",
        spellings="log1p(exp(x)) ;; -log(sigmoid(-x))",
        computed="if(x > 0, x, 0) + log1p(exp(-abs(x)))", says="the sigmoid of its operand"),
    row("silu", "x", "sigmoid(x)*(1 + x*(1 - sigmoid(x)))", C, "x*sigmoid(x), also called swish",
        formula="x*sigmoid(x)", spellings="x/(1 + exp(-x))", computed="x*sigmoid(x)",
        careful="sigmoid(x)*(1 + x*sigmoid(-x))"),
    row("gelu", "x", "(1 + erf(x/sqrt(2)))/2 + x*exp(-x^2/2)/sqrt(2*pi)", C,
        "x times the normal distribution function", formula="x*(1 + erf(x/sqrt(2)))/2",
        spellings="0.5*x*(1 + erf(x/sqrt(2))) ;; x/2*(1 + erf(x/sqrt(2))) ;; x*((1 + erf(x/sqrt(2)))/2)",
        computed="x*normcdf(x)", careful="g = _gauss(x/2); normcdf(x) + x*g*g/sqrt(2*pi)"),
    row("mish", "x", "tanh(softplus(x)) + x*sigmoid(x)*(1 - tanh(softplus(x))^2)", C, "x*tanh(softplus(x))",
        formula="x*tanh(softplus(x))", spellings="x*tanh(log(1 + exp(x))) ;; x*tanh(log1p(exp(x)))",
        value=special.mish, ulps=3.5, wide=special.wide_mish, exact=at_zero,
        columns="t = exp(-abs(x)); w = t*(t + 2);"
        " x*if(x > 0, (1 + 2*t)/(1 + 2*t*(1 + t)), w/(w + 2))",
        careful="t = exp(-abs(x)); d = if(x > 0, 1 + 2*t*(1 + t), t*(t + 2) + 2);"
        " if(x > 0, 1 + 2*t, t*(t + 2))/d + 4*x*if(x > 0, t*t, t)*(1 + t)/d/d",
        twice="s = softplus(x); tanh(s) + 4*x*sigmoid(x)*_bell(2*s)", soft=True),
    row("sum", "x ...", "1", D, "sum of the operands", formula="x + y + ...", columns="x + y + ...",
        value=special.total, rational=lambda *xs: sum(xs), ulps=0.5, wide=lambda m, *xs: m.fsum(xs), exact=integers,
        scale=special.total_scale),
    row("mean", "x ...", "1/n", D, "arithmetic mean of the operands", formula="(x + y + ...)/n",
        columns="(x + y + ...)/n", value=special.mean, rational=lambda *xs: sum(xs) / len(xs), wide=lambda m, *xs: m.fsum(xs) / len(xs),
        exact=average, scale=special.total_scale),
    row("logsumexp", "x ...", "exp(x - out)", C, "log(exp(x) + exp(y) + ...), without overflow",
        formula="log(exp(x) + exp(y) + ...)",
        columns="m = max(x, y, ...); m + log(exp(x - m) + exp(y - m) + ...)",
        twice="_m = max(x, y, ...); z = exp(x - _m) + exp(y - _m) + ...; exp(x - _m)/z",
        value=special.logsumexp, ulps=1.5, wide=special.wide_logsumexp, scale=special.logsumexp_scale,
        lipschitz=1,
        says="the share of its exponential in the sum of the exponentials"),
    # for the texts above
    row("_gauss", "x", "-2*x*out", C, "exp(-x^2), with x^2 not rounded", columns="exp(-(x*x))", hidden=True,
        value=special.rounded(special.wide_gauss), ulps=0.51, wide=special.wide_gauss, exact=at_zero,
        lipschitz=1),
    row("_nearest", "x", "0", D, "a whole number near x, which one near a half is left open", hidden=True,
        value=special.nearest, rational=nearest_whole, wide=lambda m, x: m.nint(x), exact=always, numpy="rint", numpy_ulps=0, choice=True),
    row("_remainder", "x y", "1 ;; -_nearest(x/y)", D, "x less the whole multiple of y near it, left open near a half",
        hidden=True, value=math.remainder, rational=lambda x, y: x - y * round(x / y), wide=special.wide_remainder, exact=always, domain="y != 0", choice=True),
    row("_sinc", "n x", "0/0 ;; _sinc(n + 1, x)", C, "derivative n of sinc", hidden=True,
        value=special.rounded(special.wide_sinc_slope), ulps=0.51, wide=special.wide_sinc_slope, period=2),
    row("_erfcx", "n x", "0/0 ;; _erfcx(n + 1, x)", C, "derivative n of erfcx", hidden=True,
        value=special.rounded(special.wide_erfcx_slope), ulps=0.51, wide=special.wide_erfcx_slope),
    row("_bell", "x", "-out*tanh(x/2)", C, "slope of the logistic function", hidden=True,
        computed="sigmoid(x)*sigmoid(-x)"),
    row("_circle", "x", "-2*x", C, "1 - x^2, exact near 1", hidden=True, computed="(1 - x)*(1 + x)"),
    row("_cosine", "x y", "c = y/hypot(x, y); c*c/hypot(x, y) ;; -out*(y/hypot(x, y))/hypot(x, y)", C,
        "cosine of the angle of (x, y), 0 at the origin", hidden=True,
        computed="h = hypot(x, y); if(h == 0, 0, x/h)"),
)  # fmt: skip

OPERATIONS: dict[str, Operation] = {row.name: row for row in ROWS}
"""Every row, by name."""

FUNCTIONS: dict[str, Operation] = {row.name: row for row in ROWS if row.named} | {
    "ln": OPERATIONS["log"]
}
"""What the user may call, by name."""

ALIASES: dict[str, str] = {
    "absolute": "abs", "fabs": "abs", "sgn": "sign", "signum": "sign", "negative": "-x",
    "maximum": "max", "fmax": "max", "minimum": "min", "fmin": "min", "clip": "clamp", "clip_by_value": "clamp",
    "add": "x + y", "subtract": "x - y", "multiply": "x*y", "divide": "x/y", "true_divide": "x/y",
    "power": "pow", "square": "x^2", "reciprocal": "1/x", "rsqrt": "1/sqrt(x)", "exp2": "2^x",
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2",
    "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh",
    "arsinh": "asinh", "arcosh": "acosh", "artanh": "atanh",
    "sec": "1/cos(x)", "csc": "1/sin(x)", "cot": "1/tan(x)",
    "sech": "1/cosh(x)", "csch": "1/sinh(x)", "coth": "1/tanh(x)",
    "sigma": "sigmoid", "expit": "sigmoid", "logistic": "sigmoid", "swish": "silu", "logsigmoid": "-softplus(-x)",
    "log_sigmoid": "-softplus(-x)", "log_expit": "-softplus(-x)", "soft_sign": "softsign", "hard_tanh": "hardtanh",
    "logaddexp": "logsumexp", "loggamma": "lgamma", "gammaln": "lgamma", "psi": "digamma", "tgamma": "gamma",
    "ndtr": "normcdf", "log_ndtr": "lognormcdf", "ceiling": "ceil", "rint": "round", "around": "round",
}  # fmt: skip
"""What other languages call a function, or what they have a name for, in this one; each operand
stands once in it. All are soft, as ``Operation.soft`` says."""


def also_called(row: Operation) -> list[str]:
    """The other names of a function, those of other languages last."""
    own = [name for name, other in FUNCTIONS.items() if other is row and name != row.name]
    return own + [name for name, meant in ALIASES.items() if FUNCTIONS.get(meant) is row]


KINDS = {
    "add": "operators",
    "exp": "exponentials and logarithms",
    "sqrt": "roots",
    "abs": "absolute value and choice",
    "relu": "activations",
    "floor": "whole numbers",
    "sin": "trigonometry",
    "sinh": "hyperbolic functions",
    "erf": "special functions",
    "logit": "logarithms of probabilities",
    "sigmoid": "activations",
    "sum": "sums and means",
}
"""The row with which a kind begins in the table -> what it is called."""

OPERATORS: dict[str, Operation] = {row.symbol: row for row in ROWS if row.symbol}
"""The operators, by sign."""

VARIABLE = Operation("variable", (), (), D, "an input", hidden=True, leaf=True)
CONSTANT = Operation("constant", (), (), D, "a number", hidden=True, leaf=True)
"""What nodes are that are computed from nothing: their values are the point's and the program's."""

ADD, SUB, MUL, DIV, POW = (OPERATORS[sign] for sign in "+-*/^")
NEG, IDENTITY, IF = (OPERATIONS[name] for name in ("neg", "identity", "if"))
"""What the language itself is made of: its operators, `-x`, a second name, and the choice."""

CONSTANTS = {"pi": math.pi, "e": math.e, "tau": math.tau}
"""The named constants; they stand for the exact numbers, of which these are the nearest floats."""
