"""Programs grown from the table of operations, each with a point at which most of them have a value.

Growing from the leaves to the output, each node evaluated as it is added, finds programs that mean
something; from the output to the leaves, nearly all end in log(-1). What is grown is a graph of its
own: it writes itself as text and is what `tests.truth` and `tests.libraries` compute, so that
nothing here goes through the code under test.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from mpmath import mp

from tests import oracle, truth

Node = tuple
"""("number", 2.0), ("constant", "pi"), ("variable", "x"), ("parameter", 0),
(operation, operand, ...) by index, ("if<", a, b, x, y), ("call", "f", operand, ...)."""

UNARY = [
    name for name, (_, slopes) in oracle.FUNCTIONS.items()
    if len(slopes) == 1 and name not in oracle.VARIADIC and name[0] != "_" and name != "identity"
]  # fmt: skip
INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "^"}
BINARY = ["hypot", "atan2", "max", "min", "sum", "mean", "logsumexp", "leaky_relu"]
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
LANDMARKS = (
    0.0, 0.0, 1.0, -1.0, 0.5, 2.0, -2.0, 1e-9, -1e-9, 1e16, 40.0, -40.0, 36.7, 709.78, -745.13,
    math.pi / 2, math.pi, 5e-324, 2.0**-1022, 1.7976931348623157e308, 1 + 2.0**-52, 1 - 2.0**-53,
)  # fmt: skip
NUMBERS = (2.0, 3.0, 0.5, 1.0, 10.0, 0.1, -1.0, 1e-9, 1e8, 1e16, 0.0, 700.0, 1e-300)
LEAVES = ("number", "constant", "variable", "parameter")
MOST_TERMS = 12


@dataclass
class Grown:
    """A graph, operands before what uses them, the last node the output; and a point.

    own: bodies of the functions of its own, by name. named: nodes that are stages.
    """

    nodes: list[Node]
    at: dict[str, float] = field(default_factory=dict)
    own: dict[str, "Grown"] = field(default_factory=dict)
    named: dict[int, str] = field(default_factory=dict)

    def text(self) -> str:
        lines = [
            f"{name}({', '.join(f'p{k}' for k in body.parameters())}) = {body.written(len(body.nodes) - 1)}"
            for name, body in self.own.items()
        ]
        lines += [f"{name} = {self.written(node, True)}" for node, name in self.named.items()]
        if len(self.nodes) - 1 not in self.named:
            lines.append(self.written(len(self.nodes) - 1))
        return "; ".join(lines)

    def parameters(self) -> list[int]:
        return [node[1] for node in self.nodes if node[0] == "parameter"]

    def written(self, node: int, definition: bool = False) -> str:
        """A node with every parenthesis; a stage by its name, but where it is defined."""
        kind, *rest = self.nodes[node]
        if node in self.named and not definition:
            return self.named[node]
        if kind == "number":
            return f"({rest[0]!r})" if math.copysign(1, rest[0]) < 0 else repr(rest[0])
        if kind in ("constant", "variable"):
            return rest[0]
        if kind == "parameter":
            return f"p{rest[0]}"
        if kind == "call":
            return f"{rest[0]}({', '.join(map(self.written, rest[1:]))})"
        texts = list(map(self.written, rest))
        if kind in INFIX:
            return f"({texts[0]} {INFIX[kind]} {texts[1]})"
        if kind == "neg":
            return f"(-{texts[0]})"
        if kind.startswith("if"):
            return f"if({texts[0]} {kind[2:]} {texts[1]}, {texts[2]}, {texts[3]})"
        return f"{kind}({', '.join(texts)})"


def operands(node: Node) -> Sequence[int]:
    if node[0] in LEAVES:
        return ()
    return node[2:] if node[0] == "call" else node[1:]


def coordinate(rng: random.Random) -> float:
    """A number of a point: ordinary, a landmark, or badly scaled."""
    kind = rng.random()
    if kind < 0.5:
        return round(rng.uniform(-3, 3), rng.choice((1, 2, 15))) + 0.0
    if kind < 0.65:
        return float(rng.randint(-5, 5))
    if kind < 0.75:
        return rng.choice(LANDMARKS)
    if kind < 0.85:
        return rng.choice((-1, 1)) * 10 ** rng.uniform(-12, 4)
    if kind < 0.95:
        return rng.uniform(-1000, 1000)
    return rng.choice((-1, 1)) * 10 ** rng.uniform(-300, 300)


def operation(rng: random.Random, nodes: list[Node], own: dict[str, Grown]) -> Node:
    """An operation over nodes that are there, the later ones more often."""
    count = len(nodes)

    taken: list[int] = []

    def pick() -> int:
        """A node that is no operand of this one yet, nearly always, and seldom a number."""
        for _ in range(4):
            k = max(rng.randrange(count), rng.randrange(count))
            if rng.random() < 0.1 or not (k in taken or nodes[k][0] in ("number", "constant")):
                break
        taken.append(k)
        return k

    kind = rng.random()
    if kind < 0.36:
        name = rng.choice(("add", "sub", "mul", "div", "add", "sub", "mul", "div", "pow"))
        return name, pick(), pick()
    if kind < 0.42:
        exponent = [k for k, node in enumerate(nodes) if node[0] == "number"]
        return "pow", pick(), rng.choice(exponent) if exponent else pick()
    if kind < 0.78:
        name = rng.choice(UNARY)
        if "gamma" in name and rng.random() < 0.75:  # which take long where digits are lost
            name = rng.choice(UNARY)
        return name, pick()
    if kind < 0.86:
        name = rng.choice(BINARY)
        more = rng.randrange(3) if name in oracle.VARIADIC else 0
        return name, pick(), pick(), *(pick() for _ in range(more))
    if kind < 0.88:
        return "clamp", pick(), pick(), pick()
    if kind < 0.883:
        nodes.append(("number", float(rng.randint(0, 3))))
        return "polygamma", len(nodes) - 1, pick()
    if kind < 0.93 or not own:
        return "if" + rng.choice(COMPARISONS), pick(), pick(), pick(), pick()
    name = rng.choice(list(own))
    return "call", name, *(pick() for _ in own[name].parameters())


def leaf(rng: random.Random) -> Node:
    if rng.random() < 0.12:
        return "constant", rng.choice(("pi", "e", "tau"))
    return "number", rng.choice(NUMBERS)


def function(rng: random.Random, own: dict[str, Grown]) -> Grown:
    """A function of one to three parameters: nothing of it is evaluated before it is called."""
    count = rng.randint(1, 3)
    nodes: list[Node] = [("parameter", k) for k in range(count)] + [leaf(rng)]
    for _ in range(rng.randint(1, 4)):
        nodes.append(operation(rng, nodes, own))
    return Grown(nodes, own=dict(own))


CANCELLING = (
    lambda u, v: ("sub", ("exp", u), 1.0),
    lambda u, v: ("sub", 1.0, ("cos", u)),
    lambda u, v: ("sub", ("sigmoid", u), 0.5),
    lambda u, v: ("sub", ("sqrt", ("add", 1.0, u)), 1.0),
    lambda u, v: ("sub", ("log", ("exp", u)), u),
    lambda u, v: ("sub", ("sin", u), u),
    lambda u, v: ("sub", ("hypot", u, v), ("sqrt", ("add", ("mul", u, u), ("pow", v, 2.0)))),
    lambda u, v: ("sub", ("mul", ("add", u, v), ("sub", u, v)), ("sub", ("pow", u, 2.0), ("mul", v, v))),
    lambda u, v: ("sub", ("add", ("sigmoid", u), ("sigmoid", ("neg", u))), 1.0),
    lambda u, v: ("sub", ("add", ("pow", ("sin", u), 2.0), ("pow", ("cos", u), 2.0)), 1.0),
    lambda u, v: ("sub", ("tanh", u), ("sub", ("mul", 2.0, ("sigmoid", ("mul", 2.0, u))), 1.0)),
    lambda u, v: ("sub", ("add", ("div", u, 3.0), v), ("div", ("add", u, ("mul", 3.0, v)), 3.0)),
    lambda u, v: ("sub", ("logsumexp", u, v), v),
)  # fmt: skip
"""What is 0, or next to it, after nearly all its digits have cancelled: as nested nodes."""

COMBINED = (
    lambda a, b, z: ("mul", a, b),
    lambda a, b, z: ("add", z, ("mul", 1e36, ("mul", a, b))),
    lambda a, b, z: ("add", z, ("mul", 1e60, ("pow", a, 3.0))),
    lambda a, b, z: ("div", a, b),
    lambda a, b, z: ("div", ("pow", z, 4.0), ("mul", a, a)),
    lambda a, b, z: ("div", 1.0, ("hypot", a, b)),
    lambda a, b, z: ("log", ("mul", a, a)),
    lambda a, b, z: ("sqrt", ("mul", a, a)),
    lambda a, b, z: ("max", ("mul", a, z), ("mul", b, z)),
    lambda a, b, z: ("add", ("mul", a, z), ("pow", b, 2.0)),
    lambda a, b, z: ("relu", ("mul", a, b)),
    lambda a, b, z: ("add", ("tan", a), ("cosh", b)),
    lambda a, b, z: ("atan2", a, b),
)
"""What is made of two of these and a variable."""


def cancelling(seed: int | str) -> Grown:
    """A program that loses its digits on purpose, and its point."""
    rng = random.Random(f"{seed}:cancelling")
    names = ("x", "y", "z")
    at = {name: rng.choice((-1, 1, 1)) * 10 ** rng.choice((0.0, rng.uniform(-2, 1), rng.uniform(-40, 0))) for name in names}  # fmt: skip
    nodes: list[Node] = [("variable", name) for name in names]

    def append(tree: object) -> int:
        if isinstance(tree, int):
            return tree
        nodes.append(("number", tree) if isinstance(tree, float) else (tree[0], *map(append, tree[1:])))  # fmt: skip
        return len(nodes) - 1

    a, b = (append(rng.choice(CANCELLING)(rng.randrange(3), rng.randrange(3))) for _ in range(2))
    append(rng.choice(COMBINED)(a, b, rng.randrange(3)))
    whole = Grown(nodes, at)
    name_stages(rng, whole)
    return whole


def grown(seed: int | str) -> Grown:
    """The program and the point of a seed; a tenth of them cancel."""
    if random.Random(f"{seed}:kind").random() < 0.1:
        return cancelling(seed)
    rng = random.Random(seed)
    own: dict[str, Grown] = {}
    for name in ("f", "g")[: rng.choice((0, 0, 0, 1, 2))]:
        own[name] = function(rng, own)
    names = ("x", "y", "z", "w0")[: rng.randint(1, 4)]
    at = {name: coordinate(rng) for name in names}
    if len(at) > 1 and rng.random() < 0.1:  # a tie
        at[names[1]] = at[names[0]] * rng.choice((1, 1, -1))
    nodes: list[Node] = [("variable", name) for name in names]
    nodes += [leaf(rng) for _ in range(rng.randint(0, 2))]
    whole = Grown(nodes, at, own)
    size, tries = len(nodes) + rng.randint(1, MOST_TERMS), 0
    with mp.workprec(80):
        run = truth.Run(whole)
        while len(nodes) < size and tries < 60:
            tries += 1
            count = len(nodes)
            nodes.append(operation(rng, nodes, own))
            if not sound(run, len(nodes) - 1) and rng.random() < 0.9:
                del nodes[count:]
                run.known = {k: dual for k, dual in run.known.items() if k < count}
    name_stages(rng, whole)
    return whole


def sound(run: "truth.Run", node: int) -> bool:
    """Whether a node has a value, and one that further operations can do something with."""
    try:
        value = run.value(node).value
    except (truth.NoValue, truth.Undecided):
        return False
    return value == 0 or abs(mp.mag(value)) < 1500


def name_stages(rng: random.Random, whole: Grown) -> None:
    """Keep what the output needs, and make stages of some nodes."""
    needed, uses = {len(whole.nodes) - 1}, dict[int, int]()
    for node in range(len(whole.nodes) - 1, -1, -1):
        if node in needed:
            needed.update(operands(whole.nodes[node]))
            for k in operands(whole.nodes[node]):
                uses[k] = uses.get(k, 0) + 1
    places = {old: new for new, old in enumerate(sorted(needed))}
    whole.nodes[:] = [moved(whole.nodes[old], places) for old in places]
    for old, node in places.items():
        inner = whole.nodes[node]
        while inner[0] == "neg":
            inner = whole.nodes[inner[1]]
        if inner[0] == "number" or whole.nodes[node][0] in LEAVES:
            continue  # a stage that is a number is an input
        # written out again and again, a shared node would grow without bound
        if uses.get(old, 0) > 1 or rng.random() < 0.15:
            whole.named[node] = f"s{node}"
    used = {node[1] for node in whole.nodes if node[0] == "variable"}
    for name in set(whole.at) - used:
        del whole.at[name]


def moved(node: Node, places: dict[int, int]) -> Node:
    if node[0] in LEAVES:
        return node
    if node[0] == "call":
        return *node[:2], *(places[k] for k in node[2:])
    return node[0], *(places[k] for k in node[1:])
