"""Running the command line within a test, quickly."""

import io
import json
import os
import sys
from contextlib import contextmanager

from backprop_cli.app import run

LONG = os.environ.get("LONG") == "1"


def often(few: int, many: int) -> int:
    """How often a test looks: few times in the suite of every day, many with LONG=1."""
    return many if LONG else few


@contextmanager
def streams(stdin: bytes):
    saved = sys.stdin, sys.stdout, sys.stderr
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    sys.stdin, sys.stdout, sys.stderr = io.TextIOWrapper(io.BytesIO(stdin), "utf-8"), out, err
    try:
        yield out, err
    finally:
        sys.stdin, sys.stdout, sys.stderr = saved


def call(*args: str, stdin: bytes = b"") -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `backprop ARGS`."""
    with streams(stdin) as (out, err):
        code = run(list(args))
        out.flush()
        err.flush()
        return code, out.buffer.getvalue().decode(), err.buffer.getvalue().decode()


def trace_of(*args: str, stdin: bytes = b"") -> dict:
    """The JSON document of `backprop eval ARGS --json`."""
    code, out, err = call("eval", *args, "--json", stdin=stdin)
    assert code in (0, 3), err
    return json.loads(out, parse_constant=lambda word: 1 / 0)
