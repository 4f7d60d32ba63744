"""What the function does where the rules make a choice or have no number: gradients, notes and flags.

Only a point at which the backward pass met a kink, or came to a number that does not exist, is looked
at. There the one-sided slopes decide: what both sides agree on is the gradient.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..blocks.names import Names
from ..errors import few
from ..numbers.ball import Undecided
from ..numbers.decimal import decimal, number
from ..numbers.reals import Real, exactly
from ..numbers.wide import INFINITE, MINUS_INFINITE, UNDEFINED, Number, Wide, as_float, exists, sign
from ..operations.table import DIV
from ..passes.run import BITS_PER_DIGIT, Run, Target
from ..passes.sides import Neighbourhood, Side
from .notes import beyond
from .record import Flag, Note, Trace

__all__ = [
    "Verdict",
    "Wording",
    "along",
    "at_nodes",
    "choices",
    "decided",
    "in_doubt",
    "limit",
    "remarks",
    "remarks_on",
    "rounded",
    "verdict",
]

DIGITS = 6
"""Of a slope in a note."""

MANY = 8
"""Derivatives that a note names."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is printed of a derivative at a singular point.

    number: None where it does not exist. why: agree, differ, one-sided, infinite, jump, none,
    isolated or undecided. below, above: the derivatives from both sides, None where there is none; rules: the
    number that the rules give, if they give one.
    """

    why: str
    number: Number | None
    below: Number | None = None
    above: Number | None = None
    rules: Number | None = None

    def result(self, rules: Number) -> Number:
        """What is printed in place of what the rules give."""
        if self.number is None:
            return UNDEFINED if exists(rules) else rules
        return self.number

    @property
    def told(self) -> str:
        """Both sides in words."""
        sides = [("left", self.below), ("right", self.above)]
        return " and ".join(
            f"{decimal(x, DIGITS)} from the {side}" for side, x in sides if x is not None
        )


def in_doubt(run: Run, sources: Sequence[int], gradients: Sequence[Number]) -> list[int]:
    """The sources whose gradient depends on a choice that the rules made, or has no number."""
    graph = run.graph
    above = [False] * len(graph)
    for node, kind in run.kinks.items():
        if kind != "cut":  # the slope is the same on both sides, and the value jumps
            for k, operand in enumerate(graph.operands[node]):
                tied = kind != "tie" or run.local(node, k) is not None
                above[operand] = above[operand] or tied
    for node in run.jumps:
        for operand in graph.operands[node]:
            above[operand] = True
    for node in range(run.output, -1, -1):
        if above[node]:
            for operand in graph.operands[node]:
                above[operand] = True
    return [
        source
        for source, gradient in zip(sources, gradients, strict=True)
        if above[source] or not exists(gradient)
    ]


def decided(
    run: Run,
    at: Mapping[str, float],
    labels: Sequence[str],
    sources: Sequence[int],
    gradients: Mapping[str, Number],
    precision: int | None,
) -> dict[str, Verdict]:
    """The verdicts on the gradients that are in doubt, by label."""
    doubts = set(in_doubt(run, sources, [gradients[label] for label in labels]))
    if not doubts or not run.upstream:
        return {}
    near = Neighbourhood(run.graph, run.output, at)
    found = {  # in the program's order: what one takes long to decide, those behind it may lack
        source: verdict(near.sides({source: 1.0}), gradients[label], precision, run.upstream)
        for source, label in sorted(zip(sources, labels, strict=True))
        if source in doubts
    }
    return {
        label: found[source]
        for label, source in zip(labels, sources, strict=True)
        if source in found
    }


def at_nodes(trace: Trace, nodes: Mapping[str, int]) -> dict[str, Verdict]:
    """The verdicts on the gradients of any nodes of a trace, by their names."""
    near = Neighbourhood(trace.tape, trace.output, trace.at)
    return {
        name: verdict(
            near.sides({node: 1.0}),
            trace.by_index[node].gradient,
            trace.precision,
            trace.upstream,
        )
        for name, node in nodes.items()
    }


def along(trace: Trace, direction: Mapping[int, float]) -> Verdict:
    """What the function does where nodes of a trace move together, each so fast."""
    near = Neighbourhood(trace.tape, trace.output, trace.at)
    return verdict(near.sides(direction), None, trace.precision, trace.upstream)


def verdict(
    sides: tuple[Side, Side],
    rules: Number | None,
    precision: int | None = None,
    upstream: float = 1.0,
) -> Verdict:
    """What two one-sided derivatives, and the number that the rules give, amount to."""
    kinds = {side.kind for side in sides}
    own = rules if rules is not None and exists(rules) else None
    if "undecided" in kinds:
        return Verdict("undecided", own, rules=own)
    if "jump" in kinds:
        return Verdict("jump", None, rules=own)
    if "none" in kinds or kinds == {"absent"}:
        return Verdict("none" if "none" in kinds else "isolated", None, rules=own)
    try:
        below, above = (of_side(side, precision, upstream) for side in sides)
        same = sides[0] == sides[1]
    except Undecided:
        return Verdict("undecided", own, rules=own)
    both = [x for x in (below, above) if x is not None]
    if len(both) == 1 or same:
        if not exists(both[0]):
            infinite = both[0] if own is not None or rules != UNDEFINED else None
            return Verdict("infinite", infinite, below, above, own)
        return Verdict("agree" if same else "one-sided", both[0], below, above, own)
    if own is None:
        infinite = rules if rules in (INFINITE, MINUS_INFINITE) else None
        return Verdict("infinite" if infinite else "none", infinite, below, above)
    low, high = sorted(both, key=size)
    if size(low) <= size(own) <= size(high):
        return Verdict("differ", own, below, above, own)
    return Verdict("differ", low if size(own) < size(low) else high, below, above, own)


def size(x: Number) -> float:
    """A number or an infinity as a float that can be compared."""
    near = as_float(x)
    return sign(x) * float("inf") if near is None else near


def of_side(side: Side, precision: int | None, upstream: float) -> Number | None:
    """The derivative on a side, times the upstream gradient. Raises Undecided where its digits are
    not known.
    """
    if side.kind == "absent":
        return None
    if side.number is None:
        return INFINITE if side.sign * upstream > 0 else MINUS_INFINITE
    return rounded(side.number * exactly(upstream), precision)


def rounded(x: Real, precision: int | None = None) -> Number:
    """A number of the trace. Raises Undecided where its digits are not known."""
    bits = 64 if precision is None else int(precision * BITS_PER_DIGIT) + 7
    for arithmetic, ball in x.balls(bits + 64):
        if ball == arithmetic.zero or arithmetic.lost(ball) < arithmetic.module.ldexp(1, -bits):
            return number(ball, precision, False)
    raise Undecided("a number that cannot be told from 0")


def limit(target: Target, node: int, at: Mapping[str, float]) -> str:
    """What the value comes to where it does not exist, in words; nothing where it comes to no number.

    node: at which there is none.
    """
    graph = target.graph
    near = Neighbourhood(graph, target.output, at)
    found: dict[str, str] = {}
    moving = [source for source in target.sources if target.needed[source]]
    for label, source in zip(target.labels, target.sources, strict=True):
        if source not in moving[:MANY]:
            continue
        sides = {
            word: near.limit({source: 1.0}, sign) for word, sign in (("left", -1), ("right", 1))
        }
        present = {word: side for word, side in sides.items() if side.kind != "absent"}
        try:
            one, *others = present.values()
            if one.kind != "finite" or one.number is None or any(side != one for side in others):
                continue
            text = decimal(rounded(one.number), DIGITS)
        except (Undecided, ValueError):
            continue
        side_of = "" if others else f" from the {next(iter(present))}"
        along = f" along {label}" if len(moving) > 1 else ""
        found[label] = f"the limit{along}{side_of} is {text}"
    if not found:
        return ""
    values = [near.values[k] for k in graph.operands[node]]
    nothing = graph.operations[node] is DIV and all(
        isinstance(x, Real) and not x.terms for x in values
    )
    return ("0/0 here; " if nothing else "") + "; ".join(found.values())


# what is said


@dataclass(frozen=True, slots=True)
class Wording:
    """How a note speaks of derivatives.

    prefix: of their paths in the JSON. node: where it belongs. choice: what the rules did, as the
    beginning of a note. alone: there is only one, which needs no name. everywhere: of all, both
    sides agree.
    """

    prefix: str
    node: str
    choice: str
    alone: bool
    everywhere: bool = False

    def of(self, label: str, text: str) -> str:
        """`1 in x`, or `d2f_dx2 = 1`."""
        if self.prefix != "gradients":
            return f"{label} = {text}"
        return text if self.alone else f"{text} in {label}"

    def all(self, parts: Mapping[str, str]) -> str:
        """What is said of each, few of many; once of the elements of an array that have it alike."""
        of: dict[tuple[str, str], list[str]] = {}
        for label, text in parts.items():
            of.setdefault((array(label), text), []).append(label)
        said = [self.of(elements(labels), text) for (_, text), labels in of.items()]
        if len(said) > MANY:
            said = [*said[:MANY], f"{len(said) - MANY} more"]
        return (self.word.replace("slope", "slopes") if len(parts) > 1 else self.word) + ", ".join(
            said
        )

    @property
    def word(self) -> str:
        """What stands before a number: `slope `, or nothing."""
        return "slope " if self.prefix == "gradients" else ""

    def subject(self, label: str) -> str:
        """What a flag is about."""
        return f"the gradient of {label}" if self.prefix == "gradients" else label


def remarks(
    run: Run, names: Names, verdicts: Mapping[str, Verdict], flags: Sequence[Flag]
) -> tuple[list[Note], list[Flag]]:
    """The notes on the gradients that the function decides, and the flags on those that it lacks.

    flags: those on the numbers that the rules give.
    """
    kinks = sorted(node for node, kind in run.kinks.items() if kind != "cut")
    always, kinks = bool(kinks) or not run.jumps, kinks or run.jumps
    where = names.near(kinks[0]) if kinks else flags[0].node if flags else ""
    choice = choices([run.graph.operations[node].name for node in kinks])
    alone = len(verdicts) == len(run.target.labels) == 1
    everywhere = all(one.why == "agree" for one in verdicts.values())
    wording = Wording("gradients", where, choice, alone, everywhere)
    return remarks_on(verdicts, flags, wording, always)


def remarks_on(
    verdicts: Mapping[str, Verdict], flags: Sequence[Flag], wording: Wording, always: bool = True
) -> tuple[list[Note], list[Flag]]:
    """The notes on verdicts, and the flags on derivatives that do not exist.

    flags: those on the numbers that the rules give. always: say it, too, where the rules are right.
    """
    notes: list[Note] = []
    for why, text in TEXTS.items():
        told = {
            label: one
            for label, one in verdicts.items()
            if one.why == why and one.number is not None
            if always or why != "agree" or one.number != one.rules
        }
        if told:
            notes.append(Note("sides", wording.node, text(wording, told)))
    by_path = {flag.path: flag for flag in flags}
    for label, one in verdicts.items():
        path = f"{wording.prefix}.{label}"
        flag = by_path.pop(path, None)
        if one.number is None or not exists(one.number):
            by_path[path] = flagged(path, label, one, flag, wording)
        elif isinstance(one.number, Wide) and one.number.nearest is None:
            by_path[path] = beyond(path, wording.subject(label), one.number, wording.node)
    return notes, list(by_path.values())


def choices(names: Sequence[str]) -> str:
    """`each relu's slope is a choice here; `: what the rules did at some kinks."""
    kinds = list(dict.fromkeys(names))
    if not kinds:
        return "the rules have no number here; "
    if len(names) == 1:
        return f"the slope of {names[0]} is a choice here; "
    if len(kinds) == 1:
        return f"each {kinds[0]}'s slope is a choice here; "
    return f"the slopes of {few(kinds)} are choices here; "


def array(label: str) -> str:
    """The array of an element; of a number its own name."""
    return label.partition("[")[0] if label.endswith("]") else label


def elements(labels: Sequence[str]) -> str:
    """A number, or elements of one array."""
    return labels[0] if len(labels) == 1 else f"{len(labels)} elements of {array(labels[0])}"


def shown(x: Number | None) -> str:
    return "none" if x is None else decimal(x, DIGITS)


def agreeing(wording: Wording, told: Mapping[str, Verdict]) -> str:
    if len(told) > 1 and all(
        array(label) != label and one.number == one.rules for label, one in told.items()
    ):
        of = few(dict.fromkeys(map(array, told)), MANY)
        where = "" if wording.everywhere else f" in {len(told)} elements of {of}"
        return (
            f"{wording.choice}the gradients printed are the function's own from both sides{where}"
        )
    slopes = wording.all({label: shown(one.number) for label, one in told.items()})
    others = {
        label: shown(one.rules)
        for label, one in told.items()
        if one.rules is not None and shown(one.rules) != shown(one.number)
    }
    rules = f", where the rules give {wording.all(others)}" if others else ""
    return f"{wording.choice}the function has {slopes} from both sides{rules}"


def one_sided(wording: Wording, told: Mapping[str, Verdict]) -> str:
    slopes = wording.all({label: one.told for label, one in told.items()})
    return f"{wording.choice}the function is defined on one side only, and has {slopes}"


def differing(wording: Wording, told: Mapping[str, Verdict]) -> str:
    if len(told) == 1:
        slopes = wording.all({label: one.told for label, one in told.items()})
    else:
        pairs = {label: f"{shown(one.below)} and {shown(one.above)}" for label, one in told.items()}
        slopes = f"{wording.all(pairs)} from the left and from the right"
    text = f"the function has {slopes}"
    rules = {label: shown(one.rules) for label, one in told.items() if one.number != one.rules}
    if not rules:
        return text
    which, verb = ("one", "is") if len(rules) == 1 else ("ones", "are")
    return f"{text}; the {which} nearer to the rules' {wording.all(rules)} {verb} printed"


def undecided(wording: Wording, told: Mapping[str, Verdict]) -> str:
    rules = wording.all({label: shown(one.number) for label, one in told.items()})
    return f"{wording.choice}what the function does here could not be decided, and the rules give {rules}"  # fmt: skip


TEXTS = {"agree": agreeing, "one-sided": one_sided, "differ": differing, "undecided": undecided}
"""What is said of derivatives that have a number."""

REASONS = {
    "jump": "the value of the function jumps here",
    "orders": "it is not the same from all sides and in every order",
    "none": "a derivative of lower order is none here",
    "isolated": "the function has no value on either side",
}
"""Why there is none, where the sides themselves do not tell."""


def flagged(path: str, label: str, one: Verdict, flag: Flag | None, wording: Wording) -> Flag:
    """The flag on a derivative that does not exist, or is infinite; flag: on the rules' number."""
    subject = wording.subject(label)
    told = f"the function has {wording.word}{one.told}" if one.told else ""
    if one.why == "undecided":
        assert flag is not None
        if flag.status != "undefined":
            return flag
        reason = flag.message.partition(": ")[2]
        message = f"the rules give no number for {subject}: {reason}; what the function does here could not be decided"  # fmt: skip
        return flag._replace(message=message)
    if flag is not None and (wording.prefix == "gradients" or one.why == "infinite"):
        more = told if flag.status == "undefined" else ""
        return flag._replace(message="; ".join(filter(None, (flag.message, more))))
    if one.why == "infinite":
        assert one.number is not None
        signed = "-" if sign(one.number) < 0 else "+"
        return Flag(
            path, "infinite", signed, wording.node, f"{subject} is {signed}infinite: {told}"
        )
    return Flag(path, "undefined", "", wording.node, f"{subject} does not exist: {told or REASONS[one.why]}")  # fmt: skip
