"""A person's own gradients, judged: right, right within the digits written, or wrong and why.

How many digits a person wrote says how far they may be off, so a claim is kept as it was typed. A
claim that is wrong is still the right answer to some other, mistaken, computation; which one is
found by making the mistakes.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from typing import TYPE_CHECKING, Any

from ..errors import BackpropError, few, shorten, suggestion, usage, visible
from ..language.nearest import DECIMAL
from ..language.parser import parse
from ..numbers.ball import INFINITY
from ..numbers.binary64 import TOLERANCE
from ..numbers.decimal import decimal, exact_decimal
from ..numbers.wide import INFINITE, MINUS_INFINITE, UNDEFINED, Number, Wide, exists
from ..trace.evaluate import evaluate
from ..trace.record import KINKS, Trace
from .distinguish import (
    Again,
    Elsewhere,
    another_point,
    giving,
    nodes_to_claim,
    phrase,
    retraced,
    unseen,
)
from .perturbed import Sheet, slopes
from .rounding import NEAR, rounded
from .search import COINCIDENCE, NOISE, Claim, Diagnosis, Findings, diagnose

if TYPE_CHECKING:
    from ..trace.singular import Verdict as Function

__all__ = [
    "CHOICE",
    "RIGHT",
    "ROUNDED",
    "TRUNCATED",
    "WITHIN",
    "WRONG",
    "Verdict",
    "is_formula",
    "judge",
]

RIGHT = "right"
WITHIN = "right within the digits written"
ROUNDED = "right but for a rounded intermediate"
TRUNCATED = "right but truncated"
CHOICE = "a valid choice at this kink"
WRONG = "wrong"

SINGULAR = KINKS | {"sides"}
"""Kinds of notes where the rules made a choice, or had no number."""

EXACT = Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
"""In which claims are compared: of any size, and without exceptions."""

FARTHEST = MAX_EMAX // 2
"""The largest exponent of such a number."""

ROUGHLY = 0.05
"""How far off, relative to the right number, a claim may be for the want of digits alone where a
common mistake gives it exactly; only a single digit puts it farther."""

FULL = 15
"""Significant digits from which on a claim is as long as binary64 prints."""

SCIENTIFIC = re.compile(
    r"\(?([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))\)?\s*[*x·×]\s*10\s*(?:\^|\*\*)\s*"
    r"(?:([+-]?[0-9]{1,6})|[({]\s*([+-]?[0-9]{1,6})\s*[)}])\Z",
    re.ASCII,
)
RAISED = re.compile("[⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+")
PLAIN = str.maketrans("−⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-+-0123456789")
WORDS = {
    **dict.fromkeys(("inf", "+inf", "infinite", "infinity"), INFINITE),
    **dict.fromkeys(("-inf", "-infinite", "-infinity"), MINUS_INFINITE),
    **dict.fromkeys(("nan", "undefined", "none"), UNDEFINED),
}
UNSIGNED = re.compile(r"(?<![\w.])(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
NAME = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What there is to say about one claim.

    claimed: as it was written; status: RIGHT, WITHIN, ROUNDED, TRUNCATED, CHOICE or WRONG;
    diagnoses: mistakes that give the claimed number, the likeliest first; advice: further remarks.
    """

    name: str
    claimed: str
    correct: Number
    status: str
    diagnoses: tuple[Diagnosis, ...] = ()
    advice: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        """Whether the claim passes."""
        return self.status != WRONG


def judge(trace: Trace, claims: dict[str, str]) -> tuple[Verdict, ...]:
    """The verdicts on claimed gradients of nodes of a trace, in the order of the claims.

    claims: node -> number as written; at a singular point they are held against what the function
    does there.

    Raises BackpropError for a node that the trace does not have and for what is no number.
    """
    numbers = {
        name: None if text.lower() in WORDS else typed_number(text) for name, text in claims.items()
    }
    wide = any(number and not held(number[0]) for number in numbers.values())
    sheet = Sheet.of(trace, wide)
    again = retraced(trace)
    functions = by_function(sheet, claims)
    passes: dict[str, list[list[Any]]] = {}
    with sheet.arithmetic.context():
        cases = [
            Case(sheet, name, text, numbers[name], again, functions.get(name), passes)
            for name, text in claims.items()
        ]
        there = Elsewhere(sheet, [case.name for case in cases if case.comparable], again)
        for case in cases:
            if case.comparable and case.status == WITHIN:
                case.compare_exactly(there)
        comparable = [case.claim() for case in cases if case.comparable]
        findings = Findings([], 0, False)
        if any(not claim.right for claim in comparable):
            findings = diagnose(sheet, comparable, again)
        return tuple(verdict(case, findings, there) for case in cases)


