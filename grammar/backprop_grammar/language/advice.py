"""What to say about a word that stands where none is expected.

Advice by example: each row of SLIPS is a pattern of what stands around the place, the message and
the way out; the first that matches is said.
"""

import re
from collections import deque
from dataclasses import dataclass, field
from itertools import islice

from ..errors import BackpropError, Source, Span, shorten, visible
from ..operations.table import ALIASES, FUNCTIONS
from .characters import stray
from .lexer import NAME, OPERAND_ENDS, Word, words

__all__ = ["SLIPS", "bare", "canonical", "misplaced", "readings", "two_readings"]

NUMBER = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
OPERATOR = r"\*\*|[-+*/^]"
COMPARE = r"<=|>=|==|!=|<|>"
A_NUMBER = rf"(?<![\w.]){NUMBER}"
HEAD = r"\([^()=]*\)"
NEST = "nest the ifs: if(a > 0, if(b > 0, x, y), y)"
PARTS = "write if(condition, a, b)"
PUT = "put a name, a number or an expression"

METHODS = {
    "t": "write {a}.T", "transpose": "write {a}.T", "dot": "write {a} @ ...", "matmul": "write {a} @ ...",
    "mm": "write {a} @ ...", "mv": "write {a} @ ...", "pow": "write {a}^...", "square": "write {a}^2",
    "shape": "write rows({a}) or cols({a}); of a vector, size({a})", "size": "write size({a})",
    "view": "write reshape({a}, m, n)", "reshape": "write reshape({a}, m, n)", "ravel": "write flatten({a})",
    "item": "leave it out", "detach": "leave it out", "copy": "leave it out", "numpy": "leave it out",
    "clone": "leave it out", "float": "leave it out", "backward": "leave it out: the gradients are what is printed",
    "grad": "leave it out: the gradients are what is printed", "astype": "leave it out: all numbers are real",
    "unsqueeze": "write {a}.T.T for a column, {a}.T for a row", "argmax": "no gradient passes through it",
    "sum": "write sum({a}), or along an axis sum({a}, axis=0)", "mean": "write mean({a}), or along an axis mean({a}, axis=0)",
    "max": "write max({a}), or along an axis max({a}, axis=0)", "min": "write min({a}), or along an axis min({a}, axis=0)",
    "logsumexp": "write logsumexp({a}), or along an axis logsumexp({a}, axis=0)",
}  # fmt: skip
"""What is said of an array behind a point elsewhere, and how it is written here."""

