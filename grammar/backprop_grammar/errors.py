"""What can go wrong, as data, and how it is drawn.

An error is a span of a source, a label and a way out, so drawing it is the same few lines whatever
went wrong; it is plain text, which no terminal wraps or decorates.
"""

import re
from collections.abc import Iterable
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

__all__ = [
    "BackpropError",
    "Source",
    "Span",
    "cut",
    "few",
    "nearest",
    "position",
    "product",
    "shorten",
    "suggestion",
    "usage",
    "visible",
]

Span = tuple[int, int]
"""Half-open range of character offsets into a source's text."""

WORDS = 2_000
"""How many known words are looked through for the one that was meant."""

WINDOW = 96
"""Columns of a source line that are shown; longer lines are cut around the span."""
COLUMNS = 118
"""Columns of the line with the caret, at most, with its label."""
LEAST = 10
"""Columns of a source line without which none is shown."""
LONGEST = 400
"""Characters of a message, a label or a hint that are shown."""


class Source(NamedTuple):
    """A text the user wrote, and what to call it (``program``, a file's name).

    inline: whether it stands before the reader's eyes, so that a drawing need not say where it is.
    """

    text: str
    name: str = "program"
    inline: bool = False


class BackpropError(Exception):
    """A program or a point that cannot be evaluated; every message a user sees is one of these.

    kind: one of syntax, name, arity, binding, shape, domain, overflow, precision, limit, file, usage.
    span: where in ``source``; label: a remark beside the caret; hint: the way out. node: its index
    on the tape that was evaluated, where it is of a node. missing: the variables without a value,
    or without a range, all of them. meant: what was probably meant, where the hint asks. reason:
    one word for what went wrong, where a front end words the way out in terms of its own.

    As text it is the message, the line of the source with a caret, the label and the way out.
    """

    def __init__(
        self,
        kind: str,
        message: str,
        span: Span | None = None,
        *,
        label: str = "",
        hint: str = "",
        source: Source | None = None,
        node: int | None = None,
        missing: tuple[str, ...] = (),
        meant: str = "",
        reason: str = "",
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.span = span
        self.label = label
        self.hint = hint
        self.source = source
        self.node = node
        self.missing = missing
        self.meant = meant
        self.reason = reason

    def __str__(self) -> str:
        return "\n".join(text for _, text in self.lines())

    def lines(self, columns: int = COLUMNS) -> list[tuple[str, str]]:
        """What it says, line by line: message, place, source, caret, label or hint, and the text.

        columns: of the screen, which the line of the source and that of the caret do not exceed.
        """
        lines = [("message", cut(self.message))]
        if self.source is not None and self.span is not None:
            lines += underlined(self.source, self.span, cut(self.label), columns)
        elif self.label:
            lines.append(("label", f"  | {cut(self.label)}"))
        if self.hint:
            lines.append(("hint", f"  = {cut(self.hint)}"))
        return lines

    def fields(self) -> dict[str, Any]:
        """What it was made of, by name; without what others left on it."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    def replace(self, **changes: Any) -> "BackpropError":
        """The same error with some fields changed."""
        return BackpropError(**self.fields() | changes)

    def __reduce__(self) -> tuple[Any, ...]:
        """For the way back from another process."""
        return partial(BackpropError, **self.fields()), ()


def usage(message: str, hint: str = "", **more: Any) -> BackpropError:
    """The error of wrong use; more: of its fields."""
    return BackpropError("usage", message, hint=hint, **more)


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that a typist most likely meant, or an empty string.

    Looks at the first WORDS known words of about the same length.
    """
    import difflib

    alike = [name for name in islice(known, WORDS) if abs(len(name) - len(word)) <= 4]
    lower = {name.lower(): name for name in alike}
    if word.lower() in lower:
        return lower[word.lower()]
    if len(word) > 40:
        return ""
    close = difflib.get_close_matches(word, alike, n=1, cutoff=0.7)
    return close[0] if close else ""


def suggestion(word: str, known: Iterable[str], otherwise: str) -> str:
    """The hint for an unknown word: the known one that was meant, or what is said otherwise."""
    meant = nearest(word, known)
    return f"did you mean {shorten(meant)}?" if meant else otherwise


def product(word: str, known: Iterable[str]) -> str:
    """The product of known words that an unknown one is when they stand side by side, or nothing.

    Looks at words of up to 40 characters, and at the first 50 known ones.
    """
    parts = "|".join(sorted(islice(known, 50), key=len, reverse=True))
    if len(word) > 40 or not re.fullmatch(f"(?:{parts}){{2,}}", word):
        return ""
    factors = re.findall(parts, word)
    return "*".join(factors) if "".join(factors) == word else ""


def few(names: Iterable[str], most: int = 12) -> str:
    """Some names for a message: a, b, c, ..."""
    names = list(names)
    return ", ".join(map(shorten, names[:most])) + ", ..." * (len(names) > most)


def shorten(text: str, length: int = 40) -> str:
    """The text, cut in the middle with ... when it is longer than that."""
    return text if len(text) <= length else f"{text[: length - 12]}...{text[-9:]}"


def visible(text: str) -> str:
    """The text with control, bidirectional and other unprintable characters written as escapes.

    Terminals obey such characters; this makes them harmless and visible. Line feeds are escaped
    too.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode("ascii")
        for c in text
    )


# drawing


def cut(text: str) -> str:
    """A text of one line that cannot harm a terminal, and not too long."""
    text = visible(text)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def position(source: Source, offset: int) -> tuple[int, int]:
    """Line and column of an offset, both from 1."""
    before = source.text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def underlined(
    source: Source, span: tuple[int, int], label: str, columns: int
) -> list[tuple[str, str]]:
    """The line of a span with carets below it, unless the screen is too narrow for any of it."""
    text = source.text
    start, end = min(span[0], len(text)), min(max(span), len(text))
    number = position(source, start)[0]
    gutter = "  | " if "\n" not in text.strip("\n") else f"  {number} | "
    blank = " " * (len(gutter) - 2) + "| "
    columns = min(columns, COLUMNS)
    window = min(WINDOW, columns - len(gutter) - 6)
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", start)
    line_end = len(text) if line_end < 0 else line_end
    lines = []
    if source.name != "program" and not source.inline:
        place = f"{shown(source.name)}:{number}:{start - line_start + 1}"
        lines.append(("place", f"  --> {place}"))
    if window < LEAST:
        return [*lines, ("label", blank + label)] if label else lines
    end = max(start, min(end, line_end))
    left, right = line_start, line_end
    if right - left > window:
        left = max(line_start, min(start - window // 3, line_end - window))
        right = min(line_end, left + window)
    while width(shown(text[left:right])) > window and (right > start + 1 or left < start):
        # escapes are long
        further = start - left > right - start or right <= start + 1
        left, right = (left + 1, right) if further else (left, right - 1)
    head, tail = "..." * (left > line_start), "..." * (right < line_end)
    before = head + shown(text[left:start])
    marked = shown(text[start : min(end, right)])
    after = shown(text[min(end, right) : right]) + tail
    lines.append(("source", (gutter + before + marked + after).rstrip()))
    carets = blank + " " * width(before) + "^" * max(1, width(marked))
    if label and width(carets) + 2 + width(label) <= columns:
        return [*lines, ("caret", f"{carets}  {label}")]
    lines.append(("caret", carets))
    return [*lines, ("label", blank + label)] if label else lines


def shown(text: str) -> str:
    return visible(text.replace("\t", " ").rstrip("\r"))


def width(text: str) -> int:
    """Columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    import unicodedata  # which a start need not load

    return sum(
        0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )
