"""What comes with the tool: the samples and the manual, beside the code in a wheel, in their own
folders in a clone.
"""

from pathlib import Path

from backprop_grammar.errors import shorten, suggestion, usage

__all__ = ["TOPICS", "file_of_point", "manual", "point_of", "sample", "samples", "topic_of"]

PACKAGE = Path(__file__).parents[1]
CLONE = PACKAGE.parents[1]

KINDS = (".bp", ".csv", ".json")
"""The suffixes of samples: programs, tables of points, points."""

TOPICS = {
    "language": ("grammar", "The language in short"),
    "arrays": ("grammar", "Vectors and matrices"),
    "numbers": ("grammar", "Numbers: right, or refused"),
    "points": ("cli", "A program and a point"),
    "output": ("cli", "The output"),
    "pictures": ("cli", "graph: the picture"),
    "teach": ("cli", "quiz: sheets for a class"),
    "exit-codes": ("cli", "Exit codes"),
}
"""A topic of the help -> the part of the manual and the heading under which it stands."""

TOPIC_WORDS = {
    "arrays": "array vector vectors matrix matrices shape shapes axis axes broadcast broadcasting "
    "tensor tensors vjp",
    "teach": "teaching teacher homework exercise exercises sheet sheets class",
}
"""A topic -> other words for what it is about."""


def topic_of(word: str) -> str:
    """The topic that a word is about; empty where it is about none."""
    word = word.lower()
    found = (topic for topic, words in TOPIC_WORDS.items() if word in words.split())
    return word if word in TOPICS else next(found, "")


def folder() -> Path:
    """The folder of the samples."""
    inside = PACKAGE / "samples"
    return inside if inside.is_dir() else CLONE / "samples"


def samples() -> dict[str, Path]:
    """The programs and the tables, by their names, in the order of the alphabet; a table that comes
    with a program by the name of its file.
    """
    found = dict[str, Path]()
    for path in sorted(path for kind in KINDS[:2] for path in folder().glob(f"*{kind}")):
        found[path.name if path.stem in found else path.stem] = path
    return found


def sample(name: str, first: str = "") -> Path:
    """The sample of a name such as `neuron` or `neuron.json`. first: the suffix of what is wanted
    where several have that name.

    Raises BackpropError, with the nearest name, where there is none.
    """
    for path in (
        folder() / name,
        *(folder() / f"{name}{kind}" for kind in (first, *KINDS) if kind),
    ):
        if path.suffix in KINDS and path.parent == folder() and path.is_file():
            return path
    hint = suggestion(name, samples(), "`backprop samples` lists them")
    raise usage(f"there is no sample {shorten(name)}", hint)


def file_of_point(name: str) -> str:
    """The file that a point is read from: the one of that name, else what comes with a sample."""
    known = point_of(name)
    return str(known) if known and not Path(name).exists() else name


def point_of(name: str) -> Path | None:
    """The point that comes with a sample, if there is one."""
    path = folder() / f"{name.removesuffix(KINDS[2])}{KINDS[2]}"
    return path if path.parent == folder() and path.is_file() else None


def manual(part: str) -> str:
    """The text of a part of the manual, cli or grammar, in Markdown."""
    inside = PACKAGE / "manual" / f"{part}.md"
    path = inside if inside.is_file() else CLONE / part / "README.md"
    return path.read_text(encoding="utf-8")
