"""Shared by formats without pages: blocks, inline text, grids, tables as Markdown."""
