"""Programs over arrays as people see them: tables of every width, notes said once, Python's print.

What whole screens look like is recorded in screens/arrays-*.screen.
"""

import itertools
import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rich.text import Text

import backprop_grammar as bp
from backprop_cli.screens.array_tables import ArrayBoard
from backprop_cli.screens.terminal import Column, Grid
from backprop_grammar.arrays.record import Tensor
from backprop_grammar.arrays.text import columns, indents, inline, summary
from backprop_grammar.errors import BackpropError
from backprop_grammar.language.graph import Array
from backprop_grammar.numbers.decimal import decimal
from backprop_grammar.views.documents import array_json
from backprop_grammar.views.options import Options
from tests.support import call, often, schema

LAYER = ("z = X @ W + b; cross_entropy(z, y)", {"X": [[1, 2], [-1, 0.5]], "W": [[0.5, -1, 0.2], [0.1, 0.3, -0.4]], "b": [0, 0.1, -0.1], "y": [0, 2]})  # fmt: skip
PROGRAMS: dict[str, tuple[Any, ...]] = {
    "squares": ("q = W @ x; sum(q^2)", {"W": [[0.1, 0.5], [-0.3, 0.8]], "x": [0.2, 0.4]}),
    "layer": LAYER,
    "stretched": (
        "n = X*c + b; h = n/g; sum(relu(h) - h*b)",
        {"X": [[1, -1], [2, 3]], "b": [1, 0.3], "c": 3, "g": [[7], [2]]},
    ),
    "sums": ("h = W @ x; g = W @ h; sum(g^2) + sum(h) + sum(W)", {"W": [[1, 2], [3, 4.5]], "x": [1, 2]}),
    "choice": ("sum(if(abs(d) < 1, d^2/7, abs(d) - 1/3))", {"d": [0.5, -2, 3]}),
    "reductions": ("sum(mean(X, axis=0)*max(X, axis=0)) + logsumexp(X)", {"X": [[1, 0.5], [2, -3], [0, 1]]}),
    "upstream": ("softmax(X @ W)", {"X": [[1, 2]], "W": [[0.5, -1], [0.1, 0.3]]}, "--upstream", "[[1,-2]]"),
    "row": ("x.T @ A @ x/3", {"A": [[2, 1], [1, 3]], "x": [1, 2.5]}),
    "column": ("sum(A/norm(A))", {"A": [[1.5], [2], [0.25]]}),
    "sizes": (
        "p = maxpool(x, k)*reshape(v, 4); sum(p) + sum(reshape(v, m, n) @ x[i:j])",
        {"x": [1, 3, 2, 0.5, 4], "v": [[1, 2], [0.25, 3]], "k": 2, "m": 2, "n": 2, "i": 1, "j": 3},
    ),
    "refused": ("sum(sqrt(x)*c)", {"x": [0, 4, 2], "c": 2}),
}  # fmt: skip

NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]\d+)?")


def words_of(screen: str) -> set[str]:
    return set(re.split(r"[\s\[\],()]+", screen))


