"""Text to graph.

A parser reduces what it has read to something larger, bottom up, and a reduction can append to
the tape at once. So no tree is ever built, nothing recurses, and the order of the tape is the
order of evaluation.
"""

import math
import re
from functools import cache
from itertools import chain
from typing import Any

from ..errors import BackpropError, Source, Span, shorten
from ..operations.row import Operation
from ..operations.table import (
    ALIASES,
    CONSTANT,
    CONSTANTS,
    DIV,
    FUNCTIONS,
    IDENTITY,
    MUL,
    NEG,
    OPERATORS,
    POW,
    VARIABLE,
)
from .graph import MAX_NODES, Array, Condition, Function, Graph
from .lalr import tables
from .lexer import NAME, Word, scan
from .nearest import literal, vanished
from .precedence import number_text
from .scope import Scope, name_of

__all__ = ["MAX_LENGTH", "parse", "plain_name"]

MAX_LENGTH = 20_000_000
"""Characters of the longest program that is read."""

INFIX = OPERATORS | {"**": OPERATORS["^"]}
"""The operators as they may be typed."""

ALONG = ("concat", "softmax", "logsoftmax")
"""The operations on whole arrays that take an axis; the last two go along the last one anyway."""

ROOTS = r"(?:\^|\*\*)[ \t]*-?[ \t]*1[ \t]*/"
"""What a power looks like whose exponent was meant as a quotient: x^1/2."""

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
    if len(text) > MAX_LENGTH:
        raise BackpropError(
            "limit",
            f"the program is longer than {MAX_LENGTH:,} characters",
            hint="split it up",
        )
    source = Source(text, name)
    if not internal and in_another_spelling(text):
        from .spelling import respelled  # which a program in this spelling need not load

        typed = respelled(source)
        if typed is not None:
            try:
                return typed.placed(Reductions(Source(typed.text, name), internal).run())
            except BackpropError as error:
                raise typed.located(error) from None
    return Reductions(source, internal).run()


def in_another_spelling(text: str) -> bool:
    """Whether a text may be in another spelling than this language's; see ``spelling``."""
    if not text.isascii() or "|" in text or any(word in text for word in WORDS_ELSEWHERE):
        return True
    return "." in text and re.search(MEMBER, text) is not None


MEMBER = r"\.[A-Za-z_]"
WORDS_ELSEWHERE = ("import", "where", "ifelse", "dim")
"""What an ASCII text in another spelling has, but for bars: np.exp(x), import numpy."""


