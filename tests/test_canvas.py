"""The picture in characters: recorded, and read back by one who sees only the characters."""

import re
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_cli.screens import tree
from backprop_cli.screens.channels import Net, arranged
from backprop_cli.screens.picture import LARGEST, lines
from backprop_grammar.views.drawing.diagram import Boundary, Diagram, Vertex, Wire, diagram
from backprop_grammar.views.drawing.diagram import lines as written
from tests.programs import programs
from tests.screens import ROOT, UPDATE
from tests.support import BackpropError, Program, often, outlined, traced

PICTURES = Path(__file__).parent / "canvas"

QUEUE = "q = x + y; f = q*z", {"x": -2, "y": 5, "z": -4}
NEURON = (
    "1/(1+exp(-(w0*x0+w1*x1+w2)))", {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3},
)  # fmt: skip
PATTERNS = "2*(x*y + max(z, w))", {"x": 3, "y": -4, "z": 2, "w": -1}
SQUARE = "x*x", {"x": 3}
FIVE = "max(a, b, c, d, g)", {"a": 1, "b": 2, "c": 4, "d": 4, "g": 3}


def drawn(program, at=None):
    return diagram(traced(program, at))


def structure(program, expand=()):
    """Without a point."""
    return diagram(outlined(program, expand=expand))


def source(name):
    return (ROOT / "samples" / f"{name}.bp").read_text(encoding="utf-8")


def sample(name):
    return drawn(source(name))


def block(subject, title, names):
    members = frozenset(i for i, v in enumerate(subject.vertices) if v.name in names)
    return replace(subject, boundaries=(Boundary(title, members),))


def plain(text_lines):
    return [line.plain for line in text_lines]


def is_tree(rows):
    return bool(rows) and rows[0].startswith("the picture")


def picture(subject, plain=False):
    """What is printed where there is room."""
    return list(lines(subject, 10**6, plain))


def tight(subject):
    """What is printed where there is one column less than the picture takes; it may be a tree."""
    return list(lines(subject, max(len(line.plain) for line in picture(subject)) - 1))


RECORDED = {
    "sum-times": lambda: picture(drawn(*QUEUE)),
    "neuron": lambda: picture(drawn(*NEURON)),
    "neuron-tight": lambda: tight(drawn(*NEURON)),
    "neuron-ascii": lambda: picture(drawn(*NEURON), plain=True),
    "neuron-frame": lambda: picture(block(drawn(*NEURON), "sigmoid(n4)", ("n5", "n6", "n7", "n8"))),
    "patterns": lambda: picture(drawn(*PATTERNS)),
    "patterns-ascii": lambda: picture(drawn(*PATTERNS), plain=True),
    "square": lambda: picture(drawn(*SQUARE)),
    "max": lambda: picture(drawn(*FIVE)),
    "staged": lambda: picture(sample("staged")),
    "branches": lambda: picture(sample("branches")),
    "branches-ascii": lambda: picture(sample("branches"), plain=True),
    "tanh-frames": lambda: picture(structure("s = sigmoid(a*x); tanh(s*x)", ["all"])),
    "huber": lambda: picture(sample("huber")),
    "network": lambda: picture(sample("network")),
    "network-structure": lambda: picture(structure(source("network"))),
    "neuron-structure": lambda: picture(structure(NEURON[0])),
    "staged-60": lambda: lines(sample("staged"), 60),
    "network-100": lambda: lines(sample("network"), 100),
    "lstm-80": lambda: lines(diagram(wide("lstm")), 80),
    "norm-80": lambda: lines(diagram(wide("norm")), 80),
    "tanh-frames-60": lambda: lines(structure("s = sigmoid(a*x); tanh(s*x)", ["all"]), 60),
    "staged-tree-20": lambda: lines(sample("staged"), 20),
    "patterns-tree-ascii": lambda: lines(drawn(*PATTERNS), 16, plain=True),
    "neuron-structure-60": lambda: lines(structure(NEURON[0]), 60),
    "neuron-tree-structure": lambda: lines(structure(NEURON[0]), 16),
}


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_pictures(name):
    found = "".join(f"{line}\n" for line in plain(RECORDED[name]()))
    path = PICTURES / f"{name}.txt"
    if UPDATE:
        path.parent.mkdir(exist_ok=True)
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")


