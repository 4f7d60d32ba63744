"""`backprop grade`: the answers of a class against a quiz, or against one program and point."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backprop_grammar.errors import BackpropError, shorten, usage

from .. import formats
from ..input.options import At, Everything, File, Get, Json, Save, format_option

if TYPE_CHECKING:
    from backprop_grammar.quiz.grading import Sheets

__all__ = ["EXAMPLES", "command"]

EXAMPLES = """\
backprop grade "q = x + y; f = q*z" --answers @answers --at x=-2,y=5,z=-4
backprop quiz gates -o q.json && backprop grade q.json --answers @answers"""

FURTHER = "--answers"
"""What follows the quiz, and is of no point, is the file of answers."""

SEPARATORS = ";\t,"
SEPARATOR = re.compile(r"sep=([;,\t])")

LARGEST = 1 << 28
"""Bytes of a file of answers."""


def command(
    program: Annotated[
        str | None,
        typer.Argument(
            metavar="QUIZ",
            help="The quiz as JSON, with all its sheets; or the program that all were given.",
        ),
    ] = None,
    answers: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="The answers, a CSV file: student, variant, a column a blank; or -.",
        ),
    ] = None,
    at: At = None,
    file: File = None,
    everything: Everything = False,
    save: Save = None,
    name: Annotated[str, format_option("grade")] = "",
    as_json: Json = False,
    get: Get = None,
) -> int:
    """Print the marks. The exit code is 3 where a row could not be graded."""
    from backprop_grammar.quiz.grading import grade

    row = formats.chosen("grade", name, save, as_json, get)
    if not answers or len(answers) > 1:
        raise usage(
            "grade takes one file of answers", "write: backprop grade quiz.json answers.csv"
        )
    sheets = sheets_of(program, at, file)
    header, rows = table(answers[0])
    found = grade(sheets, header, rows)
    formats.deliver(row, found, formats.Options(everything=everything), save, get)
    return 3 if found.failed else 0


def sheets_of(program: str | None, at: list[str] | None, file: Path | None) -> "Sheets":
    """What the answers are held against. Raises BackpropError where that is not one thing."""
    import json

    from backprop_grammar.quiz.grading import Sheets
    from backprop_grammar.quiz.quiz import quiz

    from ..input.request import Request
    from ..input.texts import read_text

    if program is not None and program.lower().endswith(".json"):
        if at:
            raise usage("a quiz has its points", "leave out --at")
        try:
            return Sheets.of_document(json.loads(read_text(program, LARGEST)))
        except json.JSONDecodeError as error:
            raise BackpropError("file", f"{shorten(program)} is no JSON: {error}") from None
        except RecursionError:
            raise BackpropError("file", f"{shorten(program)} is nested too deeply") from None
    request = Request(program, file, at)
    parsed, point, _ = request.read(arrays=True)
    missing = [name for name in parsed.record.variables if name not in point]
    if missing:
        raise usage(
            f"{', '.join(missing)} has no value", "give a point with --at, or a quiz as JSON"
        )
    (variant,) = quiz(parsed.record, point, blank=("gradients",)).variants
    return Sheets.of(variant, parsed.record, ("gradients",))


def table(path: str) -> tuple[list[str], Iterator[list[str]]]:
    """The header and the rows of a file of answers, separated by commas, semicolons or tabs.

    Raises BackpropError for a file that has no header.
    """
    from ..input.texts import read_text

    text = read_text(path, LARGEST)
    if len(text) >= LARGEST:
        raise usage(f"{shorten(path)} is larger than {LARGEST >> 20} MiB", "grade it in parts")
    text = text.lstrip("\r\n")
    first = re.split(r"[\r\n]", text, maxsplit=1)[0]
    if "\0" in first:
        raise BackpropError(
            "file", f"{shorten(path)} is not UTF-8 text: its bytes are of UTF-16", hint="save it as UTF-8"
        )  # fmt: skip
    said = SEPARATOR.fullmatch(first)  # as spreadsheets write it
    if said:
        text = text[len(first) :].lstrip("\r\n")
        first = re.split(r"[\r\n]", text, maxsplit=1)[0]
    plain = re.sub(r'"[^"]*"|\[[^\[\]]*\]', "", first)
    separator = said[1] if said else max(SEPARATORS, key=plain.count)
    csv.field_size_limit(LARGEST)
    rows = lines(path, csv.reader(io.StringIO(text, newline=""), delimiter=separator), text)
    header = elements_joined(next(rows, []), separator)
    if len(header) < 2:
        raise usage(f"{shorten(path)} has no columns", "write a header: student,variant,x,y")
    return header, rows


def elements_joined(header: list[str], separator: str) -> list[str]:
    """A header in which W[0,1] without quotes is one name again."""
    joined: list[str] = []
    for cell in header:
        if joined and joined[-1].count("[") > joined[-1].count("]"):
            joined[-1] += separator + cell
        else:
            joined.append(cell)
    return joined


def lines(path: str, rows: Any, text: str) -> Iterator[list[str]]:
    """The rows in which something stands. Raises BackpropError for what is no CSV, and for a quote
    that is never closed, which makes one cell of all that follows.
    """
    odd, before = text.count('"') % 2, 0
    lengths = text.count("\n") or text.count("\r")
    try:
        for row in rows:
            if (
                odd
                and rows.line_num >= lengths
                and any("\n" in cell or "\r" in cell for cell in row)
            ):
                raise BackpropError(
                    "file", f"{shorten(path)} has a quote in line {before + 1} that is not closed",
                    hint='close it, or write it twice: ""',
                )  # fmt: skip
            before = rows.line_num
            if any(cell.strip() for cell in row):
                yield row
    except csv.Error as error:
        raise BackpropError("file", f"{shorten(path)} is no CSV: {error}") from None
