"""How columns of points feed vectors and matrices, and how their gradients become columns.

A vector x is columns x_0, x_1, ..., or x0, x1, ..., or a column of lists; a matrix W is W_0_0, ...
Gradients come back in the same way.
"""

from collections.abc import Mapping, Sequence
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from backprop_grammar.arrays.elements import Label, classes
from backprop_grammar.arrays.lower import element, elements
from backprop_grammar.errors import BackpropError, few, shorten, suggestion, usage, visible
from backprop_grammar.language.graph import Array
from backprop_grammar.language.parser import plain_name
from backprop_grammar.library import Program
from backprop_grammar.operations.shape import Shape, said

from . import io as tables
from .columns import COUNTS, NUMBERS, Feed, Style, called, columns_hint, neither, one_name
from .jobs import STATUS
from .sources import Points

if TYPE_CHECKING:
    from backprop_grammar.batch.over_arrays import EvaluatorOfArrays

__all__ = ["added", "feeding", "shapes_of_columns"]

Place = tuple[int, ...]
MOST = 1_000
"""Columns of one array that are counted."""


def underscored(name: str, place: Place) -> str:
    return "_".join([name, *map(str, place)])


def numbered(name: str, place: Place) -> str:
    return f"{name}{place[0]}" if len(place) == 1 else underscored(name, place)


STYLES: tuple[Style, ...] = (element, underscored, numbered)
"""What the columns of the elements may be called."""


def feeding(
    program: Program,
    at: Mapping[str, Any],
    output: str,
    files: Sequence[Points],
    renamed: Mapping[str, str] = MappingProxyType({}),
) -> Feed:
    """Which columns are which inputs; see ``columns.varying``, whose errors it raises."""
    graph, feed = program.record, Feed()
    own: dict[str, Any] = {**graph.inputs, **graph.array_inputs}
    one, missing = files[0], list[str]()
    first = called(one, renamed)
    empty = one.form == "jsonl" and not one.columns  # not a line
    for name in program.needed(output):
        declared = graph.declared.get(name)
        value = at.get(name)
        shape = value.shape if isinstance(value, Array) else () if name in at else None
        if declared is not None and all(isinstance(n, int) for n in declared):
            shape = tuple([int(n) for n in declared])
        if not feed_one(feed, name, shape, one, first, set(program.inputs), name in at):
            if empty and name not in at:
                give(feed, name, shape or (), underscored, {})
            elif name not in at:
                missing.append(name)
        elif name in at and at[name] != own.get(name):
            raise usage(f"{shorten(name)} is a column and given by --at", "leave one of them out")
    if missing:
        raise lacking(missing, program, one, renamed)
    if not feed.columns:
        message = "no variable of the program is a column"
        raise BackpropError("binding", message, hint=columns_hint(one))
    fixed = {name: value for name, value in at.items() if name not in feed.shapes}
    for name, size in classes(graph, fixed, feed.shapes, output).items():
        column = feed.columns.pop(name)
        give(feed, name, Label((size,)), None, {}, column)
        feed.labels[column] = feed.lists.pop(column)[0]
    for other in files:
        check_file(other, feed, renamed, one)
    return feed


