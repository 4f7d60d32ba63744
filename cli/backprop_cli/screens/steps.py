"""A run along the gradient as a table on a terminal: a row per step, and what it came to.

Most of a descent happens in its first steps, so where they are too many for a screen, the rows that
are shown lie even on a scale of ratios: 1, 2, 5, 10, 20, 50, ...
"""

import math
from collections.abc import Iterable, Sequence

from rich.text import Text

from backprop_grammar.descent.descend import Step
from backprop_grammar.descent.trajectory import Trajectory, landmark
from backprop_grammar.errors import visible
from backprop_grammar.numbers.decimal import decimal
from backprop_grammar.views.options import Options

from .terminal import (
    NAME,
    QUIET,
    VALUE,
    Column,
    Grid,
    ascii_only,
    console,
    program_lines,
    remark_lines,
    wrapped,
)

__all__ = ["FEW", "MANY", "StepsTable", "printed", "show", "shown"]

ROWS = 20
"""Rows of steps that fit a screen."""

FEW = 8
"""Inputs up to which every step of a narrow screen lists them all."""

MANY = 200
"""Inputs above which the list of them stops unless all are wanted."""


def show(run: Trajectory, options: Options) -> None:
    """Print the run: the program, its steps, the summary, notes and flags."""
    printed(StepsTable, run, options)


def printed(table: "type[StepsTable]", run: Trajectory, options: Options) -> None:
    """Print a run as a table of that kind."""
    screen = console()
    rule = "-" if ascii_only(screen) else "─"
    for line in table(run, options, screen.width, rule).lines():
        screen.print(line, crop=False, overflow="ignore")


def shown(rows: Sequence[Step], most: int = ROWS) -> list[Step]:
    """The steps for a screen: all, or the first, the last and round numbers between them."""
    if len(rows) <= most:
        return list(rows)
    first, *middle, last = rows
    for round_number in (half_landmark, landmark):
        some = [first, *(row for row in middle if round_number(row.number)), last]
        if len(some) <= most:
            break
    return some


def half_landmark(number: int) -> bool:
    """Whether a number is 1, 1.5, 2, 3, 5 or 7 times a power of ten."""
    return str(number).rstrip("0") in ("1", "15", "2", "3", "5", "7")


