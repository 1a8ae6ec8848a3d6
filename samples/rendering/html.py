"""HTML: a page as a website would serve it, with navigation and a footer around the text."""

from __future__ import annotations

from html import escape

from samples.rendering.source import Source, markdown_parser

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.55 Georgia, serif; color: #1d2430; margin: 0; }}
header, footer {{ background: {color}; color: #fff; padding: 0.8rem 1.5rem; }}
header a {{ color: #fff; margin-right: 1.2rem; }}
main {{ max-width: 52rem; margin: 0 auto; padding: 1rem 1.5rem 3rem; }}
h1, h2 {{ color: {color}; }}
table {{ border-collapse: collapse; width: 100%; margin: 1rem 0; }}
th, td {{ border: 1px solid #c3c9d2; padding: 0.4rem 0.6rem; text-align: left; }}
th {{ background: #f3f5f8; }}
</style>
</head>
<body>
<header><strong>{insurer}</strong>
<nav><a href="/plans">Plans</a><a href="/find">Find a provider</a><a href="/claims">Claims</a></nav>
</header>
<main>
{body}</main>
<footer>{reference} &middot; {footer}</footer>
<script>document.documentElement.dataset.ready = "true";</script>
</body>
</html>
"""


def render_html(document: Source) -> bytes:
    """The source as a web page in UTF-8."""
    texts = {key: escape(str(value)) for key, value in document.settings.items()}
    body = markdown_parser().render(document.markdown)
    return PAGE.format(**texts, body=body).encode()
