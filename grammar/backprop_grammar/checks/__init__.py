"""Gradients and rows held against values, and formulas against each other."""
