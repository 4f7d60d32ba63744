"""THE EXERCISES that ship, a row each, from one gate to a layer of a network.

Their titles are those under which courses teach them. A program gives no numbers to what is drawn.
"""

from typing import NamedTuple

__all__ = ["EXERCISES", "Exercise"]


class Exercise(NamedTuple):
    """One exercise. title: as courses call it; teaches: in a line; program: in the language."""

    name: str
    title: str
    teaches: str
    program: str


ROWS = (
    Exercise(
        "gates",
        "Add and multiply: f = (x + y)*z",
        "an add distributes, a mul swaps",
        "q = x + y; f = q*z",
    ),
    Exercise(
        "products",
        "A product of three",
        "each factor receives the product of the others",
        "p = x*y; f = p*z",
    ),
    Exercise(
        "quotient",
        "A quotient",
        "the quotient rule, and a minus sign",
        "q = x - y; f = q/z",
    ),
    Exercise(
        "squares",
        "Squared error of a line",
        "the chain rule through a square",
        "m = w*x; p = m + b; r = p - t; f = r^2",
    ),
    Exercise(
        "branches",
        "Branches: gradients add up",
        "what is used twice receives two contributions",
        "d = a*b; s = a + b; f = d*s",
    ),
    Exercise(
        "max",
        "The max gate",
        "a max routes, and what was not selected receives 0",
        "p = x*y; m = max(z, w); s = p + m; f = 2*s",
    ),
    Exercise(
        "relu",
        "A ReLU neuron",
        "a gate that is open or shut",
        "p0 = w0*x0; p1 = w1*x1; z = p0 + p1 + b; h = relu(z); f = v*h",
    ),
    Exercise(
        "neuron",
        "A sigmoid neuron",
        "the slope of a sigmoid from its result, s*(1 - s)",
        "p0 = w0*x0; p1 = w1*x1; z = p0 + p1 + w2; f = sigmoid(z)",
    ),
    Exercise(
        "neuron-gates",
        "A sigmoid neuron, gate by gate",
        "the same in the smallest steps: negate, exp, add 1, one over it",
        "p0 = w0*x0; p1 = w1*x1; z = p0 + p1 + w2; n = -z; e = exp(n); d = 1 + e; f = 1/d",
    ),
    Exercise(
        "tanh",
        "A tanh neuron",
        "the slope of tanh from its result, 1 - h^2",
        "m = w*x; z = m + b; h = tanh(z); f = v*h",
    ),
    Exercise(
        "logistic",
        "Logistic regression, cross-entropy",
        "sigmoid and log together: p - t",
        "m = w*x; z = m + b; p = sigmoid(z); l = log(p); f = -l",
    ),
    Exercise(
        "two-layers",
        "A network of two layers",
        "back through a hidden layer",
        "z1 = a*x + b; h1 = relu(z1); z2 = c*x + d; h2 = relu(z2); p = u*h1 + v*h2; r = p - t; f = r^2/2",
    ),
    Exercise(
        "rnn",
        "Two steps of a recurrent network",
        "a weight that is shared over time",
        "h1 = w*h0 + u*x1; h2 = w*h1 + u*x2; f = h2^2/2",
    ),
    Exercise(
        "product-of-matrices",
        "A product of matrices",
        "shapes, and where the transposes stand",
        "X: 2x2; W: 2x2; Y = X @ W; f = sum(Y)",
    ),
    Exercise(
        "squared-length",
        "The squared length of W x",
        "a vector through a matrix: an outer product, and a transpose",
        "W: 2x2; x: 2; q = W @ x; f = sum(q^2)",
    ),
    Exercise(
        "affine",
        "A layer over a batch",
        "a bias that is stretched is summed over the batch",
        "X: 2x2; W: 2x2; b: 2; Z = X @ W + b; f = sum(Z^2)/2",
    ),
    Exercise(
        "softmax",
        "Softmax",
        "every result depends on every operand: p*(up - sum(p*up))",
        "z: 3; y: 3; p = softmax(z); f = y @ p",
    ),
    Exercise(
        "cross-entropy",
        "Softmax and cross-entropy",
        "the probabilities less the label",
        "z: 3; t = 1; f = cross_entropy(z, t)",
    ),
)

EXERCISES: dict[str, Exercise] = {row.name: row for row in ROWS}
"""The rows by their names."""
