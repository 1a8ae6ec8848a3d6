"""Parses presentations, OpenDocument, RTF and old Word files."""
