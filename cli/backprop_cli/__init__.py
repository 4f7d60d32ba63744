"""The command line of backprop."""
