"""What is kept of a run: a selection of its steps that stays small, and its flags and notes.

Nobody knows beforehand how long a run gets. So every step is kept at first, and whenever there
are too many, every other one is let go and from then on only such ones are kept: the selection
is even at any moment, and a run of a million steps needs the memory of a thousand.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from ..errors import BackpropError, few
from ..numbers.decimal import short_number
from ..trace.record import Flag, Note
from .descend import End, Plan, Step, at_step, descend

__all__ = ["OF_THE_PROGRAM", "ROWS", "Trajectory", "landmark"]

ROWS = 1000
"""The most steps that a trajectory keeps."""
NUMBERS = 200_000
"""About how many inputs these may have together; a point with many is kept less often."""
FEWEST = 100

OF_THE_PROGRAM = ("spelling", "shadowed", "unused")
"""Notes that hold at every step."""


@dataclass(slots=True, repr=False)
class Trajectory:
    """A run as far as it got: its first step, its last, and an even selection between them.

    It is an iterator, which takes the steps and gives each of them, the start first.

    predicted: the sum of the changes that the gradients predicted. stride: between the kept
    steps; the landmarks 1, 2, 5, 10, 20, 50, ... are kept besides. end: why it ended;
    interrupted until there are no more steps. asides: notes from before the run. files: what the
    rows of a mean come from. tally: by kind and node, the first note of the steps, how many there
    were, and the step of the first. again: plans it anew; it is pickled as that, and how far it got.
    overall: where steps look at batches, its ends over all rows, by their numbers. counts: the rows
    that are right at a step.
    """

    plan: Plan
    asides: tuple[Note, ...] = ()
    files: tuple[str, ...] = ()
    limit: int = 0
    stride: int = 1
    kept: list[Step] = field(default_factory=list)
    last: Step | None = None
    predicted: float = 0.0
    end: End = field(default_factory=lambda: End("interrupted"))
    tally: dict[tuple[str, str], tuple[Note, int, int]] = field(default_factory=dict)
    steps: Generator[Step, None, End] = field(init=False, compare=False)
    again: Callable[[], "Trajectory"] | None = field(default=None, compare=False)
    overall: dict[int, Step] = field(default_factory=dict, compare=False)
    counts: dict[int, int | None] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        self.steps = descend(self.plan)
        self.limit = self.limit or max(FEWEST, min(ROWS, NUMBERS // max(1, len(self.plan.at))))

    def __repr__(self) -> str:
        if self.last is None:
            point = few([f"{name} = {short(x)}" for name, x in self.plan.at.items()])
            return f"before the start, at {point}"
        texts = [f"{name} = {short(x)}" for name, x in self.last.at.items()]
        point = few(texts) if self.plan.elements is None else ", ".join(texts)
        place, value = at_step(self.last.number), short_number(self.last.value)
        return f"{place}: {self.plan.output} = {value} at {point}"

    def __reduce__(self) -> tuple[Any, ...]:
        if self.again is None:
            raise TypeError("a run is pickled where a program planned it, as Program.descent does")
        taken = 0 if self.last is None else self.last.number + 1
        return retaken, (self.again, taken, self.end.reason != "interrupted")

    def __iter__(self) -> "Trajectory":
        return self

    def __next__(self) -> Step:
        try:
            step = self.plan.shown(next(self.steps))
        except StopIteration as stop:
            self.end = stop.value or self.end  # which is said once
            raise
        self.keep(step)
        return step

    def keep(self, step: Step) -> None:
        """Take a step in, and thin the selection where it outgrows the limit."""
        self.predicted += step.predicted
        self.last = step
        for note in step.notes:
            # Which node loses digits changes from step to step; a kink is one node's own.
            key = note.kind, "" if note.kind == "precision" else note.node
            first, times, number = self.tally.get(key, (note, 0, step.number))
            self.tally[key] = first, times + 1, number
        if not self.marked(step.number):
            return
        self.kept.append(step)
        while len(self.kept) >= self.limit and self.stride <= step.number:
            self.stride *= 2
            self.kept = [one for one in self.kept if self.marked(one.number)]

    def marked(self, number: int) -> bool:
        return number % self.stride == 0 or landmark(number)

    @property
    def rows(self) -> list[Step]:
        """The steps that are kept, the first and the last among them; at most ``limit``."""
        if self.last is None or self.kept[-1] is self.last:
            return self.kept
        return [*self.kept, self.last]

    @property
    def start(self) -> Step:
        """The point from which the run started."""
        return self.kept[0]

    @property
    def final(self) -> Step:
        """The point that it reached."""
        assert self.last is not None
        return self.last

    @property
    def began(self) -> Step:
        """The start over all rows, where steps look at batches."""
        return self.over_all(self.start)

    @property
    def reached(self) -> Step:
        """The point that it reached over all rows, as ``began``."""
        return self.over_all(self.final)

    def over_all(self, step: Step) -> Step:
        """A step over all rows; where it has no value there, as it is, with a flag."""
        plan = self.plan
        if plan.batches is None:
            return step
        if step.number not in self.overall:
            assert plan.everywhere is not None
            point = step.at if plan.elements is None else plan.elements.flat(step.at)
            try:
                found = plan.shown(plan.everywhere(step.number, {**plan.at, **point}, False))
            except BackpropError as error:
                message = (
                    f"over all rows there is no value at {at_step(step.number)}: {error.message}"
                )
                flag = Flag("steps", "undefined", "", plan.output, message)
                found = replace(step, flags=(*step.flags, flag))
            self.overall[step.number] = found
        return self.overall[step.number]

    @property
    def right(self) -> int | None:
        """How many rows a classifier gets right at the point that it reached; None of others."""
        plan = self.plan
        if plan.right is None or self.last is None:
            return None
        if self.last.number not in self.counts:
            self.counts[self.last.number] = plan.right(self.last.at)
        return self.counts[self.last.number]

    @property
    def actual(self) -> float:
        """How far the output went: the difference of its two values as floats."""
        return self.reached.value - self.began.value + 0.0

    @property
    def flags(self) -> tuple[Flag, ...]:
        """What ended the run too early, or does not exist at its last point."""
        found = self.end.flags
        if self.plan.batches is not None and self.last is not None:
            found = tuple(dict.fromkeys((*found, *self.reached.flags)))
        if self.plan.elements is None:
            return found
        from ..arrays.record import path_of  # which numbers do not need

        return tuple([flag._replace(path=path_of(flag.path)) for flag in found])

    @property
    def notes(self) -> tuple[Note, ...]:
        """The remarks on the run: each kink and the like once, with how often it occurred."""
        notes = [*self.asides]
        for note, times, number in self.tally.values():
            if note.kind in OF_THE_PROGRAM or self.final.number == 0:
                notes.append(note)
            else:
                often = "" if times == 1 else f"at {times:,} steps, first "
                where = f"{often}at {at_step(number)}"
                notes.append(note._replace(message=f"{note.message} ({where})"))
        if self.end.reason == "interrupted":
            place = at_step(self.final.number)
            message = f"interrupted at {place}, of {self.plan.steps:,} asked for"
            notes.append(Note("interrupted", "", message))
        return (*notes, *self.end.notes)


def short(value: Any) -> str:
    """A value of a point: of an array its text on a line."""
    if isinstance(value, float):
        return short_number(value)
    from ..arrays.elements import tensor  # which numbers do not need
    from ..arrays.text import inline  # likewise

    return inline(tensor(value), 6)


def retaken(again: Callable[[], Trajectory], steps: int, ended: bool) -> Trajectory:
    """A run with its steps taken anew; ended: up to its end."""
    run = again()
    for _ in islice(run, None if ended else steps):
        pass
    return run


def landmark(number: int) -> bool:
    """Whether a number of a step is 1, 2 or 5 times a power of ten."""
    return str(number).rstrip("0") in ("1", "2", "5")
