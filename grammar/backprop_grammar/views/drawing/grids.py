"""Numbers in rows and columns, and heat maps: how much room they take, and where each number stands."""

from collections.abc import Iterator
from dataclasses import replace

from .diagram import Figure, Grid
from .text_metrics import CAPITAL, minus, width

__all__ = ["abreast", "long", "placed", "spans", "tall"]

PITCH, BOXED = 1.25, 1.5  # from row to row, of the size of the text; with lines around the numbers
GAP, BOXED_GAP = 0.75, 0.9  # between columns, of the size of the text
EDGE = 3.0  # between a line around numbers and what is beside it
SQUARE, LEAST_SQUARE = 12.0, 6.0  # the side of a square of a heat map, in pixels
WIDEST, HIGHEST = 144.0, 96.0  # how large it may be


def abreast(one: Figure, other: Figure) -> tuple[Figure, Figure]:
    """The same figures, of one shape, with columns that have room for each other."""
    if not (isinstance(one, Grid) and isinstance(other, Grid) and one.rows):
        return one, other
    room = tuple(max(texts, key=long_number) for texts in zip(*one.rows, *other.rows, strict=True))
    return replace(one, room=room), replace(other, room=room)


def long_number(text: str) -> float:
    return width(minus(text), 1.0)


def square(grid: Grid) -> float:
    """The side of a square of a heat map."""
    room = min(WIDEST // len(grid.heat[0]), HIGHEST // len(grid.heat))
    return max(LEAST_SQUARE, min(SQUARE, room))


def columns(grid: Grid, size: float) -> list[float]:
    """The widths of the columns of a grid, with the space around them."""
    gap = size * (BOXED_GAP if grid.boxed else GAP)
    rows = (*grid.rows, grid.room) if grid.room else grid.rows
    return [gap + max(width(minus(text), size) for text in texts) for texts in zip(*rows, strict=True)]  # fmt: skip


def long(figure: Figure, size: float) -> float:
    """How wide a figure is."""
    if not isinstance(figure, Grid):
        return width(figure, size)
    if figure.heat:
        return max(square(figure) * len(figure.heat[0]), width(minus(figure.caption), size))
    if not figure.rows:
        return width(minus(figure.line), size)
    return sum(columns(figure, size)) - (0.0 if figure.boxed else GAP * size)


def tall(figure: Figure, size: float) -> float:
    """How high a figure is."""
    if isinstance(figure, Grid) and figure.heat:
        return square(figure) * len(figure.heat) + EDGE + size * CAPITAL
    if isinstance(figure, Grid) and figure.boxed:
        return BOXED * size * len(figure.rows)
    rows = len(figure.rows) - 1 if isinstance(figure, Grid) and figure.rows else 0
    return size * CAPITAL + rows * PITCH * size


def spans(grid: Grid, size: float, left: float, top: float) -> tuple[list[float], list[float]]:
    """Where the lines around the numbers stand, from the left and from the top."""
    if grid.heat:
        side = square(grid)
        left += (long(grid, size) - side * len(grid.heat[0])) / 2
        across, down = [side] * len(grid.heat[0]), [side] * len(grid.heat)
    else:
        across, down = columns(grid, size), [BOXED * size] * len(grid.rows)
    return accumulated(left, across), accumulated(top, down)


def accumulated(start: float, steps: list[float]) -> list[float]:
    ends = [start]
    for step in steps:
        ends.append(ends[-1] + step)
    return ends


def placed(
    grid: Grid, size: float, left: float, top: float
) -> Iterator[tuple[str, float, float, float, tuple[int, int] | None]]:
    """The texts of a grid, each with its room from left to right, its baseline, its row and column.

    What is said of many numbers has no row and column.
    """
    if not grid.rows:
        text = minus(grid.caption if grid.heat else grid.line)
        yield text, left, left + long(grid, size), top + tall(grid, size), None
        return
    gap, pitch = (BOXED_GAP, BOXED) if grid.boxed else (GAP, PITCH)
    first = (pitch + CAPITAL) / 2 if grid.boxed else CAPITAL
    ends = accumulated(left - (0.0 if grid.boxed else gap * size / 2), columns(grid, size))
    for i, row in enumerate(grid.rows):
        for j, text in enumerate(row):
            start, end = ends[j] + gap * size / 2, ends[j + 1] - gap * size / 2
            yield minus(text), start, end, top + (first + i * pitch) * size, (i, j)
