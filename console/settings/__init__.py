"""Typed reading of the YAML files: every error at once, each with file, line and column."""
