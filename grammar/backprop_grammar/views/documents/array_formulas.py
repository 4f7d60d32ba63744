"""Gradients over arrays as a program of this language, a stage a line.

The shapes of its variables come first, where they are declared; those of its stages are comments,
or at a point the gradients' numbers.
"""

from ...arrays.text import inline
from ...derivatives.array_formulas import ArrayFormulas
from ...language.graph import Array
from ...language.precedence import number_text
from ...language.printer import array_text
from ..options import Options

__all__ = ["given_lines", "render"]


def render(formulas: ArrayFormulas, options: Options) -> str:
    """The program, after the shapes and the values that its program gives."""
    derivative = formulas.derivative
    lines = given_lines(formulas)
    for stage in derivative.stages:
        comment = derivative.shape_text(stage.name)
        if stage.name in formulas.numbers:
            comment = inline(formulas.numbers[stage.name], options.digits)
        line = f"{stage.name} = {derivative.expression(stage)}"
        lines.append(f"{line}  # {comment}" if comment else line)
    return "\n".join(lines) + "\n"


def given_lines(formulas: ArrayFormulas) -> list[str]:
    """The variables of the formulas with the shapes that are declared, and their values if any."""
    graph, derivative = formulas.graph, formulas.derivative
    lines = []
    for name in derivative.variables:
        given: float | Array | None = graph.array_inputs.get(name, graph.inputs.get(name))
        if name in derivative.new and isinstance(formulas.upstream, Array):
            given = formulas.upstream
        if given is not None and formulas.at is not None:
            given = formulas.at.get(name, given)
        shape = derivative.shape_text(name) or "scalar"
        head = (
            f"{name}: {shape}"
            if name in derivative.sizes.declared or name in derivative.new
            else ""
        )
        if given is not None:
            text = array_text(given) if isinstance(given, Array) else number_text(given)
            lines.append(f"{head or name} = {text}")
        elif head and formulas.at is None:
            lines.append(head)
    return lines
