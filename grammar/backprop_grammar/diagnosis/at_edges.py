"""What is got wrong at one edge: a wrong number in the place of a local gradient.

The wrong number is itself a small formula over what the trace already holds, so a slip of one
operation is one more text in the calculator's own language, and the local gradient at the operand
instead of the result is the table's own rule with the two names exchanged.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from ..language.graph import Graph
from ..language.table_texts import compiled, texts
from ..operations.row import Operation
from ..operations.table import ADD, DIV, MUL, NEG, OPERATIONS, POW, SUB
from .perturbed import Arc, Change, Sheet
from .wording import Formula

__all__ = ["SLIPS", "SMALL", "Guess", "is_unit"]


@dataclass(frozen=True, slots=True)
class Guess:
    """One mistake at one place: which edges it changes, and what the message says of it.

    node: where; operand: the operand whose contribution is wrong, or -1 for all of them.
    variant: tells several ways apart to make the mistake at one place. claim: the only node
    whose gradient it concerns, or -1. rarer: how much rarer than its kind it is, added to the
    weight. details: fields of the message, beyond those of ``fields``.
    """

    changes: tuple[Change, ...]
    node: int
    operand: int
    variant: str = ""
    claim: int = -1
    rarer: int = 0
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of its message: arc, the first edge it changes; wrong, the number there."""
        arc, wrong, _ = self.changes[0]
        nodes = {
            "node": self.node,
            "operand": self.operand,
            "sender": arc.sender,
            "claim": self.claim,
        }
        return {"arc": arc, "wrong": wrong, **nodes, **self.details}


def one(arc: Arc, m: Any, b: Any = 0.0, variant: str = "", **details: Any) -> Guess:
    """A guess that changes one edge."""
    return Guess(((arc, m, b),), arc.sender, arc.operand, variant, details=details)


def other_factor(sheet: Sheet, arc: Arc) -> int:
    """The other operand of a mul, or -1."""
    operands = sheet.operands(arc.sender)
    if sheet.row(arc.sender) is not MUL:
        return -1
    return operands[1 - arc.place]


def own_factor(sheet: Sheet, arc: Arc) -> Iterator[Guess]:
    other = other_factor(sheet, arc)
    if other >= 0 and other != arc.operand:
        yield one(arc, sheet.values[arc.operand], other=other)


def constant_left_out(sheet: Sheet, arc: Arc) -> Iterator[Guess]:
    """A constant factor of the program, forgotten."""
    return left_out(sheet, arc, True)


def factor_left_out(sheet: Sheet, arc: Arc) -> Iterator[Guess]:
    """One factor of several, which is no constant, forgotten."""
    return left_out(sheet, arc, False)


def left_out(sheet: Sheet, arc: Arc, constant: bool) -> Iterator[Guess]:
    """Factors of a local gradient at a mul or a div, one taken as 1."""
    row, operands = sheet.row(arc.sender), sheet.operands(arc.sender)
    if row is MUL:
        found = factors(sheet, operands[1 - arc.place], 1)
    elif row is DIV:
        found = factors(sheet, operands[1 - arc.place], 1 if arc.place else -1)
    else:
        return
    for node, power in found:
        value = sheet.values[node]
        is_constant = sheet.nodes[node].kind == "constant"
        if is_constant is not constant or not value or not (constant or len(found) > 1):
            continue
        if arc.place and row is DIV and len(found) == 1:
            continue  # the numerator of -x/y^2 has a slip of its own
        wrong = arc.local / value if power > 0 else arc.local * value
        what = "factor" if power > 0 else "division by"
        yield one(arc, wrong, variant=sheet.nodes[node].name, other=node, what=what)


def before_activation(sheet: Sheet, arc: Arc) -> Iterator[Guess]:
    """A factor f(u) of a local gradient taken as u, or a factor u that f is applied to as f(u)."""
    other = other_factor(sheet, arc)
    for node, power in factors(sheet, other, 1) if other >= 0 else ():
        value = sheet.values[node]
        row = sheet.row(node)
        pairs = []
        if row is not None and len(row.operands) - len(row.defaults) == 1 and row is not NEG:
            pairs.append((sheet.operands(node)[0], "went into"))
        for above in sheet.received[node]:
            row = sheet.row(above.sender)
            if row is not None and row.name in ACTIVATIONS and above.sender != arc.operand:
                pairs.append((above.sender, "came out of"))
        for taken, way in pairs if value else ():
            if sheet.nodes[taken].kind != "constant":
                ratio = sheet.values[taken] / value
                if not ratio:
                    continue
                wrong = arc.local * (ratio if power > 0 else 1 / ratio)
                at = node if way == "went into" else taken
                yield one(
                    arc,
                    wrong,
                    variant=sheet.nodes[taken].name,
                    other=node,
                    taken=taken,
                    way=way,
                    at=at,
                )


