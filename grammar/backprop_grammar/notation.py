"""Graph to text: the printer is the parser's inverse.

The insight: text is one more algebra. A piece of text carries how tightly it binds
(and its number, when it is one), so the same rules print a program back with just
the parentheses it needs, and compose a local gradient such as `2*x` from the
table's `y*x^(y - 1)`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from .arithmetic import compare
from .graph import Graph
from .operations import OPERATIONS, Operation
from .passes import backward

__all__ = [
    "Text",
    "atom",
    "compose",
    "formula",
    "number_text",
    "program_text",
    "rule_text",
    "write",
]

SUM, PRODUCT, SIGNED, POWER, ATOM = range(1, 6)
"""How tightly a piece of text binds, loosest first; the levels of the grammar."""


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of text, how tightly it binds, and the number it stands for if it is one."""

    text: str
    binds: int = ATOM
    number: float | None = None

    def within(self, level: int) -> str:
        """The text, in parentheses where it binds more loosely than the level."""
        return self.text if self.binds >= level else f"({self.text})"


def number_text(value: float) -> str:
    """The shortest text that reads back as the same float: 2, 0.5, 1e-07, 1e+22."""
    if value == int(value) and abs(value) < 1e16:
        return str(int(value))
    return repr(value)


def atom(value: float | str) -> Text:
    """A name or a number as text."""
    if isinstance(value, str):
        return Text(value)
    return Text(number_text(value), SIGNED if value < 0 else ATOM, value)


def write(operation: Operation, operands: Sequence[Text], comparison: str = "") -> Text:
    """An operation on texts, as it is written, without simplification."""
    name = operation.name
    if name == "identity":
        return operands[0]
    if name == "neg":
        return Text(f"-{operands[0].within(SIGNED)}", SIGNED)
    if name in ("add", "sub"):
        left, right = operands
        return Text(f"{left.within(SUM)} {operation.symbol} {right.within(PRODUCT)}", SUM)
    if name in ("mul", "div"):
        left, right = operands
        return Text(f"{left.within(PRODUCT)}{operation.symbol}{right.within(SIGNED)}", PRODUCT)
    if name == "pow":
        left, right = operands
        return Text(f"{left.within(ATOM)}^{right.within(SIGNED)}", POWER)
    texts = [operand.text for operand in operands]
    if name == "if":
        return Text(f"if({texts[0]} {comparison} {texts[1]}, {texts[2]}, {texts[3]})")
    for default in reversed(operation.defaults):
        if len(texts) > operation.arity[0] and operands[len(texts) - 1].number == default:
            texts.pop()
    return Text(f"{name}({', '.join(texts)})")


def formula(graph: Graph, node: int, named: Callable[[int], Text]) -> Text:
    """One node over the texts of its operands."""
    operation = graph.operations[node]
    if operation is None:
        return named(node)
    operands = [named(k) for k in graph.operands[node]]
    if node in graph.condition_of:
        comparison = graph.conditions[graph.condition_of[node]].comparison
        return write(operation, operands, comparison)
    return write(operation, operands)


# A whole program


def program_text(graph: Graph, separator: str = "; ") -> str:
    """The program of a graph: parsing it gives the same graph again."""
    lines = [
        f"{f.name}({', '.join(f.parameters)}) = {expression_text(f.body, f.body.output).text}"
        for f in graph.functions.values()
    ]
    for name, node in graph.stages:
        if name in graph.inputs:
            lines.append(f"{name} = {number_text(graph.inputs[name])}")
        elif name:
            lines.append(f"{name} = {expression_text(graph, node).text}")
        else:
            lines.append(expression_text(graph, node, named=node in graph.names).text)
    return separator.join(lines)


def expression_text(graph: Graph, node: int, named: bool = False) -> Text:
    """The expression that a node was written as, down to names and numbers.

    named: the expression may be just the node's own name.
    """
    if named:
        return atom(graph.names[node])
    texts: dict[int, Text] = {}
    order: list[int] = []
    pending = [node]
    while pending:  # operands before what uses them, without recursion
        current = pending.pop()
        order.append(current)
        if current == node or current not in graph.names:
            block = graph.blocks.get(current)
            pending.extend(block.operands if block else graph.operands[current])
    for current in reversed(order):
        if current in texts:
            continue
        if current != node and current in graph.names:
            texts[current] = atom(graph.names[current])
        elif current in graph.constants:
            texts[current] = atom(graph.constants[current])
        elif current in graph.blocks:
            block = graph.blocks[current]
            inside = ", ".join(texts[k].text for k in block.operands)
            texts[current] = Text(f"{block.function}({inside})")
        elif graph.operations[current] is None:
            texts[current] = atom(graph.names[current])
        else:
            texts[current] = formula(graph, current, texts.__getitem__)
    return texts[node]


# Local gradients as formulas


