"""Screens: each lays out widgets, asks `console.view` for lines, and binds the keys of its scope."""
