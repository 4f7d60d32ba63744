"""The documents: their blocks run and print what they say, and what they point at is there."""

import doctest
import os
import re
import shutil
import subprocess
from collections import Counter
from itertools import accumulate
from pathlib import Path

import pytest

from backprop_grammar.operations import lowerings, structural, table
from backprop_grammar.operations.structural import array_rows
from tests.screens import ROOT, UPDATE, environment, play, replay
from tests.support import call
from tests.test_structure import MODULES, ORDER, imported, room

DOCUMENTS = {
    name: ROOT / name
    for name in (
        "README.md", "grammar/README.md", "cli/README.md", "samples/README.md", "tests/README.md",
        ".github/CONTRIBUTING.md",
    )
}  # fmt: skip
TEXTS = {name: path.read_text(encoding="utf-8") for name, path in DOCUMENTS.items()}
PROSE = {
    name: re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    for name, text in TEXTS.items()
}
"""The documents without their blocks."""

FRONT, GRAMMAR, CLI, SAMPLES, TESTS, CONTRIBUTING = DOCUMENTS


def blocks(name: str, kind: str) -> list[str]:
    """The blocks of a kind in a document."""
    fenced = re.finditer(r"^```(\w*)\n(.*?)^```$", TEXTS[name], re.MULTILINE | re.DOTALL)
    return [match[2] for match in fenced if match[1] == kind]


