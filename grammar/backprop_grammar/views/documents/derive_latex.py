r"""Derivatives as aligned equations of LaTeX, a fragment for a document with amsmath.

A derivative's name in the program, df_dx, is a fraction on paper, wherever it stands. At a point,
its numbers come first, as they were written, and a derivative ends in its own.
"""

from ...derivatives.derive import Stage
from ...derivatives.formulas import Formulas
from ...explain.document import Figure
from ...language.precedence import number_text
from ..options import Options
from .formula_latex import FRACTION, Leaf, as_written, by_names, expression, figure, name_latex

__all__ = ["equations", "render"]


def render(formulas: Formulas, options: Options) -> str:
    """The equations with a word on what they need."""
    return f"% needs \\usepackage{{amsmath}}\n{equations(formulas, options.digits)}"


def equations(formulas: Formulas, digits: int) -> str:
    r"""An `align*` of a line per stage, such as `\frac{\partial f}{\partial x} &= 2 x`.

    digits: of the derivatives' numbers at a point.
    """
    derivative = formulas.derivative
    partials = derivative.results if derivative.partial else {}
    fractions = {name: fraction(derivative.output, by) for by, name in partials.items()}
    tape = derivative.tape
    named = by_names(tape, tape.names)

    def leaf(node: int) -> Leaf | None:
        latex = fractions.get(tape.names.get(node, ""))
        return Leaf(latex, FRACTION) if latex else named(node)

    def stage_latex(stage: Stage) -> str:
        own = tape.names.get(stage.node) == stage.name  # else it is another name for a node
        return expression(tape, stage.node, lambda k: None if own and k == stage.node else leaf(k))

    lines = point_lines(formulas)
    for stage in derivative.stages:
        sides = [fractions.get(stage.name, name_latex(stage.name)), stage_latex(stage)]
        if formulas.at is not None and stage.name in formulas.numbers:
            sides.append(figure(Figure(formulas.number(stage.name), digits)))
        lines.append(
            " &= ".join(sides[:2]) + "".join(f" = {x}" for x in sides[2:] if x != sides[1])
        )
    body = " \\\\\n".join(lines)
    return f"\\begin{{align*}}\n{body}\n\\end{{align*}}\n"


def point_lines(formulas: Formulas) -> list[str]:
    """The numbers of the point that the derivatives need."""
    at = formulas.at or {}
    texts = {name: number_text(at[name]) for name in formulas.derivative.variables if name in at}
    texts |= {name: text for name, text in formulas.written.items() if name in texts}
    return [f"{name_latex(name)} &= {as_written(text)}" for name, text in texts.items()]


def fraction(output: str, by: tuple[str, ...]) -> str:
    r"""`\frac{\partial^{2} f}{\partial x\,\partial y}`."""
    power = f"^{{{len(by)}}}" if len(by) > 1 else ""
    below = [
        rf"\partial {name_latex(name)}" + (f"^{{{by.count(name)}}}" if by.count(name) > 1 else "")
        for name in dict.fromkeys(by)
    ]
    product = r"\,".join(below)
    return rf"\frac{{\partial{power} {name_latex(output)}}}{{{product}}}"
