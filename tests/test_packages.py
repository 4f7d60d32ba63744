"""What is built holds what it should, no more, and runs outside the tree."""

import subprocess
import sys
import tarfile
import venv
import zipfile

import pytest

from backprop_cli.commands import COMMANDS, module_of
from backprop_cli.screens.usage import EXAMPLES
from tests.screens import ROOT

SUFFIXES = {
    "cli/backprop_cli": {".py", ".typed"},
    "grammar/backprop_grammar": {".py", ".lark", ".json", ".html", ".css", ".js", ".typed"},
}
"""The kinds of files that a package holds."""


def sources() -> set[str]:
    """The files of the two packages, by their paths in the tree."""
    return {
        str(path.relative_to(ROOT))
        for folder, suffixes in SUFFIXES.items()
        for path in (ROOT / folder).rglob("*")
        if path.suffix in suffixes and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The wheel and the source distribution, built by the build system alone."""
    folder = tmp_path_factory.mktemp("dist")
    code = "from hatchling import build; import sys; build.build_wheel(sys.argv[1]); build.build_sdist(sys.argv[1])"  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], cwd=ROOT, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {path.suffix: path for path in folder.iterdir()}


def test_the_wheel_holds_the_packages_and_nothing_else(built):
    names = set(zipfile.ZipFile(built[".whl"]).namelist())
    about = {name for name in names if ".dist-info/" in name}
    assert {name.partition(".dist-info/")[2] for name in about} == {
        "METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE",
    }  # fmt: skip
    added = {  # by the build hook
        "backprop_grammar/language/grammar.json",
        *(f"backprop_cli/manual/{part}.md" for part in ("cli", "grammar")),
        *(
            f"backprop_cli/samples/{path.name}" for path in (ROOT / "samples").iterdir()
            if path.suffix in (".bp", ".csv", ".json")
        ),
    }  # fmt: skip
    assert names - about == {name.partition("/")[2] for name in sources()} | added


def test_the_source_distribution_holds_what_builds_and_tests_it(built):
    with tarfile.open(built[".gz"]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert sources() <= names
    documents = {
        "README.md",
        *(f"{part}/README.md" for part in ("cli", "grammar", "samples", "tests")),
    }
    assert documents <= names
    top = {name.split("/")[0] for name in names}
    assert top == {"cli", "grammar", "tests", "samples", "pyproject.toml", "README.md", "LICENSE", "PKG-INFO", ".gitignore"}  # fmt: skip
    assert not [name for name in names if "__pycache__" in name or ".venv" in name]
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if tracked.returncode == 0:  # a checkout, not an unpacked distribution
        wanted = {
            name for name in tracked.stdout.splitlines()
            if name.split("/")[0] in top and (ROOT / name).exists()
        }  # fmt: skip
        assert wanted <= names


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """The Python of an environment in which the wheel is installed.

    Without its dependencies, which it finds where these tests find theirs.
    """
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False)
    site = next((folder / "lib").glob("python3*/site-packages"))
    zipfile.ZipFile(built[".whl"]).extractall(site)
    needed = [path for path in sys.path if path.endswith("site-packages")]
    (site / "needed.pth").write_text("\n".join(needed) + "\n", encoding="utf-8")
    script = folder / "bin/backprop"
    script.write_text(
        f"#!{folder}/bin/python\nfrom backprop_cli.__main__ import main\nmain()\n", encoding="utf-8"
    )
    script.chmod(0o755)
    return folder


def run(installed, place, *args: str) -> subprocess.CompletedProcess[str]:
    """What a command does in a place outside of the tree."""
    return subprocess.run(
        args, cwd=place, capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": f"{installed}/bin:/usr/local/bin:/usr/bin:/bin", "HOME": str(place)},
    )  # fmt: skip


def test_the_wheel_runs_outside_the_tree(installed, tmp_path):
    where = run(installed, tmp_path, "python", "-c", "import backprop_cli, backprop_grammar; print(backprop_cli.__file__, backprop_grammar.__file__)")  # fmt: skip
    assert where.stdout.count(str(installed)) == 2, where
    for args in (["--version"], ["schema"], ["graph", "x*y", "--at", "x=3,y=4", "--format", "html"], ["functions", "sin"], ["samples"]):  # fmt: skip
        done = run(installed, tmp_path, "backprop", *args)
        assert (done.returncode, done.stderr) == (0, ""), args


def test_the_examples_of_every_help_run_outside_the_tree(installed, tmp_path):
    """As a shell runs them, each in an empty folder."""
    helps = [EXAMPLES, *(module_of(command).EXAMPLES for command in COMMANDS)]
    for k, line in enumerate(line for text in helps for line in text.splitlines()):
        place = tmp_path / str(k)
        place.mkdir()
        assert len(line) <= 78, line
        done = run(installed, place, "bash", "-c", f"set -o pipefail; {line}")
        assert done.returncode == 0, (line, done.stderr)
        assert "error" not in done.stderr, line


def test_samples_are_those_of_the_clone(installed, tmp_path):
    for path in (ROOT / "samples").iterdir():
        if path.suffix in (".bp", ".csv", ".json"):
            done = run(installed, tmp_path, "backprop", "samples", path.name)
            assert done.stdout == path.read_text(encoding="utf-8"), path
