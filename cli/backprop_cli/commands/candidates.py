"""What may stand at the end of a command line, for a shell to complete.

A program that is given already is parsed for the names of its nodes. What is wrong in it is no
matter here: then there are no names.
"""

import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from backprop_grammar.errors import BackpropError
from backprop_grammar.views.options import THEMES

from .. import formats
from ..data import io, shipped

__all__ = ["candidates"]

Found = Iterable[tuple[str, str]]
"""Words that may stand, each with a line on what it is, which may be empty."""


class Given(NamedTuple):
    """What stands before: the command, and the words that were given to each of its parameters."""

    command: str
    tool: Any
    words: dict[str, list[str]]


def candidates(tool: Any, line: str, word: str | None = None) -> list[tuple[str, str]]:
    """What may stand at the end of a line that begins with the name of the tool.

    tool: its group of commands. word: the end of the last word where the shell replaces no more
    than that: bash takes a = for the end of a word.
    """
    *before, last = split(line)
    found = completed(tool, before[1:], last)
    cut = len(last) - len(word) if word is not None and last.endswith(word) else 0
    fitting = (one for one in found if one[0].startswith(last) and one[0] != f"{last[:-1]}=")
    return [(value[cut:], text) for value, text in fitting]


def split(line: str) -> list[str]:
    """The words of a line, the last one as far as it goes; empty after a blank."""
    reader = shlex.shlex(line, posix=True)
    reader.whitespace_split = True
    reader.commenters = ""
    words: list[str] = []
    try:
        words.extend(reader)
    except ValueError:  # a quote is still open
        return [*words, reader.token or ""]
    return words if line and not line[-1].isspace() else [*words, ""]


def completed(tool: Any, before: list[str], last: str) -> Found:
    """What may stand after some words, where the last one is written so far."""
    if not before:
        if not last.startswith("-"):
            return [(name, one.help) for name, one in tool.commands.items()]
        shared = tool.commands["eval"].built().params  # a formula alone is evaluated
        return dict([*options(tool.params, set()), *options(shared, set())]).items()
    name = before[0] if before[0] in tool.commands else "eval"
    parameters = tool.commands[name].built().params
    by_option = {option: one for one in parameters for option in one.opts}
    given = Given(name, tool, {})
    arguments = [one for one in parameters if one.param_type_name == "argument"]
    waiting: Any = None
    for word in before[before[0] == name :]:
        head, sign, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if waiting:
            given.words.setdefault(waiting.name, []).append(word)
            waiting = None
        elif head in by_option:
            one = by_option[head]
            given.words.setdefault(one.name, []).extend([value] * bool(sign))
            waiting = None if one.is_flag or sign else one
        elif arguments and "file" not in given.words:
            given.words.setdefault(arguments.pop(0).name, []).append(word)
    head, sign, value = last.partition("=") if last.startswith("--") else ("", "", last)
    if waiting:
        return values(long_name(waiting), given, last)
    if sign and head in by_option:
        return [(f"{head}={one}", text) for one, text in values(head, given, value)]
    if last.startswith("-"):
        return options(parameters, set(given.words))
    if arguments and "file" not in given.words:
        return values(f"{name} {arguments[0].name}", given, last)
    named = {word.partition("=")[0] for word in before}
    return [found for found in values("--at", given, last) if found[0].rstrip("=") not in named]


def long_name(option: Any) -> str:
    """The name of an option in the tables below: --file, also where -f was written."""
    return next((name for name in option.opts if name.startswith("--")), str(option.opts[0]))


def options(parameters: Iterable[Any], used: set[str]) -> Found:
    """The options that may still be given."""
    for one in parameters:
        if (
            one.param_type_name == "option"
            and not one.hidden
            and (one.multiple or one.name not in used)
        ):
            yield from ((option, one.help or "") for option in one.opts if option.startswith("--"))
    yield "--help", "Show this message and exit."


def values(place: str, given: Given, last: str) -> Found:
    """What may stand in a place: for an option, or for an argument of a command."""
    if last.startswith("@"):
        return [(f"@{name}", "") for name in SAMPLES.get(place, list)()]
    if place in LISTED:  # with commas between
        head, comma, _ = last.rpartition(",")
        named = {part.partition("=")[0].strip() for part in head.split(",")}
        listed = LISTED[place](given)
        return [(head + comma + one, "") for one in listed if one.rstrip("=") not in named]
    return VALUES[place](given) if place in VALUES else ()


