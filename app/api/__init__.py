"""The HTTP API: answers each user from their own rows, errors as RFC 9457 problem details."""
