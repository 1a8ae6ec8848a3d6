"""Fidelity measurements: how far a parser's text agrees with the page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fidelity:
    """Measurements of one document's reading; None where nothing was measured.

    Shares are between 0 and 1. The text itself is measured by the gate, not here.

    Attributes:
        words_found: share of the words of an independent reading that stand in ours too.
        order_agreement: share of the neighboring word pairs of the independent reading that are
            neighbors in ours too.
        ruled_rows: rows of tables that the page draws with ruling lines or fills.
        ruled_rows_whole: those of them whose cells stand in one row of our text.
        pages: of the file that show anything; blank ones do not count.
        pages_with_text: those of them of which words were read.
        glyphs: characters that the pages draw.
        glyphs_without_unicode: those whose font does not say which character they are.
    """

    words_found: float | None = None
    order_agreement: float | None = None
    ruled_rows: int | None = None
    ruled_rows_whole: int | None = None
    pages: int | None = None
    pages_with_text: int | None = None
    glyphs: int | None = None
    glyphs_without_unicode: int | None = None
