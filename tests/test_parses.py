"""A program is read once, whatever is asked of it, and a text of the table at most once.

What stands between the text and the answer is a graph; who has it needs no text again. So every
command and every format runs here, and the calls of the parser are counted.
"""

import sys
from itertools import pairwise

import pytest

from backprop_grammar.language.parser import Reductions
from tests import commands
from tests.support import call

PROGRAM = (
    "block(u) = u*u; q = x*exp(y); f = block(q) + max(x, y, 1) + 1/(1 + exp(-x)) + if(x > y, x, y)"
)
POINT = "x=1.5,y=0.25"
AT = ["--at", POINT]

MORE = [
    ["eval", PROGRAM, *AT, "--expand", "all"],
    ["eval", PROGRAM, *AT, "--fold", "all"],
    ["graph", PROGRAM, "--fold", "sigmoid"],
    ["graph", PROGRAM, *AT, "-o", "graph.png"],
    ["explain", PROGRAM, *AT, "--why", "x", "--format", "latex"],
    ["derive", PROGRAM, *AT, "--order", "2", "--json"],
    ["derive", PROGRAM, *AT, "--hvp", "x=1"],
    ["check", PROGRAM, *AT, "--claim", "x=12.5,y=3"],
    ["step", PROGRAM, *AT, "--steps", "3", "--method", "adam"],
    ["functions", "sigmoid", "--verify"],
]


def listed() -> list[list[str]]:
    without = [line for line in commands.printing(PROGRAM) if line[0] in ("graph", "derive")]
    return [
        *commands.printing(PROGRAM, *AT),
        *(line for line in without if "matrix" not in line),
        *commands.asking(PROGRAM, POINT, "x"),
        *MORE,
    ]


def limits(line: list[str]) -> list[str]:
    """The ends of the ranges of a box, each of which is a program of its own."""
    boxes = [box for option, box in pairwise(line) if option == "--over"]
    return [
        end for box in boxes for part in box.split(",") for end in part.split("=")[1].split(":")
    ]


@pytest.fixture
def read(monkeypatch):
    """What the parser reads, each text with the name of its source; nothing was read before."""
    for name, module in list(sys.modules.items()):
        if name.startswith("backprop_") and name != Reductions.__module__:  # which keeps tables
            for kept in list(vars(module).values()):
                if hasattr(kept, "cache_clear"):
                    kept.cache_clear()
    texts: list[tuple[str, str]] = []
    run = Reductions.run
    monkeypatch.setattr(
        Reductions,
        "run",
        lambda self: texts.append((self.source.name, self.source.text)) or run(self),
    )
    return texts


def programs(texts: list[tuple[str, str]]) -> list[str]:
    """What was read that is not of the table, of which every text is read at most once."""
    table = [text for name, text in texts if name == "table"]
    assert len(table) == len(set(table))
    return [text for name, text in texts if name != "table"]


@pytest.mark.parametrize(
    "line", listed(), ids=lambda line: " ".join(w for w in line if w not in (PROGRAM, *AT))
)
def test_a_program_is_read_once(line, read, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = call(*line)
    assert code == (1 if "--claim" in line else 0), err
    assert sorted(programs(read)) == sorted([PROGRAM] * line.count(PROGRAM) + limits(line))


def test_a_program_is_read_once_over_many_points(read, tmp_path):
    for line in commands.mapping(PROGRAM, POINT, tmp_path):
        read.clear()
        assert call(*line)[0] == 0
        assert programs(read) == [PROGRAM], line


def test_a_program_is_read_once_for_steps_over_many_points(read, tmp_path):
    (tmp_path / "points.csv").write_text("x\n1\n2\n", encoding="utf-8")
    code, _, err = call(
        "step", "(w*x - 1)^2", "--at", "w=0", "--points", str(tmp_path / "points.csv")
    )
    assert code == 0, err
    assert programs(read) == ["(w*x - 1)^2"]


@pytest.mark.parametrize("line", commands.telling(), ids=" ".join)
def test_what_takes_no_program_reads_none(line, read):
    assert call(*line)[0] == 0
    assert programs(read) == []
