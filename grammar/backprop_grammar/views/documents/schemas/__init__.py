"""The JSON Schemas of the documents."""

from pathlib import Path

__all__ = ["schema"]


def schema(name: str) -> str:
    """The JSON Schema of a document, such as `trace`."""
    path = Path(__file__).with_name(f"{name}.schema.json")
    return path.read_text(encoding="utf-8").rstrip()
