"""Errors on standard error, as text or JSON, with the way out in options of the command line."""

import errno
import json
import os
import sys

from backprop_grammar.errors import BackpropError, cut, position, shorten, visible

__all__ = ["WAYS_OUT", "as_json", "as_text", "refusal", "say", "show", "way_out"]

WAYS_OUT = {
    "absent": "leave the option out",
    "arrays": "`backprop eval PROGRAM --expand all --get program` writes it over the elements, which are numbers",
    "array output": '{hint}: --upstream "[...]", or --upstream ones',
    "matrix output": '{hint}: --upstream "[...;...]", or --upstream ones',
    "arriving": "write --upstream up",
    "at sign": "the point goes into --at, not into the program",
    "branch": "choose another --output",
    "claimed": "write --claim x=-0.25",
    "column": "name inputs that --at or the program gives a value",
    "columns": "give the inputs to step with --at w=0",
    "declared": "give {them} with --at {point}, or random numbers with --random 1{or_meant}",
    "function": "{hint}; `backprop functions` lists the functions",
    "inside": "write --expand {meant}",
    "no quiz": "write one with: backprop quiz PROGRAM -o quiz.json",
    "nowhere": "give one, --at x=1, or ranges, --over x=1:2",
    "one sheet": "choose it with --variant, or write -o quiz.html",
    "scalars only": "{hint}, or --expand all for scalar code",
    "orders": "{hint}: --expand all --order 3",
    "picture": "--format dot draws it with Graphviz: backprop graph ... --format dot | dot -Tsvg",
    "new name": "{hint}, as in --hvp x=d, --jvp x=d or --upstream dout",
    "second": "{hint}: --hvp, --hessian --at ...",
    "rate": "turn around with --up",
    "unbound": "give {them} with --at {point}{or_meant}",
    "undifferentiated": "leave out --wrt, or name it there",
    "upstream": "{hint}; or give ones",
    "unranged": "give {them} with --over {box}",
}
"""The reason of an error -> its way out, as a template over what the error knows."""

REFUSALS = {
    errno.ENOENT: "there is no such file or folder",
    errno.EISDIR: "it is a folder",
    errno.ENOTDIR: "a part of its path is no folder",
    errno.EACCES: "permission is denied",
    errno.EPERM: "permission is denied",
    errno.ENAMETOOLONG: "its name is too long",
    errno.ELOOP: "its links lead round in a circle",
    errno.ENOSPC: "there is no space left on the disk",
    errno.EROFS: "it is on a read-only disk",
    errno.EDQUOT: "the quota of the disk is used up",
    errno.EFBIG: "it would be larger than files may be",
    errno.EIO: "the device failed",
    errno.EMFILE: "too many files are open",
    errno.ENFILE: "too many files are open",
    errno.ENOMEM: "there is not enough memory",
    errno.EBUSY: "something else uses it",
    errno.ETXTBSY: "something else uses it",
    errno.ENXIO: "there is no such device",
    errno.ENODEV: "there is no such device",
    errno.EINVAL: "this cannot be done with it",
    errno.EOPNOTSUPP: "this cannot be done with it",
    errno.EBADF: "it is closed",
    errno.EEXIST: "it is there already",
    errno.ESTALE: "its folder is gone",
    errno.ECONNREFUSED: "nothing answers there",
    errno.EHOSTUNREACH: "nothing answers there",
    errno.ETIMEDOUT: "nothing answers there",
}
"""The number of a system's error -> what it means."""

STYLES = {"first": "bold red", "place": "dim", "caret": "red", "label": "red", "hint": "cyan"}
"""The style of each kind of line of an error."""

MARKS = ("caret", "label")
"""Kinds of lines that are coloured from their margin on."""
FEW = 8
"""Variables without a value that are spelled out."""


def refusal(error: OSError) -> str:
    """Why the system refused, in our words."""
    number = error.errno
    what = f"the system refuses it with error {number}" if number else "the system refuses it"
    return REFUSALS.get(number or 0, what)


def way_out(error: BackpropError) -> str:
    """What to do about an error at the command line."""
    template = WAYS_OUT.get(error.reason)
    if template is None:
        return error.hint
    return template.format(
        hint=error.hint,
        meant=error.meant,
        or_meant=f" (or did you mean {shorten(error.meant)}?)" if error.meant else "",
        them="it" if len(error.missing) == 1 else "them",
        point=",".join(f"{shorten(name)}=..." for name in error.missing[:FEW]),
        box=",".join(f"{name}=-2:2" for name in error.missing),
    )


def as_text(error: BackpropError) -> str:
    """The error as one paragraph: message, source line with a caret, label, way out."""
    return f"error: {error.replace(hint=way_out(error))}"


def show(error: BackpropError) -> None:
    """Print the error on standard error: on a terminal coloured, and no line of source broken."""
    if not coloured():
        print(as_text(error), file=sys.stderr, flush=True)
        return
    from rich.text import Text  # which only a terminal needs

    from .terminal import console

    screen = console(sys.stderr)
    error = error.replace(hint=way_out(error))
    first = ("first", "error: ")
    for kind, text in [first, *error.lines(screen.width)]:
        line = Text(text)
        line.stylize(STYLES.get(kind, ""), text.find("| ") + 2 if kind in MARKS else 0)
        screen.print(line, end="" if kind == "first" else "\n", crop=False, overflow="ignore")


def coloured() -> bool:
    """Whether what is said on standard error may have colours; the rest the console decides."""
    return sys.stderr.isatty() or bool(os.environ.get("FORCE_COLOR"))


def as_json(error: BackpropError) -> str:
    """The error's fields as one line of JSON; see `backprop schema error`."""
    fields: dict[str, object] = {
        "format": "backprop-error/1",
        "kind": error.kind,
        "message": cut(error.message),
        "label": cut(error.label),
        "hint": cut(way_out(error)),
    }
    if error.source is not None and error.span is not None:
        line, column = position(error.source, error.span[0])
        fields |= {
            "source": cut(error.source.name),
            "line": line,
            "column": column,
            "start": error.span[0],
            "end": error.span[1],
        }
    return json.dumps(fields, allow_nan=False)


def say(kind: str, message: str) -> None:
    """Say something on standard error; kind: note or flag."""
    print(f"{kind}: {visible(message)}", file=sys.stderr)
