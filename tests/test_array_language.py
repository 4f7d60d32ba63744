"""Arrays as they are typed: in words of other languages, with notes and advice; several outputs."""

import json
from typing import Any

import numpy as np
import pytest

import backprop_grammar as bp
from tests.support import call, schema

# several outputs


def test_several_outputs_are_the_sum_of_their_products_with_what_arrives():
    program = "z = W @ x; p = softmax(z); l = -log(p[0]); l"
    at = {"W": [[1, 0.5], [-0.25, 2]], "x": [1, 2]}
    several = bp.Program(program).at(
        at, output="p,z,l", upstream={"p": [1, -2], "z": "ones", "l": 3}
    )
    single = bp.Program(f"{program.removesuffix('; l')}; dot(p, [1, -2]) + sum(z) + 3*l").at(at)
    for name, right in single.gradients.items():
        assert np.allclose(several.gradients[name], right, rtol=1e-14)
    told = json.loads(several.json())
    schema("arrays").validate(told)
    assert list(told["outputs"]) == ["p", "z", "l"]
    assert told["outputs"]["z"] == {"value": [2.0, 3.75], "upstream": [1.0, 1.0]}
    assert (told["output"], told["upstream"]) == ("l", 3.0)
    node = {one["name"]: one for one in told["nodes"]}["z"]
    assert node["gradient"] != [1.0, 1.0]  # what arrives, and what p sends back


OUTPUTS: tuple[tuple[str, tuple[str, ...], Any], ...] = (
    # the program, the options, the gradients
    ("q = x*y; r = x + y; r^2", ("--output", "q,r"), {"x": 4.0, "y": 3.0}),
    ("q = x*y; r = x + y; r^2", ("--output", "q, r", "--upstream", "q=2,r=-1"), {"x": 5.0, "y": 3.0}),
    ("q = x*y; r = x + y; r^2", ("--output", "q,r", "--upstream", "q=1/2"), {"x": 2.5, "y": 2.0}),
    ("q = x*y; r = x + y; r^2", ("--output", "q,q"), {"x": 3.0, "y": 2.0}),
    ("q = x*[1,2]; r = x + y", ("--output", "q,r", "--upstream", "ones"), {"x": 4.0, "y": 1.0}),
    ("q = x*[1,2]; r = x + y", ("--output", "q,r", "--upstream", "q=[3,-1] r=2"), {"x": 3.0, "y": 2.0}),
    ("q = x*[1,2]; r = x + y", ("--output", "q", "--upstream", "q=range(2)"), {"x": 2.0}),
)  # fmt: skip


@pytest.mark.parametrize(("program", "options", "right"), OUTPUTS, ids=[" ".join(o) for _, o, _ in OUTPUTS])  # fmt: skip
def test_several_outputs_of_the_command(program, options, right):
    code, out, err = call("eval", program, "--at", "x=2,y=3", *options, "--json")
    assert code == 0, err
    told = json.loads(out)
    schema("arrays").validate(told)
    assert {k: v for k, v in told["gradients"].items() if v or k in right} == right


WRONG_OUTPUTS = (
    ("q = x*[1,2]; r = x + y", ("--output", "q,r"), "the output is 2, not a number"),
    ("q = x*[1,2]; r = x + y", ("--output", "q,r", "--upstream", "q=[1,2,3]"), "the upstream gradient is 3, the output q is 2"),
    ("q = x*[1,2]; r = x + y", ("--output", "q,r", "--upstream", "q=ones,s=2"), "a gradient arrives at s, which is no output"),
    ("q = x*[1,2]; r = x + y", ("--output", "q,r", "--upstream", "q=ones,[1,2]"), "[1,2] of --upstream has no name"),
    ("q = x*[1,2]; r = x + y", ("--output", "q,r", "--upstream", "q=ones,q=ones"), "--upstream gives q twice"),
    ("q = x*[1,2]; r = x + y", ("--output", "q,u"), "there is no node called u"),
    ("q = x*[1,2]; r = x + y", ("--output", "q,r", "--upstream", "q=nan"), "--upstream takes a finite number"),
)  # fmt: skip


@pytest.mark.parametrize(("program", "options", "says"), WRONG_OUTPUTS)
def test_outputs_that_are_none(program, options, says):
    code, out, err = call("eval", program, "--at", "x=2,y=3", *options)
    assert code in (1, 2)
    assert (out, says in err) == ("", True), err


def test_commands_that_take_one_output_say_so():
    code, _, err = call("step", "q = x*y; r = x + y", "--at", "x=2,y=3", "--output", "q,r")
    assert code == 2
    assert "--output names several, and this command takes one" in err
