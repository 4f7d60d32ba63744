r"""Formulas in LaTeX's mathematics: `-n8/n7` as `-\frac{n_{8}}{n_{7}}`.

A formula is a node of a tape, so it is written out piece by piece, like the printer does it, only
with other pieces. No name is special, and no digit of a number changes.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ...errors import BackpropError
from ...explain.document import (
    Figure,
    Formula,
    Grid,
    Indexed,
    Partial,
    Product,
    Side,
    Total,
    Written,
)
from ...language.graph import Graph
from ...language.nearest import DECIMAL
from ...language.parser import parse
from ...language.precedence import (
    comparison_of,
    number_text,
    place_pieces,
    shown_operands,
)
from ...numbers.decimal import ENORMOUS, exponent_text, rounded
from ...numbers.wide import Wide, sign
from ...operations.row import Operation
from ...operations.table import ADD, DIV, IDENTITY, IF, MUL, NEG, POW, SUB
from ...symbolic.rules import Rule
from ...trace.index import branch_text, spelled_out

__all__ = [
    "FRACTION",
    "Leaf",
    "as_written",
    "by_names",
    "equation",
    "escaped",
    "expression",
    "figure",
    "name_latex",
    "rule",
    "shape_latex",
    "side",
    "tensor_latex",
]

LETTERS = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
)
GREEK = frozenset(LETTERS.split())
"""Names that are written as Greek letters."""

SUM, NEGATIVE, PRODUCT, FRACTION, POWER, ATOM = range(1, 7)
"""How tightly a piece binds, loosest first; what begins with a minus sign stands only in front."""

SLOT = re.compile(r"<(\w+)>")
"""Where an operand stands in the LaTeX of a row."""

COMPARISONS = {"<=": r"\le", ">=": r"\ge", "==": "=", "!=": r"\ne"}

MARKED = frozenset({"matmul", "transpose", "index", "array", "put", "take"})
"""The operations on arrays that are written with signs."""

TO_LINES = frozenset({"sum", "mean", "max", "min", "logsumexp"})
TO_NUMBERS = frozenset({"dot", "norm", "trace", "cross_entropy", "rows", "cols", "size"})
"""The operations on arrays that give a number: without an axis, and always."""

SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    '"': r"\textquotedbl{}",
    "-": "-{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
} | {sign: rf"\{sign}" for sign in "{}$&#_%"}


class Leaf(NamedTuple):
    """The LaTeX of a leaf: a name, or a number without its sign.

    number: it begins with a digit. negative: a minus sign belongs in front.
    """

    latex: str
    binds: int = ATOM
    number: bool = False
    negative: bool = False


def name_latex(name: str) -> str:
    r"""A name: `w0` as `w_{0}`, `beta_1` as `\beta_1`, `xpysqr` as `\mathit{xpysqr}`.

    What follows an underscore stands below the line, and so do the indices of an element. A
    constant is called by its number.
    """
    if name.endswith("]"):
        array, _, place = name[:-1].partition("[")
        return rf"{{{name_latex(array)}}}_{{{place}}}"
    if " " in name:  # words for what no program names
        return rf"\text{{{escaped(name)}}}"
    if name[0] in "0123456789.-":
        leaf = number_leaf(name)
        return "-" * leaf.negative + leaf.latex
    first, *below = name.split("_")
    if not all([first, *below]):  # an underscore with nothing on one side
        return rf"\mathit{{{escaped(name)}}}"
    letter = first.rstrip("0123456789")
    if len(letter) > 1 and letter not in GREEK:
        lower = lowered(below)
        return rf"\mathit{{{first}{'_' * bool(lower)}{lower}}}"
    digits = [first[len(letter) :]] if letter != first else []
    shown = rf"\{letter}" if letter in GREEK else letter
    lower = lowered([*digits, *map(word_latex, below)], braces=bool(digits))
    return f"{shown}_{lower}" if lower else shown


def word_latex(word: str) -> str:
    """A word below the line: a number, or a name without underscores."""
    if word[0] in "0123456789":
        return word if word.isdigit() else rf"\mathit{{{word}}}"
    return name_latex(word)


def lowered(words: Sequence[str], braces: bool = False) -> str:
    """Words below the line; a single sign needs no braces."""
    lower = ",".join(words)
    return f"{{{lower}}}" if braces or len(lower) > 1 else lower


def escaped(text: str) -> str:
    """Text for a LaTeX document's prose, letter by letter; what is not ASCII by its number."""
    return "".join(
        SPECIAL.get(c, c) if " " <= c <= "~" else " " if c.isspace() else f"U+{ord(c):04X}"
        for c in text
    )


