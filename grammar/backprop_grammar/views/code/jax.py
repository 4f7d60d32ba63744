"""Derivatives as JAX, to be traced, compiled and mapped like any function of it.

What NumPy has is there by the same names, and what networks need by its own.
"""

from ...derivatives.array_formulas import ArrayFormulas
from ...derivatives.formulas import Formulas
from ...operations.row import Bound
from ..options import Options
from .array_code import Library, array_file
from .code import code_of, python_words
from .numpy import array_helpers, arrays, otherwise, over_arrays
from .python import python_file
from .target import Target

__all__ = ["TARGET", "render"]

POLYGAMMA = """\
def polygamma(n, x):  # jax.scipy.special.polygamma is wrong below 0
    return jnp.where(x > 0.0, jax.scipy.special.polygamma(n, x), jnp.nan)
"""

JAX_HELPERS = {
    "conv": """\
def conv(x, k):
    return jax.scipy.signal.correlate(x, k, mode="valid")
""",
    "maxpool": """\
def maxpool(x, k, stride=1):
    size, step = (k,)*x.ndim, (stride,)*x.ndim
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, size, step, "VALID")
""",
    "put": """\
def put(u, x, at):
    out = jnp.zeros(x.shape)
    return out.at[at].add(jnp.reshape(u, out[at].shape))
""",
    "put_maxpool": """\
def put_maxpool(u, x, k, stride=1):
    out = jnp.zeros(x.shape)
    shape = [(n - k)//stride + 1 for n in x.shape]
    u = jnp.reshape(u, shape)
    for place in itertools.product(*map(range, shape)):
        window = tuple(slice(stride*i, stride*i + k) for i in place)
        largest = x[window] == jnp.max(x[window])
        out = out.at[window].add(u[place]*largest/jnp.sum(largest))
    return out
""",
}
"""Functions of whole arrays, which JAX writes in its own way."""

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
    array_calls=over_arrays("jnp")
    | {
        "softmax": "jax.nn.softmax({0}, axis=-1)",
        "logsoftmax": "jax.nn.log_softmax({0}, axis=-1)",
        "logsumexp": "jax.nn.logsumexp({0})",
        "logsumexp axis": "jax.nn.logsumexp({0}, axis={axis}, keepdims=True)",
    },
    array_helpers=array_helpers("jnp", "jax.nn.log_softmax(a, axis=-1)") | JAX_HELPERS,
)


LIBRARY = Library(
    imports=("import itertools", "import jax", "import jax.numpy as jnp", "import numpy as np"),
    takes="arrays",
    floats="1.0*jnp.asarray({})",
    wholes="jnp.asarray({}, dtype=int)",
    made=(
        'jax.config.update("jax_enable_x64", True)',
        "at |= {{name: jnp.array(at[name]) for name in {floats}}}",
    ),
    own=(
        "own = jax.grad(lambda given: jnp.sum({function}(**at | given)[0]{weight}))(",
        "    {{name: at[name] for name in {by}}}",
        ")",
        "own = [own[name] for name in {by}]",
    ),
    plain="np.asarray({})",
)
"""Of files over arrays."""


def render(formulas: Formulas | ArrayFormulas, _options: Options) -> str:
    """The Python file."""
    if isinstance(formulas, ArrayFormulas):
        return array_file(TARGET, LIBRARY, formulas)
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
