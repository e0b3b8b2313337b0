"""What events change: one module for each table of the State."""
