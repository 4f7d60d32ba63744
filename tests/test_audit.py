"""Nothing that is typed is executed, nothing is unpickled, and nothing is written unless asked.

Python tells a hook of every such act (PEP 578), whatever code does it. All commands run under the
hook in one process, and the list of what they did is held.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import commands
from tests.screens import ROOT

MARK = "zq7mark"
"""A variable's name: what was made from the typed text contains it."""

PROGRAM = f"block(u) = u*u; q = {MARK}*exp(y); f = block(q) + max({MARK}, y, 1)"
POINT = f"{MARK}=1.5,y=0.25"

WATCHED = """
import json, os, sys, types

MARK, COMMANDS, NULL = json.loads(sys.stdin.read())
acts, now = [], [""]
PROCESSES = (
    "subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn",
    "os.spawn", "os.startfile", "pty.spawn", "socket.", "urllib.", "http.", "ftplib.", "smtplib.",
    "webbrowser.", "pickle.", "shelve.", "code.__new__", "ctypes.dlopen",
)
CHANGES = (
    "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate",
    "os.chmod", "os.chown", "os.utime", "os.setxattr", "shutil.", "tempfile.", "os.putenv",
)

def texts(code):
    yield from code.co_names + code.co_varnames + (code.co_name,)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from texts(constant)
        elif isinstance(constant, str):
            yield constant

def caller():
    frame = sys._getframe(2)
    while frame and frame.f_globals.get("__name__", "").startswith(("importlib", "_frozen", "os")):
        frame = frame.f_back
    return frame.f_globals.get("__name__", "?") if frame else "?"

def hook(event, args):
    if not now[0]:
        return
    if event == "open":
        path, mode, flags = args
        asked = set(mode or "") & set("wax+")
        if asked or (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC):
            acts.append(("write", now[0], str(path), caller()))
    elif event in ("exec", "compile"):
        source = args[0]
        if isinstance(source, types.CodeType):
            typed, file = any(MARK in text for text in texts(source)), source.co_filename
        else:
            text = source.decode("utf-8", "replace") if isinstance(source, bytes) else str(source)
            typed, file = MARK in text, str(args[1])
        if typed:
            acts.append(("typed", now[0], event, caller()))
        elif not os.path.isabs(file) and not file.startswith("<frozen"):
            acts.append(("made", now[0], event, caller()))
    elif event == "ctypes.dlopen" and args[0] in (None, "libc.so.6"):
        pass  # Python itself; and polars asks what the processor can do
    elif event.startswith(PROCESSES):
        acts.append(("forbidden", now[0], event, caller()))
    elif event == "os.putenv" and caller().startswith(("polars", "numpy")):
        pass  # settings of their libraries, while they are loaded
    elif event.startswith(CHANGES):
        acts.append(("change", now[0], event + " " + str(args[:2]), caller()))

sys.addaudithook(hook)
out = sys.stdout
null = open(NULL, "w", encoding="utf-8")
codes = []
for command in COMMANDS:
    sys.stdout = sys.stderr = null
    now[0] = " ".join(command) or "(nothing)"
    from backprop_cli.app import run
    codes.append(run(command))
    now[0] = ""
    sys.stdout, sys.stderr = out, sys.__stderr__
json.dump([codes, acts], out)
"""

MAKERS = {
    "dataclasses", "collections", "attr", "attr._make", "typing", "mpmath.ctx_mp_python",
    "ast",  # for numpy, which reads its own signatures
}  # fmt: skip
"""Modules that make methods by exec, from names of fields or texts of their own."""


def watched(tmp_path: Path, listed: list[list[str]]) -> tuple[list[int], list[list[str]]]:
    """The exit codes of commands, and what they did, each act: sort, command, what, by whom."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", WATCHED],
        input=json.dumps([MARK, listed, os.devnull]),
        capture_output=True, text=True, timeout=120, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    codes, acts = json.loads(done.stdout)
    return codes, acts


def test_commands_that_print_do_nothing_else(tmp_path):
    (tmp_path / "program.bp").write_text(PROGRAM, encoding="utf-8")
    (tmp_path / "point.json").write_text(f'{{"{MARK}": 1.5, "y": 0.25}}', encoding="utf-8")
    good = [
        *commands.printing(PROGRAM, "--at", POINT),
        *commands.asking(PROGRAM, POINT, MARK),
        *commands.telling(),
        ["eval", "--file", "program.bp", "--at", "@point.json"],
        ["eval", f"sum(softmax({MARK})*y)", "--at", f"{MARK}=[1,2],y=[3,4]", "--json"],
        [
            "eval",
            f"cross_entropy({MARK} @ y, [0, 1])",
            "--at",
            f'{{"{MARK}": [[1, 2], [3, 4]], "y": [[1, 0], [0, 1]]}}',
            "--json",
        ],
        *(args for args in commands.mapping(PROGRAM, POINT, tmp_path) if "-o" not in args),
    ]
    bad = [
        ["eval", f"{MARK} + log(-1)", "--at", f"{MARK}=1"],
        ["eval", f"__import__('os').system('{MARK}')"],
        ["eval", f"{MARK} = (1).__class__"],
        ["eval", "x", "--at", f"x={MARK}()"],
        ["eval", f"{MARK} @ __import__('os')", "--at", f"{MARK}=[1]"],
        ["eval", f"sum({MARK})", "--at", f"{MARK}=[1,{MARK}()]"],
        ["check", "x", "--at", "x=1", "--claim", f"x={MARK}*2"],
    ]
    codes, acts = watched(tmp_path, good + bad)
    assert set(codes[: len(good)]) <= {0, 1}  # a claim may be wrong
    assert codes.count(1) < 6 + len(bad)
    assert [act for act in acts if act[0] != "made"] == []
    assert {act[3] for act in acts if act[0] == "made"} <= MAKERS
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"program.bp", "point.json", "points.csv"}


def test_a_command_that_writes_writes_its_file_alone(tmp_path):
    pytest.importorskip("resvg_py")
    folder = tmp_path / "out"
    folder.mkdir()
    mapping = commands.mapping(PROGRAM, POINT, folder)
    listed = [*commands.saving(PROGRAM, POINT, folder), *mapping]
    codes, acts = watched(tmp_path, listed)
    assert codes == [0] * len(listed)
    asked = {Path(args[-1]) for args in listed if "-o" in args}
    assert set(folder.iterdir()) == {*asked, folder / "points.csv"}
    assert not [act for act in acts if act[0] in ("typed", "forbidden")]
    for _, _, what, _ in (act for act in acts if act[0] in ("write", "change")):
        assert str(folder) in what, what


@pytest.mark.parametrize(
    ("code", "sort"),
    [
        (f"exec('{MARK} = 1')", "typed"),
        ("exec('other = 1')", "made"),
        ("import pickle; pickle.loads(pickle.dumps(print))", "forbidden"),
        ("import socket; socket.socket()", "forbidden"),
        ("import os; os.system('true')", "forbidden"),
        ("open('left', 'w')", "write"),
    ],
)
def test_the_hook_sees(tmp_path, code, sort):
    """The test can fail: what it forbids is seen where it is done."""
    package = tmp_path / "backprop_cli"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "app.py").write_text(f"def run(args):\n    {code}\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-B", "-c", WATCHED], input=json.dumps([MARK, [["eval"]], os.devnull]),
        capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert sort in {act[0] for act in json.loads(done.stdout)[1]}, done.stderr


def test_the_tool_is_the_one_of_this_tree():
    import backprop_cli

    assert Path(str(backprop_cli.__file__)).is_relative_to(ROOT)
