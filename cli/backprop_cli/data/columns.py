"""Which variables of a program are columns of its points, and which results become columns."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from backprop_grammar.errors import BackpropError, few, shorten, suggestion, usage, visible
from backprop_grammar.language.parser import plain_name
from backprop_grammar.library import Program
from backprop_grammar.operations.shape import Shape

from .jobs import STATUS
from .sources import Points

__all__ = [
    "COUNTS",
    "NUMBERS",
    "Feed",
    "Style",
    "added",
    "called",
    "columns_hint",
    "neither",
    "one_name",
    "read_renames",
    "varying",
]

COUNTS = ("rows", "failed")
"""The columns that --reduce adds to the sums."""

NUMBERS = ("Int", "UInt", "Float", "Decimal", "String", "Null")
"""How the types of columns begin that hold numbers, or texts that may be some."""


Style = Callable[[str, tuple[int, ...]], str]
"""What the columns of an array's elements are called, by its name and their places."""


@dataclass(frozen=True, slots=True)
class Feed:
    """Which inputs are columns of points.

    columns: input -> its column. The rest is of a program over arrays, where columns has each
    element, and its column or its part of a column of lists (see ``io.part``). shapes: of the
    inputs. lists: columns of lists -> the shapes in them. labels: columns of labels -> how many
    classes they name; they are fed as a vector with a 1 for the class. styles: of the arrays, what their
    columns are called; None of lists.
    """

    columns: dict[str, str] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)
    lists: dict[str, Shape] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)
    styles: dict[str, Style | None] = field(default_factory=dict)

    @property
    def inputs(self) -> dict[str, Shape] | tuple[str, ...]:
        """The inputs that are columns, over arrays with their shapes."""
        return self.shapes or tuple(self.columns)


def read_renames(texts: Iterable[str]) -> dict[str, str]:
    """The variables that options such as `sepal length (cm)=sl` name -> their columns.

    Raises BackpropError for a text that is none, and for a column or a name that is there twice.
    """
    columns = dict[str, str]()
    for text in texts:
        column, _, name = text.rpartition("=")
        name = plain_name(name.strip())
        if not column.strip() or not name.isidentifier():
            message = f"--rename {shorten(visible(text)) or 'nothing'} is no COLUMN=NAME"
            raise usage(message, 'write --rename "sepal length (cm)=sl"')
        if column in columns.values() or name in columns:
            twice = column if column in columns.values() else name
            raise usage(f"--rename has {shorten(visible(twice))} twice", "rename each column once")
        columns[name] = column
    return columns


def column_of(one: Points, text: str) -> str:
    """The column of a file that a text names: `theta` names the column θ, too.

    Raises BackpropError where there is none, or more than one.
    """
    if text in one.columns:
        return text
    plain = plain_name(text.strip())
    found = [column for column in one.columns if plain_name(column.strip()) == plain]
    if len(found) > 1:
        raise one_name(one, found, plain)
    if not found:
        hint = suggestion(text, one.columns, columns_hint(one))
        raise usage(f"{one.name} has no column {shorten(visible(text))}", hint)
    return found[0]


def one_name(one: Points, columns: Sequence[str], name: str) -> BackpropError:
    """The error for columns that programs cannot tell apart."""
    listed = " and ".join(shorten(visible(column)) for column in columns)
    message = f"the columns {listed} of {one.name} are one name here: {name}"
    return usage(message, f'call one something else: --rename "{shorten(visible(columns[0]))}=..."')


def called(one: Points, renamed: Mapping[str, str]) -> dict[str, str]:
    """The columns of a file: name in a program -> name in the file.

    Raises BackpropError where a column is not there, or would get the name of another one.
    """
    names = {column_of(one, column): name for name, column in renamed.items() if one.columns}
    result = {plain_name(column): column for column in one.columns if column not in names}
    for column, name in names.items():
        if name in result:
            message = f"{one.name} has a column {shorten(visible(result[name]))} already"
            raise usage(message, f"rename {shorten(visible(column))} to something else")
    return result | {name: column for column, name in names.items()}


