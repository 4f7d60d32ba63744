"""The command line: points, options, streams and exit codes."""

import json
import signal
import subprocess
import sys
import time
from functools import cache
from importlib import metadata

import pytest

from backprop_cli.__main__ import main
from tests.screens import ROOT, environment
from tests.support import OPERATIONS, SHOWN, call, trace_of


@pytest.mark.parametrize(
    ("args", "at"),
    [
        (["--at", "x=1,y=2"], {"x": 1, "y": 2}),
        (["--at", " x = 1 , y = 2 "], {"x": 1, "y": 2}),
        (["--at", "x=1", "--at", "y=2"], {"x": 1, "y": 2}),
        (["--at", "x=pi/4,y=1/3"], {"x": 0.7853981633974483, "y": 1 / 3}),
        (["--at", "x=max(1, 2),y=-(2^3)"], {"x": 2, "y": -8}),
        (["--at", "x=1e-3,y=.5"], {"x": 0.001, "y": 0.5}),
        (["--at", "x=-0,y=+2"], {"x": 0, "y": 2}),
        (["--at", "x=sqrt(2),y=e"], {"x": 2**0.5, "y": 2.718281828459045}),
        (["--at", "x=1 y=2"], {"x": 1, "y": 2}),
        (["--at", "x = max(1, 2) ; y = 2 "], {"x": 2, "y": 2}),
        (["--at", "x=1\ny = 2"], {"x": 1, "y": 2}),
        (["--at", '{"x": 1, "y": 2}'], {"x": 1, "y": 2}),
        (["x=1", "y=2"], {"x": 1, "y": 2}),
        (["--at", "x=1", "y=2"], {"x": 1, "y": 2}),
        (["--at", "x=5e-324,y=1.7976931348623157e308"], {"x": 5e-324, "y": 1.7976931348623157e308}),
    ],
)
def test_points(args, at):
    assert trace_of("x + y", *args)["at"] == at


def test_points_from_files(tmp_path):
    file = tmp_path / "p.json"
    file.write_text('{"x": 1, "y": 2.5}')
    assert trace_of("x + y", "--at", f"@{file}")["value"] == 3.5
    assert trace_of("x + y + z", "--at", f"@{file}", "--at", "z=1")["value"] == 4.5
    assert trace_of("x + y", "--at", "@-", stdin=b'\xef\xbb\xbf{"x": 1, "y": 2}')["value"] == 3.0


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("x=1", "no value for y"),
        ("x=1,y=2,z=3", "no variable z"),
        ("x=1,x=2", "x is given twice"),
        ("x=1,y=", "y has no value"),
        ("x=1,,y=2", "a value is missing"),
        ("x=1,y", "name=value"),
        ("x=1,y=inf", "y is not finite"),
        ("x=1,y=-Infinity", "y is not finite"),
        ("x=1,y=NaN", "y is not finite"),
        ("x=1,y=1e999", "too large"),
        ("x=1,y=1e-999", "too small"),
        ("x=1,y=1_000", ""),
        ("x=1,y=٣", "not part of the language"),
        ("x=1,y=0x10", ""),
        ("x=1,y=a", "a has no value"),
        ("x=1,y=1/0", "division by zero"),
        ("x=1,y=exp(1000)", "overflow"),
        ("x=1,y=2;3", ""),
        ("x=1,y=(2", "never closed"),
        ("x=1,y==2", "name=value"),
        ("1=x", "name=value"),
        ("", "a value is missing"),
        ("@", "cannot read a file without a name"),
        ("@.", "cannot read .: it is a folder"),
        ("@nowhere.json", "cannot read nowhere.json"),
    ],
)
def test_wrong_points(at, said):
    code, out, err = call("eval", "x*y", "--at", at, "--json")
    error = json.loads(err)
    assert (code, out) == ((2 if at.startswith("@") else 1), "")
    assert said in error["message"]
    assert error["kind"] == ("usage" if at.startswith("@") else "binding")
    assert len(call("eval", "x*y", "--at", at)[2]) <= 1_500


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[1, 2]", b"3", b'{"x": "1", "y": 2}', b'{"x": true, "y": 2}', b'{"x": null, "y": 1}',
        b'{"x": 1, "x": 2, "y": 1}', b'{"x": NaN, "y": 2}', b'{"x": 1e999, "y": 2}', b"{", b"\xff",
        b'{"x": ' + b"9" * 400 + b', "y": 1}', b"[" * 100_000, b'{"x": ' + b"9" * 5000 + b"}",
        b'{"format": "backprop-trace/1"}',
    ],
    ids=lambda data: data[:20],
)  # fmt: skip
def test_wrong_point_documents(data):
    code, out, err = call("eval", "x*y", "--at", "@-", stdin=data)
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert len(err) <= 1_500


