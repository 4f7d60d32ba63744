"""One part of a JSON document: what `--get gradients.w` prints."""

import json
import re
from typing import Any

from backprop_grammar.errors import few, shorten, suggestion, usage, visible
from backprop_grammar.language.parser import plain_name

__all__ = ["part_of", "text_of"]

STEP = re.compile(r"""[^].["']+""")
"""A key, or a number or a name in a list: of `nodes.q.value`, `.nodes[3].value`."""
ELEMENT = re.compile(r"\w+\[[0-9,]+\]")
"""What may be a key, too: the element W[0,1] of an array."""
PLACE = re.compile(r"-?[0-9]+")
LABELS = ("name", "operand", "node", "path", "by")
"""Keys by which one object of a list is known."""
LISTED = 12
"""Parts that a message names."""


def part_of(document: Any, path: str) -> Any:
    """The part of a document that a path leads to.

    path: keys with a point between them; in a list, places from 0, or names. Raises BackpropError
    where it leads nowhere, and says what is there.
    """
    part, place = document, ""
    found = STEP.search(path)
    if not found:
        raise usage("--get names nothing", f"the document has {few(document, LISTED)}")
    while found:
        known = parts(part)
        whole = ELEMENT.match(path, found.start())
        found = whole if whole and whole.group() in known else found
        step = found.group() if found.group() in known else plain_name(found.group())
        if step not in known:
            where = place or "the document"
            message = f"there is no {shorten(visible(step))} in {where}"
            raise usage(message, suggestion(step, known, contents(part, where)))
        part = known[step]
        place = f"{place}.{step}" if place else step
        found = STEP.search(path, found.end())
    return part


def parts(value: Any) -> dict[str, Any]:
    """What a part of a document holds, by what a path may call it."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, list):
        return {}
    found: dict[str, Any] = {}
    for label in LABELS:
        for item in value:
            if isinstance(item, dict) and label in item:
                name = item[label]
                name = ",".join(name) if isinstance(name, list) else str(name)
                found.setdefault(name, item)
    size = len(value)
    return found | {str(k): value[k] for k in range(-size, size)}


def contents(value: Any, where: str) -> str:
    """What a part of a document holds, in words."""
    known = parts(value)
    if not known:
        return f"{where} is {'empty' if value in ([], {}) else 'one value'}"
    if isinstance(value, dict):
        return f"{where} has {few(known, LISTED)}"
    names = [name for name in known if not PLACE.fullmatch(name)]
    places = f"0 to {len(value) - 1}" if len(value) > 1 else "0"
    return f"{where} has {places}" + (f", or {few(names, LISTED)}" if names else "")


def text_of(value: Any) -> str:
    """A part as text: of a string its characters, of anything else its JSON, numbers in full."""
    return value if isinstance(value, str) else json.dumps(value, allow_nan=False)
