"""Local gradients as formulas: the rules of the table over the nodes of a program.

A rule is a node of a tape of symbols, so it is shown, set in LaTeX, evaluated and compared
without anything being read back.
"""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, NamedTuple

from ..blocks.names import Names
from ..language.graph import Function, Graph
from ..language.printer import expression_text
from ..language.table_texts import texts
from ..operations.row import Operation
from .gradient import gradient
from .simplify import ADD, DIV, NEG, Symbols
from .tape import SharedTape

__all__ = ["Rule", "Rules"]

LONGEST = 100
"""Characters of the longest derived rule of a block that is spelled out."""

LARGEST = 60
"""Nodes of the largest function whose rules are derived."""


class Rule(NamedTuple):
    """A local gradient as a formula: a node of a tape, whose leaves are named as they are shown."""

    tape: Graph
    node: int

    def __str__(self) -> str:
        name = self.tape.names.get(self.node)
        return expression_text(self.tape, self.node).text if name is None else name

    @property
    def number(self) -> float | None:
        """The number that it is, whatever the values of the nodes; None for other formulas."""
        value = self.tape.constants.get(self.node)
        return value if isinstance(value, float) else None

    @property
    def is_one(self) -> bool:
        """Whether the local gradient is 1 everywhere."""
        return self.number == 1


class Rules:
    """The rules of the nodes of one program, over the names of its visible nodes."""

    def __init__(self, graph: Graph, names: Names) -> None:
        self.graph = graph
        self.names = names
        self.given: dict[int, dict[int, list[int]]] = {}  # see places
        self.leaves = SharedTape()  # of the rules that are a number or a node

    def constant(self, value: float) -> Rule:
        """A number as a rule."""
        return Rule(self.leaves.tape, self.leaves.constant(value))

    def share(self, ties: int) -> Rule:
        """What one of so many operands that tie gets."""
        if ties == 1:
            return self.constant(1.0)
        below = self.leaves.constant(float(ties))
        return Rule(self.leaves.tape, self.leaves.plain(DIV, (self.leaves.constant(1.0), below)))

    def leaf(self, node: int) -> Rule:
        """A node as a rule."""
        return Rule(self.leaves.tape, self.symbol(self.leaves, node))

    def symbol(self, symbols: SharedTape, node: int) -> int:
        """The leaf that stands for a node of the program."""
        constant = self.graph.constants.get(node)
        return (
            symbols.variable(self.names.of[node])
            if constant is None
            else symbols.constant(constant)
        )

    def operation(self, row: Operation, k: int, node: int, values: Sequence[Any] = ()) -> Rule:
        """The local gradient of a node of that row for its operand k.

        values: of the operands and the node; given, a rule such as `if(x > 0, 1, 0)` is the side
        it takes.
        """
        symbols = Symbols()
        rule = self.derived(symbols, row, k, self.graph.operands[node], node, values)
        return Rule(symbols.tape, rule)

    def derived(
        self,
        symbols: Symbols,
        row: Operation,
        k: int,
        operands: Sequence[int],
        node: int,
        values: Sequence[Any],
        mirrored: bool = False,
    ) -> int:
        """The symbol of a row's local gradient for operand k of nodes of the program; mirrored: at
        minus these.
        """

        def leaf(operand: int) -> int:
            symbol = self.symbol(symbols, operand)
            return symbols.apply(NEG, (symbol,)) if mirrored else symbol

        if row.variadic:
            text = texts(row).shown[0]
            leaves = {"x": leaf(operands[k]), "n": symbols.constant(float(len(operands)))}
        else:
            text = texts(row).shown[k]
            leaves = dict(zip(row.operands, map(leaf, operands), strict=True))
        leaves["out"] = self.symbol(symbols, node)
        known = dict(zip((*row.operands, "out"), values, strict=True)) if values else {}
        return symbols.rule(text, leaves, known)

    def block(
        self, node: int, k: int, row: Operation | None, values: Sequence[Any] = ()
    ) -> Rule | None:
        """The local gradient of a block for its operand k, or None where it has no short formula.

        k: the first place of an operand, which may be given twice. row: of the table, if the block
        is one of its functions. values: of the block's operands and the block, where they are known.
        """
        block = self.graph.blocks[node]
        places = self.places(node)[block.operands[k]]
        symbols = Symbols()
        find: Callable[[int], int | None]
        if row is not None:
            given = () if row.variadic or block.mirrored else values

            def find(i: int) -> int | None:
                operands, mirrored = block.operands, block.mirrored
                rule = self.derived(symbols, row, i, operands, node, given, mirrored)
                return symbols.apply(NEG, (rule,)) if block.mirrored else rule

        elif block.function is not None:
            find = self.function(symbols, block.function, block.operands, node)
        else:
            return None
        parts = [find(i) for i in places]
        rules = [part for part in parts if part is not None]
        if not rules or len(rules) < len(places):
            return None
        if len(rules) > 1:  # parameters of one name are one symbol, so x + x is 2*x
            alike: dict[str, int] = {}
            texts_of = [expression_text(symbols.tape, rule).text for rule in rules]
            rules = [
                alike.setdefault(text, rule) for text, rule in zip(texts_of, rules, strict=True)
            ]
        return Rule(symbols.tape, reduce(lambda a, b: symbols.apply(ADD, (a, b)), rules))

    def places(self, node: int) -> dict[int, list[int]]:
        """The places at which each operand of a block is given."""
        if node not in self.given:
            self.given[node] = {}
            for place, operand in enumerate(self.graph.blocks[node].operands):
                self.given[node].setdefault(operand, []).append(place)
        return self.given[node]

    def function(
        self, symbols: Symbols, function: Function, operands: Sequence[int], node: int
    ) -> Callable[[int], int | None]:
        """The local gradients of a function of the program, by the backward pass over symbols.

        The result's name stands for its formula where a rule uses it, as in `q*(1 - q)`.
        """
        body = function.body
        if function.size > LARGEST:
            return lambda _: None
        whole = Graph()
        parameters = tuple([whole.variable(name) for name in body.variables])
        output = whole.inline(Function.of("", tuple(body.variables), body), parameters, (0, 0), 0)
        given = dict(zip(function.parameters, operands, strict=True))
        own = {}
        for name in body.variables:
            value = self.graph.constants.get(given[name])
            own[name] = symbols.variable(name) if value is None else symbols.constant(value)
        result = symbols.copy(whole, own)[output]
        tape = symbols.tape

        def find(i: int) -> int | None:
            (slope,) = gradient(symbols, result, [own[function.parameters[i]]])
            named()
            if slope in tape.names or slope in tape.constants:
                return slope
            return None if expression_text(tape, slope, longest=LONGEST).text == "..." else slope

        def named() -> None:
            """Give the parameters the names of the operands, and the result that of the node."""
            for name, leaf in own.items():
                if leaf not in tape.constants:
                    tape.names[leaf] = self.names.of[given[name]]
            if result not in own.values() and result not in tape.constants:
                tape.names[result] = self.names.of[node]

        return find
