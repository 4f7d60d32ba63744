"""Matrix products as a textbook writes them.

A product is a chain of matrices, some of them transposed, in which a vector is a column; numbers
stand in front. So the transpose of a product, a product with a unit matrix and a common factor of
two products are each a line.
"""

from collections.abc import Sequence

from ..operations.makers import MAKERS
from ..operations.shape import Shape, size
from ..operations.structural import ARRAY, INDEX, MATMUL, STRUCTURAL, TRANSPOSE
from ..operations.table import ADD, MUL, SUB
from .array_tape import ArrayTape, Held

__all__ = ["EYE", "ONES", "alike", "factored", "full", "product", "transposed"]

LONGEST = 8
"""Factors of a chain; longer ones are kept in parts."""

EYE, DOT = STRUCTURAL["eye"], STRUCTURAL["dot"]
ONES, ZEROS = MAKERS["ones"], MAKERS["zeros"]

Factor = tuple[int, bool]
"""A node, and whether it is transposed; a vector that is not is a column."""

Chain = tuple[Factor, ...]


def flipped(chain: Chain) -> Chain:
    """The transpose of a product."""
    return tuple([(node, not turned) for node, turned in reversed(chain)])


def chain_of(s: ArrayTape, root: int) -> Chain:
    """A node as a product of matrices; a vector as a column.

    Without recursion: products within products are opened until the chain is long.
    """
    done: list[Factor] = []
    pending: list[Factor] = [(root, False)]
    while pending:
        node, turned = pending.pop()
        parts = opened(s, node)
        if parts is None or len(done) + len(pending) + len(parts) > LONGEST:
            done.append((node, turned))
            continue
        pending += reversed(flipped(tuple(parts)) if turned else parts)
    return tuple(done)


def opened(s: ArrayTape, node: int) -> list[Factor] | None:
    """The factors of one product or transpose; None of other nodes."""
    row, operands = s.tape.operations[node], s.tape.operands[node]
    if row is TRANSPOSE:
        return [(operands[0], True)]
    if row is EYE:
        return []
    if row is not MATMUL or not s.shape(node) or node in s.named:
        return None
    a, b = operands
    first, second = s.shape(a), s.shape(b)
    if len(first) == 1:
        if len(second) == 2 and second[0] == 1 != first[0]:  # a column times a row
            return [(a, False), (b, False)]
        return [(b, True), (a, False)]
    return [(a, False), (b, False)]


def sides(s: ArrayTape, factor: Factor) -> tuple[int, int]:
    """The rows and columns of a factor."""
    node, turned = factor
    shape = s.shape(node)
    m, n = shape if len(shape) == 2 else (shape[0], 1)
    return (n, m) if turned else (m, n)


def is_vector(s: ArrayTape, factor: Factor) -> bool:
    return len(s.shape(factor[0])) == 1


def oriented(s: ArrayTape, node: int, row: bool) -> Chain:
    """The chain of an operand of a product: of a vector as a row, or as a column."""
    chain = chain_of(s, node)
    return flipped(chain) if row and len(s.shape(node)) == 1 else chain


def product(s: ArrayTape, a: Held, b: Held, shape: Shape) -> int:
    """The node of a @ b, which has that shape, or is a number: 0, or x.T @ A @ y of vectors."""
    if s.number(a.node) == 0 or s.number(b.node) == 0:
        return s.constant(0.0)
    scale: int | None = None
    nodes = []
    for one in (a, b):
        own, rest = s.split(one.node)
        if rest is None:
            assert own is not None
            number = s.number(own)
            if number is None or number != 1:
                scale = s.product_of(scale, own)
            rest = s.constant(1.0)
        elif own is not None:
            scale = s.product_of(scale, own)
        nodes.append(full(s, one._replace(node=rest)))
    left, right = nodes
    if len(a.shape) == len(b.shape) == 1:
        chain = (*oriented(s, left, True), *oriented(s, right, False))
    elif len(a.shape) == 1 and b.shape[0] == 1 != a.shape[0]:
        chain = (*chain_of(s, left), *chain_of(s, right))
    elif len(a.shape) == 1:  # a row, whose result is a vector: as a column
        chain = flipped((*flipped(chain_of(s, left)), *chain_of(s, right)))
    else:
        chain = (*chain_of(s, left), *chain_of(s, right))
    inner, chain = numbers_within(s, chain)
    for one_inner in inner:
        scale = s.product_of(scale, one_inner)
    ends = [chain[k] for k in (0, -1)] if chain else []
    alone = shape == (1,) and bool(ends) and ends[0][1] and all(is_vector(s, one) for one in ends)
    node = emitted(s, chain, () if alone else shape, left)
    return s.scaled_by(scale, node)