def compose(operation: Operation, operands: Sequence[Text], comparison: str = "") -> Text:
    """An operation on texts, simplified the way a person would: 1*x, x + 0, x^1, --x, 2*3."""
    name = operation.name
    numbers = [operand.number for operand in operands]
    if name in ("add", "sub", "mul") and None not in numbers and operation.value:
        result = operation.value(*numbers)
        if result == int(result) and abs(result) < 1e15:
            return atom(result)
    if name == "neg":
        if numbers[0] is not None:
            return atom(0.0 - numbers[0])
        if operands[0].binds == SIGNED and operands[0].text.startswith("-"):
            return unsigned(operands[0])
        if operands[0].binds == PRODUCT:
            if operands[0].text.startswith("-"):
                return Text(operands[0].text[1:], PRODUCT)
            return Text(f"-{operands[0].text}", PRODUCT)
    if name in ("add", "sub", "mul", "div", "pow"):
        left, right = operands
        a, b = numbers
        if name == "add":
            if a == 0:
                return right
            if b == 0:
                return left
            if left.text == right.text:
                return compose(OPERATIONS["mul"], [atom(2.0), left])
            if right.binds == SIGNED and right.text.startswith("-"):
                return compose(OPERATIONS["sub"], [left, unsigned(right)])
        if name == "sub" and b == 0:
            return left
        if name == "mul":
            if a == 0 or b == 0:
                return atom(0.0)
            if a == 1:
                return right
            if b == 1:
                return left
            if a == -1:
                return compose(OPERATIONS["neg"], [right])
            if b == -1:
                return compose(OPERATIONS["neg"], [left])
        if name == "div" and (b == 1 or (a == 0 and b != 0)):
            return left
        if name == "pow" and b == 1:
            return left
        if name == "pow" and b == 0:
            return atom(1.0)
    return write(operation, operands, comparison)


def unsigned(text: Text) -> Text:
    """A signed text without its sign."""
    if text.number is not None:
        return atom(-text.number)
    inner = text.text[1:]
    return Text(inner, POWER if "^" in inner else ATOM)


@cache
def rule_graphs(operation: Operation) -> list[Graph]:
    """The displayed local gradients of a row, as graphs."""
    from .parser import parse

    return [parse(text, name=operation.name, internal=True) for text in operation.rules]


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
    rules = rule_graphs(operation)
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
    graph: Graph, leaves: Mapping[str, Text], known: Mapping[str, Any] | None = None
) -> list[Text]:
    """Every node of a graph over texts; an `if` between known leaves is decided."""
    texts: list[Text] = []

    def leaf(node: int) -> Any:
        return graph.constants[node] if node in graph.constants else known[graph.names[node]]  # type: ignore[index]

    for node, operation in enumerate(graph.operations):
        if operation is not None:
            comparison = ""
            if node in graph.condition_of:
                comparison = graph.conditions[graph.condition_of[node]].comparison
                if known:
                    left, right, *sides = graph.operands[node]
                    sign = (leaf(left) > leaf(right)) - (leaf(left) < leaf(right))
                    texts.append(texts[sides[0 if compare(sign, comparison) else 1]])
                    continue
            texts.append(compose(operation, [texts[k] for k in graph.operands[node]], comparison))
        elif node in graph.constants:
            texts.append(atom(graph.constants[node]))
        else:
            texts.append(leaves[graph.names[node]])
    return texts


LONGEST = 400
"""Characters of the longest derived rule of a block that is spelled out."""


def block_rule(body: Graph, k: str, leaves: Mapping[str, Text]) -> Text | None:
    """The local gradient of a function of the program, derived by the backward pass over texts.

    None where it is longer than LONGEST.
    """
    try:
        texts = all_texts_short(body, leaves)
    except OverflowError:
        return None
    depends = [False] * len(body)
    depends[body.variables[k]] = True
    for node, operands in enumerate(body.operands):
        depends[node] = depends[node] or any(depends[i] for i in operands)

    def local(node: int, k: int) -> Text | None:
        operation = body.operations[node]
        assert operation is not None
        if node in body.condition_of:
            test = body.conditions[body.condition_of[node]]
            sides = [Text("0"), Text("0")]
            if k < 2:
                return None
            sides[k - 2] = Text("1")
            left, right = texts[test.left], texts[test.right]
            return Text(
                f"if({left.text} {test.comparison} {right.text}, {sides[0].text}, {sides[1].text})"
            )
        return rule_text(operation, k, [texts[i] for i in body.operands[node]], texts[node])

    def short(name: str, pieces: list[Text]) -> Text:
        result = pieces[0]
        for piece in pieces[1:]:
            result = compose(OPERATIONS[name], [result, piece])
            if len(result.text) > LONGEST:
                raise OverflowError
        return result

    try:
        gradients, _ = backward(
            body, body.output, atom(1.0), 0, depends.__getitem__, local,
            lambda upstream, slope: short("mul", [upstream, slope]),
            lambda contributions: short("add", contributions),
        )  # fmt: skip
    except OverflowError:
        return None
    return gradients.get(body.variables[k], atom(0.0))


def all_texts_short(graph: Graph, leaves: Mapping[str, Text]) -> list[Text]:
    texts = all_texts(graph, leaves) if len(graph) < 60 else []
    if not texts or any(len(text.text) > LONGEST for text in texts):
        raise OverflowError
    return texts


def decimal_text(digits: str) -> str:
    """Decimal digits in the notation of the other numbers: 1.2e-400, 12.5."""
    value = Decimal(digits)
    return f"{value:f}" if -5 < value.adjusted() < 16 else f"{value:e}"
