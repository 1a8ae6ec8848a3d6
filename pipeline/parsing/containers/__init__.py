"""Containers: files inside files."""
