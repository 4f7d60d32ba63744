"""Arrays that a person claims: their numbers, how well each is known, and of which node they are.

A number that is written is as good as its digits; one that a program computed, as its arithmetic.
"""

import json
import re
import struct
from collections.abc import Collection, Iterator, Sequence
from math import isfinite
from typing import Any, NamedTuple

from ..arrays.point import NARROW, held
from ..errors import BackpropError, shorten, usage, visible
from ..language.graph import Array
from ..language.parser import parse
from ..operations.shape import Shape, size
from ..trace.point import is_array
from .claims import WORDS, typed_number

__all__ = ["GRADIENT", "VALUE", "Target", "Written", "at_place", "resolved", "written"]

GRADIENT, VALUE = "gradient", "value"

COMPUTED = 15
"""Significant digits of a number that nobody wrote: where an array has one, all of it is computed."""

PRINTED = range(7, 10)
"""Significant digits of the longest among numbers of binary32 that are printed as such."""

PLAIN = re.compile(r"[+-]?[0-9]{0,300}\.([0-9]{1,300})", re.ASCII)
"""A decimal without a power of ten, of which arrays are full."""

SHORT = 16
"""Bits of a number that says nothing about the arithmetic that it comes from."""

SPELLINGS = (
    r"d\w*_d(\w+)",  # dL_dW, df_dW
    r"(?:grad|d)_(\w+)",
    r"d(\w+)",
    r"grad(\w+)",
    r"(\w+)(?:\.|_)grad",
)
"""How programs name the gradient of a node, where no node is called so itself."""

NAME = re.compile(r"(?:(value|gradient)s?\.)?([^\W\d]\w*(?:\.grad)?)(?:\[([^\]]*)\])?")


class Written(NamedTuple):
    """Numbers as they are claimed, row by row.

    numbers: None for a word such as inf. halves: half a unit of the last digit of each; 0 where it
    is computed. texts: as they are written. made: the arithmetic that may have computed them,
    binary64, binary32 or binary16; empty where a person did.
    """

    shape: Shape
    numbers: tuple[float | None, ...]
    halves: tuple[float, ...]
    texts: tuple[str, ...]
    made: str = ""


def written(value: object, what: str) -> Written:
    """A claim: a number, an array, or a text of either.

    what: a message calls it. Raises BackpropError for what is no array of numbers.
    """
    if isinstance(value, str):
        return of_text(value.strip(), what)
    if isinstance(value, Array):
        return of_floats(value.shape, value.numbers)
    given: Any = held(value)
    if hasattr(given, "dtype"):
        if getattr(given.dtype, "kind", "f") not in "fiu":
            hint = "a claim holds real numbers: x.astype(float)"
            raise refused(what, f"holds the type {shorten(str(given.dtype))}", hint)
        kind = str(given.dtype)
        floats: Any = given.astype("float64").ravel().tolist()
        return of_floats(tuple(given.shape), floats, NARROW.get(kind, ""), what)
    if is_array(given) or isinstance(given, list | tuple):
        shape, leaves = flat(given, what)
        return of_texts(shape, [leaf if isinstance(leaf, str) else text_of(leaf, what) for leaf in leaves])  # fmt: skip
    return of_texts((), [text_of(given, what)])


def text_of(value: object, what: str) -> str:
    """A number as it prints; None is no number."""
    if value is None:
        return "none"
    if isinstance(value, bool) or not isinstance(value, int | float):
        try:
            if isinstance(value, bool):
                raise TypeError
            value = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            kind = type(value).__name__
            raise usage(f"{what} is of type {kind}, which is no number") from None
    return repr(value)


def flat(value: Any, what: str) -> tuple[Shape, list[Any]]:
    """The shape and the leaves of nested lists."""
    shape, level = [len(value)], list(value)
    while level and any(isinstance(one, list | tuple) for one in level):
        inner = [one if isinstance(one, list | tuple) else () for one in level]
        width = len(inner[0])
        if any(len(one) != width for one in inner) or not width:
            hint = "all rows of a matrix are as long"
            raise refused(what, f"is no matrix: its rows hold {len(inner[0])} and {next((len(one) for one in inner if len(one) != width), 0)} numbers", hint)  # fmt: skip
        shape.append(width)
        level = [leaf for one in inner for leaf in one]
    if not level:
        raise refused(what, "is empty", "an array has one number at least")
    return tuple(shape), level


def of_text(text: str, what: str) -> Written:
    """A text: a number, `[1, 0.20]`, `[[1, 2], [3, 4]]`, or what makes an array, as ones(3) does."""
    if not text:
        raise usage(f"{what} is empty", "write a number, such as -0.25")
    if not any(sign in text for sign in "[("):
        return of_texts((), [text])
    try:  # what is JSON, too, is read so much faster
        shape, leaves = flat(json.loads(text, parse_float=str, parse_int=str), what)
        if all(isinstance(leaf, str) for leaf in leaves):
            return of_texts(shape, leaves)
    except (ValueError, TypeError, RecursionError):
        pass
    try:
        graph = parse(text)
    except BackpropError as error:
        shown = shorten(visible(text))
        hint = "a vector is [1, 2], a matrix [[1, 2], [3, 4]]"
        raise usage(f"{what}, {shown}, is no array: {error.message}", hint) from None
    if graph.operations[graph.output].name == "array":
        shape = graph.written[graph.output]
        spans = [graph.spans[node] for node in graph.operands[graph.output]]
        return of_texts(shape, [text[first:last] for first, last in spans])
    if not graph.arrays:
        return of_texts((), [text])
    from ..arrays.constants import constant  # which few claims need

    made = constant(graph, what, 0)
    array = made if isinstance(made, Array) else Array((), (made,))
    return of_floats(array.shape, array.numbers)


