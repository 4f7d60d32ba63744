"""The answers of a class: read or named, marked, and what went wrong told."""

import csv
import io
import json

import pytest

from backprop_grammar.quiz.marking import read
from tests.support import call

GATES = ("q = x + y; f = q*z", "x=-2,y=5,z=-4")
RIGHT = {"x": "-4", "y": "-4", "z": "3", "q": "-4"}


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


def marked(tmp_path, text, of=GATES):
    code, out, err = graded(tmp_path, text, "--json", of=of)
    assert code in (0, 3), err
    return json.loads(out)


def answers(**changed):
    return [(RIGHT | changed)[name] for name in ("x", "y", "z", "q")]


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


@pytest.mark.parametrize("text", ["1,234", "abc", "0.39?", "3 apples", "4,5,6", "--", "1.2.3", "2x y", "half", "<b>", "1/0"])  # fmt: skip
def test_what_is_no_number_is_named_and_not_guessed(text):
    answer = read(text)
    assert answer.number is None
    assert answer.why


def test_blanks_are_blank():
    for text in ("", "  ", "\u00a0"):
        answer = read(text)
        assert answer.number is None
        assert not answer.why


def test_right_answers_have_all_marks(tmp_path):
    document = marked(tmp_path, table([["A", *answers()]]))
    (row,) = document["rows"]
    assert (row["marks"], row["of"], row["first_wrong"]) == (4, 4, None)


def test_a_formula_over_the_names_is_its_number(tmp_path):
    document = marked(tmp_path, table([["A", *answers(x="z", z="x + y")]]))
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
    (row,) = marked(tmp_path, table([["A", *answers(**changed)]]))["rows"]
    assert row["marks"] == 3
    assert row["first_wrong"] == "z"
    assert said in row["diagnosis"]
    assert [one["status"] for one in row["answers"] if one["column"] == "z"] == [status]


def test_what_follows_from_a_wrong_line_is_no_mistake_of_its_own(tmp_path):
    (row,) = marked(tmp_path, table([["A", *answers(q="3", x="3", y="3")]]))["rows"]
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
    document = marked(tmp_path, text)
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
    assert found == [("S0", 4), ("S1", 4), ("S2", 4), ("late", None), ("none", None), ("short", 0), ("S0", 4)]  # fmt: skip
    assert "there is no sheet 99" in document["rows"][3]["diagnosis"]
    assert document["twice"] == ["S0"]


def test_causes_are_counted_once_a_student(tmp_path):
    swapped = answers(z="-4")
    document = marked(tmp_path, table([["A", *swapped], ["B", *swapped], ["C", *answers()]]))
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
