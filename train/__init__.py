"""Programs that fit the small models shipped with Dateline, and their training data."""
