"""Sheets with blanks: numbers that a person can do, mistakes told apart, answers exact."""

import json
import re
import shutil
import subprocess
import sys
from fractions import Fraction

import pytest

import backprop_grammar as bp
from backprop_grammar.quiz.draw import plain_nodes
from backprop_grammar.quiz.exercises import EXERCISES
from tests.support import call, often

SEEDS = often(range(2), range(12))
NEAR = 0.01


def quiz(name, seed, *options):
    code, out, err = call("quiz", name, "--seed", str(seed), "--json", *options)
    assert code == 0, err
    return json.loads(out)


def sheets(seeds=SEEDS):
    for name in EXERCISES:
        for seed in seeds:
            yield name, seed


def traced(document, variant, **options):
    return bp.Program(document["program"]).at(variant["at"], **options)


def numbers_of(trace, blank):
    """The number that a blank asks for, from a trace of the library."""
    base, _, place = blank["node"].partition("[")
    node = trace[base]
    x = node.gradient if blank["kind"] == "gradients" else node.value
    for k in place.rstrip("]").split(",") if place else ():
        x = x[int(k)]
    return x


@pytest.mark.parametrize(("name", "seed"), list(sheets()))
def test_answers_are_those_of_eval(name, seed):
    document = quiz(name, seed, "--blank", "both")
    for variant in document["variants"]:
        trace = traced(document, variant)
        for blank in variant["blanks"]:
            exact = numbers_of(trace, blank)
            assert blank["answer"] == pytest.approx(exact, rel=1e-15, abs=0)
            room = 0 if blank["exact"] else 0.005
            assert abs(float(blank["text"]) - exact) <= room * abs(exact) + 1e-15


@pytest.mark.parametrize(("name", "seed"), list(sheets()))
def test_numbers_that_are_plain_are_short(name, seed):
    """Over + - * / and choices all numbers are decimals of few digits, exactly: seen in Fractions."""
    document = quiz(name, seed, "--blank", "both")
    (variant,) = document["variants"]
    program = bp.Program(document["program"]).record
    if program.arrays:
        assert all(b["exact"] for b in variant["blanks"]) or "softmax" in name
        return
    values, gradients = plain_nodes(program)
    for node, label in program.names.items():
        for blank in variant["blanks"]:
            plain = values if blank["kind"] == "values" else gradients
            if blank["node"] == label and plain[node]:
                assert blank["exact"], blank
    for blank in variant["blanks"]:
        if blank["exact"]:
            text = Fraction(blank["text"])
            assert (text * 1000).denominator == 1
            assert len(re.sub(r"[-.]", "", blank["text"]).strip("0")) <= 4


@pytest.mark.parametrize(("name", "seed"), list(sheets()))
def test_mistakes_give_different_numbers_or_the_sheet_says_so(name, seed):
    document = quiz(name, seed)
    for variant in document["variants"]:
        for blank in variant["blanks"]:
            found = [blank["answer"], *[wrong["number"] for wrong in blank["wrongs"]]]
            for k, x in enumerate(found):
                for y in found[:k]:
                    assert abs(x - y) > 0.02 * max(abs(x), abs(y)), blank


@pytest.mark.parametrize("name", EXERCISES)
def test_the_same_seed_draws_the_same(name):
    """On its own, among others, and whatever the order of sets is."""
    (_, second, _) = quiz(name, 3, "--count", "3")["variants"]
    assert quiz(name, 3, "--variant", "2")["variants"] == [second]
    assert quiz(name, 3)["variants"][0]["at"] != second["at"]


def test_the_bytes_do_not_depend_on_hashes():
    command = [sys.executable, "-m", "backprop_cli", "quiz", "neuron", "--seed", "5", "--json"]
    found = {
        subprocess.run(
            command, env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in "12"
    }
    assert len(found) == 1


def test_no_kinks_ties_or_dead_branches():
    for seed in range(4):
        for name in ("relu", "max", "two-layers"):
            document = quiz(name, seed)
            trace = traced(document, document["variants"][0])
            assert not [note for note in trace.notes if note.kind in ("kink", "tie", "boundary")]
            shut = [node for node in trace.nodes if node.operation == "relu" and node.value == 0]
            assert not shut


def test_given_inputs_stay():
    document = quiz("gates", 0)
    code, out, _ = call("quiz", "gates", "--at", "z=-4", "--json")
    assert code == 0
    assert json.loads(out)["variants"][0]["at"]["z"] == -4
    code, out, _ = call("quiz", "gates", "--at", "x=1,y=2,z=3", "--json")
    assert json.loads(out)["variants"][0]["at"] == {"x": 1, "y": 2, "z": 3}
    assert document["blank"] == ["gradients"]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["gates", "--count", "0"], "--count takes 1 to 1,000"),
        (["gates", "--variant", "0"], "--variant takes the number"),
        (["gates", "--seed", "-1"], "--seed takes"),
        (["gates", "--blank", "gradiens"], "gradients"),
        (["gates", "--format", "pdf"], "there is no format pdf"),
        (["X: Nx2; sum(X)"], "nothing says how large N"),
        (["relu(-x^2 - 1)"], "no numbers were found"),
        (["gates", "--count", "2", "-o", "a.svg"], "a picture is of one sheet"),
        (["--list", "gates"], "--list lists"),
    ],
)
def test_what_is_refused(argv, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = call("quiz", *argv)
    assert code in (1, 2)
    assert said in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", often(["neuron", "squared-length"], EXERCISES))
@pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")
def test_latex_compiles(name, tmp_path):
    code, _, err = call("quiz", name, "--count", "2", "--key", "-o", str(tmp_path / "sheets.tex"))
    assert code == 0, err
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "sheets.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert b"Overfull" not in done.stdout


@pytest.mark.parametrize("form", ["terminal", "markdown", "latex"])
@pytest.mark.parametrize("name", ["neuron", "squared-length"])
def test_a_key_has_all_answers_and_a_sheet_none(name, form):
    document = quiz(name, 1)
    _, sheet, _ = call("quiz", name, "--seed", "1", "--format", form)
    _, key, _ = call("quiz", name, "--seed", "1", "--format", form, "--key")
    for blank in document["variants"][0]["blanks"]:
        assert f"({blank['number']})" in sheet or f"blank{{{blank['number']}}}" in sheet
        assert blank["text"] in key
    assert len(key) > len(sheet)


def test_boxes_stand_where_blanks_are():
    _, svg, _ = call("quiz", "neuron", "--format", "svg")
    blanks = quiz("neuron", 0)["variants"][0]["blanks"]
    assert svg.count('class="shape box"') == len(blanks)
    assert not re.findall(r'class="contribution[^>]*>[^<]', svg)
