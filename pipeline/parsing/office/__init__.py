"""Presentations, OpenDocument, RTF and old Word files."""
