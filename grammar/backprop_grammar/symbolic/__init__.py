"""Formulas as a tape on which equal nodes are one, simplified as it grows."""
