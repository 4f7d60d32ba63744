"""Files of points and results."""
