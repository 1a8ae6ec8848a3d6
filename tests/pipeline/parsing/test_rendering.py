"""Pages as pictures: what a reader sees, in bounds."""

from __future__ import annotations

import asyncio
import io
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen import canvas

from clients.parser_pool.sandbox import ParserPool
from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.media import MediaType
from pipeline.parsing.options import MIB, ParseOptions
from pipeline.parsing.rendering import LONGEST_SIDE, can_be_drawn, render_page
from tests.pipeline.parsing.drawn_files import (
    colored,
    form_pdf,
    ink,
    marked_pdf,
    picture_bomb,
    shown,
)
from tests.pipeline.parsing.hostile_parsers import draw_as_told, obey
from tests.pipeline.parsing.made_files import bomb_pdf, pdf, picture, policy_pdf, raw_pdf

PDF = MediaType.PDF
STRICT = ParseOptions(timeout_seconds=2.0, memory_bytes=400 * MIB)


def drawn(content: bytes, page: int = 1, width: int = 612) -> bytes:
    return render_page(content, PDF, ParseOptions(), page=page, width=width)


@pytest.fixture
async def pool() -> AsyncIterator[ParserPool]:
    async with ParserPool(1, STRICT, parse=obey, rescue=None) as pool:
        yield pool


@pytest.mark.parametrize(
    ("rotation", "left", "top"), [(0, 50, 50), (90, 642, 50), (180, 462, 642), (270, 50, 462)]
)
def test_a_turned_page_is_drawn_as_it_is_shown(rotation: int, left: int, top: int) -> None:
    """The mark is where a reader of the turned page sees it, and the picture has its shape."""
    across, down = (612, 792) if rotation % 180 == 0 else (792, 612)
    image = shown(drawn(marked_pdf([rotation]), width=across))
    assert image.size == (across, down)
    for found, expected in zip(colored(image), (left, top, left + 100, top + 100), strict=True):
        assert abs(found - expected) <= 1


def test_only_what_the_crop_box_shows_is_drawn() -> None:
    """A page that shows a part of its medium is drawn as that part, from its upper left corner."""
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/CropBox[40 592 240 752]/Contents 4 0 R"
    content = raw_pdf(
        {
            1: b"<</Type/Catalog/Pages 2 0 R>>",
            2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            3: page + b">>",
            4: b"<</Length 41>>stream\n0.784 0 0 rg 50 642 100 100 re f         \nendstream",
        }
    )
    image = shown(drawn(content, width=200))
    assert image.size == (200, 160)
    assert colored(image) == (10, 10, 110, 110)


def test_forms_and_their_ticks_are_drawn() -> None:
    """What was filled in is to be seen, and an empty form is not."""
    filled = shown(drawn(form_pdf("Maria Rossi", ticked=True)))
    empty = shown(drawn(form_pdf("", ticked=False)))
    field, box = (105, 105, 295, 135), (104, 186, 126, 208)
    assert ink(filled, field) > 200 > 20 > ink(empty, field)
    assert ink(filled, box) > ink(empty, box) + 30


def test_annotations_are_drawn() -> None:
    """A stamp that lies over the page is part of what a reader sees."""
    content = raw_pdf(
        {
            1: b"<</Type/Catalog/Pages 2 0 R>>",
            2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 600]/Annots[4 0 R]>>",
            4: b"<</Type/Annot/Subtype/Stamp/Rect[100 400 200 500]/F 4/AP<</N 5 0 R>>>>",
            5: b"<</Type/XObject/Subtype/Form/BBox[0 0 100 100]/Length 34>>stream\n"
            b"0.784 0 0 rg 0 0 100 100 re f      \nendstream",
        }
    )
    assert colored(shown(drawn(content, width=600))) == (100, 100, 200, 200)


@pytest.mark.parametrize(
    ("size", "width", "expected"),
    [
        ((612, 792), 300, (300, 389)),
        ((612, 792), 10**9, (1237, LONGEST_SIDE)),
        ((14400, 14400), 1600, (1600, 1600)),
        ((14400, 3), 1600, (1600, 1)),
        ((3, 14400), 1600, (1, 1600)),
        ((3, 3), 1600, (1600, 1600)),
        ((612, 792), -5, (16, 21)),
    ],
)
def test_a_picture_is_as_wide_as_wanted_within_bounds(
    size: tuple[int, int], width: int, expected: tuple[int, int]
) -> None:
    """However large a page is or is wanted, neither side passes the limit."""
    content = raw_pdf(
        {
            1: b"<</Type/Catalog/Pages 2 0 R>>",
            2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]>>" % size,
        }
    )
    found = shown(drawn(content, width=width)).size
    assert all(abs(one - other) <= 1 for one, other in zip(found, expected, strict=True))


@pytest.mark.parametrize(
    ("content", "page", "code"),
    [
        (pdf(password="x"), 1, ParseCode.ENCRYPTED),
        (b"%PDF-1.7\nnothing of a page", 1, ParseCode.BROKEN),
        (policy_pdf(3), 4, ParseCode.NO_PAGE),
        (policy_pdf(3), 0, ParseCode.NO_PAGE),
        (policy_pdf(3), -1, ParseCode.NO_PAGE),
        (bomb_pdf(80 * MIB), 1, ParseCode.TOO_LARGE),
    ],
    ids=["password", "damaged", "behind the last", "zero", "negative", "bomb"],
)
def test_what_cannot_be_drawn_is_said(content: bytes, page: int, code: ParseCode) -> None:
    """Each has its reason in one sentence."""
    with pytest.raises(ParseError) as caught:
        drawn(content, page)
    assert caught.value.parse_code is code
    assert caught.value.message.endswith(".")