SLIPS = (
    # where, what stands before the place, from the place on, the message, the way out;
    # where: "" outside parentheses, else what opened the innermost and what it holds, as in "max(,";
    # the first groups before and after, {a} and {b}, are underlined
    ("", r"^()", r"(\+)", "a line begins with {b}, so the one above may not have ended",
     "end the line above with {b} to carry it on, or put this line in parentheses"),
    # words of other languages
    (r".*", r"^(return|print|yield|output) ", r"()", "{a} is not part of the language", "the last stage is the output: write only its expression"),
    (r".*", r"^(let|var|const|set|where|auto|double|float|int|real) ", r"()", "{a} is not part of the language", "write name = expression, such as x = 3"),
    (r".*", r"^(def|function|fun|fn|func) ", r"()", "{a} is not part of the language", "define a function by its name: square(u) = u*u"),
    (r".*", r"\b(lambda) ?", r"()", "{a} is not part of the language", "define a function by its name: square(u) = u*u"),
    (r".*", r"()", r"(and|or|&&|\|\||&)(?!\w)", "{b} joins no conditions: an if takes one comparison", NEST),
    (r".*", r"\b(not) ", r"()", "there is no {a}", "swap the branches: if(a > 0, y, x)"),
    (r".*", r"()", r"(mod)\b(?! ?\()", "mod is a function here", "write mod(x, y)"),
    (r".*", r"\b(d ?/ ?d\w*) ", r"()", "{a} is not needed", "write the formula alone: its derivatives are what is printed"),
    # if
    (r".*", r"\b(if) ?", r"(?!\()()", "if is a function here", PARTS),
    (r".*", r"()", r"(if)\b(?! ?\()", "if is a function here", PARTS),
    (r".*", r"()", r"(=<)", "{b} is not a comparison", "write <="),
    (r".*", r"()", r"(=>)", "{b} is not a comparison", "write >="),
    (r".*", r"(<) ?", r"(>)", "{a}{b} is not a comparison", "write !="),
    (r".*", r"(==|!=) ?", r"(=)", "{a}{b} is not a comparison", "write {a}"),
    (r"if\(", r"()", r"(=)", "= compares nothing", "write == to compare"),
    (r".*", r"\bif ?\(\(+[^()]*()", rf"()({COMPARE})", "a comparison in parentheses of its own", "write the condition without them: if(x > 0, a, b)"),
    # shapes
    ("", rf"^({NAME} ?: ?[0-9A-Z]+(?: ?x ?[0-9A-Z]+)?)", r"(,)", "a comma in a shape", "sizes have x between them, stages a semicolon: W: 3x4; x: 4"),
    ("", rf"^{NAME} ?()", r"(:)(?!=)", "{b} declares a shape, and none follows",
     "sizes are numbers or capital letters: W: 3x4, X: NxD, x: 4, b: scalar; stages are separated by ;"),
    # numbers
    (r".*", r"(?<![\w.])([0-9]+)", r"(_[0-9][0-9_]*)\b", "{a}{b} is not a number", "write its digits without _"),
    (r".*", r"(?<![\w.])(0)", r"([xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)\b", "{a}{b} is not a decimal number", "write it with the digits 0 to 9; to multiply, 0*{b}"),
    (r".*", rf"({A_NUMBER})", r"(\.[0-9.]*)", "{a}{b} is not a number", "a number has one decimal point"),
    (r".*", r"(?<![\w.])([0-9.]+)", r"([eE])(?!\w)", "{a}{b} has no exponent", "write {a}e3, or {a}*{b} to multiply"),
    (r"\(.*", rf"\b({NAME}) ?\(\([^()]*", r"()(?=,)", "a comma in parentheses within {a}(...)", "leave out the inner ones: {a}(x, y); an array stands in square brackets: [1, 2]"),
    (r"|[^a-zA-Z].*", r"(?<![\w.])([0-9]+)", r"(, ?[0-9]+)", "a comma outside a function", "write decimals with a point: 3.14, not 3,14"),
    (r"\[.*", rf"({A_NUMBER}) ", rf"({NUMBER})", "two numbers side by side: {a} and {b}", "put a comma between them: [1, 2]; rows end with a semicolon"),
    (r".*", rf"({A_NUMBER}) ", rf"({NUMBER})", "two numbers side by side: {a} and {b}", "put an operator between them, such as {a}*{b}"),
    # side by side
    (r".*", r"(?<=[\w)\]])('|\.T) ?", rf"({NAME}|{NUMBER})", "two arrays side by side", "the matrix product is @, element by element is *"),
    (r".*", r"(\]) ?", rf"({NAME}|{NUMBER}|\()", "two arrays side by side", "the matrix product is @, element by element is *"),
    ("", r" ()", rf"({NAME}) ?(?:{HEAD} ?)?=(?!=)", "a stage begins at {b}, before the last one has ended", "separate stages with ; or a new line"),
    (".+", r" ()", rf"({NAME}) ?(?:{HEAD} ?)?=(?!=)", "a stage begins at {b}, inside parentheses", "close the parenthesis before it"),
    (r".*", rf"({A_NUMBER}) ?", rf"({NAME})", "a number next to {b}", "to multiply, write {a}*{b}"),
    (r".*", rf"({A_NUMBER}) ?", r"(\()", "a number next to a parenthesis", "to multiply, write {a}*(...)"),
    (r".*", rf"\b({NAME}) ", rf"({NUMBER}\*{NAME})(?! ?\()", "{a} next to {b}", "{advice}"),
    (r".*", rf"\b({NAME}) ", rf"({NAME}|{NUMBER})", "{a} next to {b}", "{advice}"),
    (r".*", r"(\)) ?", rf"({NAME}|{NUMBER}|\()", "a parenthesis next to {other}", "to multiply, write )*{b}"),
    # nothing where something should be
    (r".*", rf"^({NAME} ?\()", r"(\)) ?=", "a function without parameters", "write name = ... for a stage, name(u) = ... for a function"),
    (r".*", r"\b(pi|PI|Pi|tau|e|E) ?\(", r"(\))", "{a} is a number, not a function", "write it without parentheses: {small}"),
    (r".*", rf"\b({NAME} ?\()", r"(\))", "{a}{b} has no operands", "write {call}"),
    (r".*", r"(\()", r"(\))", "nothing stands between the parentheses", f"{PUT} between them"),
    (r".*", r"([(,]) ?", r"(,)", "an operand is missing before the comma", f"{PUT} between {{a}} and {{b}}"),
    (r".*", r"(,) ?", r"(\))", "an operand is missing after the comma", f"{PUT} between {{a}} and {{b}}"),
    (r".*", r"(/)", r"(/)", "there is no {a}{b}", "divide with one /; comments begin with #"),
    (r".*", rf"({OPERATOR}) ?", r"(=)", "there is no {a}{b}", "a name is assigned once; use a new one, such as y = x + 1"),
    (r".*", rf"({OPERATOR}) ?", rf"({OPERATOR})", "nothing stands between {a} and {b}", f"{PUT} there, or remove one of them"),
    (r".*", rf"(?:^|[(,;]|=|{COMPARE}) ?()", rf"({OPERATOR}|{COMPARE})", "{b} has nothing on its left", f"{PUT} before {{b}}"),
    (r".*", rf"({OPERATOR}|@|{COMPARE}|(?<=\w)=|=|,|\() ?", r"(?=[,)]|$)()", "nothing stands after {a}", f"{PUT} after {{a}}"),
    # equals
    (r".*", r"()", r"(:=)", "{b} is not part of the language", "write = for a stage or a definition"),
    ("", r"^()", r"(=)(?!=)", "= has no name before it", "a stage is name = expression"),
    ("", rf"^({NAME} ?\(.*\)) ?", r"(?:=)(?!=)()", "what stands before = does not define a function", "a definition takes names only: square(u) = u*u"),
    ("", rf"^{NAME} ?(?:{HEAD} ?)?=.*()", r"(=)(?!=)", "a second = in one stage", "one name per stage: b = 3; a = b"),
    ("", r"^(.*?) ?", r"(?:=)(?!=)()", "what stands before = is not a name", "a stage is name = expression; for an equation, bring all to one side"),
    (r".*", r"(,) ?(?:keepdims?)", r"() ?=", "the axis stays with size 1 in any case", "leave keepdims out; of a column C, C[:,0] is a vector"),
    (r".*", r"(\() ?(?:axis)", r"() ?=", "the axis stands after the array", "write sum(X, axis=0)"),
    (r".*", r"()", r"(=)(?!=)", "= inside parentheses", "a stage is name = expression; operands go without names, as in atan2(y, x)"),
    # comparisons and commas
    ("", rf"^{NAME} ?()", r"(<-)", "{b} is not part of the language", "write = for a stage, such as y = w*x"),
    (r".*", r"()", rf"({COMPARE})", "a comparison outside if(...)", "a comparison stands only in a condition: if(x > 0, a, b)"),
    (r"|[^a-zA-Z].*", r"()", r"(,)", "a comma outside a function", "separate stages with ; and write decimals with a point"),
    # arrays
    (r".*", r"(@) ?", r"(@)", "nothing stands between {a} and {b}", f"{PUT} there, or remove one of them"),
    (r"\[.*", r"(;|\n) ?", r"(;|\]|$)", "a row is missing", "put numbers between the semicolon and what follows, or remove it"),
    (r"\[.*", r"(:) ?", r"(:)", "a slice has no step", "take elements by their numbers: x[[0, 2, 4]]"),
    (r"\[.*", r"()", r"(\.\.\.)", "{b} is not part of the language", "write a colon for a whole axis: X[:,1]"),
    (r".*", rf"\b({NAME})", r"(\.(?:" + "|".join(METHODS) + r"))\b", "{a}{b} is not part of the language", "{method}"),
    (r".*", r"[)\]]()", r"(\.(?:" + "|".join(METHODS) + r"))\b", "{b} is not part of the language", "{method}"),
    # characters
    (r".*", rf"\b({NAME}')", r"()\(", "{a} is not part of the language", "write the formula alone: its derivatives are what is printed"),
    (r".*", rf"\b({NAME})", rf"(\.{NAME}) ?\( ?\)", "{a}{b} is not part of the language", "a function stands before its operand: exp(x)"),
    (r".*", rf"\b({NAME})", rf"(\.{NAME})", "{a}{b} is not part of the language", "a point belongs in a number, or between a library and a function that is here: np.exp(x)"),
    (r".*", rf"\b({NAME})", r"(\.)\(", "{a}{b}( is not part of the language", "write {a}(...)"),
    (r".*", r"()", r"(\.(?:\*|/|\^))", "{b} is not part of the language", "element by element is {sign}, the matrix product is @"),
    (r".*", r"()", r"(\\n)(?!u\b|abla|eq|e\b|ot|i\b|ow|ewline|ormal)", "{b} in quotes is no new line", "separate stages with ;"),
    (r".*", r"()", r"(\\frac)", "{b} is LaTeX", "write a fraction as (a + b)/c"),
    (r".*", r"()", r"(\\(?:cdot|times))", "{b} is LaTeX", "write *"),
    (r".*", r"()", r"(\\(?:left|right))", "{b} is LaTeX", "write the parenthesis alone"),
    (r".*", r"()", r"(\\[A-Za-z]+)", "a program is not written in LaTeX", "write names without backslashes, and round parentheses: sqrt(x)"),
    (r".*", r"(\^) ?", r"(\{)", "{b} is not part of the language", "use round parentheses: x^(y + 1)"),
    (r".*", r"\w(_) ?", r"(\{)", "{b} is not part of the language", "write the index as part of the name: x_1"),
    (r".*", r"(\[) ?", r"(\])", "nothing stands between the brackets", "an array has one number at least"),
    (r".*", r"\w ?()", r"(\?)", "{b} is not part of the language", "choose with if(condition, a, b)"),
    (r".*", r"[\w)] ?()", r"(!)", "{b} is not part of the language", "a factorial is gamma(x + 1)"),
    (r".*", r"()", r"(!)", "{b} is not part of the language", "swap the branches: if(a > 0, y, x)"),
)  # fmt: skip


