"""What the user gives: the command line, the program, the point."""
