"""Text to words, by one regular expression.

What a grammar finds hard is easy here. The lexer knows whether a minus sign stands between operands
or before one, whether a newline ends a stage or only a line, and whether `name(a, b) =` begins a
definition. It refuses nothing: what is not part of the language is a word that the grammar never
expects.
"""

import re
import string
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["NAME", "Word", "scan", "words"]

NAME = r"[A-Za-z_][A-Za-z_0-9]*+"
PIECE = re.compile(
    rf"""[ \t\r\f]++|\#[^\n]*+
    |(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?
    |{NAME}
    |\*\*|[<>=!]=|.""",
    re.VERBOSE | re.DOTALL,
)
"""Any text is made of these and nothing else: blanks, comments, numbers, names, signs."""

KINDS = {
    "if": "IF",
    "+": "ADD",
    "-": "ADD",
    "*": "SCALE",
    "/": "SCALE",
    "**": "POWER",
    "^": "POWER",
    "(": "OPEN",
    ")": "CLOSE",
    ",": "COMMA",
    ";": "SEP",
    "\n": "SEP",
    ".": "OTHER",
    **dict.fromkeys(("<", "<=", ">", ">=", "==", "!="), "COMPARE"),
}
BEGINNINGS = {
    **dict.fromkeys(string.ascii_letters + "_", "NAME"),
    **dict.fromkeys(string.digits + ".", "NUMBER"),
    **dict.fromkeys(" \t\r\f#", "SKIP"),
}
"""The kinds of the other pieces, by their first characters; the rest is OTHER."""

GAP = r"[ \t\r\f\n]*+(?:\#[^\n]*+\n[ \t\r\f\n]*+)*"
ASSIGN = re.compile(rf"{NAME}[ \t]*+=(?!=)")
DEFINE = rf"{NAME}[ \t]*+\({GAP}{NAME}(?:{GAP},{GAP}{NAME})*{GAP}\)[ \t]*+=(?!=)"
"""How a definition begins; compiled when a stage begins with a name, which few of one line do."""
OPERAND_ENDS = frozenset({"NUMBER", "NAME", "CLOSE"})


class Word(NamedTuple):
    """A word of a program: its type is a terminal of the grammar, OTHER or CARRIED.

    OTHER is a character that the language does not have; CARRIED is a plus sign that begins a
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
    depth = 0
    previous = "SEP"
    ended: tuple[str, int] | None = None  # the separator after a stage, until another begins
    pieces = iter(PIECE.findall(text, end))
    for piece in pieces:
        start = end
        end += len(piece)
        kind = KINDS.get(piece) or BEGINNINGS.get(piece[0], "OTHER")
        if kind == "SKIP":
            continue
        if kind == "SEP":
            if piece == "\n" and (depth or previous not in operand_ends):
                continue  # inside parentheses, or a line that an operator carries on
            if not depth and (previous in operand_ends or (ended and piece == ";")):
                ended, previous = (piece, start), "SEP"
            elif previous != "SEP":
                previous, depth = "SEP", 0  # `;` cuts a stage short
                yield "SEP", piece, start, end
            continue
        if kind == "ADD":
            if previous not in operand_ends:
                carried = piece == "+" and ended is not None and ended[0] == "\n"
                kind = "CARRIED" if carried else "SIGN"
        elif kind == "OPEN":
            depth += 1
        elif kind == "CLOSE":
            depth -= depth > 0
        elif previous == "SEP" and (kind == "NAME" or kind == "IF"):
            head = ASSIGN.match(text, start) or re.compile(DEFINE).match(text, start)
            if head:
                kind = "ASSIGN" if head.re is ASSIGN else "DEFINE"
                piece = head.group()
                while end < head.end():
                    end += len(next(pieces))
        if ended:
            yield "SEP", ended[0], ended[1], ended[1] + 1
            ended = None
        previous = kind
        yield kind, piece, start, end