OPENING, CLOSING = ("OPEN", "OPENB"), ("CLOSE", "CLOSEB")
NOTHING = Word("SEP", "", 0, 0)


@dataclass(slots=True)
class Opened:
    """A parenthesis that is open: what stands before it, where, and what it holds so far."""

    name: str
    start: int
    marks: str = ""

    def __str__(self) -> str:
        return f"{self.name}{'(' * (self.name != '[')}{self.marks}"


@dataclass(slots=True)
class Place:
    """What stands around a word: the stage before it and from it on, and the open parentheses.

    Words are joined with a blank where there was a gap, so that patterns need not know of
    comments and line ends; ``offsets`` are those of the characters in the source.
    """

    before: str = ""
    after: str = ""
    offsets: list[int] = field(default_factory=list)
    opened: list[Opened] = field(default_factory=list)
    closes: bool = True  # the innermost parenthesis, later in the stage
    previous: Word = NOTHING
    functions: dict[str, str] = field(default_factory=dict)


def around(source: Source, start: int) -> Place:
    """The place of the word that begins at an offset, or of the end of the text."""
    place = Place()
    stage: deque[Word] = deque(maxlen=50)
    stream = words(source.text)
    culprit: list[Word] = []
    for word in stream:
        if word.start_pos >= start:
            culprit = [word]
            break
        if word.type == "SEP":
            stage.clear()
            place.opened.clear()
            continue
        if word.type == "DEFINE":
            head = " ".join(word.text.split()).removesuffix("=").strip()
            place.functions[head.split("(")[0].strip()] = head
        track(place.opened, word, stage[-1] if stage else None)
        stage.append(word)
    rest: list[Word] = []
    depth = least = 0
    for word in (*culprit, *stream) if place.opened else (*culprit, *islice(stream, 30)):
        if word.type == "SEP":
            break
        depth += (word.type in OPENING) - (word.type in CLOSING)
        least = min(least, depth)
        if len(rest) < 30:
            rest.append(word)
    place.closes = least < 0
    if stage:
        place.previous = stage[-1]
    place.before, before = joined([*stage, *rest[:1]], len(stage))
    place.after, after = joined(rest, len(rest))
    place.before, before = place.before[-200:], before[-200:]
    place.after, after = place.after[:100], after[:100]
    place.offsets = before + after
    return place


