r"""Gradients over arrays as aligned equations of LaTeX, a fragment for a document with amsmath.

A gradient's name in the program, df_dW, is a fraction on paper, wherever it stands; so is that of a
stage's gradient. Vectors are columns, and a product element by element is \odot.
"""

from ...arrays.record import Tensor
from ...derivatives.array_formulas import ArrayFormulas
from ...derivatives.derive import Stage
from ...language.graph import as_array
from ...language.precedence import number_text
from ...operations.makers import MAKERS
from ...operations.structural import STRUCTURAL
from ..options import Options
from .derive_latex import fraction
from .formula_latex import (
    FRACTION,
    Leaf,
    as_written,
    by_names,
    expression,
    name_latex,
    shape_latex,
    tensor_latex,
)

__all__ = ["equations", "render"]

SIGNS = {MAKERS["ones"]: r"\mathbf{1}", MAKERS["zeros"]: r"\mathbf{0}", STRUCTURAL["eye"]: "I"}
"""Arrays that a textbook writes without their sizes."""


def render(formulas: ArrayFormulas, options: Options) -> str:
    """The equations with a word on what they need."""
    return f"% needs \\usepackage{{amsmath,amssymb}}\n{equations(formulas, options.digits)}"


def equations(formulas: ArrayFormulas, digits: int) -> str:
    r"""An `align*` of a line per stage, such as `\frac{\partial f}{\partial W} &= ...`.

    digits: of the gradients' numbers at a point.
    """
    derivative = formulas.derivative
    partials = dict(derivative.results) if derivative.partial else {}
    fractions = {name: fraction(derivative.output, by) for by, name in partials.items()}
    fractions |= {name: fraction(derivative.output, (by,)) for name, by in derivative.inner.items()}
    tape = derivative.tape
    named = by_names(tape, tape.names)
    arrays = [name for name, shape in derivative.shapes.items() if shape]

    def leaf(node: int) -> Leaf | None:
        latex = fractions.get(tape.names.get(node, ""))
        if latex:
            return Leaf(latex, FRACTION)
        sign = SIGNS.get(tape.operations[node])  # type: ignore[call-overload]
        return Leaf(sign) if sign and node not in tape.names else named(node)

    def stage_latex(stage: Stage) -> str:
        own = tape.names.get(stage.node) == stage.name  # else it is another name for a node
        sign = SIGNS.get(tape.operations[stage.node])  # type: ignore[call-overload]
        if own and sign:
            return str(sign)
        return expression(
            tape, stage.node, lambda k: None if own and k == stage.node else leaf(k), arrays
        )

    lines = point_lines(formulas)
    for stage in derivative.stages:
        sides = [fractions.get(stage.name, name_latex(stage.name)), stage_latex(stage)]
        if stage.name in formulas.numbers:
            sides.append(tensor_latex(formulas.numbers[stage.name], digits))
        lines.append(
            " &= ".join(sides[:2]) + "".join(f" = {x}" for x in sides[2:] if x != sides[1])
        )
    body = " \\\\\n".join(lines)
    return f"\\begin{{align*}}\n{body}\n\\end{{align*}}\n"


def point_lines(formulas: ArrayFormulas) -> list[str]:
    r"""What the gradients need: the numbers of the point, or `X \in \mathbb{R}^{N \times D}`."""
    derivative = formulas.derivative
    lines = []
    for name in derivative.variables:
        at = formulas.at or {}
        if name in at:
            value = as_array(at[name])
            if value.shape:
                latex = tensor_latex(Tensor(value.shape, value.numbers), 17)
            else:
                latex = as_written(formulas.written.get(name, number_text(value.numbers[0])))
            lines.append(f"{name_latex(name)} &= {latex}")
        elif name in derivative.sizes.declared and (text := derivative.shape_text(name)):
            lines.append(rf"{name_latex(name)} &\in \mathbb{{R}}^{{{shape_latex(text)}}}")
    return lines
