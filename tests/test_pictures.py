"""Pictures: what is drawn, where, and that nothing stands in the way of anything else."""

import re
import struct
import sys
import zlib
from base64 import b64encode
from hashlib import sha256
from itertools import combinations
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backprop_cli import png
from backprop_grammar.views.drawing.diagram import Boundary, Diagram, Vertex, Wire, diagram
from backprop_grammar.views.drawing.geometry import Scene
from backprop_grammar.views.drawing.layers import LARGEST
from backprop_grammar.views.drawing.sheet import page_scale, scene
from backprop_grammar.views.drawing.text_metrics import SIZES, typeset, width
from backprop_grammar.views.pictures import dot, mermaid, pdf, svg, tikz
from tests.programs import programs
from tests.screens import ROOT, UPDATE
from tests.support import BackpropError, Program, often, outlined, rendered, traced
from tests.test_canvas import STAVES, wide

PICTURES = ROOT / "tests/pictures"
NEURON = "1/(1+exp(-(w0*x0+w1*x1+w2)))"
DRAWN = {
    "sum-times": ("q = x + y; f = q*z", {"x": -2, "y": 5, "z": -4}),
    "neuron": (NEURON, {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}),
    "patterns": ("2*(x*y + max(z, w))", {"x": 3, "y": -4, "z": 2, "w": -1}),
    "staged": ((ROOT / "samples/staged.bp").read_text(), {}),
    "branches": ((ROOT / "samples/branches.bp").read_text(), {}),
}
GOLDEN = [
    (name, "svg", "svg") for name in ("sum-times", "patterns", "branches")
]  # others: samples/
GOLDEN += [("staged", "dot", "dot"), ("staged", "mermaid", "mmd"), ("staged", "tikz", "tex")]
NAMESPACE = "{http://www.w3.org/2000/svg}"


def chain(count: int) -> Diagram:
    """That many vertices: stages that use one or two of those before."""
    vertices = [Vertex("x", "", "x", "1.25", "-0.5", "", "")]
    wires = []
    for i in range(1, count):
        near, far = i - 1, max(0, i - 2 - i * 7 % 12)
        vertices.append(
            Vertex(f"s{i}", "+", f"s{i}" * (i % 3 == 0), "1.25", "-0.5", "a + b", "add")
        )
        wires += [Wire(near, i, 0, "-0.25"), Wire(far, i, 1, "-0.25", routed=i % 5 != 0)]
    return Diagram("chain", "A chain.", tuple(vertices), tuple(wires), ())


@pytest.mark.parametrize(("name", "form", "suffix"), GOLDEN, ids=[f"{n}.{s}" for n, _, s in GOLDEN])
def test_golden(name, form, suffix):
    drawn = rendered("graph", form, traced(*DRAWN[name]))
    path = PICTURES / f"{name}.{suffix}"
    if UPDATE:
        path.write_text(drawn, encoding="utf-8")
    assert drawn == path.read_text(encoding="utf-8")


def overlaps(one, other, gap: float = 0.0) -> bool:
    return all(one[i] + gap < other[i + 2] and other[i] + gap < one[i + 2] for i in (0, 1))


def sampled(piece):
    """Points along a piece of wire."""
    (x0, y0), (x3, y3) = piece.b, piece.c
    (x1, _), (x2, _) = piece.controls()
    for i in range(41):
        t = i / 40
        u = 1 - t
        yield (
            u**3 * x0 + 3 * u * u * t * x1 + 3 * u * t * t * x2 + t**3 * x3,
            u * u * (u + 3 * t) * y0 + t * t * (t + 3 * u) * y3,
        )
        yield piece.a[0] + t * (piece.b[0] - piece.a[0]), piece.a[1]
        yield piece.c[0] + t * (piece.d[0] - piece.c[0]), piece.d[1]


