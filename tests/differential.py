"""`eval` held against mpmath over programs that nobody wrote: `python -m tests.differential`.

    python -m tests.differential --programs 100000 --seed 0 --workers 2
    python -m tests.differential --programs 10000 --arrays    # over vectors and matrices

Every number that is printed, the value and each gradient, is one of these:

    right      within 1e-12 of the truth (see `tests.truth`), relative
    noted      that, and a note says what there is to know: a kink, digits that binary64 loses
    flagged    said not to exist, or to be beyond the largest float, and so it is
    refused    an error, and there is no value, or none that a float holds
    WRONG      a finite number, and the truth is another or none: a defect
    flagged or refused though defined    a defect, too, but an honest one
    undecided  the truth could not be told with 4,000 bits

`map` is held to `eval` on the same programs: the same numbers, and none where it has none.

At kinks and where the chain rule has no number, the function decides: there a gradient is right that
lies between the difference quotients on both sides (see `tests.singular`).

The same programs go through PyTorch, JAX and autograd where these are installed. They have a
column of their own for digits lost, because plain floats must lose some; at kinks, where each has
its own convention, they are not judged.
"""

import argparse
import json
import multiprocessing
import signal
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from mpmath import mp

from tests import libraries, singular, truth
from tests.grown import Grown, grown
from tests.grown_arrays import GrownArrays, grown_arrays
from tests.support import BackpropError, Program, as_float, traced

RELATIVE = 1e-12
LOSSY = 1e-3
VANISHING = 1e-15
"""An absolute error that is no more than lost digits, such as 0 for 10^-187."""
LARGEST, SMALLEST = 1.7976931348623157e308, 5e-324
CONVENTION = {"kink", "tie", "boundary", "branch cut"}
SECONDS = 20
"""Of computing for one program; beyond, it is counted as too slow."""

OUTCOMES = (
    "right", "noted", "flagged", "refused", "flagged though defined", "refused though defined",
    "undecided", "WRONG",
)  # fmt: skip
BAD = {"WRONG", "flagged though defined", "refused though defined"}
JUDGED = ("right", "digits lost", "wrong", "nan, inf or error", "said that there is none", "a number where there is none")  # fmt: skip
"""What became of the numbers that exist, and of those that do not."""


class TooSlow(Exception):
    pass


def close(found: float, exact: Any, relative: float = RELATIVE) -> bool:
    """Whether a float is right; below the normal floats, to one unit of theirs."""
    return bool(abs(found - exact) <= max(relative * abs(exact), SMALLEST))


def within(exact: Any) -> bool:
    """Whether a number exists that a float holds."""
    return exact is not None and bool(abs(exact) <= LARGEST)


def ours(whole: Grown, held: bool = False) -> tuple[Any, dict[str, Any], set[str], str]:
    """Value, gradients and the kinds of notes, or the kind of an error; None where flagged.

    held: at the floats themselves, as arrays hold them, not at the decimals that they print as.
    """
    at = {name: np.float64(x) if held else x for name, x in whole.at.items()}
    try:
        trace = traced(whole.text(), at, nodes=False)
    except BackpropError as error:
        return None, dict.fromkeys(whole.at), set(), error.kind

    gradients = {name: as_float(number) for name, number in trace.gradients.items()}
    return as_float(trace.value), gradients, {note.kind for note in trace.notes}, ""


def mapped_alike(whole: Grown, value: Any, slopes: dict[str, Any], error: str) -> bool:
    """Whether `map` gives the numbers of `eval`, at a table of one row."""
    if any(Fraction(x) != Fraction(repr(x)) for x in whole.at.values()):
        value, slopes, _, error = ours(whole, held=True)
    try:
        table = Program(whole.text()).map({name: np.array([x]) for name, x in whole.at.items()})
    except BackpropError:
        return bool(error)
    pairs = [(value, table.value[0]), *((slopes[n], table.gradients[n][0]) for n in slopes)]
    missing = not np.isfinite([number for _, number in pairs]).all()
    if error or missing:
        alike = all(mine is None or np.isnan(found) == bool(error) for mine, found in pairs)
        return alike and bool(table.status[0])
    return all(mine is not None and close(float(found), mp.mpf(mine)) for mine, found in pairs)


