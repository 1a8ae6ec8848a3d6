"""Object storage in a folder: whole, checked, never outside its root, and clear when it fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from clients.storage.object_storage import Storage
from clients.storage.objects import ObjectMissing, checked, parsed_key, raw_key
from pipeline.errors import ConfigurationError, StorageUnavailable
from pipeline.full_disk import DISK_FULL, REMEDY
from pipeline.identity import sha256_hex, user_id

ANNA = user_id("anna")
DIGEST = sha256_hex("content")
KEY = raw_key(ANNA, DIGEST)
OTHER = raw_key(ANNA, sha256_hex("other"))
TINY = 64 * 1024


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The storage's folder."""
    return tmp_path / "objects"


@pytest.fixture
def storage(root: Path) -> Storage:
    """An empty storage."""
    return Storage(root.as_uri())


async def test_bytes_and_files_come_back_as_they_were(storage: Storage, tmp_path: Path) -> None:
    """What is put is got, by bytes or by file; putting again replaces it whole."""
    await storage.put(KEY, b"content")
    assert checked(await storage.get(KEY), DIGEST) == b"content"
    file = tmp_path / "file"
    file.write_bytes(b"\0\xff" * 1000)
    assert await storage.put_all([(KEY, file), (OTHER, b"beside")]) == [True, True]
    assert await storage.get_all([OTHER, KEY]) == [b"beside", b"\0\xff" * 1000]
    assert await storage.exists(KEY)
    await storage.delete([KEY, KEY])
    assert not await storage.exists(KEY)


def files(root: Path) -> list[Path]:
    """Everything that lies in the storage's folder."""
    return [path for path in root.rglob("*") if path.is_file()]


_WRITER = """
import asyncio, os, signal, sys
from clients.storage.object_storage import Storage

async def pieces():
    for _ in range(20):
        yield b"x" * 1_000_000
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(Storage(sys.argv[1]).put(sys.argv[2], pieces()))
"""


@pytest.mark.parametrize("under", [False, True])
async def test_what_a_killed_writer_left_goes_with_the_object(
    storage: Storage, root: Path, *, under: bool
) -> None:
    """The store does not list a half-written file, and it may be large."""
    await storage.put(OTHER, b"beside")
    for _ in range(2):
        command = [sys.executable, "-c", _WRITER, root.as_uri(), KEY]
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL  # noqa: ASYNC221
    assert len(files(root)) == 3
    assert not await storage.exists(KEY)
    if under:
        assert await storage.delete_under(f"{ANNA}/") == 1
    else:
        await storage.delete([KEY, OTHER])
    assert files(root) == []


async def test_missing_and_damaged_objects_are_said_to_be_so(storage: Storage) -> None:
    """Nothing under a key, or other bytes than were stored, is an error with a remedy."""
    with pytest.raises(ObjectMissing, match=r"^A stored object is missing\.$") as missing:
        await storage.get(KEY)
    (among_others,) = await storage.get_all([KEY])
    assert str(among_others) == str(missing.value)
    assert missing.value.code == "object_missing"
    await storage.put(KEY, b"other")
    with pytest.raises(ObjectMissing, match=r"^A stored object is damaged\.$") as damaged:
        checked(await storage.get(KEY), DIGEST)
    assert damaged.value.code == "object_damaged"
    assert "Ingest the file again" in damaged.value.remedy


async def test_a_file_that_is_gone_is_no_trouble_of_the_storage(
    storage: Storage, tmp_path: Path
) -> None:
    """A file that vanished is named, nothing is stored for it, and the others are stored."""
    assert await storage.put_all([(KEY, tmp_path / "gone"), (OTHER, b"beside")]) == [False, True]
    assert not await storage.exists(KEY)
    assert await storage.get(OTHER) == b"beside"


@pytest.mark.parametrize("where", ["object", "folder"])
async def test_links_are_not_followed(where: str, storage: Storage, root: Path) -> None:
    """A symbolic link as object or as folder is refused for reading, writing and deleting."""
    outside = root.parent / "outside"
    target = outside / str(ANNA) / "raw" / DIGEST
    target.parent.mkdir(parents=True)
    target.write_bytes(b"secret")
    if where == "object":
        link = root / KEY
        link.parent.mkdir(parents=True)
        link.symlink_to(target)
    else:
        (root / str(ANNA)).symlink_to(outside / str(ANNA))
    calls = (
        storage.get(KEY), storage.put(KEY, b"new"), storage.put_all([(KEY, target)]),
        storage.get_all([KEY]),
        storage.exists(KEY), storage.delete([KEY]),
    )  # fmt: skip
    for call in calls:
        with pytest.raises(StorageUnavailable, match="symbolic link, which is not followed"):
            await call
    assert target.read_bytes() == b"secret"