def shown(*args: str, width: int, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    code, out, err = call("eval", *args)
    assert code in (0, 3), err
    return out


def floats(value: Any) -> list[float]:
    """The numbers of a document, however nested."""
    if isinstance(value, list):
        return [x for one in value for x in floats(one)]
    return [] if value is None else [value]


def computed(document: Any) -> set[str]:
    """All values, gradients and contributions of a document, as they are shown."""
    found = floats([document["value"], *document["gradients"].values()])
    for node in document["nodes"]:
        if node["kind"] == "operation" or node["kind"] == "variable":
            found += floats([node["value"], node.get("gradient")])
        found += floats([edge["contribution"] for edge in node.get("edges", ())])
    return {decimal(x, 6) for x in found}


@pytest.mark.parametrize(
    "width", [20, 33, 40, 59, 60, 72, 80, 100, 119, 130, 160, 200][:: often(3, 1)]
)
@pytest.mark.parametrize("name", PROGRAMS)
def test_no_width_cuts_a_number(name, width, monkeypatch):
    program, point, *more = PROGRAMS[name]
    given = (program, "--at", json.dumps(point), *more)
    code, out, err = call("eval", *given, "--json")
    assert code == (3 if name == "refused" else 0), err
    document = json.loads(out)
    schema("arrays").validate(document)
    screen = shown(*given, width=width, monkeypatch=monkeypatch)
    words = words_of(screen)
    assert computed(document) <= words, "every number is there, and whole"
    locals_of = [e.get("local") for node in document["nodes"] for e in node.get("edges", ())]
    known = computed(document) | {decimal(x, 6) for x in floats(locals_of)}
    formulas = " ".join([program, *(node.get("formula", "") for node in document["nodes"])])
    known |= set(re.findall(r"\d+(?:\.\d+)?", formulas + str(more) + str([*range(10)])))
    tables = words_of(screen.partition("\nnote:")[0].partition("\nflag:")[0])
    assert {word for word in tables if NUMBER.fullmatch(word)} <= known, "and no other"
    longest = max(map(len, re.split(r"\s+", screen)))
    assert all(len(line.rstrip()) <= max(width, longest + 4) for line in screen.splitlines())
    assert not any(line.endswith(" ") for line in screen.splitlines() if width > 60)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_of_a_large_array_the_corner_or_all_of_it(width, monkeypatch):
    numbers = [[100 * i + j for j in range(10)] for i in range(1, 21)]
    given = ("sum(X @ w)", "--at", json.dumps({"X": numbers, "w": [0.5] * 10}))
    screen = shown(*given, width=width, monkeypatch=monkeypatch)
    told, norm = " ".join(screen.split()), decimal(float(np.linalg.norm(numbers)), 6)
    assert f"20x10, 100 to 2009, norm {norm}" in told
    assert "10 numbers, all 0.5" in told
    assert len(NUMBER.findall(screen)) < 250
    assert ("…" in screen) == (width >= 60)
    everything = shown(*given, "--all", width=width, monkeypatch=monkeypatch)
    assert {str(x) for x in floats(numbers)} <= words_of(everything)
    assert "…" not in everything
    assert "norm" not in everything


def test_too_many_nodes_give_way_to_the_gradients(monkeypatch):
    given = ("sum(" + " + ".join(["x"] * 650) + ")", "--at", "x=[1,2]")
    screen = shown(*given, width=100, monkeypatch=monkeypatch)
    assert "too many nodes for tables; --all shows them all" in screen
    assert screen.rstrip().endswith("x    2       1  2    650  650")
    assert "n600 " in shown(*given, "--all", width=100, monkeypatch=monkeypatch)


def test_several_outputs_have_their_values_each():
    trace = bp.Program("p = 2*x; q = x + 1; sum(p*q)").at(x=[1, 2], output="q", upstream="ones")
    record = trace.record
    q, p = record.output, record.names.find("p")
    two = replace(record, outputs=((p, Tensor((2,), (2.0, 4.0)), Array((2,), (1.0, -1.0))), (q, record.value, record.upstream)))  # fmt: skip
    lines = [line.plain for line in ArrayBoard(two, Options(), 100, False).lines(False)]
    assert lines[:3] == ["p = 2*x  =  2  4", "q = x + 1  =  2  3", "sum(p*q)"]
    assert "Gradients of p, q  (upstream p: [1, -1], q: ones)" in lines


# what is sent


def test_what_arrives_at_one_of_several_outputs_is_a_summand(monkeypatch):
    given = ("p = softmax(z); q = sum(p*2)", "--at", "z=[1,2,3]", "--output", "p,q")
    screen = shown(*given, "--upstream", "p=[1,0,0],q=2", width=130, monkeypatch=monkeypatch)
    assert re.search(r"p +sums +5  4  4 +1  0  0  via the output\n +\+ 4  4  4  via n1", screen)
    numbers = ("p = x^2; q = p*2", "--at", "x=3", "--output", "p,q")
    assert "1 via the output + 2 via q" in shown(*numbers, width=100, monkeypatch=monkeypatch)


def test_what_selects_is_called_what_it_is(monkeypatch):
    program, point = PROGRAMS["sizes"]
    screen = shown(program, "--at", json.dumps(point), width=120, monkeypatch=monkeypatch)
    for name, what in {"k": "width", "m": "size", "n": "size", "i": "index", "j": "index"}.items():
        assert re.search(rf"^{name} .*\b{what}$", screen, re.MULTILINE), name


def test_what_is_sent_is_what_its_text_says():
    seen = set()
    for name in ("layer", "stretched", "sums", "reductions"):
        program, point, *_ = PROGRAMS[name]
        trace = bp.Program(program).at(point)
        arrays = {one.name: np.array(one.value) for one in trace}
        for node in trace:
            for edge in node.edges:
                text = edge.sent or f"up*({edge.rule})"
                if edge.kind != "elementwise" or "if(" in text:
                    continue
                names = {"__builtins__": {}, "sum": np.sum, **arrays, "up": np.array(edge.upstream)}
                found = eval(text.replace("^", "**"), names)
                shape = np.shape(edge.contribution)
                assert np.allclose(np.reshape(found, shape), edge.contribution), (name, text)
                seen.add(edge.sent)
    assert {
        "",
        "sum(up, axis=0)",
        "sum(up*X)",
        "sum(-up*h/g, axis=1)",
        "sum(up*h, axis=0)",
    } <= seen


def test_a_local_gradient_is_known_where_something_arrives():
    trace = bp.Program("n = X*c; h = relu(n); sum(h)").at(X=[[1, -1], [2, 3]], c=3)
    (edge, _) = trace["n"].edges
    assert edge.local == [[3, None], [3, 3]]
    assert edge.contribution == [[3, 0], [3, 3]]
    assert trace["h"].edges[0].local == [[1, 0], [1, 1]]
    chosen = bp.Program("h = if(d > 0, d^2, -d); sum(h)").at(d=[2, -3])["h"]
    assert [edge.local for edge in chosen.edges] == [[1, 0], [0, 1]]
    assert [edge.contribution for edge in chosen.edges] == [[1, 0], [0, 1]]


# notes


def notes(program: str, **point: Any) -> dict[str, list[str]]:
    """The messages of a trace by kind."""
    found: dict[str, list[str]] = {}
    for note in bp.Program(program).at(point, upstream="ones").notes:
        found.setdefault(note.kind, []).append(note.message)
    return found


SMALLEST = "the subgradient of smallest norm is used"


@pytest.mark.parametrize(("program", "point", "kind", "message"), [
    ("relu(z)", {"z": [[1, 0], [0, -1]]}, "kink", f"relu(z) stands on its kink at 2 of 4 (z[0,1], z[1,0]); {SMALLEST}"),
    ("abs(x - 1)", {"x": [1, 2, 1]}, "kink", f"abs(n1) stands on its kink at 2 of 3 (n1[0], n1[2]); {SMALLEST}"),
    ("relu(W @ x)", {"W": [[1, -1], [2, 3]], "x": [1, 1]}, "kink", f"relu(n1) stands on its kink at 1 of 2 (n1[0]); {SMALLEST}"),
    ("relu(X)", {"X": [[0] * 4] * 5}, "kink", f"relu(X) stands on its kink at 20 of 20 (X[0,0], X[0,1], X[0,2], X[0,3], X[1,0], X[1,1], ...); {SMALLEST}"),
    ("norm(x)", {"x": [0, 0, 0]}, "kink", f"norm(x) stands on its kink; {SMALLEST}"),
    ("floor(x)", {"x": [1, 1.5, 2]}, "kink", "floor jumps at whole numbers and has no derivative there, at 2 of 3 (x[0], x[2])"),
    ("max(a, b)", {"a": [1, 2, 3], "b": [1, 2, 4]}, "tie", "max(a, b) has a kink at 2 of 3 (n1[0], n1[1]): its operands tie there, and share the gradient equally"),
    ("max(0, z)", {"z": [0, 1, 0]}, "tie", "max(0, z) has a kink at 2 of 3 (n1[0], n1[2]): its operands tie there, and share the gradient equally"),
    ("max(X, axis=1)", {"X": [[1, 1], [2, 3]]}, "tie", "max has a kink here: its operands tie at n1[0,0], and X[0,0] and X[0,1] share the gradient equally"),
    ("if(x > 0, x^2, x)", {"x": [0, 1, 0]}, "boundary", "the point stands exactly on the boundary of the condition of n2 at 2 of 3 (n2[0], n2[2]); the gradient is that of the branch it selects"),
    ("exp(-x)*x", {"x": [900.0, 1.0, 950.0]}, "underflow", "underflow: the gradient of x is too small for a float at 2 of 3 (x[0], x[2])"),
    ("relu(x)*2", {"x": [0, 1, 0]}, "sides", "the function has slopes 0 and 2 in 2 elements of x from the left and from the right"),
    ("abs(x)*abs(x) + x", {"x": [0, 1, 0]}, "sides", "each abs's slope is a choice here; the gradients printed are the function's own from both sides"),
    ("norm(W @ x)^2", {"W": [[1, 2], [3, 4]], "x": [0, 0]}, "sides", "the slope of norm is a choice here; the gradients printed are the function's own from both sides"),
    ("abs(x[0]) + 2*abs(x[1])", {"x": [0, 0]}, "sides", "the function has slopes -1 and 1 in x[0], -2 and 2 in x[1] from the left and from the right"),
    ("sin(pi*x)", {"x": [1, 2.25, 3]}, "precision", "the value of n2 cannot be told from 0 at 2 of 3 (n2[0], n2[2]): it is below 1e-480 in size, and shown as 0"),
    ("atan2(y, x)", {"y": [0, 0, 1], "x": [-1, -2, -1]}, "branch cut", "atan2(y, x) has its branch cut at 2 of 3 (n1[0], n1[1]): the value jumps by 2*pi across it, the gradient is the same on both sides"),
])  # fmt: skip
def test_a_note_is_said_once_for_a_node_with_its_places(program, point, kind, message):
    assert notes(program, **point)[kind] == [message]


def test_every_node_has_a_note_of_its_own():
    found = notes("relu(z) + abs(z)", z=[0, 1, 0])
    assert [text.partition(" ")[0] for text in found["kink"]] == ["relu(z)", "abs(z)"]


def test_what_is_met_within_an_element_is_no_kink_of_it():
    assert "kink" not in notes("norm(x)", x=[0, 0, 1])
    assert "sides" not in notes("norm(x)", x=[0, 0, 1])


def test_flags_stand_for_elements_and_are_shown_together(monkeypatch):
    trace = bp.Program("sum(sqrt(x))").at(x=[[0, 4], [0, 1]])
    assert [flag.path for flag in trace.flags] == ["gradients.x[0][0]", "gradients.x[1][0]"]
    screen = shown("sum(sqrt(x))", "--at", "x=[0,4;0,1]", width=120, monkeypatch=monkeypatch)
    assert screen.count("flag:") == 1
    assert (
        "the gradient of x[0,0] is +infinite: the slope of sqrt is infinite at n1[0,0]; likewise of x[1,0]"
        in screen
    )
    assert screen.count("infinite") >= 6
    both = bp.Program("sum(sqrt(x)) + sum(sqrt(y))").at(x=[0, 0], y=[0, 0])
    assert repr(both).count("flag:") == 2


# texts


@pytest.mark.parametrize(("shape", "numbers", "lines", "line"), [
    ((), (1.5,), ["1.5"], "1.5"),
    ((3,), (1.0, -0.25, 30.0), ["1  -0.25  30"], "[1, -0.25, 30]"),
    ((2, 2), (1.0, -0.25, -10.5, 2.0), ["  1    -0.25", "-10.5   2   "], "[[1, -0.25], [-10.5, 2]]"),
    ((2, 1), (None, 2.5), ["unused", "2.5   "], "[[unused], [2.5]]"),
    ((7,), tuple(map(float, range(7))), ["0  1  2  …  6"], "7 numbers, 0 to 6, norm 9.53939"),
    ((2, 7), (1.0,) * 14, ["1  1  1  …  1"] * 2, "2x7, all 1"),
])  # fmt: skip
def test_an_array_as_text(shape, numbers, lines, line):
    tensor = Tensor(shape, numbers)
    assert columns(tensor, 6) == lines
    assert inline(tensor, 6) == line
    assert len({len(one) for one in columns(tensor, 6)}) == 1


def test_points_stand_below_each_other():
    pieces = [["0.5  1", "-2.25  3"], ["100.5"], ["unused"], ["-1e+22", "8x8, 1 to 2"]]
    cells = [[line.rjust(7) if "0.5  1" in line else line for line in cell] for cell in pieces]
    rooms = indents(cells)
    points = [room + re.match(r" *-?\d+", cell[0]).end() for room, cell in zip(rooms, cells, strict=True) if cell != ["unused"]]  # fmt: skip
    assert len(set(points)) == 1
    assert rooms[2] == 0


@pytest.mark.parametrize("digits", [1, 3, 6, 17])
def test_a_summary_is_of_all_its_numbers(digits):
    numbers = tuple(float(x) for x in itertools.chain(range(-30, 20), (1e-300, 2.5)))
    text = summary(Tensor((52,), numbers), digits)
    norm = decimal(float(np.linalg.norm(numbers)), digits)
    assert text == f"52 numbers, {decimal(-30.0, digits)} to {decimal(19.0, digits)}, norm {norm}"


def test_a_grid_of_cells_with_several_lines():
    rows = [[Text("a"), Text("1\n22\n3"), Text("x")], [Text("b"), Text("wide as it is\nor not")]]
    grid = Grid([Column("n\nm"), Column("v", right=True), Column("w")], rows)
    assert [line.plain for line in grid.lines("-")] == [
        "n   v  w", "m", "-" * 16, "a   1  x", "   22", "    3", "b  wide as it is", "   or not",
    ]  # fmt: skip
    assert grid.width() == 16


# Python


def test_a_trace_over_arrays_prints_as_others_do():
    program, point = LAYER
    trace = bp.Program(program).at(point, digits=3)
    assert repr(trace).splitlines() == [
        "z = X @ W + b",
        "cross_entropy(z, y) = 1.27",
        "",
        "node   operation             shape   value                gradient",
        "X                            2x2      1  2                -0.194  -0.0154",
        "                                     -1  0.5              -0.422   0.292",
        "W                            2x3      0.5  -1     0.2     -0.258  -0.255   0.512",
        "                                      0.1   0.3  -0.4     -0.347   0.412  -0.0652",
        "n1     X @ W                 2x3      0.7   -0.4   -0.6   -0.19    0.114   0.0764",
        "                                     -0.45   1.15  -0.4    0.0673  0.369  -0.436",
        "b                            3        0  0.1  -0.1        -0.123  0.483  -0.36",
        "z      n1 + b                2x3      0.7   -0.3   -0.7   -0.19    0.114   0.0764",
        "                                     -0.45   1.25  -0.5    0.0673  0.369  -0.436",
        "y                            2        0  2",
        "n2     cross_entropy(z, y)            1.27                 1",
    ]
    html = trace._repr_html_()
    assert html.count("<tr>") == 8
    assert "-0.194  -0.0154\n-0.422   0.292" in html
    less = bp.Program(program).at(point, nodes=False)
    assert "operation" not in repr(less)
    assert "W    2x3     -0.257641  -0.254676   0.512316\n" in repr(less)
    assert less._repr_html_() is None


def test_the_nodes_of_a_trace_over_arrays():
    trace = bp.Program("q = W @ x; sum(q^2)").at(W=[[0.5, 0.25], [1, 2]], x=[1, 2])
    node = trace["q"]
    assert (node.shape, node.value, node.upstream) == ((2,), [1, 5], [2, 10])
    assert (node.operation, node.formula, node.operands, node.role) == (
        "matmul",
        "W @ x",
        ("W", "x"),
        "swaps",
    )
    assert [(edge.operand, edge.sent, edge.contribution) for edge in node.edges] == [
        ("W", "up @ x.T", [[2, 4], [10, 20]]), ("x", "W.T @ up", [11, 20.5]),
    ]  # fmt: skip
    assert [one.name for one in trace] == ["W", "x", "q", "2", "n1", "n2"]
    assert len(trace) == 6
    assert "q" in trace
    assert node in trace
    assert "p" not in trace
    with pytest.raises(BackpropError, match="there is no node called p"):
        trace["p"]
    with pytest.raises(BackpropError, match="without its nodes"):
        iter(bp.Program("sum(x)").at(x=[1, 2], nodes=False))


def test_the_document_of_a_very_large_array_lists_no_nodes(monkeypatch):
    monkeypatch.setattr(array_json, "MOST", 5)
    given = ("eval", "sum(x)", "--at", "x=[1,2,3,4,5,6]")
    documents = [json.loads(call(*given, "--json", *more)[1]) for more in ([], ["--all"])]
    for document in documents:
        schema("arrays").validate(document)
        assert document["gradients"] == {"x": [1.0] * 6}
    assert [len(document["nodes"]) for document in documents] == [0, 2]
    assert len(json.loads(bp.Program("sum(x)").at(x=[1] * 6).json())["nodes"]) == 2
