"""The page of a program over arrays: its numbers are eval's, at its point and at others."""

import json
import re
import shlex

import pytest

import backprop_grammar as bp
from tests.screens import ROOT
from tests.support import BackpropError, as_float, call, often
from tests.test_page import browser, desktop, opened, state, walk  # noqa: F401

RELATIVE = 1e-12


def matrix(rows, columns, start=1):
    """Numbers of both signs, all of them different."""
    return [
        [round(((7 * (i * columns + j) + start) % 23 - 11) / 8, 3) for j in range(columns)]
        for i in range(rows)
    ]


PROGRAMS = {
    "product": ("q = W @ x; f = sum(q^2)", {"W": [[0.1, 0.5], [-0.3, 0.8]], "x": [0.2, 0.4]}, {"W[1,0]": 0.7, "x[1]": -1.5}),
    "softmax": ("p = softmax(X @ W + b); cross_entropy(X @ W + b, y) + sum(p^2)", {"X": matrix(3, 2), "W": matrix(2, 4, 5), "b": [0.1, -0.2, 0.3, 0], "y": [0, 3, 1]}, {"X[2,1]": 0.5, "b[3]": 2.25}),
    "attention": ("S = Q @ K.T/sqrt(2); A = softmax(S); sum((A @ V)^2)", {"Q": matrix(3, 2), "K": matrix(3, 2, 4), "V": matrix(3, 2, 9)}, {"Q[0,0]": 0.3, "V[2,1]": -4}),
    "batchnorm": ("sum(batchnorm(X, g, b)^2*X)", {"X": matrix(4, 2), "g": [1.5, -0.5], "b": [0.1, 0.2]}, {"X[3,0]": 0.9, "g[1]": 2}),
    "parts": ("m = mean(X, axis=0); s = sqrt(mean((X - m)^2, axis=0)); h = (X - m)/s; sum(h*g + b*h^2)", {"X": matrix(3, 2), "g": [1.5, -0.5], "b": 0.25}, {"X[1,1]": 0.7, "b": -1}),
    "index": ("E = C[ix]; h = tanh(E @ W); sum(h) + C[0,1]*W[:,1][0]", {"C": matrix(3, 2), "ix": [0, 2, 0], "W": matrix(2, 2, 3)}, {"C[0,1]": 0.9, "W[0,1]": 2}),
    "if": ("y = if(x > c, x^2, exp(x)*3); dot(y, y)", {"x": [1.5, -0.5, 0.25], "c": 0.5}, {"x[0]": -1, "x[1]": 3}),
    "branch": ("y = if(c > 0, sin(x), x*2); sum(y*x)", {"x": [1.5, -0.5], "c": 1}, {"c": -1, "x[1]": 3}),
    "conv": ("maxpool(relu(conv(x, k)), 2) @ w", {"x": [1, 2, -1, 3, 0.5, -2], "k": [0.5, -1, 0.25], "w": [2, 3, -1]}, {"k[0]": 2, "x[3]": -1}),
    "two layers": ("h = max(0, W1 @ x + b1); z = W2 @ h + b2; logsumexp(z) - z[1]", {"W1": matrix(3, 2), "x": [0.5, -1], "b1": [0.1, 0.2, -3], "W2": matrix(2, 3, 8), "b2": [0, 0.5]}, {"b1[2]": 4, "x[0]": 1.25}),
    "dead": ("h = relu(W @ x); sum(h^2*x)", {"W": [[-1, -2], [-3, -1]], "x": [1, 2]}, {"W[0,1]": 3}),
    "zeros": ("sum((W @ relu(x))^2)", {"W": [[0.3, 0.7], [0.1, 0.9]], "x": [0.5, 1]}, {"x[0]": -0.1}),
    "calls": ("s(u, v) = 1/(1 + exp(-u*v)); y = s(x, w)*s(w, x + 1); norm(y)", {"x": [1, -0.5], "w": 0.5}, {"w": 1.5, "x[0]": 2}),
    "large": ("Y = tanh(X @ W); mean(Y^2) + max(Y)", {"X": matrix(8, 3), "W": matrix(3, 7, 2)}, {"X[7,2]": 0.1, "W[1,6]": 3}),
    "outer": ("sum((u @ v.T)*A) + trace(A) + norm(u)", {"u": [1, 2], "v": [3, 4], "A": [[1, 2], [0.5, -1]]}, {"u[0]": 3, "A[1,1]": 2}),
}  # fmt: skip


