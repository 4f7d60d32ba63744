"""Text to words, by one regular expression.

What a grammar finds hard is easy here. The lexer knows whether a minus sign stands between operands
or before one, whether a newline ends a stage or only a line, whether `name(a, b) =` begins a
definition, and whether two operands stand side by side, which makes them a product. It refuses nothing: what is not part of the language is a word that the grammar never
expects.
"""

import re
import string
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["BLANKS", "DEFINE", "NAME", "TIMES", "Word", "scan", "words"]

NAME = r"[A-Za-z_][A-Za-z_0-9]*+"
PIECE = re.compile(
    rf"""[ \t\r\f]++|\#[^\n]*+
    |(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?
    |{NAME}
    |\*\*|[<>=!]=|\.T\b|.""",
    re.VERBOSE | re.DOTALL,
)
"""Any text is made of these and nothing else: blanks, comments, numbers, names, signs."""

TIMES = "\u2062"
"""The sign of a product that has none: Unicode calls it INVISIBLE TIMES."""

KINDS = {
    "if": "IF",
    "+": "ADD",
    "-": "ADD",
    "*": "SCALE",
    "/": "SCALE",
    TIMES: "JUXT",
    "**": "POWER",
    "^": "POWER",
    "(": "OPEN",
    ")": "CLOSE",
    ",": "COMMA",
    ";": "SEP",
    "\n": "SEP",
    ".": "OTHER",
    "@": "MATMUL",
    "[": "OPENB",
    "]": "CLOSEB",
    ":": "COLON",
    "'": "PRIME",
    ".T": "PRIME",
    "axis": "KEY",
    **dict.fromkeys(("<", "<=", ">", ">=", "==", "!="), "COMPARE"),
}
BEGINNINGS = {
    **dict.fromkeys(string.ascii_letters + "_", "NAME"),
    **dict.fromkeys(string.digits + ".", "NUMBER"),
    **dict.fromkeys(" \t\r\f#", "SKIP"),
}
"""The kinds of the other pieces, by their first characters; the rest is OTHER."""

RARE = frozenset({"SKIP", "MATMUL", "OPENB", "CLOSEB", "COLON", "PRIME", "KEY"})
"""Kinds that are looked at more closely: what follows an operand, or stands in brackets, only."""

GAP = r"[ \t\r\f\n]*+(?:\#[^\n]*+\n[ \t\r\f\n]*+)*"
ASSIGN = re.compile(rf"{NAME}[ \t]*+=(?!=)")
DEFINE = rf"{NAME}[ \t]*+\({GAP}{NAME}(?:{GAP},{GAP}{NAME})*{GAP}\)[ \t]*+=(?!=)"
"""How a definition begins; compiled when a stage begins with a name, which few of one line do."""
HEAD = rf"[ \t]*+{NAME}[ \t]*+(?:\([^()\n]*\)[ \t]*+)?(?:=(?!=)|:)"
"""How a stage begins, after a semicolon that might have separated rows."""
DIM = r"(?:[0-9]++|[A-Z])"
DECLARE = rf"{NAME}[ \t]*+:[ \t]*+(?:scalar|{DIM}(?:[ \t]*[x*][ \t]*{DIM})*)(?![A-Za-z0-9_.(*])(?:[ \t]*+=(?!=))?"
"""A name and its shape: `W: 3x4`, `X: NxD`, `b: scalar`; or the head of a stage of that shape."""
KEYS = r"axis[ \t]*+=(?!=)"
OPERAND_ENDS = frozenset({"NUMBER", "NAME", "CLOSE", "CLOSEB", "PRIME", "DECLARE"})

FACTORS = frozenset({"NUMBER", "CLOSE"})
"""What may stand on the left of a product without a sign: `2x`, `(x + y)z`."""

BEFORE_A_NAME = FACTORS | {"SEP"}
"""After these words a name may be more than the next operand."""

BLANKS = " \t\r\f\n"
NO_FACTOR = (
    r"_|[jJ](?!\w)|[eE](?!\w|[ \t]*(?:\^|\*\*))"
    r"|(?<=0)(?<![\w.]0)(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)(?!\w)"
)
"""Names that make no product with the number before them: 1_000, 2j, 1e and 0x10 say something else."""