def other_variable(sheet: Sheet, arc: Arc) -> Iterator[Guess]:
    """Another variable of the same letters: w6 for w7."""
    other = other_factor(sheet, arc)
    if other < 0 or sheet.nodes[other].kind != "variable" or len(sheet.arcs) > SMALL:
        return
    stem = letters(sheet.nodes[other].name)
    for node, shown in enumerate(sheet.nodes):
        alike = shown.kind == "variable" and letters(shown.name) == stem
        if alike and node not in (other, arc.operand):
            yield one(arc, sheet.values[node], variant=shown.name, other=other, taken=node)


SMALL = 300
"""Edges up to which one variable is tried for another, and every activation for every other."""


def letters(name: str) -> str:
    """What a name is without its numbers."""
    return name.rstrip("0123456789_")


FACTORS = 12
"""Factors of a chain of products that are told apart."""


def factors(sheet: Sheet, node: int, power: int) -> list[tuple[int, int]]:
    """What a chain of `*` and `/` multiplies, with 1, and divides by, with -1; minus signs aside."""
    found: list[tuple[int, int]] = []
    waiting = [(node, power)]
    while waiting and len(found) < FACTORS:
        node, power = waiting.pop()
        row, operands = sheet.row(node), sheet.operands(node)
        if row is MUL or row is DIV:
            waiting.append((operands[1], power if row is MUL else -power))
            waiting.append((operands[0], power))
        elif row is NEG:
            waiting.append((operands[0], power))
        else:
            found.append((node, power))
    return found


def applied_twice(sheet: Sheet, arc: Arc) -> Iterator[Guess]:
    if arc.routed and not is_unit(arc):
        yield one(arc, arc.local * arc.local)


def upstream_twice(sheet: Sheet, arc: Arc) -> Iterator[Guess]:
    if arc.routed and arc.sender != sheet.output:
        yield one(arc, sheet.gradients[arc.sender] * arc.local)


def local_left_out(sheet: Sheet, arc: Arc) -> Iterator[Guess]:
    if not (arc.rule and arc.rule.is_one) and arc.routed and sheet.row(arc.sender) is not NEG:
        inner = " (the inner derivative is missing)" * (arc.sender != sheet.output)
        yield one(arc, 1.0, inner=inner)


def minus_left_out(sheet: Sheet, arc: Arc) -> Iterator[Guess]:
    """Where the rule of the operation has a minus sign."""
    row = sheet.row(arc.sender)
    if row and has_minus(texts(row).shown[arc.place]):
        yield one(arc, -arc.local)


def sign(sheet: Sheet, arc: Arc) -> Iterator[Guess]:
    if arc.routed:
        yield one(arc, -arc.local)


def has_minus(text: Graph) -> bool:
    """Whether a rule begins with a minus sign: -1, -out/y."""
    node = text.output
    while (row := text.operations[node]) in (MUL, DIV):
        node = text.operands[node][0]
    number = text.constants.get(node)
    return row is NEG or (isinstance(number, float) and number < 0)


def operand_for_result(sheet: Sheet, arc: Arc) -> Iterator[Guess]:
    """out*(1 - out) taken with the operand: the rules of the table, with the names exchanged."""
    row = sheet.row(arc.sender)
    if row is None or len(row.operands) != 1 or "out" not in texts(row).shown[0].variables:
        return
    name, rule = row.operands[0], texts(row).shown[0]
    operand = sheet.nodes[arc.operand].name
    wrong = read(sheet, arc, rule, out=sheet.values[arc.operand])
    if wrong is not None:
        formula = Formula(arc, rule, {"out": operand})
        yield one(arc, wrong, variant=name, row=row.name, formula=formula)


