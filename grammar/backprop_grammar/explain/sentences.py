"""What a teacher says about an operation: its rule, what it selects, what it skips.

The insight: a sentence is allowed only where the trace proves it. What holds for an operation
everywhere stands in a table; what depends on the numbers asks the edges of the trace, which
know what was selected and what tied, because rounded values do not.
"""

from ..numbers.decimal import decimal
from ..numbers.wide import exists
from ..operations.table import OPERATIONS
from ..trace.index import Scene, positions, sign
from ..trace.record import Edge, Node
from .document import Piece, Pieces, formula, listed, name, say

__all__ = [
    "MANY",
    "heading",
    "names",
    "ordinal",
    "passes_nothing",
    "rule_sentence",
    "selected",
    "selection",
    "times",
]

LONG_FORMULA = 200
"""Characters of the longest formula that a heading repeats."""

RULES = {
    "exp": "The local gradient of exp is its own value.",
    "log": "The local gradient of log is one over its operand.",
    "sqrt": "The local gradient of sqrt is one over twice the root.",
    "sin": "The local gradient of sin is the cosine of its operand.",
    "cos": "The local gradient of cos is minus the sine of its operand.",
    "abs": "The local gradient of abs is the sign of its operand.",
    "sign": "sign is flat on both sides of 0.",
    "sigmoid": "The local gradient of sigmoid is its value times one minus its value.",
    "tanh": "The local gradient of tanh is one minus the square of its value.",
    "softplus": "The local gradient of softplus is the sigmoid of its operand.",
    "logsumexp": "The local gradient of logsumexp for an operand is the share of its exponential "
    "in the sum of the exponentials.",
}
"""What holds wherever the operation has a local gradient and stands on no kink."""

QUOTIENT = (
    "the local gradient for the numerator is one over the denominator",
    "the local gradient for the denominator is minus the quotient over the denominator",
)

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")


def heading(scene: Scene, node: Node) -> Piece:
    """`q = x + y = 3`."""
    number = decimal(node.value, scene.digits)
    if not node.operation or len(node.formula) > LONG_FORMULA:
        return formula("value", node.name, number)
    return formula("value", node.name, node.formula, number)


def ordinal(k: int) -> str:
    """The place of operand k in words."""
    return f"{ORDINALS[k]} operand" if k < len(ORDINALS) else f"operand {k + 1}"


def times(count: int) -> str:
    """How often, in words."""
    return "twice" if count == 2 else f"{count} times"


def rule_sentence(scene: Scene, node: Node) -> Pieces:
    """What holds for the operation as such, where it is worth a sentence."""
    operation = node.operation
    if not all(exists(edge.local) for edge in node.edges):
        return []
    if node.name in scene.kinks:
        return kink_sentence(node)
    if node.kind == "block":
        many = len(node.edges) > 1
        comes = "local gradients come" if many else "local gradient comes"
        return say("{} is a block: its {} from the whole of its body.", operation, comes)
    if operation in RULES:
        return say(RULES[operation])
    if operation == "mul":
        if len(node.edges) == 1:
            return say("In a product, the local gradient for one operand is the other operand.")
        return say("A product swaps: the local gradient for one operand is the other operand.")
    places = positions(node)
    if operation == "div":
        return say("In a quotient, {}.", ", and ".join(QUOTIENT[k] for k in places))
    if operation == "pow" and places == [0] and sign(scene.value(node.operands[0])):
        return say("The power rule gives the local gradient.")
    return []


def kink_sentence(node: Node) -> Pieces:
    """On a kink, where the backward pass had to choose."""
    if node.kind == "block":
        return say("{} stands on a kink here.", node.operation)
    if node.operation == "sign":
        return []
    row = OPERATIONS[node.operation]
    at = say("at {} = 0", name(node.operands[0])) if row.kinks == ("x",) else "here"
    if node.operation == "clamp":
        return say("clamp has a kink here; its operand and the limit share the gradient.")
    return say("{} has a kink {}; the subgradient of smallest norm is used.", node.operation, at)


def selected(edge: Edge) -> bool:
    """Whether an operation that routes sends its gradient to this operand."""
    return edge.routed and not (isinstance(edge.local, float) and edge.local == 0)


def selection(scene: Scene, node: Node) -> Pieces:
    """Why an operation that routes chooses as it does: which operand it selects."""
    if node.operation in ("max", "min"):
        return extreme(scene, node)
    if node.operation == "if":
        return branch(scene, node)
    if node.operation == "relu":
        return rectified(scene, node)
    return clamped(scene, node)