def program_of(given: Given) -> Any:
    """The program that is given; None where there is none that can be read and parsed."""
    from ..input.request import Request  # loads the language

    text, file = (given.words.get(name, [None])[0] for name in ("program", "file"))
    if "-" in (text, file) or text == file:  # what comes through a pipe is not for us
        return None
    try:
        return Request(text, Path(file) if file else None, None).read(arrays=True)[0].record
    except BackpropError:
        return None


def nodes(given: Given) -> list[str]:
    """The names of the nodes: those of the program first."""
    from backprop_grammar.blocks.names import Names

    graph = program_of(given)
    if graph is None:
        return []
    names = [name for node, name in Names(graph).of.items() if node not in graph.constants]
    return sorted(names, key=lambda name: name not in graph.names.values())


def variables(given: Given) -> list[str]:
    """The variables, each with the sign that a value follows."""
    graph = program_of(given)
    return [] if graph is None else [f"{name}=" for name in graph.variables]


def blocks(given: Given) -> list[str]:
    """What can be opened or folded: functions, nodes, or all."""
    from backprop_grammar.operations.table import FUNCTIONS

    graph = program_of(given)
    own = [] if graph is None else [*graph.functions]
    built_in = [name for name, row in FUNCTIONS.items() if row.formula]
    if graph is not None and graph.arrays:
        from backprop_grammar.operations.structural import STRUCTURAL

        built_in += [name for name, row in STRUCTURAL.items() if row.parts]
    return ["all", *own, *nodes(given), *built_in]


def functions(_given: Given) -> Found:
    from backprop_grammar.operations.makers import MAKERS
    from backprop_grammar.operations.structural import STRUCTURAL
    from backprop_grammar.operations.table import FUNCTIONS

    return [(name, row.doc) for name, row in (STRUCTURAL | MAKERS | FUNCTIONS).items()]


def methods(_given: Given) -> Found:
    from backprop_grammar.descent.optimisers import METHODS

    return [(name, "") for name in METHODS]


def schemas(_given: Given) -> Found:
    from .schema import SCHEMAS

    return [(name, "") for name in SCHEMAS]


def shells(_given: Given) -> Found:
    from ..input.shells import SCRIPTS

    return [(name, "") for name in SCRIPTS]


def of_help(given: Given) -> Found:
    topics = [(name, heading) for name, (_, heading) in shipped.TOPICS.items()]
    return [*((name, one.help) for name, one in given.tool.commands.items()), *topics]


def fixed(*names: str) -> Callable[[Given], Found]:
    """The same words everywhere."""
    return lambda _given: [(name, "") for name in names]


LISTED: dict[str, Callable[[Given], list[str]]] = {
    "--wrt": nodes,
    "--claim": lambda given: [f"{name}=" for name in nodes(given)],
    "--expand": blocks,
    "--fold": blocks,
    "--at": variables,
    "--over": variables,
    "--jvp": variables,
    "--hvp": variables,
}
"""Options that take several words with commas between -> what these may be."""

VALUES: dict[str, Callable[[Given], Found]] = {
    "--output": lambda given: [(name, "") for name in nodes(given)],
    "--node": lambda given: [(name, "") for name in nodes(given)],
    "--why": lambda given: [(name, "") for name in nodes(given)],
    "--theme": fixed(*THEMES),
    "--width": fixed("a4"),
    "--format": lambda given: [
        (row.name, row.doc) for row in formats.formats_of(given.command).values()
    ],
    "--method": methods,
    "--reduce": fixed("mean", "sum"),
    "--init": fixed("normal", "uniform", "xavier", "he", "zeros"),
    "--until": fixed("gradient<1e-6", "change<1e-9", "value<0.01"),
    "--from": fixed(*io.FORMATS),
    "--to": fixed(*io.FORMATS),
    "functions name": functions,
    "schema name": schemas,
    "samples name": lambda _given: [(name, "") for name in shipped.samples()],
    "help name": of_help,
    "completion shell": shells,
}
"""Options, and arguments of commands -> the words that may stand there."""

SAMPLES: dict[str, Callable[[], Iterable[str]]] = {
    "--file": lambda: [name for name, path in shipped.samples().items() if path.suffix == ".bp"],
    "--at": lambda: [name for name in shipped.samples() if shipped.point_of(name)],
    "--points": lambda: [name for name, path in shipped.samples().items() if path.suffix == ".csv"],
    "--data": lambda: [name for name, path in shipped.samples().items() if path.suffix == ".csv"],
}
"""Options that take a sample for a file."""
