"""The page that steps through both passes, in a real browser."""

import re
import shutil
from pathlib import Path

import pytest

from tests.screens import ROOT
from tests.support import outlined, rendered, traced

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
SWITCHES = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

LECTURE = "q = x + y; f = q*z"
NEURON = "1/(1+exp(-(w0*x0+w1*x1+w2)))"
POINTS = {
    LECTURE: {"x": -2.0, "y": 5.0, "z": -4.0},
    NEURON: {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0},
}


def page_of(program: str, upstream: float = 1.0, output: str = "", **at: float) -> str:
    trace = traced(program, at or POINTS.get(program), upstream=upstream, output=output)
    return rendered("graph", "html", trace)


@pytest.fixture(scope="module")
def browser():
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM:
        pytest.skip("there is no Chromium here")
    with driver.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield chromium
        chromium.close()


class Screen:
    """A browser's tab; what a page logs or asks of a network is its `trouble`."""

    def __init__(self, browser, **settings):
        width, height = settings.pop("size", (1280, 800))
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, reduced_motion="reduce", **settings
        )
        self.trouble: list[str] = []
        self.own = ""
        self.tab = tab = self.context.new_page()
        tab.set_default_timeout(3000)
        tab.on("console", lambda message: self.trouble.append(message.text))
        tab.on("pageerror", lambda error: self.trouble.append(str(error)))
        tab.on("dialog", lambda dialog: (self.trouble.append(dialog.message), dialog.dismiss()))
        tab.route("**/*", lambda route: stay(route, self.own, self.trouble))

    def show(self, file: Path, address: str):
        self.own = file.as_uri()
        self.tab.goto(self.own + address)
        return self.tab


@pytest.fixture(scope="module")
def desktop(browser):
    screen = Screen(browser)
    yield screen
    screen.context.close()


@pytest.fixture
def opened(browser, desktop, tmp_path):
    """Opens a program's page, in a tab of its own where that needs other settings."""
    screens = [desktop]

    def open_page(program: str, address: str = "", page: str = "", **settings):
        if settings:
            screens.append(Screen(browser, **settings))
        file = tmp_path / f"{len(list(tmp_path.iterdir()))}.html"
        file.write_text(page or page_of(program), encoding="utf-8")
        return screens[-1].show(file, address)

    open_page.trouble = desktop.trouble
    yield open_page
    for screen in screens[1:]:
        screen.context.close()
    assert [screen.trouble for screen in screens] == [[] for _ in screens]


def stay(route, own: str, trouble: list[str]) -> None:
    if route.request.url.split("#")[0] == own:
        route.continue_()
    else:
        trouble.append(f"asked for {route.request.url}")
        route.abort()


STATE = """() => {
  const name = (element) => element.dataset.name;
  const seen = (selector) => [...document.querySelectorAll(selector)]
    .filter((element) => getComputedStyle(element).visibility === "visible");
  const cells = (column) => seen(`tbody td:nth-child(${column}) .number, tbody td:nth-child(${column}) [data-from]`);
  const pairs = (column) => Object.fromEntries(
    cells(column).map((cell) => [name(cell.closest("tr")), cell.textContent]));
  return {
    lines: [...document.querySelectorAll("#telling p:not(.title)")].map((p) => p.textContent),
    title: document.querySelector("#telling .title")?.textContent ?? "",
    counter: document.querySelector("#counter").textContent,
    vertex: [...document.querySelectorAll(".vertex.current")].map(name).join(),
    row: [...document.querySelectorAll("tr.current")].map(name).join(),
    lit: [...new Set([...document.querySelectorAll(".wire.lit")].map(name))].sort(),
    sent: [...new Set([...document.querySelectorAll(".wire.sent")].map(name))].sort(),
    values: seen("#picture .value").map(name).sort(),
    gradients: seen("#picture .gradient").map(name).sort(),
    contributions: seen("#picture .contribution").map(name).sort(),
    table: pairs(3), table_gradients: pairs(4),
    answer: seen("h1 [data-from]").map((element) => element.textContent).join(),
    step: location.hash,
  };
}"""


def state(tab) -> dict:
    return tab.evaluate(STATE)


