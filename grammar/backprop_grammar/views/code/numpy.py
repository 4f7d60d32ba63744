"""Derivatives as NumPy, for numbers and arrays alike.

An `if` of arrays evaluates both branches, so what the other branch warns of means nothing.
"""

from collections.abc import Callable

from ...derivatives.array_formulas import ArrayFormulas
from ...derivatives.formulas import Formulas
from ...operations.row import Operation
from ..options import Options
from .array_code import Library, array_file
from .code import code_of, python_words
from .python import ERFCX, LOGNORMCDF, SINC, python_file
from .target import Target

__all__ = ["TARGET", "array_helpers", "arrays", "otherwise", "over_arrays", "render"]


def arrays(module: str) -> Callable[[Operation], str]:
    """What a library has by NumPy's names; of any number of operands, pair by pair."""

    def library(row: Operation) -> str:
        if not row.numpy or not isinstance(row.numpy, str):
            return ""
        return f"{module}.{row.numpy}" + "({0}, {1})" * row.variadic

    return library


def otherwise(module: str) -> dict[str, str]:
    """What it has that is no row's own function."""
    return {
        "sign": f"{module}.sign",
        "softplus": f"{module}.logaddexp({{0}}, 0.0)",
        "logsumexp": f"{module}.logaddexp({{0}}, {{1}})",
        "floor": f"{module}.floor",
        "ceil": f"{module}.ceil",
        "round": f"{module}.round",
        "mod": f"{module}.mod",
    }


def over_arrays(module: str) -> dict[str, str]:
    """How a library with NumPy's names writes what operates on whole arrays."""
    plain = {
        "dot": "dot({0}, {1})",
        "dot flat": "vdot({0}, {1})",
        "outer": "outer({0}, {1})",
        "matmul outer": "outer({0}, {1})",
        "norm": "linalg.norm({0})",
        "trace": "trace({0})",
        "diag": "diag({0})",
        "flip": "flip({0})",
        "concat": "concatenate([{list}], axis={axis})",
        "pick": "take_along_axis({0}, {1}.reshape(-1, 1), axis=1)",
        "pick rows": "arange({}.shape[0])",
        "onehot": "eye({1})[{0}.reshape(-1)]",
        "onehot one": "eye({1})[{0}]",
        "eye": "eye({0})",
        "zeros": "zeros({shape})",
        "ones": "ones({shape})",
        "range": "arange(float({0}))",
        "linspace": "linspace({0}, {1}, {2})",
        "array": "stack({items})",
        "array fixed": "array({text})",
        "array whole": "array({text})",
        "full": "broadcast_to({0}, {1})",
    }
    for name in ("sum", "mean", "max", "min"):
        plain |= {name: f"{name}({{0}})", f"{name} axis": f"{name}({{0}}, axis={{axis}}, keepdims=True)"}  # fmt: skip
    helpers = {
        "softmax": "softmax({0})",
        "logsoftmax": "log_softmax({0})",
        "logsumexp": "logsumexp({0})",
        "logsumexp axis": "logsumexp({0}, axis={axis}, keepdims=True)",
        "cross_entropy": "cross_entropy({0}, {1})",
        "cross_entropy shares": "soft_cross_entropy({0}, {1})",
        "conv": "conv({0}, {1})",
        "pad": "pad({0}, {1})",
        "crop": "crop({0}, {1})",
        "maxpool": "maxpool({list})",
        "batchnorm": "batchnorm({0}, {1}, {2})",
        "layernorm": "layernorm({0}, {1}, {2})",
        "size": "{}.size",
        "put": "put({0}, {1}, {at})",
        "put maxpool": "put_maxpool({list})",
        "take": "({0}.reshape({1}.shape)[{at}])",
        "take maxpool": "take_maxpool({list})",
    }
    return {name: f"{module}.{how}" for name, how in plain.items()} | helpers


def array_helpers(module: str, log_softmax: str = "log_softmax(a)") -> dict[str, str]:
    """Functions of whole arrays that a library with NumPy's names lacks.

    log_softmax: how it writes that, of a.
    """
    return {
        name: source.replace("np.", f"{module}.").replace("log_softmax(a)", log_softmax)
        for name, source in HELPERS.items()
    }


HELPERS = {
    "cross_entropy": """\
def cross_entropy(a, y):
    a = a.reshape(-1, a.shape[-1])
    return -np.mean(np.take_along_axis(log_softmax(a), y.reshape(-1, 1), axis=1))
""",
    "soft_cross_entropy": """\
def soft_cross_entropy(a, y):
    return -np.sum(y*log_softmax(a))*a.shape[-1]/a.size
""",
    "conv": """\
def conv(x, k):
    windows = np.lib.stride_tricks.sliding_window_view(x, k.shape)
    return np.tensordot(windows, k, k.ndim)
""",
    "pad": """\
def pad(x, k):
    widths = [n - 1 for n in np.shape(k)] or [k]*x.ndim
    return np.pad(x, [(n, n) for n in widths])
""",
    "crop": """\
def crop(x, k):
    widths = [n - 1 for n in np.shape(k)] or [k]*x.ndim
    return x[tuple(slice(n, size - n) for n, size in zip(widths, x.shape))]
""",
    "batchnorm": """\
def batchnorm(x, g, b):
    c = x - np.mean(x, axis=0, keepdims=True)
    return g*c/np.sqrt(np.mean(c**2, axis=0, keepdims=True) + 1e-5) + b
""",
    "layernorm": """\
def layernorm(x, g, b):
    c = x - np.mean(x, axis=-1, keepdims=True)
    return g*c/np.sqrt(np.mean(c**2, axis=-1, keepdims=True) + 1e-5) + b
""",
    "take_maxpool": """\
def take_maxpool(u, x, k, stride=1):
    u = u.reshape(x.shape)
    shape = tuple((n - k)//stride + 1 for n in x.shape)
    taken = []
    for place in itertools.product(*map(range, shape)):
        window = tuple(slice(stride*i, stride*i + k) for i in place)
        largest = x[window] == np.max(x[window])
        taken.append(np.sum(u[window]*largest)/np.sum(largest))
    return np.stack(taken).reshape(shape)
""",
}

