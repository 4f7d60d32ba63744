"""A short run of the fuzzing, what it found before, and that it can find something."""

import json

import pytest

from tests import fuzzing
from tests.support import BackpropError

INPUTS, CHUNK = 2000, 250


@pytest.mark.parametrize("first", range(0, INPUTS, CHUNK))
def test_only_our_own_errors_come_out(first):
    count, findings = fuzzing.work(("suite", range(first, first + CHUNK)))
    assert not findings
    assert sum(count[way] for way in fuzzing.WAYS) == CHUNK


def test_what_broke_something_once():
    """A finding becomes a line of this file, which may be empty."""
    for line in fuzzing.FOUND.read_text("utf-8").splitlines():
        way, given = json.loads(line)
        assert fuzzing.attempt(way, given) == "", line


def test_it_sees_what_is_broken(monkeypatch):
    def unprintable():
        raise BackpropError("syntax", "a\x1bb", hint="x" * 2000)

    fuzzing.quiet(unprintable)  # made visible and cut where it is drawn
    monkeypatch.setitem(fuzzing.WAYS, "program", lambda text: {}[text])
    assert fuzzing.attempt("program", "x").startswith("KeyError")
    for broken in ("", "x" * 1501, "error: a\x1bb", "Traceback"):
        with pytest.raises(AssertionError):
            fuzzing.paragraph(broken)


def test_an_input_that_takes_too_long_is_found(monkeypatch):
    def hang(_text):
        while True:
            pass

    monkeypatch.setattr(fuzzing, "SECONDS", 1)
    monkeypatch.setitem(fuzzing.WAYS, "program", hang)
    assert fuzzing.attempt("program", "x").startswith("TooLong")
