"""Derivatives as PyTorch.

Its functions take tensors only, so a number gets the type of the first argument before it goes into
one.
"""

from dataclasses import replace

from ...derivatives.array_formulas import ArrayFormulas
from ...derivatives.formulas import Formulas
from ..options import Options
from .array_code import Library, array_file
from .code import arguments_of, code_of, python_words
from .python import python_file
from .target import Target

__all__ = ["TARGET", "render"]

CBRT = """\
def cbrt(x):
    root = torch.sign(x)*torch.abs(x)**(1.0/3.0)
    return torch.where(x == 0.0, x, root - (root - x/root**2)/3.0)
"""

POLYGAMMA = """\
def polygamma(n, x):
    if n == 1:  # where torch.polygamma is 1e-10 off
        return torch.special.zeta(torch.full_like(x, 2.0), x)
    return torch.polygamma(n, x)
"""

GAMMA = """\
def gamma_function(x):
    odd = (x < 0.0) & (torch.floor(x) % 2.0 != 0.0)
    return torch.exp(torch.lgamma(x))*torch.where(odd, -1.0, 1.0)
"""

GELU = """\
def gelu(x):  # torch's own is -0 far on the left
    return x*torch.erfc(-x/2.0**0.5)/2.0
"""

ARRAY_CALLS = {
    "dot": "torch.dot({0}, {1})",
    "dot flat": "torch.dot({0}.reshape(-1), {1}.reshape(-1))",
    "outer": "torch.outer({0}, {1})",
    "matmul outer": "torch.outer({0}, {1}.reshape(-1))",
    "norm": "torch.linalg.norm({0})",
    "trace": "torch.trace({0})",
    "diag": "torch.diag({0})",
    "flip": "flip({0})",
    "concat": "torch.cat([{list}], dim={axis})",
    "pick": "torch.gather({0}, 1, {1}.reshape(-1, 1))",
    "pick rows": "torch.arange({}.shape[0])",
    "onehot": "torch.eye({1}, dtype={like}.dtype)[{0}.reshape(-1)]",
    "onehot one": "torch.eye({1}, dtype={like}.dtype)[{0}]",
    "eye": "torch.eye({0}, dtype={like}.dtype)",
    "zeros": "{like}.new_zeros({shape})",
    "ones": "{like}.new_ones({shape})",
    "range": "torch.arange({0}, dtype={like}.dtype)",
    "linspace": "torch.linspace({0}, {1}, {2}, dtype={like}.dtype)",
    "array": "torch.stack({items})",
    "array fixed": "{like}.new_tensor({text})",
    "array whole": "torch.tensor({text})",
    "full": "torch.broadcast_to({0}, {1})",
    "sum": "torch.sum({0})",
    "sum axis": "torch.sum({0}, dim={axis}, keepdim=True)",
    "mean": "torch.mean({0})",
    "mean axis": "torch.mean({0}, dim={axis}, keepdim=True)",
    "max": "torch.amax({0})",
    "max axis": "torch.amax({0}, dim={axis}, keepdim=True)",
    "min": "torch.amin({0})",
    "min axis": "torch.amin({0}, dim={axis}, keepdim=True)",
    "logsumexp": "torch.logsumexp(torch.flatten({0}), 0)",
    "logsumexp axis": "torch.logsumexp({0}, dim={axis}, keepdim=True)",
    "softmax": "torch.softmax({0}, dim=-1)",
    "logsoftmax": "torch.log_softmax({0}, dim=-1)",
    "cross_entropy": "cross_entropy({0}, {1})",
    "cross_entropy shares": "torch.nn.functional.cross_entropy({0}, {1})",
    "conv": "conv({0}, {1})",
    "pad": "pad({0}, {1})",
    "crop": "crop({0}, {1})",
    "maxpool": "maxpool({list})",
    "batchnorm": "batchnorm({0}, {1}, {2})",
    "layernorm": "layernorm({0}, {1}, {2})",
    "size": "{}.numel()",
    "put": "put({0}, {1}, {at})",
    "put maxpool": "put_maxpool({list})",
    "take": "(torch.reshape({0}, {1}.shape)[{at}])",
    "take maxpool": "take_maxpool({list})",
}
"""What operates on whole tensors."""

