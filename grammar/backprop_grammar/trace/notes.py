"""What there is to say about a run: flags, notes, and the error of an output that overflows.

A number that is not there has a cause, one node of the graph; to find it is to
walk the backward pass the other way.
"""

import math
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from ..blocks.names import Names
from ..errors import BackpropError, few
from ..language.graph import Graph
from ..numbers.ball import Undecided
from ..numbers.decimal import LARGEST_FLOAT, SMALLEST_NORMAL, above, brief, short_number
from ..numbers.wide import UNDEFINED, Number, Wide
from ..operations.table import CONSTANTS, IDENTITY
from ..passes.run import BITS_PER_DIGIT, Run, described
from .index import formula
from .record import Flag, Note, Trace

__all__ = ["beyond", "flags", "notes", "overflow", "spelling"]


def overflow(run: Run) -> BackpropError:
    """The error for an output that no float holds; it names the node where that begins."""
    graph = run.graph

    def overflows(node: int) -> bool:
        ball = run.values[node]
        return ball is not None and abs(ball[0]) > LARGEST_FLOAT

    node = run.output
    while True:
        before = [k for k in graph.operands[node] if overflows(k)]
        if not before:
            break
        node = before[0]
    operation = graph.operations[node]
    ball = run.values[node]
    assert not operation.leaf and ball is not None
    labels = [described(graph, k, run.values[k]) for k in dict.fromkeys(graph.operands[node])]
    return BackpropError(
        "overflow",
        f"{operation.name} overflows: {short_number(ball[0])} is above the largest number, 1.79769e+308",
        graph.spans[node], label=", ".join(label for label in labels if label),
        hint="rescale the inputs, or take the logarithm of the formula", source=graph.source,
        node=node,
    )  # fmt: skip


def flags(
    run: Run,
    names: Names,
    labels: Sequence[str],
    sources: Sequence[int],
    gradients: dict[str, Number],
) -> list[Flag]:
    """A flag for every requested gradient that does not exist or that no float holds."""
    found: list[Flag] = []
    missing = [
        (label, node, value)
        for label, node in zip(labels, sources, strict=True)
        if isinstance(value := gradients[label], Wide) and value.nearest is None
    ]
    lost = unfinished(run) if missing else {}
    for label, node, value in missing:
        origin, slope = cause(lost, node)
        name = names.near(origin)
        operation = run.graph.operations[origin]
        what = "the output" if operation.leaf else operation.name
        path = f"gradients.{label}"
        if value.exists:
            found.append(beyond(path, f"the gradient of {label}", value, name))
        elif value == UNDEFINED:
            message = (
                f"the gradient of {label} does not exist: {why(run.graph, names, origin, slope)}"
            )
            found.append(Flag(path, "undefined", "", name, message))
        else:
            sign = sign_of(value)
            message = f"the gradient of {label} is {sign}infinite: the slope of {what} is infinite at {name}"  # fmt: skip
            found.append(Flag(path, "infinite", sign, name, message))
    return found


def beyond(path: str, subject: str, value: Wide, node: str) -> Flag:
    """The flag on a number that no float holds."""
    message = f"{subject} is {brief(value)}, beyond the largest number, 1.79769e+308"
    return Flag(path, "overflow", sign_of(value), node, message)


def sign_of(number: Wide) -> str:
    return "-" if number.sign < 0 else "+"


def why(graph: Graph, names: Names, node: int, slope: Any) -> str:
    """Why the local gradient of a node is not a number, in words.

    slope: that local gradient, as a plain number.
    """
    operation = graph.operations[node]
    name = names.near(node)
    if operation.leaf:
        return "infinite contributions cancel"
    if operation.jump:
        return f"{operation.jump} ({name})"
    infinite = slope == slope
    if operation.no_slope and not (infinite and len(operation.operands) > 1):
        return operation.no_slope.format(at=name)
    what = operation.signature if operation.symbol else operation.name
    return f"the infinite slope of {what} at {name} meets a slope of 0 or its opposite"


