"""The HTTP API: every answer is a user's own, every error a problem with a remedy."""