@pytest.mark.parametrize("key", ["../outside", "a/../../outside", "nul\0", "/etc/passwd"])
async def test_no_key_leaves_the_root(key: str, storage: Storage, root: Path) -> None:
    """Keys that would climb out of the folder are refused or stay inside it."""
    with pytest.raises((StorageUnavailable, ValueError)):
        await storage.put(key, b"x")
        raise ValueError("it was stored inside")
    strangers = [path for path in root.parent.rglob("*") if root not in path.parents]
    assert strangers in ([], [root])


def test_keys_are_made_of_ids_and_hashes_only() -> None:
    """No name of a file can reach a key: there is no place for one."""
    assert f"{ANNA}/raw/{DIGEST}" == KEY
    text = parsed_key(ANNA, DIGEST, "llamaparse-v2-cost_effective-1")
    assert text == f"{ANNA}/parsed/{DIGEST}/llamaparse-v2-cost_effective-1.json"
    assert UUID(KEY.split("/")[0]) == ANNA


async def test_an_interrupted_write_leaves_nothing_under_the_key(
    storage: Storage, root: Path, tmp_path: Path
) -> None:
    """Objects appear whole: no partial file has the object's name, and none is left over."""
    await storage.put(KEY, b"content")
    assert await storage.put_all([(KEY, tmp_path / "gone")]) == [False]
    assert checked(await storage.get(KEY), DIGEST) == b"content"
    assert [name for *_, names in os.walk(root) for name in names] == [DIGEST]


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    folder = tmp_path / "tiny"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={TINY}", "tmpfs", str(folder)]
    if (done := subprocess.run(mount, capture_output=True, text=True)).returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_a_full_disk_is_told_in_a_sentence(tiny: Path, tmp_path: Path) -> None:
    """No room: nothing half-written is left, and with room again it goes on."""
    storage = Storage(tiny.as_uri())
    large = tmp_path / "large"
    large.write_bytes(bytes(4 * TINY))
    for call in (storage.put(KEY, bytes(4 * TINY)), storage.put_all([(KEY, large)])):
        with pytest.raises(StorageUnavailable) as full:
            await call
        assert full.value.message == f"The disk of {tiny} is full."
        assert (full.value.code, full.value.remedy) == (DISK_FULL, REMEDY)
        assert not await storage.exists(KEY)
    await storage.put(KEY, b"content")
    assert await storage.get(KEY) == b"content"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("nonsense://bucket", "The storage URL cannot be used"),
        ("no url at all", "The storage URL cannot be used"),
        ("s3://bucket/prefix", "This kind of storage has no option 'nonsense'"),
        ("file:///dev/null/objects", "The storage folder /dev/null/objects cannot be used"),
    ],
)
def test_a_wrong_url_is_a_setting_to_mend(url: str, sentence: str) -> None:
    """A URL or folder that cannot be used names the setting, and no secret."""
    options = {"aws_secret_access_key": "canary", "nonsense": "canary"}
    with pytest.raises(ConfigurationError, match=sentence) as wrong:
        Storage(url, options)
    assert "NAVIGATOR_STORAGE" in wrong.value.remedy
    assert "canary" not in f"{wrong.value}{wrong.value.remedy}"


@pytest.fixture
def replaced(root: Path) -> Storage:
    """A storage whose folder became a file."""
    storage = Storage(root.as_uri())
    root.rmdir()
    root.write_bytes(b"")
    return storage


async def test_a_folder_that_is_taken_away_is_unavailable(replaced: Storage, root: Path) -> None:
    """Each call says that the storage failed, without its path."""
    with pytest.raises(StorageUnavailable) as failed:
        await replaced.put(KEY, b"content")
    assert str(root) not in failed.value.message
    assert failed.value.message.startswith("The object storage failed (")
