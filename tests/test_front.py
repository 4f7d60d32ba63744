"""What people type: a command line as it comes, to what it means, or to what was meant by it."""

import json
import os
import pty
import re
import select
import shlex
import struct
import subprocess
import termios
from fcntl import ioctl
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backprop_cli.app import app
from backprop_cli.commands import COMMANDS
from backprop_cli.data.columns import read_renames
from backprop_cli.formats import FORMATS
from backprop_cli.input.argv import TOOL_OPTIONS
from backprop_cli.input.point import pieces
from backprop_cli.input.words import OTHER_COMMANDS, OTHER_OPTIONS, one_edit
from backprop_cli.part import part_of
from backprop_cli.screens.diagnostics import REFUSALS, refusal
from tests.screens import ROOT, environment
from tests.support import BackpropError, Source, call, often

# the command


XY = ("x*y", {"x": 3.0, "y": 4.0})
RUN: list[tuple[str, tuple[str, dict[str, float]], str]] = [
    ("'x*y' x=3 y=4", XY, ""),
    ("'x*y' --at x=3 --at y=4", XY, ""),
    ("'x*y' --at x=3 y=4", XY, ""),
    ("eval --at x=3 'x*y' y=4", XY, ""),
    ("x=3 - y=4", XY, "x*y"),
    ("- x=3 y=4", XY, "x*y"),
    ("--at x=3,y=4", XY, "x*y"),
    ("eval --at 'x=3;y=4'", XY, "x*y"),
    ("-f - x=3 y=4", XY, "x*y"),
    ("'x*y' @-", XY, '{"x": 3, "y": 4}'),
    ("'x*y' x=3 @-", XY, '{"y": 4}'),
    ("""'x*y' '{"x": 3, "y": 4}'""", XY, ""),
    ("""'x*y' --at '{"x": 3}' y=4""", XY, ""),
    ("""'x*y' --at '{"x": 3, "y": 4, "z": 5}'""", XY, ""),
    ("'x*y' 'x = 3, y = 4'", XY, ""),
    ("'x*y' 'x=3 y=max(1, 4)'", XY, ""),
    ("'x*y' ' x = 3 ; y = 4 '", XY, ""),
    ("'x*y' 'x=3,\ny=4'", XY, ""),
    ("--at x=3 eval 'x*y' y=4", XY, ""),
    ("-x^2 x=3", ("-x^2", {"x": 3.0}), ""),
    ("-x x=3", ("-x", {"x": 3.0}), ""),
    ("-x*y x=3 y=4", ("-x*y", XY[1]), ""),
    ("--x x=3", ("--x", {"x": 3.0}), ""),
    ("--xy xy=3", ("--xy", {"xy": 3.0}), ""),
    ("-- map map=3", ("map", {"map": 3.0}), ""),
    ("-- -f f=3", ("-f", {"f": 3.0}), ""),
    ("-- -q q=3", ("-q", {"q": 3.0}), ""),
    ("-- -at at=3", ("-at", {"at": 3.0}), ""),
    ("-2*at at=3", ("-2*at", {"at": 3.0}), ""),
    ("-f*x f=2 x=3", ("-f*x", {"f": 2.0, "x": 3.0}), ""),
    ("-q*x q=2 x=3", ("-q*x", {"q": 2.0, "x": 3.0}), ""),
    ("x=3", ("x=3", {"x": 3.0}), ""),
    ("x x=3", ("x", {"x": 3.0}), ""),
    ("eval step2 step2=3", ("step2", {"step2": 3.0}), ""),
    ("'f = x*y' x=3 y=4", ("f = x*y", XY[1]), ""),
    ("samples/branches.bp a=3", ("", {"a": 3.0, "b": 3.0}), ""),
    ("./samples/branches.bp", ("", {"a": -2.0, "b": 3.0}), ""),
    ("-f samples/branches.bp b=5", ("", {"a": -2.0, "b": 5.0}), ""),
    ("--file=samples/branches.bp b=5", ("", {"a": -2.0, "b": 5.0}), ""),
    ("-fsamples/branches.bp b=5", ("", {"a": -2.0, "b": 5.0}), ""),
    ("'x*y # of neuron.bp\n' x=3 y=4", ("x*y # of neuron.bp\n", XY[1]), ""),
]
"""A command line without its --json, the program that it has, the point, and standard input."""


@pytest.mark.parametrize(("line", "meant", "stdin"), RUN, ids=[row[0] for row in RUN])
def test_what_has_one_meaning_is_run(line, meant, stdin, monkeypatch):
    monkeypatch.chdir(ROOT)
    words = shlex.split(line)
    code, out, err = call("--json", *words, stdin=stdin.encode())
    assert (code, err) == (0, "")
    if "--" not in words:
        assert call(*words, "--json", stdin=stdin.encode()) == (0, out, "")
    found = json.loads(out)
    program, at = meant
    assert found["at"] == at
    assert not program or found["program"] == program


@pytest.mark.parametrize("command", ["eval", "graph", "explain", "derive", "check", "step"])
def test_bindings_follow_the_program_of_every_command(command):
    told = call(command, "x^2*y", "x=3", "y=4")
    assert told[0] == 0
    assert told == call(command, "x^2*y", "--at", "x=3,y=4")
    assert told == call(command, "x=3", "-", "--at", "y=4", stdin=b"x^2*y")
    assert told == call(command, "--at", "x=3,y=4", stdin=b"x^2*y")


