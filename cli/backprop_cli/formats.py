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

from .data.atomic import atomic_file, terminable
from .screens.diagnostics import say

__all__ = [
    "FORMATS",
    "SILENT",
    "Options",
    "chosen",
    "deliver",
    "formats_of",
    "of_arrays",
    "print_document",
    "print_part",
    "remark",
    "show",
]


class Format(NamedTuple):
    """One row: the name for `--format`, its command, what it shows, and the module that does.

    module: of this package where it is `png` or one of `screens`, else of the grammar's views.
    suffix: of the files that `-o` writes in it. schema: the name of its JSON Schema,
    `NAME.schema.json`. binary: bytes, for a file only. arrays: the module for a trace over vectors
    and matrices.
    """

    name: str
    command: str
    doc: str
    module: str
    suffix: str = ""
    schema: str = ""
    binary: bool = False
    arrays: str = ""

    @property
    def screen(self) -> bool:
        """Whether it is laid out for a terminal."""
        return self.module.startswith("screens.")

    @property
    def code(self) -> bool:
        """Whether it is source code in another language."""
        return self.module.startswith("code.")


def picture(name: str, doc: str, module: str, suffix: str = "", binary: bool = False) -> Format:
    """The row of a picture, which its module draws of arrays, too."""
    return Format(name, "graph", doc, module, suffix, binary=binary, arrays=module)


FORMATS = (
    Format(
        "table",
        "eval",
        "the forward and the backward pass as tables",
        "screens.tables",
        arrays="screens.array_tables",
    ),
    Format(
        "json",
        "eval",
        "the trace as one JSON document",
        "documents.trace_json",
        schema="trace",
        arrays="documents.array_json",
    ),
    picture("terminal", "the picture in characters", "screens.picture"),
    picture("svg", "a picture for pages and slides", "pictures.svg", ".svg"),
    picture("png", "the same picture as pixels", "png", ".png", binary=True),
    picture("pdf", "the same picture as a page", "pictures.pdf", ".pdf", binary=True),
    Format(
        "html",
        "graph",
        "a page that steps through both passes",
        "pictures.html",
        ".html",
        arrays="pictures.array_html",
    ),
    picture("dot", "Graphviz", "pictures.dot", ".dot"),
    picture("mermaid", "Mermaid, which Markdown pages draw", "pictures.mermaid", ".mmd"),
    picture("tikz", "TikZ, for LaTeX", "pictures.tikz", ".tex"),
    Format(
        "json",
        "graph",
        "the trace as one JSON document",
        "documents.trace_json",
        ".json",
        "trace",
        arrays="documents.array_json",
    ),
    Format("terminal", "explain", "paragraphs", "screens.prose", arrays="screens.prose"),
    Format(
        "markdown", "explain", "Markdown", "documents.markdown", ".md", arrays="documents.markdown"
    ),
    Format(
        "latex", "explain", "a LaTeX document", "documents.latex", ".tex", arrays="documents.latex"
    ),
    Format(
        "json",
        "explain",
        "one JSON document",
        "documents.explanation_json",
        ".json",
        "explanation",
        arrays="documents.array_explanation_json",
    ),
    Format(
        "text",
        "derive",
        "a program of this language",
        "documents.formulas",
        arrays="documents.array_formulas",
    ),
    Format(
        "latex",
        "derive",
        "LaTeX",
        "documents.derive_latex",
        ".tex",
        arrays="documents.array_derive_latex",
    ),
    Format(
        "json",
        "derive",
        "one JSON document",
        "documents.derive_json",
        ".json",
        "derive",
        arrays="documents.array_derive_json",
    ),
    Format("python", "derive", "a Python function", "code.python", ".py"),
    Format("numpy", "derive", "a function of NumPy arrays", "code.numpy", arrays="code.numpy"),
    Format("jax", "derive", "a function of JAX arrays", "code.jax", arrays="code.jax"),
    Format("torch", "derive", "a function of PyTorch tensors", "code.torch", arrays="code.torch"),
    Format("c", "derive", "a C function", "code.c", ".c"),
    Format("javascript", "derive", "a JavaScript function", "code.javascript", ".js"),
    Format("matrix", "derive", "the Hessian as a table of numbers", "screens.matrix"),
    Format(
        "table",
        "check",
        "the findings as tables",
        "screens.checks",
        arrays="screens.array_checks",
    ),
    Format(
        "json",
        "check",
        "the findings as one JSON document",
        "documents.check_json",
        schema="check",
        arrays="documents.array_check_json",
    ),
    Format(
        "table",
        "step",
        "the trajectory as a table",
        "screens.steps",
        arrays="screens.array_steps",
    ),
    Format(
        "json",
        "step",
        "the run as one JSON document",
        "documents.step_json",
        schema="step",
        arrays="documents.step_json",
    ),
    Format("terminal", "quiz", "the sheets as tables", "screens.quiz"),
    Format(
        "json", "quiz", "one JSON document, with the keys", "documents.quiz_json", ".json", "quiz"
    ),
    Format("markdown", "quiz", "Markdown", "documents.quiz_markdown", ".md"),
    Format("latex", "quiz", "a LaTeX document, a page a sheet", "documents.quiz_latex", ".tex"),
    Format("svg", "quiz", "the graph of one sheet, with boxes", "pictures.quiz_svg", ".svg"),
    Format("png", "quiz", "the same as pixels", "png", ".png", binary=True),
    Format("html", "quiz", "a page to fill in, which judges", "pictures.quiz_html", ".html"),
    Format("table", "grade", "the marks and what went wrong", "screens.grades"),
    Format("csv", "grade", "every row with its marks", "documents.grades_csv", ".csv"),
    Format("summary", "grade", "how many made which mistake, as CSV", "documents.grades_summary"),
    Format("json", "grade", "one JSON document", "documents.grades_json", ".json", "grades"),
)

