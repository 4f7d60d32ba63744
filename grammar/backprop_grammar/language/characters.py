"""Characters that are not ASCII: what they mean, and what to say about those that mean nothing.

Most of them are another form of something that has an ASCII spelling, and Unicode itself knows
that: by its compatibility forms and its names.
"""

import re
import unicodedata

from ..errors import visible

__all__ = [
    "MEANT",
    "PLAIN",
    "PLAIN_SIGNS",
    "ROOTS",
    "fraction",
    "greek",
    "plain_letter",
    "raised",
    "stray",
]

PLAIN_SIGNS = {
    character: plain
    for characters, plain in {
        "×·⋅∙∗•✕✖": "*",
        "÷∕⁄": "/",
        "−–‐‑‒﹣": "-",
        "≤⩽≦": "<=",
        "≥⩾≧": ">=",
        "≠": "!=",
        "∆": "Delta",
    }.items()
    for character in characters
}
"""Signs that mean one of this language's."""

ROOTS = {"√": "sqrt", "∛": "cbrt"}
"""Signs of functions, which stand before their operand."""

MEANT = {
    "—―": "-",
    "√": "sqrt(x)",
    "∛": "cbrt(x)",
    "∜": "x^(1/4)",
    "∞": "a finite number",
    "≈≡": "==",
    "⟨⟦": "(",
    "⟩⟧": ")",
    "∑": "sum(x, y, ...)",
    "∏": "x*y",
    "°": "*pi/180",
    "‰": "/1000",
    "←": "=",
    "¬∧∨": "nested ifs: if(a > 0, if(b > 0, x, y), y)",
    "∂∇∫": "only the formula: its derivatives are what is printed",
    "′": "only the formula: its derivatives are what is printed",
    "ᵀ⊤": ".T",
    "‖": "norm(x) for a length",
}
"""Characters and what to write for each of them."""

CYRILLIC = dict(zip("аАВсСеЕНіІјЈКМоОрРѕЅТхХуУ", "aABcCeEHiIjJKMoOpPsSTxXyY", strict=True))
GREEK = dict(zip("ΑΒΕΖΗΙΚΜΝΟοΡΤΥΧ", "ABEZHIKMNOoPTYX", strict=True))
RESEMBLES = CYRILLIC | GREEK
"""Letters of other alphabets and the ASCII letter each is easily taken for."""

PLAIN = {
    "]": "open the bracket with [ before it, or use round parentheses",
    "{": "use round parentheses: ( )",
    "}": "use round parentheses: ( )",
    "|": "write abs(x) for an absolute value, norm(x) for a length",
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


def greek(character: str) -> str:
    """The English name of a Greek letter, in its case; empty for other characters, and for letters
    that look like an ASCII one.
    """
    letter = unicodedata.normalize("NFKC", character)
    words = unicodedata.name(letter, "").split() if len(letter) == 1 else []
    if letter in RESEMBLES or words[:1] != ["GREEK"] or words[2:3] != ["LETTER"]:
        return ""
    name = {"FINAL SIGMA": "SIGMA", "LAMDA": "LAMBDA"}.get(*[" ".join(words[3:])] * 2)
    if " " in name:
        return ""
    return name.capitalize() if words[1] == "CAPITAL" else name.lower()


def raised(character: str, kind: str = "super") -> str:
    """The digit, small letter or sign that a raised (``super``) or lowered (``sub``) one is."""
    if (
        not unicodedata.decomposition(character or " ").startswith(f"<{kind}> ")
        or character in "ªº"
    ):
        return ""
    plain = unicodedata.normalize("NFKC", character).replace("−", "-")
    wanted = "[a-z0-9()+-]" if kind == "super" else "[a-z0-9]"
    return plain if re.fullmatch(wanted, plain) else ""


def fraction(character: str) -> str:
    """The quotient that one character is: 1/2 for ½."""
    if not unicodedata.decomposition(character or " ").startswith("<fraction> "):
        return ""
    plain = unicodedata.normalize("NFKC", character).replace("⁄", "/")
    return plain if re.fullmatch("[0-9]+/[0-9]+", plain) else ""


def plain_letter(character: str) -> str:
    """The ASCII character of which one is another form: wide, or of an alphabet for formulas."""
    if not unicodedata.decomposition(character).startswith(("<wide> ", "<font> ")):
        return ""
    plain = unicodedata.normalize("NFKC", character)
    return plain if plain.isascii() and plain.isprintable() else ""


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
    if character.isalpha() or unicodedata.combining(character):
        return "names are ASCII letters, digits and underscores"
    if "quotation" in called:
        return PLAIN["'"]
    return "a program is names, numbers, + - * / ^ ( ) , = ; and comments after #"
