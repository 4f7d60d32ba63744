"""Programs in other spellings than this language's: `2·θ₁²`, `|x|`, `√x`, `np.exp(x)`.

What has one meaning is written as this language writes it, before a word of it is read; so whoever
reads programs knows one spelling. Every character remembers where it was typed, so that messages
point there.
"""

import re
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from ..errors import BackpropError, Source, Span, few, shorten, visible
from ..operations.table import CONSTANTS, FUNCTIONS
from .characters import PLAIN_SIGNS, ROOTS, fraction, greek, plain_letter, raised
from .graph import Graph
from .lexer import DEFINE, NAME, TIMES

__all__ = ["Typed", "folded", "respelled"]

LIBRARY = "np|numpy|math|cmath|Math|torch|nn|F|jnp|jax|tf|scipy|special|sp|sympy|keras|K|cp|cupy"
MODULE = "nn|functional|numpy|math|special|activations|backend|linalg|random"
"""What libraries and their parts are called in programs."""

IMPORT = re.compile(
    r"(?:\A|(?<=[\n;]))[ \t]*+((?:import[ \t]+[A-Za-z_]|from[ \t]+[\w.]+[ \t]+import[ \t]+)[\w.,*() \t]*)"
    r"(?=[\r\n;#]|\Z)",
    re.ASCII,
)
AS = re.compile(r"import[ \t]+[A-Za-z_][\w.]*[ \t]+as[ \t]+([A-Za-z_]\w*)", re.ASCII)
COMMENT = r"\#[^\n]*"
NUMBER = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
OPERAND = re.compile(rf"({NAME})([ \t]*\()?|{NUMBER}|(\()")
CHOICES = ("where", "ifelse")
"""What `if` is called elsewhere."""

OTHER_DEFAULTS = {
    (
        "tf",
        "leaky_relu",
    ): "write leaky_relu(x, 0.2): there, a is 0.2 unless it is given, and here 0.01",
    ("jax", "gelu"): "write gelu(x), which is exact: there it is an approximation",
}
"""Of a library and a function: what to write, as its default is not the one it has here."""

ALONG_AN_AXIS = frozenset({
    "sum", "mean", "max", "min", "logsumexp", "reduce_sum", "reduce_mean", "reduce_max", "reduce_min",
    "reduce_logsumexp",
})  # fmt: skip
ARRAYS = frozenset({"np", "numpy", "jnp", "jax", "tf", "cp", "cupy", "K", "keras"})
"""What goes along an axis that stays here, and is dropped in these libraries."""

LITERALS = frozenset({"array", "asarray", "tensor", "as_tensor", "Tensor", "matrix", "constant"})
"""What libraries write before the numbers of an array."""

KEYWORDS = re.compile(
    r",[ \t]*(?:keepdims?[ \t]*=[ \t]*True|(?:dtype|requires_grad)[ \t]*=[ \t]*[\w.]+)(?=[ \t]*[,)])"
    r"|(?<=,)[ \t]*(dim)[ \t]*=(?!=)"
)
"""What is said of an array elsewhere and is so here in any case; and another word for its axis."""

TUPLES = re.compile(r"\b(?:zeros|ones|concatenate|cat|concat)[ \t]*\([ \t]*(\()")
"""Calls of which libraries put all operands in parentheses once more: zeros((3, 4))."""

NEAR = 2_000
"""Characters of a call that are looked through for a comma."""


