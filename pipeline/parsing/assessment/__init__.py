"""Measures a parsed document: text, letters, language, structure, gaps."""
