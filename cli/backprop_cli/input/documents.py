"""JSON that gives values: what it holds is a finite number, or it is refused."""

import json
from typing import Any

from backprop_grammar.errors import BackpropError, shorten
from backprop_grammar.language.nearest import literal, vanished

__all__ = ["document_of", "hint_for"]


def hint_for(shown: str) -> str:
    """What a text of JSON should hold."""
    if shown == "--at":  # of which a shell may have taken the quotes
        return """write --at x=-2,y=5, or JSON in quotes: --at '{"x": -2, "y": 5}'"""
    return 'it should hold an object of numbers, such as {"x": -2, "y": 5}'


def document_of(text: str, shown: str) -> Any:
    """What a text of JSON holds. shown: what the text is called. Raises BackpropError for none."""

    def refuse(message: str) -> BackpropError:
        return BackpropError("binding", f"{shown} {message}", hint=hint_for(shown))

    def no_constant(word: str) -> Any:
        raise refuse(f"holds {word}, which is not a finite number")

    def in_range(text: str) -> float:
        if vanished(text):
            raise refuse(f"holds {shorten(text)}, which is too small a number")
        return literal(text)

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) < len(pairs):
            names = [key for key, _ in pairs]
            twice = next(key for key in names if names.count(key) > 1)
            raise refuse(f"gives {shorten(twice)} twice")
        return values

    try:
        document = json.loads(
            text, parse_float=in_range, parse_constant=no_constant, object_pairs_hook=unique
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        message = "is empty" if not text.strip() else f"is not JSON at {where}: {error.msg.lower()}"
        raise refuse(message) from None
    except (RecursionError, ValueError):
        raise refuse("holds a JSON value that is too deep or too long") from None
    return document
