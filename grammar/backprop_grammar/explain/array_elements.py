"""Operations number by number, and reductions, in words: where a number goes, and what is summed."""

from ..arrays.record import ArrayEdge, ArrayNode
from ..numbers.wide import sign
from ..operations.row import Role
from ..operations.shape import said, size, spread
from ..operations.table import IDENTITY, IF, SUB
from .array_lookup import LINES, ZERO, Lookup, floats
from .document import Figure, Partial, Piece, Pieces, Side, formula, listed, name, say
from .sentences import names, ordinal, row_sentence

__all__ = ["Elements"]


class Elements(Lookup):
    """Says what an elementwise operation, or a reduction, sends back."""

    # reductions

    def reduction(self, node: ArrayNode) -> list[Pieces]:
        """An operation along an axis: what arrives is spread along it again."""
        (edge,) = node.edges
        shape, row = self.shape(edge.operand), node.row
        axis = self.graph.written.get(node.index)
        if len(shape) < 2:
            axis = None
        many = size(shape) // max(size(node.shape), 1)
        line = "" if axis is None else f" of a {LINES[axis]}"
        if row.selects:
            return [*self.largest(node, edge, axis), self.receives(node, edge)]
        if row.distributes_alike:
            what = (
                "its upstream gradient unchanged"
                if row.adds
                else f"1/{many:,} of its upstream gradient"
            )
            start = say(
                "A {} hands on {} to {} numbers{}", row.name, what, f"each of the {many:,}", line
            )
            if many == 1:
                start = say("A {} of one number hands on its upstream gradient unchanged", row.name)
            if axis is not None:
                start += say(": going back, {}, {}, is spread along axis {}, over the {} {}s", self.up(), said(node.shape), str(axis), f"{shape[axis]:,}", LINES[1 - axis])  # fmt: skip
            return [start + say("."), self.receives(node, edge)]
        sentences = [row_sentence(row, [0], True)]
        assert edge.local is not None
        local = formula(
            "gradient", Partial(node.name, self.trace.name(edge.operand)), self.side(edge.local)
        )
        spread_out = "" if axis is None else f", with the upstream number of its {LINES[axis]}"
        sentences.append(say("Here the local gradients are {}: each number of {} is sent its own times the upstream gradient{}.", local, self.name(edge.operand), spread_out))  # fmt: skip
        return [*sentences, self.receives(node, edge)]

    def largest(self, node: ArrayNode, edge: ArrayEdge, axis: int | None) -> list[Pieces]:
        """A max or min: which numbers it selects."""
        assert edge.local is not None
        label, shape = self.trace.name(edge.operand), self.shape(edge.operand)
        locals_ = floats(edge.local)
        chosen = [k for k, x in enumerate(locals_) if x]
        tied = [k for k in chosen if locals_[k] != 1]
        word = "largest" if node.row.selects > 0 else "smallest"
        line = "" if axis is None else f" of each {LINES[axis]}"
        sentences = [say("{} routes everything to the {} number{}, {}; the others receive nothing.", node.row.name, word, line, self.these(label, shape, chosen))]  # fmt: skip
        if tied:
            sentences.append(
                say("{} tie, so they share it equally.", self.these(label, shape, tied))
            )
        return sentences

    # elementwise operations

    def elementwise(self, node: ArrayNode) -> list[Pieces]:
        """Number by number, as in a program over numbers."""
        row, sentences = node.row, list[Pieces]()
        if row.role is Role.ROUTES:
            sentences += self.routed(node)
            return sentences + [one for edge in node.edges for one in self.arrives(node, edge)]
        kinks = self.kinks.get(node.name)
        if row.distributes_alike:
            rule = "A sum hands its upstream gradient on unchanged" if row.adds else f"A {row.name} hands on 1/{len(node.operands)} of its upstream gradient"  # fmt: skip
            if row is IDENTITY:
                rule = "A second name hands its upstream gradient on as it is"
            sentences.append(say("{}.", rule))
            return sentences + [one for edge in node.edges for one in self.arrives(node, edge)]
        if kinks:
            sentences.append(self.kink(node, kinks))
        else:
            first = self.by_index.get(node.operands[0])
            base = first is not None and all(x is not None and sign(x) for x in first.value.numbers)
            sentences.append(row_sentence(row, [edge.place for edge in node.edges], base))
        if row.role is Role.SWAPS and any(self.shape(k) for k in node.operands):
            needed = (
                "no transpose"
                if any(edge.fit for edge in node.edges)
                else "no sum and no transpose"
            )
            sentences.append(say("It goes number by number, so {} is needed.", needed))
        for edge in node.edges:
            sentences += self.slope(node, edge)
        return sentences

    def kink(self, node: ArrayNode, kinks: list[str]) -> Pieces:
        at = names(kinks) if node.shape else [name(node.name)]
        return say("{} has a kink at {}; {}.", node.row.name, at, node.row.at_kink)

    def slope(self, node: ArrayNode, edge: ArrayEdge) -> list[Pieces]:
        """The local gradient of an operand, and what it receives."""
        operand = self.trace.name(edge.operand)
        twice = sum(e.operand == edge.operand for e in node.edges) > 1
        many = len(node.edges) > 1
        which = (
            say(" for the {}", ordinal(edge.place))
            if twice
            else say(" for {}", name(operand))
            if many
            else []
        )
        sides: list[Side] = [] if twice else [Partial(node.name, operand)]
        assert edge.local is not None
        text = "" if edge.rule is None else str(edge.rule)
        if text and node.name not in self.kinks:
            sides.append(self.written(text))
        shown = edge.local
        values, everywhere = {x for x in shown.numbers if x is not None}, ""
        if edge.rule is not None and edge.rule.number is not None and sides:
            pass  # the rule is the number
        elif text in self.arrays and sides:
            pass  # its numbers have been told
        elif node.shape and len(values) == 1:
            sides.append(Figure(values.pop(), self.digits))
            if len(shown.numbers) > 1 and text not in self.names:
                everywhere = " there" if None in shown.numbers else " everywhere"
        else:
            sides.append(self.side(shown))
        local = formula("gradient", *sides)
        start = say("The local gradient{} is {}{}", which, local, everywhere)
        if not edge.fit:
            return [
                start + say(", so {} receives {}.", self.name(edge.operand), self.what(node, edge))
            ]
        return [start + say("."), *self.arrives(node, edge)]

    def arrives(self, node: ArrayNode, edge: ArrayEdge) -> list[Pieces]:
        """What an operand receives; of one that was stretched, why it is summed."""
        if not edge.fit:
            return [self.receives(node, edge)]
        over, operand = node.shape, self.name(edge.operand)
        if edge.fit == "all":
            how = say("{} is one number that is used for all {} numbers of {}", operand, f"{size(over):,}", name(node.name))  # fmt: skip
        else:
            axis = int(edge.fit[-1])
            how = say("{} was stretched over {} {}s", operand, f"{over[axis] if len(over) == 2 else over[0]:,}", LINES[1 - axis])  # fmt: skip
        reason = say("{}: it was copied forward, so its gradient is summed backward.", how)
        return [reason, self.receives(node, edge), self.vanishes(node, edge)]

    def vanishing(self, node: ArrayNode, edge: ArrayEdge) -> list[int]:
        """The places of a stretched operand where products that are not 0 add up to 0."""
        if not edge.fit or edge.local is None or node.gradient is None:
            return []
        terms = [a * b for a, b in zip(floats(node.gradient), floats(edge.local), strict=True)]
        moving = {
            k for k, x in zip(spread(edge.contribution.shape, node.shape), terms, strict=True) if x
        }
        return [k for k, x in enumerate(edge.contribution.numbers) if x == 0 and k in moving]

    def vanishes(self, node: ArrayNode, edge: ArrayEdge) -> Pieces:
        """Why what is summed for a stretched operand cancels, where it does."""
        places = self.vanishing(node, edge)
        if not places:
            return []
        operand = self.trace.name(edge.operand)
        axis = None if edge.fit == "all" else int(edge.fit[-1])
        line = "all of it" if axis is None else f"a whole {LINES[axis]}"
        where = self.at_places(operand, edge.contribution.shape, places)
        start = say("That is exactly 0{}, though what is summed is not: ", where)
        mean = self.centre(node, edge, axis)
        if mean is not None:
            in_each = "" if axis is None else f" of each {LINES[axis]}"
            template = "{} is the mean of {}, so the numbers{} of {} add up to 0, and what arrives is a multiple of them."
            return start + say(template, name(operand), self.name(mean), in_each, name(node.name))
        if edge.rule is not None and edge.rule.number in (1.0, -1.0):
            if size(self.trace.value.shape) > 1:  # which one, depends on what arrives there
                return start + say("the numbers that arrive cancel.")
            return start + say("to shift {} by one number changes nothing in {}, to first order.", say("{} of {}", line, name(node.name)) if axis is not None else say("all of {}", name(node.name)), name(self.trace.output_name))  # fmt: skip
        return start + say("the products cancel.")

    def centre(self, node: ArrayNode, edge: ArrayEdge, axis: int | None) -> int | None:
        """What an operand is the mean of, where it is taken from just that, and what arrives is a
        multiple of the result along each line.
        """
        mean = self.by_index.get(edge.operand)
        if node.row is not SUB or edge.place != 1 or mean is None or mean.row.name != "mean":
            return None
        if mean.operands != node.operands[:1] or self.graph.written.get(mean.index) != axis:
            return None
        assert node.gradient is not None
        line = spread(edge.contribution.shape, node.shape)
        largest: dict[int, tuple[float, float]] = {}
        pairs = list(zip(line, floats(node.value), floats(node.gradient), strict=True))
        for k, x, up in pairs:
            largest[k] = max(largest.get(k, (0.0, 0.0)), (x, up), key=lambda pair: abs(pair[0]))
        for k, x, up in pairs:
            most, beside = largest[k]
            if abs(up * most - beside * x) > ZERO * abs(beside * most):
                return None
        return mean.operands[0]

    # operations that select

    def routed(self, node: ArrayNode) -> list[Pieces]:
        """An elementwise operation that selects: what it takes where."""
        row = node.row
        kinks = self.kinks.get(node.name, [])
        sentences = []
        if row.rectifies:
            sentences.append(self.rectified(node))
        elif row is IF or row.selects:
            sentences.append(self.choice(node))
        else:
            sentences += [self.through(node, edge) for edge in node.edges]
        if kinks and row is IF:
            sentences.append(say("At {} the point stands exactly on the boundary of the condition; the gradient is that of the branch that is taken.", names(kinks)))  # fmt: skip
        elif kinks and not row.selects:
            at = names(kinks) if node.shape else [name(node.name)]
            sentences.append(say("At {} it stands on its kink; {}.", at, row.at_kink))
        return sentences

    def open(self, node: ArrayNode, edge: ArrayEdge) -> list[int]:
        """The places at which an operand is let through."""
        assert edge.local is not None
        return [k for k, x in enumerate(floats(edge.local)) if x]

    def rectified(self, node: ArrayNode) -> Pieces:
        """A relu: on where its operand is positive."""
        (edge,) = node.edges
        x, row = self.trace.name(edge.operand), node.row.name
        on = self.open(node, edge)
        if not node.shape:
            side = "positive" if on else "not positive"
            return say(
                "{} is {}, so {} lets {} through.",
                name(x),
                side,
                row,
                "everything" if on else "nothing",
            )
        if len(on) == size(node.shape):
            return say(
                "All numbers of {} are positive, so {} lets everything through.", name(x), row
            )
        if not on:
            return say("No number of {} is positive, so {} lets nothing through.", name(x), row)
        return say("{} lets what arrives through where {} is positive, at {}, and nothing elsewhere.", row, name(x), self.these(x, node.shape, on))  # fmt: skip

    def through(self, node: ArrayNode, edge: ArrayEdge) -> Pieces:
        """Where any other operation that selects lets an operand through."""
        on, shape = self.open(node, edge), node.shape
        operand, row = self.name(edge.operand), node.row.name
        if len(on) == size(shape):
            return say("{} lets everything through to {}.", row, operand)
        if not on:
            return say("{} lets nothing through to {}.", row, operand)
        return say("{} lets through to {} what arrives at {}, and nothing elsewhere.", row, operand, self.these(node.name, shape, on))  # fmt: skip

    def choice(self, node: ArrayNode) -> Pieces:
        """An if, a max or a min: which operand is taken where."""
        row, shape = node.row, node.shape
        operands = node.operands[2:] if row is IF else node.operands
        first = 2 if row is IF else 0
        taken: dict[int, list[int]] = {}
        tied: list[int] = []
        for edge in node.edges:
            assert edge.local is not None
            local = floats(edge.local)
            taken[edge.place] = [k for k, x in enumerate(local) if x == 1]
            tied += [k for k, x in enumerate(local) if x not in (0, 1)]
        told = {k for places in taken.values() for k in places} | set(tied)
        rest = [k for k in range(size(shape)) if k not in told]
        others = [k for k in range(first, first + len(operands)) if k not in taken]
        if len(others) == 1:
            taken[others[0]] = rest
        parts: list[Piece | Pieces] = []
        for place in sorted(taken):
            places = taken[place]
            if places:
                where = [] if len(places) == size(shape) or not shape else say(" at {}", self.these(node.name, shape, places))  # fmt: skip
                parts.append(say("{}{}", self.name(node.operands[place]), where))
        by_number = ", number by number," if shape else ""
        if row is IF:
            return say("The condition selects{} {}, and what arrives goes where it was taken from; the condition itself receives nothing.", by_number, listed(parts))  # fmt: skip
        word = "larger" if row.selects > 0 else "smaller"
        words = say("{} takes{} the {} one", row.name, by_number, word)
        words += say(": {}.", listed(parts)) if parts else say(".")
        if tied:
            words += say(" Its operands tie at {}, and share what arrives there equally.", self.these(node.name, shape, sorted(set(tied))))  # fmt: skip
        return words