def result_for_operand(sheet: Sheet, arc: Arc) -> Iterator[Guess]:
    row = sheet.row(arc.sender)
    if row is None or len(row.operands) != 1 or "x" not in texts(row).shown[0].variables:
        return
    name, rule = row.operands[0], texts(row).shown[0]
    result = sheet.nodes[arc.sender].name
    wrong = read(sheet, arc, rule, **{name: sheet.values[arc.sender]})
    if wrong is not None:
        formula = Formula(arc, rule, {name: result})
        yield one(arc, wrong, row=row.name, formula=formula)


def slope_at_result(sheet: Sheet, arc: Arc) -> Iterator[Guess]:
    """sigmoid'(sigmoid(x)): a rule in the result, where the result was put in once more."""
    row = sheet.row(arc.sender)
    if row is None or len(row.operands) != 1 or "out" not in texts(row).shown[0].variables:
        return
    name, rule = row.operands[0], texts(row).shown[0]
    wrong = at_other(sheet, row, rule, {name: sheet.values[arc.sender]})
    if wrong is not None:
        result = sheet.nodes[arc.sender].name
        formula = Formula(arc, rule, {name: result, "out": f"{row.name}({result})"})
        yield one(arc, wrong, row=row.name, formula=formula)


def other_activation(sheet: Sheet, arc: Arc) -> Iterator[Guess]:
    """The slope of another activation: at the same operand, or its rule at this one's result."""
    row = sheet.row(arc.sender)
    if row is None or row.name not in ACTIVATIONS or arc.place:
        return
    x, result = sheet.values[arc.operand], sheet.values[arc.sender]
    for name in ACTIVATIONS if len(sheet.arcs) <= SMALL else COMMON_ACTIVATIONS:
        other = OPERATIONS[name]
        if other is row:
            continue
        rule = texts(other).shown[0]
        leaves = dict(zip(other.operands[1:], other.defaults, strict=True))
        rarer = 0 if name in COMMON_ACTIVATIONS else 8
        if "out" in rule.variables and "x" not in rule.variables:
            wrong = sheet.value(rule, {**leaves, "out": result})
            if wrong is not None:
                formula = Formula(
                    arc, rule, dict(zip(leaves, map(str, leaves.values()), strict=True))
                )
                yield replace(
                    one(arc, wrong, variant=name, row=row.name, other=name, formula=formula),
                    rarer=rarer,
                )
        wrong = at_other(sheet, other, rule, {**leaves, "x": x})
        if wrong is not None:
            operand = sheet.nodes[arc.operand].name
            renamed = {"x": operand, "out": f"{name}({operand})"}
            renamed |= {key: f"{value:g}" for key, value in leaves.items()}
            guess = one(
                arc, wrong, variant=f"{name} at the operand", row=row.name, other=name,
                formula=Formula(arc, rule, renamed),
            )  # fmt: skip
            yield replace(guess, rarer=rarer)


COMMON_ACTIVATIONS = ("sigmoid", "tanh", "relu")
ACTIVATIONS = (*COMMON_ACTIVATIONS, "leaky_relu", "elu", "softplus", "silu", "gelu")
"""Those that are taken for one another, the commonest first."""


def read(sheet: Sheet, arc: Arc, text: Graph, **replaced: Any) -> Any | None:
    """A text over the operands and the result of an edge's sender, some of them replaced."""
    leaves = sheet.leaves(arc.sender, **replaced)
    return None if leaves is None else sheet.value(text, leaves)


def inner_variables(sheet: Sheet, arc: Arc) -> Iterator[tuple[Arc, int, Any]]:
    """For f(g(x)): the edge from g to x, x, and f' taken at x."""
    row = sheet.row(arc.sender)
    if row is None or arc.place != 0 or len(row.operands) > 1 + (row is POW):
        return
    rule = texts(row).shown[0]
    if rule.constants.get(rule.output) in (1.0, -1.0):
        return
    for inner in sheet.sent[arc.operand]:
        if sheet.row(inner.sender) in (ADD, SUB, NEG, MUL, DIV):
            continue  # f'(x) for f(g(x)) is a slip where g is a function
        leaves = sheet.leaves(arc.sender, **{row.operands[0]: sheet.values[inner.operand]})
        wrong = None if leaves is None else at_other(sheet, row, rule, leaves)
        if wrong is not None:
            yield inner, inner.operand, wrong


