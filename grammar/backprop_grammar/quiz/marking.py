"""Answers on a sheet, marked: right, to the digits written, following from a wrong line, or wrong.

A wrong answer is looked up among the numbers that single mistakes lead to. Whoever goes on rightly
from a wrong number of their own has made one mistake, not many: what the rule makes of their own
numbers is said to follow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from ..arrays.lower import element, elements
from ..arrays.record import ArrayTrace
from ..diagnosis.follows import backward
from ..diagnosis.perturbed import Sheet
from ..language.graph import as_array
from ..numbers.wide import as_float
from .going_on import Own, going_on
from .reading import Answer, read
from .record import GRADIENTS, NEAR, VALUES, Blank, Variant, Wrong

__all__ = [
    "BLANK",
    "EXACTLY",
    "FOLLOWS",
    "RIGHT",
    "ROUNDED",
    "SHORT",
    "UNREAD",
    "WRONG",
    "Mark",
    "Marker",
    "column",
    "judged",
    "labels",
    "marked",
]

RIGHT = "right"
ROUNDED = "right to the digits written"
FOLLOWS = "follows from a wrong line"
SHORT = "too few digits"
WRONG = "wrong"
BLANK = "blank"
UNREAD = "not a number"

FEWEST = 2
"""Significant digits that a rounded answer has, at least."""

EXACTLY = 1e-9
"""How far off, relative to its size, an answer is that is the number itself."""


class Mark(NamedTuple):
    """The mark of one blank. status: RIGHT, ROUNDED, FOLLOWS, SHORT, WRONG, BLANK or UNREAD;
    wrong: the mistake that leads to the number, where one does.
    """

    blank: Blank
    answer: Answer
    status: str
    wrong: Wrong | None = None

    @property
    def right(self) -> bool:
        return self.status in (RIGHT, ROUNDED)

    @property
    def off(self) -> int:
        """0 where the answer is the number itself, 1 where it was rounded, 2 where it is another."""
        if not self.right:
            return 2 if self.answer.number is not None else 0
        return 0 if exactly(self.blank.answer, self.answer) else 1


@dataclass
class Marker:
    """Marks the answers on one sheet."""

    variant: Variant

    @cached_property
    def values(self) -> dict[str, Any]:
        """The value of every node by its name, for answers that are formulas."""
        trace = self.variant.trace
        if isinstance(trace, ArrayTrace):
            return {name: as_array(value).nested for name, value in self.variant.at.items()}
        found = {node.name: as_float(node.value) for node in trace.nodes if node.kind != "constant"}
        return {name: x for name, x in found.items() if x is not None}

    @cached_property
    def sheet(self) -> Sheet:
        """What the trace of numbers holds, to go on from the answers."""
        return Sheet.of(self.variant.trace)

    @cached_property
    def backward(self) -> Any:
        """The backward pass over arrays with some gradients pinned."""
        return backward(self.variant.trace)

    @cached_property
    def called(self) -> dict[Blank, tuple[str, ...]]:
        """What may stand before an answer: x = 0.39."""
        output = self.variant.trace.output_name
        return {blank: labels(blank, output) for blank in self.variant.blanks}

    def marks(self, answers: Mapping[str, str]) -> list[Mark]:
        """The marks, in the order of the blanks. answers: by the names of ``column``."""
        marks = []
        for blank in self.variant.blanks:
            answer = read(answers.get(column(blank), ""), self.values, self.called[blank])
            marks.append(marked(blank, answer))
        wrong = [mark for mark in marks if mark.status == WRONG]
        if not wrong or not any(mark.off for mark in marks if mark is not wrong[0]):
            return marks
        expected = self.going_on(marks)
        return [following(mark, expected.get(column(mark.blank))) for mark in marks]

    def going_on(self, marks: Sequence[Mark]) -> dict[str, Own]:
        """What the rules make of a person's own numbers, where these are not the right ones."""
        if isinstance(self.variant.trace, ArrayTrace):
            return self.going_on_in_arrays(marks)
        own = {
            (mark.blank.node, mark.blank.kind): Own(float(mark.answer.number), mark.off)
            for mark in marks
            if mark.answer.number is not None
        }
        return going_on(self.sheet, own)

    def going_on_in_arrays(self, marks: Sequence[Mark]) -> dict[str, Own]:
        """The same of gradients of arrays, a node after the other."""
        trace = self.variant.trace
        own: dict[str, dict[str, Own]] = {}
        for mark in marks:
            if mark.blank.kind == GRADIENTS and mark.answer.number is not None:
                elements_of = own.setdefault(mark.blank.node.partition("[")[0], {})
                elements_of[mark.blank.node] = Own(float(mark.answer.number), mark.off)
        pinned: dict[str, list[float]] = {}
        found: dict[str, Own] = {}
        off = 0
        for node in reversed(trace.nodes):
            given = own.get(node.name)
            if given is None or not any(one.off for one in given.values()):
                continue
            names = [element(node.name, place) for place in elements(node.shape)]
            right = [as_float(x) or 0.0 for x in node.gradient.numbers]
            made = self.backward(pinned).get(node.name, right) if pinned else right
            for name, x, y in zip(names, made, right, strict=True):
                if abs(x - y) > EXACTLY * abs(y):
                    found[name] = Own(x, off)
            pinned[node.name] = [
                given[name].number if name in given else x
                for name, x in zip(names, made, strict=True)
            ]
            off = max(off, *(one.off for one in given.values()))
        return found


