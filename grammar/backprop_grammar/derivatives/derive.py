"""A program to the program of its derivatives.

What is used more than once gets a name, so the derivative is a program like any other: it can
be read, evaluated, differentiated again, or written in another language.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ..blocks.names import Names
from ..errors import BackpropError, few, shorten, suggestion
from ..language.graph import Condition, Graph, reachable
from ..language.printer import expression_text
from ..numbers.wide import Number, Wide
from ..operations.table import CONSTANTS, DIV, FUNCTIONS, MUL, NEG
from ..symbolic.evaluable import evaluable
from ..symbolic.gradient import LONGEST, gradient, partials, plus, symbols_of, times, too_long
from ..symbolic.simplify import AtZero, Symbols, everywhere, varying_power
from ..trace.evaluate import evaluate
from ..trace.record import KINKS, Flag, Note

__all__ = [
    "MAX_ORDER",
    "Derivative",
    "Findings",
    "Stage",
    "derive",
    "directional",
    "evaluated",
    "numbers",
]

MAX_ORDER = 6
"""The highest order of derivatives that may be asked for."""

UNDEFINED = Wide("undefined")

ON_KINK = "the point stands on a kink of {}; what follows from it is of the side that is selected"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a program of derivatives: a node of its tape with a name."""

    name: str
    node: int


@dataclass(frozen=True, slots=True)
class Derivative:
    """A program that computes derivatives.

    tape: its nodes; the names of those that are stages are in ``tape.names``. stages: in order,
    shared parts before what uses them. results: the names of the derivatives, by what they are
    taken by: ("x",), or ("x", "y") for a second derivative. output: the name of what is
    differentiated, and value the stage that computes it, which is there for code. So are domain,
    what must hold in some region of the program for it to have a value, and choices, the
    conditions that open these regions. partial: whether the results are partial derivatives, not
    those along a direction.
    """

    tape: Graph
    stages: tuple[Stage, ...]
    results: dict[tuple[str, ...], str]
    output: str
    value: str
    domain: tuple[Condition, ...] = ()
    choices: tuple[Condition, ...] = ()
    partial: bool = True

    @property
    def reached(self) -> list[int]:
        """The nodes that the stages are computed from, themselves among them, in order."""
        reach = reachable(self.tape.operands, [stage.node for stage in self.stages])
        return [node for node, here in enumerate(reach) if here]

    @property
    def variables(self) -> list[str]:
        """The variables that the stages are computed from."""
        reach = reachable(self.tape.operands, [stage.node for stage in self.stages])
        return [name for name, node in self.tape.variables.items() if reach[node]]

    def text(self) -> str:
        """The program, a stage a line."""
        return "\n".join(f"{stage.name} = {self.expression(stage)}" for stage in self.stages)

    def expression(self, stage: Stage) -> str:
        """What a stage is computed as, over names of other stages and of variables."""
        own = self.tape.names.get(stage.node)
        if own is not None and own != stage.name:
            return own
        return expression_text(self.tape, stage.node).text


def derive(
    graph: Graph,
    *,
    wrt: Sequence[str] = (),
    output: str = "",
    order: int = 1,
    code: bool = False,
    at_zero: bool = False,
) -> Derivative:
    """The partial derivatives of a program's output, of that order, as a program.

    wrt: variables or stages; the inputs when empty. order: 1 for the gradient, at most
    MAX_ORDER. code: it is computed in plain floats, and the output with it: the program as it was
    typed, and the local gradients as the table writes them so that they lose no digits. at_zero:
    whether x^y*log(x) and the like are written with their limits where they have no value, at
    x = 0; not for code, whose local gradients have them.

    Raises BackpropError for an unknown name, and where the formulas get too long.
    """
    names, symbols, end, sources, moved = question(graph, wrt, output, code)
    called = output_name(graph, names, output)
    check_count(called, [name for name, _ in sources], order)
    nodes = partials(symbols, moved[end], [node for _, node in sources], order)
    labels = {tuple(sources[k][0] for k in places): node for places, node in sorted(nodes.items())}
    results = {by: (derivative_name(called, by), node) for by, node in labels.items()}
    return program(graph, symbols, moved, results, called, end, code, at_zero)


