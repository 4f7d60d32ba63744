"""A canvas of character cells: texts, and wires that become box-drawing characters.

A wire is not drawn as characters but as the directions in which it leaves each cell. Which
character shows a cell is decided at the end, so that a corner, a joint of one wire and a crossing
of two can never look alike, whatever the order of drawing.
"""

from collections.abc import Iterable
from itertools import groupby

from rich.text import Text

from .terminal import QUIET

__all__ = ["Canvas"]

LEFT, RIGHT, UP, DOWN = 1, 2, 4, 8
LEVEL, UPRIGHT = LEFT | RIGHT, UP | DOWN

CORNERS = {RIGHT | DOWN: "╭", LEFT | DOWN: "╮", RIGHT | UP: "╰", LEFT | UP: "╯"}
JOINT, CROSSING = "●", "┼"
SOLID = {LEVEL: "─", UPRIGHT: "│"}
DASHED = {LEVEL: "╌", UPRIGHT: "╎"}

PLAIN = str.maketrans(dict(zip("╭╮╰╯●─│╌╎┤├┴┬┌┐└┘┄┆→", "++++o-|.:||++++++.:>", strict=True)))
"""Every character of a picture in ASCII. A crossing is not here: it is a gap in the upright."""


class Canvas:
    """Cells by row and column; texts lie over wires."""

    def __init__(self) -> None:
        self.texts: dict[tuple[int, int], tuple[str, str]] = {}
        self.wires: dict[tuple[int, int], dict[int, list[int]]] = {}

    def write(self, row: int, column: int, text: str, style: str = "") -> None:
        """A text from that cell on."""
        for i, character in enumerate(text):
            self.texts[row, column + i] = character, style

    def level(self, wire: int, row: int, start: int, end: int, dashed: bool = False) -> None:
        """A piece of a wire along a row, between the middles of two cells."""
        for column in range(start, end + 1):
            directions = (LEFT if column > start else 0) | (RIGHT if column < end else 0)
            self.add(wire, row, column, directions, dashed)

    def upright(self, wire: int, column: int, start: int, end: int, dashed: bool = False) -> None:
        """A piece of a wire along a column."""
        for row in range(start, end + 1):
            directions = (UP if row > start else 0) | (DOWN if row < end else 0)
            self.add(wire, row, column, directions, dashed)

    def add(self, wire: int, row: int, column: int, directions: int, dashed: bool) -> None:
        cell = self.wires.setdefault((row, column), {}).setdefault(wire, [0, 0])
        cell[dashed] |= directions

    def lines(self, plain: bool = False) -> list[Text]:
        """The rows that are not empty at the top and the bottom; plain: in ASCII.

        Of rows that only upright wires pass, one stands for as many as there are.
        """
        cells = {place: self.character(place, plain) for place in self.wires}
        cells.update(self.texts)
        if not cells:
            return []
        rows: dict[int, dict[int, tuple[str, str]]] = {}
        for (row, column), cell in cells.items():
            rows.setdefault(row, {})[column] = cell
        left = min(column for _, column in cells)
        bare = {row for row in range(min(rows), max(rows) + 1) if self.bare(row, rows.get(row, {}))}
        return [
            line(rows.get(row, {}), left, plain)
            for row in range(min(rows), max(rows) + 1)
            if row not in bare or row - 1 not in bare
        ]

    def bare(self, row: int, columns: Iterable[int]) -> bool:
        """Whether nothing but upright wires and borders passes a row."""
        return all(
            self.texts.get((row, column), "┆")[0] in "┆ "
            and not any((s | d) & LEVEL for s, d in self.wires.get((row, column), {}).values())
            for column in columns
        )

    def width(self) -> int:
        """From the first column that is taken to the last."""
        columns = [column for _, column in self.wires]
        columns += [column for (_, column), (text, _) in self.texts.items() if text != " "]
        return max(columns, default=-1) - min(columns, default=0) + 1

    def character(self, place: tuple[int, int], plain: bool) -> tuple[str, str]:
        """The character of a cell that wires pass."""
        if len(self.wires[place]) > 1:
            if not plain:
                return CROSSING, ""
            over = next((w for w in self.wires[place].values() if (w[0] | w[1]) == LEVEL), None)
            return ("-" if over is None or over[0] else "."), ""
        ((solid, dashed),) = self.wires[place].values()
        directions = solid | dashed
        if directions.bit_count() > 2:
            return JOINT, ""
        if directions in CORNERS:
            return CORNERS[directions], ""
        line = LEVEL if directions & LEVEL else UPRIGHT
        return (SOLID if solid or not dashed else DASHED)[line], ""

    def free(self, row: int, column: int) -> bool:
        """Whether a cell is empty."""
        return (row, column) not in self.texts and (row, column) not in self.wires

    def frame(self, box: tuple[int, int, int, int], title: str) -> bool:
        """A light frame with a title where it meets no text and runs along no wire.

        box: top, left, bottom, right. Wires interrupt it. False if there is no room.
        """
        top, left, bottom, right = box
        border = [(row, c, LEVEL) for row in (top, bottom) for c in range(left, right + 1)]
        border += [(r, column, UPRIGHT) for column in (left, right) for r in range(top, bottom + 1)]
        corners = [(r, c) for r in (top, bottom) for c in (left, right)]
        title = f" {title} "
        named = [(top, left + 2 + i) for i in range(len(title))]
        if right - left < len(title) + 3 or not all(self.free(*p) for p in (*named, *corners)):
            return False
        for row, column, line in border:
            beside = (self.texts.get((row, column + step), " ")[0] for step in (-1, 1))
            if line == UPRIGHT and any(character.isalnum() for character in beside):
                return False
            wires = self.wires.get((row, column), {}).values()
            if (row, column) in self.texts or any((s | d) & line for s, d in wires):
                return False
        for row, column, line in border:
            if (row, column) not in self.wires:
                self.write(row, column, "┄" if line == LEVEL else "┆", QUIET)
        for place, character in zip(corners, "┌┐└┘", strict=True):
            self.write(*place, character, QUIET)
        self.write(*named[0], title, QUIET)
        return True


def line(cells: dict[int, tuple[str, str]], left: int, plain: bool) -> Text:
    """One row of cells as a text."""
    columns = range(left, max(cells, default=left - 1) + 1)
    row = [cells.get(column, (" ", "")) for column in columns]
    text = Text()
    for style, group in groupby(row, key=lambda cell: cell[1]):
        characters = "".join(character for character, _ in group)
        text.append(characters.translate(PLAIN) if plain else characters, style or None)
    text.rstrip()
    return text