def labels(blank: Blank, output: str) -> tuple[str, ...]:
    """What a blank is called before an equals sign."""
    name = blank.node
    if blank.kind == VALUES:
        return name, f"value.{name}"
    return name, f"d{name}", f"d{output}/d{name}", f"\u2202{output}/\u2202{name}"


def marked(blank: Blank, answer: Answer) -> Mark:
    """The mark of an answer for itself."""
    if answer.number is None:
        return Mark(blank, answer, UNREAD if answer.why else BLANK)
    status = judged(blank.answer, blank.exact, answer)
    if status == RIGHT:
        return Mark(blank, answer, RIGHT)
    if status in (ROUNDED, SHORT):  # unless it is, digit by digit, what a mistake leads to
        wrong = next((one for one in blank.wrongs if exactly(one.number, answer)), None)
        return Mark(blank, answer, WRONG if wrong else status, wrong)
    for wanted in (RIGHT, ROUNDED):
        for wrong in blank.wrongs:
            if judged(wrong.number, blank.exact, answer) == wanted:
                return Mark(blank, answer, WRONG, wrong)
    return Mark(blank, answer, WRONG)


def following(mark: Mark, own: Own | None) -> Mark:
    """A wrong answer that is what the rules make of the person's own numbers follows from them;
    where these were rounded only, it is right.
    """
    if mark.status != WRONG or own is None:
        return mark
    if judged(own.number, False, mark.answer) not in (RIGHT, ROUNDED):
        return mark
    return mark._replace(status=FOLLOWS if own.off > 1 else ROUNDED, wrong=None)


def column(blank: Blank) -> str:
    """What the column of a blank is called: its node, `value.h` of a value."""
    return blank.node if blank.kind == GRADIENTS else f"value.{blank.node}"


def judged(right: float, exact: bool, answer: Answer) -> str:
    """RIGHT, ROUNDED, SHORT or WRONG: whether an answer is a number.

    A short decimal is asked for as it is, another number may be NEAR it; both may be rounded to
    FEWEST digits or more. What has only one digit, where it would round to that, has too few.
    """
    assert answer.number is not None and answer.half is not None
    off = abs(float(answer.number) - right)
    if off <= (EXACTLY if exact else NEAR) * abs(right):
        return RIGHT
    if off <= float(answer.half) * (1 + EXACTLY):
        if answer.digits >= FEWEST:
            return ROUNDED
        if answer.digits and not exact:
            return SHORT
    return WRONG


def exactly(number: float, answer: Answer) -> bool:
    assert answer.number is not None
    return abs(float(answer.number) - number) <= EXACTLY * abs(number)