Sent = dict[int, list[tuple[int, Any, Any]]]


def unfinished(run: Run) -> Sent:
    """The contributions that are not finite: operand -> (node, local gradient, contribution)."""
    found: Sent = {}
    for giver in range(run.output, -1, -1):
        upstream = run.gradients.get(giver)
        for operand, local in slopes(run, giver):
            if upstream is None or local is None:
                continue
            try:
                contribution = run.arithmetic.times(upstream, local)
            except Undecided:  # too small for a float, so it is finite
                continue
            if not abs(contribution[0]) <= LARGEST_FLOAT:
                found.setdefault(operand, []).append((giver, local, contribution))
    return found


def slopes(run: Run, node: int) -> list[tuple[int, Any]]:
    """The operands that a node sends something to, each with the local gradient; None where it
    selects another. Nothing where nothing arrives at the node.
    """
    if run.gradients.get(node) is None:
        return []
    return [
        (operand, run.local(node, place))
        for place, operand in enumerate(run.graph.operands[node])
        if run.wanted[operand] and run.values[operand] is not None
    ]


def cause(sent: Sent, node: int) -> tuple[int, Any]:
    """The node whose own local gradient is the reason that a gradient is not finite, and that."""
    slope: Any = 0.0
    while node in sent:
        # An undefined contribution explains more than an infinite one.
        node, local, _ = max(sent[node], key=lambda one: one[2][0] != one[2][0])
        slope = local[0]
        if not abs(slope) <= LARGEST_FLOAT:
            break
    return node, slope


def spelling(program: Graph) -> list[Note]:
    """The remarks on how a program was typed."""
    return [Note("spelling", "", said) for said in program.remarks.values()]


def notes(run: Run, trace: Trace) -> list[Note]:
    """The remarks on a right answer, kinks in the order of evaluation."""
    graph, names = run.graph, trace.names
    found = spelling(trace.program)
    found += [
        Note("shadowed", name, f"{name} is your own here, not the constant {CONSTANTS[name]:.5g}")
        for name in graph.shadowed
    ]
    unused = [name for name, node in graph.stages if not run.needed[node]]
    if graph.operations[run.output].leaf:
        unused = [*graph.functions, *unused]
    if unused and run.output == graph.output:
        found.append(Note("unused", unused[0], f"the output does not use {few(unused, 8)}"))
    for node in sorted(run.kinks):
        if run.kinks[node] == "boundary" and not any(
            run.wanted[k] for k in graph.operands[node][:2]
        ):
            continue
        if run.kinks[node] != "boundary" and all(slope is None for _, slope in slopes(run, node)):
            continue
        found.append(met_note(run, names, node))
    results = [("value of", trace.output_name, trace.value)]
    results += [("gradient of", name, size) for name, size in trace.gradients.items()]
    for what, label, size in results:
        near = size.nearest if isinstance(size, Wide) and size.exists and size.text != "0" else None
        if isinstance(size, Wide) and near is not None and abs(near) < SMALLEST_NORMAL:
            found.append(Note("underflow", label, underflow_text(f"{what} {label}", size)))
    zeros = zero_notes(run, trace)
    found.extend(zeros or precision_note(run, trace))
    return found


