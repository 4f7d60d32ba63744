"""Settings of the whole suite.

Files that share what is dear to make run whole, on one processor each, and first; all other tests
fill up what is left, one by one.
"""

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

settings.register_profile("suite", derandomize=True, deadline=None)
settings.load_profile("suite")

WHOLE = {
    "tests/test_packages.py",  # builds a wheel
    "tests/test_page.py",  # starts a browser
    "tests/test_readme.py",  # recording writes one file
    "tests/test_workers.py",  # maps its files once
}


class Scheduling(LoadScopeScheduling):
    """Not `--dist loadgroup`: pytest 9.2 and pytest-xdist 3.8 group nothing (pytest-xdist#1386)."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file in WHOLE else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return Scheduling(config, log)
