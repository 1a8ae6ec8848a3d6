"""What can be counted in a parsed document: text, letters, language, structure, gaps."""
