"""Local parsing: the bytes of one file to pages of Markdown, with tables, notes and facts.

Reading order: `media` (what a file is; `kinds` names them), `local` (the parser: one room for each
family of formats), `workers` (the same in processes with limits), `assessment` (is the result text
that a person can read?). A new format is a module with `read(content, options) -> Reading` and its
line in `local`; `flowing` has what formats without pages share.
"""
