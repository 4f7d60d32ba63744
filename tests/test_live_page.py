"""The page that computes: at another point, every number of it is the number of `eval` there."""

import json
import random
import re
import shlex
import subprocess

import pytest

from tests.codes import NODE
from tests.grown import grown
from tests.screens import ROOT
from tests.support import BackpropError, Program, as_float, call, often, traced
from tests.test_page import browser, desktop, opened, page_of, state, walk  # noqa: F401

RELATIVE = 1e-12

PROGRAMS = [
    ("q = x + y; f = q*z", {"x": -2, "y": 5, "z": -4}, {"x": 1.5, "z": 0.3}),
    ("1/(1+exp(-(w0*x0+w1*x1+w2)))", {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}, {"w0": 0.7, "x1": 1.1}),
    ("y = if(x > 0, exp(x), sin(2*x)*3); y*2", {"x": 1}, {"x": -0.7}),
    ("y = if(x > 0, exp(x), sin(2*x)*3); y*2", {"x": -1}, {"x": 0.7}),
    ("if(x < y, if(x*y > 1, log(x), x^2), sqrt(y)*x)", {"x": 1, "y": 3}, {"x": 0.25}),
    ("if(x < y, if(x*y > 1, log(x), x^2), sqrt(y)*x)", {"x": 1, "y": 3}, {"x": 5}),
    ("m = max(a, b*c); relu(m - d)", {"a": 1, "b": 2, "c": 3, "d": 2}, {"a": 9}),
    ("m = max(a, b*c); relu(m - d)", {"a": 1, "b": 2, "c": 3, "d": 2}, {"d": 9}),
    ("x*y + z + x/y", {"x": 1, "y": 2, "z": 1}, {"x": 0, "y": 0.3}),
    ("max(a, b, c, a*b) + min(a, c)*b", {"a": 1, "b": 2, "c": 3}, {"a": 2.5, "c": -1}),
    ("softplus(x)*y + softplus(-y)", {"x": 1, "y": 2}, {"x": -30, "y": 3.3}),
    ("logsumexp(x, y, z)*x", {"x": 1, "y": 2, "z": 3}, {"x": 700, "y": 699.5, "z": -3}),
    ("atan2(y, x)*hypot(x, y)", {"x": 1, "y": 2}, {"x": -1.3, "y": 0.1}),
    ("x^y + y^3 + 2^x", {"x": 1, "y": 2}, {"x": 2.3, "y": -1.7}),
    ("x^2*z", {"x": 2, "z": 1}, {"x": -3, "z": 1.7}),
    ("square(u) = u*u; loss(y, t) = square(y - t)/2; loss(w*x, target)", {"w": 0.5, "x": 3, "target": 1}, {"w": 0.3}),
    ("s(u, v) = if(u > v, sin(u)*v, u + v^2); s(a, b)*s(b, a)", {"a": 1, "b": 2}, {"a": 3.1}),
    ("d = a*b; s = a + b; f = d*s", {"a": -2, "b": 3}, {"a": 0.1, "b": 7}),
    ("x*x*x - x + x/x", {"x": 2}, {"x": -1.3}),
    ("tanh(w*x + b)*sigmoid(b)", {"w": 1, "x": 2, "b": 0.5}, {"w": 12, "b": -3.5}),
    ("erf(x)*erfc(y) + gelu(x) + normcdf(y)", {"x": 1, "y": 2}, {"x": -0.3, "y": 5.5}),
    ("silu(x) + mish(y) + elu(x*y) + selu(y)", {"x": 1, "y": 2}, {"x": -1.2, "y": 0.4}),
    ("leaky_relu(x, 0.2) + abs(x*y) + clamp(y, -1, 1)", {"x": 1, "y": 2}, {"x": -1.2, "y": 0.4}),
    ("log(x) + log2(y) + log10(x*y) + log1p(x)", {"x": 1, "y": 2}, {"x": 0.2, "y": 17}),
    ("asin(x)*acos(x) + atan(y) + tan(x)", {"x": 0.5, "y": 2}, {"x": -0.9, "y": 17}),
    ("asinh(x) + acosh(y) + atanh(x/4) + sinh(x)*cosh(y)", {"x": 0.5, "y": 2}, {"x": -0.9, "y": 1.7}),
    ("sum(x, y, z)*mean(x, y) + cbrt(z)", {"x": 1, "y": 2, "z": 3}, {"x": 0.1, "z": -8.3}),
    ("lgamma(x) + gamma(y) + digamma(x)*beta(x, y)", {"x": 3, "y": 2}, {"x": 4.5, "y": 2.2}),
    ("floor(x)*y + mod(y, x) + sign(y)*ceil(y) + round(x)", {"x": 1.5, "y": 2.2}, {"x": 2.3, "y": -7.1}),
    ("logit(x) + log1mexp(y) + xlogy(x, y) + xlog1py(y, x)", {"x": 0.5, "y": 2}, {"x": 0.9, "y": 0.3}),
    ("erfcx(x) + lognormcdf(y) + erfinv(z) + sinc(x)", {"x": 0.5, "y": 2, "z": 0.1}, {"x": 1.3, "y": -12, "z": 0.93}),
    ("softsign(x) + relu6(y) + hardtanh(x*y)", {"x": 0.5, "y": 2}, {"x": -0.3, "y": 0.7}),
    ("w = 0.5; x = 3; (w*x - 1)^2 + pi*w", {}, {"w": 0.1, "x": 0.7}),
    ("q = __proto__*hasOwnProperty; q + valueOf", {"__proto__": 1, "hasOwnProperty": 2, "valueOf": 3}, {"__proto__": 4}),
    ("q = x; r = q*q + constructor; r*toString", {"x": 1, "constructor": 2, "toString": 3}, {"x": 4, "toString": 0.1}),
]  # fmt: skip


