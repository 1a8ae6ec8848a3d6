"""A client of OpenAI's embeddings, or of any server that speaks its API."""
