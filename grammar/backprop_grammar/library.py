"""Programs, traces and formulas as Python and notebooks see them.

    import backprop_grammar as bp

    t = bp.Program("f = sigmoid(w*x + b)").at(w=2, x=-1, b=0.5)
    t.value, t.gradients["w"], t["n1"].upstream

Thin classes over the records of the other packages: they check what they are given, ask, and hand
on what they get.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from .answers import (
    DIGITS,
    MOST_POINTS,
    MOST_SEED,
    Evaluated,
    Explanation,
    Names,
    Report,
    Sheets,
    checked,
    chosen,
    figures,
    joined,
    listed,
    named,
    no_arrays,
    numbers,
    once,
    rendered,
    whole,
    with_rules,
)
from .blocks.names import Names as NodeNames
from .errors import BackpropError, shorten, suggestion, usage
from .language.graph import Array, Graph, as_array
from .language.parser import parse
from .language.printer import program_text, shape_text
from .numbers.wide import as_float
from .operations.row import Operation
from .operations.table import FUNCTIONS
from .passes.run import MAX_PRECISION
from .trace.evaluate import evaluate, with_limit
from .trace.index import formula, rule_text
from .trace.point import bind, finite, is_array
from .trace.record import Node as NodeRecord
from .trace.record import Trace as TraceRecord

if TYPE_CHECKING:
    from .array_answers import ArrayTrace
    from .batch.evaluator import Evaluator, Mapped
    from .checks.equivalence import Agreement
    from .derivatives.array_formulas import ArrayFormulas
    from .derivatives.formulas import Formulas
    from .descent.trajectory import Trajectory
    from .matrix_answers import Matrix
    from .operations.shape import Shape

__all__ = [
    "Edge",
    "Explanation",
    "Formula",
    "Node",
    "Program",
    "Report",
    "Sheets",
    "Trace",
    "equivalent",
    "functions",
]

Point = Mapping[str, Any]


class Functions(Mapping[str, Operation]):
    """The operations that a program may call, by name: on numbers, then on arrays."""

    def rows(self) -> Mapping[str, Operation]:
        from .operations.structural import STRUCTURAL  # which numbers alone do not need

        return {**FUNCTIONS, **STRUCTURAL}

    def __getitem__(self, name: str) -> Operation:
        return FUNCTIONS[name] if name in FUNCTIONS else self.rows()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.rows())

    def __len__(self) -> int:
        return len(self.rows())


functions: Mapping[str, Operation] = Functions()
"""The rows of the tables of operations that a program may call, by name."""

MOST_STEPS = 10**9
"""The most steps of one descent."""

VIEWS = ("wrt", "expand", "fold")
"""The options that are names of nodes."""


@contextmanager
def many_points() -> Iterator[None]:
    """Around an import that needs NumPy. Raises BackpropError where that is missing."""
    try:
        yield
    except ModuleNotFoundError:
        message = "many points are computed with numpy, which is not installed"
        raise usage(message, "pip install 'backprop-cli[data]'") from None


class Program:
    """A program: stages `name = expression`, separated by `;` or lines; the last is the output."""

    def __init__(self, text: str, name: str = "program", seed: int = 0) -> None:
        """Name: what messages call the text. seed: of its random arrays, such as W = randn(3, 4).

        Raises BackpropError with the place of a mistake.
        """
        self.record = parse(checked(text, "a program"), name=checked(name, "its name"))
        self.seed = whole(seed, "the seed", 0, MOST_SEED)
        if any(array.text for array in self.record.array_inputs.values()):
            from .arrays.constants import settled  # which numbers alone do not need

            self.record = settled(self.record, self.seed)

    def __repr__(self) -> str:
        return program_text(self.record)

    def __reduce__(self) -> tuple[type["Program"], tuple[str, str, int]]:
        return Program, (self.record.source.text, self.record.source.name, self.seed)

    @property
    def inputs(self) -> dict[str, Any]:
        """Its variables, with the values that the program gives them itself; None for the others."""
        graph = self.record
        arrays = {name: array.nested for name, array in graph.array_inputs.items()}
        return {name: arrays.get(name, graph.inputs.get(name)) for name in graph.variables}

    @property
    def stages(self) -> tuple[str, ...]:
        """The names of its stages, an empty one for a last stage without a name."""
        given = {*self.record.inputs, *self.record.array_inputs}
        return tuple([name for name, _ in self.record.stages if name not in given])

    @property
    def functions(self) -> dict[str, tuple[str, ...]]:
        """The functions that it defines, with their parameters."""
        return {name: one.parameters for name, one in self.record.functions.items()}

    def random(self, seed: int = 0, point: Point | None = None, /, **values: Any) -> dict[str, Any]:
        """A point: these values, and random numbers for the other variables that are declared.

        They are normal, of two decimals, in the shapes that `W: 3x4` declares; a seed is a whole
        number. Raises BackpropError where nothing says how large a declared letter is.
        """
        from .arrays import point as arrays  # which numbers alone do not need
        from .arrays.constants import drawn  # as these

        bound, at = arrays.bind(self.record, self.point(point, values, {}))
        found = at | drawn(bound, at, whole(seed, "the seed", 0, MOST_SEED))
        return {name: as_array(value).nested for name, value in found.items()}

    def initial(
        self,
        how: str = "normal",
        point: Point | None = None,
        /,
        *,
        seed: int = 0,
        columns: "Mapping[str, Shape] | None" = None,
        output: str = "",
        **values: Any,
    ) -> dict[str, Any]:
        """Values to begin a training with, for the variables without one, by their declared shapes.

        how: normal, uniform, xavier, he or zeros (see ``arrays.initial``), drawn from the seed; the
        point, given as in ``at``, is that of the others. columns: the shapes of the inputs that are
        data, () of numbers. output: as of ``at``. Raises BackpropError for a variable without a
        declared shape, and where nothing says how large a letter of it is.
        """
        from .arrays import point as arrays  # which numbers alone do not need
        from .arrays.initial import initial  # as these

        bound, at = arrays.bind(self.record, self.point(point, values, {}))
        end = NodeNames(bound).find(named(output, "the output")) if output else bound.output
        varying = {named(name): tuple(shape) for name, shape in (columns or {}).items()}
        seed = whole(seed, "the seed", 0, MOST_SEED)
        found = initial(bound, at, checked(how, "how they begin"), seed, varying, end)
        return {name: as_array(value).nested for name, value in found.items()}

    def needed(self, output: str = "") -> tuple[str, ...]:
        """The inputs that an output depends on: a stage or node; the last stage unless named.

        Raises BackpropError for a name that the program does not have.
        """
        graph = self.record
        end = NodeNames(graph).find(named(output, "the output")) if output else graph.output
        reached = graph.needed(end)
        return tuple([name for name, node in graph.variables.items() if reached[node]])

    def point(self, point: Point | None, values: Point, options: Point) -> dict[str, Any]:
        """The point of a call: a mapping, or keywords, or both.

        options: the keywords that the call takes itself, as far as they were given. Raises
        BackpropError where such a word is also a variable, and for a value that is given twice.
        """
        if point is not None and not isinstance(point, Mapping):
            raise usage(f"the point is of type {type(point).__name__}", 'write {"x": 1.0} or x=1.0')
        if point is None:
            for word in options:
                if word in self.record.variables:
                    raise usage(
                        f"{word} is a variable of the program and a keyword of this call",
                        'give the point as a dict, first: {"' + word + '": 1.0}',
                    )
        return joined(point or {}, values)

    def at(
        self,
        point: Point | None = None,
        /,
        *,
        wrt: Names | None = None,
        output: Names | None = None,
        upstream: Any = None,
        precision: int | None = None,
        expand: Names | None = None,
        fold: Names | None = None,
        nodes: bool | None = None,
        digits: int | None = None,
        decimals: int | None = None,
        **values: Any,
    ) -> "Trace | ArrayTrace":
        """The forward and the backward pass at a point.

        point: a value per input, as a dict or as keywords; an input that the program gives a value
            may be left out. A nested list or one of NumPy's arrays is a vector or a matrix.
        wrt: names of the nodes to differentiate by; the inputs unless given.
        output: the stage or node that is differentiated; the last stage unless given. Of several,
            as "p,q", the sum of each times what arrives at it is differentiated.
        upstream: the gradient that arrives at the output, 1 unless given; of an array, an array of
            its shape, or "ones"; of several outputs, {"p": [1, 2], "q": "ones"}.
        precision: significant decimal digits to compute, up to 1000.
        expand: names of blocks that are shown as their parts, and of nodes over arrays that are
            shown as their elements; "all" is a trace of numbers alone.
        fold: names of blocks, stages and nodes that are shown as one.
        nodes: False for the results alone.
        digits: significant digits of the numbers that are shown, 6 unless given.
        decimals: so many decimals instead, of every number.

        Raises BackpropError for names that the program does not have, for values that are missing
        or no finite numbers, and where the program has no value at the point.
        """
        given: dict[str, Any] = {
            "wrt": wrt, "output": output, "upstream": upstream, "precision": precision,
            "expand": expand, "fold": fold, "nodes": nodes, "digits": digits, "decimals": decimals,
        }  # fmt: skip
        options = {name: value for name, value in given.items() if value is not None}
        given = self.point(point, values, options)
        several = output is not None and (not isinstance(output, str) or "," in output)
        arrays = self.record.arrays or any(map(is_array, (*given.values(), upstream)))
        if arrays or several or isinstance(upstream, Mapping):
            return self.at_arrays(given, options)
        bound, at = bind(self.record, given)
        options |= {name: listed(options[name]) for name in VIEWS if name in options}
        if upstream == "ones":
            options["upstream"] = 1.0
        elif upstream is not None:
            options["upstream"] = finite(upstream, "the upstream gradient")
        end = "" if output is None else named(output, "the output")
        if end:
            options["output"] = end
        if nodes is not None:
            options["nodes"] = chosen(nodes, "nodes")
        if precision is not None:
            options["precision"] = whole(precision, "the precision", 1, MAX_PRECISION)
        asked = {name: options.pop(name) for name in ("digits", "decimals") if name in options}
        shown = figures(**asked)
        again = partial(Program.at, self, at, **options, **asked)
        try:
            return Trace(evaluate(bound, at, **options), shown, again)
        except BackpropError as error:
            raise with_limit(error, bound, at, end) from None

    def at_arrays(self, values: Mapping[str, Any], options: dict[str, Any]) -> "Trace | ArrayTrace":
        """The trace of a program over arrays; options: of ``at``, as they were given."""
        from .array_answers import ArrayTrace  # which programs over numbers do not need
        from .arrays.point import array, bind  # likewise
        from .large.choice import evaluate  # likewise

        again = partial(Program.at, self, values, **options)
        shown = figures(options.pop("digits", None), options.pop("decimals", None))
        bound, at = bind(self.record, values)
        options |= {name: listed(options[name]) for name in VIEWS if name in options}
        if "output" in options:
            options["output"] = listed(options["output"]) or ""
        if "nodes" in options:
            options["nodes"] = chosen(options["nodes"], "nodes")
        if "precision" in options:
            options["precision"] = whole(options["precision"], "the precision", 1, MAX_PRECISION)

        def arriving(value: Any) -> Any:
            if is_array(value):
                return array(value, "the upstream gradient")
            return value if value == "ones" else finite(value, "the upstream gradient")

        upstream = options.pop("upstream", 1.0)
        if isinstance(upstream, Mapping):
            upstream = {named(name): arriving(value) for name, value in upstream.items()}
        else:
            upstream = arriving(upstream)
        if "all" in options.get("expand", ()):
            from .arrays.flattened import in_numbers  # as these

            return Trace(in_numbers(bound, at, upstream=upstream, **options), shown, again)
        return ArrayTrace(evaluate(bound, at, upstream=upstream, **options), shown, again)

    def over_arrays(self, point: Point, shapes: Mapping[str, Any]) -> bool:
        """Whether it is over arrays at a point; shapes: of inputs that vary."""
        return self.record.arrays or any(shapes.values()) or any(map(is_array, point.values()))

    def derives_arrays(self, point: Point) -> bool:
        """Whether its formulas are of arrays: also where, without a point, every sum, mean and the
        like has one operand.
        """
        graph = self.record
        counts = {
            len(given)
            for row, given in zip(graph.operations, graph.operands, strict=True)
            if row.variadic
        }
        return self.over_arrays(point, {}) or (not point and counts == {1})

    def claim(
        self,
        claims: Mapping[str, Any] | None = None,
        /,
        *,
        at: Point | None = None,
        output: str = "",
        upstream: Any = None,
        points: int | None = None,
        seed: int = 0,
        over: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> "Report":
        """Gradients of your own as formulas, `{"x": "2*x*y"}`, judged as functions without a point.

        A formula is over the names of inputs, stages and nodes, and of their gradients: dq, df_dq,
        and `up`, the one that arrives at the node that uses what is claimed.

        at: values of inputs that are not moved.
        output, upstream: as of ``at``.
        points: at how many they are compared, 100 unless given, fewer of large arrays; from the seed.
        over: ranges of inputs, `{"x": (0, 1)}`.

        Raises BackpropError for a name that is none, and where the program has no value at any
        point.
        """
        from .array_answers import ArrayReport  # loaded when it is asked for
        from .checks.formula_claims import judge_formulas  # likewise
        from .checks.report import Report as Record  # likewise

        if points is not None:
            points = whole(points, "points", 1, MOST_POINTS)
        seed = whole(seed, "the seed", 0, MOST_SEED)
        given, asked = self.point(at, {}, {}), joined(claims or {}, more)
        texts = {name: checked(text, f"the claim of {name}") for name, text in asked.items()}
        bound, inputs, fixed, notes = self.sampled(given, output)
        traced = self.again_at(output, upstream)
        judged = judge_formulas(bound, texts, traced, inputs, fixed=fixed, count=points, seed=seed, box=over)  # fmt: skip
        report = Record(
            bound, given, judged.trace.output_name, verdicts=with_rules(judged.trace, judged.verdicts),
            first=judged.first, remarks=(*notes, *judged.notes),
        )  # fmt: skip
        again = partial(
            Program.claim, self, texts, at=at, output=output, upstream=upstream, points=points,
            seed=seed, over=over,
        )  # fmt: skip
        kind = ArrayReport if self.over_arrays(inputs, {}) else Report
        return kind(report, DIGITS, again)

    def again_at(self, output: str, upstream: Any) -> Callable[[Any, str], Any]:
        """A function that traces the program at a point, of this output or the one it is given.

        Where nothing says what arrives at an output that is an array, another number arrives at each
        of its elements.
        """
        arriving: dict[str, Any] = {} if upstream is None else {"upstream": upstream}

        def traced(point: Mapping[str, Any], of: str) -> Any:
            at = {name: as_array(x).nested for name, x in point.items()}
            if of:
                return self.at(at, output=of).record
            try:
                return self.at(at, output=output or None, **arriving).record
            except BackpropError as error:
                if not error.reason.endswith("output") or arriving:
                    raise
            value: Any = self.at(at, output=output or None, upstream="ones").record.value
            from .checks.differences import speed  # loaded when it is asked for

            speeds = tuple([speed(k) for k in range(len(value.numbers))])
            arriving["upstream"] = Array(value.shape, speeds).nested
            return traced(point, of)

        return traced

    def sampled(
        self, given: Mapping[str, Any], output: str
    ) -> "tuple[Graph, dict[str, Any], Collection[str], list[str]]":
        """The program, a value of its shape for every input that is needed, those that are not moved,
        and what is said of shapes that are guessed.
        """
        if not self.derives_arrays(given):
            bound, at = bind(self.record, given)
            needed = {*self.needed(output), *at}
            return bound, {name: at.get(name, 1.0) for name in bound.variables if name in needed}, given, []  # fmt: skip
        from .arrays.lower import shapes_at  # which numbers do not need
        from .arrays.point import bind as bind_arrays  # likewise
        from .derivatives.array_derive import sizes_of  # likewise
        from .operations.shape import size  # likewise

        bound, values = bind_arrays(self.record, given)
        end = NodeNames(bound).find(named(output, "the output")) if output else bound.output
        shapes = {name: as_array(x).shape for name, x in values.items() if name in given}
        declared = bound.declared | {name: shape for name, shape in shapes.items() if shape}
        sizes = sizes_of(replace(bound, declared=declared), None, bound.needed(end))
        letters = dict.fromkeys(
            n for shape in sizes.declared.values() for n in shape if isinstance(n, str)
        )
        small = dict(zip(letters, (2, 3, 4, 5, *range(6, 6 + len(letters))), strict=False))
        inputs: dict[str, Any] = {}
        for name, value in sizes.at.items():
            shape = tuple(
                [n if isinstance(n, int) else small[n] for n in sizes.declared.get(name, ())]
            )
            inputs[name] = (
                Array(shape, (0.0,) * size(shape)).value if name in sizes.declared else value
            )
        inputs |= values
        found, _ = shapes_at(bound, inputs, [end])
        fixed = {name for name, node in bound.variables.items() if node in found.whole or name in given}  # fmt: skip
        guesses = [f"{name}: {shape_text(shape)}" for name, shape in sizes.assumed.items() if shape and name not in given]  # fmt: skip
        notes = [f"these shapes are guessed: {'; '.join(guesses)}; declare those that differ"] if guesses else []  # fmt: skip
        return bound, inputs, fixed, notes

    def of_numbers(self, what: str) -> Graph:
        """The program, for what is not built for arrays. Raises BackpropError where it has some."""
        if self.record.arrays:
            raise no_arrays(what)
        return self.record

    def outline(
        self,
        *,
        wrt: Names = (),
        output: str = "",
        expand: Names = (),
        fold: Names = (),
        digits: int | None = None,
        decimals: int | None = None,
    ) -> "Trace":
        """The graph and the local gradients as formulas, without a point: no number is evaluated."""
        from .trace.outline import outline  # loaded when it is asked for

        views: dict[str, Any] = {
            "wrt": listed(wrt), "expand": listed(expand), "fold": listed(fold),
        }  # fmt: skip
        record = outline(
            self.of_numbers("a graph without a point"), output=named(output, "the output"), **views
        )
        asked: dict[str, Any] = {"digits": digits, "decimals": decimals}
        again = partial(Program.outline, self, output=output, **views, **asked)
        return Trace(record, figures(**asked), again)

    def derive(
        self,
        *wrt: str,
        order: int = 1,
        output: str = "",
        along: Mapping[str, Any] | None = None,
        second: bool = False,
        at: Point | None = None,
        code: bool = False,
        upstream: Any = 1.0,
    ) -> "Formula":
        """The derivatives of the output as formulas, by these names or by all inputs.

        order: 1 for the gradient, up to 6. along: the derivative along a direction instead, a
        number per input; of arrays an array, or the name of a new variable; second: the gradient of
        that, the Hessian times the direction. at: a point where the numbers are wanted, too. code:
        for a file in another language, which computes the output beside them. upstream: what
        arrives at an output that is an array: `ones`, or the name of a new variable. Shapes are
        those of the point, or as the program declares them.
        """
        if not self.record.variables:
            raise BackpropError(
                "name",
                "the program has no variables, so there is nothing to derive by",
                hint="write a name where the number may change",
            )
        names = [name for given in wrt for name in listed(given)]
        return Formula(self, names, output, order, along, second, at, code, upstream)

    def quiz(
        self,
        point: Point | None = None,
        /,
        *,
        seed: int = 0,
        count: int = 1,
        first: int = 1,
        blank: Names = "gradients",
        corners: bool = False,
        title: str = "",
        **values: Any,
    ) -> Sheets:
        """Sheets with blanks, whose numbers are drawn so that a person can do them by hand.

        The inputs that are given are not drawn. seed: of the numbers; count: how many sheets, the
        first of them numbered ``first``. blank: gradients, values, or both of them. corners: also
        kinks, ties and dead branches. Raises BackpropError where no numbers are found.
        """
        from .arrays.point import bind as bind_arrays  # both loaded when they are asked for
        from .quiz.quiz import KINDS, LARGEST_SEED, MOST, quiz  # of this answer alone

        options: dict[str, Any] = {
            "seed": seed,
            "count": count,
            "first": first,
            "title": title,
            "blank": blank,
            "corners": corners,
        }
        defaults = (0, 1, 1, "", "gradients", False)
        own = {k: x for (k, x), usual in zip(options.items(), defaults, strict=True) if x != usual}
        kinds = listed(blank)
        if not kinds or not set(kinds) <= set(KINDS):
            raise usage(
                f"{shorten(repr(blank))} is nothing to leave blank",
                'write "gradients", "values" or "values,gradients"',
            )
        seed = whole(seed, "the seed", 0, LARGEST_SEED)
        count = whole(count, "the number of sheets", 1, MOST)
        first = whole(first, "the number of the first sheet", 1, LARGEST_SEED)
        program, at = bind_arrays(self.record, self.point(point, values, own))
        record = quiz(
            program, at, title=checked(title, "the title"), seed=seed, count=count, first=first,
            blank=tuple([kind for kind in KINDS if kind in kinds]), corners=chosen(corners, "corners"),
        )  # fmt: skip
        again = partial(self.quiz, {**(point or {}), **values}, **options)
        return Sheets(record, DIGITS, again)

    def map(
        self,
        columns: Mapping[str, Any],
        /,
        *,
        wrt: Names = (),
        output: str = "",
        **values: Any,
    ) -> "Mapped":
        """Value and gradients at many points, as NumPy arrays.

        columns: an array per input that varies, all of one length, and numbers of other inputs;
        values: of these, too. The first axis is that of the points: of an input that is a vector,
        an array has two axes, and its gradient, too; among the values, arrays are the same at all
        points. wrt: the inputs to differentiate by; the columns unless given. Needs NumPy.

        Raises BackpropError as ``at`` does, and for columns that are no numbers or of several
        lengths.
        """
        with many_points():
            from .batch.evaluator import columns_of, mapped  # needs NumPy

        if not isinstance(columns, Mapping):
            raise usage("the columns are no dict of arrays", 'write {"x": [1.0, 2.0]}')
        shapes = shapes_of(columns)
        if self.over_arrays({}, shapes):
            given = {name: x for name, x in columns.items() if named(name) not in shapes}
            arrays = {named(name): x for name, x in columns.items() if named(name) in shapes}
            others = joined(given, values)
            once(shapes, others)
            from .arrays.elements import varying  # which numbers do not need
            from .arrays.point import bind as bind_arrays  # likewise
            from .batch.over_arrays import with_classes  # likewise

            bound, at = bind_arrays(self.record.bind(shapes), others)
            arrays, shapes, labels = with_classes(bound, at, arrays, varying(bound, shapes), output)
            by = listed(wrt) or [name for name in shapes if name not in labels]
            return mapped(self.mapper(shapes, others, wrt=by, output=output)(arrays))
        arrays, given = columns_of(joined(columns, values))
        return mapped(self.mapper(list(arrays), given, wrt=wrt, output=output)(arrays))

    def mapper(
        self,
        columns: "Names | Mapping[str, Shape]",
        point: Point | None = None,
        /,
        *,
        wrt: Names | None = None,
        output: str | None = None,
        **values: Any,
    ) -> "Evaluator":
        """The program made ready for many points, of which ``map`` is one call.

        It is called with an array per column, chunk by chunk; each thread needs one of its own.
        columns: the names of the inputs that vary, of arrays with their shapes where the program
        declares none: {"x": (3,)}; the point, given as in ``at``, is that of the others. wrt: the
        nodes to differentiate by; the columns unless given. Needs NumPy.

        Raises BackpropError as ``at`` does.
        """
        with many_points():
            from .batch.evaluator import Evaluator  # needs NumPy

        given = {"wrt": wrt, "output": output}
        options = {name: value for name, value in given.items() if value is not None}
        others = self.point(point, values, options)
        said: Mapping[str, Shape | None]
        said = columns if isinstance(columns, Mapping) else dict.fromkeys(listed(columns))
        names = once(said, others)
        if not names:
            raise usage("no column is named", 'write "x,y" or ["x", "y"]')
        outputs = listed(wrt or ()), named(output or "", "the output")
        shapes = dict(zip(names, said.values(), strict=True))
        again: Any = shapes if any(shapes.values()) else names
        result: Evaluator
        if self.over_arrays(others, shapes):
            from .arrays.elements import varying  # which numbers do not need
            from .arrays.point import bind as bind_arrays  # likewise
            from .batch.over_arrays import EvaluatorOfArrays  # likewise

            bound, values = bind_arrays(self.record.bind(names), others)
            result = EvaluatorOfArrays(bound, varying(bound, shapes), values, *outputs)
        else:
            bound, at = bind(self.record.bind(names), others)
            result = Evaluator(bound, names, at, *outputs)
        result.again = partial(Program.mapper, self, again, others, wrt=outputs[0], output=output)
        return result

    def descent(
        self,
        point: Point | None = None,
        /,
        *,
        rate: float | None = None,
        steps: int | None = None,
        method: str | None = None,
        up: bool | None = None,
        wrt: Names | None = None,
        output: str | None = None,
        rows: Mapping[str, Any] | None = None,
        place: Callable[[int], str] | None = None,
        data: Names | None = None,
        batch: int | None = None,
        seed: int | None = None,
        until: str | None = None,
        **values: Any,
    ) -> "Trajectory":
        """Steps along the gradient from a point, which is given as in ``at``; none is taken yet.

        What is returned takes them as they are asked for, by ``for`` or ``next``, the start first,
        and keeps a selection; the last point is ``.final.at``.

        rate: how far, 0.1 unless given: the change is rate x gradient. steps: how many, 1 unless
        given. method: a row of ``descent.optimisers``, gd unless given. up: ascend. wrt: the
        inputs that are stepped; all that have one value unless given. rows: an array per input
        that is data; what is stepped is then the mean of the output over the rows. place: what
        messages call a row, by its number from 0; `row 1` and so on unless given. data: inputs of
        the point that are held, with a row for each example, where the program takes all examples
        at once. batch: how many rows each step looks at, of a shuffle of all in each epoch; all
        unless given. seed: of these shuffles. until: ends the run early: "gradient<1e-6" (its
        norm), "change<1e-9" (of the output in a step), "value<0.01".

        Raises BackpropError as ``at`` does, for numbers out of range, and for a row that lacks one.
        """
        from .descent.descend import plan  # loaded when it is asked for
        from .descent.trajectory import Trajectory  # loaded when it is asked for

        given: dict[str, Any] = {
            "rate": rate, "steps": steps, "method": method, "up": up, "wrt": wrt, "output": output,
            "rows": rows, "place": place, "data": data, "batch": batch, "seed": seed, "until": until,
        }  # fmt: skip
        options = {name: value for name, value in given.items() if value is not None}
        start = self.point(point, values, options)
        again = partial(Program.descent, self, start, **options)
        if rows is not None and not isinstance(rows, Mapping):
            raise usage("the rows are no dict of arrays", 'write {"x": [1.0, 2.0]}')
        columns = once(rows or (), start)
        bound, at = self.record.bind(columns), start
        shapes = dict.fromkeys(columns, ()) | shapes_of(rows or {})
        arrays = self.over_arrays(start, shapes)
        if arrays:
            from .arrays.point import bind as bind_arrays  # which numbers do not need

            bound, at = bind_arrays(bound, start)
        else:
            bound, at = bind(bound, start)
        for name in ("rows", "place", "data", "batch", "seed"):
            options.pop(name, None)
        if batch is not None:
            whole(batch, "the batch", 1, MOST_STEPS)
            if rows is None and not data:
                raise usage("a batch is of rows, and there are none", 'give rows={"x": [...]}')
        seed = whole(0 if seed is None else seed, "the seed", 0, MOST_SEED)
        if until is not None:
            from .descent.until import until as condition  # loaded when it is asked for

            options["until"] = condition(checked(until, "until"))
        if "wrt" in options:
            options["wrt"] = listed(options["wrt"])
        if rate is not None:
            options["rate"] = finite(rate, "the rate")
        if steps is not None:
            options["steps"] = whole(steps, "steps", 1, MOST_STEPS)
        if up is not None:
            options["up"] = chosen(up, "up")
        if method is not None:
            checked(method, "the method")
        if output is not None:
            options["output"] = named(output, "the output")
        at = {name: value for name, value in at.items() if name not in columns}
        if arrays:
            if rows is not None and not hasattr(rows, "shapes"):
                with many_points():
                    from .batch.over_arrays import with_classes  # likewise

                given = {named(name): column for name, column in rows.items()}
                end = options.get("output", "")
                rows, shapes, _ = with_classes(bound, at, given, shapes, end)
            from .descent.choice import plan_of_arrays  # likewise

            held: dict[str, Any] = {"data": listed(data or ()), "batch": batch or 0, "seed": seed}
            with many_points():
                planned = plan_of_arrays(bound, at, shapes, **held, **options)
        else:
            planned = plan(bound, at, **options)
        if rows is not None:
            with many_points():
                from .descent.objective import mean_over  # needs NumPy

            if not hasattr(rows, "shapes"):
                rows = {named(name): column for name, column in rows.items()}
            planned = mean_over(planned, shapes, rows, place or row_of, batch or 0, seed)
        return Trajectory(planned, again=again)

    def descend(self, point: Point | None = None, /, **options: Any) -> "Trajectory":
        """The steps of ``descent``, which takes the same, to their end."""
        run = self.descent(point, **options)
        for _ in run:
            pass
        return run


def claimed_numbers(claims: Any, more: Mapping[str, Any]) -> dict[str, str]:
    """Claims of numbers as texts. Raises BackpropError for what is none."""
    if claims is not None and not isinstance(claims, Mapping):
        raise usage("the claims are no dict of numbers", 'write {"w": -0.2} or w=-0.2')
    texts = {}
    for name, claimed in joined(claims or {}, more).items():
        if isinstance(claimed, str) and not claimed.strip():
            raise usage(f"the claim of {shorten(name)} is empty", "write a number, such as -0.25")
        number = isinstance(claimed, str) or finite(claimed, f"the claim of {name}")
        texts[name] = claimed.strip() if isinstance(claimed, str) else repr(number)
    return texts


def row_of(number: int) -> str:
    """What a row is called, by its number from 0."""
    return f"row {number + 1:,}"


def shapes_of(columns: Mapping[str, Any]) -> "dict[str, Shape]":
    """The shapes of what stands in the rows of columns, () of numbers, as far as they are columns.

    Columns that are read when they are looked at have ``shapes`` instead.
    """
    if hasattr(columns, "shapes"):
        return dict(columns.shapes)
    found: dict[str, Shape] = {}
    for name, column in columns.items():
        shape: tuple[int, ...] = getattr(column, "shape", ())
        part = column
        while part is column or not hasattr(column, "shape"):
            if not isinstance(part, list | tuple) or not part:
                break
            shape += (len(part),)
            part = part[0]
        if shape or (hasattr(column, "__len__") and not isinstance(column, str | bytes)):
            found[named(name)] = tuple(shape[1:])
    return found


class Edge(NamedTuple):
    """What one edge sends back: upstream x local = contribution.

    operand: the name of the node that receives it. rule: the local gradient as a formula. Numbers
    are None where there is none. routed: False where the node did not select this operand.
    """

    operand: str
    rule: str
    upstream: float | None
    local: float | None
    contribution: float | None
    routed: bool


class Node(NamedTuple):
    """One node of a trace.

    kind: variable, constant, operation or block. operation: what it does; formula: over the names
    of its operands. gradient: of the output by this node, which is also the ``upstream`` of its
    edges; None where nothing is differentiated or there is none. role: distributes, swaps, scales
    or routes.
    """

    name: str
    kind: str
    operation: str
    formula: str
    operands: tuple[str, ...]
    value: float | None
    gradient: float | None
    role: str
    edges: tuple[Edge, ...]

    @property
    def upstream(self) -> float | None:
        """The gradient that arrives at the node, from which its edges hand on."""
        return self.gradient


class Trace(Evaluated[Node]):
    """One forward and one backward pass, with every view of them."""

    record: TraceRecord

    @property
    def point(self) -> dict[str, float]:
        """The value of every input."""
        return dict(self.record.at)

    @property
    def value(self) -> float | None:
        """The value of the output."""
        return as_float(self.record.value)

    @property
    def gradients(self) -> dict[str, float | None]:
        """The gradient of the output by every input; None where there is none, with a flag."""
        return {name: as_float(x) for name, x in self.record.gradients.items()}

    def node(self, node: NodeRecord) -> Node:
        """A node of the record with names for the places of its operands."""
        trace, upstream = self.record, None if node.gradient is None else as_float(node.gradient)
        edges = [
            Edge(
                trace.name(edge.operand), rule_text(trace, node, edge), upstream,
                as_float(edge.local), as_float(edge.contribution), edge.routed,
            )
            for edge in node.edges
        ]  # fmt: skip
        return Node(
            node.name, node.kind, node.operation, formula(trace, node) if node.operation else "",
            tuple([trace.name(k) for k in node.operands]), as_float(node.value), upstream,
            node.role.verb if node.role else "", tuple(edges),
        )  # fmt: skip

    def __repr__(self) -> str:
        from .views.documents.text import trace_text  # loaded when it is asked for

        return trace_text(self.record, self.digits)

    # words

    def explain(self, node: str = "") -> "Explanation":
        """The backward pass in words, a paragraph a node; of one node where it is named."""
        from .explain.narrate import explain  # loaded when it is asked for

        record = explain(self.listed(True), self.digits, named(node, "the node"))
        return Explanation(record, self.digits, partial(Trace.explain, self, node))

    def why(self, node: str) -> "Explanation":
        """Why the gradient of a node is zero, tiny, huge or what it is: the paths it comes along."""
        from .explain.why import why  # loaded when it is asked for

        record = why(self.listed(True), named(node, "the node"), self.digits)
        return Explanation(record, self.digits, partial(Trace.why, self, node))

    # checks

    def check(self) -> "Report":
        """Every gradient beside a difference quotient, and every local gradient beside its own."""
        from .checks.differences import differences  # with it
        from .checks.report import Report as Record  # loaded when it is asked for

        trace = self.listed(evaluated=True)
        report = Record(trace.program, trace.at, self.output, trace.value, differences(trace))
        return Report(report, self.digits, partial(Trace.check, self))

    def claim(
        self,
        claims: Mapping[str, Any] | None = None,
        /,
        *,
        file: Mapping[str, Any] | None = None,
        points: int | None = None,
        seed: int = 0,
        over: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> "Report":
        """Gradients of your own, judged; for a wrong one, the mistake that gives it is named.

        A number that is given as text keeps its digits: `"0.20"` claims two. A name `value.q`
        claims the value of a node. file: claims of a file, which may hold more: what is of no node
        is left aside. A formula, `"2*x*y"`, is judged as a function: here and at other points, of
        which points, seed and over are those of ``Program.claim``.
        """
        from .checks.report import Report as Record  # loaded when it is asked for
        from .diagnosis.claims import is_formula, judge  # loaded when it is asked for

        trace, every = self.listed(evaluated=True), claimed_numbers(claims, more)
        formulas = {name: text for name, text in every.items() if is_formula(text, trace.by_name)}
        texts = {name: text for name, text in every.items() if name not in formulas}
        first: Any = None
        notes = tuple[str, ...]()
        verdicts: tuple[Any, ...]
        if file is None and trace.by_name.keys() >= texts.keys():
            verdicts = judge(trace, texts)
            if sum(not verdict.right for verdict in verdicts) > 1:
                from .diagnosis.number_claims import first_wrong  # which few claims need

                first = first_wrong(trace, verdicts)
        else:
            from .diagnosis.claimed import written  # which few claims need
            from .diagnosis.number_claims import judge_numbers  # as these

            given = {**texts, **(file or {})}
            found = {name: written(one, f"the claim of {name}") for name, one in given.items()}
            verdicts, first, notes = judge_numbers(trace, found, tuple(file or ()))
        verdicts = with_rules(trace, verdicts)
        if formulas:
            judged = self.formulas(formulas, points, seed, over)
            verdicts, first, notes = (*verdicts, *judged.verdicts), judged.first or first, (*notes, *judged.notes)  # fmt: skip
        report = Record(
            trace.program, trace.at, self.output, trace.value, verdicts=verdicts,
            first=first, remarks=notes,
        )  # fmt: skip
        again = partial(Trace.claim, self, every, file=file, points=points, seed=seed, over=over)
        return Report(report, self.digits, again)

    def jacobian(self, of: str, by: str) -> "Matrix":
        """The Jacobian of a node by another one, or an input: a row for each of its elements."""
        from .matrix_answers import jacobian  # loaded when it is asked for

        return jacobian(self, of, by)

    def hessian(self, *wrt: str) -> "Matrix":
        """The Hessian of the output by the elements of these inputs, or of all; 100 at most."""
        from .matrix_answers import hessian  # loaded when it is asked for

        return hessian(self, *wrt)

    # pictures and documents

    def html(self) -> str:
        """A web page that steps through both passes."""
        return self.drawn("pictures.html")

    def json(self) -> str:
        """The trace as one JSON document, the format backprop-trace/1."""
        return rendered("documents.trace_json", self.record, self.digits)


class Formula:
    """Derivatives as formulas: a program of their own, in this language and in others."""

    def __init__(
        self,
        program: Program,
        wrt: Sequence[str] = (),
        output: str = "",
        order: int = 1,
        along: Mapping[str, Any] | None = None,
        second: bool = False,
        at: Point | None = None,
        code: bool = False,
        upstream: Any = 1.0,
    ) -> None:
        """See ``Program.derive``."""
        self.program = program
        self.asked: dict[str, Any] = {
            "wrt": tuple(wrt), "output": output, "order": order, "along": along, "second": second,
            "at": at, "code": code, "upstream": upstream,
        }  # fmt: skip
        self.arrays = program.derives_arrays(at if isinstance(at, Mapping) else {})
        self.record: Any = self.formulas()

    def __reduce__(self) -> tuple[type["Formula"], tuple[Any, ...]]:
        return Formula, (self.program, *self.asked.values())

    def formulas(self) -> "Formulas | ArrayFormulas":
        """The record of what is asked for. Raises BackpropError for questions that make no sense."""
        from .derivatives.derive import MAX_ORDER  # loaded when it is asked for
        from .derivatives.formulas import formulas  # loaded when it is asked for

        asked, bound = dict(self.asked), self.program.record
        order = whole(asked["order"], "the order", 1, MAX_ORDER)
        asked["output"] = named(asked["output"], "the output")
        for name in ("second", "code"):
            asked[name] = chosen(asked[name], name)
        if asked["along"] is not None:
            if not self.arrays:
                asked["along"] = numbers(asked["along"], "the direction")
            if not asked["along"]:
                raise usage("the direction names no input", 'give along={"x": 1.0}')
            if order > 1 or asked["wrt"]:
                raise usage("a direction says by which inputs", "leave out the names and the order")
        elif asked["second"]:
            raise usage("the second derivative is along a direction", 'give along={"x": 1.0}')
        upstream = asked.pop("upstream")
        if self.arrays:
            return self.formulas_of_arrays(asked, upstream)
        if upstream != 1.0:
            raise usage("what arrives at the output of numbers is 1", "leave upstream out")
        if asked["at"] is not None:
            bound, asked["at"] = bind(bound, self.program.point(asked["at"], {}, {}))
        return formulas(bound, **asked)

    def formulas_of_arrays(self, asked: dict[str, Any], upstream: Any) -> "ArrayFormulas":
        """The same of a program over arrays. asked: as it was read."""
        from .arrays.point import array, bind  # which numbers do not need
        from .derivatives.array_formulas import array_formulas  # likewise

        bound = self.program.record
        if asked["at"] is not None:
            bound, asked["at"] = bind(bound, self.program.point(asked["at"], {}, {}))
        if asked["along"] is not None:
            asked["along"] = {
                named(name): x
                if isinstance(x, str)
                else array(x, "the direction")
                if is_array(x)
                else finite(x, "the direction")
                for name, x in asked["along"].items()
            }
        if is_array(upstream):
            upstream = array(upstream, "the upstream gradient")
        elif not isinstance(upstream, str):
            upstream = finite(upstream, "the upstream gradient")
        return array_formulas(bound, **asked, upstream=upstream)

    def again(self, **changes: Any) -> "Formula":
        """The same with something asked otherwise."""
        return Formula(self.program, **self.asked | changes)

    def at(self, point: Point | None = None, /, **values: Any) -> "Formula":
        """The same with its ``numbers`` at a point."""
        return self.again(at=self.program.point(point, values, {}))

    @property
    def numbers(self) -> dict[str, Any]:
        """The derivatives at the point, by the names of their stages; None where there is none."""
        if self.arrays:
            return {name: tensor.floats for name, tensor in self.record.numbers.items()}
        return dict(self.record.numbers)

    def shown(self, view: str) -> str:
        """The name of a view, or of what shows arrays so."""
        return f"documents.array_{view}" if self.arrays else f"documents.{view}"

    def code(self, target: str) -> str:
        """A file in another language, which computes the output, too, and tests itself at the point."""
        from .views.code.code import (  # loaded when it is asked for
            ARRAY_TARGETS,
            TARGETS,
            scalars_only,
        )

        if target not in TARGETS:
            hint = suggestion(str(target), TARGETS, f"the targets are {', '.join(TARGETS)}")
            raise usage(f"there is no target {shorten(str(target))}", hint)
        if self.arrays and target not in ARRAY_TARGETS:
            raise scalars_only(target)
        return rendered(f"code.{target}", self.again(code=True).record, DIGITS)

    def __str__(self) -> str:
        return self.text().rstrip("\n")

    __repr__ = __str__

    def _repr_latex_(self) -> str:
        if self.arrays:
            return "\n".join(self.latex().splitlines()[1:])
        from .views.documents.derive_latex import equations  # loaded when it is asked for

        return equations(self.record, DIGITS)

    def text(self) -> str:
        """A program of this language."""
        return rendered(self.shown("formulas"), self.record, DIGITS)

    def latex(self) -> str:
        """Aligned equations of LaTeX."""
        return rendered(self.shown("derive_latex"), self.record, DIGITS)

    def json(self) -> str:
        """One JSON document, the format backprop-derive/1; of arrays backprop-derive/2."""
        return rendered(self.shown("derive_json"), self.record, DIGITS)

    def python(self) -> str:
        """A Python function."""
        return self.code("python")

    def numpy(self) -> str:
        """A function of NumPy arrays."""
        return self.code("numpy")

    def jax(self) -> str:
        """A function of JAX arrays."""
        return self.code("jax")

    def torch(self) -> str:
        """A function of PyTorch tensors."""
        return self.code("torch")

    def c(self) -> str:
        """A C function."""
        return self.code("c")

    def javascript(self) -> str:
        """A JavaScript function."""
        return self.code("javascript")


def equivalent(
    a: str | Program,
    b: str | Program,
    over: Mapping[str, tuple[float, float]],
    points: int = 100,
    seed: int = 0,
) -> "Agreement":
    """Whether two programs have the same value and gradients over a box; true where they do.

    over: the least and the largest value of every variable. points: random ones, beside the
    corners and middles; seed: of these.
    """
    from .checks.equivalence import agree, range_of  # loaded when it is asked for

    first, second = (x if isinstance(x, Program) else Program(x) for x in (a, b))
    if not isinstance(over, Mapping):
        raise usage("the ranges are no dict", 'write {"x": (-2.0, 2.0)}')
    ranges = {named(name): range_of(name, ends) for name, ends in over.items()}
    count = whole(points, "points", 0, MOST_POINTS)
    from_seed = whole(seed, "the seed", -(2**63), 2**63)
    one, other = (x.record.bind(ranges) for x in (first, second))
    if one.arrays or other.arrays:
        from .checks.array_equivalence import agree_arrays  # which numbers alone do not need

        return agree_arrays(one, other, ranges, from_seed, count)
    return agree(one, other, ranges, from_seed, count)
