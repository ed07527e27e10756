"""A run: every question put to every system, scored and written down."""
