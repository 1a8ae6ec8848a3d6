"""How often the decisive exclusion or limit is in an answer: without and with its context."""
