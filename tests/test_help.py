"""Help: what `--help` prints, the manual in the tool, the man page."""

import os
import re
import shutil
import subprocess
import time

import pytest

from backprop_cli.commands import COMMANDS
from backprop_cli.data.shipped import TOPICS
from backprop_cli.screens.markdown import blocks, section, spans
from tests.screens import ROOT
from tests.support import call
from tests.test_completion import Typist

MANUALS = {part: (ROOT / part / "README.md").read_text(encoding="utf-8") for part in ("cli", "grammar")}  # fmt: skip
HELPS = [[], *([command] for command in COMMANDS)]


def words(text: str) -> list[str]:
    """The words of what is shown."""
    text = re.sub(r"^- ", "", text, flags=re.MULTILINE)
    return re.sub(r"[`*]", "", text).replace("|", " ").split()


def words_of(text: str) -> list[str]:
    """The words of a piece of the manual, by a reading of its own; blocks of code every second."""
    found = []
    for k, part in enumerate(re.split(r"^```.*$", text, flags=re.MULTILINE)):
        if k % 2 == 0:
            part = re.sub(r"^!\[.*$|^\|[-|]+\|$|^#+ |^- ", "", part, flags=re.MULTILINE)
            part = re.sub(r"\[([^\]]+)\]\([^)\s]*\)", r"\1", part)
        found += words(part)
    return found


# --help


@pytest.mark.parametrize("columns", [30, 60, 80, 120, 250])
@pytest.mark.parametrize("args", HELPS, ids=lambda args: args[0] if args else "backprop")
def test_help_uses_the_width_there_is(args, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    code, out, err = call(*args, "--help")
    assert (code, err) == (0, "")
    examples, below = out.split("\nUsage: ")
    said = " ".join(below.split())
    summary = COMMANDS[args[0]] if args else "see every step of backpropagation."
    assert summary in said
    if not args:
        assert all(f"{name} {text}" in said for name, text in COMMANDS.items())
    for line in below.splitlines()[1:]:  # an example runs over rather than being cut
        longest = max(map(len, line.split()), default=0)
        assert len(line) <= max(columns, longest + 30), line
    assert examples.startswith("Examples:\n  backprop ")
    if columns == 250:
        assert sum(line.startswith("  ") for line in below.splitlines()) <= 40


@pytest.mark.parametrize("args", HELPS[1:], ids=lambda args: args[0])
def test_options_stand_in_groups(args):
    _, out, _ = call(*args, "--help")
    below = out.partition("\nUsage: ")[2]
    titles = re.findall(r"^([A-Z][\w ]+):$", below, re.MULTILINE)
    known = ["Input", "What to compute", "Output", "Options"]
    assert titles == [title for title in known if title in titles]
    names = re.findall(r"^  (?:-\w, )?(--[a-z-]+)", below, re.MULTILINE)
    assert len(names) == len({*names}) and names[-1] == "--help"


def test_the_usage_says_what_follows():
    def usage(*args: str) -> str:
        return call(*args, "--help")[1].partition("\nUsage: ")[2].splitlines()[0]

    assert usage() == "backprop [OPTIONS] COMMAND | FORMULA ..."
    for command in ("eval", "graph", "explain", "derive", "check", "step"):
        assert usage(command) == f"backprop {command} [OPTIONS] [PROGRAM] [NAME=VALUE]..."
    assert usage("map") == "backprop map [OPTIONS] [PROGRAM] [NAME=VALUE]... [FILE]..."
    assert usage("samples") == "backprop samples [OPTIONS] [NAME]"
    assert usage("completion") == "backprop completion [OPTIONS] SHELL"
    first = call("--help")[1].splitlines()[1].split()
    assert first[0] == "backprop" and first[1] not in COMMANDS


# The manual


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("columns", [40, 80, 120])
def test_a_topic_is_a_section_of_the_manual(topic, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    part, heading = TOPICS[topic]
    text = section(MANUALS[part], heading)
    assert len(text) > 200
    code, out, err = call("help", topic)
    assert (code, err) == (0, "")
    assert words(out) == words_of(text)
    prose = [line for line in out.splitlines() if not line.startswith("  ")]
    assert max(map(len, prose)) <= max(columns, max(map(len, " ".join(prose).split())))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_has_its_help_and_its_section(command):
    code, out, _ = call("help", command)
    assert code == 0
    _, shown, _ = call(command, "--help")
    assert out.startswith(shown.rstrip())
    text = section(MANUALS["cli"], command)
    assert text and words(out[len(shown.rstrip()) :]) == words_of(text)


def test_the_language_fits_two_screens(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = call("help", "language")[1].splitlines()
    assert len(lines) <= 2 * 24 - 2
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("word", ["array", "vectors", "Matrices", "shapes", "axis", "broadcasting"])
def test_other_words_find_the_topic_of_arrays(word):
    assert call("help", word) == call("help", "arrays")


def test_help_without_a_name_is_that_of_the_tool():
    assert call("help")[1] == call("--help")[1]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["help", "langage"], "did you mean language?"),
        (["help", "evl"], "did you mean eval?"),
        (["help", "tanh"], "`backprop functions tanh` shows"),
        (["help", "maximum"], "`backprop functions maximum` shows"),
        (["help", "matmul"], "`backprop functions matmul` shows"),
        (["help", "zzzz"], "the topics are language, arrays, numbers"),
        (["help", "eval", "--man"], "leave out eval"),
    ],
)
def test_wrong_names_are_told(args, said):
    code, out, err = call(*args)
    assert (code, out) == (2, "")
    assert said in err


