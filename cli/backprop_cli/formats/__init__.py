"""THE OTHER TABLE: one row per output format, one file each.

Every format is a view of the same trace; `write(trace)` of the file gives its text, or
prints it where the terminal matters. Files are imported when they are used.
"""

FORMATS = {
    "table": "the forward and the backward pass as tables",
    "json": "one JSON document; `backprop schema` describes it",
}
