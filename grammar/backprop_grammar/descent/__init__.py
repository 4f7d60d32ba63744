"""Steps along the gradient."""
