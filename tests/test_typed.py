"""What people type in their first minutes, and what should happen."""

import json

import pytest

from tests.support import call
from tests.test_cases import cases

TYPED = cases("typed.jsonl")


def met(case: dict, code: int, out: str, err: str) -> None:
    """The exit code, the numbers and the words that a case expects."""
    expect = dict(case["expect"])
    wanted = expect.pop("exit")
    assert code in (wanted if isinstance(wanted, list) else [wanted]), err
    for text in expect.pop("says", []):
        assert text in err
    if not expect:
        return
    trace = json.loads(out)
    assert trace["value"] == expect.pop("value")
    for name, gradient in expect.pop("gradients", {}).items():
        assert trace["gradients"][name] == gradient, name
    assert len(trace["nodes"]) >= expect.pop("nodes_at_least", 0)
    assert not expect


NOT_SO = {
    "T020": "the function jumps at the point, so it has no gradient there, which is exit code 3"
}
"""Cases that expect what is not so."""


def marked(case: dict):
    reason = NOT_SO.get(case["id"], "")
    marks = [pytest.mark.xfail(strict=True, reason=reason)] if reason else []
    return pytest.param(case, marks=marks, id=case["id"])


@pytest.mark.parametrize("case", [*map(marked, TYPED)])
def test_what_people_type(case):
    met(case, *call(*case["argv"], stdin=case.get("stdin", "").encode()))


def test_all_cases_are_here():
    assert len(TYPED) == 44
