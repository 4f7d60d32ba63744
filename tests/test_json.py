"""The JSON: its schema, its promises, and one command's output as the next one's input."""

import json
import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_grammar.operations.structural import array_rows
from tests.support import SHOWN, call, schema, trace_of
from tests.test_cases import BOUNDARY, WORKED


def documents():
    for case in WORKED:
        yield case["program"], ",".join(f"{k}={v}" for k, v in case["at"].items())
    for case in BOUNDARY:
        if case["expect"]["do"] != "error":
            yield case["expr"], case["at"]
    yield "square(u) = u*u; square(x) + square(y)", "x=3,y=4"
    yield "f(u, v) = if(u > v, log(u), v^2); f(x, f(y, x))", "x=3,y=4"
    yield "x = -2; y = 5; q = x*y; q + x", ""
    yield "2*3", ""
    yield "x^2^3*pi + max(x, 1, 2)", "x=2"


DOCUMENTS = list(documents())


@pytest.mark.parametrize(("program", "at"), DOCUMENTS, ids=[p[:30] for p, _ in DOCUMENTS])
@pytest.mark.parametrize("more", [(), ("--precision", "30")], ids=["plain", "precise"])
def test_the_trace_keeps_its_promises(program, at, more):
    trace = trace_of(program, *(("--at", at) if at else ()), *more)
    schema("trace").validate(trace)
    nodes = {node["name"]: node for node in trace["nodes"]}
    assert len(nodes) == len(trace["nodes"]), "names are unique"
    received: dict[str, list[float | None]] = {name: [] for name in nodes}
    for node in trace["nodes"]:
        if node["kind"] == "constant":
            assert "gradient" not in node
        assert set(node.get("operands", ())) <= set(nodes)
        for edge in node.get("edges", ()):
            received[edge["operand"]].append(edge["contribution"])
            numbers = edge["upstream"], edge["local"], edge["contribution"]
            assert edge["upstream"] == node["gradient"]
            if None not in numbers and "wide" not in edge:
                upstream, local, contribution = numbers
                product = upstream * local
                assert abs(product - contribution) <= 2 * math.ulp(contribution) or (
                    abs(product) < 1e-300
                )
    for name, contributions in received.items():
        node = nodes[name]
        if name == trace["output"] or None in contributions or node.get("gradient") is None:
            continue
        if "wide" in node and "gradient" in node["wide"]:
            continue
        size = max([abs(c) for c in contributions], default=0.0)
        total = math.fsum(contributions)
        assert abs(total - node["gradient"]) <= 4 * len(contributions) * math.ulp(size)
    for name, gradient in trace["gradients"].items():
        assert nodes[name].get("gradient", 0.0) == gradient or name not in nodes
        assert (gradient is None) == any(f["path"] == f"gradients.{name}" for f in trace["flags"])


@pytest.mark.parametrize(("program", "at"), DOCUMENTS[::4], ids=[p[:30] for p, _ in DOCUMENTS[::4]])
def test_quiet_leaves_only_the_nodes_out(program, at):
    point = ("--at", at) if at else ()
    loud, quiet = trace_of(program, *point), trace_of(program, *point, "--quiet")
    schema("trace").validate(quiet)
    assert quiet["nodes"] == []
    for key in ("program", "at", "output", "upstream", "flags"):
        assert quiet[key] == loud[key]
    assert [n for n in quiet["notes"] if n["kind"] != "precision"] == [n for n in loud["notes"] if n["kind"] != "precision"]  # fmt: skip
    for mine, its in ((quiet["value"], loud["value"]), *zip(quiet["gradients"].values(), loud["gradients"].values(), strict=True)):  # fmt: skip
        assert mine == its or math.isclose(mine, its, rel_tol=2**-44)


