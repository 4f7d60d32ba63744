"""The language of backprop and its calculus: pure, knows no terminal, no file, no network.

    import backprop_grammar as bp

    t = bp.Program("f = sigmoid(w*x + b)").at(w=2, x=-1, b=0.5)
    t.gradients["w"]

Names are loaded when they are first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import BackpropError
    from .library import Explanation, Formula, Program, Report, Trace, equivalent
    from .operations.table import FUNCTIONS as functions  # noqa: N811

__all__ = [
    "BackpropError",
    "Explanation",
    "Formula",
    "Program",
    "Report",
    "Trace",
    "equivalent",
    "functions",
]

PLACES = {
    "BackpropError": "errors.BackpropError",
    "functions": "operations.table.FUNCTIONS",
    **{
        name: f"library.{name}"
        for name in ("Explanation", "Formula", "Program", "Report", "Trace", "equivalent")
    },
}
"""Where each public name is defined."""


def __getattr__(name: str) -> Any:
    if name not in PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = PLACES[name].rpartition(".")
    return getattr(import_module(f".{module}", __name__), attribute)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
