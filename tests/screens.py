"""Recorded screens: a command, what it prints, and its exit code.

A screen is a text such as

    $ COLUMNS=60 backprop eval "x*y" --at x=3,y=4
    ... what standard output, then standard error, show ...
    [exit 1]

with `[exit N]` only where N is not 0. The commands run from the root of the project; those
that are more than one call of the tool (pipes, files, other programs) in a shell, with the
environment's own `backprop`, and the others within this process, which is much faster. To
record anew, after looking at every difference: UPDATE_SCREENS=1 python -m pytest
"""

import contextlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).parent.parent
UPDATE = os.environ.get("UPDATE_SCREENS") == "1"

KEPT = ("HOME", "LANG", "PYTHONPATH", "SYSTEMROOT", "TMPDIR")
"""What a command takes over from here; PYTHONPATH, so that it runs the code under test."""


def environment() -> dict[str, str]:
    """A plain environment: no colours, UTF-8, 120 columns in a pipe."""
    kept = {k: v for k, v in os.environ.items() if k in KEPT}
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


def one_call(command: str) -> tuple[dict[str, str], list[str]] | None:
    """The settings and the arguments of a command that only calls the tool; None for others."""
    words = shlex.shlex(command, posix=True, punctuation_chars=True)
    words.whitespace_split = True
    found = list(words)
    settings: dict[str, str] = {}
    while found and (match := re.fullmatch(r"(COLUMNS|NO_COLOR)=(\S*)", found[0])):
        settings[match[1]] = match[2]
        del found[0]
    if not found or found[0] != "backprop":
        return None
    if re.search(r"[$`\\]", command) or any(re.fullmatch(r"[();<>|&]+", word) for word in found):
        return None
    return settings, found[1:]


def play(command: str, cwd: Path = ROOT) -> str:
    """What a command shows: its output, its errors, its exit code unless 0."""
    call = one_call(command) if cwd == ROOT else None
    if call is not None:
        from tests.support import call as call_here

        with contextlib.chdir(ROOT), mock.patch.dict(os.environ, environment() | call[0], clear=True):  # fmt: skip
            code, out, err = call_here(*call[1])
        shown = out + err
        if code:
            shown = shown.rstrip("\n") + f"\n[exit {code}]"
        return shown.strip("\n")
    return in_a_shell(command, cwd)


def in_a_shell(command: str, cwd: Path = ROOT) -> str:
    """The same for any command."""
    done = subprocess.run(
        ["bash", "-c", command], cwd=cwd, env=environment(), capture_output=True, timeout=60,
        stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    shown = done.stdout.decode() + done.stderr.decode()
    if done.returncode:
        shown = shown.rstrip("\n") + f"\n[exit {done.returncode}]"
    return shown.strip("\n")


def replay(screen: str, play: Callable[[str], str] = play) -> str:
    """The screen as its commands print it now."""
    return (
        "\n\n".join(f"$ {command}\n{play(command)}".rstrip() for command in commands(screen)) + "\n"
    )
