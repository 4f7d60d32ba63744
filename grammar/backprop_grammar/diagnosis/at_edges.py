"""What is got wrong at one edge: a wrong number in the place of a local gradient.

The wrong number is itself a small formula over what the trace already holds, so a slip of one
operation is one more text in the calculator's own language, and the local gradient at the operand
instead of the result is the table's own rule with the two names exchanged.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..language.graph import Graph
from ..language.table_texts import compiled, texts
from ..operations.row import Operation
from ..operations.table import ADD, DIV, MUL, NEG, POW, SUB
from .perturbed import Arc, Change, Sheet
from .wording import Formula

__all__ = ["SLIPS", "Guess", "is_unit"]


@dataclass(frozen=True, slots=True)
class Guess:
    """One mistake at one place: which edges it changes, and what the message says of it.

    node: where; operand: the operand whose contribution is wrong, or -1 for all of them.
    variant: tells several ways apart to make the mistake at one place. claim: the only node
    whose gradient it concerns, or -1. details: fields of the message, beyond those of ``fields``.
    """

    changes: tuple[Change, ...]
    node: int
    operand: int
    variant: str = ""
    claim: int = -1
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


def factor_left_out(sheet: Sheet, arc: Arc) -> Iterator[Guess]:
    """A constant factor of the program, forgotten."""
    other = other_factor(sheet, arc)
    if other >= 0 and sheet.nodes[other].kind == "constant":
        yield one(arc, 1.0, other=other)


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
    if arc.routed:
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
            formula = Formula(arc, compiled(rule))
            yield one(arc, wrong, variant=rule, formula=formula, remark=remark)


SLIPS = (
    ("pow", 0, "x^(y - 1)", "the exponent was not brought down"),
    ("pow", 0, "y*x^y", "the exponent was not lowered by one"),
    ("pow", 0, "y*x", "only the exponent was brought down"),
    ("pow", 0, "(y - 1)*x^(y - 1)", "the lowered exponent was brought down"),
    ("pow", 1, "out", "the logarithm of the base was left out"),
    ("pow", 1, "y*x^(y - 1)", "the rule for the base was used for the exponent"),
    ("div", 1, "-1/y^2", "the numerator was left out"),
    ("div", 1, "-x/y", "the divisor was not squared"),
    ("div", 1, "-x*y", "the product was taken instead of the quotient"),
    ("div", 1, "1/y", "the rule for the numerator was used for the divisor"),
    ("sqrt", 0, "1/out", "the factor 1/2 was left out"),
    ("sqrt", 0, "out/2", "it is one over the root"),
    ("sqrt", 0, "2*out", "it is one over twice the root"),
    ("cbrt", 0, "1/out^2", "the factor 1/3 was left out"),
    ("exp", 0, "x*exp(x - 1)", "the power rule does not hold for exp"),
    ("log2", 0, "1/x", "the factor 1/log(2) was left out"),
    ("log10", 0, "1/x", "the factor 1/log(10) was left out"),
    ("sigmoid", 0, "out", "the factor 1 minus the result was left out"),
    ("sigmoid", 0, "1 - out", "the result itself was left out as a factor"),
    ("sigmoid", 0, "out*(1 + out)", "the factor is 1 minus the result"),
    ("sigmoid", 0, "1 - out^2", "this is the rule of tanh"),
    ("tanh", 0, "1 - out", "the result was not squared"),
    ("tanh", 0, "1 + out^2", "it is 1 minus the square"),
    ("tanh", 0, "out*(1 - out)", "this is the rule of sigmoid"),
    ("tan", 0, "1 - out^2", "it is 1 plus the square"),
    ("tan", 0, "1 + out", "the result was not squared"),
    ("asin", 0, "1/(1 - x^2)", "the square root was left out"),
    ("acos", 0, "1/(1 - x^2)", "the square root and the minus sign were left out"),
    ("atan", 0, "1/sqrt(1 + x^2)", "there is no square root"),
    ("atan", 0, "1/(1 - x^2)", "it is 1 plus the square"),
    ("softplus", 0, "exp(x)", "the factor 1/(1 + exp) was left out"),
    ("erf", 0, "exp(-x^2)", "the factor 2/sqrt(pi) was left out"),
)
"""Slips of single operations: (operation, which operand, the wrong rule, in words)."""