TIED = {"conv"}
DOUBTFUL = {"softmax", "batchnorm", "parts", *TIED}
"""Programs in which gradients cancel at the other point, or operands of a maximum tie."""


def at(name):
    program, point, _ = PROGRAMS[name]
    return bp.Program(program).at(point)


def changed(name):
    """The trace where some elements are changed."""
    program, point, changes = PROGRAMS[name]
    point = json.loads(json.dumps(point))
    for element, x in changes.items():
        array, *place = re.findall(r"[^\[\],]+", element)
        inner = point if not place else point[array]
        for k in place[:-1]:
            inner = inner[int(k)]
        inner[int(place[-1]) if place else array] = x
    return bp.Program(program).at(point)


def fill(tab, changes):
    for element, x in changes.items():
        box = tab.get_by_label(f"Value of {element}", exact=True)
        if not box.count():  # one element of a large array is chosen first
            array, place = re.fullmatch(r"(\w+)\[(.*)\]", element).groups()
            tab.get_by_label(f"Place in {array}", exact=True).fill(place)
        box.fill(str(x))


def numbers_of(record) -> dict[str, float]:
    """Every number of a trace by the reference that the page has for it."""
    found = {}

    def add(reference, tensor):
        for k, x in enumerate(tensor.numbers):
            if x is not None:
                found[f"{reference}@{k}"] = as_float(x)

    for node in record.nodes:
        index = f"a{node.index}"
        add(f"v{index}", node.value)
        if node.gradient is not None:
            add(f"g{index}", node.gradient)
        for edge in node.edges:
            add(f"c{index}.{edge.place}", edge.contribution)
            if edge.unsummed is not None:
                add(f"c{index}.{edge.place}u", edge.unsummed)
                add(f"g{index}.{edge.place}", edge.unsummed)
    return found


SEEN = """(where) => [...document.querySelectorAll(where + " [data-number]")].flatMap((one) => {
  const name = one.dataset.number, size = data.arrays[name.split("@")[0]].refs.length;
  if (one.dataset.value === undefined || one.dataset.value === "" || one.dataset.value === "null") return [];
  return [[size === 1 ? `${name}@0` : name, Number(one.dataset.value), one.textContent, !one.classList.contains("unsure")]];
})"""
EVERY = """() => Object.entries(data.arrays).flatMap(([name, { refs }]) => refs.flatMap((_, k) => {
  const { value, text, sure, missing } = number(`${name}@${k}`);
  return missing ? [] : [[`${name}@${k}`, value, text, sure]];
}))"""


def compare(found, expected, digits=6) -> set[str]:
    """Checks numbers of a page, each with its text and whether the page vouches for it; which they
    were. Of others all digits may be lost, but no more.
    """
    size = max(map(abs, expected.values()))
    for reference, x, text, sure in found:
        if (
            reference not in expected
        ):  # what is not evaluated there sends nothing, and copies are copies
            assert x == 0 or re.match(r"va\d+\.", reference), reference
            continue
        y = expected[reference]
        if sure:
            assert x == pytest.approx(y, rel=RELATIVE, abs=0), (reference, text)
        else:
            assert abs(x - y) <= 1e-12 * size, (reference, text)
        texts = {f"{z + 0.0:.{digits}g}" for z in ((x, y) if sure else (x,))}
        assert text.replace("\u2212", "-") in texts, reference
    return {reference for reference, *_ in found}


def everywhere(tab) -> list:
    """The numbers of the picture, of the table, and of every step."""
    found = tab.evaluate(SEEN, "#picture") + tab.evaluate(SEEN, "#nodes")
    last = tab.evaluate("order.length")
    for k in range(last):
        tab.evaluate("(k) => go(k)", k)
        found += tab.evaluate(SEEN, "#telling")
    return found


