"""Pictures as files: SVG, web pages, Graphviz, Mermaid, TikZ."""
