"""Messages of the diagnosis: templates over the nodes, edges and numbers of a trace.

After the colon a field says how its thing is written: `{node:title}` is `n3 (mul)`,
`{operand:named}` is `w1 = -3`. So what is tried stays data, and only what is reported becomes text.
"""

import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..language.graph import Graph
from ..language.printer import expression_text
from .perturbed import Arc, Sheet

__all__ = ["Formula", "filled", "listed"]


@dataclass(frozen=True, slots=True)
class Formula:
    """A text of the table at an edge; renamed: other names for some of its own; number: its value."""

    arc: Arc
    text: Graph
    renamed: dict[str, str] = field(default_factory=dict)
    number: Any = None


def name(sheet: Sheet, node: int) -> str:
    return sheet.nodes[node].name


def value(sheet: Sheet, node: int) -> str:
    return sheet.figure(sheet.values[node])


def upstream(sheet: Sheet, node: int) -> str:
    return sheet.figure(sheet.gradients[node])


def contribution(sheet: Sheet, arc: Arc) -> str:
    return f"at {sheet.title(arc.sender)} the contribution to {name(sheet, arc.operand)}"


def local(sheet: Sheet, arc: Arc) -> str:
    """`2*x = 6`: the local gradient of an edge, as a formula and a number."""
    number = sheet.figure(arc.local)
    rule = str(arc.rule) if arc.rule else f"d{name(sheet, arc.sender)}/d{name(sheet, arc.operand)}"
    return number if rule == number else f"{rule} = {number}"


def spelled(sheet: Sheet, formula: Formula) -> str:
    """A text of the table over the names of the nodes, some of them replaced."""
    sender = formula.arc.sender
    row = sheet.row(sender)
    assert row is not None
    operands = [name(sheet, k) for k in sheet.operands(sender)]
    names = dict(zip(row.operands, operands, strict=True)) | {"out": name(sheet, sender)}
    names |= formula.renamed
    shown = {node: names.get(leaf, leaf) for leaf, node in formula.text.variables.items()}
    return expression_text(replace(formula.text, names=shown), formula.text.output).text


def equated(sheet: Sheet, formula: Formula) -> str:
    """`2*x = 6`: a text of the table at an edge, and its number."""
    text, number = spelled(sheet, formula), sheet.figure(formula.number)
    return text if text == number else f"{text} = {number}"


WRITERS: dict[str, Callable[[Sheet, Any], str]] = {
    "name": name,
    "title": lambda sheet, node: sheet.title(node),
    "named": lambda sheet, node: sheet.named(node),
    "value": value,
    "upstream": upstream,
    "contribution": contribution,
    "local": local,
    "rule": lambda _, arc: str(arc.rule),
    "spelled": spelled,
    "equated": equated,
    "figure": lambda sheet, number: sheet.figure(number),
    "short": lambda _, number: f"{number:g}",
    "": lambda _, text: str(text),
}
"""How a field is written, by what stands after its colon."""


class Filler(string.Formatter):
    """Fills in templates from a sheet."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet

    def format_field(self, value: Any, format_spec: str) -> str:
        """The text of a field."""
        return WRITERS[format_spec](self.sheet, value)


def filled(sheet: Sheet, template: str, fields: Mapping[str, Any]) -> str:
    """The message that a template and its fields make."""
    return Filler(sheet).vformat(template, (), fields)


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`; of very many, how many more there are."""
    if len(names) > MOST:
        names = [*names[: MOST - 1], f"{len(names) - MOST + 1:,} more"]
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


MOST = 8
"""Places that a message lists."""
