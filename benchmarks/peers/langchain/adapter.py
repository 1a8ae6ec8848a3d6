"""Ingests a folder with LangChain's `index()`: run by the benchmark in an environment of its own.

As LangChain's documentation has it: Markdown files, a splitter, PGVector, and a record manager that
sends only what is new. Windows are 2,400 characters, about our 600 tokens: to count tokens it would
load a file from the internet. 256 texts a request, as the floor has it. One JSON object on stdout.
"""

# mypy: ignore-errors

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from langchain_classic.indexes import SQLRecordManager
from langchain_core.documents import Document
from langchain_core.indexing import index
from langchain_openai import OpenAIEmbeddings
from langchain_postgres import PGVector
from langchain_text_splitters import RecursiveCharacterTextSplitter

INPUTS = 256


def documents(folder: Path) -> Iterator[Document]:
    """The windows of every file of a folder, with the file's name as their source."""
    splitter = RecursiveCharacterTextSplitter(chunk_size=2400, chunk_overlap=200)
    for path in sorted(folder.iterdir()):
        whole = Document(path.read_text(), metadata={"source": path.name})
        yield from splitter.split_documents([whole])


def main() -> None:
    """Ingest what the argument names, and say what came of it."""
    asked = json.loads(sys.argv[1])
    started = time.perf_counter()
    url = asked["database_url"].replace("postgresql://", "postgresql+psycopg://", 1)
    embeddings = OpenAIEmbeddings(
        model=asked["model"], api_key="benchmark", base_url=asked["openai_url"],
        chunk_size=INPUTS, check_embedding_ctx_length=False,
    )  # fmt: skip
    store = PGVector(embeddings, connection=url, collection_name="benchmark")
    records = SQLRecordManager("pgvector/benchmark", db_url=url)
    records.create_schema()
    result = index(
        documents(Path(asked["folder"])), records, store, batch_size=INPUTS,
        cleanup="incremental", source_id_key="source", key_encoder="sha256",
    )  # fmt: skip
    print(json.dumps({"seconds": time.perf_counter() - started, **result}))


if __name__ == "__main__":
    main()