SAID = [
    # (command line, what it says)
    ("plot 'x*y' x=1 y=2", "write backprop graph"),
    ("draw x", "write backprop graph"),
    ("show 'x*y'", "write backprop graph"),
    ("visualize 'x*y'", "write backprop graph"),
    ("grad 'x^2' x=3", "write backprop derive"),
    ("diff 'x^2'", "write backprop derive"),
    ("fit x", "write backprop step"),
    ("train 'x^2' x=1", "write backprop step"),
    ("Minimize 'x^2'", "write backprop step"),
    ("ops", "write backprop functions"),
    ("run 'x*y' x=3", "write backprop eval"),
    ("gradcheck x", "write backprop check"),
    ("version", "write backprop --version"),
    ("evla 'x*y'", "did you mean backprop eval?"),
    ("evl x", "did you mean backprop eval?"),
    ("EVAL x", "did you mean backprop eval?"),
    ("mpa", "did you mean backprop map?"),
    ("stpe 'x^2' x=1", "did you mean backprop step?"),
    ("step2 step2=3", "did you mean backprop step?"),
    ("explian 'x*y'", "did you mean backprop explain?"),
    ("derivee x", "did you mean backprop derive?"),
    ("simplify 'x + x'", "there is no command simplify"),
    ("python 'x + x'", "the commands are eval, graph"),
    ("matmul W x", "`backprop functions matmul` shows the function"),
    ("transpose W", "`backprop functions transpose` shows the function"),
    ("dot product", "`backprop functions dot` shows the function"),
    ("tanh 3", "`backprop functions tanh` shows the function"),
    ("broadcast a b", "`backprop help arrays` is about that"),
    ("shape W", "`backprop help arrays` is about that"),
    ("functions broadcasting", "`backprop help arrays` is about that"),
    ("-at x=1", "did you mean --at? (the formula is written -- -at)"),
    ("'x*y' -at x=1,y=2", "did you mean --at?"),
    ("'x*y' -at=x=1", "did you mean --at?"),
    ("'x*y' —at x=1", "did you mean --at?"),
    ("'x*y' –json x=1", "did you mean --json?"),
    ("-json 'x*y'", "did you mean --json?"),
    ("--hlep", "did you mean --help?"),
    ("eval --hlep", "did you mean --help?"),
    ("-help", "did you mean --help?"),
    ("functions --hlep", "did you mean --help?"),
    ("--versoin", "did you mean --version?"),
    ("--nothing", "no such option: --nothing"),
    ("'x*y' --AT x=1", "did you mean --at?"),
    ("'x*y' --atx=1", "did you mean --at?"),
    ("'x*y' --digit 3", "did you mean --digits?"),
    ("'x*y' --with x=1", "--with is called --at here"),
    ("'x*y' --point x=1", "--point is called --at here"),
    ("'x*y' --variables x", "--variables is called --wrt here"),
    ("'x*y' --verbose", "--verbose is called --all here"),
    ("'x*y' --expr x", "the program is the first argument"),
    ("step x --lr 1", "--lr is called --rate here"),
    ("step x --learning-rate=1", "--learning-rate is called --rate here"),
    ("step x --epochs 5", "--epochs is called --steps here"),
    ("step x --optimizer adam", "--optimizer is called --method here"),
    ("check x --answer x=1", "--answer is called --claim here"),
    ("map x --delimiter ';'", "--delimiter is called --separator here"),
    ("'x*y' --lr 1", "--rate is an option of backprop step"),
    ("graph x --order 2", "--order is an option of backprop derive"),
    ("graph x --svg", "write -o picture.svg or --format svg"),
    ("graph --svg x", "write -o picture.svg or --format svg"),
    ("graph x --png", "write -o picture.png"),
    ("graph x --html", "write -o picture.html or --format html"),
    ("eval x --svg", "backprop graph has it: -o picture.svg or --format svg"),
    ("derive x --latex", "--format latex"),
    ("derive x --pytorch", "write --format torch"),
    ("derive x --py", "--format python"),
    ("explain x --md", "--format markdown"),
    ("map x --json", "write --to jsonl"),
    ("map x --parquet", "write --to parquet"),
    ("eval x --csv", "backprop map has it: --to csv"),
    ("eval x --table", "no such option: --table"),
    ("eval x --points f.csv", "--points is an option of backprop check, step, map"),
    ("map x -foo", "no such option: -foo"),
    ("'x*y' --wrt -f 3", "give it a name: x=3"),
    ("schema --json", "what it prints is JSON"),
    ("x + y x=1 y=2", 'a program with blanks stands in quotes: "x + y"'),
    ("eval w*x + b w=1 x=2 b=3", 'a program with blanks stands in quotes: "w*x + b"'),
    ("'x*y' x = 3", "write x=3, without blanks around ="),
    ("'x*y' x: 3", 'a program with blanks stands in quotes: "x*y x: 3"'),
    ("'x*y' x:3", "write x=3"),
    ("'x*y' x==3", "write x=3"),
    ("'x*y' 3 4", "give it a name: x=3"),
    ("'x*y' -x 3", "a value of the point is written x=3"),
    ("'x*y' --x=3", "a value of the point is written x=3"),
    ("'x*y' json", "did you mean --json?"),
    ("y=4 'x*y'", 'the program comes first: "x*y" y=4'),
    ("\"'x\" + \"y'\"", 'this shell takes double quotes: "x + y"'),
    ("\"'x*y'\" x=3", "double quotes only"),
    ("graph 'x*y' g.svg", "write -o g.svg for a file"),
    ("graph 'x*y' --output g.svg", "write -o g.svg for a file"),
    ("'x*y' point.json", "write @point.json"),
    ("'x*y' points.csv", "backprop map x*y points.csv takes the rows of a table"),
    ("-f samples/branches.bp 'x*y'", "--file gives the program"),
    ("'x*y' -f samples/branches.bp", "x*y is no name=value of a point, and --file gives"),
    ("samples/nothere.bp", "cannot read samples/nothere.bp: there is no such file"),
    ("eval nothere.BP", "cannot read nothere.BP: there is no such file"),
    ("samples/nothere.txt", "there is no file of that name either"),
    ("'x*y' '(x=1, y=-2)'", "write x=1,y=-2"),
    ("'x*y' x:1,y:2e3", "write x=1,y=2e3"),
    ("'x*y' 'x->1'", "write x=1"),
    ("'x*y' x", 'a value is written x=3; a program with blanks stands in quotes: "x*y x"'),
    ("'x*y' x=1 ?", "backprop eval --help shows how"),
    ("graph 'x*y' /help", "backprop graph --help shows how"),
    ("'x*y' eval x=1 y=2", "the command comes first: backprop eval"),
    ("x=1 y=2 graph 'x*y'", "the command comes first: backprop graph"),
    ("x=1 y=2", "the program is x=1; a formula comes first"),
    ("fit fit=1", "(the formula is written -- fit)"),
    ("max max=1", "did you mean backprop map? (the formula is written -- max)"),
    ("'x*y' --format json", "write --json; --format is an option of backprop graph"),
    ("check 'x*y' --to json", "write --json; --to is an option of backprop map"),
    ("'x*y' --decimals 2 --digits 3", "--decimals and --digits are two ways to show numbers"),
    ("'x*y' --digits x", "--digits takes a whole number, not x"),
    ("step x x=1 --steps 1e3", "--steps takes a whole number, not 1e3"),
    ("functions square root", "root is more than this takes"),
    ("-- x -q", "behind -- there are no options"),
    ("'x*y' --at", "--at has no value"),
    ("'x*y' --at '{x: 3}'", "or JSON in quotes"),
    ("'x*y' \"{'x': 3}\"", "or JSON in quotes"),
    ("'x*y' --at -", "write --at @- for standard input"),
    ("eval", "no program is given"),
    ("eval --at @-", "no program is given"),
    ("'x*y' --get value --get at x=1", "no value for y"),
]  # fmt: skip
"""What is not run, and what is said instead."""


