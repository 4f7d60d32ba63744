"""What to say about a name that is used as what it is not.

Whoever writes `sin^2(x)`, `x(y + 1)` or `arcsin(x)` means something that can be written, so the
error shows how.
"""

import re
from collections.abc import Container, Iterable, Mapping

from ..errors import BackpropError, Source, Span, nearest, shorten, suggestion, visible
from ..operations.row import Operation
from ..operations.table import CONSTANTS, FUNCTIONS
from .lexer import NAME, words

__all__ = ["SYNONYMS", "bare_function", "not_a_parameter", "unknown_function"]

SYNONYMS = {
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "arsinh": "asinh",
    "arcosh": "acosh",
    "artanh": "atanh",
    "sgn": "sign",
    "signum": "sign",
    "power": "pow",
    "root": "sqrt",
    "logistic": "sigmoid",
    "expit": "sigmoid",
    "swish": "silu",
    "loggamma": "lgamma",
    "gammaln": "lgamma",
    "lse": "logsumexp",
    "maximum": "max",
    "minimum": "min",
    "avg": "mean",
    "average": "mean",
    "clip": "clamp",
    "where": "if",
    "norm": "hypot",
    "lg": "log10",
    "ld": "log2",
    "fabs": "abs",
    "rectifier": "relu",
    "lrelu": "leaky_relu",
    "exp2": "2^x",
    "exp10": "10^x",
    "pow2": "x^2",
    "sqr": "x^2",
    "square": "x^2",
    "cube": "x^3",
    "sec": "1/cos(x)",
    "csc": "1/sin(x)",
    "cot": "1/tan(x)",
    "sech": "1/cosh(x)",
    "csch": "1/sinh(x)",
    "coth": "1/tanh(x)",
    "factorial": "gamma(x + 1)",
    "tgamma": "gamma",
    "gammafn": "gamma",
    "betaln": "lgamma(x) + lgamma(y) - lgamma(x + y)",
    "lbeta": "lgamma(x) + lgamma(y) - lgamma(x + y)",
    "logsigmoid": "-softplus(-x)",
    "log_sigmoid": "-softplus(-x)",
    "log_expit": "-softplus(-x)",
    "sig": "sigmoid",
    "sigm": "sigmoid",
    "hardsigmoid": "relu6(x + 3)/6",
    "hard_sigmoid": "relu6(x + 3)/6",
    "hardswish": "x*relu6(x + 3)/6",
    "hard_swish": "x*relu6(x + 3)/6",
    "hardsilu": "x*relu6(x + 3)/6",
    "hard_silu": "x*relu6(x + 3)/6",
    "hard_tanh": "hardtanh",
    "soft_sign": "softsign",
    "tanhshrink": "x - tanh(x)",
    "celu": "a*elu(x/a)",
    "prelu": "leaky_relu",
    "ndtr": "normcdf",
    "norm_cdf": "normcdf",
    "normal_cdf": "normcdf",
    "pnorm": "normcdf",
    "phi": "normcdf",
    "log_ndtr": "lognormcdf",
    "lognorm_cdf": "lognormcdf",
    "log_normcdf": "lognormcdf",
    "log_normal_cdf": "lognormcdf",
    "ndtri": "sqrt(2)*erfinv(2*x - 1)",
    "norm_ppf": "sqrt(2)*erfinv(2*x - 1)",
    "qnorm": "sqrt(2)*erfinv(2*x - 1)",
    "probit": "sqrt(2)*erfinv(2*x - 1)",
    "erf_inv": "erfinv",
    "inverf": "erfinv",
    "erfcinv": "erfinv(1 - x)",
    "log1m_exp": "log1mexp(-x)",
    "log1pexp": "softplus",
    "log1p_exp": "softplus",
    "entr": "-xlogy(x, x)",
    "rel_entr": "xlogy(x, x/y)",
    "prod": "x*y",
    "ceiling": "ceil",
    "rint": "round",
    "nearbyint": "round",
    "around": "round",
    "trunc": "sign(x)*floor(abs(x))",
    "truncate": "sign(x)*floor(abs(x))",
    "fix": "sign(x)*floor(abs(x))",
    "int": "sign(x)*floor(abs(x))",
    "frac": "mod(x, 1)",
    "remainder": "mod",
    "modulo": "mod",
    "rem": "sign(x)*mod(abs(x), abs(y))",
    "fmod": "sign(x)*mod(abs(x), abs(y))",
    "sinpi": "sin(pi*x)",
    "cospi": "cos(pi*x)",
    "tanpi": "tan(pi*x)",
    "logaddexp": "logsumexp",
    "log_cosh": "log(cosh(x))",
    "logcosh": "log(cosh(x))",
    "rsqrt": "1/sqrt(x)",
    "reciprocal": "1/x",
    "trigamma": "polygamma(1, x)",
    "psi": "digamma",
    "normpdf": "exp(-x^2/2)/sqrt(2*pi)",
    "norm_pdf": "exp(-x^2/2)/sqrt(2*pi)",
    "erfc_inv": "erfinv(1 - x)",
    "softshrink": "x - clamp(x, -0.5, 0.5)",
    "softmax": "exp(x - logsumexp(x, y))",
    "log_softmax": "x - logsumexp(x, y)",
    "logsoftmax": "x - logsumexp(x, y)",
    "softmin": "exp(-x - logsumexp(-x, -y))",
    "binom": "1/((n + 1)*beta(n - k + 1, k + 1))",
    "comb": "1/((n + 1)*beta(n - k + 1, k + 1))",
    "heaviside": "if(x > 0, 1, 0)",
    "step": "if(x > 0, 1, 0)",
    "neg": "-x",
    "div": "x/y",
}
"""What other languages call a function, and its name or its formula here."""


