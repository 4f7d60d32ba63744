"""Why a gradient is what it is: the paths it comes along, and the node that decides it.

Whatever is said here is a fact about the paths. No path, a factor of 0 on each, products that
cancel, one factor that makes the rest small or large: each is counted or added up over all paths
before it is claimed.
"""

import math
from collections.abc import Sequence
from decimal import Decimal

from ..numbers.decimal import exact_decimal
from ..numbers.wide import Number, exists, sign
from ..operations.row import Role
from ..operations.table import IF
from ..trace.index import Index, find
from ..trace.record import Edge, Node, Trace
from .document import (
    Explanation,
    Fact,
    Figure,
    Formula,
    Paragraph,
    Partial,
    Piece,
    Pieces,
    Product,
    Side,
    formula,
    gradient,
    listed,
    name,
    say,
    sized,
)
from .narrate import decision, joined
from .paths import KEPT, Path, Paths, as_number, strength
from .sentences import heading, names

__all__ = ["Reasons", "counted", "why"]

FAR = math.log(1e4)
"""The logarithm of how many times larger or smaller than the upstream gradient of the output a
gradient is that asks for a reason."""

FLAT = 0.01
"""The local gradient below which a sigmoid or a tanh is called saturated."""

CANCELS = Decimal("1e-2")
"""What is left of the sizes of the contributions where they are said to cancel nearly."""

LONG = 60
"""Characters of the longest formula that is repeated."""

SHOWN = 10
"""The most factors of a path that are written out."""


def why(trace: Trace, label: str, digits: int = 6) -> Explanation:
    """Why the gradient of a node is what it is.

    Raises BackpropError where no node has that name.
    """
    node = find(trace, label)
    reasons = Reasons(Index(trace, digits), node)
    return Explanation(
        "why", node.name, trace, tuple(reasons.headline()), tuple(reasons.paragraphs())
    )


def counted(count: int) -> str:
    """A number of paths: in full, or as a power of ten where it has very many digits."""
    if count < 10**15:
        return f"{count:,}"
    power = math.log10(count)
    return f"about {10 ** (power % 1):.2f}e+{int(power)}"


