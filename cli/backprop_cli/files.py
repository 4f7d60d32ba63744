"""Files that are whole or not there.

The insight: a file that is written under another name beside its place, and renamed when it is
whole, can be interrupted at any moment.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from backprop_grammar.errors import BackpropError

__all__ = ["whole"]


@contextmanager
def whole(path: Path, mark: str = "") -> Iterator[IO[bytes]]:
    """A stream for the bytes of a file, which takes its place when the block ends without error.

    mark: stands in the name until then. A device or a pipe keeps its place and is written at once;
    a link goes on pointing where it did. Raises BackpropError where that cannot be done; nothing
    is left behind then.
    """
    if path.is_dir():
        raise BackpropError("usage", f"{path} is a folder", hint="give the name of a file")
    temporary = None
    try:
        real = path.resolve()
        device = str(path.absolute()).startswith(("/dev/", "/proc/"))
        if device or (path.exists() and not path.is_file()):  # it keeps its place, as a pipe does
            with path.open("wb") as stream:
                yield stream
            return
        path = real  # a link goes on pointing where it did
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError(13, "permission denied")
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.{mark}", delete=False) as new:  # fmt: skip
            temporary = Path(new.name)
            yield new.file
        mode = path.stat().st_mode if path.exists() else 0o666 & ~umask()
        temporary.chmod(mode & 0o777)
        temporary.replace(path)
    except OSError as error:
        raise BackpropError(
            "usage", f"cannot write {path}: {(error.strerror or str(error)).lower()}", hint="choose another place"
        ) from None  # fmt: skip
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def umask() -> int:
    """The permissions that new files do not get; asking means setting."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
