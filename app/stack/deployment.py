"""Creates the work pool, the block types and the deployments (`python -m app.stack.deployment`)."""

from __future__ import annotations

import asyncio
import os
import runpy
import sys

import httpx

from app.prefect.access import change_headers
from app.prefect.server import join_prefect
from app.terminal.console import say
from pipeline.child_processes import ROOT, child_environment
from pipeline.installation import prefect_file
from pipeline.private_files import keep_private
from pipeline.settings import load_settings

POOL = "navigator"


def deploy(url: str) -> int:
    """Make what is missing and bring the rest up to date; the exit code.

    Does not return when pool and block types are there: the process goes on as Prefect's own
    command.
    """
    os.chdir(ROOT)  # before Prefect is imported: it reads settings in the current folder
    from app.worker.warm_worker import WarmWorker

    template = WarmWorker.get_default_base_job_template()
    pool = {"name": POOL, "type": WarmWorker.type, "base_job_template": template}
    try:
        headers = change_headers(url)
        answer = httpx.post(f"{url}/work_pools/", json=pool, headers=headers, timeout=30)
    except httpx.HTTPError as error:
        say(f"Prefect does not answer ({type(error).__name__}).")
        return 1
    # 409: it is there already, perhaps because the worker was quicker.
    if not answer.is_success and answer.status_code != httpx.codes.CONFLICT:
        say(f"Prefect does not make the work pool (HTTP {answer.status_code}).")
        return 1
    if not asyncio.run(_register_blocks()):
        return 1
    os.environ |= child_environment(os.environ)
    # In this process: Prefect is imported already, and takes seconds of a start.
    sys.argv = ["prefect", "--no-prompt", "deploy", "--prefect-file", str(prefect_file()), "--all"]
    runpy.run_module("prefect", run_name="__main__", alter_sys=True)
    return 0


async def _register_blocks() -> bool:
    """Have the server know our block types, so that they can be filled in and chosen."""
    from blocks.registry import BLOCK_TYPES

    try:
        for each in BLOCK_TYPES:
            await each.aregister_type_and_schema()
    except Exception as error:  # whatever Prefect's client raises, also for an answer
        say(f"Prefect does not take the block types ({type(error).__name__}).")
        return False
    return True


def main() -> int:
    """Deploy to the server that PREFECT_API_URL names."""
    settings = load_settings()
    url = join_prefect(settings.home, settings.prefect_auth_file)
    if url is None:
        say("PREFECT_API_URL names no server.")
        return 2
    return deploy(url)


if __name__ == "__main__":
    keep_private()
    sys.exit(main())