def by_function(sheet: Sheet, names: Iterable[str]) -> "dict[str, Function]":
    """What the function does at nodes, where the rules make a choice or have no number.

    Raises BackpropError for a node that the trace does not have.
    """
    trace = sheet.trace
    if not trace.flags and not any(note.kind in SINGULAR for note in trace.notes):
        return {}
    from ..trace.singular import at_nodes  # only where a rule is a choice, or none

    return at_nodes(trace, {name: find(sheet, name) for name in names})


def held(number: Decimal) -> bool:
    """Whether a float holds a number at all."""
    return (float(number) != 0 or not number) and abs(float(number)) < INFINITY


class Case:
    """One claim on its way to a verdict."""

    def __init__(
        self,
        sheet: Sheet,
        name: str,
        text: str,
        typed: tuple[Decimal, Decimal] | None,
        again: Again,
        function: "Function | None",
        passes: dict[str, list[list[Any]]],
    ) -> None:
        """Raises BackpropError where the node is none."""
        self.sheet, self.name, self.text = sheet, name, text
        self.node = find(sheet, name)
        gradient = sheet.nodes[self.node].gradient
        assert gradient is not None
        self.correct: Number = sheet.trace.gradients.get(name, gradient)
        self.number = typed[0] if typed else None
        self.half = typed[1] if typed else None
        self.remark = ""
        self.exactly = False
        self.decided = function is not None and self.by_function(function)
        self.comparable = exists(self.correct) and self.number is not None
        self.status = self.judged(again, function, passes)
        # Mistakes are made in the rules, which are not what this claim is held to.
        self.comparable = self.comparable and not self.decided

    def by_function(self, function: "Function") -> bool:
        """Whether the function decides and not the rules: it has another slope than they give."""
        if function.number is None or not exists(function.number):
            self.correct = function.result(self.correct)
            return False
        rules, slope = function.rules, function.number
        if rules is not None and alike(as_decimal(rules), as_decimal(slope)):
            return False
        self.correct = slope
        if function.why in ("agree", "one-sided"):
            given = "give no number" if rules is None else f"choose {short(rules)}"
            where = "both sides" if function.why == "agree" else "one side"
            self.remark = (
                f"the rules {given} here; the function has slope {short(slope)} from {where}"
            )
        return True

    def judged(
        self,
        again: Again,
        function: "Function | None",
        passes: dict[str, list[list[Any]]],
    ) -> str:
        if not self.comparable:
            return RIGHT if WORDS.get(self.text.lower()) == self.correct else WRONG
        assert self.number is not None and self.half is not None
        exact = as_decimal(self.correct)
        with localcontext(EXACT):
            if float(self.number) == float(exact) and abs(exact) < Decimal("1e308"):
                return RIGHT
            slack = abs(exact) * Decimal(TOLERANCE)
            if not self.decided and abs(abs(self.number - exact) - self.half) <= slack:
                exact = precise(again, self.name, exact, self.digits() + 6)
            if abs(self.number - exact) <= self.half:
                return RIGHT if self.digits() >= FULL else WITHIN
            if function is not None and function.why == "differ":
                assert function.below is not None and function.above is not None
                sides = function.below, function.above
                low, high = sorted(map(as_decimal, sides))
                inside = low - self.half <= self.number <= high + self.half
                told = f"the one-sided slopes {short(sides[0])} and {short(sides[1])}"
                self.remark = f"it lies {'between' if inside else 'outside'} {told}"
                return CHOICE if inside else WRONG
            if abs(self.number - exact) > abs(exact) * Decimal(NEAR):
                return WRONG
            if abs(self.number - exact) <= abs(exact) * Decimal(NOISE):
                self.remark = (
                    "differs in its last digits only, as numbers do that were rounded on the way"
                )
                return ROUNDED
            unit = self.unit()
            if unit and 0 < abs(exact) - abs(self.number) < unit and exact * self.number > 0:
                near = round(exact / unit) * unit
                self.remark = (
                    f"the digits of {short(self.correct)} were cut off; rounded it is {near}"
                )
                return TRUNCATED
        if not self.decided:
            self.remark = self.intermediate(passes)
            if self.remark:
                return ROUNDED
        return WRONG

    def compare_exactly(self, there: Elsewhere) -> None:
        """Whether a claim to few digits is what a common mistake gives exactly.

        A number that its digits put farther off than ROUGHLY was hardly rounded so: it is then what
        the mistake gives. Nearer, it may be either, and that is said.
        """
        assert self.number is not None
        exact = as_decimal(self.correct)
        off = abs(self.number - exact)
        if not self.number or off <= abs(exact) * Decimal(TOLERANCE):
            return
        found = giving(there, self.node, self.sheet.arithmetic.number(str(self.number)))
        if not found:
            return
        if off > abs(exact) * Decimal(ROUGHLY):
            self.status, self.exactly = WRONG, True
            self.remark = (
                f"{short(self.correct)} rounds to {self.text}, too, but that is exactly what a "
                "common mistake gives; write more digits if it was rounded"
            )
            return
        self.remark = (
            f"{self.text} is also exactly what comes from another rule "
            f"({phrase(self.sheet, found[0])}); more digits would tell"
        )

    def unit(self) -> Decimal | None:
        """A unit of the last digit written; None of an expression."""
        assert self.half is not None
        _, digits, exponent = self.half.as_tuple()
        return Decimal((0, (1,), int(exponent) + 1)) if digits == (5,) else None

    def digits(self) -> int:
        """Significant digits written."""
        assert self.number is not None
        return len(self.number.as_tuple().digits)

    def intermediate(self, passes: dict[str, list[list[Any]]]) -> str:
        """What was rounded on the way, if that gives the claim."""
        claim = self.claim(right=False)
        assert self.number is not None
        exponent = self.number.as_tuple().exponent
        assert isinstance(exponent, int)
        return rounded(
            self.sheet,
            self.node,
            lambda x: bool(abs(x - claim.number) <= claim.half * (1 + 1e-9)),
            passes,
            (max(0, -exponent), self.digits()),
            slopes(self.sheet, self.node),
        )

    def claim(self, right: bool | None = None) -> Claim:
        """The claim in the numbers of the sheet."""
        arithmetic = self.sheet.arithmetic
        make = arithmetic.number
        correct = self.sheet.gradients[self.node]
        right = self.status != WRONG if right is None else right
        exact, half = make(str(self.number)), make(str(self.half))
        if abs(exact) == float("inf"):  # too large for anything to come near
            half = 0.0
        # What a right claim says is the right number; rounding is no contradiction.
        number = correct if right else exact
        return Claim(self.name, self.node, number, half, right, self.exactly)


