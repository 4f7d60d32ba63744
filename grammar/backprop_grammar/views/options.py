"""What a view may be asked for."""

from typing import NamedTuple

from ..errors import few, shorten, suggestion, usage

__all__ = ["THEMES", "Options", "checked_theme"]

THEMES = ("light", "dark", "auto")
"""Grounds of a picture; auto is that of its reader."""


class Options(NamedTuple):
    """What a format may be asked for.

    digits: significant digits of numbers meant for people. everything: all nodes, however many.
    quiet: results alone. indent: JSON for the eyes. fewest: digits that may be left of them
    where a picture would be too wide. width: that rows of a picture keep, in columns of a terminal
    or in pixels, or `a4`. theme: of its ground, light or dark, or auto for the reader's.
    command: what was typed to make the view, where it was typed; evaluation: the beginning of a
    command that computes the same at a point to come. key: a sheet with its answers.
    """

    digits: int = 6
    everything: bool = False
    quiet: bool = False
    indent: bool = False
    fewest: int = 17
    width: float | str | None = None
    theme: str = "light"
    command: str = ""
    evaluation: str = ""
    key: bool = False


def checked_theme(name: str, adaptive: bool = False) -> str:
    """The name of a theme. Raises BackpropError for another.

    adaptive: whether the picture may follow the ground of its reader.
    """
    if name == "auto" and not adaptive:
        raise usage("only an SVG can be light and dark", "the theme is light or dark")
    if name not in THEMES:
        raise usage(
            f"there is no theme {shorten(name)}",
            suggestion(name, THEMES, f"the themes are {few(THEMES)}"),
        )
    return name
