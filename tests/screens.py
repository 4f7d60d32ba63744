"""Recorded screens: a command, what it prints, and its exit code.

A screen is a text such as

    $ COLUMNS=60 backprop eval "x*y" --at x=3,y=4
    ... what standard output, then standard error, show ...
    [exit 1]

with `[exit N]` only where N is not 0. The commands run in a shell, from the root of the
project, with the environment's own `backprop`. To record anew, after looking at every
difference: UPDATE_SCREENS=1 python -m pytest
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
UPDATE = os.environ.get("UPDATE_SCREENS") == "1"


def environment() -> dict[str, str]:
    """A plain environment: no colours, UTF-8, 120 columns in a pipe."""
    kept = {k: v for k, v in os.environ.items() if k in ("HOME", "LANG", "SYSTEMROOT", "TMPDIR")}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return kept | {"PATH": path, "PYTHONUTF8": "1", "TERM": "xterm"}


def commands(screen: str) -> list[str]:
    """The commands of a screen; a trailing backslash carries one on."""
    return [c for c, _ in parts(screen)]


def parts(screen: str) -> list[tuple[str, str]]:
    """The commands of a screen with what each prints."""
    found: list[tuple[str, list[str]]] = []
    carried = False
    for line in screen.splitlines():
        if carried:
            found[-1] = (found[-1][0] + "\n" + line, found[-1][1])
        elif line.startswith("$ "):
            found.append((line[2:], []))
        elif found:
            found[-1][1].append(line)
        carried = (carried or line.startswith("$ ")) and line.endswith("\\")
    return [(command, "\n".join(lines).rstrip()) for command, lines in found]


def play(command: str, cwd: Path = ROOT) -> str:
    """What a command shows: its output, its errors, its exit code unless 0."""
    done = subprocess.run(
        ["bash", "-c", command], cwd=cwd, env=environment(), capture_output=True, timeout=60,
        stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    shown = done.stdout.decode() + done.stderr.decode()
    if done.returncode:
        shown = shown.rstrip("\n") + f"\n[exit {done.returncode}]"
    return shown.strip("\n")


def replay(screen: str) -> str:
    """The screen as its commands print it now."""
    return (
        "\n\n".join(f"$ {command}\n{play(command)}".rstrip() for command in commands(screen)) + "\n"
    )
