"""Operations composed at their singular points: what a program does on each side, told by quotients.

The oracle knows no chain rule and no series: it evaluates a program by mpmath's own functions (see
oracle) at steps of 1e-20, 1e-40 and 1e-80 in 420 digits, and looks at what the quotients do.

    python -m tests.singular        every operation in every other, and mixed second derivatives
    python -m tests.singular 10     a tenth of them
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from math import frexp
from time import perf_counter

from mpmath import mp as m

from backprop_grammar.language.nearest import fraction
from backprop_grammar.numbers.ball import Undecided
from backprop_grammar.numbers.reals import Real
from backprop_grammar.passes.sides import Neighbourhood, Side
from tests import oracle
from tests.support import parsed

DIGITS = 420
STEPS = (2.0**-66, 2.0**-133, 2.0**-266)
"""Powers of 2, so that a point beside another has few digits, and what cancels there does so exactly."""
SLACK = 1e-6
"""How far the quotient at the smallest step may be from its limit, relatively."""

LEAST = 0.01
"""Of exponents; a smaller power of a step hardly changes from one step to the next."""

SINGULAR = [
    ("abs(u)", 0), ("sign(u)", 0), ("relu(u)", 0), ("leaky_relu(u)", 0), ("leaky_relu(u, -2)", 0),
    ("max(u, 0)", 0), ("min(u, 0)", 0), ("max(u, u^2)", 0), ("min(u, -u, 2*u)", 0),
    ("clamp(u, 0, 1)", 0), ("clamp(u, 0, 1)", 1), ("clamp(0, u, 1)", 0), ("sqrt(u)", 0),
    ("sqrt(abs(u))", 0), ("sqrt(u^2)", 0), ("cbrt(u)", 0), ("u^1.5", 0), ("u^0.25", 0), ("u^2", 0),
    ("hypot(u, 0)", 0), ("hypot(u, u)", 0), ("asin(u)", 1), ("asin(u)", -1), ("acos(u)", 1),
    ("acos(u)", -1), ("acosh(u)", 1), ("atan2(u, 0)", 0), ("atan2(0, u)", 0), ("atan2(u, -1)", 0),
    ("atan2(u, u)", 0), ("atan2(u, abs(u))", 0), ("u^u", 0), ("0^u", 0), ("0^u", 1), ("abs(u)^u", 0),
    ("if(u < 0, u^2, u)", 0), ("if(u <= 0, 1, 2*u)", 0), ("if(u == 0, 1, sin(u)/u)", 0),
    ("if(u == 0, 0, u*log(abs(u)))", 0), ("if(u == 0, 0, 1/log(abs(u)))", 0),
    ("if(u == 0, 0, exp(-1/u^2))", 0), ("if(u == 0, 0, u*lgamma(u))", 0),
    ("if(u == 0, 0, u^2*digamma(u - 2))", 0), ("if(u == 0, 0, u^3*polygamma(1, u))", 0),
    ("if(u == 0, 0, u*atan(1/u))", 0), ("if(u == 0, 0, u*sigmoid(1/u))", 0),
    ("if(u == 1, 0, (u - 1)*atanh(u))", 1), ("if(u == -1, 0, (u + 1)*log1p(u))", -1),
    ("if(u == 0, 0, u*log2(abs(u)))", 0), ("if(u == 0, 0, sqrt(abs(u))*log10(abs(u)))", 0),
]  # fmt: skip
"""Texts in u, and a point at which a rule of theirs is a choice or none."""

SMOOTH = [
    ("exp(u)", 0), ("expm1(u)", 0), ("log(u)", 1), ("log2(u)", 1), ("log1p(u)", 0), ("sin(u)", 0),
    ("cos(u)", 0), ("cos(u)", 1), ("tan(u)", 0), ("asin(u)", 0.5), ("atan(u)", 1), ("sinh(u)", 0),
    ("cosh(u)", 0), ("tanh(u)", 0.5), ("asinh(u)", 0), ("acosh(u)", 2), ("atanh(u)", 0.5),
    ("erf(u)", 0), ("erfc(u)", 1), ("lgamma(u)", 2), ("digamma(u)", 1.5), ("polygamma(1, u)", 1),
    ("sigmoid(u)", 0), ("softplus(u)", 0), ("silu(u)", 0), ("gelu(u)", 0), ("logsumexp(u, 0)", 0),
    ("mean(u, 1)", 0), ("sum(u, -1)", 0), ("1/u", 1), ("2^u", 1), ("u^3", 2), ("log10(u)", 1),
    ("sqrt(u)", 4), ("cbrt(u)", 8), ("hypot(u, 3)", 4), ("atan2(u, 1)", 1), ("-u", 0), ("u^pi", 1),
]  # fmt: skip
"""The same of ordinary points, so that every operation is met."""

FORMS = ("{outer}", "({inner})*{outer}", "{outer} - ({inner})")


def compositions() -> Iterator[tuple[str, float]]:
    """Programs of x and a point: every text in every other, which it meets at its point.

    The inner one stands as the difference from its value there, so that this is exactly 0.
    """
    for (outer, end), (inner, start) in product(SINGULAR + SMOOTH, repeat=2):
        here = f"({put(inner, 'x')} - {put(inner, f'({start})')})"
        argument = f"({here} + {end})" if end else here
        for form in FORMS:
            yield form.format(outer=put(outer, argument), inner=here), start


def put(text: str, argument: str) -> str:
    """A text in u at an argument; names of functions have their own u."""
    import re

    return "(" + re.sub(r"\bu\b", lambda _: argument, text) + ")"


def value(graph, point: dict[str, object]):
    """The output of a graph by the oracle's functions; None where there is none."""
    values: list = [None] * len(graph)
    constants = {"pi": m.pi, "e": m.e, "tau": 2 * m.pi}
    holds: dict[int, bool] = {0: True}

    def active(region: int) -> bool:
        if region not in holds:
            test = graph.conditions[(region - 1) // 2]
            true = active(test.region) and satisfied(test)
            holds[region] = active(test.region) and (true if region % 2 else not satisfied(test))
        return holds[region]

    def satisfied(test) -> bool:
        a, b = values[test.left], values[test.right]
        return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "==": a == b, "!=": a != b}[
            test.comparison
        ]

    needed = graph.needed(graph.output)
    for name, node in graph.variables.items():
        values[node] = m.mpf(point[name])
    for node, operation in enumerate(graph.operations):
        if node in graph.constants:
            x = graph.constants[node]
            exact = None if isinstance(x, str) else fraction(x)
            values[node] = (
                +constants[x] if exact is None else m.mpf(exact.numerator) / exact.denominator
            )
        elif needed[node] and not operation.leaf and active(graph.regions[node]):
            operands = graph.operands[node]
            if node in graph.condition_of:
                test = graph.conditions[graph.condition_of[node]]
                values[node] = values[operands[2 if satisfied(test) else 3]]
                continue
            found = oracle.real(oracle.FUNCTIONS[operation.name][0], [values[k] for k in operands])
            if found is None or not m.isfinite(found):
                return None
            values[node] = found
    return values[graph.output]


