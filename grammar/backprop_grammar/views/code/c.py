"""Derivatives as C99.

The mathematical library of C has nearly every function, and its arithmetic raises nothing, so
statements are straight lines.
"""

import re

from ...derivatives.formulas import Formulas
from ..options import Options
from .code import Code, code_of, comment
from .target import Target

__all__ = ["TARGET", "render"]

WORDS = """
_Alignas _Alignof _Atomic _Bool _Complex _Generic _Imaginary _Noreturn _Static_assert
_Thread_local alignas alignof asm auto bool break case char const constexpr continue default do double else enum
extern false float for goto if inline int long nullptr register restrict return short signed sizeof
static static_assert struct switch thread_local true typedef typeof typeof_unqual union unsigned
void volatile while fabs fmax fmin main printf i386 linux unix errno stderr stdin stdout assert
complex imaginary I differs defined
"""
"""Keywords, functions that are called, and macros in lower case."""

MACROS = """
BUFSIZ DOMAIN EOF FILENAME_MAX FOPEN_MAX FP_FAST_FMA FP_ILOGB0 FP_ILOGBNAN FP_INFINITE FP_NAN
FP_NORMAL FP_SUBNORMAL FP_ZERO HUGE HUGE_VAL HUGE_VALF HUGE_VALL INFINITY L_ctermid L_tmpnam
MATH_ERREXCEPT MATH_ERRNO MAXFLOAT M_1_PI M_2_PI M_2_SQRTPI M_E M_LN10 M_LN2 M_LOG10E M_LOG2E M_PI
M_PI_2 M_PI_4 M_SQRT1_2 M_SQRT2 NAN NULL OVERFLOW PLOSS P_tmpdir SEEK_CUR SEEK_END SEEK_SET
SELF_TEST SING SNAN TLOSS TMP_MAX UNDERFLOW X_TLOSS math_errhandling
FP_INT_DOWNWARD FP_INT_TONEAREST FP_INT_TONEARESTFROMZERO FP_INT_TOWARDZERO FP_INT_UPWARD FP_LLOGB0
FP_LLOGBNAN L_cuserid RENAME_EXCHANGE RENAME_NOREPLACE RENAME_WHITEOUT SEEK_DATA SEEK_HOLE
HUGE_VAL_F128 HUGE_VAL_F32 HUGE_VAL_F32X HUGE_VAL_F64 HUGE_VAL_F64X
SNANF SNANF128 SNANF32 SNANF32X SNANF64 SNANF64X SNANL
"""
"""Macros of math.h and stdio.h that have no parameters."""

TYPED = [
    name + end
    for name in MACROS.split()
    if name.startswith("M_")
    for end in ("f", "l", "f32", "f64", "f128", "f32x", "f64x")
]
"""The same numbers as other types."""

DECLARED = """
acos asin atan cbrt ceil copysign cos cosh drem erf erfc exp exp10 exp2 expm1 fdim finite floor fma
fmod frexp gamma hypot ilogb isinf isnan j0 j1 jn ldexp lgamma llrint llround log logb lrint lround
modf nan nearbyint nextafter nexttoward pow remainder remquo rint round roundeven scalb scalbln
scalbn significand signgam sin sincos sinh sqrt tan tanh tgamma trunc y0 y1 yn signbit isfinite
isnormal fpclassify float_t double_t
clearerr ctermid cuserid dprintf fclose fdopen feof ferror fflush fgetc fgetpos fgets fileno
flockfile fmemopen fopen fprintf fputc fputs fread freopen fscanf fseek fseeko fsetpos ftell ftello
ftrylockfile funlockfile fwrite getc getchar getdelim getline gets getw off_t pclose perror popen
putc putchar puts putw remove rename renameat rewind scanf setbuf setbuffer setlinebuf setvbuf
size_t snprintf sprintf sscanf ssize_t tempnam tmpfile tmpnam ungetc va_list vdprintf vfprintf
vfscanf vprintf vscanf vsnprintf vsprintf vsscanf
abort abs access alarm brk calloc chdir clock close creat div exit execve fork free getenv getpid
index kill labs link malloc memcpy memset mmap open pause pipe raise rand read realloc rindex sbrk
select send signal sleep stat strcmp strlen strtod sync system time unlink wait write
"""
"""Functions of the headers and some of the library beside them; and what compilers know."""

