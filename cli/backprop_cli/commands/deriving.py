"""The work of `backprop derive`: what is asked for, as formulas and, at a point, as numbers.

The insight: a Hessian, a direction and a higher order are all gradients of gradients.
"""

from backprop_grammar.blocks.names import Names
from backprop_grammar.derivatives.derive import MAX_ORDER
from backprop_grammar.derivatives.formulas import Formulas
from backprop_grammar.derivatives.formulas import formulas as derived_formulas
from backprop_grammar.errors import BackpropError, usage
from backprop_grammar.language.graph import Graph

from ..input.request import Request, read_point

__all__ = ["formulas"]


def formulas(
    request: Request, order: int, jvp: str, hvp: str, value: bool
) -> tuple[Formulas, list[str]]:
    """The derivatives that the options ask for, and remarks on their numbers.

    order: of the derivatives. jvp, hvp: a direction such as `x=1,y=0`, or empty. value: whether
    the program computes the output too.

    Raises BackpropError for options that contradict each other, and for a point that has no
    value.
    """
    if not 1 <= order <= MAX_ORDER:
        raise usage(f"--order is 1 to {MAX_ORDER}, not {order}")
    if sum([order > 1, bool(jvp), bool(hvp)]) > 1:
        raise usage("--order, --hessian, --jvp and --hvp are different questions", "ask one of them")  # fmt: skip
    if (jvp or hvp) and request.wrt:
        raise usage("a direction says by which variables", "leave out --wrt")
    graph, given, notes = request.graph()
    if not graph.variables:
        raise BackpropError(
            "name", "the program has no variables, so there is nothing to derive by",
            hint="write a name where the number may change",
        )  # fmt: skip
    views = request.views()
    end = Names(graph).find(views["output"]) if views["output"] else graph.output
    at = complete(graph, given, bool(request.at), graph.needed(end))
    direction = None
    if jvp or hvp:
        direction = direction_of(jvp or hvp, "--jvp" if jvp else "--hvp")
    derived = derived_formulas(
        graph, at, wrt=views["wrt"], output=views["output"], order=order, direction=direction,
        second=bool(hvp), value=value, tested=value,
    )  # fmt: skip
    remarks = [f"note: {note.message}" for note in notes] if at is not None else []
    return derived, [*remarks, *derived.remarks]


def direction_of(text: str, option: str) -> dict[str, float]:
    """The direction in an option such as `--jvp x=1,y=0`."""
    try:
        return read_point([text]).values
    except BackpropError as error:
        hint = f"write {option} x=1,y=0"
        raise BackpropError("usage", error.message, error.span, hint=hint, source=error.source) from None  # fmt: skip


def complete(
    graph: Graph, at: dict[str, float], asked: bool, needed: list[bool]
) -> dict[str, float] | None:
    """The point, if every variable that is needed has a value. Raises where only some were given."""
    missing = [name for name, node in graph.variables.items() if needed[node] and name not in at]
    if not missing:
        return at
    if asked:
        raise BackpropError(
            "binding", f"no value for {', '.join(missing[:8])}", graph.spans[graph.variables[missing[0]]],
            hint="give them all, or leave --at out for the formulas alone", source=graph.source,
        )  # fmt: skip
    return None