def columns_hint(one: Points) -> str:
    """The columns that a file has, and what splits them if they are not split."""
    if not one.columns:
        return f"{one.name} has no columns"
    hint = f"the columns of {one.name} are {few(map(visible, one.columns))}"
    others = (c for c in ",;|" if c != one.separator)
    split = next((c for c in others for name in one.columns if c in name), "")
    if len(one.columns) == 1 and one.form == "csv" and split:
        return f'{hint}; --separator "{split}" splits them'
    if len(one.columns) == 1 and one.form == "csv" and "\t" in next(iter(one.columns)):
        return f"{hint}; --from tsv splits them"
    return hint


def varying(
    program: Program,
    at: dict[str, float],
    output: str,
    files: Sequence[Points],
    renamed: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """The variables that are columns -> those columns. renamed: columns that have other names.

    Raises BackpropError for those that are neither columns nor have a value, and for one that is
    a column and has a value.
    """
    inputs, needed = program.inputs, dict.fromkeys(program.needed(output))
    first = called(files[0], renamed)
    columns = {name: first[name] for name in needed if name in first}
    for one in files:
        here = called(one, renamed)
        empty = one.form == "jsonl" and not one.columns  # not a line
        others = {here.get(name) for name in renamed}
        missing = []
        for name, value in inputs.items():
            same = [c for c in one.columns if plain_name(c) == name and c not in others]
            if len(same) > 1:
                raise one_name(one, same, name)
            if name in columns and here.get(name, columns[name]) != columns[name]:
                message = (
                    f"the column {shorten(columns[name])} is {shorten(here[name])} in {one.name}"
                )
                raise usage(message, "call it the same in all files")
            if name in here and name in at and at[name] != value:
                raise usage(
                    f"{shorten(name)} is a column and given by --at", "leave one of them out"
                )
            expected = name in needed and (name in columns or name not in at)
            if expected and name not in here and not empty:
                missing.append(name)
            kind = one.columns.get(here.get(name, ""), "")
            if name in columns and kind and not kind.startswith(NUMBERS):
                message = (
                    f"the column {shorten(columns[name])} of {one.name} holds {kind}, not numbers"
                )
                raise usage(message, "convert it first")
        if missing:
            raise neither(missing, one, renamed)
        if empty:
            columns = columns or {
                name: renamed.get(name, name) for name in needed if name not in at
            }
        if not columns:
            message = "no variable of the program is a column"
            raise BackpropError("binding", message, hint=columns_hint(one))
    return columns


def neither(missing: Sequence[str], one: Points, renamed: Mapping[str, str]) -> BackpropError:
    """The error for variables that have no column and no value."""
    hint = columns_hint(one)
    odd = [name for name in one.columns if not name.isidentifier() and name not in renamed.values()]
    if odd and "splits them" not in hint:
        hint += f'; --rename "{shorten(visible(odd[0]))}={missing[0]}" names one'
    what = "is neither a column" if len(missing) == 1 else "are neither columns"
    message = f"{few(missing)} {what} nor given by --at"
    return BackpropError("binding", message, hint=hint, missing=tuple(missing))


def added(labels: Sequence[str], columns: str, reduced: bool) -> dict[str, str]:
    """The results that become columns -> the names of those.

    labels: of the gradients. columns: what --columns says; all of them when empty. reduced:
    whether they are sums, which have no status.

    Raises BackpropError for what is no result, and for names that clash.
    """
    known = ["value", *(f"d_{label}" for label in labels), *([] if reduced else [STATUS])]
    if not columns:
        return {name: name for name in known}
    result = dict[str, str]()
    for text in columns.split(","):
        name, equals, new = (part.strip() for part in text.partition("="))
        name, new = plain_name(name), new if equals else name
        if name not in known:
            hint = suggestion(name, known, f"what is added is {few(known)}")
            raise usage(f"--columns: nothing is called {shorten(name) or 'nothing'}", hint)
        if reduced and new in COUNTS:
            raise usage(f"--columns: {new} is a column of --reduce itself", "choose another name")
        if name in result or not new or new in result.values():
            wrong = "is there twice" if new else "has no name"
            raise usage(f"--columns: {shorten(new or name)} {wrong}", "name each column once")
        result[name] = new
    return result