def walk(tab) -> list[dict]:
    """The state at every step, by clicks on `next`."""
    last = int(tab.locator("#slider").get_attribute("max"))
    states = [state(tab)]
    for _ in range(last):
        tab.locator("#next").click()
        states.append(state(tab))
    assert tab.locator("#next").is_disabled()
    return states


@pytest.fixture(scope="module")
def lecture(desktop, tmp_path_factory):
    file = tmp_path_factory.mktemp("lecture") / "page.html"
    file.write_text(page_of(LECTURE), encoding="utf-8")
    return walk(desktop.show(file, ""))


def test_the_lecture_step_by_step(lecture):
    assert [step["lines"] for step in lecture] == [
        ["x = -2", "y = 5", "z = -4"],
        ["q = x + y = -2 + 5 = 3"],
        ["f = q*z = 3*(-4) = -12"],
        ["df/df = 1"],
        ["df/dq += df/df * df/dq = 1 * (-4) = -4", "df/dz += df/df * df/dz = 1 * 3 = 3"],
        ["df/dx += df/dq * dq/dx = -4 * 1 = -4", "df/dy += df/dq * dq/dy = -4 * 1 = -4"],
        ["df/dx = -4", "df/dy = -4", "df/dz = 3"],
    ]
    assert [step["vertex"] for step in lecture] == ["", "q", "f", "f", "f", "q", ""]
    assert [step["row"] for step in lecture] == ["", "q", "f", "f", "f", "q", ""]
    assert [step["lit"] for step in lecture] == [[], ["x", "y"], ["q", "z"], [], [], [], []]
    assert [step["sent"] for step in lecture] == [[], [], [], [], ["q", "z"], ["x", "y"], []]
    assert [step["step"] for step in lecture] == ["", *(f"#step={i}" for i in range(1, 7))]
    assert [step["counter"] for step in lecture] == [f"{i} / 6" for i in range(7)]
    assert "mul swaps, each operand receives the upstream gradient times" in lecture[4]["title"]
    assert "add distributes" in lecture[5]["title"]


def test_what_is_not_computed_is_not_seen(lecture):
    inputs, inner, everything = ["x", "y", "z"], ["q", "x", "y", "z"], ["f", "q", "x", "y", "z"]
    assert [s["values"] for s in lecture] == [inputs, inner, *[everything] * 5]
    assert [s["gradients"] for s in lecture] == [
        [], [], [], ["f"], ["f", "q", "z"], everything, everything
    ]  # fmt: skip
    assert [sorted(s["table"]) for s in lecture] == [s["values"] for s in lecture]
    assert [sorted(s["table_gradients"]) for s in lecture] == [s["gradients"] for s in lecture]
    assert [s["answer"] for s in lecture] == ["", "", *[" = -12"] * 5]
    assert lecture[-1]["table"] == {"x": "-2", "y": "5", "z": "-4", "q": "3", "f": "-12"}
    assert lecture[-1]["table_gradients"] == {"x": "-4", "y": "-4", "z": "3", "q": "-4", "f": "1"}


def test_the_neuron_step_by_step(opened):
    steps = walk(opened(NEURON))
    texts = [step["lines"] for step in steps]
    assert texts[1:9] == [
        ["n1 = w0*x0 = 2*(-1) = -2"],
        ["n2 = w1*x1 = -3*(-2) = 6"],
        ["n3 = n1 + n2 = -2 + 6 = 4"],
        ["n4 = n3 + w2 = 4 + (-3) = 1"],
        ["n5 = -n4 = -1 = -1"],
        ["n6 = exp(n5) = exp(-1) = 0.367879"],
        ["n7 = 1 + n6 = 1 + 0.367879 = 1.36788"],
        ["n8 = 1/n7 = 1/1.36788 = 0.731059"],
    ]
    assert texts[9:14] == [
        ["dn8/dn8 = 1"],
        ["dn8/dn7 += dn8/dn8 * dn8/dn7 = 1 * (-0.534447) = -0.534447"],
        ["dn8/dn6 += dn8/dn7 * dn7/dn6 = -0.534447 * 1 = -0.534447"],
        ["dn8/dn5 += dn8/dn6 * dn6/dn5 = -0.534447 * 0.367879 = -0.196612"],
        ["dn8/dn4 += dn8/dn5 * dn5/dn4 = -0.196612 * (-1) = 0.196612"],
    ]
    assert texts[-2] == [
        "dn8/dw0 += dn8/dn1 * dn1/dw0 = 0.196612 * (-1) = -0.196612",
        "dn8/dx0 += dn8/dn1 * dn1/dx0 = 0.196612 * 2 = 0.393224",
    ]
    assert [step["vertex"] for step in steps[9:18]] == ["n8", *(f"n{i}" for i in range(8, 0, -1))]
    assert [step["row"] for step in steps] == [step["vertex"] for step in steps]
    last = steps[-1]["table_gradients"]
    assert {name: last[name] for name in POINTS[NEURON]} == {
        "w0": "-0.196612", "x0": "0.393224", "w1": "-0.393224", "x1": "-0.589836", "w2": "0.196612"
    }  # fmt: skip
    assert texts[-1] == [f"dn8/d{name} = {last[name]}" for name in POINTS[NEURON]]
    assert len(steps[-1]["gradients"]) == 13


