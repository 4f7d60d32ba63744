"""The answers of a class, graded: a row each, and what the class got wrong."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import zip_longest
from typing import Any, NamedTuple

from ..arrays.point import bind
from ..errors import BackpropError, few, shorten, usage, visible
from ..language.graph import Graph
from ..language.parser import parse
from ..operations.shape import size
from .marking import BLANK, EXACTLY, FOLLOWS, SHORT, UNREAD, WRONG, Mark, Marker, column, labels
from .quiz import KINDS, quiz
from .record import JUDGED_DIGITS, Blank, Variant
from .searching import searched

__all__ = ["FORMAT", "Class", "Graded", "Sheets", "grade"]

FORMAT = "backprop-quiz/1"
"""The document of a quiz, against which answers are graded."""

STUDENTS = ("student", "name", "id", "matriculation", "email")
"""What the column is called that says whose answers a row holds; else it is the first one."""

SEARCHED = 240
"""Nodes, of all different rows together, in which it is searched for wrong numbers that no single
mistake on the sheet leads to."""

MOST_NUMBER = 10**12
"""The largest number of a sheet."""

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
    def following(self) -> int:
        """Blanks that follow rightly from a wrong line."""
        return sum(mark.status == FOLLOWS for mark in self.marks)

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
        if first.status == SHORT:
            return f"{shorten(visible(first.answer.text.strip()))} has too few digits; {JUDGED_DIGITS} are asked for"
        if first.wrong is None:
            return "none of the single mistakes gives this number"
        return f"{first.wrong.message}. {first.wrong.rule}"


@dataclass
class Class:
    """All rows. header: of the file. asked: the columns that are answers. missing: blanks of the
    sheets that the file has no column for. causes: how many students made which mistake, by its
    words. twice: students that stand in several rows. commas: how many answers had a decimal comma.
    unsearched: different rows whose wrong numbers were only looked up, for there are too many.
    """

    header: tuple[str, ...]
    asked: tuple[str, ...]
    missing: tuple[str, ...] = ()
    rows: list[Graded] = field(default_factory=list)
    causes: Counter[str] = field(default_factory=Counter)
    twice: tuple[str, ...] = ()
    commas: int = 0
    unsearched: int = 0

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
        self.searches, self.unsearched = SEARCHED, 0

    @classmethod
    def of_document(cls, document: Any) -> "Sheets":
        """Those of a quiz as JSON. Raises BackpropError for what is none."""
        if why := unlike_a_quiz(document):
            raise usage(f"this is no quiz: {why}", "write one as JSON", reason="no quiz")
        program = parse(document["program"], name="the quiz")
        made = {one["variant"]: one for one in document["variants"]}
        if len(made) < len(document["variants"]):
            raise usage("two sheets of the quiz have one number", "write the quiz again")
        return cls(made, program, document["blank"])

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
                made = self.computed(number, made)
            self.markers[number] = Marker(made)
        return self.markers[number]

    def computed(self, number: int, document: Mapping[str, Any]) -> Variant:
        """A sheet of a document, computed again. Raises BackpropError where that is another one."""
        bound, at = bind(self.program, document["at"])
        missing = [name for name in bound.variables if name not in at]
        if missing:
            raise usage(
                f"sheet {number} of the quiz gives {few(missing)} no value", "write the quiz again"
            )
        (made,) = quiz(bound, at, first=number, blank=self.blank).variants
        said = [(one.get("node"), one.get("kind"), one.get("answer")) for one in document["blanks"]]
        right = [(blank.node, blank.kind, blank.answer) for blank in made.blanks]
        for one, other in zip_longest(said, right):
            if one is None or other is None or one[:2] != other[:2] or not near(one[2], other[2]):
                raise usage(
                    f"sheet {number} of the quiz was changed: its answers are not those of its program",
                    "write the quiz again, or grade against the program at a point",
                )
        return made

    @property
    def first(self) -> Variant:
        """The first of the sheets; all have the same blanks."""
        return self.marker(str(next(iter(self.made)))).variant


def unlike_a_quiz(document: Any) -> str:
    """What keeps a document from being a quiz; empty where nothing does."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        return f"its format is not {FORMAT}"
    for key, kind in (("program", str), ("blank", list), ("variants", list)):
        if not isinstance(document.get(key), kind):
            return f"its {key} is missing, or no {'text' if kind is str else 'list'}"
    blank = document["blank"]
    if not blank or not all(kind in KINDS for kind in blank):
        return "its blank lists something else than values and gradients"
    if not document["variants"]:
        return "it has no variants"
    for k, one in enumerate(document["variants"]):
        if not isinstance(one, dict) or not isinstance(one.get("at"), dict):
            return f"variants.{k} has no point"
        number, blanks = one.get("variant"), one.get("blanks")
        if isinstance(number, bool) or not isinstance(number, int) or not 0 < number <= MOST_NUMBER:
            return f"variants.{k} has no number"
        if not isinstance(blanks, list) or not all(isinstance(each, dict) for each in blanks):
            return f"variants.{k} has no blanks"
    return ""


def near(x: Any, y: float) -> bool:
    """Whether a number of a document is one that was computed again."""
    number = isinstance(x, float) or (isinstance(x, int) and not isinstance(x, bool))
    return number and abs(Decimal(x) - Decimal(y)) <= Decimal(EXACTLY) * abs(Decimal(y))


