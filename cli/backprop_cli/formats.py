"""THE OTHER TABLE: one row per output format, one file each.

A format is a view: it computes nothing that is not in the trace (or the explanation) it is
given. Its file is imported when it is used. A format for a screen has `show(subject, options)`,
which prints; any other has `render(subject, options)`, which returns the text or the bytes.
"""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from backprop_grammar.errors import shorten, suggestion, usage, visible
from backprop_grammar.views.options import Options

from .data.atomic import terminable, whole

__all__ = [
    "FORMATS",
    "SILENT",
    "Options",
    "chosen",
    "deliver",
    "formats_of",
    "remark",
    "say",
    "show",
]


class Format(NamedTuple):
    """One row: the name for `--format`, its command, what it shows, and the module that does.

    module: of this package; ``views.`` are those of the grammar. suffix: of the files that `-o` writes in it. screen: laid out for a terminal. binary: bytes,
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
    Format(
        "table",
        "eval",
        "the forward and the backward pass as tables",
        "screens.tables",
        screen=True,
    ),
    Format(
        "json",
        "eval",
        "the trace as one JSON document",
        "views.documents.trace_json",
        schema="trace",
    ),
    Format("terminal", "graph", "the picture in characters", "screens.picture", screen=True),
    Format("svg", "graph", "a picture for pages and slides", "views.pictures.svg", suffix=".svg"),
    Format("png", "graph", "the same picture as pixels", "png", suffix=".png", binary=True),
    Format(
        "html",
        "graph",
        "a page that steps through both passes",
        "views.pictures.html",
        suffix=".html",
    ),
    Format("dot", "graph", "Graphviz", "views.pictures.dot", suffix=".dot"),
    Format(
        "mermaid",
        "graph",
        "Mermaid, which Markdown pages draw",
        "views.pictures.mermaid",
        suffix=".mmd",
    ),
    Format("tikz", "graph", "TikZ, for LaTeX", "views.pictures.tikz", suffix=".tex"),
    Format(
        "json",
        "graph",
        "the trace as one JSON document",
        "views.documents.trace_json",
        ".json",
        schema="trace",
    ),
    Format("terminal", "explain", "paragraphs", "screens.prose", screen=True),
    Format("markdown", "explain", "Markdown", "views.documents.markdown", suffix=".md"),
    Format("latex", "explain", "a LaTeX document", "views.documents.latex", suffix=".tex"),
    Format(
        "json",
        "explain",
        "one JSON document",
        "views.documents.explanation_json",
        ".json",
        schema="explanation",
    ),
    Format("text", "derive", "a program of this language", "views.documents.formulas"),
    Format("latex", "derive", "LaTeX", "views.documents.derive_latex", suffix=".tex"),
    Format(
        "json",
        "derive",
        "one JSON document",
        "views.documents.derive_json",
        ".json",
        schema="derive",
    ),
    Format("python", "derive", "a Python function", "views.code.python", suffix=".py"),
    Format("numpy", "derive", "a function of NumPy arrays", "views.code.numpy"),
    Format("jax", "derive", "a function of JAX arrays", "views.code.jax"),
    Format("torch", "derive", "a function of PyTorch tensors", "views.code.torch"),
    Format("c", "derive", "a C function", "views.code.c", suffix=".c"),
    Format("matrix", "derive", "the Hessian as a table of numbers", "screens.matrix", screen=True),
    Format("table", "check", "the findings as tables", "screens.checks", screen=True),
    Format(
        "json",
        "check",
        "the findings as one JSON document",
        "views.documents.check_json",
        schema="check",
    ),
    Format("table", "step", "the trajectory as a table", "screens.steps", screen=True),
    Format(
        "json", "step", "the run as one JSON document", "views.documents.step_json", schema="step"
    ),
)


SILENT = ("svg", "png", "dot", "mermaid", "tikz")
"""Pictures without words: notes and flags are said on standard error instead."""


def formats_of(command: str) -> dict[str, Format]:
    """The formats of a command, by name."""
    return {row.name: row for row in FORMATS if row.command == command}


def module_of(row: Format) -> Any:
    """The module of a format, imported now."""
    package = "backprop_grammar" if row.module.startswith("views.") else __package__
    return import_module(f"{package}.{row.module}")


def render(row: Format, subject: Any, options: Options) -> str | bytes:
    """A trace or an explanation in a format that is not for a screen."""
    result: str | bytes = module_of(row).render(subject, options)
    return result


def show(row: Format, subject: Any, options: Options) -> None:
    """Print a trace or an explanation."""
    if row.screen:
        module_of(row).show(subject, options)
    else:
        text = render(row, subject, options._replace(indent=sys.stdout.isatty()))
        assert isinstance(text, str)
        sys.stdout.flush()
        binary = getattr(sys.stdout, "buffer", None)
        if binary is None:
            print(text.rstrip("\n"))
        else:  # a document is UTF-8, whatever the terminal is
            binary.write((text.rstrip("\n") + "\n").encode())
            binary.flush()


def say(kind: str, message: str) -> None:
    """Say something on standard error; kind: note or flag."""
    print(f"{kind}: {visible(message)}", file=sys.stderr)


def remark(subject: Any) -> None:
    """Say the notes and the flags of a trace or a run where the output has no place for them."""
    for note in subject.notes:
        say("note", note.message)
    for flag in subject.flags:
        say("flag", flag.message)


def chosen(command: str, name: str, save: Path | None, as_json: bool = False) -> Format:
    """The format that a name or a file's suffix asks for; the command's first one otherwise.

    Raises BackpropError where there is none such, or where it is only for files or screens.
    """
    rows = formats_of(command)
    if as_json and name not in ("", "json"):
        raise usage(f"--json and --format {shorten(name)} are two formats", "give one of them")
    name = "json" if as_json else name
    if name:
        if name not in rows:
            hint = suggestion(name, rows, f"the formats are {', '.join(rows)}")
            raise usage(f"there is no format {shorten(name)}", hint)
        row = rows[name]
        if row.binary and save is None:
            raise usage(f"{name} is for a file", f"write -o picture{row.suffix}")
        if row.screen and save is not None:
            raise usage(f"{name} is for the terminal", "leave -o out, or redirect the output")
        return row
    if save is None:
        return next(iter(rows.values()))
    for row in rows.values():
        if row.suffix and save.suffix.lower() == row.suffix:
            return row
    suffixes = ", ".join(row.suffix for row in rows.values() if row.suffix)
    ending = f"the suffix {shorten(save.suffix)}" if save.suffix else "a name without a suffix"
    raise usage(f"{ending} says no format", f"the suffixes are {suffixes}; or name one with --format")  # fmt: skip


def deliver(row: Format, subject: Any, options: Options, save: Path | None) -> None:
    """Print in a format, or write a file, which is whole or not there."""
    if save is None:
        show(row, subject, options)
        return
    result = render(row, subject, options)
    data = result if isinstance(result, bytes) else (result.rstrip("\n") + "\n").encode()
    with terminable(), whole(save) as stream:
        stream.write(data)
