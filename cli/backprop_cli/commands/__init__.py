"""The commands, a file each: its options and its run."""
