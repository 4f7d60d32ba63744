"""What the user gives: a program and a point.

A value in `--at` is a program without variables, so the language, its errors and its careful
numbers serve the point as well.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from io import UnsupportedOperation
from pathlib import Path
from stat import S_ISCHR
from typing import Any, NamedTuple

from backprop_grammar.blocks.names import Names
from backprop_grammar.errors import BackpropError, Source, few, shorten, usage, visible
from backprop_grammar.language.graph import Array, Graph
from backprop_grammar.language.nearest import DECIMAL, literal, nearest, vanished
from backprop_grammar.language.parser import MAX_LENGTH, parse, plain_name
from backprop_grammar.library import DIGITS, MOST_DIGITS, ArrayTrace, Program, Trace, no_arrays
from backprop_grammar.numbers.decimal import brief
from backprop_grammar.numbers.interpret import quotient
from backprop_grammar.numbers.wide import Wide, as_float
from backprop_grammar.passes.run import MAX_PRECISION
from backprop_grammar.trace.evaluate import evaluate
from backprop_grammar.trace.point import unknown_names
from backprop_grammar.trace.record import Note

from ..screens.diagnostics import refusal

__all__ = ["Request", "fit", "number_option", "pieces", "piped", "read_point"]

NAME_OF_PROGRAM = r"(?i:@.*|[^#;\n]*\.bp)"
"""An argument that names a file, be it there or not."""
PATH = r"\.{0,2}[/\\]?([\w-]+[/\\])*[\w-]+\.(txt|text|py|md|json|csv)"
"""An argument that may have been meant as a file."""
QUOTIENT = r"-?[0-9]{1,1300}/[1-9][0-9]{0,1300}\Z"
BETWEEN = re.compile(r"(?<![\s;])[\s;]++(?=[^\W\d]\w*\s*=(?!=))|[()\[\]{},]")
ONE = r"\s*([^\W\d]\w*)\s*=\s*[-+]?[0-9.]+\s*"
INFINITE = r"[+-]?(?:inf|infinity|nan)\Z"
BINDING = re.compile(r"\s*([^\W\d]\w*)\s*=(?!=)\s*")


class Request(NamedTuple):
    """What the options of a command want to be differentiated; their texts as they were given."""

    text: str | None
    file: Path | None
    at: list[str] | None
    wrt: list[str] | None = None
    output: str = ""
    upstream: str = "1"
    expand: list[str] | None = None
    fold: list[str] | None = None
    precision: int | None = None
    digits: int | None = DIGITS
    decimals: int | None = None

    def read(
        self, bound: Iterable[str] = (), arrays: bool = False
    ) -> tuple[Program, dict[str, Any], list[Note]]:
        """The program, its point as far as it is given, and notes on what was left aside.

        bound: names that get values otherwise than by --at. arrays: whether vectors and matrices
        are taken.

        Raises BackpropError for options that contradict each other, and for wrong texts.
        """
        if self.precision is not None and not 1 <= self.precision <= MAX_PRECISION:
            raise usage(f"--precision takes 1 to {MAX_PRECISION} digits, not {self.precision}")
        if self.decimals is not None and not 0 <= self.decimals <= MOST_DIGITS:
            raise usage(f"--decimals takes 0 to {MOST_DIGITS} decimals, not {self.decimals}")
        if self.decimals is not None and self.digits not in (None, DIGITS):
            raise usage("--decimals and --digits are two ways to show numbers", "give one of them")
        if self.digits is not None and not 1 <= self.digits <= MOST_DIGITS:
            raise usage(f"--digits takes 1 to {MOST_DIGITS} digits, not {self.digits}")
        self.check_input()
        program = self.program()
        point = read_point(self.at or [])
        program.record = program.record.bind([*point.values, *bound])
        alone = self.text and "=" in self.text and re.fullmatch(ONE, self.text)
        try:
            at, notes = fit(program.record, point)
        except BackpropError as error:
            if not alone:
                raise
            hint = f'the program is {alone[0].strip()}; a formula comes first: "x*y" x=3 y=4'
            raise error.replace(hint=hint) from None
        if not arrays and (program.record.arrays or any(isinstance(x, Array) for x in at.values())):
            raise no_arrays("this command")
        if alone and text_is_waiting():
            about = f"the program is {alone[0].strip()}, and standard input is not read"
            advice = f"write - {alone[0].strip()} for a program from there"
            notes.append(Note("unused", alone[1], f"{about}; {advice}"))
        return program, at, notes

    def program(self) -> Program:
        """The program: a text, or a file of that name where it is none."""
        source = read_program(self)
        try:
            return Program(source.text, source.name)
        except BackpropError as error:
            if self.text is None or source.text != self.text:
                raise
            if not is_file(self.text):
                raise advised(error, self.text) from None
        return Program(read_text(self.text), self.text)

    def check_input(self, points: Sequence[str] = ()) -> None:
        """Raise BackpropError where standard input is read twice; points: files of them."""
        at = (self.at or []).count("@-")
        if at + [self.text, str(self.file), *points].count("-") > 1:
            other = "points" if points else "point"
            hint = f"give the program or the {other}, not both, through -"
            raise usage("standard input is read once", hint)

    def figures(self) -> dict[str, Any]:
        """The arguments that say how numbers are shown."""
        return {"decimals": self.decimals, "digits": self.digits if self.decimals is None else None}

    def views(self) -> dict[str, Any]:
        """The arguments that say which nodes are wanted, and how they are grouped.

        Raises BackpropError where an option names nothing, and where --output names a file.
        """
        if any(sign in self.output for sign in "./\\"):
            hint = f"write -o {shorten(visible(self.output))} for a file"
            raise usage("--output is for the name of a stage", hint)
        return {
            "wrt": names(self.wrt, "--wrt"),
            "output": self.output.strip(),
            "expand": names(self.expand, "--expand"),
            "fold": names(self.fold, "--fold"),
        }

    def trace(self, limit: int | None = None) -> Trace:
        """The trace, without its nodes where the program has more than a limit."""
        trace = self.traced(*self.read(), limit)
        assert isinstance(trace, Trace)  # as no arrays are taken
        return trace

    def trace_of_any(self, limit: int | None = None) -> Trace | ArrayTrace:
        """The same of a program that may be over vectors and matrices."""
        return self.traced(*self.read(arrays=True), limit)

    def traced(
        self,
        program: Program,
        at: dict[str, Any],
        notes: list[Note],
        limit: int | None = None,
    ) -> Trace | ArrayTrace:
        trace = program.at(
            at,
            upstream=self.arriving(),
            precision=self.precision,
            nodes=limit is None or len(program.record) <= limit,
            **self.figures(),
            **self.views(),
        )
        trace.record = replace(trace.record, notes=(*notes, *trace.notes))
        return trace

    def arriving(self) -> float | Array | str:
        """The gradient of --upstream: a number, an array, or `ones`."""
        if self.upstream.strip() == "ones":
            return "ones"
        if self.upstream.lstrip().startswith("["):
            source = Source(self.upstream, "--upstream", inline=True)
            return array_of(source, 0, len(self.upstream), "--upstream")
        return number_option(self.upstream, "--upstream")

    def trace_or_outline(self, check_size: Callable[[int], None] | None = None) -> Trace:
        """The trace; without --at, where values are missing, the outline alone.

        check_size: takes how many nodes will be seen at least, before the work starts.
        """
        program, at, notes = self.read()
        graph = program.record
        if check_size and not self.fold:
            seen = Names(graph)
            needed = graph.needed(seen.find(self.output) if self.output else graph.output)
            check_size(sum(needed[node] and node not in graph.constants for node in seen.of))
        if self.at or graph.variables.keys() <= at.keys():
            trace = self.traced(program, at, notes)
            assert isinstance(trace, Trace)  # as no arrays are taken
            return trace
        if self.upstream != "1":
            raise usage("--upstream is a number, and without a point there are none", "add --at")
        return program.outline(**self.figures(), **self.views())


def number_option(text: str, name: str) -> float:
    """The value of an option that takes a number or a constant expression.

    Raises BackpropError of kind usage unless it is a finite number.
    """
    try:
        return constant(Source(text, name, inline=True), 0, len(text), name)
    except BackpropError as error:
        hint = f"{name} takes a finite number, such as 0.1 or 1/3"
        raise error.replace(kind="usage", hint=hint, reason="") from None


def names(options: list[str] | None, option: str) -> list[str]:
    """The names in options such as `--wrt w0,w1`, which may be repeated."""
    result = [name for text in options or [] for name in re.split(r"[\s,;]+", text) if name]
    if options and not result:
        raise usage(f"{option} names nothing", f"write {option} NAME, or leave it out")
    return result


def read_program(request: Request) -> Source:
    """The program's text from the argument, a file, or standard input (`-`, or a pipe).

    Raises BackpropError where there is none, or two, and for a file that cannot be read.
    """
    text, file = request.text, request.file
    if text is not None and file is not None:
        raise usage("a program and a --file are two programs", "give one of them")
    if text and (text[0] == "@" or "." in text) and re.fullmatch(NAME_OF_PROGRAM, text):
        file = Path(text)
    if file is not None:
        return Source(read_text(str(file)), "standard input" if str(file) == "-" else str(file))
    if text == "-":
        return Source(read_text("-"), "standard input")
    if text is None:
        read = "@-" not in (request.at or []) and piped()
        piece = read_text("-") if read else ""
        if not piece.strip():
            hint = 'write a formula, such as "x*y"; --help has examples'
            raise usage("no program is given", hint)
        return Source(piece, "standard input")
    return Source(text.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def advised(error: BackpropError, text: str) -> BackpropError:
    """The error of a program, with what may have been meant by an argument that is none."""
    if re.fullmatch(PATH, text):
        return error.replace(hint="there is no file of that name either", reason="")
    if len(text) > 1 and text[0] == text[-1] == "'":
        return error.replace(hint="some shells take double quotes only", reason="")
    return error


def piped() -> bool:
    """Whether standard input is a pipe, or a file, and nobody types there."""
    try:
        return sys.stdin is not None and not S_ISCHR(os.fstat(sys.stdin.fileno()).st_mode)
    except UnsupportedOperation:  # it is none of the system's
        return True
    except (OSError, ValueError):  # it is closed
        return False


def text_is_waiting() -> bool:
    """Whether standard input is a pipe or a file in which there is something already."""
    import select  # for a program that is a point only

    try:
        ready = piped() and select.select([sys.stdin], [], [], 0)[0]
        return bool(ready and sys.stdin.buffer.peek(1))  # type: ignore[union-attr]
    except (OSError, ValueError):  # it is none that can be asked
        return False


def is_file(name: str) -> bool:
    """Whether a file is there that has a name, which may be any text."""
    try:
        return Path(name).is_file()
    except (OSError, ValueError):
        return False


def read_text(name: str) -> str:
    """The text of a file, a sample (`@name`), or standard input (`-`), without a byte order mark."""
    if name.startswith("@"):
        from ..data import shipped  # only where a sample is named

        name = str(shipped.sample(name[1:]))
    if not name:
        raise usage("cannot read a file without a name", "write its name")
    try:
        if name == "-":
            if sys.stdin is None:
                raise usage(
                    "standard input is closed", "give the text in a file, or as the argument"
                )
            data = sys.stdin.buffer.read(4 * MAX_LENGTH + 1)
        else:
            with Path(name).open("rb") as stream:
                data = stream.read(4 * MAX_LENGTH + 1)
    except (OSError, ValueError) as error:  # a name that no file can have is a ValueError
        reason = refusal(error) if isinstance(error, OSError) else "no file has such a name"
        raise usage(f"cannot read {name}: {reason}", "check the name of the file") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        wrong = f"byte {error.start + 1} (line {line}) is 0x{data[error.start]:02x}"
        message = f"{name} is not UTF-8 text: {wrong}"
        raise BackpropError("file", message, hint="save it as UTF-8") from None


class Point:
    """Values by name, and their texts; where each of them stands; those that a file gave, which may
    be unused.
    """

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.written: dict[str, str] = {}
        self.places: dict[str, tuple[Source | None, tuple[int, int] | None]] = {}
        self.from_file: set[str] = set()

    def give(
        self,
        name: str,
        value: float | Array,
        source: Source | None = None,
        span: tuple[int, int] | None = None,
    ) -> None:
        """Add a value. Raises BackpropError when the name has one already."""
        name = plain_name(name)
        if name in self.values:
            message = f"{shorten(name)} is given twice"
            hint = "give each name one value"
            raise BackpropError("binding", message, span, hint=hint, source=source)
        self.values[name] = value
        self.places[name] = source, span


def read_point(bindings: list[str]) -> Point:
    """The point of all `--at` options, which may mix.

    Each is `x=1,y=pi/4`, `@point.json`, `@-`, or the JSON itself.
    """
    point = Point()
    for text in bindings:
        if text.startswith("@"):
            from ..data import shipped  # only where a file is named

            name = text[1:]
            read_object(
                read_text(shipped.file_of_point(name)),
                "standard input" if name == "-" else name,
                point,
            )
        elif text.lstrip().startswith("{"):
            read_object(text, "--at", point)
        else:
            source = Source(text, "--at", inline=True)
            for start, end in pieces(text):
                read_binding(source, start, end, point)
    return point


def pieces(text: str) -> Iterator[tuple[int, int]]:
    """The spans of the bindings in a text.

    What stands between them is outside of brackets: a comma, or a blank or a semicolon where
    `name=` follows.
    """
    depth = start = 0
    for match in BETWEEN.finditer(text):
        c = match[0]
        depth += (c in "([{") - (c in ")]}")
        if depth <= 0 and c not in "()[]{}" and (c == "," or text[start : match.start()].strip()):
            yield start, match.start()
            start = match.end()
    yield start, len(text)


def read_binding(source: Source, start: int, end: int, point: Point) -> None:
    """Read one `name=value` of a point."""
    text = source.text[start:end]
    head = BINDING.match(text)
    if not head:
        message = "a point is written name=value" if text.strip() else "a value is missing here"
        decimal = re.fullmatch(r"[0-9]+", text.strip()) is not None and start > 0
        hint = "write decimals with a point: x=3.14" if decimal else "for example --at x=-2,y=pi/4"
        if text == "-":
            hint = "write --at @- for standard input"
        span = (start, max(end, start + 1))
        raise BackpropError("binding", message, span, hint=hint, source=source)
    name = head.group(1)
    value: float | Array
    if text[head.end() : head.end() + 1] == "[":
        value = array_of(source, start + head.end(), end, name)
    else:
        value = constant(source, start + head.end(), end, name)
    point.give(name, value, source, (start + head.start(1), start + head.end(1)))
    point.written[name] = text[head.end() :].strip()


def constant(source: Source, start: int, end: int, name: str) -> float:
    """The value of a constant expression within a text.

    Raises BackpropError of kind binding unless it is a finite number.
    """
    text = source.text[start:end]
    bare = text.strip()
    begin = start + len(text) - len(text.lstrip())
    span = (begin, max(begin + len(bare), begin + 1))

    def refuse(message: str, hint: str) -> BackpropError:
        return BackpropError("binding", message, span, hint=hint, source=source)

    if not bare:
        raise refuse(f"{shorten(name)} has no value", f"write {shorten(name)}=1")
    if DECIMAL.match(bare):
        value = literal(bare)
        if abs(value) != float("inf") and not vanished(bare):
            return value
    if re.match(INFINITE, bare, re.IGNORECASE):
        raise refuse(f"{shorten(name)} is not finite", "every value of a point is a finite number")
    try:
        graph = parse(text, name=source.name)
        if graph.variables:
            variable = next(iter(graph.variables))
            at = graph.spans[graph.variables[variable]]
            wrong = f"{shorten(variable)} has no value here"
            message = f"the value of {shorten(name)} is not a number: {wrong}"
            hint = "a point takes numbers and constants such as pi/4, sqrt(2), 1/3"
            raise BackpropError("binding", message, at, hint=hint, source=graph.source)
        exact = quotient(graph)
        if exact is not None and (not exact or 2.0**-1000 < abs(exact) < 2.0**1000):
            return nearest(exact.numerator, exact.denominator)
        number = evaluate(graph, {}).value
    except BackpropError as error:
        moved = None
        if error.span is not None:
            moved = error.span[0] + start, error.span[1] + start
        raise error.replace(kind="binding", span=moved, source=source, node=None) from None
    result = as_float(number)
    assert result is not None
    if not result and isinstance(number, Wide):
        message = f"{shorten(bare)} is too small a number: it is {brief(number)}"
        raise refuse(message, "the smallest above 0 is 5e-324")
    return result


def array_of(source: Source, start: int, end: int, name: str) -> Array:
    """An array of constant expressions within a text: [1, pi/4], [1,2;3,4], [[1, 2], [3, 4]].

    Raises BackpropError of kind binding where it is none.
    """
    text = source.text[start:end]
    try:
        graph = parse(text, name=source.name)
        shape = graph.written.get(graph.output)
        if graph.operations[graph.output].name != "array" or shape is None:
            hint = "write the numbers of an array: [1, 2], or [[1, 2], [3, 4]]"
            message = f"the value of {shorten(name)} is no array of numbers"
            raise BackpropError("binding", message, (0, len(text.rstrip())), hint=hint)
    except BackpropError as error:
        moved = error.span and (error.span[0] + start, error.span[1] + start)
        raise error.replace(kind="binding", span=moved, source=source, node=None) from None
    spans = [graph.spans[node] for node in graph.operands[graph.output]]
    numbers = [constant(source, start + first, start + last, name) for first, last in spans]
    return Array(shape, tuple(numbers))


def read_object(text: str, shown: str, point: Point) -> None:
    """Read a JSON object of numbers, or the point of one of the tool's own documents.

    shown: what the text is called.
    """
    hint = 'it should hold an object of numbers, such as {"x": -2, "y": 5}'
    if shown == "--at":  # of which a shell may have taken the quotes
        hint = """write --at x=-2,y=5, or JSON in quotes: --at '{"x": -2, "y": 5}'"""

    def refuse(message: str) -> BackpropError:
        return BackpropError("binding", f"{shown} {message}", hint=hint)

    def no_constant(word: str) -> Any:
        raise refuse(f"holds {word}, which is not a finite number")

    def in_range(text: str) -> float:
        if vanished(text):
            raise refuse(f"holds {shorten(text)}, which is too small a number")
        return literal(text)

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) < len(pairs):
            names = [key for key, _ in pairs]
            twice = next(key for key in names if names.count(key) > 1)
            raise refuse(f"gives {shorten(twice)} twice")
        return values

    try:
        document = json.loads(
            text, parse_float=in_range, parse_constant=no_constant, object_pairs_hook=unique
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        message = "is empty" if not text.strip() else f"is not JSON at {where}: {error.msg.lower()}"
        raise refuse(message) from None
    except (RecursionError, ValueError):
        raise refuse("holds a JSON value that is too deep or too long") from None
    if isinstance(document, dict) and (
        str(document.get("format", "")).startswith("backprop-")
        or isinstance(document.get("at"), dict)
    ):  # a document of this tool, or a line of `step --stream`
        exact = document.get("exact")
        document = document.get("at")
        if isinstance(document, dict) and isinstance(exact, dict):
            document |= {
                name: written(text)
                for name, text in exact.items()
                if name in document
                and isinstance(text, str)
                and (DECIMAL.match(text) or re.match(QUOTIENT, text, re.ASCII))
            }
    if not isinstance(document, dict):
        raise refuse("does not hold an object")
    for key, value in document.items():
        if isinstance(value, list):
            point.give(key, array_given(value, f"the value of {shorten(key)}"))
            point.from_file.add(plain_name(key))
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise refuse(f"gives {shorten(key)} a value that is not a number")
        try:
            number = nearest(value) if isinstance(value, int) else value
        except OverflowError:
            number = float("inf")
        if abs(number) == float("inf"):
            raise refuse(f"gives {shorten(key)} a number beyond the largest, 1.79769e+308")
        point.give(key, number)
        point.from_file.add(plain_name(key))


def array_given(value: Any, what: str) -> Array:
    """An array of a JSON document."""
    from backprop_grammar.arrays.point import array  # which numbers alone do not need

    return array(value, what)


def written(text: str) -> float:
    """A number that a document of this tool holds as text: a decimal, or a quotient such as 1/3."""
    above, _, below = text.partition("/")
    return nearest(int(above), int(below)) if below else literal(text)


def fit(graph: Graph, point: Point) -> tuple[dict[str, Any], list[Note]]:
    """The values of a program's variables, and notes on what was left aside.

    Raises BackpropError for a name that the program does not have, unless a file gave it.
    """
    at: dict[str, Any] = {**graph.inputs, **graph.array_inputs}
    unused, unknown = list[str](), list[str]()
    for name, value in point.values.items():
        if name in graph.variables:
            at[name] = value
        elif name in point.from_file:
            unused.append(name)
        else:
            unknown.append(name)
    if unknown:
        source, span = point.places[unknown[0]]
        error = unknown_names(graph, unknown, point.values)
        raise error.replace(source=source, span=span)
    notes = []
    if unused:
        names = few(unused, 8)
        message = f"the program does not use {names} of the point, left aside"
        notes.append(Note("unused", unused[0], message))
    return at, notes
