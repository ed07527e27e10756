"""Who may use a server: users with passwords, roles and API keys, and the log of what they did."""
