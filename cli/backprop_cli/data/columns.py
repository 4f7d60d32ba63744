"""Which variables of a program are columns of its points, and which results become columns."""

from collections.abc import Sequence

from backprop_grammar.errors import BackpropError, few, shorten, suggestion, usage
from backprop_grammar.library import Program

from .jobs import STATUS
from .sources import Points

__all__ = ["COUNTS", "added", "varying"]

COUNTS = ("rows", "failed")
"""The columns that --reduce adds to the sums."""

NUMBERS = ("Int", "UInt", "Float", "Decimal", "String", "Null")
"""How the types of columns begin that hold numbers, or texts that may be some."""


def varying(
    program: Program, at: dict[str, float], output: str, files: Sequence[Points]
) -> tuple[str, ...]:
    """The variables that are columns.

    Raises BackpropError for one that is neither a column nor has a value, or has both.
    """
    inputs, needed = program.inputs, dict.fromkeys(program.needed(output))
    columns = [name for name in needed if name in files[0].columns]
    for one in files:
        hint = f"{one.name} has no columns"
        if one.columns:
            hint = f"the columns of {one.name} are {few(one.columns)}"
        empty = one.form == "jsonl" and not one.columns  # not a line
        for name, value in inputs.items():
            if name in one.columns and name in at and at[name] != value:
                raise usage(
                    f"{shorten(name)} is a column and given by --at", "leave one of them out"
                )
            expected = name in needed and (name in columns or name not in at)
            if expected and name not in one.columns and not empty:
                message = f"{shorten(name)} is neither a column nor given by --at"
                raise BackpropError("binding", message, hint=hint)
            kind = one.columns.get(name, "")
            if name in columns and kind and not kind.startswith(NUMBERS):
                message = f"the column {shorten(name)} of {one.name} holds {kind}, not numbers"
                raise usage(message, "convert it first")
        if empty:
            columns = columns or [name for name in needed if name not in at]
        if not columns:
            raise BackpropError("binding", "no variable of the program is a column", hint=hint)
    return tuple(columns)


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
        new = new if equals else name
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
