"""Derivatives as a program of this language.

The insight: the program carries its point with it, so what is printed can be piped into
`backprop eval`.
"""

from . import Options
from .code import Formulas, variables_of

__all__ = ["render"]


def render(formulas: Formulas, _options: Options) -> str:
    """The program, a stage a line, after the values that the program itself gives."""
    from backprop_grammar.text import number_text

    given = formulas.inputs | {
        name: x for name, x in (formulas.at or {}).items() if name in formulas.inputs
    }
    used = variables_of(formulas.derivative)
    lines = [f"{name} = {number_text(x)}" for name, x in given.items() if name in used]
    return "\n".join([*lines, formulas.derivative.text()]) + "\n"
