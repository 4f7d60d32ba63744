"""The backward pass in words: one paragraph a node, from the output back.

The insight: every node does the same three things: it adds up what it receives, it multiplies
by its local gradients, it hands the products on. So every paragraph has the same three parts,
and only the middle one asks which operation it is.
"""

from collections.abc import Sequence
from decimal import Decimal, Overflow

from ..errors import BackpropError
from ..language.parser import parse
from ..numbers.decimal import decimal
from ..numbers.wide import Number, exists
from ..trace.evaluate import evaluate
from ..trace.index import Scene, find, positions
from ..trace.record import Edge, Node, Trace
from .document import (
    Derivative,
    Explanation,
    Fact,
    Paragraph,
    Piece,
    Pieces,
    Side,
    formula,
    gradient,
    listed,
    name,
    say,
    sized,
)
from .sentences import (
    MANY,
    heading,
    names,
    ordinal,
    passes_nothing,
    rule_sentence,
    selected,
    selection,
    times,
)

__all__ = ["explain", "joined"]

MANY_BLOCKS = 1_000
"""Blocks in a trace beyond which their rules are not checked, and so not shown."""


def explain(trace: Trace, digits: int = 6, node: str = "") -> Explanation:
    """The backward pass of a trace in words.

    digits: significant digits of the numbers. node: the only node to speak about; all of them
    when empty, those without a gradient left out.

    Raises BackpropError where no node has that name.
    """
    teller = Teller(trace, digits)
    if node:
        chosen = [find(teller.scene, node)]
    else:
        shown = [n for n in trace.nodes if n.gradient is not None and n.kind != "constant"]
        chosen = [n for n in reversed(shown) if n.operation]
        chosen += [n for n in shown if not n.operation]
    return Explanation(
        "explain", node, trace.formula, trace.at, trace.output, trace.value, trace.upstream,
        tuple(teller.headline()), tuple(teller.paragraph(n) for n in chosen),
    )  # fmt: skip


def joined(sentences: Sequence[Pieces]) -> tuple[Piece, ...]:
    """Sentences as one paragraph."""
    result: Pieces = []
    for sentence in sentences:
        if sentence and result:
            result.append(Piece("text", (" ",)))
        result += sentence
    return tuple(result)


def written(numbers: Sequence[Number], digits: int) -> str:
    """A sum as it is written: `-4 + 2 - 1`."""
    pieces: list[str] = []
    for k, number in enumerate(numbers):
        text = decimal(number, digits)
        if k and text.startswith("-"):
            pieces.append(f" - {text[1:]}")
        else:
            pieces.append(f" + {text}" if k else text)
    return "".join(pieces)


def adds_up(numbers: Sequence[Number], total: Number, digits: int) -> bool:
    """Whether the numbers, rounded as they are shown, still add up to the total as it is shown."""
    try:
        shown = [Decimal(decimal(number, digits)) for number in numbers]
        goal = Decimal(decimal(total, digits))
        return abs(sum(shown) - goal) <= abs(goal) * Decimal(10) ** (2 - digits)
    except (ArithmeticError, Overflow):
        return False


