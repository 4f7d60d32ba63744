"""How a command line is read: options anywhere, and programs that begin with a minus sign.

A formula is an argument like no other, so what is not exactly an option is one.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

from ..screens.usage import Described

__all__ = ["Group"]


class Command(Described, TyperCommand):
    """A command whose program may begin with a minus sign."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        return super().parse_args(ctx, self.guarded(args))

    def guarded(self, args: list[str]) -> list[str]:
        """The arguments with a program such as `-x^2` moved behind `--`.

        Only what is not exactly a known option is moved, and only where a program is wanted and
        no other argument could be it: a mistyped option is still an error.
        """
        if "program" not in {parameter.name for parameter in self.params}:
            return args
        takes: dict[str, bool] = {"-h": False, "--help": False}
        for parameter in self.params:
            for option in parameter.opts:
                takes[option] = not getattr(parameter, "is_flag", False)
        known: list[str] = []
        unknown: list[str] = []
        loose: list[str] = []
        rest = list(args)
        while rest:
            arg = rest.pop(0)
            option = arg.split("=", 1)[0] if arg.startswith("--") else arg
            if arg == "--":
                return args
            if option in takes:
                known.append(arg)
                if takes[option] and "=" not in arg and rest:
                    known.append(rest.pop(0))
            elif arg.startswith("-") and len(arg) > 1:
                unknown.append(arg)
            else:
                loose.append(arg)
        filed = any(arg.split("=", 1)[0] == "--file" for arg in known)
        if len(unknown) != 1 or loose or filed:
            return args
        return [*known, "--", *unknown]


class Deferred(TyperCommand):
    """A command of which the name and the help are known; it is built when it is asked for."""

    def __init__(self, name: str, text: str, module_of: Callable[[str], Any]) -> None:
        super().__init__(name, help=text)
        self.module_of = module_of

    def built(self) -> Command:
        """The command itself, its module imported now."""
        module = self.module_of(str(self.name))
        alone = typer.Typer(
            add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
        )
        alone.command(self.name, cls=Command, help=self.help)(module.command)
        command = typer.main.get_command(alone)
        assert isinstance(command, Command)
        command.examples = module.EXAMPLES
        return command

    def make_context(self, *args: Any, **more: Any) -> Any:
        return self.built().make_context(*args, **more)


class Group(Described, TyperGroup):
    """The whole tool. Only the command that is asked for is imported and built.

    offered: the names of the commands, and what their help says.
    """

    offered: ClassVar[Mapping[str, str]]

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {
            name: Deferred(name, text, self.module_of) for name, text in self.offered.items()
        }

    def module_of(self, name: str) -> Any:
        """The module of a command, imported now."""
        raise NotImplementedError