def met_note(run: Run, names: Names, node: int) -> Note:
    """The note on what the backward pass met at a node."""
    graph, name, kind = run.graph, names.near(node), run.kinks[node]
    operation = graph.operations[node]
    if kind == "tie":
        ties = [(k, slope) for k, slope in slopes(run, node) if slope is not None]
        shares = Counter(names.of.get(k, "an operand") for k, _ in ties)
        of = round(float(1 / ties[0][1][0]))  # with those that are not differentiated
        if len(shares) == 1:
            share = f"{next(iter(shares))} gets its share of the gradient"
        elif len(set(shares.values())) == 1:
            share = f"{' and '.join(shares)} share the gradient equally"
        else:
            each = [f"{name} gets {Fraction(places, of)}" for name, places in shares.items()]
            share = f"{' and '.join(each)} of the gradient"
        return Note("tie", name, f"{operation.name} has a kink here: its operands tie at {name}, and {share}")  # fmt: skip
    if kind == "boundary":
        return Note("boundary", name, f"the point stands exactly on the boundary of the condition of {name}; the gradient is that of the branch it selects")  # fmt: skip
    if kind == "cut":
        step = f" by {operation.cut_step}" if operation.cut_step else ""
        return Note("branch cut", name, f"{operation.name} has its branch cut here ({name}): the value jumps{step} across it, the gradient is the same on both sides")  # fmt: skip
    if kind == "jump":
        return Note("kink", name, f"{operation.jump} ({name})")
    return Note("kink", name, f"{operation.name} has a kink here ({name}); {operation.at_kink}")


MOST_PLACES = 6
"""Elements that are named of many."""


def zero_notes(run: Run, trace: Trace) -> list[Note]:
    """What is shown as 0 because it cannot be told from 0: the first of these, with its bound."""
    if run.bits <= 53:
        return []
    shown = [
        (f"the value of {node.name}", node.name, run.values[node.index]) for node in trace.nodes
    ]
    for node in trace.nodes:
        again = node.row is IDENTITY and node.name == trace.names.of.get(node.operands[0])
        what = "a contribution to" if again else "the gradient of"  # one use of an element
        shown.append((f"{what} {node.name}", node.name, run.gradients.get(node.index)))
    if not trace.nodes:
        output = trace.output_name
        shown = [(f"the value of {output}", output, run.values[run.output])]
        slopes = zip(run.target.labels, map(run.gradients.get, run.target.sources), strict=True)
        shown += [(f"the gradient of {name}", name, ball) for name, ball in slopes]
    doubtful: dict[str, tuple[str, float]] = {}
    for what, name, ball in shown:
        part = " " in name  # of an element of an array, and itself not shown
        if ball is not None and ball[1] and abs(ball[0]) <= ball[1] and not part:
            doubtful.setdefault(name, (what, abs(ball[0]) + ball[1]))
    if not doubtful:
        return []
    name, *others = doubtful
    what, bound = doubtful[name]
    digits = int(run.bits / BITS_PER_DIGIT)
    message = f"{what} cannot be told from 0 with {digits:,} digits: it is below {above(bound)} in size, and shown as 0"
    elements = [other for other in others if other.endswith("]")]
    if elements:
        message += f"; likewise at {few(elements, MOST_PLACES)}"
    return [Note("precision", name, message)]


def precision_note(run: Run, trace: Trace) -> list[Note]:
    """What binary64 alone would have got wrong, if anything."""
    names = trace.names
    digits = int(run.bits / BITS_PER_DIGIT)
    beyond = run.reason in ("overflow", "underflow")
    for node in trace.nodes:
        value = node.value
        if beyond and isinstance(value, Wide) and value.nearest is None and value.exists:
            side = "above the largest" if value.exponent > 0 else "below the smallest"
            ball = run.values[node.index]
            assert ball is not None
            message = f"{node.name} = {formula(trace, node)} is {short_number(ball[0])}, {side} number of binary64; computed with wider numbers"  # fmt: skip
            return [Note("precision", node.name, message)]
    if run.reason == "lost" and run.lost > 2.0**-27 and run.reason_node >= 0:
        name = names.near(run.reason_node)
        kept = 0 if run.lost >= 1 else int(-math.log10(run.lost))
        message = f"binary64 alone would keep {kept} of 16 digits at {name}; computed with {digits} digits"  # fmt: skip
        return [Note("precision", name, message)]
    return []


def underflow_text(what: str, size: Wide) -> str:
    if size.nearest == 0:
        return f"underflow: the {what} is {brief(size)}, which rounds to 0"
    return f"underflow: the {what} is {brief(size)}; a float keeps fewer digits of it"
