"""A point: values by name, as they are typed, in a file, or of a document of this tool's.

A value is a program without variables, so the language, its errors and its careful numbers serve
the point as well.
"""

import re
from collections.abc import Iterator
from typing import Any

from backprop_grammar.errors import BackpropError, Source, few, shorten
from backprop_grammar.language.graph import Array, Graph
from backprop_grammar.language.nearest import DECIMAL, literal, nearest, vanished
from backprop_grammar.language.parser import parse, plain_name
from backprop_grammar.numbers.decimal import brief
from backprop_grammar.numbers.interpret import quotient
from backprop_grammar.numbers.wide import Wide, as_float
from backprop_grammar.trace.evaluate import evaluate
from backprop_grammar.trace.point import unknown_names
from backprop_grammar.trace.record import Note

from .documents import document_of, hint_for
from .texts import read_text

__all__ = ["Point", "constant", "fit", "pieces", "read_point", "value_of"]

QUOTIENT = r"-?[0-9]{1,1300}/[1-9][0-9]{0,1300}\Z"
BETWEEN = re.compile(r"(?<![\s;])[\s;]++(?=[^\W\d]\w*\s*=(?!=))|[()\[\]{},]")
INFINITE = r"[+-]?(?:inf|infinity|nan)\Z"
BINDING = re.compile(r"\s*([^\W\d]\w*)\s*=(?!=)\s*")


class Point:
    """Values by name, and their texts; where each of them stands; those that a file gave, which may
    be unused.
    """

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.written: dict[str, str] = {}
        self.places: dict[str, tuple[Source | None, tuple[int, int] | None]] = {}
        self.from_file: set[str] = set()
        self.notes: list[Note] = []  # on what files hold

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


def read_point(bindings: list[str], seed: int = 0) -> Point:
    """The point of all `--at` options, which may mix.

    Each is `x=1,y=pi/4`, `@point.json`, `@-`, or the JSON itself. seed: of random arrays.
    """
    point = Point()
    for text in bindings:
        if text.startswith("@"):
            from ..data import shipped  # only where a file is named

            name = text[1:]
            if name.lower().endswith((".npz", ".npy", ".csv", ".txt")):
                read_arrays(name, point)
                continue
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
                read_binding(source, start, end, point, seed)
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


def read_binding(source: Source, start: int, end: int, point: Point, seed: int) -> None:
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
    if text[head.end() : head.end() + 1] == "@":
        value = from_file(text[head.end() + 1 :].strip(), name, point)
    else:
        value = value_of(source, start + head.end(), end, name, seed)
    point.give(name, value, source, (start + head.start(1), start + head.end(1)))
    point.written[name] = text[head.end() :].strip()


def from_file(file: str, name: str, point: Point) -> float | Array:
    """The array of a file, for one name of a point."""
    from .arrays import read_array  # only where an array is in a file

    value, remarks = read_array(file)
    point.notes += [Note("precision", name, said) for said in remarks]
    return value


def read_arrays(file: str, point: Point) -> None:
    """Read all the arrays of an archive, each by its name.

    Raises BackpropError for a file of one array, which has no name.
    """
    if not file.lower().endswith(".npz"):
        message = f"{shorten(file)} holds one array, which has no name"
        raise BackpropError("binding", message, hint=f"write W=@{file}")
    from .arrays import read_archive  # only where an array is in a file

    found, remarks = read_archive(file)
    point.notes += [Note("precision", "", said) for said in remarks]
    for name, value in found.items():
        point.give(name, value)
        point.from_file.add(plain_name(name))


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


def value_of(source: Source, start: int, end: int, name: str, seed: int = 0) -> float | Array:
    """The value of a constant expression within a text: a number, or an array as it is written.

    An array is [1, pi/4], [1,2;3,4], [[1, 2], [3, 4]], or made, as by 0.1*randn(3, 4); seed: of
    the random ones. Raises BackpropError of kind binding where it is none.
    """
    text = source.text[start:end]
    if not any(sign in text for sign in "[({"):
        return constant(source, start, end, name)
    try:
        graph = parse(text, name=source.name)
        if not graph.arrays:
            return constant(source, start, end, name)
        shape = graph.written.get(graph.output)
        if graph.operations[graph.output].name != "array":
            from backprop_grammar.arrays.constants import constant as made  # not for numbers alone

            return made(graph, name, seed)
    except BackpropError as error:
        if error.source is source:
            raise
        if re.match(r"\s*[({].*,", text, re.DOTALL) and error.kind == "syntax":
            message = "an array is written in square brackets"
            hint = "a vector is [1, 2], a matrix [[1, 2], [3, 4]], or [1,2;3,4]"
            error = error.replace(message=message, hint=hint)
        moved = error.span and (error.span[0] + start, error.span[1] + start)
        raise error.replace(kind="binding", span=moved, source=source, node=None) from None
    assert shape is not None
    spans = [graph.spans[node] for node in graph.operands[graph.output]]
    numbers = [constant(source, start + first, start + last, name) for first, last in spans]
    return Array(shape, tuple(numbers))


def read_object(text: str, shown: str, point: Point) -> None:
    """Read a JSON object of numbers, or the point of one of the tool's own documents.

    shown: what the text is called.
    """
    document = document_of(text, shown)

    def refuse(message: str) -> BackpropError:
        return BackpropError("binding", f"{shown} {message}", hint=hint_for(shown))

    if isinstance(document, dict) and (
        str(document.get("format", "")).startswith("backprop-")
        or isinstance(document.get("at"), dict)
    ):  # a document of this tool, or a line of `step --stream`
        exact = document.get("exact")
        document = document.get("at")
        if isinstance(document, dict) and isinstance(exact, dict):
            document = with_exact(document, exact)
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


def with_exact(values: dict[str, Any], exact: dict[str, Any]) -> dict[str, Any]:
    """Values of a document with the numbers that their floats do not say: of x, or of W[0,1]."""
    for name, text in exact.items():
        if not isinstance(text, str) or not (DECIMAL.match(text) or re.match(QUOTIENT, text, re.ASCII)):  # fmt: skip
            continue
        if name in values:
            values[name] = written(text)
        elif element := re.fullmatch(r"(\w+)\[([0-9]{1,7})(?:,([0-9]{1,7}))?\]", name):
            inner, *places = values.get(element[1]), int(element[2])
            if element[3] and isinstance(inner, list) and places[0] < len(inner):
                inner, places = inner[places[0]], [int(element[3])]
            if isinstance(inner, list) and places[0] < len(inner):
                inner[places[0]] = written(text)
    return values


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
    notes = list(point.notes)
    if unused:
        names = few(unused, 8)
        message = f"the program does not use {names} of the point, left aside"
        notes.append(Note("unused", unused[0], message))
    return at, notes
