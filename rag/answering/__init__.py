"""A question and its evidence to a checked, cited answer."""