def at_other(sheet: Sheet, row: Operation, rule: Graph, leaves: dict[str, Any]) -> Any | None:
    """A rule at other operands, and at the result that they give."""
    if "out" in rule.variables:
        out = sheet.applied(row, [leaves[name] for name in row.operands])
        if out is None:
            return None
        leaves = leaves | {"out": out}
    return sheet.value(rule, leaves)


def inner_variable(sheet: Sheet, arc: Arc) -> Iterator[Guess]:
    for _, x, wrong in inner_variables(sheet, arc):
        yield one(arc, wrong, variant=sheet.nodes[x].name, inner=x)


def undifferentiated_inner(sheet: Sheet, arc: Arc) -> Iterator[Guess]:
    """The derivative of sin(x)^2 as 2*x*sin(x): f'(x) g(x) for f(g(x))."""
    for inner, x, wrong in inner_variables(sheet, arc):
        changes = ((arc, wrong, 0.0), (inner, sheet.values[arc.operand], 0.0))
        variant = sheet.nodes[x].name
        yield Guess(changes, arc.sender, arc.operand, variant, details={"inner": x})


def operand_value(sheet: Sheet, arc: Arc) -> Iterator[Guess]:
    if arc.routed:
        yield one(arc, sheet.values[arc.operand])


def result_value(sheet: Sheet, arc: Arc) -> Iterator[Guess]:
    if arc.routed:
        yield one(arc, sheet.values[arc.sender])


def is_unit(arc: Arc) -> bool:
    """Whether the local gradient is 1 or -1 everywhere."""
    return arc.rule is not None and arc.rule.number in (1, -1)


def reciprocal(sheet: Sheet, arc: Arc) -> Iterator[Guess]:
    if arc.routed and arc.local and not is_unit(arc):
        yield one(arc, 1 / arc.local)


def upstream_left_out(sheet: Sheet, arc: Arc) -> Iterator[Guess]:
    if arc.routed and len(sheet.sent[arc.sender]) > 1:
        yield one(arc, 0.0, arc.local)


def added_upstream(sheet: Sheet, arc: Arc) -> Iterator[Guess]:
    if arc.routed and not is_unit(arc):
        yield one(arc, 1.0, arc.local)


def treated_as_constant(sheet: Sheet, arc: Arc) -> Iterator[Guess]:
    if arc.routed and len(sheet.received[arc.operand]) == 1:
        yield one(arc, 0.0)


def gate_ignored(sheet: Sheet, arc: Arc) -> Iterator[Guess]:
    """A gradient passed on where nothing passes: relu of a negative number."""
    if not arc.routed:
        yield one(arc, 1.0)


def slip(sheet: Sheet, arc: Arc) -> Iterator[Guess]:
    row = sheet.row(arc.sender)
    for name, place, rule, remark in SLIPS:
        if row is None or name != row.name or place != arc.place:
            continue
        wrong = read(sheet, arc, compiled(rule))
        if wrong is not None:
            formula = Formula(arc, compiled(rule), number=wrong)
            yield one(arc, wrong, variant=rule, formula=formula, remark=remark)


