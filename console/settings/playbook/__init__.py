"""Reading playbooks: `reader` reads a file, the others its parts; `keys` is the one table of what may be said."""
