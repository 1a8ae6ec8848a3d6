"""Measures search over made-up passages in great number: words, vectors, both, and others."""
