"""Make a fixture of an earlier version: `python -m tests.upgrades.make_fixture NAME COMMIT`.

The program of that commit itself takes in a handful of the samples, edits one, deletes one, has a
second user, and saves a backup; then its database is dumped by Postgres's own `pg_dumpall`. What
`README.md` here says of the fixtures is what this does. Needs the repository's history, and about
a minute; the fixtures that are there are never made again for a change of today's program.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.upgrades.earlier_homes import DOCUMENTS, FIXTURES, LISTED, OTHER_USER, Running, running

ROOT = Path(__file__).resolve().parents[2]
EDITED, DELETED = "renters-policy.md", "flood-exclusion-notice.txt"
TAKEN_IN = (
    EDITED, DELETED, "travel-insurance.txt", "liability-endorsement.pdf",
    "workers-compensation-encrypted.pdf",
)  # fmt: skip
OTHERS = "travel-insurance.txt"


def main() -> None:
    """Make one fixture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="of the fixture, such as 0.1")
    parser.add_argument("commit", help="whose program makes it")
    asked = parser.parse_args()
    with _checkout(asked.commit) as program, tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        home = made / "home"
        _fill(program, home, made)
        with running(home / "postgres") as database:
            expected = _expected(database, asked.commit)
            (made / "database.sql").write_text(database.dump())
        _keep(asked.name, made, expected)


@contextmanager
def _checkout(commit: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="navigator-earlier-")) / "program"
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--quiet", "--detach", str(folder), commit], check=True)
    try:
        yield folder
    finally:
        subprocess.run([*git, "remove", "--force", str(folder)], check=True)
        shutil.rmtree(folder.parent, ignore_errors=True)


def _fill(program: Path, home: Path, made: Path) -> None:
    """Have the program of then do its work; the documents lie where they are told to be."""
    shutil.rmtree(DOCUMENTS, ignore_errors=True)
    DOCUMENTS.mkdir(parents=True)
    for name in TAKEN_IN:
        shutil.copy(program / "samples" / "files" / name, DOCUMENTS)
    try:
        _navigator(program, home, "ingest", DOCUMENTS, fails=True)  # one needs a password
        edited = DOCUMENTS / EDITED
        edited.write_text(edited.read_text().rstrip("\n") + "\n\nAmended once.\n")
        _navigator(program, home, "ingest", edited)
        _navigator(program, home, "delete", DOCUMENTS / DELETED, "--yes")
        _navigator(program, home, "ingest", DOCUMENTS / OTHERS, "--user", OTHER_USER)
        _navigator(program, home, "backup", made / "home.backup")
        (DOCUMENTS / DELETED).unlink()
        shutil.copytree(DOCUMENTS, made / "documents")
    finally:
        shutil.rmtree(DOCUMENTS.parent)


def _navigator(program: Path, home: Path, *arguments: object, fails: bool = False) -> None:
    ours = ("NAVIGATOR_", "PREFECT_", "OPENAI_", "LLAMA_", "DATABASE_URL", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    done = subprocess.run(
        [sys.executable, "-m", "app", *map(str, arguments)], cwd=program, text=True,
        env={**kept, "NAVIGATOR_HOME": str(home), "PYTHONPATH": str(program)},
        stdin=subprocess.DEVNULL, capture_output=True,
    )  # fmt: skip
    if (done.returncode != 0) != fails:
        raise SystemExit(f"{arguments} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def _expected(database: Running, commit: str) -> dict[str, Any]:
    (documents,) = database.ask(LISTED)
    (revision,) = database.ask("SELECT version_num FROM upload_pipeline.alembic_version")
    subject = subprocess.run(
        ["git", "-C", str(ROOT), "log", "-1", "--format=%h %cs %s", commit],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    return {"commit": subject, "revision": revision, "documents": documents}


def _keep(name: str, made: Path, expected: dict[str, Any]) -> None:
    FIXTURES.mkdir(exist_ok=True)
    (FIXTURES / f"{name}.json").write_text(json.dumps(expected, indent=1) + "\n")
    with tarfile.open(FIXTURES / f"{name}.tar.xz", "w:xz", preset=9) as archive:
        for part in ("database.sql", "home/objects", "home.backup", "documents"):
            archive.add(made / part, part, filter=_anonymous)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Nobody's name and no time."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member


if __name__ == "__main__":
    main()