def directional(
    graph: Graph,
    direction: dict[str, float],
    *,
    output: str = "",
    second: bool = False,
    code: bool = False,
    at_zero: bool = False,
) -> Derivative:
    """The derivative along a direction; or, second, the gradient of that: Hessian times direction.

    direction: a number per variable; variables that are not named stand still. code, at_zero:
    as in ``derive``.
    """
    names, symbols, end, sources, moved = question(graph, (), output, code)
    called = output_name(graph, names, output)
    nodes = dict(sources)
    for name in direction:
        if name not in nodes:
            raise BackpropError(
                "name",
                f"the program has no variable {shorten(name)}",
                hint=suggestion(name, nodes, f"its variables are {few(nodes)}"),
            )
    slopes = gradient(symbols, moved[end], [nodes[name] for name in direction])
    total = symbols.constant(0.0)
    for slope, step in zip(slopes, direction.values(), strict=True):
        total = plus(symbols, total, times(symbols, slope, symbols.constant(step)))
    results: dict[tuple[str, ...], tuple[str, int]] = {("direction",): ("jvp", total)}
    if second:
        products = gradient(symbols, total, [node for _, node in sources])
        pairs = zip(sources, products, strict=True)
        results = {(name,): (f"hvp_{name}", node) for (name, _), node in pairs}
    along = program(graph, symbols, moved, results, called, end, code, at_zero)
    return replace(along, partial=False)


def question(
    graph: Graph, wrt: Sequence[str], output: str, code: bool
) -> tuple[Names, Symbols, int, list[tuple[str, int]], list[int]]:
    """The names of a program, its tape of symbols, its output, and the sources on that tape.

    These are the nodes to differentiate by. And where each node of the program went.
    """
    names = Names(graph)
    end = names.find(output) if output else graph.output
    by = list(wrt) or list(graph.variables)
    nodes = dict(zip(by, names.find_all(by), strict=True))
    symbols, moved = symbols_of(graph, end, set(nodes.values()), code)
    sources = [(name, moved[node]) for name, node in nodes.items()]
    return names, symbols, end, sources, moved


def output_name(graph: Graph, names: Names, output: str) -> str:
    """What the derivatives call the output: its own name, or f."""
    node = names.find(output) if output else graph.output
    if node in graph.names:
        return graph.names[node]
    taken = {*graph.names.values(), *graph.functions, *FUNCTIONS, *CONSTANTS}
    return next(name for name in ("f", "out", "output", "result", "_f") if name not in taken)


def derivative_name(output: str, by: Sequence[str]) -> str:
    """`df_dx`, `d2f_dx2`, `d2f_dx_dy`."""
    parts = []
    for name in dict.fromkeys(by):
        times = by.count(name)
        parts.append(f"d{name}{times if times > 1 else ''}")
    order = len(by)
    return f"d{order if order > 1 else ''}{output}_{'_'.join(parts)}"


def program(
    graph: Graph,
    symbols: Symbols,
    moved: list[int],
    results: dict[tuple[str, ...], tuple[str, int]],
    called: str,
    output: int,
    code: bool,
    at_zero: bool,
) -> Derivative:
    """The stages that compute some nodes of a tape of symbols.

    output: of the program, which gets its name where the derivatives use it. code: and where they
    do not. at_zero: see ``derive``.
    """
    domain: tuple[Condition, ...] = ()
    if code:
        from .domain import inside  # which formulas to read need not load

        domain = inside(graph, output, symbols, moved)
    symbols, place = together(symbols, at_zero)
    moved = [place[node] for node in moved]
    end = moved[output]
    results = {by: (name, place[node]) for by, (name, node) in results.items()}
    tape = symbols.tape
    wanted = [node for _, node in results.values()] + [end] * code
    taken = {*tape.variables, *graph.names.values(), *graph.functions, *FUNCTIONS, *CONSTANTS, "if"}

    def free(name: str) -> str:
        while name in taken:
            name += "_"
        taken.add(name)
        return name

    tape.names = {node: name for name, node in tape.variables.items()}
    shared = to_share(symbols, wanted)
    original = {moved[node]: name for node, name in graph.names.items() if graph.operations[node]}
    finals = {by: free(name) for by, (name, _) in results.items()}
    by_node: dict[int, str] = {}
    for by, (_, node) in results.items():
        by_node.setdefault(node, finals[by])
    value = ""
    count = 0
    stages: list[Stage] = []
    reach = reachable(tape.operands, wanted)
    for node in range(len(tape)):
        if not reach[node] or tape.operations[node].leaf:
            continue
        if node == end and (code or shared.get(node, 0) > 1):
            value = original.get(node) or free(called)
            tape.names[node] = value
        elif node in shared and node in original:
            tape.names[node] = original[node]
        elif node in shared and shared[node] > 1:
            if node in by_node:
                tape.names[node] = by_node[node]
            else:
                count += 1
                while f"t{count}" in taken:
                    count += 1
                tape.names[node] = f"t{count}"
        else:
            continue
        stages.append(Stage(tape.names[node], node))
    done = {stage.name for stage in stages}
    if code and not value:  # the output is a variable or a number
        value = free(called)
        stages.append(Stage(value, end))
    stages += [
        Stage(finals[by], node) for by, (_, node) in results.items() if finals[by] not in done
    ]
    check_length(tape, stages)
    choices = graph.conditions if domain else ()
    return Derivative(
        tape,
        tuple(stages),
        finals,
        called,
        value,
        tuple([at_places(test, place) for test in domain]),
        tuple([at_places(test, moved) for test in choices]),
    )