def outcomes(exact: truth.Truth, value: Any, slopes: Any, notes: set[str], error: str) -> list[str]:
    """What became of each number of a program."""
    if error:
        return ["refused though defined" if within(exact.value) else "refused"]
    found = []
    for mine, other in [(value, exact.value), *((slopes[n], exact.slopes.get(n)) for n in slopes)]:
        if mine is None:
            found.append("flagged though defined" if within(other) else "flagged")
        elif within(other) and close(mine, other):
            found.append("noted" if notes else "right")
        elif other is None and not exact.smooth and notes & CONVENTION and exact.value is not None:
            found.append("noted")  # 0 of a kink times an infinite slope
        else:
            found.append("WRONG")
    return found


DECIDED = "noted", "a number where there is none"
"""A number that the function decides where the rules have none is judged of nobody."""


def judged(exact: truth.Truth, value: Any, slopes: Any) -> Iterator[str]:
    """What became of each number, for a library and for us alike."""
    for mine, other in [(value, exact.value), *((slopes[n], exact.slopes.get(n)) for n in slopes)]:
        finite = mine is not None and abs(mine) <= LARGEST
        if not within(other):
            yield "a number where there is none" if finite else "said that there is none"
        elif not finite:
            yield "nan, inf or error"
        elif close(mine, other):
            yield "right"
        else:
            near = close(mine, other, LOSSY) or abs(mine - other) < VANISHING
            yield "digits lost" if near else "wrong"


def check(seed: str, others: dict[str, libraries.Library]) -> tuple[Counter, list[dict]]:
    """Count what became of one program; a finding is what should not be."""
    whole = grown(seed)
    count, findings = Counter(programs=1), []

    def finding(kind: str, **more: Any) -> None:
        findings.append({"seed": seed, "kind": kind, "program": whole.text(), "at": whole.at, **more})  # fmt: skip

    started = time.perf_counter()
    try:
        value, slopes, notes, error = ours(whole)
    except TooSlow:
        count["too slow"] += 1
        finding("too slow")
        return count, findings
    except Exception as trouble:
        count["crashed"] += 1
        finding("crashed", error=repr(trouble)[:300])
        return count, findings
    took = time.perf_counter() - started
    count["slower than 1 s"] += took > 1
    try:
        if whole.at and not mapped_alike(whole, value, slopes, error):
            count["map differs"] += 1
            finding("map differs", value=value, slopes=slopes, error=error)
    except TooSlow:
        count["too slow"] += 1
        finding("map too slow")
    try:
        exact = truth.truth(whole)
    except (truth.Undecided, RecursionError):
        count["undecided"] += 1 + len(whole.at)
        return count, findings
    found = outcomes(exact, value, slopes, notes, error)
    if set(found) & BAD:
        try:
            exact = truth.truth(whole, truth.FIRST)
        except (truth.Undecided, RecursionError):
            count["undecided"] += 1 + len(whole.at)
            return count, findings
        found = outcomes(exact, value, slopes, notes, error)
    if set(found) & BAD and not error:  # at a singular point the function decides, not a rule
        for k, (name, slope) in enumerate(slopes.items(), 1):
            if found[k] in BAD and singular.stands(whole.text(), whole.at, name, slope):
                found[k] = "noted"
    count.update(found)
    bad = set(found) & BAD
    for kind in bad:
        finding(
            kind, value=value, slopes=slopes, notes=sorted(notes), error=error, smooth=exact.smooth,
            truth=mp.nstr(exact.value, 17) if exact.value is not None else None,
            true={n: None if s is None else mp.nstr(s, 17) for n, s in exact.slopes.items()},
        )  # fmt: skip
    if exact.smooth and others:
        answers: dict[str, Any] = {"ours": (value, slopes)}
        for name, run in others.items():
            try:
                answers[name] = run(whole)
            except TooSlow:
                raise
            except libraries.Lacking:
                return count, findings  # one that all can run is compared
            except Exception:  # theirs says what went wrong in many ways
                answers[name] = None, dict.fromkeys(whole.at)
        mine = [error] * (1 + len(slopes)) if error else found
        for name, answer in answers.items():
            kinds = zip(mine, judged(exact, *answer), strict=True)
            count.update((name, kind) for ours, kind in kinds if (ours, kind) != DECIDED)
    return count, findings