NUMPY_HELPERS = {
    "softmax": """\
def softmax(x):
    t = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return t/np.sum(t, axis=-1, keepdims=True)
""",
    "logsumexp": """\
def logsumexp(x, axis=None, keepdims=False):
    m = np.max(x, axis=axis, keepdims=True)
    t = np.log(np.sum(np.exp(x - m), axis=axis, keepdims=True)) + m
    return t if keepdims else t.reshape(())
""",
    "log_softmax": """\
def log_softmax(x):
    c = x - np.max(x, axis=-1, keepdims=True)
    return c - np.log(np.sum(np.exp(c), axis=-1, keepdims=True))
""",
    "maxpool": """\
def maxpool(x, k, stride=1):
    windows = np.lib.stride_tricks.sliding_window_view(x, (k,)*x.ndim)
    largest = np.max(windows, axis=tuple(range(x.ndim, 2*x.ndim)))
    return largest[(slice(None, None, stride),)*x.ndim]
""",
    "put": """\
def put(u, x, at):
    out = np.zeros(x.shape)
    np.add.at(out, at, np.reshape(u, out[at].shape))
    return out
""",
    "put_maxpool": """\
def put_maxpool(u, x, k, stride=1):
    out = np.zeros(x.shape)
    shape = [(n - k)//stride + 1 for n in x.shape]
    u = np.reshape(u, shape)
    for place in itertools.product(*map(range, shape)):
        window = tuple(slice(stride*i, stride*i + k) for i in place)
        largest = x[window] == np.max(x[window])
        out[window] += u[place]*largest/np.sum(largest)
    return out
""",
}


SIGMOID = """\
def sigmoid(x):
    t = np.exp(-np.abs(x))
    return np.where(x < 0.0, t, 1.0)/(1.0 + t)
"""

GELU = """\
def gelu(x):
    return x*np.vectorize(math.erfc, otypes=[float])(-x/math.sqrt(2.0))/2.0
"""

LGAMMA = """\
def lgamma(x):
    pole = (x <= 0.0) & (x == np.floor(x))
    return np.where(pole, np.inf, np.vectorize(math.lgamma, otypes=[float])(np.where(pole, 1.0, x)))
"""

GAMMA = """\
def gamma_function(x):
    pole = (x <= 0.0) & (x == np.floor(x))
    return np.where(pole, np.nan, np.vectorize(math.gamma, otypes=[float])(np.where(pole, 1.0, x)))
"""

NORMCDF = """\
def normal_cdf(x):
    return np.vectorize(math.erfc, otypes=[float])(-x/math.sqrt(2.0))/2.0
"""


def vectorized(source: str) -> str:
    """A function of numbers in Python as one of arrays."""
    return f"@np.vectorize(otypes=[float])\n{source}"


TARGET = Target(
    "numpy",
    library=arrays("np"),
    calls=otherwise("np")
    | {name: name for name in ("erf", "erfc", "lgamma", "sigmoid", "gelu")}
    | {
        "gamma": "gamma_function",
        "normcdf": "normal_cdf",
        "sinc": "normalized_sinc",
        "erfcx": "scaled_erfc",
        "lognormcdf": "log_normal_cdf",
    },
    helpers={
        "erf": "erf = np.vectorize(math.erf, otypes=[float])\n",
        "erfc": "erfc = np.vectorize(math.erfc, otypes=[float])\n",
        "lgamma": LGAMMA,
        "sigmoid": SIGMOID,
        "gelu": GELU,
        "gamma_function": GAMMA,
        "normal_cdf": NORMCDF,
        "normalized_sinc": vectorized(SINC),
        "scaled_erfc": vectorized(ERFCX),
        "log_normal_cdf": vectorized(LOGNORMCDF),
    },
    constants={"pi": "np.pi", "e": "np.e", "tau": "(2.0*np.pi)", "nan": "np.nan"},
    reserved=python_words() | {"math", "np"},
    choice="np.where({test}, {then}, {otherwise})",
    both=" & ",
    true="True",
    array_calls=over_arrays("np"),
    array_helpers=array_helpers("np") | NUMPY_HELPERS,
)

QUIET = 'with np.errstate(all="ignore"):  # np.where evaluates the branch not taken, too'


LIBRARY = Library(
    imports=("import itertools", "import math", "import numpy as np"),
    takes="arrays",
    floats="np.asarray({}, dtype=float)",
    wholes="np.asarray({}, dtype=int)",
    plain="np.asarray({})",
    around=QUIET,
)
"""Of files over arrays."""


def render(formulas: Formulas | ArrayFormulas, _options: Options) -> str:
    """The Python file."""
    if isinstance(formulas, ArrayFormulas):
        return array_file(TARGET, LIBRARY, formulas)
    code = code_of(TARGET, formulas)
    names = ", ".join(code.arguments.values())
    several = f"{names} = (np.asarray(v, dtype=float) for v in ({names}))"
    arrays = several if len(code.arguments) > 1 else f"{names} = np.asarray({names}, dtype=float)"
    chooses = bool(code.inside) or any("np.where(" in text for _, text in code.statements)
    return python_file(
        code,
        ["import math", "import numpy as np"],
        takes="numbers or arrays (of shapes that broadcast)",
        first=(arrays,) if names else (),
        around=QUIET if chooses else "",
    )
