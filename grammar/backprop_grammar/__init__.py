"""The language of backprop and its calculus: pure, knows no terminal, no file, no network."""
