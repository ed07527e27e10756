"""The command line, one module for each command with more than a few lines."""
