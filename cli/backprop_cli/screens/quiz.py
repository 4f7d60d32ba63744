"""A quiz on a terminal: what is given, the values, and a line to fill in for each gradient."""

from collections.abc import Iterable, Sequence

from rich.text import Text

from backprop_grammar.errors import visible
from backprop_grammar.quiz.exercises import EXERCISES
from backprop_grammar.quiz.record import GRADIENTS, VALUES, Blank, Quiz, Variant
from backprop_grammar.quiz.sheet import Row, backward, forward, given
from backprop_grammar.views.options import Options

from .prose import block
from .terminal import (
    GRADIENT,
    NAME,
    QUIET,
    TITLE,
    VALUE,
    Column,
    Grid,
    ascii_only,
    console,
    program_lines,
    wrapped,
)

__all__ = ["show", "show_exercises"]

LINE = "________"
"""Where an answer is written."""


def show(quiz: Quiz, options: Options) -> None:
    """Print the sheets one below the other; with their keys where these are asked for."""
    screen = console()
    page = Page(quiz, screen.width, ascii_only(screen), options.key)
    for k, variant in enumerate(quiz.variants):
        for line in [*([Text(), Text()] if k else []), *page.lines(variant)]:
            screen.print(line, crop=False, overflow="ignore")


def show_exercises() -> None:
    """A line for each exercise: its name, what courses call it, and what it teaches."""
    screen = console()
    longest = max(map(len, EXERCISES))
    for name, row in EXERCISES.items():
        told = Text.assemble(
            (name.ljust(longest), NAME), "  ", row.title, (f"  {row.teaches}", QUIET)
        )
        for part in wrapped(told, screen.width, longest + 2):
            screen.print(part, crop=False, overflow="ignore")


class Page:
    """The lines of a sheet on a screen of some width."""

    def __init__(self, quiz: Quiz, width: int, plain: bool, key: bool) -> None:
        self.quiz, self.width, self.key = quiz, width, key
        self.rule = "-" if plain else "─"

    def lines(self, variant: Variant) -> Iterable[Text]:
        yield from self.head(variant)
        inputs = ", ".join(f"{row.name} = {one_line(row)}" for row in given(variant))
        yield from self.wrap(Text.assemble(("given  ", QUIET), visible(inputs)))
        for kind, rows in ((VALUES, forward(variant)), (GRADIENTS, backward(variant))):
            if rows:
                yield Text()
                yield from self.table(kind, rows, variant)
        if any(not blank.exact for blank in variant.blanks):
            yield Text()
            yield from self.wrap(
                Text("Where no short number comes out, 3 digits are enough.", QUIET)
            )
        if self.key:
            yield from self.worked(variant)

    def head(self, variant: Variant) -> Iterable[Text]:
        title = self.quiz.title or "Fill in the blanks"
        about = f"sheet {variant.number}, seed {self.quiz.seed}" + (", key" if self.key else "")
        yield from self.wrap(Text.assemble((title, TITLE), "  ", (about, QUIET)))
        for stage in program_lines(self.quiz.program, self.width):
            yield from self.wrap(Text(stage))

    def wrap(self, text: Text) -> list[Text]:
        return wrapped(text, self.width)

    def table(self, kind: str, rows: Sequence[Row], variant: Variant) -> Iterable[Text]:
        """The values forward, or the gradients backward; on a narrow terminal a line each."""
        output = variant.trace.output_name
        title = "Forward" if kind == VALUES else f"Backward: the gradients of {output}"
        yield from self.wrap(Text(visible(title), TITLE))
        style = VALUE if kind == VALUES else GRADIENT
        cells = [self.cells(row, style) for row in rows]
        names = [Text(visible(row.name), NAME) for row in rows]
        if kind == VALUES:
            columns = [Column("node"), Column("formula"), Column("value")]
            formulas = [Text(visible(row.formula)) for row in rows]
            grid = Grid(columns, [list(line) for line in zip(names, formulas, cells, strict=True)])
        else:
            columns = [Column("by"), Column("gradient")]
            grid = Grid(columns, [list(line) for line in zip(names, cells, strict=True)])
        if grid.width() <= self.width:
            yield from grid.lines(self.rule)
            return
        for row, cell in zip(rows, cells, strict=True):
            head = row.name + (f" = {row.formula}" if kind == VALUES else "")
            yield from self.wrap(Text(visible(head), NAME))
            for part in cell.split("\n"):
                yield from self.wrap(Text("  ") + part)

    def cells(self, row: Row, style: str) -> Text:
        """The numbers of a node, a row of a matrix on a line, and blanks with their numbers."""
        width = row.shape[-1] if row.shape else 1
        result = Text()
        for k, cell in enumerate(row.cells):
            result.append("" if not k else "\n" if k % width == 0 else "  ")
            if isinstance(cell, str):
                result.append(cell, style)
            elif self.key:
                result.append(f"({cell.number}) ", QUIET).append(cell.text, style)
            else:
                result.append(f"({cell.number}) ", QUIET).append(LINE)
        return result

    def worked(self, variant: Variant) -> Iterable[Text]:
        """The key: the backward pass in words, and which mistakes the numbers do not tell apart."""
        from backprop_grammar.quiz.key import worked  # only where it is asked for

        explanation = worked(variant)
        yield Text()
        for paragraph in explanation.paragraphs:
            yield from block(paragraph, self.width)
            yield Text()
        if variant.untold:
            yield from self.wrap(Text("Mistakes that this sheet does not tell apart", TITLE))
            for told in variant.untold:
                yield from self.wrap(Text(f"  - {visible(told)}", QUIET))


def one_line(row: Row) -> str:
    """The numbers of an input as they are typed."""
    cells = [cell.text if isinstance(cell, Blank) else cell for cell in row.cells]
    if not row.shape:
        return cells[0]
    width = row.shape[-1]
    lines = [", ".join(cells[k : k + width]) for k in range(0, len(cells), width)]
    return f"[{'; '.join(lines)}]"