def whole(text: str) -> int:
    """A number of a sheet as spreadsheets write it; -1 for what is none."""
    digits = text.removesuffix(".0")
    plain = digits.isascii() and digits.isdigit() and len(digits) <= len(str(MOST_NUMBER))
    return int(digits) if plain else -1


def places_of(header: Sequence[str], blanks: Sequence[Blank], output: str) -> dict[str, int]:
    """Where the answers stand in a row, by the names of ``column``.

    A column is called as its blank is, or x, dx, df/dx, in letters of any case where that is plain.
    Raises BackpropError for two columns of one blank.
    """
    known: dict[str, str] = {}
    for blank in blanks:
        for name in (column(blank), *labels(blank, output)):
            known.setdefault(name, column(blank))
    for blank in blanks:  # a name itself says more than what is said of another one
        known[column(blank)] = column(blank)
    folded: dict[str, set[str]] = {}
    for name, meant in known.items():
        folded.setdefault(name.lower(), set()).add(meant)
    found: dict[str, int] = {}
    alike = {name: next(iter(meant)) for name, meant in folded.items() if len(meant) == 1}
    names = ["".join(cell.split()) for cell in header]
    for spelled in (
        [known.get(name) for name in names],
        [alike.get(name.lower()) for name in names],
    ):
        exact = dict(found)
        for k, of in enumerate(spelled):
            if of is None or of in exact or k in exact.values():
                continue
            if of in found:
                raise usage(f"two columns are answers to {shorten(visible(of))}", "leave one out")
            found[of] = k
    return {column(blank): found[column(blank)] for blank in blanks if column(blank) in found}


def place_of(names: Sequence[str], header: Sequence[str], taken: Collection[int]) -> int | None:
    """The column that has one of some names. Raises BackpropError where two have the same."""
    lower = [cell.strip().lower() for cell in header]
    for name in names:
        places = [k for k, cell in enumerate(lower) if cell == name and k not in taken]
        if len(places) > 1:
            raise usage(f"two columns are called {name}", "leave one of them out")
        if places:
            return places[0]
    return None


def grade(sheets: Sheets, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Class:
    """The answers of a class. header: names of the columns; rows: their cells.

    A row that cannot be graded says why, and stops no other. Raises BackpropError for a file in which
    no column is an answer.
    """
    first = sheets.first
    wanted = [column(blank) for blank in first.blanks]
    asked = places_of(header, first.blanks, first.trace.output_name)
    if not asked:
        raise usage(
            f"no column of the answers is one of {few(wanted, 8)}", "name a column after each blank"
        )
    variant = place_of(VARIANTS, header, asked.values())
    if variant is None and len(sheets.made) > 1:
        raise usage("no column says which sheet a row answers", "call it variant")
    taken = [*asked.values(), -1 if variant is None else variant]
    student = place_of(STUDENTS, header, taken)
    if student is None and 0 not in taken:
        student = 0
    found = Class(
        tuple(header), tuple(asked), tuple([name for name in wanted if name not in asked])
    )
    cache: dict[tuple[str, ...], tuple[Mark, ...] | str] = {}
    seen: Counter[str] = Counter()
    for cells in rows:
        own = [cells[k] if k < len(cells) else "" for k in asked.values()]
        sheet = cells[variant] if variant is not None and variant < len(cells) else ""
        key = (sheet.strip(), *own)
        name = cells[student] if student is not None and student < len(cells) else ""
        seen[name] += 1
        marks: tuple[Mark, ...] | str
        if any(cell.strip() for cell in cells[len(header) :]):
            marks = f"the row has {len(cells)} cells, and the header {len(header)}: a cell with a comma in it needs quotes"
        else:
            if key not in cache:
                cache[key] = marks_of(sheets, sheet, dict(zip(asked, own, strict=True)))
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
    found.unsearched = sheets.unsearched
    found.twice = tuple([name for name, count in seen.items() if count > 1 and name.strip()])
    return found


def marks_of(sheets: Sheets, sheet: str, answers: Mapping[str, str]) -> tuple[Mark, ...] | str:
    """The marks of a row; or why there are none."""
    try:
        marker = sheets.marker(sheet)
    except BackpropError as error:
        return error.message
    marks = [mark for mark in marker.marks(answers) if column(mark.blank) in answers]
    if any(mark.status == WRONG and mark.wrong is None for mark in marks):
        if sheets.searches > 0:
            sheets.searches -= nodes_of(marker.variant)
            marks = searched(marker, marks)
        else:
            sheets.unsearched += 1
    return tuple(marks)


def nodes_of(variant: Variant) -> int:
    """Nodes of a sheet, an array counting as its elements."""
    return sum(size(getattr(node.value, "shape", ())) for node in variant.trace.nodes)


def causes(row: Graded) -> Iterator[str]:
    """The mistakes of a row, as they are counted: `the upstream gradient left out at n3`."""
    for mark in row.marks:
        if mark.status == WRONG and mark.wrong is not None:
            yield (
                f"{mark.wrong.mistake} at {mark.wrong.node}"
                if mark.wrong.node
                else mark.wrong.mistake
            )
        if mark.status == SHORT:
            yield "too few digits written"