@pytest.mark.parametrize("name", list(PROGRAMS)[:: often(2, 1)])
def test_every_number_is_that_of_eval(opened, name):  # noqa: F811
    changes = PROGRAMS[name][2]
    here, there = at(name), changed(name)
    tab = opened("", page=here.html())
    for trace in (here, there):
        expected = numbers_of(trace.record)
        hidden = {f"va{node.index}@0" for node in trace.record.nodes if node.kind == "constant"}
        seen = compare(everywhere(tab), expected)
        every = compare(tab.evaluate(EVERY), expected)
        assert expected.keys() - hidden <= every
        large = tab.evaluate("[...arrays].flatMap(([name, { parts }]) => (parts ? [name] : []))")
        small = {x for x in expected if x.split("@")[0] not in large and "u" not in x}
        assert small - hidden <= seen
        if trace is here:
            assert "certified" in tab.locator("#status").inner_text()
            fill(tab, changes)
        else:
            doubtful = not all(sure for *_, sure in tab.evaluate(EVERY)) or name in TIED
            said = tab.locator("#status").inner_text()
            assert ("cannot vouch" in said) == doubtful, said
            assert doubtful == (name in DOUBTFUL), said


MARKED = """() => [...document.querySelectorAll(".of:not(.mark), .at:not(.mark)")]
  .filter((one) => one.closest("#nodes"))
  .map((one) => (one.classList.contains("at") ? "!" : "") + called(one.dataset.number)).sort()"""
CALLED = """() => {
  const names = new Map(data.nodes.map(({ index, name }) => [index, name]));
  window.called = (reference) => {
    const [, kind, index, k] = /^(.)([^@]*)@?(.*)$/.exec(reference);
    const place = arrays.get(kind + index).shape.length > 1 ? [Math.floor(k / arrays.get(kind + index).shape[1]), k % arrays.get(kind + index).shape[1]] : [k];
    return `${kind} ${names.get(index) ?? index}[${place}]`;
  };
}"""


def marks(tab, kind, name, k) -> list[str]:
    """What is marked in the table under a pointer over an element of the picture."""
    tab.evaluate(CALLED)
    tab.keyboard.press("End")
    index = tab.evaluate("(name) => data.nodes.find((node) => node.name === name).index", name)
    tab.locator(f'#picture [data-number="{kind}{index}@{k}"]').first.hover()
    assert tab.locator("#picture .mark").count() >= len(tab.evaluate(MARKED))
    return tab.evaluate(MARKED)


HIGHLIGHTS = [
    ("Y = A @ B; sum(Y)", {"A": matrix(2, 3), "B": matrix(3, 2, 4)}, ("v", "Y", 3),
     ["!v Y[1,1]", "v A[1,0]", "v A[1,1]", "v A[1,2]", "v B[0,1]", "v B[1,1]", "v B[2,1]"]),
    ("y = W @ x; sum(y)", {"W": matrix(2, 2), "x": [1, 2]}, ("v", "y", 1),
     ["!v y[1]", "v W[1,0]", "v W[1,1]", "v x[0]", "v x[1]"]),
    ("y = x*2; sum(y)", {"x": [1, 2, 3]}, ("v", "y", 1), ["!v y[1]", "v x[1]"]),
    ("Y = X + b; sum(Y^2)", {"X": matrix(2, 3), "b": [1, 2, 3]}, ("v", "Y", 4),
     ["!v Y[1,1]", "v X[1,1]", "v b[1]"]),
    ("r = sum(X, axis=1); norm(r)", {"X": matrix(2, 3)}, ("v", "r", 1),
     ["!v r[1,0]", "v X[1,0]", "v X[1,1]", "v X[1,2]"]),
    ("t = X.T; sum(t^2)", {"X": matrix(2, 3)}, ("v", "t", 1), ["!v t[0,1]", "v X[1,0]"]),
    ("r = C[ix]; sum(r^2)", {"C": matrix(3, 2), "ix": [2, 0]}, ("v", "r", 1), ["!v r[0,1]", "v C[2,1]"]),
    ("p = softmax(z); norm(p)", {"z": [1, 2, 3]}, ("v", "p", 0), ["!v p[0]", "v z[0]", "v z[1]", "v z[2]"]),
    ("y = conv(x, k); sum(y^2)", {"x": [1, 2, 3, 4], "k": [1, -1]}, ("v", "y", 2),
     ["!v y[2]", "v k[0]", "v k[1]", "v x[2]", "v x[3]"]),
    ("Y = A @ B; sum(Y)", {"A": matrix(2, 3), "B": matrix(3, 2, 4)}, ("g", "A", 3),
     ["!g A[1,0]", "g Y[1,0]", "g Y[1,1]"]),
    ("Y = X + b; sum(Y^2)", {"X": matrix(3, 2), "b": [1, 2]}, ("g", "b", 1),
     ["!g b[1]", "g Y[0,1]", "g Y[1,1]", "g Y[2,1]"]),
]  # fmt: skip


