"""Documents made of the record and of the Board: snapshot, timeline, handoff, drill. All of it is pure."""
