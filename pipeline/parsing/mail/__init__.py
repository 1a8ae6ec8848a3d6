"""Parses e-mails and saved web pages: EML, MSG, MHTML."""
