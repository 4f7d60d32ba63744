"""The answers of a class: read or named, marked, and what went wrong told."""

import csv
import io
import json
import shutil
import subprocess

import pytest

from backprop_grammar.quiz import grading
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
from tests.support import call, often

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


def csv_of(header, *rows):
    return "\n".join([header, *rows]) + "\n"


def statuses(row):
    return {one["column"]: one["status"] for one in row["answers"]}


BRANCHES = ("d = a*b; s = a + b; f = d*s", "a=-3,b=-2.5")
"""f by s is d = 7.5, by d is s = -5.5; by b -5.5*-3 + 7.5 = 24, by a -5.5*-2.5 + 7.5 = 21.25."""

MATRIX = ("h = W @ x; f = sum(h^2)", "W=[[1,2],[3,4]],x=[1,-1]")
COLUMNS = 'student,"h[0]","h[1]","W[0,0]","W[0,1]","W[1,0]","W[1,1]","x[0]","x[1]"'


@pytest.mark.parametrize(
    ("row", "follow", "wrong"),
    [
        ("7.5,-5.5,24,21.25", "", ""),
        ("-5.5,7.5,-28,-24.25", "ba", "sd"),  # swapped, and both sums of branches from there
        ("7.5,5.5,-9,-6.25", "ba", "d"),  # a wrong sign above one branch
        ("7.5,5.5,24,-6.25", "a", "d"),  # b from the right number
        ("7.5,5.5,-9,7", "b", "da"),
        (",5.5,-9,", "b", "d"),  # what is blank is not wrong
        ("7.5,-5.5,9,-6.25", "", "ba"),  # nothing above is wrong
    ],
)
def test_what_follows_through_sums_of_branches(tmp_path, row, follow, wrong):
    (found,) = document_of(tmp_path, csv_of("student,s,d,b,a", f"A,{row}"), BRANCHES)["rows"]
    marks = statuses(found)
    assert {name for name, status in marks.items() if status.startswith("follows")} == {*follow}
    assert {name for name, status in marks.items() if status == "wrong"} == {*wrong}
    assert found["follows"] == len(follow)


def test_what_follows_in_arrays(tmp_path):
    rows = (
        "A,-2,-2,-2,2,-2,2,-8,-12",
        "B,-1,-1,-1,1,-1,1,-4,-6",
        "C,-2,3,-2,2,3,-3,7,8",
        "D,-2,3,-2,2,3,-2,7,8",
    )
    document = document_of(tmp_path, csv_of(COLUMNS, *rows), MATRIX)
    found = [(row["student"], row["marks"], row["follows"]) for row in document["rows"]]
    assert found == [("A", 8, 0), ("B", 0, 6), ("C", 3, 4), ("D", 3, 3)]


def test_what_follows_from_wrong_values(tmp_path):
    """Wrong values move what is computed from them, and the local gradients."""
    code, out, err = call("quiz", BRANCHES[0], "--at", BRANCHES[1], "--blank", "both", "--json")
    assert code == 0, err
    sheet = tmp_path / "quiz.json"
    sheet.write_text(out, encoding="utf-8")
    header = "student,value.d,value.s,value.f,s,d,b,a"
    # d = -7.5: f = -7.5*-5.5, s gets -7.5, b gets -5.5*-3 - 7.5, a gets -5.5*-2.5 - 7.5
    rows = [
        "A,7.5,-5.5,-41.25,7.5,-5.5,24,21.25",
        "B,-7.5,-5.5,41.25,-7.5,-5.5,9,6.25",
        "C,-7.5,-5.5,-41.25,7.5,-5.5,24,21.25",
    ]
    answers_file = tmp_path / "a.csv"
    answers_file.write_text(csv_of(header, *rows), encoding="utf-8")
    _, out, _ = call("grade", str(sheet), str(answers_file), "--json")
    found = [(row["marks"], row["follows"], row["first_wrong"]) for row in json.loads(out)["rows"]]
    assert found == [(7, 0, None), (2, 4, "value.d"), (6, 0, "value.d")]


