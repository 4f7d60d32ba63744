"""An answer as a person writes it, read as a number; what could be another one, or none, is named.

The page that judges (quiz.js) reads plain numbers and quotients by the same rules, and no formulas.
"""

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from ..arrays.evaluate import evaluate as evaluate_arrays
from ..arrays.point import bind
from ..arrays.record import Tensor
from ..errors import BackpropError, shorten, visible
from ..language.graph import Array
from ..language.parser import parse
from ..numbers.wide import as_float
from ..trace.evaluate import evaluate

__all__ = ["Answer", "read"]

LONGEST = 200
"""Characters of an answer."""

SIGNS: dict[int, str] = {
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2212\ufe63"), "-"),
    **dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"), ""),
    **{0xFF01 + k: chr(0x21 + k) for k in range(94)},
}
"""What word processors and keyboards put for a minus and for letters of ASCII, or between them."""

NUMBER = re.compile(r"[+-]? ?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]{1,3})?", re.ASCII | re.I)

SCIENTIFIC = re.compile(
    r"([+-]? ?(?:[0-9]+\.?[0-9]*|\.[0-9]+)) ?[*x·×] ?10 ?(?:\^|\*\*) ?\(?([+-]?[0-9]{1,3})\)?",
    re.ASCII | re.I,
)
"""A decimal times a power of ten, which has the digits of the decimal."""

COMMA = re.compile(r"([+-]? ?[0-9]*),([0-9]+)(e[+-]?[0-9]{1,3})?", re.ASCII | re.I)
"""A number with a decimal comma."""

THOUSANDS = re.compile(
    r"[+-]?[0-9]{1,3}(?:[ \u00a0\u202f'\u2019.,][0-9]{3})+(?:[.,][0-9]*)?", re.ASCII
)
"""Numbers in groups of three digits, of which another reader makes another number."""

DATE = re.compile(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*|[0-9]{1,2}([./-])[0-9]{1,2}\1[0-9]{2,4}", re.ASCII
)

LARGEST = Decimal("1e300")


class Answer(NamedTuple):
    """What was written. number, half: as it is read, and half a unit of its last digit; both None of
    a blank and of what is no number. digits: significant ones that were written. comma: whether a
    comma was read as the decimal point. why: what keeps it from being a number.
    """

    text: str
    number: Decimal | None = None
    half: Decimal | None = None
    digits: int = 0
    comma: bool = False
    why: str = ""


FULL = 15
"""Digits of a quotient and of a formula, which are as exact as floats are."""


def read(text: str, values: Mapping[str, Any] | None = None, names: Collection[str] = ()) -> Answer:
    """An answer as a person writes it: 0.39, -.2, 1/3, 0,39, or over the names of the program, 2*x.

    values: of the names. names: of what is answered, which may stand before it, as in x = 0.39.
    What has two meanings, such as 1,234, is none.
    """
    plain = text.strip()
    if len(plain) > LONGEST:
        return Answer(text, why=f"no answer has {len(plain):,} characters")
    plain = plain.translate(SIGNS).strip().removeprefix("'").removeprefix("=").strip()
    if not plain:
        return Answer(text)
    label, equals, rest = plain.partition("=")
    if equals and label.strip() in names:
        plain = rest.strip()
    if why := doubtful(plain):
        return Answer(text, why=why)
    comma = COMMA.fullmatch(plain)
    if comma:
        plain = f"{comma[1]}.{comma[2]}{comma[3] or ''}"
    elif scientific := SCIENTIFIC.fullmatch(plain):
        plain = f"{scientific[1]}e{scientific[2]}"
    if NUMBER.fullmatch(plain):
        return decimal_answer(text, plain.replace(" ", ""), comma is not None)
    try:
        number = computed(plain, values or {})
    except BackpropError as error:
        return Answer(text, why=error.message)
    if number is None or abs(number) > LARGEST:
        return Answer(text, why="it is not one number that a float holds")
    return Answer(text, number, abs(number) * Decimal("1e-12"), FULL)


def doubtful(plain: str) -> str:
    """Why an answer could mean another number, or means none; empty where it does not."""
    comma = COMMA.fullmatch(plain)
    if comma and len(comma[2]) == 3 and comma[1].lstrip("+- ") not in ("", "0"):
        return f"{plain} may be a thousand times {comma[1]}.{comma[2]}; write a point"
    if not comma and not NUMBER.fullmatch(plain) and THOUSANDS.fullmatch(plain):
        return "it has marks between its digits; write the number without them, and with a point"
    if DATE.fullmatch(plain):
        return "it is a date, which spreadsheets make of 1/3 and of 3.5; format the column as text"
    if plain.startswith("#"):
        return "it is an error of a spreadsheet"
    if plain.endswith("%"):
        return "a share has two meanings; write 0.39 for 39 %"
    if "=" in plain or ":" in plain or "#" in plain:
        return "it is more than a number; write the number alone"
    if ";" in plain or "\n" in plain or "\r" in plain:
        return "it is more than one number"
    return ""


def decimal_answer(text: str, plain: str, comma: bool) -> Answer:
    """A decimal, with the digits in which it was written."""
    number = Decimal(plain)
    if number and not 1 / LARGEST < abs(number) < LARGEST:
        return Answer(text, why=f"{shorten(visible(plain))} is no number that a float holds")
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    significant = len("".join(map(str, digits)).lstrip("0"))
    return Answer(text, number, Decimal((0, (5,), exponent - 1)), significant, comma)


def computed(plain: str, values: Mapping[str, Any]) -> Decimal | None:
    """The number of a formula; None where it is none. Raises BackpropError for what is no formula."""
    program = parse(plain)
    known = {name: values[name] for name in program.variables if name in values}
    bound, at = bind(program, known)
    if program.arrays or any(isinstance(one, Array) for one in at.values()):
        value: Any = evaluate_arrays(bound, at).value
    else:
        numbers: Any = at
        value = evaluate(bound, numbers, nodes=False).value
    if isinstance(value, Tensor):
        if value.shape:
            return None
        value = value.numbers[0]
    number = as_float(value)
    return None if number is None else Decimal(repr(number))
