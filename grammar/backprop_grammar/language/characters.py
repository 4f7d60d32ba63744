"""What to say about a character that the language does not have.

Most of them were meant as something that has an ASCII spelling, and Unicode itself knows the rest:
its compatibility forms and its names.
"""

import unicodedata

from ..errors import visible

__all__ = ["MEANT", "PLAIN", "stray"]

MEANT = {
    "×·⋅∙∗•✕✖": "*",
    "÷∕": "/",
    "−–—‐‑‒―﹣": "-",
    "√": "sqrt(x)",
    "∛": "cbrt(x)",
    "∞": "a finite number",
    "≤⩽≦": "<=",
    "≥⩾≧": ">=",
    "≠": "!=",
    "≈≡": "==",
    "⟨⟦": "(",
    "⟩⟧": ")",
    "∑Σ": "sum(x, y, ...)",
    "∏Π": "x*y",
    "σ": "sigma, or sigmoid(x) for the logistic function",
    "°": "*pi/180",
    "‰": "/1000",
    "←": "=",
    "¬∧∨": "nested ifs: if(a > 0, if(b > 0, x, y), y)",
    "½": "(1/2)",
    "¼": "(1/4)",
    "¾": "(3/4)",
    "⅓": "(1/3)",
    "∂∇∫": "only the formula: its derivatives are what is printed",
}
"""Characters and what to write for each of them."""

CYRILLIC = dict(zip("аАВсСеЕНіІјЈКМоОрРѕЅТхХуУ", "aABcCeEHiIjJKMoOpPsSTxXyY", strict=True))
GREEK = dict(zip("ΑΒΕΖΗΙΚΜΝΟοΡΤΥΧν", "ABEZHIKMNOoPTYXv", strict=True))
RESEMBLES = CYRILLIC | GREEK
"""Letters of other alphabets and the ASCII letter each is easily taken for."""

PLAIN = {
    "[": "use round parentheses: ( )",
    "]": "use round parentheses: ( )",
    "{": "use round parentheses: ( )",
    "}": "use round parentheses: ( )",
    "|": "write abs(x) for an absolute value",
    "!": "compare with != inside if(...); a factorial is gamma(x + 1)",
    "&": "an if takes one comparison; nest them: if(a > 0, if(b > 0, x, y), y)",
    "%": "a remainder is mod(x, y); for per cent write /100",
    "@": "the point is given beside the program, not in it",
    "$": "write the name alone: a program has no $",
    "'": "write it without quotation marks",
    '"': "write it without quotation marks",
    "`": "write it without quotation marks",
    ":": "separate stages with ; or a new line",
    ".": "a point stands only in a number, such as 2.5",
    "?": "choose with if(condition, a, b)",
    "~": "write != to compare, -x for a negative number",
    "\\": "write it without backslashes, such as (a + b)/c, sqrt(x), x*y",
}
"""ASCII characters and the way out."""


SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿⁱ"


def stray(text: str) -> tuple[str, str, int]:
    """What to call the stray characters a text begins with, the way out, and how many they are."""
    raised = text[: len(text) - len(text.lstrip(SUPERSCRIPTS))]
    if raised:
        plain = unicodedata.normalize("NFKC", raised).replace("−", "-")
        return f"{raised} is not part of the language", f"write ^{plain}", len(raised)
    character = text[0]
    called = unicodedata.name(character, "").lower()
    shown = visible(character)
    if not character.isascii() and called:
        shown = f"{shown} ({called})"
    return f"{shown} is not part of the language", way_out(character, called), 1


def way_out(character: str, called: str) -> str:
    for characters, meant in MEANT.items():
        if character in characters:
            return f"write {meant}"
    if character in PLAIN:
        return PLAIN[character]
    if character in RESEMBLES:
        return f"it looks like the letter {RESEMBLES[character]}, but is another; type {RESEMBLES[character]}"
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return f"numbers are written with the digits 0 to 9: type {digit}"
    plain = unicodedata.normalize("NFKC", character)
    if not plain.strip() and plain.isprintable():
        return "type an ordinary space"
    if plain.isascii() and plain.isprintable():
        return f"type an ordinary {plain}"
    if not character.isprintable():
        return "delete it: a program has no invisible characters"
    if called.startswith("greek") and " letter " in called:
        return f"spell it out: {called.split(' letter ')[1].split()[0]}"
    if character.isalpha():
        return "names are ASCII letters, digits and underscores"
    if "quotation" in called:
        return PLAIN["'"]
    return "a program is names, numbers, + - * / ^ ( ) , = ; and comments after #"
