"""The answers of a class, graded: a row each, and what the class got wrong."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..arrays.point import bind
from ..errors import BackpropError, shorten, usage, visible
from ..language.graph import Graph
from ..language.parser import parse
from .marking import BLANK, FOLLOWS, UNREAD, WRONG, Mark, Marker, column
from .quiz import quiz
from .record import Variant

__all__ = ["FORMAT", "Class", "Graded", "Sheets", "grade"]

FORMAT = "backprop-quiz/1"
"""The document of a quiz, against which answers are graded."""

STUDENTS = ("student", "name", "id", "matriculation", "email")
"""What the column is called that says whose answers a row holds; else it is the first one."""

VARIANTS = ("variant", "sheet")
"""What the column is called that says which sheet they were given."""


class Graded(NamedTuple):
    """A row: its cells as they were, whose it is, its marks; why: what keeps it from being graded."""

    cells: tuple[str, ...]
    student: str
    marks: tuple[Mark, ...]
    why: str = ""

    @property
    def points(self) -> int:
        """Blanks that are right; what follows rightly from a wrong line is not wrong again."""
        return sum(mark.right for mark in self.marks)

    @property
    def first(self) -> Mark | None:
        """The first blank, in the order in which they are computed, that is not right."""
        return next(
            (mark for mark in self.marks if not mark.right and mark.status != FOLLOWS), None
        )

    @property
    def diagnosis(self) -> str:
        """What the first wrong line is explained by."""
        first = self.first
        if self.why or first is None:
            return self.why
        if first.status == BLANK:
            return "left blank"
        if first.status == UNREAD:
            return f"{shorten(visible(first.answer.text.strip()))} was not read: {first.answer.why}"
        if first.wrong is None:
            return "none of the single mistakes gives this number"
        return f"{first.wrong.message}. {first.wrong.rule}"


@dataclass
class Class:
    """All rows. header: of the file. asked: the columns that are answers. missing: blanks of the
    sheets that the file has no column for. causes: how many students made which mistake, by its
    words. twice: students that stand in several rows. read: how many answers had a decimal comma.
    """

    header: tuple[str, ...]
    asked: tuple[str, ...]
    missing: tuple[str, ...] = ()
    rows: list[Graded] = field(default_factory=list)
    causes: Counter[str] = field(default_factory=Counter)
    twice: tuple[str, ...] = ()
    commas: int = 0

    @property
    def failed(self) -> int:
        """Rows without marks."""
        return sum(bool(row.why) for row in self.rows)


class Sheets:
    """The sheets that answers are graded against, by their numbers; each is computed when asked for."""

    def __init__(
        self, made: Mapping[int, Variant | Mapping[str, Any]], program: Graph, blank: Sequence[str]
    ) -> None:
        self.made, self.program, self.blank = dict(made), program, tuple(blank)
        self.markers: dict[int, Marker] = {}

    @classmethod
    def of_document(cls, document: Any) -> "Sheets":
        """Those of a quiz as JSON. Raises BackpropError for what is none."""
        try:
            if document["format"] != FORMAT:
                raise ValueError
            program = parse(document["program"], name="the quiz")
            made = {int(one["variant"]): one["at"] for one in document["variants"]}
            blank = [str(kind) for kind in document["blank"]]
        except (KeyError, TypeError, ValueError):
            raise usage(
                "this is no quiz", "write one with: backprop quiz PROGRAM -o quiz.json"
            ) from None
        return cls(made, program, blank)

    @classmethod
    def of(cls, variant: Variant, program: Graph, blank: Sequence[str]) -> "Sheets":
        """One sheet alone."""
        return cls({variant.number: variant}, program, blank)

    def marker(self, text: str) -> Marker:
        """Of the sheet that a cell names. Raises BackpropError where there is none."""
        text = text.strip()
        number = next(iter(self.made)) if not text and len(self.made) == 1 else whole(text)
        if number not in self.made:
            raise usage(
                f"there is no sheet {shorten(visible(text))}" if text else "no sheet is named"
            )
        if number not in self.markers:
            made = self.made[number]
            if not isinstance(made, Variant):
                bound, at = bind(self.program, made)
                (made,) = quiz(bound, at, first=number, blank=self.blank).variants
            self.markers[number] = Marker(made)
        return self.markers[number]

    def columns(self) -> list[str]:
        """What the columns of the blanks are called, on the first of the sheets."""
        first = self.marker(str(next(iter(self.made))))
        return [column(blank) for blank in first.variant.blanks]


def whole(text: str) -> int:
    """A number of a sheet as spreadsheets write it; -1 for what is none."""
    digits = text.removesuffix(".0")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 13 else -1


def grade(sheets: Sheets, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Class:
    """The answers of a class. header: names of the columns; rows: their cells.

    A row that cannot be graded says why, and stops no other. Raises BackpropError for a file in which
    no column is an answer.
    """
    places = {name.strip(): k for k, name in reversed([*enumerate(header)])}
    wanted = sheets.columns()
    asked = {name: places[name] for name in wanted if name in places}
    if not asked:
        few = ", ".join(wanted[:8]) + ", ..." * (len(wanted) > 8)
        raise usage(f"no column of the answers is one of {few}", "name a column after each blank")
    lower = {name.lower(): k for name, k in places.items()}
    student = next((lower[name] for name in STUDENTS if name in lower), 0)
    variant = next((lower[name] for name in VARIANTS if name in lower), None)
    found = Class(
        tuple(header), tuple(asked), tuple([name for name in wanted if name not in asked])
    )
    cache: dict[tuple[str, ...], tuple[Mark, ...] | str] = {}
    seen: Counter[str] = Counter()
    for cells in rows:
        own = [cells[k] if k < len(cells) else "" for k in asked.values()]
        sheet = cells[variant] if variant is not None and variant < len(cells) else ""
        key = (sheet, *own)
        if key not in cache:
            cache[key] = marks_of(sheets, sheet, dict(zip(asked, own, strict=True)))
        name = cells[student] if student < len(cells) else ""
        seen[name] += 1
        marks = cache[key]
        row = (
            Graded(tuple(cells), name, (), marks)
            if isinstance(marks, str)
            else Graded(tuple(cells), name, marks)
        )
        found.rows.append(row)
        found.commas += sum(mark.answer.comma for mark in row.marks)
        for cause in dict.fromkeys(causes(row)):
            found.causes[cause] += 1
    found.twice = tuple([name for name, count in seen.items() if count > 1])
    return found


def marks_of(sheets: Sheets, sheet: str, answers: Mapping[str, str]) -> tuple[Mark, ...] | str:
    """The marks of a row; or why there are none."""
    try:
        marks = sheets.marker(sheet).marks(answers)
    except BackpropError as error:
        return error.message
    return tuple([mark for mark in marks if column(mark.blank) in answers])


def causes(row: Graded) -> Iterator[str]:
    """The mistakes of a row, as they are counted: `the upstream gradient left out at n3`."""
    for mark in row.marks:
        if mark.status == WRONG and mark.wrong is not None:
            yield f"{mark.wrong.mistake} at {mark.wrong.node}"
