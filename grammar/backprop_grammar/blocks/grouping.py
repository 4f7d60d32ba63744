"""Which nodes are shown as one: blocks opened to their parts, and parts folded into blocks.

The passes know only nodes, so granularity is a change of the tape before them that keeps every
number: a built-in becomes its definition, or nodes that belong together are put side by side and
called a block.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from ..errors import BackpropError, shorten, suggestion
from ..language.graph import Block, Condition, Function, Graph
from ..operations.row import Operation
from ..operations.table import ALIASES, FUNCTIONS, IDENTITY
from .definitions import defined, definition
from .matching import WIDEST, Match, Search, matches
from .names import Names

__all__ = ["shaped"]

ALL = "all"


class Choice:
    """The names of what to expand or to fold: of functions, of single nodes, or `all`."""

    def __init__(self, graph: Graph, names: Sequence[str], option: str) -> None:
        """Raises BackpropError for a name that the program does not have."""
        self.graph, self.option = graph, option
        self.everything = ALL in names
        self.functions: set[str] = set()
        self.nodes: set[int] = set()
        for name in names:
            row = self.row(name)
            soft = name not in FUNCTIONS or (row is not None and row.soft)
            if name in graph.functions:
                self.functions.add(name)
            elif row is not None and not (soft and name in graph.names.values()):
                self.functions.add(row.name)
                if not self.made_of(row):
                    raise self.primitive(name)
            elif name != ALL:
                try:
                    self.nodes.add(Names(graph).find(name))
                except BackpropError as error:
                    known = [*graph.functions, *self.known()]
                    hint = suggestion(name, known, error.hint)
                    message = f"there is no function and no node called {shorten(name)}"
                    raise BackpropError("name", message, hint=hint) from None

    def row(self, name: str) -> Operation | None:
        """The function of the table of that name."""
        return FUNCTIONS.get(name) or FUNCTIONS.get(ALIASES.get(name, ""))

    def made_of(self, row: Operation) -> str:
        """How a row is written in simpler ones; an empty text for a primitive one."""
        return row.formula

    def known(self) -> list[str]:
        """The names of the rows that are made of simpler ones."""
        return [row.name for row in defined()]

    def takes(self, name: str, node: int = -1) -> bool:
        return self.everything or name in self.functions or node in self.nodes

    def primitive(self, name: str) -> BackpropError:
        return BackpropError(
            "name",
            f"{name} has no parts to {self.option}: it is a primitive operation",
            hint=f"blocks are {', '.join(self.known())} and functions of the program",
        )

    def none_here(self, name: str) -> BackpropError:
        """The error for a function that does not occur."""
        message = f"the program has no {shorten(name)} to {self.option}"
        row = None if name in self.graph.functions else self.row(name)
        if row and self.option == "fold":
            text = self.made_of(row)
            more = (
                f", with at most {WIDEST} operands" if row.variadic and text == row.formula else ""
            )
            return BackpropError("name", message, hint=f"it is written {text}{more}")
        return BackpropError(
            "name", message, hint=f"leave it out of {self.option}", reason="absent"
        )


def shaped(
    graph: Graph,
    expand: Sequence[str],
    fold: Sequence[str],
    keep: Sequence[str],
    kinks: Callable[[Graph], set[int]],
) -> tuple[Graph, list[int]]:
    """A graph with blocks opened, then others folded; and which nodes stay closed at a kink.

    keep: names of stages that must stay visible. kinks: the nodes of a graph that stand at one;
    asked only where a block has kinks, since its parts may share a gradient in another way.

    Raises BackpropError for names that are not in the program.
    """
    graph = replace(graph, blocks=dict(graph.blocks))
    unopened: list[int] = []
    if expand:
        choice = Choice(graph, expand, "expand")
        nodes = to_expand(graph, choice)
        if any(row.kinks for k in nodes if (row := graph.operations[k])):
            unopened = sorted(nodes & kinks(graph))
        graph, moved = expanded(graph, nodes - {*unopened}, choice)
        unopened = [moved[k] for k in unopened]
    if fold:
        visible = {node for name in keep if (node := graph.node(name)) is not None}
        graph, moved = folded(graph, Choice(graph, fold, "fold"), {*visible, graph.output})
        unopened = [moved[k] for k in unopened]
    return graph, unopened


# Expanding


def to_expand(graph: Graph, choice: Choice) -> set[int]:
    """The nodes that are built-ins to be replaced by their definitions, blocks opened first.

    Raises BackpropError when a function that was named does not occur.
    """
    present: set[str] = set()
    for node, block in graph.blocks.items():
        if choice.takes(block.name, node):
            present.add(block.name)
            graph.blocks[node] = block._replace(open=True)
    hidden = inside_closed(graph)
    nodes = set()
    behind: dict[str, int] = {}
    for node, operation in enumerate(graph.operations):
        if operation.leaf or not operation.formula or not choice.takes(operation.name, node):
            continue
        if hidden[node]:
            behind.setdefault(operation.name, node)
            continue
        present.add(operation.name)
        nodes.add(node)
    inside = nested(nodes, graph, choice)
    for name in choice.functions - present - inside:
        if name in behind:
            raise stands_inside(name, block_around(graph, behind[name]))
        raise choice.none_here(name)
    for node in choice.nodes - nodes - graph.blocks.keys():
        operation = graph.operations[node]
        raise choice.primitive(graph.names.get(node, "it") if operation.leaf else operation.name)
    return nodes


def inside_closed(graph: Graph) -> list[bool]:
    """For every node, whether it belongs to a block that is shown as one node."""
    closed = Names(graph).hidden
    for node, block in graph.blocks.items():
        closed[node] = closed[node] or not block.open
    return closed


def block_around(graph: Graph, node: int) -> str:
    """The name of the closed block that hides a node."""
    return next(
        block.name
        for result, block in sorted(graph.blocks.items())
        if block.first <= node <= result and not block.open
    )


def stands_inside(name: str, around: str) -> BackpropError:
    """The error for an operation that only a closed block has."""
    return BackpropError(
        "name", f"{name} stands inside {shorten(around)}, which is one node",
        hint=f"expand {around} too", meant=f"{around},{name}", reason="inside",
    )  # fmt: skip


def nested(nodes: Iterable[int], graph: Graph, choice: Choice) -> set[str]:
    """The operations inside the definitions of some nodes."""
    names: set[str] = set()
    pending = [graph.operations[node] for node in nodes]
    while pending:
        operation = pending.pop()
        function = definition(operation, 2)
        if function is None:
            continue
        for inner in function.body.operations:
            if inner.formula and choice.takes(inner.name) and inner.name not in names:
                names.add(inner.name)
                pending.append(inner)
    return names


def expanded(graph: Graph, nodes: set[int], choice: Choice) -> tuple[Graph, list[int]]:
    """The graph with those nodes as their definitions; where each node went."""
    deeper = frozenset(row.name for row in defined() if choice.takes(row.name))
    functions: dict[int, Function] = {}
    for node in nodes:
        operation = graph.operations[node]
        function = definition(operation, len(graph.operands[node]), deeper)
        assert function is not None
        functions[node] = function
    return rebuilt(
        graph, range(len(graph)), functions, dict.fromkeys(nodes & graph.blocks.keys(), False)
    )


def rebuilt(
    graph: Graph,
    order: Iterable[int],
    functions: dict[int, Function],
    doubled: Mapping[int, bool],
) -> tuple[Graph, list[int]]:
    """A copy of a tape in another order; where each node went.

    functions: nodes that become calls, shown as their parts. doubled: results of blocks that
    are about to be the results of another block too, so there are two nodes of each, the last one
    for the outer block; and whether that is the other one.
    """
    tape = Graph(
        source=graph.source,
        variables={},
        inputs=dict(graph.inputs),
        functions=graph.functions,
        shadowed=graph.shadowed,
        conditions=list(graph.conditions),
        declared=graph.declared,
        array_inputs=graph.array_inputs,
        remarks=graph.remarks,
    )
    moved = [-1] * len(graph)
    begin = [0] * len(graph)
    for node in order:
        begin[node] = len(tape)
        operands = tuple([moved[k] for k in graph.operands[node]])
        span, region = graph.spans[node], graph.regions[node]
        if node in functions:
            place = tape.inline(functions[node], operands, span, region, opened=True)
        else:
            place = tape.add(graph.operations[node], operands, span, region)
        if node in graph.constants:
            tape.constants[place] = graph.constants[node]
        if node in graph.condition_of:
            tape.condition_of[place] = graph.condition_of[node]
        if node in graph.written:
            if node in functions:
                block = tape.blocks[place]
                tape.blocks[place] = block._replace(written=graph.written[node])
            else:
                tape.written[place] = graph.written[node]
        if node in doubled:
            place = tape.add(IDENTITY, (place,), span, region)
        moved[node] = place
    tape.variables = {name: moved[node] for name, node in graph.variables.items()}
    tape.names = {moved[node]: name for node, name in graph.names.items()}
    tape.stages = [(name, moved[node]) for name, node in graph.stages]
    for k, test in enumerate(graph.conditions):
        tape.conditions[k] = Condition(
            moved[test.left], moved[test.right], test.comparison, test.region
        )
    for node, block in graph.blocks.items():
        operands = tuple([moved[k] for k in block.operands])
        first = min(begin[block.first : node + 1])
        result = moved[node] - doubled.get(node, False)
        tape.blocks[result] = block._replace(operands=operands, first=first)
    return tape, moved


# Folding


def folded(
    graph: Graph, choice: Choice, keep: set[int], search: Search | None = None
) -> tuple[Graph, list[int]]:
    """The graph with blocks where it spells them out; where each node went.

    keep: nodes that must stay visible. search: for what the graph spells out. Raises BackpropError
    when there is nothing of a name.
    """
    present: set[str] = set()
    for node, block in graph.blocks.items():
        if block.open and choice.takes(block.name, node):
            graph.blocks[node] = block._replace(open=False)
        if not graph.blocks[node].open:
            present.add(block.name)
    closed = inside_closed(graph)
    search = search or Search(graph)
    users: list[list[int]] = [[] for _ in graph.operations]
    for node, operands in enumerate(graph.operands):
        for k in set(operands):
            users[k].append(node)
    groups: dict[int, Match] = {}
    for node in sorted(choice.nodes, reverse=True):
        group = needed_only_by(graph, node, users, keep)
        first = graph.blocks[node].first if node in graph.blocks else node + 1
        if group.inner[0] < first:  # else its own block is all of it
            groups[node] = group
    taken = {k for group in groups.values() for k in group.inner}
    if choice.everything or choice.functions:
        within = enclosing(graph)
        own = [function for function in graph.functions.values() if choice.takes(function.name)]
        for node, here in sorted(matches(search, closed, own).items(), reverse=True):
            for match in sorted(here, key=lambda match: -len(match.inner)):
                row = match.function.row
                # Every addition is a sum, so `all` does not mean those.
                by_all = choice.everything and not (row and row.adds)
                if not by_all and match.name not in choice.functions:
                    continue
                inner = set(match.inner)
                apart = all(set(users[k]) <= inner and k not in keep for k in inner - {node})
                if apart and not inner & taken and len({within[k] for k in inner}) == 1:
                    groups[node] = match
                    taken |= inner
                    present.add(match.name)
                    break
    rows = zip(graph.operations, closed, strict=True)
    present |= {row.name for row, shut in rows if not (row.leaf or shut)}
    for name in choice.functions - present:
        raise choice.none_here(name)
    return put_together(graph, groups)


def enclosing(graph: Graph) -> list[int]:
    """For every node, the result of the innermost block that it stands in; -1 for none."""
    within = [-1] * len(graph)
    for node in sorted(graph.blocks, reverse=True):  # inner blocks come later and overwrite
        first = graph.blocks[node].first
        within[first : node + 1] = [node] * (node + 1 - first)
    return within


def needed_only_by(graph: Graph, node: int, users: list[list[int]], keep: set[int]) -> Match:
    """Everything that only one node needs, but for the variables. Raises where that is nothing."""
    inner = {node}
    for k in range(node - 1, -1, -1):
        variable = graph.operations[k].leaf and k not in graph.constants
        if users[k] and not variable and k not in keep and inner.issuperset(users[k]):
            inner.add(k)
    if all(graph.operations[k].leaf for k in inner - {node}) or graph.operations[node].leaf:
        name = Names(graph).near(node)
        raise BackpropError(
            "name",
            f"there is nothing to fold into {shorten(name)}",
            hint="what it is computed from is used elsewhere, or is a variable",
        )
    operands = {k for i in inner for k in graph.operands[i]} - inner
    function = extracted(graph, sorted(inner), sorted(operands))
    return Match(tuple(sorted(operands)), tuple(sorted(inner)), function)


def extracted(graph: Graph, inner: Sequence[int], operands: Sequence[int]) -> Function:
    """Some nodes as a function of others; without its conditions when they hold an `if`."""
    body = Graph()
    moved = {k: body.variable(f"p{i}") for i, k in enumerate(operands)}
    for node in inner:
        parts = tuple([moved[k] for k in graph.operands[node]])
        moved[node] = body.add(graph.operations[node], parts)
        if node in graph.constants:
            body.constants[moved[node]] = graph.constants[node]
        if node in graph.written:
            body.written[moved[node]] = graph.written[node]
    body.stages.append(("", moved[inner[-1]]))
    return Function.of("", tuple(body.variables), body)


def put_together(graph: Graph, groups: dict[int, Match]) -> tuple[Graph, list[int]]:
    """The tape with the nodes of every group side by side, each a block."""
    delayed: dict[int, int] = {}
    for node, match in sorted(groups.items()):  # an outer group holds all of the inner ones
        for k in match.inner:
            if k != node:
                delayed[k] = node
    order: list[int] = []

    def emit(node: int) -> Iterable[int]:
        match = groups.get(node)
        return [*match.inner] if match else [node]

    for node in range(len(graph)):
        if node not in delayed:
            order += emit(node)
    doubled = {  # all that a stage needs is around its own block, a formula is within it
        node: not groups[node].name for node in groups.keys() & graph.blocks.keys()
    }
    tape, moved = rebuilt(graph, order, {}, doubled)
    for node, match in groups.items():
        if node in delayed:
            continue  # hidden in a larger group
        result = moved[node] - (not doubled.get(node, True))
        stage = not match.name
        if all(k not in graph.condition_of for k in match.inner) or not stage:
            function: Function | None = match.function
        else:
            function = None
        name = graph.names.get(node, "") if stage else match.name
        operands = tuple([moved[k] for k in match.operands])
        tape.blocks[result] = Block(
            name,
            operands,
            min(moved[k] for k in match.inner),
            function,
            stage=stage,
            mirrored=match.mirrored,
            written=match.written,
        )
        for k in match.inner:
            if k != node:
                tape.names.pop(moved[k], None)
    return tape, moved
