"""Minibatches: which rows each step looks at.

Every epoch is a shuffle of all rows, cut into batches; the last one of it may be smaller. The
shuffles hang on the seed alone, by draws that are the same on every version of Python.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..errors import usage

__all__ = ["Batches", "batches"]


@dataclass(slots=True)
class Batches:
    """The batches of a run. rows: how many there are; size: of a batch; seed: of the shuffles."""

    rows: int
    size: int
    seed: int
    epoch: int = -1
    order: Sequence[int] = field(default=(), repr=False)

    @property
    def steps(self) -> int:
        """How many batches an epoch has."""
        return -(-self.rows // self.size)

    def at(self, number: int) -> list[int]:
        """The rows of a batch, by its number from 0, in their order."""
        epoch, k = divmod(number, self.steps)
        if epoch != self.epoch:
            self.epoch, self.order = epoch, shuffled(self.rows, f"{self.seed} {epoch}")
        return sorted(self.order[k * self.size : (k + 1) * self.size])


def batches(rows: int, size: int, seed: int) -> Batches:
    """The batches of some rows. Raises BackpropError for one that is larger than the data."""
    if size > rows:
        there = "1 row" if rows == 1 else f"{rows:,} rows"
        message = f"a batch of {size:,} rows is larger than the data, which has {there}"
        raise usage(message, f"give a batch of {rows:,} or less; without one, every step takes all")
    return Batches(rows, size, seed)


def shuffled(count: int, key: str) -> list[int]:
    """The whole numbers below a count in an order that a text says (Fisher and Yates, as Knuth has
    it in TAOCP 2, 3.4.2, algorithm P).
    """
    from random import Random  # which few programs need

    draw = Random(int.from_bytes(key.encode(), "big")).random
    order = list(range(count))
    for k in range(count - 1, 0, -1):
        other = int(draw() * (k + 1))
        order[k], order[other] = order[other], order[k]
    return order