def judged(graph, name: str, at: dict[str, float], sign: int) -> tuple[str, object]:
    """What the quotients on a side of a point do: a kind of passes.sides.Side, and a number."""
    small = max(0, -frexp(at[name])[1]) if at[name] else 0
    with m.workdps(DIGITS + small):
        point = {other: m.mpf(repr(x)) for other, x in at.items()}  # decimals are what they say
        here = value(graph, point)
        steps = [m.ldexp(step, -small) for step in STEPS]  # leads nowhere far from a small number
        there = [value(graph, point | {name: point[name] + sign * h}) for h in steps]
        if all(x is None for x in there):
            return "absent", None
        if None in there:
            return "mixed", None
        jumps = [x - here for x in there]
        noise = max(1, abs(here)) * m.mpf(10) ** (30 - DIGITS)
        if abs(jumps[2]) > noise and abs(jumps[2]) >= 0.8 * abs(jumps[0]):
            return "jump", None
        slopes = [d / (sign * h) for d, h in zip(jumps, steps, strict=True)]
        if abs(slopes[2]) > max(1e-9, 1.2 * abs(slopes[1]), 1.4 * abs(slopes[0])):
            return "infinite", slopes
        return "finite", slopes


def number(x: Real):
    """A number of the product's as mpmath's."""
    for _, (ball, error) in x.balls():
        if error <= abs(ball) * 1e-20 or not ball:
            return ball
    raise Undecided("no number")


def agrees(side: Side, kind: str, slopes) -> bool:
    """Whether a side is what the quotients say."""
    if side.kind != kind:
        return False
    if kind == "infinite":
        return m.sign(slopes[2]) == side.sign
    if kind == "finite":
        s = number(side.number)
        with m.workdps(DIGITS):
            near = abs(slopes[2] - s)
            return near <= SLACK * max(1, abs(s)) or near < 0.6 * abs(slopes[0] - s)  # 1/log(h)
    return True


def count_sides(programs: Sequence[tuple[str, float]]) -> tuple[Counter, list[str]]:
    """How many sides are decided, undecided and wrong, and which are wrong."""
    counts, wrong = Counter(), []
    for text, start in programs:
        graph = parsed(text)
        at = {"x": float(start)}
        with m.workdps(DIGITS):
            if value(graph, at) is None:
                continue
        near = Neighbourhood(graph, graph.output, at)
        for sign in (-1, 1):
            side = near.side({graph.variables["x"]: 1}, 1, sign)
            if side.kind == "undecided":
                counts["undecided"] += 1
                continue
            kind, slopes = judged(graph, "x", at, sign)
            if kind == "mixed":
                counts["beyond the oracle"] += 1
            elif agrees(side, kind, slopes):
                counts[f"right: {kind}"] += 1
            else:
                counts["wrong"] += 1
                wrong.append(f"{text} at {start}, {sign:+}: {side} beside {kind} {slopes}")
    return counts, wrong


