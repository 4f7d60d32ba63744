"""Plain text, for Python's print: a trace, an explanation, a check."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ...checks.differences import Difference, Differences
from ...checks.report import Report
from ...diagnosis.claims import Verdict
from ...errors import visible
from ...explain.document import Explanation, plain
from ...language.printer import line_of, shown_lines
from ...numbers.decimal import decimal
from ...numbers.wide import UNEVALUATED, Number
from ...trace.index import formula
from ...trace.record import Flag, Note, Trace

if TYPE_CHECKING:
    from ...arrays.record import ArrayTrace
    from ...checks.formula_claims import FormulaVerdict
    from ...diagnosis.array_claims import ArrayVerdict

__all__ = ["MOST", "check_text", "explanation_text", "remarks", "stages", "trace_text"]

MOST = 60
"""Nodes beyond which only results are listed, and results beyond which only the first."""

LONGEST = 2_000
"""Characters of a line of the program; a longer one is cut."""


def trace_text(trace: Trace, digits: int = 6) -> str:
    """The program, its nodes with values and gradients, notes and flags."""

    def shown(number: Number | None) -> str:
        return "" if number is None or number is UNEVALUATED else decimal(number, digits)

    lines, place = stages(trace)
    if trace.value is not UNEVALUATED:
        lines[place] += f" = {shown(trace.value)}"
    nodes, left = [node for node in trace.nodes if node.kind != "constant"], 0
    rows = [("node", "operation", "value", "gradient")]
    for node in nodes if len(nodes) <= MOST else ():
        text = formula(trace, node) if node.operation else ""
        rows.append((node.name, text, shown(node.value), shown(node.gradient)))
    if len(rows) == 1:
        rows = [("by", "", "", "gradient")]
        gradients = list(trace.gradients.items())
        rows += [(name, "", "", shown(number)) for name, number in gradients[:MOST]]
        left = len(gradients) - MOST
    lines += ["", *aligned(rows)]
    if left > 0:
        lines.append(f"and {left:,} more")
    return "\n".join(map(visible, [*lines, *remarks(trace.notes, trace.flags)]))


def stages(trace: "Trace | ArrayTrace") -> tuple[list[str], int]:
    """The lines of the program, and the place of the output's."""
    lines = [
        line if len(line) <= LONGEST else f"{line[:LONGEST]}..."
        for line in shown_lines(trace.program)
    ]
    place = line_of(trace.program, trace.output_name, trace.last)
    if place is None:
        place = len(lines)
        lines.append(trace.output_name)
    return lines, place


def remarks(notes: Iterable[Note], flags: Iterable[Flag]) -> list[str]:
    """Notes and flags, a line each."""
    found = [f"note: {note.message}" for note in notes]
    return found + [f"flag: {flag.message}" for flag in flags]


def aligned(rows: Sequence[tuple[str, str, str, str]]) -> Iterable[str]:
    """Rows of a table: words on the left, numbers on the right."""
    name, text, value, gradient = (max(map(len, column)) for column in zip(*rows, strict=True))
    for a, b, c, d in rows:
        cells = [a.ljust(name)] + [b.ljust(text)] * bool(text) + [c.rjust(value)] * bool(value)
        yield "  ".join([*cells, d.rjust(gradient)]).rstrip()


def explanation_text(explanation: Explanation) -> str:
    """The headline and the paragraphs, each node's below its formula."""
    parts = [plain(explanation.headline)]
    for paragraph in explanation.paragraphs:
        top = plain(paragraph.heading)
        parts.append("\n".join(part for part in (top, paragraph.text) if part))
    return visible_lines("\n\n".join(parts))


def visible_lines(text: str) -> str:
    return "\n".join(map(visible, text.split("\n")))


def check_text(report: Report, digits: int = 6) -> str:
    """What a check found: claims with their mistakes, or gradients beside difference quotients."""
    lines: list[str] = []
    for verdict in report.verdicts:
        lines += verdict_lines(verdict, digits)
    if report.first is not None:
        lines.append(report.first.message)
    found = report.differences
    if isinstance(found, Differences):
        lines += [difference_line(row, digits) for row in (*found.inputs, *found.edges)]
    elif found is not None:
        for one in found.inputs:
            lines.append(f"{one.name}: {one.verdict}")
            lines += [f"  {difference_line(row, digits)}" for row in one.rows if row.verdict != "right"]  # fmt: skip
    lines += report.remarks
    if report.agreement is not None:
        parting = report.agreement.parting
        same = f"the same value and gradients at {report.agreement.points:,} points"
        lines.append(parting.message if parting else same)
    return "\n".join(map(visible, lines))


def verdict_lines(verdict: "Verdict | ArrayVerdict | FormulaVerdict", digits: int) -> Iterable[str]:
    if isinstance(verdict, Verdict):
        line = f"{verdict.name} = {verdict.claimed}: {verdict.status}"
        yield line if verdict.right else f"{line}, it is {decimal(verdict.correct, digits)}"
    elif hasattr(verdict, "parted"):
        yield f"{verdict.label} = {verdict.claimed}: {verdict.text}"
    else:
        yield f"{verdict.name}: {verdict.text}"
    rules = [diagnosis.rule for diagnosis in verdict.diagnoses]
    for k, diagnosis in enumerate(verdict.diagnoses):
        yield f"  {diagnosis.message}"
        if rules[k] and rules[k] not in rules[:k]:
            yield f"  {rules[k]}"
    for advice in verdict.advice:
        yield f"  {advice}"


def difference_line(row: Difference, digits: int) -> str:
    line = f"{row.name}: {row.verdict}, {decimal(row.backward, digits)}"
    return f"{line}; {row.message}" if row.message else line
