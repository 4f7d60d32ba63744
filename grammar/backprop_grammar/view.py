"""A finished run to a trace: names, formulas, numbers, notes and flags.

The insight: what a block hides is decided here and nowhere else. The passes know
only primitive nodes; a block is a way to look at some of them.
"""

import math
from collections.abc import Sequence
from typing import Any

from .arithmetic import Ball
from .errors import BackpropError, nearest, shorten
from .evaluate import BITS_PER_DIGIT, Run, described, outermost
from .graph import Graph
from .notation import Text, atom, block_rule, expression_text, formula, program_text, rule_text
from .operations import CONSTANTS, Role
from .trace import Edge, Flag, Node, Note, Number, Trace, Wide

__all__ = ["Names", "exact_float", "number", "short_number", "trace"]

LONG_PROGRAM = 2_000
"""Characters up to which a program is printed back; longer ones are shown as they were typed."""
LARGEST_FLOAT = 1.7976931348623157e308
SMALLEST_NORMAL = 2.0**-1022


class Names:
    """The visible nodes of a graph and what they are called."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.blocks = outermost(graph)
        hidden = [False] * len(graph)
        for node, block in self.blocks.items():
            for inner in range(block.first, node):
                hidden[inner] = True
        self.hidden = hidden
        self.of: dict[int, str] = {}
        taken = {*graph.names.values(), *graph.functions, *CONSTANTS}
        count = 0
        for node, operation in enumerate(graph.operations):
            if hidden[node]:
                continue
            if node in graph.names:
                self.of[node] = graph.names[node]
            elif node in graph.constants:
                self.of[node] = atom(graph.constants[node]).text
            elif operation is not None:
                count += 1
                while f"n{count}" in taken:
                    count += 1
                self.of[node] = f"n{count}"

    def find(self, name: str) -> int:
        """The node of that name. Raises BackpropError with the nearest name."""
        node = self.graph.node(name)
        if node is None:
            named = {
                text: node for node, text in self.of.items() if node not in self.graph.constants
            }
            node = named.get(name)
            if node is None:
                meant = nearest(name, list(named))
                shown = ", ".join(map(shorten, list(named)[:12])) + (", ..." if len(named) > 12 else "")
                raise BackpropError(
                    "name", f"there is no node called {shorten(name)}",
                    hint=f"did you mean {shorten(meant)}?" if meant else f"the nodes are {shown}",
                )  # fmt: skip
        return node

    def text(self, node: int) -> Text:
        """The node's name, or its number, as text."""
        if node in self.graph.constants:
            return atom(self.graph.constants[node])
        return Text(self.of[node])


# Numbers


def exact_float(value: Any) -> float:
    """The float nearest to an mpmath number, subnormals rounded once; inf on overflow."""
    sign, mantissa, exponent, bits = value._mpf_
    mantissa = int(mantissa)
    if mantissa == 0:
        return 0.0
    if exponent + bits < -1080:
        return 0.0
    if exponent + bits > 1100:
        result = float("inf")
    else:
        try:  # the division of whole numbers is rounded once, subnormals included
            result = float(mantissa << exponent) if exponent >= 0 else mantissa / (1 << -exponent)
        except OverflowError:
            result = float("inf")
    return -result if sign else result


def digits_text(value: Any, digits: int) -> str:
    """A wide number as decimal text with that many significant digits."""
    import mpmath

    text: str = mpmath.nstr(value, digits, min_fixed=-5, max_fixed=16, strip_zeros=True)
    return text.removesuffix(".0").replace(".0e", "e")


def number(run: Run, ball: Ball, precision: int | None, inner: bool = True) -> Number:
    """A ball as a number of the trace.

    inner: of a node, whose number is null where binary64 can't hold it; a requested result
    is rounded to 0 where it is too small.
    """
    value = ball[0]
    if run.arithmetic.module is None:
        return float(value) + 0.0
    if value != value:
        return Wide("undefined")
    if abs(value) == float("inf"):
        return Wide("infinite" if value > 0 else "-infinite")
    near = exact_float(value)
    if near == 0 and ball[1] > abs(value) * 2.0**-20:
        return 0.0  # whatever it is, the nearest float is 0
    digits = precision or 17
    if abs(near) > LARGEST_FLOAT:
        return Wide(digits_text(value, digits))
    if value != 0 and abs(near) < SMALLEST_NORMAL:
        return Wide(digits_text(value, digits), None if near == 0 and inner else near)
    if precision:
        return Wide(digits_text(value, precision), near)
    return near


