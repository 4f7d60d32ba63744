"""Local gradients as formulas a person would write.

The insight: text is one more algebra. The rules of the table, which are programs,
interpreted over texts with a few simplifications give `2*x` from `y*x^(y - 1)`; and the
backward pass over symbols gives the local gradients of a function of the program.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import reduce
from typing import Any

from ..language.graph import Function, Graph
from ..language.precedence import ATOM, INFIX, PRODUCT, Text, atom, comparison_of, write
from ..language.printer import expression_text
from ..language.table_texts import texts as texts_of
from ..numbers.ball import compare
from ..operations.row import Operation
from ..operations.table import OPERATIONS
from .gradient import gradient
from .simplify import Symbols

__all__ = ["block_rule", "compose", "rule_text"]


def compose(operation: Operation, operands: Sequence[Text], comparison: str = "") -> Text:
    """An operation on texts, simplified the way a person would: 1*x, x + 0, x^1, --x, 2*3."""
    name = operation.name
    if name == "neg":
        return negated(operands[0])
    if name in INFIX:
        left, right = operands
        if left.number is not None and right.number is not None:
            folded = fold(name, left.text, right.text)
            if folded is not None:
                return atom(folded)
        return simplified(name, left, right) or with_factor(name, left, right)
    return write(operation, operands, comparison)


def factor(text: Text) -> tuple[Fraction, Text | None]:
    """A text as a number times the rest: 1 where no number stands in front."""
    if text.scaled is not None:
        return text.scaled
    if text.number is not None and text.number == int(text.number) and abs(text.number) < 1e6:
        return Fraction(int(text.number)), None
    return Fraction(1), text


def with_factor(name: str, left: Text, right: Text) -> Text:
    """An operator on two texts, with what it shows of their numeric factors."""
    (a, left_rest), (b, right_rest) = factor(left), factor(right)
    written = write(OPERATIONS[name], [left, right])
    if name == "div" and left_rest is None and right_rest is None and b:
        return replace(written, scaled=(a / b, None))
    if name != "mul" or (a == 1 and b == 1):
        return written
    rests = [rest for rest in (left_rest, right_rest) if rest is not None]
    rest = reduce(lambda x, y: compose(OPERATIONS["mul"], [x, y]), rests) if rests else None
    if rest is None or a == 1 or b == 1:
        return replace(written, scaled=(a * b, rest))
    size = atom(float(abs(a * b).numerator))
    text = rest if size.number == 1 else write(OPERATIONS["mul"], [size, rest])
    if (a * b).denominator != 1:
        text = write(OPERATIONS["div"], [text, atom(float((a * b).denominator))])
    text = replace(text, scaled=(abs(a * b), rest))
    return negated(text) if a * b < 0 else text


def fold(name: str, left: str, right: str) -> float | None:
    """The sum, difference or product of two numbers where it can be written in 15 digits."""
    from decimal import Context, Decimal, Inexact

    context = Context(prec=15, traps=[])
    applied = {
        "add": context.add,
        "sub": context.subtract,
        "mul": context.multiply,
    }.get(name)
    if applied is None:
        return None
    result = applied(Decimal(left), Decimal(right))
    value = float(result)
    return value if not context.flags[Inexact] and Decimal(repr(value)) == result else None


def negated(operand: Text) -> Text:
    """The text with the opposite sign."""
    if operand.number == 0:
        return operand
    if operand.opposite is not None:
        return operand.opposite
    if operand.number is not None:
        return atom(-operand.number)
    if operand.binds == PRODUCT:
        return Text(f"-{operand.text}", PRODUCT, opposite=operand)
    return write(OPERATIONS["neg"], [operand])


def simplified(name: str, left: Text, right: Text) -> Text | None:
    """A simpler text for an operator on two texts, or None."""
    a, b = left.number, right.number

    def again(name: str, left: Text, right: Text) -> Text:
        return compose(OPERATIONS[name], [left, right])

    if name in ("mul", "div") and a == 0:
        return atom(0.0)
    if name in ("mul", "div", "pow") and b == 1:
        return left
    if name in ("add", "sub") and b == 0:
        return left
    if name == "add" and a == 0:
        return right
    if name == "sub" and a == 0:
        return negated(right)
    if name == "add" and left.text == right.text:
        return again("mul", atom(2.0), left)
    if name in ("add", "sub") and right.opposite is not None:
        return again("sub" if name == "add" else "add", left, right.opposite)
    if name == "mul" and b == 0:
        return atom(0.0)
    if name == "mul" and a == 1:
        return right
    if name in ("mul", "div"):  # a sign goes to the front
        if left.opposite is not None:
            return negated(again(name, left.opposite, right))
        if right.opposite is not None:
            return negated(again(name, left, right.opposite))
    if name == "pow" and b == 0:
        return atom(1.0)
    return None


def rule_text(
    operation: Operation,
    k: int,
    operands: Sequence[Text],
    out: Text,
    values: Sequence[Any] = (),
) -> Text:
    """The local gradient for operand k over the texts of the operands and the result.

    values: of the operands; given, a rule such as `if(x > 0, 1, 0)` shows the side it takes.
    """
    rules = texts_of(operation).shown
    if operation.variadic:
        graph = rules[0]
        leaves = {"x": operands[k], "out": out, "n": atom(float(len(operands)))}
        leaves["ties"] = Text("ties")
    else:
        graph = rules[k]
        leaves = dict(zip(operation.operands, operands, strict=True)) | {"out": out}
    known = dict(zip(operation.operands, values, strict=True)) if values else {}
    return all_texts(graph, leaves, known)[graph.output]


def all_texts(
    graph: Graph,
    leaves: Mapping[str, Text],
    known: Mapping[str, Any],
) -> list[Text]:
    """Every node of a graph over texts; an `if` between known leaves is decided."""
    texts: list[Text] = []

    def leaf(node: int) -> Any:
        return graph.constants[node] if node in graph.constants else known[graph.names[node]]

    for node, operation in enumerate(graph.operations):
        if operation is None:
            name = graph.constants.get(node)
            texts.append(leaves[graph.names[node]] if name is None else atom(name))
            continue
        operands, comparison = graph.operands[node], comparison_of(graph, node)
        if comparison and known:
            left, right, *sides = operands
            sign = (leaf(left) > leaf(right)) - (leaf(left) < leaf(right))
            texts.append(texts[sides[0 if compare(sign, comparison) else 1]])
            continue
        texts.append(compose(operation, [texts[k] for k in operands], comparison))
    return texts


# The local gradients of a function of the program

LONGEST = 100
"""Characters of the longest derived rule of a block that is spelled out."""

LARGEST = 60
"""Nodes of the largest function whose rules are derived."""


def block_rule(body: Graph, k: str, leaves: Mapping[str, Text], out: Text) -> Text | None:
    """The local gradient of a function for its parameter k, by the backward pass over symbols.

    leaves: the texts of the parameters; out: that of the result, which a rule such as
    `out*(1 - out)` uses. None where it cannot be written in LONGEST characters.
    """
    function = Function.of("", tuple(body.variables), body)
    if function.size > LARGEST:
        return None
    tape = Graph()
    parameters = tuple([tape.variable(name) for name in body.variables])
    output = tape.inline(function, parameters, (0, 0), 0)
    symbols = Symbols()
    nodes = {name: symbols.variable(name) for name in body.variables}
    result = symbols.copy(tape, nodes)[output]
    (node,) = gradient(symbols, result, [nodes[k]])
    names = symbols.tape.names
    names.update({nodes[name]: leaf.within(ATOM) for name, leaf in leaves.items()})
    if result not in nodes.values() and result not in symbols.tape.constants:
        names[result] = out.text
    if node in names:
        return Text(names[node])
    text = expression_text(symbols.tape, node, longest=LONGEST)
    return None if text.text == "..." else text
