"""The operations of a program as functions of JavaScript, written from the rows of the table.

A page that computes needs each of them on its own: the value, the local gradients by the careful
rules, where the kinks are, and where there is a value at all.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from ...blocks.definitions import over, parameters
from ...errors import BackpropError
from ...language.graph import Graph
from ...language.table_texts import compiled
from ...operations.exact import always
from ...operations.row import Operation, Role
from .code import helpers
from .javascript import TARGET as JAVASCRIPT
from .statements import Lines, lacks

__all__ = ["Kernels", "kernels"]

LGAMMA = """\
function lgamma(x) {
  if (x <= 0.0)
    return x % 1.0 === 0.0 ? NaN : Math.log(Math.PI/Math.abs(x*normalized_sinc(x)*Math.PI)) - lgamma(1.0 - x);
  let product = 1.0, z = x;
  for (; z < 12.0; z++)
    product *= z;
  const t = 1.0/(z*z);
  const series = 1/12 - t*(1/360 - t*(1/1260 - t*(1/1680 - t*(1/1188 - t*(691/360360 - t/156)))));
  return (z - 0.5)*Math.log(z) - z + Math.log(2.0*Math.PI)/2.0 + series/z - Math.log(product);
}
"""

GAMMA = """\
function gamma_function(x) {
  if (x < 0.5)
    return x % 1.0 === 0.0 ? NaN : 1.0/(x*normalized_sinc(x)*gamma_function(1.0 - x));
  if (x % 1.0 !== 0.0 || x > 171.0)
    return Math.exp(lgamma(x));
  let product = 1.0;
  for (let k = 2.0; k < x; k++)
    product *= k;
  return product;
}
"""

POLYGAMMA = """\
function polygamma(n, x) {
  if (!(x > 0.0 && n <= 170.0))
    return NaN;
  const powers = [1/6, -1/30, 1/42, -1/30, 5/66, -691/2730, 7/6, -3617/510, 43867/798];
  let factorial = 1.0, sum = 0.0, z = x;
  for (let k = 2.0; k <= n; k++)
    factorial *= k;
  for (; z < 18.0 + n; z++)
    sum += factorial/z**(n + 1.0);
  let tail = n === 0.0 ? 1.0/(2.0*z) - Math.log(z) : factorial/n/z**n + factorial/(2.0*z**(n + 1.0));
  let rising = factorial*(n + 1.0)/2.0;
  for (let k = 1; k <= powers.length; k++) {
    tail += powers[k - 1]*rising/z**(n + 2.0*k);
    rising *= (n + 2.0*k)*(n + 2.0*k + 1.0)/((2.0*k + 1.0)*(2.0*k + 2.0));
  }
  return (n % 2.0 === 0.0 ? -1.0 : 1.0)*(sum + tail);
}
"""

TARGET = replace(
    JAVASCRIPT,
    calls=JAVASCRIPT.calls
    | {
        "lgamma": "lgamma",
        "gamma": "gamma_function",
        "digamma": "polygamma(0.0, {0})",
        "polygamma": "polygamma({0}, {1})",
    },
    helpers=JAVASCRIPT.helpers
    | {"lgamma": LGAMMA, "gamma_function": GAMMA, "polygamma": POLYGAMMA},
)
"""JavaScript with the functions that are right to 1e-14 of 1, but not of a smaller result: good for a
page, which keeps the bound, and not for code."""


class Kernels(NamedTuple):
    """The source of functions that others use, and of each operation by its name."""

    helpers: tuple[str, ...]
    operations: dict[str, str]


def kernels(operations: Iterable[tuple[Operation, int]]) -> Kernels | None:
    """Each of some operations, with its number of operands, as an object of functions.

    None where JavaScript has no way to write one of them.
    """
    used: set[str] = set()
    try:
        found = {
            name_of(row, count): kernel(row, count, used)
            for row, count in operations
            if not row.leaf
        }
    except BackpropError:
        return None
    return Kernels(tuple(helpers(TARGET.helpers, used)), found)


def name_of(row: Operation, count: int) -> str:
    """What a kernel is called: of any number of operands, with their number."""
    return f"{row.name}{count}" if row.variadic else row.name


def kernel(row: Operation, count: int, used: set[str]) -> str:
    """An operation as an object.

    value: of the operands. slopes: of the operands and the result, each a number, or a function with
    whether it is ``plain``, an operand that is not rounded; of any number of operands there is one
    slope, which takes the operand that it is for first. kinks: what is 0 there, of operands and
    result. inside: whether there is a value; needs: that in words. exact: the name of when the value
    is not rounded; coarse: it has an error that is not relative to it. selects, routes, jumps: as in
    the row.
    """
    names = parameters(row, count)
    fields: dict[str, str] = {"name": f'"{row.name}"'}
    if row.syntax.startswith("if"):
        return '{name: "if", chooses: true}'
    if row.selects:
        fields["selects"] = str(row.selects)
    steps = row.jump and set(row.rules) == {"0"}
    plain = row.exact is always or row.role is Role.ROUTES or row.numpy_ulps == 0 or steps
    fields["exact"] = f'"{"always" if plain else getattr(row.exact, "__name__", "")}"'
    fields["value"] = function(called(row, names), names, used)
    if not row.selects:
        slopes = [slope(row, names, place, used) for place in range(1 if row.variadic else count)]
        fields["slopes"] = f"[{', '.join(slopes)}]"
    if row.variadic:
        fields["variadic"] = "true"
    if row.role is Role.ROUTES:
        fields["routes"] = "true"
    kinks = [*row.kinks, *([row.cut] if row.cut else [])]
    if kinks:
        texts = [function(compiled(text), (*names, "out"), used) for text in kinks]
        fields["kinks"] = f"[{', '.join(texts)}]"
    if row.jump:
        fields["jumps"] = "true"
    if row.slow:
        fields["coarse"] = "true"
    if row.domain:
        bounds = [f"{bound.operand} {bound.relation} {bound.limit}" for bound in row.domain]
        fields["inside"] = f"({', '.join(names)}) => {' && '.join(bounds)}"
    needs = row.requirement or " and ".join(map(str, row.domain))
    if needs:
        fields["needs"] = f'"{needs}"'
    return "{" + ", ".join(f"{name}: {text}" for name, text in fields.items()) + "}"


def called(row: Operation, names: Sequence[str]) -> Graph:
    """The operation over its operands, as a text of the table."""
    if row.symbol:
        return compiled(row.symbol.join(names))
    if row.name in ("neg", "identity"):
        return compiled("-x" if row.name == "neg" else "x")
    if TARGET.spelling(row):
        return compiled(f"{row.name}({', '.join(names)})")
    return compiled(over(row.computed or row.columns or row.formula, tuple(names)))


def slope(row: Operation, names: Sequence[str], place: int, used: set[str]) -> str:
    """A local gradient; by the way it is differentiated again where JavaScript lacks what the
    careful one needs.
    """
    for texts in (row.careful, row.twice, row.rules):
        if not texts:
            continue
        text = texts[0 if row.variadic else place]
        if row.variadic:
            text = re.sub(r"\bn\b", str(len(names)), over(text, tuple(names)))
        graph = compiled(text)
        if not any(
            not inner.leaf and lacks(TARGET, inner, len(below))
            for inner, below in zip(graph.operations, graph.operands, strict=True)
        ):
            constant = graph.constants.get(graph.output)
            if isinstance(constant, float):
                return repr(float(constant))
            given = ("x", *names, "out") if row.variadic else (*names, "out")
            plain = "true" if graph.operations[graph.output].leaf else "false"
            return f"{{of: {function(graph, given, used)}, plain: {plain}}}"
    raise BackpropError("name", f"javascript has no local gradient of {row.name}")


def function(graph: Graph, names: Sequence[str], used: set[str]) -> str:
    """A text of the table as a function of those names."""
    stages = [(name, node) for name, node in graph.stages if name and node != graph.output]
    own = {node: f"{name}_" for name, node in stages}
    called = {node: name for name, node in graph.variables.items()} | own
    taken = {*names, *called.values(), *TARGET.reserved, *TARGET.helpers}
    lines = Lines(TARGET, graph, called, taken, "", {})
    for node, name in own.items():
        lines.stage(name, node)
    result = lines.expression(graph.output).text
    used |= lines.used
    if lines.statements:
        consts = " ".join(f"const {name} = {text};" for name, text in lines.statements)
        result = f"{{ {consts} return {result}; }}"
    return f"({', '.join(names)}) => {result}"
