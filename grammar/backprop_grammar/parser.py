"""Text to graph.

The insight: Lark calls a function at every reduction of its parser, and that
function can append to the tape at once. So no tree is ever built, nothing
recurses, and the order of the tape is the order of evaluation.
"""

import math
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from lark import Lark, Token, UnexpectedToken

from .errors import BackpropError, Source, Span, nearest
from .graph import Condition, Function, Graph
from .lexer import NAME, ProgramLexer
from .operations import CONSTANTS, FUNCTIONS, IDENTITY, OPERATIONS, Operation

__all__ = ["MAX_LENGTH", "parse"]

MAX_LENGTH = 100_000_000
"""Characters of the longest program that is read."""

Piece = tuple[int, int, int]
"""A node and the span of the text it was written as, parentheses included."""


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
            "limit", f"the program is longer than {MAX_LENGTH:,} characters", hint="split it up"
        )
    reductions = Reductions(source, bound, internal)
    lark, proxy = machine()
    outer, proxy.target = proxy.target, reductions
    try:
        lark.parse(text)
    except UnexpectedToken as error:
        raise unexpected(source, error.token, error.interactive_parser) from None
    finally:
        proxy.target = outer
    return reductions.graph


class Proxy:
    """Hands every reduction to the parse under way: Lark binds its callbacks once."""

    def __init__(self, target: "Reductions") -> None:
        self.target = target

    def __getattr__(self, rule: str) -> Callable[[list[Any]], Any]:
        if rule not in RULES:
            raise AttributeError(rule)
        return lambda pieces: getattr(self.target, rule)(*pieces)


@cache
def machine() -> tuple[Lark, Proxy]:
    """The parser, built from the grammar on first use."""
    proxy = Proxy(Reductions(Source(""), frozenset(), False))
    grammar = Path(__file__).with_name("expression.lark").read_text(encoding="utf-8")
    lark = Lark(
        grammar, start="program", parser="lalr", lexer=ProgramLexer,
        transformer=proxy, maybe_placeholders=False,
    )  # type: ignore[call-overload]  # fmt: skip
    return lark, proxy


