"""Operations on arrays in words: what is sent, as the row's text has it, and why."""

import re
from collections.abc import Sequence

from ..arrays.lower import element
from ..arrays.record import ArrayEdge, ArrayNode
from ..arrays.vjp import OUT, UP, renamed
from ..language.printer import program_text
from ..language.table_texts import compiled
from ..operations.fits import positions
from ..operations.shape import Cells, Shape, said, size
from ..operations.structural import INDEX, Structural
from . import indices
from .array_lookup import FEW, ZERO, Lookup, floats
from .array_sentences import OF_A_ROW, PRODUCTS, SHIFTS, WHY, Why, filled
from .document import Indexed, Partial, Piece, Pieces, formula, listed, name, say
from .sentences import MANY, names, times

__all__ = ["Given", "Place", "Structure"]

Place = tuple[str, ...]
"""An element by its indices, which are letters here."""

Given = dict[str, Piece | Pieces | str]
"""What a sentence may name."""


class Structure(Lookup):
    """Says what an operation on arrays sends back."""

    def structural(self, node: ArrayNode) -> list[Pieces]:
        """An operation on arrays: its text, and why it is so."""
        row = node.row
        assert isinstance(row, Structural)
        if row.kinks and node.name in self.kinks:  # where the text has no number
            kink = say("{} has a kink at {}; {}.", row.name, name(node.name), row.at_kink)
            sent = [say("{} receives {}.", self.name(edge.operand), self.amount(edge.contribution)) for edge in node.edges]  # fmt: skip
            return [kink, *sent]
        why, places = WHY.get(row.name, Why()), self.places(node)
        given = self.given(node, places)
        sentences = [filled(why.whole, given)]
        if row.name in PRODUCTS and "forward" in given:
            sentences.append(filled("{out[]} is {forward}.", given))
        if row is INDEX:
            sentences.append(self.taken(node))
        for edge in node.edges:
            own = given | self.own(node, edge, places)
            sentences.append(filled(why.of(edge.place), own))
            if row.name == "softmax":
                sentences.append(filled(OF_A_ROW, own))
            if row.name in PRODUCTS:
                sentences += self.product(node, edge, places, own)
            elif row.name == "cross_entropy":
                sentences.append(self.entropy(edge, own))
            if row.name in PRODUCTS or indices.multiplies(edge.vjp, self.known(node)):
                sentences.append(self.sizes(node, edge))
            sentences.append(self.receives(node, edge))
            sentences.append(self.adds_up_to_zero(node, edge, own))
        if row.name == "array" and len(sentences) > MANY:
            each = say("Each of {} receives the number at its place.", names([self.trace.name(e.operand) for e in node.edges]))  # fmt: skip
            return [sentences[0], each]
        return [*sentences, *self.jacobians(node)]

    def known(self, node: ArrayNode) -> dict[str, Shape]:
        """The shapes of what a text at a node may name."""
        of = {
            self.trace.name(k): self.shape(k)
            for k in node.operands
            if k not in self.graph.constants
        }
        return of | {node.name: node.shape, "up": node.shape}

    def places(self, node: ArrayNode) -> dict[int, Place]:
        """An element of each operand by its indices, and of the result at -1."""
        first, second, third = self.letters[:3]
        shapes = [self.shape(k) for k in node.operands]
        if node.row.name not in PRODUCTS:
            two = (first, second)
            return {-1: two[: len(node.shape)]} | {k: two[: len(s)] for k, s in enumerate(shapes)}
        a, b = shapes
        if node.row.name == "outer":  # which takes rows and columns for vectors, as dot does
            vectors = len(a) == len(b) == 1
            return {
                -1: (first, second),
                0: (first,) if vectors else (),
                1: (second,) if vectors else (),
            }
        if len(a) == 1 and len(b) == 2 and b[0] == 1 != a[0]:
            return {-1: (first, second), 0: (first,), 1: ("0", second)}
        left: Place = (first, second) if len(a) == 2 else (first,)
        inner = left[-1]
        right: Place = (inner, third if inner == second else second) if len(b) == 2 else (inner,)
        if node.row.name == "dot":
            left, right = ((first,), (first,)) if len(a) == len(b) == 1 else ((), ())
        return {-1: left[:-1] + right[1:], 0: left, 1: right}

    def given(self, node: ArrayNode, places: dict[int, Place]) -> Given:
        """What a sentence about an operation may name."""
        row = node.row
        given: Given = {
            "out": name(node.name),
            "out[]": name(element(node.name, places[-1])),
            "i": self.letters[0],
            "j": self.letters[1],
        }
        for k, operand in enumerate(node.operands):
            label = row.operands[k] if not row.variadic else f"operand{k}"
            given[label] = self.name(operand)
            given[f"{label}[]"] = name(element(self.trace.name(operand), places[k]))
        shape = self.shape(node.operands[0]) if node.operands else ()
        matrix = len(shape) == 2
        if matrix:
            given["out_line"] = say("a row of {}", name(node.name))
        given["each_row"] = "each row" if matrix else [self.name(node.operands[0])]
        given["its_row"] = "its row" if matrix else "all of them"
        given["a_row"] = " a row" if matrix else ""
        given["one_a_row"] = "the one number of each row" if matrix else "the one number"
        over = [one for place in places.values() for one in place if one not in places[-1]]
        free = [*dict.fromkeys(over), *self.letters]
        forward = indices.element(node.formula, self.known(node), places[-1], free)
        if forward is not None:
            given["forward"] = [formula("formula", forward)]
        return given

    def own(self, node: ArrayNode, edge: ArrayEdge, places: dict[int, Place]) -> Given:  # fmt: skip
        """What a sentence about an operand may name."""
        shape = self.shape(edge.operand)
        own: Given = {
            "this": self.name(edge.operand),
            "sent": [formula("formula", self.written(edge.vjp))],
            "shape": said(shape),
            "line": say("a row of {}" if len(shape) == 2 else "{}", self.name(edge.operand)),
        }
        whole = self.shape(node.operands[0])
        if size(shape) < size(whole):
            own["stretched"] = say("{} was stretched over {} rows: it was copied forward, so its gradient is summed backward.", self.name(edge.operand), f"{whole[0]:,}")  # fmt: skip
        gets = self.gets(node, edge, places)
        if gets is not None:
            own["gets"] = [formula("formula", gets)]
        return own

    def gets(self, node: ArrayNode, edge: ArrayEdge, places: dict[int, Place]) -> Indexed | None:  # fmt: skip
        """What an element of an operand receives, over elements."""
        known = self.known(node)
        if UP in self.names:  # the program's own, of which the text does not speak
            return None
        place = places.get(edge.place, ())
        free = [one for one in places[-1] if one not in place]
        return indices.element(edge.vjp, known, place, [*free, *self.letters])

    def product(self, node: ArrayNode, edge: ArrayEdge, places: dict[int, Place], own: Given) -> list[Pieces]:  # fmt: skip
        """Which factor meets which in a matrix product."""
        other = node.operands[1 - edge.place]
        here, there_ = places[edge.place], places[1 - edge.place]
        over = [one for one in places[-1] if one not in here]
        out = name(element(node.name, places[-1]))
        users = (
            say("{} for every {}", out, listed([name(one) for one in over]))
            if over
            else say("{} alone", out)
        )
        if over and len(over) == len(places[-1]):
            users = say("every {}", out)
        beside = name(element(self.trace.name(other), there_))
        mine = name(element(self.trace.name(edge.operand), here))
        if "gets" not in own:
            return []
        sentence = say("{} is used by {}, where {} multiplies it, so it receives {}", mine, users, beside, own["gets"])  # fmt: skip
        known = self.known(node)
        turned = indices.turned(edge.vjp, known)
        if not indices.multiplies(edge.vjp, known):
            return [sentence + say(".")]
        outer = [one for one in turned if one.outer]
        if outer:
            pair = [one for one in indices.names_in(edge.vjp, known) if known[one]]
            sides = listed(
                [say("a number of {}", formula("formula", self.written(one))) for one in pair]
            )
            return [
                sentence
                + say(". All products of {} are their outer product, {}.", sides, own["sent"])
            ]
        sentence += say(": that is {}", own["sent"])
        reasons = [
            say(
                "over the {} of {}",
                ("columns", "rows")[one.rows],
                formula("formula", self.written(one.name)),
            )
            for one in turned
        ]
        sentence += (
            say(". The transpose is there because the sum runs {}.", listed(reasons))
            if reasons
            else say(".")
        )
        both = len(self.shape(node.operands[0])) == len(self.shape(node.operands[1])) == 2
        if both and edge.place == 1:
            rows = self.shape(other)[0]
            if rows > 1:
                sentence += say(" Each of the {} rows of {} uses all of {}, so what they send is added up.", f"{rows:,}", self.name(other), self.name(edge.operand))  # fmt: skip
        return [sentence]

    def sizes(self, node: ArrayNode, edge: ArrayEdge) -> Pieces:
        """`up is 2, x is 2, so up @ x.T is 2x2, as W is`, as a sentence."""
        known = self.known(node)
        shape, target = indices.shape_of(edge.vjp, known), self.shape(edge.operand)
        factors = [one for one in indices.names_in(edge.vjp, known) if known[one]]
        if shape is None or not factors or not indices.multiplies(edge.vjp, known):
            return []
        parts: Pieces = []
        for k, one in enumerate(factors):
            parts += say(
                "{}{} is {}",
                ", " * bool(k),
                formula("formula", self.written(one)),
                said(known[one]),
            )
        so = say(", so {} is {}", formula("formula", self.written(edge.vjp)), said(shape))
        if shape == target:
            return parts + so + say(", as {} is.", self.name(edge.operand))
        if (1, *shape) == target:
            return parts + so + say(", a row as {} is, {}.", self.name(edge.operand), said(target))
        return parts + so + say(", and {} is {}.", self.name(edge.operand), said(target))

    def jacobians(self, node: ArrayNode) -> list[Pieces]:
        """What the Jacobians of an operation would be; said once of each operation."""
        row = node.row
        if row.name in self.jacobians_told or size(node.shape) < 2:
            return []
        assert isinstance(row, Structural)
        shapes = [self.shape(k) for k in node.operands]
        sentences = [self.jacobian_size(node)] if row.name in PRODUCTS else []
        for edge in node.edges:
            text = row.jacobian(edge.place, shapes, node.shape)
            if text:
                labels = {UP: UP, OUT: node.name}
                labels |= zip(row.operands, map(self.trace.name, node.operands), strict=False)
                shown = self.written(program_text(renamed(compiled(text), labels)))
                ratio = Partial(node.name, self.trace.name(edge.operand))
                sentences.append(say("The Jacobian is {}; what is sent to {} is its transpose times {}.", formula("formula", ratio, shown), self.name(edge.operand), self.up()))  # fmt: skip
        if any(sentences):
            self.jacobians_told.add(row.name)
        return sentences

    def jacobian_size(self, node: ArrayNode) -> Pieces:
        """How large the Jacobian of a product by a matrix would be."""
        for edge in node.edges:
            shape = self.shape(edge.operand)
            same = shape[edge.place] if len(shape) == 2 else 1
            if same < 2 or size(shape) < 2:
                continue
            zero = "half" if same == 2 else f"all but 1 in {same:,}"
            partial = formula("formula", Partial(node.name, self.trace.name(edge.operand)))
            return say("The Jacobian {} would have {} numbers, of which {} are 0; it is never needed.", partial, f"{size(node.shape):,} x {size(shape):,}", zero)  # fmt: skip
        return []

    def entropy(self, edge: ArrayEdge, own: Given) -> Pieces:
        """The gradient of cross_entropy, as its text has it."""
        whole, by_rows, _ = edge.vjp.rpartition("/rows(")
        found = re.fullmatch(r"up\*(?:\((.*)\)|(.*))", whole if by_rows else edge.vjp)
        if found is None:
            return []
        core = re.sub(r",? cols\(\w+\)", "", found[1] or found[2])
        shape = self.shape(edge.operand)
        beside = formula("formula", self.written(core))
        sentence = say("In each row the" if len(shape) == 2 else "The")
        sentence += say(" probabilities softmax({}) are compared with {}: the gradient is {}", own["this"], own_labels(own), beside)  # fmt: skip
        if by_rows and len(shape) == 2:
            sentence += say(
                ", divided by the {} rows because the loss is their mean", f"{shape[0]:,}"
            )
        return sentence + say(".")

    def taken(self, node: ArrayNode) -> Pieces:
        """What an index took, once, twice or not at all."""
        x, *given = node.operands
        label, shape = self.trace.name(x), self.shape(x)
        cells = [Cells(shape, range(size(shape)))]
        cells += [Cells(self.shape(k), (), self.whole(k)) for k in given]
        found = positions(cells, self.graph.written[node.index])[1]
        counts: dict[int, int] = {}
        for k in found:
            counts[k] = counts.get(k, 0) + 1
        words = say("An index only takes numbers, so what arrives is put back where each was taken")
        left = size(shape) - len(counts)
        words += (
            say(", and the {} that were not taken receive 0.", counted_numbers(left))
            if left
            else say(".")
        )
        often = [k for k, count in counts.items() if count > 1]
        if often:
            most = sorted({counts[k] for k in often})
            shown = self.lines(label, shape, often)
            how = times(most[0]) if len(most) == 1 else "more than once"
            words += say(" {} {} taken {}, so what arrives for each time is added.", shown, "was" if len(shown) == 1 else "were", how)  # fmt: skip
        return words

    def whole(self, operand: int) -> tuple[int, ...]:
        """The whole numbers of an index."""
        node = self.by_index.get(operand)
        if node is None:
            return (int(self.graph.constants[operand]),)
        return tuple([int(x) for x in floats(node.value)])

    def lines(self, label: str, shape: Shape, places: Sequence[int]) -> Pieces:
        """Elements by their names; where they are whole rows, these."""
        width = shape[-1]
        rows = sorted({k // width for k in places})
        if len(shape) == 2 and len(rows) * width == len(places):
            if len(rows) > FEW:
                return say("{} rows of {}", f"{len(rows):,}", name(label))
            return names([f"{label}[{k}]" for k in rows])
        return self.these(label, shape, places)

    def adds_up_to_zero(self, node: ArrayNode, edge: ArrayEdge, own: Given) -> Pieces:
        """That what is sent adds up to 0 along each row, and why, where it does."""
        reason = SHIFTS.get(node.row.name)
        numbers, shape = floats(edge.contribution), edge.contribution.shape
        if reason is None or edge.place or not shape or shape[-1] < 2:
            return []
        width = shape[-1]
        for start in range(0, len(numbers), width):
            row = numbers[start : start + width]
            if abs(sum(row)) > ZERO * sum(map(abs, row)):
                return []
        what = "Each row of it adds" if len(shape) == 2 else "Its numbers add"
        return say("{} up to 0: {}.", what, filled(reason, own))


def own_labels(own: Given) -> Pieces:
    """The labels of a loss."""
    label = own.get("y")
    return say("the label") if label is None or isinstance(label, str) else say("{}", label)


def counted_numbers(n: int) -> str:
    return f"{n:,} number{'s' * (n != 1)}"