ABSENT = frozenset({
    "betainc", "betaincc", "erfi", "frexp", "gammainc", "gammaincc", "glu", "ldexp", "median", "mode",
    "modf", "zeta",
})  # fmt: skip
"""What other languages have and this one lacks, though a name here looks like it."""


def bare_function(source: Source, name: str, span: Span) -> BackpropError:
    """The error for the name of a function that stands without parentheses: `sin^2(x)`."""
    hint = f"write {shorten(name)}(...)"
    power = re.match(
        r"[ \t]*(?:\^|\*\*)[ \t]*(-?[ \t]*[0-9.]+)[ \t]*(?:\(([^()\n;]{1,20})\))?",
        source.text[span[1] : span[1] + 80],
    )
    if power:
        exponent = power.group(1).replace(" ", "")
        operand = visible((power.group(2) or "x").strip())
        hint = f"write {shorten(name)}({operand})^{exponent}"
        if exponent == "-1" and f"a{name}" in FUNCTIONS:
            hint = f"write a{name}({operand}) for the inverse function, 1/{name}({operand}) for the reciprocal"
    return BackpropError("name", f"{shorten(name)} is a function", span, hint=hint, source=source)


def not_a_parameter(
    source: Source, name: str, span: Span, function: str, parameters: Iterable[str]
) -> BackpropError:
    """The error for a name in the body of a function that is none of its parameters."""
    wider = shorten(", ".join([*parameters, name]))
    return BackpropError(
        "name",
        f"{shorten(name)} is not a parameter of {shorten(function)}",
        span,
        hint=suggestion(
            name,
            [*parameters, *CONSTANTS],
            f"a function sees only its parameters: {shorten(function)}({wider}) = ...",
        ),
        source=source,
    )


def unknown_function(
    source: Source,
    name: str,
    span: Span,
    *,
    inside: str,
    nodes: Container[str],
    built_in: Mapping[str, Operation],
    functions: Iterable[str],
) -> BackpropError:
    """The error for a call of something that is no function, or not yet.

    inside: the function being defined, or an empty text. nodes: names of nodes. built_in,
    functions: what may be called, of the table and of the program.
    """
    shown = shorten(name)

    def error(message: str, hint: str) -> BackpropError:
        return BackpropError("name", message, span, hint=hint, source=source)

    calls = definitions(source)
    if name == inside:
        return error(
            f"{shown} calls itself",
            "functions have no recursion; write the steps as stages",
        )
    if name in calls:
        if inside and inside in reached(calls, name):
            return error(
                f"{shown} and {shorten(inside)} call each other",
                "functions have no recursion; write the steps as stages",
            )
        return error(f"{shown} is used before it is defined", f"move {shown}(...) = ... up")
    if name == "e":
        return error("e is a number, not a function", "write exp(...), or e*(...) to multiply")
    if name in nodes or name in CONSTANTS:
        return error(f"{shown} is not a function", f"to multiply, write {shown}*(...)")
    hint = f"to multiply, write {shown}*(...)"
    power = re.fullmatch(r"([a-z]+)_?([0-9]+)", name)
    meant = SYNONYMS.get(name.lower())
    if not meant and power and power.group(1) in FUNCTIONS:
        base, digits = power.groups()
        meant = f"log(x)/log({digits})" if base in ("log", "ln") else f"{base}(x)^{digits}"
        if nearest(name, FUNCTIONS) == name.replace("_", ""):
            meant = name.replace("_", "")
    if not meant and name.lower() not in ABSENT:
        known = [n for n, row in built_in.items() if not row.hidden]
        meant = nearest(name, [*known, "if", *functions])
    if meant:
        return error(f"there is no function {shown}", f"did you mean {shorten(meant)}?")
    return error(f"there is no function {shown}", hint).replace(reason="function")


def definitions(source: Source) -> dict[str, set[str]]:
    """The functions that a program defines, and what each calls."""
    defined: dict[str, set[str]] = {}
    calls: set[str] = set()
    previous = None
    for word in words(source.text):
        if word.type == "DEFINE":
            name = re.match(NAME, word.text)
            assert name is not None
            calls = defined.setdefault(name.group(), set())
        elif word.type == "SEP":
            calls = set()
        elif word.type == "OPEN" and previous and previous.type == "NAME":
            calls.add(previous.text)
        previous = word
    return defined


def reached(calls: dict[str, set[str]], name: str) -> set[str]:
    """All functions that a call of one leads to."""
    names: set[str] = set()
    pending = [name]
    while pending:
        for called in calls.get(pending.pop(), set()) - names:
            names.add(called)
            pending.append(called)
    return names
