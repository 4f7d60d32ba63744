"""Gradients that a person claims as formulas: `x = 2*x*y`, `W = up @ x.T`, a derivation line by line.

A formula is judged as the function that it is: at seeded points where the program has a value and
no kink, beside the certified gradient. A mistake explains a wrong one if it gives the claimed
numbers at several points, so no coincidence does. Where a formula names other gradients, the right
ones stand for them: so each line of a derivation is judged on its own.
"""

import math
import random
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import islice
from typing import Any, NamedTuple

from ..arrays.lower import shapes_at
from ..arrays.record import Tensor
from ..diagnosis.array_claims import targets
from ..diagnosis.array_search import diagnose as diagnose_arrays
from ..diagnosis.array_suspects import ArrayClaim
from ..diagnosis.claimed import GRADIENT, VALUE, Target, inner_names
from ..diagnosis.claims import WRONG, simple_ratio
from ..diagnosis.comparison import alike, transposed
from ..diagnosis.mistakes import TWO
from ..diagnosis.perturbed import Sheet, predicted, slopes
from ..diagnosis.search import (
    SHOWN,
    Claim,
    Diagnosis,
    Findings,
    Suspect,
    diagnose,
    for_claim,
    suspects,
)
from ..errors import BackpropError, few, shorten, suggestion, visible
from ..language.graph import Array, Graph, as_array, nested
from ..language.parser import parse
from ..language.printer import program_lines
from ..large.choice import evaluate as evaluate_arrays
from ..numbers.decimal import telling
from ..numbers.wide import as_float
from ..operations.shape import Shape, said, size
from ..trace.evaluate import evaluate
from ..trace.record import KINKS, Trace
from .equivalence import Ranges, range_of

__all__ = [
    "FUNCTION",
    "HERE",
    "MOST",
    "FirstLine",
    "FormulaVerdict",
    "Formulas",
    "judge_formulas",
    "not_moved",
]

FUNCTION = "right, as a function"
HERE = "right at this point only"

MOST, OF_ARRAYS = 100, 25
"""Points at which a formula is compared, unless others are asked for; fewer of large arrays."""

WORK = 20_000
"""Numbers at all points together above which there are fewer of them."""

FEWEST, ENOUGH = 5, 12
"""Points that are looked at in any case: of arrays, and of numbers."""

TRIES = 4
"""Points that are tried for each that is wanted."""

SEVERAL, ARRAYS = 3, 2
"""Points at which a mistake must give the claimed numbers; of arrays, which are many."""

RELATIVE, ROUNDING = 1e-10, 1e-13
"""How far a formula may be off, relative to the number and to all that enters it."""

RANGES = ((-2.0, 2.0), (0.1, 2.0), (-2.0, 2.0), (0.05, 0.95), (1.1, 4.0))
"""What inputs are drawn from, in turn: numbers of both signs, and what logs, roots and arcs take."""

SHORT = 6
"""Numbers of an array that a message shows."""

UP = "up"
"""The gradient that arrives at the one node that uses a claimed node."""

Values = float | Array
Point = dict[str, Values]
At = Callable[[Point, str], Any]
"""The trace at a point, of the output of that name if any is given."""


class Parted(NamedTuple):
    """Where a formula gives something else. claimed: None where it has no value there."""

    at: Point
    claimed: Tensor | None
    correct: Tensor
    message: str


@dataclass(frozen=True, slots=True)
class FormulaVerdict:
    """What there is to say about one formula.

    target: of what it is; claimed: as it was written; status: FUNCTION, HERE or WRONG. points: where
    it was compared. parted: the first of them where it is wrong. diagnoses: mistakes that give the
    claimed formula at several points; at: the point of the numbers in what is said of them. local:
    it is claimed by which another node than the output changes, as dq_dx.
    """

    target: Target
    label: str
    claimed: str
    status: str
    points: int
    parted: Parted | None = None
    diagnoses: tuple[Diagnosis, ...] = ()
    advice: tuple[str, ...] = ()
    at: Point = field(default_factory=dict)
    local: bool = False

    @property
    def name(self) -> str:
        """The node; the label where it claims a derivative of another node than the output."""
        return self.label if self.local else self.target.name

    @property
    def right(self) -> bool:
        """Whether the claim passes."""
        return self.status == FUNCTION

    @property
    def where(self) -> str:
        """The point of the numbers in its diagnoses, in words."""
        return place(self.at)

    @property
    def text(self) -> str:
        """The verdict in words."""
        if self.status == FUNCTION:
            return f"{FUNCTION}, at {self.points:,} point{'s' * (self.points != 1)}"
        return self.status if self.status == WRONG else f"wrong: {self.status}"