def track(opened: list[Opened], word: Word, previous: Word | None) -> None:
    """Keep account of the open parentheses and their commas and comparisons."""
    if word.type == "OPENB":
        opened.append(Opened("[", word.start_pos))
    elif word.type == "OPEN":
        called = previous is not None and previous.type in ("NAME", "IF")
        opened.append(Opened(previous.text[:40] if previous and called else "", word.start_pos))
    elif opened:
        if word.type in CLOSING:
            opened.pop()
        elif word.type in ("COMMA", "COMPARE") and len(opened[-1].marks) < 9:
            opened[-1].marks += "," if word.type == "COMMA" else "<"


def joined(line: list[Word], count: int) -> tuple[str, list[int]]:
    """The first words of a line as one text, with the gap after them, and its characters' offsets."""
    text, offsets = "", []
    for k, word in enumerate(line[: count + 1]):
        if k and line[k - 1].end_pos < word.start_pos:
            text += " "
            offsets.append(line[k - 1].end_pos)
        if k < count:
            piece = re.sub(r"\s", " ", "*" if word.type == "JUXT" else word.text[:60])
            text += piece
            offsets += range(word.start_pos, word.start_pos + len(piece))
    return text, offsets


def misplaced(source: Source, token: object) -> BackpropError:
    """The error for a word that the grammar does not expect, with advice for common slips."""
    kind: str = token.type  # type: ignore[attr-defined]
    text: str = str(getattr(token, "text", ""))
    end = kind == "$END"
    start: int = len(source.text) if end else token.start_pos  # type: ignore[attr-defined]
    place = around(source, start)

    def error(message: str, span: Span | None, hint: str, label: str = "") -> BackpropError:
        return BackpropError("syntax", message, span, hint=hint, label=label, source=source)

    if end and place.previous.type == "SEP":
        return error("the program is empty", None, "write a formula, such as x*y")
    if not place.opened and kind == "CLOSE":
        return error(
            "a closing parenthesis without an opening one",
            (start, start + 1),
            "remove it, or add the opening parenthesis it belongs to",
        )
    if place.opened and text == ";" and closed_soon(source.text, start):
        return error("; inside parentheses", (start, start + 1), "separate operands with commas")
    new_line = "\n" in source.text[place.previous.end_pos : start]
    if place.opened and (kind in ("$END", "SEP") or (new_line and not place.closes)):
        count, at = len(place.opened), place.opened[-1].start
        message, hint = "a parenthesis is never closed", "add the closing parenthesis"
        square = place.opened[-1].name == "["
        if square:
            message, hint = "a square bracket is never closed", "add the closing bracket ]"
        if count > 1 and not square:
            message = f"{count:,} parentheses are never closed"
            hint = f"add the closing parentheses: {')' * count}" if count < 10 else "close them all"
        return error(message, (at, at + 1), hint, "opened here")
    span = (start, start + max(1, len(text)))
    if place.opened and place.opened[-1].name == "if" and place.previous.type in OPERAND_ENDS:
        advice = about_if(place.opened[-1], kind, source, place.previous.end_pos, span)
        if advice:
            return error(*advice)
    advice = slip(place, span)
    if advice:
        return error(*advice)
    if kind == "OTHER":
        message, hint, length = stray(source.text[start : start + 20])
        stranger = error(message, (start, start + length), hint)
        return stranger.replace(reason="at sign") if source.text[start] == "@" else stranger
    wanted = "an operator" if place.previous.type in OPERAND_ENDS else "a name, a number or ("
    return error(
        f"{shorten(visible(text))} is not expected here",
        span,
        f"{wanted} could stand here",
    )


