"""Gradients of programs over arrays as formulas: the backward pass over symbols.

Operations on elements send back upstream x local, and sum over what was stretched; operations on
whole arrays send what their texts say. Nothing else is known of any of them.
"""

from collections.abc import Collection, Sequence
from functools import reduce

from ..arrays.shapes import Shapes, shapes
from ..arrays.vjp import OUT, UP, sent
from ..blocks.definitions import parameters
from ..language.graph import Array, Graph
from ..operations.row import Operation
from ..operations.shape import Shape, size
from ..operations.structural import INDEX, REDUCTIONS, STRUCTURAL, TRANSPOSE, Structural
from ..operations.table import DIV, IDENTITY, IF, MUL, NEG, SUB
from ..symbolic.gradient import plus, rule, share, tie, times
from .array_symbols import EYE, ONES, SUM, ArraySymbols, spread_out
from .array_tape import Held

__all__ = ["ArrayGradient"]


class ArrayGradient:
    """The backward pass over a program on a tape of symbols.

    held: what each node of the program is there. careful: rules are taken as they are computed.
    joined: nodes of which the gradient is no node of its own. apart: by a gradient that is handed
    to several operands, and is one, the node of the program that it is of.
    """

    def __init__(
        self, symbols: ArraySymbols, graph: Graph, found: Shapes, held: Sequence[Held], careful: bool,
        joined: Collection[int],
    ) -> None:  # fmt: skip
        self.symbols, self.graph, self.found, self.held = symbols, graph, found, held
        self.careful, self.joined = careful, joined
        self.apart: dict[int, int] = {}
        self.keepers: dict[int, int] = {}  # by what is kept
        self.sharers: dict[int, set[int]] = {}
        self.upstreams: set[int] = set()

    def gradients(self, output: int, seed: Held, sources: Sequence[int]) -> list[Held]:
        """The gradient of a node by others, each in the shape of what it is by."""
        graph = self.graph
        depends = [False] * len(graph)
        for node in sources:
            depends[node] = True
        needed = graph.needed(output)
        for node, operands in enumerate(graph.operands):
            depends[node] = needed[node] and (depends[node] or any(depends[k] for k in operands))
        uses = {
            node: sum(depends[k] for k in self.receivers(node)) for node in range(len(graph)) if depends[node]
        }  # fmt: skip
        wanted = set(sources)
        alike = self.alike({output, *wanted}, needed)

        received: dict[int, list[Held]] = {output: [seed]}
        found: dict[int, Held] = {}
        for node in range(output, -1, -1):
            if node not in received or not depends[node]:
                continue
            arriving = found[node] = reduce(self.added, received.pop(node))
            if not uses[node]:
                continue
            several = uses[node] + (node in wanted) > 1 and node not in self.joined
            if several and not self.trivial(arriving.node):
                arriving = found[node] = self.kept(node, arriving)
            self.upstreams.add(arriving.node)
            for place, operand in enumerate(graph.operands[node]):
                if not depends[operand]:
                    continue
                sending = self.contribution(node, place, arriving)
                if sending is not None:
                    received.setdefault(alike[operand], []).append(sending)
        zero = self.symbols.constant(0.0)
        return [
            found.get(node) or Held(zero, self.held[node].shape, self.held[node].extents)
            for node in sources
        ]

    def alike(self, wanted: Collection[int], needed: Sequence[bool]) -> list[int]:
        """For every node, the first that is written the same and needed; those with names stay
        themselves.
        """
        graph = self.graph
        known: dict[tuple[object, ...], int] = {}
        first = list(range(len(graph)))
        for node, row in enumerate(graph.operations):
            if (
                row.leaf
                or not needed[node]
                or row is IF
                or graph.regions[node]
                or node in graph.names
                or node in wanted
            ):
                continue
            operands = tuple(
                [
                    first[k] if k not in graph.constants else self.held[k].node
                    for k in graph.operands[node]
                ]
            )
            written = graph.written.get(node)
            first[node] = known.setdefault(
                (row.name, written, node in graph.written, *operands), node
            )
        return first

    def kept(self, node: int, gradient: Held) -> Held:
        """A gradient as a node of its own, which nothing looks into."""
        s = self.symbols
        own = s.shape(gradient.node)
        if len(own) == 2 and 1 in own and max(own) > 1:  # a row or a column, as a vector
            column = s.alike(gradient.node, (max(own),))
            if self.trivial(column) or s.tape.operations[column] is INDEX:
                return gradient
            return gradient._replace(node=s.alike(self.kept_apart(node, column), own))
        return gradient._replace(node=self.kept_apart(node, gradient.node))

    def kept_apart(self, node: int, gradient: int) -> int:
        """A node of its own for a gradient, the same for those that are the same."""
        if gradient not in self.keepers:
            apart = self.keepers[gradient] = self.symbols.tape.add(IDENTITY, (gradient,))
            self.apart[apart] = node
            self.sharers[apart] = {node}
        self.sharers[self.keepers[gradient]].add(node)
        return self.keepers[gradient]

    def receivers(self, node: int) -> Sequence[int]:
        """The operands that a node sends something to, each as often as it does."""
        row, operands = self.graph.operations[node], self.graph.operands[node]
        if row is IF:
            return operands[2:]
        if not isinstance(row, Structural):
            return operands
        texts = row.vjp([self.held[k].shape for k in operands], self.graph.written[node])
        return [k for k, text in zip(operands, texts, strict=True) if text != "0"]

    def trivial(self, node: int) -> bool:
        """Whether a gradient is not worth a name: a leaf, a unit matrix, or ones."""
        s = self.symbols
        scale, rest = s.split(node)
        for one in (scale, rest):
            if one is None:
                continue
            row, operands = s.tape.operations[one], s.tape.operands[one]
            if (
                one in s.named
                or row is TRANSPOSE
                or (row is NEG and s.tape.operations[operands[0]].leaf)
            ):
                continue
            counts = all(s.sized(k) for k in operands)  # 1/rows(X)
            if not (row.leaf or row in (EYE, ONES, IDENTITY) or row.name == "array" or counts):
                return False
        return (
            scale is None
            or rest is None
            or s.tape.operations[rest] in (EYE, ONES)
            or s.number(scale) == -1
        )

    def added(self, a: Held, b: Held) -> Held:
        """The sum of two contributions."""
        return a._replace(node=plus(self.symbols, a.node, b.node))

    # contributions

    def contribution(self, node: int, place: int, upstream: Held) -> Held | None:
        """What a node sends to an operand; None where that is nothing."""
        graph, s = self.graph, self.symbols
        row, operands = graph.operations[node], graph.operands[node]
        operand = self.held[operands[place]]
        if s.number(upstream.node) == 0:
            return None
        if row is IDENTITY:
            return upstream
        if isinstance(row, Structural):
            return self.structural(row, node, place, upstream)
        if row is IF:
            return self.chosen(node, place, upstream)
        if row.name in REDUCTIONS and len(operands) == 1 and operand.shape:
            return self.reduction(row, node, operand, upstream)
        slope = self.local(row, node, place)
        sent = times(s, upstream.node, slope, self.upstreams)
        return self.fitted(Held(sent, self.held[node].shape, self.held[node].extents), operand)

    def chosen(self, node: int, place: int, upstream: Held) -> Held | None:
        """The contribution of an `if`, whose comparison gets none."""
        if place < 2:
            return None
        s, graph = self.symbols, self.graph
        test = graph.conditions[graph.condition_of[node]]
        left, right = self.held[test.left].node, self.held[test.right].node
        both = [upstream.node, s.constant(0.0)]
        sides = both if place == 2 else both[::-1]
        one = s.choose(test.comparison, left, right, *sides)
        return self.fitted(upstream._replace(node=one), self.held[graph.operands[node][place]])

    def local(self, row: Operation, node: int, place: int) -> int:
        """The local gradient of an operation on elements."""
        s = self.symbols
        operands = [self.held[k].node for k in self.graph.operands[node]]
        if row.selects:
            whole = s.plain(row, operands)
            return share(s, whole, place, tie(s, whole), once=False)
        text = rule(row, len(operands), 0 if row.variadic else place, False)
        names = parameters(row, len(operands))
        leaves = dict(zip(names, operands, strict=True)) | {"out": self.held[node].node}
        if row.variadic:
            leaves |= {"x": operands[place], "n": s.constant(float(len(operands)))}
        return s.copy(text, leaves)[text.output]

    def reduction(self, row: Operation, node: int, x: Held, upstream: Held) -> Held:
        """The contribution of a reduction of an array."""
        s, out = self.symbols, self.held[node]
        along = self.graph.written.get(node)
        if size(x.shape) == size(out.shape):
            return x._replace(node=upstream.node)
        if row.selects:
            one, zero = s.constant(1.0), s.constant(0.0)
            equal = s.choose("==", x.node, out.node, one, zero)
            count = s.reduce(SUM, x._replace(node=equal), along).node
            part = s.apply(DIV, (upstream.node, count))
            return x._replace(node=s.choose("==", x.node, out.node, part, zero))
        if row is SUM:
            return x._replace(node=upstream.node)
        if row.name == "mean":
            kept = [
                k for k in range(len(x.shape)) if along is None or len(x.shape) == 1 or k == along
            ]
            node = upstream.node
            counts = [s.count(x.extents[k]) for k in kept if x.shape[k] > 1]
            below = reduce(lambda a, b: s.apply(MUL, (a, b)), counts)
            return x._replace(node=s.apply(DIV, (node, below)))
        text = rule(row, 2, 0, False)
        last = (along is None and len(x.shape) == 1) or along == len(x.shape) - 1
        if row.name == "logsumexp" and last:
            slope = s.structural(STRUCTURAL["softmax"], [x], None, x.shape).node
        else:
            slope = s.copy(text, {"x": x.node, "out": out.node})[text.output]
        return x._replace(node=times(s, upstream.node, slope, self.upstreams))

    def fitted(self, sending: Held, operand: Held) -> Held:
        """A contribution in the shape of the operand, summed over what was stretched."""
        s = self.symbols
        if sending.shape == operand.shape:
            return operand._replace(node=sending.node)
        lost = spread_out(operand.shape, sending.shape)
        if len(lost) == len([n for n in sending.shape if n > 1]) or not operand.shape:
            lost = lost if size(operand.shape) > 1 else tuple(range(len(sending.shape)))
        if lost == tuple(range(len(sending.shape))):
            sending = s.reduce(SUM, sending, None)
        else:
            for axis in lost:
                sending = s.reduce(SUM, sending, axis)
        return operand._replace(node=self.in_shape(sending, operand.shape))

    def in_shape(self, x: Held, shape: Shape) -> int:
        """A node in a shape that is alike; what is stretched everywhere stays."""
        s = self.symbols
        own = s.shape(x.node)
        if own == shape:
            return x.node
        if size(own) == 1:
            return s.alike(x.node, ())
        if x.shape == shape or own == (1, *shape):
            return x.node
        return s.alike(s.full(x), shape)

    def structural(self, row: Structural, node: int, place: int, upstream: Held) -> Held | None:
        """The contribution of an operation on whole arrays, as its text says."""
        graph, s = self.graph, self.symbols
        operands = graph.operands[node]
        given = [self.held[k] for k in operands]
        taken = [one.shape for one in given]
        written = graph.written[node]
        if row.vjp(taken, written)[place] == "0":
            return None
        if row.name == "softmax" and not self.careful:
            node_at_label = self.at_label(self.held[node], upstream)
            if node_at_label is not None:
                return given[place]._replace(node=node_at_label)
        text = sent(row, place, taken, written, self.careful)
        names = row.called(len(given), written)
        leaves = dict(zip(names, given, strict=False))
        leaves |= {OUT: self.held[node], UP: upstream}
        at: dict[str, float | Array] = {}
        for name, k in zip(names, operands, strict=False):
            at[name] = self.sample(k)
        for name in (OUT, UP):
            shape = self.held[node].shape
            at[name] = Array(shape, () if shape else (1.0,)).value
        at = {name: at[name] for name in text.variables}
        needed = text.needed(text.output)
        found = shapes(text, at, needed)
        result = s.lifted(text, found, leaves, needed, text=True)[text.output]
        return given[place]._replace(node=self.in_shape(result, given[place].shape))

    def at_label(self, out: Held, upstream: Held) -> int | None:
        """What a softmax sends back of what arrives at one element of each row alone: out less a
        unit vector, times a number; None of others.
        """
        s = self.symbols
        size = s.count(out.extents[-1])
        scale, rest = s.split(upstream.node)
        if rest is None:
            return None
        row, operands = s.tape.operations[rest], s.tape.operands[rest]
        if row.name == "onehot" and len(out.shape) == 1:
            label = operands[0]
            chosen = s.written(INDEX, (out.node, label), ("only",))
        elif row.name == "put" and s.tape.written[rest][0].name == "pick":
            arriving, _, label = operands
            chosen = s.written(STRUCTURAL["pick"], (out.node, label))
            scale = s.product_of(scale, arriving)
        else:
            return None
        factor = chosen if scale is None else s.apply(MUL, (scale, chosen))
        if s.shape(factor):
            return None
        less = s.apply(SUB, (out.node, s.onehot(label, size)))
        return s.apply(MUL, (s.apply(NEG, (factor,)), less))

    def sample(self, node: int) -> float | Array:
        """A value of the shape of a node; its numbers where it selects or is a size."""
        shape = self.held[node].shape
        whole = self.found.whole.get(node)
        if (
            whole is None
            and not shape
            and (number := self.symbols.number(self.held[node].node)) is not None
        ):
            return number
        numbers = tuple(map(float, whole)) if whole else () if shape else (1.0,)
        return Array(shape, numbers).value
