"""The Settings tab: what each reader sets for themselves."""