def two_readings(source: Source, start: int, gap: Span, power: bool) -> BackpropError:
    """The error for a product without a sign after an exponent or a quotient, with both readings.

    start: of the power, or of the product with a quotient. gap: where its sign would stand, and
    where the next factor begins. power: whether it stands after an exponent.
    """
    text = source.text
    sign, depth = start, 0
    for word in words(text[start : gap[0]]):
        depth += (word.type == "OPEN") - (word.type == "CLOSE")
        if not depth and (word.type == "POWER" if power else word.text == "/"):
            sign = start + word.start_pos
            if power:
                break
    end = end_of_product(text, gap[1])
    return BackpropError(
        "syntax",
        f"a product without a sign after {'an exponent' if power else 'a quotient'} has two meanings",
        (start, end),
        hint=f"write {readings(text[start:sign], text[sign : gap[0]], text[gap[1] : end])}",
        source=source,
    )


def end_of_product(text: str, start: int) -> int:
    """Where the factors end that follow each other without a sign from a place on."""
    depth, end, previous = 0, start, "JUXT"
    for word in words(text[start : start + 400]):
        apart = previous in OPERAND_ENDS and word.type in ("NAME", "NUMBER", "IF")
        depth += (word.type == "OPEN") - (word.type == "CLOSE")
        outside = not depth and word.type != "CLOSE"
        if depth < 0 or (outside and (apart or word.type not in FACTORS)):
            break
        end, previous = start + word.end_pos, word.type
    return end


