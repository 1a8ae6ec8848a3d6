"""Reads a page's ink with the layout reader (liteparse)."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pipeline.layout import Box
from pipeline.parsing.options import ParseOptions
from pipeline.parsing.pdf.drawn_lines import fills_of, rules_of
from pipeline.parsing.pdf.fields import annotation_of, field_of
from pipeline.parsing.pdf.ink import Block, BlockKind, PageInk, Word, around
from pipeline.text import normalize

if TYPE_CHECKING:
    import liteparse

_BATCH_PAGES = 50
# Characters without a meaning that the font or the file gives them.
_NO_CHARACTER = re.compile("[\ufffd\ue000-\uf8ff\U000f0000-\U0010ffff]")
# Control characters, but for PDFium's mark of a hyphen at a line's end.
_CONTROL = re.compile("[\x00\x01\x03-\x08\x0b-\x1f\x7f-\x9f]|\x02(?!$)")
# What belongs to the word before it, and what the word after it belongs to.
_CLOSING = ".,;:!?)]}%’”\"'/-"
_JOINING = "(/-.[{“‘@"
# Private characters that symbol fonts use for what everybody knows.
_SYMBOLS = str.maketrans(
    {
        "\uf0b7": "•",
        "\uf0a7": "▪",
        "\uf0d8": "➢",
        "\uf0fc": "✓",
        "\uf0a8": "☐",
        "\uf06f": "☐",
        "\uf0fe": "☒",
        "\uf078": "☒",
        "\uf052": "☑",
        "\uf0e0": "→",
        "\uf02d": "-",
        "\uf076": "❖",
        "\uf0d2": "®",
    }
)


class LayoutReader:
    """Reads the ink of a PDF's pages, a batch at a time.

    Args:
        content: the bytes of a PDF whose pages are not rotated.
        rotations: the clockwise degrees by which pages are shown rotated, by page.
        corrections: the degrees by which the text of pages, as they are drawn, stands rotated.
        tessdata: the folder of tesseract's data: pictures are read too.
    """

    def __init__(
        self,
        content: bytes,
        options: ParseOptions,
        rotations: Mapping[int, int],
        corrections: Mapping[int, int] = MappingProxyType({}),
        *,
        tessdata: str | None = None,
    ) -> None:
        self._content = content
        self._options = options
        self._rotations = rotations
        self._corrections = dict(corrections)
        self._tessdata = tessdata

    def pages(self, numbers: Sequence[int] | None = None) -> Iterator[PageInk]:
        """The ink of all pages, or of some; a page that cannot be read is left out."""
        import liteparse

        try:
            for result in self._results(numbers):
                for page in result.pages:
                    yield self._ink(page)
        except liteparse.ParseError:
            return  # what it refuses, PDFium may still read: those pages have no ink
        except BaseException as error:
            # A panic of its Rust core is no `Exception`; it is worth no more than a refusal.
            if type(error).__name__ != "PanicException":
                raise

    def _results(self, numbers: Sequence[int] | None) -> Iterator[liteparse.ParseResult]:
        parser = self._parser(numbers)
        if numbers is not None:  # batches know no single pages
            yield parser.parse(self._content)
            return
        for batch in parser.parse_batches(self._content, _BATCH_PAGES):
            yield batch.result

    def _parser(self, numbers: Sequence[int] | None) -> liteparse.LiteParse:
        import liteparse

        reads_pictures = self._tessdata is not None
        return liteparse.LiteParse(
            ocr_enabled=reads_pictures,
            ocr_failure_fatal=False if reads_pictures else None,
            ocr_language=self._options.ocr_languages if reads_pictures else None,
            tessdata_path=self._tessdata,
            num_workers=1 if reads_pictures else None,
            target_pages=",".join(map(str, numbers)) if numbers is not None else None,
            page_orientation_corrections=sorted(self._corrections.items()) or None,
            keep_headers_footers=True,
            output_format="text",
            image_mode="off",
            extract_links=False,
            extract_blocks=True,
            emit_word_boxes=True,
            extract_text_metadata=True,
            extract_vector_graphics=True,
            extract_form_fields=True,
            extract_annotations=True,
            include_complexity=True,
            continue_on_page_error=True,
            max_pages=max(10**6, self._options.max_pages),
            quiet=True,
        )

    def _ink(self, page: liteparse.ParsedPage) -> PageInk:
        number = page.page_num
        turn = (self._corrections.get(number, 0) + self._rotations.get(number, 0)) % 360
        ink = PageInk(page.page_num, page.width, page.height, turn)
        ink.words = _words(page.text_items)
        if page.vector_graphics is not None:
            ink.fills = fills_of(page.vector_graphics)
            ink.rules = rules_of(page.vector_graphics, ink.fills, ink.words)
        ink.blocks = [block for each in page.blocks or () if (block := _block(each)) is not None]
        ink.fields = [f for each in page.form_fields or () if (f := field_of(each)) is not None]
        ink.annotations = [
            note for each in page.annotations or () if (note := annotation_of(each)) is not None
        ]
        if (seen := page.complexity) is not None:
            ink.picture_share = 1.0 if seen.full_page_image else seen.image_coverage
        return ink


def _words(items: Sequence[liteparse.TextItem]) -> list[Word]:
    words: list[Word] = []
    usual = _usual_heights(items)
    for item in items:
        turn = round(item.rotation) % 360
        printed = item.font_height or item.font_size or item.height
        # Some fonts give a weight that is none.
        bold = 600 <= (item.font_weight or 0) <= 1000 or "bold" in (item.font_name or "").lower()
        before: Word | None = None
        for part in item.words:
            text = _CONTROL.sub("\ufffd", part.text.translate(_SYMBOLS))
            text = normalize(text).text.strip()
            if not text:
                continue
            box = Box(part.x, part.y, part.x + part.width, part.y + part.height)
            # An item has the size of its first character only; its words may be larger or smaller.
            size = printed if turn else part.height / usual[item.font_name]
            if (
                before is not None
                # Of sideways text the letters are set apart; there the whole run tells the words.
                and (turn or text[0] in _CLOSING or before.text[-1] in _JOINING)
                and f"{before.text[-8:]}{text[:8]}" in item.text
            ):
                # Punctuation that is set apart, with no space: "plan" and "." are one word.
                before.text += text
                before.box = around((before.box, box))
                continue
            before = Word(text, box, size, turn, bold, item.fill_color or "", len(words))
            before.uncertain = _NO_CHARACTER.search(text) is not None
            words.append(before)
    _name_rupees(words)
    return words


def _name_rupees(words: Sequence[Word]) -> None:
    """The sign of the rupee: fonts that are older than its character have it for a backtick."""
    for word, after in pairwise(words):
        amount = word.text[1:] or after.text
        if word.text[0] == "`" and amount[0].isdigit():
            word.text = f"₹{word.text[1:]}"


def _usual_heights(items: Sequence[liteparse.TextItem]) -> dict[str | None, float]:
    """For each font, how high words are in parts of its size."""
    counts: dict[str | None, Counter[float]] = defaultdict(Counter)
    for item in items:
        size = item.font_height or item.font_size or item.height
        for word in item.words if not round(item.rotation) else ():
            counts[item.font_name][round(word.height / size, 2) if size > 0 else 1.0] += 1
    return {font: max(ratios.most_common(1)[0][0], 0.1) for font, ratios in counts.items()}


_KINDS = {kind.value: kind for kind in BlockKind}


def _block(block: liteparse.LayoutBlock) -> Block | None:
    kind = _KINDS.get(block.kind)
    if kind is None or block.bbox is None:
        return None
    cells: tuple[tuple[Box | None, ...], ...] = ()
    if kind is BlockKind.TABLE:
        rows = [block.header or [], *(block.rows or [])]
        cells = tuple(tuple(_box(cell.bbox) for cell in row) for row in rows if row)
        if not any(box for row in cells for box in row):
            kind = BlockKind.GRID
    return Block(
        kind, _box(block.bbox) or Box(0, 0, 0, 0), block.level or 0, block.marker or "", cells
    )


def _box(rect: Any) -> Box | None:
    if rect is None:
        return None
    return Box(rect.x, rect.y, rect.x + rect.width, rect.y + rect.height)


def main_turn(ink: PageInk) -> int:
    """The quarter turn in which most of a page's characters stand: 0, 90, 180 or 270."""
    counts = {0: 0, 90: 0, 180: 0, 270: 0}
    for word in ink.words:
        if word.turn in counts:
            counts[word.turn] += len(word.text)
    return max(counts, key=lambda turn: (counts[turn], -turn))
