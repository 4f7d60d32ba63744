"""A long text, a screen at a time."""

import contextlib
import os
import shlex
import shutil
import subprocess
import sys

__all__ = ["page"]


def page(text: str) -> None:
    """Show a text through the reader's pager where it is longer than the terminal.

    The pager is PAGER, where that is set and not empty, else less or more. Whatever is no terminal
    gets the text as it is, and so does a terminal whose pager cannot be started.
    """
    pager = os.environ.get("PAGER", "less" if shutil.which("less") else "more")
    seen = sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()
    fits = text.count("\n") < shutil.get_terminal_size().lines
    if not seen or fits or os.environ.get("TERM") in (None, "dumb") or not piped(text, pager):
        print(text.rstrip("\n"))


def piped(text: str, pager: str) -> bool:
    """Whether a command took the text and showed it."""
    data = text.encode(sys.stdout.encoding, "backslashreplace")
    environment = {"LESS": "-R"} | os.environ  # which lets colours through
    try:
        command = shlex.split(pager)
        process = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment)
    except (OSError, ValueError, IndexError):
        return False
    assert process.stdin is not None
    with contextlib.suppress(OSError, KeyboardInterrupt):  # it was left before it had read all
        process.stdin.write(data)
    with contextlib.suppress(OSError):
        process.stdin.close()
    while True:
        with contextlib.suppress(KeyboardInterrupt):  # which is the pager's to answer
            process.wait()
            return True
