"""Completion: what may stand, and real shells that are typed at."""

import os
import pty
import re
import select
import shutil
import subprocess
import time

import pytest

from backprop_cli.input.shells import SCRIPTS
from tests.screens import ROOT, environment
from tests.support import call

PROGRAM = '"q = xx + y; f = q*z"'

OFFERED = [
    # what stands before the cursor, and what may stand there: all of it, or some of it
    ("backprop ex", ["explain"]),
    ("backprop eval --pre", ["--precision"]),
    ("backprop eval x --precision 3 --pre", []),
    ("backprop eval x --wrt x --wr", ["--wrt"]),  # which may be repeated
    ("backprop --ver", ["--version"]),
    ("backprop x*y --up", ["--upstream"]),  # a formula alone is evaluated
    ("backprop --fi", ["--file"]),
    (f"backprop {PROGRAM} ", ["xx=", "y=", "z="]),
    (f"backprop graph {PROGRAM} xx=1 ", ["y=", "z="]),
    (f"backprop {PROGRAM} y=1 x", ["xx="]),
    (f"backprop {PROGRAM} @neu", ["@neuron"]),
    ("backprop -f @neuron w", ["w0=", "w1=", "w2="]),
    ("backprop -f @neuron w0=1 w", ["w1=", "w2="]),
    ("backprop schema trace x", []),
    ("backprop graph x --theme ", ["light", "dark", "auto"]),
    ("backprop graph x --format ", {"svg", "html", "dot"}),
    ("backprop graph x --format=s", ["--format=svg"]),
    ("backprop explain x --format ma", ["markdown"]),
    ("backprop step x --method ", ["gd", "momentum", "adam"]),
    ("backprop map x --points @points --reduce ", ["mean", "sum"]),
    ("backprop graph x --theme ", ["light", "dark", "auto"]),
    ("backprop graph x --width a", ["a4"]),
    ("backprop map x --to ", ["csv", "tsv", "jsonl", "parquet"]),
    ("backprop schema ", {"trace", "error"}),
    ("backprop step x --init ", ["normal", "uniform", "xavier", "he", "zeros"]),
    ("backprop step x --data @s", ["@spirals.csv"]),
    ("backprop schema trace ", []),
    ("backprop functions sigm", ["sigmoid"]),
    ("backprop functions --verify lo", {"log", "log1p", "logit"}),
    ("backprop samples net", ["network"]),
    ("backprop help ex", ["explain", "exit-codes"]),
    ("backprop completion ", ["bash", "zsh", "fish"]),
    (f"backprop eval {PROGRAM} --wrt ", ["xx", "y", "q", "z", "f"]),
    (f"backprop eval {PROGRAM} --wrt q,x", ["q,xx"]),
    (f"backprop eval --wrt q {PROGRAM} --output ", {"q", "f"}),
    (f"backprop eval --wrt {PROGRAM} --at ", []),  # that was no program
    (f"backprop eval {PROGRAM} --at y=1,", ["y=1,xx=", "y=1,z="]),
    (f"backprop eval {PROGRAM} --at y=1,xx=", []),
    (f"backprop check {PROGRAM} --claim q", ["q="]),
    (f"backprop explain {PROGRAM} --why f", ["f"]),
    ('backprop graph "sq(u) = u*u; sq(x)" --expand s', {"sq", "sigmoid"}),
    ('backprop eval "f(X, w) = X @ w; p = softmax(f(X, w)); p[0]" --fold lay', {"layernorm"}),
    ("backprop derive --file @neuron --jvp w0=1,w1=0,x0=0,x1=0,", ["w0=1,w1=0,x0=0,x1=0,w2="]),
    ("backprop eval --file @ne", ["@network", "@neuron"]),
    ("backprop eval --at @", ["@makemore", "@neuron"]),
    ("backprop map x --points @", ["@answers", "@points", "@spirals.csv"]),
    ("backprop eval 'x*y + ", []),
    ("backprop eval 'x*(' --wrt ", []),
    ("backprop eval --file nowhere --wrt ", []),
    ("backprop eval - --wrt ", []),
]


@pytest.mark.parametrize(("line", "offered"), OFFERED, ids=[line for line, _ in OFFERED])
def test_what_may_stand(line, offered):
    code, out, err = call("completion", "bash", "--line", line)
    assert (code, err) == (0, "")
    if isinstance(offered, set):
        assert offered <= {*out.splitlines()}
    else:
        assert out.splitlines() == offered
    for shell in ("zsh", "fish"):  # with a line on each
        _, more, _ = call("completion", shell, "--line", line)
        assert [re.split(r"[:\t]", one)[0] for one in more.splitlines()] == out.splitlines()


