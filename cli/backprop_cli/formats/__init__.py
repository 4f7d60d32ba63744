"""THE OTHER TABLE: one row per output format, one file each.

Every format is a view of the same trace: its file has `show(trace, digits, everything)`,
which prints it, and is imported when it is used.
"""

from importlib import import_module

from backprop_grammar.trace import Trace

__all__ = ["FORMATS", "show"]

FORMATS = {
    "table": "the forward and the backward pass as tables",
    "json": "one JSON document, which `backprop schema` describes",
}
"""The name of a format, which is that of its file, and what it shows."""


def show(name: str, trace: Trace, digits: int = 6, everything: bool = False) -> None:
    """Print a trace in a format of the table.

    digits: significant digits of numbers meant for people. everything: all nodes, however many.
    """
    import_module(f".{name}", __name__).show(trace, digits, everything)
