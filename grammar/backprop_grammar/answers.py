"""What Python and notebooks ask, checked, and what every answer has: its record, pictures, views."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from operator import index
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from .errors import BackpropError, shorten, usage
from .language.graph import as_array
from .language.parser import plain_name
from .numbers.decimal import Decimals
from .numbers.wide import UNEVALUATED
from .trace.index import find
from .trace.point import finite
from .trace.record import Flag, Note
from .trace.record import Trace as TraceRecord
from .views.options import Options, checked_theme

if TYPE_CHECKING:
    from .arrays.record import ArrayTrace as ArrayTraceRecord
    from .checks.formula_claims import Formulas
    from .checks.report import Report as ReportRecord
    from .explain.document import Explanation as ExplanationRecord

__all__ = [
    "DIGITS",
    "MOST_DIGITS",
    "MOST_POINTS",
    "MOST_SEED",
    "Answer",
    "Evaluated",
    "Explanation",
    "Names",
    "Report",
    "checked",
    "chosen",
    "figures",
    "joined",
    "listed",
    "named",
    "no_arrays",
    "numbers",
    "once",
    "rendered",
    "whole",
    "with_rules",
]

N = TypeVar("N")
V = TypeVar("V", bound=Any)
Names = str | Sequence[str]

DIGITS = 6
"""Significant digits of the numbers that are shown, unless others are asked for."""

MOST_DIGITS = 17
"""As many tell one float from any other."""

MOST_POINTS = 10**6
"""The most random points at which two programs are compared, or formulas."""

MOST_SEED = 10**18
"""The largest seed of random arrays, and points."""


def rendered(view: str, record: Any, digits: int, **options: Any) -> str:
    """A record in one of the views, which is loaded now."""
    shown = Options(digits, **options)
    text: str = import_module(f".views.{view}", __package__).render(record, shown)
    return text


def listed(names: Names) -> list[str]:
    """Names, given one by one or as one text: `"w,b"`. Raises BackpropError for what is none."""
    if isinstance(names, str):
        return [plain_name(name.strip()) for name in split_names(names) if name.strip()]
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise usage(f"{shorten(repr(names))} is no list of names", 'write "w,b" or ["w", "b"]')
    return [plain_name(name) for name in names]


def split_names(text: str) -> list[str]:
    """Names with commas between them; the one in W[0,1] is none of these."""
    if "[" not in text:
        return text.split(",")
    return re.split(r",(?![^\[]*\])", text)


def checked(value: object, what: str) -> str:
    """A text. Raises BackpropError for what is none."""
    if not isinstance(value, str):
        raise usage(f"{what} is of type {type(value).__name__}, not a text")
    return value


def named(value: object, what: str = "a name") -> str:
    """A name as programs have it: theta for θ. Raises BackpropError for what is none."""
    return plain_name(checked(value, what))


def whole(value: object, what: str, least: int, most: int) -> int:
    """A whole number in a range. Raises BackpropError for what is none."""
    if (
        isinstance(value, bool)
        or not hasattr(value, "__index__")
        or not least <= index(value) <= most
    ):
        shown = shorten(repr(value))
        raise usage(f"{what} is a whole number from {least:,} to {most:,}, not {shown}")
    return index(value)


def figures(digits: int | None = None, decimals: int | None = None) -> int:
    """How numbers are shown: at so many significant digits, or with so many decimals.

    Raises BackpropError where both are given, or one that is out of its range.
    """
    if decimals is None:
        return whole(DIGITS if digits is None else digits, "digits", 1, MOST_DIGITS)
    if digits is not None:
        raise usage("digits and decimals are two ways to show a number", "give one of them")
    return Decimals(whole(decimals, "decimals", 0, MOST_DIGITS))


def chosen(value: object, what: str) -> bool:
    """True or False. Raises BackpropError for what is neither."""
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        value = value.item()  # a scalar of NumPy's
    if not isinstance(value, bool):
        raise usage(f"{what} is True or False, not {shorten(repr(value))}")
    return value


def numbers(values: object, what: str) -> dict[str, float]:
    """A number for each of some names. Raises BackpropError for what is none."""
    if not isinstance(values, Mapping):
        shown = shorten(repr(values))
        raise usage(f"{what} is a dict of numbers, not {shown}", 'write {"x": 1.0}')
    return {named(name): finite(x, f"{what} of {name}") for name, x in values.items()}


def once(names: Iterable[str], more: Mapping[str, Any]) -> list[str]:
    """Names. Raises BackpropError for one that a mapping has, too, and for what is none."""
    result = [named(name) for name in names]
    for name in result:
        if name in more:
            raise usage(f"{name} is given twice", "give each name one value")
    return result


def joined(first: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Two mappings of names. Raises BackpropError for a name that is in both, and for one that is none."""
    result: dict[str, Any] = {}
    for name, value in (*first.items(), *more.items()):
        result[once([name], result)[0]] = value
    return result