FIND = """() => Object.fromEntries([...document.querySelectorAll("[data-number]")]
  .filter((one) => one.dataset.value !== undefined)
  .map((one) => [one.dataset.number + (one.closest("#picture") ? "p" : ""), [Number(one.dataset.value), one.textContent]]))"""


def numbers_of(trace) -> dict[str, float]:
    """Every number of a trace by the reference that the page has for it."""
    found = {}
    for node in trace.nodes:
        found[f"v{node.index}"] = as_float(node.value)
        if node.gradient is not None:
            found[f"g{node.index}"] = as_float(node.gradient)
        for edge in node.edges:
            found[f"l{node.index}.{edge.place}"] = as_float(edge.local)
            found[f"c{node.index}.{edge.place}"] = as_float(edge.contribution)
    return found


@pytest.mark.parametrize(("text", "at", "changes"), PROGRAMS[:: often(3, 1)])
def test_a_changed_input_changes_every_number(opened, text, at, changes):  # noqa: F811
    tab = opened("", page=page_of(text, **at) if at else page_of(text))
    for name, x in changes.items():
        tab.get_by_label(f"Value of {name}", exact=True).fill(str(x))
    trace = traced(text, {**at, **changes})
    places = tab.evaluate("data.program.edges")
    expected = numbers_of(trace)
    found = tab.evaluate(FIND)
    seen = set()
    for reference, (x, shown) in found.items():
        own = reference.rstrip("p")
        if own[0] in "lc":
            node, k = own[1:].split(".")
            own = f"{own[0]}{node}.{places[node][int(k)][0]}"
        if own not in expected:  # a branch that is not taken
            assert x == 0, reference
            continue
        assert x == pytest.approx(expected[own], rel=RELATIVE, abs=0), (reference, shown)
        assert shown.replace("\u2212", "-") in (f"{expected[own] + 0.0:.6g}", f"{x + 0.0:.6g}")
        seen.add(own)
    hidden = {f"v{node.index}" for node in trace.nodes if node.kind == "constant"}
    assert expected.keys() - seen <= hidden
    assert "cannot vouch" not in tab.locator("#status").inner_text()


