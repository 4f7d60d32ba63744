"""The marks of a class on a terminal: a line for each row, and what went wrong how often."""

from collections.abc import Iterable

from rich.text import Text

from backprop_grammar.errors import shorten, visible
from backprop_grammar.quiz.grading import Class, Graded
from backprop_grammar.quiz.marking import column
from backprop_grammar.views.options import Options

from .terminal import NAME, QUIET, TITLE, WARNING, Column, Grid, ascii_only, console, wrapped

__all__ = ["show"]

MANY = 60
"""Rows above which only the summary is shown, unless all are asked for."""

CAUSES = 12
"""Mistakes that are shown, the most frequent first."""

GOOD, BAD = "green", "red"


def show(found: Class, options: Options) -> None:
    """Print the marks and the summary."""
    screen = console()
    page = Page(found, screen.width, ascii_only(screen))
    every = options.everything or len(found.rows) <= MANY
    for line in [*(page.rows() if every else ()), *page.summary(every)]:
        screen.print(line, crop=False, overflow="ignore")


class Page:
    """The lines on a screen of some width."""

    def __init__(self, found: Class, width: int, plain: bool) -> None:
        self.found, self.width = found, width
        self.rule, self.bar = ("-", "#") if plain else ("─", "█")

    def rows(self) -> Iterable[Text]:
        """A line for each row; what is said of its first wrong line stands below where it is long."""
        found = self.found
        columns = [
            Column("student"),
            Column("marks", right=True),
            Column("first wrong"),
            Column("why"),
        ]
        rows = [
            [
                Text(shorten(visible(row.student)), NAME),
                marks(row),
                Text(column(row.first.blank) if row.first else ""),
                Text(visible(row.diagnosis), "" if row.first else WARNING),
            ]
            for row in found.rows
        ]
        grid = Grid(columns, rows)
        if grid.width() <= self.width:
            yield from grid.lines(self.rule)
        else:
            narrow = Grid(columns[:3], [row[:3] for row in rows])
            head, rule, *lines = narrow.lines(self.rule)
            yield head
            yield rule
            for line, row in zip(lines, rows, strict=True):
                yield from self.wrap(line)
                if row[3].plain:
                    yield from self.wrap(Text("  ") + row[3])
        yield Text()

    def wrap(self, text: Text) -> list[Text]:
        return wrapped(text, self.width)

    def summary(self, every: bool) -> Iterable[Text]:
        found = self.found
        graded = [row for row in found.rows if not row.why]
        full = sum(all(mark.right for mark in row.marks) for row in graded)
        right, of = sum(row.points for row in graded), sum(len(row.marks) for row in graded)
        share = f", {100 * right / of:.0f} % of all answers are right" if of else ""
        yield from self.wrap(
            Text.assemble(("Summary", TITLE), f"  {full} of {len(graded)} have all right{share}")
        )
        yield from self.causes(len(graded))
        said = []
        if found.failed:
            said.append(f"{found.failed} of {len(found.rows)} rows could not be graded")
        if found.missing:
            said.append(
                f"no column holds {', '.join(found.missing[:8])}{', ...' * (len(found.missing) > 8)}"
            )
        if found.twice:
            more = len(found.twice) - 1
            others = f" and {more} more stand" if more else " stands"
            said.append(f"{shorten(visible(found.twice[0]))}{others} in several rows")
        if found.commas:
            many = f"{found.commas} answers have" if found.commas > 1 else "1 answer has"
            said.append(f"{many} a decimal comma, which was read as a point")
        if found.unsearched:
            said.append(
                f"{found.unsearched} more answers that no single mistake explains were not searched further"
            )
        if any(row.following for row in graded):
            said.append("+1 is an answer that follows rightly from a wrong line, and is no mark")
        if not every:
            said.append("--all shows every row")
        for one in said:
            yield from self.wrap(Text.assemble(("note: ", WARNING), one))

    def causes(self, graded: int) -> Iterable[Text]:
        """How many made which mistake, as bars."""
        found = self.found.causes.most_common(CAUSES)
        if not found:
            return
        digits = len(str(found[0][1]))
        room = max(4, min(24, self.width // 4))
        for cause, count in found:
            bar = self.bar * max(1, round(count / found[0][1] * room))
            line = Text.assemble(
                (f"{count:>{digits}} of {graded}  ", NAME),
                (bar.ljust(room), BAD),
                f"  {visible(cause)}",
            )
            yield from self.wrap(line)
        rest = len(self.found.causes) - len(found)
        if rest > 0:
            yield Text(f"and {rest} others", QUIET)


def marks(row: Graded) -> Text:
    """`2/4`, or `2/4 +1` where one more follows from a wrong line."""
    if row.why:
        return Text("-", QUIET)
    more = f" +{row.following}" if row.following else ""
    full = row.points == len(row.marks)
    return Text(f"{row.points}/{len(row.marks)}{more}", GOOD if full else BAD)