@pytest.mark.parametrize(("program", "point", "where", "expected"), HIGHLIGHTS)
def test_an_element_shows_what_it_was_computed_from(opened, program, point, where, expected):  # noqa: F811
    tab = opened("", page=bp.Program(program).at(point).html())
    assert marks(tab, *where) == expected
    tab.mouse.move(5, 5)
    assert tab.evaluate(MARKED) == []
    assert tab.locator("#picture .mark").count() == 0


def test_of_a_copied_array_one_copy_is_marked(opened):  # noqa: F811
    trace = bp.Program("Y = X + b; sum(Y^2)").at(X=[[1, 2], [3, 4], [5, 6]], b=[7, 8])
    tab = opened("", page=trace.html())
    marks(tab, "v", "Y", 3)
    texts = "[...marks.children].map((mark) => mark.getAttribute('class'))"
    assert sorted(tab.evaluate(texts)) == ["mark at", *["mark of"] * 3]  # X[1,1], b[1] and its copy
    assert marks(tab, "v", "b copied for Y", 5) == ["v b[1]"]
    card = tab.locator("#card")
    assert card.inner_text().split() == ["b", "copied", "for", "Y[2,1]", "value", "8", "gradient", "28"]  # fmt: skip


def test_nothing_is_marked_that_is_not_yet_computed(opened):  # noqa: F811
    tab = opened("", page=at("product").html())
    tab.evaluate(CALLED)
    tab.evaluate("markAt('ga2@0')")
    assert tab.evaluate(MARKED) == []
    assert tab.locator("#picture .mark").count() == 0


def test_keys_walk_from_element_to_element(opened):  # noqa: F811
    tab = opened("", "#step=8", page=bp.Program("Y = A @ B; sum(Y)").at(A=matrix(2, 3), B=matrix(3, 2, 4)).html())  # fmt: skip
    tab.evaluate(CALLED)
    tab.locator('#picture [data-number="va2@0"]').first.focus()
    counter = state(tab)["counter"]
    for key, expected in (("ArrowRight", "0,1"), ("ArrowRight", "0,1"), ("ArrowDown", "1,1"), ("ArrowDown", "1,1"), ("ArrowLeft", "1,0")):  # fmt: skip
        tab.keyboard.press(key)
        assert f"!v Y[{expected}]" in tab.evaluate(MARKED)
    assert state(tab)["counter"] == counter
    assert "Y[1,0]" in tab.locator("#card").inner_text()
    tab.keyboard.press("Home")
    assert state(tab)["counter"].startswith("0 /")


def test_the_product_step_by_step(opened):  # noqa: F811
    steps = walk(opened("", page=at("product").html()))
    said = [[re.sub(r"\s+", " ", line) for line in step["lines"]] for step in steps]
    assert [step["title"] for step in steps][1:3] == [
        "Forward pass: q is computed, 2 from 2x2 and 2.", "Forward pass: n1 is computed, 2 from 2.",
    ]  # fmt: skip
    assert said[1] == ["q = W @ x = 0.220.26"]
    assert said[-2] == ["W gets up @ x.T = 0.0880.1760.1040.208", "x gets W.T @ up = -0.1120.636"]
    assert [step["vertex"] for step in steps] == ["", "q", "n1", "f", "f", "f", "n1", "q", ""]
    assert steps[-2]["sent"] == ["W", "x"]
    assert steps[1]["lit"] == ["W", "x"]
    assert set(steps[0]["values"]) == {"W", "x"}
    assert steps[-3]["gradients"].count("W") == 0
    assert steps[-2]["gradients"].count("W") == 4


def test_what_is_copied_is_lit_with_what_it_is_copied_for(opened):  # noqa: F811
    steps = walk(opened("", page=bp.Program("Y = X + b; sum(Y^2)").at(X=matrix(2, 3), b=[1, 2, 3]).html()))  # fmt: skip
    assert steps[1]["lit"] == ["X", "b", "b copied for Y"]
    assert steps[-2]["sent"] == ["X", "b", "b copied for Y"]
    assert steps[-2]["lines"][1].startswith("b gets sum(up, axis=0)")