# numbers


def number_leaf(text: str) -> Leaf:
    r"""A number of the language: `1.5e-07` as `1.5\times 10^{-7}`, its digits as they are."""
    mantissa, _, exponent = text.removeprefix("-").lower().partition("e")
    negative = text.startswith("-")
    if not exponent:
        return Leaf(mantissa, ATOM, True, negative)
    return Leaf(rf"{mantissa}\times 10^{{{int(exponent)}}}", PRODUCT, True, negative)


def constant_leaf(constant: float | str) -> Leaf:
    """A constant of a program."""
    if isinstance(constant, str):
        return Leaf(name_latex(constant))
    return number_leaf(number_text(constant))


def figure_leaf(shown: Figure) -> Leaf:
    """A number as it is shown, or the word for what stands where there is none."""
    number = shown.number
    if isinstance(number, Wide) and not number.exists:
        return Leaf(name_latex(number.kind), negative=number.sign < 0)
    sign, _, exponent = rounded(number, shown.digits)
    if abs(exponent) >= ENORMOUS:
        power = number_leaf(exponent_text(exponent))
        inner = "-" * power.negative + power.latex
        return Leaf(f"{{10}}^{{{inner}}}", POWER, True, sign < 0)
    return number_leaf(str(shown))


def figure(shown: Figure) -> str:
    """A number as it is shown."""
    leaf = figure_leaf(shown)
    return "-" * leaf.negative + leaf.latex


def as_written(text: str) -> str:
    """A constant expression of the language, its numbers digit for digit."""
    if DECIMAL.match(text):
        leaf = number_leaf(text.removeprefix("+"))
        return "-" * leaf.negative + leaf.latex
    graph = parse(text)
    spans, source = graph.spans, graph.source.text

    def constant(node: int) -> Leaf | None:
        if node not in graph.constants:
            return None
        digits = source[slice(*spans[node])]
        if isinstance(graph.constants[node], float) and DECIMAL.match(digits):
            return number_leaf(digits.removeprefix("+"))
        return constant_leaf(graph.constants[node])

    return expression(graph, graph.output, constant)


# formulas


class Part(NamedTuple):
    """What a node is: its row, if it is one of the table, its name, and the operands that show."""

    row: Operation | None
    name: str
    operands: tuple[int, ...]


Item = str | tuple[int, int, bool]
"""A piece of LaTeX; or a node, how tightly it must bind, and whether its minus sign is left out."""


