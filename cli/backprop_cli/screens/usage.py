"""What `--help` prints: examples, then the options by what they are for, at the width there is.

It needs neither the terminal's library nor the command's: only the options are asked.
"""

import shutil
from collections.abc import Callable
from typing import Any

__all__ = ["EXAMPLES", "write_help", "write_options"]

EXAMPLES = """\
backprop "(x+y)z" x=-2 y=5 z=-4
backprop eval "q = x + y; f = q*z" --at x=-2,y=5,z=-4
backprop eval --file @neuron --at @neuron
backprop eval "q = W @ x; sum(q^2)" --at "W=[.1,.5;-.3,.8],x=[.2,.4]"
backprop eval "sigmoid(a*x + b)" --at a=2,x=-1,b=0.5 --json | jq .gradients
backprop graph "q = x + y; f = q*z" --at x=-2,y=5,z=-4
backprop explain "max(x, y)^2" --at x=3,y=1
backprop check "q = x + y; f = q*z" --at x=-2,y=5,z=-4 --claim z=3
backprop derive "x^2*sin(y)"
backprop step "(x - 3)^2" --at x=0 --rate 0.1 --steps 10
backprop functions tanh"""
EXIT_CODES = (
    "Exit codes: 0 all numbers finite; 1 the program or the point cannot be evaluated, or a check "
    "failed; 2 wrong usage; 3 some gradient does not exist; 4 check cannot evaluate the program or "
    "the point; 130 interrupted."
)

GROUPS = {
    "Input": (
        "--at",
        "--file",
        "--points",
        "--data",
        "--from",
        "--separator",
        "--rename",
        "--init",
    ),
    "What to compute": (
        *(
            "--wrt",
            "--output",
            "--upstream",
            "--precision",
            "--order",
            "--hessian",
            "--jvp",
            "--hvp",
        ),
        *(
            "--node",
            "--why",
            "--claim",
            "--against",
            "--over",
            "--seed",
            "--rate",
            "--steps",
            "--up",
        ),
        *(
            "--method",
            "--batch",
            "--until",
            "--reduce",
            "--strict",
            "--workers",
            "--dask",
            "--verify",
        ),
    ),
    "Output": (),
    "Options": ("--help", "--version"),
}
"""What the help puts together, in its order; what is named nowhere is of the output."""

UNBROKEN = "\N{NO-BREAK SPACE}"
"""Stands for a blank where no line is broken."""

NARROWEST = 20
"""Columns below which lines run over instead."""


def write_help(examples: str, formatter: Any, middle: Callable[[], None]) -> None:
    """Write all of the help into a formatter of click's: examples, what click writes, exit codes.

    examples: those of the tool where there are none.
    """
    formatter.width = max(NARROWEST, shutil.get_terminal_size().columns)
    with formatter.section("Examples"):
        for line in (examples or EXAMPLES).splitlines():
            formatter.write(f"{'':{formatter.current_indent}}{line}\n")
    formatter.write_paragraph()
    middle()
    formatter.write_paragraph()
    formatter.write_text(EXIT_CODES)
    formatter.buffer[:] = [piece.replace(UNBROKEN, " ") for piece in formatter.buffer]


def write_options(command: Any, ctx: Any, formatter: Any) -> None:
    """The options by their groups, then the commands, whose names stand below each other."""
    groups: dict[str, list[tuple[str, str]]] = {title: [] for title in GROUPS}
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None:
            name, text = record
            text = text.replace("[default: ", f"[default:{UNBROKEN}")
            groups[group_of(parameter)].append((name, text))
    commands: dict[str, Any] = getattr(command, "commands", {})
    groups["Commands"] = [(name, one.help) for name, one in commands.items() if not one.hidden]
    longest = max(len(name) for rows in groups.values() for name, _ in rows)
    for group, rows in groups.items():
        if rows:
            with formatter.section(group):
                formatter.write_dl([(name.ljust(longest), text) for name, text in rows])


def group_of(parameter: Any) -> str:
    """The group of an option, which it may name itself, or of an argument."""
    if parameter.param_type_name == "argument":
        return "Input"
    own = parameter.rich_help_panel
    known = (title for title, names in GROUPS.items() if {*names} & {*parameter.opts})
    return own or next(known, "Output")
