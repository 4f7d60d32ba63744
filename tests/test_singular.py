"""At singular points the function decides: series beside quotients, and what is printed of them."""

import pytest

from tests.singular import compositions, count_mixed, count_sides, joins
from tests.support import often

MANY = list(compositions())
MIXED = list(joins())


@pytest.mark.parametrize("start", range(4))
def test_one_sided_slopes_are_what_quotients_say(start):
    step = often(331, 29)
    counts, wrong = count_sides(MANY[start * 97 :: step * 4])
    assert not wrong, wrong[0]
    assert counts["undecided"] <= 0.05 * counts.total()


def test_mixed_second_derivatives_are_what_quotients_say():
    counts, wrong = count_mixed(MIXED[:: often(37, 5)])
    assert not wrong, wrong[0]
    assert counts["undecided"] <= 0.02 * counts.total()
    assert counts["right: exists"] and counts["right: none"]