def check(drawn: Scene) -> None:
    """Nothing stands in the way of anything else, and nothing is outside."""
    texts = [(text.text, text.box()) for text in drawn.labels]
    gates = [box for box in drawn.outlines if box]
    boxes = [
        (b.x - b.width / 2, b.y - b.height / 2, b.x + b.width / 2, b.y + b.height / 2)
        for b in gates
    ]
    for one, other in combinations(sorted(texts, key=lambda text: text[1]), 2):
        assert not overlaps(one[1], other[1], 0.01), (one, other)
    for text in texts:
        assert not any(overlaps(text[1], box, 0.01) for box in boxes), text
        assert -0.01 <= text[1][0] <= text[1][2] <= drawn.width + 0.01, text
        assert -0.01 <= text[1][1] <= text[1][3] <= drawn.height + 0.01, text
    for one, other in combinations(sorted(boxes), 2):
        assert not overlaps(one, other)
    for piece in drawn.segments:
        corners = [piece.a, piece.b, piece.c, piece.d]
        (left, right), (top, bottom) = ((min(c), max(c)) for c in zip(*corners, strict=True))
        around = left, top - 0.01, right, bottom + 0.01
        near = [b for b, box in zip(gates, boxes, strict=True) if overlaps(around, box)]
        words = [text for text in texts if overlaps(around, text[1])]
        for x, y in sampled(piece) if near or words else ():
            for box in near:
                below = y - box.y
                if abs(x - box.x) < box.width / 2 and abs(below) < box.height / 2:
                    assert abs(x - box.x) > box.edge(below) - 0.5, (piece, box)
            for text, (left, top, right, bottom) in words:
                assert not (left < x < right and top < y < bottom), (piece, text)


def check_svg(text: str, picture: Diagram) -> None:
    """Well-formed, and everything in it says what it is."""
    root = ElementTree.fromstring(text)
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert {f"v{i}" for i in range(len(picture.vertices))} <= set(ids)
    groups = {g.get("id"): g for g in root.iter(f"{NAMESPACE}g") if g.get("id")}
    for i, vertex in enumerate(picture.vertices):
        group = groups[f"v{i}"]
        assert group.get("data-name") == vertex.name
        assert group.get("tabindex") == "0"
        assert group.find(f"{NAMESPACE}title").text.startswith(vertex.name)
    paths = [p for p in root.iter(f"{NAMESPACE}path") if "wire" in p.get("class").split()]
    carried = {int(wire) for p in paths for wire in p.get("data-wires").split()}
    assert carried == set(range(len(picture.wires)))
    unrouted = {
        wire for p in paths if "unrouted" in p.get("class").split()
        for wire in map(int, p.get("data-wires").split())
    }  # fmt: skip
    assert unrouted == {i for i, wire in enumerate(picture.wires) if not wire.routed}
    texts = list(root.iter(f"{NAMESPACE}text"))
    for kind in ("value", "gradient"):
        found = {t.get("data-name"): t.text for t in texts if t.get("class") == kind}
        shown = {v.name: getattr(v, kind).replace("-", "−") for v in picture.vertices if getattr(v, kind)}  # fmt: skip
        assert found == shown
    fan_out = picture.fan_out()
    contributions = {int(t.get("data-wire")) for t in texts if t.get("class") == "contribution"}
    assert contributions == {
        i for i, wire in enumerate(picture.wires) if wire.contribution and fan_out[wire.source] > 1
    }


def check_rows(drawn: Scene, picture: Diagram) -> int:
    """Every wire goes on where it left a row; how many times one does."""
    left = [(text.y, text.text) for text in drawn.labels if text.kind == "leaving"]
    right = [(text.y, text.text) for text in drawn.labels if text.kind == "entering"]
    assert [name for _, name in sorted(left)] == [name for _, name in sorted(right)]
    assert len(drawn.tips) == len(left) + len(right) + 1
    for i, wire in enumerate(picture.wires):
        pieces = sorted((s for s in drawn.segments if i in s.wires), key=lambda s: (s.a[0], s.d[0]))
        ends = {piece.d for piece in pieces}
        beginnings = [piece.a for piece in pieces if piece.a not in ends]
        begun = {piece.a for piece in pieces}
        endings = [piece.d for piece in pieces if piece.d not in begun]
        name = picture.vertices[wire.source].name
        outline = drawn.outlines[wire.target]
        gate = [
            (x, y)
            for x, y in endings
            if abs(y - outline.y) <= outline.height / 2
            and abs(x - (outline.x - outline.edge(y - outline.y))) < 0.01
        ]
        assert len(gate) == 1, (name, endings)
        onward = [(x, y) for x, y in endings if (x, y) in drawn.tips]
        again = [(x, y) for x, y in beginnings if (x, y) in drawn.tips]
        assert len(onward) == len(again) == len(endings) - 1 == len(beginnings) - 1
    return len(left)