def test_a_sum_is_told_when_it_is_whole(opened):
    tab = opened(
        "d = a*b; s = a + b; f = d*s", page=page_of("d = a*b; s = a + b; f = d*s", a=-2.0, b=3.0)
    )
    steps = walk(tab)
    assert steps[6]["lines"] == [
        "df/da += df/ds * ds/da = -6 * 1 = -6", "df/db += df/ds * ds/db = -6 * 1 = -6",
    ]  # fmt: skip
    assert steps[6]["contributions"] == ["a", "b"]
    assert "a" not in steps[6]["gradients"]
    assert steps[7]["lines"][2:] == [
        "df/da = 3 via d - 6 via s = -3", "df/db = -2 via d - 6 via s = -8",
    ]  # fmt: skip
    assert "a" in steps[7]["gradients"]


def test_what_is_not_selected_and_a_given_upstream(opened):
    steps = walk(opened("", page=page_of("m = max(x, y)", upstream=2.5, x=1.0, y=3.0)))
    assert steps[2]["lines"] == ["d/dm = 2.5  the upstream gradient that was given"]
    assert steps[3]["lines"] == ["d/dx += 0  max did not select x", "d/dy += d/dm * dm/dy = 2.5 * 1 = 2.5"]  # fmt: skip
    assert "max routes" in steps[3]["title"]


def test_keys_slider_and_address(opened):
    tab = opened(LECTURE, "#step=4")
    assert state(tab)["counter"] == "4 / 6"
    for key, counter in (
        ("ArrowLeft", 3), ("ArrowRight", 4), ("End", 6), ("ArrowRight", 6), ("Home", 0), ("ArrowLeft", 0)
    ):  # fmt: skip
        tab.keyboard.press(key)
        assert (state(tab)["counter"], state(tab)["step"]) == (f"{counter} / 6", f"#step={counter}")
    tab.locator("#slider").fill("5")
    assert state(tab)["row"] == "q"
    tab.locator("#slider").press("ArrowLeft")
    assert state(tab)["step"] == "#step=4"
    tab.evaluate("location.hash = '#step=2'")
    tab.wait_for_function("document.querySelector('#counter').textContent === '2 / 6'")
    for nonsense in ("#step=999", "#step=x", "#"):
        tab.evaluate("hash => location.hash = hash", nonsense)
    tab.wait_for_function("document.querySelector('#counter').textContent === '0 / 6'")


def test_play_and_pause(opened):
    tab = opened(LECTURE, size=(1280, 720))
    tab.clock.install()
    tab.reload()
    tab.keyboard.press(" ")
    assert state(tab)["counter"] == "1 / 6"
    assert tab.locator("#play").get_attribute("aria-label") == "Pause"
    tab.clock.run_for(2300)
    assert state(tab)["counter"] == "2 / 6"
    tab.locator("#play").click()
    tab.clock.run_for(9000)
    assert state(tab)["counter"] == "2 / 6"
    tab.locator("#play").click()
    tab.clock.run_for(30000)
    assert state(tab)["counter"] == "6 / 6"
    assert tab.locator("#play").get_attribute("aria-label") == "Play"