def test_the_shape_of_the_design():
    trace = trace_of("q = x + y; f = q*z", "--at", "x=-2,y=5,z=-4")
    assert list(trace)[:8] == [
        "format", "program", "at", "output", "value", "upstream", "gradients", "nodes",
    ]  # fmt: skip
    assert trace["format"] == "backprop-trace/1"
    assert trace["at"] == {"x": -2.0, "y": 5.0, "z": -4.0}
    assert (trace["output"], trace["value"]) == ("f", -12.0)
    assert trace["gradients"] == {"x": -4.0, "y": -4.0, "z": 3.0}
    q = next(node for node in trace["nodes"] if node["name"] == "q")
    assert q == {
        "name": "q", "kind": "operation", "operation": "add", "formula": "x + y",
        "operands": ["x", "y"], "value": 3.0, "gradient": -4.0, "role": "distributor",
        "edges": [
            {"operand": "x", "rule": "1", "upstream": -4.0, "local": 1.0, "contribution": -4.0},
            {"operand": "y", "rule": "1", "upstream": -4.0, "local": 1.0, "contribution": -4.0},
        ],
    }  # fmt: skip


def test_words_that_json_lacks_never_appear():
    for program, at in DOCUMENTS:
        _, out, _ = call("eval", program, *(("--at", at) if at else ()), "--json")
        assert "NaN" not in out
        assert "Infinity" not in out
        assert not re.search(r"-0\.0[,}\]\s]", out)


def test_an_inner_number_beyond_binary64_is_null_with_its_digits():
    trace = trace_of("log(1 + exp(x))", "--at", "x=1000")
    n1 = next(node for node in trace["nodes"] if node["name"] == "n1")
    assert n1["value"] is None
    assert n1["wide"]["value"].startswith("1.97007111401704")
    assert n1["wide"]["value"].endswith("e+434")
    assert (trace["value"], trace["gradients"]["x"]) == (1000.0, 1.0)


def test_a_gradient_beyond_binary64_is_flagged():
    code, out, _ = call("eval", "1e308*x^10", "--at", "x=1", "--upstream", "1e10", "--json")
    trace = json.loads(out)
    assert code == 3
    assert trace["gradients"] == {"x": None}
    assert trace["flags"][0]["status"] == "overflow"


def test_precision_gives_digits():
    trace = trace_of("exp(x)", "--at", "x=1", "--precision", "40")
    assert trace["wide"]["value"] == "2.718281828459045235360287471352662497757"
    assert trace["wide"]["gradients"]["x"] == trace["wide"]["value"]


@pytest.mark.parametrize("name", ["functions", "error"])
def test_the_other_schemas(name):
    if name == "functions":
        _, out, _ = call("functions", "--json")
        document = json.loads(out)
        listed = {row["name"] for row in document["functions"]}
        assert listed == {row.name for row in (*SHOWN, *array_rows())}
        schema(name).validate(document)
    else:
        for args in (["eval", "2x"], ["eval", "x"], ["eval", "log(x)", "--at", "x=0"], ["evla"]):
            code, out, err = call(*args, "--json")
            assert code in (1, 2)
            assert out == ""
            schema(name).validate(json.loads(err))


def test_a_trace_is_a_point():
    first = call("eval", "q = x + y; f = q*z", "--at", "x=-2,y=5,z=-4", "--json")[1]
    again = trace_of("x*y*z", "--at", "@-", stdin=first.encode())
    assert again["at"] == {"x": -2.0, "y": 5.0, "z": -4.0}
    fewer = trace_of("x*y", "--at", "@-", stdin=first.encode())
    assert fewer["notes"][0]["kind"] == "unused"
    assert fewer["value"] == -10.0


@settings(max_examples=60)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_goes_through_unchanged(x):
    trace = trace_of("x + 0", "--at", f"x={x!r}")
    assert trace["at"]["x"] == x
    assert trace["value"] == x
    again = trace_of("x + 0", "--at", "@-", stdin=json.dumps({"x": x}).encode())
    assert again["value"] == x
