"""The forward and the backward pass, and the precision at which they are certain."""
