"""The terminal: one console, and what it may show.

A number that a terminal cuts is a wrong number. So every layout is measured before it is drawn, and
one that does not fit gives way to a narrower one.
"""

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import IO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from backprop_grammar.errors import visible
from backprop_grammar.language.graph import Graph
from backprop_grammar.language.printer import shown_lines, shown_text
from backprop_grammar.trace.record import Flag, Note

__all__ = [
    "GRADIENT",
    "NAME",
    "QUIET",
    "TITLE",
    "VALUE",
    "WARNING",
    "Column",
    "Grid",
    "ascii_only",
    "console",
    "program_lines",
    "remark_lines",
    "text_width",
    "wrapped",
]

VALUE, GRADIENT, NAME, QUIET, WARNING, TITLE = "green", "red", "bold", "dim", "yellow", "bold"
"""The colours of the lecture's slides: values green, gradients red; the rest is quiet."""

PIPE_WIDTH = 120
"""Columns where standard output is no terminal and COLUMNS is not set."""


def console(stream: IO[str] | None = None) -> Console:
    """The console for results; plain in a pipe, never interpreting what a user typed.

    stream: standard output where nothing else is given.
    """
    stream = stream or sys.stdout
    width = None
    if not stream.isatty() and "COLUMNS" not in os.environ:
        width = PIPE_WIDTH
    return Console(
        file=stream, width=width, markup=False, emoji=False, highlight=False, soft_wrap=True
    )


def ascii_only(screen: Console) -> bool:
    """Whether a console takes no more than ASCII for sure."""
    return not screen.encoding.lower().startswith("utf")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a grid: its title, which may have several lines, and its side."""

    title: str
    right: bool = False


@dataclass(slots=True)
class Grid:
    """A table without lines, drawn at its natural width.

    rows: one Text per column, each of one or several lines. The last of a shorter row takes the
    room of the columns that it lacks, too. gap: room between two columns.
    """

    columns: Sequence[Column]
    rows: list[list[Text]]
    gap: int = 2

    def widths(self) -> list[int]:
        every = len(self.columns)
        return [
            max(
                [
                    text_width(column.title),
                    *(text_width(row[i].plain) for row in self.rows if i < len(row) - (len(row) < every)),
                ]
            )
            for i, column in enumerate(self.columns)
        ]  # fmt: skip

    def width(self) -> int:
        """Columns of the terminal that it needs."""
        widths = self.widths()
        ends = [
            sum(widths[: len(row) - 1]) + self.gap * (len(row) - 1) + text_width(row[-1].plain)
            for row in self.rows
            if 0 < len(row) < len(widths)
        ]
        return max([sum(widths) + self.gap * (len(widths) - 1), *ends])

    def lines(self, rule: str) -> list[Text]:
        """The lines, the titles and a rule first."""
        widths = self.widths()
        titles = [Text(column.title, style=QUIET) for column in self.columns]
        lines = [*self.row(titles, widths), Text(rule * self.width(), style=QUIET)]
        for row in self.rows:
            lines += self.row(row, widths)
        return lines

    def row(self, cells: Sequence[Text], widths: Sequence[int]) -> list[Text]:
        """A row, in as many lines as its tallest cell."""
        if not any("\n" in cell.plain for cell in cells):
            return [self.line(cells, widths)]
        parts = [cell.split("\n", allow_blank=True) for cell in cells]
        return [
            self.line([part[k] if k < len(part) else Text() for part in parts], widths)
            for k in range(max(map(len, parts)))
        ]

    def line(self, cells: Sequence[Text], widths: Sequence[int]) -> Text:
        result = Text()
        for i, (cell, column, width) in enumerate(zip(cells, self.columns, widths, strict=False)):
            room = " " * (width - cell_len(cell.plain))
            result.append(" " * self.gap if i else "")
            result.append_text(Text(room) + cell if column.right else cell + Text(room))
        result.rstrip()
        return result


def text_width(text: str) -> int:
    """Columns of the terminal that the longest line of a text needs."""
    return cell_len(text) if "\n" not in text else max(map(cell_len, text.split("\n")))


def program_lines(program: Graph, width: int) -> list[str]:
    """A program's stages for a screen of some width; one that would fill it is cut."""
    text = shown_text(program)
    longest = 2 * width if len(text) > 20 * width else None
    return [visible(line) for line in shown_lines(program, longest)]


def remark_lines(notes: Sequence[Note], flags: Sequence[Flag], width: int) -> Iterable[Text]:
    """Notes and flags for a screen of some width, after an empty line where there are any."""
    remarks = [
        *(("note", note.message, WARNING) for note in notes),
        *(("flag", flag.message, GRADIENT) for flag in flags),
    ]
    if remarks:
        yield Text()
    for kind, message, style in remarks:
        yield from wrapped(Text.assemble((f"{kind}: ", style), visible(message)), width)


def wrapped(text: Text, width: int, indent: int = 2) -> list[Text]:
    """The text in lines of at most that width, broken between words; numbers are not broken.

    Nor is a word that is wider than the line: the terminal breaks it.
    """
    if cell_len(text.plain) <= width:
        return [text]
    plain = text.plain
    margin = len(plain) - len(plain.lstrip(" "))
    lines: list[Text] = []
    lead = used = start = end = place = margin  # of the line so far: its indent, width and text

    def line() -> Text:
        return Text(" " * lead).append_text(text[start:end])

    for word in plain[margin:].split(" "):
        size = cell_len(word)
        if not plain[start:end].strip():
            start, used = place, lead + size
        elif used + 1 + size <= width:
            used += 1 + size
        else:
            lines.append(line())
            start, lead = place, min(margin + indent, max(0, width - size))
            used = lead + size
        end = place + len(word)
        place = end + 1
    lines.append(line())
    return lines