def test_all_missing_values_are_told_at_once():
    assert "no value for a, b, c" in call("eval", "a*b + c")[2]


def test_programs_from_files_and_standard_input(tmp_path):
    file = tmp_path / "f.bp"
    file.write_bytes(b"\xef\xbb\xbfx = 3\r\ny = 4\r\nx*y # product\r\n")
    assert trace_of("--file", str(file))["value"] == 12.0
    assert trace_of("-", stdin=b"x = 3; x^2")["value"] == 9.0
    assert trace_of("--file", str(file), "--at", "x=5")["value"] == 20.0


@pytest.mark.parametrize(
    ("args", "stdin", "code"),
    [
        (["eval"], b"", 2),
        (["eval", "x", "--file", "f"], b"", 2),
        (["eval", "--file", "/"], b"", 2),
        (["eval", "--file", "nowhere"], b"", 2),
        (["eval", "--file", "@nowhere"], b"", 2),
        (["eval", "--file", "@../README.md"], b"", 2),
        (["map", "x", "--points", "@nowhere"], b"", 2),
        (["samples", "nowhere"], b"", 2),
        (["eval", "-", "--at", "@-"], b"x", 2),
        (["eval", "-"], b"\xff\xfe", 1),
        (["eval", "-"], b"x\x00y", 1),
        (["eval", "-"], b"", 1),
        (["eval", "x", "--digits", "0"], b"", 2),
        (["eval", "x", "--digits", "18"], b"", 2),
        (["eval", "x", "--precision", "0"], b"", 2),
        (["eval", "x", "--precision", "1001"], b"", 2),
        (["eval", "x", "--precision", "a"], b"", 2),
        (["eval", "x", "--at", "x=1", "--wrt", "y"], b"", 1),
        (["eval", "x", "--at", "x=1", "--output", "y"], b"", 1),
        (["eval", "x", "--at", "x=1", "--upstream", "a"], b"", 2),
        (["eval", "x", "--at", "x=1", "--upstream", "nan"], b"", 2),
        (["eval", "x", "y"], b"", 2),
        (["eval", "x", "--no-such"], b"", 2),
        (["eval", "--at"], b"", 2),
        (["nothing"], b"", 1),
        (["--nothing"], b"", 2),
        (["functions", "nothing"], b"", 1),
        (["schema", "nothing"], b"", 2),
    ],
)
def test_wrong_use(args, stdin, code):
    found, out, err = call(*args, stdin=stdin)
    assert (found, out) == (code, "")
    assert err.startswith("error: ")
    assert "Traceback" not in err
    assert len(err) <= 1_500