FACTORS = frozenset({"NUMBER", "NAME", "IF", "OPEN", "CLOSE", "JUXT", "POWER", "SIGN"})
"""Words of a product without signs."""


def readings(left: str, right: str, factor: str) -> str:
    """Both readings of a quotient or a power, whose right part begins with its sign, and a factor."""
    sign = "/" if right.startswith("/") else "^"
    a, b, c = canonical(left), canonical(right.lstrip("/*^")), bare(factor)
    return f"{a}{sign}({b}*{c}) or ({a}{sign}{b})*{c}"


def bare(text: str) -> str:
    """A factor as it is written after a sign: without the parentheses around a name or a number."""
    plain = canonical(text)
    return plain[1:-1] if re.fullmatch(rf"\((?:{NAME}|{NUMBER})\)", plain) else plain


def canonical(text: str) -> str:
    """A piece of a program on one line, short enough for a message, with all signs of products."""
    spaced = {"ADD": " {} ", "COMPARE": " {} ", "COMMA": "{} ", "JUXT": "*", "POWER": "^"}
    pieces = [spaced.get(word.type, "{}").format(word.text) for word in words(text[:200])]
    return shorten(visible(re.sub(r"\^\((\w+)\)", r"^\1", "".join(pieces).strip())))


def closed_soon(text: str, start: int) -> bool:
    """Whether more parentheses close than open in the rest of a line."""
    end = text.find("\n", start) % (len(text) + 1)
    return text.count(")", start, end) > text.count("(", start, end)


