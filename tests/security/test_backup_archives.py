"""A backup's file is read as a stranger's: what is not as we write it is refused in a sentence."""

from __future__ import annotations

import gzip
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from app.cli.reset import reset
from app.stack.restore import restore
from pipeline.errors import StorageUnavailable, UsageError
from pipeline.identity import sha256_hex
from pipeline.settings import load_settings
from tests.app.navigating import Navigator
from tests.security.backups import Parts, plain_file, write_tar

USER = str(UUID(int=7))
CONTENTS = (b"one", b"two" * 1000, b"")
TABLE = "tables/documents/000001"


@pytest.fixture
def parts() -> Parts:
    """A backup whose shape is ours; nobody gets as far as to look at its rows."""
    keys = sorted((f"{USER}/raw/{sha256_hex(each)}", each) for each in CONTENTS)
    parsed = (f"{USER}/parsed/{sha256_hex(b'one')}/local-2.json", b"{}")
    tables = {"documents": {"columns": ["id"], "rows": 0, "bytes": 0, "sha256": ""}}
    manifest = {
        "format": 2, "made": "now", "version": "1", "revision": "9999", "tables": tables,
        "objects": {},
    }  # fmt: skip
    files = {TABLE: b"rows", **{f"objects/{key}": each for key, each in (parsed, *keys)}}
    return Parts(manifest, files).seal()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home."""
    made = tmp_path / "home"
    made.mkdir()
    return made


def refusal(home: Path, path: Path) -> str:
    """What is said of a file that is refused; the home stays empty."""
    with pytest.raises(UsageError) as caught:
        restore(load_settings(home=home), path)
    assert list(home.iterdir()) == []
    assert caught.value.message.endswith(".")
    assert "\n" not in caught.value.message
    assert "\x1b" not in caught.value.message
    return caught.value.message


def test_the_shape_is_ours(parts: Parts, home: Path, tmp_path: Path) -> None:
    """Of the file that the others are variations of, only the schema is refused, as meant."""
    assert "which this program does not know" in refusal(home, parts.write(tmp_path / "b"))


def _typed(kind: bytes, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(f"objects/{USER}/raw/{'f' * 64}")
    member.type, member.linkname = kind, link
    return member


@pytest.mark.parametrize(
    "member",
    [
        _typed(tarfile.SYMTYPE, "/etc/passwd"),
        _typed(tarfile.LNKTYPE, TABLE),
        _typed(tarfile.CHRTYPE),
        _typed(tarfile.BLKTYPE),
        _typed(tarfile.FIFOTYPE),
        _typed(tarfile.DIRTYPE),
        _typed(tarfile.CONTTYPE),
        _typed(tarfile.GNUTYPE_SPARSE),
        _typed(tarfile.REGTYPE, "/etc/passwd"),
        _typed(tarfile.XHDTYPE),
        _typed(tarfile.XGLTYPE),
        _typed(tarfile.GNUTYPE_LONGNAME),
        _typed(tarfile.GNUTYPE_LONGLINK),
        _typed(b"Q"),
    ],
    ids=lambda member: repr(member.type) + member.linkname,
)
def test_only_plain_files(
    parts: Parts, home: Path, tmp_path: Path, member: tarfile.TarInfo
) -> None:
    """Links, devices, folders, sparse files and every extension of tar are refused."""
    said = refusal(home, parts.write(tmp_path / "b", (member, b"")))
    # A sparse header that is no header at all is none, before it is looked at for what it is.
    assert "something else than plain files" in said or "no archive of ours" in said


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
@pytest.mark.parametrize("kind", ["long", "deep", "pax sparse"])
def test_extensions_of_tar_are_not_followed(
    home: Path, tmp_path: Path, form: int, kind: str
) -> None:
    """A name of a million characters, thousands of headers in a row, a sparse map as metadata."""
    if kind == "long":
        write_tar(tmp_path / "b", [(plain_file("x" * 1_000_000), b"")], form)
    elif kind == "deep":
        header = plain_file("././@LongLink", b"x" * 512)
        header.type = tarfile.GNUTYPE_LONGNAME if form == tarfile.GNU_FORMAT else tarfile.XHDTYPE
        block = header.tobuf(tarfile.USTAR_FORMAT) + b"x" * 512
        (tmp_path / "b").write_bytes(block * 20_000)
    else:
        member = plain_file(TABLE)
        member.pax_headers = {
            "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "1" * 14,
        }  # fmt: skip
        member.pax_headers = member.pax_headers if form == tarfile.PAX_FORMAT else {}
        if not member.pax_headers:
            member.type = tarfile.GNUTYPE_SPARSE
        write_tar(tmp_path / "b", [(member, b"")], form)
    said = refusal(home, tmp_path / "b")
    assert "something else than plain files" in said or "a name that we do not give" in said


@pytest.mark.parametrize(
    "name",
    [
        "../outside", "/etc/cron.d/x", "objects/../../outside", f"objects/{USER}/raw/../../../x",
        f"objects/{USER}/raw/{'F' * 64}", f"objects/{USER}/raw/short", "objects/",
        f"objects/{USER}/incoming/{UUID(int=8)}", f"objects/{USER}/parsed/{'f' * 64}/..",
        f"objects/{USER}/parsed/{'f' * 64}/../a.json", f"objects/{USER}/parsed/{'f' * 64}/a\\.json",
        f"objects/{USER}/parsed/{'f' * 64}/\x1b[31m.json", f"objects//{USER}/raw/{'f' * 64}",
        f"./objects/{USER}/raw/{'f' * 64}", f"objects/{USER}/raw/{'f' * 64}/", "objects",
        "tables/documents/1", "tables/documents/0000001", "tables/Documents/000001",
        "tables/../000001", "tables/pg_authid;drop/000001", "postgres/postgresql.conf",
        "secret", "manifest.json/x", "",
    ],
)  # fmt: skip
def test_names_are_those_that_we_give(parts: Parts, home: Path, tmp_path: Path, name: str) -> None:
    """A file by any other name is refused, wherever it would have led."""
    said = refusal(home, parts.write(tmp_path / "b", (plain_file(name), b"")))
    assert "no whole backup" in said
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda files: files.reverse(),
        lambda files: files.insert(0, files.pop()),
        lambda files: files.append((TABLE, b"")),
        lambda files: files.insert(1, ("tables/documents/000003", b"")),
        lambda files: files.insert(1, ("tables/uploads/000002", b"")),
        lambda files: files.insert(0, ("tables/documents/000000", b"")),
        lambda files: files.insert(1, ("tables/uploads/000001", b"")),
    ],
)
def test_the_order_is_ours(
    parts: Parts, home: Path, tmp_path: Path, change: Callable[[object], object]
) -> None:
    """Files in another order, a piece that is missing, and a table of which nothing is said."""
    files = list(parts.files.items())
    change(files)
    told = json.dumps(parts.manifest).encode()
    members = [(plain_file(name, content), content) for name, content in files]
    write_tar(tmp_path / "b", [*members, (plain_file("manifest.json", told), told)])
    said = refusal(home, tmp_path / "b")
    assert "not in their order" in said or "does not name" in said


@pytest.mark.parametrize("which", [TABLE, "objects", "manifest.json"])
def test_nothing_comes_twice(parts: Parts, home: Path, tmp_path: Path, which: str) -> None:
    """The same name again is refused, and so is what follows the manifest."""
    told = json.dumps(parts.manifest).encode()
    files = [*parts.files.items(), ("manifest.json", told)]
    at = max(n for n, (name, _) in enumerate(files) if name.startswith(which))
    files.insert(at, files[at])
    write_tar(tmp_path / "b", [(plain_file(name, content), content) for name, content in files])
    assert "not in their order" in refusal(home, tmp_path / "b")


def test_a_table_comes_once(parts: Parts, home: Path, tmp_path: Path) -> None:
    """A table that begins again after another one is refused."""
    parts.manifest["tables"]["uploads"] = dict(parts.manifest["tables"]["documents"])
    told = json.dumps(parts.manifest).encode()
    names = [TABLE, "tables/uploads/000001", TABLE]
    members = [(plain_file(name), b"") for name in names]
    write_tar(tmp_path / "b", [*members, (plain_file("manifest.json", told), told)])
    assert "not in their order" in refusal(home, tmp_path / "b")


@pytest.mark.parametrize("name", [TABLE, "objects"])
@pytest.mark.parametrize("kind", ["changed", "longer", "shorter", "gone"])
def test_the_manifest_is_true(
    parts: Parts, home: Path, tmp_path: Path, name: str, kind: str
) -> None:
    """A table or an object that is not what the manifest says, by one byte, is damaged."""
    parts.manifest["revision"] = "0001"
    at = next(each for each in parts.files if each.startswith(name) and parts.files[each])
    content = parts.files[at]
    altered = {"changed": b"?" + content[1:], "longer": content + b"x", "shorter": content[1:]}
    if kind == "gone":
        del parts.files[at]
    else:
        parts.files[at] = altered[kind]
    assert "is damaged" in refusal(home, parts.write(tmp_path / "b"))


def test_an_object_is_what_its_key_says(parts: Parts, home: Path, tmp_path: Path) -> None:
    """A file whose bytes have another hash than its key is damaged, whatever the manifest says."""
    parts.manifest["revision"] = "0001"
    raw = next(name for name in parts.files if "/raw/" in name)
    parts.files[raw] = b"other bytes"
    assert "is damaged" in refusal(home, parts.seal().write(tmp_path / "b"))


@pytest.mark.parametrize(
    "manifest",
    [
        b"", b"{", b"[]", b"null", b"[" * 100_000, b'{"format": 2}', b"\xff\xfe",
        b'{"format": 1e999}', b" " * (2 * 1024 * 1024),
    ],
    ids=lambda content: repr(content[:20]),
)  # fmt: skip
def test_a_manifest_that_cannot_be_read(home: Path, tmp_path: Path, manifest: bytes) -> None:
    """Empty, torn, deep, of another kind or too large: refused in a sentence."""
    write_tar(tmp_path / "b", [(plain_file("manifest.json", manifest), manifest)])
    assert "its manifest" in refusal(home, tmp_path / "b")


@pytest.mark.parametrize(
    "change",
    [
        {"format": 3}, {"format": "2"}, {"more": 1}, {"tables": {"\x1b[31m": {}}},
        {"tables": {"documents": {"columns": ["id"], "rows": -1, "bytes": 0, "sha256": "0" * 64}}},
        {"tables": {"documents": {"columns": ["id; DROP"], "rows": 0, "bytes": 0,
                                  "sha256": "0" * 64}}},
        {"objects": {"count": 10**30, "bytes": 0, "sha256": "0" * 64}},
        {"objects": {"count": 0, "bytes": 0, "sha256": "x"}}, {"version": "x" * 100},
    ],
    ids=str,
)  # fmt: skip
def test_a_manifest_that_is_not_ours(
    parts: Parts, home: Path, tmp_path: Path, change: dict[str, object]
) -> None:
    """Other fields, other types, names that are none, numbers that are none."""
    parts.manifest |= change
    said = refusal(home, parts.write(tmp_path / "b"))
    assert "manifest cannot be read" in said or "another format" in said


def _bytes(parts: Parts, tmp_path: Path) -> bytes:
    return parts.write(tmp_path / "whole").read_bytes()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda raw: b"", "no archive of ours"),
        (lambda raw: raw[:700], "no archive of ours"),
        (lambda raw: raw[:-9_000], "no archive of ours"),
        (lambda raw: raw[: 3 * 512], "longer than"),
        (lambda raw: gzip.compress(raw), "no archive of ours"),
        (lambda raw: raw + b"x" * 512, "follows its end"),
        (lambda raw: raw + bytes(1_000_000), "follows its end"),
        (lambda raw: raw + raw, "follows its end"),
        (lambda raw: b"\x00" * 10_240, "no manifest"),
        (lambda raw: b"PK\x03\x04" + raw, "no archive of ours"),
    ],
)
def test_a_file_that_is_no_whole_archive(
    parts: Parts,
    home: Path,
    tmp_path: Path,
    change: Callable[[bytes], bytes],
    said: str,
) -> None:
    """Cut off, compressed, followed by something, or something else altogether."""
    (tmp_path / "b").write_bytes(change(_bytes(parts, tmp_path)))
    found = refusal(home, tmp_path / "b")
    assert "no whole backup" in found
    assert said in found


@pytest.mark.parametrize("size", [10**9, 8 * 1024**3 - 1, -1, 2**70])
def test_a_size_that_is_not_there(home: Path, tmp_path: Path, size: int) -> None:
    """A file that claims more bytes than the archive has, or fewer than none, is refused."""
    member = plain_file(TABLE)
    member.size = abs(size) if 0 <= size < 8 * 1024**3 else 0
    header = bytearray(member.tobuf(tarfile.USTAR_FORMAT))
    if member.size == 0:  # in base 256, which holds any number
        header[124:136] = (b"\xff" if size < 0 else b"\x80") + (size % 2**88).to_bytes(11, "big")
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
    (tmp_path / "b").write_bytes(bytes(header) + b"rows" * 128 + bytes(10_240))
    assert "longer than the archive" in refusal(home, tmp_path / "b")


def test_a_file_with_holes_is_limited(parts: Parts, home: Path, tmp_path: Path) -> None:
    """A terabyte that lies nowhere is refused by its size, or, with a higher limit, by its end."""
    whole = parts.write(tmp_path / "b")
    os.truncate(whole, 2**40)
    assert "are allowed" in refusal(home, whole)
    settings = load_settings(home=home, restore_max_bytes=2**41)
    with pytest.raises(UsageError, match="something follows its end"):
        restore(settings, whole)


def test_there_must_be_room(parts: Parts, home: Path, tmp_path: Path) -> None:
    """Rows that would not fit on the disk are not begun with."""
    parts.manifest["revision"] = "0001"
    parts.manifest["tables"]["documents"]["bytes"] = 2**60
    with pytest.raises(StorageUnavailable, match="needs about"):
        restore(load_settings(home=home), parts.write(tmp_path / "b"))
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("kind", ["fifo", "folder", "device", "missing"])
def test_what_is_no_file(home: Path, tmp_path: Path, kind: str) -> None:
    """A pipe, a folder, a device and nothing are refused at once; nobody waits for a writer."""
    path = tmp_path / "b"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    said = refusal(home, Path("/dev/zero") if kind == "device" else path)
    assert "no whole backup" in said or "cannot be opened" in said


def test_a_restore_that_was_cut_off_is_told(parts: Parts, home: Path, tmp_path: Path) -> None:
    """Its mark keeps another restore away, and a reset takes it and what it left away."""
    (home / ".restoring").mkdir()
    (home / "objects").mkdir()
    refused = Navigator(home).here("restore", parts.write(tmp_path / "b"))
    assert (refused.code, "under way or was cut off" in refused.err) == (2, True)
    assert "`navigator reset`" in refused.err
    reset(load_settings(home=home))
    assert list(home.iterdir()) == []


def test_a_manifest_is_small(parts: Parts, home: Path, tmp_path: Path) -> None:
    """Two megabytes of a manifest are not read."""
    told = json.dumps(parts.manifest).encode() + b" " * (2 * 1024 * 1024)
    write_tar(tmp_path / "b", [(plain_file("manifest.json", told), told)])
    assert "its manifest is too large" in refusal(home, tmp_path / "b")


@pytest.mark.parametrize("name", ["../outside", f"objects/{USER}/raw/{'F' * 64}", "x" * 200])
def test_a_long_name_is_looked_at_too(parts: Parts, home: Path, tmp_path: Path, name: str) -> None:
    """An archive that was packed anew is taken; a name in an extended header must be ours too."""
    told = json.dumps(parts.manifest).encode()
    files = [*parts.files.items(), ("manifest.json", told)]
    members = [(plain_file(each, content), content) for each, content in files]
    write_tar(tmp_path / "b", members, tarfile.PAX_FORMAT)
    assert "which this program does not know" in refusal(home, tmp_path / "b")
    hidden = plain_file("manifest.json")
    hidden.pax_headers = {"path": name}
    write_tar(tmp_path / "b", [*members[:-1], (hidden, b""), members[-1]], tarfile.PAX_FORMAT)
    assert "a name that we do not give" in refusal(home, tmp_path / "b")
