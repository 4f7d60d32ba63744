"""Hints to a blank, in steps: which rule, which numbers, and what comes of them."""

from collections.abc import Iterator
from typing import Any

from ..arrays.lower import element, elements
from ..arrays.record import ArrayTrace
from ..numbers.decimal import decimal
from ..trace.index import formula, rule_text
from .draw import is_short
from .record import VALUES, Blank, Variant
from .sheet import GIVEN_DIGITS, LONG_DIGITS

__all__ = ["hints"]


def hints(variant: Variant, blank: Blank) -> tuple[str, str, str]:
    """The rule, the same with numbers, and the product, each a line."""
    trace = variant.trace
    if isinstance(trace, ArrayTrace):
        return of_arrays(trace, blank)
    node = trace.by_name[blank.node]
    if blank.kind == VALUES:
        text = formula(trace, node)
        names = [f"{trace.name(k)} = {shown(trace.by_index[k].value)}" for k in node.operands]
        return f"{node.name} = {text}", ", ".join(names), f"{node.name} = {blank.text}"
    sent = [(one, edge) for one in trace.nodes for edge in one.edges if edge.operand == node.index]
    rules, numbers, products = [], [], []
    for one, edge in sent:
        local = rule_text(trace, one, edge)
        rules.append(
            f"{one.name} = {formula(trace, one)} sends it upstream x local = (gradient of {one.name}) x {local}"
        )
        numbers.append(f"{shown(one.gradient)} x {shown(edge.local)}")
        products.append(shown(edge.contribution))
    total = " + ".join(f"({x})" if x.startswith("-") else x for x in products)
    result = f"{total} = {blank.text}" if len(products) > 1 else blank.text
    more = "; the contributions are added up" if len(sent) > 1 else ""
    return "; ".join(rules) + more, " + ".join(numbers), result


def of_arrays(trace: ArrayTrace, blank: Blank) -> tuple[str, str, str]:
    """The same of an element: what its array is sent, and from which upstream gradient."""
    base = blank.node.partition("[")[0]
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
                numbers.append(f"up of {one.name} is {', '.join(listed(one.name, one.gradient))}")
    return "; ".join(rules), "; ".join(numbers), blank.text


def listed(name: str, tensor: Any) -> Iterator[str]:
    """The numbers of an array, each by its name."""
    for place, x in zip(elements(tensor.shape), tensor.numbers, strict=True):
        yield f"{element(name, place)} = {shown(x)}"


def shown(number: Any) -> str:
    """A number of a hint: a short one in full, another with a digit more than is judged."""
    return decimal(number, LONG_DIGITS if is_short(number) else GIVEN_DIGITS)
