"""A folder's files are what they seem: links, pipes and devices in it reach nothing else."""

from __future__ import annotations

import hashlib
import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import regular_files
from pipeline.folder_walk import PassedOver, Reason
from pipeline.path_patterns import absolute_pattern
from pipeline.regular_files import Elsewhere, NoRegularFile, blocks, opened, read_regular
from pipeline.roots import OutsideRoots, confined
from pipeline.sources import (
    FileContent,
    FoundFiles,
    RejectedFile,
    examine,
    find_files,
    unchanged,
)

LIMIT = 10_000
SECRET = "root:canary-secret"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one document, and a secret beside it."""
    made = tmp_path / "in"
    made.mkdir()
    (made / "a.md").write_text("a document")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "shadow.md").write_text(SECRET)
    return made


def taken(found: FoundFiles) -> dict[str, FileContent | RejectedFile]:
    """Every found file as it is examined, by name."""
    return {path.name: examine(path, LIMIT, found.within.get(path, "")) for path in found.files}


def reasons(found: FoundFiles) -> dict[str, Reason]:
    """Why each link was passed over, by its name."""
    return {link.path.name: link.reason for link in found.passed_over}


def leading_out(folder: Path, way: str) -> Path:
    """A link in the folder that leads to the secret beside it."""
    target = folder.parent / "out" / "shadow.md"
    link = folder / "link.md"
    if way == "absolute":
        link.symlink_to(target)
    elif way == "relative":
        link.symlink_to("../out/shadow.md")
    elif way == "by a second link":
        (folder / ".hidden").symlink_to(target)
        link.symlink_to(".hidden")
    elif way == "by a folder":
        (folder / ".door").symlink_to("..")
        link.symlink_to(".door/out/shadow.md")
    elif way == "past its own name":
        link.symlink_to(f"../{folder.name}/../out/shadow.md")
    elif way == "a folder like ours":
        beside = folder.parent / f"{folder.name}side"
        beside.mkdir()
        (beside / "x.md").write_text(SECRET)
        link.symlink_to(beside / "x.md")
    return link


WAYS = ("absolute", "relative", "by a second link", "by a folder", "past its own name",
        "a folder like ours")  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_a_link_out_of_the_folder_is_passed_over_and_named(folder: Path, way: str) -> None:
    """However it leads out, its file is not taken, and the link is told with its reason."""
    link = leading_out(folder, way)
    found = find_files([str(folder)])
    assert [path.name for path in found.files] == ["a.md"]
    assert found.passed_over == (PassedOver(link, Reason.OUT, folder=False),)


@pytest.mark.parametrize("way", WAYS)
def test_follow_links_follows_it(folder: Path, way: str) -> None:
    """A person who trusts the links says so."""
    leading_out(folder, way)
    found = find_files([str(folder)], follow_links=True)
    assert found.passed_over == ()
    content = taken(found)["link.md"]
    assert isinstance(content, FileContent)
    assert content.sha256 == hashlib.sha256(SECRET.encode()).hexdigest()


@pytest.mark.parametrize("follow", [False, True])
@pytest.mark.parametrize(
    "target",
    ["/proc/self/environ", "/proc/self/fd/0", "/proc/1/environ", "/sys/kernel/notes", "/dev/zero",
     "/dev/stdin", "/dev/fd/0", "/proc"],
)  # fmt: skip
def test_what_the_system_shows_is_never_read(folder: Path, target: str, follow: bool) -> None:
    """Processes, kernel and devices are no documents, whatever a person trusts."""
    (folder / "x.md").symlink_to(target)
    (folder / "second.md").symlink_to("x.md")
    found = find_files([str(folder)], follow_links=follow)
    assert [path.name for path in found.files] == ["a.md"]
    assert set(reasons(found)) == {"x.md", "second.md"}
    if follow:
        assert set(reasons(found).values()) == {Reason.SYSTEM}


@pytest.mark.parametrize("path", ["/proc/self/environ", "/dev/zero", "/sys/kernel/notes"])
def test_nor_when_it_is_named_outright(path: str) -> None:
    """The person's word does not make a document of it."""
    [content] = taken(find_files([path])).values()
    assert isinstance(content, RejectedFile)
    assert content.code in ("link_not_followed", "file_missing")
    assert find_files(["/proc"]).passed_over[0].reason is Reason.SYSTEM


def test_nor_a_regular_file_that_lies_there(folder: Path) -> None:
    """In /dev/shm lies what programs share; it is theirs, whether named or reached by a link."""
    with tempfile.NamedTemporaryFile(dir="/dev/shm", suffix=".md") as shared:
        (folder / "x.md").symlink_to(shared.name)
        [named] = taken(find_files([shared.name])).values()
        assert isinstance(named, RejectedFile)
        followed = find_files([str(folder)], follow_links=True)
        assert reasons(followed) == {"x.md": Reason.SYSTEM}