@dataclass(slots=True)
class Typed:
    """A text in this language's spelling, and where each of its characters was typed in another."""

    source: Source
    text: str
    starts: "array[int]"
    ends: "array[int]"
    remarks: dict[str, str] = field(default_factory=dict)

    def span(self, span: Span) -> Span:
        """Where a part of the text was typed."""
        start, end = span
        if start >= len(self.starts):
            length = len(self.source.text)
            return length, length + end - start
        begin = self.starts[start]
        return begin, max(begin, self.ends[min(max(end - 1, start), len(self.ends) - 1)])

    def refuse(self, message: str, span: Span, hint: str) -> BackpropError:
        """The error for a part of the text."""
        return BackpropError("syntax", message, self.span(span), hint=hint, source=self.source)

    def located(self, error: BackpropError) -> BackpropError:
        """An error of the text as one of what was typed."""
        span = error.span and self.span(error.span)
        if span and span[0] == span[1]:
            start = max(0, min(span[0], len(self.source.text) - 1))
            span = start, start + 1
        return error.replace(span=span, source=self.source)

    def placed(self, graph: Graph) -> Graph:
        """The graph of the text as the one of what was typed."""
        for tape in (graph, *(function.body for function in graph.functions.values())):
            spans = [self.span(span) for span in tape.spans[:]]
            tape.spans.starts = array("i", [start for start, _ in spans])
            tape.spans.ends = array("i", [end for _, end in spans])
            tape.source = self.source
        graph.shadowed = {name: self.span(span) for name, span in graph.shadowed.items()}
        graph.inner_constants = {
            name: (function, self.span(span))
            for name, (function, span) in graph.inner_constants.items()
        }
        constants = {*graph.constants.values()}
        graph.remarks |= {
            about: said
            for about, said in self.remarks.items()
            if about not in CONSTANTS or about in constants
        }
        graph.respelled = True
        return graph


class Writing:
    """A text on its way to another spelling, being read from left to right."""

    def __init__(self, typed: Typed) -> None:
        self.typed = typed
        self.pieces: list[str] = []
        self.starts, self.ends = array("i"), array("i")
        self.at = 0  # what is read begins here
        self.tail = ""  # the end of what is written

    def put(self, text: str, until: int) -> None:
        self.pieces.append(text)
        self.tail = (self.tail + text[-80:])[-80:]
        self.at = until

    def copy(self, until: int) -> None:
        """Write what stands before a place as it is."""
        self.starts.extend(self.typed.starts[self.at : until])
        self.ends.extend(self.typed.ends[self.at : until])
        self.put(self.typed.text[self.at : until], until)

    def write(self, text: str, until: int) -> None:
        """Write something in place of what stands before a place."""
        start, end = self.typed.span((self.at, until))
        self.starts.extend([start] * len(text))
        self.ends.extend([end] * len(text))
        self.put(text, until)

    def after(self, pattern: str) -> str:
        """What of a pattern is written at the very end so far."""
        match = re.search(rf"(?:{pattern})\Z", self.tail)
        return match.group() if match else ""

    def times(self) -> None:
        """Write the sign of a product without one, where an operand has just ended."""
        if self.after(r"[\w.)]"):
            start, _ = self.typed.span((self.at, self.at + 1))
            self.starts.append(start)
            self.ends.append(start)
            self.put(TIMES, self.at)

    def done(self) -> Typed:
        """The text, with its end as it is."""
        self.copy(len(self.typed.text))
        typed = self.typed
        return Typed(typed.source, "".join(self.pieces), self.starts, self.ends, typed.remarks)


def respelled(source: Source) -> Typed | None:
    """A program in this language's spelling; None where it is in it.

    Raises BackpropError for what can be read in two ways.
    """
    text = source.text
    typed = Typed(source, text, array("i", range(len(text))), array("i", range(1, len(text) + 1)))
    if not text.isascii():
        typed = characters(typed)
    steps: tuple[tuple[str, Callable[[Typed], Typed]], ...] = (
        (r"\.[A-Za-z_]|\bimport\b|\bwhere\b|\bifelse\b", calls),
        (TUPLES.pattern, tuples),
        (KEYWORDS.pattern, keywords),
        (r"\|", bars),
        (f"[{''.join(ROOTS)}]", roots),
    )
    for sign, step in steps:
        if re.search(sign, typed.text):
            typed = step(typed)
    if typed.text == text:
        return None
    typed.remarks |= merged(typed)
    return typed


