"""Documents: JSON with its schemas, Markdown, LaTeX."""
