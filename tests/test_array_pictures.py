"""Pictures of programs over arrays: recorded, read back, and nothing in the way of anything else."""

import json
import re
from functools import cache
from itertools import combinations, groupby
from math import hypot
from xml.etree import ElementTree

import pytest

import backprop_grammar as bp
from backprop_cli.screens.picture import lines
from backprop_grammar.errors import BackpropError
from backprop_grammar.views.drawing.array_diagram import array_diagram
from backprop_grammar.views.drawing.diagram import Grid
from backprop_grammar.views.drawing.sheet import scene
from backprop_grammar.views.pictures import dot, mermaid, pdf, svg, tikz
from tests import test_canvas, test_pictures
from tests.screens import ROOT, UPDATE
from tests.support import call, often

CANVASES, PICTURES = ROOT / "tests/canvas", ROOT / "tests/pictures"


def matrix(rows, columns, start=1):
    """Numbers of both signs, all of them different."""
    return [
        [round(((7 * (i * columns + j) + start) % 23 - 11) / 8, 3) for j in range(columns)]
        for i in range(rows)
    ]


def vector(count, start=1):
    return matrix(1, count, start)[0]


W, x = [[0.1, 0.5], [-0.3, 0.8]], [0.2, 0.4]
DRAWN = {
    "squares": ("q = W @ x; sum(q^2)", {"W": W, "x": x}),
    "norm": ("norm(W @ x)^2", {"W": W, "x": x}),
    "softmax": (
        "z = X @ W + b; loss = cross_entropy(z, y)",
        {"X": [[1, 2], [-1, 0.5]], "W": [[0.5, -1, 0.2], [0.1, 0.3, -0.4]], "b": [0, 0.1, -0.1], "y": [0, 2]},
    ),
    "network": (
        "h = relu(W1 @ x + b1); s = W2 @ h + b2; L = sum((s - t)^2)",
        {"W1": matrix(4, 3), "x": vector(3), "b1": vector(4, 5), "W2": matrix(2, 4, 3), "b2": vector(2), "t": vector(2, 9)},
    ),
    "attention": (
        "Q = X @ Wq; K = X @ Wk; V = X @ Wv; P = softmax(Q @ K.T/sqrt(2)); O = P @ V; sum(O^2)",
        {"X": matrix(3, 4), "Wq": matrix(4, 2), "Wk": matrix(4, 2, 4), "Wv": matrix(4, 2, 8)},
    ),
    "batch-norm": (
        "m = mean(X, axis=0); c = X - m; v = mean(c^2, axis=0); h = c/sqrt(v + 1e-5); y = g*h + b; sum(y^3)",
        {"X": matrix(4, 3), "g": vector(3), "b": vector(3, 6)},
    ),
    "lstm": (
        "i = sigmoid(Wi @ x + Ui @ h); f = sigmoid(Wf @ x + Uf @ h); o = sigmoid(Wo @ x + Uo @ h); "
        "g = tanh(Wg @ x + Ug @ h); c = f*c0 + i*g; hn = o*tanh(c); sum(hn)",
        {"x": vector(2), "h": vector(2, 3), "c0": vector(2, 8)}
        | {f"{kind}{gate}": matrix(2, 2, k) for k, gate in enumerate("ifog", 2) for kind in "WU"},
    ),
    "large": ("Z = X @ W; L = mean(Z^2)", {"X": matrix(128, 2), "W": matrix(2, 10)}),
    "strip": ("sum(exp(v)*s)", {"v": vector(40), "s": 2}),
    "numbers": ("s = sum(x); t = s*s; sum(x*t/s)", {"x": vector(3)}),
    "outer": ("sum((u - v.T.T)^2)", {"u": matrix(1, 4), "v": vector(3)}),
    "uses": ("sum(X*X + X - max(X, 0)*X)", {"X": matrix(2, 2)}),
    "tall": ("sum(X*X + X @ X)", {"X": matrix(6, 6)}),
    "pieces": ("a = x[0]; b = x[1:3]; sum(concat(b, [a, 2*a]))", {"x": vector(4)}),
    "chosen": ("sum(if(x < 0, x^2, sqrt(x)))", {"x": vector(4)}),
    "one": ("x.T @ A @ x", {"A": matrix(2, 2), "x": [1, 2]}),
    "constants": ("k = eye(2); sum(k @ x*sqrt(2) + [1, 2]) + pi*sum([3, 4])", {"x": [1, 2]}),
    "names": ("counts = exp(X); probabilities = counts/sum(counts, axis=1); sum(probabilities^2)", {"X": matrix(3, 4)}),
    "leaf": ("x[0]", {"x": [3]}),
    "infinite": ("sum(sqrt(x))", {"x": [[0, 1], [4, 0]]}),
}  # fmt: skip