@pytest.mark.parametrize(
    ("args", "value"),
    [
        (["-x^2", "--at", "x=3"], -9),
        (["--at", "x=3", "-x^2"], -9),
        (["--at=x=3", "-x^2"], -9),
        (["--", "-x^2", "--at", "x=3"], None),
        (["--at", "x=3", "--", "-x^2"], -9),
        (["-h*x", "--at", "h=2,x=3"], -6),
        (["--x", "--at", "x=3"], 3),
        (["-2", "--at", "@-"], -2),
        (["-.5*x", "--at", "x=-2"], 1),
    ],
)
def test_a_program_may_begin_with_a_minus(args, value):
    code, out, _ = call("eval", "--json", *args, stdin=b"{}")
    assert (code == 0) == (value is not None)
    if value is not None:
        assert json.loads(out)["value"] == value


def test_help_leads_with_examples():
    for args in (["--help"], ["-h"], [], ["eval", "--help"], ["eval", "-h"], ["functions", "-h"]):
        code, out, _ = call(*args)
        assert code == 0
        assert out.startswith("Examples:\n  backprop ")
        assert "Usage:" in out


def test_samples_are_files_by_name(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    written = ("--file", str(ROOT / "samples/neuron.bp"), "--at", f"@{ROOT}/samples/neuron.json")
    assert trace_of("--file", "@neuron", "--at", "@neuron") == trace_of(*written)
    assert trace_of("--file", "@neuron.bp", "--at", "@neuron.json") == trace_of(*written)
    code, out, _ = call("samples", "neuron")
    assert (code, out) == (0, (ROOT / "samples/neuron.bp").read_text(encoding="utf-8"))
    (tmp_path / "neuron").write_text('{"x": 3}', encoding="utf-8")  # a file comes first
    assert trace_of("x", "--at", "@neuron")["value"] == 3.0
    assert "did you mean neuron?" in call("eval", "--file", "@nuron")[2]


def test_wrt_output_and_upstream():
    program = ("q = x + y; f = q*z", "--at", "x=-2,y=5,z=-4")
    assert trace_of(*program, "--wrt", "q,z")["gradients"] == {"q": -4.0, "z": 3.0}
    assert trace_of(*program, "--wrt", "q", "--wrt", "x")["gradients"] == {"q": -4.0, "x": -4.0}
    assert trace_of(*program, "--output", "q")["gradients"] == {"x": 1.0, "y": 1.0, "z": 0.0}
    assert trace_of(*program, "--upstream", "-1/2")["gradients"] == {"x": 2.0, "y": 2.0, "z": -1.5}
    assert trace_of("x*y + sin(x)", "--at", "x=0,y=3", "--wrt", "n1")["gradients"] == {"n1": 1.0}
    # Only what lies on a path is differentiated: y's own edge is not there.
    trace = trace_of(*program, "--wrt", "x")
    edges = {n["name"]: [e["operand"] for e in n.get("edges", ())] for n in trace["nodes"]}
    assert edges["f"] == ["q"]
    assert edges["q"] == ["x"]


def test_output_may_leave_variables_without_values():
    assert trace_of("q = x^2; f = q*z", "--at", "x=3", "--output", "q")["value"] == 9.0


def test_json_is_on_standard_output_and_errors_are_not():
    code, out, err = call("eval", "x*y", "--at", "x=1,y=2", "--json")
    assert (code, err) == (0, "")
    assert out.count("\n") == 1
    code, out, err = call("eval", "x*y", "--at", "x=1", "--json")
    assert (code, out) == (1, "")
    assert json.loads(err)["format"] == "backprop-error/1"


def shell(line: str, **more: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["bash", "-c", line], env=environment() | more, capture_output=True, check=False, cwd=ROOT
    )


def test_a_closed_pipe_is_silent():
    done = shell('backprop functions | head -1; echo "${PIPESTATUS[0]}"')
    assert done.stderr == b""
    done = shell("set -o pipefail; yes '+x' | head -6000 | tr -d '\\n' | sed 's/^/x/' |"
                 " backprop eval - --at x=1 --json | head -c 10")  # fmt: skip
    assert done.stderr == b""
    assert done.returncode == 141


def test_an_interrupt_is_quiet():
    process = subprocess.Popen(
        ["backprop", "eval", "-"], env=environment(), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err == b""


@pytest.mark.parametrize("place", ["backprop_cli.formats.formats_of", "backprop_cli.app.run"])
def test_an_interrupt_while_a_class_is_made(monkeypatch, place):
    """Python 3.11 makes a RuntimeError of it."""

    class Slow:
        def __set_name__(self, owner, name):
            raise KeyboardInterrupt

    monkeypatch.setattr(place, lambda *_: type("Loaded", (), {"slow": Slow()}))
    monkeypatch.setattr(sys, "argv", ["backprop", "eval", "x", "--at", "x=1"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130


def test_a_number_of_a_file_that_a_float_cannot_hold(tmp_path):
    point = tmp_path / "p.json"
    for text, code in (("1e-400", 1), ("-0.0e-400", 0), ("5e-324", 0), ("1e400", 1)):
        point.write_text(f'{{"x": {text}}}', encoding="utf-8")
        assert call("eval", "x", "--at", f"@{point}")[0] == code, text


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["eval", "--file", "samples/neuron.bp", "--jsn"], "did you mean --json?"),
        (["eval", "--file=samples/neuron.bp", "-x"], "no such option: -x"),
        (["functions", "--jsn"], "did you mean --json?"),
        (["check", "x", "--at", "x=1", "--points", "5"], "--points and --seed choose points"),
        (["check", "x", "--at", "x=1", "--seed", "0"], "--points and --seed choose points"),
    ],
)
def test_an_option_that_is_none_is_no_program(monkeypatch, args, said):
    monkeypatch.chdir(ROOT)
    code, out, err = call(*args)
    assert (code, out) == (2, "")
    assert said in err


def test_an_upstream_gradient_needs_a_point():
    code, _, err = call("graph", "x*y", "--upstream", "3")
    assert code == 2
    assert "--upstream is a number" in err


def test_a_minus_sign_stands_for_standard_output(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    printed = call("graph", "x*x", "--at", "x=1", "--format", "dot")
    assert call("graph", "x*x", "--at", "x=1", "--format", "dot", "-o", "-") == printed
    assert not list(tmp_path.iterdir())
    assert call("graph", "--file", "-", "-og.svg", stdin=b"x = 1; x*x")[0] == 0
    assert (tmp_path / "g.svg").is_file()


def test_a_link_to_itself_is_no_trouble(tmp_path):
    place = tmp_path / "loop.svg"
    place.symlink_to(place)
    assert call("graph", "x*x", "-o", str(place))[0] == 0
    assert call("map", "x", "--points", str(tmp_path / ("a" * 300 + ".csv")))[0] == 2


def test_colour_only_where_it_is_wanted():
    line = 'backprop eval "x*y" --at x=1,y=2'
    assert b"\x1b[" not in shell(line).stdout
    assert b"\x1b[32m" in shell(line, FORCE_COLOR="1").stdout
    assert b"\x1b[3" not in shell(line, FORCE_COLOR="1", NO_COLOR="1").stdout
    inside = f"script -qec '{line}' /dev/null"
    if shell("command -v script").returncode == 0:
        assert b"\x1b[32m" in shell(inside).stdout
        assert b"\x1b[" not in shell(inside, TERM="dumb").stdout


@cache
def gradients(*args: str) -> dict[str, float]:
    return trace_of(*args)["gradients"]


@pytest.mark.parametrize("columns", [1, 2, 7, 20, 40, 61, 79, 80, 81, 100, 119, 132, 200])
@pytest.mark.parametrize("sample", ["neuron", "network", "huber", "block", "cancellation"])
def test_no_width_cuts_a_number(columns, sample, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    args = ["--file", str(ROOT / f"samples/{sample}.bp")]
    if sample == "neuron":
        args += ["--at", f"@{ROOT}/samples/neuron.json"]
    code, out, _ = call("eval", *args)
    assert code == 0
    assert "…" not in out
    words = out.split()
    for name, gradient in gradients(*args).items():
        assert f"{gradient:.6g}" in words, name
    if columns >= 20:
        longest = max(len(word) for word in words)
        assert all(len(line) <= max(columns, longest) for line in out.splitlines())


def test_markup_and_escapes_are_harmless():
    code, out, err = call("eval", "x [red]:smile:\x1b[31m", "--at", "x=1")
    assert code == 1
    assert "\x1b" not in out + err
    code, out, err = call("eval", "x*y # [red]:smile: \x1b[31m\u202e", "--at", "x=1,y=2")
    assert code == 0
    assert "\x1b" not in out


def test_an_ascii_terminal_shows_everything():
    done = shell('backprop eval "q = x + y; f = q*z" --at x=-2,y=5,z=-4',
                 PYTHONUTF8="0", PYTHONIOENCODING="ascii", LC_ALL="C")  # fmt: skip
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert b"-4 -> q" in done.stdout
    done = shell("backprop eval 'x ≈ y' --at x=1,y=2",
                 PYTHONUTF8="0", PYTHONIOENCODING="ascii", LC_ALL="C")  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.isascii()


def test_python_m_and_version():
    done = subprocess.run(
        [sys.executable, "-m", "backprop_cli", "--version"], capture_output=True, check=True
    )
    assert done.stdout.decode().split() == ["backprop", metadata.version("backprop-cli")]


def test_a_large_program_gives_way_to_the_summary():
    program = "+".join(["x"] * 5000)
    code, out, _ = call("eval", "-", "--at", "x=2", stdin=program.encode())
    assert code == 0
    assert "--all" in out
    assert "5000" in out.split()
    assert len(out.splitlines()) < 20
    code, out, _ = call("eval", "-", "--at", "x=2", "--all", stdin=b"+".join([b"x"] * 500))
    assert "n499" in out


def test_nothing_is_written(tmp_path):
    before = sorted(tmp_path.iterdir())
    subprocess.run(["backprop", "eval", "x", "--at", "x=1"], env=environment(), cwd=tmp_path,
                   capture_output=True, check=True)  # fmt: skip
    assert sorted(tmp_path.iterdir()) == before


def test_enormous_exponents_stay_readable():
    for program, at in (
        ("exp(x)", "x=-1e308"),
        ("exp(x)/exp(x)", "x=1e300"),
        ("sigmoid(x)", "x=-1e200"),
    ):
        code, out, _ = call("eval", program, "--at", at)
        assert code == 0
        assert max(map(len, out.splitlines())) <= 130
        trace_of(program, "--at", at)


@pytest.mark.parametrize(
    ("program", "at", "wrt", "value"),
    [
        ("h1 = x*y; h1^2", "x=1,y=2", "h1,x", "2"),
        ("h1 = (1 + x) - 1; 2*h1 + y", "x=1e-20,y=3", "h1,y", "1e-20"),
        ("h1 = exp(x); log(h1)", "x=1000", "h1", "1.97007e+434"),
        ("h1 = sin(x); h2 = h1*h1; h2 + x", "x=3.141592653589793", "h2,h1,x", "2.38463e-16"),
    ],
)
def test_an_inner_node_has_its_value_without_the_tables(program, at, wrt, value):
    command = ("eval", program, "--at", at, "--wrt", wrt)
    summaries = [
        call(*command, *more)[1].partition("Gradients")[2].partition("\n\n")[0]
        for more in ((), ("--quiet",))
    ]
    assert summaries[0] == summaries[1]
    rows = {row.split()[0]: row.split()[1] for row in summaries[1].splitlines()[3:]}
    assert rows["h1"] == value


SOFT_COMMANDS = [
    (("eval", "gamma*x + beta", "--at", "gamma=2,x=3,beta=1", "--json"), 7.0, {"gamma": 3.0, "x": 2.0, "beta": 1.0}),
    (("eval", "beta = 2; beta*x", "--at", "x=3", "--json"), 6.0, {"beta": 3.0, "x": 2.0}),
    (("eval", "gamma(x) = x^2; gamma(3*x)", "--at", "x=1", "--json"), 9.0, {"x": 18.0}),
    (("eval", "f(mod, x) = mod*x; f(2, x)", "--at", "x=3", "--json"), 6.0, {"x": 2.0}),
    (("eval", "round = 3*x; round^2", "--at", "x=1", "--wrt", "round,x", "--json"), 9.0, {"round": 6.0, "x": 18.0}),
    (("eval", "x*y", "--at", "x=gamma(4),y=floor(2.5)", "--json"), 12.0, {"x": 2.0, "y": 6.0}),
    (("eval", "gamma + gamma(x)", "--at", "x=4,gamma=1", "--wrt", "gamma", "--json"), 7.0, {"gamma": 1.0}),
]  # fmt: skip
"""What a name means that is a function's only where a parenthesis follows it."""


@pytest.mark.parametrize(("args", "value", "gradients"), SOFT_COMMANDS)
def test_a_soft_name_is_the_programs_own(args, value, gradients):
    code, out, err = call(*args)
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["value"], found["gradients"]) == (value, gradients)


@pytest.mark.parametrize(
    "args",
    [
        ("check", "gamma*x + beta", "--at", "gamma=2,x=3,beta=1", "--claim", "gamma=3,beta=1"),
        ("check", "gamma*x", "--against", "x*gamma", "--over", "gamma=1:2,x=0:1"),
        ("step", "(gamma - 3)^2", "--at", "gamma=0", "--rate", "0.1"),
        ("explain", "gamma*x + beta", "--at", "gamma=2,x=3,beta=1", "--why", "gamma"),
        ("derive", "gamma*x^2 + mod", "--wrt", "gamma,x,mod", "--order", "2"),
        ("graph", "round = x*y; floor = round^2; floor", "--format", "svg"),
        ("eval", "floor = x*y + sin(x); 3*floor", "--at", "x=1,y=2", "--fold", "floor"),
    ],
)
def test_a_soft_name_stands_in_every_command(args):
    code, _, err = call(*args)
    assert (code, err) == (0, "")


@pytest.mark.parametrize("columns", ["", "80", "200", "60", "30"])
def test_the_list_of_functions_fits(columns, monkeypatch):
    if columns:
        monkeypatch.setenv("COLUMNS", columns)
    code, out, _ = call("functions")
    assert code == 0
    assert max(map(len, out.splitlines())) <= min(80, int(columns or 80))
    for row in SHOWN:
        lines = [line for line in out.splitlines() if f"{line}  ".startswith(f"{row.signature}  ")]
        assert len(lines) == 1, row.signature


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("normal", ["sinc", "normcdf", "gelu"]),  # what they say
        ("HYPERBOLIC", ["sinh", "cosh", "tanh", "asinh", "acosh", "atanh"]),
        ("elu", ["elu"]),  # a name is that function alone
        ("relu_", []),
        ("swish", ["silu"]),
        ("ln", ["log"]),
        # what other languages call it
        ("maximum", ["max"]),
        ("np.maximum", ["max"]),
        ("σ", ["sigmoid"]),
        ("expit(x)", ["sigmoid"]),
        ("**", ["pow"]),
        ("cot", ["div", "tan"]),
        ("arcsinh", ["asinh"]),
        ("", []),
        (" ", []),
    ],
)
def test_functions_are_searched(word, found):
    code, out, err = call("functions", word, "--json")
    assert code == (0 if found else 1)
    if found:
        assert [row["name"] for row in json.loads(out)["functions"]] == found
        shown = call("functions", word)[1]
        assert all(OPERATIONS[name].signature in shown for name in found)
    else:
        assert "there is no operation" in err
