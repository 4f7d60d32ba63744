"""What a user typed, or found in a file, comes out visible and harmless in every format.

Whoever prints a program of somebody else prints what that one wrote: characters that a terminal
obeys, markup, and the ends of comments of every language that is written.
"""

import ast
import csv
import html.parser
import io
import json
import math
import re
import shutil
import subprocess
import sys
import unicodedata
import xml.etree.ElementTree as ET
from functools import cache

import pytest

from tests import commands
from tests.support import call, run, streams

ATTACKS = {
    "escape": "\x1b[31m\x1b]0;title\x07",
    "control": "\x07\x08\x7f\x85\x9b31m",
    "bidi": "\u202e\u2066\u200f\u061c",
    "markup": "[bold red]x[/bold red] :smile: [link=file:///etc/passwd]",
    "tags": "</script><script>alert(1)</script><img src=x onerror=alert(1)>]]>&lt;--><!--",
    "python": '"""\\x00\'\'\'\\N{BULLET}\\',
    "c": "*/ system(\"x\"); /* ??/ \\",
    "tex": "\\end{document}\\input{/etc/passwd}\\write18{x}^^M%$#_{}~",
    "dot": '"];}\\" label=<b> URL="javascript:x"',
    "mermaid": "%%{init: {}}%% click n1 call x() \"]",
    "markdown": "![x](http://x) `` ` ``` <b> | # -",
    "lines": "\r\x0b\x0c\x1c\u2028\u2029",
    "zero width": "\u200b\ufeff\u2060",
}  # fmt: skip
each_attack = pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)

PROGRAM = "q = x*y # {0}\nf = q*exp(y) # {0}"
POINT = "x=1.5,y=0.25"


def obeyed(text: str) -> list[str]:
    """Characters that a terminal or an editor obeys instead of showing them."""
    return [
        c for c in text
        if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") and c != "\n"
    ]  # fmt: skip


def in_every_format(program: str):
    """(command, format, text) of every command that prints, and the errors it says."""
    for args in commands.printing(program, "--at", POINT) + commands.asking(program, POINT, "x"):
        code, out, err = call(*args)
        assert code in (0, 1), (args, err)
        assert "unexpected" not in err
        yield args, out, err


@each_attack
def test_a_program_with_hostile_comments(attack):
    """Comments may hold anything that a language lets them hold; it is not passed on."""
    program = PROGRAM.format(attack)
    code, _, err = call("eval", program, "--at", POINT)
    if code:  # the language refuses it: visibly
        assert code == 1
        assert not obeyed(err)
        return
    for args, out, err in in_every_format(program):
        assert not obeyed(out), args
        assert not obeyed(err), args
        harmless(args, out)


SPELLED = "import numpy # {0}\nq = x·y # {0}\n(q)np.exp(y)|y| + x^1/(2 # {0}\n) + 2e3θ·theta"
"""A program in other spellings, with everything of it that is noted."""


@each_attack
def test_a_program_in_other_spellings_with_hostile_comments(attack):
    for args in (
        ["eval", "--json"],
        ["eval"],
        ["explain", "--format", "markdown"],
        ["graph", "--format", "html"],
        ["explain", "--format", "latex"],
        ["derive", "--format", "c"],
    ):
        program = SPELLED.format(attack)
        code, out, err = call(args[0], program, "--at", f"{POINT},θ=1", *args[1:])
        assert code in ((0,) if attack.isprintable() else (0, 1, 2)), err
        assert not obeyed(out + err), args
        assert (
            'system("x")' not in out + err
            and "\\input{" not in out + err
            and "<img" not in out + err
        )


ARRAYS = "q = W @ x # {0}\nf = norm(q)^2 # {0}"


@each_attack
def test_a_program_over_arrays_with_hostile_comments(attack):
    program = ARRAYS.format(attack)
    code, out, err = call("eval", program, "--at", "W=[1,2;3,4],x=[1,-1]", "--json")
    assert not obeyed(out + err)
    assert code in (0, 1)
    if code == 0:
        told = json.loads(out, parse_constant=lambda word: 1 / 0)
        assert told["value"] == pytest.approx(2, rel=1e-12)


def test_most_attacks_are_comments():
    """Were they refused, nothing of the above would be tested."""
    passed = [a for a in ATTACKS.values() if call("eval", PROGRAM.format(a), "--at", POINT)[0] == 0]
    assert len(passed) >= 7


