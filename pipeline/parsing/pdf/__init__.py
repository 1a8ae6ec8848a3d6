"""Parses PDF to pages: what is drawn on each becomes text, tables and notes.

Reading order: `document` (the whole), `reading` (the drafts of all pages), `reader` (a page's ink:
words, rules, fields), `second_look` (what the layout reader glued or overlooked), `rulings` and
`ruled_tables` (tables and forms from the drawn lines), `assembly` (a page's text), `text_blocks`,
`block_pieces` and `paragraphs` (columns, tables without lines, paragraphs, items), `furniture` and
`continuation` (what only several pages together show), `second_reading` (the check).
"""
