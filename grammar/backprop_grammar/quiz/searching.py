"""Wrong answers that no single mistake on the sheet explains: searched for from all that was written.

A mistake that was made everywhere, two at once, and one that was made below a wrong line are not
among the numbers of a sheet. They are found as `check` finds them, which takes longer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..arrays.record import ArrayTrace
from ..diagnosis.array_claims import judge_arrays
from ..diagnosis.array_mistakes import ARRAY_MISTAKES
from ..diagnosis.claimed import of_texts
from ..diagnosis.claims import judge
from ..diagnosis.mistakes import MISTAKES
from ..diagnosis.search import COINCIDENCE, Diagnosis
from ..errors import BackpropError
from ..explain.prevention import prevention
from .marking import RIGHT, WRONG, Mark, Marker, column, judged
from .record import GRADIENTS, Wrong
from .wrongs import COMMON, Mistakes, said

__all__ = ["searched"]

LIKELY = 5 * COINCIDENCE
"""The chance of a fit from which on it is said that it may be one."""

SENTENCES = {mistake.name: mistake.sentence for mistake in (*ARRAY_MISTAKES, *MISTAKES)}


def searched(marker: Marker, marks: Sequence[Mark]) -> list[Mark]:
    """The marks, with the mistakes that explain more of them."""
    found: dict[str, Wrong] = {}
    for explain in (below, together):
        if any(unexplained(mark) and mark.blank.node not in found for mark in marks):
            found = {**dict(explain(marker, marks)), **found}
    return [
        mark._replace(wrong=found.get(mark.blank.node)) if unexplained(mark) else mark
        for mark in marks
    ]


def unexplained(mark: Mark) -> bool:
    return mark.status == WRONG and mark.wrong is None and mark.blank.kind == GRADIENTS


def below(marker: Marker, marks: Sequence[Mark]) -> Iterator[tuple[str, Wrong]]:
    """Common mistakes at nodes from which a person went on with wrong numbers of their own."""
    if isinstance(marker.variant.trace, ArrayTrace):
        return
    expected = marker.going_on(marks)
    sheet = marker.sheet
    numbers = {name: own.number for name, own in expected.items()}
    for mark in marks:
        if mark.blank.kind == GRADIENTS and mark.answer.number is not None and mark.off:
            numbers[mark.blank.node] = float(mark.answer.number)
    with sheet.arithmetic.context():
        for mark in marks:
            name = mark.blank.node
            if not unexplained(mark) or name not in expected:
                continue
            own = {**numbers, name: expected[name].number}
            changed = [
                sheet.arithmetic.number(own.get(node.name, x))
                for node, x in zip(sheet.nodes, sheet.gradients, strict=True)
            ]
            mine = replace(sheet, gradients=changed)
            every = sorted(Mistakes(mine, [name]).numbers(name), key=lambda one: one[1].weight)
            for _, one, number in every:
                if one.weight <= COMMON and judged(number, False, mark.answer) == RIGHT:
                    yield name, said(mine, one, number)
                    break


def together(marker: Marker, marks: Sequence[Mark]) -> Iterator[tuple[str, Wrong]]:
    """Mistakes that explain as many of the answers as can be, at once."""
    trace = marker.variant.trace
    texts = {
        column(mark.blank): f"{mark.answer.number}"
        for mark in marks
        if mark.blank.kind == GRADIENTS and mark.answer.number is not None
    }
    diagnoses: dict[str, tuple[Diagnosis, ...]] = {}
    try:
        if isinstance(trace, ArrayTrace):
            claims = {name: of_texts((), [text]) for name, text in texts.items()}
            for one in judge_arrays(trace, claims).verdicts:
                diagnoses[one.name] = one.diagnoses
        else:
            for verdict in judge(trace, texts):
                diagnoses[verdict.name] = verdict.diagnoses
    except BackpropError:  # what is explained nowhere stops nobody
        return
    for mark in marks:
        first = next(iter(diagnoses.get(mark.blank.node, ())), None)
        if unexplained(mark) and first is not None and not first.rare:
            yield mark.blank.node, worded(marker, mark, first)


def worded(marker: Marker, mark: Mark, found: Diagnosis) -> Wrong:
    """A diagnosis as the wrong numbers of a sheet are told."""
    node = marker.variant.trace.by_name.get(found.node)
    row = getattr(node, "row", None)
    rule = prevention(found.mistake, row)
    sentence = SENTENCES.get(found.mistake, found.mistake)
    where = found.node if len(found.nodes) < 2 else ""
    number = float(mark.answer.number or 0)
    doubt = "; or chance, for there are few digits" if found.chance > LIKELY else ""
    return Wrong(number, sentence, where, found.message + doubt, rule)
