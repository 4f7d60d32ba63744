"""Where a text comes from: a file, a sample, or standard input."""

import os
import sys
from io import UnsupportedOperation
from pathlib import Path
from stat import S_ISCHR

from backprop_grammar.errors import BackpropError, usage
from backprop_grammar.language.parser import MAX_LENGTH

from ..screens.diagnostics import refusal

__all__ = ["is_file", "piped", "read_text", "text_is_waiting"]


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


def read_text(name: str, most: int = 4 * MAX_LENGTH + 1) -> str:
    """The text of a file, a sample (`@name`), or standard input (`-`), without a byte order mark.

    most: bytes that are read; whoever reads a program sees then that it is too long.
    """
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
            data = sys.stdin.buffer.read(most)
        else:
            with Path(name).open("rb") as stream:
                data = stream.read(most)
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