def sections(text: str, level: str) -> dict[str, str]:
    """What stands under each heading of a level, `##` or `###`, in some prose."""
    parts = re.split(rf"^{level} (.*)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


CONSOLE = [(name, block) for name in DOCUMENTS for block in blocks(name, "console")]
SETUP = [line for block in blocks(FRONT, "sh") for line in block.splitlines()]


def answer(command: str) -> str:
    """What a command shows. A picture that it saves is not written but held against the file."""
    saves = re.fullmatch(r"(backprop (?:graph|quiz) .*) -o (samples/\S+\.svg)", command)
    if not saves:
        return play(command)
    drawn, path = play(f"{saves[1]} --format svg") + "\n", ROOT / saves[2]
    if UPDATE:
        path.write_text(drawn, encoding="utf-8")
    assert drawn == path.read_text(encoding="utf-8")
    return ""


@pytest.mark.parametrize(
    ("name", "block"), CONSOLE, ids=[f"{n}:{b.splitlines()[0][2:50]}" for n, b in CONSOLE]
)
def test_console_block(name, block):
    shown = replay(block, answer)
    if UPDATE:
        text = DOCUMENTS[name].read_text(encoding="utf-8")
        text = text.replace(f"```console\n{block}```", f"```console\n{shown}```")
        DOCUMENTS[name].write_text(text, encoding="utf-8")
    assert shown == block


def test_python_blocks_of_the_library():
    """They are one session, from the first to the last."""
    session = "\n".join(blocks(GRAMMAR, "pycon"))
    runner = doctest.DocTestRunner(verbose=False)
    told: list[str] = []
    runner.run(doctest.DocTestParser().get_doctest(session, {}, GRAMMAR, None, 0), out=told.append)
    assert runner.tries > 20
    assert runner.failures == 0, "".join(told)


def test_every_block_is_of_a_known_kind():
    for name, text in TEXTS.items():
        kinds = set(re.findall(r"^```(\w*)\n.*?^```$", text, re.MULTILINE | re.DOTALL))
        known = {
            TESTS: {"text"},
            GRAMMAR: {"console", "pycon"},
            FRONT: {"console", "sh"},
            CLI: {"console", "sh"},
            CONTRIBUTING: {"python", "sh"},
        }
        assert kinds <= known.get(name, {"console"}), name


def test_the_front_page_is_short_and_narrow():
    assert len(TEXTS[FRONT].encode()) < 8_192
    for block in blocks(FRONT, "console"):
        assert max(map(len, block.splitlines())) <= 100


def test_the_figures_of_the_front_page_are_those_of_the_tests():
    table = re.search(r"^\| \| backprop \|.*?\n\n", TEXTS[FRONT], re.MULTILINE | re.DOTALL)
    measured = set(re.split(r"[ |*\n]+", PROSE[TESTS]))
    for row in table[0].strip().splitlines()[2:]:
        figures = [cell.strip() for cell in row.split("|")[2:] if re.search(r"\d", cell)]
        assert set(figures) <= measured, row


def test_the_row_to_add_is_one():
    text, _ = blocks(CONTRIBUTING, "python")
    (made,) = eval(f"({text})", vars(table))
    assert made.name not in table.OPERATIONS
    assert len(made.rules) == len(made.operands)


def test_the_row_over_arrays_to_add_is_one(monkeypatch):
    _, text = blocks(CONTRIBUTING, "python")
    lowering, row = text.split("\n\n\n")
    known = vars(lowerings) | {"accumulate": accumulate}
    exec(lowering, known)
    monkeypatch.setattr(lowerings, "cumsum", known["cumsum"], raising=False)
    (made,) = eval(f"({row})", vars(structural))
    assert made.name not in structural.STRUCTURAL
    monkeypatch.setitem(structural.STRUCTURAL, made.name, made)
    assert call("functions", made.name, "--verify")[0] == 0
    _, out, _ = call("eval", "c = cumsum(x); dot(c, c)", "x=[1,2,-1]", "--get", "gradients.x")
    assert out == "[12.0, 10.0, 4.0]\n"


def test_the_sheet_is_that_of_the_table():
    """It takes a minute to make, so its rows are compared, and their numbers only bounded."""
    (sheet,) = blocks(TESTS, "text")
    rows = [re.split(r"  +", line) for line in sheet.strip().splitlines()[2:]]
    shown = [row for row in table.ROWS if not row.hidden]
    assert [row[0] for row in rows] == [row.signature for row in (*shown, *array_rows())]
    for k, row in enumerate(rows):
        errors = [float(number) for cell in row[2:] for number in cell.split(", ")]
        assert max(errors, default=0) <= (3 if k < len(shown) else 50), row


@pytest.mark.skipif(not os.environ.get("CI"), reason="needs a package index; runs where CI is set")
def test_the_first_command_on_a_fresh_machine(tmp_path):
    for name in ("cli", "grammar", "samples", "pyproject.toml", "README.md", "LICENSE"):
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
    assert len(SETUP) == 2
    assert SETUP[1].startswith("python3 -m venv .venv && ")
    assert SETUP[1].endswith("pytest")


# What the documents point at


def anchor(heading: str) -> str:
    """The anchor that a heading gets on a page."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def anchors(path: Path) -> list[str]:
    prose = PROSE[str(path.relative_to(ROOT))]
    return [anchor(heading) for heading in re.findall(r"^#+ (.*)$", prose, re.MULTILINE)]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name):
    links = re.findall(r"\]\(([^)\s]+)\)", PROSE[name])
    for link in links:
        if link.startswith("https://"):
            continue
        file, _, place = link.partition("#")
        target = (DOCUMENTS[name].parent / file).resolve() if file else DOCUMENTS[name]
        assert target.exists(), link
        assert not place or place in anchors(target), link
    assert not [a for a, count in Counter(anchors(DOCUMENTS[name])).items() if count > 1]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_files_that_are_named_are_there(name):
    files = [path for part in ("cli", "grammar", "tests") for path in (ROOT / part).rglob("*")]
    known = [f"/{path.relative_to(ROOT)}" for path in files if "__pycache__" not in path.parts]
    for file in re.findall(r"`([\w./]+\.(?:py|lark))`", PROSE[name]):
        assert any(path.endswith(f"/{file}") for path in known), file
    for module in re.findall(r"python -m (tests\.\w+)", PROSE[name]):
        assert any(path.startswith(f"/{module.replace('.', '/')}") for path in known), module


def test_the_order_of_the_packages_is_the_code_s():
    order = sections(PROSE[GRAMMAR], "##")["The order of the packages"]
    described = {title.strip("`"): text for title, text in sections(order, "###").items()}
    assert tuple(described) == ORDER
    for package, text in described.items():
        (permitted,) = re.findall(r"\*\*May know\*\*(.*?)^- ", text, re.MULTILINE | re.DOTALL)
        if "all above" in permitted:
            continue
        for module in MODULES:
            if module.startswith("backprop_grammar") and room(module) == package:
                known = {room(name) for name, _ in imported(module)} - {package}
                more = known - set(re.findall(r"`(\w+)`", permitted))
                assert not more, f"{module} knows {more}, which {GRAMMAR} does not say"


@pytest.mark.parametrize(
    ("name", "package"), [(GRAMMAR, "backprop_grammar"), (CLI, "backprop_cli")]
)
def test_every_module_has_its_place_in_the_map(name, package):
    named = set(re.findall(r"`(?:[\w.]+/)*(\w+)(?:\.py)?`", PROSE[name]))
    modules = {module.split(".")[-1] for module in MODULES if module.startswith(package)}
    assert modules <= named, f"{name} does not say what these are for: {modules - named}"


def test_every_file_of_tests_and_samples_is_described():
    for name in (TESTS, SAMPLES):
        files = {path.name for path in DOCUMENTS[name].parent.iterdir()}
        for file in sorted(files - {"README.md", "__init__.py", "__pycache__"}):
            assert file in TEXTS[name], file


def test_every_command_and_option_is_described():
    _, out, _ = call("--help")
    commands = re.findall(r"^  (\w+)  +[A-Z]", out.partition("Commands:")[2], re.MULTILINE)
    assert len(commands) >= 9
    titles = " ".join(sections(PROSE[CLI], "##"))
    for command in commands:
        assert command in titles, command
        _, shown, _ = call(command, "--help")
        for option in re.findall(r"^  (?:-\w, )?(--[a-z-]+)", out + shown, re.MULTILINE):
            assert option in PROSE[CLI], option


def test_the_exit_codes_are_the_help_s():
    described = {row.split("|")[1].strip() for row in re.findall(r"^\| \d.*", PROSE[CLI], re.M)}
    _, out, _ = call("--help")
    assert set(re.findall(r"\b(\d+) [a-z]", out.partition("Exit codes:")[2])) <= described
