"""The shape of the code: what imports what, what is documented, what is loaded."""

import ast
import importlib
import pkgutil
import subprocess
import sys
from functools import cache

import pytest

import backprop_cli
import backprop_grammar
from tests.screens import ROOT

MODULES = [
    info.name
    for package in (backprop_cli, backprop_grammar)
    for info in pkgutil.walk_packages(package.__path__, package.__name__ + ".")
]
SOURCES = {"backprop_cli": ROOT / "cli", "backprop_grammar": ROOT / "grammar"}

ORDER = (
    "errors", "operations", "language", "blocks", "numbers", "passes", "symbolic", "trace",
    "arrays", "derivatives", "batch", "large", "descent", "diagnosis", "checks", "explain",
    "quiz", "views", "answers", "matrix_answers", "array_answers", "library",
)  # fmt: skip
"""The packages of the grammar; each imports only what stands before it."""

CLI_ORDER = (
    "png",
    "desktop",
    "screens",
    "data",
    "part",
    "formats",
    "input",
    "commands",
    "app",
    "__main__",
)
"""The packages of the command line, likewise."""


def path_of(module: str):
    """The file of a module of ours; None for what is none."""
    root = SOURCES.get(module.partition(".")[0])
    if root is None:
        return None
    place = root.joinpath(*module.split("."))
    found = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    return found if found.exists() else None


@cache
def statements(path) -> list[ast.AST]:
    """The imports, the conditions and the calls of names in a file, which is read once."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = ast.Import | ast.ImportFrom | ast.If
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, kinds)
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name))
    ]


@cache
def imported(module: str) -> list[tuple[str, ast.AST]]:
    """Every module of ours that a module imports, within functions and for types too."""
    path = path_of(module)
    here = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    found = []
    for node in statements(path):
        if isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else []
            full = ".".join(base + ([node.module] if node.module else []))
            for alias in node.names:
                inner = f"{full}.{alias.name}"
                found.append((inner if path_of(inner) else full, node))
        elif isinstance(node, ast.Import):
            found += [(alias.name, node) for alias in node.names]
    return [(name, node) for name, node in found if path_of(name)]


def room(module: str) -> str:
    """The package of the grammar in which a module stands."""
    return [*module.split("."), ""][1]


def outside(path) -> set[str]:
    """The packages of others that a file imports."""
    found = set()
    for node in statements(path):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(str(node.module).split(".")[0])
    return found


def test_packages_stand_in_an_order():
    for module in MODULES:
        package, order = module.split(".")[0], CLI_ORDER
        if package == "backprop_grammar":
            order = ORDER
        if room(module) not in order:
            assert not room(module), module
            continue
        for name, node in imported(module):
            if name.split(".")[0] != package:
                assert package == "backprop_cli", f"{module} imports {name}"
            elif room(name):
                upward = order.index(room(name)) > order.index(room(module))
                assert not upward, f"{module}:{node.lineno} imports {name}"


def test_no_module_imports_itself_by_way_of_others():
    arrows = {
        module: sorted({name for name, _ in imported(module)} - {module}) for module in MODULES
    }
    done: set[str] = set()

    def walk(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join([*path, module])
        if module not in done:
            for name in arrows.get(module, ()):
                walk(name, (*path, module))
            done.add(module)

    for module in MODULES:
        walk(module, ())


def test_imports_stand_at_the_top_or_say_why_they_do_not():
    for module in MODULES:
        if module.startswith("backprop_grammar"):
            path = path_of(module)
            text, types = path.read_text(encoding="utf-8").splitlines(), set[int]()
            for node in statements(path):
                if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                    types.update(range(node.lineno, (node.end_lineno or 0) + 1))
            for name, node in imported(module):
                if node.col_offset and node.lineno not in types:
                    assert "#" in text[node.lineno - 1], f"{module}:{node.lineno} imports {name}"


def test_the_grammar_knows_no_terminal_file_or_network():
    forbidden = {"backprop_cli", "typer", "rich", "numpy", "socket", "subprocess", "urllib", "sys"}
    for path in (ROOT / "grammar/backprop_grammar").rglob("*.py"):
        many = path.parent.name in ("batch", "large") or path.name in ("objective.py", "whole.py")
        columns = {"numpy"} if many else set()  # of points are NumPy's
        assert not outside(path) & (forbidden - columns), path.name


def test_no_code_runs_what_a_user_typed():
    for path in [*(ROOT / "cli").rglob("*.py"), *(ROOT / "grammar").rglob("*.py")]:
        called = {n.func.id for n in statements(path)
                  if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}  # fmt: skip
        assert not called & {"eval", "exec", "compile", "__import__"}, path.name
        assert not outside(path) & {"pickle", "marshal", "shelve"}, path.name


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
