"""Releases: made once, never changed, installed beside each other, followed by the services."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import os
import sys
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.stack.release_code import ReleaseCode
from deployments.environment import Environment
from deployments.releases import installed as installing
from deployments.releases.archive import Packed, file_name, read_release_file
from deployments.releases.installed import current, current_file, install, switch
from deployments.releases.release import Release, with_release_of, without_release
from deployments.releases.switching import CommandServices
from pipeline.errors import ConfigurationError, ServiceUnavailable, UsageError
from pipeline.identity import sha256_hex

ENVIRONMENT = Environment.model_validate(
    {
        "name": "mine",
        "prefect": {"api_url": "http://127.0.0.1:1/api"},
        "settings": {"chunk_tokens": 300},
        "secrets": {"openai_api_key": {"env": "MINE"}},
    }
)
LOCK = b"# every dependency\n"


def wheel(code: str, listed: str | None = None) -> bytes:
    """A wheel with one module; its record may list another."""
    record = io.StringIO()
    rows = csv.writer(record, lineterminator="\n")
    digest = hashlib.sha256((listed or code).encode()).digest()
    rows.writerow(
        ["told.py", "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode(), 1]
    )
    rows.writerow(["told-1.dist-info/RECORD", "", ""])
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, text in (("told.py", code), ("told-1.dist-info/RECORD", record.getvalue())):
            archive.writestr(zipfile.ZipInfo(name), text)
    return made.getvalue()


def packed(code: str = "print('one')", **facts: object) -> Packed:
    """A release whose code is one module."""
    data = wheel(code)
    made = Release.model_validate(
        {
            "version": "1.0", "wheel": "told-1-py3-none-any.whl", "wheel_sha256": sha256_hex(data),
            "lock_sha256": sha256_hex(LOCK), "schema_revision": "0011", "suites": {},
            "pipeline": {}, "deployments_sha256": "0",
            "python": "3.11", "built_at": datetime.now(UTC), **facts,
        }
    )  # fmt: skip
    return Packed(made, data, LOCK)


def test_the_same_parts_are_the_same_release() -> None:
    """When it was made does not matter; what it is made of does."""
    assert packed().release.id == packed().release.id
    assert packed().release.id != packed("print('two')").release.id
    assert packed().release.id != packed(schema_revision="0012").release.id


def test_a_release_file_is_read_as_it_was_made(tmp_path: Path) -> None:
    """Code, lock and manifest come out as they went in."""
    made = packed()
    path = tmp_path / file_name(made.release)
    path.write_bytes(made.written())
    assert read_release_file(path) == made


@pytest.mark.parametrize("what", ["wheel", "lock", "baseline", "manifest"])
def test_a_changed_release_is_refused(tmp_path: Path, what: str) -> None:
    """Whatever was changed after it was made is named."""
    made = packed()
    changed = {
        "wheel": replace(made, wheel=wheel("print('other')")),
        "lock": replace(made, lock=b"other"),
        "baseline": replace(made, baseline=b"{}"),
    }.get(what, made)
    data = changed.written()
    if what == "manifest":
        data = _with_another_version(data)
    path = tmp_path / "release.zip"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=f"its {what} changed"):
        read_release_file(path)


def _with_another_version(data: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            if name == "release.json":
                text = json.dumps({**json.loads(text), "version": "2.0"}).encode()
            new.writestr(name, text)
    return made.getvalue()


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive"])
def test_what_is_no_release_is_told(tmp_path: Path, content: bytes) -> None:
    """A file of something else, or none, is one sentence."""
    path = tmp_path / "release.zip"
    with pytest.raises(UsageError, match="cannot be read"):
        read_release_file(path)
    path.write_bytes(content)
    with pytest.raises(UsageError, match="is no release"):
        read_release_file(path)


def test_a_release_runs_its_own_code(tmp_path: Path) -> None:
    """Two releases lie beside each other, and each process says which it is of."""
    code = "import os; print(os.environ['NAVIGATOR_RELEASE'], os.environ['MINE'])"
    one = install(tmp_path, packed(code))
    two = install(tmp_path, packed(f"{code}  # two"))
    for each in (one, two):
        done = each.run("told", variables={"MINE": "yes"})
        assert done.stdout == f"{each.id} yes\n", done.stderr
    assert install(tmp_path, packed(code)) == one


def test_a_wheel_with_other_files_than_it_lists_is_refused(tmp_path: Path) -> None:
    """The code that runs is the code that was built."""
    data = wheel("print('other')", listed="print('one')")
    made = packed()
    told = made.release.model_copy(update={"wheel_sha256": sha256_hex(data)})
    with pytest.raises(UsageError, match=r"another told\.py than it lists"):
        install(tmp_path, Packed(told, data, LOCK))


def test_a_lock_with_other_versions_needs_an_environment_of_its_own() -> None:
    """What this Python has in another version is named, unless it is meant for another Python."""
    lock = (
        "pytest==0.1 \\\n    --hash=sha256:00\n"
        "pydantic==0.1 ; python_version < '3' \\\n    --hash=sha256:00\n"
        "nobody-has-this==1.0 \\\n    --hash=sha256:00\n"
    )
    assert installing._lacking(lock) == ["pytest==0.1"]


def test_services_follow_the_release_that_is_current(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service is started in the release and in the environment as it was declared with it."""
    code, command = ReleaseCode(tmp_path), [sys.executable, "-P", "-m", "app", "worker"]
    given = {**os.environ, "MINE": "sk-mine", "NAVIGATOR_PARSER": "llamaparse"}
    before = code.start(command, given, {"OWN": "1"})
    assert (before.release, before.command) == (None, command)
    release = install(tmp_path, packed())
    switch(tmp_path, release, ENVIRONMENT)
    assert code.mark() != before.mark
    start = code.start(command, given, {"OWN": "1"})
    assert start.release == release.id
    assert start.environment["PYTHONPATH"] == str(release.site)
    assert start.environment["NAVIGATOR_CHUNK_TOKENS"] == "300"
    assert start.environment["OPENAI_API_KEY"] == "sk-mine"
    assert start.environment["OWN"] == "1"
    assert "NAVIGATOR_PARSER" not in start.environment
    switch(tmp_path, None, ENVIRONMENT)
    assert code.start(command, given, {}).release is None


