"""Derivatives as JavaScript, for browsers and Node alike.

Its arithmetic raises nothing, so statements are straight lines. Math lacks the error function and
a few others, which a file brings along.
"""

import json

from ...derivatives.formulas import Formulas
from ..options import Options
from .code import Code, code_of, comment
from .python import listing
from .target import Target

__all__ = ["TARGET", "render"]

WORDS = """
abstract arguments as async await boolean break byte case catch char class const continue debugger
default delete do double else enum eval export extends false final finally float for from function
get goto if implements import in instanceof int interface let long native new null of package private
protected public return set short static super switch synchronized this throw throws transient true
try typeof using var void volatile while with yield
Array BigInt Boolean Date Error Function Infinity JSON Map Math NaN Number Object Promise Proxy
Reflect RegExp Set String Symbol globalThis isFinite isNaN undefined console module require process
exports window document
"""

GAUSS = """\
function gauss(x) {
  const s = Math.fround(x);
  return Math.abs(x) > 40.0 ? 0.0 : Math.exp(-s*s)*Math.exp((s - x)*(s + x));
}
"""

ERFCX = """\
function scaled_erfc(x) {
  if (x < 0.75)
    return (1.0 - erf(x))/gauss(x);
  let below = 0.0;
  for (let k = 500; k > 0; k--)
    below = k/2.0/(x + below);
  return 1.0/(x + below)/Math.sqrt(Math.PI);
}
"""

ERF = """\
function erf(x) {
  if (Math.abs(x) > 2.0)
    return Math.sign(x)*(1.0 - erfc(Math.abs(x)));
  let term = x, sum = x;
  for (let k = 1; k < 60; k++)
    sum += term *= 2.0*x*x/(2.0*k + 1.0);
  return sum*gauss(x)*2.0/Math.sqrt(Math.PI);
}
"""

ERFC = """\
function erfc(x) {
  return x < 0.75 ? 1.0 - erf(x) : gauss(x)*scaled_erfc(x);
}
"""

ERFINV = """\
function inverse_erf(x) {
  const size = Math.abs(x), tail = 1.0 - size, w = Math.log(tail*(1.0 + size));
  const t = 2.0/(0.147*Math.PI) + w/2.0;
  let y = size < 0.5 ? size*Math.sqrt(Math.PI)/2.0*(1.0 + Math.PI/12.0*size*size) : Math.sqrt(Math.sqrt(t*t - w/0.147) - t);
  for (let k = 0; k < 3; k++) {
    const step = (size < 0.5 ? erf(y) - size : tail - erfc(y))/gauss(y)*Math.sqrt(Math.PI)/2.0;
    y -= step/(1.0 + y*step);
  }
  return Math.sign(x)*y;
}
"""

NORMCDF = """\
function normal_cdf(x) {
  const g = gauss(x/2.0);
  return x > -1.5 ? erfc(-x*Math.SQRT1_2)/2.0 : g*g*scaled_erfc(-x*Math.SQRT1_2)/2.0;
}
"""

LOGNORMCDF = """\
function log_normal_cdf(x) {
  if (x > 0.0)
    return Math.log1p(-normal_cdf(-x));
  return x > -1.0 ? Math.log(normal_cdf(x)) : Math.log(scaled_erfc(-x*Math.SQRT1_2)/2.0) - x*x/2.0;
}
"""

SIGMOID = """\
function sigmoid(x) {
  const t = Math.exp(-Math.abs(x));
  return (x < 0.0 ? t : 1.0)/(1.0 + t);
}
"""

SOFTPLUS = """\
function softplus(x) {
  return Math.max(x, 0.0) + Math.log1p(Math.exp(-Math.abs(x)));
}
"""

GELU = """\
function gelu(x) {
  return x*normal_cdf(x);
}
"""

LOGSUMEXP = """\
function logsumexp(...xs) {
  const rest = [...xs].sort((x, y) => x - y), largest = rest.pop();
  return largest + Math.log1p(rest.reduce((sum, x) => sum + Math.exp(x - largest), 0.0));
}
"""

ROUND = """\
function round_half_even(x) {
  const n = Math.round(x);
  return n - x === 0.5 && n % 2.0 !== 0.0 ? n - 1.0 : n;
}
"""

MOD = """\
function floored_mod(x, y) {
  const r = x % y;
  return r !== 0.0 && (r < 0.0) !== (y < 0.0) ? r + y : r;
}
"""

SINC = """\
function normalized_sinc(x) {
  const r = x % 2.0, s = Math.abs(r) > 1.5 ? r - 2.0*Math.sign(r) : Math.abs(r) > 0.5 ? Math.sign(r) - r : r;
  return x === 0.0 ? 1.0 : Math.sin(Math.PI*s)/(Math.PI*x);
}
"""

