"""`navigator rollback`: goes back to the release that was verified before."""

from __future__ import annotations

from typing import Annotated

import typer

from app.terminal.options import Json


def command(
    environment: Annotated[str, typer.Argument(metavar="ENV", help="Of deployments/environments.")],
    abandoned: Annotated[
        bool,
        typer.Option(
            "--abandoned",
            help="Only take back a deployment whose process has died, once stdin ends.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Go back to the release that was verified before, or finish what a dead deployment left."""
    from app.process.guardian import guarded, wait_for_the_end

    if abandoned and not wait_for_the_end():
        return
    from app.terminal.rollouts import entered, show_outcome

    here = entered(environment)
    from deployments.releases.deploying import Deployer
    from deployments.releases.deployment_parts import Outcome

    async def go_back(deployer: Deployer) -> Outcome | None:
        if abandoned:
            return await deployer.finish_abandoned()
        with guarded(environment, here.given):
            return await deployer.go_back()

    if (outcome := here.work(go_back)) is not None:
        raise typer.Exit(show_outcome(outcome, here.settings, json=json))
