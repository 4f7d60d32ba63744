"""Some thousand programs that nobody wrote; `python -m tests.differential` runs many more."""

import pytest
from mpmath import mp

from backprop_grammar.evaluate import evaluate
from backprop_grammar.parser import parse
from tests import differential, truth
from tests.grown import grown
from tests.support import often

PROGRAMS, CHUNK = 2000, 100
SEED = "suite"


@pytest.mark.parametrize("first", range(0, PROGRAMS, CHUNK))
def test_no_number_is_wrong(first):
    count, findings = differential.work((SEED, range(first, first + CHUNK), []))
    assert not findings
    numbers = sum(count[outcome] for outcome in differential.OUTCOMES)
    assert count["programs"] == CHUNK
    assert count["right"] + count["noted"] > 0.9 * numbers
    assert count["undecided"] < 0.05 * numbers


def test_the_truth_agrees_with_difference_quotients():
    """The oracle, too, is held against something: values alone, at two neighbouring points."""
    compared, programs = 0, often(60, 300)
    for number in range(programs):
        whole = grown(f"quotients:{number}")
        if any("gamma" in node[0] for body in (whole, *whole.own.values()) for node in body.nodes):
            continue  # too slow at so many bits
        try:
            exact = truth.truth(whole)
        except truth.Undecided:
            continue
        if exact.value is None or not exact.smooth:
            continue
        for name, slope in exact.slopes.items():
            quotient = None if slope is None else truth.quotient(whole, name)
            if quotient is not None:
                compared += 1
                assert abs(quotient - slope) <= mp.mpf(10) ** -15 * abs(slope) + mp.mpf(10) ** -300, (
                    whole.text(), whole.at, name,
                )  # fmt: skip
    assert compared > 2 * programs / 3


@pytest.mark.parametrize(
    ("value", "slope", "expected"),
    [(3.0, 2.0, "right"), (3.0, 2.0 + 1e-11, "WRONG"), (3.0, None, "flagged though defined")],
)
def test_a_wrong_number_is_seen(value, slope, expected):
    exact = truth.Truth(mp.mpf(3), {"x": mp.mpf(2)})
    assert differential.outcomes(exact, value, {"x": slope}, set(), "")[1] == expected


def test_a_number_where_there_is_none_is_wrong():
    assert differential.outcomes(truth.Truth(None, {}), 3.0, {}, set(), "") == ["WRONG"]
    none = truth.Truth(mp.mpf(3), {"x": None})
    assert differential.outcomes(none, 3.0, {"x": 1.0}, {"kink"}, "") == ["noted", "WRONG"]
    assert differential.outcomes(none, None, {"x": None}, set(), "domain") == [
        "refused though defined"
    ]


REDUCED = {
    "sin(cbrt(1e-300^1e-300 + x))": {"x": -1.0},
    "s = (z/z)^z; logsumexp(expm1(expm1(s))/y, expm1(s), s + z)": {"y": -1.71, "z": 1e308},
}
"""Programs that were answered wrongly once: the end of an error's reach overflows, not the number."""


@pytest.mark.parametrize("program", REDUCED)
def test_what_was_wrong_once(program):
    at = REDUCED[program]
    assert evaluate(parse(program), at).flags == ()