# programs over arrays


def numbers(value: Any) -> list[Any]:
    """The numbers of nested lists, in order."""
    return [x for one in value for x in numbers(one)] if isinstance(value, list) else [value]


def options_of(whole: GrownArrays) -> dict[str, Any]:
    return {} if whole.upstream is None else {"upstream": whole.upstream}


def ours_arrays(whole: GrownArrays) -> tuple[list[Any], dict[str, Any], set[str], str]:
    """As `ours`, of a program over arrays: the elements of the value, the gradients by element."""
    try:
        trace = Program(whole.text()).at(whole.at, nodes=False, **options_of(whole))
    except BackpropError as error:
        return [None], dict.fromkeys(whole.numbers.at), set(), error.kind
    notes = {note.kind for note in trace.notes}
    return numbers(trace.value), whole.slopes(trace.gradients), notes, ""


def shown_alike(whole: GrownArrays, value: list[Any], slopes: dict[str, Any], error: str) -> str:
    """What a trace with nodes says that one without does not; nothing where it tells the same.

    It may refuse more, as a number that only a node shows is too large; what it shows adds up.
    """
    try:
        trace = Program(whole.text()).at(whole.at, nodes=True, **options_of(whole))
    except BackpropError as refused:
        harmless = error or refused.kind in ("overflow", "precision")
        return "" if harmless else f"refused with nodes: {refused}"
    if error:
        return f"refused without nodes only: {error}"
    shown = [*numbers(trace.value), *whole.slopes(trace.gradients).values()]
    for mine, other in zip(shown, [*value, *slopes.values()], strict=True):
        if (mine is None) != (other is None) or not (mine is None or close(mine, mp.mpf(other))):
            return f"{mine} with nodes, {other} without"
    json.loads(trace.json())
    if not hasattr(trace, "shapes"):
        return ""  # all of it are numbers
    record, sent = trace.record, dict[int, list[Any]]()
    for node in record.nodes:
        for edge in node.edges:
            sent.setdefault(edge.operand, []).append(numbers(edge.contribution.floats))
    for node in record.nodes:
        if node.gradient is None or node.index not in sent or node.index == record.output:
            continue
        for total, *parts in zip(numbers(node.gradient.floats), *sent[node.index], strict=True):
            if total is None or None in parts or trace.flags or record.numbers.decided:
                continue
            if abs(sum(parts) - total) > 1e-9 * sum(map(abs, [*parts, total])) + 1e-320:
                return f"what reaches {node.name} does not add up"
    return ""


def elements(whole: GrownArrays) -> list[Any]:
    """The elements of the output, to more digits than are judged; of none that is not told."""
    with mp.workprec(truth.FIRST):
        run = truth.Run(whole.numbers)
        try:
            return [run.value(cell).value for cell in whole.output]
        except truth.Undecided:
            return []


