"""Deploys with Prefect's own command: what is missing, with its pool."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectAlreadyExists
from prefect.settings import get_current_settings

from deployments.drift.declared import DeclaredDeployments
from deployments.prefect_answers import prefect_answers
from pipeline.child_processes import ROOT, child_environment, module_command
from pipeline.errors import ServiceUnavailable

DEPLOY_SECONDS = 180.0


async def deploy(declared: DeclaredDeployments, names: Sequence[str]) -> None:
    """Deploy some of what is declared, with the work pool.

    Raises:
        ServiceUnavailable: Prefect's own command did not.
    """
    with prefect_answers():
        async with get_client() as client:
            for pool in {each["work_pool"]["name"] for each in declared.deployments}:
                with contextlib.suppress(ObjectAlreadyExists):
                    await client.create_work_pool(
                        WorkPoolCreate(name=pool, type=declared.pool_type)
                    )
    with tempfile.TemporaryDirectory(prefix="navigator-deploy-") as folder:
        file = Path(folder) / "prefect.yaml"
        file.write_text(yaml.safe_dump(dict(declared.written)), "utf-8")
        code = await _run_prefect(file, names)
    if code:
        raise ServiceUnavailable(f"`prefect deploy` failed for {', '.join(names)} (exit {code}).")


async def _run_prefect(file: Path, names: Sequence[str]) -> int:
    chosen = [option for name in names for option in ("--name", name)]
    command = module_command(
        "prefect", "--no-prompt", "deploy", "--prefect-file", str(file), *chosen
    )
    url = get_current_settings().api.url
    environment = child_environment({**os.environ, "PREFECT_API_URL": str(url)})
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=environment, stdin=quiet, stdout=quiet, stderr=quiet
    )
    try:
        async with asyncio.timeout(DEPLOY_SECONDS):
            return await process.wait()
    except TimeoutError:
        process.kill()
        return await process.wait()
