"""What to say about a name that is used as what it is not.

Whoever writes `sin^2(x)`, `x(y + 1)` or `arcsin(x)` means something that can be written, so the
error shows how.
"""

import re
from collections.abc import Container, Iterable, Mapping
from typing import NamedTuple

from ..errors import BackpropError, Source, Span, nearest, product, shorten, suggestion, visible
from ..operations.row import Operation
from ..operations.table import ALIASES, CONSTANTS, FUNCTIONS
from .advice import bare, readings
from .lexer import NAME, Word, words

__all__ = ["SYNONYMS", "apart", "bare_function", "not_a_parameter", "unknown_function"]

SYNONYMS = {
    "lse": "logsumexp",
    "avg": "mean",
    "average": "mean",
    "where": "if",
    "norm": "hypot",
    "leakyrelu": "leaky_relu",
    "lg": "log10",
    "ld": "log2",
    "rectifier": "relu",
    "lrelu": "leaky_relu",
    "exp10": "10^x",
    "pow2": "x^2",
    "sqr": "x^2",
    "cube": "x^3",
    "factorial": "gamma(x + 1)",
    "gammafn": "gamma",
    "betaln": "lgamma(x) + lgamma(y) - lgamma(x + y)",
    "lbeta": "lgamma(x) + lgamma(y) - lgamma(x + y)",
    "sig": "sigmoid",
    "sigm": "sigmoid",
    "hardsigmoid": "relu6(x + 3)/6",
    "hard_sigmoid": "relu6(x + 3)/6",
    "hardswish": "x*relu6(x + 3)/6",
    "hard_swish": "x*relu6(x + 3)/6",
    "hardsilu": "x*relu6(x + 3)/6",
    "hard_silu": "x*relu6(x + 3)/6",
    "tanhshrink": "x - tanh(x)",
    "celu": "a*elu(x/a)",
    "prelu": "leaky_relu",
    "norm_cdf": "normcdf",
    "normal_cdf": "normcdf",
    "pnorm": "normcdf",
    "phi": "normcdf",
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
    "nearbyint": "round",
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
    "log_cosh": "log(cosh(x))",
    "logcosh": "log(cosh(x))",
    "trigamma": "polygamma(1, x)",
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


DERIVATIVES = frozenset({
    "deriv", "derivative", "derive", "diff", "differentiate", "dx", "dy", "grad", "gradient", "hessian",
    "jacobian", "partial",
})  # fmt: skip
"""What a derivative is called elsewhere, in small letters; here it is no part of a program."""

ALONE = "write the formula alone: its derivatives are what is printed"

WAYS_OUT = {
    "root": "write sqrt(x), cbrt(x), or x^(1/n)",
    "nthroot": "write sqrt(x), cbrt(x), or x^(1/n)",
    "logb": "write log2(x), log10(x), or log(x)/log(b)",
    "sigma": "write sum(x, y, ...)",  # the capital letter; the small one is a sigmoid
    "array": "write the numbers in square brackets: [1, 2], [[1, 2], [3, 4]]",
    "tensor": "write the numbers in square brackets: [1, 2], [[1, 2], [3, 4]]",
    "len": "write rows(X) of a matrix, size(x) of a vector",
    "shape": "write rows(X) and cols(X), size(x) of a vector",
    "inv": "no inverse is computed here: write the formula that solves for it, by elements",
    "det": "write it as a formula over elements: A[0,0]*A[1,1] - A[0,1]*A[1,0]",
    "std": "write sqrt(mean((x - mean(x))^2))",
    "var": "write mean((x - mean(x))^2)",
    "mse": "write mean((p - y)^2)",
    "mse_loss": "write mean((p - y)^2)",
    "nll_loss": "write -mean(pick(p, y))",
    "argmax": "no gradient passes through it; the largest element is max(x)",
    "argmin": "no gradient passes through it; the smallest element is min(x)",
    "einsum": "write products with @, .T and sums along an axis",
    "tensordot": "write products with @, .T and sums along an axis",
    "vstack": "write concat(A, B, axis=0); vectors as rows are x.T",
    "hstack": "write concat(x, y), of matrices concat(A, B, axis=1)",
    "stack": "write concat(x.T, y.T, axis=0) for vectors as rows",
    "zeros_like": "write 0*x",
    "ones_like": "write 0*x + 1",
    "full": "write 3*ones(m, n)",
    "linear": "write x @ W.T + b, or x @ W + b",
    "print": "write only the expression: the last stage is the output",
}
"""What to write for a function of another language that is several here."""


ABSENT = frozenset({
    "betainc", "betaincc", "erfi", "frexp", "gammainc", "gammaincc", "glu", "ldexp", "median", "mode",
    "modf", "zeta",
})  # fmt: skip
"""What other languages have and this one lacks, though a name here looks like it."""


def apart(name: str, known: Iterable[str]) -> str:
    """What an unknown name is if signs were left out of it, x*y or sin(x); or nothing.

    known: other names.
    """
    known = list(known)
    calls = ((name.removesuffix(other), other) for other in known if name.endswith(other))
    called = next((f"{before}({other})" for before, other in calls if before in FUNCTIONS), "")
    return product(name, known) or called


def bare_function(source: Source, name: str, span: Span) -> BackpropError:
    """The error for the name of a function that stands without parentheses: `sin^2(x)`."""
    hint = f"write {shorten(name)}(...)"
    power = re.match(
        r"[ \t]*(?:\^|\*\*)[ \t]*\(?(-?[ \t]*[0-9.]+)\)?[ \t]*(?:\(([^()\n;]{1,20})\))?",
        source.text[span[1] : span[1] + 80],
    )
    if power:
        exponent = power.group(1).replace(" ", "")
        operand = visible((power.group(2) or "x").strip())
        hint = f"write {shorten(name)}({operand})^{exponent}"
        if name == "exp":
            hint = f"write exp({exponent})"
        if exponent == "-1" and f"a{name}" in FUNCTIONS:
            hint = f"write a{name}({operand}) for the inverse function, 1/{name}({operand}) for the reciprocal"
    elif name == "exp" and re.match(r"[ \t]*(?:\^|\*\*)", source.text[span[1] : span[1] + 80]):
        hint = "write exp(x) for e^x"
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
    call = Call.at(source, span)
    if name == "e":
        return error(
            "e is a number, not a function", f"write exp(...), or {call.product} to multiply"
        )
    hint = f"to multiply, write {call.readings or call.product}"
    if name in nodes or name in CONSTANTS:
        other = ALIASES.get(name)
        if other in FUNCTIONS:
            hint += f"; for the function, {other}(...)"
        return error(f"{shown} is not a function", hint)
    quotient = name == "d" and re.match(r"[ \t]*/[ \t]*d[A-Za-z]", source.text[call.end :])
    if name.lower() in DERIVATIVES or quotient:
        return error(f"there is no function {shown}, as no program computes a derivative", ALONE)
    if name.lower() in WAYS_OUT:
        return error(f"there is no function {shown}", WAYS_OUT[name.lower()])
    called = next((f for f in FUNCTIONS if name.endswith(f) and name.removesuffix(f) in nodes), "")
    if called:
        times = f"{name.removesuffix(called)}*{called}(...)"
        return error(f"there is no function {shown}", f"to multiply, write {times}")
    power = re.fullmatch(r"([a-z]+)_?([0-9]+)", name)
    meant = SYNONYMS.get(name.lower()) or ALIASES.get(name.lower())
    if not meant and power and power.group(1) in FUNCTIONS:
        base, digits = power.groups()
        meant = f"log(x)/log({digits})" if base in ("log", "ln") else f"{base}(x)^{digits}"
        if nearest(name, FUNCTIONS) == name.replace("_", ""):
            meant = name.replace("_", "")
    if not meant and name.lower() not in ABSENT:
        known = [n for n, row in built_in.items() if not row.hidden]
        meant = nearest(name, [*known, "if", *functions, *SYNONYMS, *ALIASES])
        meant = SYNONYMS.get(meant) or ALIASES.get(meant, meant)
    if meant:
        return error(f"there is no function {shown}", f"did you mean {shorten(meant)}?")
    if call.several:
        hint = "write it as a formula"
    elif len(name) > 2 and not call.readings:
        hint = f"write it as a formula, or {call.product} to multiply"
    return error(f"there is no function {shown}", hint).replace(reason="function")


class Call(NamedTuple):
    """What is called as a function and is none, as products; whether it has several operands.

    readings: of a call after a quotient or an exponent, which has two; else empty. end: the place
    after it.
    """

    product: str
    readings: str
    several: bool
    end: int

    @classmethod
    def at(cls, source: Source, span: Span) -> "Call":
        """The call whose name has that span."""
        begins = [0]  # where the products begin that stand around the name
        sign: Word | None = None  # before the name
        before: Word | None = None
        several, depth, end = False, 0, span[1]
        for word in words(source.text):
            if word.start_pos < span[0]:
                if word.type == "OPEN":
                    begins.append(word.end_pos)
                elif word.type == "CLOSE":
                    del begins[max(1, len(begins) - 1) :]
                elif word.type in ("ADD", "COMMA", "COMPARE", "SEP", "ASSIGN", "DEFINE"):
                    begins[-1] = word.end_pos
                before = word
                continue
            if word.start_pos == span[0]:
                sign = before
                continue
            depth += (word.type == "OPEN") - (word.type == "CLOSE")
            several |= depth == 1 and word.type == "COMMA"
            if not depth:
                end = word.end_pos
                break
        text = source.text
        name, operand = text[slice(*span)], text[span[1] : end]
        product = f"{shorten(name)}*{bare(operand)}"
        if sign is None or sign.text not in ("/", "^", "**"):
            return cls(product, "", several, end)
        left, right = text[begins[-1] : sign.start_pos], text[sign.start_pos : span[1]]
        return cls(product, readings(left, right, operand), several, end)


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