SILENT = ("svg", "png", "pdf", "dot", "mermaid", "tikz")
"""Pictures without words: notes and flags are said on standard error instead."""


def formats_of(command: str) -> dict[str, Format]:
    """The formats of a command, by name."""
    return {row.name: row for row in FORMATS if row.command == command}


def module_of(row: Format) -> Any:
    """The module of a format, imported now."""
    here = row.module.startswith(("screens.", "png"))
    return import_module(f"{__package__ if here else 'backprop_grammar.views'}.{row.module}")


def render(row: Format, subject: Any, options: Options) -> str | bytes:
    """A trace or an explanation in a format that is not for a screen."""
    result: str | bytes = module_of(row).render(subject, options)
    return result


def show(row: Format, subject: Any, options: Options, get: str | None = None) -> None:
    """Print a trace or an explanation; get: that part of its document alone."""
    if get is not None:
        print_part(module_of(row).document(subject), get)
    elif row.screen:
        module_of(row).show(subject, options)
    else:
        text = render(row, subject, options._replace(indent=sys.stdout.isatty()))
        assert isinstance(text, str)
        print_document(text)


def of_arrays(row: Format) -> Format:
    """The format of a trace over arrays. Raises BackpropError for one that is not built yet."""
    if not row.arrays:
        if row.code:
            from backprop_grammar.views.code.code import scalars_only  # for the error alone

            raise scalars_only(row.name)
        raise usage(
            f"the {row.name} of a program over vectors and matrices is not built yet",
            "backprop eval --json has its values and gradients",
        )
    return row._replace(module=row.arrays)


def print_part(document: Any, path: str) -> None:
    """Print the part of a JSON document that `--get` names."""
    from .part import part_of, text_of

    text = text_of(part_of(document, path))
    if sys.stdout.isatty():
        text = "\n".join(map(visible, text.split("\n")))
    print_document(text)


def print_document(text: str) -> None:
    """Print a text that is UTF-8, whatever the terminal is."""
    sys.stdout.flush()
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:
        print(text.rstrip("\n"))
    else:
        binary.write((text.rstrip("\n") + "\n").encode(errors="surrogateescape"))
        binary.flush()


def remark(subject: Any) -> None:
    """Say the notes and the flags of a trace or a run where the output has no place for them."""
    for note in subject.notes:
        say("note", note.message)
    for flag in subject.flags:
        say("flag", flag.message)


def chosen(
    command: str,
    name: str = "",
    save: Path | None = None,
    as_json: bool = False,
    get: str | None = None,
) -> Format:
    """The format that a name or a file's suffix asks for; the command's first one otherwise.

    get: the part that is wanted of the document, which is the format then. Raises BackpropError
    where there is none such, or where it is only for files or screens.
    """
    rows = formats_of(command)
    if as_json and name not in ("", "json"):
        raise usage(f"--json and --format {shorten(name)} are two formats", "give one of them")
    name = "json" if as_json else name
    if get is not None and (save is not None or name not in ("", "json")):
        raise usage("--get prints a part of the JSON document", "leave out --format and -o")
    name = "json" if get is not None else name
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
    if save.is_dir():
        raise usage(f"{save} is a folder", "give the name of a file")
    suffixes = ", ".join(row.suffix for row in rows.values() if row.suffix)
    unknown = f"unknown suffix {shorten(save.suffix)}"
    message = unknown if save.suffix else "the name of the file has no suffix"
    raise usage(message, f"the suffixes are {suffixes}; or name a format with --format")


def deliver(
    row: Format, subject: Any, options: Options, save: Path | None, get: str | None = None
) -> None:
    """Print in a format, or write a file, which is there as a whole or not at all."""
    if save is None:
        show(row, subject, options, get)
        return
    result = render(row, subject, options)
    data = result if isinstance(result, bytes) else (result.rstrip("\n") + "\n").encode()
    with terminable(), atomic_file(save) as stream:
        stream.write(data)
