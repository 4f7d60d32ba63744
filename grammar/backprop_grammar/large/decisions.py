"""What a walk over double-doubles decided, in order, so that another can follow it.

key: of a decision, where in the program it was made, by which a later walk finds it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .kernel import Column, Mask

__all__ = ["Compared", "Decision", "Rounded", "Selected", "Shared"]


@dataclass(slots=True, eq=False, repr=False)
class Compared:
    """A comparison. proved: where both sides are known to be equal as formulas."""

    key: object
    mask: Mask
    proved: Any = False

    @property
    def doubtful(self) -> Any:
        """Where the choice is open."""
        return np.False_ if self.mask.doubt is None else self.mask.doubt


@dataclass(slots=True, eq=False, repr=False)
class Selected:
    """The largest, or smallest, along an axis, which is gone.

    first: the place of one. near: which may be it, with the axis. sure: where it is certain which is;
    proved: where all of these are known to be equal.
    """

    key: object
    first: Column
    near: Column
    sure: Column
    proved: Any = False

    @property
    def doubtful(self) -> Any:
        """Where the choice is open."""
        return ~np.asarray(self.sure)


@dataclass(slots=True, eq=False, repr=False)
class Shared:
    """Which tie for it.

    here: those that are it, and near: those that may be; count: how many. sure: in which lines that
    is certain; proved: in which all that may be it are known to be equal to it. node: whose.
    """

    key: object
    node: int
    here: Column
    near: Column
    count: Column
    sure: Column
    proved: Any = False

    @property
    def doubtful(self) -> Any:
        """Where the choice is open."""
        return ~np.asarray(self.sure)


@dataclass(slots=True, eq=False, repr=False)
class Rounded:
    """Whole numbers that are near; infinite where it is open which."""

    key: object
    number: Column
    proved: Any = False

    @property
    def doubtful(self) -> Any:
        """Where the choice is open."""
        return ~np.isfinite(self.number)


Decision = Compared | Selected | Shared | Rounded