def feed_one(
    feed: Feed,
    name: str,
    shape: Shape | None,
    one: Points,
    first: Mapping[str, str],
    taken: set[str],
    given: bool,
) -> bool:
    """Give an input its columns of a file, where it has some there.

    shape: of the input, if it is known. first: the columns by their names in programs. taken: names
    of inputs. given: whether it has a value otherwise. Raises BackpropError where it has none, and
    only some of its elements are columns.
    """
    column = first.get(name)
    if column is not None and (inner := shape_in(one, column)):
        give(feed, name, shape or inner, None, {}, column)
        return True
    if column is not None and not shape and one.columns[column].startswith(tables.OF_LISTS):
        message = f"the first row of {one.name} does not say the shape of {shorten(name)}"
        raise usage(message, f"declare it in the program, such as {shorten(name)}: 3")
    if column is not None and not shape:
        give(feed, name, (), element, first)
        return True
    best: tuple[int, Style, Shape] = 0, underscored, ()
    for style in STYLES:
        rest = {key: one for key, one in first.items() if key not in taken}
        found = inferred(name, style, rest) if shape is None else shape
        if not found:
            continue
        there = sum(style(name, place) in rest for place in elements(found))
        if there == len(elements(found)):
            give(feed, name, found, style, rest)
            return True
        best = max(best, (there, style, found), key=lambda one: one[0])
    if column is not None and shape:
        give(feed, name, shape, None, {}, column)  # texts such as [1, 2]
        return True
    there, style, found = best
    if there and not given:
        missing = [style(name, k) for k in elements(found) if style(name, k) not in first]
        what = "are no columns" if len(missing) > 1 else "is no column"
        message = f"{few(missing, 8)} {what}, and {shorten(name)} is {said(found)} in every row"
        begins = (
            ""
            if style(name, elements(found)[0]) in first
            else "; elements begin at 0, and --rename names columns"
        )
        raise BackpropError("binding", message, hint=columns_hint(one) + begins)
    return False


def give(
    feed: Feed,
    name: str,
    shape: Shape,
    style: Style | None,
    first: Mapping[str, str],
    column: str = "",
) -> None:
    """Let an input be columns of its elements, or one column of lists."""
    feed.shapes[name] = shape
    if style is None:
        feed.lists[column] = shape
    if shape:
        feed.styles[name] = style
    for k, place in enumerate(elements(shape)):
        if style is None:
            feed.columns[element(name, place)] = tables.part(column, k)
        else:
            spelt = style(name, place)
            feed.columns[element(name, place)] = first.get(spelt, spelt)


def inferred(name: str, style: Style, columns: Mapping[str, str]) -> Shape | None:
    """The shape that columns such as x_0, x_1, x_2 say, or x_0 and x_2, where one is missing; None
    where there are none.
    """
    length = next(k for k in count() if style(name, (k,)) not in columns or k > MOST)
    if length:
        beyond = range(length + len(columns), length, -1)
        return (next((k + 1 for k in beyond if style(name, (k,)) in columns), length),)
    width = next(k for k in count() if style(name, (0, k)) not in columns or k > MOST)
    if not width or style is numbered:
        return None
    rows = next(k for k in count() if style(name, (k, 0)) not in columns or k > MOST)
    return rows, width


def shapes_of_columns(
    program: Program, one: Points, renamed: Mapping[str, str]
) -> dict[str, Shape]:
    """The inputs of a program that are columns of a file, with the shapes that these say."""
    first, result = called(one, renamed), dict[str, Shape]()
    rest = {key: column for key, column in first.items() if key not in program.inputs}
    for name in program.inputs:
        if name in first:
            result[name] = shape_in(one, first[name]) or ()
        elif shape := next(
            (found for style in STYLES if (found := inferred(name, style, rest))), None
        ):
            result[name] = shape
    return result


def shape_in(one: Points, column: str) -> Shape | None:
    """The shape of the lists in a column; None where it holds none. It is that of the first row."""
    if not one.columns.get(column, "").startswith(tables.OF_LISTS):
        return None
    value, shape = tables.first_value(one.path, one.form, one.name, column), list[int]()
    while isinstance(value, list) and value:
        shape.append(len(value))
        value = value[0]
    if len(shape) > 2:
        message = (
            f"the column {shorten(visible(column))} of {one.name} holds lists of lists of lists"
        )
        raise usage(message, "a row has numbers, a vector or a matrix")
    return tuple(shape) or None


def lacking(
    missing: Sequence[str], program: Program, one: Points, renamed: Mapping[str, str]
) -> BackpropError:
    """The error for inputs without a column or a value."""
    error = neither(missing, one, renamed)
    declared = program.record.declared
    name = next((name for name in missing if declared.get(name)), "")
    if not name:
        return error
    ends = [underscored(name, tuple([k] * len(declared[name]))) for k in (0, 1)]
    way = f"{shorten(name)} is columns {', '.join(ends)}, ..., or one of lists"
    return error.replace(hint=f"{way}; {error.hint}")


