"""The on-call console: what is broken, who leads, what happens next, and whether a rollback is possible now."""

__version__ = "0.1.0"
