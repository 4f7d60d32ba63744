"""What a view may be asked for."""

from typing import NamedTuple

__all__ = ["Options"]


class Options(NamedTuple):
    """What a format may be asked for.

    digits: significant digits of numbers meant for people. everything: all nodes, however many.
    quiet: results alone. indent: JSON for the eyes.
    """

    digits: int = 6
    everything: bool = False
    quiet: bool = False
    indent: bool = False
