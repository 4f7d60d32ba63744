"""Derivatives that are matrices of numbers, a row and a column for each element: the Jacobian of a
node by another one, and the Hessian of the output.

Both are computed on the tape of numbers that a program over arrays means, which certifies them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ..arrays.elements import by_element
from ..arrays.evaluate import reaching
from ..arrays.lower import Lowered, by_default, check_work, element, elements, owner, shapes_at
from ..arrays.shapes import Shapes, Values, selects
from ..arrays.vjp import OUT, renamed
from ..blocks.names import Names
from ..errors import BackpropError, few, shorten, usage
from ..language.graph import Graph, reachable
from ..language.precedence import PRODUCT, SIGNED
from ..language.printer import expression_text, kept_text
from ..language.table_texts import compiled
from ..numbers.wide import Number
from ..operations.row import Operation
from ..operations.shape import Shape, said, size
from ..operations.structural import Structural
from ..operations.table import IDENTITY, IF
from ..symbolic.rules import Rule, Rules
from ..trace.evaluate import evaluate
from ..trace.record import KINKS, Flag, Note
from .array_second import array_hessian
from .derive import derive, evaluated

__all__ = ["MOST_NUMBERS", "MOST_VARIABLES", "Matrix", "hessian", "jacobian"]

MOST_NUMBERS = 400
"""Numbers of a Jacobian that are computed; of a larger one its size and its text are told."""

MOST_VARIABLES = 100
"""Variables of a Hessian, each number of an array being one."""

MOST_WORK = 400_000
"""Passes times operations on numbers that one matrix may take."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """A Jacobian or a Hessian.

    kind: which. program: as it was typed. at: the point. of: what is differentiated; by: the names
    that it is differentiated by. shapes: of what is differentiated, and of each of these. rows,
    columns: the elements, of which the matrix has a row or a column each, as many as the lengths of
    these say. text: the matrix as a formula; empty where no text says it. stages: what it needs
    before that, names and formulas. zeros: how many of its numbers are 0 whatever the point is; None
    where that is not known. numbers: row by row; None where there are too many, or no point.
    """

    kind: str
    program: str
    at: Values
    of: str
    by: tuple[str, ...]
    shapes: tuple[Shape, ...]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    text: str = ""
    stages: tuple[tuple[str, str], ...] = ()
    zeros: int | None = None
    numbers: tuple[tuple[Number, ...], ...] | None = None
    notes: tuple[Note, ...] = ()
    flags: tuple[Flag, ...] = ()

    @property
    def formula(self) -> str:
        """The formula as a program: behind its stages; empty where there is none."""
        return "; ".join([*(f"{name} = {text}" for name, text in self.stages), self.text])

    @property
    def size(self) -> str:
        """The size, such as 3x3."""
        return said((len(self.rows), len(self.columns)))


def jacobian(program: Graph, at: Values, of: str, by: str, numbers: bool = True) -> Matrix:
    """The Jacobian of a node by another one, or a variable.

    numbers: whether the point is one; else its values tell the shapes alone. Raises BackpropError
    for unknown names, for what selects elements, and where the program has no value.
    """
    graph = by_default(program)
    names = Names(graph)
    end, start = names.find_all([of, by])
    found, needed = shapes_at(graph, at, [end, start])
    if start in found.whole:
        raise selects(by)
    shapes = found.of[end], found.of[start]
    rows, columns = (
        tuple([element(name, place) for place in elements(shape)])
        for name, shape in zip((of, by), shapes, strict=True)
    )
    matrix = Matrix("jacobian", kept_text(program), at, of, (by,), shapes, rows, columns,
        text=jacobian_text(graph, names, found, end, start))  # fmt: skip
    try:
        check_work(graph, found, needed)
    except BackpropError as error:
        if error.kind != "limit" or (numbers and len(rows) * len(columns) <= MOST_NUMBERS):
            raise
        return matrix
    lowered = Lowered(graph, names, found, at, needed, edges=False)
    cells = [list(lowered.cells[node].nodes) for node in (end, start)]
    zeros = structural_zeros(lowered.graph, *cells)
    if not numbers or len(rows) * len(columns) > MOST_NUMBERS:
        return replace(matrix, zeros=zeros)
    check_passes(len(rows), len(lowered.graph), "Jacobian")
    lines, notes, flags = [], dict[Note, None](), dict[Flag, None]()
    for k, row in enumerate(rows):
        trace = evaluate(
            lowered.graph, lowered.at, wrt=columns, output=row, nodes=False, parts=lowered.parts,
            formal=True,
        )  # fmt: skip
        lines.append(tuple([trace.gradients[name] for name in columns]))
        notes |= dict.fromkeys(note for note in trace.notes if note.kind in KINKS)
        places = {f"gradients.{name}": f"numbers[{k}][{j}]" for j, name in enumerate(columns)}
        for flag in trace.flags:
            flags[flag._replace(path=places.get(flag.path, flag.path))] = None
    return replace(
        matrix, zeros=zeros, numbers=tuple(lines), notes=tuple(notes), flags=tuple(flags)
    )


def check_passes(passes: int, nodes: int, what: str) -> None:
    """Raise BackpropError before the work where a matrix takes too long."""
    if passes * nodes > MOST_WORK:
        raise usage(
            f"this {what} takes {passes} passes over {nodes:,} operations on numbers, and "
            f"{MOST_WORK:,} operations are the limit",
            "ask for less of it, or make the arrays smaller: fewer rows show the same",
        )


def structural_zeros(tape: Graph, result: Sequence[int], operand: Sequence[int]) -> int:
    """How many pairs of elements have no way from one to the other along which a gradient flows."""
    reached = [0] * len(tape)  # a bit for each element of the operand
    bits = dict[int, int]()
    for k, node in enumerate(operand):
        bits[node] = bits.get(node, 0) | 1 << k
    for node, below in enumerate(tape.operands):
        if node in bits:
            reached[node] = bits[node]
            continue
        row = tape.operations[node]
        for place, k in enumerate(below):
            if reached[k] and flows(row, place):
                reached[node] |= reached[k]
    ways = sum(reached[node].bit_count() for node in result)
    return len(result) * len(operand) - ways


def flows(row: Operation, place: int) -> bool:
    """Whether a gradient goes through a row to an operand anywhere."""
    if row is IF:
        return place > 1
    return row.rules[min(place, len(row.rules) - 1)] != "0"


def hessian(program: Graph, at: Values, wrt: Sequence[str] = (), output: str = "") -> Matrix:
    """The Hessian of an output, which is one number, by all elements of some names.

    wrt: of variables; those that select nothing when empty. The gradient is derived over symbols,
    and each of its elements is differentiated by a backward pass over numbers.

    Raises BackpropError for unknown names, where the program has no value, and, before the work
    starts, where there are too many variables.
    """
    given = [name for name in wrt or program.variables if wrt or name in at]
    for name in given:
        if owner(name) not in program.variables:
            Names(program).find(owner(name))
            raise usage(f"{shorten(name)} is no variable, so no second derivative is taken by it",
                f"the variables are {few(program.variables)}")  # fmt: skip
    parts = by_element(program, at, given, output)
    if wrt:
        for name in given:
            if owner(name) in parts.whole:
                raise selects(name)
    names = [name for name in given if owner(name) not in parts.whole]
    labels = parts.labels(names)
    if len(labels) > MOST_VARIABLES:
        raise usage(
            f"the Hessian is by {len(labels):,} variables, and {MOST_VARIABLES} are the limit",
            f"choose fewer, such as {fewer(parts.shapes, names, labels)}",
        )
    check_passes(len(labels), 3 * len(parts.graph), "Hessian")
    first = derive(parts.graph, wrt=labels, output=parts.end)
    stages = {label: first.results[label,] for label in labels}
    pairs = {(i, j): (f"{i},{j}", labels[i], labels[j]) for i in range(len(labels)) for j in range(i + 1)}  # fmt: skip
    sources = {key: (stages[a], b) for key, a, b in pairs.values()}
    kinked = any(
        note.kind in KINKS
        for note in evaluate(parts.graph, parts.at, output=parts.end, nodes=False).notes
    )
    told = evaluated(first, parts.at, dict(sources), kinked)
    numbers = [
        tuple([told.numbers[pairs[max(i, j), min(i, j)][0]] for j in range(len(labels))])
        for i in range(len(labels))
    ]
    places = {f"derivatives.{key}": f"numbers[{i}][{j}]" for (i, j), (key, *_) in pairs.items()}
    before, text = hessian_text(program, at, names, output)
    return Matrix(
        "hessian", kept_text(program), at, parts.output, tuple(names), ((), *(parts.part(name)[0] for name in names)),
        tuple(labels), tuple(labels), text, before, numbers=tuple(numbers), notes=tuple(told.notes),
        flags=tuple([flag._replace(path=places.get(flag.path, flag.path)) for flag in told.flags]),
    )  # fmt: skip


def hessian_text(
    program: Graph, at: Values, names: Sequence[str], output: str
) -> tuple[tuple[tuple[str, str], ...], str]:
    """The stages that the Hessian by a vector needs, and its formula; empty where none says it, and
    of several names, where it is made of blocks.
    """
    if len(names) > 1 or names[0] not in program.variables:
        return (), ""
    try:
        derivative, _ = array_hessian(program, at, wrt=names, output=output)
    except BackpropError:
        return (), ""
    (result,) = derivative.results.values()
    texts = {one.name: derivative.expression(one) for one in derivative.stages}
    last = texts.pop(result)
    return tuple(texts.items()), last


def fewer(shapes: Mapping[str, Shape], names: Sequence[str], labels: Sequence[str]) -> str:
    """What might be asked for instead: an array that is small enough, or an element."""
    small = [name for name in names if name in shapes and size(shapes[name]) <= MOST_VARIABLES]
    return f'"{(small or labels)[0]}"'


# the text


def jacobian_text(graph: Graph, names: Names, found: Shapes, end: int, start: int) -> str:
    """A Jacobian as a product of those of the operations on the way; empty where a text says none.

    There is one where the way does not fork, and only vectors stand on it.
    """
    reached = reaching(graph, [start])
    rules = Rules(graph, names)
    factors: list[Factor] = []
    node = end
    while node != start:
        places = [place for place, k in enumerate(graph.operands[node]) if reached[k]]
        if len(places) != 1 or not reached[node]:
            return ""
        factor = step(graph, names, found, rules, node, places[0])
        if factor is None:
            return ""
        factors.append(factor)
        node = graph.operands[node][places[0]]
    if len(found.of[start]) != 1 or len(found.of[end]) != 1:
        return ""
    return product(factors, f"eye({size(found.of[start])})")


class Factor(NamedTuple):
    """One factor of a Jacobian: a text, and whether it is a number that multiplies all."""

    text: str
    binds: int
    plain: bool


def step(
    graph: Graph, names: Names, found: Shapes, rules: Rules, node: int, place: int
) -> Factor | None:
    """The Jacobian of one operation by an operand; None where no text says it."""
    row, operands = graph.operations[node], graph.operands[node]
    if any(names.hidden[k] for k in (node, *operands)):
        return None
    shapes = [found.of[k] for k in operands]
    own = found.of[node]
    if len(own) != 1 or (shapes[place] != own and not isinstance(row, Structural)):
        return None
    if isinstance(row, Structural):
        text = row.jacobian(place, shapes, own)
        if not text:
            return None
        called = dict(zip(row.called(len(operands), graph.written[node]), operands, strict=False))
        given = {name: names.of[k] for name, k in called.items()} | {OUT: names.of[node]}
        program = renamed(compiled(text), given)
        told = expression_text(program, program.output)
        return Factor(told.text, told.binds, False)
    if row is IDENTITY:
        return Factor("1", PRODUCT, True)
    if node in graph.condition_of or row.variadic:
        return None
    rule = rules.operation(row, place, node)
    told_rule = str(rule)
    if rule.number is not None:
        return Factor(told_rule, SIGNED if rule.number < 0 else PRODUCT + 1, True)
    if all(not found.of[k] for k in leaves(names, rule)):
        binds = expression_text(rule.tape, rule.node).binds
        return Factor(told_rule, PRODUCT + 3 if rule.tape.names.get(rule.node) else binds, True)
    return Factor(f"diag({told_rule})", PRODUCT + 3, False)


def leaves(names: Names, rule: Rule) -> list[int]:
    """The nodes of a program that stand in a rule."""
    reached = reachable(rule.tape.operands, [rule.node])
    return [names.find(name) for name, node in rule.tape.variables.items() if reached[node]]


def product(factors: Sequence[Factor], identity: str) -> str:
    """The product of some factors, those that are numbers before all others."""
    plain = [one for one in factors if one.plain and one.text not in ("1", "-1")]
    minus = sum(one.plain and one.text == "-1" for one in factors) % 2
    others = [one for one in factors if not one.plain]
    alone = len(others) == 1 and not plain and not minus
    texts = [one.text if alone or one.binds > PRODUCT else f"({one.text})" for one in others]
    text = " @ ".join(texts) or identity
    if plain:
        scale = "*".join(one.text if one.binds > PRODUCT else f"({one.text})" for one in plain)
        text = f"{scale}*({text})" if len(texts) > 1 else f"{scale}*{text}"
    return f"-{text}" if minus and not plain else f"-({text})" if minus else text
