"""The desktop, which shows a file in the program that it has for such files."""

import os
import sys
from pathlib import Path

__all__ = ["show", "temporary"]


def temporary(suffix: str) -> Path:
    """A new, empty file that stays until the system clears it away."""
    from tempfile import mkstemp  # loaded when it is asked for

    handle, name = mkstemp(suffix, "backprop-")
    os.close(handle)
    return Path(name)


def show(path: Path) -> bool:
    """Whether there is a desktop, and it was asked to show a file."""
    linux = sys.platform not in ("win32", "darwin")
    if linux and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    from typer import launch  # loaded when it is asked for

    return launch(str(path.resolve())) == 0
