"""Why a gradient over arrays is what it is: of an element by its paths, of an array by its elements.

An element is a number of the program over numbers that the arrays mean, so what is said of it is
what is said over numbers; the numbers within an operation on arrays are left out of the paths.
"""

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import replace
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from heapq import heappop, heappush

from ..arrays.evaluate import by_numbers
from ..arrays.lower import element, elements
from ..arrays.record import ArrayEdge, ArrayNode, ArrayTrace, TraceByNumbers
from ..errors import BackpropError, shorten
from ..numbers.decimal import exact_decimal
from ..numbers.wide import UNDEFINED, Number, exists, sign
from ..operations.shape import said
from ..operations.table import IDENTITY
from ..trace.evaluate import evaluate
from ..trace.index import Index
from ..trace.record import Edge, Node, Trace
from .array_lookup import find
from .array_narrate import Teller
from .document import Explanation, Fact, Paragraph, Pieces, formula, name, say
from .narrate import joined
from .paths import FLOAT_DIGITS, KEPT, as_number
from .sentences import names
from .why import Reasons, counted

__all__ = ["why"]

ZEROS = 3
"""Elements without a gradient of which it is told why."""

WIDE = Context(prec=50, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
ROUNDING = Decimal("1e-12")
"""What is left, of the sizes of numbers that add up to 0, by their last digits."""


def why(trace: ArrayTrace, label: str, digits: int = 6) -> Explanation:
    """Why the gradient of a node, or of an element such as `W[0,1]`, is what it is.

    Raises BackpropError where no node or element has that name.
    """
    label = "".join(label.split())
    base = label.partition("[")[0]
    node = find(trace, base)
    way = f'explain("{node.name}") tells what it receives; or make the arrays smaller: fewer rows show the same'
    trace = by_numbers(trace, "the reason of a gradient is found", way)
    trace = replace(trace, numbers=within(trace.numbers))
    if node.shape and base == label:
        of = Arrays(trace, node, digits)
        return Explanation("why", label, trace, tuple(of.headline()), tuple(of.paragraphs()))
    seen = seen_nodes(trace.numbers)
    if label not in seen:
        last = element(base, elements(node.shape)[-1])
        first = element(base, elements(node.shape)[0])
        what = f"{shorten(base)} is {said(node.shape)}"
        raise BackpropError("name", f"there is no element called {shorten(label)}", hint=f"{what}; its elements are {first} to {last}" if node.shape else what)  # fmt: skip
    short = shortened(trace, seen)
    reasons = Reasons(Index(short, digits), short.by_index[seen[label]])
    return Explanation("why", label, trace, tuple(reasons.headline()), tuple(reasons.paragraphs()))


def within(numbers: Trace) -> Trace:
    """The trace over numbers with what lies within an operation on arrays, which is certain too."""
    return evaluate(
        numbers.program, numbers.at, wrt=list(numbers.gradients), output=numbers.output_name,
        upstream=numbers.upstream, precision=numbers.precision, finite=False,
        formal=True,
    )  # fmt: skip


def seen_nodes(numbers: Trace) -> dict[str, int]:
    """The elements of the arrays by their names, as nodes of the program over numbers."""
    tape = numbers.tape
    seen = {**tape.variables, **dict(tape.stages)}
    seen[numbers.output_name] = numbers.output
    return {label: node for label, node in seen.items() if node in numbers.by_index}


def shortened(trace: TraceByNumbers, seen: dict[str, int]) -> Trace:
    """The trace over numbers without the nodes within an operation on arrays.

    An edge from an element to an element stands for all that leads there through the others. The
    sum that an upstream array makes of the output is called as the output is.
    """
    numbers = trace.numbers
    kept = {*seen.values(), *(node.index for node in numbers.nodes if node.kind == "constant")}
    names = copy(numbers.names)
    names.__dict__["of"] = numbers.names.of | {numbers.output: trace.output_name}
    nodes = [short_node(numbers, node, kept) for node in numbers.nodes if node.index in kept]
    return replace(numbers, names=names, nodes=tuple(nodes))


def short_node(numbers: Trace, node: Node, kept: set[int]) -> Node:
    """A node with edges to the nodes that are kept.

    Of an operation on numbers they are its own, past what stands for a use of an element; of one
    on arrays the slopes are added up, and it is no row of the table of numbers.
    """
    by_index, digits = numbers.by_index, numbers.precision or FLOAT_DIGITS

    def used(operand: int) -> int:
        copied = operand not in kept and by_index[operand].row is IDENTITY
        return by_index[operand].operands[0] if copied else operand

    if all(used(k) in kept for k in node.operands if k in by_index):
        edges = [edge._replace(operand=used(edge.operand)) for edge in node.edges]
        own = [used(k) for k in node.operands if k in by_index]
        return node._replace(operands=tuple(own), edges=tuple(edges))
    slopes: dict[int, list[Number]] = {node.index: [1.0]}
    routed = {node.index}
    operands: list[int] = []
    pending = [-node.index]
    while pending:
        k = -heappop(pending)
        for operand in dict.fromkeys(by_index[k].operands):
            if operand in kept:
                operands.append(operand)
            elif operand in by_index and operand not in slopes:
                heappush(pending, -operand)
            if operand in by_index:
                slopes.setdefault(operand, [])
        if not slopes[k]:
            continue
        slope = total(slopes[k], digits)
        for edge in by_index[k].edges:
            slopes[edge.operand].append(times(slope, edge.local, digits))
            if k in routed and edge.routed:
                routed.add(edge.operand)
    different, sums = tuple(dict.fromkeys(operands)), []
    for place, operand in enumerate(different):
        if slopes.get(operand):
            local, up = total(slopes[operand], digits), node.gradient
            sent = UNDEFINED if up is None else times(up, local, digits)
            sums.append(Edge(place, operand, None, local, sent, operand in routed))
    return node._replace(row=None, operands=different, edges=tuple(sums))


def times(a: Number, b: Number, digits: int) -> Number:
    """A product of numbers; undefined where one is none."""
    if 1.0 in (a, b):
        return b if a == 1.0 else a
    if not exists(a) or not exists(b):
        return UNDEFINED
    with localcontext(WIDE):
        return as_number(exact_decimal(a) * exact_decimal(b), digits)


def total(numbers: Sequence[Number], digits: int) -> Number:
    """A sum of numbers, 0 where rounding is all that is left; undefined where one is none."""
    if len(numbers) == 1:
        return numbers[0]
    if not all(map(exists, numbers)):
        return UNDEFINED
    with localcontext(WIDE):
        exact = [exact_decimal(x) for x in numbers]
        result = sum(exact, Decimal(0))
        if abs(result) <= ROUNDING * sum(map(abs, exact)):
            return 0.0
        return as_number(result, digits)


class Arrays:
    """What there is to say about the gradient of a whole array."""

    def __init__(self, trace: TraceByNumbers, node: ArrayNode, digits: int) -> None:
        self.trace, self.node = trace, node
        self.teller = Teller(trace, digits)
        self.ends = name(trace.output_name), name(node.name)

    def headline(self) -> Pieces:
        node = self.node
        if node.gradient is None:
            return say("{} is not differentiated here, so it has no gradient.", name(node.name))
        return say("The gradient of {} is {}.", name(node.name), self.teller.amount(node.gradient))

    def paragraphs(self) -> list[Paragraph]:
        """The paths, and the elements that have no gradient."""
        node, trace = self.node, self.trace
        top = (self.teller.heading(node),)
        if node.gradient is None:
            words = say(
                "Only what lies between the output and the names that are differentiated by has a gradient."
            )
            return [Paragraph(node.name, top, tuple(words))]
        facts = [Fact("gradient", (node.name,), (node.gradient,))]
        if node.index == trace.output:
            words = say(
                "{} is the output: its gradient is the one that the backward pass starts with.",
                name(node.name),
            )
            return [Paragraph(node.name, top, tuple(words), tuple(facts))]
        count = self.count()
        facts.append(Fact("paths", (trace.output_name, node.name), (), count))
        sentences = []
        if not count:
            sentences.append(say("No path leads from {} to {}, so its gradient is 0.", *self.ends))
        elif count == 1:
            sentences.append(say("One path leads from {} to {}.", *self.ends))
        else:
            which = (
                f" The first {KEPT} follow; the gradient is their sum."
                if count > KEPT
                else " The gradient is their sum."
            )
            sentences.append(
                say(
                    "{} paths lead from {} to {}.{}", counted(count).capitalize(), *self.ends, which
                )
            )
        first = Paragraph(node.name, top, joined(sentences), tuple(facts))
        paths = [
            self.path(k, path, count)
            for k, path in zip(range(1, KEPT + 1), self.walk(), strict=False)
        ]
        return [first, *paths, *self.zeros()]

    def count(self) -> int:
        """How many paths lead from the output to the node."""
        counts = {self.trace.output: 1}
        for node in reversed(self.trace.nodes):
            for edge in node.edges:
                counts[edge.operand] = counts.get(edge.operand, 0) + counts.get(node.index, 0)
        return counts.get(self.node.index, 0)

    def walk(self) -> Iterator[list[tuple[ArrayNode, ArrayEdge]]]:
        """The paths, from the node up, one after the other; each from the output on."""
        output, senders = self.trace.output, self.teller.senders
        reached = {output}
        for node in reversed(self.trace.nodes):
            if node.index in reached:
                reached |= {edge.operand for edge in node.edges}
        pending: list[tuple[int, tuple[tuple[ArrayNode, ArrayEdge], ...]]] = [(self.node.index, ())]
        while pending:
            at, path = pending.pop()
            if at == output:
                yield list(path)
                continue
            for sender, edge in reversed(senders.get(at, ())):
                if sender.index in reached:
                    pending.append((sender.index, ((sender, edge), *path)))

    def path(self, k: int, path: list[tuple[ArrayNode, ArrayEdge]], count: int) -> Paragraph:
        """One path: what each node on it sends on."""
        teller = self.teller
        words = say("{}: ", "The path" if count == 1 else f"Path {k}")
        for hop in path:
            sender, edge = hop
            text = teller.sent(sender, edge)
            what: Pieces = (
                [formula("formula", teller.written(text))]
                if text
                else say("its part of the upstream gradient")
            )
            if edge.kind == "reduction" and sender.row.distributes_alike:
                what = (
                    say("what arrives, spread out,")
                    if sender.row.adds
                    else say("its share of what arrives, spread out,")
                )
            end = "." if hop is path[-1] else "; "
            words += say(
                "{} sends {} to {}{}", name(sender.name), what, teller.name(edge.operand), end
            )
        nodes = (*(sender.name for sender, _ in path), self.node.name)
        return Paragraph("", (), tuple(words), (Fact("path", nodes),))

    def zeros(self) -> list[Paragraph]:
        """Why some elements are 0, if not all are told."""
        node = self.node
        assert node.gradient is not None
        places = [k for k, x in enumerate(node.gradient.numbers) if not sign(x or 0.0)]
        if not places:
            return []
        what = self.teller.these(node.name, node.shape, places)
        every = len(places) == len(node.gradient.numbers)
        which = (
            say("All numbers of the gradient are 0.")
            if every
            else say("The gradient is 0 at {}.", what)
        )
        seen = seen_nodes(self.trace.numbers)
        short = shortened(self.trace, seen)
        index, where = Index(short, self.teller.digits), elements(node.shape)
        alike: dict[str, tuple[list[str], Pieces]] = {}
        facts: dict[Fact, None] = {}
        for k in places[:ZEROS]:
            label = element(node.name, where[k])
            if label in seen and short.by_index[seen[label]].gradient is not None:
                reasons = Reasons(index, short.by_index[seen[label]])
                words, causes = reasons.reason()
                told = list(joined([reasons.number_of_paths(follow=False), *words]))
                key = "".join(piece.text for piece in told if piece != name(label))
                alike.setdefault(key, ([], told))[0].append(label)
                facts |= dict.fromkeys(causes)
        sentences = [which]
        for labels, told in alike.values():
            own = name(labels[0])
            sentences.append([one for piece in told for one in (names(labels) if piece == own else [piece])])  # fmt: skip
        return [Paragraph("", (), joined(sentences), tuple(facts))]
