"""Texts in a picture: their sizes, how wide they are, and how symbols are printed.

A picture is laid out without knowing the reader's font, so texts are measured in a wide one; in
any other they have a little more air.
"""

from ...errors import shorten

__all__ = ["CAPITAL", "SIZES", "minus", "shaped", "typeset", "width"]

SIZES = {
    "name": 14.0,
    "stage": 14.0,
    "alias": 12.0,
    "entering": 12.0,
    "leaving": 12.0,
    "sign": 20.0,
    "symbol": 14.0,
    "value": 13.0,
    "gradient": 13.0,
    "contribution": 12.0,
    "rule": 12.0,
    "title": 12.0,
}
"""Font sizes of the kinds of text, in pixels."""

CAPITAL = 0.73
"""Height of a digit, of its size."""

WIDE, NARROW = dict.fromkeys("mwMW%@+=<>~^#−×÷≤≥", 0.86), dict.fromkeys(" .,:;'|!()[]/ijlI-·", 0.4)
WIDTHS = WIDE | NARROW | dict.fromkeys("frts", 0.46) | dict.fromkeys("0123456789", 0.637)
"""Widths of characters in a wide sans-serif (DejaVu, Verdana); in others a text has more air."""


Runs = list[tuple[str, bool]]
"""Pieces of a text; those with True are raised."""


def width(text: str, size: float) -> float:
    """How wide a text is in a wide sans-serif of that size."""
    return size * sum(WIDTHS.get(c, 0.66 if c.isascii() else 1.0) for c in text)


def minus(number: str) -> str:
    """A number with a true minus sign."""
    return number.replace("-", "−")


def shaped(shape: str) -> str:
    """A shape with the sign of multiplication: 3×4."""
    return shape.replace("x", "×")


def typeset(symbol: str) -> Runs:
    """A gate's symbol as it is printed: x² for `^2`, × for `*`, a true minus sign."""
    base, power, exponent = minus(symbol).partition("^")
    if power:
        return [(base or "x", False), (exponent or "y", True)]
    if not symbol[:1].isalpha():
        text = symbol if symbol.endswith("/x") else symbol.replace("/", "÷")
        return [(minus(text).replace("*", "×"), False)]
    text = minus(shorten(symbol, 24)).replace("copy x", "copy ×")
    for plain, printed in (("(_", "(·"), (", _", ", ·"), ("<=", "≤"), (">=", "≥")):
        text = text.replace(plain, printed)
    return [(text, False)]
