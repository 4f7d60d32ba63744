"""The manual's Markdown, as much of it as the manual uses: blocks, and spans within them.

A terminal and a man page set the same blocks.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Block", "Span", "blocks", "section", "spans"]

HEADING = re.compile(r"(#+) (.*)")
RULE = re.compile(r"\|[-:| ]+\|")
CELLS = re.compile(r"(?<!\\)\|")
PICTURE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
SPAN = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\([^)]*\)")


class Block(NamedTuple):
    """A piece of a document.

    kind: heading, text, item, code or table. lines: of code; else one, without line breaks. rows:
    of a table, its titles first. level: of a heading.
    """

    kind: str
    lines: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    level: int = 0


class Span(NamedTuple):
    """A piece of a line; kind: text, code or strong."""

    kind: str
    text: str


def section(text: str, title: str) -> str:
    """What stands under a heading of level two, the heading included; empty where there is none.

    title: the heading, or a word of what stands before its colon.
    """
    found: list[str] = []
    inside = code = False
    for line in text.splitlines():
        code ^= line.startswith("```")
        if line.startswith("## ") and not code:
            if inside:
                break
            heading = line.removeprefix("## ")
            inside = title == heading or title in re.split(r"[,\s]+", heading.partition(":")[0])
        if inside:
            found.append(line)
    return "\n".join(found)


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a document; pictures are left out."""
    lines = text.splitlines()
    k = 0
    while k < len(lines):
        line, start = lines[k], k
        k += 1
        heading = HEADING.fullmatch(line)
        if line.startswith("```"):
            while k < len(lines) and not lines[k].startswith("```"):
                k += 1
            yield Block("code", tuple(lines[start + 1 : k]))
            k += 1
        elif heading:
            yield Block("heading", (heading[2],), level=len(heading[1]))
        elif line.startswith("|"):
            while k < len(lines) and lines[k].startswith("|"):
                k += 1
            rows = [row for row in lines[start:k] if not RULE.fullmatch(row)]
            yield Block("table", rows=tuple(map(cells, rows)))
        elif line.strip() and not PICTURE.fullmatch(line):
            while k < len(lines) and goes_on(lines[k]):
                k += 1
            whole = " ".join(one.strip() for one in lines[start:k])
            item = whole.startswith("- ")
            yield Block("item" if item else "text", (whole.removeprefix("- "),))


def goes_on(line: str) -> bool:
    """Whether a line belongs to the paragraph before it."""
    return bool(line.strip()) and not line.startswith(("```", "#", "|", "- "))


def cells(row: str) -> tuple[str, ...]:
    """The cells of a row of a table."""
    return tuple(cell.strip().replace(r"\|", "|") for cell in CELLS.split(row)[1:-1])


def spans(line: str) -> Iterator[Span]:
    """The pieces of a line: what is written as code, what is strong, and text; of a link its text.

    Each holds no more than one level of another.
    """
    end = 0
    for match in SPAN.finditer(line):
        if match.start() > end:
            yield Span("text", line[end : match.start()])
        if match[1]:
            yield Span("code", match[1])
        elif match[2]:
            for kind, text in spans(match[2]):
                yield Span("strong" if kind == "text" else kind, text)
        else:
            yield from spans(match[3])
        end = match.end()
    if end < len(line):
        yield Span("text", line[end:])
