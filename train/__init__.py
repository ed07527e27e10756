"""What fits the small models that ship with Dateline, and the data that is kept for it."""
