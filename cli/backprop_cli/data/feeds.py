"""Columns for the inputs of a program, over numbers or over arrays, and for its results."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from backprop_grammar.language.graph import Array
from backprop_grammar.library import Program
from backprop_grammar.operations.shape import Shape

from .columns import Feed, added, called, varying
from .io import OF_LISTS, part
from .sources import Points

if TYPE_CHECKING:
    from backprop_grammar.batch.evaluator import Evaluator

__all__ = ["feed_of", "results_of"]


def feed_of(
    program: Program,
    at: Mapping[str, Any],
    output: str,
    files: Sequence[Points],
    renamed: Mapping[str, str] = MappingProxyType({}),
) -> Feed:
    """Which inputs are columns of files. renamed: columns that have other names.

    Raises BackpropError as ``varying`` does.
    """
    arrays = means_arrays(program) or any(isinstance(value, Array) for value in at.values())
    if not arrays:
        one, first = files[0], called(files[0], renamed)
        there = [first[name] for name in program.needed(output) if name in first]
        arrays = any(one.columns.get(column, "").startswith(OF_LISTS) for column in there)
    if not arrays:
        return Feed(varying(program, dict(at), output, files, renamed))
    from .arrays import feeding  # which numbers do not need

    return feeding(program, at, output, files, renamed)


def means_arrays(program: Program) -> bool:
    """Whether arrays are written in a program, or it reduces one operand: sum(x^2)."""
    graph = program.record
    pairs = zip(graph.operations, graph.operands, strict=True)
    return graph.arrays or any(row.variadic and len(operands) == 1 for row, operands in pairs)


def differentiated(feed: Feed, wrt: Sequence[str]) -> Sequence[str]:
    """What the output is differentiated by; empty for all columns. wrt: what --wrt names.

    Raises BackpropError where that is a label.
    """
    columns = {part(column, 0): column for column in feed.labels}
    labels = [name for name in feed.shapes if feed.columns.get(f"{name}[0]") in columns]
    for name in wrt:
        if name.partition("[")[0] in labels:
            from backprop_grammar.arrays.shapes import selects  # which numbers do not need

            raise selects(name)
    return wrt or [name for name in feed.shapes if name not in labels]


def results_of(
    kernel: "Evaluator", columns: str, reduced: bool, feed: Feed, lists: bool
) -> tuple[dict[str, str], dict[str, Shape]]:
    """The results that become columns, see ``added``; and of columns of lists the shapes in them.

    lists: whether the output can have such columns.
    """
    if not feed.shapes:
        return added(kernel.labels, columns, reduced), {}
    from .arrays import added as added_of_arrays  # which numbers do not need

    return added_of_arrays(kernel, columns, reduced, feed, lists)  # type: ignore[arg-type]  # which it is then