class Word(NamedTuple):
    """A word of a program: its type is a terminal of the grammar, OTHER or CARRIED.

    JUXT is the product of two words with nothing between them, and has no width; Unicode has a
    character for it, which is one, too. OTHER is a character that the language does not have; CARRIED is a plus sign that begins a
    line after a finished stage, where nobody can tell whether the line above goes on.
    """

    type: str
    text: str
    start_pos: int
    end_pos: int


def words(text: str) -> Iterator[Word]:
    """The words of a program, comments and empty stages left out."""
    return map(Word._make, scan(text))


def scan(text: str) -> Iterator[tuple[str, str, int, int]]:
    """The words of a program as plain tuples."""
    operand_ends = OPERAND_ENDS
    end = int(text.startswith("\ufeff"))  # a byte order mark is no word
    opened: list[str] = []  # the brackets, innermost last
    previous = "SEP"
    ended: tuple[str, int] | None = None  # the separator after a stage, until another begins
    pieces = iter(PIECE.findall(text, end))
    for piece in pieces:
        start = end
        end += len(piece)
        kind = KINDS.get(piece) or BEGINNINGS.get(piece[0], "OTHER")
        if kind in RARE:
            if kind == "SKIP":
                continue
            kind = closely(kind, previous, opened, text, start)
            if kind == "KEY":
                while piece[-1] != "=":
                    piece += next(pieces)
                end = start + len(piece)
        if kind == "SEP":
            if piece == "\n" and (opened or previous not in operand_ends):
                continue  # inside parentheses, or a line that an operator carries on
            if opened and opened[-1] == "[" and not re.compile(HEAD).match(text, end):
                previous = "ROW"
                yield "ROW", piece, start, end
                continue
            if not opened and (previous in operand_ends or (ended and piece == ";")):
                ended, previous = (piece, start), "SEP"
            elif previous != "SEP":
                previous = "SEP"  # `;` cuts a stage short
                opened.clear()
                yield "SEP", piece, start, end
            continue
        if kind == "ADD":
            if previous not in operand_ends:
                carried = piece == "+" and ended is not None and ended[0] == "\n"
                kind = "CARRIED" if carried else "SIGN"
        elif kind == "OPEN":
            opened.append(piece)
            if previous in FACTORS and text[start - 1] not in BLANKS:
                yield "JUXT", TIMES, start, start
        elif kind == "CLOSE":
            if opened:
                opened.pop()
        elif previous in BEFORE_A_NAME and (kind == "NAME" or kind == "IF"):
            if previous != "SEP":
                apart = previous == "NUMBER" and re.compile(NO_FACTOR).match(text, start)
                if not apart and text[start - 1] not in BLANKS:
                    yield "JUXT", TIMES, start, start
            elif head := (
                ASSIGN.match(text, start)
                or re.compile(DEFINE).match(text, start)
                or (":" in text and re.compile(DECLARE).match(text, start))
            ):
                piece = head.group()
                kind = "ASSIGN" if head.re is ASSIGN else "DEFINE"
                if head.re.pattern == DECLARE:
                    kind = "DECLARE_AS" if piece[-1] == "=" else "DECLARE"
                while end < head.end():
                    end += len(next(pieces))
        if ended:
            yield "SEP", ended[0], ended[1], ended[1] + 1
            ended = None
        previous = kind
        yield kind, piece, start, end


def closely(kind: str, previous: str, opened: list[str], text: str, start: int) -> str:
    """The kind of a piece that is one in its place only; keeps account of the square brackets."""
    if kind == "OPENB":
        opened.append("[")
    elif kind == "CLOSEB":
        if "[" not in opened:
            return "OTHER"
        opened.pop()
    elif kind == "COLON":
        return kind if opened and opened[-1] == "[" else "OTHER"
    elif kind == "KEY":
        inside = previous == "COMMA" and opened and opened[-1] == "("
        return kind if inside and re.compile(KEYS).match(text, start) else "NAME"
    elif previous not in OPERAND_ENDS:
        return "OTHER"  # no operand ends before a product or a transpose
    return kind