LIBRARY = [
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "ceil",
    "cos",
    "cosh",
    "exp",
    "expm1",
    "floor",
    "hypot",
    "log",
    "log10",
    "log1p",
    "log2",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
]
"""What Math has of C's library."""

TARGET = Target(
    "javascript",
    library=lambda row: f"Math.{row.libm}" if row.libm in LIBRARY else "",
    calls={
        "pow": "Math.pow",
        "abs": "Math.abs",
        "sign": "Math.sign",
        "max": "Math.max({list})",
        "min": "Math.min({list})",
        "sigmoid": "sigmoid",
        "softplus": "softplus",
        "gelu": "gelu",
        "logsumexp": "logsumexp({list})",
        "round": "round_half_even",
        "mod": "floored_mod",
        "sinc": "normalized_sinc",
        "erf": "erf",
        "erfc": "erfc",
        "erfcx": "scaled_erfc",
        "normcdf": "normal_cdf",
        "lognormcdf": "log_normal_cdf",
        "erfinv": "inverse_erf",
        "_gauss": "gauss",
        "_nearest": "round_half_even",
    },
    helpers={
        "gauss": GAUSS,
        "erf": ERF,
        "erfc": ERFC,
        "scaled_erfc": ERFCX,
        "inverse_erf": ERFINV,
        "normal_cdf": NORMCDF,
        "log_normal_cdf": LOGNORMCDF,
        "sigmoid": SIGMOID,
        "softplus": SOFTPLUS,
        "gelu": GELU,
        "logsumexp": LOGSUMEXP,
        "round_half_even": ROUND,
        "floored_mod": MOD,
        "normalized_sinc": SINC,
    },
    constants={"pi": "Math.PI", "e": "Math.E", "tau": "(2.0*Math.PI)", "nan": "NaN"},
    reserved=frozenset(WORDS.split()),
    choice="{test} ? {then} : {otherwise}",
    power=False,
    both=" && ",
    true="true",
    ulps=4,
)


def render(formulas: Formulas, _options: Options) -> str:
    """The script."""
    code = code_of(TARGET, formulas)
    parameters = ", ".join(code.arguments.values())
    returned = "[the value, the derivatives by name]" if code.value else "the derivatives by name"
    does = [f"{code.function}({parameters}) takes numbers and returns {returned}."]
    if code.tested is not None:
        does.append(f"Test it: node {code.function}.js")
    derivatives = [f"{key(by)}: {code.guarded(name)}" for by, name in code.results.items()]
    start, end = (f"return [{code.guarded(code.value)}, ", "];") if code.value else ("return ", ";")
    lines = [f"const {name} = {text};" for name, text in code.statements]
    lines += listing(start, derivatives, end)
    body = [f"function {code.function}({parameters}) {{", *(f"  {line}" for line in lines), "}"]
    parts = [
        "\n".join(f"// {line}".rstrip() for line in comment(code, *does)),
        *(helper.rstrip("\n") for helper in code.helpers),
        "\n".join(body),
        *self_test(code),
    ]
    return "\n\n".join(parts) + "\n"


def key(by: tuple[str, ...]) -> str:
    """The key of a derivative; in brackets, where none is more than a name."""
    return f"[{json.dumps(','.join(by))}]"


def self_test(code: Code) -> list[str]:
    """What exports the function, and compares it with the numbers at the point."""
    name = code.function
    lines = ['if (typeof module === "object")', f"  module.exports = {name};"]
    if code.tested is None:
        return ["\n".join(lines)]
    found, expected, value, gradient = code.free("found", "expected", "value", "gradient")
    results = f"[{value}, {gradient}]" if code.value else gradient
    numbers = {by: f"{gradient}{key(by)}" if by else value for _, by, _ in code.checks}
    checks = [f'["{of}", {numbers[by]}, {x!r}]' for of, by, x in code.checks]
    of = code.free("name")[0]
    lines += [
        'if (typeof require === "function" && require.main === module) {',
        f"  const {results} = {name}({', '.join(map(repr, code.tested))});",
        *(
            f"  {line}"
            for line in listing(f"for (const [{of}, {found}, {expected}] of ", checks, ")", "[]")
        ),
        f"    if (!(Math.abs({found} - {expected}) <= 1e-12*Math.abs({expected} || 1.0)))",
        f"      throw new Error(`${{{of}}} is ${{{found}}}, not ${{{expected}}}`);",
        "}",
    ]
    return ["\n".join(lines)]
