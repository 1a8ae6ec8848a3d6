"""Small files for the contract tests."""

from __future__ import annotations

import io


def pdf(*pages: str, password: str | None = None) -> bytes:
    """A PDF with one line of text a page."""
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    lock = StandardEncryption(password, strength=128) if password else None
    canvas = Canvas(out, encrypt=lock)
    for text in pages:
        canvas.drawString(72, 720, text)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


POLICY = ("The deductible is $500.", "Eyeglasses: every second year.", "Claims: within 90 days.")
"""The pages of `policy_pdf`."""


def policy_pdf() -> bytes:
    """Three pages."""
    return pdf(*POLICY)