DOUBTS = [
    ("log(x)*y", {"x": 1, "y": 2}, {"x": -1}, "log has no value at n1: it needs x > 0"),
    ("1/x", {"x": 1}, {"x": 0}, "div has no value at n1: it needs y != 0"),
    ("clamp(x, lo, hi)", {"x": 1, "lo": 0, "hi": 2}, {"lo": 3}, "it needs lo <= hi"),
    ("x^y", {"x": 1, "y": 2}, {"x": -2, "y": 0.5}, "pow has no value at n1"),
    ("log(exp(x))", {"x": 1}, {"x": 1000}, "n1 leaves the range of floats"),
    ("log(exp(x))", {"x": 1}, {"x": -1000}, "n1 leaves the range of floats"),
    ("(1 - cos(x))/x^2", {"x": 1}, {"x": 1e-6}, "Digits cancel in n2"),
    ("x + y - z", {"x": 1, "y": 1, "z": 1}, {"x": 0.1, "y": 0.2, "z": 0.3}, "Digits cancel in n2"),
    ("1 - sigmoid(x)", {"x": 1}, {"x": 40}, "Digits cancel in n2"),
    ("1/(1 + exp(-x))", {"x": 1}, {"x": -400}, "Floats lose the gradient of n3"),
    ("abs(x)*y", {"x": 1, "y": 2}, {"x": 0}, "abs has a kink at n1"),
    ("max(x, y)", {"x": 1, "y": 2}, {"x": 2}, "The operands of max tie at n1"),
    ("if(x > 1, x, x^2)", {"x": 3}, {"x": 1}, "The condition of n2 stands on its boundary"),
    ("floor(x)*x", {"x": 1.5}, {"x": 2}, "floor has a kink at n1"),
    ("sqrt(x)", {"x": 1}, {"x": 0}, "Floats lose the gradient of"),
    ("atan2(y, x)", {"x": 1, "y": 1}, {"x": 0, "y": 0}, "Floats lose the gradient of"),
    ("x^y*z", {"x": 2, "y": 2, "z": 1}, {"x": -3}, "Floats lose the gradient of y"),
    ("lgamma(x)", {"x": 3}, {"x": 1.001}, "Digits cancel in n1"),
    ("digamma(x)", {"x": 3}, {"x": -1e17}, "digamma has no value at n1"),
    ("polygamma(n, x)", {"n": 1, "x": 3}, {"n": 1e17}, "polygamma has no value at n1"),
    ("logsumexp(x, y)", {"x": 3, "y": 3}, {"x": 0, "y": 1000}, "Floats lose the gradient of x"),
    ("x*1e300", {"x": 1}, {"x": 1e-320}, "x leaves the range of floats"),
    ("if(floor(3 - x) > 2, x, 2*x)", {"x": 1}, {"x": 1e-17}, "The condition of n4 stands on its boundary"),
    ("if(round(x - y) > 2, x, 2*x)", {"x": 1, "y": 0}, {"x": 2.5, "y": 1e-20}, "stands on its boundary"),
    ("mod(x, y)*x", {"x": 1, "y": 3}, {"x": 0.3, "y": 0.1}, "Digits cancel in n1"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "at", "changes", "says"), DOUBTS)
def test_where_floats_cannot_vouch_the_page_says_so(opened, text, at, changes, says):  # noqa: F811
    tab = opened("", page=page_of(text, **at))
    for name, x in changes.items():
        tab.get_by_label(f"Value of {name}", exact=True).fill(str(x))
    said = tab.locator("#status").inner_text()
    assert said.startswith("Plain floats cannot vouch for these numbers. ")
    assert says in said


LECTURE = ("q = x + y; f = q*z", {"x": -2, "y": 5, "z": -4})
BRANCH = ("y = if(x > 0, exp(x), sin(2*x)*3); y*2", {"x": 1})


def lecture(opened, address="", **settings):  # noqa: F811
    program, at = LECTURE
    return opened("", address, page=page_of(program, **at), **settings)


def fill(tab, **values) -> None:
    for name, x in values.items():
        tab.get_by_label(f"Value of {name}", exact=True).fill(str(x))


