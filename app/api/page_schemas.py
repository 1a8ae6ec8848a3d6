"""Schemas of one page of a document in the API's answers."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from pipeline.documents import ParsedPage
from pipeline.layout import Box, RegionKind, Table
from pipeline.notes import Note, NoteKind
from pipeline.pages import ChunkOnPage, row_offsets
from stages.page_view import PageView

BoxOut = Annotated[
    tuple[float, float, float, float],
    Field(description="Left, top, right, bottom, in points from the page's upper left corner."),
]
Offset = Annotated[int, Field(ge=0, description="Into the page's text, in characters.")]


class NoteOut(BaseModel):
    """What a person should know of a page beside its text."""

    kind: NoteKind
    gap: bool = Field(description="Something that a reader sees was not read.")
    message: str
    pages: list[int] = Field(description="Empty where it is about the whole document.")


class RegionOut(BaseModel):
    """Where on the page a part of its text stands."""

    kind: RegionKind
    start: Offset
    end: Offset
    box: BoxOut


class TableOut(BaseModel):
    """A table of the page."""

    start: Offset
    end: Offset
    header: list[str] = Field(description="Of each column; levels are joined by ` / `.")
    rows: list[list[str]]
    row_offsets: list[tuple[Offset, Offset]] = Field(
        description="Of each row; empty where that cannot be told."
    )
    caption: str
    continues: bool = Field(description="It goes on from the page before.")
    box: BoxOut | None


class ChunkOut(BaseModel):
    """What stands of a chunk on the page."""

    id: UUID
    ordinal: int
    role: str
    context: str
    heading_path: list[str]
    start: Offset
    end: Offset
    from_before: bool = Field(description="It begins on an earlier page.")
    goes_on: bool = Field(description="It ends on a later page.")
    boxes: list[BoxOut] = Field(description="Of the regions that it has a part in.")


class PageOut(BaseModel):
    """One page: what was read of it, and where its picture is."""

    document_id: UUID
    job_id: UUID
    name: str
    version: int
    published: bool = Field(description="Readers see this version.")
    number: int
    of: int = Field(description="Pages of the document.")
    paged: bool = Field(description="False for a format without pages: all of it is page 1.")
    size: tuple[float, float] | None = Field(description="Width and height in points, as shown.")
    text: str = Field(description="Markdown.")
    scanned: bool = Field(description="The page is a picture, and was not read.")
    error: str | None = Field(description="Why the page could not be read.")
    notes: list[NoteOut] = Field(description="Gaps first.")
    regions: list[RegionOut]
    tables: list[TableOut]
    furniture: list[str] = Field(description="Headers and footers that are left out of the text.")
    chunks: list[ChunkOut]
    picture: str | None = Field(description="Its address; null where files have no pages.")


def page_out(view: PageView, picture: str | None) -> PageOut:
    """A page as it is shown."""
    version, page = view.version, view.page
    return PageOut(
        document_id=version.document_id,
        job_id=version.job_id,
        name=version.name,
        version=version.version,
        published=version.published,
        number=page.number,
        of=view.of,
        paged=view.paged,
        size=page.size,
        text=page.text,
        scanned=page.scanned,
        error=page.error,
        notes=[_note(note) for note in view.notes],
        regions=[
            RegionOut(kind=each.kind, start=each.start, end=each.end, box=each.box)
            for each in page.regions
        ],
        tables=[_table(page, table) for table in page.tables],
        furniture=list(page.furniture),
        chunks=[_chunk(chunk) for chunk in view.chunks],
        picture=picture,
    )


def _note(note: Note) -> NoteOut:
    return NoteOut(kind=note.kind, gap=note.is_gap, message=note.message, pages=list(note.pages))


def _table(page: ParsedPage, table: Table) -> TableOut:
    return TableOut(
        start=table.start,
        end=table.end,
        header=list(table.header),
        rows=[list(row) for row in table.rows],
        row_offsets=row_offsets(page.text, table),
        caption=table.caption,
        continues=table.continues,
        box=table.box,
    )


def _chunk(chunk: ChunkOnPage) -> ChunkOut:
    return ChunkOut(
        id=chunk.chunk_id,
        ordinal=chunk.ordinal,
        role=chunk.role,
        context=chunk.context,
        heading_path=list(chunk.heading_path),
        start=chunk.start,
        end=chunk.end,
        from_before=chunk.from_before,
        goes_on=chunk.goes_on,
        boxes=[Box(*box) for box in chunk.boxes],
    )