# Reading a picture back

STEPS = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}
BACK = {"left": "right", "right": "left", "up": "down", "down": "up"}
ARMS = {
    "─": ("left", "right"), "╌": ("left", "right"), "│": ("up", "down"), "╎": ("up", "down"),
    "╭": ("right", "down"), "╮": ("left", "down"), "╰": ("right", "up"), "╯": ("left", "up"),
}  # fmt: skip
TOUCHING = {
    "left": "─╌╭╰●┼├", "right": "─╌╮╯●┼┤", "up": "│╎╭╮●┼┬", "down": "│╎╰╯●┼┴",
}  # fmt: skip
"""What joins a cell from its left, from its right, ..."""


ENTERS, LEAVES = r" *(\w+) →", r"[─╌┼]→ (\w+) *$"
"""A row in which a wire comes into a stave, and one in which it leaves."""


class Reader:
    """A picture as its characters; gates by the place of their output."""

    def __init__(self, rows):
        width = max(map(len, rows), default=0) + 4
        self.rows = [" " * width] + [row.ljust(width) for row in rows] + [" " * width]
        self.gates = {}
        for r, row in enumerate(self.rows):
            for match in re.finditer("├", row):
                self.gates[r, match.start()] = self.gate(r, match.start())
        self.entries = [r for r, row in enumerate(self.rows) if re.match(ENTERS, row)]
        self.exits = [r for r, row in enumerate(self.rows) if re.search(LEAVES, row)]

    def gate(self, r, c):
        """Its symbol, its name, its ports in order: place and way out."""
        top = bottom = r
        while self.rows[top][c] not in "╮┐":
            assert self.rows[top][c] in "│├"
            top -= 1
        while self.rows[bottom][c] not in "╯┘":
            assert self.rows[bottom][c] in "│├"
            bottom += 1
        left = c - 1
        while self.rows[top][left] not in "╭┌":
            assert self.rows[top][left] in "─┴"
            left -= 1
        ports = [((top, x), "up") for x in range(left, c) if self.rows[top][x] == "┴"]
        ports += [((y, left), "left") for y in range(top, bottom) if self.rows[y][left] == "┤"]
        ports += [((bottom, x), "down") for x in range(left, c) if self.rows[bottom][x] == "┬"]
        inside = [self.rows[y][left + 1 : c].strip() for y in range(top + 1, bottom)]
        assert [line for line in inside if line] == [self.rows[r][left + 1 : c].strip()]
        assert self.rows[r][c + 1] in "─╌"
        name = re.match(r"[─╌]+ (\w+)( |$)", self.rows[r][c + 1 :])
        return self.rows[r][left + 1 : c].strip(), name[1] if name else "", ports

    def source(self, place, way):
        """The one source that the wire at a port comes from, and the cells up to its first turn."""
        found, straight, turned = set(), [], False
        pending, met = [(place, way)], set()
        while pending:
            place, way = pending.pop()
            while True:
                place = place[0] + STEPS[way][0], place[1] + STEPS[way][1]
                sign = self.rows[place[0]][place[1]]
                turned = turned or sign not in "─╌│╎┼"
                if not turned:
                    straight.append(place)
                if sign in "┤┴┬":
                    break  # another gate that uses it
                if sign == "├":
                    assert way == "left"
                    found.add(place)
                    break
                if sign == "→" and way == "right":
                    break  # it goes on
                if sign == "→":  # it comes from the stave before
                    row = self.exits[self.entries.index(place[0])]
                    place, turned = (row, self.rows[row].rindex("→")), True
                    continue
                if sign == " ":
                    assert way == "left"
                    end = place[1]
                    start = len(re.sub(r"\S+$", "", self.rows[place[0]][:end]))
                    assert start < end, "a wire without an end"
                    named = re.search(r"├[─╌]{1,3} (?=(\w+ )?$)", self.rows[place[0]][:start])
                    if named:  # the name of a stage, and its shape
                        place = place[0], named.end() - 1
                        continue
                    found.add((place[0], start))
                    break
                if sign == "┼":
                    continue
                if sign == "●":
                    if place in met:
                        break
                    met.add(place)
                    arms = [
                        arm for arm, (dr, dc) in STEPS.items()
                        if self.rows[place[0] + dr][place[1] + dc] in TOUCHING[arm]
                    ]  # fmt: skip
                    assert BACK[way] in arms
                    assert len(arms) > 2
                    pending += [(place, arm) for arm in arms if arm != BACK[way]]
                    break
                assert BACK[way] in ARMS[sign], f"{way} into {sign}"
                (way,) = set(ARMS[sign]) - {BACK[way]}
        assert len(found) == 1
        return found.pop(), straight