def check_file(one: Points, feed: Feed, renamed: Mapping[str, str], first: Points) -> None:
    """Raise BackpropError where a file lacks a column, or it holds something else."""
    if one.form == "jsonl" and not one.columns:
        return
    here = called(one, renamed)
    others = {here.get(name) for name in renamed}
    for column in tables.whole_columns(feed.columns.values()):
        same = [c for c in one.columns if plain_name(c) == plain_name(column) and c not in others]
        if len(same) > 1 and column not in others:
            raise one_name(one, same, plain_name(column))
        if column not in one.columns:
            if same:
                message = f"the column {shorten(column)} is {shorten(same[0])} in {one.name}"
                raise usage(message, "call it the same in all files")
            if one.form != "jsonl" or one is not first:
                raise neither([column], one, renamed)
        kind = one.columns.get(column, "")
        right = (*tables.OF_LISTS, "String", "Null") if column in feed.lists else NUMBERS
        if kind and not kind.startswith(right):
            message = f"the column {shorten(column)} of {one.name} holds {kind}, not numbers"
            raise usage(message, "convert it first")


def added(
    kernel: "EvaluatorOfArrays", columns: str, reduced: bool, feed: Feed, lists: bool
) -> tuple[dict[str, str], dict[str, Shape]]:
    """The results that become columns -> the names of those; and of columns of lists the shapes.

    columns, reduced: as in ``columns.added``. lists: whether the format of the output has some.
    Raises BackpropError for what is no result, and for names that clash.
    """
    known: dict[str, tuple[Shape, list[str], list[str]]] = {"value": ((), ["value"], [""])}
    single = dict[str, tuple[Shape, list[str], list[str]]]()
    default = None if feed.lists else underscored
    for name in kernel.names:
        shape, labels = kernel.elements.part(name)
        style = feed.styles.get(name.partition("[")[0], default)
        results = [f"d_{label}" for label in labels]
        if not shape:
            array, _, place = name.rstrip("]").partition("[")
            if place:
                spelt = (style or underscored)(array, tuple(map(int, place.split(","))))
                known[f"d_{spelt}"] = (), results, [""]
            else:
                known[f"d_{name}"] = (), results, [""]
        elif style is None and lists:
            ends = [tables.part("", k) for k in range(len(labels))]
            known[f"d_{name}"] = shape, results, ends
        else:
            style = style or underscored
            ends = [style(name, place).removeprefix(name) for place in elements(shape)]
            known[f"d_{name}"] = (), results, ends
            single |= {f"d_{name}{end}": ((), [one], [""]) for one, end in zip(results, ends, strict=True)}  # fmt: skip
    if not reduced:
        known[STATUS] = (), [STATUS], [""]
    asked = columns.split(",") if columns else list(known)
    result, shapes, new_names = dict[str, str](), dict[str, Shape](), set[str]()
    for text in asked:
        name, equals, new = (part.strip() for part in text.partition("="))
        name, new = plain_name(name), new if equals else name
        if name not in known and name not in single:
            hint = suggestion(name, [*known, *single], f"what is added is {few(known)}")
            raise usage(f"--columns: nothing is called {shorten(name) or 'nothing'}", hint)
        shape, results, ends = known.get(name) or single[name]
        if reduced and new in COUNTS:
            raise usage(f"--columns: {new} is a column of --reduce itself", "choose another name")
        twice = new in new_names or any(one in result for one in results)
        if twice or not new:
            wrong = "is there twice" if new else "has no name"
            raise usage(f"--columns: {shorten(new or name)} {wrong}", "name each column once")
        columns_of_it = [new + end for end in ends]
        new_names.update([new] if shape else columns_of_it)
        result |= zip(results, columns_of_it, strict=True)
        if shape:
            shapes[new] = shape
    return result, shapes
