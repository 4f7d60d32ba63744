"""What a check found, as one record."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..diagnosis.claims import Verdict
from ..language.graph import Graph
from .differences import Differences
from .equivalence import Agreement

if TYPE_CHECKING:
    from ..diagnosis.array_claims import ArrayVerdict
    from ..diagnosis.follows import First
    from .array_differences import ArrayDifferences
    from .formula_claims import FirstLine, FormulaVerdict

__all__ = ["Report"]


@dataclass(frozen=True, slots=True)
class Report:
    """What was checked, any of three: a gradient, claims of it, two formulas.

    at, value: with arrays in them, where the program is over arrays. first: the claim from which
    others follow; remarks: what claims were taken for, and what was left aside.
    """

    program: Graph
    at: dict[str, Any]
    output: str
    value: Any = None
    differences: "Differences | ArrayDifferences | None" = None
    verdicts: "tuple[Verdict | ArrayVerdict | FormulaVerdict, ...]" = ()
    agreement: Agreement | None = None
    first: "First | FirstLine | None" = None
    remarks: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        """Whether all is right."""
        return (
            (self.differences is None or self.differences.right)
            and all(verdict.right for verdict in self.verdicts)
            and (self.agreement is None or self.agreement.agreed)
        )