def check(subject, rows):
    """The characters say what the diagram says."""
    reader = Reader(rows)
    entering = [re.match(ENTERS, reader.rows[r])[1] for r in reader.entries]
    assert entering == [re.search(LEAVES, reader.rows[r])[1] for r in reader.exits]
    shared = subject.fan_out()
    into = {}
    for wire in subject.wires:
        into.setdefault(wire.target, {})[wire.slot] = wire
    traced = {
        gate: [reader.source(*port) for port in ports]
        for gate, (_, _, ports) in reader.gates.items()
    }
    used = {source for sources in traced.values() for source, _ in sources}
    assert len(reader.gates) == sum(bool(v.symbol) for v in subject.vertices)
    last = len(subject.vertices) - 1
    if not reader.gates:
        assert last == 0
        return
    (output,) = set(reader.gates) - used
    here, there = {output: last}, {last: output}
    pending = [output]
    while pending:
        place = pending.pop()
        vertex = subject.vertices[here[place]]
        if place not in reader.gates:  # a leaf
            assert not vertex.symbol
            r, c = place
            assert re.match(r"\S+", reader.rows[r][c:])[0] == (vertex.shape or vertex.label)
            assert reader.rows[r][:c].endswith(f"{vertex.label} " * bool(vertex.shape))
            continue
        symbol, name, _ = reader.gates[place]
        assert (symbol, name) == (vertex.symbol, vertex.label)
        r, c = place
        above, below = written(vertex.value), written(vertex.gradient)
        for first, texts in ((r - len(above), above), (r + 1, below)):
            for row, text in enumerate(texts, first):
                beside = reader.rows[row][c + 1 :].lstrip()
                assert f"{beside} ".startswith(f"{text.strip()} ")
        wires = into.get(here[place], {})
        assert len(traced[place]) == len(wires)
        for slot, (source, straight) in enumerate(traced[place]):
            wire = wires[slot]
            if source not in here:
                assert wire.source not in there
                here[source], there[wire.source] = wire.source, source
                pending.append(source)
            assert here[source] == wire.source
            signs = {reader.rows[y][x] for y, x in straight} - {"┼"}
            assert signs <= (set("─│") if wire.routed else set("╌╎")), (wire, signs)
            if wire.contribution and shared[wire.source] > 1:
                for below, text in enumerate(written(wire.contribution), 1):
                    assert text.strip() in under(reader, place, slot, below)
    assert len(here) == len(subject.vertices)


def under(reader, gate, slot, below=1):
    """What stands below the last run before a port, so many rows."""
    (r, c), way = reader.gates[gate][2][slot]
    while way != "left":
        r += STEPS[way][0]
        if reader.rows[r][c] in "╮╯":
            break
    start = c - 1
    while reader.rows[r][start] in "─╌┼":
        start -= 1
    return reader.rows[r + below][start : c + 1]


def texts(subject):
    """How often every number must at least be in the picture."""
    shared = subject.fan_out()
    return Counter(
        [text for v in subject.vertices for text in (v.value, v.gradient) if text]
        + [w.contribution for w in subject.wires if w.contribution and shared[w.source] > 1]
    )