@pytest.mark.parametrize(("line", "said"), SAID, ids=[row[0] for row in SAID])
def test_what_was_meant_is_said(line, said, monkeypatch):
    monkeypatch.chdir(ROOT)
    code, out, err = call(*shlex.split(line))
    assert (code in (1, 2), out) == (True, "")
    if err.startswith("{"):
        assert said in "\n".join(str(text) for text in json.loads(err).values())
    else:
        assert said in err
        assert len(err) <= 1_500


def test_a_bare_line_is_the_help_and_a_name_a_formula():
    assert call() == call("--help")
    code, _, err = call("nothing")
    assert code == 1
    assert "no value for nothing" in err


def test_the_words_of_other_tools_are_none_of_ours():
    words = " ".join(OTHER_COMMANDS.values()).split()
    assert len(words) == len(set(words))
    assert not {*words} & {*COMMANDS}
    assert {*OTHER_COMMANDS} - {"--version"} <= {*COMMANDS}
    helps = "".join(call(command, "--help")[1] for command in COMMANDS)
    ours = set(re.findall(r"(--[a-z-]+)", helps))
    assert {*OTHER_OPTIONS} <= ours
    others = [f"--{word}" for words in OTHER_OPTIONS.values() for word in words.split()]
    assert len(others) == len(set(others))


def test_the_options_without_a_command_are_known():
    import typer

    group = typer.main.get_command(app)
    known = {"-h", "--help", *(option for one in group.params for option in one.opts)}
    assert known <= {*TOOL_OPTIONS}


WORD = st.text("abc", min_size=1, max_size=5)


@given(WORD, st.integers(0, 5), st.sampled_from("abcd"), st.integers(0, 3))
def test_one_edit(word, place, letter, kind):
    place = min(place, len(word) - 1)
    before, here, after = word[:place], word[place], word[place + 1 :]
    edited = [
        before + after,
        before + letter + here + after,
        before + letter + after,
        before + after[:1] + here + after[1:],
    ][kind]
    assert one_edit(word, edited)
    assert one_edit(edited, word)


@given(WORD, WORD)
def test_no_more_than_one_edit(a, b):
    letters = "abc"
    near = {a}
    for k in range(len(a) + 1):
        near |= {a[:k] + a[k + 1 :], a[:k] + a[k + 1 : k + 2] + a[k : k + 1] + a[k + 2 :]}
        near |= {a[:k] + c + rest for c in letters for rest in (a[k:], a[k + 1 :])}
    assert one_edit(a, b) == (b in near)


@given(st.lists(st.sampled_from("xy= ,;()[]{}1\t\n-"), max_size=30).map("".join))
def test_the_bindings_of_a_point_are_all_of_its_text(text):
    spans = list(pieces(text))
    assert spans[0][0] == 0
    assert spans[-1][1] == len(text)
    for (_, end), (start, _) in pairwise(spans):
        between = text[end:start]
        assert between == "," or (between and not between.strip(" \t\n;"))


