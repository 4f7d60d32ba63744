"""The answers of a class: read or named, marked, and what went wrong told."""

import csv
import io
import json
import shutil
import subprocess

import pytest

from backprop_grammar.quiz.marking import (
    BLANK,
    FEWEST,
    RIGHT,
    ROUNDED,
    SHORT,
    UNREAD,
    WRONG,
    marked,
)
from backprop_grammar.quiz.reading import read
from backprop_grammar.quiz.record import NEAR, Blank, Wrong
from backprop_grammar.views.pictures.html import part
from tests.support import call

GATES = ("q = x + y; f = q*z", "x=-2,y=5,z=-4")
ALL = {"x": "-4", "y": "-4", "z": "3", "q": "-4"}


def table(rows, names=("student", "x", "y", "z", "q"), separator=",", mark=""):
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=separator)
    writer.writerow(names)
    writer.writerows(rows)
    return mark + stream.getvalue()


def graded(tmp_path, text, *options, of=GATES):
    path = tmp_path / "answers.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    program, at = of
    return call("grade", program, str(path), "--at", at, *options)


def document_of(tmp_path, text, of=GATES):
    code, out, err = graded(tmp_path, text, "--json", of=of)
    assert code in (0, 3), err
    return json.loads(out)


def answers(**changed):
    return [(ALL | changed)[name] for name in ("x", "y", "z", "q")]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0.39", 0.39), ("-.2", -0.2), ("1/3", 1 / 3), ("0,39", 0.39), ("-0,5", -0.5), ("\u22124", -4), ("'0.39", 0.39),
        ("=2+1", 3), (" 3 ", 3), ("3\u00a0", 3), ("1e-3", 0.001), ("+4", 4), ("12,5", 12.5), ("2*pi", 6.283185307179586),
    ],
)  # fmt: skip
def test_numbers_are_read_as_people_write_them(text, number):
    answer = read(text)
    assert answer.number is not None, answer.why
    assert float(answer.number) == pytest.approx(number, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,234", "a thousand times"), ("1 000", "between its digits"), ("1\u00a0000", "between its digits"),
        ("1.234,5", "between its digits"), ("1,234.5", "between its digits"), ("1'000", "between its digits"),
        ("2026-11-27", "a date"), ("01.02.2026", "a date"), ("1/3/2026", "a date"), ("#DIV/0!", "an error of a spreadsheet"),
        ("39 %", "two meanings"), ("y=0.4", "the number alone"), ("x:=3", "the number alone"), ("4 # mine", "the number alone"),
        ("1;2", "more than one"), ("1\n2", "more than one"), ("[1,2]", ""), ("TRUE", "no value for TRUE"),
        ("n/a", "no value for n, a"), ("abc", "no value"), ("0.39?", ""), ("3 apples", ""), ("4,5,6", ""), ("--", ""),
        ("1.2.3", ""), ("0.5.", ""), ("~0.4", ""), ("0.4\u00b10.1", ""), ("2x y", ""), ("half", ""), ("<b>", ""),
        ("1/0", "division by zero"), ("9**9**9", "overflows"), ("1e400", "no number that a float holds"), ("nan", "no value"),
        ("1 1/2", "two numbers"), ("1\u00bd", "two meanings"), ("__import__('os')", ""), ("\u202e4", ""), ("4\0", ""),
        ("(" * 10_000 + "1" + ")" * 10_000, "20,001 characters"), ("9" * 1_000_000, "1,000,000 characters"),
    ],
)  # fmt: skip
def test_what_is_no_number_is_named_and_not_guessed(text, said):
    answer = read(text, {"x": 2.0}, ("x", "dx"))
    assert answer.number is None
    assert answer.why
    assert said in answer.why


