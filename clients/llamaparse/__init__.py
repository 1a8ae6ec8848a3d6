"""A client of LlamaParse (v2 API)."""
