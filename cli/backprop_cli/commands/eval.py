"""`backprop eval`: the forward and the backward pass at a point."""

from .. import formats
from ..input.options import (
    At,
    Decimals,
    Digits,
    Everything,
    Expand,
    File,
    Fold,
    Get,
    Json,
    Output,
    Precision,
    Program,
    Quiet,
    Random,
    Seed,
    Upstream,
    Wrt,
)

__all__ = ["EXAMPLES", "command"]

EXAMPLES = """\
backprop eval "x*y + sin(x)" --at x=pi/4,y=2
backprop eval "q = x + y; f = q*z" --at x=-2,y=5,z=-4 --wrt q,z
backprop eval -x^2 --at x=3 --json
backprop eval --file @neuron --at @neuron
backprop eval "1/(1+exp(-w*x))" --at w=2,x=1 --fold sigmoid
backprop eval "q = W @ x; sum(q^2)" --at "W=[.1,.5;-.3,.8],x=[.2,.4]"
backprop eval "x*y" --at x=1,y=2 --json | backprop eval "x + y" --at @-"""

TABLE_NODES = 600
"""Nodes of the tape, constants included, above which the tables give way to the summary."""


def command(
    program: Program = None,
    at: At = None,
    file: File = None,
    wrt: Wrt = None,
    output: Output = "",
    upstream: Upstream = "1",
    expand: Expand = None,
    fold: Fold = None,
    precision: Precision = None,
    digits: Digits = 6,
    decimals: Decimals = None,
    everything: Everything = False,
    quiet: Quiet = False,
    as_json: Json = False,
    get: Get = None,
    seed: Seed = 0,
    random: Random = None,
) -> int:
    """Print the trace. The exit code is 3 where a number carries a flag."""
    from ..input.request import Request

    request = Request(
        program,
        file,
        at,
        wrt,
        output,
        upstream,
        expand,
        fold,
        precision,
        digits,
        decimals,
        seed,
        random,
    )
    most = None if as_json or everything else TABLE_NODES
    trace = request.trace_of_any(0 if quiet else most, several=True)
    row = formats.chosen("eval", as_json=as_json, get=get)
    if trace.arrays:
        row = formats.of_arrays(row)
    formats.show(row, trace.record, formats.Options(trace.digits, everything, quiet), get)
    if get is not None:
        formats.remark(trace.record)
    return 3 if trace.flags else 0