def short_number(value: Any) -> str:
    """A number for a message: 6 significant digits."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return digits_text(value, 6)


# The trace


def trace(
    run: Run,
    names: Names,
    at: dict[str, float],
    wrt: Sequence[str],
    sources: Sequence[int],
    precision: int | None,
    nodes: bool,
) -> Trace:
    """The trace of a run; nodes: whether it lists them."""
    with run.arithmetic.context():
        return Builder(run, names, precision).build(at, wrt, sources, nodes)


class Builder:
    """Turns the nodes of a run into the nodes of a trace."""

    def __init__(self, run: Run, names: Names, precision: int | None) -> None:
        self.run = run
        self.graph = run.graph
        self.names = names
        self.precision = precision

    def number(self, ball: Ball, inner: bool = True) -> Number:
        return number(self.run, ball, self.precision, inner)

    def gradient(self, node: int) -> Ball:
        zero = self.run.arithmetic.number(0.0)
        return self.run.gradients.get(node, (zero, zero))

    def build(
        self, at: dict[str, float], wrt: Sequence[str], sources: Sequence[int], nodes: bool
    ) -> Trace:
        run, graph, names = self.run, self.graph, self.names
        output = run.forward.values[run.output]
        if output is None:
            raise not_evaluated(graph, run.output)
        value = self.number(output, inner=False)
        if isinstance(value, Wide) and value.nearest is None:
            raise self.overflow(run.output)
        requested = {run.output, *sources}
        labels = list(wrt) or list(graph.variables)
        gradients = {
            label: self.number(self.gradient(node), inner=False)
            for label, node in zip(labels, sources, strict=True)
        }
        shown: list[Node] = []
        constants: set[str] = set()
        for node, name in names.of.items() if nodes else ():
            ball = run.forward.values[node]
            if ball is None or not (run.needed[node] or (node in graph.names and name in at)):
                continue
            if node in graph.constants:
                if name in constants:
                    continue
                constants.add(name)
            shown.append(self.node(node, name, ball, node in requested))
        text = graph.source.text
        return Trace(
            program=text,
            formula=program_text(graph) if len(text) <= LONG_PROGRAM else text,
            at={name: at[name] + 0.0 for name in graph.variables if name in at},
            output=names.of[run.output],
            value=value,
            upstream=run.upstream,
            gradients=gradients,
            nodes=tuple(shown),
            notes=tuple(self.notes(value, gradients, shown)),
            flags=tuple(self.flags(labels, sources, gradients)),
            precision=self.precision,
            last=run.output == graph.output,
        )

    def node(self, node: int, name: str, ball: Ball, requested: bool) -> Node:
        run, graph = self.run, self.graph
        operation = graph.operations[node]
        wanted = run.wanted[node]
        value = self.number(ball, inner=not requested)
        gradient = self.number(self.gradient(node), inner=not requested) if wanted else None
        named = node in graph.names
        if operation is None:
            kind = "constant" if node in graph.constants else "variable"
            return Node(name, kind, "", name, (), value, gradient, named=named, span=graph.spans[node])  # fmt: skip
        block = self.names.blocks.get(node)
        if block is not None:
            operands = tuple(self.names.text(k).text for k in block.operands)
            return Node(
                name, "block", block.function, f"{block.function}({', '.join(operands)})",
                operands, value, gradient, Role.SCALES.noun, Role.SCALES.verb,
                tuple(self.block_edges(node)), named, graph.spans[node],
            )  # fmt: skip
        operands = tuple(
            self.names.text(k).text for k in graph.operands[node] if run.forward.values[k]
        )
        return Node(
            name, "operation", operation.name, formula(graph, node, self.operand_text).text,
            operands, value, gradient, operation.role.noun, operation.role.verb,
            tuple(self.edges(node)), named, graph.spans[node],
        )  # fmt: skip

    def operand_text(self, node: int) -> Text:
        """An operand's name; what an `if` leaves unevaluated has no node, so it is written out."""
        if self.run.forward.values[node] is not None:
            return self.names.text(node)
        written = expression_text(self.graph, node)
        return written if len(written.text) <= 24 else Text("...")

    def edge(self, node: int, operand: int, rule: str, local: Ball | None) -> Edge:
        upstream = self.gradient(node)
        name = self.names.text(operand).text
        if local is None:
            return Edge(name, rule, self.number(upstream), 0.0, 0.0, routed=False)
        contribution = self.run.arithmetic.times(upstream, local)
        return Edge(
            name, rule, self.number(upstream), self.number(local), self.number(contribution)
        )

    def edges(self, node: int) -> list[Edge]:
        run, graph = self.run, self.graph
        operation = graph.operations[node]
        assert operation is not None
        result = []
        for k, operand, local, _ in run.edges.get(node, ()):
            if node in graph.condition_of:
                if k < 2:
                    continue  # the condition passes nothing on
                rule = "0" if local is None else "1"
            elif operation.name in ("max", "min"):
                rule = "0" if local is None else f"1/{round(float(1 / local[0]))}"
                rule = "1" if rule == "1/1" else rule
            else:
                values = [run.forward.values[i][0] for i in graph.operands[node]]  # type: ignore[index]
                texts = [self.names.text(i) for i in graph.operands[node]]
                rule = rule_text(operation, k, texts, self.names.text(node),
                                 () if operation.variadic else values).text  # fmt: skip
            result.append(self.edge(node, operand, rule, local))
        return result

    def block_edges(self, node: int) -> list[Edge]:
        run, graph = self.run, self.graph
        block = graph.blocks[node]
        function = graph.functions[block.function]
        leaves = {
            parameter: self.names.text(operand)
            for parameter, operand in zip(function.parameters, block.operands, strict=True)
        }
        result = []
        for k, operand in enumerate(block.operands):
            if (node, k) not in run.blocks:
                continue
            derived = block_rule(function.body, function.parameters[k], leaves)
            rule = derived.text if derived else f"d{self.names.of[node]}/d{leaves[function.parameters[k]].text}"  # fmt: skip
            result.append(self.edge(node, operand, rule, run.blocks[node, k]))
        return result

    # errors, flags and notes

    def overflow(self, output: int) -> BackpropError:
        """The error for an output that no float holds; it names the node where that begins."""
        run, graph = self.run, self.graph

        def overflows(node: int) -> bool:
            ball = run.forward.values[node]
            return ball is not None and abs(ball[0]) > LARGEST_FLOAT

        node = output
        while True:
            before = [k for k in graph.operands[node] if overflows(k)]
            if not before:
                break
            node = before[0]
        operation = graph.operations[node]
        ball = run.forward.values[node]
        assert operation is not None and ball is not None
        labels = [
            described(graph, k, run.forward.values[k]) for k in dict.fromkeys(graph.operands[node])
        ]
        return BackpropError(
            "overflow",
            f"{operation.name} overflows: {short_number(ball[0])} is above the largest number, 1.79769e+308",
            graph.spans[node], label=", ".join(label for label in labels if label),
            hint="rescale the inputs, or take the logarithm of the formula", source=graph.source,
        )  # fmt: skip

    def flags(
        self, labels: Sequence[str], sources: Sequence[int], gradients: dict[str, Number]
    ) -> list[Flag]:
        """A flag for every requested gradient that does not exist or that no float holds."""
        found = []
        for label, node in zip(labels, sources, strict=True):
            value = gradients[label]
            if not isinstance(value, Wide) or value.nearest is not None:
                continue
            cause = self.cause(node)
            name = self.shown_name(cause)
            operation = self.graph.operations[cause]
            what = operation.name if operation else "the output"
            path = f"gradients.{label}"
            if value.exists:
                message = f"the gradient of {label} is {value.text}, beyond the largest number, 1.79769e+308"  # fmt: skip
                found.append(Flag(path, "overflow", "-" if value.text[0] == "-" else "+", name, message))  # fmt: skip
            elif value.text == "undefined":
                message = f"the gradient of {label} does not exist: {self.why(cause)}"
                found.append(Flag(path, "undefined", "", name, message))
            else:
                sign = "-" if value.text[0] == "-" else "+"
                message = f"the gradient of {label} is {sign}infinite: the slope of {what} is infinite at {name}"  # fmt: skip
                found.append(Flag(path, "infinite", sign, name, message))
        return found

    def why(self, node: int) -> str:
        """Why the local gradient of a node is not a number, in words."""
        operation = self.graph.operations[node]
        name = self.shown_name(node)
        if operation is None:
            return "infinite contributions cancel"
        if operation.jump:
            return f"{operation.jump} ({name})"
        if operation.name == "pow":
            return f"x^y has no slope in y at {name}, where the base is not positive"
        if operation.name == "atan2":
            return f"atan2 has no slope at the origin ({name})"
        if operation.name == "sqrt":
            return f"the infinite slope of sqrt at 0 ({name}) meets a slope of 0; for lengths use abs(x) or hypot(x, y)"  # fmt: skip
        return (
            f"the infinite slope of {operation.name} at {name} meets a slope of 0 or its opposite"
        )

    def cause(self, node: int) -> int:
        """The node whose own local gradient is the reason that a gradient is not finite."""
        run = self.run
        sent_to: dict[int, list[tuple[int, Any, Any]]] = {}
        for giver, sent in run.edges.items():
            for _, operand, local, contribution in sent:
                if contribution is not None and not abs(contribution[0]) <= LARGEST_FLOAT:
                    sent_to.setdefault(operand, []).append((giver, local, contribution))
        while node in sent_to:
            # An undefined contribution explains more than an infinite one.
            giver, local, _ = max(sent_to[node], key=lambda sent: sent[2][0] != sent[2][0])
            node = giver
            if not abs(local[0]) <= LARGEST_FLOAT:
                break
        return node

    def shown_name(self, node: int) -> str:
        """The name of a node, or of the block that hides it."""
        while node not in self.names.of:
            node += 1
        return self.names.of[node]

    def notes(self, value: Number, gradients: dict[str, Number], shown: list[Node]) -> list[Note]:
        run, graph = self.run, self.graph
        found = [
            Note("shadowed", name, f"{name} is your own here, not the constant {CONSTANTS[name]:.5g}")
            for name in graph.shadowed
        ]
        for node in sorted(run.met):
            if run.met[node] == "boundary" and not any(
                run.wanted[k] for k in graph.operands[node][:2]
            ):
                continue
            sent = run.edges.get(node, [])
            if run.met[node] != "boundary" and all(slope is None for _, _, slope, _ in sent):
                continue
            found.append(self.met_note(node, run.met[node]))
        results: list[tuple[str, Number]] = [(self.names.of[run.output], value)]
        results += [(f"gradient of {name}", size) for name, size in gradients.items()]
        for label, size in results:
            near = size.nearest if isinstance(size, Wide) and size.exists else None
            if isinstance(size, Wide) and near is not None and abs(near) < SMALLEST_NORMAL:
                found.append(Note("underflow", label.split()[-1], underflow_text(label, size)))
        found.extend(self.precision_note(shown))
        return found

    def met_note(self, node: int, kind: str) -> Note:
        graph, name = self.graph, self.shown_name(node)
        operation = graph.operations[node]
        assert operation is not None
        if kind == "tie":
            ties = [k for i, k in enumerate(graph.operands[node])
                    if any(i == j and c is not None for j, _, _, c in self.run.edges[node])]  # fmt: skip
            tied = " and ".join(dict.fromkeys(self.names.of.get(k, "an operand") for k in ties))
            return Note("tie", name, f"{operation.name} has a kink here: its operands tie at {name}, and {tied} share the gradient equally")  # fmt: skip
        if kind == "boundary":
            return Note("boundary", name, f"the point stands exactly on the boundary of the condition of {name}; the gradient is that of the branch it selects")  # fmt: skip
        if kind == "cut":
            return Note("branch cut", name, f"atan2 has its branch cut here ({name}): the value jumps by 2*pi across it, the gradient is the same on both sides")  # fmt: skip
        if kind == "jump":
            return Note("kink", name, f"{operation.jump} ({name})")
        return Note("kink", name, f"{operation.name} has a kink here ({name}); the subgradient of smallest norm is used")  # fmt: skip

    def precision_note(self, shown: list[Node]) -> list[Note]:
        """What binary64 alone would have got wrong, if anything."""
        run = self.run
        digits = int(run.bits / BITS_PER_DIGIT)
        if run.arithmetic.last:
            name = self.shown_name(max(run.reason_node, 0))
            message = f"{name} comes too close to 0, or to another number, to be told apart with {digits:,} digits; they are taken as equal"  # fmt: skip
            return [Note("precision", name, message)]
        beyond = run.reason in ("overflow", "underflow")
        for node in shown:
            value = node.value
            if beyond and isinstance(value, Wide) and value.nearest is None and value.exists:
                side = "above the largest" if "e+" in value.text else "below the smallest"
                ball = run.forward.values[self.names.find(node.name)]
                assert ball is not None
                message = f"{node.name} = {node.formula} is {short_number(ball[0])}, {side} number of binary64; computed with wider numbers"  # fmt: skip
                return [Note("precision", node.name, message)]
        if run.reason == "lost" and run.lost > 2.0**-27 and run.reason_node >= 0:
            name = self.shown_name(run.reason_node)
            kept = 0 if run.lost >= 1 else int(-math.log10(run.lost))
            message = f"binary64 alone would keep {kept} of 16 digits at {name}; computed with {digits} digits"  # fmt: skip
            return [Note("precision", name, message)]
        return []


def underflow_text(label: str, size: Wide) -> str:
    what = label if label.startswith("gradient") else f"value of {label}"
    if size.nearest == 0:
        return f"underflow: the {what} is {size.text}, which rounds to 0"
    return f"underflow: the {what} is {size.text}; a float keeps fewer digits of it"


def not_evaluated(graph: Graph, node: int) -> BackpropError:
    return BackpropError(
        "domain", "the output stands in a branch that is not selected here", graph.spans[node],
        hint="choose another --output", source=graph.source,
    )  # fmt: skip