def harmless(args: list[str], out: str) -> None:
    """The text, parsed by a strict reader of its format, has no active content."""
    wanted = args[args.index("--format") + 1] if "--format" in args else ""
    if wanted == "svg":
        picture(out)
    elif wanted == "html":
        page(out, args[0])
    elif "--json" in args and args[0] != "step":
        json.loads(out, parse_constant=lambda word: 1 / 0)
    elif wanted in ("python", "numpy", "jax", "torch"):
        tree = ast.parse(out)
        named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert not named & {"system", "alert", "eval", "exec"}
    elif wanted == "dot":
        dot_accepts(out)
    elif wanted == "c":
        gcc_accepts(out)
    elif wanted == "javascript":
        node_accepts(out)
    elif wanted == "latex":
        assert "\\input" not in out.replace("\\inputenc", "")
        assert "\\write" not in out


def picture(out: str) -> None:
    root = ET.fromstring(out)
    for element in root.iter():
        tag = str(element.tag).rpartition("}")[2]
        assert tag in {"svg", "g", "path", "rect", "text", "tspan", "title", "desc", "style", "circle", "line", "polyline", "ellipse", "defs", "marker", "polygon"}, tag  # fmt: skip
        assert not [name for name in element.attrib if name.startswith("on") or "href" in name]


class Page(html.parser.HTMLParser):
    """The tags of a page, each with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


@cache
def plain_tags(command: str) -> list[str]:
    """The tags of a command's page without an attack."""
    plain = Page()
    plain.feed(call(command, PROGRAM.format(""), "--at", POINT, "--format", "html")[1])
    return sorted(tag for tag, _ in plain.tags)


def page(out: str, command: str) -> None:
    reader = Page()
    reader.feed(out)
    # the text of the user adds no element: as many of each as in the page without it
    assert sorted(tag for tag, _ in reader.tags) == plain_tags(command)
    for tag, attributes in reader.tags:
        assert not [name for name in attributes if name.startswith("on")], tag
        assert not re.match(r"\s*(javascript|https?):", attributes.get("src") or attributes.get("href") or "")  # fmt: skip


@cache  # what is the same with every attack is compiled once
def gcc_accepts(out: str) -> None:
    if shutil.which("gcc"):
        done = subprocess.run(
            ["gcc", "-fsyntax-only", "-Wall", "-Werror", "-x", "c", "-"],
            input=out, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


@cache
def node_accepts(out: str) -> None:
    if shutil.which("node"):
        done = subprocess.run(["node", "--check", "-"], input=out, capture_output=True, text=True, timeout=60, check=False)  # fmt: skip
        assert done.returncode == 0, done.stderr


@cache
def dot_accepts(out: str) -> None:
    if shutil.which("dot") is None:
        return  # read by the test below, which says that it is skipped
    done = subprocess.run(["dot", "-Tplain"], input=out, capture_output=True, text=True, timeout=60, check=False)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("dot") is None, reason="graphviz is not installed")
def test_graphviz_reads_the_dot():
    dot_accepts(
        call("graph", "q = x*y; f = max(q, sigmoid(y))", "--at", POINT, "--format", "dot")[1]
    )
    with pytest.raises(AssertionError):
        dot_accepts("digraph { a -> ]")


