"""A quiz as one web page: fill in, and see at once what is right, and what went wrong.

The page judges by itself. It knows the answers and the numbers that mistakes lead to, but does not
show them: whoever searches its text for an answer finds none.
"""

import json
from base64 import b64encode
from dataclasses import replace
from html import escape
from itertools import cycle
from string import Template
from typing import Any

from ...errors import visible
from ...language.printer import shown_lines, shown_text
from ...quiz.hints import hints
from ...quiz.marking import FEWEST
from ...quiz.record import NEAR, VALUES, Blank, Quiz, Variant, Wrong
from ...quiz.sheet import Row, backward, forward, given
from ..options import Options
from .html import PAPER, SLATE, embedded, part, policy
from .quiz_svg import pictured_sheet
from .svg import DARK, FONT, LIGHT, drawing

__all__ = ["render"]

WIDE = 1000.0
"""Pixels that a picture may be wide."""


ALSO = 3
"""Other mistakes that are named for a number."""


def render(quiz: Quiz, options: Options) -> str:
    """The page, self-contained; of several sheets one is seen at a time, and all are printed."""
    del options  # a sheet has the digits that it is judged at
    style = styled()
    script = f'"use strict";\n{part("quiz.js")}'
    title = quiz.title or shown_text(quiz.program)
    subject = {"near": NEAR, "fewest": FEWEST, "sheets": [concealed(one) for one in quiz.variants]}
    return Template(part("quiz.html")).substitute(
        policy=policy([style], script),
        title=escape(visible(title)),
        style=style,
        program="\n".join(escape(visible(line)) for line in shown_lines(quiz.program)),
        seed=quiz.seed,
        sheets="\n".join(section(quiz, one, k) for k, one in enumerate(quiz.variants)),
        data=embedded(subject),
        script=script,
    )


def styled() -> str:
    """The style sheet, in the colours of the pictures."""

    def colours(ground: dict[str, str]) -> str:
        return " ".join(f"--{name}: {colour};" for name, colour in ground.items())

    return (
        f":root {{ {colours(LIGHT | PAPER)} --font: {FONT} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {colours(DARK | SLATE)} }} }}\n"
        f"@media print {{ :root {{ {colours(LIGHT | PAPER)} }} }}\n" + part("quiz.css")
    )


def concealed(variant: Variant) -> str:
    """The answers, the wrong numbers and the hints of a sheet, so that no text search finds them."""
    blanks = [
        {
            "answer": blank.answer,
            "text": blank.text,
            "exact": blank.exact,
            "wrongs": [[wrong.number, told(wrong)] for wrong in blank.wrongs],
            "hints": hints(variant, blank),
        }
        for blank in variant.blanks
    ]
    data = json.dumps(blanks, allow_nan=False, separators=(",", ":")).encode()
    key = f"sheet {variant.number}".encode()
    return b64encode(bytes(x ^ k for x, k in zip(data, cycle(key), strict=False))).decode()


def told(wrong: Wrong) -> str:
    """What is said of a wrong number."""
    also = f" Or: {', or '.join(wrong.also[:ALSO])}." if wrong.also else ""
    return f"{wrong.message}. {wrong.rule}{also}"


def section(quiz: Quiz, variant: Variant, place: int) -> str:
    """One sheet."""
    svg = drawing(pictured_sheet(replace(quiz, variants=(variant,)), False), "auto", WIDE)
    source = b64encode(svg.encode()).decode()
    inputs = "".join(
        f'<span class="input"><b>{escape(row.name)}</b> = <span class="value">{plain(row)}</span></span> '
        for row in given(variant)
    )
    tables = "".join(
        table(kind, rows, variant)
        for kind, rows in ((VALUES, forward(variant)), ("gradients", backward(variant)))
        if rows
    )
    return (
        f'<section class="sheet" data-sheet="{place}" data-key="sheet {variant.number}">'
        f'<h2>Sheet {variant.number}</h2><p class="given">{inputs}</p>'
        f'<img class="picture" alt="The graph, with boxes to fill in" src="data:image/svg+xml;base64,{source}">{tables}'
        '<p class="score" role="status"></p></section>'
    )


def table(kind: str, rows: list[Row], variant: Variant) -> str:
    values = kind == VALUES
    output = escape(visible(variant.trace.output_name))
    caption = "Forward: the values" if values else f"Backward: the gradients of {output}"
    head = (
        "<th>node</th><th>formula</th><th>value</th>" if values else "<th>by</th><th>gradient</th>"
    )
    body = "".join(line(row, kind) for row in rows)
    return (
        f'<table class="{kind}"><caption>{caption}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def line(row: Row, kind: str) -> str:
    name = f"<th scope=row>{escape(visible(row.name))}</th>"
    formula = f"<td class=formula>{escape(visible(row.formula))}</td>" if kind == VALUES else ""
    width = row.shape[-1] if row.shape else 1
    cells = [cell(one, kind) for one in row.cells]
    grid = "".join(
        f'<div class="numbers">{"".join(cells[k : k + width])}</div>'
        for k in range(0, len(cells), width)
    )
    return f"<tr>{name}{formula}<td>{grid}</td></tr>"


def cell(one: str | Blank, kind: str) -> str:
    """A number that is given, or a box to fill in with what belongs to it."""
    if isinstance(one, str):
        return f'<span class="{"value" if kind == VALUES else "gradient"}">{one}</span>'
    what = "Value" if one.kind == VALUES else "Gradient by"
    return (
        f'<span class="blank"><label><span class="place">{one.number}</span>'
        f'<input type="text" inputmode="text" autocomplete="off" spellcheck="false" data-blank="{one.number - 1}"'
        f' aria-label="{what} {escape(visible(one.node))}"></label>'
        '<button type="button" class="hint">hint</button><span class="said" role="status"></span></span>'
    )


def plain(row: Row) -> str:
    """The numbers of an input on a line."""
    cells = [one.text if isinstance(one, Blank) else one for one in row.cells]
    if not row.shape:
        return cells[0]
    width = row.shape[-1]
    lines: list[Any] = [", ".join(cells[k : k + width]) for k in range(0, len(cells), width)]
    return f"[{'; '.join(lines)}]"
