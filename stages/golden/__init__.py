"""Golden questions: what a search has to find, asked of one embedding space or of two."""
