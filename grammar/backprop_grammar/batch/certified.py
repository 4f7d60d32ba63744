"""A recipe run over chunks of rows, as fast as memory allows.

The insight: where the ranges of the columns tell that no row of a chunk can be wrong, nothing but
the lines themselves need be computed. Rows that stand too near a choice, and results too small for
the bound that holds for all, are handed back as suspects; what overflows, underflows or leaves a
domain raises a flag of the processor's, and hands back the whole chunk.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .error_ranges import Unknown, least, ranges
from .straightline import MASKS, Recipe
from .ufuncs import COMPARISONS, FUNCTIONS, Column

__all__ = ["CHUNK", "Chunks", "live_lines"]

CHUNK = 16_384
"""Rows of a chunk: a dozen columns of them stay in a processor's second cache."""

Box = dict[int, tuple[float, float]]


class Check(NamedTuple):
    """A line that may not be close to 0, nor above it where it is ordered; or two, to each other."""

    lines: tuple[int, ...]
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Bounds:
    """What holds while the measured lines stay in a box.

    near: per check, how close two lines may not be; least: per result, how small it may not be.
    """

    box: Box
    near: list[float]
    least: list[float]

    def holds(self, box: Box) -> bool:
        """Whether a box lies in this one."""
        known = self.box
        return all(known[k][0] <= low and high <= known[k][1] for k, (low, high) in box.items())


least_of, largest_of = np.minimum.reduce, np.maximum.reduce


class Step(NamedTuple):
    """One line made ready: what computes it, from which lines, and where it is written.

    function: one of NumPy's, or a rule of MASK_RULES or NUMBER_RULES, or ``written``.
    """

    line: int
    function: Any
    operands: tuple[int, ...]
    what: object
    place: int


class Unmeasured(Exception):
    """The range of a line is asked for that is not measured yet."""


