"""The table of formats: its rows are what the help, the README and the schemas tell."""

import json
import re
from pathlib import Path

import pytest

from backprop_cli.formats import FORMATS, formats_of, module_of
from tests.screens import ROOT
from tests.support import call

README = (ROOT / "cli/README.md").read_text(encoding="utf-8")
PROGRAM = ["q = x + y; f = q*z", "--at", "x=-2,y=5,z=-4"]
COMMANDS = sorted({row.command for row in FORMATS} - {"eval", "step", "check"})
"""The commands that take --format."""


@pytest.mark.parametrize("row", FORMATS, ids=[f"{row.command}-{row.name}" for row in FORMATS])
def test_a_row_is_a_file(row):
    module = module_of(row)
    assert callable(module.show if row.screen else module.render)
    assert (module.show if row.screen else module.render).__doc__
    if row.schema:
        code, out, _ = call("schema", row.schema)
        assert (code, json.loads(out)["type"]) == (0, "object")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_and_readme_list_the_formats(command):
    code, out, _ = call(command, "--help")
    said = " ".join(out.split())
    listed = re.search(r"--format NAME Print it as ([^.]*)\.", said)
    assert code == 0
    assert listed is not None
    assert listed[1].split(", ") == list(formats_of(command))
    for name, row in formats_of(command).items():
        line = next((text for text in README.splitlines() if text.startswith(f"| `{command}` | `{name}`")), "")  # fmt: skip
        assert line, f"the README's table of formats lacks {command} {name}"
        assert row.doc in line
        assert (row.suffix in line) if row.suffix else True


def test_every_schema_is_of_a_format():
    folder = ROOT / "grammar/backprop_grammar/views/documents/schemas"
    files = {path.name.split(".")[0] for path in folder.glob("*.json")}
    others = {"arrays", "array_derive", "array_explanation", "array_step", "error", "functions", "matrix"}  # fmt: skip
    assert files == {row.schema for row in FORMATS if row.schema} | others


@pytest.mark.parametrize("command", COMMANDS)
def test_every_format_is_written_whole(command, tmp_path):
    answers = tmp_path / "answers.csv"
    answers.write_text("student,x,y\nA,-4,-4\n", encoding="utf-8")
    program = [*PROGRAM, *(["--answers", str(answers)] if command == "grade" else [])]
    for name, row in formats_of(command).items():
        if row.screen:
            continue
        path = tmp_path / f"out{row.suffix or '.txt'}"
        code, out, err = call(command, *program, "--format", name, "-o", str(path))
        assert (code, out) == (0, ""), err
        assert path.stat().st_size >= 15
        if not row.binary:
            code, printed, _ = call(command, *program, "--format", name)
            assert code == 0
            kept = path.read_text(encoding="utf-8")
            assert printed == kept.replace(f"-o {path.name}", f"--format {name}")  # its command
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["-o", "graph.gif"], "unknown suffix .gif"),
        (["-o", "graph"], "the name of the file has no suffix"),
        (["--format", "svgg"], "did you mean svg?"),
        (["--format", "png"], "png is for a file"),
        (["--format", "terminal", "-o", "x.svg"], "terminal is for the terminal"),
        (["-o", "/nowhere/at/all/graph.svg"], "cannot write"),
        (["-o", "."], ". is a folder"),
    ],
)
def test_refusals(args, said):
    code, out, err = call("graph", *PROGRAM, *args)
    assert (code, out) == (2, "")
    assert said in err


def test_a_picture_without_words_leaves_remarks_to_standard_error():
    code, out, err = call("graph", "sqrt(x) + relu(y)", "--at", "x=0,y=0", "--format", "svg")
    assert code == 3
    assert out.startswith("<?xml")
    assert err.splitlines()[0].startswith("note: relu has a kink")
    assert err.splitlines()[-1].startswith("flag: the gradient of x is +infinite")
    code, out, err = call("graph", "sqrt(x)", "--at", "x=0")
    assert (code, err) == (3, "")
    assert "flag: " in out


def test_a_file_that_was_there_stays_when_writing_fails(tmp_path):
    path = tmp_path / "graph.svg"
    path.write_text("before")
    code, _, _ = call("graph", "log(x)", "--at", "x=-1", "-o", str(path))
    assert code == 1
    assert path.read_text() == "before"
    path.chmod(0o640)
    assert call("graph", *PROGRAM, "-o", str(path))[0] == 0
    assert path.read_text().startswith("<?xml")
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_link_goes_on_pointing(tmp_path):
    (tmp_path / "target.svg").write_text("old")
    (tmp_path / "link.svg").symlink_to("target.svg")
    assert call("graph", *PROGRAM, "-o", str(tmp_path / "link.svg"))[0] == 0
    assert (tmp_path / "link.svg").is_symlink()
    assert (tmp_path / "target.svg").read_text().startswith("<?xml")


def test_a_device_is_written_to():
    assert call("graph", *PROGRAM, "--format", "svg", "-o", "/dev/null")[0] == 0
    assert Path("/dev/null").is_char_device()