class Writer:
    """Writes a node of a tape out, without recursion.

    leaf: the LaTeX of a node that is not looked into, None for the others. arrays: the names of
    leaves that are vectors and matrices; their products element by element have a sign of their
    own.
    """

    def __init__(
        self,
        tape: Graph,
        root: int,
        leaf: Callable[[int], Leaf | None],
        arrays: Collection[str] = (),
    ) -> None:
        self.tape = tape
        self.root = root
        self.names = arrays
        self.array: dict[int, bool] = {}  # it is a vector or a matrix
        self.leaves: dict[int, Leaf] = {}
        self.parts: dict[int, Part] = {}
        self.negative: dict[int, bool] = {}  # begins with a minus sign
        self.digit: dict[int, bool] = {}  # begins with a digit
        self.binds: dict[int, int] = {}
        pending = [root]
        while pending:
            node = pending.pop()
            if node in self.leaves or node in self.parts:
                continue
            text = leaf(node)
            if text is not None:
                self.leaves[node] = text
                continue
            self.parts[node] = self.part(node)
            pending += self.parts[node].operands
        for node in sorted([*self.leaves, *self.parts]):
            self.measure(node)

    def part(self, node: int) -> Part:
        """What a node is made of, as far as it is shown."""
        tape = self.tape
        block = tape.blocks.get(node)
        if block is not None and not block.open and not (block.stage and spelled_out(tape, node)):
            return Part(block.row, block.name or "...", block.operands)
        row, operands = tape.operations[node], tape.operands[node]
        if node in tape.calls:
            return Part(tape.calls[node].row, tape.calls[node].name, operands)
        if node in tape.written:
            return Part(row, row.name, operands)
        count = shown_operands(row, [tape.constants.get(k) for k in operands])
        return Part(row, row.name, operands[:count])

    def measure(self, node: int) -> None:
        """How a node's text begins and how tightly it binds, from those of its operands."""
        negative, digit, binds = False, False, ATOM
        if node in self.leaves:
            leaf = self.leaves[node]
            negative, digit, binds = leaf.negative, leaf.number and not leaf.negative, leaf.binds
            if negative:
                binds = NEGATIVE
        else:
            row, name, operands = self.parts[node]
            first = operands[0]
            if node in self.tape.written:
                digit = self.digit[first] and name in MARKED
                binds = PRODUCT if name == "matmul" else ATOM
            elif row in (ADD, SUB):
                binds = SUM
            elif row is NEG:
                binds, negative = NEGATIVE, True
            elif row in (MUL, DIV):
                negative = self.negative[first] and self.binds[first] >= NEGATIVE
                binds = NEGATIVE if negative else PRODUCT if row is MUL else FRACTION
            elif row is POW:
                binds = POWER
            if row in (ADD, SUB, MUL, POW):
                digit = self.digit[first]
        self.negative[node], self.digit[node], self.binds[node] = negative, digit, binds
        self.array[node] = self.is_array(node)

    def is_array(self, node: int) -> bool:
        """Whether a node is a vector or a matrix, as far as its formula tells."""
        tape = self.tape
        if not self.names or node in self.leaves:
            return tape.names.get(node) in self.names
        _, name, operands = self.parts[node]
        axis = tape.written.get(node)
        if name in TO_NUMBERS or (len(operands) == 1 and name in TO_LINES and axis is None):
            return False
        return name == "array" or any(self.array[k] for k in operands)

    def is_product(self, node: int) -> bool:
        """Whether a node is written as a matrix product."""
        return node in self.parts and self.parts[node].name == "matmul"

    def by_element(self, node: int) -> bool:
        """Whether a node is written as a product of arrays element by element."""
        if node not in self.parts or self.parts[node].row is not MUL:
            return False
        return all(self.array[k] for k in self.parts[node].operands)

    def pieces(self) -> Iterator[str]:
        pending: list[Item] = [(self.root, SUM, False)]
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
        if node in self.leaves:
            leaf = self.leaves[node]
            return ["-" * (leaf.negative and not bare) + leaf.latex]
        row, name, operands = self.parts[node]
        slots: list[Item] = [(k, SUM, False) for k in operands]
        if node in self.tape.written and name in MARKED:
            return self.marked(node, name, operands)
        if row in (ADD, SUB):
            sign = " + " if row is ADD else " - "
            return [slots[0], sign, (operands[1], PRODUCT, False)]
        if row is NEG:
            alone = bare and level == SUM  # as in -(a + b)/c, whose sign goes to the front
            return ["" if bare else "-", (operands[0], SUM if alone else PRODUCT, False)]
        if row is MUL:
            left, right = operands
            hidden = self.binds[right] < FRACTION  # then it stands in parentheses
            sign = r" \cdot " if hidden or self.digit[right] else r"\,"
            if self.array[left] and self.array[right]:
                sign = r" \odot "
                if self.is_product(left):
                    return [(left, FRACTION, False), sign, (right, FRACTION, False)]
            return [(left, NEGATIVE, bare), sign, (right, FRACTION, False)]
        if row is DIV:
            minus = self.negative[node]
            sign = "-" if minus and not bare else ""
            return [sign + r"\frac{", (operands[0], SUM, minus), "}{", slots[1], "}"]
        if row is POW:
            return ["{", (operands[0], ATOM, False), "}^{", slots[1], "}"]
        if row is IDENTITY:
            return slots
        if row is IF:
            sign = comparison_of(self.tape, node)
            sign = f" {COMPARISONS.get(sign, sign)} "
            return [
                r"\begin{cases}",
                slots[2],
                r" & \text{if } ",
                slots[0],
                sign,
                slots[1],
                r" \\ ",
                slots[3],
                r" & \text{otherwise}\end{cases}",
            ]
        return self.call(node, row, name, slots)

    def marked(self, node: int, name: str, operands: tuple[int, ...]) -> list[Item]:
        """A matrix product, a transpose, an index or an array; and what an index takes."""
        written = self.tape.written[node]
        if name in ("put", "take"):
            row, inside = written
            head: list[Item] = [rf"\operatorname{{{name}}}\left(", (operands[0], SUM, False), ", "]
            return [*head, *self.selected(row, inside, operands[1:]), r"\right)"]
        if name == "matmul":
            left, right = operands
            level = PRODUCT if self.is_product(right) else FRACTION  # either way it is the same
            sign = r" \cdot " if self.digit[right] or self.binds[right] < level else r"\,"
            first = FRACTION if self.by_element(left) else PRODUCT
            return [(left, first, False), sign, (right, level, False)]
        if name == "transpose":
            return ["{", (operands[0], ATOM, False), r"}^{\top}"]
        if name == "index":
            return self.selected(self.tape.operations[node], written, operands)
        width = written[-1]
        result: list[Item] = [r"\begin{pmatrix}"]
        for k, operand in enumerate(operands):
            between = "" if not k else " & " if k % width else r" \\ "
            result += [between, (operand, SUM, False)]
        return [*result, r"\end{pmatrix}"]

    def selected(self, row: Operation, written: Any, operands: tuple[int, ...]) -> list[Item]:
        """An index, or a call that selects."""
        if row.name == "index":
            below: list[Item] = [
                (operands[piece[0]], SUM, False)
                if isinstance(piece, tuple)
                else piece.replace(":", "{:}")
                for piece in place_pieces(written)
            ]
            return ["{", (operands[0], ATOM, False), "}_{", *below, "}"]
        listed: list[Item] = []
        for k, operand in enumerate(operands):
            listed += [", " * bool(k), (operand, SUM, False)]
        return [rf"\operatorname{{{escaped(row.name)}}}\left(", *listed, r"\right)"]

    def call(self, node: int, row: Operation | None, name: str, slots: list[Item]) -> list[Item]:
        """A function by its sign, or by its name."""
        sign = row.latex if row else ""
        if row and SLOT.search(sign):
            pieces: list[Item] = list(SLOT.split(sign))  # every second one is an operand's name
            places = [row.operands.index(operand) for operand in SLOT.findall(sign)]
            pieces[1::2] = [slots[place] for place in places]
            return pieces
        block = self.tape.blocks.get(node)
        minus = "-" * (block is not None and block.mirrored)
        listed: list[Item] = []
        for k, slot in enumerate(slots):
            listed += [", " * bool(k) + minus, slot]
        axis = self.tape.written.get(node)
        if isinstance(axis, int):
            listed.append(rf", \text{{axis}} = {axis}")
        head = sign or rf"\operatorname{{{escaped(name)}}}"
        return [head + r"\left(", *listed, r"\right)"]