BUILT_IN = """
acosh asinh atan2 atanh fabs fmax fmin log10 log1p log2
cabs cacos cacosh carg casin casinh catan catanh ccos ccosh cexp cimag clog clog10 conj cpow cproj
creal csin csinh csqrt ctan ctanh
aligned_alloc alloca bcmp bcopy bzero dcgettext dgettext execl execle execlp execv execvp ffs
ffsimax ffsll gettext imaxabs llabs open_memstream posix_memalign pow10 printf stpcpy stpncpy
"""
"""Other functions that compilers know without a header."""

CLAIMED = (
    rf"({'|'.join([*DECLARED.split(), *BUILT_IN.split()])})(_r|[fl]_r|_unlocked|[fl]|[fd]\d+x?)?"
    r"|(str|mem|wcs|is|to|fe)[a-z][a-z0-9]*"
)
"""What C and its compilers claim for functions (C11, 7.31), types of numbers at the end."""

SIGMOID = """\
static double sigmoid(double x)
{
    const double t = exp(-fabs(x));
    return (x < 0.0 ? t : 1.0)/(1.0 + t);
}
"""

SOFTPLUS = """\
static double softplus(double x)
{
    return fmax(x, 0.0) + log1p(exp(-fabs(x)));
}
"""

GELU = """\
static double gelu(double x)
{
    return x*erfc(-x/sqrt(2.0))/2.0;
}
"""

LOGSUMEXP = """\
static double logsumexp(int count, const double *x)
{
    int largest = 0;
    double rest = 0.0;
    for (int k = 1; k < count; k++)
        if (x[k] > x[largest])
            largest = k;
    for (int k = 0; k < count; k++)
        if (k != largest)
            rest += exp(x[k] - x[largest]);
    return x[largest] + log1p(rest);
}
"""

MOD = """\
static double floored_mod(double x, double y)
{
    const double r = fmod(x, y);
    return r != 0.0 && (r < 0.0) != (y < 0.0) ? r + y : r;
}
"""

SINC = """\
static double normalized_sinc(double x)
{
    double r = remainder(x, 2.0);
    if (fabs(r) > 0.5)
        r = copysign(1.0, r) - r;
    return x == 0.0 ? 1.0 : sin(3.141592653589793*r)/(3.141592653589793*x);
}
"""

ERFCX = """\
static double scaled_erfc(double x)
{
    const double t = 0.5/(x*x);
    if (x < 25.0)
        return exp(x*x)*erfc(x);
    return (1.0 - t*(1.0 - 3.0*t*(1.0 - 5.0*t*(1.0 - 7.0*t))))/(x*sqrt(3.141592653589793));
}
"""

LOGNORMCDF = """\
static double log_normal_cdf(double x)
{
    const double t = 1.0/(x*x);
    if (x > 0.0)
        return log1p(-erfc(x/sqrt(2.0))/2.0);
    if (x > -36.0)
        return log(erfc(-x/sqrt(2.0))/2.0);
    return log1p(-t*(1.0 - 3.0*t*(1.0 - 5.0*t*(1.0 - 7.0*t)))) - x*x/2.0
        - log(-x*sqrt(6.283185307179586));
}
"""

TARGET = Target(
    "c",
    library=lambda row: row.libm,
    calls={
        "pow": "pow",
        "abs": "fabs",
        "max": "fmax({0}, {1})",
        "min": "fmin({0}, {1})",
        "sigmoid": "sigmoid",
        "softplus": "softplus",
        "gelu": "gelu",
        "logsumexp": "logsumexp({count}, (const double[]){{{list}}})",
        "round": "rint",
        "mod": "floored_mod",
        "gamma": "tgamma",
        "normcdf": "(erfc(-({0})/sqrt(2.0))/2.0)",
        "sinc": "normalized_sinc",
        "erfcx": "scaled_erfc",
        "lognormcdf": "log_normal_cdf",
    },
    helpers={
        "sigmoid": SIGMOID,
        "softplus": SOFTPLUS,
        "gelu": GELU,
        "logsumexp": LOGSUMEXP,
        "floored_mod": MOD,
        "normalized_sinc": SINC,
        "scaled_erfc": ERFCX,
        "log_normal_cdf": LOGNORMCDF,
    },
    constants={
        "pi": "3.141592653589793",
        "e": "2.718281828459045",
        "tau": "6.283185307179586",
        "nan": "NAN",
    },
    reserved=frozenset([*WORDS.split(), *MACROS.split(), *TYPED]),
    claimed=CLAIMED,
    choice="{test} ? {then} : {otherwise}",
    power=False,
    both=" && ",
    true="1",
    ulps=1,
)