def test_the_stepper_tells_the_new_numbers(opened):  # noqa: F811
    tab = lecture(opened, "#step=4")
    fill(tab, x=-5, z=2)
    assert state(tab)["lines"] == [
        "df/dq += df/df * df/dq = 1 * 2 = 2",
        "df/dz += df/df * df/dz = 1 * 0 = 0",
    ]
    assert state(tab)["answer"] == " = 0"
    assert state(tab)["counter"] == "4 / 6"
    tab.keyboard.press("Tab")
    fill(tab, x="-1e")  # not yet a number
    assert state(tab)["answer"] == " = 0"
    assert tab.get_by_label("Value of x", exact=True).get_attribute("aria-invalid") is not None
    tab.get_by_label("Slide y", exact=True).fill("-3")
    assert state(tab)["answer"] == " = -16"
    tab.get_by_label("Slide y", exact=True).press("ArrowRight")
    assert state(tab)["counter"] == "4 / 6"  # an arrow in a field moves the field alone


def test_the_address_keeps_the_point_and_reset_brings_the_file_back(opened):  # noqa: F811
    tab = lecture(opened)
    shown = "['#nodes', '#picture', '#telling'].map((x) => document.querySelector(x).textContent)"
    before = tab.evaluate(FIND), tab.evaluate(shown)
    fill(tab, x=-1.5, z="3e-2")
    tab.locator("h1").click()
    tab.keyboard.press("PageDown")
    tab.keyboard.press("PageDown")
    tab.keyboard.press("PageUp")
    tab.keyboard.press("PageDown")
    address = tab.evaluate("location.hash")
    assert address == "#step=2&at=x=-1.5,z=0.03"
    told = state(tab)
    other = lecture(opened, address, size=(1280, 800))
    assert state(other) == told
    assert told["answer"] == " = 0.105"
    tab.locator("#reset").click()
    tab.keyboard.press("Home")
    assert (tab.evaluate(FIND), tab.evaluate(shown)) == before
    assert "certified" in tab.locator("#status").inner_text()
    for nonsense in ("#at=x=1e999", "#at=nothing=1,x=", "#at=__proto__=1", "#step=1&at=%3Cb%3E"):
        tab.evaluate("hash => location.hash = hash", nonsense)
        assert "certified" in tab.locator("#status").inner_text()


def test_a_branch_lives_until_its_if_decides(opened):  # noqa: F811
    program, at = BRANCH
    tab = opened("", page=page_of(program, **at))
    dead = "[...document.querySelectorAll('.vertex.dead')].map((v) => v.dataset.name).join()"
    assert [step["counter"] for step in walk(tab)] == [f"{k} / 8" for k in range(9)]
    for key, expected in (("Home", ""), ("ArrowRight", ""), ("ArrowRight", "n2,n3,n4")):
        tab.keyboard.press(key)
        assert tab.evaluate(dead) == expected
    fill(tab, x=-1)
    assert state(tab)["counter"] == "0 / 12" or state(tab)["counter"].endswith("/ 12")
    tab.locator("h1").click()
    tab.keyboard.press("End")
    assert tab.evaluate(dead) == "n1"
    assert state(tab)["table"]["n3"] == "-0.909297"
    assert "n1" not in state(tab)["table"]


def test_what_max_does_not_select_is_shut_when_it_says_so(opened):  # noqa: F811
    tab = opened("", page=page_of("max(x, y)*2", x=1, y=3))
    shut = "[...new Set([...document.querySelectorAll('.wire.unrouted')].map((w) => w.dataset.name))].join()"
    found = []
    for _ in range(7):
        found.append(tab.evaluate(shut))
        tab.keyboard.press("ArrowRight")
    assert found[:5] == [""] * 5
    assert found[-1] == "x"
    fill(tab, x=4)
    assert tab.evaluate(shut) == "y"


def test_the_picture_fits_or_is_scrolled(opened):  # noqa: F811
    tab = lecture(opened, size=(1400, 900))
    assert tab.locator("main").get_attribute("class") == "narrow"
    tab.set_viewport_size({"width": 1000, "height": 900})
    tab.wait_for_function("document.querySelector('main').className === 'wide'")
    assert tab.locator("#fit").is_disabled()
    tab.keyboard.press("+")
    tab.keyboard.press("+")
    width = "document.querySelector('#picture svg').getBoundingClientRect().width"
    large = tab.evaluate(width)
    tab.locator("#fit").click()
    assert tab.evaluate(width) < large
    assert tab.evaluate("document.documentElement.scrollWidth") == 1000


