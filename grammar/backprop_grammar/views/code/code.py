"""Derivatives as source files of other languages.

Languages differ in how they spell a function, a number and a choice, so each is a row of spellings
(NAME.py) under one printer; names and comments are made safe here, once.
"""

import keyword
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import cast

from ...derivatives.derive import Derivative
from ...derivatives.formulas import Formulas
from ...errors import BackpropError, shorten, usage, visible
from ...operations.table import OPERATIONS
from .doubles import Holds, off
from .statements import Lines, lacks
from .target import Target

__all__ = [
    "ARRAY_TARGETS",
    "TARGETS",
    "Code",
    "arguments_of",
    "code_of",
    "comment",
    "helpers",
    "python_words",
    "remarks",
    "safe",
    "scalars_only",
    "unlike",
    "words",
]

TARGETS = ("python", "numpy", "jax", "torch", "c", "javascript")
"""The languages and libraries, each a row in the file ``NAME.py``."""

ARRAY_TARGETS = ("numpy", "jax", "torch")
"""Those that have vectors and matrices."""

TOLERANCE = 1e-12
"""Of the numbers at a point, relative to what they should be; absolute where that is 0."""

LOSS = 1e-3
"""What is left of the operands of a sum where its digits are worth a word."""

LONGEST = 2_000
"""Characters of a program that are repeated in a comment; a longer one is cut."""


@dataclass(frozen=True, slots=True)
class Code:
    """A derivative in a target, for the file around it.

    function: its name. arguments: its variables and what they are called. statements: name and
    text. results: what a derivative is taken by, and its name; value: the output's, or "". inside:
    the name of what says whether there is a value, or ""; tests: names of conditions. helpers:
    sources of functions. point: the arguments' values, where the file can test itself. renamed:
    names of the program that could not stay.
    """

    target: Target
    formulas: Formulas
    function: str
    arguments: dict[str, str]
    statements: tuple[tuple[str, str], ...]
    results: dict[tuple[str, ...], str]
    value: str
    inside: str
    tests: frozenset[str]
    helpers: tuple[str, ...]
    point: tuple[float, ...] | None
    renamed: dict[str, str]

    @property
    def checks(self) -> list[tuple[str, tuple[str, ...], float]]:
        """Names, what they are taken by, and the numbers they must have at the point."""
        formulas = self.formulas
        own: list[tuple[str, tuple[str, ...], float | None]] = []
        if self.value:
            own.append((formulas.derivative.output, (), formulas.value))
        own += [(n, by, formulas.numbers.get(n)) for by, n in formulas.derivative.results.items()]
        return [(name, by, number) for name, by, number in own if number is not None]

    @property
    def missing(self) -> list[str]:
        """The derivatives that have no number at the point."""
        return sorted(name for name, number in self.formulas.numbers.items() if number is None)

    @property
    def tested(self) -> tuple[float, ...] | None:
        """The point, if every number exists there."""
        return self.point if self.checks and not self.missing else None

    def guarded(self, name: str) -> str:
        """A number by its name, or nan where the program has no value."""
        if not self.inside:
            return name
        nan = self.target.constants["nan"]
        return self.target.choice.format(test=self.inside, then=name, otherwise=nan)

    def free(self, *names: str) -> tuple[str, ...]:
        """Names of the file's own that nothing else has."""
        taken = {self.function, *self.arguments.values(), *(name for name, _ in self.statements)}
        return tuple(unlike(name, taken) for name in names)


def scalars_only(target: str) -> BackpropError:
    """The error for a program over arrays in a language without them."""
    *names, last = ARRAY_TARGETS
    return usage(f"{target} has no vectors and matrices", f"choose {', '.join(names)} or {last}", reason="scalars only")  # fmt: skip


def row_of(target: str) -> Target:
    row: Target = import_module(f".{target}", __package__).TARGET
    return row


def code_of(target: Target, formulas: Formulas) -> Code:
    """A derivative in a target.

    Raises BackpropError where the target lacks a function, and where there is a point at which what
    would be written computes another number.
    """
    derivative = formulas.derivative
    tape = derivative.tape
    check(target, derivative)
    variables = arguments_of(derivative)
    stages = [stage.name for stage in derivative.stages]
    reserved = words(target)
    called = safe([*variables, *stages], reserved)
    arguments = {name: called[name] for name in variables}
    names = {node: called[name] for node, name in tape.names.items() if name in called}
    function = unlike(derivative.output, reserved | set(arguments.values()), target.claimed)
    taken = {function, *called.values(), *reserved}
    like = called[variables[0]] if variables else ""
    point = point_of(formulas, variables)
    at = dict(zip(arguments.values(), point or (), strict=False))
    lines = Lines(target, tape, names, taken, like, at)
    results = {by: called[name] for by, name in derivative.results.items()}
    value = called[derivative.value] if derivative.value else ""
    last = {*results.values(), value} - {""}
    for stage in derivative.stages:
        own = tape.names.get(stage.node, stage.name)
        name, alias = called[stage.name], called[own] if own != stage.name else ""
        lines.stage(name, stage.node, alias, name in last)
    inside, holds = "", cast(Holds, True)
    if derivative.domain and target.both:
        inside, holds = lines.domain(derivative.domain, derivative.choices)
    renamed = {old: new for old, new in called.items() if old != new}
    if function != derivative.output:
        renamed[f"{derivative.output}()"] = f"{function}()"
    code = Code(
        target=target,
        formulas=formulas,
        function=function,
        arguments=arguments,
        statements=tuple(lines.live({*last, inside})),
        results=results,
        value=value,
        inside=inside,
        tests=frozenset(lines.tests),
        helpers=tuple(helpers(target.helpers, lines.used)),
        point=point,
        renamed=renamed,
    )
    return code if point is None else tried(code, lines, holds)


