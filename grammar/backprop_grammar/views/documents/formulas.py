"""Derivatives as a program of this language.

The program carries its point with it, so what is printed can be evaluated as it stands.
"""

from ...derivatives.formulas import Formulas
from ...language.precedence import number_text
from ...numbers.decimal import decimal
from ..options import Options

__all__ = ["render"]


def render(formulas: Formulas, options: Options) -> str:
    """The program, a stage a line, after the values that the program itself gives.

    Where there is a point, the derivatives' numbers are comments.
    """
    given = formulas.inputs | {
        name: x for name, x in (formulas.at or {}).items() if name in formulas.inputs
    }
    used = formulas.derivative.variables
    lines = [f"{name} = {number_text(x)}" for name, x in given.items() if name in used]
    derivative = formulas.derivative
    for stage in derivative.stages:
        comment = ""
        if formulas.at is not None and stage.name in formulas.numbers:
            comment = f"  # {decimal(formulas.number(stage.name), options.digits)}"
        lines.append(f"{stage.name} = {derivative.expression(stage)}{comment}")
    return "\n".join(lines) + "\n"
