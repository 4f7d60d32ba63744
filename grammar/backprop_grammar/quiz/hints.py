"""Hints to a blank, in steps: which rule, which numbers, and what comes of them.

What another blank asks for is no number of a hint but the place of that blank, (3), until the last.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ..arrays.lower import element, elements, owner
from ..arrays.record import ArrayTrace
from ..numbers.decimal import decimal
from ..trace.index import formula, rule_text
from .draw import is_short
from .record import GRADIENTS, VALUES, Blank, Variant
from .sheet import GIVEN_DIGITS, LONG_DIGITS

__all__ = ["hints"]


Places = Mapping[tuple[str, str], int]
"""The numbers of the blanks, by what they ask for and their names."""


def hints(variant: Variant, blank: Blank) -> tuple[str, str, str]:
    """The rule, the numbers that go into it, and what comes of them, each a line."""
    trace = variant.trace
    places = {(one.kind, one.node): one.number for one in variant.blanks}
    if isinstance(trace, ArrayTrace):
        return of_arrays(trace, blank, places)
    node = trace.by_name[blank.node]
    if blank.kind == VALUES:
        text = formula(trace, node)
        operands = [(trace.name(k), trace.by_index[k]) for k in node.operands]
        names = [
            f"{name} = {asked(places, VALUES, name, one.value)}"
            for name, one in operands
            if one.kind != "constant"
        ]
        return f"{node.name} = {text}", ", ".join(names) or text, f"{node.name} = {blank.text}"
    sent = [(one, edge) for one in trace.nodes for edge in one.edges if edge.operand == node.index]
    rules, numbers, full, products = [], [], [], []
    values = any(kind == VALUES for kind, _ in places)
    for one, edge in sent:
        local = rule_text(trace, one, edge)
        rules.append(
            f"{one.name} = {formula(trace, one)} sends it upstream x local = (gradient of {one.name}) x {local}"
        )
        upstream = asked(places, GRADIENTS, one.name, one.gradient)
        numbers.append(f"{upstream} x {local if values else shown(edge.local)}")
        full.append(f"{signed(shown(one.gradient))} x {signed(shown(edge.local))}")
        products.append(signed(shown(edge.contribution)))
    steps = [" + ".join(full), *([" + ".join(products)] if len(products) > 1 else []), blank.text]
    more = "; the contributions are added up" if len(sent) > 1 else ""
    return "; ".join(rules) + more, " + ".join(numbers), " = ".join(steps)


def of_arrays(trace: ArrayTrace, blank: Blank, places: Places) -> tuple[str, str, str]:
    """The same of an element: what its array is sent, and from which upstream gradient."""
    base = owner(blank.node)
    node = trace.by_name[base]
    if blank.kind == VALUES:
        return f"{base} = {node.formula}", f"{blank.node} is one number of it", blank.text
    rules, numbers = [], []
    for one in trace.nodes:
        for edge in one.edges:
            if edge.operand == node.index:
                sent = edge.sent or edge.product
                rules.append(
                    f"{one.name} = {one.formula} sends {base} {sent}, where up is the gradient of {one.name}"
                )
                up = ", ".join(listed(one.name, one.gradient, places))
                numbers.append(f"up of {one.name} is {up}")
    return "; ".join(rules), "; ".join(numbers), blank.text


def listed(name: str, tensor: Any, places: Places) -> Iterator[str]:
    """The numbers of a gradient, each by its name."""
    for place, x in zip(elements(tensor.shape), tensor.numbers, strict=True):
        one = element(name, place)
        yield f"{one} = {asked(places, GRADIENTS, one, x)}"


def asked(places: Places, kind: str, name: str, number: Any) -> str:
    """A number; of what is asked for itself, the place of its blank."""
    place = places.get((kind, name))
    return signed(shown(number)) if place is None else f"({place})"


def signed(text: str) -> str:
    """A number as a factor or a term."""
    return f"({text})" if text.startswith("-") else text


def shown(number: Any) -> str:
    """A number of a hint: a short one in full, another with a digit more than is judged."""
    return decimal(number, LONG_DIGITS if is_short(number) else GIVEN_DIGITS)
