"""The shape of the code: what imports what, what is documented, what is loaded."""

import ast
import importlib
import pkgutil
import subprocess
import sys

import pytest

import backprop_cli
import backprop_grammar
from tests.screens import ROOT

MODULES = [
    info.name
    for package in (backprop_cli, backprop_grammar)
    for info in pkgutil.walk_packages(package.__path__, package.__name__ + ".")
]


def imports(path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(str(node.module).split(".")[0])
    return found


def test_the_grammar_knows_no_terminal_file_or_network():
    forbidden = {"backprop_cli", "typer", "rich", "numpy", "socket", "subprocess", "urllib", "sys"}
    many = {"kernel.py", "chunks.py", "rowwise.py", "vectors.py"}  # columns of points are NumPy's
    for path in (ROOT / "grammar/backprop_grammar").glob("*.py"):
        assert not imports(path) & (forbidden - ({"numpy"} if path.name in many else set())), (
            path.name
        )


def test_every_module_is_on_the_map():
    told = (ROOT / ".github/CONTRIBUTING.md").read_text(encoding="utf-8")
    for folder in ("cli", "grammar"):
        for path in (ROOT / folder).rglob("*.py"):
            listed = path.parent.name == "formats" or path.name == "__init__.py"
            assert listed or f"`{path.name}`" in told, path.name


def test_no_code_runs_what_a_user_typed():
    for path in [*(ROOT / "cli").rglob("*.py"), *(ROOT / "grammar").rglob("*.py")]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        called = {n.func.id for n in ast.walk(tree)
                  if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}  # fmt: skip
        assert not called & {"eval", "exec", "compile", "__import__"}, path.name
        assert not imports(path) & {"pickle", "marshal", "shelve"}, path.name


@pytest.mark.parametrize("name", MODULES)
def test_what_is_public_is_documented(name):
    module = importlib.import_module(name)
    assert module.__doc__, name
    for public in getattr(module, "__all__", ()):
        thing = getattr(module, public)
        if callable(thing) and getattr(thing, "__module__", "") == name:
            assert thing.__doc__, f"{name}.{public}"


def test_the_json_path_loads_little():
    code = (
        "import sys; from backprop_cli.app import run; "
        "run(['eval', 'x*y', '--at', 'x=1,y=2', '--json']); "
        "print(sorted({m.split('.')[0] for m in sys.modules}"
        " & {'rich', 'numpy', 'pydantic', 'mpmath'}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_the_top_level_is_the_one_agreed():
    shown = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert shown <= {
        "pyproject.toml", "README.md", "LICENSE", "cli", "grammar", "tests", "samples",
        "dist", "build",
    }  # fmt: skip
