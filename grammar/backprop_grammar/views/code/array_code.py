"""A program over arrays and its gradients as a source file of NumPy, JAX or PyTorch.

The file tests itself: against certified numbers, and by its library's own gradients.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...arrays.lower import shapes_at
from ...arrays.record import Tensor
from ...errors import usage
from ...language.graph import Array, Graph, as_array
from ...operations.shape import said, size
from .arrays import ArrayLines
from .code import TARGETS, helpers, python_words, remarks, safe, unlike, words
from .python import listing
from .target import Target

__all__ = ["Arrays", "Library", "array_file", "scalars_only"]

MOST = 1_000
"""Numbers of the point and of the results that a file is given for its self-test."""


@dataclass(frozen=True, slots=True)
class Library:
    """What a file of a library says of its own, as templates.

    imports: lines, of which the used ones are kept. floats, wholes: the first lines of a function,
    which make what it is given into arrays, {names} being several; of one, with {name}. takes: what
    a function takes. made: the lines of the self-test that make arrays of the point. own: the lines
    that compute the library's own gradients, as a list `own`. plain: an array as NumPy's.
    """

    imports: tuple[str, ...]
    floats: str
    wholes: str
    made: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    plain: str = "{}"
    alone: str = ""
    around: str = ""


@dataclass(frozen=True, slots=True)
class Arrays:
    """What is written: a program that computes an output and its gradients.

    text: of the program as it was typed. graph: of the program with its gradients. at: values for
    its variables, which tell the shapes. output: its name; value: its node. results: by what a
    gradient is taken by, its name and its node. shapes: of what the gradients are taken by.
    numbers: what they are at the point, by what they are taken by, and the output's at its name;
    none where they are not known. kinked: the point stands on a kink, where libraries differ.
    """

    text: str
    graph: Graph
    at: Mapping[str, float | Array]
    output: str
    value: int
    results: Mapping[str, tuple[str, int]]
    numbers: Mapping[str, Tensor] = field(default_factory=dict)
    kinked: bool = False
    author: str = "backprop"


def scalars_only(name: str) -> Exception:
    """The error for a language without arrays."""
    able = [one for one in TARGETS if one in ("numpy", "jax", "torch")]
    return usage(
        f"{name} has no arrays", f"choose {', '.join(able[:-1])} or {able[-1]}, or --expand all for scalar code"
    )  # fmt: skip


def array_file(target: Target, library: Library, asked: Arrays) -> str:
    """The file."""
    graph = asked.graph
    ends = [asked.value, *(node for _, node in asked.results.values())]
    found, needed = shapes_at(graph, asked.at, ends)
    variables = [name for name, node in graph.variables.items() if needed[node]]
    reserved = words(target) | set(target.array_helpers) | python_words()
    stages = [name for node, name in graph.names.items() if needed[node] and name not in variables]
    finals = [name for name, _ in asked.results.values()]
    called = safe([*variables, *stages, *finals], reserved)
    arguments = {name: called[name] for name in variables}
    function = unlike(asked.output, reserved | set(arguments.values()), target.claimed)
    floats = [name for name in variables if graph.variables[name] not in found.whole]
    like = called[floats[0]] if floats else library.alone
    names = {node: called[name] for node, name in graph.names.items() if needed[node]}
    lines = ArrayLines(target, graph, found, needed, names, {function, *called.values(), *reserved}, like)  # fmt: skip
    lines.write()
    results = {}
    for by, (name, node) in asked.results.items():
        end = graph.node(by)
        assert end is not None
        lines.result(called[name], node, found.of[end], called[by])
        results[by] = called[name]
    value = lines.fragments[asked.value]
    if value.fixed:
        value = lines.lifted(value)
    kept = lines.live({*results.values(), *lines.read(value.text)})
    renamed = {old: new for old, new in called.items() if old != new}
    if function != asked.output:
        renamed[f"{asked.output}()"] = f"{function}()"
    parameters = ", ".join(arguments.values())
    first = []
    for template, given in (
        (library.floats, floats),
        (library.wholes, [name for name in variables if name not in floats]),
    ):
        first += taking(template, [called[name] for name in given])
    items = [f'"{by}": {name}' for by, name in results.items()]
    body = [f"{name} = {text}" for name, text in kept]
    body += listing(f"return {value.text}, ", items, "")
    if library.around and any("np.where(" in line for line in body):
        body = [library.around, *(f"    {line}" for line in body)]
    source = [f"def {function}({parameters}):", *(f"    {line}" for line in [*first, *body])]
    test = self_test(library, asked, arguments, floats, function)
    brought = helpers(target.helpers | target.array_helpers, lines.used)
    text = "\n".join([*brought, *source, *test])
    imports = [line for line in library.imports if re.search(rf"\b{line.split()[-1]}\.", text)]
    sizes = ", ".join(
        f"{called[name]} {said(shape)}" for name in variables if (shape := found.of[graph.variables[name]])
    )  # fmt: skip
    does = [
        f"{function}({parameters}) returns the value and a dict of gradients by name.",
        f"Written for {sizes}; other sizes may do where they go together as these do.",
    ]
    if not test:
        does.append("Not tested: the point has no numbers for all, or too many to stand here.")
    head = [f"# {line}".rstrip() for line in remarks(asked.author, asked.text, does, renamed)]
    parts = ["\n".join([*head, "", *imports] if imports else head)]
    parts += [one.rstrip("\n") for one in brought] + ["\n".join(source)]
    parts += ["\n".join(test)] if test else []
    return "\n\n\n".join(parts) + "\n"


def taking(template: str, names: Sequence[str]) -> list[str]:
    """The line that makes arguments into arrays."""
    if not template or not names:
        return []
    if len(names) == 1:
        return [f"{names[0]} = {template.format(names[0])}"]
    every = ", ".join(names)
    return [f"{every} = ({template.format('v')} for v in ({every}))"]


def self_test(
    library: Library, asked: Arrays, arguments: Mapping[str, str], floats: Sequence[str], function: str
) -> list[str]:  # fmt: skip
    """The lines that compare the function with the numbers at the point; none without these."""
    graph = asked.graph
    given = {name: as_array(asked.at[name]) for name in arguments}
    wanted = {asked.output: asked.numbers.get(asked.output)}
    wanted |= {by: asked.numbers.get(by) for by in asked.results}
    tensors = {name: tensor for name, tensor in wanted.items() if tensor is not None}
    shapes = [*(x.shape for x in given.values()), *(x.shape for x in tensors.values())]
    count = sum(map(size, shapes))
    if len(tensors) < len(wanted) or count > MOST or any(None in flat(x) for x in tensors.values()):
        return []
    at = [
        f'"{arguments[name]}": {plain(array.nested, name in floats)}' for name, array in given.items()
    ]  # fmt: skip
    expected = [f'"{name}": {plain(tensor.floats)}' for name, tensor in tensors.items()]
    by = [name for name in asked.results if name in graph.variables]
    words = {
        "floats": quoted(arguments[name] for name in floats),
        "by": quoted(arguments[name] for name in by),
        "function": function,
    }
    lines = [*listing("at = ", at, ""), *listing("expected = ", expected, "")]
    lines += [line.format(**words) for line in library.made]
    lines += [
        f"value, gradient = {function}(**at)",
        f'checks = [("{asked.output}", value), *gradient.items()]',
    ]
    if library.own and by and not asked.kinked:
        lines += [line.format(**words) for line in library.own]
        lines.append(f"checks += zip({quoted(by)}, own)")
    lines += [
        "scale = max(np.max(np.abs(numbers)) for numbers in expected.values())",
        "for name, found in checks:",
        f"    found, right = {library.plain.format('found')}, np.array(expected[name])",
        "    atol = 1e-9*(np.max(np.abs(right)) or 1e-3*scale)",
        "    assert found.shape == right.shape and np.allclose(found, right, rtol=1e-9, atol=atol), \\",
        '        f"{name} is {found}, not {right}"',
    ]
    return ['if __name__ == "__main__":', *(f"    {line}" for line in lines)]


def quoted(names: Iterable[str]) -> str:
    """Names as a list of texts."""
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


def flat(tensor: Tensor) -> Sequence[Any]:
    """The nearest floats of a tensor."""
    return list(Tensor((len(tensor.numbers),), tensor.numbers).floats)


def plain(numbers: Any, floats: bool = True) -> str:
    """Nested lists as text; floats: with a point, or whole."""
    if isinstance(numbers, list):
        return f"[{', '.join(plain(x, floats) for x in numbers)}]"
    return repr(float(numbers)) if floats else str(int(numbers))