def plain_name(name: str) -> str:
    """A name as programs have it: θ is theta, w₁ is w1; what has no such spelling as it is."""
    if name.isascii():
        return name
    from .spelling import folded  # which names in ASCII need not load

    return folded(name)


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
        self.products: set[tuple[bool, int]] = set()  # without a sign; of the program or a function
        self.quotients: dict[int, int] = {}  # where a product with a / begins -> its last /
        self.powers: dict[
            int, tuple[int, int]
        ] = {}  # where a bare exponent ends -> its power, its ^
        self.declarations: dict[str, Span] = {}
        self.axes: list[tuple[int, int]] = []  # of the calls that are read: their axis, its node
        self.makes = False  # whether a call such as zeros(3, 4) has been read

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
        """The graph. Raises BackpropError when the program only defines functions, or declares."""
        if not self.main.stages and len(self.main.functions) == 1:
            self.main = self.alone(*self.main.functions.values())
        if not self.main.stages and not self.main.functions:
            raise self.fail(
                "syntax",
                "the program declares shapes, but computes nothing",
                None,
                hint="add a last stage, such as sum(W @ x)",
            )
        if not self.main.stages:
            function = next(iter(self.main.functions.values()))
            raise self.fail(
                "syntax",
                "the program defines functions, but computes nothing",
                None,
                hint=f"add a last stage, such as {function.signature}",
            )
        self.check_derivative()
        for name, span in self.declarations.items():
            if self.main.node(name) is None:
                raise self.fail("name", f"{shorten(name)} is declared, and never used", span, "leave the shape out, or use the name")  # fmt: skip
        text = self.source.text
        if "/" in text and ("^" in text or "**" in text) and re.search(ROOTS, text):
            self.note_roots()
        self.main.inner_constants = self.scope.constant_use
        return self.main

    def check_derivative(self) -> None:
        """Raise BackpropError for dy/dx of a stage or function y: a program computes no derivative."""
        graph, scope = self.main, self.scope
        known = {*scope.staged, *scope.functions}
        if not any(name[:1] == "d" and name[1:] in known for name in graph.variables):
            return
        small = {
            node: name
            for name, node in graph.variables.items()
            if name[:1] == "d" and name not in known
        }
        for node, operation in enumerate(graph.operations):
            above, below = (*graph.operands[node], -1, -1)[:2]
            if operation is DIV and above in small and below in small and small[above][1:] in known:
                raise self.fail(
                    "syntax",
                    "a derivative is not part of a program",
                    graph.spans[node],
                    "write the formula alone: its derivatives are what is printed",
                )

    def alone(self, function: Function) -> Graph:
        """The program of a text that is one definition: its body, over the parameters as inputs."""
        graph, name, node = function.body, function.name, function.body.output
        if isinstance(graph.constants.get(node), float) or {name} & {*graph.variables, *CONSTANTS}:
            name = ""
        elif graph.operations[node].leaf:
            node = graph.add(IDENTITY, (node,), graph.spans[node])
        if name:
            graph.names[node] = name
        graph.stages = [(name, node)]
        graph.remarks, graph.respelled = self.main.remarks, True
        self.scope.constant_use = {}
        return graph

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
        elif node in graph.written and self.is_numbers(node) and node not in graph.names:
            shape = graph.written.pop(node)
            values = tuple([graph.constants[k] for k in graph.operands[node]])
            graph.array_inputs[name] = Array(shape, values)  # type: ignore[arg-type]
            graph.operations[node], graph.operands[node] = VARIABLE, ()
            graph.variables[name] = node
        elif self.makes and self.made_of_numbers(name, node):
            graph.variables[name] = node
        elif graph.operations[node].leaf or node in graph.names:
            node = graph.add(IDENTITY, (node,))
        self.scope.stage(name, span, node)
        graph.names[node] = name
        graph.spans[node] = self.starts[-1], end
        graph.stages.append((name, node))

    def declare(self, start: int, _end: int, word: str) -> None:
        """A shape: `W: 3x4`, `X: NxD`, `b: scalar`."""
        name, span = name_of(word, start)
        if name in self.graph.declared:
            raise self.fail("name", f"{shorten(name)} is declared twice", span, "give it one shape")
        if self.scope.reserved(name):
            raise self.fail("name", f"{shorten(name)} is the name of a function", span, "declare the shapes of variables and stages")  # fmt: skip
        self.declarations[name] = span
        text = word.partition(":")[2].strip(" \t=")
        sizes = () if text == "scalar" else re.split(r"[ \t]*[x*][ \t]*", text)
        if len(sizes) > 2:
            raise self.fail("syntax", f"{shorten(name)} has {len(sizes)} axes", span, "arrays have two at most: W: 3x4")  # fmt: skip
        shape = tuple([int(one) if one.isdigit() else one for one in sizes])
        if 0 in shape:
            raise self.fail("syntax", f"{shorten(name)} has no elements", span, "sizes begin at 1")
        self.graph.declared[name] = shape

    def declared(self, start: int, end: int, word: str, node: int) -> None:
        self.declare(start, end, word)
        self.assign(start, end, word, node)

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

    def matmul(self, start: int, end: int, left: int, _sign: str, right: int) -> int:
        from ..operations.structural import MATMUL  # which numbers alone do not need

        return self.structural(MATMUL, (left, right), (start, end), None)

    def transpose(self, start: int, end: int, node: int, _sign: str) -> int:
        from ..operations.structural import TRANSPOSE  # which numbers alone do not need

        return self.structural(TRANSPOSE, (node,), (start, end), None)

    def structural(
        self, operation: Operation, operands: tuple[int, ...], span: Span, written: Any
    ) -> int:
        """Append an operation on arrays."""
        node = self.graph.add(operation, operands, span, self.region)
        self.graph.written[node] = written
        return node

    def index(
        self, start: int, end: int, node: int, _open: str, places: list[Any], _close: str
    ) -> int:
        from ..operations.structural import INDEX  # which numbers alone do not need

        kinds = [("only", one) if isinstance(one, int) else one for one in places]
        none = self.graph.variables.get("None")
        if none is not None and ("only", none) in kinds:
            raise self.fail("syntax", "None adds no axis here", self.graph.spans[none], "write x.T.T for a column, x.T for a row")  # fmt: skip
        operands = (node, *(k for _, *nodes in kinds for k in nodes))
        return self.structural(INDEX, operands, (start, end), tuple([kind for kind, *_ in kinds]))

    def every(self, _start: int, _end: int, _colon: str) -> tuple[Any, ...]:
        return ("every",)

    def since(self, _start: int, _end: int, node: int, _colon: str) -> tuple[Any, ...]:
        return "since", node

    def until(self, _start: int, _end: int, _colon: str, node: int) -> tuple[Any, ...]:
        return "until", node

    def between(
        self, _start: int, _end: int, first: int, _colon: str, last: int
    ) -> tuple[Any, ...]:
        return "between", first, last

    def array(self, start: int, end: int, _open: str, rows: list[list[int]], _close: str) -> int:
        """A vector, or a matrix of rows: `[1,2;3,4]`, or `[[1, 2], [3, 4]]`, which is the same."""
        from ..operations.structural import ARRAY  # which numbers alone do not need

        graph = self.graph
        inner = [
            node
            for row in rows
            for node in row
            if graph.operations[node] is ARRAY and node not in graph.names
        ]
        matrix = len(rows) > 1
        spans = [(graph.spans[row[0]][0], graph.spans[row[-1]][1]) for row in rows]
        if inner:
            if not matrix and len(inner) < len(rows[0]):
                raise self.fail("syntax", "a list stands beside what is none", (start, end), "a matrix is a list of its rows, [[1, 2], [3, 4]]; vectors as rows are concat(x.T, y.T, axis=0)")  # fmt: skip
            if matrix or any(len(graph.written[k]) > 1 for k in inner):
                raise self.fail("syntax", "an array has two axes at most", (start, end), "write a matrix as [[1, 2], [3, 4]], a list of its rows")  # fmt: skip
            matrix, rows = True, [list(graph.operands[node]) for node in inner]
            spans = [graph.spans[node] for node in inner]
            for node in inner:  # a row is no node of its own
                graph.operations[node], graph.operands[node] = CONSTANT, ()
                graph.constants[node] = 0.0
                del graph.written[node]
        width = len(rows[0])
        for k, row in enumerate(rows):
            if len(row) != width:
                numbers = f"row {k + 1} has {len(row)} number{'s' * (len(row) != 1)}"
                raise self.fail("syntax", f"{numbers}, row 1 has {width}", spans[k], "all rows of a matrix are as long")  # fmt: skip
        shape = (len(rows), width) if matrix else (width,)
        operands = tuple([node for row in rows for node in row])
        return self.structural(ARRAY, operands, (start, end), shape)

    def is_numbers(self, node: int) -> bool:
        """Whether a node is an array of plain numbers."""
        graph = self.graph
        operands = graph.operands[node]
        return graph.operations[node].name == "array" and all(
            isinstance(graph.constants.get(k), float) for k in operands
        )

    def made_of_numbers(self, name: str, node: int) -> bool:
        """Make a stage an input whose array is made of numbers alone: 0.1*randn(3, 4)."""
        graph = self.graph
        inner: list[int] = [node]
        for k in inner:
            if k in graph.names or k in graph.blocks or k in graph.condition_of:
                return False
            inner += graph.operands[k]
        from ..operations.makers import CONSTANT as MADE  # which numbers alone do not need

        if not any(graph.operations[k].name in MADE for k in inner):
            return False
        from .printer import expression_text  # which numbers alone do not need

        graph.array_inputs[name] = Array((), (), expression_text(graph, node).text)
        for k in inner:  # none of them is a node of its own
            if k not in graph.constants:
                graph.operations[k], graph.operands[k] = CONSTANT, ()
                graph.constants[k] = 0.0
                graph.written.pop(k, None)
        graph.operations[node] = VARIABLE
        del graph.constants[node]
        return True

    def named(self, start: int, end: int, key: str, node: int) -> int:
        """The axis of a call, which is a number that is written."""
        axis = self.graph.constants.get(node)
        if axis not in (0, 1, -1, -2):
            least = "axis 0 goes down the rows, axis 1 across the columns"
            axes = f"a matrix has no axis {number_text(axis)}" if isinstance(axis, float) else "an axis is 0 or 1"  # fmt: skip
            raise self.fail("syntax", axes, self.graph.spans[node], least)
        self.axes.append((int(axis), node))
        return node

    def implied(self, start: int, end: int, left: int, _sign: str, right: int) -> int:
        """A product without a sign. Raises BackpropError where it can be read in two ways."""
        sign, begin = self.starts[-2:]
        power = self.bare_power(left, sign)
        if power is not None or self.divides(left, start):
            from .advice import two_readings  # only where something is wrong

            first = start if power is None else self.graph.spans[power][0]
            raise two_readings(self.source, first, (sign, begin), power is not None)
        self.main.respelled = True
        self.note_exponent(sign, begin)
        node = self.graph.add(MUL, (left, right), (start, end), self.region)
        self.products.add((self.graph is self.main, node))
        return node

    def bare_power(self, node: int, end: int) -> int | None:
        """The power whose exponent, without parentheses, ends a product; None where none does."""
        graph = self.graph
        if graph.operations[node] is MUL:
            node = graph.operands[node][1]
        while graph.operations[node] is NEG:
            node = graph.operands[node][0]
        if graph.operations[node] is not POW or graph.spans[node][1] != end:
            return None
        exponent = graph.operands[node][1]
        inlined = exponent in graph.blocks and not self.source.text.endswith("))", 0, end)
        return node if graph.spans[exponent][1] == end or inlined else None

    def divides(self, node: int, start: int) -> bool:
        """Whether a product that begins at a place holds a quotient, in no parentheses of its own."""
        graph = self.graph
        while graph.spans[node][0] == start:
            if graph.operations[node] is DIV:
                return True
            if graph.operations[node] is not MUL or (graph is self.main, node) in self.products:
                return False
            node = graph.operands[node][0]
        return False

    def note_exponent(self, sign: int, begin: int) -> None:
        """A remark on 2e3x, where the number on the left of a product has an exponent."""
        text = self.source.text
        number = re.search(r"(?<![\w.])[0-9.]+[eE][+-]?[0-9]+\Z", text[max(0, sign - 60) : sign])
        name = re.match(NAME, text[begin : begin + 40])
        if number and name:
            said = f"{number.group()}{name.group()} is {number_text(literal(number.group()))}*{name.group()}"
            self.main.remarks.setdefault(said, f"{said}: {number.group()} is a number")

    def note_roots(self) -> None:
        """Remarks on x^1/2, which is no root."""
        from .advice import canonical  # only where there is such a power

        graph, text = self.main, self.source.text
        for node, operation in enumerate(graph.operations):
            if operation is not DIV:
                continue
            end = graph.spans[graph.operands[node][0]][1]
            power = self.bare_power(graph.operands[node][0], end)
            over, last = text.find("/", end), graph.spans[node][1]
            if power is None or text[end:over].strip() or over > last:
                continue
            start, exponent = graph.spans[power][0], graph.operands[power][1]
            if graph.constants.get(exponent) not in (1, -1):
                continue
            left, right = canonical(text[start:end]), canonical(text[over + 1 : last])
            root = f"{left.split('^')[0]}^({number_text(float(graph.constants[exponent]))}/{right})"
            said = f"{left}/{right} is ({left})/{right}; a root is {root}"
            graph.remarks.setdefault(said, said)

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
        if self.axes and self.axes[-1][1] in values:
            return self.along(name, span, values)
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
                if given == 1 and operation.selects:  # the largest of an array
                    return self.structural(operation, tuple(values), span, None)
                raise self.wrong_count(name, given, (least, most), span, operation.signature)
            more = operation.defaults[given - least :]
            values += [graph.constant(literal(repr(value)), span) for value in more]
            return graph.add(operation, tuple(values), span, self.region)
        meant = ALIASES.get(name)
        defining = (self.scope.defining or ("",))[0] == name
        own = name in self.scope.nodes or defining
        if not defining:
            from ..operations.makers import CONSTANT as MADE  # which numbers alone do not need
            from ..operations.makers import ELSEWHERE, MAKERS  # likewise
            from ..operations.structural import SELECTIONS, STRUCTURAL  # likewise

            if name in SELECTIONS and given == 2 and values[1] in graph.written:
                return self.selection(SELECTIONS[name], span, *values)
            row = STRUCTURAL.get(name) or MAKERS.get(name)
            if name == "concat":
                values = self.unpacked(values)
                given = len(values)
            if row and row.arity[0] <= given <= (row.arity[1] or given):
                self.scope.soft_calls.setdefault(name, (start, start + len(name)))
                self.makes |= name in MADE
                return self.structural(row, tuple(values), span, None)
            along = name in ("softmax", "logsoftmax")
            if row and not meant and not (along and values[-1] not in self.graph.constants):
                raise self.wrong_count(name, given, row.arity, span, row.signature)
        if meant and not own:
            self.main.respelled = True
            self.scope.soft_calls.setdefault(name, (start, start + len(name)))
            if meant in FUNCTIONS:
                return self.call(start, end, meant, _open, values, _close)
            return self.expanded(name, expansion(meant), values, span)
        if not own and name in ELSEWHERE:
            self.main.respelled = True
            self.scope.soft_calls.setdefault(name, (start, start + len(name)))
            if (ELSEWHERE[name], given) in (("@", 2), (".T", 1)):
                from ..operations.structural import MATMUL, TRANSPOSE  # likewise

                return self.structural((TRANSPOSE, MATMUL)[given - 1], tuple(values), span, None)
            known = ELSEWHERE[name] in {**STRUCTURAL, **MAKERS, **FUNCTIONS}
            if known:
                return self.call(start, end, ELSEWHERE[name], _open, values, _close)
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

    def selection(self, row: Operation, span: Span, node: int, selected: int) -> int:
        """`put(u, x[i])`, of which the x[i] is not done; see SELECTIONS."""
        graph = self.graph
        written = graph.operations[selected], graph.written[selected]
        return self.structural(row, (node, *graph.operands[selected]), span, written)

    def along(self, name: str, span: Span, values: list[int]) -> int:
        """A call with an axis, which is written last."""
        from ..operations.makers import ELSEWHERE  # which numbers do not need
        from ..operations.structural import REDUCTIONS, STRUCTURAL  # likewise

        axis, node = self.axes.pop()
        if name in ELSEWHERE and name not in self.scope.functions:
            name = ELSEWHERE[name]
            self.main.respelled = True
        row: Operation | None = self.scope.built_in.get(name)
        if name not in REDUCTIONS or name in self.scope.functions:
            row = STRUCTURAL.get(name) if name in ALONG else None
        if row is None:
            way = f"along an axis go {', '.join(sorted({*REDUCTIONS, *ALONG}))}"
            if name == "norm" and name not in self.scope.functions:
                way = f"write sqrt(sum(X^2, axis={axis})), which is the norm of each {('column', 'row')[axis % 2]}"
            raise self.fail("arity", f"{shorten(name)} takes no axis", span, way)
        operands = tuple(self.unpacked(values[:-1]) if name == "concat" else values[:-1])
        if values[-1] != node or (len(operands) > 1 and name != "concat"):
            raise self.fail("arity", f"{name} along an axis takes one array", span, f"write {name}(X, axis={axis})")  # fmt: skip
        return self.structural(row, operands, span, axis)

    def unpacked(self, values: list[int]) -> list[int]:
        """The operands of a call that were given it as one list: concat([a, b])."""
        graph, node = self.graph, values[0]
        if len(values) > 1 or node in graph.names or graph.operations[node].name != "array":
            return values
        operands = list(graph.operands[node])
        graph.operations[node], graph.operands[node] = CONSTANT, ()  # it is no node of its own
        graph.constants[node] = 0.0
        del graph.written[node]
        self.main.respelled = True
        return operands

    def expanded(self, name: str, meant: Graph, operands: list[int], span: Span) -> int:
        """What another language's function is here, over the operands; each is used once."""
        least = len(meant.variables)
        if len(operands) != least:
            signature = f"{name}({', '.join(meant.variables)})"
            raise self.wrong_count(name, len(operands), (least, least), span, signature)
        moved: list[int] = []
        given = iter(operands)
        for node, operation in enumerate(meant.operations):
            if operation is VARIABLE:
                moved.append(next(given))
            elif node in meant.constants:
                moved.append(self.graph.constant(meant.constants[node], span))
            else:
                inner = tuple([moved[k] for k in meant.operands[node]])
                moved.append(self.graph.add(operation, inner, span, self.region))
        return moved[meant.output]

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
        if name in ("log", "ln") and given == 2:
            hint = "write log2(x), log10(x), or log(x)/log(b) for another base b"
        if name == "norm" and given == 2:
            hint = "norm(x) is the length, sqrt(sum(x^2)); the sum of the sizes is sum(abs(x))"
        if name in ("softmax", "logsoftmax"):
            hint = f"{name} goes along the last axis: write {name}(x), or {name}(x.T).T down the columns"
        if most == 2 and given == 3 and name in ("zeros", "ones", "rand", "randn"):
            hint = f"arrays have two axes at most: {signature}"
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
def expansion(text: str) -> Graph:
    """What another language's function is in this one, as a graph over its operands."""
    return parse(text, internal=True)


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
