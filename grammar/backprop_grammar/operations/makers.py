"""Arrays that a call makes of plain numbers: zeros, a range, random draws. A row each.

What stands between the parentheses is no part of the calculus: sizes and ends are written, or given
at the point, and nothing is sent back to them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from .row import Role
from .structural import LARGEST, Misfit, Shape, Structural, Taken, size

__all__ = ["CONSTANT", "ELSEWHERE", "MAKERS", "Maker", "made"]

Uniform = Callable[[], float]
"""Draws from 0 up to 1, each a multiple of 2^-53."""

Numbers = list[float] | list[Fraction]


@dataclass(slots=True, eq=False, repr=False)
class Maker(Structural):
    """One row.

    sizes: how many of the operands, the last ones, are sizes. elements: the numbers row by row, of
    the other operands, the shape, and, of what is random, the draws.
    """

    sizes: int = 0
    elements: Callable[[Sequence[Fraction], Shape, Uniform], Numbers] = lambda *_: []
    random: bool = False

    @property
    def arity(self) -> tuple[int, int | None]:
        """Of two sizes, the second may be left out: a vector."""
        return len(self.operands) - (self.sizes == 2), len(self.operands)

    @property
    def signature(self) -> str:
        return f"{self.name}({', '.join(self.operands)})"


def made(
    row: Maker, operands: Sequence[Fraction], uniform: Uniform | None
) -> tuple[Shape, Numbers]:
    """The array that a row makes of these operands. Raises Misfit for sizes that are none."""
    others = len(row.operands) - row.sizes
    shape = []
    for place, number in enumerate(operands[others:], others):
        if number.denominator != 1:
            raise Misfit(f"a size is a whole number, not {float(number):g}", "", f"write {row.signature}", place)  # fmt: skip
        if number < 1:
            raise Misfit(f"an array of size {number} has no elements", "", "sizes begin at 1", place)  # fmt: skip
        shape.append(int(number))
    sizes = tuple(shape)
    if size(sizes) > LARGEST:
        count = f"{size(sizes):,}" if size(sizes) < 1e15 else "far too many"
        raise Misfit(
            f"{row.name} would make {count} numbers, more than {LARGEST:,}",
            "",
            "make it smaller: fewer rows show the same",
        )
    if row.random and uniform is None:
        raise Misfit(
            f"{row.name} is drawn for a name", "",
            f"make it a stage of its own, such as noise = {row.name}(3), or give it at the point",
        )  # fmt: skip
    return sizes, row.elements(operands[:others], sizes, uniform or float)


# the numbers


def ranged(_given: Sequence[Fraction], shape: Shape, _uniform: Uniform) -> Numbers:
    return [float(k) for k in range(shape[0])]


def spaced(given: Sequence[Fraction], shape: Shape, _uniform: Uniform) -> Numbers:
    """Evenly spaced numbers, both ends among them."""
    first, last = given
    steps = shape[0] - 1
    return [first + (last - first) * k / max(steps, 1) for k in range(steps + 1)]


def uniforms(_given: Sequence[Fraction], shape: Shape, uniform: Uniform) -> Numbers:
    """Two decimals from 0 to 0.99, each as likely."""
    return [Fraction(int(100 * uniform()), 100) for _ in range(size(shape))]


def normals(_given: Sequence[Fraction], shape: Shape, uniform: Uniform) -> Numbers:
    """Standard normal numbers rounded to two decimals.

    A draw falls into one of the bins of two decimals, whose ends are compared as whole numbers: no
    platform's logarithm has a say.
    """
    result = []
    for _ in range(size(shape)):
        draw = int(uniform() * 2**53) << (SCALE - 53)
        low, high = -900, 900
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if draw < bin_end(middle) else (middle + 1, high)
        result.append(Fraction(low, 100))
    return result


SCALE = 128
DENSITY = 135753023439836232162591007175785461951
"""2^128/sqrt(2 pi)."""


@cache
def bin_end(hundredths: int) -> int:
    """The chance of a normal number below so many hundredths and a half, times 2^128.

    By its Taylor series, x - x^3/(2*3) + x^5/(2*4*5) - ..., in whole numbers.
    """
    x = 2 * hundredths + 1  # in two hundredths
    power, total, k = (abs(x) << SCALE + 64) // 200, 0, 0
    while power:
        total += power // (2 * k + 1) * (-1) ** k
        k += 1
        power = power * x * x // (40_000 * 2 * k)
    side = total * DENSITY >> SCALE + 64
    half = 1 << SCALE - 1
    return half + side if x > 0 else half - side


def sizes_of(operands: Sequence[Taken], _written: object) -> Shape:
    """The shape that sizes say. Raises Misfit where an operand is an array, or a size none."""
    for place, one in enumerate(operands):
        if one.shape:
            raise Misfit("plain numbers are needed here", one.is_shape, "write numbers", place)
    return tuple([one.whole[0] for one in operands if one.whole])


def maker(
    name: str, operands: str, elements: Callable[..., Numbers], doc: str, sizes: int = 1, random: bool = False
) -> Maker:  # fmt: skip
    names = tuple(operands.split())
    return Maker(
        name, names, ("0",) * len(names), Role.DISTRIBUTES, doc, soft=True, sizes=sizes, elements=elements,
        random=random, shape=sizes_of, indices=tuple(range(len(names) - sizes, len(names))), counted="a size",
    )  # fmt: skip


MAKERS: dict[str, Maker] = {
    row.name: row
    for row in (
        maker("zeros", "m n", lambda _given, shape, _: [0.0] * size(shape), "an array of zeros", 2),
        maker("ones", "m n", lambda _given, shape, _: [1.0] * size(shape), "an array of ones", 2),
        maker("range", "n", ranged, "the numbers from 0 up to n - 1"),
        maker("linspace", "a b n", spaced, "n numbers from a to b, evenly spaced"),
        maker("rand", "m n", uniforms, "random numbers from 0 to 0.99, of two decimals", 2, random=True),
        maker("randn", "m n", normals, "standard normal numbers, of two decimals", 2, random=True),
    )
}  # fmt: skip
"""The rows that are called by name."""

CONSTANT = frozenset({*MAKERS, "eye"})
"""The calls that make an input of a stage of numbers alone."""

ELSEWHERE = {
    "matmul": "@", "mm": "@", "mv": "@", "transpose": ".T", "arange": "range", "concatenate": "concat",
    "cat": "concat", "log_softmax": "logsoftmax", "one_hot": "onehot", "reduce_sum": "sum",
    "reduce_mean": "mean", "reduce_max": "max", "reduce_min": "min", "reduce_logsumexp": "logsumexp",
}  # fmt: skip
"""What libraries call an operation on arrays -> its sign or its name here. All are soft."""