def of_texts(shape: Shape, texts: Sequence[str]) -> Written:
    """Numbers as they are written. Raises BackpropError for one that is none."""
    pairs = [as_typed(text) for text in texts]
    numbers = tuple([None if pair is None else pair[0] for pair in pairs])
    most = max(map(figures, texts))
    if most >= COMPUTED:
        return Written(shape, numbers, (0.0,) * len(texts), tuple(texts), arithmetic(numbers))
    halves = tuple([0.0 if pair is None else pair[1] for pair in pairs])
    return Written(shape, numbers, halves, tuple(texts), "binary32" if most in PRINTED else "")


def as_typed(text: str) -> tuple[float, float] | None:
    """A number as it was typed, and half a unit of its last digit; None of a word such as inf.

    Raises BackpropError where it is neither.
    """
    if found := PLAIN.fullmatch(text):
        return float(text), 0.5 * 10.0 ** -len(found[1])
    if text.lower() in WORDS:
        return None
    number, half = typed_number(text)
    near = float(number)
    return near, float(half) if isfinite(near) else 0.0  # too large for anything to come near


def of_floats(
    shape: Shape, floats: Sequence[float], made: str = "", what: str = "the claim"
) -> Written:
    """Numbers of an array, which are floats. made: the arithmetic, where the array says it."""
    if not size(shape):
        raise refused(what, "is empty", "an array has one number at least")
    texts = tuple([repr(float(x)) for x in floats])
    if not made and not any(figures(text) >= COMPUTED for text in texts):
        return of_texts(shape, texts)
    numbers = tuple([x if abs(x) < float("inf") else None for x in floats])
    return Written(shape, numbers, (0.0,) * len(texts), texts, made or arithmetic(numbers))


def figures(text: str) -> int:
    """Significant digits of a decimal text."""
    digits = re.split("[eE]", text)[0].replace(".", "").strip("+-").lstrip("0")
    return len(digits) if digits.isascii() and digits.isdigit() else 0


def arithmetic(numbers: Sequence[float | None]) -> str:
    """The arithmetic that computed numbers: binary32 where it holds them all, and not for being few
    bits long.
    """
    known = [x for x in numbers if x is not None]
    narrow = all(x == narrowed(x) for x in known) and any(
        significant_bits(x) > SHORT for x in known
    )
    return "binary32" if narrow else "binary64"


def significant_bits(x: float) -> int:
    """How many bits a number needs."""
    return abs(x).as_integer_ratio()[0].bit_length()


def narrowed(x: float) -> float:
    """The nearest number of binary32."""
    try:
        (near,) = struct.unpack("f", struct.pack("f", x))
    except OverflowError:
        return float("inf")
    return float(near)


def refused(what: str, why: str, hint: str) -> BackpropError:
    return usage(f"{what} {why}", hint)


class Target(NamedTuple):
    """Of what a claim is. kind: gradient or value; place: of one element; spelt: as its own name
    says a gradient, such as dW.
    """

    kind: str
    node: str
    place: tuple[int, ...] | None
    spelt: bool = False

    @property
    def name(self) -> str:
        """`W`, `W[0,1]`, or `value.h`."""
        place = "" if self.place is None else f"[{','.join(map(str, self.place))}]"
        return f"{'value.' * (self.kind == VALUE)}{self.node}{place}"


def at_place(place: tuple[int, ...], shape: Shape) -> int:
    """Where an element stands among all, row by row."""
    return place[0] if len(shape) == 1 else place[0] * shape[1] + place[1]


def resolved(label: str, known: Collection[str]) -> Target | None:
    """Of what a claim of that label is; None where it is of no node.

    known: the names of the nodes. Raises BackpropError for an element that is none.
    """
    found = NAME.fullmatch(label.strip())
    if not found:
        return None
    kind, name, inside = found.groups()
    place = None
    if inside is not None:
        places = [part.strip() for part in inside.split(",")]
        if not all(re.fullmatch("-?[0-9]{1,7}", part) for part in places):
            raise BackpropError("name", f"there is no element {shorten(visible(label))}", hint="an element is W[0,1], a row and a column from 0")  # fmt: skip
        place = tuple(map(int, places))
    if name in known:
        return Target(kind or GRADIENT, name, place)
    for node in inner_names(name):
        if node in known and kind != VALUE:
            return Target(GRADIENT, node, place, True)
    return None


def inner_names(name: str) -> Iterator[str]:
    """What a name may say the gradient of: W of dW, W.grad, dL_dW."""
    for spelling in SPELLINGS:
        if found := re.fullmatch(spelling, name):
            yield found[1].lstrip("_") or found[1]
