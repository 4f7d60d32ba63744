"""The run of `backprop step`: its progress on a terminal, its end by Ctrl-C, its output.

The insight: the steps arrive one by one, and everything that shows them looks at the same ones:
the stream prints each, the bar counts them, the trajectory keeps a few. Whatever ends them, what
was reached is there to be printed.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from backprop_grammar.descent.descend import Plan, descend
from backprop_grammar.descent.trajectory import Trajectory
from backprop_grammar.trace.record import Note

from .. import formats
from ..screens.progress import Bar

__all__ = ["run_steps"]


def run_steps(
    plan: Plan,
    notes: Sequence[Note] = (),
    *,
    stream: bool = False,
    as_json: bool = False,
    digits: int = 6,
    everything: bool = False,
) -> int:
    """Take the steps and print them; the exit code.

    notes: on the point, from before the run. stream: one line of JSON per step, as it is taken,
    instead of a document or a table. The exit code is 3 where a flag says why the run ended early,
    130 where Ctrl-C did.

    Raises BackpropError where the start cannot be evaluated.
    """
    run = Trajectory(plan, tuple(notes))
    interrupted = False
    try:
        with progress(plan.steps, stream) as advance:
            for step in run.follow(descend(plan)):
                if stream:
                    from backprop_grammar.views.documents.step_json import line

                    sys.stdout.write(line(run, step) + "\n")  # at once: Ctrl-C cuts no line
                    sys.stdout.flush()
                advance(step.number)
    except KeyboardInterrupt:
        if run.last is None:
            raise
        interrupted = True
    if stream:
        formats.remark(run)
    else:
        row = formats.formats_of("step")["json" if as_json else "table"]
        formats.show(row, run, formats.Options(digits, everything))
    return 130 if interrupted else 3 if run.flags else 0


@contextmanager
def progress(steps: int, stream: bool) -> Iterator[Callable[[int], None]]:
    """A function that is told each step, and shows a bar on a terminal when it takes long.

    No bar stands between the lines of a stream that goes to the same terminal.
    """
    if not Bar.seen() or (stream and sys.stdout.isatty()):
        yield lambda number: None
        return
    bar = Bar("step", steps)
    try:
        yield bar.advance
    finally:
        bar.stop()