@each_attack
@pytest.mark.parametrize(
    "args",
    [
        ["eval", "x + {}"],
        ["eval", "{} = 1; x"],
        ["eval", "x", "--at", "{}=1"],
        ["eval", "x", "--at", "x={}"],
        ["eval", "x", "--at", "@/nowhere/{}"],
        ["eval", "--file", "/nowhere/{}"],
        ["eval", "x", "--at", "x=1", "--wrt", "{}"],
        ["eval", "x", "--at", "x=1", "--output", "{}"],
        ["eval", "x", "--at", "x=1", "--expand", "{}"],
        ["eval", "x", "--at", "x=1", "--upstream", "{}"],
        ["eval", "sum({} @ [1, 2])", "--at", "x=[1,2]"],
        ["eval", "x[{}]", "--at", "x=[1,2]"],
        ["eval", "x: 2x{}; sum(x)", "--at", "x=[1,2]"],
        ["eval", "sum(x, axis={})", "--at", "x=[1,2]"],
        ["eval", "sum(x)", "--at", "x=[1,{};3]"],
        ["eval", "sum(x)", "--at", 'x=[1,2],W=[1,"{}"]'],
        ["eval", "sum(x)", "--at", '{{"x": [1, "{}"]}}'],
        ["eval", "x*x", "--at", "x=[1,2]", "--upstream", "[1,{}]"],
        ["eval", "x*x", "--at", "x=[1,2]", "--wrt", "x[{}]"],
        ["eval", "x", "--{}"],
        ["graph", "x*x", "--at", "x=1", "--format", "{}"],
        ["graph", "x*x", "--at", "x=1", "-o", "/nowhere/{}.svg"],
        ["graph", "x*x", "--at", "x=1", "-o", "/nowhere/x.{}"],
        ["explain", "x*x", "--at", "x=1", "--node", "{}"],
        ["check", "x*x", "--at", "x=1", "--claim", "{}=1"],
        ["check", "x*x", "--at", "x=1", "--claim", "x={}"],
        ["check", "x*x", "--against", "{}", "--over", "x=1:2"],
        ["check", "x*x", "--against", "x", "--over", "x={}:2"],
        ["derive", "x*x", "--jvp", "{}=1"],
        ["step", "x*x", "--at", "x=1", "--method", "{}"],
        ["functions", "{}"],
        ["schema", "{}"],
        ["{}"],
    ],
    ids=lambda args: " ".join(args),
)
def test_messages_show_it(args, attack):
    args = [arg.replace("{}", attack.replace("\0", "")) for arg in args]
    code, out, err = call(*args)
    if code == 0:  # white space only is as if it were left out
        assert attack.isspace() and not obeyed(out + err)
        return
    assert code in ((2, 4) if args[0] == "check" else (1, 2)), err
    assert not obeyed(out + err)
    assert len(err) <= 1500
    assert err.startswith("error: ")
    code, out, err = call(*args, "--json")
    if code == 2 and not err.startswith("{"):  # a command that has no --json
        return
    assert json.loads(err)["format"]
    assert not obeyed(out + err)


def test_a_point_of_a_file_with_hostile_names():
    for attack in ATTACKS.values():
        text = json.dumps({"x": 1, attack: 2}).encode()
        for args in (["eval", "x*x", "--at", "@-"], ["graph", "x*x", "--at", "@-", "--format", "html"]):  # fmt: skip
            code, out, err = call(*args, stdin=text)
            assert code in (0, 1), err
            assert not obeyed(out + err)


FORMULAS = ["=1+1", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "\r=1", '=HYPERLINK("x")']
"""Cells that a spreadsheet computes."""


def test_no_cell_that_is_added_is_a_formula(tmp_path):
    """What a program or a table of somebody else makes us write is a number or begins with a letter."""
    attacks = [*FORMULAS, *ATTACKS.values()]
    table = tmp_path / "points.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([("id", "x"), *((text, text) for text in attacks), ("", "1")])  # fmt: skip
    for form, separator in (("csv", ","), ("tsv", "\t")):
        code, out, err = call("map", "log(x)*x # =1+1", "--points", str(table), "--to", form)
        assert code == 3, err
        assert not obeyed(err)
        rows = list(csv.reader(io.StringIO(out, newline=""), delimiter=separator))
        assert rows[0] == ["id", "x", "value", "d_x", "status"]
        assert [row[0] for row in rows[1:]] == [*attacks, ""]  # the user's own are not touched
        for row in rows[1:]:
            assert all(not text or math.isfinite(float(text)) for text in row[2:4])
            assert not row[4] or (row[4][0].isalpha() and not obeyed(row[4]))
        assert rows[-1][2:] == ["0.0", "1.0", ""]


class Terminal(io.BytesIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl"])
def test_a_terminal_shows_the_cells_of_a_table(tmp_path, form):
    table = tmp_path / f"points.{form}"
    if form == "jsonl":
        table.write_text('{"id": "\u202e\x9bé", "x": 1}\n', encoding="utf-8")
    else:
        text = "id,x\n\x1b[31m\u202e\x9bé,1\n"
        table.write_text(text.replace(",", "\t") if form == "tsv" else text, encoding="utf-8")
    there = Terminal()
    with streams(b""):
        sys.stdout = io.TextIOWrapper(there, "utf-8")
        assert run(["map", "log(x)", "--points", str(table), "--columns", "value"]) == 0
        sys.stdout.flush()
        shown = there.getvalue().decode()
    assert not [c for c in obeyed(shown) if c != "\t"]
    assert "\\u202e\\x9bé" in shown
    assert shown.count("\n") == (1 if form == "jsonl" else 2)


def test_the_eye_sees():
    assert obeyed("a\x1bb\u202ec\n") == ["\x1b", "\u202e"]
    with pytest.raises(AssertionError):
        picture("<svg><script>x</script></svg>")
    with pytest.raises(AssertionError):
        page("<p onclick=x>", "graph")
