"""Errors as data and as text; the words of the command line stay out of the grammar."""

import ast
import copy
import re

import pytest
import typer.main

from backprop_cli.app import app
from backprop_cli.commands import COMMANDS
from backprop_cli.screens.diagnostics import WAYS_OUT, as_text
from backprop_grammar.blocks.names import Names
from backprop_grammar.checks.equivalence import agree
from backprop_grammar.descent.descend import descend, plan
from backprop_grammar.errors import BackpropError, Source
from backprop_grammar.language.parser import parse
from backprop_grammar.trace.evaluate import evaluate
from tests.screens import ROOT

TREES = {
    path: ast.parse(path.read_text(encoding="utf-8"))
    for path in (ROOT / "grammar/backprop_grammar").rglob("*.py")
}


def refused(program: str, **at: float) -> BackpropError:
    with pytest.raises(BackpropError) as caught:
        evaluate(parse(program), at)
    return caught.value


def test_an_error_as_text_draws_the_caret():
    assert str(refused("u = x - y; x*y + log(u)", x=1, y=2)).splitlines() == [
        "log of a negative number",
        "  | u = x - y; x*y + log(u)",
        "  |                  ^^^^^^  u = x - y = -1",
        "  = log needs a positive operand",
    ]


def test_an_error_without_a_place_as_text():
    assert str(BackpropError("usage", "this\x1b is wrong")) == "this\\x1b is wrong"
    assert str(BackpropError("usage", "wrong", label="l", hint="h")) == "wrong\n  | l\n  = h"


def test_only_a_text_that_is_not_before_the_eyes_is_named():
    for source, named in ((Source("x"), 0), (Source("x", "a.bp"), 1), (Source("x", "at", True), 0)):
        error = BackpropError("name", "m", (0, 1), source=source)
        assert str(error).count("-->") == named


def test_all_missing_variables_are_told_at_once():
    error = refused("a*b + c", b=1)
    assert error.missing == ("a", "c") and error.reason == "unbound"
    assert error.hint == "give each of them a value"
    assert as_text(error).endswith("= give them with --at a=...,c=...")
    assert refused("2*a").hint == "give a a value"
    typo = refused("width = 2; widht*2")
    assert typo.meant == "width" and typo.missing == ("widht",)
    assert typo.hint == "give widht a value (or did you mean width?)"
    assert as_text(typo).endswith("= give it with --at widht=... (or did you mean width?)")


@pytest.mark.parametrize(
    ("program", "at", "name"),
    [
        ("q = x - 1; f = log(q)*2", {"x": 0}, "n1"),
        ("q = x*2; f = exp(q); f + 1", {"x": 1000}, "f"),
        ("x + y", {"x": 1}, "y"),
        ("f(u) = log(u)*2; y = f(x); z = y + f(x - 2)", {"x": 1}, "n2"),
    ],
)
def test_an_error_knows_its_node(program, at, name):
    error = refused(program, **at)
    assert Names(parse(program)).near(error.node) == name


def test_a_run_ends_at_the_node_that_refused():
    steps = descend(plan(parse("q = log(x); q + 3*x"), {"x": 0.1}, rate=1, steps=5))
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            assert [flag.node for flag in stop.value.flags] == ["q"]
            return


def test_a_variable_without_a_range():
    with pytest.raises(BackpropError) as caught:
        agree(parse("x*y"), parse("y*x"), {"x": (0.0, 1.0)})
    assert caught.value.missing == ("y",)
    assert as_text(caught.value).endswith("= give it with --over y=-2:2")


def test_a_copy_of_an_error_has_all_its_fields():
    error = BackpropError(
        "binding", "m", (1, 2), label="l", hint="h", source=Source("t", "n", True), node=3,
        missing=("x", "y"), meant="z", reason="unbound",
    )  # fmt: skip
    again = copy.copy(error)  # as another process makes it
    assert again is not error and again.fields() == error.fields()
    assert str(again) == str(error)
    assert error.replace(message="other").fields() == error.fields() | {"message": "other"}


def test_every_reason_has_a_way_out_and_every_way_out_a_reason():
    reasons = {
        text.value
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "reason"
        for text in ast.walk(keyword.value)
        if isinstance(text, ast.Constant) and isinstance(text.value, str)
    }
    assert reasons - {""} == set(WAYS_OUT)


def test_no_text_of_the_grammar_names_an_option_or_a_command():
    group = typer.main.get_command(app)
    parts = [group, *(command.built() for command in group.commands.values())]
    options = {name for part in parts for param in part.params for name in param.opts}
    long = "|".join(sorted(name for name in options if name.startswith("--")))
    words = re.compile(rf"(?<![\w-])(?:{long}|-o)(?![\w-])|\bbackprop (?:{'|'.join(COMMANDS)})\b")
    assert words.search("give it with --at x=1") and words.search("`backprop functions`")
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not words.search(node.value), f"{path.name}:{node.lineno} {node.value}"
    for path in (ROOT / "grammar/backprop_grammar").rglob("*.json"):
        found = words.search(path.read_text(encoding="utf-8"))
        assert not found, f"{path.name}: {found}"