def at_places(test: Condition, place: Sequence[int]) -> Condition:
    """A condition between the nodes that its own went to."""
    return test._replace(left=place[test.left], right=place[test.right])


def together(symbols: Symbols, at_zero: bool = False) -> tuple[Symbols, list[int]]:
    """The tape without nodes that are kept apart; where each of its nodes went."""
    apart = any(operation.hidden and not operation.leaf for operation in symbols.tape.operations)
    if not apart and not at_zero:
        return symbols, list(range(len(symbols.tape)))
    plain = AtZero() if at_zero else Symbols(floats=symbols.floats)
    place = plain.copy(symbols.tape, {}, verbatim=symbols.floats)
    plain.exist = {place[node] for node in symbols.exist}
    plain.nonzero = {place[node] for node in symbols.nonzero}
    return plain, place


class Findings(NamedTuple):
    """Numbers by the names of derivatives, and what is to be said of them.

    refused: the names of those whose formula has no value at the point.
    """

    numbers: dict[str, Number]
    notes: dict[Note, None]
    flags: dict[Flag, None]
    refused: set[str]


def numbers(
    make: Callable[[int, bool], Derivative],
    graph: Graph,
    derivative: Derivative,
    at: dict[str, float],
    output: str = "",
    by_formula: bool = False,
    kinked: bool = False,
) -> Findings:
    """The derivatives of a program at a point by the names of their stages, and remarks on them.

    make: the derivatives of an order, at_zero or not. at: a value per variable of the program.
    by_formula: evaluate the formulas themselves, as for directions, which are no partial
    derivatives; otherwise the last derivative of each is taken by the backward pass over numbers,
    which is careful where a formula is not. kinked: whether the program stands on a kink at the
    point. UNDEFINED where there is none.

    Raises BackpropError where the program itself has no value.
    """
    by_variables = all(name in graph.variables for by in derivative.results for name in by)
    order = max([len(by) for by in derivative.results], default=1)
    if order == 1 and not by_formula:
        names = [name for (name,) in derivative.results]
        trace = evaluate(graph, at, wrt=names, output=output, nodes=False)
        gradients = {derivative.results[name,]: trace.gradients[name] for name in names}
        flags = [
            flag._replace(path=f"derivatives.{derivative.results[flag.path.split('.', 1)[1],]}")
            for flag in trace.flags
        ]
        return Findings(gradients, dict.fromkeys(trace.notes), dict.fromkeys(flags), set())
    found = Findings({}, {}, {}, set(derivative.results.values()))
    whole = by_formula or not by_variables
    for at_zero in (False, True):
        lower = make(order if whole else order - 1, at_zero)
        for last in (None,) if whole else range(order - 1, -1, -1):  # any may be the last
            sources: dict[str, tuple[str, str | None]] = {}
            for by, name in derivative.results.items():
                if name not in found.refused:
                    continue
                if last is None:
                    sources[name] = lower.results[by], None
                else:
                    sources[name] = lower.results[(*by[:last], *by[last + 1 :])], by[last]
            found = settled(found, evaluated(lower, at, sources, kinked))
            if not found.refused:
                return found
        if not varying_power(lower.tape):
            break
    return found


def settled(found: Findings, more: Findings) -> Findings:
    """Findings with those that were refused, as another attempt has them."""
    better = {
        name: number
        for name, number in more.numbers.items()
        if name not in more.refused or name not in found.numbers
    }
    paths = {f"derivatives.{name}" for name in better}
    kept = {flag: None for flag in found.flags if flag.path not in paths}
    new = {flag: None for flag in more.flags if flag.path in paths}
    refused = found.refused & more.refused
    return Findings(found.numbers | better, found.notes | more.notes, kept | new, refused)


