"""Derivatives as Python, with nothing but the standard library.

Python raises errors where a formula has no value, so an `if` must stay lazy here.
"""

import re

from ...derivatives.formulas import Formulas
from ..options import Options
from .code import Code, code_of, comment, python_words
from .target import Target

__all__ = [
    "ERFCX",
    "LOGNORMCDF",
    "SINC",
    "TARGET",
    "WIDTH",
    "key",
    "listing",
    "python_file",
    "render",
]

SIGMOID = """\
def sigmoid(x):
    t = math.exp(-abs(x))
    return (t if x < 0.0 else 1.0)/(1.0 + t)
"""

SOFTPLUS = """\
def softplus(x):
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))
"""

GELU = """\
def gelu(x):
    return x*math.erfc(-x/math.sqrt(2.0))/2.0
"""

CLAMP = """\
def clamp(x, lo, hi):
    if lo > hi:
        raise ValueError("clamp needs lo <= hi")
    return max(lo, min(x, hi))
"""

TOTAL = """\
def total(*xs):
    try:
        return math.fsum(xs)
    except OverflowError:
        return math.fsum(x/2.0**53 for x in xs)*2.0**53
"""

MEAN = """\
def mean(*xs):
    try:
        return math.fsum(xs)/len(xs)
    except OverflowError:
        return math.fsum(x/2.0**53 for x in xs)/len(xs)*2.0**53
"""

LOGSUMEXP = """\
def logsumexp(*xs):
    *rest, largest = sorted(xs)
    return largest + math.log1p(math.fsum(math.exp(x - largest) for x in rest))
"""

SINC = """\
def normalized_sinc(x):
    if x == 0.0:
        return 1.0
    r = math.remainder(x, 2.0)
    if abs(r) > 0.5:
        r = math.copysign(1.0, r) - r
    return math.sin(math.pi*r)/(math.pi*x)
"""

ERFCX = """\
def scaled_erfc(x):
    if x < 25.0:
        return math.exp(x*x)*math.erfc(x)
    t = 0.5/(x*x)
    return (1.0 - t*(1.0 - 3.0*t*(1.0 - 5.0*t*(1.0 - 7.0*t))))/(x*math.sqrt(math.pi))
"""

LOGNORMCDF = """\
def log_normal_cdf(x):
    if x > 0.0:
        return math.log1p(-math.erfc(x/math.sqrt(2.0))/2.0)
    if x > -36.0:
        return math.log(math.erfc(-x/math.sqrt(2.0))/2.0)
    t = 1.0/(x*x)
    rest = math.log1p(-t*(1.0 - 3.0*t*(1.0 - 5.0*t*(1.0 - 7.0*t))))
    return rest - x*x/2.0 - math.log(-x*math.sqrt(2.0*math.pi))
"""

TARGET = Target(
    "python",
    library=lambda row: row.libm and f"math.{row.libm}",
    calls={
        "pow": "math.pow",
        "abs": "abs",
        "max": "max",
        "min": "min",
        "sum": "total",
        "mean": "mean",
        "sigmoid": "sigmoid",
        "softplus": "softplus",
        "gelu": "gelu",
        "logsumexp": "logsumexp",
        "round": "round",
        "mod": "(({0}) % ({1}))",
        "gamma": "math.gamma",
        "normcdf": "(math.erfc(-({0})/math.sqrt(2.0))/2.0)",
        "sinc": "normalized_sinc",
        "erfcx": "scaled_erfc",
        "lognormcdf": "log_normal_cdf",
        "clamp": "clamp",
    },
    helpers={
        "sigmoid": SIGMOID,
        "softplus": SOFTPLUS,
        "gelu": GELU,
        "logsumexp": LOGSUMEXP,
        "normalized_sinc": SINC,
        "scaled_erfc": ERFCX,
        "log_normal_cdf": LOGNORMCDF,
        "clamp": CLAMP,
        "total": TOTAL,
        "mean": MEAN,
    },
    constants={"pi": "math.pi", "e": "math.e", "tau": "math.tau"},
    reserved=python_words() | {"math"},
    choice="{then} if {test} else {otherwise}",
    lazy=True,
    ulps=1,
)

