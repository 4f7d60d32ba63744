"""The README's blocks run, and print what it says."""

import os
import re
import shutil
import subprocess

import pytest

from backprop_grammar.operations.table import ROWS
from tests.screens import ROOT, UPDATE, environment, play, replay

README = ROOT / "README.md"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TEXT = README.read_text(encoding="utf-8")
CONSOLE = [match[2] for match in BLOCK.finditer(TEXT) if match[1] == "console"]
SETUP = [match[2].strip() for match in BLOCK.finditer(TEXT) if match[1] == "sh"]


def test_every_block_is_of_a_known_kind():
    assert {match[1] for match in BLOCK.finditer(TEXT)} == {"console", "sh", "text"}
    assert len(SETUP) == 2


def test_the_sheet_is_that_of_the_table():
    """It takes half a minute to make, so its rows are compared, and their numbers only bounded."""
    (sheet,) = (match[2] for match in BLOCK.finditer(TEXT) if match[1] == "text")
    rows = [re.split(r"  +", line) for line in sheet.strip().splitlines()[2:]]
    shown = [row for row in ROWS if not row.hidden]
    assert [row[0] for row in rows] == [row.signature for row in shown]
    for row in rows:
        worst = max(float(number) for cell in row[2:] for number in cell.split(", "))
        assert worst <= 3, row


@pytest.mark.parametrize("block", CONSOLE, ids=lambda block: block.splitlines()[0][2:50])
def test_console_block(block):
    shown = replay(block)
    if UPDATE:
        README.write_text(README.read_text("utf-8").replace(block, shown), encoding="utf-8")
    assert shown == block


@pytest.mark.skipif(not os.environ.get("CI"), reason="needs a package index; runs where CI is set")
def test_the_first_command_on_a_fresh_machine(tmp_path):
    for name in ("cli", "grammar", "pyproject.toml", "README.md", "LICENSE"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    fresh = {k: v for k, v in os.environ.items() if k != "PIP_NO_BUILD_ISOLATION"}  # the gate's own
    done = subprocess.run(
        ["bash", "-c", SETUP[0]], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300,
        env=fresh | environment() | {"COLUMNS": "120"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip("\n") == play(SETUP[0].split(".venv/bin/")[-1])


def test_the_gate_runs_the_second_command():
    gate = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert "README.md" in gate
    assert SETUP[1].startswith("python3 -m venv .venv && ")
    assert SETUP[1].endswith("pytest")


def test_the_exit_codes_are_the_help_s():
    code = {row.split("|")[1].strip() for row in TEXT.splitlines() if re.match(r"\| \d", row)}
    help_text = subprocess.run(
        ["backprop", "--help"], env=environment(), capture_output=True, text=True, check=True
    ).stdout
    told = set(re.findall(r"\b(\d+) [a-z]", help_text.partition("Exit codes:")[2]))
    assert told <= code
