"""A program over arrays to the program of its gradients: matrix formulas.

A gradient has the shape of what it is by. The formulas are programs of this language, so they can
be read, evaluated and differentiated again.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, count

from ..arrays.constants import settled
from ..arrays.lower import by_default, reachable_from
from ..arrays.shapes import Shapes, output_shape, selects, shapes
from ..blocks.names import Names
from ..errors import BackpropError, few, shorten, usage
from ..language.graph import Array, Graph, as_array, reachable
from ..language.parser import parse
from ..operations.row import Operation
from ..operations.shape import Shape, said, size
from ..operations.structural import ARRAY, REDUCTIONS, STRUCTURAL, TRANSPOSE, Structural
from ..operations.table import ADD, CONSTANTS, FUNCTIONS, IDENTITY, IF, MUL
from .array_gradient import ArrayGradient
from .array_symbols import SUM, ArraySymbols
from .array_tape import Held
from .derive import Derivative, Stage, derivative_name, output_name, to_share
from .guess import guessed

__all__ = [
    "ArrayDerivative",
    "Question",
    "Results",
    "Sizes",
    "Work",
    "array_derive",
    "array_directional",
    "sizes_of",
    "written",
]

PRIMES = (
    101, 137, 173, 211, 251, 283, 317, 353, 389, 431, 463, 499, 541, 577, 613, 653, 691, 727, 769,
    809, 853, 887, 929, 967, 1009, 1049,
)  # fmt: skip
"""Sizes that stand for letters: as many as there are letters, none of which is another by chance,
or is near it."""

KNOWN = 30
"""Up to which a size is not made of such."""


SHAPE = re.compile(r"(?<![\w.,])\d+(x\d+)?(?![\w.,]*\w)")
"""A shape, or a size, in an error."""

PASSES = 4
"""How often the backward pass is done again because a gradient needs no name."""

Results = dict[tuple[str, ...], tuple[str, int]]
"""Names and nodes of derivatives, by what they are taken by."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """What the shapes of a program are taken from.

    at: a value of its shape for every variable; whole numbers where it selects. letters: what sizes
    are called that stand for letters. declared: the shapes as they are written, guessed ones too.
    assumed: the guessed ones alone, those of numbers too.
    """

    at: dict[str, float | Array]
    letters: dict[int, str] = field(default_factory=dict)
    declared: dict[str, tuple[int | str, ...]] = field(default_factory=dict)
    assumed: dict[str, tuple[int | str, ...]] = field(default_factory=dict)

    def text(self, shape: Shape) -> str:
        """A shape as it is declared: 3, 3x4, NxD; nothing of one with a size that has no name."""
        if self.letters:
            written = {*chain(*self.declared.values())}
            if any(n > KNOWN and n not in self.letters and n not in written for n in shape):
                return ""
        return "x".join(self.letters.get(n, str(n)) for n in shape)

    def lettered(self, error: BackpropError) -> BackpropError:
        """An error with the letters that sizes stand for."""

        def said(text: str) -> str:
            if not self.letters:
                return text
            return SHAPE.sub(
                lambda one: self.text(tuple(map(int, one[0].split("x")))) or one[0], text
            )

        return error.replace(
            message=said(error.message), label=said(error.label), hint=said(error.hint)
        )


@dataclass(frozen=True, slots=True)
class ArrayDerivative(Derivative):
    """A program that computes gradients of a program over arrays.

    shapes: of its variables and stages, by name. sizes: what they are taken from. new: its
    variables that the program has not, such as ``up``. inner: stages that are gradients of stages,
    with the names of these.
    """

    shapes: dict[str, Shape] = field(default_factory=dict)
    sizes: Sizes = field(default_factory=lambda: Sizes({}))
    new: tuple[str, ...] = ()
    inner: dict[str, str] = field(default_factory=dict)

    @property
    def program(self) -> Graph:
        """The stages as a program of this language, which can be evaluated and differentiated."""
        program = parse(self.text())
        made = any(array.text for array in program.array_inputs.values())
        return settled(program, 0) if made else program  # a stage that is zeros(2, 3)

    def shape_text(self, name: str) -> str:
        """The shape of a stage or a variable, as it is declared; nothing where it has no name."""
        return self.sizes.text(self.shapes[name])


def sizes_of(
    graph: Graph,
    at: Mapping[str, float | Array] | None,
    needed: Sequence[bool],
    last_first: bool = False,
) -> Sizes:
    """The shapes of a program's variables: of a point, as they are declared, or as guessed.

    last_first: later letters stand for smaller sizes, such as those of a kernel.
    """
    if at is not None:
        return Sizes(dict(at), declared=graph.declared)
    guesses = guessed(graph, needed)
    declared = graph.declared | guesses
    sizes = [one for shape in declared.values() for one in shape]
    values = [p for p in PRIMES if p not in sizes]
    letters = [*dict.fromkeys(one for one in sizes if isinstance(one, str))]
    known = dict(zip(reversed(letters) if last_first else letters, values, strict=False))
    given: dict[str, float | Array] = {}
    assumed = dict(guesses)
    for name, node in graph.variables.items():
        held = graph.array_inputs.get(name, graph.inputs.get(name))
        if not needed[node]:
            continue
        if held is not None:
            given[name] = held
        elif name in declared:
            shape = tuple([n if isinstance(n, int) else known[n] for n in declared[name]])
            given[name] = Array(shape, (0.0,) * size(shape)).value
        else:
            given[name] = 1.0
            assumed[name] = ()
    return Sizes(given, {n: letter for letter, n in known.items()}, declared, assumed)


def array_derive(
    program: Graph,
    at: Mapping[str, float | Array] | Sizes | None = None,
    *,
    wrt: Sequence[str] = (),
    output: str = "",
    upstream: str | float | Array = 1.0,
    code: bool = False,
    careful: bool = False,
) -> ArrayDerivative:
    """The gradients of a program's output, as a program over arrays.

    at: a point, of which the shapes count; without one they are as the program declares them, and
    what it does not declare is a number. wrt: variables or stages; the inputs when empty, but for
    indices and labels. upstream: what arrives at an output that is more than one number: `ones`,
    numbers, or the name of a new variable of its shape. code: the output is computed, too. careful:
    rules are taken as they are computed, with choices where a formula has no value.

    Raises BackpropError for an unknown name, where shapes do not fit, and for an output that is no
    number, without what arrives there.
    """
    question = Question(program, at, wrt, output)

    def results(work: "Work") -> Results:
        names, nodes = zip(*question.by.items(), strict=True)
        gradients = work.gradient.gradients(question.end, work.seed(question.end, upstream), nodes)
        return {
            (name,): (derivative_name(question.called, (name,)), work.result(one, code))
            for name, one in zip(names, gradients, strict=True)
        }

    return written(question, results, careful, code=code)


def array_directional(
    program: Graph,
    direction: Mapping[str, str | float | Array],
    at: Mapping[str, float | Array] | None = None,
    *,
    output: str = "",
    second: bool = False,
    careful: bool = False,
) -> ArrayDerivative:
    """The derivative along a direction; or, second, the gradient of that: Hessian times direction.

    direction: for each of some variables a number or an array of its shape, or the name of a new
    variable; the others stand still. Others as in ``array_derive``.
    """
    question = Question(program, at, tuple(direction), output)

    def jvp(work: "Work") -> Results:
        nodes = list(question.by.values())
        gradients = work.gradient.gradients(question.end, work.seed(question.end, 1.0), nodes)
        return {("direction",): ("jvp", work.along(gradients, direction))}

    along = written(question, jvp, careful)
    if not second:
        return replace(along, partial=False)
    inner = along.program
    values = question.sizes.at | inner.inputs | inner.array_inputs
    for name in along.new:
        shape = along.shapes[name]
        values[name] = Array(shape, (1.0,) * size(shape)).value
    sources = question.sources()
    reached = set(along.variables)
    by = [name for name in sources if name in reached]
    again = Question(inner, replace(question.sizes, at=values), by, "") if by else question

    def hvp(work: "Work") -> Results:
        nodes = [again.by[name] for name in by]
        products = work.gradient.gradients(again.end, work.seed(again.end, 1.0), nodes)
        found = dict(zip(by, products, strict=True))
        return {
            (name,): (f"hvp_{name}", work.result(found[name], False) if name in found else work.zeros(name))
            for name in sources
        }  # fmt: skip

    result = written(again, hvp, careful, quiet=True)
    return replace(result, partial=False, output=question.called, new=along.new)


def written(
    question: "Question",
    make: Callable[["Work"], Results],
    careful: bool,
    code: bool = False,
    quiet: bool = False,
) -> ArrayDerivative:
    """The stages of some results; without names for gradients that are used once after all."""
    joined: set[int] = set()
    for _ in range(PASSES):
        work = Work(question, careful, joined, quiet)
        results = make(work)
        once = work.used_once([node for _, node in results.values()])
        joined |= once
        if not once:
            break
    return work.program(results, code)


class Question:
    """What is asked of a program over arrays: names, shapes, the output, and what it is derived by."""

    def __init__(
        self,
        program: Graph,
        at: Mapping[str, float | Array] | Sizes | None,
        wrt: Sequence[str],
        output: str,
    ) -> None:
        graph = self.graph = by_default(program)
        names = self.names = Names(graph)
        self.end = names.find(output) if output else graph.output
        by = {name: names.find(name) for name in wrt}
        needed = reachable_from(graph, [self.end, *by.values()])
        self.sizes = at if isinstance(at, Sizes) else sizes_of(graph, at, needed)
        self.needed = needed
        try:
            self.found = self.fitting(at)
        except BackpropError as error:
            error = self.sizes.lettered(error)
            if not self.sizes.assumed or error.kind != "shape":
                raise error from None
            several = few(list(self.sizes.assumed))
            first = next(iter(self.sizes.assumed))
            hint = f"declare the shapes of {several}, such as {first}: 3x4, or give a point"
            raise error.replace(hint=hint) from None
        told = {
            name: shape
            for name, shape in self.sizes.assumed.items()
            if shape or graph.variables[name] not in self.found.whole
        }
        self.sizes = replace(self.sizes, assumed=told)
        if not by and not wrt:
            by = self.sources()
        for name, node in by.items():
            if node in self.found.whole:
                raise selects(name)
        if not by:
            raise BackpropError(
                "name", "the program has no variables, so there is nothing to derive by",
                hint="write a name where the number may change",
            )  # fmt: skip
        self.by = by
        self.called = output_name(graph, names, output)

    def fitting(self, at: Mapping[str, float | Array] | Sizes | None) -> Shapes:
        """The shapes of the nodes; with letters for which these fit. Raises BackpropError."""
        try:
            return shapes(self.graph, self.sizes.at, self.needed)
        except BackpropError:
            if at is not None or not self.sizes.letters:
                raise
            other = sizes_of(self.graph, at, self.needed, last_first=True)
            try:
                found = shapes(self.graph, other.at, self.needed)
            except BackpropError:
                pass
            else:
                self.sizes = other
                return found
            raise

    def sources(self) -> dict[str, int]:
        """The variables that are no indices and no labels."""
        return {
            name: node
            for name, node in self.graph.variables.items()
            if self.needed[node] and node not in self.found.whole
        }


class Work:
    """A program on a tape of symbols, with its gradients, on the way to stages."""

    def __init__(
        self, question: Question, careful: bool, joined: set[int], quiet: bool = False
    ) -> None:
        """Quiet: gradients of stages are not called so."""
        self.question, self.quiet = question, quiet
        self.graph, self.names, self.sizes = question.graph, question.names, question.sizes
        self.new: list[str] = []
        graph, at = self.graph, self.sizes.at
        s = self.symbols = ArraySymbols({name: as_array(x).shape for name, x in at.items()})
        leaves = {}
        for name, node in graph.variables.items():
            if question.needed[node]:
                one = s.variable(name)
                leaves[name] = Held(one, s.shape(one), s.own_extents(one, s.shape(one)))
        self.held = s.lifted(graph, question.found, leaves, question.needed)
        self.gradient = ArrayGradient(
            s, graph, question.found, self.held, careful, joined, bool(self.sizes.letters)
        )

    def seed(self, end: int, upstream: str | float | Array) -> Held:
        """What arrives at the output."""
        s, out = self.symbols, self.held[end]
        if upstream == "ones":
            return out._replace(node=s.constant(1.0))
        if isinstance(upstream, str):
            return out._replace(node=self.variable(upstream, out.shape))
        if isinstance(upstream, Array):
            raise usage(
                "what arrives at the output is a name here, or ones",
                "name it, such as up",
                reason="arriving",
            )
        if size(out.shape) > 1:
            raise self.sizes.lettered(output_shape(self.graph, end, out.shape))
        return out._replace(node=s.constant(float(upstream)))

    def result(self, gradient: Held, exact: bool) -> int:
        """A gradient in its shape; not exact: a row may stand for a vector."""
        own = self.symbols.shape(gradient.node)
        if own == (1, *gradient.shape) and not exact:
            return gradient.node
        return self.symbols.full(gradient)

    def variable(self, name: str, shape: Shape) -> int:
        """A variable that the program has not. Raises BackpropError where it has."""
        graph = self.graph
        taken = {*graph.variables, *graph.names.values(), *graph.functions, *FUNCTIONS, *CONSTANTS}
        if name in taken or not name.isidentifier():
            raise BackpropError(
                "name", f"{shorten(name)} is no name for a new variable: the program has it, or a function",
                hint="give it another name", reason="new name",
            )  # fmt: skip
        self.symbols.given[name] = shape
        self.new.append(name)
        return self.symbols.variable(name)

    def along(self, gradients: Sequence[Held], direction: Mapping[str, str | float | Array]) -> int:
        """The sum of the products of gradients with a direction."""
        s = self.symbols
        total = s.constant(0.0)
        for (name, node), gradient in zip(self.question.by.items(), gradients, strict=True):
            given, shape = direction[name], self.held[node].shape
            if isinstance(given, str):
                step = self.variable(given, shape)
            elif isinstance(given, Array):
                if given.shape != shape:
                    raise BackpropError(
                        "shape", f"the direction of {shorten(name)} is {said(given.shape)}, and {shorten(name)} is {said(shape)}",
                        hint="a direction has the shapes of the variables",
                    )  # fmt: skip
                parts = [s.constant(x) for x in given.numbers]
                step = s.written(ARRAY, parts, given.shape)
            elif shape:
                raise BackpropError(
                    "shape", f"the direction of {shorten(name)} is a number, and {shorten(name)} is {said(shape)}",
                    hint="a direction has the shapes of the variables",
                )  # fmt: skip
            else:
                step = s.constant(given)
            other = Held(step, shape, gradient.extents)
            if len(shape) == 1:
                both = [gradient, other]
                one = s.structural(STRUCTURAL["dot"], both, None, ()).node
            else:
                one = s.apply(MUL, (gradient.node, step))
                if shape:
                    one = s.reduce(SUM, gradient._replace(node=one), None).node
            total = s.apply(ADD, (total, one))
        return total

    def zeros(self, name: str) -> int:
        """A gradient of 0 by a variable that the program of the second pass has not."""
        s = self.symbols
        shape = as_array(self.sizes.at[name]).shape
        s.given[name] = shape
        node = s.variable(name)
        return s.full(Held(s.constant(0.0), shape, s.own_extents(node, shape)))

    def used_once(self, wanted: Sequence[int]) -> set[int]:
        """The nodes of the program whose gradients were kept apart in vain."""
        tape = self.symbols.tape
        reach = reachable(tape.operands, wanted)
        uses = dict.fromkeys(self.gradient.apart, 0)
        for node in wanted:
            if node in uses:
                uses[node] += 1
        for node, operands in enumerate(tape.operands):
            if reach[node]:
                for k in operands:
                    if k in uses:
                        uses[k] += 1
        return {node for k, n in uses.items() if n < 2 for node in self.gradient.sharers[k]}

    # stages

    def program(self, results: Results, code: bool) -> ArrayDerivative:
        """The stages that compute some nodes."""
        s, graph, tape = self.symbols, self.graph, self.symbols.tape
        called = self.question.called
        value_node = s.full(self.held[self.question.end])
        wanted = [node for _, node in results.values()] + [value_node] * code
        taken = {
            *tape.variables,
            *graph.variables,
            *graph.names.values(),
            *graph.functions,
            *FUNCTIONS,
            *CONSTANTS,
            "if",
        }

        def free(name: str) -> str:
            while name in taken:
                name += "_"
            taken.add(name)
            return name

        def numbered(letter: str) -> str:
            return free(next(one for k in count(1) if (one := f"{letter}{k}") not in taken))

        tape.names = {node: name for name, node in tape.variables.items()}
        finals = {by: free(name) for by, (name, _) in results.items()}
        by_node: dict[int, str] = {}
        for by, (_, node) in results.items():
            by_node.setdefault(node, finals[by])
        shared = to_share(s, wanted)
        original, unnamed = self.forward()
        stays = {k for k, n in shared.items() if k in original or (n > 1 and not self.small(k))}
        forced = self.forced(wanted, stays)
        reach = reachable(tape.operands, wanted)
        stages: list[Stage] = []
        inner: dict[str, str] = {}
        value = ""
        spoken: set[int] = set()  # nodes of the program that have a name in the text
        for node in range(len(tape)):
            if not reach[node] or tape.operations[node].leaf:
                continue
            often = shared.get(node, 0) > 1 and not self.small(node)
            if node in original and (node in shared or node in forced):
                name = original[node]
            elif node == value_node and code:
                name = value = free(called)
            elif node in by_node and (often or node in forced or node in self.gradient.apart):
                name = by_node[node]
            elif node in self.gradient.apart:
                of = self.gradient.apart[node]
                seen = of in graph.names or self.held[of].node in spoken
                if seen and of in self.names.of and not self.quiet:
                    name = free(derivative_name(called, (self.names.of[of],)))
                    inner[name] = self.names.of[of]
                else:
                    name = numbered("t")
            elif often or node in forced:
                n = unnamed.get(node)
                if n is not None and n not in taken:
                    name = free(n)
                    spoken.add(node)
                elif node in s.hints and s.hints[node] not in taken:
                    name = free(s.hints[node])
                else:
                    name = numbered("t")
            else:
                continue
            tape.names[node] = name
            stages.append(Stage(name, node))
        done = {stage.name for stage in stages}
        if code and not value:
            value = tape.names.get(value_node, "")
            if value_node in tape.variables.values() or value_node in tape.constants or not value:
                value = free(called)
                stages.append(Stage(value, value_node))
        stages += [
            Stage(finals[by], node) for by, (_, node) in results.items() if finals[by] not in done
        ]
        held = {stage.name: s.shape(stage.node) for stage in stages}
        held |= {name: s.shape(node) for name, node in tape.variables.items()}
        for by, name in finals.items():
            if by[1:] == () and by[0] in self.question.by:  # of which a row may be the gradient
                held[name] = self.held[self.question.by[by[0]]].shape
        return ArrayDerivative(
            tape, tuple(stages), finals, called, value, shapes=held, sizes=self.sizes, new=tuple(self.new),
            inner=inner,
        )  # fmt: skip

    def forward(self) -> tuple[dict[int, str], dict[int, str]]:
        """What nodes of the program are called: those that it names, and the others."""
        original: dict[int, str] = {}
        unnamed: dict[int, str] = {}
        for node, held in enumerate(self.held):
            if self.graph.operations[node].leaf or self.symbols.tape.operations[held.node].leaf:
                continue
            if node in self.graph.names:
                original.setdefault(held.node, self.graph.names[node])
            elif node in self.names.of:
                unnamed.setdefault(held.node, self.names.of[node])
        return original, unnamed

    def small(self, node: int) -> bool:
        """Whether a node is not worth a name: a transpose or a size of one, minus one, ones."""
        tape = self.symbols.tape
        row, operands = tape.operations[node], tape.operands[node]
        if isinstance(row, Structural) and row.counts:
            return True
        if row in (TRANSPOSE, STRUCTURAL["eye"], IDENTITY):
            return all(
                tape.operations[k].leaf or k in tape.names or self.small(k)
                for k in operands
                if row is TRANSPOSE
            )
        rest = [k for k in operands if not self.symbols.sized(k)]
        if not rest:
            return not isinstance(row, Structural) or row.name in ("ones", "zeros", "array")
        return False

    def forced(self, wanted: Sequence[int], stages: Collection[int]) -> set[int]:
        """What stands in a branch that is chosen element by element, and goes over whole arrays.

        stages: nodes that have names, and are looked up there.
        """
        s, tape = self.symbols, self.symbols.tape
        reach = reachable(tape.operands, wanted)
        inside = [False] * len(tape)
        forced: set[int] = set()
        for node in range(len(tape) - 1, -1, -1):
            if not reach[node]:
                continue
            row, operands = tape.operations[node], tape.operands[node]
            if row is IF and s.shape(node):
                for k in operands[2:]:
                    inside[k] = True
            if not inside[node] or row.leaf or node in stages:
                continue
            if whole(row, len(operands)):
                forced.add(node)
            elif node not in self.gradient.apart:
                for k in operands:
                    inside[k] = True
            else:
                forced.add(node)
        return forced


def whole(row: Operation, count: int) -> bool:
    """Whether an operation goes over whole arrays."""
    return isinstance(row, Structural) or (row.name in REDUCTIONS and count == 1)
