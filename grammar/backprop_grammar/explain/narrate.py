"""The backward pass in words: one paragraph a node, from the output back.

Every node does the same three things: it adds up what it receives, it multiplies by its local
gradients, it hands the products on. So every paragraph has the same three parts, and only the
middle one asks which operation it is.
"""

from collections.abc import Sequence
from decimal import Decimal

from ..numbers.ball import DomainError
from ..numbers.decimal import decimal, shown_decimal
from ..numbers.multiprecision import multiprecision
from ..numbers.wide import UNDEFINED, Number, exists
from ..operations.row import Role
from ..operations.table import IDENTITY, IF, POW
from ..passes.doubt import Doubt, NeedsPrecision
from ..passes.general import forward
from ..symbolic.evaluable import evaluable
from ..symbolic.rules import Rule
from ..trace.index import Index, find, rule_text
from ..trace.record import Edge, Node, Trace
from .document import (
    Explanation,
    Fact,
    Figure,
    Paragraph,
    Partial,
    Piece,
    Pieces,
    Product,
    Side,
    Total,
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

__all__ = ["decision", "explain", "joined"]

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
        chosen = [find(trace, node)]
    else:
        shown = [n for n in trace.nodes if n.gradient is not None and n.kind != "constant"]
        chosen = [n for n in reversed(shown) if n.operation]
        chosen += [n for n in shown if not n.operation]
    paragraphs = tuple([teller.paragraph(n) for n in chosen])
    return Explanation("explain", node, trace, tuple(teller.headline()), paragraphs)


def joined(sentences: Sequence[Pieces]) -> tuple[Piece, ...]:
    """Sentences as one paragraph."""
    result: Pieces = []
    for sentence in sentences:
        if sentence and result:
            result.append(Piece("text", (" ",)))
        result += sentence
    return tuple(result)


def decision(trace: Trace, node: Node, digits: int) -> Pieces:
    """What the function has, where that is not what the rules add up to; or nothing."""
    if node.index not in trace.decided:
        return []
    return say(
        "Here the rules make a choice or have no number; the gradient of the function itself is {}.",
        sized(trace.gradients[node.name], digits),
    )


def adds_up(numbers: Sequence[Number], total: Number, digits: int) -> bool:
    """Whether the numbers, rounded as they are shown, still add up to the total as it is shown."""
    try:
        goal = shown_decimal(total, digits)
        off = sum([shown_decimal(number, digits) for number in numbers]) - goal
        return bool(abs(off) <= abs(goal) * Decimal(10) ** (2 - digits))
    except ArithmeticError:
        return False


class Teller:
    """Says what happens at the nodes of a trace."""

    def __init__(self, trace: Trace, digits: int) -> None:
        self.trace = trace
        self.index = Index(trace, digits)
        self.digits = self.index.digits
        self.check_blocks = sum(node.kind == "block" for node in trace.nodes) <= MANY_BLOCKS

    def headline(self) -> Pieces:
        trace = self.trace
        output, top = trace.by_index.get(trace.output), trace.output_name
        what = formula("value", top, Figure(trace.value, self.digits))
        if output:
            what = heading(self.index, output)
        start: Pieces
        if trace.nodes and (output is None or output.gradient is None):
            start = say(
                "It does not depend on what is differentiated, so there is no backward pass."
            )
        elif trace.upstream == 1:
            start = say(
                "The backward pass starts there with the gradient {}, since {}.",
                gradient(1.0, self.digits),
                formula("gradient", Partial(top, top), Figure(1.0, self.digits)),
            )
        else:
            start = say(
                "The backward pass starts there with the upstream gradient {} that was given.",
                gradient(trace.upstream, self.digits),
            )
        return [*say("The output is {}. ", what), *start]

    def paragraph(self, node: Node) -> Paragraph:
        """All about one node: what it receives, and what it sends."""
        top = (heading(self.index, node),)
        if node.gradient is None:
            words = say("{} is not differentiated here, so it has no gradient.", name(node.name))
            return Paragraph(node.name, top, tuple(words))
        facts = [Fact("gradient", (node.name,), (node.gradient,))]
        for sender, edge in self.index.senders.get(node.index, ()):
            facts.append(Fact("receives", (node.name, sender.name), (edge.contribution,)))
        for edge in node.edges:
            ends = node.name, self.trace.name(edge.operand)
            if edge.routed:
                facts.append(Fact("sends", ends, (node.gradient, edge.local, edge.contribution)))
            else:
                facts.append(Fact("stops", ends))
        decided = decision(self.trace, node, self.digits)
        sentences = [self.arrival(node), decided, *(self.departure(node) if node.operation else ())]
        return Paragraph(node.name, top, joined(sentences), tuple(facts))

    # what a node receives

    def arrival(self, node: Node) -> Pieces:
        """What reaches a node, and that it adds up."""
        me, total, its = name(node.name), node.gradient, self.its(node)
        assert total is not None
        if node.index == self.trace.output:
            return say("{} is the output; its {} is {}.", me, its, gradient(total, self.digits))
        received = self.index.senders.get(node.index, [])
        if not received:
            return say(
                "No contribution reaches {}, so its gradient is {}.", me, sized(total, self.digits)
            )
        if len(received) == 1:
            sender, edge = received[0]
            source = me, self.amount(edge.contribution), name(sender.name)
            if not exists(edge.contribution):
                what = sized(total, self.digits)
                return say("{} receives {} from {}, so its {} is {}.", *source, its, what)
            return say("{} receives {} from {}; that is its {}.", *source, its)
        return self.meeting(node, received, total)

    def meeting(self, node: Node, received: list[tuple[Node, Edge]], total: Number) -> Pieces:
        """Several contributions meet."""
        me, its = name(node.name), self.its(node)
        numbers = [edge.contribution for _, edge in received]
        if len(received) > MANY:
            return say(
                "{} receives {} contributions, whose sum is its {}, {}.",
                me,
                f"{len(received):,}",
                its,
                sized(total, self.digits),
            )
        counts: dict[tuple[str, str], int] = {}
        parts: list[Piece | Pieces] = []
        for sender, edge in received:
            key = sender.name, decimal(edge.contribution, self.digits)
            counts[key] = counts.get(key, 0) + 1
        for sender, edge in received:
            count = counts.pop((sender.name, decimal(edge.contribution, self.digits)), 0)
            if count:
                often = f" {times(count)}" if count > 1 else ""
                parts.append(
                    say("{} from {}{}", self.amount(edge.contribution), name(sender.name), often)
                )
        sentence = say("{} receives {}.", me, listed(parts))
        if not all(map(exists, [*numbers, total])):
            return sentence + say(" So its {} is {}.", its, sized(total, self.digits))
        terms = Total(tuple([Figure(number, self.digits) for number in numbers]))
        equation = formula("gradient", terms, Figure(total, self.digits))
        sentence += say(" They add up to its {}: {}.", its, equation)
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
        if not node.edges and node.row is IF and self.reached(node):
            return [selection(self.index, node)]
        if not node.edges:
            if self.reached(node):
                return [say("None of its operands is differentiated, so the walk ends here.")]
            return []
        sent = [edge for edge in node.edges if edge.routed]
        if node.gradient == 0 and all(edge.contribution == 0 for edge in sent):
            zero = list(dict.fromkeys(self.trace.name(edge.operand) for edge in sent))
            if not zero:
                return [say("So there is nothing to pass on.")]
            verb = "receives" if len(zero) == 1 else "each receive"
            return [say("0 times a local gradient is 0, so {} {} 0 from it.", names(zero), verb)]
        if node.role is Role.ROUTES:
            return self.routed(node)
        if node.row and node.row.distributes_alike:
            return [self.distributed(node), passes_nothing(self.index, node)]
        rule = rule_sentence(self.index, node)
        sentences = [rule, *self.scaled(node, bool(rule))]
        return [*sentences, passes_nothing(self.index, node)]

    def reached(self, node: Node) -> bool:
        """Whether anything is sent to a node."""
        return node.index == self.trace.output or node.index in self.index.senders

    def routed(self, node: Node) -> list[Pieces]:
        """An operation that selects: the selected operands receive, the others nothing."""
        chosen = [edge for edge in node.edges if selected(edge)]
        sentences = [selection(self.index, node)]
        for operand in dict.fromkeys(edge.operand for edge in chosen):
            edges = [edge for edge in chosen if edge.operand == operand]
            often = f" {times(len(edges))}" if len(edges) > 1 else ""
            product = self.product(node, edges[0])
            sentences.append(say("{} receives {}{}.", self.name(operand), product, often))
        receiving = {edge.operand for edge in chosen}
        rest = list(dict.fromkeys(e.operand for e in node.edges if e.operand not in receiving))
        if rest and chosen:
            verb = "receives" if len(rest) == 1 else "receive"
            if node.name not in self.index.kinks:
                verb = f"{'is' if len(rest) == 1 else 'are'} not selected and {verb}"
            sentences.append(say("{} {} nothing.", names([self.trace.name(k) for k in rest]), verb))
        return sentences

    def name(self, operand: int) -> Piece:
        return name(self.trace.name(operand))

    def product(self, node: Node, edge: Edge) -> Pieces:
        """`-4 * 1 = -4`, or what the contribution is where that is no number."""
        assert node.gradient is not None
        if not all(map(exists, (node.gradient, edge.local, edge.contribution))):
            return self.amount(edge.contribution)
        upstream, local, sent = (
            Figure(number, self.digits) for number in (node.gradient, edge.local, edge.contribution)
        )
        return [formula("gradient", Product((upstream, local)), sent)]

    def distributed(self, node: Node) -> Pieces:
        """An operation that hands every operand the same: one sentence for all."""
        edge, count = node.edges[0], len(node.operands)
        operands = [edge.operand for edge in node.edges]
        different = list(dict.fromkeys(operands))
        if node.row is IDENTITY:
            rule = "A second name hands its upstream gradient on as it is"
        elif node.row and node.row.adds:
            rule = "A sum hands its upstream gradient on unchanged"
        else:
            part = rule_text(self.trace, node, edge)
            rule = f"A {node.operation} of {count} hands on {part} of its upstream gradient"
        if len(different) == 1:
            often = f" {times(len(operands))}" if len(operands) > 1 else ""
            return say(
                "{}: {} receives {}{}.",
                rule,
                self.name(different[0]),
                self.product(node, edge),
                often,
            )
        each = "" if len(different) == len(operands) else " for each use"
        together = names([self.trace.name(k) for k in different])
        return say("{}: {} each receive {}{}.", rule, together, self.product(node, edge), each)

    def scaled(self, node: Node, ruled: bool) -> list[Pieces]:
        """An operation with a local gradient for each operand: a sentence for each.

        ruled: the sentence before named the local gradient.
        """
        uses: dict[int, list[Edge]] = {}
        for edge in node.edges:
            uses.setdefault(edge.operand, []).append(edge)
        if (
            len(node.edges) == 1
            and ruled
            and node.edges[0].routed
            and node.name not in self.index.kinks
        ):
            return [say("Here it") + self.sends(node, node.edges[0], True)]
        sentences: list[Pieces] = []
        for operand, edges in uses.items():
            if len(edges) > 1 and edges[0].routed and self.alike(node, edges):
                often = times(len(edges))
                template = "{} is its operand {}, and each time the local gradient"
                start = say(template, self.name(operand), often)
                sentences.append(start + self.sends(node, edges[0], False))
                continue
            for edge in edges:
                which = say(" for {}", self.name(operand)) if len(node.edges) > 1 else []
                if len(edges) > 1:
                    which = say(" for the {}", ordinal(edge.place))
                if edge.routed:
                    alone = len(edges) == 1
                    start = say("The local gradient{}", which)
                    sentences.append(start + self.sends(node, edge, alone))
                else:
                    place = (
                        say("the {}", ordinal(edge.place))
                        if len(edges) > 1
                        else [self.name(operand)]
                    )
                    sentences.append(
                        say("Within the block, nothing is passed on to {} here.", place)
                    )
        return sentences

    def alike(self, node: Node, edges: Sequence[Edge]) -> bool:
        """Whether the same is sent along several edges, by rules that read the same."""
        shown = [(rule_text(self.trace, node, edge), *edge[3:]) for edge in edges]
        return all(one == shown[0] for one in shown)

    def sends(self, node: Node, edge: Edge, signed: bool) -> Pieces:
        """The end of a sentence that begins with `The local gradient`."""
        sides: list[Side] = []
        if signed:
            sides.append(Partial(node.name, self.trace.name(edge.operand)))
        operand = self.name(edge.operand)
        if not exists(edge.local):
            what, amount = sized(edge.local, self.digits), self.amount(edge.contribution)
            infinite = edge.local != UNDEFINED and node.kind != "block"
            if infinite and edge.rule and node.name not in self.index.kinks:
                rule = formula("formula", *sides, edge.rule)
                return say(
                    ", {}, is {} at these values, so {} receives {}.", rule, what, operand, amount
                )
            return say(" is {} at these values, so {} receives {}.", what, operand, amount)
        if edge.rule and self.trusted(node, edge, edge.rule):
            sides.append(edge.rule)
        sides.append(Figure(edge.local, self.digits))
        product = self.product(node, edge)
        return say(" is {}, so {} receives {}.", formula("gradient", *sides), operand, product)

    def trusted(self, node: Node, edge: Edge, rule: Rule) -> bool:
        """Whether the rule, at these values, is the local gradient: not on a kink, not at 0^y."""
        if node.name in self.index.kinks:
            return False
        if node.row is POW and self.index.value(node.operands[0]) == 0:
            return False
        if node.kind != "block":
            return True
        return self.check_blocks and self.evaluates(edge, rule)

    def evaluates(self, edge: Edge, rule: Rule) -> bool:
        """Whether a block's rule, evaluated at the values of the trace, gives its local gradient."""
        arithmetic = multiprecision(192, True)
        program = evaluable(rule.tape, [("", rule.node)])
        with arithmetic.context():
            leaves = {}
            for label, leaf in program.variables.items():
                value = self.trace.by_name[label].value if label in self.trace.by_name else None
                if not isinstance(value, float):
                    return False
                leaves[leaf] = arithmetic.exactly(value)
            try:
                needed = program.needed(program.output)
                values, _ = forward(program, leaves, needed, arithmetic, Doubt())
            except (DomainError, NeedsPrecision):
                return False
            result = values[program.output]
            if result is None or not isinstance(edge.local, float):
                return False
            return bool(abs(float(result[0]) - edge.local) <= 1e-9 * abs(edge.local))