def test_the_address_keeps_the_point_and_reset_brings_the_file_back(opened):  # noqa: F811
    page = at("two layers").html()
    tab = opened("", "#step=3", page=page)
    before = tab.evaluate(EVERY)
    fill(tab, PROGRAMS["two layers"][2])
    after = tab.evaluate(EVERY)
    address = tab.evaluate("location.hash")
    again = opened("", address, page=page, size=(1300, 800))
    assert again.evaluate(EVERY) == after != before
    assert state(again)["counter"] == state(tab)["counter"]
    tab.locator("#reset").click()
    assert tab.evaluate(EVERY) == before
    assert "certified" in tab.locator("#status").inner_text()
    fill(tab, {"b1[2]": 4})
    fill(tab, {"b1[2]": -3})  # as it was
    assert "certified" in tab.locator("#status").inner_text()
    for nonsense in (
        "#at=W1=1",
        "#at=W1='[[1,2],[3'",
        "#at=x='[1e999,2]'",
        "#at=__proto__=[1]",
        "#at=%",
    ):
        tab.evaluate("hash => location.hash = hash", nonsense)
        assert tab.evaluate(EVERY) == before


def test_the_command_for_the_point_is_one(opened, tmp_path):  # noqa: F811
    file = tmp_path / "made.html"
    code, _, error = call("graph", "sum((W @ x)^2)", "--at", "W=[1,2;3,4],x=[5,6]", "-o", str(file))
    assert (code, error) == (0, "")
    tab = opened("", page=file.read_text(encoding="utf-8"))
    fill(tab, {"W[1,0]": -2.5})
    words = shlex.split(tab.locator("#status code").inner_text())
    assert words == ["backprop", "eval", "sum((W @ x)^2)", "--at", "W=[[1,2],[-2.5,4]],x=[5,6]"]
    document = json.loads(call(*words[1:], "--json")[1])
    assert f" = {document['value']:.6g}" == tab.locator("b.stage [data-from]").text_content()


def test_where_floats_cannot_vouch_the_page_says_so(opened):  # noqa: F811
    tab = opened("", page=bp.Program("y = x - c; sum(log(y))").at(x=[1, 2], c=[0.5, 0.25]).html())
    fill(tab, {"x[1]": 0.1})
    said = tab.locator("#status").inner_text()
    assert "log has no value at n1[1]: it needs x > 0" in said
    unsure = tab.evaluate(
        "[...document.querySelectorAll('#nodes .unsure')].map((one) => one.dataset.number)"
    )
    assert "va3@1" in unsure
    assert "va0@1" not in unsure


def test_what_an_element_of_a_large_array_is_can_be_chosen(opened):  # noqa: F811
    tab = opened("", page=at("large").html())
    square = tab.evaluate("""() => {
      const panel = document.querySelector('#picture .panel.value[data-name="X"]');
      const [k, { x, y, side }] = squaresOf(panel, arrays.get(panel.dataset.array))[13];
      const p = new DOMPoint(x + side / 2, y + side / 2).matrixTransform(drawing.getScreenCTM());
      return [k, p.x, p.y];
    }""")
    tab.mouse.click(*square[1:])
    assert tab.get_by_label("Place in X", exact=True).input_value() == "4,1"
    box = tab.get_by_label("Value of X[4,1]", exact=True)
    assert float(box.input_value()) == PROGRAMS["large"][1]["X"][4][1]
    assert "X[4,1]" in tab.locator("#card").inner_text()
    before = tab.locator('.panel.value[data-name="Y"] .square').evaluate_all(
        "(all) => all.map((one) => one.getAttribute('fill-opacity'))"
    )
    box.fill("5")
    after = tab.locator('.panel.value[data-name="Y"] .square').evaluate_all(
        "(all) => all.map((one) => one.getAttribute('fill-opacity'))"
    )
    assert before != after
    for nonsense in ("9,9", "1", "a", "-1,0"):
        tab.get_by_label("Place in X", exact=True).fill(nonsense)
        assert tab.get_by_label("Place in X", exact=True).get_attribute("aria-invalid") is not None


