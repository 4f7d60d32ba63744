"""Words that are no command and no option, and what was meant by them.

None of it is looked at on the way of a good command line.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

from backprop_grammar.errors import BackpropError, nearest, shorten, usage, visible

from .. import formats
from ..data.io import FORMATS as TABLES
from ..data.shipped import topic_of

__all__ = [
    "check_command",
    "check_tool_option",
    "is_function",
    "misplaced",
    "no_such_option",
    "way_out",
]

OTHER_COMMANDS = {
    "eval": "evaluate calc calculate compute run forward backward backprop value solve",
    "graph": "plot draw show picture diagram view render visualize visualise",
    "explain": "tell describe why",
    "derive": "grad gradient gradients diff differentiate derivative jacobian hessian symbolic",
    "check": "verify test gradcheck compare validate",
    "step": "fit train learn minimize minimise maximize maximise optimize optimise descend sgd adam",
    "map": "apply batch vmap",
    "quiz": "sheet sheets worksheet exercise exercises homework exam",
    "grade": "mark marks score",
    "functions": "ops operations operators funcs list",
    "--version": "version",
}
"""What other tools call what a command of this one does."""

OTHER_OPTIONS = {
    "--at": "with point values value vars set let subs inputs input params x0 feed",
    "--wrt": "by variables respect-to argnums grad",
    "--rate": "lr learning-rate eta alpha step-size stepsize",
    "--steps": "epochs iterations iters iter max-iter n-iter num-steps n-steps",
    "--method": "optimizer optimiser optim algorithm",
    "--up": "maximize maximise ascend ascent",
    "--digits": "decimals round prec sig-figs sigfigs significant",
    "--precision": "dps mp",
    "--upstream": "cotangent grad-output grad-outputs seed-gradient",
    "--claim": "answer expect expected claims",
    "--points": "data dataset table",
    "--separator": "sep delimiter delim",
    "--save": "out outfile save-as o",
    "--all": "verbose full",
    "--quiet": "silent brief",
    "--hessian": "hess second-order",
}
"""What other tools call what an option of this one does."""

PROGRAM_WORDS = "program formula expression expr function code"
"""What other tools call the option that gives the program."""


def one_edit(word: str, known: str) -> bool:
    """Whether a letter more, less or another, or two that are swapped, make one of the other."""
    same = (k for k, (a, b) in enumerate(zip(word, known, strict=False)) if a != b)
    start = next(same, min(len(word), len(known)))
    a, b = word[start:], known[start:]
    swapped = a[:2] == b[:2][::-1] and a[2:] == b[2:]
    return swapped or a[1:] == b[1:] or a[1:] == b or a == b[1:]


def close(word: str, known: Iterable[str]) -> str:
    """The known word within an edit, whatever its capitals; else an empty string."""
    return next((name for name in known if one_edit(word.lower(), name)), "")


def is_function(name: str) -> bool:
    """Whether programs may call a function of that name, also by a name of another language."""
    from backprop_grammar.operations.makers import ELSEWHERE, MAKERS
    from backprop_grammar.operations.structural import STRUCTURAL
    from backprop_grammar.operations.table import ALIASES, FUNCTIONS

    return any(name in known for known in (FUNCTIONS, ALIASES, STRUCTURAL, MAKERS, ELSEWHERE))


def check_command(word: str, following: str, commands: Mapping[str, str]) -> None:
    """Raise BackpropError where a name in a command's place is none, and no formula.

    following: the argument after it, unless that is an option or of a point. commands: the names of
    those that there are, and what their help says.
    """
    formula = "" if following else f" (the formula is written -- {shorten(word)})"
    other = next(
        (own for own, words in OTHER_COMMANDS.items() if word.lower() in words.split()), ""
    )
    if other:
        what = commands.get(other, "").rstrip(".")
        about = f", to {what[0].lower()}{what[1:]}" if what else ""
        raise usage(f"there is no command {word}", f"write backprop {other}{about}{formula}")
    command = any(c.isalnum() for c in following)
    if command and is_function(word):
        hint = f"`backprop functions {word}` shows the function; a formula with blanks stands in quotes"
        raise usage(f"there is no command {word}", hint)
    if command and (topic := topic_of(word)):
        raise usage(
            f"there is no command {word}", f"`backprop help {topic}` is about that{formula}"
        )
    meant = close(word, commands) or (command and nearest(word, commands))
    if meant:
        hint = f"did you mean backprop {meant}?{formula}"
        raise usage(f"there is no command {shorten(word)}", hint)
    if command:
        hint = f"the commands are {', '.join(commands)}; a formula with blanks stands in quotes"
        raise usage(f"there is no command {shorten(word)}", hint)


def check_tool_option(word: str, known: Iterable[str]) -> None:
    """Raise BackpropError where an option without a command is mistyped."""
    meant = close(word, known)
    if meant:
        raise usage(f"no such option: {shorten(word)}", f"did you mean {meant}?")


def no_such_option(word: str, command: Any, others: Iterable[Any] = ()) -> BackpropError:
    """The error for an argument that looks like an option and is none of a command's.

    others: the commands of the tool.
    """
    name = word.split("=", 1)[0]
    bare = name.strip("-")
    hint = f"backprop {command.name} --help shows how"
    if bare.isidentifier() and (len(bare) < 3 or "=" in word):
        hint = f"a value of the point is written {shorten(bare)}=3, and the options are in --help"
    hint = way_out(name, command, others) or hint
    return usage(f"no such option: {shorten(visible(name))}", hint)


def options_of(command: Any) -> list[str]:
    return ["--help", *(option for parameter in command.params for option in parameter.opts)]


def way_out(name: str, command: Any, others: Iterable[Any]) -> str:
    """What was meant by an option that a command does not have; empty where nobody knows.

    name: as it was typed, such as `--lr`, `-at` or `--svg`.
    """
    own = options_of(command)
    bare = name.lstrip("-–—")
    if f"--{bare}" in own:
        formula = f" (the formula is written -- {name})" if name.startswith("-") else ""
        return f"did you mean --{bare}?{formula}"
    meant = close(name, own) if len(name) > 2 else ""
    if meant:
        return f"did you mean {meant}?"
    words = bare.lower()
    if words in PROGRAM_WORDS.split() and "--file" in own:
        return f'the program is the first argument: backprop {command.name} "x*y" x=3 y=4'
    meant = next((opt for opt, known in OTHER_OPTIONS.items() if words in known.split()), "")
    if meant in own:
        return f"{name} is called {meant} here"
    if bare in ("format", "to") and "--json" in own:
        return f"write --json; {elsewhere(name, others)}".removesuffix("; ")
    found = format_way_out(words, str(command.name))
    if not found and (near := nearest(name, own)):
        found = f"did you mean {near}?"
    return found or elsewhere(meant or name, others)


def format_way_out(word: str, command: str) -> str:
    """How a format is asked for whose name, or suffix, was written as an option."""
    if (word, command) == ("json", "schema"):
        return "leave it out: what it prints is JSON"
    word = {"pytorch": "torch", "tex": "latex"}.get(word, word)
    rows = [
        row
        for row in formats.FORMATS
        if word in (row.name, row.suffix[1:])
        and row.name not in ("table", "terminal")
        and (row.command != "grade" or command == "grade")  # whose marks no other command has
    ]
    for row in sorted(rows, key=lambda row: row.command != command):
        ways = [] if row.binary else [f"--format {row.name}"]
        if row.command in ("eval", "check", "step"):
            ways = ["--json"]
        elif row.suffix:
            picture = row.command == "graph" or row.suffix in (".svg", ".png")
            ways.insert(0, f"-o {'picture' if picture else 'file'}{row.suffix}")
        if row.command == command:
            return f"write {' or '.join(ways)}"
        if command != "map":
            return f"backprop {row.command} has it: {' or '.join(ways)}"
    word = "jsonl" if word == "json" else word
    if word not in TABLES:
        return ""
    return f"write --to {word}" if command == "map" else f"backprop map has it: --to {word}"


PAIR = r"([^\W\d]\w*)\s*(?::=|==|=|:|->)\s*([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)"
"""A name and its value as they may be written elsewhere."""


def misplaced(
    arg: str,
    free: list[str],
    point: list[str],
    command: Any,
    filed: bool,
    commands: Iterable[str] = (),
) -> BackpropError:
    """The error for an argument after the program that is of no point.

    free: what is no option, the program first; point: of those, what is of a point. filed: there
    is a --file. commands: the names of those of the tool.
    """
    shown, first = shorten(visible(arg)), shorten(visible(free[0]))
    message = f"{shown} is no name=value of a point"
    suffix = PurePath(arg).suffix.lower()
    saved = any(row.command == command.name and row.suffix == suffix for row in formats.FORMATS)
    other = [text for text in free if text not in point]
    hint = f'a program with blanks stands in quotes: "{shorten(visible(" ".join(other)), 80)}"'
    if arg in commands and not filed:
        hint = f"the command comes first: backprop {arg}"
    elif arg.lower() in ("?", "/?", "/h", "/help"):
        hint = f"backprop {command.name} --help shows how"
    elif free[0].startswith("'"):
        hint = f'this shell takes double quotes: "{shorten(visible(" ".join(other)).strip(chr(39)), 80)}"'
    elif "=" in free:
        hint = "write x=3, without blanks around ="
    elif f"--{arg}" in options_of(command):
        hint = f"did you mean --{arg}?"
    elif suffix == ".json":
        hint = f"write @{shown} for the point of a file"
    elif suffix and saved:
        hint = f"write -o {shown} for a file"
    elif suffix in TABLES.values():
        hint = f"backprop map {first} {shown} takes the rows of a table"
    elif re.fullmatch(r"[-+]?[0-9.]+", arg):
        hint = f"give it a name: x={shown}"
    elif re.fullmatch(rf"\(?{PAIR}(?:[,;]\s*{PAIR})*\)?", arg):
        hint = f"write {','.join(map('='.join, re.findall(PAIR, arg)))}"
    elif filed:
        message, hint = f"{message}, and --file gives the program", "give one of them"
    elif free[0] in point:
        message = f"{message}, and the program is {first}"
        hint = f'the program comes first: "{shown}" {first}'
    elif arg.isidentifier() and len(other) == 2:
        hint = f"a value is written {shown}=3; {hint}"
    return usage(message, hint)


def elsewhere(option: str, commands: Iterable[Any]) -> str:
    """Which commands have an option."""
    having = [str(one.name) for one in commands if option in options_of(one)]
    return f"{option} is an option of backprop {', '.join(having)}" if having else ""
