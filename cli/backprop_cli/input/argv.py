"""How a command line is read: options anywhere, and programs that begin with a minus sign.

A formula is an argument like no other, so what is not exactly an option is one; the first is the
program, and what follows it says where.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

from backprop_grammar.errors import BackpropError, usage

__all__ = ["BINDING", "Group", "with_command"]

BINDING = r"[@{]|\s*[^\W\d]\w*\s*=(?!=)"
"""How what follows a program begins if it is of a point: `x=1`, `@point.json`, `{"x": 1}`."""
NAME = r"[A-Za-z_][A-Za-z_0-9-]*"
"""What may be meant as a command."""
TOOL_OPTIONS = ("-h", "--help", "--version")
"""The options without a command."""
LONG = r"--[A-Za-z][A-Za-z-]*(=|\Z)"
"""What looks like a long option; one of less than three letters may be a formula, such as `--x`."""


class Described:
    """Help that leads with examples; mixed into the command and the group."""

    examples = ""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        from ..screens.usage import write_help  # only where it is asked for

        write_help(self.examples, formatter, partial(super().format_help, ctx, formatter))  # type: ignore[misc]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        from ..screens.usage import write_options  # only where it is asked for

        write_options(self, ctx, formatter)


class Command(Described, TyperCommand):
    """A command whose program may begin with a minus sign, and is followed by the point.

    further: the option for what follows the program and is of no point; empty where there is none.
    """

    further = ""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        if self.takes_program():
            args = self.arranged(args, ctx)
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """What follows the name of the command, with what is behind the program."""
        pieces = [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]
        behind = ["[NAME=VALUE]...", *(["[FILE]..."] if self.further else [])]
        return pieces + behind * self.takes_program()

    def takes_program(self) -> bool:
        return any(parameter.name == "program" for parameter in self.params)

    def takes(self) -> dict[str, bool]:
        """The options, and whether a value follows."""
        takes = {"-h": False, "--help": False}
        for parameter in self.params:
            for option in parameter.opts:
                takes[option] = not getattr(parameter, "is_flag", False)
        return takes

    def arranged(self, args: list[str], ctx: Any) -> list[str]:
        """The arguments as options, and the program behind `--`.

        What is not exactly an option is free, so a program may begin with a minus sign. The first
        free argument is the program, unless there is a file or a `-`; the others are of the point.
        Raises BackpropError for one that is none of it.
        """
        takes = self.takes()
        options: list[str] = []
        free: list[str] = []
        filed = False
        rest = iter(args)
        for arg in rest:
            option = arg.split("=", 1)[0] if arg.startswith("--") else arg
            if arg == "--":
                free += rest
            elif option in takes:
                options.append(arg)
                filed |= option in ("-f", "--file")
                if takes[option] and "=" not in arg:
                    value = next(rest, None)
                    if value is None:
                        hint = f"backprop {self.name} --help shows how"
                        raise usage(f"{arg} has no value", hint)
                    options.append(value)
            elif arg.startswith("-f") and arg.lower().endswith(".bp"):
                options += ["-f", arg[2:]]
                filed = True
            elif self.mistaken(arg, takes):
                raise self.no_such_option(arg, ctx)
            else:
                free.append(arg)
        if "-o" in takes:  # with its value attached, where another argument is the program
            saved = [arg for arg in free if arg.startswith("-o")]
            loose = [arg for arg in free if arg not in saved and not re.match(BINDING, arg)]
            if saved and (filed or loose):
                free = [arg for arg in free if arg not in saved]
                options += saved
        program: list[str] = []
        if "-" in free and not self.further:
            free.remove("-")
            program = ["-"]
        elif free and not filed:
            program = [free.pop(0)]
        for arg in free:
            if re.match(BINDING, arg):
                options += ["--at", arg]
            elif arg in takes:
                raise usage(f"behind -- there are no options, and {arg} is one", "write it before")
            elif arg.startswith("-") and arg != "-":
                raise self.no_such_option(arg, ctx)
            elif self.further:
                options += [self.further, arg]
            else:
                raise self.misplaced(arg, [*program, *free], filed, ctx)
        return [*options, "--", *program]

    def mistaken(self, arg: str, takes: dict[str, bool]) -> bool:
        """Whether an argument is an option gone wrong, and no formula."""
        if arg[:1] not in ("-", "–", "—"):
            return False
        name = arg.split("=", 1)[0]
        if arg[0] != "-" or name[1:2].isalpha():
            return len(name) > 2 and f"--{name.lstrip('-–—')}" in takes
        if not re.match(LONG, arg):
            return False
        from .words import way_out

        return len(name) > 4 or bool(way_out(name, self, ()))

    def no_such_option(self, arg: str, ctx: Any) -> BackpropError:
        from .words import no_such_option

        return no_such_option(arg, self, siblings(ctx))

    def misplaced(self, arg: str, free: list[str], filed: bool, ctx: Any) -> BackpropError:
        from .words import misplaced

        point = [text for text in free if re.match(BINDING, text)]
        commands = ctx.parent.command.commands if ctx.parent else ()
        return misplaced(arg, free, point, self, filed, commands)


def siblings(ctx: Any) -> list[Any]:
    """All commands of the tool, built."""
    tool = ctx.parent.command.commands if ctx.parent else {}
    return [one.built() for one in tool.values()]


def with_command(arguments: list[str], commands: Mapping[str, str]) -> list[str]:
    """The arguments with a command in front, which is `eval` where a formula stands alone.

    commands: the names of those that there are, and what their help says. Raises BackpropError for
    another tool's word for one, and for one that is mistyped.
    """
    if not arguments:
        return ["--help"]
    if arguments[0] in commands or arguments[0].split("=", 1)[0] in TOOL_OPTIONS:
        return arguments
    word, *following = arguments
    if word.startswith("-"):
        if re.match(LONG, word):
            from .words import check_tool_option

            check_tool_option(word, TOOL_OPTIONS)
        ahead = arguments[: arguments.index("--")] if "--" in arguments else arguments
        place = next((k for k, arg in enumerate(ahead) if arg in commands), None)
        if place is not None:
            return [arguments[place], *arguments[:place], *arguments[place + 1 :]]
    elif re.fullmatch(NAME, word):
        from .words import check_command

        after = following[0] if following and not re.match("-|" + BINDING, following[0]) else ""
        check_command(word, after, commands)
    return ["eval", *arguments]


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
        command.further = getattr(module, "FURTHER", "")
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

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """What follows the name of the tool: a formula alone may stand for a command."""
        options, *_ = super().collect_usage_pieces(ctx)
        return [options, "COMMAND | FORMULA", "..."]

    def module_of(self, name: str) -> Any:
        """The module of a command, imported now."""
        raise NotImplementedError
