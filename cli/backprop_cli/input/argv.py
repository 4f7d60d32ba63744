"""How a command line is read: options anywhere, and programs that begin with a minus sign.

The insight: a formula is an argument like no other, so what is not exactly an option is one.
"""

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

__all__ = ["COMMANDS", "EXAMPLES", "Group", "command"]

EXAMPLES = {
    "": """\
backprop eval "x*y" --at x=4,y=-3
backprop eval "q = x + y; f = q*z" --at x=-2,y=5,z=-4
backprop eval "1/(1+exp(-(w0*x0+w1*x1+w2)))" --at w0=2,x0=-1,w1=-3,x1=-2,w2=-3
backprop eval "sigmoid(a*x + b)" --at a=2,x=-1,b=0.5 --json | jq .gradients
backprop graph "q = x + y; f = q*z" --at x=-2,y=5,z=-4
backprop explain "max(x, y)^2" --at x=3,y=1
backprop check "q = x + y; f = q*z" --at x=-2,y=5,z=-4 --claim z=3
backprop derive "x^2*sin(y)"
backprop step "(x - 3)^2" --at x=0 --rate 0.1 --steps 10
backprop functions tanh""",
    "eval": """\
backprop eval "x*y + sin(x)" --at x=pi/4,y=2
backprop eval "q = x + y; f = q*z" --at x=-2,y=5,z=-4 --wrt q,z
backprop eval -x^2 --at x=3 --json
backprop eval --file neuron.txt --at @point.json
backprop eval "1/(1+exp(-w*x))" --at w=2,x=1 --fold sigmoid
backprop eval "x*y" --at x=1,y=2 --json | backprop eval "x + y" --at @-""",
    "graph": """\
backprop graph "q = x + y; f = q*z" --at x=-2,y=5,z=-4
backprop graph "sigmoid(w*x + b)" --at w=2,x=-1,b=3 --expand sigmoid
backprop graph "q = x + y; f = q*z" --at x=-2,y=5,z=-4 -o graph.svg
backprop graph "x*y + sin(x)" --format dot""",
    "explain": """\
backprop explain "q = x + y; f = q*z" --at x=-2,y=5,z=-4
backprop explain "sigmoid(w*x)" --at w=2,x=1 --node w
backprop explain "sigmoid(w*x)" --at w=2,x=20 --why w
backprop explain "x*y" --at x=3,y=4 --format markdown""",
    "derive": """\
backprop derive "1/(1+exp(-(w*x+b)))"
backprop derive "x^3*y" --order 2
backprop derive "100*(y - x^2)^2 + (1 - x)^2" --hessian --at x=-1.2,y=1
backprop derive "x^2*sin(y)" --jvp x=1,y=0
backprop derive "sigmoid(w*x + b)" --at w=2,x=1,b=0 --format numpy""",
    "check": """\
backprop check "x*y + sin(x)" --at x=1,y=2
backprop check "1/(1+exp(-(w*x+b)))" --at w=2,x=-1,b=3 --claim w=-0.2,x=0.39 || true
backprop check "q = x + y; f = q*z" --at x=-2,y=5,z=-4 --claim z=3,q=-4,x=-4
backprop check "tanh(x)" --against "2*sigmoid(2*x) - 1" --over x=-3:3""",
    "step": """\
backprop step "q = x + y; f = q*z" --at x=-2,y=5,z=-4 --rate 0.01 --up
backprop step --file samples/rosenbrock.bp --rate 0.05 --steps 200 --method adam
backprop step "z = w*x0 + b; softplus(z) - t*z" --points samples/points.csv --at w=0,b=0 --rate 1 --steps 100
backprop step "(x - 3)^2" --at x=0 --steps 50 --json | backprop eval "x^2" --at @-""",
    "map": """\
backprop map --file samples/neuron.bp --points samples/points.csv --at w0=2,w1=-3,w2=-3
backprop map "x0*x1" --points samples/points.csv --columns value=area,d_x0=slope -o points.parquet
backprop map "(sigmoid(w*x0 + b) - t)^2" --points "samples/*.csv" --at w=1,b=0 --wrt w,b --reduce mean
backprop map "x0*x1" --points "samples/*.csv" -o out --workers 2 --resume
seq 5 | sed 1ix | backprop map "sigmoid(w*x)" --points - --at w=2 --to jsonl""",
    "functions": """\
backprop functions
backprop functions sigmoid
backprop functions --json | jq -r '.functions[].name'""",
    "schema": """\
backprop schema > trace.schema.json
backprop schema error""",
}
EXIT_CODES = """\
Exit codes: 0 all numbers finite; 1 the program or the point cannot be evaluated;
2 wrong usage; 3 some gradient does not exist; 130 interrupted."""


class Examples:
    """Help that leads with examples; mixed into the command and the group."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        name = ctx.info_name if ctx.parent else ""
        with formatter.section("Examples"):
            for line in EXAMPLES[name].splitlines():
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")
        formatter.write_paragraph()
        super().format_help(ctx, formatter)  # type: ignore[misc]
        formatter.write_paragraph()
        for line in EXIT_CODES.splitlines():
            formatter.write(f"{line}\n")


class Command(Examples, TyperCommand):
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


Function = Callable[..., int]

COMMANDS: dict[str, Function] = {}
"""What the commands call, by their names."""


def command(name: str) -> Callable[[Function], Function]:
    """A decorator: the function is the command of that name, its options the function's."""

    def register(function: Function) -> Function:
        COMMANDS[name] = function
        return function

    return register


class Group(Examples, TyperGroup):
    """The whole tool. Only the command that is asked for is built."""

    def list_commands(self, _ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: Any, name: str) -> Any:
        if name not in self.commands and name in COMMANDS:
            alone = typer.Typer(
                add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
            )
            alone.command(name, cls=Command)(COMMANDS[name])
            self.commands[name] = typer.main.get_command(alone)
        return self.commands.get(name)