@pytest.mark.parametrize("name", ["softmax", "attention", "two layers"])
def test_a_phone_never_scrolls_sideways(opened, name):  # noqa: F811
    tab = opened("", page=at(name).html(), size=(390, 844), has_touch=True)
    for key in ("Home", "ArrowRight", "End"):
        tab.keyboard.press(key)
        assert tab.evaluate("document.documentElement.scrollWidth") == 390
    boxes = [one.bounding_box() for one in tab.locator(".input.entries").all()]
    assert all(box["x"] + box["width"] <= 390 for box in boxes)
    element = tab.locator("#picture .element.value").last
    element.scroll_into_view_if_needed()
    element.tap()
    assert tab.locator("#picture .mark.at").count() == 1
    box = tab.locator("#card").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390


@pytest.mark.parametrize("name", ["product", "attention", "large"])
def test_the_step_that_is_shown_is_printed_on_one_page(opened, name):  # noqa: F811
    tab = opened("", "#step=3", page=at(name).html(), size=(1280, 800))
    tab.emulate_media(media="print")
    assert tab.locator("#stepper .controls").is_hidden()
    assert re.findall(rb"/Count (\d+)", tab.pdf(prefer_css_page_size=True)) == [b"1"]


def test_without_javascript_all_is_shown(opened):  # noqa: F811
    tab = opened("", page=at("product").html(), java_script_enabled=False)
    assert tab.locator("#stepper").is_hidden()
    rows = [re.sub(r"\s+", " ", row.inner_text()).strip() for row in tab.locator("tbody tr").all()]
    assert rows[0].startswith("W 2x2 0.1 0.5 -0.3 0.8")
    assert "W gets up @ x.T" in rows[2]


def test_hostile_text_is_harmless(opened):  # noqa: F811
    program = "# </script><script>alert(1)</script> \u202e\nconstructor = __proto__ @ toString\nsum(constructor^2)\n"
    point = {"__proto__": [[1, 2], [3, 4]], "toString": [1, 2]}
    tab = opened("", page=bp.Program(program).at(point).html())
    fill(tab, {"__proto__[0,1]": 5, "toString[0]": -1})
    walk(tab)
    assert tab.locator("script").count() == 2
    assert (
        tab.locator("b.stage [data-from]")
        .inner_text()
        .strip()
        .endswith(f"{(-1 + 10) ** 2 + (-3 + 8) ** 2}")
    )


def test_dark_and_light(opened):  # noqa: F811
    tab = opened("", "#step=8", page=at("product").html())
    found = []
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        colour = "(s) => getComputedStyle(document.querySelector(s)).color"
        found.append([tab.evaluate(colour, "td .value"), tab.evaluate(colour, "td .gradient")])
    assert found == [
        ["rgb(26, 127, 55)", "rgb(201, 37, 45)"],
        ["rgb(74, 194, 107)", "rgb(255, 123, 114)"],
    ]


def test_a_page_that_would_compute_too_much_is_refused():
    program, point = bp.Program("sum(tanh(X @ W))"), {"X": matrix(20, 20), "W": matrix(20, 12)}
    with pytest.raises(
        BackpropError,
        match=r"mean [\d,]+ operations on numbers, more than a page computes \(5,000\)",
    ):
        program.at(point).html()
    code, out, err = call(
        "graph", "sum(tanh(X @ X))", "--at", f"X={json.dumps(matrix(20, 20))}", "--format", "html"
    )
    assert (code, out) == (1, "")
    assert "an SVG draws it" in err


@pytest.mark.parametrize("upstream", [None, [1, -2], "ones"])
def test_an_upstream_array_and_no_inputs(opened, upstream):  # noqa: F811
    if upstream is None:
        trace = bp.Program("sum([1, 2]*3)").at()
    else:
        trace = bp.Program("W @ x").at(W=[[1, 2], [3, 4]], x=[5, 6], upstream=upstream)
    tab = opened("", page=trace.html())
    compare(everywhere(tab), numbers_of(trace.record))
    if upstream == [1, -2]:
        fill(tab, {"x[1]": 2})
        other = bp.Program("W @ x").at(W=[[1, 2], [3, 4]], x=[5, 2], upstream=upstream)
        compare(everywhere(tab), numbers_of(other.record))


def test_the_scripts_of_the_page_run_no_text():
    for name, lines in (("entries.js", 60), ("arrays.js", 620)):
        script = (ROOT / f"grammar/backprop_grammar/views/pictures/{name}").read_text(
            encoding="utf-8"
        )
        assert script.count("\n") < lines, name
        assert not re.search(r"innerHTML|\beval\(|\bFunction\b|\bfetch\b|parseFloat", script)