def folded(name: str) -> str:
    """A name as programs have it, where it has such a spelling; else as it is."""
    places = array("i", range(len(name)))
    try:
        plain = characters(Typed(Source(name), name, places, places))
    except BackpropError:  # two meanings as a formula: 1½
        return name
    return plain.text if re.fullmatch(NAME, plain.text) else name


# characters


def characters(typed: Typed) -> Typed:
    """The text with ASCII in place of the characters that mean the same."""
    text = typed.text
    done = Writing(typed)
    for found in re.finditer(rf"{COMMENT}|[^\x00-\x7f]", text):
        at = found.start()
        if text[at] == "#" or at < done.at:
            continue
        done.copy(at)
        character = text[at]
        if character in PLAIN_SIGNS:
            done.write(PLAIN_SIGNS[character], at + 1)
        elif fraction(character):
            half(done, character)
        elif raised(character, "super"):
            exponent(done)
        elif raised(character, "sub"):
            index(done)
        elif greek(character):
            letter(done, greek(character))
        elif plain_letter(character):
            done.write(plain_letter(character), at + 1)
        elif character in "ᵀ⊤" and done.after(r"[\w)\]]") and not text[at + 1 : at + 2].isalnum():
            done.write(".T", at + 1)
    return done.done()


def run(text: str, start: int, kind: str) -> str:
    """The plain text of the raised or lowered characters that begin at a place."""
    plain: list[str] = []
    while start < len(text) and (one := raised(text[start], kind)):
        plain.append(one)
        start += 1
    return "".join(plain)


def half(done: Writing, character: str) -> None:
    """Write ½ as (1/2). Raises BackpropError for 1½, and for x^½y."""
    at, shown = done.at, fraction(character)
    text = done.typed.text
    next_one = text[at + 1 : at + 2]
    factor = next_one == "(" or (next_one.isalpha() and not raised(next_one, "super"))
    if factor and done.after(r"(?:\^|\*\*)[ \t]*"):
        more = re.match(r"\w+|\(", text[at + 1 : at + 40])
        length = len(more[0]) if more else 1
        rest = "(...)" if next_one == "(" else shorten(text[at + 1 : at + 1 + length])
        raise done.typed.refuse(
            "a product without a sign after an exponent has two meanings",
            (at, at + 1 + length),
            f"write ^({shown}*{rest}) or ^({shown})*{rest}",
        )
    before = done.after(r"[\w.]+|\)")
    if before:
        whole = shorten(before) if before != ")" else "(...)"
        raise done.typed.refuse(
            f"{whole}{character} has two meanings",
            (at - (before != ")"), at + 1),
            f"write {whole} + {shown} or {whole}*({shown})",
        )
    done.write(f"({shown})", at + 1)


def exponent(done: Writing) -> None:
    """Write x² as x^(2). Raises BackpropError for x²^3."""
    text, at = done.typed.text, done.at
    if not done.after(r"[\w.)|]"):
        return
    plain = run(text, at, "super")
    end = at + len(plain)
    if power := re.match(r"[ \t]*(?:\^|\*\*)[ \t]*(\w*)", text[end : end + 80]):
        base, last = done.after(r"[\w.]+") or "(...)", visible(power[1]) or "(...)"
        raise done.typed.refuse(
            "a power of a power has two meanings here",
            (at, end + len(power[0])),
            f"write ({shorten(base)}^{plain})^{last} or {shorten(base)}^({plain}^{last})",
        )
    done.write(f"^({plain})", end)


def index(done: Writing) -> None:
    """Write w₁ as w1 and wᵢ as w_i. Raises BackpropError for 3e₁, which is no number."""
    at = done.at
    if done.after(NAME):
        plain = run(done.typed.text, at, "sub")
        number = done.after(r"(?<![\w.])(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE]")
        if number and plain.isdigit():
            whole, name = number[:-1], f"{number[-1]}{plain}"
            raise done.typed.refuse(
                f"{shorten(number)}{done.typed.text[at : at + len(plain)]} looks like a number",
                (at - len(number), at + len(plain)),
                f"write {shorten(whole)}*{name}",
            )
        done.write(plain if plain[0].isdigit() else f"_{plain}", at + len(plain))
        after = done.typed.text[done.at : done.at + 1]
        if after.isalpha() and not raised(after, "super"):
            done.times()


