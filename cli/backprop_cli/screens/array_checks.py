"""A check of arrays on a terminal: a verdict a row, and below the numbers of what is wrong.

A large array is not written out: its first wrong elements are.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from rich.text import Text

from backprop_grammar.arrays.record import Tensor
from backprop_grammar.arrays.text import columns, inline, is_large
from backprop_grammar.checks.array_differences import ArrayDifference
from backprop_grammar.diagnosis.array_claims import ArrayVerdict
from backprop_grammar.diagnosis.array_mistakes import ARRAY_MISTAKES
from backprop_grammar.diagnosis.mistakes import MISTAKES
from backprop_grammar.errors import visible
from backprop_grammar.numbers.decimal import decimal, telling
from backprop_grammar.operations.shape import said
from backprop_grammar.views.options import Options

from .checks import BAD, GOOD, Page
from .terminal import NAME, QUIET, TITLE, WARNING, Column, Grid, ascii_only, console

__all__ = ["show"]

FEW = 4
"""Wrong elements that are listed of a large array."""


def show(report: Any, options: Options) -> None:
    """Print what a check found."""
    screen = console()
    page = ArrayPage(report, options, screen.width, ascii_only(screen))
    for line in page.lines():
        screen.print(line, crop=False, overflow="ignore")


class ArrayPage(Page):
    """The lines of a screen of some width."""

    sentences: ClassVar = {
        mistake.name: mistake.sentence for mistake in (*MISTAKES, *ARRAY_MISTAKES)
    }

    def value_text(self, value: Any) -> str:
        tensor = value if isinstance(value, Tensor) else Tensor((), (value,))
        return inline(tensor, self.digits, self.options.everything)

    # claims

    def claims(self, title: str, what: str, verdicts: Sequence[ArrayVerdict]) -> Iterable[Text]:
        wrong = sum(not verdict.right for verdict in verdicts)
        yield from self.paragraph(self.title(title, wrong, len(verdicts)))
        rows = [
            [
                Text(visible(verdict.name.removeprefix("value.")), NAME),
                Text(said(verdict.correct.shape) if verdict.correct.shape else ""),
                Text(visible(verdict.text), GOOD if verdict.right else BAD),
            ]
            for verdict in verdicts
        ]
        yield from self.table([Column("of"), Column("shape"), Column("verdict")], rows)

    def explains(self, verdict: Any) -> bool:
        return False

    def reasons(self, verdict: Any, said: dict[tuple[str, ...], str]) -> Iterable[Text]:
        """The numbers of a wrong claim, and what explains it; what was said of another is referred to."""
        if verdict.right and not verdict.advice:
            return
        kept = self.kept(verdict.diagnoses)
        messages = tuple(diagnosis.message for diagnosis in kept)
        if messages and messages in said:  # which says that it explains this one, too
            return
        yield Text()
        name = Text(visible(verdict.name), NAME)
        if messages:
            said[messages] = visible(verdict.name)
            lead = " is explained by" if kept[0].certain else " is consistent with"
            yield from self.paragraph(name.append(lead, QUIET))
            for diagnosis in kept:
                yield from self.diagnosis(diagnosis)
        else:
            yield from self.paragraph(name.append(f": {verdict.text}"))
        yield from self.numbers(verdict)
        for advice in verdict.advice:
            yield from self.advice(advice)

    def numbers(self, verdict: ArrayVerdict) -> Iterable[Text]:
        """What is claimed beside what is right."""
        what = verdict.target.kind
        whole = verdict.claimed.shape
        texts = verdict.claimed.texts
        places = tuple(map(float, range(len(texts))))
        claimed = Tensor(whole, places) if len(whole) < 3 else None
        if claimed is None or is_large(claimed) or is_large(verdict.correct):
            yield from self.first_wrong(verdict)
            return
        left = columns(claimed, self.digits, text=lambda k, digits: shown(texts[int(k)], digits))  # type: ignore[arg-type]  # fmt: skip
        right = columns(verdict.correct, self.digits)
        rows = [[Text("\n".join(left)), Text("\n".join(right))]]
        grid = Grid([Column("claimed"), Column(what)], rows)
        if grid.width() + 2 <= self.width:
            titles = [Text(column.title, QUIET) for column in grid.columns]
            widths = grid.widths()
            for line in (*grid.row(titles, widths), *grid.row(rows[0], widths)):
                yield Text("  ") + line
            return
        for title, lines in (("claimed", left), (what, right)):
            if max(map(len, lines)) + 4 > self.width:
                yield from self.first_wrong(verdict)
                return
            yield Text(f"  {title}", QUIET)
            for text in lines:
                yield Text(f"    {text}".rstrip())

    def first_wrong(self, verdict: ArrayVerdict) -> Iterable[Text]:
        """The first wrong elements of an array, a line each."""
        places = verdict.wrong
        if not places or len(verdict.claimed.texts) != len(verdict.correct.numbers):
            return
        most = len(places) if self.options.everything else FEW
        for k in places[:most]:
            right = verdict.correct.numbers[k]
            number = verdict.claimed.numbers[k]
            claimed = shown(verdict.claimed.texts[k], self.digits)
            correct = "unused" if right is None else decimal(right, self.digits)
            if claimed == correct and number is not None and right is not None:
                claimed, correct = telling(number, right, self.digits)
            line = Text.assemble("  ", (verdict.label(k), NAME), f" = {visible(claimed)}, it is {correct}")  # fmt: skip
            yield from self.paragraph(line, 4)
        if len(places) > most:
            yield from self.paragraph(Text(f"  and {len(places) - most:,} more; --all shows them all", QUIET), 4)  # fmt: skip

    # differences

    def differences(self, differences: Any) -> Iterable[Text]:
        inputs = differences.inputs
        wrong = sum(one.verdict == "wrong" for one in inputs)
        yield from self.paragraph(self.title("Inputs against difference quotients", wrong, len(inputs)))  # fmt: skip
        rows = [
            [
                Text(visible(one.name), NAME),
                Text(said(one.shape) if one.shape else ""),
                Text(looked_at(one)),
                Text("" if one.error is None else f"{one.error:.1g}", QUIET),
                Text(one.verdict, STYLES.get(one.verdict, WARNING)),
            ]
            for one in inputs
        ]
        titles = [Column("of"), Column("shape"), Column("compared"), Column("error", right=True), Column("verdict")]  # fmt: skip
        if rows:
            yield from self.table(titles, rows)
        others = [row for one in inputs for row in one.rows if row.verdict != "right"]
        if others:
            yield Text()
            yield from self.paragraph(Text("Elements that are not right", TITLE))
            yield from self.rows("of", others)


STYLES = {"right": GOOD, "wrong": BAD}


def looked_at(one: ArrayDifference) -> str:
    """`all 6`, `64 of 7,840, and all at once`."""
    n, whole = len(one.elements), math.prod(one.shape)
    if n == whole:
        return f"all {n:,}" if one.shape else ""
    some = f"{n:,} of {whole:,}" if n else ""
    return ", and ".join(part for part in (some, "all at once" if one.direction else "") if part)


def shown(text: str, digits: int) -> str:
    """A claimed number: as it is written, where it is short; else to some digits."""
    if len(text) <= digits + 4:
        return visible(text)
    try:
        return decimal(float(text), digits)
    except ValueError:
        return visible(text)