def test_no_secret_is_in_the_file_of_the_current_release(tmp_path: Path) -> None:
    """It names where the secret is found, and is read again as it was written."""
    switch(tmp_path, install(tmp_path, packed()), ENVIRONMENT)
    assert '"MINE"' in current_file(tmp_path).read_text()
    found = current(tmp_path)
    assert found is not None
    assert found.environment == ENVIRONMENT


def test_a_current_release_that_is_gone_is_told(tmp_path: Path) -> None:
    """Somebody removed its folder: what to do is said."""
    release = install(tmp_path, packed())
    switch(tmp_path, release, ENVIRONMENT)
    release.site.parent.rename(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationError, match=f"{release.id} is not installed"):
        current(tmp_path)


async def test_a_command_changes_services(tmp_path: Path) -> None:
    """Its words name the release, the image and the environment; its failure is told."""
    release = install(tmp_path, packed(image="registry.example/navigator@sha256:12"))
    out = tmp_path / "out"
    words = ["sh", "-c", f"echo {{release}} {{image}} {{environment}} > {out}"]
    await CommandServices(words).switch(release, ENVIRONMENT)
    assert out.read_text() == f"{release.id} registry.example/navigator@sha256:12 mine\n"
    with pytest.raises(ServiceUnavailable, match="The command sh failed: no such cluster"):
        await CommandServices(["sh", "-c", "echo no such cluster >&2; exit 1"]).switch(
            release, ENVIRONMENT
        )
    with pytest.raises(ConfigurationError, match="cannot be run"):
        await CommandServices(["/nowhere/kubectl"]).switch(release, ENVIRONMENT)
    with pytest.raises(ConfigurationError, match="No release was verified in mine before"):
        await CommandServices(words).switch(None, ENVIRONMENT)


def test_a_deployments_release_is_no_job_variable_of_its_own() -> None:
    """What says of which release it is, is left out when it is compared, and kept when mended."""
    there = {"env": {"PYTHONPATH": "/r/1", "NAVIGATOR_RELEASE": "1", "OWN": "1"}, "command": "x"}
    assert without_release(there) == {"env": {"OWN": "1"}, "command": "x"}
    assert without_release({"env": {"PYTHONPATH": "/theirs"}}) == {"env": {"PYTHONPATH": "/theirs"}}
    assert with_release_of({"job_variables": there}, {"env": {"OTHER": "2"}}) == {
        "env": {"OTHER": "2", "PYTHONPATH": "/r/1", "NAVIGATOR_RELEASE": "1"}
    }
    assert with_release_of({"job_variables": {"env": {"A": "1"}}}, {}) == {}
