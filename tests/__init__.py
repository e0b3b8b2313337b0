"""Tests: they mirror console/; contract/ holds the suites that every journal and every source must pass."""
