"""How the tests reach the product: its command line, and programs, traces and formats from Python.

A test of one module names that module; every other one comes through here, so that a move of the
product is a change of this file.
"""

import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from backprop_cli.app import run
from backprop_cli.commands.schema import SCHEMAS
from backprop_cli.formats import FORMATS, formats_of, module_of
from backprop_cli.screens.diagnostics import as_json, as_text
from backprop_grammar import BackpropError, Program
from backprop_grammar.derivatives.derive import Derivative
from backprop_grammar.errors import Source
from backprop_grammar.language.graph import Graph
from backprop_grammar.numbers.wide import Number, Wide, as_float
from backprop_grammar.operations.row import Operation
from backprop_grammar.operations.table import CONSTANTS, FUNCTIONS, OPERATIONS
from backprop_grammar.trace.index import formula
from backprop_grammar.trace.record import KINKS, Trace
from backprop_grammar.views.options import Options

__all__ = [
    "CONSTANTS",
    "FORMATS",
    "FUNCTIONS",
    "KINKS",
    "LONG",
    "OPERATIONS",
    "SCHEMAS",
    "SHOWN",
    "BackpropError",
    "Graph",
    "Number",
    "Operation",
    "Program",
    "Source",
    "Trace",
    "Wide",
    "along",
    "as_float",
    "as_json",
    "as_text",
    "call",
    "derived",
    "formula",
    "number",
    "often",
    "outlined",
    "parsed",
    "point",
    "rendered",
    "run",
    "schema",
    "show",
    "streams",
    "trace_of",
    "traced",
]

LONG = os.environ.get("LONG") == "1"


def often(few: int, many: int) -> int:
    """How often a test looks: few times in the suite of every day, many with LONG=1."""
    return many if LONG else few


# The command line


@contextmanager
def streams(stdin: bytes):
    saved = sys.stdin, sys.stdout, sys.stderr
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    sys.stdin, sys.stdout, sys.stderr = io.TextIOWrapper(io.BytesIO(stdin), "utf-8"), out, err
    try:
        yield out, err
    finally:
        sys.stdin, sys.stdout, sys.stderr = saved


def call(*args: str, stdin: bytes = b"") -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `backprop ARGS`."""
    with streams(stdin) as (out, err):
        code = run(list(args))
        out.flush()
        err.flush()
        return code, out.buffer.getvalue().decode(), err.buffer.getvalue().decode()


def trace_of(*args: str, stdin: bytes = b"") -> dict:
    """The JSON document of `backprop eval ARGS --json`."""
    code, out, err = call("eval", *args, "--json", stdin=stdin)
    assert code in (0, 3), err
    return json.loads(out, parse_constant=lambda word: 1 / 0)


@cache
def schema(name: str) -> Draft202012Validator:
    """What `backprop schema NAME` prints, which is a schema."""
    code, out, _ = call("schema", name)
    assert code == 0
    document = json.loads(out)
    Draft202012Validator.check_schema(document)
    return Draft202012Validator(document)


# From Python

SHOWN = [row for row in OPERATIONS.values() if not row.hidden]
"""The rows of the table that a program may use."""

Point = Mapping[str, Any]
"""Numbers by name, or texts of them such as pi/4."""


def parsed(program: str) -> Graph:
    """The graph of a program."""
    return Program(program).record


def point(text: str) -> dict[str, str]:
    """What `--at` takes: texts of numbers by name."""
    return dict(part.split("=") for part in text.split(","))


def number(x: Any) -> float:
    """A number, or what a text such as pi/4 says."""
    return as_float(traced(x).value) if isinstance(x, str) else x


def given(program: str | Program) -> Program:
    return Program(program) if isinstance(program, str) else program


def traced(program: str | Program, at: Point | None = None, **options: Any) -> Trace:
    """The trace of a program at a point, beside what the program gives to its inputs itself."""
    point = {name: number(x) for name, x in (at or {}).items()}
    return given(program).at(point, **options).record


def outlined(program: str | Program, **options: Any) -> Trace:
    """A program without a point."""
    return given(program).outline(**options).record


def derived(program: str | Program, wrt: Sequence[str] = (), **options: Any) -> Derivative:
    """The derivatives of a program as a program."""
    return given(program).derive(*wrt, **options).record.derivative


def along(program: str, direction: Mapping[str, float], **options: Any) -> Derivative:
    """The derivative of a program along a direction, or its Hessian times that."""
    return given(program).derive(along=direction, **options).record.derivative


def show(command: str, name: str, subject: Any, **options: Any) -> None:
    """Print a trace, or what else a command shows, in a format for a screen."""
    module_of(formats_of(command)[name]).show(subject, Options(**options))


def rendered(command: str, name: str, subject: Any, **options: Any) -> Any:
    """A trace, or what else a command shows, in one of its formats: a text, or bytes."""
    return module_of(formats_of(command)[name]).render(subject, Options(**options))
