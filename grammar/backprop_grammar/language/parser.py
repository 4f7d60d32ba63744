"""Text to graph.

A parser reduces what it has read to something larger, bottom up, and a reduction can append to
the tape at once. So no tree is ever built, nothing recurses, and the order of the tape is the
order of evaluation.
"""

import math
from functools import cache
from itertools import chain
from typing import Any

from ..errors import BackpropError, Source, Span, shorten
from ..operations.table import CONSTANTS, IDENTITY, NEG, OPERATORS, VARIABLE
from .graph import MAX_NODES, Condition, Graph
from .lalr import tables
from .lexer import Word, scan
from .nearest import literal, vanished
from .scope import Scope, name_of

__all__ = ["MAX_LENGTH", "parse"]

MAX_LENGTH = 20_000_000
"""Characters of the longest program that is read."""

INFIX = OPERATORS | {"**": OPERATORS["^"]}
"""The operators as they may be typed."""

Row = dict[str, tuple[int, Any, Any]]
"""What to do at each symbol: go to a row (0, row, None), or reduce (size, symbol, method)."""


def parse(
    text: str,
    *,
    name: str = "program",
    internal: bool = False,
) -> Graph:
    """The graph of a program.

    internal: the text is one of the table of operations, which may use hidden rows.

    Raises BackpropError with the span of what is wrong.
    """
    source = Source(text, name)
    if len(text) > MAX_LENGTH:
        raise BackpropError(
            "limit",
            f"the program is longer than {MAX_LENGTH:,} characters",
            hint="split it up",
        )
    return Reductions(source, internal).run()


