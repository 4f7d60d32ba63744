"""THE TABLE of operations: one row each.

The insight: a row carries its local gradients as text in the calculator's own
language, over the names of the operands and the result `out`. That one text is
what a learner reads, what is interpreted over floats and wide numbers, and, being
differentiable itself, what gives derivatives of any order. To add a function, add
a row: the parser, the help, the README and the tests read this table.
"""

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from . import special

__all__ = ["CONSTANTS", "FUNCTIONS", "IDENTITY", "IF", "OPERATIONS", "Bound", "Operation", "Role"]


class Role(Enum):
    """How an operation passes gradients on: the noun of the JSON, the verb of the table."""

    DISTRIBUTES = ("distributor", "distributes")
    SWAPS = ("swapper", "swaps")
    SCALES = ("scaler", "scales")
    ROUTES = ("router", "routes")

    @property
    def noun(self) -> str:
        return self.value[0]

    @property
    def verb(self) -> str:
        return self.value[1]


@dataclass(frozen=True, slots=True)
class Bound:
    """A condition on an operand, such as ``x > 0`` or ``lo <= hi``; together they are the domain.

    limit: a number, or the name of another operand.
    """

    operand: str
    relation: str
    limit: float | str

    def __str__(self) -> str:
        limit = self.limit if isinstance(self.limit, str) else f"{self.limit:g}"
        return f"{self.operand} {self.relation} {limit}"


Exact = Callable[[tuple[Any, ...], Any, Any], bool]
"""Whether a value has no rounding error, given operands, result and 1/(half an ulp)."""


def never(_operands: tuple[Any, ...], _out: Any, _limit: Any) -> bool:
    return False


def always(_operands: tuple[Any, ...], _out: Any, _limit: Any) -> bool:
    return True


def at_zero(operands: tuple[Any, ...], _out: Any, _limit: Any) -> bool:
    return all(x == 0 for x in operands)


def at_one(operands: tuple[Any, ...], _out: Any, _limit: Any) -> bool:
    return bool(operands[0] == 1)


def whole(operands: tuple[Any, ...], out: Any, limit: Any) -> bool:
    """Whole numbers in, a whole number out, nothing too large: no rounding took place."""
    return bool(
        abs(out) < limit and out == int(out)
        and all(abs(x) < limit and x == int(x) for x in operands)
    )  # fmt: skip


def power_of_two(x: Any) -> bool:
    return abs(math.frexp(x)[0]) == 0.5 if isinstance(x, float) else x.man_exp[0] == 1


def normal(out: Any) -> bool:
    """Whether scaling by a power of two gave this without pushing digits below the smallest."""
    return bool(abs(out) >= 2.0**-1022)


def product(operands: tuple[Any, ...], out: Any, limit: Any) -> bool:
    x, y = operands
    if x == 0 or y == 0 or abs(x) == 1 or abs(y) == 1:
        return True
    return normal(out) and (power_of_two(x) or power_of_two(y) or whole(operands, out, limit))


def quotient(operands: tuple[Any, ...], out: Any, limit: Any) -> bool:
    x, y = operands
    if x == 0 or abs(y) == 1:
        return True
    return normal(out) and (power_of_two(y) or (whole(operands, out, limit) and bool(out * y == x)))


def average(operands: tuple[Any, ...], out: Any, limit: Any) -> bool:
    """Whole operands whose sum, too, is small enough to have been exact."""
    return whole(operands, out, limit / len(operands))


def root(operands: tuple[Any, ...], out: Any, limit: Any) -> bool:
    x = operands[0]
    return whole(operands, out, limit) and bool(out * out == x)


def power(operands: tuple[Any, ...], out: Any, limit: Any) -> bool:
    x, y = operands
    if y == 0 or y == 1 or x == 1 or (x == 0 and y > 0):
        return True
    return bool(y > 0) and whole(operands, out, limit) and int(x) ** int(y) == out


def angle(operands: tuple[Any, ...], _out: Any, _limit: Any) -> bool:
    """Atan2 on the positive half of the x axis."""
    return bool(operands[0] == 0 and operands[1] >= 0)


Requirement = Callable[[Any, list[Any]], tuple[str, str] | None]
"""What keeps some operands from a value, and the way out, or None; asks an arithmetic
(arithmetic.Arithmetic) for the ``sign`` of operand k and whether it is ``whole``."""


def relative(_operands: tuple[Any, ...], out: Any) -> Any:
    return abs(out)