def test_rounded_numbers_gone_on_with_are_right(tmp_path):
    """0.1966 rounded to 0.20: whoever goes on from that is not wrong."""
    neuron = ("p = w*x; f = 1/(1 + exp(-p))", "w=-2,x=0.5")
    (row,) = document_of(tmp_path, csv_of("student,p,w,x", "A,0.20,0.100,-0.400"), neuron)["rows"]
    assert (row["marks"], row["first_wrong"]) == (3, None)


@pytest.mark.parametrize(
    ("of", "header", "row", "column", "said"),
    [
        (BRANCHES, "student,s,d,b,a", "7.5,-5.5,16.5,13.75", "b", "overwritten"),
        (
            BRANCHES,
            "student,s,d,b,a",
            "-5.5,7.5,-22.5,-24.25",
            "b",
            "overwritten",
        ),  # below a wrong line
        (MATRIX, COLUMNS, "-1,-1,-1,1,-1,1,-4,-6", "h[0]", "the exponent was not brought down"),
        (MATRIX, COLUMNS, "-2,-2,-2,-2,2,2,-8,-12", "W[0,1]", "it is transposed"),
        (MATRIX, COLUMNS, "-2,-2,-2,2,-2,2,-6,-14", "x[0]", "a transpose was forgotten"),
    ],
)
def test_what_is_no_single_mistake_on_the_sheet_is_searched_for(
    tmp_path, of, header, row, column, said
):
    (found,) = document_of(tmp_path, csv_of(header, f"A,{row}"), of)["rows"]
    (mark,) = [one for one in found["answers"] if one["column"] == column]
    assert said in mark["message"]


NAMES = "student,x,y,z,q"
GOOD = "A,-4,-4,3,-4"


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        (csv_of("Q,z,Y,x,Student", "-4,3,-4,-4,A"), [4]),
        (csv_of("student,dx,df/dy,z ,q", GOOD), [4]),
        (csv_of("x,y,z,q", "-4,-4,3,-4"), [4]),
        ("\n\r\n" + csv_of(NAMES, GOOD, "", ",,,,", "B"), [4, 0]),
        ("sep=;\r\n" + csv_of(NAMES, GOOD).replace(",", ";"), [4]),
        (csv_of(NAMES, GOOD, GOOD).replace("\n", "\r"), [4, 4]),
        (csv_of(NAMES, "A,-4,-4,3,-4,,", "B,-4,-4,3,-4,5"), [4, None]),
        (
            csv_of(NAMES, "C,0,39,3,-4,1", GOOD),
            [None, 4],
        ),  # a comma without quotes shifts all answers
        (csv_of(NAMES, "B\0,-4,-4,3,\0-4", GOOD), [3, 4]),
        (csv_of(NAMES, f"A,-4,-4,3,{'9' * 10**6}", f"{'E' * 10**6},-4,-4,3,-4"), [3, 4]),
        (csv_of(NAMES, f"A,-4,-4,3,{'(' * 10**5}1", "D,-4,-4,3,9**9**9", GOOD), [3, 3, 4]),
        (csv_of(NAMES + "," + ",".join(f"c{k}" for k in range(3000)), GOOD), [4]),
        (csv_of(NAMES), []),
    ],
)
def test_files_as_they_come(tmp_path, text, marks):
    assert [row["marks"] for row in document_of(tmp_path, text)["rows"]] == marks


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (csv_of("student,x,x,y", "A,1,2,3"), "two columns are answers to x"),
        (csv_of("student,x,dx", "A,1,2"), "two columns are answers to x"),
        (csv_of("student,student,x", "A,1,2"), "two columns are called student"),
        (csv_of(NAMES, GOOD, '"B,-4,-4,3,-4', GOOD), "a quote in line 3 that is not closed"),
        (csv_of(NAMES, GOOD).encode("utf-16-le"), "its bytes are of UTF-16"),
        (csv_of(NAMES, GOOD).encode("utf-16"), "is not UTF-8"),
    ],
)
def test_files_in_which_nothing_is_guessed(tmp_path, text, said):
    code, out, err = graded(tmp_path, text)
    assert code in (1, 2)
    assert said in err
    assert not out