def expression(
    tape: Graph, root: int, leaf: Callable[[int], Leaf | None], arrays: Collection[str] = ()
) -> str:
    """A node of a tape; leaf: the LaTeX of a node that is not looked into, None for the others.

    arrays: the names that are vectors and matrices.
    """
    return "".join(Writer(tape, root, leaf, arrays).pieces())


def by_names(tape: Graph, names: Mapping[int, str]) -> Callable[[int], Leaf | None]:
    """Leaves: the nodes that have names, and constants."""

    def leaf(node: int) -> Leaf | None:
        if node in names:
            return Leaf(name_latex(names[node]))
        return constant_leaf(tape.constants[node]) if node in tape.constants else None

    return leaf


def rule(rule: Rule) -> str:
    """A local gradient as a formula."""
    return expression(rule.tape, rule.node, by_names(rule.tape, rule.tape.names))


def formula(shown: Formula) -> str:
    """A node over the names of its operands; what is not evaluated is written out, where short."""
    trace, root = shown.trace, shown.node.index
    tape = trace.tape
    others = by_names(tape, tape.names)
    hidden = {k for k in tape.operands[root] if k not in trace.by_index and k not in tape.constants}

    def leaf(node: int) -> Leaf | None:
        if node == root:
            return None
        if node in trace.by_index and node not in tape.constants:
            return Leaf(name_latex(trace.name(node)))
        if node in hidden and branch_text(tape, node).text == "...":
            return Leaf(r"\ldots")
        return others(node)

    return expression(tape, root, leaf)


