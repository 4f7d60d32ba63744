r"""Formulas to LaTeX: `-n8/n7` to `-\frac{n_{8}}{n_{7}}`.

The insight: the parser already knows the language, so a formula is parsed and its graph is
written out piece by piece, like the printer does it, only with other pieces. Names and
numbers are set aside before the parse and put back after it, so that no name is special
and no digit changes.
"""

import re
from collections.abc import Iterable, Iterator

from ...errors import BackpropError
from ...explain.document import Derivative, Side
from ...language.graph import Graph
from ...language.parser import parse
from ...language.precedence import comparison_of
from ...operations.table import FUNCTIONS

__all__ = ["equation", "escaped", "latex", "name_latex", "number_latex", "side"]

LETTERS = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
)
GREEK = frozenset(LETTERS.split())
"""Names that are written as Greek letters."""

SUM, NEGATIVE, PRODUCT, FRACTION, POWER, ATOM = range(1, 7)
"""How tightly a piece binds, loosest first; what begins with a minus sign stands only in front."""

CALLS = {
    "exp": r"\exp", "log": r"\log", "log2": r"\log_{2}", "log10": r"\log_{10}",
    "max": r"\max", "min": r"\min", "sin": r"\sin", "cos": r"\cos", "tan": r"\tan",
    "asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan", "sinh": r"\sinh",
    "cosh": r"\cosh", "tanh": r"\tanh", "sigmoid": r"\sigma", "digamma": r"\psi",
}  # fmt: skip
"""Functions with a sign of their own; the others are written by their names."""

AROUND = {
    "sqrt": (r"\sqrt{", "}"),
    "cbrt": (r"\sqrt[3]{", "}"),
    "abs": (r"\left|", r"\right|"),
    "lgamma": (r"\log\left|\Gamma\left(", r"\right)\right|"),
}
"""Functions of one operand that are written around it."""

COMPARISONS = {"<=": r"\le", ">=": r"\ge", "==": "=", "!=": r"\ne"}

SPECIAL = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", '"': r"\textquotedbl{}", "-": "-{}",
    "'": r"\textquotesingle{}", "`": r"\textasciigrave{}",
} | {sign: rf"\{sign}" for sign in "{}$&#_%"}  # fmt: skip

TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<call>[A-Za-z_]\w*)(?=\s*\()|(?P<name>[A-Za-z_]\w*|\.\.\.)|(?P<other>[<>=!]=|.))",
    re.ASCII | re.DOTALL,
)


def latex(text: str) -> str:
    """A formula of the language in LaTeX's mathematics; text that is none, letter by letter."""
    words: dict[str, str] = {}
    calls: dict[int, str] = {}
    try:
        graph = parse(safe(text, words, calls), internal=True)
    except BackpropError:
        return rf"\texttt{{{escaped(text)}}}"
    return Writer(graph, words, calls).text()


def safe(text: str, words: dict[str, str], calls: dict[int, str]) -> str:
    """The text with plain names instead of names and numbers, and known functions only.

    words: plain name -> its LaTeX. calls: where a function of the program is called, its name.
    """
    plain: dict[tuple[str, bool], str] = {}
    pieces: list[str] = []
    length = 0
    for token in TOKEN.finditer(text):
        kind, word = token.lastgroup, token.group().strip()
        if kind == "call" and word != "if" and word not in FUNCTIONS:
            calls[length] = word
            word = "sum"  # which takes as many operands as are given
        elif kind in ("name", "number"):
            key = word, kind == "number"
            if key not in plain:
                # A number's plain name ends in n: it matters where two numbers meet.
                plain[key] = f"w{len(plain)}{'n' if kind == 'number' else ''}"
                words[plain[key]] = number_latex(word) if kind == "number" else name_latex(word)
            word = plain[key]
        pieces.append(word)
        pieces.append(" ")
        length += len(word) + 1
    return "".join(pieces)


def name_latex(name: str) -> str:
    r"""A name: `w0` as `w_{0}`, `alpha` as `\alpha`, `xpysqr` as `\mathit{xpysqr}`."""
    if name == "...":
        return r"\ldots"
    if name[0] in "0123456789.-":
        return number_latex(name)  # a constant is called by its number
    found = re.fullmatch(r"([A-Za-z]+)(\d*)", name, re.ASCII)
    if found and (len(found[1]) == 1 or found[1] in GREEK):
        letter = found[1] if len(found[1]) == 1 else rf"\{found[1]}"
        return f"{letter}_{{{found[2]}}}" if found[2] else letter
    return rf"\mathit{{{escaped(name)}}}"


def number_latex(text: str) -> str:
    r"""A number: `1.5e-07` as `1.5\times 10^{-7}`."""
    if "^" in text:  # of an enormous exponent: 10^-4.34294e+307
        base, _, power = text.partition("^")
        return f"{base}^{{{number_latex(power)}}}"
    mantissa, _, exponent = text.lower().partition("e")
    return rf"{mantissa}\times 10^{{{int(exponent)}}}" if exponent else mantissa


def escaped(text: str) -> str:
    """Text for a LaTeX document's prose, letter by letter; what is not ASCII by its number."""
    return "".join(
        SPECIAL.get(c, c) if " " <= c <= "~" else " " if c.isspace() else f"U+{ord(c):04X}"
        for c in text
    )


