"""The man page: the help of every command and the topics of the manual, set for `man`."""

from collections.abc import Iterator, Mapping
from typing import Any

from .. import __version__
from .markdown import Block, blocks, spans

__all__ = ["man_page"]

SIGNS = str.maketrans(
    {"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti"}
)
"""What roff would set as another character, and what it sets as this one."""


def man_page(tool: Any, commands: Mapping[str, Any], topics: Mapping[str, str]) -> str:
    """The page.

    tool: the context of the whole tool. commands: by their names. topics: each a section of the
    manual, in Markdown.
    """
    lines = [f'.TH BACKPROP 1 "" "backprop {__version__}"', ".SH NAME"]
    lines += [rf"backprop \- {told(tool.command.help)}", ".SH SYNOPSIS"]
    lines += [".B backprop", "COMMAND [OPTIONS] [ARGUMENTS]", ".SH EXAMPLES"]
    lines += [*code_lines(tool.command.examples.splitlines()), ".SH COMMANDS"]
    for name, command in commands.items():
        lines += command_lines(tool, name, command)
    for topic, markdown in topics.items():
        lines.append(f".SH {told(topic.upper())}")
        _, *below = blocks(markdown)  # the heading says the same
        for block in below:
            lines += block_lines(block)
    return "\n".join(lines) + "\n"


def command_lines(tool: Any, name: str, command: Any) -> Iterator[str]:
    """A command: what it does, its options, its examples."""
    with command.context_class(command, info_name=name, parent=tool) as context:
        pieces = " ".join(command.collect_usage_pieces(context))
        records = [parameter.get_help_record(context) for parameter in command.get_params(context)]
    yield f".SS {told(f'{name} {pieces}')}"
    yield told(command.help)
    for record in records:
        if record is not None:
            yield from (".TP", f".B {told(record[0])}", told(record[1]))
    yield ".PP"
    yield from code_lines(command.examples.splitlines())


def block_lines(block: Block) -> Iterator[str]:
    """A block of the manual."""
    if block.kind == "heading":
        yield f".SS {line_text(block.lines[0])}"
    elif block.kind == "code":
        yield from code_lines(block.lines)
    elif block.kind == "table":
        for row in block.rows[1:]:
            yield from (".TP", "  ".join(line_text(cell) for cell in row[:-1]), line_text(row[-1]))
        yield ".PP"
    else:
        yield from (".IP \\(bu 2" if block.kind == "item" else ".PP", line_text(block.lines[0]))


def code_lines(lines: list[str] | tuple[str, ...]) -> Iterator[str]:
    """Lines as they are."""
    yield from (".PP", ".RS 4", ".nf")
    yield from map(told, lines)
    yield from (".fi", ".RE")


def line_text(line: str) -> str:
    """A line with its code and what is strong in bold."""
    pieces = (
        told(text) if kind == "text" else rf"\fB{told(text)}\fR" for kind, text in spans(line)
    )
    return guarded("".join(pieces))


def told(text: str) -> str:
    """Text that roff sets letter by letter."""
    return guarded(text.translate(SIGNS))


def guarded(line: str) -> str:
    """A line that is no request of roff's, whatever it begins with."""
    return rf"\&{line}" if line.startswith((".", "'")) else line
