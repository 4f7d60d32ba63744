r"""Derivatives as aligned equations of LaTeX, a fragment for a document with amsmath.

The insight: a derivative's name in the program, df_dx, is a fraction on paper, wherever it stands;
so it goes through the formula's LaTeX as a name that nothing else has.
"""

import re

from ...derivatives.derive import derivative_name
from ..code.code import Formulas
from ..options import Options
from .formula_latex import latex, name_latex

__all__ = ["render"]


def render(formulas: Formulas, _options: Options) -> str:
    r"""An `align*` of a line per stage, such as `\frac{\partial f}{\partial x} &= 2 x`."""
    derivative = formulas.derivative
    fractions = {
        name: fraction(derivative.output, by)
        for by, name in derivative.results.items()
        if name.startswith(derivative_name(derivative.output, by))  # not one along a direction
    }
    mark = unused("".join([derivative.text(), derivative.output]))
    marks = {name: f"{mark}{k}{mark}" for k, name in enumerate(fractions)}
    shown = {rf"\mathit{{{marks[name]}}}": text for name, text in fractions.items()}
    lines = []
    for stage in derivative.stages:
        text = re.sub(
            r"[A-Za-z_]\w*", lambda word: marks.get(word[0], word[0]), derivative.expression(stage)
        )
        left = fractions.get(stage.name, name_latex(stage.name))
        lines.append(rf"{left} &= {unmarked(latex(text), shown)}")
    body = " \\\\\n".join(lines)
    return f"% needs \\usepackage{{amsmath}}\n\\begin{{align*}}\n{body}\n\\end{{align*}}\n"


def unused(text: str) -> str:
    """Letters that do not occur in a text."""
    mark = "zq"
    while mark in text:
        mark += "q"
    return mark


def unmarked(text: str, shown: dict[str, str]) -> str:
    """The fractions in place of their marks; in parentheses under an exponent."""

    def fraction_of(found: re.Match[str]) -> str:
        whole, power = shown.get(found[1], found[1]), found[2] or ""
        return rf"\left({whole}\right){power}" if power and found[1] in shown else whole + power

    return re.sub(r"(\\mathit\{\w+\})(\}?\^)?", fraction_of, text)


def fraction(output: str, by: tuple[str, ...]) -> str:
    r"""`\frac{\partial^{2} f}{\partial x\,\partial y}`."""
    power = f"^{{{len(by)}}}" if len(by) > 1 else ""
    below = [
        rf"\partial {name_latex(name)}" + (f"^{{{by.count(name)}}}" if by.count(name) > 1 else "")
        for name in dict.fromkeys(by)
    ]
    product = r"\,".join(below)
    return rf"\frac{{\partial{power} {name_latex(output)}}}{{{product}}}"
