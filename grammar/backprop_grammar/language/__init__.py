"""Text to graph and back: words, grammar, names, advice, the printer."""