def words(rows):
    return Counter(word for row in rows for word in re.findall(r"[-\w.+^]+", row))


@pytest.mark.parametrize(
    "name",
    [
        "block",
        "branches",
        "cancellation",
        "huber",
        "network",
        "patterns",
        "rosenbrock",
        "staged",
        "sum-times",
    ],
)
def test_samples_read_back(name):
    for subject in (sample(name), structure(source(name))):
        check(subject, plain(picture(subject)))
        for rows in [plain(tight(subject)), *(plain(lines(subject, n)) for n in (60, 80, 100))]:
            if not is_tree(rows):
                check(subject, rows)


@settings(max_examples=often(40, 80))
@given(programs(), st.lists(st.floats(-3, 3).map(lambda x: round(x, 2)), min_size=9, max_size=9))
def test_any_program_reads_back(program, numbers):
    whole = Program(program.text())
    names = [name for name, value in whole.inputs.items() if value is None]
    try:
        subject = diagram(traced(whole, dict(zip(names, numbers, strict=False))))
    except BackpropError:
        return
    for shown in (subject, structure(program.text())):
        rows = plain(picture(shown))
        check(shown, rows)
        assert texts(shown) <= words(rows)
        assert all(word in "\n".join(rows) for word in texts(shown))
    expanded = structure(program.text(), ["all"])
    if len(expanded.vertices) <= LARGEST:
        check(expanded, plain(picture(expanded)))
    ascii_rows = plain(picture(subject, plain=True))
    assert all(row.isascii() for row in ascii_rows)
    assert texts(subject) <= words(ascii_rows)


STAVES = {
    "lstm": (
        """f = sigmoid(wf*x + uf*h + bf); i = sigmoid(wi*x + ui*h + bi)
        o = sigmoid(wo*x + uo*h + bo); g = tanh(wg*x + ug*h + bg)
        s = f*c + i*g; o*tanh(s)""",
        "wf=0.5 uf=0.4 bf=1 wi=0.3 ui=-0.2 bi=0.1 wo=0.7 uo=0.6 bo=-0.1"
        " wg=0.9 ug=-0.5 bg=0.2 x=1 h=0.5 c=-0.3",
    ),
    "norm": (
        """m = (x1 + x2 + x3)/3; d1 = x1 - m; d2 = x2 - m; d3 = x3 - m
        v = (d1^2 + d2^2 + d3^2)/3; s = sqrt(v + 0.00001)
        y1 = g*d1/s + b; y2 = g*d2/s + b; y3 = g*d3/s + b; y1*u1 + y2*u2 + y3*u3""",
        "x1=1 x2=2 x3=4 g=1.5 b=0.5 u1=1 u2=-1 u3=2",
    ),
    "chain": ("sin(" * 40 + "x" + ")" * 40, "x=1"),
    "routed": ("max(min(exp(x), y)*z, abs(sin(y))*x)*max(x, z)*y", "x=1 y=0.5 z=-2"),
}
"""Programs that are wide, and their points."""


def wide(name):
    program, at = STAVES[name]
    return traced(program, {k: float(v) for k, v in (pair.split("=") for pair in at.split())})


@pytest.mark.parametrize("name", STAVES)
def test_staves_read_back(name):
    for subject in (diagram(wide(name)), structure(STAVES[name][0])):
        for width in range(48, 160, often(48, 16)):
            rows = plain(lines(subject, width))
            assert max(map(len, rows)) <= width
            if is_tree(rows):
                assert width < 64
                continue
            check(subject, rows)
            assert texts(subject) <= words(rows)
            ascii_rows = plain(lines(subject, width, plain=True))
            assert all(row.isascii() for row in ascii_rows)
            assert [len(row) for row in ascii_rows] == [len(row) for row in rows]