def test_a_card_tells_of_a_node_what_is_known(opened):
    tab = opened(LECTURE, "#step=6")
    card = tab.locator("#card")
    tab.locator("#v2").hover()
    assert card.is_visible()
    told = re.sub(r"\s+", " ", card.inner_text())
    assert told == (
        "q = x + y value 3 upstream -4 local dq/dx = 1 dq/dy = 1 distributes -4 → x -4 → y"
    )
    wires = tab.evaluate(
        "[...document.querySelectorAll('.wire.pointed')].map((w) => w.dataset.name)"
    )
    assert {"x", "y", "q"} == set(wires)
    assert tab.locator("tr.pointed").get_attribute("data-name") == "q"
    tab.mouse.move(5, 5)
    assert card.is_hidden()
    tab.keyboard.press("Tab")
    tab.locator("#v0").focus()
    assert card.locator("dd").all_inner_texts() == ["-2", "-4"]
    tab.keyboard.press("Escape")
    assert card.is_hidden()
    tab.keyboard.press("Home")
    tab.locator("#v4").focus()
    assert set(card.locator("dd").all_inner_texts()) == {"not yet"}


def test_tab_walks_the_gates_with_their_cards(opened):
    tab = opened((ROOT / "samples/network.bp").read_text(encoding="utf-8"), "#step=0")
    gate = tab.locator(".vertex").last
    gate.focus()
    tab.evaluate("() => new Promise(requestAnimationFrame)")
    card, box = tab.locator("#card").bounding_box(), gate.bounding_box()
    assert abs(card["x"] + card["width"] / 2 - box["x"] - box["width"] / 2) < 200
    assert tab.locator("#card .name").inner_text() == "E"


def test_a_row_leads_to_its_step(opened):
    tab = opened(LECTURE)
    for name, step in (("q", 5), ("f", 4), ("z", 4), ("x", 5)):
        tab.locator(f"tr[data-name={name}] .formula").click()
        assert state(tab)["step"] == f"#step={step}"
    tab.locator("tr[data-name=f] a").press("Enter")
    tab.wait_for_function("location.hash === '#step=4'")
    assert state(tab)["row"] == "f"


def test_the_current_row_and_gate_are_scrolled_into_view(opened):
    program = (ROOT / "samples/network.bp").read_text(encoding="utf-8")
    tab = opened(program, "#step=54", size=(360, 640))
    inside = """([box, inner]) => {
      const [a, b] = [box, inner].map((x) => document.querySelector(x).getBoundingClientRect());
      return b.left >= a.left && b.right <= a.right && b.top >= a.top && b.bottom <= a.bottom;
    }"""
    assert tab.evaluate(inside, ["#picture", ".vertex.current .shape"])
    tab.keyboard.press("Home")
    tab.locator("#slider").fill("26")
    assert tab.evaluate(inside, ["#picture", ".vertex.current .shape"])
    edges = "['#nodes', 'tr.current'].map((x) => document.querySelector(x).getBoundingClientRect().bottom)"
    box, row = tab.evaluate(edges)
    assert row <= box + 1
    assert tab.evaluate("scrollY") == 0


def test_a_phone_never_scrolls_sideways(opened):
    tab = opened(NEURON, size=(360, 740), has_touch=True)
    for key in ("Home", "ArrowRight", "End"):
        tab.keyboard.press(key)
        assert tab.evaluate("document.documentElement.scrollWidth") == 360
    tab.locator(".gate").first.tap()
    box = tab.locator("#card").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360


HOSTILE = (
    "# </script><script>alert(1)</script> <!-- <img src=x onerror=alert(2)> \u202e\x1b[31m ]]>\n"
    "constructor = x + y\n__proto__ = constructor*z\n"
)


