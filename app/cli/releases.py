"""`navigator releases`: shows what was deployed to an environment, and how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.terminal.options import Json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.store.rollouts import RecordedRelease, Rollout


def command(
    environment: Annotated[str, typer.Argument(metavar="ENV", help="Of deployments/environments.")],
    most: Annotated[int, typer.Option(min=1, max=1000, help="So many, the newest first.")] = 20,
    json: Json = False,
) -> None:
    """Show the deployments to an environment: release, time, who, and how each ended."""
    from app.terminal.console import print_json, tell
    from app.terminal.rollouts import entered

    here = entered(environment)
    from deployments.releases.deploying import Deployer
    from pipeline.store import rollouts, schema_changes

    async def read(deployer: Deployer) -> tuple[Sequence[Rollout], Sequence[RecordedRelease]]:
        if schema_changes.revision_of(deployer.addresses) < schema_changes.RELEASES_SINCE:
            return [], []
        async with deployer.database.service() as connection:
            return (
                await rollouts.history(connection, environment, most),
                await rollouts.releases(connection),
            )

    found, known = here.work(read)
    manifests = {each.id: each.manifest for each in known}
    if json:
        print_json(as_json(environment, found, manifests))
    elif not found:
        tell(f"Nothing was deployed to {environment} yet.")
    else:
        _show(found, manifests)


def as_json(
    environment: str, found: Sequence[Rollout], manifests: Mapping[str, Mapping[str, object]]
) -> dict[str, object]:
    """The deployments for a program, each with its release's manifest."""
    from app.terminal.rollouts import as_json as rollout_json

    told = [{**rollout_json(each), "manifest": manifests[each.release_id]} for each in found]
    return {"environment": environment, "deployments": told}


def _show(found: Sequence[Rollout], manifests: Mapping[str, Mapping[str, object]]) -> None:
    from app.terminal.console import answers, table
    from app.terminal.rollouts import WORDS, when
    from pipeline.store.rollouts import Step

    made = table("release", "commit", "schema", "began", "s", "by", "how it ended")
    runs = next((each.id for each in found if each.step == Step.VERIFIED), None)
    for each in found:
        manifest = manifests[each.release_id]
        ended = each.ended_at or each.updated_at
        reason = f": {each.reason}" if each.reason else ""
        made.add_row(
            f"{each.release_id}{' (runs)' if each.id == runs else ''}",
            str(manifest.get("commit") or "")[:10],
            str(manifest.get("schema_revision")),
            when(each.created_at),
            f"{(ended - each.created_at).total_seconds():.0f}",
            each.who,
            f"{WORDS[Step(each.step)]}{reason}",
        )
    answers().print(made)
