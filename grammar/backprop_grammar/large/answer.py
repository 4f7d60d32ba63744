"""What was computed array by array, as a trace: each number is certain, or 0, or refused.

A number whose bound holds 0 is shown as 0 where that bound is nothing beside what was added up, and
a note says how small it is. One that is not certain otherwise is no number, and flagged.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..arrays.builder import built
from ..arrays.lower import element, elements, elementwise, owner
from ..arrays.notes import gathered
from ..arrays.question import Question
from ..arrays.record import ArrayTrace, Tensor, path_of
from ..batch.double_double import Triple, reach
from ..numbers.wide import INFINITE, MINUS_INFINITE, UNCERTAIN, UNDEFINED, Wide
from ..operations.row import Operation
from ..operations.shape import Shape, size, spread
from ..operations.table import CONSTANTS
from ..trace.notes import spelling
from ..trace.record import KINKS, Flag, Note
from .computed import Computed, computed
from .doubles import doubtful
from .walk import reaching

__all__ = ["Answer", "answer"]

FAINT = 2.0**-64
"""Beside what was added up, a bound that is as good as 0."""

DIGITS = 31
"""Digits of a double-double."""


def answer(asked: Question) -> tuple[ArrayTrace, bool]:
    """The trace of what is asked, and whether all is decided that it shows.

    Raises BackpropError where a node has no value.
    """
    found = computed(
        asked.names, asked.found, asked.at, asked.needed, asked.arrives, set(asked.sources.values())
    )
    with np.errstate(all="ignore"):
        results = Answer(asked, found)
        trace = built(asked, results, ArrayTrace, asked.nodes)
    return trace, not results.uncertain


ABSENT = {
    INFINITE: "is +infinite",
    MINUS_INFINITE: "is -infinite",
    UNDEFINED: "does not exist",
    UNCERTAIN: f"is uncertain: it is beyond the largest number, or too few of the {DIGITS} digits that are computed are left of it",
}
"""Of numbers that are none, what is said of them."""


class Answer:
    """The numbers at the nodes, as they are shown; see arrays.builder.Results.

    uncertain: whether one is not certain, or a choice was made that the function may decide.
    """

    def __init__(self, asked: Question, found: Computed) -> None:
        self.asked, self.found = asked, found
        self.graph, self.of = asked.graph, asked.found.of
        self.upstream: dict[int, Tensor] = {}
        uses = [asked.graph.needed(end) for end in asked.arrives]
        reached = reaching(self.graph, set(asked.sources.values()))
        self.differentiated = {node for node in reached if any(use[node] for use in uses)}
        self.values, self.gradients = found.values, found.gradients
        self.met = [
            (kind, node, here & (self.gradients[node][0] != 0)) for kind, node, here in found.met
        ]
        self.met = [one for one in self.met if np.any(one[2])]
        self.uncertain = bool(self.met)
        self.senders: dict[int, list[int]] = {}
        for node, operands in enumerate(self.graph.operands):
            for place, operand in enumerate(operands):
                if (node, place) in found.backward.sent:
                    self.senders.setdefault(operand, []).append(node)
        self.heights: dict[int, float] = {}
        for node, x in self.values.items():
            self.heights[node] = largest(x, self.around(node))
        self.arriving: dict[int, float] = {}
        for node in sorted(self.gradients, reverse=True):
            self.arriving[node] = largest(self.gradients[node], self.received(node))

    # numbers

    def tensor(self, x: Triple, shape: Shape, added: float) -> Tensor:
        """An array in a shape. added: about how large what was added up for it is."""
        high = np.broadcast_to(x[0], shape) if np.size(x[0]) != size(shape) else np.asarray(x[0])
        numbers: list[Any] = (high + 0.0).ravel().tolist()
        doubt = doubtful(x)
        if doubt.any():
            faint = np.broadcast_to(is_faint(x, added), doubt.shape)
            if np.size(doubt) != size(shape):
                doubt, faint = np.broadcast_to(doubt, shape), np.broadcast_to(faint, shape)
            known = np.broadcast_to(x[2] == 0, shape).ravel().tolist()  # endless
            flat = faint.ravel().tolist()
            for k in np.flatnonzero(doubt.ravel()).tolist():
                numbers[k] = 0.0 if flat[k] else missing(numbers[k]) if known[k] else UNCERTAIN
                self.uncertain = self.uncertain or not flat[k]
        return Tensor(shape, tuple(numbers))

    def around(self, node: int) -> float:
        """The largest of the operands of a node."""
        return max([self.heights.get(k, 0.0) for k in self.graph.operands[node]], default=0.0)

    def sending(self, node: int) -> float:
        """About the largest of the products that a node adds up for an operand."""
        return self.arriving.get(node, 0.0) * max(1.0, self.around(node))

    def received(self, node: int) -> float:
        """The same of all that is added up for a node."""
        return max(map(self.sending, self.senders.get(node, ())), default=0.0)

    # results

    def slopes(self, name: str) -> Tensor:
        node = self.asked.sources[name]
        return self.part(name, self.gradient(node) or zeros(self.of[node]))

    def known(self, name: str) -> Tensor | None:
        return self.part(name, self.value(self.asked.sources[name]))

    def part(self, name: str, whole: Tensor) -> Tensor:
        """Of the array that a name is of, what it names."""
        if name == owner(name):
            return whole
        place = [int(k) for k in name.partition("[")[2].rstrip("]").split(",")]
        return Tensor((), (whole.numbers[int(np.ravel_multi_index(place, whole.shape))],))

    def result(self, end: int) -> Tensor:
        return self.value(end)

    # nodes

    def value(self, node: int) -> Tensor:
        x, shape = self.values.get(node), self.of[node]
        if x is None:
            return Tensor(shape, (None,) * size(shape))
        absent = self.found.absent(node)
        if absent is None:
            return self.tensor(x, shape, self.around(node))
        x = (np.where(absent, 0.0, x[0]), *(np.where(absent, 0.0, part) for part in x[1:]))  # type: ignore[assignment]  # fmt: skip
        return only(self.tensor(x, shape, self.around(node)), (~absent).ravel().tolist())

    def gradient(self, node: int) -> Tensor | None:
        if not self.wanted(node):
            return None
        if node not in self.upstream:
            x, shape = self.gradients.get(node), self.of[node]
            found = zeros(shape) if x is None else self.tensor(x, shape, self.received(node))
            self.upstream[node] = found
        return self.upstream[node]

    def wanted(self, operand: int) -> bool:
        return operand in self.differentiated and operand in self.values

    def passes(self, gradient: Tensor) -> bool:
        return any(x != 0 for x in gradient.numbers)

    def sends(self, node: int, place: int) -> bool:
        operands = self.graph.operands[node]
        block = self.asked.names.blocks.get(node)
        operand = (block.operands if block else operands)[place]
        return (node, place) in self.found.sent and operand not in self.asked.found.whole

    def contribution(self, node: int, place: int, operand: int) -> Tensor:
        return self.tensor(self.found.sent[node, place], self.of[operand], self.sending(node))

    def closed(self, node: int) -> bool:
        block = self.asked.names.blocks[node]
        return elementwise(self.graph, range(block.first, node + 1))

    def local(self, node: int, place: int, shape: Shape, reduction: bool) -> Tensor:
        over = shape if reduction else self.of[node]
        if node in self.asked.names.blocks:
            x = self.found.block_local(node, place)
        else:
            x = self.found.local[node, place]
        arrives = self.gradient(node)
        assert arrives is not None
        reached = [number != 0 for number in arrives.numbers]
        local = self.tensor(x, over, max(1.0, self.around(node)))
        if all(reached):
            return local
        return only(local, [reached[k] for k in spread(self.of[node], over)])

    def unsummed(self, node: int, place: int, shape: Shape) -> Tensor:
        x = self.found.unsummed.get((node, place), self.found.sent[node, place])
        return self.tensor(x, self.of[node], self.sending(node))

    # remarks

    def notes(self, formula: Callable[[int], str]) -> Iterator[Note]:
        told = spelling(self.asked.program) + [
            Note("shadowed", one, f"{one} is your own here, not the constant {CONSTANTS[one]:.5g}")
            for one in self.graph.shadowed
        ]
        for kind, node, here in self.met:
            row = self.graph.operations[node]
            as_note = "kink" if kind == "jump" else kind
            told += [
                Note(as_note, label, met(kind, row, label)) for label in self.labels(node, here)
            ]
        told += self.faint()
        yield from gathered(told, self.asked, formula)

    @property
    def remarks(self) -> Sequence[Note]:
        chosen = [node for kind, node, _ in self.met if kind in KINKS]
        if not chosen:
            return ()
        said = "at this size it is not decided whether the function itself has a derivative there"
        return [Note("sides", self.asked.names.near(chosen[0]), said)]

    def labels(self, node: int, here: Any) -> list[str]:
        """The names of some elements of a node."""
        name, chosen = self.asked.names.near(node), np.broadcast_to(here, self.of[node])
        return [element(name, place) for place in map(tuple, np.argwhere(chosen).tolist())]

    def faint(self) -> Iterator[Note]:
        """Of what is shown, the numbers that are shown as 0 because they cannot be told from it."""
        asked = self.asked
        shown = [k for k in asked.names.of if asked.needed[k]] if asked.nodes else []
        results = dict.fromkeys(asked.sources.values())
        for what, held, nodes, added in (
            ("the value of", self.values, shown or [*asked.arrives], self.around),
            ("the gradient of", self.gradients, shown or [*results], self.received),
        ):
            for node in nodes:
                if node not in held or (held is self.gradients and not self.wanted(node)):
                    continue
                x = held[node]
                here = doubtful(x) & is_faint(x, added(node))
                if np.any(here):
                    yield from self.below(f"{what} ", node, x, here)

    def below(self, what: str, node: int, x: Triple, here: Any) -> Iterator[Note]:
        """How small some elements of a node are."""
        chosen = np.broadcast_to(here, self.of[node])
        bounds = np.broadcast_to(np.abs(x[0]) + reach(x), self.of[node])[chosen].tolist()
        for label, bound in zip(self.labels(node, chosen), bounds, strict=True):
            message = f"{what}{label} cannot be told from 0 with {DIGITS} digits: it is below {above(bound)} in size, and shown as 0"  # fmt: skip
            yield Note("precision", label, message)

    def kinks(self) -> dict[str, list[str]]:
        names = self.asked.names
        return {
            names.near(node): self.labels(node, here)
            for kind, node, here in self.met
            if kind in (*KINKS, "jump")
        }

    def flags(self) -> Iterator[Flag]:
        asked = self.asked
        ends = list(asked.arrives) if len(asked.arrives) == 1 else []
        results = [(f"gradients.{one}", f"the gradient of {one}", self.slopes(one)) for one in asked.sources]  # fmt: skip
        results += [("value", asked.names.of[end], self.result(end)) for end in ends]
        for path, what, tensor in results:
            if Wide not in set(map(type, tensor.numbers)):
                continue
            for place, number in zip(elements(tensor.shape), tensor.numbers, strict=True):
                if isinstance(number, Wide):
                    sign = ("-" if number.sign < 0 else "+") * (number.kind == "infinite")
                    message = f"{element(what, place)} {ABSENT[number]}"
                    yield Flag(path_of(element(path, place)), number.kind, sign, asked.names.of[asked.end], message)  # fmt: skip

    def decided(self) -> frozenset[int]:
        return frozenset()


def is_faint(x: Triple, added: float) -> Any:
    """Where a bound holds 0, and is nothing beside what was added up."""
    bound = reach(x)
    return (np.abs(x[0]) <= bound) & (np.abs(x[0]) + bound <= FAINT * added)


def missing(number: float) -> Wide:
    """What stands for a float that is none."""
    return UNDEFINED if number != number else INFINITE if number > 0 else MINUS_INFINITE


def above(number: float) -> str:
    """A power of ten above a positive number."""
    return f"1e{int(f'{number:.0e}'.partition('e')[2]) + 1}"


def largest(x: Triple, added: float) -> float:
    """The largest number of an array; of what was added up for it, where digits are lost."""
    most = float(np.max(np.abs(x[0])))
    return max(most, added) if doubtful(x).any() else most


def zeros(shape: Shape) -> Tensor:
    return Tensor(shape, (0.0,) * size(shape))


def only(tensor: Tensor, holds: Sequence[bool]) -> Tensor:
    """Some of the elements of an array; None for the others."""
    kept = [x if is_kept else None for x, is_kept in zip(tensor.numbers, holds, strict=True)]
    return Tensor(tensor.shape, tuple(kept))


def met(kind: str, row: Operation, label: str) -> str:
    """What is said of one element at which a derivative is a choice."""
    if kind == "tie":
        return f"{row.name} has a kink here: its operands tie at {label}, and share the gradient equally"
    if kind == "boundary":
        return f"the point stands exactly on the boundary of the condition of {label}; the gradient is that of the branch it selects"
    if kind == "jump":
        return f"{row.jump} ({label})"
    if kind == "branch cut":
        step = f" by {row.cut_step}" if row.cut_step else ""
        return f"{row.name} has its branch cut here ({label}): the value jumps{step} across it, the gradient is the same on both sides"
    return f"{row.name} has a kink here ({label}); {row.at_kink}"