def test_hostile_text_is_harmless(opened):
    page = page_of(HOSTILE, x=-2.0, y=5.0, z=-4.0)
    assert "alert" not in page  # a short program is shown without its comments
    assert not set("\u202e\x1b") & set(page)
    tab = opened(HOSTILE, page=page)
    steps = walk(tab)
    assert steps[1]["lines"] == ["constructor = x + y = -2 + 5 = 3"]
    assert steps[-1]["table_gradients"]["constructor"] == "-4"
    assert tab.locator("script").count() == 2
    # A long program is shown as it was typed, comments and all.
    typed = HOSTILE + "# " + "<b>" * 1000 + "\n"
    long = opened(typed, page=page_of(typed, x=-2.0, y=5.0, z=-4.0))
    assert "</script><script>alert(1)" in long.locator("h1").inner_text()
    assert long.locator("script").count() == 2


def test_the_policy_stops_what_is_not_the_pages_own(opened):
    foreign = (
        "<script>document.title = 'broken'</script><style>h1 { display: none }</style>"
        "<img src='x.png' onerror=\"document.title = 'broken'\"><script src='https://example.org/x.js'></script>"
    )
    tab = opened(LECTURE, page=page_of(LECTURE).replace("</header>", foreign + "</header>"))
    assert tab.title() == LECTURE
    assert tab.locator("h1").is_visible()
    assert len(opened.trouble) >= 4
    assert all("Content Security Policy" in message for message in opened.trouble)
    opened.trouble.clear()


def test_without_javascript_all_is_shown(opened):
    tab = opened(LECTURE, java_script_enabled=False)
    assert tab.locator("#stepper").is_hidden()
    assert tab.locator("#picture .gradient").count() == 5
    assert all(text.is_visible() for text in tab.locator("#picture .gradient").all())
    rows = [re.sub(r"\s+", " ", row.inner_text()).strip() for row in tab.locator("tbody tr").all()]
    assert rows[0] == "x -2 -4"
    assert rows[4] == "f q*z -12 1 df/dq = z = -4 -4 → q df/dz = q = 3 3 → z"


def test_dark_and_light(opened):
    tab = opened(LECTURE, "#step=6")

    def colours(scheme: str) -> tuple[str, ...]:
        tab.emulate_media(color_scheme=scheme)
        colour = "(s) => getComputedStyle(document.querySelector(s)).color"
        return (
            tab.evaluate("getComputedStyle(document.body).backgroundColor"),
            tab.evaluate(colour, "td .value"),
            tab.evaluate(colour, "td .gradient"),
            tab.evaluate("getComputedStyle(document.querySelector('#picture .value')).fill"),
        )

    dark, light = colours("dark"), colours("light")
    assert light == (
        "rgb(255, 255, 255)",
        "rgb(26, 127, 55)",
        "rgb(201, 37, 45)",
        "rgb(26, 127, 55)",
    )
    assert dark == (
        "rgb(13, 17, 23)",
        "rgb(74, 194, 107)",
        "rgb(255, 123, 114)",
        "rgb(74, 194, 107)",
    )


def test_without_a_point_there_is_the_structure_alone(opened):
    page = rendered("graph", "html", outlined("y = x*x + sigmoid(x)"))
    tab = opened("", page=page)
    assert tab.locator("#stepper").is_hidden()
    rows = [re.sub(r"\s+", " ", row.inner_text()).strip() for row in tab.locator("tbody tr").all()]
    assert rows[:2] == ["x", "n1 x*x dn1/dx = x dn1/dx = x"]
    assert tab.locator("thead").inner_text().split() == ["node", "operation", "local", "gradient"]
    tab.locator("#v1").focus()
    assert tab.locator("#card dd").all_inner_texts() == ["dn1/dx = x", "dn1/dx = x"]


def test_notes_and_flags_are_told():
    page = page_of("sqrt(x) + abs(x)", x=0.0)
    assert '<p class="flag"><b>flag</b> the gradient of x' in page
    assert '<p class="note"><b>note</b> ' in page


def test_the_scripts_of_the_page_run_no_text():
    folder = Path(ROOT) / "grammar/backprop_grammar/views/pictures"
    for name, lines in (
        ("page.js", 400),
        ("inputs.js", 200),
        ("numbers.js", 100),
        ("passes.js", 280),
    ):
        script = (folder / name).read_text(encoding="utf-8")
        assert script.count("\n") < lines, name
        assert not re.search(r"innerHTML|\beval\(|\bFunction\b|\bfetch\b|parseFloat", script)
