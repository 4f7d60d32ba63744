"""How often a single mistake is found: `python -m tests.mistakes`.

Every kind of mistake is made at every place of some graphs where it changes a claimed number.
The gradients that come out are claimed, of all inputs or of all nodes, and diagnosed. A mistake
counts as found (`first`) where the diagnosis that is ranked first names it, its kind and its
place: as the diagnosis itself (`itself`), or among the mistakes that it lists as making the very
same gradients wrong by the same amounts, which no claim at that point could ever tell apart.
`only` counts those where moreover no other diagnosis explains as much; where `first` is more
than `only`, a tie was broken by which mistake is commoner. `listed` is among the first five.

Numbers that no mistake led to are claimed, too: they should be explained by none.
"""

import json
import random
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from backprop_grammar.diagnosis.claims import Verdict, judge
from backprop_grammar.diagnosis.perturbed import Sheet, replay, slopes
from backprop_grammar.diagnosis.search import Claim, Suspect, diagnose, for_claim, suspects
from tests import planted_arrays
from tests.support import BackpropError, Trace, as_float, traced

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


HUGE = ("a*b + a*c", "a*b*c + a*c", "(a + b)*c + a*c", "a*b/c + a", "a^2*b + a*c")
"""Programs in which mistakes overflow at points of any size."""


def nonsense(count: int) -> Iterator[Verdict]:
    """Verdicts on claims of 7 random digits, at points where many a mistake overflows."""
    rng = random.Random(0)
    while count:
        at = {name: rng.choice((-1, 1)) * 10 ** rng.uniform(-250, 250) for name in "abc"}
        program, wrt = rng.choice(HUGE), rng.choice("abc")
        try:
            trace = traced(program, at)
        except BackpropError:
            continue
        gradient = as_float(trace.gradients[wrt])
        if not gradient or abs(gradient) > 1e300:
            continue
        yield from judge(trace, {wrt: drawn(rng, gradient, 3, 7)})
        count -= 1


def random_claims(digits: int, each: int) -> Iterator[Verdict]:
    """Verdicts on claims of so many random digits, within a factor of ten of the gradient."""
    rng = random.Random(0)
    for _, trace in traces():
        for _ in range(each):
            name = rng.choice(list(trace.gradients))
            gradient = as_float(trace.gradients[name]) or 1.0
            yield from judge(trace, {name: drawn(rng, gradient, 1, digits)})


def drawn(rng: random.Random, near: float, powers: int, digits: int) -> str:
    """A random number of so many digits, within some powers of ten of another."""
    return f"{near * 10 ** rng.uniform(-powers, powers) * rng.choice((-1, 1)):.{digits - 1}e}"


def told(verdicts: Iterable[Verdict]) -> Counter:
    """How many of the wrong claims are explained by a mistake, or consistent with one."""
    count: Counter = Counter()
    for verdict in verdicts:
        count["all"] += 1
        if verdict.diagnoses:
            count["explained" if verdict.diagnoses[0].certain else "consistent"] += 1
    return count


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
    print("\nrandom claims, which no mistake led to")
    for name, verdicts in (
        ("7 digits, mistakes overflow", nonsense(962)),
        ("2 digits", random_claims(2, 60)),
        ("3 digits", random_claims(3, 60)),
    ):
        count = told(verdicts)
        print(
            f"{name:28} {count['all']:5}, explained {count['explained']}, "
            f"consistent with a mistake {count['consistent']}"
        )


if __name__ == "__main__":
    main()
    planted_arrays.report()