@pytest.mark.parametrize(
    ("text", "number", "digits"),
    [
        ("1e-1", 0.1, 1), ("1,5e-3", 0.0015, 2), ("1.5\u00b710^-3", 0.0015, 2), ("1.5x10^-3", 0.0015, 2), ("x=0.4", 0.4, 1),
        ("dx = -,5", -0.5, 1), ("\uff10\uff0e\uff14", 0.4, 1), ("\u20134", -4, 1), ("\u200b4", 4, 1), ("0.40", 0.4, 2),
        ("\u00bd", 0.5, 15), ("-1/4", -0.25, 15), ("2*x", 4, 15), ("-(-4)", 4, 15), ("2^3", 8, 15), ("007.0", 7, 2),
    ],
)  # fmt: skip
def test_digits_are_counted_as_they_are_written(text, number, digits):
    answer = read(text, {"x": 2.0}, ("x", "dx"))
    assert answer.number is not None, answer.why
    assert float(answer.number) == pytest.approx(number, rel=1e-15)
    assert answer.digits == digits


NEITHER = ""
MARKS = [  # the right number, whether it is exact, what mistakes lead to, an answer, its mark
    (0.3932, False, (), "0.3932", RIGHT), (0.3932, False, (), "0.393", RIGHT), (0.3932, False, (), "0.39", RIGHT),
    (0.3932, False, (), "0.396", RIGHT), (0.3932, False, (), "0.40", WRONG), (0.3932, False, (), "0.4", SHORT),
    (0.3932, False, (), "0.38", WRONG), (0.3932, False, (), "-0.393", WRONG), (0.1966, False, (), "0.20", ROUNDED),
    (0.1966, False, (), "0.2", SHORT), (0.1966, False, (), "1/5", WRONG), (0.1966, False, (), "2e-1", SHORT),
    (0.1966, False, (), "1.97e-1", RIGHT), (0.1966, False, (), "0,197", RIGHT), (0.003, False, (), "0", WRONG),
    (0.003, False, (), "0.00", WRONG), (23.4, False, (), "20", WRONG), (147.0, False, (), "100", WRONG),
    (147.2, False, (), "150", WRONG), (1.0 / 3, False, (), "1/3", RIGHT), (1.0 / 3, False, (), "0.33", RIGHT),
    (0.375, True, (), "0.375", RIGHT), (0.375, True, (), "3/8", RIGHT), (0.375, True, (), "0.38", ROUNDED),
    (0.375, True, (), "0.4", WRONG), (0.375, True, (), "0.393", WRONG), (0.375, True, (), "0.3750", RIGHT),
    (0.375, True, (), "0.376", WRONG), (-11.6, True, (-12.0,), "-12", WRONG), (-11.6, True, (), "-12", ROUNDED),
    (21.0, True, (20.0,), "20", WRONG), (21.0, True, (), "20", WRONG), (0.0, True, (3.0,), "0", RIGHT),
    (0.0, True, (), "-0.0", RIGHT), (0.0, True, (), "0.001", WRONG), (5.0, True, (-5.0, 1.0), "1", WRONG),
    (5.0, True, (1.0 / 3,), "0.333", WRONG), (5.0, True, (0.33, 1.0 / 3), "0.33", WRONG), (2.0, True, (), "\u00bd", WRONG),
    (0.5, True, (), "\u00bd", RIGHT), (-4.0, True, (), "\u22124", RIGHT), (-4.0, True, (), "- 4", RIGHT),
    (0.4, True, (), "\uff10\uff0e\uff14", RIGHT), (0.0015, True, (), "1.5*10^-3", RIGHT), (4.0, True, (), "4.", RIGHT),
    (4.0, True, (), "abc", NEITHER), (4.0, True, (), "1,234", NEITHER), (4.0, True, (), "4 %", NEITHER),
    (1000.0, True, (), "1 000", NEITHER), (4.0, True, (), "1/0", NEITHER), (4.0, True, (), "1e400", NEITHER),
    (4.0, True, (), "4?", NEITHER), (4.0, True, (), "", BLANK), (4.0, True, (), " ", BLANK), (0.5, True, (), "1/2/2026", NEITHER),
]  # fmt: skip


