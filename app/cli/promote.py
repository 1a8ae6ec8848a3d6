"""`navigator promote`: deploys to one environment what was verified in another."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from app.terminal.options import Json

if TYPE_CHECKING:
    from deployments.releases.archive import Packed


def command(
    source: Annotated[str, typer.Argument(metavar="FROM", help="Where it was verified.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="Where it is deployed.")],
    release: Annotated[
        str | None, typer.Option(help="Its id; by itself the one that runs in FROM.")
    ] = None,
    json: Json = False,
) -> None:
    """Deploy to one environment what was verified in another: the same file, nothing else."""
    from app.terminal.console import say
    from deployments.releases.archive import file_name
    from pipeline.child_processes import child_environment, module_command

    given = dict(os.environ)
    packed = _verified_release(source, release)
    say(f"{packed.release.id} was verified in {source}; it goes to {target}")
    with TemporaryDirectory(prefix="navigator-promotion-") as folder:
        path = Path(folder) / file_name(packed.release)
        path.write_bytes(packed.written())
        command_ = module_command("app", "deploy", target, str(path), *(["--json"] if json else []))
        # in a process of its own: each environment has its variables
        done = subprocess.run(command_, env=child_environment(given), check=False)  # noqa: S603
    raise typer.Exit(done.returncode)


def _verified_release(source: str, release: str | None) -> Packed:
    from app.terminal.rollouts import entered

    here = entered(source)
    from deployments.releases.deploying import Deployer
    from deployments.releases.stored import stored_release
    from pipeline.errors import UsageError
    from pipeline.store import rollouts

    async def read(deployer: Deployer) -> Packed:
        async with deployer.database.service() as connection:
            found = await rollouts.verified(connection, source, 1000)
        chosen = [each.release_id for each in found if release in (None, each.release_id)]
        if not chosen:
            raise UsageError(
                f"{release or 'No release'} was {'not ' if release else ''}verified in {source}.",
                remedy=f"Deploy it there first; see `navigator releases {source}`.",
            )
        return await stored_release(deployer.storage, chosen[0])

    return here.work(read)
