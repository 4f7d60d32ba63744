"""The build hook: puts the parser's prepared tables into the wheel, beside the grammar.

Only a wheel gets them. A source tree or an editable install makes its own at run time, so what is
there can never be older than the grammar.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Tables(BuildHookInterface):  # type: ignore[misc,type-arg]
    """Adds backprop_grammar/language/grammar.json to a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the tables, unless the install is editable."""
        if version == "editable":
            return
        sys.path.insert(0, str(Path(__file__).parent))
        from backprop_grammar.language.lalr import GRAMMAR, prepared

        self.folder = tempfile.mkdtemp()
        file = Path(self.folder) / "grammar.json"
        tables = prepared(GRAMMAR.read_text(encoding="utf-8"))
        file.write_text(json.dumps(tables, separators=(",", ":")), encoding="utf-8")
        build_data["force_include"][str(file)] = "backprop_grammar/language/grammar.json"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was only needed for the wheel."""
        if version != "editable":
            shutil.rmtree(self.folder)