SLIPS = (
    ("pow", 0, "x^(y - 1)", "the exponent was not brought down"),
    ("pow", 0, "y", "the operand was left out"),
    ("pow", 0, "y*x^y", "the exponent was not lowered by one"),
    ("pow", 0, "y*x", "only the exponent was brought down"),
    ("pow", 0, "(y - 1)*x^(y - 1)", "the lowered exponent was brought down"),
    ("pow", 0, "y*x^(y + 1)", "the exponent was raised instead of lowered by one"),
    ("pow", 1, "out", "the logarithm of the base was left out"),
    ("pow", 1, "y*x^(y - 1)", "the power rule does not hold where the variable is the exponent"),
    ("pow", 1, "x*y^(x - 1)", "this is the power rule for the variable as the base"),
    ("pow", 1, "out/log(x)", "the logarithm of the base is a factor, not a divisor"),
    ("div", 1, "-1/y^2", "the numerator was left out"),
    ("div", 1, "-x/y", "the divisor was not squared"),
    ("div", 1, "-x*y", "the product was taken instead of the quotient"),
    ("div", 1, "1/y", "the rule for the numerator was used for the divisor"),
    ("div", 0, "y", "the divisor is divided by, not multiplied with"),
    ("sqrt", 0, "1/out", "the factor 1/2 was left out"),
    ("sqrt", 0, "out/2", "the exponent 1/2 was not lowered by one: it is one over the root"),
    ("sqrt", 0, "2*out", "it is one over twice the root"),
    ("sqrt", 0, "1/(2*x)", "the root was left out"),
    ("cbrt", 0, "1/out^2", "the factor 1/3 was left out"),
    ("cbrt", 0, "1/(3*out)", "the root was not squared"),
    ("exp", 0, "x*exp(x - 1)", "the power rule does not hold for exp"),
    ("log2", 0, "1/x", "the factor 1/log(2) was left out"),
    ("log2", 0, "log(2)/x", "the logarithm of the base is a divisor, not a factor"),
    ("log10", 0, "1/x", "the factor 1/log(10) was left out"),
    ("log10", 0, "log(10)/x", "the logarithm of the base is a divisor, not a factor"),
    ("sigmoid", 0, "out", "the factor 1 minus the result was left out"),
    ("sigmoid", 0, "1 - out", "the result itself was left out as a factor"),
    ("sigmoid", 0, "out*(1 + out)", "the factor is 1 minus the result"),
    ("sigmoid", 0, "out^2", "the factor exp(-x) was left out"),
    ("tanh", 0, "1 - out", "the result was not squared"),
    ("tanh", 0, "1 + out^2", "it is 1 minus the square"),
    ("tanh", 0, "1/cosh(x)", "the hyperbolic cosine was not squared"),
    ("tan", 0, "1 - out^2", "it is 1 plus the square"),
    ("tan", 0, "1 + out", "the result was not squared"),
    ("tan", 0, "1/cos(x)", "the cosine was not squared"),
    ("tan", 0, "out/cos(x)", "this is the derivative of one over the cosine"),
    ("asin", 0, "1/(1 - x^2)", "the square root was left out"),
    ("asin", 0, "1/sqrt(1 + x^2)", "it is 1 minus the square"),
    ("asin", 0, "1/(1 + x^2)", "this is the rule of atan"),
    ("asin", 0, "-cos(x)/sin(x)^2", "asin is the inverse of sin, not one over it"),
    ("acos", 0, "1/(1 - x^2)", "the square root and the minus sign were left out"),
    ("acos", 0, "-1/(1 - x^2)", "the square root was left out"),
    ("acos", 0, "sin(x)/cos(x)^2", "acos is the inverse of cos, not one over it"),
    ("atan", 0, "1/sqrt(1 + x^2)", "there is no square root"),
    ("atan", 0, "1/(1 - x^2)", "it is 1 plus the square"),
    ("atan", 0, "1/(1 + x)", "the operand was not squared"),
    ("atan", 0, "-1/sin(x)^2", "atan is the inverse of tan, not one over it"),
    ("softplus", 0, "exp(x)", "the factor 1/(1 + exp) was left out"),
    ("softplus", 0, "1/(1 + exp(x))", "it is 1/(1 + exp(-x))"),
    ("softsign", 0, "1/(1 + abs(x))", "it was not squared"),
    ("silu", 0, "sigmoid(x)", "the second term of the product rule was left out"),
    ("silu", 0, "sigmoid(x)*(1 - sigmoid(x))", "only the slope of sigmoid was kept"),
    ("silu", 0, "sigmoid(x) + sigmoid(x)*(1 - sigmoid(x))", "a factor x was left out"),
    ("silu", 0, "out + out*(1 - out)", "the factor is the sigmoid, not the result"),
    ("gelu", 0, "normcdf(x)", "the second term of the product rule was left out"),
    ("gelu", 0, "normcdf(x) + exp(-x^2/2)/sqrt(2*pi)", "a factor x was left out"),
    ("elu", 0, "exp(x)", "the factor a was left out"),
    ("elu", 0, "out", "it is the result plus a"),
    ("leaky_relu", 0, "-a", "the slope has the sign of a"),
    ("abs", 0, "1", "the sign of the operand was left out"),
    ("erf", 0, "exp(-x^2)", "the factor 2/sqrt(pi) was left out"),
    ("normcdf", 0, "exp(-x^2/2)", "the factor 1/sqrt(2*pi) was left out"),
    ("hypot", 0, "1/out", "the operand was left out"),
    ("hypot", 1, "1/out", "the operand was left out"),
)
"""Slips of single operations: (operation, which operand, the wrong rule, in words)."""