class Reasons:
    """What there is to say about one node's gradient."""

    def __init__(self, index: Index, node: Node) -> None:
        self.index = index
        self.trace = index.trace
        self.node = node
        self.digits = index.digits
        self.output = self.trace.output_name
        self.ends = name(self.output), name(node.name)
        self.paths = Paths(self.trace, node.index, self.digits)
        self.best = self.paths.strongest()

    def headline(self) -> Pieces:
        number = self.node.gradient
        if number is None:
            return say(
                "{} is not differentiated here, so it has no gradient.", name(self.node.name)
            )
        start = say("The gradient of {} is {}.", name(self.node.name), sized(number, self.digits))
        decided = decision(self.trace, self.node, self.digits)
        return [*start, *say(" "), *decided] if decided else start

    def paragraphs(self) -> list[Paragraph]:
        """The reason, and then the paths."""
        if self.node.gradient is None:
            return [self.remark([self.absent()])]
        if self.node.index == self.trace.output:
            words = say(
                "{} is the output: its gradient is the one that the backward pass starts with.",
                name(self.output),
            )
            return [self.remark([words])]
        sentences, facts = self.reason()
        first = self.remark([self.number_of_paths(), *sentences], facts)
        return [first, *(self.path(k, path) for k, path in enumerate(self.best, 1))]

    def remark(self, sentences: Sequence[Pieces], facts: Sequence[Fact] = ()) -> Paragraph:
        own: list[Fact] = []
        if self.node.gradient is not None:
            own.append(Fact("gradient", (self.node.name,), (self.node.gradient,)))
            own.append(Fact("paths", (self.output, self.node.name), (), self.paths.count))
        top = (heading(self.index, self.node),)
        return Paragraph(self.node.name, top, joined(sentences), (*own, *facts))

    def absent(self) -> Pieces:
        return say(
            "Only what lies between the output and the names that are differentiated by has a gradient."
        )

    def number_of_paths(self, follow: bool = True) -> Pieces:
        """How many paths there are; follow: they are told after it."""
        count = self.paths.count
        if not count:
            return []
        if count == 1:
            return say("One path leads from {} to {}.", *self.ends)
        which = f" The strongest {KEPT} follow." if follow and count > KEPT else ""
        number = counted(count).capitalize()
        return say("{} paths lead from {} to {}.{}", number, *self.ends, which)

    # the reason

    def reason(self) -> tuple[list[Pieces], list[Fact]]:
        """Sentences and facts, of the first reason that the trace proves."""
        number, paths = self.node.gradient, self.paths
        assert number is not None
        if self.trace.output not in paths.reach:
            words = say(
                "Among the nodes evaluated here, no path leads from {} to {}, so its gradient is 0.",
                *self.ends,
            )
            return [words], [Fact("cause", ("no path", self.node.name))]
        if not paths.count:
            return self.cut_off()
        if not exists(number):
            return self.no_number()
        if self.trace.upstream == 0:
            words = say(
                "The upstream gradient given at {} is 0, and so is all that follows from it.",
                name(self.output),
            )
            return [words], [Fact("cause", ("upstream", self.output), (0.0,))]
        if number == 0:
            return self.factor_of_zero() if not paths.nonzero else self.cancelled()
        size = abs(exact_decimal(number))
        if paths.sizes and paths.nonzero > 1 and size.is_finite() and size < CANCELS * paths.sizes:
            return self.nearly_cancelled(number)
        relative = strength(number)[2] - strength(self.trace.upstream)[2]
        if relative < -FAR:
            return self.extreme("tiny")
        if relative > FAR:
            return self.extreme("huge")
        return self.ordinary()

    def cut_off(self) -> tuple[list[Pieces], list[Fact]]:
        """No path: every one ends at a node that selects something else."""
        sentences = [say("No path from {} to {} passes anything on.", *self.ends)]
        facts: list[Fact] = []
        for node in reversed(self.trace.nodes):
            # A node that itself receives nothing stops nothing.
            if node.index != self.trace.output and node.index not in self.index.senders:
                continue
            sent = {edge.operand for edge in node.edges if edge.routed}
            for operand in dict.fromkeys(node.operands):
                if operand in self.paths.reach and operand not in sent:
                    facts.append(
                        Fact("cause", ("not selected", node.name, self.trace.name(operand)))
                    )
                    if len(facts) <= KEPT:
                        sentences.append(self.stopped(node, operand))
        if len(facts) > KEPT:
            more = counted(len(facts) - KEPT).capitalize()
            sentences.append(say("{} more are stopped in the same way.", more))
        return sentences, facts

    def stopped(self, node: Node, operand: int) -> Pieces:
        """Why a node sends nothing to one of its operands."""
        me, it = name(node.name), self.name(operand)
        chosen = list(dict.fromkeys(self.trace.name(e.operand) for e in node.edges if e.routed))
        instead = say(" but {}", names(chosen)) if chosen else []
        edge = next((edge for edge in node.edges if edge.operand == operand), None)
        if node.kind == "block":
            return say("Within the block {}, nothing is passed on to {}.", me, it)
        if edge is None and node.row is IF:
            return say(
                "{} stands in the condition of the if at {}, which passes nothing on.", it, me
            )
        if node.row and node.row.rectifies:
            number = self.index.value(operand)
            if number is not None and exists(number) and sign(number):
                at = formula("value", self.trace.name(operand), Figure(number, self.digits))
                side = "positive" if sign(number) > 0 else "negative"
                template = "The {} at {} is off, since {} is {}."
                return say(template, node.operation, me, at, side)
            return say("The {} at {} is off.", node.operation, me)
        what = "The condition of the if" if node.row is IF else f"The {node.operation}"
        return say("{} at {} does not select {}{}.", what, me, it, instead)

    def no_number(self) -> tuple[list[Pieces], list[Fact]]:
        """An infinite or undefined local gradient, on one of the strongest paths."""
        facts: list[Fact] = []
        sentences: list[Pieces] = []
        for path in self.best:
            for sender, edge in self.steps(path):
                fact = self.fact("no number", sender, edge)
                if exists(edge.local) or fact in facts:
                    continue
                facts.append(fact)
                size = sized(edge.local, self.digits)
                which = self.defined(sender), self.name(edge.operand)
                sentences.append(say("The local gradient of {} for {} is {}.", *which, size))
        return sentences, facts

    def factor_of_zero(self) -> tuple[list[Pieces], list[Fact]]:
        """A factor of 0 on every path."""
        which = "It has" if self.paths.count == 1 else "Each of them has"
        sentences = [say("{} a factor of 0, so the gradient is 0.", which)]
        facts: list[Fact] = []
        for path in self.best:
            for sender, edge in self.steps(path):
                if edge.local != 0:
                    continue
                fact = self.fact("zero", sender, edge)
                if fact not in facts:
                    facts.append(fact)
                    sentences.append(self.zero(sender, edge))
                break
        return sentences, facts

    def zero(self, node: Node, edge: Edge) -> Pieces:
        """Why a local gradient is 0."""
        operand = self.name(edge.operand)
        if node.name in self.index.kinks and node.kind != "block":
            return say(
                "{} stands on a kink, where the subgradient of smallest norm is used: 0.",
                self.defined(node),
            )
        if node.role is Role.SWAPS and node.block is None:
            other = node.operands[1 - edge.place]
            if self.index.is_constant(other):
                return say(
                    "{} multiplies {} by {}.", name(node.name), operand, self.trace.name(other)
                )
            return say(
                "{} multiplies {} by {}, which is 0.", name(node.name), operand, self.name(other)
            )
        return say("The local gradient of {} for {} is 0.", self.defined(node), operand)

    def cancelled(self) -> tuple[list[Pieces], list[Fact]]:
        """Contributions that add up to exactly 0."""
        sentences = [say("They cancel: their products are not all 0, but add up to 0.")]
        facts = [Fact("cause", ("cancelled", self.node.name))]
        meeting = self.meeting()
        if meeting is not None:
            facts.append(Fact("cause", ("meeting", self.trace.name(meeting))))
            received = [
                say("{} from {}", gradient(edge.contribution, self.digits), name(sender.name))
                for sender, edge in self.index.senders[meeting]
            ]
            few = len(received) <= KEPT
            template = (
                "They meet at {}, which receives {}: the sum is 0."
                if few
                else "They meet at {}, where {} contributions add up to 0."
            )
            what = listed(received) if few else f"{len(received):,}"
            sentences.append(say(template, self.name(meeting), what))
        return sentences, facts

    def meeting(self) -> int | None:
        """The first node of the strongest path whose contributions are not 0, but their sum is."""
        for node in self.best[0].nodes[1:]:
            sent = [edge.contribution for _, edge in self.index.senders.get(node, ())]
            if self.trace.by_index[node].gradient == 0 and any(number != 0 for number in sent):
                return node if all(map(exists, sent)) else None
        return None

    def nearly_cancelled(self, number: Number) -> tuple[list[Pieces], list[Fact]]:
        assert self.paths.sizes is not None
        total = as_number(self.paths.sizes)
        words = say(
            "They nearly cancel: with one sign they would add up to {}, but as they are they leave {}.",
            gradient(total, self.digits),
            gradient(number, self.digits),
        )
        return [words], [Fact("cause", ("nearly cancelled", self.node.name), (total, number))]

    def extreme(self, kind: str) -> tuple[list[Pieces], list[Fact]]:
        """A tiny or a huge gradient: the factor of the strongest path that makes it so."""
        sentences = [
            say(
                "That is {}, beside the {} that the backward pass starts with.",
                kind,
                gradient(self.trace.upstream, self.digits),
            )
        ]
        path = self.best[0]
        pairs = self.steps(path)
        small = kind == "tiny"
        together = sum(strength(edge.local)[2] for edge in path.edges)
        if not small and together <= FAR:
            count = self.paths.count
            words = say("No path alone gives that much: the {} paths add up.", counted(count))
            fact = Fact("cause", ("many paths", self.node.name), (), count)
            return [*sentences, words], [fact]
        sender, edge = (min if small else max)(pairs, key=lambda pair: strength(pair[1].local))
        sizes = [strength(edge.local)[2] for edge in path.edges]
        matters = [size for size in sizes if (size < 0 if small else size > 0)]
        of = "" if self.paths.count == 1 else " of the strongest path"
        word = "smallest" if small else "largest"
        facts = [self.fact(f"{word} factor", sender, edge)]
        if not matters:
            return sentences, []
        sentences.append(say("The {} factor{} is {}.", word, of, self.factor(sender, edge)))
        flat = self.saturated(sender, edge)
        if flat:
            sentences.append(flat)
            facts.append(self.fact("saturated", sender, edge))
        if len(matters) > 1:
            template = "{} of its factors are {} 1 in size, and they multiply."
            sentences.append(say(template, f"{len(matters):,}", "below" if small else "above"))
        return sentences, facts

    def saturated(self, node: Node, edge: Edge) -> Pieces:
        """An S-shaped function far from 0, where it is flat."""
        local = edge.local
        size = local.nearest or 0.0 if not isinstance(local, float) else local
        if node.row is None or not node.row.saturates or abs(size) > FLAT:
            return []
        at = self.index.value(edge.operand)
        place: Pieces = []
        if at is not None:
            operand = self.trace.name(edge.operand)
            place = say(" at {}", formula("value", operand, Figure(at, self.digits)))
        return say("{} is saturated{}: it is nearly flat there.", node.operation, place)

    def ordinary(self) -> tuple[list[Pieces], list[Fact]]:
        """Nothing special: the largest factor, for orientation."""
        path = self.best[0]
        pairs = self.steps(path)
        sentences = [say("The gradient is of an ordinary size.")]
        if not all(exists(edge.local) for edge in path.edges):
            return sentences, []
        sender, edge = max(pairs, key=lambda pair: strength(pair[1].local))
        of = "" if self.paths.count == 1 else " of the strongest path"
        sentences.append(say("The largest factor{} is {}.", of, self.factor(sender, edge)))
        return sentences, [self.fact("largest factor", sender, edge)]

    # nodes and paths

    def name(self, node: int) -> Piece:
        return name(self.trace.name(node))

    def steps(self, path: Path) -> list[tuple[Node, Edge]]:
        """The nodes of a path, each with its edge to the next."""
        nodes = [self.trace.by_index[k] for k in path.nodes[:-1]]
        return list(zip(nodes, path.edges, strict=True))

    def fact(self, cause: str, sender: Node, edge: Edge) -> Fact:
        """A cause that lies at one edge."""
        return Fact("cause", (cause, sender.name, self.trace.name(edge.operand)), (edge.local,))

    def defined(self, node: Node) -> Piece:
        """`n1 = sqrt(x)`, or just the name where the formula is long."""
        text = Formula(self.trace, node)
        if not node.operation or len(str(text)) > LONG:
            return name(node.name)
        return formula("formula", node.name, text)

    def factor(self, sender: Node, edge: Edge) -> Pieces:
        """`dn8/dn7 = -0.534447, from n8 = 1/n7`."""
        alone = sum(e.operand == edge.operand for e in sender.edges) == 1
        sides: list[Side] = []
        if alone:
            sides.append(Partial(sender.name, self.trace.name(edge.operand)))
        slope = formula("gradient", *sides, Figure(edge.local, self.digits))
        defined = self.defined(sender)
        return [slope] if defined.kind == "name" else say("{}, from {}", slope, defined)

    def path(self, k: int, path: Path) -> Paragraph:
        """One path: its nodes, and the product of its factors."""
        start = "The path goes" if self.paths.count == 1 else f"Path {k} goes"
        between = path.nodes[1:-1]
        if len(between) > SHOWN:
            middle = say(" through {} nodes", f"{len(between):,}")
        else:
            middle = (
                say(" through {}", listed([self.name(node) for node in between])) if between else []
            )
        first, last = self.name(path.nodes[0]), self.name(path.nodes[-1])
        words = say("{} from {}{} to {}: ", start, first, middle, last)
        words += self.multiplied(path)
        numbers = () if path.product is None else (path.product, *(e.local for e in path.edges))
        nodes = tuple([self.trace.name(node) for node in path.nodes])
        return Paragraph("", (), tuple(words), (Fact("path", nodes, numbers),))

    def multiplied(self, path: Path) -> Pieces:
        """The factors of a path and their product."""
        factors: list[Number] = [edge.local for edge in path.edges]
        if self.trace.upstream != 1:
            factors.insert(0, self.trace.upstream)
        if path.product is None or not exists(path.product):
            if path.product is None:
                return say("its size is beyond what can be written here.")
            return say("its product is {}.", sized(path.product, self.digits).text)
        result = Figure(path.product, self.digits)
        if len(factors) > SHOWN:
            product = Piece("gradient", (result,))
            return say("the product of its {} factors is {}.", f"{len(factors):,}", product)
        shown = Product(tuple([Figure(factor, self.digits) for factor in factors]))
        return say("{}.", formula("gradient", shown, result))