@pytest.mark.parametrize("step", [3, 0, 6][: often(1, 3)])
def test_the_step_that_is_shown_is_printed_on_one_page(opened, step):  # noqa: F811
    for program, at in (LECTURE, BRANCH, (open_sample("network"), {})):
        page = page_of(program, **at) if at else page_of(program)
        tab = opened("", f"#step={step}", page=page, size=(1280, 800))
        on_screen = state(tab)
        tab.emulate_media(media="print")
        assert state(tab) == on_screen
        assert tab.locator("#stepper .controls").is_hidden()
        pages = re.findall(rb"/Count (\d+)", tab.pdf(prefer_css_page_size=True))
        assert pages == [b"1"], program


def open_sample(name: str) -> str:
    return (ROOT / f"samples/{name}.bp").read_text(encoding="utf-8")


def test_fingers_on_a_phone(opened):  # noqa: F811
    tab = lecture(opened, size=(390, 844), has_touch=True)
    tab.get_by_label("Slide x", exact=True).tap()
    assert tab.evaluate("document.documentElement.scrollWidth") == 390
    assert state(tab)["step"].startswith("#step=0&at=x=")
    tab.locator("#next").tap()
    assert state(tab)["counter"] == "1 / 6"
    boxes = [one.bounding_box() for one in tab.locator(".input input").all()]
    assert all(box["height"] >= 36 and box["x"] + box["width"] <= 390 for box in boxes)


def test_the_command_for_the_point_can_be_copied(opened, tmp_path):  # noqa: F811
    file = tmp_path / "made.html"
    program = "it = x - y; it*relu(it)"
    code, _, error = call(
        "graph", program, "--at", "x=2,y=1", "--wrt", "x", "--digits", "4", "-o", str(file)
    )
    assert (code, error) == (0, "")
    tab = opened("", page=file.read_text(encoding="utf-8"))
    made = tab.locator("footer code").inner_text()
    assert shlex.split(made)[1:] == [
        "graph", program, "--wrt", "x", "--at", "x=2,y=1", "--digits", "4", "-o", "made.html",
    ]  # fmt: skip
    tab.keyboard.press("End")
    fill(tab, x=-0.5)
    words = shlex.split(tab.locator("#status code").inner_text())
    assert words == ["backprop", "eval", program, "--wrt", "x", "--at", "x=-0.5,y=1"]
    document = json.loads(call(*words[1:], "--json")[1])
    assert state(tab)["answer"] == f" = {document['value']:.4g}"


ROUNDED = (
    0.125,
    2.5,
    -0.001,
    3.0,
    0.8539595264047474,
    1234565.0,
    -1e20,
    6.02e23,
    1.0000000000000002e-5,
)


@pytest.mark.parametrize(
    "asked", ["--decimals 0", "--decimals 2", "--digits 1", "--digits 6", "--digits 17"]
)
def test_changed_numbers_are_rounded_as_those_of_the_file(opened, tmp_path, asked):  # noqa: F811
    file = tmp_path / "made.html"
    assert call("graph", "x + y", "--at", "x=1,y=0", *asked.split(), "-o", str(file))[0] == 0
    tab = opened("", page=file.read_text(encoding="utf-8"))
    tab.keyboard.press("End")
    for x in ROUNDED:
        fill(tab, x=x)
        line = call("eval", "x + y", "--at", f"x={x!r},y=0", *asked.split())[1].splitlines()[0]
        assert state(tab)["answer"] == f" = {line.split()[-1]}"


def test_a_long_number_stays_between_its_gates(opened):  # noqa: F811
    program, at = "1/(1 + exp(-x))", {"x": 1}
    tab = opened("", page=page_of(program, **at))
    tab.keyboard.press("End")
    over = """() => [...document.querySelectorAll("#picture .value, #picture .gradient")].filter((text) => {
      const own = text.getBoundingClientRect();
      return [...document.querySelectorAll("#picture .shape")].some((gate) => {
        const other = gate.getBoundingClientRect();
        return own.left < other.right && other.left < own.right && own.top < other.bottom && other.top < own.bottom;
      });
    }).map((text) => text.textContent)"""
    sizes = "[...document.querySelectorAll('#picture .value')].map((text) => text.style.getPropertyValue('--fit'))"
    for x in ("-397", "1.23456e-111", "1"):
        fill(tab, x=x)
        assert tab.evaluate(over) == [], x
    assert set(tab.evaluate(sizes)) == {""}