def exponents(graph) -> Iterator[float]:
    """The numbers that are written as exponents."""
    for node, operation in enumerate(graph.operations):
        if operation.name == "pow":
            x = graph.constants.get(graph.operands[node][1])
            if isinstance(x, float):
                yield x


def stands(text: str, at: dict[str, float], name: str, printed: float | None) -> bool:
    """Whether a printed gradient is what the quotients on both sides allow."""
    graph = parsed(text)
    if any(0 < abs(x) < LEAST for x in exponents(graph)):
        return True  # beyond the oracle
    bounds = []
    for sign in (-1, 1):
        kind, slopes = judged(graph, name, at, sign)
        if kind == "mixed":
            return True  # beyond the oracle
        if kind == "jump":
            return printed is None
        if kind == "infinite":
            bounds.append(m.inf * m.sign(slopes[2]))
        elif kind == "finite":
            bounds.append(slopes[2])
    low, high = (min(bounds), max(bounds)) if bounds else (m.nan, m.nan)
    slack = SLACK * max(1, abs(low)) if m.isfinite(low) else 0
    if printed is None:
        return not (m.isfinite(low) and m.isfinite(high) and high - low <= slack)
    return bool(low - slack <= printed <= high + slack)


JOINS = ("{f}*{g}", "{f} + {g}", "({f} + {g})^2", "abs({f}*{g})", "cbrt({f}*{g})^3", "max({f}, {g})^2",
         "hypot({f}, {g})^2", "relu({f})*{g}", "sqrt(({f})^2*({g})^4)",
         "if(({f})^2 + ({g})^2 == 0, 0, ({f})*({g})*(({f})^2 - ({g})^2)/(({f})^2 + ({g})^2))")  # fmt: skip
PARTS = ("{v}", "abs({v})", "relu({v})", "{v}^2", "sin({v})", "exp({v}) - 1", "{v}*abs({v})",
         "cbrt({v})^3", "sqrt({v}^4)", "atan2({v}, 1)", "max({v}, 2*{v})", "if({v} < 0, {v}^3, {v}^2)")  # fmt: skip


def joins() -> Iterator[str]:
    """Programs of x and y, each singular at 0 in some part."""
    for join, f, g in product(JOINS, PARTS, PARTS):
        yield join.format(f=f"({f.format(v='x')})", g=f"({g.format(v='y')})")


def mixed_quotients(graph) -> list:
    """Second differences over both steps, from all sides and with either step far smaller."""
    found = []
    with m.workdps(DIGITS):
        at = {"x": 0, "y": 0}
        here = value(graph, at)
        for small, first in ((m.mpf("1e-100"), "x"), (m.mpf("1e-100"), "y")):
            for large in (m.mpf("1e-20"), m.mpf("1e-40")):
                for a, b in product((1, -1), repeat=2):
                    h, k = (a * small, b * large) if first == "x" else (a * large, b * small)
                    corner = value(graph, {"x": h, "y": k})
                    across = value(graph, {"x": h, "y": 0}), value(graph, {"x": 0, "y": k})
                    if None not in (here, corner, *across):
                        found.append((corner - across[0] - across[1] + here) / (h * k))
    return found


def count_mixed(programs: Sequence[str]) -> tuple[Counter, list[str]]:
    """The same of mixed second derivatives at the origin."""
    counts, wrong = Counter(), []
    for text in programs:
        graph = parsed(text)
        near = Neighbourhood(graph, graph.output, {"x": 0.0, "y": 0.0})
        moves = [({graph.variables[name]: 1}, 1) for name in "xy"]
        side = near.mixed(moves)
        found = mixed_quotients(graph)
        if side.kind == "undecided" or not found:
            counts["undecided" if found else "beyond the oracle"] += 1
            continue
        with m.workdps(DIGITS):
            same = all(abs(q - found[0]) < SLACK * max(1, abs(found[0])) for q in found)
            exists = side.kind == "finite"
            right = same and abs(number(side.number) - found[0]) < SLACK if exists else not same
        counts[f"right: {'exists' if exists else 'none'}" if right else "wrong"] += 1
        if not right:
            wrong.append(f"{text}: {side} beside {[m.nstr(q, 6) for q in found]}")
    return counts, wrong


def main() -> int:
    """Count everything, and print what is wrong."""
    failed = False
    every = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    for title, count, programs in (
        ("one-sided slopes", count_sides, list(compositions())[::every]),
        ("mixed second derivatives", count_mixed, list(joins())[::every]),
    ):
        start = perf_counter()
        counts, wrong = count(programs)
        print(f"{title} of {len(programs):,} programs, {perf_counter() - start:.0f} s")
        for kind, number_of in sorted(counts.items()):
            print(f"  {number_of:7,} {kind}")
        for line in wrong[:20]:
            print("  wrong:", line)
        failed |= bool(wrong)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
