"""Claimed arrays beside the right ones: which elements are right, and in what shape.

A claim of another shape is held against all that reproduces that shape before it is called one: the
transpose, the elements in a row, a row or a column, the diagonal, what is not summed yet. Nothing
here knows what computed the right numbers.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from ..arrays.record import Tensor
from ..numbers.decimal import exact_decimal
from ..numbers.wide import Number, Wide, as_float
from ..operations.shape import Shape, said, size
from .claimed import Written
from .claims import CHOICE, RIGHT, ROUNDED, TRUNCATED, WITHIN, WORDS, WRONG
from .rounding import NEAR
from .search import NOISE

__all__ = ["BINARY", "Comparison", "Scale", "alike", "compared", "factor", "same", "transposed"]

BINARY = "right up to rounding of "
"""What is said before the name of an arithmetic."""

TOLERANCES = {"binary16": 2.0**-7, "binary32": 2.0**-20, "binary64": NOISE}
"""What rounding may leave, relative to the magnitudes that were added."""

ORDER = (RIGHT, WITHIN, BINARY, ROUNDED, TRUNCATED, CHOICE, WRONG)
"""From the best to the worst that an element may be; BINARY stands for all arithmetics."""

FLAT = 2.0**-50

ROUGHLY = 4
"""Half units of a last digit that a number is off where others were rounded before it."""

TELLING = 0.03
"""How far a number may be off that tells a factor."""

SIMPLE, MOST_FACTOR = 12, 10_000
"""Of a factor between small whole numbers, and of one that counts something, such as 1/32."""

Scale = Callable[[], Sequence[float]]
"""The magnitudes that were added for each element, which are computed where they decide."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A claim beside the right array.

    of: the status of each element, in the order of the claim where their shapes differ. wrong: the
    places of those that are. shape: how the claim's shape is another one, in words, else empty;
    told: what the claim is instead, if it is something.
    """

    of: tuple[str, ...]
    wrong: tuple[int, ...]
    shape: str = ""
    told: str = ""

    @property
    def status(self) -> str:
        """That of the worst element."""
        if self.told:
            return WRONG
        return max(set(self.of), key=ORDER.index)


def compared(claim: Written, correct: Tensor, scale: Scale) -> Comparison:
    """A claim beside the right array, in whatever shape it is right."""
    shape, right = claim.shape, correct.shape
    if shape == right:
        found = side_by_side(claim, correct, scale)
        if found.wrong and len(right) == 2 and min(right) > 1:
            other = side_by_side(claim, transposed(correct), lambda: turned(scale(), right))
            if right[0] == right[1] and not other.wrong:
                return Comparison(found.of, found.wrong, told="right but transposed")
        return found
    for told, wrong, tensor, sizes in readings(claim.shape, correct, scale):
        found = side_by_side(claim._replace(shape=tensor.shape), tensor, sizes)
        if not found.wrong:
            if wrong:
                return Comparison(found.of, (), said_shapes(shape, right), told)
            return Comparison(found.of, (), told)
    for told, summed in sums(claim, right):
        if not side_by_side(summed, correct, scale).wrong:
            return Comparison((WRONG,), (), said_shapes(shape, right), told)
    every = (WRONG,) * len(claim.texts)
    if size(shape) == size(right) and alike(shape, right):
        return side_by_side(claim._replace(shape=right), correct, scale)
    return Comparison(every, (), said_shapes(shape, right))


def said_shapes(shape: Shape, right: Shape) -> str:
    """`shape 1x64 for 64`, `one number for 64`."""
    one = f"shape {said(shape)}" if shape else "one number"
    return f"{one} for {said(right)}"


def alike(a: Shape, b: Shape) -> bool:
    """Whether two shapes of one size are a line each: a vector, a row, a column, or a number."""
    return all(len(shape) < 2 or max(shape) == size(shape) for shape in (a, b))


def transposed(tensor: Tensor) -> Tensor:
    """A matrix whose rows are the columns."""
    m, n = tensor.shape
    return Tensor((n, m), tuple(turned(tensor.numbers, tensor.shape)))


def turned(items: Sequence[Any], shape: Shape) -> list[Any]:
    """The elements of a matrix column by column."""
    return [x for j in range(shape[1]) for x in items[j :: shape[1]]]


def readings(
    shape: Shape, correct: Tensor, scale: Scale
) -> Iterator[tuple[str, bool, Tensor, Scale]]:
    """What of the right array has a claimed shape: in words, whether that is wrong, the numbers,
    and their magnitudes.
    """
    right, numbers = correct.shape, correct.numbers

    def picked(places: Sequence[int]) -> tuple[Tensor, Scale]:
        def sizes() -> Sequence[float]:
            every = scale()
            return [every[k] for k in places]

        return Tensor(shape, tuple([numbers[k] for k in places])), sizes

    n = size(right)
    places = list(range(n))
    if size(shape) == n and alike(shape, right):
        yield said_shapes(shape, right), False, *picked(places)
        return
    columns = turned(places, right) if len(right) == 2 else places
    if len(right) == 2 and shape == right[::-1]:
        yield "right but transposed", True, *picked(columns)
    if size(shape) == n:
        yield f"{said_shapes(shape, right)}, row by row", False, *picked(places)
        yield "the right numbers column by column", True, *picked(columns)
    if len(right) == 2:
        rows, width = right
        if size(shape) == width == max(shape, default=1):
            for i in range(rows):
                yield f"row {i} of the right one alone", True, *picked(places[i * width : (i + 1) * width])  # fmt: skip
        if size(shape) == rows == max(shape, default=1):
            for j in range(width):
                yield f"column {j} of the right one alone", True, *picked(places[j::width])
            if rows == width:
                yield "the diagonal of the right one alone", True, *picked(places[:: width + 1])
    if size(shape) == 1:
        for k in places[:100]:
            yield f"element {k} of the right one alone", True, *picked([k])
    if n > 1 and len(shape) == 2 and shape[-1] == n and len(right) == 1:
        yield "the right numbers in every row", True, *picked(places * shape[0])
    if n == 1 and size(shape) > 1:
        yield "the right number in every element", True, *picked([0] * size(shape))


def sums(claim: Written, right: Shape) -> Iterator[tuple[str, Written]]:
    """A claim summed until it has the right shape, and what that says of it."""
    numbers, halves, shape = claim.numbers, claim.halves, claim.shape
    if None in numbers:
        return

    def added(lines: Sequence[Sequence[int]]) -> Written:
        totals = tuple([sum(numbers[k] or 0.0 for k in line) for line in lines])
        slack = tuple([sum(halves[k] for k in line) for line in lines])
        return Written(right, totals, slack, tuple(map(repr, totals)), claim.made)

    every = range(size(shape))
    if size(right) == 1:
        yield "not summed yet: its numbers add up to the right one", added([every])
    if len(shape) == 2 and size(shape) > size(right) > 1 and alike(right, right):
        m, n = shape
        if size(right) == n and (len(right) == 1 or right[1] == n):
            yield f"not summed over the {m} rows: sum(..., axis=0) of it is right", added([every[j::n] for j in range(n)])  # fmt: skip
        if size(right) == m and (len(right) == 1 or right[0] == m):
            yield f"not summed over the {n} columns: sum(..., axis=1) of it is right", added([every[i * n : (i + 1) * n] for i in range(m)])  # fmt: skip


def side_by_side(claim: Written, correct: Tensor, scale: Scale) -> Comparison:
    """A claim beside an array of its shape, element by element."""
    of = []
    room = TOLERANCES.get(claim.made, 0.0)
    sizes: Sequence[float] | None = None
    for k, (number, half, right) in enumerate(
        zip(claim.numbers, claim.halves, correct.numbers, strict=True)
    ):
        status = element(number, half, right, claim.texts[k])
        if status == WRONG and room and number is not None and isinstance(near := nearest(right), float):  # fmt: skip
            if abs(number - near) <= room * abs(near):
                status = BINARY
            else:
                sizes = scale() if sizes is None else sizes
                if abs(number - near) <= room * sizes[k]:
                    status = BINARY
        of.append(status)
    wrong = tuple([k for k, status in enumerate(of) if status == WRONG])
    return Comparison(tuple(of), wrong)


def nearest(number: Number | None) -> float | None:
    """The float nearest to a right number; None where there is none."""
    return None if number is None else as_float(number)


def element(number: float | None, half: float, right: Number | None, text: str) -> str:
    """The status of one element: what its digits say of it."""
    near = nearest(right)
    if number is None or right is None or near is None:
        if number is None and right is not None:
            return RIGHT if WORDS.get(text.lower()) == right else WRONG
        if right is None or number is None or not isinstance(right, Wide) or not right.exists:
            return WRONG
        exact = exact_decimal(right)  # of a size that no float has
        return RIGHT if abs(Decimal(text) - exact) <= abs(exact) * Decimal(NOISE) else WRONG
    near = float(near)
    if number == near:
        return RIGHT
    off = abs(number - near)
    if half:
        if off <= half * (1 + 1e-9) + FLAT * abs(near):
            return WITHIN
        unit = 2 * half
        if off < unit * (1 + 1e-9) and abs(number) < abs(near) and number * near > 0 and off <= NEAR * abs(near):  # fmt: skip
            return TRUNCATED
    return WRONG


def factor(claim: Written, correct: Tensor) -> float:
    """By what one factor all elements of a claim are the right ones, where it is a simple one; else 0.

    The factor is one of small whole numbers; the elements agree on it to their digits.
    """
    if claim.shape != correct.shape and size(claim.shape) != size(correct.shape):
        return 0.0
    pairs = [
        (number, half, nearest(right))
        for number, half, right in zip(claim.numbers, claim.halves, correct.numbers, strict=True)
    ]
    if any(number is None or near is None for number, _, near in pairs):
        return 0.0
    known = [(float(x or 0), half, float(y or 0)) for x, half, y in pairs]
    number, _, near = max(known, key=lambda pair: abs(pair[2]))
    if not near or not number:
        return 0.0
    room = max(TOLERANCES.get(claim.made, 0.0), NOISE)
    top = max(abs(y) for _, _, y in known)
    largest = max(known, key=lambda pair: abs(pair[0]))
    if ROUGHLY * largest[1] > TELLING * abs(largest[0]):
        return 0.0  # so few digits are some multiple of anything
    for ratio in ratios(number / near, len(known) == 1):
        if all(abs(x - ratio * y) <= ROUGHLY * half + room * abs(ratio) * max(abs(y), top * 1e-3) for x, half, y in known):  # fmt: skip
            return ratio
    return 0.0


def ratios(near: float, alone: bool) -> Iterator[float]:
    """Simple factors near a number: of small whole numbers, and a whole number or one over it."""
    if not abs(near) < 2 * MOST_FACTOR:
        return
    most = SIMPLE if alone else MOST_FACTOR
    guesses = [Fraction(near).limit_denominator(SIMPLE), Fraction(round(near))]
    guesses += [Fraction(1, round(1 / near))] if 1 / (2 * most) < abs(near) < 1 else []
    for guess in guesses:
        small = max(abs(guess.numerator), guess.denominator) <= SIMPLE
        whole = 1 in (abs(guess.numerator), guess.denominator)
        if guess and guess != 1 and (small or whole) and max(abs(guess.numerator), guess.denominator) <= most:  # fmt: skip
            yield float(guess)


def same(claim: Written, tensor: Tensor) -> bool:
    """Whether a claim is some array, to its digits."""
    room = TOLERANCES.get(claim.made, NOISE)
    return all(
        number is not None and isinstance(near := nearest(right), float)
        and abs(number - near) <= (half or room * abs(near)) * (1 + 1e-9)
        for number, half, right in zip(claim.numbers, claim.halves, tensor.numbers, strict=True)
    )  # fmt: skip
