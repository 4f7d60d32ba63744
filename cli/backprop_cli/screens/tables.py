"""The trace as tables on a terminal: the lecture's board.

The forward table reads down and the backward table reads from the output down, one block per node,
as the passes themselves go; the wider the terminal, the closer the two stand together.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from backprop_grammar.language.printer import line_of
from backprop_grammar.numbers.decimal import decimal
from backprop_grammar.numbers.wide import Number, negative, sign
from backprop_grammar.trace.index import formula, is_number, partial, rule_text, senders
from backprop_grammar.trace.record import Edge, Node, Trace
from backprop_grammar.views.options import Options

from .terminal import (
    GRADIENT,
    NAME,
    QUIET,
    TITLE,
    VALUE,
    Column,
    Grid,
    ascii_only,
    console,
    program_lines,
    remark_lines,
    wrapped,
)

if TYPE_CHECKING:
    from backprop_grammar.arrays.record import ArrayEdge, ArrayNode

__all__ = ["Board", "print_board", "show"]

MANY = 200
"""Gradients above which the summary stops unless all are asked for."""

GUTTER = 6
"""Columns between two tables side by side."""


def show(trace: Trace, options: Options) -> None:
    """Print the trace: header, forward and backward table, gradients, notes and flags."""
    screen = console()
    print_board(Board(trace, options.digits, screen.width, ascii_only(screen)), screen, options)


def print_board(board: "Board", screen: Console, options: Options) -> None:
    """Print the lines of a board."""
    for line in board.lines(options.everything, options.quiet):
        screen.print(line, crop=False, overflow="ignore")


class Board:
    """The lines of a screen of some width.

    Where a number stands may stand another value, in as many lines as it takes.
    """

    def __init__(self, trace: Trace, digits: int, width: int, plain: bool) -> None:
        self.trace = trace
        self.digits = trace.precision or digits
        self.width = width
        self.rule = "-" if plain else "─"
        # With an upstream gradient, what is differentiated is not the output but what follows it.
        self.output = trace.output_name
        self.top = f"d{self.output}" if trace.upstream == 1 else "d"
        self.arrow = "->" if plain else "→"
        self.shown = [node for node in trace.nodes if node.kind != "constant"]
        self.senders = senders(trace.nodes)

    def lines(self, everything: bool, quiet: bool = False) -> Iterable[Text]:
        yield from self.header(quiet)
        yield Text()
        if quiet:
            pass
        elif self.shown:
            yield from self.tables()
        elif not self.trace.nodes:
            more = "too many nodes for tables; --all shows them all, --json has them too"
            yield from self.paragraph(Text(more, QUIET))
            yield Text()
        yield from self.summary(everything)
        yield from remark_lines(self.trace.notes, self.trace.flags, self.width)

    def paragraph(self, text: Text) -> list[Text]:
        return wrapped(text, self.width)

    # numbers

    def number(self, number: Any, style: str) -> Text:
        """The cell of a number."""
        return Text(decimal(number, self.digits), style)

    def value(self, number: Any) -> Text:
        return self.number(number, VALUE)

    def red(self, number: Any) -> Text:
        return self.number(number, GRADIENT)

    def equation(self, left: Text, number: Any, style: str) -> Iterable[Text]:
        """A line that ends in a number."""
        yield from self.paragraph(left.append_text(self.number(number, style)))

    # header

    def header(self, quiet: bool) -> Iterable[Text]:
        """The program, a stage a line, and the output's value after its stage.

        quiet: that alone.
        """
        program = self.trace.program
        stages = program_lines(program, self.width)
        values = {}
        for name, last, value in self.outputs():
            place = line_of(program, name, last)
            if place is None or place >= len(stages):
                place = len(stages) - 1 if last and not self.told_apart else len(stages)
            if place == len(stages):
                stages.append(self.told(name, last))
            values[place] = value
        for i, stage in enumerate(stages):
            if i in values:
                left = Text.assemble((stage, NAME), "  =  ")
                yield from self.equation(left, values[i], VALUE)
            elif not quiet:
                yield from self.paragraph(Text(stage))

    told_apart = False
    """Whether the output of a program that is cut has a line of its own."""

    def told(self, name: str, _last: bool) -> str:
        """An output that is on none of the lines that are shown."""
        return name

    def outputs(self) -> list[tuple[str, bool, Any]]:
        """The outputs: their names, whether each is the last stage, and their values."""
        return [(self.output, self.trace.last, self.trace.value)]

    # tables

    def tables(self) -> Iterable[Text]:
        forward, backward = self.forward(), self.backward()
        if backward.rows and forward.width() + GUTTER + backward.width() <= self.width:
            yield from self.beside(forward, backward)
            return
        if forward.width() > self.width:
            forward = self.forward(compact=True)
        if forward.width() <= self.width:
            yield from self.titled("Forward", forward)
        else:
            yield from self.forward_lines()
        if not backward.rows:
            return
        if backward.width() > self.width:
            backward = self.backward(compact=True)
        if backward.width() <= self.width:
            yield from self.titled("Backward", backward)
        else:
            yield from self.backward_lines()

    def titled(self, title: str, grid: Grid) -> Iterable[Text]:
        yield Text(title, TITLE)
        yield from grid.lines(self.rule)
        yield Text()

    def beside(self, left: Grid, right: Grid) -> Iterable[Text]:
        ours = [Text("Forward", TITLE), *left.lines(self.rule)]
        theirs = [Text("Backward", TITLE), *right.lines(self.rule)]
        room = left.width() + GUTTER
        for i in range(max(len(ours), len(theirs))):
            line = ours[i].copy() if i < len(ours) else Text()
            if i < len(theirs):
                line.append(" " * (room - line.cell_len))
                line.append_text(theirs[i])
            yield line
        yield Text()

    def forward(self, compact: bool = False) -> Grid:
        """One row per node: name, operation with its operands, value.

        compact: without what may be left out.
        """
        columns = [Column("node"), Column("operation"), Column("value", right=True)]
        inputs = [node for node in self.shown if node.kind == "variable"]
        others = [node for node in self.shown if node.kind != "variable"]
        rows = [
            [self.name(node), Text(self.formula(node)), self.value(node.value)]
            for node in inputs + others
        ]
        return Grid(columns, rows)

    def formula(self, node: Node) -> str:
        return formula(self.trace, node) if node.operation else ""

    def name(self, node: "Node | ArrayNode") -> Text:
        return Text(node.name, self.style(node))

    def verb(self, node: "Node | ArrayNode") -> str:
        """What it does to its upstream gradient: distributes, swaps, scales, routes."""
        return node.role.verb if node.role else ""

    def style(self, node: "Node | ArrayNode") -> str:
        return NAME if node.named else ""

    def local(self, node: Node, edge: Edge, compact: bool = False) -> Text:
        """`dn8/dn7 = -n8/n7 = -0.534447`, without its beginning where compact."""
        number, sign = decimal(edge.local, self.digits), partial(self.trace, node, edge)
        text = Text() if compact else Text.assemble((f"{sign} = ", QUIET))
        rule = rule_text(self.trace, node, edge)
        if rule != sign and not is_number(rule, number):
            text.append(rule).append(" = ", QUIET)
        return text.append(number, GRADIENT)

    def sends(self, edge: Edge) -> Text:
        number = self.red(edge.contribution) if edge.routed else Text("0", QUIET)
        return Text.assemble(number, (self.receiver(edge), QUIET))

    def receiver(self, edge: "Edge | ArrayEdge") -> str:
        """` → x`"""
        return f" {self.arrow} {self.trace.name(edge.operand)}{self.mark(edge.operand)}"

    def mark(self, index: int) -> str:
        """What follows the name of an input whose gradient is not that of the rules."""
        return "*" if index in self.trace.decided else ""

    def received(self, node: Node) -> list[tuple[str, Any]]:
        """What others send a node, by their names."""
        return [(s.name, edge.contribution) for s, edge in self.senders.get(node.index, ())]

    def sum(self, node: Node) -> Text | None:
        """The sum over the branches that meet at a node: `-4 via q + 2 via r`."""
        received = self.received(node)
        if len(received) < 2:
            return None
        text = Text()
        for i, (name, number) in enumerate(received):
            if i == 6 and len(received) > 8:
                text.append(f" + {len(received) - 6} more", QUIET)
                break
            between = " + " * bool(i)
            if i and sign(number) < 0:
                number, between = negative(number), " - "
            text.append(between)
            text.append(decimal(number, self.digits), GRADIENT)
            text.append(f" via {name}", QUIET)
        return text

    def backward_nodes(self) -> list[Node]:
        """The nodes that have a gradient to pass on or to add up, from the output down."""
        return [
            node
            for node in reversed(self.shown)
            if node.gradient is not None
            and (node.edges or self.sum(node) or (node.operation and self.is_zero(node.gradient)))
        ]

    def is_zero(self, gradient: Number) -> bool:
        return gradient == 0

    def backward(self, compact: bool = False) -> Grid:
        """One block per node: its upstream gradient, then a row per operand.

        compact: without roles and without the left side of the local gradients.
        """
        columns = [
            Column("node"),
            Column("role"),
            Column("upstream", right=True),
            Column("local gradient"),
            Column("contribution"),
        ]
        rows: list[list[Text]] = []
        width = 0
        for node in self.backward_nodes():
            for edge in node.edges:
                width = max(width, self.sends(edge).cell_len - len(self.receiver(edge)))
        for node in self.backward_nodes():
            assert node.gradient is not None
            first = [self.name(node), Text(self.verb(node)), self.red(node.gradient)]
            total = self.sum(node)
            if total is not None:
                marked = first[0] + self.mark(node.index)
                rows.append([marked, Text("sums"), first[2], total, Text()])
                first = [Text(), Text(self.verb(node)), Text()]
            if not node.edges:
                if node.operation:
                    rows.append([*first, Text("no gradient passes here", QUIET), Text()])
                continue
            for edge in node.edges:
                sends = self.sends(edge)
                room = width - (sends.cell_len - len(self.receiver(edge)))
                rows.append([*first, self.local(node, edge, compact), Text(" " * room) + sends])
                first = [Text(), Text(), Text()]
        if compact:
            del columns[1]
            for row in rows:
                del row[1]
        return Grid(columns, rows)

    # narrow terminals: one `name = value` per line

    def forward_lines(self) -> Iterable[Text]:
        yield Text("Forward", TITLE)
        for node in self.shown:
            between = f" = {self.formula(node)} = " if node.operation else " = "
            line = Text.assemble(self.name(node), between, self.value(node.value))
            yield from self.paragraph(line)
        yield Text()

    def backward_lines(self) -> Iterable[Text]:
        yield Text("Backward", TITLE)
        for node in self.backward_nodes():
            assert node.gradient is not None
            line = Text.assemble((f"{self.top}/d{node.name}", self.style(node)), " = ")
            total = self.sum(node)
            if total is not None:
                line.append_text(total).append(" = ")
            line.append_text(self.red(node.gradient))
            yield from self.paragraph(line)
            for edge in node.edges:
                yield from wrapped(Text("  ") + self.local(node, edge), self.width, 4)
                sends = Text.assemble("  ", (f"{self.verb(node)} ", QUIET), self.sends(edge))
                yield from wrapped(sends, self.width, 4)
        yield Text()

    # summary

    def upstream(self) -> str:
        """The gradient that arrives at the output, where it is not 1."""
        return "" if self.trace.upstream == 1 else decimal(self.trace.upstream, self.digits)

    def results(self, grid: Grid, labels: Sequence[str]) -> Grid:
        """The table of the gradients, for this screen."""
        return grid

    def summary(self, everything: bool) -> Iterable[Text]:
        """The gradients asked for, with the values of their nodes."""
        trace = self.trace
        if not trace.gradients:
            yield from self.paragraph(Text("no variables, so no gradients", QUIET))
            return
        values: dict[str, Number] = {**trace.at, **trace.values}
        labels = list(trace.gradients)
        kept = labels if everything else labels[:MANY]
        title = Text.assemble((f"Gradients of {self.output}", TITLE))
        if upstream := self.upstream():
            title.append(f"  (upstream {upstream})")
        yield from self.paragraph(title)
        marks = {trace.names.name(node): "*" for node in trace.decided}
        columns = [Column("by"), Column("value", right=True), Column("gradient", right=True)]
        rows = [
            [
                Text(label, NAME) + marks.get(label, ""),
                self.value(values[label]) if label in values else Text(),
                self.red(trace.gradients[label]),
            ]
            for label in kept
        ]
        grid = self.results(Grid(columns, rows), kept)
        if grid.width() <= self.width:
            yield from grid.lines(self.rule)
        else:
            for label in kept:
                line = Text.assemble((f"{self.top}/d{label}", NAME), marks.get(label, ""), " = ")
                yield from self.equation(line, trace.gradients[label], GRADIENT)
        if trace.decided:
            text = "* the rules give another number, or none; the function decides"
            yield from self.paragraph(Text(text, QUIET))
        if len(kept) < len(labels):
            more = f"{len(labels) - len(kept):,} more; --all shows them all"
            yield from self.paragraph(Text(more, QUIET))