def test_every_option_of_every_command_is_offered():
    for line in call("--help")[1].partition("Commands:")[2].splitlines():
        command = re.match(r"  (\w+)  ", line)
        if command:
            shown = {*re.findall(r"^  (?:-\w, )?(--[a-z-]+)", call(command[1], "--help")[1], re.M)}
            _, out, _ = call("completion", "bash", "--line", f"backprop {command[1]} --")
            assert {*out.splitlines()} == shown, command[1]


def test_an_unknown_shell_is_refused():
    code, out, err = call("completion", "fsh")
    assert (code, out) == (2, "")
    assert "did you mean fish?" in err


# Typed at a terminal

TYPED = [
    ("backprop functions sigmo", ["functions", "sigmoid"]),
    ("backprop graph x --format=sv", ["graph", "x", "--format=svg"]),
    ("backprop expl", ["explain"]),
    ("backprop eval --prec", ["eval", "--precision"]),
    (f"backprop eval {PROGRAM} --wrt q,x", ["eval", PROGRAM[1:-1], "--wrt", "q,xx"]),
    ("backprop eval 'x*yy' --at x=1,", ["eval", "x*yy", "--at", "x=1,yy="]),
    ("backprop eval --file @neur", ["eval", "--file", "@neuron"]),
    ("backprop eval --file fil", ["eval", "--file", "file.bp"]),
]
"""A line at whose end TAB is pressed -> the words of the line then."""

INSTALLED = {
    "bash": ("backprop.bash", ["bash", "--norc", "-i"], "source backprop.bash"),
    "zsh": (
        "_backprop",
        ["zsh", "-f", "-i"],
        "fpath=($HOME $fpath); autoload -Uz compinit; compinit -u -D",
    ),
    "fish": (".config/fish/completions/backprop.fish", ["fish", "-i"], "true"),
}
"""A shell -> where its script is put, how it is started, and what it is told first."""


class Typist:
    """A shell at a terminal of its own, and who types at it."""

    def __init__(self, command: list[str], home: str) -> None:
        self.process, self.terminal = pty.fork()
        if not self.process:
            os.chdir(home)
            os.execvpe(command[0], command, environment() | {"HOME": home, "PS1": "$ "})
        self.shown = ""

    def type(self, keys: str, until: str) -> str:
        """Type, and read until something is shown; what was shown since."""
        os.write(self.terminal, keys.encode())
        self.shown, end = "", time.monotonic() + 60
        while until not in self.shown:
            assert time.monotonic() < end, self.shown
            if select.select([self.terminal], [], [], 1)[0]:
                self.shown += os.read(self.terminal, 65_536).decode(errors="replace")
        return self.shown

    def leave(self) -> None:
        os.close(self.terminal)
        os.waitpid(self.process, 0)


@pytest.mark.parametrize("shell", INSTALLED)
def test_a_shell_completes(shell, tmp_path):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    file, command, first = INSTALLED[shell]
    script = tmp_path / file
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(call("completion", shell)[1], encoding="utf-8")
    (tmp_path / "file.bp").write_text("x = 1; x", encoding="utf-8")
    typist = Typist(command, str(tmp_path))
    typist.type(f"{first}; echo READY-$((40 + 2))\n" if shell != "fish" else "echo READY-(math 40 + 2)\n", "READY-42")  # fmt: skip
    for line, words in TYPED:
        # Home, what prints the words, End, a last word: so that the line is never run
        shown = typist.type(f"{line}\t\x01printf '<%s>' \x05 LAST\n", "<LAST>")
        assert "".join(f"<{word}>" for word in ["backprop", *words, "LAST"]) in shown, line
    typist.leave()


def test_fish_offers_what_we_do(tmp_path):
    """Its own answer to a line, and its exit code."""
    if shutil.which("fish") is None:
        pytest.skip("fish is not installed")
    (tmp_path / "b.fish").write_text(SCRIPTS["fish"], encoding="utf-8")
    done = subprocess.run(
        ["fish", "--no-config", "-c", "source b.fish; complete -C 'backprop graph x --format '"],
        cwd=tmp_path, env=environment() | {"HOME": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    _, out, _ = call("completion", "fish", "--line", "backprop graph x --format ")
    assert sorted(done.stdout.splitlines()) == sorted(out.splitlines())


def test_the_gate_installs_the_shells():
    gate = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert all(shell in gate for shell in INSTALLED)
