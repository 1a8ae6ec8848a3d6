"""Settings about Prefect: its server, and what its runs may read. Part of `pipeline.settings`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings


class PrefectSettings(BaseSettings):
    """What an operator sets about Prefect, beside Prefect's own variables."""

    prefect_hosts: str = Field(
        default="127.0.0.1 localhost",
        min_length=1,
        description="Names under which the Prefect server that we start is reached; by spaces.",
    )
    prefect_auth_file: Path | None = Field(
        default=None,
        description="File with user:password for the server of PREFECT_API_URL.",
    )
    ingest_roots: str = Field(
        default="",
        description="Folders whose files a worker's runs may take in, joined by the system's path "
        "separator; none until named. `navigator ingest` needs none.",
    )
    worker_child_runs: bool = Field(
        default=False,
        description="`navigator worker` runs what has job variables, or is of a flow that is not "
        "installed here, in a process of its own, as Prefect's own worker does: whoever may use "
        "Prefect then runs any code on this machine.",
    )
