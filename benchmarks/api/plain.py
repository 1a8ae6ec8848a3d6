"""The floor: an upload and a status as one would write them by hand, without rights or checks.

A file is read whole, hashed, written to a folder and given a row; its status is that row. Served in
a process of its own: `python -m benchmarks.api.plain`, with DATABASE_URL and PORT set.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated
from uuid import UUID, uuid4

import psycopg
import uvicorn
from fastapi import FastAPI, File, Request, UploadFile


@asynccontextmanager
async def _opened(app: FastAPI) -> AsyncIterator[None]:
    url = os.environ["DATABASE_URL"]
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS plain (id uuid PRIMARY KEY, sha256 text, state text)"
        )
        app.state.connection = connection
        app.state.folder = Path(tempfile.mkdtemp(prefix="plain-"))
        yield


app = FastAPI(lifespan=_opened)


@app.post("/documents", status_code=202)
async def upload(request: Request, file: Annotated[UploadFile, File()]) -> dict[str, str]:
    """Keep a file."""
    content = await file.read()
    sha256, job = hashlib.sha256(content).hexdigest(), uuid4()
    await asyncio.to_thread((request.app.state.folder / sha256).write_bytes, content)
    await request.app.state.connection.execute(
        "INSERT INTO plain VALUES (%s, %s, 'uploaded')", (job, sha256)
    )
    return {"id": str(job)}


@app.get("/jobs/{job}")
async def status(request: Request, job: UUID) -> dict[str, str]:
    """The row of a file."""
    found = await request.app.state.connection.execute(
        "SELECT state FROM plain WHERE id = %s", (job,)
    )
    row = await found.fetchone()
    return {"id": str(job), "state": row[0]}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
