"""Maintenance queries, page by page, and the repairs of what they find."""
