"""A point bound to a program: a finite number for each of its inputs."""

import math
import re
from collections.abc import Iterable, Mapping

from ..errors import BackpropError, few, shorten, suggestion
from ..language.graph import Array, Graph
from ..language.nearest import DECIMAL, Nearest, literal, nearest, vanished

__all__ = ["bind", "finite", "is_array", "unknown_names"]


def bind(program: Graph, values: Mapping[str, object]) -> tuple[Graph, dict[str, float]]:
    """The program at these values, and a number for every input that has one.

    values: by name; a constant such as e becomes an input where it has a value here. The program's
    own values hold for the inputs that are not named.

    Raises BackpropError for a name that the program does not have, and for what is no finite number.
    """
    program = program.bind(values)
    unknown = [name for name in values if name not in program.variables]
    if unknown:
        raise unknown_names(program, unknown, values)
    return program, program.inputs | {
        name: finite(x, f"the value of {shorten(name)}", OF_A_POINT) for name, x in values.items()
    }


def is_array(value: object) -> bool:
    """Whether a value is meant as an array: a list, a tuple, or what NumPy would take as one."""
    if isinstance(value, Array | list | tuple):
        return True
    axes = getattr(value, "ndim", None)
    return bool(axes) if axes is not None else hasattr(value, "__array__")


OF_A_POINT = "every value of a point is a finite number"


def finite(value: object, what: str, hint: str = "write a finite number") -> float:
    """A number as it is meant. Raises BackpropError for what is none.

    what: a message calls it. hint: the way out.

    A float of Python's is the number that it prints as; a scalar of NumPy's is the float it is; a
    whole number, a Fraction and a Decimal are what they are, and so is the text of a decimal.
    """
    beyond = "beyond the largest float, 1.79769e+308"

    def refuse(why: str) -> BackpropError:
        return BackpropError("binding", f"{what} is {why}", hint=hint)

    if isinstance(value, Nearest):
        return value
    kind = type(value).__name__
    held = getattr(value, "ndim", None) == 0 and hasattr(value, "item")
    if held:
        value = value.item()  # type: ignore[attr-defined]  # a scalar of NumPy's, or an array of one
    if isinstance(value, str) and not held:
        if not DECIMAL.match(value):
            raise refuse(f"the text {shorten(repr(value))}, which is no decimal number")
        number = literal(value)
    elif isinstance(value, bool | str | bytes) or getattr(value, "ndim", False):
        raise refuse(f"of type {kind}, which is no number")
    else:
        try:
            number = float(value)  # type: ignore[arg-type]
            if math.isfinite(number) and not held:
                if isinstance(value, float) or not hasattr(value, "as_integer_ratio"):
                    number = literal(repr(number))
                else:
                    number = nearest(*value.as_integer_ratio())
        except OverflowError:
            raise refuse(beyond) from None
        except (TypeError, ValueError):
            raise refuse(f"of type {kind}, which is no number") from None
    if not math.isfinite(number):
        raise refuse(beyond if isinstance(value, str) else f"{number}, which is not finite")
    if vanished(value) if isinstance(value, str) else number == 0 != value:
        raise refuse("too small for a float")
    return number + 0.0 if held else number


def unknown_names(program: Graph, names: Iterable[str], given: Iterable[str] = ()) -> BackpropError:
    """The error for values given to what are no inputs, all of them; given: all that have values."""
    known = list(program.variables)
    computed, unknown = list[str](), list[str]()
    for name in names:
        (unknown if program.node(name) is None else computed).append(name)
    messages, hints = [], []
    if unknown:
        several = "s" * (len(unknown) > 1)
        messages.append(f"the program has no variable{several} {few(unknown)}")
        hint = f"its variables are {few(known)}" if known else "it has no variables at all"
        if not several:
            hint = suggestion(unknown[0], known, hint)
        hints.append(side_by_side(program, given) or hint)
    if computed:
        is_one = "is" if len(computed) == 1 else "are"
        messages.append(f"{few(computed)} {is_one} computed by the program")
        hints.append(f"give {few(computed)} no value")
    return BackpropError("binding", ", and ".join(messages), hint="; ".join(hints))


def side_by_side(program: Graph, given: Iterable[str]) -> str:
    """What to say where a name of the program is made of some that have values: xy is not x*y."""
    from ..language.calls import apart  # only where something is wrong

    given = list(given)
    unbound = [name for name in program.variables if name not in given]
    for name in unbound:
        if meant := apart(name, given):
            to = "write" if "(" in meant else "to multiply, write"
            return f"{shorten(name)} is one name; {to} {shorten(meant)}"
    power = re.fullmatch(r"(\w*?[^\W\d])([0-9]+)", unbound[0]) if len(unbound) == 1 else None
    if power and power[1] in given:
        base, digits = map(shorten, power.groups())
        return f"{shorten(unbound[0])} is one name; write {base}*{digits} or {base}^{digits}"
    return ""
