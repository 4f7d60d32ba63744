"""Sheets with blanks: exercises whose numbers are drawn so that a person can do them by hand."""