class Teller:
    """Says what happens at the nodes of a trace."""

    def __init__(self, trace: Trace, digits: int) -> None:
        self.trace = trace
        self.scene = Scene(trace, digits)
        self.digits = self.scene.digits
        self.check_blocks = sum(node.kind == "block" for node in trace.nodes) <= MANY_BLOCKS

    def headline(self) -> Pieces:
        trace = self.trace
        output = self.scene.nodes.get(trace.output)
        what = heading(self.scene, output) if output else formula("value", trace.output, decimal(trace.value, self.digits))  # fmt: skip
        start: Pieces
        if trace.nodes and (output is None or output.gradient is None):
            start = say("It does not depend on what is differentiated, so there is no backward pass.")  # fmt: skip
        elif trace.upstream == 1:
            start = say(
                "The backward pass starts there with the gradient {}, since {}.",
                gradient(1.0, self.digits),
                formula("gradient", Derivative(trace.output, trace.output), "1"),
            )
        else:
            start = say("The backward pass starts there with the upstream gradient {} that was given.",
                        gradient(trace.upstream, self.digits))  # fmt: skip
        return [*say("The output is {}. ", what), *start]

    def paragraph(self, node: Node) -> Paragraph:
        """All about one node: what it receives, and what it sends."""
        scene = self.scene
        top = (heading(scene, node),)
        if node.gradient is None:
            words = say("{} is not differentiated here, so it has no gradient.", name(node.name))
            return Paragraph(node.name, top, tuple(words))
        facts = [Fact("gradient", (node.name,), (node.gradient,))]
        for sender, edge in scene.senders.get(node.name, ()):
            facts.append(Fact("receives", (node.name, sender.name), (edge.contribution,)))
        for edge in node.edges:
            if edge.routed:
                numbers = edge.upstream, edge.local, edge.contribution
                facts.append(Fact("sends", (node.name, edge.operand), numbers))
            else:
                facts.append(Fact("stops", (node.name, edge.operand)))
        sentences = [self.arrival(node), *(self.departure(node) if node.operation else ())]
        return Paragraph(node.name, top, joined(sentences), tuple(facts))

    # what a node receives

    def arrival(self, node: Node) -> Pieces:
        """What reaches a node, and that it adds up."""
        me, total, its = name(node.name), node.gradient, self.its(node)
        assert total is not None
        if node.name == self.trace.output:
            return say("{} is the output; its {} is {}.", me, its, gradient(total, self.digits))
        received = self.scene.senders.get(node.name, [])
        if not received:
            return say("No contribution reaches {}, so its gradient is {}.", me, sized(total, self.digits))  # fmt: skip
        if len(received) == 1:
            sender, edge = received[0]
            one = self.amount(edge.contribution)
            if not exists(edge.contribution):
                return say("{} receives {} from {}, so its {} is {}.", me, one, name(sender.name), its, sized(total, self.digits))  # fmt: skip
            return say("{} receives {} from {}; that is its {}.", me, one, name(sender.name), its)
        return self.meeting(node, received, total)

    def meeting(self, node: Node, received: list[tuple[Node, Edge]], total: Number) -> Pieces:
        """Several contributions meet."""
        me, its = name(node.name), self.its(node)
        numbers = [edge.contribution for _, edge in received]
        if len(received) > MANY:
            return say("{} receives {} contributions, whose sum is its {}, {}.",
                       me, f"{len(received):,}", its, sized(total, self.digits))  # fmt: skip
        counts: dict[tuple[str, str], int] = {}
        parts: list[Piece | Pieces] = []
        for sender, edge in received:
            key = sender.name, decimal(edge.contribution, self.digits)
            counts[key] = counts.get(key, 0) + 1
        for sender, edge in received:
            count = counts.pop((sender.name, decimal(edge.contribution, self.digits)), 0)
            if count:
                often = f" {times(count)}" if count > 1 else ""
                parts.append(say("{} from {}{}", self.amount(edge.contribution), name(sender.name), often))  # fmt: skip
        sentence = say("{} receives {}.", me, listed(parts))
        if not all(map(exists, [*numbers, total])):
            return sentence + say(" So its {} is {}.", its, sized(total, self.digits))
        sides = written(numbers, self.digits), decimal(total, self.digits)
        sentence += say(" They add up to its {}: {}.", its, formula("gradient", *sides))
        if not adds_up(numbers, total, self.digits):
            sentence += say(" The sum was taken before the numbers were rounded for this line.")
        return sentence

    def its(self, node: Node) -> str:
        """What a node's gradient is called: where it is passed on, it is an upstream gradient."""
        return "upstream gradient" if node.edges else "gradient"

    def amount(self, number: Number) -> Pieces:
        """A contribution as what is received: `-4`, an infinite contribution."""
        if exists(number):
            return [gradient(number, self.digits)]
        word = sized(number, self.digits).text
        return say("{} {} contribution", "a" if word.startswith("n") else "an", word)

    # what it sends

    def departure(self, node: Node) -> list[Pieces]:
        """What a node hands to its operands, and why."""
        if not node.edges and node.operation == "if" and self.reached(node):
            return [selection(self.scene, node)]
        if not node.edges:
            if self.reached(node):
                return [say("None of its operands is differentiated, so the walk ends here.")]
            return []
        sent = [edge for edge in node.edges if edge.routed]
        if node.gradient == 0 and all(edge.contribution == 0 for edge in sent):
            zero = sorted({edge.operand for edge in sent}, key=list(node.operands).index)
            if not zero:
                return [say("So there is nothing to pass on.")]
            verb = "receives" if len(zero) == 1 else "each receive"
            return [say("0 times a local gradient is 0, so {} {} 0 from it.", names(zero), verb)]
        if node.role == "router":
            return self.routed(node)
        if node.operation in ("add", "sum", "mean", "identity"):
            return [self.distributed(node), passes_nothing(self.scene, node)]
        rule = rule_sentence(self.scene, node)
        sentences = [rule, *self.scaled(node, bool(rule))]
        return [*sentences, passes_nothing(self.scene, node)]

    def reached(self, node: Node) -> bool:
        """Whether anything is sent to a node."""
        return node.name == self.trace.output or node.name in self.scene.senders

    def routed(self, node: Node) -> list[Pieces]:
        """An operation that selects: the selected operands receive, the others nothing."""
        chosen = [edge for edge in node.edges if selected(edge)]
        sentences = [selection(self.scene, node)]
        for operand in dict.fromkeys(edge.operand for edge in chosen):
            edges = [edge for edge in chosen if edge.operand == operand]
            often = f" {times(len(edges))}" if len(edges) > 1 else ""
            sentences.append(say("{} receives {}{}.", name(operand), self.product(edges[0]), often))
        receiving = {edge.operand for edge in chosen}
        rest = list(dict.fromkeys(e.operand for e in node.edges if e.operand not in receiving))
        if rest and chosen:
            verb = "is not selected and receives" if len(rest) == 1 else "are not selected and receive"  # fmt: skip
            if node.name in self.scene.kinks:
                verb = "receives" if len(rest) == 1 else "receive"
            sentences.append(say("{} {} nothing.", names(rest), verb))
        return sentences

    def product(self, edge: Edge) -> Pieces:
        """`-4 * 1 = -4`, or what the contribution is where that is no number."""
        digits = self.digits
        if not all(map(exists, (edge.upstream, edge.local, edge.contribution))):
            return self.amount(edge.contribution)
        first, second, result = (
            decimal(number, digits) for number in (edge.upstream, edge.local, edge.contribution)
        )
        return [formula("gradient", f"{first} * {second}", result)]

    def distributed(self, node: Node) -> Pieces:
        """An operation that hands every operand the same: one sentence for all."""
        edge, count = node.edges[0], len(node.operands)
        operands = [edge.operand for edge in node.edges]
        different = list(dict.fromkeys(operands))
        rule = {
            "identity": "A second name hands its upstream gradient on as it is",
            "mean": f"A mean of {count} hands on {edge.rule} of its upstream gradient",
        }.get(node.operation, "A sum hands its upstream gradient on unchanged")
        if len(different) == 1:
            often = f" {times(len(operands))}" if len(operands) > 1 else ""
            return say("{}: {} receives {}{}.", rule, name(different[0]), self.product(edge), often)
        each = "" if len(different) == len(operands) else " for each use"
        return say("{}: {} each receive {}{}.", rule, names(different), self.product(edge), each)

    def scaled(self, node: Node, ruled: bool) -> list[Pieces]:
        """An operation with a local gradient for each operand: a sentence for each.

        ruled: the sentence before named the local gradient.
        """
        uses: dict[str, list[tuple[int, Edge]]] = {}
        for k, edge in zip(positions(node), node.edges, strict=True):
            uses.setdefault(edge.operand, []).append((k, edge))
        if (
            len(node.edges) == 1
            and ruled
            and node.edges[0].routed
            and node.name not in self.scene.kinks
        ):
            return [say("Here it") + self.sends(node, node.edges[0], True)]
        sentences: list[Pieces] = []
        for operand, edges in uses.items():
            same = all(edge == edges[0][1] for _, edge in edges)
            if len(edges) > 1 and same and edges[0][1].routed:
                start = say("{} is its operand {}, and each time the local gradient", name(operand), times(len(edges)))  # fmt: skip
                sentences.append(start + self.sends(node, edges[0][1], False))
                continue
            for k, edge in edges:
                which = say(" for {}", name(operand)) if len(node.edges) > 1 else []
                if len(edges) > 1:
                    which = say(" for the {}", ordinal(k))
                if edge.routed:
                    alone = len(edges) == 1
                    sentences.append(say("The local gradient{}", which) + self.sends(node, edge, alone))  # fmt: skip
                else:
                    place = say("the {}", ordinal(k)) if len(edges) > 1 else [name(operand)]
                    sentences.append(say("Within the block, nothing is passed on to {} here.", place))  # fmt: skip
        return sentences

    def sends(self, node: Node, edge: Edge, signed: bool) -> Pieces:
        """The end of a sentence that begins with `The local gradient`."""
        sides: list[Side] = [Derivative(node.name, edge.operand)] if signed else []
        operand = name(edge.operand)
        if not exists(edge.local):
            what, amount = sized(edge.local, self.digits), self.amount(edge.contribution)
            infinite = what.text != "undefined" and node.kind != "block"
            if infinite and node.name not in self.scene.kinks:
                rule = formula("formula", *sides, edge.rule)
                return say(", {}, is {} at these values, so {} receives {}.", rule, what, operand, amount)  # fmt: skip
            return say(" is {} at these values, so {} receives {}.", what, operand, amount)
        if self.trusted(node, edge):
            sides.append(edge.rule)
        sides.append(decimal(edge.local, self.digits))
        return say(" is {}, so {} receives {}.", formula("gradient", *sides), operand, self.product(edge))  # fmt: skip

    def trusted(self, node: Node, edge: Edge) -> bool:
        """Whether the rule, at these values, is the local gradient: not on a kink, not at 0^y."""
        if node.name in self.scene.kinks or edge.rule == f"d{node.name}/d{edge.operand}":
            return False
        if node.operation == "pow" and self.scene.value(node.operands[0]) == 0:
            return False
        if node.kind != "block":
            return True
        return self.check_blocks and self.evaluates(edge)

    def evaluates(self, edge: Edge) -> bool:
        """Whether a block's rule, evaluated at the values of the trace, gives its local gradient."""
        try:
            graph = parse(edge.rule, bound=frozenset(self.scene.nodes), internal=True)
            at = {}
            for label in graph.variables:
                number = self.scene.value(label)
                if not isinstance(number, float):
                    return False
                at[label] = number
            found = evaluate(graph, at, nodes=False).value
        except BackpropError:
            return False
        if not isinstance(found, float) or not isinstance(edge.local, float):
            return False
        return abs(found - edge.local) <= 1e-9 * abs(edge.local)
