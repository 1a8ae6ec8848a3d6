"""Deploys the environment: pool, blocks, deployments (`python -m app.stack.deployment`)."""

from __future__ import annotations

import asyncio
import os
import runpy
import sys
from pathlib import Path

from app.prefect.access import CLIENT_VARIABLE
from app.prefect.server import join_prefect
from app.terminal.console import say
from deployments.automation_changes import put_automations
from deployments.environment import Environment
from deployments.environment_files import own_environment
from deployments.prefect_api import prefect_api
from deployments.releases.installed import current_file
from deployments.rendering import prefect_text
from deployments.work_pool import put_work_pool
from pipeline.child_processes import ROOT, child_environment
from pipeline.errors import NavigatorError
from pipeline.installation import prefect_file
from pipeline.private_files import keep_private, write_private
from pipeline.settings import load_settings


def deploy(url: str, environment: Environment, home: Path, api_url: str | None) -> int:
    """Make what is missing and bring the rest up to date; the exit code.

    Args:
        api_url: where the server reaches our API, for automations that raise alerts.

    Does not return when that is done: the process goes on as Prefect's own command.
    """
    os.chdir(ROOT)  # before Prefect is imported: it reads settings in the current folder
    try:
        with prefect_api(url, os.environ.get(CLIENT_VARIABLE), changing=True) as server:
            put_work_pool(server, environment)
        asyncio.run(_put_blocks(environment, api_url))
        with prefect_api(url, os.environ.get(CLIENT_VARIABLE), changing=True) as server:
            put_automations(server, environment)
        file = deployed_file(environment, home)
    except NavigatorError as error:
        say(f"{error.message} {error.remedy}")
        return 1
    schedule_sources()
    os.environ |= child_environment(os.environ)
    # In this process: Prefect is imported already, and takes seconds of a start.
    sys.argv = ["prefect", "--no-prompt", "deploy", "--prefect-file", str(file), "--all"]
    runpy.run_module("prefect", run_name="__main__", alter_sys=True)
    return 0


async def _put_blocks(environment: Environment, api_url: str | None) -> None:
    from prefect.client.orchestration import get_client

    from app.api.secrets import signing_secret
    from deployments.alert_target import save_alert_target
    from deployments.alert_webhook import save_alert_webhook
    from deployments.block_types import register_block_types
    from deployments.prefect_answers import prefect_answers

    with prefect_answers():
        async with get_client() as client:
            await register_block_types(client)
    await save_alert_target(environment, os.environ)
    if (reached := environment.alerts_api_url or api_url) is not None:
        await save_alert_webhook(reached, signing_secret(load_settings()))


def deployed_file(environment: Environment, home: Path) -> Path:
    """The prefect.yaml of an environment: the shipped one if it is that, else one in the home."""
    text, shipped = prefect_text(environment), prefect_file()
    if text == shipped.read_text("utf-8"):
        return shipped
    path = home / f"prefect-{environment.name}.yaml"
    write_private(path, text.encode())
    return path


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
    if current_file(settings.home).exists():
        say("Releases are deployed here: their deployments are left to `navigator deploy`.")
        return 0
    try:
        environment = own_environment()
    except NavigatorError as error:
        say(f"{error.message} {error.remedy}")
        return 2
    return deploy(url, environment, settings.home, sys.argv[1] if sys.argv[1:] else None)


if __name__ == "__main__":
    keep_private()
    sys.exit(main())