class FirstLine(NamedTuple):
    """The first line of a derivation that is wrong, by its number from 1."""

    name: str
    line: int
    text: str
    following: tuple[str, ...] = ()
    own: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def all_following(self) -> tuple[str, ...]:
        """None: each line is judged with the right gradients."""
        return ()

    @property
    def message(self) -> str:
        return f"the first line that is wrong is line {self.line}: {self.text}"


class Formulas(NamedTuple):
    """The verdicts in the order of the claims, the first line that is wrong, remarks, and a trace."""

    verdicts: tuple[FormulaVerdict, ...]
    first: FirstLine | None
    notes: tuple[str, ...]
    trace: Any


class Named(NamedTuple):
    """What a name in a formula stands for. output: of which node it is the gradient."""

    kind: str
    node: str
    output: str = ""


@dataclass(slots=True)
class Line:
    """One formula on its way to a verdict. output: of which node it claims the gradient, if not of
    the program's output.
    """

    label: str
    target: Target
    text: str
    graph: Graph
    output: str = ""
    names: dict[str, Named] = field(default_factory=dict)
    compared: int = 0
    wrong: int = 0
    here: bool | None = None  # whether it is right at the point that is given
    parted: Parted | None = None
    factors: set[float] = field(default_factory=set)

    @property
    def settled(self) -> bool:
        """Whether more points would say nothing more."""
        return self.parted is not None and (self.wrong > SEVERAL or self.parted.claimed is None)

    @property
    def uses(self) -> list[str]:
        """The nodes whose gradients it names, which are right ones."""
        return [one.node for one in self.names.values() if one.kind == GRADIENT and not one.output]


@dataclass(slots=True)
class Sample:
    """A point, the traces there, what the wrong lines give, and which are right."""

    at: Point
    traces: dict[str, Any]
    wrong: dict[str, Tensor] = field(default_factory=dict)
    right: set[str] = field(default_factory=set)


