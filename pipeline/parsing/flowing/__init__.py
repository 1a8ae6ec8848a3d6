"""What formats without pages share: blocks, inline text, grids, tables as Markdown."""
