"""The record of one forward and one backward pass, which every view shows."""
