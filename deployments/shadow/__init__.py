"""Shadows: a release works on a share of the new documents, and what it makes is only compared."""