def evaluated(
    derivative: Derivative,
    at: dict[str, float],
    sources: dict[str, tuple[str, str | None]],
    kinked: bool,
) -> Findings:
    """Numbers by name: each the value of a stage, or its gradient by a variable; and remarks.

    sources: by name, the stage and the variable. kinked: see ``numbers``.
    """
    stages = [(stage.name, stage.node) for stage in derivative.stages]
    graph = evaluable(derivative.tape, stages)
    values = {name: at[name] for name in graph.variables if name in at}
    found = Findings({}, {}, {}, set())
    by_stage: dict[str, dict[str, str | None]] = {}
    for name, (stage, by) in sources.items():
        by_stage.setdefault(stage, {})[name] = by
    for stage, asked in by_stage.items():
        wrt = [by for by in asked.values() if by is not None and by in graph.variables]
        held = None in asked.values()
        try:
            trace = evaluate(graph, values, wrt=wrt, output=stage, nodes=False, finite=held)
        except BackpropError as error:
            if error.kind not in ("domain", "overflow", "precision"):
                raise
            for name in asked:
                found.numbers[name] = UNDEFINED
                message = f"{stage} has no number here: {error.message}"
                found.flags[Flag(f"derivatives.{name}", "undefined", "", stage, message)] = None
            found.refused.update(asked)
            continue
        for note in trace.notes:
            if note.kind == "underflow" and note.node in (stage, *wrt):
                found.notes[note] = None
        if kinked and any(note.kind in KINKS for note in trace.notes):
            found.notes[Note("kink", stage, ON_KINK.format(stage))] = None
        for name, by in asked.items():
            found.numbers[name] = trace.value if by is None else trace.gradients.get(by, 0.0)
            for flag in trace.flags:
                if by is not None and flag.path == f"gradients.{by}":
                    found.flags[flag._replace(path=f"derivatives.{name}")] = None
    return found


def to_share(symbols: Symbols, wanted: Sequence[int]) -> dict[int, int]:
    """The nodes that may be stages, with how often each is used.

    What stands only in branches of an `if` may be a stage where it exists everywhere, so that
    evaluating it in vain does no harm. In code, what the program always computes and may refuse is
    evaluated before any branch, as an error there is one of the program.
    """
    tape = symbols.tape
    reach = reachable(tape.operands, wanted)
    strict = [False] * len(tape)
    uses = [0] * len(tape)
    for node in wanted:
        strict[node] = True
        uses[node] += 1
    for node in range(len(tape) - 1, -1, -1):
        if not reach[node]:
            continue
        always = symbols.floats and node in symbols.exist and not everywhere(tape.operations[node])
        if always and not strict[node]:
            strict[node] = True
            uses[node] += 1
        for k, operand in enumerate(tape.operands[node]):
            uses[operand] += 1
            if strict[node] and not (node in tape.condition_of and k > 1):
                strict[operand] = True
    shared: dict[int, int] = {}
    for node, operation in enumerate(tape.operations):
        if operation.leaf or not uses[node]:
            continue
        if strict[node] or (symbols.total(node) and not small(tape, node, shared)):
            shared[node] = uses[node]
    return shared


def small(tape: Graph, node: int, shared: dict[int, int]) -> bool:
    """Whether a node is a number, or one times or over what is a name or a stage: `1/2`, `t1/2`."""
    rest = [k for k in tape.operands[node] if k not in tape.constants]
    if not rest:
        return True
    alone = len(rest) == 1 and tape.operations[node] in (MUL, DIV, NEG)
    return alone and (tape.operations[rest[0]].leaf or shared.get(rest[0], 0) > 1)


def check_count(called: str, sources: Sequence[str], order: int) -> None:
    """Raise BackpropError before the work starts where there are too many derivatives to print."""
    shortest = min(sources, key=len, default="")
    line = len(f"{derivative_name(called, [shortest] * order)} = 0\n")
    count = math.comb(len(sources) + order - 1, order)
    if count * line > LONGEST:
        raise too_long(f"{count:,} of them")


def check_length(tape: Graph, stages: Sequence[Stage]) -> None:
    """Raise BackpropError before a program is written that is too long to be one."""
    length = [0] * len(tape)
    stage = {one.node for one in stages}
    total_length = sum(len(one.name) + 4 for one in stages)
    for node in range(len(tape)):
        own = sum(1 if k in tape.names else length[k] for k in tape.operands[node])
        length[node] = min(own + 4, LONGEST)
        if node in stage:
            total_length += length[node]
    if total_length >= LONGEST:
        raise too_long()