DIFFERS = """\
static int differs(const char *name, double found, double expected)
{
    if (fabs(found - expected) <= 1e-12*(expected == 0 ? 1 : fabs(expected)))
        return 0;
    printf("%s is %.17g, not %.17g\\n", name, found, expected);
    return 1;
}
"""


def render(formulas: Formulas, _options: Options) -> str:
    """The C file."""
    code = code_of(TARGET, formulas)
    about = [f" * {harmless(line)}".rstrip() for line in comment(code, *does(code))]
    parts = ["\n".join(["/*", *about, " */", "", "#include <math.h>"])]
    parts += [helper.rstrip("\n") for helper in code.helpers]
    parts += [function(code), *self_test(code)]
    return "\n\n".join(parts) + "\n"


def harmless(line: str) -> str:
    """A line that neither ends a comment nor seems to begin one, and has no trigraphs."""
    return line.replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?")


def array(code: Code) -> str:
    """The name of the array of derivatives."""
    orders = {1: "gradient", 2: "hessian"}
    return code.free(orders.get(max(map(len, code.results), default=1), "derivatives"))[0]


def does(code: Code) -> list[str]:
    """What the function returns, and what stands where in the array."""
    names = [code.formulas.named(by) for by in code.results]
    listed = ", ".join(f"{array(code)}[{k}] = {name}" for k, name in enumerate(names))
    value = f"returns {code.formulas.derivative.output}" if code.value else "returns nothing"
    lines = [f"{code.function}() {value} and sets {listed or 'nothing'}."]
    if code.tested is not None:
        lines.append(f"Test it: cc -std=c99 -DSELF_TEST {code.function}.c -lm && ./a.out")
    return lines


def function(code: Code) -> str:
    """The function itself."""
    parameters = [f"double {name}" for name in code.arguments.values()]
    if code.results:
        parameters.append(f"double {array(code)}[{len(code.results)}]")
    head = (
        f"{'double' if code.value else 'void'} {code.function}({', '.join(parameters) or 'void'})"
    )
    kinds = dict.fromkeys(code.tests, "int")
    body = [f"const {kinds.get(name, 'double')} {name} = {text};" for name, text in code.statements]
    body += [
        f"{array(code)}[{k}] = {code.guarded(name)};"
        for k, name in enumerate(code.results.values())
    ]
    body += [f"return {code.guarded(code.value)};"] if code.value else []
    used = " ".join([*(text for _, text in code.statements), *code.results.values(), code.value])
    unused = [name for name in code.arguments.values() if not mentions(used, name)]
    body = [f"(void){name};" for name in unused] + body
    return "\n".join([head, "{", *(f"    {line}" for line in body), "}"])


def mentions(text: str, name: str) -> bool:
    return re.search(rf"\b{name}\b", text) is not None


def self_test(code: Code) -> list[str]:
    """The program that compares the function with the numbers at the point; none without one."""
    if code.tested is None:
        return []
    found, value, failures = code.free("found", "value", "failures")
    count = len(code.results)
    places = {by: k for k, by in enumerate(code.results)}
    arguments = [repr(x) for x in code.tested] + ([found] if count else [])
    call = f"{code.function}({', '.join(arguments)})"
    lines = [f"double {found}[{count}];"] if count else []
    lines += [
        f"const double {value} = {call};" if code.value else f"{call};",
        f"int {failures} = 0;",
    ]
    for name, by, number in code.checks:
        own = f"{found}[{places[by]}]" if by else value
        lines.append(f'{failures} += differs("{name}", {own}, {number!r});')
    if code.value and not any(not by for _, by, _ in code.checks):
        lines.append(f"(void){value};")
    lines.append(f"return {failures} != 0;")
    main = ["int main(void)", "{", *(f"    {line}" for line in lines), "}", "#endif"]
    return ["#ifdef SELF_TEST\n#include <stdio.h>", DIFFERS.rstrip("\n"), "\n".join(main)]