def written(shown: Written) -> str:
    """A formula of the language over nodes; what is no program stands as it is."""
    try:
        graph = parse(shown.text, internal=True).bind(shown.arrays)
    except BackpropError:
        return rf"\texttt{{{escaped(shown.text)}}}"
    return expression(graph, graph.output, by_names(graph, graph.names), shown.arrays)


def indexed(shown: Indexed) -> str:
    """An element as a formula over elements."""
    start = rf"\sum_{{{', '.join(shown.over)}}} " if shown.over else ""
    return start + rule(shown.rule)


def shape_latex(text: str) -> str:
    r"""A shape as it is declared: `3x4` as `3 \times 4`."""
    return r" \times ".join(text.split("x"))


def tensor_latex(tensor: Any, digits: int) -> str:
    """A vector as a column, or a matrix; a large one in words."""
    from ...arrays.text import inline, is_large  # which numbers alone do not need

    if is_large(tensor) or any(number is None for number in tensor.numbers):
        return rf"\text{{{escaped(inline(tensor, digits))}}}"
    width = tensor.shape[1] if len(tensor.shape) == 2 else 1
    cells = [figure(Figure(x, digits)) for x in tensor.numbers]
    if not tensor.shape:
        return cells[0]
    rows = [" & ".join(cells[k : k + width]) for k in range(0, len(cells), width)]
    return rf"\begin{{pmatrix}}{(chr(92) * 2).join(rows)}\end{{pmatrix}}"


def grid(shown: Grid) -> str:
    """A vector or a matrix, a vector as a row; a large one in words."""
    from ...arrays.text import is_large  # which numbers alone do not need

    tensor, text = shown.tensor, str(shown)
    if is_large(tensor) or any(number is None for number in tensor.numbers):
        return rf"\text{{{escaped(text)}}}"
    width = tensor.shape[-1]
    cells = [figure(Figure(x, shown.digits)) for x in tensor.numbers if x is not None]
    rows = [" & ".join(cells[k : k + width]) for k in range(0, len(cells), width)]
    return rf"\begin{{pmatrix}}{(chr(92) * 2).join(rows)}\end{{pmatrix}}"


def chain(first: Operation, figures: Sequence[Figure], signs: Sequence[Operation]) -> str:
    """Figures with operators between them."""
    tape = Graph()
    leaves: dict[int, Leaf] = {}
    root = -1
    for k, (shown, operator) in enumerate(zip(figures, [first, *signs], strict=True)):
        node = tape.variable(f"x{k}")
        leaf = figure_leaf(shown)
        leaves[node] = leaf._replace(negative=leaf.negative and operator is not SUB)
        root = tape.add(operator, (root, node)) if k else node
    return expression(tape, root, leaves.get)


def side(shown: Side) -> str:
    """One side of an equation; the sign of a local gradient as a partial derivative."""
    if isinstance(shown, str):
        return name_latex(shown)
    if isinstance(shown, Partial):
        return rf"\frac{{\partial {name_latex(shown.of)}}}{{\partial {name_latex(shown.by)}}}"
    if isinstance(shown, Figure):
        return figure(shown)
    if isinstance(shown, Product):
        return chain(MUL, shown.factors, [MUL] * (len(shown.factors) - 1))
    if isinstance(shown, Total):
        signs = [SUB if sign(term.number) < 0 else ADD for term in shown.terms[1:]]
        return chain(ADD, shown.terms, signs)
    if isinstance(shown, Grid):
        return grid(shown)
    if isinstance(shown, Written):
        return written(shown)
    if isinstance(shown, Indexed):
        return indexed(shown)
    return rule(shown) if isinstance(shown, Rule) else formula(shown)


def equation(sides: Iterable[Side]) -> str:
    """Sides with signs of equality between them."""
    return " = ".join(map(side, sides))
