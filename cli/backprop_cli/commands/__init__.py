"""The commands, a file each, imported when it is asked for.

`NAME.py` holds `command`, whose parameters are the options of `backprop NAME` and which returns
its exit code, and EXAMPLES, the lines that lead its help. What a command computes with is imported
when it runs: the help and a shell's completion need its options only.
"""

from importlib import import_module
from typing import Any

__all__ = ["COMMANDS", "module_of"]

COMMANDS = {
    "eval": "Evaluate a program at a point: forward values, backward table, gradients.",
    "graph": "Draw the computational graph, with values above its wires and gradients below.",
    "explain": "Tell the backward pass in words, a paragraph a node, from the output back.",
    "derive": "Derive the gradient as formulas, or as code in another language.",
    "check": "Check the gradient by difference quotients, or your own numbers, and name the mistake.",
    "step": "Take steps along the gradient, and compare what it predicts with what happens.",
    "map": "Map a program over a table of points: one row in, one row out, with its gradients.",
    "quiz": "Make sheets with blanks, for a class: drawn numbers, worked keys.",
    "grade": "Grade the answers of a class: marks, the first wrong line, and its cause.",
    "functions": "List the operations with their local gradients, or show one.",
    "schema": "Print the JSON Schema of the tool's documents.",
    "help": "Show the manual of a command, or of a topic such as language or numbers.",
    "completion": "Print the script by which a shell completes the words of a command line.",
    "samples": "List the programs to try that come with the tool, or print one.",
}
"""Name -> what its help says, in the order of the help's list."""


def module_of(name: str) -> Any:
    """The module of a command, imported now."""
    return import_module(f"{__name__}.{name}")
