"""`backprop explain`: the backward pass in words, or the reason of one gradient."""

from typing import Annotated

import typer

from backprop_grammar.errors import usage

from .. import formats
from ..input.options import (
    At,
    Decimals,
    Digits,
    Expand,
    File,
    Fold,
    Get,
    Json,
    Output,
    Program,
    Random,
    Save,
    Seed,
    Upstream,
    Wrt,
    format_option,
)

__all__ = ["EXAMPLES", "command"]

EXAMPLES = """\
backprop explain "q = x + y; f = q*z" --at x=-2,y=5,z=-4
backprop explain "sigmoid(w*x)" --at w=2,x=1 --node w
backprop explain "sigmoid(w*x)" --at w=2,x=20 --why w
backprop explain "x*y" --at x=3,y=4 --format markdown
backprop explain "q = W @ x; sum(q^2)" --at "W=[1,2;3,4],x=[1,-1]" --node q"""


def command(
    program: Program = None,
    at: At = None,
    file: File = None,
    wrt: Wrt = None,
    output: Output = "",
    upstream: Upstream = "1",
    expand: Expand = None,
    fold: Fold = None,
    digits: Digits = 6,
    decimals: Decimals = None,
    node: Annotated[str, typer.Option(metavar="NAME", help="Tell this node only.")] = "",
    why: Annotated[
        str, typer.Option(metavar="NAME", help="Why this gradient is zero, tiny or huge.")
    ] = "",
    save: Save = None,
    name: Annotated[str, format_option("explain")] = "",
    as_json: Json = False,
    get: Get = None,
    seed: Seed = 0,
    random: Random = None,
) -> int:
    """Print the explanation. The exit code is 3 where a number carries a flag."""
    from ..input.request import Request

    row = formats.chosen("explain", name, save, as_json, get)
    request = Request(
        *(program, file, at, wrt, output, upstream, expand, fold),
        digits=digits,
        decimals=decimals,
        seed=seed,
        random=random,
    )
    if node and why:
        raise usage("--node and --why are two questions", "ask one of them")
    trace = request.trace_of_any()
    if trace.arrays:
        row = formats.of_arrays(row)
    explanation = trace.why(why) if why else trace.explain(node)
    formats.deliver(row, explanation.record, formats.Options(trace.digits), save, get)
    return 3 if trace.flags else 0
