"""The picture as PNG: the SVG at twice its size.

Pixels are the same everywhere only with a font that comes along, so the extra `png` brings one, and
the system's fonts are but a way out.
"""

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from backprop_grammar.errors import usage
from backprop_grammar.quiz.record import Quiz
from backprop_grammar.views.drawing.diagram import Diagram
from backprop_grammar.views.drawing.pictured import AnyTrace, pictured
from backprop_grammar.views.drawing.sheet import scene
from backprop_grammar.views.options import Options
from backprop_grammar.views.pictures.svg import STYLES, svg

__all__ = ["render"]

SCALE = 2.0
LARGEST_SIDE = 32_000.0
"""Pixels; a longer picture is drawn at a smaller scale."""

SHIPPED = ("font_lato", "files/Lato-Regular.ttf", "Lato")
SYSTEM = (
    ("liberation*/LiberationSans-Regular.ttf", "Liberation Sans"),
    ("noto/NotoSans-Regular.ttf", "Noto Sans"),
    ("dejavu*/DejaVuSans.ttf", "DejaVu Sans"),
    ("DejaVuSans.ttf", "DejaVu Sans"),
    ("Arial.ttf", "Arial"),
    ("arial.ttf", "Arial"),
    ("Supplemental/Arial.ttf", "Arial"),
    ("Helvetica.ttc", "Helvetica"),
)
FOLDERS = (
    "/usr/share/fonts/truetype",
    "/usr/share/fonts",
    "/usr/share/fonts/TTF",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "~/Library/Fonts",
    "C:/Windows/Fonts",
)


def render(subject: "AnyTrace | Quiz", options: Options) -> bytes:
    """The picture of a trace, or of a sheet, as pixels.

    Raises BackpropError where the extra `png` or a font is missing, and for a graph too large.
    """
    try:
        import resvg_py
    except ImportError:
        message = "a PNG needs the extra png: pip install 'backprop-cli[png]'"
        raise usage(message, "--format svg needs nothing else") from None
    font = next(iter(fonts()), None)
    if font is None:
        hint = "pip install font-lato, or --format svg, which needs none"
        raise usage("a PNG needs a font, and none of the usual ones is here", hint)
    path, family = font
    picture = diagram_of(subject, options)
    drawn = scene(picture, options.width)
    return resvg_py.svg_to_bytes(
        svg_string=svg(picture, drawn, STYLES[options.theme], ground=True),
        zoom=min(SCALE, LARGEST_SIDE / max(drawn.width, drawn.height)),
        skip_system_fonts=True,
        font_files=[str(path)],
        font_family=family,
        sans_serif_family=family,
    )


def diagram_of(subject: "AnyTrace | Quiz", options: Options) -> Diagram:
    """What is drawn. Raises BackpropError for a quiz of several sheets."""
    if isinstance(subject, Quiz):
        from backprop_grammar.views.pictures.quiz_svg import pictured_sheet  # of a quiz alone

        return pictured_sheet(subject, options.key)
    return pictured(subject, options.digits, heat=True)


def fonts() -> Iterable[tuple[Path, str]]:
    """Fonts to draw with and their families, the best first."""
    package, file, family = SHIPPED
    spec = find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        if (Path(folder) / file).is_file():
            yield Path(folder) / file, family
    for pattern, family in SYSTEM:
        for place in FOLDERS:
            yield from ((path, family) for path in sorted(Path(place).expanduser().glob(pattern)))