def letter(done: Writing, name: str) -> None:
    """Write θ as theta; π beside a letter is a factor."""
    text, at = done.typed.text, done.at
    after = text[at + 1 : at + 2]
    if name == "pi" and after != "_" and not raised(after, "sub"):
        if done.after(NAME):
            done.times()
        done.write(name, at + 1)
        if after.isalnum() and not raised(after, "super") and not fraction(after):
            done.times()
        return
    alone = not done.after(NAME) and not (
        after == "_" or (after.isalnum() and not raised(after, "super"))
    )
    if name in CONSTANTS and alone:
        said = f"{text[at]} is the constant {name} = 2*pi here, as no value is given for {name}"
        done.typed.remarks[name] = said
    done.write(name, at + 1)


def merged(typed: Typed) -> dict[str, str]:
    """Remarks on names that were typed in several spellings, and are one."""
    spellings: dict[str, dict[str, None]] = {}
    for found in re.finditer(rf"{COMMENT}|({NAME})(?![ \t]*\()", typed.text):
        if found[1] and found[1] not in CONSTANTS:
            start, end = typed.span(found.span())
            spellings.setdefault(found[1], {})[typed.source.text[start:end]] = None
    return {
        name: f"{few(typed_as, 4).replace(', ', ' and ', 1)} are one name here: {shorten(name)}"
        for name, typed_as in spellings.items()
        if len(typed_as) > 1
    }


# words of other languages


def calls(typed: Typed) -> Typed:
    """The text without the names of libraries, and with `if` for what chooses elsewhere.

    Raises BackpropError where a library's function of the same name is another one.
    """
    libraries = LIBRARY
    done = Writing(typed)
    for line in IMPORT.finditer(typed.text):
        done.copy(line.start(1))
        done.at = line.end()
        said = shorten(" ".join(line[1].split()))
        typed.remarks[said] = f"{said} is left out: a program needs no libraries"
        if named := AS.match(line[1]):
            libraries += f"|{named[1]}"
    typed = done.done()
    text = typed.text
    own = {name for name in CHOICES if re.search(DEFINE.replace(NAME, name, 1), text)}
    done = Writing(typed)
    prefix = rf"(?<![A-Za-z_.])({libraries})((?:\.(?:{MODULE}))*)\."
    for found in re.finditer(rf"{COMMENT}|(?:{prefix})?({NAME})([ \t]*\()?", text):
        library, modules, name, called = found.groups()
        if library and called:
            check_alike(typed, library, modules, name, found.start(), found.end())
            if name in LITERALS:
                name = ""
            elif name == "dot":
                name = "matmul"
            elif "random" in modules and name in ("rand", "randn"):
                said = f"{library}{modules}.{name}"
                typed.remarks[said] = f"{said} draws this tool's own numbers, by a seed"
        elif library and (name in CONSTANTS or name in FUNCTIONS):
            pass
        elif library == "Math" and name.lower() in CONSTANTS:
            name = name.lower()
        elif library or not called:
            continue
        if not library and (name not in CHOICES or name in own):
            continue
        done.copy(found.start())
        done.write("if" if name in CHOICES else name, found.end(3))
    return done.done()


