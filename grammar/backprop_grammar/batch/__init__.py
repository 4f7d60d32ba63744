"""A program at many points: columns of numbers, certified."""