def test_a_long_point_is_read_in_one_go():
    size = often(100_000, 1_000_000)
    for text in (" " * size, ";" * size, "x=1 " * (size // 4), "(" * size, "x " * (size // 2)):
        assert list(pieces(text))


def test_a_function_that_no_output_uses_is_told():
    out = call("eval", "f(x, y) = x*y; x = 1; y = 2", "-q")[1]
    assert "note: the output does not use f, x" in out
    assert "note:" not in call("eval", "f(u) = u^2; x = 3; 2*x", "-q")[1]


NAMES = [
    # (command line, the message, the way out); every name that is wrong is told, each one once
    ("'x*y' a=3 b=4", "has no variables a, b", "its variables are x, y"),
    ("'x*y' x=1 a=3 y=2", "has no variable a", "its variables are x, y"),
    ("'q = x*y; q^2' q=2 x=1 y=1", "q is computed by the program", "give q no value"),
    ("'q = x*y; q^2' q=2 r=1 x=1 y=1", "no variable r, and q is computed", "its variables are x, y; give q no value"),
    ("'x*y' x=1 y=2 --wrt u,x,v,u", "there are no nodes called u, v", "the nodes are x, y, n1"),
    ("'x*y' x=1 y=2 --wrt width", "there is no node called width", "the nodes are x, y, n1"),
    ("graph 'x*y' --wrt u,v", "there are no nodes called u, v", "the nodes are x, y"),
    ("derive 'x*y' --wrt u,v", "there are no nodes called u, v", "the nodes are x, y"),
    ("step 'x*y' x=1 y=1 --wrt u,v", "there are no nodes called u, v", "the nodes are x, y"),
    ("sinx x=1", "has no variable x", "sinx is one name; write sin(x)"),
    ("'2*expw + b' w=1 b=2", "has no variable w", "expw is one name; write exp(w)"),
    ("'x*sinx' x=1", "no value for sinx", "did you mean sin(x)?"),
    ("'3x2 + 1' x=1", "has no variable x", "x2 is one name; write x*2 or x^2"),
    ("'w1*x2' w=1 x=2", "has no variables w, x", "its variables are w1, x2"),
    ("xy x=1 y=2", "has no variables x, y", "to multiply, write x*y"),
    ("'PI*r' r=1", "no value for PI", "did you mean pi?"),
    ("""'θ*y' '{"θ": 1, "theta": 2, "y": 1}'""", "theta is given twice", "give each name one value"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "message", "hint"), NAMES, ids=[row[0] for row in NAMES])
def test_wrong_names_are_told_all_at_once(line, message, hint):
    code, out, err = call(*shlex.split(line), "--json")
    error = json.loads(err)
    assert (code, out) == (1, "")
    assert message in error["message"]
    assert hint in error["hint"]
    told = call(*shlex.split(line))[2]
    assert "--> --at" not in told and "  | \n" not in told


# programs, files and standard input


def test_a_file_does_not_shadow_a_formula(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").write_text("2*z")
    (tmp_path / "neuron.txt").write_text("x = 3; x^2")
    (tmp_path / "a b").write_text("x = 4; x^2")
    assert json.loads(call("x", "x=5", "--json")[1])["value"] == 5.0
    assert json.loads(call("neuron.txt", "--json")[1])["value"] == 9.0
    assert json.loads(call("a b", "--json")[1])["value"] == 16.0
    (tmp_path / "neuron.txt").write_text("x = ")
    code, _, err = call("neuron.txt")
    assert code == 1
    assert "--> neuron.txt:1" in err


def played(*args: str, **more: Any) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["backprop", *args], env=environment(), capture_output=True, check=False, cwd=ROOT,
        timeout=60, **more,
    )  # fmt: skip


def test_standard_input_is_read_where_it_is_a_pipe_or_a_file(tmp_path):
    assert b"x^2  =  9" in played("eval", "x=3", "-", input=b"x^2").stdout
    assert b"x^2  =  9" in played("--at", "x=3", input=b"x^2").stdout
    file = tmp_path / "p"
    file.write_bytes(b"x^2")
    with file.open("rb") as stream:
        assert b"x^2  =  9" in played("eval", "--at", "x=3", stdin=stream).stdout
    for args in (("eval",), ("map", "x^2")):
        done = played(*args, stdin=subprocess.DEVNULL)
        assert done.returncode == 2
        assert re.match(rb"error: no (program is|points are) given", done.stderr)
    assert played("eval", input=b"").returncode == 2


def test_a_program_that_looks_like_a_point_is_noted(tmp_path):
    file = tmp_path / "p"
    file.write_bytes(b"x^2")
    with file.open("rb") as stream:
        note = json.loads(played("eval", "x=2", "--json", stdin=stream).stdout)["notes"][0]
    assert note["kind"] == "unused"
    assert "write - x=2 for a program from there" in note["message"]
    for nothing in ({"stdin": subprocess.DEVNULL}, {"input": b""}):
        done = played("eval", "x=2", "--json", **nothing)
        assert json.loads(done.stdout)["notes"] == []


def on_a_terminal(*args: str, columns: int = 80, **settings: str) -> str:
    """What a command prints on a terminal of so many columns, where nobody types."""
    parent, child = pty.openpty()
    ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        ["backprop", *args], env=environment() | settings, stdin=child, stdout=child,
        stderr=child, cwd=ROOT,
    )  # fmt: skip
    os.close(child)
    shown = b""
    while select.select([parent], [], [], 30)[0]:
        try:
            data = os.read(parent, 4096)
        except OSError:  # the other end is closed
            break
        if not data:
            break
        shown += data
    os.close(parent)
    process.wait(timeout=30)
    return shown.decode().replace("\r\n", "\n")


def test_standard_input_may_be_closed():
    for line, code, said in (
        ("'x*y' x=1 y=2 --get value", 0, ""),
        ("--at x=1", 2, "no program is given"),
        ("- x=1", 2, "standard input is closed"),
        ("x @-", 2, "standard input is closed"),
        ("map x -", 2, "standard input is closed"),
        ("step '(w*x)^2' w=1 --points -", 2, "standard input is closed"),
        ("map x", 2, "no points are given"),
    ):
        done = subprocess.run(
            ["sh", "-c", f"backprop {line} <&-"],
            capture_output=True, text=True, check=False, env=environment(),
        )  # fmt: skip
        assert (done.returncode, said in done.stderr) == (code, True), line


def test_nothing_waits_for_a_terminal():
    for args in (["eval"], ["graph", "--at", "x=1"], ["map", "x"], ["--at", "x=1"]):
        assert re.search(r"no (program is|points are) given", on_a_terminal(*args))


# errors on a terminal


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_errors_are_coloured_on_a_terminal_only():
    args = ("eval", "log(x - y)", "x=1", "y=2")
    shown = on_a_terminal(*args)
    assert "\x1b[1;31merror: " in shown
    assert "\x1b[31m^^^^^^^^^^" in shown
    assert plain(shown) == call(*args)[2]
    assert "\x1b[3" not in on_a_terminal(*args, NO_COLOR="1")
    assert "\x1b" not in on_a_terminal(*args, TERM="dumb")
    assert b"\x1b" not in played(*args).stderr


PROGRAM = "sigmoid(w1*x1 + w2*x2) + é漢字\u0301*log(x - \u202ey\u200b) + aaaaaaaaaaaaaaaaaa*bbbbbbbbbbbbbbbbbbbbbbbb"


@pytest.mark.parametrize(
    "text", [PROGRAM, PROGRAM * 9, f"a = 1\n{PROGRAM}; b\n", "\U000e0001" * 200]
)
@pytest.mark.parametrize("columns", [*range(1, 60)[:: often(4, 1)], 80, 97, 118, 119, 400])
def test_no_excerpt_is_wider_than_the_screen(text, columns):
    from rich.cells import cell_len

    for start in range(0, len(text), 7):
        for size in (0, 1, 30):
            for label in ("", "x - y = -1"):
                span = start, start + size
                error = BackpropError("name", "m", span, label=label, source=Source(text))
                lines = error.lines(columns)
                kinds = [kind for kind, _ in lines]
                caret = next((line for kind, line in lines if kind == "caret"), "")
                assert ("caret" in kinds) == ("source" in kinds)
                for kind, line in lines:
                    if kind in ("source", "caret"):
                        assert cell_len(line) <= columns, (columns, line)
                assert ("^" in caret) or columns < 24
    assert "caret" in [kind for kind, _ in error.lines(20 + 3 * ("\n" in text))]


def test_an_error_as_it_is_without_a_screen():
    error = BackpropError("name", "m", (3, 5), label="l", hint="h", source=Source("x + yy"))
    assert str(error) == "m\n  | x + yy\n  |    ^^  l\n  = h"


@pytest.mark.parametrize("columns", [30, 57])
def test_a_terminal_shows_an_excerpt_that_fits(columns):
    program = "sigmoid(w1*x1 + w2*x2) + log(x - y) + aaaaaaaaaaaaaaaaaaaa*bbbbbbbbbbbbbbbbb"
    given = ("x=1", "y=2", "w1=1", "w2=1", "x1=1", "x2=1", "a" * 20 + "=1", "b" * 17 + "=1")
    lines = plain(on_a_terminal("eval", program, *given, columns=columns)).splitlines()
    source = next(k for k, line in enumerate(lines) if "log(x" in line)
    assert lines[source].index("log(x") == lines[source + 1].index("^")
    assert max(len(lines[source]), len(lines[source + 1])) <= columns


def test_the_system_speaks_in_our_words():
    import errno

    for number in errno.errorcode:
        said = refusal(OSError(number, "as the system says it"))
        assert said == REFUSALS.get(number, f"the system refuses it with error {number}")
    assert "system refuses it" in refusal(OSError("without a number"))


def test_files_that_cannot_be_read_are_refused_in_our_words(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    import gzip

    packed = gzip.compress(b"x\n" + b"1\n" * 9999)
    for name, data, said in (
        ("cut.csv.gz", packed[:40], "it ends too early"),
        ("text.parquet", b"x\n1\n", "it is no Parquet file, or not a whole one"),
        ("latin.csv", b"x\n\xff\n", "it is not UTF-8 text"),
        ("wide.csv", b"x\n1,2\n", "a row has more fields than the header"),
    ):
        Path(name).write_bytes(data)
        code, _, err = call("map", "x^2", name)
        assert code in (1, 2)
        assert said in err, err


# one number out

LECTURE = ("q = x + y; f = q*z", "x=-2", "y=5", "z=-4")
PARTS = [
    (("eval", *LECTURE), "value", "-12.0"),
    (("eval", *LECTURE), "gradients.x", "-4.0"),
    (("eval", *LECTURE), ".gradients.z", "3.0"),
    (("eval", *LECTURE), "gradients", '{"x": -4.0, "y": -4.0, "z": 3.0}'),
    (("eval", *LECTURE), 'gradients["x"]', "-4.0"),
    (("eval", *LECTURE), "nodes.2.name", "q"),
    (("eval", *LECTURE), "nodes[2].value", "3.0"),
    (("eval", "θ₁*x", "θ₁=2", "x=3"), "gradients.θ₁", "3.0"),
    (("eval", *LECTURE), "nodes.-1.name", "f"),
    (("eval", *LECTURE), "nodes.q.value", "3.0"),
    (("eval", *LECTURE), "nodes.q.edges.y.contribution", "-4.0"),
    (("eval", *LECTURE), "program", "q = x + y; f = q*z"),
    (("eval", *LECTURE), "notes", "[]"),
    (("eval", "1/x", "x=3"), "value", "0.3333333333333333"),
    (("graph", *LECTURE), "value", "-12.0"),
    (("explain", *LECTURE), "output", "f"),
    (("explain", *LECTURE), "paragraphs.q.node", "q"),
    (("derive", "x^2*y"), "derivatives.x.formula", "2*y*x"),
    (("derive", "x^2*y", "x=3", "y=2"), "derivatives.x.value", "12.0"),
    (("derive", "x^2*y", "x=3", "y=2", "--hessian"), "hessian.values.0.1", "6.0"),
    (("check", "x^2", "x=3", "--claim", "x=6"), "right", "true"),
    (("check", "x^2", "x=3", "--claim", "x=6"), "claims.x.correct", "6.0"),
    (("check", "x^2", "x=3"), "differences.inputs.x.backward", "6.0"),
    (("step", "x^2", "x=3", "--rate", "0.5"), "at.x", "0.0"),
    (("step", "x^2", "x=3", "--rate", "0.5"), "trajectory.-1.value", "0.0"),
    (("functions",), "functions.tanh.gradients.0.rule", "1 - out^2"),
    (("functions", "tanh"), "functions.0.name", "tanh"),
]


@pytest.mark.parametrize(("args", "path", "printed"), PARTS, ids=lambda part: str(part)[:60])
def test_one_part_is_printed_alone(args, path, printed):
    code, out, err = call(*args, "--get", path)
    assert (code, out, err) == (0, printed + "\n", "")


def test_every_number_of_a_document_has_a_path():
    document = json.loads(call("eval", *LECTURE, "--json")[1])

    def paths(value: Any, path: str):
        if isinstance(value, dict | list):
            keys = value if isinstance(value, dict) else range(len(value))
            for key in keys:
                yield from paths(value[key], f"{path}.{key}" if path else str(key))
        else:
            yield path, value

    found = list(paths(document, ""))
    assert len(found) > 40
    for path, value in found:
        printed = call("eval", *LECTURE, "--get", path)[1].rstrip("\n")
        assert printed == (value if isinstance(value, str) else json.dumps(value))


NOWHERE = [
    ("gradients.w", "gradients has x, y, z"),
    ("gradiens.x", "did you mean gradients?"),
    ("nodes.nn", "nodes has 0 to 4, or x, y, q, z, f"),
    ("nodes.5", "nodes has 0 to 4"),
    ("nodes.q.edges.2", "edges has 0 to 1, or x, y"),
    ("flags.0", "flags is empty"),
    ("value.x", "value is one value"),
    ("", "the document has format, program, at"),
    ("..", "the document has format, program, at"),
]


@pytest.mark.parametrize(("path", "said"), NOWHERE)
def test_a_path_that_leads_nowhere_says_what_is_there(path, said):
    code, out, err = call("eval", *LECTURE, "--get", path)
    assert (code, out) == (2, "")
    assert said in err


@given(st.text(max_size=8), st.recursive(
    st.none() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
))  # fmt: skip
def test_any_path_leads_somewhere_or_is_refused(path, document):
    try:
        part_of(document if isinstance(document, dict) else {"a": document}, path)
    except BackpropError as error:
        assert error.kind == "usage"
        assert len(str(error)) < 1_500


def test_a_part_keeps_the_exit_code_and_the_remarks():
    code, out, err = call("eval", "sqrt(x)", "x=0", "--get", "gradients.x")
    assert (code, out) == (3, "null\n")
    assert err.startswith("flag: ")
    code, out, err = call("eval", "abs(x)", "x=0", "--get", "gradients.x")
    assert (code, out) == (0, "0.0\n")
    assert err.startswith("note: ")
    assert call("check", "x^2", "x=3", "--claim", "x=5", "--get", "right") == (1, "false\n", "")


def test_a_part_is_of_the_document_alone():
    for more in (["--format", "svg"], ["-o", "g.json"]):
        code, _, err = call("graph", "x*x", "x=1", "--get", "value", *more)
        assert code == 2
        assert "--get prints a part of the JSON document" in err
    code, _, err = call("step", "x*x", "x=1", "--get", "value", "--stream")
    assert code == 2
    assert "two outputs" in err


def test_every_command_with_json_has_parts():
    for command in COMMANDS:
        _, shown, _ = call(command, "--help")
        assert ("--json" in shown) == ("--get" in shown), command


# a wrong claim, and nothing to check


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["x^2", "x=3", "--claim", "x=6"], 0),
        (["x^2", "x=3", "--claim", "x=5"], 1),
        (["x^2", "--against", "x^3", "--over", "x=0:1"], 1),
        (["x^2", "--claim", "x=6"], 4),
        (["log(x)", "x=-1", "--claim", "x=6"], 4),
        (["x +", "x=3", "--claim", "x=6"], 4),
        (["x^2", "x=3 +", "--claim", "x=6"], 4),
        (["x^2", "x=3", "z=4", "--claim", "x=6"], 4),
        (["x^2", "x=3", "--claim", "q=6"], 4),
        (["x^2", "x=3", "--claims", "x=6"], 2),
        (["nothere.bp", "x=3", "--claim", "x=6"], 2),
        (["x^2", "x=3", "--claim", "x"], 2),
    ],
)
def test_a_grader_tells_a_wrong_claim_from_no_check(args, code):
    assert call("check", *args)[0] == code
    assert call("check", *args, "--json")[0] == code


