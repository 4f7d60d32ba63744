"""The trace of a program over arrays as tables: the board with vectors and matrices in its cells.

Too large an array is its corner and a summary, on a narrow screen the summary alone. Where an
upstream gradient would make a row too wide, it has lines of its own, above what is sent.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from rich.text import Text

from backprop_grammar.arrays.notes import gathered_flags
from backprop_grammar.arrays.record import ArrayEdge, ArrayNode, ArrayTrace, Tensor
from backprop_grammar.arrays.text import columns, indents, inline, is_large, summary, text_of
from backprop_grammar.errors import visible
from backprop_grammar.language.graph import Array, as_array
from backprop_grammar.language.printer import shown_lines
from backprop_grammar.numbers.decimal import decimal
from backprop_grammar.numbers.wide import Number
from backprop_grammar.operations.shape import said, size
from backprop_grammar.operations.structural import INDEX, Structural
from backprop_grammar.trace.index import is_number
from backprop_grammar.views.options import Options

from .tables import Board, print_board
from .terminal import (
    GRADIENT,
    QUIET,
    TITLE,
    VALUE,
    Column,
    Grid,
    ascii_only,
    console,
    text_width,
    wrapped,
)

__all__ = ["show"]

Writer = Callable[[Number | None, int], str]

NARROW = 60
"""Columns of a screen below which a large array is its summary alone."""

LONGEST_RULE = 40
"""Characters of a local gradient's formula that is shown."""

LONGEST_UPSTREAM = 40
"""Characters of an upstream gradient that stands in a title."""


def show(trace: ArrayTrace, options: Options) -> None:
    """Print the trace: header, forward and backward table, gradients, notes and flags."""
    screen = console()
    print_board(ArrayBoard(trace, options, screen.width, ascii_only(screen)), screen, options)


