"""`navigator release`: makes a release of a checkout."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.terminal.options import Json

if TYPE_CHECKING:
    from deployments.releases.release import Release


def command(
    source: Annotated[
        Path | None, typer.Option(help="A checkout; by itself the one that this program is of.")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="The folder that the file is written to; by itself this one.")
    ] = Path(),
    baseline: Annotated[
        Path | None,
        typer.Option(help="What environments are verified against: of `baseline record`."),
    ] = None,
    image: Annotated[
        str | None,
        typer.Option(help="Of container pools, as repository@sha256:digest."),
    ] = None,
    dirty: Annotated[
        bool, typer.Option("--dirty", help="Take changes that are not committed.")
    ] = False,
    json: Json = False,
) -> None:
    """Make a release of a checkout: one file with code, lock, versions and baseline."""
    from app.terminal.console import print_json, tell_path, working
    from deployments.releases.archive import file_name
    from deployments.releases.building import build
    from deployments.verification.baseline import read_baseline
    from pipeline.child_processes import ROOT

    recorded = None
    if baseline is not None:
        read_baseline(baseline)
        recorded = baseline.read_bytes()
    with working("Building"):
        packed = build(source or ROOT, image=image, baseline=recorded, dirty=dirty)
    out.mkdir(parents=True, exist_ok=True)
    path = out.absolute() / file_name(packed.release)
    path.write_bytes(packed.written())
    if json:
        print_json(as_json(packed.release, path))
    else:
        tell_path(f"Release {packed.release.id}:", path)


def as_json(release: Release, path: Path) -> dict[str, object]:
    """The release for a program: its manifest, and where its file is."""
    told = {name: value for name, value in release.told().items() if name != "format"}
    return {**told, "file": str(path)}
