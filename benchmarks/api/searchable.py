"""From upload to searchable: a ten-page PDF through everything, beside the sum of its stages."""

from __future__ import annotations

import io
import random
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import httpx

from benchmarks.corpus import document

PAGES = 10
TIMEOUT_SECONDS = 60.0


def made_pdf(seed: int) -> tuple[bytes, str]:
    """A PDF of ten pages of text, and a phrase that only it holds."""
    from reportlab.lib.pagesizes import LETTER
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate

    styles, story = getSampleStyleSheet(), []
    phrase = f"clause marker {random.Random(seed).randrange(10**9)}"
    for page in range(PAGES):
        story.append(Paragraph(f"Section {page + 1}", styles["Heading1"]))
        # What fits on one page of Letter.
        text = document(1_000_000 + seed * PAGES + page)[:2_600].replace("#", "")
        story += [Paragraph(part, styles["BodyText"]) for part in text.split("\n\n") if part]
        if page == PAGES // 2:
            story.append(Paragraph(f"This page holds the {phrase}.", styles["BodyText"]))
        story.append(PageBreak())
    buffer = io.BytesIO()
    SimpleDocTemplate(buffer, pagesize=LETTER).build(story)
    return buffer.getvalue(), phrase


def through_the_system(
    url: str, headers: dict[str, str], pdf: bytes, phrase: str
) -> dict[str, float]:
    """Upload and search until the passage is found; seconds to each step.

    Raises:
        RuntimeError: it was not found in a minute.
    """
    with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
        started = time.perf_counter()
        answer = client.post("/documents", files={"file": ("policy.pdf", pdf, "application/pdf")})
        answer.raise_for_status()
        accepted = time.perf_counter() - started
        job, first_stage = answer.json()["job"]["id"], None
        while (passed := time.perf_counter() - started) < TIMEOUT_SECONDS:
            now = client.get(f"/jobs/{job}").raise_for_status().json()
            if first_stage is None and (now["working"] or now["stage"]):
                first_stage = passed
            if now["state"] in ("complete", "complete_with_gaps"):
                break
            time.sleep(0.05)
        found = client.post("/search", json={"question": phrase, "mode": "text", "limit": 1})
        passages = found.raise_for_status().json()["passages"]
        if not passages or phrase.split()[-1] not in passages[0]["text"]:
            raise RuntimeError("the document was not found")
        return {
            "accepted": accepted,
            "first_stage": first_stage or passed,
            "searchable": time.perf_counter() - started,
        }


async def stage_floors(pdf: bytes, openai_url: str, database_url: str) -> dict[str, float]:
    """Seconds of each stage's work alone: warm, without state, checks or orchestration."""
    from pydantic import SecretStr

    from clients.openai.embedder import OpenAIEmbedder
    from clients.parser_pool.sandbox import ParserPool
    from pipeline.chunk_sizes import RECOMMENDED
    from pipeline.chunking import ChunkerOptions, chunk_document
    from pipeline.parsing.media import MediaType
    from pipeline.tokens import tokenizer

    embedder = OpenAIEmbedder(SecretStr("sk-benchmark"), base_url=openai_url)
    counter = tokenizer(embedder.tokenizer_name)
    try:
        async with ParserPool(1) as pool:
            await pool.parse(pdf, MediaType.PDF)
            started = time.perf_counter()
            parsed = await pool.parse(pdf, MediaType.PDF)
            parse = time.perf_counter() - started
        sizes = ChunkerOptions(RECOMMENDED.tokens, RECOMMENDED.overlap_tokens)
        chunks, chunk = _timed(lambda: chunk_document(parsed, sizes, counter))
        texts = [each.embedding_text for each in chunks]
        await embedder.embed(texts[:1])
        started = time.perf_counter()
        answer = await embedder.embed(texts)
        embed = time.perf_counter() - started
        rows = list(zip((uuid4() for _ in texts), texts, answer.vectors, strict=True))
        started = time.perf_counter()
        await _written(rows, database_url)
        write = time.perf_counter() - started
    finally:
        await embedder.close()
    return {"parse": parse, "chunk": chunk, "embed": embed, "write": write}


async def _written(rows: list[tuple[UUID, str, Any]], database_url: str) -> None:
    import psycopg
    from pgvector.psycopg import register_vector_async

    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        await register_vector_async(connection)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS plain_chunks "
            "(id uuid PRIMARY KEY, text text, embedding vector)"
        )
        async with (
            connection.cursor() as cursor,
            cursor.copy("COPY plain_chunks FROM STDIN (FORMAT BINARY)") as copy,
        ):
            copy.set_types(["uuid", "text", "vector"])
            for row in rows:
                await copy.write_row(row)


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    work()
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started
