"""PDF to pages: what is drawn on each page becomes text, tables and notes.

Reading order: `document` (the whole), `reader` (a page's ink: words, rules, fields), `rulings` and
`ruled_tables` (tables from the drawn lines), `assembly` (a page's text), `furniture` and
`continuation` (what only several pages together show), `second_reading` (the check).
"""
