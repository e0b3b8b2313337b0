"""One module per outside system, behind the ports. `http` is the one way out that they share."""