def find(sheet: Sheet, name: str) -> int:
    """The claimed node. Raises BackpropError where there is none, or no gradient."""
    node = sheet.find(name)
    if node is None or sheet.nodes[node].kind == "constant":
        known = [shown.name for shown in sheet.nodes if shown.kind != "constant"]
        hint = suggestion(name, known, f"the nodes are {few(known)}")
        raise BackpropError("name", f"there is no node called {shorten(visible(name))}", hint=hint)
    if sheet.nodes[node].gradient is None:
        raise BackpropError(
            "name",
            f"{shorten(name)} was not differentiated",
            hint="leave out wrt, or name it there",
            reason="undifferentiated",
        )
    return node


def typed_number(text: str) -> tuple[Decimal, Decimal]:
    """A number as it was typed, and half a unit of its last digit; 1/3 and pi/4 are exact.

    A decimal times a power of ten, such as -4.2*10^(20) or -4.2·10²⁰, has the digits of the decimal.

    Raises BackpropError where it is none.
    """
    typed = RAISED.sub(lambda raised: f"^({raised[0]})", text).translate(PLAIN)
    scientific = SCIENTIFIC.match(typed)
    if scientific and len(typed) <= 400:
        text = f"{scientific[1]}e{scientific[2] or scientific[3]}"
    elif DECIMAL.match(typed):
        text = typed
    if len(text) <= 400 and DECIMAL.match(text):
        number = Decimal(text)
        exponent = number.as_tuple().exponent
        assert isinstance(exponent, int)
        if abs(number) <= 1 and exponent >= 0:
            # Whoever writes 0 or 1 does not mean 0.4 or 0.6.
            return number, Decimal("0.05") * abs(number)
        whole = exponent == 0 and number and "e" not in text.lower()
        digits = str(abs(int(number))).rstrip("0") if whole else ""
        if len(digits) > 1:  # the zeros of 22000 may stand for rounded digits
            exponent = len(str(abs(int(number)))) - len(digits)
        return number, Decimal((0, (5,), exponent - 1))
    try:
        value = evaluate(parse(text), {}, precision=30, nodes=False).value
    except BackpropError as error:
        shown = shorten(visible(text))
        raise usage(
            f"the claim {shown} is not a number: {error.message}",
            "write a number, such as -0.25",
            reason="claimed",
        ) from None
    number = as_decimal(value)
    return number, abs(number) * Decimal("1e-15")


