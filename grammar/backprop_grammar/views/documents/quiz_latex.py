r"""A quiz as a LaTeX document that pdflatex sets: a page a sheet, and the keys at the end."""

from collections.abc import Iterable, Sequence

from ...language.printer import shown_lines
from ...quiz.key import worked
from ...quiz.record import GRADIENTS, VALUES, Quiz, Variant
from ...quiz.sheet import Row, backward, forward, given
from ..options import Options
from .formula_latex import as_written, escaped, name_latex
from .latex import paragraph_text

__all__ = ["render"]

HEAD = r"""\documentclass[11pt,a4paper]{article}
\usepackage[T1]{fontenc}
\usepackage[margin=22mm]{geometry}
\usepackage{amsmath}
\usepackage{longtable}
\allowdisplaybreaks
\setlength{\parindent}{0pt}
\setlength{\parskip}{\medskipamount}
\renewcommand{\arraystretch}{1.35}
\newcommand{\blank}[1]{{\footnotesize(#1)}\,\underline{\hspace{22mm}}}
\sloppy
\begin{document}
"""


def render(quiz: Quiz, options: Options) -> str:
    """The document. The keys stand behind all sheets where they are asked for."""
    pages = ["\n\n".join(sheet(quiz, variant, False)) for variant in quiz.variants]
    if options.key:
        pages += ["\n\n".join(sheet(quiz, variant, True)) for variant in quiz.variants]
    return HEAD + "\n\n\\clearpage\n\n".join(pages) + "\n\n\\end{document}\n"


def sheet(quiz: Quiz, variant: Variant, key: bool) -> Iterable[str]:
    """One page: what is given, and the lines to fill in; of a key, filled in and worked."""
    title = escaped(quiz.title or "Fill in the blanks")
    about = rf"sheet {variant.number}, seed {quiz.seed}" + (", key" if key else "")
    yield rf"{{\Large\bfseries {title}}}\hfill {about}"
    if not key:
        yield r"Name \underline{\hspace{60mm}}"
    yield "\\\\\n".join(rf"\texttt{{{escaped(stage)}}}" for stage in shown_lines(quiz.program))
    inputs = (rf"${name_latex(row.name)} = {matrix(row)}$" for row in given(variant))
    yield "Given: " + ", ".join(inputs)
    parts = [(r"\textbf{Forward}", VALUES, forward(variant))]
    if gradients := backward(variant):
        head = rf"\textbf{{Backward: the gradients of ${name_latex(variant.trace.output_name)}$}}"
        parts.append((head, GRADIENTS, gradients))
    if beside([rows for *_, rows in parts]):
        halves = [
            rf"\begin{{minipage}}[t]{{0.5\textwidth}}{head}\par\medskip" + "\n"
            + table(kind, rows, key, "tabular") + r"\end{minipage}"
            for head, kind, rows in parts
        ]  # fmt: skip
        yield "%\n".join(halves)
    else:
        for head, kind, rows in parts:
            yield head
            yield table(kind, rows, key)
    if any(not blank.exact for blank in variant.blanks):
        yield "Where no short number comes out, 3 digits are enough."
    if key:
        yield from (paragraph_text(paragraph) for paragraph in worked(variant).paragraphs)


FIT = 26
"""Lines of both tables that a page holds one below the other."""

TALL, WIDE = 36, 30
"""Lines, and letters of a formula, of tables that stand side by side."""


def beside(tables: Sequence[Sequence[Row]]) -> bool:
    """Whether tables stand side by side, for which one page is enough then."""
    rows = [row for table in tables for row in table]
    fits = max(map(len, tables)) <= TALL and all(len(row.formula) <= WIDE for row in rows)
    return len(rows) > FIT and len(tables) > 1 and fits and not any(row.shape for row in rows)


def table(kind: str, rows: Sequence[Row], key: bool, form: str = "longtable") -> str:
    """The values forward, or the gradients backward."""
    values = kind == VALUES
    head = r"node & formula & value \\" if values else r"by & gradient \\"
    lines = [
        " & ".join(
            [
                rf"${name_latex(row.name)}$",
                *([rf"\texttt{{{escaped(row.formula)}}}"] if values else []),
                cells(row, key),
            ]
        )
        + r" \\"
        for row in rows
    ]
    columns, place = "lll" if values else "ll", "l" if form == "longtable" else "t"
    return "\n".join(
        [
            rf"\begin{{{form}}}[{place}]{{@{{}}{columns}@{{}}}}",
            head,
            r"\hline",
            *lines,
            rf"\end{{{form}}}",
        ]
    )


def cells(row: Row, key: bool) -> str:
    """The numbers of a node, and blanks, a row of a matrix on a line."""
    shown = []
    for cell in row.cells:
        if isinstance(cell, str):
            shown.append(rf"${as_written(cell)}$")
        elif key:
            shown.append(rf"{{\footnotesize({cell.number})}}\,$\mathbf{{{as_written(cell.text)}}}$")
        else:
            shown.append(rf"\blank{{{cell.number}}}")
    width = row.shape[-1] if row.shape else 1
    lines = [r"\quad ".join(shown[k : k + width]) for k in range(0, len(shown), width)]
    if len(lines) == 1:
        return lines[0]
    return r"\begin{tabular}[t]{@{}l@{}}" + r" \\ ".join(lines) + r"\end{tabular}"


def matrix(row: Row) -> str:
    """The numbers of an input."""
    texts = [as_written(cell if isinstance(cell, str) else cell.text) for cell in row.cells]
    if not row.shape:
        return texts[0]
    width = row.shape[-1] if len(row.shape) == 2 else 1
    lines = [" & ".join(texts[k : k + width]) for k in range(0, len(texts), width)]
    return r"\begin{pmatrix}" + r" \\ ".join(lines) + r"\end{pmatrix}"