def numbers_within(s: ArrayTape, chain: Chain) -> tuple[list[int], Chain]:
    """The products of two vectors that stand within a chain, as numbers; and what is left."""
    found: list[int] = []
    chain = tuple([one for one in chain if not is_one(s, one)])
    while True:
        cuts = [
            k
            for k in range(1, len(chain))
            if sides(s, chain[k])[0] == 1 and (is_vector(s, chain[k - 1]) or is_vector(s, chain[k]))
        ]
        rows, columns = (
            sides(s, chain[0])[0] if chain else 1,
            sides(s, chain[-1])[1] if chain else 1,
        )
        if len(cuts) > 1:
            start, end = cuts[0], cuts[1]
        elif cuts and rows > 1 == columns:
            start, end = cuts[0], len(chain)
        elif cuts and columns > 1 == rows:
            start, end = 0, cuts[0]
        else:
            return found, chain
        found.append(emitted(s, chain[start:end], ()))
        chain = chain[:start] + chain[end:]


def is_one(s: ArrayTape, factor: Factor) -> bool:
    """Whether a factor is the matrix [[1]], or the vector [1]."""
    node = factor[0]
    operands = s.tape.operands[node]
    return (
        s.tape.operations[node].name == "array"
        and len(operands) == 1
        and s.number(operands[0]) == 1
    )


def emitted(s: ArrayTape, chain: Chain, shape: Shape, template: int = -1) -> int:
    """The node of a chain, in that shape."""
    if not chain:
        return template if len(shape) == 2 and shape[0] > 1 else s.constant(1.0)
    if len(shape) == 2:
        node = as_matrix(s, chain)
    elif not shape:
        node = as_number(s, chain)
    else:
        if sides(s, chain[-1])[1] != 1:
            chain = flipped(chain)
        node = as_vector(s, chain)
    return alike(s, node, shape)


def turned_leaf(s: ArrayTape, factor: Factor) -> int:
    node, turned = factor
    if turned and s.tape.operations[node] is ONES and len(s.shape(node)) == 2:
        return s.written(ONES, s.tape.operands[node][::-1])
    return s.written(TRANSPOSE, (node,)) if turned else node


def multiplied(s: ArrayTape, nodes: Sequence[int]) -> int:
    """A @ B @ C, from the left."""
    result = nodes[0]
    for node in nodes[1:]:
        result = s.written(MATMUL, (result, node))
    return result


def as_number(s: ArrayTape, chain: Chain) -> int:
    """A chain of one row and one column: `x @ y`, `x @ A @ y`."""
    if len(chain) == 1:
        return chain[0][0]
    if len(chain) == 2 and all(is_vector(s, one) for one in chain):
        return s.written(DOT, (chain[0][0], chain[1][0]))
    (first, _), *_ = chain
    if len(s.shape(first)) == 1 and is_vector(s, chain[-1]):
        return multiplied(s, [first, *[turned_leaf(s, one) for one in chain[1:-1]], chain[-1][0]])
    return as_matrix(s, chain)


def as_vector(s: ArrayTape, chain: Chain) -> int:
    """A chain of one column: `A @ x`, `A @ (B @ x)`."""
    if not is_vector(s, chain[-1]):
        return as_matrix(s, chain)
    result = chain[-1][0]
    for one in reversed(chain[:-1]):
        result = s.written(MATMUL, (turned_leaf(s, one), result))
    return result


