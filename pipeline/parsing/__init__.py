"""Local parsing: bytes of a PDF, DOCX, HTML, Markdown or text file to pages of Markdown.

Reading order: `media` (what a file is), `local` (the parser), `sandbox` (the same in worker
processes with limits), `validation` (is the result text?).
"""
