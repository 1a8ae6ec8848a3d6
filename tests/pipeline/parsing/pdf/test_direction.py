"""Lines of Arabic and Hebrew, which are read from the right."""

from __future__ import annotations

import pytest

from pipeline.layout import Box
from pipeline.parsing.pdf.ink import Word
from pipeline.parsing.pdf.lines import line_text, lines_of


def printed(text: str) -> str:
    """The text of a line whose words stand on the page from left to right as they are given."""
    words = [
        Word(word, Box(72 + 40 * n, 100, 105 + 40 * n, 112), 10, order=n)
        for n, word in enumerate(text.split())
    ]
    (line,) = lines_of(words)
    return line_text(line)


@pytest.mark.parametrize(
    ("on_the_page", "read"),
    [
        ("the insured pays $25", "the insured pays $25"),
        ("المريض أقارب من", "من أقارب المريض"),
        ("הביטוח פוליסת", "פוליסת הביטוח"),
        ("الطبية الخدمات (23", "(23 الخدمات الطبية"),
        ("خدمات التأمين Blue Cross من", "من Blue Cross التأمين خدمات"),
        ("Policy of شركة التأمين قطر here", "Policy of قطر التأمين شركة here"),
    ],
)
def test_words_come_as_they_are_read(on_the_page: str, read: str) -> None:
    """A line from the right begins at its right end; what is written from the left stays so."""
    assert printed(on_the_page) == read
