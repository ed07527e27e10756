"""The Library tab: browsing, adding and removing articles."""
