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
    from app.process.guardian import guarded
    from app.terminal.rollouts import entered, show_outcome, with_deployer
    from deployments.releases.deploying import Deployer, Outcome
    from deployments.releases.stored import release_named
    from pipeline.settings import load_settings

    declared, given = entered(environment)

    async def deploy(deployer: Deployer) -> Outcome:
        packed = await release_named(deployer.storage, release)
        with guarded(environment, given):
            return await deployer.deploy(packed)

    outcome = with_deployer(declared, given, deploy)
    raise typer.Exit(show_outcome(outcome, load_settings(), json=json))
