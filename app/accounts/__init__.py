"""Who may sign in, what they may see, and the secrets that prove it."""
