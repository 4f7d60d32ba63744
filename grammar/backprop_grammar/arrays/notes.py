"""What is said of elements, once for the array: notes on kinks and ties with their places."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from ..errors import few, shorten
from ..operations.shape import size
from ..operations.structural import Structural
from ..trace.record import Flag, Note
from .question import Question

__all__ = ["gathered", "gathered_flags"]

MOST = 6
"""Places that are named of many."""

LONGEST = 40
"""Characters of a formula that a note names; of a longer one only its operation."""

PART = re.compile(r"\bpart \d+ of ")
"""How the names of numbers begin that are computed for an element and are none themselves."""

ZERO = re.compile(r"(.*) (\S+) (cannot be told from 0) with \S+ digits(: it is below )(\S+)(.*)")
"""A note on a number that is shown as 0: what it is, of which node, and its bound."""

GROUPED = frozenset({"kink", "tie", "boundary", "branch cut", "underflow"})
"""Kinds of notes that are said of elements."""


def gathered(
    notes: Iterable[Note], asked: Question, formula: Callable[[int], str]
) -> Iterator[Note]:
    """Notes on elements of the nodes of a program over arrays, as notes on its nodes.

    What is said of several elements of a node is said once, where it is said first. formula: of a
    node, over the names of its operands.
    """
    groups: dict[tuple[str, int], list[Note]] = {}
    ordered: list[Note | tuple[str, int]] = []
    owners = {name: node for node, name in asked.names.of.items() if asked.needed[node]}
    zeros: dict[str, dict[int, list[re.Match[str]]]] = {}
    for note in notes:
        inner = bool(PART.match(note.node))
        note = note._replace(message=PART.sub("a part of ", note.message))
        owner = owners.get(PART.sub("", note.node).partition("[")[0])
        zero = ZERO.fullmatch(note.message)
        if owner is not None and zero:
            zeros.setdefault(zero[1], {}).setdefault(owner, []).append(zero)
            continue
        if inner and "shown as 0" in note.message:
            continue  # where it is not shown
        if owner is None or note.kind not in (*GROUPED, "sides"):
            ordered.append(note)
        elif note.kind == "sides":
            ordered.append(of_sides(note, asked, owner))
        elif not inner:  # what its own parts meet says nothing of an element
            key = (note.kind, owner)
            if key not in groups:
                ordered.append(key)
            groups.setdefault(key, []).append(note)
    met = {owner for _, owner in groups}
    for one in ordered:
        if not isinstance(one, Note):
            yield Note(one[0], asked.names.of[one[1]], message(one[0], one[1], groups[one], asked, formula))  # fmt: skip
        elif one.kind != "sides" or owners.get(one.node.partition("[")[0]) in {*met, None}:
            yield one
    told: set[int] = set()
    for found in zeros.values():  # values, gradients, contributions
        fresh = {owner: group for owner, group in found.items() if owner not in told}
        told |= fresh.keys()
        if fresh:
            yield of_zeros(fresh, asked)


def of_zeros(found: dict[int, list[re.Match[str]]], asked: Question) -> Note:
    """A note on the numbers of some nodes that are shown as 0."""
    node, group = next(iter(found.items()))
    name, shape = asked.names.of[node], asked.found.of[node]
    labels = list(
        dict.fromkeys(zero[2] for zero in group)
    )  # a use of an element is called as it is
    where = places(labels, size(shape)) if shape else ""
    what, _, untold, below, bound, shown = group[0].groups()
    bound = max([zero[5] for zero in group], key=power)
    named = asked.graph.names
    others = few([named[k] for k in found if k != node and k in named], MOST)
    likewise = f"; likewise of {others}" if others else ""
    return Note("precision", name, f"{what} {name} {untold}{where}{below}{bound}{shown}{likewise}")


def power(bound: str) -> int:
    """The power of ten of a bound such as 1e-479."""
    return int(re.sub(r".*[e^]", "", bound).split(".")[0])


def of_sides(note: Note, asked: Question, owner: int) -> Note:
    """A note on both sides of a point, with the operation that was written."""
    row = asked.graph.operations[owner]
    text = note.message
    if isinstance(row, Structural) and row.name == "norm":
        text = re.sub(r"\bhypot\b", row.name, text)
    return Note(note.kind, PART.sub("", note.node), text)


def message(
    kind: str, node: int, notes: Sequence[Note], asked: Question, formula: Callable[[int], str]
) -> str:
    """What is said of the elements of a node."""
    program, name, of = asked.graph, asked.names.of[node], asked.found.of
    row, shape = program.operations[node], of[node]
    labels = [note.node for note in notes]
    if not shape and not isinstance(row, Structural):
        return notes[0].message
    text = formula(node) if len(formula(node)) <= LONGEST else row.name
    if kind == "kink":
        operands = program.operands[node]
        if len(operands) == 1 and of[operands[0]] == shape:
            operand = asked.names.of[operands[0]]
            labels = [operand + label.removeprefix(name) for label in labels]
        where = places(labels, size(shape)) if shape else ""
        if row.jump:
            return f"{row.jump}{',' * bool(where)}{where}"
        return f"{text} stands on its kink{where}; {row.at_kink}"
    where = places(labels, size(shape)) if shape else ""
    if kind == "tie":
        if len(notes) == 1:
            return notes[0].message
        equally = all(re.search("equally$|its share of", note.message) for note in notes)
        return f"{text} has a kink{where}: its operands tie there, and share the gradient{' equally' * equally}"
    if kind == "boundary":
        return f"the point stands exactly on the boundary of the condition of {name}{where}; the gradient is that of the branch it selects"
    if kind == "branch cut":
        step = f" by {row.cut_step}" if row.cut_step else ""
        return f"{text} has its branch cut{where}: the value jumps{step} across it, the gradient is the same on both sides"
    if len(notes) == 1:
        return notes[0].message
    return f"underflow: the gradient of {name} is too small for a float{where}"


def places(labels: Sequence[str], count: int) -> str:
    """Where in an array: ` at 2 of 12 (z[0,1], z[2,3])`."""
    return f" at {len(labels)} of {count} ({few(labels, MOST)})"


def gathered_flags(flags: Iterable[Flag]) -> list[Flag]:
    """Flags for people: of several elements with one fault, the first, and which others share it."""
    groups: dict[tuple[str, ...], list[Flag]] = {}
    for flag in flags:
        array, node = (re.sub(r"\[.*", "", text) for text in (flag.path, flag.node))
        groups.setdefault((array, flag.status, flag.sign, node), []).append(flag)
    found = []
    for first, *others in groups.values():
        if others:
            names = [flag.path.removeprefix("gradients.").replace("][", ",") for flag in others]
            likewise = f"{first.message}; likewise of {few(map(shorten, names), MOST)}"
            first = first._replace(message=likewise)
        found.append(first)
    return found
