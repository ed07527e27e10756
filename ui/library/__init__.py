"""The Library tab: looking through articles, adding and removing them."""
