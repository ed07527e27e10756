"""Ranks the sentences of passages and selects the few that are evidence."""
