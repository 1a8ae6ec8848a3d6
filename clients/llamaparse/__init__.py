"""LlamaParse through its v2 API."""
