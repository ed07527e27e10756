"""The Chat tab: conversations, their answers, and the actions that readers have for them."""
