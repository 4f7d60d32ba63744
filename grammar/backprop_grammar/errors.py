"""What can go wrong, as data.

The insight: an error is a span of a source, a label and a way out, never a
rendered string. One place (the command line's diagnostics) draws them all.
"""

from collections.abc import Iterable
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

__all__ = [
    "BackpropError", "Source", "Span", "nearest", "shorten", "suggestion", "usage", "visible",
]  # fmt: skip

Span = tuple[int, int]
"""Half-open range of character offsets into a source's text."""

WORDS = 2_000
"""How many known words are looked through for the one that was meant."""


class Source(NamedTuple):
    """A text the user wrote, and what to call it (``program``, a file's name, ``--at``)."""

    text: str
    name: str = "program"


class BackpropError(Exception):
    """A program or a point that cannot be evaluated; every message a user sees is one of these.

    kind: one of syntax, name, arity, binding, domain, overflow, precision, limit, file, usage.
    span: where in ``source``; label: a remark beside the caret; hint: the way out.
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
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.span = span
        self.label = label
        self.hint = hint
        self.source = source

    def __reduce__(self) -> tuple[Any, ...]:
        """For the way back from another process."""
        more = partial(BackpropError, label=self.label, hint=self.hint, source=self.source)
        return more, (self.kind, self.message, self.span)


def usage(message: str, hint: str = "") -> BackpropError:
    """The error of wrong use."""
    return BackpropError("usage", message, hint=hint)


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
