r"""Derivatives as aligned equations of LaTeX, a fragment for a document with amsmath.

A derivative's name in the program, df_dx, is a fraction on paper, wherever it stands.
"""

from ...derivatives.derive import Stage, derivative_name
from ...derivatives.formulas import Formulas
from ..options import Options
from .formula_latex import FRACTION, Leaf, by_names, expression, name_latex

__all__ = ["equations", "render"]


def render(formulas: Formulas, _options: Options) -> str:
    """The equations with a word on what they need."""
    return f"% needs \\usepackage{{amsmath}}\n{equations(formulas)}"


def equations(formulas: Formulas) -> str:
    r"""An `align*` of a line per stage, such as `\frac{\partial f}{\partial x} &= 2 x`."""
    derivative = formulas.derivative
    fractions = {
        name: fraction(derivative.output, by)
        for by, name in derivative.results.items()
        if name.startswith(derivative_name(derivative.output, by))  # not one along a direction
    }
    tape = derivative.tape
    named = by_names(tape, tape.names)

    def leaf(node: int) -> Leaf | None:
        latex = fractions.get(tape.names.get(node, ""))
        return Leaf(latex, FRACTION) if latex else named(node)

    def stage_latex(stage: Stage) -> str:
        own = tape.names.get(stage.node) == stage.name  # else it is another name for a node
        return expression(tape, stage.node, lambda k: None if own and k == stage.node else leaf(k))

    lines = [
        rf"{fractions.get(stage.name, name_latex(stage.name))} &= {stage_latex(stage)}"
        for stage in derivative.stages
    ]
    body = " \\\\\n".join(lines)
    return f"\\begin{{align*}}\n{body}\n\\end{{align*}}\n"


def fraction(output: str, by: tuple[str, ...]) -> str:
    r"""`\frac{\partial^{2} f}{\partial x\,\partial y}`."""
    power = f"^{{{len(by)}}}" if len(by) > 1 else ""
    below = [
        rf"\partial {name_latex(name)}" + (f"^{{{by.count(name)}}}" if by.count(name) > 1 else "")
        for name in dict.fromkeys(by)
    ]
    product = r"\,".join(below)
    return rf"\frac{{\partial{power} {name_latex(output)}}}{{{product}}}"
