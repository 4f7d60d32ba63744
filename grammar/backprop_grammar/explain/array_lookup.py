"""What sentences about a trace over arrays look up in it, and how they set what they name."""

from collections.abc import Sequence

from ..arrays.lower import element, elements
from ..arrays.record import ArrayEdge, ArrayNode, ArrayTrace, Tensor
from ..errors import BackpropError, few, shorten, suggestion
from ..language.graph import Graph
from ..language.precedence import POWER, SIGNED
from ..language.printer import expression_text
from ..numbers.wide import exists
from ..operations.shape import Shape, size
from ..operations.structural import INDEX, Structural
from ..operations.table import DIV, MUL, NEG
from ..symbolic.rules import Rule
from . import indices
from .document import (
    Figure,
    Grid,
    Piece,
    Pieces,
    Product,
    Side,
    Written,
    formula,
    listed,
    name,
    say,
)
from .sentences import names

__all__ = ["FEW", "LINES", "ZERO", "Lookup", "find", "floats", "nothing", "scaled", "there"]

FEW = 4
"""Elements that are named one by one."""

LINES = ("column", "row")
"""What is summed along axis 0, and along axis 1."""

ZERO = 1e-9
"""What is left of sizes that add up to 0, but for rounding."""


def find(trace: ArrayTrace, label: str) -> ArrayNode:
    """The node of that name. Raises BackpropError with the nearest name."""
    node = trace.by_name.get(label)
    if node is not None and node.kind != "constant":
        return node
    known = [n.name for n in trace.nodes if n.kind != "constant"]
    hint = suggestion(label, known, f"the nodes are {few(known)}" if known else "")
    if label.partition("[")[0] in known:
        hint = f"{shorten(label)} is an element; nodes are told whole, an element by its paths, with why"
    raise BackpropError("name", f"there is no node called {shorten(label)}", hint=hint)


def floats(tensor: Tensor) -> list[float]:
    """The numbers of an array as floats; 0 for what is none."""
    return [
        x if isinstance(x, float) else (getattr(x, "nearest", None) or 0.0) for x in tensor.numbers
    ]


def there(tensor: Tensor) -> bool:
    """Whether all numbers of an array exist."""
    return all(x is not None and exists(x) for x in tensor.numbers)


def nothing(tensor: Tensor) -> bool:
    """Whether an array is 0 everywhere."""
    return all(isinstance(x, float) and x == 0 for x in tensor.numbers)


