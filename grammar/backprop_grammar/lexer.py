"""Text to words, by one regular expression.

The insight: what a grammar finds hard is easy here. The lexer knows whether a
minus sign stands between operands or before one, whether a newline ends a
stage or only a line, and whether `name(a, b) =` begins a definition. It refuses
nothing: what is not part of the language is a word that the grammar never expects.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from lark.common import LexerConf
from lark.lexer import Lexer

__all__ = ["NAME", "ProgramLexer", "Word", "words"]

NAME = r"[A-Za-z_][A-Za-z_0-9]*+"
TOKEN = re.compile(
    rf"""(?P<SKIP>[ \t\r\f]++|\#[^\n]*+)
    |(?P<NUMBER>(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?)
    |(?P<NAME>{NAME})
    |(?P<ADD>[+-])
    |(?P<POWER>\*\*|\^)
    |(?P<SCALE>[*/])
    |(?P<OPEN>\()|(?P<CLOSE>\))|(?P<COMMA>,)
    |(?P<SEP>[;\n])
    |(?P<COMPARE><=|>=|==|!=|<|>)
    |(?P<OTHER>.)""",
    re.VERBOSE,
)
GAP = r"[ \t\r\f\n]*+(?:\#[^\n]*+\n[ \t\r\f\n]*+)*"
ASSIGN = re.compile(rf"{NAME}[ \t]*+=(?!=)")
DEFINE = re.compile(rf"{NAME}[ \t]*+\({GAP}{NAME}(?:{GAP},{GAP}{NAME})*{GAP}\)[ \t]*+=(?!=)")
OPERAND_ENDS = frozenset({"NUMBER", "NAME", "CLOSE"})


class Written(NamedTuple):
    type: str
    text: str
    start_pos: int
    end_pos: int


class Word(Written):
    """A word of a program: its type is a terminal of the grammar, OTHER or CARRIED.

    OTHER is a character that the language does not have; CARRIED is a plus sign that begins a
    line after a finished stage, where nobody can tell whether the line above goes on.
    """

    __slots__ = ()
    line = column = end_line = end_column = None  # Lark asks for them; a span says it all


class ProgramLexer(Lexer):
    """The lexer that Lark is given; one instance serves every parse."""

    def __init__(self, lexer_conf: LexerConf | None = None) -> None:
        """Take no setting: the words of the language are fixed."""

    def lex(self, data: str) -> Iterator[Word]:  # type: ignore[override]
        """Yield the words of a program."""
        return words(data)


def words(text: str) -> Iterator[Word]:
    """The words of a program, comments and empty stages left out."""
    operand_ends = OPERAND_ENDS
    position = int(text.startswith("\ufeff"))  # a byte order mark is no word
    depth = 0
    previous = "SEP"
    ended: tuple[str, int] | None = None  # the separator after a stage, until another begins
    for found in TOKEN.finditer(text):
        start, end = found.span()
        kind = found.lastgroup
        if kind == "SKIP" or start < position:
            continue
        assert kind is not None  # OTHER and SEP match anything
        written = found.group()
        if kind == "SEP":
            if written == "\n" and (depth or previous not in operand_ends):
                continue  # inside parentheses, or a line that an operator carries on
            if not depth and (previous in operand_ends or (ended and written == ";")):
                ended, previous = (written, start), "SEP"
            elif previous != "SEP":
                previous, depth = "SEP", 0  # `;` cuts a stage short
                yield Word("SEP", written, start, end)
            continue
        if kind == "ADD":
            if previous not in operand_ends:
                carried = written == "+" and ended is not None and ended[0] == "\n"
                kind = "CARRIED" if carried else "SIGN"
        elif kind == "NAME":
            head = previous == "SEP" and (DEFINE.match(text, start) or ASSIGN.match(text, start))
            if head:
                kind = "DEFINE" if head.re is DEFINE else "ASSIGN"
                written, end = head.group(), head.end()
                position = end
            elif written == "if":
                kind = "IF"
        elif kind == "OPEN":
            depth += 1
        elif kind == "CLOSE":
            depth -= depth > 0
        if ended:
            yield Word("SEP", ended[0], ended[1], ended[1] + 1)
            ended = None
        previous = kind
        yield Word(kind, written, start, end)
