"""Claimed gradients judged, and the mistake that explains a wrong one."""