def tried(code: Code, lines: Lines, holds: Holds) -> Code:
    """The code, if what is written gives the numbers at the point. Raises BackpropError else."""
    numbers = {(): code.value} | code.results
    for name, by, expected in code.checks:
        found = lines.values.get(numbers[by]) if holds is True else holds
        if not isinstance(found, tuple):
            raise unable(name, str(found), lines)
        worst = off(found, expected, TOLERANCE)
        if worst is not None:
            raise unable(name, f"the code gives {worst!r}, not {expected!r}", lines)
    raised = [name for name, _ in code.statements if name in lines.broken]
    if code.target.lazy and raised and not code.missing:
        raise unable(code.formulas.derivative.output, lines.broken[raised[0]], lines)
    return code


def unable(name: str, why: str, lines: Lines) -> BackpropError:
    """The error for a number that plain doubles do not give at a point."""
    part, left = lines.loss
    where = f"; most digits are lost in {shorten(part)}" if left < LOSS else ""
    return BackpropError(
        "precision",
        f"code in plain doubles does not compute {shorten(name)} at this point: {why}{where}",
        hint="write the formula in another way, or ask for the code without a point",
    )


def words(target: Target) -> frozenset[str]:
    """The names that mean something in a file: words of the language, and what it calls."""
    calls = (target.spelling(operation) for operation in OPERATIONS.values())
    return target.reserved | set(target.helpers) | {re.split(r"\W", call)[0] for call in calls}


def arguments_of(derivative: Derivative) -> list[str]:
    """The variables that the stages are computed from, and those that were asked for."""
    used = {*derivative.variables, *(name for by in derivative.results for name in by)}
    return [name for name in derivative.tape.variables if name in used]


def point_of(formulas: Formulas, variables: Iterable[str]) -> tuple[float, ...] | None:
    """The variables' values, if all are given."""
    at = formulas.at
    if at is None or not all(name in at for name in variables):
        return None
    return tuple(at[name] for name in variables)


def check(target: Target, derivative: Derivative) -> None:
    """Raise BackpropError for the first operation that a target cannot write."""
    tape = derivative.tape
    for node in derivative.reached:
        operation, count = tape.operations[node], len(tape.operands[node])
        if not operation.leaf and lacks(target, operation, count):
            able = [name for name in TARGETS if not lacks(row_of(name), operation, count)]
            raise BackpropError(
                "name",
                f"{target.name} has no {operation.name}",
                hint=f"the formats that have it are {', '.join(['text', 'latex', 'json', *able])}",
            )


def helpers(sources: dict[str, str], used: set[str]) -> list[str]:
    """The functions that the file brings along: those used, and those that these use."""
    pending, found = sorted(used & sources.keys()), set()
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += set(re.findall(r"\w+", sources[name])) & sources.keys()
    return [source for name, source in sources.items() if name in found]


# Names


def safe(names: Iterable[str], reserved: Iterable[str]) -> dict[str, str]:
    """Names and what they are called: a reserved one ends in another _."""
    names, taken = list(dict.fromkeys(names)), set(reserved)
    result: dict[str, str] = {}
    free = {name for name in names if name not in taken and unmarked(name) == name}
    for name in names:
        result[name] = name if name in free else unlike(name, taken | free)
        taken.add(result[name])
    return result


def unmarked(name: str) -> str:
    """The name, without a beginning by which languages mark what is theirs: __LINE__, _Bool."""
    return f"v{name}" if re.match("_[_A-Z]", name) else name


def unlike(name: str, taken: Iterable[str], claimed: str = "") -> str:
    """The name, with as many _ as make it another than those taken or of a claimed pattern."""
    name = unmarked(name)
    while name in taken or re.fullmatch(claimed, name):
        name += "_"
    return name


def python_words() -> frozenset[str]:
    """The names that mean something in Python wherever they stand."""
    import builtins

    return frozenset([*keyword.kwlist, *dir(builtins)])


# Comments


def comment(code: Code, *does: str) -> list[str]:
    """What the file is: lines without characters that could end a comment or a line."""
    formulas = code.formulas
    lines = remarks(formulas.author, formulas.program, does, code.renamed)
    if code.point is not None and code.missing:
        lines.append(f"Not tested: at the point there is no number for {', '.join(code.missing)}.")
    return lines


def remarks(author: str, program: str, does: Iterable[str], renamed: dict[str, str]) -> list[str]:
    """The lines of such a comment: whose the file is, the program, what it does."""
    if len(program) > LONGEST:
        program = f"{program[:LONGEST]}..."
    lines = [f"Written by {author} for the program", ""]
    lines += [f"    {visible(line)}" for line in program.splitlines()]
    lines += ["", *does]
    if renamed:
        told = ", ".join(f"{old} is {new} here" for old, new in renamed.items())
        lines.append(f"Renamed: {told}.")
    return [line.rstrip() for line in lines]