def no_arrays(what: str) -> BackpropError:
    """The error for what is not built for programs over arrays."""
    return usage(
        f"{what} takes programs over numbers, not over vectors and matrices",
        'Program.at(..., expand="all") is a trace of the elements, which are numbers',
        reason="arrays",
    )


def with_rules(trace: Any, verdicts: tuple[V, ...]) -> tuple[V, ...]:
    """Verdicts on claims, each diagnosis with the rule that would have prevented the mistake."""
    if not any(verdict.diagnoses for verdict in verdicts):
        return verdicts
    from .explain.prevention import ruled  # only where a mistake is named

    return ruled(trace, verdicts)


class Answer:
    """What is asked of a program: a record, shown with some digits.

    It is pickled, and copied, as the question, which is asked again: a program is its text.
    """

    def __init__(self, record: Any, digits: int, again: Callable[[], Any]) -> None:
        """Digits: significant ones of the numbers that are shown. again: asks the question."""
        self.record = record
        self.digits = digits
        self.again = again

    def __reduce__(self) -> tuple[Callable[[], Any], tuple[()]]:
        return self.again, ()


class Evaluated(Answer, Generic[N]):
    """A forward and a backward pass, and what there is to say of them."""

    record: "TraceRecord | ArrayTraceRecord"
    notebook = "documents.notebook"
    """The view that a notebook shows."""
    arrays = False
    """Whether arrays stand where numbers do."""

    @property
    def output(self) -> str:
        """The name of the node that is differentiated."""
        return self.record.output_name

    @property
    def notes(self) -> tuple[Note, ...]:
        """Remarks on right answers: a kink, a tie, digits that floats alone would have lost."""
        return self.record.notes

    @property
    def flags(self) -> tuple[Flag, ...]:
        """Why a gradient does not exist, or no float holds it."""
        return self.record.flags

    @property
    def nodes(self) -> tuple[N, ...]:
        """The nodes, operands before what uses them."""
        return tuple([self.node(node) for node in self.record.nodes])

    def told(self) -> Any:
        """The record for a picture or for words, which begin at one output."""
        return self.listed()

    # pictures

    def _repr_svg_(self) -> str | None:
        return self.in_notebook("pictures.svg")

    def _repr_html_(self) -> str | None:
        return self.in_notebook(self.notebook)

    def in_notebook(self, view: str) -> str | None:
        """A view; None where the graph is too large for a picture, so that its text is shown."""
        try:
            return self.drawn(view)
        except BackpropError:
            return None

    def drawn(self, view: str, **options: Any) -> str:
        """A picture in which every node gets a place, so that its size has a limit."""
        from .views.drawing.layers import check_size  # loaded when it is asked for

        check_size(len(self.told().nodes))
        return rendered(view, self.record, self.digits, **options)

    def svg(self, *, width: float | Literal["a4"] | None = None, theme: str = "light") -> str:
        """The picture as an SVG file.

        width: pixels that it may be wide, and is folded into rows for, or "a4" for what that sheet
        takes best. theme: "light", "dark", or "auto" for the one of whoever looks at it.
        """
        text: str = self.picture("pictures.svg", width, theme)
        return text

    def pdf(self, *, width: float | Literal["a4"] | None = None, theme: str = "light") -> bytes:
        """The picture as a PDF file of one page, which is an A4 sheet where the width is "a4"."""
        data: bytes = self.picture("pictures.pdf", width, theme)
        return data

    def dot(self) -> str:
        """The picture for Graphviz."""
        return rendered("pictures.dot", self.told(), self.digits)

    def mermaid(self) -> str:
        """The picture for Mermaid."""
        return rendered("pictures.mermaid", self.told(), self.digits)

    def tikz(self, *, width: float | Literal["a4"] | None = None, theme: str = "light") -> str:
        """The picture in TikZ, for LaTeX; width and theme as of an SVG, but for "auto"."""
        text: str = self.picture("pictures.tikz", width, theme)
        return text

    def picture(self, view: str, width: float | str | None, theme: str) -> Any:
        """A picture of some width on a ground of its own."""
        if width is not None and width != "a4":
            width = finite(width, "the width")
        return self.drawn(view, width=width, theme=checked_theme(theme, view == "pictures.svg"))

    def __getitem__(self, name: str) -> N:
        """The node of that name. Raises BackpropError with the nearest name where there is none."""
        name = named(name, "the name of a node")
        node = self.record.by_name.get(name)
        return self.node(find(self.listed(), name) if node is None else node)

    def listed(self, evaluated: bool = False) -> Any:
        """The record with its nodes. Raises BackpropError where it has none, or only an outline."""
        if not self.record.nodes:
            raise usage("the trace was made without its nodes", "leave out nodes=False")
        if evaluated and self.record.value is UNEVALUATED:
            raise usage("an outline has no numbers", "evaluate the program at a point")
        return self.record

    def formulas(
        self,
        claims: Mapping[str, str],
        points: int | None,
        seed: int,
        over: Mapping[str, Any] | None,
    ) -> "Formulas":
        """The verdicts on gradients that are claimed as formulas, here and at other points.

        points, seed, over: as of ``Program.claim``.
        """
        from .checks.formula_claims import judge_formulas, not_moved  # loaded when it is asked for

        if points is not None:
            points = whole(points, "points", 1, MOST_POINTS)
        seed = whole(seed, "the seed", 0, MOST_SEED)
        trace, how = self.record, dict(self.again.keywords)  # type: ignore[attr-defined]

        def traced(point: Mapping[str, Any], of: str) -> Any:
            at = {name: as_array(x).nested for name, x in point.items()}
            asked = {**how, "output": of, "upstream": None} if of else how
            return self.again.func(self.again.args[0], at, **asked).record  # type: ignore[attr-defined]

        judged = judge_formulas(
            trace.program, claims, traced, trace.at, given=True, fixed=not_moved(trace),
            count=points, seed=seed, box=over,
        )  # fmt: skip
        return judged._replace(verdicts=with_rules(judged.trace, judged.verdicts))

    def __contains__(self, node: object) -> bool:
        return node in (self.nodes if not isinstance(node, str) else self.record.by_name)

    def __iter__(self) -> Iterator[N]:
        self.listed()
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.listed().nodes)

    def __bool__(self) -> bool:
        return True

    def node(self, node: Any) -> N:
        """A node of the record with names for the places of its operands."""
        raise NotImplementedError


class Explanation(Answer):
    """The backward pass, or one gradient, in words."""

    record: "ExplanationRecord"

    def __str__(self) -> str:
        from .views.documents.text import explanation_text  # loaded when it is asked for

        return explanation_text(self.record)

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def markdown(self) -> str:
        """The words as Markdown."""
        return rendered("documents.markdown", self.record, self.digits)

    def latex(self) -> str:
        """The words as a LaTeX document."""
        return rendered("documents.latex", self.record, self.digits)

    def json(self) -> str:
        """The words and their facts as one JSON document."""
        return rendered("documents.explanation_json", self.record, self.digits)


class Report(Answer):
    """What a check found; it is true where all is right."""

    record: "ReportRecord"

    @property
    def right(self) -> bool:
        """Whether all is right."""
        return self.record.right

    def __bool__(self) -> bool:
        return self.right

    def __str__(self) -> str:
        from .views.documents.text import check_text  # loaded when it is asked for

        return check_text(self.record, self.digits)

    __repr__ = __str__

    def json(self) -> str:
        """The findings as one JSON document, the format backprop-check/1."""
        return rendered("documents.check_json", self.record, self.digits)
