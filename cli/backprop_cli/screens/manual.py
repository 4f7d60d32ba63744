"""The manual on a terminal: paragraphs as wide as they read well, tables as wide as they need."""

from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from .markdown import Block, blocks, spans
from .terminal import NAME, QUIET, TITLE, console, wrapped

__all__ = ["manual_text"]

WIDEST = 100
"""Columns of a paragraph."""

GAP = 2


def manual_text(markdown: str) -> str:
    """A piece of the manual, in colour where the terminal has any."""
    screen = console()
    with screen.capture() as capture:
        for line in manual_lines(markdown, screen):
            screen.print(line, crop=False, overflow="ignore")
    return capture.get()


def manual_lines(markdown: str, screen: Console) -> Iterator[Text]:
    """The lines of a document, an empty one between blocks."""
    width = min(screen.width, WIDEST)
    styled = bool(screen.color_system)
    before = ""
    for block in blocks(markdown):
        if before and not before == block.kind == "item":
            yield Text()
        before = block.kind
        if block.kind == "heading":
            yield Text(block.lines[0], TITLE)
        elif block.kind == "code":
            for line in block.lines:
                yield Text(f"  {line}".rstrip(), NAME if line.startswith("$ ") else "")
        elif block.kind == "table":
            yield from table_lines(block, width, styled)
        else:
            lead = "- " if block.kind == "item" else ""
            whole = Text(lead).append_text(line_text(block.lines[0], styled))
            yield from wrapped(whole, width, len(lead))


def line_text(line: str, styled: bool) -> Text:
    """A line; what is code keeps its marks where no style shows it."""
    text = Text()
    for kind, piece in spans(line):
        if kind == "code" and not styled:
            text.append(f"`{piece}`")
        else:
            text.append(piece, NAME if kind in ("code", "strong") else "")
    return text


def table_lines(block: Block, width: int, styled: bool) -> Iterable[Text]:
    """The rows of a table, its last column broken between words.

    Where the others leave it too little room, it stands on lines of its own.
    """
    rows = [[line_text(cell, styled) for cell in row] for row in block.rows]
    titles = rows.pop(0)
    if any(title.plain for title in titles):
        rows.insert(0, [Text(title.plain, QUIET) for title in titles])
    sizes = [max(cell_len(row[k].plain) for row in rows) + GAP for k in range(len(titles) - 1)]
    if sum(sizes) > width // 2:
        return [line for row in rows for line in stacked(row, width)]
    return [line for row in rows for line in beside(row, sizes, width)]


def beside(row: Sequence[Text], sizes: Sequence[int], width: int) -> list[Text]:
    line = Text()
    for cell, size in zip(row, sizes, strict=False):
        line.append_text(cell).append(" " * (size - cell_len(cell.plain)))
    line.append_text(row[-1]).rstrip()
    return wrapped(line, width, sum(sizes))


def stacked(row: Sequence[Text], width: int) -> list[Text]:
    *heads, last = row
    line = Text("  ").join(head for head in heads if head.plain)
    return [*wrapped(line, width), *wrapped(Text("    ").append_text(last), width, 0)]
