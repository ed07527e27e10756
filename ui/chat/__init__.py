"""The Chat tab: conversations, their answers, and what a reader does with them."""
