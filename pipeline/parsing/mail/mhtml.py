"""Parses saved web pages (MHTML): the page itself, without pictures and styles."""

from __future__ import annotations

from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.mail.bodies import read_body
from pipeline.parsing.mail.eml import MAX_PARTS, header, parsed_message, payload
from pipeline.parsing.options import ParseOptions
from pipeline.parsing.reading import Reading, one_page


def read(content: bytes, options: ParseOptions) -> Reading:
    """Reads a saved web page.

    Raises:
        ParseError: BROKEN, when there is no page in it.
    """
    message = parsed_message(content)
    facts = {
        "title": header(message, "Subject"),
        "url": header(message, "Snapshot-Content-Location"),
    }
    for count, part in enumerate(message.walk()):
        if part.get_content_type() in ("text/html", "application/xhtml+xml"):
            page = read_body(payload(part), part.get_content_charset(), html=True)
            known = {name: value for name, value in facts.items() if value}
            return one_page(page.markdown, *page.notes, facts=known)
        if count > MAX_PARTS:
            break
    raise ParseError(ParseCode.BROKEN, "The saved web page has no page in it.")