def blank_of(right, exact, numbers):
    wrongs = tuple([Wrong(x, "a mistake", "n1", "it is one", "Do not.") for x in numbers])
    return Blank(1, "x", "gradients", right, str(right), exact, wrongs)


@pytest.mark.parametrize(("right", "exact", "numbers", "text", "status"), MARKS)
def test_marks_are_those_of_a_fair_teacher(right, exact, numbers, text, status):
    blank = blank_of(right, exact, numbers)
    mark = marked(blank, read(text))
    assert mark.status == (status or UNREAD)
    if status == WRONG and numbers:
        assert mark.wrong in blank.wrongs


@pytest.mark.skipif(not shutil.which("node"), reason="Node.js is not installed")
def test_the_page_marks_as_grade_does():
    """The same table in quiz.js, and more answers than anyone reads, by both."""
    numbers = [0.3932, 0.1966, 0.375, -11.6, 20.0, 0.0]
    texts = [
        f"{x * f:.{k}g}" for x in numbers for f in (1, 1.004, 1.012, 0.97, -1) for k in (1, 2, 3, 5)
    ]
    more = [
        (x, exact, (2 * x, -x), text, "")
        for x in numbers
        for exact in (True, False)
        for text in texts
    ]
    rows = [*[(*row[:4], "") for row in MARKS], *more]
    script = part("quiz.js")
    script = script[script.index("const DECIMAL") : script.index("function said(")]
    asked = json.dumps([[right, exact, wrongs, text] for right, exact, wrongs, text, _ in rows])
    script += f"""
const data = {{ near: {NEAR}, fewest: {FEWEST} }};
console.log(JSON.stringify({asked}.map(([answer, exact, numbers, text]) => {{
  const found = read(text);
  if (!found) return ["blank", -1];
  return found.why ? ["not a number", -1] : marked({{ answer, exact, wrongs: numbers.map((x) => [x, ""]) }}, found);
}})));"""
    done = subprocess.run(
        ["node", "-e", script], capture_output=True, text=True, timeout=60, check=True
    )
    for (right, exact, wrongs, text, _), (status, place) in zip(
        rows, json.loads(done.stdout), strict=True
    ):
        blank = blank_of(right, exact, wrongs)
        mark = marked(blank, read(text))
        found = next((k for k, one in enumerate(blank.wrongs) if one is mark.wrong), -1)
        assert (mark.status, found) == (status, place), (right, exact, wrongs, text)


def test_blanks_are_blank():
    for text in ("", "  ", "\u00a0"):
        answer = read(text)
        assert answer.number is None
        assert not answer.why


def test_right_answers_have_all_marks(tmp_path):
    document = document_of(tmp_path, table([["A", *answers()]]))
    (row,) = document["rows"]
    assert (row["marks"], row["of"], row["first_wrong"]) == (4, 4, None)


def test_a_formula_over_the_names_is_its_number(tmp_path):
    document = document_of(tmp_path, table([["A", *answers(x="z", z="x + y")]]))
    assert document["rows"][0]["marks"] == 4


@pytest.mark.parametrize(
    ("changed", "status", "said"),
    [
        ({"z": "-4"}, "wrong", "swapped"),
        ({"z": "1"}, "wrong", "left out the local gradient"),
        ({"z": ""}, "blank", "left blank"),
        ({"z": "abc"}, "not a number", "abc was not read"),
        ({"z": "17"}, "wrong", "none of the single mistakes"),
    ],
)
def test_the_first_wrong_line_is_diagnosed(tmp_path, changed, status, said):
    (row,) = document_of(tmp_path, table([["A", *answers(**changed)]]))["rows"]
    assert row["marks"] == 3
    assert row["first_wrong"] == "z"
    assert said in row["diagnosis"]
    assert [one["status"] for one in row["answers"] if one["column"] == "z"] == [status]


