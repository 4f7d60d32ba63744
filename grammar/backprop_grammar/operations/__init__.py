"""The table of operations: one row each, and the values that need care."""
