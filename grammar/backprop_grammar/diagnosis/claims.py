"""A person's own gradients, judged: right, right within the digits written, or wrong and why.

How many digits a person wrote says how far they may be off, so a claim is kept as it was typed. A
claim that is wrong is still the right answer to some other, mistaken, computation; which one is
found by making the mistakes.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext

from ..errors import BackpropError, few, shorten, suggestion, usage, visible
from ..language.parser import parse
from ..numbers.decimal import exact_decimal
from ..numbers.wide import INFINITE, MINUS_INFINITE, UNDEFINED, Number, Wide
from ..trace.evaluate import evaluate
from ..trace.record import Trace
from .distinguish import Again, Elsewhere, another_point, nodes_to_claim, retraced, unseen
from .perturbed import Sheet, slopes
from .rounding import NEAR, rounded
from .search import NOISE, Claim, Diagnosis, Findings, diagnose

__all__ = ["RIGHT", "ROUNDED", "WITHIN", "WRONG", "Sides", "Verdict", "judge", "read_claims"]

RIGHT = "right"
WITHIN = "right within the digits written"
ROUNDED = "right but for a rounded intermediate"
WRONG = "wrong"

Sides = Mapping[str, tuple[Number, Number]]
"""The slopes from the left and from the right, by the names of nodes."""

CERTAIN = 2.0**-44
"""The relative error up to which the trace's own numbers are certified."""

EXACT = Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
"""In which claims are compared: of any size, and without exceptions."""

FARTHEST = MAX_EMAX // 2
"""The largest exponent of such a number."""

FULL = 15
"""Significant digits from which on a claim is as long as binary64 prints."""

DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?\Z", re.ASCII)
BINDING = re.compile(r"\s*([A-Za-z_][A-Za-z_0-9]*)\s*=(?!=)\s*(.*?)\s*\Z", re.DOTALL)
WORDS = {
    **dict.fromkeys(("inf", "+inf", "infinite", "infinity"), INFINITE),
    **dict.fromkeys(("-inf", "-infinite", "-infinity"), MINUS_INFINITE),
    **dict.fromkeys(("nan", "undefined", "none"), UNDEFINED),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What there is to say about one claim.

    claimed: as it was written; status: RIGHT, WITHIN, ROUNDED or WRONG; diagnoses: mistakes
    that give the claimed number, the likeliest first; advice: further remarks.
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


def read_claims(texts: Iterable[str]) -> dict[str, str]:
    """The claims of options such as `w0=-0.2,x1=-0.40`, with their digits as written.

    Raises BackpropError for a text that is none, and for a node that is claimed twice.
    """
    claims: dict[str, str] = {}
    for text in texts:
        for part in text.split(","):
            if not part.strip():
                continue
            match = BINDING.match(part)
            if not match or not match[2]:
                shown = shorten(visible(part.strip()))
                raise usage(f"{shown} is no claim", "write x=-4,y=0.25", reason="claim")
            if match[1] in claims:
                raise usage(f"{shorten(match[1])} is claimed twice", "claim each gradient once")
            claims[match[1]] = match[2]
    return claims


def judge(trace: Trace, claims: dict[str, str]) -> tuple[Verdict, ...]:
    """The verdicts on claimed gradients of nodes of a trace, in the order of the claims.

    claims: node -> number as written.

    Raises BackpropError for a node that the trace does not have and for what is no number.
    """
    sheet = Sheet.of(trace)
    again = retraced(trace)
    with sheet.arithmetic.context():
        cases = [Case(sheet, name, text, again) for name, text in claims.items()]
        comparable = [case.claim() for case in cases if case.comparable]
        findings = Findings([], 0, False)
        if any(not claim.right for claim in comparable):
            findings = diagnose(sheet, comparable)
        there = Elsewhere(sheet, [case.name for case in cases if case.comparable], again)
        return tuple(verdict(case, findings, there) for case in cases)


class Case:
    """One claim on its way to a verdict."""

    def __init__(self, sheet: Sheet, name: str, text: str, again: Again) -> None:
        """Raises BackpropError where the name or the number is none."""
        self.sheet, self.name, self.text = sheet, name, text
        self.node = find(sheet, name)
        gradient = sheet.nodes[self.node].gradient
        assert gradient is not None
        self.correct: Number = sheet.trace.gradients.get(name, gradient)
        self.number: Decimal | None = None
        self.half: Decimal | None = None
        if text.lower() not in WORDS:
            self.number, self.half = typed_number(text)
        exists = not isinstance(self.correct, Wide) or self.correct.exists
        self.comparable = exists and self.number is not None
        self.rounding = ""
        self.status = self.judged(again)

    def judged(self, again: Again) -> str:
        if not self.comparable:
            return RIGHT if WORDS.get(self.text.lower()) == self.correct else WRONG
        assert self.number is not None and self.half is not None
        exact = as_decimal(self.correct)
        with localcontext(EXACT):
            if float(self.number) == float(exact) and abs(exact) < Decimal("1e308"):
                return RIGHT
            slack = abs(exact) * Decimal(CERTAIN)
            if abs(abs(self.number - exact) - self.half) <= slack:
                exact = precise(again, self.name, exact, self.digits() + 6)
            if abs(self.number - exact) <= self.half:
                return RIGHT if self.digits() >= FULL else WITHIN
            if abs(self.number - exact) > abs(exact) * Decimal(NEAR):
                return WRONG
            if abs(self.number - exact) <= abs(exact) * Decimal(NOISE):
                self.rounding = (
                    "differs in its last digits only, as numbers do that were rounded on the way"
                )
                return ROUNDED
        self.rounding = self.intermediate()
        return ROUNDED if self.rounding else WRONG

    def digits(self) -> int:
        """Significant digits written."""
        assert self.number is not None
        return len(self.number.as_tuple().digits)

    def intermediate(self) -> str:
        """What was rounded on the way, if that gives the claim."""
        claim = self.claim(right=False)
        assert self.number is not None
        exponent = self.number.as_tuple().exponent
        assert isinstance(exponent, int)
        slope, depends = slopes(self.sheet, self.node)
        return rounded(
            self.sheet,
            self.node,
            lambda x: bool(abs(x - claim.number) <= claim.half * (1 + 1e-9)),
            (max(0, -exponent), self.digits()),
            slope,
            depends,
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
        return Claim(self.name, self.node, number, half, right)


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

    Raises BackpropError where it is none.
    """
    if len(text) <= 400 and DECIMAL.match(text):
        number = Decimal(text)
        exponent = number.as_tuple().exponent
        assert isinstance(exponent, int)
        if abs(number) <= 1 and exponent >= 0:
            # Whoever writes 0 or 1 does not mean 0.4 or 0.6.
            return number, Decimal("0.05") * abs(number)
        digits = str(abs(int(number))).rstrip("0") if exponent == 0 and number else ""
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
    if case.status == ROUNDED:
        return Verdict(case.name, case.text, case.correct, ROUNDED, advice=(case.rounding,))
    if case.status != WRONG:
        blind = unseen(there, case.name) if case.comparable else ()
        return Verdict(case.name, case.text, case.correct, case.status, advice=tuple(blind))
    if not case.comparable:
        return Verdict(case.name, case.text, case.correct, WRONG, advice=(missing(case),))
    diagnoses = findings.by_claim.get(case.name, [])
    advice = list(remarks(case, diagnoses, findings, there))
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
    own = [s for s in findings.suspects if case.name in s.explains][: len(diagnoses)]
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
    with localcontext(EXACT):
        factor = float(case.number / correct)
    for simple in (2.0, 3.0, 4.0, 5.0, 10.0, 0.5, 0.25, 0.1):
        for signed in (simple, -simple):
            if abs(factor - signed) <= 1e-9:
                return f"; it is {signed:g} times the right one"
    return ""
