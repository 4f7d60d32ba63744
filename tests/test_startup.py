"""What a start costs, without a clock: the tables that the wheel carries, and what is loaded."""

import json
import shutil
import subprocess
import sys
import zipfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lark import Lark, Token, UnexpectedToken
from lark.lexer import Lexer

from backprop_grammar.language import lalr as tables
from backprop_grammar.language.lexer import words
from backprop_grammar.language.parser import Reductions, parse
from tests.programs import contents, programs
from tests.screens import ROOT
from tests.support import Source
from tests.test_advice import ADVICE, PIECES

GRAMMAR = tables.GRAMMAR.read_text(encoding="utf-8")
RULES = {name for name, _, _ in tables.prepared(GRAMMAR)["rules"]} - {tables.UNIT}


class Words(Lexer):
    """The language's words for Lark's own parser."""

    def __init__(self, _conf: Any) -> None:
        pass

    def lex(self, data):
        return (Token(w.type, w.text, w.start_pos, end_pos=w.end_pos) for w in words(data))


class Refused(Exception):
    """Where a parser met a word that it did not expect."""


class Recording(Reductions):
    """Notes which rules are reduced, with which words among their parts."""

    def __init__(self, text: str) -> None:
        super().__init__(Source(text), False)
        self.seen: list[tuple[str, list[str]]] = []

    def finished(self) -> Any:
        return None


def recorded(name):
    def method(self, _start, _end, *parts):
        self.seen.append((name, [part for part in parts if isinstance(part, str)]))

    return method


for rule in RULES:
    setattr(Recording, rule, recorded(rule))


class Plain:
    """The same notes for Lark, which hands over its own words."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, list[str]]] = []

    def only(self, parts):
        return parts[0]


def noted(name):
    def method(self, parts):
        self.seen.append((name, [str(part) for part in parts if isinstance(part, str)]))

    return method


for rule in RULES:
    setattr(Plain, rule, noted(rule))


NOTES = Plain()
LARK = Lark(GRAMMAR, start="program", parser="lalr", lexer=Words, transformer=NOTES)


def by_lark(text):
    """The reductions of Lark's own parser, from its own tables, and the word it refuses."""
    NOTES.seen = []
    try:
        LARK.parse(text)
    except UnexpectedToken as error:
        end = error.token.type == "$END"
        return NOTES.seen, (error.token.type, len(text) if end else error.token.start_pos)
    return NOTES.seen, None


def by_us(text):
    parsing = Recording(text)
    with pytest.MonkeyPatch.context() as patch:

        def misplaced(_source, word):
            return Refused(word.type, word.start_pos)

        patch.setattr("backprop_grammar.language.advice.misplaced", misplaced)
        try:
            parsing.run()
        except Refused as refused:
            return parsing.seen, refused.args
    return parsing.seen, None


@pytest.mark.parametrize("program", [row[0] for row in ADVICE])
def test_mistakes_are_met_where_lark_meets_them(program):
    assert by_us(program) == by_lark(program)


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_pieces_are_reduced_as_lark_reduces_them(program):
    assert by_us(program) == by_lark(program)


@given(programs())
def test_programs_are_reduced_as_lark_reduces_them(program):
    seen, refused = by_us(program.text())
    assert (seen, refused) == by_lark(program.text())
    assert refused is None


# the tables of the wheel


@pytest.fixture
def fresh():
    """No tables in memory, before and after."""
    from backprop_grammar.language.parser import machine

    for made in (tables.tables, machine):
        made.cache_clear()
    yield
    for made in (tables.tables, machine):
        made.cache_clear()


def test_the_tables_come_out_the_same_whenever_they_are_made():
    code = (
        "import json, sys; from backprop_grammar.language.lalr import GRAMMAR, prepared; "
        "print(json.dumps(prepared(GRAMMAR.read_text(encoding='utf-8'))))"
    )
    made = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert [json.loads(text) for text in made] == [tables.prepared(GRAMMAR)]


