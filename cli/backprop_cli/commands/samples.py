"""`backprop samples`: the programs to try that come with the tool."""

from typing import Annotated

import typer

__all__ = ["EXAMPLES", "command"]

EXAMPLES = """\
backprop samples
backprop samples network
backprop graph --file @network --fold h1,h2,o1,o2
backprop eval --file @neuron --at @neuron"""


def command(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Print this one.")] = None,
) -> int:
    """List the samples, a line each, or print one as it stands."""
    from ..data import shipped

    if name is not None:
        text = shipped.sample(name.removeprefix("@")).read_text(encoding="utf-8")
        print(text.rstrip("\n"))
        return 0
    from ..screens.samples import show_all  # which needs the terminal

    show_all(shipped.samples())
    return 0
