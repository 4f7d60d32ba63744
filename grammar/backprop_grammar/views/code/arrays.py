"""A program over arrays as statements of a library of arrays.

The three libraries agree in how arrays are indexed, multiplied and stretched, which is also how the
language has it; the names of their functions are the target's.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from ...arrays.shapes import Shapes
from ...errors import BackpropError
from ...language.graph import Graph, nested
from ...language.precedence import ATOM, PRODUCT, comparison_of
from ...operations.makers import Maker
from ...operations.row import Operation
from ...operations.shape import Shape, size
from ...operations.structural import ARRAY, INDEX, MATMUL, SELECTIONS, TRANSPOSE, Structural
from ...operations.table import IDENTITY, NEG, VARIABLE
from .careful import careful
from .statements import Lines
from .target import Fragment, Target

__all__ = ["ArrayLines"]

KEPT = re.compile(r", keepdims?=True\)\Z")
"""How a reduction along an axis ends, which keeps it; without that it is a vector."""

COUNTS = {"rows": "{}.shape[0]", "cols": "{}.shape[-1]"}
"""What says how large a matrix is, in all three libraries; a vector has one row."""


class ArrayLines(Lines):
    """Statements of a target, over a program in which arrays stand.

    found: the shapes of its nodes. needed: the nodes that are written.
    """

    def __init__(
        self,
        target: Target,
        tape: Graph,
        found: Shapes,
        needed: Sequence[bool],
        names: dict[int, str],
        taken: set[str],
        like: str,
    ) -> None:
        super().__init__(target, tape, names, taken, like, {})
        self.found, self.needed = found, needed
        self.uses = Counter(
            k for node, below in enumerate(tape.operands) if needed[node] for k in below
        )
        self.fragments: dict[int, Fragment] = {}
        self.rewritten = {}
        for node in range(len(tape)):
            if needed[node] and (found_over := careful(self.search, node)):
                self.rewritten[node] = found_over
                self.uses[found_over[0]] += 1

    def write(self) -> None:
        """Append the statements of what has a name, or is used more than once."""
        for node, row in enumerate(self.tape.operations):
            if not self.needed[node]:
                continue
            name = self.names.get(node)
            if row is VARIABLE:
                assert name is not None
                self.fragments[node] = self.named(name)
                continue
            fragment = self.cut(self.node(node, row), None)
            if name is not None:
                fragment = self.stated(name, fragment)
            elif self.uses[node] > 1 and fragment.height and not fragment.fixed:
                fragment = self.hoist(fragment, None)
            self.fragments[node] = fragment

    def stated(self, name: str, fragment: Fragment) -> Fragment:
        """A statement for a fragment, and its name."""
        if fragment.fixed:
            self.numbers.add(name)
        self.statements.append((name, fragment.text))
        return self.named(name)

    def result(self, name: str, node: int, shape: Shape | None = None, like: str = "") -> str:
        """What a result is called in a shape, its own if none is given; like: a name of that shape.

        A statement of that name is appended where none has it.
        """
        own = self.found.of[node]
        fragment = self.fragments[node]
        shaped = self.shaped(fragment, own, own if shape is None else shape, like)
        if shaped.text == fragment.text == name:
            return name
        if any(made == name for made, _ in self.statements):
            name = self.fresh(name)
        self.statements.append((name, shaped.text))
        return name

    # nodes

    def node(self, node: int, row: Operation) -> Fragment:
        """What a node is, over the fragments of its operands."""
        tape = self.tape
        if node in tape.constants:
            return self.leaf(tape.constants[node])
        if isinstance(row, Structural):
            return self.structural(node, row)
        operands = tape.operands[node]
        given = [self.fragments[k] for k in operands]
        if row is IDENTITY:
            return given[0]
        if row.variadic and len(operands) == 1:
            return self.reduced(node, row, given[0])
        if node in tape.condition_of:
            test = self.test(comparison_of(tape, node), *given[:2])
            return self.choose(test, *given[2:])
        if node in self.rewritten:
            operand, function = self.rewritten[node]
            return self.body(function, [self.fragments[operand]], None)
        return self.apply(row, given, None)

    def reduced(self, node: int, row: Operation, x: Fragment) -> Fragment:
        """A reduction of one array."""
        axis = self.tape.written.get(node)
        how = self.spelled(row, "" if axis is None else "axis")
        return self.made(how, [x], axis=axis)

    def spelled(self, row: Operation, variant: str = "") -> str:
        """How the target writes a row over arrays. Raises BackpropError where it has none."""
        how = self.target.array_calls.get(f"{row.name} {variant}" if variant else row.name)
        if how is None:
            raise BackpropError("name", f"{self.target.name} has no {row.name} of arrays")
        return how

    def made(
        self, how: str, operands: Iterable[Fragment], *plain: str, **words: object
    ) -> Fragment:
        """A call, or another text that binds as tightly as one. plain: operands that are texts."""
        given = [self.lifted(one) for one in operands]
        texts = [one.text for one in given] + [*plain]
        words = {"like": self.like, "list": ", ".join(texts), **words}
        self.used.add(how.split("(")[0])
        nesting = max([one.nesting for one in given], default=0) + 1
        height = max([one.height for one in given], default=0) + 1
        return Fragment(how.format(*texts, **words), ATOM, nesting, height)

    def behind(self, x: Fragment, text: str) -> Fragment:
        """What stands behind an operand: x.T, x[0], x.reshape(2, 3)."""
        x = self.lifted(x)
        return Fragment(f"{x.within(ATOM)}{text}", ATOM, x.nested(ATOM), x.height + 1)

    # operations on arrays

    def structural(self, node: int, row: Structural) -> Fragment:
        """An operation of the array table."""
        tape, found = self.tape, self.found
        operands = tape.operands[node]
        shapes = [found.of[k] for k in operands]
        written: Any = tape.written.get(node)
        if row is MATMUL:
            return self.product(self.fragments[operands[0]], self.fragments[operands[1]], shapes)
        if row is ARRAY:
            return self.array(node, written)
        if row.counts:
            return self.count(row, self.fragments[operands[0]], shapes[0])
        x = self.fragments[operands[0]]
        if row is TRANSPOSE:
            return self.behind(x, ".T" if len(shapes[0]) == 2 else "[None]")
        if row is INDEX:
            plain = self.without_axis(operands, written)
            return plain or self.behind(x, f"[{', '.join(self.places(operands, written))}]")
        if row.name in SELECTIONS:
            return self.selected(node, row, x)
        if row.name == "flatten":
            return self.behind(x, ".reshape(-1)")
        if row.name == "reshape":
            sizes = ", ".join(self.whole(k, True) for k in operands[1:])
            return self.behind(x, f".reshape({sizes})")
        if row.name == "concat":
            axis = written if written and len(shapes[0]) == 2 else 0
            return self.made(self.spelled(row), [self.fragments[k] for k in operands], axis=axis)
        if row.name == "pick" and len(shapes[0]) == 1:
            return self.behind(x, f"[{self.labelled(operands[1], '.reshape(())')}]")
        if isinstance(row, Maker):
            others = len(operands) - row.sizes if row.sizes < 2 else 0
            given = [
                self.fragments[k].text if place < others else self.whole(k, True)
                for place, k in enumerate(operands)
            ]
            shape = f"({', '.join(given)}{',' * (len(given) == 1)})"
            return self.made(self.spelled(row), [], *given, shape=shape)
        variant = ""
        if row.name == "dot" and not len(shapes[0]) == len(shapes[1]) == 1:
            variant = "flat"
        elif row.name == "cross_entropy" and operands[1] not in found.whole:
            variant = "shares"
        elif row.name == "onehot" and not shapes[0]:
            variant = "one"
        parts = [self.operand(row, place, k) for place, k in enumerate(operands)]
        made = self.made(self.spelled(row, variant), parts)
        if row.name == "layernorm" and len(shapes[0]) == 1 and max(map(len, shapes)) == 2:
            return self.behind(made, "[0]")  # a row stretches a vector to a row
        return made

    def without_axis(self, operands: Sequence[int], places: Sequence[str]) -> Fragment | None:
        """A reduction along an axis, which libraries need not keep, where the axis is left out
        again: sum(X, axis=0)[0].
        """
        tape, (x, *indices) = self.tape, operands
        axis = tape.written.get(x)
        at = [*places, "every"].index("only") if "only" in places else None
        fragment = self.fragments[x]
        if (
            axis is None or axis != at or len(self.found.of[x]) != 2 or x in self.names
            or isinstance(tape.operations[x], Structural) or len(indices) != 1
            or self.found.whole.get(indices[0]) != (0,) or not KEPT.search(fragment.text)
        ):  # fmt: skip
            return None
        return replace(fragment, text=KEPT.sub(")", fragment.text))

    def operand(self, row: Structural, place: int, node: int) -> Fragment:
        """An operand of a row: of labels an array of whole numbers, of a size such a number."""
        if place not in row.indices or node not in self.found.whole:
            return self.fragments[node]
        if row.counted != "a label" or (row.name, place) == ("onehot", 1):
            return Fragment(self.whole(node, True))
        text = self.whole(node)
        if text.lstrip("-").isdigit():
            text = self.spelled(ARRAY, "whole").format(text=text)
        return Fragment(text)

    def product(self, a: Fragment, b: Fragment, shapes: Sequence[Shape]) -> Fragment:
        """A matrix product; of a vector and a row their outer product."""
        if len(shapes[0]) == 1 and len(shapes[1]) == 2 and shapes[1][0] == 1 != shapes[0][0]:
            return self.made(self.spelled(MATMUL, "outer"), [a, b])
        text = f"{a.within(PRODUCT)} @ {b.within(PRODUCT + 1)}"
        nesting = max(a.nested(PRODUCT), b.nested(PRODUCT + 1))
        return Fragment(text, PRODUCT, nesting, max(a.height, b.height) + 1)

    def array(self, node: int, shape: Shape) -> Fragment:
        """A vector or a matrix of numbers."""
        given = [self.fragments[k] for k in self.tape.operands[node]]
        if all(one.fixed for one in given):
            text = listed(shape, [one.text for one in given])
            return self.made(self.spelled(ARRAY, "fixed"), [], text=text)
        texts = [self.lifted(one).text for one in given]
        joined = self.made(self.spelled(ARRAY), given, items=f"[{', '.join(texts)}]")
        if len(shape) == 1:
            return joined
        return self.behind(joined, f".reshape({', '.join(map(str, shape))})")

    def count(self, row: Structural, x: Fragment, shape: Shape) -> Fragment:
        """How large an array is: a number, of Python's own."""
        if row.name == "rows" and len(shape) == 1:
            return Fragment("1", fixed=True)
        if row.name == "size":
            how = self.spelled(row)
            return Fragment(how.format(x.within(ATOM)), fixed=True, height=1)
        return Fragment(COUNTS[row.name].format(x.within(ATOM)), fixed=True, height=1)

    def selected(self, node: int, row: Structural, u: Fragment) -> Fragment:
        """What `put` and `take` do with what another operation selects."""
        tape, found = self.tape, self.found
        inner, places = tape.written[node]
        _, *operands = tape.operands[node]
        x = self.fragments[operands[0]]
        if inner.name == "maxpool":
            given = [Fragment(self.whole(k, True)) for k in operands[1:]]
            return self.made(self.spelled(row, "maxpool"), [u, x, *given])
        if inner.name == "pick":
            (_, labels) = operands
            if len(found.of[operands[0]]) == 1:
                at = self.labelled(labels, ".reshape(())")
            else:
                rows = self.spelled(inner, "rows").format(x.within(ATOM))
                at = f"({rows}, {self.labelled(labels, '.reshape(-1)')})"
        else:
            texts = self.places(operands, places, sliced=False)
            at = texts[0] if len(texts) == 1 else f"({', '.join(texts)})"
        made = self.made(self.spelled(row), [u, x], at=at)
        column = row.name == "take" and inner.name == "pick" and len(found.of[operands[0]]) == 2
        return self.behind(made, ".reshape(-1, 1)") if column else made

    def labelled(self, node: int, behind: str) -> str:
        """Labels in another shape; one that is written stays a number."""
        text = self.whole(node)
        return text if text.lstrip("-").isdigit() else f"{text}{behind}"

    # whole numbers

    def places(self, operands: Sequence[int], how: Sequence[str], sliced: bool = True) -> list[str]:
        """What stands between the brackets of x[...]; as slices, or as slice(...)."""
        shapes = self.found.of
        slots = iter(operands[1:])
        texts: list[str] = []
        vectors: list[int] = []
        for place in how:
            if place == "only":
                slot = next(slots)
                if shapes[slot]:
                    vectors.append(len(texts))
                texts.append(self.whole(slot))
                continue
            start = self.whole(next(slots), True) if place in ("since", "between") else ""
            stop = self.whole(next(slots), True) if place in ("until", "between") else ""
            texts.append(f"{start}:{stop}" if sliced else f"slice({start or None}, {stop or None})")
        if len(vectors) == 2:  # every row with every column
            texts[vectors[0]] += "[:, None]"
        return texts

    def whole(self, node: int, plain: bool = False) -> str:
        """An index, labels or a size. plain: as Python's own number."""
        tape, found, sign = self.tape, self.found, ""
        numbers, shape = found.whole.get(node), found.of[node]
        while tape.operations[node] in (NEG, IDENTITY):
            sign = ("-" if not sign else "") if tape.operations[node] is NEG else sign
            (node,) = tape.operands[node]
        row = tape.operations[node]
        if row is VARIABLE:
            name = self.names[node] + ".reshape(-1)[0]" * (plain and bool(shape))
            return f"{sign}int({name})" if plain else f"{sign}{name}"
        if isinstance(row, Structural) and row.counts:
            return sign + self.fragments[node].text
        if row.leaf or row is ARRAY or numbers is not None:
            numbers = numbers or (round(float(found.known.get(node, tape.constants.get(node, 0)))),)
            if not shape:
                return str(numbers[0])
            text = listed(shape, [str(n) for n in numbers])
            return self.spelled(ARRAY, "whole").format(text=text)
        return f"{sign}int({self.fragments[node].text})"

    # shapes

    def shaped(self, fragment: Fragment, own: Shape, shape: Shape, like: str) -> Fragment:
        """A fragment in a shape that it does not have itself; like: a name of that shape."""
        if own == shape:
            return fragment if shape else self.lifted(fragment)
        if size(own) != size(shape):
            text = f"{like}.shape" if like else f"({', '.join(map(str, shape))},)"
            return self.made(self.target.array_calls["full"], [fragment], text)
        if len(own) == 2 and len(shape) == 1 and own[0] == 1:
            return self.behind(fragment, "[0]")
        sizes = f"{like}.shape" if like and shape else str(shape)
        return self.behind(fragment, f".reshape({sizes})")


def listed(shape: Shape, texts: Sequence[str]) -> str:
    """Texts as a nested list."""
    whole = nested(shape, iter(texts))
    rows = [f"[{', '.join(row)}]" for row in whole] if len(shape) == 2 else whole
    return f"[{', '.join(rows)}]" if shape else str(whole)
