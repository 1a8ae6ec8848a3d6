"""`navigator deploy`: deploys a release to an environment."""

from __future__ import annotations

from typing import Annotated

import typer

from app.terminal.options import Json


def command(
    environment: Annotated[str, typer.Argument(metavar="ENV", help="Of deployments/environments.")],
    release: Annotated[
        str, typer.Argument(help="A file of `navigator release`, or the id of one known there.")
    ],
    json: Json = False,
) -> None:
    """Deploy a release: migrate, change, verify; what does not hold is rolled back by itself."""
    from pathlib import Path

    from app.process.guardian import guarded
    from app.terminal.rollouts import entered, show_outcome
    from deployments.releases.stored import is_id

    named = release if is_id(release) else str(Path(release).absolute())
    here = entered(environment)
    from deployments.releases.deploying import Deployer
    from deployments.releases.deployment_parts import Outcome
    from deployments.releases.stored import release_named

    async def deploy(deployer: Deployer) -> Outcome:
        packed = await release_named(deployer.storage, named)
        with guarded(environment, here.given):
            return await deployer.deploy(packed)

    raise typer.Exit(show_outcome(here.work(deploy), here.settings, json=json))
