"""The commands: one thin module per group. Everything the screen can do has a command with --json."""