ARRAY_HELPERS = {
    "flip": """\
def flip(x):
    return torch.flip(x, tuple(range(x.ndim)))
""",
    "cross_entropy": """\
def cross_entropy(a, y):
    return torch.nn.functional.cross_entropy(a.reshape(-1, a.shape[-1]), y.reshape(-1))
""",
    "conv": """\
def conv(x, k):
    slide = torch.nn.functional.conv1d if x.ndim == 1 else torch.nn.functional.conv2d
    return slide(x[None, None], k[None, None])[0, 0]
""",
    "pad": """\
def pad(x, k):
    widths = [n - 1 for n in getattr(k, "shape", ())] or [k]*x.ndim
    return torch.nn.functional.pad(x, [n for n in widths[::-1] for _ in range(2)])
""",
    "crop": """\
def crop(x, k):
    widths = [n - 1 for n in getattr(k, "shape", ())] or [k]*x.ndim
    return x[tuple(slice(n, size - n) for n, size in zip(widths, x.shape))]
""",
    "maxpool": """\
def maxpool(x, k, stride=1):
    pool = torch.nn.functional.max_pool1d if x.ndim == 1 else torch.nn.functional.max_pool2d
    return pool(x[None, None], k, stride)[0, 0]
""",
    "batchnorm": """\
def batchnorm(x, g, b):
    c = x - torch.mean(x, dim=0, keepdim=True)
    return g*c/torch.sqrt(torch.mean(c**2, dim=0, keepdim=True) + 1e-5) + b
""",
    "layernorm": """\
def layernorm(x, g, b):
    c = x - torch.mean(x, dim=-1, keepdim=True)
    return g*c/torch.sqrt(torch.mean(c**2, dim=-1, keepdim=True) + 1e-5) + b
""",
    "put": """\
def put(u, x, at):
    places = torch.arange(x.numel()).reshape(x.shape)[at].reshape(-1)
    return u.new_zeros(x.numel()).index_add(0, places, u.reshape(-1)).reshape(x.shape)
""",
    "put_maxpool": """\
def put_maxpool(u, x, k, stride=1):
    out = torch.zeros_like(x)
    shape = [(n - k)//stride + 1 for n in x.shape]
    u = u.reshape(shape)
    for place in itertools.product(*map(range, shape)):
        window = tuple(slice(stride*i, stride*i + k) for i in place)
        largest = x[window] == torch.max(x[window])
        out[window] += u[place]*largest/torch.sum(largest)
    return out
""",
    "take_maxpool": """\
def take_maxpool(u, x, k, stride=1):
    u = u.reshape(x.shape)
    shape = tuple((n - k)//stride + 1 for n in x.shape)
    taken = []
    for place in itertools.product(*map(range, shape)):
        window = tuple(slice(stride*i, stride*i + k) for i in place)
        largest = x[window] == torch.max(x[window])
        taken.append(torch.sum(u[window]*largest)/torch.sum(largest))
    return torch.stack(taken).reshape(shape)
""",
}

TARGET = Target(
    "torch",
    library=lambda row: row.libm and f"torch.{row.libm}",
    calls={
        "cbrt": "cbrt",
        "abs": "torch.abs",
        "sign": "torch.sign",
        "max": "torch.maximum({0}, {1})",
        "min": "torch.minimum({0}, {1})",
        "relu": "torch.relu",
        "sigmoid": "torch.sigmoid",
        "silu": "torch.nn.functional.silu",
        "gelu": "gelu",
        # beyond its usual threshold, softplus is 1e-10 off
        "softplus": "torch.nn.functional.softplus({0}, threshold=40.0)",
        "logsumexp": "torch.logaddexp({0}, {1})",
        "digamma": "torch.digamma",
        "polygamma": "polygamma({n}, {0})",
        "round": "torch.round",
        "mod": "torch.remainder",
        "selu": "torch.nn.functional.selu",
        "relu6": "torch.nn.functional.relu6",
        "mish": "torch.nn.functional.mish",
        "softsign": "torch.nn.functional.softsign",
        "hardtanh": "torch.nn.functional.hardtanh",
        "sinc": "torch.sinc",
        "gamma": "gamma_function",
        "erfinv": "torch.special.erfinv",
        "erfcx": "torch.special.erfcx",
        "normcdf": "(torch.erfc(-({0})/2.0**0.5)/2.0)",  # ndtr loses its tail
        "lognormcdf": "torch.special.log_ndtr",
        "logit": "torch.special.logit",
        "xlogy": "torch.special.xlogy",
        "xlog1py": "torch.special.xlog1py",
    },
    helpers={"cbrt": CBRT, "gelu": GELU, "polygamma": POLYGAMMA, "gamma_function": GAMMA},
    constants={"pi": "torch.pi", "e": "torch.e", "tau": "(2.0*torch.pi)", "nan": "torch.nan"},
    reserved=python_words() | {"torch"},
    choice="torch.where({test}, {then}, {otherwise})",
    both=" & ",
    true="torch.tensor(True)",
    lift="{like}.new_tensor({0})",
    array_calls=ARRAY_CALLS,
    array_helpers=ARRAY_HELPERS,
)


LIBRARY = Library(
    imports=("import itertools", "import numpy as np", "import torch"),
    takes="tensors",
    floats="",
    wholes="torch.as_tensor({}, dtype=torch.long)",
    made=(
        "for name in {floats}:",
        "    at[name] = torch.tensor(at[name], dtype=torch.float64, requires_grad=True)",
    ),
    own=(
        "own = torch.autograd.grad(",
        "    torch.sum(value{weight}), [at[name] for name in {by}], materialize_grads=True",
        ")",
    ),
    alone="torch.tensor(0.0, dtype=torch.float64)",
    plain="np.asarray({0}.detach() if torch.is_tensor({0}) else {0})",
)
"""Of files over arrays."""


def render(formulas: Formulas | ArrayFormulas, _options: Options) -> str:
    """The Python file."""
    if isinstance(formulas, ArrayFormulas):
        return array_file(TARGET, LIBRARY, formulas)
    target = TARGET
    if not arguments_of(formulas.derivative):  # nothing to take the type from
        target = replace(TARGET, lift="torch.tensor({0}, dtype=torch.float64)")
    return python_file(
        code_of(target, formulas),
        ["import torch"],
        takes="tensors of floats (of shapes that broadcast)",
        number="torch.tensor({}, dtype=torch.float64)",
    )
