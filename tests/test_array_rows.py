"""The rows of the array table: what each means, and that its texts say what its numbers do."""

import json
from itertools import product

import numpy as np
import pytest

import backprop_grammar as bp
from tests.support import schema

SHAPES = [(), (1,), (3,), (1, 1), (1, 3), (2, 1), (2, 3)]


def array(shape, first=1.0):
    numbers = first + 0.25 * np.arange(np.prod(shape, dtype=int))
    return numbers.reshape(shape) if shape else first


# stretching


@pytest.mark.parametrize(
    ("a", "b"),
    [(a, b) for a, b in product(SHAPES, SHAPES) if a or b],
    ids=lambda shape: "x".join(map(str, shape)) or "number",
)
def test_what_was_stretched_is_summed(a, b):
    """The field says along what: so summed, upstream times local is the contribution."""
    program = bp.Program("z = a*b; z")
    try:
        trace = program.at({"a": array(a), "b": array(b, 2.0)}, upstream="ones")
    except bp.BackpropError as error:
        assert error.kind == "shape"
        return
    node = trace.record.by_name["z"]
    for edge in node.edges:
        sent = np.array(node.gradient.floats) * np.array(edge.local.floats)
        axis = {"axis=0": 0, "axis=1": 1, "all": None}
        told = np.sum(sent, axis[edge.fit], keepdims=True) if edge.fit else sent
        assert np.allclose(told.ravel(), np.ravel(edge.contribution.floats))
        assert bool(edge.fit) == (len(edge.contribution.numbers) < len(node.value.numbers))
        schema("arrays").validate(json.loads(trace.json()))
