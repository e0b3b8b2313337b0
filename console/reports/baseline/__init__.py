"""Baselines: captured from a metric source, with the statistics made in a process of their own."""
