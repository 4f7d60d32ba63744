"""A trace as pictures, documents and code: text that no terminal is needed for."""
