"""The same answers, or one clear paragraph, wherever the command runs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import commands, surroundings
from tests.screens import ROOT
from tests.support import often
from tests.surroundings import BACKPROP, POINT, PROGRAM

DRIVER = """
import json, os, sys
from backprop_cli.app import run
for command in json.loads(os.environ["COMMANDS"]):
    code = run([os.fsdecode(argument.encode()) for argument in command])
    sys.stderr.write(f"exit {code}\\n")
"""

BARE = {"PATH": "/usr/bin:/bin"}
"""An environment without a home, a language or a terminal."""

PLACES = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "20 columns": {"COLUMNS": "20", "FORCE_COLOR": "1"},
    "1 column": {"COLUMNS": "1"},
}


@pytest.mark.parametrize("place", [*PLACES][:: often(2, 1)])
def test_every_command_in_another_place(place):
    listed = commands.printing(PROGRAM, "--at", POINT) + commands.asking(PROGRAM, POINT, "x")
    listed += [*commands.telling(), ["eval", "α + 1"], ["eval", "x", "--at", "@/nonexistent/é"]]
    environment = BARE | PLACES[place] | {"COMMANDS": json.dumps(listed)}
    done = subprocess.run(
        [sys.executable, "-c", DRIVER], env=environment, capture_output=True, timeout=120,
        stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    codes = [line for line in done.stderr.decode("utf-8").splitlines() if line.startswith("exit ")]
    assert len(codes) == len(listed)
    assert set(codes) <= {"exit 0", "exit 1", "exit 2"}
    assert codes[-2:] == ["exit 1", "exit 2"]
    assert b"Traceback" not in done.stderr
    assert len(done.stdout) > 10_000


def shell(line: str, **more) -> subprocess.CompletedProcess[str]:
    """A line of the shell, in which $B is the command at the point of this file."""
    given = {"B": " ".join(BACKPROP), "P": PROGRAM, "AT": POINT}
    return subprocess.run(
        ["bash", "-c", line], env=os.environ | given, capture_output=True, text=True, timeout=60,
        check=False, **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "codes", "said"),
    [
        ('$B eval "$P" --at $AT > /dev/full', {1}, "no space left"),
        ('$B eval "$P" --at $AT --json > /dev/full', {1}, "no space left"),
        ('$B graph "$P" --at $AT -o /dev/full --format svg', {2}, "no space left"),
        ('$B graph "$P" --at $AT -o /proc/picture.svg', {2}, "cannot write"),
        ('$B graph "$P" --at $AT -o /nonexistent/picture.svg', {2}, "cannot write"),
        ('$B graph "$P" --at $AT -o . --format svg', {2}, "folder"),
        ('$B eval "$P" --at $AT >&-', {0, 1}, ""),
        ('$B eval "$P" --at $AT 2>&-', {0}, ""),
        ('$B eval "$P" --at $AT <&-', {0}, ""),
        ("$B eval - --at $AT <&-", {2}, "standard input is closed"),
        ('$B eval "log(-1)" 2>&-', {1}, ""),
        ('$B eval "log(-1)" >&- 2>&- <&-', {1}, ""),
        ("$B eval --file . --at x=1", {2}, "."),
        ("$B eval x --at @/", {2}, "/"),
        ("$B eval --file <(echo 'x*y') --at x=3,y=4 --json", {0}, ""),
        ("$B eval 'x*y' --at @<(echo '{\"x\": 3, \"y\": 4}') --json", {0}, ""),
        ('$B eval "$P" --at $AT | head -c 1 > /dev/null; exit ${PIPESTATUS[0]}', {0, 141}, ""),
    ],
)
def test_streams_and_places(line, codes, said):
    done = shell(line)
    assert done.returncode in codes, (done.returncode, done.stderr)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert len(done.stderr) <= 1500


def test_a_fifo_is_read_and_written(tmp_path):
    fifo = tmp_path / "pipe.svg"
    os.mkfifo(fifo)
    done = shell(f'cat "{fifo}" & $B graph "$P" --at $AT -o "{fifo}"; wait')
    assert done.returncode == 0
    assert done.stdout.rstrip().endswith("</svg>")
    assert fifo.is_fifo()


@pytest.fixture
def small(tmp_path):
    """A disk of 16 kB."""
    place = tmp_path / "small"
    place.mkdir()
    if shell(f'mount -t tmpfs -o size=16k none "{place}"').returncode:
        pytest.skip("only root may mount a disk")
    yield place
    shell(f'umount "{place}"')


def test_a_full_disk_leaves_what_was_there(small):
    picture = small / "page.html"
    picture.write_text("what was there", encoding="utf-8")
    done = shell(f'$B graph "$P" --at $AT -o "{picture}"')
    assert (done.returncode, done.stdout) == (2, "")
    assert "no space left" in done.stderr
    assert picture.read_text(encoding="utf-8") == "what was there"
    assert [path.name for path in small.iterdir()] == ["page.html"]
    shell(f'mount -o remount,ro "{small}"')
    done = shell(f'$B graph "$P" --at $AT -o "{small}/other.html"')
    assert done.returncode == 2
    assert "read-only" in done.stderr


def test_four_at_once_write_one_whole_file(tmp_path):
    target = tmp_path / "page.html"
    one = shell(f'$B graph "$P" --at $AT -o "{target}"')
    assert one.returncode == 0
    alone = target.read_bytes()
    done = shell(f'for i in 1 2 3 4; do $B graph "$P" --at $AT -o "{target}" & done; wait')
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert target.read_bytes() == alone
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


@pytest.mark.parametrize("part", range(4))
def test_signals_at_random_moments(part):
    assert surroundings.storm(f"suite:{part}", 4).total() == 4


def test_much_input_is_refused_quickly():
    assert len(surroundings.flood(25, limit=30)) == 4


def test_an_interrupted_long_run_keeps_what_it_streamed():
    run = subprocess.Popen(
        [*BACKPROP, "step", "(x - 3)^2", "--at", "x=0", "--steps", "1000000", "--stream"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert run.stdout is not None
    first = [run.stdout.readline() for _ in range(3)]
    run.send_signal(2)
    rest, err = run.communicate(timeout=30)
    assert run.returncode == 130
    assert err.startswith("note: interrupted at step")
    lines = [*first, *rest.splitlines(keepends=True)]
    assert all(line.endswith("}\n") for line in lines[:-1])


def test_the_driver_runs_this_tree():
    done = shell(f'{sys.executable} -c "import backprop_cli; print(backprop_cli.__file__)"')
    assert Path(done.stdout.strip()).is_relative_to(ROOT)
