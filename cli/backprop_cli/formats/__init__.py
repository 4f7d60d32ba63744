"""THE OTHER TABLE: one row per output format, one file each.

A format is a view: it computes nothing that is not in the trace (or the explanation) it is
given. Its file is imported when it is used. A format for a screen has `show(subject, options)`,
which prints; any other has `render(subject, options)`, which returns the text or the bytes.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

__all__ = ["FORMATS", "Format", "Options", "formats_of", "render", "show"]


@dataclass(frozen=True, slots=True)
class Options:
    """What a format may be asked for.

    digits: significant digits of numbers meant for people. everything: all nodes, however many.
    """

    digits: int = 6
    everything: bool = False


@dataclass(frozen=True, slots=True)
class Format:
    """One row: the name for `--format`, its command, what it shows, and the file's module.

    suffix: of the files that `-o` writes in it. screen: laid out for a terminal. binary: bytes,
    for a file only. schema: the name of its JSON Schema, `FILE.schema.json`.
    """

    name: str
    command: str
    doc: str
    module: str
    suffix: str = ""
    screen: bool = False
    binary: bool = False
    schema: str = ""


FORMATS = (
    Format("table", "eval", "the forward and the backward pass as tables", "table", screen=True),
    Format("json", "eval", "the trace as one JSON document", "json", schema="trace"),
    Format("terminal", "graph", "the picture in characters", "canvas", screen=True),
    Format("svg", "graph", "a picture for pages and slides", "svg", suffix=".svg"),
    Format("png", "graph", "the same picture as pixels", "png", suffix=".png", binary=True),
    Format("html", "graph", "a page that steps through both passes", "html", suffix=".html"),
    Format("dot", "graph", "Graphviz", "dot", suffix=".dot"),
    Format("mermaid", "graph", "Mermaid, which Markdown pages draw", "mermaid", suffix=".mmd"),
    Format("tikz", "graph", "TikZ, for LaTeX", "tikz", suffix=".tex"),
    Format("json", "graph", "the trace as one JSON document", "json", ".json", schema="trace"),
    Format("terminal", "explain", "paragraphs", "prose", screen=True),
    Format("markdown", "explain", "Markdown", "markdown", suffix=".md"),
    Format("latex", "explain", "a LaTeX document", "latex", suffix=".tex"),
    Format("json", "explain", "one JSON document", "explanation", ".json", schema="explanation"),
)


def formats_of(command: str) -> dict[str, Format]:
    """The formats of a command, by name."""
    return {row.name: row for row in FORMATS if row.command == command}


def render(row: Format, subject: Any, options: Options) -> str | bytes:
    """A trace or an explanation in a format that is not for a screen."""
    result: str | bytes = import_module(f".{row.module}", __name__).render(subject, options)
    return result


def show(row: Format, subject: Any, options: Options) -> None:
    """Print a trace or an explanation."""
    if row.screen:
        import_module(f".{row.module}", __name__).show(subject, options)
    else:
        text = render(row, subject, options)
        assert isinstance(text, str)
        print(text.rstrip("\n"))
