"""The run of `backprop step`: its progress on a terminal, its end by Ctrl-C, its output.

The insight: the steps arrive one by one, and everything that shows them looks at the same ones:
the stream prints each, the bar counts them, the trajectory keeps a few. Whatever ends them, what
was reached is there to be printed.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from backprop_grammar.errors import visible
from backprop_grammar.graph import Graph
from backprop_grammar.step import descend, plan
from backprop_grammar.trace import Note
from backprop_grammar.trajectory import Trajectory

from .formats import Options

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["run_steps"]

PATIENCE = 1.0
"""Seconds after which a run shows how far it is."""
REFRESH = 0.1
"""Seconds between two looks at the bar."""


def run_steps(
    graph: Graph,
    at: dict[str, float],
    wrt: Sequence[str] = (),
    rate: float = 0.1,
    steps: int = 1,
    up: bool = False,
    method: str = "gd",
    stream: bool = False,
    as_json: bool = False,
    digits: int = 6,
    notes: Sequence[Note] = (),
    output: str = "",
    everything: bool = False,
) -> int:
    """Take the steps and print them; the exit code.

    wrt: the inputs to step; all of them when empty. stream: one line of JSON per step, as it is
    taken, instead of a document or a table. notes: on the point, from before the run. The exit
    code is 3 where a flag says why the run ended early, 130 where Ctrl-C did.

    Raises BackpropError where the plan is wrong or the start cannot be evaluated.
    """
    run = Trajectory(plan(graph, at, wrt, rate, steps, up, method, output), tuple(notes))
    interrupted = False
    try:
        with progress(steps, stream) as advance:
            for step in run.follow(descend(run.plan)):
                if stream:
                    from .formats.steps_json import line

                    sys.stdout.write(line(run, step) + "\n")  # at once: Ctrl-C cuts no line
                    sys.stdout.flush()
                advance(step.number)
    except KeyboardInterrupt:
        if run.last is None:
            raise
        interrupted = True
    if stream:
        remark(run)
    else:
        deliver(run, as_json, Options(digits, everything))
    return 130 if interrupted else 3 if run.flags else 0


def deliver(run: Trajectory, as_json: bool, options: Options) -> None:
    """Print a run as a table or as JSON, whose module loads no terminal."""
    if as_json:
        from .formats.steps_json import render

        print(render(run, options))
    else:
        from .formats.steps import show

        show(run, options)


def remark(run: Trajectory) -> None:
    """Say on standard error what a stream has no line for."""
    for note in run.notes:
        print(f"note: {visible(note.message)}", file=sys.stderr)
    for flag in run.flags:
        print(f"flag: {visible(flag.message)}", file=sys.stderr)


@contextmanager
def progress(steps: int, stream: bool) -> Iterator[Callable[[int], None]]:
    """A function that is told each step, and shows a bar on a terminal when it takes long.

    No bar stands between the lines of a stream that goes to the same terminal.
    """
    terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    if not terminal or (stream and sys.stdout.isatty()):
        yield lambda number: None
        return
    bar = Bar(steps)
    try:
        yield bar.advance
    finally:
        bar.stop()


class Bar:
    """A progress bar that appears when a run takes longer than PATIENCE, and leaves no trace."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.due = time.monotonic() + PATIENCE
        self.bar: Progress | None = None

    def advance(self, number: int) -> None:
        """Show how far the run is, now and then."""
        now = time.monotonic()
        if now >= self.due:
            self.due = now + REFRESH
            self.bar = self.bar or self.started()
            self.bar.update(self.bar.task_ids[0], completed=number, refresh=True)

    def started(self) -> "Progress":
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        bar = Progress(
            TextColumn("step"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            console=Console(stderr=True), transient=True, auto_refresh=False,
            redirect_stdout=False, redirect_stderr=False,
        )  # fmt: skip
        bar.add_task("", total=self.steps)
        bar.start()
        return bar

    def stop(self) -> None:
        """Take the bar away."""
        if self.bar:
            self.bar.stop()
