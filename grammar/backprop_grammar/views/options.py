"""What a view may be asked for."""

from typing import NamedTuple

__all__ = ["Options"]


class Options(NamedTuple):
    """What a format may be asked for.

    digits: significant digits of numbers meant for people. everything: all nodes, however many.
    quiet: results alone. indent: JSON for the eyes. command: what was typed to make the view, where it
    was typed; evaluation: the beginning of a command that computes the same at a point to come.
    """

    digits: int = 6
    everything: bool = False
    quiet: bool = False
    indent: bool = False
    command: str = ""
    evaluation: str = ""
