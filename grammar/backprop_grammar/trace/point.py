"""A point bound to a program: a finite number for each of its inputs."""

import math
from collections.abc import Mapping

from ..errors import BackpropError, few, shorten, suggestion
from ..language.graph import Graph

__all__ = ["bind", "finite", "unknown_name"]


def bind(program: Graph, values: Mapping[str, object]) -> tuple[Graph, dict[str, float]]:
    """The program at these values, and a number for every input that has one.

    values: by name; a constant such as e becomes an input where it has a value here. The program's
    own values hold for the inputs that are not named.

    Raises BackpropError for a name that the program does not have, and for what is no finite number.
    """
    program = program.bind(values)
    for name in values:
        if name not in program.variables:
            raise unknown_name(program, name)
    return program, program.inputs | {name: finite(x, name) for name, x in values.items()}


def finite(value: object, name: str) -> float:
    """A number of Python's or NumPy's as the float it is. Raises BackpropError for what is none."""

    def refuse(what: str) -> BackpropError:
        hint = "every value of a point is a finite number"
        return BackpropError("binding", f"the value of {shorten(name)} is {what}", hint=hint)

    kind = type(value).__name__
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        value = value.item()  # a scalar of NumPy's, or an array of one
    if isinstance(value, str | bytes):
        raise refuse(f"the text {shorten(repr(value))}")
    if isinstance(value, bool) or not hasattr(value, "__float__") or getattr(value, "ndim", False):
        raise refuse(f"of type {kind}, which is no number")
    try:
        number = float(value)
    except OverflowError:
        raise refuse("beyond the largest float, 1.79769e+308") from None
    except (TypeError, ValueError):
        raise refuse(f"of type {kind}, which is no number") from None
    if not math.isfinite(number):
        raise refuse(f"{number}, which is not finite")
    return number + 0.0


def unknown_name(program: Graph, name: str) -> BackpropError:
    """The error for a value given to something that is no input."""
    known = list(program.variables)
    shown = shorten(name)
    if program.node(name) is not None:
        message, hint = f"{shown} is computed by the program", f"give {shown} no value"
        return BackpropError("binding", message, hint=hint)
    hint = f"its variables are {few(known)}" if known else "it has no variables at all"
    message = f"the program has no variable {shown}"
    return BackpropError("binding", message, hint=suggestion(name, known, hint))