class ArrayBoard(Board):
    """The lines of a screen of some width."""

    trace: ArrayTrace  # type: ignore[assignment]  # which has arrays where the other has numbers

    def __init__(self, trace: Any, options: Options, width: int, plain: bool) -> None:
        trace = replace(trace, flags=tuple(gathered_flags(trace.flags)))
        super().__init__(trace, options.digits, width, plain)
        self.everything = options.everything
        self.ellipsis = "..." if plain else "…"
        self.nothing = "." if plain else "·"
        self.by_index: dict[int, ArrayNode] = {node.index: node for node in trace.nodes}
        self.arrays = {node.name for node in trace.nodes if node.shape}
        self.selecting = dict(self.selectors())
        self.dotted = False
        if trace.outputs:
            self.output, self.top = ", ".join(name for name, _, _ in self.outputs()), "d"

    def outputs(self) -> list[tuple[str, bool, Any]]:
        if not self.trace.outputs:
            return super().outputs()
        return [
            (self.trace.name(k), k == self.trace.program.output, value)
            for k, value, _ in self.trace.outputs
        ]

    told_apart = True

    def told(self, name: str, last: bool) -> str:
        line = visible(shown_lines(self.trace.program)[-1]) if last else name
        return line if len(line) <= 2 * self.width else name

    # arrays

    def number(self, number: Any, style: str, text: Writer = text_of) -> Text:
        """A number, or an array in columns; of a large one its corner and a summary.

        text: what is written for an element.
        """
        tensor = tensor_of(number)
        large = is_large(tensor) and not self.everything
        if large and self.width < NARROW:
            return Text(summary(tensor, self.digits), style)
        lines = columns(tensor, self.digits, self.everything, text, self.ellipsis)
        cell = Text.assemble(("\n".join(lines), style))
        if large:
            cell.append("\n").append(summary(tensor, self.digits), QUIET)
        return cell

    def equation(self, left: Text, number: Any, style: str) -> Iterable[Text]:
        """What ends in an array: beside its left side, below it, or as text where it is too wide."""
        tensor = tensor_of(number)
        yield from self.ending(left, self.number(tensor, style), inline(tensor, self.digits, self.everything), style)  # fmt: skip

    def ending(self, left: Text, cell: Text, text: str, style: str) -> Iterable[Text]:
        """The same with its cell, and its text for where that is too wide."""
        margin = left.cell_len - len(left.plain.lstrip(" ")) + 2
        room = self.width - text_width(cell.plain)
        if left.cell_len <= room:
            yield from stripped(hanging(left, cell))
        elif " " in cell.plain and margin <= room:
            left.rstrip()
            yield from wrapped(left, self.width)
            yield from stripped(hanging(Text(" " * margin), cell))
        else:
            yield from wrapped(left.append(text, style), self.width)

    # tables

    def tables(self) -> Iterable[Text]:
        *lines, end = super().tables()
        yield from lines
        if self.dotted:
            text = f"{self.nothing} nothing arrives here, and nothing is passed on"
            yield from self.paragraph(Text(text, QUIET))
        yield end

    def forward(self, compact: bool = False) -> Grid:
        """One row per node: name, operation with its operands, shape, value, remarks.

        compact: without the remarks.
        """
        nodes = self.inputs_first()
        values = level([self.value(node.value) for node in nodes])
        rows = [
            [self.name(node), Text(node.formula if node.operation else ""), Text(shape_text(node.value)), value]
            for node, value in zip(nodes, values, strict=True)
        ]  # fmt: skip
        grid = table(["node", "operation", "shape", "value"], rows)
        remarks = [self.remark(node) for node in nodes]
        if any(remarks) and not compact:
            grid.columns = [*grid.columns, Column("")]
            for row, remark in zip(rows, remarks, strict=True):
                row.append(Text(remark, QUIET))
        return grid

    def inputs_first(self) -> list[ArrayNode]:
        nodes: list[Any] = self.shown
        return sorted(nodes, key=lambda node: node.kind != "variable")

    def selectors(self) -> Iterable[tuple[int, str]]:
        """The nodes that select, and what they are: labels, an index, a width or a size."""
        for node in self.by_index.values():
            row = node.row
            if not isinstance(row, Structural):
                continue
            places = range(1, len(node.operands)) if row is INDEX else row.indices
            what = row.counted.split(" ", 1)[1]
            for k in (node.operands[place] for place in places if place < len(node.operands)):
                if k in self.by_index and self.by_index[k].gradient is None:
                    yield k, "labels" if what == "label" else what

    def remark(self, node: ArrayNode) -> str:
        """What the forward table says of a node: `labels`, `b stretched over 2 rows`."""
        if node.index in self.selecting:
            return self.selecting[node.index]
        whole = isinstance(node.row, Structural) or any(
            edge.kind == "structural" for edge in node.edges
        )
        if whole or len(node.operands) < 2:
            return ""
        stretched: dict[str, None] = {}
        for k in node.operands:
            shape = self.by_index[k].shape if k in self.by_index else ()
            how = over(shape, node.shape)
            if how:
                stretched[f"{self.trace.name(k)} stretched {how}"] = None
        return ", ".join(stretched)

    def what(self, node: Any, edge: Any, compact: bool = False) -> Text:
        """`dn1/dq = 2*q = 0.44  0.52`, or what is sent: `W gets up @ x.T`.

        compact: where the receiver stands before it.
        """
        if edge.sent:
            gets = "" if compact else f"{self.trace.name(edge.operand)} gets "
            *stages, sent = edge.sent.split("; ")
            lines = [Text.assemble((gets, QUIET), sent), *map(where, stages)]
            return Text("\n").join(lines)
        if compact and edge.rule is not None and edge.rule.is_one:
            return Text("up")
        left, slopes = self.local_parts(node, edge)
        return hanging(left, slopes)

    def local_parts(self, node: ArrayNode, edge: ArrayEdge) -> tuple[Text, Text]:
        """`dn1/dq = 2*q = ` and the local gradients, as one number where they do not differ."""
        assert edge.local is not None
        rule = "" if edge.rule is None else str(edge.rule)
        known = {x for x in edge.local.numbers if x is not None}
        if len(known) == 1 and self.arrays.isdisjoint(re.findall(r"[^\W\d]\w*", rule)):
            slopes = Text.assemble((decimal(known.pop(), self.digits), GRADIENT))
        else:
            slopes = self.number(edge.local, GRADIENT, self.slope)
            rule = rule if edge.rule is not None and edge.rule.number is None else ""
        left = Text.assemble((f"d{node.name}/d{self.trace.name(edge.operand)} = ", QUIET))
        if rule and len(rule) <= LONGEST_RULE and not is_number(rule, slopes.plain):
            left.append(rule).append(" = ", QUIET)
        return left, slopes

    def slope(self, number: Number | None, digits: int) -> str:
        """A local gradient; a dot where nothing arrives that could be passed on."""
        self.dotted = self.dotted or number is None
        return self.nothing if number is None else decimal(number, digits)

    def received(self, node: Any) -> list[tuple[str, Any]]:
        pairs = super().received(node)
        for k, value, up in self.trace.outputs:
            if k == node.index:  # what arrives at one of several outputs
                given = (
                    tensor_of(up)
                    if isinstance(up, Array)
                    else Tensor(value.shape, (up,) * size(value.shape))
                )
                pairs = [("the output", given), *pairs]
        return pairs if node.shape else [(name, sent.numbers[0]) for name, sent in pairs]

    def sum(self, node: Any) -> Text | None:
        """The sum over the branches that meet at a node: for arrays a block per branch."""
        received = self.received(node)
        if len(received) < 2 or not node.shape:
            return super().sum(node)
        if is_large(node.value) and not self.everything:
            return Text(" + ".join(f"via {name}" for name, _ in received), QUIET)
        shown = received if len(received) <= 8 else received[:6]
        blocks = level([self.red(sent) for _, sent in shown])
        width = max(text_width(block.plain) for block in blocks)
        parts = [
            beside(
                hanging(Text.assemble(("+ " if i else "  ", QUIET)), block),
                width + 2,
                f"  via {name}",
            )
            for i, ((name, _), block) in enumerate(zip(shown, blocks, strict=True))
        ]
        if len(shown) < len(received):
            parts.append(Text(f"+ {len(received) - len(shown)} more", QUIET))
        return Text("\n").join(parts)

    def is_zero(self, gradient: Any) -> bool:
        return all(x == 0 for x in gradient.numbers)

    def contributions(
        self, nodes: Sequence[ArrayNode], compact: bool
    ) -> dict[tuple[int, int], Text]:
        """The cells of what is sent, by node and place, in one column."""
        keys, cells = [], []
        for node in nodes:
            for edge in node.edges:
                keys.append((node.index, edge.place))
                same = compact and edge.contribution == node.gradient and node.shape
                cells.append(
                    Text("as the upstream", QUIET) if same else self.red(edge.contribution)
                )
        return dict(zip(keys, level(cells), strict=True))

    def backward(self, compact: bool = False) -> Grid:
        """One block per node: its upstream gradient, then a row per operand.

        compact: the upstream gradient has lines of its own.
        """
        nodes: list[Any] = self.backward_nodes()
        edges = [edge for node in nodes for edge in node.edges]
        some = {bool(edge.sent) for edge in edges}
        what = "what is sent" if some == {True} else "local gradient" + ", or what is sent" * len(some - {False})  # fmt: skip
        titles = ["node", "role", "upstream", what, "contribution"]
        if compact:
            titles = ["node", "role\nto", f"upstream\n{what}", "\ncontribution"]
        sent = self.contributions(nodes, compact)
        ups = level([self.red(node.gradient) for node in nodes])
        width = max((text_width(cell.plain) for cell in sent.values()), default=0)
        rows: list[list[Text]] = []
        for node, up in zip(nodes, ups, strict=True):
            first = [self.name(node), Text(self.verb(node)), up]
            total = self.sum(node)
            if total is not None:
                marked = first[0] + self.mark(node.index)
                rows.append([marked, Text("sums"), up, total, Text()])
                if compact:
                    rows[-1:] = [[marked, Text("sums"), up], [Text(), Text(), total]]
                first = [Text(), Text(self.verb(node)), Text()]
            if not node.edges:
                if node.operation:
                    rows.append([*first, Text("no gradient passes here", QUIET), Text()])
                    if compact:
                        rows[-1:] = [first, [Text(), Text(), rows[-1][3]]]
                continue
            if compact and first[1]:
                rows.append(first)
            for edge in node.edges:
                cell, what_is_sent = sent[node.index, edge.place], self.what(node, edge, compact)
                if compact:
                    receiver = Text(self.receiver(edge).strip(), QUIET)
                    rows.append([Text(), receiver, what_is_sent, cell])
                else:
                    rows.append([*first, what_is_sent, beside(cell, width, self.receiver(edge))])
                    first = [Text(), Text(), Text()]
        return table(titles, rows)

    # narrow terminals

    def forward_lines(self) -> Iterable[Text]:
        yield Text("Forward", TITLE)
        for node in self.inputs_first():
            summed = is_large(node.value) and not self.everything and self.width < NARROW
            shape = f": {shape_text(node.value)}" if node.shape and not summed else ""
            between = f"{shape} = {node.formula} = " if node.operation else f"{shape} = "
            yield from self.equation(Text.assemble(self.name(node), between), node.value, VALUE)
        yield Text()

    def backward_lines(self) -> Iterable[Text]:
        yield Text("Backward", TITLE)
        nodes: list[Any] = self.backward_nodes()
        for node in nodes:
            head = Text.assemble(self.name(node), "  ")
            total = self.sum(node)
            if total is not None:
                yield Text.assemble(head, "sums")
                yield from self.summands(node, total)
                head = Text("  ")
                if self.verb(node):
                    yield head + self.verb(node)
            elif self.verb(node):
                yield from self.equation(head + f"{self.verb(node)}, upstream ", node.gradient, GRADIENT)  # fmt: skip
            if node.operation and not node.edges:
                yield from wrapped(Text("  no gradient passes here", QUIET), self.width)
            for edge in node.edges:
                yield from self.edge_lines(node, edge)
        yield Text()

    def summands(self, node: ArrayNode, total: Text) -> Iterable[Text]:
        """The branches that meet at a node, and what they add up to."""
        if text_width(total.plain) + 4 <= self.width:
            yield from stripped(hanging(Text("  "), total))
        else:
            for i, (name, sent) in enumerate(self.received(node)):
                left = Text.assemble("  ", ("+ " if i else "", QUIET), (f"via {name} ", QUIET))
                yield from self.equation(left, sent, GRADIENT)
        yield from self.equation(Text("  = "), node.gradient, GRADIENT)

    def edge_lines(self, node: ArrayNode, edge: ArrayEdge) -> Iterable[Text]:
        """What is sent to an operand, and by which rule."""
        left = Text.assemble("  ", (f"{self.receiver(edge).strip()}: ", QUIET))
        same = edge.contribution == node.gradient and bool(node.shape)
        one = edge.rule is not None and edge.rule.is_one and not edge.sent
        *stages, sent = edge.sent.split("; ")
        if sent or one:
            left.append(sent or "up").append(" = " if not same else ", ")
        else:
            beginning, slopes = self.local_parts(node, edge)
            local, text = edge.local, slopes.plain
            assert local is not None
            if " " in text:
                text = inline(local, self.digits, self.everything, self.slope)
            yield from self.ending(left.append_text(beginning), slopes, text, GRADIENT)
            left = Text.assemble(("    sends ", QUIET))
        if same:
            yield from wrapped(left.append("as the upstream", QUIET), self.width)
        else:
            yield from self.equation(left, edge.contribution, GRADIENT)
        for stage in stages:
            yield from wrapped(Text("  ") + where(stage), self.width)

    # summary

    def upstream(self) -> str:
        several = [f"{self.trace.name(k)}: {self.arriving(up)}" for k, _, up in self.trace.outputs]
        if several:
            return ", ".join(several)
        return "" if self.trace.upstream == 1 else self.arriving(self.trace.upstream)

    def arriving(self, given: float | Array) -> str:
        """The gradient that arrives at an output, on a line."""
        if isinstance(given, Array) and set(given.numbers) == {1.0}:
            return "ones"
        text = inline(tensor_of(given), self.digits)
        return text if len(text) <= LONGEST_UPSTREAM else summary(tensor_of(given), self.digits)

    def results(self, grid: Grid, labels: Sequence[str]) -> Grid:
        """With shapes; without values where there is no room for them."""
        names, values, gradients = zip(*grid.rows, strict=True)
        cells = [
            names,
            [Text(shape_text(self.trace.gradients[label])) for label in labels],
            level(values),
            level(gradients),
        ]
        rows = [list(row) for row in zip(*cells, strict=True)]
        result = table(["by", "shape", "value", "gradient"], rows)
        if result.width() > self.width:
            result.columns = [*result.columns[:2], result.columns[3]]
            for row in result.rows:
                del row[2]
        return result