class Lookup:
    """A trace over arrays with what is said of it again and again."""

    def __init__(self, trace: ArrayTrace, digits: int) -> None:
        self.trace = trace
        self.digits = trace.precision or digits
        self.by_index = {node.index: node for node in trace.nodes}
        self.graph = trace.names.graph
        self.senders: dict[int, list[tuple[ArrayNode, ArrayEdge]]] = {}
        for node in reversed(trace.nodes):
            for edge in node.edges:
                self.senders.setdefault(edge.operand, []).append((node, edge))
        self.arrays = frozenset([node.name for node in trace.nodes if node.shape] + ["up"])
        self.names = {node.name for node in trace.nodes}
        self.letters = indices.letters(node.name for node in trace.nodes)
        self.kinks = trace.kinks
        self.selecting = self.indices()
        self.shapes_told = False
        self.jacobians_told: set[str] = set()

    def side(self, tensor: Tensor) -> Side:
        """A number, or an array, as it is shown."""
        number = None if tensor.shape else tensor.numbers[0]
        return Grid(tensor, self.digits) if number is None else Figure(number, self.digits)

    def amount(self, tensor: Tensor) -> Piece:
        return Piece("gradient", (self.side(tensor),))

    def written(self, text: str) -> Written:
        return Written(text, self.arrays)

    def name(self, operand: int) -> Piece:
        return name(self.trace.name(operand))

    def up(self) -> Piece:
        return formula("formula", self.written("up"))

    def shape(self, operand: int) -> Shape:
        node = self.by_index.get(operand)
        return node.shape if node else ()

    def at_places(self, label: str, shape: Shape, places: Sequence[int]) -> Pieces:
        """` at W[0,1] and W[1,1]`; nothing where it is everywhere."""
        if len(places) == size(shape):
            return []
        return say(" at {}", self.these(label, shape, places))

    def these(self, label: str, shape: Shape, places: Sequence[int]) -> Pieces:
        """Elements by their names, or how many they are."""
        if len(places) > FEW:
            return say(
                "{} of the {} numbers of {}", f"{len(places):,}", f"{size(shape):,}", name(label)
            )
        where = elements(shape)
        return names([element(label, where[k]) for k in places])

    def sent(self, node: ArrayNode, edge: ArrayEdge) -> str:
        """What is sent along an edge, as a formula over the nodes and `up`; where each element has
        its own, nothing.
        """
        if edge.kind == "structural":
            return edge.vjp
        if edge.rule is None or edge.kind == "reduction":
            return ""
        text = scaled(node, edge.rule)
        if text.count("if(") > 1:  # which side an element is on says more
            return ""
        along = "" if edge.fit == "all" else f", {edge.fit}"
        return f"sum({text}{along})" if edge.fit else text

    def is_index(self, operand: int) -> bool:
        """Whether a node holds an index or labels."""
        return operand in self.selecting

    def indices(self) -> set[int]:
        """The nodes that hold indices, or labels: given whole numbers, without a gradient."""
        found = set()
        for user in self.trace.nodes:
            if not isinstance(user.row, Structural):
                continue
            places = range(1, len(user.operands)) if user.row is INDEX else user.row.indices
            for operand in [user.operands[k] for k in places if k < len(user.operands)]:
                node = self.by_index.get(operand)
                if node is None or node.gradient is not None or node.kind == "constant":
                    continue
                whole = all(isinstance(x, float) and x == int(x) for x in node.value.numbers)
                if whole and (user.row is INDEX or node.shape != self.shape(user.operands[0])):
                    found.add(operand)
        return found

    def receives(self, node: ArrayNode, edge: ArrayEdge) -> Pieces:
        """`W receives up @ x.T = [[0.088, 0.176], [0.104, 0.208]]`, as a sentence.

        Stages that a text has before what is sent come first: `With h = ... and s = ..., x receives`.
        """
        *stages, _ = self.sent(node, edge).split("; ")
        parts = [stage.split(" = ", 1) for stage in stages]
        given = [formula("formula", label, self.written(text)) for label, text in parts]
        start = say("With {}, ", listed(given)) if given else []
        return start + say("{} receives {}.", self.name(edge.operand), self.what(node, edge))

    def what(self, node: ArrayNode, edge: ArrayEdge) -> Piece:
        """What is sent, and its numbers; of numbers, the product."""
        sides: list[Side] = []
        text = self.sent(node, edge)
        assert node.gradient is not None
        if not node.shape and not edge.contribution.shape and edge.local is not None:
            factors = node.gradient.numbers[0], edge.local.numbers[0], edge.contribution.numbers[0]
            if edge.kind == "elementwise" and there(Tensor((), factors)):
                first, second = (Figure(x, self.digits) for x in factors[:2] if x is not None)
                sides.append(Product((first, second)))
        elif text:
            sides.append(self.written(text.split("; ")[-1]))
        return formula("gradient", *sides, self.side(edge.contribution))


def scaled(node: ArrayNode, rule: Rule) -> str:
    """What arrives times a local gradient, as a text: `up*2*q`."""
    if rule.number == 1:
        return "up"
    if rule.number == -1:
        return "-up"
    tape, root = rule.tape, rule.node
    if root in tape.names:
        return f"up*{tape.names[root]}"
    row, text = tape.operations[root], expression_text(tape, root)
    if row is DIV and tape.constants.get(tape.operands[root][0]) == 1:
        return f"up/{expression_text(tape, tape.operands[root][1]).within(SIGNED)}"
    if row is MUL and not is_led_by_minus(tape, root):
        return f"up*{text.text}"
    return f"up*{text.within(POWER)}"


def is_led_by_minus(tape: Graph, node: int) -> bool:
    """Whether the first factor of a product has a minus sign."""
    while tape.operations[node] in (MUL, DIV):
        node = tape.operands[node][0]
    number = tape.constants.get(node)
    return tape.operations[node] is NEG or (isinstance(number, float) and number < 0)
