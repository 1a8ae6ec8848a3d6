"""Local parsing: bytes of a PDF, DOCX, HTML, Markdown or text file to pages of Markdown."""
