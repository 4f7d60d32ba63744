"""Several nodes shown as one: what nodes are called, blocks opened and folded."""
