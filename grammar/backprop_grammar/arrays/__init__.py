"""Programs over vectors and matrices: shapes, what they mean in numbers, and their traces."""
