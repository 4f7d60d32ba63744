"""Derivatives as JAX, to be traced, compiled and mapped like any function of it.

What NumPy has is there by the same names, and what networks need by its own.
"""

from ...derivatives.formulas import Formulas
from ...operations.row import Bound
from ..options import Options
from .code import code_of, python_words
from .numpy import arrays, otherwise
from .python import python_file
from .target import Target

__all__ = ["TARGET", "render"]

POLYGAMMA = """\
def polygamma(n, x):  # jax.scipy.special.polygamma is wrong below 0
    return jnp.where(x > 0.0, jax.scipy.special.polygamma(n, x), jnp.nan)
"""

TARGET = Target(
    "jax",
    library=arrays("jnp"),
    calls=otherwise("jnp")
    | {
        "erf": "jax.scipy.special.erf",
        "erfc": "jax.scipy.special.erfc",
        "lgamma": "jax.scipy.special.gammaln",
        "digamma": "jax.scipy.special.digamma",
        "polygamma": "polygamma({n}, {0})",
        "sigmoid": "jax.nn.sigmoid",
        "softplus": "jax.nn.softplus",
        "silu": "jax.nn.silu",
        "relu": "jax.nn.relu",
        "gelu": "jax.nn.gelu({0}, approximate=False)",
        "leaky_relu": "jax.nn.leaky_relu",
        "clamp": "jnp.clip",
        "elu": "jax.nn.elu",
        "selu": "jax.nn.selu",
        "relu6": "jax.nn.relu6",
        "mish": "jax.nn.mish",
        "softsign": "jax.nn.soft_sign",
        "hardtanh": "jax.nn.hard_tanh",
        "sinc": "jnp.sinc",
        "gamma": "jax.scipy.special.gamma",
        "beta": "jax.scipy.special.beta",
        "erfinv": "jax.scipy.special.erfinv",
        "normcdf": "jax.scipy.special.ndtr",
        "lognormcdf": "jax.scipy.special.log_ndtr",
        "logit": "jax.scipy.special.logit",
        "xlogy": "jax.scipy.special.xlogy",
        "xlog1py": "jax.scipy.special.xlog1py",
    },
    helpers={"polygamma": POLYGAMMA},
    constants={"pi": "jnp.pi", "e": "jnp.e", "tau": "(2.0*jnp.pi)", "nan": "jnp.nan"},
    reserved=python_words() | {"jax", "jnp"},
    choice="jnp.where({test}, {then}, {otherwise})",
    both=" & ",
    true="True",
    smallest=2.0**-1022,  # XLA flushes what is smaller
    limits={"polygamma": Bound("x", ">", 0.0)},
)


def render(formulas: Formulas, _options: Options) -> str:
    """The Python file."""
    code = code_of(TARGET, formulas)
    names = ", ".join(code.arguments.values())
    several = f"{names} = (1.0*jnp.asarray(v) for v in ({names}))"
    arrays = several if len(code.arguments) > 1 else f"{names} = 1.0*jnp.asarray({names})"
    return python_file(
        code,
        ["import jax", "import jax.numpy as jnp"],
        takes="numbers or arrays (of shapes that broadcast)",
        first=(arrays,) if names else (),
        before_test=('jax.config.update("jax_enable_x64", True)',),
    )