Item = str | tuple[int, int, bool]
"""A piece of LaTeX; or a node, how tightly it must bind, and whether its minus sign is left out."""


class Writer:
    """Writes the graph of one formula out, without recursion."""

    def __init__(self, graph: Graph, words: dict[str, str], calls: dict[int, str]) -> None:
        self.graph = graph
        self.words = words
        self.calls = calls
        count = len(graph)
        self.negative = [False] * count  # begins with a minus sign
        self.digit = [False] * count  # begins with a digit
        self.binds = [ATOM] * count
        for node in range(count):
            self.measure(node)

    def kind(self, node: int) -> str:
        """The name of a node's operation; `call` for a function of the program."""
        operation = self.graph.operations[node]
        if operation is None:
            return ""
        return "call" if self.called(node) else operation.name

    def called(self, node: int) -> str:
        """The name of the function of the program that a node calls, or an empty text."""
        operation = self.graph.operations[node]
        if operation is None or operation.name != "sum":
            return ""
        return self.calls.get(self.graph.spans[node][0], "")

    def measure(self, node: int) -> None:
        """How a node's text begins and how tightly it binds, from those of its operands."""
        kind, operands = self.kind(node), self.graph.operands[node]
        if not kind:
            word = self.graph.names.get(node)
            if word is None:
                return  # a number that nobody wrote: the default of an operand
            self.digit[node] = word[-1] == "n"
            self.binds[node] = PRODUCT if r"\times" in self.words[word] else ATOM
            return
        first = operands[0]
        if kind in ("add", "sub"):
            self.binds[node] = SUM
        elif kind == "neg":
            self.binds[node], self.negative[node] = NEGATIVE, True
        elif kind in ("mul", "div"):
            self.negative[node] = self.negative[first] and self.binds[first] >= NEGATIVE
            self.binds[node] = PRODUCT if kind == "mul" else FRACTION
            if self.negative[node]:
                self.binds[node] = NEGATIVE
        elif kind == "pow":
            self.binds[node] = POWER
        if kind in ("add", "sub", "mul", "pow"):
            self.digit[node] = self.digit[first]

    def text(self) -> str:
        return "".join(self.pieces())

    def pieces(self) -> Iterator[str]:
        pending: list[Item] = [(self.graph.output, SUM, False)]
        while pending:
            item = pending.pop()
            if isinstance(item, str):
                yield item
                continue
            node, level, bare = item
            if not bare and self.binds[node] < level:
                pending += [r"\right)", (node, SUM, False), r"\left("]
            else:
                pending += reversed(self.layout(node, level, bare))

    def layout(self, node: int, level: int, bare: bool) -> list[Item]:
        """What a node is made of; bare: without its minus sign."""
        kind = self.kind(node)
        operands = [k for k in self.graph.operands[node] if k not in self.graph.constants]
        slots: list[Item] = [(k, SUM, False) for k in operands]
        if not kind:
            return [self.words[self.graph.names[node]]]
        if kind in ("add", "sub"):
            sign = " + " if kind == "add" else " - "
            return [slots[0], sign, (operands[1], PRODUCT, False)]
        if kind == "neg":
            alone = bare and level == SUM  # as in -(a + b)/c, whose sign goes to the front
            return ["" if bare else "-", (operands[0], SUM if alone else PRODUCT, False)]
        if kind == "mul":
            left, right = operands
            hidden = self.binds[right] < FRACTION  # then it stands in parentheses
            sign = r" \cdot " if hidden or self.digit[right] else r"\,"
            return [(left, NEGATIVE, bare), sign, (right, FRACTION, False)]
        if kind == "div":
            minus = self.negative[node]
            sign = "-" if minus and not bare else ""
            return [sign + r"\frac{", (operands[0], SUM, minus), "}{", slots[1], "}"]
        if kind == "pow":
            return ["{", (operands[0], ATOM, False), "}^{", slots[1], "}"]
        if kind == "identity":
            return slots
        if kind == "if":
            sign = comparison_of(self.graph, node)
            sign = f" {COMPARISONS.get(sign, sign)} "
            return [
                r"\begin{cases}", slots[2], r" & \text{if } ", slots[0], sign, slots[1],
                r" \\ ", slots[3], r" & \text{otherwise}\end{cases}",
            ]  # fmt: skip
        if kind in AROUND:
            before, after = AROUND[kind]
            return [before, slots[0], after]
        if kind == "polygamma":
            return [r"\psi^{\left(", slots[0], r"\right)}\left(", slots[1], r"\right)"]
        name = self.called(node) or kind
        head = CALLS.get(kind, rf"\operatorname{{{escaped(name)}}}")
        listed: list[Item] = []
        for k, slot in enumerate(slots):
            listed += [", ", slot] if k else [slot]
        return [head + r"\left(", *listed, r"\right)"]


def side(text: Side) -> str:
    """One side of an equation; the sign of a local gradient as a partial derivative."""
    if isinstance(text, Derivative):
        return rf"\frac{{\partial {name_latex(text.of)}}}{{\partial {name_latex(text.by)}}}"
    return latex(text)


def equation(sides: Iterable[Side]) -> str:
    """Sides with signs of equality between them."""
    return " = ".join(map(side, sides))
