"""What people see, in words: pure functions from the Board and the time to lines of text with meaning."""