def check_arrays(seed: str) -> tuple[Counter, list[dict]]:
    """As `check`, of a program over arrays, beside no library."""
    whole = grown_arrays(seed)
    count, findings = Counter(programs=1), []

    def finding(kind: str, **more: Any) -> None:
        count[kind] += kind not in OUTCOMES
        findings.append({"seed": seed, "kind": kind, "program": whole.text(), "at": whole.at, "upstream": whole.upstream, **more})  # fmt: skip

    started = time.perf_counter()
    try:
        value, slopes, notes, error = ours_arrays(whole)
        differs = shown_alike(whole, value, slopes, error)
    except TooSlow:
        finding("too slow")
        return count, findings
    except Exception as trouble:
        finding("crashed", error=repr(trouble)[:300])
        return count, findings
    count["slower than 1 s"] += time.perf_counter() - started > 1
    if differs:
        finding("nodes differ", differs=differs)
    single = len(whole.output) == 1
    for first in (120, truth.FIRST):
        try:
            exact = truth.truth(whole.numbers, first)
        except (truth.Undecided, RecursionError):
            count["undecided"] += 1 + len(slopes)
            return count, findings
        mine = value[0] if single or error else exact.value
        found = outcomes(exact, mine, slopes, notes, error)
        if not set(found) & BAD:
            break
    if not single and not error:  # its elements for the one number that is differentiated
        found[0] = "right"
        for one, other in zip(value, elements(whole), strict=False):
            if (one is None) == within(other) or (one is not None and not close(one, other)):
                found[0] = "WRONG"
    if set(found) & BAD and not error:
        for k, (name, slope) in enumerate(slopes.items(), 1):
            if found[k] in BAD and singular.stands(whole.scalars(), whole.numbers.at, name, slope):
                found[k] = "noted"
    count.update(found)
    for kind in set(found) & BAD:
        finding(
            kind, value=value, slopes=slopes, notes=sorted(notes), error=error, smooth=exact.smooth,
            truth=mp.nstr(exact.value, 17) if exact.value is not None else None,
            true={n: None if s is None else mp.nstr(s, 17) for n, s in exact.slopes.items()},
        )  # fmt: skip
    return count, findings


def stop(_signal: int, _frame: Any) -> None:
    raise TooSlow


def work(job: tuple[str, range, list[str], bool]) -> tuple[Counter, list[dict]]:
    """Count over a range of programs, of numbers or of arrays."""
    seed, numbers, names, arrays = job
    warnings.simplefilter("ignore")
    others = {name: libraries.library(name) for name in names}
    signal.signal(signal.SIGPROF, stop)
    count, findings = Counter(), []
    for number in numbers:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            which = f"{seed}:{number}"
            some, more = check_arrays(which) if arrays else check(which, others)
        except TooSlow:
            some, more = Counter({"programs": 1, "oracle or library too slow": 1}), []
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        count += some
        findings += more
    return count, findings


def table(count: Counter, names: list[str], markdown: bool) -> str:
    """Both tables, as plain text or as Markdown."""
    numbers = sum(count[outcome] for outcome in OUTCOMES)
    rows = [["numbers of backprop", f"{numbers:,}", ""]]
    rows += [
        [name, f"{count[name]:,}", f"{100 * count[name] / numbers:.3f} %"] for name in OUTCOMES
    ]
    rows += [[name, f"{count[name]:,}", ""] for name in ("programs", "map differs", "nodes differ", "slower than 1 s", "too slow", "crashed", "oracle or library too slow")]  # fmt: skip
    sides = [["at smooth points", "backprop", *names]]
    sides += [[kind, *(f"{count[who, kind]:,}" for who in ("ours", *names))] for kind in JUDGED]
    return "\n\n".join(drawn(part, markdown) for part in ((rows, sides) if names else (rows,)))


def drawn(rows: list[list[str]], markdown: bool) -> str:
    if markdown:
        rows = [rows[0], ["---"] + ["---:"] * (len(rows[0]) - 1), *rows[1:]]
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(f"{c:{'>' if k else '<'}{w}}" for k, (c, w) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.differential")
    parser.add_argument("--programs", type=int, default=2000)
    parser.add_argument("--seed", default="0")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--compared", type=int, help="of them, programs that the libraries run too")
    parser.add_argument("--arrays", action="store_true", help="programs over arrays")
    parser.add_argument("--findings", help="a file for what should not be, as lines of JSON")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    names, last = [] if options.arrays else libraries.INSTALLED, options.programs
    compared = last if options.compared is None else options.compared
    chunks = [
        (
            options.seed,
            range(start, min(start + 250, last)),
            names if start < compared else [],
            options.arrays,
        )
        for start in range(0, last, 250)
    ]
    count, findings = Counter(), []
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(options.workers) as pool:
        for some, more in pool.imap_unordered(work, chunks):
            count += some
            findings += more
            if options.findings:
                with Path(options.findings).open("a", encoding="utf-8") as file:
                    file.writelines(json.dumps(one) + "\n" for one in more)
    print(table(count, names, options.markdown))
    for one in findings[:20]:
        print(json.dumps(one), file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