@dataclass(frozen=True, slots=True, eq=False)  # a row is itself; comparing fields would be slow
class Operation:
    """One row of the table.

    name: what the user types, or the name of an operator.
    operands: names used by the texts; a last "..." makes it variadic.
    rules: the local gradient per operand, as a learner reads it, over the operands and `out`
        (one rule for all when variadic, which may also use `n`, the number of operands,
        and `ties`, how many equal the result).
    doc: one line.
    value: floats to float. None when ``computed`` gives the value.
    wide: the value over mpmath, given the module; the function of that name when None.
    formula: the definition in simpler operations, of a block that has one; with it and with
        ``spellings``, other ways in which people write it, blocks are opened and recognised.
    mirrored: how people write the block at -x, where the minus sign need not be seen.
    computed: the value as a careful program, used over floats and wide numbers.
    careful: the local gradients as they are computed, where ``rules`` would lose digits.
    domain: bounds of the operands; ``requires`` covers what bounds can't say.
    kinks: texts over the operands and `out`: where one is 0, the operation has a kink.
    ulps: the largest error of ``value``, in units in the last place.
    scale: the magnitude to which ``ulps`` refers; the result unless given.
    exact: when ``value`` has no rounding error.
    defaults: values of last operands that may be left out.
    symbol: of an operator.
    cut: a text that is 0 on the branch cut, where the value jumps but the gradient is the same.
    jump: a message when the operation jumps at its kink, so that no gradient exists there.
    hidden: for the texts of this table, not for users.
    """

    name: str
    operands: tuple[str, ...]
    rules: tuple[str, ...]
    role: Role
    doc: str
    value: Callable[..., float] | None = None
    wide: Callable[..., Any] | None = None
    formula: str = ""
    computed: str = ""
    careful: tuple[str, ...] = ()
    domain: tuple[Bound, ...] = ()
    requires: Requirement | None = None
    requirement: str = ""
    kinks: tuple[str, ...] = ()
    ulps: float = 1
    scale: Callable[[tuple[Any, ...], Any], Any] = relative
    exact: Exact = never
    defaults: tuple[float, ...] = ()
    spellings: tuple[str, ...] = ()
    mirrored: str = ""
    symbol: str = ""
    cut: str = ""
    jump: str = ""
    hidden: bool = False

    @property
    def variadic(self) -> bool:
        return self.operands[-1] == "..."

    @property
    def smooth(self) -> bool:
        """Whether it has no kinks, no jumps and no branch cut, and a rule for each operand."""
        return not (self.kinks or self.cut or self.variadic or self.name == "if")

    @property
    def arity(self) -> tuple[int, int | None]:
        """The smallest and the largest number of operands; None for no limit."""
        if self.variadic:
            return (2 if self.name in ("max", "min") else 1), None
        return len(self.operands) - len(self.defaults), len(self.operands)

    @property
    def signature(self) -> str:
        """How it is written, such as `leaky_relu(x, a = 0.01)` or `x*y`."""
        if self.name == "neg":
            return "-x"
        if self.symbol:
            space = " " if self.symbol in "+-" else ""
            return f"{self.operands[0]}{space}{self.symbol}{space}{self.operands[1]}"
        if self.name == "if":
            return "if(a < b, x, y)"
        if self.variadic:
            return f"{self.name}(x, y, ...)"
        least = self.arity[0]
        shown = list(self.operands[:least])
        shown += [f"{n} = {v:g}" for n, v in zip(self.operands[least:], self.defaults, strict=True)]
        return f"{self.name}({', '.join(shown)})"


def row(name: str, operands: str, rules: str, role: Role, doc: str, **more: Any) -> Operation:
    """A row with its operands and rules written as one text each, separated by `, ` and ` ; `."""
    careful = tuple(more.pop("careful", "").split(" ;; ")) if more.get("careful") else ()
    domain = tuple(bound(text) for text in more.pop("domain", "").split(" and ") if text)
    kinks = tuple(text for text in more.pop("kinks", "").split(" and ") if text)
    spellings = tuple(text for text in more.pop("spellings", "").split(" ;; ") if text)
    return Operation(
        name, tuple(operands.split()), tuple(rules.split(" ;; ")), role, doc,
        careful=careful, domain=domain, kinks=kinks, spellings=spellings, **more,
    )  # fmt: skip


def bound(text: str) -> Bound:
    operand, relation, limit = text.split()
    return Bound(operand, relation, limit if limit.isidentifier() else float(limit))


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