def judge_formulas(
    program: Graph,
    claims: Mapping[str, str],
    at: At,
    inputs: Mapping[str, Values],
    *,
    given: bool = False,
    fixed: Collection[str] = (),
    count: int | None = None,
    seed: int = 0,
    box: Mapping[str, Any] | None = None,
) -> Formulas:
    """The verdicts on formulas that are claimed for nodes, in the order of the claims.

    claims: node -> formula as written; a node by any name that a claim of numbers has. at: makes the
    trace at a point. inputs: a value for each, of which the shapes count; given: whether they are a
    point that the formulas must be right at, too. fixed: those that are not moved. box: ranges of
    inputs.

    Raises BackpropError for a node or a name in a formula that there is not, and where the program
    has no value at any point.
    """
    ranges = {name: range_of(name, ends) for name, ends in (box or {}).items()}
    for name in ranges:
        if name not in inputs:
            raise BackpropError("binding", f"the program has no variable {shorten(name)}", hint=f"its variables are {few(inputs)}")  # fmt: skip
    walk = samples(at, points(inputs, fixed, ranges, given, seed), given)
    first, why = None, None
    for sample in islice(walk, TRIES * MOST):
        if isinstance(sample, Sample):
            first = sample
            break
        why = why or sample
    if first is None:
        told = f": {why.message}" if why else ""
        raise BackpropError("domain", f"no point was found where the program has a value and no kink{told}", hint="give a point, or ranges", reason="nowhere")  # fmt: skip
    trace = first.traces[""]
    lines, notes = read(program, claims, trace)
    of_outputs = list(dict.fromkeys([line.output for line in lines] + [one.output for line in lines for one in line.names.values()]))  # fmt: skip
    wanted, least = (MOST, ENOUGH)
    if not isinstance(trace, Trace):
        work = sum(size(tensor(node.value).shape) for node in trace.nodes)
        wanted, least = max(FEWEST, min(OF_ARRAYS, WORK // max(1, work))), FEWEST
    wanted = wanted if count is None else count
    kept: list[Sample] = []
    reached = 0
    for sample in chained(first, islice(walk, TRIES * max(wanted, MOST))):
        if not isinstance(sample, Sample):
            continue
        here = given and not reached and sample.at == dict(inputs)
        if not with_outputs(sample, of_outputs, at):
            continue
        reached += 1
        for line in lines:
            compare(line, sample, here)
        kept.append(sample)
        if reached >= wanted or (reached >= least and all(line.settled for line in lines)):
            break
    if given and first.at != dict(inputs):
        notes.append("the point itself is left out: there is a kink, or no number")
    verdicts = explained(lines, kept)
    if not given and any(
        line.parted and not (line.graph.variables or line.graph.arrays) for line in lines
    ):
        notes.append("a number is judged as a function here; for one of a point, give the point")
    wrong = [k for k, one in enumerate(verdicts) if not one.right]
    mistaken = None
    if wrong and len(lines) > 1:
        k = wrong[0]
        mistaken = FirstLine(verdicts[k].name, k + 1, f"{lines[k].label} = {lines[k].text}")
    return Formulas(tuple(verdicts), mistaken, tuple(notes), trace)


def not_moved(trace: Any) -> set[str]:
    """The inputs of a trace that hold whole numbers, which select or count."""
    if isinstance(trace, Trace):
        return set()
    graph = trace.names.graph
    found, _ = shapes_at(graph, trace.at, [trace.output])
    return {name for name, node in graph.variables.items() if node in found.whole}


def chained(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


# what is claimed


def read(program: Graph, claims: Mapping[str, str], trace: Any) -> tuple[list[Line], list[str]]:
    """The lines of claims, and remarks on their names."""
    known = trace.by_name
    shown = [name for name, node in known.items() if node.kind != "constant"]
    found, _, notes = targets(dict.fromkeys(claims, False), shown)
    notes = notes[any(one.spelt for one in found.values()) :]  # each line is shown as it is written
    lines: list[Line] = []
    for label, target in found.items():
        if target.place is not None:
            raise BackpropError("name", f"{shorten(label)} is one element, and a formula is of a whole node", hint=f"write {target.node} = ...")  # fmt: skip
        output = ""
        if target.kind == GRADIENT and target.spelt:
            split = between(label, known, trace.output_name)
            if split is not None:
                target = Target(GRADIENT, split[1], None, True)
                output = split[0]
        if any((one.target.name, one.output) == (target.name, output) for one in lines):
            raise BackpropError("name", f"{shorten(target.name)} is claimed twice")
        if target.kind == GRADIENT and gradient_of(trace, target.node) is None:
            raise BackpropError("name", f"{shorten(label)} was not differentiated", hint="leave out wrt, or name it there", reason="undifferentiated")  # fmt: skip
        line = Line(label, target, claims[label], parsed(program, claims[label], label, shown), output)  # fmt: skip
        for name in line.graph.variables:
            line.names[name] = meant(name, line, trace, shown)
        lines.append(line)
    return lines, notes


def parsed(program: Graph, text: str, label: str, known: Sequence[str]) -> Graph:
    """A formula, which may call the functions of the program."""
    functions = program_lines(replace(program, stages=[], declared={}))
    graph = parse("\n".join([*functions, text]), name=f"the formula of {label}")
    return graph.bind(known)


def between(name: str, known: Collection[str], output: str) -> tuple[str, str] | None:
    """The two nodes of dA_dB, the derivative of A by B: A is "" where it is the output."""
    for cut in re.finditer("_d", name):
        of, by = name[1 : cut.start()], name[cut.end() :].lstrip("_") or name[cut.end() :]
        if name[:1] == "d" and by in known:
            return ("" if of == output or of not in known else of), by
    return None


def meant(name: str, line: Line, trace: Any, known: Sequence[str]) -> Named:
    """What a name in a formula stands for. Raises BackpropError where it is nothing."""
    if name in trace.by_name:
        return Named(VALUE, name)
    if name == UP and line.target.kind == GRADIENT:
        return Named(GRADIENT, arriving(line, trace), line.output)
    split = between(name, trace.by_name, trace.output_name)
    if split is not None:
        return Named(GRADIENT, split[1], split[0])
    for node in inner_names(name):
        if node in trace.by_name:
            return Named(GRADIENT, node)
    gradients = [f"d{node}" for node in known]
    otherwise = f"the names are {few(known)}, their gradients {few(gradients, 3)}, and up"
    hint = suggestion(name, [*known, *gradients, UP, *line.graph.functions], otherwise)
    span = line.graph.spans[line.graph.variables[name]]
    raise BackpropError("name", f"there is no {shorten(visible(name))} in the program", span, hint=hint, source=line.graph.source)  # fmt: skip


def arriving(line: Line, trace: Any) -> str:
    """The node whose gradient is up: the one that uses the claimed node."""
    index = trace.by_name[line.target.node].index
    users = [node.name for node in trace.nodes if index in node.operands]
    if len(users) > 1:
        names = [f"d{name}" for name in users]
        raise BackpropError("name", f"{shorten(line.target.node)} is used by {few(users)}, so up is not one gradient", hint=f"name them: {few(names)}")  # fmt: skip
    return users[0] if users else line.target.node


# where it is compared


def points(
    inputs: Mapping[str, Values], fixed: Collection[str], box: Ranges, given: bool, seed: int
) -> Iterator[Point]:
    """The point that is given, then seeded ones: of every range in turn, and near that point."""
    if given:
        yield dict(inputs)
    numbers = random.Random(seed)
    free = [name for name in inputs if name not in fixed]
    if not free:
        if not given:
            yield dict(inputs)
        return
    k = 0
    while True:
        near = given and k % 3 == 1
        usual = RANGES[k % len(RANGES)]
        k += 1
        yield {
            name: drawn(numbers, as_array(value), box.get(name, None if near else usual))
            if name in free
            else value
            for name, value in inputs.items()
        }


def drawn(numbers: random.Random, near: Array, ends: tuple[float, float] | None) -> Values:
    """Numbers of a range, or near others, of few digits."""
    result = []
    for x in near.numbers:
        low, high = ends or (x - 0.25 * abs(x) - 0.25, x + 0.25 * abs(x) + 0.25)
        places = 2 - math.floor(math.log10(high - low)) if high > low else 17
        number = round(low + (high - low) * numbers.random(), places)
        result.append(min(max(number, low), high))
    return Array(near.shape, tuple(result)).value


def samples(at: At, places: Iterator[Point], given: bool) -> Iterator[Sample | BackpropError]:
    """The points where the program has a value and no kink; why it has none at others."""
    kink = BackpropError("domain", "a kink, or a gradient that does not exist")
    for k, point in enumerate(places):
        try:
            trace = at(point, "")
        except BackpropError as error:
            if error.kind in ("shape", "binding", "name", "limit", "usage") or (given and not k):
                raise
            yield error
            continue
        if trace.flags or any(note.kind in KINKS for note in trace.notes):
            yield kink
        else:
            yield Sample(point, {"": trace})


def with_outputs(sample: Sample, outputs: Sequence[str], at: At) -> bool:
    """Add the traces of other outputs; whether they exist there, too."""
    for output in outputs:
        if output in sample.traces:
            continue
        try:
            sample.traces[output] = at(sample.at, output)
        except BackpropError as error:
            if error.kind in ("usage", "name", "binding", "shape"):
                raise BackpropError("name", f"{shorten(output)} is no number, so that it has no gradient of its own", hint="write d and the name of a node for the gradient of the output") from None  # fmt: skip
            return False
    return True


def tensor(value: Any) -> Tensor:
    """A number or an array of a trace."""
    return value if isinstance(value, Tensor) else Tensor((), (value,))


def gradient_of(trace: Any, name: str) -> Tensor | None:
    node = trace.by_name[name]
    found = trace.gradients.get(name, node.gradient)
    return None if found is None else tensor(found)


def floats(found: Tensor | None) -> list[float] | None:
    """The numbers; None where one of them does not exist."""
    if found is None:
        return None
    numbers = [None if x is None else as_float(x) for x in found.numbers]
    if any(x is None or not math.isfinite(x) for x in numbers):
        return None
    return [x for x in numbers if x is not None]


def compare(line: Line, sample: Sample, here: bool) -> None:
    """Compare a formula with what is right at a point."""
    trace = sample.traces[line.output]
    node = trace.by_name.get(line.target.node)
    if node is None:
        return
    correct = tensor(node.value) if line.target.kind == VALUE else gradient_of(trace, node.name)
    right = floats(correct)
    bound: dict[str, Values] = {}
    for name, one in line.names.items():
        there = sample.traces[one.output]
        if one.node not in there.by_name:
            return
        found = tensor(there.by_name[one.node].value) if one.kind == VALUE else gradient_of(there, one.node)  # fmt: skip
        numbers = floats(found)
        if found is None or numbers is None:
            return
        bound[name] = Array(found.shape, tuple(numbers)).value
    if correct is None or right is None:
        return
    line.compared += 1
    try:
        claimed, entering = valued(line.graph, bound)
    except BackpropError as error:
        if here:
            return  # as of 0/0, where the formula has no number at this point alone
        if line.parted is None:
            where = "" if error.kind == "shape" else f"at {place(sample.at)} "
            label = f", {error.label}" if error.kind == "shape" and error.label else ""
            message = f"{where}the formula has no value, and the {line.target.kind} has: {error.message}{label}"  # fmt: skip
            line.parted = Parted(sample.at, None, correct, message)
        return
    numbers = floats(claimed)
    if numbers is None:
        line.compared -= 1
        return
    if fitting(claimed.shape, numbers, correct.shape, right, entering):
        sample.right.add(line.label)
        if here:
            line.here = True
        return
    if here:
        line.here = False
    line.wrong += 1
    sample.wrong[line.label] = claimed
    line.factors.add(factor(numbers, right) if claimed.shape == correct.shape else 0.0)
    if line.parted is None:
        line.parted = Parted(
            sample.at, claimed, correct, parting(line, sample.at, claimed, correct)
        )


def valued(graph: Graph, bound: Mapping[str, Values]) -> tuple[Tensor, float]:
    """The value of a formula, and the size of what rounding in its names may move."""
    own = {name: bound[name] for name in graph.variables}
    if graph.arrays or any(isinstance(x, Array) for x in own.values()):
        found = evaluate_arrays(graph, own, upstream="ones", nodes=False).value
        largest = max((abs(x) for value in own.values() for x in as_array(value).numbers), default=0.0)  # fmt: skip
        return found, largest
    at = {name: float(x) for name, x in own.items() if not isinstance(x, Array)}
    trace = evaluate(graph, graph.inputs | at, nodes=False, finite=False)
    moved = [abs(x * (as_float(trace.gradients.get(name, 0.0)) or 0.0)) for name, x in at.items()]
    return Tensor((), (trace.value,)), sum(moved)


def fitting(
    shape: Shape, numbers: Sequence[float], right_shape: Shape, right: Sequence[float], entering: float
) -> bool:  # fmt: skip
    """Whether two arrays are the same, but for rounding; a number goes with all elements."""
    if shape != right_shape and not shape:
        numbers = list(numbers) * len(right)
    elif shape != right_shape and not (size(shape) == size(right_shape) and alike(shape, right_shape)):  # fmt: skip
        return False
    top = max(map(abs, (*numbers, *right)))
    noise = ROUNDING * (entering + top)
    return all(abs(x - y) <= RELATIVE * max(abs(x), abs(y)) + noise for x, y in zip(numbers, right, strict=True))  # fmt: skip


def factor(numbers: Sequence[float], right: Sequence[float]) -> float:
    """The simple factor that all numbers are of the right ones; 0 where there is none."""
    found = {simple_ratio(Decimal(x), Decimal(y)) if x and y else 0.0 for x, y in zip(numbers, right, strict=True) if x or y}  # fmt: skip
    return found.pop() if len(found) == 1 else 0.0


def parting(line: Line, at: Point, claimed: Tensor, correct: Tensor) -> str:
    """Where a formula and what is right part, in words."""
    what = f"the {line.target.kind} is"
    if claimed.shape != correct.shape and claimed.shape:
        mine, right = said(claimed.shape), said(correct.shape) if correct.shape else "one number"
        if len(claimed.shape) == 2 and same(transposed(claimed), correct):
            return f"the formula is {mine}, {what} {right}: it is right but transposed"
        return f"the formula is {mine}, {what} {right}"
    mine_all = claimed.numbers * (1 if claimed.shape else len(correct.numbers))
    for k, (x, y) in enumerate(zip(mine_all, correct.numbers, strict=True)):
        a, b = as_float(x or 0.0) or 0.0, as_float(y or 0.0) or 0.0
        if abs(a - b) > 1e-9 * max(abs(a), abs(b)):
            where = "" if not correct.shape else f" at {element(correct.shape, k)}"
            texts = telling(a, b, 6)
            return f"at {place(at)} it is {texts[0]}{where}, and {what} {texts[1]}"
    return f"at {place(at)} it is something else than the {line.target.kind}"


def same(a: Tensor, b: Tensor) -> bool:
    x, y = floats(a), floats(b)
    return a.shape == b.shape and x is not None and y is not None and fitting(a.shape, x, b.shape, y, 0.0)  # fmt: skip


def element(shape: Shape, k: int) -> str:
    """`[1]`, `[0,1]`: the place of an element."""
    return f"[{k}]" if len(shape) == 1 else f"[{k // shape[1]},{k % shape[1]}]"


def place(at: Point) -> str:
    """A point in words; of large arrays the first numbers."""
    parts = [f"{name} = {numbers_of(as_array(value))}" for name, value in at.items()]
    return ", ".join(parts[:8]) + ", ..." * (len(parts) > 8) if parts else "the only point"


def numbers_of(array: Array) -> str:
    texts = [f"{x:.6g}" for x in array.numbers]
    if not array.shape:
        return texts[0]
    if len(array.shape) == 1 or len(texts) > SHORT:
        return f"[{few(texts, SHORT)}]"
    return f"[{'; '.join(', '.join(row) for row in nested(array.shape, iter(texts)))}]"


# what explains it


def explained(lines: Sequence[Line], kept: Sequence[Sample]) -> list[FormulaVerdict]:
    """The verdicts, with the mistakes that explain the wrong ones."""
    found: dict[str, tuple[list[Diagnosis], Point, int]] = {}
    for group in groups(lines):
        found |= diagnosed(group, lines, kept)
    verdicts = []
    for line in lines:
        if line.parted is None:
            verdicts.append(FormulaVerdict(line.target, line.label, line.text, FUNCTION, line.compared, local=bool(line.output)))  # fmt: skip
            continue
        status = HERE if line.here else WRONG
        diagnoses, at, tried = found.get(line.label, ([], {}, 0))
        advice = [*remarks(line, diagnoses, tried)]
        verdicts.append(FormulaVerdict(line.target, line.label, line.text, status, line.compared, line.parted, tuple(diagnoses), tuple(advice), at, bool(line.output)))  # fmt: skip
    return verdicts


def remarks(line: Line, diagnoses: Sequence[Diagnosis], tried: int) -> Iterator[str]:
    """Where a wrong formula parts from what is right, and that nothing explains it."""
    assert line.parted is not None
    yield line.parted.message
    ratio = line.factors.pop() if len(line.factors) == 1 else 0.0
    what = "; it is the right one with the opposite sign" if ratio == -1 else f"; it is {ratio:g} times the right one" if ratio else ""  # fmt: skip
    if not diagnoses and tried:
        yield f"none of the {tried:,} single mistakes tried gives this formula{what}"


def groups(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """The wrong lines that are explained together: those that name no other gradient, which are one
    backward pass; each of the others alone.
    """
    wrong = [line for line in lines if line.parted is not None and line.target.kind == GRADIENT]
    together = [line for line in wrong if not line.uses and not line.output]
    if together:
        yield together
    yield from ([line] for line in wrong if line not in together)


def diagnosed(
    group: Sequence[Line], lines: Sequence[Line], kept: Sequence[Sample]
) -> dict[str, tuple[list[Diagnosis], Point, int]]:
    """For each line of a group the mistakes that give it at several points, and the point that their
    words speak of.
    """
    usable = [one for one in kept if all(line.label in one.wrong for line in group)]
    usable.sort(key=lambda one: dead(one.traces[group[0].output]))
    if len(usable) < 2:
        if len(group) == 1:
            return {}
        result: dict[str, tuple[list[Diagnosis], Point, int]] = {}
        for line in group:
            result |= diagnosed([line], lines, kept)
        return result
    beside = {node for line in group for node in line.uses}
    if not beside:
        beside = {
            line.target.node
            for line in lines
            if line.parted is None and not line.uses and not line.output and line.target.kind == GRADIENT
        }  # fmt: skip
    beside -= {line.target.node for line in group}
    scalar = isinstance(usable[0].traces[group[0].output], Trace)
    runs = [
        (sample, search(group, beside, sample))
        for sample in usable[: SEVERAL if scalar else ARRAYS]
    ]
    found: dict[str, tuple[list[Diagnosis], Point, int]] = {}
    for line in group:
        name = line.target.node
        shared: set[tuple[Any, ...]] | None = None
        for sample, findings in runs:
            keys = {key for one in findings.by_claim.get(name, ()) for key in keys_of(one, sample.traces[line.output])}  # fmt: skip
            shared = keys if shared is None else shared & keys
        shared = (shared or set()) - impossible(line, shared or set(), kept)
        found[line.label] = chosen(line, runs, shared)
    return found


def dead(trace: Any) -> int:
    """How many nodes have a gradient that is 0, where mistakes show less."""
    found = [tensor(node.gradient).numbers for node in trace.nodes if node.gradient is not None]
    return sum(not any(as_float(x or 0.0) for x in numbers) for numbers in found)


def impossible(
    line: Line, keys: set[tuple[Any, ...]], kept: Sequence[Sample]
) -> set[tuple[Any, ...]]:
    """Those of some mistakes that give something else where a line is right, as in another branch."""
    found = set[tuple[Any, ...]]()
    for sample in [one for one in kept if line.label in one.right][:SEVERAL]:
        trace = sample.traces[line.output]
        if not isinstance(trace, Trace):
            continue
        sheet = Sheet.of(trace)
        node = sheet.find(line.target.node)
        if node is None:
            continue
        with sheet.arithmetic.context():
            slope, correct = slopes(sheet, node), sheet.gradients[node]
            for one in (*suspects(sheet, [node])[0], *for_claim(sheet, node, slope)):
                if key_of(one, trace) in keys:
                    number = predicted(sheet, one.guess.changes).get(node, correct)
                    if abs(number - correct) > RELATIVE * max(abs(number), abs(correct)):
                        found.add(key_of(one, trace))
    return found


def chosen(
    line: Line, runs: Sequence[tuple[Sample, Findings]], shared: set[tuple[Any, ...]]
) -> tuple[list[Diagnosis], Point, int]:
    """What is said of the mistakes that several points share, at the first point that tells most."""
    name = line.target.node
    best: list[Diagnosis] = []
    where = runs[0][0].at
    for sample, findings in runs:
        trace = sample.traces[line.output]
        found = []
        own = findings.by_claim.get(name, [])
        for one, diagnosis in zip(own[:SHOWN], findings.diagnoses.get(name, ()), strict=False):
            if key_of(one, trace) in shared:
                also = tuple([(other.mistake.name, trace.nodes[other.guess.node].name) for other in one.also if key_of(other, trace) in shared])  # fmt: skip
                found.append(replace(diagnosis, also=tuple(dict.fromkeys(also))))
        if len(found) > len(best):
            best, where = found, sample.at
    if len(best) == 1:
        best = [replace(best[0], unique=True)]
    return best, where, max(findings.tried for _, findings in runs)


def keys_of(suspect: Suspect, trace: Any) -> Iterator[tuple[Any, ...]]:
    """The keys of a mistake and of those that give the same numbers."""
    for one in (suspect, *suspect.also):
        yield key_of(one, trace)


def key_of(suspect: Suspect, trace: Any) -> tuple[Any, ...]:
    """What a mistake is, at any point."""
    parts: Any = tuple([(part.node, part.operand, part.variant) for part in suspect.parts])
    details = str(suspect.guess.details.get("factor", "")) if suspect.mistake is not TWO else ""
    return (*suspect.key(trace), parts, details)


def search(group: Sequence[Line], beside: Collection[str], sample: Sample) -> Findings:
    """The mistakes that give the wrong lines of a group at a point.

    beside: nodes whose gradients are right.
    """
    trace = sample.traces[group[0].output]
    wrong = {line.target.node: sample.wrong[line.label] for line in group}
    if isinstance(trace, Trace):
        if any(found.shape for found in wrong.values()):
            return Findings([], 0, False)
        sheet = Sheet.of(trace)
        make = sheet.arithmetic.number
        with sheet.arithmetic.context():
            claims = []
            for name in (*wrong, *beside):
                node = sheet.find(name)
                if node is None:
                    continue
                right = name not in wrong
                number = sheet.gradients[node] if right else make(as_float(wrong[name].numbers[0] or 0.0) or 0.0)  # fmt: skip
                claims.append(Claim(name, node, number, make(0.0), right))
            return diagnose(sheet, claims)
    arrays = []
    for name in (*wrong, *beside):
        right = name not in wrong
        found = gradient_of(trace, name) if right else wrong[name]
        numbers = floats(found)
        if found is not None and numbers is not None:
            n = len(numbers)
            arrays.append(ArrayClaim(name, found.shape, tuple(numbers), (0.0,) * n, (right,) * n))
    return diagnose_arrays(trace, arrays)
