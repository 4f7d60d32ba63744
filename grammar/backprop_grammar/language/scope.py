"""What a name means where it stands, and which names may be given.

A name is looked up in one dictionary; everything else here happens once per name, so that it can be
slow, careful and clear.
"""

import re
from typing import Any

from ..errors import BackpropError, Source, Span, shorten
from ..operations.row import Operation
from ..operations.table import CONSTANTS, FUNCTIONS, OPERATIONS
from .graph import Function, Graph, constant_unseen
from .lexer import NAME

__all__ = ["Scope", "name_of"]


class Scope:
    """The names of one program: those so far, and those of the function being defined."""

    def __init__(self, source: Source, internal: bool) -> None:
        self.source = source
        self.built_in = OPERATIONS | FUNCTIONS if internal else FUNCTIONS
        self.functions: dict[str, Function] = {}  # of the program
        self.nodes: dict[str, int] = {}  # of what the current tape names
        self.outside: dict[str, int] = {}  # those of the program, while a function is defined
        self.staged: set[str] = set()
        self.first_use: dict[str, Span] = {}
        self.constant_use: dict[str, tuple[str, Span]] = {}  # constants that functions use
        self.soft_calls: dict[str, Span] = {}  # of built-in functions whose names are free
        self.defining: tuple[str, Span] | None = None

    def fail(self, kind: str, message: str, span: Span, **more: Any) -> BackpropError:
        return BackpropError(kind, message, span, source=self.source, **more)

    def reserved(self, name: str) -> bool:
        """Whether a name is a built-in function's wherever it stands; a soft one is free."""
        operation = self.built_in.get(name)
        return name == "if" or (operation is not None and not operation.soft)

    # giving names

    def stage(self, name: str, span: Span, node: int) -> None:
        """Give a stage its name."""
        self.check_free(name, span, "stage")
        used = self.first_use.get(name)
        if used and used[0] > span[0]:
            raise self.fail(
                "name",
                f"{shorten(name)} is computed from itself",
                used,
                hint=f"a name is assigned once; use a new one, such as {shorten(name)}_1",
            )
        if used:
            raise self.fail(
                "name",
                f"{shorten(name)} is used before it is assigned",
                used,
                hint=f"move the stage {shorten(name)} = ... up",
            )
        self.staged.add(name)
        self.nodes[name] = node

    def check_free(self, name: str, span: Span, what: str) -> None:
        """Raise when a name is a function's, was assigned, or stands for a constant in a function."""
        shown = shorten(name)
        if self.reserved(name):
            raise self.fail(
                "name",
                f"{shown} is the name of a function",
                span,
                hint=f"call the {what} something else, such as {shown}_1",
            )
        if name in self.staged or name in self.functions:
            raise self.fail(
                "name",
                f"{shown} is assigned twice",
                span,
                hint="a name is assigned once; use a new one",
            )
        if name in self.constant_use:
            raise self.unseen(name)

    def open(self, header: str, begin: int, body: Graph) -> Span:
        """Begin a definition, whose body sees its parameters and nothing else; its name's span."""
        name, span = name_of(header, begin)
        self.check_free(name, span, "function")
        if name in self.first_use:
            raise self.fail(
                "name",
                f"{shorten(name)} is a variable already",
                span,
                hint="call the function something else",
            )
        if name in self.soft_calls:
            raise self.fail(
                "name",
                f"{shorten(name)} is used before it is defined",
                self.soft_calls[name],
                hint=f"move {shorten(name)}(...) = ... up",
            )
        self.defining = name, span
        self.outside, self.nodes = self.nodes, {}
        text = re.sub(r"#[^\n]*", lambda comment: " " * len(comment.group()), header)
        for match in re.finditer(NAME, text[len(name) :]):
            start = span[1] + match.start()
            self.parameter(match.group(), (start, start + len(match.group())), body)
        return span

    def parameter(self, name: str, span: Span, body: Graph) -> None:
        shown = shorten(name)
        if name in self.nodes:
            raise self.fail(
                "name",
                f"two parameters are called {shown}",
                span,
                hint="give each a name of its own",
            )
        if self.reserved(name) or name in self.functions:
            raise self.fail(
                "name",
                f"{shown} is the name of a function",
                span,
                hint="call the parameter something else",
            )
        self.nodes[name] = body.variable(name, span)

    def close(self, body: Graph) -> Function:
        """End a definition."""
        assert self.defining is not None
        name, _ = self.defining
        function = self.functions[name] = Function.of(name, tuple(body.variables), body)
        self.nodes, self.defining = self.outside, None
        return function

    # using names

    def called(self, name: str, span: Span) -> Operation | None:
        """The built-in function of a call of what the program has not defined; None for none.

        A function's own name in its body is no soft one.
        """
        operation = self.built_in.get(name)
        if operation is not None and operation.soft:
            if self.defining and self.defining[0] == name:
                return None
            self.soft_calls.setdefault(name, span)
        return operation

    def resolve(self, name: str, span: Span, graph: Graph) -> int:
        """The node of a name that ``nodes`` does not hold: a constant, or a new variable."""
        if self.reserved(name) or name in self.functions:
            from .calls import bare_function  # only where something is wrong

            raise bare_function(self.source, name, span)
        if self.defining:
            return self.resolve_inside(self.defining[0], name, span, graph)
        self.first_use.setdefault(name, span)
        leaf = graph.constant if name in CONSTANTS else graph.variable
        node = self.nodes[name] = leaf(name, span)
        return node

    def resolve_inside(self, function: str, name: str, span: Span, body: Graph) -> int:
        """The node of a name in the body of a function, where it is no parameter."""
        if name not in CONSTANTS:
            from .calls import not_a_parameter  # only where something is wrong

            raise not_a_parameter(self.source, name, span, function, body.variables)
        self.constant_use.setdefault(name, (function, span))
        if name in self.staged:
            raise self.unseen(name)
        node = self.nodes[name] = body.constant(name, span)
        return node

    def unseen(self, name: str) -> BackpropError:
        """The error for a constant that a function uses and the program replaces."""
        function, span = self.constant_use[name]
        return constant_unseen(self.source, name, function, span)


def name_of(head: str, start: int) -> tuple[str, Span]:
    """The name that the head of a stage or a definition begins with, and its span."""
    match = re.match(NAME, head)
    assert match is not None
    return match.group(), (start, start + match.end())