@cache
def traced(name):
    program, point = DRAWN[name]
    return bp.Program(program).at(point)


@cache
def drawn(name, digits=6, heat=False):
    return array_diagram(traced(name).record, digits, heat)


def picture(name, width, fewest=3):
    trace = traced(name).record
    fewer = ((n, array_diagram(trace, n)) for n in range(5, fewest - 1, -1))
    return test_canvas.plain(lines(array_diagram(trace), width, fewer=fewer))


RECORDED = {
    "squares": 200, "norm": 200, "softmax": 200, "softmax-80": 80, "network-100": 100,
    "attention-200": 200, "batch-norm-200": 200, "lstm-200": 200, "large": 100, "uses": 200,
    "softmax-60": 60, "constants": 200,
}  # fmt: skip


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_in_characters(name):
    found = "".join(f"{line}\n" for line in picture(re.sub(r"-\d+$", "", name), RECORDED[name]))
    path = CANVASES / f"array-{name}.txt"
    if UPDATE:
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "form"),
    [("squares", "svg"), ("softmax", "svg"), ("softmax", "dot"), ("softmax", "mmd"), ("softmax", "tex"), ("strip", "svg")],
)  # fmt: skip
def test_recorded_pictures(name, form):
    trace = traced(name)
    views = {"svg": trace.svg, "dot": trace.dot, "mmd": trace.mermaid, "tex": trace.tikz}
    path = PICTURES / f"array-{name}.{form}"
    if UPDATE:
        path.write_text(views[form](), encoding="utf-8")
    assert views[form]() == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", DRAWN)
def test_characters_read_back(name):
    subject = drawn(name)
    test_canvas.check(subject, test_canvas.plain(test_canvas.picture(subject)))
    test_canvas.check(subject, test_canvas.plain(lines(subject, 10**6, plain=False)))
    for width in (60, 100, 140, 80, 200)[: often(3, 5)]:
        rows = picture(name, width, fewest=6)
        assert max(map(len, rows)) <= width
        if not test_canvas.is_tree(rows):
            test_canvas.check(subject, rows)


def boxes(panel):
    return panel.across[0], panel.down[0], panel.across[-1], panel.down[-1]


@pytest.mark.parametrize("heat", [True, False][: often(1, 2)])
@pytest.mark.parametrize("name", DRAWN)
def test_nothing_is_in_the_way(name, heat):
    subject = drawn(name, heat=heat)
    whole = scene(subject)
    for most in (None, "a4", whole.width * 0.7):
        try:
            found = scene(subject, most)
        except BackpropError:
            continue
        test_pictures.check(found)
        if most is not None:
            test_pictures.check_rows(found, subject)
        gates = [
            (g.x - g.width / 2, g.y - g.height / 2, g.x + g.width / 2, g.y + g.height / 2)
            for g in found.outlines
            if g
        ]
        for one, other in combinations(found.panels, 2):
            assert not test_pictures.overlaps(boxes(one), boxes(other), 0.01)
        for panel in found.panels:
            left, top, right, bottom = box = boxes(panel)
            assert 0 <= left < right <= found.width
            assert 0 <= top < bottom <= found.height
            assert not any(test_pictures.overlaps(box, gate, 0.01) for gate in gates)
            for piece in found.segments:
                for a, b in test_pictures.sampled(piece):
                    assert not (left < a < right and top < b < bottom), (panel, piece)
            for label in found.labels:
                own = (label.kind, label.vertex, label.wire) == (
                    panel.kind,
                    panel.vertex,
                    panel.wire,
                )
                if not own:
                    assert not test_pictures.overlaps(box, label.box(), 0.01), label


def cells(root, kind, key):
    """The texts of the elements of every array, by what they belong to, row by row."""
    found = {}
    for text in root.iter(f"{test_pictures.NAMESPACE}text"):
        if text.get("class") == f"{kind} element":
            found.setdefault(int(text.get(key)), []).append((text.get("data-place"), text.text))
    return found


