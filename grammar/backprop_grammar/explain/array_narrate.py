"""The backward pass over arrays in words: one paragraph a node, from the output back.

As over numbers, a node adds up what it receives and hands on what its rule says. What is new are
shapes: why a product is an outer one, why something is transposed, along what is summed.
"""

from collections.abc import Sequence

from ..arrays.record import ArrayEdge, ArrayNode, ArrayTrace, Tensor
from ..arrays.vjp import UP
from ..language.graph import Array
from ..operations.shape import said
from ..operations.structural import INDEX, Structural
from ..operations.table import IF
from .array_elements import Elements
from .array_lookup import find, nothing
from .array_structure import Structure
from .document import (
    Explanation,
    Fact,
    Figure,
    Paragraph,
    Partial,
    Piece,
    Pieces,
    Side,
    formula,
    gradient,
    listed,
    name,
    say,
)
from .narrate import joined
from .sentences import LONG_FORMULA, MANY, names, nothing_sent

__all__ = ["Teller", "explain"]


def explain(trace: ArrayTrace, digits: int = 6, node: str = "") -> Explanation:
    """The backward pass of a trace over arrays in words; as narrate.explain."""
    teller = Teller(trace, digits)
    if node:
        chosen = [find(trace, node)]
    else:
        shown = [n for n in trace.nodes if n.gradient is not None]
        chosen = [n for n in reversed(shown) if n.operation]
        chosen += [n for n in shown if not n.operation]
    paragraphs = tuple([teller.paragraph(n) for n in chosen])
    return Explanation("explain", node, trace, tuple(teller.headline()), paragraphs)


