"""Parses Markdown and plain text, in any encoding."""