@pytest.mark.parametrize("name", DRAWN)
def test_every_element_of_an_svg_says_what_it_is(name):
    subject = drawn(name, heat=True)
    root = ElementTree.fromstring(svg.drawing(subject))
    for kind in ("value", "gradient"):
        grids = {i: getattr(v, kind) for i, v in enumerate(subject.vertices)}
        grids = {i: grid for i, grid in grids.items() if isinstance(grid, Grid) and grid.rows}
        assert cells(root, kind, "data-vertex") == {
            i: [(f"{r},{c}", text.replace("-", "−")) for r, row in enumerate(grid.rows) for c, text in enumerate(row)]
            for i, grid in grids.items()
        }  # fmt: skip
    fan_out = subject.fan_out()
    assert set(cells(root, "contribution", "data-wire")) == {
        i for i, wire in enumerate(subject.wires)
        if fan_out[wire.source] > 1 and isinstance(wire.contribution, Grid) and wire.contribution.rows
    }  # fmt: skip
    for group in root.iter(f"{test_pictures.NAMESPACE}g"):
        if (group.get("class") or "").startswith("panel"):
            assert subject.vertices[int(group.get("data-vertex"))].name == group.get("data-name")


@pytest.mark.parametrize("name", DRAWN)
def test_other_formats(name):
    subject = drawn(name)
    assert dot.drawing(subject).count(" -> ") == len(subject.wires) + 1
    assert dot.drawing(subject).count("<TABLE") == dot.drawing(subject).count("</TABLE>")
    assert mermaid.drawing(subject).count("|") % 2 == 0
    assert tikz.drawing(subject).count("{") == tikz.drawing(subject).count("}")
    assert pdf.drawing(drawn(name, heat=True)).startswith(b"%PDF")
    for theme in svg.STYLES:
        ElementTree.fromstring(svg.drawing(subject, theme))


def test_a_heat_map_shows_the_largest_of_what_a_square_stands_for():
    trace = traced("large").record
    (node,) = [node for node in trace.nodes if node.name == "Z"]
    (vertex,) = [vertex for vertex in drawn("large", heat=True).vertices if vertex.name == "Z"]
    down, across = vertex.value.parts
    assert (down, across) == (8, 1)
    rows, most = node.value.floats, max(abs(x) for row in node.value.floats for x in row)
    for i, squares in enumerate(vertex.value.heat):
        for j, square in enumerate(squares):
            part = [row[j] for row in rows[i * down : (i + 1) * down]]
            assert square == max(part, key=abs) / most
    ends = [x for row in rows for x in row]
    assert vertex.value.caption == f"{min(ends):.4g} to {max(ends):.4g}"
    assert vertex.value.line == f"128x10 · {hypot(*ends):.4g}"
    (flat,) = [vertex for vertex in drawn("large").vertices if vertex.name == "Z"]
    assert flat.value.heat == ()
    assert flat.value.lines == (vertex.value.line,)


def test_what_is_stretched_runs_through_a_gate():
    trace = traced("softmax").record
    subject = drawn("softmax")
    (gate,) = [i for i, vertex in enumerate(subject.vertices) if vertex.symbol == "copy x2"]
    (into,) = [wire for wire in subject.wires if wire.target == gate]
    (onward,) = [wire for wire in subject.wires if wire.source == gate]
    (edge,) = [edge for node in trace.nodes for edge in node.edges if edge.unsummed]
    assert subject.vertices[gate].backward == "+"
    assert subject.vertices[gate].value.rows == (("0", "0.1", "-0.1"),) * 2
    assert subject.vertices[gate].gradient == onward.contribution
    total = [sum(column) for column in zip(*edge.unsummed.floats, strict=True)]
    assert total == pytest.approx(edge.contribution.floats, rel=1e-14)
    assert into.contribution.rows == (tuple(f"{x:.6g}" for x in total),)
    assert subject.vertices[into.source].name == "b"
    assert subject.vertices[onward.target].symbol == "+"


