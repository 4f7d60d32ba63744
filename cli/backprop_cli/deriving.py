"""The work of `backprop derive`: what is asked for, as formulas and, at a point, as numbers.

The insight: a Hessian, a direction and a higher order are all gradients of gradients.
"""

from backprop_grammar.derive import MAX_ORDER, Derivative, derive, directional, numbers
from backprop_grammar.errors import BackpropError
from backprop_grammar.evaluate import evaluate
from backprop_grammar.graph import Graph
from backprop_grammar.trace import Number, Wide

from .formats.code import Formulas
from .inputs import Request, read_point, usage

__all__ = ["formulas"]


def formulas(request: Request, order: int, jvp: str, hvp: str, value: bool) -> Formulas:
    """The derivatives that the options ask for.

    order: of the derivatives. jvp, hvp: a direction such as `x=1,y=0`, or empty. value: whether
    the program computes the output too.

    Raises BackpropError for options that contradict each other, and for a point that has no
    value.
    """
    if not 1 <= order <= MAX_ORDER:
        raise usage(f"--order is 1 to {MAX_ORDER}, not {order}")
    if sum([order > 1, bool(jvp), bool(hvp)]) > 1:
        raise usage("--order, --hessian, --jvp and --hvp are different questions", "ask one of them")  # fmt: skip
    graph, given, _ = request.graph()
    views = request.views()
    at = complete(graph, given, bool(request.at))
    if jvp or hvp:
        direction = read_point([jvp or hvp]).values
        found = directional(graph, direction, output=views["output"], second=bool(hvp))
    else:
        found = derive(graph, wrt=views["wrt"], output=views["output"], order=order, value=value)
    return Formulas(
        graph.source.text, found, at, found_numbers(found, at),
        None if at is None else nearest(output_value(graph, at, views["output"])), graph.inputs,
    )  # fmt: skip


def complete(graph: Graph, at: dict[str, float], asked: bool) -> dict[str, float] | None:
    """The point, if every variable has a value. Raises where only some were given."""
    missing = [name for name in graph.variables if name not in at]
    if not missing:
        return at
    if asked:
        raise BackpropError(
            "binding", f"no value for {', '.join(missing[:8])}", graph.spans[graph.variables[missing[0]]],
            hint="give them all, or leave --at out for the formulas alone", source=graph.source,
        )  # fmt: skip
    return None


def output_value(graph: Graph, at: dict[str, float], output: str) -> Number:
    return evaluate(graph, at, output=output, nodes=False).value


def found_numbers(found: Derivative, at: dict[str, float] | None) -> dict[str, float | None]:
    return {} if at is None else {name: nearest(x) for name, x in numbers(found, at).items()}


def nearest(number: Number) -> float | None:
    return number.nearest if isinstance(number, Wide) else number
