"""A check on a terminal: what is right in green, what is wrong in red, and why.

Every row ends in its verdict; what there is to explain stands below in sentences.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text

from backprop_grammar.checks.differences import Difference
from backprop_grammar.checks.equivalence import Agreement
from backprop_grammar.checks.report import Report
from backprop_grammar.diagnosis.claims import Verdict
from backprop_grammar.diagnosis.mistakes import MISTAKES
from backprop_grammar.diagnosis.search import Diagnosis
from backprop_grammar.errors import visible
from backprop_grammar.numbers.decimal import decimal, telling
from backprop_grammar.numbers.wide import UNEVALUATED, Number
from backprop_grammar.views.options import Options

from .terminal import (
    NAME,
    QUIET,
    TITLE,
    WARNING,
    Column,
    Grid,
    ascii_only,
    console,
    program_lines,
    wrapped,
)

if TYPE_CHECKING:
    from backprop_grammar.checks.formula_claims import FormulaVerdict

__all__ = ["show"]

GOOD, BAD, RULE = "green", "red", "cyan"

MANY = 40
"""Right edges above which only those that are not right are listed, unless all are asked for."""

TABLE = 4
"""Claims from which on they are a table, of which the first wrong line is named."""

SENTENCES = {mistake.name: mistake.sentence for mistake in MISTAKES}


def show(report: Report, options: Options) -> None:
    """Print what a check found."""
    screen = console()
    page = Page(report, options, screen.width, ascii_only(screen))
    for line in page.lines():
        screen.print(line, crop=False, overflow="ignore")


class Page:
    """The lines of a screen of some width."""

    sentences: ClassVar = SENTENCES

    def __init__(self, report: Report, options: Options, width: int, plain: bool) -> None:
        self.report = report
        self.options = options
        self.digits = options.digits
        self.width = width
        self.rule = "-" if plain else "─"
        self.rules = set[str]()  # those that are told so far

    def lines(self) -> Iterable[Text]:
        report = self.report
        yield from self.header()
        yield from self.all_claims(report.verdicts)
        if report.differences is not None:
            yield Text()
            yield from self.differences(report.differences)
        if report.agreement is not None:
            yield Text()
            yield from self.agreement(report.agreement)

    def paragraph(self, text: Text, indent: int = 2) -> list[Text]:
        return wrapped(text, self.width, indent)

    def sentence(self, text: str, style: str) -> list[Text]:
        return self.paragraph(Text(text, style))

    def header(self) -> Iterable[Text]:
        stages = program_lines(self.report.program, self.width)
        value = self.report.value
        for i, stage in enumerate(stages):
            line = Text(stage, NAME if i == len(stages) - 1 else "")
            if i == len(stages) - 1 and value is not None:
                line = Text.assemble(line, "  =  ", (self.value_text(value), GOOD))
            yield from self.paragraph(line)

    def value_text(self, value: Any) -> str:
        """The value of the output."""
        return decimal(value, self.digits)

    def table(self, columns: Sequence[Column], rows: list[list[Text]]) -> Iterable[Text]:
        """A table, or on a narrow terminal its rows as paragraphs."""
        grid = Grid(columns, rows)
        if grid.width() <= self.width:
            yield from grid.lines(self.rule)
            return
        for row in rows:
            yield from self.paragraph(row[0])
            for column, cell in zip(columns[1:], row[1:], strict=True):
                if cell.plain.strip():
                    line = Text.assemble("  ", (f"{column.title} ", QUIET), cell)
                    yield from self.paragraph(line, 4)

    # claims

    def all_claims(self, verdicts: Sequence[Any]) -> Iterable[Text]:
        """The claims of values, of gradients, and formulas; the one that others follow from; remarks."""
        formulas = [verdict for verdict in verdicts if hasattr(verdict, "parted")]
        numbers = [verdict for verdict in verdicts if not hasattr(verdict, "parted")]
        values = [verdict for verdict in numbers if verdict.name.startswith("value.")]
        gradients = [verdict for verdict in numbers if not verdict.name.startswith("value.")]
        for title, what, claims in (("Values", "value", values), ("Claims", "gradient", gradients)):
            if claims:
                yield Text()
                yield from self.claims(title, what, claims)
        if formulas:
            yield Text()
            yield from self.formulas(formulas)
        if verdicts:
            yield from self.first()
            said: dict[tuple[str, ...], str] = {}
            following = self.report.first.all_following if self.report.first else ()
            for verdict in (*values, *gradients):
                if self.explains(verdict) or verdict.name not in following:
                    yield from self.reasons(verdict, said)
            for verdict in formulas:
                yield from self.of_formula(verdict, said)
        if self.report.remarks:
            yield Text()
        for remark in self.report.remarks:
            yield from self.paragraph(Text.assemble(("note: ", WARNING), visible(remark)))

    def explains(self, verdict: Any) -> bool:
        """Whether something is said of a claim that follows from another."""
        return bool(verdict.diagnoses)

    def first(self) -> Iterable[Text]:
        """The first wrong claim, where others follow from it."""
        first = self.report.first
        lines = hasattr(first, "line")
        if first is not None and (
            lines or first.all_following or len(self.report.verdicts) >= TABLE
        ):
            yield Text()
            yield from self.paragraph(Text(visible(first.message)))

    def claims(self, title: str, what: str, verdicts: Sequence[Any]) -> Iterable[Text]:
        wrong = sum(not verdict.right for verdict in verdicts)
        yield from self.paragraph(self.title(title, wrong, len(verdicts)))
        columns = [
            Column("of"),
            Column("claimed", right=True),
            Column(what, right=True),
            Column("verdict"),
        ]
        yield from self.table(columns, [self.claim(verdict) for verdict in verdicts])

    def formulas(self, verdicts: Sequence["FormulaVerdict"]) -> Iterable[Text]:
        """The formulas as they are written, each with its verdict."""
        wrong = sum(not verdict.right for verdict in verdicts)
        yield from self.paragraph(self.title("Formulas", wrong, len(verdicts)))
        rows = [
            [
                Text(visible(verdict.label), NAME),
                Text(visible(verdict.claimed)),
                Text(verdict.text, GOOD if verdict.right else BAD),
            ]
            for verdict in verdicts
        ]
        yield from self.table([Column("of"), Column("claimed"), Column("verdict")], rows)

    def of_formula(
        self, verdict: "FormulaVerdict", said: dict[tuple[str, ...], str]
    ) -> Iterable[Text]:
        """What explains a formula that is wrong; the numbers there are those of one point."""
        if verdict.right:
            return
        kept = self.kept(verdict.diagnoses)
        messages = tuple(diagnosis.message for diagnosis in kept)
        yield Text()
        start = Text.assemble((visible(verdict.label), NAME), f" = {visible(verdict.claimed)}")
        if messages and messages in said:
            yield from self.paragraph(start.append(f": as for {said[messages]}"))
        elif messages:
            said[messages] = visible(verdict.label)
            lead = " is explained by" if kept[0].certain else " is consistent with"
            start.append(f"{lead} (numbers at {visible(verdict.where)})", QUIET)
            yield from self.paragraph(start)
            for diagnosis in kept:
                yield from self.diagnosis(diagnosis)
        else:
            yield from self.paragraph(start)
        for advice in verdict.advice:
            yield from self.advice(advice)

    def claim(self, verdict: Verdict) -> list[Text]:
        """The row of a claim."""
        return [
            Text(visible(verdict.name.removeprefix("value.")), NAME),
            Text(visible(verdict.claimed)),
            Text(decimal(verdict.correct, self.digits)),
            Text(verdict.status, GOOD if verdict.right else BAD),
        ]

    def title(self, name: str, wrong: int, total: int) -> Text:
        outcome = (f"{wrong:,} of {total:,} wrong", BAD) if wrong else (f"{total:,} right", GOOD)
        return Text.assemble((name, TITLE), "  ", outcome)

    def reasons(self, verdict: Any, said: dict[tuple[str, ...], str]) -> Iterable[Text]:
        """What explains a claim; what was said of another claim is only referred to."""
        if not verdict.diagnoses and not verdict.advice:
            return
        best, kept = verdict.diagnoses[:1], self.kept(verdict.diagnoses)
        messages = tuple(diagnosis.message for diagnosis in kept)
        yield Text()
        start = Text.assemble((visible(verdict.name), NAME), f" = {visible(verdict.claimed)}")
        if messages and messages in said:
            yield from self.paragraph(start.append(f": as for {said[messages]}"))
        elif messages:
            said[messages] = visible(verdict.name)
            lead = " is explained by" if best[0].certain else " is consistent with"
            yield from self.paragraph(start.append(lead, QUIET))
            for diagnosis in kept:
                yield from self.diagnosis(diagnosis)
        else:
            yield from self.paragraph(start)
        for advice in verdict.advice:
            yield from self.advice(advice)

    def kept(self, diagnoses: Sequence[Diagnosis]) -> list[Diagnosis]:
        """Those that are listed: what explains less, or contradicts other claims, is left aside where
        something else does not.
        """
        best = diagnoses[:1]
        return [
            one
            for one in diagnoses
            if len(one.explains) == len(best[0].explains) and (best[0].spoils or not one.spoils)
        ]

    def advice(self, advice: str) -> list[Text]:
        return wrapped(Text(f"  {visible(advice)}", WARNING), self.width, 4)

    def diagnosis(self, diagnosis: Diagnosis) -> Iterable[Text]:
        yield from wrapped(Text("  - ").append(visible(diagnosis.message), BAD), self.width, 2)
        also = dict.fromkeys(
            self.sentences[name] for name, _ in diagnosis.also if name != diagnosis.mistake
        )
        if also:
            text = f"    the same number comes from: {'; '.join(list(also)[:4])}"
            yield from wrapped(Text(text, QUIET), self.width, 2)
        if len(diagnosis.explains) > 1:
            names = ", ".join(map(visible, diagnosis.explains[:12]))
            yield from wrapped(Text(f"    explains {names}", QUIET), self.width, 2)
        if diagnosis.spoils:
            names = ", ".join(map(visible, diagnosis.spoils[:12]))
            yield from wrapped(Text(f"    but contradicts {names}", QUIET), self.width, 2)
        if diagnosis.rule and diagnosis.rule not in self.rules:
            self.rules.add(diagnosis.rule)
            yield from wrapped(Text(f"    {visible(diagnosis.rule)}", RULE), self.width, 2)

    # differences

    def differences(self, differences: Any) -> Iterable[Text]:
        if differences.inputs:
            wrong = sum(row.verdict == "wrong" for row in differences.inputs)
            title = self.title(
                "Inputs against difference quotients", wrong, len(differences.inputs)
            )
            yield from self.paragraph(title)
            yield from self.rows("of", differences.inputs)
        if differences.edges:
            if differences.inputs:
                yield Text()
            wrong = sum(row.verdict == "wrong" for row in differences.edges)
            title = self.title("Operations, each alone", wrong, len(differences.edges))
            yield from self.paragraph(title)
            yield from self.rows("local gradient", differences.edges)
        if differences.skipped:
            yield from self.sentence(
                f"{differences.skipped:,} more were not compared: the graph is too large", WARNING
            )

    def rows(self, name: str, differences: Sequence[Difference]) -> Iterable[Text]:
        shown = differences
        if len(differences) > MANY and not self.options.everything:
            shown = [row for row in differences if row.verdict != "right"][:MANY]
        columns = [
            Column(name),
            Column("backward", right=True),
            Column("quotient", right=True),
            Column("error", right=True),
            Column("verdict"),
        ]
        if shown:
            yield from self.table(columns, [self.row(row) for row in shown])
        if len(shown) < len(differences):
            yield from self.sentence(
                f"{len(differences) - len(shown):,} more; --all shows them all", QUIET
            )
        for message in dict.fromkeys(row.message for row in shown if row.message):
            yield from self.sentence(visible(message), WARNING)

    def row(self, row: Difference) -> list[Text]:
        style = {"right": GOOD, "wrong": BAD}.get(row.verdict, WARNING)
        return [
            Text(visible(row.name), NAME),
            *map(Text, self.compared(row)),
            Text("" if row.error is None else f"{row.error:.1g}", QUIET),
            Text(row.verdict, style),
        ]

    def compared(self, row: Difference) -> tuple[str, str]:
        """Both numbers, with the digits that differ where that makes a gradient wrong."""
        if row.verdict == "wrong":
            return telling(row.backward, row.quotient, self.digits)
        return self.number(row.backward), self.number(row.quotient)

    def number(self, number: Number) -> str:
        return "none" if number is UNEVALUATED else decimal(number, self.digits)

    # agreement

    def agreement(self, agreement: Agreement) -> Iterable[Text]:
        yield from self.paragraph(Text.assemble(("against ", QUIET), visible(agreement.b)))
        if agreement.parting is not None:
            yield from self.sentence(visible(agreement.parting.message), BAD)
            if agreement.parting.error is not None:
                yield from self.sentence(
                    f"relative difference {agreement.parting.error:.3g}", QUIET
                )
            before = agreement.points - 1
            if before:
                yield from self.sentence(f"the same at {counted(before)} before", QUIET)
        elif agreement.points:
            text = f"the same value and gradients at {counted(agreement.points)}"
            yield from self.sentence(text, GOOD)
            yield from self.sentence(f"largest relative difference {agreement.worst:.2g}", QUIET)
        else:
            yield from self.sentence("neither formula has a value anywhere there", BAD)
        if agreement.skipped and agreement.points:
            yield from self.sentence(
                f"neither has a value at {counted(agreement.skipped)}, skipped", WARNING
            )
        if agreement.kinks:
            yield from self.sentence(
                f"kinks at {counted(agreement.kinks)}, where only the values were compared", WARNING
            )


def counted(points: int) -> str:
    """`1 point`, `1,000 points`."""
    return f"{points:,} point{'s' * (points != 1)}"