class Reductions:
    """A parse: what each rule of the grammar does to the tape.

    A rule is given where its text begins and ends, parentheses included, and what its parts
    became: words are text, expressions are nodes.
    """

    def __init__(self, source: Source, internal: bool) -> None:
        self.source = source
        self.internal = internal
        self.scope = Scope(source, internal)
        self.graph = self.main = Graph(source=source)  # the one that grows; the program's own
        self.region = 0  # the branch that is being read; see graph.Condition
        self.defined = 0  # nodes in the bodies of functions
        self.starts: list[int] = []  # where the parts begin that no rule has taken yet

    def run(self) -> Graph:
        """Do at each word what Lark's tables say: take it, or first reduce what stands before it."""
        row, end = machine(type(self)), 0  # type: ignore[arg-type]  # a class is hashable
        rows: list[Row] = [row]
        values: list[Any] = []
        starts = self.starts
        length = len(self.source.text)
        for word in chain(scan(self.source.text), [("$END", "", length, length)]):
            kind = word[0]
            while True:
                try:
                    size, what, reduce = row[kind]
                except KeyError:
                    from .advice import misplaced  # only where something is wrong

                    raise misplaced(self.source, Word(*word)) from None
                if not size:
                    break
                if size == 1:
                    values[-1] = reduce(self, starts[-1], end, values[-1])
                    rows.pop()
                elif size == 3:
                    right, sign = values.pop(), values.pop()
                    values[-1] = reduce(self, starts[-3], end, values[-1], sign, right)
                    del rows[-3:], starts[-2:]
                else:
                    values[-size:] = (reduce(self, starts[-size], end, *values[-size:]),)
                    del rows[-size:], starts[1 - size :]
                row = rows[-1][what][1]
                rows.append(row)
            row = what
            _, text, start, end = word
            rows.append(row)
            values.append(text)
            starts.append(start)
        return self.finished()

    def finished(self) -> Graph:
        """The graph. Raises BackpropError when the program only defines functions."""
        if not self.main.stages:
            function = next(iter(self.main.functions.values()))
            raise self.fail(
                "syntax",
                "the program defines functions, but computes nothing",
                None,
                hint=f"add a last stage, such as {function.signature}",
            )
        self.main.inner_constants = self.scope.constant_use
        return self.main

    def fail(self, kind: str, message: str, span: Span | None, hint: str) -> BackpropError:
        return BackpropError(kind, message, span, hint=hint, source=self.source)

    def program(self, _start: int, _end: int, *_stages: Any) -> None:
        """All stages are on the tape."""

    # stages

    def assign(self, start: int, end: int, word: str, node: int) -> None:
        name, span = name_of(word, start)
        graph = self.graph
        self.check_unnamed()
        if name in CONSTANTS:
            graph.shadowed[name] = span
        number = graph.constants.get(node)
        if isinstance(number, float):
            # A stage that is a plain number is an input: it gets a gradient.
            del graph.constants[node]
            graph.operations[node] = VARIABLE
            graph.variables[name] = node
            graph.inputs[name] = number
        elif graph.operations[node].leaf or node in graph.names:
            node = graph.add(IDENTITY, (node,))
        self.scope.stage(name, span, node)
        graph.names[node] = name
        graph.spans[node] = self.starts[-1], end
        graph.stages.append((name, node))

    def output(self, _start: int, _end: int, node: int) -> None:
        self.check_unnamed()
        self.graph.stages.append(("", node))

    def check_unnamed(self) -> None:
        """Raise when a stage without a name is followed by another: nothing could use it."""
        stages = self.graph.stages
        if stages and not stages[-1][0]:
            raise self.fail(
                "syntax",
                "only the last stage may go without a name",
                self.graph.spans[stages[-1][1]],
                "give it one, such as q = ...",
            )

    def heading(self, start: int, _end: int, word: str) -> Span:
        """Open the body of a function, a tape of its own."""
        self.graph = Graph(source=self.source)
        return self.scope.open(word, start, self.graph)

    def define(self, _start: int, _end: int, span: Span, output: int) -> None:
        self.graph.stages.append(("", output))
        function = self.scope.close(self.graph)
        self.defined += len(self.graph)
        if self.defined > MAX_NODES:
            raise self.graph.too_many(span)
        self.graph = self.main
        self.graph.functions[function.name] = function

    # expressions

    def infix(self, start: int, end: int, left: int, sign: str, right: int) -> int:
        return self.graph.add(INFIX[sign], (left, right), (start, end), self.region)

    def sign(self, start: int, end: int, sign: str, node: int) -> int:
        if sign == "+":
            return node
        number = self.graph.constants.get(node)
        if isinstance(number, float):  # -2 is a number, not an operation on one
            self.graph.constants[node] = -number if number else 0.0
            self.graph.spans[node] = start, end
            return node
        return self.graph.add(NEG, (node,), (start, end), self.region)

    def group(self, _start: int, _end: int, _open: str, node: int, _close: str) -> int:
        return node

    def number(self, start: int, end: int, text: str) -> int:
        value = literal(text)
        if math.isinf(value):
            raise self.fail(
                "overflow",
                f"{shorten(text)} is too large a number",
                (start, end),
                "the largest is 1.7976931348623157e308",
            )
        if vanished(text):
            raise self.fail(
                "overflow",
                f"{shorten(text)} is too small a number",
                (start, end),
                "the smallest above 0 is 5e-324",
            )
        return self.graph.constant(value, (start, end))

    def name(self, start: int, end: int, name: str) -> int:
        node = self.scope.nodes.get(name)
        return self.scope.resolve(name, (start, end), self.graph) if node is None else node

    def first(self, _start: int, _end: int, node: int) -> list[int]:
        return [node]

    def more(
        self, _start: int, _end: int, operands: list[int], _comma: str, node: int
    ) -> list[int]:
        operands.append(node)
        return operands

    def call(
        self, start: int, end: int, name: str, _open: str, values: list[int], _close: str
    ) -> int:
        span, graph, given = (start, end), self.graph, len(values)
        function = self.scope.functions.get(name)
        if function:
            if given != len(function.parameters):
                arity = len(function.parameters), len(function.parameters)
                raise self.wrong_count(name, given, arity, span, function.signature)
            append = graph.inline if graph is self.main else graph.call
            return append(function, tuple(values), span, self.region)
        operation = self.scope.called(name, (start, start + len(name)))
        if operation:
            least, most = operation.arity
            if self.internal and operation.variadic:
                least = 1  # the table's texts are over any number of operands
            if given < least or (most is not None and given > most):
                raise self.wrong_count(name, given, (least, most), span, operation.signature)
            more = operation.defaults[given - least :]
            values += [graph.constant(literal(repr(value)), span) for value in more]
            return graph.add(operation, tuple(values), span, self.region)
        from .calls import unknown_function  # only where something is wrong

        scope = self.scope
        raise unknown_function(
            self.source,
            name,
            (start, start + len(name)),
            inside=scope.defining[0] if scope.defining else "",
            nodes=scope.nodes,
            built_in=scope.built_in,
            functions=scope.functions,
        )

    def wrong_count(
        self,
        name: str,
        given: int,
        arity: tuple[int, int | None],
        span: Span,
        signature: str,
    ) -> BackpropError:
        """The error for a call with too few or too many operands."""
        least, most = arity
        count = f"{least} or more" if most is None else f"{least} or {most}"
        if least == most:
            count = f"{least}"
        hint = f"write {signature}"
        if name in self.scope.nodes:
            hint += f"; to multiply, write {shorten(name)}*(...)"
        return self.fail(
            "arity",
            f"{shorten(name)} takes {count} operand{'s' * (count != '1')}, not {given:,}",
            span,
            hint,
        )

    # if: the tape must know which nodes stand in which branch

    def condition(self, _start: int, _end: int, left: int, comparison: str, right: int) -> int:
        conditions = self.graph.conditions
        conditions.append(Condition(left, right, comparison, self.region))
        self.region = 2 * len(conditions) - 1
        return len(conditions) - 1

    def then(self, _start: int, _end: int, node: int) -> int:
        self.region += 1
        return node

    def select(self, start: int, end: int, *parts: Any) -> int:
        _if, _open, test, _comma, then, _comma, otherwise, _close = parts
        self.region = self.graph.conditions[test].region
        return self.graph.select(test, then, otherwise, (start, end), self.region)


@cache
def machine(methods: type[Reductions]) -> Row:
    """The tables with the rules' methods in them: the row where a parse begins."""
    data = tables()
    rows: list[Row] = [{} for _ in data["rows"]]
    rules = [(size, part, getattr(methods, name, None)) for name, size, part in data["rules"]]
    for row, actions in zip(rows, data["rows"], strict=True):
        for symbol, action in actions.items():
            row[symbol] = rules[action] if action < 0 else (0, rows[action], None)
    return rows[0]