def test_nor_what_this_process_holds_open(folder: Path) -> None:
    """A link through /proc/self/fd would lead to our own files, wherever they lie."""
    with (folder.parent / "out" / "shadow.md").open() as held:
        (folder / "x.md").symlink_to(f"/proc/self/fd/{held.fileno()}")
        found = find_files([str(folder)], follow_links=True)
    assert reasons(found) == {"x.md": Reason.SYSTEM}


def test_nor_where_it_is_mounted_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the kernel makes up is known by its device too, whatever its folder is called."""
    monkeypatch.setattr(regular_files, "is_never", lambda real: False)
    with pytest.raises(Elsewhere), opened("/proc/self/environ"):
        pass


def test_folder_links_are_passed_over_and_named(folder: Path) -> None:
    """One that leads out takes nothing in; with the option it is looked through."""
    link = folder / "more"
    link.symlink_to(folder.parent / "out")
    found = find_files([str(folder)])
    assert [path.name for path in found.files] == ["a.md"]
    assert found.passed_over == (PassedOver(link, Reason.OUT, folder=True),)
    followed = find_files([str(folder)], follow_links=True)
    assert [path.name for path in followed.files] == ["a.md", "shadow.md"]


def test_a_folder_behind_a_link_is_read_once(folder: Path) -> None:
    """A link to the folder above brings in what is beside ours, and ours not a second time."""
    (folder / "up").symlink_to("..")
    found = find_files([str(folder)], follow_links=True)
    assert [str(path.relative_to(folder)) for path in found.files] == ["a.md", "up/out/shadow.md"]


@pytest.mark.parametrize("follow", [False, True])
def test_circles_end(folder: Path, follow: bool) -> None:
    """Links to the folder itself and to each other end, also two that would double at each turn."""
    for name in ("one", "two", "three"):
        (folder / name).symlink_to(".")
    (folder / "deep").mkdir()
    (folder / "deep" / "back").symlink_to("..")
    (folder / "x.md").symlink_to("y.md")
    (folder / "y.md").symlink_to("x.md")
    found = find_files([str(folder)], follow_links=follow)
    globbed = find_files([str(folder / "**" / "*.md")], follow_links=follow)
    assert set(reasons(found)) == {"one", "two", "three", "back"}
    for each in (found, globbed):
        looked_at = {name: getattr(got, "code", "taken") for name, got in taken(each).items()}
        assert looked_at == {"a.md": "taken", "x.md": "file_missing", "y.md": "file_missing"}


@pytest.mark.parametrize("pattern", ["*", "*.md", "**/*.md", "**", "*/*.md"])
def test_what_a_pattern_matches_is_found_not_named(folder: Path, pattern: str) -> None:
    """A link that a star meets may lead no further than one that a folder shows."""
    leading_out(folder, "absolute")
    (folder / "more").symlink_to(folder.parent / "out")
    (folder / "sub").mkdir()
    (folder / "sub" / "b.md").write_text("another")
    found = find_files([str(folder / pattern)])
    assert {path.name for path in found.files} <= {"a.md", "b.md"}
    assert found.passed_over or pattern in ("**/*.md", "**")


def test_a_link_that_is_named_outright_is_the_named_thing(folder: Path) -> None:
    """The person said so; it is told where it leads."""
    link = leading_out(folder, "absolute")
    found = find_files([str(link)])
    assert found.named_links == [link]
    assert isinstance(taken(found)["link.md"], FileContent)


def test_a_folder_that_is_a_link_is_the_named_folder(folder: Path) -> None:
    """Its own links may lead within what it leads to."""
    (folder / "same.md").symlink_to("a.md")
    door = folder.parent / "door"
    door.symlink_to(folder)
    found = find_files([str(door)])
    assert [str(path) for path in found.files] == [f"{door}/a.md", f"{door}/same.md"]


@pytest.mark.parametrize("kind", ["pipe", "socket", "device", "link to a pipe"])
def test_what_is_no_file_is_never_opened(folder: Path, kind: str) -> None:
    """It is told as a file that cannot be taken, without waiting for a writer."""
    path = folder / "odd.md"
    with socket.socket(socket.AF_UNIX) as server:
        if kind == "socket":
            server.bind(str(path))
        elif kind == "device":
            if os.geteuid() != 0:
                pytest.skip("only root makes devices")
            os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))  # /dev/zero's number
        else:
            os.mkfifo(folder / ".pipe" if "link" in kind else path)
            if "link" in kind:
                path.symlink_to(".pipe")
        content = taken(find_files([str(folder)]))["odd.md"]
    assert isinstance(content, RejectedFile)
    with pytest.raises((NoRegularFile, FileNotFoundError)), opened(path):
        pass


def test_a_file_that_is_exchanged_for_a_link_gives_nothing_away(folder: Path) -> None:
    """Between the look and the reading its name, or a folder above it, comes to mean the secret."""
    (folder / "sub").mkdir()
    (folder / "sub" / "shadow.md").write_text("harmless")
    found = find_files([str(folder)])
    (folder / "sub").rename(folder / "was")
    (folder / "sub").symlink_to(folder.parent / "out")
    content = taken(found)["shadow.md"]
    assert isinstance(content, RejectedFile)
    assert content.code == "link_not_followed"


@pytest.mark.parametrize("follow", [False, True])
@pytest.mark.parametrize("named", [False, True])
def test_a_worker_reads_inside_its_roots_also_when_a_name_changes(
    folder: Path, named: bool, follow: bool
) -> None:
    """A file that is named outright, or links that are trusted, are bound to the root as well."""
    path = folder / "a.md"
    found = find_files([str(path if named else folder)], follow_links=follow)
    bound = confined(found, [folder.resolve()])
    path.unlink()
    path.symlink_to(folder.parent / "out" / "shadow.md")
    content = taken(bound)["a.md"]
    assert isinstance(content, RejectedFile)
    with pytest.raises(OutsideRoots):
        confined(find_files([str(folder)], follow_links=True), [folder.resolve()])


def test_bytes_are_read_of_the_file_that_was_hashed(folder: Path) -> None:
    """Exchanged after it was hashed it is not stored; exchanged while it is, the first one is."""
    path = folder / "a.md"
    content = examine(path, LIMIT, os.path.realpath(folder))
    assert isinstance(content, FileContent)
    with unchanged(content) as held:
        assert held is not None
        path.unlink()
        path.symlink_to(folder.parent / "out" / "shadow.md")
        assert held.read_text() == "a document"
    with unchanged(content) as held:
        assert held is None


def test_links_that_flicker_never_show_the_secret(folder: Path) -> None:
    """While somebody exchanges file and link all the time, only the file or nothing is read."""
    path, stop = folder / "a.md", threading.Event()
    secret = folder.parent / "out" / "shadow.md"

    def flicker() -> None:
        while not stop.is_set():
            link, file = folder / ".link", folder / ".file"
            link.symlink_to(secret)
            link.replace(path)
            file.write_text("a document")
            file.replace(path)

    thread = threading.Thread(target=flicker)
    thread.start()
    try:
        seen = {getattr(_examined(path, folder), "sha256", "") for _ in range(3000)}
    finally:
        stop.set()
        thread.join()
    assert hashlib.sha256(SECRET.encode()).hexdigest() not in seen


def _examined(path: Path, folder: Path) -> FileContent | RejectedFile:
    return examine(path, LIMIT, os.path.realpath(folder))


def test_a_file_that_grows_while_it_is_read_is_too_large(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its size is what was read, not what was seen before; and no more is read than is taken."""
    path, read = folder / "a.md", []

    def grown(descriptor: int, size: int) -> Iterator[bytes]:
        with path.open("ab") as file:
            file.write(b"x" * 5 * LIMIT)
        for block in blocks(descriptor, LIMIT // 2):
            read.append(len(block))
            yield block

    monkeypatch.setattr("pipeline.sources.blocks", grown)
    rejected = examine(path, LIMIT)
    assert isinstance(rejected, RejectedFile)
    assert rejected.code == "file_too_large"
    assert sum(read) <= 2 * LIMIT


def test_deep_folders_are_looked_through(tmp_path: Path) -> None:
    """As deep as a path may be, without Python's limit of recursion."""
    made = [tmp_path]
    for _ in range(1200):
        made.append(made[-1] / "d")
        made[-1].mkdir()
    (made[-1] / "a.md").write_text("deep")
    found = find_files([str(tmp_path)]).files
    (made[-1] / "a.md").unlink()
    for each in reversed(made[1:]):  # nor do those who tidy up get so deep
        each.rmdir()
    assert len(found) == 1


def test_a_file_that_a_setting_names_is_read_as_a_file_only(folder: Path) -> None:
    """A pipe that nobody writes into, a device and a process's environment are refused."""
    os.mkfifo(folder / "pipe")
    for path in (folder / "pipe", Path("/dev/zero"), Path("/proc/self/environ")):
        with pytest.raises(OSError):
            read_regular(path)
    with pytest.raises(OSError):
        read_regular(folder / "a.md", most=3)
    assert read_regular(folder / "a.md") == b"a document"


def test_elsewhere_and_no_file_are_errors_of_the_system() -> None:
    """Whoever catches OSError catches them."""
    assert issubclass(Elsewhere, OSError) and issubclass(NoRegularFile, OSError)


@pytest.mark.parametrize("given", [".", "a.md", "../x/*.md", "**/*.md", "~/a.md", "/etc/x"])
def test_a_path_means_the_same_from_every_folder(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the folder's own name has stars in it."""
    here = tmp_path / "odd[1]*"
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "c.md").write_text("c")
    here.mkdir()
    (here / "a.md").write_text("a")
    monkeypatch.chdir(here)
    before = _found(given)
    made = absolute_pattern(given)
    monkeypatch.chdir("/")
    assert Path(made).is_absolute()
    assert _found(made) == before


def _found(given: str) -> Iterator[Path] | tuple[Path, ...] | None:
    from pipeline.errors import UsageError

    try:
        return find_files([given]).files
    except UsageError:
        return None