def test_long_names_leave_room_for_the_numbers(opened):  # noqa: F811
    long = "a" * 60
    tab = opened("", page=page_of(f"{long} = x*y; z = {long} + 1; z*{long}", x=1, y=2))
    assert tab.locator(f'tr[data-name="{long}"] th').inner_text() == "a" * 12 + "..." + "a" * 9
    columns = tab.locator("thead th").all()
    assert columns[3].bounding_box()["x"] < 1280


def test_a_last_line_that_names_the_output_is_not_said_twice(opened):  # noqa: F811
    for program, lines in (
        ("s = x*y; s", ["s = x*y = 2"]),
        ("q = x + y; f = q*x; q", ["f = q*x", "q = x + y = 3"]),
    ):
        tab = opened("", "#step=99", page=page_of(program, x=1, y=2))
        assert [one.inner_text() for one in tab.locator("h1 .stage").all()] == lines


def test_a_library_page_names_no_command():
    page = Program("x*y").at(x=1, y=2).html()
    assert "backprop eval" not in page
    assert "Made by <b>backprop</b></footer>" in page


def test_a_page_that_cannot_compute_is_the_page_of_the_file(opened, monkeypatch):  # noqa: F811
    from backprop_grammar.views.pictures import html

    monkeypatch.setattr(html, "kernels", lambda operations: None)
    tab = lecture(opened)
    assert tab.locator("#inputs").is_hidden()
    assert len(walk(tab)) == 7


RUNNER = """
const jobs = JSON.parse(require("fs").readFileSync(process.argv[1]));
console.log(JSON.stringify(jobs.map(([script, program, at]) => {
  const run = new Function("program", "point", `${script}
    const { found, remarks } = passes(program, point);
    const numbers = [...found].map(([of, one]) => [of, String(one.number[0]), sure(one.number)]);
    return { numbers, remarks: remarks.length };`);
  return run(program, new Map(at));
})));
"""


def pages(count: int):
    """Grown programs at other points than those of their pages: script, program, point, trace."""
    rng = random.Random("pages")
    for k in range(count):
        grown_one = grown(f"pages:{k}")
        try:
            page = page_of(grown_one.text(), **grown_one.at)
        except BackpropError:
            continue
        data = json.loads(re.search(r' id="data">(.*?)</script>', page, re.DOTALL)[1])
        script = re.search(r"<script>.*?\n.*?\n(.*?)// The inputs that", page, re.DOTALL)[1]
        at = {name: round(rng.uniform(-3, 3), 2) for name in grown_one.at}
        if data["program"]:
            try:
                yield script, data["program"], at, traced(grown_one.text(), at)
            except BackpropError:
                yield script, data["program"], at, None


@pytest.mark.skipif(NODE is None, reason="there is no Node")
def test_what_a_page_vouches_for_is_right(tmp_path):
    cases = list(pages(often(60, 600)))
    jobs = [(script, program, list(at.items())) for script, program, at, _ in cases]
    (tmp_path / "jobs.json").write_text(json.dumps(jobs))
    command = [NODE, "-e", RUNNER, str(tmp_path / "jobs.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    right = 0
    for (_, program, at, trace), found in zip(cases, json.loads(done.stdout), strict=True):
        vouched = not found["remarks"] and all(sure for _, _, sure in found["numbers"])
        assert trace is not None or not vouched, at
        if trace is None or found["remarks"]:
            continue
        expected = numbers_of(trace)
        for reference, text, sure in found["numbers"]:
            own = reference
            if own[0] in "lc":
                node, k = own[1:].split(".")
                own = f"{own[0]}{node}.{program['edges'][node][int(k)][0]}"
            if own in expected and sure:
                assert float(text) == pytest.approx(expected[own], rel=RELATIVE, abs=0), own
                right += 1
    assert right > 10 * len(cases)
