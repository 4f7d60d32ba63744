"""Answers on a sheet, marked: right, to the digits written, following from a wrong line, or wrong.

A wrong answer is looked up among the numbers that single mistakes lead to. Whoever goes on rightly
from a wrong number of their own has made one mistake, not many: what the rule makes of their own
numbers is said to follow.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple

from ..arrays.record import ArrayTrace
from ..diagnosis.claims import typed_number
from ..diagnosis.perturbed import Sheet
from ..errors import BackpropError
from ..language.parser import parse
from ..numbers.wide import as_float
from ..trace.evaluate import evaluate
from .record import GRADIENTS, NEAR, Blank, Variant, Wrong

__all__ = [
    "BLANK",
    "FOLLOWS",
    "RIGHT",
    "ROUNDED",
    "UNREAD",
    "WRONG",
    "Answer",
    "Mark",
    "Marker",
    "read",
]

RIGHT = "right"
ROUNDED = "right to the digits written"
FOLLOWS = "follows from a wrong line"
WRONG = "wrong"
BLANK = "blank"
UNREAD = "not a number"

FEWEST = 2
"""Significant digits that a rounded answer has, at least."""

MINUS = str.maketrans({"\u2212": "-", "\u2013": "-", "\u00a0": " ", "\u202f": " "})
"""Signs that word processors put for a minus and a space."""

COMMA = re.compile(r"([+-]?[0-9]*),([0-9]+)\Z", re.ASCII)
"""A number with a decimal comma."""

NAMED = re.compile(r"[A-Za-z_]")


class Answer(NamedTuple):
    """What was written. number, half: as it is read, and half a unit of its last digit; both None of
    a blank and of what is no number. digits: significant ones that were written. comma: whether a
    comma was read as the decimal point. why: what keeps it from being a number.
    """

    text: str
    number: Decimal | None = None
    half: Decimal | None = None
    digits: int = 0
    comma: bool = False
    why: str = ""


class Mark(NamedTuple):
    """The mark of one blank. status: RIGHT, ROUNDED, FOLLOWS, WRONG, BLANK or UNREAD; wrong: the
    mistake that leads to the number, where one does.
    """

    blank: Blank
    answer: Answer
    status: str
    wrong: Wrong | None = None

    @property
    def right(self) -> bool:
        return self.status in (RIGHT, ROUNDED)


def read(text: str, values: Mapping[str, float] | None = None) -> Answer:
    """An answer as a person writes it: 0.39, -.2, 1/3, 0,39, or over the names of the program, 2*x.

    values: of the names. What has two meanings, such as 1,234, is none.
    """
    plain = text.translate(MINUS).strip().removeprefix("'").removeprefix("=").strip()
    if not plain:
        return Answer(text)
    comma = COMMA.match(plain)
    if comma and len(comma[2]) == 3 and comma[1].lstrip("+-") not in ("", "0"):
        return Answer(
            text, why=f"{plain} may be a thousand times {comma[1]}.{comma[2]}; write a point"
        )
    if comma:
        plain = f"{comma[1]}.{comma[2]}"
    try:
        if values and NAMED.search(plain):
            program = parse(plain)
            known = {name: values[name] for name in program.variables if name in values}
            number = as_float(evaluate(program.bind(known), known, nodes=False).value)
            if number is None:
                return Answer(text, why="it is no number that a float holds")
            exact = Decimal(repr(number))
            return Answer(text, exact, abs(exact) * Decimal("1e-12"), 15)
        found, half = typed_number(plain)
    except BackpropError as error:
        return Answer(text, why=error.message)
    return Answer(text, found, half, len(found.as_tuple().digits), comma is not None)


@dataclass
class Marker:
    """Marks the answers on one sheet."""

    variant: Variant

    @cached_property
    def values(self) -> dict[str, float]:
        """The value of every number by its name, for answers that are formulas."""
        nodes = self.variant.trace.nodes
        if isinstance(self.variant.trace, ArrayTrace):
            return {}
        found = {node.name: as_float(node.value) for node in nodes if node.kind != "constant"}
        return {name: x for name, x in found.items() if x is not None}

    @cached_property
    def sheet(self) -> Sheet | None:
        """What the trace holds, to go on from the answers; None of arrays."""
        trace = self.variant.trace
        return None if isinstance(trace, ArrayTrace) else Sheet.of(trace)

    def marks(self, answers: Mapping[str, str]) -> list[Mark]:
        """The marks, in the order of the blanks. answers: by the names of ``column``."""
        given = {
            blank: read(answers.get(column(blank), ""), self.values)
            for blank in self.variant.blanks
        }
        own = {
            blank.node: float(answer.number)
            for blank, answer in given.items()
            if blank.kind == GRADIENTS and answer.number is not None
        }
        return [self.mark(blank, answer, own) for blank, answer in given.items()]

    def mark(self, blank: Blank, answer: Answer, own: Mapping[str, float]) -> Mark:
        if answer.number is None:
            return Mark(blank, answer, UNREAD if answer.why else BLANK)
        status = judged(blank.answer, blank.exact, answer)
        if status != WRONG:
            return Mark(blank, answer, status)
        if blank.kind == GRADIENTS:
            sent = self.sent(blank.node, own)
            if sent is not None and judged(sent, False, answer) != WRONG:
                return Mark(blank, answer, FOLLOWS)
        for wrong in blank.wrongs:
            if judged(wrong.number, blank.exact, answer) != WRONG:
                return Mark(blank, answer, WRONG, wrong)
        return Mark(blank, answer, WRONG)

    def sent(self, name: str, own: Mapping[str, float]) -> float | None:
        """What the rules make of a person's own numbers above a node; None where all of these are
        right, or one is missing.
        """
        sheet = self.sheet
        node = None if sheet is None else sheet.find(name)
        if sheet is None or node is None:
            return None
        total, changed = 0.0, False
        for arc in sheet.received[node]:
            if not arc.routed:
                continue
            upstream = own.get(sheet.nodes[arc.sender].name, float(sheet.gradients[arc.sender]))
            changed = changed or abs(upstream - sheet.gradients[arc.sender]) > NEAR * abs(upstream)
            total += upstream * float(arc.local)
        return total if changed else None


def column(blank: Blank) -> str:
    """What the column of a blank is called: its node, `value.h` of a value."""
    return blank.node if blank.kind == GRADIENTS else f"value.{blank.node}"


def judged(right: float, exact: bool, answer: Answer) -> str:
    """RIGHT, ROUNDED or WRONG: whether an answer is a number, as it is or to the digits written."""
    assert answer.number is not None and answer.half is not None
    off = abs(float(answer.number) - right)
    if off <= (1e-9 if exact else NEAR) * abs(right):
        return RIGHT
    if off <= float(answer.half) * (1 + 1e-9) and answer.digits >= FEWEST:
        return ROUNDED
    return WRONG
