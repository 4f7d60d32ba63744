"""Files that are there as a whole or not at all.

A file that is written under another name beside its place, and renamed when it is complete, can be
interrupted at any moment.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from backprop_grammar.errors import usage

from ..screens.diagnostics import refusal

__all__ = ["Terminated", "atomic_file", "passing", "private", "terminable", "writing"]


class Terminated(BaseException):
    """A signal arrived that ends the program; code: what that returns.

    No KeyboardInterrupt, which the option parser makes into a code of its own.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.code = 128 + number


@contextmanager
def terminable() -> Iterator[None]:
    """SIGTERM and SIGHUP clean up, as Ctrl-C does."""
    import signal

    def end(number: int, frame: object) -> None:
        raise Terminated(number)

    signals = (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))
    before = {number: signal.getsignal(number) for number in signals}
    try:
        for number, handler in before.items():
            if handler != signal.SIG_IGN:  # as nohup wants it
                signal.signal(number, end)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def writing(name: str) -> Iterator[None]:
    """The system's complaints about a place that is written; a reader that left is none.

    Raises BackpropError for them.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        message = f"cannot write {name}: {refusal(error)}"
        raise usage(message, "choose another place") from None


@contextmanager
def atomic_file(path: Path, mark: str = "") -> Iterator[IO[bytes]]:
    """A stream for the bytes of a file, which takes its place when the block ends without error.

    mark: stands in the name until then. A device or a pipe keeps its place and is written at once;
    a link goes on pointing where it did. Raises BackpropError where that cannot be done; nothing
    is left behind then.
    """
    if path.is_dir():
        raise usage(f"{path} is a folder", "give the name of a file")
    with writing(str(path)):
        device = str(path.absolute()).startswith(("/dev/", "/proc/"))
        if device or (path.exists() and not path.is_file()):
            with path.open("wb") as stream:
                yield stream
            return
        path = Path(os.path.realpath(path))  # which leaves a link to itself to the system
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError(13, "permission denied")
        temporary = path.with_name(f".{path.name}.{mark}{os.urandom(6).hex()}")
        with passing(temporary):
            with open(temporary, "xb", opener=private) as new:
                yield new
            mode = path.stat().st_mode if path.exists() else 0o666 & ~umask()
            temporary.chmod(mode & 0o777)
            temporary.replace(path)


@contextmanager
def passing(path: Path) -> Iterator[None]:
    """No file of that path stays; known before it is there, so a signal at any moment leaves none."""
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def private(name: str, flags: int) -> int:
    """Open a file that nobody else may read until it is in its place."""
    return os.open(name, flags, 0o600)


def umask() -> int:
    """The permissions that new files do not get; asking means setting."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
