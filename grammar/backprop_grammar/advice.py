"""What to say about a token that stands where none is expected.

The insight: advice by example. Each row of SLIPS is a pattern of what stands
around the place, the message and the way out; the first that matches is said.
"""

import re

from lark import Token

from .errors import BackpropError, Source
from .lexer import NAME
from .operations import FUNCTIONS

__all__ = ["SLIPS", "advise"]

NUMBER = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"

SLIPS = (
    # what stands before the place, from the place on, the message, the way out
    (rf"(?<![\w.])({NUMBER})[ \t]*", rf"({NAME}|\()", "a number next to {b}", "to multiply, write {a}*{b}"),
    (rf"(?:^|[^\w.])({NUMBER})", r"(\.[0-9.]*)", "{a}{b} is not a number", "a number has one decimal point"),
    (rf"\b({NAME})[ \t]+", rf"({NUMBER}|{NAME})", "{a} next to {b}", "{advice}"),
    (r"(\))[ \t]*", rf"({NUMBER}|{NAME}|\()", "a parenthesis next to {b}", "to multiply, write )*{b}"),
    (rf"\b({NAME})", r"()\(\)", "{a}() has no operands", "write {a}(x)"),
    (r"(.*)", r"(==|!=|<=|>=|<|>)", "a comparison outside if(...)", "comparisons stand only in if(a {b} b, x, y)"),
    (r"(if[ \t]*\([^(),=]*)", r"(=)", "= compares nothing", "write == to compare"),
    (rf"^(.*[(,][ \t]*)?{NAME}[ \t]*\([^()]*\)[ \t]*", r"(=)", "what stands before = is not a name or a definition",
     "define a function by names: square(u) = u*u"),
    (r"(.*)", r"(=)", "= has no name before it", "a stage is name = expression; in if(...) compare with =="),
    (r"(?:^|[^\w.])([0-9]+)", r"(,[ \t]*[0-9]+)", "a comma outside a function", "write decimals with a point: 3.14, not 3,14"),
    (r"(.*)", r"(,)", "a comma outside a function", "separate stages with ; and write decimals with a point"),
    (r"(.*[-+*/^,(=])[ \t]*", r"([*/^])", "{b} has nothing on its left", "put a name, a number or ( ) before {b}"),
    (r"([(,])[ \t]*", r"([),])", "an operand is missing", "put a name, a number or an expression here"),
    (r"(.*[-+*/^=<>,(])[ \t]*", r"(\)|;|\n|$)", "an operand is missing", "put a name, a number or ( ) after {last}"),
    (r"(if)[ \t]*", r"(.?)", "if is a function here", "write if(condition, a, b)"),
)  # fmt: skip


def advise(source: Source, token: Token, accepted: set[str]) -> BackpropError:
    """The error for an unexpected token; ``accepted`` are the kinds that could stand there."""
    text = source.text
    if token.type == "$END":
        place = len(text.rstrip())
        if not text.strip() or not re.sub(r"#[^\n]*", "", text).strip("; \t\r\n"):
            return BackpropError("syntax", "the program is empty", hint="write a formula, such as x*y", source=source)  # fmt: skip
    else:
        place = token.start_pos or 0
    begin = max(text.rfind("\n", 0, place), text.rfind(";", 0, place), place - 200) + 1
    before, after = text[begin:place], text[place : place + 100]
    span = (place, max(place + 1, min(token.end_pos or 0, place + 40)))
    if token.type == "$END":
        span = (place, place + 1)
    for left, right, message, hint in SLIPS:
        a, b = re.search(f"(?:{left})$", before), re.match(right, after)
        if a and b:
            first, second = (a.group(1) or "").strip(), b.group(1).strip()
            advice = f"to multiply, write {first}*{second}"
            if first in FUNCTIONS:
                advice = f"write {first}({second})"
            elif second in ("and", "or", "not") or first in ("and", "or", "not"):
                advice = "an if takes one comparison; nest them: if(a > 0, if(b > 0, x, y), y)"
            elif re.match(r"[A-Za-z_]\w*[ \t]+[A-Za-z_]\w*[ \t]*=", f"{first} {after}"):
                advice = "separate stages with ; or a new line"
            last = re.findall(r"\S", before)[-1:] or ["it"]
            fields = {"a": first, "b": second, "advice": advice, "last": last[0]}
            return BackpropError("syntax", message.format(**fields), span, hint=hint.format(**fields), source=source)  # fmt: skip
    if token.type == "$END":
        return BackpropError("syntax", "the program ends too early", span, hint="add what is missing", source=source)  # fmt: skip
    shown = str(token).strip() or "the end of the stage"
    wanted = "an operator" if "_PLUS" in accepted else "a name, a number or an opening parenthesis"
    return BackpropError("syntax", f"{shown} is not expected here", span, hint=f"{wanted} could stand here", source=source)  # fmt: skip
