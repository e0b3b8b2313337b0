"""Widgets that draw `view` lines, line by line, and nothing else."""