class StepsTable:
    """The lines of a run for a screen of some width."""

    def __init__(self, run: Trajectory, options: Options, width: int, rule: str) -> None:
        self.run = run
        self.plan = run.plan
        self.digits = options.digits
        self.everything = options.everything
        self.width = width
        self.rule = rule
        self.rows = shown(run.rows)
        names = run.plan.graph.names.values()
        nameless = run.plan.output not in names and "output" not in names
        self.output = "output" if nameless else run.plan.output

    def lines(self) -> Iterable[Text]:
        yield from self.header()
        yield Text()
        yield from self.steps()
        yield Text()
        yield from self.paragraph(self.summary())
        yield from remark_lines(self.run.notes, self.run.flags, self.width)

    def paragraph(self, text: Text) -> list[Text]:
        return wrapped(text, self.width)

    def number(self, value: float, style: str = VALUE) -> Text:
        return Text(decimal(value, self.digits), style)

    def header(self) -> Iterable[Text]:
        """The program, a stage a line, and how it is stepped."""
        for line in program_lines(self.plan.graph, self.width):
            yield from self.paragraph(Text(line, NAME))
        way = "up" if self.plan.up else "down"
        how = f"{self.plan.method} {way}, rate {self.plan.rate:.6g}"
        if files := self.run.files:
            place = files[0] if len(files) == 1 else f"{len(files):,} files"
            rows = "1 row" if self.plan.rows == 1 else f"{self.plan.rows:,} rows"
            over = "" if self.plan.whole else "mean over "
            how = f"{over}{rows} of {visible(place)}, {how}"
        if batches := self.plan.batches:
            epoch = f"{batches.steps:,} batches of {batches.size:,} rows an epoch"
            how = f"{how}, {epoch}, shuffled by seed {batches.seed}; each step shows its batch"
        yield from self.paragraph(Text(how, QUIET))

    # the steps: one grid, or two, or lines, as the width allows

    def steps(self) -> Iterable[Text]:
        wide = self.grid(self.plan.wrt) if len(self.plan.wrt) <= self.width else None
        if wide and wide.width() <= self.width:
            yield from wide.lines(self.rule)
        elif len(self.plan.wrt) <= FEW:
            yield from self.step_lines(self.plan.wrt)
        else:
            outputs = self.grid(())
            if outputs.width() <= self.width:
                yield from outputs.lines(self.rule)
            else:
                yield from self.step_lines(())
            yield Text()
            yield from self.inputs()

    def grid(self, names: Sequence[str]) -> Grid:
        """One row per step: its number, the output, the inputs."""
        columns = [Column("step", right=True), Column(self.output, right=True)]
        columns += [Column(name, right=True) for name in names]
        rows = [
            [
                Text(f"{row.number:,}", QUIET),
                self.number(row.value),
                *(self.number(row.at[name], "") for name in names),
            ]
            for row in self.rows
        ]
        return Grid(columns, rows)

    def step_lines(self, names: Sequence[str]) -> Iterable[Text]:
        for row in self.rows:
            yield Text(f"step {row.number:,}", QUIET)
            yield from self.named(self.output, row.value)
            for name in names:
                yield from self.named(name, row.at[name], "")

    def named(self, name: str, value: float, style: str = VALUE) -> list[Text]:
        return self.paragraph(Text.assemble((name, NAME), " = ", self.number(value, style)))

    def inputs(self) -> Iterable[Text]:
        """Every input once: where it started, and where it ended."""
        start, final = self.run.start.at, self.run.final.at
        names = self.plan.wrt if self.everything else self.plan.wrt[:MANY]
        columns = [Column("input"), Column("start", right=True), Column("end", right=True)]
        rows = [
            [Text(name, NAME), self.number(start[name], ""), self.number(final[name], "")]
            for name in names
        ]
        grid = Grid(columns, rows)
        if grid.width() <= self.width:
            yield from grid.lines(self.rule)
        else:
            for name in names:
                yield from self.named(name, final[name], "")
        if len(names) < len(self.plan.wrt):
            more = f"{len(self.plan.wrt) - len(names):,} more; --json has them all"
            yield from self.paragraph(Text(more, QUIET))

    # what it came to

    def summary(self) -> Text:
        """Where the output went, beside where the gradients said it would go."""
        run = self.run
        start, final, steps = run.began.value, run.reached.value, run.final.number
        text = Text("over all rows, " if self.plan.batches else "")
        text.append(self.output, NAME)
        if not steps:
            return text.append(" is ").append_text(self.number(start)).append("; no step was taken")
        text.append(" went from ").append_text(self.number(start))
        text.append(" to ").append_text(self.number(final))
        text.append(f" in {steps:,} steps" if steps > 1 else "")
        change = self.change(run.actual)
        text.append(f", {way(run.actual)} {change}" if run.actual else ", unchanged")
        if self.plan.batches:
            return text.append(self.right())
        text.append("; predicted ")
        same = run.actual * run.predicted > 0
        predicted = decimal(abs(run.predicted), self.digits)
        if not same and run.predicted:
            predicted = f"{way(run.predicted)} {predicted}"
        return text.append(predicted).append(self.right())

    def right(self) -> str:
        """How many rows a classifier gets right."""
        right, rows = self.run.right, self.plan.rows
        if right is None:
            return ""
        return f"; right in {right:,} of {rows:,} rows, {decimal(100 * right / rows, 4)} %"

    def change(self, change: float) -> str:
        """The size of a change with those digits only that the two outputs settle."""
        grain = math.ulp(max(abs(self.run.began.value), abs(self.run.reached.value)))
        certain = math.floor(math.log10(abs(change) / grain)) if change else 0
        return decimal(abs(change), max(1, min(self.digits, certain)))


def way(change: float) -> str:
    return "up by" if change > 0 else "down by"
