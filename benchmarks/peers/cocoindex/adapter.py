"""Ingests a folder with CocoIndex: run by the benchmark in an environment of its own.

As CocoIndex's documentation has it: files that are walked, a splitter, an embedding that remembers
what it embedded, and a table of Postgres as the target. Windows are 1,600 characters, about our 400
tokens; 256 texts a request, by the official SDK. One JSON object on stdout.
"""

# mypy: ignore-errors

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

os.environ["COCOINDEX_DISABLE_USAGE_TRACKING"] = "1"  # asks the internet at every start

import asyncpg
import cocoindex as coco
import numpy as np
from cocoindex.connectors import localfs, postgres
from cocoindex.ops.text import RecursiveSplitter
from cocoindex.resources.file import PatternFilePathMatcher
from cocoindex.resources.id import IdGenerator
from cocoindex.resources.schema import VectorSchema
from numpy.typing import NDArray
from openai import AsyncOpenAI

DIMENSIONS, INPUTS = 1536, 256
ASKED = json.loads(sys.argv[1])
DATABASE = coco.ContextKey("database")
_client = AsyncOpenAI(api_key="benchmark", base_url=ASKED["openai_url"])
_splitter = RecursiveSplitter()


@coco.lifespan
async def lifespan(builder: coco.EnvironmentBuilder) -> AsyncIterator[None]:
    """Keep what was done beside the documents, and write to the benchmark's Postgres."""
    builder.settings.db_path = Path(ASKED["folder"]).with_suffix(".cocoindex")
    async with await asyncpg.create_pool(ASKED["database_url"]) as pool:
        builder.provide(DATABASE, pool)
        yield


@dataclass
class Passage:
    """A row of the target."""

    id: int
    name: str
    text: str
    embedding: Annotated[NDArray[np.float32], VectorSchema(np.dtype(np.float32), DIMENSIONS)]


@coco.fn.as_async(batching=True, max_batch_size=INPUTS)
async def embed_together(texts: list[str]) -> list[np.ndarray]:
    """The vectors of texts, in one request."""
    answer = await _client.embeddings.create(model=ASKED["model"], input=texts)
    return [np.asarray(each.embedding, np.float32) for each in answer.data]


@coco.fn(memo=True)
async def embedded(text: str) -> np.ndarray:
    """The vector of a text, remembered."""
    return await embed_together(text)


@coco.fn
async def take_passage(passage, name, ids, table) -> None:
    """Declare a row."""
    table.declare_row(
        row=Passage(
            await ids.next_id(passage.text), name, passage.text, await embedded(passage.text)
        )
    )


@coco.fn(memo=True)
async def take_file(file, table) -> None:
    """Cut a file, and declare its rows."""
    passages = _splitter.split(
        await file.read_text(), chunk_size=1600, chunk_overlap=200, language="markdown"
    )
    await coco.map(take_passage, passages, file.file_path.path.name, IdGenerator(), table)


@coco.fn
async def take_folder(folder: Path) -> None:
    """Declare the table and what is in it."""
    schema = await postgres.TableSchema.from_class(Passage, primary_key=["id"])
    table = await postgres.mount_table_target(DATABASE, "passages", schema)
    files = localfs.walk_dir(
        folder, recursive=True, path_matcher=PatternFilePathMatcher(included_patterns=["**/*"])
    )
    await coco.mount_each(take_file, files.items(), table)


def main() -> None:
    """Ingest what the argument names, and say what came of it."""
    started = time.perf_counter()
    app = coco.App(coco.AppConfig(name="Benchmark"), take_folder, folder=Path(ASKED["folder"]))
    app.update_blocking()
    print(json.dumps({"seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    main()