def test_a_damaged_file_that_can_be_mended_is_drawn() -> None:
    """Where parsing reads a file whose end is lost, its pages are drawn as well."""
    whole = marked_pdf([0])
    assert colored(shown(drawn(whole[: whole.rfind(b"xref")])))


def test_other_kinds_of_files_have_no_picture() -> None:
    """A text has no pages: that is said before anything is tried."""
    assert can_be_drawn("application/pdf")
    for kind in (MediaType.TEXT, MediaType.MARKDOWN, MediaType.HTML, MediaType.DOCX, None):
        assert not can_be_drawn(kind)
    with pytest.raises(ParseError) as caught:
        render_page(b"words", MediaType.TEXT, ParseOptions(), page=1, width=100)
    assert caught.value.parse_code is ParseCode.UNSUPPORTED_TYPE


async def test_pages_are_drawn_and_parsed_by_one_worker(pool: ParserPool) -> None:
    """A request names what it wants: the same process draws, then parses, then draws."""
    first = await pool.render(marked_pdf(), PDF, 1, 300)
    (pid,) = pool.pids
    assert (await pool.parse(b"next", PDF)).text.endswith("4 PDF")
    assert await pool.render(marked_pdf(), PDF, 1, 300) == first
    assert pool.pids == (pid,)
    with pytest.raises(ParseError) as caught:
        await pool.render(marked_pdf(), PDF, 2, 300)
    assert caught.value.parse_code is ParseCode.NO_PAGE
    assert pool.pids == (pid,)


async def test_pictures_of_enormous_size_cost_little(pool: ParserPool) -> None:
    """A page with a picture of 430 MB is drawn without holding it, within the memory of one."""
    image = shown(await pool.render(picture_bomb(12_000, 1), PDF, 1, 1600))
    assert image.size == (1600, 1600)


async def test_a_page_that_takes_too_long_is_given_up(pool: ParserPool) -> None:
    """Drawing ends at its time limit, says so, and the pool goes on."""
    bomb = picture_bomb(12_000, 60)
    await pool.render(marked_pdf(), PDF, 1, 300)
    with pytest.raises(ParseError) as caught:
        await pool.render(bomb, PDF, 1, 1600)
    assert caught.value.parse_code is ParseCode.TIMEOUT
    said = "Drawing the page took longer than the limit of 2 seconds of processor time."
    assert said in caught.value.message
    assert shown(await pool.render(marked_pdf(), PDF, 1, 300)).width == 300


@pytest.mark.parametrize(
    ("order", "code", "words"),
    [
        (b"segfault", ParseCode.CRASHED, "died while it drew this page"),
        (b"eat", ParseCode.OUT_OF_MEMORY, "Drawing the page needed more memory"),
        (b"raise", ParseCode.CRASHED, "ValueError"),
    ],
)
async def test_a_worker_that_dies_of_a_page_is_told(
    order: bytes, code: ParseCode, words: str
) -> None:
    """The reason is that of drawing, without a word of the document; the next page is drawn."""
    patient = replace(STRICT, timeout_seconds=30.0)
    async with ParserPool(1, patient, parse=obey, rescue=None, render=draw_as_told) as pool:
        with pytest.raises(ParseError) as caught:
            await pool.render(order, PDF, 1, 300)
        assert caught.value.parse_code is code
        assert words in caught.value.message
        assert "secret" not in caught.value.message
        assert await pool.render(b"fine", PDF, 2, 300) == b"2 300 fine"


async def test_a_killed_worker_is_replaced(pool: ParserPool) -> None:
    """kill -9 between two pages costs nothing."""
    await pool.render(marked_pdf(), PDF, 1, 300)
    os.kill(pool.pids[0], signal.SIGKILL)
    await asyncio.sleep(0.2)
    assert shown(await pool.render(marked_pdf(), PDF, 1, 300)).width == 300


def test_a_picture_is_its_own_page() -> None:
    """A picture is drawn as it is, a TIFF page by page, and never larger than asked for."""
    out = io.BytesIO()
    picture("Policy").save(out, "PNG")
    image = shown(render_page(out.getvalue(), MediaType.PNG, ParseOptions(), page=1, width=300))
    assert image.size == (300, 400)
    with pytest.raises(ParseError) as caught:
        render_page(out.getvalue(), MediaType.PNG, ParseOptions(), page=2, width=300)
    assert caught.value.parse_code is ParseCode.NO_PAGE


async def test_an_encrypted_page_is_drawn_with_its_password(pool: ParserPool) -> None:
    """Without the password there is no picture, with it there is one."""
    out = io.BytesIO()
    page = canvas.Canvas(out, encrypt=StandardEncryption("s3cret", canPrint=0))
    page.drawString(72, 700, "Locked policy")
    page.save()
    locked = out.getvalue()
    with pytest.raises(ParseError) as caught:
        await pool.render(locked, PDF, 1, 300)
    assert caught.value.parse_code is ParseCode.ENCRYPTED
    assert shown(await pool.render(locked, PDF, 1, 300, ["s3cret"])).width == 300