WIDTH = 88
"""Of a line that lists the derivatives; a longer one is broken."""


def render(formulas: Formulas, _options: Options) -> str:
    """The Python file."""
    return python_file(code_of(TARGET, formulas), ["import math"])


def python_file(
    code: Code,
    imports: list[str],
    *,
    takes: str = "numbers",
    first: tuple[str, ...] = (),
    around: str = "",
    before_test: tuple[str, ...] = (),
    number: str = "{}",
) -> str:
    """A file of Python.

    imports: lines, of which the used ones are kept. takes: what the function takes, for the
    comment. first: the function's first lines. around: a `with` around its body. before_test: lines
    before the call in the self-test, where ``number`` makes an argument.
    """
    parameters = ", ".join(code.arguments.values())
    body = [f"{name} = {text}" for name, text in code.statements]
    value = f"{code.guarded(code.value)}, " if code.value else ""
    body += listing(f"return {value}", results(code), "")
    if around:
        body = [around, *(f"    {line}" for line in body)]
    test = self_test(code, before_test, number)
    source = [f"def {code.function}({parameters}):", *(f"    {line}" for line in [*first, *body])]
    text = "\n".join([*code.helpers, *source, *test])
    needed = [line for line in imports if re.search(rf"\b{line.split()[-1]}\.", text)]
    gradient = "a dict of derivatives by name" if code.results else "an empty dict"
    returned = f"the value and {gradient}" if code.value else gradient
    does = f"{code.function}({parameters}) takes {takes} and returns {returned}."
    head = [f"# {line}".rstrip() for line in comment(code, does)]
    parts = ["\n".join([*head, *([""] if needed else []), *needed])]
    parts += [helper.rstrip("\n") for helper in code.helpers]
    parts.append("\n".join(source))
    if test:
        parts.append("\n".join(test))
    return "\n\n\n".join(parts) + "\n"


def key(by: tuple[str, ...]) -> str:
    """The key of a derivative: a name, or several."""
    return f'"{by[0]}"' if len(by) == 1 else "(" + ", ".join(f'"{name}"' for name in by) + ")"


def results(code: Code) -> list[str]:
    """The items of the dict that is returned."""
    return [f"{key(by)}: {code.guarded(name)}" for by, name in code.results.items()]


def listing(start: str, items: list[str], end: str, braces: str = "{}") -> list[str]:
    """Items in braces, on one line or one a line."""
    line = f"{start}{braces[0]}{', '.join(items)}{braces[1]}{end}"
    if len(line) <= WIDTH:
        return [line]
    return [f"{start}{braces[0]}", *(f"    {item}," for item in items), f"{braces[1]}{end}"]


def self_test(code: Code, before: tuple[str, ...], number: str) -> list[str]:
    """The lines that compare the function with the numbers at the point; none without a point."""
    if code.tested is None:
        return []
    given = [number.format(repr(x)) for x in code.tested]
    items = [f"{name}={x}" for name, x in zip(code.arguments.values(), given, strict=True)]
    results = "value, gradient" if code.value else "gradient"
    checks = [
        f'("{name}", {f"gradient[{key(by)}]" if by else "value"}, {x!r})'
        for name, by, x in code.checks
    ]
    lines = [
        *before,
        *listing(f"{results} = {code.function}", items, "", "()"),
        *listing("checks = ", checks, "", "[]"),
        "for name, number, expected in checks:",
        "    assert abs(number - expected) <= 1e-12*abs(expected or 1), \\",
        '        f"{name} is {number}, not {expected}"',
    ]
    return ['if __name__ == "__main__":', *(f"    {line}" for line in lines)]
