"""Shapes of variables that a program does not declare, from how it uses them.

A capital letter is a matrix and a small one a vector, beside `@` and in what takes arrays; element
by element a number, but beside a plus or a minus sign. Sizes that meet are one size. Whoever uses a
guess says so.
"""

from collections.abc import Sequence
from typing import Any

from ..language.graph import Graph, as_array
from ..operations.makers import Maker
from ..operations.row import Operation
from ..operations.structural import INDEX, MATMUL, REDUCTIONS, TRANSPOSE, Structural
from ..operations.table import ADD, CONSTANT, IDENTITY, IF, SUB, VARIABLE

__all__ = ["guessed"]

LETTERS = "MNKPQRSHIJLDABCEFGTUVWXYZ"
"""What sizes are called, in this order."""

NUMBERS = frozenset({"dot", "norm", "trace", "cross_entropy"})
"""Operations on arrays that give a number."""

Declared = dict[str, tuple[int | str, ...]]

Dims = tuple[int, ...]
"""The sizes of a node, each by its number among all sizes."""


class Unknown(Exception):
    """Nothing is guessed where an operation says too little of its operands."""


class Guess:
    """Sizes that are joined where they meet."""

    def __init__(self, graph: Graph, needed: Sequence[bool]) -> None:
        self.graph, self.needed = graph, needed
        self.parent: list[int] = []
        self.known: dict[int, int | str] = {}
        self.letters: dict[int | str, int] = {}
        self.one = self.size(1)
        self.of: dict[int, Dims] = {}
        self.free: set[int] = set()  # variables that are numbers so far

    def size(self, value: int | str | None = None) -> int:
        if value is not None and value in self.letters:
            return self.letters[value]
        self.parent.append(len(self.parent))
        one = len(self.parent) - 1
        if value is not None:
            self.known[one] = value
            self.letters[value] = one
        return one

    def find(self, one: int) -> int:
        while self.parent[one] != one:
            self.parent[one] = self.parent[self.parent[one]]
            one = self.parent[one]
        return one

    def join(self, a: int, b: int) -> int:
        """Two sizes that are one. Raises Unknown where they are not."""
        a, b = self.find(a), self.find(b)
        if a == b:
            return a
        if a in self.known and b in self.known:
            raise Unknown
        if b in self.known:
            a, b = b, a
        self.parent[b] = a
        return a

    def start(self) -> None:
        """Give every variable its rank."""
        graph = self.graph
        arrays: set[int] = set()
        for node, row in enumerate(graph.operations):
            if not self.needed[node]:
                continue
            operands = graph.operands[node]
            if isinstance(row, Structural) and not isinstance(row, Maker):
                indices = (1, 2, 3, 4) if row is INDEX else row.indices
                arrays |= {k for place, k in enumerate(operands) if place not in indices}
            elif row.name in REDUCTIONS and len(operands) == 1:
                arrays.add(operands[0])
        arrays |= self.within(arrays)
        for name, node in graph.variables.items():
            held = graph.array_inputs.get(name, graph.inputs.get(name))
            if held is not None:
                self.of[node] = tuple([self.size(n) for n in as_array(held).shape])
            elif name in graph.declared:
                self.of[node] = tuple([self.size(n) for n in graph.declared[name]])
            elif node in arrays:
                self.of[node] = tuple([self.size() for _ in range(1 + name[0].isupper())])
            else:
                self.of[node] = ()
                self.free.add(node)

    def within(self, arrays: set[int]) -> set[int]:
        """What must be arrays, as all is that an array is computed from element by element, where
        nothing else there is one: x in sum(relu(x)).
        """
        graph = self.graph
        holds = [False] * len(graph)
        for node, row in enumerate(graph.operations):
            name = graph.names.get(node, "")
            if row is VARIABLE:
                holds[node] = (
                    node in arrays or bool(graph.declared.get(name)) or name in graph.array_inputs
                )
            elif isinstance(row, Structural):
                holds[node] = not (row.counts or row.name in NUMBERS)
            elif row.name in REDUCTIONS and len(graph.operands[node]) == 1:
                holds[node] = node in graph.written and graph.written[node] is not None
            else:
                holds[node] = any(holds[k] for k in graph.operands[node])
        found = {node for node in arrays if not holds[node]}
        for node in range(len(graph) - 1, -1, -1):
            row = graph.operations[node]
            if node in found and not isinstance(row, Structural) and row.name not in REDUCTIONS:
                found.update(graph.operands[node])
        return found

    def passes(self) -> None:
        """Join the sizes that meet, up the tape."""
        graph = self.graph
        for node, row in enumerate(graph.operations):
            if self.needed[node] and row is not VARIABLE:
                given = graph.operands[node]
                self.of[node] = () if row is CONSTANT else self.shape(node, row, given)

    def shape(self, node: int, row: Operation, given: Sequence[int]) -> Dims:
        written: Any = self.graph.written.get(node)
        first = self.of[given[0]]
        if row is IDENTITY:
            return first
        if row is MATMUL:
            return self.product(*given)
        if row is TRANSPOSE:
            return first[::-1] if len(first) == 2 else (self.one, *first)
        if row.name in REDUCTIONS and len(given) == 1:
            if written is None:
                return ()
            if len(first) == 1:
                return (self.one,)
            return (self.one, first[1]) if written == 0 else (first[0], self.one)
        if not isinstance(row, Structural):
            return self.by_element(row, given)
        if row.counts or row.name in NUMBERS - {"cross_entropy"}:
            if row.name == "trace" and len(first) == 2:
                self.join(*first)
            if row.name == "dot" and len(first) == len(self.of[given[1]]) == 1:
                self.join(first[0], self.of[given[1]][0])
            return ()
        if row.name in ("softmax", "logsoftmax", "flip"):
            return first
        if row.name == "cross_entropy":
            self.labels(given[1], first)
            return ()
        if row.name == "outer":
            return first[-1], self.of[given[1]][-1]
        if row.name == "diag" and len(first) == 1:
            return first * 2
        if (
            row is INDEX
            and all(how == "only" for how in written)
            and not any(self.of[k] for k in given[1:])
        ):
            return first[len(written) :]
        raise Unknown

    def labels(self, node: int, scores: Dims) -> None:
        """What stands for labels, if nothing says what it is: one a row."""
        if (
            node in self.graph.variables.values()
            and self.graph.names[node] not in self.graph.declared
        ):
            self.of[node] = scores[:1] if len(scores) == 2 else ()
            self.free.discard(node)

    def product(self, a: int, b: int) -> Dims:
        left, right = self.of[a], self.of[b]
        if not left or not right:
            raise Unknown
        if len(left) == 1 and len(right) == 2 and self.find(right[0]) == self.one:
            return left[0], right[1]
        self.join(left[-1], right[0])
        return (*left[:-1], *right[1:])

    def by_element(self, row: Operation, given: Sequence[int]) -> Dims:
        """The sizes of operands side by side; free variables beside an array are made as large."""
        result: Dims = ()
        for k in given:
            result = self.beside(result, self.of[k])
        if row in (ADD, SUB, IF) or any(self.graph.names.get(k, "x")[0].isupper() for k in given):
            for k in given:
                if k in self.free and result:
                    capital = self.graph.names[k][0].isupper()
                    if not capital and any(self.predicts(other) for other in given):
                        continue
                    if row in (ADD, SUB) or capital:
                        self.of[k] = result if capital else result[-1:]
                        self.free.discard(k)
        return result

    def predicts(self, node: int) -> bool:
        """Whether a node is X @ w, a number for each example: what is added to it is a number."""
        first = self.graph.operands[node][:1]
        is_product = self.graph.operations[node] is MATMUL and len(self.of[node]) == 1
        return is_product and self.graph.names.get(first[0], "") == "X"

    def beside(self, a: Dims, b: Dims) -> Dims:
        if len(a) < len(b):
            a, b = b, a
        sizes = list(a)
        for k in range(1, len(b) + 1):
            m, n = self.find(a[-k]), self.find(b[-k])
            sizes[-k] = n if m == self.one else m if n == self.one else self.join(m, n)
        return tuple(sizes)

    def found(self) -> Declared:
        """The shapes of the variables that are not declared."""
        taken = {*self.graph.variables, *map(str, self.letters)}
        letters = iter([letter for letter in LETTERS if letter not in taken])
        names: dict[int, int | str] = dict(self.known)
        result: Declared = {}
        for name, node in self.graph.variables.items():
            given = name in self.graph.declared or name in self.graph.inputs or name in self.graph.array_inputs  # fmt: skip
            if not self.needed[node] or given or not self.of[node]:
                continue
            sizes = []
            for one in map(self.find, self.of[node]):
                if one not in names:
                    letter = next(letters, None)
                    if letter is None:
                        raise Unknown
                    names[one] = letter
                sizes.append(names[one])
            result[name] = tuple(sizes)
        return result


def guessed(graph: Graph, needed: Sequence[bool]) -> Declared:
    """The shapes of the variables that are not declared, but for numbers; empty where unknown."""
    guess = Guess(graph, needed)
    try:
        guess.start()
        guess.passes()
        return guess.found()
    except Unknown:
        return {}
