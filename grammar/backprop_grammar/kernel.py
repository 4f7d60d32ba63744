"""A program at many points: the value and the gradients, column by column.

The insight: a row is a point, so what is right for one point is right for every row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy

from .errors import BackpropError
from .evaluate import evaluate
from .graph import Graph
from .names import Names
from .trace import Wide

__all__ = ["Kernel", "Rows"]


@dataclass(slots=True)
class Rows:
    """The value and the gradients, by label, of every row; NaN where there is none.

    status: row -> why a number of it is missing. kinks: rows whose gradient is a choice.
    """

    value: numpy.ndarray
    gradients: dict[str, numpy.ndarray]
    status: dict[int, str]
    kinks: int


class Kernel:
    """A program compiled for many points."""

    def __init__(
        self,
        graph: Graph,
        columns: Sequence[str],
        at: Mapping[str, float],
        wrt: Sequence[str] = (),
        output: str = "",
    ) -> None:
        """Columns are the variables that vary, at the values of the others.

        Raises BackpropError for unknown names and missing values.
        """
        names = Names(graph)
        for name in wrt:
            names.find(name)
        self.graph, self.columns, self.at, self.output = graph, tuple(columns), dict(at), output
        self.labels = tuple(wrt) or self.columns

    def __call__(self, columns: Mapping[str, numpy.ndarray]) -> Rows:
        """The rows of float64 arrays of equal length; NaN is a missing number."""
        rows = len(columns[self.columns[0]])
        value = numpy.full(rows, numpy.nan)
        gradients = {label: numpy.full(rows, numpy.nan) for label in self.labels}
        status: dict[int, str] = {}
        kinks = 0
        for row in range(rows):
            at = self.at | {name: float(columns[name][row]) for name in self.columns}
            wrong = [name for name in self.columns if not abs(at[name]) < float("inf")]
            if wrong:
                missing = at[wrong[0]] != at[wrong[0]]
                status[row] = f"{wrong[0]} is {'missing' if missing else 'not finite'}"
                continue
            try:
                trace = evaluate(self.graph, at, wrt=self.labels, output=self.output, nodes=False)
            except BackpropError as error:
                status[row] = error.message + (f" ({error.label})" if error.label else "")
                continue
            for target, number in [(value, trace.value)] + [
                (gradients[label], trace.gradients[label]) for label in self.labels
            ]:
                near = number.nearest if isinstance(number, Wide) else number
                if near is not None:
                    target[row] = near
            if trace.flags:
                status[row] = trace.flags[0].message
            kinks += any(note.kind in ("kink", "tie") for note in trace.notes)
        return Rows(value, gradients, status, kinks)
