"""Second derivatives over arrays as matrix formulas: the Hessian by a vector, and its blocks.

A row and a column of a block for each element of two vectors; by a number and another array it has
the shape of that. By a matrix a block has more than two axes, and no formula.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..errors import BackpropError, shorten
from ..language.graph import Array, Graph
from ..operations.shape import size
from .array_derive import ArrayDerivative, Question, Results, Work, array_derive, written
from .array_tape import Held
from .derive import derivative_name
from .linear import NoMatrix, matrix_of

__all__ = ["array_hessian"]

Pair = tuple[str, str]


def array_hessian(
    program: Graph,
    at: Mapping[str, float | Array] | None = None,
    *,
    wrt: Sequence[str] = (),
    output: str = "",
    code: bool = False,
    careful: bool = False,
) -> tuple[ArrayDerivative, list[Pair]]:
    """The second derivatives of an output that is a number, and the pairs that no formula says.

    The rows of a block are the elements of the first name, its columns those of the second. Others
    as in ``array_derive``. Raises BackpropError as it does, and where there is no formula at all.
    """
    try:
        first = array_derive(program, at, wrt=wrt, output=output, code=True, careful=careful)
    except BackpropError as error:
        if not error.reason.endswith(" output"):
            raise
        raise error.replace(hint=error.hint.partition(", or ")[0], reason="") from None
    graph = first.program
    question = Question(program, at, wrt, output)
    names = list(question.by)
    values = question.sizes.at | graph.inputs | graph.array_inputs
    known = [*first.results.values(), *(name for name in names if graph.node(name) is not None)]
    inner = Question(graph, replace(question.sizes, at=values), known, first.value)
    shapes = {name: question.found.of[node] for name, node in question.by.items()}
    pairs = [(a, b) for k, a in enumerate(names) for b in names[k:]]
    none: list[Pair] = []

    def blocks(work: Work) -> Results:
        none.clear()
        results: Results = {}
        for a, b in pairs:
            try:
                node = block(work, first.results[a,], first.results[b,], a, b)
            except NoMatrix:
                none.append((a, b))
                continue
            results[a, b] = derivative_name(first.output, (a, b)), node
        if not results:
            raise no_formula(names, shapes)
        return results

    def block(work: Work, by_a: str, by_b: str, a: str, b: str) -> int:
        if len(shapes[a]) + len(shapes[b]) > 2:
            raise NoMatrix
        if not shapes[a] or not shapes[b]:
            (of, by) = (by_a, b) if not shapes[a] else (by_b, a)
            return work.result(gradient(work, of, by, None), True)
        v = direction(work, b)
        return matrix_of(work.symbols, gradient(work, by_b, a, v), v)

    def direction(work: Work, name: str) -> Held:
        s = work.symbols
        called = f" {name}"  # which no program has
        s.given[called] = shapes[name]
        node = s.variable(called)
        own = s.variable(name)
        s.given[name] = shapes[name]
        return Held(node, shapes[name], s.own_extents(own, shapes[name]))

    def gradient(work: Work, of: str, by: str, v: Held | None) -> Held:
        """The gradient of a derivative, or of its product with v, by a variable."""
        s = work.symbols
        end = inner.names.find(of)
        seed = v or work.held[end]._replace(node=s.constant(1.0))
        if by not in inner.by:
            own = s.variable(by)
            s.given[by] = shapes[by]
            return Held(s.constant(0.0), shapes[by], s.own_extents(own, shapes[by]))
        (found,) = work.gradient.gradients(end, seed, [inner.names.find(by)])
        return found

    result = written(inner, blocks, careful, code=code, quiet=True)
    return replace(result, output=first.output), none


def no_formula(names: Sequence[str], shapes: Mapping[str, tuple[int, ...]]) -> BackpropError:
    """What is said where no second derivative has a formula."""
    matrices = [name for name in names if len(shapes[name]) == 2]
    if matrices:
        message = f"a second derivative by {shorten(matrices[0])}, a matrix, is no matrix: it has an axis for each of theirs"
    else:
        message = "no formula of matrices says these second derivatives"
    few = sum(size(shapes[name]) for name in names) <= 100
    hint = "ask for the Hessian times a direction" + ", or for its numbers at a point" * few
    return BackpropError("usage", message, hint=hint, reason="second")
