"""Whether a document's file is gone."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.missing_files import is_gone
from pipeline.sources import storable


def test_a_file_is_gone_when_nothing_is_at_its_path(tmp_path: Path) -> None:
    """Whatever its name; a folder in the place of its folder's, or nothing, takes it along."""
    file = tmp_path / "folder" / ".notes.log"
    file.parent.mkdir()
    file.write_text("Notes.")
    assert not is_gone(str(file))
    file.unlink()
    assert is_gone(str(file))
    file.parent.rmdir()
    assert is_gone(str(file))
    file.parent.write_text("A file now.")
    assert is_gone(str(file))


def test_a_link_that_leads_nowhere_is_there(tmp_path: Path) -> None:
    """It is looked at itself; what lies behind it is not known while its target is away."""
    link, folder = tmp_path / "link.md", tmp_path / "drive"
    link.symlink_to(tmp_path / "nowhere")
    folder.symlink_to(tmp_path / "unmounted")
    assert not is_gone(str(link))
    assert not is_gone(str(folder / "policies" / "home.md"))
    (tmp_path / "unmounted").mkdir()
    assert is_gone(str(folder / "policies" / "home.md"))


def test_bytes_that_are_no_utf8_lead_to_their_file(tmp_path: Path) -> None:
    """The source names them by escapes, which a name may hold as they stand, too."""
    odd = tmp_path / os.fsdecode(b"pol\xe9.md")
    literal = tmp_path / "pol\\xe9.md"
    for file in (odd, literal):
        file.write_text("Policy.")
        assert storable(file) == str(literal)
        assert not is_gone(storable(file))
        file.unlink()
        assert is_gone(storable(file))


def test_what_is_no_path_is_not_gone(tmp_path: Path) -> None:
    """A name with a NUL, a name that is too long: nobody can say anything of it."""
    assert not is_gone("/policies/\0home.md")
    assert not is_gone(f"/{'x' * 5000}/home.md")
