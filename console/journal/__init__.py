"""The durable record: codec, hash chain, SQLite, spool."""
