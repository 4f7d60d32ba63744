"""Some thousand programs that nobody wrote; `python -m tests.differential` runs many more."""

import pytest
from mpmath import mp

from tests import differential, truth
from tests.grown import Grown, grown
from tests.grown_arrays import grown_arrays
from tests.support import BackpropError, as_float, often, parsed, traced

PROGRAMS, CHUNK = often(400, 2000), 100
SEED = "suite"


def untold(finding: dict) -> bool:
    """Whether a true 0 is refused because something hangs on its sign."""
    return finding["kind"] == "refused though defined" and finding["error"] == "precision"


@pytest.mark.parametrize("first", range(0, PROGRAMS, CHUNK))
def test_no_number_is_wrong(first):
    count, findings = differential.work((SEED, range(first, first + CHUNK), [], False))
    assert not [one for one in findings if not untold(one)]
    numbers = sum(count[outcome] for outcome in differential.OUTCOMES)
    assert count["programs"] == CHUNK
    assert count["right"] + count["noted"] > 0.8 * numbers
    assert count["refused though defined"] < 0.05 * numbers
    assert count["undecided"] < 0.15 * numbers


ARRAYS = often(200, 5000)


@pytest.mark.parametrize("first", range(0, ARRAYS, CHUNK))
def test_no_number_of_an_array_is_wrong(first):
    count, findings = differential.work((SEED, range(first, first + CHUNK), [], True))
    assert not [one for one in findings if not untold(one)]
    numbers = sum(count[outcome] for outcome in differential.OUTCOMES)
    assert count["programs"] == CHUNK
    assert count["right"] + count["noted"] > 0.9 * numbers
    assert count["refused though defined"] < 0.02 * numbers
    assert count["undecided"] < 0.1 * numbers


def test_arrays_mean_the_numbers_that_they_are_held_against():
    """The same programs, written out by the oracle's loops for numbers alone, are as right."""
    for number in range(often(20, 600)):
        whole = grown_arrays(f"apart:{number}")
        value, slopes, _, error = differential.ours_arrays(whole)
        text = whole.scalars()
        at = {name: x for name, x in whole.numbers.at.items() if name in parsed(text).variables}
        try:
            apart = traced(text, at, nodes=False)
        except BackpropError as refused:
            assert error == refused.kind, whole.text()
            continue
        if whole.upstream is None and not error:
            assert differential.close(value[0], mp.mpf(as_float(apart.value))), whole.text()
        for name, slope in slopes.items():
            other = as_float(apart.gradients.get(name, 0.0))
            assert error or slope == other or differential.close(slope, mp.mpf(other)), whole.text()


def test_the_truth_agrees_with_difference_quotients():
    """The oracle, too, is held against something: values alone, at two neighbouring points."""
    compared, programs = 0, often(30, 300)
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


Z = ("variable", "z")
UNTOLD = {
    "if(atanh(tanh(z)) == z, z, 2)": ([Z, ("tanh", 0), ("atanh", 1), ("number", 2.0), ("if==", 2, 0, 0, 3)], -2.0),
    "(-2)^erf(z)": ([Z, ("number", -2.0), ("erf", 0), ("pow", 1, 2)], 62.0),
    "clamp(1, z, silu(z))": ([Z, ("number", 1.0), ("silu", 0), ("clamp", 1, 0, 2)], 3133.0),
    "tan(acos(z))": ([Z, ("acos", 0), ("tan", 1)], 0.0),
}  # fmt: skip
"""Programs of which mpmath's numbers alone do not tell what they are."""


@pytest.mark.parametrize("program", UNTOLD)
def test_the_oracle_says_where_it_cannot_tell(program):
    nodes, z = UNTOLD[program]
    with pytest.raises(truth.Undecided):
        truth.truth(Grown(nodes, {"z": z}), truth.FIRST)


@pytest.mark.parametrize(("functions", "bound"), [(2, "1e-1925"), (900, "1e-480")])
def test_what_takes_too_long_is_told_with_fewer_digits(functions, bound):
    terms = " + ".join(f"exp(x/{k + 1})" for k in range(functions))
    with pytest.raises(BackpropError, match="cannot be told from 0") as refused:
        traced(f"{terms} + 1/sin(pi)", {"x": 0.3}, nodes=False)
    assert f"sin(pi) cannot be told from 0: |sin(pi)| < {bound}" == refused.value.message


def test_equal_formulas_are_equal_however_wide():
    trace = traced("s = lgamma(x); t = lgamma(x); if(s == t, s, 2)", {"x": 0.3})
    assert trace.value == 1.0957979948180756
    assert [note.kind for note in trace.notes] == ["boundary", "sides"]


@pytest.mark.parametrize("program", REDUCED)
def test_what_was_wrong_once(program):
    assert traced(program, REDUCED[program]).flags == ()
