"""A program over arrays and its gradients as a source file of NumPy, JAX or PyTorch.

The file tests itself: against certified numbers, and by its library's own gradients.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from ...arrays.lower import shapes_at
from ...arrays.record import Tensor
from ...derivatives.array_formulas import ArrayFormulas
from ...derivatives.sample import Sample, sample
from ...errors import BackpropError, shorten
from ...language.graph import Array, as_array
from ...operations.makers import Maker
from ...operations.shape import Shape, size
from .arrays import ArrayLines
from .code import helpers, python_words, remarks, safe, unlike, words
from .python import WIDTH, key, listing
from .target import Target

__all__ = ["Library", "array_file"]

MOST = 1_000
"""Numbers of the point and of the results that a file is given for its self-test."""


@dataclass(frozen=True, slots=True)
class Library:
    """What a file of a library says of its own, as templates.

    imports: lines, of which the used ones are kept. floats, wholes: the first lines of a function,
    which make what it is given into arrays. takes: what a function takes. made: the lines of the self-test that make arrays of the point. own: the lines
    that compute the library's own gradients, as a list `own`. plain: an array as NumPy's.
    """

    imports: tuple[str, ...]
    takes: str
    floats: str
    wholes: str
    made: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    plain: str = "{}"
    alone: str = ""
    around: str = ""


def array_file(target: Target, library: Library, formulas: ArrayFormulas) -> str:
    """The file."""
    derivative = formulas.derivative
    tried = sample(formulas)
    graph = derivative.tape
    stages = {stage.name: stage.node for stage in derivative.stages}
    given = {name: tried.at[name] for name in derivative.variables}
    found, needed = shapes_at(graph, given, list(stages.values()))
    asked = {name for by in derivative.results for name in by}
    variables = [
        name
        for name in dict.fromkeys([*formulas.graph.variables, *graph.variables])
        if name in asked or name in given
    ]
    variables = [name for name in variables if name in tried.at]
    reserved = words(target) | set(target.array_helpers) | python_words()
    called = safe([*variables, *stages], reserved)
    arguments = {name: called[name] for name in variables}
    function = unlike(derivative.output, reserved | set(arguments.values()), target.claimed)
    whole = {name for name, node in graph.variables.items() if node in found.whole}
    floats = [name for name in variables if name not in whole]
    names = {node: called[name] for node, name in graph.names.items() if name in called}
    taken = {function, *called.values(), *reserved}
    like = called[floats[0]] if floats else library.alone
    lines = ArrayLines(target, graph, found, needed, names, taken, like)
    lines.write()
    results = {}
    for by, name in derivative.results.items():
        node = stages[name]
        shape = shape_by(formulas, tried, by, found.of[node])
        results[by] = lines.result(called[name], node, shape, called.get(by[0], ""))
    value = ""
    if derivative.value:
        value = lines.result(called[derivative.value], stages[derivative.value])
    kept = lines.live({*results.values(), value})
    renamed = {old: new for old, new in called.items() if old != new}
    if function != derivative.output:
        renamed[f"{derivative.output}()"] = f"{function}()"
    parameters = ", ".join(arguments.values())
    first = taking(library.floats, [called[name] for name in floats])
    first += taking(library.wholes, [called[name] for name in variables if name in whole])
    items = [f"{key(by)}: {name}" for by, name in results.items()]
    body = [f"{name} = {text}" for name, text in kept]
    body += listing(f"return {value}, " if value else "return ", items, "")
    if library.around and any("np.where(" in line for line in body):
        body = [library.around, *(f"    {line}" for line in body)]
    source = [f"def {function}({parameters}):", *(f"    {line}" for line in [*first, *body])]
    test, untested = self_test(library, formulas, tried, arguments, floats, function)
    brought = helpers(target.helpers | target.array_helpers, lines.used)
    text = "\n".join([*brought, *source, *test])
    imports = [line for line in library.imports if re.search(rf"\b{line.split()[-1]}\.", text)]
    returned = "the value and a dict of gradients by name" if value else "a dict of derivatives"
    does = [f"{function}({parameters}) takes {library.takes} and returns {returned}."]
    shapes = [
        f"{called[name]} {derivative.shape_text(name)}"
        for name in variables
        if derivative.shapes.get(name)
    ]
    if shapes:
        does.append(f"Shapes: {', '.join(shapes)}.")
    does += [untested] if untested else []
    head = [
        f"# {line}".rstrip() for line in remarks(formulas.author, formulas.program, does, renamed)
    ]
    parts = ["\n".join([*head, "", *imports] if imports else head)]
    parts += [one.rstrip("\n") for one in brought] + ["\n".join(source)]
    parts += ["\n".join(test)] if test else []
    return "\n\n\n".join(parts) + "\n"


def shape_by(formulas: ArrayFormulas, tried: Sample, by: tuple[str, ...], own: Shape) -> Shape:
    """The shape of a derivative: of what it is taken by."""
    number = tried.numbers.get(formulas.derivative.results[by])
    if number is not None:
        return number.shape
    given = tried.at.get(by[0])
    return own if given is None else as_array(given).shape


def taking(template: str, names: Sequence[str]) -> list[str]:
    """The line that makes arguments into arrays."""
    if not template or not names:
        return []
    if len(names) == 1:
        return [f"{names[0]} = {template.format(names[0])}"]
    every = ", ".join(names)
    return [f"{every} = ({template.format('v')} for v in ({every}))"]


def self_test(
    library: Library,
    formulas: ArrayFormulas,
    tried: Sample,
    arguments: Mapping[str, str],
    floats: Sequence[str],
    function: str,
) -> tuple[list[str], str]:
    """The lines that compare the function with the numbers at the point; else why there are none."""
    derivative = formulas.derivative
    given = {name: as_array(tried.at[name]) for name in arguments}
    wanted = {derivative.output: tried.value} if derivative.value else {}
    wanted |= {by: tried.numbers.get(name) for by, name in derivative.results.items()}  # type: ignore[misc]
    point = "a drawn point" if tried.drawn else "the point"
    if any(x is None or None in floats_of(x) for x in wanted.values()):
        return [], f"Not tested: at {point} there is no number for all."
    tensors = {by: x for by, x in wanted.items() if x is not None}
    count = sum(size(shape) for shape in [*(x.shape for x in given.values()), *(x.shape for x in tensors.values())])  # fmt: skip
    if not tried.drawn:
        check_doubles(formulas, tried, {
            derivative.value if by == derivative.output else derivative.results[by]: x  # type: ignore[index]  # a name or names
            for by, x in tensors.items()
        })  # fmt: skip
    if count > MOST:
        return [], f"Not tested: {count:,} numbers are too many to stand here."
    at = [
        f'"{arguments[name]}": {plain(x.nested, name in floats, len(name) + 16)}'
        for name, x in given.items()
    ]
    by = [one[0] for one in derivative.results if one[0] in arguments and one[0] in floats]
    filled = {
        "floats": quoted(arguments[name] for name in floats),
        "by": quoted(arguments[name] for name in by),
        "function": function,
        "weight": weight(library, formulas, arguments),
    }
    lines = [*listing("at = ", at, "")]
    lines += [line.format(**filled) for line in library.made]
    value = "value, " * bool(derivative.value)
    lines.append(f"{value}gradient = {function}(**at)")
    found = ["value"] * bool(derivative.value)
    found += [f"gradient[{key(one)}]" for one in derivative.results]
    shown = [derivative.output] * bool(derivative.value) + [*derivative.results.values()]
    checks = []
    for name, got, tensor in zip(shown, found, tensors.values(), strict=True):
        head = f'("{name}", {got}, '
        checks.append(f"{head}{plain(tensor.floats, used=len(head) + 10)})")
    lines += listing("checks = ", checks, "", "[]")
    flat = not any(
        any(floats_of(x)) for one, x in tensors.items() if one != derivative.output
    )  # it needs none
    own = library.own and by and derivative.value and derivative.partial
    if own and not tried.kinked and not flat:
        lines += [line.format(**filled) for line in library.own]
        lines += [
            f"names = {quoted(derivative.results[name,] for name in by)}",
            "right = [right for name, _, right in checks if name in names]",
            "checks += list(zip(names, own, right))",
        ]
    lines += [
        f"scale = max(1.0, *(np.max(np.abs(expected)) for _, _, expected in checks[:{len(checks)}]))",
        "for name, found, expected in checks:",
        f"    found = {library.plain.format('found')}",
        f"    expected = {library.plain.format('expected')}",
        "    atol = 1e-9*np.max(np.abs(expected)) or 1e-12*scale",
        "    right = found.shape == expected.shape and np.allclose(found, expected, 1e-9, atol)",
        '    assert right, f"{name} is {found}, not {expected}"',
    ]
    return ['if __name__ == "__main__":', *(f"    {line}" for line in lines)], ""


def check_doubles(formulas: ArrayFormulas, tried: Sample, numbers: Mapping[str, Tensor]) -> None:
    """Raise BackpropError where plain doubles do not give the numbers of some stages at a point.

    Without NumPy nothing is tried; nor where a formula makes an array of ones, as an array is made
    by the library then.
    """
    program = formulas.derivative.program
    if find_spec("numpy") is None or any(isinstance(row, Maker) for row in program.operations):
        return
    from ...large.plain import PLAIN  # NumPy, which no other view loads
    from ...large.walk import forward  # likewise

    at = {**program.inputs, **program.array_inputs, **tried.at}
    given = {node: PLAIN.given(at[name]) for name, node in program.variables.items()}
    values = forward(program, PLAIN, given).values
    scale = max([1.0, *(largest(x) for x in numbers.values())])
    for name, tensor in numbers.items():
        node = program.node(name)
        value = None if node is None else values[node]
        if value is None:
            continue
        found = [float(x) for x in value.reshape(-1)]
        most = largest(tensor)
        allowed = 1e-9 * most or 1e-12 * scale
        for k, (x, right) in enumerate(zip(found, floats_of(tensor), strict=False)):
            if not abs(x - right) <= allowed + 1e-9 * abs(right):
                where = f"{name}[{k}]" if len(found) > 1 else name
                raise BackpropError(
                    "precision",
                    f"code in plain doubles does not compute {shorten(where)} at this point: it gives {x!r}, not {right!r}",
                    hint="write the formula in another way, or ask for the code without a point",
                )


def largest(tensor: Tensor) -> float:
    """The largest number of a tensor, without its sign."""
    return max([abs(x) for x in floats_of(tensor)], default=0.0)


def weight(library: Library, formulas: ArrayFormulas, arguments: Mapping[str, str]) -> str:
    """What the output is multiplied by before a library differentiates its sum."""
    up = formulas.upstream
    if isinstance(up, str):
        return f'*at["{arguments[up]}"]' if up in arguments else ""
    if isinstance(up, Array):
        return f'*at["{arguments["up"]}"]' if "up" in arguments else ""
    return "" if up == 1 else f"*{up!r}"


def floats_of(tensor: Tensor) -> list[Any]:
    """The nearest floats of a tensor; None for a number that no float is."""
    return list(Tensor((len(tensor.numbers),), tensor.numbers).floats)


def quoted(names: Iterable[str]) -> str:
    """Names as a list of texts."""
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


def plain(numbers: Any, floats: bool = True, used: int = 0, indent: int = 8) -> str:
    """Nested lists as text, a row a line where it is long. floats: with a point, or whole.

    used: columns of its line that others need. indent: of that line.
    """
    if not isinstance(numbers, list):
        return repr(float(numbers)) if floats else str(int(numbers))
    rows = [plain(x, floats, indent + 5, indent + 4) for x in numbers]
    text = f"[{', '.join(rows)}]"
    if "\n" not in text and len(text) + used <= WIDTH:
        return text
    lines = rows if isinstance(numbers[0], list) else packed(rows, WIDTH - indent - 5)
    inner = "".join(f"{' ' * (indent + 4)}{line},\n" for line in lines)
    return f"[\n{inner}{' ' * indent}]"


def packed(texts: Sequence[str], width: int) -> list[str]:
    """Texts on as few lines as they need."""
    lines = [texts[0]]
    for text in texts[1:]:
        if len(lines[-1]) + len(text) + 2 <= width:
            lines[-1] += f", {text}"
        else:
            lines.append(text)
    return lines