class Reductions:
    """One parse under way: each method is what a rule of the grammar does to the tape."""

    def __init__(self, source: Source, bound: frozenset[str], internal: bool) -> None:
        self.source = source
        self.bound = bound
        self.functions = OPERATIONS | FUNCTIONS if internal else FUNCTIONS
        self.graph = self.whole = Graph(source)
        self.open: list[int] = []  # the conditions whose branches are being read
        self.region = 0
        self.defining: tuple[str, tuple[str, ...], Span] | None = None
        self.staged: dict[str, int] = {}
        self.first_use: dict[str, Span] = {}

    def fail(self, kind: str, message: str, span: Span, **more: str) -> BackpropError:
        return BackpropError(kind, message, span, source=self.source, **more)

    # stages

    def program(self, _stages: object) -> None:
        """Nothing is left to do: the stages are on the tape."""

    def stages(self, *_stages: object) -> None:
        """Each stage went onto the tape by itself."""

    def header(self, token: Token) -> None:
        name, inside = re.match(rf"({NAME})\s*\(([^=]*)\)", str(token)).groups()  # type: ignore[union-attr]
        span = (token.start_pos or 0, token.end_pos or 0)
        parameters = tuple(re.findall(NAME, re.sub(r"#[^\n]*", "", inside)))
        self.check_name(name, span, "a function")
        for parameter in parameters:
            if parameters.count(parameter) > 1:
                raise self.fail("name", f"{name} has two parameters called {parameter}", span)
            if parameter in self.functions or parameter == "if":
                raise self.fail("name", f"{parameter} is the name of a function", span,
                                hint="call the parameter something else")  # fmt: skip
        self.defining = (name, parameters, span)
        self.graph = Graph(self.source)
        for parameter in parameters:
            self.graph.variable(parameter, span)

    def define(self, _header: object, body: Piece) -> None:
        assert self.defining is not None
        name, parameters, _ = self.defining
        self.graph.stages.append(("", body[0]))
        self.whole.functions[name] = Function(name, parameters, self.graph)
        self.graph, self.defining = self.whole, None

    def assign(self, token: Token, value: Piece) -> None:
        name = re.match(NAME, str(token)).group()  # type: ignore[union-attr]
        start = token.start_pos or 0
        span = (start, start + len(name))
        self.check_unnamed()
        self.check_name(name, span, "a stage")
        graph, node = self.graph, value[0]
        number = graph.constants.get(node)
        if name in CONSTANTS:
            graph.shadowed[name] = span
        if isinstance(number, float):
            # A stage that is a plain number is an input: it gets a gradient.
            del graph.constants[node]
            graph.variables[name] = node
            graph.inputs[name] = number
        elif graph.operations[node] is None or node in graph.names:
            node = graph.add(IDENTITY, (node,), (value[1], value[2]), self.region)
        graph.names[node] = name
        graph.spans[node] = (value[1], value[2])
        graph.stages.append((name, node))
        self.staged[name] = node

    def output(self, value: Piece) -> None:
        self.check_unnamed()
        self.graph.stages.append(("", value[0]))

    def check_unnamed(self) -> None:
        """Raise when a stage without a name is followed by another: nothing could use it."""
        stages = self.whole.stages
        if stages and not stages[-1][0]:
            raise self.fail(
                "syntax", "only the last stage may go without a name",
                self.graph.spans[stages[-1][1]], hint="give it one, such as q = ...",
            )  # fmt: skip

    def check_name(self, name: str, span: Span, what: str) -> None:
        if name in self.functions or name == "if":
            raise self.fail("name", f"{name} is the name of a function", span,
                            hint=f"call {what} something else, such as {name}_1")  # fmt: skip
        if name in self.staged or name in self.whole.functions:
            raise self.fail("name", f"{name} is assigned twice", span,
                            hint="a name is assigned once; use a new one")  # fmt: skip
        if name in self.first_use:
            raise self.fail("name", f"{name} is used before it is assigned", self.first_use[name],
                            hint=f"move the stage {name} = ... up")  # fmt: skip

    # expressions

    def apply(self, name: str, span: Span, *operands: int) -> Piece:
        node = self.graph.add(OPERATIONS[name], operands, span, self.region)
        return node, *span

    def infix(self, name: str, left: Piece, right: Piece) -> Piece:
        return self.apply(name, (left[1], right[2]), left[0], right[0])

    def add(self, left: Piece, right: Piece) -> Piece:
        return self.infix("add", left, right)

    def sub(self, left: Piece, right: Piece) -> Piece:
        return self.infix("sub", left, right)

    def mul(self, left: Piece, right: Piece) -> Piece:
        return self.infix("mul", left, right)

    def div(self, left: Piece, right: Piece) -> Piece:
        return self.infix("div", left, right)

    def pow(self, left: Piece, right: Piece) -> Piece:
        return self.infix("pow", left, right)

    def neg(self, sign: Token, value: Piece) -> Piece:
        node, span = value[0], (sign.start_pos or 0, value[2])
        number = self.graph.constants.get(node)
        if isinstance(number, float):  # -2 is a number, not an operation on one
            self.graph.constants[node] = 0.0 - number
            self.graph.spans[node] = span
            return node, *span
        return self.apply("neg", span, node)

    def pos(self, sign: Token, value: Piece) -> Piece:
        return value[0], sign.start_pos or 0, value[2]

    def group(self, opening: Token, value: Piece, closing: Token) -> Piece:
        return value[0], opening.start_pos or 0, closing.end_pos or 0

    def number(self, token: Token) -> Piece:
        span = (token.start_pos or 0, token.end_pos or 0)
        text = str(token)
        value = float(text)
        if math.isinf(value):
            raise self.fail("overflow", f"{shorten(text)} is too large a number", span,
                            hint="the largest is 1.7976931348623157e308")  # fmt: skip
        if value == 0 and re.search("[1-9]", re.split("[eE]", text)[0]):
            raise self.fail("overflow", f"{shorten(text)} is too small a number", span,
                            hint="the smallest above 0 is 5e-324")  # fmt: skip
        return self.graph.constant(value, span), *span

    def name(self, token: Token) -> Piece:
        name, span = str(token), (token.start_pos or 0, token.end_pos or 0)
        return self.named(name, span), *span

    def named(self, name: str, span: Span) -> int:
        graph = self.graph
        if name in self.functions or name in self.whole.functions:
            raise self.fail("name", f"{name} is a function", span, hint=f"write {name}(...)")
        if self.defining:
            if name in graph.variables:
                return graph.variables[name]
            if name in CONSTANTS:
                return graph.constant(name, span)
            function, parameters, _ = self.defining
            meant = nearest(name, [*parameters, *CONSTANTS])
            raise self.fail(
                "name", f"{name} is not a parameter of {function}", span,
                hint=f"did you mean {meant}?" if meant else
                f"a function sees only its parameters: {function}({', '.join(parameters)}, {name}) = ...",
            )  # fmt: skip
        if name in self.staged:
            return self.staged[name]
        if name in CONSTANTS and name not in self.bound:
            self.first_use.setdefault(name, span)
            return graph.constant(name, span)
        if name in CONSTANTS:
            graph.shadowed.setdefault(name, span)
        self.first_use.setdefault(name, span)
        return graph.variable(name, span)

    def first(self, value: Piece) -> list[Piece]:
        return [value]

    def more(self, values: list[Piece], value: Piece) -> list[Piece]:
        values.append(value)
        return values

    def call(self, token: Token, _open: Token, values: list[Piece], close: Token) -> Piece:
        name = str(token)
        span = (token.start_pos or 0, close.end_pos or 0)
        operands = tuple([value[0] for value in values])
        function = self.whole.functions.get(name)
        if function:
            self.check_arity(name, len(operands), (len(function.parameters),) * 2, span)
            return self.graph.inline(function, operands, span, self.region), *span
        operation = self.functions.get(name)
        if operation is None:
            raise self.unknown(name, (span[0], span[0] + len(name)))
        self.check_arity(name, len(operands), operation.arity, span, operation)
        for value in operation.defaults[len(operands) - operation.arity[0] :]:
            operands += (self.graph.constant(value, span),)
        return self.apply(operation.name, span, *operands)

    def check_arity(
        self,
        name: str,
        given: int,
        arity: tuple[int, int | None],
        span: Span,
        operation: Operation | None = None,
    ) -> None:
        least, most = arity
        if given < least or (most is not None and given > most):
            count = f"{least}" if least == most else f"{least} or more"
            if most is not None and most != least:
                count = f"{least} or {most}"
            written = operation.signature if operation and not operation.symbol else ""
            raise self.fail(
                "arity", f"{name} takes {count} operand{'s' * (count != '1')}, not {given}", span,
                hint=f"write {written}" if written else "",
            )  # fmt: skip

    def unknown(self, name: str, span: Span) -> BackpropError:
        """The error for a call of something that is no function."""
        if self.defining and self.defining[0] == name:
            return self.fail("name", f"{name} calls itself", span,
                             hint="functions have no recursion; write the steps as stages")  # fmt: skip
        known = [*(n for n, o in self.functions.items() if not o.hidden), *self.whole.functions, "if"]  # fmt: skip
        meant = nearest(name, known) or SYNONYMS.get(name.lower(), "")
        if name in self.staged or name in self.graph.variables or name in CONSTANTS:
            return self.fail("name", f"{name} is not a function", span,
                             hint=f"to multiply, write {name}*(...)")  # fmt: skip
        return self.fail(
            "name", f"there is no function {shorten(name)}", span,
            hint=f"did you mean {meant}?" if meant else
            "`backprop functions` lists them; define your own with f(u) = ...",
        )  # fmt: skip

    # if: the tape must know which nodes stand in which branch

    def condition(self, left: Piece, comparison: Token, right: Piece) -> Piece:
        conditions = self.graph.conditions
        conditions.append(Condition(left[0], right[0], str(comparison), self.region))
        self.open.append(len(conditions) - 1)
        self.region = 2 * len(conditions) - 1
        return len(conditions) - 1, left[1], right[2]

    def then(self, value: Piece) -> Piece:
        self.region += 1
        return value

    def if_(
        self, word: Token, _open: Token, test: Piece, then: Piece, otherwise: Piece, close: Token
    ) -> Piece:
        span = (word.start_pos or 0, close.end_pos or 0)
        self.open.pop()
        self.region = self.graph.conditions[test[0]].region
        return self.graph.select(test[0], then[0], otherwise[0], span, self.region), *span


RULES = frozenset(
    name for name, method in vars(Reductions).items() if callable(method) and name[0] != "_"
)
"""The names that a rule of the grammar may call."""

SYNONYMS = {
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2", "arcsinh": "asinh",
    "arccosh": "acosh", "arctanh": "atanh", "sgn": "sign", "power": "pow", "root": "sqrt",
    "logistic": "sigmoid", "swish": "silu", "loggamma": "lgamma", "gammaln": "lgamma",
    "lse": "logsumexp", "maximum": "max", "minimum": "min", "avg": "mean", "average": "mean",
    "clip": "clamp", "where": "if", "norm": "hypot", "lg": "log10", "ld": "log2", "expit": "sigmoid",
}  # fmt: skip


def shorten(text: str, length: int = 40) -> str:
    """The text, cut in the middle with ... when it is longer than that."""
    return text if len(text) <= length else f"{text[: length - 12]}...{text[-9:]}"


def unexpected(source: Source, token: Token, state: object) -> BackpropError:
    """The error for a token the grammar does not expect here, with advice for common slips."""
    from .advice import advise

    return advise(source, token, getattr(state, "accepts", lambda: set())())
