"""What a teacher says about an operation: its rule, what it selects, what it skips.

A sentence is allowed only where the trace proves it. What holds for an operation everywhere stands
in a table; what depends on the numbers asks the edges of the trace, which know what was selected
and what tied, because rounded values do not.
"""

from collections.abc import Sequence

from ..language.precedence import shown_operands
from ..numbers.wide import exists, sign
from ..operations.row import Operation, Role
from ..operations.table import DIV, IF, POW
from ..trace.index import Index
from ..trace.record import Edge, Node
from .document import Figure, Formula, Piece, Pieces, formula, listed, name, say

__all__ = [
    "LONG_FORMULA",
    "MANY",
    "heading",
    "names",
    "nothing_sent",
    "ordinal",
    "passes_nothing",
    "row_sentence",
    "rule_sentence",
    "selected",
    "selection",
    "times",
]

LONG_FORMULA = 200
"""Characters of the longest formula that a heading repeats."""

QUOTIENT = (
    "the local gradient for the numerator is one over the denominator",
    "the local gradient for the denominator is minus the quotient over the denominator",
)

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")


def heading(index: Index, node: Node) -> Piece:
    """`q = x + y = 3`."""
    number = Figure(node.value, index.digits)
    if node.operation:
        text = Formula(index.trace, node)
        if len(str(text)) <= LONG_FORMULA:
            return formula("value", node.name, text, number)
    return formula("value", node.name, number)


def ordinal(k: int) -> str:
    """The place of operand k in words."""
    return f"{ORDINALS[k]} operand" if k < len(ORDINALS) else f"operand {k + 1}"


def times(count: int) -> str:
    """How often, in words."""
    return "twice" if count == 2 else f"{count} times"


def rule_sentence(index: Index, node: Node) -> Pieces:
    """What holds for the operation as such, where it is worth a sentence."""
    operation = node.operation
    if not all(exists(edge.local) for edge in node.edges):
        return []
    if node.name in index.kinks:
        return kink_sentence(index, node)
    if node.kind == "block":
        many = len(node.edges) > 1
        comes = "local gradients come" if many else "local gradient comes"
        return say("{} is a block: its {} from the whole of its body.", operation, comes)
    if node.row is None:
        return []
    base = bool(sign(index.value(node.operands[0]) or 0.0))
    return row_sentence(node.row, [edge.place for edge in node.edges], base)


def row_sentence(row: Operation, places: Sequence[int], base: bool) -> Pieces:
    """What holds for a row everywhere off its kinks; or nothing.

    places: of the operands that are sent something. base: whether the first operand is not 0.
    """
    if row.says:
        return say(row.sentence)
    if row.role is Role.SWAPS:
        if len(places) == 1:
            return say("In a product, the local gradient for one operand is the other operand.")
        return say("A product swaps: the local gradient for one operand is the other operand.")
    if row is DIV:
        return say("In a quotient, {}.", ", and ".join(QUOTIENT[k] for k in places))
    if row is POW and list(places) == [0] and base:
        return say("The power rule gives the local gradient.")
    return []


def kink_sentence(index: Index, node: Node) -> Pieces:
    """On a kink, where the backward pass had to choose."""
    if node.kind == "block":
        return say("{} stands on a kink here.", node.operation)
    row = node.row
    if row is None or row.jump:
        return []
    at: Pieces | str = "here"
    if row.kinks == ("x",):
        at = say("at {} = 0", name(index.trace.name(node.operands[0])))
    return say("{} has a kink {}; {}.", row.name, at, row.at_kink)


def selected(edge: Edge) -> bool:
    """Whether an operation that routes sends its gradient to this operand."""
    return edge.routed and not (isinstance(edge.local, float) and edge.local == 0)


def selection(index: Index, node: Node) -> Pieces:
    """Why an operation that routes chooses as it does: which operand it selects."""
    row = node.row
    assert row is not None
    if row.selects:
        return extreme(index, node)
    if row is IF:
        return branch(index, node)
    if row.rectifies:
        return rectified(index, node)
    if row.clamps:
        return clamped(index, node)
    if node.name in index.kinks:
        return kink_sentence(index, node)
    chosen = list(dict.fromkeys(edge.operand for edge in node.edges if selected(edge)))
    if not chosen:
        return say(
            "What {} selects is not differentiated, so it passes nothing on.", node.operation
        )
    return say("{} selects {}.", node.operation, names([index.trace.name(k) for k in chosen]))


def ties_of(edge: Edge) -> int:
    """How many operands tie, of which this edge leads to one: each gets an equal share."""
    local = edge.local if isinstance(edge.local, float) else edge.local.nearest
    return round(1 / local) if local else 1


