"""Golden screens: what people see, byte for byte."""

import pytest

from tests.screens import ROOT, UPDATE, in_a_shell, one_call, parts, replay

SCREENS = sorted(
    [*(ROOT / "tests/screens").glob("*.screen"), *(ROOT / "samples").rglob("*.screen")]
)


@pytest.mark.parametrize("path", SCREENS, ids=[path.stem for path in SCREENS])
def test_screen(path):
    recorded = path.read_text(encoding="utf-8")
    assert parts(recorded), "a screen begins with `$ command`"
    shown = replay(recorded)
    if UPDATE:
        path.write_text(shown, encoding="utf-8")
    assert shown == recorded


@pytest.mark.parametrize("name", ["sigmoid-neuron", "json-error", "graph-neuron-60"])
def test_a_shell_shows_the_same(name):
    recorded = (ROOT / f"tests/screens/{name}.screen").read_text(encoding="utf-8")
    for command, shown in parts(recorded):
        assert one_call(command) is not None
        assert in_a_shell(command) == shown


def test_the_errors_fit_in_a_paragraph():
    errors = sorted((ROOT / "samples/errors").glob("*.screen"))
    assert len(errors) >= 20
    for path in errors:
        for _, shown in parts(path.read_text(encoding="utf-8")):
            assert "error: " in shown
            assert len(shown) <= 1_500
            assert "Traceback" not in shown
