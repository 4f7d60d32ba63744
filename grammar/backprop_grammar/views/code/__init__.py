"""Derivatives as code in other languages."""