def extreme(scene: Scene, node: Node) -> Pieces:
    """A max or min: the one it selects, or those that tie."""
    chosen = [edge for edge in node.edges if selected(edge)]
    few = len(node.operands) == 2
    word = {"max": ("larger", "largest"), "min": ("smaller", "smallest")}[node.operation][not few]
    if not chosen:
        return say(
            "What {} selects is not differentiated, so it passes nothing on.", node.operation
        )
    if chosen[0].rule == "1":
        return say("{} routes everything to {}, the {} one.", node.operation, name(chosen[0].operand), word)  # fmt: skip
    share = chosen[0].rule
    ties = share.removeprefix("1/")
    if len(set(node.operands)) == 1:
        return say("All operands of {} are {}, so they tie, and each has a share of {}.", node.operation, name(chosen[0].operand), share)  # fmt: skip
    return say("{} of the operands of {} tie for the {} value, so each of them has a share of {}.",
               ties, node.operation, {"max": "largest", "min": "smallest"}[node.operation], share)  # fmt: skip


def branch(scene: Scene, node: Node) -> Pieces:
    """An if: the branch that its condition selects."""
    chosen = [edge for edge in node.edges if selected(edge)]
    on = ""
    if node.name in scene.boundaries:
        on = " The point stands exactly on the boundary of the condition; the gradient is that of the branch it selects."
    if not chosen:
        return say("The selected branch of the if is not differentiated, so it passes nothing on.{}", on)  # fmt: skip
    return say("The condition selects {}, so everything goes there; the condition itself receives nothing.{}",
               name(chosen[0].operand), on)  # fmt: skip


def rectified(scene: Scene, node: Node) -> Pieces:
    """A relu: on, off, or at its kink."""
    operand = node.operands[0]
    if node.name in scene.kinks:
        return say("{} is 0, where relu has a kink; the subgradient of smallest norm, 0, is used.", name(operand))  # fmt: skip
    if any(selected(edge) for edge in node.edges):
        return say("{} is positive, so relu lets everything through.", name(operand))
    return say("{} is negative, so relu is off and lets nothing through.", name(operand))


def clamped(scene: Scene, node: Node) -> Pieces:
    """A clamp: within its bounds, on one, or beyond one."""
    x, low, high = (name(operand) for operand in node.operands)
    if node.name in scene.kinks:
        return say("{} stands on a bound of clamp, which is a kink; operands that are equal there share the gradient equally.", x)  # fmt: skip
    chosen = [k for k, edge in zip(positions(node), node.edges, strict=True) if selected(edge)]
    if chosen == [0]:
        return say("{} lies between the bounds {} and {}, so clamp routes everything to it.", x, low, high)  # fmt: skip
    if chosen == [1]:
        return say("{} lies below the bound {}, so clamp routes everything to the bound.", x, low)
    if chosen == [2]:
        return say("{} lies above the bound {}, so clamp routes everything to the bound.", x, high)
    return say("What clamp selects is not differentiated, so it passes nothing on.")


def passes_nothing(scene: Scene, node: Node) -> Pieces:
    """The operands that are not differentiated, and why."""
    if node.operation == "if" or not node.edges:
        return []
    reached = {edge.operand for edge in node.edges}
    operands = node.operands
    row = OPERATIONS.get(node.operation)
    if row and row.defaults and node.kind == "operation" and "," not in node.formula:
        operands = operands[:1]  # without a default that nobody wrote
    left = list(dict.fromkeys(operand for operand in operands if operand not in reached))
    constants = [operand for operand in left if is_constant(scene, operand)]
    others = [operand for operand in left if not is_constant(scene, operand)]
    sentences: Pieces = []
    if constants:
        one = len(constants) == 1
        thing, never = (
            ("constant", "it never changes") if one else ("constants", "they never change")
        )
        sentences += say("Nothing is sent to the {} {}: {}.", thing, names(constants), never)
    if others:
        verb = "is" if len(others) == 1 else "are"
        sentences += say("{}{} {} not differentiated here, so nothing is sent there.",
                         " " if constants else "", names(others), verb)  # fmt: skip
    return sentences


def is_constant(scene: Scene, operand: str) -> bool:
    node = scene.nodes.get(operand)
    return node is not None and node.kind == "constant"


MANY = 8
"""Names after which a list is cut."""


def names(items: list[str]) -> Pieces:
    """Names in a row, cut where there are very many."""
    if len(items) <= MANY:
        return listed([name(item) for item in items])
    shown: list[Piece | Pieces] = [name(item) for item in items[: MANY - 2]]
    return listed([*shown, say(f"{len(items) - MANY + 2:,} more")])
