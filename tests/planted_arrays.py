"""How often a mistake over arrays is found: part of `python -m tests.mistakes`.

Every kind of mistake is made at places of small programs of several kinds, at random points. The
arrays that come out are claimed, of all inputs or of all named nodes, and diagnosed. A mistake is
found where the diagnosis names it, itself or as one that gives the very same claimed arrays. Arrays
that no mistake led to are claimed, too: those should be explained by none.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from backprop_grammar.arrays.record import ArrayTrace
from backprop_grammar.diagnosis.array_search import ArrayClaim, diagnose
from backprop_grammar.diagnosis.array_sheet import ArraySheet, predicted
from backprop_grammar.diagnosis.array_suspects import Search, kernel_for
from backprop_grammar.diagnosis.floats import Floats
from backprop_grammar.diagnosis.search import COINCIDENCE, Findings, Suspect
from tests.support import traced

PROGRAMS: dict[str, tuple[str, dict[str, tuple[int, ...]]]] = {
    "a layer": ("q = W @ x + b; f = sum(relu(q)^2)", {"W": (3, 2), "x": (2,), "b": (3,)}),
    "two layers": (
        "H = sigmoid(X @ W1 + b1); O = H @ W2 + b2; L = mean((O - Y)^2)",
        {"X": (4, 3), "W1": (3, 2), "b1": (2,), "W2": (2, 3), "b2": (3,), "Y": (4, 3)},
    ),
    "square layers": (
        "H = tanh(X @ W1); O = H @ W2; L = sum((O - Y)^2)/2",
        {"X": (3, 3), "W1": (3, 3), "W2": (3, 3), "Y": (3, 3)},
    ),
    "softmax regression": (
        "Z = X @ W + b; L = cross_entropy(Z, y)",
        {"X": (4, 2), "W": (2, 3), "b": (3,), "y": (-4, 3)},
    ),
    "softmax in parts": (
        "Z = X @ W; E = exp(Z); P = E/sum(E, axis=1); L = -mean(log(pick(P, y)))",
        {"X": (3, 2), "W": (2, 3), "y": (-3, 3)},
    ),
    "attention": (
        "P = softmax(Q @ K.T/2); A = P @ V; L = sum(U*A)",
        {"Q": (3, 4), "K": (3, 4), "V": (3, 2), "U": (3, 2)},
    ),
    "batch norm": (
        "mu = mean(x, axis=0); v = mean((x - mu)^2, axis=0); h = (x - mu)/sqrt(v + 0.00001);"
        " y = gamma*h + beta; L = sum(G*y)",
        {"x": (4, 3), "gamma": (3,), "beta": (3,), "G": (4, 3)},
    ),
    "layer norm": ("y = layernorm(x, g, b); L = sum(G*y)", {"x": (2, 3), "g": (3,), "b": (3,), "G": (2, 3)}),
    "LSTM step": (
        "f = sigmoid(Wf @ x + Uf @ h); i = sigmoid(Wi @ x + Ui @ h); g = tanh(Wg @ x + Ug @ h);"
        " c = f*cp + i*g; L = sum((tanh(c) - t)^2)/2",
        dict.fromkeys(("Wf", "Wi", "Wg", "Uf", "Ui", "Ug"), (2, 2)) | dict.fromkeys(("x", "h", "cp", "t"), (2,)),
    ),
    "two steps": (
        "a = tanh(W @ x + U @ h); b = tanh(W @ y + U @ a); L = dot(t, b)",
        {"W": (2, 2), "U": (2, 2), "x": (2,), "y": (2,), "h": (2,), "t": (2,)},
    ),
    "convolution": ("y = conv(x, k); L = sum(relu(y)*g)", {"x": (4, 4), "k": (2, 2), "g": (3, 3)}),
    "quadratic form": ("L = x @ A @ x + norm(b - A @ x)", {"A": (3, 3), "x": (3,), "b": (3,)}),
}  # fmt: skip
"""Programs, and the shapes of what they take; of labels, how many and of how many classes."""


def points(shapes: dict[str, tuple[int, ...]], rng: random.Random) -> dict[str, Any]:
    """A random point, of three digits a number."""
    at: dict[str, Any] = {}
    for name, shape in shapes.items():
        if shape[0] < 0:
            at[name] = [float(rng.randrange(shape[1])) for _ in range(-shape[0])]
            continue
        numbers = [
            round(rng.uniform(-1.5, 1.5), 2) or 0.5
            for _ in range(shape[0] * (shape[1:] or (1,))[0])
        ]
        width = shape[-1]
        at[name] = (
            numbers
            if len(shape) == 1
            else [numbers[k : k + width] for k in range(0, len(numbers), width)]
        )
    return at


def traces(seed: int) -> Iterator[tuple[str, ArrayTrace]]:
    """The programs, each at a random point."""
    rng = random.Random(seed)
    for name, (program, shapes) in PROGRAMS.items():
        yield name, traced(program, points(shapes, rng))


def claim(name: str, right: Floats, claimed: Floats, digits: int) -> ArrayClaim:
    """Numbers of a node as they are claimed, to so many digits."""
    numbers, halves, rights = [], [], []
    same = right.shape == claimed.shape
    for k, x in enumerate(claimed.numbers):
        text = f"{x:.{digits - 1}e}"
        half = 0.5 * 10.0 ** (int(text.partition("e")[2]) - digits + 1) if digits < 15 else 0.0
        numbers.append(float(text))
        halves.append(half)
        rights.append(same and abs(float(text) - right.numbers[k]) <= half + 1e-11 * right.reach)
    return ArrayClaim(name, claimed.shape, tuple(numbers), tuple(halves), tuple(rights))


def claimable(trace: ArrayTrace, inner: bool) -> list[str]:
    """The names that are claimed: of the inputs, or of all named nodes."""
    return [
        node.name
        for node in trace.nodes
        if node.gradient is not None and node.named and (inner or node.kind == "variable")
    ]


def search_of(trace: ArrayTrace, names: Sequence[str]) -> Search:
    """A search of a trace in which all is claimed as it is."""
    sheet = ArraySheet.of(trace, kernel_for(trace))
    places = {name: sheet.find(name) or 0 for name in names}
    claims = {
        k: claim(name, sheet.gradients[k], sheet.gradients[k], 17) for name, k in places.items()
    }
    return Search.of(sheet, claims)


def made(search: Search, suspect: Suspect, digits: int) -> list[ArrayClaim]:
    """The claims of who makes a mistake; none where that changes nothing."""
    sheet = search.sheet
    every = [True] * len(sheet.nodes)
    found = predicted(sheet, suspect.guess.changes, every, {}) or {}
    if not all(x.reach < 1e100 for x in found.values()):
        return []
    claims = [
        claim(one.name, sheet.gradients[k], found.get(k, sheet.gradients[k]), digits)
        for k, one in search.claims.items()
    ]
    return claims if any(not one.right for one in claims) else []


def rank_of(findings: Findings, truth: Suspect) -> int:
    """At which place the true mistake is named; 99 where it is not."""

    def same(one: Suspect) -> bool:
        return (
            one.mistake.name == truth.mistake.name
            and one.guess.variant == truth.guess.variant
            and {arc.number for arc, _, _ in one.guess.changes}
            == {arc.number for arc, _, _ in truth.guess.changes}
        )

    for place, found in enumerate(findings.suspects):
        if any(map(same, (found, *found.also))):
            return place + 1
    return 99


def measured(
    digits: int, each: int, seed: int = 0
) -> tuple[Counter[str], dict[str, Counter[str]], list[str]]:
    """Counts in all and per kind, and what was not found; each: mistakes a program and scope."""
    total: Counter[str] = Counter()
    kinds: dict[str, Counter[str]] = {}
    missed: list[str] = []
    rng = random.Random(seed)
    for name, trace in traces(seed):
        for scope in ("inputs", "nodes"):
            search = search_of(trace, claimable(trace, scope == "nodes"))
            single = search.single()
            every = [*single, *search.plural(single)]
            rng.shuffle(every)
            count = 0
            for truth in every:
                claims = made(search, truth, digits) if count < each else []
                if not claims:
                    continue
                count += 1
                findings = diagnose(trace, claims)
                place = rank_of(findings, truth)
                kind = truth.mistake.name + " everywhere" * bool(truth.kind)
                for row in (total, kinds.setdefault(kind, Counter())):
                    row[scope] += 1
                    row[f"{scope} first"] += place == 1
                    row[f"{scope} two"] += place <= 2
                if place > 2:
                    first = [
                        f"{one.mistake.name} at {search.sheet.title(one.guess.node)}"
                        for one in findings.suspects[:2]
                    ]
                    missed.append(f"{name} ({scope}): {kind} {truth.guess.variant} at {search.sheet.title(truth.guess.node)}, place {place}: {first}")  # fmt: skip
    return total, kinds, missed


def noise(digits: int, seeds: Sequence[int]) -> Iterator[tuple[str, list[ArrayClaim], Findings]]:
    """Claims that no mistake led to: other numbers, of which some or all are wrong."""
    for seed in seeds:
        rng = random.Random(f"noise {seed}")
        for name, trace in traces(seed):
            search = search_of(trace, claimable(trace, False))
            node = rng.choice(list(search.claims))
            right = search.sheet.gradients[node]
            numbers = right.numbers
            for wrong in (1, len(numbers)):
                drawn = list(numbers)
                for k in rng.sample(range(len(numbers)), wrong):
                    drawn[k] = (numbers[k] or 1.0) * rng.choice((-1, 1)) * 10 ** rng.uniform(-1, 1)
                claimed = search.sheet.kernel.make(right.shape, drawn)
                one = claim(search.claims[node].name, right, claimed, digits)
                if not one.right:
                    yield name, [one], diagnose(trace, [one])


def explained(findings: Findings) -> bool:
    """Whether a diagnosis says that it is the cause, and no coincidence."""
    return any(
        one.chance <= COINCIDENCE for found in findings.diagnoses.values() for one in found[:1]
    )


def report() -> None:
    """Print the figures."""
    for digits in (17, 4):
        total, kinds, _ = measured(digits, each=15)
        print(f"\narrays, {digits} digits: {total['inputs'] + total['nodes']} mistakes")
        print(f"{'kind':44} {'claims of the inputs':>26}   {'claims of all named nodes':>26}")
        for kind, row in [*sorted(kinds.items()), ("all", total)]:
            cells = "   ".join(
                f"{row[scope]:6} {share(row, scope, 'first')} {share(row, scope, 'two')}"
                for scope in ("inputs", "nodes")
            )
            print(f"{kind:44} {cells}")
    print("\nrandom arrays, which no mistake led to")
    for digits in (2, 4, 17):
        found = list(noise(digits, range(10)))
        certain = sum(explained(findings) for _, _, findings in found)
        some = sum(bool(findings.suspects) for _, _, findings in found)
        print(
            f"{digits:3} digits {len(found):5}, explained {certain}, consistent with a mistake {some - certain}"
        )


def share(row: Counter[str], scope: str, what: str) -> str:
    return f"{100 * row[f'{scope} {what}'] / max(1, row[scope]):6.1f} %"


if __name__ == "__main__":
    report()
