"""The build hook: puts the parser's prepared tables, the manual and the samples into the wheel.

Only a wheel gets them. A source tree or an editable install makes its own tables at run time and
reads the manual and the samples where they are, so none can be older than its source.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

KINDS = (".bp", ".csv", ".json")
"""The suffixes of samples that commands read; see backprop_cli/data/shipped.py."""


class Tables(BuildHookInterface):  # type: ignore[misc,type-arg]
    """Adds backprop_grammar/language/grammar.json, backprop_cli/manual and samples to a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the tables and find the rest, unless the install is editable."""
        if version == "editable":
            return
        sys.path.insert(0, str(Path(__file__).parent))
        from backprop_grammar.language.lalr import GRAMMAR, prepared

        self.folder = tempfile.mkdtemp()
        file = Path(self.folder) / "grammar.json"
        tables = prepared(GRAMMAR.read_text(encoding="utf-8"))
        file.write_text(json.dumps(tables, separators=(",", ":")), encoding="utf-8")
        build_data["force_include"][str(file)] = "backprop_grammar/language/grammar.json"
        root = Path(self.root)
        for part in ("cli", "grammar"):
            readme = root / part / "README.md"
            build_data["force_include"][str(readme)] = f"backprop_cli/manual/{part}.md"
        for sample in (path for kind in KINDS for path in (root / "samples").glob(f"*{kind}")):
            build_data["force_include"][str(sample)] = f"backprop_cli/samples/{sample.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was only needed for the wheel."""
        if version != "editable":
            shutil.rmtree(self.folder)
