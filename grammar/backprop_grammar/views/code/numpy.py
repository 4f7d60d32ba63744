"""Derivatives as NumPy, for numbers and arrays alike.

An `if` of arrays evaluates both branches, so what the other branch warns of means nothing.
"""

from collections.abc import Callable

from ...derivatives.formulas import Formulas
from ...operations.row import Operation
from ..options import Options
from .code import code_of, python_words
from .python import ERFCX, LOGNORMCDF, SINC, python_file
from .target import Target

__all__ = ["TARGET", "arrays", "otherwise", "render"]


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
)

QUIET = 'with np.errstate(all="ignore"):  # np.where evaluates the branch not taken, too'


def render(formulas: Formulas, _options: Options) -> str:
    """The Python file."""
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
