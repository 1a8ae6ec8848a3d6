"""Creates the work pool and the deployments of prefect.yaml (`python -m app.stack.deployment`)."""

from __future__ import annotations

import asyncio
import os
import sys

import httpx

from app.prefect.access import change_headers
from app.prefect.server import join_prefect
from app.terminal.console import say
from pipeline.child_processes import ROOT, child_environment, module_command
from pipeline.installation import prefect_file
from pipeline.private_files import keep_private
from pipeline.settings import load_settings

POOL = {"name": "navigator", "type": "process", "base_job_template": {}}


def deploy(url: str) -> int:
    """Make what is missing and bring the rest up to date; the exit code.

    Does not return when the pool is there: the process becomes Prefect's own command.
    """
    try:
        headers = change_headers(url)
        answer = httpx.post(f"{url}/work_pools/", json=POOL, headers=headers, timeout=30)
    except httpx.HTTPError as error:
        say(f"Prefect does not answer ({type(error).__name__}).")
        return 1
    # 409: it is there already, perhaps because the worker was quicker.
    if not answer.is_success and answer.status_code != httpx.codes.CONFLICT:
        say(f"Prefect does not make the work pool (HTTP {answer.status_code}).")
        return 1
    schedule_sources()
    os.chdir(ROOT)
    command = module_command(
        "prefect", "--no-prompt", "deploy", "--prefect-file", str(prefect_file()), "--all"
    )
    os.execve(command[0], command, child_environment(os.environ))  # noqa: S606


def schedule_sources() -> None:
    """Schedule the sources that were added; `maintain` does it where this cannot."""
    from app.sources import all_sources, reschedule

    settings = load_settings()
    try:
        if asyncio.run(all_sources(settings)):
            reschedule(settings)
    except Exception as error:  # the deployments of prefect.yaml are worth having without
        say(f"Sources are not scheduled yet ({type(error).__name__}).")


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