def check_alike(typed: Typed, library: str, modules: str, name: str, start: int, end: int) -> None:
    """Raise BackpropError where a function of a library is not the one of that name here.

    start: where the library is named; end: where the operands begin.
    """
    shown = f"{library}{modules}.{name}"
    if name in ALONG_AN_AXIS:
        inside = operands(typed.text, end)
        axis = re.search(r",[ \t]*(?:axis|dim)[ \t]*=[ \t]*(-?\w+)", inside)
        plain = name.removeprefix("reduce_")
        if axis and not re.search(r"keepdims?[ \t]*=[ \t]*True", inside):
            raise typed.refuse(
                f"{shown} drops the axis that it goes along, and here it stays, with size 1",
                (start, end - 1), f"write {plain}(x, axis={axis[1]}), or add keepdims=True",
            )  # fmt: skip
        if library in ARRAYS and not axis and several(typed.text, end):
            raise typed.refuse(
                f"{shown} takes an array, and along which axis", (start, end - 1),
                f"write {plain}(x, y, ...) for numbers, {plain}(x, axis=0) for an array",
            )  # fmt: skip
    other = OTHER_DEFAULTS.get((library, name))
    if other and not several(typed.text, end):
        raise typed.refuse(f"{shown} has another default than {name} here", (start, end - 1), other)


def several(text: str, start: int) -> bool:
    """Whether a call, whose operands begin at a place, has more than one, as far as one looks."""
    depth = 0
    for character in text[start : start + NEAR]:
        depth += (character in "([") - (character in ")]")
        if depth < 0:
            return False
        if character == "," and not depth:
            return True
    return False


def operands(text: str, start: int) -> str:
    """What stands in a call, whose operands begin at a place, as far as one looks."""
    depth = 1
    for end in range(start, min(start + NEAR, len(text))):
        depth += (text[end] in "([") - (text[end] in ")]")
        if not depth:
            return text[start : end + 1]
    return text[start : start + NEAR]


def tuples(typed: Typed) -> Typed:
    """The text without a second pair of parentheses around all operands: zeros((3, 4))."""
    ends = closings(typed.text)
    drops = []
    for found in TUPLES.finditer(typed.text):
        opening = found.start(1)
        if opening in ends and re.match(r"[ \t]*[,)]", typed.text[ends[opening] :]):
            drops += [opening, ends[opening] - 1]
    done = Writing(typed)
    for at in sorted(drops):
        done.copy(at)
        done.at = at + 1
    return done.done()


def keywords(typed: Typed) -> Typed:
    """The text without what is so here in any case: keepdims=True; and `axis` for `dim`."""
    done = Writing(typed)
    for found in KEYWORDS.finditer(typed.text):
        done.copy(found.start(1) if found[1] else found.start())
        if found[1]:
            done.write("axis", found.end(1))
        else:
            done.at = found.end()
    return done.done()


# signs on both sides, and before


def bars(typed: Typed) -> Typed:
    """The text with |x| as abs(x). Raises BackpropError where bars can be paired in two ways."""
    text = typed.text
    opened: dict[int, bool] = {}
    stage: list[tuple[int, int, str, str]] = []  # where a bar is, how deep, what is on both sides
    depth, before = 0, ""
    for found in re.finditer(rf"{COMMENT}|[ \t\r\f]+|.|\n", text + "\n"):
        sign = found[0]
        if stage and not sign.isspace() and sign[0] != "#" and not stage[-1][3]:
            stage[-1] = (*stage[-1][:3], sign)
        if sign == "|":
            stage.append((found.start(), depth, before, ""))
        elif sign in ("(", ")"):
            depth += 1 if sign == "(" else -1
            if stage and depth < stage[-1][1]:
                stage.append((-1, depth, "", ""))  # no pair goes over it
        elif sign == ";" or (sign == "\n" and depth <= 0):
            opened |= pairs(typed, stage)
            stage, depth = [], 0
            before = ""
        if not sign.isspace() and sign[0] != "#":
            before = sign
    done = Writing(typed)
    for at, opens in opened.items():
        done.copy(at)
        if opens:
            done.times()
        done.write("abs(" if opens else ")", at + 1)
    return done.done()