def test_what_follows_from_a_wrong_line_is_no_mistake_of_its_own(tmp_path):
    (row,) = document_of(tmp_path, table([["A", *answers(q="3", x="3", y="3")]]))["rows"]
    assert row["first_wrong"] == "q"
    statuses = {one["column"]: one["status"] for one in row["answers"]}
    assert statuses["x"] == statuses["y"] == "follows from a wrong line"


def test_names_and_cells_go_through_untouched(tmp_path):
    names = ["=HYPERLINK(1)", "Bobby; DROP", 'a "quoted" one', "Zoë\nof two lines", "<script>", ""]
    text = table([[name, *answers()] for name in names])
    code, out, _ = graded(tmp_path, text, "--format", "csv")
    assert code == 0
    assert [row[0] for row in csv.reader(io.StringIO(out))][1:] == names


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_spreadsheets_of_all_countries(tmp_path, separator, mark):
    text = table([["A", *answers(z="3,0")]], separator=separator, mark=mark).replace("\n", "\r\n")
    document = document_of(tmp_path, text)
    assert document["rows"][0]["marks"] == 4
    assert document["commas"] == 1


def test_no_row_stops_the_others(tmp_path):
    code, out, err = call("quiz", "gates", "--count", "3", "--json")
    quiz = tmp_path / "quiz.json"
    quiz.write_text(out, encoding="utf-8")
    variants = json.loads(out)["variants"]
    names = [blank["node"] for blank in variants[0]["blanks"]]
    rows = [
        [f"S{k}", str(v["variant"]), *[blank["text"] for blank in v["blanks"]]]
        for k, v in enumerate(variants)
    ]
    rows += [["late", "99", *rows[0][2:]], ["none", "", *rows[0][2:]], ["short", "1"], ["S0", "1.0", *rows[0][2:], "more"]]  # fmt: skip
    path = tmp_path / "answers.csv"
    path.write_text(table(rows, ["Name", "Variant", *names]), encoding="utf-8")
    code, out, err = call("grade", str(quiz), str(path), "--json")
    assert code == 3, err
    document = json.loads(out)
    found = [(row["student"], row["marks"]) for row in document["rows"]]
    assert found == [("S0", 4), ("S1", 4), ("S2", 4), ("late", None), ("none", None), ("short", 0), ("S0", None)]  # fmt: skip
    assert "there is no sheet 99" in document["rows"][3]["diagnosis"]
    assert document["twice"] == ["S0"]


def test_causes_are_counted_once_a_student(tmp_path):
    swapped = answers(z="-4")
    document = document_of(tmp_path, table([["A", *swapped], ["B", *swapped], ["C", *answers()]]))
    (first, *_) = document["causes"]
    assert first["count"] == 2
    assert "swapped" in first["cause"]
    _, out, _ = graded(tmp_path, table([["A", *swapped], ["B", *swapped], ["C", *answers()]]))
    assert "2 of 3" in out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no columns"),
        ("student\nA\n", "has no columns"),
        ("student,a,b\nA,1,2\n", "no column of the answers is one of z, q, y, x"),
        (b"student,x\nA,\xff\n", "is not UTF-8"),
    ],
)
def test_files_that_are_refused(tmp_path, text, said):
    code, out, err = graded(tmp_path, text)
    assert code in (1, 2)
    assert said in err
    assert not out


def test_what_answers_are_held_against_is_one_thing(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(table([["A", *answers()]]), encoding="utf-8")
    broken, other = tmp_path / "broken.json", tmp_path / "other.json"
    broken.write_text("{", encoding="utf-8")
    other.write_text('{"format": "backprop-trace/1"}', encoding="utf-8")
    for argv, said in (
        ([str(path)], "one file of answers"),
        (["x*y", str(path), "--at", "x=1"], "y has no value"),
        (["x*y", str(path), str(path)], "one file of answers"),
        ([str(broken), str(path)], "is no JSON"),
        ([str(other), str(path)], "this is no quiz"),
    ):
        code, _, err = call("grade", *argv)
        assert code in (1, 2)
        assert said in err
