"""A run over vectors and matrices as a table on a terminal.

Of an array, a step has its norm, or where they fit its elements; where each array began and where it
ended is written out below.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import zip_longest
from typing import Any

from rich.text import Text

from backprop_grammar.arrays import text as arrays
from backprop_grammar.arrays.elements import tensor
from backprop_grammar.arrays.lower import element, elements
from backprop_grammar.arrays.record import Tensor
from backprop_grammar.descent.trajectory import Trajectory
from backprop_grammar.operations.shape import said
from backprop_grammar.views.options import Options

from .steps import FEW, MANY, StepsTable, printed, shown
from .terminal import NAME, QUIET, VALUE, Column, Grid

__all__ = ["show"]


def show(run: Trajectory, options: Options) -> None:
    """Print the run: the program, its steps, the arrays, the summary, notes and flags."""
    printed(ArrayStepsTable, run, options)


class ArrayStepsTable(StepsTable):
    """The lines of a run over arrays for a screen of some width."""

    def steps(self) -> Iterable[Text]:
        inputs = self.plan.inputs
        numbers = sum(len(tensor(x).numbers) for x in self.run.start.of(inputs).values())
        if numbers <= FEW:
            grid = self.columns(by_element)
            if grid.width() <= self.width:
                yield from grid.lines(self.rule)
                return
        grid = self.columns(by_norm) if len(inputs) <= self.width else self.grid(())
        if grid.width() > self.width:
            grid = self.grid(())
        if grid.width() <= self.width:
            yield from grid.lines(self.rule)
        else:
            yield from self.step_lines(())
        yield Text()
        yield from self.ends(inputs if self.everything else inputs[:MANY])
        if len(inputs) > MANY and not self.everything:
            more = f"{len(inputs) - MANY:,} more; --json has them all"
            yield from self.paragraph(Text(more, QUIET))

    def columns(self, numbers: Callable[[str, Any], dict[str, float]]) -> Grid:
        """A row per step; numbers: of an input, by the titles of their columns."""
        points = []
        for row in shown(self.run.rows):
            at = dict[str, float]()
            for name, value in row.of(self.plan.inputs).items():
                at |= numbers(name, value)
            points.append(replace(row, at=at))
        self.rows = points
        return self.grid(tuple(points[0].at))

    def ends(self, names: Iterable[str]) -> Iterable[Text]:
        """Every input as it was at the start, and as it is at the end."""
        start, end = (step.of(self.plan.inputs) for step in (self.run.start, self.run.final))
        columns = [Column("input"), Column("shape"), Column("start"), Column("end")]
        rows = []
        for name in names:
            parts = tensor(start[name]), tensor(end[name])
            shape = said(parts[0].shape) if parts[0].shape else ""
            pairs = zip_longest(*map(self.texts, parts), fillvalue="")
            for k, (left, right) in enumerate(pairs):
                head = [name, shape] if not k else ["", ""]
                rows.append(
                    [Text(head[0], NAME), Text(head[1], QUIET), Text(left), Text(right, VALUE)]
                )
        grid = Grid(columns, rows)
        if grid.width() <= self.width:
            yield from grid.lines(self.rule)
            return
        for name in names:
            first, *lines = self.texts(tensor(end[name]))
            yield from self.paragraph(Text.assemble((name, NAME), " = ", (first.rstrip(), VALUE)))
            for line in lines:
                yield from self.paragraph(Text(f"{' ' * len(name)}   {line.rstrip()}", VALUE))

    def texts(self, one: Tensor) -> list[str]:
        """An array in lines; one that is large is its range and its norm."""
        if arrays.is_large(one) and not self.everything:
            return [arrays.summary(one, self.digits).partition(", ")[2]]
        return arrays.columns(one, self.digits, self.everything)


def by_element(name: str, value: Any) -> dict[str, float]:
    """The elements of an array: W[0,1]."""
    one = tensor(value)
    return dict(zip([element(name, k) for k in elements(one.shape)], map(float, one.numbers), strict=True))  # type: ignore[arg-type]  # fmt: skip


def by_norm(name: str, value: Any) -> dict[str, float]:
    """The norm of an array; a number as it is."""
    if not isinstance(value, list):
        return {name: value}
    return {f"norm({name})": math.hypot(*map(float, tensor(value).numbers))}  # type: ignore[arg-type]
