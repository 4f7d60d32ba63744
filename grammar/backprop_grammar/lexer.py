"""Text to tokens, by one regular expression.

The insight: what a grammar finds hard is easy here. The lexer knows whether a
minus sign stands between operands or before one, whether a newline ends a
stage or only a line, and whether `name(a, b) =` begins a definition.
"""

import re
from collections.abc import Iterator

from lark import Token
from lark.common import LexerConf
from lark.lexer import Lexer

from .errors import BackpropError, Source, visible

__all__ = ["ProgramLexer"]

NAME = r"[A-Za-z_][A-Za-z_0-9]*"
TOKEN = re.compile(
    rf"""(?P<SKIP>[ \t\r\f]+|\#[^\n]*|\\\r?\n)
    |(?P<NUMBER>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    |(?P<NAME>{NAME})
    |(?P<SEP>[;\n])
    |(?P<COMPARE><=|>=|==|!=|<|>)
    |(?P<POW>\*\*|\^)
    |(?P<STAR>\*)|(?P<SLASH>/)|(?P<PLUS>\+)|(?P<MINUS>-)
    |(?P<LPAR>\()|(?P<RPAR>\))|(?P<COMMA>,)|(?P<EQUALS>=)
    |(?P<OTHER>.)""",
    re.VERBOSE,
)
BLANK = r"(?:[ \t\r\f]|\#[^\n]*\n|\n)*"
ASSIGN = re.compile(rf"({NAME})[ \t]*=(?!=)")
DEFINE = re.compile(
    rf"({NAME})[ \t]*\({BLANK}({NAME}(?:{BLANK},{BLANK}{NAME})*){BLANK}\)[ \t]*=(?!=)"
)
OPERAND_ENDS = frozenset({"NUMBER", "NAME", "RPAR"})
KEPT = frozenset({"NUMBER", "NAME", "LPAR", "RPAR", "COMPARE"})
BETWEEN = {"PLUS": "_PLUS", "MINUS": "_MINUS"}
BEFORE = {"PLUS": "PLUS_SIGN", "MINUS": "MINUS_SIGN"}

LOOKALIKES = {
    "×": "*", "·": "*", "⋅": "*", "∙": "*", "∗": "*", "•": "*", "÷": "/", "∕": "/", "⁄": "/",
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "﹣": "-", "＋": "+", "＊": "*", "／": "/",
    "（": "(", "）": ")", "，": ",", "；": ";", "＝": "=", "＾": "^", "√": "sqrt(...)", "π": "pi",
    "τ": "tau", "²": "^2", "³": "^3", "¹": "^1", "½": "(1/2)", "¼": "(1/4)", "≤": "<=", "≥": ">=",
    "≠": "!=", "⟨": "(", "⟩": ")", "’": "", "‘": "", "“": "", "”": "", "∞": "a finite number",
    "\u00a0": "an ordinary space", "\u202f": "an ordinary space", "\u3000": "an ordinary space",
    "\u2009": "an ordinary space", "\ufeff": "nothing (a byte order mark)", "\u200b": "nothing",
}  # fmt: skip
PLAIN = {
    "[": "use round parentheses: ( )",
    "]": "use round parentheses: ( )",
    "{": "use round parentheses: ( )",
    "}": "use round parentheses: ( )",
    "|": "write abs(x) for an absolute value",
    "!": "compare with !=, inside if(...)",
    "&": "an if takes one comparison; nest them: if(a > 0, if(b > 0, x, y), y)",
    "%": "there is no remainder or per cent; write /100 for per cent",
    "@": "the point goes into --at, not into the program",
    "$": "names are letters, digits and underscores",
    "'": "a program needs no quotation marks of its own",
    '"': "a program needs no quotation marks of its own",
    ":": "separate stages with ; or a new line",
    "?": "choose with if(condition, a, b)",
}


class ProgramLexer(Lexer):
    """The lexer that Lark is given; one instance serves every parse."""

    def __init__(self, lexer_conf: LexerConf | None = None) -> None:
        """Take no setting: the tokens of the language are fixed."""

    def lex(self, data: str) -> Iterator[Token]:  # type: ignore[override]
        """Yield the tokens of a program.

        Raises BackpropError for a character that has no place in the language and for
        parentheses that do not match.
        """
        return tokens(Source(data))


def tokens(source: Source) -> Iterator[Token]:
    text = source.text
    match_at = TOKEN.match
    position, end = 0, len(text)
    previous = "_SEP"  # the type of the last token given
    opened: list[int] = []
    while position < end:
        found = match_at(text, position)
        assert found is not None  # OTHER and SEP match anything
        kind = found.lastgroup
        start, position = position, found.end()
        if kind == "SKIP":
            continue
        if kind == "NAME":
            if previous == "_SEP":
                head = DEFINE.match(text, start) or ASSIGN.match(text, start)
                if head:
                    previous = "DEFINE" if head.re is DEFINE else "ASSIGN"
                    position = head.end()
                    yield Token(previous, head.group(), start, end_pos=position)
                    continue
            previous = "IF" if found.group() == "if" else "NAME"
            yield Token(previous, found.group(), start, end_pos=position)
            continue
        if kind == "SEP":
            if opened:
                if found.group() == "\n":
                    continue
                raise unclosed(source, opened[-1])
            if previous in OPERAND_ENDS:
                previous = "_SEP"
                yield Token("_SEP", found.group(), start, end_pos=position)
            elif found.group() == ";" and previous != "_SEP":
                yield Token("_SEP", ";", start, end_pos=position)
            continue  # an empty stage, or a line that an operator carries on
        if kind == "LPAR":
            opened.append(start)
        elif kind == "RPAR":
            if not opened:
                raise BackpropError(
                    "syntax",
                    "a closing parenthesis without an opening one",
                    (start, position),
                    hint="remove it, or add the opening parenthesis it belongs to",
                    source=source,
                )
            opened.pop()
        elif kind == "OTHER":
            raise stray(source, start)
        if kind in BETWEEN:
            assert kind is not None
            kind = (BETWEEN if previous in OPERAND_ENDS else BEFORE)[kind]
        elif kind not in KEPT:
            kind = f"_{kind}"
        assert kind is not None
        previous = kind
        yield Token(kind, found.group(), start, end_pos=position)
    if opened:
        raise unclosed(source, opened[-1])


def unclosed(source: Source, start: int) -> BackpropError:
    return BackpropError(
        "syntax",
        "a parenthesis is never closed",
        (start, start + 1),
        label="opened here",
        hint="add the closing parenthesis",
        source=source,
    )


def stray(source: Source, start: int) -> BackpropError:
    """The error for a character that the language does not have."""
    character = source.text[start]
    meant = LOOKALIKES.get(character)
    if meant is not None:
        hint = f"write {meant}" if meant else PLAIN["'"]
    elif character in PLAIN:
        hint = PLAIN[character]
    elif character.isalpha():
        hint = "names are ASCII letters, digits and underscores"
    elif character.isnumeric():
        hint = "numbers are written with the ASCII digits 0 to 9"
    else:
        hint = "a program is names, numbers, + - * / ^ ( ) , = ; and comments after #"
    shown = visible(character)
    code = "" if character.isascii() else f" (U+{ord(character):04X})"
    return BackpropError(
        "syntax", f"{shown}{code} is not part of the language", (start, start + 1),
        hint=hint, source=source,
    )  # fmt: skip
