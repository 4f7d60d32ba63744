"""Claims: `--claim w0=-0.2`, `W=[[1, 2], [3, 4]]`, `W=@w.npy`, `@mine.npz`, `@mine.json`; formulas,
`x=2*x*y`, and derivations, `dq = z; dx = dq`, `@derivation.txt`.

What is written keeps its digits, and what a program computed its arithmetic.
"""

import json
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from backprop_grammar.errors import BackpropError, few, shorten, usage, visible
from backprop_grammar.language.parser import plain_name

from .point import pieces
from .texts import read_text

__all__ = ["Claims", "read_claims"]

BINDING = re.compile(
    r"\s*((?:values?\.|gradients?\.)?[^\W\d]\w*(?:\.grad)?(?:\s*\[[^\]]*\])?)\s*=(?!=)\s*(.*?)\s*\Z",
    re.DOTALL,
)
SUFFIXES = (".npz", ".npy", ".csv", ".txt")
GROUPS = {
    **dict.fromkeys(("gradient", "gradients", "grad", "grads"), ""),
    **dict.fromkeys(("value", "values"), "value."),
}
"""What a JSON object may hold claims under, and what their names then begin with."""


class Claims(NamedTuple):
    """What is claimed, by name: typed, and of files, which may hold more; remarks on these."""

    typed: dict[str, Any]
    filed: dict[str, Any]
    remarks: list[str]


def read_claims(texts: Iterable[str]) -> Claims:
    """The claims of options such as `w0=-0.2,x1=-0.40` and `@mine.npz`, with their digits as written.

    Raises BackpropError for a text that is none, and for a node that is claimed twice.
    """
    claims = Claims({}, {}, [])
    for text in texts:
        if text.startswith("@"):
            read_file(text[1:].strip(), claims)
        elif text.lstrip().startswith("{"):
            read_object(text, "--claim", claims)
        else:
            for start, end in pieces(text):
                read_one(text[start:end].strip().rstrip(";"), claims)
    return claims


def read_one(part: str, claims: Claims) -> None:
    """Read one `name=number`, or a name and a file."""
    if not part.strip():
        return
    match = BINDING.match(part)
    if not match or not match[2]:
        shown = shorten(visible(part.strip()))
        message = (
            f"{shown} is not a claim, which is the name of a node, = and a number or a formula"
        )
        raise usage(message, "write --claim x=-4,y=2*x, or --claim @mine.npz")
    label, value = match[1], match[2]
    give(label, one_of_file(value[1:].strip()) if value.startswith("@") else value, claims.typed, claims)  # fmt: skip


def give(label: str, value: Any, where: dict[str, Any], claims: Claims) -> None:
    """Add a claim. Raises BackpropError where its name has one."""
    head, dot, name = label.rpartition(".") if not label.endswith(".grad") else ("", "", label)
    label = head + dot + plain_name(name)
    if label in claims.typed or label in claims.filed:
        raise usage(f"{shorten(visible(label))} is claimed twice", "claim each gradient once")
    where[label] = value


def one_of_file(name: str) -> Any:
    """The one array of a file."""
    from .arrays import cells_of, failed, held_in, opened  # only where an array is in a file

    if name.lower().endswith(".npy"):
        with opened(name) as numpy, Path(name).open("rb") as stream:
            return held_in(numpy, stream, name, 9)
    if name.lower().endswith(".npz"):
        claims = Claims({}, {}, [])
        read_archive(name, claims)
        if len(claims.filed) != 1:
            raise failed(name, f"holds {len(claims.filed)} arrays, {few(list(claims.filed))}", f"write @{name} for all of them, each by its name")  # fmt: skip
        return next(iter(claims.filed.values()))
    text = read_text(name)
    shown = "standard input" if name == "-" else name
    if text.lstrip().startswith(("[", "{")):
        found = document(text, shown)
        if isinstance(found, dict):
            raise failed(shown, "holds an object, and one array is meant", f"write @{shown} alone for the claims of all its names")  # fmt: skip
        return found
    rows = cells_of(text, shown)
    if len(rows) == 1 or len(rows[0]) == 1:
        cells = [cell for row in rows for cell in row]
        return cells if len(cells) > 1 else cells[0]
    return rows


def read_file(name: str, claims: Claims) -> None:
    """Read all the claims of a file, each by its name."""
    if name.lower().endswith(".npz"):
        read_archive(name, claims)
        return
    one = name.lower().endswith(SUFFIXES)
    if not one or name.lower().endswith(".txt"):
        text = read_text(name)
        if "=" in text and not text.lstrip().startswith(("{", "[")):
            read_lines(text, claims)
            return
    if one:
        message = f"{shorten(name)} holds one array, which has no name"
        raise usage(message, f"write --claim W=@{name}")
    read_object(text, "standard input" if name == "-" else name, claims)


def read_lines(text: str, claims: Claims) -> None:
    """Read a derivation, a claim a line or more; a `#` begins a comment."""
    plain = re.sub("#[^\n]*", "", text)
    for start, end in pieces(plain):
        read_one(plain[start:end].strip().rstrip(";"), claims)


def read_archive(name: str, claims: Claims) -> None:
    """Read the arrays of a .npz file; what is no array of numbers is left aside."""
    from .arrays import failed, held_in, opened  # only where an array is in a file

    refused = []
    with opened(name) as numpy, zipfile.ZipFile(name) as archive:
        for member in archive.namelist():
            label = member.removesuffix(".npy")
            try:
                with archive.open(member) as stream:
                    held = held_in(numpy, stream, f"{label} of {name}", 9)
            except BackpropError as error:
                refused.append((label, error))
                continue
            give(label, held, claims.filed, claims)
    if not claims.filed:
        raise refused[0][1] if refused else failed(name, "holds no array", "write it with numpy.savez")  # fmt: skip
    if refused:
        labels = [label for label, _ in refused]
        claims.remarks.append(f"{few(labels, 8)} of {name} {'is' if len(labels) == 1 else 'are'} no array of numbers, and left aside")  # fmt: skip


def read_object(text: str, shown: str, claims: Claims) -> None:
    """Read a JSON object of numbers and nested lists, or the gradients of the tool's own document."""
    found = document(text, shown)
    hint = 'it should hold an object of claims, such as {"W": [[1, 2], [3, 4]]}'
    if not isinstance(found, dict):
        raise usage(f"{shown} does not hold an object", hint)
    if str(found.get("format", "")).startswith("backprop-"):
        found = found.get("gradients")
        if not isinstance(found, dict):
            raise usage(f"{shown} holds no gradients", hint)
    for key, value in found.items():
        if isinstance(value, dict):
            if key not in GROUPS:
                raise usage(f"{shown} gives {shorten(visible(key))} an object, which is no claim", hint)  # fmt: skip
            for name, one in value.items():
                give(GROUPS[key] + name, one, claims.filed, claims)
        else:
            give(key, value, claims.filed, claims)


def document(text: str, shown: str) -> Any:
    """A text of JSON with its numbers as they are written; null is no number."""
    try:
        found = json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        message = "is empty" if not text.strip() else f"is not JSON at {where}: {error.msg.lower()}"
        raise usage(f"{shown} {message}", "it should hold claims, such as {\"W\": [[1, 2], [3, 4]]}") from None  # fmt: skip
    except (RecursionError, ValueError):
        raise usage(f"{shown} holds a JSON value that is too deep or too long") from None
    return found
