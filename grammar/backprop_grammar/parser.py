"""Text to graph.

The insight: Lark calls a function at every reduction of its parser, and that
function can append to the tape at once. So no tree is ever built, nothing
recurses, and the order of the tape is the order of evaluation.
"""

import math
import re
from functools import cache
from operator import itemgetter
from pathlib import Path
from threading import Lock
from typing import Any

from lark import Lark, UnexpectedToken

from .errors import BackpropError, Source, Span, shorten
from .graph import MAX_NODES, Condition, Graph, too_many
from .lexer import ProgramLexer
from .operations import CONSTANTS, IDENTITY, OPERATIONS
from .scope import Scope, name_of

__all__ = ["MAX_LENGTH", "parse"]

MAX_LENGTH = 20_000_000
"""Characters of the longest program that is read."""

Piece = tuple[int, int, int]
"""A node, and the start and end of the text it was written as, parentheses included."""

INFIX = {
    "+": OPERATIONS["add"], "-": OPERATIONS["sub"], "*": OPERATIONS["mul"],
    "/": OPERATIONS["div"], "^": OPERATIONS["pow"], "**": OPERATIONS["pow"],
}  # fmt: skip
NEG = OPERATIONS["neg"]


def parse(
    text: str,
    *,
    name: str = "program",
    bound: frozenset[str] = frozenset(),
    internal: bool = False,
) -> Graph:
    """The graph of a program.

    bound: names that the point gives, which therefore replace constants such as e.
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
    lark, reductions = machine()
    with LOCK:
        reductions.begin(source, bound, internal)
        try:
            lark.parse(text)
            return reductions.finished()
        except UnexpectedToken as error:
            from .advice import misplaced

            raise misplaced(source, error.token) from None
        finally:
            reductions.begin(Source(""))


LOCK = Lock()
"""Lark binds its callbacks once, so one parse is under way at a time."""


@cache
def machine() -> tuple[Lark, "Reductions"]:
    """The parser, built from the grammar on first use, and the object it calls."""
    reductions = Reductions()
    grammar = Path(__file__).with_name("expression.lark").read_text(encoding="utf-8")
    lark = Lark(
        grammar,
        start="program",
        parser="lalr",
        lexer=ProgramLexer,
        transformer=reductions,
    )
    return lark, reductions


class Reductions:
    """The parse under way: what each rule of the grammar does to the tape.

    A rule hands over what its right-hand side became: words, and what the rules there returned.
    """

    def __init__(self) -> None:
        self.begin(Source(""))

    def begin(
        self,
        source: Source,
        bound: frozenset[str] = frozenset(),
        internal: bool = False,
    ) -> None:
        """Forget the parse before, and start an empty tape."""
        self.source = source
        self.scope = Scope(source, bound, internal)
        self.graph = self.whole = Graph(source)
        self.region = 0  # the branch that is being read; see graph.Condition
        self.defined = 0  # nodes in the bodies of functions

    def finished(self) -> Graph:
        """The graph. Raises BackpropError when the program only defines functions."""
        if not self.whole.stages:
            function = next(iter(self.whole.functions.values()))
            raise self.fail(
                "syntax", "the program defines functions, but computes nothing", None,
                hint=f"add a last stage, such as {function.written}",
            )  # fmt: skip
        return self.whole

    def fail(self, kind: str, message: str, span: Span | None, hint: str) -> BackpropError:
        return BackpropError(kind, message, span, hint=hint, source=self.source)

    def program(self, _pieces: list[Any]) -> None:
        """All stages are on the tape."""

    only = staticmethod(itemgetter(0))
    """A rule with one part hands it on."""

    # stages

    def assign(self, pieces: list[Any]) -> None:
        word, (node, start, end) = pieces
        name, span = name_of(word)
        graph = self.graph
        self.check_unnamed()
        if name in CONSTANTS:
            graph.shadowed[name] = span
        number = graph.constants.get(node)
        if isinstance(number, float):
            # A stage that is a plain number is an input: it gets a gradient.
            del graph.constants[node]
            graph.variables[name] = node
            graph.inputs[name] = number
        elif graph.operations[node] is None or node in graph.names:
            node = graph.add(IDENTITY, (node,))
        self.scope.stage(name, span, node)
        graph.names[node] = name
        graph.spans[node] = start, end
        graph.stages.append((name, node))

    def output(self, pieces: list[Any]) -> None:
        self.check_unnamed()
        self.graph.stages.append(("", pieces[0][0]))

    def check_unnamed(self) -> None:
        """Raise when a stage without a name is followed by another: nothing could use it."""
        stages = self.graph.stages
        if stages and not stages[-1][0]:
            raise self.fail(
                "syntax", "only the last stage may go without a name",
                self.graph.spans[stages[-1][1]], "give it one, such as q = ...",
            )  # fmt: skip

    def heading(self, pieces: list[Any]) -> Span:
        """Open the body of a function, a tape of its own."""
        self.graph = Graph(self.source)
        return self.scope.open(pieces[0], self.graph)

    def define(self, pieces: list[Any]) -> None:
        span, (output, _, _) = pieces
        self.graph.stages.append(("", output))
        function = self.scope.close(self.graph)
        self.defined += len(self.graph)
        if self.defined > MAX_NODES:
            raise too_many(span, self.source)
        self.graph = self.whole
        self.graph.functions[function.name] = function

    # expressions

    def infix(self, pieces: list[Any]) -> Piece:
        (left, start, _), sign, (right, _, end) = pieces
        node = self.graph.add(INFIX[sign.text], (left, right), (start, end), self.region)
        return node, start, end

    def sign(self, pieces: list[Any]) -> Piece:
        (_, sign, start, _), (node, _, end) = pieces
        if sign == "+":
            return node, start, end
        number = self.graph.constants.get(node)
        if isinstance(number, float):  # -2 is a number, not an operation on one
            self.graph.constants[node] = 0.0 - number
            self.graph.spans[node] = start, end
            return node, start, end
        return self.graph.add(NEG, (node,), (start, end), self.region), start, end

    def group(self, pieces: list[Any]) -> Piece:
        opening, (node, _, _), closing = pieces
        return node, opening.start_pos, closing.end_pos

    def number(self, pieces: list[Any]) -> Piece:
        _, text, start, end = pieces[0]
        value = float(text)
        if math.isinf(value):
            raise self.fail("overflow", f"{shorten(text)} is too large a number", (start, end),
                            "the largest is 1.7976931348623157e308")  # fmt: skip
        if value == 0 and re.search("[1-9]", re.split("[eE]", text)[0]):
            raise self.fail("overflow", f"{shorten(text)} is too small a number", (start, end),
                            "the smallest above 0 is 5e-324")  # fmt: skip
        return self.graph.constant(value, (start, end)), start, end

    def name(self, pieces: list[Any]) -> Piece:
        _, name, start, end = pieces[0]
        node = self.scope.nodes.get(name)
        if node is None:
            node = self.scope.resolve(name, (start, end), self.graph)
        return node, start, end

    def first(self, pieces: list[Any]) -> list[int]:
        return [pieces[0][0]]

    def more(self, pieces: list[Any]) -> list[int]:
        operands: list[int] = pieces[0]
        operands.append(pieces[2][0])
        return operands

    def call(self, pieces: list[Any]) -> Piece:
        (_, name, start, name_end), _, values, closing = pieces
        span, graph = (start, closing.end_pos), self.graph
        operands = tuple(values)
        function = self.scope.functions.get(name)
        operation = self.scope.built_in.get(name)
        if function:
            count = len(function.parameters)
            self.check_arity(name, len(operands), (count, count), span, function.written)
            append = graph.inline if graph is self.whole else graph.call
            node = append(function, operands, span, self.region)
        elif operation:
            self.check_arity(name, len(operands), operation.arity, span, operation.signature)
            for value in operation.defaults[len(operands) - operation.arity[0] :]:
                operands += (graph.constant(value, span),)
            node = graph.add(operation, operands, span, self.region)
        else:
            from .calls import unknown_function

            raise unknown_function(self.source, self.scope, name, (start, name_end))
        return node, *span

    def check_arity(
        self,
        name: str,
        given: int,
        arity: tuple[int, int | None],
        span: Span,
        written: str,
    ) -> None:
        least, most = arity
        if given >= least and (most is None or given <= most):
            return
        count = f"{least} or more" if most is None else f"{least} or {most}"
        if least == most:
            count = f"{least}"
        raise self.fail(
            "arity", f"{shorten(name)} takes {count} operand{'s' * (count != '1')}, not {given:,}",
            span, f"write {written}",
        )  # fmt: skip

    # if: the tape must know which nodes stand in which branch

    def condition(self, pieces: list[Any]) -> int:
        (left, _, _), comparison, (right, _, _) = pieces
        conditions = self.graph.conditions
        conditions.append(Condition(left, right, comparison.text, self.region))
        self.region = 2 * len(conditions) - 1
        return len(conditions) - 1

    def then(self, pieces: list[Any]) -> Piece:
        self.region += 1
        branch: Piece = pieces[0]
        return branch

    def select(self, pieces: list[Any]) -> Piece:
        word, _, test, _, (then, _, _), _, (otherwise, _, _), closing = pieces
        span = word.start_pos, closing.end_pos
        self.region = self.graph.conditions[test].region
        return self.graph.select(test, then, otherwise, span, self.region), *span
