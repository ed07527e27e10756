"""Files to the store: what is there, what changed, read, embedded and written."""
