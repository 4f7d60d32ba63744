"""Errors as text or JSON: the one place that draws a caret.

The insight: an error carries a span, so drawing is the same few lines whatever went
wrong, and it is plain text, which no terminal wraps or decorates.
"""

import json
import unicodedata

from backprop_grammar.errors import BackpropError, Source, visible

__all__ = ["as_json", "draw"]

WINDOW = 96
"""Columns of a source line that are shown; longer lines are cut around the span."""
LONGEST = 400
"""Characters of a message, a label or a hint."""


def draw(error: BackpropError) -> str:
    """The error as one paragraph: message, source line with a caret, label, way out."""
    lines = [f"error: {cut(error.message)}"]
    if error.source is not None and error.span is not None:
        lines += underlined(error.source, error.span, cut(error.label))
    elif error.label:
        lines.append(f"  | {cut(error.label)}")
    if error.hint:
        lines.append(f"  = {cut(error.hint)}")
    return "\n".join(lines)


def cut(text: str) -> str:
    """A text of one line that cannot harm a terminal, and not too long."""
    text = visible(text)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def position(source: Source, offset: int) -> tuple[int, int]:
    """Line and column of an offset, both from 1."""
    before = source.text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def underlined(source: Source, span: tuple[int, int], label: str) -> list[str]:
    """The line of a span with carets below it."""
    text = source.text
    start, end = min(span[0], len(text)), min(max(span), len(text))
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", start)
    line_end = len(text) if line_end < 0 else line_end
    end = max(start, min(end, line_end))
    left, right = line_start, line_end
    if right - left > WINDOW:
        left = max(line_start, min(start - WINDOW // 3, line_end - WINDOW))
        right = min(line_end, left + WINDOW)
    while width(shown(text[left:right])) > WINDOW and right > start + 1:  # escapes are long
        left, right = (left + 1, right) if start - left > right - start else (left, right - 1)
    head, tail = "..." * (left > line_start), "..." * (right < line_end)
    before = head + shown(text[left:start])
    marked = shown(text[start : min(end, right)])
    after = shown(text[min(end, right) : right]) + tail
    number = position(source, start)[0]
    whole = "\n" not in text.strip("\n")
    gutter = "  | " if whole else f"  {number} | "
    blank = " " * (len(gutter) - 2) + "| "
    lines = []
    if source.name not in ("program", "--at"):
        lines.append(f"  --> {shown(source.name)}:{number}:{start - line_start + 1}")
    lines.append((gutter + before + marked + after).rstrip())
    carets = blank + " " * width(before) + "^" * max(1, width(marked))
    if label and width(carets) + width(label) <= WINDOW + 20:
        lines.append(f"{carets}  {label}")
    else:
        lines.append(carets)
        if label:
            lines.append(blank + label)
    return lines


def shown(text: str) -> str:
    return visible(text.replace("\t", " ").rstrip("\r"))


def width(text: str) -> int:
    """Columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )


def as_json(error: BackpropError) -> str:
    """The error's fields as one line of JSON; see `backprop schema error`."""
    fields: dict[str, object] = {
        "format": "backprop-error/1",
        "kind": error.kind,
        "message": cut(error.message),
        "label": cut(error.label),
        "hint": cut(error.hint),
    }
    if error.source is not None and error.span is not None:
        line, column = position(error.source, error.span[0])
        fields |= {
            "source": cut(error.source.name),
            "line": line,
            "column": column,
            "start": error.span[0],
            "end": error.span[1],
        }
    return json.dumps(fields, allow_nan=False)
