"""`backprop help`: the manual, a command or a topic at a time, or all of it as a man page."""

from typing import Annotated

import typer

from backprop_grammar.errors import shorten, suggestion, usage

from ..data.shipped import TOPICS, manual

__all__ = ["EXAMPLES", "command"]

EXAMPLES = """\
backprop help language
backprop help check
backprop help --man > backprop.1"""


def command(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help=f"A command, or a topic: {', '.join(TOPICS)}."),
    ] = None,
    man: Annotated[bool, typer.Option("--man", help="Print the man page of it all.")] = False,
) -> int:
    """Show a part of the manual, through a pager on a terminal."""
    from ..screens.markdown import section

    tool = ctx.find_root()
    commands = tool.command.commands  # type: ignore[attr-defined]
    if man:
        from ..screens.roff import man_page

        if name is not None:
            raise usage("the man page is of all commands and topics", f"leave out {name}")
        built = {name: one.built() for name, one in commands.items()}
        topics = {name: section(manual(part), title) for name, (part, title) in TOPICS.items()}
        print(man_page(tool, built, topics), end="")
        return 0
    if name is not None and name not in commands and name not in TOPICS:
        from backprop_grammar.operations.makers import MAKERS
        from backprop_grammar.operations.structural import STRUCTURAL
        from backprop_grammar.operations.table import ALIASES, FUNCTIONS

        hint = suggestion(name, [*commands, *TOPICS], f"the topics are {', '.join(TOPICS)}")
        if name in FUNCTIONS or name in ALIASES or name in {**STRUCTURAL, **MAKERS}:
            hint = f"`backprop functions {name}` shows that function"
        raise usage(f"there is no command or topic {shorten(name)}", hint)
    from ..screens.manual import manual_text
    from ..screens.pager import page

    if name is None:
        page(tool.get_help())
    elif name in TOPICS:
        part, heading = TOPICS[name]
        page(manual_text(section(manual(part), heading)))
    else:
        own = commands[name].built()
        with typer.Context(own, info_name=name, parent=tool) as inner:
            page(f"{own.get_help(inner)}\n\n{manual_text(section(manual('cli'), name))}")
    return 0