def table(titles: Sequence[str], rows: list[list[Text]]) -> Grid:
    """A grid in which columns stand further apart than those of an array do."""
    return Grid([Column(title) for title in titles], rows, gap=3)


def tensor_of(number: Any) -> Tensor:
    """A number or an array of a trace, in its shape."""
    return number if isinstance(number, Tensor) else Tensor(*as_array(number)[:2])


def shape_text(tensor: Tensor) -> str:
    """`2x3`; nothing of a number."""
    return said(tensor.shape) if tensor.shape else ""


def over(shape: tuple[int, ...], larger: tuple[int, ...]) -> str:
    """Along what an array is stretched beside another; nothing where it is not, or is a number."""
    if not shape or size(shape) == size(larger):
        return ""
    if size(shape) == 1:
        return f"to {said(larger)}"
    along = 1 if shape[-1] == 1 else 0
    return f"over {larger[along]} {('rows', 'columns')[along]}"


def where(stage: str) -> Text:
    """A stage of what is sent: `where s = sqrt(v)`."""
    return Text.assemble("  ", ("where ", QUIET), stage)


def hanging(left: Text, cell: Text) -> Text:
    """A text and a cell behind it, whose other lines begin where its first does."""
    return left.copy().append_text(indented(cell, left.cell_len, first=0))


def stripped(cell: Text) -> Iterable[Text]:
    """The lines of a cell, without the room behind them."""
    for line in cell.split("\n", allow_blank=True):
        line.rstrip()
        yield line


def indented(cell: Text, by: int, first: int | None = None) -> Text:
    """A cell with room before its lines; first: before the first, where that is another."""
    if by == 0 and not first:
        return cell
    lines = cell.split("\n", allow_blank=True)
    rooms = [by if first is None else first, *[by] * (len(lines) - 1)]
    return Text("\n").join(
        [Text(" " * room) + line for room, line in zip(rooms, lines, strict=True)]
    )


def beside(cell: Text, width: int, right: str) -> Text:
    """A cell with a text behind its first line, at some width."""
    first, *rest = cell.split("\n", allow_blank=True)
    first.append(" " * (width - first.cell_len)).append(right, QUIET)
    return Text("\n").join([first, *rest])


def level(cells: Sequence[Text]) -> list[Text]:
    """The cells of a column, moved so that the points of their first numbers stand below each other."""
    rooms = indents([cell.plain.split("\n") for cell in cells]) if cells else []
    return [indented(cell, room) for room, cell in zip(rooms, cells, strict=True)]