@settings(
    deadline=None, max_examples=often(30, 60),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip
@given(programs(), st.sampled_from([(), (), ("all",)]), st.integers(1, 17))
def test_any_program(program, expand, digits):
    whole = Program(program.text())
    at = {name: 0.3 + 0.4 * i for i, (name, x) in enumerate(whole.inputs.items()) if x is None}
    try:
        trace = traced(whole, at, expand=expand)
    except BackpropError:
        trace = outlined(whole, expand=expand)
    picture = diagram(trace, digits)
    if len(picture.vertices) > LARGEST:
        return
    check(scene(picture))
    check_svg(svg.drawing(picture), picture)
    drawn = scene(picture, "a4")
    check(drawn)
    check_rows(drawn, picture)
    assert dot.drawing(picture).count(" -> ") >= len(picture.wires) + 1
    assert mermaid.drawing(picture).startswith("flowchart LR\n")
    assert tikz.drawing(picture).count("{") == tikz.drawing(picture).count("}")


@pytest.mark.parametrize("count", [1, 3, 17, 100, 300])
def test_sizes(count):
    picture = chain(count)
    if count <= 100:  # all pairs are compared
        check(scene(picture))
    check_svg(svg.drawing(picture), picture)


def test_a_picture_that_is_too_large_offers_graphviz():
    picture = chain(LARGEST + 1)
    with pytest.raises(BackpropError) as caught:
        svg.drawing(picture)
    assert caught.value.kind == "limit"
    assert "301" in caught.value.message
    assert "DOT" in caught.value.hint
    assert dot.drawing(picture)
    assert mermaid.drawing(picture)


@pytest.mark.parametrize("text", ["x", "2", "x*x", "max(a, b, c, d, a)", "if(x < y, x, y)", "2^x"])
def test_small_graphs_without_a_point(text):
    picture = diagram(outlined(text))
    check(scene(picture))
    drawn = svg.drawing(picture)
    check_svg(drawn, picture)
    assert ('class="rule"' in drawn) == (text not in ("x", "2"))


def test_frames_hold_their_members_only():
    text = (ROOT / "samples/staged.bp").read_text()
    picture = diagram(traced(text, expand=("all",)))
    drawn = scene(picture)
    check(drawn)
    assert len(drawn.frames) == 2
    for frame, boundary in zip(drawn.frames, picture.boundaries, strict=True):
        for i, box in enumerate(drawn.outlines):
            if box:
                inside = (
                    frame.left < box.x < frame.left + frame.width
                    and frame.top < box.y < frame.top + frame.height
                )
                assert inside == (i in boundary.members)
    one, other = [(f.left, f.top, f.left + f.width, f.top + f.height) for f in drawn.frames]
    assert not overlaps(one, other)


def test_a_hostile_name_stays_text():
    name = 'x"><script>alert(1)</script><!-- & \x1b[31m\u202e \\end{document} %'
    title = name + "]]>"
    vertices = (
        Vertex(name, "", name, "1", "2", "", ""),
        Vertex("f", "max(_, <b>)", "f", "1e999", "3", name, "", block=True),
    )
    picture = Diagram(
        title, title, vertices, (Wire(0, 1, 0),), (Boundary(title, frozenset({1})),)
    )  # fmt: skip
    drawn = svg.drawing(picture)
    check(scene(picture))
    root = ElementTree.fromstring(drawn)
    assert not list(root.iter(f"{NAMESPACE}script"))
    assert "\x1b" not in drawn
    assert "\u202e" not in drawn
    outside = re.sub(r'"(\\.|[^"\\])*"', "", dot.drawing(picture))
    assert set(re.findall(r"<(/?\w+)", outside)) <= {"FONT", "/FONT", "BR", "x", "max", "f"}
    assert "<" not in mermaid.drawing(picture).replace("<br/>", "")
    comment, *rest = tikz.drawing(picture).splitlines()
    assert comment.startswith("% ")
    assert "\n".join(rest).count("\\end{document}") == 1


def test_long_texts_have_their_room():
    text = "a_very_long_variable_name_indeed*b + log(another_rather_long_name)^2.5"
    at = {"a_very_long_variable_name_indeed": 1.2345678e200, "b": -1.97007e-200,
          "another_rather_long_name": 3.3}  # fmt: skip
    check(scene(diagram(traced(text, at), digits=17)))


@pytest.mark.parametrize(
    ("symbol", "printed"),
    [
        ("*", "×"), ("/", "÷"), ("-", "−"), ("*-1", "×−1"), ("1/x", "1/x"), ("^2", "x^2"),
        ("^", "x^y"), ("2^x", "2^x"), ("pi^x", "pi^x"), ("^-0.5", "x^−0.5"), ("+1e-07", "+1e−07"),
        ("max(_, 0)", "max(·, 0)"), ("if <= 2", "if ≤ 2"), ("1-x", "1−x"), ("/2", "÷2"),
        ("my_block", "my_block"), ("leaky_relu(_, -0.1)", "leaky_relu(·, −0.1)"),
    ],
)  # fmt: skip
def test_symbols(symbol, printed):
    assert "".join("^" * raised + text for text, raised in typeset(symbol)) == printed


@pytest.mark.parametrize(
    ("program", "symbol"),
    [
        ("x + -3", "+(-3)"), ("-3 + x", "+(-3)"), ("x - -3", "-(-3)"), ("-3 - x", "(-3)-x"),
        ("x*-3", "*-3"), ("x/-3", "/-3"), ("-3/x", "-3/x"), ("x + 3", "+3"), ("x - pi", "-pi"),
        ("x + -1e-300", "+(-1e-300)"), ("max(x, -3)", "max(_, -3)"),
    ],
)  # fmt: skip
def test_a_constant_with_a_sign_stands_in_parentheses_beside_another(program, symbol):
    assert diagram(outlined(program)).vertices[-1].symbol == symbol


def pixels(data: bytes) -> tuple[int, int, list[bytes]]:
    """Width, height and rows of an 8-bit RGBA picture."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    wide, high, depth, colour = struct.unpack(">IIBB", data[16:26])
    assert (depth, colour) == (8, 6)
    packed, place = b"", 8
    while place < len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        packed += data[place + 8 : place + 8 + length] * (kind == b"IDAT")
        place += length + 12
    raw, stride, before, rows = zlib.decompress(packed), wide * 4, bytes(wide * 4), []
    for y in range(high):
        kind, row = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1 :][:stride])
        for i in range(stride):
            a, b, c = (row[i - 4], before[i], before[i - 4]) if i > 3 else (0, before[i], 0)
            p = a + b - c
            paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            row[i] = (row[i] + (0, a, b, (a + b) // 2, paeth)[kind]) % 256
        before = bytes(row)
        rows.append(before)
    return wide, high, rows


@pytest.mark.parametrize("name", STAVES)
def test_rows(name):
    picture = diagram(wide(name))
    whole = scene(picture).width
    for most in (600, 700, 1000, 1400, whole):
        drawn = scene(picture, most)
        assert drawn.width <= most
        check(drawn)
        assert bool(check_rows(drawn, picture)) == (most < whole)
        check_svg(svg.svg(picture, drawn, svg.ADAPTIVE), picture)


@pytest.mark.parametrize("name", ["lstm", "norm", "chain", "network", "neuron"])
def test_an_a4_sheet_is_legible(name):
    sample = (ROOT / "samples/network.bp").read_text(encoding="utf-8")
    known = DRAWN | {"network": (sample, {})}
    picture = diagram(wide(name) if name in STAVES else traced(*known[name]))
    scale, _ = page_scale(scene(picture, "a4"))
    assert scale * min(SIZES.values()) >= 6


@pytest.mark.parametrize("name", STAVES)
def test_a_picture_that_cannot_be_narrow_enough(name):
    picture = diagram(wide(name))
    with pytest.raises(BackpropError, match="does not fit 90 pixels") as caught:
        scene(picture, 90)
    enough = int(re.match(r"(\d+) pixels are enough", caught.value.hint)[1])
    assert scene(picture, enough).width <= enough
    with pytest.raises(BackpropError):
        scene(picture, 0.8 * enough)


def test_frames_go_on_in_the_next_row():
    picture = diagram(traced("s = sigmoid(a*x); tanh(s*x)", {"a": 1, "x": 2}, expand=("all",)))
    drawn = scene(picture, 500)
    check(drawn)
    titles = [frame.title for frame in drawn.frames]
    assert len(titles) > len(set(titles)) == 2
    for i, box in enumerate(drawn.outlines):
        for one in (b for b in picture.boundaries if box):
            inside = [
                frame
                for frame in drawn.frames
                if frame.title == one.title
                and frame.left < box.x < frame.left + frame.width
                and frame.top < box.y < frame.top + frame.height
            ]
            assert len(inside) == (i in one.members)


def test_a_picture_has_a_ground_and_a_theme():
    picture = diagram(traced(*DRAWN["sum-times"]))
    for theme, colours in (("light", svg.LIGHT), ("dark", svg.DARK)):
        drawn = svg.drawing(picture, theme)
        assert f".ground {{ fill: {colours['ground']} }}" in drawn
        assert "prefers-color-scheme" not in drawn
        assert f"{{ground}}{{HTML}}{{{colours['ground'][1:].upper()}}}" in tikz.drawing(
            picture, theme
        )
    drawn = svg.drawing(picture, "auto")
    assert "prefers-color-scheme: dark" in drawn
    assert all(f".ground {{ fill: {c['ground']} }}" in drawn for c in (svg.LIGHT, svg.DARK))
    _, _, rows = pixels(rendered("graph", "png", traced(*DRAWN["sum-times"]), theme="dark"))
    assert rows[0][:4].hex() == svg.DARK["ground"][1:] + "ff"


def page(data: bytes) -> tuple[list[float], str]:
    """The size of a PDF's page and what is on it, of a file whose table of objects is right."""
    start = int(re.search(rb"startxref\n(\d+)\n%%EOF\n$", data)[1])
    assert data[start:].startswith(b"xref\n")
    for k, line in enumerate(re.findall(rb"(\d{10}) 00000 n \n", data[start:]), 1):
        assert data[int(line) :].startswith(b"%d 0 obj\n" % k)
    box = re.search(rb"/MediaBox \[(.*?)\]", data)[1]
    stream = re.search(rb"/Length (\d+) [^\n]*\nstream\n", data)
    packed = data[stream.end() : stream.end() + int(stream[1])]
    assert data[stream.end() + int(stream[1]) :].startswith(b"\nendstream")
    return [float(x) for x in box.split()], zlib.decompress(packed).decode("latin-1")


@pytest.mark.parametrize("case", DRAWN)
def test_pdf(case):
    picture = diagram(traced(*DRAWN[case]))
    box, drawn = page(pdf.drawing(picture))
    whole = scene(picture)
    assert box == pytest.approx([0, 0, 0.75 * whole.width, 0.75 * whole.height], abs=0.01)
    shown = sorted(re.findall(r"\(((?:\\.|[^()\\])*)\) Tj", drawn))
    symbols = [run for v in picture.vertices for run, _ in typeset(v.symbol) if v.symbol]
    expected = [*(label.text for label in whole.labels), *symbols]
    assert [re.sub(r"\\(.)", r"\1", text).replace("\x80", "−") for text in shown] == sorted(
        expected, key=lambda text: text.replace("−", "\x80").replace("(", "\\(").replace(")", "\\)")
    )
    assert drawn.count(" re f") == 1
    assert drawn.count("q ") == drawn.count(" Q")
    for turned, sheet in ((False, [0, 0, 595, 842]), (True, [0, 0, 842, 595])):
        a4, _ = page(pdf.drawing(picture, "dark", "a4"))
        if page_scale(scene(picture, "a4"))[1] == turned:
            assert a4 == sheet


def test_what_helvetica_lacks_shows_as_an_escape_in_a_pdf():
    vertices = (Vertex("x(\\y)€", "", "x(\\y)€", "≤1", "−2", "", 0),)
    _, drawn = page(pdf.drawing(Diagram("é€", "", vertices, (), ())))
    assert r"(x\(\\y\)\\u20ac) Tj" in drawn
    assert "(<=1) Tj" in drawn
    assert "(\x802) Tj" in drawn


def test_png():
    trace = traced(*DRAWN["sum-times"])
    drawn = scene(diagram(trace))
    wide, high, rows = pixels(rendered("graph", "png", trace))
    assert (wide, high) == pytest.approx((2 * drawn.width, 2 * drawn.height), abs=2)
    seen = {row[i : i + 4].hex() for row in rows for i in range(0, len(row), 4)}
    for colour in ("value", "gradient", "ink", "wire", "edge"):
        assert svg.LIGHT[colour][1:] + "ff" in seen, colour
    assert rows[0][:4] == b"\xff\xff\xff\xff"


def test_a_long_png_is_drawn_at_a_smaller_scale(monkeypatch):
    monkeypatch.setattr(png, "LARGEST_SIDE", 200.0)
    wide, high, _ = pixels(rendered("graph", "png", traced(*DRAWN["sum-times"])))
    assert max(wide, high) == pytest.approx(200, abs=2)


@pytest.mark.parametrize("case", DRAWN)
def test_a_page_allows_the_very_texts_that_it_holds(case):
    trace = traced(*DRAWN[case])
    page = rendered("graph", "html", trace)
    policy = re.search(r'content="(default-src[^"]*)"', page)[1].replace("&#39;", "'")
    for tag, source in (("style", "style-src"), ("script", "script-src")):
        texts = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digests = {b64encode(sha256(text.encode()).digest()).decode() for text in texts}
        allowed = re.search(rf"{source} ([^;]*)", policy)[1]
        assert set(re.findall(r"'sha256-(.*?)'", allowed)) == digests, tag
    wide = re.search(r'<svg [^>]* width="([\d.]+)"', page)[1]
    assert f"--picture: {wide}px" in page
    assert float(wide) >= scene(diagram(trace)).width  # with room for other numbers


def test_png_without_the_extra_or_a_font(monkeypatch):
    trace = traced("x*x", {"x": 3})
    monkeypatch.setattr(png, "fonts", lambda: [])
    with pytest.raises(BackpropError, match="font"):
        rendered("graph", "png", trace)
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(BackpropError) as caught:
        rendered("graph", "png", trace)
    assert caught.value.kind == "usage"
    assert "pip install 'backprop-cli[png]'" in caught.value.message


def test_texts_are_measured_in_a_wide_font():
    assert width("0123456789", 10) == pytest.approx(63.7)
    assert set(SIZES) >= {"value", "gradient", "contribution"}
    assert re.search(r"font-size: 13", svg.STYLE)


@pytest.mark.parametrize(
    ("text", "at", "sent", "gate"),
    [
        ("if(x > 0, y, x)", {"x": -1.0, "y": 2.0}, ["", "0", "1"], "if > 0"),
        ("if(x > 0, x, y)", {"x": -1.0, "y": 2.0}, ["", "0", "1"], "if > 0"),
        ("if(x > 0, x, x)", {"x": 1.0}, ["", "1", "0"], "if > 0"),
        ("if(x > 0, y, 2)", {"x": -1.0, "y": 2.0}, ["", "0", ""], "if > 0"),
        (
            "if(a > b, y, if(x <= 1, 2, 3))",
            {"a": 2.0, "b": 1.0, "y": 3.0, "x": 0.0},
            ["", "", "1"],
            "if >",
        ),
    ],
)
def test_what_a_condition_compares_receives_nothing(text, at, sent, gate):
    picture = diagram(traced(text, at))
    assert [wire.contribution for wire in picture.wires] == sent
    assert picture.vertices[-1].symbol == gate


def test_constants_of_blocks_and_branches_are_seen():
    for text in ("if(x > 0, 2, y)", "f(u, v) = u + v; f(x, 2)", "f(u, v) = u + v; f(2, x)"):
        picture = diagram(outlined(text))
        assert "2" in [vertex.name for vertex in picture.vertices]
    names = [
        [picture.vertices[wire.source].name for wire in picture.wires]
        for picture in (
            diagram(outlined(f"f(u, v) = u + v; f({operands})")) for operands in ("x, 2", "2, x")
        )
    ]
    assert names == [["x", "2"], ["2", "x"]]