def test_cells_beyond_the_header_go_through(tmp_path):
    text = csv_of("student,x,marks", "A,-4,old", "B,-4,old,more")
    _, out, _ = graded(tmp_path, text, "--format", "csv")
    header, *rows = csv.reader(io.StringIO(out))
    assert header == [
        "student",
        "x",
        "marks",
        "",
        "marks_2",
        "of",
        "follows",
        "first_wrong",
        "diagnosis",
    ]
    assert [row[:4] for row in rows] == [["A", "-4", "old", ""], ["B", "-4", "old", "more"]]


def test_elements_without_quotes_are_one_column(tmp_path):
    (row,) = document_of(
        tmp_path, csv_of(COLUMNS.replace('"', ""), "A,-2,-2,-2,2,-2,2,-8,-12"), MATRIX
    )["rows"]
    assert row["marks"] == 8


def test_counts_as_csv(tmp_path):
    text = table([["A", *answers(z="-4")], ["B", *answers(z="-4")], ["C", *answers()]])
    code, out, _ = graded(tmp_path, text, "--format", "summary")
    header, (count, of, cause) = csv.reader(io.StringIO(out))
    assert (code, header, count, of) == (0, ["count", "of", "cause"], "2", "3")
    assert "swapped" in cause


def test_a_quiz_that_was_changed_is_refused(tmp_path):
    _, out, _ = call("quiz", "gates", "--count", "2", "--json")
    document = json.loads(out)
    first = document["variants"][0]
    blank = first["blanks"][0]
    changes = [
        (document, {"program": "a*b"}), (document, {"program": 5}), (document, {"program": "x +"}),
        (document, {"variants": {}}), (document, {"variants": []}), (document, {"variants": [first, first]}),
        (document, {"blank": "gradients"}), (document, {"blank": []}), (document, {"blank": [[]]}), (document, {"format": "backprop-quiz/2"}),
        (first, {"variant": "1"}), (first, {"variant": 1.5}), (first, {"variant": True}), (first, {"variant": 10**30}),
        (first, {"at": [1]}), (first, {"at": {}}), (first, {"at": {**first["at"], "x": 10**400}}), (first, {"at": {**first["at"], "x": None}}),
        (first, {"blanks": None}), (first, {"blanks": [1]}), (first, {"blanks": []}), (blank, {"answer": 99}),
        (blank, {"answer": None}), (blank, {"answer": 10**400}), (blank, {"node": "w"}), (blank, {"node": []}),
    ]  # fmt: skip
    answers_file, path = tmp_path / "a.csv", tmp_path / "quiz.json"
    answers_file.write_text("student,variant,x,y,z,q\nA,1,1,1,1,1\n", encoding="utf-8")
    texts = ["[" * 100_000, "[1]", "null", "NaN", out.rstrip() * 2]
    for where, change in changes:
        before = dict(where)
        where.update(change)
        texts.append(json.dumps(document))
        where.update(before)
    for text in texts:
        path.write_text(text, encoding="utf-8")
        code, shown, err = call("grade", str(path), str(answers_file))
        assert code in (1, 2), (text[:200], shown)
        assert err.startswith("error: ")
        assert len(err) < 800
    path.write_text(json.dumps(document), encoding="utf-8")
    assert call("grade", str(path), str(answers_file))[0] == 0


def test_of_several_sheets_a_column_says_which(tmp_path):
    _, out, _ = call("quiz", "gates", "--count", "2", "--json")
    path, answers_file = tmp_path / "quiz.json", tmp_path / "a.csv"
    path.write_text(out, encoding="utf-8")
    answers_file.write_text("student,x,y\nA,1,1\n", encoding="utf-8")
    code, _, err = call("grade", str(path), str(answers_file))
    assert code == 2
    assert "no column says which sheet" in err


def test_searches_are_bounded(tmp_path, monkeypatch):
    """Different slips are looked up, and some of them searched for."""
    monkeypatch.setattr(grading, "SEARCHED", often(20, grading.SEARCHED))
    rows = [f"S{k},{k}.17,{k}.31,{k}.53,{k}.71" for k in range(often(100, 3000))]
    document = document_of(tmp_path, csv_of(NAMES, *rows))
    assert 0 < len(rows) - document["unsearched"] <= 60
