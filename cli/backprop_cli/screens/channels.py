"""In which order the upright parts of wires stand between two layers of a picture.

Two wires may cross but never lie on each other. That happens only where one comes in on the row
on which another leaves, and then the first must turn off before the other turns in. Where such
demands go round in a circle, one of the wires turns twice.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Net", "arranged"]


@dataclass(frozen=True, slots=True)
class Net:
    """The part of one wire that lies between two layers.

    trunk: the item it comes from. start: the row where it comes in. ends: where it leaves.
    turn: 0, or 1 for the second part of a wire that turns twice.
    """

    trunk: int
    start: int
    ends: tuple[int, ...]
    turn: int = 0

    def span(self) -> tuple[int, int]:
        """Its first and last row."""
        return min(self.start, *self.ends), max(self.start, *self.ends)


def arranged(nets: Sequence[Net]) -> list[Net]:
    """The nets with an upright piece, from the left; some of them cut into two parts.

    Of two parts of a wire, the first ends where the second starts.
    """
    taken = {net.start for net in nets} | {end for net in nets for end in net.ends}
    bent = [net for net in nets if net.ends != (net.start,)]
    while True:
        order, stuck = sequence(bent)
        if stuck is None:
            return order
        bent.remove(stuck)
        low, high = stuck.span()
        turn = nearest_free(taken, low, high)
        taken.add(turn)
        bent.append(Net(stuck.trunk, stuck.start, (turn,)))
        bent.append(Net(stuck.trunk, turn, stuck.ends, 1))


def nearest_free(taken: set[int], low: int, high: int) -> int:
    """A row that no wire uses, between two rows or as near to them as can be."""
    middle = (low + high) // 2
    reach = 0
    while True:
        for row in (middle - reach, middle + reach):
            if row not in taken:
                return row
        reach += 1


def sequence(nets: Sequence[Net]) -> tuple[list[Net], Net | None]:
    """An order with few crossings; or, if there is none, a net that is in the way."""
    after: dict[Net, set[Net]] = {net: set() for net in nets}  # what must stand further left
    price: dict[Net, dict[Net, int]] = {net: {} for net in nets}  # of standing left of another
    for one, two in overlapping(nets):
        for left, right in ((one, two), (two, one)):
            if left.trunk == right.trunk:
                if left.turn > right.turn:
                    after[left].add(right)
            elif right.start in left.ends:
                after[left].add(right)
            price[left][right] = crossings(left, right)
    order: list[Net] = []
    rest = list(nets)
    loss = {net: sum(price[net][n] - price[n][net] for n in price[net]) for net in nets}
    while rest:
        ready = [net for net in rest if not after[net]]
        if not ready:
            return order, circling(rest[0], after)
        chosen = min(ready, key=rank(loss))
        order.append(chosen)
        rest.remove(chosen)
        for net in price[chosen]:
            after[net].discard(chosen)
            loss[net] -= price[net][chosen] - price[chosen][net]
    return order, None


def circling(net: Net, after: dict[Net, set[Net]]) -> Net:
    """A net of a circle of demands. Neither part of a cut net is ever in one."""
    visited: list[Net] = []
    while net not in visited:
        visited.append(net)
        net = min(after[net], key=lambda other: other.start)
    return min(visited[visited.index(net) :], key=lambda net: (len(net.ends), net.start))


def rank(loss: dict[Net, int]) -> Callable[[Net], tuple[int, int]]:
    return lambda net: (loss[net], net.start)


def overlapping(nets: Sequence[Net]) -> Iterable[tuple[Net, Net]]:
    """The pairs of nets that have a row in common."""
    ordered = sorted(nets, key=lambda net: net.span())
    for i, net in enumerate(ordered):
        high = net.span()[1]
        for other in ordered[i + 1 :]:
            if other.span()[0] > high:
                break
            yield net, other


def crossings(left: Net, right: Net) -> int:
    """How often two nets cross in that order."""
    low, high = left.span()
    total = int(low < right.start < high)
    low, high = right.span()
    return total + sum(low < end < high for end in left.ends)
