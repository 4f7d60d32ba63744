"""Derivatives as PyTorch.

Its functions take tensors only, so a number gets the type of the first argument before it goes into
one.
"""

from dataclasses import replace

from ...derivatives.formulas import Formulas
from ..options import Options
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
)


def render(formulas: Formulas, _options: Options) -> str:
    """The Python file."""
    target = TARGET
    if not arguments_of(formulas.derivative):  # nothing to take the type from
        target = replace(TARGET, lift="torch.tensor({0}, dtype=torch.float64)")
    return python_file(
        code_of(target, formulas),
        ["import torch"],
        takes="tensors of floats (of shapes that broadcast)",
        number="torch.tensor({}, dtype=torch.float64)",
    )
