"""Embedding spaces beside each other: built, compared, switched, rolled back and dropped."""