def pairs(typed: Typed, stage: list[tuple[int, int, str, str]]) -> dict[int, bool]:
    """Whether each bar of a stage opens; nothing where they do not pair."""
    ways: dict[int, bool] = {}
    both: list[bool] = []
    outer: int | None = None
    for at, depth, before, after in stage:
        if at < 0:
            if outer is not None and depth < outer:
                return {}
            continue
        left = bool(before) and (before.isalnum() or before in "_.)")
        right = bool(after) and (after.isalnum() or after in "_.(" or after in ROOTS)
        opens = outer is None if left and right else not left
        if opens == (outer is not None) or (not opens and depth != outer):
            return {}
        outer = depth if opens else None
        ways[at] = opens
        if left and right:
            both.append(opens)
    if outer is not None:
        return {}
    if (False, True) in pairwise(both) or (False in both and True in both[both.index(False) :]):
        first, last = min(ways), max(ways)
        raise typed.refuse(
            "these bars can be paired in two ways", (first, last + 1), "write abs(x) for each |x|"
        )
    return ways


def roots(typed: Typed) -> Typed:
    """The text with √x as sqrt(x). Raises BackpropError for √2x and √x^2."""
    text = typed.text
    ends = closings(text)
    closers: dict[int, int] = {}
    done = Writing(typed)
    signs = "".join(ROOTS)
    for found in re.finditer(rf"{COMMENT}|[{signs}]+|\Z|.", text, re.DOTALL):
        at = found.start()
        if at in closers:
            done.copy(at)
            for _ in range(closers.pop(at)):
                start, _end = typed.span((max(0, at - 1), at))
                done.starts.append(start)
                done.ends.append(_end)
                done.put(")", at)
        if found[0][:1] not in ROOTS:
            continue
        begin = found.end()
        operand = OPERAND.match(text, begin)
        if not operand:
            continue
        opening = operand.end() - 1 if operand[2] or operand[3] else None
        end = operand.end() if opening is None else ends.get(opening)
        if end is None:
            continue
        check_root(typed, at, begin, end, bool(operand[3]))
        done.copy(at)
        done.times()
        grouped = bool(operand[3])
        for k, sign in enumerate(found[0], 1):
            last = k == len(found[0]) and grouped
            done.write(ROOTS[sign] + "(" * (not last), at + k)
        closers[end] = closers.get(end, 0) + len(found[0]) - grouped
    return done.done()


def check_root(typed: Typed, at: int, begin: int, end: int, grouped: bool) -> None:
    """Raise BackpropError where what follows the operand of a root may belong to it."""
    text = typed.text
    after = re.match(r"[\w(]|[ \t]*(?:\^|\*\*)", text[end : end + 80])
    if grouped or not after:
        return
    function = ROOTS[text[begin - 1]]
    operand = shorten(text[begin:end])
    if "^" in after[0] or "*" in after[0]:
        power = re.match(r"[ \t]*(?:\^|\*\*)[ \t]*(\([\w.+*/-]*\)|[\w.]*)", text[end : end + 80])
        assert power is not None
        last = power[1] or "(...)"
        if re.fullmatch(r"\(\w+\)", last):
            last = last[1:-1]
        readings = f"{function}({operand})^{last} or {function}({operand}^{last})"
        end += len(power[0])
    else:
        more = re.match(r"[\w.]*", text[end : end + 40])
        rest = more[0] if more and more[0] else "(...)"
        readings = f"{function}({operand})*{rest} or {function}({operand}*{rest})"
        end += len(rest) if rest != "(...)" else 1
    raise typed.refuse("this root has two meanings", (at, end), f"write {readings}")


def closings(text: str) -> dict[int, int]:
    """Where each opening parenthesis is closed: the place after."""
    opened: list[int] = []
    ends: dict[int, int] = {}
    for found in re.finditer(rf"{COMMENT}|[()]", text):
        if found[0] == "(":
            opened.append(found.start())
        elif found[0] == ")" and opened:
            ends[opened.pop()] = found.end()
    return ends
