"""The language of backprop and its calculus: pure, knows no terminal, no file, no network.

    import backprop_grammar as bp

    t = bp.Program("f = sigmoid(w*x + b)").at(w=2, x=-1, b=0.5)
    t.gradients["w"]

Names are loaded when they are first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .answers import Explanation, Report, Sheets
    from .array_answers import ArrayTrace
    from .errors import BackpropError
    from .library import (
        Edge,
        Formula,
        Node,
        Program,
        Trace,
        equivalent,
        functions,
    )

__all__ = [
    "ArrayTrace",
    "BackpropError",
    "Edge",
    "Explanation",
    "Formula",
    "Node",
    "Program",
    "Report",
    "Sheets",
    "Trace",
    "equivalent",
    "functions",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = {"BackpropError": "errors", "ArrayTrace": "array_answers"}.get(name, "library")
    return getattr(import_module(f".{module}", __name__), name)


def __dir__() -> list[str]:
    return __all__