def test_a_gate_stands_in_the_frame_of_what_it_feeds():
    program = "layer(X, W, b) = relu(X @ W + b); h = layer(X, W, b); p = softmax(h); sum(p^2)"
    point = {"X": matrix(2, 2), "W": matrix(2, 2), "b": [1, -1]}
    record = bp.Program(program).at(point, expand=["softmax"]).record
    subject = array_diagram(record)
    gates = [i for i, vertex in enumerate(subject.vertices) if vertex.symbol.startswith("copy")]
    fed = {wire.source: wire.target for wire in subject.wires if wire.source in gates}
    assert len(gates) == 3
    assert len(subject.boundaries) == 2
    for gate in gates:
        inside = [fed[gate] in one.members for one in subject.boundaries]
        assert inside == [gate in one.members for one in subject.boundaries]
        assert any(inside)


@pytest.mark.parametrize("name", DRAWN)
def test_what_is_summed_adds_up(name):
    for node in traced(name).record.nodes:
        for edge in node.edges:
            assert bool(edge.unsummed) == bool(edge.fit)
            if edge.unsummed:
                assert edge.unsummed.shape == node.shape
                total, parts = sum(edge.contribution.numbers), sum(edge.unsummed.numbers)
                assert parts == pytest.approx(total, rel=1e-12, abs=1e-12)


SYMBOLS = (
    # program, symbol of its last gate
    ("W @ x", "@"), ("sum(x)", "sum"), ("sum(sum(W, axis=0))", "sum"), ("sum(mean(W, axis=1))", "sum"),
    ("x[0]", "[0]"), ("x[0] + x[1]", "+"), ("W[0,1]", "[0,1]"), ("sum(x)*2", "*2"), ("norm(x)", "norm"),
    ("max(sum(x), 0)", "max(_, 0)"), ("dot(x, x)", "dot"), ("x.T @ x.T.T", "@"),
)  # fmt: skip


@pytest.mark.parametrize(("program", "symbol"), SYMBOLS)
def test_symbols(program, symbol):
    point = {"W": [[1, 2]], "x": [3, 4]}
    point = {name: value for name, value in point.items() if re.search(rf"\b{name}\b", program)}
    subject = array_diagram(bp.Program(program).at(point).record)
    assert subject.vertices[-1].symbol == symbol


def test_symbols_within():
    program = "sum(mean(W, axis=1)*sum(W, axis=1)) + sum(W.T) + sum(concat(W, W, axis=1)) + W[0,:] @ W[1,:]"
    subject = array_diagram(bp.Program(program).at(W=[[1, 2], [3, 4]]).record)
    symbols = {vertex.symbol for vertex in subject.vertices}
    assert {"mean axis=1", "sum axis=1", ".T", "concat axis=1", "[0,:]", "[1,:]"} <= symbols


AT = "W=[[0.1,0.5],[-0.3,0.8]],x=[0.2,0.4]"


@pytest.mark.parametrize(
    "form", ["svg", "png", "pdf", "dot", "mermaid", "tikz", "json", "terminal"]
)
def test_the_command_writes_every_format(form, tmp_path):
    suffix = {"mermaid": "mmd", "tikz": "tex"}.get(form, form)
    path = tmp_path / f"picture.{suffix}"
    more = [] if form == "terminal" else ["-o", str(path)]
    code, out, err = call("graph", "sum((W @ x)^2)", "--at", AT, *more)
    assert (code, err) == (0, "")
    if form == "terminal":
        assert "W 2x2" in out
    elif form == "json":
        assert json.loads(path.read_text())["format"] == "backprop-trace/2"
    else:
        assert path.stat().st_size > 400


def test_a_picture_of_arrays_needs_a_point():
    code, out, err = call("graph", "sum((W @ x)^2)")
    assert (code, out) == (2, "")
    assert "how large" in err
    assert "--at" in err
    code, _, err = call("graph", "sum((W @ x)^2)", "--at", "W=[1,2]")
    assert code != 0
    assert "x" in err


def test_a_notebook_shows_the_picture_and_a_table():
    trace = traced("softmax")
    assert trace._repr_svg_() == trace.svg()
    page = trace._repr_html_()
    assert page.startswith("<div><svg")
    assert page.count("<tr>") == 1 + sum(node.kind != "constant" for node in trace.record.nodes)
    assert "[0, 0.1, -0.1]" in page


def test_elements_of_value_and_gradient_stand_over_each_other():
    found = scene(drawn("softmax", heat=True))
    key = lambda label: (label.vertex, label.place)  # noqa: E731
    elements = sorted((x for x in found.labels if x.place and x.wire < 0), key=key)
    for _, group in groupby(elements, key=key):
        assert len({label.x for label in group}) == 1