class Chunks:
    """A recipe made ready: which buffer every line is written to, what is checked and measured."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.checks = checks_of(recipe)
        watched = [k for check in self.checks for k in check.lines]
        poles = [kink.line for kink in recipe.kinks if kink.kind == "pole"]
        self.live = live_lines(recipe, [*recipe.results, *watched, *poles])
        target, count = buffers(recipe, self.live, self.checks)
        self.places = [np.empty(CHUNK) for _ in range(count)]  # then masks; then the results
        self.template: list[Any] = [None] * len(recipe.lines)
        self.columns: list[tuple[int, str]] = []
        self.steps: list[Step] = []
        for line, (kind, operands, what) in enumerate(recipe.lines):
            if not self.live[line]:
                continue
            if kind == "column":
                self.columns.append((line, str(what)))
            elif kind == "constant":
                self.template[line] = what[0]  # type: ignore[index]
            elif kind in MASKS:
                self.steps.append(Step(line, MASK_RULES[kind], operands, what, len(self.places)))
                self.places.append(np.empty(CHUNK, dtype=bool))
            else:
                function: Any = FUNCTIONS.get(kind)
                if function is None:
                    function = NUMBER_RULES[kind]
                elif type(function) is not np.ufunc:
                    function = written(function)
                self.steps.append(Step(line, function, operands, what, target[line]))
        self.measured: set[int] = set()
        self.bare = bare_columns(recipe, self.live, self.measured)
        self.bounds: Bounds | None = None

    def run(self, columns: Mapping[str, Column], results: Sequence[Column]) -> Column | None:
        """Compute a chunk into ``results``. A mask of the suspect rows; None where none is.

        Raises Unknown where all of them are.
        """
        while True:
            made, box = self.compute(columns, results)
            try:
                return self.suspects(made, self.find_bounds(box), results)
            except Unmeasured as unmeasured:
                self.measured.add(unmeasured.args[0])
                self.bare = bare_columns(self.recipe, self.live, self.measured)
                self.bounds = None

    def compute(self, columns: Mapping[str, Column], results: Sequence[Column]) -> tuple[list[Any], Box]:  # fmt: skip
        """The lines, and the ranges of those that are measured."""
        rows = len(results[0])
        places = self.places if rows == CHUNK else [place[:rows] for place in self.places]
        places = [*places, *reversed(results)]  # result k is place -1 - k
        made, box, measured = self.template.copy(), Box(), self.measured
        try:
            for line, name in self.columns:
                made[line] = column = columns[name]
                if line in self.bare and not np.isfinite(np.add.reduce(column)):
                    raise Unknown("missing")
                if line in measured:
                    box[line] = least_of(column), largest_of(column)
            for line, function, operands, what, place in self.steps:
                out = places[place]
                if type(function) is not np.ufunc:
                    function([made[k] for k in operands], what, out)
                elif len(operands) == 2:
                    function(made[operands[0]], made[operands[1]], out)
                else:
                    function(made[operands[0]], out)
                made[line] = out
                if line in measured:
                    box[line] = least_of(out), largest_of(out)
        except FloatingPointError:
            raise Unknown("flag") from None
        for result, line in zip(results, self.recipe.results, strict=True):
            if made[line] is not result:
                result[...] = made[line]
        return made, box

    def find_bounds(self, box: Box) -> Bounds:
        """Bounds for a box: those that are known, else for the smallest box around both."""
        known = self.bounds
        if known is None:
            self.bounds = self.bounds_in(box)
            return self.bounds
        if known.holds(box):
            return known
        around = {k: (min(low, known.box[k][0]), max(high, known.box[k][1])) for k, (low, high) in box.items()}  # fmt: skip
        try:
            self.bounds = self.bounds_in(around)
        except Unknown:
            return self.bounds_in(box)
        return self.bounds

    def bounds_in(self, box: Box) -> Bounds:
        def measured(line: int) -> tuple[float, float]:
            if line not in box:
                raise Unmeasured(line)
            return box[line]

        found = ranges(self.recipe, self.live, measured)

        def error(line: int) -> float:
            known = found[line]
            assert known is not None
            return known.error

        results = [known for k in self.recipe.results if (known := found[k]) is not None]
        near = [sum(error(k) for k in check.lines) for check in self.checks]
        return Bounds(box, near, [least(result) for result in results])

    def suspects(self, made: list[Any], bounds: Bounds, results: Sequence[Column]) -> Column | None:  # fmt: skip
        """The rows that the bounds do not cover."""
        found: Column | None = None
        for (lines, ordered), near in zip(self.checks, bounds.near, strict=True):
            difference = made[lines[0]]
            if len(lines) > 1:
                with np.errstate(over="ignore"):  # as far apart as can be
                    difference = difference - made[lines[1]]
            mask = difference >= -near if ordered else np.abs(difference) <= near
            found = mask if found is None else found | mask
        for result, size in zip(results, bounds.least, strict=True):
            if size:
                mask = np.abs(result) < size
                found = mask if found is None else found | mask
        if found is None or not found.any():
            return None
        return np.broadcast_to(found, results[0].shape)


def checks_of(recipe: Recipe) -> list[Check]:
    """What the rows are checked for."""
    found: dict[Check, None] = {}
    for kind, operands, _ in recipe.lines:
        if kind == "compare":
            found[Check(operands[:1] if recipe.number(operands[1]) == 0 else operands)] = None
    for line, kind, _ in recipe.kinks:
        _, operands, _ = recipe.lines[line]
        if kind == "tie":
            found.update({Check((a, b)): None for i, a in enumerate(operands) for b in operands[:i]})  # fmt: skip
        elif kind == "boundary" and recipe.lines[line].kind == "sub":
            found[Check(operands)] = None
        elif kind != "pole":
            found[Check((line,), kind == "order")] = None
    return list(found)


def live_lines(recipe: Recipe, roots: Sequence[int]) -> list[bool]:
    """Which lines the roots are computed from."""
    live = [False] * len(recipe.lines)
    for line in roots:
        live[line] = True
    for line in range(len(live) - 1, -1, -1):
        if live[line]:
            for k in recipe.lines[line].operands:
                live[k] = True
    return live


def bare_columns(recipe: Recipe, live: Sequence[bool], measured: set[int]) -> set[int]:
    """The columns whose missing and infinite numbers no measured line would show."""
    shown = set(measured)
    for line in range(len(live) - 1, -1, -1):
        kind, operands, _ = recipe.lines[line]
        if line in shown and live[line] and kind in ("add", "sub", "mul", "neg"):
            shown.update(operands)
    return {k for k, line in enumerate(recipe.lines) if line.kind == "column" and live[k]} - shown


def buffers(recipe: Recipe, live: Sequence[bool], checks: Sequence[Check]) -> tuple[list[int], int]:  # fmt: skip
    """Where each line is written: a buffer's number, or -1 - k for result k; and how many buffers.

    A buffer is used again when no later line reads it.
    """
    last = {line: line for line, alive in enumerate(live) if alive}
    for line, (_, operands, _) in enumerate(recipe.lines):
        if live[line]:
            last.update(dict.fromkeys(operands, line))
    end = len(recipe.lines)
    last.update(dict.fromkeys([k for check in checks for k in check.lines], end))
    last.update(dict.fromkeys(recipe.results, end))
    target = [0] * end
    free: list[int] = []
    count = 0
    for line, (kind, operands, _) in enumerate(recipe.lines):
        if not live[line] or kind in MASKS or kind in ("column", "constant"):
            continue
        dying = {
            target[k] for k in operands
            if last[k] == line and target[k] >= 0 and recipe.lines[k].kind not in (*MASKS, "column", "constant")
        }  # fmt: skip
        if line in recipe.results:
            target[line] = -1 - recipe.results.index(line)
        elif kind in FUNCTIONS and dying:
            target[line] = dying.pop()  # elementwise: it may be written over what it reads
        elif free:
            target[line] = free.pop()
        else:
            target[line] = count
            count += 1
        free.extend(dying)
    return target, count


# lines that are no function of NumPy's


def written(function: Callable[..., Column]) -> Callable[[Sequence[Column], object, Column], None]:
    """A function that is called for every row, with its result put where it belongs."""

    def rule(given: Sequence[Column], _what: object, out: Column) -> None:
        out[...] = function(*given)

    return rule


def select(given: Sequence[Column], _what: object, out: Column) -> None:
    mask, then, otherwise = given  # products are several times faster than a masked copy
    np.copyto(out, mask)
    np.multiply(out, then, out=out)
    np.add(out, np.multiply(otherwise, ~mask), out=out)


def gate(given: Sequence[Column], _what: object, out: Column) -> None:
    np.copyto(out, given[0])
    np.multiply(out, given[1], out=out)


def largest(given: Sequence[Column], _what: object, out: Column) -> None:
    np.maximum(given[0], given[1], out=out)
    for column in given[2:]:
        np.maximum(out, column, out=out)


def smallest(given: Sequence[Column], _what: object, out: Column) -> None:
    np.minimum(given[0], given[1], out=out)
    for column in given[2:]:
        np.minimum(out, column, out=out)


def share(given: Sequence[Column], what: object, out: Column) -> None:
    assert isinstance(what, tuple)
    k, times = what
    np.copyto(out, np.equal(given[1 + k], given[0]))  # ties are suspects
    if times[k] > 1:
        np.divide(out, times[k], out=out)


NUMBER_RULES: dict[str, Callable[[Sequence[Column], object, Column], None]] = {
    "select": select, "gate": gate, "max": largest, "min": smallest, "share": share,
}  # fmt: skip

MASK_RULES: dict[str, Callable[[Sequence[Column], object, Column], object]] = {
    "compare": lambda given, what, out: COMPARISONS[str(what)](*given, out=out),
    "not": lambda given, _, out: np.logical_not(given[0], out=out),
    "and": lambda given, _, out: np.logical_and(given[0], given[1], out=out),
    "or": lambda given, _, out: np.logical_or(given[0], given[1], out=out),
    "nonzero": lambda given, _, out: np.not_equal(given[0], 0, out=out),
}
