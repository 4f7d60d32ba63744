"""The progress bar of a long run.

A run that ends within a second needs none, and one that is read by another program has no use for
it.
"""

import os
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["REFRESH", "Bar"]

PATIENCE = 1.0
"""Seconds after which a run shows how far it is."""
REFRESH = 0.1
"""Seconds between two looks at the bar."""


class Bar:
    """A progress bar that appears when a run takes longer than PATIENCE, and leaves no trace.

    word: what is counted; total: how many there are. It appears on a terminal only.
    """

    def __init__(self, word: str, total: int) -> None:
        self.word, self.total = word, total
        self.due = time.monotonic() + PATIENCE
        self.bar: Progress | None = None

    @staticmethod
    def seen() -> bool:
        """Whether there is a terminal to show it on."""
        return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def advance(self, number: int, remark: str = "") -> None:
        """Show how far the run is, now and then; remark: what stands beside it."""
        now = time.monotonic()
        if now >= self.due:
            self.due = now + REFRESH
            self.bar = self.bar or self.started()
            self.bar.update(
                self.bar.task_ids[0], completed=number, description=remark, refresh=True
            )

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
            TextColumn(self.word),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.description}"),
            console=Console(stderr=True),
            transient=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        bar.add_task("", total=self.total)
        bar.start()
        return bar

    def stop(self) -> None:
        """Take the bar away."""
        if self.bar:
            self.bar.stop()