# tables

IRIS = "sepal length (cm);y\n1;2\n3;4\nx;\n"
RENAME = ("--rename", "sepal length (cm)=sl")


@pytest.fixture
def tables(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("iris.csv").write_text(IRIS)
    Path("comma.csv").write_text(IRIS.replace(";", ","))
    Path("iris.jsonl").write_text(
        '{"sepal length (cm)": 1, "y": 2}\n{"sepal length (cm)": 3, "y": 4}\n'
    )
    Path("p.bp").write_text("sl*y")
    Path("x.csv").write_text("x\n1\n2\n")


def test_a_column_of_any_name_and_any_separator(tables):
    code, out, err = call("map", "sl*y", "iris.csv", "--separator", ";", *RENAME)
    assert code == 3
    assert out == (
        "sepal length (cm);y;value;d_sl;d_y;status\n"
        "1;2;2.0;2.0;1.0;\n"
        "3;4;12.0;4.0;3.0;\n"
        'x;;;;;"sl is not a number: ""x"""\n'
    )
    assert "1 sl is not a number" in err
    assert call("map", "p.bp", "iris.csv", "--separator", ";", *RENAME) == (code, out, err)
    assert call("map", "-f", "p.bp", "iris.csv", "--separator", ";", *RENAME) == (code, out, err)
    with_commas = call("map", "p.bp", "comma.csv", *RENAME)
    assert with_commas == (code, out.replace(";", ","), err)
    code, out, _ = call("map", "p.bp", "iris.jsonl", *RENAME)
    assert out.splitlines()[1] == (
        '{"sepal length (cm)": 3, "y": 4,"value":12.0,"d_sl":4.0,"d_y":3.0,"status":null}'
    )
    code, out, _ = call("map", "p.bp", "comma.csv", *RENAME, "--reduce", "sum")
    assert out == "value,d_sl,d_y,rows,failed\n14.0,6.0,4.0,3,1\n"
    code, out, _ = call("map", "p.bp", "iris.csv", *RENAME, "--separator", ";", "--to", "tsv")
    assert out.startswith("sepal length (cm)\ty\tvalue\t")
    code, out, _ = call("map", "p.bp", "iris.jsonl", *RENAME, "--separator", "|", "--to", "csv")
    assert out.startswith("sepal length (cm)|y|value|")


def test_the_columns_keep_their_numbers_through_parquet(tables):
    args = ("p.bp", "iris.jsonl", *RENAME, "--to", "parquet", "-o", "p.parquet")
    assert call("map", *args, "--columns", "value=f")[0] == 0
    code, out, _ = call("map", "p.bp", "p.parquet", *RENAME)
    assert (code, out.splitlines()[2]) == (0, "3.0,4.0,12.0,12.0,4.0,3.0,")


def test_steps_on_columns_of_any_name(tables):
    program = ("(w*sl - y)^2", "w=0", "--points", "iris.jsonl", *RENAME, "--steps", "200")
    code, out, _ = call("step", *program, "--get", "at.w")
    assert code == 0
    assert float(out) == pytest.approx(14 / 10)


def test_points_follow_the_program(tables):
    Path("q.bp").write_text("w*x^2")
    expected = call("map", "--file", "q.bp", "--points", "x.csv", "--at", "w=2")
    assert expected[0] == 0
    for args in (
        ("q.bp", "x.csv", "w=2"),
        ("q.bp", "w=2", "x.csv"),
        ("w*x^2", "x.csv", "--at", "w=2"),
        ("-f", "q.bp", "x.csv", "w=2"),
    ):
        assert call("map", *args) == expected
    assert call("map", "q.bp", "-", "w=2", "--from", "csv", stdin=b"x\n1\n2\n") == expected
    assert call("map", "q.bp", "w=2", stdin=b"x\n1\n2\n") == expected
    assert call("map", "--points", "x.csv", "--at", "w=2", stdin=b"w*x^2") == expected
    Path("y.csv").write_text("x\n3\n")
    several = call("map", "q.bp", "x.csv", "y.csv", "w=2")
    assert several[0] == 2
    assert "several files are mapped to several files" in several[2]


WRONG_TABLES = [
    (("a*b*c", "x.csv"), "a, b, c are neither columns nor given by --at"),
    (("a*b*x*c", "x.csv", "b=1"), "a, c are neither columns nor given by --at"),
    (("sl*y", "comma.csv"), '--rename "sepal length (cm)=sl" names one'),
    (("sl*y", "iris.csv"), '--separator ";" splits them'),
    (("x", "x.csv", "--separator", ";;"), "--separator ;; separates no cells"),
    (("x", "x.csv", "--separator", ""), "--separator nothing separates no cells"),
    (("x", "x.csv", "--separator", "1"), "--separator 1 separates no cells"),
    (("x", "x.csv", "--separator", "é"), "--separator é separates no cells"),
    (("x", "x.csv", "--separator", r"\t"), "write --from tsv"),
    (("sl*y", "iris.jsonl", "--separator", ";", *RENAME), "between the cells of csv"),
    (("sl*y", "comma.csv", "--rename", "sepal lenght (cm)=sl"), "did you mean sepal length (cm)?"),
    (("sl*y", "comma.csv", "--rename", "sepal length (cm)=y"), "has a column y already"),
    (("sl*y", "comma.csv", "--rename", "sepal length (cm)"), "is no COLUMN=NAME"),
    (("sl*y", "comma.csv", "--rename", "a=b c"), "is no COLUMN=NAME"),
    (("sl*y", "comma.csv", *RENAME, "--rename", "y=sl"), "has sl twice"),
    (("sl*y", "comma.csv", *RENAME, "--rename", "sepal length (cm)=s"), "(cm) twice"),
    (("sl*y", "comma.csv", *RENAME, "sl=1"), "sl is a column and given by --at"),
]


@pytest.mark.parametrize(("args", "said"), WRONG_TABLES)
def test_what_is_wrong_with_columns(tables, args, said):
    code, out, err = call("map", *args)
    assert (code in (1, 2), out) == (True, "")
    assert said in err


GREEK_TABLE = "θ,x y,w₁\n1,2,3\n4,5,6\n"


@pytest.mark.parametrize(
    ("args", "added"),
    [
        (("θ*w1",), "value,d_theta,d_w1,status\n3.0,3.0,1.0,\n24.0,6.0,4.0,"),
        (("theta*w₁", "--columns", "value=θ²,d_θ=s"), "θ²,s\n3.0,3.0\n24.0,6.0"),
        (("θ*s", "--rename", "x y = s"), "value,d_theta,d_s,status\n2.0,2.0,1.0,\n20.0,5.0,4.0,"),
        (("t*φ", "--rename", "theta=t", "--rename", "x y=φ"), "value,d_t,d_phi,status\n2.0,2.0,1.0,\n20.0,5.0,4.0,"),
        (("θ*w1", "--wrt", "θ"), "value,d_theta,status\n3.0,3.0,\n24.0,6.0,"),
    ],
)  # fmt: skip
def test_columns_are_named_as_names_of_programs_are(args, added):
    code, out, err = call("map", *args, stdin=GREEK_TABLE.encode())
    assert (code, err) == (0, "")
    rows = zip(GREEK_TABLE.splitlines(), added.splitlines(), strict=True)
    assert out.splitlines() == [f"{row},{more}" for row, more in rows]


def test_two_columns_that_are_one_name_are_never_mixed_up(tables):
    Path("both.csv").write_text("θ,theta\n1,2\n", "utf-8")
    Path("theta.csv").write_text("theta\n1\n", "utf-8")
    Path("greek.csv").write_text(GREEK_TABLE, "utf-8")
    for args, said in (
        (("θ", "both.csv"), "the columns θ and theta of both.csv are one name here: theta"),
        (("2*θ", "greek.csv", "theta.csv", "-o", "out/"), "the column θ is theta in theta.csv"),
        (("θ", "greek.csv", "θ=2"), "theta is a column and given by --at"),
        (("θ*w1", "greek.csv", "--rename", "x y=θ"), "has a column θ already"),
        (("θ*w1", "greek.csv", "--separator", ";"), '--separator "," splits them'),
    ):
        code, out, err = call("map", *args)
        assert (code in (1, 2), out) == (True, "")
        assert said in err
    code, out, err = call("map", "t*θ", "both.csv", "--rename", "θ=t")
    assert (code, out.splitlines()[1], err) == (0, "1,2,2.0,2.0,1.0,", "")
    code, out, err = call("map", "θ = 2*w1; θ", "greek.csv")
    assert code == 0
    assert "the column θ is not used: theta is computed by the program" in err


def test_all_that_a_step_misses_is_told_at_once(tables):
    code, _, err = call("step", "a*x + b", "--points", "x.csv")
    assert code == 1
    assert "a, b are neither columns nor given by --at" in err
    for option in (("--rename", "a=b"), ("--separator", ";"), ("--from", "csv")):
        code, _, err = call("step", "x^2", "x=1", *option)
        assert code == 2
        assert "how points are read" in err


def test_all_ranges_that_are_missing_are_told_at_once():
    code, _, err = call("check", "x*y*z", "--against", "x*w", "--over", "x=1:2")
    assert code == 4
    assert "no range for y, z, w" in err
    assert "give them with --over y=-2:2,z=-2:2,w=-2:2" in err


def test_a_column_may_have_an_equals_sign():
    assert read_renames(["a=b=c"]) == {"c": "a=b"}


# whatever is typed

PIECES = [
    "eval", "graph", "map", "x", "x*y", "x=1", "y=2", "-", "--", "-x", "-f", "-q", "-o", "--at",
    "--json", "--get", "value", "@-", "@p", "{", '{"x": 1}', "plot", "a.bp", "--lr", "-at", "—at",
    "'", "=", "", " ", "--svg", "g.svg", "--rename", "--separator", "check", "--claim", "-2", "--x",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=6))
def test_any_command_line_ends_well(line):
    line = [word.replace("\0", "") for word in line if word not in ("-o", "--save")]
    code, out, err = call(*line, stdin=b"x^2")
    assert code in (0, 1, 2, 3, 4), err
    assert "Traceback" not in err
    assert len(err) <= 4_000
    if code not in (0, 1, 3):
        assert out == ""


def test_formats_are_found_by_their_words():
    for row in FORMATS:
        if row.name not in ("table", "terminal", "matrix", "json"):
            code, _, err = call(row.command, "x", f"--{row.name}")
            assert code == 2
            ways = [f"--format {row.name}", f"-o picture{row.suffix}", f"-o file{row.suffix}"]
            assert any(way in err for way in ways), row
