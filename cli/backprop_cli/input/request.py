"""What the user gives: a program, a point, and what is wanted of them."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from backprop_grammar.answers import DIGITS, MOST_DIGITS, no_arrays
from backprop_grammar.blocks.names import Names
from backprop_grammar.errors import BackpropError, Source, few, shorten, usage, visible
from backprop_grammar.language.graph import Array
from backprop_grammar.language.parser import plain_name
from backprop_grammar.library import Program, Trace
from backprop_grammar.passes.run import MAX_PRECISION
from backprop_grammar.trace.record import Note

from .point import constant, fit, pieces, read_point, value_of
from .texts import is_file, piped, read_text, text_is_waiting

if TYPE_CHECKING:
    from backprop_grammar.array_answers import ArrayTrace

__all__ = ["Request", "number_option"]

NAME_OF_PROGRAM = r"(?i:@.*|[^#;\n]*\.bp)"
"""An argument that names a file, be it there or not."""
PATH = r"\.{0,2}[/\\]?([\w-]+[/\\])*[\w-]+\.(txt|text|py|md|json|csv)"
"""An argument that may have been meant as a file."""
BINDING = r"\s*([^\W\d]\w*)\s*=(?!=)\s*"
ONE = r"\s*([^\W\d]\w*)\s*=\s*[-+]?[0-9.]+\s*"


class Request(NamedTuple):
    """What the options of a command want to be differentiated; their texts as they were given."""

    text: str | None
    file: Path | None
    at: list[str] | None
    wrt: list[str] | None = None
    output: str = ""
    upstream: str = "1"
    expand: list[str] | None = None
    fold: list[str] | None = None
    precision: int | None = None
    digits: int | None = DIGITS
    decimals: int | None = None
    seed: int = 0
    random: int | None = None

    def read(
        self, bound: Iterable[str] = (), arrays: bool = False, several: bool = False
    ) -> tuple[Program, dict[str, Any], list[Note]]:
        """The program, its point as far as it is given, and notes on what was left aside.

        bound: names that get values otherwise than by --at. arrays: whether vectors and matrices
        are taken. several: whether more than one output is.

        Raises BackpropError for options that contradict each other, and for wrong texts.
        """
        if self.precision is not None and not 1 <= self.precision <= MAX_PRECISION:
            raise usage(f"--precision takes 1 to {MAX_PRECISION} digits, not {self.precision}")
        if self.decimals is not None and not 0 <= self.decimals <= MOST_DIGITS:
            raise usage(f"--decimals takes 0 to {MOST_DIGITS} decimals, not {self.decimals}")
        if self.decimals is not None and self.digits not in (None, DIGITS):
            raise usage("--decimals and --digits are two ways to show numbers", "give one of them")
        if self.digits is not None and not 1 <= self.digits <= MOST_DIGITS:
            raise usage(f"--digits takes 1 to {MOST_DIGITS} digits, not {self.digits}")
        self.check_input()
        program = self.program()
        point = read_point(self.at or [], self.seed)
        program.record = program.record.bind([*point.values, *bound])
        alone = self.text and "=" in self.text and re.fullmatch(ONE, self.text)
        try:
            at, notes = fit(program.record, point)
        except BackpropError as error:
            if not alone:
                raise
            hint = f'the program is {alone[0].strip()}; a formula comes first: "x*y" x=3 y=4'
            raise error.replace(hint=hint) from None
        if self.random is not None:
            at = self.with_random(program, at)
        if not several and "," in self.output:
            raise usage("--output names several, and this command takes one", "name one of them")
        if not arrays and (program.record.arrays or any(isinstance(x, Array) for x in at.values())):
            raise no_arrays("this command")
        if alone and text_is_waiting():
            about = f"the program is {alone[0].strip()}, and standard input is not read"
            advice = f"write - {alone[0].strip()} for a program from there"
            notes.append(Note("unused", alone[1], f"{about}; {advice}"))
        return program, at, notes

    def with_random(self, program: Program, at: dict[str, Any]) -> dict[str, Any]:
        """The point of --random: random numbers for what is declared and has no value."""
        assert self.random is not None
        if self.random < 0:
            raise usage(f"--random takes a whole number from 0, not {self.random}")
        if not program.record.declared:
            raise usage(
                "--random is for declared variables", "declare their shapes: W: 3x4; x: 4; ..."
            )
        from backprop_grammar.arrays.constants import drawn  # which few programs need

        return at | drawn(program.record, at, self.random)

    def program(self) -> Program:
        """The program: a text, or a file of that name where it is none."""
        if self.seed < 0:
            raise usage(f"--seed takes a whole number from 0, not {self.seed}")
        source = read_program(self)
        try:
            return Program(source.text, source.name, self.seed)
        except BackpropError as error:
            if self.text is None or source.text != self.text:
                raise
            if not is_file(self.text):
                raise advised(error, self.text) from None
        return Program(read_text(self.text), self.text, self.seed)

    def check_input(self, points: Sequence[str] = ()) -> None:
        """Raise BackpropError where standard input is read twice; points: files of them."""
        at = len(re.findall(r"(?:^|=)@-(?=[,;\s]|$)", "\n".join(self.at or []), re.MULTILINE))
        if at + [self.text, str(self.file), *points].count("-") > 1:
            other = "points" if points else "point"
            hint = f"give the program or the {other}, not both, through -"
            raise usage("standard input is read once", hint)

    def figures(self) -> dict[str, Any]:
        """The arguments that say how numbers are shown."""
        return {"decimals": self.decimals, "digits": self.digits if self.decimals is None else None}

    def views(self) -> dict[str, Any]:
        """The arguments that say which nodes are wanted, and how they are grouped.

        Raises BackpropError where an option names nothing, and where --output names a file.
        """
        if any(sign in self.output for sign in "./\\"):
            hint = f"write -o {shorten(visible(self.output))} for a file"
            raise usage("--output is for the name of a stage", hint)
        return {
            "wrt": names(self.wrt, "--wrt"),
            "output": self.output.strip(),
            "expand": names(self.expand, "--expand"),
            "fold": names(self.fold, "--fold"),
        }

    def trace(self, limit: int | None = None) -> Trace:
        """The trace, without its nodes where the program has more than a limit."""
        trace = self.traced(*self.read(), limit)
        assert isinstance(trace, Trace)  # as no arrays are taken
        return trace

    def trace_of_any(self, limit: int | None = None, several: bool = False) -> "Trace | ArrayTrace":
        """The same of a program that may be over vectors and matrices, and have several outputs."""
        return self.traced(*self.read(arrays=True, several=several), limit)

    def traced(
        self,
        program: Program,
        at: dict[str, Any],
        notes: list[Note],
        limit: int | None = None,
    ) -> "Trace | ArrayTrace":
        try:
            trace = program.at(
                at,
                upstream=self.arriving(),
                precision=self.precision,
                nodes=limit is None or len(program.record) <= limit,
                **self.figures(),
                **self.views(),
            )
        except BackpropError as error:
            if error.reason != "upstream":
                raise
            source = Source(self.upstream, "--upstream", inline=True)
            message = error.message.replace("the upstream gradient", "--upstream")
            span = (0, len(self.upstream))
            raise error.replace(message=message, source=source, span=span) from None
        trace.record = replace(trace.record, notes=(*notes, *trace.notes))
        return trace

    def arriving(self) -> Any:
        """The gradient of --upstream: a number, an array, or `ones`; by name for several outputs."""
        text = self.upstream
        if not re.match(BINDING, text):
            return self.one_arriving(0, len(text))
        found: dict[str, Any] = {}
        for start, end in pieces(text):
            head = re.match(BINDING, text[start:end])
            if head is None:
                shown = shorten(visible(text[start:end].strip()))
                raise usage(
                    f"{shown} of --upstream has no name", 'write --upstream "p=[1,2],q=ones"'
                )
            name = plain_name(head[1])
            if name in found:
                raise usage(f"--upstream gives {shorten(name)} twice", "give each output one")
            found[name] = self.one_arriving(start + head.end(), end)
        return found

    def one_arriving(self, start: int, end: int) -> float | Array | str:
        """The same of one output, from a part of the option."""
        text = self.upstream[start:end].strip()
        if text == "ones":
            return text
        if text.startswith("@"):
            from .arrays import read_array  # only where an array is in a file

            return read_array(text[1:])[0]
        if "[" in text or "(" in text:
            source = Source(self.upstream, "--upstream", inline=True)
            value = value_of(source, start, end, "--upstream", self.seed)
            if isinstance(value, Array):
                return value
        return number_option(text, "--upstream")

    def trace_or_outline(
        self, check_size: Callable[[int], None] | None = None
    ) -> "Trace | ArrayTrace":
        """The trace; without --at, where values are missing, the outline alone.

        check_size: takes how many nodes will be seen at least, before the work starts.
        Raises BackpropError where vectors and matrices have no point, which says how large they are.
        """
        program, at, notes = self.read(arrays=True)
        graph = program.record
        if check_size and not self.fold:
            seen = Names(graph)
            needed = graph.needed(seen.find(self.output) if self.output else graph.output)
            check_size(sum(needed[node] and node not in graph.constants for node in seen.of))
        if self.at or graph.variables.keys() <= at.keys():
            return self.traced(program, at, notes)
        if graph.arrays:
            missing = few([name for name in graph.variables if name not in at])
            message = "without a point it is not known how large the vectors and matrices are"
            raise usage(message, f"give a value to {missing}, such as --at x=[1,2],W=[1,2;3,4]")
        if self.upstream != "1":
            raise usage("--upstream is a number, and without a point there are none", "add --at")
        return program.outline(**self.figures(), **self.views())


def number_option(text: str, name: str) -> float:
    """The value of an option that takes a number or a constant expression.

    Raises BackpropError of kind usage unless it is a finite number.
    """
    try:
        return constant(Source(text, name, inline=True), 0, len(text), name)
    except BackpropError as error:
        hint = f"{name} takes a finite number, such as 0.1 or 1/3"
        raise error.replace(kind="usage", hint=hint, reason="") from None


def names(options: list[str] | None, option: str) -> list[str]:
    """The names in options such as `--wrt w0,w1`, which may be repeated."""
    result = [
        name for text in options or [] for name in re.split(r"[\s,;]+(?![^\[]*\])", text) if name
    ]
    if options and not result:
        raise usage(f"{option} names nothing", f"write {option} NAME, or leave it out")
    return result


def read_program(request: Request) -> Source:
    """The program's text from the argument, a file, or standard input (`-`, or a pipe).

    Raises BackpropError where there is none, or two, and for a file that cannot be read.
    """
    text, file = request.text, request.file
    if text is not None and file is not None:
        raise usage("a program and a --file are two programs", "give one of them")
    if text and (text[0] == "@" or "." in text) and re.fullmatch(NAME_OF_PROGRAM, text):
        file = Path(text)
    if file is not None:
        return Source(read_text(str(file)), "standard input" if str(file) == "-" else str(file))
    if text == "-":
        return Source(read_text("-"), "standard input")
    if text is None:
        read = "@-" not in (request.at or []) and piped()
        piece = read_text("-") if read else ""
        if not piece.strip():
            hint = 'write a formula, such as "x*y"; --help has examples'
            raise usage("no program is given", hint)
        return Source(piece, "standard input")
    return Source(text.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def advised(error: BackpropError, text: str) -> BackpropError:
    """The error of a program, with what may have been meant by an argument that is none."""
    if re.fullmatch(PATH, text):
        return error.replace(hint="there is no file of that name either", reason="")
    if len(text) > 1 and text[0] == text[-1] == "'":
        return error.replace(hint="some shells take double quotes only", reason="")
    return error
