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
from tests.sheets import sheets as look
from tests.support import call, often
from tests.test_page import Screen, browser  # noqa: F401

SEEDS = often(range(1), range(12))
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
        assert all(b["exact"] for b in variant["blanks"]) or name in ("softmax", "cross-entropy")
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


def test_sheets_are_right_short_and_told_apart():
    """Of every exercise, held against an oracle: answers, short numbers, mistakes, rounding."""
    found = look(often(len(EXERCISES), 200), 1)
    for what in (
        "answers that are wrong",
        "promised short, and not short",
        "wrong numbers within 2 % of another",
        "kinks and ties",
        "verdicts that rounding each line changes",
    ):
        assert not found[what], what
    assert found["answers held against the oracle"] > found["sheets"]


@pytest.mark.parametrize("name", ["product-of-matrices", "softmax", "affine"])
def test_wrong_numbers_of_arrays_are_what_check_diagnoses(name):
    """What is said to come out of a mistake is explained by a mistake when it is claimed."""
    document = quiz(name, 2)
    (variant,) = document["variants"]
    trace = traced(document, variant)
    asked = [blank for blank in variant["blanks"] if "[" in blank["node"] and blank["wrongs"]]
    assert len(asked) > 2
    for blank in asked[:: often(4, 1)]:
        claim = {blank["node"]: repr(blank["wrongs"][0]["number"])}
        (found,) = json.loads(trace.claim(claim).json())["claims"]
        assert not found["right"] and found["diagnoses"], claim


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


# the page


def page(browser, tmp_path, name, *options, **settings):  # noqa: F811
    file = tmp_path / "sheet.html"
    code, _, err = call("quiz", name, "--seed", "3", *options, "-o", str(file))
    assert code == 0, err
    screen = Screen(browser, **settings)
    screen.show(file, "")
    return screen, file.read_text()


def fill(tab, blank, text):
    box = tab.locator(f'.sheet:not([hidden]) [data-blank="{blank["number"] - 1}"]')
    box.fill(text)
    box.press("Enter")
    return box.locator("xpath=ancestor::span[contains(@class,'blank')]/span").inner_text()


@pytest.mark.parametrize("name", often(["relu", "squared-length"], EXERCISES))
def test_the_page_names_each_planted_mistake(browser, tmp_path, name):  # noqa: F811
    screen, _ = page(browser, tmp_path, name)
    (variant,) = quiz(name, 3)["variants"]
    for blank in variant["blanks"]:
        for wrong in blank["wrongs"][:: often(5, 1)]:
            said = fill(screen.tab, blank, repr(wrong["number"]))
            assert said.startswith("not yet: "), (blank["node"], wrong, said)
            assert wrong["message"] in said and wrong["rule"] in said
        assert fill(screen.tab, blank, blank["text"]).startswith("right")
    assert screen.tab.locator(".score").inner_text().startswith(f"{len(variant['blanks'])} of")
    assert not screen.trouble


def test_the_page_judges_to_the_digits_and_gives_hints(browser, tmp_path):  # noqa: F811
    screen, text = page(browser, tmp_path, "neuron", size=(390, 844))
    (variant,) = quiz("neuron", 3)["variants"]
    tab, blanks = screen.tab, variant["blanks"]
    first = next(blank for blank in blanks if not blank["exact"])
    assert fill(tab, first, f"{first['answer']:.2f}").startswith("right to the digits")
    assert "write a number" in fill(tab, first, "2*x")
    assert "comma" in fill(tab, first, "1,234")
    for blank in blanks:
        assert f"{blank['answer']!r}" not in text
    button = tab.locator(".hint").nth(1)
    said = []
    for _ in range(3):
        button.click()
        said.append(tab.locator(".said").nth(1).inner_text())
    assert "upstream x local" in said[0] and blanks[1]["text"] not in said[1]
    assert said[2].endswith(blanks[1]["text"])
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    assert not screen.trouble


def test_the_page_of_several_sheets_is_printed_whole(browser, tmp_path):  # noqa: F811
    screen, _ = page(browser, tmp_path, "gates", "--count", "3", "--blank", "both")
    tab = screen.tab
    assert tab.locator(".sheet:visible").count() == 1
    tab.locator("#next").press("Enter")
    assert tab.locator("#which").inner_text() == "2 of 3"
    (variant,) = quiz("gates", 3, "--variant", "2", "--blank", "both")["variants"]
    for blank in variant["blanks"]:
        assert fill(tab, blank, blank["text"]).startswith("right")
    tab.emulate_media(media="print")
    assert tab.locator(".sheet:visible").count() == 3
    assert tab.pdf(format="A4").count(b"/Type /Page\n") == 3


def test_values_that_are_asked_for_stand_nowhere():
    for form in ("svg", "markdown", "latex", "terminal"):
        _, sheet, _ = call("quiz", "logistic", "--blank", "values", "--format", form)
        for blank in quiz("logistic", 0, "--blank", "values")["variants"][0]["blanks"]:
            if not blank["exact"]:
                assert blank["text"] not in sheet, (form, blank)


def test_given_numbers_are_given_in_full_and_asked_for_as_they_come():
    code, out, _ = call("quiz", "x*y + z", "--at", "x=0.12345", "--json")
    (variant,) = json.loads(out)["variants"]
    assert code == 0 and variant["at"]["x"] == 0.12345
    assert not all(blank["exact"] for blank in variant["blanks"])
    _, out, _ = call("quiz", "x*y + z", "--at", "x=0.12345")
    assert "x = 0.12345," in out


def test_the_library_makes_the_same_sheets():
    sheets = bp.Program("q = x + y; f = q*z").quiz(seed=7, count=2, z=-4)
    assert json.loads(sheets.json())["variants"][1]["at"]["z"] == -4
    assert len(sheets) == 2 and "<iframe" in sheets._repr_html_()
    for text in (sheets.markdown(key=True), sheets.latex(), sheets.html()):
        assert "sheet" in text.lower()
    with pytest.raises(bp.BackpropError, match="nothing to leave blank"):
        bp.Program("x*y").quiz(blank="answers")
