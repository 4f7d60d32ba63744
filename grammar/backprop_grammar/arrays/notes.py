"""What is said of elements, once for the array: notes on kinks and ties with their places."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from ..errors import few, shorten
from ..operations.structural import Structural, size
from ..trace.record import Flag, Note
from .lower import Lowered, element, elements

__all__ = ["gathered", "gathered_flags"]

MOST = 6
"""Places that are named of many."""

LONGEST = 40
"""Characters of a formula that a note names; of a longer one only its operation."""

PART = "a part of "
"""How the names of numbers begin that are computed for an element and are none themselves."""

GROUPED = frozenset({"kink", "tie", "boundary", "branch cut", "underflow"})
"""Kinds of notes that are said of elements."""


def gathered(
    notes: Iterable[Note], lowered: Lowered, formula: Callable[[int], str]
) -> Iterator[Note]:
    """Notes on the numbers that a program over arrays means, as notes on its nodes.

    What is said of several elements of a node is said once, where it is said first. formula: of a
    node, over the names of its operands.
    """
    groups: dict[tuple[str, int], list[Note]] = {}
    ordered: list[Note | tuple[str, int]] = []
    owners = owners_of(lowered)
    for note in notes:
        owner = owners.get(note.node.removeprefix(PART))
        if owner is None or note.kind not in (*GROUPED, "sides"):
            ordered.append(note)
        elif note.kind == "sides":
            ordered.append(of_sides(note, lowered, owner))
        elif not note.node.startswith(PART):  # what its own parts meet says nothing of an element
            key = (note.kind, owner)
            if key not in groups:
                ordered.append(key)
            groups.setdefault(key, []).append(note)
    met = {owner for _, owner in groups}
    for one in ordered:
        if not isinstance(one, Note):
            yield Note(one[0], lowered.names.of[one[1]], message(one[0], one[1], groups[one], lowered, formula))  # fmt: skip
        elif one.kind != "sides" or owners.get(one.node) in {*met, None}:
            yield one


def owners_of(lowered: Lowered) -> dict[str, int]:
    """The node of every element, by the element's name, and by its own."""
    owners = {lowered.names.of[node]: node for node in lowered.cells}
    for node, cells in lowered.cells.items():
        name = lowered.names.of[node]
        owners |= {element(name, place): node for place in elements(cells.shape)}
    return owners


def of_sides(note: Note, lowered: Lowered, owner: int) -> Note:
    """A note on both sides of a point, with the operation that was written."""
    row = lowered.program.operations[owner]
    text = note.message
    if isinstance(row, Structural) and row.name == "norm":
        text = re.sub(r"\bhypot\b", row.name, text)
    return Note(note.kind, note.node.removeprefix(PART), text)


def message(
    kind: str, node: int, notes: Sequence[Note], lowered: Lowered, formula: Callable[[int], str]
) -> str:
    """What is said of the elements of a node."""
    program, name = lowered.program, lowered.names.of[node]
    row, shape = program.operations[node], lowered.cells[node].shape
    labels = [note.node for note in notes]
    if not shape and not isinstance(row, Structural):
        return notes[0].message
    text = formula(node) if len(formula(node)) <= LONGEST else row.name
    if kind == "kink":
        operands = program.operands[node]
        if len(operands) == 1 and lowered.cells[operands[0]].shape == shape:
            operand = lowered.names.of[operands[0]]
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