def test_the_manual_uses_no_markdown_that_is_not_set():
    for text in MANUALS.values():
        for block in blocks(text):
            cells = [*block.lines, *(cell for row in block.rows for cell in row)]
            if block.kind == "code":
                assert not any(line.startswith("```") for line in block.lines)
                continue
            for line in cells:
                pieces = [piece for kind, piece in spans(line) if kind != "code"]
                assert not re.search(r"`|\*\*|\]\(|^#|^\d+\. ", "".join(pieces)), line
            assert len({len(row) for row in block.rows}) <= 1, block.rows


# The pager


@pytest.mark.parametrize(
    ("pager", "typed", "shown"),
    [
        ("sed s/language/LANGUAGE/", "", "The LANGUAGE in short"),
        ("cat", "", "The language in short"),
        ("", "", "The language in short"),
        ("no-such-pager", "", "The language in short"),
        ("'", "", "The language in short"),
        ("less", "q", "The language in short"),
        ("less", "\x03 \x03q", "The language in short"),  # an interrupt is less's to answer
        (None, "q", "The language in short"),
        ("head -1", "", "The language in short"),
        ("true", "", ""),
    ],
)
def test_a_terminal_gets_a_pager(pager, typed, shown, tmp_path, monkeypatch):
    if pager in ("less", None) and shutil.which("less") is None:
        pytest.skip("less is not installed")
    setting = "unset PAGER" if pager is None else f'export PAGER="{pager}"'
    typist = Typist(["bash", "--norc", "-i"], str(tmp_path))
    typist.type(
        f"{setting}; unset LESS; stty rows 20 cols 80; echo READY-$((40 + 2))\n", "READY-42"
    )
    command = "backprop help language; echo DONE-$((40 + 2))\n"
    screen = typist.type(command, shown if typed else "DONE-42")
    for k, key in enumerate(typed):
        screen += typist.type(key, "DONE-42" if k == len(typed) - 1 else "")
        time.sleep(0.2)
    assert shown in screen
    assert "error" not in screen and "ESC[" not in screen and "Traceback" not in screen
    typist.leave()


def test_a_pipe_gets_the_text(monkeypatch):
    monkeypatch.setenv("PAGER", "no-such-pager")
    monkeypatch.setenv("FORCE_COLOR", "1")
    _, out, _ = call("help", "language")
    assert "\x1b[1m" in out
    monkeypatch.delenv("FORCE_COLOR")
    assert "\x1b" not in call("help", "language")[1]


# The man page


def test_the_man_page_holds_it_all(tmp_path):
    code, out, err = call("help", "--man")
    assert (code, err) == (0, "")
    assert out.startswith(".TH BACKPROP 1 ")
    page = out.replace("\\-", "-")
    for command, text in COMMANDS.items():
        assert f".SS {command} [OPTIONS]" in page
        assert text.replace("'", r"\(aq") in page
        _, shown, _ = call(command, "--help")
        for option in re.findall(r"^  (?:-\w, )?(--[a-z-]+)", shown, re.MULTILINE):
            assert re.search(rf"^\.B .*{option}\b", page, re.MULTILINE), option
    assert all(f".SH {topic.upper()}" in page for topic in TOPICS)
    if shutil.which("groff"):
        done = subprocess.run(
            ["groff", "-man", "-Kutf8", "-Tutf8", "-ww"], input=out, capture_output=True, text=True,
            check=False, env={"PATH": os.environ["PATH"], "GROFF_NO_SGR": "1", "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        told = re.sub(".\x08", "", done.stdout)
        assert "backprop eval -x^2 --at x=3 --json" in told
        assert "`" not in "".join(re.findall(r"^ {7}\S.*square\(u\).*$", told, re.MULTILINE))