def is_formula(text: object, known: Iterable[str] = ()) -> bool:
    """Whether a claim is a formula: a text with names that stand for something, of these or others."""
    if not isinstance(text, str) or SCIENTIFIC.match(text.translate(PLAIN)):
        return False
    names = {name for name in NAME.findall(UNSIGNED.sub(" ", text)) if name.lower() not in WORDS}
    if not names:
        return False
    try:
        return bool(parse(text).bind(known).variables)
    except BackpropError:
        return True  # which says what is wrong with it


def alike(x: Decimal, y: Decimal) -> bool:
    """Whether two slopes are the same one."""
    return abs(x - y) <= max(abs(x), abs(y)) * Decimal("1e-12")


def short(number: Number) -> str:
    return decimal(number, 6)


def as_decimal(number: Number) -> Decimal:
    """A number with the digits of its text; an exponent beyond those of decimals is cut."""
    if isinstance(number, Wide) and abs(number.exponent) >= FARTHEST:
        number = number._replace(exponent=FARTHEST - 1 if number.exponent > 0 else 1 - FARTHEST)
    return exact_decimal(number)


def precise(again: Again, name: str, near: Decimal, digits: int) -> Decimal:
    """The right gradient with more digits; as it is where that cannot be had."""
    try:
        gradient = again(None, wrt=[name], precision=max(25, digits), nodes=False).gradients[name]
    except BackpropError:
        return near
    exact = as_decimal(gradient)
    return exact if abs(exact - near) <= abs(near) * Decimal("1e-9") else near


def verdict(case: Case, findings: Findings, there: Elsewhere) -> Verdict:
    """The verdict on one claim, with its diagnoses and advice."""
    told = (case.remark,) if case.remark else ()
    if case.status in (ROUNDED, TRUNCATED, CHOICE) or case.decided:
        return Verdict(case.name, case.text, case.correct, case.status, advice=told)
    if case.status != WRONG:
        blind = unseen(there, case.name) if case.comparable else ()
        return Verdict(case.name, case.text, case.correct, case.status, advice=(*told, *blind))
    if not case.comparable:
        return Verdict(case.name, case.text, case.correct, WRONG, advice=(missing(case),))
    diagnoses = findings.diagnoses.get(case.name, [])
    advice = [*told, *remarks(case, diagnoses, findings, there)]
    return Verdict(case.name, case.text, case.correct, WRONG, tuple(diagnoses), tuple(advice))


def missing(case: Case) -> str:
    if isinstance(case.correct, Wide) and not case.correct.exists:
        return f"the gradient of {case.name} is {case.correct.text} here"
    return f"the gradient of {case.name} exists here"


def remarks(
    case: Case, diagnoses: Sequence[Diagnosis], findings: Findings, there: Elsewhere
) -> Iterable[str]:
    """What else helps: that nothing fits, what would tell mistakes apart, what was not tried."""
    limit = "; mistakes farther away were not tried: the graph is too large" * findings.limited
    if not diagnoses:
        yield f"none of the {findings.tried:,} single mistakes tried gives this number{ratio(case)}{limit}"
        return
    first = diagnoses[0]
    if first.chance > COINCIDENCE:
        digits = f"{case.digits()} digit{'s' * (case.digits() > 1)}"
        one_in = round(1 / first.chance)
        odds = (
            f"about 1 in {one_in} numbers of {digits} fits"
            if one_in > 1
            else f"most numbers of {digits} fit"
        )
        yield f"{odds} a mistake by chance; claim more digits, or more nodes"
    own = findings.by_claim[case.name][: len(diagnoses)]
    alike = [s for s in own if s.rank()[:2] == own[0].rank()[:2]]
    yield from nodes_to_claim(there.sheet, alike, there.claimed)
    yield from another_point(there, case.name, [s for one in alike for s in (one, *one.also)])
    if limit:
        yield limit.removeprefix("; ")


def ratio(case: Case) -> str:
    """By what simple factor the claim is off, where it is one."""
    assert case.number is not None
    correct = as_decimal(case.correct)
    if not correct or not case.number:
        return ""
    factor = simple_ratio(case.number, correct)
    if factor == -1:
        return "; it is the right one with the opposite sign"
    return f"; it is {factor:g} times the right one" if factor else ""


def simple_ratio(x: Decimal, y: Decimal) -> float:
    """The simple factor, such as -1 or 0.5, that x is of y; 0 where there is none."""
    with localcontext(EXACT):
        factor = float(x / y)
    for simple in (1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 0.5, 0.25, 0.1):
        for signed in (simple, -simple):
            if signed != 1 and abs(factor - signed) <= 1e-9:
                return signed
    return 0.0