class Teller(Structure, Elements):
    """Says what happens at the nodes of a trace over arrays."""

    def heading(self, node: ArrayNode) -> Piece:
        """`q = W @ x = [0.22, 0.26]`."""
        sides: list[Side] = [node.name]
        if node.operation and len(node.formula) <= LONG_FORMULA:
            sides.append(self.written(node.formula))
        return formula("value", *sides, self.side(node.value))

    def headline(self) -> Pieces:
        trace = self.trace
        output, top = self.by_index.get(trace.output), trace.output_name
        what = (
            formula("value", top, self.side(trace.value))
            if output is None
            else self.heading(output)
        )
        start = say("The output is {}. ", what)
        if trace.nodes and (output is None or output.gradient is None):
            return start + say(
                "It does not depend on what is differentiated, so there is no backward pass."
            )
        given = trace.upstream
        if isinstance(given, Array):
            arrives = self.amount(Tensor(given.shape, given.numbers))
            start += say("The backward pass starts there with the upstream gradient {} that was given, of the shape of {}: {}.", arrives, name(top), said(given.shape))  # fmt: skip
        elif given == 1:
            one = Figure(1.0, self.digits)
            start += say("The backward pass starts there with the gradient {}, since {}.", gradient(1.0, self.digits), formula("gradient", Partial(top, top), one))  # fmt: skip
        else:
            start += say("The backward pass starts there with the upstream gradient {} that was given.", gradient(given, self.digits))  # fmt: skip
        other = f", not the node {UP}" if UP in self.names else ""
        return start + say(
            " Below, {} is the upstream gradient of the node at hand{}.", self.up(), other
        )

    # a node

    def paragraph(self, node: ArrayNode) -> Paragraph:
        """All about one node: what it receives, and what it sends."""
        top = (self.heading(node),)
        if node.gradient is None:
            words = say("{} is not differentiated here, so it has no gradient.", name(node.name))
            if self.is_index(node.index):
                words = say(
                    "{} holds whole numbers that select, so it has no gradient.", name(node.name)
                )
            return Paragraph(node.name, top, tuple(words))
        facts = [Fact("gradient", (node.name,), (node.gradient,))]
        for sender, edge in self.senders.get(node.index, ()):
            facts.append(Fact("receives", (node.name, sender.name), (edge.contribution,)))
        for edge in node.edges:
            ends = node.name, self.trace.name(edge.operand), self.sent(node, edge)
            facts.append(Fact("sends", ends, (node.gradient, edge.local, edge.contribution)))
        sentences = [
            self.arrival(node),
            *(self.departure(node) if node.operation else ()),
        ]
        return Paragraph(node.name, top, joined(sentences), (*facts, *self.cancelled(node)))

    def its(self, node: ArrayNode) -> str:
        return "upstream gradient" if node.edges else "gradient"

    def arrival(self, node: ArrayNode) -> Pieces:
        """What reaches a node, and that it adds up."""
        me, its, total = name(node.name), self.its(node), node.gradient
        assert total is not None
        if node.index == self.trace.output:
            return say("{} is the output; its {} is {}.", me, its, self.amount(total))
        received = self.senders.get(node.index, [])
        if not received:
            return say("No contribution reaches {}, so its gradient is {}.", me, self.amount(total))
        if len(received) > 1:
            return self.meeting(node, received, total)
        sender, edge = received[0]
        each: Pieces = []
        if node.shape and not self.shapes_told:
            self.shapes_told = True
            each = say(", one number for each number of {}", me)
        return say("{} receives {} from {}; that is its {}{}.", me, self.amount(edge.contribution), name(sender.name), its, each)  # fmt: skip

    def meeting(
        self, node: ArrayNode, received: list[tuple[ArrayNode, ArrayEdge]], total: Tensor
    ) -> Pieces:
        """Several contributions meet."""
        me, its = name(node.name), self.its(node)
        if len(received) > MANY:
            return say("{} receives {} contributions, whose sum is its {}, {}.", me, f"{len(received):,}", its, self.amount(total))  # fmt: skip
        parts: list[Piece | Pieces] = [
            say("{} from {}", self.amount(edge.contribution), name(sender.name))
            for sender, edge in received
        ]
        sentence = say("{} receives {}.", me, listed(parts))
        sentence += say(
            " Where branches meet, what comes back is added: its {} is {}.", its, self.amount(total)
        )
        places = self.cancelling(node, received, total)
        if places:
            sentence += say(" There the contributions cancel{}: none is 0, but their sum is.", self.at_places(node.name, node.shape, places))  # fmt: skip
        return sentence

    def cancelling(
        self, node: ArrayNode, received: Sequence[tuple[ArrayNode, ArrayEdge]], total: Tensor
    ) -> list[int]:
        """The places at which contributions that are not 0 add up to 0."""
        if len(received) < 2:
            return []
        return [
            k
            for k, x in enumerate(total.numbers)
            if x == 0 and any(edge.contribution.numbers[k] != 0 for _, edge in received)
        ]

    def cancelled(self, node: ArrayNode) -> list[Fact]:
        """What cancels at a node, as facts."""
        assert node.gradient is not None
        facts = []
        if self.cancelling(node, self.senders.get(node.index, []), node.gradient):
            facts.append(Fact("cause", ("cancelled", node.name)))
        facts += [
            Fact("cause", ("cancelled", node.name, self.trace.name(edge.operand)))
            for edge in node.edges
            if self.vanishing(node, edge)
        ]
        return facts

    # what it sends

    def departure(self, node: ArrayNode) -> list[Pieces]:
        """What a node hands to its operands, and why."""
        assert node.gradient is not None
        all_of = " everywhere" if node.shape else ""
        if not node.edges:
            if node.index != self.trace.output and node.index not in self.senders:
                return []
            if nothing(node.gradient):
                return [say("That is 0{}, so nothing is sent back.", all_of)]
            return [say("None of its operands is differentiated, so the walk ends here.")]
        if nothing(node.gradient) and all(nothing(edge.contribution) for edge in node.edges):
            zero = names(list(dict.fromkeys(self.trace.name(edge.operand) for edge in node.edges)))
            return [say("That is 0{}, and so is all that it sends: {}.", all_of, zero)]
        sentences = [self.evaluated(node)]
        if isinstance(node.row, Structural):
            sentences += self.structural(node)
        elif node.edges[0].kind == "structural":
            sentences += self.through_parts(node)
        elif node.edges[0].kind == "reduction":
            sentences += self.reduction(node)
        else:
            sentences += self.elementwise(node)
        return [*sentences, self.rest(node)]

    def through_parts(self, node: ArrayNode) -> list[Pieces]:
        """What a node sends that stands for several."""
        words = [say("It stands for several nodes.")]
        if not any(edge.vjp for edge in node.edges):
            words = [
                say("It stands for several nodes, through which its upstream gradient goes on.")
            ]
        return words + [self.receives(node, edge) for edge in node.edges]

    def evaluated(self, node: ArrayNode) -> Pieces:
        """Where a node is evaluated that stands in a branch."""
        places = [k for k, x in enumerate(node.value.numbers) if x is not None]
        if len(places) == len(node.value.numbers):
            return []
        return say("It stands in a branch, and is evaluated at {} only.", self.these(node.name, node.shape, places))  # fmt: skip

    def rest(self, node: ArrayNode) -> Pieces:
        """The operands that receive nothing."""
        if node.row is IF:
            return []
        reached = {edge.operand for edge in node.edges}
        left = [k for k in dict.fromkeys(node.operands) if k not in reached]
        constants = [k for k in left if k in self.graph.constants]
        selecting = [k for k in left if self.is_index(k)]
        others = [k for k in left if k not in constants and k not in selecting]
        if isinstance(node.row, Structural):  # numbers that say how, not what
            how = {node.operands[k] for k in node.row.indices if k < len(node.operands)}
            constants = [k for k in constants if k not in how]
        if node.row is INDEX:
            constants, selecting = [], [k for k in selecting if k not in self.graph.constants]
        words = nothing_sent([self.trace.name(k) for k in constants if k not in selecting], [self.trace.name(k) for k in others])  # fmt: skip
        if selecting:
            one = len(selecting) == 1
            template = "{}{} {} whole numbers that select, so {} no gradient."
            words += say(template, " " if words else "", names([self.trace.name(k) for k in selecting]), "holds" if one else "hold", "it has" if one else "they have")  # fmt: skip
        return words