def extreme(index: Index, node: Node) -> Pieces:
    """A max or min: the one it selects, or those that tie."""
    chosen = [edge for edge in node.edges if selected(edge)]
    few = len(node.operands) == 2
    first = name(index.trace.name(chosen[0].operand)) if chosen else name("")
    assert node.row is not None
    words = ("larger", "largest") if node.row.selects > 0 else ("smaller", "smallest")
    word = words[not few]
    if not chosen:
        return say(
            "What {} selects is not differentiated, so it passes nothing on.", node.operation
        )
    if chosen[0].rule is not None and chosen[0].rule.is_one:
        return say("{} routes everything to {}, the {} one.", node.operation, first, word)
    ties = ties_of(chosen[0])
    share = f"1/{ties}"
    if len(set(node.operands)) == 1:
        template = "All operands of {} are {}, so they tie, and each has a share of {}."
        return say(template, node.operation, first, share)
    template = "{} of the operands of {} tie for the {} value, so each of them has a share of {}."
    return say(template, f"{ties}", node.operation, words[1], share)


def branch(index: Index, node: Node) -> Pieces:
    """An if: the branch that its condition selects."""
    chosen = [edge for edge in node.edges if selected(edge)]
    on = ""
    if node.name in index.boundaries:
        on = " The point stands exactly on the boundary of the condition; the gradient is that of the branch it selects."
    if not chosen:
        return say(
            "The selected branch of the if is not differentiated, so it passes nothing on.{}", on
        )
    return say(
        "The condition selects {}, so everything goes there; the condition itself receives nothing.{}",
        name(index.trace.name(chosen[0].operand)),
        on,
    )


def rectified(index: Index, node: Node) -> Pieces:
    """A relu: on, off, or at its kink."""
    operand, relu = name(index.trace.name(node.operands[0])), node.operation
    if node.name in index.kinks:
        template = "{} is 0, where {} has a kink; the subgradient of smallest norm, 0, is used."
        return say(template, operand, relu)
    side = "positive" if sign(index.value(node.operands[0]) or 0.0) > 0 else "negative"
    if any(selected(edge) for edge in node.edges):
        return say("{} is {}, so {} lets everything through.", operand, side, relu)
    return say("{} is {}, so {} is off and lets nothing through.", operand, side, relu)


def clamped(index: Index, node: Node) -> Pieces:
    """A clamp: within its bounds, on one, or beyond one."""
    x, low, high = (name(index.trace.name(operand)) for operand in node.operands)
    clamp = node.operation
    if node.name in index.kinks:
        return say(
            "{} stands on a bound of {}, which is a kink; operands that are equal there share the gradient equally.",
            x,
            clamp,
        )
    chosen = [edge.place for edge in node.edges if selected(edge)]
    if chosen == [0]:
        template = "{} lies between the bounds {} and {}, so {} routes everything to it."
        return say(template, x, low, high, clamp)
    template = "{} lies {} the bound {}, so {} routes everything to the bound."
    if chosen == [1]:
        return say(template, x, "below", low, clamp)
    if chosen == [2]:
        return say(template, x, "above", high, clamp)
    return say("What {} selects is not differentiated, so it passes nothing on.", clamp)


def passes_nothing(index: Index, node: Node) -> Pieces:
    """The operands that are not differentiated, and why."""
    if node.row is IF or not node.edges:
        return []
    reached = {edge.operand for edge in node.edges}
    operands = node.operands
    if node.row and node.row.defaults and node.block is None:
        constants_of = index.trace.tape.constants.get
        operands = operands[: shown_operands(node.row, [constants_of(k) for k in operands])]
    left = list(dict.fromkeys(operand for operand in operands if operand not in reached))
    constants = [index.trace.name(k) for k in left if index.is_constant(k)]
    others = [index.trace.name(k) for k in left if not index.is_constant(k)]
    return nothing_sent(constants, others)


def nothing_sent(constants: list[str], others: list[str]) -> Pieces:
    """That constants, and operands that are not differentiated, receive nothing; or nothing."""
    sentences: Pieces = []
    if constants:
        one = len(constants) == 1
        thing, never = (
            ("constant", "it never changes") if one else ("constants", "they never change")
        )
        sentences += say("Nothing is sent to the {} {}: {}.", thing, names(constants), never)
    if others:
        verb = "is" if len(others) == 1 else "are"
        template = "{}{} {} not differentiated here, so nothing is sent there."
        sentences += say(template, " " if constants else "", names(others), verb)
    return sentences


MANY = 8
"""Names after which a list is cut."""


def names(items: list[str]) -> Pieces:
    """Names in a row, cut where there are very many."""
    if len(items) <= MANY:
        return listed([name(item) for item in items])
    shown: list[Piece | Pieces] = [name(item) for item in items[: MANY - 2]]
    return listed([*shown, say(f"{len(items) - MANY + 2:,} more")])