def test_what_comes_into_a_stave_has_its_numbers_where_it_is_used():
    subject = diagram(wide("norm"))
    rows = plain(lines(subject, 80))
    named = {vertex.name: vertex for vertex in subject.vertices}
    numbers = 0
    for r, row in enumerate(rows):
        match = re.match(ENTERS, row)
        if match:
            around = [rows[i][match.end() :].split()[:1] if i >= 0 else [] for i in (r - 1, r + 1)]
            vertex = named[match[1]]
            if around == [[vertex.value], [vertex.gradient]]:
                numbers += 1
            else:  # it runs through, to an arrow
                assert re.fullmatch(r" *\w+ →[─┼]+→ \w+", row) or "╰" in row or "╯" in row
    assert numbers >= 15


@settings(max_examples=often(30, 60))
@given(programs(), st.integers(20, 160))
def test_what_fits_fits(program, width):
    whole = Program(program.text())
    names = [name for name, value in whole.inputs.items() if value is None]
    try:
        subject = diagram(traced(whole, dict.fromkeys(names, 0.5)))
    except BackpropError:
        return
    found = plain(lines(subject, width))
    longest = max(len(word) for line in found for word in [*line.split(), ""])
    if found and not is_tree(found):
        assert max(map(len, found)) <= width
        check(subject, found)
    else:
        assert "".join(found).count(",") or longest
        assert max(len(line) for line in found) <= max(width, longest + width // 2 + 3)


def test_a_frame_goes_around_its_members_and_nothing_else():
    members = ("n5", "n6", "n7", "n8")
    rows = plain(picture(block(drawn(*NEURON), "sigmoid(n4)", members)))
    (top,) = [r for r, row in enumerate(rows) if "┌┄ sigmoid(n4) ┄" in row]
    bottom = next(r for r, row in enumerate(rows) if "└┄" in row)
    left, right = rows[top].index("┌┄"), rows[top].index("┄┐") + 1
    symbols = [s for r in rows[top:bottom] for s in re.findall(r"[│┤] (\S+) [├]", r[left:right])]
    assert symbols == ["*-1", "exp", "+1", "1/x"]
    # w stands between the members, so that there is no frame without it
    split = block(drawn("f = u*v; g = f + w; g*u", {"u": 2, "v": 1, "w": 3}), "mac", ("f", "g"))
    assert "mac" not in "".join(plain(picture(split)))


nets = st.lists(
    st.tuples(st.integers(0, 12), st.lists(st.integers(0, 12), min_size=1, max_size=3, unique=True)),
    max_size=8, unique_by=lambda net: net[0],
)  # fmt: skip


@given(nets)
def test_tracks_never_lie_on_each_other(drawn_nets):
    ends: set[int] = set()
    given_nets = []
    for trunk, (start, wanted) in enumerate(drawn_nets):
        own = tuple(sorted(set(wanted) - ends))
        ends |= set(own)
        if own:
            given_nets.append(Net(trunk, start, own))
    order = arranged(given_nets)
    for i, left in enumerate(order):
        for right in order[i + 1 :]:
            assert left.trunk == right.trunk or right.start not in left.ends
    for net in given_nets:
        parts = [part for part in order if part.trunk == net.trunk]
        if net.ends != (net.start,):
            assert parts[0].start == net.start
            assert parts[-1].ends == net.ends
            assert len(parts) == 1 or parts[0].ends == (parts[1].start,)


# Limits


def test_a_picture_that_is_too_wide_says_so():
    found = plain(lines(drawn(*NEURON), 20))
    found[:4] = [" ".join(" ".join(found[:4]).split())]
    assert found[0] == "the picture needs more than 113 columns; this terminal has 20"
    assert next(line for line in found if line.startswith("n8 = "))
    found = plain(lines(drawn("sin(" * 140 + "x" + ")" * 140, {"x": 1}), 80))
    assert re.match(r"the picture needs more than \d{4} columns; this terminal has 80", found[0])


def test_digits_are_dropped_before_a_picture_is_folded():
    trace = traced(*NEURON)
    fewer = {n: diagram(trace, n) for n in (5, 4, 3)}
    for width, digits in (
        (127, 6),
        (119, 6),
        (118, 5),
        (111, 5),
        (110, 4),
        (100, 3),
        (95, 3),
        (94, 6),
        (80, 6),
    ):
        rows = plain(lines(diagram(trace), width, fewer=fewer.items()))
        check(fewer.get(digits, diagram(trace)), [row for row in rows if "digits" not in row])
        says = f"{digits} digits, to fit {width} columns; --digits shows more"
        assert (rows[-1] == says) == (digits < 6)
        assert max(map(len, rows)) <= width
        assert any("→" in row for row in rows) == (width < 95)


def test_a_large_graph_is_a_tree():
    subject = drawn("+".join(["x"] * 400), {"x": 1})
    found = plain(lines(subject, 80))
    assert found[0] == "400 nodes are too many for a picture; --format dot draws them"
    assert all(len(line) <= 80 for line in found)


def test_the_tree_stops_unless_all_is_asked_for():
    subject = drawn("+".join(["sin(x)"] * 500), {"x": 1})
    assert plain(lines(subject, 80))[-1] == "400 more nodes; --all shows them all"
    every = plain(lines(subject, 80, most=10**9))
    shown = [line for line in every if ", gradient" in line]
    assert len(shown) == len(subject.vertices)


@pytest.mark.parametrize("text", ["+".join(["x"] * 1_000), "-" * 1_000 + "x"])
@pytest.mark.parametrize("width", [80, 20])
def test_a_deep_tree_stays_near_the_margin(text, width):
    found = list(tree.lines(drawn(text, {"x": 1}), width, most=10**9))
    assert max(len(line.plain) for line in found) <= width


@pytest.mark.parametrize("slots", [1, 2])
def test_a_tree_does_not_recurse(slots):
    count = 30_000
    gates = tuple(Vertex(f"n{i}", "+", "", "1", "1", "", "") for i in range(count))
    wires = tuple(Wire(max(i - k - 1, 0), i, k) for i in range(1, count) for k in range(slots))
    subject = Diagram("", "", gates, wires, ())
    assert plain(lines(subject, 80))[-1] == "29,400 more nodes; --all shows them all"


@pytest.mark.parametrize(
    "text",
    [
        "+".join(f"x{i}*w{i}" for i in range(75)),
        "; ".join(["a0 = x*y", *(f"a{i} = a{i - 1}*x + y" for i in range(1, 145))]),
        "; ".join(["a0 = x*y; a1 = x + y",
                   *(f"a{i} = a{i - 1}*x + a{i // 2}" for i in range(2, 148))]),
        "; ".join([f"b{i} = x{i % 17}*y{i % 13}" for i in range(130)]
                  + ["+".join(f"b{i}" for i in range(130))]),
    ],
)  # fmt: skip
def test_three_hundred_nodes_take_less_than_a_second(text):
    whole = Program(text)
    subject = diagram(traced(whole, dict.fromkeys(whole.inputs, 0.5)))
    assert 280 <= len(subject.vertices) <= LARGEST
    started = time.process_time()
    list(lines(subject, 120))
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "text",
    [
        "; ".join(["a0 = x*y", *(f"a{i} = a{i - 1}*x + y" for i in range(1, 20))]),
        "; ".join(["a0 = x*y; a1 = x + y",
                   *(f"a{i} = a{i - 1}*x + a{i // 2}" for i in range(2, 30))]),
        "; ".join([f"b{i} = max(x{i % 7}, y{i % 5}, z)" for i in range(30)]
                  + ["+".join(f"b{i}" for i in range(30))]),
    ],
)  # fmt: skip
def test_tangles_read_back(text):
    whole = Program(text)
    subject = diagram(traced(whole, {name: len(name) - 0.5 for name in whole.inputs}))
    check(subject, plain(picture(subject)))
    check(structure(text), plain(picture(structure(text))))


@pytest.mark.parametrize("text", ["2 + 3", "x", "7", "pi", "q = 2; q"])
def test_small_graphs(text):
    subject = diagram(traced(text, {"x": 1} if "x" in text else {}))
    rows = plain(picture(subject))
    assert rows
    assert texts(subject) <= words(rows)
