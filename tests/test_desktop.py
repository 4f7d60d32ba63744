"""`graph --open`: a file on the desktop; no test lets one really open."""

import sys
from pathlib import Path

import pytest

from backprop_cli import desktop
from tests.support import call

GIVEN = ["graph", "x*y", "--at", "x=2,y=3", "--open"]


@pytest.fixture
def opened(monkeypatch, tmp_path):
    """The files that were to be opened; there is a desktop, and a folder for temporary files."""
    files: list[Path] = []
    monkeypatch.setattr("typer.launch", lambda name: files.append(Path(name)) or 0)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("DISPLAY", ":7")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return files


@pytest.mark.parametrize(
    ("more", "suffix"),
    [([], ".svg"), (["--format", "png"], ".png"), (["--format", "pdf"], ".pdf"),
     (["--format", "html"], ".html"), (["--json"], ".json")],
)  # fmt: skip
def test_a_new_file(opened, tmp_path, more, suffix):
    code, out, err = call(*GIVEN, *more)
    (path,) = opened
    assert (code, out, err) == (0, "", f"note: the picture is {path}\n")
    assert path.parent == tmp_path
    assert path.suffix == suffix
    assert path.stat().st_size > 300


def test_the_file_that_is_written(opened, tmp_path):
    path = tmp_path / "mine.svg"
    assert call(*GIVEN, "-o", str(path)) == (0, "", "")
    assert opened == [path]
    assert "<svg" in path.read_text(encoding="utf-8")


def test_where_the_file_is_when_there_is_no_desktop(opened, monkeypatch, tmp_path):
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    code, _, err = call(*GIVEN)
    assert code == 0
    (path,) = tmp_path.glob("*.svg")
    assert err == f"note: the picture is {path}, and no desktop shows it\n"
    assert not opened


def test_where_the_file_is_when_no_program_shows_it(opened, monkeypatch, tmp_path):
    monkeypatch.setattr("typer.launch", lambda name: 1)
    path = tmp_path / "mine.svg"
    assert "no desktop shows it" in call(*GIVEN, "-o", str(path))[2]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--format", "terminal"], "--open shows a file"),
        (["--format", "gif"], "there is no format gif"),
    ],
)
def test_what_is_no_file_is_not_opened(opened, tmp_path, more, message):
    code, _, err = call(*GIVEN, *more)
    assert code == 2
    assert message in err
    assert not opened
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_these_always_have_a_desktop(opened, monkeypatch, tmp_path, platform):
    monkeypatch.delenv("DISPLAY")
    monkeypatch.setattr(sys, "platform", platform)
    assert desktop.show(tmp_path)
    assert opened == [tmp_path]