def as_matrix(s: ArrayTape, chain: Chain) -> int:
    """A chain as a matrix: `A @ B`, `(B @ A).T`, `x @ y.T`, `x.T @ A`."""
    cut = next(
        (
            k
            for k in range(1, len(chain))
            if sides(s, chain[k])[0] == 1 and (is_vector(s, chain[k - 1]) or is_vector(s, chain[k]))
        ),
        0,
    )
    if cut:
        left, right = chain[:cut], flipped(chain[cut:])
        column = as_vector(s, left) if is_vector(s, left[-1]) else as_matrix(s, left)
        if is_vector(s, right[-1]):
            row = s.written(TRANSPOSE, (as_vector(s, right),))
        else:
            row = as_matrix(s, flipped(right))
        if s.shape(column) == (1,):  # which would be a row
            column = alike(s, column, (1, 1))
        return s.written(MATMUL, (column, row))
    if len(chain) == 1:
        node, turned = chain[0]
        if is_vector(s, chain[0]) and not turned:
            return s.written(TRANSPOSE, (s.written(TRANSPOSE, (node,)),))
        return turned_leaf(s, chain[0])
    if is_vector(s, chain[-1]):  # a column: as the transpose of a row
        column = as_vector(s, chain)
        return s.written(TRANSPOSE, (s.written(TRANSPOSE, (column,)),))
    if all(turned and not is_vector(s, (node, turned)) for node, turned in chain):
        back = [node for node, _ in reversed(chain)]
        return s.written(TRANSPOSE, (multiplied(s, back),))
    return multiplied(s, [turned_leaf(s, one) for one in chain])


def vector(s: ArrayTape, node: int) -> int | None:
    """A row or a column as a vector, where it is a product that ends in one, or a sum of such."""
    scale, rest = s.split(node)
    assert rest is not None
    own = s.shape(rest)
    if len(own) != 2:
        return None
    row, operands = s.tape.operations[rest], s.tape.operands[rest]
    if row in (ADD, SUB):
        parts = [s.split(k)[1] or k for k in operands]
        if any(opened(s, k) is None or s.shape(k) != own for k in parts):
            return None
        both = [vector(s, k) for k in operands]
        if None in both:
            return None
        return s.scaled_by(scale, s.apply(row, [k for k in both if k is not None]))
    chain = chain_of(s, rest)
    if own[1] != 1:
        chain = flipped(chain)
    if not chain or not is_vector(s, chain[-1]) or sides(s, chain[-1])[1] != 1:
        return None
    return s.scaled_by(scale, as_vector(s, chain))


def transposed(s: ArrayTape, node: int) -> int:
    """The transpose of an array, pushed into products and numbers in front."""
    shape = s.shape(node)
    turned = shape[::-1] if len(shape) == 2 else (1, *shape)
    scale, rest = s.split(node)
    assert rest is not None
    if shape != s.shape(rest):
        scale, rest = None, node
    row = s.tape.operations[rest]
    if (
        row in (ADD, SUB)
        and len(shape) == 2
        and all(s.shape(k) == shape for k in s.tape.operands[rest])
    ):
        parts = s.tape.operands[rest]
        if row is ADD and mirrored(s, *parts):  # B + B.T
            return node
        if all(opened(s, s.split(k)[1] or k) is not None for k in parts):
            return s.scaled_by(scale, s.apply(row, [transposed(s, k) for k in parts]))
    chain = flipped(chain_of(s, rest))
    if not chain:
        return node
    return s.scaled_by(scale, alike(s, as_matrix(s, chain), turned))


def mirrored(s: ArrayTape, a: int, b: int) -> bool:
    """Whether one of two arrays is the transpose of the other."""
    return any(
        s.tape.operations[x] is TRANSPOSE and s.tape.operands[x] == (y,)
        for x, y in ((a, b), (b, a))
    )