@pytest.mark.parametrize("stored", ["none", "right", "broken", "list", "another grammar's"])
def test_only_tables_of_this_grammar_are_used(stored, fresh, monkeypatch, tmp_path):
    right = tables.prepared(GRAMMAR)
    written = {
        "right": json.dumps(right),
        "broken": json.dumps(right)[:-9],
        "list": "[]",
        "another grammar's": json.dumps({**right, "grammar": GRAMMAR + " ", "rows": [{}]}),
    }
    copy = tmp_path / "grammar.lark"
    shutil.copy(tables.GRAMMAR, copy)
    if stored in written:
        copy.with_suffix(".json").write_text(written[stored])
    made = []
    prepared = tables.prepared
    monkeypatch.setattr(tables, "GRAMMAR", copy)
    monkeypatch.setattr(tables, "prepared", lambda text: made.append(text) or prepared(text))
    graph = parse("f(u) = if(u > 0, u^2, -u); q = f(x) + 1; q*2")
    assert len(made) == (stored != "right")
    tables.tables.cache_clear()
    monkeypatch.undo()
    expected = parse("f(u) = if(u > 0, u^2, -u); q = f(x) + 1; q*2")
    assert contents(graph) == contents(expected)


def test_the_build_hook_adds_the_tables(tmp_path):
    from hatchling.builders.wheel import WheelBuilder

    source = tmp_path / "source"
    ignored = shutil.ignore_patterns(".*", "__pycache__", "tests")
    shutil.copytree(ROOT, source, ignore=ignored)
    before = {path for path in source.rglob("*") if "__pycache__" not in path.parts}
    (wheel,) = WheelBuilder(str(source)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(wheel) as archive:
        stored = json.loads(archive.read("backprop_grammar/language/grammar.json"))
    assert stored == tables.prepared(GRAMMAR)
    after = {path for path in source.rglob("*") if "__pycache__" not in path.parts}
    assert before == after


# what is loaded


def loaded(*args: str) -> set[str]:
    """The modules of a command's start, where the tables are prepared."""
    code = (
        "import json, pathlib, sys; from backprop_grammar.language import lalr as tables; "
        "tables.tables = lambda found=json.load(sys.stdin): found; "
        "from backprop_cli.app import run; run(sys.argv[1:]); "
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *args], capture_output=True, text=True, check=True,
        input=json.dumps(tables.prepared(GRAMMAR)),
    )  # fmt: skip
    return {name.split(".")[0] for name in done.stderr.split()}


HEAVY = {"rich", "lark", "numpy", "mpmath", "pydantic", "tempfile"}


@pytest.mark.parametrize(
    ("args", "needed"),
    [
        (["eval", "x*y", "--at", "x=1,y=2", "--json"], set()),
        (["eval", "x*y", "--at", "x=1,y=2"], {"rich"}),
        (["--help"], set()),
        (["eval", "--help"], set()),
    ],
)
def test_a_command_loads_little(args, needed):
    assert loaded(*args) & HEAVY == needed


def test_only_the_command_that_is_asked_for_is_built(monkeypatch):
    import typer.main

    from backprop_cli.app import app

    built = []
    real = typer.main.get_command_from_info

    def building(command_info, **more):
        built.append(command_info.name)
        return real(command_info, **more)

    monkeypatch.setattr(typer.main, "get_command_from_info", building)
    app(["schema", "error"], prog_name="backprop", standalone_mode=False)
    assert built == ["schema"]


def test_the_list_of_commands_imports_none_of_them():
    code = (
        "import sys; from backprop_cli.app import run; run(['--help']); "
        "print(*(name for name in sys.modules if name.startswith('backprop_')), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = done.stderr.split()
    assert "backprop_cli.commands" in names
    assert not [name for name in names if name.startswith("backprop_cli.commands.")]
