"""`backprop completion`: the script by which a shell completes a command line of this tool.

The script asks this command in turn what may stand at the end of a line.
"""

from typing import Annotated

import typer

from backprop_grammar.errors import shorten, suggestion, usage

from ..input.shells import SCRIPTS, written

__all__ = ["EXAMPLES", "command"]

EXAMPLES = """\
backprop completion bash > backprop.bash
backprop completion zsh > _backprop
backprop completion fish > backprop.fish"""


def command(
    ctx: typer.Context,
    shell: Annotated[str, typer.Argument(metavar="SHELL", help=f"{', '.join(SCRIPTS)}.")],
    line: Annotated[
        str | None, typer.Option(hidden=True, help="The line that is completed, to the cursor.")
    ] = None,
    word: Annotated[
        str | None, typer.Option(hidden=True, help="The part of its last word that is replaced.")
    ] = None,
) -> int:
    """Print the script for a shell."""
    if shell not in SCRIPTS:
        hint = suggestion(shell, SCRIPTS, f"the shells are {', '.join(SCRIPTS)}")
        raise usage(f"there is no completion for {shorten(shell)}", hint)
    if line is None:
        print(SCRIPTS[shell], end="")
        return 0
    from .candidates import candidates

    for one in candidates(ctx.find_root().command, line, word):
        print(written(shell, *one))
    return 0
