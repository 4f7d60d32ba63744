"""How often a single mistake is found: `python -m tests.mistakes`.

Every kind of mistake is made at every place of some graphs where it changes a claimed number.
The gradients that come out are claimed, of all inputs or of all nodes, and diagnosed. A mistake
counts as found (`first`) where the diagnosis that is ranked first names it, its kind and its
place: as the diagnosis itself (`itself`), or among the mistakes that it lists as making the very
same gradients wrong by the same amounts, which no claim at that point could ever tell apart.
`only` counts those where moreover no other diagnosis explains as much; where `first` is more
than `only`, a tie was broken by which mistake is commoner. `listed` is among the first five.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from backprop_grammar.diagnosis.perturbed import Sheet, replay, slopes
from backprop_grammar.diagnosis.search import Claim, Suspect, diagnose, for_claim, suspects
from tests.support import Trace, traced

ROOT = Path(__file__).parent.parent
WORKED = ("T05", "T10", "T11", "T13", "T17", "T18", "T19", "T23", "T28", "T29", "T35")
SAMPLES = (
    "block",
    "branches",
    "huber",
    "network",
    "patterns",
    "rosenbrock",
    "staged",
    "sum-times",
)


def traces() -> Iterator[tuple[str, Trace]]:
    """The graphs, at their own points."""
    point = json.loads((ROOT / "samples" / "neuron.json").read_text())
    yield "neuron", traced((ROOT / "samples" / "neuron.bp").read_text(), point)
    for name in SAMPLES:
        yield name, traced((ROOT / "samples" / f"{name}.bp").read_text())
    for line in (ROOT / "tests" / "cases" / "worked_examples.jsonl").read_text().splitlines():
        case = json.loads(line)
        if case["id"] in WORKED:
            yield case["id"], traced(case["program"], case["at"])


def made(sheet: Sheet) -> Iterator[tuple[Suspect, list[float]]]:
    """Every mistake at every place, with the gradients that it leads to."""
    inputs = [sheet.find(name) for name in sheet.trace.gradients]
    found, _ = suspects(sheet, inputs)
    for node in inputs:
        found += for_claim(sheet, node, slopes(sheet, node))
    base = replay(sheet)
    for suspect in found:
        after = replay(sheet, suspect.guess.changes)
        only = suspect.guess.claim
        yield (
            suspect,
            [
                right + (new - old) if only in (-1, node) else right
                for node, (right, new, old) in enumerate(
                    zip(sheet.gradients, after, base, strict=True)
                )
            ],
        )


def claimed(sheet: Sheet, nodes: list[int], numbers: list[float], digits: int) -> list[Claim]:
    """The numbers as claims, at so many digits."""
    claims = []
    for node in nodes:
        text = f"{numbers[node]:.{digits}g}"
        number = float(text)
        correct = sheet.gradients[node]
        unit = abs(float(f"{number:.0e}")) * 10.0 ** (1 - digits)
        half = min(unit, 10 * unit) / 2 if digits < 15 else 0.0
        right = abs(number - correct) <= half + 1e-12 * abs(correct)
        claims.append(
            Claim(sheet.nodes[node].name, node, correct if right else number, half, right)
        )
    return claims


WHAT = ("itself", "first", "only", "listed")


def named(sheet: Sheet, truth: Suspect, claims: list[Claim]) -> tuple[bool, ...]:
    """Whether the true mistake is the first diagnosis itself, or one of it, the only, listed."""
    findings = diagnose(sheet, claims)
    places = findings.suspects[:5]

    def is_truth(found: Suspect) -> bool:
        return any(map(same, (found, *found.also)))

    def same(one: Suspect) -> bool:
        return (
            one.mistake is truth.mistake
            and one.kind == truth.kind
            and (one.guess.node == truth.guess.node or bool(truth.kind))
            and one.guess.operand == truth.guess.operand
            and one.guess.variant == truth.guess.variant
            and one.guess.claim == truth.guess.claim
        )

    if not places or not is_truth(places[0]):
        return False, False, False, any(map(is_truth, places))
    alike = [found for found in findings.suspects if found.rank()[:2] == places[0].rank()[:2]]
    return same(places[0]), True, len(alike) == 1, True


def measure(digits: int, only: tuple[str, ...] = ()) -> tuple[Counter, dict[str, Counter]]:
    """Counts over all graphs, or some: in all and per kind."""
    total: Counter = Counter()
    kinds: dict[str, Counter] = {}
    for name, trace in traces():
        if only and name not in only:
            continue
        sheet = Sheet.of(trace)
        with sheet.arithmetic.context():
            inputs = [sheet.find(label) for label in trace.gradients]
            every = [
                i
                for i, node in enumerate(trace.nodes)
                if node.gradient is not None and node.kind != "constant"
            ]
            for truth, numbers in made(sheet):
                if any(not abs(number) < float("inf") for number in numbers):
                    continue
                kind = truth.mistake.name + (" everywhere" if truth.kind else "")
                for scope, nodes in (("leaves", inputs), ("nodes", every)):
                    claims = claimed(sheet, nodes, numbers, digits)
                    if all(claim.right for claim in claims):
                        continue
                    outcome = named(sheet, truth, claims)
                    row = kinds.setdefault(kind, Counter())
                    for counter in (total, row):
                        counter[scope] += 1
                        for what, so in zip(WHAT, outcome, strict=True):
                            counter[f"{scope} {what}"] += so
        print(f"  {name}", file=sys.stderr)
    return total, kinds


def percent(counter: Counter, scope: str, what: str) -> str:
    return f"{100 * counter[f'{scope} {what}'] / max(1, counter[scope]):5.1f} %"


def main() -> None:
    for digits in (17, 4):
        total, kinds = measure(digits)
        print(f"\n{digits} digits: {total['nodes']} mistakes")
        print(f"{'':34} claims of the leaves alone{'':17} claims of all nodes")
        heads = " made   itself   first    only  listed"
        print(f"{'kind':32} {heads}   {heads}")
        for kind, row in [*sorted(kinds.items()), ("all", total)]:
            cells = "   ".join(
                f"{row[scope]:5} " + " ".join(percent(row, scope, what) for what in WHAT)
                for scope in ("leaves", "nodes")
            )
            print(f"{kind:32} {cells}")


if __name__ == "__main__":
    main()
