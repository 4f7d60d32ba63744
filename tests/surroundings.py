"""Hostile surroundings: signals at random moments, 200 MB of input; `python -m tests.surroundings`.

    python -m tests.surroundings --signals 1000 --seed 0

The suite runs some of it, see tests/test_surroundings.py.
"""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests import commands

BACKPROP = [sys.executable, "-m", "backprop_cli"]
PROGRAM = "q = x*y + sigmoid(x); f = q*exp(y) + max(x, y)"
POINT = "x=1.5,y=0.25"
ENDED = {
    signal.SIGINT: {0, 3, 130, -signal.SIGINT},
    signal.SIGTERM: {0, 3, 143, -signal.SIGTERM},
}
"""Exit codes of a command that a signal may have met; a negative one is the signal's own."""

END = {".png": b"IEND\xaeB`\x82", ".parquet": b"PAR1"}
"""The last bytes of a file that is whole; of a text, the end of a line."""

MEGABYTES = 200


def storm(seed: int | str, signals: int) -> Counter[int | str]:
    """Send a signal at a random moment of a random command; the exit codes, counted.

    Raises AssertionError where a traceback, a half-written file or another exit code came out.
    """
    rng = random.Random(seed)
    count: Counter[int | str] = Counter()
    for _ in range(signals):
        with tempfile.TemporaryDirectory() as folder:
            listed = [
                *commands.printing(PROGRAM, "--at", POINT),
                *commands.asking(PROGRAM, POINT, "x"),
                *commands.saving(PROGRAM, POINT, Path(folder)),
                *commands.mapping(PROGRAM, POINT, Path(folder)),
            ]
            command = rng.choice(listed)
            which = rng.choice((signal.SIGINT, signal.SIGTERM))
            run = subprocess.Popen(
                BACKPROP + command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            time.sleep(rng.uniform(0, 0.5) ** 2 * 2)
            run.send_signal(which)
            out, err = run.communicate(timeout=60)
            said = f"{command} {which!r}: exit {run.returncode}\n{err}"
            claimed = {1} if command[0] == "check" else set()
            called = "backprop_cli/__main__.py" in err and ", in main\n" in err
            broken = "Traceback" in err or "Fatal Python error: init" in err
            if broken and not called and which == signal.SIGINT:
                count["Python was starting"] += 1  # and none of our code had been called
                continue
            assert run.returncode in ENDED[which] | claimed, said
            assert "Traceback" not in err, said
            if "-o" in command:
                assert out == ""
                for path in set(Path(folder).iterdir()) - {Path(folder) / "points.csv"}:
                    assert path == Path(command[-1]), said
                    assert path.read_bytes().endswith(END.get(path.suffix, b"\n")), said
            count[run.returncode] += 1
    return count


def flood(megabytes: int, *, limit: float) -> list[str]:
    """So much input by every way in; what was said. Raises AssertionError beyond the limit."""
    said = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large"
        for text, ways in (
            ("x+", (["eval", "--file", str(path)], ["eval", "-"])),
            ('{"x": 1,', (["eval", "x", "--at", f"@{path}"], ["eval", "x", "--at", "@-"])),
        ):
            with path.open("wb") as file:
                for _ in range(megabytes):
                    file.write(text.encode() * (1_000_000 // len(text)))
            for way in ways:
                started = time.perf_counter()
                with path.open("rb") as stdin:
                    run = subprocess.run(
                        BACKPROP + way, stdin=stdin, capture_output=True, text=True, check=False,
                        timeout=limit,
                    )  # fmt: skip
                took = time.perf_counter() - started
                assert run.returncode in (1, 2), run.stderr[-500:]
                assert run.stdout == ""
                assert 0 < len(run.stderr) <= 1500
                assert "Traceback" not in run.stderr
                said.append(
                    f"{' '.join(way)}: exit {run.returncode} in {took:.1f} s: {run.stderr.splitlines()[0]}"
                )
    return said


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.surroundings")
    parser.add_argument("--signals", type=int, default=500)
    parser.add_argument("--seed", default="0")
    options = parser.parse_args()
    for line in flood(MEGABYTES, limit=60):
        print(line)
    count = storm(options.seed, options.signals)
    print(f"{options.signals:,} signals; exit codes:", dict(count.most_common()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