def factored(s: ArrayTape, node: int) -> int:
    """A sum of two products with a common factor as one product: A @ x + B @ x is (A + B) @ x."""
    row = s.tape.operations[node]
    shape = s.shape(node)
    if row not in (ADD, SUB) or not shape:
        return node
    a, b = s.tape.operands[node]
    if s.shape(a) != shape or s.shape(b) != shape:
        return node
    (x, left), (y, right) = s.split(a), s.split(b)
    if left is None or right is None:
        return node
    if x is y is None and len(shape) == 2:
        inner = [s.tape.operands[k] for k in (a, b) if s.tape.operations[k] is TRANSPOSE]
        if len(inner) == 2 and all(s.tape.operations[k] is MATMUL for (k,) in inner):
            node = s.apply(row, [k for (k,) in inner])  # (A @ B).T + (C @ D).T
            return s.written(TRANSPOSE, (node,))
    first, second = chain_of(s, left), chain_of(s, right)
    if len(first) < 2 or len(second) < 2:
        return node
    scale = None
    if x == y:
        scale, x, y = x, None, None
    elif not all(one is None or s.number(one) is not None for one in (x, y)):
        return node
    k = 0
    most = min(len(first), len(second)) - 1
    while k < most and first[-1 - k] == second[-1 - k]:
        k += 1
    if k:
        rest, other, common = first[:-k], second[:-k], first[-k:]
        total = summed(s, row, (x, rest), (y, other))
        chain = (*total, *common)
    else:
        while k < most and first[k] == second[k]:
            k += 1
        if not k:
            return node
        common, rest, other = first[:k], first[k:], second[k:]
        total = summed(s, row, (x, rest), (y, other))
        chain = (*common, *total)
    return s.scaled_by(scale, emitted(s, chain, shape))


def summed(
    s: ArrayTape, row: object, a: tuple[int | None, Chain], b: tuple[int | None, Chain]
) -> Chain:
    """The sum of two chains as a chain."""
    nodes = []
    column = sides(s, a[1][-1])[1] == 1 and is_vector(s, a[1][-1]) and is_vector(s, b[1][-1])
    for scale, chain in (a, b):
        one = as_vector(s, chain) if column else as_matrix(s, chain)
        nodes.append(s.scaled_by(scale, one))
    first, second = nodes
    if row is ADD and s.tape.operations[first] is TRANSPOSE and s.tape.operands[first][0] == second:
        first, second = second, first
    assert row is ADD or row is SUB
    return chain_of(s, s.apply(ADD if row is ADD else SUB, (first, second)))


def full(s: ArrayTape, x: Held) -> int:
    """A node that has the shape that it stands for."""
    own = s.shape(x.node)
    if own == x.shape:
        return x.node
    if size(own) == size(x.shape):
        return alike(s, x.node, x.shape)
    number = s.number(x.node)
    maker = ZEROS if number == 0 else ONES
    ones = s.written(maker, [s.count(one) for one in x.extents])
    if number in (0, 1):
        return ones
    return s.plain(MUL, (x.node, ones)) if not own else s.apply(MUL, (x.node, ones))


def alike(s: ArrayTape, node: int, shape: Shape) -> int:
    """A node in another shape of as many numbers, as of a vector and a row."""
    own = s.shape(node)
    if own == shape:
        return node
    zero = s.constant(0.0)
    if not own:
        ones = (1,) * len(shape)
        return s.written(ARRAY, (node,), ones)
    if not shape:
        return s.written(INDEX, (node, *[zero] * len(own)), ("only",) * len(own))
    if len(own) == 1 and shape == (1, *own):
        return transposed(s, node)
    if len(own) == 1:  # a column
        return transposed(s, transposed(s, node))
    if len(shape) == 2:  # a row and a column
        return transposed(s, node)
    found = vector(s, node)
    if found is not None:
        return found
    if own[0] == 1:
        return s.written(INDEX, (node, zero), ("only",))
    return s.written(INDEX, (node, zero), ("every", "only"))