def about_if(
    opened: Opened, kind: str, source: Source, end: int, span: Span
) -> tuple[str, Span, str] | None:
    """What is wrong with the parts of an `if`, whose last operand ended at ``end``."""
    parts = opened.marks.count(",")
    if kind == "COMPARE" and opened.marks == "<":
        return "comparisons cannot be chained", span, NEST
    if kind == "COMMA" and parts == 2:
        return "if takes three parts, not more", span, PARTS
    if kind == "CLOSE" and parts < 2:
        call = source.text.rfind("if", 0, opened.start), span[1]
        return f"if takes three parts, not {parts + 1}", call, PARTS
    if kind == "COMMA" and not opened.marks:
        condition = source.text[opened.start + 1 : end]
        start = end - len(condition.lstrip())
        shown = shorten(" ".join(condition.split()))
        return (
            "the condition of if is not a comparison",
            (start, end),
            f"compare it, such as {visible(shown)} != 0",
        )
    return None


def slip(place: Place, span: Span) -> tuple[str, Span, str] | None:
    """The first row of SLIPS that fits, filled in."""
    where = str(place.opened[-1]) if place.opened else ""
    for context, left, right, message, hint in SLIPS:
        a, b = re.search(f"(?:{left})$", place.before), re.match(right, place.after)
        if a and b and re.fullmatch(context, where):
            called = re.match(r" ?\(", place.after[b.end(1) :]) is not None
            fields = filling(a.group(1), b.group(1), called, where, place.functions)
            return message.format(**fields), underlined(place, a, b, span), hint.format(**fields)
    return None


def underlined(place: Place, a: re.Match[str], b: re.Match[str], span: Span) -> Span:
    """The span from the first group before the place to the first after; ``span`` if both are empty."""
    cut = len(place.before)
    if not a.group(1) and not b.group(1):
        return span
    begin = a.start(1) if a.group(1) else cut + b.start(1)
    last = cut + b.end(1) if b.group(1) else a.end(1)
    return place.offsets[begin], place.offsets[last - 1] + 1


def filling(
    first: str, second: str, called: bool, where: str, functions: dict[str, str]
) -> dict[str, str]:
    """The fields of a row's message and hint; called: a parenthesis follows the second group."""
    a, b = shorten(visible(first)), shorten(visible(second))
    name = first.rstrip(" (")
    operand = f"{b}(...)" if called else b
    advice = f"to multiply, write {a}*{operand}"
    if name in FUNCTIONS or name in functions:
        advice = f"write {a}({operand})"
    elif name in ALIASES:
        advice += f"; for the function, {a}({operand})"
    elif where[:1].isalpha() and not where.startswith("if("):
        advice += f"; to separate operands, {a}, {operand}"
    return {
        "a": a,
        "b": b,
        "other": "another" if b == "(" else b,
        "call": call_of(name, functions),
        "advice": advice,
        "sign": second[1:],
        "small": a.lower(),
        "method": METHODS.get(second[1:], "").format(a=a or "x"),
    }


def call_of(name: str, functions: dict[str, str]) -> str:
    """How a function is called, for a message."""
    if name == "if":
        return PARTS.removeprefix("write ")
    known = name if name in FUNCTIONS else name.lower()
    call = FUNCTIONS[known].signature if known in FUNCTIONS else f"{name}(x)"
    call = functions.get(name, call)
    return shorten(visible(call))
